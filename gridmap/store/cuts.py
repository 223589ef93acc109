"""Lines along which planners divided land, in PostGIS; for the making of cells they stand among the streets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import geopandas as gpd
import pandas as pd
import shapely
from sqlalchemy import Connection

from gridmap.core.cells.lines import PLANNERS_CUT
from gridmap.store.copying import read_frame

__all__ = ["add", "among_streets", "blocks"]

_NEAR_DEGREES = 0.001


def add(connection: Connection, *, plan_id: int, who: str, line: shapely.LineString) -> int:
    """Keep a line (EPSG:4326); returns its number."""
    return int(
        connection.exec_driver_sql(
            "INSERT INTO gridmap.cut_line (plan_id, who, geom) "
            "VALUES (%(p)s, %(w)s, ST_SetSRID(ST_GeomFromWKB(%(g)s), 4326)) RETURNING id",
            {"p": plan_id, "w": who, "g": shapely.to_wkb(line)},
        ).scalar_one()
    )


def among_streets(
    connection: Connection,
    streets: gpd.GeoDataFrame,
    *,
    near_blocks: Sequence[int] | None = None,
    only: int | None = None,
) -> gpd.GeoDataFrame:
    """Return streets (EPSG:4326, any columns) with the planners' lines after them.

    ``near_blocks`` (ids): only lines near one of these blocks; ``only``: only the line of that number.
    """
    lines = read_frame(
        connection,
        "SELECT c.id, ST_AsBinary(c.geom) AS geom FROM gridmap.cut_line c "
        "WHERE (%(o)s::bigint IS NULL OR c.id = %(o)s) AND (%(all)s OR EXISTS (SELECT 1 FROM gridmap.block k "
        "WHERE k.id = ANY(%(b)s::bigint[]) AND c.geom && ST_Expand(k.geom, %(n)s))) ORDER BY c.id",
        {
            "o": only, "all": near_blocks is None, "b": [] if near_blocks is None else [int(b) for b in near_blocks],
            "n": _NEAR_DEGREES,
        },
    )  # fmt: skip
    if not len(lines):
        return streets
    name = str(streets.geometry.name)
    table: dict[str, Any] = {column: [None] * len(lines) for column in streets.columns if column != name}
    table |= {
        "id": [-int(number) for number in lines["id"]],
        "source_id": [f"cut {number}" for number in lines["id"]],
        "highway": [PLANNERS_CUT] * len(lines),
        **{flag: [False] * len(lines) for flag in ("bridge", "tunnel", "covered")},
        "layer": [0] * len(lines),
    }
    table = {column: values for column, values in table.items() if column in streets.columns}
    cuts = pd.DataFrame(table | {name: lines.geometry.to_numpy()})[list(streets.columns)]
    joined = pd.concat([pd.DataFrame(streets).astype(object), cuts.astype(object)], ignore_index=True)
    return gpd.GeoDataFrame(joined, geometry=name, crs=4326)


def blocks(connection: Connection) -> int:
    """Return how many live blocks there are."""
    return int(connection.exec_driver_sql("SELECT count(*) FROM gridmap.block WHERE retired_at IS NULL").scalar_one())
