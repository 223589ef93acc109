"""The error tree: every failure that a person meets is one of these.

    GridmapError
    ├── InputError (ValueError)            the file or the request is wrong; says where and how to mend it
    │   ├── UnknownCrs                     a coordinate system that is not known or does not fit
    │   ├── UnreadableFile                 not a file that we read, or broken
    │   ├── UnknownColumns                 needed columns are missing; says which were found
    │   └── TooLarge                       over a stated limit
    ├── NotFound (LookupError)             no such grid, building, edition, job …
    ├── Conflict                           somebody else changed it, or it exists already
    │   └── Stale                          it is no longer what the caller read before changing it
    ├── Cancelled                          a person stopped a long job
    ├── NotAllowed (PermissionError)       no token, or not for this one
    └── NotReady (RuntimeError)            the machine or the database is not in a state to do it

Each carries the same sentence in Chinese and English: the place and the fix.
"""

from __future__ import annotations

from typing import ClassVar

__all__ = [
    "Cancelled",
    "Conflict",
    "GridmapError",
    "InputError",
    "NotAllowed",
    "NotFound",
    "NotReady",
    "Stale",
    "TooLarge",
    "UnknownColumns",
    "UnknownCrs",
    "UnreadableFile",
]


class GridmapError(Exception):
    """Base of all errors; ``zh`` and ``en`` hold the sentence, ``problems`` the rows."""

    code: ClassVar[str] = "error"

    def __init__(self, zh: str, en: str, *, problems: tuple[dict[str, object], ...] = ()) -> None:
        super().__init__(en)
        self.zh = zh
        self.en = en
        self.problems = problems

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (type(self), self.zh, self.en, self.problems))


def _rebuild(kind: type[GridmapError], zh: str, en: str, problems: tuple[dict[str, object], ...]) -> GridmapError:
    return kind(zh, en, problems=problems)


class InputError(GridmapError, ValueError):
    """The file or the request is wrong."""

    code = "bad-input"


class UnknownCrs(InputError):
    """A coordinate system that is not known or does not fit the data."""

    code = "unknown-crs"


class UnreadableFile(InputError):
    """A file that is not of a kind that we read, or is broken."""

    code = "unreadable-file"


class UnknownColumns(InputError):
    """Columns that are needed are missing."""

    code = "unknown-columns"


class TooLarge(InputError):
    """Larger than a stated limit."""

    code = "too-large"


class NotFound(GridmapError, LookupError):
    """Nothing has that name or number."""

    code = "not-found"


class Conflict(GridmapError):
    """Somebody else changed it, or it exists already."""

    code = "conflict"


class Stale(Conflict):
    """It is no longer what the caller read before changing it."""

    code = "stale"


class Cancelled(GridmapError):
    """A person stopped the job."""

    code = "cancelled"


class NotAllowed(GridmapError, PermissionError):
    """No token, or one that is not for this."""

    code = "not-allowed"


class NotReady(GridmapError, RuntimeError):
    """The machine or the database cannot do it yet; the sentence says what to do."""

    code = "not-ready"
