"""Every row of a table to its grid: a list of thousands or a file of millions, piece by piece."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from gridmap.core.locate.assign import ASSIGNED, assign_rows
from gridmap.core.offset_crs import to_wgs84
from gridmap.errors import InputError, UnknownColumns
from gridmap.io import synonyms
from gridmap.io.assigned import open_pieces, save_pieces
from gridmap.model.progress import Progress, silent
from gridmap.model.text import Text
from gridmap.services.locate import Locator

__all__ = ["AssignOrder", "assign_file", "assign_table", "place_columns"]

PIECE_ROWS = 50_000
#: What a column of the file may be for, and the names by which it is found.
_ROLES: dict[str, tuple[str, ...]] = {
    "lon": ("lon", *synonyms.LONGITUDE),
    "lat": ("lat", *synonyms.LATITUDE),
    "address": ("address", "address_text", *synonyms.COLUMNS["requests"].get("address_text", ())),
    "accuracy_m": ("accuracy_m", *synonyms.COLUMNS["requests"].get("accuracy_m", ())),
}


@dataclass(frozen=True, slots=True)
class AssignOrder:
    """What to read, where to write, and how to understand it.

    ``mapping``: lon, lat, address or accuracy_m → a column of the file. ``crs``: of lon and lat. ``at``: the edition
    in force then; None: now.
    """

    source: Path
    target: Path
    mapping: dict[str, str] = field(default_factory=dict)
    crs: str = "EPSG:4326"
    at: datetime | None = None
    layer: str | None = None


def assign_file(locator: Locator, order: AssignOrder, *, progress: Progress = silent) -> dict[str, Any]:
    """Write the rows of a file with the columns of :data:`ASSIGNED` added at the end; returns what was done.

    ``rows``, ``by_method`` and ``by_reason`` (counts), ``near_boundary``, ``columns`` (what was taken for what) and
    ``edition``. The file appears whole or not at all.

    Raises
    ------
    InputError
        The target is the source, or its ending is not written.
    UnknownColumns
        Nothing in the file says where its rows are, or it has one of the new columns already.
    UnreadableFile
        The file cannot be read.
    """
    if order.source.resolve() == order.target.resolve():
        raise InputError("不能写回原文件。请给出另一个文件名。", "The file itself is not written over. Name another.")
    pieces = open_pieces(order.source, rows=PIECE_ROWS, layer=order.layer)
    taken = sorted(set(pieces.header) & set(ASSIGNED))
    if taken:
        listed = ", ".join(taken)
        raise UnknownColumns(
            f"“{pieces.name}”已有这些列:{listed}。请先改名,它们会被新结果占用。",
            f"'{pieces.name}' has columns of these names already: {listed}. Rename them, the results need the names.",
        )
    columns: dict[str, str] | None = None
    methods: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    rows = near = 0
    with save_pieces(order.target, pieces, ASSIGNED) as target:
        for piece in pieces:
            if columns is None:
                columns = place_columns(pieces.header, order.mapping, shapes=piece.shapes is not None)
            found = assign_table(locator, piece.columns, columns, shapes=piece.shapes, crs=order.crs, at=order.at)
            target.add(piece, found)
            rows += len(found)
            near += int(found["near_boundary"].sum())
            methods.update(found["method"])
            reasons.update(r for r in found["reason"] if r)
            progress(piece.share, Text(f"已定位 {rows} 行", f"{rows} rows located"))
        if columns is None:
            columns = place_columns(pieces.header, order.mapping, shapes=True)
    edition, _ = locator.index_at(order.at)
    return {
        "rows": rows,
        "by_method": dict(methods.most_common()),
        "by_reason": dict(reasons.most_common()),
        "near_boundary": near,
        "columns": columns,
        "edition": edition,
        "file": str(order.target),
    }


def place_columns(header: tuple[str, ...], mapping: dict[str, str], *, shapes: bool) -> dict[str, str]:
    """Tell which columns say where a row is: those asked for, else those of a known name.

    Raises
    ------
    UnknownColumns
        The mapping names what is not there, or there is neither a point nor an address.
    """
    strange = [role for role in mapping if role not in _ROLES]
    absent = [name for name in mapping.values() if name not in header]
    if strange or absent:
        raise UnknownColumns(
            f"对应关系有误:{', '.join([*strange, *absent])}。可指定 {'、'.join(_ROLES)};"
            f"文件的列有:{', '.join(header)}。",
            f"The mapping is wrong: {', '.join([*strange, *absent])}. It may name {', '.join(_ROLES)}; "
            f"the file has: {', '.join(header)}.",
        )
    found = dict(mapping)
    by_name = {synonyms.plain(name): name for name in reversed(header)}
    for role, names in _ROLES.items():
        hit = next((by_name[p] for n in names if (p := synonyms.plain(n)) in by_name), None)
        if role not in found and hit is not None and hit not in found.values():
            found[role] = hit
    if ("lon" in found) != ("lat" in found):
        found.pop("lon", None)
        found.pop("lat", None)
    if not shapes and "lon" not in found and "address" not in found:
        raise UnknownColumns(
            f"没有找到经纬度或地址列。文件的列有:{', '.join(header)}。请用 --map lon=列名 --map lat=列名 "
            "或 --map address=列名 指定。",
            f"No columns of coordinates or addresses were found. The file has: {', '.join(header)}. Name them with "
            "--map lon=COLUMN --map lat=COLUMN, or --map address=COLUMN.",
        )
    return found


def assign_table(
    locator: Locator,
    table: pd.DataFrame,
    columns: dict[str, str],
    *,
    shapes: npt.NDArray[np.object_] | None = None,
    crs: str = "EPSG:4326",
    at: datetime | None = None,
) -> pd.DataFrame:
    """Assign the rows of a table; see :func:`gridmap.core.locate.assign.assign_rows` for the columns of the answer.

    Parameters
    ----------
    locator
        Of the database.
    table
        Its rows.
    columns
        lon, lat, address, accuracy_m → a column of the table.
    shapes
        Geometries of the rows in EPSG:4326, taken where there are no columns lon and lat: a point on each of them.
    crs
        Coordinate system of lon and lat.
    at
        The edition in force then; None: now.
    """
    _, index = locator.index_at(at)
    lon, lat = _points(table, columns, shapes, crs)
    named = None
    if "address" in columns:
        named = [locator.match(a if isinstance(a, str) else None) for a in table[columns["address"]]]
    accuracy = _numbers(table[columns["accuracy_m"]]) if "accuracy_m" in columns else None
    if accuracy is not None:
        accuracy = np.where(np.isfinite(accuracy) & (accuracy >= 0), accuracy, np.nan)
    return assign_rows(
        index,
        lon,
        lat,
        accuracy_m=accuracy,
        near_boundary_m=locator.near_boundary_m,
        named=named,
        buildings_of=locator.buildings_of_estate,
    )


def _points(
    table: pd.DataFrame, columns: dict[str, str], shapes: npt.NDArray[np.object_] | None, crs: str
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return longitudes and latitudes, NaN where a row has no point."""
    if "lon" in columns:
        lon, lat = _numbers(table[columns["lon"]]), _numbers(table[columns["lat"]])
        given = np.isfinite(lon) & np.isfinite(lat)
        if crs != "EPSG:4326" and given.any():
            lon[given], lat[given] = to_wgs84(lon[given], lat[given], crs)
        return lon, lat
    if shapes is None:
        return np.full(len(table), np.nan), np.full(len(table), np.nan)
    points = shapely.point_on_surface(shapes)
    return shapely.get_x(points), shapely.get_y(points)


def _numbers(values: pd.Series[Any]) -> npt.NDArray[np.float64]:
    """Read numbers; NaN where there is none. Text that is no number counts as infinite, which nobody's point is."""
    read = pd.to_numeric(values, errors="coerce").to_numpy(dtype=np.float64, copy=True)
    blank = np.array([v is None or v != v or (isinstance(v, str) and not v.strip()) for v in values])  # noqa: PLR0124
    read[np.isnan(read) & ~blank] = np.inf
    return read
