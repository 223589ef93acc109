"""Errors: one table, both languages, nothing of the caller's in them."""

from __future__ import annotations

import asyncio
import importlib
import logging
import pkgutil

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

import api
import gridmap
from api.language import preferred
from api.problems import ANSWERS, InvalidJson, answer_to
from api.strict import strict_json
from gridmap.errors import GridmapError, InputError, NotFound
from tests.api.conftest import BASE, BEARER

RESIDENT = "住址机密4711"


def _tree(kind: type[GridmapError]) -> set[type[GridmapError]]:
    return {kind}.union(*(_tree(child) for child in kind.__subclasses__()))


def test_every_error_class_has_a_status_of_its_own() -> None:
    for package in (gridmap, api):
        for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
            if "migrations" not in module.name and not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    shipped = {kind for kind in _tree(GridmapError) if kind.__module__.partition(".")[0] in {"gridmap", "api"}}
    assert shipped - set(ANSWERS) == set()
    assert len({kind.code for kind in shipped}) == len(shipped)


def test_a_class_unknown_to_the_table_is_answered_like_the_one_above_it() -> None:
    class Later(NotFound):
        pass

    assert answer_to(Later("没有", "none")).status == 404


def test_a_problem_says_its_sentence_in_both_languages_and_shows_the_readers(program: TestClient) -> None:
    for language, title in (("en-GB,en;q=0.9,zh;q=0.8", "Not found"), ("zh-CN", "没有找到"), ("fr", "没有找到")):
        answer = program.get("/static/none.js", headers={"Accept-Language": language})
        body = answer.json()
        assert answer.status_code == body["status"] == 404
        assert answer.headers["content-type"] == "application/problem+json"
        assert body["title"] == title
        assert body["type"] == "/docs#not-found"
        assert body["detail_zh"] == "没有这个文件。"
        assert body["detail_en"] == "There is no such file."
        assert body["detail"] in {body["detail_zh"], body["detail_en"]}
        assert answer.headers["vary"] == "Accept-Language"
        assert answer.headers["content-language"] == ("en" if title == "Not found" else "zh")


@pytest.mark.parametrize(
    ("header", "language"),
    [("", "zh"), ("en", "en"), ("zh,en", "zh"), ("en,zh", "zh"), ("zh;q=0.1,en", "en"), ("en;q=x", "zh"),
     ("en;q=nan,zh;q=0", "zh"), ("*", "zh"), ("EN-us;q=0.2, fr", "en"), (";;,,=", "zh"), ("en;q=9e99,zh;q=1", "zh")],
)  # fmt: skip
def test_the_language_is_the_one_preferred_and_chinese_in_doubt(header: str, language: str) -> None:
    assert preferred(header) == language


def test_unknown_addresses_and_methods_are_problems_too(program: TestClient) -> None:
    assert program.get("/v1/nowhere").json()["code"] == "no-such-address"
    answer = program.post("/v1/jurisdiction")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET"
    assert answer.json()["detail_zh"]


@pytest.mark.parametrize("number", ["nan", "NaN", "inf", "-Infinity", "1e999", "", RESIDENT, "1,2", "0x1", "true"])
def test_a_coordinate_that_is_no_finite_number_is_refused_and_never_repeated(program: TestClient, number: str) -> None:
    answer = program.get("/v1/locate", params={"lon": number, "lat": "30", "accuracy_m": number})
    assert answer.status_code == 422
    body = answer.json()
    assert {row["parameter"] for row in body["errors"]} >= {"lon"}
    assert all(row["detail_zh"] and row["detail_en"] for row in body["errors"])
    assert RESIDENT not in answer.text


def test_every_fault_is_reported_at_once_with_its_place_and_the_fix(program: TestClient) -> None:
    answer = program.get(
        "/v1/locate", params={"lon": "x", "at": "2025-11-22T08:00:00", "crs": "a b", RESIDENT: RESIDENT}
    )
    rows = {row["parameter"]: row for row in answer.json()["errors"]}
    assert set(rows) == {"lon", "at", "crs", None}
    assert "+08:00" in rows["at"]["detail_zh"]
    assert rows[None]["code"] == "extra_forbidden"
    assert RESIDENT not in answer.text


def test_a_path_that_does_not_fit_is_refused_without_repeating_it(program: TestClient) -> None:
    for path in (f"/v1/jobs/{RESIDENT}", "/v1/jobs/0", "/v1/jobs/1e3", f"/v1/jobs/{2**63}", f"/v1/jobs/{'9' * 5000}"):
        answer = program.get(path)
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["parameter"] == "id"
        assert RESIDENT not in answer.text


@pytest.mark.parametrize(
    "body",
    [
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": -Infinity}',
        b'{"a": 1e999}',
        b'{"a": 1, "a": 2}',
        b'[{"b": {"a": 1, "a": 1}}]',
        b'{"a": "\\ud800"}',
        b'{"a": "\\u0000"}',
        b'{"a": "\xff"}',
        b"\xff\xfe{\x00}\x00",
        b"\xef\xbb\xbf{}",
        b"{'a': 1}",
        b'{"a": 1,}',
        b'{"a": 01}',
        b"{} {}",
        b"{",
        b"[" * 100_000,
        b"[" * 5_000 + b"]" * 5_000,
        b"// note\n{}",
        b"nan",
    ],
)
def test_a_body_that_two_programs_would_read_differently_is_invalid_json(program: TestClient, body: bytes) -> None:
    with pytest.raises(InvalidJson):
        strict_json(body)
    answer = program.post("/v1/cells", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
    assert answer.json()["code"] == "invalid-json"


def test_ordinary_json_is_read_as_it_stands() -> None:
    assert strict_json('{"名": [1, 2.5, null, true, "\\u7f51", {"a": {}}]}'.encode()) == {
        "名": [1, 2.5, None, True, "网", {"a": {}}]
    }


def test_a_body_of_another_kind_is_415(program: TestClient) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""):
        answer = program.post("/v1/cells", content=b"{}", headers={"Content-Type": kind})
        assert answer.status_code == 415, kind


def test_unknown_members_of_a_body_are_refused_without_repeating_them(program: TestClient) -> None:
    answer = program.post("/v1/cells", json={RESIDENT: RESIDENT})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == ""
    assert RESIDENT not in answer.text
    assert program.post("/v1/cells", json=[RESIDENT]).status_code == 422
    assert program.post("/v1/cells", json=RESIDENT).status_code == 422


def test_a_body_over_the_limit_is_refused_while_it_is_read(program: TestClient) -> None:
    sent = []

    def endless():
        for _ in range(80):
            sent.append(1)
            yield b" " * 65536

    stated = program.post("/v1/cells", content=b" " * (2**22 + 1), headers={"Content-Type": "application/json"})
    unstated = program.post("/v1/cells", content=endless(), headers={"Content-Type": "application/json"})
    for answer in (stated, unstated):
        assert answer.status_code == 413
        assert answer.json()["code"] == "too-large"
        assert "4 MB" in answer.json()["detail_en"]


def _with_crashes(app: FastAPI) -> TestClient:
    @app.get("/v1/crash")
    def crash() -> None:
        raise RuntimeError(RESIDENT)

    @app.get("/v1/ours")
    def ours() -> None:
        raise InputError("第 3 行有误。", "Row 3 is wrong.", problems=({"row": 3, "column": "lon"},))

    return TestClient(app, base_url=BASE, headers=BEARER)


def test_a_crash_is_a_problem_without_its_trace_and_is_logged(far_app: FastAPI, caplog) -> None:
    with caplog.at_level(logging.ERROR, logger="gridmap.server"):
        answer = _with_crashes(far_app).get("/v1/crash", params={"address": RESIDENT + "query"})
    assert answer.status_code == 500
    assert answer.json()["code"] == "error"
    assert RESIDENT not in answer.text
    assert "Traceback" not in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "GET /v1/crash failed" in caplog.text
    assert "RuntimeError" in caplog.text
    assert RESIDENT + "query" not in caplog.text


def test_a_request_that_the_end_of_the_server_cuts_off_is_told_so(far_app: FastAPI) -> None:
    @far_app.get("/v1/long")
    async def long() -> None:
        await asyncio.sleep(60)

    async def cut() -> int:
        sent = []

        async def send(message) -> None:
            sent.append(message)

        headers = [(b"host", b"localhost"), (b"authorization", BEARER["Authorization"].encode())]
        scope = {"type": "http", "method": "GET", "path": "/v1/long", "query_string": b"", "headers": headers}
        task = asyncio.ensure_future(far_app(scope, asyncio.Event().wait, send))
        await asyncio.sleep(0.1)
        task.cancel()
        await task
        return sent[0]["status"]

    assert asyncio.run(cut()) == 503


def test_an_error_of_ours_keeps_its_rows(far_app: FastAPI) -> None:
    answer = _with_crashes(far_app).get("/v1/ours")
    assert answer.status_code == 422
    assert answer.json()["errors"] == [{"row": 3, "column": "lon"}]


def test_what_is_bound_to_a_statement_never_reaches_the_log(client: TestClient, place, caplog) -> None:
    from sqlalchemy import text

    from gridmap.store.database import transaction

    @client.app.get("/v1/statement")
    def statement() -> None:
        with transaction(place) as connection:
            connection.execute(
                text("SELECT 1 / :zero FROM (SELECT CAST(:said AS text)) AS q"), {"zero": 0, "said": RESIDENT}
            )

    assert client.get("/v1/statement").status_code == 500
    assert "DivisionByZero" in caplog.text
    assert RESIDENT not in caplog.text


def test_a_database_that_does_not_answer_is_503_with_a_sentence(program: TestClient) -> None:
    for path in ("/v1/jobs", "/v1/jurisdiction", "/v1/locate?lon=1&lat=1", "/tiles/base/14/0/0.pbf"):
        answer = program.get(path)
        assert answer.status_code == 503
        assert answer.json()["code"] == "not-ready"
        assert "gridmap db status" in answer.json()["detail_en"]


def test_half_a_point_is_refused_with_a_sentence(program: TestClient) -> None:
    for asked in ({"lon": 1}, {"lat": 1}, {}, {"lon": 1, "address": "x"}):
        rows = program.get("/v1/locate", params=asked).json()["errors"]
        assert rows[0]["detail_en"] == "Give both lon and lat, or an address."
