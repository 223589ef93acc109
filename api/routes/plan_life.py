"""The life of a plan after it is drawn: handed in, approved, published."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from api import shapes
from api.present import json_of
from api.routes.plans import PlanId
from api.state import TOKEN_NAME, Here
from api.strict import StrictRoute
from gridmap.core.plans.rebasing import Side
from gridmap.services import planlife
from gridmap.services.rebasing import rebase
from gridmap.services.rollback import rollback

router = APIRouter(prefix="/v1/plans", tags=["plans"], route_class=StrictRoute)


class Seen(BaseModel):
    """The revision of the plan that the person saw."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"base_revision": 17}]})

    base_revision: int = Field(ge=0, le=2**31 - 1, description="409 when the plan has another one by now.")


class Publish(Seen):
    """The name of the edition that the plan becomes, and when."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"base_revision": 17, "name": "2027 年网格", "effective_at": "2027-01-01"}]},
    )

    name: str = Field(min_length=1, max_length=120)
    effective_at: str | None = Field(
        default=None,
        max_length=40,
        description="A day (midnight in the place's time zone) or an ISO moment to come; without it: at once.",
    )


class Rollback(BaseModel):
    """A former edition that is published as a new one."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"edition": 3, "preview": True}]})

    edition: int = Field(ge=1, le=2**31 - 1, description="The former edition.")
    name: str | None = Field(default=None, min_length=1, max_length=120, description="Name of the new edition.")
    effective_at: str | None = Field(default=None, max_length=40, description="As with publish; without it: at once.")
    draft: bool = Field(default=False, description="Only make the plan, to look at first.")
    preview: bool = Field(default=False, description="Only say what it would do; nothing is written.")


@router.post("/rollback", summary="恢复:把以前的版本作为新版发布", response_model=shapes.RolledBack)
def roll_back(here: Here, order: Rollback) -> Response:
    """Publish a former edition as a new one, by a plan of its own; open requests and duties follow."""
    return json_of(
        rollback(
            here.plans,
            order.edition,
            who=TOKEN_NAME,
            name=order.name,
            at=order.effective_at,
            draft=order.draft,
            commit=not order.preview,
        )
    )


class Rebase(Seen):
    """The edition that a plan goes to, and what holds where both changed the same."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"base_revision": 17, "preview": True}, {"base_revision": 17, "otherwise": "mine"}]
        },
    )

    edition: int | None = Field(default=None, ge=1, le=2**31 - 1, description="The edition; default: the newest.")
    settle: dict[Annotated[str, Field(max_length=200)], Side] = Field(
        default_factory=dict, max_length=10_000, description="Which side holds, by the id of a difference."
    )
    otherwise: Side | None = Field(default=None, description="Which side holds in all differences that are not named.")
    preview: bool = Field(default=False, description="Only list the differences; nothing is written.")


@router.post("/{id}/rebase", summary="变基:以新版为起点", response_model=shapes.PlanRebased)
def rebase_plan(here: Here, id: PlanId, order: Rebase) -> Response:  # noqa: A002
    """Let a plan start from a newer edition.

    What only one side changed is taken from that side. What both changed differently is listed (``differences``) and
    settled by a person as *mine* or *theirs*; while anything is open the answer is 409 and ``errors`` has the list.
    """
    return json_of(
        rebase(
            here.plans,
            id,
            who=TOKEN_NAME,
            revision=order.base_revision,
            edition=order.edition,
            settle=order.settle,
            otherwise=order.otherwise,
            commit=not order.preview,
        )
    )


@router.post("/{id}/submit", summary="提交方案", response_model=shapes.Plan)
def submit(here: Here, id: PlanId, seen: Seen) -> Response:  # noqa: A002
    """Hand a draft in; planners change it no more."""
    return json_of(planlife.submit(here.plans, id, revision=seen.base_revision, who=TOKEN_NAME))


@router.post("/{id}/approve", summary="批准方案", response_model=shapes.Plan)
def approve(here: Here, id: PlanId, seen: Seen) -> Response:  # noqa: A002
    """Approve a plan that was handed in. Approval is recorded, not enforced: until there are roles anybody may."""
    return json_of(planlife.approve(here.plans, id, revision=seen.base_revision, who=TOKEN_NAME))


@router.post("/{id}/reopen", summary="退回草案", response_model=shapes.Plan)
def reopen(here: Here, id: PlanId) -> Response:  # noqa: A002
    """Make a plan that was handed in or approved a draft again."""
    return json_of(planlife.reopen(here.plans, id, who=TOKEN_NAME))


@router.post("/{id}/publish", summary="发布方案:立即或定期成为现行版本", response_model=shapes.PlanPublished)
def publish(here: Here, id: PlanId, order: Publish) -> Response:  # noqa: A002
    """Make an approved plan the next edition, at once or at a date; open requests and duties follow when it comes.

    Until its date the plan stays *approved*, with ``edition`` and ``effective_from``; then it is *active* with nobody
    at the keyboard.
    """
    return json_of(
        planlife.publish(
            here.plans,
            id,
            name=order.name,
            at=order.effective_at,
            revision=order.base_revision,
            who=TOKEN_NAME,
        )
    )


@router.post("/{id}/withdraw", summary="撤回尚未生效的发布", response_model=shapes.Plan)
def withdraw(here: Here, id: PlanId) -> Response:  # noqa: A002
    """Take back a publication that waits for its date; the plan is approved again."""
    return json_of(planlife.withdraw(here.plans, id, who=TOKEN_NAME))
