"""The fabric on the ground: street edges, blocks, and which leaf grid each block belongs to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from gridmap.sample.country import CountryPlan
from gridmap.sample.ground import RAIL_STRIP, RIVER_STRIP, Floats, Ground
from gridmap.sample.lines import NOTHING, Lines, node
from gridmap.sample.townplan import TownPlan

Ints = NDArray[np.intp]


@dataclass(slots=True)
class Streets:
    """Edges of the street network on the ground, with class, name key and flags; not yet named."""

    geometry: NDArray[np.object_]
    highway: NDArray[np.object_]
    key: NDArray[np.object_]
    bridge: NDArray[np.bool_]
    tunnel: NDArray[np.bool_]

    def take(self, keep: Ints | NDArray[np.bool_]) -> Streets:
        """Return some of the edges."""
        return Streets(self.geometry[keep], self.highway[keep], self.key[keep], self.bridge[keep], self.tunnel[keep])


@dataclass(slots=True)
class Fabric:
    """Blocks (polygons that tile the county) with their leaf, and what each leaf is like.

    ``block_leaf[b]`` is the leaf of block b; leaves 0 … n_town - 1 lie in the town, the others are
    villagers' groups. ``strip`` marks blocks between river or railway and the road along it, where
    nothing is built. ``pairs`` are neighbouring blocks with the length of their common border in metres.
    """

    blocks: NDArray[np.object_]
    block_leaf: Ints
    leaf_zone: list[str]
    leaf_unit: Ints
    leaf_village: Ints
    pairs: Ints
    shared: Floats
    streets: Streets
    heading: Floats
    strip: NDArray[np.bool_]

    @property
    def n_leaves(self) -> int:
        """How many leaves there are."""
        return len(self.leaf_zone)


def adjacency(faces: NDArray[np.object_]) -> tuple[Ints, Floats]:
    """Return pairs of faces that share border segments, (n, 2) with i < j, and the shared length in metres.

    The faces must come from one noded set of lines: common borders have common vertices.
    """
    rings, owner = shapely.get_rings(faces, return_index=True)
    points, ring = shapely.get_coordinates(rings, return_index=True)
    same = ring[1:] == ring[:-1]
    a, b = points[:-1][same], points[1:][same]
    face = owner[ring[1:][same]]
    cm = np.round(np.hstack([a, b]) * 100).astype(np.int64)
    swap = (cm[:, 0] > cm[:, 2]) | ((cm[:, 0] == cm[:, 2]) & (cm[:, 1] > cm[:, 3]))
    cm[swap] = cm[swap][:, [2, 3, 0, 1]]
    length = np.hypot(*(b - a).T)
    order = np.lexsort(cm.T)
    cm, face, length = cm[order], face[order], length[order]
    twin = np.flatnonzero((cm[1:] == cm[:-1]).all(axis=1))
    i, j = face[twin], face[twin + 1]
    low, high = np.minimum(i, j), np.maximum(i, j)
    keep = low != high
    low, high, length = low[keep], high[keep], length[twin][keep]
    code = low.astype(np.int64) * len(faces) + high
    unique, inverse = np.unique(code, return_inverse=True)
    total = np.bincount(inverse, weights=length, minlength=len(unique)).astype(np.float64)
    return np.column_stack([unique // len(faces), unique % len(faces)]).astype(np.intp), total


def components(n: int, pairs: Ints) -> Ints:
    """Return the connected component of each of ``n`` things."""
    data = np.ones(len(pairs))
    graph = coo_array((data, (pairs[:, 0], pairs[:, 1])), shape=(n, n))
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.intp)


def whole(label: Ints, pairs: Ints, shared: Floats, weight: Floats, kind: Ints) -> Ints:
    """Hand the smaller pieces of labels that fell apart to a neighbour of the same kind.

    ``kind[label]`` keeps town and country apart.
    """
    label = label.copy()
    for _ in range(20):
        inside = pairs[label[pairs[:, 0]] == label[pairs[:, 1]]]
        piece = components(len(label), inside)
        size = np.bincount(piece, weights=weight)
        piece_label = np.zeros(len(size), dtype=np.intp)
        piece_label[piece] = label
        order = np.lexsort((np.arange(len(size)), -size, piece_label))
        main = np.concatenate([[True], piece_label[order][1:] != piece_label[order][:-1]])
        lost = np.zeros(len(size), dtype=bool)
        lost[order[~main]] = True
        if not lost.any():
            return label
        moved = False
        for p in np.flatnonzero(lost):
            members = np.flatnonzero(piece == p)
            touching = np.isin(pairs, members)
            across = touching.sum(axis=1) == 1
            other = np.where(touching[across, 0], pairs[across, 1], pairs[across, 0])
            ok = kind[label[other]] == kind[piece_label[p]]
            if not ok.any():
                ok[:] = True
            if not ok.any():
                continue
            best = np.bincount(label[other[ok]], weights=shared[across][ok])
            label[members] = int(np.argmax(best))
            moved = True
        if not moved:
            return label
    return label


def weave(ground: Ground, town: TownPlan, country: CountryPlan) -> Fabric:
    """Cut the plan into blocks, carry it to the ground, and say whose each block is."""
    lines = Lines()
    lines.extend(town.lines)
    lines.extend(country.lines)
    noded = node(lines)
    shapes = [p.shape for p in town.parts] + [g.shape for g in country.groups]
    inner = shapely.point_on_surface(noded.faces)
    tree = shapely.STRtree(shapes)
    face, leaf = tree.query(inner, predicate="intersects")
    label = np.full(len(noded.faces), -1, dtype=np.intp)
    label[face[::-1]] = leaf[::-1]
    missing = np.flatnonzero(label < 0)
    if len(missing):
        label[missing] = tree.nearest(inner[missing])
    blocks = ground.bent(noded.faces)
    pairs, shared = adjacency(blocks)
    kind = np.array([0] * len(town.parts) + [1] * len(country.groups))
    label = whole(label, pairs, shared, shapely.area(blocks), kind)
    middle = shapely.centroid(noded.faces)
    heading = ground.heading(np.column_stack([shapely.get_x(middle), shapely.get_y(middle)]))
    return Fabric(
        blocks=blocks,
        block_leaf=label,
        leaf_zone=[p.zone for p in town.parts] + ["village"] * len(country.groups),
        leaf_unit=np.array([p.superblock for p in town.parts] + [-1] * len(country.groups), dtype=np.intp),
        leaf_village=np.array([-1] * len(town.parts) + [g.village for g in country.groups], dtype=np.intp),
        pairs=pairs,
        shared=shared,
        streets=_streets(lines, noded.edges, noded.source, ground),
        heading=heading,
        strip=_in_strip(noded.faces, ground),
    )


def _in_strip(faces: NDArray[np.object_], ground: Ground) -> NDArray[np.bool_]:
    """Return which faces of the plan lie wholly in the strips along river and railway."""
    bounds = shapely.bounds(faces)
    out = np.zeros(len(faces), dtype=bool)
    for v, half in ((ground.river_v, RIVER_STRIP), (ground.rail_v, RAIL_STRIP)):
        out |= (bounds[:, 1] > v - half - 1) & (bounds[:, 3] < v + half + 1)
    return out


def _streets(lines: Lines, edges: NDArray[np.object_], source: Ints, ground: Ground) -> Streets:
    """Return the edges that are streets and hang together, on the ground."""
    highway = np.array(lines.highway, dtype=object)[source]
    streets = Streets(
        edges,
        highway,
        np.array(lines.key, dtype=object)[source],
        np.array(lines.bridge)[source],
        np.array(lines.tunnel)[source],
    ).take(highway != NOTHING)
    streets.geometry = ground.bent(streets.geometry)
    return connected(streets)


def connected(streets: Streets) -> Streets:
    """Keep the largest part of the network that hangs together."""
    ends = np.vstack([shapely.get_coordinates(shapely.get_point(streets.geometry, k)) for k in (0, -1)])
    _, at = np.unique(np.round(ends * 100).astype(np.int64), axis=0, return_inverse=True)
    at = at.reshape(-1)
    n = len(streets.geometry)
    pairs = np.column_stack([at[:n], at[n:]])
    part = components(int(at.max()) + 1, pairs)[pairs[:, 0]]
    weight = np.bincount(part, weights=shapely.length(streets.geometry))
    return streets.take(part == int(np.argmax(weight)))
