"""What is planted in the county for tests to find, and the record of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import shapely

from gridmap.sample.build import Buildings, Built
from gridmap.sample.coverage import Stations
from gridmap.sample.editions import Edition, holds_together, neighbours
from gridmap.sample.fabric import Fabric, components
from gridmap.sample.land import Land
from gridmap.sample.levels import Levels
from gridmap.sample.size import Size
from gridmap.sample.slots import rectangles
from gridmap.sample.targets import BAND

#: How many pieces of community lines are looked at for a building to stand on.
LINES_TRIED = 150
#: How many buildings are planted.
PLANTED = 4
LOW, HIGH = round(0.7 * BAND), round(1.3 * BAND)


@dataclass(slots=True)
class Planted:
    """Indexes of what was planted."""

    under_line: int = -1
    unattached: list[int] = field(default_factory=list)
    without_grid: int = -1
    hole: tuple[int, shapely.Geometry] | None = None
    two_pieces: int = -1
    donor: int = -1
    vacant: list[int] = field(default_factory=list)

    def fixed_leaves(self, built: Built) -> set[int]:
        """Return leaves that must not change between the editions."""
        t = built.targets
        return {*t.over, *t.under, *t.dedicated, self.two_pieces, self.donor}

    def vacancies(self, now: Edition, rng: np.random.Generator) -> set[int]:
        """Choose the grids in which nobody is on duty."""
        able = [k for k in now.leaves if k != self.two_pieces]
        self.vacant = sorted(int(able[i]) for i in rng.permutation(len(able))[:4])
        return set(self.vacant)

    def truth(
        self,
        size: Size,
        fabric: Fabric,
        now: Edition,
        before: Edition,
        built: Built,
        source: list[str],
        stations: Stations,
        requests: list[dict[str, Any]],
        households: dict[str, list[Any]],
    ) -> dict[str, Any]:
        """Return the record of everything planted, by codes and source identifiers."""
        label = now.label[built.buildings.block]
        total = np.bincount(label, weights=built.buildings.households, minlength=len(now.code)).astype(int)
        urban = [k for k in now.leaves if now.kind[k] == "urban"]
        over = sorted(now.code[k] for k in urban if total[k] > HIGH)
        under = sorted(now.code[k] for k in urban if total[k] < LOW)
        kinds = {kind: sum(now.kind[k] == kind for k in now.leaves) for kind in ("urban", "rural", "dedicated")}
        vacant = sorted(now.code[k] for k in self.vacant)
        unattached = sorted(source[k] for k in self.unattached)
        roles: dict[str, list[str]] = {}
        for row in requests:
            if row["role"]:
                roles.setdefault(row["role"], []).append(row["source_ref"])
        inside = fabric.pairs[now.label[fabric.pairs[:, 0]] == now.label[fabric.pairs[:, 1]]]
        piece = components(len(now.label), inside)
        together = np.bincount(now.label[np.unique(piece, return_index=True)[1]], minlength=len(now.code))
        pieces = sorted(now.code[k] for k in now.leaves if now.kind[k] != "dedicated" and together[k] > 1)
        checks = {
            "coverage": [],
            "building_without_grid": [],
            "grid_pieces": [f"grid:{code}" for code in pieces],
            "household_band": [f"grid:{code}" for code in sorted(over + under)],
            "codes": [],
            "footprint_cut_by_official_line": [] if self.under_line < 0 else [f"building:{source[self.under_line]}"],
            "unattached": [f"building:{s}" for s in unattached],
            "vacancy": [f"grid:{code}" for code in vacant],
        }
        draft = {**checks}
        if self.without_grid >= 0:
            draft["building_without_grid"] = [f"building:{source[self.without_grid]}"]
        return {
            "grids_over": over,
            "grids_under": under,
            "grid_in_two_pieces": None if self.two_pieces < 0 else now.code[self.two_pieces],
            "building_without_grid": None if self.without_grid < 0 else source[self.without_grid],
            "footprint_under_community_line": None if self.under_line < 0 else source[self.under_line],
            "unattached_buildings": unattached,
            "vacancies": vacant,
            **stations.truth(now, built, source),
            "changes": before.changes,
            "requests": roles,
            "households_by_grid": {now.code[k]: int(total[k]) for k in sorted(now.leaves, key=lambda k: now.code[k])},
            "counts": {
                "buildings": len(built.buildings),
                "households": int(sum(households["households"])),
                "people": int(sum(households["people"])),
                "grids": kinds,
                "grids_level_1": len(set(now.community[now.leaves].tolist())),
                "grids_level_2": len(set(now.second[now.leaves].tolist())),
                "communities": size.communities,
                "requests": len(requests),
                "stations_first": int(stations.first.sum()),
                "stations_second": int((~stations.first).sum()),
            },
            "checks": checks,
            "checks_draft": draft,
        }


def _append(buildings: Buildings, outline: shapely.Polygon, block: int, leaf: int, kind: str, households: int) -> int:
    for name, value in (
        ("outline", outline),
        ("block", block),
        ("leaf", leaf),
        ("kind", kind),
        ("storeys", 1),
        ("entrances", 1),
        ("households", households),
        ("group", -1),
        ("angle", 0.0),
        ("row", 0),
    ):
        setattr(
            buildings,
            name,
            np.append(getattr(buildings, name), np.array([value], dtype=getattr(buildings, name).dtype)),
        )
    return len(buildings) - 1


def plant_buildings(planted: Planted, land: Land, levels: Levels, built: Built, rng: np.random.Generator) -> None:
    """Plant one building under a community line, three far from any street; choose one that gets no grid."""
    fabric = land.fabric
    streets = shapely.STRtree(fabric.streets.geometry)
    water = shapely.STRtree(land.barriers)
    _plant_under_line(planted, fabric, levels, built, streets, water)
    _plant_far(planted, fabric, built, streets, water, rng)
    _choose_hole(planted, fabric, built)


def _plant_under_line(
    planted: Planted,
    fabric: Fabric,
    levels: Levels,
    built: Built,
    streets: shapely.STRtree,
    water: shapely.STRtree,
) -> None:
    community = levels.community[fabric.block_leaf]
    a, b = fabric.pairs.T
    across = np.flatnonzero((community[a] != community[b]) & (fabric.shared > 60))  # noqa: PLR2004
    taken = shapely.STRtree(built.buildings.outline)
    best: tuple[float, shapely.Polygon, int] | None = None
    for k in across[:: max(1, len(across) // LINES_TRIED)]:
        line = shapely.line_merge(
            shapely.intersection(shapely.boundary(fabric.blocks[a[k]]), shapely.boundary(fabric.blocks[b[k]]))
        )
        for part in shapely.get_parts(line):
            if part.geom_type != "LineString" or part.length < 50:  # noqa: PLR2004
                continue
            for t in np.arange(25, part.length - 25, 15.0):
                p, q = shapely.get_coordinates(shapely.line_interpolate_point(part, np.array([t - 12, t + 12])))
                d = q - p
                angle = float(np.arctan2(d[1], d[0]))
                side = np.array([-d[1], d[0]]) / np.hypot(*d)
                shape = rectangles(
                    (0.5 * (p + q) + 2.4 * side)[None], np.array([angle]), np.array([18.0]), np.array([11.0])
                )[0]
                distance = streets.query_nearest(shape, return_distance=True, all_matches=False)[1][0]
                near = [len(tree.query(shape, predicate="dwithin", distance=25)) for tree in (taken, water)]
                if not 30 < distance < 140 or any(near):  # noqa: PLR2004
                    continue
                parts = shapely.area(shapely.intersection(fabric.blocks[[a[k], b[k]]], shape))
                if parts.sum() < shape.area - 0.01 or parts.min() < 0.15 * shape.area:
                    continue
                score = abs(float(distance) - 60)
                if best is None or score < best[0] - 1e-6:
                    best = (score, shape, int((a[k], b[k])[int(np.argmax(parts))]))
    if best is None:
        return
    _, shape, block = best
    planted.under_line = _append(built.buildings, shape, block, int(fabric.block_leaf[block]), "barn", 0)


def _plant_far(
    planted: Planted,
    fabric: Fabric,
    built: Built,
    streets: shapely.STRtree,
    water: shapely.STRtree,
    rng: np.random.Generator,
) -> None:
    village = np.flatnonzero(fabric.leaf_village >= 0)
    used: set[int] = set()
    for leaf in rng.permutation(village):
        blocks = np.flatnonzero(fabric.block_leaf == leaf)
        b = int(blocks[int(np.argmax(shapely.area(fabric.blocks[blocks])))])
        if b in used:
            continue
        west, south, east, north = fabric.blocks[b].bounds
        tries = rng.uniform((west, south), (east, north), (400, 2))
        inner = shapely.buffer(fabric.blocks[b], -60)
        tries = tries[shapely.contains_xy(inner, tries)]
        for p in tries:
            distance = streets.query_nearest(shapely.Point(p), return_distance=True, all_matches=False)[1][0]
            dry = len(water.query(shapely.Point(p), predicate="dwithin", distance=60)) == 0
            if 260 < distance < 480 and dry:  # noqa: PLR2004
                shape = rectangles(p[None], np.array([0.2]), np.array([10.0]), np.array([8.0]))[0]
                planted.unattached.append(_append(built.buildings, shape, b, int(leaf), "house", 1))
                used.add(b)
                break
        if len(planted.unattached) == 3:  # noqa: PLR2004
            return


def _choose_hole(planted: Planted, fabric: Fabric, built: Built) -> None:
    """Choose a hall that stands apart; the draft will lack its plot."""
    outlines = built.buildings.outline
    tree = shapely.STRtree(outlines)
    special = {*built.targets.over, *built.targets.under, *built.targets.dedicated}
    for k in np.flatnonzero(built.buildings.kind == "hall"):
        plot = shapely.buffer(outlines[k], 6.0, join_style="mitre")
        inside = shapely.contains_properly(fabric.blocks[built.buildings.block[k]], plot)
        alone = len(tree.query(plot, predicate="dwithin", distance=3.0)) == 1
        if inside and alone and int(built.buildings.leaf[k]) not in special:
            planted.without_grid = int(k)
            planted.hole = (int(built.buildings.leaf[k]), shapely.Polygon(np.round(plot.exterior.coords, 2)))
            return


def plant_piece(planted: Planted, now: Edition, fabric: Fabric, built: Built, rng: np.random.Generator) -> None:
    """Give a block to a grid that it does not touch, so that the grid is in two pieces."""
    households = np.bincount(built.buildings.block, weights=built.buildings.households, minlength=len(fabric.blocks))
    total = np.bincount(now.label, weights=households, minlength=fabric.n_leaves)
    area = shapely.area(fabric.blocks)
    around = neighbours(now.label, fabric.pairs, fabric.shared)
    special = {*built.targets.over, *built.targets.under, *built.targets.dedicated}
    special.add(planted.hole[0] if planted.hole else -1)
    for a in rng.permutation(fabric.n_leaves):
        if now.kind[a] != "urban" or a in special:
            continue
        for b in range(fabric.n_leaves):
            if b == a or b in around.get(int(a), {}) or now.second[a] != now.second[b] or now.kind[b] != "urban":
                continue
            if b in special:
                continue
            for block in np.flatnonzero(now.label == b):
                moved = households[block]
                fits = total[a] + moved < HIGH - 15 and total[b] - moved > LOW + 15
                if not fits or not 6_000 < area[block] < 60_000 or moved == 0:  # noqa: PLR2004
                    continue
                trial = now.label.copy()
                trial[block] = a
                if holds_together(trial, b, fabric.pairs) and (trial == b).any():
                    now.label[block] = a
                    built.buildings.leaf = now.label[built.buildings.block]
                    planted.two_pieces, planted.donor = int(a), int(b)
                    return
