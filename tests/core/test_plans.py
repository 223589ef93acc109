"""Operations do what a planner means, on a town drawn by hand (see plan_towns)."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from gridmap.core.plans.pieces import pieces
from gridmap.core.plans.review import noticed, review
from gridmap.core.plans.scores import grid_scores, plan_score
from tests.core.plan_towns import CONTEXT, HOMES, SIDE, A, B, cells, code, done, lonlat, outcome, town

LEFT_LOW, LEFT_HIGH, NEXT_LOW, NEXT_HIGH = code(0, 0), code(0, 1), code(1, 0), code(1, 1)


def test_cells_buildings_blocks_and_estates_go_to_a_grid():
    state = town(estate=["春苑" if i in (16, 17) else None for i in range(48)])
    assert cells(done(state, kind="assign", cells=[17], to=LEFT_HIGH), LEFT_HIGH) == cells(state, LEFT_HIGH) | {17}
    assert 18 in cells(done(state, kind="assign", buildings=["b17"], to=LEFT_HIGH), LEFT_HIGH)
    assert cells(done(state, kind="assign", estate="春苑", to=LEFT_HIGH), LEFT_HIGH) >= {17, 18}
    block = int(state.fabric.block[16])
    assert cells(done(state, kind="assign", blocks=[block], to=LEFT_HIGH), LEFT_HIGH) >= {17, 18, 25, 26}


def test_a_lasso_takes_what_has_its_middle_inside():
    ring = lonlat((10, 110), (90, 110), (90, 124), (10, 124))
    with pytest.raises(ValueError, match="Nothing was selected"):
        outcome(town(), kind="assign", lasso=ring, to=LEFT_HIGH)
    taken = outcome(town(), kind="assign", lasso=lonlat((10, 110), (60, 110), (60, 140), (10, 140)), to=LEFT_HIGH)
    assert taken.effect.cells == {17}


def test_a_brush_takes_what_its_stroke_reaches_and_may_cross_itself():
    stroke = lonlat((20, 125), (80, 125), (50, 100), (50, 140))
    taken = outcome(town(), kind="assign", brush={"line": stroke, "radius_m": 10}, to=LEFT_HIGH)
    assert taken.effect.cells == {17, 18}


def test_a_lasso_leaves_locked_and_foreign_land_where_it_is_and_says_so():
    state = done(town(), kind="lock", grids=[LEFT_LOW])
    taken = outcome(state, kind="assign", lasso=lonlat((0, 0), (220, 0), (220, 140), (0, 140)), to=NEXT_HIGH)
    assert taken.effect.cells == cells(state, NEXT_LOW)
    assert taken.left_out == {"locked": 6}
    wide = outcome(town(), kind="assign", lasso=lonlat((160, 0), (240, 0), (240, 140), (160, 140)), to=NEXT_HIGH)
    assert wide.left_out == {"community": 3}
    assert [n.rule for n in noticed(wide.left_out)] == ["left_out_community"]


def test_only_from_spares_the_other_grids():
    taken = outcome(
        town(), kind="assign", lasso=lonlat((0, 0), (190, 0), (190, 140), (0, 140)), to=NEXT_HIGH, only_from=[LEFT_LOW]
    )
    assert taken.effect.cells == cells(town(), LEFT_LOW)


def test_all_cells_of_a_building_go_together_unless_it_is_larger_than_the_band():
    building = np.arange(48)
    building[17] = 16
    homes = np.full(48, HOMES)
    small = town(building=building, part=np.where(np.arange(48) == 17, 1, 0))
    assert outcome(small, kind="assign", cells=[18], to=LEFT_HIGH).effect.cells == {17, 18}
    homes[16] = homes[17] = 100
    large = town(building=building, part=np.where(np.arange(48) == 17, 1, 0), households=homes)
    assert outcome(large, kind="assign", cells=[18], to=LEFT_HIGH).effect.cells == {18}


def test_a_line_across_two_grids_becomes_their_border():
    state = done(town(), kind="line", line=lonlat((-20, 110), (120, 90)), between=[LEFT_LOW, LEFT_HIGH])
    assert cells(state, LEFT_LOW) == {1, 2, 9, 10}


def test_a_line_that_ends_inside_replaces_the_border_between_its_ends_only():
    stroke = lonlat((48, 151), (48, 190), (110, 190))
    state = done(town(), kind="line", line=stroke, between=[LEFT_LOW, LEFT_HIGH])
    assert cells(state, LEFT_LOW) == {1, 2, 9, 10, 17, 18, 26}
    pocket = done(town(), kind="line", line=lonlat((115, 148), (115, 105), (145, 105), (145, 149)))
    assert cells(pocket, NEXT_HIGH) == cells(town(), NEXT_HIGH) | {19}


def test_a_line_finds_the_two_grids_whose_border_it_runs_along():
    stroke = lonlat((-20, 130), (120, 120))
    named = outcome(town(), kind="line", line=stroke, between=[LEFT_LOW, LEFT_HIGH])
    assert outcome(town(), kind="line", line=lonlat((-20, 130), (95, 120))).effect == named.effect
    found = outcome(town(), kind="line", line=stroke)
    assert found.effect == named.effect


def test_a_dragged_border_takes_what_it_passes():
    start, end = lonlat((50, 150), (50, 190))
    state = done(town(), kind="move_boundary", start=start, end=end)
    assert cells(state, LEFT_LOW) == cells(town(), LEFT_LOW) | {25, 26}
    back = done(town(), kind="move_boundary", start=start, end=lonlat((50, 70))[0], between=[LEFT_HIGH, LEFT_LOW])
    assert cells(back, LEFT_HIGH) == cells(town(), LEFT_HIGH) | {9, 10, 17, 18}


def test_a_split_line_may_end_inside_the_grid():
    state = done(town(), kind="split", grid=LEFT_LOW, line=lonlat((50, 20), (50, 130)), name="新网格")
    new = next(g for g in state.grids.values() if g.name == "新网格")
    assert (new.key, new.code, new.parent, new.community) == (-1, f"{A}010", 1, A)
    assert {frozenset(cells(state, c)) for c in (LEFT_LOW, new.code)} == {frozenset({1, 9, 17}), frozenset({2, 10, 18})}


def test_equal_halves_are_connected_equal_and_follow_the_street():
    state = town()
    for other in (LEFT_HIGH, NEXT_LOW, NEXT_HIGH):
        state = done(state, kind="merge", grids=[LEFT_LOW, other])
    state = done(state, kind="split", grid=LEFT_LOW)
    old, new = (next(g for g in state.leaves if g.code == c) for c in (LEFT_LOW, f"{A}010"))
    rows = [state.row_of[g.key] for g in (old, new)]
    assert state.tally.households[rows].tolist() == [240, 240]
    assert all(len(pieces(state, g.key)) == 1 for g in (old, new))
    border = state.tally.border_m[rows[1]], state.tally.street_m[rows[1]]
    assert border[1] == border[0] <= 300 + 2 * SIDE
    assert outcome(town(), kind="split", grid=NEXT_LOW).effect == outcome(town(), kind="split", grid=NEXT_LOW).effect


def test_a_merge_ends_the_others_and_keeps_the_first():
    state = done(town(), kind="merge", grids=[NEXT_LOW, LEFT_LOW, LEFT_HIGH])
    assert cells(state, NEXT_LOW) == cells(town(), NEXT_LOW) | cells(town(), LEFT_LOW) | cells(town(), LEFT_HIGH)
    assert {g.code for g in state.ended.values()} == {LEFT_LOW, LEFT_HIGH}
    assert cells(done(town(), kind="merge", grids=[NEXT_LOW, LEFT_LOW], into=LEFT_LOW), LEFT_LOW) >= {1, 3}


def test_a_new_grid_has_land_or_waits_for_it():
    state = done(town(), kind="new_grid", buildings=["b0", "b1"], grid_kind="dedicated", name="市场")
    new = next(g for g in state.leaves if g.name == "市场")
    assert (new.kind, new.community, new.parent, cells(state, new.code)) == ("dedicated", A, 1, {1, 2})
    empty = outcome(town(), kind="new_grid", community=B, code="X7")
    state = town().after(empty.effect)
    assert cells(state, "X7") == set()
    assert [n.rule for n in review(state, empty.effect.touched, CONTEXT.targets)] == ["grid_without_land"]
    assert cells(done(state, kind="assign", cells=[8], to="X7"), "X7") == {8}


def test_names_kinds_parents_and_locks_change():
    state = done(town(), kind="rename", grid=LEFT_LOW, name=" 河东网格 ")
    state = done(state, kind="set_kind", grid=LEFT_LOW, grid_kind="rural")
    state = done(state, kind="set_parent", grid=LEFT_LOW, parent=None)
    state = done(state, kind="lock", grids=[LEFT_LOW])
    grid = state.grids[11]
    assert (grid.name, grid.kind, grid.parent, grid.locked) == ("河东网格", "rural", None, True)
    assert done(state, kind="unlock", grids=[LEFT_LOW]).grids[11].locked is False
    assert done(state, kind="rename", grid=A, name="东风").grids[1].name == "东风"


def test_land_goes_to_another_community_only_by_transfer():
    state = done(town(), kind="transfer", cells=[4, 12, 20], to=code(2, 0))
    assert cells(state, code(2, 0)) >= {4, 12, 20}
    assert set(state.communities_of(state.fabric.rows_of([4, 12, 20])).tolist()) == {B}
    whole = done(town(), kind="transfer", grid=NEXT_LOW, community=B)
    assert (whole.grids[13].community, whole.grids[13].parent) == (B, 2)
    assert cells(done(whole, kind="assign", cells=[3], to=code(2, 0)), code(2, 0)) >= {3}


def test_codes_run_from_west_to_east_and_north_to_south():
    state = done(town(), kind="renumber", community=A)
    assert [state.grids[k].code[-3:] for k in (12, 14, 11, 13)] == ["001", "002", "003", "004"]
    assert done(town(), kind="renumber", grid=LEFT_LOW, code="K1").grids[11].code == "K1"


def test_an_operation_says_what_is_in_pieces_and_how_to_mend_it():
    found = outcome(town(), kind="assign", cells=[20], to=LEFT_HIGH)
    state = town().after(found.effect)
    (loose,) = [n for n in review(state, found.effect.touched, CONTEXT.targets) if n.rule == "grid_pieces"]
    assert loose.grid == LEFT_HIGH
    assert loose.repair is not None
    # the neighbour with fewest households takes it
    assert loose.repair == {"kind": "assign", "cells": [20], "to": NEXT_LOW}
    mended = done(state, **loose.repair)
    assert len(pieces(mended, 12)) == 1


def test_an_operation_says_what_is_out_of_the_band():
    found = outcome(town(), kind="merge", grids=[LEFT_LOW, LEFT_HIGH])
    (large,) = review(town().after(found.effect), found.effect.touched, CONTEXT.targets)
    assert (large.rule, large.repair) == ("household_band", {"kind": "split", "grid": LEFT_LOW})
    homes = np.full(48, HOMES)
    homes[0] = 400
    found = outcome(town(households=homes), kind="assign", cells=[17], to=LEFT_HIGH)
    tower = next(n for n in review(town(households=homes).after(found.effect), found.effect.touched, CONTEXT.targets))
    assert tower.repair is None
    assert "One building alone has 400" in tower.message.en


def test_scores_are_those_of_the_shapes():
    state = town()
    (low,) = grid_scores(state, [11], CONTEXT.targets)
    assert low["households"] == 6 * HOMES
    assert low["deviation"] == 0.0
    assert low["polsby_popper"] == pytest.approx(4 * np.pi * 15_000 / 500**2, abs=1e-4)
    assert low["reock"] == pytest.approx(15_000 / (np.pi * (100**2 + 150**2) / 4), abs=1e-4)
    assert low["street_share"] == pytest.approx(150 / 250, abs=1e-4)
    score = plan_score(done(state, kind="assign", cells=[17, 18], to=LEFT_HIGH), CONTEXT.targets)
    assert (score["households_moved"], score["cells_moved"], score["grids"]) == (40, 2, 8)
    assert score["within_10"] == 0.75
    assert score["max_deviation"] == pytest.approx(40 / 120, abs=1e-4)


def test_polygons_follow_the_cells_and_only_touched_ones_are_made_anew():
    state = town()
    before = state.polygons(state.row_of)
    after = done(state, kind="assign", cells=[17], to=LEFT_HIGH)
    polygons = dict(zip(state.row_of, after.polygons(state.row_of), strict=True))
    assert shapely.area(polygons[11]) == pytest.approx(5 * SIDE**2)
    assert all(polygons[key] is old for key, old in zip(state.row_of, before, strict=True) if key not in (11, 12))
