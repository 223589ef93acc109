"""Reading single cells: each function returns values and a mask of the rows whose cell cannot be read.

A missing cell is ``None`` and never bad. Cells are what a file gave: text, number, truth value, list.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from gridmap.io.synonyms import plain
from gridmap.io.tables import LOCAL_ZONE, split_list

__all__ = ["Cells", "Mask", "booleans", "choices", "dates", "datetimes", "integers", "lists", "numbers", "texts"]

Cells = npt.NDArray[np.object_]
Mask = npt.NDArray[np.bool_]

_SAFE_INTEGER = 2.0**53
_INT64 = 2**63
_CONTROL = {c: None for c in (*range(32), 127, 0xFEFF) if chr(c) not in "\t\n"} | {ord("\r"): None}
_EXPONENT = re.compile(r"\d(?:\.\d+)?[eE]\+\d{2,}")
_THOUSANDS = re.compile(r"[-+]?\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_YEAR_FIRST = re.compile(
    r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?(?:[ T]*(\d{1,2})[:时点](\d{1,2})(?:[:分](\d{1,2}))?[秒分]?)?"
)
_AMERICAN = re.compile(r"\d{2}/\d{2}/\d{4} \d{2}:\d{2}:\d{2} [AaPp][Mm]")
_YES = frozenset(("yes", "true", "1", "1.0", "y", "t", "是", "有", "on", "√"))
_NO = frozenset(("no", "false", "0", "0.0", "n", "f", "否", "无", "off", "×"))
_FIRST_YEAR, _LAST_YEAR = 1900, 2199
_ZONE = ZoneInfo(LOCAL_ZONE)


class _Bad(Exception):
    """The cell cannot be read."""


def _each(values: Cells, read: Callable[[Any], Any]) -> tuple[Cells, Mask]:
    out: Cells = np.full(len(values), None, dtype=object)
    bad = np.zeros(len(values), dtype=bool)
    for i, value in enumerate(values):
        if value is None or (isinstance(value, float) and math.isnan(value)):
            continue
        try:
            out[i] = read(value)
        except (_Bad, ValueError, OverflowError):
            bad[i] = True
    return out, bad


def texts(values: Cells, *, code: bool = False) -> tuple[Cells, Mask]:
    """Return clean text: no control characters, no blanks around it; blank text is ``None``.

    Bad are lists and objects, and numbers that were too long for the program that wrote them (from 2**53,
    or with an exponent where a ``code`` is expected): their last digits are lost.
    """

    def read(value: Any) -> str | None:
        if isinstance(value, str):
            plain_text = value if value.isprintable() else value.replace("\r\n", "\n").translate(_CONTROL)
            text = plain_text.strip()
            if code and _EXPONENT.fullmatch(text):
                raise _Bad
            return text or None
        if isinstance(value, bool | np.bool_):
            return "true" if value else "false"
        if isinstance(value, float | np.floating):
            number = float(value)
            if not math.isfinite(number) or (number.is_integer() and abs(number) >= _SAFE_INTEGER):
                raise _Bad
            return str(int(number)) if number.is_integer() else repr(number)
        if isinstance(value, int | np.integer):
            return str(int(value))
        raise _Bad

    return _each(values, read)


def _digits(value: str) -> str:
    text = (value if value.isascii() else unicodedata.normalize("NFKC", value)).strip()
    return text.replace(",", "") if "," in text and _THOUSANDS.fullmatch(text) else text


def integers(values: Cells) -> tuple[Cells, Mask]:
    """Return whole numbers; ``6.0`` is 6, ``1,200`` is 1200, ``6.5`` and ``6层`` are bad."""

    def read(value: Any) -> int | None:
        if isinstance(value, bool | np.bool_ | list | dict):
            raise _Bad
        if isinstance(value, str):
            text = _digits(value)
            if not text:
                return None
            try:
                number: int | float = int(text)
            except ValueError:
                number = float(text)
        else:
            number = value
        if not math.isfinite(number) or number != int(number) or abs(number) >= _INT64:
            raise _Bad
        return int(number)

    return _each(values, read)


def numbers(values: Cells) -> tuple[Cells, Mask]:
    """Return finite numbers."""

    def read(value: Any) -> float | None:
        if isinstance(value, bool | np.bool_ | list | dict):
            raise _Bad
        text = _digits(value) if isinstance(value, str) else value
        if text == "":
            return None
        number = float(text)
        if not math.isfinite(number):
            raise _Bad
        return number

    return _each(values, read)


def booleans(values: Cells) -> tuple[Cells, Mask]:
    """Return truth values of yes/no, true/false, 1/0, 是/否 and the like, in any case."""

    def read(value: Any) -> bool | None:
        if isinstance(value, bool | np.bool_):
            return bool(value)
        if isinstance(value, list | dict):
            raise _Bad
        word = unicodedata.normalize("NFKC", str(value)).strip().casefold()
        if not word:
            return None
        if word in _YES:
            return True
        if word in _NO:
            return False
        raise _Bad

    return _each(values, read)


def _iso(text: str) -> datetime:
    """Return the moment of an ISO text, or of one of the other forms whose order of day and month is certain."""
    if text[:4].isdigit() and text[4:5] == "-":
        with suppress(ValueError):
            return datetime.fromisoformat(text)
    if found := _YEAR_FIRST.fullmatch(text):
        return datetime(*(int(n) for n in found.groups(default="0")))  # type: ignore[arg-type]  # noqa: DTZ001
    if _AMERICAN.fullmatch(text):
        return datetime.strptime(text.upper(), "%m/%d/%Y %I:%M:%S %p")  # noqa: DTZ007  # the caller adds the zone
    raise _Bad


def _moment(value: Any) -> datetime | None:
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day)  # noqa: DTZ001  # the zone is added by the caller
    if not isinstance(value, str):
        raise _Bad
    text = (value if value.isascii() else unicodedata.normalize("NFKC", value)).strip()
    if not text:
        return None
    moment = _iso(text)
    if not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
        raise _Bad
    return moment


def dates(values: Cells) -> tuple[Cells, Mask]:
    """Return days of ISO dates (``2025-11-22``) and of ``2025/11/22``, ``2025年11月22日``; a time is cut off."""

    def read(value: Any) -> date | None:
        moment = _moment(value)
        return None if moment is None else moment.date()

    return _each(values, read)


def datetimes(values: Cells) -> tuple[Cells, Mask, Mask]:
    """Return moments in UTC of ISO times (``2025-11-22T08:00:00+08:00``) and ``2025/11/22 8:00`` and the like.

    The third result marks times without a zone, which are taken to be in Asia/Shanghai.
    """
    unzoned = np.zeros(len(values), dtype=bool)
    moments, bad = _each(values, _moment)
    for i, moment in enumerate(moments):
        if moment is None:
            continue
        if moment.tzinfo is None:
            unzoned[i] = True
            moment = moment.replace(tzinfo=_ZONE)  # noqa: PLW2901
        moments[i] = moment.astimezone(UTC)
    return moments, bad, unzoned


def lists(values: Cells) -> tuple[Cells, Mask]:
    """Return tuples of entries separated by ``;``; a missing cell is an empty tuple."""

    def read(value: Any) -> tuple[str, ...]:
        if isinstance(value, dict):
            raise _Bad
        entries = value if isinstance(value, list | tuple) else [value]
        cleaned, bad = texts(np.array([*entries, None], dtype=object))
        if bad.any():
            raise _Bad
        return split_list([c for c in cleaned if c is not None])

    out, bad = _each(values, read)
    for i, entry in enumerate(out):
        if entry is None:
            out[i] = ()
    return out, bad


def choices(
    values: Cells, allowed: tuple[str, ...], words: Mapping[str, str], other: Callable[[str], str | None]
) -> tuple[Cells, Mask, int]:
    """Return values out of ``allowed``; the third result counts those that were another word for one.

    ``words`` are keyed as :func:`gridmap.io.synonyms.plain` makes them; ``other`` is asked last.
    """
    known = {plain(value): value for value in allowed}
    texted, bad = texts(values)
    translated = 0
    for i, text in enumerate(texted):
        if text is None or text in allowed:
            continue
        word = plain(text)
        found = known.get(word) or words.get(word) or other(text)
        if found is None:
            bad[i] = True
            texted[i] = None
        else:
            translated += word not in known
            texted[i] = found
    return texted, bad, translated
