"""Rolling back publishes the former edition as a new one; requests, duties and crosswalk agree (see town)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gridmap.errors import Conflict, InputError, NotFound
from gridmap.services import activation, planlife
from gridmap.services.locate import Locator
from gridmap.services.plans import PlanDesk
from gridmap.services.rollback import rollback
from gridmap.store.database import Place, engine_of
from gridmap.store.editions import assignment_in, edition_grids
from tests.services import town
from tests.services.test_living_base_data import change_file
from tests.services.test_plans import NE, NW, SE, SW, give, grid_of
from tests.services.test_plans_dated import approved, codes_of_requests, day, over_midnight, published, report, rows
from tests.services.test_plans_published import point_of

NAMES = ["uid", "code", "name", "level", "grid_kind", "parent_uid", "community_code", "households"]
LIVE_DUTIES = "SELECT source_id, grid_code FROM gridmap.duty WHERE retired_at IS NULL ORDER BY 1"


@pytest.fixture
def desk(town_place: Place) -> PlanDesk:
    return PlanDesk(town_place)


@pytest.fixture
def third(desk: PlanDesk) -> int:
    """An edition in which land moved, grids ended, began, and have other codes and names."""
    plan = approved(
        desk,
        "三",
        give("b003", NW),
        {"kind": "renumber", "grid": SW, "code": "K1"},
        {"kind": "merge", "grids": [NE, SE]},
        {"kind": "split", "grid": town.code(2, 0)},
        {"kind": "rename", "grid": NW, "name": "新名"},
    )
    return int(planlife.publish(desk, plan, name="三", who="boss")["edition"])


def grids_in(place: Place, edition: int) -> list[dict[str, Any]]:
    with engine_of(place).connect() as connection:
        return edition_grids(connection, edition)[NAMES].fillna(-1).to_dict("records")


def test_the_former_edition_is_there_again_to_the_building(desk: PlanDesk, importer: Any) -> None:
    place = desk.place
    before = rows(place, LIVE_DUTIES)
    for building in ("b003", "b100", "b203"):
        report(importer, place, building, building)
    placed = codes_of_requests(place)
    plan = approved(
        desk,
        "三",
        give("b003", NW),
        {"kind": "renumber", "grid": SW, "code": "K1"},
        {"kind": "merge", "grids": [NE, SE]},
    )
    planlife.publish(desk, plan, name="三", who="boss")
    assert rows(place, LIVE_DUTIES) != before
    walk = desk.diff(plan)["buildings"]
    would = rollback(desk, 2, who="boss", commit=False)
    assert (would["from"], would["to"], would["committed"]) == (3, 2, False)
    assert would["buildings_moved"] == len(walk)
    assert len(rows(place, "SELECT 1 FROM gridmap.edition")) == 3
    made = rollback(desk, 2, who="boss")
    assert (made["edition"], made["state"], made["title"], made["approved_by"]) == (4, "active", "恢复第 2 版", "boss")
    assert (made["buildings_moved"], made["households_moved"]) == (would["buildings_moved"], would["households_moved"])
    assert grids_in(place, 4) == grids_in(place, 2)
    with engine_of(place).connect() as connection:
        assert assignment_in(connection, 4).equals(assignment_in(connection, 2))
    assert rows(place, LIVE_DUTIES) == before
    assert codes_of_requests(place) == placed
    back = desk.diff(made["id"], against="edition:3")["buildings"]
    assert [(b["building"], b["old"], b["new"]) for b in back] == [(b["building"], b["new"], b["old"]) for b in walk]
    locator = Locator(place)
    assert {b["building"]: locator.locate(*point_of(b["building"]))["grid"]["code"] for b in walk} == {
        b["building"]: b["old"] for b in walk
    }
    assert [p["state"] for p in sorted(desk.listed(), key=lambda p: p["id"])] == ["superseded", "active"]


def test_an_edition_two_before_comes_back_too_and_again_the_one_after_it(desk: PlanDesk, third: int) -> None:
    place = desk.place
    for former in (1, third, 2):
        made = rollback(desk, former, who="boss", name=f"又是第 {former} 版")
        assert grids_in(place, made["edition"]) == grids_in(place, former)


def test_buildings_that_came_since_go_to_the_grid_of_their_land(desk: PlanDesk, third: int, importer: Any) -> None:
    importer(desk.place, "buildings", change_file(enlarged=["b003", "b105"]))
    made = rollback(desk, 2, who="boss")
    assert [grid_of(desk, made["id"], b) for b in ("b003", "b105", "b004")] == [SW, SE, SW]
    with engine_of(desk.place).connect() as connection:
        held = assignment_in(connection, made["edition"])
    assert held["live"].all()
    assert (np.bincount(np.unique(held["cell_id"], return_inverse=True)[1]) == 1).all()


def test_it_can_be_dated_and_withdrawn_or_only_drafted(desk: PlanDesk, third: int) -> None:
    made = rollback(desk, 2, who="boss", at=day(1))
    assert (made["state"], made["requests_moved"]) == ("approved", 0)
    with pytest.raises(Conflict, match="comes into force at"):
        rollback(desk, 1, who="boss")
    planlife.withdraw(desk, made["id"], who="boss")
    drafted = rollback(desk, 2, who="anna", draft=True)
    assert (drafted["state"], drafted["title"]) == ("draft", "恢复第 2 版 2")
    assert [e["kind"] for e in desk.log(drafted["id"])] == ["rollback"]
    desk.operate(drafted["id"], give("b004", NW), who="anna")
    planlife.submit(desk, drafted["id"], who="anna")
    planlife.approve(desk, drafted["id"], who="boss")
    published(desk, drafted["id"], at=day(1))
    with over_midnight():
        activation.notice(desk.place)
        assert Locator(desk.place).locate(*point_of("b004"))["grid"]["code"] == NW
        assert Locator(desk.place).locate(*point_of("b003"))["grid"]["code"] == SW


def test_what_cannot_be_restored_is_said_and_leaves_no_plan_behind(desk: PlanDesk) -> None:
    with pytest.raises(InputError, match="is the newest one"):
        rollback(desk, 2, who="boss")
    with pytest.raises(NotFound, match="no edition 9"):
        rollback(desk, 9, who="boss")
    with pytest.raises(InputError, match="is past"):
        rollback(desk, 1, who="boss", at="2020-01-01")
    rollback(desk, 1, who="boss")
    with pytest.raises(InputError, match="same as 3"):
        rollback(desk, 1, who="boss")
    assert len(desk.listed()) == 1


def test_without_any_edition_there_is_nothing_to_restore(place: Place) -> None:
    with pytest.raises(NotFound, match="no edition 1"):
        rollback(PlanDesk(place), 1, who="boss")
