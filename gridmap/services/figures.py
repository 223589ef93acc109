"""Households and people of every building: counted where counts were imported, else estimated and marked so."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sqlalchemy import Connection

from gridmap.core.crs import project
from gridmap.core.households import HouseholdConstants, estimate_households
from gridmap.store import base as store
from gridmap.store import findings as finding_store
from gridmap.store.jurisdiction import jurisdiction

PLACES_KEPT = 200
_COLUMNS = {
    "households": "households", "people": "people", "figure_basis": "basis", "figure_date": "figure_date",
    "figure_source": "figure_source", "estimated": "estimated",
}  # fmt: skip


def refresh(connection: Connection) -> dict[str, Any]:
    """Work out the figures of all live buildings again and store what changed; returns totals."""
    known = jurisdiction(connection)
    buildings = store.read_live(connection, "buildings")
    if buildings.empty or known.metric_srid is None:
        return {"households": 0, "people": 0, "buildings_changed": 0}
    buildings["area_m2"] = project(buildings, known.metric_srid).area.to_numpy()
    estates = store.read_live(connection, "estates")
    aliases = {
        alias: name for name, others in zip(estates["name"], estates["aliases"], strict=True) for alias in others
    }
    own = known.settings.get("households", {})
    set_here: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in own.items()}
    constants = HouseholdConstants(**set_here)
    made = estimate_households(
        pd.DataFrame(buildings.drop(columns="geom")),
        store.household_counts(connection),
        constants=constants,
        aliases=aliases,
    )
    differs = _differs(buildings, made.figures)
    changed = store.write_figures(connection, buildings["id"].to_numpy()[differs], made.figures[differs])
    finding_store.replace(connection, "households", made.findings[:PLACES_KEPT])
    return {
        "households": made.households,
        "people": made.people,
        "households_estimated": int(made.figures.loc[made.figures["estimated"], "households"].sum()),
        "buildings_changed": changed,
    }


def _differs(buildings: pd.DataFrame, figures: pd.DataFrame) -> NDArray[np.bool_]:
    """Tell which buildings have other figures now than are stored."""
    out = np.zeros(len(figures), dtype=bool)
    for stored, column in _COLUMNS.items():
        was, now = (
            frame[name].astype(object).reset_index(drop=True)
            for frame, name in ((buildings, stored), (figures, column))
        )
        none = was.isna(), now.isna()
        same = was.astype(str).str[:10] == now.astype(str).str[:10] if stored == "figure_date" else was == now
        out |= ~((none[0] & none[1]) | (same & ~none[0] & ~none[1])).to_numpy(dtype=bool)
    return out
