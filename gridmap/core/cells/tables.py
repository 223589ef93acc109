"""Cells and blocks as tables with keys that follow from their content."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridmap.core.cells.blocks import Faces, located_in
from gridmap.core.cells.coverage import Geometries, Ints
from gridmap.core.cells.fill import Filled
from gridmap.core.cells.outlines import Footprints
from gridmap.core.cells.parcels import SYNTHETIC

__all__ = ["ATTACHMENT_COLUMNS", "Codes", "attachments", "content_keys", "land_tables", "nullable", "text"]

ATTACHMENT_COLUMNS = ["building_id", "cell", "reason"]


@dataclass(frozen=True, slots=True)
class Codes:
    """Codes of cells and blocks (text or None), aligned with them."""

    area_of_block: Geometries
    legacy_of_block: Geometries
    legacy_of_cell: Geometries


def nullable(values: Any) -> pd.Series[Any]:
    """Return a column of text in which a missing value is None, not NaN."""
    return pd.Series(values, dtype=object)


def text(values: Any) -> pd.Series[Any]:
    """Return a column of text without missing values, of the same type however few rows there are."""
    return pd.Series(values, dtype="str")


def content_keys(polygons: Geometries, label: Geometries) -> Geometries:
    """Return a key of 16 letters and digits for every polygon: a digest of label and vertices.

    Equal land of the same label has the same key in every run and on every machine. The polygons are in their
    normal form.
    """
    out = np.empty(len(polygons), dtype=object)
    for i, (words, wkb) in enumerate(zip(label, shapely.to_wkb(polygons, byte_order=1), strict=True)):
        digest = hashlib.blake2b(f"{words};".encode() + wkb, digest_size=10).digest()
        out[i] = base64.b32encode(digest).decode().lower()
    return out


def _standing_points(cells: Geometries, outline: Ints, outlines: Geometries) -> Geometries:
    points: Geometries = shapely.point_on_surface(cells)
    built = np.flatnonzero(outline >= 0)
    if len(built):
        footprint = outlines[outline[built]]
        centre = shapely.centroid(footprint)
        off = ~shapely.contains_properly(cells[built], centre)
        centre[off] = shapely.point_on_surface(footprint[off])
        fits = shapely.contains_properly(cells[built], centre)
        points[built[fits]] = centre[fits]
    return points


def land_tables(
    epsg: int, blocks: Faces, filled: Filled, footprints: Footprints, codes: Codes
) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Return cells and blocks with the columns that ``model.CellFabric`` describes, sorted by key."""
    built = filled.outline >= 0
    building = np.zeros(len(built), dtype=np.int64)
    number = np.zeros(len(built), dtype=np.int64)
    building[built] = footprints.building[filled.outline[built]]
    number[built] = footprints.part[filled.outline[built]]
    kind = np.where(built, "building", "open").astype(object)
    kind[filled.outline == SYNTHETIC] = "open_synthetic"
    kind[~built & blocks.water[filled.block]] = "water"
    polygon, block_polygon = shapely.normalize(filled.polygon), shapely.normalize(blocks.polygon)
    label = np.full(len(built), "", dtype=object)
    label[built] = [f"{b}/{p}" for b, p in zip(building[built], number[built], strict=True)]
    block_key = content_keys(block_polygon, np.full(len(block_polygon), "block", dtype=object))
    points = _standing_points(filled.polygon, filled.outline, footprints.polygon)
    building_id = pd.array(building, dtype="Int64")
    building_id[~built] = pd.NA
    cells = gpd.GeoDataFrame(
        {
            "key": text(content_keys(polygon, label)),
            "block": text(block_key[filled.block]),
            "kind": text(kind),
            "building_id": building_id,
            "part": number,
            "area_code": nullable(codes.area_of_block[filled.block]),
            "legacy_code": nullable(codes.legacy_of_cell),
            "area_m2": np.round(shapely.area(polygon), 3),
            "x_m": np.round(shapely.get_x(points), 3),
            "y_m": np.round(shapely.get_y(points), 3),
        },
        geometry=polygon,
        crs=epsg,
    )
    table = gpd.GeoDataFrame(
        {
            "key": text(block_key),
            "kind": text(np.where(blocks.water, "water", "land")),
            "area_code": nullable(codes.area_of_block),
            "legacy_code": nullable(codes.legacy_of_block),
        },
        geometry=block_polygon,
        crs=epsg,
    )
    return cells.sort_values("key", ignore_index=True), table.sort_values("key", ignore_index=True)


def attachments(footprints: Footprints, cells: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return which cell each outline without a cell of its own belongs to."""
    own = cells[cells["building_id"].notna()].sort_values(["building_id", "part", "key"])
    own = own.drop_duplicates("building_id")
    home = dict(zip(own["building_id"].astype(int), own["key"], strict=True))
    rows: list[tuple[int, str, str]] = []
    if footprints.small:
        held = located_in(np.array([p for _, p in footprints.small], dtype=object), cells.geometry.to_numpy())
        for (i, _), cell in zip(footprints.small, held.tolist(), strict=True):
            if cell >= 0:
                home[i] = cells["key"].iloc[cell]
                rows.append((i, home[i], "small"))
    rows += [(i, home[into], "duplicate") for i, into in footprints.absorbed if into in home]
    return pd.DataFrame(sorted(rows), columns=ATTACHMENT_COLUMNS).astype(
        {"building_id": "int64", "cell": "str", "reason": "str"}
    )
