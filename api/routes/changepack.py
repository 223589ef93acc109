"""The change pack of a plan, made by a job."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import FileResponse, Response

from api import shapes
from api.routes.jobs import accepted
from api.routes.plans import PlanId
from api.state import TOKEN_NAME, Here
from api.strict import StrictRoute
from gridmap.model.text import Language
from gridmap.services import jobs
from gridmap.services.changepack import kept_pack

router = APIRouter(prefix="/v1/plans", tags=["plans"], route_class=StrictRoute)
Lang = Annotated[Language, Query(description="Language of tables and pages.")]
_ACCEPTED: dict[int | str, dict[str, Any]] = {
    202: {"model": shapes.Job, "headers": {"Location": {"schema": {"type": "string"}}}}
}
_ZIP: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}}}
}


@router.post(
    "/{id}/change-pack",
    summary="生成变更资料包(任务)",
    status_code=202,
    response_model=shapes.Job,
    responses=_ACCEPTED,
)
def make(here: Here, id: PlanId, *, lang: Lang = "zh") -> Response:  # noqa: A002 (the name in the address)
    """Make the change pack of a plan as it is now, as a job; GET of the same address then answers with it."""
    here.plans.show(id, who=TOKEN_NAME)
    inputs = {"plan": id, "language": lang, "folder": str(here.settings.data_dir / "packs")}
    return accepted(here, jobs.submit(here.place, "change-pack", inputs, who=TOKEN_NAME))


@router.get("/{id}/change-pack", summary="下载变更资料包(ZIP)", response_class=Response, responses=_ZIP)
def pack(here: Here, id: PlanId, *, lang: Lang = "zh") -> Response:  # noqa: A002
    """Return the change pack of the plan as it is now, which a job made: 404 until then, and after another step."""
    file = kept_pack(here.plans, id, here.settings.data_dir / "packs", language=lang, who=TOKEN_NAME)
    return FileResponse(file, media_type="application/zip", filename=f"plan-{id}.zip")
