"""Hostile words in every place where words come in: nothing runs, everything is shown as written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from gridmap.maps.data import MapData, WorkbenchConfig
from gridmap.maps.export import standalone_page
from gridmap.maps.map import GridMap
from gridmap.model.text import Text
from tests.maps.conftest import Opened, as_map_data
from tests.maps.server import World

Opening = Callable[..., Opened]

PAYLOADS = (
    "<img src=x onerror=window.PWN=1>",
    "</script><script>window.PWN=1</script>",
    "${window.PWN=1}`+(window.PWN=1)+`",
    "'\"><svg onload=window.PWN=1>",
    "{{constructor.constructor('window.PWN=1')()}}",
    "</style></title><iframe srcdoc='<script>parent.PWN=1</script>'>",
    "javascript:window.PWN=1",
)
PAYLOAD = " ".join(PAYLOADS)
KEEP = {"level", "colour", "households", "households_estimated", "people", "buildings", "label_lon", "label_lat",
        "label_radius_m", "tier", "bridge", "tunnel", "storeys", "effective_from", "effective_to", "lon", "lat",
        "provisional", "severity", "class", "levels", "bbox", "household_target", "type"}  # fmt: skip


def _poison(value: Any) -> Any:
    """Put the payload behind every text of a structure."""
    if isinstance(value, dict):
        return {key: item if key in KEEP or key == "geometry" else _poison(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_poison(item) for item in value]
    return f"{value}{PAYLOAD}" if isinstance(value, str) else value


def _poisoned(data: dict[str, Any]) -> dict[str, Any]:
    out = {key: _poison(value) for key, value in data.items() if key not in {"duties", "grids"}}
    out["grids"] = {level: _poison(grids) for level, grids in data["grids"].items()}
    out["duties"] = {f"{code}{PAYLOAD}": _poison(rows) for code, rows in data["duties"].items()}
    return out


def _walk_through(opened: Opened) -> None:
    """Open every part of the page that shows words."""
    page = opened.page
    page.locator(".gm-row").first.wait_for()
    page.wait_for_timeout(400)
    page.mouse.move(850, 420)
    page.mouse.move(900, 450)
    page.wait_for_timeout(80)
    page.mouse.click(900, 450)
    page.locator(".gm-grid-card").wait_for()
    page.wait_for_timeout(150)
    page.locator(".gm-back").click()
    page.locator(".gm-row").first.click()
    page.locator(".gm-grid-card").wait_for()
    page.locator(".gm-back").click()
    page.locator(".gm-station").first.dispatch_event("click")
    page.locator(".gm-facts-wide").wait_for()
    page.locator(".gm-back").click()
    page.fill("#gm-search", "<img src=x onerror=window.PWN=1>")
    page.wait_for_timeout(80)
    page.fill("#gm-search", "")
    if page.locator(".gm-tabs").count():
        page.locator(".gm-tabs button").nth(1).click()
        page.locator(".gm-finding").first.click()
    page.locator("[data-key=language]").click()
    page.locator("[data-key=print]").click()
    page.fill(".gm-paper-bar input >> nth=0", "<img src=x onerror=window.PWN=1>")
    page.wait_for_timeout(150)


def _unharmed(opened: Opened) -> None:
    page = opened.page
    assert page.evaluate("window.PWN") is None
    assert page.locator("img, iframe, svg[onload]").count() == 0
    assert [error for error in opened.errors if "outside" in error or "Security" in error or "error:" in error] == []


def test_hostile_words_from_the_api_are_only_words(url: str, world: World, opening: Opening) -> None:
    world.data = _poisoned(world.data)
    message = {"zh": PAYLOAD, "en": PAYLOAD}
    world.findings = [{"rule": PAYLOAD, "severity": "error", "subject": PAYLOAD, "message": message,
                       "repair": message, "lon": 116.9, "lat": 28.3}]  # fmt: skip
    world.config = WorkbenchConfig(title=Text(PAYLOAD, PAYLOAD), review_number=PAYLOAD, publisher=PAYLOAD)
    opened = opening(f"{url}/map#map=17/28.30000/116.90000")
    _walk_through(opened)
    _unharmed(opened)
    assert opened.page.locator(".gm-paper-foot").inner_text().count(PAYLOAD[:5]) >= 1


def test_hostile_words_in_a_stand_alone_file_are_only_words(
    tmp_path: Path, data: dict[str, Any], opening: Opening
) -> None:
    poisoned = as_map_data(_poisoned(data))
    fields = {name: getattr(poisoned, name) for name in MapData.__slots__}
    fields.update(title=Text(PAYLOAD, PAYLOAD), review_number=PAYLOAD, publisher=PAYLOAD)
    path = tmp_path / "map.html"
    path.write_text(standalone_page(MapData(**fields), language="zh"), encoding="utf-8")
    opened = opening(f"{path.as_uri()}#map=17/28.30000/116.90000")
    _walk_through(opened)
    _unharmed(opened)


def test_hostile_words_in_the_address_are_only_words(url: str, opening: Opening) -> None:
    opened = opening(f"{url}/map#map=<img>/1/2&grid=<img src=x onerror=window.PWN=1>&lang=<b>&hide=<i>&level=9&at=<u>")
    opened.page.locator(".gm-warning, .gm-row").first.wait_for()
    opened.page.wait_for_timeout(300)
    _unharmed(opened)


def test_hostile_words_in_a_refusal_of_the_server_are_only_words(url: str, opening: Opening) -> None:
    opened = opening(f"{url}/map#map=17/28.30000/116.90000")
    page = opened.ready()
    refusal = {"title": PAYLOAD, "detail": PAYLOAD, "zh": PAYLOAD}
    page.route("**/v1/locate**", lambda route: route.fulfill(status=422, json=refusal))
    page.mouse.click(1000, 300)
    page.locator(".gm-warning", has_text="<img").wait_for()
    assert page.evaluate("window.PWN") is None
    assert page.locator("img").count() == 0


def test_hostile_words_in_a_notebook_are_only_words(tmp_path: Path, map_data: MapData, opening: Opening) -> None:
    shown = GridMap(data=map_data, title=Text(PAYLOAD, PAYLOAD), publisher=PAYLOAD)._repr_html_()
    path = tmp_path / "notebook.html"
    path.write_text(f"<!DOCTYPE html><meta charset=utf-8><body>{shown}</body>", encoding="utf-8")
    opened = opening(path.as_uri())
    frame = opened.page.frame_locator("iframe")
    frame.locator(".gm-row").first.wait_for()
    assert frame.locator("h1").inner_text() == PAYLOAD
    assert opened.page.evaluate("window.PWN") is None
    assert [error for error in opened.errors if "error:" in error] == []
