"""The page of the API and its document."""

from __future__ import annotations

import re

from starlette.testclient import TestClient


def test_every_operation_is_told_in_both_languages_and_stands_on_the_page(program: TestClient) -> None:
    document = program.get("/openapi.json").json()
    page = program.get("/docs").text
    for path, item in document["paths"].items():
        for method, operation in item.items():
            assert re.search(r"[\u4e00-\u9fff]", operation["summary"]), (method, path)
            assert re.search(r"[A-Za-z]{3}.*\.$", operation["description"], re.DOTALL), (method, path)
            assert f"<b>{method.upper()}</b> {path.replace('&', '&amp;')}" in page
    assert "422" not in {
        status for item in document["paths"].values() for o in item.values() for status in o["responses"]
    }


def test_the_type_of_every_problem_leads_to_its_row_on_the_page(program: TestClient) -> None:
    page = program.get("/docs", headers={"Accept-Language": "en"}).text
    for answer in (program.get("/static/nothing"), program.get("/nowhere"), program.put("/v1/jobs")):
        address, _, anchor = answer.json()["type"].partition("#")
        assert address == "/docs"
        assert f'id="{anchor}"' in page
    assert '<html lang="en">' in page
    assert '<html lang="zh">' in program.get("/docs?lang=zh").text


def test_the_page_needs_no_script_and_escapes_what_it_shows(program: TestClient) -> None:
    page = program.get("/docs").text
    assert "<script" not in page
    assert "{layer}" in page
