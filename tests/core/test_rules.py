from __future__ import annotations

import ast
import datetime as dt
import doctest
import re
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gridmap.core import rules
from gridmap.core.rules import (
    RULES,
    CheckInputs,
    CheckSettings,
    CodeRule,
    check,
    not_checked,
    serial_order,
    street_distances_m,
    walkable,
)
from gridmap.errors import InputError
from gridmap.model import naming
from gridmap.model.finding import Finding
from gridmap.model.text import Text
from gridmap.services.check import NAMES
from gridmap.services.checking import WALKING_RULES

WEST, SOUTH, STEP = 113.43, 36.19, 0.004
EPSG = 4547
TODAY = dt.date(2025, 7, 1)
URBAN, RURAL = "990101001001", "990101001200"


def square(column, row, width=1.0, height=1.0):
    x, y = WEST + STEP * column, SOUTH + STEP * row
    return shapely.box(x, y, x + STEP * width, y + STEP * height)


def layer(rows, shapes):
    return gpd.GeoDataFrame(rows, geometry=list(shapes), crs="EPSG:4326")


@pytest.fixture
def clean():
    r"""A town where everything is in order.

    ::

        U1 | U2       urban community, U3 dedicated and in two pieces
        U3 | U3'
        R1            rural community, one grid
    """
    shapes = [
        square(0, 2),
        square(1, 2),
        shapely.union(square(0, 1), square(1.5, 1, 0.5, 1)),
        square(0, 0, 2, 1),
        square(1, 1, 0.5, 1),
    ]
    codes = [f"{URBAN}001", f"{URBAN}002", f"{URBAN}003", f"{RURAL}001", f"{URBAN}004"]
    grids = layer(
        {
            "code": codes,
            "name": ["一", "二", "三", "村", "四"],
            "grid_kind": ["urban", "urban", "dedicated", "rural", "urban"],
            "community_code": [URBAN, URBAN, URBAN, RURAL, URBAN],
            "households": [300, 210, 0, 40, 390],
            "households_estimated": [0, 30, 0, 0, 0],
        },
        shapes,
    )
    areas = layer(
        {"code": [URBAN, RURAL], "name": ["东", "村"], "level": ["community"] * 2},
        [square(0, 1, 2, 2), square(0, 0, 2, 1)],
    )
    cells = pd.DataFrame(
        {
            "cell_id": [1, 2, 3, 4, 5],
            "grid_code": codes,
            "building_id": [1, None, None, 2, 3],
            "community_code": [URBAN, URBAN, URBAN, RURAL, URBAN],
            "area_m2": [1e4] * 5,
            "lon": [WEST] * 5,
            "lat": [SOUTH] * 5,
        }
    )
    buildings = layer(
        {
            "building_id": [1, 2, 3],
            "source_id": ["B1", "B2", "B3"],
            "estate": ["和园", None, None],
            "number": ["1栋", None, None],
            "name": [None, "祠堂", None],
            "grid_code": [codes[0], codes[3], codes[4]],
        },
        [square(0.4, 2.4, 0.1, 0.1), square(1, 0.4, 0.1, 0.1), square(1.1, 1.7, 0.1, 0.1)],
    )
    streets = layer(
        {"highway": ["residential", "tertiary"], "foot": [None, None], "access": [None, None]},
        [
            shapely.LineString([(WEST, SOUTH + STEP * 0.5), (WEST + STEP * 2, SOUTH + STEP * 0.5)]),
            shapely.LineString([(WEST, SOUTH + STEP * 2), (WEST + STEP * 2, SOUTH + STEP * 2)]),
        ],
    )
    duties = pd.DataFrame(
        {
            "grid_code": [*codes, None],
            "role": ["grid_leader"] * 5 + ["building_chief"],
            "from_date": [dt.date(2025, 1, 1), None, TODAY, None, None, None],
            "to_date": [None, dt.date(2025, 12, 31), TODAY, None, None, None],
        }
    )
    return CheckInputs(
        on=TODAY,
        metric_epsg=EPSG,
        grids=grids,
        cells=cells,
        areas=areas,
        buildings=buildings,
        streets=streets,
        duties=duties,
        cell_findings=[Finding("outlines_overlap", "warning", "building:1", Text("重叠", "overlap"))],
    )


def only(findings):
    assert len(findings) == 1, findings
    found = findings[0]
    assert found.rule in RULES
    assert found.message.zh
    assert found.message.en
    assert found.repair is not None
    return found


def changed(frame, row, **values):
    frame = frame.copy()
    for name, value in values.items():
        column = frame[name].astype(object)
        column.iloc[row] = value
        frame[name] = column
    return frame


def test_a_town_in_order_has_no_finding_and_every_rule_was_asked(clean):
    assert check(clean) == []
    assert not_checked(clean) == []
    assert check(replace(clean, cells=None)) == []
    assert check(replace(clean, cells=None, areas=None)) == []


def test_open_land_in_no_grid_is_found(clean):
    cells = changed(clean.cells, 1, grid_code=None)
    found = only(check(replace(clean, cells=cells)))
    assert (found.rule, found.severity, found.subject) == ("coverage", "warning", "cell:2")
    assert (found.lon, found.lat) == (WEST, SOUTH)
    found = only(check(replace(clean, cells=cells.drop(columns="community_code"))))
    assert found.subject == "cell:2"


def test_a_cell_with_a_building_is_left_to_the_rule_of_buildings(clean):
    cells = changed(clean.cells, 0, grid_code=None)
    assert check(replace(clean, cells=cells)) == []
    buildings = changed(clean.buildings, 0, grid_code=None)
    found = only(check(replace(clean, cells=cells, buildings=buildings)))
    assert (found.rule, found.severity, found.subject) == ("building_without_grid", "error", "building:B1")
    assert "和园1栋" in found.message.zh
    assert shapely.box(*clean.buildings.total_bounds).contains(shapely.Point(found.lon, found.lat))


def test_a_community_without_any_grid_is_one_finding(clean):
    cells = changed(clean.cells, 3, grid_code=None, building_id=None)
    assert only(check(replace(clean, cells=cells), ["coverage"])).subject == f"community:{RURAL}"


def test_land_in_no_community_is_one_finding(clean):
    cells = changed(clean.cells, 3, grid_code=None, community_code=None)
    found = only(check(replace(clean, cells=cells), ["coverage"]))
    assert (found.severity, found.subject) == ("info", "cells:no-community")


def test_a_gap_between_polygons_is_found_with_and_without_communities(clean):
    shapes = clean.grids.geometry.to_numpy().copy()
    shapes[4] = square(1, 1, 0.4, 1)
    for areas in (clean.areas, None):
        inputs = replace(clean, cells=None, areas=areas, grids=clean.grids.set_geometry(shapes, crs="EPSG:4326"))
        found = only(check(inputs))
        assert (found.rule, found.severity) == ("coverage", "error")
        assert square(1.4, 1, 0.1, 1).contains(shapely.Point(found.lon, found.lat))


def test_an_overlap_is_found_and_names_both_grids(clean):
    shapes = clean.grids.geometry.to_numpy().copy()
    shapes[0] = square(0, 2, 1.1, 1)
    inputs = replace(clean, grids=clean.grids.set_geometry(shapes, crs="EPSG:4326"))
    found = only(check(inputs))
    assert (found.rule, found.severity, found.subject) == ("coverage", "error", f"grid:{URBAN}001")
    assert "一 与 二" in found.message.zh
    assert square(1, 2, 0.1, 1).contains(shapely.Point(found.lon, found.lat))


def test_without_any_grid_all_buildings_are_one_finding(clean):
    buildings = clean.buildings.assign(grid_code=None)
    assert only(check(replace(clean, buildings=buildings))).subject == "buildings"


def test_a_grid_in_two_pieces_is_found_unless_it_is_dedicated(clean):
    grids = changed(clean.grids, 2, grid_kind="urban", households=300)
    found = only(check(replace(clean, grids=grids)))
    assert (found.rule, found.subject) == ("grid_pieces", f"grid:{URBAN}003")
    assert "2 块" in found.message.zh
    assert square(1.5, 1, 0.5, 1).contains(shapely.Point(found.lon, found.lat))


def test_the_stored_number_of_pieces_counts_where_it_is_known(clean):
    assert only(check(replace(clean, grids=clean.grids.assign(pieces=[1, 3, 1, 1, 1])))).rule == "grid_pieces"


@pytest.mark.parametrize(("households", "words"), [(391, "超过上限 1 户"), (209, "低于下限 1 户"), (600, "多 100%")])
def test_an_urban_grid_outside_of_the_band_is_found_and_says_by_how_many(clean, households, words):
    found = only(check(replace(clean, grids=changed(clean.grids, 0, households=households))))
    assert (found.rule, found.severity, found.subject) == ("household_band", "warning", f"grid:{URBAN}001")
    assert words in found.message.zh
    assert f"{households} households" in found.message.en


def test_estimated_households_are_named_as_such(clean):
    found = only(check(replace(clean, grids=changed(clean.grids, 1, households=100))))
    assert "其中 30 户为估算" in found.message.zh
    assert "30 of them estimated" in found.message.en


@pytest.mark.parametrize("kind", ["rural", "dedicated", None])
def test_other_kinds_and_unknown_figures_have_no_band(clean, kind):
    assert (
        check(replace(clean, grids=changed(clean.grids, 0, households=5000, grid_kind=kind)), ["household_band"]) == []
    )
    assert check(replace(clean, grids=changed(clean.grids, 0, households=None))) == []


def test_target_and_tolerance_of_the_band_are_settings(clean):
    narrow = replace(clean, settings=CheckSettings(household_target=210, household_tolerance=0.0))
    assert [f.subject[-3:] for f in check(narrow)] == ["001", "004"]


@pytest.mark.parametrize(
    ("code", "severity", "words"),
    [
        ("17", "error", "不是 12 位社区代码"),
        (f"{URBAN}0001", "error", "不是 12 位社区代码"),
        (f"{URBAN}00A", "error", "不是 12 位社区代码"),
        (f"{URBAN}000", "error", "顺序号为 0"),
        ("990101001002001", "error", "不是所在社区代码"),
    ],
)
def test_a_code_against_the_rule_is_found(clean, code, severity, words):
    found = only(check(replace(clean, grids=changed(clean.grids, 0, code=code)), ["codes"]))
    assert (found.severity, found.subject) == (severity, f"grid:{code}")
    assert words in found.message.zh


def test_an_urban_grid_under_a_village_code_is_found_and_the_other_way_round(clean):
    grids = changed(clean.grids, 3, grid_kind="urban")
    assert only(check(replace(clean, grids=grids), ["codes"])).severity == "warning"
    grids = changed(clean.grids, 0, grid_kind="rural")
    assert "农村网格" in only(check(replace(clean, grids=grids), ["codes"])).message.zh


def test_a_code_used_twice_is_found_for_both(clean):
    grids = changed(clean.grids, 1, code=f"{URBAN}001")
    found = check(replace(clean, grids=grids), ["codes"])
    assert [f.severity for f in found] == ["error", "error"]
    assert {f.subject for f in found} == {f"grid:{URBAN}001"}


def test_where_no_rule_of_codes_is_set_they_only_have_to_differ(clean):
    free = CheckSettings(codes=None)
    grids = clean.grids.assign(code=list("abcde"))
    assert check(replace(clean, grids=grids, settings=free), ["codes"]) == []
    twice = changed(grids, 1, code="a")
    assert len(check(replace(clean, grids=twice, settings=free), ["codes"])) == 2


def test_the_order_of_serial_numbers_is_checked_where_asked_for(clean):
    ordered = replace(clean, settings=CheckSettings(codes=CodeRule(ordered=True)))
    shapes = clean.grids.geometry.to_numpy().copy()
    shapes[2], shapes[4] = square(0, 1), square(1, 1)
    ordered = replace(ordered, grids=clean.grids.set_geometry(shapes, crs="EPSG:4326"))
    assert check(ordered, ["codes"]) == []
    swapped = shapes[[1, 0, 2, 3, 4]]
    found = only(check(replace(ordered, grids=clean.grids.set_geometry(swapped, crs="EPSG:4326")), ["codes"]))
    assert (found.severity, found.subject) == ("info", f"community:{URBAN}")
    assert "有 2 个网格" in found.message.zh


def test_a_building_cut_by_an_official_line_is_passed_on(clean):
    cut = Finding(
        "building_across_official_line", "warning", "building:7", Text("穿过", "cuts"), Text("核对", "check"), 1.0, 2.0
    )
    found = only(check(replace(clean, cell_findings=[*clean.cell_findings, cut])))
    assert found == replace(cut, rule="footprint_cut_by_official_line")


def test_a_building_far_from_every_walkable_street_is_found(clean):
    shapes = clean.buildings.geometry.to_numpy().copy()
    shapes[0] = square(0.4, 2.9, 0.1, 0.05)
    far = clean.buildings.set_geometry(shapes, crs="EPSG:4326")
    found = only(check(replace(clean, buildings=far)))
    assert (found.rule, found.subject) == ("unattached", "building:B1")
    distance = street_distances_m(far, clean.streets, metric_epsg=EPSG)[0]
    assert distance == pytest.approx(0.9 * STEP * 111_000, rel=0.01)
    assert f"{distance:.0f} 米" in found.message.zh
    wide = replace(clean, buildings=far, settings=CheckSettings(unattached_m=distance))
    assert check(wide) == []


def test_a_motorway_attaches_nothing(clean):
    streets = changed(clean.streets, 1, highway="motorway")
    assert {f.subject for f in check(replace(clean, streets=streets))} == {"building:B1", "building:B3"}
    assert only(check(replace(clean, streets=clean.streets.assign(highway="motorway")))).subject == "streets"


def test_streets_are_walkable_unless_they_say_otherwise():
    table = pd.DataFrame(
        [
            ("residential", None, None, True),
            ("footway", "designated", None, True),
            ("motorway_link", None, None, False),
            ("residential", "no", None, False),
            ("service", None, "private", False),
            ("service", None, "no", False),
            ("service", "yes", "no", True),
            (None, None, None, False),
            ("construction", None, None, False),
        ],
        columns=["highway", "foot", "access", "wanted"],
    )
    assert walkable(table).tolist() == table["wanted"].tolist()
    assert walkable(table[["highway"]]).sum() == 6


@pytest.mark.parametrize(
    "duty",
    [{"grid_code": None}, {"to_date": dt.date(2025, 6, 30)}, {"from_date": dt.date(2025, 7, 2)}],
)
def test_a_grid_without_anybody_on_duty_that_day_is_found(clean, duty):
    found = only(check(replace(clean, duties=changed(clean.duties, 0, **duty))))
    assert (found.rule, found.severity, found.subject) == ("vacancy", "warning", f"grid:{URBAN}001")


def test_what_is_not_there_is_not_checked_and_that_is_said():
    nothing = CheckInputs(on=TODAY, metric_epsg=EPSG)
    assert check(nothing) == []
    assert not_checked(nothing) == list(RULES)
    assert not_checked(nothing, ["codes", "coverage"]) == ["coverage", "codes"]
    with pytest.raises(InputError):
        list(RULES["codes"].run(nothing))


def test_a_rule_that_does_not_exist_is_refused_with_the_names_of_those_that_do(clean):
    with pytest.raises(InputError, match="household_band"):
        check(clean, ["nonsense"])


def test_the_stored_label_is_the_place_of_a_finding(clean):
    grids = clean.grids.assign(label_lon=[WEST + 0.001] + [np.nan] * 4, label_lat=[SOUTH + 0.009] + [np.nan] * 4)
    grids = changed(changed(grids, 0, households=1), 1, households=1)
    first, second = check(replace(clean, grids=grids))
    assert (first.lon, first.lat) == pytest.approx((WEST + 0.001, SOUTH + 0.009), abs=1e-7)
    assert square(1, 2).contains(shapely.Point(second.lon, second.lat))


def test_an_edition_without_rows_has_no_findings(clean):
    empty = replace(
        clean,
        grids=clean.grids.iloc[:0],
        cells=clean.cells.iloc[:0],
        buildings=clean.buildings.iloc[:0],
        streets=clean.streets.iloc[:0],
        duties=clean.duties.iloc[:0],
        cell_findings=[],
    )
    assert check(empty) == []
    assert check(replace(empty, cells=None, areas=None)) == []


@settings(max_examples=8)
@given(st.integers(0, 1000))
def test_findings_come_in_the_same_order_whatever_the_order_of_the_rows(seed):
    shapes = [square(i, 0, 1.2, 1) for i in range(4)]
    grids = layer({"code": list("dbca"), "grid_kind": "urban", "households": [1, 2, 3, 900]}, shapes)
    inputs = CheckInputs(on=TODAY, metric_epsg=EPSG, grids=grids, duties=pd.DataFrame({"grid_code": []}))
    shuffled = replace(inputs, grids=grids.sample(frac=1, random_state=seed))
    assert check(shuffled) == check(inputs)
    order = [list(RULES).index(f.rule) for f in check(inputs)]
    assert order == sorted(order)


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), max_size=20), st.integers(1, 30))
def test_serial_numbers_are_a_permutation_and_never_go_north_by_more_than_a_row(points, row):
    x, y = [p[0] for p in points], [p[1] for p in points]
    rank = serial_order(x, y, row_m=row)
    assert sorted(rank.tolist()) == list(range(len(points)))
    norths = np.array(y)[np.argsort(rank)] if points else np.empty(0)
    assert (np.diff(norths) <= row).all()


def written_names():
    """Every rule that the code gives a finding, read from the code itself."""
    package = Path(rules.__file__).parents[1]
    named = set()
    for file in package.rglob("*.py"):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        for scope in [tree, *(n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef))]:
            called = [n for n in ast.walk(scope) if isinstance(n, ast.Call) and n.args and is_finding(n.func)]
            for first in (call.args[0] for call in called):
                if isinstance(first, ast.Constant):
                    named.add(first.value)
                elif isinstance(first, ast.Name):
                    named |= texts_given(scope, first.id)
    return named


def is_finding(func):
    return (isinstance(func, ast.Name) and func.id in {"Finding", "at_points"}) or (
        isinstance(func, ast.Attribute) and func.attr == "finding"
    )


def texts_given(scope, variable):
    """What is assigned to a variable, either way of a choice."""
    given = [
        node.value
        for node in ast.walk(scope)
        if isinstance(node, ast.Assign)
        and any(isinstance(target, ast.Name) and target.id == variable for target in node.targets)
    ]
    return {
        leaf.value
        for value in given
        for leaf in ([value.body, value.orelse] if isinstance(value, ast.IfExp) else [value])
        if isinstance(leaf, ast.Constant) and isinstance(leaf.value, str)
    }


def test_a_check_can_be_asked_for_every_rule_that_the_code_gives_a_finding_and_for_no_other():
    assert written_names() == set(NAMES)
    assert [name for name in NAMES if not re.fullmatch(r"[a-z]+(_[a-z]+)*", name)] == []
    assert all(title.zh and title.en for title in NAMES.values())


def test_the_three_lists_of_rules_share_no_name():
    assert not set(RULES) & set(rules.KEPT)
    assert not set(WALKING_RULES) & (set(RULES) | set(rules.KEPT))
    assert rules.CUT_FINDING in rules.KEPT


def test_the_examples_in_the_documentation_hold():
    assert doctest.testmod(rules).failed == 0
    assert doctest.testmod(naming).failed == 0
