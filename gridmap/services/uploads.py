"""Files that came over the web, kept in the data folder until the job that reads them has ended."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import time
from collections.abc import AsyncIterable
from pathlib import Path
from typing import BinaryIO

import anyio.to_thread

from gridmap.errors import InputError, NotReady, TooLarge

__all__ = ["forget_old", "keep_upload"]

_FOLDER = "uploads"
_KEPT_DAYS = 7
_NAME = re.compile(r"^[^/\\\x00-\x1f]{1,120}$")
SUFFIXES = (
    ".gpkg", ".geojson", ".json", ".csv", ".geojson.gz", ".json.gz", ".csv.gz", ".osm.pbf", ".osm", ".osm.gz",
)  # fmt: skip


async def keep_upload(data_dir: Path, name: str, chunks: AsyncIterable[bytes]) -> Path:
    """Write the chunks into a new file that only this user may read, and return it; its name ends like ``name``.

    Raises
    ------
    InputError
        The name is none of a file that the importers read.
    TooLarge
        It is larger than the disk can hold now, leaving a tenth free.
    NotReady
        The data folder cannot be written.
    """
    if not _NAME.match(name) or name.startswith(".") or not name.lower().endswith(SUFFIXES):
        kinds = ", ".join(SUFFIXES)
        raise InputError(
            f"文件名不合适:不含斜杠,以 {kinds} 之一结尾。",
            f"The file name does not fit: no slashes, and one of the endings {kinds}.",
        )
    folder = data_dir / _FOLDER / secrets.token_hex(8)
    try:
        folder.mkdir(parents=True, mode=0o700)
        file = folder / name
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as opened:
            await _write(opened, chunks, free=_room(folder))
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise NotReady(
            f"无法在数据文件夹中保存上传的文件:{error.strerror}。",
            f"The uploaded file cannot be kept in the data folder: {error.strerror}.",
        ) from error
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return file


def forget_old(data_dir: Path, *, now: float | None = None) -> int:
    """Remove uploads older than a week and return how many: by then a job has ended or will be started anew."""
    oldest = (time.time() if now is None else now) - _KEPT_DAYS * 24 * 3600
    removed = 0
    for folder in (data_dir / _FOLDER).glob("*/"):
        with contextlib.suppress(FileNotFoundError):
            if folder.stat().st_mtime < oldest:
                shutil.rmtree(folder, ignore_errors=True)
                removed += 1
    return removed


def _room(folder: Path) -> int:
    usage = shutil.disk_usage(folder)
    return usage.free - usage.total // 10


async def _write(opened: BinaryIO, chunks: AsyncIterable[bytes], *, free: int) -> None:
    size = 0
    async for chunk in chunks:
        size += len(chunk)
        if size > free:
            raise TooLarge(
                f"磁盘空间不足:现在最多收 {max(free, 0) >> 20} MB。请清理磁盘,或在服务器上用 gridmap import 导入。",
                f"The disk has room for {max(free, 0) >> 20} MB at most now. Make room, or import the file on the "
                "server itself with gridmap import.",
            )
        await anyio.to_thread.run_sync(opened.write, chunk)
