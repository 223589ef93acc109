"""The cells of one block: the nearest building has the land."""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from gridmap.core.cells.blocks import located_in
from gridmap.core.cells.coverage import Geometries, Ints, dissolve, stripped, summed
from gridmap.core.cells.fixed import settled
from gridmap.core.cells.openland import halved, out_of_reach
from gridmap.core.cells.pieces import Faced, Pieces, give_away
from gridmap.core.cells.settings import CellSettings
from gridmap.core.cells.voronoi import clipped, lines_between, samples_of

__all__ = ["OPEN", "SYNTHETIC", "divide_block"]

OPEN = -1
SYNTHETIC = -2


def divide_block(
    block: Any, outlines: Geometries, settings: CellSettings, *, cap_m2: float | None = None
) -> tuple[Geometries, Ints]:
    """Divide a block (metric polygon on the millimetre grid) among its outlines.

    The rim keeps exactly the vertices that it has, so that a block can be made again without its neighbours.
    ``cap_m2`` overrides the largest size of open land.

    Returns
    -------
    Cells that tile the block, and the outline of each; ``OPEN`` is open land, ``SYNTHETIC`` open land
    with borders that follow nothing.
    """
    limit = settings.max_open_m2 if cap_m2 is None else cap_m2
    parts, hull = out_of_reach(block, outlines, settings)
    if len(outlines) <= 1 and not len(parts):
        return np.array([block], dtype=object), np.zeros(1, dtype=np.int64)
    if not len(outlines) and shapely.area(block) <= limit:
        return np.array([block], dtype=object), np.full(1, OPEN, dtype=np.int64)
    pieces, made, cuts = halved(parts, limit)
    kind = np.where(made, SYNTHETIC, OPEN)
    lines: list[Any] = [*shapely.boundary(outlines), *clipped(hull, block), *cuts]
    xy, owner = np.zeros((0, 2)), np.zeros(0, dtype=np.int64)
    if len(outlines):
        xy, owner = samples_of(outlines, settings.step_m)
    if len(outlines) > 1:
        lines.extend(lines_between(block, outlines, xy, owner, settings))
    faces = _faces(block, lines)
    label = _labels(faces, outlines, pieces, xy, owner)
    cells, label = _joined(faces, label, outlines, settings)
    kinds = np.concatenate([np.arange(len(outlines)), kind])
    cells = settled(cells, block)
    left = ~shapely.is_empty(cells)
    return cells[left], kinds[label[left]]


def _faces(block: Any, lines: list[Any]) -> Geometries:
    """Node and polygonize; a face that floating noding loses is found by its area and mended."""
    rim = shapely.boundary(block)
    area = float(shapely.area(block))
    shapely.prepare(block)
    best, lost = np.zeros(0, dtype=object), np.inf
    for grid in (None, 0.001, 0.01):
        noded = shapely.union_all([rim, *lines], grid_size=grid)
        faces = shapely.get_parts(shapely.polygonize([noded if grid is None else stripped(noded)]))
        faces = faces[shapely.contains(block, shapely.point_on_surface(faces))]
        missing = abs(float(shapely.area(faces).sum()) - area)
        if missing < lost:
            best, lost = faces, missing
        if missing < 0.05 + 1e-7 * area:
            break
    return best


def _labels(faces: Geometries, outlines: Geometries, pieces: Geometries, xy: Any, owner: Ints) -> Ints:
    """Label faces: the outline that holds it, else the open piece, else the nearest outline."""
    points = shapely.point_on_surface(faces)
    label = located_in(points, outlines)
    free = np.flatnonzero(label < 0)
    piece = located_in(points[free], pieces)
    label[free[piece >= 0]] = piece[piece >= 0] + len(outlines)
    free = free[piece < 0]
    if len(free) and len(xy):
        label[free] = owner[cKDTree(xy).query(shapely.get_coordinates(points[free]))[1]]
    elif len(free):
        label[free] = len(outlines)
    return label


def _joined(faces: Geometries, label: Ints, outlines: Geometries, settings: CellSettings) -> tuple[Geometries, Ints]:
    """Join faces to connected cells; what is cut off from its building goes to the longest neighbour."""
    built = located_in(shapely.point_on_surface(faces), outlines) >= 0
    built_face_m2 = shapely.area(faces) * built

    def stays(pieces: Pieces) -> NDArray[np.bool_]:
        built_m2 = summed(pieces.of_face, built_face_m2, len(pieces.label))
        scrap = (pieces.area_m2 < settings.min_scrap_m2) | (pieces.width_m < settings.min_scrap_width_m)
        open_land = pieces.label >= len(outlines)
        main = np.where(open_land, ~scrap, pieces.first_by(built_m2, pieces.area_m2))
        return main | (built_m2 > settings.own_cell_m2)

    pieces, _ = give_away(Faced.of(faces), label, stays)
    return dissolve(faces, pieces.of_face, len(pieces.label)), pieces.label
