"""Every command in the documents is run, in the order in which a reader meets them."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient
from typer.testing import CliRunner

from api.app import create_app
from gridmap.cli.app import app
from gridmap.settings import Settings
from gridmap.store.database import Place
from tests.conftest import leave
from tests.docs.render import REPOSITORY

DOCUMENTS = sorted([*REPOSITORY.glob("*.md"), *REPOSITORY.glob("docs/**/*.md")])
ELSEWHERE = {
    "./dev demo": "tests/cli/test_demo.py",
    "./dev demo --once": "tests/cli/test_demo.py",
    "./dev test": ".ci/run",
    "./dev check": ".ci/run",
    "gridmap db down": "tests/cli/test_database_commands.py",
    "gridmap serve": "tests/api/test_serve.py",
    "gridmap worker": "tests/services/test_jobs.py",
}
"""Commands that start or stop what the run needs, or are the run; and the file that runs them."""
TOKEN = "t" * 43
ENDS_WITH = {"gridmap check": {0, 3}}


def commands(document: Path) -> Iterator[str]:
    for block in re.findall(
        r"^```(?:sh|console)\n(.*?)^```", document.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    ):
        for line in block.replace("\\\n", " ").splitlines():
            words = shlex.split(line.removeprefix("$ "), comments=True)
            words = words[2:] if words[:2] == ["./dev", "run"] else words
            if words[:1] in (["gridmap"], ["./dev"]):
                yield shlex.join(words)


FOLLOWED = [document for document in DOCUMENTS if any(c not in ELSEWHERE for c in commands(document))]


@pytest.mark.parametrize("document", FOLLOWED, ids=lambda d: str(d.relative_to(REPOSITORY)))
def test_a_reader_can_run_what_a_document_says(document: Path, reader: Place) -> None:
    for command in commands(document):
        if command in ELSEWHERE:
            continue
        program, *arguments = shlex.split(command)
        leave(reader)
        if program == "./dev":
            done = subprocess.run([REPOSITORY / "dev", *arguments], capture_output=True, text=True, check=False)
            assert done.returncode == 0, f"{command}\n{done.stderr}"
            continue
        result = CliRunner().invoke(app, arguments)
        allowed = next((codes for start, codes in ENDS_WITH.items() if command.startswith(start)), {0})
        assert result.exit_code in allowed, f"{command}\n{result.output}\n{result.exception!r}"


def requests(document: Path) -> Iterator[list[str]]:
    """Every ``curl`` of a document, as words."""
    for block in re.findall(r"^```sh\n(.*?)^```", document.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL):
        for line in block.replace("\\\n", " ").splitlines():
            if line.startswith("curl "):
                yield shlex.split(line)[1:]


@pytest.mark.parametrize(
    "document",
    [document for document in DOCUMENTS if any(requests(document))],
    ids=lambda d: str(d.relative_to(REPOSITORY)),
)
def test_a_program_can_ask_what_a_document_says(document: Path, reader: Place, run_settings: Settings) -> None:
    settings = run_settings.model_copy(update={"database": reader.name})
    with TestClient(create_app(settings, place=reader, token=TOKEN), base_url="http://127.0.0.1:8321") as server:
        for words in requests(document):
            headers = dict(words[k + 1].split(": ", 1) for k, word in enumerate(words) if word == "-H")
            headers = {name: value.replace("$TOKEN", TOKEN) for name, value in headers.items()}
            address = next(word for word in words if word.startswith("http"))
            answer = server.get(address, headers=headers)
            assert answer.status_code == 200, answer.text
            assert server.get(address).status_code == 401


def test_commands_that_can_be_run_stand_in_blocks_that_are_run() -> None:
    """What needs root, or another server, cannot; the line for root is compared with ./dev elsewhere."""
    left = []
    for document in DOCUMENTS:
        for block in re.findall(r"^```text\n(.*?)^```", document.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL):
            if "GRIDMAP_DATABASE_URL" in block:
                continue
            left += [line for line in block.splitlines() if re.match(r"(\$ )?(gridmap|\./dev|curl) (?!.*\[)", line)]
    assert left == []


def test_the_readme_begins_with_the_two_commands() -> None:
    assert list(commands(REPOSITORY / "README.md"))[:2] == ["./dev demo", "./dev test"]


@pytest.mark.parametrize("command", ELSEWHERE)
def test_what_is_run_elsewhere_is_run_there(command: str) -> None:
    assert (REPOSITORY / ELSEWHERE[command]).exists()


def test_the_dev_command_knows_what_the_documents_ask_of_it() -> None:
    known = set(re.findall(r"^  ([a-z]+)\)", (REPOSITORY / "dev").read_text(encoding="utf-8"), re.MULTILINE)) | {"help"}
    asked = {c.split()[1] for d in DOCUMENTS for c in commands(d) if c.startswith("./dev ")}
    assert asked <= known
