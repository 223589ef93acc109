"""What a planner should look at after an operation, each with the operation that mends it where there is one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely

from gridmap.core.plans.context import Targets
from gridmap.core.plans.effect import Grid
from gridmap.core.plans.pieces import pieces, repair
from gridmap.core.plans.selection import LEFT_OUT
from gridmap.core.plans.state import PlanState
from gridmap.model.text import Text

__all__ = ["Notice", "noticed", "review"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One thing to look at: rule, the grid's code, words, a metric point, and a gesture that mends it."""

    rule: str
    grid: str | None
    message: Text
    repair: Mapping[str, Any] | None = None
    repair_text: Text | None = None
    xy: tuple[float, float] | None = None


def noticed(left_out: Mapping[str, int]) -> list[Notice]:
    """Return what a drawn gesture passed over."""
    return [
        Notice(
            rule=f"left_out_{reason}",
            grid=None,
            message=Text(f"{count} {LEFT_OUT[reason].zh}。", f"{count} {LEFT_OUT[reason].en}."),
        )
        for reason, count in left_out.items()
    ]


def review(state: PlanState, keys: Iterable[int], targets: Targets) -> list[Notice]:
    """Return what is wrong with some leaf grids, such as an effect touched: pieces, no land, out of the band."""
    touched = [state.grids[key] for key in sorted(keys) if key in state.grids and state.grids[key].leaf]
    return [notice for grid in touched for notice in _grid(state, grid, targets)]


def _grid(state: PlanState, grid: Grid, targets: Targets) -> Iterable[Notice]:
    row = state.row_of[grid.key]
    if not state.tally.cells[row]:
        yield Notice(
            rule="grid_without_land",
            grid=grid.code,
            message=Text(
                f"网格 {grid.label} 没有土地，发布时将撤销。",
                f"Grid {grid.label} has no land; it ends when the plan is published.",
            ),
        )
        return
    if grid.kind != "dedicated":
        yield from _loose(state, grid, targets)
    if grid.kind == "urban":
        yield from _size(state, grid, targets)


def _loose(state: PlanState, grid: Grid, targets: Targets) -> Iterable[Notice]:
    found = pieces(state, grid.key)
    for piece in found[1:]:
        to = repair(state, grid.key, piece, targets)
        x, y = state.fabric.xy[piece.rows[int(np.argmax(state.fabric.area_m2[piece.rows]))]]
        yield Notice(
            rule="grid_pieces",
            grid=grid.code,
            message=Text(
                f"网格 {grid.label} 分成 {len(found)} 块；其中一块 {piece.households} 户、{piece.area_m2:.0f} 平方米。",
                f"Grid {grid.label} consists of {len(found)} pieces; one of {piece.households} households, "
                f"{piece.area_m2:.0f} m².",
            ),
            repair=None
            if to is None
            else {"kind": "assign", "cells": state.fabric.ids[piece.rows].tolist(), "to": to.code},
            repair_text=None
            if to is None
            else Text(f"把这一块划给网格 {to.label}。", f"Give this piece to grid {to.label}."),
            xy=(float(x), float(y)),
        )


def _size(state: PlanState, grid: Grid, targets: Targets) -> Iterable[Notice]:
    row = state.row_of[grid.key]
    households = int(state.tally.households[row])
    off = float(targets.deviation(households))
    if abs(off) <= targets.tolerance + 1e-9:
        return
    largest = _largest_building(state, grid)
    alone = largest > targets.most
    more = off > 0
    zh = (
        f"网格 {grid.label} 有 {households} 户，比标准 {targets.households} 户{'多' if more else '少'} {abs(off):.0%}。"
    )
    beyond = f"{abs(off):.0%} {'more' if more else 'fewer'} than {targets.households}"
    en = f"Grid {grid.label} has {households} households, {beyond}."
    if alone:
        zh += f"其中一栋楼就有 {largest} 户，超过一个网格的上限；须按单元划分才能达标。"
        en += f" One building alone has {largest}, more than a grid may have; only a division by its entrances helps."
    point = shapely.point_on_surface(state.polygons([grid.key])[0])
    splits = more and not alone and households >= 2 * targets.households * (1 - targets.tolerance)
    yield Notice(
        rule="household_band",
        grid=grid.code,
        message=Text(zh, en),
        repair={"kind": "split", "grid": grid.code} if splits else None,
        repair_text=Text("沿街道拆成户数相等的两个网格。", "Split it along streets into two of equal households.")
        if splits
        else None,
        xy=(float(shapely.get_x(point)), float(shapely.get_y(point))),
    )


def _largest_building(state: PlanState, grid: Grid) -> int:
    rows = state.cells_of(grid.key)
    rows = rows[state.fabric.building[rows] >= 0]
    if not len(rows):
        return 0
    number = np.unique(state.fabric.building[rows], return_inverse=True)[1]
    return int(np.bincount(number, weights=state.fabric.households[rows]).max())
