"""The buildings of a grid of a plan, for those who choose them from a list (see town)."""

from __future__ import annotations

import pytest

from gridmap.errors import InputError, NotFound
from gridmap.services.planbuildings import buildings_of
from gridmap.services.plans import PlanDesk
from gridmap.store.database import Place
from tests.services import town

SW, SE = town.code(0, 0), town.code(1, 0)


def test_buildings_are_listed_by_number_and_follow_the_plan(town_place: Place) -> None:
    desk = PlanDesk(town_place)
    plan = int(desk.new(title="明年方案", who="anna")["id"])
    before = buildings_of(desk, plan, grid=SW)
    assert [row["number"] for row in before["buildings"]] == [f"{k}栋" for k in range(1, 7)]
    assert {(row["households"], row["people"]) for row in before["buildings"]} == {(50, 140)}
    desk.operate(plan, {"kind": "assign", "buildings": ["b100"], "to": SW}, who="anna")
    after = buildings_of(desk, plan, grid=SW)
    assert after["revision"] == 1
    assert len(after["buildings"]) == 7
    assert "b100" not in {row["building"] for row in buildings_of(desk, plan, grid=SE)["buildings"]}


def test_a_grid_or_plan_that_is_not_there_is_refused(town_place: Place) -> None:
    desk = PlanDesk(town_place)
    plan = int(desk.new(title="明年方案", who="anna")["id"])
    with pytest.raises(InputError, match="no grid"):
        buildings_of(desk, plan, grid="nowhere")
    with pytest.raises(NotFound):
        buildings_of(desk, 4711, grid=SW)
