"""Borders of grids in words: what cells border on, and what things are called, from the database."""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray
from sqlalchemy import Connection

from gridmap.core.crs import project
from gridmap.core.plans.crosswalk import Layout
from gridmap.core.plans.words import Along, in_words, sides
from gridmap.model.text import Text
from gridmap.services.planland import Land
from gridmap.store import cells as cell_store
from gridmap.store import wording as store

__all__ = ["along_of", "descriptions"]

Objects = NDArray[np.object_]

_BESIDE_M = 20.0


def along_of(connection: Connection, land: Land) -> Along:
    """Return what the borders between the live cells run along; the fabric of ``land`` is of the same moment."""
    fabric = land.fabric
    edges = cell_store.live_edges(connection)
    klass = np.array(edges["street_class"], dtype=object)
    name = np.array(edges["street_name"], dtype=object)
    a, b = fabric.edge_a, fabric.edge_b
    wet = np.isin(fabric.ids, store.water_cells(connection))
    # a border between two waters runs in the water, unless it only divides one by area
    klass[wet[a] & wet[b] & ~edges["synthetic"].to_numpy(dtype=bool)] = "water"
    at = np.flatnonzero(klass == "water")
    water = project(store.waters(connection), land.srid)
    lines = shapely.intersection(fabric.geometry[a[at]], fabric.geometry[b[at]])
    name[at] = _names_at(lines, water.geometry.to_numpy(), water["name"].to_numpy(dtype=object))
    return Along(klass, name)


def _names_at(shapes: Objects, waters: Objects, called: Objects) -> Objects:
    """Return the name of the water at or beside each shape; None where there is none."""
    out = np.full(len(shapes), None, dtype=object)
    named = np.flatnonzero([isinstance(one, str) for one in called])
    if len(shapes) and len(named):
        row, near = shapely.STRtree(waters[named]).query_nearest(shapes, max_distance=_BESIDE_M, all_matches=False)
        out[row] = called[named[near]]
    return out


def descriptions(connection: Connection, land: Land, layout: Layout, keys: list[int]) -> dict[int, Text]:
    """Return the borders of leaf grids in words, by key."""
    along = along_of(connection, land)
    names = store.community_names(connection) | {g.code: g.name for g in layout.grids.values() if g.leaf}
    return {key: in_words(sides(land.fabric, along, layout, key), names) for key in keys}
