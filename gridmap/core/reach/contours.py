"""Outlines of what is within a limit on a raster, worked out only where the outline runs.

The same polygons as marching squares over the whole raster (contourpy's rule for saddles: the mean of the four corners
decides), but of a county only the tiles are looked at in which a cell within the limit meets one beyond it.
"""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray

from gridmap.core.network.graph import Bools, Floats, Ints, Longs, Seconds
from gridmap.core.reach import raster as loops
from gridmap.core.reach.kernels import compiled
from gridmap.core.reach.raster import Lines, Window

__all__ = ["TILE", "outlines", "spans"]

#: Cells of a tile to each side.
TILE = 32
_CORNERS = 4


@compiled
def spans(seconds: Seconds) -> tuple[Seconds, Seconds]:
    """Return the least and the most seconds of each tile and the cells around it, beyond the raster: inf."""
    ny, nx = seconds.shape
    low = np.full((-(-ny // TILE), -(-nx // TILE)), np.inf, np.float32)
    high = np.zeros(low.shape, np.float32)
    for tile_row in range(low.shape[0]):
        for tile_column in range(low.shape[1]):
            least, most = np.float32(np.inf), np.float32(0.0)
            for row in range(tile_row * TILE - 1, tile_row * TILE + TILE + 1):
                for column in range(tile_column * TILE - 1, tile_column * TILE + TILE + 1):
                    if 0 <= row < ny and 0 <= column < nx:
                        least = min(least, seconds[row, column])
                        most = max(most, seconds[row, column])
                    else:
                        most = np.float32(np.inf)
            low[tile_row, tile_column], high[tile_row, tile_column] = least, most
    return low, high


@compiled
def within(seconds: Seconds, limit_s: float, row: int, column: int) -> bool:
    """Tell whether a cell is within the limit; beyond the raster none is."""
    return bool(0 <= row < seconds.shape[0] and 0 <= column < seconds.shape[1] and seconds[row, column] <= limit_s)


@compiled
def place_over(
    window: Window, lines: Lines, seconds: Seconds, off_m: Seconds, edge: Ints, limit_s: float, step_s: float,
    limit_m: float, tiles: Longs, over: Seconds,
) -> int:  # fmt: skip
    """Write how far cells are beyond the limit where the outline passes; return the most crossings there can be."""
    ny, nx = seconds.shape
    across = -(-nx // TILE)
    crossings = 0
    for tile in tiles:
        for row in range(tile // across * TILE, min(tile // across * TILE + TILE, ny)):
            for column in range(tile % across * TILE, min(tile % across * TILE + TILE, nx)):
                inside = seconds[row, column] <= limit_s
                differ = 0
                for side in range(_CORNERS):
                    r, c = row + (side == 0) - (side == 1), column + (side == 2) - (side == 3)  # noqa: PLR2004
                    differ += within(seconds, limit_s, r, c) != inside
                if differ:
                    over[row, column] = loops.beyond_at(
                        window, lines, seconds, off_m, edge, limit_s, step_s, limit_m, row, column
                    )
                    crossings += differ
    return crossings


@compiled
def cut(
    window: Window, seconds: Seconds, over: Seconds, row: int, column: int, to_row: int, to_column: int
) -> tuple[float, float]:  # fmt: skip
    """Return where the outline passes from a cell within the limit to one beyond it; at the rim in the cell itself."""
    share = 0.0
    if 0 <= to_row < seconds.shape[0] and 0 <= to_column < seconds.shape[1]:
        share = over[row, column] / (over[row, column] - over[to_row, to_column])
    return (
        window.x0 + (column + share * (to_column - column)) * window.cell,
        window.y0 + (row + share * (to_row - row)) * window.cell,
    )


@compiled
def opposite(inside: Bools, count: int) -> bool:
    """Tell whether two corners across from each other are inside, and no other."""
    return bool(count == 2 and inside[0] == inside[2])  # noqa: PLR2004


@compiled
def middle(over: Seconds, corner: Longs) -> float:
    """Return the sum of the values at the corners of a square."""
    total = 0.0
    for k in range(_CORNERS):
        total += over[corner[k, 0], corner[k, 1]]
    return total


@compiled
def way_in(inside: Bools, way_out: int, saddle: bool, joined: bool) -> int:
    """Return the side by which the outline comes in again that went out by a side, from an inside corner on."""
    if saddle:
        return (way_out + (1 if joined else 3)) % _CORNERS
    found = 0
    for k in range(_CORNERS):
        if not inside[k] and inside[(k + 1) % _CORNERS]:
            found = k
    return found


@compiled
def pieces(
    window: Window, seconds: Seconds, limit_s: float, tiles: Longs, over: Seconds, most: int
) -> tuple[Longs, Longs, Floats]:  # fmt: skip
    """Return the straight pieces of the outline, the inside on their left.

    For each piece the number of the side of a cell square on which it begins, that on which it ends, and where it
    begins (K, 2).
    """
    ny, nx = seconds.shape
    across = -(-nx // TILE)
    begin, end, xy = np.empty(most, np.int64), np.empty(most, np.int64), np.empty((most, 2), np.float64)
    used = 0
    corner = np.empty((_CORNERS, 2), np.int64)
    side = np.empty(_CORNERS, np.int64)
    inside = np.empty(_CORNERS, np.bool_)
    for tile in tiles:
        top, left = tile // across * TILE, tile % across * TILE
        for row in range(top - (top == 0), min(top + TILE, ny)):
            for column in range(left - (left == 0), min(left + TILE, nx)):
                count = 0
                for k in range(_CORNERS):
                    corner[k, 0] = row + (k >= 2)  # noqa: PLR2004
                    corner[k, 1] = column + (k == 1 or k == 2)  # noqa: PLR1714, PLR2004
                    inside[k] = within(seconds, limit_s, corner[k, 0], corner[k, 1])
                    count += inside[k]
                if count == 0 or count == _CORNERS:  # noqa: PLR1714
                    continue
                here = 2 * ((row + 1) * (nx + 2) + column + 1)
                side[0], side[1], side[2], side[3] = here, here + 3, here + 2 * (nx + 2), here + 1
                joined = opposite(inside, count) and middle(over, corner) <= 0
                for k in range(_CORNERS):
                    after = (k + 1) % _CORNERS
                    if not inside[k] or inside[after]:
                        continue
                    other = way_in(inside, k, opposite(inside, count), joined)
                    begin[used], end[used] = side[k], side[other]
                    xy[used, 0], xy[used, 1] = cut(
                        window, seconds, over, corner[k, 0], corner[k, 1], corner[after, 0], corner[after, 1]
                    )
                    used += 1
    return begin[:used], end[:used], xy[:used]


@compiled
def walk(following: Longs) -> tuple[Longs, Longs]:
    """Return the pieces in the order of their rings, and where each ring begins in that, with the end of the last."""
    count = len(following)
    order, start = np.empty(count, np.int64), np.empty(count + 1, np.int64)
    seen = np.zeros(count, np.bool_)
    used = rings = 0
    for first in range(count):
        if seen[first]:
            continue
        start[rings] = used
        rings += 1
        at = first
        while not seen[at]:
            seen[at] = True
            order[used] = at
            used += 1
            at = following[at]
    start[rings] = used
    return order, start[: rings + 1]


def outlines(
    window: Window, lines: Lines, seconds: Seconds, off_m: Seconds, edge: Ints, limit_s: float, step_s: float,
    limit_m: float, low_s: Seconds, high_s: Seconds,
) -> NDArray[np.object_]:  # fmt: skip
    """Return the polygons within a limit, with their holes; ``low_s`` and ``high_s`` are those of :func:`spans`."""
    tiles = np.flatnonzero((low_s <= limit_s) & ~(high_s <= limit_s)).astype(np.int64)
    if not len(tiles):
        return np.zeros(0, dtype=object)
    # Written and read only where the outline passes: the rest of it costs nothing.
    over = np.empty(seconds.shape, np.float32)
    most = place_over(window, lines, seconds, off_m, edge, limit_s, step_s, limit_m, tiles, over)
    begin, end, xy = pieces(window, seconds, limit_s, tiles, over, most)
    by_side = np.argsort(begin, kind="stable")
    order, start = walk(by_side[np.searchsorted(begin, end, sorter=by_side)])
    return _polygons(xy[order], start)


def _polygons(xy: Floats, start: Longs) -> NDArray[np.object_]:
    """Make polygons of rings that go round what is inside on their left: outer ones to the left, holes to the right."""
    count = np.diff(start)
    ring = np.repeat(np.arange(len(count)), count)
    closing = np.insert(np.arange(len(xy)), start[1:], start[:-1])
    ring = np.insert(ring, start[1:], np.arange(len(count)))
    xy, size = xy[closing], count + 1
    here = xy - xy[np.cumsum(size) - size][ring]
    there = np.roll(here, -1, axis=0)
    turned = here[:, 0] * there[:, 1] - here[:, 1] * there[:, 0]
    turned[np.cumsum(size) - 1] = 0.0
    area = np.bincount(ring, weights=turned, minlength=len(count))
    # What has fewer than three corners, or no land in it, is none.
    whole = (size > _CORNERS - 1) & (area != 0)
    rings = np.full(len(count), None, dtype=object)
    keep = whole[ring]
    number = np.cumsum(whole) - 1
    rings[whole] = shapely.linearrings(xy[keep], indices=number[ring[keep]])
    outer, hole = np.flatnonzero(whole & (area > 0)), np.flatnonzero(whole & (area < 0))
    shapes: NDArray[np.object_] = shapely.polygons(rings[outer])
    if not len(hole):
        return shapes
    of, at = shapely.STRtree(shapes).query(shapely.polygons(rings[hole]), predicate="within")
    # Of several outer rings around a hole the smallest has it.
    best = np.lexsort((area[outer[at]], of))
    first = np.r_[True, np.diff(of[best]) > 0] if len(best) else np.zeros(0, np.bool_)
    owner, inner = at[best][first], hole[of[best][first]]
    for k in np.unique(owner).tolist():
        shapes[k] = shapely.polygons(rings[outer[k]], holes=rings[inner[owner == k]])
    return shapes
