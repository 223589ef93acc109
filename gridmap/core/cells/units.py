"""A building that is larger than the household band is divided among its entrances."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import geopandas as gpd
import numpy as np
import shapely

from gridmap.core.cells.coverage import Geometries, Ints, dissolve, stripped
from gridmap.core.cells.outlines import CENTIMETRE, Footprints
from gridmap.core.cells.pieces import Faced, give_away
from gridmap.core.cells.settings import CellSettings

__all__ = ["divide_large_buildings"]


def divide_large_buildings(
    footprints: Footprints, parts: gpd.GeoDataFrame | None, settings: CellSettings
) -> Footprints:
    """Divide footprints (metric) of buildings above ``household_band`` into the bodies of their entrances.

    ``parts`` has ``building_id`` and one point (entrance) or polygon (unit) each. Land of the footprint goes to
    the nearest; numbers follow the entrances from west to east, then south to north. A building of unknown
    size stays whole.
    """
    if parts is None or not len(parts):
        return footprints
    order = np.lexsort((*shapely.get_coordinates(shapely.centroid(parts.geometry.to_numpy())).T[::-1],))
    shape = parts.geometry.to_numpy()[order]
    building = parts["building_id"].to_numpy(dtype=np.int64)[order]
    large = np.unique(footprints.building[footprints.households > settings.household_band])
    known, count = np.unique(building, return_counts=True)
    wanted = np.intersect1d(large, known[count > 1])
    if not len(wanted):
        return footprints
    rows = np.flatnonzero(~np.isin(footprints.building, wanted))
    ids: list[Ints] = [footprints.building[rows]]
    part: list[Ints] = [footprints.part[rows]]
    polygon: list[Geometries] = [footprints.polygon[rows]]
    homes = [footprints.households[rows]]
    for i in wanted.tolist():
        own = footprints.building == i
        bodies = [_divided(body, shape[building == i]) for body in footprints.polygon[own]]
        pieces = np.concatenate(bodies)
        ids.append(np.full(len(pieces), i, dtype=np.int64))
        part.append(np.arange(len(pieces), dtype=np.int64))
        polygon.append(pieces)
        homes.append(np.full(len(pieces), footprints.households[own][0]))
    building_all, part_all = np.concatenate(ids), np.concatenate(part)
    order = np.lexsort((part_all, building_all))
    return replace(
        footprints,
        building=building_all[order],
        part=part_all[order],
        polygon=np.concatenate(polygon)[order],
        households=np.concatenate(homes)[order],
    )


def _divided(body: Any, entrances: Geometries) -> Geometries:
    """Divide one outline among its entrances; each piece is connected."""
    points = shapely.centroid(entrances)
    areal = shapely.get_dimensions(entrances) == 2  # noqa: PLR2004
    regions = shapely.voronoi_polygons(shapely.multipoints(points), extend_to=body, only_edges=True)
    lines = [shapely.boundary(body), regions, *shapely.boundary(entrances[areal])]
    noded = stripped(shapely.union_all(lines, grid_size=CENTIMETRE))
    faces = shapely.get_parts(shapely.polygonize([noded]))
    inside = shapely.point_on_surface(faces)
    held = shapely.contains(body, inside)
    faces, inside = faces[held], inside[held]
    label = shapely.distance(inside[:, None], entrances[None, :]).argmin(axis=1).astype(np.int64)
    _, label = give_away(Faced.of(faces), label, lambda p: p.first_by(p.area_m2))
    used, number = np.unique(label, return_inverse=True)
    return dissolve(faces, number.astype(np.int64), len(used))
