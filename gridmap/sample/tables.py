"""The tables of the county, made from what was built."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gridmap.model.kinds import KINDS
from gridmap.sample.build import Built
from gridmap.sample.editions import Edition, union_by
from gridmap.sample.frames import Zone, table
from gridmap.sample.identity import Addresses, Estates, StreetRows
from gridmap.sample.land import Land
from gridmap.sample.landscape import Patches, lines_array
from gridmap.sample.levels import COUNTY, DIVISION, Levels
from gridmap.sample.names import INSTITUTION_KINDS
from gridmap.sample.services import Points

PEOPLE_PER_HOUSEHOLD = 2.74
HOMES = ("slab", "tower", "low", "old", "house")
USES = {
    "slab": "residential", "tower": "residential", "low": "residential", "old": "residential", "house": "residential",
    "shop": "commercial", "compound": "public", "hall": "industrial", "barn": "shed", "shed": "shed",
    "park": "public", "market": "commercial", "school": "school",
}  # fmt: skip
HEIGHTS = {"hall": 7.5, "market": 7.0, "barn": 4.2, "shed": 2.8}


def household_rows(
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
        swing = 0.7 * (i % 3 - 1) if count in {1, 2} else 0.0
        people = max(count, round(count * PEOPLE_PER_HOUSEHOLD * (1 + noise[i]) + swing))
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


def area_table(levels: Levels, now: Edition, degrees: NDArray[np.object_]) -> gpd.GeoDataFrame:
    """Return the county, its towns and its communities."""
    community = now.community[now.label]
    shapes = list(union_by(degrees, community, len(levels.community_code)))
    towns = list(union_by(degrees, levels.community_town[community], len(levels.town_code)))
    whole = shapely.coverage_union_all(degrees)
    parts = shapely.get_parts(whole)
    rows: list[tuple[Any, ...]] = [
        ("A0", DIVISION, COUNTY, "jurisdiction", None, None, parts[0] if len(parts) == 1 else whole)
    ]
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


def street_table(land: Land, streets: StreetRows) -> gpd.GeoDataFrame:
    """Return the streets and railways."""
    if land.streets is not None:
        return _real_street_table(land, streets)
    rail = [
        p
        for p in shapely.get_parts(shapely.intersection(land.rail, land.county))
        if p.geom_type == "LineString" and p.length > 10  # noqa: PLR2004
    ]
    n, m = len(streets.name), len(rail)
    service = [
        None if h != "service" else "driveway" if i else "alley"
        for h, i in zip(streets.highway, streets.inside, strict=True)
    ]
    layer = [1 if b else -1 if t else 0 for b, t in zip(streets.bridge, streets.tunnel, strict=True)]
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
            "layer": layer + [0] * m,
            "foot": ["yes" if h in {"pedestrian", "footway"} else None for h in streets.highway] + [None] * m,
        },
        land.zone.degrees(np.concatenate([streets.geometry, lines_array(rail)])),
    )


def _real_street_table(land: Land, streets: StreetRows) -> gpd.GeoDataFrame:
    """Return the real rows as they were, with a vertex where a way inside an estate begins, and those ways."""
    rows = land.streets
    assert rows is not None  # noqa: S101 (asked for real streets only)
    names = [c for c in KINDS["streets"].names if c != "removed"]
    ways = np.flatnonzero(streets.inside)
    shapes = land.zone.metres(rows.geometry.to_numpy())
    shapes[land.fabric.streets.key.astype(np.intp)] = streets.geometry[~streets.inside]
    columns: dict[str, list[Any]] = {}
    for name in names:
        values = list(rows[name]) if name in rows else [None] * len(rows)
        columns[name] = [None if _missing(v) else v for v in values] + [None] * len(ways)
    seen: dict[str, int] = {}
    for k, text in enumerate(columns["source_id"][: len(rows)]):
        seen[text] = seen.get(text, 0) + 1
        columns["source_id"][k] = text if seen[text] == 1 else f"{text}.{seen[text]}"
    n = len(rows)
    for k, way in enumerate(ways):
        columns["source_id"][n + k] = f"G{k + 1:05d}"
        columns["highway"][n + k] = streets.highway[way]
        columns["service"][n + k] = "driveway" if streets.highway[way] == "service" else None
    return table("streets", columns, land.zone.degrees(np.concatenate([shapes, streets.geometry[ways]])))


def _missing(value: Any) -> bool:
    return value is None or value is pd.NA or value != value  # noqa: PLR0124 (NaN)


def patch_table(zone: Zone, kind: str, patches: Patches, column: str) -> gpd.GeoDataFrame:
    """Return water or land use; ``column`` names the kind of each patch."""
    n = len(patches.shape)
    letter = kind[0].upper()
    columns: dict[str, list[Any]] = {
        "source_id": [f"{letter}{k + 1:04d}" for k in range(n)],
        "name": [name or None for name in patches.name],
        column: patches.kind,
    }
    if kind == "water":
        columns["tunnel"] = [False] * n
    return table(kind, columns, zone.degrees(lines_array(patches.shape)))


def estate_table(zone: Zone, estates: Estates, built: Built, rng: np.random.Generator) -> gpd.GeoDataFrame:
    """Return the estates with type, management, wall and gates."""
    n = len(estates.name)
    managed = ["清岩物业" if k != "unit_family" and rng.random() < 0.8 else None for k in estates.kind]  # noqa: PLR2004
    gates: list[str | None] = [None] * n
    for k, court in enumerate(built.courts):
        if court.walled:
            gates[k] = ";".join(f"{lon:.7f} {lat:.7f}" for lon, lat in zone.points(court.gates))
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
        zone.degrees(estates.outline),
    )


def building_table(
    zone: Zone, built: Built, estates: Estates, addresses: Addresses, source: list[str], named: dict[int, str]
) -> gpd.GeoDataFrame:
    """Return the buildings, in the order of their source identifiers."""
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
        "buildings", {key: [values[k] for k in order] for key, values in data.items()}, zone.degrees(b.outline[order])
    )


def point_table(zone: Zone, kind: str, points: Points) -> gpd.GeoDataFrame:
    """Return stations, candidates or places."""
    middles = np.round(np.array(points.middle, dtype=float), 2)
    return table(kind, points.columns(), zone.degrees(shapely.points(middles)))


def net_table(zone: Zone, rows: list[tuple[str, str, str, str, Any]]) -> gpd.GeoDataFrame:
    """Return the departments' nets."""
    net, department, code, name, shape = (list(column) for column in zip(*rows, strict=True))
    columns = {
        "source_id": [f"N{k + 1:03d}" for k in range(len(rows))],
        "net": net,
        "department": department,
        "code": code,
        "name": name,
    }
    return table("nets", columns, zone.degrees(lines_array(shape)))


def rows_table(kind: str, rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Return a table without geometry from rows."""
    return table(kind, {key: [row[key] for row in rows] for key in rows[0]})


def request_table(rows: list[dict[str, Any]]) -> gpd.GeoDataFrame:
    """Return the requests; what each was made for stays out."""
    columns = {key: [row[key] for row in rows] for key in rows[0] if key != "role"}
    return table("requests", columns)
