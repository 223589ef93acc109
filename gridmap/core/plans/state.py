"""A plan in memory: which grid each cell is in, the grids, and everything counted from that. An immutable value."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np
import orjson
import shapely
from numpy.typing import NDArray

from gridmap.core import partition
from gridmap.core.cells.coverage import summed
from gridmap.core.plans.effect import NO_GRID, Effect, Grid
from gridmap.core.plans.fabric import Fabric
from gridmap.errors import Conflict

__all__ = ["PlanState", "Tally"]

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Objects = NDArray[np.object_]


@dataclass(frozen=True, slots=True, eq=False)
class Tally:
    """What is counted of each leaf grid, by row.

    ``border_m`` is the length of the border with cells of other grids, ``street_m`` what of it runs along streets,
    railways or water; ``perimeter_m`` has the outer border of all land too.
    """

    cells: Ints
    households: Ints
    people: Ints
    buildings: Ints
    area_m2: Floats
    perimeter_m: Floats
    border_m: Floats
    street_m: Floats

    @classmethod
    def of(cls, fabric: Fabric, labels: Ints, rows: Ints, total: int) -> Tally:
        """Count the grids of some rows (of ``total``)."""
        place = np.full(total + 1, -1, dtype=np.int64)
        place[rows] = np.arange(len(rows))
        at = place[labels]
        has = np.flatnonzero(at >= 0)
        at, size = at[has], len(rows)

        def counted(values: Ints) -> Ints:
            return np.bincount(at, weights=values[has], minlength=size).astype(np.int64)

        row, neighbour, edge = fabric.edges_of(has)
        own, metres = place[labels[row]], fabric.edge_m[edge]
        inner = labels[row] == labels[neighbour]
        perimeter = summed(at, fabric.perimeter_m[has], size)
        outer, follows = ~inner, ~inner & fabric.edge_follows[edge]
        return cls(
            cells=np.bincount(at, minlength=size).astype(np.int64),
            households=counted(fabric.households),
            people=counted(fabric.people),
            buildings=counted(fabric.buildings),
            area_m2=summed(at, fabric.area_m2[has], size),
            # both sides of an inner border are among the cells' perimeters
            perimeter_m=perimeter - summed(own[inner], metres[inner], size),
            border_m=summed(own[outer], metres[outer], size),
            street_m=summed(own[follows], metres[follows], size),
        )

    def with_rows(self, rows: Ints, counted: Tally, total: int) -> Tally:
        """Return this tally, grown to ``total`` rows, with some rows replaced."""
        return Tally(
            **{f.name: _replaced(getattr(self, f.name), rows, getattr(counted, f.name), total) for f in fields(Tally)}
        )


def _replaced(values: NDArray[Any], rows: Ints, new: NDArray[Any], total: int) -> NDArray[Any]:
    out = np.zeros(total, dtype=values.dtype)
    out[: len(values)] = values
    out[rows] = new
    return out


@dataclass(frozen=True, slots=True, eq=False)
class PlanState:
    """The state of a plan.

    Attributes
    ----------
    fabric
        The land.
    labels
        Row of the leaf grid of each cell; −1 for none.
    base
        The same in the edition that the plan started from.
    grids
        The grids that there are, all levels, by key.
    ended
        Grids that the plan ended, as they were last.
    keys
        Key of the leaf grid of each row; ended ones keep their row.
    row_of
        The reverse of ``keys``.
    tally
        What is counted of each row.
    """

    fabric: Fabric
    labels: Ints
    base: Ints
    grids: Mapping[int, Grid]
    ended: Mapping[int, Grid]
    keys: tuple[int, ...]
    row_of: Mapping[int, int]
    tally: Tally
    # worked out when asked for, kept for grids whose land stays
    _shapes: dict[int, Any] = field(default_factory=dict, repr=False)
    _circles: dict[int, float] = field(default_factory=dict, repr=False)

    @classmethod
    def start(
        cls,
        fabric: Fabric,
        grids: Iterable[Grid],
        keys_of_cells: Ints,
        *,
        base: Ints | None = None,
        ended: Iterable[Grid] = (),
    ) -> PlanState:
        """Return the state in which each cell is in the grid of that key (0: none).

        ``base`` are the keys in the edition that the plan started from, by default the same.
        """
        alive, gone = {g.key: g for g in grids}, {g.key: g for g in ended}
        origin = keys_of_cells if base is None else base
        named = {int(k) for k in np.unique(origin)} - {NO_GRID}
        leaves = {key for key, grid in (alive | gone).items() if grid.leaf}
        keys = (*sorted(k for k in named | leaves if k > 0), *sorted((k for k in leaves if k < 0), reverse=True))
        row_of = {key: row for row, key in enumerate(keys)}
        labels, at_base = (_rows_of_keys(v, row_of) for v in (keys_of_cells, origin))
        tally = Tally.of(fabric, labels, np.arange(len(keys)), len(keys))
        return cls(fabric, labels, at_base, alive, gone, keys, row_of, tally)

    @property
    def leaves(self) -> list[Grid]:
        """Return the leaf grids that there are, by code."""
        return sorted((g for g in self.grids.values() if g.leaf), key=lambda g: g.code)

    @property
    def next_key(self) -> int:
        """Return the key that the next new grid gets; none is ever given twice."""
        return min([0, *self.grids, *self.ended]) - 1

    def keys_of(self, rows: Ints) -> Ints:
        """Return the grid keys of cells (row numbers); 0 for no grid."""
        return np.array([*self.keys, NO_GRID], dtype=np.int64)[self.labels[rows]]

    def all_keys(self) -> Ints:
        """Return the grid key of every cell; 0 for no grid."""
        return np.array([*self.keys, NO_GRID], dtype=np.int64)[self.labels]

    def cells_of(self, *keys: int) -> Ints:
        """Return the cells (row numbers) of some leaf grids."""
        wanted = np.zeros(len(self.keys) + 1, dtype=np.bool_)
        wanted[[self.row_of[key] for key in keys]] = True
        return np.flatnonzero(wanted[self.labels])

    def communities_of(self, rows: Ints) -> Objects:
        """Return the community of each cell (row number) in the plan: its grid's, else the official one."""
        out = self.fabric.community[rows].copy()
        keys = self.keys_of(rows)
        for key in np.unique(keys):
            if key != NO_GRID:
                out[keys == key] = self.grids[int(key)].community
        return out

    def after(self, effect: Effect) -> PlanState:
        """Return the state after an effect. Cells that are not live any more are passed over.

        Raises
        ------
        Conflict
            A cell or grid is not as the effect found it.
        """
        grids, ended = dict(self.grids), dict(self.ended)
        for change in effect.grids:
            before = grids.pop(change.key, None)
            if (before is None) != (change.before is None) or (
                before is not None
                and change.before is not None
                and any(getattr(before, name) != value for name, value in change.before.items())
            ):
                raise _not_as_found()
            after = change.applied(before)
            if after is None and before is not None:
                ended[change.key] = before
            elif after is not None:
                grids[change.key] = after
                ended.pop(change.key, None)
        fresh = sorted((k for k, g in grids.items() if g.leaf and k not in self.row_of), reverse=True)
        keys = (*self.keys, *fresh)
        row_of = self.row_of if not fresh else {key: row for row, key in enumerate(keys)}
        labels = self.labels
        touched: set[int] = set()
        if effect.moves:
            labels = labels.copy()
            for move in effect.moves:
                source, target = (row_of.get(k, -1) for k in (move.source, move.target))
                rows = self.fabric.rows_of(move.cells)
                rows = rows[rows >= 0]
                if (labels[rows] != source).any() or (move.target not in grids and move.target != NO_GRID):
                    raise _not_as_found()
                labels[rows] = target
                touched |= {source, target} - {-1}
        state = replace(self, labels=labels, grids=grids, ended=ended, keys=keys, row_of=row_of)
        return state._counted(touched)  # noqa: SLF001 (its own)

    def _counted(self, touched: set[int]) -> PlanState:
        total = len(self.keys)
        if not touched and total == len(self.tally.cells):
            return self
        rows = np.array(sorted(touched), dtype=np.int64)
        counted = Tally.of(self.fabric, self.labels, rows, total)
        return replace(
            self,
            tally=self.tally.with_rows(rows, counted, total),
            _shapes={k: v for k, v in self._shapes.items() if k not in touched},
            _circles={k: v for k, v in self._circles.items() if k not in touched},
        )

    def polygons(self, keys: Iterable[int]) -> Objects:
        """Return the polygons (metric) of leaf grids; empty ones for grids without land."""
        rows = [self.row_of[key] for key in keys]
        missing = np.array(sorted({row for row in rows if row not in self._shapes}), dtype=np.int64)
        if len(missing):
            place = np.full(len(self.keys) + 1, -1, dtype=np.int64)
            place[missing] = np.arange(len(missing))
            at = place[self.labels]
            cells = np.flatnonzero(at >= 0)
            made = partition.dissolve(self.fabric.geometry[cells], at[cells], len(missing))
            self._shapes.update(zip(missing.tolist(), made, strict=True))
        out = np.empty(len(rows), dtype=object)
        out[:] = [self._shapes[row] for row in rows]
        return out

    def circle_areas_m2(self, keys: Iterable[int]) -> Floats:
        """Return the area of the smallest circle around each leaf grid."""
        wanted = list(keys)
        missing = [key for key in wanted if self.row_of[key] not in self._circles]
        if missing:
            radius = shapely.minimum_bounding_radius(self.polygons(missing))
            for key, value in zip(missing, np.pi * radius**2, strict=True):
                self._circles[self.row_of[key]] = float(value)
        return np.array([self._circles[self.row_of[key]] for key in wanted])

    def fingerprint(self) -> str:
        """Return a text that two states share exactly when all cells and grids are the same."""
        digest = hashlib.blake2b(digest_size=16)
        digest.update(self.fabric.ids.tobytes())
        digest.update(self.all_keys().tobytes())
        facts = [[getattr(g, f.name) for f in fields(Grid)] for _, g in sorted(self.grids.items())]
        digest.update(orjson.dumps(facts))
        return digest.hexdigest()


def _rows_of_keys(keys: Ints, row_of: Mapping[int, int]) -> Ints:
    known, inverse = np.unique(keys, return_inverse=True)
    rows = np.array([row_of.get(int(k), -1) for k in known], dtype=np.int64)
    out: Ints = rows[inverse] if len(known) else np.zeros(0, dtype=np.int64)
    return out


def _not_as_found() -> Conflict:
    return Conflict(
        "这一步涉及的单元或网格已经变了，没有执行。请刷新后重做。",
        "The cells or grids of this step are not as they were; nothing was done. Look again and repeat it.",
    )
