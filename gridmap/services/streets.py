"""Streets as somebody who points at the map means them: the walkable street nearest to a point, and one by its id."""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from gridmap.core.network import edge_lines
from gridmap.errors import InputError, NotFound
from gridmap.services.walking import Town, Walker
from gridmap.store import walking as store
from gridmap.store.database import engine_of

__all__ = ["FARTHEST_M", "near", "street"]

#: Beyond this a point means no street.
FARTHEST_M = 500.0


def near(walker: Walker, *, lon: float, lat: float, within_m: float = 40.0) -> dict[str, Any]:
    """Return the walkable street nearest to a point (EPSG:4326), the piece of it between two junctions, and its point.

    ``street`` and ``piece`` are None where no street is within ``within_m`` metres.

    Raises
    ------
    InputError
        ``within_m`` is not above 0 and at most :data:`FARTHEST_M`.
    NotReady
        There are no streets yet.
    """
    if not 0 < within_m <= FARTHEST_M:
        raise InputError(
            f"within_m 应大于 0、不超过 {FARTHEST_M:.0f} 米。", f"within_m is above 0 and at most {FARTHEST_M:.0f} m."
        )
    town = walker.town()
    with engine_of(walker.place).connect() as connection:
        found = store.streets_near(connection, lon=lon, lat=lat, within_m=within_m)
    edges = np.flatnonzero(np.isin(town.network.edge_street, np.array(sorted(found), dtype=np.int64)))
    none = {"version": town.version, "street": None, "piece": None, "lon": None, "lat": None, "distance_m": None}
    if not len(edges):
        return none
    point = shapely.Point(town.metric(np.array([[lon, lat]]))[0])
    lines = edge_lines(town.network, edges)
    metres = shapely.distance(lines, point)
    best = int(np.argmin(metres))
    if metres[best] > within_m:
        return none
    edge = int(edges[best])
    number = int(town.network.edge_street[edge])
    at = shapely.line_interpolate_point(lines[best], shapely.line_locate_point(lines[best], point))
    (snapped,) = town.lonlat(np.array([[at.x, at.y]]))
    return {
        "version": town.version,
        "street": _street(town, number, found[number]),
        "piece": {
            "from_m": round(float(town.network.edge_from_m[edge]), 2),
            "length_m": round(float(town.network.edge_length_m[edge]), 1),
            "path": _path(town, lines[best : best + 1]),
        },
        "lon": float(snapped[0]),
        "lat": float(snapped[1]),
        "distance_m": round(float(metres[best]), 1),
    }


def street(walker: Walker, street_id: int) -> dict[str, Any]:
    """Return a walkable street: id, name, class, metres, path.

    Raises
    ------
    NotFound
        There is no such street, or nobody walks on it.
    NotReady
        There are no streets yet.
    """
    town = walker.town()
    with engine_of(walker.place).connect() as connection:
        facts = store.street_names(connection, [street_id]).get(street_id)
    if facts is None or not (town.network.edge_street == street_id).any():
        raise NotFound("没有这个编号的步行道路。", "There is no such walkable street.")
    return _street(town, street_id, facts)


def _street(town: Town, number: int, facts: tuple[str | None, str | None]) -> dict[str, Any]:
    edges = np.flatnonzero(town.network.edge_street == number)
    edges = edges[np.argsort(town.network.edge_from_m[edges], kind="stable")]
    name, highway = facts
    return {
        "id": number,
        "name": name,
        "highway": highway,
        "length_m": round(float(town.network.edge_length_m[edges].sum()), 1),
        "path": _path(town, edge_lines(town.network, edges)),
    }


def _path(town: Town, lines: NDArray[np.object_]) -> dict[str, Any]:
    """Return metric lines as one GeoJSON MultiLineString (EPSG:4326)."""
    return {
        "type": "MultiLineString",
        "coordinates": [town.lonlat(shapely.get_coordinates(line)).tolist() for line in lines],
    }
