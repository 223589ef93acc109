"""``gridmap plan …``: the life of a plan after it is drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from gridmap.cli.common import CommitOption, DatabaseOption, JsonOption, confirmed, language, print_json, say, who
from gridmap.cli.plan import BaseOption, PlanArgument, desk_of
from gridmap.cli.plan_auto import plan_app
from gridmap.model.text import Text

if TYPE_CHECKING:
    from gridmap.core.plans.rebasing import Side

__all__ = ["plan_app"]


@plan_app.command()
def rebase(
    plan: PlanArgument,
    edition: Annotated[int | None, typer.Option(min=1, help="Edition to go to; the newest.")] = None,
    take: Annotated[
        str | None, typer.Option(metavar="mine|theirs", help="What holds where both changed: the plan or the edition.")
    ] = None,
    settle: Annotated[
        list[str] | None, typer.Option(metavar="ID=mine|theirs", help="The same for one difference of the list.")
    ] = None,
    base: BaseOption = None,
    database: DatabaseOption = None,
    commit: CommitOption = False,
    json: JsonOption = False,
) -> None:
    """Let a plan start from a newer edition; what both changed is listed and settled by you.

    Example: gridmap plan rebase "明年调整" --take mine --commit
    """
    from gridmap.services.rebasing import rebase as go_over

    desk = desk_of(database)
    number = desk.number(plan)
    answers = dict(_answer(one) for one in settle or [])
    otherwise = None if take is None else _side(take)

    def tried(*, commit: bool) -> dict[str, Any]:
        return go_over(
            desk, number, who=who(), revision=base, edition=edition, settle=answers, otherwise=otherwise, commit=commit
        )

    made = tried(commit=commit)
    if not commit and not made["differences"]:
        if not json:
            _tell_rebase(made)
        if confirmed(commit, Text("执行变基?", "Do it?")):
            made = tried(commit=True)
    if json:
        print_json(made)
        return
    if commit or made["committed"] or made["differences"]:
        _tell_rebase(made)
    if not made["committed"]:
        say(Text("没有写入。加 --commit 执行。", "Nothing was written; --commit does it."))


def _side(word: str) -> Side:
    from gridmap.errors import InputError

    if word == "mine":
        return "mine"
    if word == "theirs":
        return "theirs"
    raise InputError(f"请写 mine 或 theirs,而不是“{word}”。", f"Write mine or theirs, not '{word}'.")


def _answer(one: str) -> tuple[str, Side]:
    name, _, side = one.rpartition("=")
    return name, _side(side)


def _tell_rebase(made: dict[str, Any]) -> None:
    say(
        Text(
            f"第 {made['from']} 版 → 第 {made['to']} 版:取新版 {made['taken']} 个单元,保留方案 {made['kept']} 个单元。",
            f"Edition {made['from']} → {made['to']}: {made['taken']} cells as in the edition, {made['kept']} as in the "
            "plan.",
        )
    )
    for old, new in made["recoded"].items():
        say(Text(f"  {old} 已被新版使用,改为 {new}", f"  {old} is in use by the edition; it becomes {new}"))
    for difference in made["differences"]:
        typer.echo(f"! {difference['message'][language()]}\n    {difference['id']}")


@plan_app.command()
def submit(
    plan: PlanArgument, database: DatabaseOption = None, commit: CommitOption = False, json: JsonOption = False
) -> None:
    """Hand a draft in; it does not change from here on.

    Example: gridmap plan submit "明年调整" --commit
    """
    _life("submit", plan, Text("提交", "hand in"), database=database, commit=commit, json=json)


@plan_app.command()
def approve(
    plan: PlanArgument, database: DatabaseOption = None, commit: CommitOption = False, json: JsonOption = False
) -> None:
    """Approve a plan that was handed in. Approval is recorded, not enforced: until there are roles anybody may.

    Example: gridmap plan approve "明年调整" --commit
    """
    _life("approve", plan, Text("批准", "approve"), database=database, commit=commit, json=json)


@plan_app.command()
def reopen(
    plan: PlanArgument, database: DatabaseOption = None, commit: CommitOption = False, json: JsonOption = False
) -> None:
    """Make a plan that was handed in or approved a draft again.

    Example: gridmap plan reopen "明年调整" --commit
    """
    _life("reopen", plan, Text("退回草案", "reopen"), database=database, commit=commit, json=json)


@plan_app.command()
def publish(
    plan: PlanArgument,
    name: Annotated[str, typer.Option("--name", help="Name of the edition that it becomes.")],
    at: Annotated[
        str | None,
        typer.Option(metavar="DATE", help="When it comes into force: a day, or an ISO moment; at once without it."),
    ] = None,
    database: DatabaseOption = None,
    commit: CommitOption = False,
    json: JsonOption = False,
) -> None:
    """Make an approved plan the next edition, at once or at a date; open requests and duties follow when it comes.

    Example: gridmap plan publish "明年调整" --name "2027 年网格" --at 2027-01-01 --commit
    """
    _life("publish", plan, Text("发布", "publish"), database=database, commit=commit, json=json, name=name, at=at)


@plan_app.command()
def withdraw(
    plan: PlanArgument, database: DatabaseOption = None, commit: CommitOption = False, json: JsonOption = False
) -> None:
    """Take back a publication that waits for its date; the plan is approved again.

    Example: gridmap plan withdraw "明年调整" --commit
    """
    _life("withdraw", plan, Text("撤回发布", "withdraw"), database=database, commit=commit, json=json)


@plan_app.command()
def rollback(
    edition: Annotated[int, typer.Argument(metavar="EDITION", min=1, help="Number of the former edition.")],
    name: Annotated[str | None, typer.Option("--name", help="Name of the new edition.")] = None,
    at: Annotated[
        str | None, typer.Option(metavar="DATE", help="When it comes into force; at once without it.")
    ] = None,
    draft: Annotated[bool, typer.Option("--draft", help="Only make the plan, to look at first.")] = False,
    database: DatabaseOption = None,
    commit: CommitOption = False,
    json: JsonOption = False,
) -> None:
    """Publish a former edition as a new one; open requests and duties follow.

    Example: gridmap plan rollback 3 --commit
    """
    from gridmap.services.rollback import rollback as restore

    desk = desk_of(database)

    def tried(*, commit: bool) -> dict[str, Any]:
        return restore(desk, edition, who=who(), name=name, at=at, draft=draft, commit=commit)

    made = tried(commit=commit)
    if not commit:
        if not json:
            _tell_rollback(made)
        if confirmed(commit, Text(f"恢复第 {edition} 版?", f"Restore edition {edition}?")):
            made = tried(commit=True)
    if json:
        print_json(made)
    elif not made["committed"]:
        say(Text("以上是预演,没有写入。加 --commit 执行。", "This is what it would do; --commit does it."))
    else:
        if commit:
            _tell_rollback(made)
        if draft:
            say(Text(f"已新建方案“{made['title']}”。", f"Plan '{made['title']}' is made."))
        else:
            say_published(made)


def _tell_rollback(made: dict[str, Any]) -> None:
    say(
        Text(
            f"第 {made['from']} 版 → 恢复第 {made['to']} 版:{made['buildings_moved']} 栋、"
            f"{made['households_moved']} 户、{made['people_moved']} 人换网格。",
            f"Edition {made['from']} → as edition {made['to']}: {made['buildings_moved']} buildings, "
            f"{made['households_moved']} households and {made['people_moved']} people change their grid.",
        )
    )


def _life(
    step: str,
    plan: str,
    doing: Text,
    *,
    database: str | None,
    commit: bool,
    json: bool,
    **more: str | None,
) -> None:
    from gridmap.services import planlife

    desk = desk_of(database)
    number = desk.number(plan)
    if not confirmed(commit, Text(f"{doing.zh}方案“{plan}”?", f"{doing.en.capitalize()} plan '{plan}'?")):
        say(Text(f"将{doing.zh}方案“{plan}”。加 --commit 执行。", f"Would {doing.en} plan '{plan}'; --commit does it."))
        return
    made = getattr(planlife, step)(desk, number, who=who(), **more)
    if json:
        print_json(made)
        return
    say(Text(f"方案 {number}:{made['state']}。", f"Plan {number}: {made['state']}."))
    if step == "approve":
        say(
            Text(
                "批准只作记录，不作限制：设置角色之前，任何人都可以批准。",
                "Approval is recorded, not enforced: until there are roles anybody may approve.",
            )
        )
    elif step == "publish":
        say_published(made)


def say_published(made: dict[str, Any]) -> None:
    """Tell what a publication did."""
    if made["state"] == "approved":
        say(
            Text(
                f"第 {made['edition']} 版定于 {made['effective_from']} 生效：{made['grids']} 个网格。",
                f"Edition {made['edition']} comes into force at {made['effective_from']}: {made['grids']} grids.",
            )
        )
        return
    say(
        Text(
            f"第 {made['edition']} 版即刻生效:{made['grids']} 个网格;{made['requests_moved']} 件诉求换了网格，"
            f"{made['duties_recoded']} 项职责换了编码，其中 {made['duties_without_grid']} 项的网格已撤销。",
            f"Edition {made['edition']} is in force: {made['grids']} grids; {made['requests_moved']} open requests "
            f"have another grid, {made['duties_recoded']} duties another code, {made['duties_without_grid']} of them "
            "none because their grid has ended.",
        )
    )
