from __future__ import annotations

import threading

import pytest
from sqlalchemy import Connection, text

from gridmap.errors import NotReady
from gridmap.store.database import Place, engine_of
from gridmap.store.migrate import check_models, migrate, schema_state


def test_migrating_twice_changes_nothing(place: Place) -> None:
    assert migrate(place).pending == ()
    assert schema_state(place).ready


def test_the_tables_that_the_program_knows_are_those_that_the_sql_files_make(place: Place) -> None:
    check_models(place)


def test_two_migrations_at_once_both_succeed(run_settings, place: Place) -> None:
    with engine_of(place).begin() as connection:
        connection.execute(text("DROP SCHEMA gridmap CASCADE"))
    failures: list[BaseException] = []

    def go() -> None:
        try:
            migrate(place)
        except BaseException as error:  # noqa: BLE001
            failures.append(error)

    threads = [threading.Thread(target=go) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert schema_state(place).ready


def test_a_newer_schema_is_refused_with_a_sentence_and_left_alone(place: Place) -> None:
    with engine_of(place).begin() as connection:
        connection.execute(text("UPDATE gridmap.alembic_version SET version_num = '9999'"))
    with pytest.raises(NotReady, match="newer than this program"):
        migrate(place)
    with engine_of(place).begin() as connection:
        assert connection.scalar(text("SELECT version_num FROM gridmap.alembic_version")) == "9999"


def test_trigrams_see_chinese(connection: Connection) -> None:
    assert connection.scalar(text("SELECT similarity('江南水都', '江南水岸')")) > 0
