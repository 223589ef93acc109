"""The loops of siting: greedy choice, exchange, Lagrangian bound, capacity.

All models are one: rows r with a weight and a ``cap`` (the cost without any new site), and entries (candidate, row)
with a cost below the cap. A choice S costs ``sum of weight * min(cap, least cost of S in the row)``. Covering has cap 1
and costs 0; p-median has seconds. Ties go to the lower candidate.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

import numpy as np
from numba import njit

from gridmap.core.network.graph import Bools, Bytes, Floats, Ints, Longs, Seconds

_Function = TypeVar("_Function", bound=Callable[..., object])

FREE, TAKEN, OUT = 0, 1, 2
#: Rounds without a better bound after which the step is shortened, and the step at which the search for it ends.
_STALLED, _SHORTEST = 10, 1e-4


def compiled(function: _Function) -> _Function:
    """Compile a loop once for all runs; it runs without the interpreter's lock."""
    return cast("_Function", njit(cache=True, nogil=True)(function))


@compiled
def rows_are_sound(start: Longs, demand: Ints, demands: int) -> bool:
    """Tell whether coverage rows are in order: bounds ascend, demands exist, none stands twice in a row."""
    if len(start) == 0 or start[0] != 0 or start[-1] != len(demand):
        return False
    seen = np.full(demands, -1, dtype=np.int64)
    for place in range(len(start) - 1):
        if start[place + 1] < start[place]:
            return False
        for e in range(start[place], start[place + 1]):
            d = demand[e]
            if d < 0 or d >= demands or seen[d] == place:
                return False
            seen[d] = place
    return True


@compiled
def by_row(start: Longs, row: Ints, rows: int) -> tuple[Longs, Ints, Longs]:
    """Turn rows by candidate into rows by demand: bounds, candidates ascending, and the entry each came from."""
    first = np.zeros(rows + 1, dtype=np.int64)
    for e in range(len(row)):
        first[row[e] + 1] += 1
    for r in range(rows):
        first[r + 1] += first[r]
    at = first[:-1].copy()
    candidate = np.empty(len(row), dtype=np.int32)
    entry = np.empty(len(row), dtype=np.int64)
    for j in range(len(start) - 1):
        for e in range(start[j], start[j + 1]):
            k = at[row[e]]
            candidate[k] = j
            entry[k] = e
            at[row[e]] = k + 1
    return first, candidate, entry


@compiled
def same_rows(  # noqa: C901
    first: Longs, candidate: Ints, use: Bools
) -> tuple[Ints, int]:
    """Return a number for each set of candidates: that of each used row (-1: it has none), and how many there are."""
    rows = len(first) - 1
    group = np.full(rows, -1, dtype=np.int32)
    size = 1
    while size < 2 * rows + 1:
        size *= 2
    table = np.full(size, -1, dtype=np.int64)
    groups = 0
    for r in range(rows):
        low, high = first[r], first[r + 1]
        if not use[r] or low == high:
            continue
        h = np.uint64(1469598103934665603)
        for k in range(low, high):
            h = (h ^ np.uint64(candidate[k])) * np.uint64(1099511628211)
            h ^= h >> np.uint64(29)
        slot = np.int64(h & np.uint64(size - 1))
        while table[slot] >= 0:
            other = table[slot]
            base = first[other]
            same = first[other + 1] - base == high - low
            if same:
                for k in range(high - low):
                    if candidate[base + k] != candidate[low + k]:
                        same = False
                        break
            if same:
                group[r] = group[other]
                break
            slot = (slot + 1) & (size - 1)
        if group[r] < 0:
            table[slot] = r
            group[r] = groups
            groups += 1
    return group, groups


@compiled
def merged(start: Longs, row: Ints, group: Ints, groups: int) -> tuple[Longs, Ints]:
    """Return rows by candidate with each group once."""
    seen = np.full(groups, -1, dtype=np.int32)
    out_start = np.zeros(len(start), dtype=np.int64)
    out = np.empty(len(row), dtype=np.int32)
    n = 0
    for j in range(len(start) - 1):
        for e in range(start[j], start[j + 1]):
            g = group[row[e]]
            if g >= 0 and seen[g] != j:
                seen[g] = j
                out[n] = g
                n += 1
        out_start[j + 1] = n
    return out_start, out[:n].copy()


@compiled
def _gain(j: int, start: Longs, row: Ints, cost: Seconds, weight: Floats, best: Floats) -> float:
    gain = 0.0
    for e in range(start[j], start[j + 1]):
        r = row[e]
        if cost[e] < best[r]:
            gain += weight[r] * (best[r] - cost[e])
    return gain


@compiled
def _add(j: int, start: Longs, row: Ints, cost: Seconds, best: Floats) -> None:
    for e in range(start[j], start[j + 1]):
        best[row[e]] = min(best[row[e]], cost[e])


@compiled
def greedy(  # noqa: C901
    start: Longs,
    row: Ints,
    cost: Seconds,
    weight: Floats,
    cap: Floats,
    state: Bytes,
    near_start: Longs,
    near: Ints,
    most: int,
    enough: float,
) -> tuple[Ints, Floats]:
    """Choose the candidate that gains most, again and again (Minoux 1978: gains only shrink, so few are recomputed).

    Parameters
    ----------
    state
        (C,) FREE, TAKEN (chosen before all others) or OUT.
    near_start, near
        Candidates that are too near each other, as rows.
    most, enough
        Stop at so many sites, or when they gain so much together.

    Returns
    -------
    sites, gains
        In the order of choice; sites without any gain are not chosen.
    """
    n = len(start) - 1
    best = cap.copy()
    blocked = np.zeros(n, dtype=np.int32)
    known = np.empty(n, dtype=np.float64)
    fresh = np.zeros(n, dtype=np.int64)
    sites = np.empty(max(most, 0), dtype=np.int32)
    gains = np.empty(max(most, 0), dtype=np.float64)
    count, total = 0, 0.0
    for j in range(n):
        if state[j] == TAKEN and count < most:
            sites[count] = j
            gains[count] = _gain(j, start, row, cost, weight, best)
            total += gains[count]
            count += 1
            _add(j, start, row, cost, best)
            blocked[j] = 1
            for k in range(near_start[j], near_start[j + 1]):
                blocked[near[k]] = 1
    for j in range(n):
        known[j] = _gain(j, start, row, cost, weight, best) if state[j] == FREE else 0.0
    step = 0
    while count < most and total < enough:
        top, most_known = -1, 0.0
        for j in range(n):
            if blocked[j] == 0 and known[j] > most_known:
                top, most_known = j, known[j]
        if top < 0:
            break
        if fresh[top] < step:
            known[top] = _gain(top, start, row, cost, weight, best)
            fresh[top] = step
            continue
        sites[count] = top
        gains[count] = known[top]
        total += known[top]
        count += 1
        step += 1
        _add(top, start, row, cost, best)
        blocked[top] = 1
        for k in range(near_start[top], near_start[top + 1]):
            blocked[near[k]] = 1
    return sites[:count].copy(), gains[:count].copy()


@compiled
def total_cost(start: Longs, row: Ints, cost: Seconds, weight: Floats, cap: Floats, sites: Ints) -> float:
    """Return what a choice costs."""
    best = cap.copy()
    for j in sites:
        _add(j, start, row, cost, best)
    total = 0.0
    for r in range(len(weight)):
        total += weight[r] * best[r]
    return total


@compiled
def exchange(  # noqa: C901, PLR0912, PLR0915
    start: Longs,
    row: Ints,
    cost: Seconds,
    weight: Floats,
    cap: Floats,
    state: Bytes,
    near_start: Longs,
    near: Ints,
    sites: Ints,
    most: int,
    rounds: int,
) -> tuple[Ints, int]:
    """Add sites up to ``most``, and exchange one site for another as long as that helps (Teitz & Bart 1968).

    Every round looks at all exchanges at once (Resende & Werneck 2007) and makes the best one.

    Returns
    -------
    sites
        The better choice.
    rounds
        How many rounds are left.
    """
    n, rows = len(start) - 1, len(weight)
    chosen = np.empty(max(most, len(sites)), dtype=np.int32)
    count = len(sites)
    chosen[:count] = sites
    position = np.full(n, -1, dtype=np.int32)
    conflicts = np.zeros(n, dtype=np.int32)
    for k in range(count):
        position[chosen[k]] = k
        for e in range(near_start[chosen[k]], near_start[chosen[k] + 1]):
            conflicts[near[e]] += 1
    best = np.empty(rows, dtype=np.float64)
    second = np.empty(rows, dtype=np.float64)
    owner = np.empty(rows, dtype=np.int32)
    loss = np.empty(len(chosen), dtype=np.float64)
    extra = np.empty(len(chosen), dtype=np.float64)
    while rounds > 0:
        rounds -= 1
        best[:] = cap
        second[:] = cap
        owner[:] = -1
        for k in range(count):
            for e in range(start[chosen[k]], start[chosen[k] + 1]):
                r = row[e]
                if cost[e] < best[r]:
                    second[r] = best[r]
                    best[r] = cost[e]
                    owner[r] = k
                elif cost[e] < second[r]:
                    second[r] = cost[e]
        loss[:count] = 0.0
        scale = 0.0
        for r in range(rows):
            scale += weight[r] * cap[r]
            if owner[r] >= 0:
                loss[owner[r]] += weight[r] * (second[r] - best[r])
        profit, come, go = 1e-12 * scale, -1, -1
        for j in range(n):
            if state[j] == OUT or position[j] >= 0 or conflicts[j] > 1:
                continue
            gain = 0.0
            extra[:count] = 0.0
            for e in range(start[j], start[j + 1]):
                r, t = row[e], cost[e]
                if t < best[r]:
                    gain += weight[r] * (best[r] - t)
                    if owner[r] >= 0:
                        extra[owner[r]] += weight[r] * (second[r] - best[r])
                elif t < second[r] and owner[r] >= 0:
                    extra[owner[r]] += weight[r] * (second[r] - t)
            if count < most and conflicts[j] == 0:
                if gain > profit:
                    profit, come, go = gain, j, count
                continue
            for k in range(count):
                if state[chosen[k]] == TAKEN:
                    continue
                value = gain - loss[k] + extra[k]
                if value > profit:
                    if conflicts[j] == 1:
                        apart = True
                        for e in range(near_start[j], near_start[j + 1]):
                            if position[near[e]] >= 0 and position[near[e]] != k:
                                apart = False
                        if not apart:
                            continue
                    profit, come, go = value, j, k
        if come < 0:
            break
        if go == count:
            count += 1
        else:
            out = chosen[go]
            position[out] = -1
            for e in range(near_start[out], near_start[out + 1]):
                conflicts[near[e]] -= 1
        chosen[go] = come
        position[come] = go
        for e in range(near_start[come], near_start[come + 1]):
            conflicts[near[e]] += 1
    return chosen[:count].copy(), rounds


@compiled
def lagrange(  # noqa: C901, PLR0912, PLR0915
    start: Longs,
    row: Ints,
    cost: Seconds,
    weight: Floats,
    cap: Floats,
    state: Bytes,
    multiplier: Floats,
    most: int,
    goal: float,
    step: float,
    rounds: int,
) -> tuple[float, bool, float]:
    """Bound the least cost of at most ``most`` sites from below, and settle candidates on the way.

    Lagrangian relaxation of "each row is served once" with deflected subgradients (Camerini, Fratta & Maffioli 1975;
    Geoffrion 1974). Candidates without which, or with which, no choice costs less than ``goal`` become TAKEN or OUT
    in ``state``; ``multiplier`` (one for each row) is where it starts, and where the best bound was; ``step`` is the
    length of the steps, 1 at first.

    Returns
    -------
    bound
        The best bound; at least ``goal`` when no choice is cheaper than that.
    settled
        Whether the search ended by itself, not by the number of rounds.
    step
        Length of the steps at the end, to go on with.
    """
    n, rows = len(start) - 1, len(weight)
    worth = np.empty(n, dtype=np.float64)
    served = np.zeros(rows, dtype=np.int32)
    direction = np.zeros(rows, dtype=np.float64)
    kept = multiplier.copy()
    bound, stalled = -np.inf, 0
    taken = 0
    for j in range(n):
        taken += state[j] == TAKEN
    for _ in range(rounds):
        for j in range(n):
            total = 0.0
            if state[j] != OUT:
                for e in range(start[j], start[j + 1]):
                    r = row[e]
                    total += max(0.0, multiplier[r] - weight[r] * cost[e])
            worth[j] = total
        rank = worth.copy()
        for j in range(n):
            if state[j] == TAKEN:
                rank[j] = np.inf
            elif state[j] == OUT:
                rank[j] = -1.0
        order = np.argsort(-rank, kind="mergesort")
        chosen = min(most, n)
        value = 0.0
        for r in range(rows):
            value += multiplier[r]
        for k in range(chosen):
            value -= worth[order[k]]
        last = worth[order[chosen - 1]] if chosen > 0 else 0.0
        following = worth[order[chosen]] if chosen < n else 0.0
        for k in range(n):
            j = order[k]
            if state[j] != FREE:
                continue
            if k < chosen:
                if value + worth[j] - following >= goal:
                    state[j] = TAKEN
                    taken += 1
            elif chosen > 0 and taken <= most and value + last - worth[j] >= goal:
                state[j] = OUT
        if value > bound:
            stalled = 0 if value > bound + 1e-6 * abs(bound) else stalled + 1
            bound = value
            kept[:] = multiplier
        else:
            stalled += 1
        if bound >= goal or taken > most:
            multiplier[:] = kept
            return max(bound, goal) if taken > most else bound, True, step
        if stalled >= _STALLED:
            step *= 0.6
            stalled = 0
            multiplier[:] = kept
            direction[:] = 0.0
            if step < _SHORTEST:
                return bound, True, step
            continue
        served[:] = 0
        for k in range(chosen):
            j = order[k]
            for e in range(start[j], start[j + 1]):
                if multiplier[row[e]] > weight[row[e]] * cost[e]:
                    served[row[e]] += 1
        norm = 0.0
        for r in range(rows):
            up = 0.3 * (1.0 - served[r]) + 0.7 * direction[r]
            if (up > 0.0 and multiplier[r] >= weight[r] * cap[r]) or (up < 0.0 and multiplier[r] <= 0.0):
                up = 0.0
            direction[r] = up
            norm += up * up
        if norm == 0.0:
            direction[:] = 0.0
            stalled += 1
            continue
        length = step * max(goal - value, 1e-9 * abs(goal)) / norm
        for r in range(rows):
            multiplier[r] = min(max(multiplier[r] + length * direction[r], 0.0), weight[r] * cap[r])
    multiplier[:] = kept
    return bound, False, step


@compiled
def fewer(  # noqa: C901, PLR0912, PLR0915
    start: Longs, row: Ints, first: Longs, candidate: Ints, near_start: Longs, near: Ints, sites: Ints, steps: int
) -> Ints:
    """Look for fewer sites that serve every row, from a choice that does (row weighting; Gao, Weise & Li 2015).

    One site is taken out; then, again and again, another is exchanged for one that serves a row that nobody serves,
    and rows that stay unserved weigh more. Which row is tried comes from a fixed sequence of numbers.

    Returns
    -------
    sites
        The fewest found in so many steps.
    """
    n, rows = len(start) - 1, len(first) - 1
    inside = np.zeros(n, dtype=np.bool_)
    conflicts = np.zeros(n, dtype=np.int32)
    served = np.zeros(rows, dtype=np.int32)
    weight = np.ones(rows, dtype=np.int64)
    score = np.zeros(n, dtype=np.int64)  # what is lost without a site, or won with a candidate
    moved = np.zeros(n, dtype=np.int64)
    open_rows = np.empty(rows, dtype=np.int32)
    place = np.full(rows, -1, dtype=np.int32)
    unserved, count, last = 0, len(sites), -1
    best = sites.copy()
    for j in sites:
        inside[j] = True
        for e in range(start[j], start[j + 1]):
            served[row[e]] += 1
        for e in range(near_start[j], near_start[j + 1]):
            conflicts[near[e]] += 1
    for j in range(n):
        for e in range(start[j], start[j + 1]):
            if (inside[j] and served[row[e]] == 1) or (not inside[j] and served[row[e]] == 0):
                score[j] += 1
    random = np.uint64(88172645463325252)
    for step in range(1, steps + 1):
        if unserved == 0:
            k = 0
            best = np.empty(count, dtype=np.int32)
            for j in range(n):
                if inside[j]:
                    best[k] = j
                    k += 1
        # One place less than the best choice has; where spacing forbade to fill it, nothing more is taken out.
        for _ in range(max(0, count - len(best) + 2)):
            out = -1
            for j in range(n):
                if (
                    inside[j]
                    and j != last
                    and (out < 0 or score[j] < score[out] or (score[j] == score[out] and moved[j] < moved[out]))
                ):
                    out = j
            if out < 0:
                return best
            inside[out] = False
            moved[out] = step
            count -= 1
            score[out] = 0
            for e in range(near_start[out], near_start[out + 1]):
                conflicts[near[e]] -= 1
            for e in range(start[out], start[out + 1]):
                r = row[e]
                served[r] -= 1
                if served[r] == 0:
                    place[r] = unserved
                    open_rows[unserved] = r
                    unserved += 1
                    for f in range(first[r], first[r + 1]):
                        score[candidate[f]] += weight[r]
                elif served[r] == 1:
                    for f in range(first[r], first[r + 1]):
                        if inside[candidate[f]]:
                            score[candidate[f]] += weight[r]
        if unserved == 0:
            continue
        random ^= random << np.uint64(13)
        random ^= random >> np.uint64(7)
        random ^= random << np.uint64(17)
        r = open_rows[np.int64(random % np.uint64(unserved))]
        come = -1
        for f in range(first[r], first[r + 1]):
            j = candidate[f]
            if (
                conflicts[j] == 0
                and moved[j] != step
                and (come < 0 or score[j] > score[come] or (score[j] == score[come] and moved[j] < moved[come]))
            ):
                come = j
        last = come
        if come >= 0:
            inside[come] = True
            moved[come] = step
            count += 1
            score[come] = 0
            for e in range(near_start[come], near_start[come + 1]):
                conflicts[near[e]] += 1
            for e in range(start[come], start[come + 1]):
                r = row[e]
                served[r] += 1
                if served[r] == 1:
                    unserved -= 1
                    open_rows[place[r]] = open_rows[unserved]
                    place[open_rows[unserved]] = place[r]
                    place[r] = -1
                    for f in range(first[r], first[r + 1]):
                        if not inside[candidate[f]]:
                            score[candidate[f]] -= weight[r]
                    score[come] += weight[r]
                elif served[r] == 2:  # noqa: PLR2004
                    for f in range(first[r], first[r + 1]):
                        if inside[candidate[f]] and candidate[f] != come:
                            score[candidate[f]] -= weight[r]
        for k in range(unserved):
            r = open_rows[k]
            weight[r] += 1
            for f in range(first[r], first[r + 1]):
                score[candidate[f]] += 1
    return best
