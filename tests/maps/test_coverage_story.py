"""The station planner's story on the sample county, with the real server, database and walking times; mouse alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Page

from gridmap.settings import Settings
from gridmap.store.database import Place
from tests.conftest import copy_database, drop_database, leave
from tests.maps.conftest import Opened
from tests.maps.redraw_town import Serving, serving
from tests.maps.test_whatif import middle

Opening = Callable[..., Opened]
#: The first answer takes a while: streets, homes and kernels are made ready.
FIRST_MS = 240_000


@pytest.fixture
def county(run_settings: Settings, county_template: Place) -> Iterator[Serving]:
    """A server on a sample county of this test's own."""
    leave(county_template)
    place = copy_database(run_settings, county_template.name, "county_story")
    with serving(run_settings, place) as running:
        yield running
    drop_database(run_settings, place)


def press(page: Page, selector: str) -> None:
    """Click the middle of something as a hand does."""
    page.locator(selector).first.scroll_into_view_if_needed()
    page.mouse.click(*middle(page, selector))


def drag(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Press, move in steps, let go."""
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move((start[0] + end[0]) / 2, (start[1] + end[1]) / 2, steps=6)
    page.mouse.move(*end, steps=6)
    page.mouse.up()


def figures(page: Page) -> list[int]:
    """Households in reach in the table of the what-if: today, tried, difference."""
    cells = page.locator(".gm-effect tbody tr").first.locator("td").all_inner_texts()
    return [int(cell.replace(",", "").replace("−", "-").replace("±", "")) for cell in cells]


def test_a_planner_finds_the_largest_gap_tries_a_station_there_and_sees_what_it_changes(
    county: Serving, opening: Opening, keep: Any
) -> None:
    opened = opening(county.door)
    page = opened.ready()
    press(page, "[data-key=mode-coverage]")
    page.locator(".gm-hero").wait_for(timeout=FIRST_MS)

    # How far is 10 minutes? The slider's handle is drawn one step to the left.
    box = page.locator("#gm-minutes").bounding_box()
    handle = (box["x"] + box["width"] * 2 / 3 - 3, box["y"] + box["height"] / 2)
    drag(page, handle, (box["x"] + box["width"] / 3 + 3, handle[1]))
    opened.until(lambda: "min=10" in page.url)
    before = county.get("/v1/coverage?minutes=10&by=grid")
    gap = county.get("/v1/coverage/gaps?minutes=10")["features"][0]["properties"]
    opened.until(lambda: f"{gap['households']:,} 户" in page.locator("[data-key=gap-1]").inner_text())

    # The largest gap stands first; a click leads there and tells how far its people walk.
    press(page, "[data-key=gap-1]")
    page.get_by_role("button", name="在这里试设站点").wait_for()
    assert f"{gap['households']:,}" in page.locator(".gm-facts").inner_text()
    page.wait_for_timeout(600)
    keep(page, "story-gap")

    # A station is tried there: the answer is on the page at once, by household and by grid.
    press(page, ".gm-card .gm-button")
    page.locator(".gm-effect").wait_for()
    change = {"op": "add", "code": "NEW-1", "name": "试设站点 1", "kind": "grid_station"}
    change |= {"lon": gap["lon"], "lat": gap["lat"]}
    tried = county.post("/v1/coverage/what-if", minutes=10, by="grid", changes=[change])
    gained = tried["totals"]["households_covered"] - before["totals"]["households_covered"]
    assert gained > 0
    assert figures(page) == [
        before["totals"]["households_covered"], tried["totals"]["households_covered"], gained
    ]  # fmt: skip
    was = {row["code"]: row["households_covered"] for row in before["rows"]}
    differ = {row["code"]: row["households_covered"] - was[row["code"]] for row in tried["rows"]}
    most = max(differ.values(), key=abs)
    assert f"+{most:,}" in page.locator(".gm-changed li").first.inner_text()
    opened.until(lambda: page.locator(".gm-name-gain").count() > 0)
    page.wait_for_timeout(300)
    keep(page, "story-tried")

    # It is dragged somewhere else, which changes the answer, and put back.
    pin = page.locator(".gm-mark-new").first.bounding_box()
    grip = (pin["x"] + pin["width"] / 2, pin["y"] + pin["height"] / 3)
    drag(page, grip, (grip[0] + 90, grip[1] - 60))
    opened.until(lambda: page.locator(".gm-effect").count() == 1 and figures(page)[2] != gained)
    press(page, ".gm-actions .gm-button:has-text('撤销')")
    opened.until(lambda: page.locator(".gm-effect").count() == 1 and figures(page)[2] == gained)

    # Kept under the name that stands there, and seen beside today.
    press(page, ".gm-saving .gm-button")
    page.locator(".gm-scenarios .gm-link").wait_for()
    (kept,) = county.get("/v1/scenarios")["scenarios"]
    assert (kept["title"], [one["op"] for one in kept["changes"]]) == ("方案 1", ["add"])
    press(page, ".gm-actions .gm-button:has-text('左右对比')")
    page.locator(".gm-swipe").wait_for()
    bar = middle(page, ".gm-swipe")
    drag(page, bar, (bar[0] - 260, bar[1]))
    rows = page.locator("#gm-compare-table tbody tr")
    assert rows.count() == sum(1 for value in differ.values() if value) + 2
    assert f"+{most:,}" in rows.nth(2).inner_text()
    page.wait_for_timeout(400)
    keep(page, "story-beside-today")
    press(page, ".gm-actions .gm-button:has-text('结束对比')")

    # Nothing real has changed, and nobody outside was asked.
    page.locator(".gm-hero").wait_for()
    assert county.get("/v1/coverage?minutes=10&by=grid")["totals"] == before["totals"]
    assert opened.errors == []
