"""One private PostGIS cluster for the whole run, one migrated template, a copy of it for each test that commits."""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from sqlalchemy import Connection, create_engine, text

from gridmap.io.write import write_layer
from gridmap.services.cells import make_cells
from gridmap.services.imports import ImportOrder, ImportReport, import_file
from gridmap.services.sample import SampleOrder, load_sample
from gridmap.settings import Settings
from gridmap.store.cluster import Cluster
from gridmap.store.database import Place, engine_of, find_place
from gridmap.store.jobs import JOB_CONNECTIONS
from gridmap.store.migrate import migrate
from tests.services import town
from tests.unskipped import pytest_runtest_makereport

__all__ = ["pytest_runtest_makereport"]

hypothesis_settings.register_profile(
    "gridmap", deadline=None, derandomize=True, max_examples=25, suppress_health_check=[HealthCheck.too_slow]
)
hypothesis_settings.load_profile("gridmap")

TEMPLATE = "template_gridmap"
_numbers = itertools.count(1)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the long and the real-data tests to the commands that ask for them with ``-m``."""
    if config.option.markexpr:
        return
    chosen, left = [], []
    for item in items:
        (left if item.get_closest_marker("soak") or item.get_closest_marker("realdata") else chosen).append(item)
    if left:
        config.hook.pytest_deselected(items=left)
        items[:] = chosen


@pytest.fixture(scope="session")
def data_dir() -> Iterator[Path]:
    """A data folder of its own for the run: as root it must be reachable for the user postgres."""
    base = Path("/var/tmp") if os.geteuid() == 0 else Path(tempfile.gettempdir())
    folder = Path(tempfile.mkdtemp(prefix="gridmap-test-", dir=base))
    folder.chmod(0o755)
    yield folder
    Cluster(folder).stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def run_settings(data_dir: Path) -> Settings:
    """Settings of the run's private cluster."""
    os.environ.pop("GRIDMAP_DATABASE_URL", None)
    return Settings(data_dir=data_dir)


@pytest.fixture(scope="session")
def template(run_settings: Settings) -> Place:
    """The migrated, empty database that others are copied from."""
    place = find_place(run_settings, TEMPLATE)
    migrate(place)
    engine_of(place).dispose()
    return place


def copy_database(run_settings: Settings, template: str, name: str) -> Place:
    """Copy a database of the run's cluster under a new name."""
    place = find_place(run_settings, name)
    assert place.cluster is not None
    engine_of(find_place(run_settings, template)).dispose()
    admin = create_engine(place.cluster.url("postgres"), isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f'CREATE DATABASE "{name}" TEMPLATE "{template}"'))
    admin.dispose()
    return place


def drop_database(run_settings: Settings, place: Place) -> None:
    """Drop a database of the run's cluster, whoever is still connected."""
    engine_of(place).dispose()
    assert place.cluster is not None
    admin = create_engine(place.cluster.url("postgres"), isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f'DROP DATABASE IF EXISTS "{place.name}" WITH (FORCE)'))
    admin.dispose()


def leave(place: Place) -> None:
    """Close this process's connections to a database, so that it can be copied."""
    engine_of(place).dispose()
    engine_of(place, pool_size=JOB_CONNECTIONS).dispose()


@pytest.fixture(scope="session")
def county_template(run_settings: Settings, template: Place) -> Place:
    """The sample county as ``./dev demo`` loads it; tests copy it."""
    made = copy_database(run_settings, template.name, "template_county")
    load_sample(made, SampleOrder(), who="test")
    leave(made)
    return made


@pytest.fixture
def place(run_settings: Settings, template: Place) -> Iterator[Place]:
    """An empty migrated database of its own, for tests whose code commits."""
    made = copy_database(run_settings, template.name, f"t{next(_numbers)}")
    yield made
    drop_database(run_settings, made)


@pytest.fixture(scope="session")
def shared_place(run_settings: Settings, template: Place) -> Place:
    """An empty migrated database for tests that roll back; nobody may stay connected to the template itself."""
    return copy_database(run_settings, template.name, "shared")


@pytest.fixture
def connection(shared_place: Place) -> Iterator[Connection]:
    """A transaction on an empty migrated database that is rolled back."""
    with engine_of(shared_place).connect() as opened:
        outer = opened.begin()
        yield opened
        outer.rollback()


@pytest.fixture
def settings_here(run_settings: Settings, place: Place) -> Settings:
    """Settings whose database is this test's own."""
    return run_settings.model_copy(update={"database": place.name})


@pytest.fixture
def golden() -> Callable[[Path, str], None]:
    """Compare a text with a file of the repository; under ``./dev bless`` write the file instead."""

    def compare(file: Path, found: str) -> None:
        if os.environ.get("GRIDMAP_BLESS"):
            file.write_text(found, encoding="utf-8")
        assert file.read_text(encoding="utf-8") == found, f"{file.name} differs: read the difference, then ./dev bless"

    return compare


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
