"""A whole proposal as one operation: land to grids that there are and to new ones; grids that lose all of it end."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from gridmap.core.plans import gestures
from gridmap.core.plans.codes import new_code, renumbered
from gridmap.core.plans.context import Context
from gridmap.core.plans.effect import NO_GRID, Effect, Grid, GridChange, Outcome
from gridmap.core.plans.selection import find_leaf
from gridmap.core.plans.state import PlanState
from gridmap.errors import InputError

__all__ = ["auto"]

Ints = NDArray[np.int64]


def auto(state: PlanState, gesture: gestures.Auto, context: Context) -> Outcome:
    """Return what a proposal does.

    Raises
    ------
    InputError
        A cell is not live or named twice, a grid is locked or no urban one, or land would change its community.
    """
    rows = [_rows(state, share.cells) for share in gesture.grids]
    chosen = np.concatenate(rows)
    if len(np.unique(chosen)) < len(chosen):
        raise InputError("同一单元写了两次。", "A cell is named twice.")
    targets = np.zeros(len(chosen), dtype=np.int64)
    begun: list[GridChange] = []
    at = 0
    now = state
    for share, mine in zip(gesture.grids, rows, strict=True):
        if share.to is None:
            grid = _new(now, mine, context)
            begun.append(GridChange.begin(grid))
            # codes of further new grids must differ
            now = now.after(Effect(grids=(begun[-1],)))
        else:
            grid = find_leaf(state, share.to)
        _check(state, grid, mine)
        targets[at : at + len(mine)] = grid.key
        at += len(mine)
    emptied = _emptied(state, chosen, targets)
    changes = [*begun, *(GridChange.end(state.grids[key]) for key in emptied)]
    effect = Effect.moving(state.fabric.ids[chosen], state.keys_of(chosen), targets, changes)
    return Outcome(_in_order(state, effect) if gesture.renumber and effect else effect)


def _rows(state: PlanState, cells: list[int]) -> Ints:
    rows = state.fabric.rows_of(cells)
    if (rows < 0).any():
        raise InputError(
            "有的单元已被新单元取代，请重新生成方案。", "Some cells have been replaced since; make the proposal anew."
        )
    return state.fabric.together(rows)


def _new(state: PlanState, rows: Ints, context: Context) -> Grid:
    keys, count = np.unique(state.keys_of(rows), return_counts=True)
    known = [(c, -k) for k, c in zip(keys.tolist(), count.tolist(), strict=True) if k != NO_GRID]
    community = str(state.communities_of(rows[:1])[0]) if state.communities_of(rows[:1])[0] is not None else None
    if known:
        like = state.grids[-max(known)[1]]
    else:
        same = [g for g in state.leaves if g.community == community]
        level = max((g.level for g in state.leaves), default=1)
        like = same[0] if same else Grid(key=NO_GRID, code=community or "G", name="", level=level, community=community)
    code = new_code(state, context, community, like.code)
    return Grid(
        key=state.next_key, code=code, name=code, level=like.level, kind="urban", parent=like.parent,
        community=community,
    )  # fmt: skip


def _check(state: PlanState, grid: Grid, rows: Ints) -> None:
    sources = [state.grids[k] for k in np.unique(state.keys_of(rows)).tolist() if k != NO_GRID]
    for other in (grid, *sources):
        if other.locked:
            raise InputError(
                f"网格 {other.label} 已锁定，不能改变。请先解锁。",
                f"Grid {other.label} is locked. Unlock it first.",
            )
        if other.kind != "urban":
            raise InputError(
                f"网格 {other.label} 不是城市社区网格，自动方案不改变它。",
                f"Grid {other.label} is not an urban grid; proposals leave it as it is.",
            )
    if any(community != grid.community for community in state.communities_of(rows)):
        raise InputError(
            f"网格 {grid.label} 不能得到其他社区的土地。请用移交（transfer）。",
            f"Grid {grid.label} cannot get land of another community; that needs 'transfer'.",
        )


def _emptied(state: PlanState, rows: Ints, targets: Ints) -> list[int]:
    """Return the grids that have land and keep none."""
    keys = state.all_keys()
    had = set(np.unique(keys[rows]).tolist()) - {NO_GRID}
    keys[rows] = targets
    return sorted(had - set(np.unique(keys).tolist()))


def _in_order(state: PlanState, effect: Effect) -> Effect:
    """Return the effect with codes given anew in the communities that it touches, each grid changed once."""
    after = state.after(effect)
    changes = {change.key: change for change in effect.grids}
    communities = {after.grids[k].community for k in effect.touched if k in after.grids} - {None}
    for community in sorted(str(c) for c in communities):
        for change in renumbered(after, community):
            earlier = changes.get(change.key)
            if earlier is None or earlier.after is None:
                changes[change.key] = change
            else:
                changes[change.key] = replace(earlier, after={**earlier.after, **(change.after or {})})
    return Effect(effect.moves, tuple(changes.values()))
