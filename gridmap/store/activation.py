"""What follows an edition that comes into force, in PostGIS: which ones are due, duties, open requests, plans."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from gridmap.store import clock

__all__ = ["MovedDuties", "due", "is_due", "is_first", "move_duties", "move_open_requests", "set_done", "tell_plans"]

_DUTY = (
    "source_id", "import_id", "label", "role", "grid_code", "grid_uid", "building_source_id", "name", "phone", "public",
    "from_date", "to_date",
)  # fmt: skip


_OF_BUILDINGS = ("building_chief", "unit_chief")


@dataclass(frozen=True, slots=True)
class MovedDuties:
    """How many duties have another grid code, and how many of them none because their grid has ended."""

    recoded: int
    without_grid: int


def is_due(connection: Connection) -> bool:
    """Tell whether an edition came into force that requests and duties have not followed yet."""
    return bool(
        connection.exec_driver_sql(
            "SELECT EXISTS (SELECT 1 FROM gridmap.edition WHERE activated_at IS NULL "
            "AND effective_from <= now() + %(s)s)",
            {"s": clock.shift()},
        ).scalar_one()
    )


def is_first(connection: Connection) -> bool:
    """Tell whether no other process does it; until the transaction ends no other one will."""
    return bool(
        connection.exec_driver_sql("SELECT pg_try_advisory_xact_lock(hashtext('gridmap activation'))").scalar_one()
    )


def due(connection: Connection) -> list[int]:
    """Return the editions that came into force and were not followed yet, in their order."""
    rows = connection.exec_driver_sql(
        "SELECT id FROM gridmap.edition WHERE activated_at IS NULL AND effective_from <= now() + %(s)s "
        "ORDER BY effective_from FOR UPDATE",
        {"s": clock.shift()},
    )
    return [int(row[0]) for row in rows]


def set_done(connection: Connection, editions: list[int]) -> None:
    """Note that requests and duties have followed some editions."""
    connection.exec_driver_sql(
        "UPDATE gridmap.edition SET activated_at = now() WHERE id = ANY(%(e)s::int[])", {"e": editions}
    )


def move_duties(connection: Connection, edition_id: int) -> MovedDuties:
    """Let duties follow their grid into an edition: its code may be another one there, or it may have ended.

    Chiefs of buildings and entrances follow their building. What was stays behind as of the edition's first moment.
    A duty whose grid ended remembers it: when the grid comes back, the duty is its again.
    """
    connection.exec_driver_sql(
        """
        CREATE TEMP TABLE duty_move ON COMMIT DROP AS
        WITH edition AS (
            SELECT e.id, e.effective_from,
                   (SELECT b.id FROM gridmap.edition b WHERE b.effective_from < e.effective_from
                    ORDER BY b.effective_from DESC LIMIT 1) AS before
            FROM gridmap.edition e WHERE e.id = %(e)s
        ), homes AS MATERIALIZED (
            SELECT b.source_id, h.uid FROM gridmap.building_grids(%(e)s) h
            JOIN gridmap.building b ON b.id = h.building_id AND b.retired_at IS NULL
            WHERE b.source_id IN (SELECT building_source_id FROM gridmap.duty
                                  WHERE retired_at IS NULL AND grid_code IS NOT NULL AND role = ANY(%(r)s))
        ), held AS (
            SELECT d.id, d.grid_code AS old_code,
                   CASE WHEN d.grid_code IS NULL THEN d.grid_uid ELSE coalesce(
                       (SELECT h.uid FROM homes h WHERE h.source_id = d.building_source_id AND d.role = ANY(%(r)s)),
                       (SELECT g.uid FROM gridmap.edition_grid g
                        WHERE g.edition_id = e.before AND g.code = d.grid_code)) END AS uid
            FROM gridmap.duty d CROSS JOIN edition e
            WHERE d.retired_at IS NULL AND (d.grid_code IS NOT NULL OR d.grid_uid IS NOT NULL)
        )
        SELECT h.id, h.uid, h.old_code, n.code AS new_code,
               (SELECT effective_from FROM edition) AS since
        FROM held h LEFT JOIN gridmap.edition_grid n ON n.edition_id = %(e)s AND n.uid = h.uid
        WHERE h.uid IS NOT NULL
        """,
        {"e": edition_id, "r": list(_OF_BUILDINGS)},
    )
    was = ", ".join(f"d.{name}" for name in _DUTY)
    connection.exec_driver_sql(
        f"INSERT INTO gridmap.duty ({', '.join(_DUTY)}, retired_at, archived_of) SELECT {was}, m.since, m.id "
        "FROM duty_move m JOIN gridmap.duty d ON d.id = m.id WHERE m.new_code IS DISTINCT FROM m.old_code"
    )
    counted = connection.exec_driver_sql(
        "WITH gone AS (UPDATE gridmap.duty d SET grid_code = m.new_code, grid_uid = m.uid FROM duty_move m "
        "WHERE d.id = m.id AND (m.new_code IS DISTINCT FROM m.old_code OR d.grid_uid IS DISTINCT FROM m.uid) "
        "RETURNING m.old_code, m.new_code) "
        "SELECT count(*) FILTER (WHERE new_code IS DISTINCT FROM old_code), "
        "count(*) FILTER (WHERE new_code IS NULL AND old_code IS NOT NULL) FROM gone"
    ).one()
    connection.exec_driver_sql("DROP TABLE duty_move")
    return MovedDuties(int(counted[0]), int(counted[1]))


def move_open_requests(connection: Connection, edition_id: int) -> int:
    """Give open requests to the grid that is responsible in an edition in force; returns how many moved.

    By the building that they are about, else by their point, as they were placed when they came in.
    """
    return connection.exec_driver_sql(
        "WITH homes AS MATERIALIZED (SELECT building_id, uid FROM gridmap.building_grids(%(e)s)), "
        "placed AS (SELECT r.id, coalesce(h.uid, (SELECT g.uid FROM gridmap.grid_at(r.geom, e.effective_from) g)) "
        "AS uid FROM gridmap.edition e CROSS JOIN gridmap.request r LEFT JOIN homes h ON h.building_id = r.building_id "
        "WHERE e.id = %(e)s AND r.closed_at IS NULL "
        "AND (r.building_id IS NOT NULL OR r.geom IS NOT NULL) AND r.edition_id IS NOT NULL) "
        "UPDATE gridmap.request r SET current_uid = p.uid FROM placed p "
        "WHERE p.id = r.id AND r.current_uid IS DISTINCT FROM p.uid AND (p.uid IS NOT NULL OR r.geom IS NOT NULL)",
        {"e": edition_id},
    ).rowcount


def tell_plans(connection: Connection) -> None:
    """Note which plan is in force and which ones were."""
    connection.exec_driver_sql(
        "UPDATE gridmap.plan p SET state = CASE WHEN p.edition_id = gridmap.edition_at(now() + %(s)s) THEN 'active' "
        "ELSE 'superseded' END FROM gridmap.edition e WHERE e.id = p.edition_id AND e.effective_from <= now() + %(s)s",
        {"s": clock.shift()},
    )
