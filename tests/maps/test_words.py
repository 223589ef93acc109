"""The page speaks Chinese and English completely."""

from __future__ import annotations

import re

from gridmap.core.plans.gestures import KINDS
from gridmap.core.proposals.options import MODES
from gridmap.maps.page import HERE, STATIC, dictionaries
from gridmap.model.kinds import BUILDING_USES, DUTY_ROLES, EIGHT_CHECKS, GRID_KINDS, STATION_KINDS, TENURES

JOB_STATES = ("waiting", "running", "cancelling", "done", "failed", "cancelled", "interrupted")
EDITED = ("name", "kind", "tier", "services", "opening_hours", "tenure", "rooms", "address", "checks")
PLAN_TABS = ("grids", "warnings", "auto", "log", "publish")
TOOLS = ("select", "lasso", "box", "give", "line", "shift", "split", "merge")
MODULES = {path.name: path.read_text(encoding="utf-8") for path in (STATIC / "gridmap").glob("*.js")}


def _used() -> set[str]:
    text = "".join(source for name, source in MODULES.items() if name != "i18n.js")
    page = (HERE / "templates" / "page.html").read_text(encoding="utf-8")
    choice = re.findall(r'\bt\(\s*[\w.?\s()=>\[\],"&!]*?\? "([\w.]+)" : (?:[\w ]+=== \w+ \? )?"([\w.]+)"', text)
    choice += [(third, third) for third in re.findall(r'\bt\([^;\n]*? : "([\w.]+)"\)', text)]
    choice += [(third, third) for third in re.findall(r'\bt\([^;\n]*?=== \w+ \? "([\w.]+)" :', text)]
    return {
        *re.findall(r'\bt\("([\w.]+)"', text),
        *(key for pair in choice for key in pair),
        *re.findall(r'"((?:count|zoom)\.\w+)"', text),
        *re.findall(r'(?<!term\()"((?:conflict|publish|step|plan|auto)\.\w+)"', text),
        *re.findall(r"\bwords\.(\w+)", page),
        *re.findall(r'data-t="(\w+)"', page),
        *re.findall(r'words\["(\w+)"\]', (HERE / "page.py").read_text(encoding="utf-8")),
    }


def _made() -> set[str]:
    """Keys that are put together from a prefix and a datum."""
    return {
        *(f"kind.{value}" for value in GRID_KINDS),
        *(f"role.{value}" for value in DUTY_ROLES),
        *(f"station.kind.{value}" for value in STATION_KINDS),
        *(f"here.use.{value}" for value in BUILDING_USES),
        *(f"count.{value}" for value in ("households", "people", "buildings")),
        *(f"unknown.{value}" for value in ("households", "people", "buildings")),
        *(f"paper.{value}" for value in ("households", "people")),
        *(f"severity.{value}" for value in ("error", "warning", "info")),
        *(f"level.{value}" for value in (1, 2, 3)),
        *(f"layer.{value}" for value in ("base", "grids", "communities", "cells", "names", "stations")),
        *(f"layer.{value}" for value in ("reach", "gaps")),
        *(f"mode.{value}" for value in ("grids", "coverage", "redraw")),
        *(f"plan.state.{value}" for value in ("draft", "submitted", "approved", "active", "superseded")),
        *(f"plan.tab.{value}" for value in PLAN_TABS),
        *(f"plan.sort.{value}" for value in ("worst", "large", "small", "code")),
        *(f"auto.mode.{mode}{end}" for mode in MODES for end in ("", ".about")),
        *(f"auto.scope.{value}" for value in ("all", "community", "grid")),
        *(f"tool.{value}" for value in (*TOOLS, "undo", "redo")),
        *(f"tool.{value}.how" for value in TOOLS),
        *(f"step.{value}" for value in (*KINDS, "cut", "auto", "import", "carry", "rebase")),
        *(f"publish.said.{value}" for value in ("submit", "approve", "reopen", "publish", "withdraw")),
        *(f"rebase.{value}" for value in ("mine", "theirs", "all_mine", "all_theirs")),
        *(f"tenure.{value}" for value in TENURES),
        *(f"checks.{value}" for value in EIGHT_CHECKS),
        *(f"marks.{value}" for value in ("kind", "score")),
        *(f"ask.profile.{value}" for value in ("default", "elderly", "wheels")),
        *(f"ask.open.{value}" for value in ("sunday", "20:00")),
        *(f"cover.tab.{value}" for value in ("gaps", "grids", "stations", "siting", "tries")),
        *(f"circle.{value}" for value in ("radius", "inside", "only_circle", "only_walk")),
        *(f"whatif.op.{value}" for value in ("move", "add", "close", "hours", "close_street", "link")),
        *(f"placing.{value}" for value in ("add", "move", "close_street", "link")),
        *(f"whatif.tool.{value}" for value in ("add", "close_street", "link")),
        *(f"edit.tier.{value}" for value in (1, 2)),
        *(f"edit.check.{value}" for value in ("yes", "no", "unknown")),
        *(f"edit.field.{value}" for value in EDITED),
        *(f"compare.{value}" for value in ("today", "tries", "difference", "left", "right")),
        *(f"siting.method.{value}" for value in ("max_cover", "set_cover", "p_median")),
        *(f"siting.candidates.{value}" for value in ("candidates", "public", "buildings")),
        *(f"siting.objective.{value}" for value in ("households", "people")),
        *(f"job.{value}" for value in JOB_STATES),
        *(f"sort.{value}" for value in ("code", "large", "small")),
        *(f"tab.{value}" for value in ("list", "check")),
        *(f"empty.{value}" for value in ("areas", "streets", "buildings", "households", "cells", "grids", "stations")),
    }


def test_both_languages_have_the_same_keys() -> None:
    zh, en = dictionaries()["zh"], dictionaries()["en"]
    assert list(zh) == list(en)


def test_both_languages_fill_in_the_same_values() -> None:
    zh, en = dictionaries()["zh"], dictionaries()["en"]
    for key in zh:
        assert set(re.findall(r"\{\w+\}", zh[key])) == set(re.findall(r"\{\w+\}", en[key])), key


def test_no_words_are_missing() -> None:
    assert (_used() | _made()) - set(dictionaries()["zh"]) == set()


def test_no_words_are_left_over() -> None:
    assert set(dictionaries()["zh"]) - _used() - _made() == set()


def test_chinese_words_are_chinese_and_english_words_are_not() -> None:
    for key, words in dictionaries()["zh"].items():
        if key not in {"language", "comma"}:
            assert re.search(r"[\u4e00-\u9fff]", words), key
    for key, words in dictionaries()["en"].items():
        if key != "language":
            assert not re.search(r"[\u4e00-\u9fff]", words), key


def test_no_module_holds_chinese_words_of_its_own() -> None:
    for name, source in MODULES.items():
        if name != "i18n.js":
            code = re.sub(r"/\*.*?\*/|//[^\n]*", "", source, flags=re.DOTALL)
            # 站 is the symbol of a station; 社区 and 村 are endings of names in the data.
            assert set(re.findall(r"[\u4e00-\u9fff]", code)) <= set("站社区村"), name
