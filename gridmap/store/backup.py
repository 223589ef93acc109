"""Copies of a database: beside it in the private cluster, or in one file made by pg_dump."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from sqlalchemy import create_engine, make_url, text

from gridmap.errors import Conflict, NotReady, UnreadableFile
from gridmap.store.cluster import installed_majors
from gridmap.store.database import Place, ensure_database


def copy_database(source: Place, target: Place) -> None:
    """Copy a database of the private cluster under a new name.

    Raises
    ------
    Conflict
        The new name is taken, or somebody is connected to the one to be copied.
    NotReady
        The databases are not in the private cluster.
    """
    if source.cluster is None or target.cluster is None:
        raise NotReady(
            "只能复制本机私有库。其他服务器请用 gridmap db backup 和 restore。",
            "Only databases of the private cluster can be copied; use gridmap db backup and restore for others.",
        )
    source.cluster.ensure_running()
    admin = create_engine(source.cluster.url("postgres"), isolation_level="AUTOCOMMIT")
    try:
        with admin.connect() as connection:
            if connection.scalar(text("SELECT 1 FROM pg_database WHERE datname = :n"), {"n": target.name}):
                raise Conflict(f"数据库“{target.name}”已存在。", f"The database '{target.name}' exists already.")
            busy = connection.scalar(
                text("SELECT count(*) FROM pg_stat_activity WHERE datname = :n"), {"n": source.name}
            )
            if busy:
                raise Conflict(
                    f"数据库“{source.name}”正在使用({busy} 个连接),请先停止 gridmap serve。",
                    f"The database '{source.name}' is in use ({busy} connections): stop gridmap serve first.",
                )
            connection.execute(text(f'CREATE DATABASE "{target.name}" TEMPLATE "{source.name}"'))
    finally:
        admin.dispose()


def backup(place: Place, file: Path) -> int:
    """Write the database into ``file`` (pg_dump's custom format) and return its size in bytes.

    The file appears only when it is whole, readable by its owner alone; an existing one is never overwritten.

    Raises
    ------
    Conflict
        The file exists.
    NotReady
        pg_dump is not installed or fails.
    """
    if file.exists():
        raise Conflict(f"文件已存在:{file}。请换一个名字。", f"The file exists: {file}. Choose another name.")
    ensure_database(place)
    partial = file.with_name(file.name + ".partial")
    try:
        partial.unlink(missing_ok=True)
        partial.touch(mode=0o600)  # it holds people's names
        _run(place, "pg_dump", "--format=custom", "--no-owner", "--no-privileges", "--file", str(partial))
        partial.rename(file)
    finally:
        partial.unlink(missing_ok=True)
    return file.stat().st_size


def restore(place: Place, file: Path) -> None:
    """Fill a new, empty database from a backup, all or nothing.

    Raises
    ------
    UnreadableFile
        The file is no backup.
    Conflict
        The database has gridmap's tables already.
    """
    if not file.is_file() or file.read_bytes()[:5] != b"PGDMP":
        raise UnreadableFile(
            f"不是备份文件:{file}。请使用 gridmap db backup 生成的文件。",
            f"Not a backup: {file}. Use a file made by gridmap db backup.",
        )
    ensure_database(place)
    engine = create_engine(place.url)
    with engine.connect() as connection:
        taken = connection.scalar(text("SELECT to_regclass('gridmap.alembic_version')"))
    engine.dispose()
    if taken:
        raise Conflict(
            f"数据库“{place.name}”不是空的。请恢复到一个新名字:gridmap db restore FILE --database 新名字",
            f"The database '{place.name}' is not empty. Restore into a new one: gridmap db restore FILE --database NEW",
        )
    _run(
        place, "pg_restore", "--single-transaction", "--no-owner", "--no-privileges", "--dbname", place.name, str(file)
    )


def _run(place: Place, program: str, *arguments: str) -> None:
    folders = [str(folder) for folder in reversed(list(installed_majors().values()))]
    found = shutil.which(program, path=os.pathsep.join([*folders, os.environ.get("PATH", "")]))
    if found is None:
        raise NotReady(
            f"没有找到 {program}。请安装 postgresql-client。", f"{program} was not found: install postgresql-client."
        )
    url = make_url(place.url)
    environment = os.environ | {"PGDATABASE": url.database or ""}
    host = url.query.get("host") or url.host
    for name, value in (("PGHOST", host), ("PGUSER", url.username), ("PGPASSWORD", url.password)):
        if value:
            environment[name] = str(value)
    if url.port:
        environment["PGPORT"] = str(url.port)
    done = subprocess.run(  # noqa: S603
        [found, *arguments], env=environment, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )
    if done.returncode:
        raise NotReady(
            f"{program} 失败:{done.stderr.strip()[-800:]}", f"{program} failed: {done.stderr.strip()[-800:]}"
        )
