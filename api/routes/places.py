"""The jurisdiction and what is in it: editions, grids, areas, stations, and what a check finds."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from starlette.requests import Request
from starlette.responses import Response

from api import shapes
from api.moments import Moment
from api.present import GeoJson, geojson_of, json_of
from api.state import Here
from gridmap.services import editions

router = APIRouter(prefix="/v1", tags=["places"])
At = Annotated[Moment | None, Query(description="The edition in force at this time; default: now.")]
Past = Annotated[
    Moment | None,
    Query(description="As imported until this time; what was never anything else counts before, too. Default: now."),
]
Level = Annotated[int | None, Query(ge=1, le=9, description="1 is the highest; default: the leaf grids.")]
Code = Annotated[str, Path(min_length=1, max_length=64, description="Grid code.")]
AreaLevel = Annotated[Literal["jurisdiction", "town", "community"], Query(description="Which areas.")]


@router.get("/jurisdiction", summary="辖区:名称、范围、现行版本、数量", response_model=shapes.Jurisdiction)
def jurisdiction(here: Here) -> Response:
    """Return the jurisdiction: name, extent, edition in force, counts, levels."""
    return json_of(editions.jurisdiction(here.place))


@router.get("/editions", summary="网格版本,最早的在前", response_model=shapes.Editions)
def list_editions(here: Here) -> Response:
    """Return all editions, the oldest first."""
    return json_of({"editions": editions.list_editions(here.place)})


@router.get(
    "/grids", summary="某一层级的网格 (GeoJSON)", response_model=shapes.FeatureCollection, response_class=GeoJson
)
def grids(request: Request, here: Here, level: Level = None, at: At = None) -> Response:
    """Return the grids of a level as GeoJSON (EPSG:4326), with their totals."""
    return geojson_of(request, editions.grids_geojson(here.place, level=level, at=at))


@router.get("/grids/{code}", summary="一个网格:层级链、责任人、站点", response_model=shapes.GridFacts)
def grid(here: Here, code: Code, at: At = None) -> Response:
    """Return everything known of one grid: chain of levels, people responsible (public fields), nearest stations."""
    return json_of(editions.grid_facts(here.place, code, at=at))


@router.get("/areas", summary="行政区域 (GeoJSON)", response_model=shapes.FeatureCollection, response_class=GeoJson)
def areas(request: Request, here: Here, level: AreaLevel = "community", at: Past = None) -> Response:
    """Return administrative areas as GeoJSON (EPSG:4326), each with a point for its label."""
    return geojson_of(request, editions.areas_geojson(here.place, level, at=at))


@router.get("/stations", summary="服务站点 (GeoJSON)", response_model=shapes.FeatureCollection, response_class=GeoJson)
def stations(request: Request, here: Here, at: Past = None) -> Response:
    """Return the stations as GeoJSON (EPSG:4326); of the past those that there were, as they were told last."""
    return geojson_of(request, editions.stations_geojson(here.place, at=at))


@router.get("/check", summary="检查发现的问题", response_model=shapes.Findings)
def check(here: Here) -> Response:
    """Return what is not as it should be: rule, severity, where, words, repair."""
    return json_of({"findings": here.checked.findings()})
