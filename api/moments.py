"""Moments in addresses: with their zone, kept in UTC."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime
from pydantic_core import PydanticCustomError

__all__ = ["Moment"]


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise PydanticCustomError("datetime_object_invalid", "out of range") from None


Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]
