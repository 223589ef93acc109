"""``gridmap plan export`` and ``gridmap plan import``: change packs, and assignments as files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from gridmap.cli.common import (
    CommitOption,
    DatabaseOption,
    FileArgument,
    JsonOption,
    confirmed,
    language,
    load_settings,
    print_json,
    progress_bar,
    say,
    who,
)
from gridmap.cli.plan import PlanArgument, desk_of
from gridmap.cli.plan_life import plan_app
from gridmap.model.text import Language, Text

__all__ = ["plan_app"]

Form = Literal["pack", "csv", "geojson", "gpkg", "shp"]
_TOLD = 10


@plan_app.command()
def export(
    plan: PlanArgument,
    target: Annotated[Path, typer.Argument(metavar="DIR|FILE", help="A new or empty folder, a .zip file; or a file.")],
    form: Annotated[
        Form | None, typer.Option("--format", help="pack, or the assignments: csv (buildings), geojson, gpkg, shp.")
    ] = None,
    lang: Annotated[Language, typer.Option("--lang", help="Language of the pack's tables and pages.")] = "zh",
    database: DatabaseOption = None,
    json: JsonOption = False,
) -> None:
    """Write the change pack of a plan: crosswalk, addresses, hand-over lists, coverage, borders in words, layers, maps,
    and a summary to sign. With --format, or by the ending of the file, only which building is in which grid.

    Example: gridmap plan export "明年调整" 变更资料
    """  # noqa: D205 (one paragraph of --help)
    from gridmap.services.assignments import FORMATS, export_assignments
    from gridmap.services.changepack import write_pack, write_pack_zip
    from gridmap.services.walking import Walker

    desk = desk_of(database)
    number = desk.number(plan)
    ending = target.suffix.lower().removeprefix(".")
    chosen = form or (ending if ending in FORMATS else "pack")
    if chosen != "pack":
        rows = export_assignments(desk, number, target, form=chosen)
        if json:
            print_json({"plan": number, "target": str(target), "rows": rows})
            return
        say(Text(f"已写入 {target}({rows} 行)。", f"Written to {target}: {rows} rows."))
        return
    walker = Walker(desk.place, keep_in=load_settings().data_dir)
    with progress_bar() as tell:
        write = write_pack_zip if ending == "zip" else write_pack
        names = write(desk, number, target, walker=walker, language=lang, progress=tell)
    if json:
        print_json({"plan": number, "target": str(target), "files": names})
        return
    for name in names:
        typer.echo(f"  {name}")
    say(Text(f"已写入 {target}({len(names)} 个文件)。", f"Written to {target}: {len(names)} files."))


@plan_app.command("import")
def import_(
    plan: PlanArgument,
    file: FileArgument,
    make_grids: Annotated[bool, typer.Option("--make-grids", help="Codes that there are not begin grids.")] = False,
    across: Annotated[bool, typer.Option("--across-communities", help="Take land of other communities too.")] = False,
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="Do it although rows are bad; pass over them.")] = False,
    columns: Annotated[
        list[str] | None, typer.Option("--map", metavar="OURS=THEIRS", help="Which column of the file is ours.")
    ] = None,
    layer: Annotated[str | None, typer.Option(help="Layer of a GeoPackage that has several.")] = None,
    database: DatabaseOption = None,
    commit: CommitOption = False,
    json: JsonOption = False,
) -> None:
    """Bring a list of buildings (CSV: building_id, grid_code) or polygons of grids (GeoJSON, GeoPackage, Shapefile)
    into a plan, as one operation that undo takes back.

    Example: gridmap plan import "明年调整" 楼栋网格.csv --commit
    """  # noqa: D205 (one paragraph of --help)
    from gridmap.errors import InputError
    from gridmap.services.assignments import bring_file

    wrong = [pair for pair in columns or () if "=" not in pair.strip("=")]
    if wrong:
        raise InputError(f"--map 写作 ours=theirs,不是“{wrong[0]}”。", f"--map is ours=theirs, not '{wrong[0]}'.")
    desk = desk_of(database)
    number = desk.number(plan)
    asked: dict[str, Any] = {
        "who": who(), "make_grids": make_grids, "across_communities": across, "skip_bad": skip_bad,
        "mapping": dict(pair.split("=", 1) for pair in columns or ()), "layer": layer,
    }  # fmt: skip
    told = bring_file(desk, number, file, commit=commit, **asked)
    if not commit:
        if not json:
            _tell(told)
        if told["step"] is not None and confirmed(commit, Text("导入?", "Import it?")):
            commit = True
            told = bring_file(desk, number, file, commit=True, **asked)
    if json:
        import orjson

        print_json(orjson.loads(orjson.dumps(told)))
    elif commit:
        step = told["step"]
        cells = 0 if step is None else step["cells"]
        say(Text(f"已导入:{cells} 个单元换网格。", f"Imported: {cells} cells change their grid."))
    else:
        say(Text("以上是预演,没有写入。加 --commit 执行。", "This is what it would do; --commit does it."))


def _tell(told: dict[str, Any]) -> None:
    def several(names: list[str]) -> str:
        return ", ".join(names[:_TOLD]) + (" …" if len(names) > _TOLD else "")

    say(Text(f"{told['file']}:{told['rows']} 行", f"{told['file']}: {told['rows']} rows"))
    for key, zh, en in (
        ("unknown_buildings", "没有的楼栋", "unknown buildings"),
        ("buildings_twice", "写了几个网格的楼栋", "buildings given to several grids"),
        ("unknown_codes", "没有的网格(--make-grids 可新建)", "unknown grids (--make-grids makes them)"),
        ("new_grids", "新建网格", "new grids"),
        ("buildings_missing", "文件没有提到的楼栋", "buildings that the file does not name"),
        ("attached", "随主楼走的附属建筑", "buildings that go with the one whose land they stand on"),
    ):
        if told[key]:
            say(
                Text(
                    f"  {zh}:{len(told[key])}  {several(told[key])}", f"  {en}: {len(told[key])}  {several(told[key])}"
                )
            )
    if told["rejected"]:
        say(Text(f"  不能用的行:{told['rejected']}", f"  rows that cannot be used: {told['rejected']}"))
    cleaned = told["cleaned"]
    if cleaned:
        many, twice, none, far = (cleaned[key] for key in ("polygons", "overlap_m2", "gap_m2", "shift_m"))
        say(
            Text(
                f"  {many} 个多边形:重叠 {twice:.0f} 平方米,缝隙 {none:.0f} 平方米,边界最多移动 {far:.1f} 米",
                f"  {many} polygons: {twice:.0f} m² overlap, {none:.0f} m² of gaps, borders moved {far:.1f} m at most",
            )
        )
    step = told["step"]
    if step is None:
        say(Text("  与方案相同,没有变化。", "  It is as the plan is; nothing changes."))
        return
    moved = step["score"]["households_moved"]
    say(
        Text(
            f"  {step['cells']} 个单元换网格;方案共 {moved} 户换网格",
            f"  {step['cells']} cells change their grid; {moved} households in all of the plan",
        )
    )
    for warning in step["warnings"]:
        typer.echo(f"  ! {warning['message'][language()]}")
