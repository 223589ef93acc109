"""Walking seconds from geometry alone: shapely and networkx on the stored streets, with attachments of its own."""

from __future__ import annotations

import itertools
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import networkx as nx
import numpy as np
import pandas as pd
import shapely

LIMIT_M = 200.0
#: A part of the network that is neither the longest nor as long as this is taken where there is no other.
SHORT_M = 500.0
PIECE_M = 20.0
SNAP_M = 0.5
STEPS_FACTOR = 0.43
NO_WAY = ("motorway", "motorway_link", "construction", "proposed", "raceway", "rest_area", "services", "busway")


def texts(frame, name):
    return frame[name].astype(object).where(frame[name].notna(), "").astype(str)


def flags(frame, name):
    return frame[name].astype(object).where(frame[name].notna(), False).astype(bool).to_numpy()


@dataclass
class Oracle:
    """The streets as a graph of single straight segments, node = (level, x, y) in millimetres."""

    speed: float
    walls: Any = field(default_factory=lambda: np.zeros(0, object))
    barriers: Any = field(default_factory=lambda: np.zeros(0, object))
    gates: list[Any] = field(default_factory=list)
    graph: Any = field(default_factory=nx.Graph)
    ends: list[Any] = field(default_factory=list)
    cost: list[float] = field(default_factory=list)
    level: list[int] = field(default_factory=list)
    slow: list[bool] = field(default_factory=list)

    @classmethod
    def of(cls, streets, *, speed, walls=(), gates=(), water=(), rail=()):
        self = cls(speed, gates=list(gates))
        self.walls = np.array(list(walls), dtype=object)
        fences = [*shapely.boundary(self.walls), *shapely.boundary(np.array(list(water), dtype=object)), *rail]
        self.barriers = np.array(fences, dtype=object)
        self.wall_of = np.r_[np.arange(len(self.walls)), np.full(len(fences) - len(self.walls), -1)]
        self.fence_tree = shapely.STRtree(self.barriers)
        highway, foot, access = (texts(streets, name).to_numpy() for name in ("highway", "foot", "access"))
        shut = np.isin(foot, ("no", "private")) | (~np.isin(foot, ("yes", "designated", "permissive", "destination"))
                                                   & np.isin(access, ("no", "private", "military")))  # fmt: skip
        used = streets[(highway != "") & ~np.isin(highway, NO_WAY) & ~shut]
        layer = pd.to_numeric(used["layer"], errors="coerce").fillna(0).to_numpy(float).astype(int)
        level = layer * 4 + flags(used, "bridge") * 2 + flags(used, "tunnel")
        level = np.where(np.isin(texts(used, "highway"), ("corridor", "elevator", "escalator")), 999, level)
        lines, of = shapely.get_parts(shapely.set_precision(used.geometry.to_numpy(), 0.001), return_index=True)
        stairs = lines[(texts(used, "highway") == "steps").to_numpy()[of]]
        on_stairs = shapely.STRtree(stairs)
        closes = {tuple(p) for line in lines for p in np.round(shapely.get_coordinates(line)[[0, -1]], 3).tolist()}
        for one in np.unique(level).tolist():
            noded = shapely.get_parts(shapely.node(shapely.multilinestrings(lines[level[of] == one])))
            xy, line = shapely.get_coordinates(noded, return_index=True)
            same = np.flatnonzero(line[1:] == line[:-1])
            middle = shapely.points((xy[same] + xy[same + 1]) / 2)
            slow = np.zeros(len(same), bool)
            if len(stairs):
                slow[on_stairs.query(middle, predicate="dwithin", distance=0.002)[0]] = True
            for a, b, is_slow in zip(xy[same].tolist(), xy[same + 1].tolist(), slow.tolist(), strict=True):
                metres = float(np.hypot(a[0] - b[0], a[1] - b[1]))
                self.ends.append((self.key(one, a, closes), self.key(one, b, closes), a, b))
                self.level.append(one)
                self.slow.append(is_slow)
                self.cost.append(metres / speed / (STEPS_FACTOR if is_slow else 1.0))
        self.segments = shapely.linestrings([[a, b] for *_, a, b in self.ends])
        self.tree = shapely.STRtree(self.segments)
        for (a, b, *_), cost in zip(self.ends, self.cost, strict=True):
            self.join(a, b, cost)
        self.close_gaps()
        self.find_short_parts()
        return self

    @staticmethod
    def key(level, xy, closes):
        place = (round(xy[0], 3), round(xy[1], 3))
        return ("any", *place) if place in closes else (level, *place)

    def join(self, a, b, cost):
        if a != b and cost < self.graph.get_edge_data(a, b, {"s": np.inf})["s"]:
            self.graph.add_edge(a, b, s=cost)

    def close_gaps(self):
        """Lead loose ends over small gaps: to streets of their level; from bridges, tunnels and stairs to all."""
        own = {end: k for k, ends in enumerate(self.ends) for end in ends[:2]}
        for node in [n for n, degree in self.graph.degree() if degree == 1]:
            point, mine = shapely.Point(node[1:]), own[node]
            free = self.slow[mine] or self.level[mine] != 0
            near = [
                k
                for k in self.tree.query(point, predicate="dwithin", distance=SNAP_M).tolist()
                if node not in self.ends[k][:2] and (free or self.level[k] == self.level[mine])
            ]
            if near:
                best = min(near, key=lambda k: (shapely.distance(self.segments[k], point), k))
                self.meet(node, best, point, shapely.distance(self.segments[best], point))

    def meet(self, node, segment, point, metres):
        """Join a node with a place on a segment: as good as cutting it there, for a walk that ends at the node."""
        length = shapely.length(self.segments[segment])
        share = shapely.line_locate_point(self.segments[segment], point) / length
        a, b = self.ends[segment][:2]
        self.join(node, a, metres / self.speed + share * self.cost[segment])
        self.join(node, b, metres / self.speed + (1 - share) * self.cost[segment])

    def find_short_parts(self):
        """Tell of every segment whether its part of the network is short."""
        parts = list(nx.connected_components(self.graph))
        part = {node: number for number, nodes in enumerate(parts) for node in nodes}
        of = np.array([part.get(a, -1) for a, *_ in self.ends])
        metres = np.bincount(of[of >= 0], weights=shapely.length(self.segments)[of >= 0], minlength=len(parts))
        self.short = (metres < SHORT_M) & (metres < metres.max())
        self.short = np.where(of >= 0, self.short[of], True)

    def barred(self, leg, ignored):
        return any(self.wall_of[k] != ignored or ignored < 0
                   for k in self.fence_tree.query(leg, predicate="intersects").tolist())  # fmt: skip

    def place(self, xy, ignored=-1):
        """Return (segment, point, metres) of the nearest street place with a clear leg; None: there is none."""
        point = shapely.Point(xy)
        found = []
        for k in self.tree.query(point, predicate="dwithin", distance=LIMIT_M).tolist():
            pieces = shapely.get_coordinates(shapely.segmentize(self.segments[k], PIECE_M))
            for a, b in itertools.pairwise(pieces):
                piece = shapely.LineString([a, b])
                foot = piece.interpolate(piece.project(point))
                found.append((foot.distance(point), k, foot.x, foot.y))
        for _, metres, k, x, y in sorted((bool(self.short[one[1]]), *one) for one in found):
            if metres <= LIMIT_M and not self.barred(shapely.LineString([xy, (x, y)]), ignored):
                return k, shapely.Point(x, y), metres
        return None

    def plain(self, xy):
        """Tell whether no barrier stands before the nearest street, so that how streets are cut does not matter."""
        at = self.place(xy)
        return at is not None and at[2] <= shapely.distance(self.segments[self.tree.nearest(shapely.Point(xy))],
                                                            shapely.Point(xy)) + 1e-6  # fmt: skip

    def estate_of(self, xy):
        inside = [k for k, wall in enumerate(self.walls) if wall.contains(shapely.Point(xy))]
        return min(inside, key=lambda k: self.walls[k].area, default=-1)

    def places(self, xy):
        out = [self.place(xy)]
        estate = self.estate_of(xy)
        for gate in self.gates[estate] if estate >= 0 else ():
            at = self.place(gate, ignored=estate)
            if at is not None:
                out.append((at[0], at[1], at[2] + float(np.hypot(*(np.asarray(gate) - xy)))))
        return [place for place in out if place is not None]

    def nearest(self, stations, buildings, *, limit_s):
        """Return the seconds from every building to its nearest station."""
        graph = self.graph.copy()
        self.graph = graph
        at_stations = [self.places(xy) for xy in stations]
        on_segment = defaultdict(list)
        for s, rows in enumerate(at_stations):
            for k, point, metres in rows:
                self.meet(("station", s), k, point, metres)
                on_segment[k].append((shapely.line_locate_point(self.segments[k], point), metres))
        sources = [("station", s) for s in range(len(stations)) if ("station", s) in graph]
        reach = nx.multi_source_dijkstra_path_length(graph, sources, cutoff=limit_s, weight="s")
        homes = [self.estate_of(xy) for xy in stations]
        out = np.full(len(buildings), np.inf)
        for i, xy in enumerate(buildings):
            ways = [np.inf]
            for k, point, metres in self.places(xy):
                a, b = self.ends[k][:2]
                length = shapely.length(self.segments[k])
                along = shapely.line_locate_point(self.segments[k], point)
                off, cost = metres / self.speed, self.cost[k]
                ways.append(off + reach.get(a, np.inf) + cost * along / length)
                ways.append(off + reach.get(b, np.inf) + cost * (1 - along / length))
                ways += [off + m / self.speed + cost * abs(p - along) / length for p, m in on_segment[k]]
            estate = self.estate_of(xy)
            ways += [np.hypot(*(stations[s] - xy)) / self.speed for s, e in enumerate(homes) if e == estate >= 0]
            out[i] = min(ways)
        return np.where(out <= limit_s + 1, out, np.inf)
