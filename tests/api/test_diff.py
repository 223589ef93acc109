"""Comparisons, change packs, assignments and nets over HTTP (see tests.services.town)."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest
import shapely
from starlette.testclient import TestClient

from api.app import create_app
from gridmap.services.jobs import HANDLERS, JobView, carry_out
from gridmap.settings import Settings
from gridmap.store import jobs as job_store
from gridmap.store.database import Place, transaction
from tests.api.conftest import BASE, BEARER, TOKEN
from tests.conftest import copy_database, drop_database
from tests.services import town


@pytest.fixture(scope="module")
def blocks(run_settings: Settings, town_template: Place) -> Iterator[Place]:
    """The small town, with a plan of each test."""
    made = copy_database(run_settings, town_template.name, "api_blocks")
    yield made
    drop_database(run_settings, made)


@pytest.fixture(scope="module")
def planner(run_settings: Settings, blocks: Place) -> Iterator[TestClient]:
    app = create_app(run_settings.model_copy(update={"database": blocks.name}), place=blocks, token=TOKEN)
    with TestClient(app, base_url=BASE, headers=BEARER) as opened:
        yield opened


def test_two_editions_are_compared_as_tables_and_layers(planner: TestClient) -> None:
    asked = {"from": "edition:1", "to": "edition:2"}
    told = planner.get("/v1/diff", params=asked)
    assert told.status_code == 200, told.text
    assert {b["building"] for b in told.json()["buildings"]} == {f"b00{k}" for k in range(6)}
    (land,) = planner.get("/v1/diff/land", params=asked).json()["features"]
    assert land["properties"]["households"] == 300
    lines = planner.get("/v1/diff/borders", params=asked).json()["features"]
    assert {f["properties"]["change"] for f in lines} == {"new"}
    packed = planner.get("/v1/diff/layers", params=asked)
    assert packed.headers["content-type"] == "application/geopackage+sqlite3"
    assert packed.content.startswith(b"SQLite format 3")


@pytest.mark.parametrize(("old", "status"), [("edition:77", 404), ("plan:77", 404), ("last", 422), ("plan:x", 422)])
def test_a_comparison_with_what_is_not_there_is_a_problem(planner: TestClient, old: str, status: int) -> None:
    assert planner.get("/v1/diff", params={"from": old, "to": "edition:2"}).status_code == status


@pytest.fixture
def plan(planner: TestClient, request: pytest.FixtureRequest) -> str:
    made = planner.post("/v1/plans", json={"title": request.node.name[:100]})
    assert made.status_code == 201, made.text
    return str(made.headers["Location"])


def move(planner: TestClient, plan: str, building: str, to: str) -> None:
    said = {"base_revision": planner.get(plan).json()["revision"]}
    done = planner.post(f"{plan}/ops", json=said | {"operation": {"kind": "assign", "buildings": [building], "to": to}})
    assert done.status_code == 200, done.text


def started(place: Place, number: int) -> JobView:
    """Take a job as the worker does."""
    with transaction(place) as connection:
        return job_store.start(connection, number)


def test_a_change_pack_is_made_by_a_job_and_fetched_as_zip_until_the_plan_changes(
    planner: TestClient, blocks: Place, plan: str
) -> None:
    move(planner, plan, "b003", town.code(0, 1))
    assert planner.get(f"{plan}/change-pack").status_code == 404
    asked = planner.post(f"{plan}/change-pack", params={"lang": "en"})
    assert (asked.status_code, asked.headers["location"]) == (202, f"/v1/jobs/{asked.json()['id']}")
    view = started(blocks, int(asked.json()["id"]))
    view, error = carry_out(blocks, view, HANDLERS["change-pack"])
    assert error is None, error
    packed = planner.get(f"{plan}/change-pack", params={"lang": "en"})
    assert packed.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(packed.content)) as archive:
        assert archive.namelist() == view.result["files"]
        assert "b003" in archive.read("crosswalk.csv").decode()
    move(planner, plan, "b004", town.code(0, 1))
    assert planner.get(f"{plan}/change-pack", params={"lang": "en"}).status_code == 404


def test_a_change_pack_of_no_plan_is_not_found(planner: TestClient) -> None:
    assert planner.post("/v1/plans/777/change-pack").status_code == 404
    assert planner.get("/v1/plans/777/change-pack").status_code == 404


def test_assignments_go_out_as_a_file_and_come_back_as_one_operation(planner: TestClient, plan: str) -> None:
    move(planner, plan, "b003", town.code(0, 1))
    listed = planner.get(f"{plan}/assignments")
    assert listed.headers["content-type"] == "text/csv; charset=utf-8"
    other = str(planner.post("/v1/plans", json={"title": "回来"}).headers["Location"])
    dry = planner.post(f"{other}/import", params={"name": "a.csv"}, content=listed.content)
    assert (dry.status_code, dry.json()["step"]["committed"]) == (200, False), dry.text
    done = planner.post(f"{other}/import", params={"name": "a.csv", "commit": True}, content=listed.content).json()
    assert done["step"]["revision"] == 1
    assert planner.get(f"{other}/assignments").content == listed.content
    bad = planner.post(
        f"{other}/import", params={"name": "b.csv", "commit": True}, content=b"building_id,grid_code\nnobody,x\n"
    )
    assert (bad.status_code, len(bad.json()["errors"])) == (422, 1)
    drawn = planner.get(f"{plan}/assignments", params={"format": "geojson"})
    assert len(drawn.json()["features"]) == 8


def test_nets_are_compared_over_http(planner: TestClient, blocks: Place, importer: Any) -> None:
    halves = [shapely.union_all([town.block(c, r) for c in half for r in range(2)]) for half in ((0, 1), (2, 3))]
    table = {"source_id": ["n1", "n2"], "net": ["警务网"] * 2, "code": ["J1", "J2"], "name": ["西区", "东区"]}
    importer(blocks, "nets", town.lonlat(table, halves))
    assert planner.get("/v1/nets").json()["nets"] == [{"net": "警务网", "department": None, "areas": 2}]
    told = planner.get("/v1/nets/compare", params={"net": "警务网", "with": "edition:1"}).json()
    assert (told["totals"]["disagree"]["pieces"], len(told["pieces"])) == (0, 7)
    assert planner.get("/v1/nets/compare/land", params={"net": "警务网"}).json()["features"] == []
    assert len(planner.get("/v1/nets/areas").json()["features"]) == 2
    assert len(planner.get("/v1/nets/summary").json()["compared"]) == 1
    assert sum(p["households"] for p in planner.get("/v1/nets/overlay").json()["pieces"]) == 48 * 50
    assert planner.get("/v1/nets/compare", params={"net": "没有"}).status_code == 404
