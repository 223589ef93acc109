"""Lines half-way between buildings."""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely
from scipy.spatial import Delaunay

from gridmap.core.cells.coverage import Floats, Geometries, Ints
from gridmap.core.cells.pieces import components
from gridmap.core.cells.settings import CellSettings

__all__ = ["clipped", "lines_between", "samples_of"]

_FAR = 4.0
_SAME_M = 1e-6
_BORDER_M = 1e-6
_KINK_M = 2.5
_OVERSHOOT_M = 0.02


def samples_of(outlines: Geometries, step_m: float) -> tuple[Floats, Ints]:
    """Sample outlines at most every ``step_m``: points (n, 2) and the outline of each.

    A point that two outlines share says nothing about which is nearer and is left out, unless an outline
    would have no point at all.
    """
    xy, owner = shapely.get_coordinates(shapely.segmentize(outlines, step_m), return_index=True)
    mm = np.rint(xy * 1000).astype(np.int64)
    order = np.lexsort((owner, mm[:, 1], mm[:, 0]))
    xy, owner, mm = xy[order], owner[order].astype(np.int64), mm[order]
    new = np.ones(len(mm), dtype=bool)
    new[1:] = np.any(mm[1:] != mm[:-1], axis=1)
    place = np.cumsum(new) - 1
    lowest = owner[new][place]
    shared = np.zeros(int(place[-1]) + 1, dtype=bool)
    np.logical_or.at(shared, place, owner != lowest)
    alone = ~shared[place]
    has = np.bincount(owner[alone], minlength=len(outlines)) > 0
    keep = alone | ~has[owner]
    xy, owner, place = xy[keep], owner[keep], place[keep]
    first = np.ones(len(place), dtype=bool)
    first[1:] = place[1:] != place[:-1]
    return xy[first], owner[first]


def lines_between(block: Any, outlines: Geometries, xy: Floats, owner: Ints, settings: CellSettings) -> Geometries:
    """Return the lines inside a block (metric) along which two buildings are equally near."""
    bounds = shapely.bounds(block)
    centre = (bounds[:2] + bounds[2:]) / 2
    reach = _FAR * float(np.hypot(*(bounds[2:] - bounds[:2])))
    angle = np.arange(8) * np.pi / 4
    far = np.column_stack([np.cos(angle), np.sin(angle)]) * reach
    corner, start, end = _ridges(np.concatenate([xy - centre, far]))
    label = np.concatenate([owner, np.full(len(far), -1)])
    ends = np.stack([start, end], axis=1) + centre
    used = (label[corner] >= 0).all(axis=1) & (label[corner[:, 0]] != label[corner[:, 1]])
    ends, (a, b) = ends[used], label[corner[used]].T
    pair = np.minimum(a, b) * len(outlines) + np.maximum(a, b)
    inside_box = (
        (ends[:, :, 0].max(axis=1) >= bounds[0])
        & (ends[:, :, 0].min(axis=1) <= bounds[2])
        & (ends[:, :, 1].max(axis=1) >= bounds[1])
        & (ends[:, :, 1].min(axis=1) <= bounds[3])
        & np.any(ends[:, 0] != ends[:, 1], axis=1)
    )
    ends, pair = ends[inside_box], pair[inside_box]
    if not len(ends):
        return np.zeros(0, dtype=object)
    # Only what lies wholly inside may go: half a segment missing would let two cells run into each other.
    hidden = shapely.STRtree(outlines).query(shapely.linestrings(ends), predicate="within")[0]
    keep = np.ones(len(ends), dtype=bool)
    keep[hidden] = False
    ends, pair = ends[keep], pair[keep]
    if not len(ends):
        return np.zeros(0, dtype=object)
    order = np.lexsort((ends[:, 1, 1], ends[:, 1, 0], ends[:, 0, 1], ends[:, 0, 0], pair))
    number = np.unique(pair[order], return_inverse=True)[1]
    bundles = shapely.multilinestrings(shapely.linestrings(ends[order]), indices=number)
    lines = shapely.simplify(shapely.get_parts(shapely.line_merge(bundles)), settings.simplify_m)
    return clipped(lines, block)


def _ridges(xy: Floats) -> tuple[Ints, Floats, Floats]:
    """Return the two points beside each bounded ridge of the Voronoi diagram of points (n, 2), and its two ends.

    The ridges are the edges between neighbouring Delaunay triangles; triangles on one circle have one centre.
    """
    mesh = Delaunay(xy)
    triangle = mesh.simplices.astype(np.int64)
    a, b, c = (xy[triangle[:, k]] for k in range(3))
    u, v = b - a, c - a
    twice_m2 = 2 * (u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0])
    flat = twice_m2 == 0
    uu, vv = (u * u).sum(axis=1), (v * v).sum(axis=1)
    away = np.column_stack([v[:, 1] * uu - u[:, 1] * vv, u[:, 0] * vv - v[:, 0] * uu])
    centre = a + away / np.where(flat, np.inf, twice_m2)[:, None]
    this, side = np.nonzero(mesh.neighbors > np.arange(len(triangle))[:, None])
    other = mesh.neighbors[this, side].astype(np.int64)
    corner = np.stack([triangle[this, (side + 1) % 3], triangle[this, (side + 2) % 3]], axis=1)
    same = np.abs(centre[this] - centre[other]).max(axis=1) < _SAME_M
    if same.any():
        circle = components(this[same], other[same], len(triangle))
        centre = centre[np.unique(circle, return_index=True)[1]][circle]
        corner, this, other = corner[~same], this[~same], other[~same]
    return corner, centre[this], centre[other]


def clipped(lines: Geometries, block: Any) -> Geometries:
    """Clip lines to a block (metric); an end on the rim reaches a little over it, so that noding finds it.

    Such an end may later shift along the rim; a vertex shortly before it keeps the rest of the line in its
    place.
    """
    shapely.prepare(block)
    whole = shapely.contains_properly(block, lines)
    crossing = lines[~whole & shapely.intersects(block, lines)]
    # All at once: the block is noded with its lines one time instead of once for each of them.
    parts = shapely.get_parts(shapely.get_parts([shapely.intersection(shapely.multilinestrings(crossing), block)]))
    parts = parts[(shapely.get_type_id(parts) == 1) & (shapely.length(parts) > _BORDER_M)]
    if not len(parts):
        kept: Geometries = lines[whole]
        return kept
    rim = shapely.boundary(block)
    shapely.prepare(rim)
    xy, line = shapely.get_coordinates(parts, return_index=True)
    start = np.flatnonzero(np.r_[True, line[1:] != line[:-1]])
    end = np.r_[start[1:], len(line)] - 1
    at, new, tips = [], [], []
    for tip, inner, where in ((start, start + 1, start + 1), (end, end - 1, end)):
        on_rim = shapely.dwithin(rim, shapely.points(xy[tip]), _BORDER_M)
        step = xy[inner] - xy[tip]
        length = np.maximum(np.hypot(step[:, 0], step[:, 1]), _BORDER_M)
        share = np.minimum(_KINK_M / length, 0.5)
        at.append(where[on_rim])
        new.append((xy[tip] + step * share[:, None])[on_rim])
        tips.append((tip[on_rim], (xy[tip] - step * (_OVERSHOOT_M / length)[:, None])[on_rim]))
    for tip, moved in tips:
        xy[tip] = moved
    position, vertex = np.concatenate(at), np.concatenate(new)
    bent = shapely.linestrings(
        np.insert(xy, position, vertex, axis=0), indices=np.insert(line, position, line[position - 1])
    )
    return np.concatenate([lines[whole], bent])
