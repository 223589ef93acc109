"""What a plan changes, as plain data: the crosswalk, its totals by community, and the facts of grids."""

from __future__ import annotations

from typing import Any

import pandas as pd

from gridmap.core.plans.crosswalk import Crosswalk, Layout, same_grid
from gridmap.core.plans.effect import NO_GRID, Grid
from gridmap.errors import InputError

__all__ = ["grid_changes", "read_against", "records", "told_crosswalk"]

_FACTS = ("code", "name", "kind", "community")


def read_against(against: str) -> tuple[str, int]:
    """Return what to compare with: ``edition`` or ``plan``, and its number.

    Raises
    ------
    InputError
        It is not written so.
    """
    kind, _, number = against.partition(":")
    if kind not in {"edition", "plan"} or not number.isdecimal() or len(number) > 9:  # noqa: PLR2004 (fits into 31 bits)
        raise InputError(
            "比较对象应写作 edition:编号 或 plan:编号。",
            "What to compare with is written edition:NUMBER or plan:NUMBER.",
        )
    return kind, int(number)


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return rows as plain data; what is missing is None."""
    return [
        {str(name): None if pd.isna(value) else value for name, value in row.items()}
        for row in frame.astype(object).to_dict("records")
    ]


def told_crosswalk(walk: Crosswalk) -> dict[str, Any]:
    """Return a crosswalk with its totals, and what each community gives and takes."""
    pairs = walk.pairs
    moving = pairs[~pairs["stays"].astype(bool)]
    homes: dict[str, dict[str, int]] = {}
    for row in records(moving):
        across = row["old_community"] != row["new_community"]
        for side, name in (("old", "households_out"), ("new", "households_in")):
            if row[f"{side}_community"] is not None:
                empty = {"households_out": 0, "households_in": 0, "transferred_out": 0, "transferred_in": 0}
                told_of = homes.setdefault(row[f"{side}_community"], empty)
                told_of[name] += int(row["households"])
                if across:
                    told_of[name.replace("households", "transferred")] += int(row["households"])
    return {
        "households_moved": int(moving["households"].sum()),
        "people_moved": int(moving["people"].sum()),
        "buildings_moved": len(walk.buildings),
        "pairs": records(pairs),
        "buildings": records(walk.buildings),
        "communities": [{"community_code": code} | values for code, values in sorted(homes.items())],
    }


def grid_changes(old: Layout, new: Layout, *, same_keys: bool) -> dict[str, Any]:
    """Return the leaf grids that are in one layout only, and what of the others is different."""
    was, now = ({k: g for k, g in layout.grids.items() if g.leaf} for layout in (old, new))
    made = {} if same_keys else {g.code: k for k, g in was.items()}
    pairs: dict[int, int] = {}
    for b, grid in now.items():
        a = b if b in was and (same_keys or b > NO_GRID) else made.get(grid.code)
        if a is not None and same_grid(old, a, new, b, same_keys=same_keys):
            pairs[b] = a
    changed = []
    for b, a in sorted(pairs.items()):
        facts = [
            {n: getattr(g, n) for n in _FACTS} | {"parent": _above(layout, g)}
            for g, layout in ((was[a], old), (now[b], new))
        ]
        different = {n: {"old": v, "new": facts[1][n]} for n, v in facts[0].items() if v != facts[1][n]}
        if different:
            changed.append({"key": b, "code": now[b].code, "changes": different})
    kept = set(pairs.values())
    return {
        "ended": [g.code for k, g in sorted(was.items()) if k not in kept],
        "new": [g.code for k, g in sorted(now.items()) if k not in pairs],
        "changed": changed,
    }


def _above(layout: Layout, grid: Grid) -> str | None:
    above = None if grid.parent is None else layout.grids.get(grid.parent)
    return None if above is None else above.code
