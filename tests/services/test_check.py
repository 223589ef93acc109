"""A check can be asked for everything that a finding can be called by."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gridmap.errors import InputError
from gridmap.services.check import NAMES, check
from gridmap.store.database import Place
from tests.services import town


def test_every_name_of_a_finding_can_be_asked_for(town_template: Place) -> None:
    everything = {name: check(town_template, names=(name,)) for name in NAMES}
    assert all(finding.rule == name for name, found in everything.items() for finding in found)
    assert len(everything["station_checks_incomplete"]) == len(town.stations())


def test_findings_kept_from_an_import_and_from_making_cells_can_be_asked_for_alone(
    town_place: Place, importer: Callable[..., Any]
) -> None:
    twin = town.lonlat(
        {"source_id": ["twin"], "use": [None], "storeys": [2], "estate": [None], "number": [None]},
        [town.house(0, 0, 0, width=24.0)],
    )
    importer(town_place, "buildings", twin)
    assert [f.rule for f in check(town_place, names=("outlines_overlap",))] == ["outlines_overlap"]
    assert [f.rule for f in check(town_place, names=("building_use_unknown",))] == ["building_use_unknown"]
    both = check(town_place, names=("outlines_overlap", "building_use_unknown"))
    assert {f.rule for f in both} == {"outlines_overlap", "building_use_unknown"}
    assert {f.rule for f in check(town_place)} >= {"outlines_overlap", "building_use_unknown"}


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("outline_overlap", "outlines_overlap"),
        ("households", "household_band"),
        ("stations", "station_in_water"),
        ("network", "network_island"),
        ("Codes", "codes"),
    ],
)
def test_a_mistyped_name_is_answered_with_the_near_ones(typed: str, meant: str, town_template: Place) -> None:
    with pytest.raises(InputError) as raised:
        check(town_template, names=("vacancy", typed))
    assert typed in raised.value.en
    assert meant in raised.value.en.split("near names are: ")[1]
    assert meant in raised.value.zh
    assert "vacancy" not in raised.value.en


def test_a_name_like_no_other_is_answered_with_all(town_template: Place) -> None:
    with pytest.raises(InputError) as raised:
        check(town_template, names=("xyzzy",))
    assert all(name in raised.value.en for name in NAMES)
