from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridmap.core.hours import CLOSED, OPEN, UNKNOWN, OpeningHours, open_at, open_on
from gridmap.errors import InputError

MONDAY, SUNDAY = dt.date(2026, 11, 23), dt.date(2026, 11, 22)
MONDAY_TEN, SUNDAY_TEN = (dt.datetime.combine(day, dt.time(10)) for day in (MONDAY, SUNDAY))


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("24/7", "24/7"),
        ("Mo-Fr 8:00-18:00", "Mo-Fr 08:00-18:00"),
        ("mo-fr 08:00-18:00;", "Mo-Fr 08:00-18:00"),
        ("Mo-Fr 08:00–18:00\nPH off", "Mo-Fr 08:00-18:00; PH closed"),
        ("周一至周五 8:00-17:00", "Mo-Fr 08:00-17:00"),
        ("周一至五8：30—12：00，14：30－17：30", "Mo-Fr 08:30-12:00,14:30-17:30"),
        ("星期一到星期六 8:30～18:00；星期日休息", "Mo-Sa 08:30-18:00"),
        ("周六日 9:00-16:00", "Sa-Su 09:00-16:00"),
        ("周一、三、五 9:00-11:00", "Mo,We,Fr 09:00-11:00"),
        ("每天24小时", "24/7"),
        ("工作日 9:00-17:00，法定节假日除外", "Mo-Fr 09:00-17:00; PH closed"),
        ("Jun-Aug Sa off", "closed"),
        ("Mo-Fr 08:00-18:00; Sa,Su off", "Mo-Fr 08:00-18:00"),
    ],
)
def test_what_people_write_has_one_normal_form(text: str, normal: str) -> None:
    read = OpeningHours.parse(text)
    assert read.normal == normal
    assert OpeningHours.parse(read.normal).normal == normal


@pytest.mark.parametrize(
    "text", ["", "   ", "by appointment", "下午2:00-5:00", "24/24", "Mo-Fr 9-17", "Feb 30 10:00-12:00", "x" * 501]
)
def test_what_cannot_be_read_is_said_in_both_languages_with_an_example(text: str) -> None:
    with pytest.raises(InputError) as error:
        OpeningHours.parse(text)
    assert "周一至周五" in error.value.zh
    assert "Mo-Fr" in error.value.en


def test_an_error_does_not_repeat_what_was_written() -> None:
    with pytest.raises(InputError) as error:
        OpeningHours.parse("请电 13912345678")
    assert "139" not in error.value.zh + error.value.en


def test_an_error_names_the_character_where_reading_ended() -> None:
    with pytest.raises(InputError, match="from character 7"):
        OpeningHours.parse("Mo-Fr noon")


def test_open_closed_and_unknown_are_three_different_answers() -> None:
    texts = ["Mo-Fr 08:30-18:00", "24/7", None, "", "nonsense", '"by appointment"', "Su 08:00-09:00"]
    assert open_at(texts, SUNDAY_TEN).tolist() == [CLOSED, OPEN, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, CLOSED]
    assert open_on(texts, SUNDAY).tolist() == [CLOSED, OPEN, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, OPEN]


def test_open_at_the_first_minute_and_closed_at_the_last() -> None:
    hours = OpeningHours.parse("Mo-Fr 08:30-18:00")
    assert hours.is_open(dt.datetime.combine(MONDAY, dt.time(8, 30))) is True
    assert hours.is_open(dt.datetime.combine(MONDAY, dt.time(8, 29))) is False
    assert hours.is_open(dt.datetime.combine(MONDAY, dt.time(18, 0))) is False


def test_an_evening_that_ends_after_midnight_reaches_into_the_next_day() -> None:
    hours = OpeningHours.parse("Sa 20:00-02:00")
    assert hours.is_open(dt.datetime.combine(SUNDAY, dt.time(1))) is True
    assert hours.is_open_on(SUNDAY) is True
    assert hours.is_open_on(MONDAY) is False


def test_a_comment_without_a_state_leaves_it_open_whether_it_is_open() -> None:
    assert OpeningHours.parse('Mo-Fr 08:00-18:00 "预约"').is_open(MONDAY_TEN) is None
    assert OpeningHours.parse('Mo-Fr 08:00-18:00 open "女士"').is_open(MONDAY_TEN) is True
    assert OpeningHours.parse("Mo-Fr 08:00-18:00 || “电话预约”").is_open(SUNDAY_TEN) is None


def test_public_holidays_of_china_are_the_six_days_that_the_documents_name() -> None:
    hours = OpeningHours.parse("PH 00:00-24:00")
    days = [dt.date(2026, 1, 1) + dt.timedelta(days=n) for n in range(365)]
    known = [day.strftime("%m-%d") for day in days if hours.is_open_on(day)]
    assert known == ["01-01", "02-17", "05-01", "06-19", "09-25", "10-01"]
    assert hours.holidays
    assert not OpeningHours.parse("Mo-Fr 08:00-18:00").holidays


def test_a_country_without_a_calendar_is_refused() -> None:
    with pytest.raises(InputError, match="XX"):
        OpeningHours.parse("PH off", country="XX")


@settings(max_examples=60, deadline=None)
@given(
    first=st.integers(0, 6),
    length=st.integers(0, 6),
    opening=st.integers(0, 22 * 60),
    minutes=st.integers(1, 119),
    at=st.integers(0, 7 * 24 * 60 - 1),
)
def test_weekly_hours_agree_with_plain_arithmetic(first: int, length: int, opening: int, minutes: int, at: int) -> None:
    names = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")
    days = [(first + k) % 7 for k in range(length + 1)]
    closing = opening + minutes
    text = (
        f"{names[days[0]]}-{names[days[-1]]} {opening // 60:02}:{opening % 60:02}-{closing // 60:02}:{closing % 60:02}"
    )
    moment = dt.datetime.combine(MONDAY, dt.time()) + dt.timedelta(minutes=at)
    minute = moment.hour * 60 + moment.minute
    expected = moment.weekday() in days and opening <= minute < closing
    if length == 6 or days[0] != days[-1]:
        assert OpeningHours.parse(text).is_open(moment) is expected


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet="MoTuWeThFrSaSuPH周一二三日至休息0123456789:-,; \"'/[]+", max_size=30))
def test_any_text_is_read_or_refused_and_reading_the_normal_form_changes_nothing(text: str) -> None:
    try:
        read = OpeningHours.parse(text)
    except InputError:
        assert open_at([text], MONDAY_TEN).tolist() == [UNKNOWN]
        return
    again = OpeningHours.parse(read.normal)
    assert again.normal == read.normal
    assert again.is_open(MONDAY_TEN) == read.is_open(MONDAY_TEN)


@pytest.mark.parametrize(
    ("text", "zh", "en"),
    [
        ("24/7", "每天 全天", "every day all day"),
        ("off", "每天 不开放", "every day closed"),
        ("Sa 20:00-02:00", "周六 20:00–次日2:00；周一至周五、周日 不开放", "Sat 20:00–2:00; Mon to Fri, Sun closed"),
        ("Su 22:00-03:00", "周日 22:00–次日3:00；周一至周六 不开放", "Sun 22:00–3:00; Mon to Sat closed"),
        ("Mo-Su 09:00-21:00; PH off", "每天 9:00–21:00；节假日另有规定", "every day 9:00–21:00; holidays differ"),
        ("Apr-Oct 08:00-20:00", "随日期变化：Apr-Oct 08:00-20:00", "depends on the date: Apr-Oct 08:00-20:00"),
    ],
)  # fmt: skip
def test_hours_are_said_in_plain_words(text: str, zh: str, en: str) -> None:
    words = OpeningHours.parse(text).in_words()
    assert (words.zh, words.en) == (zh, en)
