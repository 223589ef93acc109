from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from gridmap.errors import Conflict, NotReady, UnreadableFile
from gridmap.settings import Settings
from gridmap.store.backup import backup, copy_database, restore
from gridmap.store.changes import note_change
from gridmap.store.database import Place, engine_of, find_place
from gridmap.store.migrate import schema_state
from tests.conftest import drop_database


@pytest.fixture
def other(run_settings: Settings, place: Place) -> Iterator[Place]:
    made = find_place(run_settings, f"{place.name}_other")
    yield made
    drop_database(run_settings, made)


def marked(place: Place) -> list[str]:
    with engine_of(place).connect() as connection:
        return list(connection.scalars(text("SELECT what FROM gridmap.change_log")).all())


def mark(place: Place) -> None:
    with engine_of(place).begin() as connection:
        note_change(connection, "test", "a mark")
    engine_of(place).dispose()


def test_a_backup_restores_to_the_same_data_and_schema(place: Place, other: Place, tmp_path: Path) -> None:
    mark(place)
    file = tmp_path / "county.gridmap"
    assert backup(place, file) == file.stat().st_size > 0
    assert file.stat().st_mode & 0o777 == 0o600
    restore(other, file)
    assert marked(other) == ["a mark"]
    assert schema_state(other).ready


def test_a_backup_never_overwrites_a_file(place: Place, tmp_path: Path) -> None:
    file = tmp_path / "precious"
    file.write_text("precious")
    with pytest.raises(Conflict, match="exists"):
        backup(place, file)
    assert file.read_text() == "precious"
    assert list(tmp_path.iterdir()) == [file]


def test_restoring_never_touches_a_database_that_holds_data(place: Place, tmp_path: Path) -> None:
    mark(place)
    file = tmp_path / "county.gridmap"
    backup(place, file)
    with pytest.raises(Conflict, match="not empty"):
        restore(place, file)
    assert marked(place) == ["a mark"]


def test_a_file_that_is_no_backup_is_refused(other: Place, tmp_path: Path) -> None:
    file = tmp_path / "photo.jpg"
    file.write_bytes(b"\xff\xd8\xff\xe0")
    with pytest.raises(UnreadableFile, match="Not a backup"):
        restore(other, file)


def test_a_damaged_backup_leaves_nothing_half_restored(place: Place, other: Place, tmp_path: Path) -> None:
    mark(place)
    file = tmp_path / "county.gridmap"
    backup(place, file)
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    with pytest.raises(NotReady, match="pg_restore"):
        restore(other, file)
    engine = create_engine(other.url)
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT to_regclass('gridmap.change_log')")) is None
    engine.dispose()


def test_a_copy_is_the_same_and_lives_on_its_own(place: Place, other: Place) -> None:
    mark(place)
    copy_database(place, other)
    mark(other)
    assert marked(place) == ["a mark"]
    assert marked(other) == ["a mark", "a mark"]
    engine_of(other).dispose()
    with pytest.raises(Conflict, match="exists already"):
        copy_database(place, other)
