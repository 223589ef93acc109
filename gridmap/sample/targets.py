"""How many households each leaf grid shall have, and which leaves are dedicated, too large or too small."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import shapely

from gridmap.sample.fabric import Fabric, Ints
from gridmap.sample.ground import Floats
from gridmap.sample.homes import Pattern, households_of
from gridmap.sample.size import Size
from gridmap.sample.slots import Slots

BAND = 300
OVER = (640, 560, 505, 470, 452, 431, 418)
UNDER = (96, 130, 152, 171, 188)
GIANTS = (476, 408)
DEDICATED = ("park", "market", "school")


@dataclass(slots=True)
class Targets:
    """Households per leaf, and the leaves that are special."""

    households: Ints
    over: list[int] = field(default_factory=list)
    under: list[int] = field(default_factory=list)
    dedicated: dict[int, str] = field(default_factory=dict)
    giants: dict[int, int] = field(default_factory=dict)


def capacity(fabric: Fabric, patterns: list[Pattern], free: list[Slots], anchors: Floats) -> Floats:
    """Return how many households each leaf has room for."""
    fixed = np.random.Generator(np.random.PCG64(0))
    per_block = np.array(
        [
            0.0 if np.isnan(anchors[b, 0]) else len(free[b]) * households_of(patterns[b], fixed)
            for b in range(len(patterns))
        ]
    )
    return np.bincount(fabric.block_leaf, weights=per_block, minlength=fabric.n_leaves).astype(np.float64)


def set_targets(size: Size, fabric: Fabric, room: Floats, towers: list[list[int]], rng: np.random.Generator) -> Targets:
    """Choose the special leaves and the households of every leaf.

    ``room`` is the capacity of each leaf, ``towers[leaf]`` how many tower slots each of its blocks has.
    """
    zone = np.array(fabric.leaf_zone)
    village = zone == "village"
    want = np.where(village, np.round(rng.normal(57, 9, len(zone))), np.round(rng.normal(333, 16, len(zone))))
    want = np.where(village, np.clip(want, 38, 80), np.clip(want, 290, 354)).astype(np.intp)
    targets = Targets(want)
    area = np.bincount(fabric.block_leaf, weights=shapely.area(fabric.blocks), minlength=len(zone)).astype(np.float64)
    _dedicate(size, targets, zone, area)
    taken = set(targets.dedicated)
    urban = [k for k in np.flatnonzero(~village) if k not in taken]
    n_over, n_under = min(7, len(urban) // 6), min(5, len(urban) // 8)
    low_first = sorted(urban, key=lambda k: (room[k], k))
    for k, households in zip(low_first[:n_under], UNDER, strict=False):
        targets.under.append(int(k))
        targets.households[k] = households
    rest = [k for k in rng.permutation(np.array(low_first[n_under:])) if room[k] > 900 and zone[k] != "old"]  # noqa: PLR2004
    rest.sort(key=lambda k: 0 if towers[k] else 1)
    for i, (k, households) in enumerate(zip(rest[:n_over], OVER, strict=False)):
        targets.over.append(int(k))
        targets.households[k] = households
        if i < len(GIANTS) and towers[k]:
            targets.giants[int(k)] = GIANTS[i]
    return targets


def _dedicate(size: Size, targets: Targets, zone: Floats, area: Floats) -> None:
    """Choose the leaves for parks, markets and schools: the hills, and others by their size."""
    hills = [int(k) for k in np.flatnonzero(zone == "park")]
    for n in range(size.dedicated):
        kind = DEDICATED[n % 3]
        if kind == "park" and hills:
            k = hills.pop(0)
        else:
            badness = np.abs(area - (45_000.0 if kind == "market" else 90_000.0))
            badness = badness + np.where(zone == "mid", 0, 60_000)
            badness[np.isin(zone, ["village", "old", "park"])] = np.inf
            badness[list(targets.dedicated)] = np.inf
            k = int(np.argmin(badness))
        targets.dedicated[k] = kind
        targets.households[k] = 0
