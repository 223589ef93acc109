"""Households, people, buildings and land covered: counted once, by every grouping, with the range of estimates."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridmap.core.grids import figures_of_cells
from gridmap.core.reach import (
    EstimateRange,
    Nearest,
    Pairs,
    by_kind,
    by_station,
    circles,
    demand_of,
    figures,
    figures_by,
    gap_areas,
)
from gridmap.errors import InputError

LIMIT_S = 900.0
SEEDS = st.integers(0, 10_000)


def tables(seed: int):
    """Return cells, hung outlines and buildings: parts, duplicates, sheds and open land."""
    rng = np.random.default_rng(seed)
    b = int(rng.integers(1, 30))
    buildings = pd.DataFrame(
        {
            "id": rng.permutation(b) + 100,
            "households": pd.array(rng.integers(0, 40, b), dtype="Int64"),
            "people": pd.array(rng.integers(0, 100, b), dtype="Int64"),
            "estimated": pd.array(rng.random(b) < 0.5, dtype="boolean"),
        }
    )
    buildings.loc[rng.random(b) < 0.1, ["households", "people", "estimated"]] = pd.NA
    of = rng.integers(0, b, int(rng.integers(1, 60)))
    cells = pd.DataFrame({"building_id": pd.array(buildings["id"].to_numpy()[of], dtype="Int64")})
    cells.loc[rng.random(len(cells)) < 0.2, "building_id"] = pd.NA
    cells["part"] = cells.groupby("building_id").cumcount()
    cells["id"] = rng.permutation(len(cells)) + 1000
    cells["area_m2"] = rng.uniform(50, 500, len(cells))
    free = buildings[~buildings["id"].isin(cells["building_id"].dropna())]["id"].to_numpy()
    hung = pd.DataFrame(
        {
            "cell_id": rng.choice(cells["id"].to_numpy(), len(free)),
            "building_id": free,
            "reason": rng.choice(["small", "duplicate"], len(free)),
        }
    )
    return cells, hung, buildings


def answers(seed: int, buildings: int, stations: int = 4):
    rng = np.random.default_rng(seed)
    matrix = np.where(rng.random((stations, buildings)) < 0.4, rng.integers(0, 1800, (stations, buildings)), np.inf)
    station = np.where(np.isfinite(matrix.min(axis=0)), matrix.argmin(axis=0), -1).astype(np.int32)
    found = Nearest(matrix.min(axis=0).astype(np.float32), station)
    by, building = np.nonzero(matrix <= LIMIT_S)
    start = np.concatenate([[0], np.cumsum(np.bincount(by, minlength=stations))])
    return matrix, found, Pairs(start, building.astype(np.int32), matrix[by, building].astype(np.float32))


@given(SEEDS)
def test_demand_is_what_cells_count(seed):
    cells, hung, buildings = tables(seed)
    demand, expected = demand_of(cells, hung, buildings), figures_of_cells(cells, hung, buildings)
    for name, column in (("households", "households"), ("estimated", "households_estimated"), ("people", "people")):
        assert demand.of_cells(getattr(demand, name)).tolist() == expected[column].tolist()
    assert demand.of_cells(demand.buildings).tolist() == expected["buildings"].tolist()
    assert demand.households.sum() == demand.of_buildings(demand.households).sum()


@given(SEEDS)
def test_groups_add_up_to_the_totals(seed):
    cells, hung, buildings = tables(seed)
    demand = demand_of(cells, hung, buildings)
    _, found, _ = answers(seed, len(buildings))
    group = np.random.default_rng(seed).integers(0, 3, len(cells))
    open_s = np.random.default_rng(seed).uniform(0, 1800, len(cells))
    total = figures(demand, found.seconds, limit_s=LIMIT_S, open_s=open_s)
    rows = figures_by(
        demand, found.seconds, limit_s=LIMIT_S, group=group, groups=3, station=found.station, open_s=open_s
    )
    for name in ("buildings", "buildings_covered", "households", "households_covered", "people", "people_covered"):
        assert rows[name].sum() == getattr(total, name)
    for name in ("area_m2", "area_covered_m2"):
        assert rows[name].sum() == pytest.approx(getattr(total, name))
    inside = found.seconds[demand.building] <= LIMIT_S
    assert total.households_covered == demand.households[inside].sum()
    assert total.households_covered_low <= total.households_covered <= total.households_covered_high
    assert total.households_covered_high <= total.households
    for g, row in rows.iterrows():
        there = group[demand.cell] == g
        lived = there & (demand.households > 0)
        who = demand.building[lived if lived.any() else there]
        assert row["nearest_s"] == found.seconds[who].min(initial=np.inf)
        if row["nearest_station"] >= 0:
            assert found.seconds[who[found.station[who] == row["nearest_station"]]].min() == row["nearest_s"]


@given(SEEDS)
def test_stations_and_kinds_count_every_building_once(seed):
    cells, hung, buildings = tables(seed)
    demand = demand_of(cells, hung, buildings)
    matrix, found, reach = answers(seed, len(buildings))
    households = demand.of_buildings(demand.households)
    within = matrix <= LIMIT_S
    rows = by_station(demand, reach, found)
    assert rows["households"].tolist() == (within @ households).tolist()
    alone = within.sum(axis=0) == 1
    assert rows["exclusive_households"].tolist() == ((within & alone) @ households).tolist()
    total = figures(demand, found.seconds, limit_s=LIMIT_S)
    assert rows["load"].sum() == total.households_covered
    kind = np.array([0, 1, 1, -1])
    kinds = by_kind(demand, reach, kind, 2)
    one, two = within[0], within[1:3].any(axis=0)
    assert kinds["households"].tolist() == [households[one].sum(), households[two].sum()]
    assert kinds["exclusive_households"].tolist() == [households[one & ~two].sum(), households[two & ~one].sum()]
    assert kinds["stations"].tolist() == [1, 2]


@given(SEEDS)
def test_gap_areas_hold_exactly_the_homes_that_are_not_reached(seed):
    cells, hung, buildings = tables(seed)
    demand = demand_of(cells, hung, buildings)
    _, found, _ = answers(seed, len(buildings))
    edges = np.random.default_rng(seed).integers(0, len(cells), (2, len(cells)))
    areas, area = gap_areas(demand, found, limit_s=LIMIT_S, edge_a=edges[0], edge_b=edges[1])
    missed = ~(found.seconds <= LIMIT_S)[demand.building]
    total = figures(demand, found.seconds, limit_s=LIMIT_S)
    assert areas["households"].sum() == total.households - total.households_covered
    assert areas["households"].is_monotonic_decreasing
    assert areas["rank"].tolist() == list(range(1, len(areas) + 1))
    lived = np.zeros(len(cells), bool)
    np.logical_or.at(lived, demand.cell[missed], demand.households[missed] > 0)
    assert np.array_equal(area >= 0, lived)
    both = (area[edges[0]] >= 0) & (area[edges[1]] >= 0)
    assert np.array_equal(area[edges[0]][both], area[edges[1]][both])
    for k, row in areas.iterrows():
        there = missed & (area[demand.cell] == k) & (demand.households > 0)
        assert row["nearest_s"] == found.seconds[demand.building[there]].min()
        assert row["cells"] == (area == k).sum()


def one_building(households: int, *, estimated: bool):
    cells = pd.DataFrame({"id": [1], "building_id": [1], "part": [0], "area_m2": [100.0]})
    hung = pd.DataFrame({"cell_id": [], "building_id": [], "reason": []}).astype({"cell_id": int, "building_id": int})
    buildings = pd.DataFrame({"id": [1], "households": [households], "people": [0], "estimated": [estimated]})
    return demand_of(cells, hung, buildings)


def test_counted_households_have_no_range_and_estimated_ones_do():
    seconds = np.array([900.0], np.float32)
    counted = figures(one_building(100, estimated=False), seconds, limit_s=900)
    guessed = figures(one_building(100, estimated=True), seconds, limit_s=900)
    assert (counted.households_covered_low, counted.households_covered_high) == (100, 100)
    # no more of them than there are in all, as shown
    assert (guessed.households_covered_low, guessed.households_covered_high) == (84, 100)
    assert guessed.share_low == guessed.share == guessed.share_high == 1.0


def test_the_range_of_estimates_includes_the_estimate():
    with pytest.raises(InputError, match="must include 1"):
        EstimateRange(1.1, 1.2)


def test_a_town_without_buildings_has_no_share():
    empty = pd.DataFrame({"id": [], "households": [], "people": [], "estimated": []}).astype({"id": int})
    cells = pd.DataFrame({"id": [1], "building_id": pd.array([pd.NA], dtype="Int64"), "part": [0], "area_m2": [9.0]})
    hung = pd.DataFrame({"cell_id": [], "building_id": [], "reason": []}).astype({"cell_id": int, "building_id": int})
    demand = demand_of(cells, hung, empty)
    found = Nearest(np.zeros(0, np.float32), np.zeros(0, np.int32))
    total = figures(demand, found.seconds, limit_s=900)
    assert (total.households, total.area_m2, total.area_covered_m2) == (0, 9.0, 0.0)
    assert np.isnan(total.share)
    none = np.zeros(0, np.int64)
    areas, area = gap_areas(demand, found, limit_s=900, edge_a=none, edge_b=none)
    assert len(areas) == 0
    assert area.tolist() == [-1]
    nobody = Pairs(np.zeros(1, np.int64), np.zeros(0, np.int32), np.zeros(0, np.float32))
    assert len(by_station(demand, nobody, found)) == 0


def test_circles_tell_what_they_promise_and_nobody_can_walk():
    demand = one_building(10, estimated=False)
    xy, station = np.array([[0.0, 0.0]]), np.array([[0.0, 400.0]])
    near, far = np.array([100.0], np.float32), np.array([np.inf], np.float32)
    rows = circles(demand, far, limit_s=900, building_xy=xy, station_xy=station)
    assert rows["households"].tolist() == [0, 10, 10]
    assert rows["only_circle"].tolist() == [0, 10, 10]
    rows = circles(demand, near, limit_s=900, building_xy=xy, station_xy=station)
    assert rows["both"].tolist() == [0, 10, 10]
    assert rows["only_walk"].tolist() == [10, 0, 0]
    none = circles(demand, near, limit_s=900, building_xy=xy, station_xy=np.zeros((0, 2)))
    assert none["households"].tolist() == [0, 0, 0]


def test_people_off_the_network_are_told_and_not_covered():
    demand = one_building(10, estimated=False)
    total = figures(demand, np.array([np.inf], np.float32), limit_s=900, attached=np.array([False]))
    assert (total.unattached_buildings, total.unattached_households, total.households_covered) == (1, 10, 0)
