"""Who may come in: Host, token, Origin; what every answer carries; and what the log keeps.

Pure ASGI. Until there are roles the rule is simple: whoever has the token that ``gridmap serve`` printed may do
everything, nobody else may do anything but ask whether the server lives.
"""

from __future__ import annotations

import hmac
import logging
import secrets
import time
from html import escape
from urllib.parse import parse_qs

from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.language import language_of
from api.problems import ForeignOrigin, NoToken, WrongHost, headers_of, path_of, problem
from gridmap.errors import InputError, TooLarge
from gridmap.model.text import Language, Text

__all__ = ["COOKIE", "AccessLog", "BodyLimit", "Guard", "SafeHeaders", "page_policy"]

COOKIE = "gridmap_token"
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_MANY = ("/static/", "/tiles/")
_OPEN = frozenset({"/healthz"})
_LOCAL = frozenset({"127.0.0.1", "localhost", "[::1]"})
_CLOSED_POLICY = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
_access = logging.getLogger("gridmap.access")


def page_policy(nonce: str) -> str:
    """Return the Content-Security-Policy of a page of ours: our own files and what carries this nonce."""
    return (
        f"default-src 'none'; script-src 'self' 'nonce-{nonce}'; style-src 'self' 'nonce-{nonce}'; "
        "img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; "
        "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    )


class SafeHeaders:
    """Adds the security headers to every answer; a page that sets its own policy keeps it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def add(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = headers_of(message)
                headers.setdefault("Content-Security-Policy", _CLOSED_POLICY)
                headers.setdefault("Cache-Control", "private, no-cache")
                headers["X-Content-Type-Options"] = "nosniff"
                headers["Referrer-Policy"] = "no-referrer"
                headers["X-Frame-Options"] = "DENY"
                headers["Cross-Origin-Resource-Policy"] = "same-origin"
                headers["Cross-Origin-Opener-Policy"] = "same-origin"
            await send(message)

        await self.app(scope, receive, add)


class AccessLog:
    """A line for each answer: method, path, status, milliseconds; never the query (it holds places and addresses)."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not _access.isEnabledFor(logging.INFO):
            await self.app(scope, receive, send)
            return
        start = time.perf_counter()
        status = 0

        async def note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, note)
        finally:
            spent_ms = (time.perf_counter() - start) * 1000
            # a page asks for dozens of files and tiles; what went well with them hides the rest
            quiet = scope["path"].startswith(_MANY) and 0 < status < 400  # noqa: PLR2004
            level = logging.DEBUG if quiet else logging.INFO
            _access.log(level, "%s %s %s %.1f ms", scope["method"], path_of(scope), status or "cut", spent_ms)


class BodyLimit:
    """Refuses a body over its limit: at once when its length is stated, else as soon as the limit is passed."""

    def __init__(self, app: ASGIApp, *, limit_bytes: int, larger: dict[tuple[str, str], int] | None = None) -> None:
        self.app = app
        self.limit_bytes = limit_bytes
        self.larger = larger or {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        larger = self.larger.get((scope["method"], scope["path"]))
        limit = self.limit_bytes if larger is None else larger
        stated = next((v for k, v in scope["headers"] if k == b"content-length"), b"")
        if stated.isdigit() and int(stated) > limit:
            raise _too_large(limit, file=larger is not None)
        seen = 0

        async def count() -> Message:
            nonlocal seen
            message = await receive()
            if message["type"] == "http.request":
                seen += len(message.get("body", b""))
                if seen > limit:
                    raise _too_large(limit, file=larger is not None)
            return message

        await self.app(scope, count, send)


def _too_large(limit_bytes: int, *, file: bool) -> TooLarge:
    size = f"{limit_bytes / 2**20:.0f} MB" if limit_bytes >= 2**20 else f"{limit_bytes / 2**10:.0f} kB"
    zh, en = f"内容超过上限 {size}。", f"The body is over the limit of {size}."
    if file:
        zh += "请在服务器上用 gridmap import 导入,或调高 GRIDMAP_MAX_UPLOAD_BYTES。"
        en += " Import the file on the server itself with gridmap import, or raise GRIDMAP_MAX_UPLOAD_BYTES."
    return TooLarge(zh, en)


class Guard:
    """Lets in who has the token, under our own name, and writes only from our own page or with the bearer token."""

    def __init__(self, app: ASGIApp, *, token: str, hostname: str | None = None) -> None:
        self.app = app
        self.token = token.encode()
        self.hosts = _LOCAL | ({hostname.lower()} if hostname else set())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        seen = _Seen(scope["headers"])
        answer = self._answer(scope, seen)
        if answer is not None:
            await answer(scope, receive, send)
            return
        await self.app(scope, receive, send)

    def _answer(self, scope: Scope, seen: _Seen) -> Response | None:
        """Return the refusal, or the exchange of the token for a cookie; None lets the request pass."""
        if not self._is_our_name(seen.hosts):
            return problem(_WRONG_HOST, scope["headers"])
        if scope["path"] in _OPEN:
            return None
        if "\0" in scope["path"] or b"%00" in scope.get("query_string", b""):
            return problem(_NUL, scope["headers"])
        if scope["path"] == "/" and scope["method"] == "GET" and b"token=" in scope.get("query_string", b""):
            return self._exchange(scope, seen)
        bearer = self._matches(seen.bearer)
        if not bearer and not any(self._matches(value) for value in seen.cookies):
            return _ask_for_token(scope, seen)
        if not bearer and scope["method"] not in _SAFE and not _is_own_page(seen):
            return problem(_FOREIGN, scope["headers"])
        return None

    def _is_our_name(self, hosts: list[bytes]) -> bool:
        if len(hosts) != 1:
            return False
        name, port = _split_port(hosts[0].decode("latin-1").lower())
        return name in self.hosts and (port == "" or (port.isascii() and port.isdigit()))

    def _matches(self, offered: bytes) -> bool:
        return hmac.compare_digest(offered, self.token)

    def _exchange(self, scope: Scope, seen: _Seen) -> Response:
        offered = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
        if not self._matches(offered.encode()):
            return _ask_for_token(scope, seen)
        answer = RedirectResponse("/map", 303, {"Cache-Control": "no-store"})
        answer.set_cookie(COOKIE, offered, httponly=True, samesite="strict", path="/", max_age=_COOKIE_S)
        return answer


_COOKIE_S = 400 * 24 * 3600
_WRONG_HOST = WrongHost(
    "这个服务只在 127.0.0.1、localhost、::1 和 GRIDMAP_HOSTNAME 所设的名称下应答。",
    "This server answers only as 127.0.0.1, localhost, ::1 and the name in GRIDMAP_HOSTNAME.",
)
_NUL = InputError("地址中不能有空字符(%00)。", "An address cannot hold a null character (%00).")
_FOREIGN = ForeignOrigin(
    "写入只接受本页面(Origin 与 Host 相同)或带令牌的程序(Authorization: Bearer)。",
    "Writes are taken from our own page only (Origin equal to Host), or with Authorization: Bearer.",
)
_NO_TOKEN = NoToken(
    "需要令牌。请打开 gridmap serve 打印的地址,程序请带 Authorization: Bearer 令牌。",
    "A token is needed. Open the address that gridmap serve printed; programs send Authorization: Bearer TOKEN.",
)


class _Seen:
    """The headers that decide."""

    __slots__ = ("accept", "bearer", "cookies", "hosts", "origins")

    def __init__(self, headers: list[tuple[bytes, bytes]]) -> None:
        self.hosts: list[bytes] = []
        self.origins: list[bytes] = []
        self.cookies: list[bytes] = []
        self.bearer = b""
        self.accept = b""
        for name, value in headers:
            if name == b"host":
                self.hosts.append(value)
            elif name == b"origin":
                self.origins.append(value)
            elif name == b"accept":
                self.accept = value
            elif name == b"authorization" and value[:7].lower() == b"bearer ":
                self.bearer = value[7:].strip()
            elif name == b"cookie":
                for part in value.split(b";"):
                    key, _, content = part.strip().partition(b"=")
                    if key == COOKIE.encode():
                        self.cookies.append(content.strip(b'"'))


def _split_port(host: str) -> tuple[str, str]:
    if host.startswith("["):
        name, bracket, rest = host.partition("]")
        if rest and not rest.startswith(":"):
            return "", ""
        return name + bracket, rest[1:]
    name, _, port = host.partition(":")
    return name, port


def _is_own_page(seen: _Seen) -> bool:
    host = seen.hosts[0].lower()
    return len(seen.origins) == 1 and seen.origins[0].lower() in {b"http://" + host, b"https://" + host}


def _ask_for_token(scope: Scope, seen: _Seen) -> Response:
    if scope["method"] in _SAFE and b"text/html" in seen.accept and not scope["path"].startswith("/v1/"):
        return _token_page(scope)
    return problem(_NO_TOKEN, scope["headers"])


def _token_page(scope: Scope) -> Response:
    language = language_of(scope["headers"])
    nonce = secrets.token_urlsafe(16)
    words = [
        Text("需要令牌", "A token is needed"),
        Text(
            "请打开 gridmap serve 在终端打印的完整地址(含 token)。",
            "Open the full address (with its token) that gridmap serve printed in the terminal.",
        ),
        Text("忘记了?在本机运行 gridmap serve --show 再看一次。", "Lost it? Run gridmap serve --show on this machine."),
        Text("已经打开过?再试一次", "Opened it before? Try again"),
    ]
    languages: tuple[Language, Language] = ("zh", "en") if language == "zh" else ("en", "zh")
    blocks = "".join(
        f'<section lang="{code}"><h1>{escape(words[0].said(code))}</h1>'
        f"<p>{escape(words[1].said(code))}</p><p>{escape(words[2].said(code))}</p>"
        f'<p><a href="/map">{escape(words[3].said(code))}</a></p></section>'
        for code in languages
    )
    style = (
        "body{font:16px/1.6 'Noto Sans CJK SC','Source Han Sans SC','Microsoft YaHei',sans-serif;"
        "max-width:36rem;margin:12vh auto;padding:0 1.5rem;color:#22303c;background:#f5f3ee}"
        "section+section{margin-top:2.5rem;padding-top:1.5rem;border-top:1px solid #d8d2c6}"
        "h1{font-size:1.3rem;margin:0 0 .5rem}p{margin:.3rem 0}a{color:#0b5cad}"
    )
    page = (
        f'<!doctype html><html lang="{language}"><meta charset="utf-8"><title>gridmap</title>'
        f'<meta name="viewport" content="width=device-width,initial-scale=1">'
        f'<link rel="icon" href="data:,"><style nonce="{nonce}">{style}</style>{blocks}</html>'
    )
    return HTMLResponse(
        page,
        401,
        {
            "WWW-Authenticate": 'Bearer realm="gridmap"',
            "Cache-Control": "no-store",
            "Content-Language": language,
            "Vary": "Accept, Accept-Language",
            "Content-Security-Policy": page_policy(nonce),
        },
    )
