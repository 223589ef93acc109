"""Walking seconds are those of scipy's Dijkstra, to the bit; ties go to the lower station."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from gridmap.core.network.graph import LONGEST_S, whole_steps
from gridmap.core.reach import DirectPairs, legs, nearest, node_times, pairs
from gridmap.errors import InputError
from tests.core.reach_networks import (
    SplitGraph,
    network_of,
    plain_times,
    random_network,
    random_things,
    random_times,
    some_things,
    things_of,
)

LIMIT_S = 300.0
SEEDS = st.integers(0, 10_000)


def case(seed: int):
    """Return times, stations, buildings, direct pairs and what buildings add."""
    rng = np.random.default_rng(seed)
    network = random_network(rng, nodes=int(rng.integers(2, 15)), edges=int(rng.integers(1, 25)))
    times = random_times(rng, network)
    stations = random_things(rng, network, int(rng.integers(1, 7)))
    buildings = random_things(rng, network, int(rng.integers(1, 40)))
    few = int(rng.integers(0, 4))
    direct = DirectPairs(
        rng.integers(0, stations.count, few).astype(np.int32),
        rng.integers(0, buildings.count, few).astype(np.int32),
        whole_steps(rng.uniform(0, 400, few)),
    )
    return times, stations, buildings, direct


def plain(direct: DirectPairs):
    return zip(direct.station.tolist(), direct.building.tolist(), direct.seconds.tolist(), strict=True)


def dense(found, buildings: int):
    out = np.full((len(found.start) - 1, buildings), np.inf)
    station = np.repeat(np.arange(len(found.start) - 1), np.diff(found.start))
    assert len(np.unique(station * buildings + found.building)) == len(station)
    out[station, found.building] = found.seconds
    return out


@examples(max_examples=150)
@given(SEEDS)
def test_nearest_and_pairs_are_scipys_to_the_bit(seed):
    times, stations, buildings, direct = case(seed)
    oracle = SplitGraph(times, stations, buildings, direct=plain(direct))
    matrix = oracle.pairs(LIMIT_S)
    found = pairs(times, stations, buildings, limit_s=LIMIT_S, direct=direct, threads=1)
    assert np.array_equal(dense(found, buildings.count), matrix)
    one = nearest(times, stations, buildings, limit_s=LIMIT_S, direct=direct)
    assert np.array_equal(one.seconds.astype(float), oracle.nearest(LIMIT_S))
    assert np.array_equal(one.station, np.where(np.isfinite(matrix.min(axis=0)), matrix.argmin(axis=0), -1))


@examples(max_examples=50)
@given(SEEDS)
def test_times_of_nodes_are_scipys_to_the_bit(seed):
    times, stations, buildings, _ = case(seed)
    seconds, station = node_times(times, stations, limit_s=LIMIT_S)
    assert np.array_equal(seconds.astype(float), SplitGraph(times, stations, buildings).nodes(LIMIT_S))
    assert np.array_equal(station >= 0, np.isfinite(seconds))


@examples(max_examples=50)
@given(SEEDS, st.floats(1, 600), st.floats(0, 600))
def test_more_minutes_never_cover_less(seed, limit_s, more_s):
    times, stations, buildings, direct = case(seed)
    short = nearest(times, stations, buildings, limit_s=limit_s, direct=direct)
    long = nearest(times, stations, buildings, limit_s=limit_s + more_s, direct=direct)
    inside = short.station >= 0
    assert np.array_equal(long.seconds[inside], short.seconds[inside])
    assert np.array_equal(long.station[inside], short.station[inside])
    assert (short.seconds[inside] <= limit_s).all()
    assert (long.seconds[~inside] > limit_s).all()


@examples(max_examples=50)
@given(SEEDS)
def test_more_stations_never_make_a_walk_longer(seed):
    times, stations, buildings, _ = case(seed)
    some = some_things(stations, np.arange(stations.count // 2))
    before = nearest(times, some, buildings, limit_s=LIMIT_S)
    after = nearest(times, stations, buildings, limit_s=LIMIT_S)
    assert (after.seconds <= before.seconds).all()


@examples(max_examples=30)
@given(SEEDS, st.floats(0, 200))
def test_what_a_building_adds_is_added_once(seed, extra_s):
    times, stations, buildings, direct = case(seed)
    extra = whole_steps(np.random.default_rng(seed).uniform(0, extra_s, buildings.count))
    timed = legs(times, buildings, extra_s=extra)
    plainly = nearest(times, stations, buildings, limit_s=LIMIT_S + 200, direct=direct)
    slower = nearest(times, stations, timed, limit_s=LIMIT_S, direct=direct)
    expected = plainly.seconds + extra
    assert np.array_equal(slower.seconds, np.where(expected <= LIMIT_S, expected, np.inf).astype(np.float32))


def test_threads_and_chunks_change_nothing():
    rng = np.random.default_rng(1)
    network = random_network(rng, nodes=300, edges=450, extent_m=4000)
    times = random_times(rng, network)
    stations, buildings = random_things(rng, network, 150), random_things(rng, network, 2000)
    one = pairs(times, stations, buildings, limit_s=900, threads=1)
    two = pairs(times, stations, buildings, limit_s=900, threads=2)
    assert np.array_equal(one.start, two.start)
    assert np.array_equal(one.building, two.building)
    assert np.array_equal(one.seconds, two.seconds)
    assert np.array_equal(dense(one, 2000).min(axis=0), nearest(times, stations, buildings, limit_s=900).seconds)


def straight_street(length_m=1000.0):
    return network_of([[0, 0], [length_m, 0]], [0], [1], [np.array([[0.0, 0], [length_m, 0]])])


def test_fifteen_minutes_sharp_is_covered():
    network = straight_street(2000.0)
    times = plain_times(network)
    station = things_of(network, [0], [0], [0.0], [0.0], 1)
    houses = things_of(network, [0, 1], [0, 0], [1000.0, 1000.01], [0.0, 0.0], 2)
    found = nearest(times, station, houses, limit_s=900)
    assert found.seconds.tolist() == [900.0, np.inf]


def test_two_stations_on_one_spot_go_to_the_lower():
    network = straight_street()
    stations = things_of(network, [0, 1], [0, 0], [500.0, 500.0], [10.0, 10.0], 2)
    houses = things_of(network, [0, 1], [0, 0], [100.0, 900.0], [10.0, 10.0], 2)
    found = nearest(plain_times(network), stations, houses, limit_s=900)
    assert found.station.tolist() == [0, 0]
    both = pairs(plain_times(network), stations, houses, limit_s=900)
    assert np.diff(both.start).tolist() == [2, 2]


def test_a_network_without_streets_stations_or_buildings_reaches_nothing():
    network = network_of(np.zeros((0, 2)), [], [], [])
    times = plain_times(network)
    nothing = things_of(network, [], [], [], [], 0)
    lonely = things_of(network, [], [], [], [], 3)
    for stations in (nothing, lonely):
        for houses in (nothing, lonely):
            found = nearest(times, stations, houses, limit_s=900)
            assert found.station.tolist() == [-1] * houses.count
            assert np.isinf(found.seconds).all()
            assert pairs(times, stations, houses, limit_s=900).start.tolist() == [0] * (stations.count + 1)


def test_streets_that_do_not_meet_are_not_walked_across():
    lines = [np.array([[0.0, 0], [100, 0]]), np.array([[0.0, 5], [100, 5]])]
    network = network_of([[0, 0], [100, 0], [0, 5], [100, 5]], [0, 2], [1, 3], lines)
    station, house = things_of(network, [0], [0], [50.0], [0.0], 1), things_of(network, [0], [1], [50.0], [0.0], 1)
    assert nearest(plain_times(network), station, house, limit_s=LONGEST_S).station.tolist() == [-1]


@pytest.mark.parametrize("limit_s", [-60.0, 0.0, 5 * 3600.0, np.inf, np.nan])
def test_a_senseless_limit_is_refused_with_a_sentence(limit_s):
    network = straight_street()
    times, things = plain_times(network), things_of(network, [0], [0], [0.0], [0.0], 1)
    for search in (nearest, pairs):
        with pytest.raises(InputError, match="must be above 0 and at most 240 minutes"):
            search(times, things, things, limit_s=limit_s)
    with pytest.raises(InputError):
        node_times(times, things, limit_s=limit_s)


def test_a_building_cannot_add_negative_time():
    network = straight_street()
    things = things_of(network, [0], [0], [0.0], [0.0], 1)
    with pytest.raises(InputError, match="0 and 4 hours"):
        legs(plain_times(network), things, extra_s=[-1.0])


def test_a_search_with_more_nodes_at_once_than_it_takes_out_of_a_bucket_is_still_exact():
    rng = np.random.default_rng(2)
    network = random_network(rng, nodes=9000, edges=15000, extent_m=900)
    times = random_times(rng, network)
    stations, buildings = random_things(rng, network, 3), random_things(rng, network, 500)
    found = nearest(times, stations, buildings, limit_s=LIMIT_S)
    assert np.array_equal(found.seconds.astype(float), SplitGraph(times, stations, buildings).nearest(LIMIT_S))


def test_arcs_hold_heads_and_whole_steps_side_by_side():
    times = random_times(np.random.default_rng(3), random_network(np.random.default_rng(3), nodes=9, edges=20))
    assert np.array_equal(times.arcs[:, 0], times.network.arc_head)
    walked = np.isfinite(times.arc_to_s)
    assert np.array_equal(times.arcs[walked, 1] / 1024, times.arc_to_s[walked])
