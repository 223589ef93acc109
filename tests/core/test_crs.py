"""The metric system of a place, and coordinates that survive the store to the last digit."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pyproj
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from gridmap.core.crs import metric_crs, on_grid, project, to_lonlat, transform_xy
from gridmap.errors import UnknownCrs


@pytest.mark.parametrize(
    ("place", "lon", "lat", "epsg"),
    [
        ("Kashgar", 75.9, 39.5, 4534),
        ("Guixi", 117.2, 28.3, 4548),
        ("Shanghai", 121.45, 31.2, 4549),
        ("Beijing", 116.35, 40.0, 4548),
        ("Sansha", 112.3, 16.8, 4546),
        ("Harbin", 126.6, 45.8, 4551),
        ("Monaco", 7.42, 43.74, 32632),
        ("Ulaanbaatar", 106.9, 47.9, 32648),
        ("New York", -73.9, 40.7, 32618),
        ("Sydney", 151.2, -33.9, 32756),
    ],
)
def test_china_gets_its_three_degree_zone_and_the_rest_of_the_world_utm(place, lon, lat, epsg):
    found, warnings = metric_crs(lon - 0.1, lat - 0.1, lon + 0.1, lat + 0.1)
    assert (found, warnings) == (epsg, ())
    assert pyproj.CRS.from_epsg(found).axis_info[0].unit_name == "metre"


@given(st.floats(73.6, 134.9), st.floats(18.0, 53.0))
def test_lengths_at_the_centre_are_true(lon, lat):
    epsg, _ = metric_crs(lon, lat, lon, lat)
    factors = pyproj.Proj(pyproj.CRS.from_epsg(epsg)).get_factors(lon, lat)
    assert abs(factors.meridional_scale - 1) < 0.001


def test_a_wide_extent_is_warned_about_in_both_languages():
    epsg, (warning,) = metric_crs(104.0, 28.0, 112.0, 30.0)
    assert epsg == 4545
    assert "EPSG" in warning.zh
    assert "too wide" in warning.en


@pytest.mark.parametrize("bounds", [(500000, 3100000, 510000, 3110000), (121, 31, 120, 32), (0, -89, 1, 0)])
def test_what_is_not_an_extent_in_degrees_is_refused(bounds):
    with pytest.raises(UnknownCrs, match="degrees"):
        metric_crs(*bounds)


@given(st.integers(0, 2**31))
def test_metric_vertices_survive_the_store_to_the_last_digit(seed):
    xy = np.round(np.array([450_000.0, 3_100_000.0]) + np.random.default_rng(seed).uniform(0, 60_000, (200, 2)), 3)
    frame = gpd.GeoDataFrame(geometry=[shapely.LineString(xy)], crs=4548)
    back = project(frame.to_crs(4326), 4548)
    assert (shapely.get_coordinates(back.geometry.to_numpy()) == xy).all()


def test_a_layer_without_coordinate_system_is_refused():
    with pytest.raises(UnknownCrs, match="state one first"):
        project(gpd.GeoDataFrame(geometry=[shapely.Point(1, 1)]), 4548)


def test_points_go_to_longitude_and_latitude_in_this_order():
    lonlat = to_lonlat(shapely.points([[500_000.0, 3_100_000.0]]), 4548)
    assert lonlat[0] == pytest.approx([117.0, 28.01], abs=0.01)
    assert transform_xy(lonlat, 4326, 4548)[0] == pytest.approx([500_000, 3_100_000], abs=1e-6)
    assert on_grid(shapely.Point(0.12345, 1.0006)).coords[0] == (0.123, 1.001)
