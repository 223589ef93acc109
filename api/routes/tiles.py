"""Vector tiles."""

from __future__ import annotations

import gzip
from typing import Annotated

from fastapi import APIRouter, Path
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from api.present import has_it
from api.state import Here
from gridmap.services.tiles import Tile

router = APIRouter(tags=["tiles"])
Layer = Annotated[str, Path(max_length=20, description="Set of layers: base or cells.", examples=["base"])]
Zoom = Annotated[int, Path(ge=0, le=2**31, description="Zoom, 0 to 22.")]
Column = Annotated[int, Path(ge=0, le=2**31, description="Column, from the west.")]
Row = Annotated[int, Path(ge=0, le=2**31, description="Row, from the north.")]
_PROTOBUF = "application/vnd.mapbox-vector-tile"


@router.get(
    "/tiles/{layer}/{z}/{x}/{y}.pbf",
    summary="矢量瓦片:底图或基本单元",
    response_class=Response,
    responses={200: {"content": {_PROTOBUF: {"schema": {"type": "string", "format": "binary"}}}}},
)
async def tile(request: Request, here: Here, *, layer: Layer, z: Zoom, x: Column, y: Row) -> Response:
    """Return a vector tile: ``base`` (landuse, water, streets, buildings) or ``cells``; Web Mercator, extent 4096."""
    found = here.tiles.from_memory(layer, z=z, x=x, y=y)
    if found is None:
        found = await run_in_threadpool(here.tiles.tile, layer, z=z, x=x, y=y)
    return _answer(request, found)


def _answer(request: Request, found: Tile) -> Response:
    headers = {"ETag": found.etag, "Cache-Control": "private, no-cache", "Vary": "Accept-Encoding"}
    if has_it(request, found.etag):
        return Response(status_code=304, headers=headers)
    if "gzip" in request.headers.get("accept-encoding", ""):
        headers["Content-Encoding"] = "gzip"
        return Response(found.gzipped, headers=headers, media_type=_PROTOBUF)
    return Response(gzip.decompress(found.gzipped), headers=headers, media_type=_PROTOBUF)
