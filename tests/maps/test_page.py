"""The page around Folium's map, as text."""

from __future__ import annotations

import json
import re

import folium
import pytest

from gridmap.maps.data import WorkbenchConfig
from gridmap.maps.map import Communities, GridMap, Grids, Stations, VectorTiles
from gridmap.maps.page import STATIC, content_security_policy, workbench_page
from gridmap.model.text import Text

HOSTILE = "</script><img src=x onerror=alert(1)>${alert(1)}`'\"{{7*7}}"
BOUNDS = (116.9, 28.2, 117.1, 28.4)


@pytest.fixture
def page() -> str:
    return workbench_page(WorkbenchConfig(bounds=BOUNDS), language="zh", nonce="N0NCE")


def _config(page: str) -> dict:
    return json.loads(re.search(r'id="map_main_config">(.*?)</script>', page, re.DOTALL)[1])


def test_the_same_settings_give_the_same_page_twice(page: str) -> None:
    assert page == workbench_page(WorkbenchConfig(bounds=BOUNDS), language="zh", nonce="N0NCE")


def test_pages_differ_only_where_the_nonce_stands(page: str) -> None:
    other = workbench_page(WorkbenchConfig(bounds=BOUNDS), language="zh", nonce="0THER")
    assert page.replace("N0NCE", "0THER") == other


def test_folium_makes_the_map() -> None:
    grid_map = GridMap(BOUNDS)
    assert isinstance(grid_map, folium.Map)
    script = grid_map.components()[2]
    assert "var map_main = L.map(" in script
    assert "center: [28.3, 117.0]" in script


def test_no_address_of_another_machine_is_in_the_page(page: str) -> None:
    assert re.findall(r"(?:https?:)?//[\w.-]+\.\w+", page) == []


def test_every_file_that_the_page_names_exists(page: str) -> None:
    named = re.findall(r'(?:href|src)="/static/([^"]+)"', page)
    assert len(named) > 10
    assert [name for name in named if not (STATIC / name).is_file()] == []


def test_the_page_fits_its_policy(page: str) -> None:
    policy = content_security_policy("N0NCE")
    assert policy.startswith("default-src 'none'; script-src 'self' 'nonce-N0NCE'; style-src 'self' 'nonce-N0NCE'")
    assert "unsafe" not in policy
    for tag in re.findall(r"<script[^>]*>", page):
        assert "src=" in tag or 'type="application/json"' in tag or 'nonce="N0NCE"' in tag
    assert "<style" not in page
    assert not re.search(r"<[^>]+\s(?:style|on\w+)=", page)


@pytest.mark.parametrize(("language", "tag", "skip"), [("zh", "zh-CN", "跳到"), ("en", "en", "Skip to")])
def test_the_page_says_its_language_and_can_be_zoomed(language: str, tag: str, skip: str) -> None:
    page = workbench_page(WorkbenchConfig(), language=language, nonce="n")
    assert f'<html lang="{tag}">' in page
    assert skip in page
    assert "user-scalable" not in page
    assert "maximum-scale" not in page


def test_settings_cannot_break_out_of_the_page() -> None:
    config = WorkbenchConfig(title=Text(HOSTILE, HOSTILE), review_number=HOSTILE, publisher=HOSTILE)
    page = workbench_page(config, language="zh", nonce="n")
    assert "<img" not in page
    assert page.count("</script>") == page.count("<script")
    assert _config(page)["title"]["zh"] == HOSTILE
    assert _config(page)["publisher"] == HOSTILE


def test_python_decides_layers_their_order_and_whether_they_show() -> None:
    grid_map = GridMap(BOUNDS, layers=False)
    for layer in (Grids(), VectorTiles(show=False), Stations(), Communities()):
        layer.add_to(grid_map)
    layers = grid_map.config()["layers"]
    assert [(layer["type"], layer["show"]) for layer in layers] == [
        ("grids", True),
        ("base", False),
        ("stations", True),
        ("communities", True),
    ]


def test_one_map_does_not_change_the_files_of_the_next() -> None:
    GridMap(BOUNDS, static_url="/elsewhere").components()
    header = GridMap(BOUNDS).components()[0]
    assert "/elsewhere" not in header
    assert "/static/vendor/leaflet/leaflet.js" in header


def test_static_files_may_lie_under_another_address() -> None:
    page = workbench_page(WorkbenchConfig(static_url="/static/v-1"), language="zh", nonce="n")
    assert 'import("/static/v-1/gridmap/main.js")' in page
    assert set(re.findall(r'"(/static/)(?!v-1/)', page)) == set()
