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

from gridmap.core.network.graph import STEPS_PER_S, Bools, Floats, Ints, Longs, Seconds

OWNER_BITS = 32
#: Label of a node that no station reaches; and ticks of what cannot be walked. Their sum fits into 63 bits.
UNREACHED = 1 << 61
CLOSED = 1 << 28
#: Buckets are 8 s wide: less than most streets between two crossings.
WIDTH_BITS = 13
BUCKET_BITS = OWNER_BITS + WIDTH_BITS
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
    """Labels of N nodes (UNREACHED), and room to list those that were touched."""

    label: Longs
    touched: Ints


# C901: one loop in one piece; calls inside it cost more than what they do.
@compiled
def spread(  # noqa: C901
    streets: Streets, seed_node: Ints, seed_label: Longs, limit: int, work: Work
) -> int:
    """Spread labels from the seeds to every node within ``limit`` ticks; return how many nodes were touched."""
    # Fields of tuples are looked up and counted at every use in a loop: three times slower than these names.
    arc_start, arc_head, arc_s = streets.arc_start, streets.arc_head, streets.arc_s
    label, touched = work.label, work.touched
    limit_s = np.float32(limit / STEPS_PER_S)
    beyond = (np.int64(limit) + 1) << OWNER_BITS
    # Linked lists of nodes, one for each bucket;.
    bucket = np.full((limit >> WIDTH_BITS) + 1, -1, np.int32)
    following = np.empty(_ENTRIES + len(seed_node), np.int32)
    waiting = np.empty(_ENTRIES + len(seed_node), np.int32)
    used = 0
    seen = 0
    for i in range(len(seed_node)):
        node, new = seed_node[i], seed_label[i]
        if new < label[node] and new < beyond:
            if label[node] == UNREACHED:
                touched[seen] = node
                seen += 1
            label[node] = new
            waiting[used] = node
            following[used] = bucket[new >> BUCKET_BITS]
            bucket[new >> BUCKET_BITS] = used
            used += 1
    for b in range(len(bucket)):
        while bucket[b] >= 0:
            node = waiting[bucket[b]]
            bucket[b] = following[bucket[b]]
            mine = label[node]
            if (mine >> BUCKET_BITS) != b:
                continue
            first, last = arc_start[node], arc_start[node + 1]
            while used + last - first > len(waiting):
                following = np.concatenate((following, np.empty_like(following)))
                waiting = np.concatenate((waiting, np.empty_like(waiting)))
            for arc in range(first, last):
                if not arc_s[arc] <= limit_s:
                    continue
                new = mine + (np.int64(arc_s[arc] * STEPS_PER_S) << OWNER_BITS)
                node = arc_head[arc]
                if new < label[node] and new < beyond:
                    if label[node] == UNREACHED:
                        touched[seen] = node
                        seen += 1
                    label[node] = new
                    waiting[used] = node
                    following[used] = bucket[new >> BUCKET_BITS]
                    bucket[new >> BUCKET_BITS] = used
                    used += 1
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
def at_doors(streets: Streets, label: Longs, stations: Legs, buildings: Legs, straight: Straight) -> Longs:
    """Return the label of every building from those of the nodes; it may be beyond the limit."""
    edge_u, edge_v = streets.edge_u, streets.edge_v
    slot, thing, to_u, to_v = buildings.slot, buildings.thing, buildings.to_u, buildings.to_v
    door = np.full(len(buildings.extra), UNREACHED, np.int64)
    for edge in buildings.occupied:
        at_u, at_v = label[edge_u[edge]], label[edge_v[edge]]
        if at_u == UNREACHED and at_v == UNREACHED:
            continue
        for row in range(slot[edge], slot[edge + 1]):
            best = min(at_u + (np.int64(to_u[row]) << OWNER_BITS), at_v + (np.int64(to_v[row]) << OWNER_BITS))
            door[thing[row]] = min(door[thing[row]], best)
    for own in range(len(stations.edge)):
        edge = stations.edge[own]
        for row in range(slot[edge], slot[edge + 1]):
            ticks = np.int64(along_one_edge(stations, own, buildings, row))
            door[thing[row]] = min(door[thing[row]], ticks << OWNER_BITS | stations.thing[own])
    for by in range(len(straight.start) - 1):
        for pair in range(straight.start[by], straight.start[by + 1]):
            building = straight.building[pair]
            door[building] = min(door[building], np.int64(straight.ticks[pair]) << OWNER_BITS | by)
    return door


@compiled
def told(label: Longs, limit: int) -> tuple[Seconds, Ints]:
    """Return seconds (inf beyond ``limit`` ticks) and station (-1) of labels."""
    seconds = np.full(len(label), np.inf, np.float32)
    station = np.full(len(label), -1, np.int32)
    for i in range(len(label)):
        if (label[i] >> OWNER_BITS) <= limit:
            seconds[i] = np.float32(label[i] >> OWNER_BITS) / np.float32(STEPS_PER_S)
            station[i] = np.int32(label[i] & 0x7FFFFFFF)
    return seconds, station


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
def pairs_of(  # noqa: C901
    first: int, last: int, streets: Streets, stations: Legs, buildings: Legs, alone: Bools, straight: Straight,
    limit: int,
) -> tuple[Longs, Ints, Ints]:  # fmt: skip
    """Return how many buildings each station from ``first`` to ``last`` reaches, which, and in how many ticks.

    ``alone`` marks rows of buildings that can be met only once in a search.
    """
    arc_start, arc_edge, arc_forward = streets.arc_start, streets.arc_edge, streets.arc_forward
    edge_u, edge_v = streets.edge_u, streets.edge_v
    slot, thing, to_u, to_v = buildings.slot, buildings.thing, buildings.to_u, buildings.to_v
    nodes = len(arc_start) - 1
    work = Work(np.full(nodes, UNREACHED, np.int64), np.empty(nodes, np.int32))
    label, touched = work.label, work.touched
    own_edge = np.full(len(edge_u), -1, np.int32)
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
            for arc in range(arc_start[touched[i]], arc_start[touched[i] + 1]):
                edge = arc_edge[arc]
                # An edge is taken from its u end; from its v end only where u is not reached.
                if own_edge[edge] == source or not (arc_forward[arc] or label[edge_u[edge]] == UNREACHED):
                    continue
                at_u = label[edge_u[edge]] >> OWNER_BITS
                at_v = label[edge_v[edge]] >> OWNER_BITS
                if total + slot[edge + 1] - slot[edge] > len(building):
                    building, seconds = room(building, seconds, total + slot[edge + 1] - slot[edge])
                for row in range(slot[edge], slot[edge + 1]):
                    ticks = min(at_u + to_u[row], at_v + to_v[row])
                    if ticks <= limit and alone[row]:
                        building[total] = thing[row]
                        seconds[total] = ticks
                        total += 1
                    elif ticks <= limit:
                        held = hold(best, several, held, thing[row], ticks)
        building, seconds = room(building, seconds, total + held)
        for i in range(held):
            building[total] = several[i]
            seconds[total] = best[several[i]]
            best[several[i]] = CLOSED
            total += 1
        label[touched[:seen]] = UNREACHED
        counts[source - first] = total - before
    return counts, building[:total], seconds[:total]
