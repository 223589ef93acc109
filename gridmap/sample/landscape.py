"""Water and land use: river, ponds, park and hill, school grounds, works, fields, woods."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from gridmap.sample.build import Built
from gridmap.sample.country import CountryPlan
from gridmap.sample.editions import DEDICATED_NAMES
from gridmap.sample.fabric import Fabric
from gridmap.sample.ground import Floats, Ground


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
    return shapely.Polygon(
        np.round(np.column_stack([middle[0] + r * np.cos(angle), middle[1] + r * np.sin(angle)]), 2)
    )


def water_of(
    ground: Ground, county: shapely.Polygon, fabric: Fabric, built: Built, villages: Floats, rng: np.random.Generator
) -> Patches:
    """Return the river, a lake in the park, and ponds by the villages."""
    out = Patches([], [], [])
    out.add(shapely.intersection(ground.river(), county), "river", "清溪河")
    taken = shapely.STRtree(np.concatenate([built.buildings.outline, fabric.streets.geometry]))
    for leaf, kind in built.targets.dedicated.items():
        if kind == "park":
            blocks = fabric.blocks[fabric.block_leaf == leaf]
            largest = blocks[int(np.argmax(shapely.area(blocks)))]
            _pond(out, np.asarray(largest.representative_point().coords)[0], 55.0, "镜湖", taken, rng)
    for place in villages:
        for _ in range(3):
            off = rng.uniform(-1, 1, 2)
            off = off / np.hypot(*off) * rng.uniform(260, 420)
            _pond(out, place + off, float(rng.uniform(18, 42)), "", taken, rng)
    return out


def _pond(  # noqa: PLR0917
    out: Patches, middle: Floats, radius: float, name: str, taken: shapely.STRtree, rng: np.random.Generator
) -> None:
    shape = blob(middle, radius, rng)
    if len(taken.query(shape, predicate="dwithin", distance=12.0)) == 0:
        out.add(shape, "lake" if name else "pond", name)


def landuse_of(  # noqa: PLR0917
    ground: Ground,
    county: shapely.Polygon,
    fabric: Fabric,
    built: Built,
    country: CountryPlan,
    water: Patches,
    rng: np.random.Generator,
) -> Patches:
    """Return park, square, school grounds, works, green banks, fields and woods."""
    out = Patches([], [], [])
    names = {"park": "park", "market": "market", "school": "campus"}
    wet = shapely.union_all(np.array(water.shape, dtype=object))
    for leaf, kind in built.targets.dedicated.items():
        land = shapely.coverage_union_all(fabric.blocks[fabric.block_leaf == leaf])
        land = shapely.difference(shapely.buffer(land, -9.0, join_style="mitre"), wet)
        out.add(land, names[kind], DEDICATED_NAMES[kind])
    busy = np.zeros(len(fabric.blocks), dtype=bool)
    busy[built.buildings.block] = True
    dedicated = np.isin(fabric.block_leaf, list(built.targets.dedicated))
    zone = np.array(fabric.leaf_zone)[fabric.block_leaf]
    area = shapely.area(fabric.blocks)
    inner = shapely.buffer(fabric.blocks, -7.0, join_style="mitre")
    for b in built.works:
        out.add(shapely.difference(inner[b], wet), "industrial")
    wet_near = shapely.STRtree(np.array(water.shape, dtype=object)).query(fabric.blocks, predicate="intersects")[0]
    bank = np.zeros(len(fabric.blocks), dtype=bool)
    bank[wet_near] = True
    for b in range(len(fabric.blocks)):
        if dedicated[b] or zone[b] == "village":
            continue
        if bank[b] and area[b] < 80_000:  # noqa: PLR2004
            out.add(shapely.difference(inner[b], wet), "park" if zone[b] != "fringe" else "grass")
        elif not busy[b] and zone[b] == "fringe":
            out.add(shapely.difference(inner[b], wet), "farmland")
        elif not busy[b]:
            pick = rng.random()
            kind = "square" if pick < 0.12 and area[b] < 12_000 else "grass" if pick < 0.6 else "farmland"  # noqa: PLR2004
            if kind != "farmland" or zone[b] == "mid":
                out.add(shapely.difference(inner[b], wet), kind)
    _fields(ground, county, country, wet, out, rng)
    return out


def _fields(  # noqa: PLR0917
    ground: Ground,
    county: shapely.Polygon,
    country: CountryPlan,
    wet: shapely.Geometry,
    out: Patches,
    rng: np.random.Generator,
) -> None:
    """Lay fields around the villages and woods in the hills far from them."""
    places = ground.bend(country.middles)
    land = shapely.union_all(ground.bent(np.array([g.shape for g in country.groups], dtype=object)))
    land = shapely.difference(shapely.intersection(shapely.buffer(land, -10), county), wet)
    shapely.prepare(land)
    west, south, east, north = land.bounds
    pitch = 340.0
    u, v = np.meshgrid(np.arange(west, east, pitch), np.arange(south, north, pitch))
    points = np.column_stack([u.ravel(), v.ravel()]) + rng.uniform(-60, 60, (u.size, 2))
    near = np.array([np.min(np.hypot(*(places - p).T)) for p in points])
    cores = [
        shapely.buffer(shapely.Point(p), float(length) + 60)
        for p, length in zip(places, country.lengths, strict=True)
    ]
    core = shapely.union_all(cores)
    fields, woods = [], []
    for p, d in zip(points, near, strict=True):
        pick = rng.random()
        if d < 1900 and pick < 0.75:  # noqa: PLR2004
            w, h = rng.uniform(110, 160, 2)
            turn = float(rng.normal(0.12, 0.1))
            box = np.array([[-w, -h], [w, -h], [w, h], [-w, h]]) + rng.uniform(-18, 18, (4, 2))
            cos, sin = np.cos(turn), np.sin(turn)
            fields.append(shapely.Polygon(np.round(box @ np.array([[cos, sin], [-sin, cos]]) + p, 2)))
        elif d > 1500 and pick < 0.4:  # noqa: PLR2004
            woods.append(blob(p, float(rng.uniform(120, 260)), rng))
    inside = np.array(fields, dtype=object)
    for shape in inside:
        out.add(shapely.difference(shapely.intersection(shape, land), core), "farmland")
    for wood in shapely.get_parts(shapely.union_all(np.array(woods, dtype=object))) if woods else []:
        out.add(shapely.intersection(wood, land), "forest")


def lines_array(shapes: list[shapely.Geometry]) -> NDArray[np.object_]:
    """Return shapes as an array."""
    out = np.empty(len(shapes), dtype=object)
    out[:] = shapes
    return out
