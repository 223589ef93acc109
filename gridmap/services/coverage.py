"""Coverage: who can walk to a station, who cannot, where the gaps are, and what a change would do.

One function for each use. All of them count from the walking times of buildings; areas are only drawn, and say how
much they err.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gridmap.core import reach as count
from gridmap.core.network import Reason, Via
from gridmap.errors import InputError, NotFound
from gridmap.model.kinds import STATION_KINDS
from gridmap.model.text import Text
from gridmap.services import drawing
from gridmap.services.looking import Look, Question, look
from gridmap.services.walking import Town, Walker
from gridmap.store import walking as store
from gridmap.store.database import engine_of

__all__ = ["BY", "Question", "buildings", "coverage", "gaps", "route", "station_area", "what_if"]

BY = ("grid", "community", "station", "kind")
_TENTHS = 10.0
#: The way is traced for the largest gaps only; the seconds are told for all.
GAPS_WITH_WAY = 100
_INCLUDED = ("area", "gaps", "buildings")
KIND_TITLES = {
    "center": Text("党群服务中心", "service centre"),
    "grid_station": Text("网格驿站", "grid station"),
    "service_point": Text("服务站点", "service point"),
    "courier_stop": Text("城市驿站", "courier stop"),
    "shop": Text("楼下小店", "shop"),
    "hearing_center": Text("听证中心", "hearing centre"),
    "mediation_room": Text("调解室", "mediation room"),
    "deliberation_point": Text("议事点", "deliberation point"),
    "hub": Text("综治中心", "hub"),
}


def coverage(walker: Walker, question: Question, *, by: str = "grid") -> dict[str, Any]:
    """Count who is covered: totals, rows by grid, community, station, kind or level, stations, radius circles.

    Raises
    ------
    InputError
        The question does not fit, or there is no such grouping.
    NotFound
        There is no such scenario.
    NotReady
        There are no data yet.
    """
    return coverage_of(look(walker, question), by)


def coverage_of(seen: Look, by: str) -> dict[str, Any]:
    """Return the answer for what a question looks at."""
    return seen.scene.kept.get((*seen.key, "coverage", by), lambda: _coverage(seen, by))


def _coverage(seen: Look, by: str) -> dict[str, Any]:
    stations = count.by_station(seen.town.cells.demand, seen.pairs, seen.far)
    return {
        "version": seen.town.version,
        "edition": _edition(seen.town),
        "settings": seen.question.as_dict(),
        "by": by,
        "totals": totals(seen),
        "rows": rows(seen, by, stations),
        "stations": _stations(seen, stations),
        "circle": _circles(seen),
        "warnings": [{"zh": w.zh, "en": w.en} for w in seen.warnings],
    }


def _edition(town: Town) -> dict[str, Any] | None:
    return None if town.edition is None else {"id": town.edition.id, "name": town.edition.name}


def totals(seen: Look) -> dict[str, Any]:
    """Return the figures of the whole town."""
    found = count.figures(
        seen.town.cells.demand,
        seen.far.seconds,
        limit_s=seen.question.limit_s,
        attached=seen.homes.reason == Reason.ATTACHED,
    )
    return {
        "buildings": found.buildings,
        "buildings_covered": found.buildings_covered,
        "households": found.households,
        "households_estimated": found.households_estimated,
        "households_covered": found.households_covered,
        "households_covered_low": found.households_covered_low,
        "households_covered_high": found.households_covered_high,
        "people": found.people,
        "people_covered": found.people_covered,
        "area_m2": round(found.area_m2, 1),
        "area_covered_m2": round(found.area_covered_m2, 1),
        "share": _number(found.share, 6),
        "share_low": _number(found.share_low, 6),
        "share_high": _number(found.share_high, 6),
        "unattached": {"buildings": found.unattached_buildings, "households": found.unattached_households},
    }


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    return cast("list[dict[str, Any]]", table.to_dict("records"))


def _number(value: float, digits: int) -> float | None:
    return round(float(value), digits) if np.isfinite(value) else None


def rows(seen: Look, by: str, stations: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the figures by a grouping.

    Raises
    ------
    InputError
        There is no such grouping.
    """
    if by == "station":
        return _rows_of_stations(seen, stations)
    if by == "kind":
        return _rows_of_kinds(seen)
    group, named = _groups(seen.town, by)
    table = count.figures_by(
        seen.town.cells.demand,
        seen.far.seconds,
        limit_s=seen.question.limit_s,
        group=group,
        groups=len(named),
        station=seen.far.station,
    )
    reaching = _stations_reaching(seen, group, len(named))
    return [
        {
            "code": code,
            "name": name,
            "households": int(row["households"]),
            "households_covered": int(row["households_covered"]),
            "people": int(row["people"]),
            "people_covered": int(row["people_covered"]),
            "buildings": int(row["buildings"]),
            "buildings_covered": int(row["buildings_covered"]),
            "area_m2": round(float(row["area_m2"]), 1),
            "area_covered_m2": round(float(row["area_covered_m2"]), 1),
            "share": _number(row["share"], 6),
            "stations": int(reaching[k]),
            "nearest": _nearest(seen, int(row["nearest_station"]), float(row["nearest_s"])),
        }
        for k, ((code, name), row) in enumerate(zip(named, _records(table), strict=True))
    ]


def _nearest(seen: Look, position: int, seconds: float) -> dict[str, Any] | None:
    if position < 0:
        return None
    station = seen.scene.stations[seen.rows[position]]
    return {"code": station.code, "name": station.name, "seconds": round(seconds, 1)}


def _groups(town: Town, by: str) -> tuple[NDArray[np.int64], list[tuple[str, str]]]:
    """Return the group of each cell and code and name of each group."""
    grids = town.grids
    levels = [] if grids is None else [f"level{level}" for level in grids.above]
    if by not in {"grid", "community", *levels}:
        known = ", ".join((*BY, *levels))
        raise InputError(f"不能按“{by}”汇总;可用:{known}。", f"There is no grouping '{by}'. Known: {known}.")
    if grids is None:
        return np.full(len(town.cells.ids), -1, dtype=np.int64), []
    leaf = town.cells.grid
    if by == "community":
        codes = grids.table["community_code"].to_numpy(dtype=object)[grids.leaf]
        listed = sorted({str(code) for code in codes if code is not None})
        place = {code: k for k, code in enumerate(listed)}
        of_leaf = np.array([place.get(str(code), -1) if code is not None else -1 for code in codes], dtype=np.int64)
        named = [(code, grids.communities.get(code, code)) for code in listed]
    else:
        of_leaf_row = grids.leaf if by == "grid" else grids.above[int(by.removeprefix("level"))]
        listed_rows = np.unique(of_leaf_row[of_leaf_row >= 0])
        at = np.searchsorted(listed_rows, of_leaf_row)
        of_leaf = np.where(of_leaf_row >= 0, np.minimum(at, max(len(listed_rows) - 1, 0)), -1)
        table = grids.table.iloc[listed_rows]
        named = [(str(c), str(n)) for c, n in zip(table["code"], table["name"], strict=True)]
    group = np.full(len(leaf), -1, dtype=np.int64)
    group[leaf >= 0] = of_leaf[leaf[leaf >= 0]]
    return group, named


def _stations_reaching(seen: Look, group: NDArray[np.int64], groups: int) -> NDArray[np.int64]:
    """Return how many stations somebody in each group has within the limit."""
    demand = seen.town.cells.demand
    of_building = np.full(demand.count, -1, dtype=np.int64)
    lived = demand.households > 0
    of_building[demand.building] = group[demand.cell]
    of_building[demand.building[lived]] = group[demand.cell[lived]]
    stations = len(seen.rows)
    station = np.repeat(np.arange(stations), np.diff(seen.pairs.start))
    there = of_building[seen.pairs.building]
    pair = np.unique(there[there >= 0] * max(stations, 1) + station[there >= 0])
    return np.bincount(pair // max(stations, 1), minlength=groups).astype(np.int64)


def _rows_of_stations(seen: Look, stations: pd.DataFrame) -> list[dict[str, Any]]:
    whole = seen.town.cells.demand
    households, people, all_buildings = int(whole.households.sum()), int(whole.people.sum()), int(whole.buildings.sum())
    return [
        {
            "code": seen.scene.stations[row].code,
            "name": seen.scene.stations[row].name,
            "households": households,
            "households_covered": int(one["households"]),
            "people": people,
            "people_covered": int(one["people"]),
            "buildings": all_buildings,
            "buildings_covered": int(one["buildings"]),
            "share": _number(one["households"] / households, 6) if households else None,
            "exclusive_households": int(one["exclusive_households"]),
            "load": int(one["load"]),
            "stations": 1,
            "nearest": None,
        }
        for row, one in zip(seen.rows, _records(stations), strict=True)
    ]


def _rows_of_kinds(seen: Look) -> list[dict[str, Any]]:
    demand = seen.town.cells.demand
    kinds = sorted({seen.scene.stations[row].kind for row in seen.rows}, key=_kind_order)
    of = np.array([kinds.index(seen.scene.stations[row].kind) for row in seen.rows], dtype=np.int64)
    found = count.by_kind(demand, seen.pairs, of, len(kinds))
    households, people, all_buildings = (int(v.sum()) for v in (demand.households, demand.people, demand.buildings))
    return [
        {
            "code": kind,
            "name": KIND_TITLES[kind].zh if kind in KIND_TITLES else kind,
            "households": households,
            "households_covered": int(one["households"]),
            "people": people,
            "people_covered": int(one["people"]),
            "buildings": all_buildings,
            "buildings_covered": int(one["buildings"]),
            "share": _number(one["households"] / households, 6) if households else None,
            "exclusive_households": int(one["exclusive_households"]),
            "stations": int(one["stations"]),
            "nearest": None,
        }
        for kind, one in zip(kinds, _records(found), strict=True)
    ]


def _kind_order(kind: str) -> tuple[int, str]:
    return (STATION_KINDS.index(kind) if kind in STATION_KINDS else len(STATION_KINDS), kind)


def _stations(seen: Look, found: pd.DataFrame) -> list[dict[str, Any]]:
    place = np.full(len(seen.scene.stations), -1, dtype=np.int64)
    place[seen.rows] = np.arange(len(seen.rows))
    names = ("households", "people", "buildings", "exclusive_households", "load")
    figures = {name: found[name].tolist() for name in names}
    return [
        {
            "code": station.code,
            "name": station.name,
            "kind": station.kind,
            "tier": station.tier,
            "services": list(station.services),
            "opening_hours": station.opening_hours,
            "lon": station.lon,
            "lat": station.lat,
            "open": seen.open[k],
            "active": bool(place[k] >= 0),
            "attached": bool(seen.scene.attached.reason[k] == Reason.ATTACHED),
            "change": station.change,
            "score": station.score,
            **{name: figures[name][place[k]] if place[k] >= 0 else 0 for name in names},
        }
        for k, station in enumerate(seen.scene.stations)
    ]


def _circles(seen: Look) -> list[dict[str, Any]]:
    found = count.circles(
        seen.town.cells.demand,
        seen.far.seconds,
        limit_s=seen.question.limit_s,
        building_xy=seen.homes.xy,
        station_xy=seen.stations.xy,
    )
    return _records(found)


# --- gaps --------------------------------------------------------------------------------------------------------


def gaps(walker: Walker, question: Question) -> dict[str, Any]:
    """Return the gap areas as a GeoJSON FeatureCollection, the one with most households first.

    ``unattached`` beside them lists inhabited buildings that are on no street. Raises as :func:`coverage`.
    """
    return gaps_of(walker, look(walker, question))


def gaps_of(walker: Walker, seen: Look) -> dict[str, Any]:
    """Return the gap areas of what a question looks at."""
    return seen.scene.kept.get((*seen.key, "gaps"), lambda: _gaps(walker, seen))


def gap_table(seen: Look) -> tuple[pd.DataFrame, NDArray[np.int64]]:
    """Return the gap areas and the area of each cell, −1: none.

    Where nobody is on a street there is no gap that a station could close: those homes are listed as unattached.
    """

    def make() -> tuple[pd.DataFrame, NDArray[np.int64]]:
        cells = seen.town.cells
        table, area = count.gap_areas(
            cells.demand,
            seen.far,
            limit_s=seen.question.limit_s,
            edge_a=cells.edge_a,
            edge_b=cells.edge_b,
            attached=seen.homes.reason == Reason.ATTACHED,
        )
        keep = (table["households"] > table["unattached_households"]).to_numpy()
        number = np.append(np.where(keep, np.cumsum(keep) - 1, -1), -1)
        kept = table[keep].reset_index(drop=True)
        return kept.assign(rank=np.arange(1, len(kept) + 1)), number[area]

    return seen.scene.kept.get((*seen.key, "gap areas"), make)


def gap_id(rank: int) -> str:
    """Return the name of a gap of a rank, in one answer."""
    return f"gap-{rank}"


def _gaps(walker: Walker, seen: Look) -> dict[str, Any]:
    table, area = gap_table(seen)
    cells = seen.town.cells
    shapes = drawing.land_of(walker.place, seen, area, len(table))
    points = shapely.point_on_surface(shapes)
    codes = _grid_codes(seen.town)
    features = []
    for k, row in enumerate(_records(table)):
        members = np.flatnonzero(area == k)
        leaves = np.unique(cells.grid[members])
        features.append(
            {
                "type": "Feature",
                "id": gap_id(int(row["rank"])),
                "geometry": drawing.geojson(shapes[k]),
                "properties": {
                    "id": gap_id(int(row["rank"])),
                    "rank": int(row["rank"]),
                    "households": int(row["households"]),
                    "people": int(row["people"]),
                    "buildings": int(row["buildings"]),
                    "unattached_households": int(row["unattached_households"]),
                    "grids": sorted(codes[leaf] for leaf in leaves if leaf >= 0),
                    "nearest": _gap_nearest(
                        seen, int(row["building"]), int(row["station"]), with_way=k < GAPS_WITH_WAY
                    ),
                    "lon": _number(shapely.get_x(points[k]), 7),
                    "lat": _number(shapely.get_y(points[k]), 7),
                },
            }
        )
    return {
        "type": "FeatureCollection",
        "version": seen.town.version,
        "settings": seen.question.as_dict(),
        "features": features,
        "unattached": unattached(walker, seen),
        "warnings": [{"zh": w.zh, "en": w.en} for w in seen.warnings],
    }


def _grid_codes(town: Town) -> list[str]:
    if town.grids is None:
        return []
    return [str(code) for code in town.grids.table["code"].to_numpy(dtype=object)[town.grids.leaf]]


def _gap_nearest(seen: Look, building: int, position: int, *, with_way: bool) -> dict[str, Any] | None:
    if building < 0 or position < 0:
        return None
    told = _nearest(seen, position, float(seen.far.seconds[building]))
    assert told is not None  # noqa: S101 (the position is one)
    straight = np.hypot(*(seen.homes.xy[building] - seen.stations.xy[position]))
    metres = round(drawing.way(seen, building).metres, 1) if with_way else None
    return told | {"walk_m": metres, "straight_m": round(float(straight), 1)}


def unattached(walker: Walker, seen: Look, *, most: int = 1000) -> list[dict[str, Any]]:
    """Return inhabited buildings that are on no street, most households first."""
    homes = seen.town.homes
    lost = np.flatnonzero((seen.homes.reason != Reason.ATTACHED) & ~seen.covered & (homes.households > 0))
    lost = lost[np.argsort(-homes.households[lost], kind="stable")][:most]
    with engine_of(walker.place).connect() as connection:
        labels = store.building_labels(connection, homes.ids[lost].tolist())
    lonlat = seen.town.lonlat(seen.homes.xy[lost])
    return [
        {
            "building": labels.get(int(homes.ids[k]), {}).get("source_id"),
            "id": int(homes.ids[k]),
            "label": labels.get(int(homes.ids[k]), {}).get("label"),
            "households": int(homes.households[k]),
            "reason": Reason(int(seen.homes.reason[k])).name.lower(),
            "nearest_m": _number(seen.homes.nearest_m[k], 1),
            "lon": float(lon),
            "lat": float(lat),
        }
        for k, (lon, lat) in zip(lost, lonlat, strict=True)
    ]


# --- drawing, buildings, ways --------------------------------------------------------------------------------------


def area(walker: Walker, question: Question, *, each: Sequence[float] = ()) -> dict[str, Any]:
    """Return the land within reach as a FeatureCollection, a feature for each limit; it says how much it errs.

    Raises as :func:`coverage`.
    """
    return area_of(look(walker, question), each)


def area_of(seen: Look, each: Sequence[float]) -> dict[str, Any]:
    """Return the land within reach for what a question looks at."""
    limits = tuple(sorted(set(each) or {seen.question.minutes}))
    shapes = seen.scene.kept.get((*seen.key, "area", limits), lambda: drawing.areas(seen, limits))
    return {
        "type": "FeatureCollection",
        "version": seen.town.version,
        "settings": seen.question.as_dict(),
        "features": shapes,
    }


def buildings(walker: Walker, question: Question) -> dict[str, Any]:
    """Return the seconds of every building to its nearest station, as columns; null: no station can be walked to.

    Seconds are rounded up to tenths, so that they compare with a limit of whole tenths as the exact ones do. Raises
    as :func:`coverage`.
    """
    return buildings_of(look(walker, question))


def buildings_of(seen: Look) -> dict[str, Any]:
    """Return the columns for what a question looks at."""

    def make() -> dict[str, Any]:
        seconds = np.ceil(seen.far.seconds.astype(np.float64) * _TENTHS) / _TENTHS
        reached = np.isfinite(seconds)
        listed = np.full(len(seconds), None, dtype=object)
        listed[reached] = seconds[reached]
        return {
            "version": seen.town.version,
            "settings": seen.question.as_dict(),
            "id": seen.town.homes.ids.tolist(),
            "seconds": listed.tolist(),
            "station": seen.far.station.tolist(),
            "stations": [seen.scene.stations[row].code for row in seen.rows],
        }

    return seen.scene.kept.get((*seen.key, "buildings"), make)


def route(
    walker: Walker,
    question: Question,
    *,
    building: int | None = None,
    lon: float | None = None,
    lat: float | None = None,
    changes: Sequence[Mapping[str, Any]] | None = None,
) -> dict[str, Any]:
    """Return the way from a building (its id), or from a point or the building there, to its nearest station.

    Where there is none, ``seconds`` is null and ``message`` says why.

    Raises
    ------
    InputError
        Neither is given, or the question does not fit.
    NotFound
        There is no such building or scenario.
    """
    seen = look(walker, question, changes)
    row: int | None = None
    if building is not None:
        row = int(seen.town.homes.rows(np.array([building], dtype=np.int64))[0])
        if row < 0:
            raise NotFound("没有这栋楼。", "There is no such building.")
    elif lon is not None and lat is not None:
        with engine_of(walker.place).connect() as connection:
            found = store.buildings_at(connection, np.array([[lon, lat]]))
        at = seen.town.homes.rows(found["building_id"].to_numpy(dtype=np.int64)) if len(found) else np.zeros(0, int)
        row = int(at[0]) if len(at) and at[0] >= 0 else None
    else:
        raise InputError("请给出 building,或同时给出 lon 和 lat。", "Give building, or both lon and lat.")
    return route_of(walker, seen, row, None if lon is None or lat is None else (lon, lat))


def route_of(
    walker: Walker, seen: Look, row: int | None, point: tuple[float, float] | None, *, position: int | None = None
) -> dict[str, Any]:
    """Return the way of a home (its row) or a point to the nearest station, or the one at ``position``."""
    way = drawing.way(seen, row, position=position) if row is not None else drawing.way_from(seen, point)
    told: dict[str, Any] = {"version": seen.town.version, "building": None}
    if row is not None:
        number = int(seen.town.homes.ids[row])
        with engine_of(walker.place).connect() as connection:
            label = store.building_labels(connection, [number]).get(number, {})
        told["building"] = {"id": number, "households": int(seen.town.homes.households[row]), **label}
    if way.position < 0:
        return told | {
            "seconds": None, "walk_m": None, "straight_m": None, "station": None, "path": None, "via": None,
            "message": {"zh": way.message.zh, "en": way.message.en},
        }  # fmt: skip
    station = seen.scene.stations[seen.rows[way.position]]
    return told | {
        "seconds": round(float(np.ceil(way.seconds * _TENTHS) / _TENTHS), 1),
        "walk_m": round(way.metres, 1),
        "straight_m": round(way.straight_m, 1),
        "station": {"code": station.code, "name": station.name, "kind": station.kind},
        "path": drawing.geojson(drawing.line(seen.town, way.xy)),
        "via": Via(way.via).name.lower(),
        "message": None,
    }


def station_area(walker: Walker, question: Question, code: str) -> dict[str, Any]:
    """Return the land within reach of one station as a Feature with its figures, and how much the drawing errs.

    Raises
    ------
    NotFound
        There is no such station or scenario.
    """
    seen = look(walker, question)
    row = next((k for k, station in enumerate(seen.scene.stations) if station.code == code), None)
    if row is None:
        raise NotFound("没有这个编码的站点。", "No station has that code.")
    alone = seen.only(row)
    answer = coverage_of(seen, "station")
    facts = next(one for one in answer["stations"] if one["code"] == code)
    feature = area_of(alone, (seen.question.minutes,))["features"][0]
    return {
        "type": "Feature",
        "id": code,
        "version": seen.town.version,
        "settings": seen.question.as_dict(),
        "geometry": feature["geometry"],
        "properties": facts | feature["properties"],
    }


def what_if(
    walker: Walker,
    question: Question,
    changes: Sequence[Mapping[str, Any]],
    *,
    by: str = "grid",
    include: Sequence[str] = (),
    each: Sequence[float] = (),
) -> dict[str, Any]:
    """Answer as :func:`coverage` would after some changes, beside today's totals and the rows that differ.

    ``include`` adds ``area`` (for the limits of ``each``), ``gaps`` and ``buildings`` to the answer.

    Raises
    ------
    InputError
        A change or the question does not fit.
    """
    unknown = sorted(set(include) - set(_INCLUDED))
    if unknown:
        known = ", ".join(_INCLUDED)
        raise InputError(f"include 可为:{known}。", f"include is one or more of {known}.")
    today = coverage_of(look(walker, question, ()), by)
    seen = look(walker, question, changes)
    told = coverage_of(seen, by)
    extra: dict[str, Any] = {}
    if "area" in include:
        extra["area"] = area_of(seen, each)
    if "gaps" in include:
        extra["gaps"] = gaps_of(walker, seen)
    if "buildings" in include:
        extra["buildings"] = buildings_of(seen)
    return told | {"against": today["totals"], "changed": _changed(today["rows"], told["rows"])} | extra


def compare(walker: Walker, question: Question, *, by: str = "grid") -> dict[str, Any]:
    """Set a scenario (of the question) beside today: totals of both, and every row of both with the difference.

    Raises as :func:`coverage`.
    """
    today = coverage_of(look(walker, question, ()), by)
    then = coverage_of(look(walker, question), by)
    before = {row["code"]: row for row in today["rows"]}
    after = {row["code"]: row for row in then["rows"]}
    codes = [*before, *(code for code in after if code not in before)]
    return {
        "version": today["version"],
        "settings": then["settings"],
        "by": by,
        "today": today["totals"],
        "scenario": then["totals"],
        "rows": [_compared(code, before.get(code), after.get(code)) for code in codes],
        "warnings": then["warnings"],
    }


def _compared(code: str, before: dict[str, Any] | None, after: dict[str, Any] | None) -> dict[str, Any]:
    name = (after or before or {}).get("name", code)

    def part(row: dict[str, Any] | None) -> dict[str, Any] | None:
        return None if row is None else {k: v for k, v in row.items() if k not in {"code", "name"}}

    covered = ((after or {}).get("households_covered", 0), (before or {}).get("households_covered", 0))
    people = ((after or {}).get("people_covered", 0), (before or {}).get("people_covered", 0))
    return {
        "code": code,
        "name": name,
        "today": part(before),
        "scenario": part(after),
        "difference": {"households_covered": covered[0] - covered[1], "people_covered": people[0] - people[1]},
    }


def _changed(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> list[dict[str, Any]]:
    known = {row["code"]: row for row in before}
    out = []
    for row in after:
        old = known.get(row["code"], {})
        difference = row["households_covered"] - old.get("households_covered", 0)
        if difference or row["buildings_covered"] != old.get("buildings_covered", 0):
            out.append(_compared(row["code"], old or None, row))
    gone = {row["code"] for row in before} - {row["code"] for row in after}
    out += [_compared(row["code"], row, None) for row in before if row["code"] in gone and row["households_covered"]]
    return out
