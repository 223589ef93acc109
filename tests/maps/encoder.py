"""Vector tiles for the tests: GeoJSON features in EPSG:4326 in, Mapbox Vector Tile bytes out."""

from __future__ import annotations

import json
import struct
from typing import Any

import numpy as np
import shapely

EXTENT = 4096
BUFFER = 64


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _block(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _value(value: Any) -> bytes:
    if isinstance(value, bool):
        return _varint(7 << 3) + _varint(int(value))
    if isinstance(value, int):
        return _varint(4 << 3) + _varint(value)
    if isinstance(value, float):
        return _varint(3 << 3 | 1) + struct.pack("<d", value)
    return _block(1, str(value).encode())


def _commands(shape: shapely.Geometry) -> tuple[int, bytes]:
    kind, out, here = 3 if "Polygon" in shape.geom_type else 2, b"", np.zeros(2, dtype=np.int64)
    parts = shapely.get_parts(shape)
    if kind == 3:
        parts = shapely.get_rings(shapely.orient_polygons(parts, exterior_cw=False))
    for part in parts:
        points = np.rint(shapely.get_coordinates(part)).astype(np.int64)
        points = points[np.concatenate([[True], np.any(np.diff(points, axis=0) != 0, axis=1)])]
        if kind == 3:
            points = points[:-1]
        if len(points) < kind:
            continue
        steps = np.diff(points, axis=0, prepend=here[None])
        here = points[-1]
        zigzag = [int(v) for v in (steps << 1 ^ steps >> 63).ravel()]
        numbers = [1 << 3 | 1, *zigzag[:2], (len(points) - 1) << 3 | 2, *zigzag[2:]]
        out += b"".join(map(_varint, numbers + ([1 << 3 | 7] if kind == 3 else [])))
    return kind, out


class Layer:
    """Features of one layer, projected to the unit square of Web Mercator once."""

    def __init__(self, collection: dict[str, Any]) -> None:
        features = collection["features"]
        self.properties = [f["properties"] for f in features]
        shapes = shapely.from_geojson(np.array([json.dumps(f["geometry"]) for f in features], dtype=object))

        def project(points: np.ndarray) -> np.ndarray:
            sine = np.sin(np.radians(points[:, 1]))
            y = 0.5 - np.log((1 + sine) / (1 - sine)) / (4 * np.pi)
            return np.stack([points[:, 0] / 360 + 0.5, y], axis=1)

        self.shapes = shapely.transform(shapes, project)
        self.tree = shapely.STRtree(self.shapes)
        self.kept: dict[tuple[int, int, int], bytes] = {}

    def encode(self, name: str, z: int, x: int, y: int) -> bytes:
        """Return the layer's part of a tile; made once."""
        if (z, x, y) not in self.kept:
            self.kept[z, x, y] = self._encode(name, z, x, y)
        return self.kept[z, x, y]

    def _encode(self, name: str, z: int, x: int, y: int) -> bytes:
        span = 2.0**z
        edge = BUFFER / EXTENT
        box = [(x - edge) / span, (y - edge) / span, (x + 1 + edge) / span, (y + 1 + edge) / span]
        hits = np.sort(self.tree.query(shapely.box(*box)))
        clipped = shapely.clip_by_rect(self.shapes[hits], *box)
        keys: dict[str, int] = {}
        values: dict[bytes, int] = {}
        features = b""
        for i, shape in zip(hits, clipped, strict=True):
            if shape.is_empty:
                continue
            kind, geometry = _commands(shapely.transform(shape, lambda p: (p * span - [x, y]) * EXTENT))
            if not geometry:
                continue
            tags = b""
            for key, value in self.properties[i].items():
                encoded = _value(value)
                tags += _varint(keys.setdefault(key, len(keys))) + _varint(values.setdefault(encoded, len(values)))
            features += _block(2, _block(2, tags) + _varint(3 << 3) + _varint(kind) + _block(4, geometry))
        head = _varint(15 << 3) + _varint(2) + _block(1, name.encode())
        tail = b"".join(_block(3, k.encode()) for k in keys) + b"".join(_block(4, v) for v in values)
        return _block(3, head + features + tail + _varint(5 << 3) + _varint(EXTENT))
