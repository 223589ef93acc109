"""Lines drawn by hand as borders: which cells lie on which side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from gridmap.core.cells.coverage import shared_borders
from gridmap.core.plans.effect import Grid
from gridmap.core.plans.state import PlanState
from gridmap.errors import InputError

__all__ = ["common_border", "divided", "redrawn", "swept"]

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

_PAST_M = 0.1
_BESIDE_M = 0.01


def common_border(state: PlanState, one: Grid, other: Grid) -> list[shapely.LineString]:
    """Return the lines (metric) along which two grids touch, each joined up.

    Raises
    ------
    InputError
        They do not touch.
    """
    parts, of = shapely.get_parts(state.polygons([one.key, other.key]), return_index=True)
    shared = shared_borders(parts)
    between = shared.segment[of[shared.left] != of[shared.right]]
    ends = np.column_stack([shared.segments.start, shared.segments.end])[between]
    if not len(ends):
        raise InputError(
            f"网格 {one.label} 与 {other.label} 不相邻，没有共同边界。",
            f"Grids {one.label} and {other.label} are not neighbours: they have no common border.",
        )
    merged = shapely.line_merge(shapely.multilinestrings(shapely.linestrings(shared.segments.xy[ends])))
    return list(shapely.get_parts(merged))


@dataclass(frozen=True, slots=True)
class _Sides:
    """The cells (rows) of the land that a line divides; ``left`` and ``right`` of it, the others lie beyond."""

    rows: Ints
    left: Bools
    right: Bools


def _sides(state: PlanState, rows: Ints, land: shapely.Geometry, lines: Sequence[shapely.LineString]) -> _Sides:
    """Cut land along lines and tell on which side each cell's point lies."""
    shapely.prepare(land)
    cut = shapely.union_all([shapely.boundary(land), *lines])
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(cut)))
    middle = shapely.get_coordinates(shapely.point_on_surface(faces))
    faces = faces[shapely.contains_xy(land, middle[:, 0], middle[:, 1])]
    shapely.prepare(faces)
    inside = shapely.get_parts(shapely.intersection(shapely.multilinestrings(list(lines)), land))
    inside = inside[shapely.get_type_id(inside) == shapely.GeometryType.LINESTRING]
    xy, of = shapely.get_coordinates(inside, return_index=True)
    same = of[1:] == of[:-1]
    a, b = xy[:-1][same], xy[1:][same]
    length = np.hypot(*(b - a).T)
    a, b, length = a[length > _BESIDE_M], b[length > _BESIDE_M], length[length > _BESIDE_M]
    across = np.column_stack([-(b - a)[:, 1], (b - a)[:, 0]]) / length[:, None] * _BESIDE_M
    weight = np.zeros(len(faces))
    for sign in (1.0, -1.0):
        beside = _within(faces, (a + b) / 2 + sign * across)
        np.add.at(weight, beside[beside >= 0], sign * length[beside >= 0])
    fabric = state.fabric
    points = fabric.xy[fabric.leader[rows]]
    face_of = _within(faces, points)
    # a footprint's centroid may lie outside of its cell
    for stray in np.flatnonzero(face_of < 0) if len(faces) else ():
        face_of[stray] = int(np.argmin(shapely.distance(faces, shapely.Point(points[stray]))))
    side = np.append(weight, 0.0)[face_of]
    return _Sides(rows, side > 0, side < 0)


def _within(faces: NDArray[np.object_], xy: Floats) -> Ints:
    """Return the number of the prepared face that each point lies in; −1 for none."""
    out = np.full(len(xy), -1, dtype=np.int64)
    for number, face in enumerate(faces):
        out[shapely.contains_xy(face, xy[:, 0], xy[:, 1])] = number
    return out


def _exit(line: shapely.LineString, land: shapely.Geometry, *, at_end: bool) -> Floats:
    """Return the point to which the end of a line that stops inside the land goes on straight, just past its rim."""
    xy = shapely.get_coordinates(line)
    tip, before = (xy[-1], xy[-2]) if at_end else (xy[0], xy[1])
    step = (tip - before) / np.hypot(*(tip - before))
    low_x, low_y, high_x, high_y = shapely.bounds(land)
    far = tip + step * (np.hypot(high_x - low_x, high_y - low_y) + 1.0)
    met = shapely.intersection(shapely.LineString([tip, far]), shapely.boundary(land))
    metres = shapely.distance(shapely.Point(tip), shapely.points(shapely.get_coordinates(met)))
    out: Floats = tip + step * (float(metres.min()) + _PAST_M if len(metres) else _PAST_M)
    return out


def divided(state: PlanState, grid: Grid, line: shapely.LineString) -> tuple[Ints, Ints]:
    """Return the cells of a grid left and right of a line, which goes on straight where it ends inside the grid.

    Raises
    ------
    InputError
        The line misses the grid, or leaves one side without any cell.
    """
    land = state.polygons([grid.key])[0]
    if not shapely.intersects(land, line):
        raise InputError(
            f"线没有碰到网格 {grid.label}。请画过这个网格。",
            f"The line misses grid {grid.label}. Draw it across the grid.",
        )
    xy = shapely.get_coordinates(line)
    if shapely.contains_xy(land, *xy[0]):
        xy = np.vstack([_exit(line, land, at_end=False), xy])
    if shapely.contains_xy(land, *xy[-1]):
        xy = np.vstack([xy, _exit(line, land, at_end=True)])
    rows = state.cells_of(grid.key)
    sides = _sides(state, rows, land, [shapely.LineString(xy)])
    # a body of the grid that the line does not touch stays with the larger part
    left, right = rows[sides.left], rows[sides.right]
    rest = rows[~sides.left & ~sides.right]
    if not len(left) or not len(right):
        raise InputError(
            f"这条线把网格 {grid.label} 的所有楼栋和空地留在一侧，另一侧是空的。请往里画。",
            f"The line leaves all buildings and open land of grid {grid.label} on one side. Draw it farther inside.",
        )
    if len(left) >= len(right):
        return np.union1d(left, rest), right
    return left, np.union1d(right, rest)


def redrawn(state: PlanState, one: Grid, other: Grid, line: shapely.LineString) -> tuple[Ints, Ints]:
    """Return the cells of two neighbours on the sides of their new border: those of ``one``, those of ``other``.

    The line takes the place of the common border. Where it ends inside the two grids, the old border goes on from
    there, or it is led to the rim, whichever is nearer. Of two ways the one that changes less land is taken.

    Raises
    ------
    InputError
        They are no neighbours, the line misses them, or one of them would have nothing left.
    """
    old = common_border(state, one, other)
    polygons = state.polygons([one.key, other.key])
    land = shapely.union_all(polygons)
    if not shapely.intersects(land, line):
        raise InputError(
            f"线没有碰到网格 {one.label} 和 {other.label}。请沿它们的边界画。",
            f"The line misses grids {one.label} and {other.label}. Draw it along their border.",
        )
    rows = state.cells_of(one.key, other.key)
    mine = state.keys_of(rows) == one.key
    area = state.fabric.area_m2[rows]
    nearest = int(np.argmin(shapely.distance(np.array(old, dtype=object), line)))
    others = [part for k, part in enumerate(old) if k != nearest]
    best: tuple[float, Bools] | None = None
    for border in _borders(line, old[nearest], land):
        sides = _sides(state, rows, land, [border, *others])
        for to_one, to_other in ((sides.left, sides.right), (sides.right, sides.left)):
            new = np.where(to_one, True, np.where(to_other, False, mine))
            if new.any() and not new.all():
                changed = float(area[new != mine].sum())
                if best is None or changed < best[0]:
                    best = (changed, new)
    if best is None:
        raise InputError(
            f"照这条线，网格 {one.label} 和 {other.label} 中有一个不剩土地。如要合为一个，请用合并。",
            f"By this line grid {one.label} or {other.label} would have no land. To make them one, merge them.",
        )
    return rows[best[1]], rows[~best[1]]


def _borders(line: shapely.LineString, old: shapely.LineString, land: shapely.Geometry) -> list[shapely.LineString]:
    """Return the ways in which a drawn line and the rest of the old border make one border."""
    xy = shapely.get_coordinates(line)
    rim = shapely.boundary(land)
    first, last = (_join(tip, old, rim, land) for tip in (xy[0], xy[-1]))
    if first is None and shapely.contains_xy(land, *xy[0]):
        xy = np.vstack([_to_rim(xy[0], rim), xy])
    if last is None and shapely.contains_xy(land, *xy[-1]):
        xy = np.vstack([xy, _to_rim(xy[-1], rim)])
    whole = float(shapely.length(old))
    if first is None and last is None:
        ways = [[xy]]
    elif first is None or last is None:
        at = last if first is None else first
        assert at is not None  # noqa: S101 (one of the two is there)
        xy = xy[::-1] if first is None else xy
        ways = [[_part(old, 0.0, at), xy], [_part(old, at, whole)[::-1], xy]]
    else:
        if first > last:
            xy, first, last = xy[::-1], last, first
        ways = [[_part(old, 0.0, first), xy, _part(old, last, whole)]]
        if shapely.is_closed(old):
            ways.append([xy, _part(old, first, last)[::-1]])
    return [_line(np.vstack(way)) for way in ways]


def _join(tip: Floats, old: shapely.LineString, rim: shapely.Geometry, land: shapely.Geometry) -> float | None:
    """Return at how many metres of the old border a line's end joins it; None where it leaves the land instead."""
    point = shapely.Point(tip)
    if shapely.contains(land, point) and shapely.distance(point, old) <= shapely.distance(point, rim):
        return float(shapely.line_locate_point(old, point))
    return None


def _part(old: shapely.LineString, low: float, high: float) -> Floats:
    """Return the vertices of the old border between two measures, with its ends."""
    along = shapely.get_coordinates(old)
    measure = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(along, axis=0).T))])
    ends = shapely.get_coordinates(shapely.line_interpolate_point(old, [low, high]))
    return np.vstack([ends[:1], along[(measure > low) & (measure < high)], ends[1:]])


def _line(xy: Floats) -> shapely.LineString:
    fresh = np.ones(len(xy), dtype=np.bool_)
    fresh[1:] = (xy[1:] != xy[:-1]).any(axis=1)
    return shapely.LineString(xy[fresh])


def _to_rim(tip: Floats, rim: shapely.Geometry) -> Floats:
    """Return the point just past the rim that is nearest to a point inside."""
    near = shapely.get_coordinates(shapely.shortest_line(shapely.Point(tip), rim))[-1]
    gap = float(np.hypot(*(near - tip)))
    past: Floats = near if gap == 0 else near + (near - tip) / gap * _PAST_M
    return past


def swept(state: PlanState, one: Grid, other: Grid, start: Floats, end: Floats) -> tuple[Grid, Grid, Ints]:
    """Return taker, loser and the loser's cells that their common border passes when it is dragged.

    Parameters
    ----------
    state
        The plan.
    one, other
        The two grids.
    start, end
        Metric points: from where to where.

    Raises
    ------
    InputError
        They are no neighbours, or the border passes no cell's point.
    """
    border = shapely.multilinestrings(common_border(state, one, other))
    shapely.prepare(border)
    step = end - start
    found: list[tuple[float, Grid, Grid, Ints]] = []
    polygons = state.polygons([one.key, other.key])
    for taker, loser, theirs in ((one, other, polygons[1]), (other, one, polygons[0])):
        rows = state.cells_of(loser.key)
        points = state.fabric.xy[state.fabric.leader[rows]]
        passed = shapely.intersects(border, shapely.linestrings(np.stack([points - step, points], axis=1)))
        aimed = shapely.contains_xy(theirs, *end)
        weight = float(state.fabric.area_m2[rows[passed]].sum()) * (1e6 if aimed else 1.0)
        found.append((weight, taker, loser, rows[passed]))
    weight, taker, loser, rows = max(found, key=lambda each: each[0])
    if not len(rows):
        raise InputError(
            "边界移动的距离内没有楼栋或空地的中心，没有变化。请拖得更远。",
            "The border passes no building and no open land on its way; nothing changes. Drag it farther.",
        )
    if len(rows) == len(state.cells_of(loser.key)):
        raise InputError(
            f"这样移动后网格 {loser.label} 不剩土地。如要合为一个，请用合并。",
            f"Grid {loser.label} would have no land left. To make them one, merge them.",
        )
    return taker, loser, rows
