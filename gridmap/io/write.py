"""Writing tables to files that the reader takes back unchanged: import ∘ export = identity.

GeoPackage for maps, GeoJSON for the web, CSV for spreadsheets. The same table gives the same bytes. A file
appears whole or not at all: it is written beside its place and then moved.
"""

from __future__ import annotations

import csv
import io
import os
import re
import tempfile
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import orjson
import pandas as pd
import pyogrio
import pyogrio.raw
import shapely

from gridmap.errors import InputError
from gridmap.io.tables import CRS, canonical
from gridmap.model.kinds import KINDS, Column, Kind

__all__ = [
    "SAMPLE_FILES",
    "SampleLike",
    "guarded_text",
    "placed",
    "write_layer",
    "write_sample",
    "write_sample_table",
    "write_truth",
]

_STAMP = "2000-01-01T00:00:00.000Z"
"""GeoPackages carry the time of writing; a fixed one makes the bytes the same every time."""

_FORMULA = re.compile(r"'*[=+\-@\t\r]")
_ALL_DECIMALS = 30
"""So many decimals that WKT keeps every bit: GEOS writes the shortest number that is exact."""
_GDAL = threading.Lock()


def write_layer(table: pd.DataFrame, path: str | os.PathLike[str], kind: str) -> Path:
    """Write a table of ``kind`` as GeoPackage, GeoJSON or CSV, by the ending of ``path``.

    In CSV, points are columns ``lon`` and ``lat`` where the kind has only points, other geometries a column
    ``geometry`` of WKT; text that a spreadsheet would run as a formula gets an apostrophe in front, which
    the reader takes off. Coordinates are written in full.

    Raises
    ------
    InputError
        If the ending is another, or a table without geometry is to become GeoJSON.
    UnknownColumns
        If the table has columns that the kind does not know.
    """
    file = Path(path)
    writers = {".gpkg": _gpkg, ".geojson": _geojson, ".csv": _csv}
    writer = writers.get(file.suffix.lower())
    if writer is None:
        raise InputError(
            f"不能写成“{file.suffix}”格式。可写 .gpkg、.geojson、.csv。",
            f"'{file.suffix}' cannot be written. Written are .gpkg, .geojson and .csv.",
        )
    of = KINDS[kind]
    if not of.geometry and file.suffix.lower() == ".geojson":
        raise InputError(
            f"{of.title.zh}没有几何,不能写成 GeoJSON。请写成 .csv 或 .gpkg。",
            f"{kind} have no geometry and cannot be GeoJSON. Write .csv or .gpkg.",
        )
    content = canonical(table, kind)
    with placed(file) as beside:
        writer(content, of, beside)
    return file


@contextmanager
def placed(file: Path) -> Iterator[Path]:
    """Give a name beside ``file`` to write to, and move it there when all is written."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=file.parent, prefix=".writing-") as folder:
        beside = Path(folder) / file.name
        yield beside
        beside.replace(file)


# --- GeoPackage ---------------------------------------------------------------------------------------------

_GEOMETRY_NAMES = {0: "Point", 1: "LineString", 3: "Polygon", 4: "MultiPoint", 5: "MultiLineString", 6: "MultiPolygon"}


def _gpkg(table: pd.DataFrame, of: Kind, file: Path) -> None:
    data, masks = zip(*(_gpkg_column(table[c.name], c) for c in of.columns), strict=True)
    geometry = np.asarray(table["geometry"], dtype=object) if of.geometry else None
    with _fixed_clock():
        pyogrio.raw.write(
            str(file),
            None if geometry is None else _wkb(geometry),
            field_data=list(data),
            field_mask=list(masks),
            fields=np.array(of.names, dtype=object),
            layer=of.name,
            driver="GPKG",
            geometry_type=None if geometry is None else _geometry_type(geometry),
            crs=None if geometry is None else CRS,
            promote_to_multi=False,
        )


def _wkb(geometry: npt.NDArray[np.object_]) -> npt.NDArray[np.object_]:
    return np.asarray(shapely.to_wkb(geometry), dtype=object)


def _geometry_type(geometry: npt.NDArray[np.object_]) -> str:
    names = {_GEOMETRY_NAMES[t] for t in shapely.get_type_id(geometry[~shapely.is_missing(geometry)]).tolist()}
    return names.pop() if len(names) == 1 else "Unknown"


def _gpkg_column(values: pd.Series[Any], column: Column) -> tuple[npt.NDArray[Any], npt.NDArray[np.bool_]]:
    """Return a column as GDAL wants it, and a mask of its missing values."""
    if column.type == "integer":
        return values.fillna(0).to_numpy(dtype=np.int64), values.isna().to_numpy()
    if column.type == "boolean":
        return values.fillna(value=False).to_numpy(dtype=bool), values.isna().to_numpy()
    if column.type == "number":
        return values.to_numpy(dtype=np.float64), values.isna().to_numpy()
    if column.type == "date":
        return values.to_numpy().astype("datetime64[D]"), values.isna().to_numpy()
    words = _words(values, column)
    return words, np.array([w is None for w in words], dtype=bool)


@contextmanager
def _fixed_clock() -> Iterator[None]:
    with _GDAL:
        before = pyogrio.get_gdal_config_option("OGR_CURRENT_DATE")
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": _STAMP})
        try:
            yield
        finally:
            pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": before})


def _words(values: pd.Series[Any], column: Column) -> npt.NDArray[np.object_]:
    """Return every value as text, ``None`` where it is missing."""
    out: npt.NDArray[np.object_] = np.full(len(values), None, dtype=object)
    for i, value in enumerate(values):
        if column.type == "list":
            out[i] = ";".join(value) or None
        elif not pd.isna(value):
            out[i] = _word(value, column)
    return out


def _word(value: Any, column: Column) -> str:
    if column.type == "boolean":
        return "true" if value else "false"
    if column.type == "number":
        return repr(float(value))
    if column.type == "date":
        return str(value.date().isoformat())
    if column.type == "datetime":
        return str(value.isoformat(timespec="milliseconds" if value.microsecond else "seconds"))
    return str(value)


# --- GeoJSON ------------------------------------------------------------------------------------------------


def _geojson(table: pd.DataFrame, of: Kind, file: Path) -> None:
    shapes = shapely.to_geojson(np.asarray(table["geometry"], dtype=object))
    columns = {c.name: _json_column(table[c.name], c) for c in of.columns}
    with file.open("wb") as stream:
        stream.write(b'{"type":"FeatureCollection","features":[')
        for i, shape in enumerate(shapes):
            properties = {name: values[i] for name, values in columns.items()}
            stream.write(b"\n" if i == 0 else b",\n")
            stream.write(b'{"type":"Feature","properties":' + orjson.dumps(properties))
            stream.write(b',"geometry":' + (b"null" if shape is None else shape.encode()) + b"}")
        stream.write(b"\n]}\n")


def _json_column(values: pd.Series[Any], column: Column) -> list[Any]:
    if column.type in ("integer", "number", "boolean"):
        native = {"integer": int, "number": float, "boolean": bool}[column.type]
        return [None if pd.isna(v) else native(v) for v in values]
    return list(_words(values, column))


# --- CSV ----------------------------------------------------------------------------------------------------


def _csv(table: pd.DataFrame, of: Kind, file: Path) -> None:
    if of.name == "requests":
        table = _with_coordinates(table)
    columns = {c.name: _guarded(_words(table[c.name], c), c) for c in of.columns}
    if of.geometry and "lon" not in columns:
        columns |= _csv_geometry(np.asarray(table["geometry"], dtype=object), of)
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    # The BOM tells spreadsheets that this is UTF-8.
    file.write_bytes(b"\xef\xbb\xbf" + buffer.getvalue().encode())


def _with_coordinates(table: pd.DataFrame) -> pd.DataFrame:
    """Return requests in which a point without coordinates "as given" has its own as such."""
    geometry = np.asarray(table["geometry"], dtype=object)
    bare = (table["lon"].isna() & table["lat"].isna()).to_numpy() & ~shapely.is_missing(geometry)
    out = table.copy()
    out.loc[bare, "lon"] = shapely.get_x(geometry[bare])
    out.loc[bare, "lat"] = shapely.get_y(geometry[bare])
    out.loc[bare, "crs"] = CRS
    return out


def _csv_geometry(geometry: npt.NDArray[np.object_], of: Kind) -> dict[str, list[str]]:
    if of.geometry != ("point",):
        words = shapely.to_wkt(geometry, rounding_precision=_ALL_DECIMALS)
        return {"geometry": ["" if w is None else str(w) for w in words]}
    pairs = (shapely.get_x(geometry).tolist(), shapely.get_y(geometry).tolist())
    lon, lat = (["" if np.isnan(v) else repr(v) for v in values] for values in pairs)
    return {"lon": lon, "lat": lat}


def _guarded(words: npt.NDArray[np.object_], column: Column) -> list[str]:
    typed = column.type in ("text", "list")
    return ["" if w is None else "'" + w if typed and _FORMULA.match(w) else w for w in words]


def guarded_text(values: Iterable[Any]) -> list[str]:
    """Return values as cells of a CSV: nothing that a spreadsheet would run as a formula."""
    words = ("" if _missing(v) else _plain_word(v) for v in values)
    return ["'" + w if _FORMULA.match(w) else w for w in words]


def _missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and np.isnan(value))


def _plain_word(value: Any) -> str:
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    return repr(float(value)) if isinstance(value, float | np.floating) else str(value)


# --- the sample county --------------------------------------------------------------------------------------


class SampleLike(Protocol):
    """A generated county: one table for each kind, three sets of grids, and what was planted."""

    @property
    def truth(self) -> dict[str, Any]: ...


SAMPLE_FILES: dict[str, tuple[str, str]] = {
    "areas": ("areas", "areas.gpkg"),
    "streets": ("streets", "streets.gpkg"),
    "water": ("water", "water.gpkg"),
    "landuse": ("landuse", "landuse.gpkg"),
    "estates": ("estates", "estates.gpkg"),
    "buildings": ("buildings", "buildings.gpkg"),
    "households": ("households", "households.csv"),
    "places": ("places", "places.gpkg"),
    "stations": ("stations", "stations.csv"),
    "candidates": ("candidates", "candidates.csv"),
    "nets": ("nets", "nets.gpkg"),
    "people": ("people", "people.csv"),
    "requests": ("requests", "requests.csv"),
    "grids_last_year": ("grids", "grids_last_year.gpkg"),
    "grids_present": ("grids", "grids_present.gpkg"),
    "grids_draft": ("grids", "grids_draft.gpkg"),
}
"""Table of the county → its kind and its file."""


def write_sample(county: SampleLike, folder: str | os.PathLike[str]) -> dict[str, Path]:
    """Write every table of a county into ``folder`` and what was planted into ``truth.json``.

    Returns the file of each table, ``truth`` among them. The same county gives the same bytes.

    Raises
    ------
    InputError
        If the county lacks a table.
    """
    missing = [name for name in (*SAMPLE_FILES, "truth") if not hasattr(county, name)]
    if missing:
        raise InputError(
            f"示例县缺少这些表:{'、'.join(missing)}。", f"The county lacks these tables: {', '.join(missing)}."
        )
    written = {name: write_sample_table(name, getattr(county, name), folder) for name in SAMPLE_FILES}
    return written | {"truth": write_truth(county.truth, folder)}


def write_sample_table(name: str, table: pd.DataFrame, folder: str | os.PathLike[str]) -> Path:
    """Write one table of a county into its file in ``folder``."""
    kind, file = SAMPLE_FILES[name]
    return write_layer(table, Path(folder) / file, kind)


def write_truth(truth: dict[str, Any], folder: str | os.PathLike[str]) -> Path:
    """Write what was planted in a county into ``truth.json``."""
    file = Path(folder) / "truth.json"
    with placed(file) as beside:
        options = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS
        beside.write_bytes(orjson.dumps(truth, option=options) + b"\n")
    return file
