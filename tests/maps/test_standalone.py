"""The stand-alone file opened from disk: it asks nobody, and answers the same questions."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gridmap.maps.export import standalone_page
from tests.maps.conftest import Opened, as_map_data
from tests.maps.server import World
from tests.maps.test_workbench import _pixel
from tests.maps.town import town

Opening = Callable[..., Opened]


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> str:
    path: Path = tmp_path_factory.mktemp("map") / "map.html"
    path.write_text(standalone_page(as_map_data(town()), language="zh"), encoding="utf-8")
    return path.as_uri()


def test_the_file_asks_for_nothing_but_itself(file: str, opening: Opening, keep: Any) -> None:
    opened = opening(file)
    page = opened.ready()
    assert [url for url in opened.asked if not url.startswith("data:")] == [file]
    assert opened.errors == []
    assert page.locator(".gm-row").count() == 118
    assert page.locator(".gm-name-grid").count() > 60
    keep(page, "standalone")


def test_a_click_is_answered_as_the_server_would(file: str, world: World, opening: Opening) -> None:
    building = world.data["base"]["buildings"]["features"][700]
    lon, lat = np.mean(building["geometry"]["coordinates"][0][:-1], axis=0)
    opened = opening(f"{file}#map=17/{lat}/{lon}")
    page = opened.ready()
    page.mouse.click(*_pixel(page, lon, lat))
    page.locator(".gm-here", has_text="楼栋").wait_for()
    expected = world._locate(lon, lat)
    words = page.locator(".gm-grid-card").inner_text()
    assert expected["grid"]["name"] in words
    assert expected["grid"]["code"] in words
    assert world.data["duties"][expected["grid"]["code"]][0]["name"] in page.locator("#gm-body").inner_text()
    assert "站点" in page.locator("#gm-body").inner_text()
    assert opened.errors == []


def test_near_a_border_it_warns(file: str, world: World, opening: Opening) -> None:
    lon, lat = world.data["grids"][3]["features"][60]["geometry"]["coordinates"][0][0]
    page = opening(f"{file}#map=17/{lat}/{lon}").ready()
    page.mouse.click(*_pixel(page, lon, lat))
    page.locator(".gm-here .gm-warning").first.wait_for()
    assert page.locator(".gm-here").inner_text().count("网格") >= 1


def test_levels_language_and_paper_work_without_a_server(file: str, opening: Opening) -> None:
    opened = opening(file)
    page = opened.ready()
    page.get_by_role("button", name="一级").click()
    opened.until(lambda: page.locator(".gm-row").count() == 12)
    page.locator("[data-key=language]").click()
    assert page.get_by_role("button", name="Level 1").count() == 1
    page.locator("[data-key=print]").click()
    assert page.locator(".gm-paper-head h2").inner_text().endswith("Grid service map")
    assert opened.errors == []


def test_an_empty_map_opens_too(tmp_path: Path, opening: Opening) -> None:
    data = {
        "jurisdiction": {"code": None, "name": None, "bbox": None, "levels": [], "counts": {}, "editions": []},
        "grids": {},
        "communities": {"features": []},
        "stations": {"features": []},
        "duties": {},
        "base": {name: {"features": []} for name in ("landuse", "water", "streets", "buildings")},
    }
    path = tmp_path / "empty.html"
    path.write_text(standalone_page(as_map_data(data), language="en"), encoding="utf-8")
    opened = opening(path.as_uri())
    opened.page.locator(".gm-empty").wait_for()
    assert opened.errors == []


def test_grids_alone_without_any_figure_are_a_map(tmp_path: Path, data: dict[str, Any], opening: Opening) -> None:
    keep = ("code", "name", "level")
    features = [{**f, "properties": {k: f["properties"][k] for k in keep}} for f in data["grids"][3]["features"]]
    nothing: dict[str, Any] = {"features": []}
    data.update(grids={3: {"features": features}}, communities=nothing, stations=nothing, duties={})
    data["base"] = dict.fromkeys(data["base"], nothing)
    path = tmp_path / "bare.html"
    path.write_text(standalone_page(as_map_data(data), language="zh"), encoding="utf-8")
    opened = opening(path.as_uri())
    page = opened.ready()
    assert page.locator(".gm-name-grid").count() > 20
    page.locator(".gm-row").first.click()
    page.locator(".gm-grid-card").wait_for()
    assert opened.errors == []
