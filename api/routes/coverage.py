"""15-minute coverage: figures, gaps, areas, ways, and what a change would do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field, model_validator
from starlette.requests import Request
from starlette.responses import Response

from api import shapes
from api.present import GeoJson, geojson_of, json_bytes, json_of
from api.state import Here
from api.strict import StrictRoute
from gridmap.errors import InputError

if TYPE_CHECKING:
    from gridmap.services.looking import Question

router = APIRouter(prefix="/v1", tags=["coverage"], route_class=StrictRoute)
# services of walking bring numba: a server that nobody asks for coverage does without, and starts sooner
By = Annotated[
    str, Field(pattern=r"^(grid|community|station|kind|level[1-9])$", description="Rows: grid, community, level1 …")
]
_MOST_LIMITS = 12
LONGEST = 240
StationKind = Literal[
    "center",
    "grid_station",
    "service_point",
    "courier_stop",
    "shop",
    "hearing_center",
    "mediation_room",
    "deliberation_point",
    "hub",
]
Minutes = Annotated[float, Field(gt=0, le=LONGEST, allow_inf_nan=False)]
Lon = Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)]
Lat = Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)]
Hours = Annotated[str, Field(max_length=500, description="Opening hours (OpenStreetMap syntax).")]
StationCode = Annotated[str, Field(min_length=1, max_length=64)]


class Asked(BaseModel):
    """Who walks how long to which stations."""

    model_config = ConfigDict(extra="forbid")

    minutes: Minutes = Field(default=15, description="The longest walk, inclusive; up to 240.")
    profile: Literal["default", "elderly", "wheels"] = Field(default="default", description="Who walks.")
    speed_kmh: float | None = Field(
        default=None, ge=0.5, le=12, allow_inf_nan=False, description="Speed on the flat; default: the profile's."
    )
    floors: bool = Field(default=False, description="Count stairs in houses of 4 to 6 storeys, for the elderly.")
    kind: list[StationKind] = Field(default=[], max_length=20, description="Only stations of these kinds.")
    service: list[Annotated[str, Field(min_length=1, max_length=120)]] = Field(
        default=[], max_length=60, description="Only stations that offer one of these."
    )
    tier: int | None = Field(default=None, ge=1, le=99, description="Only stations up to this tier; 1: the main ones.")
    open_at: str | None = Field(
        default=None, max_length=40, description="Only stations open then: sunday, 20:00, or 2026-05-03T09:00+08:00."
    )
    scenario: int | None = Field(default=None, ge=1, le=2**62, description="As it would be in this scenario.")

    def question(self) -> Question:
        """Return the question for the service."""
        from gridmap.services.looking import Question

        return Question(
            minutes=self.minutes,
            profile=self.profile,
            speed_kmh=self.speed_kmh,
            floors=self.floors,
            kinds=tuple(self.kind),
            services=tuple(self.service),
            tier=self.tier,
            open_at=self.open_at,
            scenario=self.scenario,
        )


class AskedBy(Asked):
    """A question with its grouping."""

    by: By = "grid"


class AskedEach(Asked):
    """A question with several limits."""

    each: str | None = Field(
        default=None,
        pattern=r"^[0-9]+(\.[0-9]+)?(,[0-9]+(\.[0-9]+)?){0,11}$",
        max_length=120,
        description="Several limits in minutes: 5,10,15.",
    )

    def limits(self) -> tuple[float, ...]:
        """Return the limits in minutes."""
        given = tuple(float(part) for part in (self.each or "").split(",") if part)
        if not all(0 < one <= LONGEST for one in given):
            raise InputError(
                f"each 中的分钟数应大于 0、不超过 {LONGEST}。", f"Minutes in each are above 0 and at most {LONGEST}."
            )
        return given


class _Place(BaseModel):
    lon: Lon | None = Field(default=None, description="Longitude in degrees (EPSG:4326).")
    lat: Lat | None = Field(default=None, description="Latitude in degrees (EPSG:4326).")
    building: int | None = Field(default=None, ge=1, le=2**62, description="Number of the building.")

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.lon is None) != (self.lat is None) or (self.lon is None and self.building is None):
            raise InputError("请给出 building,或同时给出 lon 和 lat。", "Give building, or both lon and lat.")
        return self


class AskedFrom(Asked, _Place):
    """A question with the place that somebody walks from."""


class Change(BaseModel):
    """One difference from today; which items it needs depends on ``op``."""

    model_config = ConfigDict(extra="forbid")

    op: Literal["move", "add", "close", "hours", "close_street", "link"]
    station: StationCode | None = None
    code: StationCode | None = None
    name: Annotated[str, Field(min_length=1, max_length=120)] | None = None
    kind: StationKind | None = None
    tier: Annotated[int, Field(ge=1, le=99)] | None = None
    services: Annotated[list[Annotated[str, Field(max_length=120)]], Field(max_length=100)] | None = None
    opening_hours: Hours | None = None
    lon: Lon | None = None
    lat: Lat | None = None
    street: Annotated[int, Field(ge=1, le=2**62)] | None = None
    path: Annotated[list[Annotated[list[float], Field(min_length=2, max_length=2)]], Field(max_length=1000)] | None = (
        None
    )

    def plain(self) -> dict[str, Any]:
        """Return the items that were given."""
        return self.model_dump(exclude_unset=True)


Changes = Annotated[list[Change], Field(max_length=500)]


class Tried(AskedBy):
    """A question about changes that are only tried."""

    changes: Changes
    include: list[Literal["area", "gaps", "buildings"]] = Field(default=[], max_length=3)
    each: list[Minutes] = Field(default=[], max_length=_MOST_LIMITS)


class TriedFrom(AskedFrom):
    """A way, with changes that are only tried."""

    changes: Changes = []


@router.get("/coverage", summary="覆盖数字:总数、各网格、各站点、半径圈", response_model=shapes.Coverage)
def coverage(here: Here, asked: Annotated[AskedBy, Query()]) -> Response:
    """Return who is within reach: totals, rows, stations, and the radius circles of the planning standard."""
    from gridmap.services import coverage as service

    return json_of(service.coverage(here.walker, asked.question(), by=asked.by))


@router.get(
    "/coverage/area",
    summary="可达范围 (GeoJSON),附误差",
    response_model=shapes.FeatureCollection,
    response_class=GeoJson,
)
def area(request: Request, here: Here, asked: Annotated[AskedEach, Query()]) -> Response:
    """Return the land within reach, a feature for each limit; for drawing only, it states how much it errs."""
    from gridmap.services import coverage as service

    return geojson_of(request, json_bytes(service.area(here.walker, asked.question(), each=asked.limits())))


@router.get(
    "/coverage/gaps",
    summary="覆盖空白 (GeoJSON),按户数排序",
    response_model=shapes.FeatureCollection,
    response_class=GeoJson,
)
def gaps(request: Request, here: Here, asked: Annotated[Asked, Query()]) -> Response:
    """Return inhabited land without a station in reach, joined to gap areas, and what is on no street."""
    from gridmap.services import coverage as service

    return geojson_of(request, json_bytes(service.gaps(here.walker, asked.question())))


@router.get("/coverage/buildings", summary="每栋楼到最近站点的秒数(按列)", response_model=shapes.BuildingTimes)
def buildings(here: Here, asked: Annotated[Asked, Query()]) -> Response:
    """Return the seconds of every building to its nearest station, as columns; null where none can be walked to."""
    from gridmap.services import coverage as service

    return json_of(service.buildings(here.walker, asked.question()))


@router.get("/coverage/route", summary="从一处走到最近站点的路线", response_model=shapes.WalkRoute)
def route(here: Here, asked: Annotated[AskedFrom, Query()]) -> Response:
    """Return the way from a building or point to its nearest station: seconds, metres, path."""
    from gridmap.services import coverage as service

    return json_of(service.route(here.walker, asked.question(), building=asked.building, lon=asked.lon, lat=asked.lat))


@router.post("/coverage/route", summary="假设改动后的路线", response_model=shapes.WalkRoute)
def route_tried(here: Here, asked: TriedFrom) -> Response:
    """Return the way as it would be after changes; nothing is kept."""
    from gridmap.services import coverage as service

    changes = [change.plain() for change in asked.changes] if asked.changes else None
    return json_of(
        service.route(
            here.walker, asked.question(), building=asked.building, lon=asked.lon, lat=asked.lat, changes=changes
        )
    )


@router.post("/coverage/what-if", summary="假设改动后的覆盖,与现状对照", response_model=shapes.Coverage)
def what_if(here: Here, asked: Tried) -> Response:
    """Answer as /v1/coverage would after changes, beside today's totals; nothing is kept."""
    from gridmap.services import coverage as service

    changes = [change.plain() for change in asked.changes]
    return json_of(
        service.what_if(
            here.walker, asked.question(), changes, by=asked.by, include=asked.include, each=tuple(asked.each)
        )
    )
