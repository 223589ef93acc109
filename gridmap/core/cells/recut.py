"""Cut land again inside a rim that must stay as it is."""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely

from gridmap.core.cells.blocks import Faces, faces_between, merge_faces, thin_groups
from gridmap.core.cells.borders import Housed, houses_in_blocks, shares_in
from gridmap.core.cells.coverage import Geometries, Ints, densify
from gridmap.core.cells.fixed import settled
from gridmap.core.cells.settings import CellSettings

__all__ = ["cut_block", "fitted", "inhabited_faces"]


def inhabited_faces(outlines: Geometries, faces: Geometries) -> Any:
    """Mark the faces that hold the largest share of some outline."""
    inhabited = np.zeros(len(faces), dtype=bool)
    if len(outlines):
        outline, face, share = shares_in(outlines, faces)
        order = np.lexsort((face, -share, outline))
        inhabited[face[order[np.unique(outline[order], return_index=True)[1]]]] = True
    return inhabited


def fitted(blocks: Faces, region: Any, outlines: Geometries, preferred_area: Ints, settings: CellSettings) -> Housed:
    """Make blocks that tile a region (metric polygon on the millimetre grid) go round its buildings.

    The rim of the region keeps exactly its vertices: land outside need not be touched.
    """
    housed = houses_in_blocks(blocks, outlines, preferred_area)
    polygon = settled(housed.blocks.polygon, region)
    left = ~shapely.is_empty(polygon)
    done = Faces(densify(polygon[left], settings.step_m), housed.blocks.area[left], housed.blocks.water[left])
    place = np.append(np.where(left, np.cumsum(left) - 1, -1), -1)
    return Housed(done, place[housed.block], housed.share, housed.cut_by_area)


def cut_block(blocks: Faces, number: int, lines: Geometries, outlines: Geometries, settings: CellSettings) -> Housed:
    """Cut one of the blocks along lines; area and water of the pieces stay as they are."""
    region = blocks.polygon[number]
    polygon = faces_between(lines, region)
    same = np.full(len(polygon), number)
    faces = Faces(polygon, blocks.area[same], blocks.water[same])
    group = thin_groups(
        faces,
        inhabited_faces(outlines, polygon),
        thin_m=settings.thin_m,
        small_m2=settings.small_block_m2,
    )
    anywhere = np.full(len(outlines), -1, dtype=np.int64)
    return fitted(merge_faces(faces, group), region, outlines, anywhere, settings)
