"""Columns are found by what was asked, then by name, then by title and known words; all of it is explained."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from gridmap.errors import InputError, UnknownColumns
from gridmap.io.load import load
from gridmap.io.reader import read_table
from gridmap.io.recognise import Shape, parse_mapping, recognise
from gridmap.model.kinds import KINDS

Write = Callable[..., Path]


def _found(path: Path, kind: str, *mapping: str) -> dict[str, tuple[str, str]]:
    found = recognise(read_table(path), kind, mapping=parse_mapping(mapping))
    return {m.ours: (m.theirs, m.how) for m in found.matches}


def test_the_same_name_is_found_whatever_its_case(csv_file: Write) -> None:
    assert _found(csv_file("SOURCE_ID,Name", "1,a"), "stations") == {
        "source_id": ("SOURCE_ID", "exact"),
        "name": ("Name", "exact"),
    }


def test_what_was_asked_goes_before_the_same_name(csv_file: Write) -> None:
    found = _found(csv_file("source_id,name,站名", "1,a,b"), "stations", "name=站名")
    assert found["name"] == ("站名", "asked")


def test_every_column_is_found_by_its_own_chinese_title() -> None:
    for kind in KINDS.values():
        titles = [c.title.zh for c in kind.columns]
        assert len(set(titles)) == len(titles), f"{kind.name} has two columns of one title"


def test_county_lists_are_found_by_their_usual_words(csv_file: Write) -> None:
    path = csv_file("编号,小区,楼号,户数(户),人口,口径,统计日期", "1,a,1栋,24,60,常住,2025-11-01")
    assert {ours: theirs for ours, (theirs, _) in _found(path, "households").items()} == {
        "estate": "小区",
        "number": "楼号",
        "households": "户数(户)",
        "people": "人口",
        "basis": "口径",
        "figure_date": "统计日期",
    }


def test_a_column_is_given_away_only_once(csv_file: Write) -> None:
    found = _found(csv_file("编号,类型", "1,a"), "grids")
    assert found == {"code": ("编号", "synonym"), "grid_kind": ("类型", "synonym")}


def test_a_quoted_value_stands_in_every_row(csv_file: Write) -> None:
    path = csv_file("source_id,name,lon,lat", "1,a,117,28", "2,b,117,28.1")
    loaded = load(path, "areas", mapping={"level": "'community'"})
    assert loaded.checked.table["level"].tolist() == ["community", "community"]


def test_points_come_from_longitude_and_latitude_under_many_names(csv_file: Write) -> None:
    for lon, lat in (("lon", "lat"), ("经度", "纬度"), ("X", "Y"), ("lng", "latitude")):
        raw = read_table(csv_file(f"source_id,name,{lon},{lat}", "1,a,117,28"))
        assert recognise(raw, "candidates").shape == Shape("lonlat", (lon, lat))


def test_polygons_come_from_a_column_of_wkt_but_never_from_a_point(csv_file: Write) -> None:
    raw = read_table(csv_file("code,WKT", '1,"POLYGON ((1 1,2 1,2 2,1 1))"'))
    assert recognise(raw, "grids").shape == Shape("wkt", ("WKT",))
    raw = read_table(csv_file("code,lon,lat", "1,117,28"))
    assert recognise(raw, "grids").shape is None


def test_what_is_unused_and_missing_is_said_in_both_languages(csv_file: Write) -> None:
    raw = read_table(csv_file("编号,名称,备注", "1,a,x"))
    found = recognise(raw, "candidates")
    assert found.unused == ("备注",)
    assert found.required == ("geometry",)
    words = found.explained()
    assert any("来源编号(source_id)← 编号" in w.zh for w in words)
    assert any(w.en == "unused columns: 备注" for w in words)
    assert any("property_kind" in w.en for w in words)


@pytest.mark.parametrize(
    ("mapping", "words"),
    [
        ({"nmae": "名称"}, "candidates has no column 'nmae'"),
        ({"name": "题目"}, "The file has no column '题目'. Its columns are: 编号, 名称"),
    ],
)
def test_a_mapping_to_nothing_is_refused_with_what_there_is(
    csv_file: Write, mapping: dict[str, str], words: str
) -> None:
    raw = read_table(csv_file("编号,名称", "1,a"))
    with pytest.raises(UnknownColumns, match=words):
        recognise(raw, "candidates", mapping=mapping)


@pytest.mark.parametrize("word", ["name", "=x", "name=", ""])
def test_a_mapping_that_is_no_pair_is_refused(word: str) -> None:
    with pytest.raises(InputError, match="ours=theirs"):
        parse_mapping([word])


def test_a_column_mapped_twice_is_refused() -> None:
    with pytest.raises(InputError, match="named twice"):
        parse_mapping(["name=a", "name=b"])


def test_missing_columns_are_named_with_the_way_to_give_them(csv_file: Write) -> None:
    with pytest.raises(UnknownColumns) as caught:
        load(csv_file("题目,lon,lat", "a,117,28"), "stations")
    assert "source_id, name, station_kind" in caught.value.en
    assert "--map source_id=COLUMN" in caught.value.en
    assert "来源编号(source_id)、名称(name)、类别(station_kind)" in caught.value.zh


def test_the_number_of_a_feature_is_an_identifier_only_when_asked_for(tmp_path: Path) -> None:
    import geopandas as gpd
    import shapely

    path = tmp_path / "a.gpkg"
    gpd.GeoDataFrame({"name": ["a"]}, geometry=[shapely.Point(117, 28)], crs=4326).to_file(path)
    with pytest.raises(UnknownColumns):
        load(path, "candidates")
    assert load(path, "candidates", mapping={"source_id": "fid"}).checked.table["source_id"].tolist() == ["1"]


def test_only_the_rows_that_meet_a_condition_are_taken(csv_file: Write) -> None:
    path = csv_file("source_id,name,sort,lon,lat", "1,a,x,117,28", "2,b,y,117,28", "3,c,x,117,28")
    loaded = load(path, "candidates", where={"sort": "x"})
    assert loaded.checked.table["source_id"].tolist() == ["1", "3"]
    assert "1 rows do not meet the condition" in loaded.checked.notes[0].en
    with pytest.raises(UnknownColumns, match="no column 'kind'"):
        load(path, "candidates", where={"kind": "x"})
