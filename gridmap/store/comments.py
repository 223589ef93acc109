"""Comments on plans in PostGIS: on a plan, one of its grids, or a point; never changed, only settled."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

__all__ = ["Comment", "add", "listed", "settle"]


@dataclass(frozen=True, slots=True)
class Comment:
    """One comment; ``grid`` is the code that its grid has now, or had last."""

    id: int
    plan_id: int
    revision: int
    who: str
    at: datetime
    words: str
    grid: str | None
    lon: float | None
    lat: float | None
    settled_at: datetime | None
    settled_by: str | None


_SELECT = (
    "SELECT c.id, c.plan_id, c.revision, c.who, c.at, c.words, coalesce(o.code, g.code), c.lon, c.lat, c.settled_at, "
    "c.settled_by FROM gridmap.plan_comment c JOIN gridmap.plan p ON p.id = c.plan_id "
    "LEFT JOIN gridmap.plan_grid o ON o.plan_id = c.plan_id AND o.grid_key = c.grid_key "
    "LEFT JOIN gridmap.edition_grid g ON g.edition_id = p.base_edition AND g.uid = c.grid_key "
)


def add(
    connection: Connection,
    plan_id: int,
    *,
    revision: int,
    who: str,
    words: str,
    grid_key: int | None,
    lon: float | None,
    lat: float | None,
) -> Comment:
    """Add a comment."""
    number = connection.exec_driver_sql(
        "INSERT INTO gridmap.plan_comment (plan_id, revision, who, words, grid_key, lon, lat) "
        "VALUES (%(p)s, %(r)s, %(w)s, %(t)s, %(g)s, %(x)s, %(y)s) RETURNING id",
        {"p": plan_id, "r": revision, "w": who, "t": words, "g": grid_key, "x": lon, "y": lat},
    ).scalar_one()
    return Comment(*connection.exec_driver_sql(f"{_SELECT} WHERE c.id = %(i)s", {"i": number}).one())


def listed(connection: Connection, plan_id: int) -> list[Comment]:
    """Return the comments on a plan, the oldest first."""
    rows = connection.exec_driver_sql(f"{_SELECT} WHERE c.plan_id = %(p)s ORDER BY c.id", {"p": plan_id})
    return [Comment(*row) for row in rows]


def settle(connection: Connection, plan_id: int, comment_id: int, *, who: str, settled: bool) -> Comment | None:
    """Note that a comment is settled, or is not after all; None: there is none of that number."""
    connection.exec_driver_sql(
        "UPDATE gridmap.plan_comment SET settled_at = CASE WHEN %(s)s THEN now() END, "
        "settled_by = CASE WHEN %(s)s THEN %(w)s END WHERE id = %(i)s AND plan_id = %(p)s",
        {"i": comment_id, "p": plan_id, "w": who, "s": settled},
    )
    row = connection.exec_driver_sql(
        f"{_SELECT} WHERE c.id = %(i)s AND c.plan_id = %(p)s", {"i": comment_id, "p": plan_id}
    ).first()
    return None if row is None else Comment(*row)
