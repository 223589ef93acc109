"""Rules about walking: islands of the network, and what is wrong with a station's place or hours."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from sqlalchemy import Connection

from gridmap.core.network import Reason, islands
from gridmap.core.stations import STATION_RULES, StationInputs, check_stations
from gridmap.model.finding import Finding
from gridmap.model.text import Text
from gridmap.services.walking import Town
from gridmap.store import base as base_store

__all__ = ["WALKING_RULES", "check_walking"]

#: Titles of the rules by name.
WALKING_RULES: dict[str, Text] = {
    "network_island": Text("步行路网连通", "the walking network is one piece"),
    **STATION_RULES,
}


def check_walking(connection: Connection, town: Town, names: Iterable[str] | None = None) -> list[Finding]:
    """Run the rules of :data:`WALKING_RULES`, all or those named; other names are for others."""
    wanted = [name for name in WALKING_RULES if names is None or name in set(names)]
    found: list[Finding] = []
    if "network_island" in wanted:
        found += _islands(town)
    rules = [name for name in wanted if name in STATION_RULES]
    if rules and town.today.stations:
        found += check_stations(_stations(connection, town), rules)
    return found


def _islands(town: Town) -> Iterator[Finding]:
    """Find parts of the network that are cut off from the rest and that homes or stations depend on.

    Those that nobody depends on (paths in a park) are told in one finding.
    """
    network = town.network
    parts = islands(network)
    if not parts:
        return
    homes = _only_on(town, "homes")
    stations = _only_on(town, "stations")
    lonlat = town.lonlat(np.array([(part.x, part.y) for part in parts]))
    idle = []
    for part, (lon, lat) in zip(parts, lonlat.tolist(), strict=True):
        here = homes == part.component
        buildings, served = int(here.sum()), int((stations == part.component).sum())
        households = int(town.homes.households[here].sum())
        if not households and not served:
            idle.append((part, lon, lat))
            continue
        yield Finding(
            "network_island",
            "warning",
            f"network:{lon:.5f},{lat:.5f}",
            Text(
                f"一段 {part.length_m:,.0f} 米的路网与其余道路不相连,{buildings} 栋 {households} 户"
                + (f"、{served} 个站点" if served else "")
                + "只与它相通。",
                f"{part.length_m:,.0f} m of streets are cut off from the rest; {buildings} buildings with {households} "
                f"households" + (f" and {served} stations" if served else "") + " are on them alone.",
            ),
            Text(
                "检查道路是否漏接或缺段,改正后重新导入道路。",
                "See whether a street is missing or not joined; mend it and import the streets again.",
            ),
            lon,
            lat,
        )
    if idle:
        length = sum(part.length_m for part, _, _ in idle)
        _, lon, lat = idle[0]
        yield Finding(
            "network_island",
            "info",
            "network:islands",
            Text(
                f"另有 {len(idle)} 段共 {length:,.0f} 米路网与其余道路不相连,没有住户和站点依靠它们。",
                f"{len(idle)} other pieces of {length:,.0f} m in all are cut off from the rest; no home or station "
                "depends on them.",
            ),
            None,
            lon,
            lat,
        )


def _only_on(town: Town, what: str) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Return the component of each home or station that is on one component alone; −1: on several, or on none."""
    attached = town.today.homes if what == "homes" else town.today.attached
    component = town.network.component[town.network.edge_u[attached.edge]].astype(np.int64)
    low = np.full(attached.count, np.iinfo(np.int64).max)
    high = np.full(attached.count, -1, dtype=np.int64)
    np.minimum.at(low, attached.thing, component)
    np.maximum.at(high, attached.thing, component)
    return np.where(low == high, high, -1)


def _stations(connection: Connection, town: Town) -> StationInputs:
    rows = town.today.stations
    frame = gpd.GeoDataFrame(
        pd.DataFrame(
            {
                "source_id": [one.code for one in rows],
                "name": [one.name for one in rows],
                "opening_hours": [one.opening_hours for one in rows],
            }
        ),
        geometry=shapely.points([(one.lon, one.lat) for one in rows]),
        crs="EPSG:4326",
    )
    # without walkable streets every station would be found, and the missing streets are told already
    known = town.network.edges > 0
    return StationInputs(
        frame,
        town.epsg,
        water=base_store.read_live(connection, "water"),
        reason=town.today.attached.reason if known else np.full(len(rows), int(Reason.ATTACHED), dtype=np.uint8),
        nearest_m=town.today.attached.nearest_m,
    )
