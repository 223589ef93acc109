"""A plan carried over to another edition: nothing that one side alone changed is lost, people settle the rest."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridmap.core.plans.crosswalk import Layout
from gridmap.core.plans.rebasing import Rebased, rebased
from gridmap.core.plans.state import PlanState
from tests.core.plan_towns import CONTEXT, A, code, crooked, done, town
from tests.core.test_plans_properties import context, operated


def published(state: PlanState, first: int = 1_000) -> Layout:
    """Return a plan as the edition that it becomes: new grids have got their number."""
    uid = {key: first - key if key < 0 else key for key in state.grids}
    keys = np.array([uid.get(k, 0) for k in state.all_keys().tolist()], dtype=np.int64)
    grids = {
        uid[k]: replace(g, key=uid[k], parent=None if g.parent is None else uid.get(g.parent))
        for k, g in state.grids.items()
    }
    return Layout(keys, grids)


def carried(mine: PlanState, theirs: PlanState, start: PlanState, **more: Any) -> Rebased:
    return rebased(mine, published(start), published(theirs), CONTEXT, **more)


def grid_at(state: PlanState, cell: int) -> str:
    (key,) = state.keys_of(state.fabric.rows_of([cell])).tolist()
    return state.grids[key].code


def give(state: PlanState, cells: list[int], to: str) -> PlanState:
    return done(state, kind="assign", cells=cells, to=to)


SW, NW, SE, NE = code(0, 0), code(0, 1), code(1, 0), code(1, 1)


def test_what_only_one_side_changed_is_taken_from_that_side() -> None:
    start = town()
    mine = done(give(start, [1, 2], NW), kind="rename", grid=SE, name="我改的")
    theirs = done(give(start, [3, 4], NE), kind="rename", grid=NE, name="他改的")
    found = carried(mine, theirs, start)
    assert found.open == ()
    then = mine.after(found.effect)
    assert [grid_at(then, c) for c in (1, 2, 3, 4)] == [NW, NW, NE, NE]
    assert {g.code: g.name for g in then.leaves if g.name.endswith("改的")} == {SE: "我改的", NE: "他改的"}
    assert (found.taken, found.kept) == (2, 2)


def test_the_same_land_given_to_two_grids_is_settled_by_a_person() -> None:
    start = town()
    mine, theirs = give(start, [1, 2], NW), give(start, [2, 3], SE)
    (difference,) = carried(mine, theirs, start).open
    assert (difference.start, difference.theirs, difference.mine) == (SW, SE, NW)
    assert (difference.cells, difference.buildings) == ((2,), ("b1",))
    assert difference.as_problem()["id"] == difference.id
    for side, grid in (("mine", NW), ("theirs", SE)):
        settled = carried(mine, theirs, start, answers={difference.id: side})
        assert (settled.open, settled.settled) == ((), {difference.id: side})
        assert grid_at(mine.after(settled.effect), 2) == grid
        assert grid_at(mine.after(settled.effect), 1) == NW
    assert carried(mine, theirs, start, otherwise="theirs").settled == {difference.id: "theirs"}


def test_the_same_change_on_both_sides_is_no_difference() -> None:
    start = town()
    mine, theirs = give(start, [1], NW), give(start, [1], NW)
    found = carried(mine, theirs, start)
    assert found.open == ()
    assert not found.effect


@pytest.mark.parametrize("side", ["mine", "theirs"])
def test_a_grid_that_they_ended_and_i_gave_land_to(side: str) -> None:
    start = town()
    theirs = done(start, kind="merge", grids=[NE, NW])
    mine = give(start, [1], NW)
    (difference,) = carried(mine, theirs, start).open
    assert (difference.id, difference.theirs, difference.mine) == (f"grid:{NW}", None, NW)
    then = mine.after(carried(mine, theirs, start, otherwise=side).effect)
    assert grid_at(then, 1) == (NW if side == "mine" else SW)
    assert (NW in {g.code for g in then.leaves}) == (side == "mine")


@pytest.mark.parametrize("side", ["mine", "theirs"])
def test_a_grid_that_i_ended_and_they_gave_land_to(side: str) -> None:
    start = town()
    mine = done(start, kind="merge", grids=[NE, NW])
    theirs = give(start, [1], NW)
    (difference,) = carried(mine, theirs, start).open
    assert (difference.theirs, difference.mine) == (NW, None)
    then = mine.after(carried(mine, theirs, start, otherwise=side).effect)
    assert grid_at(then, 1) == (SW if side == "mine" else NW)


def test_a_field_that_both_changed_is_a_difference_of_that_field() -> None:
    start = town()
    mine = done(start, kind="rename", grid=SW, name="甲")
    theirs = done(start, kind="rename", grid=SW, name="乙")
    (difference,) = carried(mine, theirs, start).open
    assert (difference.id, difference.start, difference.theirs, difference.mine) == (
        f"grid:{SW}:name",
        "00网格",
        "乙",
        "甲",
    )
    for side, name in (("mine", "甲"), ("theirs", "乙")):
        then = mine.after(carried(mine, theirs, start, otherwise=side).effect)
        assert {g.code: g.name for g in then.leaves}[SW] == name


def test_two_new_grids_of_one_code_both_stay_and_the_one_in_force_keeps_it() -> None:
    start = town()
    mine, theirs = done(start, kind="split", grid=SW), done(start, kind="split", grid=NE)
    found = carried(mine, theirs, start)
    assert found.open == ()
    then = mine.after(found.effect)
    ((old, new),) = found.recoded.items()
    assert old.startswith(A)
    kept = next(g for g in then.leaves if g.code == old)
    assert kept.key > 0
    assert next(g for g in then.leaves if g.code == new).key < 0
    assert len({g.code for g in then.grids.values()}) == len(then.grids)


def test_a_plan_that_changes_nothing_becomes_the_other_edition() -> None:
    start = town()
    theirs = done(done(start, kind="split", grid=NE), kind="merge", grids=[SW, NW])
    found = carried(start, theirs, start)
    then, wanted = start.after(found.effect), published(theirs)
    assert then.all_keys().tolist() == wanted.keys.tolist()
    assert dict(then.grids) == dict(wanted.grids)
    assert found.kept == 0


@given(seed=st.integers(0, 2), noise=st.integers(0, 10_000), side=st.sampled_from(["mine", "theirs"]))
def test_nothing_that_one_side_alone_changed_is_lost(seed: int, noise: int, side: Any) -> None:
    start = crooked(seed)
    mine = operated(start, np.random.default_rng(noise), 6)[-1][2]
    theirs = operated(start, np.random.default_rng(noise + 1), 6)[-1][2]
    base, other = published(start), published(theirs)
    found = rebased(mine, base, other, context(start), otherwise=side)
    then = mine.after(found.effect)
    was, new, own, got = base.keys, other.keys, mine.all_keys(), then.all_keys()
    # land of grids that only one side knows any more may have been settled as a whole
    known = np.isin(got, list(mine.grids)) & np.isin(got, list(other.grids))
    settled = {c for s in found.settled if s.startswith("grid:") for c in s.split(":")[1:2]}
    codes = np.array(
        [
            mine.grids[k].code if k in mine.grids else other.grids[k].code if k in other.grids else ""
            for k in own.tolist()
        ]
    )
    free = (
        known
        & ~np.isin(codes, list(settled))
        & ~np.isin([other.code(k) if k in other.grids else "" for k in new.tolist()], list(settled))
    )
    assert (got[free & (own == was)] == new[free & (own == was)]).all()
    assert (got[free & (new == was)] == own[free & (new == was)]).all()
    assert set(got.tolist()) - {0} <= set(then.grids)
    assert len({g.code for g in then.grids.values()}) == len(then.grids)
    assert int(then.tally.households.sum()) == int(start.tally.households.sum())
    assert then.after(found.effect.inverse).fingerprint() == mine.fingerprint()


@given(seed=st.integers(0, 2), noise=st.integers(0, 10_000))
def test_an_edition_that_did_not_change_leaves_the_plan_as_it_is(seed: int, noise: int) -> None:
    start = crooked(seed)
    mine = operated(start, np.random.default_rng(noise), 6)[-1][2]
    found = rebased(mine, published(start), published(start), context(start))
    assert found.open == ()
    assert not found.effect
