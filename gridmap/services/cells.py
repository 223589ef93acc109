"""Making cells from the base data, and what hangs on them: editions and drafts of imported grids, communities."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import orjson
import pandas as pd
import shapely
from numpy.typing import NDArray
from sqlalchemy import Connection

from gridmap.core import gridsets, partition
from gridmap.core.cells import BaseData, CellFabric, CellSettings, build_cells
from gridmap.core.communities import grow_communities
from gridmap.core.crs import project
from gridmap.errors import Conflict, NotReady
from gridmap.model.finding import Finding
from gridmap.model.progress import Progress, part, silent
from gridmap.model.text import Text
from gridmap.services import settling
from gridmap.store import areas as area_store
from gridmap.store import base as base_store
from gridmap.store import cells as store
from gridmap.store import cuts as cut_store
from gridmap.store import editions as edition_store
from gridmap.store import findings as finding_store
from gridmap.store.changes import bump, note_change, versions
from gridmap.store.database import Place, engine_of, transaction
from gridmap.store.jurisdiction import jurisdiction

if TYPE_CHECKING:
    from gridmap.services.jobs import Job

__all__ = ["made", "make_cells", "read_base", "run", "write_fabric"]

Finish = Callable[[Connection, Mapping[str, Any]], None]
Ids = NDArray[np.int64]

_LEVELS = ("community", "town", "jurisdiction")
_INHABITED_BY_AREAS = 0.95


def run(place: Place, inputs: dict[str, Any], job: Job) -> dict[str, Any]:
    """Do a job of kind ``cells``: its input holds values of :class:`CellSettings` and ``processes``."""
    processes = int(inputs.get("processes", 1))
    settings = CellSettings(**inputs.get("settings", {}))
    return make_cells(
        place, who=job.who, settings=settings, processes=processes, progress=job.progress, finish=job.finish
    )


def made(connection: Connection) -> bool:
    """Tell whether there are cells."""
    return bool(
        connection.exec_driver_sql("SELECT EXISTS (SELECT 1 FROM gridmap.cell WHERE retired_at IS NULL)").scalar_one()
    )


def make_cells(
    place: Place,
    *,
    who: str,
    settings: CellSettings | None = None,
    processes: int = 1,
    progress: Progress = silent,
    finish: Finish | None = None,
) -> dict[str, Any]:
    """Make the cells anew from all base data; cells that come out the same keep their id.

    Imported grid sets that nothing came from yet become editions or drafts; editions and drafts that exist are
    carried over to replaced cells.

    Raises
    ------
    NotReady
        Nothing was imported yet.
    Conflict
        The base data changed meanwhile.
    """
    progress(0.0, Text("读取基础数据", "Reading the base data"))
    with engine_of(place).connect() as connection:
        before = versions(connection).get("base", 0)
        base, srid = read_base(connection)
    fabric = build_cells(
        base, settings=settings or CellSettings(), processes=processes, progress=part(progress, 0.05, 0.6)
    )
    with transaction(place) as connection:
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(hashtext('gridmap base data'))")
        if versions(connection).get("base", 0) != before:
            raise Conflict(
                "生成单元期间基础数据有新的改动,没有写入。请再运行一次。",
                "The base data changed while the cells were made; nothing was written. Run it again.",
            )
        progress(0.6, Text("写入单元", "Writing the cells"))
        result = write_fabric(connection, fabric, srid)
        result |= _provisional_communities(connection, fabric, srid)
        progress(0.75, Text("生成版本", "Making editions"))
        result |= settling.settle_after_cells(connection, who=who, progress=part(progress, 0.75, 0.98))
        note_change(connection, who, "cells", orjson.dumps(result, default=str).decode())
        bump(connection, "base", "edition")
        if finish is not None:
            finish(connection, result)
    progress(1.0, Text("完成", "Done"))
    return result


def read_base(connection: Connection) -> tuple[BaseData, int]:
    """Return everything that cells are made from, in the metric system of the jurisdiction, and its EPSG code.

    Raises
    ------
    NotReady
        Nothing was imported yet.
    """
    srid = jurisdiction(connection).metric_srid
    if srid is None:
        raise NotReady(
            "还没有数据。请先导入:gridmap import osm …、gridmap import buildings … 或 gridmap import grids …",
            "There are no data yet. Import first: gridmap import osm …, gridmap import buildings … or "
            "gridmap import grids …",
        )
    read = {name: base_store.read_live(connection, name) for name in ("buildings", "streets", "water")}
    read["streets"] = cut_store.among_streets(connection, read["streets"])
    layers = {name: _metric(frame, srid) for name, frame in read.items()}
    areas = _metric(base_store.read_live(connection, "areas"), srid)
    legacy = _legacy(connection, srid)
    hard = hard_areas(areas)
    extent = _extent(areas, hard, layers, legacy)
    return (
        BaseData(
            buildings=layers["buildings"], streets=layers["streets"], water=layers["water"],
            areas=hard, legacy=legacy, extent=extent,
        ),
        srid,
    )  # fmt: skip


def _metric(frame: gpd.GeoDataFrame, srid: int) -> gpd.GeoDataFrame:
    return project(frame.rename_geometry("geometry"), srid)


def hard_areas(areas: gpd.GeoDataFrame) -> gpd.GeoDataFrame | None:
    """Return the administrative polygons that cells may not cross: communities, and what of towns they leave.

    Communities come first; a town or the jurisdiction adds its land that no lower area has, under its own code.
    """
    polygons = areas[areas.geom_type.isin(["Polygon", "MultiPolygon"]) & ~areas["provisional"]]
    taken: list[gpd.GeoDataFrame] = []
    covered = shapely.Polygon()
    for level in _LEVELS:
        here = polygons[polygons["level"] == level].copy()
        if here.empty:
            continue
        here["code"] = [code or source for code, source in zip(here["code"], here["source_id"], strict=True)]
        if not covered.is_empty:
            here = here.set_geometry(
                gpd.GeoSeries(shapely.difference(here.geometry.to_numpy(), covered), here.index, here.crs)
            )
            here = here[here.area >= 1.0]
        taken.append(here[["code", "geometry"]])
        covered = shapely.union_all([covered, *here.geometry])
    if not taken:
        return None
    return gpd.GeoDataFrame(pd.concat(taken, ignore_index=True), geometry="geometry", crs=areas.crs)


def _legacy(connection: Connection, srid: int) -> gpd.GeoDataFrame | None:
    """Return the overlay of the leaf polygons of all imported grid sets, in the order of :func:`grid_sets`."""
    sets = []
    for set_id in edition_store.grid_sets(connection)["id"] if len(edition_store.grid_sets(connection)) else []:
        rows = _metric(edition_store.grid_set_rows(connection, int(set_id)), srid)
        sets.append(rows[rows["level"] == rows["level"].max()])
    return gridsets.overlay(sets) if sets else None


def _extent(
    areas: gpd.GeoDataFrame,
    hard: gpd.GeoDataFrame | None,
    layers: Mapping[str, gpd.GeoDataFrame],
    legacy: gpd.GeoDataFrame | None,
) -> Any:
    """Return the land to tile: official areas where they hold nearly all data, else the box around the town.

    The town is what streets, buildings and areas reach; railways and rivers run far out of it.
    """
    polygons = hard if hard is not None else legacy
    streets = layers["streets"]
    town = [layers["buildings"], streets[streets["highway"].notna()], areas]
    points = np.concatenate([shapely.get_coordinates(frame.geometry.to_numpy()) for frame in town])
    if polygons is not None:
        union = shapely.union_all(polygons.geometry.to_numpy())
        shapely.prepare(union)
        inside = shapely.contains_xy(union, points[:, 0], points[:, 1]).mean() if len(points) else 1.0
        if inside >= _INHABITED_BY_AREAS or (areas["level"] == "jurisdiction").any() or hard is None:
            return union
        points = np.concatenate([points, shapely.get_coordinates(union)])
    if not len(points):
        return None
    return shapely.box(*points.min(axis=0), *points.max(axis=0))


def _lonlat(geometries: Any, srid: int) -> NDArray[np.object_]:
    series = gpd.GeoSeries(geometries, crs=srid).to_crs(4326)
    return np.asarray(series.array, dtype=object)


def write_fabric(connection: Connection, fabric: CellFabric, srid: int) -> dict[str, Any]:
    """Bring the stored cells to a newly made fabric; returns counts."""
    old_blocks, old_cells = store.live_blocks(connection), store.live_cells(connection)
    block_id = _write_blocks(connection, fabric, old_blocks, srid)
    known = dict(zip(old_cells["key"], old_cells["id"], strict=True))
    fresh = ~fabric.cells["key"].isin(known).to_numpy()
    new = fabric.cells[fresh]
    gone = old_cells[~old_cells["key"].isin(fabric.cells["key"])]
    made_ids = add_cells(connection, new, block_id, srid)
    ids = np.array([made_ids[k] for k in new["key"]], dtype=np.int64)
    cell_id = known | made_ids
    _refresh_kept(connection, fabric, fresh, cell_id, block_id)
    if len(gone):
        old, new_ids, share = _lineage(_metric(gone, srid), new, ids)
        store.add_lineage(connection, old, new_ids, share)
    gone_blocks = old_blocks[~old_blocks["key"].isin(fabric.blocks["key"])]
    store.retire(connection, cell_ids=gone["id"].to_numpy(), block_ids=gone_blocks["id"].to_numpy())
    edges = fabric.edges.assign(a=fabric.edges["a"].map(cell_id), b=fabric.edges["b"].map(cell_id))
    store.replace_edges(connection, edges)
    store.replace_attachments(
        connection,
        pd.DataFrame(
            {
                "cell_id": fabric.attachments["cell"].map(cell_id),
                "building_id": fabric.attachments["building_id"],
                "reason": fabric.attachments["reason"],
            }
        ),
    )
    store.point_to_archives(connection, gone["id"].to_numpy())
    finding_store.replace(connection, "cells", named_findings(connection, fabric.findings))
    return {
        "blocks": len(fabric.blocks),
        "cells": len(fabric.cells),
        "cells_new": len(new),
        "cells_replaced": len(gone),
        "findings": len(fabric.findings),
    }


def _provisional_communities(connection: Connection, fabric: CellFabric, srid: int) -> dict[str, Any]:
    """Grow communities from named points where no official line is known; they are marked as provisional."""
    areas = base_store.read_live(connection, "areas")
    communities = areas[areas["level"] == "community"]
    official = communities[
        communities.geom_type.isin(["Polygon", "MultiPolygon"]) & ~communities["provisional"].astype(bool)
    ]
    points = communities[communities.geom_type == "Point"]
    if len(official) or points.empty:
        area_store.replace_provisional(connection, [])
        return {}
    growth = grow_communities(fabric, project(points.rename_geometry("geometry"), srid).geometry.to_numpy())
    grown = np.unique(growth.community[growth.community >= 0])
    polygons = partition.dissolve(fabric.cells.geometry.to_numpy(), growth.community, len(points))
    parents = fabric.cells["area_code"].to_numpy()
    codes = [code or f"P{row:03d}" for row, code in enumerate(points["code"], start=1)]
    area_store.replace_provisional(
        connection,
        [
            area_store.Provisional(
                source_id=str(points["source_id"].iloc[k]),
                code=codes[k],
                name=str(points["name"].iloc[k]),
                parent_code=parents[growth.seed_cell[k]],
                area_kind=points["area_kind"].iloc[k],
                geom=_lonlat(polygons[[k]], srid)[0],
            )
            for k in grown
        ],
    )
    cell_ids = store.ids_by_key(connection)
    inside = growth.community >= 0
    store.set_areas(
        connection,
        [cell_ids[k] for k in fabric.cells["key"][inside]],
        [codes[k] for k in growth.community[inside]],
    )
    return {"communities_provisional": len(grown), "cells_unassigned": int((~inside).sum())}


def _write_blocks(connection: Connection, fabric: CellFabric, old: gpd.GeoDataFrame, srid: int) -> dict[str, int]:
    known = dict(zip(old["key"], old["id"], strict=True))
    return known | add_blocks(connection, fabric.blocks[~fabric.blocks["key"].isin(known)], srid)


def add_blocks(connection: Connection, new: gpd.GeoDataFrame, srid: int) -> dict[str, int]:
    """Store new blocks (metric); returns their ids by key."""
    ids = store.add_blocks(
        connection,
        {
            "key": list(new["key"]),
            "kind": list(new["kind"]),
            "area_code": list(new["area_code"]),
            "legacy_code": list(new["legacy_code"]),
            "geom": _lonlat(new.geometry.to_numpy(), srid),
        },
    )
    return dict(zip(new["key"], (int(i) for i in ids), strict=True))


def add_cells(connection: Connection, new: gpd.GeoDataFrame, block_id: Mapping[str, int], srid: int) -> dict[str, int]:
    """Store new cells (metric, columns of a fabric); returns their ids by key."""
    ids = store.add_cells(
        connection,
        {
            "key": list(new["key"]),
            "block_id": [block_id[k] for k in new["block"]],
            "kind": list(new["kind"]),
            "building_id": [None if pd.isna(v) else int(v) for v in new["building_id"]],
            "part": [int(v) for v in new["part"]],
            "area_code": list(new["area_code"]),
            "legacy_code": list(new["legacy_code"]),
            "area_m2": list(new["area_m2"]),
            "geom": _lonlat(new.geometry.to_numpy(), srid),
            "point": _lonlat(shapely.points(new["x_m"], new["y_m"]), srid),
        },
    )
    return dict(zip(new["key"], (int(i) for i in ids), strict=True))


def named_findings(connection: Connection, findings: Iterable[Finding]) -> list[Finding]:
    """Let findings about buildings name them by their source id, as people know them."""
    found = list(findings)
    ids = [int(f.subject.removeprefix("building:")) for f in found if f.subject.startswith("building:")]
    source = base_store.source_ids(connection, "buildings", ids)
    return [
        replace(f, subject=f"building:{source[int(f.subject.removeprefix('building:'))]}")
        if f.subject.startswith("building:")
        else f
        for f in found
    ]


def _refresh_kept(
    connection: Connection,
    fabric: CellFabric,
    fresh: NDArray[np.bool_],
    cell_id: Mapping[str, int],
    block_id: Mapping[str, int],
) -> None:
    """Cells that came out the same may lie in another block, area or imported grid now."""
    kept = fabric.cells[~fresh]
    store.update_belonging(
        connection,
        ids=[cell_id[k] for k in kept["key"]],
        block_ids=[block_id[k] for k in kept["block"]],
        area_codes=list(kept["area_code"]),
        legacy_codes=list(kept["legacy_code"]),
    )


def _lineage(gone: gpd.GeoDataFrame, new: gpd.GeoDataFrame, new_ids: Ids) -> tuple[Ids, Ids, NDArray[np.float64]]:
    """Return which share of each replaced cell's area became part of which new cell (metric frames)."""
    old_shapes, new_shapes = gone.geometry.to_numpy(), new.geometry.to_numpy()
    i, j = shapely.STRtree(new_shapes).query(old_shapes, predicate="intersects")
    share = shapely.area(shapely.intersection(old_shapes[i], new_shapes[j])) / shapely.area(old_shapes)[i]
    real = share > 1e-6  # noqa: PLR2004 (touching along a border is no descent)
    return gone["id"].to_numpy()[i[real]], new_ids[j[real]], share[real]
