"""``gridmap plan comment…``, ``gridmap plan scores``: what people say of a plan, and how its scores went."""

from __future__ import annotations

from typing import Annotated

import typer

from gridmap.cli.common import CommitOption, DatabaseOption, JsonOption, confirmed, print_json, say, who
from gridmap.cli.plan import PlanArgument, desk_of, plan_app
from gridmap.model.text import Text

__all__ = ["plan_app"]


@plan_app.command()
def comments(plan: PlanArgument, database: DatabaseOption = None, json: JsonOption = False) -> None:
    """List what people said about a plan, its grids and places.

    Example: gridmap plan comments "明年调整"
    """
    from gridmap.services.plancomments import comments as said

    desk = desk_of(database)
    found = said(desk, desk.number(plan))
    if json:
        print_json(found)
        return
    for one in found:
        place = one["grid"] or ("" if one["lon"] is None else f"{one['lon']:.6f},{one['lat']:.6f}")
        mark = "✓" if one["settled_at"] else " "
        typer.echo(f"{one['id']:>4} {mark} {one['at'][:16]}  {one['who']:10} {place}")
        for line in one["words"].split("\n"):
            typer.echo(f"       {line}")


@plan_app.command()
def comment(
    plan: PlanArgument,
    words: Annotated[str, typer.Argument(metavar="WORDS", help="What you say.")],
    grid: Annotated[str | None, typer.Option(help="Code of the grid that it is about.")] = None,
    at: Annotated[
        tuple[float, float] | None, typer.Option(metavar="LON LAT", help="The point that it is about.")
    ] = None,
    database: DatabaseOption = None,
    commit: CommitOption = False,
    json: JsonOption = False,
) -> None:
    """Say something about a plan, one of its grids or a point.

    Example: gridmap plan comment "明年调整" "这条街应归东风社区" --grid 990101001001001 --commit
    """
    from gridmap.services.plancomments import comment as say_it

    desk = desk_of(database)
    number = desk.number(plan)
    if not confirmed(commit, Text("写下这条意见?", "Keep this comment?")):
        say(Text("将写下这条意见。加 --commit 执行。", "Would keep this comment; --commit does it."))
        return
    made = say_it(desk, number, words, who=who(), grid=grid, at=at)
    if json:
        print_json(made)
    else:
        say(Text(f"已写下第 {made['id']} 条意见。", f"Comment {made['id']} is kept."))


@plan_app.command()
def settle(
    plan: PlanArgument,
    number: Annotated[int, typer.Argument(metavar="COMMENT", min=1, help="Number of the comment.")],
    reopen: Annotated[bool, typer.Option("--reopen", help="It is not settled after all.")] = False,
    database: DatabaseOption = None,
    commit: CommitOption = False,
    json: JsonOption = False,
) -> None:
    """Note that a comment is settled; its words stay.

    Example: gridmap plan settle "明年调整" 3 --commit
    """
    from gridmap.services.plancomments import settle as note

    desk = desk_of(database)
    plan_id = desk.number(plan)
    if not confirmed(commit, Text(f"第 {number} 条意见已处理?", f"Comment {number} is settled?")):
        say(Text(f"将标记第 {number} 条意见。加 --commit 执行。", f"Would mark comment {number}; --commit does it."))
        return
    made = note(desk, plan_id, number, who=who(), settled=not reopen)
    if json:
        print_json(made)
    else:
        say(Text(f"第 {number} 条意见已标记。", f"Comment {number} is marked."))


@plan_app.command()
def scores(
    plan: PlanArgument,
    limit: Annotated[int, typer.Option(min=1, max=1_000, help="How many operations, from the last one.")] = 20,
    database: DatabaseOption = None,
    json: JsonOption = False,
) -> None:
    """Show how the scores of a plan went from operation to operation.

    Example: gridmap plan scores "明年调整"
    """
    desk = desk_of(database)
    told = desk.scores(desk.number(plan), limit=limit)
    if json:
        print_json(told)
        return

    def share(value: float | None) -> str:
        return "–" if value is None else f"{value:.0%}"

    say(Text("步      ±10%  ±15%  沿街   换网格(户)", "step    ±10%  ±15%  street  moved (households)"))
    for entry in [{"seq": 0, "kind": "", "score": told["start"]}, *reversed(told["history"])]:
        score = entry["score"]
        if score is not None:
            typer.echo(
                f"#{entry['seq']:<6} {share(score['within_10']):>4}  {share(score['within_15']):>4}  "
                f"{share(score['street_share']):>4}   {score['households_moved']:>6}  {entry['kind']}"
            )
