"""The walking network of the county and walking distances from stations, to know what was planted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra

from gridmap.sample.fabric import Ints
from gridmap.sample.ground import Floats

#: Fifteen minutes at 4 km/h.
REACH = 1000.0


@dataclass(slots=True)
class Network:
    """Segments of streets as a graph: node places, segment ends and lengths."""

    nodes: Floats
    ends: Ints
    length: Floats
    tree: shapely.STRtree
    segments: NDArray[np.object_]

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

    def attach(self, points: Floats) -> tuple[Ints, Floats, Floats]:
        """Return for points the nearest segment, the distance along it from its first end, and the way to it."""
        places = shapely.points(points)
        index, away = self.tree.query_nearest(places, return_distance=True, all_matches=False)
        order = np.argsort(index[0], kind="stable")
        segment = index[1][order]
        along = shapely.line_locate_point(self.segments[segment], places)
        return segment, along, away[order]

    def distances(self, sources: Floats, targets: Floats, *, limit: float = np.inf) -> Floats:
        """Return walking metres from each source to each target, (n_sources, n_targets)."""
        graph = self._graph()
        s_seg, s_at, s_way = self.attach(sources)
        t_seg, t_at, t_way = self.attach(targets)
        n = len(self.nodes)
        out = np.full((len(sources), len(targets)), np.inf)
        for k in range(len(sources)):
            a, b = self.ends[s_seg[k]]
            from_ends = dijkstra(graph, directed=False, indices=[a, b], limit=limit)
            near = np.minimum(
                from_ends[0] + s_at[k], from_ends[1] + self.length[s_seg[k]] - s_at[k]
            )[:n]
            via = np.minimum(
                near[self.ends[t_seg, 0]] + t_at, near[self.ends[t_seg, 1]] + self.length[t_seg] - t_at
            )
            same = t_seg == s_seg[k]
            via = np.where(same, np.minimum(via, np.abs(t_at - s_at[k])), via)
            out[k] = via + s_way[k] + t_way
        return out

    def nearest(self, sources: Floats, targets: Floats) -> Floats:
        """Return walking metres from the nearest source to each target, in one search."""
        s_seg, s_at, s_way = self.attach(sources)
        t_seg, t_at, t_way = self.attach(targets)
        n = len(self.nodes)
        m = len(sources)
        extra = n + np.arange(m)
        rows = np.concatenate([self.ends[:, 0], extra, extra])
        cols = np.concatenate([self.ends[:, 1], self.ends[s_seg, 0], self.ends[s_seg, 1]])
        cost = np.concatenate([self.length, s_at + s_way, self.length[s_seg] - s_at + s_way])
        graph = coo_array((np.maximum(cost, 1e-6), (rows, cols)), shape=(n + m, n + m)).tocsr()
        reach = dijkstra(graph, directed=False, indices=extra, min_only=True)
        via = np.minimum(
            reach[self.ends[t_seg, 0]] + t_at, reach[self.ends[t_seg, 1]] + self.length[t_seg] - t_at
        )
        return np.asarray(via + t_way)

    def _graph(self) -> coo_array:
        n = len(self.nodes)
        cost = np.maximum(self.length, 1e-6)
        return coo_array((cost, (self.ends[:, 0], self.ends[:, 1])), shape=(n, n)).tocsr()
