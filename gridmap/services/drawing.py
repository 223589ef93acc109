"""What coverage draws: land of gaps, land within reach with its error, and ways; all in EPSG:4326."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import orjson
import shapely
from numpy.typing import NDArray

from gridmap.core.cells.coverage import dissolve
from gridmap.core.crs import LONLAT_EPSG, transform_xy
from gridmap.core.network import Attachments, Reason, Via
from gridmap.core.network.graph import LONGEST_S
from gridmap.core.reach import route
from gridmap.core.reach.field import StreetRaster, polygon_error, reach_polygons, street_raster, time_field
from gridmap.model.text import Text
from gridmap.services.attaching import LIMIT_M
from gridmap.services.looking import Look
from gridmap.services.walking import Town, direct_pairs
from gridmap.store import walking as store
from gridmap.store.database import Place, engine_of

__all__ = ["Way", "areas", "geojson", "land_of", "line", "way", "way_from"]

CELL_M = 10.0
#: Vertices that matter less than this are left out of drawn areas, before their error is counted.
SMOOTH_M = 1.0
#: A very large county is drawn in coarser cells: 16 million take some 200 MB.
MOST_CELLS = 16e6
_DIGITS = 7


@dataclass(frozen=True, slots=True, eq=False)
class Way:
    """A walk: ``position`` of the station among those that count (−1: none, ``message`` says why)."""

    position: int
    seconds: float
    metres: float
    straight_m: float
    xy: NDArray[np.float64]
    via: int
    message: Text


_NO_WAY = Text("没有步行可达的站点(4 小时以内)。", "No station can be walked to within four hours.")
_NO_STATION = Text("没有站点符合所选条件。", "No station fits the question.")
_TOO_FAR = Text("离可步行的道路太远,没有接入路网。", "Too far from every walkable street: not on the network.")
_BARRED = Text(
    "在水中,或被水、围墙、铁路隔开,没有接入路网。",
    "In water, or behind water, a wall or a railway: not on the network.",
)


def way(seen: Look, home: int, *, position: int | None = None) -> Way:
    """Return the way of a home (its row) to its nearest station, or to the one at a position."""
    nearest = int(seen.far.station[home])
    wanted = nearest if position is None else position
    if wanted < 0:
        return _none(seen, seen.homes, home)
    # a search no wider than the answer that is known
    limit = max(float(seen.far.seconds[home]), 1.0) if wanted == nearest else LONGEST_S
    return _way(seen, seen.homes, home, seen.direct, wanted, limit, extra_s=float(seen.walk.extra_s[home]))


def way_from(seen: Look, point: tuple[float, float] | None) -> Way:
    """Return the way of a point (EPSG:4326) to its nearest station."""
    here = seen.town.around.attach(seen.scene.network, seen.town.metric(np.array([point], dtype=np.float64)))
    inside = np.zeros((0, 2), dtype=np.int64)
    direct = direct_pairs(seen.stations, here, inside, speed_mps=seen.walk.times.speed_mps)
    return _way(seen, here, 0, direct, None, LONGEST_S)


def _way(
    seen: Look, homes: Attachments, home: int, direct: Any, position: int | None, limit_s: float, *, extra_s: float = 0
) -> Way:
    if not len(seen.rows):
        return _none(seen, homes, home)
    found = route(
        seen.walk.times,
        seen.stations,
        homes,
        home,
        limit_s=limit_s,
        station=position,
        direct=direct,
        extra_s=extra_s,
    )
    if found is None:
        return _none(seen, homes, home)
    straight = float(np.hypot(*(homes.xy[home] - seen.stations.xy[found.station])))
    via = max(found.via_start, found.via_end, key=lambda one: (one == Via.GATE_ASSUMED, one))
    return Way(found.station, found.seconds, found.walk_m, straight, found.xy, int(via), _NO_WAY)


def _none(seen: Look, homes: Attachments, home: int) -> Way:
    why = {Reason.TOO_FAR: _TOO_FAR, Reason.BEHIND_BARRIER: _BARRED}.get(Reason(int(homes.reason[home])), _NO_WAY)
    message = why if len(seen.rows) else _NO_STATION
    return Way(-1, np.inf, np.inf, np.inf, np.zeros((0, 2)), int(Via.STREET), message)


def line(town: Town, xy: NDArray[np.float64]) -> shapely.Geometry:
    """Return a way as a line in EPSG:4326; one that stays on the spot has two equal points."""
    lonlat = town.lonlat(xy)
    return shapely.linestrings(lonlat if len(lonlat) > 1 else np.repeat(lonlat, 2, axis=0))


def geojson(shape: shapely.Geometry | None) -> Any:
    """Return a shape of EPSG:4326 as GeoJSON, to the centimetre; null where there is none."""
    if shape is None or shape.is_empty:
        return None
    rounded = shapely.transform(shape, lambda xy: np.round(xy, _DIGITS))
    return orjson.loads(shapely.to_geojson(rounded))


def land_of(place: Place, seen: Look, area: NDArray[np.int64], count: int) -> NDArray[np.object_]:
    """Return the land of areas of cells (``area`` of each cell; −1: in none), EPSG:4326.

    It is the union of their cells; a building that has no cell yet stands for itself.
    """
    cells = seen.town.cells
    rows = np.flatnonzero(area >= 0)
    real, bare = rows[cells.ids[rows] > 0], rows[cells.ids[rows] <= 0]
    demand = cells.demand
    building = np.full(len(cells.ids), -1, dtype=np.int64)
    building[demand.cell] = demand.building
    shapes, of = [], []
    with engine_of(place).connect() as connection:
        for keys, at, read in (
            (cells.ids[real], real, store.cell_shapes),
            (seen.town.homes.ids[building[bare]], bare, partial(store.shapes, thing="building")),
        ):
            found = read(connection, ids=keys.tolist())
            order = np.argsort(keys, kind="stable")
            found_at = np.searchsorted(keys[order], found["id"].to_numpy(dtype=np.int64))
            shapes.append(np.asarray(found.geometry.array, dtype=object))
            of.append(area[at[order][found_at]])
    return dissolve(np.concatenate(shapes), np.concatenate(of), count)


def areas(seen: Look, limits: tuple[float, ...]) -> list[dict[str, Any]]:
    """Return the land within reach for each limit (minutes) as features that say how much they err."""
    homes = seen.homes
    xy = homes.xy[homes.reason == Reason.ATTACHED]
    seconds = seen.far.seconds[homes.reason == Reason.ATTACHED]
    field = None
    if len(seen.rows) and seen.scene.network.edges:
        raster = seen.scene.kept.get(("raster",), lambda: _raster(seen))
        field = time_field(seen.walk.times, seen.stations, limit_s=max(limits) * 60, raster=raster)

    def feature(minutes: float) -> dict[str, Any]:
        shape = shapely.MultiPolygon()
        if field is not None:
            shape = shapely.simplify(reach_polygons(field, [minutes * 60])[0], SMOOTH_M)
        error = polygon_error(shape, xy, seconds, minutes * 60)
        return {
            "type": "Feature",
            "geometry": geojson(_lonlat(shape, seen.town.epsg)),
            "properties": {
                "minutes": minutes,
                "error": {
                    "false_in": error.false_in,
                    "false_out": error.false_out,
                    "covered": error.truly_covered,
                    "share": round(error.share, 6) if np.isfinite(error.share) else None,
                },
            },
        }

    # Drawing, counting and writing run without the interpreter's lock for the most part.
    with ThreadPoolExecutor(max(1, min(len(limits), os.cpu_count() or 1))) as pool:
        return list(pool.map(feature, limits))


def _raster(seen: Look) -> StreetRaster:
    """Return the street places of the land around the network; made once for a network."""
    town, network = seen.town, seen.scene.network
    if network is town.network and seen.scene is not town.today:
        return town.today.kept.get(("raster",), lambda: _raster(replace(seen, scene=town.today)))
    low, high = network.node_xy.min(axis=0) - LIMIT_M, network.node_xy.max(axis=0) + LIMIT_M
    wide, deep = high - low
    here = town.around.surroundings()
    return street_raster(
        network,
        bounds=(float(low[0]), float(low[1]), float(high[0]), float(high[1])),
        cell_m=max(CELL_M, float(np.sqrt(wide * deep / MOST_CELLS))),
        barriers=here.barriers,
        enclosures=here.enclosures,
        limit_m=LIMIT_M,
    )


def _lonlat(shape: shapely.Geometry, epsg: int) -> shapely.Geometry:
    return shapely.transform(shape, lambda xy: transform_xy(xy, epsg, LONLAT_EPSG) if len(xy) else xy)
