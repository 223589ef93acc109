"""A plan becomes the next edition, at once or at a date, in one transaction; or it is taken back before its date."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import numpy as np
import orjson
import pandas as pd
from sqlalchemy import Connection

from gridmap.core.plans.effect import Grid
from gridmap.core.plans.state import PlanState
from gridmap.errors import Conflict
from gridmap.services import activation, faults, settling
from gridmap.services.planland import Session
from gridmap.services.planrows import from_the_newest
from gridmap.store import clock
from gridmap.store import editions as edition_store
from gridmap.store import plans as store
from gridmap.store.changes import bump, note_change
from gridmap.store.plans import PlanRow

__all__ = ["publish", "withdraw"]


def publish(connection: Connection, session: Session, *, name: str, at: datetime | None, who: str) -> dict[str, Any]:
    """Make the next edition from an approved plan, which the caller has locked, as he has the base data.

    Parameters
    ----------
    connection, session
        The plan.
    name, at
        Name of the edition, and when it comes into force (None: now).
    who
        Who does it.

    Returns
    -------
    The edition's id and date, how many grids it has and, where it is in force at once, how many open requests and
    duties changed.

    Raises
    ------
    Conflict
        What was approved is not what there is, the plan does not start from the newest edition, or that one comes into
        force at the same time or later.
    """
    row, state = session.row, session.state
    if state.fingerprint() != row.fingerprint:
        raise Conflict(
            f"方案“{row.title}”批准之后，基础数据有变化，网格随之变了。请退回草案，核对后重新批准。",
            f"The base data changed after plan '{row.title}' was approved, and the grids with them. "
            "Make it a draft again, look at it and approve it anew.",
        )
    from_the_newest(connection, row)
    newest = edition_store.editions(connection)[-1]
    moment = clock.moment_of(connection) if at is None else at
    if newest.effective_from >= moment:
        raise Conflict(
            f"第 {newest.id} 版“{newest.name}”定于 {newest.effective_from.isoformat()} 生效，同一时刻只能有一个版本，"
            "后来的须更晚。请改用更晚的日期，或先撤回那一版（gridmap plan withdraw）。",
            f"Edition {newest.id}, '{newest.name}', comes into force at {newest.effective_from.isoformat()}; there is "
            "one for each date, and the next one comes later. Choose a later date, or withdraw that one first "
            "(gridmap plan withdraw).",
        )
    cells, _, srid = settling.load_state(connection)
    leaves, uppers = _tables(connection, state)
    member = pd.Index(leaves["key"]).get_indexer(pd.Index(state.all_keys())).astype(np.int64)
    edition_id = settling.add_edition(
        connection,
        cells,
        srid,
        name=name,
        effective_from=moment,
        who=who,
        before=newest.id,
        member=member,
        leaves=leaves.drop(columns="key"),
        uppers=uppers.drop(columns="key"),
    )
    faults.step("edition written")
    store.set_state(
        connection, row.id, "approved", fingerprint=row.fingerprint, approved_by=row.approved_by, edition_id=edition_id
    )
    told = {"edition": edition_id, "effective_from": moment.isoformat(), "grids": len(leaves)}
    followed = activation.follow(connection, who=who)
    told |= {name: followed[name] for name in ("requests_moved", "duties_recoded", "duties_without_grid")}
    note_change(connection, who, "plan publish", orjson.dumps({"plan": row.id, **told}).decode())
    bump(connection, "edition")
    faults.step("published")
    return told


def withdraw(connection: Connection, row: PlanRow, *, who: str) -> dict[str, Any]:
    """Take back a publication that waits for its date; the plan, which the caller has locked, is approved again.

    Raises
    ------
    Conflict
        It does not wait, or something else builds on its edition: a later one, or plans (``problems`` lists them).
    """
    number = row.edition_id
    if number is None or not row.waiting:
        raise Conflict(
            f"方案“{row.title}”没有等待生效的发布，无可撤回。现行版本请用恢复（gridmap plan rollback）。",
            f"Plan '{row.title}' waits for no date; there is nothing to withdraw. For an edition in force there is "
            "gridmap plan rollback.",
        )
    built_on = [plan for plan in store.listed(connection) if plan.base_edition == number]
    if built_on:
        titles = [plan.title for plan in built_on]
        raise Conflict(
            f"有方案以第 {number} 版为起点：{'、'.join(titles)}。请先把它们变基到别的版本"
            "（gridmap plan rebase --edition）。",
            f"Plans start from edition {number}: {', '.join(titles)}. Rebase them onto another edition first "
            "(gridmap plan rebase --edition).",
            problems=tuple({"plan": plan.id, "title": plan.title} for plan in built_on),
        )
    if edition_store.editions(connection)[-1].id != number:
        raise Conflict(
            f"第 {number} 版之后还有别的版本等待生效。请先撤回后面的。",
            f"Another edition waits after edition {number}. Withdraw that one first.",
        )
    store.set_state(connection, row.id, "approved", fingerprint=row.fingerprint, approved_by=row.approved_by)
    edition_store.remove_last_edition(connection, number)
    faults.step("edition removed")
    note_change(connection, who, "plan withdraw", orjson.dumps({"plan": row.id, "edition": number}).decode())
    bump(connection, "edition")
    return {"withdrawn": number}


def _tables(connection: Connection, state: PlanState) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return leaf grids with land, and those above; new ones get their identity."""
    grids = [g for g in state.grids.values() if not g.leaf or state.tally.cells[state.row_of[g.key]]]
    new = sorted((g for g in grids if g.key < 0), key=lambda g: g.code)
    uids = dict(zip((g.key for g in new), edition_store.add_grids(connection, [g.code for g in new]), strict=True))
    uid_of = {g.key: int(uids.get(g.key, g.key)) for g in grids}
    return _frame([g for g in grids if g.leaf], uid_of), _frame([g for g in grids if not g.leaf], uid_of)


def _frame(grids: list[Grid], uid_of: dict[int, int]) -> pd.DataFrame:
    listed = sorted(grids, key=lambda g: g.code)
    return pd.DataFrame(
        {
            "key": np.array([g.key for g in listed], dtype=np.int64),
            "uid": np.array([uid_of[g.key] for g in listed], dtype=np.int64),
            "code": [g.code for g in listed],
            "name": [g.name for g in listed],
            "level": np.array([g.level for g in listed], dtype=np.int64),
            "grid_kind": [g.kind for g in listed],
            "parent_uid": pd.array([None if g.parent is None else uid_of.get(g.parent) for g in listed], dtype="Int64"),
            "community_code": [g.community for g in listed],
        }
    )
