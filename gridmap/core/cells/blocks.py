"""Blocks: the faces between lines, without the slivers beside carriageways, tracks and banks."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from gridmap.core.cells.coverage import Geometries, Ints, dissolve, shared_borders, stripped
from gridmap.core.crs import GRID_M

__all__ = ["Faces", "faces_between", "in_place_order", "merge_faces", "thin_groups"]


_CRUMB_M = 0.5
_NOTHING_M = 0.05


@dataclass(frozen=True, slots=True)
class Faces:
    """Pieces of land between lines: polygon, area code number (−1: none), whether it is water."""

    polygon: Geometries
    area: Ints
    water: NDArray[np.bool_]


def in_place_order(polygons: Geometries) -> NDArray[np.intp]:
    """Return an order that depends on where polygons lie and not on where they stood in the input."""
    bounds = shapely.bounds(polygons)
    size = shapely.area(polygons)
    return np.lexsort((size, bounds[:, 3], bounds[:, 2], bounds[:, 1], bounds[:, 0]))


def faces_between(lines: Geometries, region: Any, *, roughly: bool = False) -> Geometries:
    """Cut a region along lines (metric): noded on the millimetre, loose ends are dropped.

    ``roughly``: not on the millimetre; much quicker, and good enough to see how large the faces are.
    """
    noded = shapely.union_all([*lines, shapely.boundary(region)], grid_size=None if roughly else GRID_M)
    faces = shapely.get_parts(shapely.polygonize([stripped(noded)]))
    shapely.prepare(region)
    faces = faces[shapely.contains(region, shapely.point_on_surface(faces))]
    ordered: Geometries = faces[in_place_order(faces)]
    return ordered


class _Groups:
    """Faces that are being joined: sizes and common borders are kept up, geometry waits."""

    def __init__(self, polygons: Geometries) -> None:
        shared = shared_borders(polygons)
        left, right, length_m, _ = shared.by_pair()
        self.m2 = shapely.area(polygons).tolist()
        self.rim_m = shapely.length(polygons).tolist()
        self.beside: list[dict[int, float]] = [{} for _ in range(len(polygons))]
        for i, j, m in zip(left.tolist(), right.tolist(), length_m.tolist(), strict=True):
            self.beside[i][j] = m
            self.beside[j][i] = m
        self.parent = list(range(len(polygons)))
        self.alive = [True] * len(polygons)

    def join(self, gone: int, into: int) -> None:
        """Make ``gone`` part of ``into``."""
        common = self.beside[into].pop(gone)
        self.beside[gone].pop(into)
        self.m2[into] += self.m2[gone]
        self.rim_m[into] += self.rim_m[gone] - 2 * common
        for other, m in self.beside[gone].items():
            self.beside[other].pop(gone)
            self.beside[other][into] = self.beside[other].get(into, 0.0) + m
            self.beside[into][other] = self.beside[into].get(other, 0.0) + m
        self.beside[gone] = {}
        self.alive[gone] = False
        self.parent[gone] = into

    def roots(self) -> Ints:
        """Return the group of every face."""
        out = np.array(self.parent, dtype=np.int64)
        while True:
            up = out[out]
            if np.array_equal(up, out):
                return out
            out = up


def thin_groups(faces: Faces, inhabited: NDArray[np.bool_], *, thin_m: float, small_m2: float) -> Ints:
    """Tell which faces make a block after thin and small empty faces went to a neighbour.

    A face goes to the neighbour with which it shares the longest border: first to one that is not thin itself
    and is land or water as it is. Nothing goes across a hard line.
    """
    groups = _Groups(faces.polygon)
    alive_bad = [False] * len(faces.polygon)
    full = inhabited.tolist()
    area, water = faces.area.tolist(), faces.water.tolist()

    def bad(i: int) -> bool:
        return not full[i] and (2 * groups.m2[i] < thin_m * groups.rim_m[i] or groups.m2[i] < small_m2)

    queue: list[tuple[float, int]] = []
    for i in range(len(faces.polygon)):
        alive_bad[i] = bad(i)
        if alive_bad[i]:
            queue.append((groups.m2[i], i))
    heapq.heapify(queue)
    while queue:
        m2, i = heapq.heappop(queue)
        if not groups.alive[i] or not alive_bad[i] or m2 != groups.m2[i]:
            continue
        crumb = 2 * groups.m2[i] < _CRUMB_M * groups.rim_m[i]
        near = [(not crumb and not alive_bad[j] and water[j] == water[i], not crumb and not alive_bad[j], m, -j)
                for j, m in groups.beside[i].items() if area[j] == area[i]]  # fmt: skip
        if not near and 2 * groups.m2[i] < _NOTHING_M * groups.rim_m[i]:
            near = [(False, False, m, -j) for j, m in groups.beside[i].items()]
        if not near:
            continue
        into = -max(near)[3]
        groups.join(i, into)
        alive_bad[into] = bad(into)
        if alive_bad[into]:
            heapq.heappush(queue, (groups.m2[into], into))
    _, number = np.unique(groups.roots(), return_inverse=True)
    return number.astype(np.int64)


def merge_faces(faces: Faces, group: Ints) -> Faces:
    """Join faces by group; a block is water when most of it is."""
    count = int(group.max(initial=-1)) + 1
    m2 = shapely.area(faces.polygon)
    wet = np.bincount(group, weights=m2 * faces.water, minlength=count)
    area = np.full(count, -1, dtype=np.int64)
    area[group] = faces.area
    return Faces(dissolve(faces.polygon, group, count), area, 2 * wet > np.bincount(group, weights=m2, minlength=count))


def located_in(points: Geometries, polygons: Geometries) -> Ints:
    """Return the number of the first polygon that holds each point, −1 for none."""
    out = np.full(len(points), -1, dtype=np.int64)
    if len(polygons) and len(points):
        point, polygon = shapely.STRtree(polygons).query(points, predicate="intersects")
        order = np.lexsort((polygon, point))
        first = np.unique(point[order], return_index=True)[1]
        out[point[order][first]] = polygon[order][first]
    return out
