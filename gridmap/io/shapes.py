"""Small repairs of geometry that reading and checking share."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import shapely

__all__ = ["Geometries", "only_polygons", "rough_area_m2", "simplest"]

Geometries = npt.NDArray[np.object_]

_EARTH_M = 6_371_008.8


def simplest(geometry: Geometries) -> Geometries:
    """Return geometries in which a multi-geometry with one part is that part; ``None`` stays."""
    out = geometry.copy()
    kind = shapely.get_type_id(geometry)
    lone = np.isin(kind, (4, 5, 6)) & (shapely.get_num_geometries(geometry) == 1)
    out[lone] = shapely.get_geometry(geometry[lone], 0)
    return out


def only_polygons(geometry: Geometries) -> Geometries:
    """Return valid polygons with counter-clockwise outer rings; parts of other kinds are dropped.

    What has no polygon becomes an empty polygon; ``None`` stays.
    """
    out = geometry.copy()
    broken = ~shapely.is_valid(out) & ~shapely.is_missing(out)
    out[broken] = shapely.make_valid(out[broken], method="structure", keep_collapsed=False)
    mixed = np.flatnonzero(shapely.get_type_id(out) == shapely.GeometryType.GEOMETRYCOLLECTION)
    for i in mixed:
        parts = shapely.get_parts(shapely.get_parts(out[i]))
        out[i] = shapely.union_all(parts[shapely.get_dimensions(parts) == 2])  # noqa: PLR2004
    return np.asarray(shapely.orient_polygons(simplest(out)), dtype=object)


def rough_area_m2(geometry: Geometries) -> npt.NDArray[np.float64]:
    """Return areas (square metres) of geometries in degrees, good to a percent for things the size of a lake."""
    metres = np.radians(1.0) * _EARTH_M
    middle = shapely.get_y(shapely.centroid(geometry))
    return np.asarray(shapely.area(geometry) * metres**2 * np.cos(np.radians(middle)))
