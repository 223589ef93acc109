"""Proposals beside METIS (pymetis), GerryChain (trees, short bursts) and spopt (max-p): quality and time in one run.

    ./dev bench proposals                                the sample county with 43 communities
    GRIDMAP_REALDATA=FOLDER ./dev bench proposals        and on the streets of Guixi

All divide the same atoms of the same communities into the same number of grids (max-p finds its own). ``whole`` keeps
estates whole, as the program does; ``buildings`` lets every building go by itself. The cost of borders is that of the
program's search: METIS and GerryChain are given the same. ``possible`` is what whole atoms allow at most, whatever the
shape (HiGHS, 2 s a community; its bound where it does not finish).
"""

from __future__ import annotations

import os
import random
import signal
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, linear_sum_assignment, milp
from scipy.sparse import coo_array, lil_array
from scipy.sparse.csgraph import connected_components

from benchmarks.report import command, sizes, table, write_section
from gridmap.core.plans.context import Context
from gridmap.core.plans.gestures import read_gesture
from gridmap.core.plans.operations import operate
from gridmap.core.plans.state import PlanState
from gridmap.core.proposals.options import Order
from gridmap.core.proposals.propose import levels, propose
from gridmap.core.proposals.region import Region, regions
from gridmap.core.proposals.search import Task, fitting, solve
from gridmap.services.planland import Session
from gridmap.services.plans import PlanDesk
from gridmap.services.sample import SampleOrder, load_sample
from gridmap.settings import Settings
from gridmap.store import plans as plan_store
from gridmap.store.cluster import Cluster
from gridmap.store.database import engine_of, find_place
from gridmap.store.migrate import migrate

COMMUNITIES, EXTRACT = 43, "guixi_jiangxi.osm.pbf"
_UNIT_M = 200.0
_PATIENCE_S, _PROOF_S = 12.0, 2.0
_BURSTS, _LENGTH = 10, 40
# of its usual 99 constructions: each takes up to a second for a community
_MAX_P = 5

Small = NDArray[np.int32]


@dataclass(frozen=True)
class Problem:
    """Regions, and how many grids each should become."""

    name: str
    state: PlanState
    context: Context
    regions: Sequence[Region]
    grids: Sequence[int]

    @property
    def target(self) -> int:
        return self.context.targets.households


def main() -> None:
    """Measure and write the section."""
    parts: list[str] = []
    with tempfile.TemporaryDirectory(prefix="gridmap-bench-", dir="/var/tmp") as name:
        Path(name).chmod(0o755)
        settings = Settings(data_dir=Path(name))
        try:
            for label, order in towns():
                parts += [f"### {label}", *measured(opened(settings, label, order))]
        finally:
            Cluster(settings.data_dir).stop()
    body = "\n\n".join(parts)
    write_section("proposals", command("proposals"), body, ["numba", "scipy", "pymetis", "gerrychain", "spopt"])
    print(body)


def towns() -> Iterator[tuple[str, SampleOrder]]:
    for size in sizes():
        yield f"sample, {size:,} buildings", SampleOrder(buildings=size, communities=COMMUNITIES)
        folder = os.environ.get("GRIDMAP_REALDATA")
        if folder:
            extract = str(Path(folder) / EXTRACT)
            yield (
                f"streets of Guixi, {size:,} buildings",
                SampleOrder(buildings=size, communities=COMMUNITIES, on=extract),
            )


def opened(settings: Settings, label: str, order: SampleOrder) -> Session:
    place = find_place(settings, "".join(c for c in label.lower() if c.isalnum()))
    migrate(place)
    load_sample(place, order, who="bench")
    desk = PlanDesk(place)
    plan = int(desk.new(title="bench", who="bench")["id"])
    with engine_of(place).connect() as connection:
        row = plan_store.find(connection, plan)
        assert row is not None
        return desk.session(connection, row)


def measured(session: Session) -> list[str]:
    state, context = session.state, session.land.context
    free = replace(state.fabric, estate=np.full(len(state.fabric.ids), None, dtype=object))
    single = PlanState.start(free, state.grids.values(), state.all_keys())
    engines = [
        engine for name, one in (("whole", state), ("buildings", single)) for engine in compared(name, one, context)
    ]
    heads = [
        "atoms", "engine", "grids", "±10 %", "±15 %", "most off", "in pieces", "border cost, km", "s",
        "communities failed",
    ]  # fmt: skip
    return [
        table(heads, engines),
        table(["what", "s"], times(state, context)),
        table(
            ["after growth", "±10 %", "±15 %", "households moved", "share"],
            [*grown("whole", state, context), *grown("buildings", single, context)],
        ),
    ]


# -- engines -----------------------------------------------------------------------------------------------------------


def compared(name: str, state: PlanState, context: Context) -> list[list[Any]]:
    order = Order(mode="fresh")
    scale = order.weights.scale(context.targets)
    found = [region for region in regions(state, order, context) if region.households]
    problem = Problem(name, state, context, found, [fitting(region, scale) for region in found])
    ours(problem, effort=0.1)  # kernels compiled
    engines: dict[str, Callable[[Problem], list[Small | None]]] = {
        "gridmap": ours,
        "METIS, nested": metis,
        "METIS, best of 20": metis_of_20,
        "GerryChain, tree": lambda p: gerrychain(p, bursts=0),
        f"GerryChain, {_BURSTS} bursts of {_LENGTH}": lambda p: gerrychain(p, bursts=_BURSTS),
        "spopt max-p": max_p,
    }
    rows = []
    for engine, work in engines.items():
        start = time.perf_counter()
        labels = work(problem)
        rows.append([name, engine, *quality(problem, labels, time.perf_counter() - start)])
        print(rows[-1], flush=True)
    inner, outer = possible(problem, 0.10), possible(problem, 0.15)
    total = sum(problem.grids)
    rows.append([name, "possible", total, f"{inner / total:.1%}", f"{outer / total:.1%}", "", "", "", "", ""])
    mean = sum(
        k for r, k in zip(found, problem.grids, strict=True) if abs(r.households / k / problem.target - 1) <= 0.1
    )
    rows.append([name, "of communities whose mean is within ±10 %", mean, "", "", "", "", "", "", ""])
    return rows


def quality(problem: Problem, labels: Sequence[Small | None], seconds: float) -> list[Any]:
    sizes_: list[int] = []
    cost, loose, failed = 0.0, 0, 0
    for region, label in zip(problem.regions, labels, strict=True):
        if label is None:
            failed += 1
            continue
        source = np.repeat(np.arange(len(region.homes)), np.diff(region.start))
        cost += float(region.cost[label[source] != label[region.other]].sum()) / 2 * _UNIT_M / 1000
        for g in np.unique(label):
            members = np.flatnonzero(label == g)
            sizes_.append(int(region.homes[members].sum()))
            loose += pieces(region, label, int(g)) > 1
    if not sizes_:
        return [0, "", "", "", "", "", f"{seconds:.2f}", failed]
    off = np.abs(np.array(sizes_) / problem.target - 1)
    shares = [f"{(off <= limit + 1e-9).mean():.1%}" for limit in (0.10, 0.15)]
    return [len(off), *shares, f"{off.max():.0%}", loose, f"{cost:.1f}", f"{seconds:.2f}", failed]


def pieces(region: Region, label: Small, g: int) -> int:
    source = np.repeat(np.arange(len(region.homes)), np.diff(region.start))
    inner = region.touch & (label[source] == g) & (label[region.other] == g)
    place = np.cumsum(label == g) - 1
    size = int((label == g).sum())
    graph = coo_array(
        (np.ones(int(inner.sum())), (place[source[inner]], place[region.other[inner]])), shape=(size, size)
    )
    return int(connected_components(graph, directed=False)[0])


def ours(problem: Problem, *, effort: float = 1.0) -> list[Small | None]:
    import threading

    order = Order(mode="fresh")
    scale = order.weights.scale(problem.context.targets)
    level = levels("fresh", 5)[-1]
    return [
        solve(
            Task(region=region, level=level, grids=k, scale=scale, seed=region.seed, effort=effort),
            stop=threading.Event(),
        )
        for region, k in zip(problem.regions, problem.grids, strict=True)
    ]


def metis(problem: Problem, *, seed: int = 1) -> list[Small | None]:
    return [metis_of(region, k, seed) for region, k in zip(problem.regions, problem.grids, strict=True)]


def metis_of(region: Region, k: int, seed: int) -> Small:
    import pymetis

    if k == 1:
        return np.zeros(len(region.homes), dtype=np.int32)
    options = pymetis.Options(contig=1, seed=seed)
    found = pymetis.part_graph(
        k,
        adjacency=pymetis.CSRAdjacency(region.start.tolist(), region.other.tolist()),
        vweights=region.homes.tolist(),
        # METIS wants whole numbers above 0
        eweights=np.maximum(np.rint(region.cost * 1000), 1).astype(np.int64).tolist(),
        recursive=False,
        options=options,
    )
    return np.array(found.vertex_part, dtype=np.int32)


def metis_of_20(problem: Problem) -> list[Small | None]:
    scale = Order().weights.scale(problem.context.targets)
    best: list[Small | None] = []
    for region, k in zip(problem.regions, problem.grids, strict=True):
        tries = [metis_of(region, k, seed) for seed in range(1, 21)]
        best.append(min(tries, key=lambda label: price(region, label, scale)))
    return best


def price(region: Region, label: Small, scale: NDArray[np.float64]) -> float:
    from gridmap.core.proposals import kernels

    numbers, dense = np.unique(label, return_inverse=True)
    return kernels.energy(
        region.start, region.other, region.cost, region.homes, region.kept_start, region.kept_label, region.kept,
        dense.astype(np.int32), len(numbers), scale, 0.0,
    )  # fmt: skip


def gerrychain(problem: Problem, *, bursts: int) -> list[Small | None]:
    return [chained(region, k, bursts) for region, k in zip(problem.regions, problem.grids, strict=True)]


def chained(region: Region, k: int, bursts: int) -> Small | None:  # noqa: C901
    """Return trees balanced as narrowly as they are found, then short bursts for short borders; None after 12 s."""
    import networkx as nx
    from gerrychain import Graph, Partition
    from gerrychain.accept import always_accept
    from gerrychain.constraints import contiguous, within_percent_of_ideal_population
    from gerrychain.optimization import SingleMetricOptimizer
    from gerrychain.proposals import build_recom_proposal_fn
    from gerrychain.updaters import Tally

    if k == 1:
        return np.zeros(len(region.homes), dtype=np.int32)
    made = nx.Graph()
    for v, homes in enumerate(region.homes.tolist()):
        made.add_node(v, pop=homes)
    source = np.repeat(np.arange(len(region.homes)), np.diff(region.start))
    for a, b, cost, touch in zip(
        source.tolist(), region.other.tolist(), region.cost.tolist(), region.touch, strict=True
    ):
        if a < b and touch:
            made.add_edge(a, b, cost=cost)
    graph = Graph.from_networkx(made)

    def border(partition: Any) -> float:
        return sum(graph.edge_data(edge)["cost"] for edge in partition["cut_edges"])

    # the time goes to narrow bands first; where one is not found in it, the next wider one
    for epsilon in (0.10, 0.15, 0.30, 0.60):
        try:
            with limited(_PATIENCE_S / 4), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                now = Partition.from_random_assignment(
                    graph,
                    k,
                    epsilon,
                    "pop",
                    updaters={"pop": Tally("pop", "pop")},
                    rng=random.Random(1),  # noqa: S311
                )
                if bursts:
                    chain = SingleMetricOptimizer(
                        build_recom_proposal_fn("pop", sum(region.homes.tolist()) / k, epsilon, node_repeats=1),
                        [contiguous, within_percent_of_ideal_population(now, epsilon, pop_key="pop")],
                        now, border, maximize=False, rng=random.Random(1),  # noqa: S311
                    )  # fmt: skip
                    for _ in chain.short_bursts(_LENGTH, bursts, acceptance_fn=always_accept):
                        pass
                    now = chain.best_part
                label = np.zeros(len(region.homes), dtype=np.int32)
                for node, part in now.assignment.items():
                    label[graph.original_nx_node_id_for_internal_node_id(node)] = part
                return label
        except Exception as error:  # noqa: BLE001 (whatever way it fails counts as not found)
            print("GerryChain:", region.community, epsilon, type(error).__name__, str(error)[:60])
    return None


def max_p(problem: Problem) -> list[Small | None]:
    """Return regions of at least 270 households."""
    import geopandas as gpd
    import pandas as pd
    import shapely
    from libpysal.weights import W
    from spopt.region import MaxPHeuristic

    out: list[Small | None] = []
    for region in problem.regions:
        frame = gpd.GeoDataFrame(
            pd.DataFrame({"homes": region.homes, "x": region.xy[:, 0], "y": region.xy[:, 1]}),
            geometry=shapely.points(region.xy),
        )
        touching = [
            region.other[region.start[v] : region.start[v + 1]][region.touch[region.start[v] : region.start[v + 1]]]
            for v in range(len(region.homes))
        ]
        weights = W({v: sorted(set(near.tolist())) for v, near in enumerate(touching)}, silence_warnings=True)
        try:
            with limited(_PATIENCE_S), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                np.random.seed(1)  # noqa: NPY002 (what it draws from)
                model = MaxPHeuristic(
                    frame, weights, ["x", "y"], "homes", 0.9 * problem.target, max_iterations_construction=_MAX_P
                )
                model.solve()
            out.append(np.unique(model.labels_, return_inverse=True)[1].astype(np.int32))
        except Exception as error:  # noqa: BLE001
            print("max-p:", region.community, type(error).__name__, str(error)[:60])
            out.append(None)
    return out


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    def stop(*_: Any) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def possible(problem: Problem, limit: float) -> int:
    """Return how many grids at most can be within a band when atoms stay whole and shape does not matter."""
    low, high = np.ceil(problem.target * (1 - limit)), np.floor(problem.target * (1 + limit))
    count = 0
    for region, k in zip(problem.regions, problem.grids, strict=True):
        homes = region.homes[region.homes > 0].astype(np.float64)
        n, total = len(homes), float(homes.sum())
        rows = lil_array((n + 2 * k, n * k + k))
        for v in range(n):
            rows[v, v * k : (v + 1) * k] = 1
        for g in range(k):
            rows[n + g, g : n * k : k] = homes
            rows[n + g, n * k + g] = -low
            rows[n + k + g, g : n * k : k] = homes
            rows[n + k + g, n * k + g] = total - high
        least = np.concatenate([np.ones(n), np.zeros(k), np.full(k, -np.inf)])
        most = np.concatenate([np.ones(n), np.full(k, np.inf), np.full(k, total)])
        goal = np.concatenate([np.zeros(n * k), -np.ones(k)])
        found = milp(
            goal,
            constraints=LinearConstraint(rows.tocsr(), least, most),
            integrality=np.ones(n * k + k),
            bounds=Bounds(0, 1),
            options={"time_limit": _PROOF_S},
        )
        count += int(np.floor(-found.mip_dual_bound + 1e-6)) if found.mip_dual_bound is not None else k
    return count


# -- time, and few moved -----------------------------------------------------------------------------------------------


def times(state: PlanState, context: Context) -> list[list[Any]]:
    communities = sorted({g.community for g in state.leaves if g.kind == "urban" and g.community})
    one = max(
        communities, key=lambda c: sum(state.tally.cells[state.row_of[g.key]] for g in state.leaves if g.community == c)
    )
    rows = []
    for mode in ("fresh", "rebalance", "min_change", "grow"):
        for what, order in (
            (f"{mode}, the community with most cells, 3 candidates", Order(mode=mode, community=one, candidates=3)),
            (f"{mode}, everything, 3 candidates, 2 workers", Order(mode=mode, candidates=3)),
        ):
            runs = []
            for _ in range(3):
                start = time.perf_counter()
                propose(state, order, context, workers=2)
                runs.append(time.perf_counter() - start)
            rows.append([what, f"{sorted(runs)[1]:.2f}"])
    return rows


def grown(name: str, state: PlanState, context: Context) -> list[list[Any]]:
    """Start from well balanced grids; 50 % more households in 7 % of blocks, 55 % fewer in 5 %; as many grids stay."""
    start = taken(state, context, propose(state, Order(mode="fresh", candidates=3), context).candidates[-1].gesture)
    rng = np.random.default_rng(1)
    fabric = start.fabric
    draw = rng.random(int(fabric.block.max()) + 1)[fabric.block]
    homes = np.where(draw < 0.07, np.rint(1.5 * fabric.households), fabric.households)
    homes = np.where(draw > 0.95, np.rint(0.45 * fabric.households), homes).astype(np.int64)
    after = PlanState.start(replace(fabric, households=homes), start.grids.values(), start.all_keys())
    order = Order(mode="fresh")
    scale = order.weights.scale(context.targets)
    stays = {
        region.community for region in regions(after, order, context) if fitting(region, scale) == len(region.grids)
    }
    others = [g for g in after.leaves if g.kind == "urban" and g.community not in stays]
    lock = {"kind": "lock", "grids": [g.code for g in others]}
    after = taken(after, context, lock) if others else after
    rows = []
    now = propose(after, Order(mode="min_change", candidates=5), context)
    total = now.households

    def row(what: str, figures: Any, moved: int) -> list[Any]:
        inner, outer = figures.within_10 / figures.grids, figures.within_15 / figures.grids
        return [f"{name}: {what}", f"{inner:.1%}", f"{outer:.1%}", f"{moved:,}", f"{moved / total:.1%}"]

    rows.append(row("nothing done", now.now, 0))
    rows.append([f"{name}: least that must move (where ±10 % is possible)", "", "", f"{now.bound.households:,}", ""])
    for mode in ("min_change", "rebalance", "fresh"):
        found = propose(after, Order(mode=mode, candidates=5), context).candidates
        rows += [row(f"{mode}, {one.name}", one.figures, one.households_moved) for one in found]
    rows.append(row_of_scratch(name, after, context))
    return rows


def row_of_scratch(name: str, state: PlanState, context: Context) -> list[Any]:
    """Draw anew with nothing known of the present grids, then keep numbers by best matching."""
    order = Order(mode="fresh")
    scale = order.weights.scale(context.targets)
    found = regions(state, order, context)
    problem = Problem(name, state, context, found, [fitting(region, scale) for region in found])
    moved = 0
    labels = ours(problem)
    for region, label in zip(found, labels, strict=True):
        assert label is not None
        _, dense = np.unique(label, return_inverse=True)
        stays = np.zeros((int(dense.max()) + 1, max(len(region.grids), 1)))
        for v in range(len(region.homes)):
            for e in range(region.kept_start[v], region.kept_start[v + 1]):
                stays[dense[v], region.kept_label[e]] += region.kept_homes[e]
        moved += region.households - int(stays[linear_sum_assignment(stays, maximize=True)].sum())
    numbers = quality(problem, labels, 0.0)
    total = sum(region.households for region in found)
    return [f"{name}: from scratch, best matching", numbers[1], numbers[2], f"{moved:,}", f"{moved / total:.1%}"]


def taken(state: PlanState, context: Context, gesture: dict[str, Any]) -> PlanState:
    return state.after(operate(state, read_gesture(gesture), context).effect)


if __name__ == "__main__":
    main()
