"""``gridmap cells``, ``gridmap edition …`` and ``gridmap check``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gridmap.cli.common import (
    CommitOption,
    DatabaseOption,
    JsonOption,
    confirmed,
    language,
    print_json,
    progress_bar,
    ready_place,
    say,
    who,
)
from gridmap.model.text import Text

edition_app = typer.Typer(no_args_is_help=True, help="Editions: the sets of grids in force from … to …")


def cells(
    lanes: Annotated[bool, typer.Option("--lanes", help="Lanes cut blocks everywhere, not only large ones.")] = False,
    processes: Annotated[int, typer.Option(min=1, max=64, help="Processes; the result is the same.")] = 2,
    database: DatabaseOption = None,
    commit: CommitOption = False,
    json: JsonOption = False,
) -> None:
    """Cut the land into cells; imported grids become editions and drafts.

    Example: gridmap cells --commit
    """
    from gridmap.services.jobs import run_here

    _, place = ready_place(database)
    question = Text("根据现有数据生成单元?", "Make cells from the present data?")
    if not confirmed(commit, question):
        say(Text("将生成单元并更新版本。加 --commit 执行。", "Would make cells and editions; --commit does it."))
        return
    inputs = {"processes": processes, "settings": {"lanes_cut": lanes}}
    with progress_bar() as progress:
        view = run_here(place, "cells", inputs, who=who(), progress=progress)
    if json:
        print_json(view.result)
    else:
        for name, value in (view.result or {}).items():
            typer.echo(f"  {name}: {value}")


@edition_app.command("list")
def list_(database: DatabaseOption = None, json: JsonOption = False) -> None:
    """List all editions with the time in which they are in force.

    Example: gridmap edition list
    """
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from gridmap.services.editions import jurisdiction, list_editions

    _, place = ready_place(database)
    found = list_editions(place)
    if json:
        print_json(found)
        return
    zone = ZoneInfo(jurisdiction(place)["time_zone"])

    def shown(moment: str | None) -> str:
        return "" if moment is None else f"{datetime.fromisoformat(moment).astimezone(zone):%Y-%m-%d %H:%M}"

    for edition in found:
        period = f"{shown(edition['effective_from'])} – {shown(edition['effective_to']):16}"
        typer.echo(f"{edition['id']:>3}  {period}  {edition['name']}")


@edition_app.command()
def show(
    at: Annotated[str | None, typer.Option(metavar="DATE", help="The edition in force then; now by default.")] = None,
    level: Annotated[int | None, typer.Option(min=1, help="Level 1, 2, 3 …; the leaf grids by default.")] = None,
    database: DatabaseOption = None,
    json: JsonOption = False,
) -> None:
    """List the grids of an edition with their figures.

    Example: gridmap edition show --level 2
    """
    import orjson

    from gridmap.cli.look import moment
    from gridmap.services.editions import grids_geojson

    _, place = ready_place(database)
    rows = [f["properties"] for f in orjson.loads(grids_geojson(place, level=level, at=moment(at)))["features"]]
    if json:
        print_json(rows)
        return
    for row in rows:
        typer.echo(
            f"{row['code']}  {row['households']:>6} 户 {row['people']:>7} 人 {row['buildings']:>5} 栋  {row['name']}"
        )


@edition_app.command()
def export(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write: .gpkg, .geojson or .csv.")],
    at: Annotated[str | None, typer.Option(metavar="DATE", help="The edition in force then; now by default.")] = None,
    database: DatabaseOption = None,
    json: JsonOption = False,
) -> None:
    """Write the grids of an edition, all levels, into a file that `gridmap import grids` reads.

    Example: gridmap edition export grids.gpkg
    """
    from gridmap.cli.look import moment
    from gridmap.services.editions import export_grids

    _, place = ready_place(database)
    count = export_grids(place, file, at=moment(at))
    if json:
        print_json({"file": str(file), "grids": count})
        return
    say(Text(f"已写入 {count} 个网格:{file}", f"{count} grids written to {file}"))


def check(
    rule: Annotated[
        list[str] | None, typer.Option("--rule", help="Only findings of this name; may be repeated.")
    ] = None,
    database: DatabaseOption = None,
    json: JsonOption = False,
) -> None:
    """Check the edition in force and open drafts; ends with 3 when there are errors.

    Example: gridmap check --rule household_band
    """
    from dataclasses import asdict

    from gridmap.services.check import check as run

    _, place = ready_place(database)
    found = run(place, names=tuple(rule) if rule else None)
    if json:
        print_json([asdict(f) for f in found])
    else:
        for finding in found:
            mark = {"error": "✗", "warning": "!", "info": "·"}[finding.severity]
            typer.echo(f"{mark} {finding.rule}  {finding.message.said(language())}")
            if finding.repair:
                typer.echo(f"    {finding.repair.said(language())}")
        errors = sum(f.severity == "error" for f in found)
        say(Text(f"共 {len(found)} 条,其中错误 {errors} 条。", f"{len(found)} findings, {errors} of them errors."))
    if any(f.severity == "error" for f in found):
        raise typer.Exit(3)
