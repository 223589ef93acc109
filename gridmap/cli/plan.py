"""``gridmap plan …``: drafts of the next edition."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

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
from gridmap.model.text import Text

if TYPE_CHECKING:
    from gridmap.services.plans import PlanDesk

plan_app = typer.Typer(no_args_is_help=True, help="Plans: redraw grids step by step, with undo, as a draft.")

PlanArgument = Annotated[str, typer.Argument(metavar="PLAN", help="Title or number of the plan.")]
BaseOption = Annotated[
    int | None,
    typer.Option("--base", min=0, help="The revision that you saw; what others changed since is kept or refused."),
]


def desk_of(database: str | None) -> PlanDesk:
    """Return the plans of a database."""
    from gridmap.services.plans import PlanDesk

    _, place = ready_place(database)
    return PlanDesk(place)


@plan_app.command("list")
def list_(database: DatabaseOption = None, json: JsonOption = False) -> None:
    """List all plans, the one changed last first.

    Example: gridmap plan list
    """
    found = desk_of(database).listed()
    if json:
        print_json(found)
    elif not found:
        say(Text("没有调整方案。用 gridmap plan new 新建。", "There are no plans. Start one with gridmap plan new."))
    else:
        for plan in found:
            typer.echo(f"{plan['id']:>4}  r{plan['revision']:<5} {plan['state']:9} {plan['title']}  ({plan['owner']})")


@plan_app.command()
def new(
    title: Annotated[str, typer.Argument(metavar="TITLE", help="Title of the plan.")],
    edition: Annotated[int | None, typer.Option(min=1, help="Edition to start from; the one in force.")] = None,
    database: DatabaseOption = None,
    commit: CommitOption = False,
    json: JsonOption = False,
) -> None:
    """Start a plan from an edition.

    Example: gridmap plan new "明年调整" --commit
    """
    desk = desk_of(database)
    if not confirmed(commit, Text(f"新建方案“{title}”?", f"Start the plan '{title}'?")):
        say(Text(f"将新建方案“{title}”。加 --commit 执行。", f"Would start the plan '{title}'; --commit does it."))
        return
    made = desk.new(title=title, edition=edition, who=who())
    if json:
        print_json(made)
        return
    number, base = made["id"], made["base_edition"]
    say(Text(f"已新建方案 {number}(起点:第 {base} 版)。", f"Plan {number} made, from edition {base}."))


@plan_app.command()
def show(plan: PlanArgument, database: DatabaseOption = None, json: JsonOption = False) -> None:
    """Show a plan: its grids with households, deviation and scores, and what was done last.

    Example: gridmap plan show "明年调整"
    """
    desk = desk_of(database)
    number = desk.number(plan)
    shown, log = desk.show(number, who=who()), desk.log(number, limit=10)
    if json:
        print_json(shown | {"operations": log})
        return
    typer.echo(f"{shown['title']}  r{shown['revision']}  {shown['state']}")
    for grid in shown["grids"]:
        typer.echo(_line(grid))
    _say_score(shown["score"])
    for entry in log:
        typer.echo(f"  #{entry['seq']:<4} {entry['at'][:16]}  {entry['who']:10} {entry['kind']:13} {entry['cells']}")


@plan_app.command()
def score(plan: PlanArgument, database: DatabaseOption = None, json: JsonOption = False) -> None:
    """Score a plan and list what to look at, with the operation that mends it.

    Example: gridmap plan score "明年调整"
    """
    desk = desk_of(database)
    scored = desk.score(desk.number(plan))
    if json:
        print_json(scored)
        return
    _say_score(scored["score"])
    _say_warnings(scored["warnings"])


@plan_app.command()
def op(
    plan: PlanArgument,
    operation: Annotated[
        str, typer.Argument(metavar="JSON|@FILE|-", help="The operation as JSON, a file with it, or standard input.")
    ],
    base: BaseOption = None,
    database: DatabaseOption = None,
    commit: CommitOption = False,
    json: JsonOption = False,
) -> None:
    """Do one operation: assign, line, move_boundary, split, merge, new_grid, rename, set_kind, set_parent, transfer,
    renumber, lock, unlock, cut. docs/api.md has an example of each.

    Example: gridmap plan op "明年调整" '{"kind": "split", "grid": "990101001001001"}' --commit
    """  # noqa: D205 (one paragraph of --help)
    _operate(plan, _read(operation), base=base, database=database, commit=commit, json=json)


@plan_app.command()
def undo(
    plan: PlanArgument, database: DatabaseOption = None, commit: CommitOption = False, json: JsonOption = False
) -> None:
    """Take back my last operation.

    Example: gridmap plan undo "明年调整" --commit
    """
    _operate(plan, {"kind": "undo"}, base=None, database=database, commit=commit, json=json)


@plan_app.command()
def redo(
    plan: PlanArgument, database: DatabaseOption = None, commit: CommitOption = False, json: JsonOption = False
) -> None:
    """Do again what I took back last.

    Example: gridmap plan redo "明年调整" --commit
    """
    _operate(plan, {"kind": "redo"}, base=None, database=database, commit=commit, json=json)


@plan_app.command()
def diff(
    old: Annotated[str, typer.Argument(metavar="A", help="A plan, or edition:NUMBER or plan:NUMBER.")],
    new: Annotated[
        str | None, typer.Argument(metavar="B", help="The same; without it A with what it started from.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write layers (.gpkg), the land (.geojson) or tables (.xlsx).")
    ] = None,
    database: DatabaseOption = None,
    json: JsonOption = False,
) -> None:
    """Show what is different from A to B: from which grid to which, with households, people and buildings.

    Example: gridmap plan diff edition:1 "明年调整" --out diff.gpkg
    """
    from gridmap.services import comparing

    desk = desk_of(database)
    first, second = (None if name is None else _named(desk, name) for name in (old, new))
    with desk.snapshot() as seen:
        if second is None:
            compared = comparing.compare(seen, None, first or "")
        else:
            compared = comparing.compare(seen, first, second)
        found = comparing.told(compared)
        written = None if out is None else comparing.write_diff(compared, out)
    if json:
        print_json(found if out is None else found | {"file": str(out), "rows": written})
        return
    _tell_diff(found)
    if out is not None:
        say(Text(f"已写入 {out}。", f"Written to {out}."))


def _named(desk: PlanDesk, name: str) -> str:
    """Return what to compare as the API writes it; a plan may be called by its title."""
    return name if name.startswith(("edition:", "plan:")) else f"plan:{desk.number(name)}"


def _tell_diff(found: dict[str, Any]) -> None:
    typer.echo(f"{found['from']['name']} → {found['to']['name']}")
    relations = {
        "same": Text("整体", "whole"), "split": Text("拆出", "split"), "merge": Text("并入", "merge"),
        "partial": Text("部分", "part"),
    }  # fmt: skip
    for pair in found["pairs"]:
        if not pair["stays"]:
            typer.echo(
                f"  {pair['old'] or '–':>16} → {pair['new'] or '–':16} {relations[pair['relation']].said(language())}"
                f"  {pair['households']:>5} 户 {pair['people']:>6} 人 {pair['buildings']:>4} 栋"
            )
    households, people, buildings = (found[f"{what}_moved"] for what in ("households", "people", "buildings"))
    say(
        Text(
            f"共 {households} 户、{people} 人、{buildings} 栋换网格。",
            f"{households} households, {people} people and {buildings} buildings change their grid.",
        )
    )


def _read(operation: str) -> Any:
    import orjson

    from gridmap.errors import InputError, UnreadableFile

    said = operation
    if operation == "-":
        said = sys.stdin.read()
    elif operation.startswith("@"):
        try:
            said = Path(operation[1:]).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            raise UnreadableFile(
                f"文件 {operation[1:]} 读不出。", f"The file {operation[1:]} cannot be read."
            ) from None
    try:
        return orjson.loads(said)
    except orjson.JSONDecodeError as error:
        raise InputError(
            f"操作不是有效的 JSON(第 {error.lineno} 行第 {error.colno} 列)。",
            f"The operation is not valid JSON (line {error.lineno}, column {error.colno}).",
        ) from None


def _operate(plan: str, operation: Any, *, base: int | None, database: str | None, commit: bool, json: bool) -> None:
    desk = desk_of(database)
    number = desk.number(plan)
    told = desk.operate(number, operation, who=who(), base_revision=base, commit=commit)
    if not commit:
        if not json:
            tell_step(told)
        if confirmed(commit, Text("执行这一步?", "Do this?")):
            told = desk.operate(number, operation, who=who(), base_revision=told["revision"])
    if json:
        import orjson

        print_json(orjson.loads(orjson.dumps(told)))
    elif commit:
        tell_step(told)
    elif not told["committed"]:
        say(Text("以上是预演,没有写入。加 --commit 执行。", "This is what it would do; --commit does it."))


def tell_step(told: dict[str, Any]) -> None:
    """Say what a step did, or would do."""
    say(
        Text(
            f"{told['kind']}:{told['cells']} 个单元换网格(第 {told['revision']} 次修改)。",
            f"{told['kind']}: {told['cells']} cells change their grid (revision {told['revision']}).",
        )
    )
    for grid in told["grids"]:
        typer.echo(_line(grid))
    for code in told["ended"]:
        say(Text(f"  {code}  撤销", f"  {code}  ended"))
    _say_warnings(told["warnings"])


def _line(grid: dict[str, Any]) -> str:
    deviation = "" if grid["deviation"] is None else f"{grid['deviation']:+.0%}"
    lock = "🔒" if grid["locked"] else ""
    return (
        f"  {grid['code']}  {grid['households']:>5} 户 {deviation:>6} {grid['buildings']:>4} 栋  {grid['name']}{lock}"
    )


def _say_score(score: dict[str, Any]) -> None:
    def share(name: str) -> str:
        return "–" if score[name] is None else f"{score[name]:.0%}"

    say(
        Text(
            f"{score['grids']} 个网格,{score['households']} 户;±10% 以内 {share('within_10')},"
            f"±15% 以内 {share('within_15')};边界沿街 {share('street_share')};"
            f"换网格 {score['households_moved']} 户({share('moved_share')})。",
            f"{score['grids']} grids, {score['households']} households; {share('within_10')} within ±10 %, "
            f"{share('within_15')} within ±15 %; {share('street_share')} of borders along streets; "
            f"{score['households_moved']} households change their grid ({share('moved_share')}).",
        )
    )


def _say_warnings(warnings: list[dict[str, Any]]) -> None:
    import orjson

    for warning in warnings:
        typer.echo(f"! {warning['message'][language()]}")
        if warning["repair"]:
            typer.echo(f"    {warning['repair']['text'][language()]}")
            typer.echo(f"    {orjson.dumps(warning['repair']['operation']).decode()}")
