"""What things are called: streets, estates, building numbers, house numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from gridmap.sample.build import Built
from gridmap.sample.fabric import Fabric, Ints
from gridmap.sample.ground import Floats
from gridmap.sample.names import Names, numeral
from gridmap.sample.size import Size

HEAVENLY = "甲乙丙丁戊己"
LETTERS = "ABCDEFGH"
SMALLEST_WALLED = 5


@dataclass(slots=True)
class StreetRows:
    """Streets as they are written: merged runs with names."""

    geometry: NDArray[np.object_]
    name: list[str]
    highway: list[str]
    bridge: NDArray[np.bool_]
    tunnel: NDArray[np.bool_]


@dataclass(slots=True)
class Estates:
    """Estates, in the order in which they were named; ``of[building]`` is the estate or -1."""

    name: list[str]
    kind: list[str]
    block: list[int]
    outline: NDArray[np.object_]
    walled: NDArray[np.bool_]
    of: Ints


@dataclass(slots=True)
class Addresses:
    """For every building: number in its estate, street, house number, name of the building."""

    number: list[str]
    street: list[str]
    house_number: list[str]
    name: list[str]


def name_streets(fabric: Fabric, villages: list[str], names: Names) -> tuple[StreetRows, NDArray[np.object_]]:
    """Name the streets and join the edges of each to runs; also return the name of every edge."""
    known: dict[str, str] = {"ring": "清岩环路", "bank": "南滨路", "railnorth": "铁北路"}
    streets = fabric.streets
    edge_name = np.empty(len(streets.geometry), dtype=object)
    groups: dict[tuple[str, str, bool, bool], list[int]] = {}
    for k, key in enumerate(streets.key):
        highway = streets.highway[k]
        if key not in known:
            known[key] = _name_for(key, highway, villages, names)
        edge_name[k] = known[key]
        groups.setdefault((key, highway, bool(streets.bridge[k]), bool(streets.tunnel[k])), []).append(k)
    shapes, rows = [], []
    for group, members in groups.items():
        merged = shapely.line_merge(shapely.multilinestrings(list(streets.geometry[members])))
        for part in shapely.get_parts(merged):
            shapes.append(part)
            rows.append((known[group[0]], *group[1:]))
    row_array = list(zip(*rows, strict=True))
    return (
        StreetRows(
            np.array(shapes, dtype=object),
            list(row_array[0]),
            list(row_array[1]),
            np.array(row_array[2]),
            np.array(row_array[3]),
        ),
        edge_name,
    )


def _name_for(key: str, highway: str, villages: list[str], names: Names) -> str:
    if key.startswith("footbridge"):
        return "步云桥" if key == "footbridge0" else names.firm() + "步桥"
    if key.startswith(("row", "col")):
        return names.main_street()
    if key.startswith("road"):
        return villages[int(key[4:])][:-1] + "公路"
    if key.startswith("village"):
        head, _, tail = key[7:].partition(".")
        village = villages[int(head)]
        if not tail:
            return village + "大街"
        return "" if tail.startswith("lane") else village + ("前街" if tail == "back-1" else "后街")
    if highway in {"tertiary", "residential", "unclassified"}:
        return names.side_street()
    return names.lane() if highway in {"service", "pedestrian"} else ""


def name_estates(size: Size, fabric: Fabric, built: Built, names: Names, rng: np.random.Generator) -> Estates:
    """Make estates of the blocks of homes, name them, and choose the walled ones."""
    buildings = built.buildings
    groups = np.unique(buildings.group[buildings.group >= 0])
    of = np.full(len(buildings), -1, dtype=np.intp)
    name: list[str] = []
    kind: list[str] = []
    block: list[int] = []
    outlines = []
    members_of: list[Ints] = []
    for g in groups:
        members = np.flatnonzero(buildings.group == g)
        if len(members) < 2:  # noqa: PLR2004
            continue
        pattern = built.patterns[g].kind
        what = {"low": "village_built", "tower": "commodity"}.get(pattern) or (
            "unit_family" if rng.random() < 0.36 else "commodity"  # noqa: PLR2004
        )
        of[members] = len(name)
        name.append(names.estate(what))
        kind.append(what)
        block.append(int(g))
        members_of.append(members)
        hull = shapely.oriented_envelope(shapely.multipolygons(list(buildings.outline[members])))
        room = shapely.buffer(hull, 13.0, join_style="mitre")
        inner = shapely.buffer(fabric.blocks[g], -2.0, join_style="mitre")
        land = shapely.intersection(room, inner)
        outlines.append(max(shapely.get_parts(land), key=lambda p: p.area))
    walled = np.zeros(len(name), dtype=bool)
    able = [
        k
        for k in range(len(name))
        if kind[k] != "village_built" and len(members_of[k]) >= SMALLEST_WALLED
    ]
    able.sort(key=lambda k: (-len(members_of[k]), k))
    walled[able[: size.share(12, least=2)]] = True
    return Estates(name, kind, block, np.array(outlines, dtype=object), walled, of)


def _styles(n: int, rng: np.random.Generator) -> list[str]:
    """Return the numbers of the buildings of an estate in the style that it happens to have."""
    pick = rng.random()
    if n <= len(LETTERS) and pick < 0.1:  # noqa: PLR2004
        return [f"{LETTERS[k]}座" for k in range(n)]
    if n <= len(HEAVENLY) and pick < 0.16:  # noqa: PLR2004
        return [f"{HEAVENLY[k]}栋" for k in range(n)]
    word = ("栋", "栋", "栋", "幢", "幢", "号楼", "号")[int(rng.integers(0, 7))]
    out = [f"{k + 1}{word}" for k in range(n)]
    if n > 3 and pick > 0.9:  # noqa: PLR2004
        out[-1] = f"{n - 1}{word}甲" if word != "号" else f"{n - 1}号甲"
    return out


def give_addresses(  # noqa: PLR0917
    fabric: Fabric,
    built: Built,
    estates: Estates,
    edge_name: NDArray[np.object_],
    villages: list[str],
    group_number: Ints,
    rng: np.random.Generator,
) -> Addresses:
    """Number the buildings of estates, and all other buildings along their street."""
    buildings = built.buildings
    n = len(buildings)
    number, street, house, name = [""] * n, [""] * n, [""] * n, [""] * n
    middle = buildings.middle
    for e in range(len(estates.name)):
        members = np.flatnonzero(estates.of == e)
        order = members[np.lexsort((middle[members, 0], -buildings.row[members]))]
        for k, text in zip(order, _styles(len(order), rng), strict=True):
            number[k] = text
    _along_streets(fabric, buildings.outline, edge_name, street, house)
    kinds = buildings.kind
    for leaf in np.flatnonzero(fabric.leaf_village >= 0):
        members = np.flatnonzero((buildings.leaf == leaf) & (kinds == "house"))
        order = members[np.lexsort((middle[members, 0], -np.round(middle[members, 1] / 20)))]
        village = villages[fabric.leaf_village[leaf]]
        for k, b in enumerate(order):
            street[b] = village
            house[b] = f"{numeral(int(group_number[leaf]))}组{k + 1}号"
    for k in np.flatnonzero(np.isin(kinds, ["shed", "barn", "park"])):
        street[k] = house[k] = ""
    return Addresses(number, street, house, name)


def _along_streets(
    fabric: Fabric, outlines: NDArray[np.object_], edge_name: NDArray[np.object_], street: list[str], house: list[str]
) -> None:
    """Give street and house number: odd on the left, even on the right, rising along each street."""
    named = np.flatnonzero(edge_name != "")
    lines = fabric.streets.geometry[named]
    middle = shapely.centroid(outlines)
    _, near = shapely.STRtree(lines).query_nearest(outlines, all_matches=False)
    edge = named[near]
    points = shapely.get_coordinates(middle)
    start = shapely.get_coordinates(shapely.get_point(fabric.streets.geometry[edge], 0))
    end = shapely.get_coordinates(shapely.get_point(fabric.streets.geometry[edge], -1))
    d = end - start
    left = d[:, 0] * (points[:, 1] - start[:, 1]) - d[:, 1] * (points[:, 0] - start[:, 0]) > 0
    names = edge_name[edge].astype(str)
    position = _position(names, points)
    odd = np.where(left ^ (np.abs(d[:, 0]) > np.abs(d[:, 1])) ^ (np.where(np.abs(d[:, 0]) > np.abs(d[:, 1]), d[:, 0], d[:, 1]) < 0), 1, 0)
    order = np.lexsort((position, odd, names))
    count: dict[tuple[str, int], int] = {}
    for k in order:
        key = (str(names[k]), int(odd[k]))
        count[key] = count.get(key, 0) + 1
        street[k] = str(names[k])
        house[k] = f"{2 * count[key] - (1 if odd[k] else 0)}号"


def _position(names: NDArray[np.str_], points: Floats) -> Floats:
    """Return a position along the main direction of each street."""
    _, group = np.unique(names, return_inverse=True)
    n = int(group.max()) + 1
    count = np.bincount(group, minlength=n)
    mean = np.column_stack([np.bincount(group, weights=points[:, d], minlength=n) / count for d in (0, 1)])
    spread = (points - mean[group]) ** 2
    wide = np.bincount(group, weights=spread[:, 0], minlength=n) >= np.bincount(
        group, weights=spread[:, 1], minlength=n
    )
    return np.round(np.where(wide[group], points[:, 0], -points[:, 1]), 1)
