"""Building on a real place: its streets and water stay, its blocks are filled."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from gridmap.core.crs import metric_crs
from gridmap.errors import InputError
from gridmap.sample.fabric import Fabric, Ints, Streets, adjacency, whole
from gridmap.sample.frames import Zone
from gridmap.sample.ground import Floats
from gridmap.sample.grouping import group
from gridmap.sample.land import Land, parting
from gridmap.sample.lines import NOTHING, SNAP, Lines, node
from gridmap.sample.size import Size
from gridmap.sample.townplan import split

#: Street classes of OpenStreetMap in ours; what is not named here is a footway.
CLASSES = {
    "motorway": "primary", "motorway_link": "primary", "trunk": "primary", "trunk_link": "primary",
    "primary": "primary", "primary_link": "primary", "secondary": "secondary", "secondary_link": "secondary",
    "tertiary": "tertiary", "tertiary_link": "tertiary", "unclassified": "unclassified",
    "residential": "residential", "living_street": "living_street", "road": "residential", "service": "service",
    "pedestrian": "pedestrian", "track": "track",
}  # fmt: skip
NEVER_CUT = ("footway",)
DRIVES = ("driveway", "parking_aisle", "drive-through", "emergency_access")
LAND_PER_BUILDING = 3600.0
LARGEST_BLOCK = 120_000.0
ROADSIDE = 130.0
#: Metres along the outline of a block that streets and setbacks take.
MARGIN = 12.0
RURAL_SHARE = 0.12
ZONES = ((0.03, "old"), (0.38, "core"), (0.75, "mid"), (1.01, "fringe"))
WEIGHT = {"old": 1.2, "core": 1.0, "mid": 0.7, "fringe": 0.35}


@dataclass(frozen=True)
class SampleBase:
    """A real place to build on: its streets, water, land use and places (columns of the kinds, EPSG:4326)."""

    streets: gpd.GeoDataFrame
    water: gpd.GeoDataFrame
    landuse: gpd.GeoDataFrame | None = None
    places: gpd.GeoDataFrame | None = None


def real(size: Size, base: SampleBase, rng: np.random.Generator) -> Land:
    """Make the land of a real place: blocks between its streets, grouped into leaves.

    Raises
    ------
    InputError
        There are too few streets to make blocks.
    """
    rows = base.streets[base.streets.geometry.notna() & ~base.streets.geometry.is_empty]
    roads = rows[rows["highway"].notna()]
    if len(roads) == 0:
        raise _too_few(size)
    zone = Zone(metric_crs(*roads.total_bounds)[0])
    rows = rows.explode(index_parts=False, ignore_index=True)
    metric = zone.metres(rows.geometry.to_numpy())
    streets = _streets(rows, metric)
    highway = rows["highway"].notna().to_numpy()
    wet, rivers, rails = _barriers(base.water, rows, metric, zone)
    extent = shapely.box(*np.round(shapely.total_bounds(metric[highway]) + np.array([-40, -40, 40, 40]), 1))
    lines = _cutters(rows, metric, streets, rivers, rails, extent)
    faces = _blocks(lines, extent, rng)
    if len(faces) < 12:  # noqa: PLR2004
        raise _too_few(size)
    fabric = _fabric(size, faces, streets, wet, rails, rng)
    barriers = [*shapely.get_parts(shapely.union_all(wet)), *rails] if len(wet) else [*rails]
    west, south, east, north = extent.bounds
    turn = np.linspace(0, 2 * np.pi, 720, endpoint=False)
    middle, reach = np.array([west + east, south + north]) / 2, 0.56 * np.hypot(east - west, north - south)
    villages = np.unique(fabric.leaf_village[fabric.leaf_village >= 0])
    centre = shapely.get_coordinates(shapely.point_on_surface(fabric.blocks))
    places = np.array(
        [centre[np.flatnonzero(fabric.leaf_village[fabric.block_leaf] == v)[0]] for v in villages]
    ).reshape(-1, 2)
    return Land(
        zone=zone,
        fabric=fabric,
        county=extent,
        river=shapely.union_all(wet) if len(wet) else shapely.Polygon(),
        rail=shapely.union_all(rails) if len(rails) else shapely.LineString(),
        barriers=np.array(barriers, dtype=object),
        parting=parting(fabric, [*wet, *rails]),
        villages=places,
        village_reach=np.full(len(places), 150.0),
        outside=middle + reach * np.column_stack([np.cos(turn), np.sin(turn)]),
        streets=rows,
    )


def _too_few(size: Size) -> InputError:
    return InputError(
        f"文件里的道路围不成街区，无法放下 {size.buildings} 栋楼。请换一个有城区道路的文件。",
        f"The streets of the file make no blocks for {size.buildings} buildings. Give a file with a town.",
    )


def _texts(rows: gpd.GeoDataFrame, column: str) -> list[str]:
    if column not in rows:
        return [""] * len(rows)
    return ["" if v is None or v != v else str(v) for v in rows[column]]  # noqa: PLR0124 (NaN)


def _flags(rows: gpd.GeoDataFrame, column: str) -> NDArray[np.bool_]:
    return np.array([t.lower() in {"true", "yes", "1", "1.0"} for t in _texts(rows, column)], dtype=bool)


def _streets(rows: gpd.GeoDataFrame, metric: NDArray[np.object_]) -> Streets:
    """Return the streets, one edge a row; railways and what people cannot walk on are left out by class."""
    highway = np.array([CLASSES.get(h, "footway") if h else NOTHING for h in _texts(rows, "highway")], dtype=object)
    under = _flags(rows, "tunnel") | _flags(rows, "covered")
    keep = np.flatnonzero(highway != NOTHING)
    key = np.array([str(k) for k in keep], dtype=object)
    return Streets(metric[keep], highway[keep], key, _flags(rows, "bridge")[keep], under[keep])


def _barriers(
    water: gpd.GeoDataFrame, rows: gpd.GeoDataFrame, metric: NDArray[np.object_], zone: Zone
) -> tuple[list[shapely.Geometry], list[shapely.Geometry], list[shapely.Geometry]]:
    """Return water areas, water lines and railways on the surface."""
    shapes = [g for g in zone.metres(water.geometry.to_numpy()) if g is not None] if len(water) else []
    wet = [g for g in shapes if g.geom_type in {"Polygon", "MultiPolygon"} and g.area > 2000]  # noqa: PLR2004
    rivers = [g for g in shapes if g.geom_type in {"LineString", "MultiLineString"}]
    under = _flags(rows, "tunnel")
    rail = [k for k, r in enumerate(_texts(rows, "railway")) if r == "rail" and not under[k]]
    return wet, rivers, [metric[k] for k in rail]


def _cutters(
    rows: gpd.GeoDataFrame,
    metric: NDArray[np.object_],
    streets: Streets,
    rivers: list[shapely.Geometry],
    rails: list[shapely.Geometry],
    extent: shapely.Polygon,
) -> Lines:
    """Return the lines that part blocks: streets that cars use, railways, rivers, the border."""
    lines = Lines()
    lines.add(extent.exterior.coords, NOTHING, "border")
    drive = np.isin(np.array(_texts(rows, "service"), dtype=object), DRIVES)
    for k, key in enumerate(streets.key):
        row = int(key)
        if streets.highway[k] not in NEVER_CUT and not drive[row] and not streets.tunnel[k]:
            for part in shapely.get_parts(shapely.intersection(metric[row], extent)):
                if part.geom_type == "LineString":
                    lines.add(part, streets.highway[k], key)
    for shape in [*rivers, *rails]:
        for part in shapely.get_parts(shapely.intersection(shape, extent)):
            if part.geom_type == "LineString":
                lines.add(part, NOTHING, "barrier")
    return lines


def _blocks(lines: Lines, extent: shapely.Polygon, rng: np.random.Generator) -> NDArray[np.object_]:
    """Return the blocks; large ones are divided."""
    faces = node(lines).faces
    for face in faces[shapely.area(faces) > LARGEST_BLOCK]:
        _divide(face, rng, lines)
    faces = node(lines).faces
    faces = shapely.transform(faces, lambda xy: np.round(xy, 2))
    del extent
    return np.asarray(faces[shapely.area(faces) > 1], dtype=object)


def _divide(shape: shapely.Polygon, rng: np.random.Generator, lines: Lines) -> None:
    if shape.area < LARGEST_BLOCK:
        return
    cut = split(shape, rng.uniform(0.42, 0.58), rng, turn=0.1)
    if cut is None:
        return
    a, b, chords = cut
    for line in chords:
        lines.add(line, NOTHING, "divided")
    _divide(a, rng, lines)
    _divide(b, rng, lines)


def _fabric(
    size: Size,
    faces: NDArray[np.object_],
    streets: Streets,
    wet: list[shapely.Geometry],
    rails: list[shapely.Geometry],
    rng: np.random.Generator,
) -> Fabric:
    """Group blocks into leaves: those near the middle into the town, the others into villages."""
    pairs, shared = adjacency(faces)
    area = shapely.area(faces)
    water = shapely.union_all(wet) if wet else shapely.Polygon()
    shapely.prepare(water)
    dry = area - shapely.area(shapely.intersection(faces, water))
    middle = shapely.get_coordinates(shapely.centroid(faces))
    town, rank = _town(size, streets, middle, np.minimum(dry, 90_000.0))
    zone = np.array([next(z for limit, z in ZONES if r < limit) for r in rank], dtype=object)
    roadside = shapely.union_all(shapely.buffer(streets.geometry, ROADSIDE, quad_segs=2))
    shapely.prepare(roadside)
    usable = np.maximum(
        0.0, shapely.area(shapely.intersection(faces, roadside)) - (area - dry) - MARGIN * shapely.length(faces)
    )
    weight = usable * np.array([WEIGHT[z] for z in zone]) + 1.0
    links = shapely.linestrings(middle[pairs])
    crossing = np.zeros(len(pairs), dtype=bool)
    for barrier in [water, *rails]:
        crossing |= shapely.intersects(barrier, links)
    ease = np.maximum(shared / np.where(crossing, 12.0, 1.0), 0.5)
    label = np.zeros(len(faces), dtype=np.intp)
    inner, outer = np.flatnonzero(town), np.flatnonzero(~town)
    leaves = size.urban + size.dedicated
    label[inner] = _grouped(inner, weight, middle, pairs, ease, min(leaves, max(2, len(inner) // 2)), rng)
    n = int(label[inner].max()) + 1
    label[outer] = n + _grouped(outer, area, middle, pairs, ease, min(size.rural, len(outer)), rng)
    kind = np.where(np.arange(int(label.max()) + 1) < n, 0, 1)
    label = whole(label, pairs, shared, area, kind)
    used, label = np.unique(label, return_inverse=True)
    rural = used >= n
    leaf_zone = []
    for k in range(len(used)):
        members = np.flatnonzero(label == k)
        best = members[int(np.argmax(dry[members]))]
        leaf_zone.append("village" if rural[k] else str(zone[best]))
    villages = np.where(rural, np.cumsum(rural) - 1, -1).astype(np.intp)
    return Fabric(
        blocks=faces,
        block_leaf=label.astype(np.intp),
        leaf_zone=leaf_zone,
        leaf_unit=np.arange(len(used), dtype=np.intp),
        leaf_village=villages,
        pairs=pairs,
        shared=shared,
        streets=streets,
        heading=_headings(faces),
        strip=dry < 0.6 * area,
    )


def _town(size: Size, streets: Streets, middle: Floats, dry: Floats) -> tuple[NDArray[np.bool_], Floats]:
    """Return which blocks are town, and the rank of each from the middle (0) to the rim (1) of the town."""
    minor = np.isin(streets.highway, ["residential", "living_street", "tertiary", "unclassified", "pedestrian"])
    lines = streets.geometry[minor] if minor.any() else streets.geometry
    points = shapely.get_coordinates(shapely.line_interpolate_point(lines, 0.5, normalized=True))
    centre = np.median(np.repeat(points, np.maximum(1, shapely.length(lines) // 60).astype(int), axis=0), axis=0)
    away = np.hypot(*(middle - centre).T)
    order = np.argsort(away, kind="stable")
    sum_ = np.cumsum(dry[order])
    wanted = min(LAND_PER_BUILDING * size.buildings, (1 - RURAL_SHARE) * sum_[-1])
    town = np.zeros(len(dry), dtype=bool)
    town[order[sum_ <= wanted]] = True
    rank = np.ones(len(dry))
    rank[order] = np.minimum(1.0, sum_ / wanted)
    return town, rank


def _grouped(
    members: Ints, weight: Floats, middle: Floats, pairs: Ints, ease: Floats, count: int, rng: np.random.Generator
) -> Ints:
    position = np.full(len(weight), -1, dtype=np.intp)
    position[members] = np.arange(len(members))
    inside = (position[pairs] >= 0).all(axis=1)
    return group(weight[members], middle[members], position[pairs[inside]], ease[inside], count, rng)


def _headings(faces: NDArray[np.object_]) -> Floats:
    """Return the direction of the more easterly side of the smallest box around each block."""
    out = np.zeros(len(faces))
    for k, box in enumerate(shapely.oriented_envelope(faces)):
        if box.geom_type != "Polygon":
            continue
        sides = np.diff(np.asarray(box.exterior.coords)[:3], axis=0)
        longer = sides[int(np.argmax(np.hypot(*sides.T)))]
        out[k] = (np.arctan2(longer[1], longer[0]) + np.pi / 4) % (np.pi / 2) - np.pi / 4
    return np.round(out, 4)


__all__ = ["SNAP", "SampleBase", "real"]
