"""The life of a plan after it is drawn: handed in, approved, published."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from api import shapes
from api.present import json_of
from api.routes.plans import PlanId
from api.state import TOKEN_NAME, Here
from api.strict import StrictRoute
from gridmap.services import planlife

router = APIRouter(prefix="/v1/plans", tags=["plans"], route_class=StrictRoute)


class Seen(BaseModel):
    """The revision of the plan that the person saw."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"base_revision": 17}]})

    base_revision: int = Field(ge=0, le=2**31 - 1, description="409 when the plan has another one by now.")


class Publish(Seen):
    """The name of the edition that the plan becomes."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"base_revision": 17, "name": "2027 年网格"}]}
    )

    name: str = Field(min_length=1, max_length=120)


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


@router.post("/{id}/publish", summary="发布方案:立即成为现行版本", response_model=shapes.PlanPublished)
def publish(here: Here, id: PlanId, order: Publish) -> Response:  # noqa: A002
    """Put an approved plan in force at once, as the next edition; open requests and duties follow."""
    return json_of(planlife.publish(here.plans, id, name=order.name, revision=order.base_revision, who=TOKEN_NAME))
