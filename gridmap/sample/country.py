"""The land around the town on the plan: county border, villages with their lanes, villagers' groups, roads."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import shapely
from scipy.spatial import cKDTree

from gridmap.sample.ground import RAIL_STRIP, RIVER_STRIP, Floats, Ground
from gridmap.sample.lines import BEYOND, NOTHING, SNAP, Lines, chord, halves, rough
from gridmap.sample.size import Size
from gridmap.sample.townplan import TownPlan, shares, solid

LANE_SPACING = 78.0
VILLAGE_DEPTH = 96.0
#: Middle of each village of the normal county, in plan metres at scale 1; the last is the remote one.
VILLAGES = (
    (-1500.0, 3900.0),
    (4500.0, 3300.0),
    (-2100.0, -3900.0),
    (2300.0, -4050.0),
    (5700.0, -2500.0),
    (8800.0, 420.0),
)
GROUPS = (3, 3, 3, 3, 2, 1)


@dataclass(slots=True)
class Group:
    """A villagers' group, which becomes a rural leaf grid: its land and its village."""

    shape: shapely.Polygon
    village: int


@dataclass(slots=True)
class CountryPlan:
    """The lines of the country, the groups, the villages (middle, direction, half length) and the county."""

    lines: Lines
    groups: list[Group]
    middles: Floats
    headings: Floats
    lengths: Floats
    county: shapely.Polygon


def _side_of(ground: Ground, v: Floats) -> Floats:
    return np.asarray((v > ground.river_v).astype(int) + (v > ground.rail_v).astype(int))


def _village_places(
    size: Size, ground: Ground, county: shapely.Polygon, rng: np.random.Generator
) -> tuple[Floats, list[int]]:
    """Return the middles of the villages and how many groups each has."""
    west, south, east, north = ground.county_box
    tw, ts, te, tn = ground.town_box
    n = size.villages
    if n <= len(VILLAGES):
        keep = [*range(min(n - 1, len(VILLAGES) - 1)), len(VILLAGES) - 1]
        fixed = np.array([VILLAGES[k] for k in keep]) * ground.scale
        groups = shares(np.array([GROUPS[k] for k in keep], dtype=float), size.rural, least=1)
        return fixed, groups
    margin = 650.0
    area = (east - west) * (north - south) - (te - tw) * (tn - ts)
    apart = 0.62 * np.sqrt(area / n)
    inner = shapely.buffer(county, -margin)
    shapely.prepare(inner)
    places = [np.array(VILLAGES[-1]) * np.array([ground.scale, 1.0])]
    while len(places) < n:
        tries = rng.uniform((west + margin, south + margin), (east - margin, north - margin), (20_000, 2))
        far_town = ~(
            (tries[:, 0] > tw - margin)
            & (tries[:, 0] < te + margin)
            & (tries[:, 1] > ts - margin)
            & (tries[:, 1] < tn + margin)
        )
        free = (np.abs(tries[:, 1] - ground.river_v) > margin) & (np.abs(tries[:, 1] - ground.rail_v) > margin)
        tries = tries[far_town & free]
        for p in tries[shapely.contains_xy(inner, tries)]:
            if len(places) < n and np.min(np.hypot(*(np.array(places) - p).T)) > apart:
                places.append(p)
        apart *= 0.9
    return np.array(places), shares(np.ones(n), size.rural, least=1)


def _territories(places: Floats, land: shapely.Geometry, ground: Ground) -> list[shapely.Geometry]:
    """Divide the land outside the town among the villages: the nearest village on the same side has it."""
    west, south, east, north = ground.county_box
    bands = [
        (south - 9e3, ground.river_v),
        (ground.river_v, ground.rail_v),
        (ground.rail_v, north + 9e3),
    ]
    sides = _side_of(ground, places[:, 1])
    out: list[shapely.Geometry] = [shapely.Polygon()] * len(places)
    for band, (low, high) in enumerate(bands):
        region = shapely.intersection(land, shapely.box(west - 9e3, low, east + 9e3, high))
        if region.is_empty:
            continue
        here = np.flatnonzero(sides == band)
        if len(here) == 0:
            middle = np.asarray(region.representative_point().coords)[0]
            k = int(np.argmin(np.hypot(*(places - middle).T)))
            out[k] = shapely.union_all([out[k], region])
            continue
        if len(here) == 1:
            out[here[0]] = shapely.union_all([out[here[0]], region])
            continue
        cells = shapely.get_parts(shapely.voronoi_polygons(shapely.multipoints(places[here]), extend_to=region))
        tree = shapely.STRtree(cells)
        point, cell = tree.query(shapely.points(places[here]), predicate="within")
        pieces = shapely.intersection(cells[cell], region)
        for k, piece in zip(here[point], pieces, strict=True):
            out[k] = shapely.union_all([out[k], piece])
    return out


def _solid_territories(pieces: list[shapely.Geometry]) -> list[shapely.Polygon]:
    """Give pieces that lie apart from their village's land to the neighbour with the longest border."""
    parts = [sorted(shapely.get_parts(p), key=lambda g: -g.area) for p in pieces]
    whole = [p[0] for p in parts]
    for spare in (g for p in parts for g in p[1:]):
        if spare.geom_type != "Polygon":
            continue
        borders = shapely.length(shapely.intersection(np.array(whole, dtype=object), spare))
        k = int(np.argmax(borders))
        whole[k] = shapely.union_all([whole[k], spare], grid_size=SNAP)
    return whole


def _village_lanes(lines: Lines, middle: Floats, heading: float, groups: int, house_rows: int, village: int) -> float:
    """Add the main street, back lanes and cross lanes of a village; return its half length."""
    along = np.array([np.cos(heading), np.sin(heading)])
    across = np.array([-along[1], along[0]])
    half = LANE_SPACING * (2 if groups > 2 else 1.5 if groups > 1 else 1) * house_rows  # noqa: PLR2004
    lines.add([middle - half * along, middle + half * along], "unclassified", f"village{village}")
    for side in (-1, 1):
        a = middle + side * VILLAGE_DEPTH * across
        lines.add([a - half * along, a + half * along], "residential", f"village{village}.back{side}")
    n = round(2 * half / LANE_SPACING)
    for k in range(n + 1):
        c = middle + (-half + 2 * half * k / n) * along
        highway = "residential" if k % 2 == 0 else "service"
        lines.add([c - VILLAGE_DEPTH * across, c + VILLAGE_DEPTH * across], highway, f"village{village}.lane{k}")
    return half


def _wander(
    a: Floats, b: Floats, middle: Floats, core: float, land: shapely.Polygon, rng: np.random.Generator
) -> Floats:
    """Return a line that is straight near a village and wanders outside, but stays on the village's land."""
    room = shapely.buffer(land, 3.0)
    for swing in (0.07, 0.04, 0.02):
        line = _wandering_line(a, b, middle, core, swing, rng)
        if shapely.covers(room, shapely.LineString(line)) and shapely.LineString(line).is_simple:
            return line
    return np.array([a, b])


def _wandering_line(
    a: Floats, b: Floats, middle: Floats, core: float, swing: float, rng: np.random.Generator
) -> Floats:
    d = b - a
    length = float(np.hypot(*d))
    t = float(np.clip(((middle - a) @ d) / length**2, 0, 1))
    low, high = max(0.0, t - core / length), min(1.0, t + core / length)
    out = [a]
    for s, e in ((0.0, low), (low, high), (high, 1.0)):
        if e - s < 1e-9:  # noqa: PLR2004
            continue
        p, q = a + s * d, a + e * d
        if (s, e) == (low, high):
            out.append(q)
        else:
            out.extend(rough(tuple(p), tuple(q), rng, swing=swing)[1:])
    return np.array(out)


def _groups_of(
    territory: shapely.Polygon,
    middle: Floats,
    heading: float,
    half: float,
    groups: int,
    lines: Lines,
    rng: np.random.Generator,
) -> list[shapely.Polygon]:
    """Divide a village's land among its groups, along its main street and a cross lane."""
    along = np.array([np.cos(heading), np.sin(heading)])
    across = np.array([-along[1], along[0]])
    shapes = [territory]
    cuts = [(along, middle), (across, middle), (across, middle + 2 * LANE_SPACING * along)]
    while len(shapes) < groups:
        k = len(shapes) - 1
        direction, point = cuts[k] if k < len(cuts) else (across, middle + (k - 1) * LANE_SPACING * along)
        shapes.sort(key=lambda g: -g.area)
        shapes = [*_cut_in_two(shapes[0], direction, point, middle, half + 120, lines, rng), *shapes[1:]]
    return shapes


def _cut_in_two(
    shape: shapely.Polygon,
    direction: Floats,
    point: Floats,
    middle: Floats,
    core: float,
    lines: Lines,
    rng: np.random.Generator,
) -> tuple[shapely.Polygon, shapely.Polygon]:
    """Cut land along a line that wanders outside the village, and add the line to the plan."""
    centre = np.asarray(shape.representative_point().coords)[0]
    turned = np.array([-direction[1], direction[0]])
    for way, at, wander in (
        (direction, point, True),
        (direction, point, False),
        (direction, centre, False),
        (turned, centre, False),
    ):
        borders = _border_through(shape, way, at, middle, core, rng, wander=wander)
        noded = shapely.union_all([shape.boundary, *borders], grid_size=SNAP)
        faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(noded)))
        left, _ = halves(shape, at, way)
        is_left = shapely.intersects(left, shapely.point_on_surface(faces))
        if is_left.all() or not is_left.any():
            continue
        for border in borders:
            lines.add(border, NOTHING, "group")
        one, two = (shapely.union_all(faces[side], grid_size=SNAP) for side in (is_left, ~is_left))
        return solid(one, two)
    msg = "the land of a village could not be divided"
    raise AssertionError(msg)


def _border_through(
    shape: shapely.Polygon,
    direction: Floats,
    point: Floats,
    middle: Floats,
    core: float,
    rng: np.random.Generator,
    *,
    wander: bool,
) -> list[shapely.LineString]:
    """Return the border through a point across a shape, a little beyond it on both ends."""
    out = []
    for part in chord(shape, point, direction):
        a, b = np.asarray(part.coords)[[0, -1]]
        d = (b - a) / np.hypot(*(b - a))
        a, b = a - 2 * d, b + 2 * d
        points = _wander(a, b, middle, core, shape, rng) if wander else np.array([a, b])
        out.append(shapely.LineString(points))
    return out


def plan_country(size: Size, ground: Ground, town: TownPlan, rng: np.random.Generator) -> CountryPlan:
    """Lay out the county around the town."""
    west, south, east, north = ground.county_box
    inset = 250 * ground.scale
    tw = ground.town_box[0]
    corners = [
        (tw, ground.town_box[3]),
        (tw, north - inset),
        (tw + 0.32 * (east - west), north),
        (tw + 0.7 * (east - west), north - 2.2 * inset),
        (east - inset, north - 5 * inset),
        (east, 0.3 * north),
        (east - 2 * inset, 0.35 * south),
        (east - 4 * inset, south + 5 * inset),
        (tw + 0.55 * (east - west), south + inset),
        (tw + 0.2 * (east - west), south),
        (tw, south + inset),
        (tw, ground.town_box[1]),
    ]
    outer = np.vstack([rough(a, b, rng, swing=0.08)[:-1] for a, b in pairwise(corners)] + [np.array([corners[-1]])])
    lines = Lines()
    lines.add(outer, NOTHING, "border")
    shell = shapely.union_all(
        [shapely.Polygon(np.vstack([outer, [[tw + 1500 * ground.scale, 0.0]]])), town.land], grid_size=SNAP
    )
    county = max(shapely.get_parts(shapely.buffer(shell, 0)), key=lambda g: g.area)
    county = shapely.Polygon(county.exterior)
    land = shapely.difference(county, town.land, grid_size=SNAP)
    places, groups = _village_places(size, ground, county, rng)
    straight = _solid_territories(_territories(places, land, ground))
    for swing in (0.07, 0.03, 0.0):
        borders = Lines()
        borders.extend(lines)
        _borders(borders, straight, town, ground, county, rng, swing=swing)
        territories = _wandering(borders, places, town, county)
        if territories is not None:
            break
    else:
        territories = straight
    lines = borders
    headings = rng.uniform(-0.45, 0.45, len(places))
    lengths = np.zeros(len(places))
    out: list[Group] = []
    for k, (place, heading, n) in enumerate(zip(places, headings, groups, strict=True)):
        lengths[k] = _village_lanes(lines, place, float(heading), n, 1 if n < 4 else 2, k)  # noqa: PLR2004
        shapes = _groups_of(territories[k], place, float(heading), lengths[k], n, lines, rng)
        out += [Group(shape, k) for shape in shapes]
    joined = _roads(lines, places, headings, lengths, town, ground, rng)
    if len(places) > len(VILLAGES):
        _links(lines, places, headings, lengths, joined, town, county, ground, rng)
    return CountryPlan(lines, out, places, headings, lengths, county)


def _wandering(lines: Lines, places: Floats, town: TownPlan, county: shapely.Polygon) -> list[shapely.Polygon] | None:
    """Return the territories between the wandering borders; None when a border does not close."""
    rings = [*lines.geometry, town.land.boundary, county.exterior]
    noded = shapely.union_all(np.array(rings, dtype=object), grid_size=SNAP)
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(noded)))
    outside = shapely.area(shapely.intersection(faces, town.land)) < 0.5 * shapely.area(faces)
    faces = shapely.from_wkb(shapely.to_wkb(faces[outside]))
    point, face = shapely.STRtree(faces).query(shapely.points(places), predicate="within")
    if len(face) < len(places) or len(set(face.tolist())) < len(places):
        return None
    owner: list[list[shapely.Polygon]] = [[] for _ in places]
    for k, f in zip(point, face, strict=True):
        owner[int(k)].append(faces[f])
    for f in sorted(set(range(len(faces))) - set(face.tolist()), key=lambda f: faces[f].centroid.x):
        borders = [shapely.intersection(faces[f], o[0]).length if o else 0.0 for o in owner]
        owner[int(np.argmax(borders))].append(faces[f])
    return _solid_territories([shapely.union_all(o, grid_size=SNAP) for o in owner])


def _borders(
    lines: Lines,
    territories: list[shapely.Polygon],
    town: TownPlan,
    ground: Ground,
    county: shapely.Polygon,
    rng: np.random.Generator,
    *,
    swing: float,
) -> None:
    """Add the borders between the villages' lands: the river, the railway, and wandering lines."""
    rings = shapely.union_all(shapely.boundary(np.array(territories, dtype=object)), grid_size=SNAP)
    outside = shapely.buffer(shapely.union_all([town.land.boundary, county.exterior]), 1.0)
    inner = shapely.get_parts(shapely.line_merge(shapely.difference(rings, outside)))
    for line in inner:
        if line.length < 5:  # noqa: PLR2004
            continue
        points = np.asarray(line.coords)
        on_line = np.ptp(points[:, 1]) < 1 and (
            min(abs(points[0, 1] - ground.river_v), abs(points[0, 1] - ground.rail_v)) < 1
        )
        first, last = points[1] - points[0], points[-1] - points[-2]
        stretched = np.vstack(
            [points[0] - 4 * first / np.hypot(*first), points[1:-1], points[-1] + 4 * last / np.hypot(*last)]
        )
        if on_line:
            lines.add(stretched, NOTHING, "border")
            continue
        for a, b in pairwise(stretched):
            lines.add(rough(tuple(a), tuple(b), rng, swing=swing), NOTHING, "border")


def _roads(
    lines: Lines,
    places: Floats,
    headings: Floats,
    lengths: Floats,
    town: TownPlan,
    ground: Ground,
    rng: np.random.Generator,
) -> set[tuple[int, int]]:
    """Add a road from each village to the nearest road of the town, or of a village nearer to it.

    Returns which villages are joined, in both orders; ends of the town's roads are numbered after the villages.
    """
    along = np.column_stack([np.cos(headings), np.sin(headings)])
    tips = np.stack([places - lengths[:, None] * along, places + lengths[:, None] * along], axis=1)
    side = _side_of(ground, places[:, 1])
    ends = town.ends
    end_side = _side_of(ground, ends[:, 1])
    inner = town.corners
    inner_side = _side_of(ground, inner[:, 1])
    done: list[int] = []
    joined: set[tuple[int, int]] = set()
    far = np.array([np.min(np.hypot(*(ends - p).T)) if len(ends) else np.inf for p in places])
    for k in np.lexsort((np.arange(len(places)), far)):
        targets = [tuple(e) for e in ends[end_side == side[k]]]
        whose = [len(places) + int(e) for e in np.flatnonzero(end_side == side[k])]
        targets += [tuple(t) for t in inner[inner_side == side[k]]] if not targets else []
        whose += [-1] * (len(targets) - len(whose))
        targets += [tuple(t) for d in done if side[d] == side[k] for t in tips[d]]
        whose += [d for d in done if side[d] == side[k] for _ in tips[d]]
        reach = np.array([[np.hypot(*(tip - np.array(t))) for t in targets] for tip in tips[k]])
        tip, t = np.unravel_index(int(np.argmin(reach)), reach.shape)
        a, b = tips[k][tip], np.array(targets[int(t)])
        low, high = _band(ground, int(side[k]))
        line = rough(tuple(a), tuple(b), rng, swing=0.06, step=90)
        line[1:-1, 1] = np.clip(line[1:-1, 1], low, high)
        lines.add(line, "tertiary", f"road{k}")
        done.append(int(k))
        joined |= {(int(k), whose[int(t)]), (whose[int(t)], int(k))}
    return joined


def _links(
    lines: Lines,
    places: Floats,
    headings: Floats,
    lengths: Floats,
    joined: set[tuple[int, int]],
    town: TownPlan,
    county: shapely.Polygon,
    ground: Ground,
    rng: np.random.Generator,
) -> None:
    """Make the roads of a large county a net: between neighbouring villages, to the town, and over the border.

    Two places are neighbours when no third one lies in the circle over the line between them (Gabriel's graph).
    """
    n = len(places)
    along = np.column_stack([np.cos(headings), np.sin(headings)]) * lengths[:, None]
    doors = shapely.boundary(county)
    out = shapely.get_coordinates(
        shapely.line_interpolate_point(doors, shapely.line_locate_point(doors, shapely.points(places)))
    )
    nodes = np.concatenate([places, town.ends, out + BEYOND * (out - places) / np.hypot(*(out - places).T)[:, None]])
    tips = np.concatenate([np.stack([places - along, places + along], axis=1), np.stack([nodes[n:]] * 2, axis=1)])
    inner, here = cKDTree(nodes[: n + len(town.ends)]), n + len(town.ends)
    a, b = np.nonzero(np.triu(np.ones((n, here), dtype=bool), 1))
    a, b = np.concatenate([a, np.arange(n)]), np.concatenate([b, here + np.arange(n)])
    near, _ = inner.query((nodes[a] + nodes[b]) / 2)
    side = _side_of(ground, nodes[:, 1])
    good = (near > 0.499 * np.hypot(*(nodes[a] - nodes[b]).T)) & (side[a] == side[b])
    land = shapely.buffer(town.land, -1.0)
    for i, j in zip(a[good].tolist(), b[good].tolist(), strict=True):
        if (i, j) in joined:
            continue
        reach = np.hypot(*(tips[i][:, None] - tips[j][None]).transpose(2, 0, 1))
        p, q = np.unravel_index(int(np.argmin(reach)), reach.shape)
        line = rough(tuple(tips[i][p]), tuple(tips[j][q]), rng, swing=0.06, step=90)
        low, high = _band(ground, int(side[i]))
        line[1:-1, 1] = np.clip(line[1:-1, 1], low, high)
        if not land.intersects(shapely.LineString(line)):
            lines.add(line, "unclassified", f"link{i}-{j if j < n else i}")


def _band(ground: Ground, side: int) -> tuple[float, float]:
    """Return the range of v in which a road of this side may run."""
    river, rail = ground.river_v, ground.rail_v
    return (
        (-np.inf, river - RIVER_STRIP - 20),
        (river + RIVER_STRIP + 20, rail - RAIL_STRIP - 20),
        (rail + RAIL_STRIP + 20, np.inf),
    )[side]
