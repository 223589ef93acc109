"""Two planners' drafts from one edition: the second is rebased, conflicts settled, nothing reverted (see town)."""

from __future__ import annotations

import pytest

from gridmap.errors import Conflict, InputError, NotFound
from gridmap.services import planlife
from gridmap.services.plans import PlanDesk
from gridmap.services.rebasing import rebase
from gridmap.store.database import Place
from tests.services.test_living_base_data import change_file
from tests.services.test_plans import NE, NW, SE, SW, fingerprint, give, grid_of
from tests.services.test_plans_published import published


@pytest.fixture
def desk(town_place: Place) -> PlanDesk:
    return PlanDesk(town_place)


@pytest.fixture
def first(desk: PlanDesk) -> int:
    return int(desk.new(title="甲方案", who="anna")["id"])


@pytest.fixture
def second(desk: PlanDesk) -> int:
    return int(desk.new(title="乙方案", who="ben")["id"])


def in_force(desk: PlanDesk, building: str) -> str:
    """Return the code of the grid of a building in the newest edition."""
    look = desk.new(title=f"look {len(desk.listed())}", who="x")["id"]
    return grid_of(desk, look, building)


def test_the_second_draft_keeps_its_own_changes_and_takes_what_came_into_force(
    desk: PlanDesk, first: int, second: int
) -> None:
    desk.operate(first, give("b003", NW), who="anna")
    desk.operate(first, {"kind": "split", "grid": SE}, who="anna")
    new = next(g.code for g in desk._now(first).state.leaves if g.key < 0)
    desk.operate(second, give("b105", NE), who="ben")
    desk.operate(second, {"kind": "rename", "grid": NE, "name": "乙改"}, who="ben")
    published(desk, first)
    would = rebase(desk, second, who="ben", commit=False)
    assert (would["from"], would["to"], would["differences"], would["committed"]) == (2, 3, [], False)
    made = rebase(desk, second, who="ben", revision=2)
    assert (made["base_edition"], made["state"], made["revision"], made["kept"]) == (3, "draft", 3, 1)
    assert (grid_of(desk, second, "b003"), grid_of(desk, second, "b105")) == (NW, NE)
    assert fingerprint(desk.place, second) == desk._now(second).state.fingerprint()
    assert desk.diff(second)["households_moved"] == 50
    assert [e["kind"] for e in desk.log(second)] == ["rebase", "rename", "assign"]
    published(desk, second, "再下一版")
    assert [in_force(desk, b) for b in ("b003", "b105")] == [NW, NE]
    names = {g["code"]: g["name"] for g in desk.show(second, who="x")["grids"]}
    assert names[NE] == "乙改"
    assert new in names


def test_what_both_changed_is_listed_and_settled_and_nothing_is_written_before(
    desk: PlanDesk, first: int, second: int
) -> None:
    for building in ("b003", "b004"):
        desk.operate(first, give(building, NW), who="anna")
    desk.operate(second, {"kind": "assign", "buildings": ["b004", "b005"], "to": SE}, who="ben")
    desk.operate(first, {"kind": "rename", "grid": NE, "name": "甲名"}, who="anna")
    desk.operate(second, {"kind": "rename", "grid": NE, "name": "乙名"}, who="ben")
    published(desk, first)
    before = fingerprint(desk.place, second)
    with pytest.raises(Conflict, match="In 2 places") as refused:
        rebase(desk, second, who="ben")
    land, name = refused.value.problems
    assert (land["buildings"], land["theirs"], land["mine"], land["households"]) == (["b004"], NW, SE, 50)
    assert (name["theirs"], name["mine"]) == ("甲名", "乙名")
    assert fingerprint(desk.place, second) == before
    assert desk.show(second, who="ben")["base_edition"] == 2
    with pytest.raises(Conflict, match="In 1 places"):
        rebase(desk, second, who="ben", settle={land["id"]: "theirs"})
    with pytest.raises(InputError, match="no such difference: nonsense"):
        rebase(desk, second, who="ben", settle={"nonsense": "mine"}, otherwise="mine")
    made = rebase(desk, second, who="ben", settle={land["id"]: "theirs"}, otherwise="mine")
    assert made["settled"] == {land["id"]: "theirs", name["id"]: "mine"}
    assert [grid_of(desk, second, b) for b in ("b003", "b004", "b005")] == [NW, NW, SE]
    assert {g.code: g.name for g in desk._now(second).state.leaves}[NE] == "乙名"


def test_planning_goes_on_after_it_with_undo(desk: PlanDesk, first: int, second: int) -> None:
    desk.operate(first, {"kind": "split", "grid": SW}, who="anna")
    desk.operate(second, give("b105", NE), who="ben")
    published(desk, first)
    rebase(desk, second, who="ben")
    start = fingerprint(desk.place, second)
    desk.operate(second, {"kind": "split", "grid": NW}, who="ben")
    assert len({g.code for g in desk._now(second).state.grids.values()}) == len(desk._now(second).state.grids)
    desk.operate(second, {"kind": "undo"}, who="ben")
    assert fingerprint(desk.place, second) == start
    assert desk.operate(second, {"kind": "undo"}, who="ben")["inverse_of"] == 1
    assert grid_of(desk, second, "b105") == SE
    with pytest.raises(InputError, match="nothing of yours"):
        desk.operate(second, {"kind": "undo"}, who="ben")
    with pytest.raises(InputError, match="changes no grid"):
        planlife.submit(desk, second, who="ben")


def test_a_step_on_what_was_seen_before_the_rebase_still_fits_where_nobody_touched_the_land(
    desk: PlanDesk, first: int, second: int
) -> None:
    desk.operate(first, give("b003", NW), who="anna")
    published(desk, first)
    desk.operate(second, give("b105", NE), who="ben")
    rebase(desk, second, who="ben")
    assert desk.operate(second, give("b104", NE), who="carl", base_revision=1)["rebased"] == 1
    with pytest.raises(Conflict):
        desk.operate(second, give("b003", SE), who="carl", base_revision=1)


def test_changes_of_base_data_between_are_no_difference(desk: PlanDesk, first: int, second: int, importer) -> None:
    desk.operate(first, give("b003", NW), who="anna")
    desk.operate(second, give("b105", NE), who="ben")
    published(desk, first)
    importer(desk.place, "buildings", change_file(enlarged=["b003", "b105"]))
    made = rebase(desk, second, who="ben", revision=None)
    assert made["differences"] == []
    assert (grid_of(desk, second, "b003"), grid_of(desk, second, "b105")) == (NW, NE)


def test_a_plan_that_was_handed_in_is_a_draft_again_and_others_are_refused(
    desk: PlanDesk, first: int, second: int
) -> None:
    with pytest.raises(InputError, match="starts from edition 2 already"):
        rebase(desk, second, who="ben")
    with pytest.raises(NotFound, match="no edition 77"):
        rebase(desk, second, who="ben", edition=77)
    desk.operate(first, give("b003", NW), who="anna")
    desk.operate(second, give("b105", NE), who="ben")
    planlife.submit(desk, second, who="ben")
    published(desk, first)
    with pytest.raises(Conflict, match="Rebase the plan"):
        planlife.approve(desk, second, who="boss")
    with pytest.raises(Conflict, match="revision 1 now"):
        rebase(desk, second, who="ben", revision=0)
    assert rebase(desk, second, who="ben")["state"] == "draft"
    with pytest.raises(Conflict, match="is in force"):
        rebase(desk, first, who="ben")
