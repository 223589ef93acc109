"""Every file that is no good gets one sentence in Chinese and English: what it is, and what to do."""

from __future__ import annotations

import gzip
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import pytest
import shapely

from gridmap.errors import GridmapError, InputError, TooLarge, UnknownCrs, UnreadableFile
from gridmap.io.files import unchanged
from gridmap.io.reader import list_layers, read_table


def _gpkg(path: Path, *layers: str, crs: object = "EPSG:4326") -> Path:
    for name in layers:
        gpd.GeoDataFrame({"a": [1]}, geometry=[shapely.Point(117, 28)], crs=crs).to_file(
            path, layer=name, driver="GPKG"
        )
    return path


def _cut_gpkg(folder: Path) -> Path:
    path = _gpkg(folder / "cut.gpkg", "grids")
    path.write_bytes(path.read_bytes()[:20_000])
    return path


def _damaged_gpkg(folder: Path) -> Path:
    path = _gpkg(folder / "damaged.gpkg", "grids")
    content = bytearray(path.read_bytes())
    content[100:4096] = b"\xff" * 3996
    path.write_bytes(bytes(content))
    return path


def _plain_sqlite(folder: Path) -> Path:
    path = folder / "notes.gpkg"
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE notes (words TEXT)")
    database.close()
    return path


def _virtual_gpkg(folder: Path) -> Path:
    path = _gpkg(folder / "virtual.gpkg", "grids")
    with sqlite3.connect(path) as database:
        database.execute("CREATE VIRTUAL TABLE words USING fts4(a)")
    database.close()
    return path


def _edited_gpkg(folder: Path) -> Path:
    path = _gpkg(folder / "open.gpkg", "grids")
    path.with_name("open.gpkg-wal").write_bytes(b"x")
    return path


def _no_layer(folder: Path) -> Path:
    path = _gpkg(folder / "none.gpkg", "grids")
    with sqlite3.connect(path) as database:
        database.execute("DELETE FROM gpkg_contents")
    database.close()
    return path


def _pipe(folder: Path) -> Path:
    path = folder / "pipe.csv"
    os.mkfifo(path)
    return path


def _written(name: str, content: bytes) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        path = folder / name
        path.write_bytes(content)
        return path

    return write


def _folder(folder: Path) -> Path:
    path = folder / "grids.gpkg"
    path.mkdir()
    return path


CUT_GZIP = gzip.compress(b'{"type":"FeatureCollection","features":[]}' * 50)[:-20]
BOMB = gzip.compress(b" " * 30_000_000)
XLSX = b"PK\x03\x04" + b"\0" * 60
VRT = b'<OGRVRTDataSource><OGRVRTLayer name="x"><SrcDataSource>/etc/passwd</SrcDataSource></OGRVRTLayer>'
ALGORITHM = b'{"type":"gdal_streamed_alg","command_line":"gdal vector pipeline ! read /etc/passwd"}'
DEEP = b'{"a":' * 100_000 + b"1" + b"}" * 100_000

BAD = {
    "missing": (lambda f: f / "nowhere.csv", UnreadableFile, "没有找到文件", "There is no file"),
    "folder": (_folder, UnreadableFile, "是文件夹", "is a folder"),
    "empty": (_written("a.geojson", b""), UnreadableFile, "是空的", "is empty"),
    "pipe": (_pipe, UnreadableFile, "不是普通文件", "not a plain file"),
    "unknown ending": (_written("a.pdf", b"%PDF"), UnreadableFile, "不认识", "is not known"),
    "web address": (lambda _: "https://example.org/a.geojson", UnreadableFile, "不读网址", "no web addresses"),
    "virtual name": (lambda _: "/vsicurl/https://example.org/a.csv", UnreadableFile, "/vsi", "no /vsi"),
    "gpkg that is text": (_written("a.gpkg", b"hello"), UnreadableFile, "不是 GeoPackage", "is not GeoPackage"),
    "gpkg cut short": (_cut_gpkg, UnreadableFile, "不完整或已损坏", "cut short or damaged"),
    "gpkg damaged": (_damaged_gpkg, UnreadableFile, "不完整或已损坏", "cut short or damaged"),
    "sqlite, no gpkg": (_plain_sqlite, UnreadableFile, "但不是 GeoPackage", "but no GeoPackage"),
    "gpkg with virtual tables": (_virtual_gpkg, UnreadableFile, "虚拟表", "virtual tables"),
    "gpkg being edited": (_edited_gpkg, UnreadableFile, "另一个程序编辑", "being edited in another program"),
    "gpkg without layer": (_no_layer, UnreadableFile, "没有图层", "has no layer"),
    "gpkg with several": (
        lambda f: _gpkg(f / "two.gpkg", "old", "new"),
        UnreadableFile,
        "有 2 个图层,请指定其中一个:old, new",
        "has 2 layers; name one of them: old, new",
    ),
    "vrt in geojson": (_written("a.geojson", VRT), UnreadableFile, "内容不是 GeoJSON", "is not GeoJSON"),
    "algorithm in geojson": (
        _written("a.json", ALGORITHM),
        UnreadableFile,
        "不是 GeoJSON 要素集",
        "no GeoJSON Feature",
    ),
    "json cut short": (
        _written("a.geojson", b'{"type":"FeatureCollection","features":[{"type":'),
        UnreadableFile,
        "不完整或已损坏",
        "cut short or damaged",
    ),
    "json broken": (_written("a.geojson", b'{"type":\n "x",,}'), UnreadableFile, "第 2 行第 6 列", "line 2, column 6"),
    "json of another sort": (_written("a.geojson", b'{"a": 1}'), UnreadableFile, "不是 GeoJSON 要素集", "no GeoJSON F"),
    "json too deep": (
        _written("a.geojson", DEEP),
        UnreadableFile,
        "不是 GeoJSON 要素集",
        "no GeoJSON FeatureCollection",
    ),
    "json in gbk": (
        _written("a.geojson", '{"type":"网格"}'.encode("gbk")),
        UnreadableFile,
        "不是 UTF-8",
        "not GeoJSON in UTF-8",
    ),
    "gzip cut short": (_written("a.geojson.gz", CUT_GZIP), UnreadableFile, "不完整或已损坏", "cut short or damaged"),
    "gzip bomb": (_written("a.csv.gz", BOMB), TooLarge, "超过上限", "larger (unpacked) than the limit"),
    "gz that is none": (_written("a.csv.gz", b"a,b\n"), UnreadableFile, "内容不是 CSV", "is not CSV"),
    "xlsx called csv": (_written("a.csv", XLSX), UnreadableFile, "内容不是 CSV", "is not CSV"),
    "csv in gbk": (
        _written("a.csv", "id,名称\n1,清岩\n".encode("gbk")),
        UnreadableFile,
        "不是 UTF-8 编码(第 1 行起)",
        "not in UTF-8 (from line 1)",
    ),
    "csv with open quote": (
        _written("a.csv", b'id,name\n1,"open'),
        UnreadableFile,
        "不完整或已损坏",
        "cut short or damaged",
    ),
    "csv with odd quotes": (_written("a.csv", b'id,name\n1,"a"b\n'), UnreadableFile, "引号不成对", "do not pair up"),
    "csv without header": (_written("a.csv", b",,\n1,2,3\n"), UnreadableFile, "没有列名", "no column names"),
    "csv with twins": (_written("a.csv", b"id,name,name\n1,a,b\n"), UnreadableFile, "同名的列:name", "same name: name"),
}


@pytest.mark.parametrize("case", BAD, ids=list(BAD))
def test_a_bad_file_gets_its_sentence_in_both_languages(case: str, tmp_path: Path) -> None:
    make, kind, zh, en = BAD[case]
    with pytest.raises(GridmapError) as caught:
        read_table(make(tmp_path))
    assert type(caught.value) is kind
    assert zh in caught.value.zh
    assert en in caught.value.en
    assert str(tmp_path) not in caught.value.zh + caught.value.en


def test_the_error_for_a_missing_layer_lists_those_that_are_there(tmp_path: Path) -> None:
    path = _gpkg(tmp_path / "two.gpkg", "old", "new")
    with pytest.raises(UnreadableFile, match=r"no layer 'grids'\. Its layers are: old, new"):
        read_table(path, layer="grids")
    assert list_layers(path) == ("old", "new")


def test_a_layer_named_like_the_kind_is_taken_and_said(tmp_path: Path) -> None:
    raw = read_table(_gpkg(tmp_path / "two.gpkg", "old", "Grids"), prefer="grids")
    assert raw.layer == "Grids"
    assert "by its name" in raw.notes[0].en


def test_a_layer_name_for_a_file_without_layers_is_refused(tmp_path: Path) -> None:
    path = _written("a.csv", b"id\n1\n")(tmp_path)
    assert list_layers(path) == ()
    with pytest.raises(UnreadableFile, match="has no layers"):
        read_table(path, layer="grids")


def test_a_file_over_the_limit_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = _written("a.csv", b"id\n" + b"1\n" * 2000)(tmp_path)
    with pytest.raises(TooLarge, match="raise the limit"):
        read_table(path, max_bytes=1000)


def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path: Path) -> None:
    path = _written("a.csv", b"id\n1\n")(tmp_path)
    with pytest.raises(InputError, match="changed while it was read"), unchanged(path):
        path.write_bytes(b"id\n1\n2\n")


def test_a_coordinate_system_tied_to_no_place_is_refused(tmp_path: Path) -> None:
    local = 'LOCAL_CS["drawing",UNIT["metre",1]]'
    with pytest.raises(UnknownCrs, match="tied to no place on Earth"):
        read_table(_gpkg(tmp_path / "cad.gpkg", "grids", crs=local))


def test_a_coordinate_system_nobody_knows_is_refused(geojson_file: Callable[..., Path]) -> None:
    crs = {"type": "name", "properties": {"name": "urn:x:1"}}
    path = geojson_file(({"id": 1}, {"type": "Point", "coordinates": [117, 28]}), crs=crs)
    with pytest.raises(UnknownCrs, match="is not known"):
        read_table(path)
