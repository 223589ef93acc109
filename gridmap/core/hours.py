"""Opening hours in OpenStreetMap's syntax: reading, normal form, open or not at a moment.

The grammar and its evaluation are those of the Rust library behind ``opening-hours-py``. Three things are ours:

- What Chinese offices write (``周一至周五 8:30-12:00，14:00-17:30``) is put into the syntax first.
- A comment without a state means *unknown* (``Mo-Fr 08:00-18:00 "by appointment"``), as the specification has it; the
  library would say *open*.
- A day that does not exist (``Feb 30``) is an error; the library would take it for any day.

Public holidays (``PH``) are those that the library knows for a country. For China (``CN``) these are six single days a
year: New Year's Day, the first day of the Spring Festival, 1 May, Dragon Boat, Mid-Autumn and 1 October. Qingming, the
further days of each holiday and working weekends, which are announced year by year, are not in it; school holidays
(``SH``) are in no calendar. ``OpeningHours.holidays`` tells whether an answer depends on that. ``sunrise`` and
``sunset`` are 7:00 and 19:00. Times are local times without a zone.
"""

from __future__ import annotations

import datetime as dt
import itertools
import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import opening_hours as library

from gridmap.errors import InputError
from gridmap.model.text import Text

__all__ = ["CLOSED", "OPEN", "UNKNOWN", "OpeningHours", "open_at", "open_on"]

States = npt.NDArray[np.int8]

UNKNOWN, CLOSED, OPEN = -1, 0, 1

LONGEST_TEXT = 500

_DAYS = dict(zip("一二三四五六日天", ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su", "Su"), strict=True))
_WORDS = (
    (re.compile(r"[–—―−~～〜至到]"), "-"),
    (re.compile(r"[、·]"), ","),
    (re.compile(r"[。;\r\n]+"), ";"),
    (re.compile(r"每天|每日|天天"), "Mo-Su "),
    (re.compile(r"工作日"), "Mo-Fr "),
    (re.compile(r"周末"), "Sa,Su "),
    (re.compile(r"全天|24\s*小时"), "00:00-24:00"),
    (re.compile(r"(?:国家)?(?:法定)?(?:节假日|公休日|节日)"), "PH "),
    (re.compile(r"不开放|不办公|休息|关闭|除外"), " off"),
)
_WEEKDAYS = re.compile(r"(?:周|星期|礼拜)([一二三四五六日天](?:\s*[,-]?\s*(?:周|星期|礼拜)?[一二三四五六日天])*)")
_NEVER = re.compile(r"\b(?:Feb\s*(?:30|31)|(?:Apr|Jun|Sep|Nov)\s*31|[A-Z][a-z]{2}\s*(?:0+|3[2-9]|[4-9]\d))\b(?!\s*:)")
_EXCEPTION = re.compile(r"(?<=:\d\d)\s*[,;]?\s*((?:PH|SH|Mo|Tu|We|Th|Fr|Sa|Su)[A-Za-z,-]*)\s+off\b")
_COMMENT = re.compile(r'(\b(?:open|closed|off|unknown)\s*)?("[^"]*")')
_PLACE = re.compile(r"--> \d+:(\d+)")
#: A Monday; no public holiday is in the week that it begins.
_MONDAY = dt.datetime.combine(dt.date(2026, 11, 16), dt.time())
_DAY = dt.timedelta(days=1)
#: Hours that end by then belong to the day before.
_SMALL_HOURS = dt.timedelta(hours=6)
_ZH_DAYS = tuple(f"周{day}" for day in "一二三四五六日")
_EN_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_ZH_TIMES = ("不开放", "全天", "次日", "（不确定）")
_EN_TIMES = ("closed", "all day", "", " (perhaps)")
_BY_DATE = re.compile(r"\b(?:easter|week|Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec|\d{4}(?!:))\b|\[")
_HOLIDAYS = re.compile(r"\b(?:PH|SH)\b")


@dataclass(frozen=True, slots=True)
class OpeningHours:
    """Opening hours that were understood.

    Attributes
    ----------
    text
        As given.
    normal
        The same in the usual form; reading it again changes nothing.
    country
        Whose public holidays count (ISO code).
    holidays
        Whether public or school holidays play a part.
    """

    text: str
    normal: str
    country: str
    holidays: bool

    @classmethod
    def parse(cls, text: str, *, country: str = "CN") -> OpeningHours:
        """Read a text.

        Raises
        ------
        InputError
            It cannot be understood, or the country is not known.

        Examples
        --------
        >>> OpeningHours.parse("周一至周五 8:30-12:00，14:00-17:30；周日休息").normal
        'Mo-Fr 08:30-12:00,14:00-17:30'
        """
        written = _rewritten(text)
        if not written:
            raise _unreadable("营业时间是空的", "The opening hours are empty")
        if len(text) > LONGEST_TEXT:
            raise _unreadable(
                f"营业时间超过 {LONGEST_TEXT} 个字", f"The opening hours are longer than {LONGEST_TEXT} characters"
            )
        never = _NEVER.search(re.sub(r'"[^"]*"', "", written))
        if never:
            raise _unreadable(
                f"营业时间中没有 {never[0]} 这一天", f"The opening hours name a day that is none: {never[0]}"
            )
        try:
            read = _read(written, country)
        except library.ParserError as error:  # type: ignore[attr-defined]
            place = _PLACE.search(str(error))
            where = "" if place is None or written != text else place[1]
            raise _unreadable(
                f"营业时间看不懂{f' (第 {where} 个字起)' if where else ''}",
                f"The opening hours cannot be read{f' from character {where} on' if where else ''}",
            ) from None
        except library.UnknownCountryError:  # type: ignore[attr-defined]
            raise InputError(
                f"没有国家代码 {country} 的节假日表。", f"There is no calendar of holidays for country {country}."
            ) from None
        # The library's own form loses the word "open" before a comment, which changes the meaning.
        normal = written if '"' in written else str(read.normalize())
        return cls(text, normal, country, bool(_HOLIDAYS.search(written)))

    def in_words(self) -> Text:
        """Say the usual week in plain words, equal days together, and that holidays differ where they do.

        Hours that depend on the season or on single days have no usual week: they are said as they stand.

        Examples
        --------
        >>> OpeningHours.parse("Mo-Fr 08:30-12:00,14:00-17:30").in_words().en
        'Mon to Fri 8:30–12:00, 14:00–17:30; Sat, Sun closed'
        """
        if _BY_DATE.search(re.sub(r'"[^"]*"', "", self.normal)):
            return Text(f"随日期变化：{self.normal}", f"depends on the date: {self.normal}")
        days = _usual_week(_read(self.normal, self.country))
        zh, en = [], []
        for first, same in _equal_days(days):
            times = days[first]
            zh.append(f"{_names(same, _ZH_DAYS, '至', '、', '每天')} {_times(times, '、', _ZH_TIMES)}")
            en.append(f"{_names(same, _EN_DAYS, ' to ', ', ', 'every day')} {_times(times, ', ', _EN_TIMES)}")
        if self.holidays:
            zh.append("节假日另有规定")
            en.append("holidays differ")
        return Text("；".join(zh), "; ".join(en))

    def is_open(self, at: dt.datetime) -> bool | None:
        """Tell whether it is open at a local moment; None: the text leaves it open."""
        state, _ = _read(self.normal, self.country).state(at.replace(tzinfo=None))
        return _told(state)

    def is_open_on(self, day: dt.date) -> bool | None:
        """Tell whether it is open at any time of a day; None: perhaps."""
        start = dt.datetime.combine(day, dt.time())
        states = {
            _told(state)
            for _, _, state, _ in _read(self.normal, self.country).intervals(start, start + dt.timedelta(days=1))
        }
        return True if True in states else None if None in states else False


def open_at(texts: Sequence[str | None], moment: dt.datetime, *, country: str = "CN") -> States:
    """Tell for each text whether it is open at a local moment.

    Returns
    -------
    states
        (n,) OPEN, CLOSED or UNKNOWN; a text that is missing or cannot be read is UNKNOWN, never open.

    Examples
    --------
    >>> open_at(["Mo-Fr 08:30-18:00", "24/7", None], dt.datetime(2026, 11, 22, 10)).tolist()
    [0, 1, -1]
    """
    return _each(texts, country, lambda hours: hours.is_open(moment))


def open_on(texts: Sequence[str | None], day: dt.date, *, country: str = "CN") -> States:
    """Tell for each text whether it is open at any time of a day; see :func:`open_at`."""
    return _each(texts, country, lambda hours: hours.is_open_on(day))


def _each(texts: Sequence[str | None], country: str, ask: Callable[[OpeningHours], bool | None]) -> States:
    known: dict[str, int] = {}
    for text in {text for text in texts if text}:
        try:
            answer = ask(OpeningHours.parse(text, country=country))
        except InputError:
            answer = None
        known[text] = UNKNOWN if answer is None else OPEN if answer else CLOSED
    return np.array([known.get(text or "", UNKNOWN) for text in texts], dtype=np.int8)


def _rewritten(text: str) -> str:
    """Put what people write into the syntax; comments in quotes stay as they are."""
    parts = re.split(r'("[^"]*")', unicodedata.normalize("NFKC", text.replace("“", '"').replace("”", '"')).strip())
    parts[::2] = [_syntax(part) for part in parts[::2]]
    written = re.sub(r"\s+", " ", "".join(parts)).strip(" ;,")
    return _COMMENT.sub(lambda found: found[0] if found[1] else "unknown " + found[2], written)


def _syntax(part: str) -> str:
    for pattern, word in _WORDS:
        part = pattern.sub(word, part)
    part = _WEEKDAYS.sub(lambda found: _weekdays(found[1]), part)
    part = re.sub(r"([A-Za-z])(\d{1,2}:)", r"\1 \2", part)
    # An exception belongs behind a semicolon: behind a comma it would only add hours.
    return _EXCEPTION.sub(r"; \1 off", part)


def _weekdays(characters: str) -> str:
    days = re.sub(r"周|星期|礼拜|\s", "", characters)
    return (
        re.sub(r"(?<=[一二三四五六日天])(?=[一二三四五六日天])", ",", days).translate(
            {ord(character): day for character, day in _DAYS.items()}
        )
        + " "
    )


def _unreadable(zh: str, en: str) -> InputError:
    return InputError(
        f"{zh}。请写成 Mo-Fr 08:30-12:00,14:00-17:30 或“周一至周五 8:30-17:30”。",
        f"{en}. Write for example Mo-Fr 08:30-12:00,14:00-17:30.",
    )


def _told(state: library.State) -> bool | None:
    return {library.State.OPEN: True, library.State.CLOSED: False}.get(state)


@lru_cache(maxsize=4096)
def _read(written: str, country: str) -> library.OpeningHours:
    return library.OpeningHours(written, country=country, auto_country=False, auto_timezone=False)


Span = tuple[dt.timedelta, dt.timedelta, bool]


def _usual_week(read: library.OpeningHours) -> list[tuple[Span, ...]]:
    """Return for Monday to Sunday the spans since midnight that are not closed, and whether each is certain."""
    days: list[list[Span]] = []
    for k in range(8):
        start = _MONDAY + k * _DAY
        days.append(
            [
                (begin - start, end - start, _told(state) is True)
                for begin, end, state, _ in read.intervals(start, start + _DAY)
                if _told(state) is not False
            ]
        )
    none = dt.timedelta()
    for today, after in itertools.pairwise(days):
        over = bool(today and after and today[-1][1] == _DAY and after[0][0] == none and after[0][1] <= _SMALL_HOURS)
        if over and today[-1][0] > none and today[-1][2] == after[0][2]:
            today[-1] = (today[-1][0], _DAY + after.pop(0)[1], today[-1][2])
    # What Sunday night leaves to Monday was taken from the Monday after: the first one has it, too.
    first = days[0]
    if first and first[0][0] == none and first[0][1] <= _SMALL_HOURS and first[1:] == days[7]:
        first.pop(0)
    return [tuple(day) for day in days[:7]]


def _equal_days(days: Sequence[tuple[Span, ...]]) -> list[tuple[int, list[int]]]:
    """Return days with equal hours, open ones first, each with its first day."""
    groups: dict[tuple[Span, ...], list[int]] = {}
    for k, day in enumerate(days):
        groups.setdefault(day, []).append(k)
    return sorted(((same[0], same) for same in groups.values()), key=lambda one: (not days[one[0]], one[0]))


def _names(days: Sequence[int], names: Sequence[str], to: str, comma: str, all_days: str) -> str:
    if len(days) == len(names):
        return all_days
    runs: list[list[int]] = []
    for day in days:
        if runs and day == runs[-1][-1] + 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    joined = [
        f"{names[run[0]]}{to}{names[run[-1]]}" if len(run) > 2 else comma.join(names[day] for day in run)  # noqa: PLR2004
        for run in runs
    ]
    return comma.join(joined)


def _times(spans: Sequence[Span], comma: str, words: tuple[str, str, str, str]) -> str:
    closed, whole, next_day, perhaps = words
    if not spans:
        return closed

    def clock(since: dt.timedelta) -> str:
        minutes = int(since.total_seconds()) // 60
        late = minutes > 24 * 60
        minutes = minutes % (24 * 60) if late else minutes
        return f"{next_day if late else ''}{minutes // 60}:{minutes % 60:02d}"

    return comma.join(
        (whole if (begin, end) == (dt.timedelta(), _DAY) else f"{clock(begin)}–{clock(end)}")
        + ("" if certain else perhaps)
        for begin, end, certain in spans
    )
