"""The siting problem in its smallest form: merged rows, kept by candidate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely

from gridmap.core.network.graph import Bools, Bytes, Floats, Ints, Longs, Seconds
from gridmap.core.siting import kernels
from gridmap.core.siting.kernels import FREE, OUT, TAKEN


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Entries (candidate, row) by candidate; see :mod:`gridmap.core.siting.kernels`.

    Attributes
    ----------
    start, row, cost
        (C + 1,), (E,), (E,).
    weight, cap
        (R,).
    units
        (R,) households of a row, for a capacity.
    constant
        What every choice costs beside the rows.
    cover
        Whether all caps are 1 and all costs 0, so that rows with the same candidates may be merged.
    """

    start: Longs
    row: Ints
    cost: Seconds
    weight: Floats
    cap: Floats
    units: Floats
    constant: float
    cover: bool

    @property
    def candidates(self) -> int:
        """Number of candidates, those without entries included."""
        return len(self.start) - 1

    @property
    def most_cost(self) -> float:
        """What no site at all costs."""
        return self.constant + float(np.dot(self.weight, self.cap))

    def cost_of(self, sites: Ints) -> float:
        """Return what a choice costs."""
        return self.constant + kernels.total_cost(
            self.start, self.row, self.cost, self.weight, self.cap, np.asarray(sites, dtype=np.int32)
        )


def cover_rows(
    start: Longs, demand: Ints, weight: Floats, units: Floats, use: Bools, *, split: bool
) -> tuple[Rows, Ints]:
    """Return rows of demand that is to be covered, merged by candidates, and the row of each demand (-1: none).

    Parameters
    ----------
    start, demand
        Coverage by candidate.
    weight, units
        (D,) what a demand counts, and its households.
    use
        (D,) demand that counts at all; the others are left out.
    split
        Whether rows with different weight per household must stay apart.
    """
    first, candidate, _ = kernels.by_row(start, demand, len(weight))
    if split:
        group = np.full(len(weight), -1, dtype=np.int32)
        kept = np.flatnonzero(use & (np.diff(first) > 0))
        group[kept] = np.arange(len(kept), dtype=np.int32)
        groups = len(kept)
    else:
        group, groups = kernels.same_rows(first, candidate, use)
    out_start, out_row = kernels.merged(start, demand, group, groups)
    inside = group >= 0
    rows = Rows(
        out_start,
        out_row,
        np.zeros(len(out_row), dtype=np.float32),
        _summed(group, weight, groups),
        np.ones(groups),
        _summed(group, units, groups),
        float(weight[use & ~inside].sum()),
        cover=True,
    )
    return rows, group


def time_rows(start: Longs, demand: Ints, seconds: Seconds, weight: Floats, cap: Floats) -> Rows:
    """Return rows of demand that is to be brought nearer; ``cap`` are the seconds that it walks without new sites."""
    nearer = (seconds < cap[demand]) & (weight[demand] > 0)
    kept = np.zeros(len(weight), dtype=np.bool_)
    kept[demand[nearer]] = True
    number = np.cumsum(kept, dtype=np.int64).astype(np.int32) - 1
    before = np.concatenate([[0], np.cumsum(nearer, dtype=np.int64)])
    return Rows(
        before[start],
        np.ascontiguousarray(number[demand[nearer]]),
        np.ascontiguousarray(seconds[nearer]),
        weight[kept],
        cap[kept],
        np.zeros(int(kept.sum())),
        float(np.dot(weight[~kept], cap[~kept])),
        cover=False,
    )


def reduced(rows: Rows, state: Bytes, multiplier: Floats | None = None) -> tuple[Rows, Floats | None]:
    """Return the problem that is left when candidates are settled: TAKEN ones serve already, OUT ones are gone.

    Candidates keep their numbers; settled ones have no entries. ``multiplier`` goes with the rows.
    """
    best = rows.cap.copy()
    entries = np.diff(rows.start)
    candidate = np.repeat(np.arange(rows.candidates), entries)
    taken = state[candidate] == TAKEN
    np.minimum.at(best, rows.row[taken], rows.cost[taken])
    live = (state[candidate] == FREE) & (rows.cost < best[rows.row]) & (rows.weight[rows.row] > 0)
    start = np.concatenate([[0], np.cumsum(np.bincount(candidate[live], minlength=rows.candidates))]).astype(np.int64)
    demand, cost = rows.row[live], rows.cost[live]
    first, by_row, _ = kernels.by_row(start, demand, len(best))
    use = np.diff(first) > 0
    constant = rows.constant + float(np.dot(rows.weight[~use], best[~use]))
    if rows.cover:
        group, groups = kernels.same_rows(first, by_row, use)
        start, row = kernels.merged(start, demand, group, groups)
        cost = np.zeros(len(row), dtype=np.float32)
    else:
        group = np.where(use, np.cumsum(use) - 1, -1).astype(np.int32)
        groups = int(use.sum())
        row = group[demand]
    inside = group >= 0

    cap = np.ones(groups) if rows.cover else best[inside]
    smaller = Rows(
        start,
        row,
        cost,
        _summed(group, rows.weight, groups),
        cap,
        _summed(group, rows.units, groups),
        constant,
        rows.cover,
    )
    return smaller, None if multiplier is None else np.minimum(_summed(group, multiplier, groups), smaller.weight * cap)


def _summed(group: Ints, column: Floats, groups: int) -> Floats:
    """Return the sum of a column in each group; group -1 is left out."""
    inside = group >= 0
    return np.bincount(group[inside], weights=column[inside], minlength=groups).astype(np.float64)


def near_pairs(
    xy: Floats | None, existing_xy: Floats | None, spacing_m: float | None, count: int
) -> tuple[Longs, Ints, Bools]:
    """Return candidates that are too near each other as rows, and those too near an existing station."""
    if spacing_m is None or xy is None:
        return np.zeros(count + 1, dtype=np.int64), np.empty(0, dtype=np.int32), np.zeros(count, dtype=np.bool_)
    tree = shapely.STRtree(shapely.points(xy))
    a, b = tree.query(shapely.points(xy), predicate="dwithin", distance=spacing_m)
    apart = np.hypot(*(np.asarray(xy)[a] - np.asarray(xy)[b]).T) >= spacing_m
    a, b = a[(a != b) & ~apart], b[(a != b) & ~apart]
    order = np.lexsort((b, a))
    start = np.concatenate([[0], np.cumsum(np.bincount(a, minlength=count))]).astype(np.int64)
    blocked = np.zeros(count, dtype=np.bool_)
    if existing_xy is not None and len(existing_xy):
        stations = np.asarray(existing_xy)
        c, s = shapely.STRtree(shapely.points(stations)).query(
            shapely.points(xy), predicate="dwithin", distance=spacing_m
        )
        blocked[c[np.hypot(*(np.asarray(xy)[c] - stations[s]).T) < spacing_m]] = True
    return start, b[order].astype(np.int32), blocked


__all__ = ["FREE", "OUT", "TAKEN", "Rows", "cover_rows", "near_pairs", "reduced", "time_rows"]
