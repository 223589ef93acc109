"""Where no community line is known, communities grow from named points, and the first edition is made of them."""

from __future__ import annotations

import orjson
import shapely
from sqlalchemy import text

from gridmap.services import editions
from gridmap.services.cells import make_cells
from gridmap.services.locate import Locator
from gridmap.services.maps import map_data
from gridmap.store.database import Place, engine_of
from tests.services import town


def points() -> object:
    return town.lonlat(
        {"source_id": ["p1", "p2"], "name": ["东风社区", "西岭社区"], "level": ["community"] * 2},
        [shapely.Point(town.X0 + 150, town.Y0 + 210), shapely.Point(town.X0 + 650, town.Y0 + 190)],
    )


def test_communities_grow_from_points_and_are_marked_as_provisional(place: Place, importer) -> None:
    for kind, table in (("areas", points()), ("streets", town.streets()), ("buildings", town.buildings())):
        importer(place, kind, table)
    told = make_cells(place, who="test")
    assert told["communities_provisional"] == 2
    found = orjson.loads(editions.areas_geojson(place, "community"))["features"]
    assert [f["properties"]["name"] for f in found] == ["东风社区", "西岭社区"]
    assert all(f["properties"]["provisional"] for f in found)
    answer = Locator(place).locate(*town.at(120, 220))
    assert answer["grid"]["name"] == "东风社区"
    assert answer["community"]["name"] == "东风社区"


def test_official_lines_take_the_place_of_provisional_ones(place: Place, importer) -> None:
    for kind, table in (("areas", points()), ("streets", town.streets()), ("buildings", town.buildings())):
        importer(place, kind, table)
    make_cells(place, who="test")
    importer(place, "areas", town.areas())
    importer(place, "grids", town.grids(), edition="现行版", effective_from="2026-01-01")
    make_cells(place, who="test")
    with engine_of(place).connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM gridmap.area WHERE provisional")) == 0
    assert Locator(place).locate(*town.at(45, 47))["edition"]["name"] == "现行版"


def test_polygons_alone_become_cells_and_an_edition(place: Place, importer) -> None:
    leaves = town.grids().query("level == 3")
    importer(place, "grids", leaves, edition="只有面", effective_from="2026-01-01")
    assert make_cells(place, who="test")["cells"] == len(leaves)
    assert Locator(place).locate(*town.at(45, 47))["grid"]["code"] == town.code(0, 0)


def test_a_town_without_grids_and_communities_still_gives_its_coverage_and_its_map(place: Place, importer) -> None:
    for kind, table in (("streets", town.streets()), ("buildings", town.buildings()), ("stations", town.stations())):
        importer(place, kind, table)
    make_cells(place, who="test")
    data = map_data(place, minutes=(15.0,))
    assert data.grids == {}
    assert data.coverage is not None
    assert data.coverage.answers[15.0]["rows"] == []
