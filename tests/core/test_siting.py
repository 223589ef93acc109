"""Every model and option of siting against all choices that there are, on instances small enough to try them all."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from gridmap.core.siting import (
    Coverage,
    Demand,
    Places,
    Proposal,
    SitingOptions,
    kernels,
    max_cover,
    p_median,
    set_cover,
)
from gridmap.core.siting.rows import cover_rows, time_rows
from gridmap.errors import Cancelled, InputError, TooLarge
from gridmap.model.text import Text


@dataclass(frozen=True)
class Case:
    """Homes, candidates and stations on a square of 1,000 m; everything within ``reach_m`` is reached at 1 m/s."""

    homes: np.ndarray
    candidates: np.ndarray
    stations: np.ndarray
    households: np.ndarray
    people: np.ndarray
    factor: np.ndarray
    reach_m: float

    def metres(self, places: np.ndarray) -> np.ndarray:
        return np.hypot(*(places[:, None] - self.homes[None]).transpose(2, 0, 1)).astype(np.float32)

    def places(self, xy: np.ndarray, *, seconds: bool = True) -> Places:
        metres = self.metres(xy)
        inside = metres <= self.reach_m
        start = np.concatenate([[0], np.cumsum(inside.sum(axis=1))]).astype(np.int64)
        demand = np.nonzero(inside)[1].astype(np.int32)
        return Places(
            Coverage(start, demand, metres[inside] if seconds else None),
            keys=[f"P{n}" for n in range(len(xy))],
            xy=xy,
        )

    @property
    def demand(self) -> Demand:
        return Demand(self.households, self.people, self.factor)

    def weight(self, options: SitingOptions) -> np.ndarray:
        return (self.households if options.objective == "households" else self.people) * self.factor

    @property
    def today(self) -> np.ndarray:
        return (self.metres(self.stations) <= self.reach_m).any(axis=0)


def case(seed: int, *, homes: int = 40, candidates: int = 9, stations: int = 2, weighted: bool = False) -> Case:
    rng = np.random.default_rng(seed)
    households = rng.integers(0, 30, homes).astype(float)
    return Case(
        homes=rng.uniform(0, 1000, (homes, 2)),
        candidates=rng.uniform(0, 1000, (candidates, 2)),
        stations=rng.uniform(0, 1000, (stations, 2)),
        households=households,
        people=households * rng.integers(1, 5, homes),
        factor=rng.choice([1.0, 2.0, 0.5], homes) if weighted else np.ones(homes),
        reach_m=float(rng.uniform(180, 320)),
    )


def choices(town: Case, most: int, options: SitingOptions) -> Iterator[tuple[int, ...]]:
    """All choices of at most so many candidates that keep the spacing."""
    spacing = options.spacing_m or 0.0
    stations = town.stations
    for size in range(most + 1):
        for chosen in itertools.combinations(range(len(town.candidates)), size):
            sites = town.candidates[list(chosen)]
            near = [np.hypot(*(a - b)) for a, b in itertools.combinations(sites, 2)]
            near += [np.hypot(*(a - b)) for a in sites for b in stations]
            if all(metres >= spacing for metres in near):
                yield chosen


def served(town: Case, chosen: tuple[int, ...], options: SitingOptions) -> float:
    """What a choice serves together with the stations of today."""
    weight, today = town.weight(options), town.today
    reached = town.metres(town.candidates[list(chosen)]) <= town.reach_m
    if options.capacity is None:
        return float(weight[today | reached.any(axis=0)].sum())
    # Households of a home may be divided among the new sites: the best division is a linear programme.
    pairs = [(s, d) for s in range(len(chosen)) for d in np.flatnonzero(reached[s] & ~today) if town.households[d] > 0]
    free = weight[reached.any(axis=0) & ~today & (town.households == 0)].sum()
    if not pairs:
        return float(weight[today].sum() + free)
    site = np.array([[float(s == k) for s, _ in pairs] for k in range(len(chosen))])
    home = np.array([[float(d == k) for _, d in pairs] for k in range(len(weight))])
    best = linprog(
        [-weight[d] / town.households[d] for _, d in pairs],
        A_ub=np.vstack([site, home]),
        b_ub=np.concatenate([np.full(len(chosen), options.capacity), town.households]),
    )
    return float(weight[today].sum() + free - best.fun)


def walked(town: Case, chosen: tuple[int, ...], beyond_s: float) -> float:
    """Weighted mean seconds to the nearest station."""
    every = np.vstack([town.metres(town.stations), town.metres(town.candidates[list(chosen)])])
    seconds = np.where(every <= town.reach_m, every, beyond_s).min(axis=0, initial=beyond_s)
    weight = town.households * town.factor
    return float((weight * seconds.astype(float)).sum() / weight.sum())


OPTIONS = {
    "households": SitingOptions(),
    "people": SitingOptions(objective="people"),
    "spacing": SitingOptions(spacing_m=260.0),
    "capacity": SitingOptions(capacity=45.0),
    "capacity for people": SitingOptions(capacity=45.0, objective="people"),
    "capacity and spacing": SitingOptions(capacity=60.0, spacing_m=260.0),
}


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
@pytest.mark.parametrize("seed", range(4))
def test_the_proven_best_cover_is_the_best_of_all_choices(seed: int, options: SitingOptions) -> None:
    town = case(seed, weighted=seed % 2 == 1)
    best = max(served(town, chosen, options) for chosen in choices(town, 3, options))
    common = {"existing": town.places(town.stations), "options": options}
    quick = max_cover(town.demand, town.places(town.candidates), 3, **common)
    proof = max_cover(town.demand, town.places(town.candidates), 3, prove=True, **common)
    assert proof.covered == pytest.approx(best)
    assert proof.proven
    assert proof.gap == 0
    assert proof.repeatable
    assert quick.covered <= best + 1e-6
    assert best <= quick.bound + 1e-6
    assert served(town, tuple(site.candidate for site in proof.sites), options) == pytest.approx(best)
    assert tuple(site.candidate for site in quick.sites) in {
        order for chosen in choices(town, 3, options) for order in itertools.permutations(chosen)
    }


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
@pytest.mark.parametrize("share", [0.6, 0.85, 1.0])
@pytest.mark.parametrize("seed", range(3))
def test_the_proven_fewest_sites_are_the_fewest_of_all_choices(seed: int, share: float, options: SitingOptions) -> None:
    town = case(seed + 10, candidates=8 if options.capacity is None else 6, weighted=seed == 1)
    total = town.weight(options).sum()
    value = {chosen: served(town, chosen, options) for chosen in choices(town, len(town.candidates), options)}
    enough = [chosen for chosen, covered in value.items() if covered >= share * total - 1e-4]
    common = {"share": share, "existing": town.places(town.stations), "options": options}
    quick = set_cover(town.demand, town.places(town.candidates), **common)
    proof = set_cover(town.demand, town.places(town.candidates), prove=True, **common)
    assert proof.proven
    if enough:
        fewest = min(len(chosen) for chosen in enough)
        assert len(proof.sites) == proof.value == fewest
        assert proof.covered >= share * total - 1e-4
        assert quick.bound <= fewest
        if not quick.not_satisfied:
            assert len(quick.sites) >= fewest
            assert quick.covered >= share * total - 1e-4
    else:
        assert proof.covered == pytest.approx(max(value.values()))
        assert "最多" in proof.not_satisfied[0].zh
        fewest = min(len(chosen) for chosen, covered in value.items() if covered >= proof.covered - 1e-4)
        if options.spacing_m is None:
            assert len(proof.sites) == fewest


@pytest.mark.parametrize("options", [SitingOptions(), SitingOptions(spacing_m=260.0)], ids=["plain", "spacing"])
@pytest.mark.parametrize("seed", range(6))
def test_the_proven_least_walking_is_the_least_of_all_choices(seed: int, options: SitingOptions) -> None:
    town = case(seed + 20, weighted=seed % 2 == 1)
    beyond = 2 * town.reach_m
    best = min(walked(town, chosen, beyond) for chosen in choices(town, 3, options))
    common = {"beyond_s": beyond, "existing": town.places(town.stations), "options": options}
    quick = p_median(town.demand, town.places(town.candidates), 3, **common)
    proof = p_median(town.demand, town.places(town.candidates), 3, prove=True, **common)
    assert proof.value == pytest.approx(best, rel=1e-6)
    assert proof.proven
    assert quick.bound <= best * (1 + 1e-6)
    assert best <= quick.value * (1 + 1e-6)
    assert walked(town, tuple(site.candidate for site in proof.sites), beyond) == pytest.approx(best, rel=1e-6)
    today = walked(town, (), beyond)
    saved = sum(site.saves_s for site in proof.sites) / proof.total
    assert today - saved == pytest.approx(proof.value, rel=1e-6)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), most=st.integers(1, 5), times=st.booleans())
def test_the_lagrangian_bound_is_never_above_the_least_cost_and_settles_no_better_choice_away(
    seed: int, most: int, times: bool
) -> None:
    town = case(seed, homes=25, candidates=8, stations=0)
    reach = town.places(town.candidates).reach
    weight = town.households
    if times:
        rows = time_rows(reach.start, reach.demand, reach.seconds, weight, np.full(len(weight), 400.0))
    else:
        rows, _ = cover_rows(reach.start, reach.demand, weight, weight, weight > 0, split=False)
    costs = {
        chosen: rows.cost_of(np.array(chosen, dtype=np.int32)) - rows.constant
        for chosen in choices(town, most, SitingOptions())
    }
    least = min(costs.values())
    goal = least + 1e-6 * max(least, 1.0)
    state = np.zeros(rows.candidates, dtype=np.uint8)
    multiplier = rows.weight * rows.cap / 2
    bound, _, _ = kernels.lagrange(
        rows.start, rows.row, rows.cost, rows.weight, rows.cap, state, multiplier, most, goal, 1.0, 300
    )
    assert bound <= goal + 1e-6
    if bound < goal:
        taken, out = set(np.flatnonzero(state == kernels.TAKEN)), set(np.flatnonzero(state == kernels.OUT))
        best = [chosen for chosen, cost in costs.items() if cost <= least + 1e-9]
        assert all(taken <= set(chosen) and not out & set(chosen) for chosen in best)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_more_stations_and_more_candidates_never_cover_less(seed: int) -> None:
    town = case(seed, homes=60, candidates=12, stations=1)
    existing = town.places(town.stations)
    covered = [
        max_cover(town.demand, town.places(town.candidates), count, existing=existing, prove=True).covered
        for count in (1, 2, 4, 12)
    ]
    assert covered == sorted(covered)
    some = max_cover(town.demand, town.places(town.candidates[:6]), 4, existing=existing, prove=True)
    assert some.covered <= covered[2]


def test_the_same_question_has_the_same_answer() -> None:
    town = case(7, homes=400, candidates=60)
    ask: list[Callable[[], Proposal]] = [
        lambda: max_cover(town.demand, town.places(town.candidates), 8, prove=True),
        lambda: set_cover(town.demand, town.places(town.candidates), share=0.8, prove=True),
        lambda: p_median(town.demand, town.places(town.candidates), 8, prove=True),
    ]
    for question in ask:
        assert question() == question()


def test_sites_are_told_in_the_order_of_what_they_add() -> None:
    town = case(3, homes=300, candidates=40)
    proposal = max_cover(town.demand, town.places(town.candidates), 6, existing=town.places(town.stations))
    gains = [site.gains for site in proposal.sites]
    assert gains == sorted(gains, reverse=True)
    assert proposal.households_before + sum(gains) == pytest.approx(proposal.households_covered)
    assert proposal.people_before + sum(site.gains_people for site in proposal.sites) == pytest.approx(
        proposal.people_covered
    )
    assert [site.rank for site in proposal.sites] == [1, 2, 3, 4, 5, 6]
    assert all(site.key == f"P{site.candidate}" for site in proposal.sites)


# --- small streets by hand: homes at 0, 100, 200 … m, ten households each ------------------------------------------


def street(*rows: list[int], seconds: list[list[float]] | None = None, xy: list[float] | None = None) -> Places:
    start = np.cumsum([0, *map(len, rows)]).astype(np.int64)
    demand = np.array([d for row in rows for d in row], dtype=np.int32)
    return Places(
        Coverage(start, demand, None if seconds is None else np.array([s for r in seconds for s in r], np.float32)),
        keys=[f"C{n}" for n in range(len(rows))],
        xy=None if xy is None else np.column_stack([xy, np.zeros(len(xy))]),
    )


def homes(count: int, *, households: float = 10.0, gap: list[int] | None = None) -> Demand:
    return Demand(
        np.full(count, households),
        np.full(count, 3 * households),
        gap=None if gap is None else np.array(gap, dtype=np.int32),
    )


def test_what_a_site_takes_are_those_whose_nearest_station_it_becomes() -> None:
    existing = street([0, 1, 2], [3], seconds=[[10, 100, 300], [50]])
    new = street([1, 2, 3, 4], seconds=[[100, 200, 40, 10]])
    (site,) = max_cover(homes(5), new, 1, existing=existing).sites
    assert [(taken.station, taken.households) for taken in site.takes_from] == [(0, 10.0), (1, 10.0)]
    assert site.gains == 10.0
    assert site.reaches == 40.0


def test_without_times_it_takes_those_whom_only_one_station_reached() -> None:
    (site,) = max_cover(homes(5), street([1, 2, 3, 4]), 1, existing=street([0, 1, 2], [2, 3])).sites
    assert [(taken.station, taken.households, taken.people) for taken in site.takes_from] == [
        (0, 10.0, 30.0),
        (1, 10.0, 30.0),
    ]


def test_a_gap_is_closed_by_the_site_after_which_nothing_of_it_is_left() -> None:
    first, second = max_cover(homes(6, gap=[0, 0, 0, 1, -1, 0]), street([0, 1, 3, 4], [2, 5]), 2).sites
    assert [(share.gap, share.households, share.closed) for share in first.gaps] == [(0, 20.0, False), (1, 10.0, True)]
    assert first.closes_gaps == (1,)
    assert second.closes_gaps == (0,)


def test_capacity_is_kept_for_those_whom_no_station_reaches() -> None:
    options = SitingOptions(capacity=15.0)
    proposal = max_cover(homes(4), street([0, 1, 2, 3]), 1, existing=street([0, 1]), options=options, prove=True)
    assert proposal.sites[0].gains == 15.0
    assert proposal.households_covered == 35.0


def test_sites_of_limited_capacity_divide_the_homes_between_them() -> None:
    # C0 reaches 0, 1, 2 and C1 only 2: with 20 places each C0 has to leave home 2 to C1.
    proposal = max_cover(homes(3), street([0, 1, 2], [2]), 2, options=SitingOptions(capacity=20.0))
    assert proposal.households_covered == 30.0
    assert proposal.proven


def test_a_group_that_counts_more_draws_the_station() -> None:
    demand = homes(5)
    new = street([0, 1, 2], [3, 4])
    assert max_cover(demand, new, 1).sites[0].key == "C0"
    weighted = replace(demand, factor=np.array([1, 1, 1, 2, 2.0]))
    proposal = max_cover(weighted, new, 1)
    assert proposal.sites[0].key == "C1"
    assert (proposal.covered, proposal.households_covered) == (40.0, 20.0)


def test_a_candidate_too_near_a_station_of_today_is_left_out_and_told() -> None:
    proposal = max_cover(
        homes(4),
        street([0, 1], [2, 3], xy=[0, 250]),
        2,
        existing=street([], xy=[40]),
        options=SitingOptions(spacing_m=100),
    )
    assert [site.key for site in proposal.sites] == ["C1"]
    assert "40 m" in proposal.notes[0].en or "100 m" in proposal.notes[0].en
    assert proposal.not_satisfied


def test_sites_exactly_at_the_spacing_are_far_enough() -> None:
    proposal = max_cover(homes(4), street([0, 1], [2, 3], xy=[0, 100]), 2, options=SitingOptions(spacing_m=100.0))
    assert len(proposal.sites) == 2


def test_more_stations_than_candidates_gives_what_there_is_and_says_so() -> None:
    proposal = max_cover(homes(4), street([0, 1], [2, 3]), 5, prove=True)
    assert len(proposal.sites) == 2
    assert "只有 2 个" in proposal.not_satisfied[0].zh


def test_stations_that_would_add_nobody_are_not_proposed() -> None:
    proposal = max_cover(homes(2), street([0, 1], [0], [1]), 3, prove=True)
    assert [site.key for site in proposal.sites] == ["C0"]
    assert "再多也不增加" in proposal.not_satisfied[0].zh


def test_a_candidate_listed_twice_counts_once_and_is_named() -> None:
    new = replace(street([0, 1], [0, 1], [2]), keys=["A", "A", "B"])
    proposal = max_cover(homes(3), new, 3, prove=True)
    assert [site.key for site in proposal.sites] == ["A", "B"]
    assert "A" in proposal.notes[0].zh


@pytest.mark.parametrize("method", ["max_cover", "set_cover", "p_median"])
@pytest.mark.parametrize("prove", [False, True])
def test_nobody_to_serve_needs_no_station(method: str, prove: bool) -> None:
    proposal = ask(method, homes(3, households=0.0), street([0], [1, 2], seconds=[[1], [2, 3]]), prove=prove)
    assert proposal.sites == ()
    assert proposal.share == 0.0
    assert "没有需要服务" in proposal.not_satisfied[0].zh


@pytest.mark.parametrize("method", ["max_cover", "set_cover", "p_median"])
@pytest.mark.parametrize("prove", [False, True])
def test_no_buildings_and_no_candidates_are_answered_too(method: str, prove: bool) -> None:
    assert ask(method, homes(0), street(seconds=[]), prove=prove).sites == ()
    nothing = ask(method, homes(3), street(seconds=[]), prove=prove)
    assert nothing.sites == ()
    assert nothing.not_satisfied
    assert nothing.households == 30.0


def ask(method: str, demand: Demand, candidates: Places, *, prove: bool) -> Proposal:
    if method == "max_cover":
        return max_cover(demand, candidates, 2, prove=prove)
    if method == "set_cover":
        return set_cover(demand, candidates, prove=prove)
    return p_median(demand, candidates, 2, prove=prove)


def test_a_share_that_is_reached_today_needs_no_station() -> None:
    proposal = set_cover(homes(4), street([3]), share=0.75, existing=street([0, 1, 2]))
    assert proposal.sites == ()
    assert proposal.proven
    assert proposal.not_satisfied == ()


def test_those_who_reach_nothing_count_the_time_asked_for() -> None:
    new = street([0, 1], [2], seconds=[[100, 200], [300]])
    proposal = p_median(homes(4), new, 1, beyond_s=1000.0, prove=True)
    assert proposal.value == pytest.approx((100 + 200 + 1000 + 1000) / 4)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: max_cover(homes(2), street([0]), 0), "at least 1"),
        (lambda: max_cover(homes(2), street([0]), -3), "at least 1"),
        (lambda: p_median(homes(2), street([0], seconds=[[1]]), 0), "at least 1"),
        (lambda: set_cover(homes(2), street([0]), share=0.0), "above 0"),
        (lambda: set_cover(homes(2), street([0]), share=1.2), "at most 100"),
        (lambda: max_cover(homes(2), street([0, 2]), 1), "out of range"),
        (lambda: max_cover(homes(2), street([0, 0]), 1), "repeated"),
        (lambda: max_cover(homes(2, households=-1.0), street([0]), 1), "0 or more"),
        (lambda: max_cover(homes(2, households=float("nan")), street([0]), 1), "0 or more"),
        (lambda: max_cover(replace(homes(2), people=np.ones(3)), street([0]), 1), "differ in number"),
        (lambda: max_cover(homes(2), street([0]), 1, options=SitingOptions(capacity=0.0)), "capacity"),
        (lambda: max_cover(homes(2), street([0]), 1, options=SitingOptions(spacing_m=-1.0)), "spacing"),
        (lambda: max_cover(homes(2), street([0]), 1, options=SitingOptions(spacing_m=50.0)), "coordinates"),
        (lambda: max_cover(homes(2), street([0], seconds=[[-1.0]]), 1), "0 or more"),
        (lambda: max_cover(homes(2), replace(street([0]), keys=["A", "B"]), 1), "differ in length"),
        (lambda: p_median(homes(2), street([0]), 1), "times are needed"),
        (lambda: p_median(homes(2), street([0], seconds=[[9.0]]), 1, beyond_s=5.0), "at least 9"),
        (
            lambda: p_median(homes(2), street([0], seconds=[[9.0]]), 1, options=SitingOptions(capacity=5.0)),
            "capacity",
        ),
        (lambda: max_cover(homes(2), street([0]), 1, options=SitingOptions(objective="cars")), "households or people"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_a_sentence(call: Callable[[], Proposal], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence) as error:
        call()
    assert error.value.zh


def test_more_pairs_than_fit_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gridmap.core.siting.inputs.MOST_ENTRIES", 3)
    with pytest.raises(TooLarge, match="fewer candidates"):
        max_cover(homes(4), street([0, 1, 2, 3]), 1)


# --- long proofs ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def hard() -> tuple[Demand, Places]:
    """A lattice of homes with candidates that are much alike: takes minutes to prove."""
    rng = np.random.default_rng(5)
    town = Case(
        homes=rng.uniform(0, 1000, (1500, 2)),
        candidates=rng.uniform(0, 1000, (150, 2)),
        stations=np.empty((0, 2)),
        households=rng.integers(1, 30, 1500).astype(float),
        people=np.ones(1500),
        factor=np.ones(1500),
        reach_m=130.0,
    )
    return town.demand, town.places(town.candidates)


ASKED = {
    "max_cover": lambda hard, **more: max_cover(*hard, 16, prove=True, **more),
    "set_cover": lambda hard, **more: set_cover(*hard, share=0.85, prove=True, **more),
    "capacity": lambda hard, **more: max_cover(*hard, 12, options=SitingOptions(capacity=1500.0), prove=True, **more),
}


@pytest.mark.parametrize("question", ASKED.values(), ids=ASKED)
def test_a_proof_that_runs_out_of_time_says_how_far_it_may_be_from_the_best(question, hard) -> None:
    proposal = question(hard, time_limit_s=0.5)
    assert not proposal.proven
    assert not proposal.repeatable
    assert 0 < proposal.gap < 0.5
    assert proposal.sites
    low, high = sorted((proposal.value, proposal.bound))
    assert proposal.gap == pytest.approx((high - low) / high)


@pytest.mark.parametrize("question", ASKED.values(), ids=ASKED)
def test_a_proof_stops_within_a_second_of_being_told(question, hard) -> None:
    started = time.perf_counter()
    asked: list[float] = []

    def stop_after_a_while(share: float, doing: Text) -> None:
        if time.perf_counter() - started > 1.2:
            asked.append(time.perf_counter())
            raise Cancelled("已停止。", "Stopped.")

    with pytest.raises(Cancelled):
        question(hard, progress=stop_after_a_while)
    assert time.perf_counter() - asked[0] < 1.0


def test_progress_tells_the_distance_from_the_best_and_never_goes_back_to_nothing(hard) -> None:
    told: list[tuple[float, Text]] = []
    ASKED["max_cover"](hard, time_limit_s=0.5, progress=lambda share, doing: told.append((share, doing)))
    assert all(0 <= share <= 1 for share, _ in told)
    assert any("%" in doing.zh for _, doing in told)
    assert told[-1][0] == 1.0
