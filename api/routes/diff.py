"""Two of editions and plans beside each other."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from api import shapes
from api.present import GeoJson, geojson_of, json_of
from api.state import Here
from api.strict import StrictRoute
from gridmap.services import comparing

router = APIRouter(prefix="/v1/diff", tags=["plans"], route_class=StrictRoute)
_PATTERN = r"^(edition|plan):[0-9]{1,9}$"
Old = Annotated[
    str, Query(alias="from", pattern=_PATTERN, description="edition:NUMBER or plan:NUMBER.", examples=["edition:1"])
]
New = Annotated[str, Query(alias="to", pattern=_PATTERN, description="The same.", examples=["edition:2"])]
GEOPACKAGE = "application/geopackage+sqlite3"
_FILE: dict[int | str, dict[str, Any]] = {
    200: {"content": {GEOPACKAGE: {"schema": {"type": "string", "format": "binary"}}}}
}


@router.get("", summary="新旧对照:任意两个版本或方案", response_model=shapes.PlanDiff)
def diff(here: Here, old: Old, new: New) -> Response:
    """Return what is different: old and new grids with households and people, and the buildings that move."""
    with here.plans.snapshot() as seen:
        return json_of(comparing.told(comparing.compare(seen, old, new)))


@router.get("/land", summary="换网格的土地(GeoJSON)", response_class=GeoJson, response_model=shapes.FeatureCollection)
def land(request: Request, here: Here, old: Old, new: New) -> Response:
    """Return the land that changes its grid, a feature for each old and new grid."""
    with here.plans.snapshot() as seen:
        return geojson_of(request, comparing.land_geojson(comparing.compare(seen, old, new)))


@router.get(
    "/borders", summary="撤销和新增的网格边界(GeoJSON)", response_class=GeoJson, response_model=shapes.FeatureCollection
)
def borders(request: Request, here: Here, old: Old, new: New) -> Response:
    """Return the borders between grids that are gone or new as lines, a feature for each pair of grids."""
    with here.plans.snapshot() as seen:
        return geojson_of(request, comparing.borders_geojson(comparing.compare(seen, old, new)))


@router.get("/layers", summary="对照图层(GeoPackage)", response_class=Response, responses=_FILE)
def layers(here: Here, old: Old, new: New) -> Response:
    """Return land, borders and the grids before and after as the layers of a GeoPackage."""
    with here.plans.snapshot() as seen:
        content = comparing.geopackage(comparing.compare(seen, old, new))
    return Response(content, media_type=GEOPACKAGE, headers={"Content-Disposition": 'attachment; filename="diff.gpkg"'})
