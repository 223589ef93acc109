"""Redraw mode in a real browser on the real server: drawing by mouse, finger and keys, undo, conflicts, publishing."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from gridmap.services.worker import run_worker
from gridmap.settings import Settings
from gridmap.store.database import Place
from tests.maps.conftest import Opened
from tests.maps.redraw_town import Serving, circle, lonlat, middle, serving
from tests.maps.test_hostile import PAYLOAD
from tests.maps.test_workbench import _pixel as pixel_of
from tests.services import town

Opening = Callable[..., Opened]
SW, NW, SE, NE = town.code(0, 0), town.code(0, 1), town.code(1, 0), town.code(1, 1)
NAMES = {SW: "第00网格", NW: "第01网格", SE: "第10网格", NE: "第11网格"}


@pytest.fixture
def served(run_settings: Settings, town_place: Place) -> Iterator[Serving]:
    with serving(run_settings, town_place) as running:
        yield running


@pytest.fixture
def plan(served: Serving) -> int:
    return int(served.post("/v1/plans", title="明年方案")["id"])


class Desk:
    """A planner's page with a plan open."""

    def __init__(self, opened: Opened, served: Serving, plan: int, *, language: str = "zh", zoom: int = 17) -> None:
        self.opened, self.served, self.plan, self.page = opened, served, plan, opened.page
        lon, lat = lonlat(400, 200)
        view = f"#map={zoom}/{lat:.5f}/{lon:.5f}&mode=redraw&plan={plan}&level=3&lang={language}"
        self.page.goto(f"{served.address}/map{view}")
        self.page.reload()
        opened.ready()
        self.page.locator(".gm-plan-title h2").wait_for(state="attached")
        opened.until(lambda: self.page.locator(".gm-plan-grid").count() == 8)

    def at(self, place: tuple[float, float]) -> tuple[float, float]:
        """The pixel of a place in metres from the corner of the town."""
        return pixel_of(self.page, *lonlat(*place))

    def click(self, place: tuple[float, float]) -> None:
        self.page.mouse.click(*self.at(place))

    def select(self, column: int, row: int) -> None:
        """Click into the grid beside its houses."""
        self.page.keyboard.press("v")
        self.click((column * 200 + 190, row * 200 + 185))
        self.page.locator(".gm-plan-card").wait_for()

    def draw(self, points: list[tuple[float, float]], *, release: bool = True) -> None:
        """Draw through pixels with the mouse."""
        self.page.mouse.move(*points[0])
        self.page.mouse.down()
        for x, y in points[1:]:
            self.page.mouse.move(x, y)
        if release:
            self.page.mouse.up()

    def line(self, *places: tuple[float, float]) -> list[tuple[float, float]]:
        """Pixels along places, a few on each leg."""
        stops = [self.at(place) for place in places]
        out = [stops[0]]
        for (ax, ay), (bx, by) in itertools.pairwise(stops):
            out += [(ax + (bx - ax) * k / 8, ay + (by - ay) * k / 8) for k in range(1, 9)]
        return out

    def revision(self, number: int) -> None:
        """Wait until the page stands at a revision."""
        self.opened.until(lambda: f"第 {number} 次修改" in self.page.locator(".gm-plan-title").inner_text())

    def rows(self) -> str:
        return self.page.locator(".gm-step-table").inner_text()

    def said(self) -> str:
        return self.page.locator(".gm-status").inner_text()

    @property
    def households(self) -> dict[str, int]:
        return self.served.households(self.plan)

    def faults(self) -> list[str]:
        """What went wrong in the page; refusals are answers."""
        return [line for line in self.opened.errors if "status of 4" not in line]


@pytest.fixture
def desk(served: Serving, plan: int, opening: Opening) -> Desk:
    return Desk(opening(served.door), served, plan)


def test_a_new_plan_is_opened_buildings_are_lassoed_into_the_neighbour_and_the_totals_follow(
    served: Serving, opening: Opening, keep: Any
) -> None:
    opened = opening(served.door)
    page = opened.ready()
    page.locator("[data-key=mode-redraw]").click()
    page.locator("[data-key=new-title]").fill("春季调整")
    page.locator("[data-key=new-title]").press("Enter")
    page.locator(".gm-plan-title h2", has_text="春季调整").wait_for()
    desk = Desk(opened, served, int(served.get("/v1/plans")["plans"][0]["id"]))
    assert "100%" in page.locator(".gm-plan-totals").inner_text()
    desk.select(0, 0)
    assert NAMES[SW] in page.locator(".gm-plan-card h2").inner_text()
    page.keyboard.press("l")
    assert NAMES[SW] in page.locator(".gm-tool-hint").inner_text()
    before = list(opened.asked)
    x, y = desk.at(middle(1, 0, 0))
    desk.draw(circle(x, y, 26), release=False)
    opened.until(lambda: "1 栋 · 50 户" in page.locator(".gm-draft-count").inner_text())
    page.mouse.up()
    desk.revision(1)
    assert desk.households[SW] == 350
    assert desk.households[SE] == 250
    assert "300" in desk.rows()
    assert "350" in desk.rows()
    assert "+50" in desk.rows()
    assert "300 → 350" in desk.said().replace("变为", "")
    assert "50" in page.locator(".gm-plan-totals").inner_text()
    new = [address for address in opened.asked[len(before) :] if "/v1/plans" in address]
    assert not [address for address in new if address.endswith("/grids")], "a step brings its own polygons"
    opened.until(lambda: page.locator(".gm-names text", has_text="350").count() == 1)
    keep(page, "redraw-lasso")
    page.keyboard.press("Control+z")
    desk.revision(2)
    assert desk.households[SW] == 300
    page.keyboard.press("Control+y")
    desk.revision(3)
    assert desk.households[SW] == 350
    page.locator("[data-key=tool-undo]").click()
    desk.revision(4)
    assert set(desk.households.values()) == {300}
    assert desk.faults() == []


def test_a_box_takes_what_lies_in_it_and_a_click_takes_one_building(desk: Desk) -> None:
    desk.select(0, 0)
    desk.page.keyboard.press("x")
    (x0, y0), (x1, y1) = middle(1, 0, 0), middle(1, 0, 3)
    desk.draw([desk.at((x0 - 18, y0 - 12)), desk.at((x0, y0)), desk.at((x1 + 18, y1 + 12))])
    desk.revision(1)
    assert desk.households[SW] == 400
    desk.page.keyboard.press("b")
    desk.click(middle(0, 1, 2))
    desk.revision(2)
    assert desk.households[SW] == 450
    assert desk.households[NW] == 250
    assert "▲50%" in desk.rows()
    assert desk.faults() == []


def test_a_free_hand_line_becomes_the_border_of_two_neighbours(desk: Desk, keep: Any) -> None:
    desk.page.keyboard.press("d")
    # east of the first houses of the eastern block: these join the western one
    path = desk.line((265, -4), (262, 60), (268, 140), (265, 204))
    desk.draw(path, release=False)
    assert len(desk.page.locator(".gm-draft-path").get_attribute("d")) > 60, "the line is there while it is drawn"
    desk.page.mouse.up()
    desk.revision(1)
    assert desk.households[SW] == 400
    assert desk.households[SE] == 200
    assert desk.page.locator(".gm-draft-path").get_attribute("d") == ""
    keep(desk.page, "redraw-line")
    assert desk.faults() == []


def test_a_border_is_dragged_sideways(desk: Desk) -> None:
    desk.page.keyboard.press("o")
    desk.draw(desk.line((200, 100), (268, 100)))
    desk.revision(1)
    assert desk.households[SW] == 400
    assert desk.faults() == []


def test_a_grid_is_split_by_a_line_or_in_halves_merged_with_a_neighbour_and_all_of_it_undone(
    desk: Desk, keep: Any
) -> None:
    desk.select(0, 0)
    desk.page.keyboard.press("s")
    desk.draw(desk.line((-6, 88), (100, 86), (206, 88)))
    desk.revision(1)
    assert sorted(desk.households.values())[:2] == [150, 150]
    assert "新" in desk.rows()
    keep(desk.page, "redraw-split")
    desk.page.keyboard.press("Control+z")
    desk.revision(2)
    desk.page.locator("[data-key=halve]").click()
    desk.revision(3)
    assert sorted(desk.households.values())[:2] == [150, 150]
    desk.page.keyboard.press("Control+z")
    desk.revision(4)
    desk.page.keyboard.press("m")
    desk.click((390, 185))
    desk.revision(5)
    assert desk.households[SW] == 600
    assert SE not in desk.households
    assert "撤销" in desk.rows()
    assert desk.page.locator(".gm-tool-hint", has_text=NAMES[SW]).count() == 1
    desk.page.keyboard.press("Control+z")
    desk.revision(6)
    assert set(desk.households.values()) == {300}
    assert len(desk.households) == 8
    assert desk.faults() == []


def test_a_piece_that_a_step_cuts_off_is_given_away_by_one_click(desk: Desk, keep: Any) -> None:
    desk.select(0, 0)
    desk.page.keyboard.press("l")
    x, y = desk.at(middle(1, 0, 5))
    desk.draw(circle(x, y, 24))
    desk.revision(1)
    warning = desk.page.locator(".gm-step .gm-plan-warning", has_text="分成 2 块")
    warning.wait_for()
    keep(desk.page, "redraw-warning")
    warning.locator(".gm-repair").click()
    desk.revision(2)
    assert desk.page.locator(".gm-plan-warning", has_text="分成 2 块").count() == 0
    assert desk.households[SW] == 300
    assert desk.faults() == []


def test_what_cannot_be_done_is_said_and_nothing_changes(desk: Desk) -> None:
    desk.select(0, 0)
    desk.page.keyboard.press("l")
    x, y = desk.at((190, 185))
    desk.draw(circle(x, y, 12))
    problem = desk.page.locator(".gm-plan-problem")
    problem.wait_for()
    assert len(problem.inner_text()) > 6
    assert desk.page.locator(".gm-draft-path").get_attribute("d") == ""
    desk.page.keyboard.press("Escape")
    desk.page.keyboard.press("Escape")
    desk.page.keyboard.press("l")
    desk.draw(circle(x, y, 30))
    desk.opened.until(lambda: "请先选择一个网格" in problem.inner_text())
    assert desk.served.get(f"/v1/plans/{desk.plan}")["revision"] == 0
    assert desk.faults() == []


def test_two_pages_change_the_same_land_and_the_planner_chooses(
    served: Serving, plan: int, opening: Opening, keep: Any
) -> None:
    mine, theirs = (Desk(opening(served.door), served, plan) for _ in range(2))
    mine.select(0, 0)
    mine.page.keyboard.press("l")
    x, y = mine.at(middle(1, 0, 0))
    mine.draw(circle(x, y, 26), release=False)
    theirs.select(1, 1)
    theirs.page.keyboard.press("b")
    theirs.click(middle(1, 0, 0))
    theirs.revision(1)
    mine.page.mouse.up()
    card = mine.page.locator(".gm-conflict")
    card.wait_for()
    words = card.inner_text()
    assert f"由{NAMES[SE]}划入{NAMES[SW]}" in words
    assert NAMES[NE] in words
    assert "第 1 步 划入" in words
    assert mine.page.locator(".gm-draft-sent").count() == 1
    assert served.households(plan)[NE] == 350
    keep(mine.page, "redraw-conflict")
    card.locator("[data-key=conflict-mine]").click()
    mine.revision(2)
    assert served.households(plan) == served.households(plan) | {SW: 350, NE: 300, SE: 250}
    assert mine.page.locator(".gm-conflict").count() == 0
    # now theirs is behind, and lets mine stand
    theirs.page.keyboard.press("b")
    theirs.select(1, 0)
    theirs.page.keyboard.press("l")
    x, y = theirs.at(middle(1, 0, 0))
    theirs.draw(circle(x, y, 26))
    theirs.opened.until(
        lambda: theirs.page.locator(".gm-conflict").count() + theirs.page.locator(".gm-step-table").count() > 0
    )
    assert mine.faults() == theirs.faults() == []


def test_others_steps_on_other_land_come_in_by_themselves(served: Serving, plan: int, opening: Opening) -> None:
    desk = Desk(opening(served.door), served, plan)
    served.post(
        f"/v1/plans/{plan}/ops",
        base_revision=0,
        operation={"kind": "assign", "buildings": ["b200"], "to": town.code(3, 0)},
    )
    desk.select(0, 0)
    desk.page.keyboard.press("l")
    x, y = desk.at(middle(1, 0, 0))
    desk.draw(circle(x, y, 26))
    desk.revision(2)
    desk.opened.until(lambda: desk.page.locator(".gm-names text", has_text="250").count() == 2)
    assert desk.households[town.code(3, 0)] == 350
    assert desk.faults() == []


def test_all_of_it_goes_by_keys_alone(served: Serving, plan: int, opening: Opening) -> None:
    desk = Desk(opening(served.door), served, plan)
    page = desk.page
    page.locator("#gm-search").focus()
    page.keyboard.type("第10")
    desk.opened.until(lambda: page.locator(".gm-plan-grid").count() == 1)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.locator(".gm-plan-card h2", has_text=NAMES[SE]).wait_for()
    desk.opened.until(lambda: "楼栋（6）" in page.locator(".gm-homes").first.inner_text())
    page.locator("[data-key=homes-summary]").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    desk.opened.until(lambda: page.locator(".gm-homes input:checked").count() == 2)
    page.locator("[data-key=neighbour]").focus()
    page.keyboard.press("ArrowDown")
    give = page.locator("[data-key=give]")
    desk.opened.until(lambda: NAMES[SW] in give.inner_text())
    give.focus()
    page.keyboard.press("Enter")
    desk.revision(1)
    assert (desk.households[SW], desk.households[SE]) == (400, 200)
    page.keyboard.press("Control+z")
    desk.revision(2)
    page.keyboard.press("Control+y")
    desk.revision(3)
    assert desk.households[SW] == 400
    # a line, point by point, at the middle of the map
    page.locator("#map_main").focus()
    page.keyboard.press("d")
    zoom = page.url.split("map=")[1].split("/")[0]
    for y in (405, 205, 190):
        lon, lat = lonlat(465, y - 205)
        page.evaluate(
            "hash => { location.hash = hash }",
            f"#map={zoom}/{lat:.6f}/{lon:.6f}&mode=redraw&plan={plan}&level=3&lang=zh",
        )
        page.wait_for_timeout(150)
        desk.opened.until(lambda: page.locator(".leaflet-pan-anim").count() == 0)
        page.keyboard.press("Enter" if y != 190 else "Shift+Enter")
    desk.opened.until(lambda: served.get(f"/v1/plans/{plan}")["revision"] == 4)
    assert desk.faults() == []


def test_a_plan_is_handed_in_approved_and_published_and_the_page_says_what_approval_is_worth(
    desk: Desk, keep: Any
) -> None:
    page = desk.page
    desk.select(0, 0)
    page.keyboard.press("b")
    desk.click(middle(1, 0, 0))
    desk.revision(1)
    page.locator("[data-key=tab-publish]").click()
    page.locator(".gm-crosswalk").wait_for()
    row = page.locator(".gm-crosswalk tbody tr").first.inner_text()
    assert NAMES[SE] in row
    assert NAMES[SW] in row
    assert "50" in row
    page.locator("[data-key=submit]").click()
    page.locator("[data-key=approve]").wait_for()
    assert "不作强制" in page.locator(".gm-plan").inner_text()
    assert page.locator(".gm-tools").is_hidden(), "a plan that is handed in does not change"
    keep(page, "redraw-submitted")
    page.locator("[data-key=approve]").click()
    page.locator("[data-key=edition-name]").fill("二〇二七年版")
    page.locator("[data-key=publish]").click()
    dialog = page.locator(".gm-dialog")
    assert "50 户" in dialog.inner_text()
    assert "不作强制" in dialog.inner_text()
    page.locator("[data-key=publish-yes]").click()
    page.locator(".gm-road [aria-current]", has_text="现行").wait_for()
    assert desk.served.get("/v1/editions")["editions"][-1]["name"] == "二〇二七年版"
    keep(page, "redraw-published")
    page.locator("[data-key=mode-grids]").click()
    desk.opened.until(lambda: "二〇二七年版" in page.locator("#gm-subtitle").inner_text())
    page.locator(f".gm-row[data-code='{SW}']", has_text="350").wait_for()
    assert desk.faults() == []


def test_text_of_a_plan_never_runs(served: Serving, opening: Opening) -> None:
    number = int(served.post("/v1/plans", title=PAYLOAD[:120])["id"])
    served.post(
        f"/v1/plans/{number}/ops", base_revision=0, operation={"kind": "rename", "grid": SW, "name": PAYLOAD[:80]}
    )
    desk = Desk(opening(served.door), served, number)
    desk.select(0, 0)
    for tab in ("warnings", "log", "publish", "grids"):
        desk.page.locator(f"[data-key=tab-{tab}]").click()
        desk.page.wait_for_timeout(100)
    assert desk.page.evaluate("window.ran ?? window.PWN ?? null") is None
    assert desk.page.locator(".gm-plan-title h2").inner_text().strip() == PAYLOAD[:120].strip()
    assert desk.faults() == []


def test_english_is_complete(served: Serving, plan: int, opening: Opening, keep: Any) -> None:
    desk = Desk(opening(served.door), served, plan, language="en")
    page = desk.page
    desk.select(0, 0)
    page.keyboard.press("b")
    desk.click(middle(1, 0, 0))
    desk.opened.until(lambda: page.locator(".gm-step-table").count() == 1)
    for tab in ("log", "publish", "warnings", "grids"):
        page.locator(f"[data-key=tab-{tab}]").click()
        page.wait_for_timeout(150)
        text = page.locator(".gm-plan").inner_text()
        for word in ("网格", "楼栋", "户", "方案", "划入", "撤销"):
            left = [line for line in text.splitlines() if word in line and not line.startswith(("第", "明年"))]
            left = [line for line in left if "第0" not in line and "第1" not in line]
            assert not left, (tab, left)
    assert page.locator("[data-key=tool-lasso]").inner_text().startswith("Lasso")
    keep(page, "redraw-english")
    assert desk.faults() == []


def _finger(page: Page, points: list[tuple[float, float]]) -> None:
    """Draw with one finger."""
    session = page.context.new_cdp_session(page)
    for i, (x, y) in enumerate(points):
        kind = "touchMove" if i else "touchStart"
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y}]})
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


def test_on_a_phone_a_finger_draws_and_nothing_is_wider_than_the_screen(
    served: Serving, plan: int, opening: Opening, keep: Any
) -> None:
    desk = Desk(opening(served.door, size=(390, 844), phone=True), served, plan, zoom=16)
    page = desk.page
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    x, y = desk.at((190, 185))
    page.touchscreen.tap(x, y)
    page.locator(".gm-plan-card").wait_for()
    keep(page, "redraw-phone-card")
    page.locator(".gm-handle").click()
    page.wait_for_timeout(300)
    page.locator("[data-key=tool-lasso]").tap()
    x, y = desk.at(middle(1, 0, 0))
    _finger(page, circle(x, y, 14))
    desk.opened.until(lambda: desk.households[SW] == 350)
    page.wait_for_timeout(300)
    keep(page, "redraw-phone")
    boxes = [page.locator(name).bounding_box() for name in (".gm-toolbar", ".gm-tools", ".gm-tool-hint", ".gm-legend")]
    for box in boxes:
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 390
    assert desk.faults() == []


def test_who_asks_for_contrast_sees_every_tool_and_bar(served: Serving, plan: int, opening: Opening, keep: Any) -> None:
    desk = Desk(opening(served.door), served, plan)
    desk.page.emulate_media(forced_colors="active")
    desk.select(0, 0)
    keep(desk.page, "redraw-forced-colors")
    pressed = desk.page.locator(".gm-tools [aria-pressed=true]")
    assert desk.page.evaluate("e => getComputedStyle(e).outlineStyle", pressed.element_handle()) == "solid"
    field = desk.page.locator(".gm-plan-card .gm-band-field")
    assert field.bounding_box()["width"] > 20


def test_a_map_without_a_server_has_no_tools_for_plans(tmp_path: Path, map_data: Any, opening: Opening) -> None:
    from gridmap.maps.export import standalone_page

    file = tmp_path / "map.html"
    file.write_text(standalone_page(map_data, language="zh"), encoding="utf-8")
    opened = opening(f"file://{file}#mode=redraw&plan=1")
    page = opened.ready()
    assert page.locator("[data-key=mode-redraw]").count() == 0
    assert page.locator(".gm-tools").count() == 0
    page.keyboard.press("r")
    assert page.locator(".gm-row").count() > 0
    assert opened.errors == []


@pytest.fixture
def helper(run_settings: Settings, town_place: Place) -> Iterator[None]:
    """A worker beside the server, in a thread."""
    stop = threading.Event()
    thread = threading.Thread(target=run_worker, args=(run_settings, town_place), kwargs={"stop": stop}, daemon=True)
    thread.start()
    yield
    stop.set()
    thread.join(30)


@pytest.mark.usefixtures("helper")
def test_proposals_are_looked_at_on_the_map_and_one_is_taken_and_taken_back(
    served: Serving, plan: int, opening: Opening, keep: Any
) -> None:
    for k, building in enumerate(("b010", "b011", "b012")):
        move = {"kind": "assign", "buildings": [building], "to": SW}
        served.post(f"/v1/plans/{plan}/ops", base_revision=k, operation=move)
    desk = Desk(opening(served.door), served, plan)
    page = desk.page
    page.locator("[data-key=tab-auto]").click()
    page.locator("[data-key=propose]").click()
    page.locator(".gm-job").wait_for()
    # the very first proposals of a machine wait for their compiled loops
    page.locator(".gm-candidate").first.wait_for(timeout=240_000)
    assert "户换网格" in page.locator(".gm-candidate").first.inner_text()
    assert served.households(plan)[SW] == 450
    shown = page.locator(".gm-names text", has_text="450")
    desk.opened.until(lambda: shown.count() == 1)
    page.locator("[data-key=see-1]").click()
    desk.opened.until(lambda: shown.count() == 0)
    assert page.locator(".gm-tools").is_hidden(), "what is only looked at is not redrawn"
    assert served.get(f"/v1/plans/{plan}")["revision"] == 3
    keep(page, "redraw-proposal")
    page.locator("[data-key=see-1]").click()
    desk.opened.until(lambda: shown.count() == 1)
    page.locator("[data-key=take-1]").click()
    desk.revision(4)
    assert served.households(plan)[SW] < 450
    assert "采用自动方案" in page.locator(".gm-step").inner_text()
    keep(page, "redraw-taken")
    page.keyboard.press("Control+z")
    desk.revision(5)
    assert served.households(plan)[SW] == 450
    assert desk.faults() == []


def test_a_plan_is_published_for_a_day_and_withdrawn(desk: Desk, keep: Any) -> None:
    page = desk.page
    desk.select(0, 0)
    page.keyboard.press("b")
    desk.click(middle(1, 0, 0))
    desk.revision(1)
    page.locator("[data-key=tab-publish]").click()
    page.locator("[data-key=submit]").click()
    page.locator("[data-key=approve]").click()
    page.locator("[data-key=effective-day]").fill("2099-01-01")
    page.locator("[data-key=publish]").click()
    assert "2099年1月1日" in page.locator(".gm-dialog").inner_text()
    page.locator("[data-key=publish-yes]").click()
    page.locator(".gm-waiting", has_text="2099年1月1日").wait_for()
    keep(page, "redraw-waiting")
    page.locator("[data-key=withdraw]").click()
    page.locator("[data-key=publish]").wait_for()
    assert desk.faults() == []


def test_a_plan_from_an_older_edition_is_rebased_and_the_planner_settles_what_both_changed(
    served: Serving, plan: int, opening: Opening, keep: Any
) -> None:
    first = int(served.post("/v1/plans", title="先发布的")["id"])
    served.post(
        f"/v1/plans/{first}/ops", base_revision=0, operation={"kind": "assign", "buildings": ["b100"], "to": NE}
    )
    served.post(f"/v1/plans/{plan}/ops", base_revision=0, operation={"kind": "assign", "buildings": ["b100"], "to": SW})
    for how in ("submit", "approve"):
        served.post(f"/v1/plans/{first}/{how}", base_revision=1)
    served.post(f"/v1/plans/{first}/publish", base_revision=1, name="新的一版")
    desk = Desk(opening(served.door), served, plan)
    page = desk.page
    page.locator("[data-key=tab-publish]").click()
    card = page.locator(".gm-rebase")
    assert "新的一版" in card.inner_text()
    card.locator("[data-key=rebase]").click()
    card.locator(".gm-differences li").first.wait_for()
    assert card.locator("[data-key=rebase-go]").is_disabled()
    keep(page, "redraw-rebase")
    card.locator("[data-key=all-mine]").click()
    card.locator("[data-key=rebase-go]").click()
    desk.opened.until(lambda: page.locator(".gm-rebase").count() == 0)
    assert served.households(plan)[SW] == 350
    assert desk.faults() == []
