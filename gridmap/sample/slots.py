"""Places where a building could stand: rows inside blocks and strips along streets, tested against the ground."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array

from gridmap.sample.fabric import Fabric, Ints, Streets
from gridmap.sample.ground import Floats

#: Metres that a wall keeps from the middle of a street of each class.
CLEARANCE = {
    "primary": 19.0,
    "secondary": 16.0,
    "tertiary": 12.0,
    "unclassified": 8.0,
    "residential": 8.5,
    "living_street": 6.0,
    "service": 5.0,
    "pedestrian": 3.2,
    "track": 4.0,
    "footway": 3.0,
}
BORDER_GAP = 2.5
#: So many outlines are made at once: of hundreds of thousands most do not fit.
AT_ONCE = 20_000


@dataclass(slots=True)
class Slots:
    """Rectangles where a building could stand, with the block, the row and column in it, and the angle."""

    middle: Floats
    angle: Floats
    length: Floats
    depth: Floats
    block: Ints
    row: Ints
    column: Ints

    def take(self, keep: Ints | NDArray[np.bool_]) -> Slots:
        """Return some of the slots."""
        return Slots(
            self.middle[keep],
            self.angle[keep],
            self.length[keep],
            self.depth[keep],
            self.block[keep],
            self.row[keep],
            self.column[keep],
        )

    def outlines(self) -> NDArray[np.object_]:
        """Return the rectangles as polygons, rounded to centimetres."""
        return rectangles(self.middle, self.angle, self.length, self.depth)

    def __len__(self) -> int:
        return len(self.block)


def rectangles(middle: Floats, angle: Floats, length: Floats, depth: Floats) -> NDArray[np.object_]:
    """Return rectangles from their middles (n, 2), angles in radians and sides in metres."""
    if len(middle) == 0:
        return np.array([], dtype=object)
    along = np.column_stack([np.cos(angle), np.sin(angle)]) * (length / 2)[:, None]
    across = np.column_stack([-np.sin(angle), np.cos(angle)]) * (depth / 2)[:, None]
    corners = np.stack(
        [middle - along - across, middle + along - across, middle + along + across, middle - along + across],
        axis=1,
    )
    ring = np.concatenate([corners, corners[:, :1]], axis=1)
    return np.asarray(shapely.polygons(np.round(ring, 2)), dtype=object)


def join(parts: list[Slots]) -> Slots:
    """Put slots together."""
    if not parts:
        none = np.zeros(0)
        empty = np.zeros(0, dtype=np.intp)
        return Slots(np.zeros((0, 2)), none, none, none, empty, empty, empty)
    return Slots(*(np.concatenate([getattr(p, name) for p in parts]) for name in Slots.__dataclass_fields__))


def rows_in(
    block: shapely.Polygon,
    index: int,
    angle: float,
    *,
    length: float,
    depth: float,
    gap: float,
    pitch: float,
    margin: float = 8.0,
) -> Slots:
    """Lay rows of equal buildings into the box around a block, ``gap`` metres apart, rows ``pitch`` apart."""
    ring = np.asarray(block.exterior.coords)
    cos, sin = np.cos(angle), np.sin(angle)
    x, y = ring[:, 0] * cos + ring[:, 1] * sin, -ring[:, 0] * sin + ring[:, 1] * cos
    width, height = np.ptp(x) - 2 * margin, np.ptp(y) - 2 * margin
    step = length + gap
    columns, rows = int((width + gap) // step), int((height + pitch - depth) // pitch)
    if columns < 1 or rows < 1:
        return join([])
    x0 = x.min() + margin + (width - (columns * step - gap)) / 2 + length / 2
    y0 = y.min() + margin + (height - (rows * pitch - pitch + depth)) / 2 + depth / 2
    c, r = (grid.ravel() for grid in np.meshgrid(np.arange(columns), np.arange(rows)))
    px, py = x0 + c * step, y0 + r * pitch
    middle = np.column_stack([px * cos - py * sin, px * sin + py * cos])
    n = len(c)
    return Slots(
        middle,
        np.full(n, angle),
        np.full(n, length),
        np.full(n, depth),
        np.full(n, index, dtype=np.intp),
        r.astype(np.intp),
        c.astype(np.intp),
    )


class Site:
    """What is fixed on the ground: blocks, streets, water, railway; says which slots are free of them."""

    def __init__(self, fabric: Fabric, barriers: NDArray[np.object_]) -> None:
        self._room = shapely.buffer(fabric.blocks, -BORDER_GAP)
        self._room[fabric.strip] = shapely.Polygon()
        shapely.prepare(self._room)
        self._streets = {
            highway: shapely.STRtree(fabric.streets.geometry[fabric.streets.highway == highway])
            for highway in CLEARANCE
            if (fabric.streets.highway == highway).any()
        }
        self._all = shapely.STRtree(fabric.streets.geometry)
        self._barriers = shapely.STRtree(barriers)
        self._ways: list[shapely.STRtree] = []

    def keep_free(self, ways: list[Floats]) -> None:
        """Keep ways inside estates and parks free of what is built from now on."""
        if ways:
            self._ways.append(shapely.STRtree([shapely.LineString(w) for w in ways]))

    def fits(self, slots: Slots, *, extra: float = 0.0) -> NDArray[np.bool_]:
        """Return which slots lie inside their block and clear of streets, water and railway."""
        ok = np.zeros(len(slots), dtype=bool)
        # A slot that fits has its middle inside: most do not, and need no outline.
        on = np.flatnonzero(shapely.contains_xy(self._room[slots.block], slots.middle[:, 0], slots.middle[:, 1]))
        nearby = [(tree, CLEARANCE[highway] + extra) for highway, tree in self._streets.items()]
        nearby += [(self._barriers, 18.0), *((ways, 2.0) for ways in self._ways)]
        for first in range(0, len(on), AT_ONCE):
            some = on[first : first + AT_ONCE]
            outlines = slots.take(some).outlines()
            free = np.asarray(shapely.contains_properly(self._room[slots.block[some]], outlines))
            for tree, metres in nearby:
                left = np.flatnonzero(free)
                hit = tree.query(outlines[left], predicate="dwithin", distance=metres)[0]
                free[left[np.unique(hit)]] = False
            ok[some[free]] = True
        return ok

    def within_reach(self, points: NDArray[np.object_], metres: float) -> NDArray[np.bool_]:
        """Return which points are at most so far from a street."""
        out = np.zeros(len(points), dtype=bool)
        if len(points):
            out[self._all.query_nearest(points, max_distance=metres, all_matches=False)[0]] = True
        return out


def apart(outlines: NDArray[np.object_], gap: float, *, fixed: NDArray[np.object_]) -> NDArray[np.bool_]:
    """Choose outlines in order so that no two are nearer than ``gap``, nor nearer than that to fixed ones."""
    ok = np.ones(len(outlines), dtype=bool)
    if len(outlines) == 0:
        return ok
    if len(fixed):
        hit = shapely.STRtree(fixed).query(outlines, predicate="dwithin", distance=gap)[0]
        ok[np.unique(hit)] = False
    on = np.flatnonzero(ok)
    a, b = shapely.STRtree(outlines[on]).query(outlines[on], predicate="dwithin", distance=gap)
    a, b = on[a[a < b]], on[b[a < b]]
    table = coo_array((np.ones(len(a), dtype=bool), (a, b)), shape=(len(outlines), len(outlines))).tocsr()
    for k in np.unique(a):
        if ok[k]:
            ok[table.indices[table.indptr[k] : table.indptr[k + 1]]] = False
    return ok


def along_streets(
    streets: Streets,
    blocks: NDArray[np.object_],
    rng: np.random.Generator,
    *,
    classes: tuple[str, ...],
    length: tuple[float, float],
    depth: float,
    gap: tuple[float, float],
    setback: float = 1.5,
) -> Slots:
    """Return strips on both sides of streets of some classes, as shops stand."""
    parts: list[Slots] = []
    tree = shapely.STRtree(blocks)
    for highway in classes:
        lines = streets.geometry[(streets.highway == highway) & ~streets.bridge & ~streets.tunnel]
        if len(lines) == 0:
            continue
        lengths = shapely.length(lines)
        middles, angles, sizes = [], [], []
        for line, total in zip(lines, lengths, strict=True):
            at = 14.0
            while at + length[1] < total - 8:
                size = rng.uniform(*length)
                p, q = shapely.get_coordinates(shapely.line_interpolate_point(line, np.array([at, at + size])))
                d = (q - p) / max(1e-6, float(np.hypot(*(q - p))))
                side = np.array([-d[1], d[0]])
                off = CLEARANCE[highway] + setback + depth / 2
                for s in (-1, 1):
                    middles.append(0.5 * (p + q) + s * off * side)
                    angles.append(float(np.arctan2(d[1], d[0])))
                    sizes.append(float(np.hypot(*(q - p))))
                at += size + rng.uniform(*gap)
        if not middles:
            continue
        middle = np.array(middles)
        point, block = tree.query(shapely.points(middle), predicate="within")
        n = len(point)
        parts.append(
            Slots(
                middle[point],
                np.array(angles)[point],
                np.array(sizes)[point],
                np.full(n, depth),
                block.astype(np.intp),
                np.zeros(n, dtype=np.intp),
                np.zeros(n, dtype=np.intp),
            )
        )
    return join(parts)
