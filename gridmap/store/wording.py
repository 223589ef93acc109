"""What borders in words need to know: water with its name, and what communities are called."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from gridmap.store.copying import read_frame

__all__ = ["community_names", "water_cells", "waters"]


def water_cells(connection: Connection) -> NDArray[np.int64]:
    """Return the ids of the live cells that are water."""
    rows = connection.exec_driver_sql(
        "SELECT id FROM gridmap.cell WHERE retired_at IS NULL AND kind = 'water' ORDER BY id"
    )
    return np.array([row[0] for row in rows], dtype=np.int64)


def waters(connection: Connection) -> gpd.GeoDataFrame:
    """Return the live waters above ground: name (None where it has none), geom (EPSG:4326)."""
    return read_frame(
        connection,
        "SELECT name, ST_AsBinary(geom) AS geom FROM gridmap.water WHERE retired_at IS NULL AND NOT tunnel ORDER BY id",
    )


def community_names(connection: Connection) -> dict[str, str]:
    """Return the name of each live community by code."""
    rows = connection.exec_driver_sql(
        "SELECT code, name FROM gridmap.area WHERE level = 'community' AND code IS NOT NULL AND retired_at IS NULL"
    )
    return {str(row[0]): str(row[1]) for row in rows}
