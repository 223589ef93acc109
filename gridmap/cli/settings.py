"""``gridmap settings``: what the jurisdiction sets for itself."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from gridmap.cli.common import (
    CommitOption,
    DatabaseOption,
    JsonOption,
    confirmed,
    language,
    print_json,
    ready_place,
    say,
    who,
)
from gridmap.errors import InputError
from gridmap.model.text import Text

settings_app = typer.Typer(no_args_is_help=True, help="辖区设置。What the county sets: sizes, constants, time zone.")


@settings_app.command()
def show(database: DatabaseOption = None, json: JsonOption = False) -> None:
    """List the settings with their values, defaults and sources.

    Example: gridmap settings show
    """
    from gridmap.services import jurisdiction_settings as service

    _, place = ready_place(database)
    told = service.show(place)
    if json:
        print_json(told)
        return
    for one in told["settings"]:
        mark = "*" if one["given"] else " "
        typer.echo(f"{mark} {one['name']:34} {_said(one['value'], one['unit']):24} {one['title'][language()]}")
        typer.echo(f"{'':37}{one['source'][language()]}")
    say(Text("* 已改动的设置,其余为默认值。", "* was set; the others are defaults."))


@settings_app.command(name="set")
def set_(
    values: Annotated[
        list[str],
        typer.Argument(metavar="KEY=VALUE …", help="What to set; KEY= brings the default back.", show_default=False),
    ],
    source: Annotated[str | None, typer.Option("--source", help="Where the values come from; kept with them.")] = None,
    commit: CommitOption = False,
    database: DatabaseOption = None,
    json: JsonOption = False,
) -> None:
    """Change settings; without --commit only say what would change and what follows from it.

    Example: gridmap settings set household_target=320 people_target=1100 --commit
    """
    from gridmap.services import jurisdiction_settings as service

    _, place = ready_place(database)
    given = _pairs(values)
    told = service.change(place, given, who=who(), commit=commit, source=source)
    if not commit and not json:
        _tell(told)
        if told["changes"] and confirmed(commit, Text("写入这些设置?", "Write these settings?")):
            told = service.change(place, given, who=who(), commit=True, source=source)
            say(Text("已写入。", "Written."))
        else:
            say(Text("未写入。加 --commit 写入。", "Not written. Add --commit to write it."))
        return
    if json:
        print_json({name: told[name] for name in ("committed", "changes", "effects")})
    else:
        _tell(told)
        say(Text("已写入。", "Written."))


def _pairs(values: list[str]) -> dict[str, str]:
    given: dict[str, str] = {}
    for pair in values:
        name, equals, value = pair.partition("=")
        if not equals or not name.strip():
            raise InputError(
                f"请写成 名称=值,例如 household_target=320(现为“{pair}”)。",
                f"Write NAME=VALUE, for example household_target=320 (not '{pair}').",
            )
        given[name.strip()] = value
    return given


def _tell(told: dict[str, Any]) -> None:
    for one in told["changes"]:
        before, after = (_said(one[when], one["unit"]) for when in ("before", "after"))
        typer.echo(f"{one['name']}  {before} → {after}")
    if not told["changes"]:
        say(Text("没有值会改变。", "No value changes."))
    effects = told["effects"]
    if effects:
        sums = {name: (effects[name]["before"], effects[name]["after"]) for name in ("households", "people")}
        (h0, h1), (p0, p1) = sums["households"], sums["people"]
        say(
            Text(
                f"重新推算 {effects['buildings']} 栋楼: 户数 {h0} → {h1},人口 {p0} → {p1};已发布的过去版本不变。",
                f"{effects['buildings']} buildings are estimated anew: households {h0} → {h1}, people {p0} → {p1}; "
                "past editions stay as they are.",
            )
        )
    elif told["changes"]:
        say(
            Text(
                "不需要重新计算:检查、方案和回答从此采用新值。",
                "Nothing is recalculated: checks, plans and answers take the new values from now on.",
            )
        )


def _said(value: Any, unit: str) -> str:
    if value is None:
        return "–"
    said = ",".join(value) if isinstance(value, list) else str(value)
    return f"{said} {unit}".strip()
