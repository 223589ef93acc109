"""A week's change in the sample county: 50 buildings more, 10 gone, 5 larger, and a new street."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from sqlalchemy import text

from gridmap.core.cells.coverage import tiles_exactly
from gridmap.core.crs import project
from gridmap.io.write import write_layer
from gridmap.services.check import check
from gridmap.services.imports import ImportOrder, import_file
from gridmap.services.locate import Locator
from gridmap.settings import Settings
from gridmap.store.base import read_live
from gridmap.store.cells import live_blocks, live_cells
from gridmap.store.database import Place, engine_of
from gridmap.store.editions import edition_grids, editions
from gridmap.store.jurisdiction import jurisdiction
from tests.conftest import copy_database, drop_database, leave


@pytest.fixture
def county(run_settings: Settings, county_template: Place) -> Iterator[Place]:
    leave(county_template)
    made = copy_database(run_settings, county_template.name, "living_county")
    yield made
    drop_database(run_settings, made)


def _week(place: Place, folder: Path) -> dict[str, Path]:
    with engine_of(place).connect() as connection:
        srid = jurisdiction(connection).metric_srid
        live = read_live(connection, "buildings").to_crs(srid)
    mixed = live.sort_values("source_id").sample(frac=1, random_state=5)
    shapes = mixed.geometry.to_numpy()
    x, y = shapely.get_coordinates(shapely.centroid(shapes)).T
    boxes = shapely.box(x + 14, y + 12, x + 26, y + 21)
    taken = np.unique(shapely.STRtree(shapes).query(boxes, predicate="dwithin", distance=1.0)[0])
    free = np.setdiff1d(np.arange(len(boxes)), taken)[:50]
    chosen = mixed.iloc[-15:]
    x, y, shapes = x[free[0]], y[free[0]], chosen.geometry.to_numpy()
    new = pd.DataFrame({"source_id": [f"new{k}" for k in range(50)], "storeys": 6, "removed": None})
    gone = pd.DataFrame({"source_id": chosen["source_id"].iloc[:10], "storeys": 6, "removed": True})
    larger = pd.DataFrame({"source_id": chosen["source_id"].iloc[10:], "storeys": 6, "removed": None})
    buildings = gpd.GeoDataFrame(
        pd.concat([new, gone, larger], ignore_index=True).assign(use="residential"),
        geometry=[*boxes[free], *shapes[:10], *shapely.buffer(shapes[10:], 1.5, join_style="mitre")],
        crs=srid,
    )
    street = gpd.GeoDataFrame(
        {"source_id": ["new"], "name": ["新路"], "highway": ["residential"]},
        geometry=[shapely.LineString([(x - 120, y + 30), (x + 120, y + 30)])],
        crs=srid,
    )
    files = {"buildings": folder / "buildings.gpkg", "streets": folder / "streets.gpkg"}
    write_layer(buildings.to_crs(4326), files["buildings"], "buildings")
    write_layer(street.to_crs(4326), files["streets"], "streets")
    return files


def _plan(place: Place) -> dict[str, int]:
    """Return the grid in the draft of every building that it moves."""
    with engine_of(place).connect() as connection:
        rows = connection.execute(
            text(
                "SELECT b.source_id, p.grid_key FROM gridmap.plan_assignment p JOIN gridmap.cell c ON c.id = p.cell_id "
                "JOIN gridmap.building b ON b.id = c.building_id WHERE c.retired_at IS NULL"
            )
        )
        return {str(source): int(key) for source, key in rows}


def test_a_week_of_changes_touches_its_blocks_only_and_the_past_and_the_draft_stay(
    county: Place, tmp_path: Path
) -> None:
    with engine_of(county).connect() as connection:
        srid = jurisdiction(connection).metric_srid
        before = live_cells(connection).set_index("id")["key"]
        blocks = len(live_blocks(connection))
        past = edition_grids(connection, 1)
        present = edition_grids(connection, 2, leaf=True).set_index("code").geometry.to_wkb()
        then = next(e.effective_from for e in editions(connection) if e.id == 1)
        homes = read_live(connection, "buildings").sample(150, random_state=1).geometry.representative_point()
    known = Locator(county)
    answers = [known.locate(p.x, p.y, at=then)["grid"]["code"] for p in homes]
    draft = _plan(county)

    told = [
        import_file(county, ImportOrder(kind=kind, path=str(file)), who="test", commit=True).effects["cells"]
        for kind, file in _week(county, tmp_path).items()
    ]

    touched = sum(t["blocks_touched"] for t in told)
    assert 0 < touched < blocks / 4
    with engine_of(county).connect() as connection:
        cells = live_cells(connection)
        after = cells.set_index("id")["key"]
        assert len(after.index.difference(before.index)) <= sum(t["cells_new"] for t in told)
        assert len(before.index.difference(after.index)) <= sum(t["cells_replaced"] for t in told)
        kept = before.index.intersection(after.index)
        assert (before[kept] == after[kept]).all()
        land = project(cells.rename_geometry("geometry"), srid).geometry.to_numpy()
        assert tiles_exactly(land)
        leaves = edition_grids(connection, 2, leaf=True).set_index("code").geometry
        renewed = cells[~cells["id"].isin(before.index)].geometry.to_numpy()
        changed = leaves[leaves.to_wkb() != present.loc[leaves.index]].to_numpy()
        assert edition_grids(connection, 1).geometry.to_wkb().equals(past.geometry.to_wkb())
        standing = read_live(connection, "buildings").set_index("source_id")
    # a grid is another one only where cells are
    assert shapely.intersects(changed, shapely.union_all(renewed)).all()
    known = Locator(county)
    assert [known.locate(p.x, p.y, at=then)["grid"]["code"] for p in homes] == answers
    for k in range(0, 50, 7):
        point = standing.loc[f"new{k}"].geom.representative_point()
        answer = known.locate(point.x, point.y)
        assert answer["building"]["source_id"] == f"new{k}"
        assert answer["grid"] is not None
    still = {source: code for source, code in _plan(county).items() if source in standing.index}
    assert {s: c for s, c in draft.items() if s in standing.index}.items() <= still.items()
    doubtful = [f for f in check(county) if f.rule == "new_cell_between_grids"]
    assert len(doubtful) == sum(t["doubtful"] for t in told)
