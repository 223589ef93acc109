"""Scenarios are kept, compared, applied in one transaction; siting proposes; stations are edited."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import text

from gridmap.errors import Cancelled, Conflict, InputError, NotFound, Stale
from gridmap.model.text import Text
from gridmap.sample import generate
from gridmap.services import coverage, jobs, scenarios, siting, stations
from gridmap.services.kernels import keep_kernels_in
from gridmap.services.looking import Question
from gridmap.services.moments import opening_moment
from gridmap.services.siting import SitingOrder, propose
from gridmap.services.walking import Walker
from gridmap.settings import Settings
from gridmap.store.database import Place, engine_of
from tests.conftest import copy_database, drop_database, leave
from tests.services import town


def new_station(x: float, y: float, **more: Any) -> dict[str, Any]:
    lon, lat = town.at(x, y)
    return {"op": "add", "name": "新站", "kind": "shop", "lon": lon, "lat": lat, **more}


@pytest.fixture
def walker(town_place: Place) -> Walker:
    return Walker(town_place)


@pytest.fixture(scope="module")
def county(run_settings: Settings, county_template: Place) -> Iterator[Walker]:
    leave(county_template)
    made = copy_database(run_settings, county_template.name, "county_sited")
    yield Walker(made)
    drop_database(run_settings, made)


def log(place: Place) -> list[str]:
    with engine_of(place).connect() as connection:
        return list(connection.execute(text("SELECT what FROM gridmap.change_log ORDER BY id")).scalars())


def codes(place: Place) -> list[str]:
    with engine_of(place).connect() as connection:
        sql = "SELECT source_id FROM gridmap.station WHERE retired_at IS NULL ORDER BY 1"
        return list(connection.execute(text(sql)).scalars())


# --- scenarios -----------------------------------------------------------------------------------------------------


def test_a_scenario_counts_its_revisions_and_refuses_what_is_stale(walker: Walker) -> None:
    made = scenarios.create(walker, title="甲", changes=[], who="anna")
    assert (made.revision, made.owner, made.changes) == (1, "anna", [])
    row = scenarios.update(walker, made.id, title=None, changes=[new_station(300, 300)], who="anna", revision=1)
    assert (row.revision, row.title, row.changes[0]["code"]) == (2, "甲", "new-1")
    with pytest.raises(Stale):
        scenarios.update(walker, made.id, title="乙", changes=None, who="ben", revision=1)
    with pytest.raises(Stale):
        scenarios.delete(walker.place, made.id, who="ben", revision=1)
    assert scenarios.find(walker.place, made.id).title == "甲"


def test_titles_are_unique_and_not_empty(walker: Walker) -> None:
    scenarios.create(walker, title="甲", changes=[], who="x")
    other = scenarios.create(walker, title="乙", changes=[], who="x")
    with pytest.raises(Conflict, match="already"):
        scenarios.create(walker, title=" 甲 ", changes=[], who="x")
    with pytest.raises(Conflict):
        scenarios.update(walker, other.id, title="甲", changes=None, who="x")
    for title in ("", "  ", "长" * 121):
        with pytest.raises(InputError):
            scenarios.create(walker, title=title, changes=[], who="x")


def test_a_scenario_is_found_by_title_or_number(walker: Walker) -> None:
    made = scenarios.create(walker, title="甲", changes=[], who="x")
    assert scenarios.find_by_name(walker.place, "甲").id == made.id
    assert scenarios.find_by_name(walker.place, str(made.id)).id == made.id
    for name in ("丙", "4711", "9" * 30):
        with pytest.raises(NotFound):
            scenarios.find_by_name(walker.place, name)


def test_nothing_real_changes_until_a_scenario_is_applied_and_then_all_of_it(walker: Walker) -> None:
    question = Question(minutes=3)
    before = coverage.coverage(walker, question)
    lon, lat = town.at(500, 100)
    changes = [
        new_station(300, 300, opening_hours="Mo-Su 08:00-20:00", tier=2),
        {"op": "move", "station": "st1", "lon": lon, "lat": lat},
        {"op": "close", "station": "st2"},
        {"op": "hours", "station": "st1", "opening_hours": "24/7"},
    ]
    made = scenarios.create(walker, title="试", changes=changes, who="x")
    then = coverage.coverage(walker, Question(minutes=3, scenario=made.id))
    assert then["totals"]["households_covered"] != before["totals"]["households_covered"]
    compared = coverage.compare(walker, Question(minutes=3, scenario=made.id))
    assert (compared["today"], compared["scenario"]) == (before["totals"], then["totals"])
    difference = sum(row["difference"]["households_covered"] for row in compared["rows"])
    assert difference == then["totals"]["households_covered"] - before["totals"]["households_covered"]
    assert codes(walker.place) == ["st1", "st2"]
    assert coverage.coverage(walker, question)["totals"] == before["totals"]
    done = scenarios.apply(walker, made.id, who="x", revision=1)
    assert [one["op"] for one in done["applied"]] == ["add", "move", "close", "hours"]
    assert codes(walker.place) == ["N001", "st1"]
    walker.refresh()
    assert coverage.coverage(walker, question)["totals"] == then["totals"]
    assert stations.facts(walker.place, "st1")["opening_hours"] == "24/7"
    assert log(walker.place)[-2:] == ["scenario new", "scenario apply"]


def test_an_applied_scenario_is_what_is_real_and_cannot_change(walker: Walker) -> None:
    made = scenarios.create(walker, title="试", changes=[new_station(300, 300)], who="x")
    scenarios.apply(walker, made.id, who="x")
    walker.refresh()
    with pytest.raises(Conflict, match="was applied"):
        scenarios.apply(walker, made.id, who="x")
    with pytest.raises(Conflict, match="was applied"):
        scenarios.update(walker, made.id, title="x", changes=None, who="x")
    assert (
        coverage.compare(walker, Question(scenario=made.id))["today"]
        == (coverage.coverage(walker, Question(scenario=made.id))["totals"])
    )


def test_of_two_who_apply_at_once_one_is_told_that_it_is_done(walker: Walker) -> None:
    made = scenarios.create(walker, title="试", changes=[new_station(300, 300)], who="x")
    results: list[object] = []

    def go() -> None:
        try:
            results.append(scenarios.apply(walker, made.id, who="x"))
        except Conflict as error:
            results.append(error)

    threads = [threading.Thread(target=go) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(isinstance(result, dict) for result in results) == 1
    assert codes(walker.place) == ["N001", "st1", "st2"]


def test_a_scenario_that_no_longer_fits_writes_nothing(walker: Walker, importer: Callable[..., Any]) -> None:
    changes = [new_station(300, 300), {"op": "close", "station": "st2"}]
    made = scenarios.create(walker, title="试", changes=changes, who="x")
    importer(walker.place, "stations", town.stations().assign(removed=[False, True]))
    with pytest.raises(InputError) as caught:
        scenarios.apply(walker, made.id, who="x")
    assert caught.value.problems[0]["row"] == 2
    assert codes(walker.place) == ["st1"]


def test_changes_to_streets_stay_in_the_scenario(walker: Walker) -> None:
    link = {"op": "link", "path": [list(town.at(100, 100)), list(town.at(100, 200))]}
    made = scenarios.create(walker, title="路", changes=[link], who="x")
    done = scenarios.apply(walker, made.id, who="x")
    assert (done["applied"], [one["op"] for one in done["left_out"]]) == ([], ["link"])


# --- siting --------------------------------------------------------------------------------------------------------


def test_the_best_next_site_is_the_planted_one_and_proven(county: Walker) -> None:
    truth = generate(seed=1).truth
    found = propose(county, SitingOrder(count=1), prove=True)["proposal"]
    assert [site["code"] for site in found["sites"]] == [truth["best_next_site"]]
    assert found["proven"]
    assert found["gap"] == 0
    site = found["sites"][0]
    gaps = {f["properties"]["id"]: f["properties"] for f in coverage.gaps(county, Question())["features"]}
    assert sum(gaps[name]["households"] for name in site["closes_gaps"]) == site["gains"]


@pytest.mark.parametrize("method", ["max_cover", "set_cover", "p_median"])
@pytest.mark.parametrize("candidates", ["candidates", "public", "buildings"])
def test_what_a_proposal_promises_is_what_a_scenario_of_it_covers(
    county: Walker, method: siting.Method, candidates: str
) -> None:
    order = SitingOrder(method=method, candidates=candidates, count=2, target_share=0.985)
    found = propose(county, order)["proposal"]
    changes = [
        {"op": "add", "name": site["name"], "kind": "shop", "lon": site["lon"], "lat": site["lat"]}
        for site in found["sites"]
    ]
    told = coverage.what_if(county, Question(), changes)
    promised = found["households_covered"]
    # a building as candidate starts at its own door, a station on its spot is attached anew
    assert told["totals"]["households_covered"] == pytest.approx(promised, rel=0.002)


def test_more_sites_than_candidates_and_repeated_codes_are_told(county: Walker) -> None:
    order = SitingOrder(method="p_median", candidates=["C001", "B000001", "C001"], count=5)
    found = propose(county, order)["proposal"]
    assert len(found["sites"]) <= 2
    assert "2 candidates" in found["not_satisfied"][0]["en"]
    assert any("listed again" in note["en"] for note in found["notes"])


def test_an_unknown_candidate_is_named(county: Walker) -> None:
    with pytest.raises(NotFound, match="C999"):
        propose(county, SitingOrder(candidates=["C001", "C999"], count=1))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"method": "magic", "count": 1}, "no such method"),
        ({}, "count"),
        ({"count": 0}, "count"),
        ({"method": "set_cover"}, "target_share"),
        ({"method": "set_cover", "target_share": 1.5}, "target_share"),
        ({"count": 1, "objective": "money"}, "households or people"),
        ({"count": 1, "time_limit_s": 0}, "time limit"),
        ({"count": 1, "weights": {"x": -1.0}}, "Weights"),
        ({"count": 1, "candidates": "castles"}, "list of codes"),
        ({"count": 1, "capacity": -5.0}, "capacity"),
        ({"count": 1, "spacing_m": -5.0}, "spacing"),
    ],
)
def test_orders_that_make_no_sense_are_refused(county: Walker, wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        propose(county, SitingOrder(**wrong))


def test_weights_of_grids_pull_sites_to_them(county: Walker) -> None:
    rows = coverage.coverage(county, Question())["rows"]
    lost = sorted((row["households"] - row["households_covered"], row["code"]) for row in rows)
    heavy = {lost[-3][1]: 50.0}
    plain, pulled = (
        propose(county, SitingOrder(count=1, candidates="buildings", weights=weights))["proposal"]["sites"][0]
        for weights in ({}, heavy)
    )
    assert plain["code"] != pulled["code"]


def test_a_proof_is_a_job_that_can_be_repeated_and_cancelled(county: Walker) -> None:
    order = SitingOrder(count=2, candidates="public")
    view = jobs.run_here(county.place, "siting", order.as_input(), who="test")
    assert view.state == "done"
    assert view.result["proposal"] == propose(county, order, prove=True)["proposal"]
    assert SitingOrder.of(jobs.get(county.place, view.id).input) == order

    def stop(share: float, doing: Text, /) -> None:
        raise Cancelled("停", "stop")

    with pytest.raises(Cancelled):
        jobs.run_here(county.place, "siting", order.as_input(), who="test", progress=stop)


def test_a_solver_out_of_time_says_how_far_it_is_and_that_it_is_not_repeatable(county: Walker) -> None:
    order = SitingOrder(method="p_median", count=8, candidates="buildings", time_limit_s=1e-3)
    found = propose(county, order, prove=True)["proposal"]
    assert len(found["sites"]) == 8
    if not found["proven"]:
        assert not found["repeatable"]
        assert 0 < found["gap"] < 1


def test_siting_goes_on_from_what_is_tried(county: Walker) -> None:
    first = propose(county, SitingOrder(count=1))["proposal"]["sites"][0]
    change = {"op": "add", "name": "x", "kind": "shop", "lon": first["lon"], "lat": first["lat"]}
    second = propose(county, SitingOrder(count=1, changes=[change]))["proposal"]
    assert first["code"] not in [site["code"] for site in second["sites"]]


# --- stations ------------------------------------------------------------------------------------------------------


def test_facts_of_a_station_count_the_eight_checks(county: Walker) -> None:
    told = stations.facts(county.place, "S001")
    assert told["score"] == sum(told["checks"].values())
    assert told["checks_known"] == 8
    assert told["rooms"]


def test_a_station_is_edited_by_who_read_it(town_place: Place) -> None:
    told = stations.facts(town_place, "st1")
    tag = stations.tag_of(told)
    lon, lat = town.at(300, 100)
    changes = {
        "opening_hours": "Mo-Fr 08:00-18:00",
        "checks": {"sign": True},
        "tenure": "rented",
        "lon": lon,
        "lat": lat,
    }
    after = stations.edit(town_place, "st1", changes, who="anna", tag=tag)
    assert (after["opening_hours"], after["checks"]["sign"], after["score"]) == ("Mo-Fr 08:00-18:00", True, 1)
    assert (after["tenure"], after["lon"]) == ("rented", pytest.approx(lon))
    with pytest.raises(Stale):
        stations.edit(town_place, "st1", {"name": "别名"}, who="ben", tag=tag)
    assert log(town_place)[-1] == "station edit"


def test_a_moved_station_is_attached_anew(town_place: Place) -> None:
    walker = Walker(town_place)
    before = walker.town().today.attached
    lon, lat = town.at(700, 100)
    stations.edit(town_place, "st1", {"lon": lon, "lat": lat}, who="x")
    assert walker.refresh()
    after = walker.town().today.attached
    assert tuple(after.xy[0]) != tuple(before.xy[0])
    assert int(after.edge[0]) != int(before.edge[0])


@pytest.mark.parametrize(
    ("wrong", "column"),
    [
        ({"kind": "palace"}, "kind"),
        ({"kind": None}, "kind"),
        ({"tenure": "stolen"}, "tenure"),
        ({"name": "  "}, "name"),
        ({"opening_hours": "never ever"}, "opening_hours"),
        ({"checks": {"luck": True}}, "checks"),
        ({"lon": 36.4, "lat": 112.9}, "lon"),
        ({"lon": 112.9}, "lon"),
        ({"rooms": ["x"] * 101}, "rooms"),
        ({"address": "长" * 201}, "address"),
    ],
)
def test_facts_that_do_not_fit_are_refused_and_named(town_place: Place, wrong: dict[str, Any], column: str) -> None:
    before = stations.facts(town_place, "st1")
    with pytest.raises(InputError) as caught:
        stations.edit(town_place, "st1", wrong, who="x")
    assert [problem["column"] for problem in caught.value.problems] == [column]
    assert stations.facts(town_place, "st1") == before


def test_a_station_is_added_with_a_code_of_its_own(town_place: Place) -> None:
    lon, lat = town.at(300, 300)
    given = {"name": "新站", "kind": "shop", "lon": lon, "lat": lat}
    assert [stations.add(town_place, given, who="x")["code"] for _ in range(2)] == ["N001", "N002"]
    with pytest.raises(Conflict):
        stations.add(town_place, given | {"code": "N001"}, who="x")
    with pytest.raises(InputError) as caught:
        stations.add(town_place, {"name": "x"}, who="x")
    assert [problem["column"] for problem in caught.value.problems] == ["kind", "lon", "lat"]


# --- small things --------------------------------------------------------------------------------------------------


def test_moments_are_read_as_people_write_them() -> None:
    from datetime import UTC, datetime

    friday = datetime(2026, 11, 20, 15, 30, tzinfo=UTC)
    zone = "Asia/Shanghai"
    assert opening_moment("sunday", zone, now=friday).at.date().isoformat() == "2026-11-22"
    assert opening_moment("周五", zone, now=friday).at.date().isoformat() == "2026-11-20"
    assert opening_moment("20:00", zone, now=friday).at.isoformat() == "2026-11-20T20:00:00"
    assert opening_moment("2026-05-03T09:00+00:00", zone).at.isoformat() == "2026-05-03T17:00:00"
    assert opening_moment("2026-05-03T09:00 08:00", zone).at.isoformat() == "2026-05-03T09:00:00"
    for wrong in ("someday", "25:00", "周八", "", "2026-13-01"):
        with pytest.raises(InputError):
            opening_moment(wrong, zone)


def test_kernels_are_kept_in_the_data_folder(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.delitem(sys.modules, "numba", raising=False)
    assert keep_kernels_in(tmp_path / "data") == tmp_path / "data" / "numba"
    assert (tmp_path / "data" / "numba").stat().st_mode & 0o777 == 0o700
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "mine"))
    assert keep_kernels_in(tmp_path / "data") == tmp_path / "mine"


def test_changes_may_come_from_tables_of_numpy(town_place: Place) -> None:
    import numpy as np

    from gridmap.services.changes import key_of, read_changes
    from gridmap.services.walking import Walker

    lon, lat = town.at(300, 300)
    here = Walker(town_place).town()
    plain = {"op": "add", "name": "x", "kind": "shop", "lon": lon, "lat": lat, "tier": 1}
    given = plain | {"lon": np.float64(lon), "lat": np.array(lat), "tier": np.int64(1)}
    link = {"op": "link", "path": np.array([[lon, lat], [lon + 0.001, lat]])}
    (one, way), (same,) = read_changes([given, link], here), read_changes([plain], here)
    assert key_of([one]) == key_of([same])
    assert way.path == ((lon, lat), (lon + 0.001, lat))
