"""Departments' nets: where they disagree with each other and with the grids, as tables and land (多网合一)."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import orjson
import pandas as pd
import shapely
from numpy.typing import NDArray

from gridmap.core import partition
from gridmap.core.crs import project
from gridmap.core.nets import Net, areas_of_cells, disagreements, overlay_of_nets
from gridmap.errors import NotFound
from gridmap.io.report import write_report
from gridmap.services.comparing import Snapshot, compare, lonlat
from gridmap.services.plandiff import records
from gridmap.services.planland import Land
from gridmap.services.plans import PlanDesk
from gridmap.store import nets as store
from gridmap.store.database import Place, engine_of

__all__ = [
    "GRIDS",
    "areas_geojson",
    "compared",
    "listed",
    "loaded",
    "overlay",
    "pieces_geojson",
    "summary",
    "write_nets",
]

Ints = NDArray[np.int64]

GRIDS = "grids"
"""What a net is compared with that is no net: the leaf grids of an edition or plan."""

_VERTEX_DEGREES = 1e-7


@dataclass(frozen=True, slots=True, eq=False)
class _Division:
    """One of the two that are compared: its name, the area of each cell, code and name of each area."""

    name: str
    of_cell: Ints
    codes: list[str]
    names: list[str]


def listed(place: Place) -> list[dict[str, Any]]:
    """Return the nets that there are: net, department, areas."""
    with engine_of(place).connect() as connection:
        return store.listed(connection)


def areas_geojson(place: Place, net: str | None = None) -> bytes:
    """Return the areas of a net, or of all, as a GeoJSON FeatureCollection.

    Raises
    ------
    NotFound
        There is no net of that name.
    """
    with engine_of(place).connect() as connection:
        areas = store.net_areas(connection, net)
    if net is not None and areas.empty:
        raise _no_net(net, listed(place))
    shapes = shapely.to_geojson(shapely.set_precision(areas.geometry.to_numpy(), _VERTEX_DEGREES, mode="pointwise"))
    rows = records(pd.DataFrame(areas.drop(columns="geom")))
    features = [
        {"type": "Feature", "geometry": orjson.Fragment(shape), "properties": row}
        for row, shape in zip(rows, shapes, strict=True)
    ]
    return orjson.dumps({"type": "FeatureCollection", "features": features})


def loaded(seen: Snapshot) -> list[Net]:
    """Return all nets on the land of a moment, as :mod:`gridmap.core.nets` wants them."""
    areas = project(store.net_areas(seen.connection), seen.land.srid)
    out = []
    for name, rows in areas.groupby("net", sort=True):
        out.append(Net(str(name), list(rows["code"]), list(rows["name"]), rows.geometry.to_numpy()))
    return out


def _no_net(name: str, known: list[dict[str, Any]]) -> NotFound:
    names = ", ".join(row["net"] for row in known) or "–"
    return NotFound(
        f"没有专业网“{name}”。已导入的有：{names}。用 gridmap import nets 导入。",
        f"There is no net '{name}'. There are: {names}. gridmap import nets brings them in.",
    )


def _division(seen: Snapshot, nets: list[Net], name: str) -> _Division:
    fabric = seen.land.fabric
    if name == GRIDS or name.startswith(("edition:", "plan:")):
        layout = _layout(seen, name)
        keys = sorted(key for key, grid in layout.grids.items() if grid.leaf)
        place = {key: k for k, key in enumerate(keys)}
        of_cell = np.array([place.get(int(key), -1) for key in layout.keys], dtype=np.int64)
        grids = [layout.grids[key] for key in keys]
        return _Division(name, of_cell, [g.code for g in grids], [g.name for g in grids])
    net = next((net for net in nets if net.name == name), None)
    if net is None:
        raise _no_net(name, store.listed(seen.connection))
    return _Division(name, areas_of_cells(fabric, net), list(net.codes), list(net.names))


def _layout(seen: Snapshot, name: str) -> Any:
    if name != GRIDS:
        return compare(seen, name, name).new.layout
    from gridmap.services.editions import edition_for

    number = f"edition:{edition_for(seen.connection, None)}"
    return compare(seen, number, number).new.layout


def _table(land: Land, one: _Division, other: _Division) -> tuple[pd.DataFrame, Ints]:
    table, of_cell = disagreements(land.fabric, one.of_cell, other.of_cell)
    out = pd.DataFrame()
    for side, division in (("first", one), ("second", other)):
        at = table[side].to_list()
        out[side] = pd.Series([division.codes[k] if k >= 0 else None for k in at], dtype=object)
        out[f"{side}_name"] = pd.Series([division.names[k] if k >= 0 else None for k in at], dtype=object)
    for name in ("status", "cells", "buildings", "households", "people", "area_m2"):
        out[name] = table[name]
    return out, of_cell


def compared(desk: PlanDesk, first: str, second: str = GRIDS) -> dict[str, Any]:
    """Compare a net with another one, or with the grids of the edition in force (``grids``), ``edition:N``, ``plan:N``.

    Returns
    -------
    ``first``, ``second``; ``pieces``: each two areas that share land, with status (agree, disagree, only_first,
    only_second), buildings, households, people and area; ``totals`` by status.

    Raises
    ------
    NotFound
        There is no such net, edition or plan.
    """
    with desk.snapshot() as seen:
        nets = loaded(seen)
        table, _ = _table(seen.land, *(_division(seen, nets, name) for name in (first, second)))
    return {"first": first, "second": second, "totals": _totals(table), "pieces": records(table)}


def _totals(table: pd.DataFrame) -> dict[str, dict[str, int]]:
    out = {}
    for status in ("agree", "disagree", "only_first", "only_second"):
        rows = table[table["status"] == status]
        out[status] = {"pieces": len(rows)} | {
            name: int(rows[name].sum()) for name in ("buildings", "households", "people")
        }
    return out


def summary(desk: PlanDesk) -> list[dict[str, Any]]:
    """Return each two nets, and each net and the grids in force, with the totals of where they disagree.

    Raises
    ------
    NotFound
        There is no edition yet.
    """
    with desk.snapshot() as seen:
        nets = loaded(seen)
        divisions = [_division(seen, nets, name) for name in [*(net.name for net in nets), GRIDS]]
        return [
            {"first": one.name, "second": other.name, "totals": _totals(_table(seen.land, one, other)[0])}
            for one, other in combinations(divisions, 2)
        ]


def _drawn(desk: PlanDesk, first: str, second: str, *, all_pieces: bool) -> gpd.GeoDataFrame:
    with desk.snapshot() as seen:
        nets = loaded(seen)
        table, of_cell = _table(seen.land, *(_division(seen, nets, name) for name in (first, second)))
        shapes = partition.dissolve(seen.land.fabric.geometry, of_cell, len(table))
        srid = seen.land.srid
    wanted = np.ones(len(table), dtype=np.bool_) if all_pieces else (table["status"] != "agree").to_numpy()
    kept = table[wanted].reset_index(drop=True)
    return gpd.GeoDataFrame(kept, geometry=lonlat(shapes[wanted], srid), crs="EPSG:4326")


def pieces_geojson(desk: PlanDesk, first: str, second: str = GRIDS) -> bytes:
    """Return the land on which two divisions do not agree as GeoJSON, with households on each piece.

    Raises
    ------
    NotFound
        There is no such net, edition or plan.
    """
    frame = _drawn(desk, first, second, all_pieces=False)
    rows = records(pd.DataFrame(frame.drop(columns="geometry")))
    features = [
        {"type": "Feature", "geometry": orjson.Fragment(shape), "properties": row}
        for row, shape in zip(rows, shapely.to_geojson(frame.geometry.to_numpy()), strict=True)
    ]
    return orjson.dumps({"type": "FeatureCollection", "features": features})


def write_nets(desk: PlanDesk, first: str, second: str, file: Path) -> int:
    """Write all pieces of a comparison (.gpkg, .geojson, .xlsx); returns how many.

    Raises
    ------
    NotFound
        There is no such net, edition or plan.
    InputError
        The ending is another.
    """
    frame = _drawn(desk, first, second, all_pieces=True)
    write_report(file, {"pieces": frame}, main="pieces")
    return len(frame)


def overlay(desk: PlanDesk, *, least_households: int) -> dict[str, Any]:
    """Return the pieces into which all nets together cut the land, as tables; small ones joined.

    Raises
    ------
    NotFound
        There are no nets.
    """
    with desk.snapshot() as seen:
        nets = loaded(seen)
        if not nets:
            raise _no_net("*", [])
        found = overlay_of_nets(seen.land.fabric, nets, least_households=least_households)
    return {"nets": [net.name for net in nets], "joined": found.joined, "pieces": records(found.pieces)}
