"""Stand-alone maps: one HTML file with style, modules and data inside, which asks nobody for anything."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import shapely

from gridmap.maps.coverage import CoverageData
from gridmap.maps.data import FeatureCollection, MapData
from gridmap.maps.map import GridMap
from gridmap.maps.page import STATIC, document
from gridmap.model.text import Language

__all__ = ["bundle", "encode_layer", "standalone_html", "standalone_page"]

STEP_DEGREES = 1e-6
"""Coordinates are whole multiples of this: 0.11 m, finer than any line on the map is drawn."""

BASE_TOLERANCE_DEGREES = 3e-6
"""Land use, water, streets and buildings are simplified by a third of a metre; borders never are."""

_IMPORT = re.compile(r'^import \{ ([\w, ]+) \} from "\./([\w.]+)\.js";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?function (\w+)|class (\w+)|const (\w+))", re.MULTILINE)


def bundle(entry: str, folder: Path) -> str:
    """Return ES modules as one script: each becomes a function that is called once, imports before importers.

    Our modules import by ``import { a, b } from "./x.js";`` and export declarations; every other form is
    refused, so that what the stand-alone file runs is what the server's page runs. The result defines one
    constant ``$NAME`` for each module. Works from ``file://``, where modules cannot be fetched.
    """
    done: dict[str, str] = {}

    def add(name: str, above: tuple[str, ...]) -> None:
        if name in above:
            raise ValueError(f"modules import each other: {' → '.join((*above, name))}")
        if name in done:
            return
        source = (folder / f"{name}.js").read_text(encoding="utf-8")
        for _, other in _IMPORT.findall(source):
            add(other, (*above, name))
        exports = [next(filter(None, found)) for found in _EXPORT.findall(source)]
        code = _IMPORT.sub(lambda m: f"const {{ {m[1]} }} = ${m[2]};\n", source)
        code = _EXPORT.sub("", code)
        if left := re.search(r"^\s*(?:import|export)\b(?!\().*", code, re.MULTILINE):
            raise ValueError(f"{name}.js: this form cannot be inlined: {left[0].strip()}")
        done[name] = f"const ${name} = (() => {{\n{code}\nreturn {{ {', '.join(exports)} }};\n}})();\n"

    add(entry, ())
    return "".join(done.values())


def encode_layer(collection: FeatureCollection, *, tolerance: float = 0.0) -> dict[str, Any]:
    """Return a FeatureCollection as columns of attributes and flat lists of integer steps.

    A geometry becomes a list of rings, lines or points; each is ``[x, y, dx, dy, dx, dy …]`` in steps of
    ``STEP_DEGREES``, longitude first. Rings run one way and holes the other. Features without geometry are
    left out.
    """
    features = [f for f in collection.get("features", ()) if f.get("geometry")]
    shapes = shapely.from_geojson(
        np.array([orjson.dumps(f["geometry"], option=orjson.OPT_SERIALIZE_NUMPY) for f in features], dtype=object)
    )
    if tolerance > 0:
        shapes = shapely.simplify(shapes, tolerance, preserve_topology=True)
    shapes = shapely.orient_polygons(shapes)
    names = sorted({key for f in features for key in f["properties"]})
    columns = {name: [f["properties"].get(name) for f in features] for name in names}
    return {"columns": columns, "geometry": [_steps(shape) for shape in shapes]}


def _steps(shape: shapely.Geometry) -> list[list[int]]:
    parts = shapely.get_parts(shape)
    if shapely.get_type_id(parts[0] if len(parts) else shape) == shapely.GeometryType.POLYGON:
        parts = shapely.get_rings(parts)
    steps = []
    for part in parts:
        coordinates = np.rint(shapely.get_coordinates(part) / STEP_DEGREES).astype(np.int64)
        moved = np.any(np.diff(coordinates, axis=0) != 0, axis=1)
        coordinates = coordinates[np.concatenate([[True], moved])]
        flat = np.diff(coordinates, axis=0, prepend=np.zeros((1, 2), dtype=np.int64))
        steps.append([int(value) for value in flat.ravel()])
    return steps


def encode(data: MapData) -> dict[str, Any]:
    """Return the data of a map in the form that ``embedded.js`` reads."""
    base = {"landuse": data.landuse, "water": data.water, "streets": data.streets, "buildings": data.buildings}
    return {
        "step": STEP_DEGREES,
        "jurisdiction": dict(data.jurisdiction),
        "grids": {str(level): encode_layer(grids) for level, grids in sorted(data.grids.items())},
        "communities": encode_layer(data.communities),
        "stations": encode_layer(data.stations),
        "base": {name: encode_layer(layer, tolerance=BASE_TOLERANCE_DEGREES) for name, layer in base.items()},
        "duties": {code: list(rows) for code, rows in sorted(data.duties.items())},
        "coverage": None if data.coverage is None else _encode_coverage(data.coverage),
    }


def _encode_coverage(coverage: CoverageData) -> dict[str, Any]:
    """Return coverage for ``embeddedcoverage.js``; seconds are whole, rounded up, so that a limit stays one."""
    times = coverage.buildings
    seconds = [] if times is None else [None if s is None else math.ceil(s) for s in times["seconds"]]
    columns = None if times is None else {"id": list(times["id"]), "seconds": seconds}
    if columns and times and "station" in times:
        columns |= {name: list(times[name]) for name in ("station", "stations")}
    return {
        "minutes": coverage.minutes,
        "answers": {f"{minutes:g}": dict(answer) for minutes, answer in sorted(coverage.answers.items())},
        "reach": encode_layer(coverage.reach, tolerance=BASE_TOLERANCE_DEGREES),
        "gaps": {
            f"{minutes:g}": {"layer": encode_layer(gaps), "unattached": gaps.get("unattached")}
            for minutes, gaps in sorted(coverage.gaps.items())
        },
        "buildings": columns,
        "facts": {code: dict(facts) for code, facts in sorted(coverage.facts.items())},
    }


def _inline_style(name: str) -> str:
    text = (STATIC / name).read_text(encoding="utf-8")
    text = re.sub(r"/\*.*?\*/\s*", "", text, flags=re.DOTALL)
    # Leaflet's pictures belong to controls that are not used; a reference would be a request.
    text = re.sub(r"url\((?!data:|#)[^)]*\)", "none", text)
    return f"<style>{_ending_nowhere(text)}</style>\n"


def _ending_nowhere(code: str) -> str:
    """Return code that may stand inside its HTML element, or refuse it."""
    if re.search(r"</(?:script|style)|<!--", code, re.IGNORECASE):
        raise ValueError("the code would end its element")
    return code


def standalone_html(grid_map: GridMap) -> str:
    """Return the stand-alone page of a map that holds data."""
    if grid_map.data is None:
        raise ValueError("standalone_html needs a map with data")
    _, body, script = grid_map.components()
    leaflet = (STATIC / "vendor" / "leaflet" / "leaflet.js").read_text(encoding="utf-8")
    header = (
        _inline_style("vendor/leaflet/leaflet.css")
        + _inline_style("gridmap/gridmap.css")
        + f"<script>{_ending_nowhere(leaflet)}</script>\n"
    )
    return document(
        grid_map,
        header=header,
        body=body,
        script=f"{_ending_nowhere(bundle('main', STATIC / 'gridmap'))}\n{script}",
        nonce=None,
        data=encode(grid_map.data),
    )


def standalone_page(data: MapData, *, language: Language) -> str:
    """Return one HTML file that shows ``data`` and makes no request at all."""
    return standalone_html(GridMap(language=language, data=data))
