"""Many places at once over HTTP: columns as JSON, or a file that comes back with the new columns."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from api.app import create_app
from gridmap.core.locate.assign import ASSIGNED
from gridmap.settings import Settings
from gridmap.store.database import Place
from tests.services import town

TOKEN = "t" * 43


@pytest.fixture
def client(town_template: Place, tmp_path: Path) -> Iterator[TestClient]:
    app = create_app(Settings(data_dir=tmp_path), place=town_template, token=TOKEN)
    with TestClient(app, base_url="http://localhost", headers={"Authorization": f"Bearer {TOKEN}"}) as client:
        yield client


def test_columns_come_back_in_the_order_that_was_sent(client: TestClient) -> None:
    lon, lat = town.at(345, 100)
    sent = {"lon": [lon, None, 0], "lat": [lat, None, 0], "address": [None, "春南苑2栋", None]}
    answer = client.post("/v1/locate/batch", json=sent)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert told["rows"] == 3
    assert told["grid_code"][0] == town.code(1, 0)
    assert told["method"] == ["point", "building", "none"]
    assert told["reason"] == [None, None, "null-island"]
    assert set(told) == {"edition", "rows", *ASSIGNED}
    assert told["boundary_m"][2] is None


def test_only_the_columns_asked_for_are_sent(client: TestClient) -> None:
    lon, lat = town.at(345, 100)
    answer = client.post("/v1/locate/batch", json={"lon": [lon], "lat": [lat], "fields": ["grid_code"]})
    assert answer.json() == {"edition": answer.json()["edition"], "rows": 1, "grid_code": [town.code(1, 0)]}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "Give both lon and lat"),
        ({"lon": [1.0]}, "Give both lon and lat"),
        ({"lon": [1.0], "lat": [1.0, 2.0]}, "lon 1, lat 2"),
        ({"address": ["x"], "fields": ["colour"]}, "colour"),
        ({"address": ["x"] * 10_001}, "10,000|10000"),
        ({"lon": ["x"], "lat": [1.0]}, "lon"),
    ],
)
def test_what_cannot_be_read_is_a_sentence(client: TestClient, body: dict[str, object], words: str) -> None:
    answer = client.post("/v1/locate/batch", json=body)
    assert answer.status_code == 422
    assert any(word in answer.text for word in words.split("|")), answer.text


def test_a_file_comes_back_with_its_rows_and_the_new_columns_and_is_not_kept(
    client: TestClient, tmp_path: Path
) -> None:
    lon, lat = town.at(345, 100)
    body = f"单号,经度,纬度\n007,{lon},{lat}\n008,,\n".encode()
    answer = client.post("/v1/locate/file", params={"name": "诉求.csv"}, content=body)
    assert answer.status_code == 200, answer.text
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [(r["单号"], r["grid_code"], r["reason"]) for r in rows] == [
        ("007", town.code(1, 0), ""),
        ("008", "", "no-place"),
    ]
    assert not list((tmp_path / "uploads").glob("*"))


def test_a_file_without_places_is_refused_and_not_kept(client: TestClient, tmp_path: Path) -> None:
    answer = client.post("/v1/locate/file", params={"name": "x.csv"}, content=b"a,b\n1,2\n")
    assert answer.status_code == 422
    assert "--map lon=COLUMN" in answer.text
    assert not list((tmp_path / "uploads").glob("*"))
