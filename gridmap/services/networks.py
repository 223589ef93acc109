"""Walking networks kept in the data folder: read in a moment where making one anew takes seconds.

A file is named by the database, the state of its streets and the rules, so that it is right or not found. Only arrays
are read (``allow_pickle=False``); a damaged file counts as none.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import Connection

from gridmap.core.network import NetworkSettings, WalkNetwork
from gridmap.store.changes import state_of
from gridmap.store.database import Place

__all__ = ["network_of"]

_FOLDER = "networks"
#: Counts changes of how networks are made or kept.
_FORMAT = "1"


def network_of(
    place: Place, connection: Connection, epsg: int, folder: Path | None, make: Callable[[], WalkNetwork]
) -> WalkNetwork:
    """Return the network of the streets as this transaction sees them, from ``folder`` if it was kept there."""
    state = state_of(connection, "streets")
    if folder is None or state is None:
        return make()
    owner = hashlib.blake2b(place.shown.encode(), digest_size=8).hexdigest()
    rules = f"{_FORMAT} {epsg} {NetworkSettings()!r} {state}"
    name = f"{owner}-{hashlib.blake2b(rules.encode(), digest_size=12).hexdigest()}.npz"
    file = folder / _FOLDER / name
    kept = _read(file)
    if kept is None:
        kept = make()
        with contextlib.suppress(OSError):  # a full or closed folder: the network is made anew next time
            _write(file, kept, owner)
    return kept


def _read(file: Path) -> WalkNetwork | None:
    try:
        with file.open("rb") as opened, np.load(opened, allow_pickle=False) as held:
            arrays = {name: held[name] for name in held.files}
        made = {field.name: arrays[field.name] for field in fields(WalkNetwork)}
        return WalkNetwork(**{**made, "epsg": int(made["epsg"]), "version": str(made["version"])})
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None


def _write(file: Path, network: WalkNetwork, owner: str) -> None:
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, beside = tempfile.mkstemp(dir=file.parent, prefix=".writing-")
    try:
        with os.fdopen(handle, "wb") as opened:
            arrays: dict[str, Any] = {field.name: np.asarray(getattr(network, field.name)) for field in fields(network)}
            np.savez(opened, allow_pickle=False, **arrays)
        Path(beside).replace(file)
    finally:
        Path(beside).unlink(missing_ok=True)
    for other in file.parent.glob(f"{owner}-*.npz"):
        if other != file:
            other.unlink(missing_ok=True)
