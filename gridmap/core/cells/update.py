"""Make again only the blocks that a change of base data touches."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gridmap.core.cells.adjacency import neighbours
from gridmap.core.cells.blocks import Faces
from gridmap.core.cells.borders import shares_in
from gridmap.core.cells.build import entrance_areas, footprints_of, points_of
from gridmap.core.cells.change import BaseChange, CellChange, lineage_of
from gridmap.core.cells.coverage import Floats, Geometries, Ints
from gridmap.core.cells.cutters import Cutters, blocks_of, clean_polygons, cutters_of
from gridmap.core.cells.fill import fill_blocks
from gridmap.core.cells.findings import building_findings
from gridmap.core.cells.land import Land, with_legacy
from gridmap.core.cells.legacy import building_shares
from gridmap.core.cells.lines import CUTTING, Rank, classify_streets
from gridmap.core.cells.model import BaseData, CellFabric
from gridmap.core.cells.outlines import Footprints
from gridmap.core.cells.recut import fitted
from gridmap.core.cells.settings import CellSettings
from gridmap.core.cells.tables import Codes, attachments, land_tables, nullable
from gridmap.model.progress import Progress, silent

__all__ = ["touched_blocks", "update_cells"]

_TOUCH_M = 0.05
_BESIDE_M = 0.5
_ALONG_M = 2.0
_NEAR_M = 30.0


@dataclass(frozen=True, slots=True)
class _Touched:
    """Row numbers of blocks: all that are made again, and those of them whose borders may change."""

    rows: Ints
    recut: Ints


def touched_blocks(fabric: CellFabric, change: BaseChange, *, settings: CellSettings | None = None) -> tuple[str, ...]:
    """Return the keys of the blocks that ``update_cells`` will make again.

    Load the base data that touch these blocks, and the cells in and next to them, and nothing else.
    """
    rows = _touched(fabric, change, settings or CellSettings()).rows
    return tuple(fabric.blocks["key"].to_numpy()[rows].tolist())


def _touched(fabric: CellFabric, change: BaseChange, settings: CellSettings) -> _Touched:
    blocks = fabric.blocks.geometry.to_numpy()
    tree = shapely.STRtree(blocks)
    touched: list[Ints] = []
    recut: list[Ints] = []
    if change.buildings is not None and len(change.buildings):
        outlines = change.buildings.geometry.to_numpy()
        outlines = outlines[~(shapely.is_missing(outlines) | shapely.is_empty(outlines))]
        outline, block = tree.query(outlines, predicate="dwithin", distance=_TOUCH_M)
        rim = shapely.boundary(blocks[block])
        at_rim = shapely.dwithin(rim, outlines[outline], _TOUCH_M)
        small = shapely.area(outlines[outline]) < settings.own_cell_m2
        recut.append(block[at_rim & ~small])
        touched.append(block)
        ids = change.buildings["id"].to_numpy(dtype=np.int64)
        own = fabric.cells["building_id"].isin(ids).to_numpy()
        hung = (
            fabric.cells["key"]
            .isin(fabric.attachments.loc[fabric.attachments["building_id"].isin(ids), "cell"])
            .to_numpy()
        )
        keys = fabric.cells["block"][own | hung].unique()
        touched.append(np.flatnonzero(fabric.blocks["key"].isin(keys)))
    for lines in _changed_lines(change, settings):
        line, block = tree.query(lines, predicate="dwithin", distance=_BESIDE_M)
        inside = shapely.intersection(lines[line], shapely.buffer(blocks[block], _BESIDE_M))
        recut.append(block[shapely.length(inside) > _ALONG_M])
    cut = np.unique(np.concatenate([np.zeros(0, dtype=np.int64), *recut]))
    return _Touched(np.unique(np.concatenate([cut, *touched])).astype(np.int64), cut.astype(np.int64))


def _changed_lines(change: BaseChange, settings: CellSettings) -> list[Geometries]:
    out: list[Geometries] = []
    if change.streets is not None and len(change.streets):
        out.append(classify_streets(change.streets).of(*CUTTING, Rank.LANE))
    if change.water is not None and len(change.water):
        shape = change.water.geometry.to_numpy()
        areal = shapely.get_dimensions(shape) == 2  # noqa: PLR2004
        large = shapely.area(shape) > settings.min_water_m2
        out.append(np.concatenate([shape[~areal], shapely.boundary(shape[areal & large])]))
    if change.areas is not None and len(change.areas):
        out.append(shapely.boundary(change.areas.geometry.to_numpy()))
    return [shapely.get_parts(lines) for lines in out if len(lines)]


def update_cells(
    fabric: CellFabric,
    base: BaseData,
    change: BaseChange,
    *,
    settings: CellSettings | None = None,
    progress: Progress = silent,
) -> CellChange:
    """Bring cells to a changed base (metric): only touched blocks are made again.

    Parameters
    ----------
    fabric
        The cells as they are: all, or those in the touched blocks and next to them (see ``touched_blocks``).
    base
        The base data as they are now: all, or at least what touches those blocks. Lines of present grids
        (``legacy``) cut the touched blocks as they do when everything is made anew; without them new cells have
        no ``legacy_code``.
    change
        What came, changed or went.

    Notes
    -----
    The rim of the touched blocks keeps its vertices, so that cells outside fit without being touched; the end of
    a new line on the rim moves to the nearest of them, by at most half of ``step_m``. Where a change lies inside
    a block the result equals making everything anew, unless a face so thin that it was joined to another gets its
    first building or a piece of a block loses its last.
    """
    settings = settings or CellSettings()
    touched = _touched(fabric, change, settings)
    keys = fabric.blocks["key"].to_numpy()[touched.rows]
    inside = fabric.cells["block"].isin(keys).to_numpy()
    was = fabric.cells[inside]
    ids = _ids_inside(fabric, was, change)
    around = _nearby(base, fabric.blocks.geometry.to_numpy()[touched.rows], ids)
    made = _remade(fabric, around, touched, _beside(fabric, was), settings, progress)
    now, blocks_now = land_tables(fabric.epsg, made.land.blocks, made.land.filled, made.footprints, made.codes)
    stayed = now["key"].isin(was["key"]).to_numpy()
    retired = was[~was["key"].isin(now["key"]).to_numpy()]
    lineage = lineage_of(retired, now[~stayed])
    now = _with_codes_of(was, now)
    hung = attachments(made.footprints, now)
    edges = _edges(fabric, was, now, made.cutters, settings)
    findings = tuple(
        building_findings(
            made.footprints, made.share, made.cut_by_area,
            points=points_of(around), epsg=fabric.epsg, straddle_share=settings.straddle_share,
        )
    )  # fmt: skip
    blocks_kept = blocks_now["key"].isin(keys).to_numpy()
    old_block = was.set_index("key")["block"]
    kept = now.loc[stayed, ["key", "block"]]
    moved = kept[kept["block"].to_numpy() != old_block.reindex(kept["key"]).to_numpy()]
    renewed = _renewed(fabric, inside, keys, now, blocks_now, hung, edges)
    subjects = {f"building:{i}" for i in ids.tolist()}
    others = tuple(f for f in fabric.findings if f.subject not in subjects)
    return CellChange(
        fabric=replace(renewed, findings=others + findings),
        touched_blocks=tuple(keys.tolist()),
        added=now[~stayed].reset_index(drop=True),
        retired=tuple(retired["key"].tolist()),
        blocks_added=blocks_now[~blocks_kept].reset_index(drop=True),
        blocks_retired=tuple(sorted(set(keys.tolist()) - set(blocks_now["key"]))),
        moved=moved.reset_index(drop=True),
        lineage=lineage,
        edges_added=edges,
        findings=findings,
    )


@dataclass(frozen=True, slots=True)
class _Remade:
    """Touched land made again."""

    land: Land
    footprints: Footprints
    codes: Codes
    cutters: Cutters
    share: Floats
    cut_by_area: NDArray[np.bool_]


def _ids_inside(fabric: CellFabric, was: gpd.GeoDataFrame, change: BaseChange) -> Ints:
    """Return the buildings that live or lived in the touched blocks."""
    hung = fabric.attachments.loc[fabric.attachments["cell"].isin(was["key"]), "building_id"]
    lists = [was["building_id"].dropna().to_numpy(dtype=np.int64), hung.to_numpy(dtype=np.int64)]
    if change.buildings is not None:
        lists.append(change.buildings["id"].to_numpy(dtype=np.int64))
    return np.unique(np.concatenate(lists))


def _nearby(base: BaseData, blocks: Geometries, ids: Ints) -> BaseData:
    """Keep the buildings with these ids, and of the other layers what lies at the touched blocks."""
    zone = shapely.union_all(shapely.box(*shapely.bounds(blocks).T)) if len(blocks) else shapely.Polygon()
    zone = shapely.buffer(zone, _NEAR_M, join_style="mitre")

    def near(frame: gpd.GeoDataFrame | None) -> gpd.GeoDataFrame | None:
        if frame is None or not len(frame):
            return None
        return frame.iloc[np.sort(shapely.STRtree(frame.geometry.to_numpy()).query(zone, predicate="intersects"))]

    buildings = base.buildings
    if buildings is not None:
        number = buildings["id"] if "id" in buildings.columns else buildings.index.to_series()
        buildings = buildings[number.isin(ids).to_numpy()]
    return BaseData(
        buildings=buildings, streets=near(base.streets), water=near(base.water), areas=near(base.areas),
        legacy=near(base.legacy), parts=base.parts, extent=base.extent,
    )  # fmt: skip


def _remade(
    fabric: CellFabric,
    base: BaseData,
    touched: _Touched,
    beside: gpd.GeoDataFrame,
    settings: CellSettings,
    progress: Progress,
) -> _Remade:
    polygon = fabric.blocks.geometry.to_numpy()
    refilled = np.setdiff1d(touched.rows, touched.recut)
    regions = (
        shapely.get_parts(shapely.coverage_union_all(polygon[touched.recut])) if len(touched.recut) else polygon[:0]
    )
    footprints = footprints_of(base, shapely.coverage_union_all(polygon[touched.rows]), settings)
    areas = clean_polygons(base.areas)
    cutters = cutters_of(base, areas, settings)
    pool = sorted(set(areas.code) | set(fabric.blocks["area_code"].dropna()))
    number = {code: i for i, code in enumerate(pool)}
    place = np.concatenate([polygon[refilled], regions])
    home, share = _homes(footprints.polygon, place)
    wished = entrance_areas(base, footprints, areas)
    known = np.array([number[c] for c in areas.code] + [-1], dtype=np.int64)

    blocks = [
        Faces(
            polygon[refilled],
            np.array([number.get(c, -1) for c in fabric.blocks["area_code"].to_numpy()[refilled]], dtype=np.int64),
            (fabric.blocks["kind"].to_numpy()[refilled] == "water"),
        )
    ]
    lives_in = home.copy()
    cut = np.zeros(len(home), dtype=bool)
    count = len(refilled)
    for i, region in enumerate(regions):
        rows = np.flatnonzero(home == len(refilled) + i)
        part = replace(
            footprints,
            building=footprints.building[rows], part=footprints.part[rows],
            polygon=footprints.polygon[rows], households=footprints.households[rows],
        )  # fmt: skip
        cut_anew = blocks_of(cutters, region, part, settings)
        made = fitted(cut_anew, region, part.polygon, wished[rows], settings)
        blocks.append(Faces(made.blocks.polygon, known[made.blocks.area], made.blocks.water))
        lives_in[rows] = np.where(made.block >= 0, count + made.block, -1)
        share[rows], cut[rows] = made.share, made.cut_by_area
        count += len(made.blocks.polygon)
    joined = Faces(
        np.concatenate([b.polygon for b in blocks]),
        np.concatenate([b.area for b in blocks]),
        np.concatenate([b.water for b in blocks]),
    )
    filled = fill_blocks(joined.polygon, footprints.polygon, lives_in, settings, progress=progress)
    cut_by = np.full(len(joined.polygon), None, dtype=object)
    cut_by[: len(refilled)] = fabric.blocks["legacy_code"].to_numpy(dtype=object)[refilled]
    land = Land(joined, cut_by, lives_in, filled)
    legacy = clean_polygons(base.legacy)
    grid = np.full(len(filled.polygon), -1, dtype=np.int64)
    if len(legacy.polygon):
        shares = building_shares(footprints, legacy, near_m=settings.give_way_m)
        around = beside.geometry.to_numpy()
        land, grid = with_legacy(land, footprints, shares, legacy, settings, beside=around)
    area_code = np.array([*pool, None], dtype=object)[land.blocks.area]
    codes = Codes(area_code, land.legacy_code, np.array([*legacy.code, None], dtype=object)[grid])
    return _Remade(land, footprints, codes, cutters, share, cut)


def _homes(outlines: Geometries, places: Geometries) -> tuple[Ints, Floats]:
    """Return the place with the largest share of each outline (−1: none), and the share."""
    home, best = np.full(len(outlines), -1, dtype=np.int64), np.zeros(len(outlines))
    if len(outlines) and len(places):
        outline, place, share = shares_in(outlines, places)
        order = np.lexsort((place, -share, outline))
        first = order[np.unique(outline[order], return_index=True)[1]]
        home[outline[first]], best[outline[first]] = place[first], share[first]
    return home, best


def _with_codes_of(was: gpd.GeoDataFrame, now: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Let cells that stayed keep the code of their present grid."""
    code = was.set_index("key")["legacy_code"].reindex(now["key"]).to_numpy(dtype=object)
    stayed = now["key"].isin(was["key"]).to_numpy()
    values = np.where(stayed, code, now["legacy_code"].to_numpy(dtype=object))
    return now.assign(legacy_code=nullable(np.where(pd.isna(values), None, values)))


def _beside(fabric: CellFabric, was: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the cells around those of touched blocks."""
    a_in, b_in = fabric.edges["a"].isin(was["key"]), fabric.edges["b"].isin(was["key"])
    beside = pd.unique(pd.concat([fabric.edges.loc[a_in & ~b_in, "b"], fabric.edges.loc[b_in & ~a_in, "a"]]))
    return fabric.cells[fabric.cells["key"].isin(beside)]


def _edges(
    fabric: CellFabric, was: gpd.GeoDataFrame, now: gpd.GeoDataFrame, cutters: Cutters, settings: CellSettings
) -> pd.DataFrame:
    """Find the neighbours of the cells in touched blocks, inside and outside."""
    rim = _beside(fabric, was)
    local = gpd.GeoDataFrame(
        pd.concat(
            [now[["key", "kind", "block", "geometry"]], rim[["key", "kind", "block", "geometry"]]], ignore_index=True
        ),
        crs=now.crs,
    )
    edges = neighbours(local, cutters.lines, follow_m=settings.follow_m)
    return edges[edges["a"].isin(now["key"]) | edges["b"].isin(now["key"])].reset_index(drop=True)


def _renewed(
    fabric: CellFabric,
    inside: NDArray[np.bool_],
    block_keys: Any,
    now: gpd.GeoDataFrame,
    blocks_now: gpd.GeoDataFrame,
    hung: pd.DataFrame,
    edges: pd.DataFrame,
) -> CellFabric:
    """Put touched and untouched together."""
    gone = fabric.cells["key"][inside]
    untouched = ~(fabric.edges["a"].isin(gone) | fabric.edges["b"].isin(gone))
    return CellFabric(
        epsg=fabric.epsg,
        cells=gpd.GeoDataFrame(pd.concat([fabric.cells[~inside], now]), crs=now.crs).sort_values(
            "key", ignore_index=True
        ),
        blocks=gpd.GeoDataFrame(
            pd.concat([fabric.blocks[~fabric.blocks["key"].isin(block_keys)], blocks_now]), crs=now.crs
        ).sort_values("key", ignore_index=True),
        attachments=pd.concat([fabric.attachments[~fabric.attachments["cell"].isin(gone)], hung]).sort_values(
            ["building_id", "cell"], ignore_index=True
        ),
        edges=pd.concat([fabric.edges[untouched], edges]).sort_values(["a", "b"], ignore_index=True),
    )
