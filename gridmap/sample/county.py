"""The fictional county 清岩县 (Qingyan): one call makes all its tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gridmap.model.progress import Progress, silent
from gridmap.model.text import Text
from gridmap.sample.build import Built, build
from gridmap.sample.complaints import NOW, Spots, Where, request_rows
from gridmap.sample.country import CountryPlan, plan_country
from gridmap.sample.courts import wall_instead
from gridmap.sample.coverage import choose_stations
from gridmap.sample.editions import Edition, grid_table, last_year, present
from gridmap.sample.fabric import Fabric, Ints, weave
from gridmap.sample.frames import degrees_of, table, to_degrees
from gridmap.sample.ground import CRS, Floats, Ground
from gridmap.sample.identity import (
    Addresses,
    Estates,
    StreetRows,
    give_addresses,
    name_estates,
    name_streets,
)
from gridmap.sample.landscape import landuse_of, lines_array, water_of
from gridmap.sample.levels import COUNTY, DIVISION, Levels, arrange
from gridmap.sample.names import INSTITUTION_KINDS, Names
from gridmap.sample.planting import Planted, plant_buildings, plant_piece
from gridmap.sample.services import candidate_points, duty_rows, nets_of, place_points, station_points
from gridmap.sample.size import Size
from gridmap.sample.townplan import plan_town
from gridmap.sample.walking import Network

PEOPLE_PER_HOUSEHOLD = 2.69
USES = {
    "slab": "residential", "tower": "residential", "low": "residential", "old": "residential", "house": "residential",
    "shop": "commercial", "compound": "public", "hall": "industrial", "barn": "shed", "shed": "shed",
    "park": "public", "market": "commercial", "school": "school",
}  # fmt: skip


@dataclass(frozen=True)
class SampleBase:
    """A real place to build on: its streets, water, land use and places (columns of the kinds, EPSG:4326)."""

    streets: gpd.GeoDataFrame
    water: gpd.GeoDataFrame
    landuse: gpd.GeoDataFrame | None = None
    places: gpd.GeoDataFrame | None = None


@dataclass(frozen=True)
class SampleCounty:
    """All tables of a county, each with exactly the columns of its kind; geometry is EPSG:4326.

    ``editions`` tells names and dates; ``now`` is the moment at which the county stands still; ``truth`` lists
    what was planted, for tests only.
    """

    areas: gpd.GeoDataFrame
    streets: gpd.GeoDataFrame
    water: gpd.GeoDataFrame
    landuse: gpd.GeoDataFrame
    estates: gpd.GeoDataFrame
    buildings: gpd.GeoDataFrame
    households: pd.DataFrame
    places: gpd.GeoDataFrame
    stations: gpd.GeoDataFrame
    candidates: gpd.GeoDataFrame
    nets: gpd.GeoDataFrame
    people: pd.DataFrame
    requests: pd.DataFrame
    grids_last_year: gpd.GeoDataFrame
    grids_present: gpd.GeoDataFrame
    grids_draft: gpd.GeoDataFrame
    editions: dict[str, Any]
    now: str
    truth: dict[str, Any]


EDITIONS: dict[str, Any] = {
    "last_year": {"name": "2025年版网格", "effective_at": "2025-09-01T00:00:00+08:00"},
    "present": {"name": "2026年版网格", "effective_at": "2026-09-01T00:00:00+08:00"},
    "draft": {"title": "2027年网格优化方案", "from": "present"},
}


class _Streams:
    """Random numbers by topic, so that one topic does not stir the others."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def __call__(self, topic: int) -> np.random.Generator:
        return np.random.Generator(np.random.PCG64(np.random.SeedSequence([self._seed, topic])))


def generate(
    *,
    seed: int = 1,
    buildings: int = 3000,
    communities: int | None = None,
    base: SampleBase | None = None,
    progress: Progress = silent,
) -> SampleCounty:
    """Make the county: the same tables for the same arguments on every machine.

    Parameters
    ----------
    seed
        Of all randomness.
    buildings
        How many buildings; town, communities and grids grow in proportion.
    communities
        How many communities, if not in proportion to the buildings.
    base
        A real place whose blocks are filled instead of an invented town.
    progress
        Told the share done.

    Raises
    ------
    InputError
        When the sizes do not go together.
    """
    size = Size.of(buildings, communities)
    rng = _Streams(seed)
    progress(0.0, Text("规划道路和街区", "laying out streets and blocks"))
    ground = Ground.of(size, rng(1))
    town = plan_town(size, ground, rng(2))
    country = plan_country(size, ground, town, rng(3))
    fabric = weave(ground, town, country)
    progress(0.25, Text("建造房屋", "building"))
    planned = Size(size.buildings - 4, size.communities)
    barriers = _barriers(ground)
    built = build(planned, fabric, barriers, rng(4))
    names = Names(rng(5))
    levels = arrange(size, fabric, _barrier_costs(ground, fabric), names, rng(6))
    planted = Planted()
    plant_buildings(planted, fabric, levels, built, rng(7))
    return _assemble(size, ground, country, fabric, built, names, levels, planted, rng, progress)


def _barriers(ground: Ground) -> NDArray[np.object_]:
    """Return river and railway in short pieces, for quick tests of nearness."""
    west, _, east, _ = ground.county_box
    pieces = []
    river = ground.river()
    for start in np.arange(west - 600, east + 600, 400.0):
        u = np.linspace(start, start + 400, 21)
        line = shapely.LineString(ground.bend(np.column_stack([u, np.full(21, ground.river_v)])))
        near = shapely.buffer(line, 75.0)
        pieces.append(shapely.intersection(near, river) if len(pieces) % 1 == 0 else near)
        pieces.append(shapely.LineString(ground.bend(np.column_stack([u, np.full(21, ground.rail_v)]))))
    return lines_array(pieces)


def _barrier_costs(ground: Ground, fabric: Fabric) -> Floats:
    """Return how much each common border of blocks parts people: 12 where the river or railway runs."""
    west, _, east, _ = ground.county_box
    u = np.arange(west - 500, east + 500, 40.0)
    lines = [
        shapely.LineString(ground.bend(np.column_stack([u, np.full_like(u, v)]))) for v in (ground.river_v, ground.rail_v)
    ]
    centre = shapely.point_on_surface(fabric.blocks)
    a, b = shapely.get_coordinates(centre)[fabric.pairs[:, 0]], shapely.get_coordinates(centre)[fabric.pairs[:, 1]]
    link = shapely.linestrings(np.stack([a, b], axis=1))
    crossing = np.zeros(len(link), dtype=bool)
    for line in lines:
        shapely.prepare(line)
        crossing |= shapely.intersects(line, link)
    return np.where(crossing, 12.0, 1.0)


def _assemble(  # noqa: PLR0917
    size: Size,
    ground: Ground,
    country: CountryPlan,
    fabric: Fabric,
    built: Built,
    names: Names,
    levels: Levels,
    planted: Planted,
    rng: _Streams,
    progress: Progress,
) -> SampleCounty:
    villages = [names.village() for _ in range(len(country.middles))]
    group_number = _group_numbers(fabric)
    progress(0.5, Text("命名", "naming"))
    streets, edge_name = name_streets(fabric, built, villages, names)
    estates = name_estates(built, names)
    addresses = give_addresses(fabric, built, estates, edge_name, villages, group_number, rng(9))
    now = present(fabric, levels, built.targets, villages, group_number)
    plant_piece(planted, now, fabric, built, rng(10))
    _recode(now, fabric, levels)
    before = last_year(now, fabric, levels, planted.fixed_leaves(built), rng(11))
    source = _source_ids(built, now)
    progress(0.6, Text("设置站点", "placing stations"))
    stations = choose_stations(
        size, fabric, built, now, Network.of(streets.geometry), ground.river(), ground.railway(),
        set(planted.unattached), rng(12),
    )  # fmt: skip
    for gap in stations.gaps:
        if gap.court >= 0:
            wall_instead(built.courts, gap.court)
            estates.walled[:] = [court.walled for court in built.courts]
    spots = _spots(size, ground, fabric, built, levels, now, estates, addresses, country, rng(13))
    progress(0.8, Text("写表", "writing tables"))
    degrees = to_degrees(fabric.blocks)
    village_middles = ground.bend(country.middles)
    county = shapely.coverage_union_all(fabric.blocks)
    places, named = place_points(size, built, addresses, source, villages, village_middles, names, rng(14))
    water = water_of(ground, county, fabric, built, village_middles, rng(15))
    landuse = landuse_of(ground, county, fabric, built, country, water, rng(16))
    hole = planted.hole
    draft = Edition(**{f: getattr(now, f) for f in Edition.__dataclass_fields__})
    station_rows = station_points(
        built.buildings.middle[stations.building],
        stations.first,
        [_near_address(addresses, b) for b in stations.building],
        _station_labels(stations.building, built, levels, now, addresses),
        rng(17),
    )
    candidate_rows = candidate_points(
        built.buildings.middle[stations.candidate], [_near_address(addresses, b) for b in stations.candidate], rng(18)
    )
    vacant = planted.vacancies(now, rng(19))
    request_list = request_rows(size, spots, rng(20))
    households = _household_rows(built, estates, addresses, source, rng(21))
    return SampleCounty(
        areas=_areas(levels, now, degrees),
        streets=_street_table(streets, ground, county),
        water=_patch_table("water", water, "water_kind"),
        landuse=_patch_table("landuse", landuse, "landuse"),
        estates=_estate_table(estates, built, rng(22)),
        buildings=_building_table(built, estates, addresses, source, named),
        households=table("households", households),
        places=_point_table("places", places),
        stations=_point_table("stations", station_rows),
        candidates=_point_table("candidates", candidate_rows),
        nets=_net_table(nets_of(fabric, levels, now, county, rng(23))),
        people=_rows_table("people", duty_rows(now, vacant, built, source, names, rng(24))),
        requests=_request_table(request_list),
        grids_last_year=grid_table(before, fabric, levels, degrees),
        grids_present=grid_table(now, fabric, levels, degrees),
        grids_draft=grid_table(draft, fabric, levels, degrees, hole),
        editions=EDITIONS,
        now=NOW.isoformat(),
        truth=planted.truth(size, now, before, built, source, stations, request_list, households),
    )


def _recode(now: Edition, fabric: Fabric, levels: Levels) -> None:
    """Number the leaves again after blocks were moved, and rename those that carry their number."""
    from gridmap.sample.editions import _plain_name, union_by
    from gridmap.sample.levels import leaf_codes

    shapes = union_by(fabric.blocks, now.label, fabric.n_leaves)
    now.code = leaf_codes(levels, now.community, shapes)
    for k in range(fabric.n_leaves):
        if now.kind[k] == "urban":
            now.name[k] = _plain_name(levels, int(now.community[k]), now.code[k])


def _group_numbers(fabric: Fabric) -> Ints:
    """Number the groups of each village: 1, 2, 3 from the largest land downwards as they were cut."""
    out = np.zeros(fabric.n_leaves, dtype=np.intp)
    seen: dict[int, int] = {}
    for k, village in enumerate(fabric.leaf_village):
        if village >= 0:
            seen[int(village)] = seen.get(int(village), 0) + 1
            out[k] = seen[int(village)]
    return out


def _source_ids(built: Built, now: Edition) -> list[str]:
    """Number the buildings by grid code, from north-west to south-east."""
    middle = built.buildings.middle
    codes = np.array([now.code[now.label[b]] for b in built.buildings.block])
    order = np.lexsort((middle[:, 0], -np.round(middle[:, 1]), codes))
    out = [""] * len(order)
    for n, k in enumerate(order, 1):
        out[k] = f"B{n:06d}"
    return out


def _near_address(addresses: Addresses, building: int) -> str:
    if building < 0 or not addresses.street[building]:
        return ""
    return addresses.street[building] + addresses.house_number[building]


def _station_labels(
    buildings: list[int], built: Built, levels: Levels, now: Edition, addresses: Addresses
) -> list[str]:
    out: list[str] = []
    seen: dict[str, int] = {}
    for b in buildings:
        community = int(now.community[now.label[built.buildings.block[b]]])
        base = levels.community_name[community].removesuffix("社区").removesuffix("村")
        street = addresses.street[b]
        label = f"{base}{street}服务站" if street else f"{base}服务站"
        seen[label] = seen.get(label, 0) + 1
        out.append(label if seen[label] == 1 else f"{label}({seen[label]})")
    return out


def _spots(  # noqa: PLR0917
    size: Size,
    ground: Ground,
    fabric: Fabric,
    built: Built,
    levels: Levels,
    now: Edition,
    estates: Estates,
    addresses: Addresses,
    country: CountryPlan,
    rng: np.random.Generator,
) -> Spots:
    """Return the places that requests come from."""
    buildings = built.buildings
    where = []
    for b in range(len(buildings)):
        community = int(now.community[now.label[buildings.block[b]]])
        e = estates.of[b]
        where.append(
            Where(
                levels.town_name[int(levels.community_town[community])],
                levels.community_name[community],
                estates.name[e] if e >= 0 else "",
                addresses.number[b],
                addresses.street[b],
                addresses.house_number[b],
                int(buildings.entrances[b]),
            )
        )
    borders = np.flatnonzero((now.label[fabric.pairs[:, 0]] != now.label[fabric.pairs[:, 1]]) & (fabric.shared > 40))
    n = min(size.share(2000), 20_000)
    chosen = fabric.pairs[rng.choice(borders, round(0.06 * n))]
    line = shapely.intersection(shapely.boundary(fabric.blocks[chosen[:, 0]]), shapely.boundary(fabric.blocks[chosen[:, 1]]))
    at = shapely.line_interpolate_point(shapely.line_merge(line), rng.uniform(0.2, 0.8, len(line)), normalized=True)
    missing = shapely.is_missing(at) | shapely.is_empty(at)
    at[missing] = shapely.centroid(line[missing])
    border = shapely.get_coordinates(at) + rng.uniform(-9, 9, (len(at), 2))
    west, south, east, north = ground.county_box
    angle = rng.uniform(0, 2 * np.pi, round(0.02 * n))
    middle = np.array([(west + east) / 2, (south + north) / 2])
    reach = 0.5 * np.hypot(east - west, north - south)
    outside = ground.bend(middle + np.column_stack([np.cos(angle), np.sin(angle)]) * reach * 1.04)
    weight = buildings.households.astype(float) + 0.4
    return Spots(buildings.middle, weight, where, border, outside)


def _household_rows(
    built: Built, estates: Estates, addresses: Addresses, source: list[str], rng: np.random.Generator
) -> dict[str, list[Any]]:
    """Return households and people of every home: 85 % counted, 15 % estimated."""
    buildings = built.buildings
    homes = [k for k in np.argsort(source) if buildings.kind[k] in {"slab", "tower", "low", "old", "house"}]
    n = len(homes)
    estimated = np.zeros(n, dtype=bool)
    estimated[rng.permutation(n)[: round(0.15 * n)]] = True
    noise = rng.normal(0, 0.06, n)
    rows: dict[str, list[Any]] = {name: [] for name in (
        "building_source_id", "estate", "number", "households", "people", "basis", "figure_date", "figure_source",
        "estimated",
    )}  # fmt: skip
    for i, k in enumerate(homes):
        e = estates.of[k]
        count = int(buildings.households[k])
        people = max(count, round(count * PEOPLE_PER_HOUSEHOLD * (1 + noise[i]) + (0.69 * (i % 3 - 1) if count < 3 else 0)))  # noqa: PLR2004
        rows["building_source_id"].append(source[k])
        rows["estate"].append(estates.name[e] if e >= 0 else None)
        rows["number"].append(addresses.number[k] or None)
        rows["households"].append(count)
        rows["people"].append(people)
        rows["basis"].append("resident")
        rows["figure_date"].append("2026-06-30" if not estimated[i] else "2025-12-31")
        rows["figure_source"].append("按楼层面积估算" if estimated[i] else "网格入户登记")
        rows["estimated"].append(bool(estimated[i]))
    return rows


def _areas(levels: Levels, now: Edition, degrees: NDArray[np.object_]) -> gpd.GeoDataFrame:
    from gridmap.sample.editions import union_by

    community = now.community[now.label]
    shapes = list(union_by(degrees, community, len(levels.community_code)))
    towns = list(union_by(degrees, levels.community_town[community], len(levels.town_code)))
    whole = shapely.coverage_union_all(degrees)
    parts = shapely.get_parts(whole)
    rows = [("A0", DIVISION, COUNTY, "jurisdiction", None, None, parts[0] if len(parts) == 1 else whole)]
    for t, (code, name) in enumerate(zip(levels.town_code, levels.town_name, strict=True)):
        kind = "rural" if code[6] == "2" else "urban"
        rows.append((f"A{code}", code, name, "town", DIVISION, kind, towns[t]))
    for c in np.argsort(np.array(levels.community_code)):
        code = levels.community_code[c]
        kind = "rural" if levels.community_rural[c] else "urban"
        rows.append((f"A{code}", code, levels.community_name[c], "community", code[:9], kind, shapes[c]))
    columns = list(zip(*rows, strict=True))
    keys = ("source_id", "code", "name", "level", "parent_code", "area_kind")
    return table("areas", dict(zip(keys, columns[:6], strict=True)), lines_array(list(columns[6])))


def _street_table(streets: StreetRows, ground: Ground, county: shapely.Polygon) -> gpd.GeoDataFrame:
    rail = [
        p
        for p in shapely.get_parts(shapely.intersection(ground.railway(), county))
        if p.geom_type == "LineString" and p.length > 10  # noqa: PLR2004
    ]
    n, m = len(streets.name), len(rail)
    lines = np.concatenate([streets.geometry, lines_array(rail)])
    service = [
        None if h != "service" else "driveway" if i else "alley"
        for h, i in zip(streets.highway, streets.inside, strict=True)
    ]
    return table(
        "streets",
        {
            "source_id": [f"W{k + 1:05d}" for k in range(n + m)],
            "name": [x or None for x in streets.name] + ["清岩铁路"] * m,
            "highway": [*streets.highway, *[None] * m],
            "railway": [*[None] * n, *["rail"] * m],
            "service": service + [None] * m,
            "bridge": [*streets.bridge.tolist(), *[False] * m],
            "tunnel": [*streets.tunnel.tolist(), *[False] * m],
            "covered": [False] * (n + m),
            "layer": [1 if b else -1 if t else 0 for b, t in zip(streets.bridge, streets.tunnel, strict=True)] + [0] * m,
            "foot": ["yes" if h in {"pedestrian", "footway"} else None for h in streets.highway] + [None] * m,
        },
        to_degrees(lines),
    )


def _patch_table(kind: str, patches: Any, column: str) -> gpd.GeoDataFrame:
    n = len(patches.shape)
    letter = kind[0].upper()
    columns = {
        "source_id": [f"{letter}{k + 1:04d}" for k in range(n)],
        "name": [name or None for name in patches.name],
        column: patches.kind,
    }
    if kind == "water":
        columns["tunnel"] = [False] * n
    return table(kind, columns, to_degrees(lines_array(patches.shape)))


def _estate_table(estates: Estates, built: Built, rng: np.random.Generator) -> gpd.GeoDataFrame:
    n = len(estates.name)
    managed = ["清岩物业" if k != "unit_family" and rng.random() < 0.8 else None for k in estates.kind]  # noqa: PLR2004
    gates: list[str | None] = [None] * n
    for k, court in enumerate(built.courts):
        if court.walled:
            gates[k] = ";".join(f"{lon:.7f} {lat:.7f}" for lon, lat in degrees_of(court.gates))
    return table(
        "estates",
        {
            "source_id": [f"E{k + 1:04d}" for k in range(n)],
            "name": estates.name,
            "estate_type": estates.kind,
            "property_management": managed,
            "walled": estates.walled.tolist(),
            "gates": gates,
        },
        to_degrees(estates.outline),
    )


def _building_table(
    built: Built, estates: Estates, addresses: Addresses, source: list[str], named: dict[int, str]
) -> gpd.GeoDataFrame:
    b = built.buildings
    use = [USES[k] for k in b.kind]
    for k, block in enumerate(built.institutions):
        for m in np.flatnonzero((b.block == block) & (b.kind == "compound")):
            use[int(m)] = INSTITUTION_KINDS[k % len(INSTITUTION_KINDS)][2]
    order = np.argsort(source)
    height = {"hall": 7.5, "market": 7.0, "barn": 4.2, "shed": 2.8}
    data = {
        "source_id": source,
        "estate": [estates.name[e] if e >= 0 else None for e in estates.of],
        "number": [x or None for x in addresses.number],
        "name": [named.get(k) for k in range(len(b))],
        "use": use,
        "storeys": b.storeys.tolist(),
        "height_m": [round(height.get(k, 2.95 * s), 1) for k, s in zip(b.kind, b.storeys, strict=True)],
        "entrances": b.entrances.tolist(),
        "street": [x or None for x in addresses.street],
        "house_number": [x or None for x in addresses.house_number],
        "generated": [True] * len(b),
    }
    return table(
        "buildings", {key: [values[k] for k in order] for key, values in data.items()}, to_degrees(b.outline[order])
    )


def _point_table(kind: str, points: Any) -> gpd.GeoDataFrame:
    middles = np.round(np.array(points.middle, dtype=float), 2)
    return table(kind, points.columns(), to_degrees(shapely.points(middles)))


def _net_table(rows: list[tuple[str, str, str, str, Any]]) -> gpd.GeoDataFrame:
    net, department, code, name, shape = (list(column) for column in zip(*rows, strict=True))
    columns = {
        "source_id": [f"N{k + 1:03d}" for k in range(len(rows))],
        "net": net,
        "department": department,
        "code": code,
        "name": name,
    }
    return table("nets", columns, to_degrees(lines_array(shape)))


def _rows_table(kind: str, rows: list[dict[str, Any]]) -> pd.DataFrame:
    return table(kind, {key: [row[key] for row in rows] for key in rows[0]})


def _request_table(rows: list[dict[str, Any]]) -> gpd.GeoDataFrame:
    columns = {key: [row[key] for row in rows] for key in rows[0] if key != "role"}
    return table("requests", columns)
