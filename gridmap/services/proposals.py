"""Proposals for plans: worked out as a job, kept, looked at, and taken as one operation of the plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from gridmap.core.proposals.options import Order
from gridmap.errors import InputError, NotFound
from gridmap.model.progress import Progress, part, silent
from gridmap.model.text import Text
from gridmap.services import jobs
from gridmap.services.planland import Session
from gridmap.services.planrows import as_draft, the_plan
from gridmap.services.plans import PlanDesk
from gridmap.store import plans as plan_store
from gridmap.store import proposals as store
from gridmap.store.database import Place, engine_of, transaction
from gridmap.store.proposals import ProposalRow

if TYPE_CHECKING:
    from gridmap.core.proposals.candidate import Candidate
    from gridmap.core.proposals.propose import Proposals
    from gridmap.services.jobs import Job

__all__ = ["ask", "listed", "order_of", "run", "show", "take"]

_NAMES = frozenset({"mode", "grid", "community", "candidates", "seed", "effort", "renumber"})


def order_of(asked: Mapping[str, Any]) -> Order:
    """Return the order that plain data describe.

    Raises
    ------
    InputError
        A value does not fit.
    """
    unknown = sorted(set(asked) - _NAMES)
    if unknown:
        raise InputError(f"不认识的选项：{'、'.join(unknown)}。", f"Unknown options: {', '.join(unknown)}.")
    return Order(**asked)


def ask(place: Place, plan_id: int, order: Order, *, who: str) -> int:
    """Let a worker make proposals for a plan; returns the number of the job.

    Raises
    ------
    NotFound
        There is no such plan.
    Conflict
        It is no draft.
    """
    with transaction(place) as connection:
        as_draft(the_plan(plan_store.find(connection, plan_id), plan_id))
    return jobs.submit(place, "proposals", inputs_of(plan_id, order, who), who=who)


def inputs_of(plan_id: int, order: Order, who: str) -> dict[str, Any]:
    """Return the input of the job."""
    return {"plan": plan_id, "order": order.as_dict(), "who": who}


def run(place: Place, inputs: dict[str, Any], job: Job) -> dict[str, Any]:
    """Do a job of kind ``proposals``; one that is cancelled keeps the best so far, to be looked at and taken."""
    desk, order = PlanDesk(place), order_of(inputs["order"])
    session = _session(desk, inputs["plan"])
    found = _work(session, order, job.progress)
    if not found.complete and (job.stopping or job.lost):
        # somebody else goes on with it
        raise job.why()
    with transaction(place) as connection:
        number = store.add(
            connection,
            session.row.id,
            revision=session.row.revision,
            who=inputs["who"],
            asked=order.as_dict(),
            complete=found.complete,
            found=_plain(found),
        )
        if not job.cancel_asked:
            result = {"plan": session.row.id, "proposal": number, "candidates": len(found.candidates)}
            job.finish(connection, result)
            return result
    raise job.why()


def _session(desk: PlanDesk, plan_id: int) -> Session:
    with engine_of(desk.place).connect().execution_options(isolation_level="REPEATABLE READ") as connection:
        row = the_plan(plan_store.find(connection, plan_id), plan_id)
        as_draft(row)
        return desk.session(connection, row)


def _work(session: Session, order: Order, progress: Progress = silent) -> Proposals:
    from gridmap.core.proposals.propose import propose  # brings the kernels

    return propose(session.state, order, session.land.context, progress=part(progress, 0.05, 0.99))


def listed(place: Place, plan_id: int) -> list[dict[str, Any]]:
    """Return the proposals that are kept for a plan, the newest first, without their operations.

    Raises
    ------
    NotFound
        There is no such plan.
    """
    with engine_of(place).connect() as connection:
        row = the_plan(plan_store.find(connection, plan_id), plan_id)
        return [_told(kept, row.revision, operations=False) for kept in store.listed(connection, plan_id)]


def show(place: Place, plan_id: int, number: int | None = None, *, operations: bool = False) -> dict[str, Any]:
    """Return a proposal, by default the newest; ``operations``: with the operation of each candidate.

    Raises
    ------
    NotFound
        There is no such plan or proposal.
    """
    with engine_of(place).connect() as connection:
        row = the_plan(plan_store.find(connection, plan_id), plan_id)
        if number is None:
            kept = next(iter(store.listed(connection, plan_id)), None)
        else:
            kept = store.find(connection, plan_id, number)
    return _told(_kept(kept, plan_id, number), row.revision, operations=operations)


def take(
    desk: PlanDesk, plan_id: int, candidate: int, *, who: str, proposal: int | None = None, commit: bool = True
) -> dict[str, Any]:
    """Take a candidate (1, 2, …) of a proposal, by default the newest, as one operation; undo takes it back.

    What others did since the proposal was worked out is kept, or told as a conflict.

    Raises
    ------
    NotFound
        There is no such plan, proposal or candidate.
    InputError
        It cannot be done any more; the sentence says why.
    Conflict
        Others changed the same land since, or the plan is no draft.
    """
    with engine_of(desk.place).connect() as connection:
        the_plan(plan_store.find(connection, plan_id), plan_id)
        if proposal is None:
            kept = next(iter(store.listed(connection, plan_id)), None)
        else:
            kept = store.find(connection, plan_id, proposal)
    row = _kept(kept, plan_id, proposal)
    candidates = row.found["candidates"]
    if not 1 <= candidate <= len(candidates):
        raise NotFound(
            f"方案建议 {row.id} 有 {len(candidates)} 个候选，没有第 {candidate} 个。",
            f"Proposal {row.id} has {len(candidates)} candidates; there is no number {candidate}.",
        )
    gesture = candidates[candidate - 1]["operation"] | {"proposal": row.id, "candidate": candidate}
    return desk.operate(plan_id, gesture, who=who, base_revision=row.revision, commit=commit)


def _kept(row: ProposalRow | None, plan_id: int, number: int | None) -> ProposalRow:
    if row is None:
        what = "" if number is None else f" {number}"
        raise NotFound(
            f"方案 {plan_id} 没有自动方案建议{what}。请先运行 gridmap plan auto。",
            f"Plan {plan_id} has no proposal{what}. Make one with gridmap plan auto.",
        )
    return row


# -- plain data --------------------------------------------------------------------------------------------------------


def _plain(found: Proposals) -> dict[str, Any]:
    return {
        "households": found.households,
        "communities": list(found.communities),
        "left_alone": list(found.left_alone),
        "now": asdict(found.now),
        "bound": asdict(found.bound),
        "candidates": [_candidate(one, k) for k, one in enumerate(found.candidates, 1)],
    }


def _candidate(one: Candidate, number: int) -> dict[str, Any]:
    return {
        "number": number,
        "name": one.name,
        "title": _words(one.title),
        "trade_off": _words(one.trade_off),
        "households_moved": one.households_moved,
        "people_moved": one.people_moved,
        "buildings_moved": one.buildings_moved,
        "moved_share": one.moved_share,
        "grids_new": one.grids_new,
        "grids_ended": one.grids_ended,
        "figures": asdict(one.figures),
        "not_satisfied": [
            {
                "rule": missed.rule,
                "community": missed.community,
                "grid": missed.grid,
                "message": _words(missed.message),
            }
            for missed in one.not_satisfied
        ],
        "operation": one.gesture,
    }


def _told(row: ProposalRow, revision: int, *, operations: bool) -> dict[str, Any]:
    found = dict(row.found)
    if not operations:
        found["candidates"] = [
            {name: value for name, value in one.items() if name != "operation"} for one in found["candidates"]
        ]
    return {
        "id": row.id,
        "plan": row.plan_id,
        "revision": row.revision,
        "stale": row.revision != revision,
        "who": row.who,
        "at": row.at.isoformat(),
        "asked": row.asked,
        "complete": row.complete,
        **found,
    }


def _words(text: Text) -> dict[str, str]:
    return {"zh": text.zh, "en": text.en}
