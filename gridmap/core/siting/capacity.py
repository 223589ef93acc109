"""Covering by sites of limited capacity: who is served is a flow, and the households of a row may be divided.

For a given choice of sites the most valuable flow is exact: rows are served in the order of what a household counts,
and a row that finds its sites full moves others to sites that have room. Served rows stay served, so the order makes
the result the best one (the sets that can be served together are a polymatroid; Edmonds 1970).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gridmap.core.network.graph import Bytes, Floats, Ints, Longs
from gridmap.core.siting import kernels
from gridmap.core.siting.kernels import FREE, OUT, compiled
from gridmap.core.siting.rows import Rows
from gridmap.core.siting.search import Spacing, apart, with_rows
from gridmap.core.siting.solver import Model

_EXCHANGES, _TRIED = 300, 8


class Flow(NamedTuple):
    """Rows by candidate and by row, in the order in which they are served."""

    start: Longs
    row: Ints
    first: Longs
    candidate: Ints
    weight: Floats
    units: Floats
    order: Longs
    capacity: float


def flow_of(rows: Rows, capacity: float) -> Flow:
    """Return what the loops read; rows without households need no capacity and come first."""
    first, candidate, _ = kernels.by_row(rows.start, rows.row, len(rows.weight))
    with np.errstate(divide="ignore", invalid="ignore"):
        worth = np.where(rows.units > 0, rows.weight / rows.units, np.inf)
    order = np.argsort(-worth, kind="stable")
    return Flow(rows.start, rows.row, first, candidate, rows.weight, rows.units, order, float(capacity))


@compiled
def served(  # noqa: C901, PLR0912, PLR0915
    flow: Flow, sites: Ints
) -> tuple[float, Floats]:
    """Return what a choice of sites serves: its value, and the share of each row."""
    rows, k = len(flow.weight), len(sites)
    share = np.zeros(rows)
    position = np.full(len(flow.start) - 1, -1, dtype=np.int32)
    for i in range(k):
        position[sites[i]] = i
    room = np.full(k, flow.capacity)
    touched = np.zeros(rows, dtype=np.bool_)
    for i in range(k):
        for e in range(flow.start[sites[i]], flow.start[sites[i] + 1]):
            touched[flow.row[e]] = True
    local = np.empty(rows, dtype=np.int32)
    mine = 0
    for r in flow.order:
        if touched[r]:
            local[r] = mine
            mine += 1
    given = np.zeros((k, mine))
    dead = np.zeros(k, dtype=np.bool_)
    visited = np.zeros(k, dtype=np.int64)
    from_site = np.empty(k, dtype=np.int32)
    from_row = np.empty(k, dtype=np.int32)
    queue = np.empty(k, dtype=np.int32)
    value, stamp = 0.0, 0
    for r in flow.order:
        if not touched[r]:
            continue
        if flow.units[r] <= 0.0:
            share[r] = 1.0
            value += flow.weight[r]
            continue
        need = flow.units[r]
        while need > 1e-9 * flow.units[r]:
            stamp += 1
            head, tail, end = 0, 0, -1
            for e in range(flow.first[r], flow.first[r + 1]):
                s = position[flow.candidate[e]]
                if s >= 0 and not dead[s] and visited[s] != stamp:
                    visited[s] = stamp
                    from_site[s] = -1
                    queue[tail] = s
                    tail += 1
            while head < tail and end < 0:
                s = queue[head]
                head += 1
                if room[s] > 0.0:
                    end = s
                    break
                for e in range(flow.start[sites[s]], flow.start[sites[s] + 1]):
                    other = flow.row[e]
                    if given[s, local[other]] <= 0.0:
                        continue
                    for f in range(flow.first[other], flow.first[other + 1]):
                        t = position[flow.candidate[f]]
                        if t >= 0 and not dead[t] and visited[t] != stamp:
                            visited[t] = stamp
                            from_site[t] = s
                            from_row[t] = local[other]
                            queue[tail] = t
                            tail += 1
            if end < 0:
                # Full, and nobody there can go elsewhere: that stays so.
                for i in range(tail):
                    dead[queue[i]] = True
                break
            amount = min(need, room[end])
            s = end
            while from_site[s] >= 0:
                amount = min(amount, given[from_site[s], from_row[s]])
                s = from_site[s]
            room[end] -= amount
            s = end
            while from_site[s] >= 0:
                given[s, from_row[s]] += amount
                given[from_site[s], from_row[s]] -= amount
                s = from_site[s]
            given[s, local[r]] += amount
            need -= amount
        share[r] = 1.0 - max(need, 0.0) / flow.units[r]
        value += flow.weight[r] * share[r]
    return value, share


@compiled
def _rank(flow: Flow) -> Longs:
    rank = np.empty(len(flow.weight), dtype=np.int64)
    for k in range(len(flow.order)):
        rank[flow.order[k]] = k
    return rank


@compiled
def _direct(flow: Flow, rank: Longs, j: int, share: Floats) -> float:
    """Return what a candidate would serve of what is not served yet, with everybody else staying where they are."""
    mine = flow.row[flow.start[j] : flow.start[j + 1]]
    value, room = 0.0, flow.capacity
    for k in np.argsort(rank[mine]):
        r = mine[k]
        left = 1.0 - share[r]
        if flow.units[r] <= 0.0:
            value += flow.weight[r] * left
        elif room > 0.0 and left > 0.0:
            amount = min(room, flow.units[r] * left)
            room -= amount
            value += flow.weight[r] * (amount / flow.units[r])
    return value


@compiled
def alone(flow: Flow) -> Floats:
    """Return what each candidate would serve by itself."""
    rank, nobody = _rank(flow), np.zeros(len(flow.weight))
    values = np.empty(len(flow.start) - 1)
    for j in range(len(values)):
        values[j] = _direct(flow, rank, j, nobody)
    return values


@compiled
def _greedy(flow: Flow, state: Bytes, near_start: Longs, near: Ints, most: int, enough: float) -> tuple[Ints, float]:
    n = len(flow.start) - 1
    known = alone(flow)
    fresh = np.zeros(n, dtype=np.int64)
    blocked = np.zeros(n, dtype=np.bool_)
    sites = np.empty(most, dtype=np.int32)
    count, total = 0, 0.0
    rank, share = _rank(flow), np.zeros(len(flow.weight))
    while count < most and total < enough:
        top, highest = -1, 1e-9
        for j in range(n):
            if state[j] != OUT and not blocked[j] and known[j] > highest:
                top, highest = j, known[j]
        if top < 0:
            break
        if fresh[top] < count and _direct(flow, rank, top, share) < known[top] * (1 - 1e-12):
            sites[count] = top
            value, _ = served(flow, sites[: count + 1])
            known[top] = value - total
            fresh[top] = count
            continue
        sites[count] = top
        count += 1
        total, share = served(flow, sites[:count])
        blocked[top] = True
        for e in range(near_start[top], near_start[top + 1]):
            blocked[near[e]] = True
    return sites[:count].copy(), total


def choose(flow: Flow, state: Bytes, spacing: Spacing, most: int, enough: float = np.inf) -> Ints:
    """Choose sites greedily (gains only shrink), then exchange one for another while that helps, within a budget."""
    sites, total = _greedy(flow, state, spacing.start, spacing.near, most, enough)
    largest = np.sort(np.where(state == OUT, 0.0, alone(flow)))[::-1]
    if enough < np.inf:
        needed = int(np.searchsorted(np.cumsum(largest), enough) + 1)
        return sites if len(sites) <= needed else _without_spare(flow, sites, enough)
    most_value = min(float(flow.weight.sum()), float(largest[:most].sum()))
    budget, again = _EXCHANGES, True
    while again and budget > 0 and total < most_value * (1 - 1e-12):
        again = False
        for k in range(len(sites)):
            rest = np.delete(sites, k)
            for j in _likely(flow, state, spacing, rest, sites[k]):
                trial = np.append(rest, j).astype(np.int32)
                value, _ = served(flow, trial)
                budget -= 1
                if value > total * (1 + 1e-12):
                    sites, total, again = trial, value, True
                    break
    return sites


def in_order(flow: Flow, sites: Ints) -> Ints:
    """Return the sites, each adding most after those before it; those that add nothing are gone."""
    state = np.full(len(flow.start) - 1, OUT, dtype=np.uint8)
    state[sites] = FREE
    apart_all = np.zeros(len(flow.start), dtype=np.int64), np.empty(0, dtype=np.int32)
    return _greedy(flow, state, *apart_all, len(sites), np.inf)[0]


def _without_spare(flow: Flow, sites: Ints, enough: float) -> Ints:
    """Drop sites, the last first, as long as the others serve enough."""
    for j in sites[::-1].copy():
        rest = sites[sites != j]
        if served(flow, rest)[0] >= enough:
            sites = rest
    return sites


def _likely(flow: Flow, state: Bytes, spacing: Spacing, rest: Ints, gone: int) -> Longs:
    """Return the candidates with most unserved demand beside ``rest``, at most a few."""
    _, share = served(flow, rest)
    candidate = np.repeat(np.arange(len(state)), np.diff(flow.start))
    open_ = (1.0 - share[flow.row]) * flow.weight[flow.row]
    worth = np.bincount(candidate, weights=open_, minlength=len(state))
    worth[(state == OUT) | np.isin(np.arange(len(state)), np.append(rest, gone))] = -1.0
    for j in rest:
        worth[spacing.around(int(j))] = -1.0
    best = np.argsort(-worth, kind="stable")[:_TRIED]
    return best[worth[best] > 0].astype(np.int64)


def flow_model(flow: Flow, state: Bytes, spacing: Spacing) -> tuple[Model, Longs]:
    """Return the model and its candidates: a variable for each of them, one for the households of each entry.

    Rows without households have a variable of their own: whether one of their sites is open.
    """
    candidates = np.flatnonzero((state == FREE) & (np.diff(flow.start) > 0))
    number = np.full(len(state), -1, dtype=np.int64)
    number[candidates] = np.arange(len(candidates))
    place = number[np.repeat(np.arange(len(state)), np.diff(flow.start))]
    live = place >= 0
    place, row = place[live], flow.row[live].astype(np.int64)
    need = flow.units > 0
    place_free, row_free = place[~need[row]], row[~need[row]]
    place, row = place[need[row]], row[need[row]]
    n, entries = len(candidates), len(row)
    lone = np.unique(row_free)
    at_lone = np.searchsorted(lone, row_free)
    used = np.unique(row)
    gain = np.concatenate([np.zeros(n), flow.weight[row] / flow.units[row], flow.weight[lone]])
    most = np.concatenate([np.ones(n), np.minimum(flow.units[row], flow.capacity), np.ones(len(lone))])
    entry = n + np.arange(entries)
    limit = np.minimum(flow.capacity, np.bincount(place, weights=flow.units[row], minlength=n))
    # Households of a row; capacity of a site; nobody at a closed site; rows without households.
    lines = [
        (np.searchsorted(used, row), entry, np.ones(entries)),
        (len(used) + place, entry, np.ones(entries)),
        (len(used) + np.arange(n), np.arange(n), -limit),
        (len(used) + n + np.arange(entries), entry, np.ones(entries)),
        (len(used) + n + np.arange(entries), place, -np.minimum(flow.units[row], flow.capacity)),
        (len(used) + n + entries + at_lone, place_free, np.full(len(row_free), -1.0)),
        (len(used) + n + entries + np.arange(len(lone)), n + entries + np.arange(len(lone)), np.ones(len(lone))),
    ]
    line, column, value = (np.concatenate([part[i] for part in lines]) for i in range(3))
    order = np.argsort(line, kind="stable")
    count = len(used) + n + entries + len(lone)
    upper = np.zeros(count)
    upper[: len(used)] = flow.units[used]
    model = Model(
        gain=gain,
        most=most,
        whole=np.arange(len(gain)) < n,
        start=np.searchsorted(line[order], np.arange(count + 1)).astype(np.int32),
        column=column[order].astype(np.int32),
        value=value[order].astype(np.float64),
        lower=np.full(count, -np.inf),
        upper=upper,
    )
    return with_rows(model, apart(candidates, spacing)), candidates
