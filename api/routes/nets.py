"""Departments' nets: what they are, and where they disagree with each other and with the grids."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from api import shapes
from api.present import GeoJson, geojson_of, json_of
from api.state import Here
from api.strict import StrictRoute
from gridmap.services import nets as service

router = APIRouter(prefix="/v1/nets", tags=["places"], route_class=StrictRoute)
Net = Annotated[str, Query(min_length=1, max_length=120, description="Name of the net.", examples=["公安警务网"])]
Other = Annotated[
    str,
    Query(alias="with", min_length=1, max_length=120, description="Another net, grids, edition:NUMBER or plan:NUMBER."),
]


@router.get("", summary="专业网列表", response_model=shapes.Nets)
def listed(here: Here) -> Response:
    """Return the nets that there are."""
    return json_of({"nets": service.listed(here.place)})


@router.get("/summary", summary="各专业网相互及与网格的出入合计", response_model=shapes.NetsSummary)
def summary(here: Here) -> Response:
    """Return how many households each two nets, and each net and the grids in force, differ on."""
    return json_of({"compared": service.summary(here.plans)})


@router.get("/overlay", summary="各专业网叠合后的地块", response_model=shapes.NetsOverlay)
def overlay(
    here: Here,
    *,
    least_households: Annotated[int, Query(ge=0, le=10_000, description="Smaller pieces join a neighbour.")] = 30,
) -> Response:
    """Return the pieces into which all nets together cut the land, within communities: a start for new grids."""
    return json_of(service.overlay(here.plans, least_households=least_households))


@router.get("/areas", summary="专业网片区(GeoJSON)", response_class=GeoJson, response_model=shapes.FeatureCollection)
def areas(
    request: Request,
    here: Here,
    *,
    net: Annotated[str | None, Query(min_length=1, max_length=120, description="Name of the net; all.")] = None,
) -> Response:
    """Return the areas of a net, or of all."""
    return geojson_of(request, service.areas_geojson(here.place, net))


@router.get("/compare", summary="专业网与网格或另一专业网的出入", response_model=shapes.NetsCompared)
def compare(here: Here, net: Net, other: Other = service.GRIDS) -> Response:
    """Return each two areas that share land, whether they agree, and who lives there."""
    return json_of(service.compared(here.plans, net, other))


@router.get(
    "/compare/land",
    summary="不一致的土地(GeoJSON)",
    response_class=GeoJson,
    response_model=shapes.FeatureCollection,
)
def land(request: Request, here: Here, net: Net, other: Other = service.GRIDS) -> Response:
    """Return the land on which the two do not agree, with the households on each piece."""
    return geojson_of(request, service.pieces_geojson(here.plans, net, other))
