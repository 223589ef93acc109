"""Telephone and identity numbers inside free text are masked before anything is stored."""

from __future__ import annotations

import re

__all__ = ["FREE_TEXT", "mask"]

FREE_TEXT = {"requests": ("title", "description", "address_text")}
"""Columns in which people write what they like, by kind."""

_D = "[0-9０-９]"
_GAP = "[ \u3000\\-–—.·]?"
_LEFT, _RIGHT = f"(?<!{_D})", f"(?!{_D})"

_ID = re.compile(
    f"{_LEFT}(?:{_D}{{17}}[0-9０-９xXＸｘ]|{_D}{{6}}{_GAP}{_D}{{8}}{_GAP}{_D}{{3}}[0-9０-９xXＸｘ]){_RIGHT}"
)
_PHONES = (
    # Mobile numbers, also 138 0013 8000 and +86 …
    re.compile(f"{_LEFT}(?:(?:\\+|00|＋)?[8８][6６]{_GAP})?[1１][3-9３-９]{_D}{_GAP}{_D}{{4}}{_GAP}{_D}{{4}}{_RIGHT}"),
    # Landlines with their area code: 0563-5022110, (0563)5022110
    re.compile(f"{_LEFT}[(（]?[0０]{_D}{{2,3}}[)）]?{_GAP}{_D}{{7,8}}{_RIGHT}"),
    re.compile(f"{_LEFT}[4４][0０][0０]{_GAP}{_D}{{3,4}}{_GAP}{_D}{{3,4}}{_RIGHT}"),
    # Seven or eight digits are a number only where the words before say so.
    re.compile(f"(?<=[话机系][::]){_GAP}{_D}{{7,8}}{_RIGHT}|(?<=电话){_D}{{7,8}}{_RIGHT}"),
)

_ID_WORD = "[证件号]"
_PHONE_WORD = "[电话]"


def mask(text: str) -> tuple[str, int]:
    """Return ``text`` with every telephone and identity number replaced, and how many there were.

    Examples
    --------
    >>> mask("楼下积水,电话13800138000,速来")
    ('楼下积水,电话[电话],速来', 1)
    """
    masked, n = _ID.subn(_ID_WORD, text)
    for phone in _PHONES:
        masked, more = phone.subn(_PHONE_WORD, masked)
        n += more
    return masked, n
