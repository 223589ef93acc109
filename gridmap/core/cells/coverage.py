"""Polygons that tile land, seen as the segments that they share.

Neighbours in a clean coverage have equal vertices, so everything about borders follows from sorting segments:
no tolerance, no spatial index, linear in the number of vertices.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from gridmap.core.crs import GRID_M

__all__ = [
    "Geometries",
    "Segments",
    "SharedBorders",
    "assemble",
    "densify",
    "dissolve",
    "segments",
    "shared_borders",
    "stripped",
    "summed",
    "tiles_exactly",
]

# Rounding to the grid lengthens a divided segment a little; it must not be divided again.
_SLACK = 0.01
_SAME_M = 1e-9

Geometries = NDArray[np.object_]
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Segments:
    """Directed segments of polygon rings, shells counter-clockwise: the polygon lies on the left.

    ``xy`` (vertices, 2); ``start``, ``end`` are vertex numbers and ``owner`` the polygon of each segment.
    """

    xy: Floats
    start: Ints
    end: Ints
    owner: Ints

    def length_m(self, rows: Ints) -> Floats:
        """Return the length of some segments."""
        step = self.xy[self.end[rows]] - self.xy[self.start[rows]]
        return np.hypot(step[:, 0], step[:, 1])


@dataclass(frozen=True, slots=True)
class SharedBorders:
    """Which segments two polygons share.

    ``left`` and ``right`` are polygons (``left < right``), ``segment`` the shared segment as seen from
    ``left``; ``rim`` are the segments that only one polygon has.
    """

    segments: Segments
    left: Ints
    right: Ints
    segment: Ints
    rim: Ints

    def by_pair(self) -> tuple[Ints, Ints, Floats, Ints]:
        """Return ``left``, ``right``, shared length (m) of every pair, and the pair of each segment."""
        count = int(self.segments.owner.max(initial=-1)) + 1
        pairs, inverse = np.unique(self.left * count + self.right, return_inverse=True)
        length_m = summed(inverse, self.segments.length_m(self.segment), len(pairs))
        return pairs // max(count, 1), pairs % max(count, 1), length_m, inverse


def stripped(geometries: Any) -> Any:
    """Free geometries of the hidden precision that ``set_precision`` and gridded overlay leave in them.

    With it, later operations would round silently, and differently after pickling.
    """
    return shapely.from_wkb(shapely.to_wkb(geometries))


def summed(group: NDArray[Any], values: Floats, count: int) -> Floats:
    """Sum values by group number."""
    return np.bincount(group, weights=values, minlength=count).astype(np.float64, copy=False)


def _vertex_numbers(xy: Floats) -> tuple[Floats, Ints]:
    on_grid = np.rint(xy / GRID_M)
    if not len(xy) or float(np.abs(on_grid * GRID_M - xy).max()) <= _SAME_M:
        low = on_grid.min(axis=0)
        key = (on_grid[:, 0] - low[0]).astype(np.int64) << 31 | (on_grid[:, 1] - low[1]).astype(np.int64)
        _, first, inverse = np.unique(key, return_index=True, return_inverse=True)
    else:
        _, first, inverse = np.unique(
            np.ascontiguousarray(xy).view(np.complex128).ravel(), return_index=True, return_inverse=True
        )
    return xy[first], inverse.astype(np.int64)


def segments(polygons: Geometries) -> Segments:
    """Return the directed segments of polygons and multipolygons (metric, any precision)."""
    if not len(polygons):
        none = np.zeros(0, dtype=np.int64)
        return Segments(np.zeros((0, 2)), none, none, none)
    rings, owner = shapely.get_rings(shapely.orient_polygons(polygons), return_index=True)
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    xy, number = _vertex_numbers(xy)
    same = (ring[1:] == ring[:-1]) & (number[1:] != number[:-1])
    return Segments(xy, number[:-1][same], number[1:][same], owner[ring[:-1][same]].astype(np.int64))


def shared_borders(polygons: Geometries) -> SharedBorders:
    """Find the segments that pairs of polygons of a coverage share."""
    parts = segments(polygons)
    low, high = np.minimum(parts.start, parts.end), np.maximum(parts.start, parts.end)
    key = low * len(parts.xy) + high
    order = np.lexsort((parts.owner, key))
    key = key[order]
    same = np.zeros(len(key), dtype=bool)
    same[:-1] = key[1:] == key[:-1]
    first = np.flatnonzero(same)
    twice = same.copy()
    twice[1:] |= same[:-1]
    left, right = parts.owner[order[first]], parts.owner[order[first + 1]]
    apart = left != right
    return SharedBorders(parts, left[apart], right[apart], order[first][apart], np.sort(order[np.flatnonzero(~twice)]))


def tiles_exactly(polygons: Geometries) -> bool:
    """Tell whether polygons are an exact coverage: valid, single, every segment shared by two or on the rim.

    Valid polygons on the left of their segments, of which every inner one occurs once in each direction, cover
    every point of the region inside the rim exactly once.
    """
    if not bool(np.all(shapely.is_valid(polygons) & (shapely.get_type_id(polygons) == 3))):  # noqa: PLR2004
        return False
    parts = segments(polygons)
    low, high = np.minimum(parts.start, parts.end), np.maximum(parts.start, parts.end)
    key = low * len(parts.xy) + high
    _, inverse, count = np.unique(key, return_inverse=True, return_counts=True)
    net = np.bincount(inverse, weights=np.where(parts.start == low, 1.0, -1.0))
    if bool(np.any(count > 2)) or bool(np.any(net[count == 2] != 0)):  # noqa: PLR2004
        return False
    rim = shapely.linestrings(
        parts.xy[np.column_stack([parts.start, parts.end])[count[inverse] == 1]].reshape(-1, 2, 2)
    )
    region = shapely.polygonize(rim)
    inside = shapely.get_parts(region)
    held = shapely.STRtree(inside).query(shapely.point_on_surface(polygons), predicate="within")[1]
    area = float(shapely.area(inside[np.unique(held)]).sum())
    return abs(area - float(shapely.area(polygons).sum())) <= 1e-9 * area + 1e-6


def assemble(xy: Floats, ring: Ints, ring_owner: Ints, count: int) -> Geometries:
    """Build one polygon for each owner from ring vertices; the first ring of an owner is its shell.

    Rings that collapsed (fewer than three different vertices in a row) are left out; an owner without shell
    becomes an empty polygon.
    """
    keep = np.ones(len(xy), dtype=bool)
    keep[1:] = (ring[1:] != ring[:-1]) | np.any(xy[1:] != xy[:-1], axis=1)
    xy, ring = xy[keep], ring[keep]
    rings = len(ring_owner)
    size = np.bincount(ring, minlength=rings)
    good = size >= 4  # noqa: PLR2004
    is_shell = np.ones(rings, dtype=bool)
    is_shell[1:] = ring_owner[1:] != ring_owner[:-1]
    lost_shell = np.zeros(count, dtype=bool)
    lost_shell[ring_owner[is_shell & ~good]] = True
    good &= ~lost_shell[ring_owner]
    number = np.cumsum(good) - 1
    kept = good[ring]
    made = shapely.linearrings(xy[kept], indices=number[ring[kept]])
    out = np.full(count, shapely.Polygon(), dtype=object)
    shells = np.flatnonzero(is_shell & good)
    holes = np.flatnonzero(~is_shell & good)
    order = np.full(count, -1)
    order[ring_owner[shells]] = np.arange(len(shells))
    if len(holes):
        out[ring_owner[shells]] = shapely.polygons(made[number[shells]])
        owners, start = np.unique(ring_owner[holes], return_index=True)
        for owner, rows in zip(owners, np.split(holes, start[1:]), strict=True):
            out[owner] = shapely.Polygon(made[number[shells[order[owner]]]], list(made[number[rows]]))
    elif len(shells):
        out[ring_owner[shells]] = shapely.polygons(made[number[shells]])
    return out


def densify(polygons: Geometries, step_m: float) -> Geometries:
    """Add vertices so that no segment is longer than ``step_m``, on the millimetre grid.

    A segment gets the same vertices from both of its sides, so that a coverage stays one, and a second call
    changes nothing.
    """
    rings, owner = shapely.get_rings(polygons, return_index=True)
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    inner = np.flatnonzero(ring[1:] == ring[:-1])
    a, b = xy[inner], xy[inner + 1]
    parts = np.maximum(np.ceil(np.hypot(*(b - a).T) / step_m - _SLACK).astype(np.int64), 1)
    # The direction in which a segment is divided must not depend on the side that asks.
    turned = (a[:, 0] > b[:, 0]) | ((a[:, 0] == b[:, 0]) & (a[:, 1] > b[:, 1]))
    low, high = np.where(turned[:, None], b, a), np.where(turned[:, None], a, b)
    extra = parts - 1
    which = np.repeat(np.arange(len(inner)), extra)
    nth = np.arange(len(which)) - np.repeat(np.cumsum(extra) - extra, extra) + 1
    share = np.where(turned[which], parts[which] - nth, nth) / parts[which]
    new = np.round(low[which] + (high[which] - low[which]) * share[:, None], 3)
    at = inner[which] + 1
    return assemble(np.insert(xy, at, new, axis=0), np.insert(ring, at, ring[at]), owner, len(polygons))


def dissolve(polygons: Geometries, group: Ints, count: int) -> Geometries:
    """Union polygons of a coverage by ``group`` (numbers below ``count``); every vertex stays."""
    out = np.full(count, shapely.Polygon(), dtype=object)
    order = np.argsort(group, kind="stable")
    size = np.bincount(group, minlength=count)
    start = np.cumsum(size) - size
    single = np.flatnonzero(size == 1)
    out[single] = polygons[order[start[single]]]
    for n in np.unique(size[size > 1]):
        groups = np.flatnonzero(size == n)
        rows = order[start[groups][:, None] + np.arange(n)]
        united = shapely.coverage_union_all(polygons[rows], axis=1)
        alone = shapely.get_num_geometries(united) == 1
        out[groups] = np.where(alone, shapely.get_geometry(united, 0), united)
    return out
