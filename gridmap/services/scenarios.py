"""Scenarios: named sets of changes to stations and streets; nothing real changes until one is applied."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import Connection

from gridmap.errors import Conflict, InputError, NotFound, Stale
from gridmap.services.changes import Change, read_changes, scene_with
from gridmap.services.walking import Scene, Town, Walker
from gridmap.store import scenarios as store
from gridmap.store import stations as station_store
from gridmap.store import walking as walking_store
from gridmap.store.changes import bump, note_change
from gridmap.store.database import Place, engine_of, transaction
from gridmap.store.scenarios import ScenarioRow

__all__ = [
    "apply",
    "create",
    "delete",
    "find",
    "find_by_name",
    "list_scenarios",
    "scene_of",
    "told",
    "update",
]

MOST_TITLE = 120


def list_scenarios(place: Place) -> list[dict[str, Any]]:
    """Return all scenarios, the one changed last first."""
    with engine_of(place).connect() as connection:
        return [told(row) for row in store.listed(connection)]


def told(row: ScenarioRow) -> dict[str, Any]:
    """Return a scenario as plain data."""
    return {
        "id": row.id,
        "title": row.title,
        "owner": row.owner,
        "revision": row.revision,
        "changes": row.changes,
        "made_at": row.made_at.isoformat(),
        "changed_at": row.changed_at.isoformat(),
        "applied_at": row.applied_at.isoformat() if row.applied_at else None,
    }


def find(place: Place, scenario_id: int) -> ScenarioRow:
    """Return a scenario.

    Raises
    ------
    NotFound
        There is none of that number.
    """
    with engine_of(place).connect() as connection:
        return _found(store.find(connection, scenario_id), scenario_id)


def find_by_name(place: Place, name: str) -> ScenarioRow:
    """Return the scenario of a title or a number.

    Raises
    ------
    NotFound
        There is none.
    """
    with engine_of(place).connect() as connection:
        row = store.find_titled(connection, name)
        if row is None and name.isdecimal() and len(name) < 19:  # noqa: PLR2004 (fits into 63 bits)
            row = store.find(connection, int(name))
        return _found(row, name)


def _found(row: ScenarioRow | None, name: object) -> ScenarioRow:
    if row is None:
        raise NotFound(
            f"没有方案“{name}”。用 gridmap scenario list 查看。",
            f"There is no scenario '{name}'. See gridmap scenario list.",
        )
    return row


def create(walker: Walker, *, title: str, changes: Sequence[Mapping[str, Any]], who: str) -> ScenarioRow:
    """Add a scenario.

    Raises
    ------
    InputError
        The title is empty or too long, or a change cannot be made.
    Conflict
        The title is taken.
    """
    name = _checked_title(title)
    given = _plain(read_changes(changes, walker.town()) if changes else ())
    with transaction(walker.place) as connection:
        number = store.add(connection, title=name, owner=who, changes=given)
        if number is None:
            raise _taken(name)
        note_change(connection, who, "scenario new", _detail(number, name))
        return _found(store.find(connection, number), number)


def update(
    walker: Walker,
    scenario_id: int,
    *,
    title: str | None,
    changes: Sequence[Mapping[str, Any]] | None,
    who: str,
    revision: int | None = None,
) -> ScenarioRow:
    """Replace title or changes of a scenario.

    Raises
    ------
    NotFound
        There is none of that number.
    Stale
        It is no longer at ``revision``.
    Conflict
        It was applied, or the title is taken.
    InputError
        A change cannot be made.
    """
    given = None if changes is None else _plain(read_changes(changes, walker.town()) if changes else ())
    with transaction(walker.place) as connection:
        row = _at_revision(connection, scenario_id, revision)
        _not_applied(row)
        name = row.title if title is None else _checked_title(title)
        other = store.find_titled(connection, name)
        if other is not None and other.id != scenario_id:
            raise _taken(name)
        store.write(connection, scenario_id, title=name, changes=row.changes if given is None else given)
        note_change(connection, who, "scenario change", _detail(scenario_id, name))
        return _found(store.find(connection, scenario_id), scenario_id)


def delete(place: Place, scenario_id: int, *, who: str, revision: int | None = None) -> None:
    """Delete a scenario.

    Raises
    ------
    NotFound
        There is none of that number.
    Stale
        It is no longer at ``revision``.
    """
    with transaction(place) as connection:
        row = _at_revision(connection, scenario_id, revision)
        store.delete(connection, scenario_id)
        note_change(connection, who, "scenario delete", _detail(scenario_id, row.title))


def scene_of(walker: Walker, scenario_id: int | None, town: Town | None = None) -> Scene:
    """Return today's scene, or that of a scenario.

    Raises
    ------
    NotFound
        There is no such scenario.
    InputError
        A change of it cannot be made to today's stations any more.
    """
    here = town or walker.town()
    if scenario_id is None:
        return here.today
    row = find(walker.place, scenario_id)
    if row.applied_at is not None:
        return here.today
    return scene_with(walker.place, here, read_changes(row.changes, here))


def apply(walker: Walker, scenario_id: int, *, who: str, revision: int | None = None) -> dict[str, Any]:
    """Make the changes to stations of a scenario real, all in one transaction; returns what was done.

    Streets that are only closed or added in the scenario stay as they are: streets come from imports.

    Raises
    ------
    NotFound
        There is no such scenario.
    Stale
        It is no longer at ``revision``.
    Conflict
        It was applied before.
    InputError
        A change cannot be made to today's stations any more.
    """
    walker.refresh()
    town = walker.town()
    with transaction(walker.place) as connection:
        walking_store.lock_base(connection)
        row = _at_revision(connection, scenario_id, revision)
        _not_applied(row)
        changes = read_changes(row.changes, town)
        done, left = _apply(connection, changes)
        store.mark_applied(connection, scenario_id)
        detail = {"scenario": scenario_id, "title": row.title, "changes": done}
        note_change(connection, who, "scenario apply", orjson.dumps(detail).decode())
        bump(connection, "base")
    return {"id": scenario_id, "applied": done, "left_out": left}


def _apply(connection: Connection, changes: Sequence[Change]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    done: list[dict[str, Any]] = []
    left: list[dict[str, Any]] = []
    codes: dict[str, str] = {}
    for change in changes:
        if change.op in {"close_street", "link"}:
            left.append(change.as_dict())
        elif change.op == "add":
            code = str(change.code)
            real = station_store.next_code(connection) if code.startswith("new-") else code
            codes[code] = real
            lon, lat = change.point
            facts = {
                "name": change.name,
                "station_kind": change.kind,
                "tier": change.tier,
                "services": list(change.services or ()),
                "opening_hours": change.opening_hours,
            }
            if station_store.add(connection, code=real, lon=lon, lat=lat, facts=facts) is None:
                raise _gone(real)
            done.append(change.as_dict() | {"code": real})
        else:
            code = codes.get(str(change.station), str(change.station))
            found = station_store.find(connection, code, lock=True)
            if found is None:
                raise _gone(code)
            _apply_to(connection, int(found["id"]), change)
            done.append(change.as_dict() | {"station": code})
    return done, left


def _apply_to(connection: Connection, station_id: int, change: Change) -> None:
    if change.op == "move":
        lon, lat = change.point
        station_store.move(connection, station_id, lon=lon, lat=lat)
    elif change.op == "close":
        station_store.close(connection, station_id)
    else:
        station_store.edit(connection, station_id, {"opening_hours": change.opening_hours or None})
    walking_store.forget_attached(connection, "station", [station_id])


def _gone(code: str) -> Conflict:
    return Conflict(
        f"站点 {code} 已被他人改动,没有应用任何改动。请重新查看方案。",
        f"Somebody else changed station {code}; nothing was applied. Look at the scenario again.",
    )


def _at_revision(connection: Connection, scenario_id: int, revision: int | None) -> ScenarioRow:
    row = _found(store.find(connection, scenario_id, lock=True), scenario_id)
    if revision is not None and row.revision != revision:
        raise Stale(
            f"方案“{row.title}”已被他人改动(现为第 {row.revision} 次修改)。请重新读取后再改。",
            f"Somebody else changed scenario '{row.title}' (revision {row.revision} now). Read it again first.",
        )
    return row


def _not_applied(row: ScenarioRow) -> None:
    if row.applied_at is not None:
        raise Conflict(
            f"方案“{row.title}”已经应用,不能再改。请新建一个方案。",
            f"Scenario '{row.title}' was applied and cannot change any more. Make a new one.",
        )


def _checked_title(title: str) -> str:
    name = title.strip()
    if not 0 < len(name) <= MOST_TITLE:
        raise InputError(
            f"方案名称应为 1 到 {MOST_TITLE} 个字。", f"The title of a scenario has 1 to {MOST_TITLE} characters."
        )
    return name


def _taken(title: str) -> Conflict:
    return Conflict(f"已有名为“{title}”的方案。请另取名称。", f"There is a scenario called '{title}' already.")


def _plain(changes: Sequence[Change]) -> list[dict[str, Any]]:
    return [change.as_dict() for change in changes]


def _detail(number: int, title: str) -> str:
    return orjson.dumps({"scenario": number, "title": title}).decode()
