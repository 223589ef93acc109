"""The land of a plan: cells as arrays in one order, how they touch, and what stands on them. It never changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

__all__ = ["FOLLOWED", "Fabric"]

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Objects = NDArray[np.object_]

FOLLOWED = frozenset({"water", "rail", "major", "minor", "lane"})
"""Classes of lines (column ``street_class`` of cell edges) that a good boundary runs along."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fabric:
    """Live cells, n of them in the order of their ids, and the m borders between them. Metric, all lengths metres.

    Attributes
    ----------
    ids
        Cell ids, ascending.
    geometry
        Polygons; neighbours share their vertices.
    xy
        The point that decides which gesture takes a cell, shape (n, 2): the footprint's centroid, else a point inside.
    area_m2, perimeter_m
        Of each cell.
    block
        Block of each cell.
    building
        Building of each cell; −1 for open land.
    source
        Identifier that people know (``source_id``) of each cell's building, or None.
    leader
        Row of the cell that decides for all cells that must stay together (one building, no larger than the band).
    estate
        Name of the residential compound of each cell's building, or None.
    community
        Code of the community in which each cell lies by the official borders, or None.
    households, people, buildings
        What counts in each cell.
    edge_a, edge_b
        Neighbours, row numbers.
    edge_m
        Length of their border.
    edge_class
        Class of the line along it (column ``street_class`` of cell edges), or None.
    edge_follows
        Whether it runs along a street, a railway or water.
    cells_of_building
        Rows of each building's cells by ``source``; one without a cell of its own has that which it is attached to.
    """

    ids: Ints
    geometry: Objects
    xy: Floats
    area_m2: Floats
    perimeter_m: Floats
    block: Ints
    building: Ints
    source: Objects
    leader: Ints
    estate: Objects
    community: Objects
    households: Ints
    people: Ints
    buildings: Ints
    edge_a: Ints
    edge_b: Ints
    edge_m: Floats
    edge_class: Objects
    edge_follows: Bools
    cells_of_building: Mapping[str, Ints]
    _start: Ints = field(repr=False)
    _next: Ints = field(repr=False)
    _edge: Ints = field(repr=False)

    @classmethod
    def build(
        cls,
        *,
        ids: Ints,
        geometry: Objects,
        xy: Floats,
        block: Ints,
        building: Ints,
        source: Sequence[str | None],
        part: Ints,
        estate: Sequence[str | None],
        community: Sequence[str | None],
        figures: Mapping[str, Any],
        edges: tuple[Ints, Ints, Floats, Sequence[str | None]],
        cells_of_building: Mapping[str, Ints],
        divisible_from: int,
    ) -> Fabric:
        """Bring tables into arrays.

        Parameters
        ----------
        ids, geometry, xy, block, building, source, estate, community
            As the attributes of that name; ``ids`` ascending.
        part
            Number of each cell within its building.
        figures
            households, people, buildings of each cell.
        edges
            Row numbers of neighbours, metres, and class of the line along each border.
        cells_of_building
            As the attribute.
        divisible_from
            A building with more households than this may be divided among grids by its entrances.
        """
        households, people, buildings = (np.asarray(figures[name], np.int64) for name in _FIGURES)
        a, b, metres, classes = edges
        both, other = np.concatenate([a, b]), np.concatenate([b, a])
        order = np.lexsort((other, both))
        start = np.searchsorted(both[order], np.arange(len(ids) + 1))
        return cls(
            ids=ids,
            geometry=geometry,
            xy=xy,
            area_m2=shapely.area(geometry),
            perimeter_m=shapely.length(geometry),
            block=block,
            building=building,
            source=_objects(source),
            leader=_leaders(building, part, households, divisible_from),
            estate=_objects(estate),
            community=_objects(community),
            households=households,
            people=people,
            buildings=buildings,
            edge_a=a,
            edge_b=b,
            edge_m=np.asarray(metres, np.float64),
            edge_class=_objects(classes),
            edge_follows=np.array([c in FOLLOWED for c in classes], dtype=np.bool_),
            cells_of_building=cells_of_building,
            _start=start.astype(np.int64),
            _next=other[order],
            _edge=np.tile(np.arange(len(a)), 2)[order],
        )

    def rows_of(self, ids: Iterable[int] | Ints) -> Ints:
        """Return the row numbers of cell ids; −1 for a cell that is not live."""
        asked = np.asarray(ids if isinstance(ids, np.ndarray) else list(ids), dtype=np.int64)
        if not len(self.ids):
            return np.full(len(asked), -1, dtype=np.int64)
        at = np.minimum(np.searchsorted(self.ids, asked), len(self.ids) - 1)
        return np.where(self.ids[at] == asked, at, -1).astype(np.int64)

    def together(self, rows: Ints) -> Ints:
        """Return the rows and those that must stay with them, ascending."""
        chosen = np.zeros(len(self.ids), dtype=np.bool_)
        chosen[self.leader[rows]] = True
        return np.flatnonzero(chosen[self.leader])

    def edges_of(self, rows: Ints) -> tuple[Ints, Ints, Ints]:
        """Return row, neighbour and number of all borders of some cells."""
        count = self._start[rows + 1] - self._start[rows]
        first = np.repeat(self._start[rows] - np.cumsum(count) + count, count)
        at = first + np.arange(int(count.sum()))
        return np.repeat(rows, count), self._next[at], self._edge[at]


_FIGURES = ("households", "people", "buildings")


def _objects(values: Sequence[str | None]) -> Objects:
    out = np.empty(len(values), dtype=object)
    out[:] = list(values)
    return out


def _leaders(building: Ints, part: Ints, households: Ints, divisible_from: int) -> Ints:
    """Return for each cell the row that decides for it: the first part of its building, unless that is divisible."""
    rows = np.arange(len(building))
    if not len(rows):
        return rows
    number = np.unique(building, return_inverse=True)[1]
    whole = np.bincount(number, weights=households) <= divisible_from
    stays = (building >= 0) & whole[number]
    order = np.lexsort((part, building))
    first = np.ones(len(order), dtype=np.bool_)
    first[1:] = building[order][1:] != building[order][:-1]
    leader_of = np.zeros(int(number.max()) + 1, dtype=np.int64)
    leader_of[number[order[first]]] = order[first]
    return np.where(stays, leader_of[number], rows)
