"""Departments' areas on the chequered town of plan_towns: where they disagree, and what their overlay is."""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely
from hypothesis import given
from hypothesis import strategies as st

from gridmap.core import partition
from gridmap.core.nets import Net, areas_of_cells, disagreements, overlay_of_nets
from tests.core.plan_towns import HOMES, crooked, town


def net(name: str, *boxes: tuple[float, float, float, float]) -> Net:
    codes = [f"{name}{k + 1}" for k in range(len(boxes))]
    return Net(name, codes, codes, np.array([shapely.box(*b) for b in boxes], dtype=object))


HALVES = net("警", (0, 0, 200, 300), (200, 0, 400, 300))
QUARTERS = net("环", (0, 0, 100, 300), (100, 0, 200, 300), (200, 0, 300, 300), (300, 0, 400, 300))
SHIFTED = net("民", (0, 0, 250, 300), (250, 0, 400, 300))


def told(one: Net, other: Net) -> dict[tuple[int, int], tuple[str, int]]:
    fabric = town().fabric
    table, of_cell = disagreements(fabric, areas_of_cells(fabric, one), areas_of_cells(fabric, other))
    assert table["households"].sum() == fabric.households[of_cell >= 0].sum()
    return {(r.first, r.second): (r.status, r.households) for r in table.itertuples()}


def test_areas_that_are_made_of_whole_areas_of_the_other_agree() -> None:
    assert {status for status, _ in told(HALVES, QUARTERS).values()} == {"agree"}
    assert {status for status, _ in told(QUARTERS, HALVES).values()} == {"agree"}


def test_where_borders_differ_the_piece_between_them_is_told_with_its_households() -> None:
    found = told(HALVES, SHIFTED)
    assert found == {
        (0, 0): ("agree", 24 * HOMES), (1, 1): ("agree", 18 * HOMES), (1, 0): ("disagree", 6 * HOMES)
    }  # fmt: skip


def test_land_that_only_one_of_them_has_is_told_so() -> None:
    found = told(net("警", (0, 0, 200, 300)), net("环", (100, 0, 400, 300)))
    assert {k: s for k, (s, _) in found.items()} == {(0, 0): "agree", (0, -1): "only_first", (-1, 0): "only_second"}
    assert told(net("警", (900, 900, 950, 950)), net("环", (900, 900, 950, 950))) == {}


def test_the_overlay_cuts_the_land_by_all_nets_within_communities() -> None:
    fabric = town().fabric
    found = overlay_of_nets(fabric, [HALVES, SHIFTED])
    assert found.pieces[["area1", "area2", "households"]].to_numpy().tolist() == [
        ["警1", "民1", 24 * HOMES], ["警2", "民1", 6 * HOMES], ["警2", "民2", 18 * HOMES]
    ]  # fmt: skip
    assert found.joined == 0
    assert len(overlay_of_nets(fabric, []).pieces) == 2  # the communities


def test_a_piece_that_is_too_small_joins_the_neighbour_with_the_longest_border() -> None:
    fabric = town().fabric
    found = overlay_of_nets(fabric, [HALVES, SHIFTED], least_households=6 * HOMES + 1)
    assert (found.joined, found.pieces["households"].tolist()) == (1, [24 * HOMES, 24 * HOMES])
    assert found.pieces["area2"].tolist() == ["民1", "民2"]


@given(st.integers(0, 4), st.integers(0, 500), st.integers(0, 200))
def test_pieces_are_connected_whole_communities_and_lose_nobody(seed: int, draw: int, least: int) -> None:
    fabric: Any = crooked(seed).fabric
    rng = np.random.default_rng(draw)
    low, high = fabric.xy.min(axis=0), fabric.xy.max(axis=0)
    corners = np.sort(rng.uniform(low, high, (3, 2, 2)), axis=1).reshape(3, 4)
    nets = [net("甲", *[tuple(c) for c in corners.tolist()]), net("乙", tuple(corners[0].tolist()))]
    found = overlay_of_nets(fabric, nets, least_households=least)
    count = len(found.pieces)
    assert sorted(set(found.labels.tolist())) == list(range(count))
    assert found.pieces["households"].sum() == fabric.households.sum()
    assert (found.labels == found.labels[fabric.leader]).all()
    for label in range(count):
        assert len({fabric.community[c] for c in np.flatnonzero(found.labels == label)}) == 1
    pieces = partition.pieces(fabric.edge_a, fabric.edge_b, found.labels, count, area_m2=fabric.area_m2)
    # a building that stays together may stand across a border of the nets
    assert len(pieces.grid) - count <= (fabric.leader != np.arange(len(fabric.ids))).sum()
