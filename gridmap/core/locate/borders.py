"""How far the nearest border is, and whose borders are within reach: the question, and its plain answer by trees."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import shapely

from gridmap.core.locate.cover import Floats, Geometries, Ints

__all__ = ["Borders", "TreeBorders"]

_RIM_SEGMENTS = 16


class Borders(Protocol):
    """The borders of polygons in a flat system in metres, in ascending order of grid code."""

    def nearest_m(self, xy: Floats) -> Floats:
        """Return metres from points, shape (n, 2), to the nearest border; infinite where there is none."""

    def within(self, xy: Floats, reach_m: Floats) -> tuple[Ints, Ints, Floats]:
        """Return (point, polygon, metres) of every polygon whose border is nearer than ``reach_m`` to a point."""


class TreeBorders:
    """Borders in trees of boxes: the plain twin of :class:`~gridmap.core.locate.rims.Rims`.

    Parameters
    ----------
    polygons
        Polygons or multipolygons in metres.
    """

    def __init__(self, polygons: Geometries) -> None:
        self._rims = shapely.boundary(polygons)
        self._tree = shapely.STRtree(self._rims)
        self._pieces = shapely.STRtree(_pieces(polygons))

    def nearest_m(self, xy: Floats) -> Floats:
        """Return metres from points, shape (n, 2), to the nearest border; infinite where there is none."""
        found = np.full(len(xy), np.inf)
        if len(xy) and len(self._pieces):
            (at, _), metres = self._pieces.query_nearest(shapely.points(xy), return_distance=True, all_matches=False)
            found[at] = metres
        return found

    def within(self, xy: Floats, reach_m: Floats) -> tuple[Ints, Ints, Floats]:
        """Return (point, polygon, metres) of every polygon whose border is nearer than ``reach_m`` to a point."""
        if not len(xy) or not len(self._rims):
            return np.empty(0, np.intp), np.empty(0, np.intp), np.empty(0)
        points = shapely.points(xy)
        point, polygon = self._tree.query(points, predicate="dwithin", distance=reach_m)
        metres = shapely.distance(self._rims[polygon], points[point])
        near = metres < reach_m[point]
        return point[near], polygon[near], metres[near]


def _pieces(polygons: Geometries) -> Geometries:
    """Cut the outlines of polygons into lines of a few segments, for quick distances."""
    rings = shapely.get_rings(shapely.get_parts(polygons))
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    if not len(xy):
        return np.empty(0, dtype=object)
    first = np.searchsorted(ring, np.arange(len(rings)))
    points = np.diff(np.append(first, len(xy)))
    pieces = -(-(points - 1) // _RIM_SEGMENTS)
    of_ring = np.repeat(np.arange(len(rings)), pieces)
    nth = np.arange(pieces.sum()) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    start = first[of_ring] + nth * _RIM_SEGMENTS
    length = np.minimum(start + _RIM_SEGMENTS, first[of_ring] + points[of_ring] - 1) - start + 1
    line = np.repeat(np.arange(len(start)), length)
    offset = np.arange(length.sum()) - np.repeat(np.cumsum(length) - length, length)
    return np.asarray(shapely.linestrings(xy[start[line] + offset], indices=line), dtype=object)
