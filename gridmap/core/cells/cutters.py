"""All lines that cut an extent, in the order of their rank, and the polygons behind them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridmap.core.cells.blocks import (
    Faces,
    faces_between,
    located_in,
    merge_faces,
    thin_groups,
)
from gridmap.core.cells.coverage import Geometries, stripped
from gridmap.core.cells.lines import CUTTING, Rank, StreetLines, classify_streets, give_way, parts_of_type
from gridmap.core.cells.lines import under_ground as hidden_lines
from gridmap.core.cells.model import BaseData
from gridmap.core.cells.outlines import CENTIMETRE, Footprints
from gridmap.core.cells.recut import inhabited_faces
from gridmap.core.cells.settings import CellSettings
from gridmap.core.crs import GRID_M
from gridmap.errors import InputError, UnknownCrs

__all__ = ["Cutters", "Polygons", "blocks_of", "clean_polygons", "cutters_of", "extent_of", "labelled", "metric_epsg"]

_CUTTING_WATER = ("river", "canal")
_GAP_M = 1.0
_RIM_M = 0.5


@dataclass(frozen=True, slots=True)
class Polygons:
    """Named polygons that do not overlap: ``polygon`` (possibly of several bodies) and ``code``."""

    polygon: Geometries
    code: Geometries


@dataclass(frozen=True, slots=True)
class Cutters:
    """Lines that cut everywhere, lanes that cut where blocks are large, and what lies between.

    ``lines`` are all lines that a border may follow, with their rank.
    """

    cutting: Geometries
    lanes: Geometries
    lines: StreetLines
    water: Geometries
    areas: Polygons


def metric_epsg(base: BaseData) -> int:
    """Return the one metric coordinate system of all layers.

    Raises
    ------
    UnknownCrs
        A layer has none, one in degrees, or another one than the rest.
    InputError
        There is no layer at all.
    """
    found: dict[str, int] = {}
    for name in ("buildings", "streets", "water", "areas", "legacy", "parts"):
        layer = getattr(base, name)
        if layer is None:
            continue
        epsg = None if layer.crs is None or not layer.crs.is_projected else layer.crs.to_epsg()
        if epsg is None:
            raise UnknownCrs(
                f"图层 {name} 没有以米为单位的坐标系：请先用 gridmap.core.crs.project 投影。",
                f"Layer {name} has no metric coordinate system: project it first (gridmap.core.crs.project).",
            )
        found[name] = epsg
    if not found:
        raise InputError(
            "没有可用的数据：至少需要建筑、道路或面状边界之一。",
            "There are no data: give buildings, streets or polygons.",
        )
    if len(set(found.values())) > 1:
        raise UnknownCrs(
            f"各图层坐标系不一致：{found}。请投影到同一坐标系。",
            f"The layers are in different coordinate systems: {found}. Project them to one.",
        )
    return next(iter(found.values()))


def clean_polygons(frame: gpd.GeoDataFrame | None) -> Polygons:
    """Make polygons with ``code`` a coverage: valid, no overlap, no gap thinner than a metre.

    Raises
    ------
    InputError
        A code is missing or occurs twice.
    """
    if frame is None or not len(frame):
        return Polygons(np.zeros(0, dtype=object), np.zeros(0, dtype=object))
    code = frame["code"] if "code" in frame.columns else pd.Series(pd.NA, index=frame.index)
    if code.isna().any() or code.duplicated().any():
        bad = code[code.isna() | code.duplicated()].head(5).tolist()
        raise InputError(
            f"面的编码缺失或重复：{bad}。每个面须有唯一的 code。",
            f"Codes of polygons are missing or repeated: {bad}. Each polygon needs its own code.",
        )
    order = np.argsort(code.astype(str).to_numpy(dtype=str), kind="stable")
    names = code.astype(str).to_numpy(dtype=object)[order]
    raw = shapely.make_valid(shapely.force_2d(frame.geometry.to_numpy()[order]), method="structure")
    polygon = stripped(shapely.set_precision(raw, GRID_M))
    polygon = np.array([shapely.multipolygons(parts_of_type(p, 3)) for p in polygon], dtype=object)
    some = ~shapely.is_empty(polygon)
    clean = shapely.coverage_clean(polygon[some], snapping_distance=CENTIMETRE, gap_width=_GAP_M)
    clean = stripped(shapely.set_precision(clean, GRID_M))
    return Polygons(np.asarray(clean, dtype=object), names[some])


def extent_of(base: BaseData, areas: Polygons, legacy: Polygons) -> Any:
    """Return the land to tile, on the millimetre grid."""
    if base.extent is not None:
        region = shapely.make_valid(shapely.force_2d(base.extent), method="structure")
    elif len(areas.polygon):
        region = shapely.union_all(areas.polygon)
    elif len(legacy.polygon):
        region = shapely.union_all(legacy.polygon)
    else:
        layers = [x for x in (base.buildings, base.streets, base.water) if x is not None and len(x)]
        if not layers:
            raise InputError(
                "没有可用的数据：至少需要建筑、道路或面状边界之一。",
                "There are no data: give buildings, streets or polygons.",
            )
        bounds = np.array([layer.total_bounds for layer in layers])
        region = shapely.box(*bounds[:, :2].min(axis=0), *bounds[:, 2:].max(axis=0))
    return stripped(shapely.set_precision(region, GRID_M))


def cutters_of(base: BaseData, areas: Polygons, settings: CellSettings) -> Cutters:
    """Collect the lines of streets, railways and water; they give way to administrative borders."""
    none = np.zeros(0, dtype=object)
    streets = StreetLines(none, np.zeros(0, dtype=np.int8), none)
    if base.streets is not None and len(base.streets):
        streets = classify_streets(base.streets)
    water, banks = none, none
    if base.water is not None and len(base.water):
        shape = shapely.force_2d(base.water.geometry.to_numpy())
        bodies = shapely.make_valid(shape[shapely.get_dimensions(shape) == 2], method="structure")  # noqa: PLR2004
        water = parts_of_type(bodies, 3)
        water = water[shapely.area(water) > settings.min_water_m2]
        flows = ~hidden_lines(base.water)
        if "water_kind" in base.water.columns:
            flows &= base.water["water_kind"].isin(_CUTTING_WATER).to_numpy(dtype=bool)
        banks = np.array([*parts_of_type(shape[flows], 1), *parts_of_type(shapely.boundary(water), 1)], dtype=object)
    hard = shapely.union_all(shapely.boundary(areas.polygon)) if len(areas.polygon) else shapely.LineString()
    ranks = (*CUTTING, Rank.LANE) if settings.lanes_cut else CUTTING
    cutting = np.array([*banks, *streets.of(*ranks)], dtype=object)
    cutting = give_way(cutting, hard, distance_m=settings.give_way_m, min_piece_m=settings.min_piece_m)
    lanes = none if settings.lanes_cut else streets.of(Rank.LANE)
    lanes = give_way(lanes, hard, distance_m=settings.give_way_m, min_piece_m=settings.min_piece_m)
    lines = StreetLines(
        np.concatenate([streets.lines, banks]),
        np.concatenate([streets.rank, np.full(len(banks), int(Rank.WATER), dtype=np.int8)]),
        np.concatenate([streets.name, np.full(len(banks), "", dtype=object)]),
    )
    return Cutters(cutting, lanes, lines, water, areas)


def blocks_of(cutters: Cutters, region: Any, footprints: Footprints, settings: CellSettings) -> Faces:
    """Cut a region (metric) into blocks without slivers; borders do not yet go round buildings.

    Lines beside the region's rim are taken for the rim.
    """
    zone = shapely.buffer(region, _RIM_M)

    def tied(lines: Geometries) -> Geometries:
        inside = _within(lines, zone)
        return give_way(inside, shapely.boundary(region), distance_m=_RIM_M, min_piece_m=2 * _RIM_M)

    lines = tied(np.array([*shapely.boundary(cutters.areas.polygon), *cutters.cutting], dtype=object))
    if not len(cutters.lanes):
        return _merged(lines, cutters, region, footprints, settings)
    blocks = _merged(lines, cutters, region, footprints, settings, roughly=True)
    large = shapely.area(blocks.polygon) > settings.large_block_m2
    if len(footprints.polygon) and np.isfinite(footprints.households).any():
        held = located_in(shapely.point_on_surface(footprints.polygon), blocks.polygon)
        inside = (held >= 0) & (footprints.part == 0)
        homes = np.bincount(held[inside], weights=np.nan_to_num(footprints.households[inside]), minlength=len(large))
        large |= homes > settings.target_households
    large &= ~blocks.water
    if not large.any():
        return _merged(lines, cutters, region, footprints, settings)
    lanes = _within(cutters.lanes, shapely.union_all(blocks.polygon[large]))
    lines = np.concatenate([lines, tied(lanes)])
    return _merged(lines, cutters, region, footprints, settings)


def _within(lines: Geometries, zone: Any) -> Geometries:
    """Return single lines inside a zone; only those that leave it are cut."""
    shapely.prepare(zone)
    whole = shapely.covers(zone, lines)
    cut = lines[~whole & shapely.intersects(zone, lines)]
    return np.concatenate([parts_of_type(lines[whole], 1), parts_of_type(shapely.intersection(cut, zone), 1)])


def _merged(
    lines: Geometries,
    cutters: Cutters,
    region: Any,
    footprints: Footprints,
    settings: CellSettings,
    *,
    roughly: bool = False,
) -> Faces:
    faces = labelled(cutters, faces_between(lines, region, roughly=roughly))
    inhabited = inhabited_faces(footprints.polygon, faces.polygon)
    group = thin_groups(faces, inhabited, thin_m=settings.thin_m, small_m2=settings.small_block_m2)
    return merge_faces(faces, group)


def labelled(cutters: Cutters, polygon: Geometries) -> Faces:
    """Tell area and water of faces."""
    points = shapely.point_on_surface(polygon)
    return Faces(polygon, located_in(points, cutters.areas.polygon), located_in(points, cutters.water) >= 0)
