"""The life of a plan over HTTP: rebased, approved, dated, withdrawn, rolled back; comments and scores."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from api.app import create_app
from gridmap.settings import Settings
from gridmap.store.database import Place
from tests.api.conftest import BASE, BEARER, TOKEN
from tests.services.test_plans import NE, NW, SE, SW


@pytest.fixture
def planner(run_settings: Settings, town_place: Place) -> Iterator[TestClient]:
    app = create_app(run_settings.model_copy(update={"database": town_place.name}), place=town_place, token=TOKEN)
    with TestClient(app, base_url=BASE, headers=BEARER) as opened:
        yield opened


def new(planner: TestClient, title: str, *orders: dict[str, Any]) -> str:
    made = planner.post("/v1/plans", json={"title": title})
    address = str(made.headers["Location"])
    for number, order in enumerate(orders):
        step = planner.post(f"{address}/ops", json={"base_revision": number, "operation": order})
        assert step.status_code == 200, step.text
    return address


def go(planner: TestClient, address: str, step: str, revision: int, **more: Any) -> Any:
    return planner.post(f"{address}/{step}", json={"base_revision": revision, **more})


GIVE = {"kind": "assign", "buildings": ["b004"]}


def test_two_drafts_of_one_edition_the_second_is_rebased(planner: TestClient) -> None:
    first = new(planner, "甲", GIVE | {"to": NW}, {"kind": "rename", "grid": NE, "name": "新"})
    second = new(planner, "乙", GIVE | {"to": SE})
    for step in ("submit", "approve"):
        assert go(planner, first, step, 2).status_code == 200
    told = go(planner, first, "publish", 2, name="甲版").json()
    assert (told["state"], told["approval_enforced"], told["approved_by"]) == ("active", False, "token")
    assert go(planner, second, "submit", 1).status_code == 200
    refused = go(planner, second, "approve", 1)
    assert refused.status_code == 409
    assert "rebase" in refused.text.lower()
    would = go(planner, second, "rebase", 1, preview=True).json()
    (difference,) = would["differences"]
    assert (difference["theirs"], difference["mine"], difference["buildings"]) == (NW, SE, ["b004"])
    open_still = go(planner, second, "rebase", 1)
    assert open_still.status_code == 409
    assert open_still.json()["errors"][0]["id"] == difference["id"]
    assert go(planner, second, "rebase", 1, settle={"land": "both"}).status_code == 422
    made = go(planner, second, "rebase", 1, settle={difference["id"]: "mine"}).json()
    assert (made["base_edition"], made["state"], made["revision"]) == (3, "draft", 2)


def test_a_publication_is_dated_and_withdrawn_and_a_former_edition_comes_back(planner: TestClient) -> None:
    address = new(planner, "甲", GIVE | {"to": NW})
    for step in ("submit", "approve"):
        go(planner, address, step, 1)
    day = (datetime.now(UTC) + timedelta(days=2)).date().isoformat()
    assert go(planner, address, "publish", 1, name="甲版", effective_at="2020-01-01").status_code == 422
    told = go(planner, address, "publish", 1, name="甲版", effective_at=day).json()
    assert (told["state"], told["edition"], told["requests_moved"]) == ("approved", 3, 0)
    assert datetime.fromisoformat(told["effective_from"]) > datetime.now(UTC)
    assert planner.post("/v1/plans/rollback", json={"edition": 1}).status_code == 409
    assert planner.post(f"{address}/reopen").status_code == 409
    assert planner.post(f"{address}/withdraw").json()["edition"] is None
    assert planner.post(f"{address}/withdraw").status_code == 409
    would = planner.post("/v1/plans/rollback", json={"edition": 1, "preview": True}).json()
    assert (would["committed"], would["from"], would["to"], would["buildings_moved"]) == (False, 2, 1, 6)
    made = planner.post("/v1/plans/rollback", json={"edition": 1, "name": "照旧"}).json()
    assert (made["state"], made["edition"], made["households_moved"]) == ("active", 3, 300)
    assert planner.get("/v1/jurisdiction").json()["edition"]["name"] == "照旧"
    assert planner.post("/v1/plans/rollback", json={"edition": 77}).status_code == 404


def test_comments_and_scores(planner: TestClient) -> None:
    address = new(planner, "甲", GIVE | {"to": NW})
    words = "<img src=x onerror=alert(1)>"
    made = planner.post(f"{address}/comments", json={"words": words, "grid": SW})
    assert (made.status_code, made.json()["words"]) == (201, words)
    assert made.headers["content-type"].startswith("application/json")
    assert planner.post(f"{address}/comments", json={"words": "这里", "lon": 112.39, "lat": 36.4}).status_code == 201
    assert planner.post(f"{address}/comments", json={"words": " "}).status_code == 422
    assert planner.post(f"{address}/comments", json={"words": "x", "grid": "nobody"}).status_code == 422
    told = planner.get(f"{address}/comments").json()["comments"]
    assert [(c["grid"], c["who"]) for c in told] == [(SW, "token"), (None, "token")]
    settled = planner.post(f"{address}/comments/{told[0]['id']}/settle", json={"settled": True}).json()
    assert settled["settled_by"] == "token"
    assert planner.post(f"{address}/comments/99/settle", json={}).status_code == 404
    history = planner.get(f"{address}/scores").json()
    assert (history["start"]["households_moved"], history["history"][0]["score"]["households_moved"]) == (0, 50)
