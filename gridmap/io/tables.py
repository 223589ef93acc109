"""The one shape in which every kind of data leaves a file and enters one: columns, order and types.

=========  =====================================  ======================
type       dtype                                  missing
=========  =====================================  ======================
text       ``str``                                NaN (never empty text)
integer    ``Int64``                              ``pd.NA``
number     ``float64``                            NaN
boolean    ``boolean``                            ``pd.NA``
date       ``datetime64[s]``, midnight            NaT
datetime   ``datetime64[ms, UTC]``                NaT
list       ``object``: tuple of ``str``           ``()``
geometry   2D shapely, EPSG:4326, lon before lat  ``None``
=========  =====================================  ======================
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from gridmap.errors import UnknownColumns
from gridmap.model.kinds import KINDS, Column

__all__ = ["CRS", "LOCAL_ZONE", "canonical", "empty", "split_list", "typed_column"]

CRS = "EPSG:4326"
LOCAL_ZONE = "Asia/Shanghai"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_NO_TIME = np.iinfo(np.int64).min

_SEPARATOR = re.compile("[;；]")


def empty(kind: str) -> pd.DataFrame:
    """Return a table of ``kind`` without rows; a GeoDataFrame where the kind has geometries."""
    return canonical(pd.DataFrame(), kind)


def canonical(table: pd.DataFrame, kind: str) -> pd.DataFrame:
    """Give a trusted table the columns of ``kind``, in order, with their types; outer rings turn left.

    Absent columns become missing values; the index becomes 0 … n-1. The result is a GeoDataFrame where the
    kind has geometries. Nothing is checked: that is the work of :mod:`gridmap.io.validate`.

    Raises
    ------
    UnknownColumns
        If the table has a column that the kind does not know.
    """
    of = KINDS[kind]
    spatial = bool(of.geometry)
    known = {*of.names, *(("geometry",) if spatial else ())}
    strange = [str(c) for c in table.columns if c not in known]
    if strange:
        raise UnknownColumns(
            f"{of.title.zh}没有这些列:{'、'.join(strange)};它的列是 {'、'.join(of.names)}。",
            f"{kind} has no column {', '.join(strange)}; its columns are {', '.join(of.names)}.",
        )
    n = len(table)
    data = {c.name: typed_column(table[c.name] if c.name in table.columns else [None] * n, c) for c in of.columns}
    frame = pd.DataFrame(data, index=pd.RangeIndex(n), columns=list(of.names))
    if not spatial:
        return frame
    geometry = np.full(n, None, dtype=object)
    if "geometry" in table.columns:
        geometry[:] = np.asarray(table["geometry"], dtype=object)
    spatial_frame: pd.DataFrame = gpd.GeoDataFrame(frame, geometry=_plain_shapes(geometry), crs=CRS)
    return spatial_frame


def _plain_shapes(geometry: npt.NDArray[np.object_]) -> npt.NDArray[np.object_]:
    return np.asarray(shapely.orient_polygons(shapely.force_2d(geometry)), dtype=object)


def typed_column(values: Iterable[Any], column: Column) -> pd.Series[Any]:
    """Return ``values``, which are known to be good, as a series with the dtype of ``column``."""
    items = pd.Series(list(values), dtype=object)
    if column.type == "list":
        return _filled([split_list(v) for v in items])
    missing = items.isna()
    if column.type == "text":
        return pd.Series([None if m or v == "" else str(v) for v, m in zip(items, missing, strict=True)], dtype="str")
    if column.type == "integer":
        return pd.Series(pd.array([pd.NA if m else int(v) for v, m in zip(items, missing, strict=True)], "Int64"))
    if column.type == "number":
        return pd.Series([np.nan if m else float(v) for v, m in zip(items, missing, strict=True)], dtype="float64")
    if column.type == "boolean":
        return pd.Series(pd.array([pd.NA if m else bool(v) for v, m in zip(items, missing, strict=True)], "boolean"))
    stamps: list[Any]
    if column.type == "date":
        stamps = [pd.NaT if m else pd.Timestamp(v).tz_localize(None) for v, m in zip(items, missing, strict=True)]
        days: pd.Series[Any] = pd.Series(stamps, dtype="datetime64[s]").dt.normalize()
        return days
    moments = [_NO_TIME if m else _milliseconds(v) for v, m in zip(items, missing, strict=True)]
    stamped = np.array(moments, dtype="datetime64[ms]")
    return pd.Series(pd.DatetimeIndex(stamped).tz_localize("UTC"))


def split_list(value: object) -> tuple[str, ...]:
    """Return the entries of a list column: text separated by ``;`` or an iterable; blanks are left out."""
    if value is None or isinstance(value, float):
        return ()
    parts: Iterable[object]
    if isinstance(value, str):
        parts = _SEPARATOR.split(value)
    elif isinstance(value, Iterable):
        parts = [piece for entry in value for piece in _SEPARATOR.split(str(entry))]
    else:
        parts = [value]
    return tuple(t for t in (str(p).strip() for p in parts) if t)


def _filled(rows: list[tuple[str, ...]]) -> pd.Series[Any]:
    array: npt.NDArray[np.object_] = np.empty(len(rows), dtype=object)
    array[:] = rows
    return pd.Series(array, dtype=object)


def _milliseconds(value: Any) -> int:
    """Return the milliseconds from 1970 to a moment; one without zone is in `LOCAL_ZONE`."""
    moment = value if isinstance(value, datetime) else pd.Timestamp(value)
    if moment.tzinfo is None:
        moment = pd.Timestamp(moment).tz_localize(LOCAL_ZONE)
    return int((moment - _EPOCH) // _MILLISECOND)
