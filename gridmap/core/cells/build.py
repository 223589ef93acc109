"""From base data to cells."""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely

from gridmap.core.cells.adjacency import neighbours
from gridmap.core.cells.blocks import Faces, faces_between, located_in
from gridmap.core.cells.borders import houses_in_blocks
from gridmap.core.cells.coverage import Ints, densify
from gridmap.core.cells.cutters import (
    Cutters,
    Polygons,
    blocks_of,
    clean_polygons,
    cutters_of,
    extent_of,
    labelled,
    metric_epsg,
)
from gridmap.core.cells.fill import Pool, fill_blocks, pool_for
from gridmap.core.cells.findings import building_findings, legacy_findings
from gridmap.core.cells.land import Land, with_legacy
from gridmap.core.cells.legacy import building_shares
from gridmap.core.cells.model import BaseData, CellFabric
from gridmap.core.cells.outlines import Footprints, building_ids, clean_outlines
from gridmap.core.cells.settings import CellSettings
from gridmap.core.cells.tables import Codes, attachments, land_tables
from gridmap.core.cells.units import divide_large_buildings
from gridmap.model.finding import Finding
from gridmap.model.progress import Progress, part, silent
from gridmap.model.text import Text

__all__ = ["build_cells", "entrance_areas", "footprints_of", "points_of"]


def build_cells(
    base: BaseData,
    *,
    settings: CellSettings | None = None,
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
    with pool_for(0 if base.buildings is None else len(base.buildings), processes) as pool:
        return _built(base, settings or CellSettings(), pool, progress)


def _built(base: BaseData, settings: CellSettings, pool: Pool | None, progress: Progress) -> CellFabric:
    epsg = metric_epsg(base)
    areas, legacy = clean_polygons(base.areas), clean_polygons(base.legacy)
    region = extent_of(base, areas, legacy)
    progress(0.01, Text("整理建筑轮廓", "cleaning outlines"))
    footprints = footprints_of(base, region, settings)
    progress(0.1, Text("划分街区", "cutting blocks"))
    cutters = cutters_of(base, areas, settings)
    if len(footprints.polygon) or len(cutters.cutting) or not len(areas.polygon) + len(legacy.polygon):
        blocks = blocks_of(cutters, region, footprints, settings)
        cap_m2 = settings.max_open_m2
    else:
        lines = shapely.boundary(np.concatenate([areas.polygon, legacy.polygon]))
        blocks = labelled(cutters, faces_between(lines, region))
        cap_m2 = np.inf
    progress(0.15, Text("建筑归入街区", "placing buildings in blocks"))
    housed = houses_in_blocks(blocks, footprints.polygon, entrance_areas(base, footprints, areas))
    polygon = housed.blocks.polygon
    if np.isfinite(cap_m2):
        polygon = densify(polygon, settings.step_m)
    blocks = Faces(polygon, housed.blocks.area, housed.blocks.water)
    filled = fill_blocks(
        blocks.polygon, footprints.polygon, housed.block, settings,
        pool=pool, progress=part(progress, 0.2, 0.75), cap_m2=cap_m2,
    )  # fmt: skip
    land = Land(blocks, np.full(len(polygon), None, dtype=object), housed.block, filled)
    findings = building_findings(
        footprints, housed.share, housed.cut_by_area,
        points=points_of(base), epsg=epsg, straddle_share=settings.straddle_share,
    )  # fmt: skip
    grid = np.full(len(filled.polygon), -1, dtype=np.int64)
    if len(legacy.polygon):
        shares = building_shares(footprints, legacy, near_m=settings.give_way_m)
        land, grid = with_legacy(
            land, footprints, shares, legacy, settings, pool=pool, progress=part(progress, 0.75, 0.9)
        )
        findings += legacy_findings(
            footprints, shares.share, housed.cut_by_area, grid, legacy,
            epsg=epsg, straddle_share=settings.straddle_share, sliver_m=settings.legacy_depth_m / 2,
        )  # fmt: skip
    progress(0.9, Text("计算邻接", "finding neighbours"))
    fabric = _fabric(epsg, land, grid, footprints, cutters, legacy, settings, findings)
    progress(1.0, Text("完成", "done"))
    return fabric


def footprints_of(base: BaseData, region: Any, settings: CellSettings) -> Footprints:
    """Clean the outlines, and divide large buildings among their entrances."""
    if base.buildings is None or not len(base.buildings):
        none = np.zeros(0, dtype=np.int64)
        return Footprints(none, none, np.zeros(0, dtype=object), np.zeros(0))
    return divide_large_buildings(clean_outlines(base.buildings, region, settings), base.parts, settings)


def points_of(base: BaseData) -> dict[int, Any]:
    """Return a point in every building, by id."""
    if base.buildings is None:
        return {}
    shape = base.buildings.geometry.to_numpy()
    there = ~(shapely.is_missing(shape) | shapely.is_empty(shape))
    points = shapely.point_on_surface(shape[there])
    return dict(zip(building_ids(base.buildings)[there].tolist(), points, strict=True))


def entrance_areas(base: BaseData, footprints: Footprints, areas: Polygons) -> Ints:
    """Return the area number of each footprint's first entrance, −1 where none is known."""
    out = np.full(len(footprints.polygon), -1, dtype=np.int64)
    if base.parts is None or not len(base.parts) or not len(areas.polygon):
        return out
    doors = base.parts[shapely.get_type_id(base.parts.geometry.to_numpy()) == 0]
    shape = doors.geometry.to_numpy()
    building = doors["building_id"].to_numpy(dtype=np.int64)
    order = np.lexsort((shapely.get_y(shape), shapely.get_x(shape), building))
    known, first = np.unique(building[order], return_index=True)
    place = located_in(shape[order][first], areas.polygon)
    held = np.isin(footprints.building, known)
    out[held] = place[np.searchsorted(known, footprints.building[held])]
    return out


def _fabric(
    epsg: int,
    land: Land,
    grid: Ints,
    footprints: Footprints,
    cutters: Cutters,
    legacy: Polygons,
    settings: CellSettings,
    findings: list[Finding],
) -> CellFabric:
    area_code = np.array([*cutters.areas.code, None], dtype=object)
    legacy_code = np.array([*legacy.code, None], dtype=object)
    codes = Codes(area_code[land.blocks.area], land.legacy_code, legacy_code[grid])
    cells, blocks = land_tables(epsg, land.blocks, land.filled, footprints, codes)
    return CellFabric(
        epsg=epsg,
        cells=cells,
        blocks=blocks,
        attachments=attachments(footprints, cells),
        edges=neighbours(cells, cutters.lines, follow_m=settings.follow_m),
        findings=tuple(findings),
    )
