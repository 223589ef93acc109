from __future__ import annotations

import datetime as dt
import doctest

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridmap.core import households
from gridmap.core.households import (
    HouseholdConstants,
    estimate_households,
    floor_areas,
    largest_remainder,
)
from gridmap.errors import InputError

DAY = dt.date(2025, 6, 30)


def building(source, estate=None, number=None, *, use="residential", storeys=6, area=300.0, **more):
    return {
        "source_id": source,
        "estate": estate,
        "number": number,
        "use": use,
        "storeys": storeys,
        "area_m2": area,
        **more,
    }


def count(households, source=None, estate=None, number=None, **more):
    row = {
        "building_source_id": source,
        "estate": estate,
        "number": number,
        "households": households,
        "people": None,
        "basis": "resident",
        "figure_date": DAY,
        "figure_source": "社区台账",
        "estimated": False,
    }
    return row | more


def frames(buildings, counts=()):
    return pd.DataFrame(buildings), pd.DataFrame(list(counts)) if counts else None


def rules(result):
    return [finding.rule for finding in result.findings]


def test_the_estimate_is_floor_area_times_net_factor_by_area_per_household():
    result = estimate_households(pd.DataFrame([building("a", storeys=6, area=300.0)]))
    row = result.figures.iloc[0]
    assert row["households"] == round(6 * 300 * 0.8 / 75)
    assert row["people"] == 50  # 19 × 2.62 = 49.78
    assert (row["basis"], row["estimated"], row["people_estimated"]) == ("resident", True, True)
    assert row["method"] == "floor_area"
    assert row["figure_date"] is None
    assert result.findings == ()


def test_only_dwellings_are_estimated_and_the_shop_floor_of_a_mixed_building_is_none():
    uses = ["residential", "mixed", "office", "shed", "school"]
    result = estimate_households(pd.DataFrame([building(u, use=u, storeys=3, area=750.0) for u in uses]))
    assert result.figures["households"].tolist() == [24, 16, 0, 0, 0]
    assert result.figures["people"].tolist()[2:] == [0, 0, 0]


def test_a_dwelling_has_at_least_one_household():
    hut = pd.DataFrame([building("a", storeys=1, area=30.0), building("b", use="mixed", storeys=1, area=30.0)])
    assert estimate_households(hut).figures["households"].tolist() == [1, 1]


def test_storeys_come_from_height_then_from_the_median_of_the_use_then_from_the_default():
    table = pd.DataFrame(
        [
            building("a", storeys=4),
            building("b", storeys=9),
            building("c", storeys=None, height_m=18.0),
            building("d", storeys=None),
            building("e", use="office", storeys=None),
            building("f", storeys=None, height_m=2.0),
        ]
    )
    floors = floor_areas(table)
    assert floors["storeys"].tolist() == [4, 9, 6, 5, 1, 1]
    assert floors["storeys_from"].tolist() == ["given", "given", "height", "median", "default", "height"]


def test_a_building_without_use_gets_no_households_and_that_is_said_unless_a_use_is_assumed():
    table = pd.DataFrame([building("a", use=None)])
    silent = estimate_households(table)
    assert silent.households == 0
    assert rules(silent) == ["building_use_unknown"]
    assumed = estimate_households(table, constants=HouseholdConstants(unknown_use="residential"))
    assert assumed.households == 19
    assert assumed.findings == ()


def test_missing_columns_and_no_buildings_are_fine():
    assert estimate_households(pd.DataFrame({"source_id": ["a"]})).households == 0
    empty = estimate_households(pd.DataFrame(columns=["source_id", "use"]))
    assert (empty.households, empty.people, len(empty.figures)) == (0, 0, 0)


def test_a_count_by_building_or_by_estate_and_number_overrides_the_estimate():
    table, counts = frames(
        [building("a", "和园", "1栋"), building("b", "和园", "2号楼"), building("c", "和园", "3栋")],
        [count(40, "a", people=101), count(33, estate="和园", number="二栋")],
    )
    result = estimate_households(table, counts)
    assert result.figures["households"].tolist() == [40, 33, 19]
    assert result.figures["people"].tolist()[:2] == [101, 86]
    assert result.figures["estimated"].tolist() == [False, False, True]
    assert result.figures["people_estimated"].tolist() == [False, True, True]
    assert result.figures["method"].tolist() == ["building", "number", "floor_area"]
    assert result.figures["figure_date"].tolist()[:2] == [DAY, DAY]
    assert result.figures["figure_source"].tolist()[0] == "社区台账"
    assert result.findings == ()


def test_a_row_that_says_that_it_is_an_estimate_stays_one():
    table, counts = frames([building("a")], [count(40, "a", people=100, estimated=True)])
    assert estimate_households(table, counts).figures["estimated"].tolist() == [True]


def test_an_estate_total_is_shared_by_floor_area_exactly_after_the_counted_ones():
    table, counts = frames(
        [
            building("a", "和园", "1栋", storeys=6, area=100.0),
            building("b", "和园", "2栋", storeys=6, area=100.0),
            building("c", "和园", "3栋", storeys=6, area=200.0),
            building("d", "和园", None, use="shed", area=50.0),
        ],
        [count(100, estate="和园", people=250), count(30, "a", people=80)],
    )
    result = estimate_households(table, counts)
    assert result.figures["households"].tolist() == [30, 23, 47, 0]
    assert result.figures["people"].tolist() == [80, 56, 114, 0]
    assert result.figures["estimated"].tolist() == [False, True, True, True]
    assert result.figures["method"].tolist()[1] == "estate_share"
    assert (result.households, result.people) == (100, 250)


def test_an_estate_total_goes_to_buildings_without_use_where_no_dwelling_is_known():
    table, counts = frames(
        [building("a", "和园", use=None), building("b", "和园", use=None)], [count(9, estate="和园")]
    )
    assert estimate_households(table, counts).figures["households"].tolist() == [5, 4]


def test_estates_are_known_by_their_other_names():
    table, counts = frames([building("a", "和园", "1栋")], [count(40, estate="老和园", number="1")])
    result = estimate_households(table, counts, aliases={"老和园": "和园"})
    assert result.figures["households"].tolist() == [40]


def test_the_preferred_basis_wins_and_bases_are_never_mixed_in_one_building():
    table, counts = frames(
        [building("a"), building("b")],
        [
            count(40, "a", people=100),
            count(50, "a", people=140, basis="registered"),
            count(60, "b", people=170, basis="registered"),
        ],
    )
    resident = estimate_households(table, counts).figures
    assert resident["households"].tolist() == [40, 60]
    assert resident["basis"].tolist() == ["resident", "registered"]
    registered = estimate_households(table, counts, prefer="registered").figures
    assert registered[["households", "people"]].to_numpy().tolist() == [[50, 140], [60, 170]]


def test_the_newest_row_counts_and_a_contradiction_is_a_finding():
    table, counts = frames(
        [building("a"), building("b")],
        [
            count(40, "a"),
            count(44, "a", figure_date=dt.date(2025, 9, 30)),
            count(41, "a", figure_date=dt.date(2025, 1, 1)),
            count(10, "b"),
            count(10, "b"),
            count(11, "b"),
        ],
    )
    result = estimate_households(table, counts)
    assert result.figures["households"].tolist() == [44, 10]
    assert rules(result) == ["household_rows_conflict"]
    assert result.findings[0].subject == "households row:6"


def test_rows_that_fit_nothing_or_several_are_findings():
    table, counts = frames(
        [building("a", "和园", "1栋"), building("b", "和园", "1号楼")],
        [
            count(5, "zzz"),
            count(6, estate="东升小区"),
            count(7, estate="和园", number="9栋"),
            count(8),
            count(9, estate="和园", number="1"),
        ],
    )
    result = estimate_households(table, counts)
    assert rules(result) == ["household_row_unmatched"] * 4 + ["household_row_ambiguous"]
    assert result.figures["estimated"].all()
    assert all(f.message.zh != f.message.en and f.repair for f in result.findings)


def test_a_row_with_an_unknown_id_is_matched_by_estate_and_number():
    table, counts = frames([building("a", "和园", "1栋")], [count(5, "zzz", "和园", "1栋")])
    assert estimate_households(table, counts).figures["households"].tolist() == [5]


def test_a_total_below_its_buildings_or_without_dwellings_is_a_finding():
    table, counts = frames(
        [building("a", "和园", "1栋"), building("b", "和园", "2栋"), building("c", "市场", "1", use="shed")],
        [count(30, estate="和园"), count(40, "a"), count(5, estate="市场")],
    )
    result = estimate_households(table, counts)
    assert rules(result) == ["estate_total_too_small", "estate_total_unshared"]
    assert result.figures["households"].tolist() == [40, 19, 0]


@pytest.mark.parametrize("bad", [{"households": -1}, {"households": None}, {"people": -3}, {"basis": "guess"}])
def test_rows_that_cannot_be_true_are_refused(bad):
    with pytest.raises(InputError) as caught:
        estimate_households(pd.DataFrame([building("a")]), pd.DataFrame([count(1, "a"), count(1, "a") | bad]))
    assert caught.value.problems == ({"row": 2},)


@pytest.mark.parametrize("bad", [{"net_factor": 0.0}, {"area_per_household_m2": -1.0}, {"default_storeys": 0}])
def test_constants_that_make_no_sense_are_refused(bad):
    with pytest.raises(InputError):
        HouseholdConstants(**bad)


@given(st.integers(0, 10**9), st.lists(st.floats(0, 1e12, allow_nan=False), min_size=1, max_size=40))
def test_shares_are_whole_and_their_sum_is_the_total(total, weights):
    shares = largest_remainder(total, weights)
    assert shares.sum() == total
    assert (shares >= 0).all()
    w = np.array(weights)
    exact = total * (w / w.max() / (w / w.max()).sum()) if w.max() > 0 else np.full(len(w), total / len(w))
    assert (np.abs(shares - exact) <= 1 + 1e-6).all()


@pytest.mark.parametrize(("total", "weights"), [(-1, [1.0]), (1, []), (1, [-1.0]), (1, [np.nan])])
def test_nothing_is_shared_that_cannot_be(total, weights):
    with pytest.raises(InputError):
        largest_remainder(total, weights)


@settings(max_examples=10)
@given(st.integers(0, 2000), st.integers(0, 5000), st.integers(0, 10_000))
def test_totals_of_an_estate_are_exact_whatever_the_buildings(total, people, seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 12))
    table = pd.DataFrame(
        [
            building(f"b{i}", "和园", str(i), storeys=int(rng.integers(1, 30)), area=float(rng.integers(60, 900)))
            for i in range(n)
        ]
    )
    counts = pd.DataFrame([count(total, estate="和园", people=people)])
    result = estimate_households(table, counts)
    assert (result.households, result.people) == (total, people)
    shuffled = table.sample(frac=1, random_state=seed)
    assert estimate_households(shuffled, counts).households == total


def test_the_index_of_the_buildings_is_kept():
    table = pd.DataFrame([building("a"), building("b")], index=[70, 3])
    assert estimate_households(table, pd.DataFrame([count(4, "b")])).figures["households"].to_dict() == {70: 19, 3: 4}


def test_the_examples_in_the_documentation_hold():
    assert doctest.testmod(households).failed == 0
