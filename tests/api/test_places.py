"""What the API tells of a place: an empty one, and two grids with a building, a station and a duty."""

from __future__ import annotations

import asyncio
import threading
from datetime import UTC, datetime
from typing import Any

import pytest
from fastapi.routing import APIRoute
from pydantic import TypeAdapter
from sqlalchemy import Connection, text
from starlette.testclient import TestClient

from gridmap.model.finding import Finding
from gridmap.model.text import Text
from gridmap.store.changes import bump
from gridmap.store.database import Place, transaction
from tests.api.conftest import LAT, LON, SIZE, box_of, insert, make_two_grids


def _fits(client: TestClient, path: str, answer: Any) -> None:
    """Check an answer against the shape that the API document states."""
    route = next(r for r in _routes(client) if r.path == path and "GET" in r.methods)
    TypeAdapter(route.response_model).validate_python(answer)


def _routes(client: TestClient) -> list[APIRoute]:
    from api.routes import jobs, locate, places

    return [r for part in (places, locate, jobs) for r in part.router.routes if isinstance(r, APIRoute)]


@pytest.mark.parametrize("path", ["/v1/jurisdiction", "/v1/editions", "/v1/grids", "/v1/areas", "/v1/stations"])
def test_an_empty_database_answers_with_empty_lists(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200
    _fits(client, path, answer.json())


def test_before_the_first_edition_locating_says_what_to_do(client: TestClient) -> None:
    answer = client.get("/v1/locate", params={"lon": LON, "lat": LAT})
    assert answer.status_code == 503
    assert "gridmap cells" in answer.json()["detail_en"]
    assert client.get("/v1/grids/1").status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "/v1/jurisdiction",
        "/v1/editions",
        "/v1/grids?level=1",
        "/v1/grids",
        "/v1/areas?level=town",
        "/v1/stations",
        "/v1/check",
    ],
)
def test_answers_have_the_shape_of_the_document(town: TestClient, path: str) -> None:
    _fits(town, path.partition("?")[0], town.get(path).json())


def test_grids_of_a_level_come_with_their_figures_and_are_not_sent_twice(town: TestClient) -> None:
    answer = town.get("/v1/grids")
    assert answer.headers["content-type"] == "application/geo+json"
    features = answer.json()["features"]
    assert [f["properties"]["code"] for f in features] == ["990101001001001", "990101001001002"]
    assert set(features[0]["properties"]) >= {
        "uid", "code", "name", "level", "kind", "parent_code", "community_code", "community_name", "households",
        "people", "buildings", "households_estimated", "colour", "label_lon", "label_lat", "label_radius_m",
    }  # fmt: skip
    assert [f["properties"]["code"] for f in town.get("/v1/grids?level=1").json()["features"]] == ["990101001001"]
    again = town.get("/v1/grids", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_a_grid_tells_its_chain_stations_and_public_duties_only(town: TestClient) -> None:
    answer = town.get("/v1/grids/990101001001001")
    _fits(town, "/v1/grids/{code}", answer.json())
    told = answer.json()
    assert told["grid"]["name"] == "第1网格"
    assert [duty["label"] for duty in told["duties"]] == ["网格长"]
    assert "秘密岗位" not in answer.text
    assert town.get("/v1/grids/4711").status_code == 404
    assert town.get("/v1/grids/990101001001001?at=2024-01-01T00:00:00Z").status_code == 404
    assert town.get("/v1/grids?at=2025-06-01T00:00:00%2B23:59").status_code == 200


def test_a_point_is_located_with_everything_a_dispatcher_needs(town: TestClient) -> None:
    answer = town.get("/v1/locate", params={"lon": LON + 0.0011, "lat": LAT + 0.0011})
    assert answer.status_code == 200
    told = answer.json()
    _fits(town, "/v1/locate", told)
    assert told["grid"]["code"] == "990101001001001"
    assert told["edition"]["id"] == 1
    assert told["crs_assumed"] == "EPSG:4326"
    assert told["stations"][0]["name"] == "东门驿站"
    near = town.get("/v1/locate", params={"lon": LON + SIZE, "lat": LAT + 0.002}).json()
    assert near["near_boundary"]
    assert {c["code"] for c in near["candidates"]} == {"990101001001001", "990101001001002"}
    assert town.get("/v1/locate", params={"address": "青岩小区3栋"}).json()["method"] == "building"


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({"crs": "EPSG:0"}, 422),
        ({"crs": "GCJ-02"}, 200),
        ({"lon": LAT, "lat": LON}, 422),
        ({"lon": 0, "lat": 0}, 422),
        ({"lon": 1e308, "lat": -1e308}, 422),
        ({"lon": 40500000, "lat": 3100000}, 422),
        ({"at": "1900-01-01T00:00:00Z"}, 404),
        ({"at": "9999-12-31T23:59:59Z"}, 200),
        ({"at": "9999-12-31T23:59:59-08:00"}, 422),
        ({"at": "0001-01-01T00:00:00+23:59"}, 422),
        ({"at": "2025-06-01T00:00:00+23:59"}, 200),
        ({"accuracy_m": -1}, 422),
        ({"accuracy_m": "nan"}, 422),
        ({"min_edition": 1}, 200),
        ({"unknown": 1}, 422),
        ({"address": "'; DROP TABLE grid; --"}, 200),
    ],
)
def test_odd_questions_get_an_answer_or_a_sentence(town: TestClient, asked: dict[str, Any], status: int) -> None:
    answer = town.get("/v1/locate", params={"lon": LON + 0.002, "lat": LAT + 0.002} | asked)
    assert answer.status_code == status, answer.text


def test_findings_are_kept_until_the_data_change(client: TestClient, place: Place, monkeypatch) -> None:
    asked = []

    def check(_: Place) -> list[Finding]:
        asked.append(1)
        return [Finding("codes", "error", f"grid:{len(asked)}", Text("编码", "code"))]

    monkeypatch.setattr("gridmap.services.check.check", check)
    first = client.get("/v1/check").json()["findings"]
    assert first[0]["message"] == {"zh": "编码", "en": "code"}
    assert client.get("/v1/check").json()["findings"] == first
    with transaction(place) as connection:
        bump(connection, "base")
    assert client.get("/v1/check").json()["findings"][0]["subject"] == "grid:2"


def _import(connection: Connection, at: datetime) -> int:
    return int(insert(connection, "import_run", "id", kind="areas", file_name="x.gpkg", who="test", at=at))


def test_areas_and_stations_are_told_as_they_were(client: TestClient, place: Place) -> None:
    def at(year: int) -> datetime:
        return datetime(year, 1, 1, tzinfo=UTC)

    def area(name: str, run: int, **more: Any) -> None:
        whose = {"source_id": "A1", "code": "990101001001", "level": "community", "import_id": run} | more
        insert(connection, "area", name=name, geom=box_of(LON, LAT, LON + SIZE, LAT + SIZE), **whose)

    with transaction(place) as connection:
        first, second, third, last = (_import(connection, at(year)) for year in (2021, 2022, 2023, 2025))
        area("东门社区", second)
        area("东关社区", first, retired_at=at(2022), archived_of=1)
        area("闭门社区", first, source_id="A2", code="990101001002", retired_at=at(2023))
        area("又开社区", last, source_id="A2", code="990101001002")
        for source, run, gone in (("S1", first, at(2023)), ("S2", third, None)):
            insert(connection, "station", source_id=source, name=source, station_kind="center", import_id=run,
                   geom=f"SRID=4326;POINT({LON} {LAT})", retired_at=gone)  # fmt: skip
        bump(connection, "base")

    def names(path: str, **asked: str) -> list[str]:
        found = client.get(path, params=asked).json()["features"]
        return sorted(feature["properties"]["name"] for feature in found)

    def in_year(path: str, year: int) -> list[str]:
        return names(path, at=at(year).isoformat())

    assert names("/v1/areas") == in_year("/v1/areas", 2026) == ["东门社区", "又开社区"]
    assert in_year("/v1/areas", 2020) == in_year("/v1/areas", 2021) == ["东关社区", "闭门社区"]
    assert in_year("/v1/areas", 2022) == ["东门社区", "闭门社区"]
    assert in_year("/v1/areas", 2023) == in_year("/v1/areas", 2024) == ["东门社区"]
    assert names("/v1/stations") == ["S2"]
    assert in_year("/v1/stations", 2022) == ["S1", "S2"]
    told = client.get("/v1/areas").json()["features"][0]["properties"]
    assert datetime.fromisoformat(told["since"]) == at(2022)


def test_an_area_has_a_point_inside_for_its_label(town: TestClient) -> None:
    told = town.get("/v1/areas").json()["features"][0]["properties"]
    assert LON < told["label_lon"] < LON + 2 * SIZE
    assert told["label_lat"] == pytest.approx(LAT + SIZE / 2, abs=1e-5)
    assert told["label_radius_m"] == pytest.approx(SIZE * 111_000 / 2, rel=0.01)


def test_an_edition_that_was_just_published_is_waited_for(client: TestClient, place: Place) -> None:
    with transaction(place) as connection:
        make_two_grids(connection)

    def publish() -> None:
        with transaction(place) as connection:
            insert(connection, "edition", id=2, name="第二版", effective_from=datetime.now(UTC), made_by="test")
            connection.execute(
                text(
                    "INSERT INTO gridmap.edition_grid (edition_id, uid, code, name, level, leaf, grid_kind, geom)"
                    " SELECT 2, uid, code, name, level, leaf, grid_kind, geom FROM gridmap.edition_grid"
                )
            )
            bump(connection, "edition")

    later = threading.Timer(0.3, publish)
    later.start()
    asked = {"lon": LON + 0.002, "lat": LAT + 0.002, "min_edition": 2}
    assert client.get("/v1/locate", params=asked).json()["edition"]["id"] == 2
    later.join()
    assert client.get("/v1/locate", params=asked | {"min_edition": 3}).status_code == 503


def test_locating_from_memory_does_not_touch_the_database(town: TestClient, monkeypatch) -> None:
    town.app.state.here.walker.town()
    asked = {"lon": LON + 0.002, "lat": LAT + 0.002}
    before = town.get("/v1/locate", params=asked).json()
    straight = town.get("/v1/locate", params=asked | {"walk": False}).json()

    def nobody(*_: object, **__: object) -> None:
        raise AssertionError("the database was asked")

    monkeypatch.setattr("gridmap.services.locate.engine_of", nobody)
    monkeypatch.setattr("gridmap.services.walking.engine_of", nobody)
    assert town.get("/v1/locate", params=asked).json() == before
    # a walk is worked out in a thread; without one nothing waits
    monkeypatch.setattr("starlette.concurrency.anyio.to_thread.run_sync", nobody)
    assert town.get("/v1/locate", params=asked | {"walk": False}).json() == straight


def test_endpoints_that_ask_the_database_are_plain_functions_and_as_many_threads_as_connections(
    town: TestClient,
) -> None:
    for route in _routes(town):
        name = route.path
        if asyncio.iscoroutinefunction(route.endpoint):
            assert name in {"/v1/locate", "/v1/jobs/{id}/events", "/v1/imports"}, name

    @town.app.get("/v1/threads")
    async def threads() -> float:
        import anyio.to_thread

        return anyio.to_thread.current_default_thread_limiter().total_tokens

    assert town.get("/v1/threads").json() == town.app.state.here.settings.pool_size
