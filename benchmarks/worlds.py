"""Made-up worlds for benchmarks of locating: grids that share street-like borders, and points as people send them.

Grids are relaxed Voronoi cells of a county of 40 × 30 km, in degrees; each border between two of them is bent at
random and has the same vertices on both sides. 70 of 100 points lie in clusters, 2 within a metre of a border.
"""

from __future__ import annotations

import itertools
from functools import cache

import numpy as np
import numpy.typing as npt
import scipy.spatial
import shapely

WEST, SOUTH, WIDTH, HEIGHT = 113.31, 36.07, 0.44, 0.27
CORNER = np.array([WEST, SOUTH])
_METRE = 1 / 111_320
HALVINGS = 5
BEND = 0.13
CLUSTERED, NEAR = 0.70, 0.02

Floats = npt.NDArray[np.float64]


@cache
def grids(count: int) -> npt.NDArray[np.object_]:
    """Return ``count`` polygons in EPSG:4326 that tile the county; 192 vertices each in the mean."""
    rng = np.random.default_rng(count)
    seeds = rng.random((count, 2)) * [WIDTH, HEIGHT]
    for _ in range(3):  # Lloyd
        ring, vertices = _voronoi(seeds)
        seeds = np.array([vertices[r].mean(axis=0) for r in ring])
    ring, vertices = _voronoi(seeds)
    sides = np.concatenate([np.column_stack([r, np.roll(r, -1)]) for r in ring])
    edges, of_side = np.unique(np.sort(sides, axis=1), axis=0, return_inverse=True)
    bend = np.full(len(edges), BEND)
    on_rim = np.isclose(vertices[edges][:, 0], vertices[edges][:, 1]).any(axis=1) & _rim(vertices[edges]).all(axis=1)
    bend[on_rim] = 0
    noise = [rng.standard_normal((len(edges), 2**level)) for level in range(HALVINGS)]
    first = np.concatenate([[0], np.cumsum([len(r) for r in ring])])
    while True:
        lines = _bent(vertices[edges], bend, noise)
        polygons = np.empty(count, dtype=object)
        for i, (low, high) in enumerate(itertools.pairwise(first)):
            pieces = [
                lines[e] if edges[e, 0] == a else lines[e][::-1]
                for e, a in zip(of_side[low:high], sides[low:high, 0], strict=True)
            ]
            xy = np.concatenate([p[:-1] for p in pieces])
            polygons[i] = shapely.polygons(np.concatenate([xy, xy[:1]]) + CORNER)
        wrong = np.flatnonzero(~shapely.is_valid(polygons))
        if not len(wrong) and shapely.coverage_is_valid(polygons):
            return polygons
        bad = ~shapely.is_valid(polygons) | (shapely.length(shapely.coverage_invalid_edges(polygons)) > 0)
        for i in np.flatnonzero(bad):
            bend[of_side[first[i] : first[i + 1]]] /= 2


def _voronoi(seeds: Floats) -> tuple[list[npt.NDArray[np.int64]], Floats]:
    """Return the ring of vertices of each seed within the box: mirrored seeds make its sides straight."""
    mirrored = [seeds]
    for axis, size in ((0, WIDTH), (1, HEIGHT)):
        for side in (0.0, size):
            other = seeds.copy()
            other[:, axis] = 2 * side - other[:, axis]
            mirrored.append(other)
    diagram = scipy.spatial.Voronoi(np.concatenate(mirrored))
    rings = [np.array(diagram.regions[diagram.point_region[i]]) for i in range(len(seeds))]
    vertices = diagram.vertices.copy()
    for axis, size in ((0, WIDTH), (1, HEIGHT)):
        for side in (0.0, size):
            vertices[np.abs(vertices[:, axis] - side) < 1e-9, axis] = side
    return rings, vertices


def _rim(ends: Floats) -> npt.NDArray[np.bool_]:
    return ((ends == 0) | (ends == [WIDTH, HEIGHT])).any(axis=2)


def _bent(ends: Floats, bend: Floats, noise: list[Floats]) -> Floats:
    """Halve all edges again and again, moving each middle aside; shape (edges, 2 ** HALVINGS + 1, 2)."""
    xy = ends
    for aside in noise:
        step = np.diff(xy, axis=1)
        middle = (xy[:, :-1] + xy[:, 1:]) / 2
        normal = np.stack([-step[..., 1], step[..., 0]], axis=2)
        middle = middle + normal * (aside * bend[:, None])[..., None]
        finer = np.empty((len(xy), 2 * xy.shape[1] - 1, 2))
        finer[:, ::2], finer[:, 1::2] = xy, middle
        xy = finer
    return xy


def points(polygons: npt.NDArray[np.object_], count: int, *, seed: int = 0) -> Floats:
    """Return points, shape (count, 2), in EPSG:4326 and in no order."""
    rng = np.random.default_rng(seed)
    near, clustered = round(count * NEAR), round(count * CLUSTERED)
    centres = rng.random((200, 2)) * [WIDTH, HEIGHT]
    crowd = centres[rng.integers(0, 200, clustered)] + rng.standard_normal((clustered, 2)) * 0.006
    crowd = np.abs(crowd)
    crowd = np.where(crowd > [WIDTH, HEIGHT], 2 * np.array([WIDTH, HEIGHT]) - crowd, crowd)
    anywhere = rng.random((count - near - clustered, 2)) * [WIDTH, HEIGHT]
    rims = shapely.boundary(polygons[rng.integers(0, len(polygons), near)])
    beside = shapely.get_coordinates(shapely.line_interpolate_point(rims, rng.random(near), normalized=True))
    beside += rng.uniform(-0.7, 0.7, (near, 2)) * _METRE
    xy = np.concatenate([np.concatenate([crowd, anywhere]) + CORNER, beside])
    return xy[rng.permutation(count)]
