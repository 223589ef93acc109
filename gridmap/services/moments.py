"""Moments that people write: when a station is to be open, when an edition comes into force."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from gridmap.core.hours import OPEN, UNKNOWN, open_at, open_on
from gridmap.errors import InputError

__all__ = ["WEEKDAYS", "Opening", "effective_moment", "opening_moment"]

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_CHINESE = dict(zip("一二三四五六日天", (*range(7), 6), strict=True))
_TIME = re.compile(r"^([01]?[0-9]|2[0-3]):([0-5][0-9])$")


@dataclass(frozen=True, slots=True)
class Opening:
    """A moment in local time, without zone; with ``whole_day`` any time of that day counts."""

    at: datetime
    whole_day: bool = False

    def open(self, hours: Sequence[str | None]) -> list[bool | None]:
        """Tell for each text of opening hours whether it is open then; None: not known."""
        states = open_on(hours, self.at.date()) if self.whole_day else open_at(hours, self.at)
        return [None if state == UNKNOWN else bool(state == OPEN) for state in states.tolist()]


def opening_moment(text: str, time_zone: str, *, now: datetime | None = None) -> Opening:
    """Read when stations are to be open.

    ``sunday`` (or ``周日``) is any time of the next such day, today included; ``20:00`` is today; else an ISO moment,
    in the time zone of the place where none is given.

    Raises
    ------
    InputError
        It is none of these.
    """
    zone = ZoneInfo(time_zone)
    here = (datetime.now(zone) if now is None else now.astimezone(zone)).replace(tzinfo=None)
    said = text.strip().lower()
    weekday = WEEKDAYS.index(said) if said in WEEKDAYS else _CHINESE.get(said[1:]) if said[:1] == "周" else None
    if weekday is not None:
        return Opening(here + timedelta(days=(weekday - here.weekday()) % 7), whole_day=True)
    clock = _TIME.match(said)
    if clock:
        return Opening(datetime.combine(here.date(), time(int(clock[1]), int(clock[2]))))
    try:
        # in an address a plus sign is a space
        moment = datetime.fromisoformat(text.strip().replace(" ", "+") if "T" in text else text.strip())
        return Opening(moment.astimezone(zone).replace(tzinfo=None) if moment.tzinfo else moment)
    except (ValueError, OverflowError):
        raise InputError(
            "开放时间点无法识别。请写成 sunday、20:00 或 2026-05-03T09:00。",
            "The moment cannot be read. Write sunday, 20:00 or 2026-05-03T09:00.",
        ) from None


def effective_moment(text: str, time_zone: str, *, now: datetime) -> datetime:
    """Read when an edition comes into force: a day begins at midnight there, an ISO moment without zone is meant there.

    Raises
    ------
    InputError
        It is neither, or not in the future.
    """
    zone = ZoneInfo(time_zone)
    try:
        said = text.strip().replace(" ", "+") if "T" in text else text.strip()
        moment = datetime.fromisoformat(said)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=zone)
        known = moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise InputError(
            "生效日期无法识别。请写成 2027-01-01 或 2027-01-01T08:00。",
            "The date cannot be read. Write 2027-01-01 or 2027-01-01T08:00.",
        ) from None
    if known <= now:
        raise InputError(
            f"生效时间 {moment.isoformat()} 已经过去。请给出将来的日期；立即生效则不写日期。",
            f"The date {moment.isoformat()} is past. Give one to come, or none to publish at once.",
        )
    return known
