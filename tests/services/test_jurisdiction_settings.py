"""What a jurisdiction sets for itself is checked, tried before it is written, and followed by all that reads it."""

from __future__ import annotations

import doctest
from collections.abc import Callable
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

import pytest
import shapely
from sqlalchemy import text

from gridmap.core.households import HouseholdConstants
from gridmap.core.plans.context import Targets
from gridmap.errors import InputError, Stale
from gridmap.model import jurisdiction_settings as model
from gridmap.model.jurisdiction_settings import SETTINGS
from gridmap.services import editions
from gridmap.services.check import check
from gridmap.services.jurisdiction_settings import change, show, tag_of
from gridmap.services.locate import Locator
from gridmap.services.planland import load_land
from gridmap.settings import Settings
from gridmap.store.database import Place, engine_of
from tests.services import town


def value(place: Place, name: str) -> Any:
    return next(one["value"] for one in show(place)["settings"] if one["name"] == name)


def put(place: Place, **values: Any) -> dict[str, Any]:
    return change(place, {k.replace("__", "."): v for k, v in values.items()}, who="test", commit=True)


def log(place: Place) -> list[Any]:
    with engine_of(place).connect() as connection:
        return list(connection.execute(text("SELECT who, detail FROM gridmap.change_log WHERE what = 'settings'")))


def with_uncounted(place: Place, importer: Callable[..., Any]) -> None:
    """Add a house of 12 storeys, 30 × 14 m, that nobody counted."""
    table = {"source_id": ["new"], "use": ["residential"], "storeys": [12], "estate": [None], "number": [None]}
    importer(
        place, "buildings", town.lonlat(table, [shapely.box(town.X0 + 30, town.Y0 + 80, town.X0 + 60, town.Y0 + 94)])
    )


def test_every_default_is_that_of_the_code() -> None:
    constants, targets = HouseholdConstants(), Targets()
    for field in fields(constants):
        assert SETTINGS[f"households.{field.name}"].default == getattr(constants, field.name)
    assert SETTINGS["household_target"].default == targets.households == editions.HOUSEHOLD_TARGET
    assert SETTINGS["household_tolerance"].default == targets.tolerance == editions.HOUSEHOLD_TOLERANCE
    assert SETTINGS["people_target"].default == targets.people
    assert {name for name in SETTINGS if name.startswith("households.")} == {
        f"households.{field.name}" for field in fields(constants)
    }
    assert doctest.testmod(model).failed == 0


def test_a_dry_run_tells_before_and_after_and_writes_nothing(town_place: Place, importer: Callable[..., Any]) -> None:
    with_uncounted(town_place, importer)
    before = show(town_place)
    told = change(town_place, {"households.area_per_household_m2": "150"}, who="test", commit=False)
    assert told["committed"] is False
    assert told["changes"] == [
        {"name": "households.area_per_household_m2", "before": 75.0, "after": 150.0, "unit": "m²"}
    ]
    estimated = told["effects"]["households_estimated"]
    assert estimated["before"] == 54  # 12 × 420 m² × 0.8 / 75 m²
    assert estimated["after"] == 27
    assert told["effects"]["buildings"] == 1
    assert show(town_place) == before
    assert log(town_place) == []


def test_what_is_written_moves_estimates_and_totals_and_is_noted_with_its_source(
    town_place: Place, importer: Callable[..., Any]
) -> None:
    with_uncounted(town_place, importer)
    households = editions.grid_facts(town_place, town.code(0, 0))["grid"]["households"]
    given = {"households.area_per_household_m2": 150}
    told = change(town_place, given, who="somebody", commit=True, source="县年鉴 2025")
    assert told["committed"] is True
    assert editions.grid_facts(town_place, town.code(0, 0))["grid"]["households"] == households - 27
    one = next(s for s in show(town_place)["settings"] if s["name"] == "households.area_per_household_m2")
    assert (one["value"], one["given"], one["source"]["zh"]) == (150.0, True, "县年鉴 2025")
    assert [who for who, _ in log(town_place)] == ["somebody"]
    put(town_place, households__area_per_household_m2=None)
    one = next(s for s in show(town_place)["settings"] if s["name"] == "households.area_per_household_m2")
    assert (one["value"], one["given"]) == (75.0, False)
    assert editions.grid_facts(town_place, town.code(0, 0))["grid"]["households"] == households


def test_checks_plans_and_the_page_follow_the_sizes(town_place: Place) -> None:
    assert check(town_place, names=("household_band",)) == []
    put(town_place, household_target="200", household_tolerance="0.2", people_target=700)
    assert len(check(town_place, names=("household_band",))) == 8
    assert editions.jurisdiction(town_place)["household_target"] == 200
    with engine_of(town_place).connect() as connection:
        targets = load_land(connection, (0, 0)).context.targets
    assert targets == Targets(households=200, tolerance=0.2, people=700)


def test_points_are_flagged_by_the_distance_that_is_set(town_place: Place, run_settings: Settings) -> None:
    locator = Locator(town_place, near_boundary_m=run_settings.near_boundary_m)
    point = town.at(190, 20)  # 10 m from the border
    assert locator.locate(*point)["near_boundary"]
    put(town_place, near_boundary_m=5)
    assert locator.refresh()
    assert not locator.locate(*point)["near_boundary"]


def test_a_day_begins_in_the_time_zone_that_is_set(town_place: Place, importer: Callable[..., Any]) -> None:
    importer(town_place, "people", town.people().assign(from_date="2025-07-01"))
    evening = datetime(2025, 6, 30, 17, tzinfo=UTC)
    assert Locator(town_place).locate(*town.at(245, 47), at=evening)["duties"]
    put(town_place, time_zone="Europe/Berlin")
    assert value(town_place, "time_zone") == "Europe/Berlin"
    assert not Locator(town_place).locate(*town.at(245, 47), at=evening)["duties"]
    assert editions.jurisdiction(town_place)["time_zone"] == "Europe/Berlin"


@pytest.mark.parametrize(
    ("name", "raw", "says"),
    [
        ("household_target", "0", "at least 1"),
        ("household_target", "-300", "at least 1"),
        ("household_target", "300.5", "a whole number"),
        ("household_target", "many", "a whole number"),
        ("household_target", True, "a whole number"),
        ("household_tolerance", "0", "above 0"),
        ("household_tolerance", "1", "below 1"),
        ("household_tolerance", "nan", "a number"),
        ("people_target", 0, "at least 1"),
        ("near_boundary_m", -1, "at least 0"),
        ("time_zone", "Asia/Shangai", "Asia/Shanghai"),
        ("time_zone", "Peking", "time zone"),
        ("time_zone", 8, "time zone"),
        ("households.net_factor", "0", "above 0"),
        ("households.net_factor", "1.2", "at most 1"),
        ("households.inhabited_uses", "residential,castle", "residential, mixed"),
        ("households.unknown_use", ["residential", "mixed"], "one of"),
        ("household_targets", "300", "household_target"),
        ("net_factor", "0.7", "households.net_factor"),
    ],
)
def test_what_does_not_fit_is_refused_with_a_sentence(name: str, raw: Any, says: str, town_template: Place) -> None:
    with pytest.raises(InputError) as raised:
        change(town_template, {name: raw}, who="test", commit=True)
    assert says in raised.value.en
    assert raised.value.zh


def test_all_complaints_come_at_once_and_nothing_is_written(town_place: Place) -> None:
    before = show(town_place)
    given = {"household_target": 0, "time_zone": "Nowhere/City", "people_target": 900, "x": 1}
    with pytest.raises(InputError) as raised:
        change(town_place, given, who="test", commit=True)
    assert [p["column"] for p in raised.value.problems] == ["household_target", "time_zone", "x"]
    assert show(town_place) == before


def test_who_changed_it_meanwhile_is_not_overwritten(town_place: Place) -> None:
    tag = tag_of(show(town_place))
    put(town_place, household_target=280)
    with pytest.raises(Stale):
        change(town_place, {"household_target": 320}, who="test", commit=True, tag=tag)
    assert value(town_place, "household_target") == 280
    told = change(town_place, {"household_target": 280}, who="test", commit=True, tag=tag_of(show(town_place)))
    assert told["changes"] == []
