"""Reports for people: several tables in one spreadsheet or GeoPackage, or one as GeoJSON.

In a spreadsheet every text is typed as text, so nothing in it is ever run as a formula. A file appears whole or not at
all.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from gridmap.errors import InputError

__all__ = ["write_report"]

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_SHEET_NAME = 31
_WIDEST = 60
_ENDINGS = (".gpkg", ".xlsx", ".geojson")


def write_report(file: Path, tables: Mapping[str, pd.DataFrame], *, main: str) -> Path:
    """Write tables by the ending of ``file``: ``.xlsx`` and ``.gpkg`` hold all, ``.geojson`` only ``main``.

    GeoPackage and GeoJSON hold the tables with geometry (EPSG:4326); spreadsheets leave geometry out.

    Raises
    ------
    InputError
        The ending is another, or ``main`` has no geometry and is to be GeoJSON.
    """
    ending = file.suffix.lower()
    if ending not in _ENDINGS:
        raise InputError(
            f"不能写成“{file.suffix}”格式。可写 {'、'.join(_ENDINGS)}。",
            f"'{file.suffix}' cannot be written. Written are {', '.join(_ENDINGS)}.",
        )
    if ending == ".geojson" and not isinstance(tables[main], gpd.GeoDataFrame):
        raise InputError(
            f"表“{main}”没有几何,不能写成 GeoJSON。请写成 .xlsx。",
            f"The table '{main}' has no geometry and cannot be GeoJSON. Write .xlsx.",
        )
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=file.parent, prefix=".writing-") as folder:
        beside = Path(folder) / file.name
        if ending == ".xlsx":
            _xlsx(beside, tables)
        elif ending == ".gpkg":
            _gpkg(beside, tables)
        else:
            _shown(tables[main]).to_file(beside, driver="GeoJSON", COORDINATE_PRECISION=7, ID_FIELD=None)
        os.replace(beside, file)  # noqa: PTH105 (over an existing file, on every system)
    return file


def _gpkg(file: Path, tables: Mapping[str, pd.DataFrame]) -> None:
    for name, table in tables.items():
        if isinstance(table, gpd.GeoDataFrame):
            _shown(table).to_file(file, layer=name, driver="GPKG")


def _shown(table: pd.DataFrame) -> gpd.GeoDataFrame:
    """Return a table whose lists are texts: GIS formats have no lists."""
    out = table.copy()
    for name in out.columns:
        if name != "geometry" and out[name].map(lambda value: isinstance(value, list | tuple)).any():
            out[name] = [";".join(map(str, v)) if isinstance(v, list | tuple) else v for v in out[name]]
    return gpd.GeoDataFrame(out, geometry="geometry", crs="EPSG:4326")


def _xlsx(file: Path, tables: Mapping[str, pd.DataFrame]) -> None:
    from openpyxl import Workbook
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter

    book = Workbook()
    book.remove(book.active)
    for name, table in tables.items():
        sheet = book.create_sheet(name[:_SHEET_NAME])
        columns = [column for column in table.columns if column != "geometry"]
        rows: Sequence[Sequence[Any]] = [columns, *table[columns].astype(object).to_numpy().tolist()]
        for number, row in enumerate(rows, 1):
            for position, value in enumerate(row, 1):
                _put(sheet.cell(number, position), value)
        for position, column in enumerate(columns, 1):
            sheet.cell(1, position).font = Font(bold=True)
            longest = max([_width(column), *(_width(row[position - 1]) for row in rows[1:200])])
            sheet.column_dimensions[get_column_letter(position)].width = min(longest + 2, _WIDEST)
        sheet.freeze_panes = "A2"
    book.save(file)


def _put(cell: Any, value: Any) -> None:
    if isinstance(value, list | tuple):
        value = ";".join(map(str, value))
    if isinstance(value, bool | np.bool_):
        cell.value = bool(value)
    elif isinstance(value, str):
        cell.value = _CONTROL.sub("", value)
        cell.data_type = "s"  # also what begins with an equals sign
    elif value is not None and not pd.isna(value):
        cell.value = value.item() if hasattr(value, "item") else value


def _width(value: Any) -> int:
    return sum(2 if ord(c) > 0x2E80 else 1 for c in str(value))  # noqa: PLR2004 (where wide characters begin)
