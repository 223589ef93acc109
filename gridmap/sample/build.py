"""All buildings of the county, as one table of arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from gridmap.errors import InputError
from gridmap.model.progress import Progress, silent
from gridmap.model.text import Text
from gridmap.sample.courts import WHOLE_BLOCK, Court, choose_walled, hill_paths, lay_out
from gridmap.sample.fabric import Fabric, Ints
from gridmap.sample.ground import Floats
from gridmap.sample.homes import Pattern, Stock, block_patterns, block_slots, settle
from gridmap.sample.land import Land
from gridmap.sample.size import Size
from gridmap.sample.slots import Site
from gridmap.sample.targets import Targets, capacity, set_targets
from gridmap.sample.works import compounds, dedicated_works, farmsteads, sheds, street_shops


@dataclass(slots=True)
class Buildings:
    """Buildings as parallel arrays; ``group`` is the block of the estate (-1: none)."""

    outline: NDArray[np.object_]
    block: Ints
    leaf: Ints
    kind: NDArray[np.object_]
    storeys: Ints
    entrances: Ints
    households: Ints
    group: Ints
    angle: Floats
    row: Ints

    def __len__(self) -> int:
        return len(self.outline)

    @property
    def middle(self) -> Floats:
        """Middles of the buildings, (n, 2) metres."""
        return np.asarray(shapely.get_coordinates(shapely.centroid(self.outline)))


@dataclass(slots=True)
class Built:
    """What was built, with the leaves' targets and the blocks of institutions and works."""

    buildings: Buildings
    targets: Targets
    patterns: list[Pattern]
    institutions: list[int]
    works: list[int]
    anchors: Floats
    courts: list[Court]
    court_kinds: list[str]
    paths: list[Floats]
    path_meets: Floats


def anchors_of(fabric: Fabric) -> Floats:
    """Return for every block a place at a street on its border (NaN: it has none)."""
    out = np.full((len(fabric.blocks), 2), np.nan)
    inner = shapely.point_on_surface(fabric.blocks)
    _, street = shapely.STRtree(fabric.streets.geometry).query_nearest(inner, all_matches=False)
    line = fabric.streets.geometry[street]
    place = shapely.line_interpolate_point(line, shapely.line_locate_point(line, inner))
    ok = shapely.distance(place, fabric.blocks) < 60  # noqa: PLR2004
    out[ok] = shapely.get_coordinates(place)[ok]
    return out


def build(size: Size, land: Land, rng: np.random.Generator, *, progress: Progress = silent) -> Built:
    """Build everything: exactly ``size.buildings`` buildings."""
    fabric = land.fabric
    progress(0.0, Text("划出住宅用地", "laying out homes"))
    site = Site(fabric, land.barriers)
    anchors = anchors_of(fabric)
    patterns = block_patterns(fabric, rng)
    free = block_slots(fabric, patterns, site, anchors, rng, roadside=land.streets is not None)
    room = capacity(fabric, patterns, free, anchors)
    towers: list[list[int]] = [[] for _ in range(fabric.n_leaves)]
    for b, pattern in enumerate(patterns):
        if pattern.kind == "tower" and pattern.entrances == 2 and len(free[b]):  # noqa: PLR2004
            towers[fabric.block_leaf[b]].append(b)
    targets = set_targets(size, fabric, room, towers, rng)
    progress(0.5, Text("建造住宅", "building homes"))
    stock = settle(fabric, patterns, free, anchors, targets, size.buildings, rng)
    homes = len(stock)
    del free, room, towers
    progress(0.6, Text("建造单位和商铺", "building works and shops"))
    courts, kinds = _courts(size, fabric, stock, patterns, site, rng)
    busy = np.zeros(len(fabric.blocks), dtype=bool)
    busy[np.array(stock.joined().block, dtype=np.intp)] = True
    closed = np.zeros(len(fabric.blocks), dtype=bool)
    for leaf in targets.dedicated:
        closed |= fabric.block_leaf == leaf
    area = shapely.area(fabric.blocks)
    busy |= closed
    for court in courts:
        closed[court.block] |= court.walled and area[court.block] <= WHOLE_BLOCK
    paths, path_meets = _park_paths(fabric, targets, anchors, site, rng)
    dedicated_works(stock, fabric, site, targets, anchors, rng)
    rest = size.buildings - len(stock)
    if rest < 0:
        raise InputError(
            f"{size.buildings} 栋楼住不下，至少需要 {homes} 栋。",
            f"{size.buildings} buildings do not house the county; at least {homes} are needed.",
        )
    institutions = compounds(
        stock, fabric, site, anchors, kind="compound", count=size.share(57), buildings=round(0.18 * rest),
        busy=busy, rng=rng,
    )  # fmt: skip
    works = compounds(
        stock, fabric, site, anchors, kind="hall", count=size.share(40), buildings=round(0.15 * rest),
        busy=busy, rng=rng,
    )  # fmt: skip
    street_shops(stock, fabric, site, count=round(0.36 * rest), closed=closed, rng=rng)
    farmsteads(stock, fabric, site, count=round(0.12 * rest), closed=closed, rng=rng)
    progress(0.85, Text("建造附属房屋", "building sheds"))
    sheds(stock, site, count=size.buildings - len(stock), rng=rng)
    return Built(
        _table(stock, fabric), targets, patterns, institutions, works, anchors, courts, kinds, paths, path_meets
    )


def _courts(
    size: Size, fabric: Fabric, stock: Stock, patterns: list[Pattern], site: Site, rng: np.random.Generator
) -> tuple[list[Court], list[str]]:
    """Lay out the estates, say of what type each is, and wall some of them."""
    courts = lay_out(fabric, stock.joined(), np.array(stock.group, dtype=np.intp), np.array(stock.kind, dtype=object))
    kinds = []
    for court in courts:
        pattern = patterns[court.block].kind
        plain = "unit_family" if rng.random() < 0.36 else "commodity"  # noqa: PLR2004
        kinds.append({"low": "village_built", "tower": "commodity"}.get(pattern, plain))
    choose_walled(courts, kinds, size.share(12, least=2))
    site.keep_free([w for c in courts for w in c.ways])
    return courts, kinds


def _park_paths(
    fabric: Fabric, targets: Targets, anchors: Floats, site: Site, rng: np.random.Generator
) -> tuple[list[Floats], Floats]:
    """Lay footpaths over the hill of every park; return them and where they meet a street."""
    paths: list[Floats] = []
    meets: list[Floats] = []
    area = shapely.area(fabric.blocks)
    for leaf, kind in targets.dedicated.items():
        blocks = np.flatnonzero((fabric.block_leaf == leaf) & ~np.isnan(anchors[:, 0]))
        if kind != "park" or len(blocks) == 0:
            continue
        b = int(blocks[int(np.argmax(area[blocks]))])
        if shapely.Point(anchors[b]).distance(fabric.blocks[b]) > 1:
            continue
        meets.append(np.round(anchors[b], 2))
        paths += hill_paths(fabric.blocks[b], meets[-1], rng)
    site.keep_free(paths)
    return paths, np.array(meets).reshape(-1, 2)


def _table(stock: Stock, fabric: Fabric) -> Buildings:
    slots = stock.joined()
    return Buildings(
        outline=slots.outlines(),
        block=slots.block,
        leaf=fabric.block_leaf[slots.block],
        kind=np.array(stock.kind, dtype=object),
        storeys=np.array(stock.storeys, dtype=np.intp),
        entrances=np.array(stock.entrances, dtype=np.intp),
        households=np.array(stock.households, dtype=np.intp),
        group=np.array(stock.group, dtype=np.intp),
        angle=slots.angle,
        row=slots.row,
    )
