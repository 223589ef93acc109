"""Names that somebody typed and that are not known: which ones they may have meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from gridmap.errors import InputError
from gridmap.model.text import Text

__all__ = ["near_names", "unknown_name"]

_MOST = 5
_ALIKE = 0.6


def near_names(typed: str, known: Iterable[str]) -> list[str]:
    """Return the known names that a typed one may mean, the nearest first, five at most; all where none is near.

    Near are names spelled much alike and names that share a whole word with it, plural or not.

    Examples
    --------
    >>> near_names("outline_overlap", ["codes", "outlines_overlap", "vacancy"])
    ['outlines_overlap']
    >>> near_names("households", ["codes", "household_band", "vacancy"])
    ['household_band']
    >>> near_names("xyz", ["codes", "vacancy"])
    ['codes', 'vacancy']
    """
    names = list(known)
    alike = difflib.get_close_matches(typed.casefold(), names, n=_MOST, cutoff=_ALIKE)
    words = _words(typed)
    alike += [name for name in names if name not in alike and words & _words(name)]
    return alike[:_MOST] or names


def _words(name: str) -> set[str]:
    parts = name.casefold().replace("-", "_").replace(".", "_").replace(" ", "_").split("_")
    return {part.removesuffix("s") for part in parts if len(part) > 2}  # noqa: PLR2004 (of, in, m2 say nothing)


def unknown_name(what: Text, typed: str, known: Iterable[str]) -> InputError:
    """Return the error for a name that is not known, with the near ones in its sentence."""
    names = list(known)
    near = near_names(typed, names)
    listed = ", ".join(near)
    if len(near) == len(names):
        return InputError(
            f"没有名为 {typed} 的{what.zh}; 可用的有: {listed}。",
            f"There is no {what.en} {typed}; there are: {listed}.",
        )
    return InputError(
        f"没有名为 {typed} 的{what.zh}; 名称相近的有: {listed}。",
        f"There is no {what.en} {typed}; near names are: {listed}.",
    )
