"""What-if, scenarios, siting and comparing, with the mouse alone and with the keyboard alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.maps.conftest import Opened
from tests.maps.server import World
from tests.maps.test_coverage import covered, hero, share, walk
from tests.maps.test_hostile import PAYLOAD
from tests.maps.walk import Walk, moved

Opening = Callable[..., Opened]
VIEW = "#map=15/28.30300/116.90500&mode=coverage&min=10"


def tried(world: World, changes: list[dict[str, Any]], **query: Any) -> Walk:
    """What the numbers must be after some changes."""
    values = {key: [str(value)] for key, value in {"minutes": 10, **query}.items()}
    return Walk(moved(world.data["stations"]["features"], changes), values, changes)


def last_changes(world: World) -> list[dict[str, Any]]:
    return next(body["changes"] for _, path, body in reversed(world.written) if path == "coverage/what-if")


def middle(page: Page, selector: str) -> tuple[float, float]:
    box = page.locator(selector).first.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def real_changes(world: World) -> list[tuple[str, str, Any]]:
    """Everything written that is no mere question."""
    return [w for w in world.written if w[1] not in {"coverage/what-if", "coverage/route", "siting"}]


def test_the_largest_gap_is_found_a_station_tried_there_and_its_effect_seen_with_the_mouse_alone(
    url: str, world: World, opening: Opening, keep: Any
) -> None:
    opened = opening(f"{url}/map")
    page = opened.ready()
    page.mouse.click(*middle(page, "[data-key=mode-coverage]"))
    page.locator(".gm-hero").wait_for()
    before = walk(world, minutes=15)
    gap = before.gaps()["features"][0]["properties"]
    page.mouse.click(*middle(page, "[data-key=gap-1]"))
    page.get_by_role("button", name="在这里试设站点").wait_for()
    page.wait_for_timeout(400)
    page.mouse.click(*middle(page, ".gm-card .gm-button"))
    page.locator(".gm-effect").wait_for()
    (change,) = last_changes(world)
    assert (change["op"], change["lon"], change["lat"]) == ("add", gap["lon"], gap["lat"])
    after = tried(world, [change], minutes=15)
    hero(opened, after)
    gain = after.totals()["households_covered"] - before.totals()["households_covered"]
    assert gain > 0
    assert f"+{gain:,}" in page.locator(".gm-effect").inner_text()
    assert f"比今天 +{gain:,} 户" in page.locator(".gm-status").inner_text()
    opened.until(lambda: page.locator(".gm-name-gain").count() > 0)
    assert "可达户数增加的网格" in page.locator("#gm-legend").inner_text()
    assert page.locator(".gm-mark-new").count() >= 1
    assert real_changes(world) == []
    keep(page, "coverage-what-if")
    assert opened.errors == []


def test_a_station_is_dragged_and_the_drag_is_undone(url: str, world: World, opening: Opening, keep: Any) -> None:
    opened = opening(f"{url}/map{VIEW}")
    page = covered(opened)
    before = share(page)
    pin = page.locator(".gm-station-mark[data-code=S05]")
    box = pin.bounding_box()
    x, y = box["x"] + 15, box["y"] + 14
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 60, y - 30, steps=4)
    page.mouse.move(x + 180, y - 110, steps=6)
    page.mouse.up()
    page.locator(".gm-effect").wait_for()
    (change,) = last_changes(world)
    assert (change["op"], change["station"]) == ("move", "S05")
    hero(opened, tried(world, [change]))
    page.locator("path[stroke-dasharray='3 5']").first.wait_for(state="attached")
    keep(page, "coverage-dragged")
    moved_to = pin.bounding_box()
    assert moved_to["x"] == pytest.approx(box["x"] + 180, abs=3)
    page.locator("#map_main").focus()
    page.keyboard.press("Control+z")
    opened.until(lambda: share(page) == before)
    back = pin.bounding_box()
    assert (back["x"], back["y"]) == pytest.approx((box["x"], box["y"]), abs=1)
    assert page.locator(".gm-changes li").count() == 0
    assert real_changes(world) == []
    assert opened.errors == []


def test_arrow_keys_move_a_station_enter_drops_it_and_escape_puts_it_back(
    url: str, world: World, opening: Opening
) -> None:
    opened = opening(f"{url}/map{VIEW}")
    page = covered(opened)
    pin = page.locator(".gm-station-mark[data-code=S05]")
    pin.focus()
    box = pin.bounding_box()
    page.keyboard.press("ArrowRight")
    assert "正在移动" in page.locator(".gm-status").inner_text()
    page.keyboard.press("Escape")
    assert pin.bounding_box()["x"] == pytest.approx(box["x"], abs=1)
    assert world.written == []
    for _ in range(6):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowUp")
    page.keyboard.press("Enter")
    page.locator(".gm-effect").wait_for()
    assert pin.bounding_box()["x"] == pytest.approx(box["x"] + 60, abs=2)
    assert pin.bounding_box()["y"] == pytest.approx(box["y"] - 1, abs=1)
    assert page.evaluate("document.activeElement.dataset.code") == "S05", "the station keeps the focus"
    hero(opened, tried(world, last_changes(world)))


def test_a_station_is_added_by_a_click_moved_closed_and_taken_back(url: str, world: World, opening: Opening) -> None:
    opened = opening(f"{url}/map{VIEW}")
    page = covered(opened)
    page.locator("[data-key=tab-tries]").click()
    page.get_by_role("button", name="点图试设").click()
    page.mouse.click(1000, 300)
    page.locator(".gm-effect").wait_for()
    assert [c["op"] for c in last_changes(world)] == ["add"]
    page.locator("[data-key=tab-stations]").click()
    alone = max(walk(world, minutes=10).station_rows(), key=lambda row: row["exclusive_households"])
    page.locator(f"[data-key={alone['code']}]").click()
    page.get_by_role("button", name="试关").click()
    opened.until(lambda: page.locator(".gm-changes li").count() == 2)
    hero(opened, tried(world, last_changes(world)))
    assert page.locator(".gm-mark-closed").count() >= 1
    page.locator("[data-key=drop-0]").click()
    opened.until(lambda: page.locator(".gm-changes li").count() == 1)
    opened.until(lambda: [c["op"] for c in last_changes(world)] == ["close"])
    hero(opened, tried(world, last_changes(world)))
    opened.until(lambda: page.locator(".gm-name-loss").count() > 0)
    page.get_by_role("button", name="全部清除").click()
    hero(opened, walk(world, minutes=10))
    assert opened.errors == []


def test_a_scenario_is_saved_opened_applied_only_after_a_question_and_deleted(
    url: str, world: World, opening: Opening
) -> None:
    opened = opening(f"{url}/map{VIEW}")
    page = covered(opened)
    page.locator("[data-key=tab-tries]").click()
    page.get_by_role("button", name="点图试设").click()
    page.mouse.click(1000, 300)
    page.locator(".gm-effect").wait_for()
    changes = last_changes(world)
    page.get_by_label("方案名称").fill("东部加站")
    page.keyboard.press("Enter")
    page.locator("[data-key=scenario-1]").wait_for()
    assert world.coverage.scenarios[1]["changes"] == changes
    page.get_by_role("button", name="关闭方案").click()
    hero(opened, walk(world, minutes=10))
    page.locator("[data-key=scenario-1]").click()
    hero(opened, tried(world, changes))
    page.get_by_role("button", name="付诸实施").click()
    dialog = page.locator("dialog")
    assert "东部加站" in dialog.inner_text()
    assert page.evaluate("document.activeElement.textContent") == "取消"
    page.keyboard.press("Enter")
    opened.until(lambda: dialog.count() == 0)
    assert not [w for w in world.written if w[1].endswith("/apply")]
    page.get_by_role("button", name="付诸实施").click()
    page.locator("dialog .gm-danger").click()
    opened.until(lambda: len(world.data["stations"]["features"]) == 21)
    opened.until(lambda: page.locator(".gm-status").inner_text() == "方案已实施")
    hero(opened, walk(world, minutes=10))
    page.get_by_role("button", name="删除方案 东部加站").click()
    page.locator("dialog .gm-danger").click()
    page.get_by_text("还没有保存的方案").wait_for()
    assert world.coverage.scenarios == {}
    assert opened.errors == []


def test_somebody_else_changed_the_scenario_is_told(url: str, world: World, opening: Opening) -> None:
    opened = opening(f"{url}/map{VIEW}")
    page = covered(opened)
    page.locator("[data-key=tab-tries]").click()
    page.get_by_role("button", name="点图试设").click()
    page.mouse.click(1000, 300)
    page.locator(".gm-effect").wait_for()
    page.get_by_label("方案名称").fill("甲")
    page.keyboard.press("Enter")
    page.locator("[data-key=scenario-1]").wait_for()
    world.coverage.scenarios[1]["revision"] += 5
    page.get_by_role("button", name="保存").click()
    page.locator("[role=alert]", has_text="方案已被别人修改").wait_for()
    assert page.locator(".gm-changes li").count() == 1, "nothing is lost"


def test_two_answers_are_compared_by_a_swipe_of_mouse_and_keys(
    url: str, world: World, opening: Opening, keep: Any
) -> None:
    opened = opening(f"{url}/map{VIEW}")
    page = covered(opened)
    page.locator("[data-key=gap-1]").click()
    page.get_by_role("button", name="在这里试设站点").click()
    page.locator(".gm-effect").wait_for()
    (change,) = last_changes(world)
    page.get_by_role("button", name="左右对比").first.click()
    bar = page.locator(".gm-swipe")
    bar.wait_for()
    assert bar.get_attribute("aria-valuenow") == "50"
    x, y = middle(page, ".gm-swipe")
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x - 300, y + 20, steps=6)
    page.mouse.up()
    moved_x, _ = middle(page, ".gm-swipe")
    assert moved_x == pytest.approx(x - 300, abs=2)
    bar.focus()
    page.keyboard.press("End")
    assert bar.get_attribute("aria-valuenow") == "100"
    page.keyboard.press("Home")
    page.keyboard.press("Shift+ArrowRight")
    assert bar.get_attribute("aria-valuenow") == "10"
    rows = {row["code"]: row for row in walk(world, minutes=10).rows()}
    after = {row["code"]: row for row in tried(world, [change]).rows()}
    differ = [code for code in rows if rows[code]["households_covered"] != after[code]["households_covered"]]
    assert page.locator("#gm-compare-table tbody tr").count() == len(differ) + 2, "and the whole, and its share"
    first = page.locator("#gm-compare-table tbody tr").nth(2).inner_text()
    largest = max(after[c]["households_covered"] - rows[c]["households_covered"] for c in differ)
    assert f"+{largest:,}" in first
    page.wait_for_timeout(300)
    keep(page, "coverage-swipe")
    page.keyboard.press("Escape")
    assert bar.count() == 0
    page.locator(".gm-hero").wait_for()
    assert page.locator(".gm-station-mark").count() == 21
    assert opened.errors == []


def test_proposals_are_numbered_pins_that_can_be_tried(url: str, world: World, opening: Opening, keep: Any) -> None:
    opened = opening(f"{url}/map{VIEW}")
    page = covered(opened)
    page.locator("[data-key=tab-siting]").click()
    page.locator("[data-key=siting-count]").fill("2")
    page.locator("[data-key=siting-candidates]").select_option("buildings")
    page.locator(".gm-siting .gm-button").click()
    page.locator(".gm-site").first.wait_for()
    assert page.locator(".gm-site").all_inner_texts() == ["1", "2"]
    (order,) = [body for _, path, body in world.written if path == "siting"]
    assert (order["method"], order["count"], order["candidates"], order["minutes"]) == ("max_cover", 2, "buildings", 10)
    gains = page.locator(".gm-proposal .gm-gain").all_inner_texts()
    assert all(text.startswith("+") for text in gains)
    assert "快速结果" in page.locator(".gm-proposal").inner_text()
    assert "推荐位置" in page.locator("#gm-legend").inner_text()
    keep(page, "coverage-siting")
    page.locator(".gm-site").first.click()
    opened.until(lambda: "推荐位置 1" in page.locator(".gm-status").inner_text())
    page.get_by_role("button", name="全部放进试算").click()
    page.locator(".gm-effect").wait_for()
    changes = last_changes(world)
    assert [change["op"] for change in changes] == ["add", "add"]
    hero(opened, tried(world, changes))
    assert page.locator(".gm-site").count() == 0
    assert opened.errors == []


def test_a_proof_shows_its_progress_and_can_be_cancelled(url: str, world: World, opening: Opening) -> None:
    world.coverage.job_steps = 3
    opened = opening(f"{url}/map{VIEW}")
    page = covered(opened)
    page.locator("[data-key=tab-siting]").click()
    page.locator("[data-key=siting-prove]").check()
    page.locator(".gm-siting .gm-button").click()
    page.locator(".gm-job progress").wait_for()
    assert page.locator(".gm-site").count() == 3, "the quick answer is there at once"
    page.get_by_text("已证明最优").wait_for()
    world.coverage.job_steps = 1000
    page.locator(".gm-siting .gm-button").click()
    page.locator("[data-key=job-cancel]").click()
    page.get_by_text("求证已取消").wait_for()
    assert world.coverage.jobs[2]["state"] == "cancelled"
    assert page.locator(".gm-site").count() == 3, "the quick answer stays"
    assert opened.errors == []


def test_a_goal_in_percent_asks_for_a_share_instead_of_a_number(url: str, world: World, opening: Opening) -> None:
    opened = opening(f"{url}/map{VIEW}")
    page = covered(opened)
    page.locator("[data-key=tab-siting]").click()
    page.locator("[data-key=siting-method]").select_option("set_cover")
    page.locator("[data-key=siting-share]").fill("90")
    page.locator(".gm-siting .gm-button").click()
    page.locator(".gm-site").first.wait_for()
    order = next(body for _, path, body in world.written if path == "siting")
    assert order["target_share"] == pytest.approx(0.9)
    assert "count" not in order


def test_changes_keep_one_place_for_each_station(url: str, opening: Opening) -> None:
    page = opening(f"{url}/map").ready()
    found = page.evaluate(
        """async () => {
          const { added, closed, moved, nextNumber } = await import("/static/gridmap/whatif.js");
          let changes = moved(moved([], "S1", 1, 2), "S1", 3, 4);
          changes = added(changes, { code: "NEW-1", name: "a", kind: "shop", lon: 5, lat: 6 });
          changes = moved(changes, "NEW-1", 7, 8);
          const number = nextNumber(changes);
          const gone = closed(closed(changes, "NEW-1"), "S1");
          return { changes, number, gone };
        }"""
    )
    assert found["changes"] == [
        {"op": "move", "station": "S1", "lon": 3, "lat": 4},
        {"op": "add", "code": "NEW-1", "name": "a", "kind": "shop", "lon": 7, "lat": 8},
    ]
    assert found["number"] == 2
    assert found["gone"] == [{"op": "close", "station": "S1"}]


def test_hostile_names_of_stations_gaps_and_scenarios_are_only_words(url: str, world: World, opening: Opening) -> None:
    for feature in world.data["stations"]["features"]:
        feature["properties"]["name"] += PAYLOAD
        feature["properties"]["services"] = [PAYLOAD, *feature["properties"]["services"]]
    opened = opening(f"{url}/map{VIEW}")
    page = covered(opened)
    page.locator(".gm-more").click()
    page.locator("[data-key=gap-1]").click()
    page.get_by_role("button", name="在这里试设站点").click()
    page.locator(".gm-effect").wait_for()
    page.get_by_label("方案名称").fill(PAYLOAD[:70])
    page.keyboard.press("Enter")
    page.locator("[data-key=scenario-1]").wait_for()
    page.get_by_role("button", name="付诸实施").click()
    page.locator("dialog .gm-plain").click()
    page.get_by_role("button", name="左右对比").first.click()
    page.locator(".gm-swipe").wait_for()
    page.keyboard.press("Escape")
    page.locator("[data-key=tab-stations]").click()
    page.locator(".gm-cover-row").first.click()
    page.locator(".gm-score").wait_for()
    assert "<img src=x" in page.locator("#gm-body h2").inner_text()
    page.locator(".gm-back").click()
    page.locator("[data-key=tab-siting]").click()
    page.locator(".gm-siting .gm-button").click()
    page.locator(".gm-site").first.wait_for()
    page.mouse.click(700, 430)
    page.locator(".gm-time").wait_for()
    assert page.evaluate("window.PWN") is None
    assert page.locator("img, iframe, svg[onload]").count() == 0
    assert [e for e in opened.errors if "Security" in e or "error:" in e or "outside" in e] == []
