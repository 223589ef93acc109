from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from gridmap.settings import Settings
from gridmap.store.database import Place
from tests.conftest import copy_database, drop_database, leave
from tests.osm_town import write_town


def _names(place: Place) -> set[str]:
    assert place.cluster is not None
    admin = create_engine(place.cluster.url("postgres"))
    with admin.connect() as connection:
        found = set(connection.exec_driver_sql("SELECT datname FROM pg_database").scalars())
    admin.dispose()
    return found


@pytest.fixture
def reader(
    run_settings: Settings, county_template: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Place]:
    """Somebody in an empty folder, with the county of the demo, who follows a document."""
    before = _names(county_template)
    leave(county_template)
    place = copy_database(run_settings, county_template.name, "qingyan")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GRIDMAP_DATA_DIR", str(run_settings.data_dir))
    monkeypatch.setenv("GRIDMAP_DATABASE", place.name)
    write_town(tmp_path / "town.osm.pbf")
    write_town(tmp_path / "region.osm.pbf", west=117.15, south=28.25)
    yield place
    for name in _names(place) - before:
        url = place.url.replace("/qingyan?", f"/{name}?")
        drop_database(run_settings, Place(url, place.cluster, place.pool_size))
