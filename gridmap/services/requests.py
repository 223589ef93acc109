"""Requests: placed by the one rule of locating when they come in, at the time when they were reported."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import shapely
from sqlalchemy import Connection

from gridmap.core.locate import coordinate_problems
from gridmap.core.offset_crs import to_wgs84
from gridmap.errors import NotFound, NotReady
from gridmap.model.answer import Located
from gridmap.services.locate import Locator
from gridmap.store import requests as store
from gridmap.store.base import Counts
from gridmap.store.database import Place

_PLACED = (
    "building_id", "method", "edition_id", "reported_uid", "current_uid", "parent_code", "near_boundary",
    "boundary_m", "reason",
)  # fmt: skip


def write_requests(connection: Connection, place: Place, table: pd.DataFrame, import_id: int) -> Counts:
    """Place checked requests (kind ``requests``) and merge them by source and number."""
    points = _points(table)
    placed = _place_all(place, table, points)
    text = {
        name: [None if pd.isna(v) else v for v in table[name]]
        for name in (
            "source", "source_ref", "channel", "category", "title", "description", "accuracy_m", "address_text",
            "reported_at", "closed_at",
        )
    }  # fmt: skip
    columns = text | {
        "state": [s if isinstance(s, str) else "received" for s in table["state"]],
        "input_lon": list(table["lon"]),
        "input_lat": list(table["lat"]),
        "input_crs": [c if isinstance(c, str) else None for c in table["crs"]],
        "geom": points,
        **{name: [row.get(name) for row in placed] for name in _PLACED},
    }
    return store.merge(connection, columns, import_id)


def _points(table: pd.DataFrame) -> np.ndarray[Any, np.dtype[np.object_]]:
    """Return WGS 84 points: from lon and lat in their coordinate system, else the geometry of the file."""
    lon, lat = table["lon"].to_numpy(dtype=float), table["lat"].to_numpy(dtype=float)
    crs = table["crs"].fillna("EPSG:4326").to_numpy(dtype=object)
    out = np.full(len(table), None, dtype=object)
    if "geometry" in table:
        out[:] = table["geometry"].to_numpy()
    given = np.isfinite(lon) & np.isfinite(lat)
    for name in np.unique(crs[given].astype(str)):
        rows = given & (crs == name)
        out[rows] = shapely.points(*to_wgs84(lon[rows], lat[rows], name))
    return out


def _place_all(place: Place, table: pd.DataFrame, points: np.ndarray[Any, Any]) -> list[dict[str, Any]]:
    locator = Locator(place)
    placed: list[dict[str, Any]] = []
    for address, reported, accuracy, point in zip(
        table["address_text"], table["reported_at"], table["accuracy_m"], points, strict=True
    ):
        placed.append(_place(locator, address, reported, accuracy, point))
    return placed


def _place(locator: Locator, address: Any, reported: Any, accuracy: Any, point: Any) -> dict[str, Any]:
    try:
        edition_id, index = locator.index_at(reported.to_pydatetime())
        _, index_now = locator.index_at()
    except (NotFound, NotReady) as error:
        return {"reason": error.code}
    match = locator.match(address if isinstance(address, str) else None)
    lon = lat = None
    if point is not None:
        lon, lat = float(point.x), float(point.y)
        if coordinate_problems([lon], [lat], bounds=index.bounds):
            return {"edition_id": edition_id, "reason": "coordinates"}
    then = _answer(index, match.building_id, lon, lat, accuracy, locator.near_boundary_m)
    if then is None:
        return {"edition_id": edition_id, "reason": match.reason}
    today = _answer(index_now, match.building_id, lon, lat, accuracy, locator.near_boundary_m)
    return {
        "building_id": then.building.id if then.building else None,
        "method": then.method,
        "edition_id": edition_id,
        "reported_uid": then.grid.uid if then.grid else None,
        "current_uid": today.grid.uid if today is not None and today.grid else None,
        "parent_code": then.parent.code if then.parent else None,
        "near_boundary": then.near_boundary,
        "boundary_m": then.boundary_m,
        "reason": None if then.grid else "outside",
    }


def _answer(
    index: Any, building_id: int | None, lon: float | None, lat: float | None, accuracy: Any, near_m: float
) -> Located | None:
    if building_id is not None:
        try:
            found: Located = index.locate_building(building_id, lon=lon, lat=lat)
        except NotFound:
            pass
        else:
            return found
    if lon is None or lat is None:
        return None
    located: Located = index.locate_point(
        lon, lat, accuracy_m=None if pd.isna(accuracy) else float(accuracy), near_boundary_m=near_m
    )
    return located
