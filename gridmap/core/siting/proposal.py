"""What siting answers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from gridmap.core.siting.inputs import Objective
from gridmap.model.text import Text

Method = Literal["max_cover", "set_cover", "p_median"]


@dataclass(frozen=True, slots=True)
class Taken:
    """What a new site takes from an existing station (its index).

    With walking times: those whose nearest station was that one and is now this site. Without: those whom only that
    station reached among the existing ones, and whom this site reaches as well.
    """

    station: int
    households: float
    people: float


@dataclass(frozen=True, slots=True)
class GapShare:
    """Households of a gap area that a site is the first to reach; ``closed``: none of the area is left after it."""

    gap: int
    households: float
    closed: bool


@dataclass(frozen=True, slots=True)
class Site:
    """A proposed station.

    Attributes
    ----------
    candidate, key
        Index among the candidates, and the code where there are codes.
    gains, gains_people
        Households and people that it serves and that neither existing stations nor sites of lower rank serve.
    reaches
        All households within its reach, served by others or not.
    saves_s
        Weighted seconds of walking that it saves when it is added after the sites of lower rank; p-median only.
    takes_from
        Existing stations that lose users to it, most households first.
    gaps
        Gap areas that it reaches into, most households first.
    """

    rank: int
    candidate: int
    key: str | None
    gains: float
    gains_people: float
    reaches: float
    saves_s: float
    takes_from: tuple[Taken, ...]
    gaps: tuple[GapShare, ...]

    @property
    def closes_gaps(self) -> tuple[int, ...]:
        """Labels of the gap areas of which nothing is left after this site."""
        return tuple(share.gap for share in self.gaps if share.closed)


@dataclass(frozen=True, slots=True)
class Proposal:
    """Where the next stations should stand, and how good that choice is.

    Attributes
    ----------
    sites
        In order: each adds most after those before it.
    total, before, covered
        Objective (households or people, times their factor): all, served today, served with the sites.
    households, households_before, households_covered, people, people_before, people_covered
        The same, counted without factors.
    value
        What was optimised: ``covered`` (max_cover), number of sites (set_cover), weighted mean seconds to the nearest
        station (p_median).
    bound
        No choice can have a better value than this.
    gap
        How far the value may be from the best, as a share of the larger of value and bound; 0 when proven.
    proven
        No choice is better.
    repeatable
        The same question gives the same answer; False when a time limit ended the proof.
    not_satisfied
        What was asked and could not be done.
    notes
        What else should be known, such as candidates that were left out.
    """

    method: Method
    objective: Objective
    sites: tuple[Site, ...]
    total: float
    before: float
    covered: float
    households: float
    households_before: float
    households_covered: float
    people: float
    people_before: float
    people_covered: float
    value: float
    bound: float
    gap: float
    proven: bool
    repeatable: bool
    not_satisfied: tuple[Text, ...] = ()
    notes: tuple[Text, ...] = ()

    @property
    def share(self) -> float:
        """Share of the objective that is served; 0 where there is nobody to serve."""
        return self.covered / self.total if self.total > 0 else 0.0

    def saying(self, not_satisfied: tuple[Text, ...], notes: tuple[Text, ...]) -> Proposal:
        """Return the same with these sentences."""
        return replace(self, not_satisfied=not_satisfied, notes=notes)
