"""Borders in words on the sample county, written by hand from the map; and what must agree after publishing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gridmap.services import comparing
from gridmap.services.plans import PlanDesk
from gridmap.services.wording import descriptions
from gridmap.settings import Settings
from gridmap.store.database import Place
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
