"""``gridmap plan …``: the life of a plan after it is drawn."""

from __future__ import annotations

from typing import Annotated

import typer

from gridmap.cli.common import CommitOption, DatabaseOption, JsonOption, confirmed, print_json, say, who
from gridmap.cli.plan import PlanArgument, desk_of, plan_app
from gridmap.model.text import Text

__all__ = ["plan_app"]


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
    database: DatabaseOption = None,
    commit: CommitOption = False,
    json: JsonOption = False,
) -> None:
    """Put an approved plan in force at once, as the next edition; open requests and duties follow.

    Example: gridmap plan publish "明年调整" --name "2027 年网格" --commit
    """
    _life("publish", plan, Text("发布", "publish"), database=database, commit=commit, json=json, name=name)


def _life(
    step: str,
    plan: str,
    doing: Text,
    *,
    database: str | None,
    commit: bool,
    json: bool,
    **more: str,
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
    if step == "publish":
        say(
            Text(
                f"第 {made['edition']} 版即刻生效:{made['grids']} 个网格;{made['requests_moved']} 件诉求换了网格。",
                f"Edition {made['edition']} is in force: {made['grids']} grids; {made['requests_moved']} open requests "
                "have another grid.",
            )
        )
