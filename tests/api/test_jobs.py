"""Jobs over the web: started, followed, cancelled, started again."""

from __future__ import annotations

import stat
import time
from pathlib import Path

import orjson
import pytest
from starlette.testclient import TestClient

from api.app import create_app
from gridmap.services import jobs
from gridmap.services.uploads import forget_old
from gridmap.store.database import Place
from tests.api.conftest import BASE, BEARER, TOKEN


@pytest.fixture
def kinds(monkeypatch):
    """Kinds of jobs that are known, whatever they would do."""
    for kind in ("cells", "import"):
        monkeypatch.setitem(jobs.HANDLERS, kind, lambda *_: {})


def test_an_order_is_answered_with_202_and_the_address_of_its_job(client: TestClient, kinds) -> None:
    answer = client.post("/v1/cells")
    assert answer.status_code == 202
    job = answer.json()
    assert answer.headers["location"] == f"/v1/jobs/{job['id']}"
    assert (job["state"], job["kind"], job["who"]) == ("waiting", "cells", "token")
    assert client.get(answer.headers["location"]).json() == job
    assert [row["id"] for row in client.get("/v1/jobs").json()["jobs"]] == [job["id"]]


def test_the_client_cannot_say_who_it_is(client: TestClient, kinds) -> None:
    answer = client.post("/v1/cells", params={"who": "mayor"}, headers={"X-Forwarded-User": "mayor"})
    assert answer.json()["who"] == "token"
    assert client.post("/v1/cells", json={"who": "mayor"}).status_code == 422


def test_a_waiting_job_is_cancelled_at_once_and_can_be_started_again(client: TestClient, kinds) -> None:
    url = client.post("/v1/cells").headers["location"]
    assert client.post(f"{url}/restart").status_code == 409
    assert client.delete(url).json()["state"] == "cancelled"
    assert client.delete(url).json()["state"] == "cancelled"
    again = client.post(f"{url}/restart")
    assert (again.status_code, again.json()["state"]) == (202, "waiting")


def test_a_job_that_is_not_there_is_404_in_both_languages(client: TestClient) -> None:
    for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/restart"), ("GET", "/events")):
        answer = client.request(method, f"/v1/jobs/4711{path}")
        assert answer.status_code == 404
        assert answer.json()["detail_zh"] != answer.json()["detail_en"]


def test_jobs_are_listed_by_state_newest_first_and_by_page(client: TestClient, kinds) -> None:
    made = [client.post("/v1/cells").json()["id"] for _ in range(5)]
    client.delete(f"/v1/jobs/{made[0]}")

    def ids(**asked: object) -> list[int]:
        return [row["id"] for row in client.get("/v1/jobs", params=asked).json()["jobs"]]

    assert ids(limit=2) == made[:2:-1]
    assert ids(before=made[3], limit=2) == [made[2], made[1]]
    assert ids(state="cancelled") == made[:1]
    assert ids(kind="import") == []
    assert client.get("/v1/jobs", params={"state": "lost"}).status_code == 422
    assert client.get("/v1/jobs", params={"limit": 0}).status_code == 422


def test_events_follow_a_job_to_its_end(client: TestClient, kinds, place: Place) -> None:
    number = client.post("/v1/cells").json()["id"]
    client.delete(f"/v1/jobs/{number}")
    answer = client.get(f"/v1/jobs/{number}/events")
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["cache-control"] == "no-store"
    assert "content-encoding" not in answer.headers
    blocks = answer.text.strip().split("\n\n")
    assert blocks[-1].startswith("event: job\ndata: ")
    assert orjson.loads(blocks[-1].partition("data: ")[2])["state"] == "cancelled"


def test_an_uploaded_file_becomes_the_input_of_an_import(client: TestClient, kinds, place: Place) -> None:
    asked = {
        "kind": "buildings", "name": "楼栋.geojson", "map": ["name=小区", "number=a=b"], "skip_bad": "true",
        "where": "类别=楼栋", "bbox": "112.8,36.3,113,36.45",
    }  # fmt: skip
    content = b'{"type": "FeatureCollection", "features": []}'
    answer = client.post("/v1/imports", params=asked, content=content)
    assert answer.status_code == 202
    given = jobs.get(place, answer.json()["id"]).input
    file = Path(given["path"])
    assert file.read_bytes() == content
    assert file.name == "楼栋.geojson"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert given["mapping"] == {"name": "小区", "number": "a=b"}
    assert given["skip_bad"] is True
    assert (given["where"], given["bbox"]) == ({"类别": "楼栋"}, [112.8, 36.3, 113, 36.45])
    assert given["commit"] is False
    again = client.post("/v1/imports", params=asked | {"commit": "true"}, content=content)
    assert jobs.get(place, again.json()["id"]).input["commit"] is True


@pytest.mark.parametrize(
    "name", ["../../etc/passwd.csv", "/etc/x.csv", "a\\b.csv", ".csv", "x.vrt", "x.exe", "x", "a\nb.csv", "x.csv/"]
)
def test_a_file_name_cannot_lead_out_of_the_folder(client: TestClient, kinds, name: str) -> None:
    answer = client.post("/v1/imports", params={"kind": "areas", "name": name}, content=b"x")
    assert answer.status_code == 422
    assert client.get("/v1/jobs").json()["jobs"] == []


def test_an_order_can_never_name_a_file_of_the_server(client: TestClient, kinds) -> None:
    asked = {"kind": "areas", "name": "x.csv", "path": "/etc/passwd"}
    assert client.post("/v1/imports", params=asked, content=b"x").status_code == 422


@pytest.mark.parametrize("stated", [True, False])
def test_a_file_over_the_limit_of_the_settings_is_refused_and_leaves_nothing(
    settings_here, place: Place, *, stated: bool
) -> None:
    def uploads() -> set[Path]:
        return set((settings_here.data_dir / "uploads").glob("*"))

    before = uploads()
    app = create_app(settings_here.model_copy(update={"max_upload_bytes": 2048}), place=place, token=TOKEN)
    with TestClient(app, base_url=BASE, headers=BEARER) as client:
        for size, status in ((2049, 413), (2048, 202)):
            body = b"x" * size if stated else iter([b"x" * 1024, b"x" * (size - 1024)])
            answer = client.post("/v1/imports", params={"kind": "areas", "name": "x.csv"}, content=body)
            assert answer.status_code == status
            if status == 413:
                assert "GRIDMAP_MAX_UPLOAD_BYTES" in answer.json()["detail_zh"]
                assert uploads() == before


def test_uploads_are_forgotten_after_a_week(tmp_path: Path) -> None:
    old = tmp_path / "uploads" / "a"
    old.mkdir(parents=True)
    (old / "x.csv").write_text("x")
    assert forget_old(tmp_path) == 0
    assert forget_old(tmp_path, now=time.time() + 8 * 24 * 3600) == 1
    assert not old.exists()
