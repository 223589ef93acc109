from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from gridmap.io.write import write_layer
from gridmap.services.cells import make_cells
from gridmap.services.imports import ImportOrder, ImportReport, import_file
from gridmap.settings import Settings
from gridmap.store.database import Place, engine_of
from tests.conftest import copy_database, drop_database
from tests.services import town

_numbers = itertools.count(1)


class Importer:
    """Writes a table to a file and imports it, as a person would."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(
        self, place: Place, kind: str, table: pd.DataFrame, *, commit: bool = True, **order: Any
    ) -> ImportReport:
        ending = "csv" if kind in {"households", "people", "requests"} else "gpkg"
        file = self.folder / f"{kind}{next(_numbers)}.{ending}"
        write_layer(table, file, kind)
        asked = ImportOrder(kind=kind, path=str(file), with_contacts=kind == "people", **order)
        return import_file(place, asked, who="test", commit=commit)


@pytest.fixture(scope="session")
def importer(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., ImportReport]:
    return Importer(tmp_path_factory.mktemp("files"))


@pytest.fixture(scope="session")
def town_template(run_settings: Settings, template: Place, importer: Importer) -> Place:
    """The small town with cells and two editions; tests get copies."""
    made = copy_database(run_settings, template.name, "template_town")
    for kind in ("areas", "streets", "buildings", "households", "stations", "people"):
        importer(made, kind, getattr(town, kind)())
    importer(made, "grids", town.grids(moved=True), edition="去年版", effective_from="2025-01-01")
    importer(made, "grids", town.grids(), edition="现行版", effective_from="2026-01-01")
    make_cells(made, who="test")
    engine_of(made).dispose()
    return made


@pytest.fixture
def town_place(run_settings: Settings, town_template: Place) -> Iterator[Place]:
    """A copy of the small town for one test."""
    made = copy_database(run_settings, town_template.name, f"town{next(_numbers)}")
    yield made
    drop_database(run_settings, made)
