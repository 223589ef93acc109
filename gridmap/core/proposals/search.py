"""One region divided anew or evened out: starts, annealing in steps that can be stopped, numbers that stay."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from gridmap.core.proposals import kernels
from gridmap.core.proposals.region import Region

__all__ = ["Level", "Task", "fitting", "present", "solve"]

Small = NDArray[np.int32]
Floats = NDArray[np.float64]

_STARTS = 16
_ROUNDS, _STEPS, _LEAST = 60, 400, 10_000
#: How much is done between two looks at whether to stop.
_CHUNK_ROUNDS, _CHUNK_STEPS = 400, 100_000
_WARM, _HOT, _COLD = 4.0, 1.5, 0.03


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """A place between fewest moved and best balanced.

    Attributes
    ----------
    name
        ``fewest``, ``few``, ``even``, ``smooth``, ``balanced``.
    anew
        Begin with seeds, not with the present grids.
    gamma
        Price of a household that changes its grid.
    borders
        Factor on the price of borders.
    """

    name: str
    anew: bool
    gamma: float
    borders: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One solve: the region, the level, how many grids it should become (None: as many as there are), and the seed."""

    region: Region
    level: Level
    grids: int | None
    scale: Floats
    seed: int
    effort: float


def fitting(region: Region, scale: Floats) -> int:
    """Return the number of grids whose sizes come out best by the number of households and the largest atoms."""
    total = region.households
    atoms = len(region.homes)
    if atoms == 0 or total == 0:
        return 1
    largest = np.sort(region.homes)[::-1].astype(np.float64)
    guess = total / float(scale[0])
    numbers = {int(np.floor(guess)) + d for d in (-1, 0, 1, 2)} | {1}
    best = [(_least_cost(largest, float(total), k, scale), k) for k in sorted(numbers) if 1 <= k <= atoms]
    return min(best)[1]


def _least_cost(largest: Floats, total: float, k: int, scale: Floats) -> float:
    """Return what k grids cost at least when the k largest atoms are in different ones."""
    load = largest[:k].copy()
    rest = total - float(load.sum())
    # water fills the lowest first
    for j in range(k - 1, -1, -1):
        level = load[j - 1] if j else np.inf
        need = (level - load[j]) * (k - j)
        if need >= rest:
            load[j:] = load[j] + rest / (k - j)
            break
        load[j:] = level
        rest -= need
    return float(sum(kernels.size_cost(float(homes), scale) for homes in load))


def present(region: Region) -> Small:
    """Return the present grid of each atom, each grid in one piece.

    An atom in several grids goes to that with most of it; loose pieces and land in no grid go to a neighbour.
    """
    count = len(region.homes)
    label = np.full(count, -1, dtype=np.int32)
    most = np.zeros(count)
    for v in range(count):
        for e in range(region.kept_start[v], region.kept_start[v + 1]):
            if region.kept[e] > most[v]:
                most[v], label[v] = region.kept[e], region.kept_label[e]
    _loosen(region, label)
    if (label < 0).all():
        label[:] = 0
        return label
    _fill(region, label)
    return label


def _loosen(region: Region, label: Small) -> None:  # noqa: C901
    """Take all but the heaviest connected piece from each grid."""
    piece = np.full(len(label), -1, dtype=np.int64)
    weight: list[float] = []
    for v in range(len(label)):
        if piece[v] >= 0 or label[v] < 0:
            continue
        number, stack, total = len(weight), [v], 0.0
        piece[v] = number
        while stack:
            x = stack.pop()
            total += float(region.homes[x]) + 1e-3
            for e in range(region.start[x], region.start[x + 1]):
                u = int(region.other[e])
                if region.touch[e] and piece[u] < 0 and label[u] == label[v]:
                    piece[u] = number
                    stack.append(u)
        weight.append(total)
    heaviest: dict[int, int] = {}
    for v in range(len(label)):
        if label[v] >= 0:
            own, number = int(label[v]), int(piece[v])
            if own not in heaviest or weight[number] > weight[heaviest[own]]:
                heaviest[own] = number
    for v in range(len(label)):
        if label[v] >= 0 and piece[v] != heaviest[int(label[v])]:
            label[v] = -1


def _fill(region: Region, label: Small) -> None:
    """Give land without a grid to the neighbour with most of it, else with the costliest border, from outside in."""
    total, _ = kernels.counted(label[label >= 0], region.homes[label >= 0], int(label.max()) + 1)
    left = [v for v in range(len(label)) if label[v] < 0]
    while left:
        later = []
        for v in left:
            choice: dict[int, tuple[float, float, float]] = {}
            for e in range(region.start[v], region.start[v + 1]):
                own = int(label[region.other[e]])
                if region.touch[e] and own >= 0:
                    kept = kernels.kept_in(v, own, region.kept_start, region.kept_label, region.kept)
                    border = choice.get(own, (0.0, 0.0, 0.0))[1] + float(region.cost[e])
                    choice[own] = (kept, border, -float(total[own]))
            if choice:
                own = max(choice, key=lambda g: (choice[g], -g))
                label[v] = own
                total[own] += region.homes[v]
            else:
                later.append(v)
        left = later


@dataclass(slots=True)
class _Run:
    """A region, numbers of grids without gaps, and the state of the search."""

    task: Task
    cost: Floats
    rng: NDArray[np.uint64]
    stop: threading.Event
    tell: Callable[[], None]

    def improve(self, label: Small, k: int, *, gamma: float, rounds: int, steps: int, warm: float, hot: float) -> Small:
        """Return the best that re-split and flips make of a start."""
        region, scale, cost = self.task.region, self.task.scale, self.cost
        if k < 2:  # noqa: PLR2004
            return label
        best, now = label.copy(), label.copy()
        kept = (region.kept_start, region.kept_label, region.kept)
        for done in range(0, rounds, _CHUNK_ROUNDS):
            if self.stop.is_set():
                return best
            kernels.resplit(
                region.start, region.other, cost, region.touch, region.late, region.homes, *kept, now, best, k, scale,
                gamma, warm, _COLD, done, min(_CHUNK_ROUNDS, rounds - done), rounds, self.rng,
            )  # fmt: skip
            self.tell()
        now = best.copy()
        for done in range(0, steps, _CHUNK_STEPS):
            if self.stop.is_set():
                return best
            kernels.anneal(
                region.start, region.other, cost, region.touch, region.homes, *kept, now, best, k, scale, gamma, hot,
                _COLD, done, min(_CHUNK_STEPS, steps - done), steps, self.rng,
            )  # fmt: skip
            self.tell()
        kernels.descend(region.start, region.other, cost, region.touch, region.homes, *kept, best, k, scale, gamma)
        return best

    def value(self, label: Small, k: int, gamma: float) -> float:
        region = self.task.region
        return kernels.energy(
            region.start, region.other, self.cost, region.homes, region.kept_start, region.kept_label, region.kept,
            label, k, self.task.scale, gamma,
        )  # fmt: skip


def solve(task: Task, *, stop: threading.Event, tell: Callable[[], None] = lambda: None) -> Small:
    """Return the grid of each atom: places in ``region.grids``, and from ``len(region.grids)`` on new ones.

    ``stop`` ends the search with the best so far; ``tell`` is called now and then.
    """
    rng = np.array([task.seed], dtype=np.uint64)
    run = _Run(task, task.region.cost * task.level.borders, rng, stop, tell)
    return _anew(run) if task.level.anew else _from_present(run)


def _effort(task: Task, k: int) -> tuple[int, int]:
    count = len(task.region.homes)
    return int(task.effort * _ROUNDS * k), int(task.effort * max(_LEAST, _STEPS * count))


def _anew(run: _Run) -> Small:
    task, region = run.task, run.task.region
    wanted = task.grids if task.grids is not None else len(np.unique(present(region)))
    wanted = min(wanted, len(region.homes))
    rounds, steps = _effort(task, wanted)
    best: tuple[float, Small, int] | None = None
    for _ in range(_STARTS):
        if best is not None and run.stop.is_set():
            break
        start = np.zeros(len(region.homes), dtype=np.int32)
        k = kernels.seed(
            region.start, region.other, run.cost, region.touch, region.late, region.homes, start, 0, wanted, 1,
            run.rng,
        )  # fmt: skip
        made = run.improve(start, k, gamma=0.0, rounds=rounds, steps=steps, warm=_WARM, hot=_HOT)
        value = run.value(made, k, 0.0)
        if best is None or value < best[0]:
            best = (value, made, k)
    assert best is not None  # noqa: S101 (there is a first start)
    named = _named(region, best[1], best[2])
    if task.level.gamma <= 0:
        return named
    return _evened(run, named, steps=steps, hot=_HOT / 4)


def _named(region: Region, label: Small, k: int, *, reuse: bool = False) -> Small:
    """Return the grids with the numbers of those that there are, by best matching of what stays (Hungarian).

    ``reuse``: numbers of which nothing stays go on elsewhere.
    """
    old = len(region.grids)
    stays = np.zeros((k, max(old, 1)))
    for v in range(len(label)):
        for e in range(region.kept_start[v], region.kept_start[v + 1]):
            stays[label[v], region.kept_label[e]] += region.kept[e]
    number = np.full(k, -1, dtype=np.int32)
    for new, present_one in zip(*linear_sum_assignment(stays, maximize=True), strict=True):
        if present_one < old and (reuse or stays[new, present_one] > 0):
            number[new] = present_one
    fresh = old
    for new in range(k):
        if number[new] < 0:
            number[new] = fresh
            fresh += 1
    return number[label]


def _evened(run: _Run, label: Small, *, steps: int, hot: float, rounds: int = 0, warm: float = 1.0) -> Small:
    """Go on from a start whose numbers are those of the grids, with the price of moving."""
    numbers, dense = np.unique(label, return_inverse=True)
    region = run.task.region
    place = np.full(max(int(numbers.max()) + 1, len(region.grids)), len(numbers), dtype=np.int32)
    place[numbers] = np.arange(len(numbers))
    run = replace(run, task=replace(run.task, region=replace(region, kept_label=place[region.kept_label])))
    made = run.improve(
        dense.astype(np.int32), len(numbers), gamma=run.task.level.gamma, rounds=rounds, steps=steps, warm=warm, hot=hot
    )
    return numbers.astype(np.int32)[made]


def _from_present(run: _Run) -> Small:
    task, region = run.task, run.task.region
    label = present(region)
    label = _as_many(run, label, task.grids)
    k = len(np.unique(label))
    rounds, steps = _effort(task, k)
    free = task.level.gamma < 0.05  # noqa: PLR2004
    best: tuple[float, Small] | None = None
    for _ in range(_STARTS):
        if best is not None and run.stop.is_set():
            break
        made = _evened(run, label, steps=steps, hot=_HOT, rounds=rounds if free else rounds // 4, warm=1.0)
        numbers, dense = np.unique(made, return_inverse=True)
        value = run.value(dense.astype(np.int32), len(numbers), 0.0) + task.level.gamma * _moved(region, made)
        if best is None or value < best[0]:
            best = (value, made)
    assert best is not None  # noqa: S101
    numbers, dense = np.unique(best[1], return_inverse=True)
    # where moving costs little, grids may have changed places
    return _named(region, dense.astype(np.int32), len(numbers), reuse=True)


def _moved(region: Region, label: Small) -> float:
    stays = sum(
        kernels.kept_in(v, int(label[v]), region.kept_start, region.kept_label, region.kept) for v in range(len(label))
    )
    return float(region.kept.sum()) - stays


def _as_many(run: _Run, label: Small, wanted: int | None) -> Small:
    """Split the largest grids, or merge the smallest with a neighbour, until there are as many as wanted."""
    region = run.task.region
    label = label.copy()
    fresh = max(len(region.grids), int(label.max()) + 1)
    while wanted is not None:
        numbers = np.unique(label)
        if len(numbers) == wanted:
            break
        total, atoms = kernels.counted(label, region.homes, int(numbers[-1]) + 1)
        homes = total[numbers]
        if len(numbers) < wanted:
            largest = int(numbers[int(np.argmax(np.where(atoms[numbers] > 1, homes, -1)))])
            if kernels.seed(
                region.start, region.other, run.cost, region.touch, region.late, region.homes, label, largest, 2,
                fresh, run.rng,
            ) < 2:  # fmt: skip  # noqa: PLR2004
                break
            fresh += 1
        else:
            smallest = int(numbers[int(np.argmin(homes))])
            size = dict(zip(numbers.tolist(), homes.tolist(), strict=True))
            beside = {
                int(label[region.other[e]])
                for v in np.flatnonzero(label == smallest)
                for e in range(region.start[v], region.start[v + 1])
                if region.touch[e] and label[region.other[e]] != smallest
            }
            if not beside:
                break
            label[label == smallest] = min(beside, key=lambda g: (size[g], g))
    return label
