"""Buildings beat lines: every building gets one block, and block borders go round its outline."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from gridmap.core.cells.blocks import Faces, in_place_order, located_in
from gridmap.core.cells.coverage import Floats, Geometries, Ints, dissolve, stripped
from gridmap.core.cells.pieces import Faced, Pieces, give_away
from gridmap.core.crs import GRID_M

__all__ = ["Housed", "houses_in_blocks", "shares_in"]

_TOUCH_M = 0.05
_CUT_SHARE = 1e-6


@dataclass(frozen=True, slots=True)
class Housed:
    """Blocks whose borders go round buildings, and where each outline lives.

    ``block`` and ``share`` (of the outline in the best block before its border was bent) are aligned with the
    outlines; ``cut_by_area`` tells which ones an official line cuts.
    """

    blocks: Faces
    block: Ints
    share: Floats
    cut_by_area: NDArray[np.bool_]


def shares_in(outlines: Geometries, blocks: Geometries) -> tuple[Ints, Ints, Floats]:
    """Return outline, block and share of the outline's area for all pairs with common land."""
    tree = shapely.STRtree(outlines)
    block, whole = tree.query(blocks, predicate="contains_properly")
    rest = np.setdiff1d(np.arange(len(outlines)), whole)
    outline, other = shapely.STRtree(blocks).query(outlines[rest], predicate="intersects")
    m2 = shapely.area(shapely.intersection(outlines[rest[outline]], blocks[other]))
    share = m2 / np.maximum(shapely.area(outlines[rest[outline]]), 1e-9)
    some = share > 0
    return (
        np.concatenate([whole, rest[outline[some]]]).astype(np.int64),
        np.concatenate([block, other[some]]).astype(np.int64),
        np.concatenate([np.ones(len(whole)), share[some]]),
    )


def houses_in_blocks(blocks: Faces, outlines: Geometries, preferred_area: Ints) -> Housed:
    """Give every outline (metric, on the centimetre) the block with its largest share and bend the borders.

    Where a hard line cuts an outline, its area is decided first: ``preferred_area`` (area number of the
    entrance, −1: unknown) or the area with the larger share.
    """
    outline, block, share = shares_in(outlines, blocks.polygon)
    count = len(outlines)
    areas = blocks.area[block]
    number = int(blocks.area.max(initial=-1)) + 2
    per_area = np.bincount(outline * number + areas + 1, weights=share, minlength=count * number)
    per_area = per_area.reshape(count, number)
    cut = (per_area > _CUT_SHARE).sum(axis=1) > 1
    chosen = per_area.argmax(axis=1) - 1
    wished = (preferred_area >= 0) & (per_area[np.arange(count), preferred_area + 1] > 0)
    chosen = np.where(wished, preferred_area, chosen)
    fits = areas == chosen[outline]
    order = np.lexsort((block, -share, ~fits, outline))
    first = order[np.unique(outline[order], return_index=True)[1]]
    best, best_share = np.full(count, -1, dtype=np.int64), np.zeros(count)
    best[outline[first]], best_share[outline[first]] = block[first], share[first]
    bent, lives_in = _bend(blocks, outlines, best)
    return Housed(bent, lives_in, best_share, cut)


def _bend(blocks: Faces, outlines: Geometries, best: Ints) -> tuple[Faces, Ints]:
    near_block, near = shapely.STRtree(outlines).query(
        shapely.boundary(blocks.polygon), predicate="dwithin", distance=_TOUCH_M
    )
    if not len(near):
        return blocks, best
    touching, changed = np.unique(near), np.unique(near_block)
    kept = np.setdiff1d(np.arange(len(blocks.polygon)), changed)
    lines = [*shapely.boundary(blocks.polygon[changed]), *shapely.boundary(outlines[touching])]
    faces = shapely.get_parts(shapely.polygonize([stripped(shapely.union_all(lines, grid_size=GRID_M))]))
    points = shapely.point_on_surface(faces)
    inside = located_in(points, blocks.polygon[changed])
    faces, points, inside = faces[inside >= 0], points[inside >= 0], inside[inside >= 0]
    owner = located_in(points, outlines[touching])
    label = np.where(owner >= 0, best[touching][owner], changed[inside])

    home = owner >= 0
    free = np.setdiff1d(np.flatnonzero(np.isin(best, label)), touching)
    held = located_in(shapely.point_on_surface(outlines[free]), faces)
    home[held[held >= 0]] = True

    def stays(pieces: Pieces) -> NDArray[np.bool_]:
        main = pieces.first_by(pieces.area_m2) & (pieces.width_m >= _TOUCH_M)
        main[pieces.of_face[home]] = True
        return main

    def allowed(pieces: Pieces, a: Ints, b: Ints) -> NDArray[np.bool_]:
        area = blocks.area[pieces.label]
        # What rounding leaves between an outline and an official line is nobody's land.
        same: NDArray[np.bool_] = (area[a] == area[b]) | (pieces.width_m[a] < _TOUCH_M)
        return same

    pieces, _ = give_away(Faced.of(faces), label, stays, allowed=allowed)
    polygon = dissolve(faces, pieces.of_face, len(pieces.label))
    polygon = np.concatenate([blocks.polygon[kept], polygon])
    source = np.concatenate([kept, pieces.label])
    order = in_place_order(polygon)
    bent = Faces(polygon[order], blocks.area[source[order]], blocks.water[source[order]])
    return bent, _lives_in(bent.polygon, outlines, best, source[order])


def _lives_in(blocks: Geometries, outlines: Geometries, best: Ints, source: Ints) -> Ints:
    """Find the bent block of each outline among the pieces of the block that it belongs to."""
    point, block = shapely.STRtree(blocks).query(shapely.point_on_surface(outlines), predicate="intersects")
    fits = source[block] == best[point]
    out = np.full(len(outlines), -1, dtype=np.int64)
    out[point[fits][::-1]] = block[fits][::-1]
    lost = np.flatnonzero((out < 0) & (best >= 0))
    if len(lost):
        outline, block, share = shares_in(outlines[lost], blocks)
        order = np.lexsort((block, -share, outline))
        first = order[np.unique(outline[order], return_index=True)[1]]
        out[lost[outline[first]]] = block[first]
    return out
