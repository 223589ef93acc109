"""From files to cells, editions and answers on a small town."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from gridmap.errors import Conflict, InputError, NotFound
from gridmap.services import editions
from gridmap.services.check import check
from gridmap.services.locate import Locator
from gridmap.store.database import Place, engine_of
from gridmap.store.editions import edition_grids
from gridmap.store.jurisdiction import jurisdiction
from tests.services import town

LAST_YEAR = datetime(2025, 6, 1, tzinfo=UTC)


def scalar(place: Place, sql: str, **values: object) -> object:
    with engine_of(place).connect() as connection:
        return connection.scalar(text(sql), values)


def test_every_building_has_one_cell_and_cells_tile_the_town(town_template: Place) -> None:
    assert scalar(town_template, "SELECT count(DISTINCT building_id) FROM gridmap.cell") == 48
    land = scalar(town_template, "SELECT sum(area_m2) FROM gridmap.cell WHERE retired_at IS NULL")
    assert land == pytest.approx(town.COLUMNS * town.ROWS * town.SIDE**2, abs=1)


def test_imported_grids_come_back_as_editions_with_totals_on_every_level(town_template: Place) -> None:
    told = editions.jurisdiction(town_template)
    assert told["name"] == "测试县"
    assert [e["name"] for e in told["editions"]] == ["去年版", "现行版"]
    assert told["levels"] == [1, 2, 3]
    assert told["counts"]["households"] == 48 * 50
    for level, count in ((1, 2), (2, 4), (3, 8)):
        found = orjson.loads(editions.grids_geojson(town_template, level=level))["features"]
        assert len(found) == count
        assert sum(f["properties"]["households"] for f in found) == 48 * 50
        assert sum(f["properties"]["people"] for f in found) == 48 * 140
        assert sum(f["properties"]["buildings"] for f in found) == 48


def test_the_grids_of_the_edition_are_the_polygons_that_were_imported(town_template: Place) -> None:
    with engine_of(town_template).connect() as connection:
        srid = jurisdiction(connection).metric_srid
        found = edition_grids(connection, 2, leaf=True).to_crs(srid).set_index("code").geometry
    wanted = town.grids().query("level == 3").to_crs(srid).set_index("code").geometry
    assert set(found.index) == set(wanted.index)
    assert (found.symmetric_difference(wanted.loc[found.index]).area < 1.0).all()


def test_neighbouring_grids_differ_in_colour(town_template: Place) -> None:
    with engine_of(town_template).connect() as connection:
        pairs = connection.execute(
            text(
                "SELECT a.colour, b.colour FROM gridmap.edition_grid a JOIN gridmap.edition_grid b "
                "ON a.edition_id = b.edition_id AND a.leaf AND b.leaf AND a.uid < b.uid "
                "WHERE ST_Relate(a.geom, b.geom, '****1****')"
            )
        ).all()
    assert pairs
    assert all(a != b for a, b in pairs)


def test_lineage_says_where_households_came_from(town_template: Place) -> None:
    moved = scalar(
        town_template,
        "SELECT sum(households) FROM gridmap.grid_lineage WHERE edition_id = 2 AND old_uid <> new_uid",
    )
    assert moved == 6 * 50


@pytest.fixture(scope="module")
def locator(town_template: Place) -> Locator:
    return Locator(town_template)


def test_a_point_is_answered_with_building_grid_levels_community_duty_and_stations(locator: Locator) -> None:
    answer = locator.locate(*town.at(45, 47))
    assert answer["building"]["source_id"] == "b000"
    assert answer["grid"]["code"] == town.code(0, 0)
    assert [g["level"] for g in answer["chain"]] == [1, 2, 3]
    assert answer["community"]["name"] == "东风社区"
    assert answer["town"]["name"] == "测试镇"
    assert answer["duties"][0]["label"] == "网格长"
    assert answer["stations"][0]["name"] == "一号驿站"
    assert answer["edition"]["name"] == "现行版"
    assert not answer["near_boundary"]


def test_the_same_point_last_year_belonged_to_another_grid(locator: Locator) -> None:
    assert locator.locate(*town.at(45, 47), at=LAST_YEAR)["grid"]["code"] == town.code(1, 0)


def test_before_the_first_edition_the_answer_says_so(locator: Locator) -> None:
    with pytest.raises(NotFound, match="No edition"):
        locator.locate(*town.at(45, 47), at=datetime(2020, 1, 1, tzinfo=UTC))


def test_a_point_near_a_border_is_flagged_with_candidates(locator: Locator) -> None:
    answer = locator.locate(*town.at(197, 20))
    assert answer["near_boundary"]
    assert {c["code"] for c in answer["candidates"]} >= {town.code(0, 0), town.code(1, 0)}
    assert answer["boundary_m"] == pytest.approx(3, abs=0.1)


def test_a_point_outside_names_the_nearest_grid_and_is_not_snapped(locator: Locator) -> None:
    answer = locator.locate(*town.at(-120, 100))
    assert answer["grid"] is None
    assert answer["nearest"]["distance_m"] == pytest.approx(120, abs=0.5)


def test_an_address_goes_before_the_point(locator: Locator) -> None:
    answer = locator.locate(*town.at(197, 20), address="测试镇冬北苑３号楼")
    assert answer["method"] == "building"
    assert answer["building"]["source_id"] == "b312"
    assert answer["grid"]["code"] == town.code(3, 1)
    assert locator.locate(address="春南苑1栋2单元")["building"]["source_id"] == "b000"


def test_an_address_that_names_no_building_is_refused_with_the_reason(locator: Locator) -> None:
    with pytest.raises(InputError, match="unknown_number"):
        locator.locate(address="春南苑99栋")


@given(x=st.floats(-50, 850), y=st.floats(-50, 450), old=st.booleans())
def test_memory_and_sql_agree_on_random_points(
    town_template: Place, locator: Locator, x: float, y: float, old: bool
) -> None:
    lon, lat = town.at(x, y)
    _agree(town_template, locator, lon, lat, LAST_YEAR if old else None)


def test_memory_and_sql_agree_on_vertices_and_edges(town_template: Place, locator: Locator) -> None:
    with engine_of(town_template).connect() as connection:
        grids = edition_grids(connection, 2, leaf=True)
    corners = np.unique(grids.get_coordinates().to_numpy(), axis=0)
    rng = np.random.default_rng(5)
    for lon, lat in corners[rng.permutation(len(corners))[:60]]:
        _agree(town_template, locator, float(lon), float(lat), None)


def _agree(place: Place, locator: Locator, lon: float, lat: float, at: datetime | None) -> None:
    with engine_of(place).connect() as connection:
        row = connection.execute(
            text("SELECT code FROM gridmap.grid_at(ST_SetSRID(ST_MakePoint(:x, :y), 4326), coalesce(:at, now()))"),
            {"x": lon, "y": lat, "at": at},
        ).first()
    answer = locator.locate(lon, lat, at=at)
    assert (row[0] if row else None) == (answer["grid"] and answer["grid"]["code"])


def test_a_clean_town_has_no_findings(town_template: Place) -> None:
    assert [(f.rule, f.subject) for f in check(town_template)] == []


def test_importing_the_same_file_twice_changes_nothing(town_place: Place, importer) -> None:
    again = importer(town_place, "buildings", town.buildings())
    assert again.layers[0].counts["same"] == 48
    assert sum(v for k, v in again.layers[0].counts.items() if k != "same") == 0


def test_a_dry_run_counts_exactly_and_writes_nothing(town_place: Place, importer) -> None:
    changed = town.buildings().iloc[:5].assign(name="改名")
    report = importer(town_place, "buildings", changed, commit=False)
    assert report.layers[0].counts["changed"] == 5
    assert scalar(town_place, "SELECT count(*) FROM gridmap.building WHERE name = '改名'") == 0


def test_a_bad_row_stops_the_import_and_nothing_is_lost(town_place: Place, importer) -> None:
    bad = town.buildings().iloc[:3].assign(use=["residential", "castle", "residential"], source_id=["n1", None, "n3"])
    with pytest.raises(InputError) as caught:
        importer(town_place, "buildings", bad)
    assert "没有导入任何数据" in caught.value.zh
    assert scalar(town_place, "SELECT count(*) FROM gridmap.building WHERE source_id LIKE 'n%'") == 0
    report = importer(town_place, "buildings", bad, skip_bad=True)
    assert report.layers[0].counts["new"] == 2 - 0
    assert report.layers[0].rejected == 1


def test_a_grid_set_that_became_an_edition_is_not_replaced(town_place: Place, importer) -> None:
    with pytest.raises(Conflict, match="in use"):
        importer(town_place, "grids", town.grids(), edition="现行版", effective_from="2026-02-01")


def test_every_write_is_in_the_change_log_with_who_did_it(town_template: Place) -> None:
    with engine_of(town_template).connect() as connection:
        rows = connection.execute(text("SELECT who, what FROM gridmap.change_log ORDER BY id")).all()
    assert {r[0] for r in rows} == {"test"}
    assert "import buildings" in {r[1] for r in rows}
    assert "cells" in {r[1] for r in rows}


def test_contacts_are_left_out_unless_asked_for(place: Place, importer, tmp_path) -> None:
    from gridmap.io.write import write_layer
    from gridmap.services.imports import ImportOrder, import_file

    file = tmp_path / "people.csv"
    write_layer(town.people(), file, "people")
    import_file(place, ImportOrder(kind="people", path=str(file)), who="test", commit=True)
    assert scalar(place, "SELECT count(*) FROM gridmap.duty WHERE name IS NOT NULL OR phone IS NOT NULL") == 0
