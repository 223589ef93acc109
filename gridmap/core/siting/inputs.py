"""What siting starts from: people with a demand, places that could serve them, and options."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from gridmap.core.network.graph import Floats, Ints, Longs, Seconds
from gridmap.core.siting import kernels
from gridmap.errors import InputError, TooLarge

Objective = Literal["households", "people"]

#: More entries (pairs of place and demand) than this are refused: thin the candidates first.
MOST_ENTRIES = 60_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Coverage:
    """Whom each of n places reaches, as rows: ``demand[start[i]:start[i + 1]]``, each demand once in a row.

    Attributes
    ----------
    start
        (n + 1,).
    demand
        (start[n],) index of the demand.
    seconds
        Walking time beside each entry; needed for p-median and for telling whose nearest station changes.
    """

    start: Longs
    demand: Ints
    seconds: Seconds | None = None

    @property
    def places(self) -> int:
        """Number of places."""
        return len(self.start) - 1

    @classmethod
    def none(cls) -> Coverage:
        """Return the coverage of no places."""
        return cls(np.zeros(1, dtype=np.int64), np.empty(0, dtype=np.int32), np.empty(0, dtype=np.float32))


@dataclass(frozen=True, slots=True, eq=False)
class Places:
    """Candidates or existing stations.

    Attributes
    ----------
    reach
        Whom they reach within the limit.
    keys
        Their codes; a candidate whose code occurred before is left out and named in the answer.
    xy
        (n, 2) metres; needed for a minimum spacing.
    """

    reach: Coverage
    keys: Sequence[str] | None = None
    xy: Floats | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Demand:
    """Those who are to be served, n buildings or cells.

    Attributes
    ----------
    households, people
        (n,) not negative; not whole where estimated.
    factor
        (n,) how much a household or person counts: weighted groups (old people twice). 1 by default.
    gap
        (n,) label of the gap area that it lies in, -1: none.
    """

    households: Floats
    people: Floats
    factor: Floats | None = None
    gap: Ints | None = None

    def weights(self, objective: Objective) -> Floats:
        """Return what each demand counts: households or people, times the factor."""
        counted = np.asarray(self.households if objective == "households" else self.people, dtype=np.float64)
        return counted if self.factor is None else counted * self.factor


@dataclass(frozen=True, slots=True)
class SitingOptions:
    """What a proposal has to keep to.

    Attributes
    ----------
    objective
        What is counted.
    capacity
        Households that one new station can serve. Its places are kept for those whom no existing station reaches; the
        households of one building may be divided among several new stations. Existing stations have no such limit.
    spacing_m
        Least distance in a straight line between a new station and any other, new or existing.
    """

    objective: Objective = "households"
    capacity: float | None = None
    spacing_m: float | None = None


def check_inputs(demand: Demand, candidates: Places, existing: Places, options: SitingOptions) -> None:
    """Refuse what cannot be meant, with a sentence.

    Raises
    ------
    InputError
        Arrays do not fit together, or a number is impossible.
    TooLarge
        There are more entries than :data:`MOST_ENTRIES`.
    """
    _check_demand(demand)
    _check_places(candidates, len(demand.households), "备选点", "candidates")
    _check_places(existing, len(demand.households), "现有站点", "existing stations")
    if options.objective not in {"households", "people"}:
        raise InputError("目标只能是户数或人数。", "The objective is households or people.")
    if options.capacity is not None and not 0 < options.capacity < np.inf:
        raise InputError("容量应为大于 0 的户数。", "The capacity is a number of households above 0.")
    if options.spacing_m is not None:
        if not 0 < options.spacing_m < np.inf:
            raise InputError("最小间距应为大于 0 的米数。", "The minimum spacing is a number of metres above 0.")
        if candidates.xy is None or (existing.reach.places and existing.xy is None):
            raise InputError(
                "设置最小间距时, 备选点和现有站点都要有坐标。",
                "A minimum spacing needs the coordinates of candidates and existing stations.",
            )


def _check_demand(demand: Demand) -> None:
    given = [demand.households, demand.people] + ([] if demand.factor is None else [demand.factor])
    if any(len(column) != len(demand.households) for column in given) or (
        demand.gap is not None and len(demand.gap) != len(demand.households)
    ):
        raise InputError(
            "户数、人数、权重和空白区的个数不一致。", "Households, people, factors and gaps differ in number."
        )
    if any(not (np.isfinite(column).all() and (np.asarray(column) >= 0).all()) for column in given):
        raise InputError(
            "户数、人数和权重应为不小于 0 的数。", "Households, people and factors are numbers of 0 or more."
        )


def _check_places(places: Places, demands: int, zh: str, en: str) -> None:
    reach = places.reach
    if len(reach.demand) > MOST_ENTRIES:
        raise TooLarge(
            f"{zh}与楼栋的组合有 {len(reach.demand):,} 对, 上限 {MOST_ENTRIES:,}: 请减少{zh}。",
            f"{len(reach.demand):,} pairs of {en} and buildings, at most {MOST_ENTRIES:,}: take fewer {en}.",
        )
    beside = [len(column) for column in (places.keys, places.xy) if column is not None]
    if any(length != reach.places for length in beside) or (
        reach.seconds is not None and len(reach.seconds) != len(reach.demand)
    ):
        raise InputError(f"{zh}的各列长度不一致。", f"The columns of the {en} differ in length.")
    if not kernels.rows_are_sound(
        np.asarray(reach.start, dtype=np.int64), np.asarray(reach.demand, dtype=np.int32), demands
    ):
        raise InputError(
            f"{zh}的覆盖表有误: 下标超出范围或重复。",
            f"The coverage rows of the {en} are broken: an index is out of range or repeated.",
        )
    if reach.seconds is not None and not (np.isfinite(reach.seconds).all() and (reach.seconds >= 0).all()):
        raise InputError(f"{zh}的步行时间应为不小于 0 的数。", f"Walking times of {en} are numbers of 0 or more.")
