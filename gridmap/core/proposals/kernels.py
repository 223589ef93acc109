"""The loops of proposals: seeds and pair re-split on random trees, flips and swaps by annealing, descent.

One region is a graph of n *atoms* (land that stays together) to be divided into k connected grids: neighbours of atom v
stand at ``start[v] … start[v + 1]`` of ``other``, with the cost of a border there, whether land touches there (ties
between parts of one estate do not), and how late a tree should take it (streets last, so that cuts run along them).
``homes`` are households of atoms; what of an atom is in which grid now stands at ``kept_start[v] …`` of ``kept_label``
and ``kept``. Every loop draws from a generator of its own (splitmix64), so that a seed gives the same on every machine.

Re-split follows recombination (DeFord, Duchin and Solomon 2021), with the best cut by the whole objective in place of
a random one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

import numpy as np
from numba import njit
from numpy.typing import NDArray

Ints = NDArray[np.int32]
Longs = NDArray[np.int64]
Words = NDArray[np.uint64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

_Function = TypeVar("_Function", bound=Callable[..., object])

#: Cuts of one tree that are looked at in full, and trees for each division of a seed.
_CUTS, _TREES = 6, 10
#: Share of tries that are swaps, what counts as better, and steps of a walk that looks for the other half of a swap.
_SWAPS, _BETTER, _WALK = 0.25, 1e-9, 6


def compiled(function: _Function) -> _Function:
    """Compile a loop once for all runs; it runs without the interpreter's lock."""
    return cast("_Function", njit(cache=True, nogil=True)(function))


@compiled
def draw(state: Words) -> float:
    """Return the next number of a generator, from 0 to below 1 (splitmix64)."""
    state[0] += np.uint64(0x9E3779B97F4A7C15)
    z = state[0]
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z = z ^ (z >> np.uint64(31))
    return float(z >> np.uint64(11)) / 9007199254740992.0


@compiled
def size_cost(homes: float, scale: Floats) -> float:
    """Return what a grid of so many households costs; ``scale``: target, aim, and prices: see ``options.Weights``."""
    off = abs(homes - scale[0]) / scale[0]
    cost = scale[2] * off * off
    if off > scale[1] + 1e-9:
        cost += scale[5] + scale[3] * (off - scale[1])
    if off > 1.5 * scale[1]:
        cost += scale[4] * (off - 1.5 * scale[1])
    return float(cost)


@compiled
def kept_in(v: int, label: int, kept_start: Longs, kept_label: Ints, kept: Floats) -> float:
    """Return how much of an atom is in a grid now."""
    for e in range(kept_start[v], kept_start[v + 1]):
        if kept_label[e] == label:
            return float(kept[e])
    return 0.0


@compiled
def counted(label: Ints, homes: Longs, k: int) -> tuple[Longs, Longs]:
    """Return households and atoms of each grid."""
    total = np.zeros(k, dtype=np.int64)
    size = np.zeros(k, dtype=np.int64)
    for v in range(len(label)):
        total[label[v]] += homes[v]
        size[label[v]] += 1
    return total, size


@compiled
def energy(
    start: Longs,
    other: Ints,
    cost: Floats,
    homes: Longs,
    kept_start: Longs,
    kept_label: Ints,
    kept: Floats,
    label: Ints,
    k: int,
    scale: Floats,
    gamma: float,
) -> float:
    """Return the whole objective: sizes, borders, and ``gamma`` for everything that leaves its grid."""
    total, _ = counted(label, homes, k)
    out = 0.0
    for g in range(k):
        out += size_cost(float(total[g]), scale)
    for v in range(len(label)):
        for e in range(start[v], start[v + 1]):
            if other[e] > v and label[other[e]] != label[v]:
                out += cost[e]
        out -= gamma * kept_in(v, label[v], kept_start, kept_label, kept)
    return out


@compiled
def holds_without(
    v: int, start: Longs, other: Ints, touch: Bools, label: Ints, mark: Longs, stamp: int, queue: Ints
) -> bool:
    """Tell whether the grid of an atom stays in one piece, and has land, without it; uses marks ``stamp``, +1."""
    own = label[v]
    wanted = 0
    first = -1
    for e in range(start[v], start[v + 1]):
        u = other[e]
        if touch[e] and label[u] == own and mark[u] != stamp:
            mark[u] = stamp
            wanted += 1
            first = u
    if wanted == 0:
        return False
    if wanted == 1:
        return True
    mark[v] = stamp + 1
    mark[first] = stamp + 1
    wanted -= 1
    queue[0] = first
    head, tail = 0, 1
    while head < tail:
        x = queue[head]
        head += 1
        for e in range(start[x], start[x + 1]):
            u = other[e]
            if not touch[e] or label[u] != own or mark[u] == stamp + 1:
                continue
            if mark[u] == stamp:
                wanted -= 1
                if wanted == 0:
                    return True
            mark[u] = stamp + 1
            queue[tail] = u
            tail += 1
    return False


@compiled
def flip_cost(
    v: int,
    to: int,
    start: Longs,
    other: Ints,
    cost: Floats,
    kept_start: Longs,
    kept_label: Ints,
    kept: Floats,
    label: Ints,
    gamma: float,
) -> float:
    """Return what borders and moved households cost more when an atom goes to another grid."""
    own = label[v]
    change = 0.0
    for e in range(start[v], start[v + 1]):
        g = label[other[e]]
        if g == own:
            change += cost[e]
        elif g == to:
            change -= cost[e]
    if gamma > 0:
        change += gamma * (kept_in(v, own, kept_start, kept_label, kept) - kept_in(v, to, kept_start, kept_label, kept))
    return change


@compiled
def partner(v: int, own: int, to: int, start: Longs, other: Ints, touch: Bools, label: Ints, rng: Words) -> int:
    """Return an atom of grid ``to`` near ``v`` that touches grid ``own`` beside it, or −1: the other half of a swap."""
    x = v
    for _ in range(_WALK):
        degree = start[x + 1] - start[x]
        if degree == 0:
            return -1
        x = other[start[x] + int(draw(rng) * degree)]
        if x == v or label[x] != to:
            continue
        for e in range(start[x], start[x + 1]):
            if touch[e] and label[other[e]] == own and other[e] != v:
                return int(x)
    return -1


@compiled
def anneal(  # noqa: C901
    start: Longs,
    other: Ints,
    cost: Floats,
    touch: Bools,
    homes: Longs,
    kept_start: Longs,
    kept_label: Ints,
    kept: Floats,
    label: Ints,
    best: Ints,
    k: int,
    scale: Floats,
    gamma: float,
    hot: float,
    cold: float,
    done: int,
    steps: int,
    whole: int,
    rng: Words,
) -> float:
    """Flip and swap atoms between neighbouring grids, steps ``done`` … ``done + steps`` of ``whole``.

    ``label`` goes on from call to call; ``best`` is replaced when something better was met. Returns its objective.
    """
    n = len(label)
    total, _ = counted(label, homes, k)
    now = energy(start, other, cost, homes, kept_start, kept_label, kept, label, k, scale, gamma)
    least = energy(start, other, cost, homes, kept_start, kept_label, kept, best, k, scale, gamma)
    mark = np.zeros(n, dtype=np.int64)
    queue = np.empty(n + 1, dtype=np.int32)
    stamp = 1
    fall = np.log(cold / hot)
    for step in range(done, done + steps):
        heat = hot * np.exp(fall * step / whole)
        v = int(draw(rng) * n)
        degree = start[v + 1] - start[v]
        if degree == 0:
            continue
        e = start[v] + int(draw(rng) * degree)
        own, to = label[v], label[other[e]]
        if own == to or not touch[e]:
            continue
        swap = draw(rng) < _SWAPS
        x = partner(v, own, to, start, other, touch, label, rng) if swap else -1
        if swap and x < 0:
            continue
        change = flip_cost(v, to, start, other, cost, kept_start, kept_label, kept, label, gamma)
        change -= size_cost(float(total[own]), scale) + size_cost(float(total[to]), scale)
        shift = homes[v] - (homes[x] if swap else 0)
        change += size_cost(float(total[own] - shift), scale) + size_cost(float(total[to] + shift), scale)
        if not swap:
            if change > 0 and draw(rng) >= np.exp(-change / heat):
                continue
            stamp += 2
            if not holds_without(v, start, other, touch, label, mark, stamp, queue):
                continue
            label[v] = to
        else:
            stamp += 2
            if not holds_without(v, start, other, touch, label, mark, stamp, queue):
                continue
            label[v] = to
            change += flip_cost(x, own, start, other, cost, kept_start, kept_label, kept, label, gamma)
            stamp += 2
            if (change > 0 and draw(rng) >= np.exp(-change / heat)) or not holds_without(
                x, start, other, touch, label, mark, stamp, queue
            ):
                label[v] = own
                continue
            label[x] = own
        total[own] -= shift
        total[to] += shift
        now += change
        if now < least - _BETTER:
            least = now
            best[:] = label
    return least


@compiled
def descend(
    start: Longs,
    other: Ints,
    cost: Floats,
    touch: Bools,
    homes: Longs,
    kept_start: Longs,
    kept_label: Ints,
    kept: Floats,
    label: Ints,
    k: int,
    scale: Floats,
    gamma: float,
) -> None:
    """Flip atoms one by one as long as any flip makes things better; ``label`` is changed in place."""
    n = len(label)
    total, _ = counted(label, homes, k)
    mark = np.zeros(n, dtype=np.int64)
    queue = np.empty(n + 1, dtype=np.int32)
    stamp = 1
    better = True
    while better:
        better = False
        for v in range(n):
            for e in range(start[v], start[v + 1]):
                own, to = label[v], label[other[e]]
                if own == to or not touch[e]:
                    continue
                change = flip_cost(v, to, start, other, cost, kept_start, kept_label, kept, label, gamma)
                change -= size_cost(float(total[own]), scale) + size_cost(float(total[to]), scale)
                change += size_cost(float(total[own] - homes[v]), scale) + size_cost(float(total[to] + homes[v]), scale)
                if change > -_BETTER:
                    continue
                stamp += 2
                if holds_without(v, start, other, touch, label, mark, stamp, queue):
                    label[v] = to
                    total[own] -= homes[v]
                    total[to] += homes[v]
                    better = True


@compiled
def root_of(parent: Ints, v: int) -> int:
    """Return the root of a set, shortening the way."""
    while parent[v] != v:
        parent[v] = parent[parent[v]]
        v = parent[v]
    return v


@compiled
def tree_of(  # noqa: C901, PLR0912, PLR0915
    members: Ints,
    place: Ints,
    start: Longs,
    other: Ints,
    touch: Bools,
    late: Floats,
    rng: Words,
) -> tuple[Ints, Ints, Ints]:
    """Return a random spanning tree of some atoms that takes streets last, from its root down.

    ``place`` is the number of each atom among ``members``, −1 for others. Returns members by preorder, the position of
    each one's parent, and how many stand below it (itself too).
    """
    s = len(members)
    count = 0
    for i in range(s):
        v = members[i]
        for e in range(start[v], start[v + 1]):
            if touch[e] and place[other[e]] > i:
                count += 1
    one = np.empty(count, dtype=np.int32)
    two = np.empty(count, dtype=np.int32)
    key = np.empty(count, dtype=np.float64)
    at = 0
    for i in range(s):
        v = members[i]
        for e in range(start[v], start[v + 1]):
            j = place[other[e]]
            if touch[e] and j > i:
                one[at], two[at], key[at] = i, j, late[e] + 1.5 * draw(rng)
                at += 1
    parent = np.arange(s).astype(np.int32)
    degree = np.zeros(s + 1, dtype=np.int64)
    taken = np.empty(max(s - 1, 0), dtype=np.int64)
    m = 0
    for e in np.argsort(key):
        a, b = root_of(parent, one[e]), root_of(parent, two[e])
        if a != b:
            parent[a] = b
            taken[m] = e
            m += 1
            degree[one[e] + 1] += 1
            degree[two[e] + 1] += 1
    for i in range(s):
        degree[i + 1] += degree[i]
    near = np.empty(2 * m, dtype=np.int32)
    fill = degree[:-1].copy()
    for t in range(m):
        a, b = one[taken[t]], two[taken[t]]
        near[fill[a]] = b
        fill[a] += 1
        near[fill[b]] = a
        fill[b] += 1
    order = np.empty(s, dtype=np.int32)
    above = np.full(s, -1, dtype=np.int32)
    below = np.ones(s, dtype=np.int32)
    stack = np.empty(s, dtype=np.int32)
    came = np.full(s, -1, dtype=np.int32)
    position = np.full(s, -1, dtype=np.int32)
    stack[0] = 0
    top, filled = 1, 0
    while top > 0:
        top -= 1
        i = stack[top]
        position[i] = filled
        order[filled] = i
        above[filled] = -1 if came[i] < 0 else position[came[i]]
        filled += 1
        for t in range(degree[i], degree[i + 1]):
            j = near[t]
            if j != came[i]:
                came[j] = i
                stack[top] = j
                top += 1
    for p in range(s - 1, 0, -1):
        below[above[p]] += below[p]
    return order, above, below


@compiled
def cut_cost(members: Ints, place: Ints, inside: Bools, start: Longs, other: Ints, cost: Floats) -> float:
    """Return the cost of the border between the members that are inside and the others."""
    out = 0.0
    for i in range(len(members)):
        if inside[i]:
            v = members[i]
            for e in range(start[v], start[v + 1]):
                j = place[other[e]]
                if j >= 0 and not inside[j]:
                    out += cost[e]
    return out


@compiled
def seed(  # noqa: C901, PLR0912, PLR0915
    start: Longs,
    other: Ints,
    cost: Floats,
    touch: Bools,
    late: Floats,
    homes: Longs,
    label: Ints,
    first: int,
    parts: int,
    fresh: int,
    rng: Words,
) -> int:
    """Divide grid ``first`` into ``parts`` connected ones of like size, by cuts of random trees, again and again.

    New ones get the numbers from ``fresh`` on. Returns how many it became; fewer where there are not enough atoms.
    """
    n = len(label)
    place = np.full(n, -1, dtype=np.int32)
    todo_label = np.empty(parts + 1, dtype=np.int32)
    todo_parts = np.empty(parts + 1, dtype=np.int64)
    todo_label[0], todo_parts[0] = first, parts
    top, made = 1, 1
    while top > 0:
        top -= 1
        own, want = todo_label[top], todo_parts[top]
        if want <= 1:
            continue
        s = 0
        for v in range(n):
            if label[v] == own:
                s += 1
        members = np.empty(s, dtype=np.int32)
        weight, s = 0, 0
        for v in range(n):
            if label[v] == own:
                members[s] = v
                place[v] = s
                weight += homes[v]
                s += 1
        want = min(want, s)
        if want <= 1:
            for i in range(s):
                place[members[i]] = -1
            continue
        share = weight / want
        found = False
        least, left = 0.0, 0
        chosen = np.zeros(s, dtype=np.bool_)
        for _ in range(_TREES):
            order, above, below = tree_of(members, place, start, other, touch, late, rng)
            sums = np.zeros(s, dtype=np.int64)
            for p in range(s - 1, -1, -1):
                sums[p] += homes[members[order[p]]]
                if p > 0:
                    sums[above[p]] += sums[p]
            close, here, number = 0.0, -1, 0
            for p in range(1, s):
                for j in range(1, want):
                    if below[p] < j or s - below[p] < want - j:
                        continue
                    # halves divide on better than a slice and a rest
                    miss = abs(sums[p] - j * share) / max(share, 1.0) + 0.02 * abs(2 * j - want)
                    if here < 0 or miss < close:
                        close, here, number = miss, p, j
            if here < 0:
                continue
            inside = np.zeros(s, dtype=np.bool_)
            for p in range(here, here + below[here]):
                inside[order[p]] = True
            price = 40.0 * close + cut_cost(members, place, inside, start, other, cost)
            if not found or price < least:
                found, least, left = True, price, number
                chosen[:] = inside
        if found:
            new = fresh + made - 1
            made += 1
            for i in range(s):
                if chosen[i]:
                    label[members[i]] = new
            todo_label[top], todo_parts[top] = own, want - left
            todo_label[top + 1], todo_parts[top + 1] = new, left
            top += 2
        for i in range(s):
            place[members[i]] = -1
    return made


@compiled
def resplit(  # noqa: C901, PLR0912, PLR0915
    start: Longs,
    other: Ints,
    cost: Floats,
    touch: Bools,
    late: Floats,
    homes: Longs,
    kept_start: Longs,
    kept_label: Ints,
    kept: Floats,
    label: Ints,
    best: Ints,
    k: int,
    scale: Floats,
    gamma: float,
    hot: float,
    cold: float,
    done: int,
    steps: int,
    whole: int,
    rng: Words,
) -> float:
    """Merge two neighbouring grids and divide them anew by the best cut of a random tree, steps as in ``anneal``."""
    n = len(label)
    total, _ = counted(label, homes, k)
    now = energy(start, other, cost, homes, kept_start, kept_label, kept, label, k, scale, gamma)
    least = energy(start, other, cost, homes, kept_start, kept_label, kept, best, k, scale, gamma)
    place = np.full(n, -1, dtype=np.int32)
    queue = np.empty(n, dtype=np.int32)
    fall = np.log(cold / hot)
    top_cost = np.empty(_CUTS, dtype=np.float64)
    top_at = np.empty(_CUTS, dtype=np.int64)
    for step in range(done, done + steps):
        heat = hot * np.exp(fall * step / whole)
        v, e, apart = 0, 0, False
        for _ in range(20):
            v = int(draw(rng) * n)
            degree = start[v + 1] - start[v]
            if degree == 0:
                continue
            e = start[v] + int(draw(rng) * degree)
            if touch[e] and label[other[e]] != label[v]:
                apart = True
                break
        if not apart:
            continue
        a, b = label[v], label[other[e]]
        s, head = 1, 0
        queue[0], place[v] = v, 0
        while head < s:
            x = queue[head]
            head += 1
            for f in range(start[x], start[x + 1]):
                u = other[f]
                if touch[f] and place[u] < 0 and (label[u] == a or label[u] == b):
                    place[u] = s
                    queue[s] = u
                    s += 1
        members = queue[:s].copy()
        was = np.zeros(s, dtype=np.bool_)
        for i in range(s):
            was[i] = label[members[i]] == b
        before = size_cost(float(total[a]), scale) + size_cost(float(total[b]), scale)
        before += cut_cost(members, place, was, start, other, cost)
        keep_a, keep_b = 0.0, 0.0
        gain = np.zeros(s, dtype=np.float64)
        if gamma > 0:
            for i in range(s):
                in_a = kept_in(members[i], a, kept_start, kept_label, kept)
                in_b = kept_in(members[i], b, kept_start, kept_label, kept)
                gain[i] = in_b - in_a
                keep_a += in_a
                keep_b += in_b
                before -= gamma * (in_b if was[i] else in_a)
        weight = total[a] + total[b]
        order, above, below = tree_of(members, place, start, other, touch, late, rng)
        sums = np.zeros(s, dtype=np.int64)
        for p in range(s - 1, -1, -1):
            sums[p] += homes[members[order[p]]]
            if p > 0:
                sums[above[p]] += sums[p]
        held = 0
        for p in range(1, s):
            price = size_cost(float(sums[p]), scale) + size_cost(float(weight - sums[p]), scale)
            if held < _CUTS:
                held += 1
                q = held - 1
            elif price < top_cost[held - 1]:
                q = held - 1
            else:
                continue
            while q > 0 and top_cost[q - 1] > price:
                top_cost[q], top_at[q] = top_cost[q - 1], top_at[q - 1]
                q -= 1
            top_cost[q], top_at[q] = price, p
        after, inside_is_b = np.inf, True
        chosen = np.zeros(s, dtype=np.bool_)
        inside = np.zeros(s, dtype=np.bool_)
        for q in range(held):
            p = top_at[q]
            inside[:] = False
            moved = 0.0
            for t in range(p, p + below[p]):
                inside[order[t]] = True
                moved += gain[order[t]]
            price = top_cost[q] + cut_cost(members, place, inside, start, other, cost)
            # what is inside becomes b, or a
            as_b, as_a = price - gamma * (keep_a + moved), price - gamma * (keep_b - moved)
            if min(as_b, as_a) < after:
                after, inside_is_b = min(as_b, as_a), as_b <= as_a
                chosen[:] = inside
        change = after - before
        if held > 0 and (change <= 0 or draw(rng) < np.exp(-change / heat)):
            total[a], total[b] = 0, 0
            for i in range(s):
                g = b if chosen[i] == inside_is_b else a
                label[members[i]] = g
                total[g] += homes[members[i]]
            now += change
            if now < least - _BETTER:
                least = now
                best[:] = label
        for i in range(s):
            place[members[i]] = -1
    return least
