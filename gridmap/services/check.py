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
from gridmap.core.plans.effect import NO_GRID, Grid
from gridmap.core.rules import CheckInputs, CheckSettings
from gridmap.core.stations import StationInputs, station_checks_incomplete
from gridmap.errors import NotReady
from gridmap.model.finding import Finding
from gridmap.model.naming import unknown_name
from gridmap.model.text import Text
from gridmap.services import settling
from gridmap.services.checking import WALKING_RULES, check_walking
from gridmap.services.walking import Walker
from gridmap.store import base as base_store
from gridmap.store import editions as edition_store
from gridmap.store import findings as finding_store
from gridmap.store import plans as plan_store
from gridmap.store.database import Place, engine_of
from gridmap.store.jurisdiction import jurisdiction
from gridmap.store.plans import PlanRow

_INCOMPLETE = "station_checks_incomplete"

#: Titles of everything that a finding can be called by: what a check can be asked for.
NAMES: dict[str, Text] = {
    **{rule.name: rule.title for rule in rules.RULES.values()},
    **WALKING_RULES,
    **rules.KEPT,
    _INCOMPLETE: Text("站点“八有”未达标", "stations that lack some of the eight checks"),
}
_PLAN_RULES = ("coverage", "building_without_grid", "grid_pieces", "household_band", "codes")


def check(place: Place, *, names: tuple[str, ...] | None = None) -> list[Finding]:
    """Run the rules (all, or those named) over the edition in force, every open draft, and the walking network.

    A finding of a draft that the edition has too is listed once. Findings that the making of cells and figures left
    behind come last. What stations lack of the eight checks is only listed when it is named.

    Raises
    ------
    NotReady
        Nothing was imported yet.
    InputError
        There is no rule of that name.
    """
    wanted = frozenset(NAMES if names is None else names)
    for name in sorted(wanted - NAMES.keys()):
        raise unknown_name(Text("规则", "rule"), name, NAMES)
    found = _check_grids(place, tuple(name for name in rules.RULES if name in wanted), wanted)
    walking = tuple(name for name in WALKING_RULES if name in wanted)
    if walking:
        town = Walker(place).town()
        with engine_of(place).connect() as connection:
            found += check_walking(connection, town, walking)
    if names is not None and _INCOMPLETE in wanted:
        found += _incomplete(place)
    return found


def _incomplete(place: Place) -> list[Finding]:
    with engine_of(place).connect() as connection:
        stations = base_store.read_live(connection, "stations")
        metric = jurisdiction(connection).metric_srid
    if stations.empty or metric is None:
        return []
    return list(station_checks_incomplete(StationInputs(stations.rename_geometry("geometry"), metric)))


def _check_grids(place: Place, names: tuple[str, ...], wanted: frozenset[str]) -> list[Finding]:
    """Run the rules of these names over grids and drafts, and add the kept findings that are wanted."""
    with engine_of(place).connect() as connection:
        known = jurisdiction(connection)
        if known.metric_srid is None:
            raise NotReady("还没有数据可检查。请先导入。", "There are no data to check yet. Import some first.")
        kept = finding_store.kept(connection)
        if not names:
            return _once([], kept, wanted)
        base = _base_inputs(connection, kept)
        edition_id = edition_store.edition_at(connection, None)
        if edition_id is None:
            return _once(rules.check(base, names), kept, wanted)
        state, cells, srid = settling.load_state(connection)
        uids = settling.uids_by_cell(connection, edition_id, state)
        grids = edition_store.edition_grids(connection, edition_id, leaf=True)
        code_of = dict(zip(grids["uid"], grids["code"], strict=True))
        codes = np.array([code_of.get(uid) for uid in uids], dtype=object)
        found = rules.check(_with_grids(base, cells, codes, grids), names)
        for plan in plan_store.listed(connection):
            if plan.state == "draft":
                found += _check_plan(connection, plan, base, state, cells, srid, names)
        return _once(found, kept, wanted)


def _once(found: list[Finding], kept: list[Finding], wanted: frozenset[str]) -> list[Finding]:
    # what the making of cells found about official lines is told by the rule of its own, unless that is not asked for
    told_twice = rules.CUT_FINDING if "footprint_cut_by_official_line" in wanted else None
    seen: set[tuple[str, str]] = set()
    out: list[Finding] = []
    for finding in [*found, *(f for f in kept if f.rule in wanted and f.rule != told_twice)]:
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
    plan: PlanRow,
    base: CheckInputs,
    state: CellState,
    cells: gpd.GeoDataFrame,
    srid: int,
    names: tuple[str, ...],
) -> list[Finding]:
    wanted = tuple(n for n in _PLAN_RULES if n in names)
    if not wanted:
        return []
    keys = np.maximum(settling.uids_by_cell(connection, plan.base_edition, state), NO_GRID)
    differs = plan_store.differences(connection, plan.id)
    rows = state.rows_of(differs["cell_id"].to_numpy(dtype=np.int64))
    keys[rows[rows >= 0]] = differs["key"].to_numpy(dtype=np.int64)[rows >= 0]
    leaves = _plan_leaves([grid for grid in plan_store.grids_now(connection, plan.id)[0] if grid.leaf])
    member = pd.Index(leaves["uid"]).get_indexer(pd.Index(keys)).astype(np.int64)
    derived = derive(state, member, leaves, leaves.iloc[:0]).set_crs(srid).to_crs(4326)
    codes = np.array([*leaves["code"], None], dtype=object)[member]
    return rules.check(_with_grids(base, cells, codes, derived), wanted)


def _plan_leaves(grids: list[Grid]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "uid": [g.key for g in grids],
            "code": [g.code for g in grids],
            "name": [g.name for g in grids],
            "level": [g.level for g in grids],
            "grid_kind": [g.kind for g in grids],
            "parent_uid": pd.array([pd.NA] * len(grids), dtype="Int64"),
            "community_code": [g.community for g in grids],
        }
    )
