"""Addresses that go to other grids, as ranges of numbers along streets and within estates.

A range holds only numbers that go the same way: between its ends there is no known number that does not.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from itertools import groupby

from gridmap.model.text import Text

__all__ = ["NumberRange", "number_ranges"]

_NUMBER = re.compile(r"^(\D*?)(\d+)(.*)$")
_LETTER = re.compile(r"^([A-Za-z])(\D*)$")
_PARITY = {"odd": Text("(单号)", " (odd)"), "even": Text("(双号)", " (even)")}


@dataclass(frozen=True, slots=True)
class NumberRange:
    """Numbers of a street or estate that go one way.

    Attributes
    ----------
    way
        Where they go, as given.
    place
        The street or estate.
    first, last
        The numbers as they are written; equal for a single one.
    parity
        odd or even: only those between the two; None: all.
    buildings
        How many there are.
    shared
        Other buildings of this single number go elsewhere or stay.
    """

    way: Hashable
    place: str
    first: str
    last: str
    parity: str | None
    buildings: int
    shared: bool = False

    @property
    def words(self) -> Text:
        """Return the range as people write it."""
        if self.shared:
            return Text(f"{self.first}(部分)", f"{self.first} (in part)")
        if self.first == self.last:
            return Text(self.first, self.first)
        said = _PARITY.get(self.parity or "", Text("", ""))
        unit = _common_end(self.first, self.last)
        start = self.first.removesuffix(unit)
        return Text(f"{start}–{self.last}{said.zh}", f"{start}–{self.last}{said.en}")


def number_ranges(
    places: Sequence[str], numbers: Sequence[str], ways: Sequence[Hashable | None], *, sides: bool
) -> list[NumberRange]:
    """Return the ranges of numbers that go somewhere, by place and number.

    Parameters
    ----------
    places, numbers, ways
        Of all known buildings, also those that stay (way None): the street or estate, the number, and where it goes.
    sides
        Odd and even numbers are told apart, as on the two sides of a street.
    """
    rows = sorted(zip(places, numbers, ways, strict=True), key=lambda row: (row[0], *_order(row[1], sides=sides)))
    out: list[NumberRange] = []
    for _, series in groupby(rows, key=lambda row: (row[0], _order(row[1], sides=sides)[:2])):
        # one entry for a number, with all ways that its buildings go
        found: dict[tuple[str, str], list[Hashable | None]] = {}
        for place, number, way in series:
            found.setdefault((place, number), []).append(way)
        out += _runs([(*address, going) for address, going in found.items()], sides=sides)
    return out


def _runs(entries: Sequence[tuple[str, str, list[Hashable | None]]], *, sides: bool) -> list[NumberRange]:
    out: list[NumberRange] = []
    run: list[tuple[str, int]] = []
    present: Hashable | None = None
    place = ""

    def close() -> None:
        if run and present is not None:
            parity = _parity(run[0][0]) if sides and len(run) > 1 else None
            out.append(NumberRange(present, place, run[0][0], run[-1][0], parity, sum(n for _, n in run)))
        run.clear()

    for where, number, ways in entries:
        single = set(ways)
        if len(single) > 1:
            close()
            present = None
            out += [
                NumberRange(way, where, number, number, None, ways.count(way), shared=True)
                for way in sorted((w for w in single if w is not None), key=str)
            ]
            continue
        (way,) = single
        if way != present or not _ranged(number):
            close()
        present, place = way, where
        run.append((number, len(ways)))
        if not _ranged(number):
            close()
    close()
    return out


def _ranged(number: str) -> bool:
    return _NUMBER.match(number) is not None or _LETTER.match(number) is not None


def _parity(number: str) -> str | None:
    found = _NUMBER.match(number)
    return None if found is None else "odd" if int(found[2]) % 2 else "even"


def _order(number: str, *, sides: bool) -> tuple[str, str, str, int, str]:
    """Return series (side, prefix) and place within it; what has no number comes last, by itself."""
    if found := _NUMBER.match(number):
        return (_parity(number) or "" if sides else "", found[1], "", int(found[2]), found[3])
    if found := _LETTER.match(number):
        return ("letter", found[2], found[1].upper(), 0, "")
    return ("~", number, "", 0, "")


def _common_end(first: str, last: str) -> str:
    """Return what both numbers end with and that is neither digit nor Latin letter: 号, 栋 and such."""
    size = 0
    while size < min(len(first), len(last)) and first[-1 - size] == last[-1 - size]:
        character = first[-1 - size]
        if character.isdigit() or character.isascii():
            break
        size += 1
    return first[len(first) - size :]
