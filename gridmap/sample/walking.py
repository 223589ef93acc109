"""The walking network of the county and walking distances from stations, to know what was planted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import dijkstra

from gridmap.sample.fabric import Ints
from gridmap.sample.ground import Floats

#: Fifteen minutes at 4 km/h.
REACH = 1000.0


@dataclass(frozen=True, slots=True)
class Attached:
    """Places on the network: the segment, the metres along it from its first end, and the way to it."""

    segment: Ints
    along: Floats
    way: Floats

    def take(self, keep: Ints) -> Attached:
        """Return some of the places."""
        return Attached(self.segment[keep], self.along[keep], self.way[keep])


@dataclass(slots=True)
class Network:
    """Segments of streets as a graph: node places, segment ends and lengths."""

    nodes: Floats
    ends: Ints
    length: Floats
    tree: shapely.STRtree
    segments: NDArray[np.object_]
    ways: csr_array | None = None

    @classmethod
    def of(cls, lines: NDArray[np.object_]) -> Network:
        """Return the network of lines that meet at common vertices."""
        points, line = shapely.get_coordinates(lines, return_index=True)
        same = line[1:] == line[:-1]
        a, b = points[:-1][same], points[1:][same]
        both = np.vstack([a, b])
        _, first, index = np.unique(
            np.round(both * 100).astype(np.int64), axis=0, return_index=True, return_inverse=True
        )
        index = index.reshape(-1)
        n = len(a)
        ends = np.column_stack([index[:n], index[n:]])
        segments = shapely.linestrings(np.stack([a, b], axis=1))
        return cls(both[first], ends, np.hypot(*(b - a).T), shapely.STRtree(segments), segments)

    def attach(self, points: Floats) -> Attached:
        """Put points (n, 2) on their nearest segments."""
        places = shapely.points(points)
        index, away = self.tree.query_nearest(places, return_distance=True, all_matches=False)
        order = np.argsort(index[0], kind="stable")
        segment = index[1][order]
        along = shapely.line_locate_point(self.segments[segment], places)
        return Attached(segment, along, away[order])

    def distances(self, start: Attached, to: Attached, *, limit: float = np.inf) -> Floats:
        """Return walking metres from each of some places to each of others, (n, m); inf beyond ``limit``."""
        graph = self._graph()
        out = np.full((len(start.segment), len(to.segment)), np.inf)
        for k in range(len(start.segment)):
            here = self.ends[start.segment[k]]
            reach = dijkstra(graph, directed=False, indices=here, limit=limit)
            length = self.length[start.segment[k]]
            near = np.minimum(reach[0] + start.along[k], reach[1] + length - start.along[k])
            via = self._end(near, to)
            same = to.segment == start.segment[k]
            via[same] = np.minimum(via[same], np.abs(to.along[same] - start.along[k]))
            out[k] = via + start.way[k] + to.way
        return out

    def nearest(self, start: Attached, to: Attached) -> Floats:
        """Return walking metres from the nearest of some places to each of others, in one search."""
        first = start.along + start.way
        last = self.length[start.segment] - start.along + start.way
        graph, n, m = self._both_ways(), len(self.nodes), len(start.segment)
        # The places come after the nodes, with a way to each end of their segment.
        cost = np.maximum(np.stack([first, last], axis=1).ravel(), 1e-6)
        rows = np.concatenate([graph.indptr, graph.indptr[-1] + 2 * np.arange(1, m + 1)])
        ends = np.concatenate([graph.indices, self.ends[start.segment].ravel()])
        graph = csr_array((np.concatenate([graph.data, cost]), ends, rows), shape=(n + m, n + m))
        extra = n + np.arange(m)
        reach = dijkstra(graph, indices=extra, min_only=True)
        out = self._end(reach, to) + to.way
        order = np.argsort(start.segment, kind="stable")
        low = np.searchsorted(start.segment[order], to.segment, side="left")
        high = np.searchsorted(start.segment[order], to.segment, side="right")
        target = np.repeat(np.arange(len(out)), high - low)
        first_mate = np.repeat(low - np.concatenate([[0], np.cumsum(high - low)[:-1]]), high - low)
        mate = order[first_mate + np.arange(len(target))]
        direct = np.abs(start.along[mate] - to.along[target]) + start.way[mate] + to.way[target]
        np.minimum.at(out, target, direct)
        return np.asarray(out)

    def _end(self, reach: Floats, to: Attached) -> Floats:
        a, b = self.ends[to.segment].T
        return np.asarray(np.minimum(reach[a] + to.along, reach[b] + self.length[to.segment] - to.along))

    def _graph(self) -> csr_array:
        n = len(self.nodes)
        cost = np.maximum(self.length, 1e-6)
        return csr_array(coo_array((cost, (self.ends[:, 0], self.ends[:, 1])), shape=(n, n)))

    def _both_ways(self) -> csr_array:
        """Return the graph with every way in both directions, made once."""
        if self.ways is None:
            one = coo_array(self._graph())
            a, b = np.concatenate([one.row, one.col]), np.concatenate([one.col, one.row])
            order = np.argsort(a, kind="stable")
            rows = np.concatenate([[0], np.cumsum(np.bincount(a, minlength=len(self.nodes)))])
            self.ways = csr_array((np.tile(one.data, 2)[order], b[order], rows), shape=one.shape)
        return self.ways
