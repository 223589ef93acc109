"""Plans over HTTP: answers, conflicts, documents; and two servers at once, neither of which loses a step."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient

from api.app import create_app
from api.routes.plans import EXAMPLES
from gridmap.core.plans.gestures import KINDS, read_gesture
from gridmap.core.plans.history import replay
from gridmap.core.plans.state import PlanState
from gridmap.services.plans import PlanDesk
from gridmap.settings import Settings
from gridmap.store import plans as store
from gridmap.store.database import Place, engine_of
from tests.api.conftest import BASE, BEARER, TOKEN
from tests.api.test_serve import Server
from tests.conftest import copy_database, drop_database, leave


@pytest.fixture(scope="module")
def county(run_settings: Settings, county_template: Place) -> Iterator[Place]:
    leave(county_template)
    made = copy_database(run_settings, county_template.name, "api_plans")
    yield made
    drop_database(run_settings, made)


@pytest.fixture(scope="module")
def planner(run_settings: Settings, county: Place) -> Iterator[TestClient]:
    app = create_app(run_settings.model_copy(update={"database": county.name}), place=county, token=TOKEN)
    with TestClient(app, base_url=BASE, headers=BEARER) as opened:
        yield opened


@pytest.fixture
def plan(planner: TestClient, request: pytest.FixtureRequest) -> str:
    made = planner.post("/v1/plans", json={"title": request.node.name[:100]})
    assert made.status_code == 201, made.text
    return str(made.headers["Location"])


def step(planner: TestClient, plan: str, base: int, **operation: Any) -> Any:
    return planner.post(f"{plan}/ops", json={"base_revision": base, "operation": operation})


def buildings_of(county: Place) -> dict[str, list[str]]:
    """Return some buildings, alone in their cell, of each grid that has neighbours in its community."""
    desk = PlanDesk(county)
    state = desk._now(desk.new(title=f"look {len(desk.listed())}", who="x")["id"]).state
    found: dict[str, list[str]] = {}
    for name, rows in state.fabric.cells_of_building.items():
        key = int(state.keys_of(rows[:1])[0])
        if len(rows) == 1 and key in state.grids:
            found.setdefault(state.grids[key].code, []).append(name)
    return found


def neighbours(county: Place) -> tuple[str, str, list[str]]:
    """Return two grids of one community and the buildings of the first."""
    held = buildings_of(county)
    for code, names in sorted(held.items()):
        other = next((c for c in sorted(held) if c[:12] == code[:12] and c != code), None)
        if other and len(names) > 3:
            return code, other, names
    raise AssertionError


def test_a_step_answers_with_what_changed_and_where_it_stands(planner: TestClient, county: Place, plan: str) -> None:
    one, other, names = neighbours(county)
    preview = planner.post(
        f"{plan}/ops",
        json={
            "base_revision": 0,
            "preview": True,
            "operation": {"kind": "assign", "buildings": names[:1], "to": other},
        },
    ).json()
    assert (preview["committed"], preview["revision"]) == (False, 0)
    told = step(planner, plan, 0, kind="assign", buildings=names[:1], to=other)
    assert told.status_code == 200
    assert {g["code"] for g in told.json()["grids"]} == {one, other}
    assert told.json()["grids"][0]["geometry"]["coordinates"]
    shown = planner.get(plan).json()
    assert (shown["revision"], shown["undo"]) == (1, {"seq": 1, "kind": "assign"})
    features = planner.get(f"{plan}/grids")
    assert features.headers["content-type"] == "application/geo+json"
    assert len(features.json()["features"]) == len(shown["grids"])
    assert planner.get(f"{plan}/score").json()["score"]["households_moved"] > 0
    changed = planner.get(f"{plan}/diff").json()
    assert [(b["building"], b["old"], b["new"]) for b in changed["buildings"]] == [(names[0], one, other)]
    (land,) = planner.get(f"{plan}/diff/land").json()["features"]
    assert (land["properties"]["old"], land["properties"]["new"]) == (one, other)
    before = planner.get(f"{plan}/diff", params={"against": "edition:1"}).json()["from"]
    assert (before["kind"], before["id"]) == ("edition", 1)
    for against, status in (("edition:99", 404), ("plan:99999", 404), ("yesterday", 422)):
        assert planner.get(f"{plan}/diff", params={"against": against}).status_code == status
    (logged,) = planner.get(f"{plan}/ops").json()["operations"]
    assert (logged["kind"], logged["who"], logged["gesture"]["to"]) == ("assign", "token", other)
    assert plan.rpartition("/")[2] in {str(p["id"]) for p in planner.get("/v1/plans").json()["plans"]}


def test_other_land_is_rebased_the_same_land_is_a_conflict_and_nonsense_is_refused(
    planner: TestClient, county: Place, plan: str
) -> None:
    _, other, names = neighbours(county)
    assert step(planner, plan, 0, kind="assign", buildings=names[:1], to=other).json()["rebased"] == 0
    assert step(planner, plan, 0, kind="assign", buildings=names[1:2], to=other).json()["rebased"] == 1
    clash = step(planner, plan, 0, kind="split", grid=other)
    third = step(planner, plan, 1, kind="assign", buildings=names[:2], to=other)
    assert {clash.status_code, third.status_code} <= {200, 409}
    refused = step(planner, plan, 0, kind="assign", buildings=names[:1], to=other)
    assert refused.status_code == 409
    (version, *_) = refused.json()["errors"]
    assert version["theirs"] == version["theirs"] | {"now": other, "by": "token", "operation": 1}
    assert version["mine"]["to"] == other
    for base, operation, status in (
        (0, {"kind": "assign", "buildings": ["nobody"], "to": other}, 422),
        (99, {"kind": "undo"}, 422),
        (0, {"kind": "explode"}, 422),
        (0, {"kind": "assign", "to": other, "lasso": [[0, 0]] * 10_001}, 422),
        (0, {"kind": "assign", "to": other, "lasso": [[500, 0]] * 3}, 422),
    ):
        answer = step(planner, plan, base, **operation)
        assert answer.status_code == status, operation
        assert answer.json()["detail_zh"]
    assert planner.post(f"{plan}/ops", json={"operation": {"kind": "undo"}}).status_code == 422
    assert (
        planner.post(f"{plan}/ops", content=b"[" * 5_000_000, headers={"content-type": "application/json"}).status_code
        == 413
    )
    for path in ("", "/grids", "/score", "/ops"):
        assert planner.get(f"/v1/plans/4711{path}").status_code == 404
    assert planner.post("/v1/plans", json={"title": plan, "edition": 77}).status_code == 404


def test_every_kind_of_operation_has_an_example_that_is_one(planner: TestClient) -> None:
    body = planner.get("/openapi.json").json()["paths"]["/v1/plans/{id}/ops"]["post"]["requestBody"]
    examples = body["content"]["application/json"]["examples"]
    assert {e["value"]["operation"]["kind"] for e in examples.values()} == set(KINDS)
    for example in EXAMPLES.values():
        read_gesture(example["value"]["operation"])


@pytest.fixture
def servers(run_settings: Settings, county: Place, tmp_path: Path) -> Iterator[list[Server]]:
    """Two servers on one database, each a process of its own."""
    leave(county)
    here = run_settings.model_copy(update={"database": county.name})
    started: list[Server] = []
    try:
        for number in range(2):
            (tmp_path / str(number)).mkdir()
            started.append(Server(here, tmp_path / str(number)))
        yield started
    finally:
        for server in started:
            with server.process:
                server.end()


def test_two_servers_at_once_lose_nothing(servers: list[Server], county: Place, planner: TestClient, plan: str) -> None:
    import httpx2 as httpx

    held = buildings_of(county)
    codes = sorted(held)
    jobs = []
    rng = np.random.default_rng(5)
    for _ in range(40):
        code = codes[int(rng.integers(len(codes)))]
        home = [c for c in codes if c[:12] == code[:12]]
        jobs.append(
            {"kind": "assign", "buildings": [held[code][int(rng.integers(min(2, len(held[code]))))]],
             "to": home[int(rng.integers(len(home)))]}
        )  # fmt: skip

    def send(number: int) -> tuple[int, dict[str, Any]]:
        server = servers[number % 2]
        # as somebody who looked at the plan when it was new
        body = {"base_revision": 0, "operation": jobs[number]}
        answer = httpx.post(f"{server.base}{plan}/ops", json=body, headers=server.bearer, timeout=120)
        return answer.status_code, answer.json()

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(send, range(len(jobs))))
    assert {status for status, _ in answers} <= {200, 409, 422}
    done = [body for status, body in answers if status == 200]
    assert len(done) > len(jobs) / 3
    assert sorted(body["revision"] for body in done) == list(range(1, len(done) + 1))
    number = int(plan.rpartition("/")[2])
    session = PlanDesk(county)._now(number)
    assert session.row.revision == len(done) == len(session.entries)
    with engine_of(county).connect() as connection:
        origin = store.add(connection, title="origin", base_edition=session.row.base_edition, owner="x")
        assert origin is not None
        grids, _ = store.grids_now(connection, origin)
    start = PlanState.start(session.state.fabric, grids, np.array([*session.state.keys, 0])[session.state.base])
    assert replay(start, session.entries).fingerprint() == session.state.fingerprint()
    for status, body in answers:
        if status == 409:
            assert body["errors"][0]["theirs"]["operation"] >= 1
    # both servers tell the same, to the last building
    told = [httpx.get(f"{s.base}{plan}", headers=s.bearer, timeout=60).json() for s in servers]
    assert told[0] == told[1]
    assert sum(g["households"] for g in told[0]["grids"]) == int(session.state.tally.households.sum())


def test_the_document_names_every_kind_of_operation() -> None:
    said = (Path(__file__).parents[2] / "docs" / "api.md").read_text(encoding="utf-8")
    rows = said.partition("## Redrawing a plan")[2].partition("## Operations")[0]
    assert [kind for kind in KINDS if f"`{kind}`" not in rows] == []


def test_proposals_are_asked_for_looked_at_and_taken(planner: TestClient, plan: str, county: Place) -> None:
    from gridmap.services import jobs, proposals

    shown = planner.get(plan).json()
    community = max(shown["grids"], key=lambda g: abs(g["deviation"] or 0))["community_code"]
    order = {"mode": "fresh", "community": community, "effort": 0.2}
    asked = planner.post(f"{plan}/auto", json=order)
    assert asked.status_code == 202, asked.text
    job = planner.get(asked.headers["Location"]).json()
    assert (job["kind"], job["state"]) == ("proposals", "waiting")
    # no worker is at work here
    planner.delete(asked.headers["Location"])
    inputs = proposals.inputs_of(shown["id"], proposals.order_of(order), "token")
    made = jobs.run_here(county, "proposals", inputs, who="token").result
    assert made is not None
    (listed,) = planner.get(f"{plan}/auto").json()["proposals"]
    address = f"{plan}/auto/{listed['id']}"
    whole = planner.get(address, params={"operations": True}).json()
    assert whole["candidates"][0]["operation"]["kind"] == "auto"
    assert (whole["asked"]["community"], whole["complete"], whole["stale"]) == (community, True, False)
    would = planner.post(f"{address}/take", json={"candidate": 1, "preview": True})
    assert (would.status_code, would.json()["committed"]) == (200, False), would.text
    taken = planner.post(f"{address}/take", json={"candidate": 1})
    assert (taken.json()["kind"], taken.json()["revision"]) == ("auto", 1)
    undone = step(planner, plan, 1, kind="undo")
    assert undone.json()["score"] == shown["score"]
    assert planner.post(f"{address}/take", json={"candidate": 99}).status_code == 404
    assert planner.post(f"{plan}/auto", json={"mode": "best"}).status_code == 422
    assert planner.get(f"{plan}/auto/999999").status_code == 404
