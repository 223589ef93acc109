"""The phone and the A3 sheet."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.maps.conftest import Opened
from tests.maps.server import World

Opening = Callable[..., Opened]
PHONE = (390, 844)


def test_on_a_phone_nothing_lies_over_another(url: str, opening: Opening, keep: Any) -> None:
    opened = opening(f"{url}/map#map=15/28.30000/116.90000", size=PHONE, phone=True)
    page = opened.ready()
    keep(page, "phone-390x844")
    boxes = {}
    for name in ("#gm-toolbar", "#gm-zoom", "#gm-legend", "#gm-scale", "#gm-panel"):
        box = page.locator(name).bounding_box()
        boxes[name] = (box["x"], box["y"], box["x"] + box["width"], box["y"] + box["height"])
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= PHONE[0]
    names = sorted(boxes)
    for i, one in enumerate(names):
        for other in names[i + 1 :]:
            a, b = boxes[one], boxes[other]
            apart = a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]
            assert apart, (one, other)
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE[0]
    assert opened.errors == []


def test_on_a_phone_legend_and_list_are_folded_and_open_by_a_tap(url: str, opening: Opening) -> None:
    opened = opening(f"{url}/map", size=PHONE, phone=True)
    page = opened.ready()
    assert not page.locator("#gm-legend-list").is_visible()
    page.locator(".gm-legend-button").tap()
    assert page.locator("#gm-legend-list").is_visible()
    page.locator(".gm-legend-button").tap()
    assert not page.locator(".gm-row").first.is_visible()
    page.locator(".gm-handle").tap()
    page.locator(".gm-row").first.wait_for()
    assert page.locator(".gm-handle").get_attribute("aria-expanded") == "true"


def test_on_a_phone_the_place_that_was_tapped_stays_above_the_answer(url: str, opening: Opening, keep: Any) -> None:
    opened = opening(f"{url}/map#map=16/28.30000/116.90000", size=PHONE, phone=True)
    page = opened.ready()
    page.touchscreen.tap(150, 700)
    page.locator(".gm-grid-card").wait_for()
    page.wait_for_timeout(700)
    pin = page.locator("path[fill='#b3261e']").bounding_box()
    assert pin["y"] + pin["height"] < page.locator("#gm-panel").bounding_box()["y"]
    keep(page, "phone-located")


def test_buttons_are_large_enough_for_a_finger(url: str, opening: Opening) -> None:
    page = opening(f"{url}/map", size=PHONE, phone=True).ready()
    for button in page.locator("#gm-toolbar button, #gm-zoom button").all():
        box = button.bounding_box()
        assert min(box["width"], box["height"]) >= 39


def test_the_sheet_is_one_a3_page_with_everything_that_a_map_needs(
    url: str, opening: Opening, keep: Any, tmp_path: Path
) -> None:
    opened = opening(f"{url}/map#map=15/28.30000/116.90000")
    page = opened.ready()
    page.locator("[data-key=print]").click()
    page.fill(".gm-paper-bar input >> nth=1", "赣S(2026)001号")
    page.fill(".gm-paper-bar input >> nth=2", "清岩县社会工作部")
    opened.ready()
    keep(page, "sheet")
    foot = page.locator(".gm-paper-foot").inner_text()
    for words in ("示意图", "界线不作为划界和权属依据", "2026版", "审图号 赣S(2026)001号", "清岩县社会工作部"):
        assert words in foot
    assert re.search(r"制图日期 \d{4}年\d{1,2}月\d{1,2}日", foot)
    assert page.locator(".gm-paper-head h2").inner_text() == "清岩县网格服务管理示意图"
    assert page.locator(".gm-north").is_visible()
    assert page.locator("#gm-legend").is_visible()
    assert "比例尺约" in page.locator("#gm-scale").inner_text()
    pdf = page.pdf(prefer_css_page_size=True, print_background=True)
    (tmp_path / "sheet.pdf").write_bytes(pdf)
    boxes = re.findall(rb"/MediaBox\s*\[\s*0 0 ([\d.]+) ([\d.]+)\s*\]", pdf)
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) == 1
    assert [round(float(v)) for v in boxes[0]] == pytest.approx([1191, 842], abs=2)
    assert opened.errors == []


def test_the_sheet_takes_a_round_scale(url: str, opening: Opening) -> None:
    opened = opening(f"{url}/map#map=15/28.30000/116.90000")
    page = opened.ready()
    page.locator("[data-key=print]").click()
    page.select_option(".gm-paper-bar select", "5000")
    opened.until(lambda: "1∶5,000" in page.locator("#gm-scale").inner_text())
    opened.ready()
    assert opened.errors == []


def test_the_sheet_is_left_by_escape_and_the_view_comes_back(url: str, opening: Opening) -> None:
    opened = opening(f"{url}/map#map=15/28.30000/116.90000")
    page = opened.ready()
    before = page.url
    page.keyboard.press("Control+p")
    assert page.locator(".gm-paper-head").is_visible()
    page.keyboard.press("Escape")
    opened.ready()
    assert page.locator(".gm-paper-head").count() == 0
    assert page.locator("#gm-panel").is_visible()
    assert page.url == before


def test_on_a_sheet_of_everything_the_legend_hides_no_grid(url: str, world: World, opening: Opening) -> None:
    opened = opening(f"{url}/map")
    page = opened.ready()
    page.get_by_role("button", name="全部").click()
    page.keyboard.press("-")
    page.wait_for_timeout(500)
    page.keyboard.press("Control+p")
    opened.ready()
    legend = page.locator("#gm-legend").bounding_box()
    for label in page.locator(".gm-name-grid, .gm-name-community").all():
        box = label.bounding_box()
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        inside_x = legend["x"] < x < legend["x"] + legend["width"]
        inside_y = legend["y"] < y < legend["y"] + legend["height"]
        assert not (inside_x and inside_y), label.inner_text()
