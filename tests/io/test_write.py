"""What is written is read back the same, in every format, byte for byte the same each time."""

from __future__ import annotations

import csv
import json
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from gridmap.errors import InputError
from gridmap.io.load import load
from gridmap.io.tables import canonical
from gridmap.io.validate import KEYS
from gridmap.io.write import SAMPLE_FILES, write_layer, write_sample
from gridmap.model.kinds import KINDS, Column
from gridmap.sample import generate

FORMATS = [(kind, ending) for kind in KINDS for ending in ("gpkg", "csv", "geojson")]
FORMATS = [(k, e) for k, e in FORMATS if e != "geojson" or k in ("areas", "buildings", "grids", "requests", "streets")]

_LETTERS = st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp", "Zs"], exclude_characters="\ufeff\ufffe\uffff")
_words = st.text(_LETTERS | st.just(" "), min_size=1, max_size=12).map(str.strip).filter(bool)
_texts = st.one_of(
    _words, st.sampled_from(["=1+1", "+8", "-x", "@a", "'=x", "''", "a\nb", 'q"q', ",", "NA", "null", "007"])
)
_moments = st.integers(631152000000, 4102444800000).map(lambda ms: datetime.fromtimestamp(ms / 1000, UTC))
_degrees = st.floats(0.001, 80, allow_nan=False)
_TYPES: dict[str, Any] = {
    "integer": st.integers(1, 2**53),
    "number": st.floats(0, 1e9, allow_nan=False),
    "boolean": st.booleans(),
    "date": st.dates(date(1990, 1, 1), date(2100, 1, 1)),
    "datetime": _moments,
    "list": st.lists(_words.filter(lambda w: not set(w) & set(";；")), max_size=3).map(tuple),
}


def _cells(column: Column) -> Any:
    if column.choices:
        values = st.sampled_from(column.choices)
    elif column.name == "gates":
        return st.lists(st.tuples(_degrees, _degrees).map(lambda p: f"{p[0]} {p[1]}"), max_size=2).map(tuple)
    elif column.type == "text":
        values = st.integers(0, 10**15).map(str) if column.name.endswith(("code", "source_id")) else _texts
    else:
        values = _TYPES[column.type]
    return values if column.required or column.type == "list" else st.none() | values


def _point(x: float, y: float) -> shapely.Geometry:
    return shapely.Point(x, y)


def _line(x: float, y: float) -> shapely.Geometry:
    return shapely.LineString([(x, y), (x + 0.1, y), (x + 0.1, y + 0.3)])


def _polygon(x: float, y: float) -> shapely.Geometry:
    return shapely.Polygon(
        [(x, y), (x + 3, y), (x + 3, y + 3), (x, y + 3), (x, y)],
        [[(x + 1, y + 1), (x + 1, y + 2), (x + 2, y + 2), (x + 1, y + 1)]],
    )


def _pieces(x: float, y: float) -> shapely.Geometry:
    return shapely.MultiPolygon([shapely.box(x, y, x + 1, y + 1, ccw=True), _polygon(x + 2, y)])


_SHAPES = {"point": [_point], "line": [_line], "polygon": [_polygon, _pieces]}


@st.composite
def tables(draw: st.DrawFn, kind: str) -> pd.DataFrame:
    """Tables of a kind as they are after checking."""
    of = KINDS[kind]
    rows = draw(st.lists(st.fixed_dictionaries({c.name: _cells(c) for c in of.columns}), min_size=1, max_size=3))
    for i, row in enumerate(rows):
        for key in KEYS.get(kind, ("source_id",))[:1] if kind != "requests" else ("source_ref",):
            row[key] = f"{i}{row[key] or ''}"
        if kind == "requests":
            row["crs"], row["lon"], row["lat"] = None, None, None
        if "railway" in row:
            row["highway"] = row["highway"] or "residential"
        if of.geometry:
            make = draw(st.sampled_from([m for f in of.geometry for m in _SHAPES[f]]))
            row["geometry"] = make(draw(_degrees), draw(_degrees))
        if kind == "requests":
            row["lon"], row["lat"] = shapely.get_x(row["geometry"]), shapely.get_y(row["geometry"])
            row["title"] = row["description"] = row["address_text"] = draw(_words.map(_without_digits))
    return canonical(pd.DataFrame(rows), kind)


def _without_digits(text: str) -> str:
    return "".join(c for c in text if not c.isdigit()).strip() or "x"


@pytest.mark.parametrize(("kind", "ending"), FORMATS)
def test_what_is_written_is_read_back_the_same(
    kind: str, ending: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("round")

    # Shrinking whole tables takes minutes and tells little more than the difference itself.
    @settings(max_examples=5, phases=[Phase.generate])
    @given(tables(kind))
    def round_trip(table: pd.DataFrame) -> None:
        path = write_layer(table, folder / f"t.{ending}", kind)
        checked = load(path, kind, with_contacts=True).checked
        assert checked.problems == ()
        pd.testing.assert_frame_equal(checked.table, table)

    round_trip()


def _stations() -> pd.DataFrame:
    return canonical(
        pd.DataFrame(
            {
                "source_id": ["S1", "S2"],
                "name": ["=HYPERLINK(1)", "城市驿站"],
                "station_kind": ["hub", "shop"],
                "services": [("书吧", "打印"), ()],
                "check_code": [True, None],
                "geometry": [shapely.Point(117.2, 28.3), shapely.Point(117.1, 28.2)],
            }
        ),
        "stations",
    )


@pytest.mark.parametrize("ending", ["gpkg", "geojson", "csv"])
def test_the_same_table_gives_the_same_bytes(tmp_path: Path, ending: str) -> None:
    one = write_layer(_stations(), tmp_path / f"a.{ending}", "stations").read_bytes()
    two = write_layer(_stations(), tmp_path / f"b.{ending}", "stations").read_bytes()
    assert one == two


def test_text_that_a_spreadsheet_would_run_gets_an_apostrophe(tmp_path: Path) -> None:
    path = write_layer(_stations(), tmp_path / "a.csv", "stations")
    rows = list(csv.DictReader(path.read_text(encoding="utf-8-sig").splitlines()))
    assert rows[0]["name"] == "'=HYPERLINK(1)"
    assert rows[0]["lon"] == "117.2"
    assert rows[0]["services"] == "书吧;打印"


def test_numbers_below_zero_are_no_formulas(tmp_path: Path) -> None:
    table = canonical(
        pd.DataFrame({"source_id": ["1"], "layer": [-1], "geometry": [shapely.LineString([(1, 1), (2, 2)])]}), "streets"
    )
    path = write_layer(table, tmp_path / "a.csv", "streets")
    assert ",-1," in path.read_text(encoding="utf-8-sig")


def test_geojson_keeps_numbers_and_truth_values(tmp_path: Path) -> None:
    path = write_layer(_stations(), tmp_path / "a.geojson", "stations")
    first = json.loads(path.read_text())["features"][0]
    assert first["properties"]["check_code"] is True
    assert first["properties"]["tier"] is None
    assert first["geometry"] == {"type": "Point", "coordinates": [117.2, 28.3]}


def test_a_geopackage_has_one_layer_named_after_the_kind_and_real_dates(tmp_path: Path) -> None:
    import pyogrio

    table = canonical(
        pd.DataFrame({"households": [1], "basis": ["resident"], "figure_date": ["2025-11-22"], "estate": ["a"]}),
        "households",
    )
    path = write_layer(table, tmp_path / "a.gpkg", "households")
    info = pyogrio.read_info(path, layer="households")
    assert dict(zip(info["fields"], info["dtypes"], strict=True))["figure_date"] == "datetime64[D]"
    assert info["geometry_type"] is None


def test_a_request_with_only_a_point_writes_it_as_given(tmp_path: Path) -> None:
    table = canonical(
        pd.DataFrame(
            {
                "source": ["a"],
                "source_ref": ["1"],
                "channel": ["hotline"],
                "reported_at": ["2025-11-22T00:00:00Z"],
                "geometry": [shapely.Point(117.2, 28.3)],
            }
        ),
        "requests",
    )
    read = load(write_layer(table, tmp_path / "a.csv", "requests"), "requests").checked.table
    assert read.geometry.tolist() == table.geometry.tolist()
    assert read[["lon", "lat", "crs"]].iloc[0].tolist() == [117.2, 28.3, "EPSG:4326"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("ending", ["gpkg", "csv"])
def test_a_table_without_rows_can_be_written_and_read(tmp_path: Path, kind: str, ending: str) -> None:
    path = write_layer(canonical(pd.DataFrame(), kind), tmp_path / f"a.{ending}", kind)
    assert len(load(path, kind).checked.table) == 0


def test_other_endings_and_maps_of_tables_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be written"):
        write_layer(_stations(), tmp_path / "a.shp", "stations")
    with pytest.raises(InputError, match="have no geometry"):
        write_layer(canonical(pd.DataFrame(), "people"), tmp_path / "a.geojson", "people")


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_layer(_stations(), tmp_path / "a.csv", "stations")
    before = path.read_bytes()

    def full(_: Path, __: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space"):
        write_layer(_stations().iloc[:1], path, "stations")
    assert path.read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.csv"]


def test_a_county_is_written_one_file_for_each_table(tmp_path: Path) -> None:
    empty = {name: canonical(pd.DataFrame(), kind) for name, (kind, _) in SAMPLE_FILES.items()}
    county = SimpleNamespace(**(empty | {"stations": _stations()}), truth={"large": [np.int64(3)], 1: "x"})
    written = write_sample(county, tmp_path / "county")
    assert {p.name for p in written.values()} == {p.name for p in (tmp_path / "county").iterdir()}
    assert json.loads(written["truth"].read_text()) == {"large": [3], "1": "x"}
    for name, (kind, _) in SAMPLE_FILES.items():
        table = load(written[name], kind).checked.table
        pd.testing.assert_frame_equal(table, getattr(county, name))


def test_a_county_without_one_of_its_tables_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="areas"):
        write_sample(SimpleNamespace(truth={}), tmp_path)


def test_the_sample_county_passes_through_its_files_without_a_word_of_complaint(tmp_path: Path) -> None:
    county = generate(seed=3, buildings=600)
    written = write_sample(county, tmp_path)
    for name, (kind, _) in SAMPLE_FILES.items():
        loaded = load(written[name], kind, with_contacts=True)
        assert loaded.checked.problems == (), name
        assert loaded.recognition.unused == ()
        wanted = canonical(getattr(county, name), kind)
        if kind == "requests":
            # numbers inside the words were masked, and points were made of the coordinates as given
            wanted[["description", "geometry"]] = loaded.checked.table[["description", "geometry"]]
        pd.testing.assert_frame_equal(loaded.checked.table, wanted, obj=name)
