"""Every complaint has row, column, words and fix; what is left is clean; nothing personal is ever repeated."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import shapely

from gridmap.errors import UnknownColumns
from gridmap.io.load import load
from gridmap.io.problems import LISTED
from gridmap.io.tables import canonical, empty
from gridmap.io.validate import Checked
from gridmap.model.kinds import KINDS

Write = Callable[..., Path]
Box = Callable[..., dict[str, Any]]


def _codes(checked: Checked) -> list[tuple[int, str | None, str, str]]:
    return [(p.row, p.column, p.code, p.severity) for p in checked.problems]


def _ring(*corners: tuple[float, float]) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": [[list(c) for c in corners]]}


# --- the table ---


@pytest.mark.parametrize("kind", KINDS)
def test_a_table_has_exactly_the_columns_of_its_kind_in_order(kind: str) -> None:
    table = empty(kind)
    spatial = ("geometry",) if KINDS[kind].geometry else ()
    assert tuple(table.columns) == (*KINDS[kind].names, *spatial)
    dtypes = {
        "text": "str",
        "integer": "Int64",
        "number": "float64",
        "boolean": "boolean",
        "date": "datetime64[s]",
        "datetime": "datetime64[ms, UTC]",
        "list": "object",
    }
    assert {c.name: str(table[c.name].dtype) for c in KINDS[kind].columns} == {
        c.name: dtypes[c.type] for c in KINDS[kind].columns
    }


def test_a_trusted_table_may_not_bring_columns_nobody_knows() -> None:
    with pytest.raises(UnknownColumns, match="grids has no column colour"):
        canonical(pd.DataFrame({"code": ["1"], "colour": ["red"]}), "grids")


# --- cells ---


@pytest.mark.parametrize(
    ("word", "value"),
    [
        *((w, True) for w in ("yes", "TRUE", "1", "是", "True", "有", "１")),
        *((w, False) for w in ("no", "False", "0", "否", "N")),
        ("", None),
    ],
)
def test_flags_are_read_in_every_spelling(csv_file: Write, word: str, value: bool | None) -> None:
    path = csv_file("source_id,highway,tunnel,geometry", f'1,residential,{word},"LINESTRING (117 28,117.1 28)"')
    flag = load(path, "streets").checked.table["tunnel"].iloc[0]
    assert (None if pd.isna(flag) else flag) == value


def test_a_flag_nobody_understands_is_left_empty_and_told(csv_file: Write) -> None:
    path = csv_file("source_id,highway,tunnel,geometry", '1,residential,maybe,"LINESTRING (117 28,117.1 28)"')
    checked = load(path, "streets").checked
    assert _codes(checked) == [(2, "tunnel", "not-yes-or-no", "warning")]
    assert checked.table["tunnel"].isna().all()


@pytest.mark.parametrize(
    ("column", "word", "value", "code"),
    [
        ("storeys", "6", 6, None),
        ("storeys", "6.0", 6, None),
        ("storeys", "１２", 12, None),
        ("storeys", "1,200", 1200, None),
        ("storeys", "6.5", None, "not-an-integer"),
        ("storeys", "6层", None, "not-an-integer"),
        ("storeys", "-1", None, "too-small"),
        ("storeys", "NaN", None, "not-an-integer"),
        ("storeys", "1e999", None, "not-an-integer"),
        ("storeys", "9" * 30, None, "not-an-integer"),
        ("height_m", "18.5", 18.5, None),
        ("height_m", "inf", None, "not-a-number"),
        ("height_m", "high", None, "not-a-number"),
        ("use", "Residential", "residential", None),
        ("use", "住宅", "residential", None),
        ("use", "apartments", "residential", None),
        ("use", "castle", None, "not-one-of"),
    ],
)
def test_cells_of_a_building_are_read_or_left_empty_with_a_word(
    csv_file: Write, column: str, word: str, value: object, code: str | None
) -> None:
    path = csv_file(f"source_id,{column},geometry", f'1,"{word}","POLYGON ((117 28,117.1 28,117.1 28.1,117 28))"')
    checked = load(path, "buildings").checked
    found = checked.table[column].iloc[0]
    assert (None if pd.isna(found) else found) == value
    assert _codes(checked) == ([] if code is None else [(2, column, code, "warning")])
    assert checked.counts.kept == 1


def test_a_needed_cell_that_cannot_be_read_keeps_the_row_out(csv_file: Write) -> None:
    path = csv_file(
        "estate,number,households,basis,figure_date",
        "a,1栋,24,常住,2025-11-01",
        "a,2栋,many,常住,2025-11-01",
        "a,3栋,-5,常住,2025-11-01",
        "a,4栋,,常住,2025-11-01",
        "a,5栋,24,guessed,2025-13-01",
        ",,24,常住,2025-11-01",
    )
    checked = load(path, "households").checked
    assert _codes(checked) == [
        (3, "households", "not-an-integer", "error"),
        (4, "households", "too-small", "error"),
        (4, "households", "missing-value", "error"),
        (5, "households", "missing-value", "error"),
        (6, "basis", "not-one-of", "error"),
        (6, "figure_date", "not-a-date", "error"),
        (7, "building_source_id", "no-building", "error"),
    ]
    assert checked.table["number"].tolist() == ["1栋"]
    assert (checked.counts.read, checked.counts.kept, checked.counts.rejected) == (6, 1, 5)
    assert any("5 values of 'basis' were other words" in n.en for n in checked.notes)


@pytest.mark.parametrize(
    ("word", "utc"),
    [
        ("2025-11-22T08:00:00+08:00", "2025-11-22T00:00:00+00:00"),
        ("2025-11-22T00:00:00Z", "2025-11-22T00:00:00+00:00"),
        ("2025-11-22 08:00", "2025-11-22T00:00:00+00:00"),
        ("2025-11-22", "2025-11-21T16:00:00+00:00"),
        ("2025/11/22 8:00", "2025-11-22T00:00:00+00:00"),
        ("2025年11月22日8时05分", "2025-11-22T00:05:00+00:00"),
        ("02/17/2020 12:19:00 PM", "2020-02-17T04:19:00+00:00"),
        ("22.11.2025", None),
        ("11/12/2025", None),
        ("2025-02-30", None),
        ("0001-01-01", None),
        ("tomorrow", None),
    ],
)
def test_times_are_read_where_day_and_month_are_certain(csv_file: Write, word: str, utc: str | None) -> None:
    path = csv_file("source,source_ref,channel,reported_at", f"a,1,hotline,{word}")
    checked = load(path, "requests").checked
    assert [t.isoformat() for t in checked.table["reported_at"]] == ([] if utc is None else [utc])
    assumed = any("Asia/Shanghai is assumed" in n.en for n in checked.notes)
    assert assumed == (utc is not None and not word.endswith(("Z", "+08:00")))


@pytest.mark.parametrize(
    ("word", "day"),
    [("2025-11-22", "2025-11-22"), ("2025/1/2", "2025-01-02"), ("2025年1月2日", "2025-01-02"), ("1/2/2025", None)],
)
def test_dates_are_read_where_day_and_month_are_certain(csv_file: Write, word: str, day: str | None) -> None:
    path = csv_file("estate,households,basis,figure_date", f"a,1,resident,{word}")
    days = [d.date().isoformat() for d in load(path, "households").checked.table["figure_date"]]
    assert days == ([] if day is None else [day])


def test_numbers_whose_last_digits_are_lost_are_not_taken_for_codes(geojson_file: Write, box: Box) -> None:
    path = geojson_file(
        ({"code": 360602001001000123456.0}, box(117, 28)),
        ({"code": "3.60602E+14"}, box(117.1, 28)),
        ({"code": 360602001001001}, box(117.2, 28)),
        ({"code": 311.0}, box(117.3, 28)),
    )
    checked = load(path, "grids").checked
    assert _codes(checked) == [
        (1, "code", "number-precision-lost", "error"),
        (2, "code", "number-precision-lost", "error"),
    ]
    assert checked.table["code"].tolist() == ["360602001001001", "311"]


def test_text_loses_control_characters_and_outer_blanks_only(csv_file: Write) -> None:
    path = csv_file("source_id,name,lon,lat", '1," a\x07b\x1f\nc ",117,28')
    assert load(path, "candidates").checked.table["name"].tolist() == ["ab\nc"]


def test_lists_are_split_at_either_semicolon(csv_file: Write) -> None:
    path = csv_file("source_id,name,station_kind,services,lon,lat", "1,a,hub,书吧; 打印；;雨伞,117,28")
    assert load(path, "stations").checked.table["services"].tolist() == [("书吧", "打印", "雨伞")]


def test_gates_that_are_no_coordinates_are_left_out_and_told(csv_file: Write) -> None:
    ring = '"POLYGON ((117 28,117.1 28,117.1 28.1,117 28))"'
    path = csv_file("source_id,name,gates,geometry", f"1,a,117 28; 28;x y;117.1 28,{ring}")
    checked = load(path, "estates").checked
    assert checked.table["gates"].tolist() == [("117 28", "117.1 28")]
    assert _codes(checked) == [(2, "gates", "bad-coordinates", "warning")]


def test_rows_of_another_width_are_kept_out(csv_file: Write) -> None:
    path = csv_file("source_id,name,lon,lat", "1,a,117,28", "2,b,117")
    checked = load(path, "candidates").checked
    assert (3, None, "wrong-number-of-cells", "error") in _codes(checked)
    assert checked.table["source_id"].tolist() == ["1"]


# --- personal data ---


def test_personal_columns_stay_empty_unless_asked_for(csv_file: Write) -> None:
    path = csv_file("source_id,label,role,name,phone", "1,网格长,grid_leader,张三,13800138000")
    checked = load(path, "people").checked
    assert checked.table[["name", "phone"]].isna().all(axis=None)
    assert any("--with-contacts" in n.zh for n in checked.notes)
    asked = load(path, "people", with_contacts=True).checked
    assert asked.table[["name", "phone"]].iloc[0].tolist() == ["张三", "13800138000"]
    assert any("as asked" in n.en for n in asked.notes)


def test_numbers_inside_free_text_are_masked_and_counted(csv_file: Write) -> None:
    path = csv_file(
        "source,source_ref,channel,reported_at,title,description",
        "a,1,hotline,2025-11-22,积水,请打13800138000找我 身份证 11010519491231002X",
        "a,2,hotline,2025-11-22,路灯不亮,3栋2单元",
    )
    checked = load(path, "requests").checked
    assert checked.table["description"].tolist() == ["请打[电话]找我 身份证 [证件号]", "3栋2单元"]
    assert any("2 telephone or identity numbers" in n.en for n in checked.notes)


def test_no_word_of_a_bad_cell_comes_back(csv_file: Write) -> None:
    told_once = "张三13800138000"
    everything = {
        kind.name: {c.name: told_once for c in kind.columns} | {"lon": told_once, "lat": told_once}
        for kind in KINDS.values()
    }
    for kind, row in everything.items():
        path = csv_file(",".join([*row, "geometry"]), ",".join([*row.values(), told_once]))
        checked = load(path, kind, mapping={"geometry": "geometry"} if KINDS[kind].geometry else None).checked
        words = [p.as_dict() for p in checked.problems] + [n.zh + n.en for n in checked.notes]
        told = json.dumps(words, ensure_ascii=False)
        assert "13800138000" not in told
        assert "张三" not in told


# --- geometry ---


@pytest.mark.parametrize(
    ("shape", "code", "severity"),
    [
        ({"type": "Point", "coordinates": [28.3, 117.2]}, "coordinates-swapped", "error"),
        ({"type": "Point", "coordinates": [449276.0, 4007882.0]}, "projected-coordinates", "error"),
        ({"type": "Point", "coordinates": [38449276.0, 4007882.0]}, "projected-coordinates", "error"),
        ({"type": "Point", "coordinates": [200.0, 20.0]}, "out-of-range", "error"),
        ({"type": "Point", "coordinates": [0, 0]}, "null-island", "error"),
        ({"type": "Point", "coordinates": [117.2, 0]}, "null-island", "error"),
        ({"type": "Point", "coordinates": [float("nan"), 28]}, "not-finite", "error"),
        ({"type": "Point", "coordinates": [117, float("inf")]}, "not-finite", "error"),
        ({"type": "Point", "coordinates": []}, "no-geometry", "error"),
        (None, "no-geometry", "error"),
        ({"type": "Point", "coordinates": ["a", "b"]}, "broken-geometry", "error"),
        ({"type": "LineString", "coordinates": [[117, 28], [117.1, 28]]}, "wrong-geometry", "error"),
        ({"type": "MultiPoint", "coordinates": [[117, 28], [117.1, 28]]}, "wrong-geometry", "error"),
        ({"type": "GeometryCollection", "geometries": []}, "no-geometry", "error"),
        ({"type": "MultiPoint", "coordinates": [[117, 28]]}, None, None),
        ({"type": "Point", "coordinates": [117, 28, 12.5]}, None, None),
        ({"type": "Point", "coordinates": [117, 28, 12.5, 1]}, None, None),
    ],
)
def test_a_point_is_where_it_can_be_or_is_complained_of(
    geojson_file: Write, shape: object, code: str | None, severity: str | None
) -> None:
    good = {"type": "Point", "coordinates": [117.0, 28.0]}
    path = geojson_file(({"source_id": "1", "name": "a"}, good), ({"source_id": "2", "name": "b"}, shape))
    checked = load(path, "candidates").checked
    assert _codes(checked) == ([] if code is None else [(2, "geometry", code, severity)])
    assert checked.table.geometry.iloc[0] == shapely.Point(117, 28)
    assert not shapely.has_z(checked.table.geometry.to_numpy()).any()
    assert checked.counts.kept == (2 if code is None else 1)


@pytest.mark.parametrize(
    ("shape", "code", "severity", "place"),
    [
        # a bow tie: mended into its two halves
        (
            _ring((117, 28), (117.2, 28.2), (117.2, 28), (117, 28.2), (117, 28)),
            "invalid-polygon",
            "warning",
            (117.1, 28.1),
        ),
        # a ring without its last corner
        (_ring((117, 28), (117.2, 28), (117.2, 28.2), (117, 28.2)), "unclosed-ring", "warning", (117, 28)),
        # a ring that lacks a stretch
        (_ring((117, 28), (117.1, 28), (117.1, 28.01), (117.3, 28.3)), "unclosed-ring", "error", (117, 28)),
        # a ring whose ends cannot be joined without crossing it
        (
            _ring((117, 28), (117.3, 28), (117.3, 28.3), (117.1, 28.3), (117.1, 27.9)),
            "unclosed-ring",
            "error",
            (117, 28),
        ),
        # a ring that goes there and back
        (_ring((117, 28), (117.1, 28), (117.2, 28), (117, 28)), "invalid-polygon", "error", (117.1, 28)),
        # a hole outside
        (
            {
                "type": "Polygon",
                "coordinates": [
                    [[117, 28], [117.1, 28], [117.1, 28.1], [117, 28]],
                    [[118, 28], [118.1, 28], [118.1, 28.1], [118, 28]],
                ],
            },
            "invalid-polygon",
            "warning",
            (118, 28),
        ),
    ],
)
def test_a_polygon_that_is_wrong_is_told_with_its_place_and_mended_where_that_is_certain(
    geojson_file: Write, shape: object, code: str, severity: str, place: tuple[float, float]
) -> None:
    checked = load(geojson_file(({"code": "1"}, shape)), "grids").checked
    assert _codes(checked) == [(1, "geometry", code, severity)]
    assert (checked.problems[0].lon, checked.problems[0].lat) == pytest.approx(place)
    assert checked.counts.kept == (1 if severity == "warning" else 0)
    assert checked.table.geometry.is_valid.all()


def test_the_open_rings_of_a_geopackage_are_treated_alike(tmp_path: Path) -> None:
    import numpy as np
    import pyogrio.raw

    ring = shapely.to_wkb(shapely.Polygon([(117, 28), (117.2, 28), (117.2, 28.2), (117, 28.2)]))
    cut = ring[:9] + (4).to_bytes(4, "little") + ring[13 : 13 + 64]
    path = tmp_path / "open.gpkg"
    pyogrio.raw.write(
        path,
        np.array([cut], dtype=object),
        field_data=[np.array(["1"], dtype=object)],
        fields=["code"],
        geometry_type="Polygon",
        crs="EPSG:4326",
        driver="GPKG",
    )
    checked = load(path, "grids").checked
    assert _codes(checked) == [(1, "geometry", "unclosed-ring", "warning")]
    assert checked.table.geometry.iloc[0].normalize() == shapely.box(117, 28, 117.2, 28.2).normalize()


def test_rings_turn_the_same_way_whatever_the_file(geojson_file: Write) -> None:
    clockwise = _ring((117, 28), (117, 28.1), (117.1, 28.1), (117.1, 28), (117, 28))
    table = load(geojson_file(({"code": "1"}, clockwise)), "grids").checked.table
    assert shapely.is_ccw(shapely.get_exterior_ring(table.geometry.iloc[0]))


def test_a_height_is_dropped_and_said(geojson_file: Write) -> None:
    path = geojson_file(({"source_id": "1", "name": "a"}, {"type": "Point", "coordinates": [117, 28, 3]}))
    assert any("Heights or measures of 1" in n.en for n in load(path, "candidates").checked.notes)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("LINESTRING (117 28, 117 28)", "broken-geometry"),
        ("LINESTRING (117 28", "broken-geometry"),
        ("nothing", "broken-geometry"),
        ("", "no-geometry"),
        ("LINESTRING EMPTY", "no-geometry"),
        ("LINESTRING (0 0, 117 28)", "null-island"),
        ("POINT (117 28)", "wrong-geometry"),
        ("SRID=4326;LINESTRING Z (117 28 1, 117.1 28 1)", None),
        ("MULTILINESTRING ((117 28, 117.1 28))", None),
    ],
)
def test_lines_of_wkt_are_read_or_complained_of(csv_file: Write, words: str, code: str | None) -> None:
    checked = load(csv_file("source_id,highway,geometry", f'1,path,"{words}"'), "streets").checked
    assert _codes(checked) == ([] if code is None else [(2, "geometry", code, "error")])
    if code is None:
        assert checked.table.geometry.tolist() == [shapely.LineString([(117, 28), (117.1, 28)])]


def test_coordinates_in_columns_are_complained_of_by_their_column(csv_file: Write) -> None:
    path = csv_file("source_id,name,lon,lat", "1,a,117,28", "2,b,east,28", "3,c,117,", "4,d,28,117")
    assert _codes(load(path, "candidates").checked) == [
        (3, "lon", "not-a-number", "error"),
        (4, "lon, lat", "no-geometry", "error"),
        (5, "lon, lat", "coordinates-swapped", "error"),
    ]


def test_a_removed_building_needs_no_more_than_its_number(csv_file: Write) -> None:
    path = csv_file("source_id,removed,geometry", "1,yes,", "2,,")
    checked = load(path, "buildings").checked
    assert _codes(checked) == [(3, "geometry", "no-geometry", "error")]
    assert checked.table["source_id"].tolist() == ["1"]


# --- requests: coordinates as given ---


def test_a_request_may_have_no_place_and_keeps_its_coordinates_as_given(csv_file: Write) -> None:
    path = csv_file(
        "source,source_ref,channel,reported_at,lon,lat,crs,address_text",
        "a,1,hotline,2025-11-22,117.2,28.3,,",
        "a,2,courier,2025-11-22,117.21,28.31,GCJ-02,",
        "a,3,hotline,2025-11-22,,,,建设路1号",
        "a,4,hotline,2025-11-22,0,0,,",
        "a,5,hotline,2025-11-22,28.3,117.2,GCJ-02,",
    )
    checked = load(path, "requests").checked
    assert checked.table["source_ref"].tolist() == ["1", "2", "3"]
    assert checked.table["lon"].tolist()[:2] == [117.2, 117.21]
    assert checked.table.geometry.tolist() == [shapely.Point(117.2, 28.3), None, None]
    assert [c[2] for c in _codes(checked)] == ["null-island", "coordinates-swapped"]


# --- streets and water ---


def test_a_railway_class_in_the_street_class_moves_to_its_own_column(csv_file: Write) -> None:
    path = csv_file(
        "source_id,highway,geometry", '1,subway,"LINESTRING (117 28,117.1 28)"', '2,,"LINESTRING (117 28,117.1 28)"'
    )
    checked = load(path, "streets").checked
    assert checked.table["railway"].iloc[0] == "subway"
    assert checked.table["highway"].isna().all()
    assert _codes(checked) == [(3, "highway", "no-street-class", "warning")]


def test_mere_water_is_named_by_its_ending_and_its_size(geojson_file: Write, box: Box) -> None:
    rows = [("信江", 0.0001, "river"), ("月湖", 0.0001, "lake"), ("", 0.01, "lake"), ("", 0.0001, "pond")]
    path = geojson_file(
        *[({"source_id": i, "name": n, "water_kind": "water"}, box(117 + i, 28, s)) for i, (n, s, _) in enumerate(rows)]
    )
    assert load(path, "water").checked.table["water_kind"].tolist() == [k for *_, k in rows]


# --- repetitions ---


def test_the_same_row_twice_counts_once_and_a_different_one_is_a_conflict(csv_file: Write) -> None:
    path = csv_file(
        "source_id,name,lon,lat",
        "1,a,117,28",
        "1,a,117,28",
        "2,b,117,28",
        "2,B,117,28",
        "3,c,117,28",
        "3,c,117.1,28",
        "4,d,117,28",
    )
    checked = load(path, "candidates").checked
    assert checked.table["source_id"].tolist() == ["1", "4"]
    assert checked.counts.repeated == 1
    assert _codes(checked) == [(r, "source_id", "conflicting-duplicate", "error") for r in (4, 5, 6, 7)]
    assert "row 5" in checked.problems[0].message.en
    assert "第 4 行" in checked.problems[1].message.zh


def test_requests_are_told_apart_by_source_and_number(csv_file: Write) -> None:
    path = csv_file(
        "source,source_ref,channel,reported_at",
        "a,1,hotline,2025-11-22",
        "b,1,hotline,2025-11-22",
        "a,1,box,2025-11-22",
    )
    assert [c[0] for c in _codes(load(path, "requests").checked)] == [2, 4]


# --- many ---


def test_a_thousand_problems_are_listed_in_order_and_all_are_counted(csv_file: Write) -> None:
    path = csv_file("source_id,name,lon,lat", *[f"{i},,117,28" for i in range(1500)])
    checked = load(path, "candidates").checked
    assert len(checked.problems) == LISTED == 1000
    assert [p.row for p in checked.problems] == list(range(2, 1002))
    assert checked.counts.problems == {"missing-value": 1500}
    assert checked.counts.rejected == 1500


def test_every_problem_says_what_and_how_to_mend_it_in_both_languages(csv_file: Write) -> None:
    path = csv_file("source_id,name,storeys,lon,lat", ",x,y,200,99", "2,,z,0,0")
    for problem in load(path, "candidates").checked.problems:
        for text in (problem.message, problem.repair):
            assert text.zh.endswith("。")
            assert text.en.endswith(".")
