"""A grid's border in words: to which street, river, railway or border it reaches in the east, south, west and north.

Named is only what the border really runs along. Where it follows nothing, the words say so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from gridmap.core.cells.coverage import shared_borders
from gridmap.core.plans.crosswalk import Layout
from gridmap.core.plans.effect import NO_GRID
from gridmap.core.plans.fabric import FOLLOWED, Fabric
from gridmap.model.text import Text

__all__ = ["COMPASS", "Along", "Reach", "Side", "in_words", "sides"]

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Objects = NDArray[np.object_]

COMPASS: dict[str, Text] = {
    "east": Text("东", "east"),
    "south": Text("南", "south"),
    "west": Text("西", "west"),
    "north": Text("北", "north"),
}
"""The four sides in the order in which they are told."""

_STRAIGHT_SHARE, _STRAIGHT_LEAST_M, _STRAIGHT_MOST_M = 0.1, 4.0, 40.0
_TOLD_SHARE = 0.15
_CORNER_SHARE = 0.25
_STREETS = frozenset({"major", "minor", "lane"})
_UNNAMED = {
    "water": Text("水边", "the water"),
    "rail": Text("铁路", "the railway"),
    "street": Text("无名道路", "a street without a name"),
    "rim": Text("辖区边界", "the border of the jurisdiction"),
}


@dataclass(frozen=True, slots=True, eq=False)
class Along:
    """What each edge of a fabric runs along, in the order of its edges: class of line, and name; None: nothing."""

    klass: Objects
    name: Objects


@dataclass(frozen=True, slots=True)
class Reach:
    """What a side of a grid reaches to.

    Attributes
    ----------
    kind
        water, rail, street; rim: the end of all land; community or grid: the border follows nothing, and on the other
        side there is another community, or another grid of the same; none: land in no grid.
    name
        Name of the water, railway or street; code of the community or grid; None where there is none.
    length_m
        How long the side runs along it.
    """

    kind: str
    name: str | None
    length_m: float

    @property
    def follows(self) -> bool:
        """Whether the border runs along something on the ground."""
        return self.kind in {"water", "rail", "street"}


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a grid; ``reaches`` from north to south, or from west to east, without what is too short to tell."""

    compass: str
    reaches: tuple[Reach, ...]


def sides(fabric: Fabric, along: Along, layout: Layout, key: int) -> list[Side]:
    """Return the sides of a leaf grid: east, south, west, north; one that the grid has not is left out.

    Parts of the border are straightened before it is told which way they face, so that the steps between buildings do
    not count as sides. What takes up less than 15 % of a side is left out, and what only bends round a corner into it;
    the longest never.
    """
    own = np.flatnonzero(layout.keys == key)
    if not len(own):
        return []
    inside = np.zeros(len(fabric.ids) + 1, dtype=np.bool_)
    inside[own] = True
    at = np.flatnonzero(inside[fabric.edge_a] != inside[fabric.edge_b])
    beyond = np.where(inside[fabric.edge_a[at]], fabric.edge_b[at], fabric.edge_a[at])
    rows = np.concatenate([own, np.unique(beyond)])
    mine = np.arange(len(rows)) < len(own)
    shared = shared_borders(fabric.geometry[rows])
    edge_of = {(int(fabric.edge_a[e]), int(fabric.edge_b[e])): int(e) for e in at}
    found: dict[tuple[str, str | None], list[tuple[int, int]]] = {}
    start, end, owner = shared.segments.start, shared.segments.end, shared.segments.owner
    for left, right, segment in zip(shared.left.tolist(), shared.right.tolist(), shared.segment.tolist(), strict=True):
        if mine[left] == mine[right]:
            continue
        ends = (int(start[segment]), int(end[segment]))
        out = int(rows[right if mine[left] else left])
        pair = (int(rows[left]), int(rows[right]))
        edge = edge_of.get(pair, edge_of.get(pair[::-1], -1))
        # a segment is seen from its left polygon; ours lies on the left of ours
        found.setdefault(_beyond(fabric, along, layout, key, out, edge), []).append(ends if mine[left] else ends[::-1])
    for segment in shared.rim[mine[owner[shared.rim]]].tolist():
        found.setdefault(("rim", None), []).append((int(start[segment]), int(end[segment])))
    return _by_side(shared.segments.xy, found)


def _beyond(fabric: Fabric, along: Along, layout: Layout, key: int, cell: int, edge: int) -> tuple[str, str | None]:
    klass = along.klass[edge] if edge >= 0 else None
    if klass in FOLLOWED:
        return ("street" if klass in _STREETS else str(klass)), along.name[edge]
    other = int(layout.keys[cell])
    if other == NO_GRID:
        return "none", fabric.community[cell]
    home, there = layout.community(key), layout.community(other)
    return ("grid", layout.code(other)) if home == there else ("community", there)


def _by_side(xy: Floats, found: Mapping[tuple[str, str | None], list[tuple[int, int]]]) -> list[Side]:
    told: dict[str, list[tuple[float, Reach]]] = {}
    for (kind, name), segments in found.items():
        merged = shapely.line_merge(
            shapely.multilinestrings(shapely.linestrings(xy[np.array(segments)])), directed=True
        )
        lengths, middles = _facing(shapely.get_parts(merged))
        for compass, metres in lengths.items():
            x, y = middles[compass] / metres
            # from north to south, and from west to east
            place = -y if compass in {"east", "west"} else x
            told.setdefault(compass, []).append((float(place), Reach(kind, name, float(metres))))
    most: dict[tuple[str, str | None], float] = {}
    for reach in (reach for parts in told.values() for _, reach in parts):
        most[reach.kind, reach.name] = max(most.get((reach.kind, reach.name), 0.0), reach.length_m)
    out = []
    for compass in COMPASS:
        parts = sorted(told.get(compass, []), key=lambda part: (part[0], part[1].kind, part[1].name or ""))
        whole = sum(reach.length_m for _, reach in parts)
        longest = max((reach.length_m for _, reach in parts), default=0.0)
        kept = tuple(
            Reach(reach.kind, reach.name, round(reach.length_m, 1))
            for _, reach in parts
            if reach.length_m == longest
            or (
                reach.length_m >= _TOLD_SHARE * whole
                # what belongs to the next side and only bends round the corner
                and reach.length_m >= _CORNER_SHARE * most[reach.kind, reach.name]
            )
        )
        if kept:
            out.append(Side(compass, kept))
    return out


def _facing(lines: Objects) -> tuple[dict[str, float], dict[str, Floats]]:
    """Return how many metres of lines face each side, the land on their left; and the sums of their middles."""
    lengths: dict[str, float] = {}
    middles: dict[str, Floats] = {}
    metres = shapely.length(lines)
    tolerance = np.clip(_STRAIGHT_SHARE * metres, _STRAIGHT_LEAST_M, _STRAIGHT_MOST_M)
    straight, of = shapely.get_coordinates(shapely.simplify(lines, tolerance), return_index=True)
    same = of[1:] == of[:-1]
    a, b = straight[:-1][same], straight[1:][same]
    step = b - a
    length = np.hypot(step[:, 0], step[:, 1])
    # outward is to the right
    out_x, out_y = step[:, 1], -step[:, 0]
    wide = np.abs(out_x) >= np.abs(out_y)
    name = np.where(wide, np.where(out_x > 0, "east", "west"), np.where(out_y > 0, "north", "south"))
    for compass in COMPASS:
        here = name == compass
        if here.any():
            lengths[compass] = float(length[here].sum())
            middles[compass] = ((a[here] + b[here]) / 2 * length[here, None]).sum(axis=0)
    return lengths, middles


def in_words(found: list[Side], names: Mapping[str, str]) -> Text:
    """Return sides as a sentence in Chinese (东至…，南至…) and English.

    Parameters
    ----------
    found
        The sides.
    names
        What communities and grids are called, by code.
    """
    if not found:
        return Text("没有土地。", "It has no land.")
    zh = "，".join(
        f"{COMPASS[side.compass].zh}至{'、'.join(_told(reach, names).zh for reach in side.reaches)}" for side in found
    )
    en = "; ".join(
        f"{COMPASS[side.compass].en}: to {', then '.join(_told(reach, names).en for reach in side.reaches)}"
        for side in found
    )
    return Text(f"{zh}。", f"{en[0].upper()}{en[1:]}.")


def _told(reach: Reach, names: Mapping[str, str]) -> Text:
    if reach.follows or reach.kind == "rim":
        return Text(reach.name, reach.name) if reach.name else _UNNAMED[reach.kind]
    called = names.get(reach.name or "", reach.name or "")
    if reach.kind == "community":
        return Text(f"与{called}的边界(不沿道路)", f"the border with {called} (it follows no street)")
    if reach.kind == "grid":
        return Text(f"与{called}的分界(不沿道路)", f"the line towards {called} (it follows no street)")
    return Text("未划入网格的土地", "land in no grid")
