"""What the jurisdiction sets for itself."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from api import shapes
from api.present import json_of
from api.routes.scenarios import _IF_MATCH, _TAGGED
from api.state import TOKEN_NAME, Here
from api.strict import StrictRoute
from api.tags import matched, strong

router = APIRouter(prefix="/v1", tags=["places"], route_class=StrictRoute)
_Value = (
    Annotated[str, Field(max_length=200)]
    | Annotated[int, Field(strict=True, ge=-(2**62), le=2**62)]
    | Annotated[float, Field(strict=True, allow_inf_nan=False)]
    | Annotated[list[Annotated[str, Field(max_length=200)]], Field(max_length=50)]
    | None
)
DryRun = Annotated[bool, Query(description="Only say what would change and what follows from it.")]


class SettingsEdit(BaseModel):
    """New values by name, null: the default again; what is left out stays."""

    model_config = ConfigDict(extra="forbid")

    values: dict[Annotated[str, Field(max_length=100)], _Value] = Field(min_length=1, max_length=100)
    source: str | None = Field(default=None, max_length=500, description="Where the values come from; kept with them.")


@router.get("/settings", summary="辖区设置", response_model=shapes.JurisdictionSettings, responses=_TAGGED)
def settings(here: Here) -> Response:
    """Return the settings of the jurisdiction with defaults and sources; the ETag is needed to change them."""
    from gridmap.services import jurisdiction_settings as service

    told = service.show(here.place)
    return json_of(told, headers={"ETag": strong(service.tag_of(told))})


@router.patch(
    "/settings",
    summary="修改辖区设置",
    response_model=shapes.JurisdictionSettingsChanged,
    responses=_TAGGED,
    openapi_extra=_IF_MATCH,
)
def change(request: Request, here: Here, order: SettingsEdit, dry_run: DryRun = False) -> Response:
    """Change settings; estimates of households are worked out anew where a constant of theirs changes."""
    from gridmap.services import jurisdiction_settings as service

    told = service.change(
        here.place, order.values, who=TOKEN_NAME, commit=not dry_run, source=order.source, tag=matched(request)
    )
    now = service.show(here.place) if dry_run else told
    return json_of(told, headers={"ETag": strong(service.tag_of(now))})
