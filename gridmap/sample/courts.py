"""The inside of estates: ways between the rows, gates, walls."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import shapely
from numpy.typing import NDArray

from gridmap.sample.fabric import Fabric, Ints
from gridmap.sample.ground import Floats
from gridmap.sample.slots import Slots

#: Smaller blocks belong to their estate whole; in larger ones it is the land around its buildings.
WHOLE_BLOCK = 36_000.0
FEWEST_BUILDINGS = 3
WAY_OFF = 4.5
WALL_OFF = 3.0


@dataclass(slots=True)
class Court:
    """An estate: its block and buildings, its land, the ways inside, and where they meet a street.

    ``meets`` (k, 2) are places on a street; ``gates`` (k, 2) where the ways pass the outline of the land.
    """

    block: int
    members: Ints
    land: shapely.Polygon
    ways: list[Floats]
    meets: Floats
    gates: Floats
    walled: bool = False


def estate_land(fabric: Fabric, block: int, outlines: NDArray[np.object_]) -> shapely.Polygon:
    """Return the land of an estate: its block without the street space, or what surrounds its buildings."""
    inner = shapely.buffer(fabric.blocks[block], -6.5, join_style="mitre")
    if fabric.blocks[block].area > WHOLE_BLOCK or inner.is_empty:
        hull = shapely.oriented_envelope(shapely.multipolygons(list(outlines)))
        inner = shapely.intersection(
            shapely.buffer(hull, 14.0, join_style="mitre"),
            shapely.buffer(fabric.blocks[block], -3.0, join_style="mitre"),
        )
    inner = shapely.union_all([inner, *shapely.buffer(outlines, WALL_OFF, join_style="mitre")])
    inner = shapely.intersection(inner, shapely.buffer(fabric.blocks[block], -1.0, join_style="mitre"))
    land = max(shapely.get_parts(inner), key=lambda p: p.area)
    return shapely.Polygon(np.round(np.asarray(land.exterior.coords), 2))


def lay_out(fabric: Fabric, slots: Slots, group: Ints, storeys_kind: NDArray[np.object_]) -> list[Court]:
    """Lay ways and gates into every estate that has room for them.

    ``group[b]`` is the block whose estate building b belongs to, or -1; ``storeys_kind[b]`` its kind.
    """
    outlines = slots.outlines()
    everything = shapely.STRtree(outlines)
    lines = fabric.streets.geometry[~fabric.streets.bridge & ~fabric.streets.tunnel]
    streets = shapely.STRtree(lines)
    courts = []
    for block in np.unique(group[group >= 0]):
        members = np.flatnonzero(group == block)
        if len(members) < 2:  # noqa: PLR2004
            continue
        land = estate_land(fabric, int(block), outlines[members])
        court = Court(int(block), members, land, [], np.zeros((0, 2)), np.zeros((0, 2)))
        if len(members) >= FEWEST_BUILDINGS and storeys_kind[members[0]] in {"slab", "tower"}:
            _lay_ways(court, fabric.blocks[block], slots.take(members), everything, streets)
        courts.append(court)
    return courts


def _lay_ways(
    court: Court, block: shapely.Polygon, slots: Slots, everything: shapely.STRtree, streets: shapely.STRtree
) -> None:
    angle = float(slots.angle[0])
    cos, sin = np.cos(angle), np.sin(angle)
    turn = np.array([[cos, -sin], [sin, cos]])
    local = slots.middle @ turn
    half, depth = float(slots.length[0]) / 2, float(slots.depth[0]) / 2
    shapely.prepare(block)
    for x in _spines(local[:, 0], half):
        ends = _ends(block, x, local, turn, streets)
        if not ends:
            continue
        ways = _ways(x, local, slots.row, half, depth, turn)
        for chosen in (ends, ends[:1], ends[1:]):
            spine = np.array(
                [p for _, p in sorted([*((y, joint) for y, joint, _ in ways), *chosen], key=lambda e: e[0])]
            )
            if len(chosen) and _free(spine, block, everything):
                kept = [points for _, _, points in ways if _free(points, block, everything)]
                if not kept:
                    continue
                court.ways = [spine, *kept]
                court.meets = np.array([place for _, place in chosen])
                court.gates = _gates(court)
                return


def _spines(x: Floats, half: float) -> list[float]:
    """Return where a way across the rows could run: between columns, else beside them."""
    columns = np.unique(np.round(x, 1))
    between = [float(0.5 * (a + b)) for a, b in pairwise(columns) if b - a > 2 * half + 7]
    middle = float(np.median(x))
    between.sort(key=lambda c: (round(abs(c - middle), 1), c))
    return [*between, float(columns[0] - half - 6.0), float(columns[-1] + half + 6.0)]


def _ends(
    block: shapely.Polygon, x: float, local: Floats, turn: Floats, streets: shapely.STRtree
) -> list[tuple[float, Floats]]:
    """Return where the line at ``x`` meets a street on the border of the block: (y, place), nearest first."""
    low, high = float(local[:, 1].min()), float(local[:, 1].max())
    line = shapely.LineString(np.array([[x, low - 500], [x, high + 500]]) @ turn.T)
    out = []
    for part in shapely.get_parts(shapely.intersection(line, block)):
        if part.geom_type != "LineString":
            continue
        y = np.sort(np.asarray(part.coords) @ turn[:, 1])
        if y[0] > low or y[-1] < high:
            continue
        for at, inside in ((float(y[0]), low), (float(y[-1]), high)):
            place = np.round(np.array([x, at]) @ turn.T, 2)
            hit, distance = streets.query_nearest(shapely.Point(place), return_distance=True, all_matches=False)
            if len(hit) and distance[0] < 0.05 and abs(at - inside) < 90:  # noqa: PLR2004
                out.append((at, place, abs(at - inside)))
    out.sort(key=lambda e: e[2])
    return [(y, place) for y, place, _ in out]


def _ways(
    x: float, local: Floats, row: Ints, half: float, depth: float, turn: Floats
) -> list[tuple[float, Floats, Floats]]:
    """Return a way along the north side of every row: its y, where it meets the spine, its points."""
    out = []
    for r in np.unique(row):
        here = local[row == r]
        y = float(here[:, 1].mean()) + depth + WAY_OFF
        left, right = float(here[:, 0].min()) - half + 3, float(here[:, 0].max()) + half - 3
        joint = np.round(np.array([x, y]) @ turn.T, 2)
        stops = [np.round(np.array([s, y]) @ turn.T, 2) for s in (left, right)]
        points = [*([stops[0]] if left < x - 1 else []), joint, *([stops[1]] if right > x + 1 else [])]
        if len(points) > 1:
            out.append((y, joint, np.array(points)))
    return out


def _free(points: Floats, block: shapely.Polygon, everything: shapely.STRtree) -> bool:
    line = shapely.LineString(points)
    near = everything.query(line, predicate="dwithin", distance=1.6)
    return len(near) == 0 and shapely.length(shapely.difference(line, block)) < 0.05  # noqa: PLR2004


def _gates(court: Court) -> Floats:
    """Return where the spine passes the outline of the land, next to each place where it meets a street."""
    ring = shapely.get_exterior_ring(court.land)
    crossing = shapely.get_parts(shapely.intersection(ring, shapely.LineString(court.ways[0])))
    points = shapely.get_coordinates(crossing)
    if len(points) == 0:
        return court.meets.copy()
    return np.array([points[int(np.argmin(np.hypot(*(points - m).T)))] for m in court.meets])


def choose_walled(courts: list[Court], kinds: list[str], count: int) -> None:
    """Wall the largest estates that have ways; ``kinds`` are their types."""
    able = [c for c, kind in zip(courts, kinds, strict=True) if c.ways and kind != "village_built"]
    able.sort(key=lambda c: (-len(c.members), c.block))
    for court in able[:count]:
        court.walled = True


def wall_instead(courts: list[Court], chosen: int) -> None:
    """Wall one estate, and no longer the smallest of the others, so that their number stays."""
    if courts[chosen].walled:
        return
    walled = [c for c in courts if c.walled]
    if walled:
        min(walled, key=lambda c: (len(c.members), c.block)).walled = False
    courts[chosen].walled = True


def hill_paths(block: shapely.Polygon, meets: Floats, rng: np.random.Generator) -> list[Floats]:
    """Return footpaths that wind up a hill from a street: two rings around the top and the way to them."""
    top = np.asarray(block.representative_point().coords)[0]
    room = float(shapely.Point(top).distance(block.boundary))
    paths = []
    angle = np.linspace(0, 2 * np.pi, 36, endpoint=False)
    start = float(np.arctan2(*(meets - top)[::-1]))
    ring_points = []
    for share in (0.35, 0.72):
        r = (
            room
            * share
            * (1 + 0.12 * np.sin(3 * angle + rng.uniform(0, 6)) + 0.08 * np.sin(5 * angle + rng.uniform(0, 6)))
        )
        ring = np.round(top + np.column_stack([r * np.cos(angle + start), r * np.sin(angle + start)]), 2)
        ring_points.append(ring[0])
        paths.append(np.vstack([ring, ring[:1]]))
    inner, outer = ring_points
    for a, b in ((np.round(meets, 2), outer), (outer, inner), (inner, np.round(top, 2))):
        d = b - a
        side = np.array([-d[1], d[0]])
        bend = np.round(a + 0.5 * d + rng.uniform(-0.12, 0.12) * side, 2)
        paths.append(np.vstack([a, bend, b]))
    return paths
