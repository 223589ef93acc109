"""Homes: which blocks become estates, old quarters and villages, and how many households each building has."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import shapely

from gridmap.sample.fabric import Fabric, Ints
from gridmap.sample.ground import Floats
from gridmap.sample.slots import Site, Slots, along_streets, apart, join, rows_in

if TYPE_CHECKING:
    from gridmap.sample.targets import Targets

ENTRANCE = 13.5
SLAB_DEPTH = 12.5
FARTHEST = 150.0
#: A leaf that lacks more than this many households gets higher houses, by at most that factor.
RAISED_FROM, MOST_RAISED = 25, 2.0
#: The houses of the old town are at most this share of all buildings.
OLD_SHARE = 0.19
LARGEST_VILLAGE_BLOCK = 40_000.0
#: Of a large block the slots nearest to its street are enough.
MOST_SLOTS = 90
#: No block is begun for so few households.
TOO_FEW = 14
MOST_IN_SLAB = 60


@dataclass(slots=True)
class Stock:
    """Buildings so far, as parallel lists; ``group`` is the estate-to-be (-1: none)."""

    slots: list[Slots] = field(default_factory=list)
    kind: list[str] = field(default_factory=list)
    storeys: list[int] = field(default_factory=list)
    entrances: list[int] = field(default_factory=list)
    households: list[int] = field(default_factory=list)
    group: list[int] = field(default_factory=list)

    def add(
        self, slots: Slots, kind: str, storeys: list[int], entrances: list[int], households: list[int], group: int
    ) -> None:
        """Add buildings of one kind."""
        n = len(slots)
        self.slots.append(slots)
        self.kind += [kind] * n
        self.storeys += storeys
        self.entrances += entrances
        self.households += households
        self.group += [group] * n

    def joined(self) -> Slots:
        """Return the slots of all buildings."""
        return join(self.slots)

    def __len__(self) -> int:
        return len(self.kind)


@dataclass(frozen=True, slots=True)
class Pattern:
    """How a block is built over with homes."""

    kind: str
    entrances: int
    storeys: int
    angle: float


def households_of(pattern: Pattern, rng: np.random.Generator) -> int:
    """Return the households of a full building of a pattern."""
    if pattern.kind == "slab":
        return min(MOST_IN_SLAB, 2 * pattern.entrances * pattern.storeys)
    if pattern.kind == "tower":
        return int(pattern.storeys * (4 if pattern.entrances == 1 else 6))
    return int(rng.integers(2, 5))


def block_patterns(fabric: Fabric, rng: np.random.Generator) -> list[Pattern]:
    """Choose for every block how homes would stand in it."""
    out = []
    for b, leaf in enumerate(fabric.block_leaf):
        zone = fabric.leaf_zone[leaf]
        angle = float(np.round(fabric.heading[b] + rng.normal(0, 0.02), 4))
        pick = rng.random()
        towers = {"core": 0.2, "mid": 0.14, "fringe": 0.03}.get(zone, 0.0)
        low = {"core": 0.05, "mid": 0.12, "fringe": 0.25}.get(zone, 0.0)
        if zone == "park":
            out.append(Pattern("none", 1, 1, angle))
        elif zone == "old":
            out.append(Pattern("old", 1, int(rng.integers(2, 4)), angle))
        elif zone == "village":
            out.append(Pattern("house", 1, 2, angle))
        elif pick < towers:
            out.append(Pattern("tower", int(rng.integers(1, 3)), int(rng.integers(18, 31)), angle))
        elif pick < towers + low:
            out.append(Pattern("low", 1, int(rng.integers(3, 5)), angle))
        else:
            entrances = int(rng.choice([2, 3, 3, 3, 4, 5]))
            storeys = int(rng.choice([5, 5, 6, 6, 6, 7]))
            out.append(Pattern("slab", entrances, max(storeys, 6 if entrances == 2 else 5), angle))  # noqa: PLR2004
    return out


def block_slots(
    fabric: Fabric,
    patterns: list[Pattern],
    site: Site,
    anchors: Floats,
    rng: np.random.Generator,
    *,
    roadside: bool,
) -> list[Slots]:
    """Return the free slots of every block under its pattern; ``roadside``: village houses along all roads too."""
    parts = []
    village = np.array([p.kind == "house" for p in patterns])
    if roadside:
        along = along_streets(
            fabric.streets,
            fabric.blocks,
            rng,
            classes=("residential", "unclassified", "tertiary", "living_street", "service", "track"),
            length=(8.5, 11.0),
            depth=9.0,
            gap=(3.0, 12.0),
        )
        parts.append(
            along.take(village[along.block] & (shapely.area(fabric.blocks)[along.block] > LARGEST_VILLAGE_BLOCK))
        )
    area = shapely.area(fabric.blocks)
    for b, pattern in enumerate(patterns):
        unfit = pattern.kind == "none" or np.isnan(anchors[b, 0])
        if unfit or (pattern.kind == "house" and area[b] > LARGEST_VILLAGE_BLOCK):
            continue
        rows = _rows(fabric.blocks[b], b, pattern)
        most = MOST_SLOTS * (2 if pattern.kind == "low" else 1)
        if len(rows) > most and pattern.kind in {"slab", "tower", "low"}:
            rows = rows.take(near_anchor(rows, anchors[b])[:most])
        parts.append(rows)
    slots = join(parts)
    slots = _uneven(slots, patterns, rng)
    slots = slots.take(site.fits(slots))
    slots = slots.take(site.within_reach(shapely.points(slots.middle), FARTHEST))
    if roadside:
        slots = slots.take(apart(slots.outlines(), 2.0, fixed=np.array([], dtype=object)))
    order = np.argsort(slots.block, kind="stable")
    slots = slots.take(order)
    bounds = np.searchsorted(slots.block, np.arange(len(patterns) + 1))
    return [slots.take(np.arange(bounds[b], bounds[b + 1])) for b in range(len(patterns))]


def _rows(block: shapely.Polygon, b: int, pattern: Pattern) -> Slots:
    """Lay the rows of a pattern over a block."""
    if pattern.kind == "slab":
        length = ENTRANCE * pattern.entrances + 1.5
        pitch = SLAB_DEPTH + 3.0 * pattern.storeys * 1.35
        return rows_in(block, b, pattern.angle, length=length, depth=SLAB_DEPTH, gap=11.0, pitch=pitch)
    if pattern.kind == "tower":
        length = 27.0 if pattern.entrances == 1 else 38.0
        return rows_in(block, b, pattern.angle, length=length, depth=19.0, gap=22.0, pitch=58.0)
    if pattern.kind == "low":
        return rows_in(block, b, pattern.angle, length=12.0, depth=11.0, gap=2.4, pitch=21.0)
    if pattern.kind == "old":
        return rows_in(block, b, _own_angle(block), length=12.6, depth=9.0, gap=1.4, pitch=12.5, margin=2.0)
    return rows_in(block, b, _own_angle(block), length=10.5, depth=9.5, gap=3.4, pitch=17.0, margin=3.0)


def _own_angle(block: shapely.Polygon) -> float:
    box = np.asarray(shapely.oriented_envelope(block).exterior.coords)
    sides = np.diff(box[:3], axis=0)
    longer = sides[int(np.argmax(np.hypot(sides[:, 0], sides[:, 1])))]
    angle = np.arctan2(longer[1], longer[0])
    return float(np.round((angle + np.pi / 4) % (np.pi / 2) - np.pi / 4, 4))


def _uneven(slots: Slots, patterns: list[Pattern], rng: np.random.Generator) -> Slots:
    """Make houses of the old town and the villages unequal, as they are."""
    small = np.array([patterns[b].kind in {"old", "house", "low"} for b in range(len(patterns))])[slots.block]
    n = len(slots)
    shrink = np.where(small, rng.uniform(0.68, 1.0, n), 1.0)
    deep = np.where(small, rng.uniform(0.78, 1.12, n), 1.0)
    turn = np.where(small, rng.normal(0, 0.025, n), 0.0)
    return Slots(
        slots.middle,
        slots.angle + turn,
        np.round(slots.length * shrink, 2),
        np.round(slots.depth * deep, 2),
        slots.block,
        slots.row,
        slots.column,
    )


def near_anchor(slots: Slots, anchor: Floats) -> Ints:
    """Order slots so that the first ones fill a rectangle that grows from a place at the street."""
    angle = slots.angle[0]
    cos, sin = np.cos(angle), np.sin(angle)
    d = slots.middle - anchor
    x, y = d[:, 0] * cos + d[:, 1] * sin, -d[:, 0] * sin + d[:, 1] * cos
    return np.lexsort((slots.column, slots.row, np.round(np.maximum(np.abs(x), np.abs(y)) / 20)))


def settle(
    fabric: Fabric,
    patterns: list[Pattern],
    free: list[Slots],
    anchors: Floats,
    targets: Targets,
    buildings: int,
    rng: np.random.Generator,
) -> Stock:
    """Give every leaf its households: fill blocks one after the other until the target is met.

    ``buildings`` is how many the county has; ``anchors[block]`` is a place at a street of the block (NaN: none).
    """
    stock = Stock()
    old = np.array(fabric.leaf_zone) == "old"
    crowd = max(2.5, float(targets.households[old].sum()) / 2 / (OLD_SHARE * buildings))
    by_leaf: list[list[int]] = [[] for _ in range(fabric.n_leaves)]
    for b, leaf in enumerate(fabric.block_leaf):
        by_leaf[leaf].append(b)
    for leaf, blocks in enumerate(by_leaf):
        rest, start = int(targets.households[leaf]), len(stock)
        ready = [b for b in blocks if len(free[b]) and not np.isnan(anchors[b, 0])]
        rng.shuffle(ready)
        ready.sort(key=lambda b: patterns[b].kind == "low")
        if fabric.leaf_zone[leaf] == "village":
            _settle_village(stock, [free[b] for b in ready], rest, rng)
            continue
        if leaf in targets.giants:
            ready.sort(key=lambda b: (patterns[b].kind != "tower", patterns[b].entrances != 2))  # noqa: PLR2004
            rest -= _settle_giant(stock, free[ready[0]], anchors[ready[0]], targets.giants[leaf], ready[0])
            ready = ready[1:]
        if fabric.leaf_zone[leaf] == "old":
            rest -= _settle_old(stock, [free[b] for b in ready], rest, crowd, rng)
            ready = []
        for b in ready:
            if rest > TOO_FEW:
                rest -= _settle_block(stock, patterns[b], free[b], anchors[b], rest, b, rng)
        if rest > RAISED_FROM:
            _raise(stock, start, rest)
    return stock


def _raise(stock: Stock, start: int, rest: int) -> None:
    """Make the homes of a leaf that has too little room higher, so that more households live in them."""
    total = sum(stock.households[start:])
    if total == 0:
        return
    factor = min(MOST_RAISED, 1 + rest / total)
    for k in range(start, len(stock)):
        most = {"slab": MOST_IN_SLAB, "tower": 220}.get(stock.kind[k], 14)
        higher = max(stock.households[k], min(most, round(stock.households[k] * factor)))
        stock.storeys[k] = max(stock.storeys[k], round(stock.storeys[k] * higher / max(1, stock.households[k])))
        stock.households[k] = higher


def _settle_village(stock: Stock, free: list[Slots], target: int, rng: np.random.Generator) -> None:
    if not free:
        return
    slots = join(free)
    order = rng.permutation(len(slots))[: max(1, target)]
    chosen = slots.take(np.sort(order))
    n = len(chosen)
    storeys = [int(s) for s in rng.choice([1, 2, 2, 2, 3], n)]
    stock.add(chosen, "house", storeys, [1] * n, [1] * n, -1)


def _settle_giant(stock: Stock, free: Slots, anchor: Floats, households: int, block: int) -> int:
    """Build one tower that alone is larger than a grid should be."""
    first = near_anchor(free, anchor)[:1]
    stock.add(free.take(first), "tower", [34], [2], [households], block)
    return households


def _settle_old(stock: Stock, free: list[Slots], rest: int, crowd: float, rng: np.random.Generator) -> int:
    """Scatter houses with ``crowd`` households to a storey over an old quarter; return the households housed."""
    wanted = rest
    slots = join(free)
    chosen: list[int] = []
    storeys: list[int] = []
    homes: list[int] = []
    for k in rng.permutation(len(slots)):
        if rest <= 0:
            break
        floors = int(rng.integers(1, 4))
        h = min(rest, max(1, round(crowd * floors * rng.uniform(0.75, 1.25))))
        chosen.append(int(k))
        storeys.append(floors)
        homes.append(h)
        rest -= h
    if chosen:
        stock.add(slots.take(np.array(chosen)), "old", storeys, [1] * len(chosen), homes, -1)
    return wanted - rest


def _settle_block(
    stock: Stock, pattern: Pattern, free: Slots, anchor: Floats, rest: int, block: int, rng: np.random.Generator
) -> int:
    """Build one block until ``rest`` households are housed; return how many it took."""
    order = near_anchor(free, anchor)
    chosen: list[int] = []
    homes: list[int] = []
    storeys: list[int] = []
    entrances: list[int] = []
    left = rest
    for k in order:
        if left <= (6 if pattern.kind in {"slab", "tower"} else 0):
            break
        if pattern.kind in {"slab", "tower"}:
            full = households_of(pattern, rng)
            if pattern.kind == "tower" and left < 62:  # noqa: PLR2004
                break
            least = 24 if pattern.kind == "slab" else 80
            h = max(least, min(int(full - rng.integers(0, 4)), left))
            stock_storeys = pattern.storeys
        else:
            stock_storeys = pattern.storeys
            h = min(left, int(rng.integers(2, 5)))
        chosen.append(int(k))
        homes.append(h)
        storeys.append(stock_storeys)
        entrances.append(pattern.entrances)
        left -= h
    if not chosen:
        return 0
    stock.add(free.take(np.array(chosen)), pattern.kind, storeys, entrances, homes, block)
    return rest - left
