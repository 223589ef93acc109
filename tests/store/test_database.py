from __future__ import annotations

import re

import pytest
from pydantic import SecretStr
from sqlalchemy import Connection, create_engine, text

from gridmap.errors import InputError, NotReady
from gridmap.services.databases import open_ready
from gridmap.settings import Settings
from gridmap.store.database import Place, check_server, engine_of, ensure_database, find_place
from gridmap.store.migrate import migrate


def test_an_address_is_never_shown_with_its_password() -> None:
    settings = Settings(database_url=SecretStr("postgresql://planner:hunter2@example.org/county"))
    place = find_place(settings)
    assert "hunter2" in place.url
    assert "hunter2" not in place.shown
    assert "hunter2" not in repr(settings)
    assert place.url.startswith("postgresql+psycopg2://")


@pytest.mark.parametrize("name", ["", "DROP", "a;b", "a b", "1a", "x" * 60, "../x"])
def test_a_name_that_cannot_be_a_database_is_refused(name: str) -> None:
    with pytest.raises(InputError):
        find_place(Settings(), name)


@pytest.mark.parametrize("address", ["mysql://u@h/x", "sqlite:///x.db", "http://example.org"])
def test_another_kind_of_database_is_refused_with_a_sentence(address: str) -> None:
    with pytest.raises(InputError, match="PostgreSQL"):
        find_place(Settings(), address)


def test_a_database_in_which_chinese_cannot_be_searched_is_refused(run_settings: Settings, template: Place) -> None:
    assert template.cluster is not None
    admin = create_engine(template.cluster.url("postgres"), isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text("DROP DATABASE IF EXISTS plain_c"))
        connection.execute(text("CREATE DATABASE plain_c TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'"))
    admin.dispose()
    with pytest.raises(NotReady, match="character type C"):
        ensure_database(Place(template.cluster.url("plain_c"), None))


def test_a_server_that_does_not_answer_gives_a_sentence_without_its_password() -> None:
    place = find_place(Settings(database_url=SecretStr("postgresql://planner:hunter2@127.0.0.1:1/county")))
    with pytest.raises(NotReady, match="does not answer") as caught:
        ensure_database(place)
    assert "hunter2" not in caught.value.zh + caught.value.en


@pytest.mark.parametrize(
    ("offered", "sentence"),
    [
        ("name <> 'postgis'", "has no PostGIS"),
        ("name <> 'pg_trgm'", "has no pg_trgm"),
        ("name <> 'postgis' UNION ALL VALUES ('postgis', '3.2.9')", r"PostGIS 3\.2\.9 is too old: 3\.3"),
    ],
)
def test_a_server_without_what_is_needed_is_refused_with_a_sentence(
    connection: Connection, offered: str, sentence: str
) -> None:
    # what a session makes for itself goes before what the server has of that name
    connection.exec_driver_sql(
        "CREATE TEMP VIEW pg_available_extensions AS SELECT name::text, default_version::text "
        f"FROM pg_catalog.pg_available_extensions WHERE {offered}"
    )
    with pytest.raises(NotReady, match=sentence) as caught:
        check_server(connection)
    assert re.search(r"[\u4e00-\u9fff]", caught.value.zh)


def test_a_server_of_ones_own_is_checked_and_changed_by_migrate_only(run_settings: Settings, template: Place) -> None:
    assert template.cluster is not None
    admin = create_engine(template.cluster.url("postgres"), isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text("DROP DATABASE IF EXISTS of_ones_own"))
        connection.execute(text("CREATE DATABASE of_ones_own TEMPLATE template0"))
    admin.dispose()
    address = template.cluster.url("of_ones_own").replace("postgresql+psycopg2://", "postgresql://")
    settings = run_settings.model_copy(update={"database_url": SecretStr(address)})
    with pytest.raises(NotReady, match="gridmap migrate --commit"):
        open_ready(settings, create=True)
    place = find_place(settings)
    assert place.cluster is None
    with engine_of(place).connect() as connection:
        assert connection.scalar(text("SELECT to_regnamespace('gridmap')")) is None
    migrate(place)
    assert open_ready(settings) == place
    engine_of(place).dispose()
