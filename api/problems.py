"""Errors as problem+json (RFC 9457): one table from error class to status, and the handlers that use it.

A problem carries its sentence in both languages; ``title`` and ``detail`` are in the one that the caller reads. Nothing
that a caller sent is ever repeated in it: addresses and coordinates are personal.
"""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import orjson
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.language import language_of
from gridmap.errors import (
    Cancelled,
    Conflict,
    GridmapError,
    InputError,
    NotAllowed,
    NotFound,
    NotReady,
    Stale,
    TooLarge,
    UnknownColumns,
    UnknownCrs,
    UnreadableFile,
)
from gridmap.model.text import Text

__all__ = [
    "ANSWERS",
    "HTTP_ANSWERS",
    "PROBLEM_JSON",
    "Answer",
    "ForeignOrigin",
    "InvalidJson",
    "LastResort",
    "NoTag",
    "NoToken",
    "UnsupportedMedia",
    "WrongHost",
    "answer_to",
    "headers_of",
    "install",
    "path_of",
    "problem",
]

PROBLEM_JSON = "application/problem+json"
_log = logging.getLogger("gridmap.server")


class InvalidJson(InputError):
    """The body is not JSON as RFC 8259 has it, or says the same name twice."""

    code = "invalid-json"


class UnsupportedMedia(InputError):
    """The body is of a kind that this address does not take."""

    code = "unsupported-media"


class NoTag(InputError):
    """A change without If-Match: it could overwrite what somebody else did meanwhile."""

    code = "no-tag"


class WrongHost(InputError):
    """The Host header names another machine: somebody's page tries to reach this one under a foreign name."""

    code = "wrong-host"


class NoToken(NotAllowed):
    """The token is missing or is not ours."""

    code = "no-token"


class ForeignOrigin(NotAllowed):
    """A write that does not come from our own page."""

    code = "foreign-origin"


@dataclass(frozen=True, slots=True)
class Answer:
    """How an error class is answered: status and title."""

    status: int
    title: Text


ANSWERS: dict[type[GridmapError], Answer] = {
    GridmapError: Answer(500, Text("程序出错", "The program failed")),
    InputError: Answer(422, Text("输入有误", "The input is wrong")),
    InvalidJson: Answer(400, Text("不是有效的 JSON", "Not valid JSON")),
    UnsupportedMedia: Answer(415, Text("不接受这种内容类型", "This content type is not taken")),
    NoTag: Answer(428, Text("需要 If-Match", "If-Match is needed")),
    WrongHost: Answer(421, Text("主机名不对", "Not this host")),
    UnknownCrs: Answer(422, Text("坐标系无法识别", "Unknown coordinate system")),
    UnreadableFile: Answer(422, Text("文件无法读取", "The file cannot be read")),
    UnknownColumns: Answer(422, Text("缺少字段", "Columns are missing")),
    TooLarge: Answer(413, Text("内容过大", "Too large")),
    NotFound: Answer(404, Text("没有找到", "Not found")),
    Conflict: Answer(409, Text("与现状冲突", "Conflict")),
    Stale: Answer(412, Text("已被他人改动", "Somebody else changed it")),
    Cancelled: Answer(409, Text("已取消", "Cancelled")),
    NotAllowed: Answer(403, Text("不允许", "Not allowed")),
    NoToken: Answer(401, Text("需要令牌", "A token is needed")),
    ForeignOrigin: Answer(403, Text("来源不明的写入", "A write from a foreign page")),
    NotReady: Answer(503, Text("暂不可用", "Not ready")),
}

HTTP_ANSWERS: dict[int, tuple[str, Text, Text]] = {
    400: (
        "bad-request",
        Text("请求有误", "Bad request"),
        Text("请求无法理解。用法见 /docs。", "The request cannot be understood. See /docs."),
    ),
    404: (
        "no-such-address",
        Text("没有这个地址", "No such address"),
        Text("没有这个地址。可用的地址见 /docs。", "There is no such address. See /docs for those there are."),
    ),
    405: (
        "method-not-allowed",
        Text("不支持这种方法", "Method not allowed"),
        Text("这个地址不支持这种方法,可用的方法见 Allow。", "This address does not take this method; see Allow."),
    ),
}
_CRASH = GridmapError(
    "程序内部出错,已记入日志。请把时间告诉管理员。",
    "The program failed inside; the log has the details. Tell the administrator the time.",
)
_NO_DATABASE = NotReady(
    "数据库没有应答。请检查它是否在运行(gridmap db status),稍后再试。",
    "The database does not answer. See whether it runs (gridmap db status), then try again.",
)
_ENDING = NotReady("服务正在停止,请稍后再试。", "The server is ending; try again later.")

# how pydantic calls a fault, what we say of it; {…} are limits that the route states, never what the caller sent
_FAULTS: dict[str, Text] = {
    "missing": Text("缺少这一项。", "This is missing."),
    "extra_forbidden": Text("没有这一项,请删去。可用的见 /docs。", "There is no such item; remove it. See /docs."),
    "finite_number": Text("需要有限的数,不能是 NaN 或无穷大。", "A finite number is needed, not NaN or infinity."),
    "float_parsing": Text("需要一个数。", "A number is needed."),
    "float_type": Text("需要一个数。", "A number is needed."),
    "int_parsing": Text("需要一个整数。", "A whole number is needed."),
    "int_type": Text("需要一个整数。", "A whole number is needed."),
    "int_from_float": Text("需要一个整数。", "A whole number is needed."),
    "int_parsing_size": Text("这个整数过大。", "This whole number is too large."),
    "bool_parsing": Text("需要 true 或 false。", "true or false is needed."),
    "bool_type": Text("需要 true 或 false。", "true or false is needed."),
    "string_type": Text("需要文字。", "Text is needed."),
    "string_too_short": Text("至少 {min_length} 个字符。", "At least {min_length} characters."),
    "string_too_long": Text("最多 {max_length} 个字符。", "At most {max_length} characters."),
    "string_pattern_mismatch": Text("写法不对,应符合 {pattern}。", "The form is wrong; it should match {pattern}."),
    "greater_than": Text("应大于 {gt}。", "It should be greater than {gt}."),
    "greater_than_equal": Text("不应小于 {ge}。", "It should not be less than {ge}."),
    "less_than": Text("应小于 {lt}。", "It should be less than {lt}."),
    "less_than_equal": Text("不应大于 {le}。", "It should not be greater than {le}."),
    "enum": Text("应为以下之一:{expected}。", "It should be one of {expected}."),
    "literal_error": Text("应为以下之一:{expected}。", "It should be one of {expected}."),
    "datetime_type": Text(
        "需要时间,例如 2025-11-22T08:00:00+08:00。", "A time is needed, such as 2025-11-22T08:00:00+08:00."
    ),
    "datetime_parsing": Text(
        "需要时间,例如 2025-11-22T08:00:00+08:00。", "A time is needed, such as 2025-11-22T08:00:00+08:00."
    ),
    "datetime_from_date_parsing": Text(
        "需要时间,例如 2025-11-22T08:00:00+08:00。", "A time is needed, such as 2025-11-22T08:00:00+08:00."
    ),
    "datetime_object_invalid": Text("没有这个时间。", "There is no such time."),
    "timezone_aware": Text(
        "时间要带时区,例如 +08:00(网址中写作 %2B08:00)。",
        "The time needs its zone, such as +08:00 (%2B08:00 in an address).",
    ),
    "list_type": Text("需要一个列表。", "A list is needed."),
    "dict_type": Text("需要一个对象。", "An object is needed."),
    "model_attributes_type": Text("需要一个 JSON 对象。", "A JSON object is needed."),
    "too_long": Text("最多 {max_length} 项。", "At most {max_length} items."),
    "too_short": Text("至少 {min_length} 项。", "At least {min_length} items."),
}
_ANY_FAULT = Text("这一项不合要求,见 /docs。", "This does not fit; see /docs.")
_KNOWN_PLACES = {"query", "path", "header", "cookie"}


def answer_to(error: GridmapError) -> Answer:
    """Return how the error is answered: by its own class, else by the nearest class above it."""
    return next(ANSWERS[kind] for kind in type(error).__mro__ if kind in ANSWERS)


def problem(error: GridmapError, request_headers: Iterable[tuple[bytes, bytes]]) -> Response:
    """Return the problem+json answer to an error."""
    answer = answer_to(error)
    headers = {"WWW-Authenticate": 'Bearer realm="gridmap"'} if answer.status == 401 else {}  # noqa: PLR2004
    said = Text(error.zh, error.en)
    return _respond(
        answer.status, error.code, answer.title, said, request_headers, errors=error.problems, headers=headers
    )


def _respond(
    status: int,
    code: str,
    title: Text,
    detail: Text,
    request_headers: Iterable[tuple[bytes, bytes]],
    *,
    errors: Sequence[Mapping[str, object]] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    language = language_of(request_headers)
    body = {
        "type": f"/docs#{code}",
        "status": status,
        "code": code,
        "title": title.said(language),
        "detail": detail.said(language),
        "title_zh": title.zh,
        "title_en": title.en,
        "detail_zh": detail.zh,
        "detail_en": detail.en,
        "errors": list(errors),
    }
    return Response(
        orjson.dumps(body, default=str),
        status,
        {
            "Content-Language": language,
            "Vary": "Accept-Language",
            "Cache-Control": "no-store",
            **(headers or {}),
        },
        PROBLEM_JSON,
    )


def install(app: FastAPI) -> None:
    """Answer every error of the application as a problem."""

    async def ours(request: Request, error: GridmapError) -> Response:
        if answer_to(error).status >= 500:  # noqa: PLR2004
            _log.warning("%s %s: %s", request.method, path_of(request.scope), error.en)
        return problem(error, request.headers.raw)

    async def invalid(request: Request, error: RequestValidationError) -> Response:
        return problem(_wrong_input(error), request.headers.raw)

    async def http(request: Request, error: HTTPException) -> Response:
        code, title, detail = HTTP_ANSWERS.get(error.status_code, HTTP_ANSWERS[400])
        return _respond(error.status_code, code, title, detail, request.headers.raw, headers=error.headers)

    async def database(request: Request, error: DBAPIError | PoolTimeout) -> Response:
        if isinstance(error, DBAPIError) and not isinstance(error, OperationalError):
            raise error
        _log.error("%s %s: the database does not answer (%s)", request.method, path_of(request.scope), _kinds(error))
        return problem(_NO_DATABASE, request.headers.raw)

    handlers: dict[type[Exception], Callable[..., object]] = {
        GridmapError: ours,
        RequestValidationError: invalid,
        HTTPException: http,
        DBAPIError: database,
        PoolTimeout: database,
    }
    for kind, handler in handlers.items():
        app.add_exception_handler(kind, handler)  # type: ignore[arg-type]


def _wrong_input(error: RequestValidationError) -> InputError:
    rows = tuple(_row(fault) for fault in error.errors())
    return InputError(
        f"有 {len(rows)} 处输入不合要求,见 errors。",
        f"{len(rows)} parts of the input do not fit; see errors.",
        problems=rows,
    )


def _row(fault: Mapping[str, object]) -> dict[str, object]:
    kind = str(fault["type"])
    place = fault["loc"]
    assert isinstance(place, tuple)  # noqa: S101 (pydantic's contract)
    # the last part of an unknown item's place is the caller's own text
    known = place[:-1] if kind == "extra_forbidden" else place
    limits = fault.get("ctx")
    said = _FAULTS.get(kind, _ANY_FAULT)
    if isinstance(limits, dict) and isinstance(limits.get("error"), GridmapError):
        said = Text(limits["error"].zh, limits["error"].en)
    words = {k: str(v) for k, v in limits.items()} if isinstance(limits, dict) else {}
    row: dict[str, object] = {
        "code": kind,
        "detail_zh": said.zh.format_map(_Limits(words)),
        "detail_en": said.en.format_map(_Limits(words)),
    }
    if place[:1] and place[0] in _KNOWN_PLACES:
        row["parameter"] = str(known[1]) if len(known) > 1 else None
    else:
        row["pointer"] = "".join(f"/{part}" for part in known[1:])
    return row


class _Limits(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return "…"


def path_of(scope: Scope) -> str:
    """Return the path as it was sent (percent-encoded: no line can be forged in a log), without the query."""
    raw = scope.get("raw_path")
    return raw.decode("latin-1").partition("?")[0] if isinstance(raw, bytes) else repr(scope["path"])


class LastResort:
    """ASGI middleware: whatever nobody caught is logged with its trace and answered without it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = False

        async def watch(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive, watch)
        except asyncio.CancelledError:
            # only the end of the server cuts a request off
            if started:
                raise
            await problem(_ENDING, scope["headers"])(scope, receive, send)
        except Exception as error:
            own = error if isinstance(error, GridmapError) else _CRASH
            if own is _CRASH or answer_to(own).status >= 500:  # noqa: PLR2004
                # the place only: a message of the database may quote a row, and rows may be personal
                where = "".join(traceback.format_tb(error.__traceback__))
                _log.error("%s %s failed with %s\n%s", scope["method"], path_of(scope), _kinds(error), where)
            if started:
                # half an answer cannot be taken back: the server cuts the connection
                raise
            await problem(own, scope["headers"])(scope, receive, send)


def _kinds(error: BaseException | None) -> str:
    names = []
    while error is not None:
        names.append(type(error).__name__)
        error = error.__cause__
    return " from ".join(names)


def headers_of(message: Message) -> MutableHeaders:
    """Return the headers of a response that is about to start, for changing."""
    return MutableHeaders(scope=message)
