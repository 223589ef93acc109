"""Streets cut where they really meet.

What meets, and what does not:

* Vertices at the same place (to the millimetre) join where they are of one level, or where a street ends there.
* Streets of one level that cross, or touch within 2 mm, without a common vertex are joined there. In OpenStreetMap
  such crossings are rare and most often a node that was forgotten; in surveyed data lines often cross like that.
* The level is ``layer``, with bridges and tunnels each apart. What lies under a bridge is not joined to it, but the
  end of a bridge, of a tunnel or of stairs joins whatever it touches.
* A loose end within the snap distance of another street is led to it by a straight piece, so that a small gap is
  walked, not jumped. An end that its street joins elsewhere within that distance stays as it is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from gridmap.core.network.cells import SegmentGrid, segment_grid
from gridmap.core.network.graph import Bools, Floats, Longs

__all__ = ["Lines", "Pieces", "noded"]

Geometries = NDArray[np.object_]


@dataclass(frozen=True, slots=True, eq=False)
class Lines:
    """L lines of streets before they are cut; ``line`` says which street each is a part of.

    Attributes
    ----------
    geometry
        (L,) LineStrings, metres, on the millimetre grid.
    from_m
        (L,) metres along the street at which the line begins (parts of a MultiLineString follow one another).
    level
        (L,) number of the level; −1: joins others at common vertices and ends only.
    free
        (L,) whether its ends join streets of every level.
    snap_m
        (L,) how far its ends reach.
    """

    geometry: Geometries
    from_m: Floats
    level: Longs
    free: Bools
    snap_m: Floats

    @property
    def count(self) -> int:
        """Number of lines."""
        return len(self.geometry)


@dataclass(frozen=True, slots=True, eq=False)
class Pieces:
    """Pieces of lines between nodes: the line, ends as nodes, metres along the street, and their vertices."""

    line: Longs
    u: Longs
    v: Longs
    from_m: Floats
    xy: Floats
    xy_start: Longs
    node_xy: Floats


@dataclass(frozen=True, slots=True, eq=False)
class _Vertices:
    """Vertices of all lines in order: line, metres along it, place."""

    line: Longs
    at_m: Floats
    xy: Floats

    @property
    def first(self) -> Bools:
        """Whether a vertex is the first of its line."""
        return np.append(True, self.line[1:] != self.line[:-1])[: len(self.line)]

    @property
    def last(self) -> Bools:
        """Whether a vertex is the last of its line."""
        return np.append(self.line[1:] != self.line[:-1], True)[-len(self.line) :] if len(self.line) else self.first

    @property
    def segments(self) -> Longs:
        """The vertices at which a segment begins."""
        return np.flatnonzero(~self.last)

    def with_points(self, line: Longs, at_m: Floats, xy: Floats) -> _Vertices:
        """Return the vertices with others put in; those at the place of their neighbour are left out."""
        kind = np.repeat([0, 1], [len(self.line), len(line)])
        lines, metres = np.concatenate([self.line, line]), np.concatenate([self.at_m, at_m])
        points = np.vstack([self.xy, xy])
        order = np.lexsort((points[:, 1], points[:, 0], kind, metres, lines))
        return _Vertices(lines[order], metres[order], points[order]).without_repeats()

    def without_repeats(self) -> _Vertices:
        """Return the vertices without those at the place of the one before; lines of one place vanish."""
        keep = np.ones(len(self.line), dtype=np.bool_)
        keep[1:] = (self.line[1:] != self.line[:-1]) | (self.xy[1:] != self.xy[:-1]).any(axis=1)
        lasting = np.bincount(self.line[keep], minlength=int(self.line.max(initial=0)) + 1) > 1
        keep &= lasting[self.line]
        return _Vertices(self.line[keep], self.at_m[keep], self.xy[keep])


def noded(lines: Lines, *, near_m: float) -> Pieces:
    """Cut lines where they meet.

    Parameters
    ----------
    lines
        In an order that does not depend on that of the input.
    near_m
        A vertex within this distance of the place where an end would join is joined instead.
    """
    vertices = _vertices(lines)
    if len(vertices.line) == 0:
        none = np.zeros(0, dtype=np.int64)
        return Pieces(none, none, none, np.zeros(0), np.zeros((0, 2)), np.zeros(1, dtype=np.int64), np.zeros((0, 2)))
    vertices = _with_meetings(vertices, lines)
    vertices = _with_joined_ends(vertices, lines, near_m)
    return _cut(vertices, lines)


def _vertices(lines: Lines) -> _Vertices:
    xy, line = shapely.get_coordinates(lines.geometry, return_index=True)
    step = np.hypot(*np.diff(xy, axis=0, prepend=xy[:1]).T)
    step[np.append(True, line[1:] != line[:-1])[: len(line)]] = 0.0
    run = np.cumsum(step)
    begin = run[np.searchsorted(line, np.arange(lines.count))] if len(line) else np.zeros(lines.count)
    return _Vertices(line.astype(np.int64), lines.from_m[line] + run - begin[line], xy).without_repeats()


def _grid(vertices: _Vertices) -> tuple[SegmentGrid, Longs]:
    begin = vertices.segments
    return segment_grid(vertices.xy[begin], vertices.xy[begin + 1]), begin


def _with_meetings(vertices: _Vertices, lines: Lines) -> _Vertices:
    from gridmap.core.network import kernels

    grid, begin = _grid(vertices)
    line = vertices.line[begin]
    cut, place, x, y = kernels.meetings(*grid.ends, lines.level[line], *grid.cells)
    return vertices.with_points(line[cut], _metres(vertices, begin[cut], place), np.column_stack([x, y]))


def _metres(vertices: _Vertices, begin: Longs, place: Floats) -> Floats:
    low, high = vertices.at_m[begin], vertices.at_m[begin + 1]
    return np.asarray(low + place * (high - low), dtype=np.float64)


def _with_joined_ends(vertices: _Vertices, lines: Lines, near_m: float) -> _Vertices:
    from gridmap.core.network import kernels

    ends = _loose(vertices, lines)
    if len(ends) == 0 or lines.snap_m.max() <= 0:
        return vertices
    grid, begin = _grid(vertices)
    line, own = vertices.line[begin], vertices.line[ends]
    outer = vertices.first[begin].astype(np.int64) | (vertices.last[begin + 1].astype(np.int64) << 1)
    joined, place, x, y, metres = kernels.loose_ends(
        *vertices.xy[ends].T.copy(),
        own,
        vertices.at_m[ends],
        lines.level[own],
        lines.free[own],
        lines.snap_m[own],
        near_m,
        *grid.ends,
        line,
        vertices.at_m[begin],
        lines.level[line],
        outer,
        *grid.cells,
    )
    hit = joined >= 0
    ends, joined, place, metres = ends[hit], joined[hit], place[hit], metres[hit]
    target = np.column_stack([x, y])[hit]
    inside = (place > 0) & (place < 1)
    target[inside] = np.round(target[inside], 3)
    vertex = np.where(inside, -1, begin[joined] + (place == 1))
    goal = _common_goal(vertices, ends, vertex, target, metres)
    moved = (goal != vertices.xy[ends]).any(axis=1)
    gap = np.hypot(*(goal - vertices.xy[ends]).T)
    beyond = vertices.at_m[ends] + np.where(vertices.first[ends], -gap, gap)
    cut = inside & (goal == target).all(axis=1)
    return vertices.with_points(
        np.concatenate([vertices.line[ends][moved], line[joined[cut]]]),
        np.concatenate([beyond[moved], _metres(vertices, begin[joined[cut]], place[cut])]),
        np.vstack([goal[moved], target[cut]]),
    )


def _loose(vertices: _Vertices, lines: Lines) -> Longs:
    """Return the ends of lines where nothing else is, not even nearby on the line itself."""
    node, _ = _nodes(vertices, lines)
    alone = np.bincount(node)[node] == 1
    first, last = np.flatnonzero(vertices.first), np.flatnonzero(vertices.last)
    shared = np.where(alone, np.nan, vertices.at_m)
    order = np.arange(len(node))
    after = np.minimum.accumulate(np.where(alone, len(node), order)[::-1])[::-1]
    before = np.maximum.accumulate(np.where(alone, -1, order))
    snap = lines.snap_m[vertices.line]

    def free(ends: Longs, other: Longs) -> Bools:
        there = (other >= 0) & (other < len(node))
        other = np.clip(other, 0, len(node) - 1)
        same = there & (vertices.line[other] == vertices.line[ends])
        near = same & (np.abs(np.nan_to_num(shared[other]) - vertices.at_m[ends]) <= snap[ends])
        return np.asarray(alone[ends] & ~near, dtype=np.bool_)

    return np.sort(np.concatenate([first[free(first, after[first])], last[free(last, before[last])]]))


def _common_goal(vertices: _Vertices, ends: Longs, vertex: Longs, target: Floats, metres: Floats) -> Floats:
    """Return the place to which each end is led; ends that join one another go to one place.

    Of a group, the nearest target that is no end of the group, else the lowest of its ends (by x, then y).
    """
    row = np.full(len(vertices.line), -1, dtype=np.int64)
    row[ends] = np.arange(len(ends))
    other = np.where(vertex >= 0, row[vertex], -1)
    linked = np.flatnonzero(other >= 0)
    n = len(ends)
    graph = coo_array((np.ones(len(linked)), (linked, other[linked])), shape=(n, n))
    group = connected_components(graph, directed=False)[1]
    own = vertices.xy[ends]
    fixed = other < 0
    place = np.where(fixed[:, None], target, own)
    order = np.lexsort((place[:, 1], place[:, 0], np.where(fixed, metres, 0.0), ~fixed, group))
    _, chosen = np.unique(group[order], return_index=True)
    return np.asarray(place[order][chosen][group], dtype=np.float64)


def _nodes(vertices: _Vertices, lines: Lines) -> tuple[Longs, Floats]:
    """Return the number of the meeting place of each vertex, and the places.

    Vertices at one place are one where a street ends there, else one for each level.
    """
    step = np.round((vertices.xy - vertices.xy.min(axis=0)) * 1000).astype(np.int64)
    _, spot = np.unique((step[:, 0] << 32) + step[:, 1], return_inverse=True)
    ends_here = np.zeros(len(spot), dtype=np.bool_)
    np.logical_or.at(ends_here, spot, vertices.first | vertices.last)
    level = lines.level[vertices.line]
    # Level −1 has no level of its own: it joins the vertices that it shares.
    apart = np.where(ends_here[spot], 0, level + 1)
    anywhere = np.zeros(len(spot), dtype=np.bool_)
    np.logical_or.at(anywhere, spot, level < 0)
    apart[anywhere[spot]] = 0
    key = spot * (int(lines.level.max(initial=0)) + 2) + apart
    _, first, node = np.unique(key, return_index=True, return_inverse=True)
    return node.astype(np.int64), vertices.xy[first]


def _cut(vertices: _Vertices, lines: Lines) -> Pieces:
    node, place = _nodes(vertices, lines)
    first, last = vertices.first, vertices.last
    stop = (np.bincount(node)[node] > 1) | first | last
    begin = np.flatnonzero(stop & ~last)
    end = np.flatnonzero(stop & ~first)
    count = end - begin + 1
    start = np.concatenate([[0], np.cumsum(count)])
    index = np.repeat(begin - start[:-1], count) + np.arange(start[-1])
    return Pieces(vertices.line[begin], node[begin], node[end], vertices.at_m[begin], vertices.xy[index], start, place)
