"""Cut land again inside a rim that must stay as it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gridmap.core.cells.blocks import Faces, faces_between, merge_faces, thin_groups
from gridmap.core.cells.borders import Housed, houses_in_blocks, shares_in
from gridmap.core.cells.coverage import Geometries, Ints, densify
from gridmap.core.cells.fixed import settled
from gridmap.core.cells.settings import CellSettings

__all__ = ["inhabited_faces", "recut"]


def inhabited_faces(outlines: Geometries, faces: Geometries) -> Any:
    """Mark the faces that hold the largest share of some outline."""
    inhabited = np.zeros(len(faces), dtype=bool)
    if len(outlines):
        outline, face, share = shares_in(outlines, faces)
        order = np.lexsort((face, -share, outline))
        inhabited[face[order[np.unique(outline[order], return_index=True)[1]]]] = True
    return inhabited


def recut(
    region: Any,
    lines: Geometries,
    outlines: Geometries,
    preferred_area: Ints,
    label: Callable[[Geometries], Faces],
    settings: CellSettings,
) -> Housed:
    """Cut a region (metric polygon on the millimetre grid) into blocks that go round its buildings.

    The rim of the region keeps exactly its vertices: land outside need not be touched. ``label`` tells area
    and water of faces.
    """
    faces = label(faces_between(lines, region))
    group = thin_groups(
        faces,
        inhabited_faces(outlines, faces.polygon),
        thin_m=settings.thin_m,
        small_m2=settings.small_block_m2,
    )
    housed = houses_in_blocks(merge_faces(faces, group), outlines, preferred_area)
    polygon = densify(settled(housed.blocks.polygon, region), settings.step_m)
    blocks = Faces(polygon, housed.blocks.area, housed.blocks.water)
    return Housed(blocks, housed.block, housed.share, housed.cut_by_area)
