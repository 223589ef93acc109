"""Each sentence on safety that concerns the server."""

from __future__ import annotations

import logging
import re

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from api.app import create_app
from api.guard import COOKIE
from gridmap.settings import Settings
from tests.api.conftest import BASE, BEARER, TOKEN

ALL_PATHS = ["/", "/map", "/docs", "/openapi.json", "/static/gridmap/gridmap.css", "/tiles/base/14/1/1.pbf", "/nowhere"]
API_PATHS = ["/v1/jurisdiction", "/v1/grids", "/v1/locate?lon=1&lat=1", "/v1/jobs", "/v1/jobs/1/events", "/v1/check"]


@pytest.mark.parametrize("path", ALL_PATHS + API_PATHS)
def test_nothing_but_healthz_answers_without_the_token(stranger: TestClient, path: str) -> None:
    assert stranger.get("/healthz").json() == {"status": "ok"}
    answer = stranger.get(path)
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert answer.json()["code"] == "no-token"


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD", "TRACE"])
def test_no_method_gets_past_the_token(stranger: TestClient, method: str) -> None:
    assert stranger.request(method, "/v1/jobs/1").status_code == 401


def test_every_address_of_the_api_document_asks_for_the_token(stranger: TestClient, program: TestClient) -> None:
    for path, item in program.get("/openapi.json").json()["paths"].items():
        for method in item:
            address = re.sub(r"\{\w+\}", "1", path)
            assert stranger.request(method, address, headers={"Origin": BASE}).status_code == 401, (method, path)


def test_a_browser_without_the_token_sees_a_page_in_both_languages(stranger: TestClient) -> None:
    answer = stranger.get("/map", headers={"Accept": "text/html,*/*"})
    assert answer.status_code == 401
    assert answer.headers["content-type"].startswith("text/html")
    assert "需要令牌" in answer.text
    assert "A token is needed" in answer.text
    assert "http" not in re.sub(r"https?-equiv", "", answer.text)


def test_the_address_with_the_token_is_exchanged_for_a_cookie_that_scripts_and_other_sites_cannot_use(
    stranger: TestClient,
) -> None:
    answer = stranger.get(f"/?token={TOKEN}")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/map"
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(f"{COOKIE}={TOKEN};")
    assert "HttpOnly" in cookie
    assert re.search("samesite=strict", cookie, re.IGNORECASE)
    assert TOKEN not in answer.headers["location"]
    assert answer.headers["cache-control"] == "no-store"
    assert stranger.get("/").headers["location"] == "/map"


@pytest.mark.parametrize("token", ["", "wrong", TOKEN[:-1], TOKEN + "t", "é", TOKEN.upper()])
def test_another_token_opens_nothing(stranger: TestClient, token: str) -> None:
    answer = stranger.get("/", params={"token": token})
    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers
    assert stranger.get("/v1/jobs", headers={"Authorization": f"Bearer {token}".encode()}).status_code == 401
    assert stranger.get("/v1/jobs", headers={"Cookie": f"{COOKIE}={token}".encode()}).status_code == 401


@pytest.mark.parametrize("path", ["/map", "/v1/jobs", "/docs"])
def test_the_token_in_a_query_counts_at_the_entrance_only(stranger: TestClient, path: str) -> None:
    assert stranger.get(path, params={"token": TOKEN}).status_code == 401


def test_the_bearer_token_opens_the_api(program: TestClient) -> None:
    assert program.get("/openapi.json").status_code == 200
    assert program.get("/openapi.json", headers={"Authorization": f"bearer {TOKEN}"}).status_code == 200
    assert program.get("/openapi.json", headers={"Authorization": f"Basic {TOKEN}"}).status_code == 401


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.0.0.1:8321", "localhost", "LOCALHOST:1", "[::1]", "[::1]:8321", "grids.county"]
)
def test_the_server_answers_under_its_own_names(tmp_path, host: str) -> None:
    app = create_app(Settings(data_dir=tmp_path, hostname="Grids.County"), token=TOKEN)
    with_token = TestClient(app, base_url=BASE, headers=BEARER | {"Host": host})
    assert with_token.get("/openapi.json").status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8321",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "evil.example#localhost",
        "localhost@evil.example",
        "127.0.0.1:8321:1",
        "127.0.0.1:x",
        "[::1]evil",
        "[::1",
        "[::2]",
        "0.0.0.0",  # noqa: S104
        "",
        "localhost.",
        " localhost",
        "2130706433",
        "grids.county",
    ],
)
def test_another_host_header_gets_421_even_with_the_token(program: TestClient, host: str) -> None:
    for path in ("/healthz", "/openapi.json", "/map", f"/?token={TOKEN}"):
        answer = program.get(path, headers={"Host": host})
        assert answer.status_code == 421, (path, host)
        assert answer.json()["code"] == "wrong-host"
        assert "set-cookie" not in answer.headers


async def _raw(app: FastAPI, headers: list[tuple[bytes, bytes]], method: str = "GET", path: str = "/healthz") -> int:
    scope = {
        "type": "http", "method": method, "path": path, "raw_path": path.encode(), "query_string": b"",
        "headers": headers, "scheme": "http", "http_version": "1.1", "server": ("127.0.0.1", 8321), "root_path": "",
    }  # fmt: skip
    sent = []

    async def send(message) -> None:
        sent.append(message)

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    await app(scope, receive, send)
    return sent[0]["status"]


@pytest.mark.parametrize("hosts", [[], [b"127.0.0.1", b"evil.example"], [b"127.0.0.1", b"127.0.0.1"]])
def test_no_host_and_two_hosts_get_421(far_app: FastAPI, hosts: list[bytes]) -> None:
    import asyncio

    assert asyncio.run(_raw(far_app, [(b"host", host) for host in hosts])) == 421


def test_no_page_of_another_origin_is_let_in_by_cors(browser: TestClient) -> None:
    asked = browser.options(
        "/v1/jobs/1", headers={"Origin": "https://evil.example", "Access-Control-Request-Method": "DELETE"}
    )
    read = browser.get("/openapi.json", headers={"Origin": "https://evil.example"})
    for answer in (asked, read):
        assert not [name for name in answer.headers if name.startswith("access-control")]
    assert read.headers["cross-origin-resource-policy"] == "same-origin"


@pytest.mark.parametrize(
    "origin",
    [None, "null", "", "http://evil.example", "http://127.0.0.1", "http://127.0.0.1:3000", "http://localhost:8321",
     "http://127.0.0.1:83211", "http://127.0.0.1:8321.evil.example", "ftp://127.0.0.1:8321", "http://127.0.0.1:8321/"],
)  # fmt: skip
@pytest.mark.parametrize(("method", "path"), [("POST", "/v1/cells"), ("DELETE", "/v1/jobs/1"), ("POST", "/nowhere")])
def test_a_write_with_the_cookie_needs_the_origin_of_our_own_page(
    browser: TestClient, method: str, path: str, origin: str | None
) -> None:
    answer = browser.request(method, path, headers={} if origin is None else {"Origin": origin})
    assert answer.status_code == 403
    assert answer.json()["code"] == "foreign-origin"


def test_a_write_from_our_own_page_or_with_the_bearer_is_let_through(browser: TestClient, program: TestClient) -> None:
    # an address that is not there answers after the guard, without any database
    assert browser.post("/v1/nowhere", headers={"Origin": BASE}).status_code == 404
    assert program.post("/v1/nowhere").status_code == 404
    assert program.post("/v1/nowhere", headers={"Origin": "https://evil.example"}).status_code == 404


def test_websockets_are_refused(program: TestClient) -> None:
    from starlette.websockets import WebSocketDisconnect

    with pytest.raises(WebSocketDisconnect), program.websocket_connect("/v1/jobs"):
        pass


@pytest.mark.parametrize("path", ["/healthz", "/map", "/docs", "/openapi.json", "/nowhere", "/v1/jobs/x"])
def test_every_answer_carries_the_security_headers(program: TestClient, stranger: TestClient, path: str) -> None:
    for answer in (program.get(path), stranger.get(path), stranger.get(path, headers={"Host": "evil.example"})):
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert "*" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert "server" not in answer.headers


def test_the_pages_have_a_new_nonce_in_each_answer_and_only_it_lets_code_run(program: TestClient) -> None:
    seen = set()
    for path in ("/map", "/map", "/docs", "/docs"):
        answer = program.get(path)
        policy = answer.headers["content-security-policy"]
        nonce = set(re.findall(r"'nonce-([^']+)'", policy))
        assert len(nonce) == 1
        seen |= nonce
        for tag in re.findall(r"<(?:script|style)\b[^>]*>", answer.text):
            assert "application/json" in tag or "src=" in tag or f'nonce="{next(iter(nonce))}"' in tag, tag
        assert not re.search(r"\son\w+=", answer.text)
        assert answer.headers["cache-control"] == "no-store"
    assert len(seen) == 4


def test_no_page_names_another_machine(program: TestClient) -> None:
    for path in ("/map", "/docs"):
        assert not re.findall(r"""(?:src|href|url\()=?["']?(?:https?:)?//[^"')\s]+""", program.get(path).text), path


def test_the_access_log_has_no_query_strings(stranger: TestClient, program: TestClient, caplog) -> None:
    with caplog.at_level(logging.INFO, logger="gridmap.access"):
        stranger.get(f"/?token={TOKEN}")
        program.get("/v1/nowhere", params={"lon": "117.0301", "address": "青岩小区3栋"})
        program.get("/v1/%0aforged line")
    lines = [record.getMessage() for record in caplog.records if record.name == "gridmap.access"]
    assert len(lines) == 3
    assert re.fullmatch(r"GET / 303 [\d.]+ ms", lines[0])
    assert re.fullmatch(r"GET /v1/nowhere 404 [\d.]+ ms", lines[1])
    assert not [line for line in lines if TOKEN in line or "117.03" in line or "\n" in line]


def test_a_null_character_in_an_address_is_refused_before_the_database(program: TestClient) -> None:
    for path in ("/v1/grids/%00", "/v1/locate?lon=1&lat=1&address=%00"):
        assert program.get(path).status_code == 422


@pytest.mark.parametrize(
    "path",
    ["..%2f..%2f..%2fetc%2fpasswd", "../page.py", "%2e%2e/page.py", "vendor/../../page.py", "/etc/passwd",
     "//etc/passwd", "gridmap/..%5c..%5cpage.py", "vendor", "vendor/", ".", "", "v-0/../page.py",
     "v-0", "v-0/", "gridmap.css%00.js"],
)  # fmt: skip
def test_the_static_address_gives_nothing_but_its_own_files(program: TestClient, path: str) -> None:
    answer = program.get(f"/static/{path}")
    assert answer.status_code in {404, 422}
    assert "import" not in answer.text
