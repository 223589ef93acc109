"""What goes wrong is told in two sentences, never as a trace; the exit code says of which sort it is."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., "subprocess.CompletedProcess[str]"]

WRONG = [
    (["locat"], 2), (["locate", "--adress", "x"], 2), (["locate", "east", "north"], 2), (["import", "buildings"], 2),
    (["jobs", "list", "--state", "lost"], 2), (["import", "buildings", "nowhere.gpkg"], 1),
    (["import", "buildings", "town.txt"], 1), (["import", "areas", "empty.csv", "--map", "name"], 1),
    (["locate", "--database", "Not A Name", "1", "2"], 1), (["locate", "1", "2", "--at", "yesterday"], 1),
    (["db", "restore", "town.txt", "--commit"], 1), (["serve", "--host", "0.0.0.0"], 1),  # noqa: S104 (is refused)
    (["db", "status", "--database", "mysql://h/x"], 1), (["import", "osm", "town.txt", "--bbox", "1,2,3"], 1),
]  # fmt: skip


@pytest.mark.parametrize(("command", "code"), WRONG, ids=lambda v: " ".join(v) if isinstance(v, list) else str(v))
def test_an_error_is_two_sentences(command: list[str], code: int, run: Run, tmp_path: Path) -> None:
    (tmp_path / "town.txt").write_text("not a town", encoding="utf-8")
    (tmp_path / "empty.csv").write_text("name\n", encoding="utf-8")
    done = run(*command)
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    zh, en, *_ = done.stderr.splitlines()
    assert re.match(r"错误:.*[\u4e00-\u9fff]", zh)
    assert re.match(r"error: .*[A-Za-z]{3}", en)


def test_a_value_of_the_environment_that_does_not_fit_is_named(run: Run) -> None:
    done = run("db", "status", GRIDMAP_PORT="many")
    assert done.returncode == 1
    assert "GRIDMAP_PORT" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_group_without_a_command_shows_its_help(run: Run) -> None:
    done = run("db")
    assert done.returncode == 2
    assert "backup" in done.stdout + done.stderr


def test_no_password_is_shown(run: Run) -> None:
    address = "postgresql://me:s3cret@127.0.0.1:1/x"
    for command in (["db", "url"], ["db", "status"], ["db", "up"], ["locate", "1", "2"], ["edition", "list"]):
        done = run(*command, "--database", address)
        assert "s3cret" not in done.stdout + done.stderr, command
        assert "Traceback" not in done.stderr, command
