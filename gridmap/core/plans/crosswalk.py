"""From old grids to new ones: which land, buildings, households and people went where, and what became of each grid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gridmap.core import partition
from gridmap.core.cells.coverage import shared_borders
from gridmap.core.plans.effect import NO_GRID, Grid
from gridmap.core.plans.fabric import Fabric

__all__ = ["Crosswalk", "Layout", "Relation", "border_changes", "crosswalk", "moved_land", "same_grid"]

Ints = NDArray[np.int64]
Objects = NDArray[np.object_]
Relation = Literal["same", "split", "merge", "partial"]


@dataclass(frozen=True, slots=True)
class Layout:
    """Which leaf grid each cell is in (key; 0: none), and the grids."""

    keys: Ints
    grids: Mapping[int, Grid]

    def code(self, key: int) -> str | None:
        """Return the code of a grid; None for no grid."""
        return None if key == NO_GRID else self.grids[key].code

    def name(self, key: int) -> str | None:
        """Return the name of a grid; None for no grid."""
        return None if key == NO_GRID else self.grids[key].name

    def community(self, key: int) -> str | None:
        """Return the community of a grid; None for no grid."""
        return None if key == NO_GRID else self.grids[key].community


@dataclass(frozen=True, slots=True)
class Crosswalk:
    """What became of the grids.

    Attributes
    ----------
    pairs
        One row for each old and new grid that share land, sorted by their codes: old_key, new_key (0: no grid), old,
        new (codes), old_name, new_name, old_community, new_community, relation, stays, cells, buildings, households,
        people, area_m2.
    buildings
        One row for each building that does not stay: building, old, new, households, people, old_community,
        new_community, attached_to (the building whose land it stands on; its people are counted there).
    """

    pairs: pd.DataFrame
    buildings: pd.DataFrame


def crosswalk(fabric: Fabric, old: Layout, new: Layout, *, same_keys: bool) -> Crosswalk:
    """Compare two layouts of the same cells.

    Parameters
    ----------
    fabric
        The land.
    old, new
        The layouts.
    same_keys
        A grid keeps its key from one to the other, as between a plan and its edition; otherwise those that one of two
        plans made are the same as others when their codes are.

    Returns
    -------
    The crosswalk. A pair is ``same`` when all of the old grid and nothing else became the new one, ``split`` when the
    new one is a part of the old one, ``merge`` when the old one went into it whole, else ``partial``.
    """
    frame = pd.DataFrame(
        {
            "old_key": old.keys,
            "new_key": new.keys,
            "cells": 1,
            "buildings": fabric.buildings,
            "households": fabric.households,
            "people": fabric.people,
            "area_m2": fabric.area_m2,
        }
    )
    pairs = frame.groupby(["old_key", "new_key"], as_index=False).sum()
    pairs["area_m2"] = pairs["area_m2"].round(1)
    parts = pairs.groupby("old_key")["new_key"].transform("size").to_numpy()
    sources = pairs.groupby("new_key")["old_key"].transform("size").to_numpy()
    pairs["relation"] = np.select(
        [(parts == 1) & (sources == 1), sources == 1, parts == 1], ["same", "split", "merge"], "partial"
    )
    both = zip(pairs["old_key"].tolist(), pairs["new_key"].tolist(), strict=True)
    pairs["stays"] = [same_grid(old, a, new, b, same_keys=same_keys) for a, b in both]
    for side, layout in (("old", old), ("new", new)):
        keys = pairs[f"{side}_key"].tolist()
        pairs[side] = _objects([layout.code(k) for k in keys])
        pairs[f"{side}_name"] = _objects([layout.name(k) for k in keys])
        pairs[f"{side}_community"] = _objects([layout.community(k) for k in keys])
    order = sorted(range(len(pairs)), key=lambda k: (pairs["old"].iloc[k] or "", pairs["new"].iloc[k] or ""))
    return Crosswalk(pairs.iloc[order].reset_index(drop=True), _buildings(fabric, old, new, pairs))


def same_grid(old: Layout, a: int, new: Layout, b: int, *, same_keys: bool) -> bool:
    """Tell whether a grid (key ``a``) of one layout is that of key ``b`` in another; see :func:`crosswalk`."""
    if same_keys or min(a, b) >= NO_GRID:
        return a == b
    return NO_GRID not in {a, b} and old.code(a) == new.code(b)


def _objects(values: list[Any]) -> pd.Series[Any]:
    # an array would become a column of text, and None would become NaN
    return pd.Series(values, dtype=object)


def _buildings(fabric: Fabric, old: Layout, new: Layout, pairs: pd.DataFrame) -> pd.DataFrame:
    """List the buildings whose grid is another one; a building divided among grids has a row for each part."""
    stays = {(a, b): s for a, b, s in zip(pairs["old_key"], pairs["new_key"], pairs["stays"], strict=True)}
    rows: list[dict[str, Any]] = []
    for name, cells in fabric.cells_of_building.items():
        host = fabric.source[cells[0]]
        own = host == name
        ways = zip(old.keys[cells].tolist(), new.keys[cells].tolist(), cells.tolist(), strict=True)
        found: dict[tuple[int, int], list[int]] = {}
        for a, b, cell in ways:
            found.setdefault((a, b), []).append(cell)
        for (a, b), parts in found.items():
            if not stays[a, b]:
                rows.append(
                    {
                        "building": name,
                        "old": old.code(a),
                        "new": new.code(b),
                        "households": int(fabric.households[parts].sum()) if own else 0,
                        "people": int(fabric.people[parts].sum()) if own else 0,
                        "old_community": old.community(a),
                        "new_community": new.community(b),
                        "attached_to": None if own else host,
                    }
                )
    columns = ["building", "old", "new", "households", "people", "old_community", "new_community", "attached_to"]
    rows.sort(key=lambda row: str(row["building"]))
    return pd.DataFrame({name: _objects([row[name] for row in rows]) for name in columns})


def moved_land(fabric: Fabric, old: Layout, new: Layout, pairs: pd.DataFrame) -> tuple[pd.DataFrame, Objects]:
    """Return the pairs that do not stay, and the polygon (metric) of the land that goes that way."""
    moving = pairs[~pairs["stays"].astype(bool)].reset_index(drop=True)
    number = {(a, b): k for k, (a, b) in enumerate(zip(moving["old_key"], moving["new_key"], strict=True))}
    at = np.array(
        [number.get(pair, -1) for pair in zip(old.keys.tolist(), new.keys.tolist(), strict=True)], dtype=np.int64
    )
    return moving, partition.dissolve(fabric.geometry, at, len(moving))


def border_changes(fabric: Fabric, old: Layout, new: Layout) -> tuple[pd.DataFrame, Objects]:
    """Return which borders between grids are gone or new, and their lines (metric, each joined up).

    A row for each pair of grids: change (gone, new), one, other (codes, of the old grids where it is gone; None: land
    in no grid), length_m.
    """
    a, b = fabric.edge_a, fabric.edge_b
    was, now = old.keys[a] != old.keys[b], new.keys[a] != new.keys[b]
    changed = np.flatnonzero(was != now)
    cells = np.unique(np.concatenate([a[changed], b[changed]]))
    shared = shared_borders(fabric.geometry[cells])
    number = {(int(a[e]), int(b[e])): bool(now[e]) for e in changed}
    number |= {(j, i): fresh for (i, j), fresh in number.items()}
    ends = np.column_stack([shared.segments.start, shared.segments.end])[shared.segment]
    found: dict[tuple[str, str, str], list[int]] = {}
    pairs = zip(cells[shared.left].tolist(), cells[shared.right].tolist(), strict=True)
    for k, pair in enumerate(pairs):
        fresh = number.get(pair)
        if fresh is not None:
            layout = new if fresh else old
            one, other = sorted(layout.code(int(layout.keys[cell])) or "" for cell in pair)
            found.setdefault(("new" if fresh else "gone", one, other), []).append(k)
    listed = sorted(found)
    lines = np.array(
        [
            shapely.line_merge(shapely.multilinestrings(shapely.linestrings(shared.segments.xy[ends[found[key]]])))
            for key in listed
        ],
        dtype=object,
    )
    rows = {name: _objects([key[k] or None for key in listed]) for k, name in enumerate(("change", "one", "other"))}
    return pd.DataFrame(rows | {"length_m": shapely.length(lines).round(1)}), lines
