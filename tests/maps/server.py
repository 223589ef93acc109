"""A small server with the API that the page expects, over the invented town; standard library only."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import shapely

from gridmap.maps.data import WorkbenchConfig
from gridmap.maps.page import STATIC, content_security_policy, workbench_page
from tests.maps.coverage_api import CoverageApi, Problem
from tests.maps.encoder import Layer
from tests.maps.town import town

TYPES = {".js": "text/javascript", ".css": "text/css", ".json": "application/json", ".txt": "text/plain"}
NONCE = "dGVzdA"
COVERAGE = ("coverage", "scenarios", "stations/", "jobs/", "streets/", "estates", "opening-hours")


@cache
def town_layers() -> dict[str, Layer]:
    """The base layers of the town as it is, ready for tiles."""
    return {name: Layer(layer) for name, layer in town()["base"].items()}


class World:
    """What the server answers; tests change it before they open the page."""

    def __init__(self, data: dict[str, Any]) -> None:
        self.data = data
        self.findings: list[dict[str, Any]] = []
        self.language = "zh"
        self.config = WorkbenchConfig()
        self.layers = dict(town_layers())
        self.cells: Layer | None = None
        self.asked: list[str] = []
        self.written: list[tuple[str, str, Any]] = []

    @cached_property
    def coverage(self) -> CoverageApi:
        """The part of the server that knows walking times."""
        return CoverageApi(self.data["stations"])

    def _grid(self, code: str) -> dict[str, Any] | None:
        for level in self.data["grids"].values():
            for feature in level["features"]:
                if feature["properties"]["code"] == code:
                    return feature["properties"]
        return None

    def _chain(self, grid: dict[str, Any] | None) -> list[dict[str, Any]]:
        chain: list[dict[str, Any]] = []
        while grid is not None:
            chain.insert(0, {key: grid[key] for key in ("level", "code", "name")})
            grid = self._grid(grid["parent_code"])
        return chain

    def answer(self, path: str, query: dict[str, str]) -> Any:
        """Return the JSON of a path, or None for 404."""
        data = self.data
        if path == "jurisdiction":
            return data["jurisdiction"]
        if path == "grids":
            return data["grids"].get(int(query["level"]), {"type": "FeatureCollection", "features": []})
        if path.startswith("grids/"):
            grid = self._grid(path.removeprefix("grids/"))
            if grid is None:
                return None
            duties = data["duties"].get(grid["code"], [])
            return {"grid": grid, "chain": self._chain(grid), "duties": duties, "stations": self._stations()}
        if path == "areas":
            return data["communities"]
        if path == "stations":
            return data["stations"]
        if path == "check":
            return {"findings": self.findings}
        if path == "locate":
            return self._locate(float(query["lon"]), float(query["lat"]))
        return None

    def _stations(self) -> list[dict[str, Any]]:
        rows = [f["properties"] for f in self.data["stations"]["features"][:3]]
        return [{"code": r["code"], "name": r["name"], "distance_m": 120.4 + 80 * i} for i, r in enumerate(rows)]

    def _locate(self, lon: float, lat: float) -> dict[str, Any]:
        point = shapely.Point(lon, lat)

        def at(collection: dict[str, Any]) -> dict[str, Any] | None:
            for feature in collection["features"]:
                if shapely.from_geojson(json.dumps(feature["geometry"])).covers(point):
                    return feature["properties"]
            return None

        leaf = self.data["grids"][3]
        grid, community, building = at(leaf), at(self.data["communities"]), at(self.data["base"]["buildings"])
        near = []
        for feature in leaf["features"]:
            shape = shapely.from_geojson(json.dumps(feature["geometry"]))
            row = feature["properties"]
            near.append({"code": row["code"], "name": row["name"], "distance_m": shape.distance(point) * 105_000})
        near = sorted((n for n in near if grid is None or n["code"] != grid["code"]), key=lambda n: n["distance_m"])
        candidates = [n for n in near if n["distance_m"] < 15] if grid and not building else []
        return {
            "building": building,
            "grid": grid,
            "chain": self._chain(grid),
            "community": community and {"code": community["code"], "name": community["name"]},
            "town": None,
            "near_boundary": bool(candidates),
            "boundary_m": near[0]["distance_m"] if grid and near else None,
            "candidates": candidates,
            "nearest": near[0] if near and not grid else None,
            "parent": None,
            "duties": self.data["duties"].get(grid["code"], []) if grid else [],
            "stations": self._stations(),
            "edition": self.data["jurisdiction"]["edition"],
            "crs_assumed": "EPSG:4326",
            "method": "polygon",
        }


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Raise only what is ours: a browser that goes away is no error."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _send(self, status: int, body: bytes, kind: str, **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8" if kind.startswith("text") else kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        world: World = self.server.world  # type: ignore[attr-defined]
        parts = urlsplit(self.path)
        world.asked.append(self.path)
        if parts.path == "/map":
            page = workbench_page(world.config, language=world.language, nonce=NONCE).encode()
            self._send(200, page, "text/html", Content_Security_Policy=content_security_policy(NONCE))
            return
        if parts.path.startswith("/static/"):
            file = (STATIC / parts.path.removeprefix("/static/")).resolve()
            if file.is_file() and file.is_relative_to(STATIC):
                self._send(200, file.read_bytes(), TYPES[file.suffix])
                return
        if parts.path.startswith("/tiles/base/"):
            z, x, y = (int(v) for v in parts.path.removesuffix(".pbf").split("/")[-3:])
            names = [n for n in world.layers if n != "buildings" or z >= 14]
            body = b"".join(world.layers[name].encode(name, z, x, y) for name in names)
            self._send(200, body, "application/vnd.mapbox-vector-tile")
            return
        if parts.path.startswith("/tiles/cells/") and world.cells:
            z, x, y = (int(v) for v in parts.path.removesuffix(".pbf").split("/")[-3:])
            body = world.cells.encode("cells", z, x, y) if z >= 14 else b""
            self._send(200, body, "application/vnd.mapbox-vector-tile")
            return
        if parts.path.startswith("/v1/"):
            many = parse_qs(parts.query)
            path = parts.path.removeprefix("/v1/")
            found = world.answer(path, {key: values[0] for key, values in many.items()})
            headers: dict[str, str] = {}
            if found is None and path.startswith(COVERAGE):
                try:
                    found, headers = world.coverage.get(path, many) or (None, {})
                except Problem as problem:
                    self._refuse(problem)
                    return
            if found is not None:
                self._json(found, headers)
                return
        self._send(404, b"{}", "application/problem+json")

    def _json(self, found: Any, headers: dict[str, str]) -> None:
        self._send(200, json.dumps(found, ensure_ascii=False).encode(), "application/json", **headers)

    def _refuse(self, problem: Problem) -> None:
        words = json.dumps({"title": "problem", "zh": problem.zh, "en": problem.en}, ensure_ascii=False)
        self._send(problem.status, words.encode(), "application/problem+json")

    def _write(self) -> None:
        world: World = self.server.world  # type: ignore[attr-defined]
        path = urlsplit(self.path).path.removeprefix("/v1/")
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or "null")
        world.written.append((self.command, path, body))
        try:
            answer = world.coverage.write(self.command, path, body, self.headers)
        except Problem as problem:
            self._refuse(problem)
            return
        if answer is None:
            self._send(204, b"", "application/json")
        else:
            self._json(*answer)

    do_POST = do_PUT = do_PATCH = do_DELETE = _write  # noqa: N815 (names that the library calls)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Say nothing."""


@contextmanager
def serving(world: World) -> Iterator[str]:
    """Serve on a free port of the loopback; yields the address."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.world = world  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
