"""Borders in words, on the chequered town of plan_towns and on shapes whose sides anybody can tell."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import shapely

from gridmap.core.plans.crosswalk import Layout, border_changes, crosswalk
from gridmap.core.plans.fabric import Fabric
from gridmap.core.plans.words import Along, Reach, in_words, sides
from tests.core.plan_towns import COLUMNS, SIDE, A, B, code, town

NAMES = {A: "东风社区", B: "西岭社区"}


def along_of(fabric: Fabric) -> Along:
    """Name what runs along the edges: upright streets 纵100路 …, level ones 横100路 … by their place in metres."""
    klass = np.where(fabric.edge_follows, "minor", None).astype(object)
    name = np.full(len(klass), None, dtype=object)
    for e in np.flatnonzero(fabric.edge_follows):
        a, b = int(fabric.edge_a[e]), int(fabric.edge_b[e])
        upright = b == a + 1
        place = (max(a % COLUMNS, b % COLUMNS) if upright else max(a, b) // COLUMNS) * SIDE
        name[e] = f"{'纵' if upright else '横'}{place:.0f}路"
    return Along(klass, name)


def told(key: int, *, klass: str | None = None, **changes: Any) -> str:
    state = town()
    along = along_of(state.fabric)
    if klass is not None:
        along = Along(np.where(along.klass == "minor", klass, None).astype(object), along.name)
    keys = state.all_keys()
    for cell, grid in changes.get("moved", {}).items():
        keys[cell] = grid
    return in_words(sides(state.fabric, along, Layout(keys, state.grids), key), NAMES | {code(1, 1): "三网格"}).zh


def test_each_side_is_told_by_the_street_that_it_follows_or_as_what_it_is() -> None:
    assert told(13) == ("东至纵200路，南至辖区边界，西至纵100路，北至与三网格的分界(不沿道路)。")
    assert told(15) == f"东至纵300路，南至辖区边界，西至纵200路，北至与{code(2, 1)}的分界(不沿道路)。"


def test_a_border_with_another_community_that_follows_nothing_names_the_community() -> None:
    assert told(13, klass="foot") == (
        f"东至与西岭社区的边界(不沿道路)，南至辖区边界，西至与{code(0, 0)}的分界(不沿道路)，"
        "北至与三网格的分界(不沿道路)。"
    )


@pytest.mark.parametrize(("klass", "said"), [("water", "水边"), ("rail", "铁路"), ("lane", "无名道路")])
def test_what_has_no_name_is_told_by_its_kind(klass: str, said: str) -> None:
    state = town()
    along = along_of(state.fabric)
    bare = Along(np.where(along.klass == "minor", klass, None).astype(object), np.full(len(along.klass), None))
    found = sides(state.fabric, bare, Layout(state.all_keys(), state.grids), 13)
    assert in_words(found, NAMES).zh.startswith(f"东至{said}，南至辖区边界，西至{said}")


def test_a_street_that_only_bends_round_a_corner_is_told_on_its_own_side_alone() -> None:
    state = town()
    keys = np.where(state.all_keys() <= 14, 11, state.all_keys())
    keys[COLUMNS * 5 + 4] = 11  # a square in the north, so that the street along the east has a step of 50 m
    every = np.full(len(state.fabric.edge_a), "minor", dtype=object)
    ring = Along(every, np.full(len(every), "环路", dtype=object))
    found = sides(state.fabric, ring, Layout(keys, state.grids), 11)
    assert in_words(found, NAMES).zh == "东至环路，南至辖区边界，西至辖区边界，北至辖区边界。"


def test_land_in_no_grid_and_a_grid_without_land_are_told_so() -> None:
    state = town()
    keys = state.all_keys()
    keys[keys == 15] = 0
    along = Along(np.full(len(state.fabric.edge_a), None), np.full(len(state.fabric.edge_a), None))
    assert in_words(sides(state.fabric, along, Layout(keys, state.grids), 13), NAMES).zh.startswith(
        "东至未划入网格的土地"
    )
    nothing = in_words(sides(state.fabric, along, Layout(keys, state.grids), 15), NAMES)
    assert (nothing.zh, nothing.en) == ("没有土地。", "It has no land.")


def test_the_english_words_say_the_same() -> None:
    state = town()
    found = sides(state.fabric, along_of(state.fabric), Layout(state.all_keys(), state.grids), 13)
    assert in_words(found, NAMES | {code(1, 1): "三网格"}).en == (
        "East: to 纵200路; south: to the border of the jurisdiction; west: to 纵100路; "
        "north: to the line towards 三网格 (it follows no street)."
    )


def test_the_lengths_of_all_sides_add_up_to_the_border_of_a_grid_with_straight_sides() -> None:
    state = town()
    found = sides(state.fabric, along_of(state.fabric), Layout(state.all_keys(), state.grids), 13)
    assert sum(reach.length_m for side in found for reach in side.reaches) == pytest.approx(
        shapely.length(state.polygons([13])[0])
    )
    assert [side.compass for side in found] == ["east", "south", "west", "north"]
    assert found[0].reaches == (Reach("street", "纵200路", 150.0),)
    assert [reach.follows for side in found for reach in side.reaches] == [True, False, True, False]


def test_land_that_leaves_or_enters_no_grid_has_no_code_in_the_crosswalk() -> None:
    state = town()
    keys = state.all_keys()
    there = Layout(keys.copy(), state.grids)
    keys[keys == 15] = 0
    gone = Layout(keys, state.grids)
    walk = crosswalk(state.fabric, there, gone, same_keys=True)
    assert [row.new for row in walk.pairs.itertuples() if row.old == code(2, 0)] == [None]
    assert set(walk.buildings["new"]) == {None}
    back = crosswalk(state.fabric, gone, there, same_keys=True)
    assert [row.old for row in back.pairs.itertuples() if row.new == code(2, 0)] == [None]
    changed, _ = border_changes(state.fabric, gone, there)
    assert changed.empty  # the land that no grid has is on the other side of the same borders
    merged = Layout(np.where(keys == 0, 13, keys), state.grids)
    assert set(border_changes(state.fabric, gone, merged)[0]["one"]) == {None}
