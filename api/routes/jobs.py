"""Long work: jobs, and what starts them."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic_core import PydanticCustomError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from api import shapes
from api.present import json_of
from api.state import TOKEN_NAME, Here
from api.strict import StrictRoute
from gridmap.services import jobs, uploads

router = APIRouter(prefix="/v1", tags=["jobs"], route_class=StrictRoute)
JobId = Annotated[int, Path(ge=1, le=2**62, description="Number of the job.")]
Before = Annotated[int | None, Query(ge=1, le=2**62, description="The smallest number of the page before.")]
Kind = Annotated[str | None, Query(max_length=40)]
_ACCEPTED: dict[int | str, dict[str, Any]] = {
    202: {"model": shapes.Job, "headers": {"Location": {"schema": {"type": "string"}}}}
}
_FILE = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}


class ImportOrder(BaseModel):
    """What the file is and how to read it; the same words as ``gridmap import``."""

    model_config = ConfigDict(extra="forbid")

    kind: str = Field(max_length=40, description="osm, or a kind of data: areas, streets, buildings, grids …")
    name: str = Field(max_length=120, description="Name of the file; its ending tells the format.")
    layer: str | None = Field(default=None, max_length=120, description="Layer of a GeoPackage that has several.")
    map: list[str] = Field(default=[], max_length=60, description="ours=theirs: which column of the file is ours.")
    where: list[str] = Field(default=[], max_length=20, description="column=value: only rows with this value.")
    bbox: str | None = Field(
        default=None,
        pattern=r"^-?\d{1,3}(\.\d{1,9})?(,-?\d{1,3}(\.\d{1,9})?){3}$",
        description="osm: west,south,east,north in degrees; only what touches this box.",
    )
    with_contacts: bool = Field(default=False, description="Take names and telephones too.")
    skip_bad: bool = Field(default=False, description="Take the good rows although others have errors.")
    edition: str | None = Field(default=None, max_length=120, description="Grids: the edition that they become.")
    effective_from: str | None = Field(default=None, max_length=40, description="Grids: its date, such as 2026-01-01.")
    plan: str | None = Field(default=None, max_length=120, description="Grids: the draft that they become.")
    commit: bool = Field(
        default=False, description="Keep what was imported; without it the job is a dry run that writes nothing."
    )

    @field_validator("map", "where")
    @classmethod
    def _pairs(cls, pairs: list[str]) -> list[str]:
        if not all(re.fullmatch(r"[^=]+=.+", pair) for pair in pairs):
            raise PydanticCustomError("string_pattern_mismatch", "ours=theirs", {"pattern": "ours=theirs"})
        return pairs

    def inputs(self, path: str) -> dict[str, Any]:
        """Return the input of the job that imports the file at ``path``."""
        return self.model_dump(exclude={"name", "map"}) | {
            "path": path,
            "mapping": dict(pair.split("=", 1) for pair in self.map),
            "where": dict(pair.split("=", 1) for pair in self.where),
            "bbox": None if self.bbox is None else [float(degrees) for degrees in self.bbox.split(",")],
        }


class CellsOrder(BaseModel):
    """What to know for making cells: nothing so far."""

    model_config = ConfigDict(extra="forbid", strict=True)


@router.get("/jobs", summary="任务列表,最新的在前", response_model=shapes.Jobs)
def list_jobs(
    here: Here,
    *,
    state: jobs.State | None = None,
    kind: Kind = None,
    before: Before = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Response:
    """Return jobs, the newest first."""
    return json_of({"jobs": jobs.list_jobs(here.place, state=state, kind=kind, before=before, limit=limit)})


@router.get("/jobs/{id}", summary="一项任务:状态、百分比、结果", response_model=shapes.Job)
def job(here: Here, id: JobId) -> Response:  # noqa: A002 (the name in the address)
    """Return a job: state, percent, message, result."""
    return json_of(jobs.get(here.place, id))


@router.delete("/jobs/{id}", summary="取消任务", response_model=shapes.Job)
def cancel(here: Here, id: JobId) -> Response:  # noqa: A002
    """Cancel a job: at once when it waits, else as soon as its process looks; one that has ended stays so."""
    return json_of(jobs.cancel(here.place, id, who=TOKEN_NAME))


@router.post("/jobs/{id}/restart", summary="重新开始中断、失败或取消的任务", status_code=202, response_model=shapes.Job)
def restart(here: Here, id: JobId) -> Response:  # noqa: A002
    """Do an interrupted, failed or cancelled job again, with the same input."""
    return json_of(jobs.restart(here.place, id, who=TOKEN_NAME), status=202)


@router.get(
    "/jobs/{id}/events",
    summary="跟踪任务进展(事件流)",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}},
)
async def events(here: Here, id: JobId) -> Response:  # noqa: A002
    """Follow a job as server-sent events named ``job``, until it has ended."""
    await run_in_threadpool(jobs.get, here.place, id)

    async def stream() -> AsyncIterator[bytes]:
        async for view in jobs.watch_events(here.place, id):
            yield b"event: job\ndata: " + orjson.dumps(view.as_dict(), default=str) + b"\n\n"

    return StreamingResponse(stream(), headers={"Cache-Control": "no-store"}, media_type="text/event-stream")


@router.post(
    "/cells", summary="重新生成基本单元(任务)", status_code=202, response_model=shapes.Job, responses=_ACCEPTED
)
def make_cells(here: Here, order: CellsOrder | None = None) -> Response:
    """Make the cells anew from the base data, as a job."""
    return accepted(here, jobs.submit(here.place, "cells", order.model_dump() if order else {}, who=TOKEN_NAME))


@router.post(
    "/imports",
    summary="导入文件(任务);不加 commit=true 只预演",
    status_code=202,
    response_model=shapes.ImportJob,
    responses={202: _ACCEPTED[202] | {"model": shapes.ImportJob}},
    openapi_extra=_FILE,
)
async def import_file(request: Request, here: Here, order: Annotated[ImportOrder, Query()]) -> Response:
    """Bring in the file that is the body, as a job: a dry run unless ``commit`` is true.

    Its ``result`` says how many rows are new, changed and rejected, why, and what else changes; a dry run does
    everything and takes it back, so its figures are exact. To keep them send the file again with ``commit=true``;
    then nothing is written when a row is bad (see ``skip_bad``).
    """
    await run_in_threadpool(uploads.forget_old, here.settings.data_dir)
    file = await uploads.keep_upload(here.settings.data_dir, order.name, request.stream())
    number = await run_in_threadpool(jobs.submit, here.place, "import", order.inputs(str(file)), who=TOKEN_NAME)
    return await run_in_threadpool(accepted, here, number)


def accepted(here: Here, number: int) -> Response:
    """Return 202 with the job and where to ask for it."""
    return json_of(jobs.get(here.place, number), status=202, headers={"Location": f"/v1/jobs/{number}"})
