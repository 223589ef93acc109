"""The loops that decide the speed: one bucket queue over the arcs, and what is read from its labels.

Time is counted in whole steps (ticks) of 1/1024 s. The label of a node is ``ticks << 32 | station``: one comparison of
integers decides by time and, where times are equal, by the lower station.

The queue holds nodes in buckets of equal width, taken in order; a node that gets a better label while its bucket is
being emptied is taken again (label-correcting inside a bucket). So labels are exact for every width, which only
decides the speed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeVar, cast

import numpy as np
from numba import njit

from gridmap.core.network.graph import STEPS_PER_S, Bools, Bytes, Floats, Ints, Longs, Seconds

OWNER_BITS = 32
#: Label of a node that no station reaches; and ticks of what cannot be walked. Their sum fits into 63 bits.
UNREACHED = 1 << 61
CLOSED = 1 << 28
#: Buckets are 8 s wide: less than most streets between two crossings.
WIDTH_BITS = 13
_ENTRIES = 4096

_Function = TypeVar("_Function", bound=Callable[..., object])


def compiled(function: _Function) -> _Function:
    """Compile a loop once for all runs; it runs without the interpreter's lock."""
    return cast("_Function", njit(cache=True, nogil=True)(function))


class Streets(NamedTuple):
    """The arrays of a network and its times that a search reads; see WalkNetwork and WalkTimes."""

    arc_start: Ints
    arc_head: Ints
    arc_s: Seconds
    arc_edge: Ints
    arc_forward: Bools
    edge_u: Ints
    edge_v: Ints


class Legs(NamedTuple):
    """Attachments in the time of one kind of walker: R rows sorted by edge, in ticks of 1/1024 s.

    Made by :func:`gridmap.core.reach.legs`, once for buildings that do not change between searches. ``CLOSED`` marks
    a way that cannot be walked.

    Attributes
    ----------
    thing, edge, along_m
        (R,) as in the attachments.
    off
        (R,) ticks between door and street, with what a thing adds of its own.
    to_u, to_v
        (R,) ticks from the door to the ends of the edge.
    from_u, from_v
        (R,) ticks from the ends of the edge to the door.
    slot
        (E + 1,) the rows of edge e are ``slot[e]`` … ``slot[e + 1] - 1``.
    occupied
        Edges that have a row.
    start, row
        (n + 1,), (R,): the rows of thing t are ``row[start[t]:start[t + 1]]``.
    extra
        (n,) ticks that each thing adds of its own.
    """

    thing: Ints
    edge: Ints
    along_m: Floats
    off: Ints
    to_u: Ints
    to_v: Ints
    from_u: Ints
    from_v: Ints
    slot: Ints
    occupied: Ints
    start: Ints
    row: Ints
    extra: Ints

    @property
    def things(self) -> int:
        """Number of things, attached or not."""
        return len(self.extra)


class Straight(NamedTuple):
    """Direct pairs in ticks, sorted by station; those of station s are ``start[s]`` … ``start[s + 1] - 1``."""

    start: Longs
    building: Ints
    ticks: Ints


class Work(NamedTuple):
    """Labels of N nodes (UNREACHED), whether they wait in the queue (0), and room to list those that were touched."""

    label: Longs
    waits: Bytes
    touched: Ints


@compiled
def relax(
    work: Work, node: int, new: int, seen: int, bucket: Ints, following: Ints, waiting: Ints, used: int
) -> tuple[int, int]:
    """Give a node a better label and queue it; return how many nodes were touched and how many entries are used."""
    old = work.label[node]
    if old == UNREACHED:
        work.touched[seen] = node
        seen += 1
    work.label[node] = new
    b = new >> (OWNER_BITS + WIDTH_BITS)
    if not (work.waits[node] and (old >> (OWNER_BITS + WIDTH_BITS)) == b):
        work.waits[node] = 1
        waiting[used] = node
        following[used] = bucket[b]
        bucket[b] = used
        used += 1
    return seen, used


@compiled
def spread(streets: Streets, seed_node: Ints, seed_label: Longs, limit: int, work: Work) -> int:
    """Spread labels from the seeds to every node within ``limit`` ticks; return how many nodes were touched."""
    label = work.label
    limit_s = np.float32(limit / STEPS_PER_S)
    bucket = np.full((limit >> WIDTH_BITS) + 1, -1, np.int32)
    following = np.empty(_ENTRIES + len(seed_node), np.int32)
    waiting = np.empty(_ENTRIES + len(seed_node), np.int32)
    used = 0
    seen = 0
    for i in range(len(seed_node)):
        node = seed_node[i]
        if seed_label[i] < label[node] and (seed_label[i] >> OWNER_BITS) <= limit:
            seen, used = relax(work, node, seed_label[i], seen, bucket, following, waiting, used)
    for b in range(len(bucket)):
        while bucket[b] >= 0:
            node = waiting[bucket[b]]
            bucket[b] = following[bucket[b]]
            mine = label[node]
            if not work.waits[node] or (mine >> (OWNER_BITS + WIDTH_BITS)) != b:
                continue
            work.waits[node] = 0
            first, last = streets.arc_start[node], streets.arc_start[node + 1]
            while used + last - first > len(waiting):
                following = np.concatenate((following, np.empty_like(following)))
                waiting = np.concatenate((waiting, np.empty_like(waiting)))
            for arc in range(first, last):
                if streets.arc_s[arc] <= limit_s:
                    new = mine + (np.int64(streets.arc_s[arc] * STEPS_PER_S) << OWNER_BITS)
                    if new < label[streets.arc_head[arc]] and (new >> OWNER_BITS) <= limit:
                        seen, used = relax(
                            work, streets.arc_head[arc], new, seen, bucket, following, waiting, used
                        )  # fmt: skip
    return seen


@compiled
def along_one_edge(stations: Legs, own: int, buildings: Legs, row: int) -> int:
    """Ticks from a building to a station on the same edge, without leaving it; both off-street legs counted."""
    if stations.along_m[own] == buildings.along_m[row]:
        return int(stations.off[own] + buildings.off[row])
    if stations.along_m[own] > buildings.along_m[row]:
        there, here = stations.from_u[own], buildings.from_u[row]
    else:
        there, here = stations.from_v[own], buildings.from_v[row]
    if there >= CLOSED or here >= CLOSED:
        return CLOSED
    return int(there - here + 2 * buildings.off[row])


@compiled
def improve(seconds: Seconds, station: Ints, building: int, ticks: int, by: int) -> None:
    """Keep the better answer of a building: fewer seconds, then the lower station."""
    new = np.float32(ticks) / np.float32(STEPS_PER_S)
    old = seconds[building]
    if new < old or (new == old and by < station[building]):
        seconds[building] = new
        station[building] = by


@compiled
def along_edges(
    streets: Streets, label: Longs, buildings: Legs, limit: int, seconds: Seconds, station: Ints
) -> None:  # fmt: skip
    """Give buildings the answer of the nodes at the ends of their edges."""
    for edge in buildings.occupied:
        at_u = label[streets.edge_u[edge]]
        at_v = label[streets.edge_v[edge]]
        if at_u == UNREACHED and at_v == UNREACHED:
            continue
        for row in range(buildings.slot[edge], buildings.slot[edge + 1]):
            best = min(
                at_u + (np.int64(buildings.to_u[row]) << OWNER_BITS),
                at_v + (np.int64(buildings.to_v[row]) << OWNER_BITS),
            )
            if (best >> OWNER_BITS) <= limit:
                improve(seconds, station, buildings.thing[row], best >> OWNER_BITS, best & 0x7FFFFFFF)


@compiled
def to_buildings(
    streets: Streets, label: Longs, stations: Legs, buildings: Legs, straight: Straight, limit: int,
    seconds: Seconds, station: Ints,
) -> None:  # fmt: skip
    """Give every building the least seconds and its station; ``seconds`` is inf and ``station`` -1 before."""
    along_edges(streets, label, buildings, limit, seconds, station)
    for own in range(len(stations.edge)):
        edge = stations.edge[own]
        for row in range(buildings.slot[edge], buildings.slot[edge + 1]):
            ticks = along_one_edge(stations, own, buildings, row)
            if ticks <= limit:
                improve(seconds, station, buildings.thing[row], ticks, stations.thing[own])
    for by in range(len(straight.start) - 1):
        for pair in range(straight.start[by], straight.start[by + 1]):
            if straight.ticks[pair] <= limit:
                improve(seconds, station, straight.building[pair], straight.ticks[pair], by)


@compiled
def hold(best: Ints, several: Ints, held: int, building: int, ticks: int) -> int:
    """Keep the best ticks of a building that may be met more than once; return how many are held."""
    if best[building] == CLOSED:
        several[held] = building
        held += 1
    best[building] = min(best[building], ticks)
    return held


@compiled
def seeds_of(streets: Streets, stations: Legs, source: int) -> tuple[Ints, Longs]:
    """Return the ends of the edges of one station, and their labels."""
    first, last = stations.start[source], stations.start[source + 1]
    node = np.empty(2 * (last - first), np.int32)
    label = np.empty(2 * (last - first), np.int64)
    for i in range(last - first):
        own = stations.row[first + i]
        node[2 * i] = streets.edge_u[stations.edge[own]]
        label[2 * i] = np.int64(stations.from_u[own]) << OWNER_BITS
        node[2 * i + 1] = streets.edge_v[stations.edge[own]]
        label[2 * i + 1] = np.int64(stations.from_v[own]) << OWNER_BITS
    return node, label


@compiled
def hold_near(
    streets: Streets, label: Longs, stations: Legs, source: int, buildings: Legs, straight: Straight, limit: int,
    best: Ints, several: Ints,
) -> int:  # fmt: skip
    """Hold the buildings on the edges where a station itself stands, and those that need no street."""
    held = 0
    for i in range(stations.start[source], stations.start[source + 1]):
        own = stations.row[i]
        edge = stations.edge[own]
        at_u = label[streets.edge_u[edge]] >> OWNER_BITS
        at_v = label[streets.edge_v[edge]] >> OWNER_BITS
        for row in range(buildings.slot[edge], buildings.slot[edge + 1]):
            ticks = min(at_u + buildings.to_u[row], at_v + buildings.to_v[row])
            ticks = min(ticks, np.int64(along_one_edge(stations, own, buildings, row)))
            if ticks <= limit:
                held = hold(best, several, held, buildings.thing[row], ticks)
    for i in range(straight.start[source], straight.start[source + 1]):
        if straight.ticks[i] <= limit:
            held = hold(best, several, held, straight.building[i], straight.ticks[i])
    return held


@compiled
def room(building: Ints, seconds: Ints, needed: int) -> tuple[Ints, Ints]:
    """Return the two arrays, longer where they are too short."""
    while needed > len(building):
        building = np.concatenate((building, np.empty_like(building)))
        seconds = np.concatenate((seconds, np.empty_like(seconds)))
    return building, seconds


@compiled
def pairs_of(
    first: int, last: int, streets: Streets, stations: Legs, buildings: Legs, alone: Bools, straight: Straight,
    limit: int,
) -> tuple[Longs, Ints, Ints]:  # fmt: skip
    """Return how many buildings each station from ``first`` to ``last`` reaches, which, and in how many ticks.

    ``alone`` marks rows of buildings that can be met only once in a search.
    """
    nodes = len(streets.arc_start) - 1
    work = Work(np.full(nodes, UNREACHED, np.int64), np.zeros(nodes, np.uint8), np.empty(nodes, np.int32))
    label = work.label
    own_edge = np.full(len(streets.edge_u), -1, np.int32)
    best = np.full(len(buildings.extra), CLOSED, np.int32)
    several = np.empty(len(buildings.extra), np.int32)
    counts = np.zeros(last - first, np.int64)
    building = np.empty(_ENTRIES, np.int32)
    seconds = np.empty(_ENTRIES, np.int32)
    total = 0
    for source in range(first, last):
        node, seed = seeds_of(streets, stations, source)
        seen = spread(streets, node, seed, limit, work)
        before = total
        for i in range(stations.start[source], stations.start[source + 1]):
            own_edge[stations.edge[stations.row[i]]] = source
        held = hold_near(streets, label, stations, source, buildings, straight, limit, best, several)
        for i in range(seen):
            for arc in range(streets.arc_start[work.touched[i]], streets.arc_start[work.touched[i] + 1]):
                edge = streets.arc_edge[arc]
                # An edge is taken from its u end; from its v end only where u is not reached.
                if own_edge[edge] == source or not (
                    streets.arc_forward[arc] or label[streets.edge_u[edge]] == UNREACHED
                ):
                    continue
                at_u = label[streets.edge_u[edge]] >> OWNER_BITS
                at_v = label[streets.edge_v[edge]] >> OWNER_BITS
                building, seconds = room(building, seconds, total + buildings.slot[edge + 1] - buildings.slot[edge])
                for row in range(buildings.slot[edge], buildings.slot[edge + 1]):
                    ticks = min(at_u + buildings.to_u[row], at_v + buildings.to_v[row])
                    if ticks <= limit and alone[row]:
                        building[total] = buildings.thing[row]
                        seconds[total] = ticks
                        total += 1
                    elif ticks <= limit:
                        held = hold(best, several, held, buildings.thing[row], ticks)
        building, seconds = room(building, seconds, total + held)
        for i in range(held):
            building[total] = several[i]
            seconds[total] = best[several[i]]
            best[several[i]] = CLOSED
            total += 1
        label[work.touched[:seen]] = UNREACHED
        counts[source - first] = total - before
    return counts, building[:total], seconds[:total]
