"""What the program has, the documents name; and their links lead somewhere."""

from __future__ import annotations

import importlib.metadata
import re
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.docs import render
from tests.docs.render import DOCS, REPOSITORY
from tests.docs.test_commands import DOCUMENTS

MADE = [document for document in DOCUMENTS if "made by ./dev bless" in document.read_text(encoding="utf-8")]
LARGEST_PICTURE = 400_000


def text(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


@pytest.mark.golden
@pytest.mark.parametrize("document", MADE, ids=lambda d: d.name)
def test_the_made_parts_say_what_the_program_says(document: Path, golden: Callable[[Path, str], None]) -> None:
    golden(document, render.with_parts(document.read_text(encoding="utf-8")))


def test_every_made_part_stands_in_a_document() -> None:
    stand = {n for d in MADE for n in re.findall(r"<!-- begin (\w+):", d.read_text(encoding="utf-8"))}
    assert stand == set(render.PARTS)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda d: str(d.relative_to(REPOSITORY)))
def test_links_lead_somewhere(document: Path) -> None:
    words = re.sub(r"```.*?```", "", document.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", words):
        if target.startswith(("http://", "https://", "mailto:")):
            continue
        name, _, anchor = target.partition("#")
        file = (document.parent / name).resolve() if name else document
        assert file.exists(), target
        if anchor:
            assert anchor in anchors(file), target


def anchors(document: Path) -> set[str]:
    heads = re.findall(r"^#+ (.+)$", document.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


def test_the_readme_lists_every_document() -> None:
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    missing = [d.name for d in DOCS.glob("*.md") if f"](docs/{d.name})" not in readme]
    assert missing == []


def test_every_decision_is_listed() -> None:
    listed = text("decisions/README.md")
    assert [d.name for d in sorted((DOCS / "decisions").glob("0*.md")) if f"]({d.name})" not in listed] == []


def test_every_variable_of_the_environment_is_explained() -> None:
    sources = [*REPOSITORY.glob("gridmap/**/*.py"), *REPOSITORY.glob("api/**/*.py"), REPOSITORY / "dev"]
    sources += REPOSITORY.glob("tests/**/*.py")
    used = {v for s in sources for v in re.findall(r"\bGRIDMAP_[A-Z_]*[A-Z]\b", s.read_text(encoding="utf-8"))}
    assert sorted(v for v in used if f"`{v}`" not in text("settings.md")) == []


def test_every_library_is_listed_with_its_licence() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed = {re.match(r"[\w-]+", d)[0] for d in project["dependencies"]}  # type: ignore[index]
    listed = dict(re.findall(r"^\| `([\w-]+)` \| ([^|]+?) \|", text("decisions/0004-libraries.md"), re.MULTILINE))
    assert set(listed) == needed
    for name, licence in listed.items():
        data = importlib.metadata.metadata(name)
        said = [data.get("License-Expression") or "", data.get("License") or "", *(data.get_all("Classifier") or [])]
        assert licence.split("-")[0].split(" ")[0] in " ".join(said), name


def test_pictures_are_small() -> None:
    assert {p.name: p.stat().st_size for p in (DOCS / "pictures").glob("*") if p.stat().st_size > LARGEST_PICTURE} == {}


def test_every_route_that_is_no_part_of_the_api_is_named() -> None:
    from api.routes import pages

    assert [r.path for r in pages.router.routes if f"`{r.path}`" not in text("api.md")] == []  # type: ignore[attr-defined]
