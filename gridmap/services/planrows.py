"""Rows of plans: told as plain data, and what they must be before something is done with them."""

from __future__ import annotations

from typing import Any

import orjson
from sqlalchemy import Connection

from gridmap.errors import Conflict, InputError, NotFound
from gridmap.model.text import Text
from gridmap.store import editions as edition_store
from gridmap.store.plans import PlanRow

__all__ = [
    "MOST_TITLE",
    "an_edition",
    "as_draft",
    "at_revision",
    "called",
    "detail",
    "from_the_newest",
    "in_state",
    "the_plan",
    "told",
]

MOST_TITLE = 120


def told(row: PlanRow) -> dict[str, Any]:
    """Return a plan's facts as plain data."""
    return {
        "id": row.id,
        "title": row.title,
        "base_edition": row.base_edition,
        "state": row.state,
        "revision": row.revision,
        "owner": row.owner,
        "made_at": row.made_at.isoformat(),
        "changed_at": row.changed_at.isoformat(),
        "approved_by": row.approved_by,
        "edition": row.edition_id,
        "effective_from": None if row.effective_from is None else row.effective_from.isoformat(),
        # until there are roles anybody may approve: what is kept is who did
        "approval_enforced": False,
    }


STATES = {
    "draft": Text("草案", "a draft"),
    "submitted": Text("已提交", "submitted"),
    "approved": Text("已批准", "approved"),
    "active": Text("现行", "in force"),
    "superseded": Text("已被取代", "superseded"),
}


def in_state(row: PlanRow, *states: str) -> None:
    """Make sure that a plan is in one of some states.

    Raises
    ------
    Conflict
        It is not.
    """
    if row.state not in states:
        zh = "或".join(STATES[state].zh for state in states)
        en = " or ".join(STATES[state].en for state in states)
        raise Conflict(
            f"方案“{row.title}”的状态是“{STATES[row.state].zh}”，应为“{zh}”。",
            f"Plan '{row.title}' is {STATES[row.state].en}; it should be {en}.",
        )


def not_waiting(row: PlanRow) -> None:
    """Make sure that a plan is not published already.

    Raises
    ------
    Conflict
        It waits for its date.
    """
    if row.waiting and row.effective_from is not None:
        raise Conflict(
            f"方案“{row.title}”已发布，定于 {row.effective_from.isoformat()} 生效。"
            "请先撤回发布（gridmap plan withdraw）。",
            f"Plan '{row.title}' is published and comes into force at {row.effective_from.isoformat()}. Withdraw it "
            "first (gridmap plan withdraw).",
        )


def as_draft(row: PlanRow) -> None:
    """Make sure that a plan may change.

    Raises
    ------
    Conflict
        It is no draft.
    """
    if row.state != "draft":
        raise Conflict(
            f"方案“{row.title}”已不是草案，不能再改。请新建方案。",
            f"Plan '{row.title}' is no draft any more and cannot change. Start a new one.",
        )


def an_edition(connection: Connection, number: int) -> int:
    """Return the number of an edition that there is.

    Raises
    ------
    NotFound
        There is none.
    """
    if number not in {e.id for e in edition_store.editions(connection)}:
        raise NotFound(
            f"没有第 {number} 版网格。用 gridmap edition list 查看。",
            f"There is no edition {number}. See gridmap edition list.",
        )
    return number


def the_plan(row: PlanRow | None, name: object) -> PlanRow:
    """Return the row of a plan that somebody asked for by a name or number.

    Raises
    ------
    NotFound
        There is none.
    """
    if row is None:
        raise NotFound(
            f"没有调整方案“{name}”。用 gridmap plan list 查看。", f"There is no plan '{name}'. See gridmap plan list."
        )
    return row


def called(name: str, what: Text) -> str:
    """Return a name that a person gave, without spaces around it.

    Raises
    ------
    InputError
        It is empty or too long.
    """
    short = name.strip()
    if not 0 < len(short) <= MOST_TITLE:
        raise InputError(f"{what.zh}应为 1 到 {MOST_TITLE} 个字。", f"The {what.en} has 1 to {MOST_TITLE} characters.")
    return short


def at_revision(row: PlanRow, revision: int | None) -> None:
    """Make sure that a plan is at the revision that somebody saw (None: whichever).

    Raises
    ------
    Conflict
        It changed since.
    """
    if revision is not None and revision != row.revision:
        raise Conflict(
            f"方案“{row.title}”已有改动（现为第 {row.revision} 次修改）。请重新查看。",
            f"Plan '{row.title}' has changed (revision {row.revision} now). Look at it again.",
        )


def from_the_newest(connection: Connection, row: PlanRow) -> None:
    """Make sure that a plan starts from the newest edition, which may be waiting for its date.

    Raises
    ------
    Conflict
        Another one came after it.
    """
    newest = edition_store.editions(connection)[-1]
    if newest.id != row.base_edition:
        raise Conflict(
            f"方案“{row.title}”以第 {row.base_edition} 版为起点，但最新的是第 {newest.id} 版“{newest.name}”。"
            "请先把方案变基到最新版（gridmap plan rebase）。",
            f"Plan '{row.title}' starts from edition {row.base_edition}, but the newest is {newest.id}, "
            f"'{newest.name}'. Rebase the plan onto it first (gridmap plan rebase).",
        )


def detail(**facts: Any) -> str:
    """Return facts for the change log."""
    return orjson.dumps(facts).decode()
