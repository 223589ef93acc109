"""Editions and drafts after cells changed: made from imported grid sets, or carried over to the new cells."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from sqlalchemy import Connection

from gridmap.core import gridsets, partition
from gridmap.core.crs import project, transform_xy
from gridmap.core.grids import CellState, derive, figures_of_cells, flows
from gridmap.errors import Conflict
from gridmap.model.finding import Finding
from gridmap.model.progress import Progress
from gridmap.model.text import Text
from gridmap.services import activation, drafts
from gridmap.store import areas as area_store
from gridmap.store import base as base_store
from gridmap.store import cells as cell_store
from gridmap.store import editions as store
from gridmap.store import findings as finding_store
from gridmap.store import plans as plan_store
from gridmap.store.jurisdiction import jurisdiction as read_jurisdiction

Ids = NDArray[np.int64]

FIRST_EDITION = "社区网格(起点)"
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
_DOUBTFUL_BELOW = 0.8
_WHOLE_FROM = 0.95
Heirs = Callable[[Mapping[int, int]], pd.DataFrame]

_GRID_FIELDS = ["uid", "code", "name", "level", "grid_kind", "parent_uid", "community_code"]


def load_state(connection: Connection, *, ids: Ids | None = None) -> tuple[CellState, gpd.GeoDataFrame, int]:
    """Return live cells (all, or those of some ids) as arrays and as a frame (EPSG:4326), and the metric EPSG code."""
    srid = read_jurisdiction(connection).metric_srid
    assert srid is not None  # noqa: S101 (there are cells, so there were data)
    cells = cell_store.live_cells(connection, ids=ids)
    edges = cell_store.live_edges(connection, between=ids)
    attachments = cell_store.live_attachments(connection, of_cells=ids)
    buildings = base_store.building_figures(
        connection,
        None if ids is None else [*cells["building_id"].dropna().tolist(), *attachments["building_id"].tolist()],
    )
    row = pd.Index(cells["id"])
    state = CellState(
        ids=cells["id"].to_numpy(),
        geometry=project(cells, srid).geometry.to_numpy(),
        area_m2=cells["area_m2"].to_numpy(),
        edge_a=row.get_indexer(pd.Index(edges["a"])).astype(np.int64),
        edge_b=row.get_indexer(pd.Index(edges["b"])).astype(np.int64),
        edge_length_m=edges["length_m"].to_numpy(dtype=float),
        figures=figures_of_cells(pd.DataFrame(cells), attachments, buildings),
    )
    return state, cells, srid


def settle_after_cells(connection: Connection, *, who: str, progress: Progress) -> dict[str, Any]:
    """Bring editions and drafts along after cells changed, and make those that imported grid sets wait to become."""
    state, cells, srid = load_state(connection)
    told: dict[str, Any] = {}
    doubtful = carry_over(connection, srid)
    if doubtful:
        finding_store.replace(connection, "update", doubtful)
        told["doubtful"] = len(doubtful)
    sets = store.grid_sets(connection)
    made: list[str] = []
    for position in range(len(sets)):
        entry = sets.iloc[position]
        if entry["used"]:
            continue
        progress(position / len(sets), Text(f"生成 {entry['name']}", f"Making {entry['name']}"))
        codes = gridsets.codes_in_set(list(cells["legacy_code"]), position)
        if entry["purpose"] == "edition":
            _edition_from_set(connection, state, codes, entry, who=who, srid=srid)
        else:
            _plan_from_set(connection, state, codes, entry, who=who)
        made.append(str(entry["name"]))
    if not made and not store.editions(connection):
        made = _first_edition(connection, state, cells, who=who, srid=srid)
    if made:
        activation.follow(connection, who=who)
    told["made"] = made
    return told


def _first_edition(
    connection: Connection, state: CellState, cells: gpd.GeoDataFrame, *, who: str, srid: int
) -> list[str]:
    """Where no grids are known, every community is one grid: something to answer with, and to split from there.

    It is dated long ago, so that any edition that is imported later comes after it.
    """
    communities = area_store.communities(connection)
    codes = cells["area_code"].to_numpy(dtype=object)
    present = communities[communities["code"].isin(codes)].sort_values("code", ignore_index=True)
    if present.empty:
        return []
    edition_id = store.add_edition(connection, name=FIRST_EDITION, effective_from=_LONG_AGO, made_by=who, set_id=None)
    rows = pd.DataFrame(
        {
            "code": present["code"],
            "name": present["name"],
            "level": 1,
            "grid_kind": [kind or "urban" for kind in present["area_kind"]],
            "parent_code": None,
            "community_code": present["code"],
        }
    )
    leaves = _with_uids(connection, rows, pd.Series(dtype="int64"))
    member = pd.Index(leaves["code"]).get_indexer(pd.Index(codes)).astype(np.int64)
    assigned = member >= 0
    store.write_assignment(connection, edition_id, state.ids[assigned], leaves["uid"].to_numpy()[member[assigned]])
    _write_derived(
        connection, edition_id, state, member=member, leaves=leaves, uppers=leaves.iloc[:0], colours={}, srid=srid
    )
    return [FIRST_EDITION]


# -- making ----------------------------------------------------------------------------------------------------------


def _edition_from_set(
    connection: Connection, state: CellState, codes: NDArray[np.object_], entry: Any, *, who: str, srid: int
) -> None:
    before = store.editions(connection)
    moment: datetime = entry["effective_from"]
    if before and moment <= before[-1].effective_from:
        raise Conflict(
            f"版本“{entry['name']}”的生效日期不晚于已有版本“{before[-1].name}”。请改用更晚的日期导入。",
            f"The edition '{entry['name']}' does not come after '{before[-1].name}', which is there already. "
            "Import it with a later date.",
        )
    edition_id = store.add_edition(
        connection, name=entry["name"], effective_from=moment, made_by=who, set_id=int(entry["id"])
    )
    rows = pd.DataFrame(store.grid_set_rows(connection, int(entry["id"]))).drop(columns="geom")
    known = (
        store.edition_grids(connection, before[-1].id).set_index("code")["uid"] if before else pd.Series(dtype="int64")
    )
    grids = _with_uids(connection, rows, known)
    leaves = grids[grids["level"] == grids["level"].max()].reset_index(drop=True)
    uppers = grids[grids["level"] < grids["level"].max()].reset_index(drop=True)
    member = pd.Index(leaves["code"]).get_indexer(pd.Index(codes)).astype(np.int64)
    assigned = member >= 0
    store.write_assignment(connection, edition_id, state.ids[assigned], leaves["uid"].to_numpy()[member[assigned]])
    colours = _colours_before(connection, before[-1].id) if before else {}
    _write_derived(
        connection, edition_id, state, member=member, leaves=leaves, uppers=uppers, colours=colours, srid=srid
    )
    if before:
        _write_lineage(connection, edition_id, before[-1].id, state)


def _with_uids(connection: Connection, rows: pd.DataFrame, known: pd.Series[int]) -> pd.DataFrame:
    """Give each grid an identity: that of the grid with the same code in the edition before, else a new one."""
    rows = rows.copy()
    rows["name"] = [n or c for n, c in zip(rows["name"], rows["code"], strict=True)]
    rows["grid_kind"] = [k or "urban" for k in rows["grid_kind"]]
    new = [c for c in rows["code"] if c not in known.index]
    fresh = dict(zip(new, store.add_grids(connection, new), strict=True))
    rows["uid"] = [int(known[c]) if c in known.index else int(fresh[c]) for c in rows["code"]]
    by_code = dict(zip(rows["code"], rows["uid"], strict=True))
    rows["parent_uid"] = pd.array([by_code.get(p) for p in rows["parent_code"]], dtype="Int64")
    return rows[_GRID_FIELDS]


def _colours_before(connection: Connection, edition_id: int) -> dict[int, int]:
    grids = store.edition_grids(connection, edition_id)
    return dict(zip(grids["uid"], grids["colour"], strict=True))


def _write_derived(
    connection: Connection,
    edition_id: int,
    state: CellState,
    *,
    member: Ids,
    leaves: pd.DataFrame,
    uppers: pd.DataFrame,
    colours: dict[int, int],
    srid: int,
    parents: pd.Series[int] | None = None,
) -> None:
    """Work out grids and store them; ``parents`` (in the order of ``leaves``) where their grids are not at hand."""
    derived = derive(state, member, leaves, uppers, given_colours=colours)
    if parents is not None:
        parent_of = dict(zip(leaves["uid"], parents, strict=True))
        derived["parent_uid"] = pd.array([parent_of[uid] for uid in derived["uid"]], dtype="Int64")
        derived["colour"] = [colours[uid] for uid in derived["uid"]]
    lonlat = transform_xy(derived[["label_x", "label_y"]].to_numpy(), srid, 4326)
    derived = derived.set_crs(srid).to_crs(4326)
    derived["label_lon"], derived["label_lat"] = lonlat[:, 0].round(7), lonlat[:, 1].round(7)
    store.write_edition_grids(connection, edition_id, derived)


def _write_lineage(connection: Connection, edition_id: int, before: int, state: CellState) -> None:
    old, new = (uids_by_cell(connection, edition, state) for edition in (before, edition_id))
    store.write_grid_lineage(
        connection, edition_id, flows(old, new, state.figures["households"].to_numpy(dtype=np.int64))
    )


def uids_by_cell(connection: Connection, edition_id: int, state: CellState) -> Ids:
    """Return the leaf grid of each live cell in an edition; −1 for none."""
    assigned = store.assignment_in(connection, edition_id)
    out = np.full(len(state.ids), -1, dtype=np.int64)
    rows = state.rows_of(assigned["cell_id"].to_numpy(dtype=np.int64))
    out[rows[rows >= 0]] = assigned["uid"].to_numpy(dtype=np.int64)[rows >= 0]
    return out


def _plan_from_set(
    connection: Connection, state: CellState, codes: NDArray[np.object_], entry: Any, *, who: str
) -> None:
    editions = store.editions(connection)
    if not editions:
        raise Conflict(
            f"调整方案“{entry['name']}”需要先有一个版本。请先导入现行网格(--edition)。",
            f"The draft '{entry['name']}' needs an edition to start from. Import the present grids first (--edition).",
        )
    base = editions[-1].id
    drafts.from_polygons(
        connection,
        title=entry["name"],
        base_edition=base,
        owner=who,
        set_id=int(entry["id"]),
        cells=state.ids,
        present=uids_by_cell(connection, base, state),
        codes=codes,
        rows=pd.DataFrame(store.grid_set_rows(connection, int(entry["id"]))).drop(columns="geom"),
    )


def add_edition(
    connection: Connection,
    state: CellState,
    srid: int,
    *,
    name: str,
    effective_from: datetime,
    who: str,
    before: int,
    member: Ids,
    leaves: pd.DataFrame,
    uppers: pd.DataFrame,
) -> int:
    """Make the next edition from grids and the row in ``leaves`` of every cell's grid (−1: none); returns its id.

    ``leaves`` and ``uppers`` have uid, code, name, level, grid_kind, parent_uid, community_code. Grids without land
    are left out, colours stay where neighbours differ, and the lineage from the edition ``before`` is written.
    """
    edition_id = store.add_edition(connection, name=name, effective_from=effective_from, made_by=who, set_id=None)
    assigned = member >= 0
    store.write_assignment(connection, edition_id, state.ids[assigned], leaves["uid"].to_numpy()[member[assigned]])
    colours = _colours_before(connection, before)
    _write_derived(
        connection, edition_id, state, member=member, leaves=leaves, uppers=uppers, colours=colours, srid=srid
    )
    _write_lineage(connection, edition_id, before, state)
    return edition_id


# -- carrying over ---------------------------------------------------------------------------------------------------


def grids_that_go_on(connection: Connection, cells: Ids) -> NDArray[np.object_]:
    """Name for each cell its grids in the edition in force, in later ones and in open drafts; None: it has none.

    Two cells have the same name where no border divides them in any of these.
    """
    uids = {e: _series(store.assignment_in(connection, e, of_cells=cells), "uid") for e in _going_on(connection)}
    members = list(uids.values())
    for plan in (p for p in plan_store.listed(connection) if p.state in plan_store.OPEN):
        drafted = _series(plan_store.differences(connection, plan.id, of_cells=cells.tolist()), "key")
        if drafted.empty:
            continue
        if plan.base_edition not in uids:
            started = _series(store.assignment_in(connection, plan.base_edition, of_cells=cells), "uid")
            drafted = drafted.combine_first(started)
        members.append(drafted)
    table = pd.DataFrame({i: m.reindex(cells) for i, m in enumerate(members)}, index=pd.Index(cells))
    names = np.full(len(cells), None, dtype=object)
    some = table.notna().any(axis=1).to_numpy()
    names[some] = ["|".join(row) for row in table[some].astype("Int64").astype("string").fillna("").to_numpy()]
    return names


def _series(rows: pd.DataFrame, column: str) -> pd.Series[int]:
    return pd.Series(rows[column].to_numpy(dtype=np.int64), index=rows["cell_id"].to_numpy(dtype=np.int64))


def _going_on(connection: Connection) -> list[int]:
    """Return the edition in force and those that follow; all, while none is in force yet."""
    in_force = store.edition_at(connection, None)
    return [e.id for e in store.editions(connection) if in_force is None or e.id >= in_force]


def carry_over(
    connection: Connection, srid: int, *, heirs: Heirs | None = None, replaced: Ids | None = None
) -> list[Finding]:
    """Bring the edition in force, later ones and open drafts along after cells were replaced.

    A new cell goes to the grid of its land; where no grid had nearly all of it, a finding says so. Past editions
    stay as they are. ``heirs`` says for replaced cells and their grids which new cells take their place; by default
    that follows from the recorded lineage. ``replaced``: the replaced cells, if no others are left to carry over.
    """
    going_on = _going_on(connection)
    if not going_on:
        return []
    if heirs is None:
        descent = _descent(connection, going_on)

        def heirs(uid_of: Mapping[int, int]) -> pd.DataFrame:
            return _by_land(descent, uid_of)

    plans = drafts.before_change(connection, replaced)
    findings: list[Finding] = []
    moves: list[tuple[int, Ids, pd.DataFrame]] = []
    for edition_id in going_on:
        assigned = store.assignment_in(connection, edition_id, of_cells=replaced)
        retired = assigned[~assigned["live"].astype(bool)]
        if retired.empty:
            continue
        chosen = heirs(dict(zip(retired["cell_id"].tolist(), retired["uid"].tolist(), strict=True)))
        held = store.assignment_in(connection, edition_id, of_cells=chosen["new_id"].to_numpy(dtype=np.int64))
        chosen = chosen[~chosen["new_id"].isin(held["cell_id"])]
        moves.append((edition_id, retired["cell_id"].to_numpy(dtype=np.int64), chosen))
        astride = _astride(connection, chosen, edition_id)
        findings += _doubts(connection, chosen[chosen["doubtful"] | astride], edition_id)
    for position, (edition_id, retired_ids, chosen) in enumerate(moves):
        touched = set(chosen["uid"].tolist()) | _uids_of(connection, edition_id, retired_ids)
        store.replace_assigned_cells(
            connection,
            edition_id,
            retired=retired_ids,
            added=chosen["new_id"].to_numpy(dtype=np.int64),
            uids=chosen["uid"].to_numpy(dtype=np.int64),
            until=moves[position + 1][0] if position + 1 < len(moves) else None,
        )
        rederive(connection, edition_id, srid, touched=touched)
    drafts.carry(connection, plans, heirs)
    return findings


def _descent(connection: Connection, edition_ids: list[int]) -> pd.DataFrame:
    """Return what of replaced cells that editions or drafts still name became part of live ones.

    Columns old_id, new_id, area_m2 (common land), whole_m2 (the new cell's), through all generations.
    """
    rows = connection.exec_driver_sql(
        """
        WITH RECURSIVE asked AS (
            SELECT c.id FROM gridmap.cell c
            WHERE c.retired_at IS NOT NULL AND (
                EXISTS (SELECT 1 FROM gridmap.assignment a WHERE a.cell_id = c.id
                        AND (a.to_edition IS NULL OR a.to_edition > ANY(%(e)s)))
                OR EXISTS (SELECT 1 FROM gridmap.plan_assignment p WHERE p.cell_id = c.id))
        ), down AS (
            SELECT l.old_id AS ancestor, l.new_id AS id, l.share
            FROM gridmap.cell_lineage l WHERE l.old_id IN (SELECT id FROM asked)
            UNION ALL
            SELECT d.ancestor, l.new_id, d.share * l.share
            FROM down d JOIN gridmap.cell_lineage l ON l.old_id = d.id
        )
        SELECT d.ancestor, d.id, sum(d.share * o.area_m2), max(c.area_m2)
        FROM down d
        JOIN gridmap.cell c ON c.id = d.id AND c.retired_at IS NULL
        JOIN gridmap.cell o ON o.id = d.ancestor
        GROUP BY d.ancestor, d.id
        """,
        {"e": edition_ids},
    ).fetchall()
    return pd.DataFrame(
        {
            "old_id": np.array([r[0] for r in rows], dtype=np.int64),
            "new_id": np.array([r[1] for r in rows], dtype=np.int64),
            "area_m2": np.array([r[2] for r in rows], dtype=float),
            "whole_m2": np.array([r[3] for r in rows], dtype=float),
        }
    )


def _by_land(descent: pd.DataFrame, uid_of: Mapping[int, int]) -> pd.DataFrame:
    """Return new_id, uid, doubtful: for each live cell the grid from which most of its land came."""
    related = descent[descent["old_id"].isin(uid_of)].copy()
    related["uid"] = related["old_id"].map(uid_of)
    summed = related.groupby(["new_id", "uid"], as_index=False).agg(
        area_m2=("area_m2", "sum"), whole_m2=("whole_m2", "max")
    )
    best = summed.sort_values(["new_id", "area_m2", "uid"], ascending=[True, False, True]).drop_duplicates("new_id")
    best["doubtful"] = best["area_m2"] < _DOUBTFUL_BELOW * best["whole_m2"]
    return best


def _astride(connection: Connection, chosen: pd.DataFrame, edition_id: int) -> NDArray[np.bool_]:
    """Tell of which new cells the building stands across a border of the edition as it was."""
    rows = connection.exec_driver_sql(
        "SELECT n.cell FROM unnest(%(c)s::bigint[], %(u)s::bigint[]) AS n(cell, uid) "
        "JOIN gridmap.cell c ON c.id = n.cell JOIN gridmap.building b ON b.id = c.building_id "
        "JOIN gridmap.edition_grid g ON g.uid = n.uid AND g.edition_id = %(e)s "
        "WHERE NOT ST_Within(b.geom, g.geom) AND ST_Area(ST_Intersection(b.geom, g.geom)) < %(s)s * ST_Area(b.geom)",
        {
            "c": [int(i) for i in chosen["new_id"]],
            "u": [int(u) for u in chosen["uid"]],
            "e": edition_id,
            "s": _WHOLE_FROM,
        },
    )
    found = {int(row[0]) for row in rows}
    return chosen["new_id"].isin(found).to_numpy(dtype=bool)


def _doubts(connection: Connection, doubtful: pd.DataFrame, edition_id: int) -> list[Finding]:
    if doubtful.empty:
        return []
    rows = connection.exec_driver_sql(
        "SELECT c.id, g.code, g.name, ST_X(c.point), ST_Y(c.point) "
        "FROM unnest(%(c)s::bigint[], %(u)s::bigint[]) AS n(cell, uid) JOIN gridmap.cell c ON c.id = n.cell "
        "JOIN gridmap.edition_grid g ON g.uid = n.uid AND g.edition_id = %(e)s ORDER BY c.id",
        {"c": [int(i) for i in doubtful["new_id"]], "u": [int(u) for u in doubtful["uid"]], "e": edition_id},
    ).fetchall()
    return [
        Finding(
            "new_cell_between_grids",
            "warning",
            f"cell:{cell}",
            Text(
                f"新单元 {cell} 的土地来自几个网格,暂归 {name}({code})。",
                f"The land of the new cell {cell} came from several grids; it is in {name} ({code}) for now.",
            ),
            Text("请在调整方案中确认归属。", "Settle it in a plan."),
            lon,
            lat,
        )
        for cell, code, name, lon, lat in rows
    ]


def _uids_of(connection: Connection, edition_id: int, cell_ids: Ids) -> set[int]:
    rows = connection.exec_driver_sql(
        "SELECT DISTINCT uid FROM gridmap.assignment WHERE cell_id = ANY(%(c)s) AND from_edition <= %(e)s",
        {"c": cell_ids.tolist(), "e": edition_id},
    )
    return {int(row[0]) for row in rows}


def rederive(connection: Connection, edition_id: int, srid: int, *, touched: set[int]) -> None:
    """Work out some leaf grids of an edition that goes on anew from their cells, and the grids above them."""
    grids = store.edition_grids(connection, edition_id, leaf=True, uids=touched)
    leaves = pd.DataFrame(grids)[_GRID_FIELDS].reset_index(drop=True)
    held = store.cells_of_grids(connection, edition_id, leaves["uid"].tolist())
    ids = cell_store.with_cells_of_same_building(connection, held["cell_id"].to_numpy(dtype=np.int64))
    state, _, _ = load_state(connection, ids=ids)
    uid_of = dict(zip(held["cell_id"], held["uid"], strict=True))
    member = pd.Index(leaves["uid"]).get_indexer(pd.Index([uid_of.get(int(i), -1) for i in state.ids])).astype(np.int64)
    colours = dict(zip(grids["uid"], grids["colour"], strict=True))
    _write_derived(
        connection, edition_id, state,
        member=member, leaves=leaves.assign(parent_uid=pd.array([pd.NA] * len(leaves), dtype="Int64")),
        uppers=leaves.iloc[:0], colours=colours, srid=srid, parents=leaves["parent_uid"],
    )  # fmt: skip
    now = store.edition_grids(connection, edition_id, leaf=True, uids=touched)
    _sum_up(connection, edition_id, srid, now, _reshaped(grids, now))


def _reshaped(before: gpd.GeoDataFrame, now: gpd.GeoDataFrame) -> set[int]:
    """Return the uids of grids whose land is not to the vertex what it was."""
    was = before.set_index("uid").geometry.reindex(now["uid"]).to_numpy()
    same = shapely.equals_exact(was, now.geometry.to_numpy(), 0.0)
    return set(now["uid"][~same])


def _sum_up(connection: Connection, edition_id: int, srid: int, changed: gpd.GeoDataFrame, reshaped: set[int]) -> None:
    """Work out the grids above changed ones, level by level; polygons only where land is not as it was."""
    while len(parents := set(changed["parent_uid"].dropna().astype("int64"))):
        above = pd.DataFrame(store.edition_grids(connection, edition_id, uids=parents, shapes=False))
        below = pd.DataFrame(store.edition_grids(connection, edition_id, below=parents, shapes=False))
        member = pd.Index(above["uid"]).get_indexer(pd.Index(below["parent_uid"].astype("int64"))).astype(np.int64)
        for name in ("households", "households_estimated", "people", "buildings"):
            summed = partition.totals(below[name].to_numpy(dtype=float), member, len(above))
            above[name] = np.rint(summed).astype(np.int64)
        store.write_edition_figures(connection, edition_id, above)
        moved = set(below.loc[below["uid"].isin(reshaped), "parent_uid"].astype("int64"))
        changed, reshaped = above, _joined_anew(connection, edition_id, srid, moved) if moved else set()


def _joined_anew(connection: Connection, edition_id: int, srid: int, uids: set[int]) -> set[int]:
    """Join the land of grids above others anew; returns which of them changed to the vertex."""
    above = store.edition_grids(connection, edition_id, uids=uids)
    below = store.edition_grids(connection, edition_id, below=uids)
    member = pd.Index(above["uid"]).get_indexer(pd.Index(below["parent_uid"].astype("int64"))).astype(np.int64)
    polygons = partition.dissolve(project(below, srid).geometry.to_numpy(), member, len(above))
    anew = above.assign(area_m2=shapely.area(polygons), pieces=shapely.get_num_geometries(polygons))
    anew = anew.set_geometry(gpd.GeoSeries(polygons, index=anew.index, crs=srid).to_crs(4326))
    store.write_edition_grids(connection, edition_id, anew)
    return _reshaped(above, store.edition_grids(connection, edition_id, uids=uids))


def refresh_totals(connection: Connection) -> None:
    """Work out households and people of the edition in force and later ones again, after figures changed."""
    going_on = _going_on(connection)
    if not going_on:
        return
    state, _, srid = load_state(connection)
    for edition_id in going_on:
        grids = store.edition_grids(connection, edition_id)
        leaves = pd.DataFrame(grids[grids["leaf"]])[_GRID_FIELDS].reset_index(drop=True)
        uppers = pd.DataFrame(grids[~grids["leaf"]])[_GRID_FIELDS].reset_index(drop=True)
        uids = uids_by_cell(connection, edition_id, state)
        member = pd.Index(leaves["uid"]).get_indexer(pd.Index(uids)).astype(np.int64)
        colours = dict(zip(grids["uid"], grids["colour"], strict=True))
        _write_derived(
            connection, edition_id, state, member=member, leaves=leaves, uppers=uppers, colours=colours, srid=srid
        )
