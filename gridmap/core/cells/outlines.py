"""Building outlines made fit for cells: valid, on the centimetre, not overlapping, inside the extent."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gridmap.core.cells.coverage import Floats, Geometries, Ints, stripped
from gridmap.core.cells.lines import parts_of_type
from gridmap.core.cells.settings import CellSettings
from gridmap.errors import InputError

__all__ = ["CENTIMETRE", "Footprints", "building_ids", "clean_outlines"]

CENTIMETRE = 0.01
_PER_METRE = round(1 / CENTIMETRE)
_OVERHANG_M = 0.5


@dataclass(frozen=True, slots=True)
class Footprints:
    """Outlines that get a cell of their own, and what became of the others.

    ``building`` (id), ``part`` (0, 1, … within a building), ``polygon`` and ``households`` (of the whole
    building, NaN where unknown) are aligned and sorted by building and part. ``small`` lie in another's cell,
    ``absorbed`` are duplicates (id, id of the larger one), ``trimmed`` overlap (id, id, m²), ``beyond`` reach
    over the extent (id, share inside; 0 when left out).
    """

    building: Ints
    part: Ints
    polygon: Geometries
    households: Floats
    small: list[tuple[int, Any]] = field(default_factory=list)
    absorbed: list[tuple[int, int]] = field(default_factory=list)
    trimmed: list[tuple[int, int, float]] = field(default_factory=list)
    beyond: list[tuple[int, float]] = field(default_factory=list)


def building_ids(buildings: gpd.GeoDataFrame) -> Ints:
    """Return the stable number of every building: column ``id``, else the index.

    Raises
    ------
    InputError
        A number is missing or occurs twice.
    """
    values = pd.Series(buildings["id"].to_numpy() if "id" in buildings.columns else buildings.index)
    if values.isna().any() or values.duplicated().any():
        bad = values[values.isna() | values.duplicated()].head(5).tolist()
        raise InputError(
            f"建筑编号缺失或重复：{bad}。每栋建筑须有唯一的整数编号（id 列）。",
            f"Building numbers are missing or repeated: {bad}. Each building needs its own integer in column id.",
        )
    return values.to_numpy(dtype=np.int64)


def clean_outlines(buildings: gpd.GeoDataFrame, extent: Any, settings: CellSettings) -> Footprints:
    """Clean building outlines (metric). The order of rows does not matter.

    A building whose smaller half lies inside the extent is left out, so that two jurisdictions never both own
    it; else its outline ends at the extent.
    """
    ids = building_ids(buildings)
    order = np.argsort(ids, kind="stable")
    ids, raw = ids[order], buildings.geometry.to_numpy()[order]
    households = np.full(len(ids), np.nan)
    if "households" in buildings.columns:
        households = pd.to_numeric(buildings["households"], errors="coerce").to_numpy(dtype=float)[order]
    there = ~(shapely.is_missing(raw) | shapely.is_empty(raw)) & (shapely.get_dimensions(raw) >= 2)  # noqa: PLR2004
    ids, raw, households = ids[there], raw[there], households[there]

    polygon = _gridded(raw)
    beyond: list[tuple[int, float]] = []
    shapely.prepare(extent)
    over = np.flatnonzero(~shapely.covers(extent, polygon))
    if len(over):
        m2 = shapely.area(polygon[over])
        share = shapely.area(shapely.intersection(polygon[over], extent)) / np.where(m2 > 0, m2, 1.0)
        beyond = [(int(ids[i]), float(s)) for i, s in zip(over, share, strict=True) if s < 1 - 1e-6]
        # A little overhang stays: an edge laid along the extent would nearly, not exactly, coincide with it.
        roughly = shapely.buffer(extent, _OVERHANG_M, join_style="mitre")
        kept = shapely.intersection(polygon[over], roughly)
        polygon[over] = _gridded(np.where(share >= 0.5, kept, shapely.Polygon()))  # noqa: PLR2004
    alive = ~shapely.is_empty(polygon)
    ids, polygon, households = ids[alive], polygon[alive], households[alive]

    polygon, absorbed, trimmed = _without_overlaps(ids, polygon, settings.duplicate_share)
    gone = np.isin(ids, np.array([a for a, _ in absorbed], dtype=np.int64))
    is_small = ~gone & (shapely.area(polygon) < settings.own_cell_m2)
    small = [(int(i), p) for i, p in zip(ids[is_small], shapely.point_on_surface(polygon[is_small]), strict=True)]
    keep = ~gone & ~is_small
    building, part, single, row = _single_parts(ids[keep], polygon[keep], settings.own_cell_m2)
    return Footprints(building, part, single, households[keep][row], small, absorbed, trimmed, beyond)


def _gridded(polygons: Geometries) -> Geometries:
    """Return valid polygons on the centimetre; empty where nothing is left."""
    fixed = np.array(polygons, dtype=object)
    bad = ~shapely.is_valid(fixed)
    if bad.any():
        fixed[bad] = shapely.make_valid(fixed[bad], method="structure", keep_collapsed=False)
    flat = shapely.force_2d(fixed)
    rounded = shapely.transform(flat, _on_centimetre)
    # Nearly every outline is good once its corners are rounded; for the others lines must be noded again.
    folded = ~shapely.is_valid(rounded) | (shapely.get_type_id(flat) != 3)  # noqa: PLR2004
    xy, row = shapely.get_coordinates(rounded, return_index=True)
    folded[row[1:][(row[1:] == row[:-1]) & np.all(xy[1:] == xy[:-1], axis=1)]] = True
    rounded[folded] = stripped(shapely.set_precision(flat[folded], CENTIMETRE))
    mixed = np.flatnonzero(~np.isin(shapely.get_type_id(rounded), (3, 6)))
    for i in mixed:
        rounded[i] = shapely.multipolygons(parts_of_type(rounded[i], 3))
    return np.asarray(rounded, dtype=object)


def _on_centimetre(xy: Floats) -> Floats:
    return np.floor(xy * _PER_METRE + 0.5) / _PER_METRE


def _without_overlaps(
    ids: Ints, polygon: Geometries, duplicate_share: float
) -> tuple[Geometries, list[tuple[int, int]], list[tuple[int, int, float]]]:
    """Absorb duplicates and trim the smaller of two outlines that overlap; ties go to the lower id."""
    area = shapely.area(polygon)
    a, b = shapely.STRtree(polygon).query(polygon, predicate="intersects")
    larger = (area[b] > area[a]) | ((area[b] == area[a]) & (ids[b] < ids[a]))
    a, b = a[larger], b[larger]
    touching = shapely.touches(polygon[a], polygon[b])
    a, b = a[~touching], b[~touching]
    common = shapely.area(shapely.intersection(polygon[a], polygon[b]))
    absorbed: dict[int, int] = {}
    for k in np.lexsort((ids[b], -area[b], ids[a])):
        i, j = int(ids[a[k]]), int(ids[b[k]])
        if common[k] > duplicate_share * area[a[k]] and i not in absorbed:
            absorbed[i] = j
    # The larger one may itself be a duplicate of a still larger one.
    into = {i: _last(absorbed, j) for i, j in absorbed.items()}
    kept = ~np.isin(ids, np.array(list(into), dtype=np.int64))
    live = (common > 0) & kept[a] & kept[b]
    out = polygon.copy()
    trimmed = [
        (int(ids[i]), int(ids[j]), float(m2))
        for i, j, m2 in zip(a[live], b[live], common[live], strict=True)
        if m2 > 0.05  # noqa: PLR2004
    ]
    if live.any():
        loser, start = np.unique(np.sort(a[live]), return_index=True)
        over = b[live][np.argsort(a[live], kind="stable")]
        cover = np.array([shapely.union_all(polygon[rows]) for rows in np.split(over, start[1:])], dtype=object)
        out[loser] = _gridded(shapely.difference(polygon[loser], cover))
    return out, sorted(into.items()), sorted(trimmed)


def _last(chain: dict[int, int], start: int) -> int:
    while start in chain:
        start = chain[start]
    return start


def _single_parts(
    ids: Ints, polygon: Geometries, own_cell_m2: float
) -> tuple[Ints, Ints, Geometries, NDArray[np.intp]]:
    """Split buildings that consist of several bodies; crumbs below ``own_cell_m2`` stay without a cell."""
    parts, row = shapely.get_parts(polygon, return_index=True)
    area = shapely.area(parts)
    order = np.lexsort((-area, row))
    parts, row, area = parts[order], row[order], area[order]
    first = np.ones(len(row), dtype=bool)
    first[1:] = row[1:] != row[:-1]
    keep = first | (area >= own_cell_m2)
    parts, row = parts[keep], row[keep]
    start = np.searchsorted(row, row)
    return ids[row], (np.arange(len(row)) - start).astype(np.int64), parts, row
