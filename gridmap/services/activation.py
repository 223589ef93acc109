"""An edition comes into force by its date alone; here requests and duties follow it, once, with nobody at the keyboard.

Readers choose the edition by time, so the new one answers from the first second. What hangs on it is moved by the first
process that notices, in one transaction: whatever happens to the process, either all of it is done or nothing.
"""

from __future__ import annotations

from typing import Any

import orjson
from sqlalchemy import Connection

from gridmap.model.jurisdiction_settings import value_in
from gridmap.model.text import Text
from gridmap.services import faults
from gridmap.services.jobs import Job, run_here
from gridmap.store import activation as store
from gridmap.store.changes import bump, note_change
from gridmap.store.database import Place, transaction
from gridmap.store.jobs import JOB_CONNECTIONS
from gridmap.store.jurisdiction import jurisdiction

__all__ = ["PROGRAM", "STEPS", "follow", "notice", "run"]

PROGRAM = "gridmap"
"""Who does it."""

STEPS = ("noticed", "locked", "duties moved", "requests moved", "plans told", "written", "committed")
"""Where tests let it die."""


def notice(place: Place) -> dict[str, Any] | None:
    """Let requests and duties follow an edition whose time has come; returns what was done, None if nothing was due.

    Cheap where nothing is due. Of several processes that notice at once one does it.
    """
    with transaction(place, pool_size=JOB_CONNECTIONS) as guard:
        if not store.is_due(guard) or not store.is_first(guard):
            return None
        faults.step("noticed")
        return run_here(place, "activation", {}, who=PROGRAM).result


def run(place: Place, inputs: dict[str, Any], job: Job) -> dict[str, Any]:  # noqa: ARG001 (one signature)
    """Do the job of that kind."""
    job.progress(0.0, Text("诉求和职责随新版转移", "Requests and duties follow the new edition"))
    with transaction(place) as connection:
        told = follow(connection, who=job.who)
        job.finish(connection, told)
        faults.step("written")
    faults.step("committed")
    return told


def follow(connection: Connection, *, who: str) -> dict[str, Any]:
    """Let requests and duties follow all editions whose time has come, in their order, within a transaction.

    Returns
    -------
    ``editions`` that were due, ``requests_moved``, ``duties_recoded`` (they have another grid code), and
    ``duties_without_grid`` (their grid has ended).
    """
    # imports place requests under this lock: what they wrote by the edition before is seen here
    connection.exec_driver_sql("SELECT pg_advisory_xact_lock(hashtext('gridmap base data'))")
    faults.step("locked")
    due = store.due(connection)
    told: dict[str, Any] = {
        "editions": due, "requests_moved": 0, "duties_recoded": 0, "duties_without_grid": 0
    }  # fmt: skip
    if not due:
        return told
    for edition in due:
        moved = store.move_duties(connection, edition)
        told["duties_recoded"] += moved.recoded
        told["duties_without_grid"] += moved.without_grid
    faults.step("duties moved")
    if value_in(jurisdiction(connection).settings, "open_requests") != "stay":
        told["requests_moved"] = store.move_open_requests(connection, due[-1])
    faults.step("requests moved")
    store.tell_plans(connection)
    store.set_done(connection, due)
    faults.step("plans told")
    note_change(connection, who, "edition in force", orjson.dumps(told).decode())
    bump(connection, "edition")
    return told
