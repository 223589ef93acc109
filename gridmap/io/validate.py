"""Checking what a file says: every complaint by row and column with its fix, and a clean table of the rest.

What cannot be read in a needed column keeps its row out (an error). What cannot be read in any other column
is left empty and told (a warning): a building does not vanish because its height is misspelt. The words never
repeat a cell.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import shapely

from gridmap.errors import UnknownColumns
from gridmap.io import parsing
from gridmap.io.geojson import Built
from gridmap.io.osm_tags import RAILWAYS, use_of, water_kind
from gridmap.io.parsing import Cells, Mask
from gridmap.io.privacy import FREE_TEXT, mask
from gridmap.io.problems import Complaints, Places, Problem
from gridmap.io.reader import RawTable
from gridmap.io.recognise import Match, Recognition
from gridmap.io.shapes import Geometries, only_polygons, rough_area_m2, simplest
from gridmap.io.synonyms import VALUES, plain
from gridmap.io.tables import canonical
from gridmap.model.kinds import KINDS, Column, Kind
from gridmap.model.text import Text

__all__ = ["KEYS", "Checked", "Counts", "validate"]

KEYS: dict[str, tuple[str, ...]] = {
    "grids": ("code",),
    "requests": ("source", "source_ref"),
    "households": ("building_source_id", "estate", "number", "basis", "figure_date"),
}
"""What makes a row itself, where that is not ``source_id``."""

_FAMILY = {0: "point", 1: "line", 3: "polygon", 4: "points", 5: "line", 6: "polygon"}
_SHAPES = {"point": Text("点", "a point"), "line": Text("线", "a line"), "polygon": Text("面", "a polygon")}
_MERE_WATER = frozenset(("water", "水", "水域", "水面", "水体", "水系"))
_WORLD = (180.0, 90.0)
_DEGREES = 360.0
_MANY_CORNERS = 12
_OUT_OF_PROPORTION = 10


@dataclass(frozen=True, slots=True)
class Counts:
    """Rows read, kept and rejected; identical repetitions; problems by code."""

    read: int
    kept: int
    rejected: int
    repeated: int
    problems: dict[str, int]


@dataclass(frozen=True, slots=True)
class Checked:
    """The outcome of checking: a table that may be stored as it is, and everything that was wrong.

    ``table`` has exactly the columns of ``KINDS[kind]`` in order (and ``geometry``) with the types of
    :mod:`gridmap.io.tables`. At most 1,000 ``problems`` are listed; ``counts.problems`` has them all.
    """

    kind: str
    table: pd.DataFrame
    problems: tuple[Problem, ...]
    counts: Counts
    notes: tuple[Text, ...]


def validate(raw: RawTable, recognition: Recognition, *, with_contacts: bool = False) -> Checked:
    """Check a file's rows and return those that are good.

    Parameters
    ----------
    raw
        The file as read.
    recognition
        Which of its columns is which.
    with_contacts
        Take columns marked personal (names and telephones of people on duty); else they stay empty.

    Raises
    ------
    UnknownColumns
        If needed columns, or the geometry, were not found.
    """
    kind = KINDS[recognition.kind]
    _demand(kind, recognition, raw)
    work = _Work(kind, raw, Complaints(raw.rows), [*raw.notes])
    work.complaints.add(
        raw.ragged,
        "wrong-number-of-cells",
        Text("这一行的单元格数与表头不一致。", "The row has more or fewer cells than the header."),
        Text("检查这一行是否多了或少了逗号、引号。", "Look for a comma or quote too many or too few."),
    )
    sources = {m.ours: m for m in recognition.matches}
    work.read(sources, "removed")
    for column in kind.columns:
        if column.name != "removed":
            work.read(sources, column.name)
    work.leave_out_personal(with_contacts=with_contacts)
    work.mask_free_text()
    work.special()
    # Absurd coordinates overflow on their way to being complained of.
    with np.errstate(all="ignore"):
        if kind.geometry:
            work.shapes(recognition)
        return work.done()


def _demand(kind: Kind, recognition: Recognition, raw: RawTable) -> None:
    if not recognition.required:
        return
    names = ", ".join(map(str, raw.columns.columns)) or "—"
    titles = "、".join("几何" if r == "geometry" else f"{kind.column(r).title.zh}({r})" for r in recognition.required)
    first = recognition.required[0]
    raise UnknownColumns(
        f"“{raw.name}”缺少{kind.title.zh}必需的列:{titles}。文件的列有:{names}。"
        f"请用 --map {first}=文件里的列名 指定(整列同一个值时写 \"{first}='值'\")。",
        f"'{raw.name}' lacks columns that {kind.name} need: {', '.join(recognition.required)}. "
        f"Its columns are: {names}. Name them with --map {first}=COLUMN "
        f"(or \"{first}='value'\" for one value everywhere).",
    )


@dataclass(slots=True)
class _Work:
    """One check under way: the cells read so far, and the complaints."""

    kind: Kind
    raw: RawTable
    complaints: Complaints
    notes: list[Text]
    cells: dict[str, Cells] = field(default_factory=dict)
    geometry: Geometries | None = None

    # --- cells ---

    def read(self, sources: dict[str, Match], name: str) -> None:
        """Read one column and complain of its bad cells."""
        if name not in self.kind.names:
            return
        column = self.kind.column(name)
        values = self._source(sources.get(name))
        found, bad = self._parse(values, column)
        self._complain(column, found, bad)
        self.cells[name] = found

    def _source(self, match: Match | None) -> Cells:
        """Return the raw cells of one of our columns; ``None`` where the file has none."""
        n = len(self.raw)
        if match is None:
            return np.full(n, None, dtype=object)
        if match.how == "constant":
            return np.full(n, match.theirs[1:-1], dtype=object)
        if match.theirs in self.raw.columns.columns:
            return np.asarray(self.raw.columns[match.theirs], dtype=object)
        return self.raw.extra[match.theirs]

    def _parse(self, values: Cells, column: Column) -> tuple[Cells, Mask]:
        if column.choices:
            if column.name == "water_kind":
                values = self._named_water(values)
            words = VALUES.get((self.kind.name, column.name), {})
            other: Callable[[str], str | None] = use_of if column.name == "use" else lambda _: None
            found, bad, translated = parsing.choices(values, column.choices, words, other)
            if translated:
                self._note(
                    f"“{column.title.zh}”有 {translated} 个值按常用词换成了本系统的取值。",
                    f"{translated} values of '{column.name}' were other words for ours and were translated.",
                )
            return found, bad
        if column.type == "datetime":
            found, bad, unzoned = parsing.datetimes(values)
            if unzoned.any():
                self._note(
                    f"“{column.title.zh}”有 {unzoned.sum()} 个时间没有时区,按北京时间(Asia/Shanghai)理解。",
                    f"{unzoned.sum()} times of '{column.name}' have no zone; Asia/Shanghai is assumed.",
                )
            return found, bad
        if column.type == "text":
            return parsing.texts(values, code=column.name.endswith(("code", "source_id", "source_ref")))
        reader = {
            "integer": parsing.integers,
            "number": parsing.numbers,
            "boolean": parsing.booleans,
            "date": parsing.dates,
            "list": parsing.lists,
        }[column.type]
        return reader(values)

    def _named_water(self, values: Cells) -> Cells:
        """Return kinds of water in which mere "water" is a kind by its name and, for polygons, its size."""
        mere = np.flatnonzero([isinstance(v, str) and plain(v) in _MERE_WATER for v in values])
        out = values.copy()
        if len(mere):
            sizes = np.zeros(len(values))
            if self.raw.shapes is not None:
                sizes = rough_area_m2(self.raw.shapes.geometry)
            names = self.cells["name"]
            for i in mere:
                out[i] = water_kind({"natural": "water", "name": names[i] or ""}, float(np.nan_to_num(sizes[i])))
            self._note(
                f"有 {len(mere)} 处水面没有类别,按名称和大小归类。",
                f"{len(mere)} rows are just 'water'; their kind was told by name and size.",
            )
        return out

    def _complain(self, column: Column, found: Cells, bad: Mask) -> None:
        severity = "error" if column.required else "warning"
        left = Text("", "") if column.required else Text("已留空。", " It was left empty.")
        wanted = _WANTED[column.type]
        if column.choices:
            listed = ", ".join(column.choices)
            wanted = Text(f"应为以下之一:{listed}", f"must be one of {listed}")
        self.complaints.add(
            bad,
            "not-one-of" if column.choices else _BAD_CODE[column.type],
            Text(f"“{column.title.zh}”{wanted.zh}。{left.zh}", f"'{column.name}' {wanted.en}.{left.en}"),
            _CHOOSE if column.choices else _REPAIR[column.type],
            column=column.name,
            severity=severity,  # type: ignore[arg-type]
        )
        if column.minimum is not None:
            low = np.array([v is not None and v < column.minimum for v in found], dtype=bool)
            self.complaints.add(
                low,
                "too-small",
                Text(
                    f"“{column.title.zh}”不能小于 {column.minimum:g}。{left.zh}",
                    f"'{column.name}' must not be less than {column.minimum:g}.{left.en}",
                ),
                Text("改正这个数。", "Correct the number."),
                column=column.name,
                severity=severity,  # type: ignore[arg-type]
            )
            found[low] = None
        if column.required:
            missing = np.array([v is None for v in found], dtype=bool) & ~bad & ~self.removed()
            self.complaints.add(
                missing,
                "missing-value",
                Text(f"缺少“{column.title.zh}”。", f"'{column.name}' is missing."),
                Text("补上这个值。", "Fill it in."),
                column=column.name,
            )

    def removed(self) -> Mask:
        """Return the rows that only say that something is gone: they need no more than their key."""
        gone = self.cells.get("removed")
        if gone is None:
            return np.zeros(len(self.raw), dtype=bool)
        return np.array([v is True for v in gone], dtype=bool)

    def leave_out_personal(self, *, with_contacts: bool) -> None:
        """Empty the columns marked personal unless they were asked for."""
        personal = [c for c in self.kind.columns if c.personal]
        filled = [c for c in personal if any(v is not None for v in self.cells[c.name])]
        if not filled:
            return
        zh, en = "、".join(c.title.zh for c in filled), ", ".join(c.name for c in filled)
        if with_contacts:
            self._note(f"按要求采用了个人信息列:{zh}。", f"Personal columns were taken as asked: {en}.")
            return
        for c in filled:
            self.cells[c.name] = np.full(len(self.raw), None, dtype=object)
        self._note(
            f"个人信息列未采用:{zh}。确有需要时使用 --with-contacts。",
            f"Personal columns were left out: {en}. Use --with-contacts where they are needed.",
        )

    def mask_free_text(self) -> None:
        """Replace telephone and identity numbers in free text."""
        total = 0
        for name in FREE_TEXT.get(self.kind.name, ()):
            column = self.cells[name]
            for i, text in enumerate(column):
                if text is not None:
                    column[i], n = mask(text)
                    total += n
        if total:
            self._note(
                f"自由文本里有 {total} 个电话或证件号码,已隐去。",
                f"{total} telephone or identity numbers in free text were masked.",
            )

    # --- what only some kinds have ---

    def special(self) -> None:
        """Apply the rules of single kinds."""
        {
            "streets": self._streets,
            "households": self._households,
            "estates": self._estates,
        }.get(self.kind.name, lambda: None)()

    def _streets(self) -> None:
        highway, railway = self.cells["highway"], self.cells["railway"]
        tracks = np.array([h in RAILWAYS for h in highway], dtype=bool)
        if tracks.any():
            empty = tracks & np.array([r is None for r in railway], dtype=bool)
            railway[empty] = highway[empty]
            highway[tracks] = None
            self._note(
                f"有 {tracks.sum()} 条线的道路类别是铁路,已归入铁路类别。",
                f"{tracks.sum()} lines have a railway class as their street class; it was moved to 'railway'.",
            )
        neither = np.array([h is None and r is None for h, r in zip(highway, railway, strict=True)], dtype=bool)
        self.complaints.add(
            neither & ~self.removed(),
            "no-street-class",
            Text("既没有道路类别,也没有铁路类别。", "The line has neither a street nor a railway class."),
            Text("填写道路类别,例如 residential。", "Give its class, for example residential."),
            column="highway",
            severity="warning",
        )

    def _households(self) -> None:
        nowhere = np.array(
            [
                b is None and e is None
                for b, e in zip(self.cells["building_source_id"], self.cells["estate"], strict=True)
            ],
            dtype=bool,
        )
        self.complaints.add(
            nowhere,
            "no-building",
            Text("没有楼栋来源编号,也没有小区名称。", "There is neither a building nor an estate."),
            Text("至少填写其中一项。", "Fill in one of the two."),
            column="building_source_id",
        )

    def _estates(self) -> None:
        column = self.cells["gates"]
        bad = np.zeros(len(column), dtype=bool)
        for i, gates in enumerate(column):
            good = tuple(" ".join(pair) for g in gates if (pair := _pair(g)) is not None)
            bad[i] = len(good) < len(gates)
            column[i] = good
        self.complaints.add(
            bad,
            "bad-coordinates",
            Text(
                "“大门”应写成“经度 纬度”,多个用 ; 分开。读不出的已略去。",
                "'gates' must be 'lon lat' in degrees, several separated by ';'. Others were left out.",
            ),
            Text("改正坐标。", "Correct the coordinates."),
            column="gates",
            severity="warning",
        )

    # --- geometry ---

    def shapes(self, recognition: Recognition) -> None:
        """Read and check the geometries; what is left is valid, 2D and of an allowed family."""
        built = self._built(recognition)
        geometry = simplest(built.geometry)
        column = "geometry" if recognition.shape is None else ", ".join(recognition.shape.columns) or "geometry"
        self._unusable(geometry, built, column)
        if built.raised.any():
            self._note(
                f"有 {built.raised.sum()} 个几何带有高程或测量值,已略去。",
                f"Heights or measures of {built.raised.sum()} geometries were dropped.",
            )
        geometry[self._misplaced(geometry, column)] = None
        geometry[self._other_family(geometry, column)] = None
        geometry[self._left_open(geometry, built.closed, column)] = None
        self.geometry = self._mended(geometry, column)

    def _built(self, recognition: Recognition) -> Built:
        n = len(self.raw)
        none, no = np.full(n, None, dtype=object), np.zeros(n, dtype=bool)
        where = recognition.shape
        if where is None:
            return Built(none, no, no, no)
        if where.how == "file" and self.raw.shapes is not None:
            return self.raw.shapes
        if where.how == "wkt":
            return _from_wkt(np.asarray(self.raw.columns[where.columns[0]], dtype=object))
        return self._from_columns(where.columns)

    def _from_columns(self, columns: tuple[str, ...]) -> Built:
        n = len(self.raw)
        if "lon" in self.cells:
            lon, lat = self.cells["lon"], self.cells["lat"]
        else:
            read = [parsing.numbers(np.asarray(self.raw.columns[c], dtype=object)) for c in columns]
            lon, lat = (values for values, _ in read)
            for name, (_, bad) in zip(columns, read, strict=True):
                self.complaints.add(
                    bad,
                    "not-a-number",
                    Text("坐标应为十进制度数。", "Coordinates must be decimal degrees."),
                    _REPAIR["number"],
                    column=name,
                )
        there = np.array([x is not None and y is not None for x, y in zip(lon, lat, strict=True)], dtype=bool)
        if "crs" in self.cells:
            # Points in GCJ-02 or BD-09 stay numbers until the coordinate module has converted them.
            there &= np.array([c in (None, "EPSG:4326") for c in self.cells["crs"]], dtype=bool)
        points: Geometries = np.full(n, None, dtype=object)
        if there.any():
            points[there] = shapely.points(lon[there].astype(float), lat[there].astype(float))
        no = np.zeros(n, dtype=bool)
        return Built(points, no, no, no)

    def _unusable(self, geometry: Geometries, built: Built, column: str) -> None:
        self.complaints.add(
            built.broken,
            "broken-geometry",
            Text(
                "几何无法读取(类型不明、坐标不是数字或环少于三个角点)。",
                "The geometry cannot be read (no known type, no numbers, or a ring of fewer than three corners).",
            ),
            Text("在地图软件里重画这个要素。", "Draw the feature again in your map program."),
            column=column,
        )
        if self.kind.geometry_required:
            missing = (shapely.is_missing(geometry) | shapely.is_empty(geometry)) & ~built.broken
            self.complaints.add(
                missing & ~self.removed() & ~self.complaints.rejected("not-a-number"),
                "no-geometry",
                Text("没有几何(空要素或缺少坐标)。", "There is no geometry, or it is empty."),
                Text("补画这个要素,或删除这一行。", "Draw the feature, or delete the row."),
                column=column,
            )

    def _misplaced(self, geometry: Geometries, column: str) -> Mask:
        """Complain of coordinates that are nowhere, each with the likeliest reason."""
        bounds = _bounds(geometry)
        if "lon" in self.cells and "crs" in self.cells:
            bounds = _with_points(bounds, self.cells["lon"], self.cells["lat"])
        wild = _not_finite(geometry)
        x, y = np.abs(bounds[:, [0, 2]]).max(axis=1), np.abs(bounds[:, [1, 3]]).max(axis=1)
        with np.errstate(invalid="ignore"):
            far = ~wild & ((x > _WORLD[0]) | (y > _WORLD[1]))
            metres = far & ((x > _DEGREES) | (y > _DEGREES))
            swapped = far & ~metres & (x <= _WORLD[1]) & (y <= _WORLD[0])
        zero = ~wild & ~far & _at_zero(geometry, bounds)
        for bad, code, message, repair in (
            (wild, "not-finite", *_NOT_FINITE),
            (metres, "projected-coordinates", *_PROJECTED),
            (swapped, "coordinates-swapped", *_SWAPPED),
            (far & ~metres & ~swapped, "out-of-range", *_OUT_OF_RANGE),
            (zero, "null-island", *_NULL_ISLAND),
        ):
            self.complaints.add(bad, code, message, repair, column=column)
        return np.asarray(wild | far | zero)

    def _other_family(self, geometry: Geometries, column: str) -> Mask:
        family = np.array([_FAMILY.get(t) for t in shapely.get_type_id(geometry)], dtype=object)
        there = ~shapely.is_missing(geometry) & ~shapely.is_empty(geometry)
        wrong = there & ~np.isin(family, self.kind.geometry)
        zh = "或".join(_SHAPES[f].zh for f in self.kind.geometry)
        en = " or ".join(_SHAPES[f].en for f in self.kind.geometry)
        self.complaints.add(
            wrong,
            "wrong-geometry",
            Text(f"{self.kind.title.zh}的几何应为{zh}。", f"A row of {self.kind.name} must be {en}."),
            Text("检查是否选错了图层。", "Check that this is the right layer."),
            column=column,
            places=_centres(geometry),
        )
        return np.asarray(wrong)

    def _left_open(self, geometry: Geometries, closed: Mask, column: str) -> Mask:
        """Judge rings that had no end: closed by a segment like the others, or lacking a stretch."""
        there = closed & ~shapely.is_missing(geometry)
        gap = there & ~shapely.is_valid(geometry)
        for i in np.flatnonzero(there & ~gap):
            gap[i] = _has_gap(geometry[i])
        places = _starts(geometry)
        self.complaints.add(
            gap,
            "unclosed-ring",
            Text(
                "多边形没有闭合:首尾相距太远,或连上后自相交,可能缺了一段边线。",
                "The polygon does not close: its ends are too far apart, or joining them makes it cross itself. "
                "A stretch of its outline seems to be missing.",
            ),
            Text("在地图软件里补画缺少的边线。", "Draw the missing stretch in your map program."),
            column=column,
            places=places,
        )
        self.complaints.add(
            there & ~gap,
            "unclosed-ring",
            Text("多边形没有闭合;已把末点连到起点。", "The polygon did not close; its end was joined to its start."),
            Text("核对这一处边线。", "Check the outline there."),
            column=column,
            severity="warning",
            places=places,
        )
        return np.asarray(gap)

    def _mended(self, geometry: Geometries, column: str) -> Geometries:
        out = geometry.copy()
        out[shapely.is_empty(out)] = None
        there = ~shapely.is_missing(out)
        broken = there & ~shapely.is_valid(out)
        places = _crossings(out, broken)
        flat = broken & (shapely.get_dimensions(out) == 1)
        out[flat] = None
        self.complaints.add(
            flat,
            "broken-geometry",
            Text("线没有长度。", "The line has no length."),
            Text("删除这一行或重画这条线。", "Delete the row or draw the line again."),
            column=column,
        )
        area = there & (shapely.get_dimensions(out) == 2)  # noqa: PLR2004
        out[area] = only_polygons(out[area])
        lost = broken & area & shapely.is_empty(out)
        out[lost] = None
        self.complaints.add(
            broken & area & ~lost,
            "invalid-polygon",
            Text("多边形自相交;已自动修复,请核对。", "The polygon crosses itself; it was mended, please check."),
            Text("在地图软件里改正这一处。", "Correct the outline there in your map program."),
            column=column,
            severity="warning",
            places=places,
        )
        self.complaints.add(
            lost,
            "invalid-polygon",
            Text("多边形没有面积。", "The polygon has no area."),
            Text("重画这个多边形。", "Draw the polygon again."),
            column=column,
            places=places,
        )
        return out

    # --- the end ---

    def done(self) -> Checked:
        """Settle repetitions and put the table together."""
        rows = pd.RangeIndex(len(self.raw))
        frame = pd.DataFrame(self.cells, columns=list(self.kind.names), index=rows, dtype=object)
        if self.geometry is not None:
            frame["geometry"] = self.geometry
        repeated = self._repetitions(frame)
        out = self.complaints.rejected()
        kept = ~out & ~repeated
        table = canonical(frame[kept], self.kind.name)
        if repeated.any():
            self._note(
                f"有 {repeated.sum()} 行与前面的行完全相同,只计一次。",
                f"{repeated.sum()} rows repeat an earlier row word for word and count once.",
            )
        counts = Counts(len(self.raw), int(kept.sum()), int(out.sum()), int(repeated.sum()), self.complaints.counts())
        return Checked(self.kind.name, table, self.complaints.listed(), counts, tuple(self.notes))

    def _repetitions(self, frame: pd.DataFrame) -> Mask:
        """Complain of rows of one key that differ; return those that only repeat an earlier one."""
        keys = KEYS.get(self.kind.name, ("source_id",))
        repeated = np.zeros(len(frame), dtype=bool)
        key = list(zip(*(frame[k].tolist() for k in keys), strict=True))
        usable = ~self.complaints.rejected() & np.array([any(v is not None for v in k) for k in key], dtype=bool)
        groups: dict[tuple[Any, ...], list[int]] = {}
        for i in np.flatnonzero(usable):
            groups.setdefault(key[i], []).append(int(i))
        first: dict[int, int] = {}
        for members in groups.values():
            if len(members) == 1:
                continue
            contents = [self._content(frame, i) for i in members]
            if all(c == contents[0] for c in contents):
                repeated[members[1:]] = True
            else:
                first |= {i: members[0] if i != members[0] else members[1] for i in members}
        conflict = np.zeros(len(frame), dtype=bool)
        conflict[list(first)] = True
        names = ", ".join(keys)
        self.complaints.add(
            conflict,
            "conflicting-duplicate",
            lambda i: Text(
                f"与第 {self.raw.rows[first[i]]} 行编号({names})相同,内容却不同。",
                f"It has the same {names} as row {self.raw.rows[first[i]]}, but differs from it.",
            ),
            Text("删去错误的一行,或改正编号。", "Delete the wrong one, or correct the identifier."),
            column=keys[0],
        )
        return repeated

    def _content(self, frame: pd.DataFrame, i: int) -> tuple[object, ...]:
        values = frame.iloc[i]
        shape = values.get("geometry")
        mark = None if shape is None else shapely.to_wkb(shapely.normalize(shape))
        return (*(values[c] for c in self.kind.names), mark)

    def _note(self, zh: str, en: str) -> None:
        self.notes.append(Text(zh, en))


_BAD_CODE = {
    "text": "number-precision-lost",
    "integer": "not-an-integer",
    "number": "not-a-number",
    "boolean": "not-yes-or-no",
    "date": "not-a-date",
    "datetime": "not-a-time",
    "list": "not-a-list",
}
_WANTED = {
    "text": Text(
        "的末尾几位数字已丢失(被当成数字保存过),或不是文本",
        "has lost its last digits (it was saved as a number), or is no text",
    ),
    "integer": Text("应为整数", "must be a whole number"),
    "number": Text("应为数字", "must be a number"),
    "boolean": Text("应为 是/否(yes/no、true/false、1/0)", "must be yes or no (true/false, 1/0, 是/否)"),
    "date": Text("应为日期,例如 2025-11-22", "must be a date such as 2025-11-22"),
    "datetime": Text("应为时间,例如 2025-11-22T08:00:00+08:00", "must be a time such as 2025-11-22T08:00:00+08:00"),
    "list": Text("应为用 ; 分开的文本", "must be text separated by ';'"),
}
_REPAIR = {
    "text": Text("把这一列设为文本格式后重新填写。", "Make the column text in your spreadsheet and fill it in again."),
    "integer": Text("只写数字,不带单位。", "Write digits only, without a unit."),
    "number": Text("只写数字,不带单位。", "Write a number only, without a unit."),
    "boolean": Text("改写为 是 或 否。", "Write yes or no."),
    "date": Text("改写为 年-月-日。", "Write year-month-day."),
    "datetime": Text("改写为 年-月-日T时:分:秒。", "Write year-month-dayThour:minute:second."),
    "list": Text("改写为用 ; 分开的文本。", "Write text separated by ';'."),
}
_CHOOSE = Text("改写为其中之一。", "Write one of them.")
_NOT_FINITE = (
    Text("坐标是 NaN 或无穷大。", "A coordinate is NaN or infinite."),
    Text("补上真实坐标。", "Give the true coordinates."),
)
_PROJECTED = (
    Text("坐标像是投影坐标(米),不是经纬度。", "The coordinates look like metres of a projection, not degrees."),
    Text(
        "转换为 EPSG:4326 后重新导出,或在文件里声明坐标系。",
        "Export them in EPSG:4326, or let the file declare its system.",
    ),
)
_SWAPPED = (
    Text("经度和纬度像是写反了。", "Longitude and latitude look swapped."),
    Text("交换两列或两个坐标的顺序(经度在前)。", "Swap them: longitude comes first."),
)
_OUT_OF_RANGE = (
    Text("坐标超出范围(经度 ±180,纬度 ±90)。", "The coordinates are out of range (longitude ±180, latitude ±90)."),
    Text("改正坐标。", "Correct the coordinates."),
)
_NULL_ISLAND = (
    Text("坐标为 0,是没有填写的坐标。", "A coordinate is 0: it was never filled in."),
    Text("补上真实坐标。", "Give the true coordinates."),
)


def _pair(text: str) -> tuple[str, str] | None:
    parts = text.replace(",", " ").split()
    if len(parts) != 2:  # noqa: PLR2004
        return None
    try:
        lon, lat = float(parts[0]), float(parts[1])
    except ValueError:
        return None
    return (parts[0], parts[1]) if abs(lon) <= _WORLD[0] and abs(lat) <= _WORLD[1] else None


def _from_wkt(cells: Cells) -> Built:
    there = np.array([isinstance(c, str) and bool(c.strip()) for c in cells], dtype=bool)
    odd = np.array([c is not None and not isinstance(c, str) for c in cells], dtype=bool)
    words = np.full(len(cells), None, dtype=object)
    words[there] = [c.strip().removeprefix("SRID=4326;").strip() for c in cells[there]]
    geometry = np.asarray(shapely.from_wkt(words, on_invalid="ignore"), dtype=object)
    failed = there & shapely.is_missing(geometry)
    geometry[failed] = shapely.from_wkt(words[failed], on_invalid="fix")
    broken = odd | (there & shapely.is_missing(geometry))
    raised = np.asarray(shapely.has_z(geometry) | shapely.has_m(geometry))
    return Built(np.asarray(shapely.force_2d(geometry)), broken, raised, failed & ~broken)


def _bounds(geometry: Geometries) -> Places:
    bounds = np.asarray(shapely.bounds(geometry), dtype=float)
    return bounds.reshape(-1, 4)


def _with_points(bounds: Places, lon: Cells, lat: Cells) -> Places:
    """Return bounds in which rows without geometry have those of their own coordinates."""
    xy = np.array([lon, lat], dtype=float).T.reshape(-1, 2)
    return np.where(np.isnan(bounds), np.hstack([xy, xy]), bounds)


def _not_finite(geometry: Geometries) -> Mask:
    coordinates, row = shapely.get_coordinates(geometry, return_index=True)
    out = np.zeros(len(geometry), dtype=bool)
    out[row[~np.isfinite(coordinates).all(axis=1)]] = True
    return out


def _at_zero(geometry: Geometries, bounds: Places) -> Mask:
    """Return the rows with a point on an axis, or a corner at 0, 0."""
    coordinates, row = shapely.get_coordinates(geometry, return_index=True)
    out = np.zeros(len(geometry), dtype=bool)
    out[row[(coordinates == 0).all(axis=1)]] = True
    point = (bounds[:, 0] == bounds[:, 2]) & (bounds[:, 1] == bounds[:, 3])
    return np.asarray(out | (point & ((bounds[:, 0] == 0) | (bounds[:, 1] == 0))))


def _centres(geometry: Geometries) -> Places:
    bounds = _bounds(geometry)
    return np.column_stack([(bounds[:, 0] + bounds[:, 2]) / 2, (bounds[:, 1] + bounds[:, 3]) / 2])


def _starts(geometry: Geometries) -> Places:
    coordinates, row = shapely.get_coordinates(geometry, return_index=True)
    out = np.full((len(geometry), 2), np.nan)
    out[row[::-1]] = coordinates[::-1]
    return out


def _has_gap(shape: Any) -> bool:
    """Return whether the closing segment of some ring is out of proportion to its others.

    It is where it is longer than all of them, or, in a ring of many corners, ten times the median.
    """
    for ring in shapely.get_rings(shape):
        step = np.hypot(*np.diff(shapely.get_coordinates(ring), axis=0).T)
        many = len(step) > _MANY_CORNERS
        if step[-1] > step[:-1].max() or (many and step[-1] > _OUT_OF_PROPORTION * np.median(step[:-1])):
            return True
    return False


def _crossings(geometry: Geometries, broken: Mask) -> Places:
    """Return where GEOS finds invalid geometries wrong; NaN elsewhere."""
    out = np.full((len(geometry), 2), np.nan)
    for i in np.flatnonzero(broken):
        reason = str(shapely.is_valid_reason(geometry[i]))
        _, _, place = reason.partition("[")
        numbers = place.rstrip("]").split()
        if len(numbers) >= 2:  # noqa: PLR2004
            out[i] = [float(numbers[0]), float(numbers[1])]
    return out
