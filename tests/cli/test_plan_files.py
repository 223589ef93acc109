"""Change packs, assignments and nets by commands alone (see tests.services.town)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import shapely

from gridmap.errors import InputError, NotFound
from gridmap.services.changepack import FILES
from gridmap.settings import Settings
from gridmap.store.database import Place
from tests.conftest import copy_database, drop_database
from tests.services import town


@pytest.fixture(scope="module")
def blocks(run_settings: Settings, town_template: Place) -> Iterator[Place]:
    made = copy_database(run_settings, town_template.name, "cli_blocks")
    yield made
    drop_database(run_settings, made)


@pytest.fixture
def go(blocks: Place, quick: Callable[..., Any]) -> Callable[..., Any]:
    def run(*arguments: str) -> Any:
        return quick(*arguments, "--database", blocks.name)

    return run


def told(result: Any) -> Any:
    assert result.exit_code == 0, (result.output, result.exception)
    return json.loads(result.stdout)


def test_a_plan_goes_out_as_a_pack_and_as_lists_and_comes_back(go: Callable[..., Any]) -> None:
    told(go("plan", "new", "甲", "--commit", "--json"))
    told(go("plan", "new", "乙", "--commit", "--json"))
    Path("list.csv").write_text(f"楼栋编号,网格编码\nb003,{town.code(0, 1)}\nnobody,x\n", encoding="utf-8")
    dry = go("plan", "import", "甲", "list.csv")
    assert "nobody" in dry.output
    assert "--commit" in dry.output
    assert isinstance(go("plan", "import", "甲", "list.csv", "--commit").exception, InputError)
    done = told(go("plan", "import", "甲", "list.csv", "--commit", "--skip-bad", "--json"))
    assert (done["unknown_buildings"], done["step"]["revision"]) == (["nobody"], 1)
    assert told(go("plan", "export", "甲", "pack", "--json"))["files"] == list(FILES)
    assert isinstance(go("plan", "export", "甲", "pack").exception, InputError)
    assert "summary.html" in go("plan", "export", "甲", "pack.zip", "--lang", "en").output
    assert told(go("plan", "export", "甲", "out.gpkg", "--json"))["rows"] == 8
    assert told(go("plan", "export", "甲", "all.txt", "--format", "csv", "--json"))["rows"] == 48
    back = go("plan", "import", "乙", "out.gpkg", "--commit")
    assert back.exit_code == 0, back.exception
    assert told(go("plan", "diff", "甲", "乙", "--json"))["buildings"] == []
    drawn = told(go("plan", "diff", "edition:2", "甲", "--out", "diff.geojson", "--json"))
    assert drawn["rows"]["land"] == len(json.loads(Path("diff.geojson").read_text("utf-8"))["features"]) == 1
    assert isinstance(go("plan", "import", "甲", "list.csv", "--map", "oops").exception, InputError)


def test_nets_are_compared_and_the_edition_is_verified(go: Callable[..., Any], blocks: Place, importer: Any) -> None:
    assert "import nets" in go("nets", "list").output
    halves = [shapely.union_all([town.block(c, r) for c in half for r in range(2)]) for half in ((0, 1), (2, 3))]
    table = {"source_id": ["n1", "n2"], "net": ["警务网"] * 2, "code": ["J1", "J2"], "name": ["西区", "东区"]}
    importer(blocks, "nets", town.lonlat(table, halves))
    assert "警务网" in go("nets", "list").output
    assert "2400" in go("nets", "compare").output
    assert told(go("nets", "compare", "警务网", "--out", "n.gpkg", "--json"))["totals"]["agree"]["households"] == 2400
    assert Path("n.gpkg").is_file()
    assert isinstance(go("nets", "compare", "没有").exception, NotFound)
    assert isinstance(go("nets", "compare", "--out", "n.gpkg").exception, InputError)
    assert told(go("edition", "verify", "--json")) == []
