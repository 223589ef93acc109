"""``./dev demo``: everything from nothing, again, and after it was interrupted."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gridmap.settings import Settings
from gridmap.store.database import Place, engine_of, find_place, transaction
from gridmap.store.migrate import migrate
from tests.conftest import copy_database, drop_database, leave

DEMO = [sys.executable, "-m", "gridmap.cli.demo"]


@pytest.fixture
def qingyan(run_settings: Settings, county_template: Place) -> Iterator[Place]:
    """The database of the demo as its first run leaves it."""
    leave(county_template)
    made = copy_database(run_settings, county_template.name, "qingyan")
    yield made
    drop_database(run_settings, made)


@pytest.fixture
def nothing(run_settings: Settings, template: Place) -> Iterator[Place]:
    """Where the database of the demo will be."""
    place = find_place(run_settings, "qingyan")
    yield place
    drop_database(run_settings, place)


def once(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*DEMO, "--once", *arguments], env=environment, capture_output=True, text=True, check=False, timeout=280
    )


def test_once_reports_in_both_languages_and_writes_the_map(
    qingyan: Place, environment: dict[str, str], tmp_path: Path
) -> None:
    done = once(environment, "--out", str(tmp_path / "new" / "county.html"))
    assert done.returncode == 0, done.stderr
    for words in (
        "样例县上次已载入",
        "loaded before",
        "楼内",
        "in a home",
        "不在网格内",
        "in no grid",
        "findings",
        "秒",
    ):
        assert words in done.stdout
    assert "<!DOCTYPE html>" in (tmp_path / "new" / "county.html").read_text(encoding="utf-8")[:200]


def test_without_once_it_prints_the_address_and_serves_until_it_is_stopped(
    qingyan: Place, environment: dict[str, str], tmp_path: Path
) -> None:
    log = tmp_path / "log"
    with (
        log.open("w") as stderr,
        subprocess.Popen(DEMO, env=environment, stdout=subprocess.PIPE, stderr=stderr, text=True) as demo,
    ):
        assert demo.stdout is not None
        assert any(re.search(r"http://127\.0\.0\.1:\d+/\?token=\S+", line) for line in demo.stdout), log.read_text()
        demo.send_signal(signal.SIGTERM)
        assert demo.wait(timeout=60) == 0


def test_a_county_that_was_left_half_loaded_is_made_anew(qingyan: Place, environment: dict[str, str]) -> None:
    with transaction(qingyan) as connection:
        connection.exec_driver_sql("DELETE FROM gridmap.change_log WHERE what = 'sample'")
        connection.exec_driver_sql("DELETE FROM gridmap.request")
    leave(qingyan)
    done = once(environment)
    assert done.returncode == 0, done.stderr
    assert "half loaded" in done.stdout
    with engine_of(qingyan).connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM gridmap.request").scalar_one() == 2000


def test_killed_and_started_again_it_goes_on(nothing: Place, environment: dict[str, str]) -> None:
    with subprocess.Popen([*DEMO, "--once"], env=environment, stdout=subprocess.DEVNULL) as demo:
        while not _imports(nothing) and demo.poll() is None:
            time.sleep(0.2)
        demo.kill()
    assert 0 < _imports(nothing) < 16
    leave(nothing)
    done = once(environment)
    assert done.returncode == 0, done.stderr
    assert "half loaded" in done.stdout


def _imports(place: Place) -> int:
    try:
        with engine_of(place).connect() as connection:
            return int(connection.exec_driver_sql("SELECT count(*) FROM gridmap.import_run").scalar_one())
    except Exception:  # noqa: BLE001 (it is only being made)
        return 0


def test_a_database_with_other_data_is_left_alone(nothing: Place, environment: dict[str, str]) -> None:
    migrate(nothing)
    with transaction(nothing) as connection:
        connection.exec_driver_sql(
            "INSERT INTO gridmap.import_run (kind, file_name, who) VALUES ('areas', 'mine.gpkg', 'me')"
        )
    done = once(environment)
    assert done.returncode == 1
    assert "holds other data" in done.stderr
    assert "Traceback" not in done.stderr
    assert _imports(nothing) == 1
