"""``gridmap plan auto``: proposals of the program, to look at and to take."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import typer

from gridmap.cli.common import CommitOption, DatabaseOption, JsonOption, confirmed, language, print_json, say, who
from gridmap.cli.plan import PlanArgument, desk_of, plan_app
from gridmap.model.text import Text

__all__ = ["plan_app"]


@plan_app.command()
def auto(
    plan: PlanArgument,
    mode: Annotated[
        Literal["fresh", "rebalance", "min_change", "grow"],
        typer.Option(help="Draw anew; even out; even out with few moved; add or merge grids, too."),
    ] = "rebalance",
    scope: Annotated[
        str,
        typer.Option(metavar="all|grid:CODE|community:CODE", help="What may change: a grid means its neighbours, too."),
    ] = "all",
    candidates: Annotated[int, typer.Option(min=3, max=5, help="How many to choose from.")] = 4,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same proposals.")] = 1,
    effort: Annotated[float, typer.Option(help="Iterations, as a multiple of the usual number.")] = 1.0,
    renumber: Annotated[
        bool, typer.Option("--renumber", help="Give codes anew, in order, where grids change.")
    ] = False,
    proposal: Annotated[
        int | None, typer.Option(min=1, help="Show or take a proposal that is kept; make no new one.")
    ] = None,
    take: Annotated[int | None, typer.Option(min=1, help="Take this candidate (1 for the first).")] = None,
    database: DatabaseOption = None,
    commit: CommitOption = False,
    json: JsonOption = False,
) -> None:
    """Let the program propose grids; take a candidate as one operation, which undo takes back.

    Ctrl-C ends the search with the best so far.

    Example: gridmap plan auto "明年调整" --mode min_change --take 1 --commit
    """
    from gridmap.cli.jobs import run_with_bar
    from gridmap.services import proposals

    desk = desk_of(database)
    number = desk.number(plan)
    if proposal is None:
        order = proposals.order_of(
            {
                "mode": mode, "candidates": candidates, "seed": seed, "effort": effort, "renumber": renumber,
                **_scope(scope),
            }
        )  # fmt: skip
        done = run_with_bar(desk.place, "proposals", proposals.inputs_of(number, order, who())).result or {}
        proposal = int(done["proposal"])
    shown = proposals.show(desk.place, number, proposal)
    if take is None:
        if json:
            print_json(shown)
        else:
            _tell(shown)
        return
    _take(desk, number, shown, take, commit=commit, json=json)


def _take(desk: Any, number: int, shown: dict[str, Any], candidate: int, *, commit: bool, json: bool) -> None:
    from gridmap.cli.plan import tell_step
    from gridmap.services.proposals import take

    told = take(desk, number, candidate, proposal=shown["id"], who=who(), commit=commit)
    if not commit:
        if not json:
            tell_step(told)
        if confirmed(commit, Text("采用这个方案?", "Take it?")):
            told = take(desk, number, candidate, proposal=shown["id"], who=who())
    if json:
        import orjson

        print_json({"proposal": shown, "step": orjson.loads(orjson.dumps(told))})
    elif commit:
        tell_step(told)
    elif not told["committed"]:
        say(
            Text(
                f"以上是预演,没有写入。执行:--proposal {shown['id']} --take {candidate} --commit。",
                f"This is what it would do; --proposal {shown['id']} --take {candidate} --commit does it.",
            )
        )


def _scope(said: str) -> dict[str, str]:
    from gridmap.errors import InputError

    if said == "all":
        return {}
    kind, _, code = said.partition(":")
    if kind not in {"grid", "community"} or not code:
        raise InputError(
            "范围写作 all、grid:编码 或 community:代码。", "The scope is written all, grid:CODE or community:CODE."
        )
    return {kind: code}


def _tell(shown: dict[str, Any]) -> None:
    now, bound = shown["now"], shown["bound"]
    if not shown["complete"]:
        say(Text("搜索中途停止;以下是到那时最好的。", "The search was stopped; this is the best so far."))
    say(
        Text(
            f"第 {shown['id']} 号建议:{shown['households']} 户,{now['grids']} 个网格,±10% 以内 {now['within_10']} 个。",
            f"Proposal {shown['id']}: {shown['households']} households in {now['grids']} grids, {now['within_10']} of "
            "them within ±10 %.",
        )
    )
    if bound["regions"]:
        say(
            Text(
                f"网格数不变而全部进入 ±{bound['aim']:.0%},至少须有 {bound['households']} 户换网格"
                f"(计 {bound['regions']} 片;另有 {bound['impossible']} 片做不到)。",
                f"With as many grids, all within ±{bound['aim']:.0%} needs at least {bound['households']} households "
                f"to move (in {bound['regions']} areas; {bound['impossible']} others cannot).",
            )
        )
    if not shown["candidates"]:
        say(Text("没有更好的分法。", "Nothing would be better."))
    for one in shown["candidates"]:
        typer.echo(f"{one['number']}. {one['title'][language()]}  {one['trade_off'][language()]}")
    _tell_missed(shown["candidates"])


_LISTED = 10


def _tell_missed(candidates: list[dict[str, Any]]) -> None:
    """Say what the last candidate could not satisfy; the answer as JSON has it for all."""
    missed = candidates[-1]["not_satisfied"] if candidates else []
    for row in missed[:_LISTED]:
        typer.echo(f"! {row['message'][language()]}")
    if len(missed) > _LISTED:
        more = len(missed) - _LISTED
        say(Text(f"  另有 {more} 条(--json 列出全部)。", f"  {more} more (--json lists all)."))
