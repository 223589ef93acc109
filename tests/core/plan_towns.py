"""Plans to operate on: a chequered town drawn by hand, and crooked ones from a seed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import shapely

from gridmap.core.plans.context import Context, Targets
from gridmap.core.plans.effect import Grid, Outcome
from gridmap.core.plans.fabric import Fabric
from gridmap.core.plans.gestures import read_gesture
from gridmap.core.plans.operations import operate
from gridmap.core.plans.state import PlanState
from tests.core.towns import made

COLUMNS, ROWS, SIDE = 8, 6, 50.0
A, B = "990101001001", "990101001002"
HOMES = 20
# the test's degrees are metres
UNIT = 1e-4


def to_metric(lonlat: Any) -> Any:
    return np.asarray(lonlat) / UNIT


def lonlat(*points: tuple[float, float]) -> list[tuple[float, float]]:
    return [(x * UNIT, y * UNIT) for x, y in points]


CONTEXT = Context(
    to_metric=to_metric, targets=Targets(households=120), communities={A: "urban", B: "urban"},
    used_codes=frozenset({f"{A}009"}),
)  # fmt: skip


def code(column: int, row: int) -> str:
    """Code of the leaf grid of a pair of columns (0–3) and a half of the rows (0–1)."""
    return f"{A if column < 2 else B}{(column % 2) * 2 + row + 1:03d}"


def town(**more: Any) -> PlanState:
    """Return the chequered town: houses of 20 households on squares of 50 m.

    y  ┌────┬────┬────┬────┐   eight grids of 2 × 3 squares (120 households), four in community A (left) and four
    300│A002│A004│B002│B004│   in B; keys 11–18; above them the upper grids A (1) and B (2);
    150├────┼────┼────┼────┤   blocks of 2 × 2 squares with streets between them, so that the border at y = 150
       │A001│A003│B001│B003│   runs through the middle of blocks, and those at x = 100, 200, 300 along streets
    0  └────┴────┴────┴────┘   x 0 … 400; cell id = 1 + column + 8 × row
    """
    column, row = np.meshgrid(np.arange(COLUMNS), np.arange(ROWS))
    column, row = column.ravel(), row.ravel()
    number = np.arange(len(column))
    block = column // 2 + 10 * (row // 2)
    right, up = number[column < COLUMNS - 1], number[row < ROWS - 1]
    a, b = np.concatenate([right, up]), np.concatenate([right + 1, up + COLUMNS])
    facts: dict[str, Any] = {
        "building": number.copy(), "part": np.zeros(len(number), int), "estate": [None] * len(number),
        "households": np.full(len(number), HOMES),
    } | more  # fmt: skip
    homes = facts["households"]
    houses = {f"b{i}": np.flatnonzero(facts["building"] == i) for i in set(facts["building"].tolist()) - {-1}}
    fabric = Fabric.build(
        ids=number + 1,
        geometry=shapely.box(column * SIDE, row * SIDE, (column + 1) * SIDE, (row + 1) * SIDE),
        xy=np.column_stack([(column + 0.5) * SIDE, (row + 0.5) * SIDE]),
        block=block,
        building=facts["building"],
        source=[f"b{i}" if i >= 0 else None for i in facts["building"]],
        part=facts["part"],
        estate=facts["estate"],
        community=[A if c < COLUMNS // 2 else B for c in column],
        figures={"households": homes, "people": homes * 3, "buildings": facts["building"] >= 0},
        edges=(
            a,
            b,
            np.full(len(a), SIDE),
            [None if block[i] == block[j] else "minor" for i, j in zip(a, b, strict=True)],
        ),
        cells_of_building=houses,
        divisible_from=CONTEXT.targets.most,
    )
    grids = [
        Grid(key=1, code=A, name="东风社区", level=1, leaf=False, community=A),
        Grid(key=2, code=B, name="西岭社区", level=1, leaf=False, community=B),
    ]
    for c in range(4):
        home = {"level": 2, "parent": 1 + c // 2, "community": A if c < 2 else B}
        grids += [Grid(key=11 + 2 * c + r, code=code(c, r), name=f"{c}{r}网格", **home) for r in range(2)]
    return PlanState.start(fabric, grids, 11 + 2 * (column // 2) + row // 3)


def done(state: PlanState, **gesture: Any) -> PlanState:
    """Return the plan after an operation."""
    return state.after(outcome(state, **gesture).effect)


def outcome(state: PlanState, **gesture: Any) -> Outcome:
    return operate(state, read_gesture(gesture), CONTEXT)


def cells(state: PlanState, code: str) -> set[int]:
    """Return the ids of the cells of a grid."""
    key = next(g.key for g in state.grids.values() if g.code == code)
    return set(state.fabric.ids[state.cells_of(key)].tolist())


def crooked(seed: int, grids: int = 6) -> PlanState:
    """Return a plan of a town from a seed: grids grown from points, each within its community."""
    _, fabric = made(seed)
    rng = np.random.default_rng(seed)
    table = fabric.cells
    a, b = fabric.edge_positions()
    building = table["building_id"].fillna(-1).astype(int).to_numpy()
    community = [c or A for c in table["area_code"]]
    xy = table[["x_m", "y_m"]].to_numpy()
    homes = np.where((building >= 0) & (table["part"].to_numpy() == 0), rng.integers(0, 60, len(table)), 0)
    land = Fabric.build(
        ids=np.arange(len(table)) * 3 + 7, geometry=table.geometry.to_numpy(), xy=xy,
        block=pd.factorize(table["block"])[0] + 1, building=building,
        source=[str(i) if i >= 0 else None for i in building], part=table["part"].to_numpy(),
        estate=[f"小区{i % 5}" if i >= 0 and i % 3 else None for i in building], community=community,
        figures={"households": homes, "people": homes * 3, "buildings": building >= 0},
        edges=(a, b, fabric.edges["length_m"].to_numpy(), list(fabric.edges["street_class"])),
        cells_of_building={str(i): np.flatnonzero(building == i) for i in sorted(set(building.tolist()) - {-1})},
        divisible_from=CONTEXT.targets.most,
    )  # fmt: skip
    keys = np.zeros(len(xy), dtype=np.int64)
    listed = []
    for k, name in enumerate(sorted(set(community))):
        mine = np.flatnonzero(np.array(community) == name)[land.leader[np.array(community) == name] >= 0]
        seeds = xy[rng.choice(mine, grids, replace=False)]
        nearest = np.argmin(np.linalg.norm(xy[land.leader[mine], None] - seeds[None], axis=2), axis=1)
        keys[mine] = 10 * (k + 1) + nearest
        listed += [
            Grid(key=10 * (k + 1) + g, code=f"{name}{g + 1:03d}", name=f"{name}{g + 1:03d}", level=1, community=name)
            for g in sorted(set(nearest.tolist()))
        ]
    return PlanState.start(land, listed, keys)
