"""The way from one building to a station, with its geometry."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gridmap.core.network.graph import (
    CLOSED,
    STEPS_PER_S,
    Attachments,
    Floats,
    Longs,
    Via,
    WalkNetwork,
    WalkTimes,
)
from gridmap.core.reach.kernels import OWNER_BITS, UNREACHED, Legs, along_edge
from gridmap.core.reach.legs import DirectPairs, legs, limit_ticks, straight_of
from gridmap.core.reach.search import labels
from gridmap.errors import InputError

__all__ = ["Route", "route"]


@dataclass(frozen=True, slots=True, eq=False)
class Route:
    """A walk from a building to a station.

    Attributes
    ----------
    seconds, station
        As :func:`gridmap.core.reach.nearest` gives them.
    xy
        (K, 2) the way from the building's point to the station's, metres; through gates where there are some.
    walk_m
        Its length.
    off_start_m, off_end_m
        Metres from the building to the street, and from the street to the station; on a way without a street the
        whole way is the first.
    via_start, via_end
        How the building and the station get to the street.
    """

    seconds: float
    station: int
    xy: Floats
    walk_m: float
    off_start_m: float
    off_end_m: float
    via_start: Via
    via_end: Via


@dataclass(frozen=True, slots=True)
class _End:
    """How a way ends: label of the whole way; row of the building, and its node, or the row of the station."""

    label: int
    row: int = -1
    node: int = -1
    own: int = -1


def route(
    times: WalkTimes,
    stations: Attachments,
    buildings: Attachments,
    building: int,
    *,
    limit_s: float,
    station: int | None = None,
    direct: DirectPairs | None = None,
    extra_s: float = 0.0,
) -> Route | None:
    """Find the way from a building to its nearest station, or to a given one.

    Parameters
    ----------
    times, stations, buildings, limit_s, direct
        As in :func:`gridmap.core.reach.nearest`.
    building
        Which building.
    station
        Which station; None: the nearest.
    extra_s
        Seconds that the building adds of its own.

    Returns
    -------
    None where no station is within the limit.

    Raises
    ------
    InputError
        There is no such building or station, or the limit makes no sense.
    """
    limit = limit_ticks(limit_s)
    if not 0 <= building < buildings.count or not (station is None or 0 <= station < stations.count):
        raise InputError(
            "没有这栋楼或这个站点，请核对编号。", "There is no such building or station; check their numbers."
        )
    house = _only(buildings, building)
    places = stations if station is None else _only(stations, station)
    b, s = legs(times, house, extra_s=[extra_s]), legs(times, places)
    label = labels(times, s, limit=limit)
    pair = direct if direct is not None else DirectPairs.none()
    keep = (pair.building == building) & ((pair.station == station) if station is not None else True)
    by = pair.station[keep] if station is None else np.zeros(int(keep.sum()), np.int32)
    near = straight_of(DirectPairs(by, np.zeros(len(by), np.int32), pair.seconds[keep]), s, b)
    straight_by = np.repeat(np.arange(s.things), np.diff(near.start))
    ends = [_End((int(t) << OWNER_BITS) | int(k)) for t, k in zip(near.ticks, straight_by, strict=True)]
    ends += _along_edges(times.network, label, s, b)
    best = min(ends, key=lambda end: end.label, default=_End(UNREACHED))
    if (best.label >> OWNER_BITS) > limit:
        return None
    found = best.label & ((1 << OWNER_BITS) - 1)
    start, goal = house.xy[0], places.xy[found]
    seconds = (best.label >> OWNER_BITS) / STEPS_PER_S
    answer = found if station is None else station
    if best.row < 0:
        metres = float(np.hypot(*(goal - start)))
        return Route(seconds, answer, np.vstack([start, goal]), metres, metres, 0.0, Via.STREET, Via.STREET)
    own, street = _street(times, label, s, b, best)
    first, last = _as_attached(house, best.row), _as_attached(places, own)
    xy = np.vstack([start, *_gate(house, first), street, *_gate(places, last), goal])
    return Route(
        seconds=seconds,
        station=answer,
        xy=xy[np.r_[True, (np.diff(xy, axis=0) != 0).any(axis=1)]],
        walk_m=float(house.off_m[first] + _length(street) + places.off_m[last]),
        off_start_m=float(house.off_m[first]),
        off_end_m=float(places.off_m[last]),
        via_start=Via(int(house.via[first])),
        via_end=Via(int(places.via[last])),
    )


def _along_edges(network: WalkNetwork, label: Longs, stations: Legs, building: Legs) -> list[_End]:
    """Return every way to leave the building along its edges."""
    ends = []
    for row, edge in enumerate(building.edge.tolist()):
        for node, ticks in (
            (network.edge_u[edge], building.rows[row, 0]),
            (network.edge_v[edge], building.rows[row, 1]),
        ):
            if label[node] < UNREACHED and ticks < CLOSED:
                ends.append(_End(int(label[node]) + (int(ticks) << OWNER_BITS), row, int(node)))
        for own in range(stations.slot[edge], stations.slot[edge + 1]):
            ticks = int(
                along_edge(
                    stations.along_m[own], stations.off[own], stations.from_u[own], stations.from_v[own],
                    building.along_m[row], building.off[row], building.from_u[row], building.from_v[row],
                )
            )  # fmt: skip
            ends.append(_End(ticks << OWNER_BITS | int(stations.thing[own]), row, own=own))
    return ends


def _street(times: WalkTimes, label: Longs, stations: Legs, building: Legs, end: _End) -> tuple[int, Floats]:
    """Return the row of the station at the end of the way, and the way on the street."""
    network = times.network
    edge, along = int(building.edge[end.row]), float(building.along_m[end.row])
    if end.own >= 0:
        return end.own, _piece(network, edge, along, float(stations.along_m[end.own]))
    at_u = end.node == network.edge_u[edge]
    if at_u and end.node == network.edge_v[edge]:
        at_u = building.rows[end.row, 0] <= building.rows[end.row, 1]
    pieces = [_piece(network, edge, along, 0.0 if at_u else float(network.edge_length_m[edge]))]
    own, nodes = _descend(times, label, stations, end.node)
    for e, forward in nodes:
        line = network.xy[network.xy_start[e] : network.xy_start[e + 1]]
        pieces.append(line if forward else line[::-1])
    node = end.node
    for e, forward in nodes:
        node = int(network.edge_v[e] if forward else network.edge_u[e])
    last = int(stations.edge[own])
    from_u = network.edge_u[last] == node and (
        int(stations.from_u[own]) << OWNER_BITS | int(stations.thing[own])
    ) == int(label[node])
    pieces.append(_piece(network, last, 0.0 if from_u else float(network.edge_length_m[last]), stations.along_m[own]))
    return own, np.vstack(pieces)


def _descend(times: WalkTimes, label: Longs, stations: Legs, node: int) -> tuple[int, list[tuple[int, bool]]]:
    """Follow labels from a node to the edge of its station; return the station's row, and edges with direction.

    Labels are whole numbers, so that an arc of a shortest way is one that explains the label exactly. Arcs that take
    no time may lead in a circle: every node is looked at once.
    """
    network = times.network
    seeds: dict[tuple[int, int], int] = {}
    for own in range(len(stations.edge) - 1, -1, -1):
        thing, edge = int(stations.thing[own]), stations.edge[own]
        for end, ticks in ((network.edge_u[edge], stations.from_u[own]), (network.edge_v[edge], stations.from_v[own])):
            seeds[int(end), int(ticks) << OWNER_BITS | thing] = own
    seen = {node}
    way: list[tuple[int, int, bool]] = []
    stack: list[tuple[int, int, int, bool]] = [(0, node, -1, True)]
    while stack:
        depth, node, edge, forward = stack.pop()
        way[depth:] = [(node, edge, forward)]
        if (node, int(label[node])) in seeds:
            return seeds[node, int(label[node])], [(e, f) for _, e, f in way[1:]]
        for arc in range(network.arc_start[node], network.arc_start[node + 1]):
            other, e = int(network.arc_head[arc]), int(network.arc_edge[arc])
            onward = bool(network.arc_forward[arc])
            walk = times.forward_s[e] if onward else times.backward_s[e]
            if other in seen or not np.isfinite(walk):
                continue
            if int(label[other]) + (int(walk * STEPS_PER_S) << OWNER_BITS) == int(label[node]):
                seen.add(other)
                stack.append((depth + 1, other, e, onward))
    raise AssertionError("a label that no arc explains")


def _piece(network: WalkNetwork, edge: int, begin_m: float, end_m: float) -> Floats:
    """Return the vertices of an edge from ``begin_m`` to ``end_m`` along it, in that direction."""
    line = network.xy[network.xy_start[edge] : network.xy_start[edge + 1]]
    at = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))])
    low, high = min(begin_m, end_m), max(begin_m, end_m)
    where = np.concatenate([[low], at[(at > low) & (at < high)], [high]])
    piece = np.column_stack([np.interp(where, at, line[:, 0]), np.interp(where, at, line[:, 1])])
    return piece if begin_m <= end_m else piece[::-1]


def _only(things: Attachments, one: int) -> Attachments:
    """Return one thing alone."""
    row = things.thing == one
    return Attachments(
        count=1,
        thing=np.zeros(int(row.sum()), np.int32),
        edge=things.edge[row],
        along_m=things.along_m[row],
        off_m=things.off_m[row],
        via=things.via[row],
        gate_xy=things.gate_xy[row],
        reason=things.reason[[one]],
        nearest_m=things.nearest_m[[one]],
        enclosure=things.enclosure[[one]],
        xy=things.xy[[one]],
    )


def _as_attached(things: Attachments, row: int) -> int:
    """Return the row of the attachments from which a row of their legs was made."""
    return int(np.argsort(things.edge, kind="stable")[row])


def _gate(things: Attachments, row: int) -> Floats:
    gate = things.gate_xy[[row]]
    return gate[np.isfinite(gate).all(axis=1)]


def _length(xy: Floats) -> float:
    return float(np.hypot(*np.diff(xy, axis=0).T).sum())
