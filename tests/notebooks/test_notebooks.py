"""Every notebook runs from its first cell to its last on the sample county."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest

from gridmap.settings import Settings
from gridmap.store.database import Place
from tests.conftest import copy_database, drop_database, leave

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))
EXECUTE = """
import sys
import nbformat
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import KernelManager
from nbclient import NotebookClient


class ThisPython(KernelManager):
    kernel_spec = KernelSpec(argv=[sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"])


book = nbformat.read(sys.argv[1], as_version=4)
NotebookClient(book, timeout=240, km=ThisPython()).execute()
nbformat.write(book, sys.argv[2])
"""
"""Runs a notebook by the interpreter of the tests, whatever kernels the machine knows, and writes it with outputs."""


@pytest.fixture(scope="module")
def county(run_settings: Settings, county_template: Place) -> Iterator[Place]:
    leave(county_template)
    made = copy_database(run_settings, county_template.name, "notebook_county")
    yield made
    drop_database(run_settings, made)


# loading the county and compiling the kernels are part of the first one
@pytest.mark.timeout(900)
@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_on_the_sample_county_and_is_kept_without_outputs(
    notebook: Path, county: Place, run_settings: Settings, tmp_path: Path
) -> None:
    kept = nbformat.read(notebook, as_version=4)
    assert all(not cell.get("outputs") for cell in kept.cells), "clear the outputs: they are real answers of a database"
    here = {
        "GRIDMAP_DATA_DIR": str(run_settings.data_dir),
        "GRIDMAP_DATABASE": county.name,
        "IPYTHONDIR": str(tmp_path),
    }
    done = subprocess.run(
        [sys.executable, "-c", EXECUTE, notebook, tmp_path / "run.ipynb"],
        env=os.environ | here, cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    run = nbformat.read(tmp_path / "run.ipynb", as_version=4)
    shown = [output for cell in run.cells for output in cell.get("outputs", ())]
    assert any("srcdoc" in output.get("data", {}).get("text/html", "") for output in shown), "no map was drawn"
