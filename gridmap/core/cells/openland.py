"""Land out of reach of every building, cut into pieces of a size that planners can handle."""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from gridmap.core.cells.coverage import Floats, Geometries, Ints
from gridmap.core.cells.lines import parts_of_type
from gridmap.core.cells.settings import CellSettings

__all__ = ["halved", "out_of_reach"]

_OVERSHOOT_M = 0.05
_ROUNDS, _STEPS = 8, 4
_SAME = 1e-9


def out_of_reach(block: Any, outlines: Geometries, settings: CellSettings) -> tuple[Geometries, Geometries]:
    """Find the land of a block (metric) that is far from its buildings.

    Instead of a round pill around every house the land in reach is a closing of the oriented envelopes with
    mitred corners: straight plots that join into a village.

    Returns
    -------
    The parts that are large enough to be open land, and the lines of the land in reach.
    """
    none = np.zeros(0, dtype=object)
    if not len(outlines):
        return np.array([block], dtype=object), none
    if shapely.area(block) < settings.min_open_m2:
        return none, none
    r = settings.reach_m
    grown = shapely.buffer(shapely.oriented_envelope(outlines), 1.75 * r, join_style="mitre")
    hull = shapely.buffer(shapely.union_all(grown), -0.75 * r, join_style="mitre")
    if shapely.covers(hull, block):
        return none, none
    hull = shapely.simplify(hull, 3.0)
    parts = parts_of_type(shapely.difference(block, hull), 3)
    far = parts[shapely.area(parts) >= settings.min_open_m2]
    return far, (parts_of_type(shapely.boundary(hull), 1) if len(far) else none)


def halved(parts: Geometries, max_m2: float) -> tuple[Geometries, NDArray[np.bool_], Geometries]:
    """Halve lands again and again across the long side of their oriented envelopes, at equal area.

    Returns
    -------
    The pieces, each of at most ``max_m2``; whether each comes from a land that was halved; and the lines between
    them, a little longer than the land.
    """
    none = np.zeros(0, dtype=object)
    pieces: list[Geometries] = [none]
    made: list[NDArray[np.bool_]] = [np.zeros(0, dtype=bool)]
    cuts: list[Geometries] = [none]
    todo, fresh = parts, False
    while len(todo):
        small = shapely.area(todo) <= max_m2
        large = todo[~small]
        sides, of, lines, across = _cut_in_half(large) if len(large) else (none, none, none, none)
        cut = np.bincount(of.astype(np.int64), minlength=len(large)) > 1
        done = np.concatenate([todo[small], large[~cut]])
        pieces.append(done)
        made.append(np.full(len(done), fresh))
        if cut.any():
            cuts.append(lines[cut[across]])
        todo, fresh = (sides[cut[of]] if cut.any() else none), True
    return np.concatenate(pieces), np.concatenate(made), np.concatenate(cuts)


def _cut_in_half(lands: Geometries) -> tuple[Geometries, Ints, Geometries, Ints]:
    """Return both sides of every land and the land of each, the lines between them and the land of each."""
    corners = shapely.get_coordinates(shapely.oriented_envelope(lands)).reshape(-1, 5, 2)[:, :4]
    a, b = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 1]
    a_m, b_m = np.hypot(*a.T), np.hypot(*b.T)
    u = np.where((a_m >= b_m)[:, None], a, b) / np.maximum(a_m, b_m)[:, None]
    # Envelopes may start at any corner: the direction is made the same for the same land.
    u[(u[:, 0] < 0) | ((u[:, 0] == 0) & (u[:, 1] < 0))] *= -1
    origin = corners.mean(axis=1)

    flat = _turned(shapely.orient_polygons(lands), u, origin)
    rings, of_ring = shapely.get_rings(flat, return_index=True)
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    inner = np.flatnonzero(ring[1:] == ring[:-1])
    start, end, of = xy[inner], xy[inner + 1], of_ring[ring[inner]]
    x = _halfway(start, end, of, len(lands))
    origin = origin + x[:, None] * u
    start, end = start - np.column_stack([x, 0 * x])[of], end - np.column_stack([x, 0 * x])[of]
    flat = _turned(lands, u, origin)

    sides, side = _beside(flat)
    crossing = np.flatnonzero((start[:, 0] < 0) != (end[:, 0] < 0))
    (ax, ay), (bx, by) = start[crossing].T, end[crossing].T
    y, across = ay - (by - ay) * ax / (bx - ax), of[crossing]
    y = y[np.lexsort((y, across))].reshape(-1, 2)
    across = across[::2]
    ends = np.stack([np.zeros(y.shape), y + _OVERSHOOT_M * np.array([-1, 1])], axis=2)
    back = u * (1, -1)
    lines = _turned(shapely.linestrings(ends), back[across], np.zeros((len(across), 2)), origin[across])
    return _turned(sides, back[side], np.zeros((len(side), 2)), origin[side]), side, lines, across


def _turned(shapes: Geometries, u: Floats, origin: Floats, shift: Floats | None = None) -> Geometries:
    """Turn each shape about its own ``origin`` so that ``u`` becomes the x axis, then shift it."""
    of = shapely.get_coordinates(shapes, return_index=True)[1]

    def turn(xy: Floats) -> Floats:
        x, y = (xy - origin[of]).T
        turned = np.column_stack([x * u[of, 0] + y * u[of, 1], y * u[of, 0] - x * u[of, 1]])
        return turned if shift is None else turned + shift[of]

    moved: Geometries = shapely.transform(shapes, turn)
    return moved


def _beside(flat: Geometries) -> tuple[Geometries, Ints]:
    """Return the parts of lands on either side of x = 0, and the land of each."""
    x0, y0, x1, y1 = shapely.bounds(flat).T
    box = min(x0.min(), y0.min()) - 1, max(x1.max(), y1.max()) + 1
    halves = np.stack([
        shapely.clip_by_rect(flat, box[0], box[0], 0, box[1]), shapely.clip_by_rect(flat, 0, box[0], box[1], box[1])
    ])  # fmt: skip
    # Clipping is ten times as quick, but promises nothing where land only just touches the cut.
    m2 = shapely.area(flat)
    wrong = np.abs(shapely.area(halves).sum(axis=0) - m2) > _SAME * m2
    for i in np.flatnonzero(wrong):
        halves[:, i] = shapely.intersection(flat[i], shapely.box([box[0], 0], box[0], [0, box[1]], box[1]))
    parts, of = shapely.get_parts(halves.ravel(), return_index=True)
    areal = shapely.get_type_id(parts) == 3  # noqa: PLR2004
    return parts[areal], (of[areal] % len(flat)).astype(np.int64)


def _halfway(start: Floats, end: Floats, of: Ints, count: int) -> Floats:
    """Return the x at which half of each polygon's area lies to the left.

    ``start`` and ``end`` (n, 2) are segments, shells counter-clockwise and holes clockwise, ``of`` their polygons in
    order: the area left of x is what the segments, cut off at x, enclose with the upright line there.
    """
    (ax, ay), (bx, by) = start.T, end.T
    rise = np.divide(by - ay, bx - ax, out=np.zeros(len(ax)), where=bx != ax)
    first = np.searchsorted(of, np.arange(count))
    low, high = np.minimum.reduceat(ax, first), np.maximum.reduceat(ax, first)
    half_m2 = np.add.reduceat((ax - bx) * (ay + by), first) / 4
    row = np.arange(count)
    for _ in range(_ROUNDS):
        x = low + (high - low) * (np.arange(_STEPS + 1) / _STEPS)[:, None]
        from_x, to_x = np.minimum(ax, x[1:-1, of]), np.minimum(bx, x[1:-1, of])
        height = 2 * ay + (from_x + to_x - 2 * ax) * rise
        left_m2 = np.add.reduceat((from_x - to_x) * height, first, axis=1) / 2
        below = (left_m2 < half_m2).sum(axis=0)
        low, high = x[below, row], x[below + 1, row]
    middle: Floats = (low + high) / 2
    return middle
