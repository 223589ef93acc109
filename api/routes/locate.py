"""Whose place is this."""

from __future__ import annotations

import asyncio
import time
from typing import Annotated, Any, Self

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field, model_validator
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from api import shapes
from api.moments import Moment
from api.present import json_of
from api.state import Here
from gridmap.errors import InputError, NotReady
from gridmap.services.locate import Locator

router = APIRouter(prefix="/v1", tags=["locate"])
_WAIT_S = 2.0
_LOOK_S = 0.1


class Point(BaseModel):
    """Where, in which coordinate system, how exactly, and when; or an address alone."""

    model_config = ConfigDict(extra="forbid")

    lon: float | None = Field(
        default=None, allow_inf_nan=False, description="Longitude in degrees (easting of a metric crs)."
    )
    lat: float | None = Field(
        default=None, allow_inf_nan=False, description="Latitude in degrees (northing of a metric crs)."
    )
    crs: str = Field(
        default="EPSG:4326", pattern=r"^[A-Za-z0-9:_-]{1,32}$", description="EPSG:n, CGCS2000, GCJ-02 or BD-09."
    )
    accuracy_m: float | None = Field(default=None, ge=0, le=100_000, allow_inf_nan=False, description="Of the point.")
    at: Moment | None = Field(default=None, description="The edition in force at this time; default: now.")
    address: str | None = Field(default=None, max_length=200, description="Estate and building number, where known.")
    path: bool = Field(default=False, description="With the way to each station.")
    walk: bool = Field(default=True, description="Stations by walking time; false: nearest in a straight line, faster.")
    min_edition: int | None = Field(
        default=None, ge=1, le=2**31 - 1, description="Wait up to 2 s for this edition, which was just published."
    )

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.lon is None) != (self.lat is None) or (self.lon is None and self.address is None):
            raise InputError("请同时给出 lon 和 lat,或给出 address。", "Give both lon and lat, or an address.")
        return self


@router.get("/locate", summary="定位:这个点或地址归谁管", response_model=shapes.Located)
async def locate(here: Here, point: Annotated[Point, Query()]) -> Response:
    """Return building, grid, chain of levels, people responsible and stations; near a boundary with candidates."""
    await _until(here.locator, point.min_edition)
    asked: dict[str, Any] = point.model_dump(exclude={"min_edition", "walk", "path"})
    town = here.town if point.walk else None
    if town is None and here.locator.ready(point.at):
        return json_of(here.locator.locate(**asked))
    # a walk takes milliseconds: not in the way of everybody else
    return json_of(await run_in_threadpool(here.locator.locate, **asked, town=town, path=point.path))


async def _until(locator: Locator, edition: int | None) -> None:
    end = time.monotonic() + _WAIT_S
    while edition is not None and (locator.edition or 0) < edition:
        if time.monotonic() > end:
            raise NotReady(
                f"版本 {edition} 在 {_WAIT_S:.0f} 秒内还没有生效。",
                f"Edition {edition} did not come into force within {_WAIT_S:.0f} seconds.",
            )
        if not await run_in_threadpool(locator.refresh):
            await asyncio.sleep(_LOOK_S)
