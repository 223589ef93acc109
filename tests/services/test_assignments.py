"""Assignments from files: one operation, exact to the building, and every fault said before anything changes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely

from gridmap.errors import InputError, UnknownColumns, UnknownCrs, UnreadableFile
from gridmap.services import comparing
from gridmap.services.assignments import FORMATS, bring_file, export_assignments
from gridmap.services.plans import PlanDesk
from gridmap.store.database import Place
from tests.services import town
from tests.services.test_plans import NE, NW, SE, SW, give


@pytest.fixture
def desk(town_place: Place) -> PlanDesk:
    return PlanDesk(town_place)


@pytest.fixture
def plan(desk: PlanDesk) -> int:
    number = int(desk.new(title="改过的", who="anna")["id"])
    for building in ("b003", "b004", "b005"):
        desk.operate(number, give(building, NW), who="anna")
    desk.operate(number, {"kind": "merge", "grids": [SE, NE]}, who="anna")
    desk.operate(number, {"kind": "split", "grid": town.code(2, 0)}, who="anna")
    return number


@pytest.fixture
def empty(desk: PlanDesk) -> int:
    return int(desk.new(title="空的", who="ben")["id"])


def differs(desk: PlanDesk, one: int, other: int) -> list[Any]:
    with desk.snapshot() as seen:
        return list(comparing.told(comparing.compare(seen, f"plan:{one}", f"plan:{other}"))["buildings"])


def listed(file: Path, *rows: str) -> Path:
    file.write_text("building_id,grid_code\n" + "\n".join(rows) + "\n", encoding="utf-8")
    return file


@pytest.mark.parametrize("form", FORMATS)
def test_what_is_exported_comes_back_to_the_building(
    desk: PlanDesk, plan: int, empty: int, tmp_path: Path, form: str
) -> None:
    file = tmp_path / f"out.{form}"
    written = export_assignments(desk, plan, file, form=form)
    assert written == (48 if form == "csv" else 8)
    assert not list(tmp_path.glob(".writing*"))
    assert differs(desk, empty, plan)
    dry = bring_file(desk, empty, file, who="ben", make_grids=True)
    assert (dry["problems"], dry["buildings_missing"], len(dry["new_grids"])) == ([], [], 1)
    assert dry["step"]["committed"] is False
    assert desk.show(empty, who="ben")["revision"] == 0
    done = bring_file(desk, empty, file, who="ben", make_grids=True, commit=True)
    assert (done["step"]["kind"], done["step"]["revision"], done["step"]["ended"]) == ("import", 1, [NE])
    assert differs(desk, empty, plan) == []
    assert [e["kind"] for e in desk.log(empty)] == ["import"]
    desk.operate(empty, {"kind": "undo"}, who="ben")
    fresh = int(desk.new(title="真空", who="ben")["id"])
    assert differs(desk, empty, fresh) == []
    assert bring_file(desk, plan, file, who="ben", make_grids=True)["step"] is None


def test_a_dry_run_lists_what_is_unknown_twice_and_missing(desk: PlanDesk, empty: int, tmp_path: Path) -> None:
    rows = [f"nobody,{SW}", f"b000,{NW}", f"b000,{SW}", "b001,X9", ",x", f"b003,{NW}"]
    file = listed(tmp_path / "list.csv", *rows)
    told = bring_file(desk, empty, file, who="ben")
    assert (told["unknown_buildings"], told["buildings_twice"], told["unknown_codes"]) == (["nobody"], ["b000"], ["X9"])
    assert (len(told["buildings_missing"]), told["rejected"], len(told["problems"])) == (48 - 3, 1, 4)
    assert {g["code"] for g in told["step"]["grids"]} == {SW, NW}
    with pytest.raises(InputError, match="4 problems") as refused:
        bring_file(desk, empty, file, who="ben", commit=True)
    assert len(refused.value.problems) == 4
    assert desk.show(empty, who="ben")["revision"] == 0
    assert bring_file(desk, empty, file, who="ben", commit=True, skip_bad=True)["step"]["revision"] == 1
    made = bring_file(desk, empty, listed(tmp_path / "new.csv", "b001,X9"), who="ben", make_grids=True, commit=True)
    assert made["new_grids"] == ["X9"]


def test_polygons_drawn_with_a_shaky_hand_are_cleaned_reported_and_change_no_building(
    desk: PlanDesk, empty: int, tmp_path: Path
) -> None:
    rng = np.random.default_rng(7)
    places = [(c, r) for c in range(town.COLUMNS) for r in range(town.ROWS)]
    drawn = [shapely.get_coordinates(shapely.segmentize(town.block(c, r), 20.0))[:-1] for c, r in places]
    rings = [shapely.Polygon(xy + rng.uniform(-0.7, 0.7, xy.shape)) for xy in drawn]
    codes = [town.code(c, r) for c, r in places]
    file = tmp_path / "drawn.gpkg"
    gpd.GeoDataFrame({"网格编码": codes}, geometry=rings, crs=town.EPSG).to_file(file)
    told = bring_file(desk, empty, file, who="ben")
    assert (told["problems"], told["buildings_missing"]) == ([], [])
    assert told["cleaned"]["polygons"] == 8
    assert told["cleaned"]["overlap_m2"] > 0
    assert 0 < told["cleaned"]["shift_m"] < 3
    if told["step"] is not None:
        done = bring_file(desk, empty, file, who="ben", commit=True)
        assert done["step"]["score"]["households_moved"] == 0
    fresh = int(desk.new(title="真空", who="ben")["id"])
    assert differs(desk, empty, fresh) == []


def test_land_of_another_community_needs_to_be_asked_for(desk: PlanDesk, empty: int, tmp_path: Path) -> None:
    file = listed(tmp_path / "list.csv", f"b105,{town.code(2, 0)}")
    with pytest.raises(InputError, match="of other communities"):
        bring_file(desk, empty, file, who="ben")
    some = listed(tmp_path / "some.csv", f"b105,{town.code(2, 0)}", f"b201,{town.code(2, 1)}")
    assert "left_out_community" in [w["rule"] for w in bring_file(desk, empty, some, who="ben")["step"]["warnings"]]
    across = bring_file(desk, empty, file, who="ben", across_communities=True)["step"]
    assert across["cells"] > 0


@pytest.mark.parametrize(
    ("name", "content", "error"),
    [
        ("list.csv", "building_id,team\nb000,x\n", UnknownColumns),
        ("drawn.shp", "nonsense", UnreadableFile),
        ("drawn.gpkg", "nonsense", UnreadableFile),
    ],
)
def test_a_file_that_is_no_assignment_is_a_sentence(
    desk: PlanDesk, empty: int, tmp_path: Path, name: str, content: str, error: type[Exception]
) -> None:
    file = tmp_path / name
    file.write_text(content, encoding="utf-8")
    with pytest.raises(error):
        bring_file(desk, empty, file, who="ben")


def test_a_shapefile_needs_its_other_files_and_a_coordinate_system(desk: PlanDesk, plan: int, tmp_path: Path) -> None:
    file = tmp_path / "out.shp"
    export_assignments(desk, plan, file, form="shp")
    (tmp_path / "out.prj").unlink()
    with pytest.raises(UnknownCrs, match=r"\.prj"):
        bring_file(desk, plan, file, who="ben")
    (tmp_path / "out.dbf").unlink()
    with pytest.raises(UnreadableFile, match=r"\.dbf"):
        bring_file(desk, plan, file, who="ben")
    with pytest.raises(InputError, match="cannot be written"):
        export_assignments(desk, plan, tmp_path / "none" / "x.csv", form="csv")
    with pytest.raises(InputError, match="no format"):
        export_assignments(desk, plan, tmp_path / "x.doc", form="doc")
