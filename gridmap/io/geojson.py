"""GeoJSON read by ourselves: no driver is asked, so no content can make one open another file.

Every feature keeps its row: what is wrong with its geometry is a mark on the row, not an exception.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely
from shapely.errors import GEOSException

from gridmap.errors import UnreadableFile
from gridmap.io.files import truncated

__all__ = ["Built", "Features", "geometries", "parse"]

Geometries = npt.NDArray[np.object_]
Mask = npt.NDArray[np.bool_]

_DEPTH = {
    "Point": 0,
    "MultiPoint": 1,
    "LineString": 1,
    "MultiLineString": 2,
    "Polygon": 2,
    "MultiPolygon": 3,
}
_PLANE = 2
_CORNERS = 3


@dataclass(frozen=True, slots=True)
class Features:
    """The features of a document: properties by row, raw geometries by row, and the declared CRS."""

    properties: list[dict[str, Any]]
    geometries: list[Any]
    crs: str | None


def parse(content: bytes, name: str) -> Features:
    """Return the features of a GeoJSON document.

    ``NaN`` and ``Infinity``, which JSON does not know, are read as such: the row is complained of later.

    Raises
    ------
    UnreadableFile
        If it is not UTF-8, not JSON, cut short, or JSON of another sort.
    """
    try:
        text = content.decode("utf-8-sig")
        document = json.loads(text)
    except UnicodeDecodeError as e:
        raise UnreadableFile(
            f"“{name}”不是 UTF-8 编码的 GeoJSON。请另存为 UTF-8。",
            f"'{name}' is not GeoJSON in UTF-8. Save it as UTF-8.",
        ) from e
    except json.JSONDecodeError as e:
        if e.doc[e.pos :].strip() == "" or e.msg.startswith("Unterminated"):
            raise truncated(name) from e
        raise UnreadableFile(
            f"“{name}”不是有效的 JSON:第 {e.lineno} 行第 {e.colno} 列出错。请重新导出为 GeoJSON。",
            f"'{name}' is not valid JSON: line {e.lineno}, column {e.colno}. Export it again as GeoJSON.",
        ) from e
    except (RecursionError, ValueError) as e:
        raise _other(name) from e
    return _features(document, name)


def _features(document: Any, name: str) -> Features:
    if not isinstance(document, dict):
        raise _other(name)
    if document.get("type") == "Feature":
        document = {"features": [document], "type": "FeatureCollection", "crs": document.get("crs")}
    features = document.get("features")
    if document.get("type") != "FeatureCollection" or not isinstance(features, list):
        raise _other(name)
    properties, shapes = [], []
    for feature in features:
        if not isinstance(feature, dict):
            raise _other(name)
        mine = feature.get("properties")
        values = dict(mine) if isinstance(mine, dict) else {}
        if "id" in feature and "id" not in values:
            values["id"] = feature["id"]
        properties.append(values)
        shapes.append(feature.get("geometry"))
    return Features(properties, shapes, _crs(document.get("crs")))


def _crs(declared: Any) -> str | None:
    if isinstance(declared, dict) and isinstance(declared.get("properties"), dict):
        name = declared["properties"].get("name")
        return str(name) if name else None
    return None


def _other(name: str) -> UnreadableFile:
    return UnreadableFile(
        f"“{name}”是 JSON,但不是 GeoJSON 要素集(FeatureCollection)。请导出为 GeoJSON。",
        f"'{name}' is JSON, but no GeoJSON FeatureCollection. Export it as GeoJSON.",
    )


@dataclass(frozen=True, slots=True)
class Built:
    """Geometries of rows and what was wrong with them.

    ``geometry`` is ``None`` where there is none or where it is ``broken``: no geometry type, no numbers, a
    ring of fewer than three corners. ``raised``: had heights or measures, dropped. ``closed``: had a ring
    whose end was not its start; the last segment was added.
    """

    geometry: Geometries
    broken: Mask
    raised: Mask
    closed: Mask


@dataclass(slots=True)
class _Parts:
    """Polygons of all features laid end to end, to be built by three array calls."""

    rings: list[npt.NDArray[np.float64]]
    polygon_of_ring: list[int]
    feature_of_polygon: list[int]
    multi: set[int]
    open_rows: list[int]
    raised: bool = False


def geometries(raw: list[Any]) -> Built:
    """Build 2D shapely geometries from GeoJSON geometry objects; open rings are closed and marked."""
    n = len(raw)
    out: Geometries = np.full(n, None, dtype=object)
    broken, raised = np.zeros(n, dtype=bool), np.zeros(n, dtype=bool)
    parts = _Parts([], [], [], set(), [])
    for i, shape in enumerate(raw):
        if shape is None:
            continue
        parts.raised = False
        before = len(parts.open_rows)
        try:
            out[i] = _build(shape, i, parts)
        except (TypeError, ValueError, KeyError, IndexError, OverflowError, GEOSException):
            broken[i] = True
            del parts.open_rows[before:]
        raised[i] = parts.raised
    _polygons(parts, out)
    closed = np.zeros(n, dtype=bool)
    closed[parts.open_rows] = True
    return Built(out, broken, raised, closed)


def _build(shape: Any, row: int, parts: _Parts) -> Any:
    kind = shape["type"]
    if kind == "GeometryCollection":
        return shapely.force_2d(shapely.from_geojson(json.dumps(shape)))
    depth, coordinates = _DEPTH[kind], shape["coordinates"]
    if not coordinates:
        return shapely.from_wkt(f"{kind.upper()} EMPTY")
    if kind in ("Polygon", "MultiPolygon"):
        _lay(coordinates if kind == "MultiPolygon" else [coordinates], row, parts)
        if kind == "MultiPolygon":
            parts.multi.add(row)
        return None
    if depth == 0:
        return shapely.Point(_positions([coordinates], parts)[0])
    if depth == 1:
        return getattr(shapely, kind)(_positions(coordinates, parts))
    return shapely.MultiLineString([_positions(line, parts) for line in coordinates])


def _lay(polygons: Any, row: int, parts: _Parts) -> None:
    for polygon in polygons:
        for ring in polygon:
            if len({(p[0], p[1]) for p in ring}) < _CORNERS:
                raise ValueError(row)
    rings = [[_positions(ring, parts) for ring in polygon] for polygon in polygons]
    if not all(rings):
        raise ValueError(row)
    for polygon, listed in zip(rings, polygons, strict=True):
        number = len(parts.feature_of_polygon)
        parts.rings.extend(polygon)
        parts.polygon_of_ring.extend([number] * len(polygon))
        parts.feature_of_polygon.append(row)
        if any(r[0][:_PLANE] != r[-1][:_PLANE] for r in listed):
            parts.open_rows.append(row)


def _positions(listed: Any, parts: _Parts) -> npt.NDArray[np.float64]:
    """Return positions as an (n, 2) array; numbers after the second are height and measure."""
    if not {type(v) for position in listed for v in position} <= {int, float}:
        raise TypeError
    if max(map(len, listed)) > _PLANE:
        parts.raised = True
        listed = [position[:_PLANE] for position in listed]
    return np.array(listed, dtype=np.float64).reshape(-1, _PLANE)


def _polygons(parts: _Parts, out: Geometries) -> None:
    if not parts.rings:
        return
    count = [len(r) for r in parts.rings]
    rings = shapely.linearrings(
        np.concatenate(parts.rings), indices=np.repeat(np.arange(len(count)), count), handle_nan="allow"
    )
    polygons = shapely.polygons(rings, indices=np.array(parts.polygon_of_ring))
    rows = np.array(parts.feature_of_polygon)
    first = np.r_[True, rows[1:] != rows[:-1]]
    collected = shapely.multipolygons(polygons, indices=np.cumsum(first) - 1)
    mine = rows[first]
    out[mine] = collected
    single = np.array([row not in parts.multi for row in mine], dtype=bool)
    out[mine[single]] = shapely.get_geometry(collected[single], 0)
