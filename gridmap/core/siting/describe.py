"""Telling what a choice of sites means: order, gains, what it takes from others, gaps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from gridmap.core.network.graph import Bools, Bytes, Floats, Ints, Longs
from gridmap.core.siting import kernels
from gridmap.core.siting.inputs import Coverage, Demand, Places, SitingOptions
from gridmap.core.siting.kernels import FREE, OUT
from gridmap.core.siting.proposal import GapShare, Method, Proposal, Site, Taken
from gridmap.core.siting.rows import Rows


class Case(Protocol):
    """What is needed to know of the question."""

    @property
    def demand(self) -> Demand: ...
    @property
    def candidates(self) -> Places: ...
    @property
    def existing(self) -> Places: ...
    @property
    def options(self) -> SitingOptions: ...
    @property
    def weight(self) -> Floats: ...
    @property
    def covered(self) -> Bools: ...
    @property
    def state(self) -> Bytes: ...


class Shares(Protocol):
    """With a capacity: who is served."""

    def __call__(self, sites: Ints, /) -> Floats:
        """Return what a choice serves of each demand that no existing station reaches."""

    def order(self, sites: Ints, /) -> Ints:
        """Return the sites, each adding most after those before it; those that add nothing are gone."""


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """What the search found; value and bound in the unit of the method."""

    method: Method
    sites: Ints
    value: float
    bound: float
    proven: bool
    repeatable: bool


def describe(case: Case, answer: Answer, *, rows: Rows | None = None, shares: Shares | None = None) -> Proposal:
    """Put an answer into words and figures.

    Parameters
    ----------
    rows
        Rows of p-median, for the walking time that each site saves.
    shares
        With a capacity.
    """
    reach = case.candidates.reach
    households = np.asarray(case.demand.households, dtype=np.float64)
    people = np.asarray(case.demand.people, dtype=np.float64)
    order, saved = _in_order(case, answer.sites, rows, shares)
    served = case.covered.astype(np.float64)
    taken = _taken(case, order)
    sites = []
    for rank, j in enumerate(order):
        mine = reach.demand[reach.start[j] : reach.start[j + 1]]
        before = served.copy()
        if shares is None:
            served[mine] = 1.0
        else:
            served = np.where(case.covered, 1.0, shares(np.asarray(order[: rank + 1], dtype=np.int32)))
        new = served - before
        sites.append(
            Site(
                rank=rank + 1,
                candidate=int(j),
                key=None if case.candidates.keys is None else case.candidates.keys[j],
                gains=_sum(households * new),
                gains_people=_sum(people * new),
                reaches=_sum(households[mine]),
                saves_s=0.0 if rows is None else float(saved[rank]),
                takes_from=taken[rank],
                gaps=_gaps(case, before, served, households),
            )
        )
    value = float(len(sites)) if answer.method == "set_cover" else answer.value
    worse, better = sorted((value, answer.bound))
    return Proposal(
        method=answer.method,
        objective=case.options.objective,
        sites=tuple(sites),
        total=_sum(case.weight),
        before=_sum(case.weight[case.covered]),
        covered=_sum(case.weight * served),
        households=_sum(households),
        households_before=_sum(households[case.covered]),
        households_covered=_sum(households * served),
        people=_sum(people),
        people_before=_sum(people[case.covered]),
        people_covered=_sum(people * served),
        value=value,
        bound=float(value if answer.proven else answer.bound),
        gap=0.0 if answer.proven or better <= 0 else (better - worse) / better,
        proven=answer.proven,
        repeatable=answer.repeatable,
    )


def _sum(column: Floats) -> float:
    return float(np.sum(column))


def _in_order(case: Case, sites: Ints, rows: Rows | None, shares: Shares | None) -> tuple[list[int], list[float]]:
    """Return the sites, each adding most after those before it, and what it adds; those that add nothing are gone."""
    reach = case.candidates.reach
    if shares is None:
        state = np.full(reach.places, OUT, dtype=np.uint8)
        state[sites] = FREE
        alone = np.zeros(reach.places + 1, dtype=np.int64), np.empty(0, dtype=np.int32)
        if rows is None:
            rows = Rows(
                reach.start, reach.demand, np.zeros(len(reach.demand), dtype=np.float32),
                case.weight, (~case.covered).astype(np.float64), case.weight, 0.0, cover=True,
            )  # fmt: skip
        order, gains = kernels.greedy(
            rows.start, rows.row, rows.cost, rows.weight, rows.cap, state, *alone, len(sites), np.inf
        )
        return [int(j) for j in order], [float(gain) for gain in gains]
    return [int(j) for j in shares.order(sites)], []


def _taken(case: Case, order: list[int]) -> list[tuple[Taken, ...]]:
    """Return what each site takes from each existing station; see Taken."""
    new, old = case.candidates.reach, case.existing.reach
    if not order or not old.places:
        return [() for _ in order]
    if new.seconds is not None and old.seconds is not None:
        today, station = _nearest(old, np.arange(old.places), len(case.weight))
        after, site = _nearest(new, np.array(order), len(case.weight))
        moved = np.flatnonzero((station >= 0) & (after < today))
        pairs = [(moved[site[moved] == rank]) for rank in range(len(order))]
    else:
        times = np.bincount(old.demand, minlength=len(case.weight))
        station = np.full(len(case.weight), -1, dtype=np.int64)
        station[old.demand] = np.repeat(np.arange(old.places), np.diff(old.start))
        pairs = []
        for j in order:
            mine = new.demand[new.start[j] : new.start[j + 1]]
            pairs.append(mine[times[mine] == 1])
    return [_by_station(case, station, moved) for moved in pairs]


def _by_station(case: Case, station: Longs, moved: Longs) -> tuple[Taken, ...]:
    places = case.existing.reach.places
    households = np.bincount(station[moved], weights=np.asarray(case.demand.households)[moved], minlength=places)
    people = np.bincount(station[moved], weights=np.asarray(case.demand.people)[moved], minlength=places)
    some = np.flatnonzero((households > 0) | (people > 0))
    some = some[np.argsort(-households[some], kind="stable")]
    return tuple(Taken(int(s), float(households[s]), float(people[s])) for s in some)


def _nearest(reach: Coverage, places: Longs, demands: int) -> tuple[Floats, Longs]:
    """Return seconds to the nearest of some places (inf: none), and its position among them (-1)."""
    best, owner = np.full(demands, np.inf, dtype=np.float64), np.full(demands, -1, dtype=np.int64)
    seconds = reach.seconds
    for k, j in enumerate(places if seconds is not None else ()):
        row = slice(reach.start[j], reach.start[j + 1])
        mine, time = reach.demand[row], np.asarray(seconds)[row]
        nearer = time < best[mine]
        best[mine[nearer]] = time[nearer]
        owner[mine[nearer]] = k
    return best, owner


def _gaps(case: Case, before: Floats, after: Floats, households: Floats) -> tuple[GapShare, ...]:
    """Return the gap areas that a site is the first to serve."""
    gap = case.demand.gap
    if gap is None:
        return ()
    label = np.asarray(gap)
    inside = label >= 0
    if not inside.any():
        return ()
    count = int(label.max()) + 1
    new = np.bincount(label[inside], weights=(households * (after - before))[inside], minlength=count)
    rest = np.bincount(label[inside], weights=(households * (1 - after))[inside], minlength=count)
    some = np.flatnonzero(new > 0)
    some = some[np.argsort(-new[some], kind="stable")]
    return tuple(GapShare(int(g), float(new[g]), bool(rest[g] <= 1e-9 * max(new[g], 1.0))) for g in some)
