"""Departments' own areas in PostGIS."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
from sqlalchemy import Connection

from gridmap.store.copying import read_frame

__all__ = ["listed", "net_areas"]


def listed(connection: Connection) -> list[dict[str, Any]]:
    """Return the nets that there are: net, department, areas."""
    rows = connection.exec_driver_sql(
        "SELECT net, min(department) AS department, count(*)::int AS areas FROM gridmap.net_area "
        "WHERE retired_at IS NULL GROUP BY net ORDER BY net"
    )
    return [dict(row) for row in rows.mappings()]


def net_areas(connection: Connection, net: str | None = None) -> gpd.GeoDataFrame:
    """Return the live areas of a net, or of all: net, department, code, name, geom (EPSG:4326)."""
    return read_frame(
        connection,
        "SELECT net, department, coalesce(code, source_id) AS code, name, ST_AsBinary(geom) AS geom "
        "FROM gridmap.net_area WHERE retired_at IS NULL AND (%(n)s::text IS NULL OR net = %(n)s) "
        "ORDER BY net, code, id",
        {"n": net},
    )
