"""Living base data: a change of buildings, streets or borders re-makes the blocks it touches, and nothing else."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from sqlalchemy import Connection

from gridmap.core.cells import (
    BaseChange,
    BaseData,
    CellChange,
    CellFabric,
    CellSettings,
    suggest_grids,
    touched_blocks,
    update_cells,
)
from gridmap.core.crs import project
from gridmap.services import cells as making
from gridmap.services import settling
from gridmap.store import base as base_store
from gridmap.store import cells as store
from gridmap.store import findings as finding_store
from gridmap.store.changes import bump
from gridmap.store.jurisdiction import jurisdiction

SHAPING = ("areas", "streets", "water", "buildings")


def marks(connection: Connection) -> dict[str, int]:
    """Return where the shaping layers end before an import; :func:`carry_over` asks for what came after."""
    return {kind: base_store.last_id(connection, kind) for kind in SHAPING}


def carry_over(connection: Connection, before: Mapping[str, int]) -> dict[str, Any]:
    """Bring cells, the edition in force and open drafts to the base data that this transaction changed.

    Returns counts: blocks touched, cells added and replaced, new cells in doubt; and the seconds it took.
    """
    start = time.perf_counter()
    srid = jurisdiction(connection).metric_srid
    assert srid is not None  # noqa: S101 (there are cells)
    change = _change(connection, before, srid)
    blocks = store.live_blocks(connection)
    metric_blocks = project(blocks.rename_geometry("geometry"), srid)
    fabric = _fabric(connection, metric_blocks, _suspects(connection, metric_blocks, change), srid)
    settings = CellSettings()
    touched = touched_blocks(fabric, change, settings=settings)
    if not touched:
        return {"blocks_touched": 0, "cells_new": 0, "cells_replaced": 0, "doubtful": 0, "seconds": 0.0}
    near = blocks[blocks["key"].isin(touched)]
    fabric = _fabric(connection, metric_blocks, near["id"].to_numpy(), srid)
    made = update_cells(fabric, _base_near(connection, near, srid), change, settings=settings)
    added = _write(connection, made, blocks, srid)
    doubtful = _settle(connection, made, added, srid)
    bump(connection, "edition")
    return {
        "blocks_touched": len(touched),
        "cells_new": len(made.added),
        "cells_replaced": len(made.retired),
        "doubtful": doubtful,
        "seconds": round(time.perf_counter() - start, 2),
    }


def _change(connection: Connection, before: Mapping[str, int], srid: int) -> BaseChange:
    rows = {
        kind: project(
            base_store.changed_rows(connection, kind, after_id=before[kind]).rename_geometry("geometry"), srid
        )
        for kind in SHAPING
    }
    areas = rows["areas"]
    areal = areas[areas.geom_type.isin(["Polygon", "MultiPolygon"]) & ~areas["provisional"].astype(bool)]
    return BaseChange(buildings=rows["buildings"], streets=rows["streets"], water=rows["water"], areas=areal)


def _suspects(
    connection: Connection, blocks: gpd.GeoDataFrame, change: BaseChange
) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return ids of the blocks that the change could touch: those near it, and those that held its buildings."""
    layers = [layer for layer in (change.buildings, change.streets, change.water, change.areas) if layer is not None]
    shapes = np.concatenate([np.asarray(layer.geometry.array, dtype=object) for layer in layers])
    _, near = shapely.STRtree(blocks.geometry.to_numpy()).query(shapes, predicate="dwithin", distance=1.0)
    ids = set(blocks["id"].to_numpy()[np.unique(near)].tolist())
    if change.buildings is not None and len(change.buildings):
        ids |= set(store.blocks_of_buildings(connection, change.buildings["id"].tolist()))
    return np.array(sorted(ids), dtype=np.int64)


def _fabric(
    connection: Connection, blocks: gpd.GeoDataFrame, block_ids: np.ndarray[Any, np.dtype[np.int64]], srid: int
) -> CellFabric:
    """Load the cells in some blocks and next to them, and all blocks that those cells lie in."""
    cells = store.live_cells(connection, in_and_next_to=block_ids)
    points = project(gpd.GeoDataFrame(geometry=cells["point"].array, crs=4326), srid).geometry.to_numpy()
    metric = project(cells.rename_geometry("geometry"), srid)
    key_of = dict(zip(cells["id"], cells["key"], strict=True))
    attachments = store.live_attachments(connection, of_cells=cells["id"].to_numpy())
    edges = store.live_edges(connection, between=cells["id"].to_numpy())
    return CellFabric(
        epsg=srid,
        cells=gpd.GeoDataFrame(
            {
                **{name: metric[name] for name in ("key", "block", "kind", "building_id", "part")},
                **{name: metric[name] for name in ("area_code", "legacy_code", "area_m2")},
                "x_m": np.round(shapely.get_x(points), 3),
                "y_m": np.round(shapely.get_y(points), 3),
            },
            geometry=metric.geometry.array,
            crs=srid,
        ).sort_values("key", ignore_index=True),
        blocks=blocks[blocks["key"].isin(cells["block"])][["key", "kind", "area_code", "legacy_code", "geometry"]]
        .sort_values("key", ignore_index=True),
        attachments=pd.DataFrame(
            {
                "building_id": attachments["building_id"],
                "cell": [key_of[i] for i in attachments["cell_id"]],
                "reason": attachments["reason"],
            }
        ),
        edges=pd.DataFrame(
            {
                "a": [key_of[i] for i in edges["a"]],
                "b": [key_of[i] for i in edges["b"]],
                **{name: edges[name] for name in ("length_m", "street_class", "street_name", "synthetic")},
            }
        ),
    )  # fmt: skip


def _base_near(connection: Connection, blocks: gpd.GeoDataFrame, srid: int) -> BaseData:
    def layer(kind: str) -> gpd.GeoDataFrame:
        rows = base_store.read_live(connection, kind, near_blocks=blocks["id"].tolist())
        return project(rows.rename_geometry("geometry"), srid)

    areas = project(base_store.read_live(connection, "areas").rename_geometry("geometry"), srid)
    return BaseData(
        buildings=layer("buildings"),
        streets=layer("streets"),
        water=layer("water"),
        areas=making.hard_areas(areas),
    )


def _write(connection: Connection, made: CellChange, blocks: gpd.GeoDataFrame, srid: int) -> dict[str, int]:
    """Store what became of the cells; returns the ids of all cells of the renewed fabric by key."""
    block_id = dict(zip(blocks["key"], blocks["id"], strict=True))
    block_id |= making.add_blocks(connection, made.blocks_added, srid)
    live = store.ids_by_key(connection)
    cell_id = live | making.add_cells(connection, made.added, block_id, srid)
    store.move_cells(connection, [live[k] for k in made.moved["key"]], [block_id[k] for k in made.moved["block"]])
    lineage = made.lineage[made.lineage["share_of_old"] > 0]
    store.add_lineage(
        connection,
        np.array([live[k] for k in lineage["old"]], dtype=np.int64),
        np.array([cell_id[k] for k in lineage["new"]], dtype=np.int64),
        lineage["share_of_old"].to_numpy(dtype=float),
    )
    touched = set(made.touched_blocks) | set(made.blocks_added["key"])
    inside = made.fabric.cells[made.fabric.cells["block"].isin(touched | set(made.moved["block"]))]
    inside_ids = np.array([cell_id[k] for k in inside["key"]], dtype=np.int64)
    retired_ids = np.array([live[k] for k in made.retired], dtype=np.int64)
    store.retire(
        connection,
        cell_ids=retired_ids,
        block_ids=np.array([block_id[k] for k in made.blocks_retired], dtype=np.int64),
    )
    edges = made.edges_added
    store.replace_edges_of(connection, inside_ids, edges.assign(a=edges["a"].map(cell_id), b=edges["b"].map(cell_id)))
    hung = made.fabric.attachments[made.fabric.attachments["cell"].isin(inside["key"])]
    store.replace_attachments(
        connection,
        pd.DataFrame(
            {"cell_id": hung["cell"].map(cell_id), "building_id": hung["building_id"], "reason": hung["reason"]}
        ),
        of_cells=inside_ids,
    )
    store.point_to_archives(connection, retired_ids)
    finding_store.add(connection, "cells", making.named_findings(connection, made.findings))
    return cell_id


def _settle(connection: Connection, made: CellChange, cell_id: Mapping[str, int], srid: int) -> int:
    """Let editions and drafts follow; returns how many new cells are in doubt."""
    key_of = {i: k for k, i in cell_id.items()}

    def heirs(uid_of: Mapping[int, int]) -> pd.DataFrame:
        grid_of = {key_of[cell]: uid for cell, uid in uid_of.items() if cell in key_of}
        found = suggest_grids(made, grid_of)
        found = found[found["grid"].notna()]
        return pd.DataFrame(
            {
                "new_id": np.array([cell_id[k] for k in found["cell"]], dtype=np.int64),
                "uid": found["grid"].astype("int64"),
                "doubtful": found["doubtful"].astype(bool),
            }
        )

    findings = settling.carry_over(connection, srid, heirs=heirs)
    finding_store.add(connection, "update", findings)
    return len(findings)
