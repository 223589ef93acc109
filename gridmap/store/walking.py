"""What walking needs in memory: streets, barriers, things and where they are attached; fixed-width columns in bulk."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sqlalchemy import Connection

from gridmap.store.copying import copy_rows, read_frame

Thing = Literal["building", "station", "candidate"]
Columns = dict[str, NDArray[Any]]

_BIG_ENDIAN = {"int8": ">i8", "int4": ">i4", "float8": ">f8", "bool": "?"}
_NATIVE = {"int8": np.int64, "int4": np.int32, "float8": np.float64, "bool": np.bool_}
_HEADER = 19
_TRAILER = 2
#: Within this distance of a changed street or barrier an attachment may change (degrees of latitude, above 220 m).
NEAR_DEGREES = 0.002


def read_columns(connection: Connection, select: str, types: Mapping[str, str]) -> Columns:
    """Read a query into arrays by binary COPY; ten times as fast as rows.

    ``types`` names the columns in their order with ``int8``, ``int4``, ``float8`` or ``bool``; the query casts to
    them and has no NULL. It carries no value of a user's: COPY takes no parameters.
    """
    fields = [("count", ">i2")]
    for name, kind in types.items():
        fields += [(f"{name} bytes", ">i4"), (name, _BIG_ENDIAN[kind])]
    buffer = io.BytesIO()
    with contextlib.closing(connection.connection.cursor()) as cursor:
        cursor.copy_expert(f"COPY ({select}) TO STDOUT (FORMAT binary)", buffer)
    rows = np.frombuffer(buffer.getbuffer()[_HEADER:-_TRAILER], dtype=np.dtype(fields))
    return {name: rows[name].astype(_NATIVE[kind]) for name, kind in types.items()}


def lock_base(connection: Connection) -> None:
    """Let nobody else change base data until the transaction ends."""
    connection.exec_driver_sql("SELECT pg_advisory_xact_lock(hashtext('gridmap base data'))")


def walking_streets(connection: Connection) -> gpd.GeoDataFrame:
    """Return the live streets and railways: id, columns of kind ``streets``, geom (EPSG:4326), ordered by id."""
    return read_frame(
        connection,
        "SELECT id, name, highway, railway, service, bridge, tunnel, covered, layer, foot, access, "
        "ST_AsBinary(geom) AS geom FROM gridmap.street WHERE retired_at IS NULL ORDER BY id",
    )


def walking_water(connection: Connection) -> gpd.GeoDataFrame:
    """Return live water above ground: id, water_kind, geom (EPSG:4326)."""
    return read_frame(
        connection,
        "SELECT id, water_kind, ST_AsBinary(geom) AS geom FROM gridmap.water "
        "WHERE retired_at IS NULL AND NOT tunnel ORDER BY id",
    )


def walled_estates(connection: Connection) -> gpd.GeoDataFrame:
    """Return the live walled estates: id, name, geom, gates (of the source and added), EPSG:4326, ordered by id."""
    return read_frame(
        connection,
        "SELECT id, name, ST_AsBinary(geom) AS geom, ST_AsBinary(CASE WHEN gates IS NULL THEN added_gates "
        "WHEN added_gates IS NULL THEN gates ELSE ST_Multi(ST_Union(gates, added_gates)) END) AS gates "
        "FROM gridmap.estate WHERE retired_at IS NULL AND walled ORDER BY id",
        geometry=("geom", "gates"),
    )


def walled_ids(connection: Connection) -> NDArray[np.int64]:
    """Return the ids of the live walled estates, ascending."""
    return read_columns(
        connection, "SELECT id FROM gridmap.estate WHERE retired_at IS NULL AND walled ORDER BY id", {"id": "int8"}
    )["id"]


def buildings(connection: Connection) -> Columns:
    """Return the live buildings in the order of their ids.

    id, households and people (0: none), estimated, storeys (0: not known), public (``use`` is public, a school or a
    hospital).
    """
    return read_columns(
        connection,
        "SELECT id, coalesce(households, 0)::int4, coalesce(people, 0)::int4, coalesce(estimated, false), "
        "coalesce(storeys, 0)::int4, coalesce(use IN ('public', 'school', 'hospital'), false) "
        "FROM gridmap.building WHERE retired_at IS NULL ORDER BY id",
        {
            "id": "int8",
            "households": "int4",
            "people": "int4",
            "estimated": "bool",
            "storeys": "int4",
            "public": "bool",
        },
    )


def walk_points(connection: Connection, thing: Thing, mark: str, pinned: str) -> Columns:
    """Return the points of a kind of thing that were attached by the rules of two marks, in the order of their ids.

    id, lon, lat, reason, nearest_m (inf: no street), estate_id (0: in no walled estate), pinned (by the second mark).
    """
    if not (mark + pinned).isalnum():
        raise ValueError(mark, pinned)
    return read_columns(
        connection,
        "SELECT w.thing_id, ST_X(w.geom), ST_Y(w.geom), w.reason::int4, coalesce(w.nearest_m, 'Infinity'), "
        f"coalesce(w.estate_id, 0), w.mark = '{pinned}' FROM gridmap.walk_point w "
        f"WHERE w.thing_kind = '{thing}' AND w.mark IN ('{mark}', '{pinned}') ORDER BY w.thing_id",
        {
            "id": "int8",
            "lon": "float8",
            "lat": "float8",
            "reason": "int4",
            "nearest_m": "float8",
            "estate_id": "int8",
            "pinned": "bool",
        },
    )


def attachments(connection: Connection, thing: Thing) -> Columns:
    """Return where a kind of thing meets the streets: id, street_id, measure_m, off_m, via, gate_lon, gate_lat."""
    return read_columns(
        connection,
        "SELECT a.thing_id, a.street_id, a.measure_m, a.off_m, a.via::int4, coalesce(ST_X(a.gate), 'NaN'), "
        f"coalesce(ST_Y(a.gate), 'NaN') FROM gridmap.street_attachment a WHERE a.thing_kind = '{thing}' "
        "ORDER BY a.thing_id, a.ordinal",
        {
            "id": "int8",
            "street_id": "int8",
            "measure_m": "float8",
            "off_m": "float8",
            "via": "int4",
            "gate_lon": "float8",
            "gate_lat": "float8",
        },
    )


def write_attached(connection: Connection, thing: Thing, points: Mapping[str, Any], rows: Mapping[str, Any]) -> None:
    """Store things as attached (or not); what was known of them is replaced.

    ``points``: columns of ``walk_point`` without the kind; ``rows``: of ``street_attachment``, geometry EPSG:4326.
    """
    ids = [int(i) for i in points["thing_id"]]
    forget_attached(connection, thing, ids)
    copy_rows(connection, "gridmap.walk_point", {"thing_kind": [thing] * len(ids), **points})
    copy_rows(connection, "gridmap.street_attachment", {"thing_kind": [thing] * len(rows["thing_id"]), **rows})


def forget_attached(connection: Connection, thing: Thing, ids: Sequence[int]) -> None:
    """Let things be attached anew when they are next needed."""
    connection.exec_driver_sql(
        "DELETE FROM gridmap.walk_point WHERE thing_kind = %(k)s AND thing_id = ANY(%(i)s)",
        {"k": thing, "i": list(ids)},
    )


def forget_changed(connection: Connection, touched: Sequence[str], *, since: int) -> int:
    """After an import, let be attached anew what it touched: changed things, and those near changed surroundings.

    ``touched`` are layers (``streets`` …), ``since`` the number of the import that changed them. A thing in a walled
    estate follows its estate: what is near the wall or a gate counts. Returns how many were forgotten.
    """
    if not connection.exec_driver_sql("SELECT EXISTS (SELECT 1 FROM gridmap.walk_point)").scalar_one():
        return 0
    forgotten = 0
    for layer, table, thing in (
        ("buildings", "building", "building"),
        ("stations", "station", "station"),
        ("candidates", "candidate", "candidate"),
    ):
        if layer in touched:
            forgotten += connection.exec_driver_sql(
                f"DELETE FROM gridmap.walk_point w USING gridmap.{table} t WHERE w.thing_kind = '{thing}' "
                "AND w.thing_id = t.id AND (t.import_id = %(r)s OR t.retired_at = now())",
                {"r": since},
            ).rowcount
    for layer, table in (("streets", "street"), ("water", "water"), ("estates", "estate")):
        if layer in touched:
            forgotten += _forget_near(connection, table, since)
    return forgotten


def _forget_near(connection: Connection, table: str, since: int) -> int:
    connection.exec_driver_sql(
        "CREATE TEMP TABLE surroundings ON COMMIT DROP AS SELECT geom FROM gridmap."
        f"{table} WHERE import_id = %(r)s OR retired_at = now()",
        {"r": since},
    )
    connection.exec_driver_sql(
        "INSERT INTO surroundings SELECT DISTINCT ON (e.id) e.geom FROM gridmap.estate e JOIN surroundings s "
        "ON e.geom && ST_Expand(s.geom, %(d)s / cos(radians(ST_Y(ST_Centroid(s.geom)))), %(d)s) "
        "WHERE e.retired_at IS NULL AND e.walled",
        {"d": NEAR_DEGREES},
    )
    connection.exec_driver_sql("CREATE INDEX ON surroundings USING gist (geom)")
    connection.exec_driver_sql("ANALYZE surroundings")
    gone = connection.exec_driver_sql(
        "DELETE FROM gridmap.walk_point w WHERE w.reason <> 0 OR EXISTS (SELECT 1 FROM surroundings s WHERE s.geom && "
        "ST_Expand(w.geom, %(d)s / cos(radians(ST_Y(w.geom))), %(d)s))",
        {"d": NEAR_DEGREES},
    ).rowcount
    if table == "estate":  # its former outline is not kept, but those who stood in it know it
        gone += connection.exec_driver_sql(
            "DELETE FROM gridmap.walk_point w USING gridmap.estate e WHERE w.estate_id = e.id "
            "AND (e.import_id = %(r)s OR e.retired_at = now())",
            {"r": since},
        ).rowcount
    connection.exec_driver_sql("DROP TABLE surroundings")
    return gone


def shapes(connection: Connection, thing: Thing, ids: Sequence[int]) -> gpd.GeoDataFrame:
    """Return id and geom (EPSG:4326) of some live things, in the order of their ids."""
    return read_frame(
        connection,
        f"SELECT id, ST_AsBinary(geom) AS geom FROM gridmap.{thing} WHERE id = ANY(%(i)s) ORDER BY id",
        {"i": [int(i) for i in ids]},
    )


def inside(connection: Connection, thing: Literal["station", "candidate"]) -> Columns:
    """Return which live buildings' footprints stations or candidates stand in: id, building_id."""
    return read_columns(
        connection,
        f"SELECT t.id, b.id FROM gridmap.{thing} t JOIN gridmap.building b ON ST_Covers(b.geom, t.geom) "
        "WHERE t.retired_at IS NULL AND b.retired_at IS NULL ORDER BY t.id, b.id",
        {"id": "int8", "building_id": "int8"},
    )


def buildings_at(connection: Connection, lonlat: NDArray[np.float64]) -> pd.DataFrame:
    """Return which live buildings' footprints points (n, 2) stand in: point (its number), building_id."""
    return pd.DataFrame(
        read_frame(
            connection,
            "SELECT n.k - 1 AS point, b.id AS building_id FROM unnest(%(x)s::float8[], %(y)s::float8[]) "
            "WITH ORDINALITY AS n(x, y, k) JOIN gridmap.building b "
            "ON ST_Covers(b.geom, ST_SetSRID(ST_MakePoint(n.x, n.y), 4326)) WHERE b.retired_at IS NULL ORDER BY 1, 2",
            {"x": lonlat[:, 0].tolist(), "y": lonlat[:, 1].tolist()},
        )
    )


def shares(connection: Connection, edition_id: int | None) -> Columns:
    """Return the live cells that homes stand in, each building as often as it has cells, and those that hang on one.

    cell_id, building_id, part, uid (leaf grid in the edition; 0: none), area_m2 (0 for what hangs on another's
    cell), twice (a duplicate outline).
    """
    held = (
        "LEFT JOIN gridmap.assignment a ON false"
        if edition_id is None
        else f"LEFT JOIN gridmap.assignment a ON a.cell_id = c.id AND a.from_edition <= {edition_id:d} "
        f"AND (a.to_edition IS NULL OR a.to_edition > {edition_id:d})"
    )
    return read_columns(
        connection,
        f"SELECT c.id, c.building_id, c.part::int4, coalesce(a.uid, 0), c.area_m2, false FROM gridmap.cell c {held} "
        "WHERE c.retired_at IS NULL AND c.building_id IS NOT NULL "
        "UNION ALL SELECT c.id, t.building_id, 0::int4, coalesce(a.uid, 0), 0::float8, t.reason = 'duplicate' "
        f"FROM gridmap.cell_attachment t JOIN gridmap.cell c ON c.id = t.cell_id {held} "
        "WHERE c.retired_at IS NULL ORDER BY 2, 3, 1",
        {"cell_id": "int8", "building_id": "int8", "part": "int4", "uid": "int8", "area_m2": "float8", "twice": "bool"},
    )


def cell_shapes(connection: Connection, ids: Sequence[int]) -> gpd.GeoDataFrame:
    """Return id and geom (EPSG:4326) of cells, in the order of their ids."""
    return read_frame(
        connection,
        "SELECT id, ST_AsBinary(geom) AS geom FROM gridmap.cell WHERE id = ANY(%(i)s) ORDER BY id",
        {"i": [int(i) for i in ids]},
    )


def neighbours(connection: Connection) -> Columns:
    """Return the live cells that share a border: a, b (cell ids)."""
    return read_columns(connection, "SELECT a, b FROM gridmap.cell_edge", {"a": "int8", "b": "int8"})


def grids(connection: Connection, edition_id: int) -> pd.DataFrame:
    """Return the grids of an edition without their polygons: uid, code, name, level, leaf, parent_uid …, by code."""
    frame = read_frame(
        connection,
        "SELECT uid, code, name, level, leaf, grid_kind, coalesce(parent_uid, 0) AS parent_uid, community_code, "
        "area_m2, label_lon, label_lat FROM gridmap.edition_grid WHERE edition_id = %(e)s "
        'ORDER BY level, code COLLATE "C"',
        {"e": edition_id},
    )
    return pd.DataFrame(frame)


def community_names(connection: Connection) -> dict[str, str]:
    """Return the names of the live communities by code."""
    rows = connection.exec_driver_sql(
        "SELECT code, name FROM gridmap.area WHERE level = 'community' AND retired_at IS NULL AND code IS NOT NULL"
    )
    return {str(code): str(name) for code, name in rows}


def buildings_of_sources(connection: Connection, source_ids: Sequence[str]) -> dict[str, int]:
    """Return the ids of live buildings by their identifiers in the source; unknown ones are left out."""
    rows = connection.exec_driver_sql(
        "SELECT source_id, id FROM gridmap.building WHERE retired_at IS NULL AND source_id = ANY(%(s)s)",
        {"s": list(source_ids)},
    )
    return {str(source): int(number) for source, number in rows}


def building_labels(connection: Connection, ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Return source_id, label (estate and number, else name) and use of buildings by id."""
    rows = connection.exec_driver_sql(
        "SELECT id, source_id, CASE WHEN estate IS NOT NULL AND number IS NOT NULL THEN estate || number "
        "ELSE coalesce(name, nullif(concat(street, house_number), ''), source_id) END AS label, use "
        "FROM gridmap.building WHERE id = ANY(%(i)s)",
        {"i": [int(i) for i in ids]},
    )
    return {int(row.id): {"source_id": row.source_id, "label": row.label, "use": row.use} for row in rows}


def streets_near(
    connection: Connection, *, lon: float, lat: float, within_m: float
) -> dict[int, tuple[str | None, str | None]]:
    """Return name and class of the live streets within some metres of a point (EPSG:4326), by id."""
    rows = connection.exec_driver_sql(
        "WITH p AS (SELECT ST_SetSRID(ST_MakePoint(%(x)s, %(y)s), 4326) AS at) "
        "SELECT s.id, s.name, s.highway FROM gridmap.street s, p WHERE s.retired_at IS NULL "
        "AND ST_DWithin(s.geom_3857, ST_Transform(p.at, 3857), %(m)s / greatest(cos(radians(%(y)s)), 0.05)) "
        "AND ST_DWithin(s.geom::geography, p.at::geography, %(m)s)",
        {"x": lon, "y": max(-85.0, min(85.0, lat)), "m": within_m},
    )
    return {int(number): (name, highway) for number, name, highway in rows}


def street_names(connection: Connection, ids: Sequence[int]) -> dict[int, tuple[str | None, str | None]]:
    """Return name and class of live streets by id."""
    rows = connection.exec_driver_sql(
        "SELECT id, name, highway FROM gridmap.street WHERE retired_at IS NULL AND id = ANY(%(i)s)",
        {"i": [int(i) for i in ids]},
    )
    return {int(number): (name, highway) for number, name, highway in rows}
