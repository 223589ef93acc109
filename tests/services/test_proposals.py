"""Proposals as jobs on a database: kept, taken, taken back, and what is left when somebody stops them (see town)."""

from __future__ import annotations

import time
from typing import Any

import pytest

from gridmap.errors import Cancelled, Conflict, InputError, NotFound
from gridmap.model.text import Text
from gridmap.services import jobs, proposals
from gridmap.services.plans import PlanDesk
from gridmap.store.database import Place
from tests.services import town

SW, NW = town.code(0, 0), town.code(0, 1)


@pytest.fixture
def desk(town_place: Place) -> PlanDesk:
    return PlanDesk(town_place)


@pytest.fixture
def plan(desk: PlanDesk) -> int:
    """A draft whose first grid has two houses too many."""
    number = int(desk.new(title="明年方案", who="anna")["id"])
    desk.operate(number, {"kind": "assign", "buildings": ["b010", "b011"], "to": SW}, who="anna")
    return number


def asked(desk: PlanDesk, plan: int, progress: Any = lambda *_: None, **order: Any) -> dict[str, Any]:
    inputs = proposals.inputs_of(plan, proposals.order_of({"effort": 0.2} | order), "anna")
    return jobs.run_here(desk.place, "proposals", inputs, who="anna", progress=progress).result or {}


def fingerprint(desk: PlanDesk, plan: int) -> str:
    return PlanDesk(desk.place)._now(plan).state.fingerprint()


def test_a_candidate_is_kept_taken_and_taken_back(desk: PlanDesk, plan: int) -> None:
    before = fingerprint(desk, plan)
    made = asked(desk, plan)
    shown = proposals.show(desk.place, plan)
    assert (shown["id"], shown["plan"], shown["stale"]) == (made["proposal"], plan, False)
    assert shown["complete"]
    assert len(shown["candidates"]) == made["candidates"] > 0
    assert "operation" not in shown["candidates"][0]
    would = proposals.take(desk, plan, 1, who="anna", commit=False)
    assert (would["committed"], fingerprint(desk, plan)) == (False, before)
    told = proposals.take(desk, plan, 1, who="anna")
    assert (told["kind"], told["committed"]) == ("auto", True)
    assert fingerprint(desk, plan) != before
    assert proposals.listed(desk.place, plan)[0]["stale"]
    gesture = desk.log(plan)[0]["gesture"]
    assert (gesture["proposal"], gesture["candidate"]) == (shown["id"], 1)
    desk.operate(plan, {"kind": "undo"}, who="anna")
    assert fingerprint(desk, plan) == before


def test_what_others_did_since_is_kept_or_told(desk: PlanDesk, plan: int) -> None:
    asked(desk, plan, community=town.COMMUNITY["A"])
    desk.operate(plan, {"kind": "rename", "grid": town.code(2, 0), "name": "河东"}, who="bert")
    told = proposals.take(desk, plan, 1, who="anna", commit=False)
    assert told["rebased"] == 1
    (moved,) = {c for s in proposals.show(desk.place, plan, operations=True)["candidates"][:1]
                for s in s["operation"]["grids"] for c in s["cells"][:1]} or {None}  # fmt: skip
    assert moved is not None
    desk.operate(plan, {"kind": "lock", "grids": [SW]}, who="bert")
    with pytest.raises(Conflict):
        proposals.take(desk, plan, 1, who="anna")


def test_what_is_not_there_is_said(desk: PlanDesk, plan: int) -> None:
    with pytest.raises(NotFound, match="has no proposal"):
        proposals.show(desk.place, plan)
    with pytest.raises(NotFound, match="no plan"):
        proposals.listed(desk.place, 999)
    asked(desk, plan)
    with pytest.raises(NotFound, match="there is no number 9"):
        proposals.take(desk, plan, 9, who="anna")
    with pytest.raises(InputError, match="Unknown options"):
        proposals.order_of({"modus": "fresh"})
    with pytest.raises(InputError, match="There is no community"):
        asked(desk, plan, community="nowhere")


def test_a_job_that_is_cancelled_leaves_the_best_so_far(desk: PlanDesk, plan: int) -> None:
    def stop(share: float, doing: Text, /) -> None:
        (view, *_) = jobs.list_jobs(desk.place, kind="proposals")
        jobs.cancel(desk.place, view.id, who="anna")
        time.sleep(1.5)

    with pytest.raises(Cancelled):
        asked(desk, plan, stop, effort=20)
    (view, *_) = jobs.list_jobs(desk.place, kind="proposals")
    assert view.state == "cancelled"
    shown = proposals.show(desk.place, plan)
    assert not shown["complete"]


def test_stopping_by_hand_ends_the_search_and_keeps_what_was_found(desk: PlanDesk, plan: int) -> None:
    calls = []

    def stop(share: float, doing: Text, /) -> None:
        calls.append(share)
        if len(calls) > 3:
            raise KeyboardInterrupt

    made = asked(desk, plan, stop, effort=20)
    assert not proposals.show(desk.place, plan, made["proposal"])["complete"]


def test_only_a_draft_is_proposed_for(desk: PlanDesk, plan: int) -> None:
    from gridmap.services.planlife import submit

    submit(desk, plan, who="anna")
    with pytest.raises(Conflict):
        proposals.ask(desk.place, plan, proposals.order_of({}), who="anna")
