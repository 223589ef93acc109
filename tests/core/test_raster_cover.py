from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gridmap.core.locate.cover import TreeCover
from gridmap.core.locate.raster import FEW_POINTS, RasterCover
from tests.core.test_locate import partition, probes


def same(polygons, xy, **options):
    """Compare with GEOS, point by point; returns the raster's answer."""
    polygons = np.array(list(polygons), dtype=object)
    cover = RasterCover(polygons, **options)
    owner, tied = cover.owner(xy[:, 0], xy[:, 1])
    plain_owner, plain_tied = TreeCover(polygons).owner(xy[:, 0], xy[:, 1])
    np.testing.assert_array_equal(owner, plain_owner)
    np.testing.assert_array_equal(tied, plain_tied)
    for i in range(0, len(xy), 7):
        assert cover.one(*xy[i]) == plain_owner[i]
    return owner, tied


@settings(max_examples=25)
@given(st.integers(0, 10_000), st.sampled_from([None, 1, 60, 5000]))
def test_in_a_partition_every_point_vertex_and_edge_has_the_owner_that_geos_names(seed, cells):
    polygons, _, rng = partition(seed)
    same(polygons, probes(polygons, rng), cells=cells)


@settings(max_examples=25)
@given(st.integers(0, 10_000))
def test_overlapping_multipolygons_with_holes_have_the_lowest_owner_and_say_that_there_are_several(seed):
    rng = np.random.default_rng(seed)
    discs = shapely.buffer(shapely.points(rng.random((12, 2))), rng.uniform(0.05, 0.4, 12), quad_segs=4)
    pairs = [shapely.union(a, b) for a, b in discs.reshape(6, 2)]
    polygons = [shapely.difference(p, shapely.buffer(shapely.points(rng.random(2)), 0.1, quad_segs=2)) for p in pairs]
    xy = np.concatenate([rng.uniform(-0.5, 1.5, (300, 2)), shapely.get_coordinates(polygons)])
    _, tied = same(polygons, xy)
    assert tied.any()


@settings(max_examples=15)
@given(st.integers(0, 10_000), st.sampled_from([0.0, 113.43, -1e6, 4e7]))
def test_borders_on_round_numbers_far_from_zero_are_answered_too(seed, offset):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 9))
    x, y = np.meshgrid(np.arange(n) + offset, np.arange(n) + offset)
    squares = shapely.box(x.ravel(), y.ravel(), x.ravel() + 1, y.ravel() + 1)
    steps = rng.integers(-2, 4 * n + 2, (400, 2)) / 4 + offset
    same(squares, np.concatenate([steps, np.nextafter(steps, offset), np.nextafter(steps, offset + n)]))


@pytest.mark.parametrize(
    "shape", ["POLYGON EMPTY", "POLYGON ((3 3, 4 3, 4 3, 3 3, 3 3))", "POLYGON ((1 1, 9 1, 9 1, 1 1))"]
)
def test_polygons_without_area_own_what_geos_says(shape):
    around = shapely.from_wkt("POLYGON ((0 0, 10 0, 10 5, 0 5, 0 0))")
    xy = np.array([[3.0, 3.0], [3.5, 3.0], [5.0, 1.0], [9.0, 1.0], [1.0, 1.0], [20.0, 20.0], [0.0, 0.0]])
    same([shapely.from_wkt(shape), around], xy)


def test_nothing_at_all_and_no_number_are_in_nobodys_place():
    cover = RasterCover(np.empty(0, dtype=object))
    owner, tied = cover.owner(np.array([1.0, np.nan]), np.array([2.0, np.inf]))
    assert owner.tolist() == [-1, -1]
    assert not tied.any()
    assert cover.one(1.0, 2.0) == -1
    square = RasterCover(np.array([shapely.box(0, 0, 1, 1)]))
    assert square.owner(np.array([np.nan, np.inf, 0.5]), np.array([0.5, 0.5, np.nan]))[0].tolist() == [-1, -1, -1]


def test_two_threads_give_the_answers_of_one():
    polygons, _, rng = partition(5)
    polygons = np.array(polygons, dtype=object)
    west, south, east, north = shapely.total_bounds(polygons)
    x, y = rng.uniform(west, east, FEW_POINTS + 1), rng.uniform(south, north, FEW_POINTS + 1)
    one, several = RasterCover(polygons).owner(x, y), RasterCover(polygons, threads=2).owner(x, y)
    np.testing.assert_array_equal(one, several)
