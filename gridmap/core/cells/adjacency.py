"""Neighbours of cells: shared length, and the street that runs along the border."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridmap.core.cells.coverage import Floats, Geometries, Ints, shared_borders
from gridmap.core.cells.lines import Rank, StreetLines
from gridmap.core.cells.tables import nullable, text

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
_SHORT_M = 1.0
_CHUNK = 200_000


def neighbours(cells: gpd.GeoDataFrame, lines: StreetLines, *, follow_m: float) -> pd.DataFrame:
    """Find the rook neighbours of cells that are an exact coverage (columns as in ``CellFabric``, metric).

    An edge has a street class when at least half of it runs along lines of that class. It is synthetic when
    it divides one open land or water by area only.
    """
    keys = cells["key"].to_numpy()
    made = cells["kind"].isin(("open_synthetic", "water")).to_numpy()
    block = pd.factorize(cells["block"])[0]
    shared = shared_borders(cells.geometry.to_numpy())
    left, right, length_m, pair = shared.by_pair()
    rows = shared.segment
    ends = shared.segments.xy[np.column_stack([shared.segments.start[rows], shared.segments.end[rows]])]
    klass, name = _along(ends, lines, follow_m)
    best = np.full(len(left), -1, dtype=np.int64)
    names = np.full(len(left), None, dtype=object)
    hit = np.flatnonzero(klass >= 0)
    if len(hit):
        seg_m = shared.segments.length_m(rows[hit])
        table = pd.DataFrame({"pair": pair[hit], "klass": klass[hit], "m": seg_m, "name": name[hit]})
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
        "a": text(np.where(swap, b, a)),
        "b": text(np.where(swap, a, b)),
        "length_m": np.round(length_m, 3),
        "street_class": nullable(words),
        "street_name": nullable(names),
        "synthetic": made[left] & made[right] & (block[left] == block[right]),
    })  # fmt: skip
    return edges.sort_values(["a", "b"], ignore_index=True)


def _along(ends: Floats, lines: StreetLines, follow_m: float) -> tuple[Ints, Geometries]:
    """Return class (−1: none) and name of the strongest line beside and along each segment (n, 2, 2)."""
    klass = np.full(len(ends), -1, dtype=np.int64)
    name = np.full(len(ends), "", dtype=object)
    if not len(lines.lines) or not len(ends):
        return klass, name
    xy, line = shapely.get_coordinates(lines.lines, return_index=True)
    inner = np.flatnonzero(line[1:] == line[:-1])
    of = line[inner]
    tree = shapely.STRtree(shapely.linestrings(np.stack([xy[inner], xy[inner + 1]], axis=1)))
    step = xy[inner + 1] - xy[inner]
    for start in range(0, len(ends), _CHUNK):
        here = ends[start : start + _CHUNK]
        seg, piece = tree.query(shapely.points(here.mean(axis=1)), predicate="dwithin", distance=follow_m)
        u, v = (here[:, 1] - here[:, 0])[seg], step[piece]
        u_m = np.hypot(*u.T)
        along = (np.abs((u * v).sum(axis=1)) >= _PARALLEL * u_m * np.hypot(*v.T)) | (u_m < _SHORT_M)
        seg, piece = seg[along], piece[along]
        rank = lines.rank[of[piece]].astype(np.int64)
        order = np.lexsort((of[piece], rank, seg))
        first = order[np.unique(seg[order], return_index=True)[1]]
        klass[start + seg[first]] = rank[first]
        name[start + seg[first]] = lines.name[of[piece[first]]]
    return klass, name
