"""Proposals of the program for a plan."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from api import shapes
from api.present import json_of
from api.routes.plans import PlanId
from api.shapes import Object, Words
from api.state import TOKEN_NAME, Here
from api.strict import StrictRoute
from gridmap.services import jobs

router = APIRouter(prefix="/v1/plans", tags=["plans"], route_class=StrictRoute)
ProposalId = Annotated[int, Path(ge=1, le=2**62, description="Number of the proposal.")]
Code = Annotated[str, Field(min_length=1, max_length=40)]


class AutoOrder(BaseModel):
    """What should be proposed. Without a grid or a community: for the whole plan."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"mode": "rebalance", "community": "990101001001"}]}
    )

    mode: Literal["fresh", "rebalance", "min_change", "grow"] = Field(
        default="rebalance",
        description="fresh: anew; rebalance: even out; min_change: with few moved; grow: add or merge grids too.",
    )
    grid: Code | None = Field(default=None, description="Only this grid and its neighbours.")
    community: Code | None = Field(default=None, description="Only this community.")
    candidates: int = Field(default=4, ge=3, le=5)
    seed: int = Field(default=1, ge=0, le=2**31 - 1, description="The same seed gives the same proposals.")
    effort: float = Field(
        default=1.0, ge=0.1, le=100, allow_inf_nan=False, description="Iterations, as a multiple of the usual number."
    )
    renumber: bool = Field(default=False, description="Give codes anew, in order, in communities that change.")


class Take(BaseModel):
    """A candidate to take."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"candidate": 1}]})

    candidate: int = Field(ge=1, le=100, description="1 for the first.")
    preview: bool = Field(default=False, description="Only say what it would do; nothing is written.")


class Candidate(BaseModel):
    """One way, from fewest moved to best balanced; ``operation`` takes it."""

    model_config = ConfigDict(extra="allow")

    number: int
    name: str
    title: Words
    trade_off: Words
    households_moved: int
    moved_share: float
    figures: Object
    not_satisfied: list[Object]


class Proposal(BaseModel):
    """What could be, beside what is; ``stale``: the plan has changed since."""

    model_config = ConfigDict(extra="allow")

    id: int
    plan: int
    revision: int
    stale: bool
    complete: bool
    asked: Object
    households: int
    left_alone: list[str]
    now: Object
    bound: Object
    candidates: list[Candidate]


class ProposalList(BaseModel):
    """The proposals that are kept for a plan, the newest first."""

    proposals: list[Proposal]


_ACCEPTED: dict[int | str, dict[str, Any]] = {
    202: {"model": shapes.Object, "headers": {"Location": {"schema": {"type": "string"}}}}
}


@router.post("/{id}/auto", summary="生成自动方案", status_code=202, responses=_ACCEPTED)
def ask(here: Here, id: PlanId, order: AutoOrder) -> Response:  # noqa: A002 (the name in the address)
    """Let the program propose: a job does it, and its result names the proposal; cancelled, it keeps the best."""
    from gridmap.services import proposals

    number = proposals.ask(here.place, id, proposals.order_of(order.model_dump()), who=TOKEN_NAME)
    return json_of(jobs.get(here.place, number), status=202, headers={"Location": f"/v1/jobs/{number}"})


@router.get("/{id}/auto", summary="方案的自动建议,最新的在前", response_model=ProposalList)
def proposals(here: Here, id: PlanId) -> Response:  # noqa: A002
    """Return what was proposed for a plan, the newest first."""
    from gridmap.services.proposals import listed

    return json_of({"proposals": listed(here.place, id)})


@router.get("/{id}/auto/{number}", summary="一次自动建议的候选方案", response_model=Proposal)
def proposal(
    here: Here,
    id: PlanId,  # noqa: A002
    number: ProposalId,
    *,
    operations: Annotated[bool, Query(description="With the operation of each candidate.")] = False,
) -> Response:
    """Return the candidates of a proposal with their trade-offs, and what could not be satisfied and why."""
    from gridmap.services.proposals import show

    return json_of(show(here.place, id, number, operations=operations))


@router.post("/{id}/auto/{number}/take", summary="采用一个候选方案", response_model=shapes.PlanStep)
def take(here: Here, id: PlanId, number: ProposalId, order: Take) -> Response:  # noqa: A002
    """Take a candidate as one operation of the plan; undo takes it back. What others did since is kept, or 409."""
    from gridmap.services.proposals import take as do

    told = do(here.plans, id, order.candidate, proposal=number, who=TOKEN_NAME, commit=not order.preview)
    return json_of(told)
