"""Which polygon covers a point: the question behind every answer, and its plain answer."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt
import shapely

__all__ = ["Bools", "Cover", "Floats", "Geometries", "Ints", "TreeCover", "lowest"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.intp]
Bools = npt.NDArray[np.bool_]
Geometries = npt.NDArray[np.object_]


class Cover(Protocol):
    """Says which of some polygons covers a point; polygons are in ascending order of grid code."""

    def owner(self, lons: Floats, lats: Floats) -> tuple[Ints, Bools]:
        """Return per point the lowest polygon that covers it (-1: none), and whether several do."""


class TreeCover:
    """A tree of boxes and prepared polygons: the plain twin of every faster cover.

    Parameters
    ----------
    polygons
        Polygons or multipolygons in EPSG:4326, valid, in ascending order of grid code.
    interior
        Only the interior counts, not the rim.
    """

    def __init__(self, polygons: Geometries, *, interior: bool = False) -> None:
        self._polygons = polygons
        self._holds = shapely.contains_xy if interior else shapely.intersects_xy
        self._tree = shapely.STRtree(polygons)
        shapely.prepare(polygons)
        if len(polygons):
            # The trees inside are made at first use; made here, threads only read them.
            first = shapely.get_coordinates(shapely.point_on_surface(polygons))
            shapely.intersects_xy(polygons, first[:, 0], first[:, 1])
            self.pairs(first[:1, 0], first[:1, 1])

    def pairs(self, lons: Floats, lats: Floats) -> tuple[Ints, Ints]:
        """Return (point, polygon) for every polygon that covers a point."""
        if not len(self._polygons) or not len(lons):
            return np.empty(0, np.intp), np.empty(0, np.intp)
        point, polygon = self._tree.query(shapely.points(lons, lats))
        hit = self._holds(self._polygons[polygon], lons[point], lats[point])
        return point[hit], polygon[hit]

    def owner(self, lons: Floats, lats: Floats) -> tuple[Ints, Bools]:
        """Return per point the lowest polygon that covers it (-1: none), and whether several do."""
        point, polygon = self.pairs(lons, lats)
        return lowest(point, polygon, len(lons)), np.bincount(point, minlength=len(lons)) > 1


def lowest(point: Ints, position: Ints, count: int) -> Ints:
    """Return per point the lowest position paired with it, -1 where there is none."""
    none = np.iinfo(np.intp).max
    found = np.full(count, none, dtype=np.intp)
    np.minimum.at(found, point, position)
    found[found == none] = -1
    return found
