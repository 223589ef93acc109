from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from gridmap.cli.app import app
from gridmap.settings import Settings
from gridmap.store.database import Place
from tests.conftest import copy_database, drop_database, leave

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def county(run_settings: Settings, county_template: Place) -> Iterator[Place]:
    """The sample county, for commands that only read."""
    leave(county_template)
    made = copy_database(run_settings, county_template.name, "cli_county")
    yield made
    drop_database(run_settings, made)


@pytest.fixture
def environment(run_settings: Settings) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith("GRIDMAP_")}
    return kept | {"GRIDMAP_DATA_DIR": str(run_settings.data_dir), "TYPER_USE_RICH": "0"}


@pytest.fixture
def run(environment: dict[str, str], tmp_path: Path) -> Run:
    """Run ``gridmap`` as a person does: a process of its own, in an empty folder."""

    def go(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "gridmap", *arguments],
            env=environment | more,
            cwd=tmp_path,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    return go


@pytest.fixture
def quick(run_settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Result]:
    """Run a command in this process, in an empty folder."""
    monkeypatch.setenv("GRIDMAP_DATA_DIR", str(run_settings.data_dir))
    monkeypatch.chdir(tmp_path)

    def go(*arguments: str) -> Result:
        return CliRunner().invoke(app, arguments)

    return go
