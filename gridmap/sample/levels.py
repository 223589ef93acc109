"""Communities, level-2 grids and codes: which leaf belongs to which, and what they are called."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from gridmap.core.rules import serial_order
from gridmap.sample.fabric import Fabric, Ints
from gridmap.sample.ground import Floats
from gridmap.sample.grouping import group, merged_pairs
from gridmap.sample.names import Names
from gridmap.sample.size import Size

DIVISION = "990101"
COUNTY = "清岩县"
LARGEST_TOWN = 60
#: Whole superblocks are grouped where there are this many to a group.
ENOUGH = 1.6


@dataclass(slots=True)
class Levels:
    """For every leaf its level-2 grid and community; for every community its town, code and name."""

    second: Ints
    community: Ints
    second_community: Ints
    community_town: Ints
    community_rural: NDArray[np.bool_]
    community_code: list[str]
    community_name: list[str]
    town_code: list[str]
    town_name: list[str]


def arrange(size: Size, fabric: Fabric, barrier: Floats, names: Names, rng: np.random.Generator) -> Levels:
    """Group leaves into level-2 grids and communities, and communities into towns.

    ``barrier[pair]`` is how much a border between two blocks parts people: 1 for a street, more for water.
    """
    leaf_pairs, shared = merged_pairs(fabric.block_leaf, fabric.pairs, fabric.shared / barrier)
    land = np.array([z == "village" for z in fabric.leaf_zone])
    weights = shapely.area(fabric.blocks)
    area = np.bincount(fabric.block_leaf, weights=weights, minlength=fabric.n_leaves).astype(np.float64)
    middle = shapely.get_coordinates(shapely.centroid(fabric.blocks))
    place = np.column_stack(
        [
            np.bincount(fabric.block_leaf, weights=middle[:, d] * weights, minlength=fabric.n_leaves) / area
            for d in (0, 1)
        ]
    )
    second = np.zeros(fabric.n_leaves, dtype=np.intp)
    community = np.zeros(fabric.n_leaves, dtype=np.intp)
    n_community = n_second = 0
    for rural, k1, k2 in (
        (False, size.urban_communities, size.second_urban),
        (True, size.village_communities, size.second_rural),
    ):
        here = np.flatnonzero(land == rural)
        unit = fabric.leaf_village if rural else fabric.leaf_unit
        top = _group_leaves(here, unit, place, leaf_pairs, shared, k1, rng)
        counts = _even(np.bincount(top, minlength=k1).astype(float), k2)
        for c in range(k1):
            leaves = here[top == c]
            community[leaves] = n_community + c
            low = _group_leaves(leaves, unit, place, leaf_pairs, shared, counts[c], rng)
            second[leaves] = n_second + low
            n_second += int(low.max()) + 1 if len(low) else 0
        n_community += k1
    return _coded(second, community, place, area, land, names)


def _even(weights: Floats, total: int) -> list[int]:
    from gridmap.sample.townplan import shares

    return shares(weights, max(total, len(weights)), least=1)


def _group_leaves(
    leaves: Ints, unit: Ints, place: Floats, pairs: Ints, shared: Floats, count: int, rng: np.random.Generator
) -> Ints:
    """Group leaves, whole superblocks (or villages) together where there are enough of them."""
    if count <= 1:
        return np.zeros(len(leaves), dtype=np.intp)
    position = np.full(len(unit), -1, dtype=np.intp)
    _, by_unit = np.unique(unit[leaves], return_inverse=True)
    member = by_unit if by_unit.max() + 1 >= ENOUGH * count else np.arange(len(leaves))
    position[leaves] = member
    n = int(member.max()) + 1
    inside = (position[pairs] >= 0).all(axis=1)
    unit_pairs, ease = merged_pairs(position, pairs[inside], shared[inside])
    weight = np.bincount(member, minlength=n).astype(float)
    centre = np.column_stack([np.bincount(member, weights=place[leaves, d], minlength=n) / weight for d in (0, 1)])
    labels = group(weight, centre, unit_pairs, np.maximum(ease, 1.0), count, rng)
    return labels[member]


def _coded(
    second: Ints,
    community: Ints,
    place: Floats,
    area: Floats,
    land: NDArray[np.bool_],
    names: Names,
) -> Levels:
    """Order communities from west to east, north to south; give them towns, codes and names."""
    n = int(community.max()) + 1
    total = np.bincount(community, weights=area, minlength=n)
    centre = np.column_stack([np.bincount(community, weights=place[:, d] * area, minlength=n) / total for d in (0, 1)])
    rural = np.zeros(n, dtype=bool)
    rural[community] = land
    town = np.zeros(n, dtype=np.intp)
    codes, labels = [""] * n, [""] * n
    town_code: list[str] = []
    town_name: list[str] = []
    for kind, first_town, first_community in ((False, 100, 1), (True, 200, 200)):
        here = np.flatnonzero(rural == kind)
        rank = serial_order(centre[here, 0], centre[here, 1], row_m=float(np.sqrt(np.median(total[here]))))
        here = here[np.argsort(rank)]
        for start in range(0, len(here), LARGEST_TOWN):
            code = f"{DIVISION}{first_town + start // LARGEST_TOWN:03d}"
            ending = "乡" if kind else "镇"
            town_code.append(code)
            town_name.append(("清岩" if not kind and start == 0 else names.town()) + ending)
            for serial, c in enumerate(here[start : start + LARGEST_TOWN]):
                town[c] = len(town_code) - 1
                codes[c] = f"{code}{first_community + serial:03d}"
                labels[c] = names.community() + ("村" if kind else "社区")
    n_second = int(second.max()) + 1
    second_community = np.zeros(n_second, dtype=np.intp)
    second_community[second] = community
    return Levels(second, community, second_community, town, rural, codes, labels, town_code, town_name)


def leaf_codes(levels: Levels, community: Ints, shapes: NDArray[np.object_]) -> list[str]:
    """Return codes of leaf grids: the community's code and a serial from west to east, north to south."""
    middle = shapely.get_coordinates(shapely.centroid(shapes))
    area = shapely.area(shapes)
    out = [""] * len(shapes)
    for c in range(len(levels.community_code)):
        here = np.flatnonzero(community == c)
        if len(here) == 0:
            continue
        row = float(np.sqrt(np.median(area[here])))
        rank = serial_order(middle[here, 0], middle[here, 1], row_m=row)
        for k, r in zip(here, rank, strict=True):
            out[k] = f"{levels.community_code[c]}{r + 1:03d}"
    return out
