"""The small town with cells and editions behind the real API, for pages that redraw its grids."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from pyproj import Transformer
from starlette.testclient import TestClient
from uvicorn import Config, Server

from api.app import create_app
from gridmap.settings import Settings
from gridmap.store.database import Place
from tests.services import town

TOKEN = "r" * 43

_to_lonlat = Transformer.from_crs(town.EPSG, 4326, always_xy=True)


def lonlat(x: float, y: float) -> tuple[float, float]:
    """A place of the town in metres from its south-western corner, in degrees."""
    lon, lat = _to_lonlat.transform(town.X0 + x, town.Y0 + y)
    return float(lon), float(lat)


def middle(column: int, row: int, k: int | None = None) -> tuple[float, float]:
    """The middle of a block or of one of its houses, in metres from the corner."""
    shape = town.block(column, row) if k is None else town.house(column, row, k)
    point = shapely.centroid(shape)
    return float(point.x - town.X0), float(point.y - town.Y0)


@dataclass
class Serving:
    """A running server: its address with the token, and a client beside the browser."""

    address: str
    client: TestClient

    @property
    def door(self) -> str:
        """The address that lets a browser in."""
        return f"{self.address}/?token={TOKEN}"

    def get(self, path: str) -> Any:
        """Return the JSON of a path."""
        answer = self.client.get(path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, **body: Any) -> Any:
        """Post JSON and return the answer's."""
        answer = self.client.post(path, json=body)
        assert answer.status_code < 300, answer.text
        return answer.json()

    def households(self, plan: int) -> dict[str, int]:
        """The households of each grid of a plan, by code."""
        return {grid["code"]: grid["households"] for grid in self.get(f"/v1/plans/{plan}")["grids"]}


@contextmanager
def serving(settings: Settings, place: Place) -> Iterator[Serving]:
    """Serve a database on a free port of the loopback."""
    app = create_app(settings.model_copy(update={"database": place.name}), place=place, token=TOKEN)
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    server = Server(Config(app, log_level="warning", lifespan="on"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    address = f"http://127.0.0.1:{port}"
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.02)
    client = TestClient(app, base_url=address, headers={"Authorization": f"Bearer {TOKEN}"})
    try:
        yield Serving(address, client)
    finally:
        server.should_exit = True
        thread.join(20)
        listening.close()


def circle(x: float, y: float, radius: float, *, steps: int = 24) -> list[tuple[float, float]]:
    """Points of a ring around a place in px, a little more than once round, as a hand draws it."""
    angles = np.linspace(0, 2 * np.pi * 1.02, steps)
    return [(float(x + radius * np.cos(a)), float(y + radius * np.sin(a))) for a in angles]
