"""Borders in rasters: how far the nearest is, and whose are within reach, for a million points at once.

The plane is halved both ways again and again, as quadtrees do. A square keeps the edges that may be the nearest one
of any point in it: those not farther from the square than the whole square is from some other edge. Its quarters
choose from them. Where few are left, or the squares are small enough, they are written for all places of the square
in one raster, so that a point is answered by one look-up and a few edges.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeVar, cast

import numpy as np
import numpy.typing as npt
import shapely
from numba import njit

from gridmap.core.locate.cover import Floats, Geometries, Ints

__all__ = ["Rims"]

#: A square with so few edges is not halved again.
FEW_EDGES = 8
DEEPEST = 11
QUARTERS = 4
PLACES_PER_EDGE = 1
#: More polygons than this within reach of one point are counted again with more room.
POLYGONS_AT_ONCE = 16

Int32s = npt.NDArray[np.int32]
Int64s = npt.NDArray[np.int64]
_Function = TypeVar("_Function", bound=Callable[..., object])


def _compiled(function: _Function) -> _Function:
    return cast("_Function", njit(cache=True, nogil=True)(function))


class Rims:
    """The borders of polygons in a flat system in metres; never changes, any number of threads may ask it.

    Parameters
    ----------
    polygons
        Polygons or multipolygons in metres, in ascending order of grid code.
    """

    def __init__(self, polygons: Geometries) -> None:
        rings, of_ring = _rings(polygons)
        xy = np.ascontiguousarray(shapely.get_coordinates(rings))
        vertices = shapely.get_num_coordinates(rings)
        no_last = np.ones(len(xy), dtype=np.bool_)
        no_last[np.cumsum(vertices) - 1] = False
        edge = np.flatnonzero(no_last)
        self._owner = np.repeat(of_ring, vertices - 1).astype(np.int32)
        self._edges = np.concatenate([xy[edge], xy[edge + 1]], axis=1)
        low, high = (xy.min(axis=0), xy.max(axis=0)) if len(xy) else (np.zeros(2), np.ones(2))
        self._frame = np.array([*low, *(np.maximum(high - low, 1.0) * (1 + 1e-9))])
        once = _once(self._edges, self._edges.view(np.int64))
        depth = round(math.log2(max(len(once), 1) * PLACES_PER_EDGE) / 2)
        depth = min(max(depth, 1), DEEPEST)
        self._table, self._first, self._members = _halve(self._edges, once, self._frame, depth)
        side = 1 << depth
        self._bucket, self._in_bucket = _buckets(self._edges, self._frame, side)

    @property
    def nbytes(self) -> int:
        """Bytes of all tables."""
        arrays = (self._owner, self._edges, self._table, self._first, self._members, self._bucket, self._in_bucket)
        return int(sum(a.nbytes for a in arrays))

    def nearest_m(self, xy: Floats) -> Floats:
        """Return metres from points, shape (n, 2), to the nearest border; infinite where there is none.

        Points outside of the box of all polygons are compared with every edge.
        """
        found = np.full(len(xy), np.inf)
        if len(self._edges):
            _nearest(np.ascontiguousarray(xy), self._edges, self._frame, self._table, self._first, self._members, found)
        return found

    def within(self, xy: Floats, reach_m: Floats) -> tuple[Ints, Ints, Floats]:
        """Return (point, polygon, metres) for every polygon whose border is nearer than ``reach_m`` of a point.

        In ascending order of point, then polygon.
        """
        room = POLYGONS_AT_ONCE
        while True:
            count, polygon, metres = _within(
                np.ascontiguousarray(xy), np.ascontiguousarray(reach_m), self._edges, self._owner, self._frame,
                self._bucket, self._in_bucket, room,
            )  # fmt: skip
            if count.max(initial=0) <= room:
                break
            room = int(count.max())
        point = np.repeat(np.arange(len(xy)), count)
        nth = np.arange(len(point)) - np.repeat(np.cumsum(count) - count, count)
        polygons = polygon[point, nth].astype(np.intp)
        order = np.lexsort((polygons, point))
        return point[order], polygons[order], metres[point, nth][order]


def _rings(polygons: Geometries) -> tuple[Geometries, Ints]:
    """Return all rings and the polygon of each, ascending."""
    parts, of_part = shapely.get_parts(polygons, return_index=True)
    rings, part = shapely.get_rings(parts, return_index=True)
    return rings, of_part[part]


@_compiled
def _distance2(edges: Floats, e: int, x: float, y: float) -> float:
    """Return the square of the distance from a point to an edge."""
    ax, ay = edges[e, 0], edges[e, 1]
    dx, dy = edges[e, 2] - ax, edges[e, 3] - ay
    px, py = x - ax, y - ay
    length2 = dx * dx + dy * dy
    along = px * dx + py * dy
    if along <= 0 or length2 == 0:
        return float(px * px + py * py)
    if along >= length2:
        px, py = x - edges[e, 2], y - edges[e, 3]
        return float(px * px + py * py)
    across = px * dy - py * dx
    return float(across * across / length2)


@_compiled
def _farthest2(edges: Floats, e: int, west: float, south: float, east: float, north: float, enough: float) -> float:
    """Return the square of the largest distance of a point of a square to an edge; of those above ``enough``, any."""
    worst = _distance2(edges, e, west, south)
    if worst >= enough:
        return worst
    worst = max(worst, _distance2(edges, e, east, north))
    if worst >= enough:
        return worst
    return float(max(worst, _distance2(edges, e, west, north), _distance2(edges, e, east, south)))


@_compiled
def _apart2(edges: Floats, e: int, west: float, south: float, east: float, north: float) -> float:
    """Return the square of the distance between an edge and a square, or less where they are close."""
    ax, ay, bx, by = edges[e, 0], edges[e, 1], edges[e, 2], edges[e, 3]
    dx = max(west - max(ax, bx), min(ax, bx) - east, 0.0)
    dy = max(south - max(ay, by), min(ay, by) - north, 0.0)
    return float(dx * dx + dy * dy)


@_compiled
def _scattered(one: int, other: int) -> int:
    """Return a number of which all bits depend on all bits of two (the finaliser of MurmurHash3)."""
    h = np.uint64(one) * np.uint64(0x9E3779B97F4A7C15) ^ np.uint64(other)
    h = (h ^ (h >> np.uint64(33))) * np.uint64(0xFF51AFD7ED558CCD)
    h = (h ^ (h >> np.uint64(33))) * np.uint64(0xC4CEB9FE1A85EC53)
    return int((h ^ (h >> np.uint64(33))) >> np.uint64(1))


@_compiled
def _once(edges: Floats, bits: Int64s) -> Int32s:
    """Return one of equal edges each, whichever way they run."""
    size = 16
    while size < 2 * len(edges):
        size *= 2
    slots = np.full(size, -1, dtype=np.int32)
    kept = np.empty(len(edges), dtype=np.int32)
    n = 0
    for e in range(len(edges)):
        k = _scattered(bits[e, 0] + bits[e, 2], bits[e, 1] + bits[e, 3]) & (size - 1)
        while True:
            f = slots[k]
            if f < 0:
                slots[k] = e
                kept[n] = e
                n += 1
                break
            same = edges[f, 0] == edges[e, 0] and edges[f, 1] == edges[e, 1]
            same = same and edges[f, 2] == edges[e, 2] and edges[f, 3] == edges[e, 3]
            turned = edges[f, 0] == edges[e, 2] and edges[f, 1] == edges[e, 3]
            turned = turned and edges[f, 2] == edges[e, 0] and edges[f, 3] == edges[e, 1]
            if same or turned:
                break
            k = (k + 1) & (size - 1)
    return kept[:n].copy()


@_compiled
def _halve(  # noqa: PLR0915
    edges: Floats, once: Int32s, frame: Floats, depth: int
) -> tuple[Int32s, Int64s, Int32s]:
    """Return the raster of lists, where each list begins, and the lists of edges."""
    side = 1 << depth
    table = np.zeros((side, side), dtype=np.int32)
    first = np.zeros(side * side + 1, dtype=np.int64)
    members = np.empty(max(16, 4 * len(edges)), dtype=np.int32)
    lists = 0
    used = 0
    # one list for each level of the way down; quarters are taken in order, so a level is free when it is left
    level_first = np.zeros(depth + 2, dtype=np.int64)
    level_end = np.zeros(depth + 2, dtype=np.int64)
    work = np.empty(max(16, 4 * len(edges)), dtype=np.int32)
    work[: len(once)] = once
    level_end[0] = len(once)
    quarter = np.zeros(depth + 1, dtype=np.int64)
    column = np.zeros(depth + 2, dtype=np.int64)
    row = np.zeros(depth + 2, dtype=np.int64)
    level = 0
    while level >= 0:
        if quarter[level] == QUARTERS:
            quarter[level] = 0
            level -= 1
            continue
        q = quarter[level]
        quarter[level] += 1
        c, r = 2 * column[level] + (q & 1), 2 * row[level] + (q >> 1)
        below = level + 1
        width, height = frame[2] / (1 << below), frame[3] / (1 << below)
        low, high = level_first[level], level_end[level]
        west, south = frame[0] + c * width, frame[1] + r * height
        east, north = west + width, south + height
        limit = np.inf
        for k in range(low, high):
            limit = min(limit, _farthest2(edges, work[k], west, south, east, north, limit))
        limit *= 1 + 1e-9
        while high + (high - low) > len(work):
            work = np.concatenate((work, np.empty_like(work)))
        n = high
        for k in range(low, high):
            if _apart2(edges, work[k], west, south, east, north) <= limit:
                work[n] = work[k]
                n += 1
        if below < depth and n - high > FEW_EDGES:
            level_first[below], level_end[below] = high, n
            column[below], row[below] = c, r
            level = below
            continue
        while used + (n - high) > len(members):
            members = np.concatenate((members, np.empty_like(members)))
        members[used : used + n - high] = work[high:n]
        used += n - high
        span = 1 << (depth - below)
        table[r * span : (r + 1) * span, c * span : (c + 1) * span] = lists
        lists += 1
        first[lists] = used
    return table, first[: lists + 1].copy(), members[:used].copy()


@_compiled
def _place(value: float, origin: float, size: float, side: int) -> int:
    """Return the place of a coordinate in the raster, the nearest one outside of it."""
    return min(max(int((value - origin) / size * side), 0), side - 1)


@_compiled
def _nearest(
    xy: Floats, edges: Floats, frame: Floats, table: Int32s, first: Int64s, members: Int32s, found: Floats
) -> None:
    """Write the metres from each point to the nearest edge of its list."""
    side = len(table)
    for i in range(len(xy)):
        x, y = xy[i, 0], xy[i, 1]
        if not (frame[0] <= x <= frame[0] + frame[2] and frame[1] <= y <= frame[1] + frame[3]):
            best = np.inf
            for e in range(len(edges)):
                best = min(best, _distance2(edges, e, x, y))
            found[i] = math.sqrt(best)
            continue
        here = table[_place(y, frame[1], frame[3], side), _place(x, frame[0], frame[2], side)]
        best = np.inf
        for k in range(first[here], first[here + 1]):
            best = min(best, _distance2(edges, members[k], x, y))
        found[i] = math.sqrt(best)


@_compiled
def _buckets(edges: Floats, frame: Floats, side: int) -> tuple[Int64s, Int32s]:
    """Sort edges into the places that their boxes touch; returns where each place begins, and the edges."""
    first = np.zeros(side * side + 1, dtype=np.int64)
    for e in range(len(edges)):
        c0, c1 = _places(edges[e, 0], edges[e, 2], frame[0], frame[2], side)
        r0, r1 = _places(edges[e, 1], edges[e, 3], frame[1], frame[3], side)
        for r in range(r0, r1 + 1):
            for c in range(c0, c1 + 1):
                first[r * side + c + 1] += 1
    for k in range(side * side):
        first[k + 1] += first[k]
    held = np.empty(first[-1], dtype=np.int32)
    free = first[:-1].copy()
    for e in range(len(edges)):
        c0, c1 = _places(edges[e, 0], edges[e, 2], frame[0], frame[2], side)
        r0, r1 = _places(edges[e, 1], edges[e, 3], frame[1], frame[3], side)
        for r in range(r0, r1 + 1):
            for c in range(c0, c1 + 1):
                held[free[r * side + c]] = e
                free[r * side + c] += 1
    return first, held


@_compiled
def _places(one: float, other: float, origin: float, size: float, side: int) -> tuple[int, int]:
    """Return the first and last place between two coordinates."""
    return _place(min(one, other), origin, size, side), _place(max(one, other), origin, size, side)


@_compiled
def _within(
    xy: Floats, reach_m: Floats, edges: Floats, owner: Int32s, frame: Floats, bucket: Int64s, held: Int32s, room: int
) -> tuple[Int64s, Int32s, Floats]:
    """Return per point how many polygons are within reach, which (the first ``room`` of them), and how far."""
    side = int(math.sqrt(len(bucket) - 1))
    count = np.zeros(len(xy), dtype=np.int64)
    polygon = np.empty((len(xy), room), dtype=np.int32)
    metres = np.empty((len(xy), room), dtype=np.float64)
    for i in range(len(xy)):
        x, y, reach = xy[i, 0], xy[i, 1], reach_m[i]
        c0, c1 = _places(x - reach, x + reach, frame[0], frame[2], side)
        r0, r1 = _places(y - reach, y + reach, frame[1], frame[3], side)
        for place_row in range(r0, r1 + 1):
            for k in range(bucket[place_row * side + c0], bucket[place_row * side + c1 + 1]):
                far = math.sqrt(_distance2(edges, held[k], x, y))
                if far >= reach:
                    continue
                p = owner[held[k]]
                for n in range(min(count[i], room)):
                    if polygon[i, n] == p:
                        metres[i, n] = min(metres[i, n], far)
                        break
                else:
                    if count[i] < room:
                        polygon[i, count[i]] = p
                        metres[i, count[i]] = far
                    count[i] += 1  # beyond the room a polygon may count twice: only that it did not fit matters
    return count, polygon, metres
