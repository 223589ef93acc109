from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from gridmap.errors import NotReady
from gridmap.store.cluster import Cluster


@pytest.fixture
def folder() -> Iterator[Path]:
    base = Path("/var/tmp") if os.geteuid() == 0 else Path(tempfile.gettempdir())
    made = Path(tempfile.mkdtemp(prefix="gridmap-cluster-", dir=base))
    made.chmod(0o755)
    yield made
    Cluster(made).stop()
    shutil.rmtree(made, ignore_errors=True)


def answer(cluster: Cluster) -> int:
    engine = create_engine(cluster.url("postgres"))
    with engine.connect() as connection:
        found = connection.scalar(text("SELECT pg_backend_pid()"))
    engine.dispose()
    assert isinstance(found, int)
    return found


def postmaster(cluster: Cluster) -> int:
    return int((cluster.data / "postmaster.pid").read_text().split("\n")[0])


def _start(path: Path) -> None:
    Cluster(path).ensure_running()


def test_two_starts_at_once_give_one_cluster(folder: Path) -> None:
    context = multiprocessing.get_context("spawn")
    starts = [context.Process(target=_start, args=(folder,)) for _ in range(2)]
    for start in starts:
        start.start()
    for start in starts:
        start.join(60)
    assert [start.exitcode for start in starts] == [0, 0]
    cluster = Cluster(folder)
    assert cluster.status().running
    assert answer(cluster)


def test_it_starts_again_after_the_server_was_killed(folder: Path) -> None:
    cluster = Cluster(folder)
    cluster.ensure_running()
    server = postmaster(cluster)
    os.kill(server, signal.SIGKILL)
    while Path(f"/proc/{server}/cwd").is_dir():
        time.sleep(0.01)
    cluster.ensure_running()
    assert answer(cluster)


def test_a_pid_file_left_by_a_dead_machine_does_not_hinder_the_start(folder: Path) -> None:
    cluster = Cluster(folder)
    cluster.ensure_running()
    lines = (cluster.data / "postmaster.pid").read_text().split("\n")
    socket_lock = (cluster.socket_folder / ".s.PGSQL.5432.lock").read_text()
    cluster.stop()
    # the number belongs to another living program now
    lines[0] = str(os.getpid())
    (cluster.data / "postmaster.pid").write_text("\n".join(lines))
    lock = cluster.socket_folder / ".s.PGSQL.5432.lock"
    lock.write_text("\n".join([str(os.getpid()), *socket_lock.split("\n")[1:]]))
    cluster.ensure_running()
    assert answer(cluster)


def test_an_interrupted_first_start_is_finished_by_the_next(folder: Path) -> None:
    half = folder / "postgresql" / "data.new"
    half.mkdir(parents=True)
    (half / "junk").write_text("half a cluster")
    cluster = Cluster(folder)
    cluster.ensure_running()
    assert answer(cluster)


def test_data_of_another_major_version_are_refused_with_a_sentence_and_kept(folder: Path) -> None:
    cluster = Cluster(folder)
    cluster.ensure_running()
    cluster.stop()
    (cluster.data / "PG_VERSION").write_text("11\n")
    before = sorted(p.name for p in cluster.data.iterdir())
    with pytest.raises(NotReady, match="belongs to PostgreSQL 11") as caught:
        cluster.ensure_running()
    assert "没有被改动" in caught.value.zh
    assert sorted(p.name for p in cluster.data.iterdir()) == before


def test_a_home_that_the_database_owner_cannot_enter_gives_a_sentence(folder: Path) -> None:
    closed = folder / "home"
    # root itself may always enter, its database owner not; to anybody else the folder is closed for writing
    closed.mkdir(mode=0o700 if os.geteuid() == 0 else 0o500)
    with pytest.raises(NotReady, match="GRIDMAP_DATA_DIR"):
        Cluster(closed / "data").ensure_running()


def test_nobody_else_may_enter_the_socket_folder(folder: Path) -> None:
    cluster = Cluster(folder)
    cluster.ensure_running()
    assert cluster.socket_folder.stat().st_mode & 0o077 == 0
    assert cluster.data.stat().st_mode & 0o077 == 0


def test_a_long_path_still_has_a_short_socket(folder: Path) -> None:
    deep = folder / ("a" * 60) / ("b" * 60)
    deep.mkdir(parents=True)
    cluster = Cluster(deep)
    cluster.ensure_running()
    assert answer(cluster)
    cluster.stop()
    shutil.rmtree(cluster.socket_folder)
