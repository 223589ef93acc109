"""A raster over the grids: one look-up tells whose place a point is, near borders a few edges decide.

Each cell of the raster knows the one polygon that it lies in, or that none does, or the polygons whose borders pass
through it. For such a polygon it keeps the edges inside the cell and whether the cell's lower left corner lies in the
polygon. A point is joined to the corner by a path of two strokes, level and then upright; each edge that it crosses
changes from inside to outside or back. Signs are decided in doubles with the error bound of Shewchuk ("Adaptive
Precision Floating-Point Arithmetic and Fast Robust Geometric Predicates", 1997); what it cannot decide, points on a
border among it, is answered by GEOS. So every answer is that of :class:`~gridmap.core.locate.cover.TreeCover`.
"""

from __future__ import annotations

import itertools
import math
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import shapely

from gridmap.core.locate.cover import Bools, Cover, Floats, Geometries, Ints, TreeCover
from gridmap.core.locate.kernels import ASK, RECORD, Int32s, Int64s, fill, meeting, owner_of_one, owners

__all__ = ["RasterCover"]

#: Cells of the raster for each edge of a polygon; more make it larger and the cells on a border fewer.
CELLS_PER_EDGE = 2
FEWEST_CELLS, MOST_CELLS = 1 << 12, 1 << 24
#: Below so many points a second thread costs more than it saves.
FEW_POINTS = 50_000


class RasterCover:
    """Which polygon covers a point, by a raster; never changes, and any number of threads may ask it.

    Parameters
    ----------
    polygons
        Polygons or multipolygons in one flat system (EPSG:4326 degrees taken as plane), in ascending order of grid
        code. They may overlap and leave gaps.
    exact
        Answers what doubles cannot decide; by default :class:`TreeCover`, made when it is first needed.
    threads
        Threads for many points at once.
    cells
        Cells of the raster; by default two for each edge.
    """

    def __init__(
        self, polygons: Geometries, *, exact: Cover | None = None, threads: int = 1, cells: int | None = None
    ) -> None:
        self._polygons = np.asarray(polygons, dtype=object)
        self._threads = threads
        self._plain = exact
        self._making = threading.Lock()
        self._xy, edge, start = _edges(self._polygons)
        self._frame, shape = _raster(self._xy, cells or len(edge) * CELLS_PER_EDGE)
        passing, meet, self._table = meeting(self._xy, edge, start, self._frame, *shape)
        records = np.flatnonzero(meet)
        self._table.ravel()[records] = RECORD - np.arange(len(records), dtype=np.int32)
        self._first = np.concatenate([[0], np.cumsum(meet.ravel()[records], dtype=np.int64)])
        first_edge = np.concatenate([[0], np.cumsum(passing.ravel()[records], dtype=np.int64)])
        self._entries, self._edges = fill(
            self._xy, edge, start, self._frame, self._table, self._first.copy(), first_edge
        )

    @property
    def nbytes(self) -> int:
        """Bytes of the raster, its edges and its coordinates."""
        return int(sum(a.nbytes for a in (self._xy, self._table, self._first, self._entries, self._edges)))

    def owner(self, lons: Floats, lats: Floats) -> tuple[Ints, Bools]:
        """Return per point the lowest polygon that covers it (-1: none), and whether several do."""
        x, y = np.ascontiguousarray(lons, dtype=np.float64), np.ascontiguousarray(lats, dtype=np.float64)
        found = np.empty(len(x), dtype=np.intp)
        tied = np.zeros(len(x), dtype=np.bool_)
        arrays = (self._frame, self._table, self._first, self._entries, self._edges, self._xy)
        threads = self._threads if len(x) >= FEW_POINTS else 1
        if threads == 1:
            asked = owners(x, y, found, tied, *arrays)
        else:
            cut = np.linspace(0, len(x), threads + 1).astype(int)
            parts = [slice(a, b) for a, b in itertools.pairwise(cut)]
            with ThreadPoolExecutor(threads) as pool:
                asked = sum(pool.map(lambda p: owners(x[p], y[p], found[p], tied[p], *arrays), parts))
        if asked:
            rows = np.flatnonzero(found == ASK)
            found[rows], tied[rows] = self._exact().owner(x[rows], y[rows])
        return found, tied

    def one(self, lon: float, lat: float) -> int:
        """Return the lowest polygon that covers a point, or -1."""
        found = owner_of_one(lon, lat, self._frame, self._table, self._first, self._entries, self._edges, self._xy)
        if found == ASK:
            return int(self._exact().owner(np.array([lon]), np.array([lat]))[0][0])
        return found

    def _exact(self) -> Cover:
        with self._making:
            if self._plain is None:
                self._plain = TreeCover(self._polygons)
            return self._plain


def _edges(polygons: Geometries) -> tuple[Floats, Int32s, Int64s]:
    """Return the vertices of all rings, the first vertex of each edge, and where the edges of each polygon begin."""
    parts, of_part = shapely.get_parts(polygons, return_index=True)
    rings, part = shapely.get_rings(parts, return_index=True)
    vertices = shapely.get_num_coordinates(rings)
    xy = np.ascontiguousarray(shapely.get_coordinates(rings))
    no_last = np.ones(len(xy), dtype=np.bool_)
    no_last[np.cumsum(vertices) - 1] = False
    edges = np.bincount(of_part[part], weights=vertices - 1, minlength=len(polygons)).astype(np.int64)
    return xy, np.flatnonzero(no_last).astype(np.int32), np.concatenate([[0], np.cumsum(edges)])


def _raster(xy: Floats, cells: int) -> tuple[Floats, tuple[int, int]]:
    """Choose a raster over all vertices.

    Returns (west, south, cells per unit east and north, width and height of a cell), and (columns, rows).

    Its lines lie beside the round numbers on which borders often are.
    """
    if not len(xy):
        return np.array([0.0, 0.0, 1.0, 1.0, 1.0, 1.0]), (1, 1)
    low = np.array([xy[:, 0].min(), xy[:, 1].min()])
    high = np.array([xy[:, 0].max(), xy[:, 1].max()])
    size = np.maximum(high - low, 64 * np.spacing(np.abs([low, high]).max()) + 1e-300)
    wanted = min(max(cells, FEWEST_CELLS), MOST_CELLS)
    columns = max(1, min(wanted, round(math.sqrt(wanted * size[0] / size[1]))))
    rows = max(1, wanted // columns)
    step = size * (1 + 2e-3) / [columns, rows]
    # the lower corner is nearer than the upper one, so that nothing is symmetric to the middle
    west, south = low - size * [0.000_618, 0.000_718]
    return np.array([west, south, 1 / step[0], 1 / step[1], step[0], step[1]]), (columns, rows)
