"""Tables in and out of PostgreSQL in bulk: COPY for writing, GeoDataFrames for reading."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Mapping, Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from sqlalchemy import Connection

_NULL = "\\N"


def copy_rows(connection: Connection, table: str, columns: Mapping[str, Sequence[Any]]) -> int:
    """Append columns of equal length to ``table`` by COPY; returns the number of rows.

    Geometries (EPSG:4326) go in as EWKB; None, NaN and NaT as NULL; lists as arrays.
    """
    encoded = {name: _encoded(values) for name, values in columns.items()}
    length = len(next(iter(encoded.values())))
    if not length:
        return 0
    buffer = io.StringIO("".join("\t".join(row) + "\n" for row in zip(*encoded.values(), strict=True)))
    names = ", ".join(f'"{name}"' for name in encoded)
    with contextlib.closing(connection.connection.cursor()) as cursor:
        cursor.copy_expert(f"COPY {table} ({names}) FROM STDIN", buffer)
    return length


def _encoded(values: Any) -> list[str]:
    if isinstance(values, gpd.GeoSeries | gpd.array.GeometryArray):
        return geometry_text(np.asarray(values))
    # not np.asarray: lists of equal length would become a table
    array = pd.Series(list(values), dtype=object).to_numpy()
    if len(array) and any(isinstance(v, shapely.Geometry) for v in array[:50]):
        return geometry_text(array)
    missing = pd.isna(pd.Series(array, dtype=object)).to_numpy()
    return [_NULL if gone else _text(value) for value, gone in zip(array, missing, strict=True)]


def geometry_text(geometries: Any) -> list[str]:
    """Return shapely geometries (EPSG:4326) as hexadecimal EWKB, COPY's NULL for None."""
    array = np.asarray(geometries, dtype=object)
    empty = shapely.is_missing(array)
    with_srid = np.where(empty, None, shapely.set_srid(array, 4326))
    hexes = shapely.to_wkb(with_srid, hex=True, include_srid=True)
    return [_NULL if gone else text for text, gone in zip(hexes, empty, strict=True)]


def _text(value: Any) -> str:
    if isinstance(value, bool | np.bool_):
        return "t" if value else "f"
    if isinstance(value, list | tuple):
        inner = ",".join('"' + str(v).replace("\\", "\\\\").replace('"', '\\"') + '"' for v in value)
        return _escaped("{" + inner + "}")
    if isinstance(value, float | np.floating):
        return repr(float(value))
    return _escaped(str(value))


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r").replace("\0", "")


def read_frame(
    connection: Connection,
    sql: str,
    parameters: Mapping[str, Any] | None = None,
    *,
    geometry: Sequence[str] = ("geom",),
) -> gpd.GeoDataFrame:
    """Run a query with ``%(name)s`` parameters; columns named in ``geometry`` become shapely geometries (EPSG:4326).

    The query selects them as ``ST_AsBinary(…) AS name``. The first of them is the active geometry.
    """
    result = connection.exec_driver_sql(sql, dict(parameters) if parameters else ())
    names = list(result.keys())
    rows = result.fetchall()
    columns: dict[str, Any] = {}
    for position, name in enumerate(names):
        values = [row[position] for row in rows]
        if name in geometry:
            blobs = np.array([None if v is None else bytes(v) for v in values], dtype=object)
            columns[name] = gpd.GeoSeries(shapely.from_wkb(blobs), crs="EPSG:4326")
        else:
            columns[name] = _typed(values)
    frame = gpd.GeoDataFrame(columns)
    present = [name for name in geometry if name in names]
    return frame.set_geometry(present[0]) if present else frame


def _typed(values: list[Any]) -> Any:
    kinds = {type(v) for v in values}
    if kinds <= {int} and values:
        return np.array(values, dtype=np.int64)
    if kinds <= {float, int} and values:
        return np.array(values, dtype=np.float64)
    if kinds <= {bool} and values:
        return np.array(values, dtype=bool)
    return pd.Series(values, dtype=object)
