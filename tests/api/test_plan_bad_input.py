"""Whatever is wrong with an operation is a sentence in both languages, and nothing is lost."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from api.app import create_app
from gridmap.settings import Settings
from gridmap.store.database import Place
from tests.api.conftest import BASE, BEARER, TOKEN
from tests.conftest import copy_database, drop_database, leave
from tests.services import town
from tests.services.test_plans import NE, NW, SE, SW


@pytest.fixture(scope="module")
def planner(run_settings: Settings, town_template: Place) -> Iterator[TestClient]:
    leave(town_template)
    place = copy_database(run_settings, town_template.name, "bad_plans")
    app = create_app(run_settings.model_copy(update={"database": place.name}), place=place, token=TOKEN)
    with TestClient(app, base_url=BASE, headers=BEARER) as opened:
        yield opened
    drop_database(run_settings, place)


@pytest.fixture(scope="module")
def plan(planner: TestClient) -> str:
    """A plan at revision 2, in which a grid was renamed and another one ended."""
    address = str(planner.post("/v1/plans", json={"title": "试"}).headers["Location"])
    for number, order in enumerate(
        [{"kind": "rename", "grid": NW, "name": "新"}, {"kind": "merge", "grids": [SE, NE]}]
    ):
        made = planner.post(f"{address}/ops", json={"base_revision": number, "operation": order})
        assert made.status_code == 200, made.text
    return address


def line(*metres: tuple[float, float]) -> list[tuple[float, float]]:
    return [town.at(x, y) for x, y in metres]


MILLION = [[112.39, 36.4]] * 1_000_000
BAD: dict[str, tuple[dict[str, Any], int]] = {
    "an empty lasso": ({"kind": "assign", "to": NW, "lasso": line((1, 1), (3, 1), (3, 3))}, 422),
    "a lasso of no land": ({"kind": "assign", "to": NW, "lasso": line((1, 1), (3, 1))}, 422),
    "a line that misses the grid": ({"kind": "split", "grid": SW, "line": line((250, 10), (390, 190))}, 422),
    "a split that would leave an empty side": ({"kind": "split", "grid": SW, "line": line((2, -9), (2, 209))}, 422),
    "a merge of grids that are no neighbours": ({"kind": "merge", "grids": [SW, town.code(3, 0)]}, 422),
    "a stroke that crosses itself": (
        {"kind": "line", "line": line((0, 190), (190, 210), (190, 190), (0, 210)), "between": [SW, NW]}, 422,
    ),
    "a brush stroke in another country": (
        {"kind": "assign", "to": NW, "brush": {"line": [[2.3, 48.9]], "radius_m": 10}}, 422,
    ),
    "a grid that ended": ({"kind": "rename", "grid": NE, "name": "x"}, 422),
    "land for a grid that ended": ({"kind": "assign", "buildings": ["b000"], "to": NE}, 422),
    "unknown buildings": ({"kind": "assign", "buildings": ["b000", "nobody"], "to": NW}, 422),
    "land of another community": ({"kind": "assign", "buildings": ["b300"], "to": NW}, 422),
    "a cut of nothing": ({"kind": "cut", "line": line((60, 70), (90, 70))}, 422),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_what_is_wrong_is_said_and_nothing_changes(planner: TestClient, plan: str, name: str) -> None:
    operation, status = BAD[name]
    refused = planner.post(f"{plan}/ops", json={"base_revision": 2, "operation": operation})
    assert refused.status_code == status, refused.text
    said = refused.json()
    assert said["detail"]
    assert "。" in refused.text
    assert planner.get(plan).json()["revision"] == 2


def test_a_polygon_of_a_million_points_is_refused_before_it_is_read(planner: TestClient, plan: str) -> None:
    order = {"kind": "assign", "to": NW, "lasso": MILLION}
    refused = planner.post(f"{plan}/ops", json={"base_revision": 2, "operation": order})
    assert refused.status_code == 413
    assert refused.json()["detail"]
    assert planner.get(plan).json()["revision"] == 2


def test_a_stale_revision_is_told_with_both_versions_and_one_that_is_not_there_yet_too(
    planner: TestClient, plan: str
) -> None:
    stale = planner.post(
        f"{plan}/ops", json={"base_revision": 0, "operation": {"kind": "rename", "grid": NW, "name": "别的"}}
    )
    assert stale.status_code == 409
    assert stale.json()["errors"]
    ahead = planner.post(f"{plan}/ops", json={"base_revision": 9, "operation": {"kind": "split", "grid": SW}})
    assert ahead.status_code == 422
    for step in ("submit", "approve", "publish"):
        more = {"name": "x"} if step == "publish" else {}
        assert planner.post(f"{plan}/{step}", json={"base_revision": 1, **more}).status_code == 409
    assert planner.get(plan).json()["revision"] == 2
