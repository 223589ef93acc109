"""Data versions that readers compare, and the log in which every write stands."""

from __future__ import annotations

from sqlalchemy import Connection


def bump(connection: Connection, *names: str) -> None:
    """Count up data versions, so that readers see that what they hold is stale, and wake those who listen."""
    for name in names:
        connection.exec_driver_sql(
            "INSERT INTO gridmap.version (name, value) VALUES (%(n)s, 1) "
            "ON CONFLICT (name) DO UPDATE SET value = gridmap.version.value + 1, changed_at = now()",
            {"n": name},
        )
    connection.exec_driver_sql("NOTIFY gridmap_version")


def versions(connection: Connection) -> dict[str, int]:
    """Return the data versions by name."""
    return {row.name: row.value for row in connection.exec_driver_sql("SELECT name, value FROM gridmap.version")}


def state_of(connection: Connection, name: str) -> str | None:
    """Return a text that differs whenever a data version was counted up, also after a backup is restored."""
    row = connection.exec_driver_sql(
        "SELECT value, extract(epoch FROM changed_at) FROM gridmap.version WHERE name = %(n)s", {"n": name}
    ).first()
    return None if row is None else f"{row[0]} {row[1]}"


def note_change(connection: Connection, who: str, what: str, detail: str = "{}") -> None:
    """Append to the change log: every write passes here."""
    connection.exec_driver_sql(
        "INSERT INTO gridmap.change_log (who, what, detail) VALUES (%(who)s, %(what)s, %(detail)s::jsonb)",
        {"who": who, "what": what, "detail": detail},
    )
