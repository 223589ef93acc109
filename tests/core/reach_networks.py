"""Random walking networks with things attached to them, and the plain twin of every search: scipy on a split graph."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from gridmap.core.network.graph import Attachments, Reason, Via, WalkNetwork, WalkTimes, whole_steps

SPEED = 1000 / 900


def random_network(rng: np.random.Generator, *, nodes=12, edges=20, extent_m=600.0) -> WalkNetwork:
    """Bent edges between random nodes: loops, parallel edges and several components happen."""
    node_xy = np.round(rng.uniform(0, extent_m, (nodes, 2)), 2)
    u, v = rng.integers(0, nodes, (2, edges)).astype(np.int32)
    bends = rng.integers(0, 3, edges)
    lines = [
        np.vstack([node_xy[a], node_xy[a] + rng.uniform(-20, 20, (k + (a == b), 2)), node_xy[b]])
        for a, b, k in zip(u, v, bends, strict=True)
    ]
    return network_of(node_xy, u, v, lines)


def network_of(node_xy, u, v, lines) -> WalkNetwork:
    u, v = np.asarray(u, np.int32), np.asarray(v, np.int32)
    edges, nodes = len(u), len(node_xy)
    tail, edge = np.concatenate([u, v]), np.tile(np.arange(edges, dtype=np.int32), 2)
    order = np.argsort(tail, kind="stable")
    start = np.zeros(nodes + 1, np.int32)
    np.cumsum(np.bincount(tail, minlength=nodes), out=start[1:])
    length = np.array([np.hypot(*np.diff(line, axis=0).T).sum() for line in lines])
    xy_start = np.concatenate([[0], np.cumsum([len(line) for line in lines])]).astype(np.int64)
    return WalkNetwork(
        epsg=4548,
        node_xy=np.asarray(node_xy, float), edge_u=u, edge_v=v, edge_length_m=length,
        edge_steps=np.zeros(edges, bool), edge_rise_m=np.full(edges, np.nan),
        edge_street=np.arange(edges, dtype=np.int64), edge_from_m=np.zeros(edges),
        xy=np.vstack(lines) if edges else np.zeros((0, 2)), xy_start=xy_start,
        component=np.zeros(nodes, np.int32),
        arc_start=start, arc_head=np.concatenate([v, u])[order], arc_edge=edge[order],
        arc_forward=(np.arange(2 * edges) < edges)[order],
        version="test",
    )  # fmt: skip


def plain_times(network: WalkNetwork, *, speed=SPEED) -> WalkTimes:
    seconds = whole_steps(network.edge_length_m / speed)
    return times_of(network, seconds, seconds, speed=speed)


def random_times(rng: np.random.Generator, network: WalkNetwork, *, closed=0.1) -> WalkTimes:
    """Every edge costs something else in each direction; some are closed, in one or both; some cost nothing."""
    seconds = network.edge_length_m / SPEED * rng.uniform(0.8, 2.0, (2, network.edges))
    seconds[rng.random((2, network.edges)) < closed] = np.inf
    seconds[:, rng.random(network.edges) < 0.05] = 0.0
    forward, backward = whole_steps(seconds)
    return times_of(network, forward, backward, speed=SPEED)


def times_of(network: WalkNetwork, forward, backward, *, speed=SPEED) -> WalkTimes:
    to_row = np.where(network.arc_forward, backward[network.arc_edge], forward[network.arc_edge])
    return WalkTimes(network, speed, forward, backward, to_row.astype(np.float32))


def random_things(rng: np.random.Generator, network: WalkNetwork, count: int, *, several=0.3) -> Attachments:
    """Things on random edges, some with several rows, some with none, some at the ends of an edge."""
    rows = np.where(rng.random(count) < several, rng.integers(0, 4, count), 1)
    if network.edges == 0:
        rows[:] = 0
    thing = np.repeat(np.arange(count, dtype=np.int32), rows)
    edge = rng.integers(0, max(network.edges, 1), len(thing)).astype(np.int32)
    share = rng.choice([0.0, 0.25, 0.5, 1.0, -1.0], len(thing))
    share = np.where(share < 0, rng.random(len(thing)), share)
    return things_of(network, thing, edge, share * network.edge_length_m[edge], rng.uniform(0, 60, len(thing)), count)


def things_of(network: WalkNetwork, thing, edge, along_m, off_m, count: int) -> Attachments:
    thing = np.asarray(thing, np.int32)
    reason = np.full(count, Reason.TOO_FAR, np.uint8)
    reason[thing] = Reason.ATTACHED
    nearest_m = np.full(count, np.inf)
    np.minimum.at(nearest_m, thing, off_m)
    edge = np.asarray(edge, np.int32)
    xy = np.zeros((count, 2))
    xy[thing] = positions(network, edge, along_m) + np.column_stack([np.zeros(len(thing)), off_m])
    return Attachments(
        count=count, thing=thing, edge=edge, along_m=np.asarray(along_m, float), off_m=np.asarray(off_m, float),
        via=np.full(len(thing), Via.STREET, np.uint8), gate_xy=np.full((len(thing), 2), np.nan),
        reason=reason, nearest_m=nearest_m, enclosure=np.full(count, -1, np.int32), xy=xy,
    )  # fmt: skip


def positions(network: WalkNetwork, edge, along_m):
    out = np.zeros((len(edge), 2))
    for row, (e, along) in enumerate(zip(edge, along_m, strict=True)):
        line = network.xy[network.xy_start[e] : network.xy_start[e + 1]]
        at = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))])
        out[row] = [np.interp(along, at, line[:, k]) for k in (0, 1)]
    return out


def some_things(attachments: Attachments, keep) -> Attachments:
    """Return the things of the given indices, in that order."""
    keep = np.asarray(keep)
    rows = [np.flatnonzero(attachments.thing == k) for k in keep]
    row = np.concatenate([np.zeros(0, np.intp), *rows])
    return Attachments(
        count=len(keep), thing=np.repeat(np.arange(len(keep), dtype=np.int32), [len(r) for r in rows]),
        edge=attachments.edge[row], along_m=attachments.along_m[row], off_m=attachments.off_m[row],
        via=attachments.via[row], gate_xy=attachments.gate_xy[row], reason=attachments.reason[keep],
        nearest_m=attachments.nearest_m[keep], enclosure=attachments.enclosure[keep], xy=attachments.xy[keep],
    )  # fmt: skip


class SplitGraph:
    """Every edge is cut where something is attached; every thing is a node of its own. Float64 seconds."""

    def __init__(self, times: WalkTimes, stations: Attachments, buildings: Attachments, *, direct=(), extra_s=None):
        network = times.network
        self.stations, self.buildings = stations.count, buildings.count
        self.first_station = network.nodes
        self.first_building = self.first_station + stations.count
        fresh = self.first_building + buildings.count
        arcs: list[tuple[int, int, float]] = []
        on_edge: dict[int, list[tuple[float, int]]] = {}
        for things, first, extra, from_door in (
            (stations, self.first_station, np.zeros(stations.count), False),
            (buildings, self.first_building, np.zeros(buildings.count) if extra_s is None else extra_s, True),
        ):
            for row in range(len(things.thing)):
                thing = int(things.thing[row])
                position, fresh = fresh, fresh + 1
                off = float(whole_steps(things.off_m[row] / times.speed_mps)) + float(extra[thing])
                # One way only: nobody walks through a building to another street.
                arcs.append((first + thing, position, off) if from_door else (position, first + thing, off))
                on_edge.setdefault(int(things.edge[row]), []).append((float(things.along_m[row]), position))
        for edge in range(network.edges):
            length = network.edge_length_m[edge]
            row = sorted(on_edge.get(edge, []))
            share = [0.0, *(min(along / length, 1.0) if length else 0.0 for along, _ in row), 1.0]
            at = [int(network.edge_u[edge]), *(position for _, position in row), int(network.edge_v[edge])]
            forward, backward = float(times.forward_s[edge]), float(times.backward_s[edge])
            if np.isfinite(forward):
                passed = [float(whole_steps(forward * f)) for f in share]
                arcs += [(at[k], at[k + 1], passed[k + 1] - passed[k]) for k in range(len(at) - 1)]
            if np.isfinite(backward):
                passed = [float(whole_steps(backward * (1.0 - f))) for f in share]
                arcs += [(at[k + 1], at[k], passed[k] - passed[k + 1]) for k in range(len(at) - 1)]
            # Two things at the very same position need no step along a closed edge.
            arcs += [(at[k + a], at[k + 1 - a], 0.0) for k in range(1, len(at) - 2) for a in (0, 1)
                     if row[k - 1][0] == row[k][0]]  # fmt: skip
        arcs += [(self.first_building + b, self.first_station + s, float(seconds)) for s, b, seconds in direct]
        best: dict[tuple[int, int], float] = {}
        for a, b, seconds in arcs:
            best[a, b] = min(seconds, best.get((a, b), np.inf))
        keys = np.array(list(best), dtype=int).reshape(-1, 2)
        # From head to tail: the search spreads from stations, people walk to them.
        self.matrix = csr_array((np.array(list(best.values())), (keys[:, 1], keys[:, 0])), shape=(fresh, fresh))

    def nearest(self, limit_s: float):
        """Return seconds from every building to its nearest station; inf beyond the limit."""
        if not self.stations:
            return np.full(self.buildings, np.inf)
        sources = np.arange(self.first_station, self.first_building)
        seconds = dijkstra(self.matrix, indices=sources, min_only=True)
        return within(seconds[self.first_building : self.first_building + self.buildings], limit_s)

    def pairs(self, limit_s: float):
        """Return the dense (stations, buildings) matrix; inf beyond the limit."""
        if not self.stations:
            return np.full((0, self.buildings), np.inf)
        sources = np.arange(self.first_station, self.first_building)
        seconds = dijkstra(self.matrix, indices=sources)
        return within(seconds[:, self.first_building : self.first_building + self.buildings], limit_s)

    def nodes(self, limit_s: float):
        seconds = dijkstra(self.matrix, indices=np.arange(self.first_station, self.first_building), min_only=True)
        return within(seconds[: self.first_station], limit_s)


def within(seconds, limit_s):
    return np.where(seconds <= limit_s, seconds, np.inf)
