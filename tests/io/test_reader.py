"""What a good file says arrives as it is: values, geometries, row numbers, and what was assumed."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely

from gridmap.io.reader import read_table

Write = Callable[..., Path]
POINT = {"type": "Point", "coordinates": [117.2, 28.3]}


def test_csv_rows_are_numbered_as_a_spreadsheet_numbers_them(csv_file: Write) -> None:
    raw = read_table(csv_file("id,name", "1,a", "", "2,b"))
    assert raw.rows.tolist() == [2, 4]
    assert raw.columns["name"].tolist() == ["a", "b"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_csv_is_read_with_and_without_bom_and_with_other_separators(
    csv_file: Write, encoding: str, separator: str
) -> None:
    raw = read_table(csv_file(f"编号{separator}名称", f"1{separator}清岩", encoding=encoding))
    assert list(raw.columns.columns) == ["编号", "名称"]
    assert raw.columns["名称"].tolist() == ["清岩"]


def test_csv_cells_keep_their_text_and_blank_is_missing(csv_file: Write) -> None:
    raw = read_table(csv_file("id,a,b", '001,"x, ""y""\nz",', "2,NA,null"))
    assert raw.columns["id"].tolist() == ["001", "2"]
    assert raw.columns["a"].tolist() == ['x, "y"\nz', "NA"]
    assert raw.columns["b"].tolist() == [None, "null"]


def test_the_guard_before_a_formula_is_taken_off_again(csv_file: Write) -> None:
    raw = read_table(csv_file("a", "'=1+1", "''=x", "'quoted'", "'"))
    assert raw.columns["a"].tolist() == ["=1+1", "'=x", "'quoted'", "'"]


def test_csv_rows_of_another_width_are_marked(csv_file: Write) -> None:
    raw = read_table(csv_file("id,a", "1,2", "1", "1,2,3"))
    assert raw.ragged.tolist() == [False, True, True]


def test_compressed_files_are_read_as_they_are(csv_file: Write, geojson_file: Write) -> None:
    for plain in (csv_file("id,name", "1,a"), geojson_file(({"id": 1, "name": "a"}, POINT))):
        packed = plain.with_name(plain.name + ".gz")
        packed.write_bytes(gzip.compress(plain.read_bytes()))
        assert read_table(packed).columns["name"].tolist() == ["a"]


def test_geojson_without_a_declared_system_needs_no_assumption(geojson_file: Write) -> None:
    raw = read_table(geojson_file(({"id": 1}, POINT)))
    assert raw.shapes is not None
    assert raw.shapes.geometry.tolist() == [shapely.Point(117.2, 28.3)]
    assert raw.notes == ()


def test_the_id_of_a_feature_is_a_column_unless_there_is_one(tmp_path: Path) -> None:
    path = tmp_path / "a.geojson"
    path.write_text(
        '{"type":"FeatureCollection","features":['
        '{"type":"Feature","id":"f1","properties":null,"geometry":null},'
        '{"type":"Feature","id":"f2","properties":{"id":"own"},"geometry":null}]}'
    )
    assert read_table(path).columns["id"].tolist() == ["f1", "own"]


def test_a_single_feature_is_a_collection_of_one(tmp_path: Path) -> None:
    path = tmp_path / "a.geojson"
    path.write_text('{"type":"Feature","properties":{"a":1},"geometry":{"type":"Point","coordinates":[1,2,3]}}')
    raw = read_table(path)
    assert raw.shapes is not None
    assert raw.shapes.geometry.tolist() == [shapely.Point(1, 2)]
    assert raw.shapes.raised.tolist() == [True]


def test_an_empty_collection_has_no_rows_and_says_so(geojson_file: Write) -> None:
    raw = read_table(geojson_file())
    assert len(raw) == 0
    assert "no records" in raw.notes[-1].en


def test_every_geometry_type_of_geojson_is_built(geojson_file: Write) -> None:
    shapes = [
        shapely.Point(1, 2),
        shapely.MultiPoint([(1, 2), (3, 4)]),
        shapely.LineString([(1, 2), (3, 4)]),
        shapely.MultiLineString([[(1, 2), (3, 4)], [(5, 6), (7, 8)]]),
        shapely.Polygon([(1, 1), (9, 1), (9, 9), (1, 9)], [[(2, 2), (3, 2), (3, 3)]]),
        shapely.MultiPolygon([shapely.box(1, 1, 2, 2), shapely.box(3, 3, 4, 4)]),
        shapely.MultiPolygon([shapely.box(1, 1, 2, 2)]),
        shapely.GeometryCollection([shapely.Point(1, 2)]),
    ]
    raw = read_table(geojson_file(*[({"n": i}, s.__geo_interface__) for i, s in enumerate(shapes)]))
    assert raw.shapes is not None
    assert raw.shapes.geometry.tolist() == shapes
    assert not raw.shapes.broken.any()


@pytest.mark.parametrize(
    "geometry",
    [
        {"type": "Nothing", "coordinates": []},
        {"type": "Point", "coordinates": ["117", "28"]},
        {"type": "Point", "coordinates": [117]},
        {"type": "Point", "coordinates": [True, False]},
        {"type": "Polygon", "coordinates": [[[1, 1], [2, 2], [1, 1]]]},
        {"type": "Polygon", "coordinates": [[]]},
        {"type": "LineString", "coordinates": [[1, 2]]},
        {"coordinates": [1, 2]},
        "POINT (1 2)",
        7,
    ],
)
def test_what_is_no_geometry_is_a_mark_on_its_row_and_does_not_harm_the_others(
    geojson_file: Write, geometry: object
) -> None:
    raw = read_table(geojson_file(({"n": 0}, POINT), ({"n": 1}, geometry), ({"n": 2}, POINT)))
    assert raw.shapes is not None
    assert raw.shapes.broken.tolist() == [False, True, False]
    assert [g is None for g in raw.shapes.geometry] == [False, True, False]


def test_a_geopackage_keeps_integers_texts_and_missing_values(tmp_path: Path) -> None:
    path = tmp_path / "a.gpkg"
    frame = gpd.GeoDataFrame(
        {"n": [1, None], "s": ["007", None], "t": [True, False]}, geometry=[shapely.Point(1, 2), None], crs=4490
    )
    frame.to_file(path)
    raw = read_table(path)
    assert raw.columns["s"].tolist() == ["007", None]
    assert raw.columns["n"].tolist() == [1, None]
    assert raw.columns["t"].tolist() == [True, False]
    assert raw.extra["fid"].tolist() == [1, 2]
    assert raw.notes == ()


def test_cgcs2000_degrees_are_taken_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "a.gpkg"
    gpd.GeoDataFrame({"n": [1]}, geometry=[shapely.Point(117.25, 28.5)], crs=4490).to_file(path)
    raw = read_table(path)
    assert raw.shapes is not None
    assert raw.shapes.geometry.tolist() == [shapely.Point(117.25, 28.5)]


def test_a_declared_projection_is_transformed_and_said(tmp_path: Path) -> None:
    path = tmp_path / "a.gpkg"
    gpd.GeoDataFrame({"n": [1]}, geometry=[shapely.Point(117.25, 28.5)], crs=4326).to_crs(4548).to_file(path)
    raw = read_table(path)
    assert raw.shapes is not None
    np.testing.assert_allclose(shapely.get_coordinates(raw.shapes.geometry), [[117.25, 28.5]], atol=1e-8)
    assert "CGCS2000 / 3-degree Gauss-Kruger CM 117E" in raw.notes[0].en


def test_an_undeclared_system_is_assumed_and_said(tmp_path: Path) -> None:
    path = tmp_path / "a.gpkg"
    with pytest.warns(UserWarning, match="crs"):
        gpd.GeoDataFrame({"n": [1]}, geometry=[shapely.Point(117.25, 28.5)]).to_file(path)
    assert "EPSG:4326" in read_table(path).notes[0].en
