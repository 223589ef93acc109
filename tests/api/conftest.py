"""An application on this test's own database, and clients with and without the token."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from api.app import create_app
from gridmap.settings import Settings
from gridmap.store.database import Place

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
