"""Which of the file's columns is which of ours: what was asked for, then the same name, then known names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from gridmap.errors import InputError, UnknownColumns
from gridmap.io import synonyms
from gridmap.io.reader import RawTable
from gridmap.model.kinds import KINDS
from gridmap.model.text import Text

__all__ = ["Match", "Recognition", "Shape", "parse_mapping", "recognise"]

How = Literal["asked", "constant", "exact", "title", "synonym"]

_HOW = {
    "asked": Text("指定", "as asked"),
    "constant": Text("固定值", "the same value everywhere"),
    "exact": Text("同名", "same name"),
    "title": Text("按标题", "by its title"),
    "synonym": Text("按常用名", "by a known name"),
}
_POINT = ("lon", "lat")


@dataclass(frozen=True, slots=True)
class Match:
    """One of our columns and where its values come from: a column of the file, or one fixed value."""

    ours: str
    theirs: str
    how: How


@dataclass(frozen=True, slots=True)
class Shape:
    """Where the geometry comes from: the file itself, a column of WKT, or two columns lon, lat."""

    how: Literal["file", "wkt", "lonlat"]
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Recognition:
    """What became what, what is unused, what is missing (``required``: without it nothing can be imported)."""

    kind: str
    matches: tuple[Match, ...]
    shape: Shape | None
    unused: tuple[str, ...]
    missing: tuple[str, ...]
    required: tuple[str, ...]

    def explained(self) -> tuple[Text, ...]:
        """Return one line for each column and one each for geometry, unused and missing ones."""
        of = KINDS[self.kind]
        lines = [
            Text(
                f"{of.column(m.ours).title.zh}({m.ours})← {m.theirs}({_HOW[m.how].zh})",
                f"{m.ours} ← {m.theirs} ({_HOW[m.how].en})",
            )
            for m in self.matches
        ]
        if self.shape is not None:
            listed = ", ".join(self.shape.columns)
            lines.append(
                Text("几何 ← 文件的几何", "geometry ← the file's geometry")
                if self.shape.how == "file"
                else Text(f"几何 ← {listed}", f"geometry ← {listed}")
            )
        if self.unused:
            listed = ", ".join(self.unused)
            lines.append(Text(f"未使用的列:{listed}", f"unused columns: {listed}"))
        if self.missing:
            titles = "、".join(of.column(m).title.zh for m in self.missing)
            lines.append(Text(f"文件里没有:{titles}", f"not in the file: {', '.join(self.missing)}"))
        return tuple(lines)


def parse_mapping(words: Iterable[str]) -> dict[str, str]:
    """Return ``ours=theirs`` words as a mapping.

    Examples
    --------
    >>> parse_mapping(["name=名称", "level='community'"])
    {'name': '名称', 'level': "'community'"}

    Raises
    ------
    InputError
        If a word has no ``=``, or one of ours occurs twice.
    """
    out: dict[str, str] = {}
    for word in words:
        ours, sign, theirs = word.partition("=")
        ours, theirs = ours.strip(), theirs.strip()
        if not sign or not ours or not theirs:
            raise InputError(
                f"列的对应关系应写成 ours=theirs,例如 name=名称;收到的是“{word}”。",
                f"Columns are named as ours=theirs, for example name=title; this is '{word}'.",
            )
        if ours in out:
            raise InputError(f"列“{ours}”被指定了两次。只保留一个。", f"Column '{ours}' is named twice. Name it once.")
        out[ours] = theirs
    return out


def recognise(raw: RawTable, kind: str, *, mapping: Mapping[str, str] | None = None) -> Recognition:
    """Find the columns of ``kind`` in a file.

    Parameters
    ----------
    raw
        The file as read.
    kind
        A key of ``KINDS``.
    mapping
        Ours → theirs. It goes before everything else. ``theirs`` in single quotes is a value for all rows.
        Beside the columns of the kind, ``geometry``, ``lon`` and ``lat`` may be named.

    Raises
    ------
    UnknownColumns
        If the mapping names a column that the kind or the file does not have.
    """
    asked = dict(mapping or {})
    of = KINDS[kind]
    names = [str(c) for c in raw.columns.columns]
    placed = {*_POINT, "geometry"} if of.geometry else set()
    _check(asked, {*of.names, *placed}, [*names, *raw.extra], kind)

    finder = _Finder(names, {t for t in asked.values() if not _is_constant(t)})
    matches: list[Match] = []
    for column in of.columns:
        if (theirs := asked.get(column.name)) is not None:
            matches.append(Match(column.name, theirs, "constant" if _is_constant(theirs) else "asked"))
        elif (found := finder.exact(column.name)) is not None:
            matches.append(Match(column.name, found, "exact"))
    taken = {m.ours for m in matches}
    for column in of.columns:
        if column.name in taken:
            continue
        titles = (column.title.zh, column.title.en)
        if (found := finder.known(titles)) is not None:
            matches.append(Match(column.name, found, "title"))
        elif (found := finder.known(_names(kind, column.name))) is not None:
            matches.append(Match(column.name, found, "synonym"))
    order = {name: i for i, name in enumerate(of.names)}
    matches.sort(key=lambda m: order[m.ours])

    shape = _shape(raw, of.geometry, asked, matches, finder) if of.geometry else None
    missing = tuple(c.name for c in of.columns if c.name not in {m.ours for m in matches})
    required = [c.name for c in of.columns if c.required and c.name in missing]
    if of.geometry_required and shape is None:
        required.append("geometry")
    return Recognition(kind, tuple(matches), shape, tuple(finder.left()), missing, tuple(required))


def _is_constant(theirs: str) -> bool:
    return len(theirs) > 1 and theirs[0] == theirs[-1] == "'"


def _names(kind: str, ours: str) -> tuple[str, ...]:
    return (*synonyms.COLUMNS.get(kind, {}).get(ours, ()), *synonyms.COLUMNS["*"].get(ours, ()))


def _check(asked: Mapping[str, str], ours: set[str], theirs: list[str], kind: str) -> None:
    strange = [o for o in asked if o not in ours]
    if strange:
        listed, known = ", ".join(strange), ", ".join(sorted(ours))
        raise UnknownColumns(
            f"{KINDS[kind].title.zh}没有列“{listed}”。可用的列:{known}。",
            f"{kind} has no column '{listed}'. Its columns are: {known}.",
        )
    absent = [t for t in asked.values() if t not in theirs and not _is_constant(t)]
    if absent:
        listed, known = ", ".join(absent), ", ".join(theirs) or "—"
        raise UnknownColumns(
            f"文件里没有列“{listed}”。文件的列有:{known}。",
            f"The file has no column '{listed}'. Its columns are: {known}.",
        )


class _Finder:
    """The file's columns, each given away at most once."""

    def __init__(self, names: list[str], gone: set[str]) -> None:
        self._names = names
        self._gone = set(gone)
        self._plain: dict[str, list[str]] = {}
        for name in names:
            self._plain.setdefault(synonyms.plain(name), []).append(name)

    def exact(self, ours: str) -> str | None:
        same = [n for n in self._names if n not in self._gone and n.strip().casefold() == ours]
        return self._take(same[0]) if same else None

    def known(self, words: Iterable[str]) -> str | None:
        for word in words:
            for name in self._plain.get(synonyms.plain(word), ()):
                if name not in self._gone:
                    return self._take(name)
        return None

    def has(self, words: Iterable[str]) -> str | None:
        return next((n for w in words for n in self._plain.get(synonyms.plain(w), ())), None)

    def take(self, name: str) -> None:
        self._gone.add(name)

    def left(self) -> list[str]:
        return [n for n in self._names if n not in self._gone]

    def _take(self, name: str) -> str:
        self._gone.add(name)
        return name


def _shape(
    raw: RawTable,
    families: tuple[str, ...],
    asked: Mapping[str, str],
    matches: list[Match],
    finder: _Finder,
) -> Shape | None:
    if (wkt := asked.get("geometry")) is not None:
        return Shape("wkt", (wkt,))
    if raw.shapes is not None and "lon" not in asked:
        return Shape("file")
    if (wkt := finder.known(synonyms.WKT)) is not None:
        return Shape("wkt", (wkt,))
    if "point" not in families:
        return None
    own = {m.ours: m.theirs for m in matches if m.ours in _POINT}
    lon = own.get("lon") or asked.get("lon") or finder.has(synonyms.LONGITUDE)
    lat = own.get("lat") or asked.get("lat") or finder.has(synonyms.LATITUDE)
    if lon is None or lat is None:
        return None
    finder.take(lon)
    finder.take(lat)
    return Shape("lonlat", (lon, lat))
