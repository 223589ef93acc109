"""Siting beside spopt (CBC and HiGHS) and beside HiGHS on merged rows alone: the same optimum, in the same run.

    GRIDMAP_BENCH_BUILDINGS=2324,24300 ./dev bench siting

The town is made: homes and candidates along the streets of a perturbed lattice of 105 m, walking times by scipy's
Dijkstra, 1,170 m. Up to 10,000 homes: 200 candidates, 10 sites; more: 500 candidates, 20 sites. ``spopt`` counts the
building of its model, as users wait for it; the dense matrix that it needs is made beforehand.
"""

from __future__ import annotations

import resource
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pulp
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_matrix, csr_matrix, hstack, identity
from scipy.sparse.csgraph import dijkstra
from spopt.locate import MCLP

from benchmarks.report import command, sizes, table, write_section
from gridmap.core.siting import Coverage, Demand, Places, Proposal, max_cover, p_median, set_cover
from gridmap.core.siting.rows import cover_rows

SPACING_M, LIMIT_M, SPEED_MPS = 105.0, 1170.0, 1.3
MANY, RUNS = 10_000, 5
#: Peers that would take longer are stopped; the table says so.
PATIENCE_S = 900
UNREACHED_S = 1e6


@dataclass(frozen=True)
class Town:
    households: Any
    reach: Coverage
    sites: int

    @property
    def places(self) -> Places:
        return Places(self.reach)

    @property
    def demand(self) -> Demand:
        return Demand(self.households, 2.5 * self.households)


def town(homes: int) -> Town:
    rng = np.random.default_rng(1)
    side, candidates, sites = (60, 200, 10) if homes <= MANY else (84, 500, 20)
    number = np.arange(side * side).reshape(side, side)
    xy = np.stack(np.divmod(number.ravel(), side), axis=1) * SPACING_M
    xy = xy + rng.uniform(-0.3, 0.3, xy.shape) * SPACING_M
    edges = np.concatenate(
        [
            np.stack([number[:-1], number[1:]], -1).reshape(-1, 2),
            np.stack([number[:, :-1], number[:, 1:]], -1).reshape(-1, 2),
        ]
    )
    edges = edges[rng.random(len(edges)) > 0.15]
    metres = np.hypot(*(xy[edges[:, 0]] - xy[edges[:, 1]]).T) * rng.uniform(1.0, 1.2, len(edges))
    graph = coo_matrix((metres, (edges[:, 0], edges[:, 1])), shape=(side * side,) * 2).tocsr()

    def along(count: int) -> tuple[Any, Any, Any]:
        edge = rng.choice(len(edges), count, p=metres / metres.sum())
        return edge, rng.random(count) * metres[edge], rng.uniform(8, 60, count)

    home_edge, home_m, home_off = along(homes)
    site_edge, site_m, site_off = along(candidates)
    households = rng.integers(1, 60, homes).astype(float)
    start, demand, seconds = [0], [], []
    for edge, m, off in zip(site_edge, site_m, site_off, strict=True):
        ends = dijkstra(graph, directed=False, indices=edges[edge], limit=LIMIT_M)
        node = np.minimum(ends[0] + m, ends[1] + metres[edge] - m)
        way = np.minimum(node[edges[home_edge, 0]] + home_m, node[edges[home_edge, 1]] + metres[home_edge] - home_m)
        way = np.where(home_edge == edge, np.minimum(way, np.abs(home_m - m)), way) + home_off + off
        near = np.flatnonzero(way <= LIMIT_M)
        start.append(start[-1] + len(near))
        demand.append(near)
        seconds.append(way[near] / SPEED_MPS)
    reach = Coverage(
        np.array(start, dtype=np.int64),
        np.concatenate(demand).astype(np.int32),
        np.concatenate(seconds).astype(np.float32),
    )
    return Town(households, reach, sites)


def timed(work: Callable[[], Any], runs: int) -> tuple[Any, float]:
    seconds = []
    for _ in range(runs):
        start = time.perf_counter()
        out = work()
        seconds.append(time.perf_counter() - start)
    return out, statistics.median(seconds)


def of_spopt(place: Town, solver: Any) -> Callable[[], tuple[float, bool]]:
    reach = place.reach
    cost = np.full((len(place.households), reach.places), UNREACHED_S)
    cost[reach.demand, np.repeat(np.arange(reach.places), np.diff(reach.start))] = reach.seconds

    def work() -> tuple[float, bool]:
        model = MCLP.from_cost_matrix(cost, place.households, LIMIT_M / SPEED_MPS, p_facilities=place.sites)
        model.problem.solve(solver)
        value = float(pulp.value(model.problem.objective) or 0.0)
        return value, model.problem.sol_status == pulp.LpSolutionOptimal

    return work


def of_milp(place: Town) -> tuple[float, bool]:
    """Merged rows straight into ``scipy.optimize.milp``."""
    reach, weight = place.reach, place.households
    rows, _ = cover_rows(reach.start, reach.demand, weight, weight, weight > 0, split=False)
    count, candidates = len(rows.weight), rows.candidates
    site = np.repeat(np.arange(candidates), np.diff(rows.start))
    covers = hstack([coo_matrix((np.ones(len(site)), (rows.row, site)), shape=(count, candidates)), -identity(count)])
    number = csr_matrix(np.concatenate([np.ones(candidates), np.zeros(count)])[None])
    found = milp(
        -np.concatenate([np.zeros(candidates), rows.weight]),
        constraints=[LinearConstraint(covers.tocsr(), 0, np.inf), LinearConstraint(number, 0, place.sites)],
        integrality=np.concatenate([np.ones(candidates), np.zeros(count)]),
        bounds=Bounds(0, 1),
        options={"mip_rel_gap": 0.0, "time_limit": PATIENCE_S},
    )
    return float(-found.fun), bool(found.success)


def cover_table(place: Town) -> str:
    count = len(place.households)
    quick, quick_s = timed(lambda: max_cover(place.demand, place.places, place.sites), RUNS)
    proof, proof_s = timed(lambda: max_cover(place.demand, place.places, place.sites, prove=True), RUNS)
    peers = {
        "scipy milp (HiGHS), merged rows": lambda: of_milp(place),
        "spopt, CBC": of_spopt(place, pulp.PULP_CBC_CMD(msg=False, timeLimit=PATIENCE_S, gapRel=0)),
        "spopt, HiGHS": of_spopt(place, pulp.HiGHS(msg=False, timeLimit=PATIENCE_S, gapRel=0)),
    }
    name, best = f"{count:,} × {place.reach.places}, {place.sites} sites", proof.covered
    end = "proven" if proof.proven else "not proven"
    rows: list[list[Any]] = [
        [name, "gridmap, quick", f"{quick_s:.4f}", f"{quick.covered:,.0f}", f"{quick.covered / best:.2%}", ""],
        ["", "gridmap, proven", f"{proof_s:.3f}", f"{best:,.0f}", end, "1"],
    ]
    for name, work in peers.items():
        (value, proven), seconds = timed(work, 1 if count > MANY else 3)
        if proven:
            assert round(value) == round(proof.covered), (name, value, proof.covered)
        end = "the same, proven" if proven else f"{value / proof.covered:.2%}, not proven in {PATIENCE_S} s"
        rows.append(["", name, f"{seconds:.2f}", f"{value:,.0f}", end, f"{seconds / proof_s:.0f}"])
    return table(["homes × candidates", "engine", "s", "households", "optimum", "× gridmap proven"], rows)


def others(place: Town) -> list[list[Any]]:
    asked: dict[str, Callable[[bool], Proposal]] = {
        "fewest for 50 %": lambda prove: set_cover(
            place.demand, place.places, share=0.5, prove=prove, time_limit_s=PATIENCE_S
        ),
        "fewest for all": lambda prove: set_cover(place.demand, place.places, prove=prove, time_limit_s=PATIENCE_S),
        f"least walking, {place.sites} sites": lambda prove: p_median(
            place.demand, place.places, place.sites, prove=prove, time_limit_s=PATIENCE_S
        ),
    }
    rows = []
    for name, ask in asked.items():
        quick, quick_s = timed(lambda ask=ask: ask(False), RUNS)
        proof, proof_s = timed(lambda ask=ask: ask(True), 1)
        figures = [f"{quick_s:.4f}", f"{quick.value:,.1f}", f"{proof_s:.2f}", f"{proof.value:,.1f}"]
        rows.append([f"{len(place.households):,}", name, *figures, f"{proof.bound:,.1f}"])
    return rows


def main() -> None:
    """Measure and write the section."""
    towns = [town(homes) for homes in sizes()]
    max_cover(towns[0].demand, towns[0].places, 2, prove=True)
    parts = [cover_table(place) for place in towns]
    more = [row for place in towns for row in others(place)]
    parts.append(table(["homes", "question", "quick s", "value", "proof s", "value", "bound"], more))
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    parts.append(
        f"Medians of {RUNS} runs of gridmap, 3 of peers (more than {MANY:,} homes: one). Peak memory of the whole run, "
        f"peers included: {peak_mb:,.0f} MB."
    )
    body = "\n\n".join(parts)
    write_section("siting", command("siting"), body, ["highspy", "scipy", "spopt", "pulp", "numba"])
    print(body)


if __name__ == "__main__":
    main()
