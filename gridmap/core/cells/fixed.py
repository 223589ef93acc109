"""Cells on the millimetre grid that use no vertex on their block's rim but the rim's own.

Because of it two blocks always fit together, whichever of them was made when.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from gridmap.core.cells.blocks import located_in
from gridmap.core.cells.coverage import Floats, Geometries, Ints, assemble, dissolve, shared_borders
from gridmap.core.cells.pieces import Faced, give_away

__all__ = ["settled"]

_ATTEMPTS = 5
_CRUMB_M2 = 1.0
_LOST_M2 = 1e-6
_EQUAL_M = 1e-4


def settled(cells: Geometries, block: Any) -> Geometries:
    """Move vertices to the grid, and those on the rim to the nearest vertex of ``block`` along it.

    ``cells`` tile ``block``, edge-matched but with any precision. The result is an exact coverage again; crumbs
    at the rim may vanish and are empty then.
    """
    crumb = shapely.area(cells) < _CRUMB_M2
    again = _moved(cells, block)
    for _ in range(_ATTEMPTS):
        if _sound(again, block, crumb):
            return again
        again = _moved(_noded_again(again, cells, block), block)
    return again


def _sound(cells: Geometries, block: Any, crumb: NDArray[np.bool_]) -> bool:
    left = cells[~(crumb & shapely.is_empty(cells))]
    single = shapely.get_type_id(left) == 3  # noqa: PLR2004
    if not bool(np.all(single & shapely.is_valid(left) & ~shapely.is_empty(left))):
        return False
    area_m2 = float(shapely.area(block))
    lost_m2 = abs(float(shapely.area(left).sum()) - area_m2)
    ccw = bool(np.all(shapely.is_ccw(shapely.get_exterior_ring(left))))
    return ccw and lost_m2 < _LOST_M2 + 1e-12 * area_m2


def _keys(geometries: Any) -> NDArray[np.complex128]:
    return np.ascontiguousarray(shapely.get_coordinates(geometries)).view(np.complex128).ravel()


def _moved(cells: Geometries, block: Any) -> Geometries:
    shared = shared_borders(cells)
    parts = shared.segments
    target = np.round(parts.xy, 3)
    own = _keys(block)
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
    """Return the nearer end of the rim segment on which each point lies; of equal ones the western, southern.

    It must not depend on where a ring begins, nor on rounding.
    """
    ring_xy, ring = shapely.get_coordinates(shapely.get_rings(block), return_index=True)
    inner = np.flatnonzero(ring[1:] == ring[:-1])
    a, b = ring_xy[inner], ring_xy[inner + 1]
    edges = shapely.linestrings(np.stack([a, b], axis=1))
    hit = shapely.STRtree(edges).nearest(shapely.points(xy))
    to_a = np.hypot(*(xy - a[hit]).T)
    to_b = np.hypot(*(xy - b[hit]).T)
    first = (a[hit, 0] < b[hit, 0]) | ((a[hit, 0] == b[hit, 0]) & (a[hit, 1] < b[hit, 1]))
    near_a = np.where(np.abs(to_a - to_b) < _EQUAL_M, first, to_a < to_b)
    nearer: Floats = np.where(near_a[:, None], a[hit], b[hit])
    return nearer


def _noded_again(moved: Geometries, cells: Geometries, block: Any) -> Geometries:
    """Node borders that cross after they were moved, and give each face to the cell that it came from."""
    rings = shapely.get_rings(moved[~shapely.is_empty(moved)])
    # On a grid the rim itself would move; what crosses inside is rounded afterwards.
    faces = shapely.get_parts(shapely.polygonize([shapely.union_all(rings)]))
    points = shapely.point_on_surface(faces)
    shapely.prepare(block)
    inside = shapely.contains(block, points)
    faces, points = faces[inside], points[inside]
    owner = located_in(points, cells)
    lost = owner < 0
    owner[lost] = shapely.STRtree(cells).nearest(points[lost])
    _, label = give_away(Faced.of(faces), owner, lambda p: p.first_by(p.area_m2))
    return dissolve(faces, label, len(cells))
