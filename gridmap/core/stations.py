"""Stations: the eight checks (“八有”), and what is wrong with a station's place or hours.

Rules are plain callables that return findings; :data:`STATION_RULES` holds their titles, :func:`check_stations` runs
them. What a station still lacks of the eight checks is a fact (:func:`eight_checks`), not an error, so
:func:`station_checks_incomplete` is there for lists and is not among them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from gridmap.core.crs import project
from gridmap.core.hours import OpeningHours
from gridmap.core.network.graph import Reason
from gridmap.errors import InputError
from gridmap.model.finding import Finding
from gridmap.model.kinds import EIGHT_CHECKS, KINDS
from gridmap.model.text import Text

__all__ = [
    "STATION_RULES",
    "StationInputs",
    "check_stations",
    "eight_checks",
    "station_checks_incomplete",
    "station_hours_unreadable",
    "station_in_water",
    "station_off_network",
    "stations_on_one_spot",
]

_NAMES = {check: KINDS["stations"].column(f"check_{check}").title for check in EIGHT_CHECKS}


@dataclass(frozen=True, slots=True, eq=False)
class StationInputs:
    """What the rules look at; what is None is not checked.

    Attributes
    ----------
    stations
        Points in EPSG:4326 with columns of ``KINDS["stations"]``; those ``removed`` are left out by the caller.
    metric_epsg
        Projected system of the jurisdiction, metres.
    water
        Layer of KINDS["water"], EPSG:4326.
    reason, nearest_m
        (n,) beside ``stations``: how they are attached to the streets, and metres to the nearest walkable one (see
        :class:`gridmap.core.network.graph.Attachments`).
    one_spot_m
        Stations nearer than this are on one spot.
    """

    stations: gpd.GeoDataFrame
    metric_epsg: int
    water: gpd.GeoDataFrame | None = None
    reason: npt.NDArray[np.uint8] | None = None
    nearest_m: npt.NDArray[np.float64] | None = None
    one_spot_m: float = 1.0


def eight_checks(stations: pd.DataFrame) -> pd.DataFrame:
    """Count the eight checks of each station; what is not stated counts apart from what is not met.

    Returns
    -------
    counts
        Aligned with ``stations``: ``score`` (checks met, 0 … 8), ``failed`` (stated as not met), ``unknown`` (not
        stated), and ``missing`` (names of the checks that failed, separated by ``;``).

    Examples
    --------
    >>> frame = pd.DataFrame({"check_code": [True, None], "check_sign": [False, True]})
    >>> eight_checks(frame).values.tolist()
    [[1, 1, 6, 'sign'], [1, 0, 7, '']]
    """
    stated = pd.DataFrame(
        {check: _stated(stations, f"check_{check}") for check in EIGHT_CHECKS}, index=stations.index, dtype="boolean"
    )
    failed = (~stated).fillna(value=False).to_numpy(dtype=np.bool_)
    names = np.array(EIGHT_CHECKS, dtype=object)
    return pd.DataFrame(
        {
            "score": stated.fillna(value=False).sum(axis=1).astype("int64"),
            "failed": failed.sum(axis=1),
            "unknown": stated.isna().sum(axis=1).astype("int64"),
            "missing": [";".join(names[row]) for row in failed],
        },
        index=stations.index,
    )


def _stated(frame: pd.DataFrame, column: str) -> pd.Series:
    if column not in frame:
        return pd.Series([pd.NA] * len(frame), index=frame.index, dtype="boolean")
    values = [None if pd.isna(value) else bool(value) for value in frame[column].astype(object)]
    return pd.Series(values, index=frame.index, dtype="boolean")


@dataclass(frozen=True, slots=True)
class _Station:
    code: str
    label: str
    lon: float | None
    lat: float | None

    @property
    def subject(self) -> str:
        return f"station:{self.code}"


def _stations(frame: gpd.GeoDataFrame) -> list[_Station]:
    places = [(None, None) if p is None or p.is_empty else (round(p.x, 7), round(p.y, 7)) for p in frame.geometry]
    names = frame["name"] if "name" in frame else frame["source_id"]
    return [
        _Station(str(code), str(code) if pd.isna(name) or name == "" else str(name), lon, lat)
        for code, name, (lon, lat) in zip(frame["source_id"], names, places, strict=True)
    ]


def station_hours_unreadable(inputs: StationInputs) -> Iterator[Finding]:
    """Find opening hours that cannot be read; such a station never counts as open at a given time."""
    if "opening_hours" not in inputs.stations:
        return
    for station, text in zip(_stations(inputs.stations), inputs.stations["opening_hours"], strict=True):
        if pd.isna(text) or not str(text).strip():
            continue
        try:
            OpeningHours.parse(str(text))
        except InputError as error:
            yield Finding(
                "station_hours_unreadable",
                "warning",
                station.subject,
                Text(f"站点 {station.label}: {error.zh}", f"Station {station.label}: {error.en}"),
                Text("改正开放时间。", "Correct the opening hours."),
                station.lon,
                station.lat,
            )


def stations_on_one_spot(inputs: StationInputs) -> Iterator[Finding]:
    """Find stations that stand on one spot; one finding for each group."""
    stations = _stations(inputs.stations)
    points = np.asarray(project(inputs.stations, inputs.metric_epsg).geometry.to_numpy(), dtype=object)
    a, b = shapely.STRtree(points).query(points, predicate="dwithin", distance=inputs.one_spot_m)
    count = len(points)
    _, group = connected_components(coo_matrix((np.ones(len(a)), (a, b)), shape=(count, count)), directed=False)
    for spot in np.flatnonzero(np.bincount(group, minlength=1) > 1):
        together = sorted((stations[i] for i in np.flatnonzero(group == spot)), key=lambda station: station.code)
        names = [station.label for station in together]
        yield Finding(
            "stations_on_one_spot",
            "warning",
            together[0].subject,
            Text(f"{len(names)} 个站点在同一位置: {'、'.join(names)}。", f"{', '.join(names)} stand on one spot."),
            Text("删去重复的站点, 或移到各自的门口。", "Take out what is there twice, or move each to its own door."),
            together[0].lon,
            together[0].lat,
        )


def station_in_water(inputs: StationInputs) -> Iterator[Finding]:
    """Find stations inside a river, lake or pond."""
    if inputs.water is None:
        return
    shapes = np.asarray(inputs.water.geometry.to_numpy(), dtype=object)
    land = np.isin(shapely.get_type_id(shapes), (3, 6))
    if "tunnel" in inputs.water:
        land &= ~_stated(inputs.water, "tunnel").fillna(value=False).to_numpy(dtype=np.bool_)
    points = np.asarray(inputs.stations.geometry.to_numpy(), dtype=object)
    wet, _ = shapely.STRtree(shapes[land]).query(points, predicate="within")
    stations = _stations(inputs.stations)
    for i in np.unique(wet):
        yield Finding(
            "station_in_water",
            "error",
            stations[i].subject,
            Text(f"站点 {stations[i].label} 在水中。", f"Station {stations[i].label} stands in water."),
            Text(
                "移到正确位置; 若坐标系有误, 按正确的坐标系重新导入。",
                "Move it; if its coordinate system is wrong, import it again.",
            ),
            stations[i].lon,
            stations[i].lat,
        )


def station_off_network(inputs: StationInputs) -> Iterator[Finding]:
    """Find stations that nobody can walk to, because no street is near enough."""
    if inputs.reason is None:
        return
    stations = _stations(inputs.stations)
    nearest = np.full(len(stations), np.inf) if inputs.nearest_m is None else inputs.nearest_m
    for i in np.flatnonzero(np.asarray(inputs.reason) != Reason.ATTACHED):
        if inputs.reason[i] == Reason.BEHIND_BARRIER:
            zh, en = (
                "到最近的道路被围墙、水面或铁路隔开",
                "is cut off from the nearest street by a wall, water or railway",
            )
        elif np.isfinite(nearest[i]):
            zh, en = f"距最近的道路 {nearest[i]:.0f} 米", f"is {nearest[i]:.0f} m from the nearest street"
        else:
            zh, en = "附近没有道路", "has no street near it"
        yield Finding(
            "station_off_network",
            "error",
            stations[i].subject,
            Text(
                f"站点 {stations[i].label} {zh}, 步行到不了, 不计入覆盖。",
                f"Station {stations[i].label} {en}: nobody reaches it, and it covers nobody.",
            ),
            Text("移到正确位置, 或补上通往它的道路。", "Move it, or add the street that leads to it."),
            stations[i].lon,
            stations[i].lat,
        )


def station_checks_incomplete(inputs: StationInputs) -> Iterator[Finding]:
    """List what stations lack of the eight checks, and what is not stated; not part of :func:`check_stations`."""
    counts = eight_checks(inputs.stations)
    for station, (_, count) in zip(_stations(inputs.stations), counts.iterrows(), strict=True):
        if count["score"] == len(EIGHT_CHECKS):
            continue
        lacking = [_NAMES[name] for name in str(count["missing"]).split(";") if name]
        zh = [f"缺{'、'.join(title.zh.removeprefix('有') for title in lacking)}"] if lacking else []
        en = [f"lacks {', '.join(title.en.removeprefix('eight checks: ') for title in lacking)}"] if lacking else []
        if count["unknown"]:
            zh.append(f"{count['unknown']} 项未填")
            en.append(f"{count['unknown']} not stated")
        yield Finding(
            "station_checks_incomplete",
            "info",
            station.subject,
            Text(
                f"站点 {station.label} 达到“八有” {count['score']}/8 项: {', '.join(zh)}。",
                f"Station {station.label} meets {count['score']} of the eight checks: {', '.join(en)}.",
            ),
            None,
            station.lon,
            station.lat,
        )


_RULES: dict[str, Callable[[StationInputs], Iterable[Finding]]] = {
    "station_hours_unreadable": station_hours_unreadable,
    "stations_on_one_spot": stations_on_one_spot,
    "station_in_water": station_in_water,
    "station_off_network": station_off_network,
}

STATION_RULES: dict[str, Text] = {
    "station_hours_unreadable": Text("开放时间可读", "opening hours can be read"),
    "stations_on_one_spot": Text("站点不重叠", "no two stations on one spot"),
    "station_in_water": Text("站点不在水中", "no station in water"),
    "station_off_network": Text("站点通达", "stations can be walked to"),
}


def check_stations(inputs: StationInputs, rules: Iterable[str] | None = None) -> list[Finding]:
    """Run rules (all of :data:`STATION_RULES` by default) and return what they found, by rule and subject.

    Raises
    ------
    InputError
        There is no rule of that name.
    """
    wanted = list(_RULES) if rules is None else list(rules)
    unknown = sorted(set(wanted) - _RULES.keys())
    if unknown:
        known = ", ".join(_RULES)
        raise InputError(
            f"没有名为 {unknown[0]} 的规则; 可用的有: {known}。", f"There is no rule {unknown[0]}; there are: {known}."
        )
    return [
        finding
        for name, rule in _RULES.items()
        if name in wanted
        for finding in sorted(rule(inputs), key=lambda found: found.subject)
    ]
