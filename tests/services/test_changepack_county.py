"""Borders in words on the sample county, written by hand from the map; and what must agree after publishing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import text

from gridmap.services import comparing, planlife
from gridmap.services.agreement import disagreements
from gridmap.services.plans import PlanDesk
from gridmap.services.wording import descriptions
from gridmap.settings import Settings
from gridmap.store.database import Place, transaction
from tests.conftest import copy_database, drop_database, leave

BY_HAND = {
    # between streets, the railway in the north; in the east nothing but the park's fence
    "990101100003003": (
        "东至与清岩公园专属网格的分界(不沿道路)，南至瀚泽街，"
        "西至与漪岸第2网格的分界(不沿道路)、筠阳大道，北至清岩铁路。"
    ),
    # an L: one house row of the block in the north-west belongs to the neighbour
    "990101100001026": ("东至瀚堤路，南至瀚渡街，西至与漪池第34网格的分界(不沿道路)、蔚然路，北至湛畔巷、霁阳大道。"),
    # down to the middle of the river; another community begins in the east below the street
    "990101100002017": (
        "东至蔚然路、与漪岸社区的边界(不沿道路)，南至岚清河，西至砺浦路、与珩台第15网格的分界(不沿道路)，北至榆畈路。"
    ),
}


@pytest.fixture(scope="module")
def county(run_settings: Settings, county_template: Place) -> Iterator[Place]:
    leave(county_template)
    made = copy_database(run_settings, county_template.name, "pack_county")
    yield made
    drop_database(run_settings, made)


def test_borders_in_words_say_what_the_map_shows(county: Place) -> None:
    with PlanDesk(county).snapshot() as seen:
        layout = comparing.compare(seen, None, "edition:2").new.layout
        keys = {grid.code: key for key, grid in layout.grids.items()}
        told = descriptions(seen.connection, seen.land, layout, [keys[code] for code in BY_HAND])
    assert {code: told[keys[code]].zh for code in BY_HAND} == BY_HAND


def test_crosswalk_lineage_requests_and_duties_agree_to_the_building_after_publishing(county: Place) -> None:
    desk = PlanDesk(county)
    plan = int(desk.new(title="发布", who="anna")["id"])
    town = "990101100003"
    desk.operate(plan, {"kind": "merge", "grids": [f"{town}013", f"{town}014"]}, who="anna")
    desk.operate(plan, {"kind": "split", "grid": f"{town}003"}, who="anna")
    desk.operate(plan, {"kind": "renumber", "grid": f"{town}005", "code": f"{town}777"}, who="anna")
    with desk.snapshot() as seen:
        state = seen.session(plan).state
    mine = state.cells_of(next(g.key for g in state.leaves if g.code == f"{town}008"))
    homes = [str(name) for name in state.fabric.source[mine] if name is not None][:12]
    desk.operate(plan, {"kind": "assign", "buildings": homes, "to": f"{town}009"}, who="anna")
    planned = {(b["building"], b["old"], b["new"]) for b in desk.diff(plan)["buildings"]}
    planlife.submit(desk, plan, who="anna")
    planlife.approve(desk, plan, who="boss")
    told = planlife.publish(desk, plan, name="2027 年网格", who="boss")
    assert told["state"] == "active"
    assert [each.message.en for each in disagreements(desk)] == []
    with desk.snapshot() as seen:
        after = comparing.told(comparing.compare(seen, None, f"edition:{told['edition']}"))
    assert {(b["building"], b["old"], b["new"]) for b in after["buildings"]} == planned
    with transaction(county) as connection:
        source, ref = connection.execute(
            text(
                "UPDATE gridmap.request SET current_uid = (SELECT uid FROM gridmap.edition_grid WHERE edition_id = :e "
                "AND leaf AND uid <> r.current_uid LIMIT 1) FROM (SELECT id, current_uid FROM gridmap.request "
                "WHERE closed_at IS NULL AND building_id IS NOT NULL AND current_uid IS NOT NULL "
                "ORDER BY id LIMIT 1) r "
                "WHERE request.id = r.id RETURNING source, source_ref"
            ),
            {"e": told["edition"]},
        ).one()
        duty = connection.execute(
            text("UPDATE gridmap.duty SET grid_code = 'gone' WHERE id = (SELECT min(id) FROM gridmap.duty "
                 "WHERE grid_code IS NOT NULL AND retired_at IS NULL) RETURNING source_id")
        ).scalar_one()  # fmt: skip
    assert {(each.what, each.subject) for each in disagreements(desk)} == {
        ("request", f"{source}/{ref}"), ("duty", duty)
    }  # fmt: skip
