"""What an operation does: which cells go from which grid to which, and what of grids changes. Plain data, reversible.

A log of effects replays without any geometry. Grids are numbers: those of editions have their ``uid`` (from 1), grids
that a plan made have −1, −2, …; 0 is no grid.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["NO_GRID", "Effect", "Grid", "GridChange", "Move", "Outcome"]

Ints = NDArray[np.int64]

NO_GRID = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """A grid of a plan: its identity, names and place in the levels; what it consists of stands in the plan.

    ``parent`` is the grid above it, ``community`` the code of its community, ``locked`` keeps its cells in it.
    """

    key: int
    code: str
    name: str
    level: int
    leaf: bool = True
    kind: str = "urban"
    parent: int | None = None
    community: str | None = None
    locked: bool = False

    @property
    def label(self) -> str:
        """Return how people call it: name and code."""
        return self.code if self.name == self.code else f"{self.name}({self.code})"


_FIELDS = tuple(f.name for f in fields(Grid) if f.name != "key")


@dataclass(frozen=True, slots=True)
class Move:
    """Cells (ids, ascending) that go from one grid to another."""

    source: int
    target: int
    cells: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class GridChange:
    """A grid that begins (``before`` None), ends (``after`` None) or changes (only the fields that differ)."""

    key: int
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None

    @classmethod
    def begin(cls, grid: Grid) -> GridChange:
        """Return the beginning of a grid."""
        return cls(grid.key, None, _record(grid))

    @classmethod
    def end(cls, grid: Grid) -> GridChange:
        """Return the end of a grid."""
        return cls(grid.key, _record(grid), None)

    @classmethod
    def of(cls, grid: Grid, **changes: Any) -> GridChange:
        """Return a change of some fields of a grid."""
        return cls(grid.key, {name: getattr(grid, name) for name in changes}, changes)

    def applied(self, grid: Grid | None) -> Grid | None:
        """Return the grid after the change."""
        if self.after is None:
            return None
        if grid is None:
            return Grid(key=self.key, **self.after)
        return replace(grid, **self.after)


def _record(grid: Grid) -> dict[str, Any]:
    return {name: value for name, value in asdict(grid).items() if name != "key"}


@dataclass(frozen=True, slots=True)
class Effect:
    """All that one operation does."""

    moves: tuple[Move, ...] = ()
    grids: tuple[GridChange, ...] = ()

    def __bool__(self) -> bool:
        """Tell whether anything changes."""
        return bool(self.moves or self.grids)

    @classmethod
    def moving(cls, cells: Ints, sources: Ints, targets: Ints, grids: Iterable[GridChange] = ()) -> Effect:
        """Return the effect that brings cells (ids) from grids to grids (keys); those that stay are left out."""
        goes = sources != targets
        cells, sources, targets = cells[goes], sources[goes], targets[goes]
        order = np.lexsort((cells, targets, sources))
        cells, sources, targets = cells[order], sources[order], targets[order]
        new = np.flatnonzero((np.diff(sources) != 0) | (np.diff(targets) != 0)) + 1
        moves = tuple(
            Move(int(s[0]), int(t[0]), tuple(c.tolist()))
            for c, s, t in zip(np.split(cells, new), np.split(sources, new), np.split(targets, new), strict=True)
            if len(c)
        )
        return cls(moves, tuple(grids))

    @property
    def inverse(self) -> Effect:
        """Return what takes this effect back."""
        return Effect(
            tuple(Move(m.target, m.source, m.cells) for m in reversed(self.moves)),
            tuple(GridChange(g.key, g.after, g.before) for g in reversed(self.grids)),
        )

    @property
    def cells(self) -> set[int]:
        """Return the ids of all cells that move."""
        return {cell for move in self.moves for cell in move.cells}

    @property
    def touched(self) -> set[int]:
        """Return the keys of the grids whose land or facts change."""
        moved = {key for move in self.moves for key in (move.source, move.target)}
        return (moved | {change.key for change in self.grids}) - {NO_GRID}

    def as_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return {
            "moves": [{"from": m.source, "to": m.target, "cells": list(m.cells)} for m in self.moves],
            "grids": [{"key": g.key, "before": _plain(g.before), "after": _plain(g.after)} for g in self.grids],
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Effect:
        """Return the effect that :meth:`as_dict` wrote."""
        return cls(
            tuple(Move(m["from"], m["to"], tuple(m["cells"])) for m in data["moves"]),
            tuple(GridChange(g["key"], g["before"], g["after"]) for g in data["grids"]),
        )


def _plain(values: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if values is None else {name: values[name] for name in _FIELDS if name in values}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an operation does, and how many cells a drawn gesture left where they are, by reason."""

    effect: Effect
    left_out: dict[str, int] = field(default_factory=dict)
