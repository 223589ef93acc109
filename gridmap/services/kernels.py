"""Where compiled kernels are kept: in the data folder, compiled once for each version of this program.

numba reads ``NUMBA_CACHE_DIR`` when it is imported, so an entry point says where before anything of the core is.

Compiling takes half a minute. ``gridmap serve`` and ``./dev demo`` have it done in a process beside them, so that
nobody waits for it at the first question; one that comes earlier says so and waits. A marker in the folder, named by
all that a kernel depends on, says that everything is there.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import importlib.metadata
import logging
import os
import platform
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import gridmap
from gridmap.model.progress import Progress, silent
from gridmap.model.text import Text

if TYPE_CHECKING:
    from gridmap.settings import Settings

__all__ = ["COMPILING", "are_kept", "keep_kernels_in", "kernels_beside", "make_kernels", "tell_once"]

VARIABLE = "NUMBA_CACHE_DIR"
COMPILING = Text(
    "首次使用,正在编译计算内核(约半分钟,只需一次)……",
    "First use: compiling the kernels (half a minute, once) …",
)
#: Where kernels are: a change of any file compiles those in it anew.
_SOURCES = ("core/network", "core/reach", "core/siting", "core/locate")
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


def are_kept() -> bool:
    """Tell whether all kernels of this version are in the folder; also where there is no folder to look in."""
    folder = _folder()
    return folder is None or _marker(folder).exists()


def make_kernels(progress: Progress = silent) -> None:
    """Compile all kernels of walking and siting into the folder, or load those that are there.

    One process at a time: others wait here and then load what it made.
    """
    from gridmap.services.warming import use_kernels

    folder = _folder()
    with _alone(folder):
        use_kernels(progress)
        if folder is not None:
            with contextlib.suppress(OSError):
                for old in folder.glob("whole-*"):
                    old.unlink(missing_ok=True)
                _marker(folder).touch()


def tell_once(say: Callable[[Text], None] | None = None) -> None:
    """Say, once in a process, that kernels must be compiled first, and wait for a process that does so already."""
    folder = _folder()
    if _told.is_set() or folder is None:
        return
    _told.set()
    if are_kept():
        return
    _log.info("%s", COMPILING.en)
    if say is not None:
        say(COMPILING)
    with _alone(folder):
        pass


@contextlib.contextmanager
def kernels_beside(settings: Settings) -> Iterator[subprocess.Popen[bytes] | None]:
    """Have kernels compiled by a process beside this one inside the ``with`` block; None: all are there."""
    keep_kernels_in(settings.data_dir)
    if are_kept():
        yield None
        return
    environment = os.environ | {"GRIDMAP_DATA_DIR": str(settings.data_dir)}
    process = subprocess.Popen([sys.executable, "-m", "gridmap.services.kernels"], env=environment)
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


def _folder() -> Path | None:
    named = os.environ.get(VARIABLE)
    return Path(named) if named else None


def _marker(folder: Path) -> Path:
    """Return the file that says that everything is there, for these sources, this numba and this processor."""
    parts = [importlib.metadata.version("numba"), platform.python_version(), platform.machine(), platform.processor()]
    root = Path(gridmap.__file__).parent
    for source in _SOURCES:
        for file in sorted((root / source).glob("*.py")):
            about = file.stat()
            parts.append(f"{file} {about.st_mtime_ns} {about.st_size}")
    return folder / f"whole-{hashlib.blake2b(chr(10).join(parts).encode(), digest_size=8).hexdigest()}"


@contextlib.contextmanager
def _alone(folder: Path | None) -> Iterator[None]:
    """Let one process at a time in; the lock goes with the process that holds it."""
    if folder is None:
        yield
        return
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        opened = (folder / ".compiling").open("w")
    except OSError:  # a folder that only others may write: numba looks for another place by itself
        yield
        return
    with opened:
        fcntl.flock(opened, fcntl.LOCK_EX)
        yield


def main() -> None:
    """Compile kernels beside a server, after everything else that wants the processor."""
    from gridmap.settings import Settings

    os.nice(10)
    keep_kernels_in(Settings().data_dir)
    make_kernels()


if __name__ == "__main__":
    main()
