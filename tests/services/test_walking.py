"""Things are attached to the streets once, kept in PostGIS, and redone only where a change touches them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from sqlalchemy import text

from gridmap.errors import InputError, NotFound, NotReady
from gridmap.services import stations
from gridmap.services.coverage import route
from gridmap.services.looking import Question, look
from gridmap.services.walking import Town, Walker, floor_seconds
from gridmap.store.database import Place, engine_of, transaction
from tests.services import town

COLUMNS = ("thing", "edge", "along_m", "off_m", "via", "gate_xy", "reason", "nearest_m", "enclosure", "xy")


def kept(place: Place) -> dict[tuple[str, int], Any]:
    """The stored points with the transaction that wrote each."""
    with engine_of(place).connect() as connection:
        rows = connection.execute(text("SELECT thing_kind, thing_id, xmin::text FROM gridmap.walk_point"))
        return {(row[0], row[1]): row[2] for row in rows}


def building_ids(place: Place) -> dict[str, int]:
    with engine_of(place).connect() as connection:
        rows = connection.execute(text("SELECT source_id, id FROM gridmap.building WHERE retired_at IS NULL"))
        return {row[0]: row[1] for row in rows}


def seconds_of(walker: Walker, source_id: str) -> float:
    seen = look(walker, Question())
    row = int(seen.town.homes.rows(np.array([building_ids(walker.place)[source_id]]))[0])
    return float(seen.far.seconds[row])


def test_what_was_attached_comes_back_from_the_store_bit_by_bit(town_place: Place) -> None:
    first = Walker(town_place).town()
    again = Walker(town_place).town()
    assert first.homes.attached.count == 48
    for one, other in ((first.homes.attached, again.homes.attached), (first.today.attached, again.today.attached)):
        for name in COLUMNS:
            assert np.array_equal(getattr(one, name), getattr(other, name), equal_nan=True), name


def test_an_import_makes_only_what_it_touched_be_attached_again(
    town_place: Place, importer: Callable[..., Any]
) -> None:
    walker = Walker(town_place)
    walker.town()
    before = kept(town_place)
    moved = town.buildings().iloc[[0]].copy()
    moved.geometry = [shapely.transform(moved.geometry.iloc[0], lambda xy: xy + np.array([0.0001, 0]))]
    importer(town_place, "buildings", moved)
    ids = building_ids(town_place)
    assert set(before) - set(kept(town_place)) == {("building", ids[moved["source_id"].iloc[0]])}
    assert walker.refresh()
    after = kept(town_place)
    assert set(after) == set(before)
    assert [key for key in after if after[key] != before[key]] == [("building", ids[moved["source_id"].iloc[0]])]


def test_a_changed_street_makes_those_near_it_be_attached_again(
    town_place: Place, importer: Callable[..., Any]
) -> None:
    Walker(town_place).town()
    before = kept(town_place)
    streets = town.streets()
    importer(town_place, "streets", streets[streets["source_id"] == "s0"].assign(removed=True))
    gone = set(before) - set(kept(town_place))
    ids = building_ids(town_place)
    near = {("building", number) for name, number in ids.items() if name[1] == "0"}
    far = {("building", number) for name, number in ids.items() if name[1] == "3"}
    assert near <= gone
    assert not far & gone


def test_a_house_far_from_every_street_is_listed_and_never_reached(
    town_place: Place, importer: Callable[..., Any]
) -> None:
    lonely = town.lonlat(
        {"source_id": ["lonely"], "use": ["residential"], "storeys": [1]},
        [shapely.box(town.X0 + 400, town.Y0 + 900, town.X0 + 410, town.Y0 + 910)],
    )
    importer(town_place, "buildings", lonely)
    walker = Walker(town_place)
    assert seconds_of(walker, "lonely") == np.inf
    answer = route(walker, Question(), building=building_ids(town_place)["lonely"])
    assert answer["seconds"] is None
    assert "Too far" in answer["message"]["en"]


def wall(place: Place, importer: Callable[..., Any], gates: str | None) -> None:
    """Put a wall around the houses of block (0, 0)."""
    ring = shapely.box(town.X0 + 20, town.Y0 + 20, town.X0 + 180, town.Y0 + 180)
    importer(
        place,
        "estates",
        town.lonlat({"source_id": ["e1"], "name": ["春南苑"], "walled": [True], "gates": [gates]}, [ring]),
    )


def estate_id(place: Place) -> int:
    with engine_of(place).connect() as connection:
        return int(connection.execute(text("SELECT id FROM gridmap.estate")).scalar_one())


def test_people_leave_a_walled_estate_through_its_gate_and_a_gate_can_be_added(
    town_place: Place, importer: Callable[..., Any]
) -> None:
    wall(town_place, importer, None)
    walker = Walker(town_place)
    house = building_ids(town_place)["b000"]
    question = Question(kinds=("grid_station",))
    assumed = route(walker, question, building=house)
    assert assumed["via"] == "gate_assumed"
    lon, lat = town.at(20, 100)
    told = stations.add_gate(town_place, estate_id(town_place), lon=lon, lat=lat, who="test")
    assert told["gate"]["lon"] == pytest.approx(lon, abs=1e-6)
    walker.refresh()
    known = route(walker, question, building=house)
    assert known["via"] == "gate"
    assert known["seconds"] != assumed["seconds"]


def test_a_gate_added_by_hand_outlives_the_next_import(town_place: Place, importer: Callable[..., Any]) -> None:
    wall(town_place, importer, None)
    lon, lat = town.at(20, 100)
    stations.add_gate(town_place, estate_id(town_place), lon=lon, lat=lat, who="test")
    wall(town_place, importer, "{} {}".format(*town.at(180, 100)))
    walker = Walker(town_place)
    walker.town()
    assert len(walker.town().around.surroundings().enclosures.gates[0]) == 2


def test_a_gate_belongs_at_the_wall_of_a_walled_estate(town_place: Place, importer: Callable[..., Any]) -> None:
    wall(town_place, importer, None)
    lon, lat = town.at(700, 300)
    with pytest.raises(InputError, match="from the wall"):
        stations.add_gate(town_place, estate_id(town_place), lon=lon, lat=lat, who="test")
    with pytest.raises(NotFound):
        stations.add_gate(town_place, 4711, lon=lon, lat=lat, who="test")


def test_those_in_the_same_walled_estate_reach_each_other_without_a_street(
    town_place: Place, importer: Callable[..., Any]
) -> None:
    wall(town_place, importer, None)
    walker = Walker(town_place)
    x, y = 110, 47
    lon, lat = town.at(x, y)
    change = {"op": "add", "name": "院内", "kind": "shop", "lon": lon, "lat": lat}
    seen = look(walker, Question(kinds=("shop",)), [change])
    row = int(seen.town.homes.rows(np.array([building_ids(town_place)["b000"]]))[0])
    straight = np.hypot(*(seen.scene.homes.xy[row] - seen.stations.xy[0]))
    assert seen.far.seconds[row] == pytest.approx(straight / (1000 / 900), abs=0.01)


def test_a_station_in_a_house_serves_that_house_at_once(town_place: Place) -> None:
    walker = Walker(town_place)
    lon, lat = town.at(31, 41)
    change = {"op": "add", "name": "楼下", "kind": "shop", "lon": lon, "lat": lat}
    seen = look(walker, Question(kinds=("shop",)), [change])
    row = int(seen.town.homes.rows(np.array([building_ids(town_place)["b000"]]))[0])
    assert seen.far.seconds[row] == 0


def test_the_river_is_not_crossed_from_the_door(town_place: Place, importer: Callable[..., Any]) -> None:
    shape = shapely.box(town.X0 + 10, town.Y0 + 5, town.X0 + 190, town.Y0 + 30)
    river = town.lonlat({"source_id": ["w"], "name": ["河"], "water_kind": ["river"]}, [shape])
    house = building_ids(town_place)["b000"]
    crossed = []
    for _ in range(2):
        way = route(Walker(town_place), Question(), building=house)["path"]
        crossed.append(shapely.intersects(shapely.LineString(way["coordinates"]), river.geometry.iloc[0]))
        importer(town_place, "water", river)
    assert crossed == [True, False]


def test_households_of_a_house_of_several_cells_are_shared_and_none_is_lost(town_place: Place) -> None:
    held = Walker(town_place).town()
    demand = held.cells.demand
    assert demand.households.sum() == held.homes.households.sum() == 48 * 50
    assert demand.people.sum() == 48 * 140
    assert demand.buildings.sum() == 48
    assert (held.cells.grid >= 0).all()


def test_nothing_can_be_asked_before_anything_was_imported(place: Place) -> None:
    with pytest.raises(NotReady, match="Import"):
        Walker(place).town()


def test_a_town_without_streets_says_so_and_covers_nobody(place: Place, importer: Callable[..., Any]) -> None:
    for kind in ("areas", "buildings", "households", "stations"):
        importer(place, kind, getattr(town, kind)())
    seen = look(Walker(place), Question())
    assert not seen.covered.any()
    assert any("no walkable streets" in warning.en for warning in seen.warnings)


def test_a_reader_of_another_process_sees_new_data_within_a_refresh(
    town_place: Place, importer: Callable[..., Any]
) -> None:
    walker = Walker(town_place)
    held: Town = walker.town()
    assert not walker.refresh()
    importer(town_place, "stations", town.stations().assign(removed=[False, True]))
    assert walker.refresh()
    assert len(held.today.stations) == 2
    assert len(walker.town().today.stations) == 1
    assert walker.town().network is held.network


def test_what_is_attached_while_an_import_runs_is_not_kept(town_place: Place) -> None:
    with transaction(town_place) as connection:  # others may have walked in the town that this one is a copy of
        connection.execute(text("TRUNCATE gridmap.street_attachment, gridmap.walk_point"))
    with transaction(town_place) as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('gridmap base data'))"))
        assert Walker(town_place).town().homes.attached.count == 48
    assert kept(town_place) == {}


def test_stairs_in_the_house_count_between_four_and_six_storeys() -> None:
    from gridmap.core.network import PROFILES

    extra = floor_seconds(np.array([0, 3, 4, 6, 7, 18], dtype=np.int32), PROFILES["elderly"])
    assert extra.tolist() == [0, 0, 28.5, 47.5, 0, 0]


def test_streets_that_are_not_joined_are_told_by_the_check(town_place: Place, importer: Callable[..., Any]) -> None:
    from gridmap.services.check import check

    assert check(town_place, names=("network_island",)) == []
    lane = shapely.LineString([(town.X0 + 1300, town.Y0), (town.X0 + 1300, town.Y0 + 300)])
    house = shapely.box(town.X0 + 1310, town.Y0 + 100, town.X0 + 1330, town.Y0 + 114)
    importer(town_place, "streets", town.lonlat({"source_id": ["x"], "highway": ["residential"]}, [lane]))
    importer(
        town_place,
        "buildings",
        town.lonlat({"source_id": ["far"], "use": ["residential"], "storeys": [6], "estate": [None]}, [house]),
    )
    found = check(town_place, names=("network_island",))
    assert len(found) == 1
    assert found[0].severity == "warning"
    assert "1 buildings" in found[0].message.en


def test_stations_in_the_river_off_the_streets_or_on_one_spot_are_told_by_the_check(
    town_place: Place, importer: Callable[..., Any]
) -> None:
    from gridmap.services.check import check

    assert check(town_place, names=("station_in_water", "station_off_network", "stations_on_one_spot")) == []
    lake = shapely.box(town.X0 + 1000, town.Y0, town.X0 + 1200, town.Y0 + 200)
    importer(town_place, "water", town.lonlat({"source_id": ["w"], "name": ["湖"], "water_kind": ["lake"]}, [lake]))
    wet, twin, far = (
        shapely.Point(town.X0 + 1100, town.Y0 + 100),
        shapely.Point(town.X0 + 100, town.Y0 + 100),
        shapely.Point(town.X0 + 100, town.Y0 + 1500),
    )
    table: dict[str, list[object]] = {
        "source_id": ["wet", "twin", "far"],
        "name": ["水中", "同点", "远处"],
        "station_kind": ["shop"] * 3,
        "opening_hours": ["Mo-Su 08:00-20:00", "明天也许开", None],
    }
    importer(town_place, "stations", town.lonlat(table, [wet, twin, far]))
    found = {(f.rule, f.subject) for f in check(town_place)}
    assert {
        ("station_in_water", "station:wet"),
        ("station_off_network", "station:wet"),
        ("station_off_network", "station:far"),
        ("stations_on_one_spot", "station:st1"),
        ("station_hours_unreadable", "station:twin"),
    } <= found


def test_the_frame_of_streets_is_only_read_when_it_is_needed(town_place: Place) -> None:
    walker = Walker(town_place)
    walker.town()
    again = Walker(town_place).town()
    assert isinstance(again.around.streets(), gpd.GeoDataFrame)
    assert isinstance(again.grids.table, pd.DataFrame)


def test_a_network_is_kept_for_the_next_process_until_streets_change(
    town_place: Place, importer: Callable[..., Any], tmp_path: Path
) -> None:
    first = Walker(town_place, keep_in=tmp_path).town().network
    (file,) = (tmp_path / "networks").iterdir()
    stamp = file.stat().st_mtime_ns
    again = Walker(town_place, keep_in=tmp_path).town().network
    assert file.stat().st_mtime_ns == stamp
    assert again.version == first.version
    assert np.array_equal(again.xy, first.xy)
    streets = town.streets()
    importer(town_place, "streets", streets[streets["source_id"] == "s0"].assign(removed=True))
    assert Walker(town_place, keep_in=tmp_path).town().network.version != first.version
    (other,) = (tmp_path / "networks").iterdir()
    assert other != file


def test_a_damaged_network_file_is_made_anew(town_place: Place, tmp_path: Path) -> None:
    first = Walker(town_place, keep_in=tmp_path).town().network
    (file,) = (tmp_path / "networks").iterdir()
    for damage in (b"", b"PK\x03\x04 not a zip", file.read_bytes()[:2000]):
        file.write_bytes(damage)
        assert Walker(town_place, keep_in=tmp_path).town().network.version == first.version


def off_of(walker: Walker, source_id: str) -> float:
    homes = walker.town().homes
    row = int(homes.rows(np.array([building_ids(walker.place)[source_id]]))[0])
    return float(homes.attached.off_m[homes.attached.thing == row].min())


def test_a_stub_counts_from_the_moment_that_it_joins_the_streets_even_far_away(
    town_place: Place, importer: Callable[..., Any]
) -> None:
    def street(name: str, *ends: tuple[float, float]) -> gpd.GeoDataFrame:
        line = shapely.LineString([(town.X0 + x, town.Y0 + y) for x, y in ends])
        return town.lonlat({"source_id": [name], "name": [name], "highway": ["footway"]}, [line])

    walker = Walker(town_place)
    assert off_of(walker, "b000") == pytest.approx(45, abs=0.1)
    importer(town_place, "streets", street("stub", (45, 60), (45, 150)))
    walker.refresh()
    assert off_of(walker, "b000") == pytest.approx(45, abs=0.1)
    before = kept(town_place)
    importer(town_place, "streets", street("way", (45, 150), (-10, 150)))
    walker.refresh()
    assert off_of(walker, "b000") == pytest.approx(13, abs=0.1)
    assert off_of(Walker(town_place), "b000") == pytest.approx(13, abs=0.1)
    # houses at the other end of the town have nothing to do with it
    after, far = kept(town_place), building_ids(town_place)["b315"]
    assert after["building", far] == before["building", far]


def test_a_pram_does_not_meet_the_street_on_stairs(town_place: Place, importer: Callable[..., Any]) -> None:
    line = shapely.LineString([(town.X0 + 45, town.Y0 + 60), (town.X0 + 45, town.Y0 + 200)])
    stairs = town.lonlat({"source_id": ["stairs"], "name": ["石阶"], "highway": ["steps"]}, [line])
    importer(town_place, "streets", stairs)
    walker = Walker(town_place)
    assert off_of(walker, "b000") == pytest.approx(13, abs=0.1)
    pram = look(walker, Question(profile="wheels"))
    row = int(pram.town.homes.rows(np.array([building_ids(town_place)["b000"]]))[0])
    assert np.isfinite(pram.far.seconds[row])
    assert pram.homes.off_m[pram.homes.thing == row].min() == pytest.approx(45, abs=0.1)
