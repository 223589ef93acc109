"""Coverage over HTTP: the shapes that the map relies on, tags, and clear answers to what is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import shapely
from starlette.testclient import TestClient

from api.app import create_app
from gridmap.services import jobs
from gridmap.settings import Settings
from gridmap.store.database import Place
from tests.api.conftest import BASE, BEARER, TOKEN
from tests.conftest import copy_database, drop_database, leave


def _open(settings: Settings, place: Place) -> Iterator[TestClient]:
    app = create_app(settings.model_copy(update={"database": place.name}), place=place, token=TOKEN)
    with TestClient(app, base_url=BASE, headers=BEARER, follow_redirects=False) as opened:
        yield opened


@pytest.fixture(scope="module")
def county(run_settings: Settings, county_template: Place) -> Iterator[TestClient]:
    """A server on the sample county, for tests that change no station."""
    leave(county_template)
    place = copy_database(run_settings, county_template.name, "api_county")
    yield from _open(run_settings, place)
    drop_database(run_settings, place)


@pytest.fixture
def own_county(run_settings: Settings, county_template: Place) -> Iterator[TestClient]:
    """A server on a sample county of this test's own."""
    leave(county_template)
    place = copy_database(run_settings, county_template.name, "api_county_own")
    yield from _open(run_settings, place)
    drop_database(run_settings, place)


def get(client: TestClient, path: str, /, **query: Any) -> Any:
    answer = client.get(path, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_coverage_answers_in_the_shape_of_the_contract(county: TestClient) -> None:
    told = get(county, "/v1/coverage", minutes=15, by="grid")
    assert {"version", "settings", "totals", "rows", "stations", "circle", "warnings"} <= set(told)
    assert told["settings"] | {"minutes": 15.0, "profile": "default", "speed_kmh": 4.0} == told["settings"]
    assert set(told["totals"]) >= {
        "buildings", "buildings_covered", "households", "households_covered", "households_covered_low",
        "households_covered_high", "people", "people_covered", "area_m2", "area_covered_m2", "share", "unattached",
    }  # fmt: skip
    assert set(told["rows"][0]) >= {
        "code", "name", "households", "households_covered", "people", "people_covered", "buildings",
        "buildings_covered", "share", "stations", "nearest",
    }  # fmt: skip
    assert set(told["stations"][0]) >= {
        "code", "name", "kind", "tier", "services", "lon", "lat", "open", "active", "attached", "households", "people",
        "buildings", "exclusive_households", "load",
    }  # fmt: skip
    assert [row["radius_m"] for row in told["circle"]] == [300, 500, 1000]


def test_every_filter_narrows_the_stations(county: TestClient) -> None:
    def active(**query: Any) -> int:
        return sum(station["active"] for station in get(county, "/v1/coverage", **query)["stations"])

    everything = active()
    assert active(tier=1) == 17
    assert 0 < active(kind=["center"]) < active(kind=["center", "grid_station"]) < everything
    service = get(county, "/v1/coverage")["stations"][0]["services"][0]
    assert 0 < active(service=service) <= everything
    assert 0 < active(open_at="sunday") < everything


def test_areas_gaps_buildings_and_ways_answer_in_the_shape_of_the_contract(county: TestClient) -> None:
    area = get(county, "/v1/coverage/area", each="5,10,15")
    assert [f["properties"]["minutes"] for f in area["features"]] == [5, 10, 15]
    assert set(area["features"][0]["properties"]["error"]) >= {"false_in", "false_out", "share"}
    found = get(county, "/v1/coverage/gaps")
    gap = found["features"][0]["properties"]
    assert set(gap) >= {"id", "rank", "households", "people", "buildings", "grids", "nearest", "lon", "lat"}
    assert set(gap["nearest"]) == {"code", "name", "seconds", "walk_m", "straight_m"}
    assert set(found["unattached"][0]) >= {"building", "label", "households", "nearest_m", "lon", "lat"}
    columns = get(county, "/v1/coverage/buildings")
    assert len(columns["id"]) == len(columns["seconds"]) == len(columns["station"]) == 3000
    way = get(county, "/v1/coverage/route", lon=gap["lon"], lat=gap["lat"])
    assert way["station"]["code"] in columns["stations"]
    assert way["path"]["type"] == "LineString"
    assert get(county, "/v1/coverage/route", building=columns["id"][0])["building"]["id"] == columns["id"][0]
    feature = get(county, "/v1/stations/S001/area")
    assert feature["geometry"]["type"] in {"Polygon", "MultiPolygon"}
    assert feature["properties"]["error"]["share"] < 0.05


def test_a_drawing_that_is_known_is_not_sent_again(county: TestClient) -> None:
    first = county.get("/v1/coverage/gaps")
    again = county.get("/v1/coverage/gaps", headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304


@pytest.mark.parametrize(
    "query",
    [
        "minutes=-3", "minutes=0", "minutes=300", "minutes=NaN", "minutes=soon", "profile=cyclist", "speed_kmh=99",
        "kind=palace", "tier=0", "open_at=someday", "scenario=0", "by=street", "colour=red", "each=5",
    ],
)  # fmt: skip
def test_questions_that_make_no_sense_are_422_in_both_languages(county: TestClient, query: str) -> None:
    answer = county.get(f"/v1/coverage?{query}")
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail_zh"] != answer.json()["detail_en"]


def test_places_that_are_not_there_are_404(county: TestClient) -> None:
    for path in ("/v1/stations/none", "/v1/stations/none/area", "/v1/scenarios/4711", "/v1/coverage?scenario=4711"):
        assert county.get(path).status_code == 404, path
    assert county.get("/v1/coverage/route", params={"building": 10**12}).status_code == 404
    assert county.get("/v1/coverage/route").status_code == 422
    assert county.get("/v1/coverage/area", params={"each": "5,500"}).status_code == 422


def test_changes_are_tried_and_nothing_is_kept(county: TestClient) -> None:
    gap = get(county, "/v1/coverage/gaps")["features"][0]["properties"]
    change = {"op": "add", "code": "try-1", "name": "试点", "kind": "shop", "lon": gap["lon"], "lat": gap["lat"]}
    body = {"minutes": 15, "by": "grid", "changes": [change], "include": ["area", "gaps", "buildings"], "each": [5, 15]}
    answer = county.post("/v1/coverage/what-if", json=body)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert told["totals"]["households_covered"] - told["against"]["households_covered"] == gap["households"]
    assert {row["code"] for row in told["changed"]} == set(gap["grids"])
    assert set(told) >= {"area", "gaps", "buildings"}
    way = county.post("/v1/coverage/route", json={"lon": gap["lon"], "lat": gap["lat"], "changes": [change]})
    assert way.json()["station"]["code"] == "try-1"
    assert "try-1" not in [station["code"] for station in get(county, "/v1/coverage")["stations"]]


@pytest.mark.parametrize(
    "change",
    [
        {"op": "explode"},
        {"op": "move", "station": "S001"},
        {"op": "move", "station": "none", "lon": 112.9, "lat": 36.4},
        {"op": "add", "name": "x", "kind": "palace", "lon": 112.9, "lat": 36.4},
        {"op": "add", "name": "x", "kind": "shop", "lon": 36.4, "lat": 80},
        {"op": "hours", "station": "S001", "opening_hours": "gibberish !"},
        {"op": "link", "path": [[112.9, 36.4]]},
        {"op": "close", "station": "S001", "colour": "red"},
    ],
)
def test_changes_that_cannot_be_made_are_422_with_the_place(county: TestClient, change: dict[str, Any]) -> None:
    answer = county.post("/v1/coverage/what-if", json={"changes": [change]})
    assert answer.status_code == 422
    assert answer.json()["errors"]


def test_scenarios_are_kept_with_tags_and_compared(county: TestClient) -> None:
    gap = get(county, "/v1/coverage/gaps")["features"][0]["properties"]
    change = {"op": "add", "name": "试点", "kind": "shop", "lon": gap["lon"], "lat": gap["lat"]}
    made = county.post("/v1/scenarios", json={"title": "网上方案", "changes": []})
    assert made.status_code == 201
    url = made.headers["location"]
    assert county.get(url).headers["etag"] == made.headers["etag"] == '"1"'
    assert county.put(url, json={"changes": [change]}).status_code == 428
    assert county.put(url, json={"changes": [change]}, headers={"If-Match": '"7"'}).status_code == 412
    assert county.put(url, json={"changes": [change]}, headers={"If-Match": "*"}).status_code == 412
    put = county.put(url, json={"changes": [change]}, headers={"If-Match": '"1"'})
    assert (put.status_code, put.json()["revision"], put.headers["etag"]) == (200, 2, '"2"')
    assert county.post("/v1/scenarios", json={"title": "网上方案"}).status_code == 409
    assert [row["title"] for row in get(county, "/v1/scenarios")["scenarios"]] == ["网上方案"]
    told = get(county, f"{url}/compare", by="grid")
    gained = told["scenario"]["households_covered"] - told["today"]["households_covered"]
    assert gained == gap["households"] == sum(row["difference"]["households_covered"] for row in told["rows"])
    number = made.json()["id"]
    assert get(county, "/v1/coverage", scenario=number)["totals"] == told["scenario"]
    assert county.delete(url).status_code == 428
    assert county.delete(url, headers={"If-Match": '"2"'}).status_code == 204
    assert county.get(url).status_code == 404


def test_an_applied_scenario_is_real_for_everybody(own_county: TestClient) -> None:
    gap = get(own_county, "/v1/coverage/gaps")["features"][0]["properties"]
    change = {"op": "add", "name": "试点", "kind": "shop", "lon": gap["lon"], "lat": gap["lat"]}
    made = own_county.post("/v1/scenarios", json={"title": "落地", "changes": [change]})
    url, tag = made.headers["location"], made.headers["etag"]
    assert own_county.post(f"{url}/apply", json={}).status_code == 428
    done = own_county.post(f"{url}/apply", json={}, headers={"If-Match": tag})
    assert done.status_code == 200
    assert done.json()["applied"][0]["code"] == "N001"
    own_county.app.state.here.walker.refresh()
    assert get(own_county, "/v1/stations/N001")["name"] == "试点"
    assert "N001" in [s["code"] for s in get(own_county, "/v1/coverage")["stations"]]
    again = own_county.post(f"{url}/apply", json={}, headers={"If-Match": done.headers["etag"]})
    assert again.status_code == 409


def test_stations_are_added_and_edited_by_those_who_read_them(own_county: TestClient) -> None:
    at = {"lon": 112.9050001, "lat": 36.4020001}
    made = own_county.post("/v1/stations", json={"name": "新站", "kind": "shop", **at, "opening_hours": "24/7"})
    assert made.status_code == 201
    url, tag = made.headers["location"], made.headers["etag"]
    assert own_county.patch(url, json={"tier": 2}).status_code == 428
    edited = own_county.patch(url, json={"tier": 2, "checks": {"sign": True}}, headers={"If-Match": tag})
    assert (edited.json()["tier"], edited.json()["score"]) == (2, 1)
    assert own_county.patch(url, json={"tier": 1}, headers={"If-Match": tag}).status_code == 412
    assert own_county.get(url).headers["etag"] == edited.headers["etag"] != tag
    wrong = own_county.patch(url, json={"opening_hours": "?!"}, headers={"If-Match": edited.headers["etag"]})
    assert (wrong.status_code, wrong.json()["errors"][0]["column"]) == (422, "opening_hours")
    assert own_county.post("/v1/stations", json={"name": "x"}).status_code == 422


def test_a_gate_is_added_at_the_wall_only(own_county: TestClient) -> None:
    town = own_county.app.state.here.walker.town()
    here = town.around.surroundings()
    lon, lat = town.lonlat(shapely.get_coordinates(here.enclosures.polygons[0])[:1])[0].tolist()
    number = int(here.estate_ids[0])
    added = own_county.post(f"/v1/estates/{number}/gates", json={"lon": lon, "lat": lat})
    assert added.status_code == 201
    assert own_county.post(f"/v1/estates/{number}/gates", json={"lon": lon + 1, "lat": lat}).status_code == 422
    assert own_county.post("/v1/estates/999999/gates", json={"lon": lon, "lat": lat}).status_code == 404


def test_sites_are_proposed_at_once_and_proven_by_a_job(county: TestClient) -> None:
    answer = county.post("/v1/siting", json={"method": "max_cover", "count": 1, "candidates": "candidates"})
    assert answer.status_code == 200, answer.text
    proposal = answer.json()["proposal"]
    assert set(proposal) >= {
        "method", "sites", "covered", "share", "bound", "gap", "proven", "repeatable", "not_satisfied",
    }  # fmt: skip
    assert set(proposal["sites"][0]) >= {
        "rank", "code", "name", "lon", "lat", "gains", "gains_people", "takes_from", "closes_gaps",
    }  # fmt: skip
    proven = county.post("/v1/siting", json={"method": "max_cover", "count": 1, "prove": True, "minutes": 14})
    assert proven.status_code == 202
    assert proven.headers["location"] == f"/v1/jobs/{proven.json()['job']['id']}"
    assert proven.json()["proposal"]["sites"]
    here = county.app.state.here
    view = jobs.get(here.place, proven.json()["job"]["id"])
    done = jobs.run_here(here.place, "siting", view.input, who="test")
    assert done.result["proposal"]["proven"]


@pytest.mark.parametrize(
    "order",
    [
        {"method": "max_cover"},
        {"method": "set_cover"},
        {"method": "max_cover", "count": 0},
        {"method": "set_cover", "target_share": 2},
        {"method": "magic", "count": 1},
        {"count": 1, "candidates": "castles"},
        {"count": 1, "candidates": []},
        {"count": 1, "spacing_m": -1},
        {"count": 1, "minutes": 300},
    ],
)
def test_orders_for_sites_that_make_no_sense_are_422(county: TestClient, order: dict[str, Any]) -> None:
    assert county.post("/v1/siting", json=order).status_code == 422


def test_locating_gives_stations_by_walking_time_with_the_way(county: TestClient) -> None:
    county.app.state.here.walker.town()
    gap = get(county, "/v1/coverage/gaps")["features"][0]["properties"]
    told = get(county, "/v1/locate", lon=gap["lon"], lat=gap["lat"], path=True)
    assert [station["basis"] for station in told["stations"]] == ["walk"] * 3
    seconds = [station["walk_s"] for station in told["stations"]]
    assert seconds == sorted(seconds)
    assert told["stations"][0]["walk_m"] > told["stations"][0]["distance_m"]
    assert told["stations"][0]["path"]["type"] == "LineString"
    way = get(county, "/v1/coverage/route", lon=gap["lon"], lat=gap["lat"])
    assert way["station"]["code"] == told["stations"][0]["code"]
    assert way["seconds"] == pytest.approx(seconds[0], abs=0.11)
    plain = get(county, "/v1/locate", lon=gap["lon"], lat=gap["lat"], walk=False)
    assert {station["basis"] for station in plain["stations"]} == {"straight"}


def test_an_empty_database_says_what_to_do(client: TestClient) -> None:
    answer = client.get("/v1/coverage")
    assert answer.status_code == 503
    assert "Import" in answer.json()["detail_en"]


def test_what_a_click_means_is_answered_streets_gates_and_hours(county: TestClient) -> None:
    gap = get(county, "/v1/coverage/gaps", minutes=10)["features"][0]["properties"]
    near = get(county, "/v1/streets/near", lon=gap["lon"], lat=gap["lat"], within_m=300)
    assert near["street"]["path"]["type"] == "MultiLineString"
    assert 0 < near["distance_m"] <= 300
    assert near["piece"]["length_m"] <= near["street"]["length_m"] + 0.1
    street = get(county, f"/v1/streets/{near['street']['id']}")
    assert street == near["street"]
    assert county.get("/v1/streets/999999999").status_code == 404
    assert (
        county.get("/v1/streets/near", params={"lon": gap["lon"], "lat": gap["lat"], "within_m": 0}).status_code == 422
    )
    assert get(county, "/v1/estates", gate="assumed")["features"] == [], "the sample knows all of its gates"
    known = get(county, "/v1/estates")["features"]
    assert known
    assert all(one["properties"]["gates"] for one in known)
    told = get(county, "/v1/opening-hours", text="周一至周五 8:30-17:30")
    assert told["normal"] == "Mo-Fr 08:30-17:30"
    assert county.get("/v1/opening-hours", params={"text": "Mo-Xx"}).status_code == 422
