"""Opening files safely: plain files only, within a limit, whole, unchanged while they are read."""

from __future__ import annotations

import gzip
import os
import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gridmap.errors import InputError, TooLarge, UnreadableFile

__all__ = [
    "MAX_BYTES",
    "SIZE_RATIO",
    "check_unpacked_size",
    "plain_file",
    "read_bytes",
    "truncated",
    "unchanged",
]

MAX_BYTES = 2 * 1024**3
"""Default limit of a file, and of what a compressed one unpacks to."""

SIZE_RATIO = 200
"""A compressed file may unpack to so many times its size (map data reach 10 to 40)."""

_CHUNK = 1 << 20


def plain_file(path: str | os.PathLike[str], *, max_bytes: int = MAX_BYTES) -> Path:
    """Return ``path`` if it is a plain, non-empty file within the limit.

    Addresses (``https://…``) and GDAL's virtual names (``/vsi…``) are refused before anything is opened.

    Raises
    ------
    UnreadableFile
        If it is missing, a folder, a device, empty, not permitted, or not the name of a file.
    TooLarge
        If it is larger than ``max_bytes``.
    """
    text = os.fspath(path)
    if "://" in text or "\0" in text or text.startswith(("/vsi", "http:/", "https:/", "ftp:/", "s3:/")):
        raise UnreadableFile(
            "这里只读本机上的文件,不读网址,也不读 /vsi… 虚拟路径。请先把文件保存到本机,再给出它的路径。",
            "Only files on this machine are read, no web addresses and no /vsi… names. "
            "Save the file on this machine and give its path.",
        )
    file = Path(text)
    name = file.name
    try:
        status = file.stat()
    except PermissionError as e:
        raise _forbidden(name) from e
    except OSError as e:
        raise UnreadableFile(
            f"没有找到文件“{name}”。请检查路径和文件名。",
            f"There is no file '{name}'. Check the path and the spelling.",
        ) from e
    if stat.S_ISDIR(status.st_mode):
        raise UnreadableFile(
            f"“{name}”是文件夹,不是文件。请给出文件夹里某个文件的路径。",
            f"'{name}' is a folder, not a file. Give the path of a file inside it.",
        )
    if not stat.S_ISREG(status.st_mode):
        raise UnreadableFile(
            f"“{name}”不是普通文件(可能是设备或管道)。请先保存成普通文件。",
            f"'{name}' is not a plain file (a device or a pipe?). Save it as a plain file first.",
        )
    if status.st_size == 0:
        raise UnreadableFile(
            f"文件“{name}”是空的(0 字节)。请重新导出或重新复制。",
            f"The file '{name}' is empty (0 bytes). Export or copy it again.",
        )
    if status.st_size > max_bytes:
        raise _too_large(name, max_bytes)
    if not os.access(file, os.R_OK):
        raise _forbidden(name)
    return file


def read_bytes(file: Path, *, max_bytes: int = MAX_BYTES) -> bytes:
    """Return the content of ``file``, unpacked if it is gzip.

    Raises
    ------
    UnreadableFile
        If a compressed file is broken or cut short.
    TooLarge
        If it unpacks to more than ``max_bytes`` or to more than `SIZE_RATIO` times its size.
    """
    with file.open("rb") as stream:
        packed = stream.read(2) == b"\x1f\x8b"
    if not packed:
        return file.read_bytes()
    return b"".join(_unpacked(file, max_bytes))


def _unpacked(file: Path, max_bytes: int) -> Iterator[bytes]:
    limit = min(max_bytes, max(SIZE_RATIO * file.stat().st_size, _CHUNK))
    size = 0
    try:
        with gzip.open(file, "rb") as stream:
            while chunk := stream.read(_CHUNK):
                size += len(chunk)
                if size > limit:
                    raise _too_large(file.name, limit)
                yield chunk
    except (EOFError, zlib.error, gzip.BadGzipFile) as e:
        raise truncated(file.name) from e


def check_unpacked_size(file: Path, *, max_bytes: int = MAX_BYTES) -> None:
    """Unpack a gzip file once, keeping nothing, to learn that it is whole and within the limits.

    Raises
    ------
    UnreadableFile, TooLarge
        As :func:`read_bytes`.
    """
    for _ in _unpacked(file, max_bytes):
        pass


@contextmanager
def unchanged(file: Path) -> Iterator[None]:
    """Refuse what was read if the file was changed meanwhile.

    Raises
    ------
    InputError
        If size or time of change differ after the reading.
    """
    before = file.stat()
    yield
    after = file.stat()
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise InputError(
            f"文件“{file.name}”在读取时被改动了。请等它写完后再导入。",
            f"The file '{file.name}' changed while it was read. Import it again when it is complete.",
        )


def truncated(name: str) -> UnreadableFile:
    """Return the error for a file that ends too early or is damaged."""
    return UnreadableFile(
        f"文件“{name}”不完整或已损坏:内容在中途断开。请重新导出或重新复制。",
        f"The file '{name}' is cut short or damaged. Export or copy it again.",
    )


def _too_large(name: str, limit: int) -> TooLarge:
    mb = limit / 1024**2
    return TooLarge(
        f"文件“{name}”(解压后)超过上限 {mb:,.0f} MB。请分成几个文件,或调高上限设置。",
        f"The file '{name}' is larger (unpacked) than the limit of {mb:,.0f} MB. "
        "Split it, or raise the limit in the settings.",
    )


def _forbidden(name: str) -> UnreadableFile:
    return UnreadableFile(
        f"没有读取文件“{name}”的权限。请修改文件权限。",
        f"This user may not read the file '{name}'. Change its permissions.",
    )
