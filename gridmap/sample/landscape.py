"""Water and land use: river, ponds, park and hill, school grounds, works, fields, woods."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from gridmap.sample.build import Built
from gridmap.sample.editions import DEDICATED_NAMES
from gridmap.sample.ground import Floats
from gridmap.sample.land import Land

PARCEL = 310.0
KERB = -7.0
LARGEST_SQUARE = 14_000.0


@dataclass(slots=True)
class Patches:
    """Areas with a kind and a name."""

    shape: list[shapely.Geometry]
    kind: list[str]
    name: list[str]

    def add(self, shape: shapely.Geometry, kind: str, name: str = "") -> None:
        """Add an area, each of its parts by itself."""
        for part in shapely.get_parts(shape):
            if part.geom_type == "Polygon" and part.area > 60:  # noqa: PLR2004
                self.shape.append(part)
                self.kind.append(kind)
                self.name.append(name)


def blob(middle: Floats, radius: float, rng: np.random.Generator, *, points: int = 28) -> shapely.Polygon:
    """Return a round shape with an uneven outline."""
    angle = np.linspace(0, 2 * np.pi, points, endpoint=False)
    waves = sum(rng.uniform(0, 0.2) * np.sin(k * angle + rng.uniform(0, 6.3)) for k in (2, 3, 5))
    r = radius * (1 + waves)
    return shapely.Polygon(np.round(np.column_stack([middle[0] + r * np.cos(angle), middle[1] + r * np.sin(angle)]), 2))


def water_of(land: Land, built: Built, rng: np.random.Generator) -> Patches:
    """Return the river, a lake in the park, and ponds by the villages."""
    out = Patches([], [], [])
    fabric = land.fabric
    out.add(shapely.intersection(land.river, land.county), "river", "岚清河")
    paths = [shapely.LineString(p) for p in built.paths]
    taken = shapely.STRtree([*built.buildings.outline, *fabric.streets.geometry, *paths])
    for leaf, kind in built.targets.dedicated.items():
        if kind == "park":
            blocks = fabric.blocks[fabric.block_leaf == leaf]
            largest = blocks[int(np.argmax(shapely.area(blocks)))]
            west, south, east, north = largest.bounds
            tries = rng.uniform((west, south), (east, north), (300, 2))
            room = shapely.buffer(largest, -75.0)
            for spot in tries[shapely.contains_xy(room, tries)]:
                if _pond(out, spot, 48.0, "砚镜湖", taken, rng):
                    break
    for place in land.villages:
        for _ in range(3):
            off = rng.uniform(-1, 1, 2)
            off = off / np.hypot(*off) * rng.uniform(260, 420)
            _pond(out, place + off, float(rng.uniform(18, 42)), "", taken, rng)
    return out


def _pond(
    out: Patches, middle: Floats, radius: float, name: str, taken: shapely.STRtree, rng: np.random.Generator
) -> bool:
    """Add a pond where nothing is in its way; return whether there was room."""
    shape = blob(middle, radius, rng)
    free = len(taken.query(shape, predicate="dwithin", distance=12.0)) == 0
    if free:
        out.add(shape, "lake" if name else "pond", name)
    return free


def landuse_of(land: Land, built: Built, water: Patches, rng: np.random.Generator) -> Patches:
    """Return park, square, school grounds, works, green banks, fields and woods."""
    out = Patches([], [], [])
    fabric = land.fabric
    names = {"park": "park", "market": "market", "school": "campus"}
    wet = shapely.union_all(np.array(water.shape, dtype=object))
    for leaf, kind in built.targets.dedicated.items():
        plot = shapely.coverage_union_all(fabric.blocks[fabric.block_leaf == leaf])
        plot = shapely.difference(shapely.buffer(plot, -9.0, join_style="mitre"), wet)
        if kind == "park":
            top = shapely.buffer(shapely.buffer(plot, -45.0), 25.0)
            plot = shapely.difference(plot, top)
            out.add(top, "forest", "清岩山")
        out.add(plot, names[kind], DEDICATED_NAMES[kind])
    for b in built.works:
        plot = shapely.buffer(fabric.blocks[b], KERB, join_style="mitre")
        out.add(shapely.difference(plot, wet), "industrial")
    _town_blocks(land, built, np.array(water.shape, dtype=object), out, rng)
    _fields(land, wet, out, rng)
    return out


def _town_blocks(land: Land, built: Built, water: NDArray[np.object_], out: Patches, rng: np.random.Generator) -> None:
    """Say what the blocks of the town are: banks, homes, fields around estates, squares and greens."""
    fabric = land.fabric
    wet = shapely.union_all(water)
    busy = np.zeros(len(fabric.blocks), dtype=bool)
    busy[built.buildings.block] = True
    skip = np.isin(fabric.block_leaf, list(built.targets.dedicated))
    skip |= fabric.leaf_village[fabric.block_leaf] >= 0
    skip[built.works] = True
    zone = np.array(fabric.leaf_zone)[fabric.block_leaf]
    area = shapely.area(fabric.blocks)
    bank = np.zeros(len(fabric.blocks), dtype=bool)
    bank[shapely.STRtree(water).query(fabric.blocks, predicate="intersects")[0]] = True
    edge = np.where(fabric.strip & bank, -0.5, KERB)
    plots = shapely.buffer(fabric.blocks, edge, join_style="mitre")
    plots[bank] = shapely.difference(plots[bank], wet)
    estates: dict[int, list[shapely.Geometry]] = {}
    for court in built.courts:
        estates.setdefault(court.block, []).append(shapely.buffer(court.land, 6.0))
    for b in np.flatnonzero(~skip).tolist():
        if fabric.strip[b]:
            out.add(plots[b], "park" if bank[b] else "grass")
        elif zone[b] == "fringe":
            field = shapely.difference(plots[b], shapely.union_all(estates[b])) if b in estates else plots[b]
            out.add(field, "farmland" if rng.random() < 0.8 else "grass")  # noqa: PLR2004
        elif busy[b]:
            out.add(plots[b], "residential")
        else:
            out.add(plots[b], _idle(str(zone[b]), float(area[b]), float(rng.random())))


def _idle(zone: str, area: float, pick: float) -> str:
    """Return what an empty block of the town is."""
    if pick < 0.15 and area < LARGEST_SQUARE:  # noqa: PLR2004
        return "square"
    if pick > 0.75 and zone == "mid":  # noqa: PLR2004
        return "farmland"
    return "residential" if pick > 0.45 else "grass"  # noqa: PLR2004


def _fields(land: Land, wet: shapely.Geometry, out: Patches, rng: np.random.Generator) -> None:
    """Lay fields around the villages and woods on the hills far from them, in a mosaic of parcels."""
    places = land.villages
    rural = land.fabric.blocks[land.fabric.leaf_village[land.fabric.block_leaf] >= 0]
    open_land = shapely.difference(shapely.buffer(shapely.coverage_union_all(rural), -12), wet)
    shapely.prepare(open_land)
    west, south, east, north = open_land.bounds
    u, v = np.meshgrid(np.arange(west, east, PARCEL), np.arange(south, north, 0.75 * PARCEL))
    points = np.column_stack([u.ravel(), v.ravel()]) + rng.uniform(-0.42, 0.42, (u.size, 2)) * PARCEL
    near, _ = cKDTree(places).query(points)
    x, y = (points - places.mean(axis=0)).T / 1000
    p = rng.uniform(0, 6.3, 4)
    hill = (
        np.sin(x / 0.9 + p[0])
        + np.sin(y / 0.7 + p[1])
        + np.sin((x + y) / 0.5 + p[2])
        + 0.5 * np.sin((x - 2 * y) / 0.4 + p[3])
    )
    wood = (near > 1000) & (hill > 0.25)  # noqa: PLR2004
    field = ~wood & (near < 1700 + 700 * np.sin(x / 0.8 + p[3]) * np.cos(y / 0.9 + p[0]))
    field |= ~wood & (hill < -0.7)  # noqa: PLR2004
    field &= rng.uniform(0, 1, len(points)) < 0.9  # noqa: PLR2004
    cells = shapely.get_parts(shapely.voronoi_polygons(shapely.multipoints(points), ordered=True))
    core = shapely.union_all(
        [shapely.buffer(shapely.Point(q), float(d) + 70) for q, d in zip(places, land.village_reach, strict=True)]
    )
    parcels = shapely.buffer(cells[field], -4.0, join_style="mitre")
    parcels = parcels[shapely.intersects(open_land, parcels)]
    whole = shapely.contains_properly(open_land, parcels)
    parcels[~whole] = shapely.intersection(parcels[~whole], open_land)
    touching = shapely.intersects(core, parcels)
    parcels[touching] = shapely.difference(parcels[touching], core)
    for parcel in parcels:
        out.add(parcel, "farmland")
    if wood.any():
        mass = shapely.buffer(shapely.buffer(shapely.union_all(cells[wood]), 60.0), -90.0)
        mass = shapely.buffer(shapely.simplify(mass, 12.0), 30.0)
        for part in shapely.get_parts(mass):
            out.add(shapely.intersection(part, open_land), "forest")


def lines_array(shapes: list[shapely.Geometry]) -> NDArray[np.object_]:
    """Return shapes as an array."""
    out = np.empty(len(shapes), dtype=object)
    out[:] = shapes
    return out
