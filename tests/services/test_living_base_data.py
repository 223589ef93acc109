"""A change of base data re-makes the blocks it touches; editions and drafts follow; the past stays as it was."""

from __future__ import annotations

from datetime import UTC, datetime

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from sqlalchemy import text

from gridmap.services.cells import make_cells
from gridmap.services.check import check
from gridmap.services.locate import Locator
from gridmap.store.cells import live_cells
from gridmap.store.database import Place, engine_of
from gridmap.store.editions import edition_grids
from gridmap.store.jurisdiction import jurisdiction
from tests.services import town

LAST_YEAR = datetime(2025, 6, 1, tzinfo=UTC)


def cells(place: Place) -> pd.Series:
    with engine_of(place).connect() as connection:
        return pd.Series(live_cells(connection).set_index("id")["key"])


def tiles(place: Place) -> None:
    """Live cells cover the town without gap and overlap, and the edition's leaf grids do too."""
    with engine_of(place).connect() as connection:
        srid = jurisdiction(connection).metric_srid
        land = live_cells(connection).to_crs(srid).geometry.to_numpy()
        grids = edition_grids(connection, 2, leaf=True).to_crs(srid).geometry.to_numpy()
    whole = town.COLUMNS * town.ROWS * town.SIDE**2
    for shapes in (land, grids):
        assert shapely.area(shapes).sum() == pytest.approx(whole, abs=0.5)
        assert shapely.area(shapely.union_all(shapes)) == pytest.approx(whole, abs=0.5)


def open_assignments(place: Place) -> int:
    with engine_of(place).connect() as connection:
        found = connection.scalar(
            text(
                "SELECT count(*) FROM gridmap.cell c WHERE c.retired_at IS NULL AND NOT EXISTS "
                "(SELECT 1 FROM gridmap.assignment a WHERE a.cell_id = c.id AND a.to_edition IS NULL)"
            )
        )
    return int(found or 0)


def answers(place: Place, at: datetime) -> list[tuple[str | None, str | None]]:
    locator = Locator(place)
    rng = np.random.default_rng(7)
    told = []
    for x, y in zip(rng.uniform(0, 800, 150), rng.uniform(0, 400, 150), strict=True):
        answer = locator.locate(*town.at(float(x), float(y)), at=at)
        told.append((answer["grid"] and answer["grid"]["code"], answer["building"] and answer["building"]["source_id"]))
    return told


def change_file(
    *, new: int = 0, demolished: list[str] | None = None, enlarged: list[str] | None = None
) -> gpd.GeoDataFrame:
    known = town.buildings()
    rows = []
    for k in range(new):
        column, row = k % town.COLUMNS, 0
        x, y = town.X0 + column * town.SIDE + 60 + 5 * (k // 4), town.Y0 + row * town.SIDE + 85
        shape = shapely.box(x, y, x + 12, y + 9)
        rows.append({"source_id": f"new{k}", "use": "residential", "storeys": 6, "removed": None, "shape": shape})
    for source in demolished or []:
        shape = known.to_crs(town.EPSG).set_index("source_id").geometry[source]
        rows.append({"source_id": source, "use": "residential", "storeys": 6, "removed": True, "shape": shape})
    for source in enlarged or []:
        c, r, k = (int(d) for d in source[1:])
        rows.append(
            {"source_id": source, "use": "residential", "storeys": 6, "removed": None,
             "shape": town.house(c, r, k, width=42.0)}
        )  # fmt: skip
    frame = pd.DataFrame(rows)
    return town.lonlat(
        {name: list(frame[name]) for name in ("source_id", "use", "storeys", "removed")}, list(frame["shape"])
    )


def test_only_touched_blocks_get_new_cells_and_the_past_answers_as_before(town_place: Place, importer) -> None:
    before, past = cells(town_place), answers(town_place, LAST_YEAR)
    report = importer(town_place, "buildings", change_file(new=1, demolished=["b105"], enlarged=["b312"]))
    told = report.effects["cells"]
    assert told["blocks_touched"] == 3
    after = cells(town_place)
    kept = before.index.intersection(after.index)
    assert (before[kept] == after[kept]).all()
    blocks = 8
    assert len(kept) >= len(before) * (blocks - told["blocks_touched"]) / blocks
    assert len(after) == len(before) + 1 - 1
    tiles(town_place)
    assert open_assignments(town_place) == 0
    assert answers(town_place, LAST_YEAR) == past


def test_a_new_building_belongs_to_the_grid_of_its_land_and_counts_there(town_place: Place, importer) -> None:
    importer(town_place, "buildings", change_file(new=1))
    answer = Locator(town_place).locate(*town.at(66, 89))
    assert answer["building"]["source_id"] == "new0"
    assert answer["grid"]["code"] == town.code(0, 0)
    with engine_of(town_place).connect() as connection:
        grids = edition_grids(connection, 2, leaf=True).set_index("code")
    assert grids.loc[town.code(0, 0), "buildings"] == 7
    assert grids.loc[town.code(1, 0), "buildings"] == 6


def test_a_building_across_a_grid_border_is_a_finding_for_the_planner(town_place: Place, importer) -> None:
    x, y = town.X0 + town.SIDE - 20, town.Y0 + 90
    across = town.lonlat(
        {"source_id": ["wide"], "use": ["residential"], "storeys": [6]}, [shapely.box(x, y, x + 40, y + 12)]
    )
    report = importer(town_place, "buildings", across)
    assert report.effects["cells"]["doubtful"] >= 1
    assert "new_cell_between_grids" in {f.rule for f in check(town_place)}
    tiles(town_place)
    found = [Locator(town_place).locate(*town.at(town.SIDE + d, 96))["grid"]["code"] for d in (-15, 15)]
    assert found[0] == found[1]


def test_a_new_street_divides_its_block_only(town_place: Place, importer) -> None:
    before = cells(town_place)
    x = town.X0 + 2 * town.SIDE
    line = shapely.LineString([(x, town.Y0 + 100), (x + town.SIDE, town.Y0 + 100)])
    street = town.lonlat({"source_id": ["new"], "name": ["新路"], "highway": ["residential"]}, [line])
    report = importer(town_place, "streets", street)
    assert 1 <= report.effects["cells"]["blocks_touched"] <= 3
    kept = before.index.intersection(cells(town_place).index)
    assert len(kept) >= len(before) / 2
    tiles(town_place)
    assert open_assignments(town_place) == 0


def test_an_open_plan_keeps_its_assignments(run_settings, town_place: Place, importer) -> None:
    importer(town_place, "grids", town.grids(moved=True), plan="方案一")
    make_cells(town_place, who="test")

    def moved_buildings() -> set[str]:
        with engine_of(town_place).connect() as connection:
            rows = connection.execute(
                text(
                    "SELECT b.source_id FROM gridmap.plan_assignment p JOIN gridmap.cell c ON c.id = p.cell_id "
                    "JOIN gridmap.building b ON b.id = c.building_id WHERE c.retired_at IS NULL"
                )
            )
            return {row[0] for row in rows}

    assert moved_buildings() == {f"b00{k}" for k in range(6)}
    importer(town_place, "buildings", change_file(new=1, enlarged=["b003"]))
    assert moved_buildings() == {f"b00{k}" for k in range(6)} | {"new0"}


def test_making_all_cells_anew_keeps_the_ids_of_those_that_come_out_the_same(town_place: Place) -> None:
    before = cells(town_place)
    told = make_cells(town_place, who="test")
    assert told["cells_new"] == 0
    assert told["cells_replaced"] == 0
    assert (cells(town_place) == before).all()


def test_an_import_that_fails_half_way_changes_neither_data_nor_cells(
    town_place: Place, importer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gridmap.services import settling

    before = cells(town_place)
    monkeypatch.setattr(settling, "rederive", lambda *_a, **_k: (_ for _ in ()).throw(RuntimeError("power cut")))
    with pytest.raises(RuntimeError, match="power cut"):
        importer(town_place, "buildings", change_file(new=2, demolished=["b000"]))
    assert (cells(town_place) == before).all()
    with engine_of(town_place).connect() as connection:
        live = connection.scalar(text("SELECT count(*) FROM gridmap.building WHERE retired_at IS NULL"))
    assert live == 48


def test_grids_above_have_the_land_and_the_figures_of_those_below(town_place: Place, importer) -> None:
    importer(town_place, "buildings", change_file(new=2, demolished=["b105"], enlarged=["b312"]))
    x = town.X0 + town.SIDE - 20
    wide = town.lonlat(
        {"source_id": ["wide"], "use": ["residential"], "storeys": [6]},
        [shapely.box(x, town.Y0 + 90, x + 40, town.Y0 + 102)],
    )
    importer(town_place, "buildings", wide)
    with engine_of(town_place).connect() as connection:
        srid = jurisdiction(connection).metric_srid
        grids = edition_grids(connection, 2).to_crs(srid).set_index("uid")
    assert set(grids["level"]) == {1, 2, 3}
    for uid, parent in pd.DataFrame(grids[~grids["leaf"]]).iterrows():
        below = grids[grids["parent_uid"] == uid]
        for figure in ("households", "households_estimated", "people", "buildings"):
            assert parent[figure] == below[figure].sum()
        assert parent["area_m2"] == pytest.approx(below["area_m2"].sum(), rel=1e-6)
        assert shapely.area(shapely.symmetric_difference(parent["geom"], shapely.union_all(below.geometry))) < 0.5
