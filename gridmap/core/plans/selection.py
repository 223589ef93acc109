"""Which cells a gesture takes: named ones, a lasso, a brush stroke."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import shapely
from numpy.typing import NDArray

from gridmap.core.plans.context import Context
from gridmap.core.plans.effect import NO_GRID, Grid
from gridmap.core.plans.gestures import Selection
from gridmap.core.plans.state import PlanState
from gridmap.errors import InputError
from gridmap.model.text import Text

__all__ = ["Taken", "find_grid", "find_leaf", "ring", "stroke", "take"]

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

_WAYS = ("cells", "buildings", "blocks", "estate", "lasso", "brush")
_DRAWN = ("lasso", "brush")
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Taken:
    """The cells (row numbers) that go, and what a drawn gesture touched but left where it is: count by reason."""

    rows: Ints
    left_out: dict[str, int] = field(default_factory=dict)


LEFT_OUT = {
    "locked": Text("个单元在已锁定的网格中，没有移动", "cells stay in locked grids"),
    "community": Text(
        "个单元属于其他社区，没有移动（移交须用 transfer）", "cells of other communities stay (see transfer)"
    ),
}


def find_grid(state: PlanState, code: str) -> Grid:
    """Return the grid of a code.

    Raises
    ------
    InputError
        There is none, or it ended.
    """
    for grid in state.grids.values():
        if grid.code == code:
            return grid
    if any(grid.code == code for grid in state.ended.values()):
        raise InputError(
            f"网格 {code} 在本方案中已经撤销（合并或拆分）。请刷新后选用现有网格。",
            f"Grid {code} has ended in this plan (merged or split). Look again and use a grid that there is.",
        )
    raise InputError(f"方案中没有网格 {code}。请核对编码。", f"The plan has no grid {code}. Check the code.")


def find_leaf(state: PlanState, code: str) -> Grid:
    """Return the leaf grid of a code.

    Raises
    ------
    InputError
        There is none, it ended, or it has grids below it.
    """
    grid = find_grid(state, code)
    if not grid.leaf:
        raise InputError(
            f"网格 {grid.label} 是第 {grid.level} 级，土地只属于最下一级网格。请改用其下的网格。",
            f"Grid {grid.label} is of level {grid.level}; land belongs to the lowest level. Name a grid below it.",
        )
    return grid


def _points(points: Sequence[tuple[float, float]], context: Context) -> Floats:
    xy = context.to_metric(np.array(points, dtype=np.float64).reshape(-1, 2))
    if not np.isfinite(xy).all():
        raise InputError(
            "有的点离本辖区太远，无法换算。坐标应为 EPSG:4326 的经度、纬度。",
            "Some points are too far from the jurisdiction. Coordinates are longitude and latitude in EPSG:4326.",
        )
    fresh = np.ones(len(xy), dtype=np.bool_)
    fresh[1:] = (np.abs(np.diff(xy, axis=0)) > 1e-3).any(axis=1)  # noqa: PLR2004 (a millimetre)
    return xy[fresh]


def ring(points: Sequence[tuple[float, float]], context: Context) -> shapely.Polygon:
    """Return the polygon (metric) of a lasso.

    Raises
    ------
    InputError
        It encloses nothing or crosses itself.
    """
    xy = _points(points, context)
    if len(xy) and np.abs(xy[0] - xy[-1]).max() <= 1e-3:  # noqa: PLR2004
        xy = xy[:-1]
    if len(xy) < 3 or shapely.area(shapely.convex_hull(shapely.multipoints(xy))) < 1e-3:  # noqa: PLR2004
        raise InputError(
            "套索没有围住任何土地：至少要三个不在一条线上的点。",
            "The lasso encloses nothing: it needs at least three points that are not in line.",
        )
    polygon = shapely.Polygon(xy)
    if not shapely.is_valid(polygon):
        raise InputError(
            "套索与自身相交，分不清内外。请重新圈画。",
            "The lasso crosses itself, so that inside and outside are not clear. Draw it again.",
        )
    return polygon


def stroke(points: Sequence[tuple[float, float]], context: Context) -> shapely.LineString:
    """Return the line (metric) of a boundary drawn by hand.

    Raises
    ------
    InputError
        It has fewer than two points, or crosses itself.
    """
    xy = _points(points, context)
    if len(xy) < 2:  # noqa: PLR2004
        raise InputError("线至少要有两个不同的点。", "A line needs at least two different points.")
    line = shapely.LineString(xy)
    if not shapely.is_simple(line) or shapely.is_closed(line):
        raise InputError(
            "画的线与自身相交，分不清两侧。请重新画一条不相交的线。",
            "The line crosses itself, so that its sides are not clear. Draw one that does not.",
        )
    return line


def take(
    state: PlanState, selection: Selection, context: Context, *, target: Grid | None, across: bool = False
) -> Taken:
    """Return the cells that a selection takes for a grid (None: for a new one).

    Land of locked grids, and of other communities unless ``across``, is refused where it was named, and left where
    it is where it was drawn over.

    Raises
    ------
    InputError
        It names nothing that is there, names it in no way or in two, or nothing can go.
    """
    ways = [name for name in _WAYS if getattr(selection, name) is not None]
    if len(ways) != 1:
        raise InputError(
            f"请用且只用一种方式选地：{'、'.join(_WAYS)}。",
            f"Choose the land in exactly one way: {', '.join(_WAYS)}.",
        )
    rows, drawn = state.fabric.together(_rows(state, selection, ways[0], context)), ways[0] in _DRAWN
    if selection.only_from is not None:
        allowed = [find_leaf(state, code).key for code in selection.only_from]
        rows = rows[np.isin(state.keys_of(rows), allowed)]
    if not len(rows):
        raise InputError(
            "没有选中任何楼栋或空地。请圈住楼栋的中心。", "Nothing was selected. Reach over the middle of buildings."
        )
    if target is not None:
        rows = rows[state.keys_of(rows) != target.key]
        if not len(rows):
            raise InputError(
                f"选中的土地已经都在网格 {target.label} 中，没有变化。",
                f"All of it is in grid {target.label} already; nothing changes.",
            )
    return _allowed(state, rows, target, drawn=drawn, across=across)


def _rows(state: PlanState, selection: Selection, way: str, context: Context) -> Ints:
    fabric = state.fabric
    if way == "cells":
        assert selection.cells is not None  # noqa: S101 (the way)
        rows = fabric.rows_of(selection.cells)
        _all_known("单元", "cells", [str(c) for c, row in zip(selection.cells, rows, strict=True) if row < 0])
        return rows
    if way == "buildings":
        assert selection.buildings is not None  # noqa: S101
        known = fabric.cells_of_building
        _all_known("楼栋", "buildings", [b for b in selection.buildings if b not in known])
        return np.concatenate([known[b] for b in selection.buildings])
    if way == "blocks":
        assert selection.blocks is not None  # noqa: S101
        present = np.unique(fabric.block)
        _all_known("街区", "blocks", [str(b) for b in selection.blocks if b not in present])
        return np.flatnonzero(np.isin(fabric.block, selection.blocks))
    if way == "estate":
        rows = np.flatnonzero(fabric.estate == selection.estate)
        _all_known("小区", "estates", [] if len(rows) else [str(selection.estate)])
        return rows
    return _drawn(state, selection, context)


def _drawn(state: PlanState, selection: Selection, context: Context) -> Ints:
    """Return the cells whose deciding point a lasso or a brush stroke covers."""
    shape: shapely.Geometry
    reach = 0.0
    if selection.lasso is not None:
        shape = ring(selection.lasso, context)
    else:
        assert selection.brush is not None  # noqa: S101 (the way)
        xy = _points(selection.brush.line, context)
        shape = shapely.LineString(xy) if len(xy) > 1 else shapely.Point(xy[0])
        reach = selection.brush.radius_m
    low_x, low_y, high_x, high_y = shapely.bounds(shape)
    xy = state.fabric.xy
    near = np.flatnonzero(
        (xy[:, 0] >= low_x - reach)
        & (xy[:, 0] <= high_x + reach)
        & (xy[:, 1] >= low_y - reach)
        & (xy[:, 1] <= high_y + reach)
    )
    shapely.prepare(shape)
    if reach:
        inside = shapely.dwithin(shape, shapely.points(xy[near]), reach)
    else:
        inside = shapely.contains_xy(shape, xy[near, 0], xy[near, 1])
    chosen = np.zeros(len(xy), dtype=np.bool_)
    chosen[near[inside]] = True
    return np.flatnonzero(chosen[state.fabric.leader])


def _allowed(state: PlanState, rows: Ints, target: Grid | None, *, drawn: bool, across: bool) -> Taken:
    left: dict[str, int] = {}
    keys = state.keys_of(rows)
    locked = np.isin(keys, [key for key, grid in state.grids.items() if grid.locked and key != NO_GRID])
    if target is not None and target.locked:
        raise _locked(target)
    if locked.any():
        if not drawn:
            raise _locked(state.grids[int(keys[locked][0])])
        left["locked"] = int(locked.sum())
        rows = rows[~locked]
    if not across and target is not None and target.community is not None:
        theirs = state.communities_of(rows)
        foreign = np.array([c is not None and c != target.community for c in theirs], dtype=np.bool_)
        if foreign.any():
            if not drawn or foreign.all():
                raise _foreign(str(theirs[foreign][0]), target)
            left["community"] = int(foreign.sum())
            rows = rows[~foreign]
    if not len(rows):
        raise InputError(
            "选中的土地都在已锁定的网格中。请先解锁。", "All of it lies in locked grids. Unlock them first."
        )
    return Taken(rows, left)


def _locked(grid: Grid) -> InputError:
    return InputError(
        f"网格 {grid.label} 已锁定，不能改变。请先解锁。", f"Grid {grid.label} is locked. Unlock it first."
    )


def _foreign(community: str, target: Grid) -> InputError:
    return InputError(
        f"选中的土地属于社区 {community}，而网格 {target.label} 属于社区 {target.community}。"
        "跨社区调整须用移交（transfer）。",
        f"The land is of community {community}, grid {target.label} of community {target.community}. "
        "Moving land across communities needs 'transfer'.",
    )


def _all_known(zh: str, en: str, unknown: list[str]) -> None:
    if unknown:
        shown = ", ".join(unknown[:_SHOWN]) + (" …" if len(unknown) > _SHOWN else "")
        raise InputError(
            f"没有这些{zh}（共 {len(unknown)} 个）：{shown}。没有执行。",
            f"There are no such {en} ({len(unknown)}): {shown}. Nothing was done.",
        )
