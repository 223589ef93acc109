"""``gridmap check``: every rule over the edition in force and the open drafts, as a list of findings."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from sqlalchemy import Connection

from gridmap.core import rules
from gridmap.core.grids import CellState, derive
from gridmap.core.rules import CheckInputs, CheckSettings
from gridmap.errors import NotReady
from gridmap.model.finding import Finding
from gridmap.services import settling
from gridmap.store import base as base_store
from gridmap.store import editions as edition_store
from gridmap.store import findings as finding_store
from gridmap.store.database import Place, engine_of
from gridmap.store.jurisdiction import jurisdiction

_PLAN_RULES = ("coverage", "building_without_grid", "grid_pieces", "household_band", "codes")


def check(place: Place, *, names: tuple[str, ...] | None = None) -> list[Finding]:
    """Run the rules (all, or those named) over the edition in force and every open draft.

    A finding of a draft that the edition has too is listed once. Findings that the making of cells and figures left
    behind come last.

    Raises
    ------
    NotReady
        Nothing was imported yet.
    InputError
        There is no rule of that name.
    """
    with engine_of(place).connect() as connection:
        known = jurisdiction(connection)
        if known.metric_srid is None:
            raise NotReady("还没有数据可检查。请先导入。", "There are no data to check yet. Import some first.")
        kept = finding_store.kept(connection)
        base = _base_inputs(connection, kept)
        edition_id = edition_store.edition_at(connection, None)
        if edition_id is None:
            return _once(rules.check(base, names), kept, names)
        state, cells, srid = settling.load_state(connection)
        uids = settling.uids_by_cell(connection, edition_id, state)
        grids = edition_store.edition_grids(connection, edition_id, leaf=True)
        code_of = dict(zip(grids["uid"], grids["code"], strict=True))
        codes = np.array([code_of.get(uid) for uid in uids], dtype=object)
        found = rules.check(_with_grids(base, cells, codes, grids), names)
        for plan_id in edition_store.open_plans(connection).get("id", []):
            found += _check_plan(connection, int(plan_id), base, state, cells, codes, grids, srid, names)
        return _once(found, kept, names)


def _once(found: list[Finding], kept: list[Finding], names: tuple[str, ...] | None) -> list[Finding]:
    # what the making of cells found about official lines is told by the rule of its own
    kept = [f for f in kept if f.rule != rules.CUT_FINDING]
    seen: set[tuple[str, str]] = set()
    out: list[Finding] = []
    for finding in [*found, *(f for f in kept if names is None or f.rule in names)]:
        if (finding.rule, finding.subject) not in seen:
            seen.add((finding.rule, finding.subject))
            out.append(finding)
    return out


def _base_inputs(connection: Connection, kept: list[Finding]) -> CheckInputs:
    known = jurisdiction(connection)
    assert known.metric_srid is not None  # noqa: S101 (checked by the caller)
    streets = base_store.read_live(connection, "streets")
    areas = base_store.read_live(connection, "areas")
    areas = areas[areas.geom_type.isin(["Polygon", "MultiPolygon"])]
    duties = base_store.read_live(connection, "people")
    settings = known.settings
    return CheckInputs(
        on=datetime.now(ZoneInfo(known.time_zone)).date(),
        metric_epsg=known.metric_srid,
        areas=areas if len(areas) else None,
        streets=streets if len(streets) else None,
        duties=pd.DataFrame(duties) if len(duties) else None,
        buildings=_buildings(connection),
        cell_findings=kept,
        settings=CheckSettings(
            household_target=int(settings.get("household_target", 300)),
            household_tolerance=float(settings.get("household_tolerance", 0.30)),
        ),
    )


def _buildings(connection: Connection) -> gpd.GeoDataFrame:
    live = base_store.read_live(connection, "buildings")[["id", "source_id", "estate", "number", "name", "geom"]]
    frame: gpd.GeoDataFrame = live.rename(columns={"id": "building_id"})
    frame["grid_code"] = None
    return frame


def _with_grids(
    base: CheckInputs, cells: gpd.GeoDataFrame, codes: NDArray[np.object_], grids: gpd.GeoDataFrame
) -> CheckInputs:
    points = cells["point"].to_numpy()
    own = pd.DataFrame({"building_id": cells["building_id"], "grid_code": codes})
    own = own[own["building_id"].notna()].drop_duplicates().astype({"building_id": "int64"})
    assert base.buildings is not None  # noqa: S101 (made above)
    buildings = base.buildings.drop(columns="grid_code").merge(own, on="building_id", how="inner")
    return replace(
        base,
        grids=grids,
        buildings=buildings,
        cells=pd.DataFrame(
            {
                "cell_id": cells["id"],
                "grid_code": codes,
                "building_id": cells["building_id"],
                "community_code": cells["area_code"],
                "area_m2": cells["area_m2"],
                "lon": shapely.get_x(points),
                "lat": shapely.get_y(points),
            }
        ),
    )


def _check_plan(
    connection: Connection,
    plan_id: int,
    base: CheckInputs,
    state: CellState,
    cells: gpd.GeoDataFrame,
    present: NDArray[np.object_],
    grids: gpd.GeoDataFrame,
    srid: int,
    names: tuple[str, ...] | None,
) -> list[Finding]:
    wanted = tuple(n for n in _PLAN_RULES if names is None or n in names)
    if not wanted:
        return []
    differs = edition_store.plan_differences(connection, plan_id)
    codes = present.copy()
    rows = state.rows_of(differs["cell_id"].to_numpy(dtype=np.int64))
    codes[rows[rows >= 0]] = differs["code"].to_numpy(dtype=object)[rows >= 0]
    leaves = _plan_leaves(grids, codes)
    member = pd.Index(leaves["code"]).get_indexer(pd.Index(codes)).astype(np.int64)
    derived = derive(state, member, leaves, leaves.iloc[:0]).set_crs(srid).to_crs(4326)
    return rules.check(_with_grids(base, cells, codes, derived), wanted)


def _plan_leaves(grids: gpd.GeoDataFrame, codes: NDArray[np.object_]) -> pd.DataFrame:
    """Return the leaf grids of a draft: those of its edition, and new ones by their code."""
    leaves = pd.DataFrame(grids)[["uid", "code", "name", "level", "grid_kind", "parent_uid", "community_code"]].copy()
    leaves["parent_uid"] = pd.array([pd.NA] * len(leaves), dtype="Int64")
    new = sorted({c for c in codes if c is not None} - set(leaves["code"]))
    added = pd.DataFrame(
        {
            "uid": [-1 - k for k in range(len(new))],
            "code": new,
            "name": new,
            "level": int(leaves["level"].max()) if len(leaves) else 1,
            "grid_kind": "urban",
            "parent_uid": pd.array([pd.NA] * len(new), dtype="Int64"),
            "community_code": [c[:12] for c in new],
        }
    )
    return pd.concat([leaves, added], ignore_index=True) if new else leaves.reset_index(drop=True)
