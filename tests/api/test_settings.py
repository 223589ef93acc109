"""The settings of the jurisdiction over HTTP."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.testclient import TestClient

from gridmap.model.jurisdiction_settings import SETTINGS

URL = "/v1/settings"


def values(client: TestClient) -> dict[str, Any]:
    return {one["name"]: one["value"] for one in client.get(URL).json()["settings"]}


def test_settings_are_read_and_changed_with_the_tag_that_was_read(client: TestClient) -> None:
    read = client.get(URL)
    assert read.status_code == 200
    assert [one["name"] for one in read.json()["settings"]] == list(SETTINGS)
    order = {"values": {"household_target": 320, "households.inhabited_uses": ["residential"]}, "source": "年鉴"}
    assert client.patch(URL, json=order).status_code == 428
    tag = read.headers["etag"]
    tried = client.patch(URL, json=order, params={"dry_run": True}, headers={"If-Match": tag})
    assert tried.status_code == 200, tried.text
    assert tried.json()["committed"] is False
    assert tried.headers["etag"] == tag
    assert values(client)["household_target"] == 300
    done = client.patch(URL, json=order, headers={"If-Match": tag})
    assert done.status_code == 200, done.text
    assert done.json()["committed"] is True
    assert {c["name"] for c in done.json()["changes"]} == set(order["values"])
    assert values(client)["household_target"] == 320
    assert done.headers["etag"] == client.get(URL).headers["etag"] != tag
    assert client.patch(URL, json=order, headers={"If-Match": tag}).status_code == 412
    back = client.patch(URL, json={"values": {"household_target": None}}, headers={"If-Match": done.headers["etag"]})
    assert values(client)["household_target"] == 300, back.text


@pytest.mark.parametrize(
    "order",
    [
        {"values": {"household_target": 0}},
        {"values": {"time_zone": "Asia/Nowhere"}},
        {"values": {"household_targt": 300}},
        {"values": {}},
        {"values": {"household_target": {"a": 1}}},
        {"source": "x"},
        {"values": {"people_target": True}},
        {"values": {"people_target": 900}, "more": 1},
    ],
)
def test_what_does_not_fit_is_refused(order: dict[str, Any], client: TestClient) -> None:
    tag = client.get(URL).headers["etag"]
    answer = client.patch(URL, json=order, headers={"If-Match": tag})
    assert answer.status_code == 422, answer.text
    assert client.get(URL).headers["etag"] == tag


def test_strangers_neither_read_nor_write_settings(stranger: TestClient) -> None:
    assert stranger.get(URL).status_code == 401
    assert stranger.patch(URL, json={"values": {"household_target": 1}}).status_code in {401, 403}
