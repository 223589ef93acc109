"""Several departments' own areas on the cells: where they disagree, and their overlay to start from (多网合一)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gridmap.core import partition
from gridmap.core.plans.fabric import Fabric

__all__ = ["Net", "Overlay", "areas_of_cells", "disagreements", "overlay_of_nets"]

Ints = NDArray[np.int64]
Objects = NDArray[np.object_]

_FIGURES = ("buildings", "households", "people")
LEAST_HOUSEHOLDS = 30
"""Pieces of an overlay with fewer households than this join a neighbour."""


@dataclass(frozen=True, slots=True, eq=False)
class Net:
    """A department's named areas: polygons (metric), code and name of each."""

    name: str
    codes: Sequence[str]
    names: Sequence[str]
    polygons: Objects


@dataclass(frozen=True, slots=True, eq=False)
class Overlay:
    """The overlay of nets.

    Attributes
    ----------
    labels
        The piece of each cell, from 0; every cell is in one.
    pieces
        By piece: community, a column ``area1``, ``area2`` … with the code of the area of each net (None: outside of
        it), cells, buildings, households, people, area_m2.
    joined
        How many pieces were too small and joined a neighbour.
    """

    labels: Ints
    pieces: pd.DataFrame
    joined: int


def areas_of_cells(fabric: Fabric, net: Net) -> Ints:
    """Return the area of a net that each cell is in (−1: none); buildings that stay together are in one.

    The point decides that decides for gestures too. Where areas overlap the first one has the cell.
    """
    out = np.full(len(fabric.ids), -1, dtype=np.int64)
    points = shapely.points(fabric.xy)
    cell, area = shapely.STRtree(np.asarray(net.polygons, dtype=object)).query(points, predicate="intersects")
    order = np.argsort(area, kind="stable")[::-1]
    out[cell[order]] = area[order]
    return out[fabric.leader]


def disagreements(fabric: Fabric, first: Ints, second: Ints) -> tuple[pd.DataFrame, Ints]:
    """Compare two divisions of the same cells (area of each cell, −1: none).

    Two areas agree where one is the main counterpart of the other, by households, else by land: a net whose areas are
    each made of whole areas of the other agrees everywhere.

    Returns
    -------
    A row for each two areas that share cells, the most households first: first, second (−1: none), status (agree,
    disagree, only_first, only_second), cells, buildings, households, people, area_m2; and the row of each cell (−1: in
    neither).
    """
    width = int(second.max(initial=-1)) + 2
    key = (first + 1) * width + (second + 1)
    found, member = np.unique(key, return_inverse=True)
    table = pd.DataFrame({"first": found // width - 1, "second": found % width - 1})
    size = len(found)
    table["cells"] = np.bincount(member, minlength=size).astype(np.int64)
    for name in _FIGURES:
        table[name] = np.bincount(member, weights=getattr(fabric, name), minlength=size).astype(np.int64)
    table["area_m2"] = np.bincount(member, weights=fabric.area_m2, minlength=size).round(1)
    both = (table["first"] >= 0) & (table["second"] >= 0)
    main = np.zeros(size, dtype=np.bool_)
    for side in ("first", "second"):
        ranked = table[both].sort_values(["households", "area_m2"], ascending=False, kind="stable")
        main[ranked.drop_duplicates(side).index.to_numpy()] = True
    table["status"] = np.select(
        [both & main, both, table["first"] >= 0, table["second"] >= 0],
        ["agree", "disagree", "only_first", "only_second"],
        "none",
    )
    order = table.sort_values(["households", "area_m2", "first", "second"], ascending=[False, False, True, True]).index
    kept = order[(table.loc[order, "status"] != "none").to_numpy()]
    place = np.full(size, -1, dtype=np.int64)
    place[kept.to_numpy()] = np.arange(len(kept))
    return table.loc[kept].reset_index(drop=True), place[member]


def overlay_of_nets(fabric: Fabric, nets: Sequence[Net], *, least_households: int = LEAST_HOUSEHOLDS) -> Overlay:
    """Return the pieces into which the areas of all nets cut the land together, within communities.

    Each piece is connected. One with fewer households joins the neighbour in its community with which it has the
    longest border, the smallest first; where there is none it stays. It can start a new division into grids.
    """
    columns = [areas_of_cells(fabric, net) for net in nets]
    known = {code: k for k, code in enumerate(sorted({str(c or "") for c in fabric.community}))}
    community = np.array([known[str(c or "")] for c in fabric.community], dtype=np.int64)
    table = np.column_stack([community, *columns])
    _, combined = np.unique(table, axis=0, return_inverse=True)
    combined = combined.reshape(-1).astype(np.int64)
    found = partition.pieces(
        fabric.edge_a, fabric.edge_b, combined, int(combined.max(initial=-1)) + 1, area_m2=fabric.area_m2
    )
    # what must stay together goes with the leading cell
    labels, joined = _joined(fabric, found.of_cell[fabric.leader], community, least_households)
    _, labels = np.unique(labels, return_inverse=True)
    labels = labels.reshape(-1).astype(np.int64)
    return Overlay(labels, _pieces(fabric, labels, nets, columns), joined)


def _joined(fabric: Fabric, labels: Ints, community: Ints, least: int) -> tuple[Ints, int]:
    count = int(labels.max(initial=-1)) + 1
    homes = np.bincount(labels, weights=fabric.households, minlength=count)
    area = np.bincount(labels, weights=fabric.area_m2, minlength=count)
    home = np.full(count, -1, dtype=np.int64)
    home[labels] = community
    beside: list[dict[int, float]] = [{} for _ in range(count)]
    left, right = labels[fabric.edge_a], labels[fabric.edge_b]
    for a, b, metres in zip(left.tolist(), right.tolist(), fabric.edge_m.tolist(), strict=True):
        if a != b and home[a] == home[b]:
            beside[a][b] = beside[a].get(b, 0.0) + metres
            beside[b][a] = beside[b].get(a, 0.0) + metres
    goes = list(range(count))
    small = [k for k in range(count) if homes[k] < least and area[k] > 0]
    joined = 0
    while small:
        piece = min(small, key=lambda k: (homes[k], area[k], k))
        small.remove(piece)
        if not beside[piece]:
            continue
        target = max(sorted(beside[piece]), key=lambda k: beside[piece][k])
        goes[piece] = target
        joined += 1
        homes[target] += homes[piece]
        area[target] += area[piece]
        for other, metres in beside[piece].items():
            del beside[other][piece]
            if other != target:
                beside[target][other] = beside[target].get(other, 0.0) + metres
                beside[other][target] = beside[target][other]
        beside[piece] = {}
        if target in small and homes[target] >= least:
            small.remove(target)
    final = np.empty(count, dtype=np.int64)
    for piece in range(count):
        end = piece
        while goes[end] != end:
            end = goes[end]
        final[piece] = end
    return final[labels], joined


def _pieces(fabric: Fabric, labels: Ints, nets: Sequence[Net], columns: Sequence[Ints]) -> pd.DataFrame:
    count = int(labels.max(initial=-1)) + 1
    out = pd.DataFrame(index=range(count))
    first = np.full(count, 0, dtype=np.int64)
    first[labels[::-1]] = np.arange(len(labels))[::-1]
    out["community"] = pd.Series([fabric.community[cell] for cell in first.tolist()], dtype=object)
    for k, (net, column) in enumerate(zip(nets, columns, strict=True), 1):
        # the area that most of the piece's households, else most of its land, are in
        weight = fabric.households * 1e6 + fabric.area_m2
        width = len(net.codes) + 1
        sums = np.bincount(labels * width + column + 1, weights=weight, minlength=count * width).reshape(count, width)
        best = sums.argmax(axis=1) - 1
        out[f"area{k}"] = pd.Series([net.codes[b] if b >= 0 else None for b in best.tolist()], dtype=object)
    out["cells"] = np.bincount(labels, minlength=count).astype(np.int64)
    for name in _FIGURES:
        out[name] = np.bincount(labels, weights=getattr(fabric, name), minlength=count).astype(np.int64)
    out["area_m2"] = np.bincount(labels, weights=fabric.area_m2, minlength=count).round(1)
    return out
