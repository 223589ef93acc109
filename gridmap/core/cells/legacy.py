"""Present grids drawn as polygons come back from cells: decided by buildings, cut only where needed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from gridmap.core.cells.blocks import located_in
from gridmap.core.cells.borders import shares_in
from gridmap.core.cells.coverage import Floats, Geometries, Ints
from gridmap.core.cells.cutters import Polygons
from gridmap.core.cells.fill import Filled
from gridmap.core.cells.lines import give_way, parts_of_type
from gridmap.core.cells.outlines import Footprints
from gridmap.core.cells.pieces import Faced, Pieces, give_away
from gridmap.core.cells.settings import CellSettings

__all__ = [
    "BuildingShares",
    "building_shares",
    "cutting_lines",
    "grid_at",
    "grids_of_cells",
    "misfits",
    "without_scraps",
]

_NOTHING_M = 1e-3


@dataclass(frozen=True, slots=True)
class BuildingShares:
    """Which polygon holds most of each footprint's building (−1: none), and how much of the building."""

    polygon: Ints
    share: Floats


def building_shares(footprints: Footprints, legacy: Polygons, *, near_m: float) -> BuildingShares:
    """Give every building, with all its bodies, to one polygon; one in none to the nearest within ``near_m``."""
    count = len(footprints.polygon)
    if not count:
        return BuildingShares(np.zeros(0, dtype=np.int64), np.zeros(0))
    _, building = np.unique(footprints.building, return_inverse=True)
    outline, polygon, share = shares_in(footprints.polygon, legacy.polygon)
    m2 = share * shapely.area(footprints.polygon[outline])
    width = len(legacy.polygon)
    pair, inverse = np.unique(building[outline] * width + polygon, return_inverse=True)
    total = np.bincount(inverse, weights=m2, minlength=len(pair))
    order = np.lexsort((pair, -total, pair // width))
    first = order[np.unique(pair[order] // width, return_index=True)[1]]
    best, held = np.full(int(building.max()) + 1, -1, dtype=np.int64), np.zeros(int(building.max()) + 1)
    best[pair[first] // width], held[pair[first] // width] = pair[first] % width, total[first]
    held /= np.bincount(building, weights=shapely.area(footprints.polygon))
    out, out_share = best[building], held[building]
    lost = np.flatnonzero(out < 0)
    out[lost] = _nearest(footprints.polygon[lost], legacy.polygon, near_m)
    return BuildingShares(out, out_share)


def _nearest(shapes: Geometries, polygons: Geometries, near_m: float) -> Ints:
    out = np.full(len(shapes), -1, dtype=np.int64)
    if len(shapes):
        row, near = shapely.STRtree(polygons).query_nearest(shapes, max_distance=near_m, all_matches=True)
        out[row[::-1]] = near[::-1]
    return out


def grids_of_cells(filled: Filled, buildings: BuildingShares, legacy: Polygons, *, near_m: float) -> Ints:
    """Return the polygon of every cell: a building decides for its cell, open land by area (−1: none)."""
    out = np.full(len(filled.polygon), -1, dtype=np.int64)
    built = filled.outline >= 0
    out[built] = buildings.polygon[filled.outline[built]]
    rest = np.flatnonzero(~built)
    if len(rest):
        cell, polygon, share = shares_in(filled.polygon[rest], legacy.polygon)
        order = np.lexsort((polygon, -share, cell))
        first = order[np.unique(cell[order], return_index=True)[1]]
        covered = np.bincount(cell, weights=share, minlength=len(rest))
        most = share[first] >= 1 - covered[cell[first]]
        out[rest[cell[first[most]]]] = polygon[first[most]]
        lost = rest[out[rest] < 0]
        out[lost] = _nearest(shapely.point_on_surface(filled.polygon[lost]), legacy.polygon, near_m)
    return out


def misfits(
    filled: Filled, grid: Ints, footprints: Footprints, legacy: Polygons, settings: CellSettings
) -> NDArray[np.bool_]:
    """Mark cells that hold land of another polygon deeper than ``legacy_depth_m`` (metric).

    Land in no polygon counts from ``give_way_m``: polygons drawn at the kerb leave the streets out. The
    footprint does not count, because no line goes through it.
    """
    shapely.prepare(legacy.polygon)
    own = np.array([*legacy.polygon, None], dtype=object)[grid]
    # What lies whole in its own polygon lies in no other, and few cells do not.
    rows = np.flatnonzero(~shapely.covers(own, filled.polygon))
    land, built = filled.polygon[rows], filled.outline[rows] >= 0
    cell, polygon = shapely.STRtree(legacy.polygon).query(land, predicate="intersects")
    other = polygon != grid[rows][cell]
    land[built] = shapely.difference(land[built], footprints.polygon[filled.outline[rows[built]]])
    piece = shapely.intersection(land[cell[other]], legacy.polygon[polygon[other]])
    out = np.zeros(len(filled.polygon), dtype=bool)
    out[rows[cell[other][_deeper(piece, settings.legacy_depth_m)]]] = True
    covered = shapely.union_all(legacy.polygon)
    shapely.prepare(covered)
    beyond = np.flatnonzero((grid[rows] >= 0) & ~shapely.covers(covered, filled.polygon[rows]))
    out[rows[beyond[_deeper(shapely.difference(land[beyond], covered), settings.give_way_m)]]] = True
    return out


def _deeper(pieces: Geometries, depth_m: float) -> NDArray[np.bool_]:
    large = shapely.area(pieces) > 3 * depth_m * depth_m
    out = np.zeros(len(pieces), dtype=bool)
    out[large] = ~shapely.is_empty(shapely.buffer(pieces[large], -depth_m, quad_segs=2))
    return out


def cutting_lines(legacy: Polygons, blocks: Geometries, settings: CellSettings) -> list[Geometries]:
    """Return the lines of present grids inside each block (metric), where they do not run beside its border.

    Where nothing has to give way, the lines keep exactly their vertices: cut along again, the block comes out alike.
    """
    lines = shapely.get_parts(shapely.union_all(shapely.boundary(legacy.polygon)))
    number, line = shapely.STRtree(lines).query(blocks, predicate="intersects")
    order = np.lexsort((line, number))
    number, line = number[order], line[order]
    inside = shapely.intersection(lines[line], blocks[number])
    ends = np.searchsorted(number, np.arange(len(blocks) + 1))
    out: list[Geometries] = []
    for block, start, end in zip(blocks, ends[:-1], ends[1:], strict=True):
        rim = shapely.boundary(block)
        drawn = parts_of_type(inside[start:end], 1)
        drawn = drawn[~shapely.covered_by(drawn, rim)]
        kept = give_way(drawn, rim, distance_m=settings.give_way_m, min_piece_m=settings.min_piece_m)
        same = abs(float(shapely.length(kept).sum() - shapely.length(drawn).sum())) < _NOTHING_M
        out.append(drawn if same else kept)
    return out


def without_scraps(filled: Filled, grid: Ints, legacy: Polygons, *, beside: Geometries | None = None) -> Ints:
    """Give open land that lost touch with its grid to the neighbouring grid with the longest border.

    Only where the drawn polygon was in one piece. With cells ``beside`` the land is a part of the town: what
    touches its grid there stays, and so does the larger half of a grid.
    """
    single = np.append(shapely.get_num_geometries(legacy.polygon) == 1, False)
    around = np.zeros(0, dtype=object) if beside is None else beside
    label = np.concatenate([grid, located_in(shapely.point_on_surface(around), legacy.polygon)])
    held = np.concatenate([filled.outline >= 0, np.ones(len(around), dtype=bool)])
    most_m2 = np.append(shapely.area(legacy.polygon) / 2, 0.0) * (beside is not None)

    def stays(pieces: Pieces) -> NDArray[np.bool_]:
        fixed = np.bincount(pieces.of_face, weights=held, minlength=len(pieces.label)) > 0
        main = pieces.first_by(pieces.area_m2) & (pieces.area_m2 >= most_m2[pieces.label])
        keep: NDArray[np.bool_] = main | fixed | ~single[pieces.label]
        return keep

    faced = Faced.of(np.concatenate([filled.polygon, around]))
    return give_away(faced, label, stays, allowed=lambda p, _, b: p.label[b] >= 0)[1][: len(grid)]


def grid_at(points: Geometries, legacy: Polygons) -> Ints:
    """Return the polygon at each point, −1 for none."""
    return located_in(points, legacy.polygon)
