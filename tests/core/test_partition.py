"""Grids follow from cells: polygons, totals, pieces, labels, neighbours, colours, codes."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from gridmap.core import partition
from gridmap.core.cells.coverage import tiles_exactly
from gridmap.errors import InputError
from tests.core.towns import made

GRIDS = 5


def assigned(seed: int, noise: int):
    _, fabric = made(seed)
    rng = np.random.default_rng(noise)
    xy = fabric.cells[["x_m", "y_m"]].to_numpy()
    grid = np.argmin(np.linalg.norm(xy[:, None] - xy[rng.permutation(len(xy))[:GRIDS]][None], axis=2), axis=1)
    return fabric, grid


@examples(max_examples=10)
@given(st.integers(0, 7), st.integers(0, 99))
def test_grids_are_an_exact_coverage_of_the_same_land(seed, noise):
    fabric, grid = assigned(seed, noise)
    polygons = partition.dissolve(fabric.cells.geometry.to_numpy(), grid, GRIDS)
    assert shapely.is_valid(polygons).all()
    assert shapely.coverage_is_valid(polygons)
    area = partition.totals(fabric.cells["area_m2"].to_numpy(), grid, GRIDS)
    assert shapely.area(polygons) == pytest.approx(area, abs=0.1)
    assert tiles_exactly(shapely.get_parts(polygons))


@examples(max_examples=10)
@given(st.integers(0, 7), st.integers(0, 99))
def test_pieces_are_the_bodies_of_the_polygons(seed, noise):
    fabric, grid = assigned(seed, noise)
    grid[::7] = 0
    a, b = fabric.edge_positions()
    polygons = partition.dissolve(fabric.cells.geometry.to_numpy(), grid, GRIDS)
    found = partition.pieces(a, b, grid, GRIDS, area_m2=fabric.cells["area_m2"].to_numpy())
    assert found.count(GRIDS).tolist() == shapely.get_num_geometries(polygons).tolist()
    bodies = np.sort(shapely.area(shapely.get_parts(polygons)))
    assert np.sort(found.area_m2) == pytest.approx(bodies, abs=0.1)
    assert (found.grid[found.of_cell] == grid).all()


@examples(max_examples=10)
@given(st.integers(0, 7), st.integers(0, 99))
def test_neighbouring_grids_differ_in_colour_and_given_colours_stay(seed, noise):
    fabric, grid = assigned(seed, noise)
    a, b = fabric.edge_positions()
    edges = partition.grid_neighbours(a, b, fabric.edges["length_m"].to_numpy(), grid, GRIDS)
    colour = partition.colours(edges, GRIDS)
    assert (colour[edges.a] != colour[edges.b]).all()
    assert colour.max() < 6
    assert partition.colours(edges, GRIDS, given=colour.tolist()).tolist() == colour.tolist()
    polygons = partition.dissolve(fabric.cells.geometry.to_numpy(), grid, GRIDS)
    shared = shapely.length(shapely.intersection(polygons[edges.a], polygons[edges.b]))
    assert edges.length_m == pytest.approx(shared, abs=0.05)


def test_of_two_neighbours_with_one_given_colour_one_changes():
    edges = partition.GridEdges(np.array([0]), np.array([1]), np.array([10.0]))
    colour = partition.colours(edges, 3, given=[4, 4, 2])
    assert colour[0] == 4
    assert colour[1] != 4
    assert colour[2] == 2


def test_cells_without_grid_are_in_no_polygon_and_no_total():
    cells = np.array([shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1)])
    grid = np.array([-1, 1])
    polygons = partition.dissolve(cells, grid, 3)
    assert [p.is_empty for p in polygons] == [True, False, True]
    assert partition.totals(np.array([5.0, np.nan]), grid, 3).tolist() == [0, 0, 0]
    assert [p is None for p in partition.label_points(polygons)] == [True, False, True]
    found = partition.pieces(np.array([0]), np.array([1]), grid, 3, area_m2=np.ones(2))
    assert found.of_cell.tolist() == [-1, 0]


def test_an_assignment_to_a_grid_that_does_not_exist_is_refused():
    with pytest.raises(InputError, match="do not exist"):
        partition.totals(np.ones(1), np.array([2]), 2)


def test_the_label_lies_where_the_grid_is_widest():
    shape = shapely.union_all([shapely.box(0, 0, 100, 2), shapely.box(90, 0, 100, 10)])
    (point,) = partition.label_points(np.array([shape]))
    assert point.distance(shapely.Point(95, 5)) < 1


TOWN = "990101001001"


def test_codes_go_from_west_to_east_then_north_to_south():
    points = shapely.points([[20, 0], [10, 0], [10, 50], [5, 0]])
    codes = partition.new_codes([TOWN] * 4, points, present={})
    assert codes == [f"{TOWN}{n:03d}" for n in (4, 3, 2, 1)]


def test_existing_codes_stay_and_retired_ones_are_not_given_again():
    points = shapely.points([[0, 0], [1, 0], [2, 0]])
    codes = partition.new_codes([TOWN, TOWN, "990101001002"], points, present={1: f"{TOWN}003"}, retired=[f"{TOWN}004"])
    assert codes == [f"{TOWN}005", f"{TOWN}003", "990101001002001"]


def test_when_the_last_serial_is_taken_free_ones_are_used_and_then_it_says_so():
    present = {1: f"{TOWN}999"}
    assert partition.new_codes([TOWN] * 2, shapely.points([[0, 0]] * 2), present=present)[0] == f"{TOWN}001"
    full = [f"{TOWN}{n:03d}" for n in range(1, 1000)]
    with pytest.raises(InputError, match="no grid number left"):
        partition.new_codes([TOWN], shapely.points([[0, 0]]), present={}, retired=full)


def test_wrong_codes_are_refused():
    with pytest.raises(InputError, match="12 digits"):
        partition.new_codes(["99"], shapely.points([[0, 0]]), present={})
    with pytest.raises(InputError, match="repeat"):
        partition.new_codes([TOWN] * 2, shapely.points([[0, 0]] * 2), present={0: "a", 1: "a"})
