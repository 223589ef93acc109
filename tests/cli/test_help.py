"""The command line tells what it can do, quickly and for every command."""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise

import pytest

from tests.docs.render import help_texts

HEAVY = ("geopandas", "shapely", "sqlalchemy", "folium", "pandas", "numpy", "scipy", "pyogrio", "osmium", "fastapi")
HELP = help_texts()
COMMANDS = [path for path, said in HELP.items() if "COMMAND [ARGS]" not in said]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_shows_an_example_of_itself(command: str) -> None:
    words = " ".join(HELP[command].split())
    assert "Example: " in words
    assert command in words.partition("Example: ")[2]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_is_explained(command: str) -> None:
    _, _, options = HELP[command].partition("Options:")
    lines = [*options.strip("\n").splitlines(), ""]
    for line, below in pairwise(lines):
        if line.lstrip().startswith("--"):
            # a long option has its explanation on the line below
            assert "  " in line.strip() or below.startswith(" " * 10), line


def test_help_loads_nothing_heavy() -> None:
    program = (
        "import sys\n"
        "from typer.testing import CliRunner\n"
        "from gridmap.cli.app import app\n"
        "assert CliRunner().invoke(app, ['--help']).exit_code == 0\n"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert sorted(set(HEAVY) & set(said.split())) == []
