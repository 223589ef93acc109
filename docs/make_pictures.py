"""Take the pictures of the documents: the running page on the county of the demo, in Chromium.

Run it after ``./dev demo --once``: ``./dev run python docs/make_pictures.py``; it needs what ``./dev test`` installs.
"""

from __future__ import annotations

import base64
import os
import re
import shutil
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
from playwright.sync_api import Page, ViewportSize, sync_playwright
from scipy.spatial import cKDTree

PICTURES = Path(__file__).parent / "pictures"
SIZE = ViewportSize(width=1160, height=680)
#: The map of the README, its coverage mode, and the sample county from far and near.
VIEWS = {
    "map": "#map=14/36.4005/112.8935",
    "coverage": "#map=14/36.3905/112.8905&mode=coverage",
    "sample-z12": "#map=12/36.405/112.93",
    "sample-z14": "#map=14/36.3995/112.902",
    "sample-z16": "#map=16/36.3985/112.893",
}
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def start() -> tuple[subprocess.Popen[str], str]:
    """Start the server on a free port; return it and the address that it prints."""
    environment = os.environ | {"GRIDMAP_DATABASE": "qingyan"}
    server = subprocess.Popen(
        [sys.executable, "-m", "gridmap", "serve", "--port", "0"], env=environment, stdout=subprocess.PIPE, text=True
    )
    for line in server.stdout or ():
        found = re.search(r"http://\S+token=\S+", line)
        if found:
            return server, found[0]
    raise SystemExit("the server did not start")


def settle(page: Page) -> None:
    """Wait until tiles and labels are drawn."""
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(2500)


def pixels(page: Page, png: bytes) -> np.ndarray:
    """Return the colours of a picture, (rows, columns, 3); the browser unpacks it."""
    page.goto("about:blank")
    packed = page.evaluate(
        """async (packed) => {
          const png = Uint8Array.from(atob(packed), (letter) => letter.charCodeAt(0));
          const picture = await createImageBitmap(new Blob([png], { type: "image/png" }));
          const canvas = new OffscreenCanvas(picture.width, picture.height).getContext("2d");
          canvas.drawImage(picture, 0, 0);
          const { data } = canvas.getImageData(0, 0, picture.width, picture.height);
          let letters = "";
          const some = 8192;
          for (let at = 0; at < data.length; at += some) {
            letters += String.fromCharCode(...data.subarray(at, at + some));
          }
          return btoa(letters);
        }""",
        base64.b64encode(png).decode(),
    )
    width, height = struct.unpack(">II", png[16:24])
    return np.frombuffer(base64.b64decode(packed), np.uint8).reshape(height, width, 4)[:, :, :3]


def smaller(colours: np.ndarray) -> bytes:
    """Return a PNG with the 256 most used colours; every other pixel gets the nearest of them."""
    flat = colours.reshape(-1, 3)
    known, uses = np.unique(flat, axis=0, return_counts=True)
    palette = known[np.argsort(-uses, kind="stable")[:256]]
    _, index = cKDTree(palette).query(flat)
    rows = index.astype(np.uint8).reshape(colours.shape[:2])
    lines = np.hstack([np.zeros((len(rows), 1), np.uint8), rows]).tobytes()
    head = struct.pack(">IIBBBBB", rows.shape[1], rows.shape[0], 8, 3, 0, 0, 0)
    parts = ((b"IHDR", head), (b"PLTE", palette.tobytes()), (b"IDAT", zlib.compress(lines, 9)), (b"IEND", b""))
    chunks = (struct.pack(">I", len(d)) + n + d + struct.pack(">I", zlib.crc32(n + d)) for n, d in parts)
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def take(page: Page, name: str) -> None:
    """Write a picture of the page, which is left."""
    file = PICTURES / f"{name}.png"
    file.write_bytes(smaller(pixels(page, page.screenshot())))
    print(f"{file.name}: {file.stat().st_size // 1024} kB")  # noqa: T201


def main() -> None:
    """Open the page as a person does and take the pictures."""
    PICTURES.mkdir(exist_ok=True)
    server, address = start()
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            page = browser.new_page(viewport=SIZE, locale="zh-CN")
            page.goto(address)
            home = page.url.partition("#")[0]
            for name, view in VIEWS.items():
                page.goto(home + view)
                page.reload()
                settle(page)
                take(page, name)
            browser.close()
    finally:
        server.terminate()
        server.wait()


if __name__ == "__main__":
    main()
