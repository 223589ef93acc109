"""The loops of the raster cover: which cells an edge passes, what lies at their corners, who holds a point."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeVar, cast

import numpy as np
import numpy.typing as npt
from numba import njit

from gridmap.core.locate.cover import Bools, Floats, Ints

#: Relative error of a determinant of differences: (3 + 16 u) u with u = 2⁻⁵³ (Shewchuk 1997).
ORIENTATION_ERROR = 3.3306690738754716e-16
#: An edge counts for all cells that it comes nearer to than this share of a cell.
MARGIN = 1e-6
NONE = -1
#: Answer where only GEOS can tell.
ASK = -2
#: Record r stands in the raster as ``RECORD - r``.
RECORD = -2
#: State of a corner: inside of the polygon; undecided; and, while it is found out, a border on its left.
INSIDE, UNSURE, BORDER = 1, 2, 4

Int32s = npt.NDArray[np.int32]
Int64s = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]
_Function = TypeVar("_Function", bound=Callable[..., object])


def compiled(function: _Function) -> _Function:
    """Compile a loop once for all runs; it runs without the interpreter's lock."""
    return cast("_Function", njit(cache=True, nogil=True)(function))


@compiled
def _side(ax: float, ay: float, bx: float, by: float, px: float, py: float) -> int:
    """Return 1 where a point lies left of a→b, -1 right of it, 0 where doubles cannot tell."""
    left = (ax - px) * (by - py)
    right = (ay - py) * (bx - px)
    det = left - right
    bound = ORIENTATION_ERROR * (abs(left) + abs(right))
    if det > bound:
        return 1
    if -det > bound:
        return -1
    return 0


@compiled
def _span(low: float, high: float, origin: float, per_unit: float, cells: int) -> tuple[int, int]:
    """Return the first and last cell that a stretch touches, with the margin."""
    first = math.floor((low - origin) * per_unit - MARGIN)
    last = math.floor((high - origin) * per_unit + MARGIN)
    return max(first, 0), min(last, cells - 1)


@compiled
def _rows_of(xy: Floats, e: int, frame: Floats, rows: int) -> tuple[int, int]:
    """Return the first and last row that an edge touches."""
    return _span(min(xy[e, 1], xy[e + 1, 1]), max(xy[e, 1], xy[e + 1, 1]), frame[1], frame[3], rows)


@compiled
def _columns_in_row(xy: Floats, e: int, row: int, alone: bool, frame: Floats, columns: int) -> tuple[int, int]:
    """Return the first and last column in which an edge passes through a row, the only one or one of several."""
    ax, ay, bx, by = xy[e, 0], xy[e, 1], xy[e + 1, 0], xy[e + 1, 1]
    low, high = min(ax, bx), max(ax, bx)
    if not alone:
        bottom = frame[1] + (row - 2 * MARGIN) * frame[5]
        top = frame[1] + (row + 1 + 2 * MARGIN) * frame[5]
        slope = (bx - ax) / (by - ay)
        one = ax + (bottom - ay) * slope
        other = ax + (top - ay) * slope
        low = max(low, min(one, other))
        high = min(high, max(one, other))
    return _span(low, high, frame[0], frame[2], columns)


@compiled
def _corners(  # noqa: C901
    xy: Floats, edges: Int32s, frame: Floats, c0: int, c1: int, r0: int, r1: int, columns: int
) -> Bytes:
    """Tell for each cell of a window whether its lower left corner lies in the polygon of the edges."""
    state = np.zeros((r1 - r0 + 1, c1 - c0 + 2), dtype=np.uint8)
    for e in edges:
        ax, ay, bx, by = xy[e, 0], xy[e, 1], xy[e + 1, 0], xy[e + 1, 1]
        first, last = _span(min(ay, by), max(ay, by), frame[1], frame[3], r1 + 1)
        for row in range(max(first, r0), last + 1):
            y = frame[1] + row * frame[5]
            if y in (ay, by):
                low, high = _span(min(ax, bx), max(ax, bx), frame[0], frame[2], columns)
                for column in range(max(low - 1, c0), min(high + 1, c1) + 1):
                    state[row - r0, column - c0] |= UNSURE
            if (ay > y) == (by > y):
                continue
            x = ax + (y - ay) * (bx - ax) / (by - ay)
            column = max(math.floor((x - frame[0]) * frame[2]) - 1, c0)
            # the first corner on the right of the crossing
            up = by > ay
            while column <= c1:
                side = _side(ax, ay, bx, by, frame[0] + column * frame[4], y)
                if side == 0:
                    state[row - r0, column - c0] |= UNSURE
                elif (side < 0) == up:
                    break
                column += 1
            if column <= c1:
                state[row - r0, column - c0] ^= BORDER
    for row in range(state.shape[0]):
        inside = 0
        for column in range(state.shape[1]):
            if state[row, column] & BORDER:
                inside ^= INSIDE
            state[row, column] = (state[row, column] & UNSURE) | inside
    return state


@compiled
def _window(xy: Floats, edges: Int32s, frame: Floats, columns: int, rows: int) -> tuple[int, int, int, int]:
    """Return first and last column, first and last row of a polygon."""
    west = south = np.inf
    east = north = -np.inf
    for e in edges:
        west, east = min(west, xy[e, 0], xy[e + 1, 0]), max(east, xy[e, 0], xy[e + 1, 0])
        south, north = min(south, xy[e, 1], xy[e + 1, 1]), max(north, xy[e, 1], xy[e + 1, 1])
    c0, c1 = _span(west, east, frame[0], frame[2], columns)
    r0, r1 = _span(south, north, frame[1], frame[3], rows)
    return c0, c1, r0, r1


@compiled
def meeting(  # noqa: C901, PLR0912
    xy: Floats, edge: Int32s, start: Int64s, frame: Floats, columns: int, rows: int
) -> tuple[Int32s, Int32s, Int32s]:
    """Count what meets in each cell.

    Returns arrays of shape (rows, columns): edges of all polygons; polygons, 0 where one alone or none is there; the
    polygon that fills the cell alone, or NONE.
    """
    edges = np.zeros((rows, columns), dtype=np.int32)
    polygons = np.zeros((rows, columns), dtype=np.int32)
    whole = np.full((rows, columns), NONE, dtype=np.int32)
    seen = np.full((rows, columns), -1, dtype=np.int32)
    for p in range(len(start) - 1):
        mine = edge[start[p] : start[p + 1]]
        if not len(mine):
            continue
        for e in mine:
            r0, r1 = _rows_of(xy, e, frame, rows)
            for row in range(r0, r1 + 1):
                c0, c1 = _columns_in_row(xy, e, row, r0 == r1, frame, columns)
                for column in range(c0, c1 + 1):
                    edges[row, column] += 1
                    if seen[row, column] != p:
                        seen[row, column] = p
                        polygons[row, column] += 1
        c0, c1, r0, r1 = _window(xy, mine, frame, columns, rows)
        state = _corners(xy, mine, frame, c0, c1, r0, r1, columns)
        for row in range(r0, r1 + 1):
            for column in range(c0, c1 + 1):
                if seen[row, column] != p and state[row - r0, column - c0] & INSIDE:
                    if whole[row, column] != NONE:  # a second one over the whole cell
                        polygons[row, column] += 1
                    else:
                        whole[row, column] = p
    for row in range(rows):
        for column in range(columns):
            if polygons[row, column] and whole[row, column] != NONE:
                polygons[row, column] += 1
                whole[row, column] = NONE
    return edges, polygons, whole


@compiled
def fill(
    xy: Floats, edge: Int32s, start: Int64s, frame: Floats, table: Int32s, next_entry: Int64s, next_edge: Int64s
) -> tuple[Int32s, Int32s]:
    """Write the entries and edges of all records.

    ``next_entry`` and ``next_edge`` (records + 1,) say where those of each record begin, and are used up. Returns
    entries, shape (n + 1, 3): polygon, state of the corner, first of its edges; and the first vertex of each edge.
    """
    rows, columns = table.shape
    entries = np.zeros((next_entry[-1] + 1, 3), dtype=np.int32)
    entries[-1, 2] = next_edge[-1]
    edges = np.zeros(next_edge[-1], dtype=np.int32)
    seen = np.full((rows, columns), -1, dtype=np.int32)
    for p in range(len(start) - 1):
        mine = edge[start[p] : start[p + 1]]
        if not len(mine):
            continue
        c0, c1, r0, r1 = _window(xy, mine, frame, columns, rows)
        state = _corners(xy, mine, frame, c0, c1, r0, r1, columns)
        for e in mine:
            e0, e1 = _rows_of(xy, e, frame, rows)
            for row in range(e0, e1 + 1):
                k0, k1 = _columns_in_row(xy, e, row, e0 == e1, frame, columns)
                for column in range(k0, k1 + 1):
                    r = RECORD - table[row, column]
                    if seen[row, column] != p:
                        seen[row, column] = p
                        _enter(entries, next_entry, next_edge, r, p, state[row - r0, column - c0])
                    edges[next_edge[r]] = e
                    next_edge[r] += 1
        for row in range(r0, r1 + 1):
            for column in range(c0, c1 + 1):
                r = RECORD - table[row, column]
                if r >= 0 and seen[row, column] != p and state[row - r0, column - c0] & INSIDE:
                    _enter(entries, next_entry, next_edge, r, p, INSIDE)
    return entries, edges


@compiled
def _enter(entries: Int32s, next_entry: Int64s, next_edge: Int64s, r: int, polygon: int, state: int) -> None:
    """Write one entry of record ``r``."""
    k = next_entry[r]
    entries[k, 0], entries[k, 1], entries[k, 2] = polygon, state, next_edge[r]
    next_entry[r] = k + 1


@compiled
def _holds(  # noqa: C901
    x: float, y: float, corner_x: float, corner_y: float, state: int, low: int, high: int, edges: Int32s, xy: Floats
) -> int:
    """Tell whether a polygon with these edges near the point holds it: 1, 0, or ASK."""
    if state & UNSURE:
        return ASK
    inside = state & INSIDE
    for k in range(low, high):
        e = edges[k]
        ax, ay, bx, by = xy[e, 0], xy[e, 1], xy[e + 1, 0], xy[e + 1, 1]
        if y in (ay, by):
            return ASK
        level = (ay > y) != (by > y)
        upright = (ax > corner_x) != (bx > corner_x)
        if not (level or upright):
            continue
        turn = _side(ax, ay, bx, by, corner_x, y)
        if turn == 0:
            return ASK
        if level:
            there = _side(ax, ay, bx, by, x, y)
            if there == 0:
                return ASK
            if there != turn:
                inside ^= 1
        if upright:
            there = _side(ax, ay, bx, by, corner_x, corner_y)
            if there == 0:
                return ASK
            if there != turn:
                inside ^= 1
    return inside


@compiled
def owners(
    xs: Floats, ys: Floats, found: Ints, tied: Bools,
    frame: Floats, table: Int32s, first: Int64s, entries: Int32s, edges: Int32s, xy: Floats,
) -> int:  # fmt: skip
    """Write the owner of each point, and whether several cover it; returns how many only GEOS can decide."""
    rows, columns = table.shape
    asked = 0
    for i in range(len(xs)):
        x, y = xs[i], ys[i]
        across, along = (x - frame[0]) * frame[2], (y - frame[1]) * frame[3]
        found[i] = NONE
        if not (0 <= across < columns and 0 <= along < rows):
            continue
        column, row = int(across), int(along)
        value = table[row, column]
        if value >= NONE:
            found[i] = value
            continue
        corner_x, corner_y = frame[0] + column * frame[4], frame[1] + row * frame[5]
        r = RECORD - value
        for k in range(first[r], first[r + 1]):
            holds = _holds(x, y, corner_x, corner_y, entries[k, 1], entries[k, 2], entries[k + 1, 2], edges, xy)
            if holds == ASK:
                found[i] = ASK
                asked += 1
                break
            if holds:
                if found[i] >= 0:
                    tied[i] = True
                    break
                found[i] = entries[k, 0]
    return asked


@compiled
def owner_of_one(
    x: float, y: float,
    frame: Floats, table: Int32s, first: Int64s, entries: Int32s, edges: Int32s, xy: Floats,
) -> int:  # fmt: skip
    """Return the owner of one point, NONE or ASK."""
    rows, columns = table.shape
    across, along = (x - frame[0]) * frame[2], (y - frame[1]) * frame[3]
    if not (0 <= across < columns and 0 <= along < rows):
        return NONE
    column, row = int(across), int(along)
    value = table[row, column]
    if value >= NONE:
        return int(value)
    corner_x, corner_y = frame[0] + column * frame[4], frame[1] + row * frame[5]
    r = RECORD - value
    for k in range(first[r], first[r + 1]):
        holds = _holds(x, y, corner_x, corner_y, entries[k, 1], entries[k, 2], entries[k + 1, 2], edges, xy)
        if holds:
            return ASK if holds == ASK else int(entries[k, 0])
    return NONE
