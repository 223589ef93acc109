"""What assignments from files are decided by."""

from __future__ import annotations

import geopandas as gpd
from sqlalchemy import Connection

from gridmap.store.copying import read_frame

__all__ = ["footprints"]


def footprints(connection: Connection) -> gpd.GeoDataFrame:
    """Return the footprints of the live buildings: id, geom (EPSG:4326)."""
    return read_frame(
        connection,
        "SELECT id, ST_AsBinary(geom) AS geom FROM gridmap.building WHERE retired_at IS NULL ORDER BY id",
    )
