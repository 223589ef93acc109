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

from gridmap.core.network.graph import CLOSED, STEPS_PER_S, Bools, Floats, Ints, Longs, Seconds

OWNER_BITS = 32
#: Label of a node that no station reaches; with the ticks of what is closed it fits into 63 bits.
UNREACHED = 1 << 61
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
    arcs: Ints
    arc_head: Ints
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
    rows
        (R, 3) ticks from the door to the two ends of the edge, and the thing, side by side because a few rows of an
        edge are read at a time; ``~thing`` for a thing with several rows.
    from_u, from_v
        (R,) ticks from the ends of the edge to the door.
    slot
        (E + 1,) the rows of edge e are ``slot[e]`` … ``slot[e + 1] - 1``; (1,) where nobody asked for them.
    start, row
        (n + 1,), (R,): the rows of thing t are ``row[start[t]:start[t + 1]]``.
    door
        (n, 4) the nodes at the ends of a thing's edge and the ticks to them, of things with one row; CLOSED where
        there is none or several.
    several
        Things with several rows.
    extra
        (n,) ticks that each thing adds of its own.
    """

    thing: Ints
    edge: Ints
    along_m: Floats
    off: Ints
    rows: Ints
    from_u: Ints
    from_v: Ints
    slot: Ints
    start: Ints
    row: Ints
    door: Ints
    several: Ints
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


# One loop in one piece: calls inside it cost more than what they do.
@compiled
def spread(  # noqa: C901
    streets: Streets, seed_node: Ints, seed_label: Longs, limit: int, work: Work
) -> int:
    """Spread labels from a few seeds to every node within ``limit`` ticks; return how many nodes were touched."""
    # Fields of tuples are looked up and counted at every use in a loop: three times slower than these names.
    arc_start, arcs = streets.arc_start, streets.arcs
    label, touched = work.label, work.touched
    beyond = (np.int64(limit) + 1) << OWNER_BITS
    # Linked lists of nodes, one for each bucket.
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
                new = mine + (np.int64(arcs[arc, 1]) << OWNER_BITS)
                node = arcs[arc, 0]
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
def spread_wide(  # noqa: C901
    streets: Streets, seed_node: Ints, seed_label: Longs, limit: int, label: Longs
) -> None:
    """Improve labels from many seeds, as :func:`spread` does; ``label`` may hold those of an earlier search.

    The nodes of a bucket are taken out before they are worked on, so that the processor looks ahead from one to the
    next: a third faster where buckets are full, slower where they hold a few nodes.
    """
    arc_start, arcs = streets.arc_start, streets.arcs
    bucket = np.full((limit >> WIDTH_BITS) + 1, -1, np.int32)
    queue = np.empty((_ENTRIES + len(label) + len(seed_node), 2), np.int32)
    now = np.empty(_ENTRIES, np.int32)
    used = 0
    for i in range(len(seed_node)):
        node, new = seed_node[i], seed_label[i]
        if new < label[node]:
            label[node] = new
            at = new >> BUCKET_BITS
            queue[used, 0], queue[used, 1] = node, bucket[at]
            bucket[at] = used
            used += 1
    for b in range(len(bucket)):
        while bucket[b] >= 0:
            entry, count, room = bucket[b], 0, 0
            while entry >= 0 and count < len(now):
                node, entry = queue[entry, 0], queue[entry, 1]
                if (label[node] >> BUCKET_BITS) == b:
                    now[count] = node
                    count += 1
                    room += arc_start[node + 1] - arc_start[node]
            bucket[b] = entry
            while used + room > len(queue):
                queue = np.concatenate((queue, np.empty_like(queue)))
            for i in range(count):
                mine = label[now[i]]
                for arc in range(arc_start[now[i]], arc_start[now[i] + 1]):
                    node = arcs[arc, 0]
                    new = mine + (np.int64(arcs[arc, 1]) << OWNER_BITS)
                    if new < label[node]:
                        label[node] = new
                        at = new >> BUCKET_BITS
                        queue[used, 0], queue[used, 1] = node, bucket[at]
                        bucket[at] = used
                        used += 1


def along_edge(
    s_along: float, s_off: int, s_u: int, s_v: int, b_along: float, b_off: int, b_u: int, b_v: int
) -> int:  # fmt: skip
    """Ticks from a building to a station on the same edge, without leaving it; both off-street legs counted.

    ``_u`` and ``_v`` are the ticks from the ends of the edge to the two doors.
    """
    if s_along == b_along:
        return int(s_off + b_off)
    there, here = (s_u, b_u) if s_along > b_along else (s_v, b_v)
    if there >= CLOSED or here >= CLOSED:
        return CLOSED
    return int(there - here + 2 * b_off)


along_one_edge = compiled(along_edge)


@compiled
def improve(seconds: Seconds, station: Ints, building: int, ticks: int, by: int) -> None:
    """Keep the better answer of a building: fewer seconds, then the lower station."""
    new = np.float32(ticks) / np.float32(STEPS_PER_S)
    if new < seconds[building] or (new == seconds[building] and by < station[building]):
        seconds[building] = new
        station[building] = by


@compiled
def by_streets(
    label: Longs, streets: Streets, buildings: Legs, which: Ints, limit: int, seconds: Seconds, station: Ints
) -> None:
    """Write the least seconds (inf) and station (-1) by way of the ends of their streets for some buildings."""
    start, row_of, rows, edge = buildings.start, buildings.row, buildings.rows, buildings.edge
    beyond = (np.int64(limit) + 1) << OWNER_BITS
    for building in which:
        best = beyond
        for i in range(start[building], start[building + 1]):
            row = row_of[i]
            by_u = label[streets.edge_u[edge[row]]] + (np.int64(rows[row, 0]) << OWNER_BITS)
            by_v = label[streets.edge_v[edge[row]]] + (np.int64(rows[row, 1]) << OWNER_BITS)
            best = min(best, by_u, by_v)
        reached = best < beyond
        seconds[building] = np.float32(best >> OWNER_BITS) / np.float32(STEPS_PER_S) if reached else np.float32(np.inf)
        station[building] = np.int32(best & 0x7FFFFFFF) if reached else np.int32(-1)


@compiled
def all_by_streets(label: Longs, streets: Streets, buildings: Legs, limit: int) -> tuple[Seconds, Ints]:
    """Return what :func:`by_streets` writes, for all buildings.

    What is read of a building lies side by side, and in their order: only the labels are read here and there.
    """
    door = buildings.door
    count = len(door)
    seconds = np.empty(count, np.float32)
    station = np.empty(count, np.int32)
    step = np.float32(1.0 / STEPS_PER_S)
    beyond = (np.int64(limit) + 1) << OWNER_BITS
    if len(label) == 0:
        seconds[:] = np.inf
        station[:] = -1
        return seconds, station
    for building in range(count):
        by_u = label[door[building, 0]] + (np.int64(door[building, 2]) << OWNER_BITS)
        by_v = label[door[building, 1]] + (np.int64(door[building, 3]) << OWNER_BITS)
        best = min(by_u, by_v)
        reached = best < beyond
        seconds[building] = np.float32(best >> OWNER_BITS) * step if reached else np.float32(np.inf)
        station[building] = np.int32(best & 0x7FFFFFFF) if reached else np.int32(-1)
    by_streets(label, streets, buildings, buildings.several, limit, seconds, station)
    return seconds, station


@compiled
def without_nodes(
    stations: Legs, buildings: Legs, straight: Straight, limit: int, seconds: Seconds, station: Ints
) -> None:
    """Improve answers by ways that pass no node: along the street on which a station itself stands, and straight."""
    slot, thing = buildings.slot, buildings.thing
    along, off, from_u, from_v = buildings.along_m, buildings.off, buildings.from_u, buildings.from_v
    for own in range(len(stations.edge)):
        edge, by = stations.edge[own], stations.thing[own]
        place = (stations.along_m[own], stations.off[own], stations.from_u[own], stations.from_v[own])
        for row in range(slot[edge], slot[edge + 1]):
            ticks = along_one_edge(*place, along[row], off[row], from_u[row], from_v[row])
            if ticks <= limit:
                improve(seconds, station, thing[row], ticks, by)
    first, building_of, ticks_of = straight.start, straight.building, straight.ticks
    for by in range(len(first) - 1):
        for pair in range(first[by], first[by + 1]):
            if ticks_of[pair] <= limit:
                improve(seconds, station, building_of[pair], ticks_of[pair], by)


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


class Desk(NamedTuple):
    """Room for searches from one station after the other; left as it was found.

    Attributes
    ----------
    label, touched
        See :class:`Work`.
    own_edge
        (E,) the last station that stood on an edge; -1.
    best, several
        (B,) ticks of buildings that may be met more than once, CLOSED; and room to list them.
    building, seconds
        Room for pairs, at least B: only what is used of it costs anything.
    """

    label: Longs
    touched: Ints
    own_edge: Ints
    best: Ints
    several: Ints
    building: Ints
    seconds: Seconds


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
            ticks = min(at_u + buildings.rows[row, 0], at_v + buildings.rows[row, 1])
            ticks = min(
                ticks,
                np.int64(
                    along_one_edge(
                        stations.along_m[own], stations.off[own], stations.from_u[own], stations.from_v[own],
                        buildings.along_m[row], buildings.off[row], buildings.from_u[row], buildings.from_v[row],
                    )
                ),
            )  # fmt: skip
            if ticks <= limit:
                held = hold(best, several, held, buildings.thing[row], ticks)
    for i in range(straight.start[source], straight.start[source + 1]):
        if straight.ticks[i] <= limit:
            held = hold(best, several, held, straight.building[i], straight.ticks[i])
    return held


@compiled
def longer(building: Ints, seconds: Seconds, used: int, needed: int) -> tuple[Ints, Seconds]:
    """Return the two arrays with room for ``needed`` entries; the first ``used`` are kept."""
    size = len(building)
    while size < needed:
        size *= 2
    more_building, more_seconds = np.empty(size, np.int32), np.empty(size, np.float32)
    more_building[:used] = building[:used]
    more_seconds[:used] = seconds[:used]
    return more_building, more_seconds


@compiled
def tell(
    streets: Streets, slot: Ints, rows: Ints, source: int, seen: int, limit: int, desk: Desk, held: int,
    building: Ints, seconds: Seconds, total: int,
) -> tuple[int, int]:  # fmt: skip
    """Write the buildings on the edges around the nodes that were touched; return how many there are and are held."""
    arc_start, arc_head = streets.arc_start, streets.arc_head
    arc_edge, arc_forward = streets.arc_edge, streets.arc_forward
    label, touched, own_edge, best, several = desk.label, desk.touched, desk.own_edge, desk.best, desk.several
    step = np.float32(1.0 / STEPS_PER_S)
    for i in range(seen):
        mine = label[touched[i]] >> OWNER_BITS
        for arc in range(arc_start[touched[i]], arc_start[touched[i] + 1]):
            theirs = label[arc_head[arc]]
            # An edge is taken from its u end; from its v end only where u is not reached.
            if not (arc_forward[arc] or theirs == UNREACHED):
                continue
            edge = arc_edge[arc]
            begin, end = slot[edge], slot[edge + 1]
            if begin == end or own_edge[edge] == source:
                continue
            theirs >>= OWNER_BITS
            at_u, at_v = (mine, theirs) if arc_forward[arc] else (theirs, mine)
            for row in range(begin, end):
                ticks = min(at_u + rows[row, 0], at_v + rows[row, 1])
                if ticks <= limit and rows[row, 2] >= 0:
                    building[total] = rows[row, 2]
                    seconds[total] = np.float32(ticks) * step
                    total += 1
                elif ticks <= limit:
                    held = hold(best, several, held, ~rows[row, 2], ticks)
    for i in range(held):
        building[total] = several[i]
        seconds[total] = np.float32(best[several[i]]) * step
        best[several[i]] = CLOSED
        total += 1
    for i in range(seen):
        label[touched[i]] = UNREACHED
    return total, held


@compiled
def pairs_of(
    first: int, last: int, streets: Streets, stations: Legs, buildings: Legs, rows: Ints, straight: Straight,
    limit: int, desk: Desk,
) -> tuple[Longs, Ints, Seconds]:  # fmt: skip
    """Return how many buildings each station from ``first`` to ``last`` reaches, which, and in how many seconds.

    ``rows`` are those of the buildings, with ``~thing`` also for buildings that need no street to some station.
    """
    work = Work(desk.label, desk.touched)
    counts = np.zeros(last - first, np.int64)
    building, seconds = desk.building, desk.seconds
    total = 0
    for source in range(first, last):
        seed, seed_label = seeds_of(streets, stations, source)
        seen = spread(streets, seed, seed_label, limit, work)
        for i in range(stations.start[source], stations.start[source + 1]):
            desk.own_edge[stations.edge[stations.row[i]]] = source
        held = hold_near(streets, desk.label, stations, source, buildings, straight, limit, desk.best, desk.several)
        before = total
        # No station reaches more than every building.
        if total + len(desk.best) > len(building):
            building, seconds = longer(building, seconds, total, total + len(desk.best))
        total, held = tell(
            streets, buildings.slot, rows, source, seen, limit, desk, held, building, seconds, total
        )  # fmt: skip
        counts[source - first] = total - before
    return counts, building[:total].copy(), seconds[:total].copy()
