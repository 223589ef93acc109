from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from shapely.geometry import Point, Polygon

from gridmap.core.crs import metric_crs
from gridmap.core.network.graph import Reason
from gridmap.core.stations import (
    STATION_RULES,
    StationInputs,
    check_stations,
    eight_checks,
    station_checks_incomplete,
)
from gridmap.errors import InputError
from gridmap.model.kinds import EIGHT_CHECKS
from gridmap.sample import generate

EPSG = 4508  # CGCS2000 / Gauss-Kruger CM 111E
LON, LAT = 111.0, 36.0
METRE = 1 / 111_000


def stations(*places: tuple[float, float], **columns: list[object]) -> gpd.GeoDataFrame:
    """Place stations so many metres east and north of the centre."""
    points = [Point(LON + x * METRE, LAT + y * METRE) for x, y in places]
    codes = [f"S{n}" for n in range(1, len(places) + 1)]
    return gpd.GeoDataFrame(
        {"source_id": codes, "name": [f"站{n}" for n in range(1, len(places) + 1)], **columns},
        geometry=points,
        crs=4326,
    )


def found(inputs: StationInputs) -> list[tuple[str, str]]:
    return [(finding.rule, finding.subject) for finding in check_stations(inputs)]


def test_a_check_that_is_not_stated_is_not_counted_as_failed() -> None:
    frame = stations((0, 0), (500, 0), (0, 500))
    for check in EIGHT_CHECKS:
        frame[f"check_{check}"] = pd.array([True, False, None], dtype="boolean")
    frame["check_sign"] = pd.array([None, True, None], dtype="boolean")
    counts = eight_checks(frame)
    assert counts["score"].tolist() == [7, 1, 0]
    assert counts["failed"].tolist() == [0, 7, 0]
    assert counts["unknown"].tolist() == [1, 0, 8]
    assert counts["missing"].tolist() == ["", "code;facilities;mechanism;team;activities;services;guarantee", ""]
    assert (counts["score"] + counts["failed"] + counts["unknown"] == 8).all()


def test_columns_that_are_missing_are_eight_unknown_checks() -> None:
    assert eight_checks(stations((0, 0)))[["score", "unknown"]].to_numpy().tolist() == [[0, 8]]


def test_what_a_station_lacks_is_listed_but_is_not_a_finding_of_the_check() -> None:
    frame = stations((0, 0), check_sign=[False], check_code=[True])
    inputs = StationInputs(frame, EPSG)
    (listed,) = station_checks_incomplete(inputs)
    assert listed.severity == "info"
    assert "标识" in listed.message.zh
    assert "6 not stated" in listed.message.en
    assert found(inputs) == []


def test_a_station_that_meets_all_eight_checks_is_not_listed() -> None:
    frame = stations((0, 0), **{f"check_{check}": [True] for check in EIGHT_CHECKS})
    assert list(station_checks_incomplete(StationInputs(frame, EPSG))) == []


def test_hours_that_cannot_be_read_are_found_and_missing_ones_are_not() -> None:
    frame = stations((0, 0), (500, 0), (900, 0), (0, 900), opening_hours=["Mo-Fr 08:00-18:00", "常开", None, ""])
    assert found(StationInputs(frame, EPSG)) == [("station_hours_unreadable", "station:S2")]


def test_stations_within_a_metre_are_on_one_spot_and_told_once() -> None:
    frame = stations((0, 0), (0.5, 0), (1.2, 0), (100, 0))
    (finding,) = check_stations(StationInputs(frame, EPSG))
    assert finding.rule == "stations_on_one_spot"
    assert "站1、站2、站3" in finding.message.zh


def test_a_station_in_the_river_is_found_and_one_above_a_culvert_is_not() -> None:
    river = Polygon(
        [(LON - 10 * METRE, LAT - 10 * METRE), (LON + 10 * METRE, LAT - 10 * METRE), (LON, LAT + 10 * METRE)]
    )
    culvert = shapely.affinity.translate(river, xoff=500 * METRE)
    water = gpd.GeoDataFrame({"tunnel": [None, True]}, geometry=[river, culvert], crs=4326)
    frame = stations((0, 0), (500, 0), (900, 0))
    assert found(StationInputs(frame, EPSG, water=water)) == [("station_in_water", "station:S1")]


def test_a_station_off_the_network_says_how_far_the_next_street_is() -> None:
    reason = np.array([Reason.ATTACHED, Reason.TOO_FAR, Reason.BEHIND_BARRIER, Reason.TOO_FAR], dtype=np.uint8)
    nearest = np.array([5.0, 312.4, 40.0, np.inf])
    frame = stations((0, 0), (500, 0), (900, 0), (0, 900))
    far, cut, nowhere = check_stations(StationInputs(frame, EPSG, reason=reason, nearest_m=nearest))
    assert "312 m" in far.message.en
    assert "wall" in cut.message.en
    assert "no street" in nowhere.message.en
    assert {f.severity for f in (far, cut, nowhere)} == {"error"}


def test_no_stations_have_no_findings() -> None:
    water = gpd.GeoDataFrame({"tunnel": []}, geometry=[], crs=4326)
    assert check_stations(StationInputs(stations(), EPSG, water=water)) == []
    assert len(eight_checks(stations())) == 0


def test_an_unknown_rule_is_refused_with_the_names_that_there_are() -> None:
    with pytest.raises(InputError, match="station_in_water"):
        check_stations(StationInputs(stations((0, 0)), EPSG), ["station_on_fire"])
    assert list(STATION_RULES) == [
        "station_hours_unreadable",
        "stations_on_one_spot",
        "station_in_water",
        "station_off_network",
    ]


def test_the_stations_of_the_sample_county_have_no_findings() -> None:
    county = generate(buildings=600)
    epsg, _ = metric_crs(*county.areas.total_bounds)
    assert check_stations(StationInputs(county.stations, epsg, water=county.water)) == []
    assert eight_checks(county.stations)["score"].between(3, 8).all()
