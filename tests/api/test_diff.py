"""Comparisons, change packs, assignments and nets over HTTP (see tests.services.town)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from api.app import create_app
from gridmap.settings import Settings
from gridmap.store.database import Place
from tests.api.conftest import BASE, BEARER, TOKEN
from tests.conftest import copy_database, drop_database


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
