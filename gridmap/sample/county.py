"""The fictional county 清岩县 (Qingyan): one call makes all its tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridmap.model.kinds import KINDS
from gridmap.model.progress import Progress, part, silent
from gridmap.model.text import Text
from gridmap.sample.base import SampleBase, real
from gridmap.sample.build import Built, build
from gridmap.sample.complaints import NOW, Spots, Where, request_count, request_rows
from gridmap.sample.courts import wall_instead
from gridmap.sample.coverage import choose_stations
from gridmap.sample.editions import Edition, grid_table, last_year, present, renumber
from gridmap.sample.fabric import Fabric, Ints
from gridmap.sample.frames import table
from gridmap.sample.identity import Addresses, Estates, give_addresses, name_estates, name_streets
from gridmap.sample.land import Land, invented
from gridmap.sample.landscape import landuse_of, lines_array, water_of
from gridmap.sample.levels import Levels, arrange
from gridmap.sample.names import Names
from gridmap.sample.planting import PLANTED, Planted, plant_buildings, plant_piece
from gridmap.sample.services import candidate_points, duty_rows, nets_of, place_points, station_points
from gridmap.sample.size import Size
from gridmap.sample.tables import (
    area_table,
    building_table,
    estate_table,
    household_rows,
    net_table,
    patch_table,
    point_table,
    request_table,
    rows_table,
    street_table,
)
from gridmap.sample.walking import Network


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


Table: TypeAlias = pd.DataFrame


@dataclass(frozen=True)
class Drawn:
    """A county that is thought out and whose tables are made one at a time, for counties that do not fit in memory."""

    made: dict[str, Callable[[], Table]]
    editions: dict[str, Any]
    now: str
    truth: dict[str, Any]

    def tables(self) -> Iterator[tuple[str, Table]]:
        """Make one table after the other; what was made is kept by whoever asks, and can be asked for once."""
        for name in list(self.made):
            yield name, self.made.pop(name)()


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
    drawn = draw(seed=seed, buildings=buildings, communities=communities, base=base, progress=progress)
    return SampleCounty(**dict(drawn.tables()), editions=drawn.editions, now=drawn.now, truth=drawn.truth)


def draw(
    *,
    seed: int = 1,
    buildings: int = 3000,
    communities: int | None = None,
    base: SampleBase | None = None,
    progress: Progress = silent,
) -> Drawn:
    """Think the county out; arguments and errors as in :func:`generate`."""
    size = Size.of(buildings, communities)
    rng = _Streams(seed)
    progress(0.0, Text("规划道路和街区", "laying out streets and blocks"))
    land = invented(size, rng(1), rng(2), rng(3)) if base is None else real(size, base, rng(1))
    building = part(progress, 0.2, 0.6)
    built = build(Size(size.buildings - PLANTED, size.communities), land, rng(4), progress=building)
    names = Names(rng(5))
    levels = arrange(size, land.fabric, land.parting, names, rng(6))
    planted = Planted()
    plant_buildings(planted, land, levels, built, rng(7))
    return _assemble(size, land, base, built, names, levels, planted, rng, part(progress, 0.6, 1.0))


def _assemble(
    size: Size,
    land: Land,
    base: SampleBase | None,
    built: Built,
    names: Names,
    levels: Levels,
    planted: Planted,
    rng: _Streams,
    progress: Progress,
) -> Drawn:
    fabric, zone = land.fabric, land.zone
    villages = [names.village() for _ in range(len(land.villages))]
    group_number = _group_numbers(fabric)
    progress(0.0, Text("命名", "naming"))
    streets, edge_name = name_streets(land, built, villages, names)
    estates = name_estates(built, names)
    addresses = give_addresses(fabric, built, estates, edge_name, villages, group_number, rng(9))
    now = present(fabric, levels, built.targets, villages, group_number)
    plant_piece(planted, now, fabric, built, rng(10))
    renumber(now, fabric, levels)
    before = last_year(now, fabric, levels, planted.fixed_leaves(built), rng(11))
    source = _source_ids(built, now)
    progress(0.3, Text("设置站点", "placing stations"))
    network = Network.of(streets.geometry)
    away = set(planted.unattached)
    stations = choose_stations(size, built, now, network, land.river, land.rail, away, rng(12))
    for gap in stations.gaps:
        if gap.court >= 0:
            wall_instead(built.courts, gap.court)
            estates.walled[:] = [court.walled for court in built.courts]
    progress(0.8, Text("写表", "writing tables"))
    degrees = zone.degrees(fabric.blocks)
    places, named = place_points(size, built, source, villages, land.villages, names, rng(14))
    water, landuse = _ground_tables(land, base, built, rng)
    labels = _station_labels(stations.building, built, levels, now, addresses)
    station_rows = station_points(
        built.buildings.middle[stations.building],
        stations.first,
        [_near_address(addresses, b) for b in stations.building],
        labels,
        rng(17),
    )
    candidate_rows = candidate_points(
        built.buildings.middle[stations.candidate], [_near_address(addresses, b) for b in stations.candidate], rng(18)
    )
    vacant = planted.vacancies(now, rng(19))
    spots = _spots(size, land, built, levels, now, estates, addresses, rng(13))
    requests = request_rows(size, zone, spots, rng(20))
    households = household_rows(built, estates, addresses, source, rng(21))
    hole = None if planted.hole is None else (planted.hole[0], zone.degrees(lines_array([planted.hole[1]]))[0])
    progress(1.0, Text("写表", "writing tables"))
    made: dict[str, Callable[[], Table]] = {
        "areas": lambda: area_table(levels, now, degrees),
        "streets": lambda: street_table(land, streets),
        "water": lambda: water,
        "landuse": lambda: landuse,
        "estates": lambda: estate_table(zone, estates, built, rng(22)),
        "buildings": lambda: building_table(zone, built, estates, addresses, source, named),
        "households": lambda: table("households", households),
        "places": lambda: _with_real_places(point_table(zone, "places", places), base),
        "stations": lambda: point_table(zone, "stations", station_rows),
        "candidates": lambda: point_table(zone, "candidates", candidate_rows),
        "nets": lambda: net_table(zone, nets_of(fabric, levels, now, land.county, rng(23))),
        "people": lambda: rows_table("people", duty_rows(now, vacant, built, source, names, rng(24))),
        "requests": lambda: request_table(requests),
        "grids_last_year": lambda: grid_table(before, levels, degrees),
        "grids_present": lambda: grid_table(now, levels, degrees),
        "grids_draft": lambda: grid_table(now, levels, degrees, hole),
    }
    return Drawn(
        made,
        editions=EDITIONS,
        now=NOW.isoformat(),
        truth=planted.truth(size, fabric, now, before, built, source, stations, requests, households),
    )


def _ground_tables(
    land: Land, base: SampleBase | None, built: Built, rng: _Streams
) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Return water and land use: real ones stay as they are."""
    if base is None:
        water = water_of(land, built, rng(15))
        landuse = landuse_of(land, built, water, rng(16))
        return patch_table(land.zone, "water", water, "water_kind"), patch_table(
            land.zone, "landuse", landuse, "landuse"
        )
    return _of_kind("water", base.water), _of_kind("landuse", base.landuse)


def _of_kind(kind: str, frame: gpd.GeoDataFrame | None) -> gpd.GeoDataFrame:
    """Return a table with the columns of a kind from one that may lack some."""
    if frame is None or len(frame) == 0:
        return table(kind, {name: [] for name in KINDS[kind].names}, np.array([], dtype=object))
    columns = {name: list(frame[name]) for name in KINDS[kind].names if name in frame and name != "removed"}
    return table(kind, columns, frame.geometry.to_numpy())


def _with_real_places(places: gpd.GeoDataFrame, base: SampleBase | None) -> gpd.GeoDataFrame:
    if base is None or base.places is None or len(base.places) == 0:
        return places
    return gpd.GeoDataFrame(pd.concat([_of_kind("places", base.places), places], ignore_index=True), crs=4326)


def _group_numbers(fabric: Fabric) -> Ints:
    """Return the number of each leaf in its village: 1, 2, 3; 0 in the town."""
    out = np.zeros(fabric.n_leaves, dtype=np.intp)
    seen: dict[int, int] = {}
    for k, village in enumerate(fabric.leaf_village):
        if village >= 0:
            seen[int(village)] = seen.get(int(village), 0) + 1
            out[k] = seen[int(village)]
    return out


def _source_ids(built: Built, now: Edition) -> list[str]:
    """Return source identifiers, by grid code, from north-west to south-east."""
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


def _spots(
    size: Size,
    land: Land,
    built: Built,
    levels: Levels,
    now: Edition,
    estates: Estates,
    addresses: Addresses,
    rng: np.random.Generator,
) -> Spots:
    """Return the places that requests come from."""
    fabric, buildings = land.fabric, built.buildings
    community = now.community[now.label[buildings.block]]
    where = [
        Where(
            levels.town_name[int(levels.community_town[community[b]])],
            levels.community_name[community[b]],
            estates.name[estates.of[b]] if estates.of[b] >= 0 else "",
            addresses.number[b],
            addresses.street[b],
            addresses.house_number[b],
            int(buildings.entrances[b]),
        )
        for b in range(len(buildings))
    ]
    n = request_count(size)
    a, b = fabric.pairs.T
    borders = np.flatnonzero((now.label[a] != now.label[b]) & (fabric.shared > 40))  # noqa: PLR2004
    wanted = round(0.06 * n)
    chosen = rng.choice(borders, 3 * wanted)
    rings = shapely.boundary(fabric.blocks)
    lines = shapely.line_merge(shapely.intersection(rings[a[chosen]], rings[b[chosen]]))
    lines = np.array([max(shapely.get_parts(g), key=lambda p: p.length) for g in lines], dtype=object)
    at = shapely.line_interpolate_point(lines, rng.uniform(0.2, 0.8, len(lines)), normalized=True)
    border = shapely.get_coordinates(at) + rng.uniform(-6, 6, (len(at), 2))
    inside, _ = shapely.STRtree(buildings.outline).query(shapely.points(border), predicate="dwithin", distance=1.0)
    border = np.delete(border, np.unique(inside), axis=0)[:wanted]
    outside = land.outside[rng.integers(0, len(land.outside), round(0.02 * n))]
    return Spots(buildings.middle, buildings.households.astype(np.float64) + 0.4, where, border, outside)
