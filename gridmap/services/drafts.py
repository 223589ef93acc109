"""Drafts that are not drawn by hand: made from imported polygons, and carried over when cells are replaced."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sqlalchemy import Connection

from gridmap.core.plans.effect import NO_GRID, Effect, Grid, GridChange
from gridmap.store import cells as cell_store
from gridmap.store import editions as edition_store
from gridmap.store import plans as store

__all__ = ["BeforeChange", "before_change", "carry", "from_polygons"]

Ids = NDArray[np.int64]

PROGRAM = "gridmap"
"""Who makes the entries that follow from a change of base data."""


def from_polygons(
    connection: Connection,
    *,
    title: str,
    base_edition: int,
    owner: str,
    set_id: int,
    cells: Ids,
    present: Ids,
    codes: NDArray[np.object_],
    rows: pd.DataFrame,
) -> int:
    """Make a draft whose first operation brings the cells to imported grids; returns its id.

    Parameters
    ----------
    connection
        The database.
    title, base_edition, owner, set_id
        Of the draft; a title that is taken gets a number.
    cells
        Ids of the live cells.
    present, codes
        Of each cell, the grid (uid) in the edition and the code of the leaf grid that it goes to; none: not positive,
        None.
    rows
        The imported grids: code, name, level, grid_kind, parent_code, community_code (missing where not known).
    """
    names = (title if n == 1 else f"{title} {n}" for n in count(1))
    made = (store.add(connection, title=n, base_edition=base_edition, owner=owner, set_id=set_id) for n in names)
    plan_id = next(found for found in made if found is not None)
    before, _ = store.grids_now(connection, plan_id)
    changes, key_of = _imported(before, rows)
    target = np.array([NO_GRID if code is None else key_of[code] for code in codes], dtype=np.int64)
    effect = Effect.moving(cells, np.maximum(present, NO_GRID), target, changes)
    if effect:
        _append(connection, plan_id, "draft", owner, effect, {g.key: g for g in before})
    return plan_id


def _imported(before: Iterable[Grid], rows: pd.DataFrame) -> tuple[list[GridChange], dict[str, int]]:
    """Return what imported grids change of those of an edition, and the key of every code."""
    known = {grid.code: grid for grid in before}
    leaf_level = max((grid.level for grid in known.values() if grid.leaf), default=1)
    lowest = rows["level"].max()
    only_leaves = bool((rows["level"] == lowest).all())
    key_of = {code: grid.key for code, grid in known.items()}
    key_of |= {code: -1 - k for k, code in enumerate(c for c in rows["code"] if c not in known)}
    changes: list[GridChange] = []
    for row in rows.to_dict("records"):
        facts = _facts(row, key_of, leaf=bool(row["level"] == lowest), only_leaves=only_leaves)
        grid = known.get(row["code"])
        if grid is None:
            level = leaf_level if row["level"] == lowest else int(row["level"])
            whole: dict[str, Any] = {"name": row["code"], "kind": "urban"} | facts | {"level": level}
            changes.append(GridChange.begin(Grid(key=key_of[row["code"]], code=row["code"], **whole)))
        elif new := {name: value for name, value in facts.items() if getattr(grid, name) != value}:
            changes.append(GridChange.of(grid, **new))
    named = set(rows["code"])
    changes += [
        GridChange.end(grid) for grid in known.values() if grid.code not in named and (grid.leaf or not only_leaves)
    ]
    return changes, key_of


def _facts(row: Mapping[Any, Any], key_of: Mapping[str, int], *, leaf: bool, only_leaves: bool) -> dict[str, Any]:
    """Return what a row of an import says of a grid; what it leaves open stays."""
    given = {"name": row["name"], "kind": row["grid_kind"], "community": row["community_code"]}
    facts: dict[str, Any] = {name: value for name, value in given.items() if not pd.isna(value)}
    if not only_leaves:
        parent = row["parent_code"]
        facts["parent"] = None if pd.isna(parent) else key_of.get(parent)
        facts["leaf"] = leaf
    return facts


def _append(
    connection: Connection, plan_id: int, kind: str, who: str, effect: Effect, before: Mapping[int, Grid]
) -> None:
    after = [(change, change.applied(before.get(change.key))) for change in effect.grids]
    store.append(
        connection,
        plan_id,
        kind=kind,
        who=who,
        effect=effect,
        grids=[(before[change.key], True) if grid is None else (grid, False) for change, grid in after],
    )


# -- carrying over ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class BeforeChange:
    """What an open draft said of cells before they were replaced: its differences, and their grids in its edition."""

    base_edition: int
    differs: pd.DataFrame
    in_base: dict[int, int]


def before_change(connection: Connection, replaced: Ids | None) -> dict[int, BeforeChange]:
    """Return that of every open draft; ``replaced``: the cells that are, where it is known that there are no others.

    Steps of planners wait from here on until the cells are replaced.
    """
    plans: dict[int, BeforeChange] = {}
    for plan in store.listed(connection):
        if plan.state not in store.OPEN:
            continue
        store.find(connection, plan.id, lock=True)
        assigned = edition_store.assignment_in(connection, plan.base_edition, of_cells=replaced)
        gone = assigned[~assigned["live"].astype(bool)]
        in_base = dict(zip(gone["cell_id"].tolist(), gone["uid"].tolist(), strict=True))
        plans[plan.id] = BeforeChange(plan.base_edition, store.differences(connection, plan.id), in_base)
    return plans


def carry(
    connection: Connection,
    plans: Mapping[int, BeforeChange],
    heirs: Callable[[Mapping[int, int]], pd.DataFrame],
) -> None:
    """Hand the place of replaced cells in each draft to the cells on their land, as an operation of its own.

    Editions are carried over already; a draft of one that is past, and was not, keeps the grids of its edition.
    """
    for plan_id, plan in plans.items():
        live = cell_store.live_among(connection, plan.differs["cell_id"].tolist())
        gone = plan.differs[~plan.differs["cell_id"].isin(live)]
        if gone.empty and not plan.in_base:
            continue
        keys = list(dict.fromkeys(gone["key"].tolist()))
        # what the draft says is told apart from what its edition says by negative numbers
        drafted = {cell: -1 - keys.index(key) for cell, key in zip(gone["cell_id"], gone["key"], strict=True)}
        chosen = heirs(plan.in_base | drafted)
        chosen = chosen[~chosen["new_id"].isin(live)]
        new = chosen["new_id"].to_numpy(dtype=np.int64)
        target = np.array([keys[-1 - u] if u < 0 else u for u in chosen["uid"].tolist()], dtype=np.int64)
        store.forget_cells(connection, plan_id, gone["cell_id"].tolist())
        now = edition_store.assignment_in(connection, plan.base_edition, of_cells=new)
        held = dict(zip(now["cell_id"].tolist(), now["uid"].tolist(), strict=True))
        source = np.array([held.get(cell, NO_GRID) for cell in new.tolist()], dtype=np.int64)
        effect = Effect.moving(new, source, target)
        if effect:
            _append(connection, plan_id, "carry", PROGRAM, effect, {})
