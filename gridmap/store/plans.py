"""Plans in PostGIS: an append-only log of operations, and where each plan stands now.

The log is the truth: the edition that a plan started from, and the effects one after the other, give its state. Beside
it ``plan_assignment`` and ``plan_grid`` hold where that state differs from the edition, for SQL and for a quick start.
Grids are numbers as in :mod:`gridmap.core.plans.effect`: ``uid`` from 1, −1, −2 … for those that the plan made, 0 for
no grid.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import orjson
import pandas as pd
from numpy.typing import NDArray
from sqlalchemy import Connection

from gridmap.core.plans.effect import Effect, Grid
from gridmap.core.plans.history import Entry
from gridmap.store import clock
from gridmap.store.copying import copy_rows, read_frame

__all__ = [
    "OperationRow",
    "PlanRow",
    "add",
    "append",
    "building_facts",
    "building_labels",
    "differences",
    "entries",
    "find",
    "find_titled",
    "forget_cells",
    "grids_now",
    "grids_of_cells",
    "grids_of_edition",
    "listed",
    "operations",
    "set_state",
    "start_anew",
    "used_codes",
]

Ints = NDArray[np.int64]

_COLUMNS = (
    "p.id, p.title, p.base_edition, "
    # what became an edition is in force by its date alone
    "CASE WHEN p.edition_id IS NULL OR e.effective_from > now() + %(shift)s THEN p.state "
    "WHEN p.edition_id = gridmap.edition_at(now() + %(shift)s) THEN 'active' ELSE 'superseded' END, "
    "p.revision, p.owner, p.made_at, p.changed_at, p.fingerprint, p.approved_by, p.edition_id, e.effective_from"
)
_FROM = "FROM gridmap.plan p LEFT JOIN gridmap.edition e ON e.id = p.edition_id"

OPEN = ("draft", "submitted", "approved")
"""States in which a plan follows changes of the base data."""


@dataclass(frozen=True, slots=True)
class PlanRow:
    """One plan; ``revision`` is the number of its last operation, ``fingerprint`` that of the state approved."""

    id: int
    title: str
    base_edition: int
    state: str
    revision: int
    owner: str
    made_at: datetime
    changed_at: datetime
    fingerprint: str | None
    approved_by: str | None
    edition_id: int | None
    effective_from: datetime | None

    @property
    def waiting(self) -> bool:
        """Tell whether it is published and waits for its date."""
        return self.edition_id is not None and self.state == "approved"


@dataclass(frozen=True, slots=True)
class OperationRow:
    """One operation as it stands in the log, without its effect; ``cells`` is how many moved."""

    seq: int
    kind: str
    who: str
    at: datetime
    gesture: dict[str, Any]
    inverse_of: int | None
    cells: int
    score: dict[str, Any] | None


def listed(connection: Connection) -> list[PlanRow]:
    """Return all plans, the one changed last first."""
    rows = connection.exec_driver_sql(
        f"SELECT {_COLUMNS} {_FROM} ORDER BY p.changed_at DESC, p.id DESC", {"shift": clock.shift()}
    )
    return [PlanRow(*row) for row in rows]


def find(connection: Connection, plan_id: int, *, lock: bool = False) -> PlanRow | None:
    """Return a plan; ``lock`` keeps others from adding operations until the transaction ends."""
    row = connection.exec_driver_sql(
        f"SELECT {_COLUMNS} {_FROM} WHERE p.id = %(i)s" + (" FOR NO KEY UPDATE OF p" if lock else ""),
        {"i": plan_id, "shift": clock.shift()},
    ).first()
    return None if row is None else PlanRow(*row)


def find_titled(connection: Connection, title: str) -> PlanRow | None:
    """Return the plan of a title."""
    row = connection.exec_driver_sql(
        f"SELECT {_COLUMNS} {_FROM} WHERE p.title = %(t)s", {"t": title, "shift": clock.shift()}
    ).first()
    return None if row is None else PlanRow(*row)


def add(connection: Connection, *, title: str, base_edition: int, owner: str, set_id: int | None = None) -> int | None:
    """Add a draft; returns its id, or None when the title is taken."""
    found = connection.exec_driver_sql(
        "INSERT INTO gridmap.plan (title, base_edition, owner, set_id) VALUES (%(t)s, %(b)s, %(o)s, %(s)s) "
        "ON CONFLICT (title) DO NOTHING RETURNING id",
        {"t": title, "b": base_edition, "o": owner, "s": set_id},
    ).scalar()
    return None if found is None else int(found)


def set_state(
    connection: Connection,
    plan_id: int,
    state: str,
    *,
    fingerprint: str | None = None,
    approved_by: str | None = None,
    edition_id: int | None = None,
) -> None:
    """Bring a plan, which the caller has locked, into a state."""
    connection.exec_driver_sql(
        "UPDATE gridmap.plan SET state = %(s)s, fingerprint = %(f)s, approved_by = %(b)s, edition_id = %(e)s, "
        "changed_at = now() WHERE id = %(i)s",
        {"i": plan_id, "s": state, "f": fingerprint, "b": approved_by, "e": edition_id},
    )


def append(
    connection: Connection,
    plan_id: int,
    *,
    kind: str,
    who: str,
    effect: Effect,
    grids: Iterable[tuple[Grid, bool]],
    gesture: dict[str, Any] | None = None,
    inverse_of: int | None = None,
    score: dict[str, Any] | None = None,
) -> tuple[int, datetime]:
    """Append an operation and bring the plan's state along; returns its number, now the revision, and its time.

    Parameters
    ----------
    connection, plan_id
        The plan, which the caller has locked.
    kind, who, effect, gesture, inverse_of, score
        As in the log.
    grids
        The grids that the effect changes as they are afterwards, and whether each has ended.
    """
    seq, at = _log(
        connection, plan_id, kind=kind, who=who, gesture=gesture, effect=effect, inverse_of=inverse_of, score=score
    )
    cells = [cell for move in effect.moves for cell in move.cells]
    keys = [move.target for move in effect.moves for _ in move.cells]
    if cells:
        connection.exec_driver_sql(
            "WITH gone AS (SELECT n.cell, n.key, coalesce(a.uid, 0) AS base "
            "FROM unnest(%(c)s::bigint[], %(k)s::bigint[]) AS n(cell, key) "
            "JOIN gridmap.plan p ON p.id = %(p)s LEFT JOIN gridmap.assignment a ON a.cell_id = n.cell "
            "AND a.from_edition <= p.base_edition AND (a.to_edition IS NULL OR a.to_edition > p.base_edition)), "
            "back AS (DELETE FROM gridmap.plan_assignment d USING gone g "
            "WHERE d.plan_id = %(p)s AND d.cell_id = g.cell AND g.key = g.base) "
            "INSERT INTO gridmap.plan_assignment (plan_id, cell_id, grid_key) "
            "SELECT %(p)s, cell, key FROM gone WHERE key <> base "
            "ON CONFLICT (plan_id, cell_id) DO UPDATE SET grid_key = excluded.grid_key",
            {"p": plan_id, "c": cells, "k": keys},
        )
    _write_grids(connection, plan_id, grids)
    return seq, at


def start_anew(
    connection: Connection,
    plan_id: int,
    *,
    base_edition: int,
    who: str,
    effect: Effect,
    gesture: dict[str, Any],
    score: dict[str, Any],
    cells: Ints,
    keys: Ints,
    grids: Iterable[tuple[Grid, bool]],
) -> tuple[int, datetime]:
    """Let a plan start from another edition; returns the number and the time of the entry in its log.

    Parameters
    ----------
    connection, plan_id
        The plan, which the caller has locked.
    base_edition
        The edition that it starts from now.
    who, effect, gesture, score
        As in the log: what brings the plan from what it was to what it is.
    cells, keys
        Where it differs from that edition.
    grids
        Grids that it made, changed or ended against that edition, and whether each has ended.
    """
    for table in ("plan_assignment", "plan_grid"):
        connection.exec_driver_sql(f"DELETE FROM gridmap.{table} WHERE plan_id = %(p)s", {"p": plan_id})
    connection.exec_driver_sql(
        "UPDATE gridmap.plan SET base_edition = %(b)s WHERE id = %(p)s", {"p": plan_id, "b": base_edition}
    )
    copy_rows(
        connection,
        "gridmap.plan_assignment",
        {"plan_id": [plan_id] * len(cells), "cell_id": cells.tolist(), "grid_key": keys.tolist()},
    )
    _write_grids(connection, plan_id, grids)
    return _log(
        connection, plan_id, kind="rebase", who=who, gesture=gesture, effect=effect, inverse_of=None, score=score
    )


def _log(
    connection: Connection,
    plan_id: int,
    *,
    kind: str,
    who: str,
    gesture: dict[str, Any] | None,
    effect: Effect,
    inverse_of: int | None,
    score: dict[str, Any] | None,
) -> tuple[int, datetime]:
    seq, at = connection.exec_driver_sql(
        "WITH counted AS (UPDATE gridmap.plan SET revision = revision + 1, changed_at = now() WHERE id = %(p)s "
        "RETURNING revision) INSERT INTO gridmap.plan_operation "
        "(plan_id, seq, kind, who, gesture, effect, inverse_of, score) SELECT %(p)s, revision, %(k)s, %(w)s, "
        "%(g)s::jsonb, %(e)s::jsonb, %(i)s, %(s)s::jsonb FROM counted RETURNING seq, at",
        {
            "p": plan_id,
            "k": kind,
            "w": who,
            "g": orjson.dumps(gesture or {}).decode(),
            "e": orjson.dumps(effect.as_dict()).decode(),
            "i": inverse_of,
            "s": None if score is None else orjson.dumps(score).decode(),
        },
    ).one()
    return int(seq), at


def _write_grids(connection: Connection, plan_id: int, grids: Iterable[tuple[Grid, bool]]) -> None:
    for grid, ended in grids:
        connection.exec_driver_sql(
            "INSERT INTO gridmap.plan_grid (plan_id, grid_key, code, name, level, leaf, grid_kind, parent_key, "
            "community_code, locked, ended) VALUES (%(p)s, %(key)s, %(code)s, %(name)s, %(level)s, %(leaf)s, %(kind)s, "
            "%(parent)s, %(community)s, %(locked)s, %(ended)s) ON CONFLICT (plan_id, grid_key) DO UPDATE SET "
            "code = excluded.code, name = excluded.name, level = excluded.level, leaf = excluded.leaf, "
            "grid_kind = excluded.grid_kind, parent_key = excluded.parent_key, "
            "community_code = excluded.community_code, locked = excluded.locked, ended = excluded.ended",
            {
                "p": plan_id, "key": grid.key, "code": grid.code, "name": grid.name, "level": grid.level,
                "leaf": grid.leaf, "kind": grid.kind, "parent": grid.parent, "community": grid.community,
                "locked": grid.locked, "ended": ended,
            },
        )  # fmt: skip


def entries(connection: Connection, plan_id: int, *, after: int = 0) -> list[Entry]:
    """Return the log of a plan after a revision, with effects."""
    rows = connection.exec_driver_sql(
        "SELECT seq, who, kind, effect, inverse_of, at FROM gridmap.plan_operation "
        "WHERE plan_id = %(p)s AND seq > %(a)s ORDER BY seq",
        {"p": plan_id, "a": after},
    )
    return [Entry(seq=r[0], who=r[1], kind=r[2], effect=Effect.from_dict(r[3]), inverse_of=r[4], at=r[5]) for r in rows]


def operations(connection: Connection, plan_id: int, *, before: int | None, limit: int) -> list[OperationRow]:
    """Return operations of a plan without effects, the newest first; ``before``: only those of smaller numbers."""
    rows = connection.exec_driver_sql(
        "SELECT seq, kind, who, at, gesture, inverse_of, "
        "(SELECT coalesce(sum(jsonb_array_length(m -> 'cells')), 0)::int "
        "FROM jsonb_array_elements(effect -> 'moves') m), score FROM gridmap.plan_operation "
        "WHERE plan_id = %(p)s AND (%(b)s::int IS NULL OR seq < %(b)s) ORDER BY seq DESC LIMIT %(l)s",
        {"p": plan_id, "b": before, "l": limit},
    )
    return [OperationRow(*row) for row in rows]


def differences(connection: Connection, plan_id: int, *, of_cells: Sequence[int] | None = None) -> pd.DataFrame:
    """Return where a plan differs from the edition that it started from: cell_id, key (0: in no grid)."""
    only = "" if of_cells is None else "AND cell_id = ANY(%(c)s::bigint[]) "
    return pd.DataFrame(
        read_frame(
            connection,
            "SELECT cell_id, grid_key AS key FROM gridmap.plan_assignment "
            f"WHERE plan_id = %(p)s {only}ORDER BY cell_id",
            {"p": plan_id, "c": [] if of_cells is None else [int(c) for c in of_cells]},
        )
    )


def forget_cells(connection: Connection, plan_id: int, cells: Iterable[int]) -> None:
    """Forget where a plan differs in cells that were replaced; the log keeps them."""
    connection.exec_driver_sql(
        "DELETE FROM gridmap.plan_assignment WHERE plan_id = %(p)s AND cell_id = ANY(%(c)s::bigint[])",
        {"p": plan_id, "c": [int(c) for c in cells]},
    )


def grids_now(connection: Connection, plan_id: int) -> tuple[list[Grid], list[Grid]]:
    """Return the grids of a plan as they are, all levels, and those that it ended."""
    rows = connection.exec_driver_sql(
        "SELECT coalesce(o.grid_key, g.uid), coalesce(o.code, g.code), coalesce(o.name, g.name), "
        "coalesce(o.level, g.level), coalesce(o.leaf, g.leaf), coalesce(o.grid_kind, g.grid_kind), "
        "CASE WHEN o.grid_key IS NULL THEN g.parent_uid ELSE o.parent_key END, "
        "CASE WHEN o.grid_key IS NULL THEN g.community_code ELSE o.community_code END, "
        "coalesce(o.locked, false), coalesce(o.ended, false) "
        "FROM (SELECT e.* FROM gridmap.edition_grid e JOIN gridmap.plan p ON p.id = %(p)s "
        "AND p.base_edition = e.edition_id) g "
        "FULL JOIN (SELECT * FROM gridmap.plan_grid WHERE plan_id = %(p)s) o ON o.grid_key = g.uid ORDER BY 1",
        {"p": plan_id},
    )
    alive: list[Grid] = []
    ended: list[Grid] = []
    for key, code, name, level, leaf, kind, parent, community, locked, gone in rows:
        grid = Grid(
            key=key, code=code, name=name, level=level, leaf=leaf, kind=kind, parent=parent, community=community,
            locked=locked,
        )  # fmt: skip
        (ended if gone else alive).append(grid)
    return alive, ended


def grids_of_edition(connection: Connection, edition_id: int) -> list[Grid]:
    """Return the grids of an edition, all levels, without their polygons."""
    rows = connection.exec_driver_sql(
        "SELECT uid, code, name, level, leaf, grid_kind, parent_uid, community_code FROM gridmap.edition_grid "
        "WHERE edition_id = %(e)s ORDER BY uid",
        {"e": edition_id},
    )
    return [
        Grid(key=r[0], code=r[1], name=r[2], level=r[3], leaf=r[4], kind=r[5], parent=r[6], community=r[7])
        for r in rows
    ]


def grids_of_cells(connection: Connection, edition_id: int, cells: Ints) -> pd.DataFrame:
    """Return in which leaf grid of an edition some cells lie by its polygons: cell_id, uid."""
    return pd.DataFrame(
        read_frame(
            connection,
            "SELECT DISTINCT ON (c.id) c.id AS cell_id, g.uid FROM gridmap.cell c JOIN gridmap.edition_grid g "
            "ON g.edition_id = %(e)s AND g.leaf AND ST_Intersects(g.geom, c.point) "
            "WHERE c.id = ANY(%(c)s::bigint[]) ORDER BY c.id, g.uid",
            {"e": edition_id, "c": cells.tolist()},
        )
    )


def used_codes(connection: Connection) -> frozenset[str]:
    """Return the codes that grids of any edition have or had."""
    rows = connection.exec_driver_sql("SELECT code FROM gridmap.edition_grid UNION SELECT first_code FROM gridmap.grid")
    return frozenset(str(row[0]) for row in rows)


def building_labels(connection: Connection, ids: Sequence[int]) -> dict[int, str]:
    """Return what stands on some buildings: number, name or house number; those without any are left out."""
    rows = connection.exec_driver_sql(
        "SELECT id, coalesce(number, name, house_number) AS label FROM gridmap.building "
        "WHERE id = ANY(%(ids)s) AND coalesce(number, name, house_number) IS NOT NULL",
        {"ids": list(ids)},
    )
    return {int(row.id): str(row.label) for row in rows}


def building_facts(connection: Connection) -> pd.DataFrame:
    """Return what planners know of the live buildings: id, source_id, estate (None for those in no compound)."""
    return pd.DataFrame(
        read_frame(
            connection,
            "SELECT id, source_id, estate FROM gridmap.building WHERE retired_at IS NULL ORDER BY id",
        )
    )
