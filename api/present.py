"""Values as responses: orjson bytes, and "not modified" where the caller has them already."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

__all__ = ["GeoJson", "geojson_of", "has_it", "json_bytes", "json_of"]

_OPTIONS = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS


class GeoJson(JSONResponse):
    """A GeoJSON document (RFC 7946), given as its bytes."""

    media_type = "application/geo+json"

    def render(self, content: Any) -> bytes:
        return bytes(content)


def json_of(value: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return a value as JSON; moments are ISO 8601, numbers that are none are null."""
    return Response(json_bytes(value), status, dict(headers or {}), "application/json")


def json_bytes(value: Any) -> bytes:
    """Return a value as the bytes of JSON."""
    return orjson.dumps(value, default=_plain, option=_OPTIONS)


def geojson_of(request: Request, body: bytes) -> Response:
    """Return GeoJSON with a tag of its content, or 304 when the caller has just that."""
    etag = f'W/"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
    if has_it(request, etag):
        return Response(status_code=304, headers={"ETag": etag})
    return GeoJson(body, headers={"ETag": etag})


def has_it(request: Request, etag: str) -> bool:
    """Tell whether ``If-None-Match`` names this tag; weak and strong tags compare alike (RFC 9110, 13.1.2)."""
    named = request.headers.get("if-none-match", "")
    bare = etag.removeprefix("W/")
    return named.strip() == "*" or any(part.strip().removeprefix("W/") == bare for part in named.split(","))


def _plain(value: Any) -> Any:
    if hasattr(value, "as_dict"):
        return value.as_dict()
    if isinstance(value, set | frozenset):
        return sorted(value)
    raise TypeError(type(value).__name__)
