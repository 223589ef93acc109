"""Communities from points alone: connected, inside their parent, never stretched over land without points."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from gridmap.core import partition
from gridmap.core.cells import BaseData, build_cells
from gridmap.core.communities import grow_communities
from gridmap.errors import InputError
from tests.core.towns import ORIGIN, box, frame, made, place


@examples(max_examples=10)
@given(st.integers(0, 7), st.integers(0, 999))
def test_communities_are_connected_and_stay_in_the_area_of_their_point(seed, noise):
    _, fabric = made(seed)
    points = shapely.points(ORIGIN + np.random.default_rng(noise).uniform(10, 350, (5, 2)))
    growth = grow_communities(fabric, points)
    a, b = fabric.edge_positions()
    found = partition.pieces(a, b, growth.community, 5, area_m2=fabric.cells["area_m2"].to_numpy())
    used = growth.seed_cell >= 0
    assert found.count(5).tolist() == used.astype(int).tolist()
    area = fabric.cells["area_code"].to_numpy()
    has = growth.community >= 0
    assert (area[has] == area[growth.seed_cell[growth.community[has]]]).all()
    assert (growth.community[growth.seed_cell[used]] == np.flatnonzero(used)).all()
    assert (growth.cost_m[has & np.isfinite(growth.cost_m)] <= growth.limit_m).all()


@pytest.fixture(scope="module")
def strip():
    """Return twenty houses in a row, a railway after the tenth."""
    houses = frame([box(x, 0, x + 10, 20) for x in range(5, 405, 20)],
                   id=list(range(20)))  # fmt: skip
    rail = frame([shapely.LineString([place(200, -10), place(200, 30)])], railway=["rail"])
    extent = box(0, -10, 400, 30)
    return build_cells(BaseData(buildings=houses, streets=rail, extent=extent))


def at(*xs: float):
    return shapely.points(np.array([place(x, 10) for x in xs]).reshape(-1, 2))


def by_place(fabric, values):
    return values[np.argsort(fabric.cells["x_m"].to_numpy())].tolist()


def test_a_railway_is_where_communities_end(strip):
    growth = grow_communities(strip, at(90, 230), reach=10)
    assert by_place(strip, growth.community) == [0] * 10 + [1] * 10


def test_land_far_from_every_point_stays_unassigned(strip):
    growth = grow_communities(strip, at(10, 50, 90, 130), reach=2)
    community = by_place(strip, growth.community)
    assert set(community[:8]) == {0, 1, 2, 3}
    assert set(community[11:]) == {-1}
    assert np.isinf(growth.cost_m).sum() == community.count(-1)


def test_land_that_one_community_encloses_belongs_to_it_however_dear():
    houses = [box(x, y, x + 20, y + 20)
               for x in range(10, 400, 60) for y in range(10, 400, 60)
              if not (120 < x < 240 and 120 < y < 240)]  # fmt: skip
    lake = frame([shapely.Point(ORIGIN + 200).buffer(60)], water_kind=["lake"])
    fabric = build_cells(
        BaseData(buildings=frame(houses, id=list(range(len(houses)))), water=lake,
                 extent=box(0, 0, 400, 400))
    )  # fmt: skip
    growth = grow_communities(fabric, shapely.points([place(70, 200)]), reach=1.6)
    water = (fabric.cells["kind"] == "water").to_numpy()
    assert growth.community[water].tolist() == [0]


def test_a_point_outside_or_in_another_points_cell_has_no_community(strip):
    growth = grow_communities(strip, at(10, 12, 9000))
    assert growth.seed_cell[0] >= 0
    assert growth.seed_cell[1:].tolist() == [-1, -1]


def test_without_points_it_says_what_to_do(strip):
    with pytest.raises(InputError, match="import named points"):
        grow_communities(strip, at())
    with pytest.raises(InputError, match="coordinate system"):
        grow_communities(strip, at(9000))
