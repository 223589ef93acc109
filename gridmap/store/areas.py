"""Administrative areas: communities, official and provisional."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import geopandas as gpd
import shapely
from sqlalchemy import Connection

from gridmap.store.base import as_multi
from gridmap.store.copying import copy_rows, read_frame


@dataclass(frozen=True, slots=True)
class Provisional:
    """A community grown from a named point; geometry in EPSG:4326."""

    source_id: str
    code: str
    name: str
    parent_code: str | None
    area_kind: str | None
    geom: shapely.Geometry


def replace_provisional(connection: Connection, communities: Sequence[Provisional]) -> None:
    """Replace all provisional communities."""
    connection.exec_driver_sql("DELETE FROM gridmap.area WHERE provisional")
    copy_rows(
        connection,
        "gridmap.area",
        {
            "source_id": [f"provisional:{c.source_id}" for c in communities],
            "code": [c.code for c in communities],
            "name": [c.name for c in communities],
            "level": ["community"] * len(communities),
            "parent_code": [c.parent_code for c in communities],
            "area_kind": [c.area_kind for c in communities],
            "provisional": [True] * len(communities),
            "geom": as_multi([c.geom for c in communities]),
        },
    )


def communities(connection: Connection) -> gpd.GeoDataFrame:
    """Return the live communities that have polygons: code, name, area_kind, parent_code, provisional, geom."""
    return read_frame(
        connection,
        "SELECT code, name, area_kind, parent_code, provisional, ST_AsBinary(geom) AS geom FROM gridmap.area "
        "WHERE level = 'community' AND retired_at IS NULL AND ST_Dimension(geom) = 2 AND code IS NOT NULL ORDER BY id",
    )
