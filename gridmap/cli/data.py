"""``gridmap import …`` and ``gridmap sample``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gridmap.cli.common import (
    CommitOption,
    DatabaseOption,
    FileArgument,
    JsonOption,
    confirmed,
    language,
    print_json,
    progress_bar,
    ready_place,
    say,
    who,
)
from gridmap.errors import InputError
from gridmap.model.kinds import KINDS
from gridmap.model.text import Text

if TYPE_CHECKING:
    from gridmap.services.imports import ImportReport

import_app = typer.Typer(no_args_is_help=True, help="Bring files in; a dry run unless --commit is given.")

MapOption = Annotated[
    list[str] | None,
    typer.Option("--map", metavar="OURS=THEIRS", help="Which column of the file is ours; may be repeated."),
]
LayerOption = Annotated[str | None, typer.Option("--layer", help="Layer of a GeoPackage that has several.")]
WhereOption = Annotated[
    list[str] | None,
    typer.Option("--where", metavar="COLUMN=VALUE", help="Only rows with this value; may be repeated."),
]
SkipOption = Annotated[bool, typer.Option("--skip-bad", help="Take the good rows although others have errors.")]


def _mapping(pairs: list[str] | None) -> dict[str, str]:
    from gridmap.io.recognise import parse_mapping

    return parse_mapping(pairs or [])


def _where(pairs: list[str] | None) -> dict[str, str]:
    wanted: dict[str, str] = {}
    for pair in pairs or []:
        column, equals, value = pair.partition("=")
        if not equals or not column.strip():
            raise InputError(
                "--where 的写法是 列=值,例如 --where kind=building。",
                "--where is written COLUMN=VALUE, for example --where kind=building.",
            )
        wanted[column.strip()] = value.strip()
    return wanted


def _import(database: str | None, order: dict[str, Any], *, commit: bool, json: bool) -> None:
    from gridmap.io.files import plain_file
    from gridmap.io.reader import list_layers
    from gridmap.services.imports import ImportOrder, import_file
    from gridmap.services.jobs import run_here

    # a file that is none should not be the reason to make a database
    plain_file(order["path"])
    if order["kind"] != "osm":
        list_layers(order["path"])
    _, place = ready_place(database, create=True)
    order["path"] = str(Path(order["path"]).absolute())
    asked = ImportOrder(**order)
    if not commit:
        with progress_bar() as progress:
            report = import_file(place, asked, who=who(), commit=False, progress=progress)
        if not json:
            _tell(report)
        commit = any(layer.read for layer in report.layers) and confirmed(False, Text("现在导入?", "Import now?"))
        if not commit:
            if json:
                print_json(report.as_dict())
            else:
                say(
                    Text(
                        "以上是预演,没有写入。加 --commit 导入。",
                        "This was a dry run; nothing was written. --commit imports.",
                    )
                )
            return
    with progress_bar() as progress:
        view = run_here(place, "import", order | {"commit": True}, who=who(), progress=progress)
    if json:
        print_json(view.result)
        return
    for layer in (view.result or {}).get("layers", []):
        _tell_counts(layer["kind"], layer["counts"])
    for name, effect in ((view.result or {}).get("effects") or {}).items():
        typer.echo(f"  {name}: " + ", ".join(f"{k} {v}" for k, v in effect.items() if not isinstance(v, list | dict)))


def _tell(report: ImportReport) -> None:
    for line in (*report.columns, *report.notes):
        typer.echo("  " + line.said(language()))
    for layer in report.layers:
        _tell_counts(layer.kind, layer.counts)
        for code, count in layer.problem_counts.items():
            typer.echo(f"  ! {code}: {count}")
        for problem in layer.problems[:20]:
            words = Text(**problem["message"]).said(language())
            repair = Text(**problem["repair"]).said(language())
            row = Text(f"第 {problem['row']} 行", f"row {problem['row']}").said(language())
            typer.echo(f"    {row} {problem['column'] or ''}: {words} {repair}")


def _tell_counts(kind: str, counts: dict[str, int]) -> None:
    title = KINDS[kind].title.said(language())
    shown = ", ".join(f"{_COUNT_WORDS[k].said(language())} {v}" for k, v in counts.items() if v)
    typer.echo(f"  {title}: {shown or 0}")


_COUNT_WORDS = {
    "new": Text("新增", "new"),
    "changed": Text("更新", "changed"),
    "reshaped": Text("轮廓改变", "reshaped"),
    "removed": Text("撤销", "removed"),
    "same": Text("未变", "same"),
    "unknown_removed": Text("要撤销但不存在", "to remove but unknown"),
}


@import_app.command("osm")
def import_osm(
    file: FileArgument,
    bbox: Annotated[str | None, typer.Option(metavar="W,S,E,N", help="Only what touches this box, in degrees.")] = None,
    database: DatabaseOption = None,
    commit: CommitOption = False,
    json: JsonOption = False,
) -> None:
    """Bring in streets, water, buildings, places and areas of an OpenStreetMap file (.osm.pbf).

    Example: gridmap import osm town.osm.pbf --commit
    """
    box = None
    if bbox is not None:
        try:
            box = tuple(float(part) for part in bbox.split(","))
        except ValueError:
            box = ()
        if len(box) != 4:  # noqa: PLR2004 (west, south, east, north)
            raise InputError(
                "--bbox 应为四个数:西,南,东,北(度)。", "--bbox takes four numbers: west,south,east,north in degrees."
            )
    _import(database, {"kind": "osm", "path": file, "bbox": box}, commit=commit, json=json)


@import_app.command("grids")
def import_grids(
    file: FileArgument,
    edition: Annotated[str | None, typer.Option(help="Name of the edition that the grids become.")] = None,
    effective_from: Annotated[
        str | None, typer.Option("--from", metavar="DATE", help="When the edition comes into force.")
    ] = None,
    plan: Annotated[str | None, typer.Option(help="Name of the draft that the grids become.")] = None,
    map_: MapOption = None,
    layer: LayerOption = None,
    where: WhereOption = None,
    skip_bad: SkipOption = False,
    database: DatabaseOption = None,
    commit: CommitOption = False,
    json: JsonOption = False,
) -> None:
    """Bring in present grids as polygons; `gridmap cells` makes an edition or a draft of them.

    Example: gridmap import grids grids.gpkg --edition 2026版 --from 2026-01-01 --commit
    """
    order = {
        "kind": "grids", "path": file, "layer": layer, "mapping": _mapping(map_), "where": _where(where),
        "skip_bad": skip_bad,
        "edition": edition, "effective_from": effective_from, "plan": plan,
    }  # fmt: skip
    _import(database, order, commit=commit, json=json)


@import_app.command("people")
def import_people(
    file: FileArgument,
    with_contacts: Annotated[
        bool, typer.Option("--with-contacts", help="Take names and telephones too; without it they are left out.")
    ] = False,
    map_: MapOption = None,
    layer: LayerOption = None,
    where: WhereOption = None,
    skip_bad: SkipOption = False,
    database: DatabaseOption = None,
    commit: CommitOption = False,
    json: JsonOption = False,
) -> None:
    """Bring in who is on duty for which grid or building.

    Example: gridmap import people duties.csv --with-contacts --commit
    """
    order = {
        "kind": "people", "path": file, "layer": layer, "mapping": _mapping(map_), "where": _where(where),
        "skip_bad": skip_bad,
        "with_contacts": with_contacts,
    }  # fmt: skip
    _import(database, order, commit=commit, json=json)


def _plain_importer(kind: str) -> None:
    def importer(
        file: FileArgument,
        map_: MapOption = None,
        layer: LayerOption = None,
        where: WhereOption = None,
        skip_bad: SkipOption = False,
        database: DatabaseOption = None,
        commit: CommitOption = False,
        json: JsonOption = False,
    ) -> None:
        order = {
            "kind": kind,
            "path": file,
            "layer": layer,
            "mapping": _mapping(map_),
            "where": _where(where),
            "skip_bad": skip_bad,
        }
        _import(database, order, commit=commit, json=json)

    title = KINDS[kind].title
    columns = ", ".join(KINDS[kind].names)
    importer.__doc__ = (
        f"Bring in {title.en} ({title.zh}) from GeoPackage, GeoJSON or CSV.\n\n"
        f"Columns: {columns}.\n\nExample: gridmap import {kind} {kind}.gpkg --commit"
    )
    import_app.command(kind)(importer)


for _kind in KINDS:
    if _kind not in {"grids", "people"}:
        _plain_importer(_kind)


def sample(
    seed: Annotated[int, typer.Option(help="The same seed gives the same county, byte for byte.")] = 1,
    buildings: Annotated[int, typer.Option(help="How many buildings.")] = 3000,
    communities: Annotated[int | None, typer.Option(min=1, help="How many communities.")] = None,
    on: Annotated[
        Path | None, typer.Option(metavar="FILE.osm.pbf", help="Keep the streets of this file, fill its blocks.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Only write the files, into this new folder.")
    ] = None,
    database: DatabaseOption = None,
    commit: CommitOption = False,
    json: JsonOption = False,
) -> None:
    """Make the fictional sample county 清岩县 and load it through the importers.

    Example: gridmap sample --commit
    """
    from gridmap.services.sample import SampleOrder, load_sample, write_files

    order = SampleOrder(seed=seed, buildings=buildings, communities=communities, on=None if on is None else str(on))
    if out is not None:
        with progress_bar() as progress:
            told = write_files(order, out, progress=progress)
        made = told["buildings"]
        print_json(told) if json else say(Text(f"已写入 {out}:{made} 栋楼", f"Written to {out}: {made} buildings"))
        return
    _, place = ready_place(database, create=True)
    question = Text(
        f"生成约 {buildings} 栋楼的样例县并载入数据库 {place.name}?", f"Load a sample county into {place.name}?"
    )
    if not confirmed(commit, question):
        say(
            Text(
                f"将生成样例县并载入 {place.name}。加 --commit 执行。",
                f"Would load it into {place.name}; --commit does.",
            )
        )
        return
    with progress_bar() as progress:
        told = load_sample(place, order, who=who(), progress=progress)
    if json:
        print_json(told)
    else:
        for name, value in told.items():
            typer.echo(f"  {name}: {value}")
