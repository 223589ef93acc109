"""Coverage of the sample county: what was planted comes out, areas tell their error, geometry alone agrees."""

from __future__ import annotations

import itertools
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
import shapely

from gridmap.core.cells import BaseData, build_cells
from gridmap.core.crs import project, transform_xy
from gridmap.core.households import estimate_households
from gridmap.core.network import Attacher, Via, barriers_of, build_network, building_points, walk_times, whole_steps
from gridmap.core.reach import DirectPairs, demand_of, figures, gap_areas, legs, nearest, route
from gridmap.core.reach.field import gap_polygon, polygon_error, reach_polygons, street_raster, time_field
from gridmap.sample import generate
from tests.core.reach_networks import SplitGraph, some_things
from tests.core.reach_oracle import Oracle

EPSG = 4547
LIMIT_S = 900.0
SPEED = 1000 / 900


class Town:
    """The sample county of 800 buildings on foot."""

    def __init__(self) -> None:
        self.county = generate(buildings=800)
        layers = ("streets", "water", "estates", "buildings", "stations", "areas")
        self.base = {name: project(getattr(self.county, name), EPSG) for name in layers}
        self.base["streets"] = self.base["streets"].assign(id=range(len(self.base["streets"])))
        self.gates = [
            transform_xy(np.array([[float(x) for x in gate.split()] for gate in given.split(";")]), 4326, EPSG)
            if isinstance(given, str)
            else np.zeros((0, 2))
            for given in self.base["estates"]["gates"]
        ]
        self.barriers, self.enclosures = barriers_of(
            streets=self.base["streets"], water=self.base["water"], estates=self.base["estates"], gates=self.gates
        )
        self.times = walk_times(build_network(self.base["streets"]))
        attacher = Attacher(self.times.network, barriers=self.barriers, enclosures=self.enclosures)
        footprints = self.base["buildings"].geometry.to_numpy()
        self.homes = attacher.attach(building_points(footprints))
        self.stations = attacher.attach(shapely.get_coordinates(self.base["stations"].geometry.to_numpy()))
        same = self.stations.enclosure[:, None] == self.homes.enclosure[None, :]
        s, b = np.nonzero(same & (self.homes.enclosure >= 0))
        straight = np.hypot(*(self.stations.xy[s] - self.homes.xy[b]).T) / SPEED
        station_points = self.base["stations"].geometry.to_numpy()
        inside_s, inside_b = shapely.STRtree(footprints).query(station_points, predicate="within")
        self.direct = DirectPairs(
            np.r_[s, inside_s].astype(np.int32), np.r_[b, inside_b].astype(np.int32),
            whole_steps(np.r_[straight, np.zeros(len(inside_s))]),
        )  # fmt: skip
        self.found = nearest(self.times, self.stations, self.homes, limit_s=4 * 3600, direct=self.direct)
        self.source = self.base["buildings"]["source_id"].to_numpy()
        estimated = estimate_households(
            self.base["buildings"].assign(area_m2=self.base["buildings"].area), self.county.households
        ).figures
        self.buildings = pd.DataFrame(
            {"id": range(len(self.source)), **{k: estimated[k] for k in ("households", "people", "estimated")}}
        )


@lru_cache(maxsize=1)
def town() -> Town:
    return Town()


@lru_cache(maxsize=1)
def gaps() -> Any:
    here = town()
    communities = here.base["areas"][here.base["areas"]["level"] == "community"]
    fabric = build_cells(
        BaseData(
            buildings=here.base["buildings"].assign(id=range(len(here.source))),
            streets=here.base["streets"], water=here.base["water"], extent=communities.union_all(),
        )
    )  # fmt: skip
    cells = fabric.cells.assign(id=range(len(fabric.cells)))
    hung = fabric.attachments.rename(columns={"cell": "cell_id"})
    demand = demand_of(cells, hung, here.buildings)
    a, b = fabric.edge_positions()
    return demand, gap_areas(demand, here.found, limit_s=LIMIT_S, edge_a=a, edge_b=b)


def test_scipy_says_the_same_for_every_building():
    here = town()
    direct = zip(*(getattr(here.direct, k).tolist() for k in ("station", "building", "seconds")), strict=True)
    oracle = SplitGraph(here.times, here.stations, here.homes, direct=direct)
    found = nearest(here.times, here.stations, here.homes, limit_s=LIMIT_S, direct=here.direct)
    assert np.array_equal(found.seconds.astype(float), oracle.nearest(LIMIT_S))
    assert np.isfinite(found.seconds).sum() > 100


def test_geometry_alone_says_the_same_for_200_buildings():
    here = town()
    walled = here.base["estates"]["walled"].fillna(value=False).astype(bool).to_numpy()
    oracle = Oracle.of(
        here.base["streets"], speed=SPEED, walls=here.enclosures.polygons,
        gates=[here.gates[k] for k in np.flatnonzero(walled)], water=here.barriers.water, rail=here.barriers.rail,
    )  # fmt: skip
    in_station = np.isin(np.arange(here.homes.count), here.direct.building[here.direct.seconds == 0])
    some = np.random.default_rng(3).permutation(np.flatnonzero(~in_station))[:220]
    expected = oracle.nearest(here.stations.xy, here.homes.xy[some], limit_s=LIMIT_S)
    given = np.where(here.found.seconds[some] <= LIMIT_S, here.found.seconds[some], np.inf)
    assert np.array_equal(np.isfinite(expected), np.isfinite(given))
    both = np.isfinite(expected)
    assert np.abs(expected[both] - given[both]).max() < 0.2
    assert both.sum() > 100


def test_exactly_the_planted_homes_are_gaps():
    here = town()
    demand, (areas, area) = gaps()
    planted = {source for gap in here.county.truth["gaps"] for source in gap["buildings"]}
    lived = demand.of_buildings(demand.households) > 0
    found = set(here.source[np.unique(demand.building[(area[demand.cell] >= 0) & (demand.households > 0)])])
    missed = set(here.source[lived & ~(here.found.seconds <= LIMIT_S)])
    assert missed - set(here.county.truth["unattached_buildings"]) == planted
    assert planted <= found
    assert areas["households"].sum() == demand.households[~(here.found.seconds <= LIMIT_S)[demand.building]].sum()


def test_every_planted_gap_is_one_area_with_the_walk_that_was_planted():
    here = town()
    demand, (areas, area) = gaps()
    code = here.base["stations"]["source_id"].to_numpy()
    for planted in here.county.truth["gaps"]:
        homes = np.isin(here.source, planted["buildings"])
        of = np.unique(area[demand.cell[homes[demand.building] & (demand.households > 0)]])
        assert len(of) == 1
        row = areas.iloc[of[0]]
        assert row["households"] == planted["households"]
        assert row["nearest_s"] > LIMIT_S
        way = route(here.times, here.stations, here.homes, int(row["building"]), limit_s=3600, direct=here.direct)
        assert (way.seconds, way.station) == (row["nearest_s"], row["station"])
        near = int(np.flatnonzero(code == planted["station"])[0])
        walk_m = [
            route(here.times, here.stations, here.homes, home, station=near, limit_s=3600).walk_m
            for home in np.flatnonzero(homes).tolist()
        ]
        assert min(walk_m) == pytest.approx(planted["walk_m"][0], abs=30)
        assert max(walk_m) < planted["walk_m"][1] + 30


def test_one_walk_more_or_less_changes_the_totals_only_one_way():
    here = town()
    demand, _ = gaps()
    covered = [figures(demand, here.found.seconds, limit_s=60.0 * m).households_covered for m in (5, 10, 15, 20, 60)]
    assert covered == sorted(covered)
    total = figures(demand, here.found.seconds, limit_s=LIMIT_S, attached=here.homes.reason == 0)
    assert total.households_covered_low <= total.households_covered <= total.households_covered_high
    assert total.unattached_buildings == len(here.county.truth["unattached_buildings"])


@lru_cache(maxsize=1)
def raster() -> Any:
    here = town()
    west, south = np.nanmin(here.homes.xy, axis=0) - 300
    east, north = np.nanmax(here.homes.xy, axis=0) + 300
    return street_raster(
        here.times.network, bounds=(west, south, east, north), barriers=here.barriers, enclosures=here.enclosures
    )


def test_areas_differ_by_at_most_one_percent_from_the_count():
    here = town()
    wrong = truly = 0
    timed = legs(here.times, here.homes)
    for k in range(here.stations.count):
        one = some_things(here.stations, [k])
        mine = here.direct.station == k
        direct = DirectPairs(np.zeros(int(mine.sum()), np.int32), here.direct.building[mine], here.direct.seconds[mine])
        seconds = nearest(here.times, one, timed, limit_s=LIMIT_S, direct=direct).seconds
        area = reach_polygons(time_field(here.times, one, limit_s=LIMIT_S, raster=raster()), [LIMIT_S])[0]
        error = polygon_error(area, here.homes.xy, seconds, LIMIT_S)
        wrong, truly = wrong + error.false_in + error.false_out, truly + error.truly_covered
    assert truly > 1000
    assert wrong / truly <= 0.01


def test_the_areas_of_all_stations_come_from_one_field():
    here = town()
    field = time_field(here.times, here.stations, limit_s=LIMIT_S, raster=raster())
    areas = reach_polygons(field, [300.0, 600.0, LIMIT_S])
    for inner, outer in itertools.pairwise(areas):
        assert shapely.area(shapely.difference(inner, outer)) < 0.001 * inner.area
    assert polygon_error(areas[-1], here.homes.xy, here.found.seconds, LIMIT_S).share <= 0.01
    water = shapely.union_all(here.barriers.water)
    gap = gap_polygon(field, LIMIT_S)
    for area in (*areas, gap):
        assert shapely.is_valid(area)
        assert shapely.area(shapely.intersection(area, water)) < 1e-3
    assert shapely.area(shapely.intersection(gap, areas[-1])) < 0.001 * areas[-1].area


def test_a_wrong_area_tells_its_error():
    here = town()
    area = reach_polygons(time_field(here.times, here.stations, limit_s=LIMIT_S, raster=raster()), [LIMIT_S])[0]
    everything = shapely.box(*here.base["buildings"].total_bounds)
    reached = int((here.found.seconds <= LIMIT_S).sum())
    too_large = polygon_error(everything, here.homes.xy, here.found.seconds, LIMIT_S)
    assert too_large.false_in == here.homes.count - reached
    nothing = polygon_error(shapely.MultiPolygon(), here.homes.xy, here.found.seconds, LIMIT_S)
    assert (nothing.false_out, nothing.share) == (reached, 1.0)
    moved = polygon_error(shapely.affinity.translate(area, 500, 0), here.homes.xy, here.found.seconds, LIMIT_S)
    assert moved.share > 0.05


def test_raster_cells_meet_the_streets_as_buildings_do():
    here = town()
    places = raster()
    w = places.window
    rng = np.random.default_rng(5)
    cell = rng.choice(w.nx * w.ny, 3000, replace=False)
    xy = np.column_stack([w.x0 + cell % w.nx * w.cell, w.y0 + cell // w.nx * w.cell])
    attacher = Attacher(here.times.network, barriers=here.barriers, enclosures=here.enclosures)
    found = attacher.attach(xy)
    first = np.searchsorted(found.thing, np.arange(found.count))
    on = found.reason == 0
    assert np.array_equal(places.edge.flat[cell] >= 0, on)
    off = found.off_m[first[on]]
    straight = found.via[first[on]] == Via.STREET
    given = places.off_m.flat[cell[on]]
    assert (np.abs(given - off)[straight] < 0.01).mean() > 0.999
