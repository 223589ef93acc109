"""One Chromium for the folder; pages that may talk to this machine only and whose errors are collected."""

from __future__ import annotations

import copy
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, sync_playwright

from gridmap.maps.data import MapData
from tests.maps.server import World, serving
from tests.maps.town import town

ROOT = Path(__file__).parents[2]
NAMES = ("chromium", "chromium-browser", "google-chrome")


def chromium() -> str:
    """The browser itself, not the distribution's shell wrapper around it."""
    direct = Path("/usr/lib/chromium/chromium")
    return str(direct) if direct.exists() else next(filter(None, map(shutil.which, NAMES)))


@dataclass
class Opened:
    """A page, what it asked for and what went wrong in it."""

    page: Page
    asked: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def ready(self) -> Page:
        """Wait until all tiles are drawn; by polling, because the policy forbids eval."""
        self.until(lambda: self.page.evaluate("document.documentElement.dataset.ready") == "true")
        self.page.wait_for_timeout(150)
        return self.page

    def until(self, truth: Callable[[], Any]) -> None:
        """Wait until something is so, ten seconds at most."""
        end = time.monotonic() + 10
        while not truth():
            assert time.monotonic() < end, f"waited in vain; errors: {self.errors}"
            self.page.wait_for_timeout(50)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox", "--disable-gpu"])
        yield opened
        opened.close()


@pytest.fixture
def data() -> dict[str, Any]:
    """The town, to be changed freely."""
    return copy.deepcopy(town())


@pytest.fixture
def map_data(data: dict[str, Any]) -> MapData:
    return as_map_data(data)


def as_map_data(data: dict[str, Any]) -> MapData:
    """The town as the data of a stand-alone map."""
    return MapData(
        jurisdiction=data["jurisdiction"],
        grids=data["grids"],
        communities=data["communities"],
        stations=data["stations"],
        duties=data["duties"],
        **data["base"],
    )


@pytest.fixture
def opening(browser: Browser) -> Iterator[Callable[..., Opened]]:
    """Open an address in a page of its own; the outside network is blocked."""
    contexts = []

    def open_page(url: str, *, size: tuple[int, int] = (1440, 900), phone: bool = False) -> Opened:
        context = browser.new_context(
            viewport={"width": size[0], "height": size[1]}, has_touch=phone, is_mobile=phone, locale="zh-CN"
        )
        contexts.append(context)
        context.set_default_timeout(10_000)
        opened = Opened(context.new_page())

        def route(route: Route) -> None:
            opened.asked.append(route.request.url)
            if route.request.url.startswith(("http://127.0.0.1:", "file://", "data:")):
                route.continue_()
            else:
                opened.errors.append(f"outside: {route.request.url}")
                route.abort()

        context.route("**/*", route)
        opened.page.on("pageerror", lambda error: opened.errors.append(f"error: {error}"))
        opened.page.on(
            "console", lambda line: opened.errors.append(line.text) if line.type in {"error", "warning"} else None
        )
        opened.page.goto(url)
        return opened

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture
def world(data: dict[str, Any]) -> World:
    return World(data)


@pytest.fixture
def url(world: World) -> Iterator[str]:
    with serving(world) as address:
        yield address


@pytest.fixture
def keep() -> Callable[[Page, str], Path]:
    """Keep a screenshot as an artefact to be looked at."""
    folder = ROOT / "artefacts" / "maps"

    def screenshot(page: Page, name: str) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / f"{name}.png"
        page.screenshot(path=file)
        return file

    return screenshot
