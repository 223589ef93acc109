"""Scenarios: named sets of changes, compared with today, and made real."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from api import shapes
from api.present import json_of
from api.routes.coverage import AskedBy, Changes
from api.state import TOKEN_NAME, Here
from api.strict import StrictRoute
from api.tags import revision_of, strong

if TYPE_CHECKING:
    from gridmap.store.scenarios import ScenarioRow

router = APIRouter(prefix="/v1", tags=["coverage"], route_class=StrictRoute)
ScenarioId = Annotated[int, Path(ge=1, le=2**62, description="Number of the scenario.")]
_TAGGED: dict[int | str, dict[str, Any]] = {200: {"headers": {"ETag": {"schema": {"type": "string"}}}}}
_IF_MATCH = {
    "parameters": [
        {
            "name": "If-Match",
            "in": "header",
            "required": False,
            "description": "The ETag that was read; without it 428, when it is no longer so 412.",
            "schema": {"type": "string"},
        }
    ]
}


class NewScenario(BaseModel):
    """A scenario to be kept."""

    model_config = ConfigDict(extra="forbid")

    title: str = Field(min_length=1, max_length=120)
    changes: Changes = []


class ScenarioEdit(BaseModel):
    """What a scenario is to be; what is left out stays."""

    model_config = ConfigDict(extra="forbid")

    title: str | None = Field(default=None, min_length=1, max_length=120)
    changes: Changes | None = None


class Nothing(BaseModel):
    """A body without content."""

    model_config = ConfigDict(extra="forbid")


@router.get("/scenarios", summary="方案列表,最近改动的在前", response_model=shapes.Scenarios)
def list_scenarios(here: Here) -> Response:
    """Return all scenarios, the one changed last first."""
    from gridmap.services import scenarios as service

    return json_of({"scenarios": service.list_scenarios(here.place)})


@router.post("/scenarios", summary="新建方案", status_code=201, response_model=shapes.Scenario)
def create(here: Here, order: NewScenario) -> Response:
    """Keep a scenario; nothing real changes."""
    from gridmap.services import scenarios as service

    changes = [change.plain() for change in order.changes]
    row = service.create(here.walker, title=order.title, changes=changes, who=TOKEN_NAME)
    return _told(row, status=201, headers={"Location": f"/v1/scenarios/{row.id}"})


@router.get("/scenarios/{id}", summary="一个方案", response_model=shapes.Scenario, responses=_TAGGED)
def scenario(here: Here, id: ScenarioId) -> Response:  # noqa: A002 (the name in the address)
    """Return a scenario with its changes; the ETag is needed to change it."""
    from gridmap.services import scenarios as service

    return _told(service.find(here.place, id))


@router.put(
    "/scenarios/{id}", summary="修改方案", response_model=shapes.Scenario, responses=_TAGGED, openapi_extra=_IF_MATCH
)
def update(request: Request, here: Here, id: ScenarioId, order: ScenarioEdit) -> Response:  # noqa: A002
    """Replace title or changes of a scenario."""
    from gridmap.services import scenarios as service

    revision = revision_of(request)
    changes = None if order.changes is None else [change.plain() for change in order.changes]
    return _told(service.update(here.walker, id, title=order.title, changes=changes, who=TOKEN_NAME, revision=revision))


@router.delete("/scenarios/{id}", summary="删除方案", status_code=204, response_class=Response, openapi_extra=_IF_MATCH)
def delete(request: Request, here: Here, id: ScenarioId) -> Response:  # noqa: A002
    """Delete a scenario; what was applied stays."""
    from gridmap.services import scenarios as service

    service.delete(here.place, id, who=TOKEN_NAME, revision=revision_of(request))
    return Response(status_code=204)


@router.get("/scenarios/{id}/compare", summary="方案与现状对照", response_model=shapes.Comparison)
def compare(here: Here, id: ScenarioId, asked: Annotated[AskedBy, Query()]) -> Response:  # noqa: A002
    """Set a scenario beside today: totals and rows of both, and the difference."""
    from gridmap.services import coverage as service

    question = asked.model_copy(update={"scenario": id}).question()
    return json_of(service.compare(here.walker, question, by=asked.by))


@router.post(
    "/scenarios/{id}/apply",
    summary="应用方案(成为现实)",
    response_model=shapes.Scenario,
    responses=_TAGGED,
    openapi_extra=_IF_MATCH,
)
def apply(request: Request, here: Here, id: ScenarioId, order: Nothing | None = None) -> Response:  # noqa: A002, ARG001
    """Make the changes to stations of a scenario real, all or none; streets stay as imported."""
    from gridmap.services import scenarios as service

    done = service.apply(here.walker, id, who=TOKEN_NAME, revision=revision_of(request))
    row = service.find(here.place, id)
    told = service.told(row) | {"applied": done["applied"], "left_out": done["left_out"]}
    return json_of(told, headers={"ETag": strong(row.revision)})


def _told(row: ScenarioRow, *, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    from gridmap.services import scenarios as service

    return json_of(service.told(row), status=status, headers={"ETag": strong(row.revision), **(headers or {})})
