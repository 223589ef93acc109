"""What a check found: data, so that lists, maps and tests read the same thing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gridmap.model.text import Text

Severity = Literal["error", "warning", "info"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One place where something is not as it should be.

    ``subject`` names what it is about (``grid:990101001001001``, ``building:B0042``, ``cell:17``);
    ``lon`` and ``lat`` (EPSG:4326 degrees) are a point to zoom to, where there is one.
    """

    rule: str
    severity: Severity
    subject: str
    message: Text
    repair: Text | None = None
    lon: float | None = None
    lat: float | None = None
