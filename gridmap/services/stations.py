"""Stations one by one: facts, the eight checks, edits, new ones; and gates of walled estates."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import orjson
from sqlalchemy import Connection

from gridmap.core.hours import OpeningHours
from gridmap.errors import Conflict, InputError, NotFound, Stale
from gridmap.model.kinds import EIGHT_CHECKS, STATION_KINDS, TENURES
from gridmap.model.text import Text
from gridmap.store import stations as store
from gridmap.store import walking as walking_store
from gridmap.store.changes import bump, note_change
from gridmap.store.database import Place, engine_of, transaction
from gridmap.store.jurisdiction import data_bounds

__all__ = ["GATE_M", "add", "add_gate", "edit", "facts", "read_hours", "tag_of"]

#: A gate farther than this from the wall is a slip of the mouse.
GATE_M = 50.0
#: A point farther than this outside of the data is a mistake (degrees).
BEYOND = 0.5
_TEXTS = {"name": 120, "address": 200, "opening_hours": 500}
_LISTS = ("services", "rooms")
_MOST_ITEMS = 100
_COLUMN = {"kind": "station_kind"}
#: How the way of a thing to the streets is called.
REASONS = ("attached", "too_far", "behind_barrier")


def facts(place: Place, code: str) -> dict[str, Any]:
    """Return everything known of a station: facts, the eight checks and how many are met.

    Raises
    ------
    NotFound
        No station has that code.
    """
    with engine_of(place).connect() as connection:
        return _told(_found(store.find(connection, code), code))


def tag_of(told: Mapping[str, Any]) -> str:
    """Return a tag that changes with the facts."""
    return hashlib.blake2b(orjson.dumps(dict(told), option=orjson.OPT_SORT_KEYS), digest_size=9).hexdigest()


def read_hours(text: str) -> dict[str, str]:
    """Return opening hours as they are understood: ``normal`` form, and the usual week in plain words.

    Raises
    ------
    InputError
        They cannot be read.
    """
    read = OpeningHours.parse(text)
    words = read.in_words()
    return {"text": text, "normal": read.normal, "zh": words.zh, "en": words.en}


def _told(row: Mapping[str, Any]) -> dict[str, Any]:
    checks = {name: row[f"check_{name}"] for name in EIGHT_CHECKS}
    return {
        "code": row["source_id"],
        "name": row["name"],
        "kind": row["station_kind"],
        "tier": row["tier"],
        "services": list(row["services"]),
        "opening_hours": row["opening_hours"],
        "tenure": row["tenure"],
        "rooms": list(row["rooms"]),
        "address": row["address"],
        "lon": row["lon"],
        "lat": row["lat"],
        "checks": checks,
        "score": sum(met is True for met in checks.values()),
        "checks_known": sum(met is not None for met in checks.values()),
    }


def _found(row: dict[str, Any] | None, code: str) -> dict[str, Any]:
    if row is None:
        raise NotFound(
            "没有这个编码的站点。用 gridmap coverage --by station 查看。",
            "No station has that code. See gridmap coverage --by station.",
        )
    return row | {"source_id": row.get("source_id", code)}


def edit(place: Place, code: str, changes: Mapping[str, Any], *, who: str, tag: str | None = None) -> dict[str, Any]:
    """Change facts of a station (``lon`` and ``lat`` move it; ``checks`` some of the eight); returns them all.

    Raises
    ------
    NotFound
        No station has that code.
    Stale
        Its facts are no longer those of ``tag``.
    InputError
        A value does not fit; ``problems`` lists all that do not.
    """
    with transaction(place) as connection:
        walking_store.lock_base(connection)
        row = _found(store.find(connection, code, lock=True), code)
        if tag is not None and tag_of(_told(row)) != tag:
            raise Stale(
                f"站点 {code} 已被他人改动。请重新读取后再改。", f"Somebody else changed station {code}. Read it again."
            )
        columns = _columns(connection, changes)
        store.edit(connection, int(row["id"]), columns)
        if changes.get("lon") is not None:
            store.move(connection, int(row["id"]), lon=float(changes["lon"]), lat=float(changes["lat"]))
            walking_store.forget_attached(connection, "station", [int(row["id"])])
        told = _told(_found(store.find(connection, code), code))
        note_change(connection, who, "station edit", orjson.dumps({"code": code, "changes": dict(changes)}).decode())
        bump(connection, "base")
    return told


def add(place: Place, given: Mapping[str, Any], *, who: str) -> dict[str, Any]:
    """Add a station; without a ``code`` it gets one. Returns its facts.

    Raises
    ------
    InputError
        Something is missing or does not fit; ``problems`` lists all of it.
    Conflict
        The code is taken.
    """
    missing = [name for name in ("name", "kind", "lon", "lat") if given.get(name) is None]
    if missing:
        raise _wrong([(name, Text("缺少这一项。", "This is missing.")) for name in missing])
    with transaction(place) as connection:
        walking_store.lock_base(connection)
        columns = _columns(connection, given)
        code = str(given.get("code") or store.next_code(connection))
        if store.add(connection, code=code, lon=float(given["lon"]), lat=float(given["lat"]), facts=columns) is None:
            raise Conflict(
                f"已有编码为 {code} 的站点。请换一个编码。", f"There is a station {code} already. Choose another code."
            )
        told = _told(_found(store.find(connection, code), code))
        note_change(connection, who, "station new", orjson.dumps({"code": code}).decode())
        bump(connection, "base")
    return told


def _columns(connection: Connection, given: Mapping[str, Any]) -> dict[str, Any]:
    faults = [*_wrong_texts(given), *_wrong_choices(given), *_wrong_point(connection, given)]
    if faults:
        raise _wrong(faults)
    columns = {_COLUMN.get(n, n): v for n, v in given.items() if n not in {"code", "lon", "lat", "checks"}}
    columns |= {f"check_{name}": met for name, met in (given.get("checks") or {}).items()}
    for name in _LISTS:
        if name in columns:
            columns[name] = list(columns[name] or [])
    return {name: value for name, value in columns.items() if name in store.EDITABLE}


def _wrong_texts(given: Mapping[str, Any]) -> list[tuple[str, Text]]:
    faults = [
        (name, Text(f"最多 {longest} 个字。", f"At most {longest} characters."))
        for name, longest in _TEXTS.items()
        if given.get(name) is not None and len(str(given[name])) > longest
    ]
    faults += [
        (name, Text(f"最多 {_MOST_ITEMS} 项。", f"At most {_MOST_ITEMS} items."))
        for name in _LISTS
        if len(given.get(name) or ()) > _MOST_ITEMS
    ]
    if "name" in given and not str(given["name"] or "").strip():
        faults.append(("name", Text("名称不能为空。", "A name is needed.")))
    if given.get("opening_hours"):
        try:
            OpeningHours.parse(str(given["opening_hours"]))
        except InputError as error:
            faults.append(("opening_hours", Text(error.zh, error.en)))
    return faults


def _wrong_choices(given: Mapping[str, Any]) -> list[tuple[str, Text]]:
    faults = []
    for name, choices, needed in (("kind", STATION_KINDS, True), ("tenure", TENURES, False)):
        value = given.get(name)
        if (name in given and needed and value is None) or (value is not None and value not in choices):
            listed = ", ".join(choices)
            faults.append((name, Text(f"应为以下之一:{listed}。", f"It should be one of {listed}.")))
    unknown = sorted(set(given.get("checks") or ()) - set(EIGHT_CHECKS))
    if unknown:
        listed = ", ".join(EIGHT_CHECKS)
        faults.append(("checks", Text(f"“八有”的名称为:{listed}。", f"The eight checks are {listed}.")))
    return faults


def _wrong_point(connection: Connection, given: Mapping[str, Any]) -> list[tuple[str, Text]]:
    lon, lat = given.get("lon"), given.get("lat")
    if lon is None and lat is None:
        return []
    if lon is None or lat is None:
        return [("lon", Text("请同时给出 lon 和 lat。", "Give both lon and lat."))]
    box = data_bounds(connection)
    if box and not (box[0] - BEYOND <= lon <= box[2] + BEYOND and box[1] - BEYOND <= lat <= box[3] + BEYOND):
        return [
            (
                "lon",
                Text(
                    "这个点离本辖区很远。请检查经纬度的顺序和坐标系(EPSG:4326)。",
                    "The point is far outside of this jurisdiction. Check the order of longitude and latitude and the "
                    "coordinate system (EPSG:4326).",
                ),
            )
        ]
    return []


def _wrong(faults: list[tuple[str, Text]]) -> InputError:
    return InputError(
        f"有 {len(faults)} 项不合要求,没有写入。",
        f"{len(faults)} values do not fit; nothing was written.",
        problems=tuple({"column": name, "message": {"zh": t.zh, "en": t.en}} for name, t in faults),
    )


def add_gate(place: Place, estate_id: int, *, lon: float, lat: float, who: str) -> dict[str, Any]:
    """Add a gate to a walled estate, on its wall; people of the estate then walk through it.

    Raises
    ------
    NotFound
        There is no such estate.
    InputError
        It has no wall, or the point is not at its wall.
    """
    with transaction(place) as connection:
        walking_store.lock_base(connection)
        estate = store.estate(connection, estate_id)
        if estate is None:
            raise NotFound("没有这个小区。", "There is no such estate.")
        if not estate["walled"]:
            raise InputError(
                f"“{estate['name']}”没有围墙,不需要大门。", f"'{estate['name']}' has no wall and needs no gate."
            )
        metres = store.wall_distance_m(connection, estate_id, lon=lon, lat=lat)
        if metres > GATE_M:
            raise InputError(
                f"这个点离“{estate['name']}”的围墙 {metres:.0f} 米(上限 {GATE_M:.0f} 米)。请点在围墙上。",
                f"The point is {metres:.0f} m from the wall of '{estate['name']}' (limit {GATE_M:.0f} m). "
                "Click on the wall.",
            )
        at = store.add_gate(connection, estate_id, lon=lon, lat=lat)
        store.forget_estate(connection, estate_id)
        note_change(connection, who, "gate new", orjson.dumps({"estate": estate_id, "at": at}).decode())
        bump(connection, "base")
    return {"id": estate_id, "name": estate["name"], "gate": {"lon": at[0], "lat": at[1]}}
