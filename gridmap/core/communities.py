"""Provisional communities where only named points are known: each grows over the cells from its point.

Growth is a shortest-path search over neighbouring cells in which railways, water and main streets are dear, so
that communities end there. It stops at a limit: where a whole quarter has no point, it stays unassigned
instead of going to a point far away.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components, dijkstra

from gridmap.core.cells.coverage import shared_borders
from gridmap.core.cells.model import CellFabric
from gridmap.errors import InputError

__all__ = ["CROSSING_COST", "Growth", "grow_communities"]

CROSSING_COST = {"rail": 5.0, "water": 8.0, "major": 2.0, "minor": 1.2}
"""How many times farther land lies behind such a line."""

_REACH_OF_MEDIAN = 2.0
# In a disc the mean distance from the centre is two thirds of the radius.
_RADIUS_OF_MEAN = 1.5


@dataclass(frozen=True, slots=True)
class Growth:
    """Communities grown from points.

    Attributes
    ----------
    community
        Number of the point whose community each cell joins (row order of ``fabric.cells``), −1: unassigned.
    cost_m
        Metres from the point's cell, lines counted dear; infinite where unassigned.
    limit_m
        No cell is farther than this, but for land that one community encloses.
    seed_cell
        Row of the cell in which each point lies; −1: outside of all cells, or its cell is another point's.
    """

    community: NDArray[np.int64]
    cost_m: NDArray[np.float64]
    limit_m: float
    seed_cell: NDArray[np.int64]


def grow_communities(fabric: CellFabric, points: NDArray[np.object_], *, reach: float = _REACH_OF_MEDIAN) -> Growth:
    """Grow one community from each point (metric) within the administrative area of its cell.

    Communities are connected, no one leaves its area (``area_code`` of cells), and none reaches farther than
    ``reach`` times the median radius of all.

    Raises
    ------
    InputError
        There are no points, or none lies on a cell.
    """
    if not len(points):
        raise InputError(
            "没有社区点位：请先导入带名称的社区点。", "There are no community points: import named points first."
        )
    count = len(fabric.cells)
    seed_cell = _seeds(fabric, points)
    seeds = np.flatnonzero(seed_cell >= 0)
    if not len(seeds):
        raise InputError(
            "社区点位都不在单元范围内：请核对坐标系。",
            "No community point lies on a cell: check the coordinate system.",
        )
    graph = _graph(fabric)
    cost, _, source = dijkstra(graph, indices=seed_cell[seeds], min_only=True, return_predecessors=True)
    area_m2 = fabric.cells["area_m2"].to_numpy(dtype=float)
    of_cell = np.full(count, -1, dtype=np.int64)
    of_cell[seed_cell[seeds]] = seeds
    community = np.where(np.isfinite(cost), of_cell[np.maximum(source, 0)], -1)
    limit = _limit(community, cost, area_m2, len(points), reach)
    # A path of a cell within the limit lies within it too, so that what remains is connected.
    far = cost > limit
    community[far] = -1
    community = _pockets_filled(fabric, community)
    far &= community < 0
    return Growth(community, np.where(far, np.inf, cost), limit, seed_cell)


def _seeds(fabric: CellFabric, points: NDArray[np.object_]) -> NDArray[np.int64]:
    point, cell = shapely.STRtree(fabric.cells.geometry.to_numpy()).query(points, predicate="intersects")
    out = np.full(len(points), -1, dtype=np.int64)
    out[point[::-1]] = cell[::-1]
    order = np.lexsort((np.arange(len(out)), out))
    again = np.zeros(len(out), dtype=bool)
    again[order[1:]] = out[order[1:]] == out[order[:-1]]
    out[again] = -1
    return out


def _graph(fabric: CellFabric) -> coo_array:
    a, b = fabric.edge_positions()
    parent = pd.factorize(fabric.cells["area_code"])[0]
    inside = parent[a] == parent[b]
    a, b = a[inside], b[inside]
    xy = fabric.cells[["x_m", "y_m"]].to_numpy(dtype=float)
    dear = fabric.edges["street_class"].map(CROSSING_COST).fillna(1.0).to_numpy(dtype=float)[inside]
    # Two cells may have one centre to the millimetre; an edge of length nought would be no edge.
    metres = np.maximum(np.hypot(*(xy[a] - xy[b]).T), 1e-3) * dear
    count = len(fabric.cells)
    return coo_array(
        (np.concatenate([metres, metres]), (np.concatenate([a, b]), np.concatenate([b, a]))), shape=(count, count)
    ).tocsr()


def _pockets_filled(fabric: CellFabric, community: NDArray[np.int64]) -> NDArray[np.int64]:
    """Give unassigned land that one community encloses, such as a lake, to that community."""
    a, b = fabric.edge_positions()
    parent = pd.factorize(fabric.cells["area_code"])[0]
    free = community < 0
    within = free[a] & free[b]
    count = len(community)
    graph = coo_array((np.ones(int(within.sum())), (a[within], b[within])), shape=(count, count))
    pocket = connected_components(graph, directed=False)[1]
    rim = shared_borders(fabric.cells.geometry.to_numpy())
    open_side = np.zeros(count, dtype=bool)
    open_side[pocket[rim.segments.owner[rim.rim]]] = True
    low, high = np.full(count, count, dtype=np.int64), np.full(count, -1, dtype=np.int64)
    for inner, outer in ((a, b), (b, a)):
        at = free[inner] & ~free[outer]
        np.minimum.at(low, pocket[inner[at]], community[outer[at]])
        np.maximum.at(high, pocket[inner[at]], community[outer[at]])
        foreign = free[inner] & (parent[inner] != parent[outer])
        open_side[pocket[inner[foreign]]] = True
    enclosed = (low == high) & ~open_side
    out = community.copy()
    fills = free & enclosed[pocket]
    out[fills] = low[pocket[fills]]
    return out


def _limit(
    community: NDArray[np.int64],
    cost: NDArray[np.float64],
    area_m2: NDArray[np.float64],
    points: int,
    reach: float,
) -> float:
    has = community >= 0
    weight = np.bincount(community[has], weights=area_m2[has], minlength=points)
    total = np.bincount(community[has], weights=area_m2[has] * cost[has], minlength=points)
    used = weight > 0
    # A community of one cell has no distances; its land gives it a radius all the same.
    radius = np.maximum(_RADIUS_OF_MEAN * total[used] / weight[used], np.sqrt(weight[used] / np.pi))
    return float(reach * np.median(radius))
