"""Neighbours of cells: shared length, and the street that runs along the border."""

from __future__ import annotations

import numpy as np
import pandas as pd
import shapely

from gridmap.core.cells.coverage import Geometries, Ints, shared_borders
from gridmap.core.cells.lines import Rank, StreetLines

__all__ = ["CLASS_NAMES", "neighbours"]

CLASS_NAMES = {
    Rank.WATER: "water",
    Rank.RAIL: "rail",
    Rank.MAJOR: "major",
    Rank.MINOR: "minor",
    Rank.LANE: "lane",
    Rank.DRIVE: "drive",
    Rank.FOOT: "foot",
}
_PARALLEL = 0.85
_SAMPLE_M = 6.0


def neighbours(
    cells: Geometries, keys: Geometries, synthetic: Ints, lines: StreetLines, *, follow_m: float
) -> pd.DataFrame:
    """Find rook neighbours of cells that are an exact coverage (metric).

    ``synthetic`` numbers the blocks of cells whose borders among each other follow nothing (−1: not such a
    cell). An edge has a street class when at least half of it runs along lines of that class.
    """
    shared = shared_borders(cells)
    left, right, length_m, pair = shared.by_pair()
    seg_m = shared.segments.length_m[shared.segment]
    klass, name = _along(shared.segments.xy, shared.segments.start[shared.segment],
                         shared.segments.end[shared.segment], seg_m, lines, follow_m)  # fmt: skip
    best = np.full(len(left), -1, dtype=np.int64)
    names = np.full(len(left), None, dtype=object)
    hit = np.flatnonzero(klass >= 0)
    if len(hit):
        table = pd.DataFrame({"pair": pair[hit], "klass": klass[hit], "m": seg_m[hit], "name": name[hit]})
        by_class = table.groupby(["pair", "klass"], sort=True)["m"].sum().reset_index()
        by_class = by_class[by_class["m"] >= 0.5 * length_m[by_class["pair"]]]
        top = by_class.sort_values(["pair", "m", "klass"], ascending=[True, False, True]).drop_duplicates("pair")
        best[top["pair"]] = top["klass"]
        named = table[(table["name"] != "") & (best[table["pair"]] == table["klass"])]
        by_name = named.groupby(["pair", "name"], sort=True)["m"].sum().reset_index()
        top = by_name.sort_values(["pair", "m", "name"], ascending=[True, False, True]).drop_duplicates("pair")
        names[top["pair"]] = top["name"]
    words = np.full(len(left), None, dtype=object)
    for rank, word in CLASS_NAMES.items():
        words[best == int(rank)] = word
    a, b = keys[left], keys[right]
    swap = a > b
    edges = pd.DataFrame({
        "a": np.where(swap, b, a),
        "b": np.where(swap, a, b),
        "length_m": np.round(length_m, 3),
        "street_class": words,
        "street_name": names,
        "synthetic": (synthetic[left] >= 0) & (synthetic[left] == synthetic[right]),
    })  # fmt: skip
    return edges.sort_values(["a", "b"], ignore_index=True)


def _along(xy, start, end, seg_m, lines, follow_m):  # type: ignore[no-untyped-def]
    """Return class and name of the strongest line beside each segment, −1 for none."""
    klass = np.full(len(start), -1, dtype=np.int64)
    name = np.full(len(start), "", dtype=object)
    if not len(lines.lines) or not len(start):
        return klass, name
    line_xy, line = shapely.get_coordinates(lines.lines, return_index=True)
    inner = np.flatnonzero(line[1:] == line[:-1])
    pieces = shapely.linestrings(np.stack([line_xy[inner], line_xy[inner + 1]], axis=1))
    of = line[inner]
    middle = shapely.points((xy[start] + xy[end]) / 2)
    seg, piece = shapely.STRtree(pieces).query(middle, predicate="dwithin", distance=follow_m)
    u = xy[end[seg]] - xy[start[seg]]
    v = line_xy[inner[piece] + 1] - line_xy[inner[piece]]
    cos = np.abs((u * v).sum(axis=1)) / np.maximum(np.hypot(*u.T) * np.hypot(*v.T), 1e-12)
    ok = (cos >= _PARALLEL) | (seg_m[seg] < 1.0)
    seg, piece = seg[ok], piece[ok]
    rank = lines.rank[of[piece]].astype(np.int64)
    order = np.lexsort((of[piece], rank, seg))
    first = order[np.unique(seg[order], return_index=True)[1]]
    klass[seg[first]] = rank[first]
    name[seg[first]] = lines.name[of[piece[first]]]
    return klass, name
