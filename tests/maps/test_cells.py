"""Cells on the map: off until asked for, hairlines from the server's tiles, never in a stand-alone file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gridmap.maps.data import MapData
from gridmap.maps.export import standalone_page
from tests.maps.conftest import Opened
from tests.maps.encoder import Layer
from tests.maps.server import World
from tests.maps.test_workbench import _colour, _pixel

Opening = Callable[..., Opened]
WEST, SOUTH, STEP = 116.899, 28.3, 0.0005
BARE = "hide=base,communities,grids,names,stations"


@pytest.fixture
def squares(world: World) -> World:
    """Four cells from west to east: a building, open land, open land cut without a street, water."""
    features = []
    for i, kind in enumerate(("building", "open", "open_synthetic", "water")):
        west, east, north = WEST + i * STEP, WEST + (i + 1) * STEP, SOUTH + STEP
        ring = [(west, SOUTH), (east, SOUTH), (east, north), (west, north), (west, SOUTH)]
        geometry = {"type": "Polygon", "coordinates": [ring]}
        features.append({"type": "Feature", "properties": {"id": i + 1, "kind": kind}, "geometry": geometry})
    world.cells = Layer({"features": features})
    return world


def _cells_asked(world: World) -> list[str]:
    return [path for path in world.asked if path.startswith("/tiles/cells/")]


def test_cells_are_not_asked_for_until_they_are_switched_on(url: str, squares: World, opening: Opening) -> None:
    opened = opening(f"{url}/map#map=17/{SOUTH}/{WEST}")
    page = opened.ready()
    assert _cells_asked(squares) == []
    assert "基本单元" not in page.locator("#gm-legend").inner_text()
    page.locator("[data-key=layers]").click()
    assert not page.get_by_label("基本单元").is_checked()
    before = [path for path in squares.asked if path.startswith("/tiles/base/")]
    page.get_by_label("基本单元").check()
    opened.until(lambda: _cells_asked(squares))
    assert "基本单元（绿：空地）" in page.locator("#gm-legend").inner_text()
    assert "show=cells" in page.url
    page.wait_for_timeout(200)
    assert [path for path in squares.asked if path.startswith("/tiles/base/")] == before
    page.get_by_label("基本单元").uncheck()
    assert "基本单元" not in page.locator("#gm-legend").inner_text()
    assert "cells" not in page.url
    assert opened.errors == []


def test_open_land_is_green_and_water_and_houses_are_not(url: str, squares: World, opening: Opening) -> None:
    opened = opening(f"{url}/map#map=18/{SOUTH}/{WEST}&{BARE}&show=cells")
    page = opened.ready()
    assert _cells_asked(squares)

    def colour(column: float, row: float = 0.5) -> tuple[int, ...]:
        return _colour(page, *_pixel(page, WEST + column * STEP, SOUTH + row * STEP))

    building, open_land, synthetic, water, outside = (colour(x) for x in (0.5, 1.5, 2.5, 3.5, 4.5))
    assert building == water == outside
    assert open_land == synthetic
    assert open_land[1] > open_land[0]
    assert open_land[1] > open_land[2]
    assert sum(colour(0.5, row=0)) < sum(building), "a hairline around the cell"


def test_a_link_brings_the_cells_back(url: str, squares: World, opening: Opening) -> None:
    link = f"{url}/map#map=17/28.30000/116.90000&level=3&show=cells&lang=en"
    page = opening(link).ready()
    assert page.url == link
    page.locator("[data-key=layers]").click()
    assert page.get_by_label("Cells").is_checked()


def test_far_away_the_legend_says_to_zoom_in_and_nothing_is_asked(url: str, squares: World, opening: Opening) -> None:
    opened = opening(f"{url}/map#map=13/{SOUTH}/{WEST}&show=cells")
    page = opened.ready()
    page.locator("#gm-legend", has_text="放大后显示").wait_for()
    assert _cells_asked(squares) == []
    page.locator("#map_main").focus()
    page.keyboard.press("+")
    opened.until(lambda: _cells_asked(squares))
    page.locator("#gm-legend", has_text="绿：空地").wait_for()


def test_the_ground_is_drawn_when_the_cells_fail(url: str, world: World, opening: Opening) -> None:
    """The server answers 404 for every tile of cells."""
    opened = opening(f"{url}/map#map=16/{SOUTH}/{WEST}&show=cells")
    page = opened.ready()
    assert "水系" in page.locator("#gm-legend").inner_text()


def test_a_stand_alone_file_offers_no_cells(tmp_path: Path, map_data: MapData, opening: Opening) -> None:
    file = tmp_path / "map.html"
    file.write_text(standalone_page(map_data, language="zh"), encoding="utf-8")
    opened: Any = opening(f"{file.as_uri()}#map=16/{SOUTH}/{WEST}&show=cells")
    page = opened.ready()
    page.locator("[data-key=layers]").click()
    assert page.get_by_label("网格", exact=True).count() == 1
    assert page.get_by_label("基本单元").count() == 0
    assert "基本单元" not in page.locator("#gm-legend").inner_text()
    assert opened.errors == []
