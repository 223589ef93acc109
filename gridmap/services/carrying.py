"""Living base data: a change of buildings, streets or borders re-makes the blocks it touches, and nothing else."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from sqlalchemy import Connection

from gridmap.core import partition
from gridmap.core.cells import (
    BaseChange,
    BaseData,
    CellChange,
    CellFabric,
    CellSettings,
    suggest_grids,
    update_cells,
)
from gridmap.core.crs import project
from gridmap.services import cells as making
from gridmap.services import settling
from gridmap.store import base as base_store
from gridmap.store import cells as store
from gridmap.store import cuts as cut_store
from gridmap.store import findings as finding_store
from gridmap.store.changes import bump
from gridmap.store.jurisdiction import jurisdiction

_EDGE_FACTS = ("length_m", "street_class", "street_name", "synthetic")
_NEAR_M = 1.0
_BESIDE_M = 60.0
SHAPING = ("areas", "streets", "water", "buildings")


def marks(connection: Connection) -> dict[str, int]:
    """Return where the shaping layers end before an import; :func:`carry_over` asks for what came after."""
    return {kind: base_store.last_id(connection, kind) for kind in SHAPING}


def carry_over(connection: Connection, before: Mapping[str, int]) -> dict[str, Any]:
    """Bring cells, the edition in force and open drafts to the base data that this transaction changed.

    ``before`` is what :func:`marks` said; with ``cut`` the number of a planner's line that divides land.

    Returns counts: blocks touched, cells added and replaced, new cells in doubt; and the seconds it took.
    """
    start = time.perf_counter()
    srid = jurisdiction(connection).metric_srid
    assert srid is not None  # noqa: S101 (there are cells)
    change = _change(connection, before, srid)
    near = _suspects(connection, change, srid)
    fabric, ids = _fabric(connection, near, srid)
    base = replace(_base_near(connection, near, srid), legacy=_grids_now(connection, fabric, ids))
    made = _with_imported_codes(update_cells(fabric, base, change, settings=CellSettings()), fabric)
    if not made.touched_blocks:
        return {"blocks_touched": 0, "cells_new": 0, "cells_replaced": 0, "doubtful": 0, "seconds": 0.0}
    ids = _write(connection, made, fabric, ids, near, srid)
    doubtful = _settle(connection, made, ids, srid)
    bump(connection, "edition")
    return {
        "blocks_touched": len(made.touched_blocks),
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
    if "cut" in before:
        # the line that a planner has just drawn; others shape land already
        none = rows["streets"].iloc[:0].to_crs(4326)
        rows["streets"] = project(cut_store.among_streets(connection, none, only=before["cut"]), srid)
    areas = rows["areas"]
    areal = areas[areas.geom_type.isin(["Polygon", "MultiPolygon"]) & ~areas["provisional"].astype(bool)]
    return BaseChange(buildings=rows["buildings"], streets=rows["streets"], water=rows["water"], areas=areal)


def _suspects(connection: Connection, change: BaseChange, srid: int) -> gpd.GeoDataFrame:
    """Return the blocks (metric) that the change could touch: those near it, and those that held its buildings."""
    layers = [layer for layer in (change.buildings, change.streets, change.water, change.areas) if layer is not None]
    shapes = np.concatenate([np.asarray(layer.geometry.array, dtype=object) for layer in layers])
    shapes = shapes[~(shapely.is_missing(shapes) | shapely.is_empty(shapes))]
    held = [] if change.buildings is None else change.buildings["id"].tolist()
    held = store.blocks_of_buildings(connection, held) if held else []
    boxes = gpd.GeoSeries(shapely.buffer(shapes, _NEAR_M), crs=srid).to_crs(4326).bounds.to_numpy()
    blocks = project(store.live_blocks(connection, near=boxes, ids=held).rename_geometry("geometry"), srid)
    _, near = shapely.STRtree(blocks.geometry.to_numpy()).query(shapes, predicate="dwithin", distance=_NEAR_M)
    chosen = set(held) | set(blocks["id"].to_numpy()[near].tolist())
    return blocks[blocks["id"].isin(chosen)].reset_index(drop=True)


def _fabric(connection: Connection, blocks: gpd.GeoDataFrame, srid: int) -> tuple[CellFabric, dict[str, int]]:
    """Load the cells in some blocks and beside them; return their ids by key, too."""
    cells = store.live_cells(connection, in_and_beside=blocks["id"].to_numpy())
    points = project(gpd.GeoDataFrame(geometry=cells["point"].array, crs=4326), srid).geometry.to_numpy()
    metric = project(cells.rename_geometry("geometry"), srid)
    key_of = dict(zip(cells["id"], cells["key"], strict=True))
    attachments = store.live_attachments(connection, of_cells=cells["id"].to_numpy())
    edges = store.live_edges(connection, between=cells["id"].to_numpy())
    fabric = CellFabric(
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
        blocks=blocks[["key", "kind", "area_code", "legacy_code", "geometry"]].sort_values("key", ignore_index=True),
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
    )
    return fabric, {key: int(i) for i, key in key_of.items()}


def _base_near(connection: Connection, blocks: gpd.GeoDataFrame, srid: int) -> BaseData:
    def layer(kind: str) -> gpd.GeoDataFrame:
        near = blocks["id"].tolist()
        rows = base_store.read_live(connection, kind, near_blocks=near)
        if kind == "streets":
            rows = cut_store.among_streets(connection, rows, near_blocks=near)
        return project(rows.rename_geometry("geometry"), srid)

    # Areas are large and their borders long: only what lies at the blocks is worked with.
    zone = shapely.union_all(shapely.buffer(shapely.box(*blocks.bounds.to_numpy().T), _BESIDE_M, join_style="mitre"))
    areas = layer("areas")
    areas = areas.set_geometry(shapely.intersection(areas.geometry.to_numpy(), zone)).set_crs(srid)
    return BaseData(
        buildings=layer("buildings"),
        streets=layer("streets"),
        water=layer("water"),
        areas=making.hard_areas(areas),
    )


def _grids_now(connection: Connection, fabric: CellFabric, ids: Mapping[str, int]) -> gpd.GeoDataFrame | None:
    """Return the land of grids as it is in every edition and draft that goes on; its borders stay where blocks are cut.

    These and not the imported polygons: where planners moved a border, the old line must not come back, and a line
    that they drew must not go.
    """
    grid = settling.grids_that_go_on(connection, np.array([ids[k] for k in fabric.cells["key"]], dtype=np.int64))
    number, code = pd.factorize(pd.Series(grid, dtype=object))
    if not len(code):
        return None
    land = partition.dissolve(fabric.cells.geometry.to_numpy(), number.astype(np.int64), len(code))
    return gpd.GeoDataFrame({"code": code.to_numpy(dtype=object)}, geometry=land, crs=fabric.cells.crs)


def _with_imported_codes(made: CellChange, before: CellFabric) -> CellChange:
    """Give new cells and blocks the imported codes of the land that they were."""
    known = before.cells.set_index("key")["legacy_code"].dropna().to_dict()
    code = suggest_grids(made, known)["grid"].astype(object)
    code = code.where(code.notna(), None)
    grid = made.added["legacy_code"]
    of_grid = dict(zip(grid, code, strict=True))
    blocks = made.blocks_added
    of_block = pd.Series([of_grid.get(g) for g in blocks["legacy_code"]], index=blocks.index, dtype=object)
    return replace(
        made,
        added=made.added.assign(legacy_code=code.set_axis(made.added.index)),
        blocks_added=blocks.assign(legacy_code=of_block),
    )


def _write(
    connection: Connection,
    made: CellChange,
    before: CellFabric,
    live: dict[str, int],
    blocks: gpd.GeoDataFrame,
    srid: int,
) -> dict[str, int]:
    """Store what became of the cells (``live``: ids by key before); returns the ids of old and new ones by key."""
    block_id = dict(zip(blocks["key"], blocks["id"], strict=True))
    block_id |= making.add_blocks(connection, made.blocks_added, srid)
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
    gone, new = _changed_edges(before.edges, made.edges_added, set(inside["key"]) | set(made.retired))
    store.remove_edges(connection, gone["a"].map(cell_id).tolist(), gone["b"].map(cell_id).tolist())
    store.add_edges(connection, new.assign(a=new["a"].map(cell_id), b=new["b"].map(cell_id)))
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


def _changed_edges(was: pd.DataFrame, now: pd.DataFrame, cells: set[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the borders of some cells that are no longer as they were, and those that are new or changed."""

    def rows(edges: pd.DataFrame) -> dict[tuple[str, str], tuple[Any, ...]]:
        ends = zip(edges["a"], edges["b"], strict=True)
        rest = zip(*(edges[name].fillna("") for name in _EDGE_FACTS), strict=True)
        return {(min(a, b), max(a, b)): facts for (a, b), facts in zip(ends, rest, strict=True)}

    was = was[was["a"].isin(cells) | was["b"].isin(cells)]
    old, new = rows(was), rows(now)
    gone = [k for k, facts in old.items() if new.get(k) != facts]
    kept = {k for k, facts in old.items() if new.get(k) == facts}
    fresh = [(min(a, b), max(a, b)) not in kept for a, b in zip(now["a"], now["b"], strict=True)]
    return pd.DataFrame(gone, columns=["a", "b"]), now[np.array(fresh, dtype=bool)]


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

    retired = np.array([cell_id[k] for k in made.retired], dtype=np.int64)
    findings = settling.carry_over(connection, srid, heirs=heirs, replaced=retired)
    finding_store.add(connection, "update", findings)
    return len(findings)
