"""Plans in memory: the land that all plans of a database share, and a plan at a revision, as they are loaded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from sqlalchemy import Connection

from gridmap.core.crs import LONLAT_EPSG, transform_xy
from gridmap.core.plans.context import Context, Targets
from gridmap.core.plans.crosswalk import Layout
from gridmap.core.plans.effect import NO_GRID
from gridmap.core.plans.fabric import Fabric
from gridmap.core.plans.history import Entry
from gridmap.core.plans.state import PlanState
from gridmap.errors import NotReady
from gridmap.services import settling
from gridmap.services.editions import HOUSEHOLD_TARGET, HOUSEHOLD_TOLERANCE
from gridmap.store import areas as area_store
from gridmap.store import cells as cell_store
from gridmap.store import editions as edition_store
from gridmap.store import plans as store
from gridmap.store.jurisdiction import jurisdiction
from gridmap.store.plans import PlanRow

__all__ = ["Land", "Session", "layout_of_edition", "load_land", "load_session"]

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Land:
    """What all plans of a database share, at one data version."""

    version: tuple[int, int]
    srid: int
    fabric: Fabric
    context: Context


@dataclass(frozen=True, slots=True)
class Session:
    """A plan in memory at a revision, with its log."""

    land: Land
    row: PlanRow
    state: PlanState
    entries: tuple[Entry, ...]


def load_land(connection: Connection, version: tuple[int, int]) -> Land:
    """Return the live cells with all that operations need.

    Raises
    ------
    NotReady
        There are no cells yet.
    InputError
        The size of grids is set wrongly.
    """
    here = jurisdiction(connection)
    if here.metric_srid is None:
        raise NotReady(
            "还没有基本单元。请导入数据并运行 gridmap cells --commit。",
            "There are no cells yet. Import data and run gridmap cells --commit.",
        )
    state, cells, srid = settling.load_state(connection)
    known = here.settings
    targets = Targets(
        households=int(known.get("household_target", HOUSEHOLD_TARGET)),
        tolerance=float(known.get("household_tolerance", HOUSEHOLD_TOLERANCE)),
        people=int(known.get("people_target", Targets().people)),
    )
    facts = store.building_facts(connection)
    building = cells["building_id"].fillna(-1).astype("int64").to_numpy()
    at = pd.Index(facts["id"]).get_indexer(pd.Index(building))
    estate = np.array([*facts["estate"], None], dtype=object)[at]
    source = np.array([*facts["source_id"], None], dtype=object)[at]
    edges = cell_store.live_edges(connection)
    row = pd.Index(cells["id"])
    points = transform_xy(shapely.get_coordinates(cells["point"].to_numpy()), LONLAT_EPSG, srid)
    fabric = Fabric.build(
        ids=state.ids.astype(np.int64),
        geometry=np.asarray(state.geometry, dtype=object),
        xy=points,
        block=cells["block_id"].to_numpy(dtype=np.int64),
        building=building,
        source=list(source),
        part=cells["part"].to_numpy(dtype=np.int64),
        estate=[None if pd.isna(e) else str(e) for e in estate],
        community=[None if pd.isna(c) else str(c) for c in cells["area_code"]],
        figures={name: state.figures[name].to_numpy() for name in ("households", "people", "buildings")},
        edges=(
            row.get_indexer(pd.Index(edges["a"])).astype(np.int64),
            row.get_indexer(pd.Index(edges["b"])).astype(np.int64),
            edges["length_m"].to_numpy(dtype=np.float64),
            list(edges["street_class"]),
        ),
        cells_of_building=_cells_of_building(connection, facts, building, row),
        divisible_from=targets.most,
    )
    communities = area_store.communities(connection)
    context = Context(
        to_metric=lambda lonlat: transform_xy(lonlat, LONLAT_EPSG, srid),
        targets=targets,
        used_codes=store.used_codes(connection),
        communities=dict(zip(communities["code"], communities["area_kind"], strict=True)),
    )
    return Land(version, srid, fabric, context)


def _cells_of_building(
    connection: Connection, facts: pd.DataFrame, building: Ints, row: pd.Index[Any]
) -> dict[str, Ints]:
    """Return the cells (row numbers) of every building; one without a cell of its own has that it is attached to."""
    source = dict(zip(facts["id"], facts["source_id"], strict=True))
    found: dict[str, list[int]] = {}
    for k, number in enumerate(building.tolist()):
        if number >= 0:
            found.setdefault(source[number], []).append(k)
    hung = cell_store.live_attachments(connection)
    for number, cell in zip(hung["building_id"], row.get_indexer(pd.Index(hung["cell_id"])), strict=True):
        if number in source and source[number] not in found:
            found[source[number]] = [int(cell)]
    return {name: np.array(rows, dtype=np.int64) for name, rows in found.items()}


def load_session(connection: Connection, land: Land, row: PlanRow) -> Session:
    """Return a plan as its row and tables say."""
    assigned = edition_store.assignment_in(connection, row.base_edition)
    base = np.full(len(land.fabric.ids), NO_GRID, dtype=np.int64)
    rows = land.fabric.rows_of(assigned["cell_id"].to_numpy(dtype=np.int64))
    base[rows[rows >= 0]] = assigned["uid"].to_numpy(dtype=np.int64)[rows >= 0]
    keys = base.copy()
    differs = store.differences(connection, row.id)
    rows = land.fabric.rows_of(differs["cell_id"].to_numpy(dtype=np.int64))
    keys[rows[rows >= 0]] = differs["key"].to_numpy(dtype=np.int64)[rows >= 0]
    alive, ended = store.grids_now(connection, row.id)
    state = PlanState.start(land.fabric, alive, keys, base=base, ended=ended)
    return Session(land, row, state, tuple(store.entries(connection, row.id)))


def layout_of_edition(connection: Connection, fabric: Fabric, number: int) -> Layout:
    """Return an edition on the cells of today; past ones answer for newer cells by their polygons."""
    keys = np.full(len(fabric.ids), NO_GRID, dtype=np.int64)
    assigned = edition_store.assignment_in(connection, number)
    later = store.grids_of_cells(connection, number, fabric.ids[~np.isin(fabric.ids, assigned["cell_id"])])
    for frame in (assigned, later):
        rows = fabric.rows_of(frame["cell_id"].to_numpy(dtype=np.int64))
        keys[rows[rows >= 0]] = frame["uid"].to_numpy(dtype=np.int64)[rows >= 0]
    return Layout(keys, {grid.key: grid for grid in store.grids_of_edition(connection, number)})
