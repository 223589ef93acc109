"""What a person waits for: from the slider's input to the redrawn map, in a browser, on the sample."""

from __future__ import annotations

import shutil
import socket
import statistics
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from benchmarks.report import command, sizes, table, write_section
from gridmap.services.kernels import keep_kernels_in

TOKEN = "b" * 43
ROUNDS = 6
#: The slider's way: through all of its positions and back.
KEYS = ("ArrowRight", "ArrowLeft", "ArrowLeft", "ArrowLeft", "ArrowRight", "ArrowRight")
FIRST_MS = 600_000
# A figure of the new limit, and then two frames: by then the browser has shown what was drawn.
_WATCH = """
() => {
  const again = Boolean(window.taken);
  window.taken = [];
  if (again) return;
  document.addEventListener("input", (event) => {
    if (event.target.id !== "gm-minutes") return;
    const begin = performance.now();
    let done = 0;
    const look = () => {
      const minutes = event.target.getAttribute("aria-valuetext").replace(/[^0-9.]/g, "");
      const hero = document.querySelector(".gm-hero > :last-child")?.textContent ?? "";
      if (!done && new RegExp("(^|[^0-9])" + minutes + "[^0-9]").test(hero)) done = 1;
      else if (done) done += 1;
      if (done > 2) window.taken.push(performance.now() - begin);
      else requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
  }, true);
}
"""


def main() -> None:
    """Measure and write the section."""
    with tempfile.TemporaryDirectory(prefix="gridmap-bench-", dir="/var/tmp") as name:
        folder = Path(name)
        folder.chmod(0o755)
        keep_kernels_in(folder)
        rows = [[f"{size:,}", *_measured(folder, size)] for size in sizes()]
    body = table(
        ["buildings", "from memory ms", "slowest ms", "asked anew ms", "first view of the county ms", "tiles drawn"],
        rows,
    )
    write_section("slider", command("slider"), body, ["playwright"])
    print(body)


def _measured(folder: Path, size: int) -> list[str]:
    from uvicorn import Config, Server

    from api.app import create_app
    from gridmap.services.sample import SampleOrder, load_sample
    from gridmap.settings import Settings
    from gridmap.store.cluster import Cluster
    from gridmap.store.database import find_place
    from gridmap.store.migrate import migrate

    settings = Settings(data_dir=folder)
    place = find_place(settings, f"slider{size}")
    migrate(place)
    load_sample(place, SampleOrder(buildings=size), who="bench")
    app = create_app(settings.model_copy(update={"database": place.name}), place=place, token=TOKEN)
    listening = socket.create_server(("127.0.0.1", 0))
    server = Server(Config(app, log_level="warning"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.05)
    try:
        return _in_browser(f"http://127.0.0.1:{listening.getsockname()[1]}")
    finally:
        server.should_exit = True
        thread.join(20)
        Cluster(folder).stop()


def _in_browser(address: str) -> list[str]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_chromium(), args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1440, "height": 900}, locale="zh-CN")
        page.goto(f"{address}/?token={TOKEN}")
        begin = time.perf_counter()
        page.goto(f"{address}/map?first#mode=coverage")
        page.locator(".gm-hero").wait_for(timeout=FIRST_MS)
        first = time.perf_counter() - begin
        held = _slide(page, settle_ms=4000)
        # Another walker: nothing of it is in memory yet, the answer of the server counts.
        anew = []
        for profile in ("elderly", "wheels"):
            page.locator("select[aria-label]").first.select_option(profile)
            anew += _slide(page, settle_ms=0, keys=KEYS[:1])
            page.wait_for_timeout(4000)
        tiles = page.evaluate("document.querySelectorAll('.gm-tiles canvas').length")
        browser.close()
    return [
        f"{statistics.median(held):.0f}",
        f"{max(held):.0f}",
        f"{statistics.median(anew):.0f}",
        f"{first * 1000:.0f}",
        str(tiles),
    ]


def _slide(page: Any, *, settle_ms: int, keys: tuple[str, ...] = KEYS * ROUNDS) -> list[float]:
    """Move the slider by keys; returns the milliseconds of each step."""
    page.wait_for_timeout(settle_ms)
    page.evaluate(_WATCH)
    page.locator("#gm-minutes").focus()
    for number, key in enumerate(keys, 1):
        page.keyboard.press(key)
        end = time.monotonic() + 60
        while page.evaluate("window.taken.length") < number and time.monotonic() < end:
            page.wait_for_timeout(20)
    return [float(value) for value in page.evaluate("window.taken")]


def _chromium() -> str:
    direct = Path("/usr/lib/chromium/chromium")
    found = str(direct) if direct.exists() else next(filter(None, map(shutil.which, ("chromium", "google-chrome"))), "")
    if not found:
        raise SystemExit("Chromium is needed for this benchmark.")
    return found
