"""What happens later changes no answer about the past: names of communities, and who was on duty."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import orjson
import pandas as pd
import pytest
from sqlalchemy import text

from gridmap.services import editions, planlife
from gridmap.services.locate import Locator
from gridmap.services.maps import map_data
from gridmap.services.plans import PlanDesk
from gridmap.store.database import Place, engine_of
from tests.services import town

LAST_YEAR = datetime(2025, 6, 1, 12, tzinfo=UTC)
CODE = town.code(1, 0)  # the leaf at the point in both editions
POINT = town.at(245, 47)


def now_in(place: Place) -> datetime:
    with engine_of(place).connect() as connection:
        return connection.execute(text("SELECT now()")).scalar_one()  # type: ignore[no-any-return]


@pytest.fixture
def changed(town_place: Place, importer: Callable[..., Any]) -> tuple[Place, datetime]:
    """The town after community A was renamed and a leader was replaced, and a moment before that."""
    before = now_in(town_place)
    areas = town.areas()
    areas.loc[areas["source_id"] == "a", "name"] = "朝阳社区"
    importer(town_place, "areas", areas)
    people = town.people()
    people.loc[people["grid_code"] == CODE, "name"] = "测新"
    importer(town_place, "people", people)
    return town_place, before


def told(place: Place, at: datetime | None) -> dict[str, tuple[Any, Any]]:
    """Community and leader of the grid at the point, by every way of asking."""
    answer = Locator(place).locate(*POINT, at=at)
    facts = editions.grid_facts(place, CODE, at=at)
    listed = orjson.loads(editions.grids_geojson(place, at=at))["features"]
    name = next(f["properties"]["community_name"] for f in listed if f["properties"]["code"] == CODE)
    with engine_of(place).connect() as connection:
        sql = connection.execute(
            text(
                "SELECT a.name, d.name FROM gridmap.grid_at(ST_Point(:x, :y), :at) g "
                "JOIN gridmap.edition_grid e ON e.edition_id = g.edition_id AND e.uid = g.uid "
                "JOIN gridmap.areas_at(:at) a ON a.level = 'community' AND a.code = e.community_code "
                "LEFT JOIN gridmap.duties_at(:at) d ON d.grid_code = g.code"
            ),
            {"x": POINT[0], "y": POINT[1], "at": at or now_in(place)},
        ).one()

    def leader(duties: list[dict[str, Any]]) -> Any:
        return duties[0]["name"] if duties else None

    return {
        "located": (answer["community"]["name"], leader(answer["duties"])),
        "facts": (facts["grid"]["community_name"], leader(facts["duties"])),
        "list": (name, leader(facts["duties"])),
        "sql": (sql[0], sql[1]),
    }


def test_the_past_keeps_the_community_s_name_and_who_was_on_duty(changed: tuple[Place, datetime]) -> None:
    place, before = changed
    leader = town.people().set_index("grid_code").loc[CODE, "name"]
    assert set(told(place, None).values()) == {("朝阳社区", "测新")}
    assert set(told(place, before).values()) == {("东风社区", leader)}
    assert set(told(place, LAST_YEAR).values()) == {("东风社区", leader)}


def test_one_locator_answers_for_both_names_and_shares_what_did_not_change(changed: tuple[Place, datetime]) -> None:
    place, before = changed
    locator = Locator(place)
    names = [locator.locate(*POINT, at=at)["community"]["name"] for at in (None, before, LAST_YEAR, None)]
    assert names == ["朝阳社区", "东风社区", "东风社区", "朝阳社区"]
    assert locator.ready(before)
    _, now = locator.index_at()
    _, then = locator.index_at(before)
    assert then is not now
    assert then.uids is now.uids


def test_a_map_made_now_has_the_names_and_duties_of_now(changed: tuple[Place, datetime]) -> None:
    data = map_data(changed[0])
    leaves = {f["properties"]["code"]: f["properties"] for f in data.grids[3]["features"]}
    assert leaves[CODE]["community_name"] == "朝阳社区"
    assert data.duties[CODE][0]["name"] == "测新"


def test_a_duty_answers_from_its_first_to_its_last_day_in_the_county_s_time_zone(
    town_place: Place, importer: Callable[..., Any]
) -> None:
    people = town.people().assign(from_date=None, to_date=None)
    people.loc[people["grid_code"] == CODE, "to_date"] = "2025-06-30"
    follower = people[people["grid_code"] == CODE].assign(
        source_id="next", name="测后", from_date="2025-07-01", to_date=None
    )
    importer(town_place, "people", pd.concat([people, follower], ignore_index=True))
    leader = town.people().set_index("grid_code").loc[CODE, "name"]
    before_midnight = datetime(2025, 6, 30, 15, 59, tzinfo=UTC)  # 23:59 in Shanghai
    after_midnight = datetime(2025, 6, 30, 16, 1, tzinfo=UTC)
    assert {name for _, name in told(town_place, before_midnight).values()} == {leader}
    assert {name for _, name in told(town_place, after_midnight).values()} == {"测后"}
    assert {name for _, name in told(town_place, None).values()} == {"测后"}


def test_who_takes_over_in_the_same_row_does_so_on_the_first_day_that_the_row_names(
    town_place: Place, importer: Callable[..., Any]
) -> None:
    people = town.people().assign(from_date=None)
    people.loc[people["grid_code"] == CODE, ["name", "from_date"]] = ["测后", "2025-07-01"]
    importer(town_place, "people", people)
    leader = town.people().set_index("grid_code").loc[CODE, "name"]
    assert {name for _, name in told(town_place, LAST_YEAR).values()} == {leader}
    assert {name for _, name in told(town_place, datetime(2025, 7, 1, 1, tzinfo=UTC)).values()} == {"测后"}
    people.loc[people["grid_code"] == CODE, ["name", "from_date"]] = ["测三", "2199-01-01"]
    importer(town_place, "people", people)
    assert {name for _, name in told(town_place, None).values()} == {"测后"}
    assert {name for _, name in told(town_place, datetime(2199, 1, 2, tzinfo=UTC)).values()} == {"测三"}


def test_what_is_no_longer_public_is_not_told_of_the_past_either(
    town_place: Place, importer: Callable[..., Any]
) -> None:
    before = now_in(town_place)
    importer(town_place, "people", town.people().assign(public=False))
    assert {name for _, name in told(town_place, before).values()} == {None}


def test_a_duty_that_was_taken_out_answers_for_the_time_before(town_place: Place, importer: Callable[..., Any]) -> None:
    before = now_in(town_place)
    importer(town_place, "people", town.people().assign(removed=True))
    leader = town.people().set_index("grid_code").loc[CODE, "name"]
    assert {name for _, name in told(town_place, before).values()} == {leader}
    assert {name for _, name in told(town_place, None).values()} == {None}


def test_duties_that_followed_a_new_code_are_told_under_the_old_one_of_the_past(town_place: Place) -> None:
    before = now_in(town_place)
    desk = PlanDesk(town_place)
    plan = desk.new(title="新编码", who="anna")["id"]
    desk.operate(plan, {"kind": "renumber", "grid": CODE, "code": "x"}, who="anna")
    for step in (planlife.submit, planlife.approve):
        step(desk, plan, who="anna")
    assert planlife.publish(desk, plan, name="新编码", who="anna")["duties_recoded"] == 1
    leader = town.people().set_index("grid_code").loc[CODE, "name"]
    assert {name for _, name in told(town_place, before).values()} == {leader}
    assert {d["name"] for d in editions.grid_facts(town_place, "x")["duties"]} == {leader}
    with engine_of(town_place).connect() as connection:
        rows = connection.execute(text("SELECT name FROM gridmap.duties_at(:at) WHERE grid_code = 'x'"), {"at": before})
        assert rows.all() == []


def test_a_community_that_changed_twice_has_each_name_at_its_time(
    town_place: Place, importer: Callable[..., Any]
) -> None:
    moments, names = [], ["朝阳社区", "光明社区"]
    for name in names:
        moments.append(now_in(town_place))
        areas = town.areas()
        areas.loc[areas["source_id"] == "a", "name"] = name
        importer(town_place, "areas", areas)
    told_then = [{name for name, _ in told(town_place, at).values()} for at in (LAST_YEAR, *moments, None)]
    assert told_then == [{"东风社区"}, {"东风社区"}, {"朝阳社区"}, {"光明社区"}]
