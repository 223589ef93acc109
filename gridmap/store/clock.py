"""What time it is for everything that follows the date: which edition is in force, what is due.

Tests move it, in this process by :func:`shifted` and in child processes by an environment variable; nobody else does.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection

__all__ = ["SHIFT_VARIABLE", "moment_of", "now", "shift", "shifted"]

SHIFT_VARIABLE = "GRIDMAP_TEST_CLOCK_SHIFT_S"


class _Clock:
    shift = timedelta(seconds=float(os.environ.get(SHIFT_VARIABLE, "0")))


def shift() -> timedelta:
    """Return by how much the clock is ahead; zero but in tests."""
    return _Clock.shift


def now() -> datetime:
    """Return the time of this machine, in UTC."""
    return datetime.now(UTC) + _Clock.shift


def moment_of(connection: Connection) -> datetime:
    """Return the time at which a transaction began, by the database's clock."""
    moment: datetime = connection.exec_driver_sql("SELECT now()").scalar_one()
    return moment + _Clock.shift


@contextmanager
def shifted(by: timedelta) -> Iterator[None]:
    """Put the clock of this process forward inside the ``with`` block, for tests."""
    before, _Clock.shift = _Clock.shift, _Clock.shift + by
    try:
        yield
    finally:
        _Clock.shift = before
