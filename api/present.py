"""Values as responses: orjson bytes, and "not modified" where the caller has them already."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

__all__ = ["GEO_JSON", "has_it", "json_of", "tagged"]

GEO_JSON = "application/geo+json"
_OPTIONS = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS


def json_of(value: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return a value as JSON; moments are ISO 8601, numbers that are none are null."""
    return Response(
        orjson.dumps(value, default=_plain, option=_OPTIONS), status, dict(headers or {}), "application/json"
    )


def tagged(request: Request, body: bytes, media_type: str) -> Response:
    """Return bytes with a tag of their content, or 304 when the caller has just these."""
    etag = f'W/"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
    if has_it(request, etag):
        return Response(status_code=304, headers={"ETag": etag})
    return Response(body, headers={"ETag": etag}, media_type=media_type)


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
