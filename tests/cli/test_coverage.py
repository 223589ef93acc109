"""The planner's commands: coverage, siting, scenario."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from gridmap.settings import Settings
from gridmap.store.database import Place
from tests.conftest import copy_database, drop_database, leave
from tests.services import town

READING = [
    ["coverage"], ["coverage", "--by", "gap"], ["coverage", "--by", "station"], ["coverage", "--by", "level2"],
    ["coverage", "--by", "kind", "--minutes", "10", "--speed", "3"], ["coverage", "--tier", "1", "--open-at", "sunday"],
    ["coverage", "--profile", "elderly", "--floors"], ["coverage", "--out", "c.xlsx"], ["coverage", "--out", "c.gpkg"],
    ["siting", "--count", "1"], ["siting", "--share", "0.98"], ["siting", "--median", "--count", "2"],
    ["siting", "--candidates", "C001,C002", "--count", "1"], ["scenario", "list"],
]  # fmt: skip


@pytest.fixture
def own(run_settings: Settings, county_template: Place) -> Iterator[Place]:
    """A sample county of this test's own."""
    leave(county_template)
    made = copy_database(run_settings, county_template.name, "cli_own_county")
    yield made
    drop_database(run_settings, made)


@pytest.mark.parametrize("command", READING, ids=" ".join)
def test_reading_commands_answer_in_words_and_in_json(
    command: list[str], county: Place, quick: Callable[..., Any]
) -> None:
    words = quick(*command, "--database", county.name)
    assert words.exit_code == 0, words.output
    assert words.stdout.strip()
    done = quick(*command, "--database", county.name, "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout) is not None


def test_three_commands_find_the_largest_gap_try_a_station_there_and_show_the_change(
    own: Place, quick: Callable[..., Any]
) -> None:
    gaps = json.loads(quick("coverage", "--by", "gap", "--database", own.name, "--json").stdout)
    largest = gaps["features"][0]["properties"]
    words = quick("coverage", "--by", "gap", "--database", own.name).stdout
    assert f"{largest['households']} 户" in words
    tried = quick("scenario", "add", "试点", "--gap", "1", "--database", own.name, "--commit")
    assert tried.exit_code == 0, tried.output
    told = json.loads(quick("scenario", "compare", "试点", "--database", own.name, "--json").stdout)
    gained = told["scenario"]["households_covered"] - told["today"]["households_covered"]
    assert gained == largest["households"]
    assert f"+{gained}" in quick("scenario", "compare", "试点", "--database", own.name).stdout


def test_a_scenario_is_changed_only_with_commit_and_applied_only_with_commit(
    own: Place, quick: Callable[..., Any]
) -> None:
    def run(*words: str) -> Any:
        done = quick("scenario", *words, "--database", own.name)
        assert done.exit_code == 0, done.output
        return done.stdout

    def changes() -> list[dict[str, Any]]:
        return json.loads(run("show", "试", "--json"))["changes"]

    assert "--commit" in run("new", "试")
    assert json.loads(run("list", "--json")) == []
    run("new", "试", "--commit")
    assert "--commit" in run("close", "试", "S001")
    assert changes() == []
    run("close", "试", "S001", "--commit")
    run("move", "试", "S002", "112.905", "36.402", "--commit")
    run("hours", "试", "S003", "Mo-Fr 08:00-18:00", "--commit")
    run("add", "试", "112.91", "36.40", "--name", "新站", "--kind", "shop", "--hours", "24/7", "--commit")
    assert [change["op"] for change in changes()] == ["close", "move", "hours", "add"]
    before = json.loads(quick("coverage", "--database", own.name, "--json").stdout)
    assert "--commit" in run("apply", "试")
    assert json.loads(quick("coverage", "--database", own.name, "--json").stdout)["totals"] == before["totals"]
    run("apply", "试", "--commit")
    after = json.loads(quick("coverage", "--database", own.name, "--json").stdout)
    codes = {station["code"] for station in after["stations"]}
    assert "S001" not in codes
    assert "N001" in codes
    assert "--commit" in run("delete", "试")
    run("delete", "试", "--commit")
    assert json.loads(run("list", "--json")) == []


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["coverage", "--minutes", "-3"], "at most 240"),
        (["coverage", "--minutes", "300"], "at most 240"),
        (["coverage", "--kind", "palace"], "kind of station"),
        (["coverage", "--by", "street"], "no grouping"),
        (["coverage", "--scenario", "none"], "no scenario"),
        (["coverage", "--open-at", "someday"], "cannot be read"),
        (["coverage", "--out", "c.docx"], "cannot be written"),
        (["siting", "--count", "1000"], "1 to 500"),
        (["siting", "--share", "2"], "at most 1"),
        (["siting", "--share", "0.9", "--count", "2"], "does not go together"),
        (["siting", "--candidates", "C999"], "C999"),
        (["scenario", "add", "x"], "Give LON LAT"),
        (["scenario", "add", "x", "--gap", "99"], "no gap 99"),
        (["scenario", "close", "x", "none"], "没有这个编码的站点"),
        (["scenario", "compare", "none"], "no scenario"),
    ],
)
def test_what_cannot_be_done_is_a_sentence(
    command: list[str], said: str, county: Place, run: Callable[..., Any]
) -> None:
    done = run(*command, "--database", county.name)
    assert done.returncode == 1, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_proof_shows_a_result_and_is_kept_as_a_job(own: Place, quick: Callable[..., Any]) -> None:
    found = json.loads(quick("siting", "--count", "1", "--prove", "--database", own.name, "--json").stdout)
    assert found["proposal"]["proven"]
    listed = json.loads(quick("jobs", "list", "--database", own.name, "--json").stdout)
    assert listed[0]["kind"] == "siting"


def test_locating_tells_the_way_to_the_nearest_stations(county: Place, quick: Callable[..., Any]) -> None:
    done = quick("locate", "112.905", "36.402", "--path", "--database", county.name, "--json")
    stations = json.loads(done.stdout)["stations"]
    assert [station["basis"] for station in stations] == ["walk"] * 3
    assert stations[0]["path"]["type"] == "LineString"
    assert "步行" in quick("locate", "112.905", "36.402", "--database", county.name).stdout


def test_a_street_is_closed_and_two_points_are_linked_in_a_scenario(
    town_place: Place, quick: Callable[..., Any]
) -> None:
    def run(*words: str) -> Any:
        return quick("scenario", *words, "--database", town_place.name)

    x, y = (str(value) for value in town.at(300, 0))
    for words in (["close-street", "修路", x, y, "--commit"], ["close-street", "修路", x, y, "--whole", "--commit"]):
        done = run(*words)
        assert done.exit_code == 0, done.output
    one, other = town.at(300, 40), town.at(500, 40)
    ends = [str(value) for value in (*one, *other)]
    assert "--commit" in run("link", "修路", *ends).output
    assert run("link", "修路", *ends, "--commit").exit_code == 0
    piece, whole, link = json.loads(run("show", "修路", "--json").stdout)["changes"]
    assert (piece["op"], whole["op"], link["op"]) == ("close_street", "close_street", "link")
    assert piece["street"] == whole["street"]
    assert piece["lon"] == pytest.approx(float(x), abs=1e-5)
    assert "lon" not in whole
    assert link["path"] == [list(one), list(other)]
    again = run("close-street", "修路", "--street", str(piece["street"]), "--commit")
    assert again.exit_code == 0, again.output
    assert "LON LAT" in str(run("close-street", "修路").exception)
    assert "40 m" in str(run("close-street", "修路", *(str(value) for value in town.at(300, 100))).exception)
