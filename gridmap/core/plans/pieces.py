"""Grids in several pieces, and whom a small piece should go to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from gridmap.core.cells.coverage import summed
from gridmap.core.plans.context import Targets
from gridmap.core.plans.effect import Grid
from gridmap.core.plans.state import PlanState

__all__ = ["Piece", "pieces", "repair"]

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Piece:
    """A connected part of a grid: its cells (row numbers), households and land."""

    rows: Ints
    households: int
    area_m2: float


def pieces(state: PlanState, key: int) -> list[Piece]:
    """Return the connected parts of a leaf grid, the main one first: most households, then most land."""
    fabric = state.fabric
    rows = state.cells_of(key)
    place = np.full(len(fabric.ids), -1, dtype=np.int64)
    place[rows] = np.arange(len(rows))
    row, neighbour, _ = fabric.edges_of(rows)
    a, b = place[row], place[neighbour]
    inner = b >= 0
    graph = coo_array((np.ones(int(inner.sum())), (a[inner], b[inner])), shape=(len(rows), len(rows)))
    count, part = connected_components(graph, directed=False) if len(rows) else (0, rows)
    households = summed(part, fabric.households[rows].astype(np.float64), count)
    area = summed(part, fabric.area_m2[rows], count)
    found = [Piece(rows[part == k], int(households[k]), float(area[k])) for k in range(count)]
    return sorted(found, key=lambda p: (-p.households, -p.area_m2, int(p.rows[0])))


def repair(state: PlanState, key: int, piece: Piece, targets: Targets) -> Grid | None:
    """Return the neighbour that a small piece should go to: the one that then balances best, or None.

    Only unlocked grids of the same community count; of equal ones that with the longer common border.
    """
    fabric = state.fabric
    _, neighbour, edge = fabric.edges_of(piece.rows)
    theirs = state.keys_of(neighbour)
    own = state.grids[key]
    border: dict[int, float] = {}
    for other, metres in zip(theirs.tolist(), fabric.edge_m[edge].tolist(), strict=True):
        grid = state.grids.get(other)
        if other != key and grid is not None and not grid.locked and grid.community == own.community:
            border[other] = border.get(other, 0.0) + metres
    if not border or own.locked:
        return None

    def worse(other: int) -> tuple[float, float, str]:
        grid = state.grids[other]
        now = int(state.tally.households[state.row_of[other]])
        # only urban grids have a band; others take the piece where no urban one is better off with it
        before, after = (abs(float(targets.deviation(h))) for h in (now, now + piece.households))
        return (after - before if grid.kind == "urban" else 0.0, -border[other], grid.code)

    return state.grids[min(border, key=worse)]
