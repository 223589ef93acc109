"""Loops over raster cells: the nearest street of each, and the seconds that follow from it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gridmap.core.network.graph import STEPS_PER_S, Floats, Ints, Longs, Seconds
from gridmap.core.reach.kernels import OWNER_BITS, UNREACHED, Legs, Streets, compiled

_ROUNDS = 2
_HALVINGS = 5


class Segments(NamedTuple):
    """Straight pieces from (ax, ay) to (bx, by), (S,) each, metres."""

    ax: Floats
    ay: Floats
    bx: Floats
    by: Floats


class Window(NamedTuple):
    """A raster: the centre of cell (row, column) is (x0 + column * cell, y0 + row * cell)."""

    x0: float
    y0: float
    cell: float
    ny: int
    nx: int


@compiled
def foot(pieces: Segments, s: int, x: float, y: float) -> tuple[float, float]:
    """Return the share of a piece at which it is nearest to a point, and the squared metres to it."""
    dx, dy = pieces.bx[s] - pieces.ax[s], pieces.by[s] - pieces.ay[s]
    square = dx * dx + dy * dy
    share = 0.0
    if square > 0:
        share = min(1.0, max(0.0, ((x - pieces.ax[s]) * dx + (y - pieces.ay[s]) * dy) / square))
    ex, ey = pieces.ax[s] + share * dx - x, pieces.ay[s] + share * dy - y
    return share, ex * ex + ey * ey


@compiled
def offer(pieces: Segments, window: Window, piece: Ints, best: Floats, row: int, column: int, s: int) -> None:
    """Let a cell take a piece if it is nearer than its own; of equally near ones the lower."""
    if s < 0 or s == piece[row, column]:
        return
    _, square = foot(pieces, s, window.x0 + column * window.cell, window.y0 + row * window.cell)
    if square < best[row, column] or (square == best[row, column] and s < piece[row, column]):
        piece[row, column] = s
        best[row, column] = square


@compiled
def mark(pieces: Segments, window: Window, piece: Ints, best: Floats, s: int) -> None:
    """Offer a piece to the cells around it."""
    low_x, high_x = min(pieces.ax[s], pieces.bx[s]), max(pieces.ax[s], pieces.bx[s])
    low_y, high_y = min(pieces.ay[s], pieces.by[s]), max(pieces.ay[s], pieces.by[s])
    first_row = max(0, int(np.floor((low_y - window.y0) / window.cell)))
    last_row = min(window.ny - 1, int(np.ceil((high_y - window.y0) / window.cell)))
    slant = high_y - low_y > window.cell
    slope = (pieces.bx[s] - pieces.ax[s]) / (pieces.by[s] - pieces.ay[s]) if slant else 0.0
    for row in range(first_row, last_row + 1):
        left, right = low_x, high_x
        if slant:
            # Of a long slanting piece only the columns that it crosses near this row.
            middle = pieces.ax[s] + slope * (window.y0 + row * window.cell - pieces.ay[s])
            left = max(left, middle - abs(slope) * window.cell)
            right = min(right, middle + abs(slope) * window.cell)
        first = max(0, int(np.floor((left - window.x0) / window.cell)))
        last = min(window.nx - 1, int(np.ceil((right - window.x0) / window.cell)))
        for column in range(first, last + 1):
            offer(pieces, window, piece, best, row, column, s)


@compiled
def sweep(pieces: Segments, window: Window, piece: Ints, best: Floats, row: int, above: int) -> None:
    """Offer to the cells of a row what the row ``above`` has, and what their neighbours in the row have."""
    nx = window.nx
    if 0 <= above < window.ny:
        for column in range(nx):
            for beside in range(max(0, column - 1), min(nx, column + 2)):
                offer(pieces, window, piece, best, row, column, piece[above, beside])
    for column in range(1, nx):
        offer(pieces, window, piece, best, row, column, piece[row, column - 1])
    for column in range(nx - 2, -1, -1):
        offer(pieces, window, piece, best, row, column, piece[row, column + 1])


@compiled
def nearest_piece(pieces: Segments, window: Window) -> tuple[Ints, Floats]:
    """Return the nearest piece of every cell (-1: there is none) and the squared metres to it, (ny, nx).

    Pieces are offered to the cells around them; then every cell offers its own to its neighbours, in sweeps there and
    back. A piece may be missed whose nearest cells are all nearer to other pieces: what is kept is hardly farther.
    """
    piece = np.full((window.ny, window.nx), -1, np.int32)
    best = np.full((window.ny, window.nx), np.inf, np.float64)
    for s in range(len(pieces.ax)):
        mark(pieces, window, piece, best, s)
    for _ in range(_ROUNDS):
        for row in range(window.ny):
            sweep(pieces, window, piece, best, row, row - 1)
        for row in range(window.ny - 1, -1, -1):
            sweep(pieces, window, piece, best, row, row + 1)
    return piece, best


@compiled
def along_pieces(pieces: Segments, window: Window, piece: Ints, run: Floats) -> Seconds:
    """Return the metres along its edge of each cell's street place; ``run`` (S,) are those of the piece's begin."""
    along = np.zeros((window.ny, window.nx), np.float32)
    for row in range(window.ny):
        for column in range(window.nx):
            s = piece[row, column]
            if s >= 0:
                share, _ = foot(pieces, s, window.x0 + column * window.cell, window.y0 + row * window.cell)
                length = np.hypot(pieces.bx[s] - pieces.ax[s], pieces.by[s] - pieces.ay[s])
                along[row, column] = run[s] + share * length
    return along


@compiled
def place_s(
    streets: Streets, label: Longs, stations: Legs, forward_s: Seconds, backward_s: Seconds, length_m: Floats,
    edge: int, along_m: float,
) -> float:  # fmt: skip
    """Return the seconds from a place on an edge to its station; inf: none."""
    length = max(length_m[edge], 1e-9)
    best = np.inf
    for end in range(2):
        node = streets.edge_u[edge] if end == 0 else streets.edge_v[edge]
        walk = backward_s[edge] * (along_m / length) if end == 0 else forward_s[edge] * (1.0 - along_m / length)
        if label[node] != UNREACHED:
            best = min(best, (label[node] >> OWNER_BITS) / STEPS_PER_S + walk)
    for own in range(stations.slot[edge], stations.slot[edge + 1]):
        further = stations.along_m[own] - along_m
        walk = forward_s[edge] * (further / length) if further > 0 else backward_s[edge] * (-further / length)
        best = min(best, stations.off[own] / STEPS_PER_S + walk)
    return best


@compiled
def seconds_of_cells(
    streets: Streets, label: Longs, stations: Legs, forward_s: Seconds, backward_s: Seconds, length_m: Floats,
    edge: Ints, along_m: Seconds, off_m: Seconds, speed_mps: float,
) -> Seconds:  # fmt: skip
    """Return the seconds of every cell (ny, nx) by its street place; inf where it has none or no station is reached."""
    out = np.full(edge.shape, np.inf, np.float32)
    for row in range(edge.shape[0]):
        for column in range(edge.shape[1]):
            e = edge[row, column]
            if e >= 0 and not (label[streets.edge_u[e]] == UNREACHED and label[streets.edge_v[e]] == UNREACHED
                               and stations.slot[e] == stations.slot[e + 1]):  # fmt: skip
                walk = place_s(
                    streets, label, stations, forward_s, backward_s, length_m, e, np.float64(along_m[row, column])
                )
                out[row, column] = walk + off_m[row, column] / speed_mps
    return out


@compiled
def seconds_of_rows(
    streets: Streets, label: Longs, stations: Legs, forward_s: Seconds, backward_s: Seconds, length_m: Floats,
    cell: Longs, edge: Ints, along_m: Floats, off_m: Floats, speed_mps: float, seconds: Seconds,
) -> None:  # fmt: skip
    """Let cells that have further street places take the least seconds."""
    for i in range(len(cell)):
        walk = place_s(streets, label, stations, forward_s, backward_s, length_m, edge[i], along_m[i])
        seconds[cell[i]] = min(seconds[cell[i]], np.float32(walk + off_m[i] / speed_mps))


class Lines(NamedTuple):
    """Vertices of all edges; those of edge e are ``start[e]`` … ``start[e + 1] - 1``."""

    xy: Floats
    start: Longs


@compiled
def squared_to_edge(lines: Lines, edge: int, x: float, y: float) -> float:
    """Return the squared metres from a point to an edge."""
    best = np.inf
    for k in range(lines.start[edge], lines.start[edge + 1] - 1):
        ax, ay = lines.xy[k, 0], lines.xy[k, 1]
        dx, dy = lines.xy[k + 1, 0] - ax, lines.xy[k + 1, 1] - ay
        square = dx * dx + dy * dy
        share = min(1.0, max(0.0, ((x - ax) * dx + (y - ay) * dy) / square)) if square > 0 else 0.0
        ex, ey = ax + share * dx - x, ay + share * dy - y
        best = min(best, ex * ex + ey * ey)
    return float(best)


@compiled
def link(
    window: Window, lines: Lines, seconds: Seconds, off_m: Seconds, edge: Ints, limit_s: float, step_s: float,
    limit_m: float, row: int, column: int, to_row: int, to_column: int,
) -> float:  # fmt: skip
    """Return at which share of the way from a cell within the limit to one beyond it the area ends.

    On a street that goes on, where the limit is reached; between two streets back to back, where both are equally far;
    in open country, ``limit_m`` from the street; beside water (``off_m`` inf) at the far end; beside a wall (NaN)
    halfway.
    """
    here_s, there_s = seconds[row, column], seconds[to_row, to_column]
    if there_s - here_s <= 2 * step_s:
        return float(min(1.0, max(0.0, (limit_s - here_s) / (there_s - here_s))))
    if off_m[to_row, to_column] == np.inf:
        return 1.0
    mine, other = edge[row, column], edge[to_row, to_column]
    if other < 0 and not np.isnan(off_m[to_row, to_column]):
        off = off_m[row, column]
        return float(min(1.0, max(0.0, (limit_m - off) / max(off_m[to_row, to_column] - off, 1e-3))))
    if np.isnan(off_m[row, column]) or np.isnan(off_m[to_row, to_column]) or mine == other:
        return 0.5
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        share = (low + high) / 2
        x = window.x0 + (column + share * (to_column - column)) * window.cell
        y = window.y0 + (row + share * (to_row - row)) * window.cell
        if squared_to_edge(lines, mine, x, y) <= squared_to_edge(lines, other, x, y):
            low = share
        else:
            high = share
    return (low + high) / 2


@compiled
def beyond_at(
    window: Window, lines: Lines, seconds: Seconds, off_m: Seconds, edge: Ints, limit_s: float, step_s: float,
    limit_m: float, row: int, column: int,
) -> float:  # fmt: skip
    """Return how far a cell is outside the limit (below 0: inside), in cells, at most 1."""
    ny, nx = seconds.shape
    inside = seconds[row, column] <= limit_s
    least = 1.0
    for side in range(4):
        r, c = row + (side == 0) - (side == 1), column + (side == 2) - (side == 3)  # noqa: PLR2004
        if 0 <= r < ny and 0 <= c < nx and (seconds[r, c] <= limit_s) != inside:
            if inside:
                share = link(window, lines, seconds, off_m, edge, limit_s, step_s, limit_m, row, column, r, c)
            else:
                share = 1.0 - link(window, lines, seconds, off_m, edge, limit_s, step_s, limit_m, r, c, row, column)
            least = min(least, share)
    return -least if inside else max(least, 1e-9)


@compiled
def beyond(
    window: Window, lines: Lines, seconds: Seconds, off_m: Seconds, edge: Ints, limit_s: float, step_s: float,
    limit_m: float,
) -> Floats:  # fmt: skip
    """Return what :func:`beyond_at` tells, for every cell."""
    ny, nx = seconds.shape
    out = np.empty((ny, nx), np.float64)
    for row in range(ny):
        for column in range(nx):
            out[row, column] = beyond_at(window, lines, seconds, off_m, edge, limit_s, step_s, limit_m, row, column)
    return out
