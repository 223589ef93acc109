"""What things are called: streets, estates, building numbers, house numbers."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from gridmap.sample.build import Built
from gridmap.sample.fabric import Fabric, Ints
from gridmap.sample.ground import Floats
from gridmap.sample.land import Land
from gridmap.sample.names import Names, numeral

HEAVENLY = "甲乙丙丁戊己"
LETTERS = "ABCDEFGH"


@dataclass(slots=True)
class StreetRows:
    """Streets as they are written: merged runs with names."""

    geometry: NDArray[np.object_]
    name: list[str]
    highway: list[str]
    bridge: NDArray[np.bool_]
    tunnel: NDArray[np.bool_]
    inside: NDArray[np.bool_]


@dataclass(slots=True)
class Estates:
    """Estates, in the order in which they were named; ``of[building]`` is the estate or -1."""

    name: list[str]
    kind: list[str]
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


def name_streets(land: Land, built: Built, villages: list[str], names: Names) -> tuple[StreetRows, NDArray[np.object_]]:
    """Name the streets and join the edges of each to runs; also return the name of every edge.

    Real streets keep their names. The ways inside estates and parks come last.
    """
    fabric = land.fabric
    if land.streets is not None:
        return _real_streets(land.streets, fabric, built)
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
    name, highway, bridge, tunnel = (list(column) for column in zip(*rows, strict=True))
    found = StreetRows(
        np.array(shapes, dtype=object),
        name,
        highway,
        np.array(bridge),
        np.array(tunnel),
        np.zeros(len(rows), dtype=bool),
    )
    return _with_ways(found, built), edge_name


def _with_ways(rows: StreetRows, built: Built) -> StreetRows:
    """Add the ways inside estates and parks; streets get a vertex where such a way meets them."""
    with_vertices(rows.geometry, np.vstack([built.path_meets, *(c.meets for c in built.courts)]))
    inner = [w for c in built.courts for w in c.ways]
    ways = [shapely.LineString(w) for w in [*inner, *built.paths]]
    n, m = len(rows.name), len(ways)
    everything = np.empty(n + m, dtype=object)
    everything[:n] = rows.geometry
    everything[n:] = ways
    return StreetRows(
        everything,
        rows.name + [""] * m,
        rows.highway + ["service"] * len(inner) + ["footway"] * len(built.paths),
        np.concatenate([rows.bridge, np.zeros(m, dtype=bool)]),
        np.concatenate([rows.tunnel, np.zeros(m, dtype=bool)]),
        np.arange(n + m) >= n,
    )


def _real_streets(table: gpd.GeoDataFrame, fabric: Fabric, built: Built) -> tuple[StreetRows, NDArray[np.object_]]:
    """Return the real streets with the ways inside estates, and the name of every edge."""
    streets = fabric.streets
    row = streets.key.astype(np.intp)
    names = np.array(["" if v is None or v != v else str(v) for v in table["name"]], dtype=object)  # noqa: PLR0124
    n = len(row)
    rows = StreetRows(
        streets.geometry.copy(),
        names[row].tolist(),
        streets.highway.tolist(),
        streets.bridge,
        streets.tunnel,
        np.zeros(n, dtype=bool),
    )
    return _with_ways(rows, built), names[row]


def with_vertices(lines: NDArray[np.object_], points: Floats) -> None:
    """Give lines a vertex at each of some points that lie on them (within centimetres), in place."""
    places = shapely.points(points)
    if len(points) == 0:
        return
    point, line = shapely.STRtree(lines).query(places, predicate="dwithin", distance=0.06)
    first = np.unique(point, return_index=True)[1]
    for k, which in zip(point[first], line[first], strict=True):
        coords = np.asarray(lines[which].coords)
        if (np.abs(coords - points[k]).max(axis=1) < 0.005).any():  # noqa: PLR2004
            continue
        at = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(coords, axis=0).T))])
        here = float(shapely.line_locate_point(lines[which], places[k]))
        index = int(np.clip(np.searchsorted(at, here), 1, len(coords) - 1))
        lines[which] = shapely.LineString(np.insert(coords, index, points[k], axis=0))


def _name_for(key: str, highway: str, villages: list[str], names: Names) -> str:
    if key.startswith("footbridge"):
        return "步云桥" if key == "footbridge0" else names.firm() + "步桥"
    if key.startswith(("row", "col")):
        return names.main_street()
    if key.startswith("road"):
        return villages[int(key[4:])][:-1] + "公路"
    if key.startswith("link"):
        one, other = (villages[int(k)] for k in key[4:].split("-"))
        return one[:-1] + "支线" if one == other else one[0] + other[0] + "线"
    if key.startswith("village"):
        head, _, tail = key[7:].partition(".")
        village = villages[int(head)]
        if not tail:
            return village + "大街"
        return "" if tail.startswith("lane") else village + ("前街" if tail == "back-1" else "后街")
    if highway in {"tertiary", "residential", "unclassified"}:
        return names.side_street()
    return names.lane() if highway in {"service", "pedestrian"} else ""


def name_estates(built: Built, names: Names) -> Estates:
    """Name the estates."""
    of = np.full(len(built.buildings), -1, dtype=np.intp)
    for k, court in enumerate(built.courts):
        of[court.members] = k
    land = np.empty(len(built.courts), dtype=object)
    land[:] = [c.land for c in built.courts]
    return Estates(
        [names.estate(kind) for kind in built.court_kinds],
        built.court_kinds,
        land,
        np.array([c.walled for c in built.courts], dtype=bool),
        of,
    )


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


def give_addresses(
    fabric: Fabric,
    built: Built,
    estates: Estates,
    edge_name: NDArray[np.object_],
    villages: list[str],
    group_number: Ints,
    rng: np.random.Generator,
) -> Addresses:
    """Return numbers for the buildings of estates, and house numbers along streets for the others."""
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
    odd = np.where(
        left
        ^ (np.abs(d[:, 0]) > np.abs(d[:, 1]))
        ^ (np.where(np.abs(d[:, 0]) > np.abs(d[:, 1]), d[:, 0], d[:, 1]) < 0),
        1,
        0,
    )
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
    return np.asarray(np.round(np.where(wide[group], points[:, 0], -points[:, 1]), 1), dtype=np.float64)
