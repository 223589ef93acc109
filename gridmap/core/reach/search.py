"""Who walks how long to which station: answers for buildings and nodes."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from gridmap.core.network.graph import CLOSED, Attachments, Ints, Longs, Seconds, WalkNetwork, WalkTimes
from gridmap.core.reach import kernels
from gridmap.core.reach.kernels import OWNER_BITS, UNREACHED, Desk, Legs, Streets
from gridmap.core.reach.legs import DirectPairs, legs, limit_ticks, straight_of

__all__ = ["Nearest", "Pairs", "labels", "nearest", "node_times", "pairs", "streets_of"]

#: Stations that one task takes: enough to hide the hand-over, few enough that threads end together.
_CHUNK = 32


@dataclass(frozen=True, slots=True, eq=False)
class Nearest:
    """The nearest station of each of B buildings: ``seconds`` (B,), inf: none; ``station`` (B,), -1: none."""

    seconds: Seconds
    station: Ints


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """All pairs within a limit, by station.

    The buildings of station s are ``building[start[s]:start[s + 1]]``, each once, in an order that does not change
    between runs; ``seconds`` beside them.
    """

    start: Longs
    building: Ints
    seconds: Seconds


def nearest(
    times: WalkTimes,
    stations: Attachments | Legs,
    buildings: Attachments | Legs,
    *,
    limit_s: float,
    direct: DirectPairs | None = None,
) -> Nearest:
    """Find the nearest station of every building and the seconds that people walk to it.

    One search from all stations; exact along edges that are reached in part, with both off-street legs. Equal times
    go to the lower station.

    Parameters
    ----------
    times
        What the edges cost.
    stations, buildings
        Where they meet the network; as :class:`Legs` where they were timed before.
    limit_s
        The longest walk in seconds, inclusive.
    direct
        Pairs that need no street.

    Raises
    ------
    InputError
        ``limit_s`` is not above 0 or longer than 4 hours.
    """
    limit = limit_ticks(limit_s)
    s, b = _timed(times, stations, by_edge=False), _timed(times, buildings)
    label = labels(times, s, limit=limit)
    seconds, station = kernels.all_by_streets(label, streets_of(times), b, limit)
    kernels.without_nodes(s, b, straight_of(direct, s, b), limit, seconds, station)
    return Nearest(seconds, station)


def pairs(
    times: WalkTimes,
    stations: Attachments | Legs,
    buildings: Attachments | Legs,
    *,
    limit_s: float,
    direct: DirectPairs | None = None,
    threads: int | None = None,
) -> Pairs:
    """Find every pair of a station and a building that is within the limit, with its seconds.

    A limited search from each station, shared out among ``threads`` (default: the processors). Parameters and
    errors as in :func:`nearest`.
    """
    limit = limit_ticks(limit_s)
    s, b = _timed(times, stations, by_edge=False), _timed(times, buildings)
    streets, straight = streets_of(times), straight_of(direct, s, b)
    rows = b.rows
    if len(straight.building):
        rows = rows.copy()
        twice = np.unique(straight.building)
        again = b.row[_ranges(b.start[twice], b.start[twice + 1])]
        rows[again, 2] = np.minimum(rows[again, 2], ~rows[again, 2])
    workers = max(1, min(threads or os.cpu_count() or 1, -(-s.things // _CHUNK)))
    desks = [_desk(times.network, b) for _ in range(workers)]

    def work(first: int) -> tuple[Longs, Ints, Seconds]:
        desk = desks.pop()
        found = kernels.pairs_of(first, min(first + _CHUNK, s.things), streets, s, b, rows, straight, limit, desk)
        desks.append(desk)
        return found

    firsts = range(0, s.things, _CHUNK)
    if workers > 1:
        with ThreadPoolExecutor(workers) as pool:
            parts = list(pool.map(work, firsts))
    else:
        parts = [work(first) for first in firsts]
    start = np.zeros(s.things + 1, np.int64)
    np.cumsum(np.concatenate([np.zeros(0, np.int64), *(p[0] for p in parts)]), out=start[1:])
    return Pairs(
        start,
        np.concatenate([np.zeros(0, np.int32), *(p[1] for p in parts)]),
        np.concatenate([np.zeros(0, np.float32), *(p[2] for p in parts)]),
    )


def _ranges(start: Ints, end: Ints) -> Longs:
    """Return the numbers of all ranges, one after the other."""
    size = (end - start).astype(np.int64)
    return np.asarray(np.arange(size.sum()) + np.repeat(start - (np.cumsum(size) - size), size), dtype=np.int64)


def _beyond(limit: int) -> int:
    return (limit + 1) << OWNER_BITS


def _desk(network: WalkNetwork, buildings: Legs) -> Desk:
    return Desk(
        np.full(network.nodes, UNREACHED, np.int64),
        np.empty(network.nodes, np.int32),
        np.full(network.edges, -1, np.int32),
        np.full(buildings.things, CLOSED, np.int32),
        np.empty(buildings.things, np.int32),
        np.empty(2 * buildings.things + 1, np.int32),
        np.empty(2 * buildings.things + 1, np.float32),
    )


def node_times(times: WalkTimes, stations: Attachments | Legs, *, limit_s: float) -> tuple[Seconds, Ints]:
    """Return the seconds from every node to its nearest station (inf: none within the limit), and which (-1)."""
    limit = limit_ticks(limit_s)
    return kernels.told(labels(times, _timed(times, stations, by_edge=False), limit=limit), limit)


def labels(times: WalkTimes, stations: Legs, *, limit: int) -> Longs:
    """Return ``ticks << 32 | station`` of every node; UNREACHED beyond ``limit`` ticks."""
    nodes, network = times.network.nodes, times.network
    label = np.full(nodes, _beyond(limit), np.int64)
    ticks = np.concatenate([stations.from_u, stations.from_v]).astype(np.int64)
    seeds = np.concatenate([network.edge_u[stations.edge], network.edge_v[stations.edge]])
    kernels.spread_wide(streets_of(times), seeds, ticks << OWNER_BITS | np.tile(stations.thing, 2), limit, label)
    label[label == _beyond(limit)] = UNREACHED
    return label


def streets_of(times: WalkTimes) -> Streets:
    """Return the arrays that a search reads."""
    n = times.network
    return Streets(n.arc_start, times.arcs, n.arc_head, n.arc_edge, n.arc_forward, n.edge_u, n.edge_v)


def _timed(times: WalkTimes, things: Attachments | Legs, *, by_edge: bool = True) -> Legs:
    return things if isinstance(things, Legs) else legs(times, things, by_edge=by_edge)
