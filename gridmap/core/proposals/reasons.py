"""Why a grid did not come within the band, in words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gridmap.core.plans.context import Targets
from gridmap.core.plans.effect import Grid
from gridmap.core.plans.state import PlanState
from gridmap.core.proposals.options import Order
from gridmap.core.proposals.region import Region
from gridmap.core.proposals.search import fitting
from gridmap.model.text import Text

__all__ = ["Missed", "reasons"]

Small = NDArray[np.int32]
Ints = NDArray[np.int64]

_LISTED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Missed:
    """Something that could not be satisfied: rule, community, grid (None: several, or a new one), and why.

    Rules: ``too_many`` and ``too_few`` (households do not divide), ``one_piece`` (one building or estate is larger than
    the band), ``other_number`` (another number of grids would do), ``no_cut``, ``estate_divided``, ``apart``.
    """

    rule: str
    community: str | None
    grid: str | None
    message: Text


def reasons(
    state: PlanState, after: PlanState, region: Region, label: Small, order: Order, targets: Targets
) -> Iterable[Missed]:
    """Return what is not as it should be in a region after a proposal."""
    homes = np.bincount(label, weights=region.homes).astype(np.int64)
    numbers = np.unique(label)
    low, high = band(targets, order.weights.aim)
    outside = [g for g in numbers.tolist() if not low <= homes[g] <= high]
    large = {g: _largest(region, label, g, high) for g in outside}
    count = len(numbers)
    divisible = count * low <= region.households <= count * high
    if outside and not divisible:
        yield _number(region, count, order, targets)
    for g in outside:
        at = large[g]
        if at is not None:
            yield _one_piece(state, after, region, at, int(homes[g]))
    rest = [g for g in outside if large[g] is None]
    if rest and divisible:
        yield _no_cut(region, [int(homes[g]) for g in rest], low, high)
    yield from _estates(state, region, label)
    if len(region.apart):
        yield Missed(
            rule="apart",
            community=region.community,
            grid=None,
            message=_said(
                region,
                f"有 {len(region.apart)} 个单元被锁定或专属网格隔开，不与其他土地相连，只能并入就近网格。",
                f": {len(region.apart)} cells are cut off by locked or dedicated grids and hang on to the nearest "
                "grid.",
            ),
        )


def band(targets: Targets, aim: float) -> tuple[int, int]:
    """Return the least and the most households of a good grid."""
    return int(np.ceil(targets.households * (1 - aim) - 1e-6)), int(np.floor(targets.households * (1 + aim) + 1e-6))


def _said(region: Region, zh: str, en: str) -> Text:
    where = region.label
    return Text(where.zh + zh, where.en + en)


def _largest(region: Region, label: Small, g: int, high: int) -> int | None:
    """Return the atom of a grid that alone is above the band."""
    mine = np.flatnonzero(label == g)
    at = int(mine[int(np.argmax(region.homes[mine]))])
    return at if region.homes[at] > high else None


def _number(region: Region, count: int, order: Order, targets: Targets) -> Missed:
    total, target = region.households, targets.households

    def of(k: int) -> Text:
        mean = total / k
        off = mean / target - 1
        return Text(f"分 {k} 个平均 {mean:.0f} 户（{off:+.0%}）", f"{k} grids have {mean:.0f} on average ({off:+.0%})")

    fits = fitting(region, order.weights.scale(targets))
    if fits != count:
        said, other = of(count), of(fits)
        return Missed(
            rule="other_number",
            community=region.community,
            grid=None,
            message=_said(
                region,
                f"有 {total} 户，{said.zh}；{other.zh}，用“增减网格”或“重新划分”。",
                f" has {total} households: {said.en}; {other.en}: ask for 'grow' or 'fresh'.",
            ),
        )
    low, high = max(1, total // target), total // target + 1
    one, two = of(low), of(high)
    return Missed(
        rule="too_many" if total > count * target else "too_few",
        community=region.community,
        grid=None,
        message=_said(
            region,
            f"有 {total} 户：{one.zh}，{two.zh}，都做不到 ±{order.weights.aim:.0%}。",
            f" has {total} households: {one.en}, {two.en}; neither can be within ±{order.weights.aim:.0%}.",
        ),
    )


def _one_piece(state: PlanState, after: PlanState, region: Region, at: int, homes: int) -> Missed:
    rows = region.rows[region.atom == at]
    grid = _grid(after, rows)
    estate = next((e for e in state.fabric.estate[rows] if e is not None), None)
    what = (
        Text(f"小区“{estate}”", f"estate {estate}") if estate is not None else Text("其中一栋楼", "one building of it")
    )
    alone = int(region.homes[at])
    return Missed(
        rule="one_piece",
        community=region.community,
        grid=None if grid is None else grid.code,
        message=Text(
            f"网格 {grid.label if grid else ''} 有 {homes} 户：{what.zh}不拆分就有 {alone} 户。",
            f"Grid {grid.label if grid else ''} has {homes} households: {what.en} alone has {alone}, and stays whole.",
        ),
    )


def _grid(after: PlanState, rows: Ints) -> Grid | None:
    key = int(after.keys_of(rows[:1])[0])
    return after.grids.get(key)


def _no_cut(region: Region, homes: list[int], low: int, high: int) -> Missed:
    sizes = "、".join(map(str, sorted(homes)))
    listed = ", ".join(map(str, sorted(homes)))
    return Missed(
        rule="no_cut",
        community=region.community,
        grid=None,
        message=_said(
            region,
            f"有 {len(homes)} 个网格不在 {low}–{high} 户（{sizes} 户）：楼栋和小区不拆、"
            "每个网格连成一片时，没有找到更好的分法。",
            f": {len(homes)} grids are outside {low}–{high} households ({listed}): with buildings and estates "
            "whole and every grid in one piece no better division was found.",
        ),
    )


def _estates(state: PlanState, region: Region, label: Small) -> Iterable[Missed]:
    estate, of_cell = state.fabric.estate[region.rows], label[region.atom]
    grids: dict[str, set[int]] = {}
    for name, g in zip(estate.tolist(), of_cell.tolist(), strict=True):
        if name is not None:
            grids.setdefault(str(name), set()).add(g)
    divided = sorted(name for name, numbers in grids.items() if len(numbers) > 1)
    if divided:
        names, listed = "、".join(divided[:_LISTED]), ", ".join(divided[:_LISTED])
        more = len(divided) - _LISTED
        yield Missed(
            rule="estate_divided",
            community=region.community,
            grid=None,
            message=_said(
                region,
                f"：小区{names}{f'等 {len(divided)} 个' if more > 0 else ''}分在几个网格："
                "户数超过上限、土地不相连，或现在就分开。",
                f": {listed}{f' and {more} more' if more > 0 else ''} belong to several grids: too large, not in one "
                "piece, or divided already.",
            ),
        )
