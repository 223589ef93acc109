"""The buildings of a grid of a plan, for those who choose them from a list instead of on the map."""

from __future__ import annotations

from typing import Any

import numpy as np

from gridmap.core.crs import LONLAT_EPSG, transform_xy
from gridmap.core.plans.selection import find_leaf
from gridmap.services.plans import PlanDesk
from gridmap.store import plans as store

__all__ = ["buildings_of"]


def buildings_of(desk: PlanDesk, plan_id: int, *, grid: str) -> dict[str, Any]:
    """Return the buildings of a leaf grid by its code, by estate and number, with households, people and a point.

    ``building`` is the identifier of the source, which operations name; ``id`` that of the map tiles. A building whose
    entrances lie in several grids is in the list of each, with what lies in that grid.

    Raises
    ------
    NotFound
        There is no plan of that number.
    InputError
        The plan has no leaf grid of that code.
    """
    with desk.snapshot() as seen:
        session = seen.session(plan_id)
        state, fabric = session.state, session.land.fabric
        rows = state.cells_of(find_leaf(state, grid).key)
        rows = rows[fabric.building[rows] >= 0]
        ids, first, number = np.unique(fabric.building[rows], return_index=True, return_inverse=True)
        labels = store.building_labels(seen.connection, ids.tolist())
    households = np.bincount(number, weights=fabric.households[rows], minlength=len(ids)).astype(np.int64)
    people = np.bincount(number, weights=fabric.people[rows], minlength=len(ids)).astype(np.int64)
    lonlat = transform_xy(fabric.xy[rows[first]], session.land.srid, LONLAT_EPSG).round(7)
    found = [
        {
            "id": int(ids[k]),
            "building": str(fabric.source[rows[at]]),
            "estate": fabric.estate[rows[at]],
            "number": labels.get(int(ids[k])),
            "households": int(households[k]),
            "people": int(people[k]),
            "lon": float(lonlat[k, 0]),
            "lat": float(lonlat[k, 1]),
        }
        for k, at in enumerate(first.tolist())
    ]
    found.sort(key=lambda row: (row["estate"] is None, row["estate"] or "", _natural(row["number"]), row["building"]))
    return {"id": plan_id, "revision": session.row.revision, "grid": grid, "buildings": found}


def _natural(number: str | None) -> tuple[int, str]:
    """Return a key that puts 2栋 before 10栋."""
    digits = "".join(c for c in number or "" if c.isascii() and c.isdigit())
    return int(digits[:9] or 0), number or ""
