"""Every row of a file gets its grid, or the reason why it has none; what stood in the file stays as it was."""

from __future__ import annotations

import csv
import datetime as dt
import io
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely

from gridmap.core.offset_crs import wgs84_to_gcj02
from gridmap.errors import Cancelled, InputError, UnknownColumns, UnreadableFile
from gridmap.services import assigning
from gridmap.services.assigning import AssignOrder, assign_file
from gridmap.services.locate import Locator
from gridmap.store.database import Place
from tests.services import town


@pytest.fixture
def locator(town_template: Place) -> Locator:
    return Locator(town_template)


def read(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig"), newline="")))


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_each_row_is_answered_in_its_order_and_its_cells_stay_as_they_were(locator: Locator, tmp_path: Path) -> None:
    inside, outside = town.at(345, 100), town.at(-900, 100)
    source = write(
        tmp_path / "in.csv",
        "编号,经度,纬度,地址,备注\n"
        f"007,{inside[0]},{inside[1]},,'=1+1\n"
        ',,,春南苑2栋3单元501,"a,b\n c"\n'
        "18位 ,,,春南苑,\n"
        ",,,那棵大树旁边,\n"
        ",,,,\n"
        f"x,{outside[0]},{outside[1]},,\n"
        f"y,{inside[1]},{inside[0]},,\n"
        "z,abc,36.4,,\n"
        "n,0,0,,\n",
    )
    done = assign_file(locator, AssignOrder(source, tmp_path / "out.csv"))
    rows = read(tmp_path / "out.csv")
    before = list(csv.DictReader(io.StringIO(source.read_text(encoding="utf-8"), newline="")))
    assert [{k: r[k] for k in b} for r, b in zip(rows, before, strict=True)] == before
    assert list(rows[0]) == ["编号", "经度", "纬度", "地址", "备注", *assigning.ASSIGNED]
    said = [(r["method"], r["grid_code"], r["reason"]) for r in rows]
    assert said[0] == ("point", town.code(1, 0), "")
    assert said[1][0] == "building"
    assert rows[1]["building_id"] == "b001"
    assert rows[1]["community_code"] == town.COMMUNITY["A"]
    assert said[2] == ("estate", "", "needs=building")
    assert rows[2]["community_code"] == town.COMMUNITY["A"]
    assert [s[2] for s in said[3:]] == [
        "unknown_estate", "no-place", "outside", "coordinates-swapped", "not-a-number", "null-island",
    ]  # fmt: skip
    assert not any(s[1] for s in said[2:])
    assert done["rows"] == 9
    assert done["by_method"]["point"] == 1
    assert done["columns"] == {"lon": "经度", "lat": "纬度", "address": "地址"}


def test_rows_near_a_border_are_flagged_with_the_grids_that_they_may_belong_to(
    locator: Locator, tmp_path: Path
) -> None:
    near, far = town.at(197, 20), town.at(150, 20)
    source = write(tmp_path / "in.csv", f"lon,lat\n{near[0]},{near[1]}\n{far[0]},{far[1]}\n")
    assign_file(locator, AssignOrder(source, tmp_path / "out.csv"))
    first, second = read(tmp_path / "out.csv")
    assert first["near_boundary"] == "true"
    assert first["candidates"] == f"{town.code(0, 0)} 0.0 m; {town.code(1, 0)} 3.0 m"
    assert second["near_boundary"] == "false"
    assert second["candidates"] == ""
    assert float(second["boundary_m"]) == pytest.approx(20, abs=0.05)


def test_pieces_give_the_rows_of_the_whole(locator: Locator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    points = [town.at(*xy) for xy in rng.uniform(-50, 850, (500, 2))]
    source = write(tmp_path / "in.csv", "lon,lat\n" + "".join(f"{x},{y}\n" for x, y in points))
    assign_file(locator, AssignOrder(source, tmp_path / "whole.csv"))
    monkeypatch.setattr(assigning, "PIECE_ROWS", 7)
    told: list[float] = []
    assign_file(locator, AssignOrder(source, tmp_path / "pieces.csv"), progress=lambda share, _: told.append(share))
    assert (tmp_path / "pieces.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()
    assert told == sorted(told)
    assert told[-1] == 1
    compiled = Locator(locator._place, compiled=True)
    assign_file(compiled, AssignOrder(source, tmp_path / "compiled.csv"))
    assert (tmp_path / "compiled.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()


@pytest.mark.parametrize("ending", [".gpkg", ".geojson"])
def test_a_layer_keeps_its_shapes_and_their_middle_is_located(locator: Locator, tmp_path: Path, ending: str) -> None:
    middle, side = town.at(345, 100), town.at(395, 100)
    shapes = [shapely.Point(middle), shapely.Point(middle).buffer(1e-5), shapely.Point(side)]
    frame = gpd.GeoDataFrame({"name": ["甲", None, "丙"], "n": [1, 2, 3]}, geometry=shapes, crs=4326)
    source = tmp_path / f"in{ending}"
    frame.to_file(source)
    assign_file(locator, AssignOrder(source, tmp_path / f"out{ending}"))
    found = gpd.read_file(tmp_path / f"out{ending}")
    assert found["grid_code"].tolist() == [town.code(1, 0)] * 3
    assert found["n"].tolist() == [1, 2, 3]
    assert found.crs == 4326
    np.testing.assert_allclose(shapely.get_coordinates(found.geometry), shapely.get_coordinates(shapes), atol=1e-7)


@pytest.mark.parametrize("crs", [4326, town.EPSG])
def test_a_geoparquet_keeps_its_columns_their_types_and_its_bytes_of_geometry(
    locator: Locator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, crs: int
) -> None:
    monkeypatch.setattr(assigning, "PIECE_ROWS", 2)
    points = [shapely.Point(town.at(345, 100)), shapely.Point(town.at(-900, 100)), None]
    frame = gpd.GeoDataFrame(
        {
            "id": ["1", None, "3"],
            "n": np.array([1, 2, 3], dtype=np.int16),
            "day": [dt.date(2026, 1, d) for d in (1, 2, 3)],
        },
        geometry=points,
        crs=4326,
    ).to_crs(crs)
    frame.to_parquet(tmp_path / "in.parquet")
    done = assign_file(locator, AssignOrder(tmp_path / "in.parquet", tmp_path / "out.parquet"))
    found = gpd.read_parquet(tmp_path / "out.parquet")
    assert found["reason"].fillna("").tolist() == ["", "outside", "no-place"]
    assert found["grid_code"][0] == town.code(1, 0)
    assert done["rows"] == 3
    before = gpd.read_parquet(tmp_path / "in.parquet")
    assert found[before.columns].equals(before)
    assert found.dtypes[before.columns].equals(before.dtypes)
    assert found.crs == crs
    source = write(tmp_path / "in.csv", "lon,lat\n112.9,36.4\n")
    with pytest.raises(InputError, match="Only what comes from Parquet"):
        assign_file(locator, AssignOrder(source, tmp_path / "x.parquet"))


def test_a_parquet_cut_short_is_told_so(locator: Locator, tmp_path: Path) -> None:
    gpd.GeoDataFrame({"a": [1]}, geometry=[shapely.Point(112.9, 36.4)], crs=4326).to_parquet(tmp_path / "in.parquet")
    whole = (tmp_path / "in.parquet").read_bytes()
    (tmp_path / "in.parquet").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UnreadableFile, match="not a whole Parquet"):
        assign_file(locator, AssignOrder(tmp_path / "in.parquet", tmp_path / "out.csv"))


def test_phone_coordinates_are_brought_back_first(locator: Locator, tmp_path: Path) -> None:
    lon, lat = (float(v[0]) for v in wgs84_to_gcj02(*([v] for v in town.at(345, 100))))
    source = write(tmp_path / "in.csv", f"lng,lat\n{lon},{lat}\n")
    assign_file(locator, AssignOrder(source, tmp_path / "out.csv", crs="GCJ-02"))
    assert read(tmp_path / "out.csv")[0]["grid_code"] == town.code(1, 0)


@pytest.mark.parametrize(
    ("content", "order", "error", "words"),
    [
        ("a,b\n1,2\n", {}, UnknownColumns, "--map lon="),
        ("lon,lat\n1,2\n", {"mapping": {"lon": "x"}}, UnknownColumns, "the file has: lon, lat"),
        ("lon,lat\n1,2\n", {"mapping": {"colour": "lon"}}, UnknownColumns, "colour"),
        ("lon,lat,grid_code\n1,2,3\n", {}, UnknownColumns, "names already: grid_code"),
        ("lon,lat\n1,2,3\n", {}, UnreadableFile, "Row 2"),
        ('lon,lat\n1,"2\n', {}, UnreadableFile, "cut short|incomplete|ends"),
        ("lon,lon\n1,2\n", {}, UnreadableFile, "same name"),
        ("lon,lat\n", {"target": "out.doc"}, InputError, "'.doc' cannot be written"),
        ("lon,lat\n", {"target": "in.csv"}, InputError, "not written over"),
    ],
)
def test_what_cannot_be_done_is_said_and_nothing_is_written(
    locator: Locator, tmp_path: Path, content: str, order: dict[str, object], error: type[Exception], words: str
) -> None:
    source = write(tmp_path / "in.csv", content)
    target = tmp_path / str(order.pop("target", "out.csv"))
    with pytest.raises(error, match=words):
        assign_file(locator, AssignOrder(source, target, **order))
    assert [p.name for p in tmp_path.iterdir()] == ["in.csv"]
    assert source.read_text(encoding="utf-8") == content


def test_a_file_in_another_encoding_is_told_so(locator: Locator, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_bytes("经度,纬度,地址\n1,2,春南苑\n".encode("gb18030"))
    with pytest.raises(UnreadableFile, match="UTF-8"):
        assign_file(locator, AssignOrder(tmp_path / "in.csv", tmp_path / "out.csv"))


def test_a_table_without_rows_becomes_one_with_the_new_columns(locator: Locator, tmp_path: Path) -> None:
    source = write(tmp_path / "in.csv", "lon,lat\n")
    assert assign_file(locator, AssignOrder(source, tmp_path / "out.csv"))["rows"] == 0
    assert (tmp_path / "out.csv").read_text(encoding="utf-8-sig").strip() == ",".join(
        ["lon", "lat", *assigning.ASSIGNED]
    )


def test_stopped_on_the_way_no_file_appears(locator: Locator, tmp_path: Path) -> None:
    def stop(share: float, doing: object) -> None:
        raise Cancelled("停", "stop")

    source = write(tmp_path / "in.csv", "lon,lat\n112.9,36.4\n")
    with pytest.raises(Cancelled):
        assign_file(locator, AssignOrder(source, tmp_path / "out.csv"), progress=stop)
    assert [p.name for p in tmp_path.iterdir()] == ["in.csv"]
