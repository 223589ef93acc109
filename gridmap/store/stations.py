"""Stations in PostGIS: facts of one, edits, new ones, closing; and gates of estates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from gridmap.model.kinds import EIGHT_CHECKS

CHECKS = tuple(f"check_{name}" for name in EIGHT_CHECKS)
EDITABLE = (
    "name", "station_kind", "tier", "services", "opening_hours", "tenure", "rooms", "address", *CHECKS,
)  # fmt: skip
_FACTS = "id, source_id, " + ", ".join(EDITABLE) + ", ST_X(geom) AS lon, ST_Y(geom) AS lat"


def stations(connection: Connection) -> list[dict[str, Any]]:
    """Return the live stations with all their facts, in the order of their codes."""
    rows = connection.exec_driver_sql(
        f'SELECT {_FACTS} FROM gridmap.station WHERE retired_at IS NULL ORDER BY source_id COLLATE "C"'
    )
    return [dict(row) for row in rows.mappings()]


def candidates(connection: Connection) -> list[dict[str, Any]]:
    """Return the live candidates: id, source_id, name, property_kind, address, floor_area_m2, lon, lat, by code."""
    rows = connection.exec_driver_sql(
        "SELECT id, source_id, name, property_kind, address, floor_area_m2, ST_X(geom) AS lon, ST_Y(geom) AS lat "
        'FROM gridmap.candidate WHERE retired_at IS NULL ORDER BY source_id COLLATE "C"'
    )
    return [dict(row) for row in rows.mappings()]


def find(connection: Connection, code: str, *, lock: bool = False) -> dict[str, Any] | None:
    """Return a live station by its code; ``lock`` keeps others from changing it until the transaction ends."""
    row = (
        connection.exec_driver_sql(
            f"SELECT {_FACTS} FROM gridmap.station WHERE source_id = %(c)s AND retired_at IS NULL"
            + (" FOR UPDATE" if lock else ""),
            {"c": code},
        )
        .mappings()
        .first()
    )
    return None if row is None else dict(row)


def add(connection: Connection, *, code: str, lon: float, lat: float, facts: Mapping[str, Any]) -> int | None:
    """Add a station (facts: columns of :data:`EDITABLE`); returns its id, or None when the code is taken."""
    names = [name for name in EDITABLE if name in facts]
    listed = "".join(f", {name}" for name in names)
    values = "".join(f", %({name})s" for name in names)
    found = connection.exec_driver_sql(
        f"INSERT INTO gridmap.station (source_id, geom{listed}) "
        f"VALUES (%(code)s, ST_SetSRID(ST_MakePoint(%(lon)s, %(lat)s), 4326){values}) "
        "ON CONFLICT (source_id) WHERE retired_at IS NULL DO NOTHING RETURNING id",
        {"code": code, "lon": lon, "lat": lat} | {name: facts[name] for name in names},
    ).scalar()
    return None if found is None else int(found)


def edit(connection: Connection, station_id: int, facts: Mapping[str, Any]) -> None:
    """Write facts of a station (columns of :data:`EDITABLE`)."""
    names = [name for name in EDITABLE if name in facts]
    if names:
        sets = ", ".join(f"{name} = %({name})s" for name in names)
        connection.exec_driver_sql(
            f"UPDATE gridmap.station SET {sets} WHERE id = %(i)s", {"i": station_id} | {n: facts[n] for n in names}
        )


def move(connection: Connection, station_id: int, *, lon: float, lat: float) -> None:
    """Put a station somewhere else (EPSG:4326)."""
    connection.exec_driver_sql(
        "UPDATE gridmap.station SET geom = ST_SetSRID(ST_MakePoint(%(x)s, %(y)s), 4326) WHERE id = %(i)s",
        {"i": station_id, "x": lon, "y": lat},
    )


def close(connection: Connection, station_id: int) -> None:
    """Take a station out of the live ones; its row stays."""
    connection.exec_driver_sql("UPDATE gridmap.station SET retired_at = now() WHERE id = %(i)s", {"i": station_id})


def next_code(connection: Connection) -> str:
    """Return a code that no station has or had: the next of N001, N002 and so on."""
    used = set(
        connection.exec_driver_sql("SELECT source_id FROM gridmap.station WHERE source_id ~ '^N[0-9]{3,}$'").scalars()
    )
    number = 1
    while f"N{number:03d}" in used:
        number += 1
    return f"N{number:03d}"


def estate(connection: Connection, estate_id: int) -> dict[str, Any] | None:
    """Return id, name, walled of a live estate."""
    row = (
        connection.exec_driver_sql(
            "SELECT id, name, walled FROM gridmap.estate WHERE id = %(i)s AND retired_at IS NULL FOR UPDATE",
            {"i": estate_id},
        )
        .mappings()
        .first()
    )
    return None if row is None else dict(row)


def wall_distance_m(connection: Connection, estate_id: int, *, lon: float, lat: float) -> float:
    """Return metres between a point (EPSG:4326) and the outline of an estate."""
    found = connection.exec_driver_sql(
        "SELECT ST_Distance(ST_Boundary(geom)::geography, ST_SetSRID(ST_MakePoint(%(x)s, %(y)s), 4326)::geography) "
        "FROM gridmap.estate WHERE id = %(i)s",
        {"i": estate_id, "x": lon, "y": lat},
    ).scalar_one()
    return float(found)


def add_gate(connection: Connection, estate_id: int, *, lon: float, lat: float) -> tuple[float, float]:
    """Add a gate to an estate, on the nearest point of its outline; returns that point (EPSG:4326)."""
    row = connection.exec_driver_sql(
        "WITH p AS (SELECT ST_ClosestPoint(ST_Boundary(geom), ST_SetSRID(ST_MakePoint(%(x)s, %(y)s), 4326)) AS at "
        "FROM gridmap.estate WHERE id = %(i)s) "
        "UPDATE gridmap.estate e SET added_gates = CASE WHEN e.added_gates IS NULL THEN ST_Multi(p.at) "
        "ELSE ST_Multi(ST_Union(e.added_gates, p.at)) END FROM p WHERE e.id = %(i)s RETURNING ST_X(p.at), ST_Y(p.at)",
        {"i": estate_id, "x": lon, "y": lat},
    ).one()
    return float(row[0]), float(row[1])


def forget_estate(connection: Connection, estate_id: int) -> None:
    """Let what stands in an estate be attached to the streets anew."""
    connection.exec_driver_sql("DELETE FROM gridmap.walk_point WHERE estate_id = %(i)s", {"i": estate_id})
