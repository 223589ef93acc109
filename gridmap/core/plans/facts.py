"""Operations that leave land where it is: names, kinds, codes, levels and locks of grids."""

from __future__ import annotations

from typing import Any

from gridmap.core.plans import gestures
from gridmap.core.plans.codes import code_by_hand, renumbered
from gridmap.core.plans.context import Context
from gridmap.core.plans.effect import Effect, Grid, GridChange, Outcome
from gridmap.core.plans.selection import find_grid, find_leaf
from gridmap.core.plans.state import PlanState
from gridmap.errors import InputError

__all__ = ["above", "lock", "rename", "renumber", "set_kind", "set_parent"]


def rename(state: PlanState, gesture: gestures.Rename, context: Context) -> Outcome:  # noqa: ARG001
    """Give a grid another name."""
    grid = find_grid(state, gesture.grid)
    name = gesture.name.strip()
    if not name:
        raise InputError("网格名称不能为空。", "The name of a grid cannot be empty.")
    return Outcome(_facts(grid, name=name))


def set_kind(state: PlanState, gesture: gestures.SetKind, context: Context) -> Outcome:  # noqa: ARG001
    """Make a grid urban, rural or dedicated."""
    return Outcome(_facts(find_grid(state, gesture.grid), kind=gesture.grid_kind))


def set_parent(state: PlanState, gesture: gestures.SetParent, context: Context) -> Outcome:  # noqa: ARG001
    """Put a grid under another one, or under none."""
    grid = find_grid(state, gesture.grid)
    if gesture.parent is None:
        return Outcome(_facts(grid, parent=None))
    return Outcome(_facts(grid, parent=above(state, gesture.parent, grid.level, grid.community).key))


def above(state: PlanState, code: str, level: int, community: str | None) -> Grid:
    """Return the grid of a code, which may stand above one of a level and community.

    Raises
    ------
    InputError
        There is none, or it may not.
    """
    parent = find_grid(state, code)
    if parent.leaf or parent.level >= level:
        raise InputError(
            f"网格 {parent.label} 是第 {parent.level} 级，不能作为第 {level} 级网格的上级。",
            f"Grid {parent.label} is of level {parent.level} and cannot stand above one of level {level}.",
        )
    if parent.community is not None and community is not None and parent.community != community:
        raise InputError(
            f"网格 {parent.label} 属于社区 {parent.community}，不能作为社区 {community} 网格的上级。",
            f"Grid {parent.label} is of community {parent.community} and cannot stand above one of {community}.",
        )
    return parent


def _facts(grid: Grid, **changes: Any) -> Effect:
    if all(getattr(grid, name) == value for name, value in changes.items()):
        raise InputError(
            f"网格 {grid.label} 已经是这样，没有变化。", f"Grid {grid.label} is so already; nothing changes."
        )
    return Effect(grids=(GridChange.of(grid, **changes),))


def renumber(state: PlanState, gesture: gestures.Renumber, context: Context) -> Outcome:  # noqa: ARG001
    """Give codes anew: by rule in a community, or one by hand."""
    by_hand = gesture.grid is not None and gesture.code is not None
    if by_hand == (gesture.community is not None):
        raise InputError(
            "重新编号请写明社区（community），或一个网格及其新编码（grid、code）。",
            "To renumber name a community, or one grid and its new code (grid, code).",
        )
    if gesture.community is not None:
        changes = renumbered(state, gesture.community)
        if not changes:
            raise InputError(
                f"社区 {gesture.community} 的编码已经符合顺序，没有变化。",
                f"The codes of community {gesture.community} are in order already; nothing changes.",
            )
        return Outcome(Effect(grids=tuple(changes)))
    grid = find_grid(state, gesture.grid or "")
    return Outcome(_facts(grid, code=code_by_hand(state, grid, gesture.code or "")))


def lock(state: PlanState, gesture: gestures.Lock | gestures.Unlock, context: Context) -> Outcome:  # noqa: ARG001
    """Let grids keep their land, or let them change again."""
    locked = gesture.kind == "lock"
    grids = [find_leaf(state, code) for code in dict.fromkeys(gesture.grids)]
    changes = tuple(GridChange.of(g, locked=locked) for g in grids if g.locked != locked)
    if not changes:
        raise InputError(
            f"这些网格已经{'锁定' if locked else '解锁'}，没有变化。",
            f"These grids are {'locked' if locked else 'unlocked'} already; nothing changes.",
        )
    return Outcome(Effect(grids=changes))
