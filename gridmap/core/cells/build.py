"""From base data to cells."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridmap.core.cells.adjacency import neighbours
from gridmap.core.cells.blocks import Faces, faces_between, located_in
from gridmap.core.cells.borders import Housed, houses_in_blocks
from gridmap.core.cells.coverage import Geometries, Ints, densify
from gridmap.core.cells.cutters import (
    Cutters,
    Polygons,
    blocks_of,
    clean_polygons,
    cutters_of,
    extent_of,
    metric_epsg,
)
from gridmap.core.cells.fill import Filled, fill_blocks
from gridmap.core.cells.findings import building_findings
from gridmap.core.cells.model import BaseData, CellFabric
from gridmap.core.cells.outlines import Footprints, building_ids, clean_outlines
from gridmap.core.cells.parcels import OPEN, SYNTHETIC
from gridmap.core.cells.settings import CellSettings
from gridmap.core.cells.tables import content_keys, standing_points
from gridmap.model.progress import Progress, part, silent
from gridmap.model.text import Text

__all__ = ["build_cells"]


def build_cells(
    base: BaseData,
    *,
    settings: CellSettings = CellSettings(),  # noqa: B008
    processes: int = 1,
    progress: Progress = silent,
) -> CellFabric:
    """Cut land into cells: lines make blocks, the nearest building of a block has the land.

    Parameters
    ----------
    base
        Layers in one metric coordinate system. If there are only polygons, the polygons are the cells.
    settings
        Distances and areas.
    processes
        Blocks are divided in so many processes; the result is the same to the byte.
    progress
        Told the share done.

    Raises
    ------
    UnknownCrs
        A layer is not metric, or in another system than the others.
    InputError
        Ids or codes are missing or repeated, or there are no data.
    """
    epsg = metric_epsg(base)
    areas, legacy = clean_polygons(base.areas), clean_polygons(base.legacy)
    region = extent_of(base, areas, legacy)
    progress(0.01, Text("整理建筑轮廓", "cleaning outlines"))
    footprints = _footprints(base, region, settings)
    progress(0.1, Text("划分街区", "cutting blocks"))
    cutters = cutters_of(base, areas, settings)
    only_polygons = not len(footprints.polygon) and not len(cutters.lines.lines)
    if only_polygons and len(areas.polygon) + len(legacy.polygon):
        polygon = faces_between(shapely.boundary([*areas.polygon, *legacy.polygon]), region)
        points = shapely.point_on_surface(polygon)
        blocks = Faces(polygon, located_in(points, areas.polygon), np.zeros(len(polygon), dtype=bool))
        housed = houses_in_blocks(blocks, footprints.polygon, np.zeros(0, dtype=np.int64))
        cap_m2: float | None = np.inf
    else:
        blocks = blocks_of(cutters, region, footprints, settings)
        progress(0.15, Text("建筑归入街区", "placing buildings in blocks"))
        housed = houses_in_blocks(blocks, footprints.polygon, _entrance_areas(base, footprints, areas))
        blocks = Faces(densify(housed.blocks.polygon, settings.step_m), housed.blocks.area, housed.blocks.water)
        cap_m2 = None
    filled = fill_blocks(
        blocks.polygon, footprints.polygon, housed.block, settings,
        processes=processes, progress=part(progress, 0.2, 0.85), cap_m2=cap_m2,
    )  # fmt: skip
    progress(0.85, Text("计算邻接", "finding neighbours"))
    found = building_findings(
        footprints, housed.share, housed.cut_by_area, _points_of(base), epsg, settings.straddle_share
    )
    fabric = _tables(epsg, blocks, filled, footprints, cutters, settings, tuple(found))
    progress(1.0, Text("完成", "done"))
    return fabric


def _footprints(base: BaseData, region: Any, settings: CellSettings) -> Footprints:
    if base.buildings is None or not len(base.buildings):
        none = np.zeros(0, dtype=np.int64)
        return Footprints(none, none, np.zeros(0, dtype=object), np.zeros(0))
    return clean_outlines(base.buildings, region, settings)


def _points_of(base: BaseData) -> dict[int, Any]:
    if base.buildings is None:
        return {}
    shape = base.buildings.geometry.to_numpy()
    there = ~(shapely.is_missing(shape) | shapely.is_empty(shape))
    points = shapely.point_on_surface(shape[there])
    return dict(zip(building_ids(base.buildings)[there].tolist(), points, strict=True))


def _entrance_areas(base: BaseData, footprints: Footprints, areas: Polygons) -> Ints:
    """Return the area number of each footprint's first entrance, −1 where none is known."""
    out = np.full(len(footprints.polygon), -1, dtype=np.int64)
    if base.parts is None or not len(base.parts) or not len(areas.polygon):
        return out
    doors = base.parts[shapely.get_type_id(base.parts.geometry.to_numpy()) == 0]
    shape = doors.geometry.to_numpy()
    building = doors["building_id"].to_numpy(dtype=np.int64)
    order = np.lexsort((shapely.get_y(shape), shapely.get_x(shape), building))
    first = order[np.unique(building[order], return_index=True)[1]]
    place = pd.Series(located_in(shape[first], areas.polygon), index=building[first])
    return place.reindex(footprints.building).fillna(-1).to_numpy(dtype=np.int64)


def _tables(
    epsg: int,
    blocks: Faces,
    filled: Filled,
    footprints: Footprints,
    cutters: Cutters,
    settings: CellSettings,
    found: tuple[Any, ...],
) -> CellFabric:
    codes = np.append(cutters.areas.code, None)
    polygon = shapely.normalize(filled.polygon)
    built = filled.outline >= 0
    building = pd.array(
        np.where(built, footprints.building[np.maximum(filled.outline, 0)] if len(footprints.building) else 0, 0),
        dtype="Int64",
    )
    building[~built] = pd.NA
    kind = np.where(built, "building", "open").astype(object)
    kind[filled.outline == SYNTHETIC] = "open_synthetic"
    kind[~built & blocks.water[filled.block]] = "water"
    parts = np.where(built, footprints.part[np.maximum(filled.outline, 0)] if len(footprints.part) else 0, 0)
    labels = np.array(
        [
            f"{b}/{p}" if ok else ""
            for b, p, ok in zip(
                np.where(
                    built, footprints.building[np.maximum(filled.outline, 0)] if len(footprints.building) else 0, 0
                ),
                parts,
                built,
                strict=True,
            )
        ],
        dtype=object,
    )
    keys = content_keys(polygon, labels)
    block_polygon = shapely.normalize(blocks.polygon)
    block_keys = content_keys(block_polygon, np.full(len(block_polygon), "block", dtype=object))
    points = standing_points(filled.polygon, filled.outline, footprints.polygon)
    cells = gpd.GeoDataFrame(
        {
            "key": keys,
            "block": block_keys[filled.block],
            "kind": kind,
            "building_id": building,
            "part": parts,
            "area_code": codes[blocks.area[filled.block]],
            "legacy_code": np.full(len(keys), None, dtype=object),
            "area_m2": np.round(shapely.area(polygon), 3),
            "x_m": np.round(shapely.get_x(points), 3),
            "y_m": np.round(shapely.get_y(points), 3),
        },
        geometry=polygon,
        crs=epsg,
    )
    synthetic = np.where(filled.outline == SYNTHETIC, filled.block, -1)
    edges = neighbours(polygon, keys, synthetic, cutters.lines, follow_m=settings.follow_m)
    table = gpd.GeoDataFrame(
        {
            "key": block_keys,
            "kind": np.where(blocks.water, "water", "land").astype(object),
            "area_code": codes[blocks.area],
            "legacy_code": np.full(len(block_keys), None, dtype=object),
        },
        geometry=block_polygon,
        crs=epsg,
    )
    attachments = _attachments(footprints, cells)
    return CellFabric(
        epsg=epsg,
        cells=cells.sort_values("key", ignore_index=True),
        blocks=table.sort_values("key", ignore_index=True),
        attachments=attachments,
        edges=edges,
        findings=found,
    )


def _attachments(footprints: Footprints, cells: gpd.GeoDataFrame) -> pd.DataFrame:
    rows: list[tuple[int, str, str]] = []
    home: dict[int, str] = {}
    first = cells[cells["building_id"].notna()].sort_values(["building_id", "part"]).drop_duplicates("building_id")
    home.update(zip(first["building_id"].astype(int), first["key"], strict=True))
    if footprints.small:
        held = located_in(np.array([p for _, p in footprints.small], dtype=object), cells.geometry.to_numpy())
        for (i, _), cell in zip(footprints.small, held.tolist(), strict=True):
            if cell >= 0:
                home[i] = cells["key"].iloc[cell]
                rows.append((i, home[i], "small"))
    rows += [(i, home[into], "duplicate") for i, into in footprints.absorbed if into in home]
    return pd.DataFrame(sorted(rows), columns=["building_id", "cell", "reason"])
