"""Reading and changing what a jurisdiction sets for itself."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from zoneinfo import available_timezones

import orjson
from sqlalchemy import Connection

from gridmap.errors import InputError, Stale
from gridmap.model.jurisdiction_settings import SETTINGS, Setting, value_in
from gridmap.model.naming import near_names, unknown_name
from gridmap.model.text import Text
from gridmap.services import cells, figures, settling
from gridmap.store.changes import bump, note_change
from gridmap.store.database import Place, engine_of, transaction
from gridmap.store.jurisdiction import Jurisdiction, counts, jurisdiction, write_jurisdiction

__all__ = ["change", "show", "tag_of"]

LONGEST_SOURCE = 500
_FIGURES = ("households", "households_estimated", "people")


class _DryRun(Exception):
    def __init__(self, told: dict[str, Any]) -> None:
        self.told = told


def show(place: Place) -> dict[str, Any]:
    """Return every setting: value, default, whether it was set, where it comes from, what values it takes."""
    with engine_of(place).connect() as connection:
        return _told(jurisdiction(connection))


def _told(known: Jurisdiction) -> dict[str, Any]:
    return {"settings": [_told_one(known, setting) for setting in SETTINGS.values()]}


def _told_one(known: Jurisdiction, setting: Setting) -> dict[str, Any]:
    given = _given(known, setting)
    source = known.settings.get("sources", {}).get(setting.name)
    own = Text("未注明", "not stated") if source is None else Text(source, source)
    default = list(setting.default) if isinstance(setting.default, tuple) else setting.default
    source_told = own if given is not None else setting.source
    return {
        "name": setting.name,
        "title": {"zh": setting.title.zh, "en": setting.title.en},
        "value": default if given is None else given,
        "default": default,
        "given": given is not None,
        "unit": setting.unit,
        "takes": {"zh": setting.takes.zh, "en": setting.takes.en},
        "source": {"zh": source_told.zh, "en": source_told.en},
        "recalculates": setting.recalculates,
    }


def _given(known: Jurisdiction, setting: Setting) -> Any:
    """Return what was set; a time zone that is the default counts as not set."""
    if setting.type == "zone":
        return None if known.time_zone == setting.default else known.time_zone
    return value_in(known.settings, setting.name)


def tag_of(told: Mapping[str, Any]) -> str:
    """Return a tag that changes with what was set."""
    return hashlib.blake2b(orjson.dumps(told["settings"], option=orjson.OPT_SORT_KEYS), digest_size=9).hexdigest()


def change(
    place: Place,
    given: Mapping[str, Any],
    *,
    who: str,
    commit: bool,
    source: str | None = None,
    tag: str | None = None,
) -> dict[str, Any]:
    """Change settings; without ``commit`` everything is done and taken back, so that what is told is exact.

    Values may be texts, as somebody types them; None or an empty text brings the default back. ``source`` is noted with
    each value that is set. Estimates of households are worked out anew where a constant of theirs changes.

    Raises
    ------
    InputError
        A name is not known or a value does not fit; ``problems`` lists all of them. Nothing is written.
    Stale
        What is set is no longer what ``tag`` was given for.
    """
    values = _checked(given)
    said = None if source is None else source.strip() or None
    if said is not None and len(said) > LONGEST_SOURCE:
        raise InputError(f"来源说明最多 {LONGEST_SOURCE} 个字。", f"A source has at most {LONGEST_SOURCE} characters.")
    try:
        with transaction(place) as connection:
            connection.exec_driver_sql("SELECT pg_advisory_xact_lock(hashtext('gridmap base data'))")
            told = _change(connection, values, said, who=who, tag=tag)
            told["committed"] = commit
            if not commit:
                raise _DryRun(told)  # noqa: TRY301 (it must leave the transaction)
    except _DryRun as dry:
        return dry.told
    return told


def _change(
    connection: Connection, values: Mapping[str, Any], source: str | None, *, who: str, tag: str | None
) -> dict[str, Any]:
    before = jurisdiction(connection)
    if tag is not None and tag_of(_told(before)) != tag:
        raise Stale("设置已被他人改动。请重新读取后再改。", "Somebody else changed the settings. Read them again.")
    after = before
    for name, value in values.items():
        after = _with(after, SETTINGS[name], value, source)
    told, was = _told(after), {one["name"]: one for one in _told(before)["settings"]}
    changes = [
        {"name": one["name"], "before": was[one["name"]]["value"], "after": one["value"], "unit": one["unit"]}
        for one in told["settings"]
        if one["value"] != was[one["name"]]["value"]
    ]
    effects: dict[str, Any] = {}
    if after != before:
        write_jurisdiction(connection, after)
        if any(SETTINGS[one["name"]].recalculates == "households" for one in changes):
            effects = _recalculated(connection)
        detail = {one["name"]: one["after"] for one in changes} | ({"source": source} if source else {})
        note_change(connection, who, "settings", orjson.dumps(detail).decode())
        bump(connection, "base")
    return told | {"changes": changes, "effects": effects}


def _recalculated(connection: Connection) -> dict[str, Any]:
    """Work out the estimates anew, and the totals that follow; returns the sums before and after."""
    before = counts(connection)
    buildings = int(figures.refresh(connection)["buildings_changed"])
    if cells.made(connection):
        settling.refresh_totals(connection)
    after = counts(connection)
    return {
        "buildings": buildings,
        **{name: {"before": before[name], "after": after[name]} for name in _FIGURES},
    }


def _with(known: Jurisdiction, setting: Setting, value: Any, source: str | None) -> Jurisdiction:
    if setting.type == "zone":
        known = replace(known, time_zone=setting.default if value is None else value)
    settings = {k: dict(v) if isinstance(v, dict) else v for k, v in known.settings.items()}
    group, _, inner = setting.name.rpartition(".")
    if setting.type != "zone":
        _put(settings.setdefault(group, {}) if group else settings, inner, value)
    _put(settings.setdefault("sources", {}), setting.name, None if value is None else source)
    return replace(known, settings={name: kept for name, kept in settings.items() if kept != {}})


def _put(settings: dict[str, Any], name: str, value: Any) -> None:
    if value is None:
        settings.pop(name, None)
    else:
        settings[name] = value


def _checked(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values by name, each as it is stored; all complaints together."""
    if not given:
        raise InputError("请至少给出一项设置, 如 household_target=320。", "Give a setting, like household_target=320.")
    values: dict[str, Any] = {}
    problems: list[tuple[str, InputError]] = []
    for name, raw in given.items():
        try:
            if name not in SETTINGS:
                raise unknown_name(Text("设置", "setting"), name, SETTINGS)
            values[name] = _value(SETTINGS[name], raw)
        except InputError as error:
            problems.append((name, error))
    if len(problems) == 1:
        raise problems[0][1]
    if problems:
        raise InputError(
            f"有 {len(problems)} 项设置不合适, 没有改动任何设置。",
            f"{len(problems)} settings do not fit; nothing was changed.",
            problems=tuple({"column": name, "message": {"zh": error.zh, "en": error.en}} for name, error in problems),
        )
    return values


def _value(setting: Setting, raw: Any) -> Any:
    if raw is None or (isinstance(raw, str) and not raw.strip()):
        return None
    if setting.type == "zone":
        return _zone(setting, raw)
    if setting.choices:
        return _chosen(setting, raw)
    number = _number(raw)
    fits = (
        number is not None
        and (setting.type != "integer" or number == int(number))
        and (setting.least is None or number >= setting.least)
        and (setting.most is None or number <= setting.most)
        and (setting.above is None or number > setting.above)
        and (setting.below is None or number < setting.below)
    )
    if number is None or not fits:
        raise _unfit(setting, raw)
    return int(number) if setting.type == "integer" else number


def _number(raw: Any) -> float | None:
    if isinstance(raw, bool) or not isinstance(raw, int | float | str):
        return None
    try:
        number = float(raw)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _zone(setting: Setting, raw: Any) -> str:
    if not isinstance(raw, str):
        raise _unfit(setting, raw)
    zones = available_timezones()
    if raw.strip() not in zones:
        near = near_names(raw.strip(), sorted(zones))
        if len(near) < len(zones):
            listed = ", ".join(near)
            raise InputError(
                f"没有名为 {_short(raw)} 的时区; 名称相近的有: {listed}。",
                f"There is no time zone {_short(raw)}; near names are: {listed}.",
            )
        raise _unfit(setting, raw)
    return raw.strip()


def _chosen(setting: Setting, raw: Any) -> Any:
    listed = raw.split(",") if isinstance(raw, str) else raw
    if not isinstance(listed, list | tuple) or not all(isinstance(item, str) for item in listed):
        raise _unfit(setting, raw)
    chosen = [item.strip() for item in listed if item.strip()]
    if not chosen or not set(chosen) <= set(setting.choices) or (setting.type == "use" and len(chosen) > 1):
        raise _unfit(setting, raw)
    return chosen[0] if setting.type == "use" else [use for use in setting.choices if use in chosen]


def _unfit(setting: Setting, raw: Any) -> InputError:
    return InputError(
        f"{setting.name} ({setting.title.zh}) 的值 {_short(raw)} 不合适; 应为{setting.takes.zh}。",
        f"The value {_short(raw)} does not fit {setting.name} ({setting.title.en}); it is {setting.takes.en}.",
    )


def _short(raw: Any) -> str:
    said = str(raw)
    return said if len(said) <= 40 else said[:40] + "…"  # noqa: PLR2004 (a sentence, not a page)
