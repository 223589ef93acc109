"""Where compiled kernels are kept: in the data folder, compiled once for each version of this program.

numba reads ``NUMBA_CACHE_DIR`` when it is imported, so an entry point says where before anything of the core is.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from gridmap.model.text import Text

__all__ = ["COMPILING", "keep_kernels_in", "tell_once"]

VARIABLE = "NUMBA_CACHE_DIR"
COMPILING = Text(
    "首次使用,正在编译计算内核(约半分钟,只需一次)……",
    "First use: compiling the kernels (half a minute, once) …",
)
_log = logging.getLogger("gridmap.kernels")
_told = threading.Event()


def keep_kernels_in(data_dir: Path) -> Path | None:
    """Let numba keep what it compiles in ``<data_dir>/numba``; returns that folder, or None where it cannot be.

    A folder that somebody named in the environment counts. Where the data folder cannot be written, numba keeps
    kernels beside the program or in the user's cache, as it does by itself. What was imported before stays.
    """
    named = os.environ.get(VARIABLE)
    if named:
        return Path(named)
    if "numba" in sys.modules:
        return None
    folder = data_dir / "numba"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError:
        return None
    # whoever may write there may run code here
    if folder.stat().st_uid != os.geteuid() or not os.access(folder, os.W_OK):
        return None
    os.environ[VARIABLE] = str(folder)
    return folder


def tell_once(say: Callable[[Text], None] | None = None) -> None:
    """Say, once in a process, that kernels are about to be compiled, if none are kept yet."""
    named = os.environ.get(VARIABLE)
    if _told.is_set() or not named:
        return
    _told.set()
    if next(Path(named).glob("**/*.nbi"), None) is None:
        _log.info("%s", COMPILING.en)
        if say is not None:
            say(COMPILING)
