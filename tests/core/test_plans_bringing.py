"""Assignments from elsewhere come back to the building: lists, exact polygons, and polygons drawn with a shaky hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gridmap.core.plans.bringing import clean, open_land_follows, wanted_by_buildings, wanted_by_polygons
from gridmap.core.plans.state import PlanState
from gridmap.errors import InputError
from tests.core.plan_towns import A, B, code, crooked, done, outcome, town


def codes_of(state: PlanState) -> Any:
    return np.array(
        [state.grids[k].code if k in state.grids else None for k in state.all_keys().tolist()], dtype=object
    )


def shaken(polygons: Any, seed: int, metres: float) -> Any:
    """Move every vertex of every polygon by itself, up to some metres in any direction."""
    rng = np.random.default_rng(seed)

    def shake(xy: Any) -> Any:
        angle, far = rng.uniform(0, 2 * np.pi, len(xy)), metres * np.sqrt(rng.uniform(0, 1, len(xy)))
        return xy + np.column_stack([np.cos(angle), np.sin(angle)]) * far[:, None]

    out = []
    for polygon in polygons:
        parts = [
            shapely.Polygon(shake(shapely.get_coordinates(part.exterior)[:-1])) for part in shapely.get_parts(polygon)
        ]
        out.append(shapely.multipolygons(parts) if len(parts) > 1 else parts[0])
    return np.array(out, dtype=object)


def leaves(state: PlanState) -> tuple[Any, list[str]]:
    keys = [key for key in state.keys if key in state.grids and (state.labels == state.row_of[key]).any()]
    return state.polygons(keys), [state.grids[key].code for key in keys]


@given(st.integers(0, 4))
@settings(max_examples=5)
def test_exact_polygons_give_every_cell_back(seed: int) -> None:
    state = crooked(seed)
    polygons, codes = leaves(state)
    cleaned = clean(polygons)
    assert (cleaned.mended, cleaned.changed, cleaned.overlap_m2) == ((), (), 0.0)
    wanted = wanted_by_polygons(state.fabric, cleaned.polygons, codes)
    assert (wanted.codes == codes_of(state)).all()
    assert wanted.missing == ()


@given(st.integers(0, 4), st.integers(0, 1_000))
@settings(max_examples=8)
def test_polygons_shaken_by_a_metre_leave_every_building_in_its_grid(seed: int, shake: int) -> None:
    state = crooked(seed)
    polygons, codes = leaves(state)
    cleaned = clean(shaken(polygons, shake, 1.0))
    wanted = wanted_by_polygons(state.fabric, cleaned.polygons, codes)
    built = (state.fabric.building >= 0) & (state.all_keys() != 0)
    assert (wanted.codes[built] == codes_of(state)[built]).all()


def test_overlaps_gaps_and_crossings_are_closed_and_reported() -> None:
    left, right = shapely.box(0, 0, 100, 100), shapely.box(99, 0, 200, 100)
    far = shapely.box(203, 0, 300, 100)
    bow = shapely.Polygon([(0, 200), (100, 300), (100, 200), (0, 300)])
    above, below = shapely.box(0, 100, 300, 150), shapely.box(0, -50, 300, 0)
    cleaned = clean(np.array([left, right, far, bow, above, below], dtype=object))
    assert cleaned.mended == (3,)
    assert cleaned.overlap_m2 == pytest.approx(100, abs=1)
    assert cleaned.gap_m2 == pytest.approx(300, abs=5)
    assert 0.5 <= cleaned.shift_m <= 6
    assert shapely.coverage_is_valid(cleaned.polygons)


def test_a_list_names_what_is_unknown_twice_and_missing() -> None:
    state = town()
    wanted = wanted_by_buildings(
        state.fabric, ["b0", "b1", "b1", "nobody", "b2"], [None] * 5, ["X", "X", "Y", "X", code(0, 0)]
    )
    assert (wanted.unknown, wanted.twice) == (("nobody",), ("b1",))
    assert len(wanted.missing) == 48 - 3
    assert [c for c in wanted.codes if c is not None] == ["X", code(0, 0)]


def share(state: PlanState, cells: list[int], to: str, **more: Any) -> dict[str, Any]:
    return {"to": to, "cells": state.fabric.ids[cells].tolist(), **more}


def test_an_import_moves_land_begins_grids_and_ends_those_that_lose_all() -> None:
    state = town()
    mine = np.flatnonzero(state.all_keys() == 11).tolist()
    after = done(
        state, kind="import", grids=[share(state, mine[:2], "新1", name="新网格"), share(state, mine[2:], code(0, 1))]
    )
    grids = {g.code: g for g in after.leaves}
    assert code(0, 0) not in grids
    assert (grids["新1"].name, grids["新1"].community, grids["新1"].parent, grids["新1"].level) == ("新网格", A, 1, 2)
    assert after.tally.households.sum() == state.tally.households.sum()
    assert done(state, kind="import", grids=[share(state, mine, code(0, 1))]).fingerprint() != state.fingerprint()


def test_land_of_another_community_and_locked_land_stay_unless_asked_for() -> None:
    state = done(town(), kind="lock", grids=[code(0, 1)])
    cells = [0, 4, 24]  # of 11 (mine), of B, of the locked grid
    here = outcome(state, kind="import", grids=[share(state, cells, code(1, 0))])
    assert here.left_out == {"locked": 1, "community": 1}
    assert here.effect.cells == {1}
    across = outcome(state, kind="import", grids=[share(state, cells, code(1, 0))], across_communities=True)
    assert across.left_out == {"locked": 1}
    assert across.effect.cells == {1, 5}
    assert B != A


@pytest.mark.parametrize("bad", [{"to": A, "cells": [1]}, {"to": "x", "cells": [9_999]}])
def test_a_grid_above_and_a_cell_that_is_not_there_are_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        done(town(), kind="import", grids=[bad])


def test_open_land_goes_along_when_its_grid_loses_the_buildings_beside_it() -> None:
    building = np.arange(48)
    building[[0, 9]] = -1  # open land in the corner of grid 11, and beside a house that stays
    state = town(building=building, households=np.where(building >= 0, 20, 0))
    codes = np.full(48, None, dtype=object)
    codes[[1, 8]] = code(0, 1)
    both = open_land_follows(state, codes)
    assert both[0] == code(0, 1)
    assert both[9] is None
    assert (open_land_follows(state, np.full(48, None, dtype=object)) == None).all()  # noqa: E711
