"""Many places at once: columns of up to 10,000 rows as JSON, or a file."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated, Any, Self

import numpy as np
import pandas as pd
from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field, model_validator
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from api.moments import Moment
from api.present import json_of
from api.state import Here
from api.strict import StrictRoute
from gridmap.core.locate.assign import ASSIGNED
from gridmap.errors import InputError
from gridmap.services import uploads
from gridmap.services.assigning import AssignOrder, assign_file, assign_table
from gridmap.services.locate import Locator

router = APIRouter(prefix="/v1/locate", tags=["locate"], route_class=StrictRoute)

MOST_ROWS = 10_000
_Crs = Annotated[str, Field(pattern=r"^[A-Za-z0-9:_-]{1,32}$", description="EPSG:n, CGCS2000, GCJ-02 or BD-09.")]
_Number = Annotated[float, Field(allow_inf_nan=False)]
_ROLES = ("lon", "lat", "address", "accuracy_m")
_FILE: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}


class Columns(BaseModel):
    """Where the rows are: columns of the same length, of points, of addresses, or of both."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"lon": [112.905, None], "lat": [36.402, None], "address": [None, "春和苑2栋"]}]
        },
    )

    lon: list[_Number | None] | None = Field(default=None, max_length=MOST_ROWS, description="Longitudes.")
    lat: list[_Number | None] | None = Field(default=None, max_length=MOST_ROWS, description="Latitudes.")
    address: list[Annotated[str, Field(max_length=200)] | None] | None = Field(
        default=None, max_length=MOST_ROWS, description="Estate and building number; an exact one goes first."
    )
    accuracy_m: list[Annotated[float, Field(ge=0, le=100_000, allow_inf_nan=False)] | None] | None = Field(
        default=None, max_length=MOST_ROWS, description="Accuracy of the points."
    )
    crs: _Crs = "EPSG:4326"
    at: Moment | None = Field(default=None, description="The edition in force at this time; default: now.")
    fields: list[str] | None = Field(default=None, max_length=len(ASSIGNED), description="Only these columns.")

    @model_validator(mode="after")
    def _same_length(self) -> Self:
        given = {role: len(values) for role in _ROLES if (values := getattr(self, role)) is not None}
        if len(set(given.values())) > 1:
            said = ", ".join(f"{role} {n}" for role, n in given.items())
            raise InputError(f"各列的行数不同:{said}。", f"The columns differ in length: {said}.")
        if ("lon" in given) != ("lat" in given) or not given.keys() & {"lon", "address"}:
            raise InputError("请同时给出 lon 和 lat,或给出 address。", "Give both lon and lat, or address.")
        unknown = [name for name in self.fields or () if name not in ASSIGNED]
        if unknown:
            raise InputError(
                f"没有这些列:{', '.join(unknown)}。可选 {', '.join(ASSIGNED)}。",
                f"There are no columns {', '.join(unknown)}. There are {', '.join(ASSIGNED)}.",
            )
        return self


class Assigned(BaseModel):
    """One value for each row, in the order that was sent; a column that was not asked for is left out."""

    edition: int
    rows: int
    grid_code: list[str | None] = []
    community_code: list[str | None] = []
    building_id: list[str | None] = []
    method: list[str] = []
    near_boundary: list[bool] = []
    boundary_m: list[float | None] = []
    candidates: list[str | None] = []
    reason: list[str | None] = []


class FileOrder(BaseModel):
    """The file and how to read it; the same words as ``gridmap assign``."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(max_length=120, description="Name of the file; its ending tells the format: csv, gpkg, geojson.")
    map: list[str] = Field(default=[], max_length=8, description="ours=theirs: lon, lat, address or accuracy_m.")
    layer: str | None = Field(default=None, max_length=120, description="Layer of a GeoPackage that has several.")
    crs: _Crs = "EPSG:4326"
    at: Moment | None = Field(default=None, description="The edition in force at this time; default: now.")


@router.post("/batch", summary="批量定位:最多一万行,按列", response_model=Assigned)
def batch(here: Here, columns: Columns) -> Response:
    """Locate up to 10,000 rows; every row has an answer, also the one that cannot be located (``reason``).

    An exactly named building goes first, then the point, then the estate (``needs=building``). Nothing is kept.
    """
    given = {role: values for role in _ROLES if (values := getattr(columns, role)) is not None}
    table = pd.DataFrame({role: pd.Series(values, dtype=object) for role, values in given.items()})
    found = assign_table(here.locator, table, {r: r for r in given}, crs=columns.crs, at=columns.at)
    edition, _ = here.locator.index_at(columns.at)
    told: dict[str, Any] = {"edition": edition, "rows": len(found)}
    for name in columns.fields or ASSIGNED:
        values = found[name].to_numpy()
        told[name] = values.astype(np.float64) if name == "boundary_m" else values.tolist()
    return json_of(told)


@router.post(
    "/file",
    summary="批量定位:一个文件,原样加列",
    response_class=FileResponse,
    responses={200: {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}},
    openapi_extra=_FILE,
)
async def file(request: Request, here: Here, order: Annotated[FileOrder, Query()]) -> Response:
    """Return the file that is the body with the grid of every row: its own columns as they were, then the new ones.

    CSV in UTF-8, GeoPackage or GeoJSON. Nothing of it is kept.
    """
    from gridmap.io.recognise import parse_mapping

    mapping = parse_mapping(order.map)
    source = await uploads.keep_upload(here.settings.data_dir, order.name, request.stream())
    try:
        target = await run_in_threadpool(_located, here.locator, source, order, mapping)
    except BaseException:
        shutil.rmtree(source.parent, ignore_errors=True)
        raise
    gone = BackgroundTask(shutil.rmtree, source.parent, ignore_errors=True)
    return FileResponse(target, filename=target.name, background=gone, headers={"Cache-Control": "no-store"})


def _located(locator: Locator, source: Path, order: FileOrder, mapping: dict[str, str]) -> Path:
    target = source.with_name(f"{source.name.split('.')[0]}-grids{source.suffix}")
    assign_file(locator, AssignOrder(source, target, mapping, order.crs, order.at, order.layer))
    return target
