"""Commands that change data say what they would do, and do it with --commit."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gridmap.errors import Conflict, NotFound
from gridmap.services import jobs
from gridmap.settings import Settings
from gridmap.store.database import Place, database_names, engine_of, find_place
from tests.conftest import copy_database, drop_database, leave

AREA = {
    "type": "FeatureCollection",
    "features": [
        {
            "type": "Feature",
            "properties": {"source_id": "A1", "name": "东门社区", "level": "community", "code": "990101001001"},
            "geometry": {
                "type": "Polygon",
                "coordinates": [[[112.8, 36.3], [112.81, 36.3], [112.81, 36.31], [112.8, 36.31], [112.8, 36.3]]],
            },
        }
    ],
}


@pytest.fixture
def own(run_settings: Settings, county_template: Place) -> Iterator[Place]:
    """A copy of the county for one test."""
    leave(county_template)
    made = copy_database(run_settings, county_template.name, "cli_own")
    yield made
    drop_database(run_settings, made)


def fingerprint(place: Place) -> dict[str, Any]:
    """Return how many rows each table has, and the data versions."""
    with engine_of(place).connect() as connection:
        tables = connection.exec_driver_sql(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = 'gridmap' ORDER BY 1"
        ).scalars()
        counts: dict[str, Any] = {
            name: connection.exec_driver_sql(f'SELECT count(*) FROM gridmap."{name}"').scalar_one() for name in tables
        }
        rows = connection.exec_driver_sql("SELECT name, value FROM gridmap.version ORDER BY name").all()
        return counts | {"versions": [tuple(row) for row in rows]}


def test_without_commit_nothing_is_written(own: Place, quick: Callable[..., Any]) -> None:
    Path("areas.geojson").write_text(json.dumps(AREA), encoding="utf-8")
    before = fingerprint(own)
    for command in (
        ["import", "areas", "areas.geojson"], ["cells"], ["sample"], ["migrate"], ["db", "copy", "nowhere"],
        ["db", "restore", "copy.gridmap"],
    ):  # fmt: skip
        done = quick(*command, "--database", own.name)
        assert done.exit_code == 0, done.output
        assert fingerprint(own) == before, command
    assert "--commit" in quick("cells", "--database", own.name).output
    leave(own)
    assert "nowhere" not in quick("db", "status", "--database", own.name).output


def test_with_commit_it_is(own: Place, quick: Callable[..., Any]) -> None:
    Path("areas.geojson").write_text(json.dumps(AREA), encoding="utf-8")
    before = fingerprint(own)
    told = json.loads(quick("import", "areas", "areas.geojson", "--database", own.name, "--commit", "--json").stdout)
    assert told["committed"] is True
    assert fingerprint(own)["area"] == before["area"] + 1
    again = json.loads(quick("import", "areas", "areas.geojson", "--database", own.name, "--commit", "--json").stdout)
    assert again["layers"][0]["counts"]["same"] == 1


def test_the_sample_is_not_loaded_over_other_data(own: Place, quick: Callable[..., Any]) -> None:
    before = fingerprint(own)
    assert quick("sample", "--database", own.name, "--commit").exit_code == 0
    assert fingerprint(own) == before
    done = quick("sample", "--seed", "2", "--database", own.name, "--commit")
    assert done.exit_code == 1
    assert fingerprint(own) == before


def test_what_was_bad_is_said_row_by_row(own: Place, quick: Callable[..., Any]) -> None:
    bad = json.loads(json.dumps(AREA))
    bad["features"][0]["properties"]["level"] = "village group"
    Path("areas.geojson").write_text(json.dumps(bad), encoding="utf-8")
    before = fingerprint(own)
    told = json.loads(quick("import", "areas", "areas.geojson", "--database", own.name, "--json").stdout)
    assert told["layers"][0]["rejected"] == 1
    assert quick("import", "areas", "areas.geojson", "--database", own.name, "--commit").exit_code == 1
    assert fingerprint(own) | {"job": 0} == before | {"job": 0}


@pytest.mark.parametrize(
    "command",
    [
        "check", "serve --port 0", "import areas areas.geojson", "import areas areas.geojson --commit",
        "sample --commit", "cells --commit", "migrate --commit", "db copy another --commit", "db backup all.gridmap",
        "jobs list", "worker",
    ],
)  # fmt: skip
def test_a_mistyped_name_does_not_become_a_database(own: Place, quick: Callable[..., Any], command: str) -> None:
    Path("areas.geojson").write_text(json.dumps(AREA), encoding="utf-8")
    assert own.cluster is not None
    before = database_names(own.cluster)
    done = quick(*command.split(), "--database", "qingyann")
    assert done.exit_code == 1
    assert isinstance(done.exception, NotFound)
    assert own.name in done.exception.zh
    assert "gridmap db up --database qingyann" in done.exception.en
    assert database_names(own.cluster) == before


def test_the_usual_database_is_made_at_first_use_and_another_when_asked_for(
    run_settings: Settings, quick: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("areas.geojson").write_text(json.dumps(AREA), encoding="utf-8")
    monkeypatch.setenv("GRIDMAP_DATABASE", "first_use")
    Path("areas.txt").write_text("no areas", encoding="utf-8")
    usual, another = (find_place(run_settings, name) for name in ("first_use", "asked_for"))
    try:
        for command in (["check"], ["import", "areas", "nowhere.gpkg"], ["import", "areas", "areas.txt"]):
            assert quick(*command).exit_code == 1
        assert usual.cluster is not None
        assert usual.name not in database_names(usual.cluster)
        done = quick("import", "areas", "areas.geojson", "--commit", "--json")
        assert json.loads(done.stdout)["committed"] is True
        assert "first_use" in done.stderr
        assert "first_use" not in quick("db", "up").stderr
        made = quick("db", "up", "--database", "asked_for")
        assert (made.exit_code, "asked_for" in made.stderr) == (0, True)
        assert quick("import", "areas", "areas.geojson", "--database", "asked_for").exit_code == 0
    finally:
        for place in (usual, another):
            leave(place)
            drop_database(run_settings, place)


def test_jobs_are_cancelled_and_started_again_only_with_commit(place: Place, quick: Callable[..., Any]) -> None:
    number = str(jobs.submit(place, "cells", {}, who="test"))

    def told(*words: str) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(quick("jobs", *words, number, "--database", place.name, "--json").stdout)
        return answer

    assert "--commit" in quick("jobs", "cancel", number, "--database", place.name).output
    assert (told("cancel")["state"], told("cancel")["committed"]) == ("waiting", False)
    assert (told("cancel", "--commit")["state"], told("show")["state"]) == ("cancelled", "cancelled")
    assert told("cancel", "--commit")["committed"] is False
    assert "--commit" in quick("jobs", "restart", number, "--database", place.name).output
    assert (told("restart")["state"], told("restart")["committed"]) == ("cancelled", False)
    assert (told("restart", "--commit")["state"], told("show")["state"]) == ("waiting", "waiting")
    refused = quick("jobs", "restart", number, "--database", place.name)
    assert isinstance(refused.exception, Conflict)
