"""An application on this test's own database, and clients with and without the token."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import Connection, text
from starlette.testclient import TestClient

from api.app import create_app
from gridmap.settings import Settings
from gridmap.store.changes import bump
from gridmap.store.database import Place, transaction
from tests.conftest import copy_database, drop_database

LON, LAT = 117.2, 28.3
SIZE = 0.004
TOKEN = "t" * 43
BASE = "http://127.0.0.1:8321"
BEARER = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture
def far_app(tmp_path: Path) -> FastAPI:
    """An application whose database is never asked: for what is decided before it."""
    return create_app(Settings(data_dir=tmp_path), token=TOKEN)


@pytest.fixture
def stranger(far_app: FastAPI) -> TestClient:
    """Somebody without the token."""
    return TestClient(far_app, base_url=BASE, follow_redirects=False)


@pytest.fixture
def program(far_app: FastAPI) -> TestClient:
    """A program with the bearer token, before the database."""
    return TestClient(far_app, base_url=BASE, headers=BEARER, follow_redirects=False)


@pytest.fixture
def browser(far_app: FastAPI) -> TestClient:
    """A browser that opened the printed address."""
    client = TestClient(far_app, base_url=BASE, headers={"Accept": "text/html"}, follow_redirects=False)
    assert client.get(f"/?token={TOKEN}").status_code == 303
    return client


@pytest.fixture
def client(settings_here: Settings, place: Place) -> Iterator[TestClient]:
    """A program with the bearer token, on an empty migrated database."""
    app = create_app(settings_here, place=place, token=TOKEN)
    with TestClient(app, base_url=BASE, headers=BEARER, follow_redirects=False) as opened:
        yield opened


def box_of(west: float, south: float, east: float, north: float) -> str:
    ring = f"{west} {south},{east} {south},{east} {north},{west} {north},{west} {south}"
    return f"SRID=4326;MULTIPOLYGON((({ring})))"


def insert(connection: Connection, table: str, key: str | None = None, **values: Any) -> Any:
    """Write a row and return the value of ``key``."""
    marks = ", ".join(f":{name}" for name in values)
    sql = f"INSERT INTO gridmap.{table} ({', '.join(values)}) VALUES ({marks})" + (f" RETURNING {key}" if key else "")
    done = connection.execute(text(sql), values)
    return done.scalar_one() if key else None


def make_two_grids(connection: Connection) -> None:
    """Write a jurisdiction with one community, an edition of two grids, a building, a station and two duties."""
    connection.execute(text("DELETE FROM gridmap.jurisdiction"))
    insert(connection, "jurisdiction", code="990101", name="清岩县", metric_srid=4548)
    whole = box_of(LON, LAT, LON + 2 * SIZE, LAT + SIZE)
    insert(connection, "area", source_id="A1", code="990101001001", name="东门社区", level="community", geom=whole)
    insert(connection, "edition", id=1, name="第一版", effective_from=datetime(2025, 1, 1, tzinfo=UTC), made_by="test")
    community = insert(connection, "grid", "uid", first_code="990101001001")
    insert(
        connection, "edition_grid", edition_id=1, uid=community, code="990101001001", name="东门社区", level=1,
        leaf=False, grid_kind="urban", community_code="990101001001", geom=whole,
    )  # fmt: skip
    for number in (1, 2):
        code = f"99010100100100{number}"
        west = LON + (number - 1) * SIZE
        uid = insert(connection, "grid", "uid", first_code=code)
        insert(
            connection, "edition_grid", edition_id=1, uid=uid, code=code, name=f"第{number}网格", level=2, leaf=True,
            grid_kind="urban", parent_uid=community, community_code="990101001001", households=300, people=810,
            buildings=9, colour=number, label_lon=west + SIZE / 2, label_lat=LAT + SIZE / 2, label_radius_m=150,
            geom=box_of(west, LAT, west + SIZE, LAT + SIZE),
        )  # fmt: skip
    small = box_of(LON + 0.001, LAT + 0.001, LON + 0.0012, LAT + 0.0012)
    insert(connection, "building", source_id="B1", estate="青岩小区", number="3栋", geom=small)
    insert(
        connection, "station", source_id="S1", name="东门驿站", station_kind="grid_station",
        geom=f"SRID=4326;POINT({LON + 0.002} {LAT + 0.002})",
    )  # fmt: skip
    for source, label, public in (("D1", "网格长", True), ("D2", "秘密岗位", False)):
        insert(
            connection, "duty", source_id=source, label=label, role="grid_leader", grid_code="990101001001001",
            name="郑某某", phone="000-1234", public=public,
        )  # fmt: skip
    bump(connection, "base", "edition")


@pytest.fixture(scope="session")
def town(run_settings: Settings, template: Place) -> Iterator[TestClient]:
    """A client of a server whose database has two grids; for tests that change nothing."""
    place = copy_database(run_settings, template.name, "api_town")
    with transaction(place) as connection:
        make_two_grids(connection)
    app = create_app(run_settings.model_copy(update={"database": place.name}), place=place, token=TOKEN)
    with TestClient(app, base_url=BASE, headers=BEARER, follow_redirects=False) as opened:
        opened.app.state.here.locator.refresh()
        yield opened
    drop_database(run_settings, place)
