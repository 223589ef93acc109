"""Coverage mode in a real browser: what is shown, asked and announced; the outside world is closed."""

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
from tests.maps.server import World
from tests.maps.test_workbench import _colour, _pixel
from tests.maps.walk import Walk, homes, lonlat

Opening = Callable[..., Opened]
VIEW = "#map=15/28.30300/116.90500&mode=coverage"


def covered(opened: Opened) -> Page:
    """Wait until coverage mode shows an answer."""
    page = opened.ready()
    page.locator(".gm-hero").wait_for()
    page.wait_for_timeout(150)
    return page


def walk(world: World, **query: Any) -> Walk:
    """What the numbers must be."""
    return Walk(world.data["stations"]["features"], {key: [str(value)] for key, value in query.items()})


def share(page: Page) -> str:
    return page.locator(".gm-hero strong").inner_text()


def percent(value: float) -> str:
    return f"{round(value * 1000) / 10:g}%"


def hero(opened: Opened, walked: Walk) -> None:
    """Wait until the page shows the share of a walk."""
    opened.until(lambda: share(opened.page) == percent(walked.totals()["share"]))


def test_the_mode_is_switched_by_button_and_key_and_stands_in_the_address(url: str, opening: Opening) -> None:
    opened = opening(f"{url}/map")
    page = opened.ready()
    page.get_by_role("button", name="覆盖").click()
    page.locator(".gm-hero").wait_for()
    assert "mode=coverage" in page.url
    assert page.locator(".gm-row").count() == 0
    page.locator("#map_main").focus()
    page.keyboard.press("g")
    page.locator(".gm-row").first.wait_for()
    assert "mode=coverage" not in page.url
    page.locator("#map_main").focus()
    page.keyboard.press("c")
    page.locator(".gm-hero").wait_for()
    assert opened.errors == []


def test_the_numbers_are_those_of_the_server_with_their_range(url: str, world: World, opening: Opening) -> None:
    opened = opening(f"{url}/map{VIEW}")
    page = covered(opened)
    totals = walk(world, minutes=15).totals()
    assert share(page) == percent(totals["share"])
    words = page.locator(".gm-cover-numbers").inner_text()
    for name in ("households_covered", "households", "people_covered", "buildings_covered"):
        assert f"{totals[name]:,}" in words
    assert f"{totals['households_covered_low']:,} 到 {totals['households_covered_high']:,}" in words
    assert "步行 15 分钟可达" in page.locator(".gm-status").inner_text()
    page.locator(".gm-unattached").click()
    assert page.locator(".gm-choices button").count() == 3
    page.locator(".gm-back").click()
    page.locator(".gm-circle summary").click()
    row = page.locator(".gm-circle tbody tr").nth(2).inner_text()
    assert f"{walk(world, minutes=15).circles()[2]['only_circle']:,}" in row
    page.locator("[data-key=radius-1000]").click()
    page.locator("path[stroke='#5d4037']").first.wait_for(state="attached")
    assert "半径 1000 米" in page.locator("#gm-legend").inner_text()
    assert opened.errors == []


def test_the_slider_answers_from_what_is_there_without_asking_again(url: str, world: World, opening: Opening) -> None:
    opened = opening(f"{url}/map{VIEW}")
    page = covered(opened)
    opened.until(lambda: all(any(f"gaps?minutes={m}" in a for a in world.asked) for m in (5, 10, 15, 20)))
    page.wait_for_timeout(400)
    before = len(world.asked)
    page.locator("#gm-minutes").focus()
    for minutes, way in ((10, "Left"), (5, "Left"), (10, "Right"), (15, "Right"), (20, "Right")):
        page.keyboard.press(f"Arrow{way}")
        assert share(page) == percent(walk(world, minutes=minutes).totals()["share"]), "at once"
    assert len(world.asked) == before, "every answer was there"
    assert "min=20" in page.url
    page.locator("#map_main").focus()
    page.keyboard.press("[")
    assert page.locator("#gm-minutes").get_attribute("aria-valuetext") == "15 分"


def test_any_minutes_can_be_asked_and_nonsense_is_refused(url: str, world: World, opening: Opening) -> None:
    opened = opening(f"{url}/map{VIEW}")
    page = covered(opened)
    number = page.get_by_label("步行时间（分钟，可填任意数）")
    number.fill("12")
    hero(opened, walk(world, minutes=12))
    assert any("each=5%2C10%2C12" in asked for asked in world.asked)
    number.fill("-3")
    assert number.get_attribute("aria-invalid") == "true"
    page.keyboard.press("Tab")
    assert number.input_value() == "12"
    hero(opened, walk(world, minutes=12))


@pytest.mark.parametrize(
    ("act", "query"),
    [
        (lambda page: page.get_by_label("步行者").select_option("elderly"), {"profile": "elderly"}),
        (lambda page: page.get_by_label("只算主网站点").check(), {"tier": 1}),
        (lambda page: page.get_by_label("星期日开放").check(), {"open_at": "sunday"}),
        (lambda page: page.get_by_label("法律咨询").uncheck(), {"service": ["居住证", "社保办理"]}),
    ],
)
def test_who_walks_and_which_stations_count_are_switches(
    url: str, world: World, opening: Opening, act: Callable[[Page], Any], query: dict[str, Any]
) -> None:
    opened = opening(f"{url}/map{VIEW}")
    page = covered(opened)
    page.locator(".gm-more").click()
    act(page)
    values = {k: [str(x) for x in v] if isinstance(v, list) else [str(v)] for k, v in query.items()}
    expected = Walk(world.data["stations"]["features"], {"minutes": ["15"], **values})
    hero(opened, expected)
    link = page.url
    again = opening(link)
    covered(again)
    hero(again, expected)
    assert again.errors == []


def test_reach_is_blue_gaps_are_hatched_and_water_is_neither(url: str, world: World, opening: Opening) -> None:
    link = f"{url}/map#map=17/{{}}/{{}}&mode=coverage&min=10&hide=names,stations,communities"
    gap = world.data and walk(world, minutes=10).gaps()["features"][0]["properties"]
    opened = opening(link.format(gap["lat"], gap["lon"]))
    page = covered(opened)
    x, y = _pixel(page, gap["lon"], gap["lat"])
    seen = {_colour(page, x + dx, y + dy) for dx in range(-60, 60, 3) for dy in range(20, 50, 3)}
    red = [c for c in seen if c[0] > c[2] + 60]
    assert red, "hatch or homes out of reach"
    river = shapely.from_geojson(json.dumps(world.data["base"]["water"]["features"][0]["geometry"]))
    lon = 116.9052
    lat = shapely.intersection(river, shapely.LineString([(lon, 28.2), (lon, 28.4)])).centroid.y
    water = tuple(bytes.fromhex(STYLE["water"]["fill"][1:]))
    opened = opening(link.format(lat, lon))
    page = covered(opened)
    x, y = _pixel(page, lon, lat)
    assert water in {_colour(page, x + dx, y + dy) for dx in (-9, 3, 11) for dy in (-7, 2, 9)}


def test_homes_have_the_colour_of_their_own_time(url: str, world: World, opening: Opening) -> None:
    walked = walk(world, minutes=10)
    near = int(np.argmin(np.where(homes().households > 0, walked.seconds, np.inf)))
    lon, lat = lonlat(homes().point[near])["coordinates"]
    page = covered(opening(f"{url}/map#map=18/{lat}/{lon}&mode=coverage&min=10&hide=names,stations,communities,grids"))
    deep = _colour(page, *_pixel(page, lon, lat))
    assert deep[2] > deep[0] + 40, "blue"
    out = int(np.flatnonzero(~walked.covered & (homes().households > 0))[0])
    lon, lat = lonlat(homes().point[out])["coordinates"]
    page = covered(opening(f"{url}/map#map=18/{lat}/{lon}&mode=coverage&min=10&hide=names,stations,communities,grids"))
    red = _colour(page, *_pixel(page, lon, lat))
    assert red[0] > red[2] + 60, "red"


def test_the_legend_shows_what_the_mode_shows_and_nothing_else(url: str, world: World, opening: Opening) -> None:
    page = covered(opening(f"{url}/map{VIEW}&min=10"))
    legend = page.locator("#gm-legend")
    words = legend.inner_text()
    for row in ("步行 5 · 10 分钟内", "10 分钟界线", "覆盖空白", "党群服务中心", "城市驿站", "社区界"):
        assert row in words
    for row in ("相邻异色", "听证中心", "试设站点", "推荐位置", "不计入"):
        assert row not in words
    page.locator("[data-key=layers]").click()
    assert page.get_by_label("基本单元").count() == 0
    page.get_by_label("覆盖空白").uncheck()
    page.get_by_label("步行范围").uncheck()
    assert "覆盖空白" not in legend.inner_text()
    assert "分钟界线" not in legend.inner_text()
    page.keyboard.press("Escape")
    page.locator("[data-key=mode-grids]").click()
    assert "相邻异色" in legend.inner_text()


def test_a_click_on_a_building_shows_time_way_and_station(url: str, world: World, opening: Opening, keep: Any) -> None:
    lon, lat = lonlat(homes().point[1100])["coordinates"]
    opened = opening(f"{url}/map#map=16/{lat}/{lon}&mode=coverage")
    page = covered(opened)
    page.mouse.click(*_pixel(page, lon, lat))
    page.locator(".gm-time").wait_for()
    expected = walk(world, minutes=15).route(lon, lat)
    minutes, seconds = divmod(int(expected["seconds"]), 60)
    time = f"{minutes} 分 {seconds:02d} 秒"
    assert page.locator(".gm-time strong").inner_text() == time
    words = page.locator(".gm-card").first.inner_text()
    assert expected["station"]["name"] in words
    assert f"{round(expected['walk_m']):,} 米" in words
    assert page.locator("path.gm-path").count() == 1
    assert page.locator(".gm-walk-time").inner_text() == time
    assert expected["station"]["name"] in page.locator(".gm-status").inner_text()
    keep(page, "coverage-way")
    page.keyboard.press("Escape")
    assert page.locator("path.gm-path").count() == 0
    page.locator(".gm-hero").wait_for()
    assert opened.errors == []


def test_gaps_are_ranked_and_a_click_leads_there(url: str, world: World, opening: Opening, keep: Any) -> None:
    opened = opening(f"{url}/map{VIEW}&min=10")
    page = covered(opened)
    gaps = [f["properties"] for f in walk(world, minutes=10).gaps()["features"]]
    rows = page.locator(".gm-cover-row")
    assert rows.count() == len(gaps)
    assert f"{gaps[0]['households']:,} 户" in rows.first.inner_text()
    assert gaps[0]["nearest"]["name"] in rows.first.inner_text()
    rows.nth(1).click()
    card = page.locator(".gm-card").first
    card.wait_for()
    words = card.inner_text()
    assert f"{gaps[1]['households']:,}" in words
    assert f"{round(gaps[1]['nearest']['walk_m']):,} 米" in words
    page.wait_for_timeout(500)
    x, y = _pixel(page, gaps[1]["lon"], gaps[1]["lat"])
    assert 348 < x < 1440
    assert 0 < y < 900
    assert f"第 2 处空白，{gaps[1]['households']:,} 户" in page.locator(".gm-status").inner_text()
    keep(page, "coverage-gap")
    page.mouse.click(x, y + 40)
    page.locator(".gm-time").wait_for()
    assert "覆盖空白" in page.locator("#gm-body").inner_text(), "a place in a gap tells of both"
    assert opened.errors == []


def test_grids_are_listed_by_who_is_left_out_and_shown_on_the_map(url: str, world: World, opening: Opening) -> None:
    opened = opening(f"{url}/map{VIEW}&min=10")
    page = covered(opened)
    page.locator("[data-key=tab-grids]").click()
    rows = walk(world, minutes=10).rows()
    worst = max(rows, key=lambda row: row["households"] - row["households_covered"])
    first = page.locator(".gm-cover-row").first
    assert worst["name"] in first.inner_text()
    assert f"{worst['households'] - worst['households_covered']:,} 户走不到" in first.inner_text()
    first.click()
    opened.until(lambda: "grid=" in page.url)
    assert percent(worst["share"]) in page.locator(".gm-status").inner_text()


def test_a_station_tells_area_figures_checks_hours_and_tenure(
    url: str, world: World, opening: Opening, keep: Any
) -> None:
    opened = opening(f"{url}/map{VIEW}")
    page = covered(opened)
    page.locator("[data-key=tab-stations]").click()
    rows = {row["code"]: row for row in walk(world, minutes=15).station_rows()}
    button = page.locator(".gm-cover-row").nth(2)
    code = button.get_attribute("data-key")
    button.click()
    page.locator(".gm-score").wait_for()
    words = page.locator("#gm-body").inner_text()
    station = next(f["properties"] for f in world.data["stations"]["features"] if f["properties"]["code"] == code)
    assert page.locator(".gm-score strong").inner_text() == f"{station['score']}/8"
    assert page.locator(".gm-checks .gm-met").count() == station["score"]
    for text in (f"{rows[code]['households']:,}", f"独家 {rows[code]['exclusive_households']:,}",
                 station["opening_hours"], "租用", "议事厅"):  # fmt: skip
        assert text in words
    assert any(f"stations/{code}/area?minutes=15" in asked for asked in world.asked)
    keep(page, "coverage-station")
    assert opened.errors == []


def test_the_map_shows_the_score_of_the_eight_checks(url: str, world: World, opening: Opening) -> None:
    page = covered(opening(f"{url}/map{VIEW}"))
    page.locator("[data-key=tab-stations]").click()
    page.locator("[data-key=marks-score]").click()
    scores = sorted(str(f["properties"]["score"]) for f in world.data["stations"]["features"])
    assert sorted(page.locator(".gm-station-mark text").all_text_contents()) == scores
    assert "八有得 8 分" in page.locator("#gm-legend").inner_text()
    page.locator("[data-key=marks-kind]").click()
    assert set(page.locator(".gm-station-mark text").all_text_contents()) <= {"站"}


def test_the_whole_mode_changes_its_language(url: str, world: World, opening: Opening) -> None:
    for features in world.data["grids"].values():
        for i, feature in enumerate(features["features"]):
            feature["properties"].update(name=f"Grid {i}", community_name="East")
    for i, feature in enumerate(world.data["communities"]["features"] + world.data["stations"]["features"]):
        feature["properties"].update(name=f"Place {i}", services=["advice"], opening_hours="24/7")
    del world.layers["streets"], world.layers["buildings"]
    world.data["jurisdiction"].update(name="Qingyan", edition={"id": 2, "name": "2026", "effective_from": "2026-01-01"})
    for edition in world.data["jurisdiction"]["editions"]:
        edition["name"] = "edition"
    opened = opening(f"{url}/map{VIEW}&min=10&lang=en")
    page = covered(opened)

    def texts() -> str:
        found = page.evaluate(
            """() => [document.title, document.body.innerText,
              ...[...document.querySelectorAll('[title],[aria-label],[placeholder]')].flatMap(
                (e) => [e.title, e.getAttribute('aria-label'), e.getAttribute('placeholder')])].join('|')"""
        )
        known = {row["name"] for row in walk(world, minutes=10).rows()} | {"中文", "站", "议事厅", "阅览室", "备选点"}
        for name in known:
            found = found.replace(name, "")
        return found

    chinese = re.compile(r"[\u4e00-\u9fff]")

    def english() -> None:
        assert not chinese.search(texts()), chinese.findall(texts())

    english()
    page.locator(".gm-more").click()
    for tab in ("grids", "stations", "siting", "tries"):
        page.locator(f"[data-key=tab-{tab}]").click()
        english()
    page.get_by_role("button", name="Add by a click").click()
    page.mouse.click(1000, 300)
    page.locator(".gm-effect").wait_for()
    english()
    page.get_by_role("button", name="Compare").first.click()
    page.locator(".gm-swipe").wait_for()
    english()
    page.keyboard.press("Escape")
    page.locator("[data-key=tab-stations]").click()
    page.locator(".gm-cover-row").first.click()
    page.locator(".gm-score").wait_for()
    english()
    assert opened.errors == []


def test_everything_in_coverage_mode_is_reached_by_keyboard(url: str, opening: Opening) -> None:
    opened = opening(f"{url}/map{VIEW}&min=10")
    page = covered(opened)
    page.locator("[data-key=tab-gaps]").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    key = page.evaluate("document.activeElement.dataset.key")
    assert key == "gap-2"
    page.keyboard.press("Enter")
    page.locator(".gm-card").first.wait_for()
    assert page.evaluate("document.activeElement.className") == "gm-back"
    page.keyboard.press("Escape")
    opened.until(lambda: page.evaluate("document.activeElement.dataset.key") == key)
    page.locator("#map_main").focus()
    page.keyboard.press("Enter")
    page.locator(".gm-card").first.wait_for()
    page.keyboard.press("Escape")
    page.locator(".gm-station-mark").first.focus()
    page.keyboard.press("Enter")
    page.locator(".gm-score").wait_for()
    assert opened.errors == []


def test_an_answer_that_fails_is_told_and_can_be_asked_again(url: str, opening: Opening) -> None:
    opened = opening(f"{url}/map")
    page = opened.ready()
    refusal = {"title": "no", "zh": "还没有道路，请先导入。", "en": "There are no streets yet."}
    page.route("**/v1/coverage?**", lambda route: route.fulfill(status=409, json=refusal))
    page.get_by_role("button", name="覆盖").click()
    page.locator("[role=alert]", has_text="还没有道路").wait_for()
    page.wait_for_load_state("networkidle")  # what arrives after it, such as scenarios, does not take it away
    page.unroute("**/v1/coverage?**")
    page.get_by_role("button", name="重试").click()
    page.locator(".gm-hero").wait_for()


def test_a_permalink_brings_the_same_coverage_back(url: str, opening: Opening) -> None:
    link = (
        f"{url}/map#map=15/28.30500/116.90500&mode=coverage&min=7.5&profile=wheels&kinds=center,shop"
        "&services=社保办理&tier=1&open=20:00&level=3&hide=gaps&lang=en"
    )
    opened = opening(link)
    page = covered(opened)
    assert unquote(page.url) == link
    assert page.locator(".gm-more .gm-badge").inner_text() == "4"


def test_the_sheet_of_coverage_names_the_share(url: str, world: World, opening: Opening, keep: Any) -> None:
    opened = opening(f"{url}/map{VIEW}")
    page = covered(opened)
    page.locator("[data-key=print]").click()
    opened.ready()
    words = page.locator(".gm-paper-head").inner_text()
    assert "15分钟步行覆盖图" in words
    assert f"步行 15 分钟覆盖 {percent(walk(world, minutes=15).totals()['share'])}" in words
    keep(page, "coverage-sheet")
    assert opened.errors == []


def test_on_a_phone_coverage_mode_fits(url: str, opening: Opening, keep: Any) -> None:
    opened = opening(f"{url}/map#map=14/28.30000/116.90000&mode=coverage", size=(390, 844), phone=True)
    page = opened.ready()
    page.wait_for_timeout(400)
    box = page.locator("#gm-toolbar").bounding_box()
    assert box["x"] + box["width"] <= 390
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    cut = "[...document.querySelectorAll('.gm-toolbar button')].filter(b => b.scrollWidth > b.clientWidth + 1)"
    groups = "[...document.querySelectorAll('.gm-toolbar .gm-group')].filter(g => g.scrollWidth > g.clientWidth)"
    assert page.evaluate(f"{cut}.length + {groups}.length") == 0, "no button is cut off"
    page.locator(".gm-handle").tap()
    page.locator(".gm-hero").wait_for()
    page.wait_for_timeout(400)
    keep(page, "coverage-phone")
    assert opened.errors == []
