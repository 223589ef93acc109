"""What a step of a plan costs in the server: working it out, writing it, and the answer with polygons and scores."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from benchmarks.report import command, sizes, table, write_section
from gridmap.core.crs import LONLAT_EPSG, transform_xy
from gridmap.core.plans.gestures import read_gesture
from gridmap.core.plans.operations import operate
from gridmap.core.plans.scores import plan_score
from gridmap.core.plans.state import PlanState
from gridmap.errors import Conflict, InputError
from gridmap.services.plans import PlanDesk
from gridmap.services.sample import SampleOrder, load_sample
from gridmap.settings import Settings
from gridmap.store.cluster import Cluster
from gridmap.store.database import find_place
from gridmap.store.migrate import migrate

STEPS = 200


def main() -> None:
    """Measure and write the section."""
    rows: list[list[Any]] = []
    with tempfile.TemporaryDirectory(prefix="gridmap-bench-", dir="/var/tmp") as name:
        Path(name).chmod(0o755)
        settings = Settings(data_dir=Path(name))
        for size in sizes():
            place = find_place(settings, f"plans{size}")
            migrate(place)
            load_sample(place, SampleOrder(buildings=size), who="bench")
            rows += measured(PlanDesk(place), size)
        Cluster(settings.data_dir).stop()
    body = table(["buildings", "what", "median ms", "95 % ms", "times"], rows)
    write_section("plans", command("plans"), body, ["shapely", "numpy", "scipy", "sqlalchemy"])
    print(body)


def measured(desk: PlanDesk, size: int) -> list[list[Any]]:
    """Measure steps of each kind on a plan of the sample town."""
    plan = int(desk.new(title="bench", who="bench")["id"])
    loading = _ms(lambda: desk.show(plan, who="bench"))
    session = desk._now(plan)  # noqa: SLF001 (what the server holds is what is measured)
    targets, srid = session.land.context.targets, session.land.srid
    rows = [[f"{size:,}", "open a plan for the first time", f"{loading:.0f}", "", 1]]

    def told(what: str, times: list[float]) -> None:
        if times:
            slow = sorted(times)[int(0.95 * (len(times) - 1))]
            rows.append([f"{size:,}", what, f"{statistics.median(times):.1f}", f"{slow:.1f}", len(times)])

    rng = np.random.default_rng(1)
    worked: dict[str, list[float]] = {}
    served: dict[str, list[float]] = {}
    for number in range(STEPS):
        state = desk._now(plan).state  # noqa: SLF001
        kind, gesture = any_step(state, rng, number, srid)
        try:
            worked.setdefault(kind, []).append(_ms(lambda s=state, g=gesture: work(s, g, session.land.context)))
            served.setdefault(kind, []).append(_ms(lambda g=gesture: serve(desk, plan, g)))
        except (InputError, Conflict):
            continue
    for kind in sorted(served):
        told(f"{kind}: worked out in memory", worked[kind])
        told(f"{kind}: served, written, with polygons and scores", served[kind])
    told("undo: served", [_ms(lambda: serve(desk, plan, {"kind": "undo"})) for _ in range(20)])
    state = desk._now(plan).state  # noqa: SLF001
    told("score of the whole plan", [_ms(lambda: plan_score(state, targets)) for _ in range(50)])
    return rows


def _ms(action: Callable[[], Any]) -> float:
    start = time.perf_counter()
    action()
    return (time.perf_counter() - start) * 1000


def work(state: PlanState, gesture: dict[str, Any], context: Any) -> None:
    state.after(operate(state, read_gesture(gesture), context).effect)


def serve(desk: PlanDesk, plan: int, gesture: dict[str, Any]) -> None:
    orjson.dumps(desk.operate(plan, gesture, who="bench"))


def any_step(state: PlanState, rng: np.random.Generator, number: int, srid: int) -> tuple[str, dict[str, Any]]:
    """Return a step near the border of two neighbours of one community."""
    fabric = state.fabric
    a, b = state.labels[fabric.edge_a], state.labels[fabric.edge_b]
    same = [state.grids[k].community if k in state.grids else None for k in state.keys]
    own = np.array([*same, None], dtype=object)
    border = np.flatnonzero((a != b) & (a >= 0) & (b >= 0) & (own[a] == own[b]))
    edge = int(rng.choice(border))
    cell, other = int(fabric.edge_a[edge]), int(fabric.edge_b[edge])
    mine, theirs = (state.grids[int(k)].code for k in state.keys_of(np.array([cell, other])))
    middle = (fabric.xy[cell] + fabric.xy[other]) / 2
    across = fabric.xy[other] - fabric.xy[cell]
    along = np.array([-across[1], across[0]]) / np.hypot(*across)

    def lonlat(*points: Any) -> list[tuple[float, float]]:
        return [tuple(p) for p in transform_xy(np.array(points), srid, LONLAT_EPSG).tolist()]

    stroke = [middle + along * t + across * s for t, s in ((-60, 0.2), (-20, 0.9), (20, 0.9), (60, 0.2))]
    kinds: list[tuple[str, dict[str, Any]]] = [
        ("assign a building", {"kind": "assign", "cells": [int(fabric.ids[cell])], "to": theirs}),
        ("assign by brush", {"kind": "assign", "brush": {"line": lonlat(*stroke), "radius_m": 20}, "to": theirs}),
        ("assign by lasso", {"kind": "assign", "lasso": lonlat(*stroke, middle - across * 2), "to": theirs}),
        ("line between two named", {"kind": "line", "line": lonlat(*stroke), "between": [mine, theirs]}),
        ("line, neighbours found", {"kind": "line", "line": lonlat(*stroke)}),
        ("move_boundary", {"kind": "move_boundary", "start": lonlat(middle)[0], "end": lonlat(middle + across)[0]}),
        ("split in halves", {"kind": "split", "grid": mine}),
        ("merge", {"kind": "merge", "grids": [mine, theirs]}),
    ]
    return kinds[number % len(kinds)]
