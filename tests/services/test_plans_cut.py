"""Operation ``cut``: land is divided along a line, never through a building, and stays divided (see town)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import shapely

from gridmap.errors import Conflict, InputError
from gridmap.services import planlife
from gridmap.services.cells import make_cells
from gridmap.services.check import check
from gridmap.services.plans import PlanDesk
from gridmap.store.database import Place
from tests.services import town
from tests.services.test_living_base_data import change_file
from tests.services.test_plans import NE, NW, SE, SW, fingerprint, give, grid_of
from tests.services.test_plans_published import rows

# between the two rows of houses of block (0, 0), from street to street
BETWEEN = [town.at(4, 90), town.at(196, 92)]
# through the middle of houses b000, b001, b002
THROUGH = [town.at(-2, 47), town.at(202, 47)]


@pytest.fixture
def desk(town_place: Place) -> PlanDesk:
    return PlanDesk(town_place)


@pytest.fixture
def plan(desk: PlanDesk) -> int:
    return int(desk.new(title="明年方案", who="anna")["id"])


def land(desk: PlanDesk, plan: int) -> tuple[float, int, int]:
    """Return area, households and buildings of a plan."""
    tally = PlanDesk(desk.place)._now(plan).state.tally
    return float(tally.area_m2.sum()), int(tally.households.sum()), int(tally.buildings.sum())


def crossed(desk: PlanDesk, plan: int, line: list[tuple[float, float]]) -> int:
    """Return how many cells have land on both sides of a line, more than a stripe of it."""
    session = PlanDesk(desk.place)._now(plan)
    drawn = shapely.LineString(session.land.context.to_metric(np.array(line)))
    side = shapely.buffer(drawn, 3.0, single_sided=True), shapely.buffer(drawn, -3.0, single_sided=True)
    cells = session.land.fabric.geometry
    return int(
        (
            (shapely.area(shapely.intersection(cells, side[0])) > 30)
            & (shapely.area(shapely.intersection(cells, side[1])) > 30)
        ).sum()
    )


def test_a_cut_divides_land_and_changes_no_grid_anywhere(desk: PlanDesk, plan: int) -> None:
    other = int(desk.new(title="别的方案", who="ben")["id"])
    desk.operate(other, give("b003", NW), who="ben")
    grids = "SELECT edition_id, code, round(area_m2::numeric), households FROM gridmap.edition_grid ORDER BY 1, 2"
    before, editions = land(desk, plan), rows(desk.place, grids)
    told = desk.operate(plan, {"kind": "cut", "line": BETWEEN}, who="anna")
    assert (told["kind"], told["committed"], told["cells"], told["grids"]) == ("cut", True, 0, [])
    assert told["divided"]
    assert {cell["grid"] for cell in told["divided"]} == {SW}
    assert land(desk, plan) == pytest.approx(before, abs=0.5)
    assert rows(desk.place, grids) == editions
    assert grid_of(desk, other, "b003") == NW
    assert crossed(desk, plan, BETWEEN) == 0
    assert not [f for f in check(desk.place) if f.severity == "error"]
    assert desk.log(plan)[0]["kind"] == "cut"
    assert told["score"]["households_moved"] == 0


def test_afterwards_a_border_can_run_there(desk: PlanDesk, plan: int) -> None:
    desk.operate(plan, {"kind": "cut", "line": BETWEEN}, who="anna")
    north = [*BETWEEN, town.at(202, 202), town.at(-2, 202)]
    moved = desk.operate(plan, {"kind": "assign", "lasso": north, "to": NW, "only_from": [SW]}, who="anna")
    assert moved["warnings"] == [] or {w["rule"] for w in moved["warnings"]} == {"household_band"}
    assert [grid_of(desk, plan, b) for b in ("b003", "b004", "b005", "b000")] == [NW, NW, NW, SW]
    planlife.submit(desk, plan, who="anna")
    planlife.approve(desk, plan, who="boss")
    planlife.publish(desk, plan, name="新", who="boss")
    assert not [f for f in check(desk.place) if f.severity == "error"]


def test_it_never_goes_through_a_building(desk: PlanDesk, plan: int) -> None:
    told = desk.operate(plan, {"kind": "cut", "line": THROUGH}, who="anna")
    session = PlanDesk(desk.place)._now(plan)
    fabric = session.land.fabric
    for k in range(6):
        house = town.house(0, 0, k)
        (row,) = fabric.cells_of_building[f"b00{k}"].tolist()
        assert shapely.area(shapely.difference(house, fabric.geometry[row])) < 1e-3
    assert told["divided"]


def test_the_land_stays_divided_when_cells_are_made_anew(desk: PlanDesk, plan: int, importer: Any) -> None:
    desk.operate(plan, {"kind": "cut", "line": BETWEEN}, who="anna")
    importer(desk.place, "buildings", change_file(enlarged=["b003"]))
    assert crossed(desk, plan, BETWEEN) == 0
    make_cells(desk.place, who="test")
    assert crossed(desk, plan, BETWEEN) == 0
    assert grid_of(desk, plan, "b003") == SW


def test_a_preview_writes_nothing(desk: PlanDesk, plan: int) -> None:
    before = fingerprint(desk.place, plan)
    told = desk.operate(plan, {"kind": "cut", "line": BETWEEN}, who="anna", commit=False)
    assert (told["committed"], told["revision"]) == (False, 0)
    assert told["divided"]
    assert fingerprint(desk.place, plan) == before == PlanDesk(desk.place)._now(plan).state.fingerprint()
    assert desk._now(plan).state.fingerprint() == before
    assert rows(desk.place, "SELECT count(*) FROM gridmap.cut_line") == [(0,)]


def test_undo_passes_over_a_cut(desk: PlanDesk, plan: int) -> None:
    desk.operate(plan, give("b105", NE), who="anna")
    desk.operate(plan, {"kind": "cut", "line": BETWEEN}, who="anna")
    assert desk.operate(plan, {"kind": "undo"}, who="anna")["inverse_of"] == 1
    assert grid_of(desk, plan, "b105") == SE
    with pytest.raises(InputError, match="nothing of yours"):
        desk.operate(plan, {"kind": "undo"}, who="anna")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ([town.at(60, 70), town.at(120, 70)], "divides nothing"),
        ([town.at(0, 200), town.at(200, 200)], "divides nothing"),
        ([town.at(0, 90), town.at(100, 150), town.at(100, 90), town.at(0, 150)], "crosses itself"),
        ([town.at(50, 90), town.at(50, 90)], "two different points"),
        ([town.at(-9000, 90), town.at(-8000, 90)], "outside the land"),
    ],
)
def test_a_line_that_divides_nothing_is_refused_and_nothing_is_kept(
    desk: PlanDesk, plan: int, line: list[tuple[float, float]], said: str
) -> None:
    before = fingerprint(desk.place, plan)
    with pytest.raises(InputError, match=said):
        desk.operate(plan, {"kind": "cut", "line": line}, who="anna")
    assert fingerprint(desk.place, plan) == before
    assert rows(desk.place, "SELECT count(*) FROM gridmap.cut_line") == [(0,)]


def test_only_drafts_are_cut(desk: PlanDesk, plan: int) -> None:
    desk.operate(plan, give("b105", NE), who="anna")
    planlife.submit(desk, plan, who="anna")
    with pytest.raises(Conflict, match="no draft any more"):
        desk.operate(plan, {"kind": "cut", "line": BETWEEN}, who="anna")
