"""Coverage without a server: the stand-alone file, and layers of an analysis in a notebook."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from gridmap.maps.coverage import CoverageData, coverage_of
from gridmap.maps.data import MapData, features_of
from gridmap.maps.export import standalone_page
from gridmap.maps.map import Coverage, Gaps, GridMap, Reach, VectorTiles
from gridmap.model.text import Text
from tests.maps.conftest import Opened, as_map_data
from tests.maps.test_coverage import percent, share
from tests.maps.test_hostile import PAYLOAD
from tests.maps.test_workbench import _pixel
from tests.maps.town import LAT, LON, town
from tests.maps.walk import Walk, homes, lonlat

Opening = Callable[..., Opened]
STEPS = (10.0, 15.0)


def _walk(minutes: float) -> Walk:
    return Walk(town()["stations"]["features"], {"minutes": [str(minutes)]})


def with_coverage(data: MapData) -> MapData:
    """The town with what a server would say of its coverage."""
    coverage = CoverageData(
        answers={minutes: _walk(minutes).answer() for minutes in STEPS},
        reach=_walk(15).area(list(STEPS)),
        gaps={minutes: _walk(minutes).gaps() for minutes in STEPS},
        buildings=_walk(15).buildings(),
        facts={"S01": {"code": "S01", "score": 7, "checks": {"code": True, "sign": False}, "tenure": "shared"}},
        minutes=10.0,
    )
    return dataclasses.replace(data, coverage=coverage)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> str:
    path: Path = tmp_path_factory.mktemp("map") / "coverage.html"
    path.write_text(standalone_page(with_coverage(as_map_data(town())), language="zh"), encoding="utf-8")
    return path.as_uri()


def test_the_file_has_both_modes_and_asks_nobody(file: str, opening: Opening, keep: Any) -> None:
    opened = opening(file)
    page = opened.ready()
    page.get_by_role("button", name="覆盖").click()
    page.locator(".gm-hero").wait_for()
    assert share(page) == percent(_walk(10).totals()["share"])
    page.locator("#gm-minutes").focus()
    page.keyboard.press("ArrowRight")
    assert share(page) == percent(_walk(15).totals()["share"])
    assert page.get_by_label("步行者").count() == 0, "only what the file can answer is offered"
    assert page.locator("[data-key=tab-tries]").count() == 0
    page.locator("[data-key=gap-1]").click()
    assert page.get_by_role("button", name="在这里试设站点").count() == 0
    page.keyboard.press("Escape")
    lon, lat = lonlat(homes().point[1100])["coordinates"]
    page.goto(f"{file}#map=17/{lat}/{lon}&mode=coverage&min=15")
    page.wait_for_timeout(600)
    opened.ready()
    page.mouse.click(*_pixel(page, lon, lat))
    page.locator(".gm-time").wait_for()
    minutes = int(np.ceil(_walk(15).seconds[1100])) // 60
    assert page.locator(".gm-time strong").inner_text().startswith(f"{minutes} 分")
    assert _walk(15).route(lon, lat)["station"]["name"] in page.locator("#gm-body").inner_text()
    assert {url for url in opened.asked if not url.startswith("data:")} == {file}
    assert opened.errors == []
    keep(page, "coverage-standalone")


def test_a_station_of_the_file_tells_its_checks_and_cannot_be_dragged(file: str, opening: Opening) -> None:
    opened = opening(f"{file}#map=15/28.30300/116.90500&mode=coverage")
    page = opened.ready()
    page.locator("[data-key=tab-stations]").click()
    page.locator("[data-key=S01]").click()
    page.locator(".gm-score").wait_for()
    assert page.locator(".gm-score strong").inner_text() == "7/8"
    assert "共用" in page.locator("#gm-body").inner_text()
    pin = page.locator(".gm-station-mark[data-code=S01]")
    box = pin.bounding_box()
    pin.focus()
    page.keyboard.press("ArrowRight")
    assert pin.bounding_box() == box
    assert opened.errors == []


def test_the_same_coverage_gives_the_same_file_twice() -> None:
    data = with_coverage(as_map_data(town()))
    assert standalone_page(data, language="en") == standalone_page(data, language="en")


def _frames() -> dict[str, gpd.GeoDataFrame]:
    """Two rings around two stations, and one gap, in metres of a UTM zone."""
    points = gpd.GeoSeries(gpd.points_from_xy([LON, LON + 0.02], [LAT, LAT]), crs=4326).to_crs(32650)
    reach = {"minutes": [5, 15], "geometry": [shapely.union_all(points.buffer(r).to_numpy()) for r in (330, 1000)]}
    gap = shapely.box(*points.iloc[0].buffer(150).bounds)
    gaps = {"households": [40, 300], "geometry": [shapely.affinity.translate(gap, 0, dy) for dy in (1500, -1500)]}
    stations = {"code": ["A", "B"], "name": ["东站", f"西站{PAYLOAD}"], "households": [900, 700], "geometry": points}
    return {name: gpd.GeoDataFrame(rows, crs=32650) for name, rows in
            {"reach": reach, "gaps": gaps, "stations": stations}.items()}  # fmt: skip


def test_layers_of_a_notebook_become_a_map_of_coverage(tmp_path: Path, opening: Opening, keep: Any) -> None:
    totals = {"households": 2000, "households_covered": 1600}
    coverage = coverage_of(**_frames(), minutes=15, totals=totals)
    data = MapData(jurisdiction={"name": "试验区"}, coverage=coverage, title=Text("覆盖", "Coverage"))
    shown = GridMap((LON - 0.02, LAT - 0.02, LON + 0.04, LAT + 0.02), data=data, mode="coverage")._repr_html_()
    path = tmp_path / "notebook.html"
    path.write_text(f"<!DOCTYPE html><meta charset=utf-8><body>{shown}</body>", encoding="utf-8")
    opened = opening(path.as_uri())
    frame = opened.page.frame_locator("iframe")
    frame.locator(".gm-hero strong").wait_for()
    assert frame.locator(".gm-hero strong").inner_text() == "80%"
    assert frame.locator(".gm-cover-row").all_inner_texts()[0].startswith("1\n300 户")
    assert frame.locator(".gm-station-mark").count() == 2
    opened.page.wait_for_timeout(400)
    keep(opened.page, "coverage-notebook")
    assert opened.page.evaluate("window.PWN") is None
    assert [error for error in opened.errors if "error:" in error] == []


def test_frames_are_ranked_and_brought_to_degrees() -> None:
    coverage = coverage_of(**_frames(), buildings=pd.DataFrame({"id": [1, 2], "seconds": [300.0, np.inf]}))
    (gaps,) = coverage.gaps.values()
    assert [f["properties"]["households"] for f in gaps["features"]] == [300, 40]
    assert [f["properties"]["rank"] for f in gaps["features"]] == [1, 2]
    assert gaps["features"][0]["properties"]["lon"] == pytest.approx(LON, abs=1e-3)
    assert coverage.buildings == {"id": [1, 2], "seconds": [300.0, None]}
    (answer,) = coverage.answers.values()
    assert answer["totals"]["share"] is None
    assert answer["stations"][0]["kind"] == "grid_station"
    assert answer["stations"][0]["lat"] == pytest.approx(LAT, abs=1e-6)


def test_frames_without_minutes_or_crs_are_refused_with_a_sentence() -> None:
    frames = _frames()
    with pytest.raises(ValueError, match="minutes"):
        coverage_of(frames["gaps"])
    with pytest.raises(ValueError, match="CRS"):
        features_of(gpd.GeoDataFrame({"geometry": [shapely.Point(0, 0)]}))


def test_python_decides_about_coverage_as_about_every_layer() -> None:
    grid_map = GridMap(layers=False, mode="coverage")
    for layer in (VectorTiles(), Coverage(), Reach(), Gaps(show=False)):
        layer.add_to(grid_map)
    config = grid_map.config()
    assert config["mode"] == "coverage"
    assert [(layer["type"], layer["show"]) for layer in config["layers"]] == [
        ("base", True),
        ("coverage", True),
        ("reach", True),
        ("gaps", False),
    ]
