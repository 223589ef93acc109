"""Searching and proving on rows, without a capacity: quick choice, Lagrangian bound, HiGHS on what is left."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from gridmap.core.network.graph import Bools, Bytes, Floats, Ints, Longs
from gridmap.core.siting import kernels
from gridmap.core.siting.kernels import FREE, OUT, TAKEN
from gridmap.core.siting.rows import Rows, reduced
from gridmap.core.siting.solver import Budget, Model, solve

#: Rounds of exchange; how often the choice is shaken to leave a local optimum, and how many entries that may look at.
_ROUNDS, _SHAKES, _SHAKEN_ENTRIES = 400, 6, 1_500_000
#: Rounds of the Lagrangian bound, and how many entries are looked at between two looks at the person who waits.
_BOUND_ROUNDS, _BOUND_ENTRIES = 1200, 15_000_000

#: Called with the value so far, the bound so far (both as costs) and a share done.
Tell = Callable[[float, float, float], None]


@dataclass(frozen=True, slots=True, eq=False)
class Spacing:
    """Candidates that are too near each other, as rows."""

    start: Longs
    near: Ints

    def around(self, candidate: int) -> Ints:
        """Return the candidates that are too near one."""
        return self.near[self.start[candidate] : self.start[candidate + 1]]


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """A choice, what no choice of so many sites can cost less than, and whether that is proven and repeatable."""

    sites: Ints
    bound: float
    proven: bool
    repeatable: bool


def choose(rows: Rows, state: Bytes, spacing: Spacing, most: int, *, shakes: int = _SHAKES) -> Ints:
    """Choose at most ``most`` sites at once: greedy, exchange, and a few shaken starts; always the same answer."""
    arrays = (rows.start, rows.row, rows.cost, rows.weight, rows.cap, state, spacing.start, spacing.near)
    sites, _ = kernels.greedy(*arrays, most, np.inf)
    best, _ = kernels.exchange(*arrays, sites, most, _ROUNDS)
    least = rows.cost_of(best)
    left = min(_ROUNDS, _SHAKEN_ENTRIES // max(len(rows.row), 1))
    for shake in range(shakes if len(best) > 1 else 0):
        # Every shake leaves out another third of the sites and lets the greedy choice fill up from the rest.
        out = best[shake % 3 :: 3]
        other = state.copy()
        other[np.setdiff1d(best, out)] = TAKEN
        other[out] = OUT
        start, _ = kernels.greedy(*arrays[:5], other, spacing.start, spacing.near, most, np.inf)
        trial, left = kernels.exchange(*arrays, start, most, left)
        cost = rows.cost_of(trial)
        if cost < least:
            best, least = trial, cost
        if left <= 0:
            break
    return best


def first_bound(rows: Rows, state: Bytes, sites: Ints, most: int) -> float:
    """Bound the cost of ``most`` sites from a choice: more sites gain at most what each of the best gains alone.

    Gains shrink as sites are added (Nemhauser, Wolsey & Fisher 1978), so the choice together with the ``most`` largest
    gains beyond it costs no more than any other choice.
    """
    best = rows.cap.copy()
    candidate = np.repeat(np.arange(rows.candidates), np.diff(rows.start))
    chosen = np.isin(candidate, sites)
    np.minimum.at(best, rows.row[chosen], rows.cost[chosen])
    saved = rows.weight[rows.row] * np.maximum(best[rows.row] - rows.cost, 0.0)
    gain = np.bincount(candidate, weights=saved, minlength=rows.candidates)
    gain[state == OUT] = 0.0
    gain = -np.sort(-gain)
    reached = rows.constant + float(np.dot(rows.weight, best))
    return max(rows.constant, reached - float(gain[:most].sum()))


def prove(
    rows: Rows,
    state: Bytes,
    spacing: Spacing,
    most: int,
    sites: Ints,
    *,
    unit: float,
    budget: Budget,
    tell: Tell,
) -> Found:
    """Find the cheapest choice of at most ``most`` sites and prove that there is none cheaper.

    Parameters
    ----------
    sites
        The choice to begin with.
    unit
        Costs that differ at all differ by at least this, or by less than anybody minds.
    """
    sites, least = np.sort(sites), rows.cost_of(sites)
    bound = first_bound(rows, state, sites, most)
    left, state = rows, state.copy()
    multiplier, step = _even(rows), 1.0
    rounds = _rounds(rows)
    for done in range(0, _BOUND_ROUNDS, rounds):
        tell(least, bound, 0.4 * done / _BOUND_ROUNDS)
        # ``left`` counts from its own constant, with sites that are settled taken out of the number.
        open_ = most - int((state == TAKEN).sum())
        inner = np.where(state == FREE, FREE, OUT).astype(np.uint8)
        goal = least - unit / 2 - left.constant
        lower, settled, step = kernels.lagrange(
            left.start, left.row, left.cost, left.weight, left.cap, inner, multiplier, open_, goal, step, rounds
        )
        bound = max(bound, min(lower + left.constant, least))
        if lower >= goal:
            return Found(sites, least, proven=True, repeatable=True)
        newly = (state == FREE) & (inner != FREE)
        state[newly] = inner[newly]
        for j in np.flatnonzero(newly & (state == TAKEN)):
            state[spacing.around(int(j))] = OUT
        guess = _guess(left, state, spacing, most, multiplier)
        guess, _ = kernels.exchange(
            rows.start, rows.row, rows.cost, rows.weight, rows.cap, state, spacing.start, spacing.near,
            guess, most, _ROUNDS,
        )  # fmt: skip
        cost = rows.cost_of(guess)
        if cost < least:
            sites, least = np.sort(guess), cost
        if newly.any():
            smaller, moved = reduced(left, state, multiplier)
            left, multiplier = smaller, _even(smaller) if moved is None else moved
        if settled and not newly.any():
            break
    return _by_solver(left, state, spacing, most, sites, least, bound, unit=unit, budget=budget, tell=tell)


def settle(rows: Rows, state: Bytes, spacing: Spacing, most: int, limit: float, tell: Tell) -> tuple[Bytes, bool]:
    """Settle candidates for the question whether ``most`` sites can cost less than ``limit``.

    Returns
    -------
    state
        Candidates that every such choice has (TAKEN) or none has (OUT).
    impossible
        Whether there is no such choice.
    """
    state, multiplier, step = state.copy(), _even(rows), 1.0
    rounds = _rounds(rows)
    for done in range(0, _BOUND_ROUNDS, rounds):
        tell(np.inf, np.inf, 0.4 * done / _BOUND_ROUNDS)
        bound, settled, step = kernels.lagrange(
            rows.start, rows.row, rows.cost, rows.weight, rows.cap, state, multiplier, most,
            limit - rows.constant, step, rounds,
        )  # fmt: skip
        if bound >= limit - rows.constant:
            return state, True
        if settled:
            break
    for j in np.flatnonzero(state == TAKEN):
        state[spacing.around(int(j))] = OUT
    return state, False


def _rounds(rows: Rows) -> int:
    """Return after how many rounds of the bound to look at the person who waits."""
    return max(20, min(100, _BOUND_ENTRIES // max(len(rows.row), 1)))


def _even(rows: Rows) -> Floats:
    """Return multipliers to start from: each row divided among its candidates."""
    return rows.weight * rows.cap / np.maximum(np.bincount(rows.row, minlength=len(rows.weight)), 1)


def _guess(rows: Rows, state: Bytes, spacing: Spacing, most: int, multiplier: Floats) -> Ints:
    """Return the choice that the multipliers speak for."""
    saved = np.maximum(multiplier[rows.row] - rows.weight[rows.row] * rows.cost, 0.0)
    worth = np.bincount(
        np.repeat(np.arange(rows.candidates), np.diff(rows.start)), weights=saved, minlength=rows.candidates
    )
    worth[state == TAKEN] = np.inf
    worth[state == OUT] = -1.0
    sites: list[int] = []
    blocked = np.zeros(rows.candidates, dtype=np.bool_)
    for j in np.argsort(-worth, kind="stable"):
        if len(sites) == most or worth[j] < 0:
            break
        if not blocked[j]:
            sites.append(int(j))
            blocked[spacing.around(int(j))] = True
    return np.array(sites, dtype=np.int32)


def _by_solver(
    left: Rows,
    state: Bytes,
    spacing: Spacing,
    most: int,
    sites: Ints,
    least: float,
    bound: float,
    *,
    unit: float,
    budget: Budget,
    tell: Tell,
) -> Found:
    taken = np.flatnonzero(state == TAKEN)
    free = np.flatnonzero((state == FREE) & (np.diff(left.start) > 0))
    if not len(free) or most <= len(taken):
        cost = left.constant + float(np.dot(left.weight, left.cap))
        best = (sites, least) if least <= cost else (taken.astype(np.int32), cost)
        return Found(best[0], best[1], proven=True, repeatable=True)
    built = cover_model(left, free, spacing)
    model = with_rows(built.model, [(np.arange(len(free)), np.ones(len(free)), -np.inf, float(most - len(taken)))])
    width = max(least - bound, unit)
    nothing = left.most_cost

    def look(value: float, best: float) -> None:
        reached, lower = min(least, nothing - value), max(bound, nothing - best)
        tell(reached, lower, 1.0 - 0.6 * min(1.0, max(reached - lower, 0.0) / width))

    inside = np.isin(taken, sites).all() and np.isin(np.setdiff1d(sites, taken), free).all()
    start = _levels_of(built, np.isin(free, sites)) if inside else None
    solved = solve(model, first=start, gap=0.99 * unit, budget=budget, tell=look)
    if solved.x is not None:
        chosen = np.concatenate([taken, free[solved.x[: len(free)] > 0.5]]).astype(np.int32)  # noqa: PLR2004
        cost = nothing - _gain_of(left, chosen)
        if cost < least:
            sites, least = np.sort(chosen), cost
    # Choices that were settled away cost at least what the best choice does.
    lower = min(least, max(bound, nothing - solved.bound))
    proven = least - lower < unit
    return Found(sites, least if proven else lower, proven, repeatable=solved.finished)


def _gain_of(rows: Rows, sites: Ints) -> float:
    return rows.most_cost - rows.cost_of(sites)


@dataclass(frozen=True, slots=True, eq=False)
class Built:
    """A model, and the chain of its levels: level k is served when its site is open or level ``parent`` is."""

    model: Model
    parent: Longs
    site: Longs


def cover_model(rows: Rows, free: Longs, spacing: Spacing) -> Built:
    """Return the model: a variable for each free candidate, then one for each row (or level of p-median) with several.

    What only one candidate serves is counted with that candidate. For p-median the candidates of a row are sorted by
    time, and a level is a beginning of that list: levels that begin alike are one (Elloumi 2010).
    """
    number = np.full(rows.candidates, -1, dtype=np.int64)
    number[free] = np.arange(len(free))
    gain = np.zeros(len(free))
    if rows.cover:
        first, candidate, _ = kernels.by_row(rows.start, rows.row, len(rows.weight))
        length = np.diff(first)
        alone = length == 1
        np.add.at(gain, number[candidate[first[:-1][alone]]], rows.weight[alone])
        several = np.flatnonzero(length > 1)
        inside = np.repeat(length > 1, length)
        levels = len(several)
        line = np.repeat(np.arange(levels), length[several])
        column = number[candidate[inside]]
        own = rows.weight[several]
        parent, site = np.full(levels, -1), np.full(levels, -1)
    else:
        parent, site, worth = _levels(rows, number)
        roots = parent < 0
        np.add.at(gain, site[roots], worth[roots])
        level = np.cumsum(~roots) - 1
        levels = int((~roots).sum())
        up = parent[~roots]
        # A level is served by its site or by the level before it, which for the second one is a candidate.
        before = np.where(roots[up], site[up], len(free) + level[up])
        line = np.repeat(np.arange(levels), 2)
        column = np.column_stack([site[~roots], before]).ravel()
        own = worth[~roots]
        parent, site = before, site[~roots]
    total = len(free) + levels
    order = np.argsort(np.concatenate([line, np.arange(levels)]), kind="stable")
    lines = np.concatenate([line, np.arange(levels)])[order]
    model = Model(
        gain=np.concatenate([gain, own]),
        most=np.ones(total),
        whole=np.arange(total) < len(free),
        start=np.searchsorted(lines, np.arange(levels + 1)).astype(np.int32),
        column=np.concatenate([column, len(free) + np.arange(levels)])[order].astype(np.int32),
        value=np.concatenate([np.full(len(column), -1.0), np.ones(levels)])[order],
        lower=np.full(levels, -np.inf),
        upper=np.zeros(levels),
    )
    return Built(with_rows(model, apart(free, spacing)), parent, site)


def all_served(rows: Rows, free: Longs, spacing: Spacing) -> Model:
    """Return the model of the fewest sites that serve every row."""
    first, candidate, _ = kernels.by_row(rows.start, rows.row, len(rows.weight))
    number = np.full(rows.candidates, -1, dtype=np.int64)
    number[free] = np.arange(len(free))
    live = number[candidate] >= 0
    line = np.repeat(np.arange(len(rows.weight)), np.diff(first))[live]
    model = Model(
        gain=np.full(len(free), -1.0),
        most=np.ones(len(free)),
        whole=np.ones(len(free), dtype=np.bool_),
        start=np.searchsorted(line, np.arange(len(rows.weight) + 1)).astype(np.int32),
        column=number[candidate[live]].astype(np.int32),
        value=np.ones(len(line)),
        lower=np.ones(len(rows.weight)),
        upper=np.full(len(rows.weight), np.inf),
    )
    return with_rows(model, apart(free, spacing))


def _levels(rows: Rows, number: Longs) -> tuple[Longs, Longs, Floats]:
    """Return the levels of p-median as a forest: parent (-1: none), site, weighted seconds up to the next level."""
    first, candidate, entry = kernels.by_row(rows.start, rows.row, len(rows.weight))
    line = np.repeat(np.arange(len(rows.weight)), np.diff(first))
    seconds = rows.cost[entry].astype(np.float64)
    order = np.lexsort((candidate, seconds, line))
    site, seconds = number[candidate[order]], seconds[order]
    following = np.append(seconds[1:], 0.0)
    last = first[1:] - 1
    following[last] = rows.cap
    worth = rows.weight[line] * (following - seconds)
    node = np.full(len(rows.weight), -1, dtype=np.int64)
    parents, sites, worths, count = [], [], [], 0
    for depth in range(int(np.diff(first).max(initial=0))):
        live = np.flatnonzero(np.diff(first) > depth)
        at = first[live] + depth
        key, index = np.unique(node[live] * (len(number) + 1) + site[at], return_inverse=True)
        example = np.zeros(len(key), dtype=np.int64)
        example[index] = np.arange(len(live))
        parents.append(node[live][example])
        sites.append(site[at][example])
        worths.append(np.bincount(index, weights=worth[at], minlength=len(key)))
        node[live] = count + index
        count += len(key)
    if not parents:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64), np.empty(0)
    return np.concatenate(parents), np.concatenate(sites), np.concatenate(worths)


def _levels_of(built: Built, chosen: Bools) -> Floats:
    """Return a whole answer of the model from the choice of candidates."""
    model, free = built.model, len(chosen)
    x = np.zeros(len(model.gain))
    x[:free] = chosen
    for level in range(len(built.parent)):
        columns = model.column[model.start[level] : model.start[level + 1]]
        x[free + level] = min(1.0, float(x[columns[columns != free + level]].sum()))
    return x


_Line = tuple[Longs, Floats, float, float]


def apart(free: Longs, spacing: Spacing) -> list[_Line]:
    """Return the rows of a model that keep sites apart: of a group that is too near one another, at most one."""
    number = {int(j): k for k, j in enumerate(free)}
    around = {k: {number[int(i)] for i in spacing.around(int(j)) if int(i) in number} for j, k in number.items()}
    done: set[tuple[int, int]] = set()
    lines: list[_Line] = []
    for a in sorted(around):
        for b in sorted(around[a]):
            if b < a or (a, b) in done:
                continue
            group = [a, b]
            for c in sorted(around[a] & around[b]):
                if all(c in around[g] for g in group):
                    group.append(c)
            group.sort()
            done.update((x, y) for i, x in enumerate(group) for y in group[i + 1 :])
            lines.append((np.array(group), np.ones(len(group)), -np.inf, 1.0))
    return lines


def with_rows(model: Model, lines: list[_Line]) -> Model:
    """Return the model with more rows: columns, values, lower and upper limit of each."""
    if not lines:
        return model
    ends = len(model.column) + np.cumsum([len(line[0]) for line in lines])
    return Model(
        model.gain,
        model.most,
        model.whole,
        np.concatenate([model.start, ends]).astype(np.int32),
        np.concatenate([model.column, *(line[0] for line in lines)]).astype(np.int32),
        np.concatenate([model.value, *(line[1] for line in lines)]),
        np.concatenate([model.lower, [line[2] for line in lines]]),
        np.concatenate([model.upper, [line[3] for line in lines]]),
    )
