"""Figures that nobody knows are a dash with a reason, never a 0, and no grid is judged by them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gridmap.maps.export import standalone_page
from tests.maps.conftest import Opened, as_map_data
from tests.maps.server import World

Opening = Callable[..., Opened]
FIGURES = ("households", "people", "buildings", "households_estimated")
CREDIT = "© OpenStreetMap contributors (ODbL)"


@pytest.fixture
def polygons_alone(data: dict[str, Any]) -> dict[str, Any]:
    """The town with borders and streets, but not one building."""
    for grids in data["grids"].values():
        for feature in grids["features"]:
            feature["properties"].update(dict.fromkeys(FIGURES, 0))
    data["jurisdiction"]["counts"].update({**dict.fromkeys(FIGURES, 0), "cells": 0})
    data["base"]["buildings"] = {"features": []}
    return data


@pytest.mark.parametrize(
    ("language", "households", "buildings"),
    [("zh", "没有户数数据", "没有楼栋数据"), ("en", "no household data", "no building data")],
)
def test_polygons_alone_have_no_figures(
    url: str, polygons_alone: dict[str, Any], opening: Opening, language: str, households: str, buildings: str
) -> None:
    opened = opening(f"{url}/map#map=15/28.30000/116.90000&lang={language}")
    page = opened.ready()
    assert page.locator(".gm-totals dd").all_inner_texts()[1:] == ["—", "—", "—"]
    assert page.locator(".gm-totals .gm-unknown").first.get_attribute("title") == households
    assert page.locator(".gm-totals .gm-unknown").last.get_attribute("title") == buildings
    assert set(page.locator(".gm-row-count").all_text_contents()) == {"—"}
    assert page.locator(".gm-under, .gm-over, .gm-bar, .gm-name-count, .gm-group-name small").count() == 0
    assert page.locator(".gm-name-grid").count() > 20
    page.locator(".gm-row").first.click()
    page.locator(".gm-grid-card").wait_for()
    assert page.locator(".gm-grid-card .gm-facts dd").all_inner_texts()[:3] == ["—", "—", "—"]
    assert page.locator(".gm-flag").count() == 0
    page.keyboard.press("Control+p")
    assert page.locator(".gm-paper-head p").inner_text() in {"118 个网格", "118 grids"}
    assert opened.errors == []


def test_where_all_households_are_estimates_a_grid_without_any_is_not_judged(
    url: str, world: World, opening: Opening
) -> None:
    counts = world.data["jurisdiction"]["counts"]
    counts["households_estimated"] = counts["households"]
    grid = world.data["grids"][3]["features"][0]["properties"]
    grid.update(kind="urban", households=0, people=0, buildings=7, households_estimated=0)
    page = opening(f"{url}/map").ready()
    assert page.locator(".gm-totals dd").nth(1).inner_text() == f"≈{counts['households']:,}"
    row = page.locator(f"[data-code='{grid['code']}']")
    assert row.locator(".gm-row-count").text_content() == "—"
    assert row.locator(".gm-bar").count() == 0
    row.click()
    page.locator(".gm-grid-card").wait_for()
    assert page.locator(".gm-grid-card .gm-facts dd").all_inner_texts()[:3] == ["—", "—", "7"]
    assert page.locator(".gm-flag").count() == 0


def test_where_households_were_counted_none_are_none(url: str, world: World, opening: Opening) -> None:
    grid = world.data["grids"][3]["features"][0]["properties"]
    grid.update(kind="urban", households=0, people=0, buildings=7, households_estimated=0)
    page = opening(f"{url}/map").ready()
    row = page.locator(f"[data-code='{grid['code']}']")
    assert row.locator(".gm-row-count").text_content() == "0▼100%"


@pytest.mark.parametrize("kind", ["rural", "dedicated"])
def test_only_urban_grids_are_measured_by_the_urban_standard(
    url: str, world: World, opening: Opening, kind: str
) -> None:
    grid = world.data["grids"][3]["features"][0]["properties"]
    grid.update(kind=kind, households=41, buildings=7, households_estimated=0)
    page = opening(f"{url}/map").ready()
    row = page.locator(f"[data-code='{grid['code']}']")
    assert row.locator(".gm-row-count").text_content() == "41"
    assert row.locator(".gm-bar").count() == 0


def test_the_band_of_the_jurisdiction_decides_what_is_marked(url: str, world: World, opening: Opening) -> None:
    world.data["jurisdiction"]["household_tolerance"] = 9.0
    page = opening(f"{url}/map").ready()
    assert page.locator(".gm-row").count() == 118
    assert page.locator(".gm-under, .gm-over").count() == 0


def _seen(opened: Opened) -> str:
    """The credit line, provided that it lies inside the window and nothing lies over it."""
    return opened.page.evaluate(
        """() => {
          const line = document.getElementById("gm-credits");
          const box = line.getBoundingClientRect();
          line.style.setProperty("pointer-events", "auto");
          const middle = [box.left + box.width / 2, box.top + box.height / 2];
          const ends = [[box.left + 3, middle[1]], middle, [box.right - 3, middle[1]]];
          const clear = ends.every(([x, y]) => line.contains(document.elementFromPoint(x, y)));
          return clear && line.scrollWidth <= line.clientWidth ? line.innerText : "";
        }"""
    )


@pytest.mark.parametrize(("size", "phone"), [((1440, 900), False), ((800, 700), False), ((390, 844), True)])
def test_the_credits_stand_on_the_screen(
    url: str, world: World, opening: Opening, size: tuple[int, int], phone: bool
) -> None:
    world.data["jurisdiction"]["attributions"] = [CREDIT]
    opened = opening(f"{url}/map#map=15/28.30000/116.90000", size=size, phone=phone)
    opened.ready()
    assert _seen(opened) == f"数据来源：{CREDIT}"
    opened.page.locator("[data-key=language]").click()
    assert _seen(opened) == f"Data: {CREDIT}"


def test_the_credits_stand_on_the_sheet(url: str, world: World, opening: Opening, keep: Any) -> None:
    world.data["jurisdiction"]["attributions"] = [CREDIT, "清岩县统计局"]
    opened = opening(f"{url}/map#map=15/28.30000/116.90000")
    page = opened.ready()
    page.keyboard.press("Control+p")
    opened.ready()
    assert _seen(opened) == f"数据来源：{CREDIT}; 清岩县统计局"
    keep(page, "sheet-credits")
    page.emulate_media(media="print")
    assert page.locator("#gm-credits").is_visible()


def test_the_credits_stand_in_the_stand_alone_file(tmp_path: Path, data: dict[str, Any], opening: Opening) -> None:
    data["jurisdiction"]["attributions"] = [CREDIT]
    file = tmp_path / "map.html"
    file.write_text(standalone_page(as_map_data(data), language="en"), encoding="utf-8")
    opened = opening(file.as_uri())
    opened.ready()
    assert _seen(opened) == f"Data: {CREDIT}"


def test_where_nobody_is_to_be_credited_there_is_no_line(url: str, opening: Opening) -> None:
    page = opening(f"{url}/map").ready()
    assert page.locator("#gm-credits").inner_text() == ""


def test_the_first_edition_was_always_in_force(url: str, world: World, opening: Opening) -> None:
    jurisdiction = world.data["jurisdiction"]
    jurisdiction["edition"]["effective_from"] = "1970-01-01T00:00:00+00:00"
    jurisdiction["editions"] = [jurisdiction["edition"]]
    page = opening(f"{url}/map").ready()
    assert page.locator("#gm-subtitle").inner_text() == "2026版"
    page.keyboard.press("Control+p")
    assert "1970" not in page.locator("body").inner_text()
    assert "版本 2026版" in page.locator(".gm-paper-foot").inner_text()
