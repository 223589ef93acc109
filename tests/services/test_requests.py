"""Requests are placed when they come in: by building, else by point, in the edition of their time."""

from __future__ import annotations

import pandas as pd
import pytest
from sqlalchemy import text

from gridmap.core.offset_crs import wgs84_to_gcj02
from gridmap.store.database import Place, engine_of
from tests.services import town


def table(*rows: dict[str, object]) -> pd.DataFrame:
    plain = {"source": "12345", "channel": "hotline", "reported_at": "2026-03-01T08:00:00+08:00"}
    return pd.DataFrame([plain | {"source_ref": f"r{k}"} | row for k, row in enumerate(rows)])


def placed(place: Place) -> dict[str, dict[str, object]]:
    with engine_of(place).connect() as connection:
        rows = connection.execute(
            text(
                "SELECT r.source_ref, r.method, r.reason, r.near_boundary, r.title, r.description, r.parent_code, "
                "b.source_id AS building, r.edition_id, g1.code AS reported, g2.code AS current "
                "FROM gridmap.request r LEFT JOIN gridmap.building b ON b.id = r.building_id "
                "LEFT JOIN gridmap.edition_grid g1 ON g1.uid = r.reported_uid AND g1.edition_id = r.edition_id "
                "LEFT JOIN gridmap.edition_grid g2 ON g2.uid = r.current_uid AND g2.edition_id = 2"
            )
        ).mappings()
        return {str(row["source_ref"]): dict(row) for row in rows}


def test_a_request_is_placed_by_its_address_else_by_its_point(town_place: Place, importer) -> None:
    lon, lat = town.at(345, 100)
    importer(
        town_place,
        "requests",
        table({"address_text": "春南苑2栋3单元501"}, {"lon": lon, "lat": lat}, {"address_text": "那棵大树旁边"}),
    )
    found = placed(town_place)
    assert (found["r0"]["method"], found["r0"]["building"]) == ("building", "b001")
    assert (found["r1"]["method"], found["r1"]["reported"]) == ("point", town.code(1, 0))
    assert found["r2"]["method"] is None
    assert found["r2"]["reason"] == "unknown_estate"


def test_a_phone_point_in_gcj02_is_brought_back_before_it_is_placed(town_place: Place, importer) -> None:
    lon, lat = town.at(345, 100)
    shifted = wgs84_to_gcj02([lon], [lat])
    phone = {"lon": float(shifted[0][0]), "lat": float(shifted[1][0]), "crs": "GCJ-02"}
    importer(town_place, "requests", table(phone))
    assert placed(town_place)["r0"]["reported"] == town.code(1, 0)


def test_the_grid_at_the_report_and_the_grid_now_are_two_facts(town_place: Place, importer) -> None:
    lon, lat = town.at(45, 47)
    importer(town_place, "requests", table({"lon": lon, "lat": lat, "reported_at": "2025-05-01T08:00:00+08:00"}))
    found = placed(town_place)["r0"]
    assert found["reported"] == town.code(1, 0)
    assert found["current"] == town.code(0, 0)
    assert found["edition_id"] == 1


def test_a_request_outside_all_grids_goes_to_the_parent_and_says_why(town_place: Place, importer) -> None:
    lon, lat = town.at(-300, 100)
    importer(town_place, "requests", table({"lon": lon, "lat": lat}))
    found = placed(town_place)["r0"]
    assert found["reported"] is None
    assert found["reason"] == "outside"


def test_the_same_file_twice_changes_nothing_and_a_corrected_one_updates(town_place: Place, importer) -> None:
    lon, lat = town.at(45, 47)
    rows = table({"lon": lon, "lat": lat, "state": "received"}, {"address_text": "春南苑1栋"})
    assert importer(town_place, "requests", rows).layers[0].counts["new"] == 2
    again = importer(town_place, "requests", rows).layers[0].counts
    assert (again["same"], again["new"], again["changed"]) == (2, 0, 0)
    rows.loc[0, "state"] = "closed"
    assert importer(town_place, "requests", rows).layers[0].counts["changed"] == 1


HOSTILE = ["<img src=x onerror=alert(1)>", "'); DROP TABLE gridmap.request; --", "=cmd|' /C calc'!A0"]


@pytest.mark.parametrize("text_", HOSTILE)
def test_hostile_text_is_kept_as_text(town_place: Place, importer, text_: str) -> None:
    importer(town_place, "requests", table({"address_text": "春南苑1栋", "title": text_}))
    assert placed(town_place)["r0"]["title"] == text_


def test_a_telephone_in_the_text_is_masked(town_place: Place, importer) -> None:
    importer(town_place, "requests", table({"address_text": "春南苑1栋", "description": "请回电 13812345678"}))
    said = str(placed(town_place)["r0"]["description"])
    assert "13812345678" not in said
    assert said.startswith("请回电")
