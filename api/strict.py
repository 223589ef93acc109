"""JSON bodies, read strictly: what another program might read differently is refused."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from typing import Any

import orjson
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from api.problems import InvalidJson, UnsupportedMedia

__all__ = ["StrictRoute", "strict_json"]


def strict_json(body: bytes) -> Any:
    """Return the value of a JSON document (RFC 8259, UTF-8).

    Raises
    ------
    InvalidJson
        It is none, holds NaN, an infinite number, half a character or a null character, or names a member twice.
    """
    try:
        orjson.loads(body)
        value = json.loads(body, object_pairs_hook=_once)
    except (orjson.JSONDecodeError, ValueError, RecursionError) as error:
        if isinstance(error, InvalidJson):
            raise
        place = f"第 {error.lineno} 行第 {error.colno} 列" if isinstance(error, orjson.JSONDecodeError) else ""
        where = f" at line {error.lineno}, column {error.colno}" if isinstance(error, orjson.JSONDecodeError) else ""
        raise InvalidJson(
            f"内容不是有效的 JSON{place and f'({place})'}。数不能是 NaN 或无穷大,编码用 UTF-8。",
            f"The body is not valid JSON{where}. Numbers cannot be NaN or infinite; the encoding is UTF-8.",
        ) from None
    if b"\\u0000" in body:
        raise InvalidJson("文字中不能有空字符(\\u0000)。", "Text cannot hold a null character (\\u0000).")
    return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise InvalidJson(
            "同一个对象中有重复的名称。每个名称只写一次。",
            "An object names the same member twice. Name each member once.",
        )
    return found


class _StrictRequest(Request):
    async def json(self) -> Any:
        if not hasattr(self, "_strict"):
            self._strict = strict_json(await self.body())
        return self._strict


class StrictRoute(APIRoute):
    """A route whose body is JSON as :func:`strict_json` has it, or nothing."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        inner = super().get_route_handler()
        takes_json = self.body_field is not None

        async def handle(request: Request) -> Response:
            strict = _StrictRequest(request.scope, request.receive)
            if takes_json and await strict.body():
                kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
                if kind != "application/json" and not kind.endswith("+json"):
                    raise UnsupportedMedia(
                        "内容类型应为 application/json。", "The content type should be application/json."
                    )
                # read here: the framework would turn our sentence into its own
                await strict.json()
            return await inner(strict)

        return handle
