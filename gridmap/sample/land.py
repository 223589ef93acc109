"""What everything else is built on: blocks and streets on the ground, invented or real."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from gridmap.sample.country import plan_country
from gridmap.sample.fabric import Fabric, weave
from gridmap.sample.frames import Zone
from gridmap.sample.ground import CRS, Floats, Ground
from gridmap.sample.size import Size
from gridmap.sample.townplan import plan_town


@dataclass(slots=True)
class Land:
    """The fabric in one metric zone, and what lies on it.

    Attributes
    ----------
    county
        The whole land.
    river, rail
        Water that parts the town, and railways.
    barriers
        Water and railways in short pieces: nothing is built near them.
    parting
        How much each common border of two blocks (``fabric.pairs``) parts people: 1, or more across water.
    villages, village_reach
        Middles (n, 2) and half lengths of the villages, metres.
    outside
        Places beyond the county, (n, 2).
    streets
        The rows of real streets, in the order of ``fabric.streets``; None where the town is invented.
    """

    zone: Zone
    fabric: Fabric
    county: shapely.Polygon
    river: shapely.Geometry
    rail: shapely.Geometry
    barriers: NDArray[np.object_]
    parting: Floats
    villages: Floats
    village_reach: Floats
    outside: Floats
    streets: gpd.GeoDataFrame | None = None


def invented(
    size: Size, ground_rng: np.random.Generator, town_rng: np.random.Generator, country_rng: np.random.Generator
) -> Land:
    """Invent a county: town, villages, river, railway."""
    ground = Ground.of(size, ground_rng)
    town = plan_town(size, ground, town_rng)
    country = plan_country(size, ground, town, country_rng)
    fabric = weave(ground, town, country)
    rail = ground.railway()
    west, south, east, north = ground.county_box
    turn = np.linspace(0, 2 * np.pi, 720, endpoint=False)
    middle = np.array([(west + east) / 2, (south + north) / 2])
    reach = 0.52 * np.hypot(east - west, north - south)
    return Land(
        zone=Zone(CRS),
        fabric=fabric,
        county=shapely.coverage_union_all(fabric.blocks),
        river=ground.river(),
        rail=rail,
        barriers=_barriers(ground),
        parting=parting(fabric, [ground.bend_line(ground.river_v), ground.bend_line(ground.rail_v)]),
        villages=ground.bend(country.middles),
        village_reach=country.lengths,
        outside=ground.bend(middle + reach * np.column_stack([np.cos(turn), np.sin(turn)])),
    )


def _barriers(ground: Ground) -> NDArray[np.object_]:
    """Return river and railway in short pieces, for quick tests of nearness."""
    west, _, east, _ = ground.county_box
    pieces: list[shapely.Geometry] = []
    river = ground.river()
    shapely.prepare(river)
    for start in np.arange(west - 600, east + 600, 400.0):
        line = ground.bend_line(ground.river_v, start, start + 400)
        pieces.append(shapely.intersection(shapely.buffer(line, 75.0), river))
        pieces.append(ground.bend_line(ground.rail_v, start, start + 400))
    return np.array(pieces, dtype=object)


def parting(fabric: Fabric, barriers: list[shapely.Geometry]) -> Floats:
    """Return for every pair of neighbouring blocks how much their border parts people: 12 across a barrier."""
    centre = shapely.get_coordinates(shapely.point_on_surface(fabric.blocks))
    links = shapely.linestrings(centre[fabric.pairs])
    crossing = np.zeros(len(links), dtype=bool)
    for barrier in barriers:
        shapely.prepare(barrier)
        crossing |= shapely.intersects(barrier, links)
    return np.where(crossing, 12.0, 1.0)
