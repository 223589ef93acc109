"""Coverage of the sample county: what was planted is found and nothing else; and clear answers to what cannot be."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook
from sqlalchemy import text

from gridmap.core.network import Reason
from gridmap.errors import InputError, NotFound
from gridmap.sample import generate
from gridmap.sample.county import SampleCounty
from gridmap.services import coverage as service
from gridmap.services.looking import Question, look
from gridmap.services.reports import write_coverage
from gridmap.services.walking import Walker
from gridmap.settings import Settings
from gridmap.store import walking as store
from gridmap.store.database import Place, engine_of
from tests.conftest import copy_database, drop_database, leave
from tests.services import town


@pytest.fixture(scope="module")
def sample() -> SampleCounty:
    return generate(seed=1)


@pytest.fixture(scope="module")
def walker(run_settings: Settings, county_template: Place) -> Iterator[Walker]:
    leave(county_template)
    made = copy_database(run_settings, county_template.name, "county_walked")
    yield Walker(made)
    drop_database(run_settings, made)


def sources(walker: Walker, rows: np.ndarray) -> list[str]:
    with engine_of(walker.place).connect() as connection:
        labels = store.building_labels(connection, walker.town().homes.ids[rows].tolist())
    return sorted(one["source_id"] for one in labels.values())


def test_the_planted_gaps_are_found_and_nothing_else(sample: SampleCounty, walker: Walker) -> None:
    seen = look(walker, Question())
    lived = seen.town.homes.households > 0
    attached = seen.town.homes.attached.reason == Reason.ATTACHED
    assert sources(walker, np.flatnonzero(lived & attached & ~seen.covered)) == sample.truth["not_reached"]
    assert sources(walker, np.flatnonzero(~attached)) == sample.truth["unattached_buildings"]
    found = service.gaps(walker, Question())
    by_rank = [feature["properties"] for feature in found["features"]]
    assert {code for gap in by_rank for code in gap["grids"]} == {
        code for gap in sample.truth["gaps"] for code in gap["grids"]
    }
    assert sum(gap["households"] for gap in by_rank) == sum(gap["households"] for gap in sample.truth["gaps"])
    assert [gap["households"] for gap in by_rank] == sorted((gap["households"] for gap in by_rank), reverse=True)
    assert sorted(one["building"] for one in found["unattached"]) == sample.truth["unattached_buildings"]


def test_the_grid_without_any_station_in_reach_is_known(sample: SampleCounty, walker: Walker) -> None:
    rows = service.coverage(walker, Question())["rows"]
    empty = [row["code"] for row in rows if row["households"] and not row["households_covered"]]
    assert empty == sample.truth["grids_without_station"]


def test_every_gap_knows_how_far_its_nearest_station_is(walker: Walker) -> None:
    for feature in service.gaps(walker, Question())["features"]:
        gap = feature["properties"]
        shape = shapely.from_geojson(json.dumps(feature["geometry"]))
        assert shapely.contains_xy(shape, gap["lon"], gap["lat"])
        assert gap["nearest"]["seconds"] > 900
        assert gap["nearest"]["walk_m"] == pytest.approx(gap["nearest"]["seconds"] * 1000 / 900, rel=0.01)
        assert gap["nearest"]["walk_m"] >= gap["nearest"]["straight_m"]


@pytest.mark.parametrize("by", ["grid", "community", "level1", "level2", "level3"])
def test_every_level_adds_up_to_the_totals(walker: Walker, by: str) -> None:
    answer = service.coverage(walker, Question(), by=by)
    for name in ("households", "households_covered", "people", "people_covered", "buildings", "buildings_covered"):
        assert sum(row[name] for row in answer["rows"]) == answer["totals"][name], name


def test_totals_are_those_of_the_edition(walker: Walker) -> None:
    rows = {row["code"]: row for row in service.coverage(walker, Question())["rows"]}
    with engine_of(walker.place).connect() as connection:
        kept = connection.execute(
            text("SELECT code, households, people, buildings FROM gridmap.edition_grid WHERE edition_id = 2 AND leaf")
        ).all()
    assert {row[0]: tuple(row[1:]) for row in kept} == {
        code: (row["households"], row["people"], row["buildings"]) for code, row in rows.items()
    }


def test_the_main_network_alone_covers_less_than_both_tiers(sample: SampleCounty, walker: Walker) -> None:
    counts = sample.truth["counts"]
    for tier, stations in ((1, counts["stations_first"]), (2, counts["stations_first"] + counts["stations_second"])):
        answer = service.coverage(walker, Question(tier=tier))
        assert sum(station["active"] for station in answer["stations"]) == stations
    first, both = (service.coverage(walker, Question(tier=tier))["totals"]["households_covered"] for tier in (1, 2))
    assert first < both


def test_stations_share_out_what_is_covered_by_nearness(walker: Walker) -> None:
    answer = service.coverage(walker, Question())
    assert sum(station["load"] for station in answer["stations"]) == answer["totals"]["households_covered"]
    assert all(station["exclusive_households"] <= station["households"] for station in answer["stations"])


def test_circles_and_walking_add_up(walker: Walker) -> None:
    answer = service.coverage(walker, Question())
    for circle in answer["circle"]:
        assert circle["both"] + circle["only_circle"] == circle["households"]
        assert circle["both"] + circle["only_walk"] == answer["totals"]["households_covered"]


def test_estimated_households_give_a_range_and_counted_ones_none(walker: Walker) -> None:
    totals = service.coverage(walker, Question())["totals"]
    assert totals["households_estimated"] > 0
    assert totals["households_covered_low"] < totals["households_covered"] < totals["households_covered_high"]


@settings(max_examples=12)
@given(one=st.floats(1, 60), other=st.floats(1, 60))
def test_more_minutes_never_cover_less(walker: Walker, one: float, other: float) -> None:
    less, more = (look(walker, Question(minutes=m)).covered for m in sorted((one, other)))
    assert (more | ~less).all()


@settings(max_examples=8)
@given(data=st.data())
def test_more_stations_never_cover_less(walker: Walker, data: st.DataObject) -> None:
    codes = [station.code for station in walker.town().today.stations]
    closed = data.draw(st.lists(st.sampled_from(codes), unique=True, min_size=1, max_size=20))
    kept = data.draw(st.integers(0, len(closed)))
    more = look(walker, Question(), [{"op": "close", "station": code} for code in closed[:kept]]).covered
    less = look(walker, Question(), [{"op": "close", "station": code} for code in closed]).covered
    assert (more | ~less).all()


def test_a_walk_of_exactly_the_limit_counts(walker: Walker) -> None:
    seen = look(walker, Question())
    seconds = float(np.sort(seen.far.seconds[np.isfinite(seen.far.seconds)])[100])
    exact = look(walker, Question(minutes=seconds / 60))
    assert (exact.covered == (seen.far.seconds <= np.float32(exact.question.limit_s))).all()
    assert exact.covered.sum() >= 101


def test_hours_decide_who_counts_on_a_sunday_and_in_the_evening(walker: Walker) -> None:
    whole = service.coverage(walker, Question())["totals"]["households_covered"]
    sunday = service.coverage(walker, Question(open_at="sunday"))
    night = service.coverage(walker, Question(open_at="2026-05-03T03:00"))
    assert sunday["totals"]["households_covered"] < whole
    assert all(station["open"] is True for station in sunday["stations"] if station["active"])
    assert night["totals"]["households_covered"] < sunday["totals"]["households_covered"]


def test_walkers_differ(walker: Walker) -> None:
    covered = {
        profile: service.coverage(walker, Question(profile=profile))["totals"]["households_covered"]
        for profile in ("default", "elderly", "wheels")
    }
    assert covered["elderly"] < covered["default"]
    stairs = service.coverage(walker, Question(profile="elderly", floors=True))["totals"]["households_covered"]
    assert stairs < covered["elderly"]
    slow = service.coverage(walker, Question(speed_kmh=2))["totals"]["households_covered"]
    assert slow < covered["default"]


def test_drawn_areas_say_how_much_they_err_and_err_little(walker: Walker) -> None:
    found = service.area(walker, Question(), each=(5, 10, 15))
    assert [feature["properties"]["minutes"] for feature in found["features"]] == [5, 10, 15]
    seen = look(walker, Question())
    homes = seen.scene.homes
    lonlat = seen.town.lonlat(homes.xy)
    for feature in found["features"]:
        minutes, error = feature["properties"]["minutes"], feature["properties"]["error"]
        shape = shapely.from_geojson(json.dumps(feature["geometry"]))
        shapely.prepare(shape)
        drawn = shapely.contains_xy(shape, lonlat[:, 0], lonlat[:, 1])
        reached = seen.far.seconds <= minutes * 60
        attached = homes.reason == Reason.ATTACHED
        wrong = int((drawn != reached)[attached].sum())
        assert abs(wrong - error["false_in"] - error["false_out"]) <= 2  # to the centimetre of GeoJSON
        assert error["share"] < 0.02


def test_buildings_come_as_columns_that_compare_like_the_exact_seconds(walker: Walker) -> None:
    found = service.buildings(walker, Question())
    seen = look(walker, Question())
    reached = np.array([s is not None and s <= 900 for s in found["seconds"]])
    assert (reached == seen.covered).all()
    k = int(np.flatnonzero(seen.covered)[0])
    assert found["stations"][found["station"][k]] == seen.scene.stations[seen.rows[seen.far.station[k]]].code


def test_the_way_of_a_building_takes_the_seconds_that_are_counted(walker: Walker) -> None:
    seen = look(walker, Question())
    rows = np.random.default_rng(3).choice(np.flatnonzero(np.isfinite(seen.far.seconds)), 25, replace=False)
    for row in rows:
        told = service.route(walker, Question(), building=int(seen.town.homes.ids[row]))
        assert told["seconds"] == pytest.approx(float(seen.far.seconds[row]), abs=0.11)
        assert told["walk_m"] >= told["straight_m"] - 0.1
        assert told["path"]["type"] == "LineString"


def test_a_point_beside_a_house_is_walked_from_too(walker: Walker) -> None:
    lon, lat = walker.town().lonlat(walker.town().network.node_xy[:1])[0]
    told = service.route(walker, Question(), lon=lon, lat=lat)
    assert told["building"] is None
    assert told["seconds"] is not None


def test_the_area_of_one_station_has_its_figures(walker: Walker) -> None:
    feature = service.station_area(walker, Question(), "S001")
    row = next(s for s in service.coverage(walker, Question())["stations"] if s["code"] == "S001")
    assert feature["properties"]["households"] == row["households"]
    assert feature["properties"]["error"]["share"] < 0.05
    with pytest.raises(NotFound):
        service.station_area(walker, Question(), "none")


# --- changes that are only tried -----------------------------------------------------------------------------------


def largest_gap(walker: Walker) -> dict[str, Any]:
    return service.gaps(walker, Question())["features"][0]["properties"]


def test_a_station_in_the_largest_gap_closes_it_and_nothing_real_changes(walker: Walker) -> None:
    gap = largest_gap(walker)
    before = service.coverage(walker, Question())
    tried = [{"op": "add", "name": "试点", "kind": "grid_station", "lon": gap["lon"], "lat": gap["lat"]}]
    told = service.what_if(walker, Question(), tried, include=("gaps", "area", "buildings"), each=(5, 15))
    assert told["against"] == before["totals"]
    assert told["totals"]["households_covered"] == before["totals"]["households_covered"] + gap["households"]
    assert {row["code"] for row in told["changed"]} == set(gap["grids"])
    assert gap["grids"] not in [f["properties"]["grids"] for f in told["gaps"]["features"]]
    assert [s["change"] for s in told["stations"] if s["change"]] == ["added"]
    assert len(told["area"]["features"]) == 2
    assert service.coverage(walker, Question()) == before


def test_moving_a_station_away_and_back_changes_nothing(walker: Walker) -> None:
    station = walker.town().today.stations[4]
    away = {"op": "move", "station": station.code, "lon": station.lon + 0.01, "lat": station.lat}
    back = {"op": "move", "station": station.code, "lon": station.lon, "lat": station.lat}
    told = service.what_if(walker, Question(), [away, back])
    assert told["totals"] == told["against"]
    assert told["changed"] == []


def test_a_closed_station_no_longer_counts(walker: Walker) -> None:
    told = service.what_if(walker, Question(), [{"op": "close", "station": "S001"}], by="station")
    row = next(station for station in told["stations"] if station["code"] == "S001")
    assert (row["active"], row["change"], row["households"]) == (False, "closed", 0)
    assert told["totals"]["households_covered"] < told["against"]["households_covered"]


def test_other_hours_of_a_station_count_where_hours_are_asked(walker: Walker) -> None:
    change = [{"op": "hours", "station": "S001", "opening_hours": "Mo-Sa 08:00-18:00"}]
    told = service.what_if(walker, Question(open_at="sunday"), change)
    assert not next(s for s in told["stations"] if s["code"] == "S001")["active"]


def test_a_street_can_be_closed_and_a_new_way_be_drawn(walker: Walker) -> None:
    gap = largest_gap(walker)
    house = service.route(walker, Question(), lon=gap["lon"], lat=gap["lat"])
    nearest = next(s for s in walker.town().today.stations if s.code == house["station"]["code"])
    link = {"op": "link", "path": [[gap["lon"], gap["lat"]], [nearest.lon, nearest.lat]]}
    told = service.what_if(walker, Question(), [link])
    assert told["totals"]["households_covered"] > told["against"]["households_covered"]
    network = walker.town().network
    seen = look(walker, Question())
    busy = int(np.bincount(seen.town.homes.attached.edge).argmax())
    street = int(network.edge_street[busy])
    shut = service.what_if(walker, Question(), [{"op": "close_street", "street": street}])
    assert shut["totals"]["buildings_covered"] <= shut["against"]["buildings_covered"]
    with pytest.raises(InputError, match="no walkable street"):
        service.what_if(walker, Question(), [{"op": "close_street", "street": 2**40}])


# --- what cannot be ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("minutes", [-1, 0, 300, 241, float("nan"), float("inf")])
def test_a_limit_that_makes_no_sense_is_refused_with_a_sentence(walker: Walker, minutes: float) -> None:
    with pytest.raises(InputError, match="at most 240"):
        service.coverage(walker, Question(minutes=minutes))


def test_four_hours_are_the_longest_walk(walker: Walker) -> None:
    assert service.coverage(walker, Question(minutes=240))["totals"]["share"] > 0.99


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"profile": "cyclist"}, "no walker"),
        ({"speed_kmh": 40}, "km/h"),
        ({"kinds": ("palace",)}, "kind of station"),
        ({"open_at": "someday"}, "cannot be read"),
    ],
)
def test_other_questions_that_make_no_sense_are_refused(walker: Walker, wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        service.coverage(walker, Question(**wrong))


def test_an_unknown_grouping_names_those_there_are(walker: Walker) -> None:
    with pytest.raises(InputError, match="level3"):
        service.coverage(walker, Question(), by="level9")


def test_a_station_far_from_every_street_is_said_to_cover_nobody(walker: Walker) -> None:
    west, south, _, _ = walker.town().bounds
    change = {"op": "add", "code": "X1", "name": "山上", "kind": "shop", "lon": west - 0.05, "lat": south - 0.05}
    told = service.what_if(walker, Question(), [change])
    row = next(station for station in told["stations"] if station["code"] == "X1")
    assert (row["attached"], row["households"]) == (False, 0)
    assert told["totals"] == told["against"]
    assert any("X1" in warning["en"] and "nobody can walk" in warning["en"] for warning in told["warnings"])


def test_a_station_in_the_river_is_said_to_cover_nobody(sample: SampleCounty, walker: Walker) -> None:
    rivers = sample.water[sample.water.geom_type.isin(["Polygon", "MultiPolygon"])].geometry
    middle = shapely.point_on_surface(rivers.iloc[int(np.argmax(shapely.area(rivers.to_numpy())))])
    change = {"op": "add", "code": "X1", "name": "河里", "kind": "shop", "lon": middle.x, "lat": middle.y}
    told = service.what_if(walker, Question(), [change])
    assert any("X1" in warning["en"] and "nobody can walk" in warning["en"] for warning in told["warnings"])
    assert told["totals"] == told["against"]


def test_a_station_on_the_other_side_of_the_world_is_a_mistake(walker: Walker) -> None:
    change = {"op": "add", "name": "反了", "kind": "shop", "lon": 36.4, "lat": 112.9}
    with pytest.raises(InputError) as caught:
        service.what_if(walker, Question(), [change])
    assert "order of longitude and latitude" in caught.value.problems[0]["message"]["en"]


def test_two_stations_on_one_spot_are_told_and_counted_once(walker: Walker) -> None:
    station = walker.town().today.stations[0]
    twin = {"op": "add", "code": "Z9", "name": "同点", "kind": "shop", "lon": station.lon, "lat": station.lat}
    told = service.what_if(walker, Question(), [twin])
    assert told["totals"] == told["against"]
    assert any("on one spot" in warning["en"] for warning in told["warnings"])
    rows = {s["code"]: s for s in told["stations"]}
    assert rows["Z9"]["load"] == 0
    assert rows["Z9"]["exclusive_households"] == rows[station.code]["exclusive_households"] == 0


def test_no_station_that_fits_covers_nobody_and_says_so(walker: Walker) -> None:
    told = service.coverage(walker, Question(services=("太空旅行",)))
    assert told["totals"]["households_covered"] == 0
    assert any("No station fits" in warning["en"] for warning in told["warnings"])
    assert service.gaps(walker, Question(services=("太空旅行",)))["features"][0]["properties"]["nearest"] is None
    area = service.area(walker, Question(services=("太空旅行",)))
    assert area["features"][0]["geometry"] is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"op": "explode"}, "no such change"),
        ({"op": "move", "station": "S001", "lon": 112.9}, "missing"),
        ({"op": "move", "station": "none", "lon": 112.9, "lat": 36.4}, "No station"),
        ({"op": "add", "name": "x", "kind": "palace", "lon": 112.9, "lat": 36.4}, "The kind is one of"),
        ({"op": "add", "code": "S001", "name": "x", "kind": "shop", "lon": 112.9, "lat": 36.4}, "already"),
        ({"op": "hours", "station": "S001", "opening_hours": "gibberish !"}, "cannot be read"),
        ({"op": "link", "path": [[112.9, 36.4]]}, "2 to"),
        ({"op": "link", "path": [[112.9, 36.4], [float("nan"), 36.4]]}, "finite"),
        ({"op": "close", "station": "S001", "lon": 1.0}, "no such item"),
    ],
)
def test_a_change_that_cannot_be_made_is_refused_with_its_number(
    walker: Walker, change: dict[str, Any], said: str
) -> None:
    fine = {"op": "close", "station": "S002"}
    with pytest.raises(InputError) as caught:
        service.what_if(walker, Question(), [fine, change])
    assert [problem["row"] for problem in caught.value.problems] == [2]
    assert said in caught.value.problems[0]["message"]["en"]


def test_a_station_that_a_change_closed_cannot_be_moved_by_the_next(walker: Walker) -> None:
    changes = [{"op": "close", "station": "S001"}, {"op": "move", "station": "S001", "lon": 112.9, "lat": 36.4}]
    with pytest.raises(InputError) as caught:
        service.what_if(walker, Question(), changes)
    assert "closed" in caught.value.problems[0]["message"]["en"]


def test_no_buildings_and_no_stations_give_zeros_and_say_so(place: Place, importer: Callable[..., Any]) -> None:
    for kind in ("areas", "streets"):
        importer(place, kind, getattr(town, kind)())
    empty = Walker(place)
    told = service.coverage(empty, Question())
    assert told["totals"]["households"] == 0
    assert told["totals"]["share"] is None
    assert told["rows"] == []
    said = " ".join(warning["en"] for warning in told["warnings"])
    assert "no buildings" in said
    assert "no stations" in said
    assert service.gaps(empty, Question())["features"] == []
    assert service.area(empty, Question())["features"][0]["geometry"] is None
    assert service.buildings(empty, Question())["id"] == []


def test_homes_that_have_no_cell_yet_are_gaps_by_their_footprints(place: Place, importer: Callable[..., Any]) -> None:
    for kind in ("areas", "streets", "buildings", "households", "stations"):
        importer(place, kind, getattr(town, kind)())
    found = service.gaps(Walker(place), Question(minutes=0.1))["features"]
    assert found
    for feature in found:
        gap = feature["properties"]
        assert shapely.contains_xy(shapely.from_geojson(json.dumps(feature["geometry"])), gap["lon"], gap["lat"])


# --- files ---------------------------------------------------------------------------------------------------------


def test_a_spreadsheet_holds_everything_and_no_formula(walker: Walker, tmp_path: Path) -> None:
    told = write_coverage(walker, Question(), tmp_path / "coverage.xlsx")
    book = load_workbook(tmp_path / "coverage.xlsx")
    assert book.sheetnames == ["总数", "分项", "站点", "空白", "半径圈", "楼栋"]
    assert book["楼栋"].max_row == told["buildings"] + 1 == 3001
    assert {cell.data_type for sheet in book for row in sheet.iter_rows() for cell in row} <= {"s", "n", "b"}


def test_text_that_looks_like_a_formula_stays_text(tmp_path: Path) -> None:
    import pandas as pd

    from gridmap.io.report import write_report

    write_report(tmp_path / "x.xlsx", {"t": pd.DataFrame({"a": ["=1+1", "+2", "@x", None, "\x07bell"]})}, main="t")
    cells = [cell.value for cell in load_workbook(tmp_path / "x.xlsx")["t"]["A"]]
    assert cells == ["a", "=1+1", "+2", "@x", None, "bell"]
    assert load_workbook(tmp_path / "x.xlsx")["t"]["A2"].data_type == "s"


def test_a_geopackage_has_a_layer_for_each_table_and_geojson_the_one_asked_for(walker: Walker, tmp_path: Path) -> None:
    told = write_coverage(walker, Question(), tmp_path / "coverage.gpkg")
    for layer in ("rows", "stations", "gaps", "buildings", "area"):
        assert len(gpd.read_file(tmp_path / "coverage.gpkg", layer=layer)) == told.get(layer, told["rows"])
    write_coverage(walker, Question(), tmp_path / "gaps.geojson", by="gap")
    assert len(gpd.read_file(tmp_path / "gaps.geojson")) == told["gaps"]
    with pytest.raises(InputError, match="written"):
        write_coverage(walker, Question(), tmp_path / "coverage.docx")
