"""``gridmap settings`` as a planner types it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from gridmap.store.database import Place


def test_settings_are_listed_tried_and_written(town_place: Place, quick: Callable[..., Any]) -> None:
    here = ("--database", town_place.name)
    listed = quick("settings", "show", *here).stdout
    assert "household_target" in listed
    assert "300" in listed
    tried = quick("settings", "set", "household_target=200", "people_target=700", *here)
    assert tried.exit_code == 0, tried.output
    assert "household_target  300 → 200" in tried.stdout
    assert "--commit" in tried.stdout
    assert "household_target=200" not in quick("settings", "show", *here).stdout
    done = quick("settings", "set", "household_target=200", "--source", "县里的规定", "--commit", "--json", *here)
    assert json.loads(done.stdout)["changes"][0]["after"] == 200
    shown = json.loads(quick("settings", "show", "--json", *here).stdout)["settings"]
    one = next(s for s in shown if s["name"] == "household_target")
    assert (one["value"], one["given"], one["source"]["zh"]) == (200, True, "县里的规定")
    assert quick("settings", "set", "household_target=", "--commit", *here).exit_code == 0
    shown = json.loads(quick("settings", "show", "--json", *here).stdout)["settings"]
    assert not any(s["given"] for s in shown)


def test_a_pair_without_equals_is_refused(town_place: Place, quick: Callable[..., Any]) -> None:
    done = quick("settings", "set", "household_target", "--database", town_place.name)
    assert done.exit_code != 0
    assert "NAME=VALUE" in getattr(done.exception, "en", "")
