"""Walled estates and their gates: which have none that is known, and who lives behind the wall."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import shapely

from gridmap.services.drawing import geojson
from gridmap.services.walking import Walker
from gridmap.store import walking as store
from gridmap.store.database import engine_of

__all__ = ["walled"]


def walled(walker: Walker, *, gate: Literal["assumed", "known"] | None = None) -> dict[str, Any]:
    """Return the walled estates as a FeatureCollection (EPSG:4326), most households first.

    ``gate`` of an estate is ``assumed`` where no gate is known: its people are then taken to walk to the nearest
    street as if there were no wall. ``lon`` and ``lat`` lie inside of it.

    Raises
    ------
    NotReady
        There are no streets or no buildings yet.
    """
    town = walker.town()
    with engine_of(walker.place).connect() as connection:
        estates = store.walled_estates(connection)
    homes = town.homes
    inside = homes.attached.enclosure
    within = inside >= 0
    count = max(len(estates), int(inside.max(initial=-1)) + 1)
    households = np.bincount(inside[within], weights=homes.households[within], minlength=count)
    buildings = np.bincount(inside[within], minlength=count)
    shapes = estates["geom"].to_numpy()
    gates = estates["gates"].to_numpy()
    known = np.array([one is not None and not one.is_empty for one in gates], dtype=np.bool_)
    points = shapely.get_coordinates(shapely.point_on_surface(shapes)).reshape(-1, 2)
    rows = np.flatnonzero(known if gate == "known" else ~known if gate == "assumed" else np.ones(len(known), bool))
    rows = rows[np.argsort(-households[rows], kind="stable")]
    return {
        "type": "FeatureCollection",
        "version": town.version,
        "features": [
            {
                "type": "Feature",
                "properties": {
                    "id": int(estates["id"].iloc[row]),
                    "name": estates["name"].iloc[row],
                    "gate": "known" if known[row] else "assumed",
                    "gates": shapely.get_coordinates(gates[row]).tolist() if known[row] else [],
                    "households": int(households[row]),
                    "buildings": int(buildings[row]),
                    "lon": round(float(points[row, 0]), 7),
                    "lat": round(float(points[row, 1]), 7),
                },
                "geometry": geojson(shapes[row]),
            }
            for row in rows
        ],
    }
