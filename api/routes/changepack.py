"""The change pack of a plan, made by a job; and its assignments as files, in and out."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from api import shapes
from api.present import json_of
from api.routes.jobs import accepted
from api.routes.plans import PlanId
from api.state import TOKEN_NAME, Here
from api.strict import StrictRoute
from gridmap.model.text import Language
from gridmap.services import assignments, jobs, uploads
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


_MEDIA = {
    "csv": "text/csv; charset=utf-8",
    "geojson": "application/geo+json",
    "gpkg": "application/geopackage+sqlite3",
}
_OUT: dict[int | str, dict[str, Any]] = {
    200: {"content": {media.partition(";")[0]: {"schema": {"type": "string"}} for media in _MEDIA.values()}}
}
_IN = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}


@router.get("/{id}/assignments", summary="每栋楼的网格,或网格边界", response_class=Response, responses=_OUT)
def assigned(
    here: Here,
    id: PlanId,  # noqa: A002
    *,
    format: Annotated[  # noqa: A002
        Literal["csv", "geojson", "gpkg"], Query(description="csv: building_id, grid_code; else the leaf grids.")
    ] = "csv",
) -> Response:
    """Return which building is in which grid of the plan, or its leaf grids, as a file that import takes back."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / f"plan-{id}.{format}"
        assignments.export_assignments(here.plans, id, file, form=format)
        content = file.read_bytes()
    named = {"Content-Disposition": f'attachment; filename="plan-{id}.{format}"'}
    return Response(content, media_type=_MEDIA[format], headers=named)


@router.post("/{id}/import", summary="导入楼栋网格表或网格边界", response_model=shapes.PlanBrought, openapi_extra=_IN)
async def bring(
    request: Request,
    here: Here,
    id: PlanId,  # noqa: A002
    *,
    name: Annotated[str, Query(max_length=120, description="Name of the file; its ending tells the format.")],
    make_grids: Annotated[bool, Query(description="Codes that there are not begin grids.")] = False,
    across_communities: Annotated[bool, Query(description="Take land of other communities too.")] = False,
    skip_bad: Annotated[bool, Query(description="Do it although rows are bad; pass over them.")] = False,
    commit: Annotated[bool, Query(description="Do it; without this only say what it would do.")] = False,
) -> Response:
    """Bring the file that is the body into the plan, as one operation: a dry run unless ``commit`` is true.

    It lists buildings that there are not, that are named twice or not at all, and codes that there are not. Polygons
    are made to fit together first, and what that took is said.
    """
    file = await uploads.keep_upload(here.settings.data_dir, name, request.stream())
    told = await run_in_threadpool(
        assignments.bring_file,
        here.plans,
        id,
        file,
        who=TOKEN_NAME,
        commit=commit,
        make_grids=make_grids,
        across_communities=across_communities,
        skip_bad=skip_bad,
    )
    return json_of(told)
