"""Stations one by one: facts, edits, new ones, what they reach; and gates of estates."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from api import shapes
from api.present import GeoJson, geojson_of, json_bytes, json_of
from api.routes.coverage import Asked, Hours, Lat, Lon, StationCode, StationKind
from api.routes.scenarios import _IF_MATCH, _TAGGED
from api.state import TOKEN_NAME, Here
from api.strict import StrictRoute
from api.tags import matched, strong

router = APIRouter(prefix="/v1", tags=["coverage"], route_class=StrictRoute)
Code = Annotated[str, Path(min_length=1, max_length=64, description="Code of the station.")]
EstateId = Annotated[int, Path(ge=1, le=2**62, description="Number of the estate.")]
Tier = Annotated[int, Field(ge=1, le=99, description="1 main network, 2 supplementary.")]
Words = Annotated[list[Annotated[str, Field(min_length=1, max_length=120)]], Field(max_length=100)]
GateIs = Annotated[Literal["assumed", "known"] | None, Query(description="Only estates whose gate is that.")]
Tenure = Literal["new", "converted", "rented", "borrowed", "shared"]


class Checks(BaseModel):
    """The eight checks (八有); what is left out stays, null: not known."""

    model_config = ConfigDict(extra="forbid")

    code: bool | None = None
    sign: bool | None = None
    facilities: bool | None = None
    mechanism: bool | None = None
    team: bool | None = None
    activities: bool | None = None
    services: bool | None = None
    guarantee: bool | None = None


class StationEdit(BaseModel):
    """What a station is to be; what is left out stays."""

    model_config = ConfigDict(extra="forbid")

    name: str | None = Field(default=None, min_length=1, max_length=120)
    kind: StationKind | None = None
    tier: Tier | None = None
    services: Words | None = None
    opening_hours: Hours | None = None
    tenure: Tenure | None = None
    rooms: Words | None = None
    address: str | None = Field(default=None, max_length=200)
    checks: Checks | None = None
    lon: Lon | None = None
    lat: Lat | None = None

    def plain(self) -> dict[str, Any]:
        """Return the items that were given."""
        return self.model_dump(exclude_unset=True)


class NewStation(StationEdit):
    """A station that is added."""

    code: StationCode | None = Field(default=None, description="Default: the next free one.")
    name: str = Field(min_length=1, max_length=120)
    kind: StationKind
    lon: Lon
    lat: Lat


class Gate(BaseModel):
    """A place in the wall of an estate (EPSG:4326)."""

    model_config = ConfigDict(extra="forbid")

    lon: Lon
    lat: Lat


@router.post("/stations", summary="添加站点", status_code=201, response_model=shapes.StationFacts)
def add(here: Here, order: NewStation) -> Response:
    """Add a station."""
    from gridmap.services import stations as service

    told = service.add(here.place, order.plain(), who=TOKEN_NAME)
    headers = {"ETag": strong(service.tag_of(told)), "Location": f"/v1/stations/{told['code']}"}
    return json_of(told, status=201, headers=headers)


@router.get(
    "/stations/{code}", summary="一个站点:八有、功能室、时间", response_model=shapes.StationFacts, responses=_TAGGED
)
def station(here: Here, code: Code) -> Response:
    """Return everything known of a station; the ETag is needed to change it."""
    from gridmap.services import stations as service

    told = service.facts(here.place, code)
    return json_of(told, headers={"ETag": strong(service.tag_of(told))})


@router.patch(
    "/stations/{code}",
    summary="修改站点",
    response_model=shapes.StationFacts,
    responses=_TAGGED,
    openapi_extra=_IF_MATCH,
)
def edit(request: Request, here: Here, code: Code, order: StationEdit) -> Response:
    """Change facts of a station; lon and lat move it."""
    from gridmap.services import stations as service

    told = service.edit(here.place, code, order.plain(), who=TOKEN_NAME, tag=matched(request))
    return json_of(told, headers={"ETag": strong(service.tag_of(told))})


@router.get(
    "/stations/{code}/area",
    summary="一个站点的可达范围 (GeoJSON)",
    response_model=shapes.Feature,
    response_class=GeoJson,
)
def area(request: Request, here: Here, code: Code, asked: Annotated[Asked, Query()]) -> Response:
    """Return the land within reach of one station, whom it serves, and how much the drawing errs."""
    from gridmap.services import coverage as service

    return geojson_of(request, json_bytes(service.station_area(here.walker, asked.question(), code)))


@router.get("/opening-hours", summary="营业时间读作什么", response_model=shapes.HoursRead)
def opening_hours(text: Annotated[str, Query(min_length=1, max_length=500)]) -> Response:
    """Return how opening hours are understood, in the usual form and in plain words."""
    from gridmap.services import stations as service

    return json_of(service.read_hours(text))


@router.get(
    "/estates",
    summary="有围墙的小区 (GeoJSON),大门已知或按推定",
    response_model=shapes.FeatureCollection,
    response_class=GeoJson,
)
def estates(
    request: Request, here: Here, gate: Annotated[Literal["assumed", "known"] | None, Query()] = None
) -> Response:
    """Return walled estates, most households first; gate is assumed where no gate is known."""
    from gridmap.services import estates as service

    return geojson_of(request, json_bytes(service.walled(here.walker, gate=gate)))


@router.post("/estates/{id}/gates", summary="给小区添加大门", status_code=201, response_model=shapes.GateAdded)
def add_gate(here: Here, id: EstateId, gate: Gate) -> Response:  # noqa: A002 (the name in the address)
    """Add a gate to a walled estate, on the wall nearest to the point; people then walk through it."""
    from gridmap.services import stations as service

    return json_of(service.add_gate(here.place, id, lon=gate.lon, lat=gate.lat, who=TOKEN_NAME), status=201)
