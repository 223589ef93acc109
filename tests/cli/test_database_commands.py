"""The private cluster by hand: up, status, down."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gridmap.store.cluster import Cluster

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def empty_folder() -> Iterator[Path]:
    """A data folder of its own: what other tests use must not be stopped."""
    base = Path("/var/tmp") if os.geteuid() == 0 else Path(tempfile.gettempdir())
    folder = Path(tempfile.mkdtemp(prefix="gridmap-cli-", dir=base))
    folder.chmod(0o755)
    yield folder
    Cluster(folder).stop()
    shutil.rmtree(folder, ignore_errors=True)


def test_up_makes_the_database_and_down_stops_it(run: Run, empty_folder: Path) -> None:
    def status() -> dict[str, object]:
        told: dict[str, object] = json.loads(run("db", "status", "--json", GRIDMAP_DATA_DIR=str(empty_folder)).stdout)
        return told

    assert status()["made"] is False
    assert run("db", "up", GRIDMAP_DATA_DIR=str(empty_folder)).returncode == 0
    now = status()
    assert (now["running"], now["answers"]) == (True, True)
    assert now["schema"] == now["schema_of_program"]
    assert run("db", "down", GRIDMAP_DATA_DIR=str(empty_folder)).returncode == 0
    assert status()["running"] is False
    assert status()["made"] is True
