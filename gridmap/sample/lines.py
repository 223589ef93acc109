"""Lines of the plan: streets, borders and walls, gathered with what they are before they are noded."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import shapely
from numpy.typing import NDArray

from gridmap.sample.ground import Floats

#: A line that is only a border or a wall, no street.
NOTHING = ""
SNAP = 0.01
#: How far cuts reach beyond the shape that they cut, in metres.
BEYOND = 0.05

#: Street classes from the highest to the lowest; at equal places the higher one gives the class.
CLASSES = (
    "primary",
    "secondary",
    "tertiary",
    "unclassified",
    "residential",
    "living_street",
    "service",
    "pedestrian",
    "track",
    "footway",
    NOTHING,
)


@dataclass(slots=True)
class Lines:
    """Source lines on the plan with class, name key and flags, in the order in which they were added."""

    geometry: list[shapely.LineString] = field(default_factory=list)
    highway: list[str] = field(default_factory=list)
    key: list[str] = field(default_factory=list)
    bridge: list[bool] = field(default_factory=list)
    tunnel: list[bool] = field(default_factory=list)

    def add(
        self, points: Iterable[object], highway: str, key: str, *, bridge: bool = False, tunnel: bool = False
    ) -> None:
        """Add a line through plan points."""
        line = points if isinstance(points, shapely.LineString) else shapely.LineString(list(points))
        if line.length < SNAP:
            return
        self.geometry.append(line)
        self.highway.append(highway)
        self.key.append(key)
        self.bridge.append(bridge)
        self.tunnel.append(tunnel)

    def extend(self, other: Lines) -> None:
        """Add all lines of another gathering."""
        for name in ("geometry", "highway", "key", "bridge", "tunnel"):
            getattr(self, name).extend(getattr(other, name))


@dataclass(frozen=True)
class Noded:
    """The plan cut at every crossing: edges with the source they came from, and the faces between them."""

    edges: NDArray[np.object_]
    source: NDArray[np.intp]
    faces: NDArray[np.object_]


def node(lines: Lines) -> Noded:
    """Cut all lines at their crossings; faces come sorted by place, so that every run has the same order."""
    geometry = np.array(lines.geometry, dtype=object)
    noded = shapely.union_all(geometry, grid_size=SNAP)
    edges = _without_stubs(shapely.from_wkb(shapely.to_wkb(shapely.get_parts(noded))))
    middle = shapely.line_interpolate_point(edges, 0.5, normalized=True)
    rank = np.array([CLASSES.index(h) for h in lines.highway])
    tree = shapely.STRtree(geometry)
    edge, source = tree.query(middle, predicate="dwithin", distance=3 * SNAP)
    order = np.lexsort((source, rank[source], edge))
    edge, source = edge[order], source[order]
    first = np.concatenate([[True], edge[1:] != edge[:-1]])
    found = np.full(len(edges), -1, dtype=np.intp)
    found[edge[first]] = source[first]
    keep = found >= 0
    edges, found = edges[keep], found[keep]
    order = np.lexsort(place_key(edges))
    edges, found = edges[order], found[order]
    faces = shapely.get_parts(shapely.polygonize(edges))
    faces = faces[np.lexsort(place_key(faces))]
    return Noded(edges, found, faces)


def _without_stubs(edges: NDArray[np.object_]) -> NDArray[np.object_]:
    """Take off the ends that cuts have beyond the line that they meet."""
    ends = np.vstack([shapely.get_coordinates(shapely.get_point(edges, k)) for k in (0, -1)])
    _, at, count = np.unique(np.round(ends / SNAP).astype(np.int64), axis=0, return_inverse=True, return_counts=True)
    loose = (count[at.reshape(-1)] == 1).reshape(2, -1).any(axis=0)
    return np.asarray(edges[~(loose & (shapely.length(edges) < 4 * BEYOND))], dtype=object)


def place_key(shapes: NDArray[np.object_]) -> tuple[Floats, Floats, Floats]:
    """Return keys for ``lexsort`` that order shapes by their place alone."""
    middle = shapely.centroid(shapes)
    size = np.round(np.where(shapely.area(shapes) > 0, shapely.area(shapes), shapely.length(shapes)), 1)
    return size, np.round(shapely.get_y(middle), 1), np.round(shapely.get_x(middle), 1)


def rough(
    start: tuple[float, float],
    end: tuple[float, float],
    rng: np.random.Generator,
    *,
    swing: float = 0.09,
    step: float = 120.0,
) -> Floats:
    """Return a wandering line between two points, by repeated displacement of middles.

    ``swing`` is the displacement as a share of the length, ``step`` the length in metres at which it ends.
    """
    points = np.array([start, end], dtype=float)
    length = float(np.hypot(*(points[1] - points[0])))
    while length > step:
        a, b = points[:-1], points[1:]
        d = b - a
        shift = rng.uniform(-swing, swing, len(d))[:, None] * np.column_stack([-d[:, 1], d[:, 0]])
        middle = 0.5 * (a + b) + shift
        out = np.empty((len(a) * 2 + 1, 2))
        out[0::2] = points
        out[1::2] = middle
        points = out
        length /= 2
    return points


def halves(shape: shapely.Polygon, point: Floats, along: Floats) -> tuple[shapely.Geometry, shapely.Geometry]:
    """Cut a shape by the straight line through ``point`` in direction ``along``: left and right part."""
    west, south, east, north = shape.bounds
    reach = 2 * (east - west + north - south) + 10
    d = along / np.hypot(*along)
    n = np.array([-d[1], d[0]])
    a, b = point - reach * d, point + reach * d
    left = shapely.Polygon([a, b, b + reach * n, a + reach * n])
    right = shapely.Polygon([a, b, b - reach * n, a - reach * n])
    return shapely.intersection(shape, left), shapely.intersection(shape, right)


def chord(shape: shapely.Polygon, point: Floats, along: Floats) -> list[shapely.LineString]:
    """Return the parts of the straight line through ``point`` that lie inside the shape.

    They reach a little beyond it, so that noding finds the crossing and not a near miss.
    """
    west, south, east, north = shape.bounds
    reach = 2 * (east - west + north - south) + 10
    d = along / np.hypot(*along)
    inside = shapely.intersection(shapely.LineString([point - reach * d, point + reach * d]), shape)
    parts = [np.asarray(g.coords) for g in shapely.get_parts(inside) if g.geom_type == "LineString" and g.length > 0]
    return [
        shapely.LineString(
            [p[0] - np.sign((p[-1] - p[0]) @ d) * BEYOND * d, p[-1] + np.sign((p[-1] - p[0]) @ d) * BEYOND * d]
        )
        for p in parts
    ]
