"""Whose place is this."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from starlette.responses import Response

from api import shapes
from api.present import json_of
from api.state import Here

router = APIRouter(prefix="/v1", tags=["locate"])


class Point(BaseModel):
    """Where, in which coordinate system, how exactly, and when."""

    model_config = ConfigDict(extra="forbid")

    lon: float = Field(allow_inf_nan=False, description="Longitude in degrees (or the easting of a metric crs).")
    lat: float = Field(allow_inf_nan=False, description="Latitude in degrees (or the northing of a metric crs).")
    crs: str = Field(
        default="EPSG:4326", pattern=r"^[A-Za-z0-9:_-]{1,32}$", description="EPSG:n, CGCS2000, GCJ-02 or BD-09."
    )
    accuracy_m: float | None = Field(default=None, ge=0, le=100_000, allow_inf_nan=False, description="Of the point.")
    at: AwareDatetime | None = Field(default=None, description="The edition in force at this time; default: now.")
    address: str | None = Field(default=None, max_length=200, description="Estate and building number, where known.")


@router.get("/locate", response_model=shapes.Located)
async def locate(here: Here, point: Annotated[Point, Query()]) -> Response:
    """Return building, grid, chain of levels, people responsible and stations; near a boundary with candidates."""
    found = here.locator.locate(
        point.lon, point.lat, crs=point.crs, accuracy_m=point.accuracy_m, at=point.at, address=point.address
    )
    return json_of(found)
