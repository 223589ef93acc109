"""The town on the plan: main streets, ring, bridges, underpasses, and the parts that become leaf grids."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import shapely

from gridmap.sample.ground import RAIL_STRIP, RIVER_STRIP, Floats, Ground
from gridmap.sample.lines import NOTHING, SNAP, Lines, chord, halves, rough
from gridmap.sample.size import Size

MAIN_SPACING = 570.0
FRINGE_SPACING = 1050.0
BRIDGE_HALF = 72.0
HILL_AREA = 240_000.0
TUNNEL_HALF = 18.0


@dataclass(slots=True)
class Part:
    """A piece of the town that becomes one leaf grid: its shape on the plan and what it is like."""

    shape: shapely.Polygon
    zone: str
    superblock: int


@dataclass(slots=True)
class TownPlan:
    """The lines of the town, its leaf parts, and the land of the town (plan)."""

    lines: Lines
    parts: list[Part]
    land: shapely.Polygon
    ends: Floats
    corners: Floats


def breaks(low: float, high: float, spacing: float, rng: np.random.Generator) -> list[float]:
    """Divide a length into parts of about ``spacing``, irregularly; without the last end."""
    n = max(1, round((high - low) / spacing))
    at = np.arange(n, dtype=float)
    at[1:] += rng.uniform(-0.13, 0.13, n - 1)
    return [low + (high - low) * float(a) / n for a in at]


@dataclass(slots=True)
class _Lattice:
    us: list[float]
    vs: list[float]
    nodes: Floats
    ring: tuple[int, int]
    river: int
    rail: int
    bridges: set[int]
    underpasses: set[int]


def _lattice(ground: Ground, rng: np.random.Generator) -> _Lattice:
    west, south, east, north = ground.town_box
    ring, river, rail = ground.ring_u, ground.river_v, ground.rail_v
    left = breaks(west, -ring, FRINGE_SPACING, rng)
    inner = breaks(-ring, ring, MAIN_SPACING, rng)
    us = left + inner + breaks(ring, east, FRINGE_SPACING, rng) + [east]
    below = breaks(south, ground.south_quarter[1], FRINGE_SPACING, rng)
    quarter = breaks(ground.south_quarter[1], river, 700, rng)
    middle = breaks(river, rail, 580, rng)
    above = breaks(rail, ground.north_quarter[3], 650, rng)
    vs = below + quarter + middle + above + breaks(ground.north_quarter[3], north, FRINGE_SPACING, rng) + [north]
    i_river, i_rail = len(below) + len(quarter), len(below) + len(quarter) + len(middle)
    ring_i = (len(left), len(left) + len(inner))
    nodes = np.array([[(u, v) for v in vs] for u in us], dtype=float)
    gap_u = np.minimum(np.diff(us)[:-1], np.diff(us)[1:])
    gap_v = np.minimum(np.diff(vs)[:-1], np.diff(vs)[1:])
    jitter_u = rng.uniform(-0.13, 0.13, nodes.shape[:2])
    jitter_v = rng.uniform(-0.11, 0.11, nodes.shape[:2])
    nodes[1:-1, :, 0] += jitter_u[1:-1] * gap_u[:, None]
    nodes[:, 1:-1, 1] += jitter_v[:, 1:-1] * gap_v[None, :]
    for i in ring_i:
        nodes[i, :, 0] = us[i]
    for j in (i_river, i_rail):
        nodes[:, j, 1] = vs[j]
    columns = np.arange(ring_i[0] + 1, ring_i[1])
    scale = ground.scale
    wanted = np.linspace(-0.42, 0.5, max(2, round(2 * scale))) * ring
    bridges = {int(columns[np.argmin([abs(us[c] - w) for c in columns])]) for w in wanted}
    wanted = np.linspace(-0.3, 0.3, max(2, round(2 * scale))) * ring
    underpasses = {int(columns[np.argmin([abs(us[c] - w) for c in columns])]) for w in wanted}
    return _Lattice(us, vs, nodes, ring_i, i_river, i_rail, bridges, underpasses)


def _inside(box: tuple[float, float, float, float], u: float, v: float) -> bool:
    return box[0] < u < box[2] and box[1] < v < box[3]


def _built(ground: Ground, u: float, v: float) -> bool:
    """Whether a place lies inside the ring or in the quarters across river and railway."""
    core = abs(u) < ground.ring_u and ground.river_v < v < ground.rail_v
    return core or _inside(ground.south_quarter, u, v) or _inside(ground.north_quarter, u, v)


def _near_built(ground: Ground, u: float, v: float) -> bool:
    return any(_built(ground, u + du, v + dv) for du in (-40, 40) for dv in (-40, 40))


def _cut_at_strips(a: Floats, b: Floats, ground: Ground) -> list[tuple[Floats, Floats]]:
    """Cut a segment of a north-south line where strips, bridges and underpasses begin."""
    marks = [ground.river_v + d for d in (-RIVER_STRIP, -BRIDGE_HALF, BRIDGE_HALF, RIVER_STRIP)] + [
        ground.rail_v + d for d in (-RAIL_STRIP, -TUNNEL_HALF, TUNNEL_HALF, RAIL_STRIP)
    ]
    at = sorted({0.0, 1.0} | {t for m in marks if 0 < (t := (m - a[1]) / (b[1] - a[1])) < 1})
    return [(a + (b - a) * s, a + (b - a) * t) for s, t in pairwise(at)]


def _column(lines: Lines, lattice: _Lattice, ground: Ground, i: int, a: Floats, b: Floats, key: str) -> None:
    """Add one segment of a north-south line with the class that its place gives it."""
    corner = ring_corner(ground)
    for start, end in _cut_at_strips(a, b, ground):
        u, v = 0.5 * (start + end)
        dv_river, dv_rail = abs(v - ground.river_v), abs(v - ground.rail_v)
        bridge = tunnel = False
        if dv_river < RIVER_STRIP:
            highway = "secondary" if i in lattice.bridges else NOTHING
            bridge = dv_river < BRIDGE_HALF and highway != NOTHING
        elif dv_rail < RAIL_STRIP:
            highway = "secondary" if i in lattice.underpasses else NOTHING
            tunnel = dv_rail < TUNNEL_HALF and highway != NOTHING
        elif i in lattice.ring and ground.river_v < v < ground.rail_v:
            low, high = ground.river_v + RIVER_STRIP + corner, ground.rail_v - RAIL_STRIP - corner
            inner = [np.array([u, np.clip(t, low, high)]) for t in (start[1], end[1])]
            lines.add([start, inner[0]], NOTHING, key)
            lines.add([inner[1], end], NOTHING, key)
            lines.add(inner, "primary", "ring")
            continue
        else:
            highway = _class_at(ground, u, v)
        lines.add([start, end], highway, key, bridge=bridge, tunnel=tunnel)


def _class_at(ground: Ground, u: float, v: float) -> str:
    core = abs(u) < ground.ring_u and ground.river_v < v < ground.rail_v
    if core:
        return "secondary"
    return "tertiary" if _near_built(ground, u, v) else "unclassified"


def ring_corner(ground: Ground) -> float:
    """Return the radius of the corners of the ring road."""
    return 380 * min(1.6, ground.scale)


def _mains(lattice: _Lattice, ground: Ground, rng: np.random.Generator) -> Lines:
    """Return the main streets, ring and borders: the lines that divide the town into superblocks."""
    lines = Lines()
    nodes = lattice.nodes
    columns, rows = nodes.shape[:2]
    fixed = {lattice.river, lattice.rail}
    jogged: set[tuple[int, int]] = set()
    for i in range(columns):
        border = i in (0, columns - 1)
        key = f"col{i}"
        for j in range(rows - 1):
            a, b = nodes[i, j].copy(), nodes[i, j + 1].copy()
            if border:
                lines.add(rough(tuple(a), tuple(b), rng, swing=0.07), NOTHING, "border")
                continue
            crosses = (i in lattice.bridges and lattice.river in (j, j + 1)) or (
                i in lattice.underpasses and lattice.rail in (j, j + 1)
            )
            plain = i not in lattice.ring and not crosses
            if plain and rng.random() < 0.3 and j > 0 and j + 1 not in fixed and j not in fixed:  # noqa: PLR2004
                side = int(rng.choice([-1, 1]))
                t = rng.uniform(0.14, 0.24)
                a = a + t * (nodes[i + side, j] - a)
                jogged.add((i if side > 0 else i - 1, j))
                key = f"col{i}-{j}"
            if plain and rng.random() < 0.08:  # noqa: PLR2004
                key = f"col{i}-{j + 1}"
                continue
            _column(lines, lattice, ground, i, a, b, key)
    for j in range(rows):
        for i in range(columns - 1):
            a, b = nodes[i, j], nodes[i + 1, j]
            u, v = 0.5 * (a + b)
            if j in (0, rows - 1):
                lines.add(rough(tuple(a), tuple(b), rng, swing=0.07), NOTHING, "border")
            elif j in fixed:
                lines.add([a, b], NOTHING, "river" if j == lattice.river else "rail")
            else:
                highway = _class_at(ground, u, v)
                lines.add([a, b], highway, f"row{j}")
    return lines


def _along_water_and_rail(lattice: _Lattice, ground: Ground) -> Lines:
    """Return the ring road's long sides and corners, the bank roads, the railway roads, the footbridge."""
    lines = Lines()
    ring, corner = ground.ring_u, ring_corner(ground)
    low, high = ground.river_v + RIVER_STRIP, ground.rail_v - RAIL_STRIP
    for v in (low, high):
        lines.add([(-ring + corner, v), (ring - corner, v)], "primary", "ring")
    turn = np.linspace(0, np.pi / 2, 9)
    for su in (-1, 1):
        for v, sv in ((low, -1), (high, 1)):
            arc = np.column_stack(
                [
                    su * (ring - corner + corner * np.cos(turn)),
                    v - sv * corner + sv * corner * np.sin(turn),
                ]
            )
            lines.add(arc, "primary", "ring")
    west, _, east, _ = ground.south_quarter
    ends = [lattice.us[int(np.argmin(np.abs(np.array(lattice.us) - u)))] for u in (west, east)]
    lines.add([(ends[0], ground.river_v - RIVER_STRIP), (ends[1], ground.river_v - RIVER_STRIP)], "tertiary", "bank")
    west, _, east, _ = ground.north_quarter
    ends = [lattice.us[int(np.argmin(np.abs(np.array(lattice.us) - u)))] for u in (west, east)]
    lines.add([(ends[0], ground.rail_v + RAIL_STRIP), (ends[1], ground.rail_v + RAIL_STRIP)], "tertiary", "railnorth")
    for k in range(max(1, round(ground.scale))):
        u = (0.06 + 0.31 * k * (-1) ** k) * ring
        for a, b in ((-RIVER_STRIP, -BRIDGE_HALF), (-BRIDGE_HALF, BRIDGE_HALF), (BRIDGE_HALF, RIVER_STRIP)):
            points = [(u, ground.river_v + a), (u, ground.river_v + b)]
            lines.add(points, "footway", f"footbridge{k}", bridge=a + b == 0)
    return lines


def density(ground: Ground, u: float, v: float) -> float:
    """How densely people live at a place of the plan: 1 in the middle, near 0 in the fringe."""
    if not _built(ground, u, v):
        return 0.032
    s = ground.scale
    r2 = (u / (1.25 * ground.ring_u)) ** 2 + ((v - 100 * s) / (1150 * s)) ** 2
    return float(max(0.2, np.exp(-1.2 * r2)))


def zone_at(ground: Ground, u: float, v: float) -> str:
    """Return what kind of quarter a place lies in: old, core, mid or fringe."""
    if not _built(ground, u, v):
        return "fringe"
    cu, cv = ground.centre
    if np.hypot(u - cu, v - cv) < 350 * min(1.6, ground.scale):
        return "old"
    return "core" if density(ground, u, v) > 0.62 else "mid"  # noqa: PLR2004


def dry_box(ground: Ground) -> shapely.Geometry:
    """Return the strips along river and railway, where nothing is built."""
    west, _, east, _ = ground.county_box
    strips = [
        shapely.box(west, ground.river_v - RIVER_STRIP, east, ground.river_v + RIVER_STRIP),
        shapely.box(west, ground.rail_v - RAIL_STRIP, east, ground.rail_v + RAIL_STRIP),
    ]
    return shapely.union_all(strips)


def shares(weights: Floats, total: int, *, least: int = 0) -> list[int]:
    """Divide a whole number in proportion to weights, by largest remainders."""
    exact = weights / weights.sum() * total
    whole = np.maximum(np.floor(exact).astype(int), least)
    missing = total - int(whole.sum())
    if missing > 0:
        whole[np.argsort(whole - exact, kind="stable")[:missing]] += 1
    while whole.sum() > total:
        over = np.where(whole > least, whole - exact, -np.inf)
        whole[int(np.argmax(over))] -= 1
    return [int(w) for w in whole]


def _side(ground: Ground, shape: shapely.Geometry) -> int:
    v = shape.representative_point().y
    return int(v > ground.river_v) + int(v > ground.rail_v)


def _superblocks(mains: Lines, ground: Ground, total: int) -> tuple[list[shapely.Polygon], list[int]]:
    """Return the faces between main streets and how many leaf grids each has, without any that has none."""
    noded = shapely.union_all(np.array(mains.geometry, dtype=object), grid_size=SNAP)
    faces = [f for f in shapely.get_parts(shapely.polygonize(shapely.get_parts(noded))) if f.area > 400]  # noqa: PLR2004
    faces.sort(key=lambda f: (round(f.centroid.x), round(f.centroid.y)))
    strips = dry_box(ground)
    weight = [_weight(f, ground, strips) for f in faces]
    while True:
        counts = shares(np.array(weight), total)
        empty = [k for k, c in enumerate(counts) if c == 0]
        if not empty:
            return faces, counts
        k = min(empty, key=lambda e: weight[e])
        lonely, gone = faces.pop(k), weight.pop(k)
        tree = shapely.STRtree(faces)
        near = tree.query(lonely, predicate="dwithin", distance=1.0)
        borders = shapely.length(shapely.intersection(np.array(faces, dtype=object)[near], lonely))
        same = np.array([_side(ground, faces[n]) == _side(ground, lonely) for n in near])
        other = int(near[int(np.argmax(borders - np.where(same, 0.0, 1e9)))])
        faces[other] = shapely.union_all([faces[other], lonely], grid_size=SNAP)
        weight[other] += gone


def _weight(face: shapely.Polygon, ground: Ground, strips: shapely.Geometry) -> float:
    """Return how many people a face between main streets would draw."""
    place = face.representative_point()
    return density(ground, place.x, place.y) * max(1.0, float(shapely.difference(face, strips).area))


def _axis(shape: shapely.Polygon) -> Floats:
    """Return the unit direction of the longer side of the smallest box around a shape."""
    box = np.asarray(shapely.oriented_envelope(shape).exterior.coords)
    sides = np.diff(box[:3], axis=0)
    longer = sides[int(np.argmax(np.hypot(sides[:, 0], sides[:, 1])))]
    if longer[0] < 0 or (longer[0] == 0 and longer[1] < 0):
        longer = -longer
    return np.asarray(longer / np.hypot(*longer))


def solid(a: shapely.Geometry, b: shapely.Geometry) -> tuple[shapely.Polygon, shapely.Polygon]:
    """Make two halves whole: pieces that came off one go to the other."""
    out: list[shapely.Geometry] = []
    spare: list[list[shapely.Geometry]] = [[], []]
    for k, half in enumerate((a, b)):
        parts = sorted((p for p in shapely.get_parts(half) if p.geom_type == "Polygon"), key=lambda p: -p.area)
        out.append(parts[0])
        spare[1 - k] = parts[1:]
    joined = [shapely.union_all([o, *s]) if s else o for o, s in zip(out, spare, strict=True)]
    return joined[0], joined[1]


def split(
    shape: shapely.Polygon, share: float, rng: np.random.Generator, *, turn: float
) -> tuple[shapely.Polygon, shapely.Polygon, list[shapely.LineString]] | None:
    """Cut a shape across its longer side at about ``share`` of its length; None when it cannot be cut.

    ``turn`` is the largest deviation of the cut from a right angle, in radians.
    """
    along = _axis(shape)
    ring = np.asarray(shape.exterior.coords)
    reach = ring @ along
    at = reach.min() + share * (reach.max() - reach.min())
    across = np.array([-along[1], along[0]])
    width = ring @ across
    point = along * at + across * 0.5 * (width.min() + width.max())
    angle = rng.uniform(-turn, turn)
    cos, sin = np.cos(angle), np.sin(angle)
    direction = np.array([across[0] * cos - across[1] * sin, across[0] * sin + across[1] * cos])
    a, b = halves(shape, point, direction)
    if a.is_empty or b.is_empty or min(a.area, b.area) < 0.12 * shape.area:
        return None
    first, second = solid(a, b)
    if first.geom_type != "Polygon" or second.geom_type != "Polygon":
        return None
    return first, second, chord(shape, point, direction)


def _outside_strips(line: shapely.LineString, strips: shapely.Geometry) -> tuple[list[shapely.LineString], ...]:
    """Divide a cut into the parts that can be a street and those inside the strips."""
    dry = [g for g in shapely.get_parts(shapely.difference(line, strips)) if g.length > 0]
    wet = [g for g in shapely.get_parts(shapely.intersection(line, strips)) if g.length > 0]
    return dry, wet


def _divide(
    shape: shapely.Polygon,
    count: int,
    rng: np.random.Generator,
    lines: Lines,
    strips: shapely.Geometry,
    zone: str,
    key: str,
) -> list[shapely.Polygon]:
    """Divide a superblock into ``count`` parts by side streets."""
    if count == 1:
        return [shape]
    one = count // 2 if rng.random() < 0.5 else count - count // 2  # noqa: PLR2004
    cut = None
    for _ in range(6):
        share = one / count + rng.uniform(-0.05, 0.05)
        cut = cut or split(shape, share, rng, turn=np.radians(16 if zone == "old" else 8))
    cut = cut or split(shape, 0.5, rng, turn=0.0)
    if cut is None:
        msg = "a superblock could not be divided"
        raise AssertionError(msg)
    a, b, chords = cut
    highway = NOTHING
    if rng.random() < {"fringe": 0.4, "old": 1.0}.get(zone, 0.9):
        inner = "tertiary" if count > 4 else "residential"  # noqa: PLR2004
        highway = "unclassified" if zone == "fringe" else inner
    _add_chords(lines, chords, strips, highway, key)
    return _divide(a, one, rng, lines, strips, zone, key) + _divide(b, count - one, rng, lines, strips, zone, key)


def _add_chords(
    lines: Lines, chords: list[shapely.LineString], strips: shapely.Geometry, highway: str, key: str
) -> None:
    """Add cuts: streets outside the strips along river and railway, mere borders inside."""
    for line in chords:
        dry, wet = _outside_strips(line, strips)
        for g in dry:
            lines.add(g, highway, f"{key}.{len(lines.key)}" if highway else key)
        for g in wet:
            lines.add(g, NOTHING, key)


BLOCK_AREA = {"old": 6000.0, "core": 15_000.0, "mid": 20_000.0, "fringe": 90_000.0}


def _into_blocks(
    shape: shapely.Polygon,
    zone: str,
    rng: np.random.Generator,
    lines: Lines,
    strips: shapely.Geometry,
    key: str,
) -> None:
    """Divide a leaf part into blocks by lanes, alleys and walls."""
    if zone not in BLOCK_AREA:
        return
    area = shapely.difference(shape, strips).area
    if area < BLOCK_AREA[zone] * rng.uniform(1.2, 2.2):
        return
    cut = split(shape, rng.uniform(0.4, 0.6), rng, turn=np.radians(18 if zone == "old" else 7))
    if cut is None:
        return
    a, b, chords = cut
    highway = {
        "old": ("pedestrian", "pedestrian", "service"),
        "core": ("service", "service", "residential", NOTHING),
        "mid": ("service", "residential", "residential", NOTHING),
        "fringe": ("track", "unclassified", NOTHING),
    }[zone][int(rng.integers(0, 3 if zone in {"old", "fringe"} else 4))]
    _add_chords(lines, chords, strips, highway, key)
    _into_blocks(a, zone, rng, lines, strips, key)
    _into_blocks(b, zone, rng, lines, strips, key)


def plan_town(size: Size, ground: Ground, rng: np.random.Generator) -> TownPlan:
    """Lay out the town: superblocks between main streets, leaf parts in them, blocks in the parts."""
    lattice = _lattice(ground, rng)
    mains = _mains(lattice, ground, rng)
    faces, counts = _superblocks(mains, ground, size.urban + size.dedicated)
    strips = dry_box(ground)
    lines = Lines()
    lines.extend(mains)
    lines.extend(_along_water_and_rail(lattice, ground))
    parts: list[Part] = []
    for k, (face, count) in enumerate(zip(faces, counts, strict=True)):
        middle = face.representative_point()
        zone = zone_at(ground, middle.x, middle.y)
        for shape in _divide(face, count, rng, lines, strips, zone, f"side{k}"):
            p = shape.representative_point()
            parts.append(Part(shape, zone_at(ground, p.x, p.y) if zone != "fringe" else zone, k))
    for k in _hills(parts, ground, (size.dedicated + 2) // 3):
        parts[k].zone = "park"
    for part in parts:
        _into_blocks(part.shape, part.zone, rng, lines, strips, f"lane{part.superblock}")
    land = shapely.union_all(np.array(faces, dtype=object), grid_size=SNAP)
    ends, corners = _street_ends(lines, ground)
    return TownPlan(lines, parts, shapely.from_wkb(shapely.to_wkb(land)), ends, corners)


def _hills(parts: list[Part], ground: Ground, count: int) -> list[int]:
    """Choose the parts that stay hills with a park: the first north-east of the town, others anywhere outside."""
    s = ground.scale
    spots = np.array([[1450 * s, ground.rail_v + 480 * s]])
    if count > 1:
        turn = np.arange(1, count) * 2.4
        far = np.column_stack([np.cos(turn) * 2300 * s, np.sin(turn) * 1700 * s])
        spots = np.vstack([spots, far])
    place = np.array([p.shape.representative_point().coords[0] for p in parts])
    area = np.array([p.shape.area for p in parts])
    fringe = np.array([p.zone == "fringe" for p in parts])
    unfit = np.where(fringe, 0.0, 3000.0 * s) + 0.004 * np.abs(area - HILL_AREA)
    chosen: list[int] = []
    for spot in spots:
        badness = np.hypot(*(place - spot).T) + unfit
        badness[chosen] = np.inf
        chosen.append(int(np.argmin(badness)))
    return chosen


def _street_ends(lines: Lines, ground: Ground) -> tuple[Floats, Floats]:
    """Return where main roads reach the border of the town, for the roads to the villages, and all their ends."""
    west, south, east, north = ground.town_box
    ends: set[tuple[float, float]] = set()
    for line, highway in zip(lines.geometry, lines.highway, strict=True):
        if highway in {"primary", "secondary", "tertiary", "unclassified"}:
            ends |= {line.coords[0], line.coords[-1]}
    corners = np.array(sorted(ends), dtype=float)
    x, y = corners.T
    return corners[(x == west) | (x == east) | (y == south) | (y == north)], corners
