"""Cells tile land, keep buildings whole, and come out the same however they are made."""

from __future__ import annotations

from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from gridmap.core.cells import BaseData, CellSettings, build_cells, fill
from gridmap.core.cells.coverage import tiles_exactly
from gridmap.core.cells.outlines import clean_outlines
from gridmap.errors import Cancelled, InputError, UnknownCrs
from gridmap.model.text import Text
from tests.core.towns import EPSG, ORIGIN, box, frame, made, place, town

towns = st.integers(0, 7)
few = examples(max_examples=8)


def bytes_of(fabric) -> bytes:
    tables = (fabric.cells, fabric.blocks, fabric.attachments, fabric.edges)
    return "".join(pd.DataFrame(t).to_csv() for t in tables).encode() + repr(fabric.findings).encode()


@few
@given(towns)
def test_cells_tile_the_extent_without_gap_or_overlap(seed):
    base, fabric = made(seed)
    cells = fabric.cells.geometry.to_numpy()
    assert tiles_exactly(cells)
    assert shapely.coverage_is_valid(cells)
    assert abs(shapely.area(cells).sum() - base.extent.area) < 1e-6 * base.extent.area
    assert fabric.cells["key"].is_unique
    assert tiles_exactly(fabric.blocks.geometry.to_numpy())


@few
@given(towns)
def test_every_building_lies_whole_in_its_only_cell(seed):
    base, fabric = made(seed)
    kept = clean_outlines(base.buildings, base.extent, CellSettings())
    cells = fabric.cells[fabric.cells["building_id"].notna()].set_index(["building_id", "part"])
    assert sorted(cells.index) == sorted(zip(kept.building.tolist(), kept.part.tolist(), strict=True))
    own = cells.loc[list(zip(kept.building.tolist(), kept.part.tolist(), strict=True))].geometry.to_numpy()
    inside = shapely.intersection(kept.polygon, base.extent)
    assert shapely.area(shapely.difference(inside, own)).max() < 0.05


@few
@given(towns)
def test_every_cell_lies_in_one_community_but_for_buildings_on_the_border(seed):
    base, fabric = made(seed)
    assert fabric.cells["area_code"].notna().all()
    listed = {f.subject for f in fabric.findings if f.rule == "building_across_official_line"}
    cut = base.buildings[("building:" + base.buildings["id"].astype(str)).isin(listed)]
    for code, area in zip(base.areas["code"], base.areas.geometry, strict=True):
        cells = shapely.union_all(fabric.cells.geometry[fabric.cells["area_code"] == code].to_numpy())
        strange = shapely.difference(shapely.symmetric_difference(cells, area), cut.buffer(0.1).union_all())
        assert strange.area < 1e-5 * area.area


@few
@given(towns, st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(seed, random):
    base, fabric = made(seed)

    def shuffled(layer: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
        order = list(range(len(layer)))
        random.shuffle(order)
        return layer.iloc[order]

    again = BaseData(
        buildings=shuffled(base.buildings), streets=shuffled(base.streets), water=shuffled(base.water),
        areas=shuffled(base.areas), extent=base.extent,
    )  # fmt: skip
    assert bytes_of(build_cells(again)) == bytes_of(fabric)


def test_two_processes_give_the_same_bytes_as_one(monkeypatch):
    base, fabric = made(3)
    monkeypatch.setattr(fill, "_WORTH_PROCESSES", 0)
    monkeypatch.setattr(fill, "_CHUNK", 20)
    assert bytes_of(build_cells(base, processes=2)) == bytes_of(fabric)


def test_land_belongs_to_the_nearest_building_of_its_block():
    base = replace(town(11, houses=90), areas=None)
    fabric = build_cells(base)
    kept = clean_outlines(base.buildings, base.extent, CellSettings())
    built = fabric.cells[fabric.cells["kind"] == "building"].set_index(["building_id", "part"])
    built = built.loc[list(zip(kept.building.tolist(), kept.part.tolist(), strict=True))]
    points = shapely.points(ORIGIN + np.random.default_rng(0).uniform(0, 360, (4000, 2)))
    point, own = shapely.STRtree(built.geometry.to_numpy()).query(points, predicate="within")
    same_block = built["block"].to_numpy()[own][:, None] == built["block"].to_numpy()[None, :]
    distance = shapely.distance(points[point][:, None], kept.polygon[None, :])
    nearest = np.where(same_block, distance, np.inf).min(axis=1)
    assert np.mean(distance[np.arange(len(own)), own] <= nearest + 0.5) >= 0.98


@pytest.mark.parametrize("flag", ["yes", "True", "1", True, 1, "building_passage", "culvert"])
def test_a_tunnel_never_cuts_however_its_flag_is_written(flag):
    houses = frame([box(x, 40, x + 10, 60) for x in (20, 150)], id=[1, 2])
    street = shapely.LineString([place(0, 50), place(180, 50)])
    extent = box(0, 0, 180, 100)
    hidden = frame([street], highway=["primary"], tunnel=np.array([flag], dtype=object))
    open_air = frame([street], highway=["primary"], tunnel=["no"])
    assert len(build_cells(BaseData(buildings=houses, streets=hidden, extent=extent)).blocks) == 1
    assert len(build_cells(BaseData(buildings=houses, streets=open_air, extent=extent)).blocks) == 2


def test_a_street_under_ground_by_its_layer_does_not_cut():
    street = shapely.LineString([place(0, 0), place(200, 100)])
    extent = box(0, 0, 200, 100)
    below = frame([street], highway=["primary"], layer=["-1"])
    assert len(build_cells(BaseData(streets=below, extent=extent)).blocks) == 1


def test_footways_and_driveways_do_not_cut_but_are_told_on_borders_along_them():
    houses = frame([box(x, 0, x + 30, 60) for x in (10, 60)], id=[1, 2])
    path = shapely.LineString([place(50, 0), place(50, 60)])
    extent = box(0, 0, 100, 60)
    fabric = build_cells(
        BaseData(buildings=houses, streets=frame([path], highway=["footway"], name=["小径"]), extent=extent)
    )
    assert len(fabric.blocks) == 1
    assert fabric.edges[["street_class", "street_name"]].to_numpy().tolist() == [["foot", "小径"]]


def test_lanes_cut_only_large_blocks_unless_told_otherwise():
    lane = frame([shapely.LineString([place(0, 50), place(300, 50)])], highway=["service"])
    houses = frame([box(10, y, 30, y + 20) for y in (10, 70)], id=[1, 2], households=[200, 200])
    extent = box(0, 0, 300, 100)
    base = BaseData(buildings=houses, streets=lane, extent=extent)
    few_homes = replace(base, buildings=houses.assign(households=[2, 2]))
    assert len(build_cells(few_homes).blocks) == 1
    assert len(build_cells(few_homes, settings=CellSettings(lanes_cut=True)).blocks) == 2
    assert len(build_cells(base).blocks) == 2


def test_a_building_on_an_official_line_goes_to_its_entrance_else_to_its_larger_part():
    house = box(90, 40, 115, 60)
    areas = frame(
        [box(x, 0, x + 100, 100) for x in (0, 100)],
        code=["990101001001", "990101001002"],
    )
    base = BaseData(buildings=frame([house], id=[5]), areas=areas)

    def home(base: BaseData) -> str:
        fabric = build_cells(base)
        assert [f.rule for f in fabric.findings] == ["building_across_official_line"]
        return fabric.cells.loc[fabric.cells["building_id"] == 5, "area_code"].item()

    assert home(base) == "990101001002"
    door = gpd.GeoDataFrame({"building_id": [5]}, geometry=[shapely.Point(place(92, 40))], crs=EPSG)
    assert home(replace(base, parts=door)) == "990101001001"


def test_sheds_and_duplicates_hang_on_the_cell_that_they_lie_in():
    house = box(0, 0, 20, 10)
    copy = box(1, 0.5, 20, 10)
    shed = box(24, 0, 26, 2)
    extent = box(-30, -30, 60, 60)
    fabric = build_cells(BaseData(buildings=frame([shed, copy, house], id=[3, 2, 1]), extent=extent))
    assert fabric.cells["building_id"].tolist() == [1]
    key = fabric.cells["key"].item()
    assert fabric.attachments.to_numpy().tolist() == [[2, key, "duplicate"], [3, key, "small"]]
    assert {f.subject for f in fabric.findings if f.rule == "outlines_overlap"} == {"building:2"}


def test_a_building_beyond_the_extent_belongs_to_the_side_with_more_of_it():
    boxes = [box(x, 10, x + 20, 30) for x in (-5, 92, 40)]
    fabric = build_cells(BaseData(buildings=frame(boxes, id=[1, 2, 3]), extent=box(0, 0, 100, 40)))
    assert sorted(fabric.cells["building_id"]) == [1, 3]
    assert {f.subject for f in fabric.findings if f.rule == "building_beyond_extent"} == {"building:1", "building:2"}
    assert fabric.cells.union_all().equals(box(0, 0, 100, 40).normalize())


def test_a_building_of_two_bodies_has_two_cells():
    bodies = shapely.MultiPolygon([box(x, 10, x + 20, 30) for x in (0, 60)])
    other = box(30, 10, 50, 30)
    fabric = build_cells(BaseData(buildings=frame([bodies, other], id=[1, 2]), extent=box(0, 0, 80, 40)))
    assert sorted(zip(fabric.cells["building_id"], fabric.cells["part"], strict=True)) == [(1, 0), (1, 1), (2, 0)]


def test_a_large_building_is_divided_among_its_entrances():
    slab = box(10, 10, 70, 22)
    doors = gpd.GeoDataFrame(
        {"building_id": [1, 1, 1, 9]},
        geometry=[shapely.Point(place(x, 10)) for x in (60, 20, 40, 0)],
        crs=EPSG,
    )
    base = BaseData(
        buildings=frame([slab], id=[1], households=[420]),
        parts=doors,
        extent=box(0, 0, 80, 40),
    )
    cells = build_cells(base).cells.sort_values("part")
    assert cells["part"].tolist() == [0, 1, 2]
    assert np.allclose(cells["x_m"] - ORIGIN[0], [20, 40, 60], atol=0.6)
    assert shapely.area(shapely.intersection(cells.geometry.to_numpy(), slab)) == pytest.approx([240] * 3, abs=1)
    small = replace(base, buildings=base.buildings.assign(households=[380]))
    assert build_cells(small).cells["part"].tolist() == [0]


def test_open_land_is_capped_and_its_arbitrary_borders_are_told():
    extent = box(0, 0, 1000, 600)
    pond = frame([shapely.Point(place(800, 300)).buffer(60)], water_kind=["lake"])
    fabric = build_cells(BaseData(buildings=frame([box(50, 50, 70, 70)], id=[1]),
                                  water=pond, extent=extent))  # fmt: skip
    kinds = fabric.cells.set_index("key")["kind"]
    assert set(kinds) == {"building", "open_synthetic", "water"}
    assert fabric.cells.loc[fabric.cells["kind"] == "open_synthetic", "area_m2"].between(500, 100_001).all()
    made_up = fabric.edges[fabric.edges["synthetic"]]
    assert len(made_up)
    assert set(made_up["a"].map(kinds)) | set(made_up["b"].map(kinds)) == {"open_synthetic"}
    assert set(fabric.edges.loc[fabric.edges["street_class"] == "water", "synthetic"]) == {False}


def test_if_only_polygons_are_known_the_polygons_are_the_cells():
    polygons = frame(
        [box(0, 0, 900, 900),
         shapely.MultiPolygon([box(900, 0, 2000, 900),
                               box(3000, 0, 3100, 90)])],
        code=["a", "b"],
    )  # fmt: skip
    fabric = build_cells(BaseData(legacy=polygons))
    assert sorted(fabric.cells["legacy_code"]) == ["a", "b", "b"]
    for code, polygon in zip(polygons["code"], polygons.geometry, strict=True):
        cells = fabric.cells[fabric.cells["legacy_code"] == code].union_all()
        assert cells.equals(polygon)
    assert build_cells(BaseData(areas=polygons)).cells["area_code"].tolist().count("b") == 2


@few
@given(towns)
def test_the_border_lengths_of_neighbours_add_up_to_the_perimeters(seed):
    _, fabric = made(seed)
    outer = fabric.cells.union_all().length
    assert 2 * fabric.edges["length_m"].sum() + outer == pytest.approx(fabric.cells.length.sum(), rel=1e-5)
    assert (fabric.edges["a"] < fabric.edges["b"]).all()


def test_the_point_of_a_cell_is_the_centroid_of_its_footprint():
    base, fabric = made(2)
    cells = fabric.cells[fabric.cells["building_id"].notna()]
    points = shapely.points(cells["x_m"], cells["y_m"])
    assert shapely.contains(cells.geometry.to_numpy(), points).all()
    whole = base.buildings[base.buildings.within(base.extent) & (base.buildings.area > 30)]
    alone = whole[~whole["id"].isin([int(f.subject.split(":")[1]) for f in fabric.findings])].set_index("id")
    pair = cells.set_index("building_id").join(alone.geometry.centroid.rename("centre"), how="inner")
    assert pair.shape[0] > 10
    assert np.abs(pair["x_m"] - pair["centre"].x).max() < 0.02


def test_a_person_can_stop_it_and_sees_the_share_grow():
    base, _ = made(1)
    told = []

    def watch(share: float, doing: Text) -> None:
        told.append(share)
        if share > 0.3:
            raise Cancelled("已取消", "cancelled")

    with pytest.raises(Cancelled):
        build_cells(base, progress=watch)
    assert told == sorted(told)


def test_wrong_input_is_refused_with_a_sentence():
    house = frame([box(0, 0, 10, 10)] * 2, id=[1, 1])
    with pytest.raises(InputError, match="repeated"):
        build_cells(BaseData(buildings=house))
    with pytest.raises(InputError, match="no data"):
        build_cells(BaseData())
    with pytest.raises(UnknownCrs, match="metric"):
        build_cells(BaseData(buildings=house.to_crs(4326)))
    with pytest.raises(UnknownCrs, match="different"):
        build_cells(BaseData(buildings=house, water=house.to_crs(4549)))
    with pytest.raises(InputError, match="Codes"):
        build_cells(BaseData(legacy=house.assign(code=["a", "a"])))


def test_broken_shapes_do_no_harm():
    bow = shapely.Polygon([place(10, 10), place(30, 30), place(30, 10), place(10, 30)])
    high = shapely.Polygon([(*place(50, 50), 3), (*place(60, 50), 3), (*place(60, 60), 3)])
    mixed = shapely.GeometryCollection([box(70, 70, 90, 90), shapely.Point(place(1, 1))])
    shapes = [bow, None, shapely.Polygon(), shapely.Point(place(5, 5)), high, mixed]
    buildings = gpd.GeoDataFrame({"id": range(6)}, geometry=shapes, crs=EPSG)
    cross = shapely.MultiLineString([[place(-10, 50), place(110, 50)], [place(50, -10), place(50, 110)]])
    nothing = shapely.LineString([place(3, 3), place(3, 3)])
    streets = gpd.GeoDataFrame(
        {"highway": ["primary", "primary", None, "primary", "weird"], "layer": [0, "x", None, float("nan"), 2]},
        geometry=[cross, shapely.LineString(), None, nothing, shapely.LineString([place(0, 20), place(100, 20)])],
        crs=EPSG,
    )
    fabric = build_cells(BaseData(buildings=buildings, streets=streets, extent=box(0, 0, 100, 100)))
    assert tiles_exactly(fabric.cells.geometry.to_numpy())
    assert set(fabric.cells["building_id"].dropna()) == {0, 4, 5}
    assert len(fabric.blocks) == 4


@pytest.mark.parametrize(
    "extent", [box(0, 0, 360, 360).difference(box(100, 100, 200, 200)), box(0, 0, 90, 360).union(box(150, 0, 360, 360))]
)
def test_an_extent_may_have_holes_and_several_parts(extent):
    fabric = build_cells(replace(made(2)[0], areas=None, extent=extent))
    assert tiles_exactly(fabric.cells.geometry.to_numpy())
    assert fabric.cells.area.sum() == pytest.approx(extent.area, abs=0.1)


def test_missing_codes_are_none_and_not_a_number():
    cells = build_cells(BaseData(buildings=frame([box(0, 0, 20, 20)], id=[1]))).cells
    assert cells[["area_code", "legacy_code"]].to_numpy().tolist() == [[None, None]]
