"""Where stations and candidates stand, and the places that they leave out on purpose."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.spatial import cKDTree

from gridmap.sample.build import Built
from gridmap.sample.editions import Edition
from gridmap.sample.fabric import Ints
from gridmap.sample.ground import Floats
from gridmap.sample.size import Size
from gridmap.sample.walking import REACH, Network

#: Stations are placed so that homes are well inside or well outside their reach.
NEAR, FAR = 0.93 * REACH, 1.06 * REACH
DETOUR = 10 * 60 * REACH / 900
#: Up to this many buildings the walking reach of every site is known before stations are chosen.
EXACT = 6000
NO_SITE = ("shed", "park")
#: What a home counts beside its households, so that lonely ones are not forgotten.
A_HOME = 25.0
PASSES = 8
#: How many pairs of gaps are tried until all other homes are served.
ATTEMPTS = 24
#: Up to this many homes out of reach are worth another try.
MENDABLE = 8
#: How many of the loneliest places are tried for each kind of gap.
TRIED = 14
#: How many grids, and half of how many estates, are looked at in a large county.
LOOKED_AT = 10


@dataclass(slots=True, eq=False)
class Gap:
    """Homes that a station is near to as the crow flies, but not on foot."""

    kind: str
    homes: Ints
    station: int = -1
    court: int = -1
    straight: tuple[float, float] = (0.0, 0.0)
    walk: tuple[float, float] = (0.0, 0.0)
    detour: float = 0.0


@dataclass(slots=True)
class Stations:
    """Buildings with stations and candidates, and the gaps; ``first`` marks the main network."""

    building: list[int]
    first: NDArray[np.bool_]
    candidate: list[int]
    best: int
    gaps: list[Gap] = field(default_factory=list)
    walk: Floats = field(default_factory=lambda: np.zeros(0))
    homes: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.intp))

    def truth(self, now: Edition, built: Built, source: list[str]) -> dict[str, Any]:
        """Return what is known of coverage, by codes and source identifiers."""
        leaf = now.label[built.buildings.block]
        open_ = self.walk > REACH
        lost = sorted(
            set(leaf[self.homes].tolist()) - set(leaf[self.homes[~open_]].tolist()), key=lambda k: now.code[k]
        )
        gaps = [
            {
                "kind": gap.kind,
                "grids": sorted({now.code[k] for k in leaf[gap.homes].tolist()}),
                "buildings": sorted(source[k] for k in gap.homes.tolist()),
                "households": int(built.buildings.households[gap.homes].sum()),
                "station": f"S{self.building.index(gap.station) + 1:03d}",
                "straight_m": [round(s) for s in gap.straight],
                "walk_m": [round(w) for w in gap.walk],
                "detour_m": round(gap.detour),
            }
            for gap in self.gaps
        ]
        return {
            "gaps": gaps,
            "grid_without_station": now.code[lost[0]] if lost else None,
            "grids_without_station": [now.code[k] for k in lost],
            "best_next_site": f"C{self.best + 1:03d}",
            "not_reached": sorted(source[k] for k in self.homes[open_].tolist()),
        }


class _Town:
    """Homes, sites and walking distances."""

    def __init__(self, built: Built, now: Edition, network: Network, away: set[int]) -> None:
        self.buildings = built.buildings
        self.middle = built.buildings.middle
        self.leaf = now.label[built.buildings.block]
        self.network = network
        live = built.buildings.households > 0
        live[list(away)] = False
        self.homes: Ints = np.flatnonzero(live)
        site = ~np.isin(built.buildings.kind, NO_SITE)
        site[list(away)] = False
        self.sites: Ints = np.flatnonzero(site)
        self.people = built.buildings.households.astype(float)
        self.tried = TRIED if len(self.homes) < EXACT else 2
        self._on = network.attach(self.middle)

    def walk(self, start: Ints, to: Ints) -> Floats:
        """Return metres on foot from the nearest of some buildings to each of others."""
        if len(start) == 0:
            return np.full(len(to), np.inf)
        return self.network.nearest(self._on.take(start), self._on.take(to))

    def walks(self, start: Ints, to: Ints) -> Floats:
        """Return metres on foot from each of some buildings to each of others within reach, (n, m)."""
        return self.network.distances(self._on.take(start), self._on.take(to), limit=REACH)


def choose_stations(
    size: Size,
    built: Built,
    now: Edition,
    network: Network,
    river: shapely.Geometry,
    rail: shapely.Geometry,
    away: set[int],
    rng: np.random.Generator,
) -> Stations:
    """Place one station in every level-2 grid, others where most homes are not yet reached, and candidates.

    Two places stay out of reach although a station is near: one across the river, one behind an estate's
    wall. ``away`` are buildings that no street leads to.
    """
    town = _Town(built, now, network, away)
    special = {*built.targets.over, *built.targets.under, *built.targets.dedicated}
    barrier = shapely.union_all([river, shapely.buffer(rail, 1.0)])
    rivers, walls = _across_river(town, now, river, special), _behind_wall(town, built, now, barrier, special)
    pool = _pool(size, town, town.sites, rng)
    reach = _reach(size, town, pool, town.homes)
    best: tuple[int, list[Gap], Ints, list[int], list[int]] | None = None
    for gaps, allowed in _choices(town, rivers, walls):
        left_out = np.concatenate([np.zeros(0, dtype=np.intp), *(g.homes for g in gaps)])
        wanted = np.isin(town.homes, left_out, invert=True)
        usable = np.isin(pool, allowed)
        served = town.walk(np.array([g.station for g in gaps], dtype=np.intp), town.homes[wanted]) < NEAR
        first, second = _place(
            size, town, now, pool[usable], reach[usable][:, wanted], [g.station for g in gaps], served, wanted, rng
        )
        if size.buildings <= EXACT:
            _mend(size, town, now, allowed, gaps, served, wanted, pool[usable], first, second)
        badness = _badness(town, gaps, [*first, *second], wanted)
        if best is None or badness < best[0]:
            best = (badness, gaps, allowed, first, second)
        if badness == 0 or len(town.homes) > EXACT:
            break
    assert best is not None  # noqa: S101 (there is always a choice)
    _, gaps, allowed, first, second = best
    chosen = [*first, *second]
    candidates, site = _candidates(size, town, allowed, chosen, gaps, rng)
    mask = np.array([True] * len(first) + [False] * len(second))
    walk = town.walk(np.array(chosen), town.homes)
    for gap in gaps:
        d = np.hypot(*(town.middle[gap.homes] - town.middle[gap.station]).T)
        w = town.walk(np.array([gap.station]), gap.homes)
        gap.detour = float((w - d).min())
        gap.straight, gap.walk = (float(d.min()), float(d.max())), (float(w.min()), float(w.max()))
    return Stations(chosen, mask, candidates, site, gaps, walk, town.homes)


def _choices(town: _Town, rivers: list[Gap], walls: list[Gap]) -> Iterator[tuple[list[Gap], Ints]]:
    """Give pairs of gaps, those first that leave the fewest other homes without any site; and the sites left."""
    ordered = [
        [gap for _, _, gap in sorted((_lost(town, [gap])[0], k, gap) for k, gap in enumerate(gaps))]
        for gaps in (rivers, walls)
    ]
    both = [[r, w] for r in ordered[0] for w in ordered[1] if _may_stand(town, r, w)]
    both = both or [[g] for g in [*ordered[0], *ordered[1]]]
    if not both:
        yield [], town.sites
        return
    found = sorted((_lost(town, gaps)[0], k) for k, gaps in enumerate(both[: 2 * town.tried]))
    for _, k in found[:ATTEMPTS]:
        gaps = [replace(gap) for gap in both[k]]
        _, allowed = _lost(town, gaps)
        for gap in gaps:
            _absorb(town, gap, gaps, allowed)
        left_out = np.concatenate([g.homes for g in gaps])
        yield gaps, allowed[town.walk(left_out, allowed) > 1.05 * REACH]


def _absorb(town: _Town, gap: Gap, gaps: list[Gap], allowed: Ints) -> None:
    """Count to a gap the homes beside it that are as far from its station and that no other site could reach."""
    wanted = np.setdiff1d(town.homes, np.concatenate([g.homes for g in gaps]))
    lost = wanted[town.walk(allowed, wanted) > 0.97 * NEAR]
    if len(lost) == 0:
        return
    straight = np.hypot(*(town.middle[lost] - town.middle[gap.station]).T)
    walk = town.walk(np.array([gap.station]), lost)
    beside, _ = cKDTree(town.middle[gap.homes]).query(town.middle[lost])
    take = (straight < 0.97 * REACH) & (walk > FAR) & (walk > straight + DETOUR) & (beside < 350)  # noqa: PLR2004
    gap.homes = np.sort(np.concatenate([gap.homes, lost[take]]))


def _lost(town: _Town, gaps: list[Gap]) -> tuple[int, Ints]:
    """Return how many other homes no site could reach if the gaps stay open, and the sites that may be used."""
    left_out = np.concatenate([g.homes for g in gaps])
    allowed = town.sites[town.walk(left_out, town.sites) > FAR]
    wanted = np.setdiff1d(town.homes, left_out)
    return int((town.walk(allowed, wanted) > 0.97 * NEAR).sum()), allowed


def _may_stand(town: _Town, one: Gap, two: Gap) -> bool:
    """Whether neither gap is served by the station of the other, nor shares its grid or homes."""
    apart = not set(town.leaf[one.homes].tolist()) & set(town.leaf[two.homes].tolist())
    ways = [town.walk(np.array([a.station]), b.homes).min() for a, b in ((one, two), (two, one))]
    return apart and min(ways) > FAR


def _across_river(town: _Town, now: Edition, river: shapely.Geometry, special: set[int]) -> list[Gap]:
    """Find grids by the river with a site near on the other bank that is far on foot, the loneliest first."""
    if river.is_empty:
        return []
    shapely.prepare(river)
    found: list[tuple[float, Gap]] = []
    beside = shapely.dwithin(river, shapely.points(town.middle[town.homes]), 800)
    near = np.unique(town.leaf[town.homes[beside]])
    for leaf in near if len(town.homes) < EXACT else near[:: max(1, len(near) // LOOKED_AT)]:
        if now.kind[leaf] != "urban" or int(leaf) in special:
            continue
        homes = town.homes[town.leaf[town.homes] == leaf]
        straight = np.hypot(*(town.middle[town.sites][:, None] - town.middle[homes][None]).transpose(2, 0, 1))
        close = np.flatnonzero(straight.max(axis=1) < 0.93 * REACH)
        if len(close) == 0:
            continue
        sites = town.sites[close]
        centre = town.middle[homes].mean(axis=0)
        ends = np.stack([town.middle[sites], np.broadcast_to(centre, (len(sites), 2))], axis=1)
        walk = town.walk(homes, sites)
        good = shapely.intersects(river, shapely.linestrings(ends)) & (walk > straight[close].max(axis=1) + DETOUR)
        good &= (walk > 1.15 * REACH) & np.isfinite(walk)
        if not good.any():
            continue
        beyond = np.setdiff1d(town.homes, homes)
        lonely = town.people[beyond[town.walk(homes, beyond) < 450]].sum()  # noqa: PLR2004
        k = int(np.flatnonzero(good)[int(np.argmin(straight[close].max(axis=1)[good]))])
        score = lonely + 0.2 * float(straight[close].max(axis=1)[k])
        found.append((score, Gap("river", homes, int(sites[k]))))
    return [gap for _, gap in sorted(found, key=lambda f: (f[0], f[1].station))[: town.tried]]


def _behind_wall(town: _Town, built: Built, now: Edition, barrier: shapely.Geometry, special: set[int]) -> list[Gap]:
    """Find estates with one side to their street and a site near their back, the loneliest first."""
    shapely.prepare(barrier)
    found: list[tuple[float, Gap]] = []
    step = 1 if len(town.homes) < EXACT else max(1, len(built.courts) // (2 * LOOKED_AT))
    for k in range(0, len(built.courts), step):
        court = built.courts[k]
        homes = court.members
        leaf = int(town.leaf[homes[0]])
        if len(court.meets) == 0 or leaf in special or now.kind[leaf] != "urban":
            continue
        near = np.hypot(*(town.middle[town.sites] - town.middle[homes].mean(axis=0)).T) < 0.55 * REACH
        sites = np.setdiff1d(town.sites[near], homes)
        if len(sites) == 0:
            continue
        straight = np.hypot(*(town.middle[sites][:, None] - town.middle[homes][None]).transpose(2, 0, 1)).max(axis=1)
        walk = town.walk(homes, sites)
        centre = np.broadcast_to(town.middle[homes].mean(axis=0), (len(sites), 2))
        free = ~shapely.intersects(barrier, shapely.linestrings(np.stack([town.middle[sites], centre], axis=1)))
        good = free & (walk > straight + 1.05 * DETOUR) & (walk > 1.12 * REACH) & np.isfinite(walk)
        if not good.any():
            continue
        beyond = np.setdiff1d(town.homes, homes)
        way = town.walk(homes, beyond)
        same = beyond[(town.leaf[beyond] == leaf) & (way > 300)]  # noqa: PLR2004
        if len(same) == 0:
            continue
        lonely = town.people[beyond[way < 300]].sum()  # noqa: PLR2004
        s = int(np.flatnonzero(good)[int(np.argmin(straight[good]))])
        score = lonely + 0.2 * float(straight[s]) + (0 if court.walled else 15)
        found.append((score, Gap("wall", homes, int(sites[s]), k)))
    return [gap for _, gap in sorted(found, key=lambda f: (f[0], f[1].court))[: town.tried]]


def _badness(town: _Town, gaps: list[Gap], stations: list[int], wanted: NDArray[np.bool_]) -> int:
    """Return how far the outcome is from what is wanted: all other homes well served, one grid without station."""
    walk = town.walk(np.array(stations), town.homes)
    lost = int((walk[wanted] > NEAR + 0.01 * REACH).sum())
    leaf = town.leaf[town.homes]
    empty = len(set(leaf.tolist()) - set(leaf[walk <= REACH].tolist()))
    return lost + 40 * abs(empty - 1) * bool(gaps)


def _pool(size: Size, town: _Town, allowed: Ints, rng: np.random.Generator) -> Ints:
    """Return sites to choose from: shops and institutions first, and some of every leaf."""
    likely = np.where(np.isin(town.buildings.kind[allowed], ["shop", "compound", "school"]), 0.0, 1.0)
    order = allowed[np.lexsort((rng.random(len(allowed)), likely))]
    return np.unique(np.concatenate([order[: size.share(240)], _of_each_leaf(town, order, town.homes)]))


def _place(
    size: Size,
    town: _Town,
    now: Edition,
    pool: Ints,
    table: csr_array,
    fixed: list[int],
    served: NDArray[np.bool_],
    wanted: NDArray[np.bool_],
    rng: np.random.Generator,
) -> tuple[list[int], list[int]]:
    """Choose sites: first one in every level-2 grid, then the others, each where it reaches most new homes.

    ``table`` says which of the wanted homes each site of the pool reaches, ``served`` which of them the fixed
    stations reach.
    """
    second_of = now.second[town.leaf]
    open_ = np.where(served, 0.0, 1.0)
    weight = town.people[town.homes[wanted]] + A_HOME
    first: list[int] = []
    for s in np.unique(second_of[town.homes]):
        here = np.flatnonzero(second_of[pool] == s)
        inside = [f for f in fixed if second_of[f] == s and f not in first]
        if inside:
            first.append(inside[0])
            continue
        if len(here) == 0:
            continue
        gain = table[here] @ (weight * open_ + 0.02 * weight)
        k = int(here[int(np.argmax(gain))])
        first.append(int(pool[k]))
        open_[table[[k]].indices] = 0.0
    second = [f for f in fixed if f not in first]
    spare = ~np.isin(pool, [*first, *second])
    while len(second) < size.share(26) and spare.any():
        gain = np.where(spare, table @ (weight * open_), -1.0)
        if gain.max() <= 0:
            gain = np.where(spare, rng.random(len(pool)), -1.0)
        k = int(np.argmax(gain))
        second.append(int(pool[k]))
        spare[k] = False
        open_[table[[k]].indices] = 0.0
    if size.buildings <= EXACT:
        _Plan(pool, table, second_of, fixed, served, weight).improve(first, second)
    return first, second


def _mend(
    size: Size,
    town: _Town,
    now: Edition,
    allowed: Ints,
    gaps: list[Gap],
    served: NDArray[np.bool_],
    wanted: NDArray[np.bool_],
    pool: Ints,
    first: list[int],
    second: list[int],
) -> None:
    """Try more sites near homes that are still out of reach."""
    homes = town.homes[wanted]
    lost = homes[town.walk(np.array([*first, *second]), homes) > NEAR]
    if not 0 < len(lost) < MENDABLE:
        return
    near, _ = cKDTree(town.middle[lost]).query(town.middle[allowed])
    more = np.unique(np.concatenate([pool, allowed[np.argsort(near, kind="stable")[:60]]]))
    fixed = [g.station for g in gaps]
    weight = town.people[homes] + A_HOME
    plan = _Plan(more, _reach(size, town, more, homes), now.second[town.leaf], fixed, served, weight)
    plan.improve(first, second)


@dataclass(slots=True)
class _Plan:
    """Sites that may be exchanged: which homes each reaches, its level-2 grid, and what fixed stations serve."""

    pool: Ints
    table: csr_array
    second_of: Ints
    fixed: list[int]
    served: NDArray[np.bool_]
    weight: Floats

    def improve(self, first: list[int], second: list[int]) -> None:
        """Exchange stations for better sites, one at a time, until none helps; the first tier keeps its grids."""
        row = {int(p): i for i, p in enumerate(self.pool)}
        count = self.served.astype(float)
        for station in [*first, *second]:
            if station not in self.fixed:
                count += self._homes(row[station])
        level = self.second_of[self.pool]
        for _ in range(PASSES):
            better = False
            for stations in (second, first):
                for i, station in enumerate(stations):
                    if station in self.fixed:
                        continue
                    here = row[station]
                    rest = count - self._homes(here)
                    gain = self.table @ (self.weight * (rest <= 0))
                    now = gain[here]
                    gain[[row[s] for s in [*first, *second] if s in row]] = -1.0
                    if stations is first:
                        gain[level != level[here]] = -1.0
                    k = int(np.argmax(gain))
                    if gain[k] > now + 1e-9:
                        stations[i] = int(self.pool[k])
                        count = rest + self._homes(k)
                        better = True
            if not better:
                return

    def _homes(self, site: int) -> Floats:
        return np.asarray(self.table[[site]].toarray()[0], dtype=np.float64)


def _of_each_leaf(town: _Town, order: Ints, wanted: Ints, *, most: int = 8) -> Ints:
    """Return some sites of every leaf: the likeliest ones near the middle of its homes."""
    count = np.bincount(town.leaf[wanted], minlength=int(town.leaf.max()) + 1)
    middle = np.column_stack(
        [
            np.bincount(town.leaf[wanted], weights=town.middle[wanted, d], minlength=len(count)) / np.maximum(count, 1)
            for d in (0, 1)
        ]
    )
    leaf = town.leaf[order]
    away = np.round(np.hypot(*(town.middle[order] - middle[leaf]).T) / 60)
    by_leaf = np.lexsort((np.arange(len(order)), away, leaf))
    start = np.concatenate([[0], np.flatnonzero(np.diff(leaf[by_leaf])) + 1])
    rank = np.arange(len(order)) - np.repeat(start, np.diff(np.append(start, len(order))))
    return np.asarray(order[by_leaf[rank < most]])


def _reach(size: Size, town: _Town, pool: Ints, wanted: Ints) -> csr_array:
    """Return which homes each site of the pool reaches (on foot; in large counties as the crow flies, shortened)."""
    if size.buildings <= EXACT:
        return csr_array((town.walks(pool, wanted) < NEAR).astype(float))
    tree = shapely.STRtree(shapely.points(town.middle[wanted]))
    site, home = tree.query(shapely.points(town.middle[pool]), predicate="dwithin", distance=0.6 * REACH)
    return csr_array((np.ones(len(site)), (site, home)), shape=(len(pool), len(wanted)))


def _candidates(
    size: Size, town: _Town, allowed: Ints, chosen: list[int], gaps: list[Gap], rng: np.random.Generator
) -> tuple[list[int], int]:
    """Choose spare properties; one of them, among the homes across the river, serves far more than any other."""
    taken = {*chosen}
    order = [int(p) for p in rng.permutation(allowed) if int(p) not in taken and town.buildings.kind[p] != "slab"]
    out = order[: size.share(30, least=3)]
    if not gaps:
        return out, 0
    homes = gaps[0].homes
    beside = np.setdiff1d(town.sites, np.array([*taken, *out]))
    near = beside[np.argsort(np.hypot(*(town.middle[beside] - town.middle[homes].mean(axis=0)).T), kind="stable")[:40]]
    served = [float(town.people[homes][town.walk(np.array([p]), homes) < NEAR].sum()) for p in near]
    best = len(out) // 3
    out[best] = int(near[int(np.argmax(served))])
    return out, best
