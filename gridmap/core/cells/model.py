"""What goes into cell making and what comes out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gridmap.model.finding import Finding

__all__ = ["BaseData", "CellFabric"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseData:
    """Everything that cells are made from, all in one metric coordinate system; each may be missing.

    Attributes
    ----------
    buildings
        Outlines; ``id`` (or the index) is a stable integer. Optional: ``households``.
    streets, water
        Columns as in ``gridmap.model.kinds.KINDS``; flags may be text.
    areas
        Administrative polygons with ``code``; no cell crosses their borders.
    legacy
        Present grids with ``code``: they come back from the cells as well as the land allows.
    parts
        Entrances or unit bodies: ``building_id`` and points or polygons.
    extent
        The land to be tiled; without it the union of areas, else of legacy polygons, else the bounds of all.
    """

    buildings: gpd.GeoDataFrame | None = None
    streets: gpd.GeoDataFrame | None = None
    water: gpd.GeoDataFrame | None = None
    areas: gpd.GeoDataFrame | None = None
    legacy: gpd.GeoDataFrame | None = None
    parts: gpd.GeoDataFrame | None = None
    extent: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CellFabric:
    """Cells, the blocks that they divide, and how they lie to each other. Plain tables: store and restore them.

    Attributes
    ----------
    epsg
        The metric coordinate system. All vertices lie on the millimetre grid, and neighbours share them.
    cells
        ``key`` (text, from the content, stable), ``block`` (key), ``kind``, ``building_id`` (Int64, null for
        land without building), ``part`` (0; a building of several bodies or entrances has 1, 2 … too),
        ``area_code``, ``legacy_code``, ``area_m2``, ``x_m``, ``y_m`` (the point that stands for the cell: its
        footprint's centroid, else a point inside), ``geometry``. Sorted by key.
    blocks
        ``key``, ``kind`` (land or water), ``area_code``, ``legacy_code`` (where legacy lines cut it),
        ``geometry``. Sorted by key.
    attachments
        Outlines without own cell: ``building_id``, ``cell`` (key), ``reason`` (small or duplicate).
    edges
        Neighbours: ``a``, ``b`` (keys, a < b), ``length_m``, ``street_class`` (rail, major, minor, lane, drive,
        foot, water, or null), ``street_name``, ``synthetic`` (the border follows nothing).
    findings
        What a person should look at.
    """

    epsg: int
    cells: gpd.GeoDataFrame
    blocks: gpd.GeoDataFrame
    attachments: pd.DataFrame
    edges: pd.DataFrame
    findings: tuple[Finding, ...] = field(default=())

    def edge_positions(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the row numbers in ``cells`` of ``a`` and ``b`` of every edge."""
        index = pd.Index(self.cells["key"])
        return (
            index.get_indexer(self.edges["a"]).astype(np.int64),
            index.get_indexer(self.edges["b"]).astype(np.int64),
        )

    def points(self) -> NDArray[np.object_]:
        """Return the point that stands for each cell."""
        made: NDArray[np.object_] = shapely.points(self.cells["x_m"].to_numpy(), self.cells["y_m"].to_numpy())
        return made
