"""The change pack of a plan: all that people need, in one folder or ZIP, and nothing half written (see town)."""

from __future__ import annotations

import csv
import zipfile
from pathlib import Path
from typing import Any

import geopandas as gpd
import openpyxl
import pandas as pd
import pytest

from gridmap.errors import InputError, NotFound
from gridmap.services.changepack import FILES, write_pack, write_pack_zip
from gridmap.services.plans import PlanDesk
from gridmap.services.walking import Walker
from gridmap.store.database import Place
from tests.services import town
from tests.services.test_plans import NE, NW, SE, SW, give
from tests.services.test_plans_published import point_of


@pytest.fixture
def desk(town_place: Place, importer: Any) -> PlanDesk:
    (lon, lat), (far, off) = point_of("b003"), point_of("b300")
    table = pd.DataFrame(
        {
            "source": "12345", "source_ref": ["=open", "closed", "elsewhere"], "channel": "hotline",
            "title": "漏水", "description": "电话 13800000000", "state": ["received", "closed", "received"],
            "lon": [lon, lon, far], "lat": [lat, lat, off], "reported_at": "2026-06-01T08:00:00+08:00",
            "closed_at": [None, "2026-06-02T08:00:00+08:00", None],
        }
    )  # fmt: skip
    importer(town_place, "requests", table)
    return PlanDesk(town_place)


@pytest.fixture
def plan(desk: PlanDesk) -> int:
    number = int(desk.new(title="=明年方案", who="anna")["id"])
    desk.operate(number, give("b003", NW), who="anna")
    desk.operate(number, {"kind": "merge", "grids": [SE, NE]}, who="anna")
    return number


def rows_of(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8-sig", newline="") as opened:
        return list(csv.DictReader(opened))


def test_a_pack_holds_everything_that_follows_from_the_change(desk: PlanDesk, plan: int, tmp_path: Path) -> None:
    folder = tmp_path / "new" / "pack"
    names = write_pack(desk, plan, folder, walker=Walker(desk.place), language="en")
    assert names == list(FILES)
    assert sorted(f.name for f in folder.iterdir()) == sorted(FILES)
    assert [f.name for f in folder.parent.iterdir()] == ["pack"]
    moved = {row["building"]: row for row in rows_of(folder / "crosswalk.csv")}
    assert set(moved) == {"b003", *(f"b11{k}" for k in range(6))}
    assert (moved["b003"]["old"], moved["b003"]["new"], moved["b003"]["address"]) == (SW, NW, "春南苑4栋")
    pairs = {(row["old"], row["new"]): row for row in rows_of(folder / "pairs.csv")}
    assert (pairs[SW, NW]["households"], pairs[NE, SE]["relation"]) == ("50", "merge")
    addresses = {(row["old"], row["place"]): row["numbers"] for row in rows_of(folder / "addresses.csv")}
    assert addresses == {(SW, "春南苑"): "4栋", (NE, "夏北苑"): "1–6栋"}
    handover = {row["building"]: row for row in rows_of(folder / "handover.csv")}
    assert handover["b003"]["open_requests"] == "1"
    assert handover["b003"]["old_team"] != handover["b003"]["new_team"]
    (request,) = rows_of(folder / "requests.csv")
    assert (request["source_ref"], request["old"], request["new"]) == ("'=open", SW, NW)
    grids = {row["code"]: row for row in rows_of(folder / "grids.csv")}
    assert (grids[NW]["households_before"], grids[NW]["households_after"]) == ("300", "350")
    assert "横1路" in grids[NE]["borders_before"]
    assert grids[NE]["borders_after"] == ""
    assert grids[SE]["borders_after"] == (
        "East: to 纵2路; south: to the border of the jurisdiction; west: to 纵1路; "
        "north: to the border of the jurisdiction."
    )
    coverage = {row["code"]: row for row in rows_of(folder / "coverage.csv")}
    assert int(coverage[SE]["households_after"]) == 600
    assert coverage[NE]["households_after"] == ""


def test_spreadsheets_hold_text_as_text_and_never_a_formula(desk: PlanDesk, plan: int, tmp_path: Path) -> None:
    write_pack(desk, plan, tmp_path / "pack", walker=Walker(desk.place))
    book = openpyxl.load_workbook(tmp_path / "pack" / "crosswalk.xlsx")
    assert book.sheetnames == ["对照表", "楼栋", "地址", "交接", "诉求", "服务圈", "网格四至"]
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.value is not None]
    assert [cell.value for cell in cells if cell.data_type == "f"] == []
    assert "=open" in {cell.value for cell in cells}
    assert {cell.data_type for cell in cells if str(cell.value) in {SW, NW}} == {"s"}


def test_layers_and_maps_show_the_grids_before_and_after(desk: PlanDesk, plan: int, tmp_path: Path) -> None:
    write_pack(desk, plan, tmp_path / "pack", walker=Walker(desk.place))
    layers = {name: gpd.read_file(tmp_path / "pack" / "grids.gpkg", layer=name) for name in ("before", "after")}
    assert set(layers["before"]["code"]) - set(layers["after"]["code"]) == {NE}
    assert len(gpd.read_file(tmp_path / "pack" / "grids.geojson")) == 7
    before, after = ((tmp_path / "pack" / f"map-{when}.html").read_text("utf-8") for when in ("before", "after"))
    assert NE in before
    assert NE not in after
    assert '"现行版"' in before
    assert '"现行版"' not in after


def test_no_page_of_the_pack_holds_text_of_a_resident_or_runs_a_name(desk: PlanDesk, tmp_path: Path) -> None:
    number = int(desk.new(title="<script>alert(1)</script>", who="anna")["id"])
    desk.operate(number, give("b003", NW), who="anna")
    desk.operate(number, {"kind": "rename", "grid": NW, "name": "<b>甲</b>"}, who="anna")
    write_pack(desk, number, tmp_path / "pack", walker=Walker(desk.place))
    for file in (tmp_path / "pack").iterdir():
        content = file.read_bytes()
        assert "漏水".encode() not in content
        assert b"13800000000" not in content
    for page in ("summary.html", "handover.html"):
        said = (tmp_path / "pack" / page).read_text("utf-8")
        assert "<script" not in said
        assert "<b>甲" not in said
    summary = (tmp_path / "pack" / "summary.html").read_text("utf-8")
    assert "东至" in summary
    assert "批准人" in summary
    assert "<svg" in summary


def test_a_folder_in_use_or_not_writable_is_refused_and_stays_as_it_was(
    desk: PlanDesk, plan: int, tmp_path: Path
) -> None:
    full, file = tmp_path / "full", tmp_path / "file"
    full.mkdir()
    (full / "mine.txt").write_text("x")
    file.write_text("x")
    walker = Walker(desk.place)
    for target, reason in ((full, "not empty"), (file, "is a file"), (file / "below", "cannot be written")):
        with pytest.raises(InputError, match=reason):
            write_pack(desk, plan, target, walker=walker)
    with pytest.raises(NotFound):
        write_pack(desk, 77, tmp_path / "none", walker=walker)
    assert sorted(f.name for f in tmp_path.iterdir()) == ["file", "full"]
    assert [f.name for f in full.iterdir()] == ["mine.txt"]


def test_a_pack_is_one_zip_file_and_a_stopped_one_leaves_nothing(desk: PlanDesk, plan: int, tmp_path: Path) -> None:
    file = tmp_path / "pack.zip"
    names = write_pack_zip(desk, plan, file, walker=Walker(desk.place))
    with zipfile.ZipFile(file) as archive:
        assert archive.namelist() == names == list(FILES)
        assert archive.testzip() is None

    def stop(share: float, _: object) -> None:
        if share > 0.5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_pack(desk, plan, tmp_path / "stopped", walker=Walker(desk.place), progress=stop)
    assert [f.name for f in tmp_path.iterdir()] == ["pack.zip"]


def test_a_plan_that_changes_nothing_has_a_pack_that_says_so(desk: PlanDesk, tmp_path: Path) -> None:
    number = int(desk.new(title="空", who="anna")["id"])
    write_pack(desk, number, tmp_path / "pack", walker=Walker(desk.place))
    assert "没有土地换网格" in (tmp_path / "pack" / "summary.html").read_text("utf-8")
    assert rows_of(tmp_path / "pack" / "handover.csv") == []
    assert town.code(0, 0) in (tmp_path / "pack" / "pairs.csv").read_text("utf-8")
