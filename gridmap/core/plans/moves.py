"""Operations that move land: which cells go from which grid to which."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from gridmap.core.plans import borders, gestures
from gridmap.core.plans.codes import code_by_hand, new_code
from gridmap.core.plans.context import Context
from gridmap.core.plans.effect import NO_GRID, Effect, Grid, GridChange, Outcome
from gridmap.core.plans.facts import above
from gridmap.core.plans.halves import halves
from gridmap.core.plans.selection import find_leaf, stroke, take
from gridmap.core.plans.state import PlanState
from gridmap.errors import InputError

__all__ = ["assign", "line", "merge", "move_boundary", "new_grid", "split", "transfer"]

Ints = NDArray[np.int64]

_NEAR_M = 50.0
_SAMPLES = 16


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


def assign(state: PlanState, gesture: gestures.Assign, context: Context) -> Outcome:
    """Give chosen land to a grid of its community."""
    target = find_leaf(state, gesture.to)
    taken = take(state, gesture, context, target=target)
    return Outcome(_moving(state, taken.rows, target.key), taken.left_out)


def transfer(state: PlanState, gesture: gestures.Transfer, context: Context) -> Outcome:
    """Give chosen land to a grid of another community, or a whole grid to another community."""
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
    upper = state.grids[grid.parent]
    if upper.community is None or upper.community == community:
        return upper.key
    same = [g.key for g in state.grids.values() if not g.leaf and g.level == upper.level and g.community == community]
    return same[0] if len(same) == 1 else None


def line(state: PlanState, gesture: gestures.Line, context: Context) -> Outcome:
    """Make a line drawn by hand the border of two neighbours."""
    drawn = stroke(gesture.line, context)
    one, other = _pair(state, gesture.between, drawn)
    rows_one, rows_other = borders.redrawn(state, one, other, drawn)
    rows = np.concatenate([rows_one, rows_other])
    targets = np.repeat([one.key, other.key], [len(rows_one), len(rows_other)])
    effect = _moving(state, rows, targets)
    if not effect:
        raise InputError(
            "照这条线，没有楼栋或空地换网格。请画得离现有边界更远。",
            "By this line no building and no open land changes its grid. Draw it farther from the present border.",
        )
    return Outcome(effect)


def move_boundary(state: PlanState, gesture: gestures.MoveBoundary, context: Context) -> Outcome:
    """Drag the common border of two neighbours sideways."""
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


def split(state: PlanState, gesture: gestures.Split, context: Context) -> Outcome:
    """Make two grids of one."""
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


def merge(state: PlanState, gesture: gestures.Merge, context: Context) -> Outcome:  # noqa: ARG001 (one signature)
    """Make one grid of neighbours."""
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


def new_grid(state: PlanState, gesture: gestures.NewGrid, context: Context) -> Outcome:
    """Begin a leaf grid, with land or without."""
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
    parent = like.parent if gesture.parent is None else above(state, gesture.parent, like.level, community).key
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
