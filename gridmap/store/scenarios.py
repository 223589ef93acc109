"""Scenarios in PostGIS: named lists of changes, counted by revision; and the changes made real."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection

_COLUMNS = "id, title, owner, revision, changes, made_at, changed_at, applied_at"


@dataclass(frozen=True, slots=True)
class ScenarioRow:
    """One scenario; ``revision`` counts every change of it."""

    id: int
    title: str
    owner: str
    revision: int
    changes: list[dict[str, Any]]
    made_at: datetime
    changed_at: datetime
    applied_at: datetime | None


def listed(connection: Connection) -> list[ScenarioRow]:
    """Return all scenarios, the one changed last first."""
    rows = connection.exec_driver_sql(f"SELECT {_COLUMNS} FROM gridmap.scenario ORDER BY changed_at DESC, id DESC")
    return [ScenarioRow(*row) for row in rows]


def find(connection: Connection, scenario_id: int, *, lock: bool = False) -> ScenarioRow | None:
    """Return a scenario; ``lock`` keeps others from changing it until the transaction ends."""
    row = connection.exec_driver_sql(
        f"SELECT {_COLUMNS} FROM gridmap.scenario WHERE id = %(i)s" + (" FOR UPDATE" if lock else ""),
        {"i": scenario_id},
    ).first()
    return None if row is None else ScenarioRow(*row)


def find_titled(connection: Connection, title: str) -> ScenarioRow | None:
    """Return the scenario of a title."""
    row = connection.exec_driver_sql(
        f"SELECT {_COLUMNS} FROM gridmap.scenario WHERE title = %(t)s", {"t": title}
    ).first()
    return None if row is None else ScenarioRow(*row)


def add(connection: Connection, *, title: str, owner: str, changes: Sequence[Mapping[str, Any]]) -> int | None:
    """Add a scenario; returns its number, or None when the title is taken."""
    found = connection.exec_driver_sql(
        "INSERT INTO gridmap.scenario (title, owner, changes) VALUES (%(t)s, %(o)s, %(c)s::jsonb) "
        "ON CONFLICT (title) DO NOTHING RETURNING id",
        {"t": title, "o": owner, "c": _json(changes)},
    ).scalar()
    return None if found is None else int(found)


def write(connection: Connection, scenario_id: int, *, title: str, changes: Sequence[Mapping[str, Any]]) -> None:
    """Replace title and changes of a scenario and count up its revision."""
    connection.exec_driver_sql(
        "UPDATE gridmap.scenario SET title = %(t)s, changes = %(c)s::jsonb, revision = revision + 1, "
        "changed_at = now() WHERE id = %(i)s",
        {"i": scenario_id, "t": title, "c": _json(changes)},
    )


def mark_applied(connection: Connection, scenario_id: int) -> None:
    """Note that the changes of a scenario became real."""
    connection.exec_driver_sql(
        "UPDATE gridmap.scenario SET applied_at = now(), revision = revision + 1, changed_at = now() WHERE id = %(i)s",
        {"i": scenario_id},
    )


def delete(connection: Connection, scenario_id: int) -> None:
    """Delete a scenario."""
    connection.exec_driver_sql("DELETE FROM gridmap.scenario WHERE id = %(i)s", {"i": scenario_id})


def _json(changes: Sequence[Mapping[str, Any]]) -> str:
    return orjson.dumps([dict(change) for change in changes]).decode()
