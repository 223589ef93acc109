"""Files sent to the server: a dry run unless asked to keep them, with the report of the command line."""

from __future__ import annotations

import json
import threading
from typing import Any

import orjson
from starlette.testclient import TestClient

from gridmap.services.imports import ImportOrder, import_file
from gridmap.services.worker import run_worker
from gridmap.settings import Settings
from gridmap.store.database import Place, engine_of


def _square(source_id: str, lon: float, storeys: int) -> dict[str, Any]:
    ring = [[lon, 28.3], [lon + 5e-4, 28.3], [lon + 5e-4, 28.3005], [lon, 28.3005], [lon, 28.3]]
    return {
        "type": "Feature",
        "properties": {"source_id": source_id, "estate": "青岩小区", "use": "residential", "storeys": storeys},
        "geometry": {"type": "Polygon", "coordinates": [ring]},
    }


def _file(*features: dict[str, Any]) -> bytes:
    return orjson.dumps({"type": "FeatureCollection", "features": features})


GOOD = _file(_square("B1", 117.2, 6), _square("B2", 117.21, 18))
BAD = _file(_square("B1", 117.2, 6), _square("B2", 517.2, 6))


def _done(client: TestClient, settings: Settings, place: Place, body: bytes, **asked: str) -> dict[str, Any]:
    params = {"kind": "buildings", "name": "楼栋.geojson"} | asked
    answer = client.post("/v1/imports", params=params, content=body)
    assert answer.status_code == 202, answer.text
    assert run_worker(settings, place, once=True, stop=threading.Event()) == 1
    told: dict[str, Any] = client.get(answer.headers["location"]).json()
    return told


def _state(place: Place) -> list[Any]:
    with engine_of(place).connect() as connection:
        counts = [
            connection.exec_driver_sql(f"SELECT count(*) FROM gridmap.{table}").scalar_one()
            for table in ("building", "import_run", "change_log")
        ]
        return [counts, connection.exec_driver_sql("SELECT name, value FROM gridmap.version ORDER BY 1").all()]


def test_an_import_is_a_dry_run_by_default_and_reports_as_the_command_line_does(
    client: TestClient, settings_here: Settings, place: Place, tmp_path
) -> None:
    before = _state(place)
    job = _done(client, settings_here, place, GOOD)
    assert (job["state"], job["result"]["committed"]) == ("done", False)
    assert job["result"]["layers"][0]["counts"]["new"] == 2
    assert job["result"]["effects"]["figures"]
    assert _state(place) == before
    file = tmp_path / "楼栋.geojson"
    file.write_bytes(GOOD)
    report = import_file(place, ImportOrder(kind="buildings", path=str(file)), who="test", commit=False)
    assert job["result"] == json.loads(json.dumps(report.as_dict()))


def test_it_is_kept_when_asked_for_with_the_same_figures(
    client: TestClient, settings_here: Settings, place: Place
) -> None:
    dry = _done(client, settings_here, place, GOOD)["result"]
    kept = _done(client, settings_here, place, GOOD, commit="true")["result"]
    assert kept == dry | {"committed": True}
    assert client.get("/v1/jurisdiction").json()["counts"]["buildings"] == 2


def test_a_dry_run_lists_bad_rows_where_an_import_is_refused_for_them(
    client: TestClient, settings_here: Settings, place: Place
) -> None:
    layer = _done(client, settings_here, place, BAD)["result"]["layers"][0]
    assert (layer["read"], layer["rejected"]) == (2, 1)
    assert layer["problems"][0]["message"]["zh"]
    failed = _done(client, settings_here, place, BAD, commit="true")
    assert failed["state"] == "failed"
    assert failed["error"]["problems"]
    assert client.get("/v1/jurisdiction").json()["counts"]["buildings"] == 0


def test_only_the_rows_asked_for_are_read(client: TestClient, settings_here: Settings, place: Place) -> None:
    layer = _done(client, settings_here, place, GOOD, where="source_id=B2")["result"]["layers"][0]
    assert (layer["read"], layer["counts"]["new"]) == (1, 1)
    wrong = {"kind": "osm", "name": "x.osm.pbf", "bbox": "1,2,3"}
    assert client.post("/v1/imports", params=wrong, content=b"x").status_code == 422


def test_the_document_of_the_api_tells_the_report(program: TestClient) -> None:
    document = program.get("/openapi.json").json()
    operation = document["paths"]["/v1/imports"]["post"]
    assert next(p for p in operation["parameters"] if p["name"] == "commit")["schema"]["default"] is False
    accepted = operation["responses"]["202"]["content"]["application/json"]["schema"]["$ref"]
    assert accepted.endswith("/ImportJob")
    report = document["components"]["schemas"]["ImportReport"]["properties"]
    assert {"committed", "layers", "effects"} <= report.keys()
