"""A plan becomes the next edition, with everything that follows, in one transaction."""

from __future__ import annotations

from typing import Any

import numpy as np
import orjson
import pandas as pd
from sqlalchemy import Connection

from gridmap.core.plans.effect import Grid
from gridmap.core.plans.state import PlanState
from gridmap.errors import Conflict
from gridmap.services import settling
from gridmap.services.planland import Session
from gridmap.services.planrows import from_the_newest
from gridmap.store import editions as edition_store
from gridmap.store import plans as store
from gridmap.store.changes import bump, note_change

__all__ = ["publish_now"]


def publish_now(connection: Connection, session: Session, *, name: str, who: str) -> dict[str, Any]:
    """Put an approved plan, which the caller has locked, in force from this moment.

    Returns
    -------
    The edition's id and date, and how many grids, open requests and duties changed.

    Raises
    ------
    Conflict
        What was approved is not what there is, or the plan does not start from the newest edition.
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
    if edition_store.edition_at(connection, None) != newest.id:
        raise Conflict(
            f"第 {newest.id} 版“{newest.name}”还没有生效。",
            f"Edition {newest.id}, '{newest.name}', is not in force yet.",
        )
    cells, _, srid = settling.load_state(connection)
    leaves, uppers = _tables(connection, state)
    member = pd.Index(leaves["key"]).get_indexer(pd.Index(state.all_keys())).astype(np.int64)
    moment = connection.exec_driver_sql("SELECT now()").scalar_one()
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
    before = {grid.key: grid.code for grid in store.grids_of_edition(connection, newest.id)}
    recoded = {before[k]: g.code for k, g in state.grids.items() if k in before and before[k] != g.code}
    told = {
        "edition": edition_id,
        "effective_from": moment.isoformat(),
        "grids": len(leaves),
        "requests_moved": store.move_open_requests(connection, edition_id),
        "duties_recoded": store.recode_duties(connection, recoded) if recoded else 0,
    }
    store.set_state(
        connection, row.id, "active", fingerprint=row.fingerprint, approved_by=row.approved_by, edition_id=edition_id
    )
    store.supersede(connection, but=row.id)
    note_change(connection, who, "plan publish", orjson.dumps({"plan": row.id, **told}).decode())
    bump(connection, "edition")
    return told


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
