"""Shapefiles: read safely, and written with names that fit."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import geopandas as gpd
import pyogrio
import pyogrio.errors

from gridmap.errors import UnknownCrs, UnreadableFile
from gridmap.io.files import plain_file
from gridmap.io.tables import CRS

__all__ = ["as_geopackage", "write_shapefile"]

_MAGIC = 9994
_ENDINGS = (".shx", ".dbf")
_LONGEST = 10
_DBF_HEAD = 32


@contextmanager
def as_geopackage(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a shapefile as a GeoPackage (EPSG:4326) for the time of the block.

    Raises
    ------
    UnreadableFile
        It is none, or one of the files that belong to it is missing or broken.
    UnknownCrs
        There is no .prj file that says its coordinate system.
    """
    file = plain_file(path)
    with file.open("rb") as opened:
        head = opened.read(4)
    if len(head) < 4 or struct.unpack(">i", head)[0] != _MAGIC:  # noqa: PLR2004 (one number)
        raise UnreadableFile(f"{file.name} 不是 Shapefile。", f"{file.name} is no shapefile.")
    beside = {f.suffix.lower() for f in file.parent.glob(f"{file.stem}.*")}
    missing = [ending for ending in _ENDINGS if ending not in beside]
    if missing:
        raise UnreadableFile(
            f"{file.name} 旁边缺少 {'、'.join(missing)} 文件。Shapefile 要整套放在一起。",
            f"{', '.join(missing)} is missing beside {file.name}. All files of a shapefile stand together.",
        )
    if ".prj" not in beside:
        raise UnknownCrs(
            f"{file.name} 旁边没有 .prj 文件，不知道坐标系。请补上，或另存为 GeoPackage。",
            f"There is no .prj file beside {file.name}, so its coordinate system is not known. Add it, or save it as a "
            "GeoPackage.",
        )
    encoding = None if ".cpg" in beside else _encoding(file)
    try:
        frame = gpd.read_file(file, engine="pyogrio", encoding=encoding)
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, UnicodeDecodeError, ValueError):
        raise UnreadableFile(
            f"{file.name} 读不出，文件可能不完整。", f"{file.name} cannot be read; it may be cut short."
        ) from None
    if frame.crs is None:
        raise UnknownCrs(
            f"{file.stem}.prj 中的坐标系无法识别。请另存为 GeoPackage。",
            f"The coordinate system in {file.stem}.prj is not known. Save the layer as a GeoPackage.",
        )
    with TemporaryDirectory() as folder:
        made = Path(folder) / f"{file.stem}.gpkg"
        frame.to_crs(CRS).to_file(made, driver="GPKG")
        yield made


def _encoding(file: Path) -> str:
    """Return the encoding of text where no .cpg file says it: UTF-8, else what Chinese software writes."""
    table = next(f for f in file.parent.glob(f"{file.stem}.*") if f.suffix.lower() == ".dbf").read_bytes()
    rows = table[struct.unpack("<H", table[8:10])[0] :] if len(table) > _DBF_HEAD else b""
    for encoding in ("UTF-8", "GB18030"):
        try:
            rows.decode(encoding)
        except UnicodeDecodeError:
            continue
        return encoding
    return "ISO-8859-1"


def write_shapefile(table: gpd.GeoDataFrame, file: Path) -> None:
    """Write a table (EPSG:4326) with its side files; names are cut to ten characters, text is UTF-8."""
    names = {name: str(name)[:_LONGEST] for name in table.columns if name != "geometry"}
    table.rename(columns=names).to_file(file, driver="ESRI Shapefile", encoding="UTF-8", engine="pyogrio")
