"""The answer to "whose place is this": plain values that JSON, the terminal and the page all show."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

Method = Literal["building", "point", "parent", "none"]
AreaLevel = Literal["grid", "community", "town", "jurisdiction"]


@dataclass(frozen=True, slots=True)
class LocatedBuilding:
    """The building that was named, or in whose footprint the point lies."""

    id: int
    label: str | None
    estate: str | None
    number: str | None
    source_id: str | None


@dataclass(frozen=True, slots=True)
class LocatedGrid:
    """A grid of the edition that answered; level 1 is the highest."""

    uid: int
    code: str
    name: str | None
    level: int | None
    kind: str | None


@dataclass(frozen=True, slots=True)
class LocatedArea:
    """A community, a town, the jurisdiction, or (``level`` = grid) a grid above the leaf grids."""

    code: str | None
    name: str | None
    level: AreaLevel


@dataclass(frozen=True, slots=True)
class GridDistance:
    """A leaf grid and how far it is from the point in metres (0: it covers the point)."""

    uid: int
    code: str
    name: str | None
    distance_m: float


@dataclass(frozen=True, slots=True)
class Located:
    """Where a point or a building belongs in one edition.

    ``method`` says what decided: ``building`` (named by its address), ``point``, ``parent`` (no leaf grid there,
    the area above receives it) or ``none`` (outside of everything). ``levels`` runs from level 1 to the leaf grid.
    ``boundary_m`` is the distance to the nearest grid boundary; it is None where nothing was measured.
    When ``near_boundary`` is set, ``candidates`` holds the grid itself and every other within the flag's distance,
    nearest first. ``nearest`` is only filled outside of all grids. ``warnings`` are codes:
    ``address-point-mismatch``, ``building-in-several-grids``.
    """

    building: LocatedBuilding | None
    grid: LocatedGrid | None
    levels: tuple[LocatedGrid, ...]
    community: LocatedArea | None
    town: LocatedArea | None
    method: Method
    near_boundary: bool
    boundary_m: float | None
    candidates: tuple[GridDistance, ...]
    nearest: GridDistance | None
    parent: LocatedArea | None
    crs_assumed: str
    edition: int | None
    warnings: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return the answer as nested dictionaries and tuples of plain values."""
        return asdict(self)
