"""Grids that exist as polygons come back from cells, and what cannot be honoured is listed."""

from __future__ import annotations

from dataclasses import replace

import geopandas as gpd
import numpy as np
import pytest
import shapely

from gridmap.core import partition
from gridmap.core.cells import BaseData, build_cells
from gridmap.core.cells.coverage import tiles_exactly
from tests.core.towns import EPSG, ORIGIN, box, frame, town

GRIDS = 6


@pytest.fixture(scope="module")
def base() -> BaseData:
    return replace(town(21, blocks=4, houses=110), areas=None)


@pytest.fixture(scope="module")
def fabric(base):
    return build_cells(base)


def grown(fabric, by_block: bool) -> np.ndarray:
    """Give every cell, or every block, to the nearest of six places."""
    xy = fabric.cells[["x_m", "y_m"]]
    if by_block:
        xy = xy.groupby(fabric.cells["block"]).transform("mean")
    seeds = fabric.cells[["x_m", "y_m"]].sample(GRIDS, random_state=4).to_numpy()
    return np.argmin(np.linalg.norm(xy.to_numpy()[:, None] - seeds[None], axis=2), axis=1)


def imported(base, polygons):
    codes = [f"G{i}" for i in range(len(polygons))]
    layer = gpd.GeoDataFrame({"code": codes}, geometry=list(polygons), crs=EPSG)
    made = build_cells(replace(base, legacy=layer))
    assert tiles_exactly(made.cells.geometry.to_numpy())
    number = made.cells["legacy_code"].map({c: i for i, c in enumerate(codes)}).fillna(-1).astype(int).to_numpy()
    return made, number, partition.dissolve(made.cells.geometry.to_numpy(), number, len(polygons))


def homes(fabric, grid) -> dict:
    built = fabric.cells["building_id"].notna().to_numpy()
    return dict(zip(fabric.cells["building_id"][built], grid[built], strict=True))


def test_an_exact_dissolve_comes_back_without_any_difference(base, fabric):
    grid = grown(fabric, by_block=False)
    polygons = partition.dissolve(fabric.cells.geometry.to_numpy(), grid, GRIDS)
    again = gpd.GeoSeries(polygons, crs=EPSG).to_crs(4326).to_crs(EPSG).to_numpy()
    made, number, back = imported(base, again)
    assert made.cells["key"].tolist() == fabric.cells["key"].tolist()
    assert number.tolist() == grid.tolist()
    assert [a.equals(b) for a, b in zip(back, polygons, strict=True)] == [True] * GRIDS


@pytest.mark.parametrize("noise_m", [0.5, 1.0])
def test_jitter_up_to_a_metre_moves_no_building_and_adds_no_cell(base, fabric, noise_m):
    grid = grown(fabric, by_block=False)
    polygons = partition.dissolve(fabric.cells.geometry.to_numpy(), grid, GRIDS)
    # Noise from the place and the polygon: rings stay closed, neighbours move apart and into each other.
    noisy = [
        shapely.make_valid(shapely.transform(p, lambda xy, i=i: xy + noise_m * np.sin(7.3 * xy[:, ::-1] + i)))
        for i, p in enumerate(shapely.simplify(polygons, 2.0))
    ]
    made, number, back = imported(base, noisy)
    assert homes(made, number) == homes(fabric, grid)
    assert len(made.cells) == len(fabric.cells)
    assert (shapely.area(shapely.symmetric_difference(back, polygons)) <= 0.04 * shapely.area(polygons)).all()


@pytest.mark.parametrize("inset_m", [4.0, 8.0])
def test_grids_drawn_at_the_kerb_come_back_to_the_street_without_slivers(base, fabric, inset_m):
    grid = grown(fabric, by_block=True)
    polygons = partition.dissolve(fabric.cells.geometry.to_numpy(), grid, GRIDS)
    made, number, _ = imported(base, shapely.buffer(polygons, -inset_m, join_style="mitre"))
    assert len(made.cells) == len(fabric.cells)
    moved = [i for i, g in homes(made, number).items() if homes(fabric, grid)[i] != g]
    assert len(moved) <= 0.02 * len(homes(made, number))


def test_free_lines_cut_open_land_and_pass_round_buildings(base, fabric):
    side = 480.0
    xy = ORIGIN + np.array([(0.42 * side, -1), (0.55 * side, side + 1)])
    halves = shapely.get_parts(shapely.ops.split(base.extent, shapely.LineString(xy)))
    made, number, back = imported(base, halves)
    assert (number >= 0).all()
    assert len(made.cells) <= 1.08 * len(fabric.cells)
    difference = shapely.symmetric_difference(back, halves)
    assert (shapely.area(difference) < 0.05 * shapely.area(halves)).all()
    listed = {f.subject for f in made.findings if f.rule == "building_across_grid_line"}
    deep = base.buildings[base.buildings.intersection(halves[0]).area.between(8, base.buildings.area * 0.9)]
    deep = deep[deep.within(base.extent)]
    kept = {f"building:{i}" for i in made.cells["building_id"].dropna()}
    assert {f"building:{i}" for i in deep["id"]} & kept <= listed


def test_a_grid_that_receives_no_cell_is_listed():
    house = frame([box(10, 10, 30, 30)], id=[1])
    around = box(0, 0, 40, 40)
    inner = box(10, 10, 30, 13)
    grids = frame([around.difference(inner), inner], code=["G1", "G2"])
    made = build_cells(BaseData(buildings=house, legacy=grids))
    assert [f.subject for f in made.findings if f.rule == "grid_without_cell"] == ["grid:G2"]
