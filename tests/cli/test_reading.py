"""Commands that read: words for people, JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from gridmap.services.sample import telling_points
from gridmap.store.database import Place

READING = [
    ["db", "status"], ["db", "url"], ["db", "up"], ["migrate"], ["edition", "list"], ["edition", "show"],
    ["edition", "show", "--level", "2"], ["edition", "show", "--at", "2026-06-01"], ["check"], ["jobs", "list"],
    ["jobs", "show", "1"], ["jobs", "follow", "1"], ["edition", "export", "grids.geojson"], ["map", "map.html"],
    ["db", "backup", "copy.gridmap"],
]  # fmt: skip


@pytest.mark.parametrize("command", READING, ids=" ".join)
def test_reading_commands_answer_in_json(command: list[str], county: Place, quick: Callable[..., Any]) -> None:
    done = quick(*command, "--database", county.name, "--json")
    assert done.exit_code in ({0, 3} if command == ["check"] else {0}), done.output
    assert json.loads(done.stdout) is not None


def test_a_point_is_located_in_words_and_in_json(county: Place, quick: Callable[..., Any]) -> None:
    for name, lon, lat in telling_points(county):
        answer = json.loads(quick("locate", str(lon), str(lat), "--database", county.name, "--json").stdout)
        words = quick("locate", str(lon), str(lat), "--database", county.name).stdout
        expected = {
            "in a home": answer["building"] is not None,
            "beside a border": answer["near_boundary"] and len(answer["candidates"]) > 1,
            "beyond the county": answer["grid"] is None and answer["nearest"] is not None,
        }
        assert expected[name.en]
        assert (answer["grid"] or answer["nearest"])["code"] in words or answer["grid"] is None


def test_an_exported_edition_can_be_imported_again(county: Place, quick: Callable[..., Any]) -> None:
    assert quick("edition", "export", "grids.gpkg", "--database", county.name).exit_code == 0
    order = ["import", "grids", "grids.gpkg", "--edition", "again", "--from", "2027-01-01"]
    told = json.loads(quick(*order, "--database", county.name, "--json").stdout)
    assert told["committed"] is False
    assert told["layers"][0]["rejected"] == 0


@pytest.mark.parametrize("point", [("-73.98", "40.75"), ("-0.5", "-33.4"), ("151.2", "-33.87"), ("-.5", ".25")])
def test_negative_coordinates_are_no_options(point: tuple[str, str], county: Place, quick: Callable[..., Any]) -> None:
    done = quick("locate", *point, "--database", county.name, "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)["point"]
    assert (told["lon"], told["lat"]) == (float(point[0]), float(point[1]))


def test_an_unknown_option_is_still_called_so(quick: Callable[..., Any]) -> None:
    done = quick("locate", "112.9", "36.4", "--adress", "x")
    assert done.exit_code == 2
    assert "No such option: --adress" in done.output


def test_editions_begin_on_the_day_of_the_place(county: Place, quick: Callable[..., Any]) -> None:
    first, second = quick("edition", "list", "--database", county.name).stdout.splitlines()
    assert first.split()[1:3] == ["2025-09-01", "00:00"]
    assert second.split()[1:3] == ["2026-09-01", "00:00"]
