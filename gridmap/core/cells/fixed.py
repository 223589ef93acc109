"""Cells on the millimetre grid that use no vertex on their block's rim but the rim's own.

Because of it two blocks always fit together, whichever of them was made when.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely

from gridmap.core.cells.blocks import located_in
from gridmap.core.cells.coverage import Floats, Geometries, Ints, assemble, dissolve, shared_borders, stripped
from gridmap.core.cells.pieces import Faced, give_away

__all__ = ["settled"]


def settled(cells: Geometries, block: Any) -> Geometries:
    """Move vertices to the grid, and those on the rim to the nearest vertex of ``block`` along it.

    ``cells`` tile ``block``, edge-matched but with any precision. The result is an exact coverage again.
    """
    moved = _moved(cells, block)
    if _sound(moved):
        return moved
    again = moved
    for grid in (0.001, 0.01):
        again = _moved(_noded_again(moved, cells, block, grid), block)
        if _sound(again):
            return again
    return again


def _sound(cells: Geometries) -> bool:
    single = shapely.get_type_id(cells) == 3  # noqa: PLR2004
    if not bool(np.all(single & shapely.is_valid(cells) & ~shapely.is_empty(cells))):
        return False
    shells = shapely.get_exterior_ring(cells)
    return bool(np.all(shapely.is_ccw(shells)))


def _moved(cells: Geometries, block: Any) -> Geometries:
    shared = shared_borders(cells)
    parts = shared.segments
    target = np.round(parts.xy, 3)
    fixed = shapely.get_coordinates(block)
    own = np.ascontiguousarray(fixed).view(np.complex128).ravel()
    rim = np.unique(np.concatenate([parts.start[shared.rim], parts.end[shared.rim]]))
    loose = rim[~np.isin(np.ascontiguousarray(target[rim]).view(np.complex128).ravel(), own)]
    if len(loose):
        target[loose] = _nearest_along(parts.xy[loose], block)
    rings, owner = shapely.get_rings(shapely.orient_polygons(cells), return_index=True)
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    number = _numbers(parts.xy, xy)
    return assemble(target[number], ring, owner, len(cells))


def _numbers(known: Floats, xy: Floats) -> Ints:
    key = np.ascontiguousarray(known).view(np.complex128).ravel()
    order = np.argsort(key)
    return np.asarray(
        order[np.searchsorted(key[order], np.ascontiguousarray(xy).view(np.complex128).ravel())],
        dtype=np.int64,
    )


def _nearest_along(xy: Floats, block: Any) -> Floats:
    """Return the nearer end of the rim segment on which each point lies."""
    ring_xy, ring = shapely.get_coordinates(shapely.get_rings(block), return_index=True)
    inner = np.flatnonzero(ring[1:] == ring[:-1])
    a, b = ring_xy[inner], ring_xy[inner + 1]
    edges = shapely.linestrings(np.stack([a, b], axis=1))
    hit = shapely.STRtree(edges).nearest(shapely.points(xy))
    to_a = np.hypot(*(xy - a[hit]).T)
    to_b = np.hypot(*(xy - b[hit]).T)
    nearer: Floats = np.where((to_a <= to_b)[:, None], a[hit], b[hit])
    return nearer


def _noded_again(moved: Geometries, cells: Geometries, block: Any, grid: float) -> Geometries:
    """Node borders that cross after they were moved, and give each face to the cell that it came from."""
    rings = shapely.get_rings(moved[~shapely.is_empty(moved)])
    faces = shapely.get_parts(shapely.polygonize([stripped(shapely.union_all(rings, grid_size=grid))]))
    points = shapely.point_on_surface(faces)
    shapely.prepare(block)
    inside = shapely.contains(block, points)
    faces, points = faces[inside], points[inside]
    owner = located_in(points, cells)
    lost = owner < 0
    owner[lost] = shapely.STRtree(cells).nearest(points[lost])
    _, label = give_away(Faced.of(faces), owner, lambda p: p.first_by(p.area_m2))
    return dissolve(faces, label, len(cells))
