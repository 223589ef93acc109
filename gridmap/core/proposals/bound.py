"""How many households must change their grid at least so that all grids come within a band.

Whatever is proposed, from each grid above the band at least its excess leaves, and into each below it at least its
deficit enters; both in whole atoms, so that the least sum of atoms counts that is not below. A household that leaves
one for another counts once. Two grids can exchange like that only where the land between them lets the lower one come
to the upper one by taking less than it lacks. What remains is a lower bound; shapes may ask for more.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_flow

from gridmap.core.proposals.region import Region

__all__ = ["must_move"]

Ints = NDArray[np.int64]


def must_move(region: Region, *, low: int, high: int) -> int | None:
    """Return the least number of households that change their grid when as many grids stay, each within the band.

    Parameters
    ----------
    region
        The land, with its present grids.
    low, high
        Households that a grid may have, both ends included.

    Returns
    -------
    The bound; None where no division into so many grids can be within the band.
    """
    count = len(region.grids)
    if not count * low <= region.households <= count * high:
        return None
    inside: list[dict[int, int]] = [{} for _ in range(count)]
    for v in range(len(region.homes)):
        for e in range(region.kept_start[v], region.kept_start[v + 1]):
            inside[int(region.kept_label[e])][v] = int(region.kept_homes[e])
    every = region.homes.tolist()
    now = [sum(part.values()) for part in inside]
    leave = [_least_sum(list(inside[g].values()), now[g] - high) for g in range(count)]
    enter = [
        _least_sum([homes - inside[g].get(v, 0) for v, homes in enumerate(every)], low - now[g]) if now[g] < low else 0
        for g in range(count)
    ]
    if any(homes is None for homes in (*leave, *enter)):
        return None
    must_leave = [homes or 0 for homes in leave]
    must_enter = [homes or 0 for homes in enter]
    over = [g for g in range(count) if must_leave[g]]
    under = [g for g in range(count) if must_enter[g]]
    both = 0
    if over and under:
        both = _exchanged(region, over, under, must_leave, must_enter)
    return sum(must_leave) + sum(must_enter) - both


def _least_sum(parts: Sequence[int], wanted: int) -> int | None:
    """Return the least sum of some of the parts that is not below what is wanted."""
    if wanted <= 0:
        return 0
    # no sum is needed that is still enough without its last part
    mask = (1 << (wanted + max(parts, default=0) + 1)) - 1
    sums = 1
    for part in parts:
        sums |= (sums << part) & mask
    reached = sums >> wanted
    return None if reached == 0 else wanted + (reached & -reached).bit_length() - 1


def _exchanged(
    region: Region, over: Sequence[int], under: Sequence[int], leave: Sequence[int], enter: Sequence[int]
) -> int:
    """Return how many households at most can leave one grid above the band for one below it."""
    size = len(over) + len(under) + 2
    capacity = np.zeros((size, size), dtype=np.int32)
    for i, g in enumerate(over):
        capacity[0, 2 + i] = leave[g]
    for j, g in enumerate(under):
        way = _ways(region, g, over)
        at = 2 + len(over) + j
        capacity[at, 1] = enter[g]
        for i, other in enumerate(over):
            if way.get(other, enter[g]) < enter[g]:
                capacity[2 + i, at] = min(leave[other], enter[g])
    return int(maximum_flow(csr_array(capacity), 0, 1).flow_value)


def _ways(region: Region, start: int, over: Sequence[int]) -> dict[int, int]:
    """Return the fewest households on land through which a grid comes to each of some others, theirs not counted."""
    count = len(region.homes)
    holds = np.zeros((count, len(region.grids)), dtype=np.bool_)
    for v in range(count):
        holds[v, region.kept_label[region.kept_start[v] : region.kept_start[v + 1]]] = True
    free = holds[:, [start, *over]].any(axis=1)
    price = np.where(free, 0, region.homes)
    best = np.full(count, np.iinfo(np.int64).max)
    heap: list[tuple[int, int]] = [(0, int(v)) for v in np.flatnonzero(holds[:, start])]
    for _, v in heap:
        best[v] = 0
    found: dict[int, int] = {}
    while heap:
        far, v = heapq.heappop(heap)
        if far > best[v]:
            continue
        for g in over:
            if holds[v, g] and g not in found:
                found[g] = far
        for e in range(region.start[v], region.start[v + 1]):
            u = int(region.other[e])
            if region.touch[e] and far + price[u] < best[u]:
                best[u] = far + int(price[u])
                heapq.heappush(heap, (int(best[u]), u))
    return found
