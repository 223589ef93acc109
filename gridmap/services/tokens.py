"""The token of this installation: made once, kept in the data folder, read by its owner alone."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path

from gridmap.errors import NotReady

__all__ = ["renew_token", "token_of"]

_NAME = "token"
_MIN_LENGTH = 32


def token_of(data_dir: Path) -> str:
    """Return the token kept in ``data_dir``; make it on first use. Several callers at once get the same one.

    A token that others than the owner could read, or a damaged one, is replaced.

    Raises
    ------
    NotReady
        The folder cannot be written.
    """
    with _sentence(data_dir):
        data_dir.mkdir(parents=True, exist_ok=True)
        return _kept(data_dir / _NAME) or _made(data_dir / _NAME)


def renew_token(data_dir: Path) -> str:
    """Replace the token; every address and program that has the old one is shut out from the next start on.

    Raises
    ------
    NotReady
        The folder cannot be written.
    """
    with _sentence(data_dir):
        data_dir.mkdir(parents=True, exist_ok=True)
        (data_dir / _NAME).unlink(missing_ok=True)
        return _made(data_dir / _NAME)


def _kept(file: Path) -> str | None:
    try:
        mode = file.stat().st_mode
        token = file.read_text(encoding="ascii").strip()
    except (FileNotFoundError, UnicodeDecodeError):
        return None
    closed = not stat.S_IMODE(mode) & 0o077
    return token if closed and len(token) >= _MIN_LENGTH else None


def _made(file: Path) -> str:
    token = secrets.token_urlsafe(32)
    fresh = file.with_name(f"{_NAME}.{os.getpid()}.{secrets.token_hex(4)}")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as opened:
        opened.write(token + "\n")
    try:
        if file.exists() and _kept(file) is None:
            file.unlink(missing_ok=True)
        # a link never overwrites: of two starts at once the first wins and the other reads its token
        os.link(fresh, file)
    except FileExistsError:
        return _kept(file) or token
    finally:
        fresh.unlink(missing_ok=True)
    return token


@contextlib.contextmanager
def _sentence(data_dir: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise NotReady(
            f"无法在数据文件夹 {data_dir} 中保存令牌:{error.strerror}。请检查权限或设置 GRIDMAP_DATA_DIR。",
            f"The token cannot be kept in the data folder {data_dir}: {error.strerror}. "
            "Check its permissions, or set GRIDMAP_DATA_DIR.",
        ) from error
