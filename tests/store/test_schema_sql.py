from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from gridmap.store.cluster import installed_majors
from gridmap.store.database import Place

REPOSITORY = Path(__file__).parents[2]
HEADER = "-- What the migrations, functions and views make, as pg_dump writes it. Generated: ./dev bless.\n"


def dumped(place: Place) -> str:
    assert place.cluster is not None
    pg_dump = installed_majors()[max(installed_majors())] / "pg_dump"
    environment = os.environ | {"PGHOST": str(place.cluster.socket_folder), "PGUSER": "gridmap"}
    command = [pg_dump, "--schema-only", "--no-owner", "--no-privileges", "--schema=gridmap", place.name]
    out = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    noise = re.compile(r"^(--.*|SET .*|SELECT pg_catalog\.set_config.*|\\(un)?restrict.*)?\n", re.MULTILINE)
    return HEADER + noise.sub("", out)


@pytest.mark.golden
def test_the_schema_file_is_what_the_migrations_make(template: Place, golden: Callable[[Path, str], None]) -> None:
    golden(REPOSITORY / "sql" / "schema.sql", dumped(template))


def test_every_table_and_function_says_what_it_is(connection: Connection) -> None:
    silent = connection.scalars(
        text(
            """
            SELECT c.relname FROM pg_class c
            WHERE c.relnamespace = 'gridmap'::regnamespace AND c.relkind IN ('r', 'v')
              AND c.relname <> 'alembic_version' AND obj_description(c.oid) IS NULL
            UNION ALL
            SELECT p.proname FROM pg_proc p
            WHERE p.pronamespace = 'gridmap'::regnamespace AND obj_description(p.oid) IS NULL
            """
        )
    ).all()
    assert silent == []
