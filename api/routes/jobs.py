"""Long work: jobs, and what starts them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse

from api import shapes
from api.present import json_of
from api.state import TOKEN_NAME, Here
from api.strict import StrictRoute
from gridmap.services import jobs

router = APIRouter(prefix="/v1", tags=["jobs"], route_class=StrictRoute)
JobId = Annotated[int, Path(ge=1, le=2**62, description="Number of the job.")]
Before = Annotated[int | None, Query(ge=1, le=2**62, description="The smallest number of the page before.")]
Kind = Annotated[str | None, Query(max_length=40)]
_ACCEPTED: dict[int | str, dict[str, Any]] = {
    202: {"model": shapes.Job, "headers": {"Location": {"schema": {"type": "string"}}}}
}


class CellsOrder(BaseModel):
    """What to know for making cells: nothing so far."""

    model_config = ConfigDict(extra="forbid", strict=True)


@router.get("/jobs", response_model=shapes.Jobs)
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


@router.get("/jobs/{id}", response_model=shapes.Job)
def job(here: Here, id: JobId) -> Response:  # noqa: A002 (the name in the address)
    """Return a job: state, percent, message, result."""
    return json_of(jobs.get(here.place, id))


@router.delete("/jobs/{id}", response_model=shapes.Job)
def cancel(here: Here, id: JobId) -> Response:  # noqa: A002
    """Cancel a job: at once when it waits, else as soon as its process looks; one that has ended stays so."""
    return json_of(jobs.cancel(here.place, id, who=TOKEN_NAME))


@router.post("/jobs/{id}/restart", status_code=202, response_model=shapes.Job)
def restart(here: Here, id: JobId) -> Response:  # noqa: A002
    """Do an interrupted, failed or cancelled job again, with the same input."""
    return json_of(jobs.restart(here.place, id, who=TOKEN_NAME), status=202)


@router.get(
    "/jobs/{id}/events",
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


@router.post("/cells", status_code=202, response_model=shapes.Job, responses=_ACCEPTED)
def make_cells(here: Here, order: CellsOrder | None = None) -> Response:
    """Make the cells anew from the base data, as a job."""
    return accepted(here, jobs.submit(here.place, "cells", order.model_dump() if order else {}, who=TOKEN_NAME))


def accepted(here: Here, number: int) -> Response:
    """Return 202 with the job and where to ask for it."""
    return json_of(jobs.get(here.place, number), status=202, headers={"Location": f"/v1/jobs/{number}"})
