"""Where the next stations should stand."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from fastapi import APIRouter
from pydantic import Field, model_validator
from starlette.responses import Response

from api import shapes
from api.present import json_of
from api.routes.coverage import Asked, Changes
from api.state import TOKEN_NAME, Here
from api.strict import StrictRoute
from gridmap.errors import InputError
from gridmap.services import jobs

router = APIRouter(prefix="/v1", tags=["coverage"], route_class=StrictRoute)
_ACCEPTED: dict[int | str, dict[str, Any]] = {
    202: {"model": shapes.Proposed, "headers": {"Location": {"schema": {"type": "string"}}}}
}
Codes = Annotated[list[Annotated[str, Field(min_length=1, max_length=120)]], Field(min_length=1, max_length=5000)]


class SitingOrder(Asked):
    """What is to be chosen, from what, to which end."""

    method: Literal["max_cover", "set_cover", "p_median"] = "max_cover"
    count: Annotated[int, Field(ge=1, le=500)] | None = Field(default=None, description="How many new stations.")
    target_share: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)] | None = Field(
        default=None, description="set_cover: the share to reach with the fewest stations."
    )
    candidates: Literal["candidates", "public", "buildings"] | Codes = Field(
        default="candidates", description="The imported candidates, public buildings, any building, or codes."
    )
    objective: Literal["households", "people"] = "households"
    weights: dict[str, Annotated[float, Field(ge=0, le=1000, allow_inf_nan=False)]] = Field(
        default={}, max_length=20_000, description="How much those who live in a grid count: code to factor."
    )
    capacity: Annotated[float, Field(gt=0, le=1e9, allow_inf_nan=False)] | None = Field(
        default=None, description="Households that one new station can serve."
    )
    spacing_m: Annotated[float, Field(gt=0, le=1e6, allow_inf_nan=False)] | None = Field(
        default=None, description="Least metres between stations, in a straight line."
    )
    changes: Changes | None = Field(default=None, description="Changes that are tried first.")
    prove: bool = Field(default=False, description="Prove it, too, as a job.")
    time_limit_s: float = Field(default=600, gt=0, le=86_400, allow_inf_nan=False, description="Of the proof.")

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.method == "set_cover" and self.target_share is None:
            raise InputError("set_cover 需要 target_share(大于 0、不超过 1)。", "set_cover needs target_share.")
        if self.method != "set_cover" and self.count is None:
            raise InputError("请给出新站点个数 count。", "Give count, the number of new stations.")
        return self


@router.post("/siting", summary="选址:下一批站点放在哪里", response_model=shapes.Proposed, responses=_ACCEPTED)
def propose(here: Here, order: SitingOrder) -> Response:
    """Propose sites at once; with ``prove`` a job goes on until no better choice can exist (202)."""
    from gridmap.services import siting as service

    asked = service.SitingOrder(
        method=order.method,
        count=order.count,
        target_share=order.target_share,
        candidates=order.candidates,
        objective=order.objective,
        weights=order.weights,
        capacity=order.capacity,
        spacing_m=order.spacing_m,
        time_limit_s=order.time_limit_s,
        question=order.question(),
        changes=None if order.changes is None else [change.plain() for change in order.changes],
    )
    told = service.propose(here.walker, asked)
    if not order.prove:
        return json_of(told)
    number = jobs.submit(here.place, "siting", asked.as_input(), who=TOKEN_NAME)
    location = {"Location": f"/v1/jobs/{number}"}
    return json_of(told | {"job": jobs.get(here.place, number)}, status=202, headers=location)
