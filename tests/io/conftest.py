"""Small files of every kind, written by the tests themselves."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Write = Callable[..., Path]


@pytest.fixture
def csv_file(tmp_path: Path) -> Write:
    """Write lines as a CSV file and return its path."""

    def write(*lines: str, name: str = "rows.csv", encoding: str = "utf-8") -> Path:
        path = tmp_path / name
        path.write_bytes(("\r\n".join(lines) + "\r\n").encode(encoding))
        return path

    return write


@pytest.fixture
def geojson_file(tmp_path: Path) -> Write:
    """Write (properties, geometry) pairs as GeoJSON and return its path."""

    def write(*features: tuple[dict[str, Any], Any], name: str = "rows.geojson", **members: Any) -> Path:
        path = tmp_path / name
        listed = [{"type": "Feature", "properties": p, "geometry": g} for p, g in features]
        path.write_text(json.dumps({"type": "FeatureCollection", "features": listed, **members}))
        return path

    return write


@pytest.fixture
def box() -> Callable[..., dict[str, Any]]:
    """Make a square polygon as GeoJSON from its south-west corner and its side in degrees."""

    def make(west: float, south: float, size: float = 0.001) -> dict[str, Any]:
        east, north = west + size, south + size
        ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
        return {"type": "Polygon", "coordinates": [ring]}

    return make
