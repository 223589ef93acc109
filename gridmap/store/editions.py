"""Editions, their grids and assignments, and imported grid sets in PostGIS."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sqlalchemy import Connection

from gridmap.store import clock
from gridmap.store.base import as_multi
from gridmap.store.copying import copy_rows, read_frame

_GRID_COLUMNS = (
    "uid, code, name, level, leaf, grid_kind, parent_uid, community_code, households, households_estimated, people, "
    "buildings, area_m2, pieces, colour, label_lon, label_lat, label_radius_m"
)


@dataclass(frozen=True, slots=True)
class Edition:
    """One edition; in force from ``effective_from`` until ``effective_to`` (None: no later one is known)."""

    id: int
    name: str
    effective_from: datetime
    effective_to: datetime | None


def editions(connection: Connection) -> list[Edition]:
    """Return all editions in the order in which they come into force."""
    rows = connection.exec_driver_sql(
        "SELECT id, name, effective_from, lead(effective_from) OVER (ORDER BY effective_from) "
        "FROM gridmap.edition ORDER BY effective_from"
    )
    return [Edition(*row) for row in rows]


def edition_at(connection: Connection, at: datetime | None) -> int | None:
    """Return the id of the edition in force at a time (None: now)."""
    found = connection.exec_driver_sql(
        "SELECT gridmap.edition_at(coalesce(%(at)s, now() + %(s)s))", {"at": at, "s": clock.shift()}
    ).scalar_one()
    return None if found is None else int(found)


def add_grid_set(
    connection: Connection,
    *,
    name: str,
    purpose: str,
    effective_from: datetime | None,
    import_id: int,
    table: gpd.GeoDataFrame,
) -> int:
    """Store imported grid polygons (checked kind ``grids``, EPSG:4326) under a name; a set of that name is replaced.

    Only a set that no edition or plan came from yet can be replaced; the caller checks (:func:`grid_set_used`).
    """
    connection.exec_driver_sql("DELETE FROM gridmap.grid_set WHERE name = %(n)s", {"n": name})
    set_id = connection.exec_driver_sql(
        "INSERT INTO gridmap.grid_set (name, purpose, effective_from, import_id) "
        "VALUES (%(n)s, %(p)s, %(f)s, %(i)s) RETURNING id",
        {"n": name, "p": purpose, "f": effective_from, "i": import_id},
    ).scalar_one()
    copy_rows(
        connection,
        "gridmap.grid_set_row",
        {
            "set_id": [set_id] * len(table),
            "code": list(table["code"]),
            "name": list(table["name"]),
            "level": [int(v) for v in table["level"]],
            "grid_kind": list(table["grid_kind"]),
            "parent_code": list(table["parent_code"]),
            "community_code": list(table["community_code"]),
            "geom": as_multi(np.asarray(table.geometry.array, dtype=object)),
        },
    )
    return int(set_id)


def grid_set_used(connection: Connection, name: str) -> bool:
    """Tell whether an edition or a plan came from the set of that name."""
    return bool(
        connection.exec_driver_sql(
            "SELECT EXISTS (SELECT 1 FROM gridmap.grid_set s WHERE s.name = %(n)s AND ("
            "EXISTS (SELECT 1 FROM gridmap.edition e WHERE e.set_id = s.id) OR "
            "EXISTS (SELECT 1 FROM gridmap.plan p WHERE p.set_id = s.id)))",
            {"n": name},
        ).scalar_one()
    )


def grid_sets(connection: Connection) -> pd.DataFrame:
    """Return the imported sets in the order of their dates, plans last: id, name, purpose, effective_from, used."""
    return pd.DataFrame(
        read_frame(
            connection,
            "SELECT s.id, s.name, s.purpose, s.effective_from, "
            "EXISTS (SELECT 1 FROM gridmap.edition e WHERE e.set_id = s.id) "
            "OR EXISTS (SELECT 1 FROM gridmap.plan p WHERE p.set_id = s.id) AS used "
            "FROM gridmap.grid_set s ORDER BY s.purpose = 'plan', s.effective_from, s.id",
        )
    )


def grid_set_rows(connection: Connection, set_id: int) -> gpd.GeoDataFrame:
    """Return the polygons of a set: code, name, level, grid_kind, parent_code, community_code, geom (EPSG:4326)."""
    return read_frame(
        connection,
        "SELECT code, name, level, grid_kind, parent_code, community_code, ST_AsBinary(geom) AS geom "
        "FROM gridmap.grid_set_row WHERE set_id = %(s)s ORDER BY level, code",
        {"s": set_id},
    )


def add_edition(
    connection: Connection, *, name: str, effective_from: datetime, made_by: str, set_id: int | None
) -> int:
    """Add the next edition; returns its id."""
    number = connection.exec_driver_sql("SELECT coalesce(max(id), 0) + 1 FROM gridmap.edition").scalar_one()
    connection.exec_driver_sql(
        "INSERT INTO gridmap.edition (id, name, effective_from, made_by, set_id) "
        "VALUES (%(i)s, %(n)s, %(f)s, %(by)s, %(s)s)",
        {"i": number, "n": name, "f": effective_from, "by": made_by, "s": set_id},
    )
    return int(number)


def remove_last_edition(connection: Connection, edition_id: int) -> None:
    """Remove the newest edition, which was never in force: the one before it goes on."""
    given = {"e": edition_id}
    for statement in (
        # reported for a day to come, they were placed by what was to be in force then
        (
            "UPDATE gridmap.request SET reported_uid = current_uid, edition_id = (SELECT b.id FROM gridmap.edition b "
            "WHERE b.id <> %(e)s ORDER BY b.effective_from DESC LIMIT 1) WHERE edition_id = %(e)s"
        ),
        "DELETE FROM gridmap.assignment WHERE from_edition = %(e)s",
        "UPDATE gridmap.assignment SET to_edition = NULL WHERE to_edition = %(e)s",
        "DELETE FROM gridmap.grid_lineage WHERE edition_id = %(e)s",
        "DELETE FROM gridmap.edition_grid WHERE edition_id = %(e)s",
        "DELETE FROM gridmap.edition WHERE id = %(e)s",
    ):
        connection.exec_driver_sql(statement, given)


def add_grids(connection: Connection, codes: list[str]) -> NDArray[np.int64]:
    """Give new grids an identity; returns their uids in order."""
    rows = connection.exec_driver_sql(
        "SELECT nextval(pg_get_serial_sequence('gridmap.grid', 'uid')) FROM generate_series(1, %(n)s)",
        {"n": len(codes)},
    ).fetchall()
    uids = np.array([row[0] for row in rows], dtype=np.int64)
    copy_rows(connection, "gridmap.grid", {"uid": [int(u) for u in uids], "first_code": codes})
    return uids


def write_edition_grids(connection: Connection, edition_id: int, grids: gpd.GeoDataFrame) -> None:
    """Write the grids of an edition (columns of :func:`edition_grids`, geometry EPSG:4326); replaces those uids."""
    connection.exec_driver_sql(
        "DELETE FROM gridmap.edition_grid WHERE edition_id = %(e)s AND uid = ANY(%(u)s)",
        {"e": edition_id, "u": [int(u) for u in grids["uid"]]},
    )
    columns: dict[str, Any] = {"edition_id": [edition_id] * len(grids)}
    for name in _GRID_COLUMNS.replace("\n", " ").split(","):
        key = name.strip()
        columns[key] = [None if pd.isna(v) else v for v in grids[key]]
    for key in (
        "uid",
        "parent_uid",
        "level",
        "households",
        "households_estimated",
        "people",
        "buildings",
        "pieces",
        "colour",
    ):
        columns[key] = [None if v is None else int(v) for v in columns[key]]
    columns["geom"] = as_multi(np.asarray(grids.geometry.array, dtype=object))
    copy_rows(connection, "gridmap.edition_grid", columns)


def write_edition_figures(connection: Connection, edition_id: int, grids: pd.DataFrame) -> None:
    """Write new figures of grids of an edition whose land stays: uid, households, people, buildings and the like."""
    names = ("uid", "households", "households_estimated", "people", "buildings")
    listed = ", ".join(f"%({name})s::bigint[]" for name in names)
    connection.exec_driver_sql(
        "UPDATE gridmap.edition_grid g SET households = n.households, households_estimated = n.households_estimated, "
        f"people = n.people, buildings = n.buildings FROM unnest({listed}) AS n({', '.join(names)}) "
        "WHERE g.edition_id = %(e)s AND g.uid = n.uid",
        {"e": edition_id} | {name: [int(v) for v in grids[name]] for name in names},
    )


def edition_grids(
    connection: Connection,
    edition_id: int,
    *,
    level: int | None = None,
    leaf: bool | None = None,
    uids: Collection[int] | None = None,
    below: Collection[int] | None = None,
    shapes: bool = True,
) -> gpd.GeoDataFrame:
    """Return the grids of an edition with polygons (EPSG:4326), ordered by level and code.

    ``uids``: only these; ``below``: only those whose parent is one of these; ``shapes``: False leaves polygons out.
    """
    only = "" if uids is None else "AND uid = ANY(%(u)s::bigint[]) "
    only += "" if below is None else "AND parent_uid = ANY(%(b)s::bigint[]) "
    frame = read_frame(
        connection,
        f"SELECT {_GRID_COLUMNS}{', ST_AsBinary(geom) AS geom' if shapes else ''} FROM gridmap.edition_grid "
        "WHERE edition_id = %(e)s AND (%(l)s::int IS NULL OR level = %(l)s) AND (%(f)s::bool IS NULL OR leaf = %(f)s) "
        f'{only}ORDER BY level, code COLLATE "C"',
        {
            "e": edition_id,
            "l": level,
            "f": leaf,
            "u": [int(u) for u in uids or ()],
            "b": [int(u) for u in below or ()],
        },
    )
    frame["parent_uid"] = frame["parent_uid"].astype("Int64")
    return frame


def assignment_in(
    connection: Connection, edition_id: int, *, of_cells: NDArray[np.int64] | None = None
) -> pd.DataFrame:
    """Return which leaf grid each cell, or each of some, belongs to in an edition: cell_id, uid, live."""
    only = "" if of_cells is None else "AND a.cell_id = ANY(%(c)s::bigint[]) "
    return pd.DataFrame(
        read_frame(
            connection,
            "SELECT a.cell_id, a.uid, c.retired_at IS NULL AS live FROM gridmap.assignment a "
            "JOIN gridmap.cell c ON c.id = a.cell_id WHERE a.from_edition <= %(e)s "
            f"AND (a.to_edition IS NULL OR a.to_edition > %(e)s) {only}ORDER BY a.cell_id",
            {"e": edition_id, "c": [] if of_cells is None else [int(c) for c in of_cells]},
        )
    )


def cells_of_grids(connection: Connection, edition_id: int, uids: list[int]) -> pd.DataFrame:
    """Return the live cells of some leaf grids in an edition: cell_id, uid."""
    return pd.DataFrame(
        read_frame(
            connection,
            "SELECT a.cell_id, a.uid FROM gridmap.assignment a JOIN gridmap.cell c ON c.id = a.cell_id "
            "WHERE a.uid = ANY(%(u)s) AND a.from_edition <= %(e)s AND (a.to_edition IS NULL OR a.to_edition > %(e)s) "
            "AND c.retired_at IS NULL ORDER BY a.cell_id",
            {"e": edition_id, "u": [int(u) for u in uids]},
        )
    )


def write_assignment(
    connection: Connection, edition_id: int, cell_ids: NDArray[np.int64], uids: NDArray[np.int64]
) -> None:
    """Make the assignment of an edition, the newest one: ranges of cells that keep their grid go on, others end."""
    connection.exec_driver_sql(
        "CREATE TEMP TABLE wanted (cell_id bigint PRIMARY KEY, uid bigint NOT NULL) ON COMMIT DROP"
    )
    copy_rows(connection, "wanted", {"cell_id": [int(c) for c in cell_ids], "uid": [int(u) for u in uids]})
    connection.exec_driver_sql("ANALYZE wanted")
    connection.exec_driver_sql(
        "UPDATE gridmap.assignment a SET to_edition = %(e)s WHERE a.to_edition IS NULL AND a.from_edition < %(e)s "
        "AND NOT EXISTS (SELECT 1 FROM wanted w WHERE w.cell_id = a.cell_id AND w.uid = a.uid)",
        {"e": edition_id},
    )
    connection.exec_driver_sql(
        "INSERT INTO gridmap.assignment (cell_id, from_edition, uid) SELECT w.cell_id, %(e)s, w.uid FROM wanted w "
        "WHERE NOT EXISTS (SELECT 1 FROM gridmap.assignment a WHERE a.cell_id = w.cell_id AND a.to_edition IS NULL)",
        {"e": edition_id},
    )
    connection.exec_driver_sql("DROP TABLE wanted")


def replace_assigned_cells(
    connection: Connection,
    edition_id: int,
    *,
    retired: NDArray[np.int64],
    added: NDArray[np.int64],
    uids: NDArray[np.int64],
    until: int | None = None,
) -> None:
    """Carry an edition over to new cells: retired ones leave it (older editions keep them), added ones join it.

    ``until`` is the next edition that is carried over by a call of its own; None: what joins goes on.
    """
    gone = [int(c) for c in retired]
    connection.exec_driver_sql(
        "DELETE FROM gridmap.assignment WHERE cell_id = ANY(%(c)s) AND from_edition >= %(e)s",
        {"c": gone, "e": edition_id},
    )
    connection.exec_driver_sql(
        "UPDATE gridmap.assignment SET to_edition = %(e)s WHERE cell_id = ANY(%(c)s) AND from_edition < %(e)s "
        "AND (to_edition IS NULL OR to_edition > %(e)s)",
        {"c": gone, "e": edition_id},
    )
    copy_rows(
        connection,
        "gridmap.assignment",
        {
            "cell_id": [int(c) for c in added],
            "from_edition": [edition_id] * len(added),
            "to_edition": [until] * len(added),
            "uid": [int(u) for u in uids],
        },
    )


def write_grid_lineage(connection: Connection, edition_id: int, flows: pd.DataFrame) -> None:
    """Note from which grids of the edition before the households came: old_uid, new_uid, households."""
    connection.exec_driver_sql("DELETE FROM gridmap.grid_lineage WHERE edition_id = %(e)s", {"e": edition_id})
    copy_rows(
        connection,
        "gridmap.grid_lineage",
        {
            "edition_id": [edition_id] * len(flows),
            "old_uid": [int(v) for v in flows["old_uid"]],
            "new_uid": [int(v) for v in flows["new_uid"]],
            "households": [int(v) for v in flows["households"]],
        },
    )
