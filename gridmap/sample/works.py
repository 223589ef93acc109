"""Buildings that are no homes: shops along streets, institutions, halls, the dedicated grids, sheds."""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray

from gridmap.sample.fabric import Fabric
from gridmap.sample.ground import Floats
from gridmap.sample.homes import Stock, near_anchor
from gridmap.sample.slots import AT_ONCE, Site, Slots, along_streets, apart, join, rows_in
from gridmap.sample.targets import Targets

#: Land in square metres: works need at least the first, institutions lie between the others.
WORKS_LAND = 12_000.0
COMPOUND_LAND = (4_500.0, 60_000.0)


def _place(
    stock: Stock, slots: Slots, kind: str, storeys: tuple[int, int], group: int, rng: np.random.Generator
) -> None:
    n = len(slots)
    if n == 0:
        return
    heights = [int(s) for s in rng.integers(storeys[0], storeys[1] + 1, n)]
    stock.add(slots, kind, heights, [1] * n, [0] * n, group)


def dedicated_works(
    stock: Stock, fabric: Fabric, site: Site, targets: Targets, anchors: Floats, rng: np.random.Generator
) -> None:
    """Build the market halls, the school, and two pavilions in the park."""
    for leaf, kind in targets.dedicated.items():
        blocks = np.flatnonzero(fabric.block_leaf == leaf)
        shape = {
            "park": (11.0, 11.0, 60.0, 70.0),
            "market": (58.0, 26.0, 12.0, 40.0),
            "school": (54.0, 14.0, 18.0, 42.0),
        }[kind]
        parts = [
            rows_in(
                fabric.blocks[b], int(b), float(fabric.heading[b]),
                length=shape[0], depth=shape[1], gap=shape[2], pitch=shape[3],
            )
            for b in blocks
        ]  # fmt: skip
        slots = join(parts)
        slots = slots.take(site.fits(slots))
        slots = slots.take(site.within_reach(shapely.points(slots.middle), 120.0))
        if len(slots) == 0:
            continue
        anchor = anchors[slots.block[0]]
        if np.isnan(anchor[0]):
            anchor = slots.middle[0]
        order = near_anchor(slots, anchor)
        most = {"park": 2, "market": 9, "school": 10}[kind]
        _place(stock, slots.take(order[:most]), kind, {"school": (3, 5)}.get(kind, (1, 2)), -1, rng)


def compounds(
    stock: Stock,
    fabric: Fabric,
    site: Site,
    anchors: Floats,
    *,
    kind: str,
    count: int,
    buildings: int,
    busy: NDArray[np.bool_],
    rng: np.random.Generator,
) -> list[int]:
    """Build institutions or works on blocks that are free; return the blocks, marked busy."""
    zone = np.array(fabric.leaf_zone)[fabric.block_leaf]
    area = shapely.area(fabric.blocks)
    if kind == "hall":
        ok = np.isin(zone, ["mid", "fringe"]) & (area > WORKS_LAND)
        length, depth, gap, pitch, storeys, most = 56.0, 26.0, 14.0, 44.0, (1, 2), 5
    else:
        ok = np.isin(zone, ["core", "mid", "old"]) & (area > COMPOUND_LAND[0]) & (area < COMPOUND_LAND[1])
        length, depth, gap, pitch, storeys, most = 40.0, 14.0, 12.0, 36.0, (3, 6), 3
    ok &= ~busy & ~np.isnan(anchors[:, 0])
    used: list[int] = []
    built = 0
    able = rng.permutation(np.flatnonzero(ok))[: 3 * count]
    everywhere = join(
        [
            rows_in(
                fabric.blocks[b], int(b), float(fabric.heading[b]), length=length, depth=depth, gap=gap, pitch=pitch
            )
            for b in able
        ]
    )
    everywhere = everywhere.take(site.fits(everywhere))
    everywhere = everywhere.take(site.within_reach(shapely.points(everywhere.middle), 140.0))
    for b in able:
        if len(used) >= count or built >= buildings:
            break
        slots = everywhere.take(np.flatnonzero(everywhere.block == b))
        if len(slots) == 0:
            continue
        order = near_anchor(slots, anchors[b])[: min(most, buildings - built)]
        _place(stock, slots.take(order), kind, storeys, -1, rng)
        built += len(order)
        busy[b] = True
        used.append(int(b))
    return used


def street_shops(
    stock: Stock, fabric: Fabric, site: Site, *, count: int, closed: NDArray[np.bool_], rng: np.random.Generator
) -> int:
    """Build shops along the streets of the inner quarters; ``closed`` blocks get none."""
    slots = along_streets(
        fabric.streets,
        fabric.blocks,
        rng,
        classes=("secondary", "tertiary", "residential"),
        length=(16.0, 38.0),
        depth=9.5,
        gap=(3.0, 30.0),
    )
    zone = np.array(fabric.leaf_zone)[fabric.block_leaf[slots.block]]
    slots = slots.take(np.isin(zone, ["core", "mid", "old"]) & ~closed[slots.block])
    slots = slots.take(site.fits(slots))
    zone = np.array(fabric.leaf_zone)[fabric.block_leaf[slots.block]]
    likely = np.array([{"old": 0.0, "core": 0.25, "mid": 0.7}[z] for z in zone]) + rng.uniform(0, 1, len(slots))
    slots = slots.take(np.argsort(likely, kind="stable"))
    outlines = slots.outlines()
    slots = slots.take(apart(outlines, 5.0, fixed=stock.joined().outlines()))
    slots = slots.take(np.arange(min(count, len(slots))))
    _place(stock, slots, "shop", (1, 3), -1, rng)
    return len(slots)


def farmsteads(
    stock: Stock, fabric: Fabric, site: Site, *, count: int, closed: NDArray[np.bool_], rng: np.random.Generator
) -> int:
    """Build barns and small works along the roads of the fringe."""
    slots = along_streets(
        fabric.streets,
        fabric.blocks,
        rng,
        classes=("unclassified", "track"),
        length=(9.0, 15.0),
        depth=9.0,
        gap=(25.0, 160.0),
        setback=4.0,
    )
    zone = np.array(fabric.leaf_zone)[fabric.block_leaf[slots.block]]
    slots = slots.take((zone == "fringe") & ~closed[slots.block])
    slots = slots.take(site.fits(slots))
    slots = slots.take(rng.permutation(len(slots)))
    slots = slots.take(apart(slots.outlines(), 6.0, fixed=stock.joined().outlines()))
    slots = slots.take(np.arange(min(count, len(slots))))
    _place(stock, slots, "barn", (1, 1), -1, rng)
    return len(slots)


def sheds(stock: Stock, site: Site, *, count: int, rng: np.random.Generator) -> int:
    """Build sheds and garages behind homes until there are ``count`` of them."""
    homes = stock.joined()
    kinds = np.array(stock.kind)
    behind = np.flatnonzero(np.isin(kinds, ["slab", "tower", "low", "house", "hall", "compound"]))
    parts = []
    for side, shift in ((1, 0.3), (1, -0.3), (-1, 0.0), (1, 0.0), (-1, 0.4), (-1, -0.4)):
        h = homes.take(behind[rng.permutation(len(behind))])
        n = len(h)
        along = np.column_stack([np.cos(h.angle), np.sin(h.angle)])
        across = np.column_stack([-np.sin(h.angle), np.cos(h.angle)])
        off = side * (h.depth / 2 + 7.5)
        middle = h.middle + across * off[:, None] + along * (shift * h.length)[:, None]
        length = np.round(rng.uniform(4.0, 9.0, n), 2)
        depth = np.round(rng.uniform(3.4, 5.0, n), 2)
        none = np.zeros(n, dtype=np.intp)
        parts.append(Slots(middle, h.angle, length, depth, h.block, none, none))
    slots = _first_apart(join(parts), 2.6, count=count, site=site, fixed=homes.outlines())
    _place(stock, slots, "shed", (1, 1), -1, rng)
    return len(slots)


def _first_apart(slots: Slots, gap: float, *, count: int, site: Site, fixed: NDArray[np.object_]) -> Slots:
    """Return the first ``count`` slots that fit and keep a distance from fixed outlines and from each other.

    They are looked at in order, some at a time: there are many more of them than are needed.
    """
    kept: list[Slots] = []
    standing = [fixed]
    for first in range(0, len(slots), AT_ONCE):
        some = slots.take(np.arange(first, min(first + AT_ONCE, len(slots))))
        some = some.take(site.fits(some))
        outlines = some.outlines()
        free = np.flatnonzero(apart(outlines, gap, fixed=np.concatenate(standing)))
        free = free[: count - sum(len(k) for k in kept)]
        kept.append(some.take(free))
        standing.append(outlines[free])
        if sum(len(k) for k in kept) >= count:
            break
    return join(kept)
