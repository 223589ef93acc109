"""The sample county, loaded through the importers, says exactly what was planted in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import geopandas as gpd
import numpy as np
import orjson
import pytest
import shapely
from sqlalchemy import text

from gridmap.core.cells.coverage import tiles_exactly
from gridmap.core.crs import project
from gridmap.sample import generate
from gridmap.sample.county import SampleCounty
from gridmap.services import editions
from gridmap.services.check import check
from gridmap.services.locate import Locator
from gridmap.services.maps import write_map
from gridmap.settings import Settings
from gridmap.store.base import read_live
from gridmap.store.cells import live_cells
from gridmap.store.database import Place, engine_of
from gridmap.store.editions import edition_grids
from gridmap.store.jurisdiction import jurisdiction
from tests.conftest import copy_database, drop_database, leave

# what concerns the reach of stations is found by the rules of coverage
_NOT_BY_CHECK = {"network_island"}


@pytest.fixture(scope="module")
def county() -> SampleCounty:
    return generate(seed=1)


@pytest.fixture(scope="module")
def loaded(run_settings: Settings, county_template: Place) -> Iterator[Place]:
    leave(county_template)
    made = copy_database(run_settings, county_template.name, "county_checked")
    yield made
    drop_database(run_settings, made)


def test_check_finds_what_was_planted_and_nothing_else(county: SampleCounty, loaded: Place) -> None:
    planted = {
        (rule, subject)
        for checks in (county.truth["checks"], county.truth["checks_draft"])
        for rule, subjects in checks.items()
        for subject in subjects
        if rule not in _NOT_BY_CHECK
    }
    assert {(f.rule, f.subject) for f in check(loaded)} == planted


def test_the_county_has_the_levels_kinds_and_totals_that_it_should(county: SampleCounty, loaded: Place) -> None:
    told = editions.jurisdiction(loaded)
    assert (told["code"], told["name"]) == ("990101", "清岩县")
    assert told["levels"] == [1, 2, 3]
    assert told["counts"]["buildings"] == county.truth["counts"]["buildings"]
    assert told["counts"]["requests"] == 2000
    with engine_of(loaded).connect() as connection:
        grids = edition_grids(connection, 2)
    assert grids["level"].value_counts().to_dict() == {1: 4, 2: 17, 3: 121}
    assert grids.loc[grids["leaf"], "grid_kind"].value_counts().to_dict() == {
        "urban": 103,
        "rural": 15,
        "dedicated": 3,
    }
    for level in (1, 2, 3):
        assert grids.loc[grids["level"] == level, "households"].sum() == told["counts"]["households"]


def test_cells_tile_the_county_and_no_footprint_is_cut(loaded: Place) -> None:
    with engine_of(loaded).connect() as connection:
        srid = jurisdiction(connection).metric_srid
        assert srid is not None
        cells = project(live_cells(connection), srid)
        buildings = project(read_live(connection, "buildings"), srid).set_index("id").geometry
    land = cells.geometry.to_numpy()
    assert tiles_exactly(land)
    own = cells[cells["building_id"].notna()].astype({"building_id": "int64"})
    cut = shapely.area(shapely.difference(buildings.loc[own["building_id"]].to_numpy(), own.geometry.to_numpy()))
    assert cut.max() < 0.5


def test_every_building_lies_in_one_leaf_grid_and_point_and_building_agree(loaded: Place) -> None:
    with engine_of(loaded).connect() as connection:
        rows = connection.execute(
            text(
                "SELECT b.id, min(a.uid), count(DISTINCT a.uid), ST_X(p), ST_Y(p) FROM gridmap.building b "
                "CROSS JOIN LATERAL ST_PointOnSurface(b.geom) p "
                "JOIN gridmap.cell c ON c.building_id = b.id JOIN gridmap.assignment a ON a.cell_id = c.id "
                "AND a.from_edition <= 2 AND (a.to_edition IS NULL OR a.to_edition > 2) GROUP BY b.id, p ORDER BY b.id"
            )
        ).all()
    assert all(row[2] == 1 for row in rows)
    _, index = Locator(loaded).index_at()
    found = index.locate_points([r[3] for r in rows], [r[4] for r in rows])
    assert (found.uid == np.array([r[1] for r in rows])).all()
    assert (found.building_id == np.array([r[0] for r in rows])).all()


def test_memory_and_sql_agree_on_points_of_the_county(loaded: Place) -> None:
    rng = np.random.default_rng(11)
    with engine_of(loaded).connect() as connection:
        grids = edition_grids(connection, 2, leaf=True)
        west, south, east, north = grids.total_bounds
        corners = grids.get_coordinates().to_numpy()
        points = np.concatenate(
            [
                np.column_stack([rng.uniform(west, east, 600), rng.uniform(south, north, 600)]),
                corners[rng.choice(len(corners), 300, replace=False)],
            ]
        )
        rows = connection.execute(
            text(
                "SELECT n.k, g.code FROM unnest(CAST(:x AS float8[]), CAST(:y AS float8[])) WITH ORDINALITY "
                "AS n(x, y, k) LEFT JOIN LATERAL gridmap.grid_at(ST_SetSRID(ST_MakePoint(n.x, n.y), 4326)) g ON true "
                "ORDER BY n.k"
            ),
            {"x": points[:, 0].tolist(), "y": points[:, 1].tolist()},
        ).all()
    _, index = Locator(loaded).index_at()
    found = index.locate_points(points[:, 0], points[:, 1])
    memory = [index.codes[k] if k >= 0 else None for k in found.leaf]
    assert memory == [row[1] for row in rows]


def test_requests_near_a_border_are_flagged_and_those_outside_have_no_grid(county: SampleCounty, loaded: Place) -> None:
    with engine_of(loaded).connect() as connection:
        rows = connection.execute(
            text("SELECT source_ref, method, reported_uid, near_boundary FROM gridmap.request")
        ).all()
    by_ref = {row[0]: row for row in rows}
    planted = county.truth["requests"]
    for ref in planted["outside"]:
        assert by_ref[ref][2] is None
    by_point = [ref for ref in planted["border"] if by_ref[ref][1] == "point"]
    assert by_point
    assert all(by_ref[ref][3] for ref in by_point)


def test_grids_are_told_with_few_vertices_and_the_same_borders(loaded: Place) -> None:
    with engine_of(loaded).connect() as connection:
        srid = jurisdiction(connection).metric_srid
        stored = project(edition_grids(connection, 2, leaf=True), srid).set_index("code").geometry
        told = gpd.GeoDataFrame.from_features(orjson.loads(editions.told_grids(connection, 2, None)), crs=4326)
    assert shapely.coverage_is_valid(told.geometry.to_numpy())
    shown = project(told.set_index("code"), srid).geometry.loc[stored.index]
    xy, which = shapely.get_coordinates(stored.to_numpy(), return_index=True)
    borders = shapely.boundary(shown.to_numpy())
    shapely.prepare(borders)
    assert shapely.distance(shapely.points(xy[::11]), borders[which[::11]]).max() < 0.015
    assert shapely.get_num_coordinates(shown.to_numpy()).sum() < len(xy) / 4


def test_a_map_as_a_file_holds_nothing_of_any_request(loaded: Place, tmp_path: Path) -> None:
    write_map(loaded, tmp_path / "map.html")
    page = (tmp_path / "map.html").read_text(encoding="utf-8")
    with engine_of(loaded).connect() as connection:
        rows = connection.execute(text("SELECT source_ref, description, address_text FROM gridmap.request")).all()
        grid = connection.scalar(text("SELECT code FROM gridmap.edition_grid WHERE edition_id = 2 AND leaf LIMIT 1"))
    assert len(rows) == 2000
    assert str(grid) in page
    for source_id, description, address in rows:
        for words in (source_id, description, address):
            assert not words or len(words) < 6 or words not in page
