"""The stations nearest on foot to a place, with the way there; for locating."""

from __future__ import annotations

from typing import Any

import numpy as np

from gridmap.core.network import PROFILES, Attachments, Reason, WalkTimes
from gridmap.core.network.graph import LONGEST_S
from gridmap.core.reach import DirectPairs, Legs, legs, pairs, route
from gridmap.services.attaching import take
from gridmap.services.drawing import geojson, line
from gridmap.services.looking import Question, look_at
from gridmap.services.walking import Town, direct_pairs

__all__ = ["stations_on_foot"]

#: Most places have three stations within half an hour; only the others are searched for farther.
NEAR_S = 1800.0


def stations_on_foot(
    town: Town,
    *,
    building: int | None = None,
    lon: float | None = None,
    lat: float | None = None,
    most: int = 3,
    path: bool = False,
) -> list[dict[str, Any]]:
    """Return the stations nearest on foot to a building (its id), else to a point, nearest first; none: an empty list.

    code, name, kind, tier, distance_m (straight), walk_s, walk_m, basis ``walk``; with ``path`` the way as GeoJSON.
    """
    here = _place(town, building, lon, lat)
    if here is None or here.reason[0] != Reason.ATTACHED or not town.today.stations:
        return []
    seen = look_at(town, town.today, Question())
    direct = _direct(town, here, building, seen.walk.times.speed_mps)
    found = _reached(town, here, seen.walk.times, direct, most)
    out = []
    for position, seconds in found:
        way = _way(town, seen.walk.times, here, direct, position, seconds)
        station = town.today.stations[position]
        told = {
            "code": station.code,
            "name": station.name,
            "kind": station.kind,
            "tier": station.tier,
            "distance_m": round(float(np.hypot(*(here.xy[0] - town.today.attached.xy[position]))), 1),
            "walk_s": round(seconds, 1),
            "walk_m": None if way is None else round(way[0], 1),
            "basis": "walk",
        }
        if path:
            told["path"] = None if way is None else geojson(line(town, way[1]))
        out.append(told)
    return out


def _place(town: Town, building: int | None, lon: float | None, lat: float | None) -> Attachments | None:
    if building is not None:
        row = town.homes.rows(np.array([building], dtype=np.int64))
        if row[0] >= 0:
            return take(town.homes.attached, row)
    if lon is None or lat is None:
        return None
    return town.around.attach(town.network, town.metric(np.array([[lon, lat]])))


def _direct(town: Town, here: Attachments, building: int | None, speed_mps: float) -> DirectPairs:
    """Return the stations that need no street from here: (station, 0)."""
    inside = np.zeros((0, 2), dtype=np.int64)
    if building is not None:
        row = town.homes.rows(np.array([building], dtype=np.int64))[0]
        same = town.today.inside[town.today.inside[:, 1] == row, 0]
        inside = np.column_stack([same, np.zeros(len(same), dtype=np.int64)])
    return direct_pairs(town.today.attached, here, inside, speed_mps=speed_mps)


def _reached(
    town: Town, here: Attachments, times: WalkTimes, direct: DirectPairs, most: int
) -> list[tuple[int, float]]:
    """Return positions and seconds of the nearest stations; one search, from here outward."""
    away, goals = _away(town, times)
    swapped = DirectPairs(direct.building, direct.station, direct.seconds)
    for limit in (NEAR_S, LONGEST_S):
        found = pairs(away, here, goals, limit_s=limit, direct=swapped, threads=1)
        if len(found.building) >= min(most, len(town.today.stations)):
            break
    order = np.lexsort((found.building, found.seconds))[:most]
    return [(int(found.building[k]), float(found.seconds[k])) for k in order]


def _away(town: Town, times: WalkTimes) -> tuple[WalkTimes, Legs]:
    """Return times for a search that spreads in the direction of the walk, and stations timed for it."""

    def make() -> tuple[WalkTimes, Legs]:
        network = times.network
        on = np.where(network.arc_forward, times.forward_s[network.arc_edge], times.backward_s[network.arc_edge])
        turned = WalkTimes(network, times.speed_mps, times.backward_s, times.forward_s, on.astype(np.float32))
        return turned, legs(turned, town.today.attached)

    return town.today.kept.get(("away", PROFILES["default"]), make)


def _way(
    town: Town, times: WalkTimes, here: Attachments, direct: DirectPairs, position: int, seconds: float
) -> tuple[float, Any] | None:
    found = route(times, town.today.attached, here, 0, limit_s=max(seconds, 1.0), station=position, direct=direct)
    return None if found is None else (found.walk_m, found.xy)
