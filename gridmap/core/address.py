"""A building that an address names exactly: estate and number. What is not certain is not guessed.

The order of a Chinese address is from the large to the small: jurisdiction, town, community, street and house number,
estate, building (栋 幢 号楼 座 #), unit (单元), floor, room. This module reads estate and building with rules of its
own: names come from the jurisdiction's own tables, so that another county's places are never found in them. Whatever
stands before the estate must be understood, or there is no answer.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

__all__ = [
    "AddressBook",
    "AddressMatch",
    "BuildingEntry",
    "EstateEntry",
    "Reason",
    "building_key",
    "chinese_number",
    "estate_key",
    "normalise",
]

Reason = Literal[
    "exact",
    "empty",
    "unknown_estate",
    "unknown_prefix",
    "ambiguous_estate",
    "no_number",
    "unknown_number",
    "ambiguous_number",
    "several_buildings",
    "area_differs",
    "beside",
]

_DIGITS = {c: i for i, c in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
_TENS = {"十": 10, "百": 100}
_NUMERAL = re.compile("[零〇一二三四五六七八九十百廿卅两]+")
_STEMS = "甲乙丙丁戊己庚辛"
_MARK = r"(?:号楼|栋|幢|棟|座|#)"
# A zone belongs to the number of the building unless the estate's own name contains it.
_ZONE = rf"(?:(?:\d+|[A-Z]|[东西南北中{_STEMS}])(?:区|期|组团|号院|院)-?)"
_BODY = rf"(?:[{_STEMS}]?\d+(?:-\d+)*[A-Z{_STEMS}]?|[A-Z]-?\d*|[{_STEMS}])"
_INSIDE = (
    rf"(?:-?\d+(?:-\d+)+|(?:-?(?:\d+|[A-Z{_STEMS}])(?:单元|门洞|门(?!口)))?(?:-?\d+(?:楼|层))?(?:-\d+)*)"
    r"(?:-?\d*[A-Z]?(?:室|号房|房间|房|户|号)?)?"
)
_WITH_MARK = re.compile(rf"({_ZONE}?)({_BODY})(?:{_MARK}|号(?!院|\d+{_MARK}))楼?({_INSIDE})")
_WITHOUT_MARK = re.compile(rf"({_ZONE}?)([{_STEMS}]?\d+[A-Z]?|[A-Z]\d*)((?=-|$){_INSIDE})$")
_UNIT = re.compile(rf"-?(\d+|[A-Z{_STEMS}])(?:单元|门洞|门)|-?(\d+)(?=-\d)")
_NUMBERED = re.compile(_BODY + _MARK)
_ANOTHER = re.compile(rf"{_BODY}{_MARK}|^[和与及或到、]{_BODY}(?=$|、)(?<!\d\d\d)")
_LISTED = re.compile(rf"{_BODY}(?:[和与及或到、]{_BODY})+{_MARK}")
_BESIDE = re.compile("^(?:小区)?的?(?:对面|对过|旁|附近|隔壁|背后|后面|前面|周边|[东西南北][侧边]|以[东西南北]|至)")
_INTO = re.compile("^(?:小区|住宅区|住宅小区|院内|院里|大院|里面|内|里)")
_STREET = re.compile(
    r"(?:(?![省市县区镇乡旗州村社])[一-鿿\d]){1,6}?(?:路|街|大道|巷|弄|胡同)(?:[东西南北中]段)?(?:\d+(?:-\d+)*号?)?院?"
)
_HOUSE = re.compile(r"(?:\d+(?:-\d+)*号?)?院?")
_SPOKEN = ("我家住在", "我住在", "家住", "住在", "住址", "地址", "位于", "我是", "在", "-", "、", "/")
_ASCII_DIGITS = "0123456789"
_LONGEST = 300
_LONGEST_NUMERAL = 6


@dataclass(frozen=True, slots=True)
class EstateEntry:
    """An estate as the tables know it."""

    name: str
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BuildingEntry:
    """A building with its estate; ``areas`` are names of its community and town, to tell namesakes apart."""

    id: int
    estate: str
    number: str
    areas: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AddressMatch:
    """What an address names.

    ``reason`` says why it is this and not more:

    - ``exact``: one building;
    - ``empty``: there is no text; ``unknown_estate``: no estate of the tables; ``ambiguous_estate``: two;
    - ``unknown_prefix``: what stands before the estate is not understood (it may be another place's namesake);
    - ``beside``: the place is beside, behind or opposite of what is named;
    - ``no_number``: estate only; ``unknown_number``: no such building; ``several_buildings``: more than one named;
    - ``ambiguous_number``: several buildings carry that number, ``area_differs``: the only one that does lies in
      another community or town than the address says; they are ``candidates``.
    """

    kind: Literal["building", "estate", "none"]
    reason: Reason
    building_id: int | None = None
    estate: str | None = None
    number: str | None = None
    unit: str | None = None
    candidates: tuple[int, ...] = ()


def chinese_number(numeral: str) -> int:
    """Return the value of a Chinese numeral below 1000, or of digits that are read one by one.

    >>> [chinese_number(n) for n in ("十二", "二十", "一百零五", "廿三", "二三")]
    [12, 20, 105, 23, 23]
    """
    numeral = numeral.replace("廿", "二十").replace("卅", "三十")
    if not any(c in _TENS for c in numeral):
        return int("".join(str(_DIGITS[c]) for c in numeral))
    total, digit = 0, 0
    for c in numeral:
        if c in _TENS:
            total += (digit or 1) * _TENS[c]
            digit = 0
        else:
            digit = _DIGITS[c]
    return total + digit


def normalise(text: str) -> str:
    """Return ``text`` in one way of writing: half width, capitals, one dash, no blanks; blanks between digits count.

    >>> normalise("江南水都　３＃ 2－５０１")
    '江南水都3#2-501'
    """
    text = unicodedata.normalize("NFKC", text).upper().replace("﹟", "#").replace("№", "")
    text = re.sub(r"[‐-―−_﹘﹣~]+", "-", text)
    text = re.sub(r"(?<=[0-9A-Z])\s+(?=[0-9])", "-", text)
    text = re.sub(r"[\s。.:()\[\]【】\"'“”·]+", "", text)
    return re.sub(r"[,;、]+", "、", text)


def _digits_of(numeral: re.Match[str]) -> str:
    written = numeral[0] if len(numeral[0]) > _LONGEST_NUMERAL else str(chinese_number(numeral[0]))
    before = numeral.start() and numeral.string[numeral.start() - 1]
    after = numeral.string[numeral.end() : numeral.end() + 1]
    # 新村一12栋 is 新村1-12栋, not 新村112栋
    left = "-" if before and before in _ASCII_DIGITS else ""
    right = "-" if after and after in _ASCII_DIGITS else ""
    return left + written + right


def _with_digits(text: str) -> str:
    """Write Chinese numerals as digits and drop zeros in front."""
    return re.sub(r"(?<![0-9])0+(?=[0-9])", "", _NUMERAL.sub(_digits_of, text))


def building_key(number: str) -> str:
    """Return the one form in which numbers of buildings are compared.

    >>> {building_key(n) for n in ("12栋", "12幢", "12号楼", "１２＃", "十二座", "012", "12")}
    {'12'}
    >>> building_key("甲3号楼"), building_key("A座"), building_key("二期5栋")
    ('甲3', 'A', '2期5')
    """
    key = _with_digits(normalise(number))
    key = re.sub(rf"(?:{_MARK}|号|楼)楼?$", "", key)
    return re.sub(rf"({_ZONE})", lambda m: m[1].rstrip("-"), key)


def _short(name: str) -> str:
    """Return the name without the word for an estate, where enough is left to know it by."""
    short = re.sub("(?:住宅)?小区$", "", name)
    return short if len(short) >= 2 else name  # noqa: PLR2004


class _Names:
    """A set of names that finds those which begin at a place of a text."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = {name for name in names if name}
        self._lengths = sorted({len(name) for name in self._names}, reverse=True)

    def at(self, line: str, start: int) -> Iterator[str]:
        """Yield the names that stand at ``start``, longest first; a name never ends inside a number."""
        for length in self._lengths:
            name = line[start : start + length]
            if name in self._names and not _inside_number(line, start) and not _inside_number(line, start + length):
                yield name


def _inside_number(line: str, at: int) -> bool:
    return 0 < at < len(line) and line[at - 1] in _ASCII_DIGITS and line[at] in _ASCII_DIGITS


@dataclass(frozen=True, slots=True)
class _Tail:
    """What stands after the estate: key of the building, what follows it, the rest of the text."""

    key: str
    inside: str
    after: str
    marked: bool


class AddressBook:
    """Names of estates, buildings and areas, prepared for reading addresses. Never changes.

    Parameters
    ----------
    estates
        Estates with their other names. Estates that only buildings name are known too.
    buildings
        Buildings with estate and number; others cannot be named exactly.
    areas
        Names of the jurisdiction, its towns and communities, and of what stands above them (province, city).
    streets
        Names of streets; others are recognised by their last character.
    """

    def __init__(
        self,
        estates: Iterable[EstateEntry],
        buildings: Iterable[BuildingEntry],
        *,
        areas: Iterable[str] = (),
        streets: Iterable[str] = (),
    ) -> None:
        listed = sorted(buildings, key=lambda b: b.id)
        self._owners: dict[str, set[str]] = {}
        self._title: dict[str, str] = {}
        self._numbers: dict[tuple[str, str], list[int]] = {}
        self._areas_of: dict[int, frozenset[str]] = {}
        entries = [*estates, *(EstateEntry(b.estate) for b in listed)]
        for entry in entries:
            self._title.setdefault(estate_key(entry.name), entry.name)
            for name in (entry.name, *entry.aliases):
                self._owners.setdefault(estate_key(name), set()).add(estate_key(entry.name))
        # A short form is another name only where nobody bears it as the full one.
        full = set(self._owners)
        for entry in entries:
            short = _short(estate_key(entry.name))
            if short not in full:
                self._owners.setdefault(short, set()).add(estate_key(entry.name))
        for building in listed:
            self._numbers.setdefault((estate_key(building.estate), building_key(building.number)), []).append(
                building.id
            )
            self._areas_of[building.id] = frozenset(form for a in building.areas for form in _area_forms(estate_key(a)))
        self._told_apart = frozenset[str]().union(*self._areas_of.values())
        self._estates = _Names(self._owners)
        self._areas = _Names({form for area in areas for form in _area_forms(estate_key(area))} | self._told_apart)
        self._streets = _Names(estate_key(street) for street in streets)
        self._spoken = _Names(_SPOKEN)

    def match(self, text: str | None) -> AddressMatch:
        """Return the building that ``text`` names, else its estate, else nothing, with the reason.

        The text itself is never part of the answer.
        """
        line = estate_key((text or "")[: _LONGEST + 1])
        if not line.strip("-、"):
            return AddressMatch("none", "empty")
        found = [(start, name) for start in range(len(line)) if (name := self._estate_at(line, start))]
        if not found or len(line) > _LONGEST:
            return AddressMatch("none", "unknown_estate")
        for start, name in found:
            # The first estate after an understood beginning is meant; later ones say where that is.
            areas = self._explain(line[:start])
            if areas is not None:
                owners = sorted(self._owners[name])
                if len(owners) > 1:
                    return AddressMatch("none", "ambiguous_estate")
                return self._in_estate(owners[0], line[start + len(name) :], areas)
        return AddressMatch("none", "unknown_prefix")

    def _estate_at(self, line: str, start: int) -> str | None:
        """Return the longest estate name at ``start``, unless it only begins the longer name of an area."""
        name = next(self._estates.at(line, start), None)
        area = next(self._areas.at(line, start), "")
        return None if name is None or len(area) > len(name) else name

    def _explain(self, prefix: str) -> frozenset[str] | None:
        """Return the areas named before the estate, or None when something there is not understood."""
        # Names may contain one another, so all ways through the text are followed; each knows its areas.
        ways: dict[int, frozenset[str]] = {0: frozenset()}
        for at in range(len(prefix)):
            if at not in ways:
                continue
            steps: list[tuple[int, str | None]] = [(at + len(a), a) for a in self._areas.at(prefix, at)]
            steps += [(at + len(word), None) for word in self._spoken.at(prefix, at)]
            for street in self._streets.at(prefix, at):
                number = _HOUSE.match(prefix, at + len(street))
                steps.append((number.end() if number else at + len(street), None))
            if street_like := _STREET.match(prefix, at):
                steps.append((street_like.end(), None))
            for end, area in steps:
                ways[end] = ways.get(end, frozenset()) | ways[at] | ({area} if area else set())
        return ways.get(len(prefix))

    def _in_estate(self, estate: str, text: str, areas: frozenset[str]) -> AddressMatch:
        """Read what stands after the name of an estate."""
        title = self._title[estate]
        tail = _INTO.sub("", text).lstrip("-、/的")
        read = _read(tail)
        if _BESIDE.match(text) or (read and _BESIDE.match(read.after)):
            return AddressMatch("estate", "beside", estate=title)
        if read is None:
            if _LISTED.match(tail):
                return AddressMatch("estate", "several_buildings", estate=title)
            # 江南水都花园5栋 is not in 江南水都.
            if _NUMBERED.search(tail):
                return AddressMatch("none", "unknown_estate")
            return AddressMatch("estate", "no_number", estate=title)
        if _ANOTHER.search(read.inside + read.after):
            return AddressMatch("estate", "several_buildings", estate=title)
        key, inside, ids = self._numbered(estate, read)
        here = [i for i in ids if areas & self._areas_of[i]]
        ids = here or ids
        if len(ids) != 1:
            reason: Reason = "ambiguous_number" if ids else "unknown_number"
            return AddressMatch("estate", reason, estate=title, number=key, candidates=tuple(ids))
        if not here and self._areas_of[ids[0]] and areas & self._told_apart:
            return AddressMatch("estate", "area_differs", estate=title, number=key, candidates=tuple(ids))
        unit = _UNIT.match(inside)
        return AddressMatch(
            "building",
            "exact",
            building_id=ids[0],
            estate=title,
            number=key,
            unit=(unit[1] or unit[2]) if unit else None,
            candidates=tuple(ids),
        )

    def _numbered(self, estate: str, read: _Tail) -> tuple[str, str, list[int]]:
        """Return key, what follows it, and the buildings that it may be.

        Without 栋 the dashes may belong to the number (3-1) or to unit and room (3-1-501): both are looked up.
        """
        found = {(read.key, read.inside): self._numbers.get((estate, read.key), [])}
        if not read.marked:
            for dash in re.finditer(r"-\d+", read.inside):
                longer = read.key + read.inside[: dash.end()]
                found[longer, read.inside[dash.end() :]] = self._numbers.get((estate, longer), [])
        known = {form: ids for form, ids in found.items() if ids}
        key, inside = next(iter(known), (read.key, read.inside))
        return key, inside, sorted(i for ids in known.values() for i in ids)


def _read(tail: str) -> _Tail | None:
    """Read zone, number, unit and room at the beginning of ``tail``; None when there is no number."""
    marked = _WITH_MARK.match(tail)
    found = marked or _WITHOUT_MARK.match(tail)
    if found is None:
        return None
    return _Tail(found[1].rstrip("-") + found[2], found[3], tail[found.end() :], marked is not None)


def estate_key(text: str) -> str:
    """Return the one form in which names of estates are compared.

    >>> estate_key("三里河　新村") == estate_key("3里河新村")
    True
    """
    return _with_digits(normalise(text))


def _area_forms(name: str) -> set[str]:
    """Return the ways in which people write the name of an area."""
    if not name:
        return set()
    forms = {name}
    bare = re.sub("(?:居民委员会|居委会|村民委员会|村委会|街道办事处|街道办)$", "", name)
    forms.add(bare)
    if bare.endswith("社区"):
        forms |= {bare + "居委会", bare + "居民委员会", bare[:-2] + "居委会"}
    if bare.endswith("村"):
        forms |= {bare + "委会", bare + "民委员会"}
    if bare.endswith("街道"):
        forms |= {bare + "办事处", bare + "办"}
    if bare.endswith(("县", "市", "区", "省", "镇", "乡")) and len(bare) > 2:  # noqa: PLR2004
        forms.add(bare[:-1])
    return forms - {""}
