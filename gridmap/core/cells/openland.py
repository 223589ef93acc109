"""Land out of reach of every building, cut into pieces of a size that planners can handle."""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely

from gridmap.core.cells.coverage import Floats, Geometries
from gridmap.core.cells.lines import parts_of_type
from gridmap.core.cells.settings import CellSettings

__all__ = ["halved", "out_of_reach"]

_OVERSHOOT_M = 0.05
_HALVINGS = 16


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


def halved(part: Any, max_m2: float) -> tuple[Geometries, Geometries]:
    """Halve land again and again across the long side of its oriented envelope, at equal area.

    Returns
    -------
    The pieces, each of at most ``max_m2``, and the lines between them, a little longer than the land.
    """
    pieces: list[Any] = []
    cuts: list[Any] = []
    todo = [part]
    while todo:
        land = todo.pop()
        if shapely.area(land) <= max_m2:
            pieces.append(land)
            continue
        sides, line = _cut_in_half(land)
        if len(sides) < 2:  # noqa: PLR2004
            pieces.append(land)
            continue
        cuts.extend(line)
        todo.extend(sides)
    return np.array(pieces, dtype=object), np.array(cuts, dtype=object)


def _cut_in_half(land: Any) -> tuple[Geometries, Geometries]:
    corners = shapely.get_coordinates(shapely.oriented_envelope(land))[:4]
    a, b = corners[1] - corners[0], corners[2] - corners[1]
    long = a if np.hypot(*a) >= np.hypot(*b) else b
    # Envelopes may start at any corner: the direction is made the same for the same land.
    if long[0] < 0 or (long[0] == 0 and long[1] < 0):
        long = -long
    u = long / np.hypot(*long)
    axes = np.array([u, [-u[1], u[0]]])
    origin = corners.mean(axis=0)

    def turn(xy: Floats) -> Floats:
        turned: Floats = (xy - origin) @ axes.T
        return turned

    def back(xy: Floats) -> Floats:
        turned: Floats = xy @ axes + origin
        return turned

    flat = shapely.transform(land, turn)
    x0, y0, x1, y1 = shapely.bounds(flat)
    low, high, half = x0, x1, shapely.area(flat) / 2
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if shapely.area(shapely.clip_by_rect(flat, x0 - 1, y0 - 1, middle, y1 + 1)) < half:
            low = middle
        else:
            high = middle
    x = (low + high) / 2
    left = parts_of_type(shapely.intersection(flat, shapely.box(x0 - 1, y0 - 1, x, y1 + 1)), 3)
    right = parts_of_type(shapely.intersection(flat, shapely.box(x, y0 - 1, x1 + 1, y1 + 1)), 3)
    across = parts_of_type(shapely.intersection(flat, shapely.linestrings([[x, y0 - 1], [x, y1 + 1]])), 1)
    ends = shapely.get_coordinates(across).reshape(-1, 2, 2)
    ends = np.sort(ends, axis=1)
    ends[:, 0, 1] -= _OVERSHOOT_M
    ends[:, 1, 1] += _OVERSHOOT_M
    sides: Geometries = shapely.transform(np.array([*left, *right], dtype=object), back)
    lines: Geometries = shapely.transform(shapely.linestrings(ends), back)
    return sides, lines
