"""Every notebook runs from its first cell to its last on the sample county."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import KernelManager
from nbclient import NotebookClient

from gridmap.settings import Settings
from gridmap.store.database import Place
from tests.conftest import copy_database, drop_database, leave

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))


@pytest.fixture(scope="module")
def county(run_settings: Settings, county_template: Place) -> Iterator[Place]:
    leave(county_template)
    made = copy_database(run_settings, county_template.name, "notebook_county")
    yield made
    drop_database(run_settings, made)


class ThisPython(KernelManager):
    """A kernel of the interpreter that runs the tests, whatever kernels the machine knows."""

    @property
    def kernel_spec(self) -> KernelSpec:
        return KernelSpec(
            argv=[sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"], language="python"
        )


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_on_the_sample_county_and_is_kept_without_outputs(
    notebook: Path, county: Place, run_settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GRIDMAP_DATA_DIR", str(run_settings.data_dir))
    monkeypatch.setenv("GRIDMAP_DATABASE", county.name)
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    book = nbformat.read(notebook, as_version=4)
    assert all(not cell.get("outputs") for cell in book.cells), "clear the outputs: they are real answers of a database"
    NotebookClient(book, timeout=240, km=ThisPython(), resources={"metadata": {"path": str(tmp_path)}}).execute()
    shown = [output for cell in book.cells for output in cell.get("outputs", ())]
    assert not [output for output in shown if output.output_type == "error"]
    assert any("srcdoc" in output.get("data", {}).get("text/html", "") for output in shown), "no map was drawn"
