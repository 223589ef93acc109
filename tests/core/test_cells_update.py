"""A change of base data re-makes the blocks that it touches, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
import shapely.ops
from hypothesis import assume, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from gridmap.core.cells import (
    BaseChange,
    BaseData,
    CellFabric,
    build_cells,
    suggest_grids,
    touched_blocks,
    update_cells,
)
from gridmap.core.cells.coverage import tiles_exactly
from gridmap.core.crs import on_grid, project
from tests.core.towns import EPSG, ORIGIN, box, frame, made, place


def changed_town(base: BaseData, seed: int) -> tuple[BaseData, BaseChange]:
    """Demolish two buildings, enlarge two, build three, and lay a street."""
    rng = np.random.default_rng(seed)
    rows = rng.permutation(len(base.buildings))
    gone, grown = base.buildings.iloc[rows[:2]], base.buildings.iloc[rows[2:4]]
    larger = grown.set_geometry(on_grid(grown.buffer(2.5, join_style="mitre").to_numpy())).set_crs(EPSG)
    at = ORIGIN + rng.uniform(10, 340, (3, 2))
    new = frame([shapely.box(x, y, x + 9, y + 14) for x, y in at], id=[9001, 9002, 9003], households=[1.0, 2.0, 3.0])
    rest = base.buildings.drop(index=[*gone.index, *grown.index])
    buildings = gpd.GeoDataFrame(pd.concat([rest, larger, new], ignore_index=True), crs=EPSG)
    street = frame([shapely.LineString(ORIGIN + rng.uniform(0, 360, (2, 2)))], highway=["residential"], tunnel=["no"])
    streets = gpd.GeoDataFrame(pd.concat([base.streets, street], ignore_index=True), crs=EPSG)
    change = BaseChange(buildings=pd.concat([gone, grown, larger, new]), streets=street)
    return replace(base, buildings=buildings, streets=streets), change


@examples(max_examples=8)
@given(st.integers(0, 7))
def test_only_touched_blocks_change_and_the_cells_still_tile_the_land(seed):
    base, fabric = made(seed)
    now, change = changed_town(base, seed)
    result = update_cells(fabric, now, change)
    cells = result.fabric.cells
    assert tiles_exactly(cells.geometry.to_numpy())
    assert abs(cells.area.sum() - fabric.cells.area.sum()) < 1.0
    kept = fabric.cells[~fabric.cells["block"].isin(result.touched_blocks)].set_index("key")
    again = cells.set_index("key").loc[kept.index]
    assert (again.geometry.to_numpy() == kept.geometry.to_numpy()).all()
    assert set(cells["key"]) == set(fabric.cells["key"]) - set(result.retired) | set(result.added["key"])
    assert result.touched_blocks == touched_blocks(fabric, change)
    ids = set(now.buildings.loc[now.buildings.within(base.extent) & (now.buildings.area > 40), "id"])
    held = set(cells["building_id"].dropna()) | set(result.fabric.attachments["building_id"])
    assert ids <= held
    assert not set(change.buildings["id"].iloc[:2]) & held


@examples(max_examples=8)
@given(st.integers(0, 7))
def test_edges_and_blocks_after_an_update_are_those_of_the_new_cells(seed):
    base, fabric = made(seed)
    now, change = changed_town(base, seed)
    result = update_cells(fabric, now, change).fabric
    keys = set(result.cells["key"])
    assert set(result.edges["a"]) | set(result.edges["b"]) <= keys
    assert 2 * result.edges["length_m"].sum() + result.cells.union_all().length == pytest.approx(
        result.cells.length.sum(), rel=1e-5
    )
    assert not result.edges.duplicated(["a", "b"]).any()
    assert set(result.cells["block"]) == set(result.blocks["key"])
    joined = result.cells.dissolve("block").area
    assert joined.to_numpy() == pytest.approx(
        result.blocks.set_index("key").area.loc[joined.index].to_numpy(), rel=1e-6
    )


def test_a_change_inside_a_block_gives_the_same_as_making_everything_anew():
    base, fabric = made(5)
    block = fabric.blocks.iloc[fabric.blocks.area.argmax()]
    place = shapely.maximum_inscribed_circle(block.geometry).coords[0]
    new = frame([shapely.box(place[0] - 4, place[1] - 4, place[0] + 4, place[1] + 4)], id=[9001], households=[3.0])
    assert not new.intersects(base.buildings.union_all()).any()
    now = replace(base, buildings=gpd.GeoDataFrame(pd.concat([base.buildings, new]), crs=EPSG))
    result = update_cells(fabric, now, BaseChange(buildings=new))
    anew = build_cells(now)
    assert result.touched_blocks == (block["key"],)
    pd.testing.assert_frame_equal(pd.DataFrame(result.fabric.cells), pd.DataFrame(anew.cells))
    pd.testing.assert_frame_equal(result.fabric.edges, anew.edges)
    pd.testing.assert_frame_equal(result.fabric.attachments, anew.attachments)
    back = update_cells(result.fabric, base, BaseChange(buildings=new))
    pd.testing.assert_frame_equal(pd.DataFrame(back.fabric.cells), pd.DataFrame(fabric.cells))
    assert back.retired == tuple(sorted(result.added["key"]))


@lru_cache(maxsize=8)
def divided_town(seed: int) -> tuple[BaseData, CellFabric]:
    """Return a town, its cells, and two present grids with a straight line between them that follows nothing."""
    base, _ = made(seed)
    west, east = np.random.default_rng(seed).uniform(0.2, 0.8, 2) * 360
    line = shapely.LineString([place(west, -1), place(east, 361)])
    base = replace(base, legacy=frame(shapely.get_parts(shapely.ops.split(base.extent, line)), code=["G1", "G2"]))
    return base, build_cells(base)


def change_inside(base: BaseData, fabric: CellFabric, seed: int) -> tuple[BaseData, BaseChange] | None:
    """Build a house inside a block that the line of a grid cut, or demolish one of several there."""
    rng = np.random.default_rng(seed)
    cut = fabric.blocks[fabric.blocks["legacy_code"].notna()]
    block = cut.sample(1, random_state=seed).iloc[0]
    held = base.buildings[base.buildings["id"].isin(fabric.cells["building_id"][fabric.cells["block"] == block["key"]])]
    if rng.integers(2):
        free = held[~held.dwithin(block.geometry.boundary, 0.1)]
        if len(held) < 2 or free.empty:
            return None
        house = free.iloc[:1]
        return replace(base, buildings=base.buildings.drop(index=house.index)), BaseChange(buildings=house)
    west, south, east, north = block.geometry.bounds
    x, y = rng.uniform(west, east, 50), rng.uniform(south, north, 50)
    houses = shapely.box(x - 5, y - 4, x + 5, y + 4)
    good = shapely.contains(shapely.buffer(block.geometry, -1), houses) & ~shapely.intersects(
        base.buildings.union_all(), houses
    )
    if not good.any():
        return None
    house = frame([houses[good][0]], id=[9001], households=[3.0])
    buildings = gpd.GeoDataFrame(pd.concat([base.buildings, house]), crs=EPSG)
    return replace(base, buildings=buildings), BaseChange(buildings=house)


@examples(max_examples=6)
@given(st.integers(0, 7), st.integers(0, 10_000))
def test_a_change_in_a_block_that_a_grid_line_cut_gives_the_same_as_making_everything_anew(town_seed, seed):
    base, fabric = divided_town(town_seed)
    found = change_inside(base, fabric, seed)
    assume(found is not None)
    now, change = found
    # A house in a thin face, or over another house beyond the block, changes more than what is made again.
    plain = replace(now, legacy=None)
    without = update_cells(made(town_seed)[1], plain, change).fabric
    assume(without.cells["key"].equals(build_cells(plain).cells["key"]))
    updated, anew = update_cells(fabric, now, change).fabric, build_cells(now)
    assert tiles_exactly(updated.cells.geometry.to_numpy())
    pd.testing.assert_frame_equal(pd.DataFrame(updated.cells), pd.DataFrame(anew.cells))
    assert updated.blocks.geometry.equals(anew.blocks.geometry)
    pd.testing.assert_frame_equal(updated.edges, anew.edges)


@examples(max_examples=5)
@given(st.integers(0, 7))
def test_a_street_moves_no_more_land_between_grids_than_making_everything_anew(seed):
    base, fabric = divided_town(seed)
    changed, change = changed_town(base, seed)
    now = replace(base, streets=changed.streets)
    updated = update_cells(fabric, now, BaseChange(streets=change.streets)).fabric
    assert tiles_exactly(updated.cells.geometry.to_numpy())
    was, after, anew = (f.cells.dissolve("legacy_code").geometry for f in (fabric, updated, build_cells(now)))
    assert list(was.index) == list(after.index) == ["G1", "G2"]
    moved, moved_anew = (shapely.area(shapely.symmetric_difference(was["G1"], g["G1"])) for g in (after, anew))
    assert moved <= moved_anew + 0.003 * was["G1"].area


def test_cells_that_went_through_the_store_are_updated_alike():
    base, fabric = made(6)
    now, change = changed_town(base, 6)

    def stored(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
        return project(frame.to_crs(4326), EPSG)

    restored = replace(fabric, cells=stored(fabric.cells), blocks=stored(fabric.blocks))
    assert (restored.cells.geometry.to_numpy() == fabric.cells.geometry.to_numpy()).all()
    first, second = (update_cells(f, now, change) for f in (fabric, restored))
    pd.testing.assert_frame_equal(pd.DataFrame(first.fabric.cells), pd.DataFrame(second.fabric.cells))


def test_the_touched_blocks_and_their_neighbours_are_enough():
    base, fabric = made(4)
    new = frame([box(60, 60, 70, 72)], id=[9001], households=[3.0])
    change = BaseChange(buildings=new)
    now = replace(base, buildings=gpd.GeoDataFrame(pd.concat([base.buildings, new]), crs=EPSG))
    blocks = fabric.blocks[fabric.blocks["key"].isin(touched_blocks(fabric, change))]
    inside = fabric.cells[fabric.cells["block"].isin(blocks["key"])]
    ends = fabric.edges[fabric.edges["a"].isin(inside["key"]) | fabric.edges["b"].isin(inside["key"])]
    near = fabric.cells[fabric.cells["key"].isin([*ends["a"], *ends["b"]])]
    part = CellFabric(
        epsg=EPSG, cells=near, blocks=blocks, edges=ends,
        attachments=fabric.attachments[fabric.attachments["cell"].isin(inside["key"])],
    )  # fmt: skip
    here = replace(now, buildings=now.buildings[now.buildings.dwithin(blocks.union_all(), 1)])
    few, all_ = update_cells(part, here, change), update_cells(fabric, now, change)
    assert few.retired == all_.retired
    pd.testing.assert_frame_equal(pd.DataFrame(few.added), pd.DataFrame(all_.added))
    pd.testing.assert_frame_equal(few.edges_added, all_.edges_added)
    pd.testing.assert_frame_equal(few.lineage, all_.lineage)


def test_a_building_that_straddled_leaves_a_straight_border_when_it_goes():
    house = frame([box(40, 42, 60, 55)], id=[1])
    other = frame([box(10, 10, 20, 20)], id=[2])
    street = frame([shapely.LineString([place(0, 50), place(100, 50)])], highway=["residential"])
    extent = box(0, 0, 100, 100)
    base = BaseData(buildings=pd.concat([house, other]), streets=street, extent=extent)
    fabric = build_cells(base)
    assert len(fabric.blocks) == 2
    assert not fabric.blocks.area.round(3).eq(5000).all()
    result = update_cells(fabric, replace(base, buildings=other), BaseChange(buildings=house))
    assert result.fabric.blocks.area.round(3).tolist() == [5000, 5000]


def test_an_official_line_that_moves_moves_cells_to_the_other_community():
    houses = frame([box(x, 40, x + 10, 60) for x in (20, 50, 80)], id=[1, 2, 3])

    def areas(x: float) -> gpd.GeoDataFrame:
        west, east = (0, 0, x, 100), (x, 0, 110, 100)
        boxes = [shapely.box(*(ORIGIN + b[:2]), *(ORIGIN + b[2:])) for b in (west, east)]
        return frame(boxes, code=["W", "E"])

    base = BaseData(buildings=houses, areas=areas(40))
    fabric = build_cells(base)
    result = update_cells(fabric, replace(base, areas=areas(70)), BaseChange(areas=pd.concat([areas(40), areas(70)])))
    cells = result.fabric.cells.dropna(subset="building_id").set_index("building_id")
    assert cells["area_code"].to_dict() == {1: "W", 2: "W", 3: "E"}
    # The end of the new line sits on a vertex that the rim had already, at most half a step away.
    land = result.fabric.cells.groupby("area_code")["area_m2"].sum().to_dict()
    assert land == pytest.approx({"W": 7000, "E": 4000}, abs=200)


@examples(max_examples=6)
@given(st.integers(0, 7))
def test_lineage_accounts_for_all_land_and_the_new_cell_of_a_building_keeps_its_grid(seed):
    base, fabric = made(seed)
    now, change = changed_town(base, seed)
    result = update_cells(fabric, now, change)
    assert result.lineage.groupby("old")["share_of_old"].sum().to_numpy() == pytest.approx(1, abs=2e-3)
    assert result.lineage.groupby("new")["share_of_new"].sum().to_numpy() == pytest.approx(1, abs=2e-3)
    west = dict(zip(fabric.cells["key"], fabric.cells["x_m"] < ORIGIN[0] + 180, strict=True))
    suggested = suggest_grids(result, west).set_index("cell")
    assert list(suggested.index) == result.added["key"].tolist()
    assert (suggested["doubtful"] <= (suggested["share"] < 0.8)).all()
    was = fabric.cells.dropna(subset="building_id").drop_duplicates("building_id").set_index("building_id")["key"]
    for row in result.added.dropna(subset="building_id").itertuples():
        if row.building_id in was.index and row.building_id not in set(change.buildings["id"]):
            assert suggested.loc[row.key, "grid"] == west[was[row.building_id]]


def test_a_new_building_between_two_grids_is_doubtful():
    houses = frame([box(x, 40, x + 10, 60) for x in (10, 80)], id=[1, 2])
    extent = box(0, 0, 100, 100)
    base = BaseData(buildings=houses, extent=extent)
    fabric = build_cells(base)
    new = frame([box(45, 40, 56, 60)], id=[3])
    result = update_cells(fabric, replace(base, buildings=pd.concat([houses, new])), BaseChange(buildings=new))
    grid = dict(zip(fabric.cells["key"], fabric.cells["building_id"], strict=True))
    told = suggest_grids(result, grid).set_index("cell").loc[result.added.set_index("building_id")["key"]]
    assert told["grid"].to_numpy()[result.added["building_id"].to_numpy() == 1].item() == 1
    middle = told.loc[result.added.loc[result.added["building_id"] == 3, "key"].item()]
    assert middle["doubtful"]
    assert 0.4 < middle["share"] < 0.6


def test_a_building_beyond_the_land_is_listed_and_nothing_changes():
    base, fabric = made(2)
    far = frame([box(5000, 5000, 5010, 5010)], id=[9001])
    now = replace(base, buildings=gpd.GeoDataFrame(pd.concat([base.buildings, far]), crs=EPSG))
    result = update_cells(fabric, now, BaseChange(buildings=far))
    assert (len(result.added), result.retired, result.touched_blocks) == (0, (), ())
    assert [f.rule for f in result.findings] == ["building_beyond_extent"]
    nothing = update_cells(fabric, base, BaseChange())
    pd.testing.assert_frame_equal(pd.DataFrame(nothing.fabric.cells), pd.DataFrame(fabric.cells))
