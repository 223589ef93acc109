"""Proposals for a plan: every region divided at several levels, put together to candidates to choose from."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gridmap.core.plans.context import Context
from gridmap.core.plans.state import PlanState
from gridmap.core.proposals.bound import must_move
from gridmap.core.proposals.candidate import NAMES, Candidate, Figures, candidate_of, figures_of
from gridmap.core.proposals.options import Mode, Order
from gridmap.core.proposals.reasons import band
from gridmap.core.proposals.region import Region, regions
from gridmap.core.proposals.search import Level, Task, fitting, present, solve
from gridmap.errors import Cancelled
from gridmap.model.progress import Progress, silent
from gridmap.model.text import Text

__all__ = ["Bound", "Proposals", "propose"]

Small = NDArray[np.int32]

_LOOK_S = 0.05
_WORKERS = 2
# how much cheaper a candidate that moves more must be, and which share of the border cost counts as smoother
_WORTH, _SMOOTHER = 0.5, 0.95

# prices of a household that changes its grid; one above the band costs 1, above one and a half of it 3
_PRESENT: dict[str, tuple[float, ...]] = {
    "min_change": (2.0, 0.8, 0.4, 0.2, 0.1),
    "rebalance": (0.8, 0.3, 0.1, 0.03, 0.0),
    "grow": (0.8, 0.3, 0.1, 0.03, 0.0),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """The least number of households that must move for all grids of some communities to come within a band.

    ``regions`` is how many it counts; ``impossible`` are those where so many grids cannot be within it.
    """

    households: int
    aim: float
    regions: int
    impossible: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposals:
    """What was asked, what is, and what could be.

    Attributes
    ----------
    order
        As asked.
    complete
        Whether the search came to its end; else these are the best so far, which cannot be repeated.
    households, communities
        What it is about.
    left_alone
        Grids that stay as they are: locked, dedicated, rural.
    now
        Figures of the grids as they are.
    bound
        Of households that must move.
    candidates
        From fewest moved to best balanced; none where nothing would be better.
    """

    order: Order
    complete: bool
    households: int
    communities: tuple[str | None, ...]
    left_alone: tuple[str, ...]
    now: Figures
    bound: Bound
    candidates: tuple[Candidate, ...]


def levels(mode: Mode, count: int) -> tuple[Level, ...]:
    """Return the levels of a mode, from fewest moved to best balanced."""
    if mode == "fresh":
        every = (
            Level(name="fewest", anew=False, gamma=0.1),
            Level(name="few", anew=True, gamma=0.1),
            Level(name="even", anew=True, gamma=0.02),
            Level(name="smooth", anew=True, gamma=0.0, borders=6.0),
            Level(name="balanced", anew=True, gamma=0.0),
        )
        return {3: (every[0], every[3], every[4]), 4: (every[0], every[2], every[3], every[4]), 5: every}[count]
    prices = _PRESENT[mode]
    chosen = {3: (0, 1, 3), 4: (0, 1, 2, 4), 5: (0, 1, 2, 3, 4)}[count]
    names = {3: ("fewest", "even", "balanced"), 4: ("fewest", "few", "even", "balanced")}.get(
        count, ("fewest", "few", "even", "even", "balanced")
    )
    return tuple(Level(name=name, anew=False, gamma=prices[k]) for name, k in zip(names, chosen, strict=True))


def propose(
    state: PlanState, order: Order, context: Context, *, workers: int = _WORKERS, progress: Progress = silent
) -> Proposals:
    """Return candidates; the same plan, order and seed give the same ones, however many ``workers`` there are.

    Limits are iterations. Where ``progress`` raises Cancelled, or at Ctrl-C, the best so far is returned, and told to
    be incomplete.

    Raises
    ------
    InputError
        There is no such grid or community, or nothing that may change.
    """
    found = regions(state, order, context)
    wanted = levels(order.mode, order.candidates)
    scale = order.weights.scale(context.targets)
    new_number = order.mode in {"fresh", "grow"}
    tasks = [
        Task(
            region=region,
            level=level,
            grids=fitting(region, scale) if new_number else None,
            scale=scale,
            seed=(order.seed * 1_000_003 + region.seed) % 2**63,
            effort=order.effort,
        )
        for region in found
        for level in wanted
    ]
    divided, complete = _solved(tasks, workers, progress)
    by_level = [divided[k :: len(wanted)] for k in range(len(wanted))]
    keys = sorted({grid.key for region in found for grid in region.grids}, key=lambda key: state.grids[key].code)
    candidates = [
        made
        for level, labels in zip(wanted, by_level, strict=True)
        if (made := candidate_of(state, context, order, level.name, found, labels, keys)) is not None
    ]
    now = figures_of(state, keys, found, [present(region) for region in found], order, context.targets)
    return Proposals(
        order=order,
        complete=complete,
        households=sum(region.households for region in found),
        communities=tuple(dict.fromkeys(region.community for region in found)),
        left_alone=_left_alone(state, found, order),
        now=now,
        bound=_bound(found, order, context),
        candidates=_told(_chosen(candidates), now),
    )


def _left_alone(state: PlanState, found: Sequence[Region], order: Order) -> tuple[str, ...]:
    communities = {region.community for region in found}
    if order.grid is not None:
        return ()
    return tuple(
        grid.code
        for grid in state.leaves
        if (order.community is None or grid.community in communities) and (grid.locked or grid.kind != "urban")
    )


def _bound(found: Sequence[Region], order: Order, context: Context) -> Bound:
    low, high = band(context.targets, order.weights.aim)
    each = [must_move(region, low=low, high=high) for region in found]
    known = [homes for homes in each if homes is not None]
    return Bound(households=sum(known), aim=order.weights.aim, regions=len(known), impossible=len(each) - len(known))


# -- working ---------------------------------------------------------------------------------------------------------


def _solved(tasks: Sequence[Task], workers: int, progress: Progress) -> tuple[list[Small], bool]:
    """Do tasks in threads (kernels run without the interpreter's lock); returns divisions, and whether all ended."""
    stop = threading.Event()
    results: list[Small] = [present(task.region) for task in tasks]
    doing = Text("生成自动方案", "Working out proposals")
    with ThreadPoolExecutor(max(1, workers), thread_name_prefix="proposals") as pool:
        futures: dict[Future[Small], int] = {}
        todo = iter(range(len(tasks)))
        done = 0
        try:
            progress(0.0, doing)
            while True:
                for k in todo:
                    futures[pool.submit(solve, tasks[k], stop=stop)] = k
                    if len(futures) > workers:
                        break
                if not futures:
                    return results, True
                ended, _ = wait(futures, timeout=_LOOK_S, return_when=FIRST_COMPLETED)
                for future in ended:
                    results[futures.pop(future)] = future.result()
                    done += 1
                progress(done / len(tasks), doing)
        except (Cancelled, KeyboardInterrupt):
            stop.set()
            for future, k in futures.items():
                results[k] = future.result()
            return results, False
        except BaseException:
            stop.set()
            raise


# -- choosing --------------------------------------------------------------------------------------------------------


def _chosen(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Return, by households moved, the candidates each of which is worth more than those that move fewer.

    One with smoother borders than all others stays too.
    """
    ordered = sorted(candidates, key=lambda one: (one.households_moved, _price(one), one.figures.border_cost))
    kept: list[Candidate] = []
    for one in ordered:
        if not kept or _price(one) < min(map(_price, kept)) - _WORTH:
            kept.append(one)
    if kept:
        smoothest = min(ordered, key=lambda one: one.figures.border_cost)
        if smoothest.figures.border_cost < _SMOOTHER * min(one.figures.border_cost for one in kept):
            kept.append(replace(smoothest, name="smooth"))
    return sorted(kept, key=lambda one: one.households_moved)


def _price(candidate: Candidate) -> float:
    return candidate.figures.size_cost + candidate.figures.border_cost


def _told(candidates: Sequence[Candidate], now: Figures) -> tuple[Candidate, ...]:
    """Return the candidates with their names and trade-offs in words."""
    if not candidates:
        return ()
    best = min(candidates, key=lambda one: (one.figures.size_cost, _price(one)))
    first = candidates[0]
    out = []
    for one in candidates:
        between = "smooth" if one.name == "smooth" else "even"
        name = "fewest" if one is first else "balanced" if one is best else between
        trade_off = _trade_off(one, now, None if one is first else first)
        out.append(replace(one, name=name, title=NAMES[name], trade_off=trade_off))
    return tuple(out)


def _trade_off(one: Candidate, now: Figures, first: Candidate | None) -> Text:
    figures = one.figures
    share = f"{one.moved_share:.1%}"
    zh = f"{one.households_moved} 户（{share}）换网格；"
    en = f"{one.households_moved} households ({share}) change their grid; "
    if one.grids_new or one.grids_ended:
        zh += f"新增 {one.grids_new} 个、撤销 {one.grids_ended} 个网格；"
        en += f"{one.grids_new} grids begin and {one.grids_ended} end; "
    zh += (
        f"±10% 以内 {figures.within_10}/{figures.grids} 个网格（现在 {now.within_10}/{now.grids}），"
        f"±15% 以内 {figures.within_15}（现在 {now.within_15}），"
        f"平均偏差 {figures.mean_deviation:.1%}（现在 {now.mean_deviation:.1%}），"
        f"最大 {figures.max_deviation:.0%}；"
        f"边界 {figures.border_m / 1000:.1f} 公里，沿街 {_share(figures)}（现在 {_share(now)}）。"
    )
    en += (
        f"{figures.within_10} of {figures.grids} grids within ±10 % (now {now.within_10} of {now.grids}), "
        f"{figures.within_15} within ±15 % (now {now.within_15}), off by "
        f"{figures.mean_deviation:.1%} on average (now {now.mean_deviation:.1%}) and {figures.max_deviation:.0%} at "
        "most; "
        f"{figures.border_m / 1000:.1f} km of borders, {_share(figures)} along streets (now {_share(now)})."
    )
    if first is not None:
        more = one.households_moved - first.households_moved
        gain = figures.within_10 - first.figures.within_10
        if gain > 0:
            zh += f"比变动最少的方案多动 {more} 户，多 {gain} 个网格进入 ±10%。"
            en += f" That is {more} more households than the one with fewest, for {gain} more grids within ±10 %."
        else:
            zh += f"比变动最少的方案多动 {more} 户，换来更均匀的户数或更顺的边界。"
            en += f" That is {more} more households than the one with fewest, for evener sizes or better borders."
    return Text(zh, en)


def _share(figures: Figures) -> str:
    return "–" if figures.border_m <= 0 else f"{figures.street_m / figures.border_m:.0%}"
