"""A route is the walk that the nearest station was found by, as a line from door to door."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from gridmap.core.network.graph import Via
from gridmap.core.reach import DirectPairs, nearest, pairs, route
from gridmap.errors import InputError
from tests.core.reach_networks import network_of, plain_times, random_network, random_things, things_of
from tests.core.test_reach_search import case, dense

LIMIT_S = 300.0


@examples(max_examples=60)
@given(st.integers(0, 10_000))
def test_a_route_has_the_seconds_and_the_station_of_the_search(seed):
    times, stations, buildings, direct = case(seed)
    found = nearest(times, stations, buildings, limit_s=LIMIT_S, direct=direct)
    for building in range(buildings.count):
        way = route(times, stations, buildings, building, limit_s=LIMIT_S, direct=direct)
        if found.station[building] < 0:
            assert way is None
            continue
        assert (way.seconds, way.station) == (found.seconds[building], found.station[building])
        assert way.xy[0].tolist() == buildings.xy[building].tolist()
        assert way.xy[-1].tolist() == stations.xy[way.station].tolist()


@examples(max_examples=40)
@given(st.integers(0, 10_000))
def test_a_route_to_any_station_is_as_long_as_it_takes(seed):
    rng = np.random.default_rng(seed)
    network = random_network(rng)
    times = plain_times(network, speed=1.25)
    stations, buildings = random_things(rng, network, 4, several=0.0), random_things(rng, network, 8, several=0.0)
    matrix = dense(pairs(times, stations, buildings, limit_s=LIMIT_S), buildings.count)
    for station, building in np.ndindex(matrix.shape):
        way = route(times, stations, buildings, building, station=station, limit_s=LIMIT_S)
        if not np.isfinite(matrix[station, building]):
            assert way is None
            continue
        assert (way.seconds, way.station) == (matrix[station, building], station)
        assert way.walk_m == pytest.approx(way.seconds * 1.25, abs=0.1)
        assert np.hypot(*np.diff(way.xy, axis=0).T).sum() == pytest.approx(way.walk_m, abs=1e-6)


def test_a_route_leads_through_the_gate():
    network = network_of([[0, 0], [100, 0]], [0], [1], [np.array([[0.0, 0], [100, 0]])])
    houses = things_of(network, [0], [0], [20.0], [30.0], 1)
    houses = replace(houses, gate_xy=np.array([[20.0, 10.0]]), via=np.array([Via.GATE], np.uint8))
    station = things_of(network, [0], [0], [80.0], [5.0], 1)
    way = route(plain_times(network), station, houses, 0, limit_s=900)
    assert way.xy.tolist() == [[20, 30], [20, 10], [20, 0], [80, 0], [80, 5]]
    assert (way.walk_m, way.off_start_m, way.off_end_m) == (95.0, 30.0, 5.0)
    assert (way.via_start, way.via_end) == (Via.GATE, Via.STREET)


def test_a_straight_way_needs_no_street():
    network = network_of([[0, 0], [100, 0]], [0], [1], [np.array([[0.0, 0], [100, 0]])])
    things = things_of(network, [0], [0], [20.0], [30.0], 1)
    direct = DirectPairs(np.array([0], np.int32), np.array([0], np.int32), np.array([0.0], np.float32))
    way = route(plain_times(network), things, things, 0, limit_s=900, direct=direct)
    assert (way.seconds, way.walk_m, len(way.xy)) == (0.0, 0.0, 2)


def test_a_building_that_is_not_there_is_refused():
    network = network_of([[0, 0], [100, 0]], [0], [1], [np.array([[0.0, 0], [100, 0]])])
    things = things_of(network, [0], [0], [20.0], [30.0], 1)
    with pytest.raises(InputError, match="no such building or station"):
        route(plain_times(network), things, things, 1, limit_s=900)
