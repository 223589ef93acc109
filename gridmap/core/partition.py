"""Grids derived from cells: polygons, totals, pieces, labels, neighbours, colours and codes.

A grid is the set of cells assigned to it, so everything about it is computed and nothing is drawn. Cells
and grids are row numbers here: ``assignment[i]`` is the grid (0 … n − 1) of cell ``i``, −1 for none.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import networkx as nx
import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from gridmap.core.cells.coverage import dissolve as dissolve_coverage
from gridmap.core.cells.coverage import summed
from gridmap.errors import InputError

__all__ = [
    "GridEdges",
    "Pieces",
    "colours",
    "dissolve",
    "grid_neighbours",
    "label_points",
    "new_codes",
    "pieces",
    "totals",
]

Geometries = NDArray[np.object_]
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

_SERIAL = re.compile(r"^(\d{12})(\d{3})$")
_MOST_SERIALS = 999


@dataclass(frozen=True, slots=True)
class Pieces:
    """Connected pieces of grids: the piece of each cell (−1: no grid), the grid of each piece, and its m²."""

    of_cell: Ints
    grid: Ints
    area_m2: Floats

    def count(self, grids: int) -> Ints:
        """Return the number of pieces of each grid."""
        return np.bincount(self.grid, minlength=grids).astype(np.int64)


@dataclass(frozen=True, slots=True)
class GridEdges:
    """Neighbouring grids ``a`` < ``b`` and the length of their common border in metres."""

    a: Ints
    b: Ints
    length_m: Floats


def _checked(assignment: Ints, grids: int) -> Ints:
    given = np.asarray(assignment, dtype=np.int64)
    if len(given) and (int(given.max()) >= grids or int(given.min()) < -1):
        raise InputError(
            f"单元分配中有不存在的网格序号（应在 -1 到 {grids - 1} 之间）。",
            f"The assignment names grids that do not exist (numbers go from -1 to {grids - 1}).",
        )
    return given


def dissolve(cells: Geometries, assignment: Ints, grids: int) -> Geometries:
    """Return the polygon of every grid (metric); empty for a grid without cells.

    The polygons are an exact coverage as the cells are: every vertex of a border is in both neighbours.
    """
    given = _checked(assignment, grids)
    has = given >= 0
    out: Geometries = shapely.normalize(dissolve_coverage(np.asarray(cells)[has], given[has], grids))
    return out


def totals(values: Floats, assignment: Ints, grids: int) -> Floats:
    """Sum a figure of cells by grid; missing figures (NaN) count as nothing."""
    given = _checked(assignment, grids)
    has = given >= 0
    return summed(given[has], np.nan_to_num(np.asarray(values, float)[has]), grids)


def pieces(a: Ints, b: Ints, assignment: Ints, grids: int, *, area_m2: Floats) -> Pieces:
    """Find the connected pieces of grids over the neighbour graph of cells (edges ``a``–``b``)."""
    given = _checked(assignment, grids)
    same = (given[a] == given[b]) & (given[a] >= 0)
    graph = coo_array((np.ones(int(same.sum())), (a[same], b[same])), shape=(len(given), len(given)))
    label = connected_components(graph, directed=False)[1]
    has = given >= 0
    _, first, number = np.unique(label[has], return_index=True, return_inverse=True)
    of_cell = np.full(len(given), -1, dtype=np.int64)
    of_cell[has] = number
    area = summed(number, np.asarray(area_m2, float)[has], len(first))
    return Pieces(of_cell, given[has][first], area)


def grid_neighbours(a: Ints, b: Ints, length_m: Floats, assignment: Ints, grids: int) -> GridEdges:
    """Return which grids touch along a border, and its length."""
    given = _checked(assignment, grids)
    left, right = given[a], given[b]
    apart = (left != right) & (left >= 0) & (right >= 0)
    low, high = np.minimum(left, right)[apart], np.maximum(left, right)[apart]
    pair, inverse = np.unique(low * max(grids, 1) + high, return_inverse=True)
    length = summed(inverse, np.asarray(length_m, float)[apart], len(pair))
    return GridEdges(pair // max(grids, 1), pair % max(grids, 1), length)


def label_points(polygons: Geometries) -> Geometries:
    """Return the place for each grid's label: the centre of the largest circle inside; None for no land."""
    out = np.full(len(polygons), None, dtype=object)
    has = ~(shapely.is_missing(polygons) | shapely.is_empty(polygons))
    tolerance = np.sqrt(shapely.area(polygons[has])) / 100
    circles = shapely.maximum_inscribed_circle(polygons[has], tolerance=tolerance)
    out[has] = shapely.get_point(circles, 0)
    return out


def colours(edges: GridEdges, grids: int, *, given: Sequence[int | None] = (), palette: int = 6) -> Ints:
    """Colour grids so that neighbours differ; a given colour stays unless two neighbours share it.

    Saturation first (DSATUR), ties to the grid with more neighbours, then the lower number. More than
    ``palette`` colours are used only where the neighbourhood forces it.
    """
    graph: nx.Graph[int] = nx.Graph()
    graph.add_nodes_from(range(grids))
    graph.add_edges_from(zip(edges.a.tolist(), edges.b.tolist(), strict=True))
    colour: dict[int, int] = {}
    for node, wish in enumerate(list(given)[:grids]):
        if wish is not None and all(colour.get(other) != wish for other in graph[node]):
            colour[node] = wish
    used = np.bincount(list(colour.values()), minlength=palette).tolist() if colour else [0] * palette
    left = set(graph) - set(colour)
    taken = {node: {colour[o] for o in graph[node] if o in colour} for node in left}
    while left:
        node = max(left, key=lambda n: (len(taken[n]), graph.degree[n], -n))
        free = [c for c in range(palette) if c not in taken[node]]
        choice = min(free, key=lambda c: (used[c], c)) if free else _next_free(taken[node])
        colour[node] = choice
        if choice >= len(used):
            used.extend([0] * (choice + 1 - len(used)))
        used[choice] += 1
        left.discard(node)
        for other in graph[node]:
            if other in left:
                taken[other].add(choice)
    return np.array([colour[i] for i in range(grids)], dtype=np.int64)


def _next_free(taken: set[int]) -> int:
    return next(c for c in range(len(taken) + 1) if c not in taken)


def new_codes(
    community: Sequence[str], points: Any, *, present: Mapping[int, str], retired: Sequence[str] = ()
) -> list[str]:
    """Give codes to grids: 12 digits of the community and 3 of a serial, from west to east, then north to south.

    Parameters
    ----------
    community
        12-digit code of each grid's community.
    points
        One metric point for each grid.
    present
        Codes that grids have already; they stay.
    retired
        Codes that were used before and are not given again.

    Raises
    ------
    InputError
        A community code has not 12 digits, a present code is used twice, or a community has no serial left.
    """
    bad = sorted({c for c in community if not re.fullmatch(r"\d{12}", c)})
    if bad:
        raise InputError(f"社区代码须为 12 位数字：{bad[:5]}。", f"Community codes need 12 digits: {bad[:5]}.")
    if len(set(present.values())) < len(present):
        raise InputError("现有网格编码有重复，请先改正。", "Present grid codes repeat: correct them first.")
    taken: dict[str, set[int]] = {}
    for code in [*present.values(), *retired]:
        if match := _SERIAL.match(code):
            taken.setdefault(match[1], set()).add(int(match[2]))
    x, y = shapely.get_x(points), shapely.get_y(points)
    out = [present.get(i, "") for i in range(len(community))]
    for i in sorted((i for i, code in enumerate(out) if not code), key=lambda i: (float(x[i]), -float(y[i]), i)):
        used = taken.setdefault(community[i], set())
        serial = max(used, default=0) + 1
        if serial > _MOST_SERIALS:
            serial = next((s for s in range(1, _MOST_SERIALS + 1) if s not in used), 0)
        if not serial:
            raise InputError(
                f"社区 {community[i]} 的网格编号已用完（最多 999）。",
                f"Community {community[i]} has no grid number left (999 at most).",
            )
        used.add(serial)
        out[i] = f"{community[i]}{serial:03d}"
    return out
