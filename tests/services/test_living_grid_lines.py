"""Lines that divide grids inside a block stay where base data change: of imported polygons, of drafts, of planners.

The town of ``town``; the grid of its south-western block is divided by a line that follows nothing:

┌────────┐
│ ▭ ▭ ▭ .│  NORTH
│   . · ´│
│· ▭ ▭ ▭ │  SOUTH
└────────┘
"""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
import shapely.ops
from sqlalchemy import text

from gridmap.services import planlife
from gridmap.services.cells import make_cells
from gridmap.services.plans import PlanDesk
from gridmap.store.cells import live_cells
from gridmap.store.database import Place, engine_of
from gridmap.store.editions import assignment_in, edition_grids, editions
from gridmap.store.jurisdiction import jurisdiction
from tests.services import town
from tests.services.test_living_base_data import cells, change_file

SOUTH, NORTH = town.code(0, 0), f"{town.COMMUNITY['A']}009"
LINE = shapely.LineString([(town.X0 - 1, town.Y0 + 60), (town.X0 + 201, town.Y0 + 115)])


def divided() -> gpd.GeoDataFrame:
    """Return the grids of the town, the one of the south-western block in two."""
    grids = town.grids().to_crs(town.EPSG)
    parts = shapely.get_parts(shapely.ops.split(town.block(0, 0), LINE))
    south, north = parts[np.argsort(shapely.get_y(shapely.centroid(parts)))]
    other = grids[grids["code"] == SOUTH].assign(code=NORTH, name="北网格").set_geometry([north])
    grids.loc[grids["code"] == SOUTH, "geometry"] = south
    both = pd.concat([grids, other.set_crs(town.EPSG)], ignore_index=True)
    return town.lonlat({name: list(both[name]) for name in both.columns.drop("geometry")}, list(both.geometry))


def street(x0: float, y0: float, x1: float, y1: float) -> gpd.GeoDataFrame:
    line = shapely.LineString([(town.X0 + x0, town.Y0 + y0), (town.X0 + x1, town.Y0 + y1)])
    return town.lonlat({"source_id": ["new"], "name": ["新路"], "highway": ["residential"]}, [line])


def land(place: Place, edition: int | None = None) -> dict[str, Any]:
    """Return the land (metric) of the two grids in an edition, by default the last."""
    with engine_of(place).connect() as connection:
        srid = jurisdiction(connection).metric_srid
        number = editions(connection)[-1].id if edition is None else edition
        grids = edition_grids(connection, number, leaf=True).to_crs(srid).set_index("code")["geom"]
    return {code: grids[code] for code in (SOUTH, NORTH) if code in grids.index}


def unmoved(before: dict[str, Any], after: dict[str, Any]) -> bool:
    moved = [shapely.area(shapely.symmetric_difference(before[c], after[c])) / before[c].area for c in before]
    return before.keys() == after.keys() and max(moved) < 1e-3


def borders_along_line(place: Place) -> float:
    """Return on which share of the line cell borders run."""
    with engine_of(place).connect() as connection:
        srid = jurisdiction(connection).metric_srid
        shapes = live_cells(connection).to_crs(srid).geometry.to_numpy()
    inside = shapely.intersection(LINE, shapely.buffer(town.block(0, 0), -12))
    near = shapely.buffer(shapely.union_all(shapely.boundary(shapes)), 2.5)
    return float(shapely.intersection(inside, near).length / inside.length)


@pytest.fixture
def place(town_place: Place, importer) -> Place:
    importer(town_place, "grids", divided(), edition="分开版", effective_from="2026-02-01")
    make_cells(town_place, who="test")
    assert borders_along_line(town_place) > 0.95
    return town_place


ACROSS, BESIDE = street(70, -20, 70, 220), street(-20, 165, 220, 165)


@pytest.mark.parametrize("new", [ACROSS, BESIDE], ids=["across", "beside"])
def test_a_street_through_a_divided_block_leaves_both_grids_their_land(place: Place, importer, new) -> None:
    before = land(place)
    told = importer(place, "streets", new).effects["cells"]
    assert told["cells_new"] > 0
    assert told["doubtful"] == 0
    assert borders_along_line(place) > 0.95
    assert unmoved(before, land(place))


def test_a_line_that_planners_gave_up_does_not_come_back(place: Place, importer) -> None:
    desk = PlanDesk(place)
    plan = int(desk.new(title="合并", who="anna")["id"])
    desk.operate(plan, {"kind": "merge", "grids": [SOUTH, NORTH], "into": SOUTH}, who="anna")
    planlife.submit(desk, plan, who="anna")
    planlife.approve(desk, plan, who="berta")
    planlife.publish(desk, plan, name="合并版", who="berta")
    before = land(place)
    assert set(before) == {SOUTH}
    importer(place, "streets", ACROSS)
    assert unmoved(before, land(place))
    assert borders_along_line(place) < 0.3


def test_the_border_of_an_edition_that_waits_for_its_day_stays(town_place: Place, importer) -> None:
    importer(town_place, "grids", divided(), edition="明年版", effective_from="2099-01-01")
    make_cells(town_place, who="test")
    now, later = land(town_place, 2), land(town_place, 3)
    importer(town_place, "streets", ACROSS)
    assert set(now) == {SOUTH}
    assert unmoved(now, land(town_place, 2))
    assert unmoved(later, land(town_place, 3))


def test_the_border_of_a_draft_stays(town_place: Place, importer) -> None:
    importer(town_place, "grids", divided(), plan="明年方案")
    make_cells(town_place, who="test")

    def drafted() -> Any:
        with engine_of(town_place).connect() as connection:
            srid = jurisdiction(connection).metric_srid
            ids = connection.scalars(text("SELECT cell_id FROM gridmap.plan_assignment")).all()
            moved = live_cells(connection, ids=np.array(ids, dtype=np.int64)).to_crs(srid)
        return moved.union_all()

    before = drafted()
    assert shapely.area(before) > 10_000
    importer(town_place, "streets", ACROSS)
    assert shapely.area(shapely.symmetric_difference(before, drafted())) < 1e-3 * shapely.area(before)


def test_a_building_inside_a_divided_block_gives_the_same_cells_as_making_all_anew(place: Place, importer) -> None:
    borders = land(place)
    importer(place, "buildings", change_file(new=1, demolished=["b004"], enlarged=["b001"]))
    assert unmoved(borders, land(place))
    told = make_cells(place, who="test")
    assert (told["cells_new"], told["cells_replaced"]) == (0, 0)


def test_a_change_inside_a_divided_block_that_is_taken_back_leaves_no_trace(place: Place, importer) -> None:
    before = set(cells(place))
    importer(place, "buildings", change_file(new=1, enlarged=["b001"]))
    assert set(cells(place)) != before
    known = town.buildings()
    importer(place, "buildings", known[known["source_id"] == "b001"])
    importer(place, "buildings", change_file(new=1).assign(removed=True))
    assert set(cells(place)) == before


def test_new_cells_keep_the_codes_that_were_imported(place: Place, importer) -> None:
    importer(place, "streets", ACROSS)
    with engine_of(place).connect() as connection:
        found = live_cells(connection).set_index("id")
        uid = assignment_in(connection, 3).set_index("cell_id")["uid"]
        codes = edition_grids(connection, 3, leaf=True).set_index("uid")["code"]
    last = found["legacy_code"].str.split("|").str[-1]
    assert last.to_dict() == uid.map(codes).reindex(last.index).to_dict()
