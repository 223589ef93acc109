"""Plans on a database: steps of several planners, undo, carrying over, and what a restart finds (see town)."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import orjson
import pytest
import shapely
from sqlalchemy import text

from gridmap.core.plans.history import replay
from gridmap.core.plans.state import PlanState
from gridmap.errors import Conflict, InputError, NotFound, NotReady
from gridmap.services.cells import make_cells
from gridmap.services.check import check
from gridmap.services.plans import PlanDesk
from gridmap.store import plans as store
from gridmap.store.database import Place, engine_of, transaction
from gridmap.store.jurisdiction import jurisdiction, write_jurisdiction
from tests.services import town
from tests.services.test_living_base_data import change_file

SW, NW, SE, NE = town.code(0, 0), town.code(0, 1), town.code(1, 0), town.code(1, 1)
OTHER = town.code(2, 0)


@pytest.fixture
def desk(town_place: Place) -> PlanDesk:
    return PlanDesk(town_place)


@pytest.fixture
def plan(desk: PlanDesk) -> int:
    return int(desk.new(title="明年方案", who="anna")["id"])


def give(building: str, to: str) -> dict[str, Any]:
    return {"kind": "assign", "buildings": [building], "to": to}


def grid_of(desk: PlanDesk, plan: int, building: str) -> str:
    """Return the code of the grid of a building, as a process that starts now finds it."""
    fresh = PlanDesk(desk.place)._now(plan).state
    (row,) = fresh.fabric.cells_of_building[building].tolist()
    return fresh.grids[int(fresh.keys_of(np.array([row]))[0])].code


def fingerprint(place: Place, plan: int) -> str:
    return PlanDesk(place)._now(plan).state.fingerprint()


def replayed(place: Place, plan: int) -> PlanState:
    """Return the state that the log gives: the edition and all effects after one another."""
    session = PlanDesk(place)._now(plan)
    state, row = session.state, session.row
    with engine_of(place).connect() as connection:
        made = store.add(connection, title="origin", base_edition=row.base_edition, owner="x")
        assert made is not None
        grids, _ = store.grids_now(connection, made)
    keys = np.array([*state.keys, 0])[state.base]
    return replay(PlanState.start(state.fabric, grids, keys), session.entries)


def in_sql(place: Place, plan: int) -> dict[str, Any]:
    """Return the polygons of a plan as SQL gives them: cells of the edition, but for those that the plan moved."""
    with engine_of(place).connect() as connection:
        rows = connection.execute(
            text(
                """
                SELECT coalesce(o.code, g.code), ST_AsBinary(ST_Union(c.geom)) FROM gridmap.plan p
                JOIN gridmap.cell c ON c.retired_at IS NULL
                LEFT JOIN gridmap.assignment a ON a.cell_id = c.id AND a.from_edition <= p.base_edition
                    AND (a.to_edition IS NULL OR a.to_edition > p.base_edition)
                LEFT JOIN gridmap.plan_assignment d ON d.plan_id = p.id AND d.cell_id = c.id
                LEFT JOIN gridmap.edition_grid g
                    ON g.edition_id = p.base_edition AND g.uid = coalesce(d.grid_key, a.uid)
                LEFT JOIN gridmap.plan_grid o ON o.plan_id = p.id AND o.grid_key = coalesce(d.grid_key, a.uid)
                WHERE p.id = :p GROUP BY 1
                """
            ),
            {"p": plan},
        )
        return {code: shapely.from_wkb(bytes(wkb)) for code, wkb in rows}


def test_an_answer_has_only_what_changed(desk: PlanDesk, plan: int) -> None:
    told = desk.operate(plan, give("b003", NW), who="anna")
    assert (told["revision"], told["rebased"], told["cells"]) == (1, 0, 1)
    by_code = {g["code"]: g for g in told["grids"]}
    assert set(by_code) == {SW, NW}
    assert (by_code[SW]["households"], by_code[NW]["households"]) == (250, 350)
    assert by_code[NW]["deviation"] == pytest.approx(1 / 6, abs=1e-4)
    assert (by_code[NW]["households_in"], by_code[SW]["households_out"]) == (50, 50)
    assert orjson.loads(orjson.dumps(by_code[SW]["geometry"]))["type"] == "Polygon"
    (loose,) = [w for w in told["warnings"] if w["rule"] == "grid_pieces"]
    assert (loose["grid"], loose["severity"]) == (NW, "warning")
    assert loose["repair"]["operation"]["to"] == SW
    mended = desk.operate(plan, loose["repair"]["operation"], who="anna")
    assert mended["warnings"] == []
    assert told["score"]["households_moved"] == 50


def test_a_process_that_starts_later_finds_the_same_plan(desk: PlanDesk, plan: int) -> None:
    desk.operate(plan, give("b003", NW), who="anna")
    desk.operate(plan, {"kind": "split", "grid": SE}, who="anna")
    desk.operate(plan, {"kind": "merge", "grids": [NE, NW]}, who="anna")
    desk.operate(plan, {"kind": "rename", "grid": SW, "name": "河东"}, who="anna")
    desk.operate(plan, {"kind": "lock", "grids": [SW]}, who="anna")
    held = desk._now(plan).state
    fresh = PlanDesk(desk.place)._now(plan).state
    assert fresh.fingerprint() == held.fingerprint() == replayed(desk.place, plan).fingerprint()
    assert {g.code for g in fresh.ended.values()} == {NW}
    shown = desk.show(plan, who="anna")
    assert {g["code"]: g["name"] for g in shown["grids"]}[SW] == "河东"
    assert shown["undo"] == {"seq": 5, "kind": "lock"}


def test_polygons_in_sql_are_those_in_memory(desk: PlanDesk, plan: int) -> None:
    for order in (
        give("b003", NW),
        give("b103", SW),
        {"kind": "split", "grid": NE},
        {"kind": "merge", "grids": [SW, SE]},
    ):
        desk.operate(plan, order, who="anna")
    told = orjson.loads(desk.geojson(plan))["features"]
    memory = {f["properties"]["code"]: shapely.geometry.shape(f["geometry"]) for f in told}
    stored = in_sql(desk.place, plan)
    assert memory.keys() == stored.keys()
    for code, shape in memory.items():
        # answers leave out what is less than five centimetres
        apart = shapely.area(shapely.symmetric_difference(shape, stored[code]))
        assert apart <= 6e-7 * shapely.length(shape)


def test_steps_of_two_planners_on_different_land_both_stand(desk: PlanDesk, plan: int) -> None:
    other = PlanDesk(desk.place)
    desk.operate(plan, give("b003", NW), who="anna", base_revision=0)
    told = other.operate(plan, give("b105", NE), who="ben", base_revision=0)
    assert (told["revision"], told["rebased"]) == (2, 1)
    assert (grid_of(desk, plan, "b003"), grid_of(desk, plan, "b105")) == (NW, NE)


def test_steps_of_two_planners_on_the_same_land_are_a_conflict_with_both_versions(desk: PlanDesk, plan: int) -> None:
    other = PlanDesk(desk.place)
    desk.operate(plan, give("b003", NW), who="anna", base_revision=0)
    before = fingerprint(desk.place, plan)
    with pytest.raises(Conflict) as refused:
        other.operate(plan, give("b003", SE), who="ben", base_revision=0)
    (clash,) = refused.value.problems
    assert clash["mine"] == {"from": SW, "to": SE}
    assert clash["theirs"]["now"] == NW
    assert (clash["theirs"]["by"], clash["theirs"]["operation"]) == ("anna", 1)
    assert clash["cell_count"] == 1
    assert fingerprint(desk.place, plan) == before
    # having looked again, ben may
    other.operate(plan, give("b003", SE), who="ben", base_revision=1)


@pytest.mark.parametrize(
    ("theirs", "mine"),
    [
        ({"kind": "merge", "grids": [SE, NW, NE]}, give("b003", NW)),
        ({"kind": "lock", "grids": [NW]}, give("b003", NW)),
        (give("b003", NW), {"kind": "merge", "grids": [NE, NW]}),
        (give("b003", NW), {"kind": "merge", "grids": [SE, SW]}),
        ({"kind": "transfer", "grid": NW, "community": town.COMMUNITY["B"]}, give("b003", NW)),
        ({"kind": "rename", "grid": NW, "name": "甲"}, {"kind": "rename", "grid": NW, "name": "乙"}),
        ({"kind": "renumber", "grid": NW, "code": "K1"}, {"kind": "renumber", "grid": NE, "code": "K1"}),
    ],
)
def test_what_ends_locks_or_renames_a_grid_meanwhile_is_a_conflict(
    desk: PlanDesk, plan: int, theirs: dict[str, Any], mine: dict[str, Any]
) -> None:
    desk.operate(plan, theirs, who="anna", base_revision=0)
    before = fingerprint(desk.place, plan)
    with pytest.raises(Conflict) as refused:
        PlanDesk(desk.place).operate(plan, mine, who="ben", base_revision=0)
    assert refused.value.problems
    assert fingerprint(desk.place, plan) == before


def test_two_new_grids_at_once_get_numbers_of_their_own(desk: PlanDesk, plan: int) -> None:
    first = desk.operate(plan, {"kind": "split", "grid": SW}, who="anna", base_revision=0)
    second = desk.operate(plan, {"kind": "split", "grid": NE}, who="ben", base_revision=0)
    codes = [g["code"] for told in (first, second) for g in told["grids"] if g["key"] < 0]
    assert len(set(codes)) == 2
    assert second["rebased"] == 1


def test_undo_takes_back_my_own_last_step_and_redo_brings_it_again(desk: PlanDesk, plan: int) -> None:
    start = fingerprint(desk.place, plan)
    desk.operate(plan, give("b003", NW), who="anna")
    desk.operate(plan, give("b105", NE), who="ben")
    told = desk.operate(plan, {"kind": "undo"}, who="anna")
    assert (told["inverse_of"], told["revision"]) == (1, 3)
    assert (grid_of(desk, plan, "b003"), grid_of(desk, plan, "b105")) == (SW, NE)
    desk.operate(plan, {"kind": "redo"}, who="anna")
    assert grid_of(desk, plan, "b003") == NW
    desk.operate(plan, {"kind": "undo"}, who="anna")
    desk.operate(plan, {"kind": "undo"}, who="ben")
    assert fingerprint(desk.place, plan) == start
    for who in ("anna", "ben", "carl"):
        with pytest.raises(InputError, match="nothing of yours"):
            desk.operate(plan, {"kind": "undo"}, who=who)
    with pytest.raises(InputError, match="nothing to redo"):
        desk.operate(plan, {"kind": "redo"}, who="carl")
    assert [e["kind"] for e in desk.log(plan)] == ["undo", "undo", "redo", "undo", "assign", "assign"]


def test_undo_refuses_with_the_list_where_others_changed_the_same_land(desk: PlanDesk, plan: int) -> None:
    desk.operate(plan, {"kind": "assign", "buildings": ["b003", "b004"], "to": NW}, who="anna")
    desk.operate(plan, give("b003", SE), who="ben")
    with pytest.raises(Conflict) as refused:
        desk.operate(plan, {"kind": "undo"}, who="anna")
    (clash,) = refused.value.problems
    assert (clash["mine"], clash["theirs"]["now"]) == ({"from": NW, "to": SW}, SE)
    assert clash["theirs"]["by"] == "ben"
    assert (grid_of(desk, plan, "b003"), grid_of(desk, plan, "b004")) == (SE, NW)


def test_a_grid_that_others_filled_meanwhile_is_not_undone(desk: PlanDesk, plan: int) -> None:
    new = next(
        g["code"] for g in desk.operate(plan, {"kind": "split", "grid": SW}, who="anna")["grids"] if g["key"] < 0
    )
    desk.operate(plan, give("b100", new), who="ben")
    with pytest.raises(Conflict, match="changed since") as refused:
        desk.operate(plan, {"kind": "undo"}, who="anna")
    assert refused.value.problems[0]["grid"] == new


def test_without_commit_nothing_is_written(desk: PlanDesk, plan: int) -> None:
    told = desk.operate(plan, give("b003", NW), who="anna", commit=False)
    assert (told["committed"], told["revision"], told["cells"]) == (False, 0, 1)
    assert desk.show(plan, who="anna")["revision"] == 0
    assert grid_of(desk, plan, "b003") == SW


def test_what_cannot_be_done_leaves_nothing_behind(desk: PlanDesk, plan: int) -> None:
    before = fingerprint(desk.place, plan)
    for order in (give("b003", OTHER), give("nobody", NW), {"kind": "merge", "grids": [SW, NE]}):
        with pytest.raises(InputError):
            desk.operate(plan, order, who="anna")
    with pytest.raises(InputError, match="no revision 7 yet"):
        desk.operate(plan, give("b003", NW), who="anna", base_revision=7)
    assert fingerprint(desk.place, plan) == before
    assert desk.log(plan) == []


def test_plans_have_titles_of_their_own_and_an_edition(desk: PlanDesk, plan: int) -> None:
    assert desk.listed()[0]["title"] == "明年方案"
    assert desk.number("明年方案") == desk.number(str(plan)) == plan
    with pytest.raises(Conflict, match="called '明年方案' already"):
        desk.new(title=" 明年方案 ", who="ben")
    for title in ("", " ", "长" * 121):
        with pytest.raises(InputError, match="1 to 120"):
            desk.new(title=title, who="ben")
    with pytest.raises(NotFound, match="no edition 77"):
        desk.new(title="x", who="ben", edition=77)
    for name in ("无此方案", "999", "9" * 30):
        with pytest.raises(NotFound, match="no plan"):
            desk.number(name)
    for ask in (desk.score, desk.geojson, desk.log):
        with pytest.raises(NotFound, match="no plan"):
            ask(999)


def test_a_plan_needs_an_edition(place: Place) -> None:
    with pytest.raises(NotFound, match="no edition yet"):
        PlanDesk(place).new(title="x", who="anna")


def test_only_drafts_change(desk: PlanDesk, plan: int) -> None:
    with transaction(desk.place) as connection:
        connection.execute(text("UPDATE gridmap.plan SET state = 'approved'"))
    with pytest.raises(Conflict, match="no draft any more"):
        desk.operate(plan, give("b003", NW), who="anna")


def test_a_target_of_no_households_is_refused_in_a_sentence(desk: PlanDesk, plan: int) -> None:
    with transaction(desk.place) as connection:
        known = jurisdiction(connection)
        known.settings["household_target"] = 0
        write_jurisdiction(connection, known)
    with pytest.raises(InputError, match="must be"):
        desk.score(plan)


def test_cells_are_needed_too(place: Place) -> None:
    with transaction(place) as connection:
        connection.execute(
            text("INSERT INTO gridmap.edition (id, name, effective_from, made_by) VALUES (1, 'a', '2025-01-01', 'x')")
        )
    desk = PlanDesk(place)
    plan = desk.new(title="x", who="anna")["id"]
    with pytest.raises(NotReady, match="no cells yet"):
        desk.show(plan, who="anna")


# -- what changed --------------------------------------------------------------------------------------------------


def test_the_crosswalk_names_every_building_that_moves_and_what_became_of_each_grid(desk: PlanDesk, plan: int) -> None:
    desk.operate(plan, {"kind": "assign", "buildings": ["b003", "b004"], "to": NW}, who="anna")
    desk.operate(plan, {"kind": "merge", "grids": [SE, NE]}, who="anna")
    desk.operate(plan, {"kind": "transfer", "buildings": ["b105"], "to": OTHER}, who="anna")
    desk.operate(plan, {"kind": "rename", "grid": OTHER, "name": "西岭一"}, who="anna")
    new = next(g["code"] for g in desk.operate(plan, {"kind": "split", "grid": town.code(3, 0)}, who="anna")["grids"])
    told = desk.diff(plan)
    pairs = {(p["old"], p["new"]): p for p in told["pairs"]}
    assert (pairs[SW, SW]["relation"], pairs[SW, NW]["relation"]) == ("split", "partial")
    assert (pairs[NE, SE]["relation"], pairs[SE, SE]["stays"]) == ("merge", True)
    assert pairs[town.code(2, 1), town.code(2, 1)]["relation"] == "same"
    assert (pairs[SW, NW]["households"], pairs[SW, NW]["people"], pairs[SW, NW]["buildings"]) == (100, 280, 2)
    listed = {b["building"]: (b["old"], b["new"]) for b in told["buildings"]}
    assert listed["b003"] == (SW, NW)
    assert listed["b105"] == (SE, OTHER)
    assert (
        told["households_moved"] == 50 * len(listed) == sum(p["households"] for p in pairs.values() if not p["stays"])
    )
    assert (told["grids"]["ended"], len(told["grids"]["new"])) == ([NE], 1)
    assert new in {g["code"] for g in desk.show(plan, who="x")["grids"]}
    (renamed,) = told["grids"]["changed"]
    assert renamed["changes"] == {"name": {"old": "第20网格", "new": "西岭一"}}
    moved = {c["community_code"]: c for c in told["communities"]}
    assert moved[town.COMMUNITY["A"]]["transferred_out"] == moved[town.COMMUNITY["B"]]["transferred_in"] == 50
    land = orjson.loads(desk.diff_geojson(plan))["features"]
    assert {(f["properties"]["old"], f["properties"]["new"]) for f in land} == {
        key for key, pair in pairs.items() if not pair["stays"]
    }
    assert all(shapely.geometry.shape(f["geometry"]).is_valid for f in land)


def test_two_plans_and_past_editions_are_compared_to_the_building(desk: PlanDesk, plan: int, importer) -> None:
    other = desk.new(title="乙", who="ben")["id"]
    desk.operate(plan, {"kind": "split", "grid": SW}, who="anna")
    desk.operate(other, give("b003", NW), who="ben")
    both = desk.diff(plan, against=f"plan:{other}")
    assert ("b003", NW) in {(b["building"], b["old"]) for b in both["buildings"]}
    assert desk.diff(other, against=f"plan:{other}")["households_moved"] == 0
    past = desk.diff(other, against="edition:1")
    # last year the grid of the south-west was one with its neighbour
    assert {(p["old"], p["new"]) for p in past["pairs"] if not p["stays"]} == {(SE, SW), (SE, NW)}
    # the past knows its own polygons, whatever became of its cells
    importer(desk.place, "buildings", change_file(enlarged=["b003", "b001"]))
    again = desk.diff(other, against="edition:1")
    assert {b["building"]: (b["old"], b["new"]) for b in again["buildings"]} == {
        b["building"]: (b["old"], b["new"]) for b in past["buildings"]
    }
    with pytest.raises(InputError, match="edition:NUMBER"):
        desk.diff(plan, against="yesterday")
    with pytest.raises(NotFound):
        desk.diff(plan, against="edition:9")


# -- base data change --------------------------------------------------------------------------------------------------


def test_a_plan_follows_a_change_of_buildings_as_an_operation_of_the_log(desk: PlanDesk, plan: int, importer) -> None:
    desk.operate(plan, {"kind": "assign", "buildings": ["b000", "b003", "b004"], "to": NW}, who="anna")
    other = desk.new(title="甲", who="anna")["id"]
    importer(desk.place, "buildings", change_file(enlarged=["b003", "b312"]))
    assert grid_of(desk, plan, "b003") == NW
    assert [e["kind"] for e in desk.log(plan)] == ["carry", "assign"]
    assert desk.log(other) == []
    held = desk._now(plan)
    assert held.row.revision == 2
    assert held.state.fingerprint() == fingerprint(desk.place, plan) == replayed(desk.place, plan).fingerprint()
    # ben saw the plan before the buildings changed, and meant other land
    told = desk.operate(plan, give("b105", NE), who="ben", base_revision=1)
    assert told["rebased"] == 1
    with pytest.raises(Conflict) as refused:
        desk.operate(plan, {"kind": "undo"}, who="anna")
    assert "replaced" in refused.value.problems[0]["message"]["en"]


def test_a_plan_of_a_past_edition_keeps_its_grids_where_cells_are_replaced(desk: PlanDesk, importer) -> None:
    plan = desk.new(title="旧", who="anna", edition=1)["id"]
    desk.operate(plan, give("b105", NE), who="anna")
    before = {b: grid_of(desk, plan, b) for b in ("b003", "b105", "b312")}
    importer(desk.place, "buildings", change_file(enlarged=["b003", "b105", "b312"]))
    assert {b: grid_of(desk, plan, b) for b in before} == before
    importer(desk.place, "buildings", change_file(new=1))
    assert {b: grid_of(desk, plan, b) for b in before} == before
    assert replayed(desk.place, plan).fingerprint() == fingerprint(desk.place, plan)


def test_an_imported_draft_is_a_plan_whose_first_operation_is_the_import(desk: PlanDesk, importer) -> None:
    place = desk.place
    importer(place, "grids", town.grids(moved=True), plan="明年")
    make_cells(place, who="test")
    plan = desk.number("明年")
    assert [e["kind"] for e in desk.log(plan)] == ["draft"]
    assert grid_of(desk, plan, "b003") == SE
    state = desk._now(plan).state
    assert {g.code for g in state.ended.values()} == {SW}
    assert replayed(place, plan).fingerprint() == state.fingerprint()
    with pytest.raises(InputError, match="nothing of yours"):
        desk.operate(plan, {"kind": "undo"}, who="test")
    desk.operate(plan, give("b003", NW), who="test")
    assert grid_of(desk, plan, "b003") == NW
    assert "household_band" in {f.rule for f in check(place)}


def test_steps_and_a_change_of_buildings_at_the_same_time_lose_nothing(desk: PlanDesk, plan: int, importer) -> None:
    begun, over = threading.Event(), threading.Event()

    def stepping() -> int:
        done, k = 0, 0
        while not over.is_set():
            for building in ("b003", "b004", "b105", "b103"):
                k += 1
                try:
                    desk.operate(plan, give(building, (SW, NW, SE, NE)[k % 4]), who="anna", base_revision=None)
                    done += 1
                except (InputError, Conflict):
                    continue
            begun.set()
        return done

    with ThreadPoolExecutor(1) as pool:
        steps = pool.submit(stepping)
        try:
            assert begun.wait(60)
            importer(desk.place, "buildings", change_file(enlarged=["b003", "b103"]))
            importer(desk.place, "buildings", change_file(enlarged=["b004"], demolished=["b105"]))
        finally:
            over.set()
        done = steps.result()
    kinds = [e["kind"] for e in desk.log(plan, limit=200)]
    assert kinds.count("carry") >= 1
    held = desk._now(plan)
    assert held.row.revision == len(held.entries) == done + sum(e.kind == "carry" for e in held.entries)
    assert held.state.fingerprint() == fingerprint(desk.place, plan) == replayed(desk.place, plan).fingerprint()
    assert int(held.state.tally.buildings.sum()) == 47


# -- whatever happens ------------------------------------------------------------------------------------------------


def test_whatever_two_planners_do_the_log_gives_the_plan_and_nothing_is_lost(desk: PlanDesk, plan: int) -> None:
    desks = {"anna": desk, "ben": PlanDesk(desk.place)}
    rng = np.random.default_rng(3)
    buildings = [f"b{c}{r}{k}" for c in range(2) for r in range(2) for k in range(6)]
    done = 0
    for _ in range(60):
        who = str(rng.choice(["anna", "ben"]))
        now = desk._now(plan)
        leaves = [g.code for g in now.state.leaves if g.community == town.COMMUNITY["A"]]
        order = [
            give(str(rng.choice(buildings)), str(rng.choice(leaves))),
            {"kind": "undo"},
            {"kind": "redo"},
            {"kind": "split", "grid": str(rng.choice(leaves))},
            {"kind": "merge", "grids": [str(c) for c in rng.choice(leaves, 2)]},
        ][int(rng.choice(5, p=[0.5, 0.15, 0.1, 0.1, 0.15]))]
        seen = max(0, now.row.revision - int(rng.integers(0, 3)))
        try:
            desks[who].operate(plan, order, who=who, base_revision=seen)
            done += 1
        except (InputError, Conflict):
            continue
    assert done > 20
    state = desk._now(plan).state
    assert desk._now(plan).row.revision == done
    assert state.fingerprint() == desks["ben"]._now(plan).state.fingerprint() == fingerprint(desk.place, plan)
    assert state.fingerprint() == replayed(desk.place, plan).fingerprint()
    assert int(state.tally.households.sum()) == 48 * 50
