"""What the program proposed for plans, kept until newer ones push it out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection

__all__ = ["ProposalRow", "add", "find", "listed"]

_KEPT = 20
_COLUMNS = "id, plan_id, revision, who, at, asked, complete, found"


@dataclass(frozen=True, slots=True)
class ProposalRow:
    """One answer: what was asked on which revision, and what was found."""

    id: int
    plan_id: int
    revision: int
    who: str
    at: datetime
    asked: dict[str, Any]
    complete: bool
    found: dict[str, Any]


def add(
    connection: Connection,
    plan_id: int,
    *,
    revision: int,
    who: str,
    asked: Mapping[str, Any],
    complete: bool,
    found: Mapping[str, Any],
) -> int:
    """Keep an answer and return its number; of each plan the newest 20 stay."""
    number = connection.exec_driver_sql(
        "INSERT INTO gridmap.plan_proposal (plan_id, revision, who, asked, complete, found) "
        "VALUES (%(p)s, %(r)s, %(w)s, %(a)s::jsonb, %(c)s, %(f)s::jsonb) RETURNING id",
        {
            "p": plan_id,
            "r": revision,
            "w": who,
            "a": orjson.dumps(asked).decode(),
            "c": complete,
            "f": orjson.dumps(found).decode(),
        },
    ).scalar_one()
    connection.exec_driver_sql(
        "DELETE FROM gridmap.plan_proposal WHERE plan_id = %(p)s AND id <= (SELECT id FROM gridmap.plan_proposal "
        "WHERE plan_id = %(p)s ORDER BY id DESC OFFSET %(k)s LIMIT 1)",
        {"p": plan_id, "k": _KEPT},
    )
    return int(number)


def find(connection: Connection, plan_id: int, number: int) -> ProposalRow | None:
    """Return an answer to a plan."""
    row = connection.exec_driver_sql(
        f"SELECT {_COLUMNS} FROM gridmap.plan_proposal WHERE plan_id = %(p)s AND id = %(i)s",
        {"p": plan_id, "i": number},
    ).first()
    return None if row is None else ProposalRow(*row)


def listed(connection: Connection, plan_id: int) -> list[ProposalRow]:
    """Return the answers to a plan, the newest first."""
    rows = connection.exec_driver_sql(
        f"SELECT {_COLUMNS} FROM gridmap.plan_proposal WHERE plan_id = %(p)s ORDER BY id DESC", {"p": plan_id}
    )
    return [ProposalRow(*row) for row in rows]
