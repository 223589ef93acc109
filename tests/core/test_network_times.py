"""What walking costs: profiles, seconds of edges, whole steps."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from gridmap.core.network import (
    PROFILES,
    WalkNetwork,
    WalkProfile,
    build_network,
    tobler,
    walk_times,
    whole_steps,
    with_heights,
)
from gridmap.errors import InputError
from gridmap.model.text import Text

HERE = np.array([500_000.0, 3_120_000.0])


def network(*lines: Any, highway: list[str] | None = None) -> WalkNetwork:
    shapes = [shapely.LineString(np.asarray(line, float) + HERE) for line in lines]
    columns = {"id": range(1, len(lines) + 1), "highway": highway or ["residential"] * len(lines)}
    return build_network(gpd.GeoDataFrame(columns, geometry=shapes, crs=4548))


ROAD_AND_STAIRS = network([(0, 0), (1000, 0)], [(1000, 0), (1000, 100)], highway=["residential", "steps"])


def seconds(profile: WalkProfile, place: WalkNetwork = ROAD_AND_STAIRS) -> dict[int, float]:
    return dict(zip(place.edge_street.tolist(), walk_times(place, profile).forward_s.tolist(), strict=True))


def test_the_default_walker_needs_fifteen_minutes_for_a_kilometre():
    assert seconds(PROFILES["default"])[1] == 900.0
    assert walk_times(ROAD_AND_STAIRS).forward_s.dtype == np.float32


def test_stairs_are_slow_slower_for_old_people_and_closed_for_prams():
    assert seconds(PROFILES["default"])[2] == pytest.approx(100 / (1000 / 900 * 0.43), abs=1e-3)
    old = seconds(PROFILES["elderly"])
    assert old[1] == pytest.approx(1250)
    assert old[2] / old[1] > seconds(PROFILES["default"])[2] / 900
    pram = walk_times(ROAD_AND_STAIRS, PROFILES["wheels"])
    assert np.isinf(pram.forward_s[ROAD_AND_STAIRS.edge_steps]).all()
    assert np.isinf(pram.backward_s[ROAD_AND_STAIRS.edge_steps]).all()
    assert np.isinf(pram.arc_to_s).sum() == 2


def test_every_profile_has_a_name_words_and_a_speed_that_people_walk():
    for name, profile in PROFILES.items():
        assert profile.name == name
        assert profile.title.zh
        assert profile.title.en
        assert 0.5 < profile.speed_mps < 1.6


def test_a_speed_may_be_given_and_must_make_sense():
    quick = PROFILES["default"].at(6)
    assert seconds(quick)[1] == pytest.approx(600)
    assert PROFILES["default"].at(None) == PROFILES["default"]
    for wrong in (0, -4, 13, np.nan):
        with pytest.raises(InputError, match="km/h"):
            PROFILES["default"].at(wrong)
    with pytest.raises(InputError, match="above 0"):
        walk_times(ROAD_AND_STAIRS, WalkProfile("x", 0.0, 0.5, Text("", "")))


def test_uphill_is_slower_than_flat_by_toblers_function_and_stairs_do_not_count_twice():
    hill = with_heights(ROAD_AND_STAIRS, lambda xy: (xy - HERE).sum(axis=1) / 10)
    times = walk_times(hill)
    road = int(np.flatnonzero(~hill.edge_steps)[0])
    uphill = hill.edge_rise_m[road] > 0
    up, down = (times.forward_s, times.backward_s) if uphill else (times.backward_s, times.forward_s)
    # 6 exp(-3.5 |s + 0.05|) km/h: 3.549 km/h up, 5.037 on the flat and down 10 %.
    assert up[road] == pytest.approx(900 * 5.0367 / 3.5493, rel=1e-4)
    assert down[road] == pytest.approx(900, abs=1e-3)
    stairs = hill.edge_steps
    assert (times.forward_s[stairs] == walk_times(ROAD_AND_STAIRS).forward_s[stairs]).all()
    flat = walk_times(hill, replace(PROFILES["default"], slope=False))
    assert flat.forward_s[road] == 900
    half = with_heights(ROAD_AND_STAIRS, lambda xy: np.where(xy[:, 1] > HERE[1], 50, np.nan))
    assert walk_times(half).forward_s[road] == 900


def test_a_cliff_in_the_heights_closes_no_street():
    cliff = with_heights(network([(0, 0), (1, 0)]), lambda xy: (xy[:, 0] - HERE[0]) * 500)
    times = walk_times(cliff)
    assert np.isfinite(times.forward_s).all()
    assert tobler(np.array([-0.05])) == pytest.approx(6 / 5.0367, rel=1e-4)


def test_an_arc_costs_the_way_from_its_head_to_its_row():
    hill = with_heights(network([(0, 0), (400, 0)], [(0, 0), (0, 300)], [(0, 300), (400, 0)]), lambda xy: xy[:, 0] / 9)
    times = walk_times(hill)
    for arc, edge in enumerate(hill.arc_edge):
        row = int(np.searchsorted(hill.arc_start, arc, side="right")) - 1
        forward = (hill.arc_head[arc], row) == (hill.edge_u[edge], hill.edge_v[edge])
        assert times.arc_to_s[arc] == (times.forward_s if forward else times.backward_s)[edge]


@given(st.lists(st.floats(0.0, 14_400.0), min_size=1, max_size=50))
def test_sums_of_whole_steps_do_not_depend_on_their_order(values):
    steps = whole_steps(np.array(values) / len(values))
    forth, back = np.float32(0), np.float32(0)
    for one, other in zip(steps, steps[::-1], strict=True):
        forth, back = np.float32(forth + one), np.float32(back + other)
    assert forth == back == np.float32(steps.astype(np.float64).sum())
    assert np.abs(steps - np.array(values) / len(values)).max() <= 0.5 / 1024


def test_the_shortest_edge_takes_at_least_one_step():
    assert walk_times(network([(0, 0), (0.001, 0)])).forward_s.tolist() == [1 / 1024]
