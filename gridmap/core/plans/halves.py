"""A grid in two connected halves of equal households, along streets where it can be.

Random spanning trees that cross streets last, cut where the two parts balance: the move of recombination chains
(DeFord, Duchin and Solomon, "Recombination: A family of Markov chains for redistricting", 2021), here with the best of
a fixed number of trees.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components, depth_first_order, minimum_spanning_tree
from scipy.spatial import cKDTree

from gridmap.core.cells.coverage import summed
from gridmap.core.plans.effect import Grid
from gridmap.core.plans.state import PlanState
from gridmap.errors import InputError

__all__ = ["halves"]

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

_TREES = 48
_CUTS = 4
_SEED = 7
# how long a metre of border feels along a street, elsewhere, and through an estate
_ON_STREET, _OFF_STREET, _IN_ESTATE = 0.15, 1.0, 3.0
# an imbalance below the first is as good as none; above it costs this much of a border across the whole grid
_FAIR, _UNFAIR = 0.02, 20.0


@dataclass(frozen=True, slots=True)
class _Graph:
    """Pieces of land that stay together, and their borders: numbers of both ends, metres as they feel, and class."""

    a: Ints
    b: Ints
    cost: Floats
    order: Floats
    weight: Floats


def halves(state: PlanState, grid: Grid) -> tuple[Ints, Ints]:
    """Return the cells (row numbers) of the two halves; the same plan gives the same halves.

    Raises
    ------
    InputError
        The grid has one building or one piece of land only.
    """
    fabric = state.fabric
    rows = state.cells_of(grid.key)
    leaders, node = np.unique(fabric.leader[rows], return_inverse=True)
    if len(leaders) < 2:  # noqa: PLR2004
        raise InputError(
            f"网格 {grid.label} 只有一栋楼或一块地，不能拆分。较大的楼可按单元划分后再拆。",
            f"Grid {grid.label} has one building or one piece of land and cannot be split. "
            "A large building can be divided by its entrances first.",
        )
    households = summed(node, fabric.households[rows].astype(np.float64), len(leaders))
    weight = households if households.sum() > 0 else summed(node, fabric.area_m2[rows], len(leaders))
    graph = _graph(state, rows, node, leaders, weight)
    rng = np.random.default_rng(_SEED)
    size = float(np.sqrt(fabric.area_m2[rows].sum()))
    best: tuple[float, Bools] | None = None
    for _ in range(_TREES):
        for part in _cuts(graph, rng):
            cut = part[graph.a] != part[graph.b]
            uneven = abs(2 * float(weight[part].sum()) / float(weight.sum()) - 1)
            cost = float(graph.cost[cut].sum()) / size + _UNFAIR * max(0.0, uneven - _FAIR)
            if best is None or cost < best[0]:
                best = (cost, part)
    assert best is not None  # noqa: S101 (a tree of two nodes has a cut)
    mine = best[1][node]
    return rows[mine], rows[~mine]


def _graph(state: PlanState, rows: Ints, node: Ints, leaders: Ints, weight: Floats) -> _Graph:
    fabric = state.fabric
    place = np.full(len(fabric.ids), -1, dtype=np.int64)
    place[rows] = node
    row, neighbour, edge = fabric.edges_of(rows)
    a, b = place[row], place[neighbour]
    once = (a < b) & (a >= 0)
    a, b, edge, row, neighbour = a[once], b[once], edge[once], row[once], neighbour[once]
    estate = np.array([e is not None for e in fabric.estate[row]], dtype=np.bool_)
    estate &= fabric.estate[row] == fabric.estate[neighbour]
    follows = fabric.edge_follows[edge]
    same_block = fabric.block[row] == fabric.block[neighbour]
    feel = np.where(follows, _ON_STREET, np.where(estate, _IN_ESTATE, _OFF_STREET))
    order = np.where(estate, 0.0, np.where(follows, 2.0, np.where(same_block, 1.0, 1.5)))
    bridges = _bridges(a, b, fabric.xy[leaders])
    return _Graph(
        np.concatenate([a, bridges[:, 0]]),
        np.concatenate([b, bridges[:, 1]]),
        np.concatenate([fabric.edge_m[edge] * feel, np.zeros(len(bridges))]),
        np.concatenate([order, np.full(len(bridges), 3.0)]),
        weight,
    )


def _bridges(a: Ints, b: Ints, xy: Floats) -> Ints:
    """Return pairs of nodes, shape (k, 2), that connect land in several pieces, each with what is nearest."""
    count = len(xy)
    pieces, piece = connected_components(coo_array((np.ones(len(a)), (a, b)), shape=(count, count)), directed=False)
    found = []
    for number in range(1, pieces):
        before, here = np.flatnonzero(piece < number), np.flatnonzero(piece == number)
        metres, nearest = cKDTree(xy[before]).query(xy[here])
        k = int(np.argmin(metres))
        found.append((before[nearest[k]], here[k]))
    return np.array(found, dtype=np.int64).reshape(-1, 2)


def _cuts(graph: _Graph, rng: np.random.Generator) -> list[Bools]:
    """Return the best balanced cuts of one random tree: which nodes lie below the cut."""
    count = len(graph.weight)
    # parallel borders of two pieces must not be summed up
    pair, first = np.unique(graph.a * count + graph.b, return_index=True)
    random = graph.order[first] + rng.uniform(0.01, 1.5, len(first))
    tree = minimum_spanning_tree(coo_array((random, (pair // count, pair % count)), shape=(count, count)).tocsr())
    order, before = depth_first_order(tree, 0, directed=False)
    below, size = graph.weight[order].copy(), np.ones(count, dtype=np.int64)
    at = np.empty(count, dtype=np.int64)
    at[order] = np.arange(count)
    for k in range(count - 1, 0, -1):
        up = at[before[order[k]]]
        below[up] += below[k]
        size[up] += size[k]
    uneven = np.abs(2 * below[1:] - graph.weight.sum())
    cuts = []
    for k in np.argsort(uneven, kind="stable")[:_CUTS] + 1:
        part = np.zeros(count, dtype=np.bool_)
        part[order[k : k + size[k]]] = True
        cuts.append(part)
    return cuts
