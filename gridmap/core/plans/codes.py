"""Codes of grids in a plan: new ones by rule, and all of a community anew."""

from __future__ import annotations

import re

import numpy as np
import shapely

from gridmap.core import partition
from gridmap.core.plans.context import Context
from gridmap.core.plans.effect import Grid, GridChange
from gridmap.core.plans.state import PlanState
from gridmap.core.rules import serial_order
from gridmap.errors import InputError

__all__ = ["code_by_hand", "free_code", "new_code", "renumbered"]


def _taken(state: PlanState, context: Context) -> set[str]:
    present = {grid.code for grid in [*state.grids.values(), *state.ended.values()]}
    return present | context.used_codes


def new_code(state: PlanState, context: Context, community: str | None, like: str) -> str:
    """Return the next free code of a community; ``like`` is what codes begin with where no community is known.

    Raises
    ------
    InputError
        The community has no serial left.
    """
    return free_code(_taken(state, context), community, like)


def free_code(taken: set[str], community: str | None, like: str) -> str:
    """Return the next code of a community that is not among those taken; see :func:`new_code`.

    Raises
    ------
    InputError
        The community has no serial left.
    """
    if community is not None and re.fullmatch(r"\d{12}", community):
        return partition.new_codes([community], shapely.points([[0.0, 0.0]]), present={}, retired=sorted(taken))[0]
    start = community or like
    return next(code for code in (f"{start}-{n}" for n in range(1, len(taken) + 2)) if code not in taken)


def code_by_hand(state: PlanState, grid: Grid | None, code: str) -> str:
    """Return a code that somebody chose.

    Raises
    ------
    InputError
        Another grid of the plan has it.
    """
    for other in state.grids.values():
        if other.code == code and (grid is None or other.key != grid.key):
            raise InputError(
                f"编码 {code} 已由网格 {other.label} 使用。请换一个。",
                f"Code {code} is that of grid {other.label}. Choose another.",
            )
    return code


def renumbered(state: PlanState, community: str) -> list[GridChange]:
    """Return new codes for the leaf grids of a community: rows from north to south, each from west to east.

    Raises
    ------
    InputError
        The community has no leaf grid with land, or more than 999.
    """
    leaves = [g for g in state.leaves if g.community == community and state.tally.cells[state.row_of[g.key]]]
    if not leaves:
        raise InputError(
            f"社区 {community} 没有网格可编号。请核对社区代码。",
            f"Community {community} has no grids to number. Check its code.",
        )
    polygons = state.polygons([g.key for g in leaves])
    centre = shapely.get_coordinates(shapely.centroid(polygons))
    rank = serial_order(centre[:, 0], centre[:, 1], row_m=float(np.sqrt(np.median(shapely.area(polygons)))))
    own = {g.key for g in leaves}
    taken = {g.code for g in state.grids.values() if g.key not in own}
    plain = re.fullmatch(r"\d{12}", community) is not None
    free = [
        code
        for code in (f"{community}{n:03d}" if plain else f"{community}-{n}" for n in range(1, 1_000))
        if code not in taken
    ]
    if len(free) < len(leaves):
        raise InputError(
            f"社区 {community} 的网格超过可用编号（最多 999）。",
            f"Community {community} has more grids than numbers (999 at most).",
        )
    return [
        # a name that only repeats the code goes with it
        GridChange.of(grid, code=free[r], name=free[r]) if grid.name == grid.code else GridChange.of(grid, code=free[r])
        for grid, r in zip(leaves, rank.tolist(), strict=True)
        if grid.code != free[r]
    ]
