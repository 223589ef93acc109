"""Operations: from what a planner asks for to which cells go where. Pure: the plan's state does not change."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from gridmap.core.plans import borders, gestures
from gridmap.core.plans.codes import code_by_hand, new_code, renumbered
from gridmap.core.plans.context import Context
from gridmap.core.plans.effect import NO_GRID, Effect, Grid, GridChange
from gridmap.core.plans.halves import halves
from gridmap.core.plans.selection import find_grid, find_leaf, stroke, take
from gridmap.core.plans.state import PlanState
from gridmap.errors import InputError

__all__ = ["Outcome", "operate"]

Ints = NDArray[np.int64]

_NEAR_M = 50.0
_SAMPLES = 16


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an operation does, and how many cells a drawn gesture left where they are, by reason."""

    effect: Effect
    left_out: dict[str, int] = field(default_factory=dict)


def operate(state: PlanState, gesture: Any, context: Context) -> Outcome:
    """Return what a gesture does to a plan (every kind but undo and redo, which need the log).

    Raises
    ------
    InputError
        It cannot be done; the sentence says why.
    """
    outcome = _OPERATIONS[gesture.kind](state, gesture, context)
    if not outcome.effect:
        raise InputError("这一步不改变任何东西。", "This changes nothing.")
    return outcome


def _moving(state: PlanState, rows: Ints, targets: Ints | int, grids: Iterable[GridChange] = ()) -> Effect:
    return Effect.moving(
        state.fabric.ids[rows],
        state.keys_of(rows),
        np.broadcast_to(np.asarray(targets, dtype=np.int64), rows.shape),
        grids,
    )


def _free(*grids: Grid) -> None:
    for grid in grids:
        if grid.locked:
            raise InputError(
                f"网格 {grid.label} 已锁定，不能改变。请先解锁。", f"Grid {grid.label} is locked. Unlock it first."
            )


# -- land --------------------------------------------------------------------------------------------------------------


def _assign(state: PlanState, gesture: gestures.Assign, context: Context) -> Outcome:
    target = find_leaf(state, gesture.to)
    taken = take(state, gesture, context, target=target)
    return Outcome(_moving(state, taken.rows, target.key), taken.left_out)


def _transfer(state: PlanState, gesture: gestures.Transfer, context: Context) -> Outcome:
    if (gesture.to is None) == (gesture.grid is None) or (gesture.grid is None) != (gesture.community is None):
        raise InputError(
            "移交要么把选中的土地给一个网格（to），要么让整个网格（grid）归入另一个社区（community）。",
            "Transfer gives chosen land to a grid (to), or lets a whole grid join a community (grid, community).",
        )
    if gesture.to is not None:
        target = find_leaf(state, gesture.to)
        taken = take(state, gesture, context, target=target, across=True)
        return Outcome(_moving(state, taken.rows, target.key), taken.left_out)
    assert gesture.grid is not None  # noqa: S101 (checked above)
    assert gesture.community is not None  # noqa: S101
    grid = find_leaf(state, gesture.grid)
    _free(grid)
    if gesture.community not in context.communities:
        raise InputError(
            f"没有代码为 {gesture.community} 的社区。请核对。",
            f"There is no community of code {gesture.community}. Check it.",
        )
    if gesture.community == grid.community:
        raise InputError(
            f"网格 {grid.label} 已经属于社区 {gesture.community}。",
            f"Grid {grid.label} is of community {gesture.community} already.",
        )
    change = GridChange.of(grid, community=gesture.community, parent=_counterpart(state, grid, gesture.community))
    return Outcome(Effect(grids=(change,)))


def _counterpart(state: PlanState, grid: Grid, community: str) -> int | None:
    """Return the grid above in another community, where just one is of the level that the present one has."""
    if grid.parent is None:
        return None
    above = state.grids[grid.parent]
    if above.community is None or above.community == community:
        return above.key
    same = [g.key for g in state.grids.values() if not g.leaf and g.level == above.level and g.community == community]
    return same[0] if len(same) == 1 else None


def _line(state: PlanState, gesture: gestures.Line, context: Context) -> Outcome:
    line = stroke(gesture.line, context)
    one, other = _pair(state, gesture.between, line)
    rows_one, rows_other = borders.redrawn(state, one, other, line)
    rows = np.concatenate([rows_one, rows_other])
    targets = np.repeat([one.key, other.key], [len(rows_one), len(rows_other)])
    effect = _moving(state, rows, targets)
    if not effect:
        raise InputError(
            "照这条线，没有楼栋或空地换网格。请画得离现有边界更远。",
            "By this line no building and no open land changes its grid. Draw it farther from the present border.",
        )
    return Outcome(effect)


def _move_boundary(state: PlanState, gesture: gestures.MoveBoundary, context: Context) -> Outcome:
    start, end = context.to_metric(np.array([gesture.start, gesture.end], dtype=np.float64))
    if not np.isfinite([start, end]).all() or float(np.hypot(*(end - start))) < 1e-3:  # noqa: PLR2004
        raise InputError("拖动的起点和终点相同。", "Start and end of the drag are the same.")
    one, other = _pair(state, gesture.between, shapely.Point(start))
    taker, _, rows = borders.swept(state, one, other, start, end)
    return Outcome(_moving(state, rows, taker.key))


def _pair(state: PlanState, between: tuple[str, str] | None, shape: shapely.Geometry) -> tuple[Grid, Grid]:
    """Return the two grids that a line or a point is about: those named, else those whose border is nearest."""
    if between is not None:
        one, other = (find_leaf(state, code) for code in between)
        if one.key == other.key:
            raise InputError("请给出两个不同的网格。", "Name two different grids.")
    else:
        one, other = _nearest_pair(state, shape)
    _free(one, other)
    if one.community is not None and other.community is not None and one.community != other.community:
        raise InputError(
            f"网格 {one.label} 和 {other.label} 属于不同社区，边界不能这样移动。请用移交（transfer）。",
            f"Grids {one.label} and {other.label} are of different communities; moving land needs 'transfer'.",
        )
    return one, other


def _nearest_pair(state: PlanState, shape: shapely.Geometry) -> tuple[Grid, Grid]:
    """Find the two grids of one community whose common border is nearest to a line on average, or to a point."""
    fabric = state.fabric
    low_x, low_y, high_x, high_y = shapely.bounds(shape)
    size = float(np.sqrt(np.median(fabric.area_m2))) if len(fabric.ids) else 0.0
    x, y = fabric.xy.T
    reach = 2 * size + _NEAR_M
    near = np.flatnonzero((x >= low_x - reach) & (x <= high_x + reach) & (y >= low_y - reach) & (y <= high_y + reach))
    near = near[shapely.dwithin(fabric.geometry[near], shape, _NEAR_M)]
    row, neighbour, _ = fabric.edges_of(near)
    ours, theirs = state.keys_of(row), state.keys_of(neighbour)
    apart = (ours < theirs) & (ours != NO_GRID) & (theirs != NO_GRID)
    meeting = np.unique(np.column_stack([ours[apart], theirs[apart]]), axis=0).tolist()
    pairs = [(a, b) for a, b in meeting if state.grids[a].community == state.grids[b].community]
    if not pairs:
        raise InputError(
            "这里附近没有同一社区两个网格的边界。请靠近边界画，或写明两个网格（between）。",
            "There is no border between two grids of one community nearby. Draw near it, or name the grids (between).",
        )
    point = shapely.get_type_id(shape) == shapely.GeometryType.POINT
    along = np.linspace(0, 1, _SAMPLES)
    samples = shape if point else shapely.line_interpolate_point(shape, along, normalized=True)

    def away(pair: tuple[int, int]) -> float:
        border = shapely.multilinestrings(borders.common_border(state, *(state.grids[key] for key in pair)))
        return float(shapely.distance(border, samples).mean())

    one, other = min(pairs, key=lambda pair: (away(pair), pair))
    return state.grids[one], state.grids[other]


def _split(state: PlanState, gesture: gestures.Split, context: Context) -> Outcome:
    grid = find_leaf(state, gesture.grid)
    _free(grid)
    if gesture.line is None:
        first, second = halves(state, grid)
    else:
        first, second = borders.divided(state, grid, stroke(gesture.line, context))
    homes = state.fabric.households

    def size(rows: Ints) -> tuple[int, float]:
        return int(homes[rows].sum()), float(state.fabric.area_m2[rows].sum())

    goes = min((second, first), key=size)
    new = _beginning(state, context, grid.community, like=grid, name=gesture.name)
    return Outcome(_moving(state, goes, new.key, [GridChange.begin(new)]))


def _beginning(
    state: PlanState, context: Context, community: str | None, *, like: Grid, name: str | None = None, **more: Any
) -> Grid:
    code = new_code(state, context, community, like.code)
    facts: dict[str, Any] = {"level": like.level, "kind": like.kind, "parent": like.parent} | more
    return Grid(key=state.next_key, code=code, name=name or code, community=community, **facts)


def _merge(state: PlanState, gesture: gestures.Merge, context: Context) -> Outcome:  # noqa: ARG001 (one signature)
    grids = [find_leaf(state, code) for code in dict.fromkeys(gesture.grids)]
    into = find_leaf(state, gesture.into) if gesture.into is not None else grids[0]
    if len(grids) < 2 or into not in grids:  # noqa: PLR2004
        raise InputError(
            "合并需要至少两个不同的网格，保留的网格（into）须是其中之一。",
            "A merge needs at least two different grids, and the one that stays (into) must be among them.",
        )
    _free(*grids)
    for grid in grids:
        if grid.community is not None and into.community is not None and grid.community != into.community:
            raise InputError(
                f"网格 {grid.label} 与 {into.label} 属于不同社区，不能合并。请先移交。",
                f"Grids {grid.label} and {into.label} are of different communities. Transfer one of them first.",
            )
    apart = _not_connected(state, [g.key for g in grids], into.key)
    if apart is not None:
        raise InputError(
            f"网格 {state.grids[apart].label} 与其他要合并的网格不相邻。请只合并相邻的网格。",
            f"Grid {state.grids[apart].label} is no neighbour of the others. Merge neighbours only.",
        )
    gone = [g for g in grids if g.key != into.key]
    rows = state.cells_of(*(g.key for g in gone))
    return Outcome(_moving(state, rows, into.key, [GridChange.end(g) for g in gone]))


def _not_connected(state: PlanState, keys: list[int], start: int) -> int | None:
    """Return a grid with land that cannot be reached from ``start`` through neighbours among some grids."""
    rows = state.cells_of(*keys)
    row, neighbour, _ = state.fabric.edges_of(rows)
    links = np.unique(np.column_stack([state.keys_of(row), state.keys_of(neighbour)]), axis=0).tolist()
    reached, wave = {start}, {start}
    while wave:
        wave = {b for a, b in links if a in wave and b in keys} - reached
        reached |= wave
    empty = {key for key in keys if not state.tally.cells[state.row_of[key]]}
    return next((key for key in keys if key not in reached | empty), None)


def _new_grid(state: PlanState, gesture: gestures.NewGrid, context: Context) -> Outcome:
    chosen = any(
        getattr(gesture, name) is not None for name in ("cells", "buildings", "blocks", "estate", "lasso", "brush")
    )
    rows = np.zeros(0, dtype=np.int64)
    left_out: dict[str, int] = {}
    community = gesture.community
    if community is not None and community not in context.communities:
        raise InputError(
            f"没有代码为 {community} 的社区。请核对。", f"There is no community of code {community}. Check it."
        )
    if chosen:
        taken = take(state, gesture, context, target=None)
        rows, left_out = taken.rows, taken.left_out
        communities = {c for c in state.communities_of(rows).tolist() if c is not None}
        if len(communities) > 1 or (community is not None and communities - {community}):
            raise InputError(
                f"选中的土地属于多个社区：{'、'.join(sorted(communities))}。网格须在一个社区之内。",
                f"The land is of several communities: {', '.join(sorted(communities))}. A grid lies in one.",
            )
        community = community or next(iter(communities), None)
    elif community is None:
        raise InputError(
            "请选中土地，或写明新网格所属的社区（community）。", "Choose land, or say the new grid's community."
        )
    like = _model_of(state, rows, community)
    parent = like.parent if gesture.parent is None else _above(state, gesture.parent, like.level, community).key
    new = _beginning(
        state, context, community, like=like, name=gesture.name, kind=gesture.grid_kind, parent=parent, locked=False
    )
    if gesture.code is not None:
        code = code_by_hand(state, None, gesture.code)
        new = Grid(
            key=new.key, code=code, name=gesture.name or code, level=new.level, kind=new.kind, parent=new.parent,
            community=community,
        )  # fmt: skip
    return Outcome(_moving(state, rows, new.key, [GridChange.begin(new)]), left_out)


def _model_of(state: PlanState, rows: Ints, community: str | None) -> Grid:
    """Return the grid whose level and parent a new one takes: that of most of its land, else one of the community."""
    keys, count = np.unique(state.keys_of(rows), return_counts=True)
    for key in keys[np.argsort(-count, kind="stable")].tolist():
        if key != NO_GRID:
            return state.grids[key]
    same = [g for g in state.leaves if g.community == community]
    if same:
        return same[0]
    level = max((g.level for g in state.leaves), default=1)
    return Grid(key=NO_GRID, code=community or "G", name="", level=level, community=community)


# -- facts -------------------------------------------------------------------------------------------------------------


def _rename(state: PlanState, gesture: gestures.Rename, context: Context) -> Outcome:  # noqa: ARG001
    grid = find_grid(state, gesture.grid)
    name = gesture.name.strip()
    if not name:
        raise InputError("网格名称不能为空。", "The name of a grid cannot be empty.")
    return Outcome(_facts(grid, name=name))


def _set_kind(state: PlanState, gesture: gestures.SetKind, context: Context) -> Outcome:  # noqa: ARG001
    return Outcome(_facts(find_grid(state, gesture.grid), kind=gesture.grid_kind))


def _set_parent(state: PlanState, gesture: gestures.SetParent, context: Context) -> Outcome:  # noqa: ARG001
    grid = find_grid(state, gesture.grid)
    if gesture.parent is None:
        return Outcome(_facts(grid, parent=None))
    return Outcome(_facts(grid, parent=_above(state, gesture.parent, grid.level, grid.community).key))


def _above(state: PlanState, code: str, level: int, community: str | None) -> Grid:
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


def _renumber(state: PlanState, gesture: gestures.Renumber, context: Context) -> Outcome:  # noqa: ARG001
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


def _lock(state: PlanState, gesture: gestures.Lock | gestures.Unlock, context: Context) -> Outcome:  # noqa: ARG001
    locked = gesture.kind == "lock"
    grids = [find_leaf(state, code) for code in dict.fromkeys(gesture.grids)]
    changes = tuple(GridChange.of(g, locked=locked) for g in grids if g.locked != locked)
    if not changes:
        raise InputError(
            f"这些网格已经{'锁定' if locked else '解锁'}，没有变化。",
            f"These grids are {'locked' if locked else 'unlocked'} already; nothing changes.",
        )
    return Outcome(Effect(grids=changes))


_OPERATIONS: dict[str, Callable[[PlanState, Any, Context], Outcome]] = {
    "assign": _assign,
    "line": _line,
    "move_boundary": _move_boundary,
    "split": _split,
    "merge": _merge,
    "new_grid": _new_grid,
    "rename": _rename,
    "set_kind": _set_kind,
    "set_parent": _set_parent,
    "transfer": _transfer,
    "renumber": _renumber,
    "lock": _lock,
    "unlock": _lock,
}
