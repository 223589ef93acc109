"""What people say about plans, and how the scores of a plan went."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from api import shapes
from api.present import json_of
from api.routes.plans import PlanId
from api.state import TOKEN_NAME, Here
from api.strict import StrictRoute
from gridmap.services import plancomments

router = APIRouter(prefix="/v1/plans", tags=["plans"], route_class=StrictRoute)
CommentId = Annotated[int, Path(ge=1, le=2**62, description="Number of the comment.")]


class NewComment(BaseModel):
    """Something to say about a plan, or about one of its grids or a point."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"words": "这条街应归东风社区。", "grid": "990101001001001"}]},
    )

    words: str = Field(min_length=1, max_length=plancomments.MOST_WORDS, description="Kept and shown as words only.")
    grid: str | None = Field(default=None, min_length=1, max_length=40, description="Code of the grid.")
    lon: float | None = Field(default=None, ge=-180, le=180, allow_inf_nan=False)
    lat: float | None = Field(default=None, ge=-90, le=90, allow_inf_nan=False)


class Settled(BaseModel):
    """Whether a comment is settled."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"settled": True}]})

    settled: bool = True


@router.get("/{id}/comments", summary="方案的意见,最早的在前", response_model=shapes.PlanComments)
def list_comments(here: Here, id: PlanId) -> Response:  # noqa: A002 (the name in the address)
    """Return what people said about a plan, its grids and places, the oldest first."""
    return json_of({"comments": plancomments.comments(here.plans, id)})


@router.post("/{id}/comments", summary="对方案、网格或地点提意见", status_code=201, response_model=shapes.PlanComment)
def new_comment(here: Here, id: PlanId, said: NewComment) -> Response:  # noqa: A002
    """Say something about a plan, in any state of it; comments are never changed, only settled."""
    at = None if said.lon is None or said.lat is None else (said.lon, said.lat)
    made = plancomments.comment(here.plans, id, said.words, who=TOKEN_NAME, grid=said.grid, at=at)
    return json_of(made, status=201)


@router.post("/{id}/comments/{comment}/settle", summary="意见已处理", response_model=shapes.PlanComment)
def settle_comment(here: Here, id: PlanId, comment: CommentId, mark: Settled) -> Response:  # noqa: A002
    """Note that a comment is settled, or is not after all; its words stay."""
    return json_of(plancomments.settle(here.plans, id, comment, who=TOKEN_NAME, settled=mark.settled))


@router.get("/{id}/scores", summary="评分随操作的变化,最新的在前", response_model=shapes.PlanScores)
def scores(
    here: Here,
    id: PlanId,  # noqa: A002
    *,
    before: Annotated[
        int | None, Query(ge=1, le=2**31 - 1, description="The smallest number of the page before.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Response:
    """Return the score of the edition that the plan started from, and that after each operation, the newest first."""
    return json_of(here.plans.scores(id, before=before, limit=limit))
