"""The workbench in a real browser, by mouse and keyboard; its policy is strict and the outside world is closed."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import numpy as np
import pytest
import shapely
from playwright.sync_api import Page

from gridmap.maps.style import STYLE
from tests.maps.conftest import Opened
from tests.maps.encoder import Layer
from tests.maps.server import World

Opening = Callable[..., Opened]
CENTRE = "#map=16/28.30000/116.90000"


def _grid(world: World, code: str) -> dict[str, Any]:
    return world._grid(code)  # type: ignore[return-value]


def _pixel(page: Page, lon: float, lat: float) -> tuple[float, float]:
    """Where a place lies in the window, from the permalink and the map's box."""
    zoom, centre_lat, centre_lon = re.search(r"map=([\d.]+)/([\d.-]+)/([\d.-]+)", page.url).groups()

    def world_px(lon: float, lat: float) -> np.ndarray:
        sine = np.sin(np.radians(lat))
        y = 0.5 - np.log((1 + sine) / (1 - sine)) / (4 * np.pi)
        return np.array([lon / 360 + 0.5, y]) * 256 * 2 ** float(zoom)

    box = page.locator("#map_main").bounding_box()
    offset = world_px(lon, lat) - world_px(float(centre_lon), float(centre_lat))
    x, y = np.array([box["x"] + box["width"] / 2, box["y"] + box["height"] / 2]) + offset
    return float(x), float(y)


def _colour(page: Page, x: float, y: float) -> tuple[int, ...]:
    """The colour of the canvas at a place of the window."""
    return tuple(
        page.evaluate(
            """([x, y]) => {
              for (const canvas of document.querySelectorAll("canvas.leaflet-tile")) {
                const box = canvas.getBoundingClientRect();
                if (x < box.left || x >= box.right || y < box.top || y >= box.bottom) continue;
                const ratio = canvas.width / box.width;
                const at = [(x - box.left) * ratio, (y - box.top) * ratio].map(Math.floor);
                return [...canvas.getContext("2d").getImageData(...at, 1, 1).data.slice(0, 3)];
              }
              return [];
            }""",
            [x, y],
        )
    )


def test_the_page_loads_without_an_error_and_asks_only_this_machine(url: str, opening: Opening, keep: Any) -> None:
    opened = opening(f"{url}/map", size=(1440, 900))
    page = opened.ready()
    assert page.title() == "清岩县网格服务管理示意图"
    assert page.locator(".gm-row").count() == 118
    assert page.locator(".gm-station").count() == 20
    assert page.locator(".gm-name-grid").count() > 60
    assert opened.errors == []
    assert all(address.startswith((url, "data:")) for address in opened.asked)
    keep(page, "workbench-1440x900")


def test_no_inline_style_is_left_for_the_policy_to_block(url: str, opening: Opening) -> None:
    opened = opening(f"{url}/map")
    page = opened.ready()
    page.locator(".gm-row").first.click()
    page.locator(".gm-grid-card").wait_for()
    assert not [line for line in opened.errors if "Content Security Policy" in line]


def test_a_click_in_the_list_shows_the_facts_of_the_grid(url: str, world: World, opening: Opening) -> None:
    opened = opening(f"{url}/map")
    page = opened.ready()
    row = page.locator(".gm-row").nth(4)
    grid = _grid(world, row.get_attribute("data-code"))
    row.click()
    card = page.locator(".gm-grid-card")
    card.locator("text=所属").wait_for()
    words = card.inner_text()
    assert grid["name"] in words
    assert grid["code"] in words
    assert f"{grid['households']:,}" in words
    assert f"其中估算 {grid['households_estimated']:,} 户" in words
    assert "城市社区网格" in words
    duties = page.locator(".gm-card", has_text="责任人").inner_text()
    assert world.data["duties"][grid["code"]][0]["name"] in duties
    assert f"grid={grid['code']}" in page.url
    assert opened.errors == []


def test_a_click_on_the_map_tells_whose_place_it_is(url: str, world: World, opening: Opening, keep: Any) -> None:
    opened = opening(f"{url}/map{CENTRE}")
    page = opened.ready()
    building = world.data["base"]["buildings"]["features"][1100]
    lon, lat = np.mean(building["geometry"]["coordinates"][0][:-1], axis=0)
    page.goto(f"{url}/map#map=16/{lat}/{lon}")
    page.wait_for_timeout(600)
    page.mouse.click(*_pixel(page, lon, lat))
    page.locator(".gm-here", has_text="楼栋").wait_for()
    expected = world._locate(lon, lat)
    assert building["properties"]["label"] in page.locator(".gm-here").inner_text()
    assert expected["grid"]["name"] in page.locator(".gm-grid-card").inner_text()
    assert page.locator(".gm-status").inner_text() == f"已选择 {expected['grid']['name']}"
    keep(page, "workbench-located")
    assert opened.errors == []


def test_near_a_border_the_answer_warns_and_names_the_candidates(url: str, world: World, opening: Opening) -> None:
    opened = opening(f"{url}/map{CENTRE}")
    page = opened.ready()
    lon, lat = world.data["grids"][3]["features"][60]["geometry"]["coordinates"][0][0]
    page.goto(f"{url}/map#map=17/{lat}/{lon}")
    page.wait_for_timeout(600)
    page.mouse.click(*_pixel(page, lon, lat))
    warning = page.locator(".gm-here .gm-warning")
    warning.wait_for()
    assert "靠近边界" in warning.inner_text()
    candidate = page.locator(".gm-here .gm-choices button").first
    name = candidate.locator("span").first.inner_text()
    candidate.click()
    page.locator(".gm-grid-card h2", has_text=name).wait_for()


def test_outside_every_grid_the_answer_says_so_and_names_the_nearest(url: str, opening: Opening) -> None:
    opened = opening(f"{url}/map#map=15/28.31300/116.88000")
    page = opened.ready()
    page.mouse.click(500, 150)
    page.locator(".gm-here", has_text="不在任何网格内").wait_for()
    assert "最近的网格" in page.locator(".gm-here").inner_text()


def test_the_list_is_searched_by_name_and_code_and_sorted_by_size(url: str, opening: Opening) -> None:
    page = opening(f"{url}/map").ready()
    page.fill("#gm-search", "柳堤")
    page.wait_for_timeout(100)
    names = page.locator(".gm-row-name").all_inner_texts()
    assert names
    assert all(name.startswith("柳堤") for name in names)
    page.fill("#gm-search", "990101001003002")
    assert page.locator(".gm-row").count() == 1
    page.fill("#gm-search", "不存在")
    assert "没有符合“不存在”的网格" in page.locator("#gm-list").inner_text()
    page.fill("#gm-search", "")
    page.select_option(".gm-search select", "large")
    counts = [
        int(re.sub(r"\D", "", text.split("▲")[0].split("▼")[0]) or 0)
        for text in page.locator(".gm-row-count").all_inner_texts()
    ]
    assert counts == sorted(counts, reverse=True)


def test_grids_off_the_standard_are_marked_by_words_and_shape_not_by_colour_alone(url: str, opening: Opening) -> None:
    page = opening(f"{url}/map").ready()
    over = page.locator(".gm-over").first
    assert re.fullmatch(r"▲\d+%", over.inner_text())
    page.locator(".gm-row", has=page.locator(".gm-over")).first.click()
    assert re.search(r"▲ 比标准多 \d+%", page.locator(".gm-flag").inner_text())


def test_levels_are_switched_by_button_and_number_key(url: str, opening: Opening) -> None:
    opened = opening(f"{url}/map")
    page = opened.ready()
    page.get_by_role("button", name="二级").click()
    opened.until(lambda: page.locator(".gm-row").count() == 24)
    assert page.get_by_role("button", name="二级").get_attribute("aria-pressed") == "true"
    page.locator("#map_main").focus()
    page.keyboard.press("1")
    opened.until(lambda: page.locator(".gm-row").count() == 12)
    assert "level=1" in page.url


def test_layers_are_switched_and_the_legend_shows_only_what_is_there(url: str, opening: Opening) -> None:
    page = opening(f"{url}/map").ready()
    legend = page.locator("#gm-legend")
    assert "水系" in legend.inner_text()
    assert "诉求" not in legend.inner_text()
    page.locator("[data-key=layers]").click()
    page.get_by_label("底图").uncheck()
    page.get_by_label("服务站点").uncheck()
    assert "水系" not in legend.inner_text()
    assert "服务站点" not in legend.inner_text()
    assert page.locator(".gm-station").count() == 0
    assert "hide=base,stations" in page.url


def test_water_stays_water_under_the_fills_of_the_grids(url: str, world: World, opening: Opening) -> None:
    river = shapely.from_geojson(json.dumps(world.data["base"]["water"]["features"][0]["geometry"]))
    lon, lat = (
        116.9052,
        shapely.intersection(river, shapely.LineString([(116.9052, 28.2), (116.9052, 28.4)])).centroid.y,
    )
    page = opening(f"{url}/map#map=17/{lat}/{lon}&hide=names,stations,communities").ready()
    x, y = _pixel(page, lon, lat)
    around = {_colour(page, x + dx, y + dy) for dx in (-9, 3, 11) for dy in (-7, 2, 9)}
    assert tuple(bytes.fromhex(STYLE["water"]["fill"][1:])) in around, (
        "the river has its own colour, unmixed with any fill"
    )


def test_tunnels_and_ferries_leave_the_water_to_be_seen(url: str, world: World, opening: Opening) -> None:
    west, south, east, north = 116.899, 28.299, 116.901, 28.301
    ring = [(west, south), (east, south), (east, north), (west, north), (west, south)]
    water = {"type": "Feature", "properties": {"kind": "river"}, "geometry": {"type": "Polygon", "coordinates": [ring]}}
    lines = []
    for lat, properties in ((28.2995, {"class": "major", "tunnel": True}), (28.3005, {"class": "other"})):
        geometry = {"type": "LineString", "coordinates": [(west, lat), (east, lat)]}
        lines.append({"type": "Feature", "properties": properties, "geometry": geometry})
    world.layers = {"water": Layer({"features": [water]}), "streets": Layer({"features": lines})}
    opened = opening(f"{url}/map#map=18/28.3/116.9&hide=grids,names,stations,communities")
    page = opened.ready()
    blue = tuple(bytes.fromhex(STYLE["water"]["fill"][1:]))
    x, y = _pixel(page, 116.9, 28.2995)
    band = _colour(page, x, y + 7)
    assert band != blue
    assert band[2] > band[0], "the band lets the water through"
    x, y = _pixel(page, 116.9, 28.3005)
    along = [_colour(page, x + step, y) for step in range(40)]
    assert blue in along, "a broken line"
    assert len(set(along)) > 1
    assert {_colour(page, x + step, y + 4) for step in range(0, 40, 8)} == {blue}, "a thin line"


def test_neighbours_differ_in_colour_on_the_map(url: str, world: World, opening: Opening) -> None:
    page = opening(f"{url}/map#map=17/28.30500/116.90000&hide=base,names,stations,communities").ready()
    seen = {}
    for feature in world.data["grids"][3]["features"]:
        grid = feature["properties"]
        x, y = _pixel(page, grid["label_lon"], grid["label_lat"])
        if 420 < x < 1150 and 150 < y < 850:
            seen.setdefault(grid["colour"], set()).add(_colour(page, x, y + 26))
    assert len(seen) >= 3
    assert all(len(colours) == 1 for colours in seen.values())
    assert len({colour for colours in seen.values() for colour in colours}) == len(seen)


def test_a_permalink_brings_the_same_view_back(url: str, world: World, opening: Opening) -> None:
    code = world.data["grids"][2]["features"][5]["properties"]["code"]
    link = f"{url}/map#map=15/28.30500/116.90500&level=2&grid={code}&hide=stations&lang=en"
    opened = opening(link)
    page = opened.ready()
    page.locator(".gm-grid-card").wait_for()
    assert unquote(page.url) == link
    assert page.locator("html").get_attribute("lang") == "en"
    assert page.get_by_role("button", name="Level 2").get_attribute("aria-pressed") == "true"


def test_the_whole_page_changes_its_language(url: str, world: World, opening: Opening, keep: Any) -> None:
    for features in world.data["grids"].values():
        for i, feature in enumerate(features["features"]):
            feature["properties"].update(name=f"Grid {i}", community_name="East")
    for i, feature in enumerate(world.data["communities"]["features"] + world.data["stations"]["features"]):
        feature["properties"].update(name=f"Place {i}", services=["advice"])
    del world.layers["streets"], world.layers["buildings"]
    world.data["jurisdiction"].update(name="Qingyan", edition={"id": 2, "name": "2026", "effective_from": "2026-01-01"})
    for edition in world.data["jurisdiction"]["editions"]:
        edition["name"] = "edition"
    for duties in world.data["duties"].values():
        duties[:] = [{"label": None, "role": "grid_leader", "name": "A. Person", "phone": None}]
    opened = opening(f"{url}/map{CENTRE}")
    page = opened.ready()
    page.locator("[data-key=language]").click()
    page.locator("[data-key=layers]").click()
    assert page.locator("html").get_attribute("lang") == "en"
    chinese = re.compile(r"[\u4e00-\u9fff]")

    def texts() -> str:
        found = page.evaluate(
            """() => [document.title, document.body.innerText,
              ...[...document.querySelectorAll('[title],[aria-label],[placeholder]')].flatMap(
                (e) => [e.title, e.getAttribute('aria-label'), e.getAttribute('placeholder')])].join('|')"""
        )
        return found.replace("中文", "").replace("站", "")

    assert not chinese.search(texts()), chinese.findall(texts())
    page.keyboard.press("Escape")
    page.mouse.click(900, 500)
    page.locator(".gm-card", has_text="People on duty").wait_for()
    assert not chinese.search(texts()), chinese.findall(texts())
    page.locator("[data-key=print]").click()
    assert not chinese.search(texts()), chinese.findall(texts())
    page.keyboard.press("Escape")
    page.locator("[data-key=language]").click()
    assert page.title() == "Qingyan网格服务管理示意图"
    assert opened.errors == []


def test_everything_is_reached_by_keyboard(url: str, opening: Opening) -> None:
    opened = opening(f"{url}/map")
    page = opened.ready()
    focused = "document.activeElement.className || document.activeElement.id || document.activeElement.dataset.key"
    page.keyboard.press("Tab")
    assert page.evaluate(focused) == "gm-skip"
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "gm-search"
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    code = page.evaluate("document.activeElement.dataset.code")
    assert code.endswith("002")
    page.keyboard.press("Enter")
    page.locator(".gm-grid-card").wait_for()
    assert page.evaluate("document.activeElement.className") == "gm-back"
    page.keyboard.press("Escape")
    opened.until(lambda: page.evaluate("document.activeElement.dataset.code") == code)
    page.locator("[data-key=level-1]").focus()
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.dataset.key") == "level-2"
    page.locator("#map_main").focus()
    page.keyboard.press("Enter")
    page.locator(".gm-here").wait_for()


def test_a_station_tells_its_hours_and_services(url: str, world: World, opening: Opening) -> None:
    page = opening(f"{url}/map{CENTRE}").ready()
    station = world.data["stations"]["features"][2]["properties"]
    page.locator(f'.gm-station[title="{station["name"]}"]').first.dispatch_event("click")
    words = page.locator(".gm-card").first.inner_text()
    assert station["name"] in words
    assert station["opening_hours"] in words


def test_findings_are_listed_and_lead_to_the_place(url: str, world: World, opening: Opening) -> None:
    world.findings.append(
        {
            "rule": "band",
            "severity": "warning",
            "subject": "grid:1",
            "lon": 116.91,
            "lat": 28.305,
            "message": {"zh": "户数超出标准", "en": "Too many households"},
            "repair": {"zh": "拆分", "en": "Split it"},
        }
    )
    opened = opening(f"{url}/map")
    page = opened.ready()
    page.locator(".gm-tabs button", has_text="检查").click()
    finding = page.locator(".gm-finding")
    assert finding.inner_text().split("\n") == ["警告", "户数超出标准", "拆分"]
    finding.click()
    opened.until(lambda: "map=17/28.30500/116.91000" in page.url)


def test_an_empty_database_says_what_to_load_and_in_which_order(
    url: str, world: World, opening: Opening, keep: Any
) -> None:
    nothing = {"type": "FeatureCollection", "features": []}
    world.data.update(grids={}, communities=nothing, stations=nothing)
    world.layers.clear()
    world.data["jurisdiction"] = {
        "code": None,
        "name": None,
        "bbox": None,
        "edition": None,
        "editions": [],
        "household_target": 300,
        "counts": {"areas": 3},
        "levels": [],
        "version": "0.0",
    }
    opened = opening(f"{url}/map")
    page = opened.page
    page.locator(".gm-empty").wait_for()
    steps = page.locator(".gm-empty li").all_inner_texts()
    assert [re.findall(r"gridmap (?:import )?(\w+)", step)[0] for step in steps] == [
        "areas",
        "streets",
        "buildings",
        "households",
        "cells",
        "grids",
        "stations",
    ]
    assert "已有" in steps[0]
    assert "已有" not in steps[1]
    assert opened.errors == []
    keep(page, "empty")


def test_a_lost_login_is_told_and_can_be_retried(url: str, world: World, opening: Opening) -> None:
    opened = opening(f"{url}/map")
    page = opened.ready()
    page.route("**/v1/jurisdiction", lambda route: route.fulfill(status=401, json={"title": "no"}))
    page.reload()
    page.locator("[role=alert]", has_text="登录已失效").wait_for()
    page.unroute("**/v1/jurisdiction")
    page.get_by_role("button", name="重试").click()
    page.locator(".gm-row").first.wait_for()


def test_an_older_edition_is_shown_with_a_warning(url: str, world: World, opening: Opening) -> None:
    opened = opening(f"{url}/map")
    page = opened.ready()
    page.select_option("#gm-edition", "2025-01-01")
    page.locator(".gm-edition .gm-warning").wait_for()
    opened.until(lambda: any("grids?level=3&at=2025-01-01" in asked for asked in world.asked))


def test_tiles_that_are_no_longer_needed_are_given_up(url: str, opening: Opening) -> None:
    opened = opening(f"{url}/map{CENTRE}")
    page = opened.ready()
    failed: list[str] = []
    page.on("requestfailed", lambda request: failed.append(request.failure))
    page.route("**/tiles/**", lambda _: None)
    page.mouse.move(900, 450)
    page.mouse.wheel(0, -400)
    page.wait_for_timeout(700)
    page.mouse.wheel(0, 400)
    opened.until(lambda: failed)
    assert set(failed) == {"net::ERR_ABORTED"}


def test_lines_between_areas_are_drawn_once(url: str, opening: Opening) -> None:
    page = opening(f"{url}/map").ready()
    lines = page.evaluate(
        """async () => {
          const { bordersOf } = await import("/static/gridmap/borders.js");
          const ring = (x) => Float64Array.from([x, 0, x + 1, 0, x + 1, 1, x, 1, x, 0]);
          const square = (x, name) => ({ properties: { name }, rings: [ring(x)] });
          const found = bordersOf([square(0, "a"), square(1, "b")], (a, b) => (b ? "between" : "outer"));
          const points = ([name, list]) => [name, list.map((line) => [...line.points])];
          return Object.fromEntries(Object.entries(found).map(points));
        }"""
    )
    assert lines["between"] in ([[1, 0, 1, 1]], [[1, 1, 1, 0]])
    (outer,) = lines["outer"]
    assert len(outer) == 14, "one closed line around both"
    assert outer[:2] == outer[-2:]


@pytest.mark.parametrize("room", [40, 150, 333])
def test_the_scale_bar_has_a_round_length_in_metres(url: str, opening: Opening, room: int) -> None:
    page = opening(f"{url}/map").ready()
    metres, px = page.evaluate(
        """async (room) => {
          const { roundLength } = await import("/static/gridmap/scale.js");
          const { metres, px } = roundLength(3.77, room);
          return [metres, px];
        }""",
        room,
    )
    assert str(int(metres))[0] in "125"
    assert set(str(int(metres))[1:]) <= {"0"}
    assert px <= room
    assert metres / px == pytest.approx(3.77)
    assert "ft" not in page.locator("#gm-scale").inner_text()
    assert page.locator("#gm-scale").inner_text().endswith("米")
