"""Areas for drawing: holes are kept, water and rail are not crossed, walls are left by the gate."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from gridmap.core.network import Attacher, Barriers, Enclosures, attach, build_network, walk_times
from gridmap.core.reach import legs, nearest
from gridmap.core.reach.field import (
    _contour,
    _over,
    gap_polygon,
    polygon_error,
    reach_polygons,
    street_raster,
    time_field,
)
from gridmap.errors import InputError, TooLarge
from tests.core.reach_networks import plain_times, random_network, random_things, random_times

EPSG = 4548


def walk(*lines, **columns):
    shapes = gpd.GeoSeries([shapely.LineString(line) for line in lines], crs=EPSG)
    rows = {"id": range(1, len(lines) + 1), "highway": ["residential"] * len(lines), **columns}
    return walk_times(build_network(gpd.GeoDataFrame(rows, geometry=shapes)))


def shapes(*given):
    out = np.empty(len(given), dtype=object)
    out[:] = given
    return out


def inside(area, x, y):
    return bool(shapely.contains_xy(area, x, y))


def drawn(times, stations, limit_s, **around):
    return reach_polygons(time_field(times, stations, limit_s=limit_s, **around), [limit_s])[0]


RING = [(0, 0), (1000, 0), (1000, 1000), (0, 1000), (0, 0)]


def test_the_middle_of_a_ring_street_is_a_hole():
    times = walk(RING)
    area = drawn(times, attach(times.network, np.array([[0.0, 0.0]])), 3600)
    assert len(area.geoms) == 1
    assert len(area.geoms[0].interiors) == 1
    assert inside(area, 500, 100)
    assert not inside(area, 500, 500)
    assert shapely.is_valid(area)


def test_an_area_along_a_street_ends_where_the_walk_does():
    times = walk([(0, 0), (3000, 0)])
    area = drawn(times, attach(times.network, np.array([[1500.0, 0.0]])), 450)
    west, south, east, north = area.bounds
    assert (west, east) == pytest.approx((1000, 2000), abs=5)
    assert (south, north) == pytest.approx((-200, 200), abs=10)


def test_two_banks_without_a_bridge_stay_two_banks():
    times = walk([(0, 0), (2000, 0)], [(0, 60), (2000, 60)])
    station = attach(times.network, np.array([[1000.0, -5.0]]))
    river = shapely.box(-500, 20, 2500, 40)
    for barriers in (
        Barriers(water=shapes(river)),
        Barriers(rail=shapes(shapely.LineString([(-500, 30), (2500, 30)]))),
    ):
        area = drawn(times, station, 450, barriers=barriers)
        assert inside(area, 1000, 15)
        assert not inside(area, 1000, 45)
        assert shapely.area(shapely.intersection(area, shapely.box(-500, 35, 2500, 300))) < 20
    wet = drawn(times, station, 450, barriers=Barriers(water=shapes(river)))
    assert shapely.area(shapely.intersection(wet, river)) < 1e-6


def test_a_walled_estate_is_entered_by_its_gate():
    times = walk([(0, 0), (1000, 0)], [(1000, 0), (1000, 400)])
    estate = shapely.box(300, 20, 900, 180)
    fences = Enclosures(shapes(estate), [np.array([[900.0, 100.0]])])
    attacher = Attacher(times.network, enclosures=fences)
    station = attacher.attach(np.array([[0.0, -5.0]]))
    for limit_s in (600, 900, 1800):
        area = drawn(times, station, limit_s, enclosures=fences)
        # A cell away from the wall: nearer to it the area ends halfway between two cells.
        xy = np.stack(np.meshgrid(np.arange(310, 890, 7.0), np.arange(30, 170, 7.0)), -1).reshape(-1, 2)
        homes = attacher.attach(xy)
        seconds = nearest(times, station, homes, limit_s=limit_s).seconds
        error = polygon_error(area, xy, seconds, limit_s)
        assert error.false_in + error.false_out <= 0.02 * len(xy)


def test_a_station_in_a_walled_estate_reaches_it_straight():
    times = walk([(0, 0), (1000, 0)])
    fences = Enclosures(shapes(shapely.box(300, 20, 700, 180)), [np.zeros((0, 2))])
    station = Attacher(times.network, enclosures=fences).attach(np.array([[500.0, 100.0]]))
    area = drawn(times, station, 90, enclosures=fences)
    assert inside(area, 590, 100)
    assert not inside(area, 610, 100)


def test_what_is_not_reached_is_the_gap():
    times = walk([(0, 0), (3000, 0)])
    station = attach(times.network, np.array([[0.0, 0.0]]))
    field = time_field(times, station, limit_s=900, bounds=(-400, -400, 3400, 400))
    area, gap = reach_polygons(field, [900])[0], gap_polygon(field, 900)
    assert inside(gap, 2500, 50)
    assert not inside(gap, 500, 50)
    assert not inside(gap, 2500, 300)
    assert shapely.area(shapely.intersection(area, gap)) < 20


@examples(max_examples=15)
@given(st.integers(0, 1000))
def test_cells_far_from_the_edge_agree_with_buildings_there(seed):
    rng = np.random.default_rng(seed)
    network = random_network(rng, nodes=10, edges=14)
    times = plain_times(network)
    xy = rng.uniform(0, 600, (60, 2))
    buildings, stations = attach(network, xy), attach(network, rng.uniform(0, 600, (2, 2)))
    seconds = nearest(times, stations, legs(times, buildings), limit_s=300).seconds
    area = drawn(times, stations, 300, cell_m=5)
    sure = shapely.distance(shapely.boundary(area), shapely.points(xy)) > 15
    drawn_in = shapely.contains_xy(area, xy[:, 0], xy[:, 1])
    assert (drawn_in == (seconds <= 300))[sure].mean() >= 0.9 if sure.any() else True


def test_a_part_of_a_raster_is_the_raster_of_the_part():
    times = walk(RING, [(1000, 0), (2000, 0)])
    barriers = Barriers(water=shapes(shapely.box(400, 40, 600, 300)))
    whole = street_raster(times.network, bounds=(-300, -300, 2300, 1300), barriers=barriers)
    part = whole.part((100, 0, 900, 500))
    assert part.edge.shape == (part.window.ny, part.window.nx)
    assert part.window.x0 <= 100
    assert part.window.x0 + (part.window.nx - 1) * 10 >= 900
    station = attach(times.network, np.array([[500.0, 10.0]]))
    by_part = reach_polygons(time_field(times, station, limit_s=300, raster=whole), [300])[0]
    by_bounds = reach_polygons(
        time_field(times, station, limit_s=300, raster=whole, bounds=(-300, -300, 2300, 1300)), [300]
    )[0]
    assert shapely.equals(by_part, by_bounds)


def test_without_stations_there_is_no_area():
    times = walk(RING)
    nobody = attach(times.network, np.zeros((0, 2)))
    far = attach(times.network, np.array([[9000.0, 9000.0], [np.nan, np.nan]]))
    whole = street_raster(times.network, bounds=(-100, -100, 1100, 1100))
    for stations in (nobody, far):
        for raster in (None, whole):
            assert drawn(times, stations, 900, raster=raster).is_empty
    assert polygon_error(shapely.MultiPolygon(), np.zeros((0, 2)), np.zeros(0, np.float32), 900).share == 0.0


def test_senseless_bounds_and_limits_are_refused():
    times = walk(RING)
    station = attach(times.network, np.array([[0.0, 0.0]]))
    field = time_field(times, station, limit_s=300)
    with pytest.raises(InputError, match="up to 300 s"):
        reach_polygons(field, [300, 600])
    with pytest.raises(InputError, match="west, south, east, north"):
        street_raster(times.network, bounds=(10, 0, 0, 10))
    with pytest.raises(TooLarge, match="raster cells"):
        street_raster(times.network, bounds=(0, 0, 1e6, 1e6))
    with pytest.raises(InputError):
        time_field(times, station, limit_s=-1)


@examples(max_examples=60)
@given(st.integers(0, 10_000))
def test_areas_are_those_that_contours_over_the_whole_window_give(seed):
    rng = np.random.default_rng(seed)
    network = random_network(rng, nodes=int(rng.integers(2, 60)), edges=int(rng.integers(1, 120)), extent_m=1500)
    times = random_times(rng, network)
    stations = random_things(rng, network, int(rng.integers(1, 9)))
    box = None if seed % 2 else (100.0, 200.0, 1100.0, 1250.0)
    field = time_field(times, stations, limit_s=400, bounds=box)
    for limit_s in (60.0, 250.0, 400.0):
        area, whole = reach_polygons(field, [limit_s])[0], _contour(field, _over(field, limit_s))
        assert area.is_valid
        assert shapely.symmetric_difference(area, whole).area <= 1e-4 * field.window.cell**2
        assert len(area.geoms) == len(whole.geoms)
        assert shapely.get_num_interior_rings(shapely.get_parts(area)).sum() == shapely.get_num_interior_rings(
            shapely.get_parts(whole)
        ).sum()  # fmt: skip
