"""Proposals on small towns: whole, connected, repeatable, and never more moved than told."""

from __future__ import annotations

import subprocess
import sys
import threading
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from gridmap.core.plans.context import Context, Targets
from gridmap.core.plans.gestures import read_gesture
from gridmap.core.plans.operations import operate
from gridmap.core.plans.pieces import pieces
from gridmap.core.plans.state import PlanState
from gridmap.core.proposals.bound import must_move
from gridmap.core.proposals.options import MODES, Order
from gridmap.core.proposals.propose import Proposals, propose
from gridmap.core.proposals.region import Region, regions
from gridmap.errors import Cancelled, InputError
from gridmap.model.text import Text
from tests.core.plan_towns import CONTEXT, HOMES, A, B, code, crooked, done, town

QUICK = 0.3
few = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def asked(state: PlanState, mode: str = "fresh", *, context: Context = CONTEXT, **more: Any) -> Proposals:
    return propose(state, Order(**({"mode": mode, "effort": QUICK} | more)), context)


def taken(state: PlanState, gesture: dict[str, Any], context: Context = CONTEXT) -> PlanState:
    return state.after(operate(state, read_gesture(gesture), context).effect)


def estates_of(state: PlanState) -> dict[tuple[str, str], set[int]]:
    """Return in which grids each estate, in each community, has land."""
    found: dict[tuple[str, str], set[int]] = {}
    communities = state.communities_of(np.arange(len(state.fabric.ids)))
    for estate, community, key in zip(state.fabric.estate, communities, state.all_keys().tolist(), strict=True):
        if estate is not None:
            found.setdefault((str(estate), str(community)), set()).add(key)
    return found


def estates_that_can_stay_whole(state: PlanState) -> set[tuple[str, str]]:
    """Return estates, by community, that are connected and no larger than the band."""
    fabric, found = state.fabric, set()
    communities = state.communities_of(np.arange(len(fabric.ids)))
    locked = np.array([k in state.grids and state.grids[k].locked for k in state.all_keys().tolist()])
    for estate, community in estates_of(state):
        rows = np.flatnonzero((fabric.estate == estate) & (communities == community) & ~locked)
        place = np.full(len(fabric.ids), -1)
        place[rows] = np.arange(len(rows))
        a, b = place[fabric.edge_a], place[fabric.edge_b]
        inner = (a >= 0) & (b >= 0) & (fabric.edge_m >= 3)
        graph = coo_array((np.ones(inner.sum()), (a[inner], b[inner])), shape=(len(rows), len(rows)))
        size = fabric.households[rows].sum()
        if len(rows) and connected_components(graph, directed=False)[0] == 1 and size <= CONTEXT.targets.most:
            found.add((estate, community))
    return found


@few
@given(seed=st.integers(0, 40), mode=st.sampled_from(MODES), locked=st.booleans())
def test_grids_stay_in_one_piece_and_nothing_is_lost_or_divided(seed: int, mode: str, *, locked: bool) -> None:
    state = crooked(seed)
    if locked:
        state = done(state, kind="lock", grids=[state.leaves[seed % len(state.leaves)].code])
    loose = {g.key for g in state.leaves if len(pieces(state, g.key)) > 1}
    before, whole = estates_of(state), estates_that_can_stay_whole(state)
    fixed = {g.key: state.cells_of(g.key).tolist() for g in state.leaves if g.locked}
    made = asked(state, mode, seed=seed)
    assert made.complete
    for candidate in made.candidates:
        after = taken(state, candidate.gesture)
        cut_off = any(missed.rule == "apart" for missed in candidate.not_satisfied)
        for grid in after.leaves:
            if grid.locked:
                assert after.cells_of(grid.key).tolist() == fixed[grid.key]
            elif not cut_off and not (grid.key in loose and locked):
                assert len(pieces(after, grid.key)) == 1, (grid.code, candidate.name)
        assert (after.labels >= 0).all()
        assert after.tally.households.sum() == state.fabric.households.sum()
        assert after.tally.buildings.sum() == state.tally.buildings.sum()
        assert (after.labels == after.labels[after.fabric.leader]).all()
        same = state.communities_of(np.arange(len(state.labels))) == after.communities_of(np.arange(len(state.labels)))
        assert same.all()
        told = candidate.households_moved
        assert told == state.fabric.households[after.all_keys() != state.all_keys()].sum()
        for estate, grids in estates_of(after).items():
            assert len(grids) <= len(before[estate]) or estate not in whole


def test_the_same_seed_gives_the_same_with_one_worker_and_with_two() -> None:
    state = crooked(3)
    order = Order(mode="fresh", effort=QUICK, seed=5)
    one, two = (propose(state, order, CONTEXT, workers=n) for n in (1, 2))
    assert one == two
    other = propose(state, replace(order, seed=6), CONTEXT)
    assert other.order != one.order


def test_another_process_makes_the_same_proposals() -> None:
    here = repr(asked(crooked(3)).candidates)
    script = "from tests.core.test_proposals import *; print(repr(asked(crooked(3)).candidates))"
    found = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2]
    )
    assert found.stdout.strip() == here


def test_a_town_that_is_even_already_keeps_its_grids() -> None:
    state = town()
    for mode in ("rebalance", "min_change", "grow"):
        for candidate in asked(state, mode).candidates:
            assert (candidate.grids_new, candidate.grids_ended) == (0, 0)
            assert candidate.figures.within_10 == 8
    assert asked(state, "min_change").bound.households == 0


def test_numbers_stay_where_most_households_stay() -> None:
    state = done(town(), kind="assign", cells=[3, 11], to=code(0, 0))
    made = asked(state, "fresh")
    after = taken(state, made.candidates[-1].gesture)
    for grid in town().leaves:
        if grid.key in after.grids:
            mine, before = set(after.cells_of(grid.key).tolist()), set(state.cells_of(grid.key).tolist())
            others = [len(mine & set(state.cells_of(g.key).tolist())) for g in state.leaves if g.key != grid.key]
            assert len(mine & before) * 2 >= max(others)


def test_grids_do_not_change_places_where_moving_costs_nothing() -> None:
    state = crooked(7)
    for mode in ("rebalance", "fresh"):
        for candidate in asked(state, mode, candidates=5).candidates:
            after = taken(state, candidate.gesture)
            keys = sorted({*state.keys, *after.keys})
            stays = np.zeros((len(keys), len(keys)))
            at = np.searchsorted(keys, state.all_keys()), np.searchsorted(keys, after.all_keys())
            np.add.at(stays, at, state.fabric.households + 0.25)
            best = stays[linear_sum_assignment(stays, maximize=True)].sum()
            # parts of an estate that come together may weigh a little more than what the search counts
            assert np.trace(stays) >= best - 1


def test_a_grid_too_many_is_merged_and_a_missing_one_begun_with_a_code_by_rule() -> None:
    homes = np.full(48, HOMES)
    homes[:3] *= 5
    state = town(households=homes)
    made = asked(state, "grow", community=A)
    assert {c.grids_new for c in made.candidates} == {2}
    after = taken(state, made.candidates[0].gesture)
    new = [g for g in after.leaves if g.key < 0]
    assert [g.code for g in new] == [f"{A}010", f"{A}011"]
    assert {g.parent for g in new} == {1}
    few_homes = town(households=np.full(48, HOMES // 2))
    merged = asked(few_homes, "grow").candidates[0]
    assert (merged.grids_new, merged.grids_ended) == (0, 4)
    assert merged.figures.within_10 == 4


def test_scope_is_a_grid_with_its_neighbours_or_a_community() -> None:
    homes = np.full(48, HOMES)
    homes[:3] *= 3
    state = town(households=homes)
    one = asked(state, "rebalance", community=A)
    assert one.communities == (A,)
    for candidate in one.candidates:
        assert not {g.key for g in taken(state, candidate.gesture).leaves if g.community == B} - set(state.grids)
        assert all(share["to"].startswith(A) for share in candidate.gesture["grids"])
    near = asked(state, "rebalance", grid=code(0, 0))
    assert near.households == 18 * HOMES + 3 * 2 * HOMES
    with pytest.raises(InputError, match="There is no community"):
        asked(state, "fresh", community="990101001999")
    with pytest.raises(InputError, match="is locked"):
        asked(done(state, kind="lock", grids=[code(0, 0)]), "fresh", grid=code(0, 0))
    every = done(state, kind="lock", grids=[g.code for g in state.leaves])
    with pytest.raises(InputError, match="no urban grid"):
        asked(every, "fresh")


def test_dedicated_grids_are_left_alone_and_listed() -> None:
    state = done(town(), kind="set_kind", grid=code(1, 1), grid_kind="dedicated")
    made = asked(state, "fresh")
    assert made.left_alone == (code(1, 1),)
    for candidate in made.candidates:
        after = taken(state, candidate.gesture)
        assert after.cells_of(17 - 4).tolist() == state.cells_of(17 - 4).tolist()


def test_codes_in_order_on_request() -> None:
    homes = np.full(48, HOMES)
    homes[40:] *= 4
    made = asked(town(households=homes), "fresh", renumber=True)
    after = taken(town(households=homes), made.candidates[-1].gesture)
    listed = sorted(g.code for g in after.leaves if g.community == A)
    assert listed == [f"{A}{n:03d}" for n in range(1, len(listed) + 1)]


def test_taking_a_candidate_and_undoing_it_is_as_before() -> None:
    homes = np.full(48, HOMES)
    homes[:6] *= 4
    state = town(households=homes)
    for renumber in (False, True):
        for candidate in asked(state, "fresh", renumber=renumber).candidates:
            effect = operate(state, read_gesture(candidate.gesture), CONTEXT).effect
            after = state.after(effect)
            assert after.fingerprint() != state.fingerprint()
            assert after.after(effect.inverse).fingerprint() == state.fingerprint()


def test_cancelling_returns_the_best_so_far() -> None:
    state = crooked(5)
    calls = threading.Event()

    def tell(share: float, doing: Text, /) -> None:
        if share >= 0.3:
            calls.set()
            raise Cancelled("停", "Stop.")

    made = propose(state, Order(mode="fresh", effort=QUICK), CONTEXT, progress=tell)
    assert calls.is_set()
    assert not made.complete
    for candidate in made.candidates:
        assert (taken(state, candidate.gesture).labels >= 0).all()

    def at_once(share: float, doing: Text, /) -> None:
        raise Cancelled("停", "Stop.")

    assert not propose(state, Order(mode="fresh"), CONTEXT, progress=at_once).complete


def test_what_cannot_be_is_told_with_the_reason() -> None:
    homes = np.full(48, HOMES)
    homes[0] = 400
    context = replace(CONTEXT, targets=Targets(households=120))
    made = asked(town(households=homes), "fresh", context=context)
    rules = {missed.rule for missed in made.candidates[-1].not_satisfied}
    assert "one_piece" in rules
    said = [m.message for m in made.candidates[-1].not_satisfied if m.rule == "one_piece"]
    assert "400" in said[0].zh
    assert "400" in said[0].en
    thin = asked(town(households=np.full(48, 7)), "fresh")
    assert {m.rule for c in thin.candidates for m in c.not_satisfied} & {"too_many", "too_few", "no_cut"}


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"mode": "best"}, "mode is one of"),
        ({"candidates": 9}, "candidates is 3 to 5"),
        ({"seed": -1}, "seed"),
        ({"effort": 0}, "effort"),
        ({"grid": "a", "community": "b"}, "not both"),
    ],
)
def test_an_order_that_makes_no_sense_is_refused(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        Order(**wrong)


# -- the lower bound ------------------------------------------------------------------------------------------------


def line(homes: list[int], grids: list[int], edges: list[tuple[int, int]] | None = None) -> Region:
    """Return a region of atoms in a row (or with other borders), each in a grid."""
    n = len(homes)
    pairs = edges or [(i, i + 1) for i in range(n - 1)]
    both = np.array([*pairs, *((b, a) for a, b in pairs)])
    both = both[np.lexsort((both[:, 1], both[:, 0]))]
    (model,) = regions(town(), Order(mode="rebalance", community=A), CONTEXT)
    count = max(grids) + 1
    return replace(
        model,
        grids=tuple(replace(model.grids[0], key=g + 1, code=f"g{g}") for g in range(count)),
        homes=np.array(homes, dtype=np.int64),
        start=np.searchsorted(both[:, 0], np.arange(n + 1)).astype(np.int64),
        other=both[:, 1].astype(np.int32),
        touch=np.ones(len(both), dtype=np.bool_),
        kept_start=np.arange(n + 1, dtype=np.int64),
        kept_label=np.array(grids, dtype=np.int32),
        kept=np.array(homes, dtype=np.float64),
        kept_homes=np.array(homes, dtype=np.int64),
    )  # fmt: skip


def optimum(region: Region, low: int, high: int) -> int | None:
    """Return the least number of households moved over all divisions into connected grids within the band."""
    n, k = len(region.homes), len(region.grids)
    best: int | None = None
    for labels in product(range(k), repeat=n):
        sizes = [sum(int(region.homes[v]) for v in range(n) if labels[v] == g) for g in range(k)]
        if not all(low <= size <= high for size in sizes):
            continue
        if not all(connected(region, [v for v in range(n) if labels[v] == g]) for g in range(k)):
            continue
        moved = sum(int(region.homes[v]) for v in range(n) if labels[v] != region.kept_label[v])
        best = moved if best is None else min(best, moved)
    return best


def connected(region: Region, members: list[int]) -> bool:
    reached, wave = set(members[:1]), members[:1]
    while wave:
        v = wave.pop()
        for u in region.other[region.start[v] : region.start[v + 1]].tolist():
            if u in members and u not in reached:
                reached.add(u)
                wave.append(u)
    return len(reached) == len(members)


@pytest.mark.parametrize(
    ("homes", "grids", "most"),
    [
        # the excess of one is the deficit of its neighbour: it moves once
        ([40, 40, 40, 30, 30], [0, 0, 0, 1, 1], 40),
        # between them lies a grid that passes on as much as it gets: excess and deficit are two moves
        ([60, 30, 30, 50, 30, 60], [0, 0, 0, 1, 1, 2], 30 + 30),
        # only whole atoms go: the excess of 10 takes 25 with it
        ([60, 35, 25, 45, 40], [0, 0, 0, 1, 1], 25),
    ],
    ids=["neighbours", "with one between", "whole atoms"],
)
def test_the_bound_is_the_optimum_on_cases_made_by_hand(homes: list[int], grids: list[int], most: int) -> None:
    region = line(homes, grids)
    low, high = 80, 110
    assert optimum(region, low, high) == most
    assert must_move(region, low=low, high=high) == most


@settings(max_examples=150, deadline=None)
@given(
    homes=st.lists(st.integers(0, 60), min_size=4, max_size=7),
    split=st.lists(st.integers(1, 6), min_size=1, max_size=2, unique=True),
    more=st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=4),
    spread=st.integers(5, 40),
)
def test_the_bound_is_never_above_the_optimum(
    homes: list[int], split: list[int], more: list[tuple[int, int]], spread: int
) -> None:
    n = len(homes)
    grids = [sum(v >= s for s in split if s < n) for v in range(n)]
    pairs = {(i, i + 1) for i in range(n - 1)} | {(a, b) for a, b in more if a < b < n}
    region = line(homes, grids, sorted(pairs))
    mean = sum(homes) // (max(grids) + 1)
    low, high = max(0, mean - spread), mean + spread
    best, bound = optimum(region, low, high), must_move(region, low=low, high=high)
    if best is not None:
        assert bound is not None
        assert bound <= best
