"""Connected pieces of faces with one label, and giving away those that lost their main body."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from gridmap.core.cells.coverage import Floats, Geometries, Ints, shared_borders, summed

__all__ = ["Faced", "Pieces", "components", "connected", "give_away"]

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Faced:
    """Faces that tile land and the borders between them (``left``, ``right``, ``length_m``)."""

    polygon: Geometries
    left: Ints
    right: Ints
    length_m: Floats

    @classmethod
    def of(cls, polygons: Geometries) -> Faced:
        """Find the borders between faces."""
        left, right, length_m, _ = shared_borders(polygons).by_pair()
        return cls(polygons, left, right, length_m)


@dataclass(frozen=True, slots=True)
class Pieces:
    """The piece of each face; and of each piece its label, area and length of its rim."""

    of_face: Ints
    label: Ints
    area_m2: Floats
    rim_m: Floats

    @property
    def width_m(self) -> Floats:
        """Return the mean width of each piece."""
        return 2 * self.area_m2 / np.maximum(self.rim_m, 1e-9)

    def first_by(self, *keys: Floats) -> Mask:
        """Mark of every label the piece with the largest keys (the first key counts most)."""
        order = np.lexsort((*[-k for k in reversed(keys)], self.label))
        first = np.zeros(len(self.label), dtype=bool)
        first[order[np.unique(self.label[order], return_index=True)[1]]] = True
        return first


def components(a: Ints, b: Ints, count: int) -> Ints:
    """Find connected components; for the few faces of a block quicker than a sparse graph."""
    root = np.arange(count)
    while True:
        low, high = np.minimum(root[a], root[b]), np.maximum(root[a], root[b])
        if np.array_equal(low, high):
            return np.unique(root, return_inverse=True)[1].astype(np.int64)
        np.minimum.at(root, high, low)
        while not np.array_equal(root, root[root]):
            root = root[root]


def connected(faced: Faced, label: Ints) -> Pieces:
    """Find the connected pieces of equal label."""
    same = label[faced.left] == label[faced.right]
    of_face = components(faced.left[same], faced.right[same], len(label))
    count = int(of_face.max(initial=-1)) + 1
    area_m2 = summed(of_face, shapely.area(faced.polygon), count)
    rim_m = summed(of_face, shapely.length(faced.polygon), count)
    inner = of_face[faced.left] == of_face[faced.right]
    rim_m -= 2 * summed(of_face[faced.left[inner]], faced.length_m[inner], count)
    of_piece = np.zeros(count, dtype=np.int64)
    of_piece[of_face] = label
    return Pieces(of_face, of_piece, area_m2, rim_m)


def give_away(
    faced: Faced,
    label: Ints,
    stays: Callable[[Pieces], Mask],
    *,
    allowed: Callable[[Pieces, Ints, Ints], Mask] | None = None,
) -> tuple[Pieces, Ints]:
    """Give every piece that does not stay to the neighbour with the longest common border.

    ``stays`` marks the pieces that keep their label; ``allowed(pieces, from, to)`` may forbid gifts.
    Rounds go on until nothing can be given; a piece without a taker stays.

    Returns
    -------
    The pieces, and the label of each face.
    """
    label = label.copy()
    while True:
        pieces = connected(faced, label)
        keep = stays(pieces)
        a, b = pieces.of_face[faced.left], pieces.of_face[faced.right]
        a, b = np.concatenate([a, b]), np.concatenate([b, a])
        wanted = (a != b) & ~keep[a] & keep[b]
        if allowed is not None:
            wanted &= allowed(pieces, a, b)
        if not wanted.any():
            return pieces, label
        count = len(keep)
        pair, inverse = np.unique(a[wanted] * count + b[wanted], return_inverse=True)
        total = np.bincount(inverse, weights=np.tile(faced.length_m, 2)[wanted])
        order = np.lexsort((pair, -total, pair // count))
        take = order[np.unique(pair[order] // count, return_index=True)[1]]
        goes = np.arange(count)
        goes[pair[take] // count] = pair[take] % count
        label = pieces.label[goes[pieces.of_face]]
