"""A plan that is approved comes into force; requests, duties and the past agree to the building (see town)."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
import shapely
from sqlalchemy import text

from gridmap.errors import Conflict, InputError
from gridmap.services import planlife
from gridmap.services.locate import Locator
from gridmap.services.plans import PlanDesk
from gridmap.store.database import Place, engine_of
from gridmap.store.editions import edition_grids, editions
from gridmap.store.jurisdiction import jurisdiction
from tests.services import town
from tests.services.test_living_base_data import change_file
from tests.services.test_plans import NE, NW, OTHER, SE, SW, give

NOW = "下一版"


@pytest.fixture
def desk(town_place: Place) -> PlanDesk:
    return PlanDesk(town_place)


@pytest.fixture
def plan(desk: PlanDesk) -> int:
    return int(desk.new(title="明年方案", who="anna")["id"])


def published(desk: PlanDesk, plan: int, name: str = NOW) -> dict[str, Any]:
    planlife.submit(desk, plan, who="anna")
    planlife.approve(desk, plan, who="boss")
    return planlife.publish(desk, plan, name=name, who="boss")


def point_of(building: str) -> tuple[float, float]:
    c, r, k = (int(d) for d in building[1:])
    middle = town.house(c, r, k).centroid
    return town.at(middle.x - town.X0, middle.y - town.Y0)


def rows(place: Place, sql: str) -> list[tuple[Any, ...]]:
    with engine_of(place).connect() as connection:
        return [tuple(row) for row in connection.execute(text(sql))]


def test_a_published_plan_answers_from_the_first_second_and_the_past_as_before(desk: PlanDesk, plan: int) -> None:
    place = desk.place
    before = editions(engine_of(place).connect())[-1]
    desk.operate(plan, {"kind": "assign", "buildings": ["b003", "b004"], "to": NW}, who="anna")
    desk.operate(plan, {"kind": "merge", "grids": [SE, NE]}, who="anna")
    new = next(g for g in desk.operate(plan, {"kind": "split", "grid": OTHER}, who="anna")["grids"] if g["key"] < 0)
    wanted = {b["building"]: b["new"] for b in desk.diff(plan)["buildings"]}
    with engine_of(place).connect() as connection:
        past = edition_grids(connection, before.id)
    told = published(desk, plan)
    assert (told["state"], told["edition"], told["approved_by"]) == ("active", before.id + 1, "boss")
    locator = Locator(place)
    for building, code in wanted.items():
        answer = locator.locate(*point_of(building))
        assert answer["grid"]["code"] == code
        assert answer["edition"]["name"] == NOW
        assert locator.locate(*point_of(building), at=before.effective_from)["grid"]["code"] != code
    with engine_of(place).connect() as connection:
        assert edition_grids(connection, before.id).equals(past)
        grids = edition_grids(connection, told["edition"])
        srid = jurisdiction(connection).metric_srid
    leaves = grids[grids["leaf"]]
    assert NE not in set(leaves["code"])
    assert new["code"] in set(leaves["code"])
    assert leaves["uid"].min() > 0
    kept = dict(zip(past["code"], past["uid"], strict=True))
    assert all(kept[c] == u for c, u in zip(grids["code"], grids["uid"], strict=True) if c in kept)
    assert leaves["households"].sum() == 48 * 50
    land = leaves.to_crs(srid).geometry.to_numpy()
    assert shapely.area(land).sum() == pytest.approx(town.COLUMNS * town.ROWS * town.SIDE**2, abs=0.5)
    assert set(grids.loc[grids["level"] == 1, "code"]) == set(town.COMMUNITY.values())
    lineage = rows(
        place,
        "SELECT o.code, n.code, l.households FROM gridmap.grid_lineage l "
        f"JOIN gridmap.edition_grid n ON n.uid = l.new_uid AND n.edition_id = {told['edition']} "
        f"JOIN gridmap.edition_grid o ON o.uid = l.old_uid AND o.edition_id = {before.id} "
        f"WHERE l.edition_id = {told['edition']}",
    )
    assert (NE, SE, 300) in lineage
    assert (SW, NW, 100) in lineage


def test_open_requests_go_to_the_grid_that_is_responsible_now(desk: PlanDesk, plan: int, importer) -> None:
    place = desk.place
    (lon, lat), (far, off) = point_of("b003"), point_of("b300")
    table = pd.DataFrame(
        {
            "source": "12345", "source_ref": ["open", "closed", "elsewhere"], "channel": "hotline",
            "state": ["received", "closed", "received"], "lon": [lon, lon, far], "lat": [lat, lat, off],
            "reported_at": "2026-06-01T08:00:00+08:00", "closed_at": [None, "2026-06-02T08:00:00+08:00", None],
        }
    )  # fmt: skip
    importer(place, "requests", table)
    desk.operate(plan, give("b003", NW), who="anna")
    assert published(desk, plan)["requests_moved"] == 1
    found = rows(
        place,
        "SELECT r.source_ref, a.code, b.code FROM gridmap.request r "
        "JOIN gridmap.edition_grid a ON a.uid = r.reported_uid AND a.edition_id = 2 "
        "JOIN gridmap.edition_grid b ON b.uid = r.current_uid AND b.edition_id = 3 ORDER BY 1",
    )
    assert found == [("closed", SW, SW), ("elsewhere", town.code(3, 0), town.code(3, 0)), ("open", SW, NW)]


def test_duties_follow_a_grid_that_gets_another_code(desk: PlanDesk, plan: int) -> None:
    place = desk.place
    before = dict(rows(place, "SELECT grid_code, source_id FROM gridmap.duty"))
    desk.operate(plan, {"kind": "renumber", "grid": SW, "code": "K1"}, who="anna")
    desk.operate(plan, {"kind": "renumber", "grid": NW, "code": SW}, who="anna")
    assert published(desk, plan)["duties_recoded"] == 2
    after = dict(rows(place, "SELECT grid_code, source_id FROM gridmap.duty"))
    assert (after["K1"], after[SW]) == (before[SW], before[NW])


def test_each_step_of_its_life_needs_the_one_before(desk: PlanDesk, plan: int) -> None:
    with pytest.raises(InputError, match="changes no grid"):
        planlife.submit(desk, plan, who="anna")
    desk.operate(plan, give("b003", NW), who="anna")
    for step in (planlife.approve, planlife.reopen):
        with pytest.raises(Conflict, match="is a draft"):
            step(desk, plan, who="anna")
    with pytest.raises(Conflict, match="is a draft"):
        planlife.publish(desk, plan, name=NOW, who="anna")
    with pytest.raises(Conflict, match="revision 1 now"):
        planlife.submit(desk, plan, who="anna", revision=0)
    planlife.submit(desk, plan, who="anna", revision=1)
    with pytest.raises(Conflict, match="no draft any more"):
        desk.operate(plan, give("b004", NW), who="anna")
    planlife.reopen(desk, plan, who="anna")
    desk.operate(plan, give("b004", NW), who="anna")
    told = published(desk, plan)
    for step in (planlife.submit, planlife.approve, planlife.reopen):
        with pytest.raises(Conflict, match="is in force"):
            step(desk, plan, who="anna")
    next_one = desk.new(title="再下一年", who="anna")
    assert next_one["base_edition"] == told["edition"]
    desk.operate(next_one["id"], give("b004", SW), who="anna")
    with pytest.raises(InputError, match="1 to 120"):
        planlife.publish(desk, next_one["id"], name=" ", who="anna")
    published(desk, next_one["id"], "最新版")
    assert {p["title"]: p["state"] for p in desk.listed()} == {"明年方案": "superseded", "再下一年": "active"}


def test_a_draft_of_an_edition_that_is_past_does_not_revert_what_came_after(desk: PlanDesk, plan: int) -> None:
    late = desk.new(title="晚了", who="ben")["id"]
    desk.operate(plan, give("b003", NW), who="anna")
    desk.operate(late, give("b105", NE), who="ben")
    published(desk, plan)
    planlife.submit(desk, late, who="ben")
    with pytest.raises(Conflict, match="starts from edition 2, but the newest is 3"):
        planlife.approve(desk, late, who="boss")
    assert len(editions(engine_of(desk.place).connect())) == 3


def test_what_changed_after_the_approval_is_not_published(desk: PlanDesk, plan: int, importer) -> None:
    desk.operate(plan, give("b003", NW), who="anna")
    planlife.submit(desk, plan, who="anna")
    planlife.approve(desk, plan, who="boss")
    importer(desk.place, "buildings", change_file(enlarged=["b003"]))
    with pytest.raises(Conflict, match="base data changed after"):
        planlife.publish(desk, plan, name=NOW, who="boss")
    planlife.reopen(desk, plan, who="anna")
    assert published(desk, plan)["state"] == "active"
