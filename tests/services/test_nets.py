"""Departments' nets beside each other and beside the grids, from import to file (see town)."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import geopandas as gpd
import orjson
import pytest
import shapely

from gridmap.errors import NotFound
from gridmap.services import nets
from gridmap.services.plans import PlanDesk
from gridmap.store.database import Place
from tests.services import town
from tests.services.test_plans import NW, give


def box(west: float, south: float, east: float, north: float) -> shapely.Polygon:
    return shapely.box(town.X0 + west, town.Y0 + south, town.X0 + east, town.Y0 + north)


@pytest.fixture
def desk(town_place: Place, importer: Any) -> PlanDesk:
    """Police beats are columns of blocks; the cleaners' border between the first two runs through houses."""
    beats = [box(c * 200, 0, c * 200 + 200, 400) for c in range(4)]
    cleaners = [box(0, 0, 125, 400), box(125, 0, 800, 400)]
    table = {
        "source_id": [f"n{k}" for k in range(6)],
        "net": ["公安警务网"] * 4 + ["环卫作业网"] * 2,
        "department": ["公安局"] * 4 + ["城管局"] * 2,
        "code": [f"JW{k}" for k in range(4)] + ["HW0", "HW1"],
        "name": [f"第{k}警务区" for k in range(4)] + ["西片", "东片"],
    }
    importer(town_place, "nets", town.lonlat(table, [*beats, *cleaners]))
    return PlanDesk(town_place)


def test_nets_are_listed_and_drawn(desk: PlanDesk) -> None:
    assert nets.listed(desk.place) == [
        {"net": "公安警务网", "department": "公安局", "areas": 4},
        {"net": "环卫作业网", "department": "城管局", "areas": 2},
    ]
    areas = orjson.loads(nets.areas_geojson(desk.place, "环卫作业网"))["features"]
    assert [f["properties"]["code"] for f in areas] == ["HW0", "HW1"]
    assert len(orjson.loads(nets.areas_geojson(desk.place))["features"]) == 6


def test_a_net_of_whole_grids_agrees_and_one_that_cuts_a_grid_is_told_with_its_households(desk: PlanDesk) -> None:
    beats = nets.compared(desk, "公安警务网")
    assert {p["status"] for p in beats["pieces"]} == {"agree"}
    assert beats["totals"]["agree"]["households"] == 48 * 50
    cleaners = nets.compared(desk, "环卫作业网")
    apart = [p for p in cleaners["pieces"] if p["status"] == "disagree"]
    # two of six houses of each of the two grids in the first column stand east of the line
    assert sorted((p["first"], p["second"], p["households"], p["buildings"]) for p in apart) == sorted(
        ("HW1", town.code(0, r), 100, 2) for r in range(2)
    )
    assert nets.compared(desk, "环卫作业网", "公安警务网")["totals"]["disagree"]["households"] == 200
    rows = {(r["first"], r["second"]): r["totals"]["disagree"]["households"] for r in nets.summary(desk)}
    assert rows == {("公安警务网", "环卫作业网"): 200, ("公安警务网", "grids"): 0, ("环卫作业网", "grids"): 200}


def test_the_land_they_disagree_on_is_drawn_and_written(desk: PlanDesk, tmp_path: Path) -> None:
    land = orjson.loads(nets.pieces_geojson(desk, "环卫作业网"))["features"]
    assert [f["properties"]["households"] for f in land] == [100, 100]
    assert all(shapely.geometry.shape(f["geometry"]).is_valid for f in land)
    file = tmp_path / "nets.gpkg"
    assert nets.write_nets(desk, "环卫作业网", "grids", file) == len(gpd.read_file(file, layer="pieces"))


def test_a_net_is_compared_with_a_plan_too(desk: PlanDesk) -> None:
    number = int(desk.new(title="明年", who="anna")["id"])
    desk.operate(number, give("b003", NW), who="anna")
    with_plan = nets.compared(desk, "公安警务网", f"plan:{number}")
    assert with_plan["totals"]["disagree"]["households"] == 0
    assert sum(p["households"] for p in with_plan["pieces"] if p["second"] == NW) == 350


def test_the_overlay_of_all_nets_is_told_as_pieces(desk: PlanDesk) -> None:
    found = nets.overlay(desk, least_households=0)
    assert found["nets"] == ["公安警务网", "环卫作业网"]
    homes: Counter[tuple[str, str]] = Counter()
    for piece in found["pieces"]:
        if piece["households"]:  # a piece is connected: the same two areas may have several
            homes[piece["area1"], piece["area2"]] += piece["households"]
    assert homes == {("JW0", "HW0"): 400, ("JW0", "HW1"): 200, **{(f"JW{k}", "HW1"): 600 for k in range(1, 4)}}


@pytest.mark.parametrize(("first", "second"), [("没有", "grids"), ("公安警务网", "没有"), ("公安警务网", "edition:77")])
def test_a_net_that_is_not_there_is_a_sentence(desk: PlanDesk, first: str, second: str) -> None:
    with pytest.raises(NotFound):
        nets.compared(desk, first, second)
    with pytest.raises(NotFound):
        nets.areas_geojson(desk.place, "没有")


def test_a_town_without_nets_says_so(town_place: Place) -> None:
    desk = PlanDesk(town_place)
    assert nets.listed(town_place) == []
    assert nets.summary(desk) == []
    with pytest.raises(NotFound, match="import nets"):
        nets.overlay(desk, least_households=0)
