"""``gridmap plan``: a plan made by commands alone is published, rebased upon, dated, withdrawn and rolled back."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import pytest

from gridmap.errors import Conflict, InputError
from gridmap.store.database import Place
from tests.services.test_plans import NE, NW, SE, SW
from tests.services.test_plans_published import point_of, rows


@pytest.fixture
def plan(town_place: Place, quick: Callable[..., Any]) -> Callable[..., Any]:
    def go(*arguments: str) -> Any:
        return quick("plan", *arguments, "--database", town_place.name)

    return go


def told(result: Any) -> Any:
    assert result.exit_code == 0, (result.output, result.exception)
    return json.loads(result.stdout)


def done(plan: Callable[..., Any], *arguments: str) -> Any:
    return told(plan(*arguments, "--commit", "--json"))


def homes(place: Place, edition: int) -> dict[str, str]:
    """Return the grid of every building in an edition, as SQL says."""
    return dict(
        rows(
            place,
            f"SELECT b.source_id, g.code FROM gridmap.building_grids({edition}) h "
            "JOIN gridmap.building b ON b.id = h.building_id "
            f"JOIN gridmap.edition_grid g ON g.uid = h.uid AND g.edition_id = {edition}",
        )
    )


def responsible(place: Place) -> tuple[dict[str, str], dict[str, str]]:
    """Return the grid code of each open request and of each duty."""
    requests = rows(
        place,
        "SELECT r.source_ref, g.code FROM gridmap.request r JOIN gridmap.edition_grid g ON g.uid = r.current_uid "
        "AND g.edition_id = gridmap.edition_at()",
    )
    duties = rows(place, "SELECT source_id, grid_code FROM gridmap.duty WHERE retired_at IS NULL")
    return dict(requests), dict(duties)


def test_a_plan_made_by_commands_alone_is_published_and_rolled_back_to_the_building(
    town_place: Place, plan: Callable[..., Any], importer: Any
) -> None:
    names = ["b003", "b004", "b100", "b305"]
    points = [point_of(name) for name in names]
    at = (datetime.now(UTC) - timedelta(minutes=1)).isoformat()
    table = pd.DataFrame(
        {"source": "12345", "source_ref": names, "channel": "hotline", "reported_at": at,
         "lon": [p[0] for p in points], "lat": [p[1] for p in points]}
    )  # fmt: skip
    importer(town_place, "requests", table)
    before, responsible_before = homes(town_place, 2), responsible(town_place)
    done(plan, "new", "调整")
    for order in (
        {"kind": "assign", "buildings": ["b003"], "to": NW},
        {"kind": "merge", "grids": [NE, SE]},
        {"kind": "renumber", "grid": SW, "code": "K1"},
    ):
        done(plan, "op", "调整", json.dumps(order))
    walk = {b["building"]: b["new"] for b in told(plan("diff", "调整", "--json"))["buildings"]}
    done(plan, "submit", "调整")
    assert "批准只作记录" in plan("approve", "调整", "--commit").output
    made = done(plan, "publish", "调整", "--name", "新版")
    assert (made["state"], made["edition"]) == ("active", 3)
    now = homes(town_place, 3)
    assert {b: now[b] for b in walk} == walk
    assert {b for b in now if now[b] != before[b]} - set(walk) == {b for b in before if before[b] == SW} - {"b003"}
    requests, duties = responsible(town_place)
    assert requests == {name: now[name] for name in names}
    assert set(duties.values()) == {*now.values(), None}
    would = plan("rollback", "2")
    assert "--commit" in would.output
    back = done(plan, "rollback", "2")
    assert (back["edition"], back["buildings_moved"]) == (4, len(walk))
    assert homes(town_place, 4) == before
    assert responsible(town_place) == responsible_before


def test_the_second_draft_is_rebased_and_its_differences_settled_by_commands(plan: Callable[..., Any]) -> None:
    for title, to in (("甲", NW), ("乙", SE)):
        done(plan, "new", title)
        done(plan, "op", title, json.dumps({"kind": "assign", "buildings": ["b004"], "to": to}))
        done(plan, "submit", title)
    done(plan, "approve", "甲")
    done(plan, "publish", "甲", "--name", "甲版")
    assert isinstance(plan("approve", "乙", "--commit").exception, Conflict)
    would = told(plan("rebase", "乙", "--json"))
    (difference,) = would["differences"]
    assert difference["id"] in plan("rebase", "乙").output
    assert isinstance(plan("rebase", "乙", "--commit").exception, Conflict)
    assert isinstance(plan("rebase", "乙", "--take", "ours").exception, InputError)
    assert isinstance(plan("rebase", "乙", "--settle", "nonsense", "--commit").exception, InputError)
    made = done(plan, "rebase", "乙", "--settle", f"{difference['id']}=mine")
    assert (made["base_edition"], made["state"], made["settled"]) == (3, "draft", {difference["id"]: "mine"})
    assert told(plan("diff", "乙", "--json"))["households_moved"] == 50


def test_a_publication_is_dated_and_withdrawn_by_commands(plan: Callable[..., Any]) -> None:
    done(plan, "new", "甲")
    done(plan, "op", "甲", json.dumps({"kind": "assign", "buildings": ["b004"], "to": NW}))
    done(plan, "submit", "甲")
    done(plan, "approve", "甲")
    day = (datetime.now(UTC) + timedelta(days=3)).date().isoformat()
    assert day in plan("publish", "甲", "--name", "甲版", "--at", f"{day}T12:00", "--commit").output
    assert told(plan("show", "甲", "--json"))["state"] == "approved"
    assert isinstance(plan("reopen", "甲", "--commit").exception, Conflict)
    assert "--commit" in plan("withdraw", "甲").output
    assert done(plan, "withdraw", "甲")["edition"] is None
    assert done(plan, "reopen", "甲")["state"] == "draft"
