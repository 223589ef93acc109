"""Scores of grids and of a whole plan: balance, compactness, borders along streets, households moved."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gridmap.core.plans.context import Targets
from gridmap.core.plans.state import PlanState

__all__ = ["grid_scores", "moved", "plan_score"]

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

_BANDS = (0.10, 0.15)


def _ratio(above: Floats, below: Floats) -> Floats:
    out: Floats = np.divide(above, below, out=np.full(len(above), np.nan), where=below > 0)
    return out


def _polsby_popper(state: PlanState, rows: Ints) -> Floats:
    """Return 4 π A / P² (Polsby and Popper 1991): 1 for a circle."""
    area, around = state.tally.area_m2[rows], state.tally.perimeter_m[rows]
    return _ratio(4 * np.pi * area, around**2)


def moved(state: PlanState) -> Ints:
    """Return the cells (row numbers) that had a grid in the edition that the plan started from and have another now."""
    return np.flatnonzero((state.labels != state.base) & (state.base >= 0))


def grid_scores(state: PlanState, keys: Iterable[int], targets: Targets) -> list[dict[str, Any]]:
    """Return totals and scores of some leaf grids.

    Returns
    -------
    For each: households, people, buildings, cells, area_m2; ``deviation`` (share of households above the target,
    urban grids only), ``polsby_popper`` and ``reock`` (1 for a circle), ``street_share`` (of the border with other
    grids along streets, railways or water), ``households_in`` and ``households_out`` against the base edition. What
    is not defined is None.
    """
    wanted = list(keys)
    rows = np.array([state.row_of[key] for key in wanted], dtype=np.int64)
    tally = state.tally
    went = moved(state)
    homes = state.fabric.households[went].astype(np.float64)
    total = len(state.keys)
    has = state.labels[went] >= 0
    came = np.bincount(state.labels[went][has], weights=homes[has], minlength=total)[rows]
    left = np.bincount(state.base[went], weights=homes, minlength=total)[rows]
    compact = _polsby_popper(state, rows)
    reock = _ratio(tally.area_m2[rows], state.circle_areas_m2(wanted))
    street = _ratio(tally.street_m[rows], tally.border_m[rows])
    return [
        {
            "households": int(tally.households[row]),
            "people": int(tally.people[row]),
            "buildings": int(tally.buildings[row]),
            "cells": int(tally.cells[row]),
            "area_m2": round(float(tally.area_m2[row]), 1),
            "deviation": _deviation(state, key, row, targets),
            "polsby_popper": _rounded(compact[k]),
            "reock": _rounded(reock[k]),
            "street_share": _rounded(street[k]),
            "households_in": int(came[k]),
            "households_out": int(left[k]),
        }
        for k, (key, row) in enumerate(zip(wanted, rows.tolist(), strict=True))
    ]


def _deviation(state: PlanState, key: int, row: int, targets: Targets) -> float | None:
    if key not in state.grids or state.grids[key].kind != "urban":
        return None
    return _rounded(float(targets.deviation(state.tally.households[row])))


def _rounded(value: float) -> float | None:
    return None if not np.isfinite(value) else round(float(value), 4)


def plan_score(state: PlanState, targets: Targets) -> dict[str, Any]:
    """Return totals and scores of a plan.

    Returns
    -------
    grids, urban, households, people, buildings; ``within_10``, ``within_15`` and ``within_band`` (shares of urban
    grids), ``mean_deviation`` and ``max_deviation`` (absolute, urban grids), ``polsby_popper`` (mean),
    ``street_share`` (of all borders between grids), ``households_moved``, ``moved_share``, ``cells_moved``;
    ``no_grid_households``.
    """
    tally = state.tally
    alive = np.array([key in state.grids for key in state.keys], dtype=np.bool_)
    with_land = np.flatnonzero(alive & (tally.cells > 0))
    urban = np.array([r for r in with_land.tolist() if state.grids[state.keys[r]].kind == "urban"], dtype=np.int64)
    off = np.abs(targets.deviation(tally.households[urban]))
    went = moved(state)
    households = int(state.fabric.households.sum())
    gone = int(state.fabric.households[went].sum())
    border = float(tally.border_m[with_land].sum())

    def share(limit: float) -> float | None:
        return _rounded(float((off <= limit + 1e-9).mean())) if len(off) else None

    return {
        "grids": len(with_land),
        "urban": len(urban),
        "households": int(tally.households[with_land].sum()),
        "people": int(tally.people[with_land].sum()),
        "buildings": int(tally.buildings[with_land].sum()),
        "within_10": share(_BANDS[0]),
        "within_15": share(_BANDS[1]),
        "within_band": share(targets.tolerance),
        "mean_deviation": _rounded(float(off.mean())) if len(off) else None,
        "max_deviation": _rounded(float(off.max())) if len(off) else None,
        "polsby_popper": _rounded(float(_polsby_popper(state, with_land).mean())) if len(with_land) else None,
        "street_share": _rounded(float(tally.street_m[with_land].sum()) / border) if border > 0 else None,
        "households_moved": gone,
        "moved_share": _rounded(gone / households) if households else None,
        "cells_moved": len(went),
        "no_grid_households": int(state.fabric.households[state.labels < 0].sum()),
    }
