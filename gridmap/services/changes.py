"""What a scenario changes, one change after the other, and the scene that they make of today's."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import orjson
import shapely
from numpy.typing import NDArray

from gridmap.core.hours import OpeningHours
from gridmap.core.network import (
    Attachments,
    Closure,
    WalkNetwork,
    build_network,
    edge_lines,
    from_measure,
    main_edges,
    sensitive,
    to_measure,
    touched,
    with_closures,
)
from gridmap.errors import InputError
from gridmap.model.kinds import STATION_KINDS
from gridmap.model.text import Text
from gridmap.services.attaching import LIMIT_M, join, pinned_mark, take
from gridmap.services.walking import Scene, Station, Town
from gridmap.store import walking as store
from gridmap.store.database import Place, engine_of

__all__ = ["MOST_CHANGES", "OPERATIONS", "Change", "read_changes", "scene_with"]

MOST_CHANGES = 500
MOST_VERTICES = 1000
#: How far outside of all data a station may be put before it must be a mistake (degrees).
_BEYOND = 0.5
_NEEDS: dict[str, tuple[str, ...]] = {
    "move": ("station", "lon", "lat"),
    "add": ("name", "kind", "lon", "lat"),
    "close": ("station",),
    "hours": ("station", "opening_hours"),
    "close_street": ("street",),
    "link": ("path",),
}
_MAY: dict[str, tuple[str, ...]] = {
    "add": ("code", "services", "opening_hours", "tier"),
    "close_street": ("lon", "lat"),
}
OPERATIONS = tuple(_NEEDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One difference from today; which fields it has depends on ``op``. Degrees EPSG:4326; ``street`` is its id."""

    op: str
    station: str | None = None
    code: str | None = None
    name: str | None = None
    kind: str | None = None
    tier: int | None = None
    services: tuple[str, ...] | None = None
    opening_hours: str | None = None
    lon: float | None = None
    lat: float | None = None
    street: int | None = None
    path: tuple[tuple[float, float], ...] | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the fields that it has."""
        kept = {name: value for name, value in asdict(self).items() if value is not None}
        return kept | ({"opening_hours": None} if self.op == "hours" and self.opening_hours is None else {})

    @property
    def point(self) -> tuple[float, float]:
        """Longitude and latitude."""
        assert self.lon is not None  # noqa: S101 (checked when it was read)
        assert self.lat is not None  # noqa: S101
        return self.lon, self.lat


def read_changes(given: Sequence[Mapping[str, Any]], town: Town) -> tuple[Change, ...]:
    """Read changes and check that they can be made, one after the other, to today's stations.

    An added station without a code gets one (``new-1`` …), so that later changes can name it.

    Raises
    ------
    InputError
        Some cannot; ``problems`` lists all of them with their number.
    """
    if len(given) > MOST_CHANGES:
        raise InputError(
            f"一个方案最多 {MOST_CHANGES} 项改动,现有 {len(given)} 项。请分成几个方案。",
            f"A scenario has at most {MOST_CHANGES} changes, not {len(given)}. Make several scenarios.",
        )
    known = {station.code: True for station in town.today.stations}
    made: list[Change] = []
    problems: list[dict[str, object]] = []
    for number, row in enumerate(given, 1):
        faults, change = _read_one({name: _plain(value) for name, value in row.items()}, known, town)
        problems += [{"row": number, "column": f, "message": {"zh": t.zh, "en": t.en}} for f, t in faults]
        if change is not None:
            made.append(change)
    if problems:
        raise InputError(
            f"有 {len(problems)} 处改动无法进行,见下列说明。",
            f"{len(problems)} of the changes cannot be made; see below.",
            problems=tuple(problems),
        )
    return tuple(made)


def _plain(value: Any) -> Any:
    """Return a value with Python's numbers for those of numpy: notebooks hand over rows of tables."""
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    return [_plain(one) for one in value] if isinstance(value, list | tuple) else value


def _read_one(
    row: Mapping[str, Any], known: dict[str, bool], town: Town
) -> tuple[list[tuple[str, Text]], Change | None]:
    """Check one change; ``known`` says which codes there are at this point (False: closed by then)."""
    op = row.get("op")
    if op not in _NEEDS:
        names = ", ".join(OPERATIONS)
        return [("op", Text(f"没有这种改动;可用的有 {names}。", f"There is no such change; there are {names}."))], None
    allowed = {"op", *_NEEDS[op], *_MAY.get(op, ())}
    faults = [
        (name, Text(f"改动 {op} 没有这一项。", f"The change {op} has no such item."))
        for name in sorted(n for n, value in row.items() if value is not None and n not in allowed)
    ]
    faults += [
        (name, Text("缺少这一项。", "This is missing."))
        for name in _NEEDS[op]
        if row.get(name) is None and not (op == "hours" and name in row)
    ]
    if faults:
        return faults, None
    faults = [*_wrong_place(row, town), *_wrong_station(row, known), *_wrong_words(row)]
    if faults:
        return faults, None
    values = {name: row[name] for name in allowed if row.get(name) is not None}
    if op == "add":
        values["code"] = str(values.get("code") or _free_code(known))
        values["services"] = tuple(values.get("services", ()))
        known[values["code"]] = True
    elif op == "close":
        known[str(row["station"])] = False
    elif op == "link":
        values["path"] = tuple((float(x), float(y)) for x, y in row["path"])
    return [], Change(**values)


def _wrong_place(row: Mapping[str, Any], town: Town) -> list[tuple[str, Text]]:
    points = list(row["path"]) if row.get("path") is not None else []
    name = "path" if points else "lon"
    if row["op"] == "link" and not 2 <= len(points) <= MOST_VERTICES:  # noqa: PLR2004 (a line has two ends)
        return [
            ("path", Text(f"新路需要 2 到 {MOST_VERTICES} 个点。", f"A new way needs 2 to {MOST_VERTICES} points."))
        ]
    if (row.get("lon") is None) != (row.get("lat") is None):
        return [("lon", Text("请同时给出 lon 和 lat。", "Give both lon and lat."))]
    if row.get("lon") is not None:
        points.append((row["lon"], row["lat"]))
    if not all(len(p) == 2 and all(_is_number(v) for v in p) for p in points):  # noqa: PLR2004
        return [
            (name, Text("坐标应为两个有限的数:经度、纬度。", "A point is two finite numbers: longitude, latitude."))
        ]
    box = town.bounds
    if box is not None and not all(
        box[0] - _BEYOND <= x <= box[2] + _BEYOND and box[1] - _BEYOND <= y <= box[3] + _BEYOND for x, y in points
    ):
        return [
            (
                name,
                Text(
                    "这个点离本辖区很远。请检查经纬度的顺序和坐标系(EPSG:4326)。",
                    "The point is far outside of this jurisdiction. Check the order of longitude and latitude and the "
                    "coordinate system (EPSG:4326).",
                ),
            )
        ]
    return []


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _wrong_station(row: Mapping[str, Any], known: Mapping[str, bool]) -> list[tuple[str, Text]]:
    code = row.get("station")
    if code is not None and str(code) not in known:
        return [("station", Text("没有这个编码的站点。", "No station has that code."))]
    if code is not None and not known[str(code)]:
        return [("station", Text("这个站点在前面的改动中已关闭。", "An earlier change has closed this station."))]
    if row["op"] == "add" and row.get("code") is not None and str(row["code"]) in known:
        return [("code", Text("已有站点用这个编码。", "There is a station with that code already."))]
    return []


def _wrong_words(row: Mapping[str, Any]) -> list[tuple[str, Text]]:
    faults = []
    if row["op"] == "add" and row["kind"] not in STATION_KINDS:
        kinds = ", ".join(STATION_KINDS)
        faults.append(("kind", Text(f"类别应为以下之一:{kinds}。", f"The kind is one of {kinds}.")))
    if row.get("opening_hours"):
        try:
            OpeningHours.parse(str(row["opening_hours"]))
        except InputError as error:
            faults.append(("opening_hours", Text(error.zh, error.en)))
    return faults


def _free_code(known: Mapping[str, bool]) -> str:
    number = 1
    while f"new-{number}" in known:
        number += 1
    return f"new-{number}"


def key_of(changes: Sequence[Change]) -> str:
    """Return the changes as one text: equal changes make equal scenes."""
    return orjson.dumps([change.as_dict() for change in changes], option=orjson.OPT_SORT_KEYS).decode()


def scene_with(place: Place, town: Town, changes: Sequence[Change]) -> Scene:
    """Return today's scene with changes made to it; an equal set of changes is not worked out twice.

    Raises
    ------
    InputError
        A street that is to be closed is not there.
    """
    if not changes:
        return town.today
    key = key_of(changes)
    return town.scenes.get(key, lambda: _scene(place, town, changes, key))


def _scene(place: Place, town: Town, changes: Sequence[Change], key: str) -> Scene:
    stations, origin = _changed_stations(town, changes)
    network, homes = _changed_network(town, changes)
    placed = np.array([k for k, at in enumerate(origin) if at < 0], dtype=np.int64)
    stay = np.array([k for k, at in enumerate(origin) if at >= 0], dtype=np.int64)
    lonlat = np.array([(stations[k].lon, stations[k].lat) for k in placed], dtype=np.float64).reshape(-1, 2)
    kept = take(town.today.attached, np.array([origin[k] for k in stay], dtype=np.int64))
    if network is not town.network:
        kept = town.around.attach(network, kept.xy)
    whole = join(kept, town.around.attach(network, town.metric(lonlat))) if len(placed) else kept
    order = np.argsort(np.concatenate([stay, placed]), kind="stable")
    return Scene(
        key,
        network,
        homes,
        tuple(stations),
        take(whole, order),
        _inside_of(place, town, origin, placed, lonlat),
    )


def _changed_stations(town: Town, changes: Sequence[Change]) -> tuple[list[Station], list[int]]:
    """Return the stations after the changes, and where each stands in today's scene (−1: somewhere new)."""
    stations = list(town.today.stations)
    origin = list(range(len(stations)))
    place = {station.code: k for k, station in enumerate(stations)}
    for change in changes:
        if change.op == "add":
            lon, lat = change.point
            place[str(change.code)] = len(stations)
            stations.append(
                Station(
                    code=str(change.code),
                    name=str(change.name),
                    kind=str(change.kind),
                    tier=change.tier,
                    services=change.services or (),
                    opening_hours=change.opening_hours,
                    lon=lon,
                    lat=lat,
                    change="added",
                )
            )
            origin.append(-1)
        elif change.station is not None:
            k = place[change.station]
            one = stations[k]
            if change.op == "move":
                lon, lat = change.point
                stations[k] = replace(one, lon=lon, lat=lat, change="added" if one.change == "added" else "moved")
                origin[k] = -1
            elif change.op == "close":
                stations[k] = replace(one, change="closed")
            else:
                stations[k] = replace(one, opening_hours=change.opening_hours or None, change=one.change or "hours")
    return stations, origin


def _changed_network(town: Town, changes: Sequence[Change]) -> tuple[WalkNetwork, Attachments]:
    closures = [_closure(town, change) for change in changes if change.street is not None]
    links = [shapely.LineString(town.metric(np.array(c.path, dtype=np.float64))) for c in changes if c.path is not None]
    if not closures and not links:
        return town.network, town.homes.attached
    shut = sorted({c.street for c in closures if c.street is not None})
    there = np.isin(shut, town.network.edge_street)
    if not there.all():
        missing = shut[int(np.argmin(there))]
        raise InputError(
            f"没有编号为 {missing} 的步行道路。请在地图上点选要关闭的道路。",
            f"There is no walkable street {missing}. Choose the street to close on the map.",
        )
    network = (
        build_network(town.around.streets(), closures=closures, links=links)
        if links
        else with_closures(town.network, closures)
    )
    gone = edge_lines(town.network, np.flatnonzero(np.isin(town.network.edge_street, shut)))
    return network, _carried(town, network, np.concatenate([np.asarray(links, dtype=object), gone]), shut)


def _closure(town: Town, change: Change) -> Closure:
    if change.lon is None:
        return Closure(street=change.street)
    x, y = town.metric(np.array([change.point]))[0].tolist()
    return Closure(street=change.street, xy=(x, y))


def _carried(town: Town, network: WalkNetwork, changed: NDArray[np.object_], shut: list[int]) -> Attachments:
    """Carry the homes over to a changed network; those that the change touches are attached anew."""
    homes = town.homes.attached
    street, measure = to_measure(town.network, homes)
    edge, along = from_measure(network, street, measure)
    again = touched(
        homes,
        changed,
        network=town.network,
        streets=shut,
        enclosures=town.around.surroundings().enclosures,
        limit_m=LIMIT_M,
    )
    again[homes.thing[edge < 0]] = True
    if pinned_mark(network) != pinned_mark(town.network):
        # other parts of the network are minor now
        again |= sensitive(homes, main_edges(town.network))
        again[homes.thing[(edge >= 0) & ~main_edges(network)[np.maximum(edge, 0)]]] = True
    moved = replace(homes, edge=edge, along_m=along)
    rows, stay = np.flatnonzero(again), np.flatnonzero(~again)
    if not len(rows):
        return moved
    made = town.around.attach(network, homes.xy[rows])
    return take(join(take(moved, stay), made), np.argsort(np.concatenate([stay, rows]), kind="stable"))


def _inside_of(
    place: Place,
    town: Town,
    origin: list[int],
    placed: NDArray[np.int64],
    lonlat: NDArray[np.float64],
) -> NDArray[np.int64]:
    now = {at: k for k, at in enumerate(origin) if at >= 0}
    pairs = [(now[int(at)], int(home)) for at, home in town.today.inside if int(at) in now]
    if len(placed):
        with engine_of(place).connect() as connection:
            found = store.buildings_at(connection, lonlat)
        homes = town.homes.rows(found["building_id"].to_numpy(dtype=np.int64))
        pairs += [(int(placed[p]), int(h)) for p, h in zip(found["point"], homes, strict=True) if h >= 0]
    return np.array(sorted(pairs), dtype=np.int64).reshape(-1, 2)
