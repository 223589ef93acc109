"""Tools of the station planner with the mouse and with the keyboard: streets, hours, gates, facts, comparing."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

import pytest
import shapely
from playwright.sync_api import Page

from tests.maps.conftest import Opened
from tests.maps.server import World
from tests.maps.test_coverage import covered, hero, walk
from tests.maps.test_whatif import last_changes, middle, tried
from tests.maps.town import LAT, LON, M_LAT, M_LON
from tests.maps.walk import lonlat, streets

Opening = Callable[..., Opened]
VIEW = "#map=16/28.30300/116.90500&mode=coverage&min=10"
LINE = "document.querySelectorAll('.leaflet-overlay-pane path').length"


def tool(page: Page, name: str) -> None:
    """Take a tool of the what-if in hand."""
    if not page.locator("[data-key=tool-add]").count():
        page.locator("[data-key=tab-tries]").click()
    page.mouse.click(*middle(page, f"[data-key=tool-{name}]"))
    page.locator(".gm-tool-note").wait_for()


def on_map(page: Page, lon: float, lat: float) -> tuple[float, float]:
    """Where a place is on the screen, for a map that shows the place of VIEW in its middle at zoom 16."""
    box = page.locator("#map_main").bounding_box()
    scale = 256 * 2**16 / 360
    x = (lon - 116.905) * scale
    y = -(lat - 28.303) * scale / math.cos(math.radians(28.303))
    return box["x"] + box["width"] / 2 + x, box["y"] + box["height"] / 2 + y


def street_places(count: int) -> list[tuple[float, float]]:
    """Middles of pieces of street near the middle of the view, the nearest first (lon, lat)."""
    net = streets()
    middles = shapely.line_interpolate_point(net.lines, 0.5, normalized=True)
    here = shapely.Point((116.905 - LON) * M_LON, (28.303 - LAT) * M_LAT)
    nearest = shapely.distance(middles, here).argsort()[:count]
    return [tuple(lonlat(middles[i])["coordinates"]) for i in nearest]


def _street_that_matters(world: World) -> tuple[float, float]:
    """The middle of a piece of street whose closure takes households out of reach."""
    before = walk(world, minutes=5).totals()["households_covered"]
    for lon, lat in street_places(12):
        change = {"op": "close_street", "street": 1, "lon": lon, "lat": lat}
        if tried(world, [change], minutes=5).totals()["households_covered"] < before:
            return lon, lat
    raise AssertionError("every street of the view can be done without")


def last_scene(opened: Opened, world: World, ops: list[str], minutes: int = 10) -> list[dict[str, Any]]:
    """Wait until the server was asked about changes of these kinds, and the page shows their answer."""
    opened.until(lambda: world.written and [c["op"] for c in last_changes(world)] == ops)
    changes = last_changes(world)
    hero(opened, tried(world, changes, minutes=minutes))
    return changes


def refused(errors: list[str]) -> list[str]:
    """Errors beside those of answers that refuse on purpose."""
    return [one for one in errors if "Failed to load resource" not in one]


def test_a_street_is_closed_by_a_click_and_opened_by_another(
    url: str, world: World, opening: Opening, keep: Any
) -> None:
    opened = opening(f"{url}/map{VIEW.replace('min=10', 'min=5')}")
    page = covered(opened)
    tool(page, "close_street")
    lon, lat = _street_that_matters(world)
    place = on_map(page, lon, lat)
    page.mouse.move(*place)
    opened.until(lambda: page.evaluate(LINE) >= 2)
    page.mouse.click(*place)
    (change,) = last_scene(opened, world, ["close_street"], 5)
    assert (change["lon"], change["lat"]) == pytest.approx((lon, lat), abs=2e-4)
    lost = walk(world, minutes=5).totals()["households_covered"]
    lost -= tried(world, [change], minutes=5).totals()["households_covered"]
    assert lost > 0
    page.locator(".gm-tool-note", has_text=f"比今天 −{lost:,} 户").wait_for()
    page.locator(".gm-changed .gm-loss").first.wait_for()
    assert "封闭 第" in page.locator(".gm-changes").inner_text()
    page.locator(".gm-knob-closed").wait_for()
    assert "试封的路" in page.locator("#gm-legend").inner_text()
    keep(page, "coverage-close-street")
    page.mouse.click(place[0] + 1, place[1] + 1)
    hero(opened, walk(world, minutes=5))
    assert page.locator(".gm-changes").count() == 0
    assert opened.errors == []


def test_a_new_way_is_drawn_between_two_clicks_that_snap_to_streets(
    url: str, world: World, opening: Opening, keep: Any
) -> None:
    opened = opening(f"{url}/map{VIEW}")
    page = covered(opened)
    tool(page, "link")
    ends = [street_places(14)[0], street_places(14)[13]]
    first, second = (on_map(page, *end) for end in ends)
    page.mouse.click(first[0] + 5, first[1] + 4)
    page.locator(".gm-tool-note", has_text="终点").wait_for()
    page.mouse.move((first[0] + second[0]) / 2, (first[1] + second[1]) / 2)
    page.mouse.move(*second)
    opened.until(lambda: page.evaluate(LINE) >= 3)
    page.mouse.click(second[0] + 4, second[1] + 5)
    (change,) = last_scene(opened, world, ["link"])
    net = streets()
    for end in change["path"]:
        point = shapely.Point((end[0] - LON) * M_LON, (end[1] - LAT) * M_LAT)
        assert shapely.distance(net.lines, point).min() < 0.1, "it begins and ends on a street"
    page.locator(".gm-knob-link").wait_for()
    assert "新开一条路" in page.locator(".gm-changes").inner_text()
    keep(page, "coverage-new-way")
    page.keyboard.press("Escape")
    assert page.locator(".gm-tool-note").is_hidden()
    page.keyboard.press("Control+z")
    hero(opened, walk(world, minutes=10))
    assert opened.errors == []


def test_streets_are_closed_and_ways_are_drawn_by_keyboard_alone(url: str, world: World, opening: Opening) -> None:
    opened = opening(f"{url}/map{VIEW}")
    page = covered(opened)
    page.locator("[data-key=tab-tries]").focus()
    page.keyboard.press("Enter")
    page.locator("[data-key=tool-link]").focus()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "map_main"
    for _ in range(12):
        page.keyboard.press("Enter")
        page.wait_for_timeout(120)
        if "终点" in page.locator(".gm-tool-note").inner_text():
            break
        page.keyboard.press("ArrowUp")
        page.wait_for_timeout(320)
    assert "终点" in page.locator(".gm-tool-note").inner_text()
    page.keyboard.press("Escape")
    assert "起点" in page.locator(".gm-tool-note").inner_text(), "Escape takes back the beginning alone"
    page.keyboard.press("Enter")
    page.locator(".gm-tool-note", has_text="终点").wait_for()
    for _ in range(14):
        page.keyboard.press("ArrowUp")
        page.wait_for_timeout(320)
        page.keyboard.press("Enter")
        page.wait_for_timeout(150)
        if page.locator(".gm-changes li").count():
            break
    last_scene(opened, world, ["link"])
    page.keyboard.press("Escape")
    page.locator(".gm-knob-link").focus()
    page.keyboard.press("Delete")
    hero(opened, walk(world, minutes=10))
    assert opened.errors == []


def test_a_click_beside_every_street_says_so_and_changes_nothing(url: str, world: World, opening: Opening) -> None:
    world.coverage.get = _nothing_near(world.coverage.get)  # type: ignore[method-assign]
    opened = opening(f"{url}/map{VIEW}")
    page = covered(opened)
    tool(page, "close_street")
    page.mouse.click(900, 500)
    page.locator(".gm-tool-problem", has_text="请点在路上").wait_for()
    tool(page, "link")
    page.mouse.click(900, 500)
    page.locator(".gm-tool-problem", has_text="两端").wait_for()
    assert world.written == []


def _nothing_near(get: Callable[..., Any]) -> Callable[..., Any]:
    def answer(path: str, query: Any) -> Any:
        none = {"street": None, "piece": None, "lon": None, "lat": None, "distance_m": None}
        return (none, {}) if path == "streets/near" else get(path, query)

    return answer


def test_hours_are_tried_checked_while_typing_and_said_in_plain_words(
    url: str, world: World, opening: Opening, keep: Any
) -> None:
    opened = opening(f"{url}/map{VIEW}&open=sunday")
    page = covered(opened)
    page.locator("[data-key=tab-stations]").click()
    page.locator(".gm-cover-row").first.click()
    code = page.locator("#gm-body .gm-code").inner_text().split(" ")[0]
    page.get_by_role("button", name="试改时间").click()
    field = page.locator("[data-key=try-hours]")
    field.fill("Mo-Xx")
    page.locator(".gm-hours-wrong", has_text="看不懂").wait_for()
    assert field.get_attribute("aria-invalid") == "true"
    page.locator("[data-key=try-hours-go]").click()
    assert world.written == [], "what cannot be read is not tried"
    field.fill("周一至周五 8:30-12:00，14:00-17:30")
    page.locator(".gm-hours-said", has_text="周一至周五 8:30–12:00、14:00–17:30；周六、周日 不开放").wait_for()
    keep(page, "coverage-hours")
    page.keyboard.press("Enter")
    opened.until(lambda: bool(world.written))
    (change,) = last_changes(world)
    assert change == {"op": "hours", "station": code, "opening_hours": "周一至周五 8:30-12:00，14:00-17:30"}
    hero(opened, tried(world, [change], open_at="sunday"))
    assert "的开放时间" in page.locator(".gm-changes").inner_text()
    assert refused(opened.errors) == []


def estate(number: int, x: float, y: float, households: int) -> dict[str, Any]:
    """A walled estate of 160 × 120 m with its middle some metres from the middle of the view."""
    x0, y0 = (116.905 - LON) * M_LON + x, (28.303 - LAT) * M_LAT + y
    wall = shapely.box(x0 - 80, y0 - 60, x0 + 80, y0 + 60)
    lon, lat = lonlat(shapely.Point(x0, y0))["coordinates"]
    properties = {"id": number, "name": f"静园{number}", "gate": "assumed", "gates": [], "buildings": 4}
    properties |= {"households": households, "lon": lon, "lat": lat}
    return {"type": "Feature", "properties": properties, "geometry": lonlat(shapely.MultiPolygon([wall]))}


def test_a_gate_is_put_on_the_wall_by_a_click_after_a_confirmation(
    url: str, world: World, opening: Opening, keep: Any
) -> None:
    world.coverage.estates = [estate(1, 0, 0, 210), estate(2, 260, 120, 90)]
    opened = opening(f"{url}/map{VIEW}")
    page = covered(opened)
    page.locator("[data-key=estates]", has_text="2 个有围墙的小区（300 户）").wait_for()
    page.mouse.click(*middle(page, "[data-key=estates]"))
    assert page.locator(".gm-gate").count() == 2
    keep(page, "coverage-gates")
    page.mouse.click(*middle(page, ".gm-gate >> nth=0"))
    page.locator("h2", has_text="静园1").wait_for()
    page.wait_for_timeout(400)
    save = page.locator("[data-key=gate-save]")
    assert save.is_disabled()
    box = page.locator("#map_main").bounding_box()
    page.mouse.click(box["x"] + 20, box["y"] + box["height"] - 150)
    page.locator("[role=alert]", has_text="离围墙太远").wait_for()
    # the estate fills the middle of the map: its southern wall lies straight below
    centre_x, centre_y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(centre_x, centre_y + 60)
    page.mouse.click(centre_x + 10, centre_y + 44)
    page.locator(".gm-gate-put").wait_for()
    keep(page, "coverage-gate-put")
    assert world.written == [], "nothing is written before it is confirmed"
    page.mouse.click(*middle(page, "[data-key=gate-save]"))
    opened.until(lambda: bool(world.written))
    method, path, body = world.written[0]
    assert (method, path) == ("POST", "estates/1/gates")
    wall = shapely.boundary(shapely.from_geojson(str(estate(1, 0, 0, 1)["geometry"]).replace("'", '"')))
    assert wall.distance(shapely.Point(body["lon"], body["lat"])) * M_LAT < 0.5
    page.locator(".gm-cover-row").first.wait_for()
    opened.until(lambda: page.locator(".gm-cover-row").count() == 1)
    assert opened.errors == []


def test_a_gate_is_put_by_keyboard(url: str, world: World, opening: Opening) -> None:
    world.coverage.estates = [estate(1, 0, 0, 210)]
    opened = opening(f"{url}/map{VIEW}")
    page = covered(opened)
    page.locator("[data-key=estates]").focus()
    page.keyboard.press("Enter")
    page.locator("[data-key=estate-1]").focus()
    page.keyboard.press("Enter")
    page.locator("[data-key=gate-save]").wait_for()
    page.wait_for_timeout(400)
    page.locator("#map_main").focus()
    for _ in range(8):
        page.keyboard.press("Enter")
        if page.locator(".gm-gate-put").count():
            break
        page.keyboard.press("ArrowDown")
        page.wait_for_timeout(320)
    page.locator("[data-key=gate-save]").focus()
    page.keyboard.press("Enter")
    opened.until(lambda: bool(world.written))
    page.get_by_text("有围墙的小区都已登记大门").wait_for()
    assert opened.errors == []


def edit_first(page: Page) -> str:
    """Open the form of the first station of the list; returns its code."""
    page.locator("[data-key=tab-stations]").click()
    page.locator(".gm-cover-row").first.click()
    page.locator("[data-key=edit]").click()
    page.locator(".gm-form").wait_for()
    return page.locator(".gm-edit .gm-code").inner_text()


def test_facts_and_the_eight_checks_of_a_station_are_edited_and_saved(
    url: str, world: World, opening: Opening, keep: Any
) -> None:
    opened = opening(f"{url}/map{VIEW}")
    page = covered(opened)
    code = edit_first(page)
    row = next(f["properties"] for f in world.data["stations"]["features"] if f["properties"]["code"] == code)
    before = row["score"]
    page.locator("[data-key=edit-name]").fill("城东驿站")
    page.locator("[data-key=edit-kind]").select_option("shop")
    page.locator("[data-key=edit-tenure]").select_option("borrowed")
    page.locator("[data-key=edit-services]").fill("老年餐、理发")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="去掉 阅览室").click()
    page.locator("[data-key=edit-hours]").fill("周一至周五 8:30-17:30")
    page.locator(".gm-hours-said", has_text="周一至周五 8:30–17:30；周六、周日 不开放").wait_for()
    page.locator("[data-key=edit-guarantee-yes]").check()
    page.locator("[data-key=edit-code-no]").check()
    page.locator("[data-key=edit-sign-unknown]").check()
    met = int(page.locator("[data-key=edit-score]").inner_text().split("/")[0])
    assert met == before + (0 if before == 8 else 1) - (1 if before > 0 else 0) - (1 if before > 1 else 0)
    keep(page, "coverage-station-form")
    page.mouse.click(*middle(page, "[data-key=edit-save]"))
    opened.until(lambda: bool(world.written))
    method, path, body = world.written[0]
    assert (method, path) == ("PATCH", f"stations/{code}")
    assert set(body) == {"name", "kind", "tenure", "services", "rooms", "opening_hours", "checks"}
    assert body["services"][-2:] == ["老年餐", "理发"]
    assert body["rooms"] == ["议事厅"]
    assert body["checks"]["sign"] is None
    page.locator("#gm-body h2", has_text="城东驿站").wait_for()
    assert f"{met}/8" in page.locator(".gm-score").inner_text()
    assert opened.errors == []


def test_somebody_else_was_faster_is_told_in_a_sentence_and_nothing_typed_is_lost(
    url: str, world: World, opening: Opening, keep: Any
) -> None:
    opened = opening(f"{url}/map{VIEW}")
    page = covered(opened)
    code = edit_first(page)
    page.locator("[data-key=edit-name]").fill("我的名称")
    world.coverage.edit(code, {"tenure": "shared", "address": "东街1号"})
    page.locator("[data-key=edit-save]").click()
    page.locator("[role=alert]", has_text=f"站点 {code} 已被他人改动").wait_for()
    assert "房屋来源，地址" in page.locator(".gm-theirs").inner_text()
    told = page.locator(".gm-edit [role=alert]").bounding_box()
    assert 0 < told["y"] < 900 - told["height"], "it is in sight"
    assert page.locator("[data-key=edit-name]").input_value() == "我的名称"
    keep(page, "coverage-conflict")
    page.locator("[data-key=edit-mine]").click()
    assert page.locator("[data-key=edit-name]").input_value() == "我的名称"
    assert page.locator("[data-key=edit-tenure]").input_value() == "shared"
    page.locator("[data-key=edit-save]").click()
    page.locator("#gm-body h2", has_text="我的名称").wait_for()
    assert world.written[-1][2] == {"name": "我的名称"}
    (row,) = (f["properties"] for f in world.data["stations"]["features"] if f["properties"]["code"] == code)
    assert (row["tenure"], row["address"], row["name"]) == ("shared", "东街1号", "我的名称")
    assert refused(opened.errors) == []


def test_what_is_typed_into_the_form_outlives_a_click_beside_it(url: str, world: World, opening: Opening) -> None:
    opened = opening(f"{url}/map{VIEW}")
    page = covered(opened)
    edit_first(page)
    page.locator("[data-key=edit-address]").fill("新街2号")
    page.mouse.click(900, 500)
    page.locator("[role=alert]", has_text="未保存").wait_for()
    page.keyboard.press("Escape")
    page.locator("[data-key=back]").click()
    assert page.locator("[data-key=edit-address]").input_value() == "新街2号"
    page.locator("[data-key=edit-hours]").fill("nonsense")
    page.locator("[data-key=edit-save]").click()
    page.locator(".gm-hours-wrong").wait_for()
    assert world.written == []
    page.locator("[data-key=edit-cancel]").click()
    page.locator(".gm-hero").wait_for()
    assert world.written == []


def test_stations_are_coloured_by_score_with_a_legend(url: str, world: World, opening: Opening, keep: Any) -> None:
    world.data["stations"]["features"][0]["properties"]["score"] = None
    opened = opening(f"{url}/map{VIEW.replace('16/', '15/')}")
    page = covered(opened)
    page.locator("[data-key=tab-stations]").click()
    page.mouse.click(*middle(page, "[data-key=marks-score]"))
    legend = page.locator("#gm-legend")
    scores = {f["properties"]["score"] for f in world.data["stations"]["features"]} - {None}
    for name, low, high in (("8", 8, 8), ("6–7", 6, 7), ("4–5", 4, 5), ("2–3", 2, 3), ("0–1", 0, 1)):
        there = any(low <= score <= high for score in scores)
        assert (f"八有得 {name} 分" in legend.inner_text()) == there
    assert "八有未登记" in legend.inner_text()
    assert page.locator(".gm-station-mark .gm-score-none").count() == 1
    keep(page, "coverage-scores")
    page.locator("[data-key=marks-kind]").click()
    assert "八有" not in legend.inner_text()
    assert opened.errors == []


def test_a_table_sets_today_beside_two_scenarios_the_largest_difference_first(
    url: str, world: World, opening: Opening, keep: Any
) -> None:
    gap = walk(world, minutes=10).gaps()["features"][0]["properties"]
    new = {"op": "add", "code": "NEW-1", "name": "甲站", "kind": "shop", "lon": gap["lon"], "lat": gap["lat"]}
    shut = {"op": "close", "station": world.data["stations"]["features"][4]["properties"]["code"]}
    for number, (title, changes) in enumerate({"甲": [new], "乙": [new, shut]}.items(), 1):
        world.coverage.scenarios[number] = {
            "id": number,
            "revision": 1,
            "title": title,
            "changes": changes,
            "applied_at": None,
        }
    opened = opening(f"{url}/map{VIEW}")
    page = covered(opened)
    page.locator("[data-key=tab-tries]").click()
    page.get_by_label("左边").select_option("1")
    page.get_by_label("右边").select_option("2")
    page.locator(".gm-comparing .gm-button").click()
    table = page.locator("#gm-compare-table")
    table.wait_for()
    assert table.locator("thead th").all_inner_texts() == ["网格", "今天", "甲", "乙", "差"]
    rows = [walk(world, minutes=10).rows(), tried(world, [new]).rows(), tried(world, [new, shut]).rows()]
    counts = {one["code"]: tuple(table_[i]["households_covered"] for table_ in rows) for i, one in enumerate(rows[0])}
    differ = sorted((abs(c[2] - c[1]) for c in counts.values() if len(set(c)) > 1), reverse=True)
    cells = table.locator("tbody tr").all()[2:]
    shown = [[cell.replace(",", "") for cell in row.locator("td").all_inner_texts()] for row in cells]
    assert [abs(int(c[3].replace("−", "-").replace("±", ""))) for c in shown] == differ
    assert all(int(c[3].replace("−", "-").replace("±", "")) == int(c[2]) - int(c[1]) for c in shown)
    assert tuple(int(x) for x in shown[0][:3]) in counts.values()
    keep(page, "coverage-compare-table")
    page.mouse.click(*middle(page, "#gm-compare-table tbody .gm-link >> nth=0"))
    assert page.locator(".gm-swipe").count() == 1, "looking at a grid does not end the comparison"
    assert opened.errors == []


def test_the_tools_fit_on_a_phone(url: str, world: World, opening: Opening, keep: Any) -> None:
    world.coverage.estates = [estate(1, 0, 0, 210)]
    opened = opening(f"{url}/map{VIEW}", size=(390, 844), phone=True)
    page = opened.ready()

    def fits() -> None:
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        wide = page.evaluate(
            "[...document.querySelectorAll('#gm-body *')].filter(e => e.getBoundingClientRect().right > 391).length"
        )
        assert wide == 0

    page.locator(".gm-handle").tap()
    page.locator(".gm-hero").wait_for()
    page.wait_for_timeout(300)
    page.locator("[data-key=tab-tries]").tap()
    fits()
    keep(page, "phone-tools")
    page.locator("[data-key=tool-close_street]").tap()
    page.wait_for_timeout(400)
    x, y = middle(page, "#map_main")
    page.touchscreen.tap(x, y)
    opened.until(lambda: world.written or page.locator(".gm-tool-problem").count())
    page.wait_for_timeout(400)
    assert page.locator(".gm-tool-note").is_visible()
    keep(page, "phone-close-street")
    page.locator(".gm-tool-note [data-key=placing-done]").tap()
    page.locator(".gm-handle").tap()
    page.wait_for_timeout(300)
    edit_first(page)
    fits()
    keep(page, "phone-form")
    page.locator("[data-key=edit-cancel]").tap()
    page.locator("[data-key=estates]").tap()
    fits()
    assert opened.errors == []


def test_the_tools_speak_english_completely(url: str, world: World, opening: Opening) -> None:
    world.coverage.estates = [estate(1, 0, 0, 210)]
    opened = opening(f"{url}/map{VIEW}&lang=en")
    page = covered(opened)
    tool(page, "link")
    assert not _chinese(page.locator(".gm-try-tools").inner_text() + page.locator(".gm-tool-note").inner_text())
    page.keyboard.press("Escape")
    page.locator("[data-key=estates]").click()
    assert "without a known gate" in page.locator("#gm-body").inner_text()
    page.locator("[data-key=back]").click()
    edit_first(page)
    labels = page.locator(".gm-form-label, .gm-eight-row > span:first-child, .gm-actions button").all_inner_texts()
    assert not _chinese("".join(labels))
    assert opened.errors == []


def _chinese(text: str) -> bool:
    return bool(re.search(r"[\u4e00-\u9fff]", text))


def test_after_a_try_the_slider_is_answered_from_memory(url: str, world: World, opening: Opening) -> None:
    opened = opening(f"{url}/map{VIEW}")
    page = covered(opened)
    page.locator("[data-key=gap-1]").click()
    page.get_by_role("button", name="在这里试设站点").click()
    page.locator(".gm-effect").wait_for()
    opened.until(lambda: len([w for w in world.written if w[1] == "coverage/what-if"]) == 4)
    asked = [body for _, path, body in world.written if path == "coverage/what-if"]
    assert sorted(body["minutes"] for body in asked) == [5, 10, 15, 20]
    assert [body["include"] for body in asked] == [["area", "gaps", "buildings"], *[["gaps"]] * 3]
    page.wait_for_timeout(1500)
    before = len(world.asked) + len(world.written)
    page.locator("#gm-minutes").focus()
    for minutes, key in ((5, "ArrowLeft"), (10, "ArrowRight"), (15, "ArrowRight")):
        page.keyboard.press(key)
        hero(opened, tried(world, asked[0]["changes"], minutes=minutes))
    assert len(world.asked) + len(world.written) == before, "every answer was there"
    assert opened.errors == []


def contrast(page: Page, selector: str) -> float:
    """The contrast of a text with what is behind it (WCAG 2, 1 to 21)."""
    colours = page.locator(selector).first.evaluate(
        """element => {
          let behind = element;
          const clear = (one) => /rgba\\(.*, 0\\)|transparent/.test(getComputedStyle(one).backgroundColor);
          while (behind.parentElement && clear(behind)) behind = behind.parentElement;
          return [getComputedStyle(element).color, getComputedStyle(behind).backgroundColor];
        }"""
    )

    def light(colour: str) -> float:
        parts = [float(value) / 255 for value in re.findall(r"[\d.]+", colour)[:3]]
        linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    bright, dark = sorted((light(colour) for colour in colours), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def test_words_of_the_tools_stand_out_and_more_so_where_that_is_asked_for(
    url: str, world: World, opening: Opening, keep: Any
) -> None:
    world.coverage.estates = [estate(1, 0, 0, 210)]
    opened = opening(f"{url}/map{VIEW}")
    page = covered(opened)

    def readable(least: float, *selectors: str) -> None:
        for selector in selectors:
            assert contrast(page, selector) >= least, selector

    for least, wish in ((4.5, None), (6.9, "more")):
        page.emulate_media(contrast=wish)
        tool(page, "close_street")
        readable(least, ".gm-tool-note p", ".gm-try-tools button[aria-pressed=true]", ".gm-card .gm-note")
        readable(least, ".gm-unattached", ".gm-cover-tabs button", ".gm-hero > :last-child")
        page.keyboard.press("Escape")
        edit_first(page)
        page.locator(".gm-hours-said:not(:empty)").wait_for()
        readable(least, ".gm-form-label", ".gm-hours-said", ".gm-edit .gm-note", ".gm-code")
        keep(page, f"coverage-contrast-{wish or 'usual'}")
        page.locator("[data-key=edit-cancel]").click()
    page.emulate_media(contrast=None, forced_colors="active")
    edit_first(page)
    keep(page, "coverage-forced-colours")
    assert page.locator("[data-key=edit-save]").is_visible()
    assert opened.errors == []
