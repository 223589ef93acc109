"""The loops that decide the speed: a uniform grid over segments, crossings in it, nearest segments, clear legs.

Segments are given by their ends ``ax, ay, bx, by``. ``start`` (cells + 1,) and ``item`` list the segments of each
cell, row by row from (x0, y0); a segment stands in every cell that it passes within :data:`SLACK`.
"""

# mypy: ignore-errors
# ruff: noqa: ANN001, ANN201, D103, PLR2004, C901, PLR0912, RUF046
# numba infers the types; a kernel is one long loop because calls and small arrays cost time.

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

compiled: Any = njit(cache=True, nogil=True)

#: Metres by which a segment is widened when it is put into cells.
SLACK = 0.01
#: Metres within which a vertex lies on a segment that does not have it: rounding to the millimetre grid, twice.
TOUCH = 0.002
#: A leg nearer than this to a barrier touches it.
CONTACT = 1e-6
#: A street is tried in pieces of so many metres when the nearest way to it is barred.
PIECE = 20.0
#: Streets are taken to be this far before or behind a wall that they run along.
BESIDE = 0.1
#: Stands for ``own`` where a leg begins at a gate.
GATE = -2


@compiled
def columns_in_row(ax, ay, bx, by, low, high):
    """Return the x range of the part of a segment with low <= y <= high (empty: first > last)."""
    if ay > by:
        ax, ay, bx, by = bx, by, ax, ay
    if by < low or ay > high:
        return 1.0, 0.0
    x_low, x_high = ax, bx
    if by > ay:
        slope = (bx - ax) / (by - ay)
        if ay < low:
            x_low = ax + (low - ay) * slope
        if by > high:
            x_high = ax + (high - ay) * slope
    return min(x_low, x_high), max(x_low, x_high)


@compiled
def clipped(value, count):
    """Return a cell number within 0 … count − 1."""
    return min(max(int(math.floor(value)), 0), count - 1)


@compiled
def segment_cells(ax, ay, bx, by, x0, y0, cell, nx, ny):
    """Return ``start`` and ``item`` of a grid of nx × ny cells."""
    start = np.zeros(nx * ny + 1, np.int64)
    item = np.empty(0, np.int32)
    for turn in range(2):
        for s in range(len(ax)):
            first = clipped((min(ay[s], by[s]) - SLACK - y0) / cell, ny)
            last = clipped((max(ay[s], by[s]) + SLACK - y0) / cell, ny)
            for row in range(first, last + 1):
                west, east = columns_in_row(
                    ax[s], ay[s], bx[s], by[s], y0 + row * cell - SLACK, y0 + (row + 1) * cell + SLACK
                )
                if west > east:
                    continue
                for column in range(
                    clipped((west - SLACK - x0) / cell, nx), clipped((east + SLACK - x0) / cell, nx) + 1
                ):
                    here = row * nx + column
                    if turn == 0:
                        start[here + 1] += 1
                    else:
                        item[start[here]] = s
                        start[here] += 1
        if turn == 0:
            for c in range(nx * ny):
                start[c + 1] += start[c]
            item = np.empty(start[nx * ny], np.int32)
    for c in range(nx * ny, 0, -1):
        start[c] = start[c - 1]
    start[0] = 0
    return start, item


@compiled
def foot_of(px, py, ax, ay, bx, by):
    """Return the place of the nearest point on a segment: t in 0 … 1, x, y; the very ends where they are nearest."""
    dx, dy = bx - ax, by - ay
    squared = dx * dx + dy * dy
    if squared == 0.0:
        return 0.0, ax, ay
    t = ((px - ax) * dx + (py - ay) * dy) / squared
    if t <= 0.0:
        return 0.0, ax, ay
    if t >= 1.0:
        return 1.0, bx, by
    return t, ax + t * dx, ay + t * dy


@compiled
def on_segment(ax, ay, bx, by, t):
    """Return the place t of a segment; the very ends at 0 and 1."""
    if t <= 0.0:
        return ax, ay
    if t >= 1.0:
        return bx, by
    return ax + t * (bx - ax), ay + t * (by - ay)


@compiled
def squared_to(px, py, ax, ay, bx, by):
    _, x, y = foot_of(px, py, ax, ay, bx, by)
    return (px - x) * (px - x) + (py - y) * (py - y)


@compiled
def side(ax, ay, bx, by, px, py):
    return (bx - ax) * (py - ay) - (by - ay) * (px - ax)


@compiled
def cross_within(ax, ay, bx, by, cx, cy, dx, dy):
    """Whether two segments cross properly: no end of one lies on the other."""
    c, d = side(ax, ay, bx, by, cx, cy), side(ax, ay, bx, by, dx, dy)
    a, b = side(cx, cy, dx, dy, ax, ay), side(cx, cy, dx, dy, bx, by)
    return ((c > 0 and d < 0) or (c < 0 and d > 0)) and ((a > 0 and b < 0) or (a < 0 and b > 0))


@compiled
def meetings(ax, ay, bx, by, level, x0, y0, cell, nx, ny, start, item):
    """Return where segments of one level meet without a common vertex: segment to cut, place on it, x, y.

    A crossing cuts both segments at one place on the millimetre grid, a vertex on a segment only that segment.
    """
    room = 1024
    cut = np.empty(room, np.int32)
    place = np.empty(room, np.float64)
    out_x = np.empty(room, np.float64)
    out_y = np.empty(room, np.float64)
    used = 0
    for here in range(nx * ny):
        for i in range(start[here], start[here + 1]):
            s = item[i]
            if level[s] < 0:
                continue
            for j in range(start[here], start[here + 1]):
                r = item[j]
                if r == s or level[r] != level[s]:
                    continue
                if used + 4 > room:
                    room *= 2
                    cut = np.concatenate((cut, np.empty_like(cut)))
                    place = np.concatenate((place, np.empty_like(place)))
                    out_x = np.concatenate((out_x, np.empty_like(out_x)))
                    out_y = np.concatenate((out_y, np.empty_like(out_y)))
                touching = False
                for k in range(4):
                    # Ends of r on s cut s; ends of s on r only say that this is no proper crossing.
                    x, y = (
                        (ax[r], ay[r])
                        if k == 0
                        else (bx[r], by[r])
                        if k == 1
                        else (ax[s], ay[s])
                        if k == 2
                        else (bx[s], by[s])
                    )
                    o = s if k < 2 else r
                    if squared_to(x, y, ax[o], ay[o], bx[o], by[o]) > TOUCH * TOUCH:
                        continue
                    touching = True
                    if k >= 2 or (x == ax[s] and y == ay[s]) or (x == bx[s] and y == by[s]):
                        continue
                    column, row = clipped((x - x0) / cell, nx), clipped((y - y0) / cell, ny)
                    if row * nx + column == here:
                        t, _, _ = foot_of(x, y, ax[s], ay[s], bx[s], by[s])
                        cut[used], place[used], out_x[used], out_y[used] = s, t, x, y
                        used += 1
                if touching or r < s:
                    continue
                if cross_within(ax[s], ay[s], bx[s], by[s], ax[r], ay[r], bx[r], by[r]):
                    c = side(ax[s], ay[s], bx[s], by[s], ax[r], ay[r])
                    d = side(ax[s], ay[s], bx[s], by[s], bx[r], by[r])
                    on_r = c / (c - d)
                    x, y = ax[r] + on_r * (bx[r] - ax[r]), ay[r] + on_r * (by[r] - ay[r])
                    column, row = clipped((x - x0) / cell, nx), clipped((y - y0) / cell, ny)
                    if row * nx + column == here:
                        t, _, _ = foot_of(x, y, ax[s], ay[s], bx[s], by[s])
                        x, y = round(x * 1000) / 1000, round(y * 1000) / 1000
                        cut[used], place[used], out_x[used], out_y[used] = s, t, x, y
                        cut[used + 1], place[used + 1], out_x[used + 1], out_y[used + 1] = r, on_r, x, y
                        used += 2
    return cut[:used], place[:used], out_x[:used], out_y[:used]


@compiled
def loose_ends(
    px, py, p_line, p_measure, p_level, p_free, radius, near,
    ax, ay, bx, by, line, measure, level, outer, x0, y0, cell, nx, ny, start, item,
):  # fmt: skip
    """Find what each loose end of a street joins: segment (−1: nothing), place on it, x, y, metres.

    An end joins streets of its level, ends of any street, and, where ``p_free`` says so, every street; its own street
    only where that is far along. ``outer`` has bit 1 where the first and bit 2 where the second end of a segment is
    an end of its street. A vertex of the street within ``near`` of the nearest place is taken instead of it.
    """
    n = len(px)
    joined = np.full(n, -1, np.int32)
    place = np.zeros(n)
    out_x, out_y = px.copy(), py.copy()
    metres = np.full(n, np.inf)
    for i in range(n):
        reach = radius[i]
        west, east = clipped((px[i] - reach - x0) / cell, nx), clipped((px[i] + reach - x0) / cell, nx)
        south, north = clipped((py[i] - reach - y0) / cell, ny), clipped((py[i] + reach - y0) / cell, ny)
        for row in range(south, north + 1):
            for column in range(west, east + 1):
                for k in range(start[row * nx + column], start[row * nx + column + 1]):
                    s = item[k]
                    t, x, y = foot_of(px[i], py[i], ax[s], ay[s], bx[s], by[s])
                    length = math.hypot(bx[s] - ax[s], by[s] - ay[s])
                    if t * length <= near and math.hypot(ax[s] - px[i], ay[s] - py[i]) <= reach:
                        t, x, y = 0.0, ax[s], ay[s]
                    elif (1.0 - t) * length <= near and math.hypot(bx[s] - px[i], by[s] - py[i]) <= reach:
                        t, x, y = 1.0, bx[s], by[s]
                    away = math.hypot(x - px[i], y - py[i])
                    if away > reach:
                        continue
                    if line[s] == p_line[i] and abs(measure[s] + t * length - p_measure[i]) <= 10 * reach:
                        continue
                    is_end = (t == 0.0 and outer[s] & 1) or (t == 1.0 and outer[s] & 2)
                    if not (is_end or p_free[i] or (level[s] == p_level[i] and level[s] >= 0)):
                        continue
                    better = away < metres[i] or (
                        away == metres[i]
                        and (x < out_x[i] or (x == out_x[i] and (y < out_y[i] or (y == out_y[i] and s < joined[i]))))
                    )
                    if better:
                        joined[i], place[i], out_x[i], out_y[i], metres[i] = s, t, x, y, away
    return joined, place, out_x, out_y, metres


@compiled
def touches(ax, ay, bx, by, cx, cy, dx, dy):
    """Whether two segments cross or come nearer than CONTACT."""
    near = CONTACT * CONTACT
    return (
        cross_within(ax, ay, bx, by, cx, cy, dx, dy)
        or squared_to(ax, ay, cx, cy, dx, dy) <= near
        or squared_to(bx, by, cx, cy, dx, dy) <= near
        or squared_to(cx, cy, ax, ay, bx, by) <= near
        or squared_to(dx, dy, ax, ay, bx, by) <= near
    )


@compiled
def barred(px, py, qx, qy, own, ignored, ax, ay, bx, by, owner, x0, y0, cell, nx, ny, start, item):
    """Whether the straight leg from p to the street place q meets a barrier.

    The leg counts as a little longer for the walls of ``own``, the estate that p stands in, and as a little shorter
    for all others, so that a street along a wall is outside it. Walls of ``ignored`` bar nothing. If ``own`` is GATE,
    p is a gate, and a wall beside it bars nothing either.
    """
    if len(item) == 0:
        return False
    length = math.hypot(qx - px, qy - py)
    if own == GATE:
        if length <= 2 * BESIDE:
            return False
        px, py, length = px + (qx - px) / length * BESIDE, py + (qy - py) / length * BESIDE, length - BESIDE
    ux, uy = (0.0, 0.0) if length == 0.0 else ((qx - px) / length, (qy - py) / length)
    less = min(BESIDE, length)
    long_x, long_y = qx + BESIDE * ux, qy + BESIDE * uy
    short_x, short_y = qx - less * ux, qy - less * uy
    first = clipped((min(py, long_y) - SLACK - y0) / cell, ny)
    last = clipped((max(py, long_y) + SLACK - y0) / cell, ny)
    for row in range(first, last + 1):
        west, east = columns_in_row(px, py, long_x, long_y, y0 + row * cell - SLACK, y0 + (row + 1) * cell + SLACK)
        if west > east:
            continue
        for column in range(clipped((west - SLACK - x0) / cell, nx), clipped((east + SLACK - x0) / cell, nx) + 1):
            for k in range(start[row * nx + column], start[row * nx + column + 1]):
                s = item[k]
                if owner[s] >= 0 and owner[s] == ignored:
                    continue
                if owner[s] >= 0 and owner[s] == own:
                    if touches(px, py, long_x, long_y, ax[s], ay[s], bx[s], by[s]):
                        return True
                elif touches(px, py, short_x, short_y, ax[s], ay[s], bx[s], by[s]):
                    return True
    return False


@compiled
def nearest_segment(px, py, limit, ax, ay, bx, by, edge, usable, x0, y0, cell, nx, ny, start, item):
    """Return the nearest segment within ``limit`` metres (−1: none), the place on it, x, y and metres squared.

    Segments are in the order of their edges, so that of equally near ones the first is taken. ``usable`` (edges,)
    tells which edges count; empty: all.
    """
    best, best_t, best_x, best_y = -1, 0.0, px, py
    best_d = limit * limit
    column, row = int(math.floor((px - x0) / cell)), int(math.floor((py - y0) / cell))
    ring = 0
    while True:
        for r in range(row - ring, row + ring + 1):
            if r < 0 or r >= ny:
                continue
            step = 1 if r == row - ring or r == row + ring else 2 * ring
            for c in range(column - ring, column + ring + 1, max(step, 1)):
                if c < 0 or c >= nx:
                    continue
                for k in range(start[r * nx + c], start[r * nx + c + 1]):
                    s = item[k]
                    if len(usable) > 0 and not usable[edge[s]]:
                        continue
                    t, x, y = foot_of(px, py, ax[s], ay[s], bx[s], by[s])
                    d = (px - x) * (px - x) + (py - y) * (py - y)
                    if d < best_d or (d == best_d and (best < 0 or s < best)):
                        best, best_t, best_x, best_y, best_d = s, t, x, y, d
        known = min(
            px - (x0 + (column - ring) * cell),
            (x0 + (column + ring + 1) * cell) - px,
            py - (y0 + (row - ring) * cell),
            (y0 + (row + ring + 1) * cell) - py,
        )
        if known > 0 and known * known > best_d:
            return best, best_t, best_x, best_y, best_d
        ring += 1


@compiled
def nearest_clear(
    px, py, own, ignored, limit, usable,
    ax, ay, bx, by, edge, street, measure, x0, y0, cell, nx, ny, start, item,
    wall_ax, wall_ay, wall_bx, wall_by, owner, wx0, wy0, w_cell, wnx, wny, w_start, w_item,
):  # fmt: skip
    """Return the nearest street place that a clear leg leads to, and the metres to the nearest street at all.

    The answer is segment (−1: none within ``limit``), place on it, metres, metres to the nearest (inf: beyond).
    Where the nearest place is barred, streets are tried in pieces from one multiple of PIECE metres along the street
    to the next (``street`` and ``measure`` of the segments tell), each at its nearest point, the nearest first.
    """
    s, t, x, y, d = nearest_segment(px, py, limit, ax, ay, bx, by, edge, usable, x0, y0, cell, nx, ny, start, item)
    if s < 0:
        return -1, 0.0, np.inf, np.inf
    nearest = math.sqrt(d)
    if not barred(
        px, py, x, y, own, ignored, wall_ax, wall_ay, wall_bx, wall_by, owner,
        wx0, wy0, w_cell, wnx, wny, w_start, w_item,
    ):  # fmt: skip
        return s, t, nearest, nearest
    west, east = clipped((px - limit - x0) / cell, nx), clipped((px + limit - x0) / cell, nx)
    south, north = clipped((py - limit - y0) / cell, ny), clipped((py + limit - y0) / cell, ny)
    room = 256
    found_s = np.empty(room, np.int64)
    found_t = np.empty(room)
    found_d = np.empty(room)
    found_piece = np.empty(room, np.int64)
    used = 0
    for row in range(south, north + 1):
        for column in range(west, east + 1):
            for k in range(start[row * nx + column], start[row * nx + column + 1]):
                s = item[k]
                if len(usable) > 0 and not usable[edge[s]]:
                    continue
                # A segment stands in several cells: it is taken where its nearest point lies.
                t, x, y = foot_of(px, py, ax[s], ay[s], bx[s], by[s])
                if (px - x) * (px - x) + (py - y) * (py - y) > limit * limit:
                    continue
                if clipped((x - x0) / cell, nx) != column or clipped((y - y0) / cell, ny) != row:
                    continue
                length = math.hypot(bx[s] - ax[s], by[s] - ay[s])
                first = int(math.floor((measure[s] + CONTACT) / PIECE))
                last = int(math.floor((measure[s] + length - CONTACT) / PIECE))
                for piece in range(first, max(first, last) + 1):
                    low = max((piece * PIECE - measure[s]) / length, 0.0)
                    high = min(((piece + 1) * PIECE - measure[s]) / length, 1.0)
                    place = min(max(t, low), high)
                    x, y = on_segment(ax[s], ay[s], bx[s], by[s], place)
                    d = (px - x) * (px - x) + (py - y) * (py - y)
                    if d > limit * limit:
                        continue
                    if used == room:
                        room *= 2
                        found_s = np.concatenate((found_s, np.empty_like(found_s)))
                        found_t = np.concatenate((found_t, np.empty_like(found_t)))
                        found_d = np.concatenate((found_d, np.empty_like(found_d)))
                        found_piece = np.concatenate((found_piece, np.empty_like(found_piece)))
                    found_s[used], found_t[used], found_d[used] = s, place, d
                    found_piece[used] = (street[s] << 24) + piece
                    used += 1
    # By distance, then by segment; of every piece only the nearest point.
    order = np.argsort(found_s[:used], kind="mergesort")
    order = order[np.argsort(found_d[order], kind="mergesort")]
    by_piece = np.argsort(found_piece[order], kind="mergesort")
    later = np.zeros(used, np.bool_)
    for k in range(1, used):
        later[by_piece[k]] = found_piece[order[by_piece[k]]] == found_piece[order[by_piece[k - 1]]]
    for k in range(used):
        if later[k]:
            continue
        s, t = found_s[order[k]], found_t[order[k]]
        x, y = on_segment(ax[s], ay[s], bx[s], by[s], t)
        if not barred(
            px, py, x, y, own, ignored, wall_ax, wall_ay, wall_bx, wall_by, owner,
            wx0, wy0, w_cell, wnx, wny, w_start, w_item,
        ):  # fmt: skip
            return s, t, math.sqrt(found_d[order[k]]), nearest
    return -1, 0.0, np.inf, nearest


@compiled
def nearest_clear_of_each(
    px, py, own, ignored, limit, usable,
    ax, ay, bx, by, edge, street, measure, x0, y0, cell, nx, ny, start, item,
    wall_ax, wall_ay, wall_bx, wall_by, owner, wx0, wy0, w_cell, wnx, wny, w_start, w_item,
):  # fmt: skip
    """Answer :func:`nearest_clear` for every point: arrays of segment, place, metres, metres to the nearest."""
    n = len(px)
    segment = np.full(n, -1, np.int64)
    place = np.zeros(n)
    metres = np.full(n, np.inf)
    nearest = np.full(n, np.inf)
    for i in range(n):
        if math.isfinite(px[i]) and math.isfinite(py[i]) and len(item) > 0:
            segment[i], place[i], metres[i], nearest[i] = nearest_clear(
                px[i], py[i], own[i], ignored[i], limit, usable,
                ax, ay, bx, by, edge, street, measure, x0, y0, cell, nx, ny, start, item,
                wall_ax, wall_ay, wall_bx, wall_by, owner, wx0, wy0, w_cell, wnx, wny, w_start, w_item,
            )  # fmt: skip
    return segment, place, metres, nearest
