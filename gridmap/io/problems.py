"""What is wrong with the rows of a file: data, so that terminal, page and tests read the same thing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

from gridmap.model.text import Text

__all__ = ["LISTED", "Complaints", "Problem"]

LISTED = 1000
"""At most so many problems are listed; all are counted."""

Severity = Literal["error", "warning"]
Words = Text | Callable[[int], Text]
Places = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing in one row that is not as it should be.

    ``row`` is the number that a person sees: the line of a spreadsheet (its header is row 1), or the
    number of the feature, counted from 1. An ``error`` keeps the row out; with a ``warning`` the row is
    taken, mended as the message says. ``lon`` and ``lat`` (EPSG:4326 degrees) are a place to zoom to.
    The words never repeat what stands in the cell: it may be personal.
    """

    row: int
    column: str | None
    code: str
    severity: Severity
    message: Text
    repair: Text
    lon: float | None = None
    lat: float | None = None

    def as_dict(self) -> dict[str, object]:
        """Return plain data for JSON and for ``GridmapError.problems``."""
        return {
            "row": self.row,
            "column": self.column,
            "code": self.code,
            "severity": self.severity,
            "message": {"zh": self.message.zh, "en": self.message.en},
            "repair": {"zh": self.repair.zh, "en": self.repair.en},
            "lon": self.lon,
            "lat": self.lat,
        }


@dataclass(frozen=True, slots=True)
class _Group:
    positions: npt.NDArray[np.intp]
    column: str | None
    code: str
    severity: Severity
    message: Words
    repair: Text
    places: Places | None


@dataclass(slots=True)
class Complaints:
    """Collects problems in groups of rows; words are made only for those that are listed."""

    rows: npt.NDArray[np.int64]
    _groups: list[_Group] = field(default_factory=list)

    def add(
        self,
        bad: npt.NDArray[np.bool_],
        code: str,
        message: Words,
        repair: Text,
        *,
        column: str | None = None,
        severity: Severity = "error",
        places: Places | None = None,
    ) -> None:
        """Complain about the rows where ``bad`` is true.

        ``message`` may be a function of the row's position; ``places`` is an (n, 2) array lon, lat, with
        NaN where there is none.
        """
        positions = np.flatnonzero(bad)
        if len(positions):
            self._groups.append(_Group(positions, column, code, severity, message, repair, places))

    def rejected(self, code: str | None = None) -> npt.NDArray[np.bool_]:
        """Return a mask of the rows that have at least one error (of ``code``, if given)."""
        out = np.zeros(len(self.rows), dtype=bool)
        for g in self._groups:
            if g.severity == "error" and code in (None, g.code):
                out[g.positions] = True
        return out

    def counts(self) -> dict[str, int]:
        """Return how often each code occurs, most frequent first."""
        total: dict[str, int] = {}
        for g in self._groups:
            total[g.code] = total.get(g.code, 0) + len(g.positions)
        return dict(sorted(total.items(), key=lambda kv: (-kv[1], kv[0])))

    def listed(self) -> tuple[Problem, ...]:
        """Return the first problems in the order of the rows."""
        if not self._groups:
            return ()
        which = np.concatenate([np.full(len(g.positions), i) for i, g in enumerate(self._groups)])
        where = np.concatenate([g.positions for g in self._groups])
        order = np.lexsort((which, where))[:LISTED]
        return tuple(self._problem(self._groups[which[k]], int(where[k])) for k in order)

    def _problem(self, g: _Group, position: int) -> Problem:
        lon = lat = None
        if g.places is not None and np.isfinite(g.places[position]).all():
            lon, lat = (float(v) for v in g.places[position])
        message = g.message(position) if callable(g.message) else g.message
        return Problem(int(self.rows[position]), g.column, g.code, g.severity, message, g.repair, lon, lat)
