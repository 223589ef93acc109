"""Streets as somebody who points at the map means them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query
from starlette.responses import Response

from api import shapes
from api.present import json_of
from api.routes.coverage import Lat, Lon
from api.state import Here
from api.strict import StrictRoute

router = APIRouter(prefix="/v1", tags=["coverage"], route_class=StrictRoute)
StreetId = Annotated[int, Path(ge=1, le=2**62, description="Number of the street.")]
Within = Annotated[float, Query(gt=0, le=500, allow_inf_nan=False, description="Metres; farther streets do not count.")]


@router.get("/streets/near", summary="离一点最近的步行道路及其路段", response_model=shapes.StreetNear)
def near(here: Here, lon: Lon, lat: Lat, within_m: Within = 40.0) -> Response:
    """Return the walkable street nearest to a point, its piece between two junctions, and the point on it."""
    from gridmap.services import streets as service

    return json_of(service.near(here.walker, lon=lon, lat=lat, within_m=within_m))


@router.get("/streets/{id}", summary="一条步行道路", response_model=shapes.Street)
def street(here: Here, id: StreetId) -> Response:  # noqa: A002 (the name in the address)
    """Return a walkable street with its path."""
    from gridmap.services import streets as service

    return json_of(service.street(here.walker, id))
