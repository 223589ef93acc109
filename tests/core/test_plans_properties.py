"""Whatever is done to a plan, no land, building or household is lost, and everything can be taken back."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from gridmap.core.cells.coverage import tiles_exactly
from gridmap.core.plans.context import Context, Targets
from gridmap.core.plans.effect import Effect
from gridmap.core.plans.gestures import read_gesture
from gridmap.core.plans.history import Entry, clashes, redoable, replay, undoable, unwound
from gridmap.core.plans.operations import operate
from gridmap.core.plans.pieces import pieces, repair
from gridmap.core.plans.scores import grid_scores, plan_score
from gridmap.core.plans.state import PlanState, Tally
from gridmap.errors import Conflict, InputError
from tests.core.plan_towns import CONTEXT, crooked

TOWNS = 5
UNIT = 1e-4
COUNTED = ("cells", "households", "people", "buildings")


def context(state: PlanState) -> Context:
    """Metres of the crooked towns as small degrees."""
    origin = state.fabric.xy.min(axis=0)
    return Context(
        to_metric=lambda lonlat: np.asarray(lonlat) / UNIT + origin,
        targets=Targets(households=150),
        communities={c: "urban" for c in state.fabric.community if c is not None},
    )


def any_gesture(state: PlanState, rng: np.random.Generator) -> dict[str, Any]:
    """Return an operation such as a planner may try, sensible or not."""
    leaves = [g.code for g in state.leaves]
    span = np.ptp(state.fabric.xy, axis=0)

    def points(n: int, reach: float = 60.0) -> list[tuple[float, float]]:
        middle = rng.uniform(0, 1, 2) * span
        xy = middle + np.cumsum(rng.normal(0, reach, (n, 2)), axis=0)
        return [(float(x) * UNIT, float(y) * UNIT) for x, y in xy]

    def any_of(values: list[str]) -> str:
        return values[int(rng.integers(len(values)))]

    kind = any_of(
        ["assign", "assign", "assign", "brush", "lasso", "line", "line", "move_boundary", "split", "split", "halves",
         "merge", "merge", "new_grid", "rename", "set_kind", "transfer", "renumber", "lock", "unlock", "unlock"]
    )  # fmt: skip
    cells = [int(c) for c in rng.choice(state.fabric.ids, 3, replace=False)]
    made: dict[str, dict[str, Any]] = {
        "assign": {"kind": "assign", "cells": cells[:1], "to": any_of(leaves)},
        "brush": {"kind": "assign", "brush": {"line": points(4), "radius_m": 25.0}, "to": any_of(leaves)},
        "lasso": {"kind": "assign", "lasso": points(3, 90.0), "to": any_of(leaves)},
        "line": {"kind": "line", "line": points(3, 70.0)},
        "move_boundary": {"kind": "move_boundary", "start": points(1)[0], "end": points(1)[0]},
        "split": {"kind": "split", "grid": any_of(leaves), "line": points(3, 90.0)},
        "halves": {"kind": "split", "grid": any_of(leaves)},
        "merge": {"kind": "merge", "grids": [any_of(leaves), any_of(leaves)]},
        "new_grid": {"kind": "new_grid", "cells": cells[:2]},
        "rename": {"kind": "rename", "grid": any_of(leaves), "name": f"网格{int(rng.integers(99))}"},
        "set_kind": {
            "kind": "set_kind", "grid": any_of(leaves), "grid_kind": any_of(["urban", "rural", "dedicated"])
        },
        "transfer": {"kind": "transfer", "cells": cells, "to": any_of(leaves)},
        "renumber": {"kind": "renumber", "community": state.grids[state.row_of and state.leaves[0].key].community},
        "lock": {"kind": "lock", "grids": [any_of(leaves)]},
        "unlock": {"kind": "unlock", "grids": leaves},
    }  # fmt: skip
    return made[kind]


def operated(state: PlanState, rng: np.random.Generator, count: int) -> list[tuple[dict[str, Any], Effect, PlanState]]:
    """Try operations until so many succeeded; returns gesture, effect and the state after each."""
    told = []
    here = context(state)
    while len(told) < count:
        gesture = any_gesture(state, rng)
        try:
            effect = operate(state, read_gesture(gesture), here).effect
        except InputError:
            continue
        state = state.after(effect)
        told.append((gesture, effect, state))
    return told


def agrees_with_itself(state: PlanState) -> None:
    """What was kept up to date is what is counted anew; shapes are an exact coverage of the land."""
    total = len(state.keys)
    anew = Tally.of(state.fabric, state.labels, np.arange(total), total)
    for name in COUNTED:
        assert getattr(state.tally, name).tolist() == getattr(anew, name).tolist(), name
    for name in ("area_m2", "perimeter_m", "border_m", "street_m"):
        assert getattr(state.tally, name) == pytest.approx(getattr(anew, name), abs=1e-6), name
    polygons = state.polygons(state.row_of)
    has = state.tally.cells > 0
    assert shapely.coverage_is_valid(polygons[has])
    assert tiles_exactly(shapely.get_parts(polygons[has]))
    assert shapely.area(polygons) == pytest.approx(state.tally.area_m2, abs=1e-3)
    assert shapely.length(polygons) == pytest.approx(state.tally.perimeter_m, abs=0.1)


@pytest.mark.parametrize("count", [1_000, pytest.param(10_000, marks=[pytest.mark.soak, pytest.mark.timeout(3600)])])
def test_random_operations_lose_nothing_and_can_all_be_taken_back(count):
    for seed in range(TOWNS):
        start = crooked(seed)
        before, land = start.fingerprint(), shapely.area(shapely.union_all(start.fabric.geometry))
        counted = [int(getattr(start.tally, name).sum()) for name in COUNTED]
        told = operated(start, np.random.default_rng(seed), count // TOWNS)
        for number, (_, _, state) in enumerate(told):
            assert [int(getattr(state.tally, name).sum()) for name in COUNTED] == counted
            if number % 20 == 0:
                agrees_with_itself(state)
                whole = shapely.union_all(state.polygons(state.row_of))
                assert shapely.area(whole) == pytest.approx(land, abs=0.01)
        state = told[-1][2]
        for _, effect, _ in reversed(told):
            state = state.after(effect.inverse)
        assert state.fingerprint() == before
        agrees_with_itself(state)


def test_no_building_is_ever_in_two_grids_unless_it_is_larger_than_the_band():
    for seed in range(TOWNS):
        for _, _, state in operated(crooked(seed), np.random.default_rng(seed + 50), 40):
            assert (state.labels == state.labels[state.fabric.leader]).all()


def test_the_log_replays_without_any_geometry():
    start = crooked(1)
    told = operated(start, np.random.default_rng(9), 60)
    entries = [
        Entry(seq=n, who="a", kind=g["kind"], effect=Effect.from_dict(e.as_dict())) for n, (g, e, _) in enumerate(told)
    ]
    bare = PlanState.start(_without_shapes(start), start.grids.values(), start.all_keys())
    end = replay(bare, entries)
    assert end.fingerprint() == told[-1][2].fingerprint()
    assert unwound(end, entries).fingerprint() == start.fingerprint()


def _without_shapes(state: PlanState):
    import dataclasses

    nothing = np.full(len(state.fabric.ids), None, dtype=object)
    return dataclasses.replace(state.fabric, geometry=nothing, xy=np.full((len(nothing), 2), np.nan))


@examples(max_examples=20)
@given(st.integers(0, TOWNS - 1), st.integers(0, 10_000))
def test_an_effect_is_plain_data_and_its_inverse_takes_it_back(seed, noise):
    start = crooked(seed)
    ((_, effect, state),) = operated(start, np.random.default_rng(noise), 1)
    assert Effect.from_dict(effect.as_dict()) == effect
    assert effect.inverse.inverse == effect
    assert state.after(effect.inverse).fingerprint() == start.fingerprint()
    assert state.fingerprint() != start.fingerprint()
    with pytest.raises(Conflict):
        state.after(effect)


@examples(max_examples=20)
@given(st.integers(0, TOWNS - 1), st.integers(0, 10_000))
def test_the_repair_of_every_piece_leaves_the_grid_whole(seed, noise):
    state = crooked(seed)
    here = context(state)
    for _, effect, after in operated(state, np.random.default_rng(noise), 5):
        for key in effect.touched & set(after.row_of):
            if key not in after.grids or not after.tally.cells[after.row_of[key]]:
                continue
            whole = after
            for piece in pieces(after, key)[1:]:
                to = repair(after, key, piece, here.targets)
                if to is not None:
                    cells = after.fabric.ids[piece.rows].tolist()
                    done = operate(whole, read_gesture({"kind": "assign", "cells": cells, "to": to.code}), here)
                    whole = whole.after(done.effect)
                    assert len(pieces(whole, key)) < len(pieces(after, key))


@examples(max_examples=10)
@given(st.integers(0, TOWNS - 1), st.integers(0, 10_000))
def test_scores_hold_what_they_say(seed, noise):
    state = operated(crooked(seed), np.random.default_rng(noise), 12)[-1][2]
    scores = grid_scores(state, [g.key for g in state.leaves], CONTEXT.targets)
    for score in scores:
        assert score["reock"] is None or 0 < score["reock"] <= 1
        assert score["polsby_popper"] is None or 0 < score["polsby_popper"] <= 1
        assert score["street_share"] is None or 0 <= score["street_share"] <= 1
    whole = plan_score(state, CONTEXT.targets)
    assert whole["households"] == sum(s["households"] for s in scores) == int(state.fabric.households.sum())
    assert whole["households_moved"] == sum(s["households_out"] for s in scores) + _out_of_ended(state)
    assert whole["households_moved"] == sum(s["households_in"] for s in scores)


def _out_of_ended(state: PlanState) -> int:
    ended = [state.row_of[key] for key in state.ended if key in state.row_of]
    gone = np.isin(state.base, ended) & (state.labels != state.base)
    return int(state.fabric.households[gone].sum())


# -- two planners ------------------------------------------------------------------------------------------------------


def log(effects: list[tuple[str, str, Effect]]) -> list[Entry]:
    return [Entry(seq=n + 1, who=who, kind=kind, effect=effect) for n, (who, kind, effect) in enumerate(effects)]


@examples(max_examples=25)
@given(st.integers(0, TOWNS - 1), st.integers(0, 10_000))
def test_an_effect_on_what_nobody_touched_fits_and_gives_the_same_in_either_order(seed, noise):
    start, rng = crooked(seed), np.random.default_rng(noise)
    ((_, mine, _),) = operated(start, rng, 1)
    ((_, theirs, after_theirs),) = operated(start, rng, 1)
    found = clashes(after_theirs, mine, log([("b", "x", theirs)]), seen=start)
    apart = not (mine.cells & theirs.cells) and not (mine.touched & theirs.touched)
    # both may begin a grid of the same number and code
    began = {c.key for e in (mine, theirs) for c in e.grids if c.before is None}
    if apart and not began:
        assert found == []
    if not found:
        both = after_theirs.after(mine)
        agrees_with_itself(both)
        assert both.after(mine.inverse).fingerprint() == after_theirs.fingerprint()


def test_undo_goes_back_through_my_own_steps_and_redo_forward_again():
    none = Effect()
    entries = [Entry(seq=n, who=w, kind="assign", effect=none) for n, w in ((1, "a"), (2, "b"), (3, "a"))]
    assert undoable(entries, "a").seq == 3
    entries.append(Entry(seq=4, who="a", kind="undo", effect=none, inverse_of=3))
    assert (undoable(entries, "a").seq, redoable(entries, "a").seq) == (1, 4)
    entries.append(Entry(seq=5, who="a", kind="undo", effect=none, inverse_of=1))
    assert (undoable(entries, "a"), redoable(entries, "a").seq) == (None, 5)
    entries.append(Entry(seq=6, who="a", kind="redo", effect=none, inverse_of=5))
    assert (undoable(entries, "a").seq, redoable(entries, "a").seq) == (6, 4)
    assert undoable(entries, "b").seq == 2
    entries.append(Entry(seq=7, who="a", kind="merge", effect=none))
    assert (undoable(entries, "a").seq, redoable(entries, "a")) == (7, None)
    entries.append(Entry(seq=8, who="b", kind="carry", effect=none))
    assert undoable(entries, "b").seq == 2


@examples(max_examples=10)
@given(st.integers(0, TOWNS - 1), st.integers(0, 10_000))
def test_a_clash_names_my_version_theirs_and_who_made_it(seed, noise):
    start, rng = crooked(seed), np.random.default_rng(noise)
    cell = int(rng.choice(start.fabric.ids))
    (now,) = start.keys_of(start.fabric.rows_of([cell])).tolist()
    targets = [g.code for g in start.leaves if g.key != now][:2]
    mine, theirs = (
        operate(start, read_gesture({"kind": "transfer", "cells": [cell], "to": to}), context(start)).effect
        for to in targets
    )
    after = start.after(theirs)
    (first, *_) = found = clashes(after, mine, log([("b", "x", theirs)]), seen=start)
    told = first.as_problem()
    assert told["theirs"]["by"] == "b"
    assert told["theirs"]["operation"] == 1
    assert set().union(*(c.cells for c in found)) <= mine.cells
    assert first.message.zh
    assert first.message.en
