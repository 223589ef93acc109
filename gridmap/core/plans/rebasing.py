"""A plan carried over to another edition: three-way, cell by cell and field by field. Pure.

*Start* is the edition that the plan began with, *theirs* the one that it goes to, *mine* the plan. What only one side
changed is taken from that side. What both changed differently is a difference that a person settles: nothing is decided
by who came last.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from gridmap.core.plans.codes import free_code
from gridmap.core.plans.context import Context
from gridmap.core.plans.crosswalk import Layout
from gridmap.core.plans.effect import NO_GRID, Effect, Grid, GridChange
from gridmap.core.plans.state import PlanState
from gridmap.model.text import Text

__all__ = ["Difference", "Rebased", "Side", "rebased", "restored"]

Ints = NDArray[np.int64]
Side = Literal["mine", "theirs"]

_SHOWN = 50
_FIELDS = ("code", "name", "level", "leaf", "kind", "parent", "community")
_FIELD_NAMES = {
    "code": Text("编码", "code"),
    "name": Text("名称", "name"),
    "level": Text("级别", "level"),
    "leaf": Text("级别", "level"),
    "kind": Text("类型", "kind"),
    "parent": Text("上级", "parent"),
    "community": Text("社区", "community"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What both sides changed: its name for settling, and the three versions (codes of grids, or values)."""

    id: str
    message: Text
    start: Any
    theirs: Any
    mine: Any
    grid: str | None = None
    cells: tuple[int, ...] = ()
    buildings: tuple[str, ...] = ()
    households: int = 0

    def as_problem(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "id": self.id,
            "message": {"zh": self.message.zh, "en": self.message.en},
            "start": self.start,
            "theirs": self.theirs,
            "mine": self.mine,
            "grid": self.grid,
            "cells": list(self.cells[:_SHOWN]),
            "cell_count": len(self.cells),
            "buildings": list(self.buildings[:_SHOWN]),
            "building_count": len(self.buildings),
            "households": self.households,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebased:
    """The outcome: differences not settled yet, and what brings the plan to its new state.

    Attributes
    ----------
    effect
        From the plan as it is to the plan on the other edition.
    open
        Differences that nobody settled; while there are any, the effect must not be used.
    settled
        How each of the others was settled.
    taken, kept
        How many cells came from the other edition, and stay as the plan has them against it.
    recoded
        Grids of the plan that got another code because the edition uses theirs: old to new.
    """

    effect: Effect
    open: tuple[Difference, ...]
    settled: dict[str, Side]
    taken: int
    kept: int
    recoded: dict[str, str]


@dataclass(slots=True)
class _Settling:
    answers: Mapping[str, Side]
    otherwise: Side | None
    open: list[Difference] = field(default_factory=list)
    settled: dict[str, Side] = field(default_factory=dict)

    def ask(self, difference: Difference) -> Side:
        """Return the side that somebody chose; mine, for the time being, where nobody did."""
        side = self.answers.get(difference.id, self.otherwise)
        if side is None:
            self.open.append(difference)
            return "mine"
        self.settled[difference.id] = side
        return side


def rebased(
    state: PlanState,
    start: Layout,
    theirs: Layout,
    context: Context,
    *,
    answers: Mapping[str, Side] | None = None,
    otherwise: Side | None = None,
) -> Rebased:
    """Carry a plan over from the edition ``start`` to the edition ``theirs``, both on the plan's cells.

    ``answers`` settles differences by their id, ``otherwise`` all that are not named.
    """
    asked = _Settling(answers or {}, otherwise)
    mine = state.all_keys()
    keys = _land(state, start, theirs, mine, asked)
    grids, keys = _grids(state, start, theirs, mine, keys, asked)
    grids, recoded = _own_codes(state, theirs, grids, context)
    changes = _changes(state, grids)
    return Rebased(
        effect=Effect.moving(state.fabric.ids, mine, keys, changes),
        open=tuple(asked.open),
        settled=asked.settled,
        taken=int((keys != mine).sum()),
        kept=int((keys != theirs.keys).sum()),
        recoded=recoded,
    )


# -- land --------------------------------------------------------------------------------------------------------------


def _land(state: PlanState, start: Layout, theirs: Layout, mine: Ints, asked: _Settling) -> Ints:
    """Return the grid of each cell: from the side that changed it, or as somebody settled."""
    out = np.where((mine == start.keys) | (mine == theirs.keys), theirs.keys, mine)
    both = np.flatnonzero((mine != start.keys) & (theirs.keys != start.keys) & (mine != theirs.keys))
    if not len(both):
        return out
    sides = np.column_stack([start.keys[both], theirs.keys[both], mine[both]])
    groups, number = np.unique(sides, axis=0, return_inverse=True)
    for k, (s, t, m) in enumerate(groups.tolist()):
        rows = both[number.reshape(-1) == k]
        codes = (start.code(s), theirs.code(t), None if m == NO_GRID else state.grids[m].code)
        if asked.ask(_of_land(state, rows, *codes)) == "theirs":
            out[rows] = t
    return out


def _of_land(state: PlanState, rows: Ints, start: str | None, theirs: str | None, mine: str | None) -> Difference:
    fabric = state.fabric
    buildings = tuple(dict.fromkeys(str(b) for b in fabric.source[rows] if b is not None))
    count = len(rows)
    return Difference(
        id=f"land:{start or '-'}>{theirs or '-'}|{mine or '-'}",
        message=Text(
            f"{count} 个单元（{len(buildings)} 栋）原属 {start or '无网格'}：新版归 {theirs or '无网格'}，"
            f"本方案归 {mine or '无网格'}。",
            f"{count} cells ({len(buildings)} buildings) of {start or 'no grid'}: the other edition gives them to "
            f"{theirs or 'no grid'}, this plan to {mine or 'no grid'}.",
        ),
        start=start,
        theirs=theirs,
        mine=mine,
        cells=tuple(fabric.ids[rows].tolist()),
        buildings=buildings,
        households=int(fabric.households[rows].sum()),
    )


# -- grids -------------------------------------------------------------------------------------------------------------


def _grids(
    state: PlanState, start: Layout, theirs: Layout, mine: Ints, keys: Ints, asked: _Settling
) -> tuple[dict[int, Grid], Ints]:
    """Return the grids that there are on the other edition; land of those that one side ended may go back."""
    out: dict[int, Grid] = {}
    keys = keys.copy()
    for key in sorted(start.grids.keys() | theirs.grids.keys() | state.grids.keys()):
        was, new, own = start.grids.get(key), theirs.grids.get(key), state.grids.get(key)
        if own is None and new is not None:
            if was is None or _goes_on(state, keys, mine, new, asked):
                out[key] = new
        elif new is None and own is not None:
            if was is None or _comes_back(state, keys, theirs, own, asked):
                out[key] = own
        elif new is not None and own is not None:
            out[key] = _fields(was, new, own, asked)
    for key, grid in out.items():
        if grid.parent is not None and grid.parent not in out:
            there = theirs.grids.get(key)
            parent = there.parent if there is not None and there.parent in out else None
            out[key] = replace(grid, parent=parent)
    return out, keys


def _goes_on(state: PlanState, keys: Ints, mine: Ints, grid: Grid, asked: _Settling) -> bool:
    """Tell whether a grid that the plan ended is there all the same: the other edition gave land to it."""
    rows = np.flatnonzero(keys == grid.key)
    if not len(rows):
        return not grid.leaf and any(g.parent == grid.key for g in state.grids.values())
    label = grid.label
    difference = Difference(
        id=f"grid:{grid.code}",
        message=Text(
            f"本方案撤销了网格 {label}，新版又给了它 {len(rows)} 个单元。",
            f"This plan ended grid {label}; the other edition gave it {len(rows)} more cells.",
        ),
        start=grid.code,
        theirs=grid.code,
        mine=None,
        grid=grid.code,
        cells=tuple(state.fabric.ids[rows].tolist()),
        households=int(state.fabric.households[rows].sum()),
    )
    if asked.ask(difference) == "theirs":
        return True
    keys[rows] = mine[rows]
    return False


def _comes_back(state: PlanState, keys: Ints, theirs: Layout, grid: Grid, asked: _Settling) -> bool:
    """Tell whether a grid that the other edition ended is there all the same: the plan gave land to it."""
    rows = np.flatnonzero(keys == grid.key)
    if not len(rows):
        return False
    label = grid.label
    difference = Difference(
        id=f"grid:{grid.code}",
        message=Text(
            f"新版撤销了网格 {label}，本方案又给了它 {len(rows)} 个单元。",
            f"The other edition ended grid {label}; this plan gave it {len(rows)} more cells.",
        ),
        start=grid.code,
        theirs=None,
        mine=grid.code,
        grid=grid.code,
        cells=tuple(state.fabric.ids[rows].tolist()),
        households=int(state.fabric.households[rows].sum()),
    )
    if asked.ask(difference) == "mine":
        return True
    keys[rows] = theirs.keys[rows]
    return False


def _fields(was: Grid | None, new: Grid, own: Grid, asked: _Settling) -> Grid:
    values: dict[str, Any] = {}
    for name in _FIELDS:
        ours, other = getattr(own, name), getattr(new, name)
        before = getattr(was, name) if was is not None else object()
        if other in (ours, before):
            continue
        if ours == before:
            values[name] = other
            continue
        said = _FIELD_NAMES[name]
        difference = Difference(
            id=f"grid:{new.code}:{name}",
            message=Text(
                f"网格 {new.label} 的{said.zh}两边都改了：新版为 {other}，本方案为 {ours}。",
                f"Both changed the {said.en} of grid {new.label}: {other} in the other edition, {ours} in this plan.",
            ),
            start=getattr(was, name) if was is not None else None,
            theirs=other,
            mine=ours,
            grid=new.code,
        )
        if asked.ask(difference) == "theirs":
            values[name] = other
    return replace(own, **values)


def _own_codes(
    state: PlanState, theirs: Layout, grids: dict[int, Grid], context: Context
) -> tuple[dict[int, Grid], dict[str, str]]:
    """Give grids of the plan another code where one of the edition has it: the edition's are in use."""
    count: dict[str, int] = {}
    for grid in grids.values():
        count[grid.code] = count.get(grid.code, 0) + 1
    taken = {g.code for g in [*grids.values(), *state.ended.values(), *theirs.grids.values()]} | context.used_codes
    recoded: dict[str, str] = {}
    out = dict(grids)
    for key, grid in sorted(grids.items(), key=lambda item: -item[0]):
        there = theirs.grids.get(key)
        if count[grid.code] == 1 or (there is not None and there.code == grid.code):
            continue
        code = there.code if there is not None and there.code not in count else None
        if code is None:
            code = free_code(taken, grid.community, grid.code)
        count[grid.code] -= 1
        count[code] = 1
        taken.add(code)
        recoded[grid.code] = code
        out[key] = replace(grid, code=code, name=code if grid.name == grid.code else grid.name)
    return out, recoded


def restored(state: PlanState, former: Layout, context: Context) -> Effect:
    """Return what makes a plan the same as a former edition, given on the plan's cells.

    Land that the former edition did not have yet stays in its present grid.
    """
    mine = state.all_keys()
    keys = np.where(former.keys == NO_GRID, mine, former.keys)
    held = {int(key) for key in np.unique(keys)} - {NO_GRID}
    grids = dict(former.grids)
    for key in sorted(held - grids.keys()):
        grid = state.grids[key]
        grids[key] = grid if grid.parent in grids else replace(grid, parent=None)
    grids, _ = _own_codes(state, former, grids, context)
    return Effect.moving(state.fabric.ids, mine, keys, _changes(state, grids))


def _changes(state: PlanState, grids: Mapping[int, Grid]) -> list[GridChange]:
    changes = [GridChange.end(grid) for key, grid in state.grids.items() if key not in grids]
    for key, grid in grids.items():
        own = state.grids.get(key)
        if own is None:
            changes.append(GridChange.begin(grid))
            continue
        different = {n: getattr(grid, n) for n in _FIELDS if getattr(grid, n) != getattr(own, n)}
        if different:
            changes.append(GridChange.of(own, **different))
    return changes
