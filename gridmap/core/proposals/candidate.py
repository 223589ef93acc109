"""What a division of the regions does to a plan: as an operation, in figures and in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gridmap.core.plans.context import Context, Targets
from gridmap.core.plans.effect import Effect
from gridmap.core.plans.gestures import read_gesture
from gridmap.core.plans.operations import operate
from gridmap.core.plans.state import PlanState
from gridmap.core.proposals import kernels
from gridmap.core.proposals.options import Order
from gridmap.core.proposals.reasons import Missed, reasons
from gridmap.core.proposals.region import Region
from gridmap.model.text import Text

__all__ = ["Candidate", "Figures", "candidate_of", "figures_of"]

Small = NDArray[np.int32]
Ints = NDArray[np.int64]

_INNER, _OUTER = 0.10, 0.15
NAMES: Mapping[str, Text] = {
    "fewest": Text("变动最少", "Fewest moved"),
    "few": Text("变动较少", "Few moved"),
    "even": Text("兼顾", "In between"),
    "smooth": Text("边界最顺", "Smoothest borders"),
    "balanced": Text("最均衡", "Best balanced"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Counts of the urban grids that a proposal is about.

    ``grids`` of them, ``within_10`` and ``within_15`` per cent of the target, ``within_band`` of the jurisdiction;
    ``mean_deviation`` and ``max_deviation`` are shares. ``border_m`` lies between them, ``street_m`` of it along
    streets, railways or water, each border once. ``border_cost`` and ``size_cost`` are what the search makes small: see
    ``options.Weights``.
    """

    grids: int
    within_10: int
    within_15: int
    within_band: int
    mean_deviation: float
    max_deviation: float
    border_m: float
    street_m: float
    border_cost: float
    size_cost: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One proposal to choose.

    Attributes
    ----------
    name
        Where it stands between ``fewest`` moved and best ``balanced``.
    title, trade_off
        In words.
    gesture
        The operation that takes it, as plain data.
    households_moved, people_moved, buildings_moved
        What changes its grid against the plan as it is.
    moved_share
        Of the households that the proposal is about.
    grids_new, grids_ended
        How many.
    figures
        Afterwards.
    not_satisfied
        What could not be done, and why.
    """

    name: str
    title: Text
    trade_off: Text
    gesture: dict[str, Any]
    households_moved: int
    people_moved: int
    buildings_moved: int
    moved_share: float
    grids_new: int
    grids_ended: int
    figures: Figures
    not_satisfied: tuple[Missed, ...]


def figures_of(
    state: PlanState,
    keys: Sequence[int],
    found: Sequence[Region],
    labels: Sequence[Small],
    order: Order,
    targets: Targets,
) -> Figures:
    """Return the figures of some grids; ``labels`` are the divisions of the regions that they are from."""
    rows = np.array([state.row_of[key] for key in keys], dtype=np.int64)
    off = np.abs(np.asarray(targets.deviation(state.tally.households[rows]), dtype=np.float64))
    fabric = state.fabric
    cost = size = 0.0
    scale = order.weights.scale(targets)
    mine = np.zeros(len(state.keys) + 1, dtype=np.bool_)
    mine[rows] = True
    a, b = state.labels[fabric.edge_a], state.labels[fabric.edge_b]
    between = (a != b) & mine[a] & mine[b]
    metres = float(fabric.edge_m[between].sum())
    street = float(fabric.edge_m[between & fabric.edge_follows].sum())
    for region, label in zip(found, labels, strict=True):
        source = np.repeat(np.arange(len(region.homes)), np.diff(region.start))
        cost += float(region.cost[label[source] != label[region.other]].sum()) / 2
        total = np.bincount(label, weights=region.homes)
        size += sum(kernels.size_cost(float(total[g]), scale) for g in np.unique(label))
    return Figures(
        grids=len(rows),
        within_10=int((off <= _INNER + 1e-9).sum()),
        within_15=int((off <= _OUTER + 1e-9).sum()),
        within_band=int((off <= targets.tolerance + 1e-9).sum()),
        mean_deviation=round(float(off.mean()), 4) if len(off) else 0.0,
        max_deviation=round(float(off.max(initial=0.0)), 4),
        border_m=round(metres, 1),
        street_m=round(street, 1),
        border_cost=round(cost, 3),
        size_cost=round(size, 3),
    )


def candidate_of(
    state: PlanState,
    context: Context,
    order: Order,
    name: str,
    found: Sequence[Region],
    labels: Sequence[Small],
    keys: Sequence[int],
) -> Candidate | None:
    """Return the candidate of a division of the regions; None where it changes nothing.

    ``keys`` are the present grids that the proposal is about.
    """
    shares = [share for region, label in zip(found, labels, strict=True) for share in _shares(state, region, label)]
    if not shares:
        return None
    gesture = {"kind": "auto", "grids": shares, "renumber": order.renumber}
    effect = operate(state, read_gesture(gesture), context).effect
    after = state.after(effect)
    moved = state.fabric.rows_of(sorted(effect.cells))
    begun, ended = _begun_and_ended(effect)
    alive = [*(key for key in keys if key not in ended), *begun]
    households = int(state.fabric.households[moved].sum())
    total = sum(region.households for region in found)
    return Candidate(
        name=name,
        title=NAMES[name],
        trade_off=Text("", ""),
        gesture=gesture,
        households_moved=households,
        people_moved=int(state.fabric.people[moved].sum()),
        buildings_moved=int(state.fabric.buildings[moved].sum()),
        moved_share=round(households / total, 4) if total else 0.0,
        grids_new=len(begun),
        grids_ended=len(ended),
        figures=figures_of(after, alive, found, labels, order, context.targets),
        not_satisfied=tuple(
            missed
            for region, label in zip(found, labels, strict=True)
            for missed in reasons(state, after, region, label, order, context.targets)
        ),
    )


def _begun_and_ended(effect: Effect) -> tuple[list[int], set[int]]:
    begun = [change.key for change in effect.grids if change.before is None]
    return begun, {change.key for change in effect.grids if change.after is None}


def _shares(state: PlanState, region: Region, label: Small) -> list[dict[str, Any]]:
    """Return which cells go to which grid, for those that change; a new grid gets all of its own."""
    out: list[dict[str, Any]] = []
    of_cell = label[region.atom]
    now = state.keys_of(region.rows)
    for g in np.unique(label).tolist():
        rows = region.rows[of_cell == g]
        if g < len(region.grids):
            grid = region.grids[g]
            rows = rows[now[of_cell == g] != grid.key]
            if len(rows):
                out.append({"to": grid.code, "cells": state.fabric.ids[rows].tolist()})
        else:
            out.append({"to": None, "cells": state.fabric.ids[rows].tolist()})
    return out
