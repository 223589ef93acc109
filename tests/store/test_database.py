from __future__ import annotations

import pytest
from pydantic import SecretStr
from sqlalchemy import create_engine, text

from gridmap.errors import InputError, NotReady
from gridmap.settings import Settings
from gridmap.store.database import Place, ensure_database, find_place


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
