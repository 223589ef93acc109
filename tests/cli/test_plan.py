"""``gridmap plan``: say what it would do, do it with --commit, and answer as words or JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gridmap.errors import Conflict, InputError, NotFound, UnreadableFile
from gridmap.settings import Settings
from gridmap.store.database import Place
from tests.conftest import copy_database, drop_database, leave


@pytest.fixture(scope="module")
def own(run_settings: Settings, county_template: Place) -> Iterator[Place]:
    """A copy of the county whose plans these tests change."""
    leave(county_template)
    made = copy_database(run_settings, county_template.name, "cli_plans")
    yield made
    drop_database(run_settings, made)


@pytest.fixture
def plan(own: Place, quick: Callable[..., Any]) -> Callable[..., Any]:
    def go(*arguments: str) -> Any:
        return quick("plan", *arguments, "--database", own.name)

    return go


def told(result: Any) -> Any:
    assert result.exit_code == 0, (result.output, result.exception)
    return json.loads(result.stdout)


def test_a_plan_is_made_redrawn_undone_and_shown_by_commands_alone(plan: Callable[..., Any]) -> None:
    assert "--commit" in plan("new", "明年调整").output
    assert "明年调整" not in plan("list").output
    made = told(plan("new", "明年调整", "--commit", "--json"))
    assert "明年调整" in plan("list").output
    assert told(plan("list", "--json"))[0]["id"] == made["id"]
    shown = told(plan("show", "明年调整", "--json"))
    grid = max(shown["grids"], key=lambda g: g["households"])["code"]
    split = json.dumps({"kind": "split", "grid": grid})
    would = plan("op", "明年调整", split)
    assert would.exit_code == 0
    assert "--commit" in would.output
    assert told(plan("show", "明年调整", "--json"))["revision"] == 0
    done = told(plan("op", str(made["id"]), split, "--commit", "--json"))
    assert (done["committed"], done["revision"], len(done["grids"])) == (True, 1, 2)
    assert grid in plan("show", "明年调整").output
    assert (
        "households change their grid" in plan("score", "明年调整").output
        or "换网格" in plan("score", "明年调整").output
    )
    assert told(plan("score", "明年调整", "--json"))["score"]["households_moved"] > 0
    changed = told(plan("diff", "明年调整", "--json"))
    assert [p["relation"] for p in changed["pairs"] if p["old"] == grid] == ["split", "split"]
    assert str(changed["households_moved"]) in plan("diff", "edition:1", "明年调整").output
    assert told(plan("undo", "明年调整", "--commit", "--json"))["inverse_of"] == 1
    assert told(plan("redo", "明年调整", "--commit", "--json"))["inverse_of"] == 2
    assert [e["kind"] for e in told(plan("show", "明年调整", "--json"))["operations"]] == ["redo", "undo", "split"]


def test_an_operation_comes_from_a_file_too(plan: Callable[..., Any]) -> None:
    told(plan("new", "文件", "--commit", "--json"))
    grid = told(plan("show", "文件", "--json"))["grids"][0]["code"]
    Path("step.json").write_text(json.dumps({"kind": "lock", "grids": [grid]}), encoding="utf-8")
    assert told(plan("op", "文件", "@step.json", "--commit", "--json"))["grids"][0]["locked"] is True
    refused = plan("op", "文件", json.dumps({"kind": "split", "grid": grid}), "--commit")
    assert isinstance(refused.exception, InputError)
    stale = plan("op", "文件", json.dumps({"kind": "unlock", "grids": [grid]}), "--base", "7")
    assert isinstance(stale.exception, InputError)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("op", "无", "{}"), NotFound),
        (("show", "无"), NotFound),
        (("score", "99999"), NotFound),
        (("op", "错误", "not json"), InputError),
        (("op", "错误", '{"kind": "explode"}'), InputError),
        (("op", "错误", "@nowhere.json"), UnreadableFile),
        (("undo", "错误"), InputError),
        (("redo", "错误", "--commit"), InputError),
        (("new", "错误", "--commit"), Conflict),
        (("diff", "错误", "edition:last"), InputError),
        (("diff", "edition:77", "错误"), NotFound),
        (("new", "新", "--edition", "77", "--commit"), NotFound),
    ],
)
def test_what_cannot_be_done_is_an_error(plan: Callable[..., Any], arguments: tuple[str, ...], error: type) -> None:
    plan("new", "错误", "--commit")
    assert isinstance(plan(*arguments).exception, error)


def test_a_plan_is_published_by_commands_alone(plan: Callable[..., Any], own: Place, quick: Callable[..., Any]) -> None:
    told(plan("new", "发布", "--commit", "--json"))
    grid = told(plan("show", "发布", "--json"))["grids"][-1]["code"]
    told(plan("op", "发布", json.dumps({"kind": "rename", "grid": grid, "name": "新名"}), "--commit", "--json"))
    for step, state in (("submit", "submitted"), ("reopen", "draft"), ("submit", "submitted"), ("approve", "approved")):
        assert "--commit" in plan(step, "发布").output
        assert told(plan(step, "发布", "--commit", "--json"))["state"] == state
    assert isinstance(plan("undo", "发布", "--commit").exception, Conflict)
    made = plan("publish", "发布", "--name", "第三版", "--commit")
    assert made.exit_code == 0, made.exception
    editions = json.loads(quick("edition", "list", "--json", "--database", own.name).stdout)
    assert editions[-1]["name"] == "第三版"
    shown = json.loads(quick("edition", "show", "--json", "--database", own.name).stdout)
    assert {g["code"]: g["name"] for g in shown}[grid] == "新名"


def test_a_proposal_is_made_looked_at_taken_and_undone(plan: Callable[..., Any]) -> None:
    told(plan("new", "自动", "--commit", "--json"))
    before = told(plan("show", "自动", "--json"))
    community = max(before["grids"], key=lambda g: abs(g["deviation"] or 0))["community_code"]
    scope = ("--scope", f"community:{community}", "--effort", "0.2")
    made = told(plan("auto", "自动", "--mode", "fresh", *scope, "--json"))
    assert made["complete"]
    assert [one["number"] for one in made["candidates"]] == list(range(1, len(made["candidates"]) + 1))
    shown = plan("auto", "自动", "--proposal", str(made["id"]))
    assert made["candidates"][0]["trade_off"]["zh"] in shown.output
    taking = ("auto", "自动", "--proposal", str(made["id"]), "--take", "1")
    assert "--commit" in plan(*taking).output
    assert told(plan("show", "自动", "--json"))["revision"] == 0
    taken = told(plan(*taking, "--commit", "--json"))["step"]
    assert (taken["kind"], taken["revision"]) == ("auto", 1)
    assert taken["score"]["households_moved"] == made["candidates"][0]["households_moved"]
    told(plan("undo", "自动", "--commit", "--json"))
    assert told(plan("show", "自动", "--json"))["score"] == before["score"]
    wrong = plan("auto", "自动", "--scope", "town:1")
    assert isinstance(wrong.exception, InputError)
