"""What a click on the map means: the street at a point, and walled estates whose gate is only assumed."""

from __future__ import annotations

import pytest
import shapely
from sqlalchemy import text

from gridmap.errors import InputError, NotFound
from gridmap.services import coverage, estates, stations, streets
from gridmap.services.looking import Question
from gridmap.services.walking import Walker
from gridmap.store.changes import bump
from gridmap.store.database import Place, transaction
from tests.services import town


@pytest.fixture
def walker(town_place: Place) -> Walker:
    return Walker(town_place)


def wall_in(place: Place, column: int, row: int) -> int:
    """Put a wall without a gate around the houses of a block; returns the number of the estate."""
    wall = town.block(column, row).buffer(-15)
    shape = town.lonlat({"name": ["静园"]}, [shapely.MultiPolygon([wall])]).geometry.iloc[0]
    with transaction(place) as connection:
        sql = (
            "INSERT INTO gridmap.estate (source_id, name, walled, geom) "
            "VALUES ('e1', '静园', true, ST_SetSRID(ST_GeomFromText(:g), 4326)) RETURNING id"
        )
        number = int(connection.execute(text(sql), {"g": shape.wkt}).scalar_one())
        connection.execute(text("DELETE FROM gridmap.walk_point"))
        bump(connection, "base")
    return number


def test_a_point_means_the_nearest_street_and_the_piece_between_two_junctions(walker: Walker) -> None:
    lon, lat = town.at(90, 206)
    found = streets.near(walker, lon=lon, lat=lat)
    assert found["distance_m"] == pytest.approx(6, abs=0.2)
    assert (found["lon"], found["lat"]) == pytest.approx(town.at(90, 200), abs=2e-6)
    assert found["piece"]["length_m"] <= found["street"]["length_m"]
    piece = shapely.from_geojson(str(found["piece"]["path"]).replace("'", '"'))
    assert piece.distance(shapely.Point(found["lon"], found["lat"])) < 1e-6
    again = streets.street(walker, found["street"]["id"])
    assert again == found["street"]


def test_the_piece_that_is_shown_is_the_piece_that_a_closure_takes_away(walker: Walker) -> None:
    lon, lat = town.at(90, 206)
    found = streets.near(walker, lon=lon, lat=lat)
    change = {"op": "close_street", "street": found["street"]["id"], "lon": found["lon"], "lat": found["lat"]}
    before = walker.town().network
    tried = coverage.what_if(walker, Question(minutes=3), [change])
    assert tried["totals"]["households_covered"] <= tried["against"]["households_covered"]
    assert before is walker.town().network, "nothing real changes"


def test_a_point_far_from_every_street_means_none(walker: Walker) -> None:
    lon, lat = town.at(100, 100)
    assert streets.near(walker, lon=lon, lat=lat, within_m=20)["street"] is None
    lon, lat = town.at(100, 9_000)
    assert streets.near(walker, lon=lon, lat=lat, within_m=500)["piece"] is None
    with pytest.raises(InputError):
        streets.near(walker, lon=lon, lat=lat, within_m=501)
    with pytest.raises(NotFound):
        streets.street(walker, 10**9)


def test_an_estate_without_a_known_gate_is_listed_until_a_gate_is_added(walker: Walker) -> None:
    number = wall_in(walker.place, 0, 0)
    walker.refresh()
    (one,) = estates.walled(walker, gate="assumed")["features"]
    assert (one["properties"]["id"], one["properties"]["name"], one["properties"]["gate"]) == (
        number,
        "静园",
        "assumed",
    )
    assert one["properties"]["households"] > 0
    assert shapely.from_geojson(str(one["geometry"]).replace("'", '"')).contains(
        shapely.Point(one["properties"]["lon"], one["properties"]["lat"])
    )
    assert estates.walled(walker, gate="known")["features"] == []
    lon, lat = town.at(100, 14)
    added = stations.add_gate(walker.place, number, lon=lon, lat=lat, who="anna")
    walker.refresh()
    assert estates.walled(walker, gate="assumed")["features"] == []
    (known,) = estates.walled(walker)["features"]
    assert known["properties"]["gates"] == [pytest.approx([added["gate"]["lon"], added["gate"]["lat"]])]


def test_hours_are_read_back_in_plain_words() -> None:
    told = stations.read_hours("周一至周五 8:30-17:30")
    assert told["normal"] == "Mo-Fr 08:30-17:30"
    assert told["zh"] == "周一至周五 8:30–17:30；周六、周日 不开放"
    assert told["en"] == "Mon to Fri 8:30–17:30; Sat, Sun closed"
    with pytest.raises(InputError):
        stations.read_hours("Mo-Xx")
