"""Opening a file of features or rows: GeoPackage, GeoJSON and CSV become one `RawTable`.

The reader only reads: it does not know what a column means (:mod:`gridmap.io.recognise`) nor whether a value
is good (:mod:`gridmap.io.validate`). It opens what the content says, never what a name merely claims, and
no driver may follow a link to another file: GeoJSON and CSV are parsed here, a GeoPackage with virtual tables
is refused.
"""

from __future__ import annotations

import csv
import io
import os
import sqlite3
import unicodedata
import warnings
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyogrio
import pyogrio.errors
import pyogrio.raw
import pyproj
import shapely

from gridmap.errors import UnknownCrs, UnreadableFile
from gridmap.io import geojson
from gridmap.io.files import MAX_BYTES, plain_file, read_bytes, truncated, unchanged
from gridmap.io.geojson import Built
from gridmap.io.tables import CRS
from gridmap.model.text import Text

__all__ = ["RawTable", "list_layers", "read_table"]

Geometries = npt.NDArray[np.object_]

FID = "fid"
"""Name under which a feature's number in a GeoPackage can be asked for."""


@dataclass(frozen=True, slots=True)
class RawTable:
    """What stands in a file, not yet understood.

    ``columns``: a frame of objects, one row per record, missing values ``None``. ``shapes``: geometries in
    EPSG:4326, or ``None`` for a table without any (a CSV may still have them in columns). ``rows``: the
    number by which a person finds the record. ``ragged``: records with more or fewer cells than the header.
    ``extra``: columns that are only taken when asked for by name. ``notes``: what was assumed.
    """

    name: str
    format: str
    layer: str | None
    columns: pd.DataFrame
    shapes: Built | None
    rows: npt.NDArray[np.int64]
    ragged: npt.NDArray[np.bool_]
    extra: dict[str, npt.NDArray[np.object_]]
    notes: tuple[Text, ...]

    def __len__(self) -> int:
        return len(self.rows)


def read_table(
    path: str | os.PathLike[str],
    *,
    layer: str | None = None,
    prefer: str | None = None,
    max_bytes: int = MAX_BYTES,
) -> RawTable:
    """Read one layer of a file.

    Parameters
    ----------
    path
        A GeoPackage (``.gpkg``), GeoJSON (``.geojson``, ``.json``, also ``.gz``) or CSV file (``.csv``, also
        ``.gz``; UTF-8 with or without BOM) on this machine.
    layer
        Which layer of a GeoPackage; needed where it has several.
    prefer
        Without ``layer``: the name of a layer that is taken if the GeoPackage has it, case ignored.
    max_bytes
        Limit of the file, and of what a compressed one unpacks to.

    Raises
    ------
    UnreadableFile
        If it is missing, a folder, empty, cut short, of another format, without layer, or has several.
    UnknownCrs
        If the file declares a coordinate system that cannot be brought to EPSG:4326.
    TooLarge
        If it is over the limit.
    InputError
        If it changes while it is read.
    """
    file = plain_file(path, max_bytes=max_bytes)
    reading = _sniff(file)
    with unchanged(file), np.errstate(all="ignore"):
        if reading == "gpkg":
            return _read_gpkg(file, layer, prefer)
        content = read_bytes(file, max_bytes=max_bytes)
    if layer is not None:
        raise UnreadableFile(
            f"“{file.name}”没有图层之分,不能指定图层“{layer}”。去掉图层名再试。",
            f"'{file.name}' has no layers, so '{layer}' cannot be chosen. Leave the layer name out.",
        )
    with np.errstate(all="ignore"):
        return _read_geojson(file, content) if reading == "geojson" else _read_csv(file, content)


def list_layers(path: str | os.PathLike[str], *, max_bytes: int = MAX_BYTES) -> tuple[str, ...]:
    """Return the names of the layers of a GeoPackage; empty for formats without layers.

    Raises
    ------
    UnreadableFile, TooLarge
        As :func:`read_table`.
    """
    file = plain_file(path, max_bytes=max_bytes)
    return _gpkg_layers(file) if _sniff(file) == "gpkg" else ()


_ENDINGS: dict[str, str] = {
    ".gpkg": "gpkg",
    ".geojson": "geojson",
    ".json": "geojson",
    ".geojson.gz": "geojson",
    ".json.gz": "geojson",
    ".csv": "csv",
    ".csv.gz": "csv",
}


def _sniff(file: Path) -> str:
    """Return the format, where the ending and the first bytes agree.

    Raises
    ------
    UnreadableFile
        If the ending is unknown or the content is of another sort.
    """
    lower = file.name.lower()
    claimed = next(
        (f for ending, f in sorted(_ENDINGS.items(), key=lambda e: -len(e[0])) if lower.endswith(ending)), None
    )
    if claimed is None:
        raise UnreadableFile(
            f"不认识“{file.name}”的格式。可读:GeoPackage(.gpkg)、GeoJSON(.geojson、.json)、CSV(.csv);"
            "后两种也可以是 .gz。",
            f"The format of '{file.name}' is not known. Read are GeoPackage (.gpkg), GeoJSON (.geojson, .json) "
            "and CSV (.csv), the last two also as .gz.",
        )
    with file.open("rb") as stream:
        head = stream.read(100)
    packed = head.startswith(b"\x1f\x8b")
    first = head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    fits = {
        "gpkg": head.startswith(b"SQLite format 3\0"),
        "geojson": packed if lower.endswith(".gz") else first in (b"{", b""),
        "csv": packed if lower.endswith(".gz") else b"\0" not in head and not head.startswith((b"PK\3\4", b"\xd0\xcf")),
    }
    if fits[claimed]:
        return claimed
    titles = {"gpkg": "GeoPackage", "geojson": "GeoJSON", "csv": "CSV"}
    raise UnreadableFile(
        f"“{file.name}”的内容不是 {titles[claimed]}(后缀与内容不符)。请用原来的软件重新导出。",
        f"The content of '{file.name}' is not {titles[claimed]}, as its ending says. Export it again.",
    )


# --- GeoPackage ---------------------------------------------------------------------------------------------


def _gpkg_layers(file: Path) -> tuple[str, ...]:
    """Return the layers, having refused what is cut short or could reach outside the file."""
    journal = file.with_name(file.name + "-wal")
    if journal.exists() and journal.stat().st_size:
        raise UnreadableFile(
            f"“{file.name}”正被另一个程序编辑,有改动还没有写进文件。请在那里保存并关闭后再导入。",
            f"'{file.name}' is being edited in another program, and changes are not yet in the file. "
            "Save and close it there, then import it.",
        )
    with file.open("rb") as stream:
        header = stream.read(100)
    page = int.from_bytes(header[16:18], "big")
    pages = int.from_bytes(header[28:32], "big")
    counted = header[24:28] == header[92:96]
    if counted and pages * (65536 if page == 1 else page) > file.stat().st_size:
        raise truncated(file.name)
    try:
        with closing(sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro&immutable=1", uri=True)) as database:
            virtual = database.execute(
                "SELECT count(*) FROM sqlite_master WHERE sql LIKE 'CREATE VIRTUAL%' AND sql NOT LIKE '%USING%rtree%'"
            ).fetchone()[0]
            listed = database.execute(
                "SELECT table_name FROM gpkg_contents WHERE data_type IN ('features', 'attributes', 'aspatial') "
                "ORDER BY rowid"
            ).fetchall()
    except (sqlite3.DatabaseError, UnicodeDecodeError) as e:
        if "no such table" in str(e):
            raise UnreadableFile(
                f"“{file.name}”是 SQLite 数据库,但不是 GeoPackage。请导出为 GeoPackage。",
                f"'{file.name}' is an SQLite database, but no GeoPackage. Export it as GeoPackage.",
            ) from e
        raise truncated(file.name) from e
    if virtual:
        raise UnreadableFile(
            f"“{file.name}”含有虚拟表(可能引用其他文件),出于安全不予读取。请把图层另存为新的 GeoPackage。",
            f"'{file.name}' has virtual tables, which may point to other files, and is not read. "
            "Save its layers to a new GeoPackage.",
        )
    return tuple(str(row[0]) for row in listed)


def _chosen(file: Path, layer: str | None, prefer: str | None) -> tuple[str, tuple[Text, ...]]:
    layers = _gpkg_layers(file)
    if not layers:
        raise UnreadableFile(
            f"“{file.name}”里没有图层。请检查导出时是否选了要素。",
            f"'{file.name}' has no layer. Check that features were chosen when it was exported.",
        )
    listed = ", ".join(layers)
    if layer is not None:
        if layer in layers:
            return layer, ()
        raise UnreadableFile(
            f"“{file.name}”里没有图层“{layer}”。它的图层有:{listed}。",
            f"'{file.name}' has no layer '{layer}'. Its layers are: {listed}.",
        )
    if len(layers) == 1:
        return layers[0], ()
    if prefer is not None and (same := [name for name in layers if name.lower() == prefer.lower()]):
        note = Text(
            f"文件有 {len(layers)} 个图层,按名称采用“{same[0]}”。",
            f"The file has {len(layers)} layers; '{same[0]}' is taken by its name.",
        )
        return same[0], (note,)
    raise UnreadableFile(
        f"“{file.name}”有 {len(layers)} 个图层,请指定其中一个:{listed}。",
        f"'{file.name}' has {len(layers)} layers; name one of them: {listed}.",
    )


def _read_gpkg(file: Path, layer: str | None, prefer: str | None) -> RawTable:
    name, notes = _chosen(file, layer, prefer)
    try:
        with warnings.catch_warnings():
            # GDAL warns of single odd values; every value is checked and told by row afterwards.
            warnings.simplefilter("ignore")
            meta, fids, blobs, fields = pyogrio.raw.read(
                str(file), layer=name, return_fids=True, datetime_as_string=True, IMMUTABLE="YES"
            )
    except (pyogrio.errors.DataSourceError, pyogrio.errors.FeatureError, pyogrio.errors.GeometryError) as e:
        raise truncated(file.name) from e
    if meta.get("driver", "GPKG") != "GPKG":
        raise truncated(file.name)
    n = len(fids)
    columns = pd.DataFrame(
        {c: _objects(v) for c, v in zip(meta["fields"].tolist(), fields, strict=True)},
        index=pd.RangeIndex(n),
        dtype=object,
    )
    shapes = None
    if blobs is not None:
        shapes = _from_wkb(blobs)
        shapes, said = _to_4326(shapes, meta["crs"], file.name)
        notes = (*notes, *said)
    return RawTable(
        file.name,
        "GeoPackage",
        name,
        columns,
        shapes,
        np.arange(1, n + 1),
        np.zeros(n, dtype=bool),
        {FID: np.asarray(fids).astype(object)},
        (*notes, *_none(n)),
    )


def _objects(values: npt.NDArray[Any]) -> npt.NDArray[np.object_]:
    out = values.astype(object)
    out[pd.isna(values)] = None
    return out


def _from_wkb(blobs: npt.NDArray[np.object_]) -> Built:
    n = len(blobs)
    there = np.array([b is not None for b in blobs], dtype=bool)
    geometry: Geometries = np.full(n, None, dtype=object)
    geometry[there] = shapely.from_wkb(blobs[there], on_invalid="ignore")
    failed = there & shapely.is_missing(geometry)
    geometry[failed] = shapely.from_wkb(blobs[failed], on_invalid="fix")
    broken = there & shapely.is_missing(geometry)
    raised = shapely.has_z(geometry) | shapely.has_m(geometry)
    return Built(np.asarray(shapely.force_2d(geometry)), broken, raised, failed & ~broken)


# --- coordinate systems -------------------------------------------------------------------------------------


def _to_4326(shapes: Built, declared: str | None, name: str) -> tuple[Built, tuple[Text, ...]]:
    """Bring geometries to EPSG:4326 from the system that the file declares; say what was assumed."""
    if declared is None:
        return shapes, (_ASSUMED,)
    try:
        source = pyproj.CRS.from_user_input(declared)
    except pyproj.exceptions.CRSError as e:
        raise UnknownCrs(
            f"“{name}”声明的坐标系无法识别。请转换为 EPSG:4326 或 EPSG:4490 后重新导出。",
            f"The coordinate system that '{name}' declares is not known. Export it in EPSG:4326 or EPSG:4490.",
        ) from e
    if source.is_compound:
        source = source.sub_crs_list[0]
    code = source.to_authority()
    if code in (("EPSG", "4326"), ("EPSG", "4490"), ("OGC", "CRS84")):
        return shapes, ()
    try:
        transformer = pyproj.Transformer.from_crs(source, CRS, always_xy=True)
    except pyproj.exceptions.ProjError as e:
        raise UnknownCrs(
            f"“{name}”的坐标系“{source.name}”不是地理坐标,无法转换。请给出真实坐标系后重新导出。",
            f"'{source.name}', the coordinate system of '{name}', is tied to no place on Earth. "
            "Export it with its true system.",
        ) from e
    moved = shapely.transform(shapes.geometry, _mover(transformer))
    note = Text(
        f"坐标已从文件声明的 {source.name} 转换为 EPSG:4326。",
        f"Coordinates were transformed from {source.name}, as the file declares, to EPSG:4326.",
    )
    return Built(np.asarray(moved), shapes.broken, shapes.raised, shapes.closed), (note,)


def _mover(transformer: pyproj.Transformer) -> Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]]:
    def move(xy: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.column_stack(transformer.transform(xy[:, 0], xy[:, 1]))

    return move


_ASSUMED = Text(
    "文件没有声明坐标系,按 EPSG:4326(WGS 84 / CGCS2000 经纬度)读取。",
    "The file declares no coordinate system; EPSG:4326 (longitude, latitude) is assumed.",
)


def _none(n: int) -> tuple[Text, ...]:
    return () if n else (Text("文件里没有任何记录。", "The file has no records."),)


# --- GeoJSON ------------------------------------------------------------------------------------------------


def _read_geojson(file: Path, content: bytes) -> RawTable:
    features = geojson.parse(content, file.name)
    n = len(features.properties)
    names = dict.fromkeys(str(k) for row in features.properties for k in row)
    columns = pd.DataFrame(
        {c: _column([row.get(c) for row in features.properties]) for c in names},
        index=pd.RangeIndex(n),
        dtype=object,
    )
    shapes: Built | None = geojson.geometries(features.geometries)
    notes: tuple[Text, ...] = ()
    if n and all(g is None for g in features.geometries):
        shapes = None
    elif shapes is not None and features.crs is not None:
        shapes, notes = _to_4326(shapes, features.crs, file.name)
    return RawTable(
        file.name,
        "GeoJSON",
        None,
        columns,
        shapes,
        np.arange(1, n + 1),
        np.zeros(n, dtype=bool),
        {},
        (*notes, *_none(n)),
    )


def _column(values: list[Any]) -> npt.NDArray[np.object_]:
    array: npt.NDArray[np.object_] = np.empty(len(values), dtype=object)
    array[:] = values
    return array


# --- CSV ----------------------------------------------------------------------------------------------------

_CELL_LIMIT = 64 * 1024**2


def _read_csv(file: Path, content: bytes) -> RawTable:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as e:
        line = content[: e.start].count(b"\n") + 1
        raise UnreadableFile(
            f"“{file.name}”不是 UTF-8 编码(第 {line} 行起)。请在表格软件里另存为“CSV UTF-8”。",
            f"'{file.name}' is not in UTF-8 (from line {line}). Save it as 'CSV UTF-8' in your spreadsheet.",
        ) from e
    header, numbered = _records(text, file.name)
    records = [r for _, r in numbered]
    width = len(header)
    n = len(records)
    ragged = np.array([len(r) != width for r in records], dtype=bool)
    square = [r if len(r) == width else (r + [""] * width)[:width] for r in records]
    cells: npt.NDArray[np.object_] = np.array(square, dtype=object).reshape(n, width)
    columns = pd.DataFrame(
        {name: _unguarded(cells[:, j]) for j, name in enumerate(header) if name},
        index=pd.RangeIndex(n),
        dtype=object,
    )
    return RawTable(
        file.name,
        "CSV",
        None,
        columns,
        None,
        np.array([number for number, _ in numbered], dtype=np.int64),
        ragged,
        {},
        _none(n),
    )


def _records(text: str, name: str) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """Return the header and the records that are not blank, numbered as a spreadsheet numbers them."""
    first = text.split("\n", 1)[0]
    separator = max(",;\t", key=first.count)
    csv.field_size_limit(_CELL_LIMIT)
    try:
        lines = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
        header = [unicodedata.normalize("NFKC", cell).strip() for cell in next(lines, [])]
        records = [(number, row) for number, row in enumerate(lines, start=2) if any(row)]
    except csv.Error as e:
        if "unexpected end" in str(e):
            raise truncated(name) from e
        raise UnreadableFile(
            f"“{name}”不是规范的 CSV:引号不成对。请用表格软件重新导出。",
            f"'{name}' is no proper CSV: its quotes do not pair up. Export it again from a spreadsheet.",
        ) from e
    if not any(header):
        raise UnreadableFile(
            f"“{name}”第一行没有列名。第一行应是列名。",
            f"The first row of '{name}' has no column names. It must hold them.",
        )
    twice = sorted({c for c in header if c and header.count(c) > 1})
    if twice:
        raise UnreadableFile(
            f"“{name}”有同名的列:{'、'.join(twice)}。请让列名各不相同。",
            f"'{name}' has columns of the same name: {', '.join(twice)}. Give each its own name.",
        )
    return header, records


_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def _unguarded(cells: npt.NDArray[np.object_]) -> npt.NDArray[np.object_]:
    """Return cells without the apostrophe that guards text from being a formula; blank is ``None``."""
    return _column([_cell(c) for c in cells])


def _cell(cell: str) -> str | None:
    if cell.startswith("'") and cell.lstrip("'").startswith(_FORMULA):
        return cell[1:]
    return cell or None
