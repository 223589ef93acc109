"""The life of a plan after it is drawn: handed in, approved, published; each a use case of its own."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import Connection

from gridmap.errors import InputError
from gridmap.model.text import Text
from gridmap.services import activation, publishing
from gridmap.services.moments import effective_moment
from gridmap.services.planland import Session
from gridmap.services.planrows import (
    at_revision,
    called,
    detail,
    from_the_newest,
    in_state,
    not_waiting,
    the_plan,
    told,
)
from gridmap.services.plans import PlanDesk
from gridmap.store import clock
from gridmap.store import plans as store
from gridmap.store.changes import note_change
from gridmap.store.database import transaction
from gridmap.store.jurisdiction import jurisdiction

__all__ = [
    "approve",
    "approve_in",
    "publish",
    "publish_in",
    "reopen",
    "settled",
    "submit",
    "submit_in",
    "withdraw",
]


def submit(desk: PlanDesk, plan_id: int, *, who: str, revision: int | None = None) -> dict[str, Any]:
    """Hand a draft in; it does not change from here on, but for changes of the base data.

    Raises
    ------
    NotFound
        There is no such plan.
    InputError
        It changes nothing.
    Conflict
        It is no draft, or not at ``revision`` any more.
    """
    with transaction(desk.place) as connection:
        return submit_in(connection, desk, plan_id, who=who, revision=revision)


def approve(desk: PlanDesk, plan_id: int, *, who: str, revision: int | None = None) -> dict[str, Any]:
    """Approve a plan that was handed in: its fingerprint is fixed. Until there are roles anybody may.

    Raises
    ------
    NotFound
        There is no such plan.
    Conflict
        It was not handed in, is not at ``revision`` any more, or another edition came after the one that it started
        from: then it is rebased first.
    """
    with transaction(desk.place) as connection:
        return approve_in(connection, desk, plan_id, who=who, revision=revision)


def reopen(desk: PlanDesk, plan_id: int, *, who: str) -> dict[str, Any]:
    """Make a plan that was handed in or approved a draft again.

    Raises
    ------
    NotFound
        There is no such plan.
    Conflict
        It is in force or was.
    """
    with transaction(desk.place) as connection:
        row = the_plan(store.find(connection, plan_id, lock=True), plan_id)
        in_state(row, "submitted", "approved")
        not_waiting(row)
        store.set_state(connection, plan_id, "draft")
        note_change(connection, who, "plan reopen", detail(plan=plan_id))
        return told(the_plan(store.find(connection, plan_id), plan_id))


def publish(
    desk: PlanDesk, plan_id: int, *, name: str, who: str, at: str | None = None, revision: int | None = None
) -> dict[str, Any]:
    """Make an approved plan the next edition, at once or ``at`` a date; open requests and duties follow when it comes.

    ``at`` is a day (midnight in the time zone of the place) or an ISO moment. At its time the edition is in force with
    nobody at the keyboard.

    Raises
    ------
    NotFound
        There is no such plan.
    InputError
        The name is empty or too long, or the date cannot be read or is past.
    Conflict
        It is not approved or waits already, it or the base data changed since, another edition came after the one that
        it started from, or one comes into force at that time or later.
    """
    with transaction(desk.place) as connection:
        settled(connection, who)
        return publish_in(connection, desk, plan_id, name=name, who=who, at=at, revision=revision)


def withdraw(desk: PlanDesk, plan_id: int, *, who: str) -> dict[str, Any]:
    """Take back a publication that waits for its date; the plan is approved again, and the edition before goes on.

    Raises
    ------
    NotFound
        There is no such plan.
    Conflict
        It does not wait, or plans or a later edition build on it.
    """
    with transaction(desk.place) as connection:
        settled(connection, who)
        row = the_plan(store.find(connection, plan_id, lock=True), plan_id)
        gone = publishing.withdraw(connection, row, who=who)
        return told(the_plan(store.find(connection, plan_id), plan_id)) | gone


# -- within a transaction ----------------------------------------------------------------------------------------------


def settled(connection: Connection, who: str) -> None:
    """Keep base data and editions as they are until the transaction ends, with all done that was due."""
    connection.exec_driver_sql("SELECT pg_advisory_xact_lock(hashtext('gridmap base data'))")
    activation.follow(connection, who=who)


def submit_in(
    connection: Connection, desk: PlanDesk, plan_id: int, *, who: str, revision: int | None = None
) -> dict[str, Any]:
    """Do what :func:`submit` does within a transaction."""
    session = _at(desk, connection, plan_id, revision, "draft")
    if not _changes_anything(connection, session):
        raise InputError("方案没有改动任何网格，不能提交。", "The plan changes no grid; there is nothing to submit.")
    store.set_state(connection, plan_id, "submitted")
    note_change(connection, who, "plan submit", detail(plan=plan_id, revision=session.row.revision))
    return told(the_plan(store.find(connection, plan_id), plan_id))


def approve_in(
    connection: Connection, desk: PlanDesk, plan_id: int, *, who: str, revision: int | None = None
) -> dict[str, Any]:
    """Do what :func:`approve` does within a transaction."""
    session = _at(desk, connection, plan_id, revision, "submitted")
    from_the_newest(connection, session.row)
    fingerprint = session.state.fingerprint()
    store.set_state(connection, plan_id, "approved", fingerprint=fingerprint, approved_by=who)
    noted = detail(plan=plan_id, revision=session.row.revision, fingerprint=fingerprint)
    note_change(connection, who, "plan approve", noted)
    return told(the_plan(store.find(connection, plan_id), plan_id))


def publish_in(
    connection: Connection,
    desk: PlanDesk,
    plan_id: int,
    *,
    name: str,
    who: str,
    at: str | None = None,
    revision: int | None = None,
) -> dict[str, Any]:
    """Do what :func:`publish` does within a transaction that :func:`settled` began."""
    title = called(name, Text("版本名称", "name of an edition"))
    moment = None if at is None else effective_moment(at, jurisdiction(connection).time_zone, now=clock.now())
    session = _at(desk, connection, plan_id, revision, "approved")
    not_waiting(session.row)
    made = publishing.publish(connection, session, name=title, at=moment, who=who)
    return told(the_plan(store.find(connection, plan_id), plan_id)) | made


def _changes_anything(connection: Connection, session: Session) -> bool:
    state = session.state
    grids = {key: replace(grid, locked=False) for key, grid in state.grids.items()}
    edition = {grid.key: grid for grid in store.grids_of_edition(connection, session.row.base_edition)}
    return bool((state.labels != state.base).any()) or grids != edition


def _at(desk: PlanDesk, connection: Connection, plan_id: int, revision: int | None, state: str) -> Session:
    """Return a plan, locked, in a state and at the revision that somebody saw."""
    row = the_plan(store.find(connection, plan_id, lock=True), plan_id)
    in_state(row, state)
    at_revision(row, revision)
    return desk.session(connection, row)
