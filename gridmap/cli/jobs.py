"""``gridmap jobs …`` and ``gridmap worker``; and how other commands do long work with a bar."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

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

if TYPE_CHECKING:
    from gridmap.services.jobs import JobView
    from gridmap.store.database import Place

jobs_app = typer.Typer(no_args_is_help=True, help="Long work: list, look, follow, cancel, start again.")

JobArgument = Annotated[int, typer.Argument(metavar="JOB", help="Number of the job.", min=1)]

StateName = Literal["waiting", "running", "done", "failed", "cancelled", "interrupted"]
_STATES: dict[StateName, Text] = {
    "waiting": Text("等待", "waiting"),
    "running": Text("运行", "running"),
    "done": Text("完成", "done"),
    "failed": Text("失败", "failed"),
    "cancelled": Text("已取消", "cancelled"),
    "interrupted": Text("中断", "interrupted"),
}


def run_with_bar(place: Place, kind: str, inputs: Mapping[str, Any]) -> JobView:
    """Do a job in this process with a bar on the terminal; Ctrl-C cancels it and leaves nothing behind.

    Raises
    ------
    Cancelled
        It was stopped.
    GridmapError
        Whatever its handler raised.
    """
    from gridmap.services.jobs import run_here

    with progress_bar() as tell:
        return run_here(place, kind, inputs, who=who(), progress=tell)


@jobs_app.command("list")
def list_(
    database: DatabaseOption = None,
    state: Annotated[StateName | None, typer.Option(help="Only jobs in this state.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many, the newest first.")] = 20,
    json: JsonOption = False,
) -> None:
    """List jobs, the newest first.

    Example: gridmap jobs list --state running
    """
    from gridmap.services.jobs import list_jobs

    _, place = ready_place(database)
    found = list_jobs(place, state=state, limit=limit)
    if json:
        print_json([view.as_dict() for view in found])
    elif not found:
        say(Text("没有任务。", "There are no jobs."))
    else:
        for view in found:
            typer.echo(_line(view))


@jobs_app.command()
def show(job: JobArgument, database: DatabaseOption = None, json: JsonOption = False) -> None:
    """Show a job: how far it is, what came of it, why it failed.

    Example: gridmap jobs show 12 --json
    """
    from gridmap.services.jobs import get

    _, place = ready_place(database)
    _tell(get(place, job), json=json)


@jobs_app.command()
def follow(job: JobArgument, database: DatabaseOption = None, json: JsonOption = False) -> None:
    """Follow a job until it has ended; Ctrl-C ends the following, not the job.

    Example: gridmap jobs follow 12
    """
    from gridmap.services.jobs import wait_events

    _, place = ready_place(database)
    view: JobView | None = None
    with progress_bar() as tell:
        for view in wait_events(place, job):
            tell(view.percent / 100, view.message)
    if view is not None:
        _tell(view, json=json)


@jobs_app.command()
def cancel(
    job: JobArgument, database: DatabaseOption = None, commit: CommitOption = False, json: JsonOption = False
) -> None:
    """Cancel a job; nothing of it is left in the database.

    Example: gridmap jobs cancel 12 --commit
    """
    from gridmap.services.jobs import cancel as ask
    from gridmap.services.jobs import get

    _, place = ready_place(database)
    found = get(place, job)
    if found.ended:
        _tell(found, json=json, committed=False)
    elif confirmed(commit, Text(f"取消任务 {job}({found.kind})?", f"Cancel job {job} ({found.kind})?")):
        _tell(ask(place, job, who=who()), json=json, committed=True)
    else:
        _tell(found, json=json, committed=False)
        _would(Text(f"将取消任务 {job}。加 --commit 执行。", f"Would cancel job {job}; --commit does it."), json=json)


@jobs_app.command()
def restart(
    job: JobArgument, database: DatabaseOption = None, commit: CommitOption = False, json: JsonOption = False
) -> None:
    """Let a worker do an interrupted, failed or cancelled job again.

    Example: gridmap jobs restart 12 --commit
    """
    from gridmap.services.jobs import restart as again
    from gridmap.services.jobs import restartable

    _, place = ready_place(database)
    found = restartable(place, job)
    if confirmed(commit, Text(f"重新开始任务 {job}({found.kind})?", f"Start job {job} ({found.kind}) again?")):
        _tell(again(place, job, who=who()), json=json, committed=True)
    else:
        _tell(found, json=json, committed=False)
        _would(
            Text(f"将重新开始任务 {job}。加 --commit 执行。", f"Would start job {job} again; --commit does it."),
            json=json,
        )


def worker(
    database: DatabaseOption = None,
    once: Annotated[bool, typer.Option("--once", help="End when no job is waiting.")] = False,
) -> None:
    """Do waiting jobs until stopped; gridmap serve starts one of these by itself.

    Example: gridmap worker --once
    """
    import logging

    from gridmap.services.worker import run_until_signal

    settings, place = ready_place(database)
    logging.basicConfig(level=settings.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    say(Text(f"等待任务:{place.shown}(Ctrl-C 结束)", f"Waiting for jobs of {place.shown} (Ctrl-C ends)"), err=True)
    done = run_until_signal(settings, place, once=once)
    say(Text(f"已执行 {done} 项任务。", f"{done} jobs done."), err=True)


def _would(text: Text, *, json: bool) -> None:
    if not json:
        say(text)


def _tell(view: JobView, *, json: bool, committed: bool | None = None) -> None:
    if json:
        print_json(view.as_dict() | ({} if committed is None else {"committed": committed}))
        return
    typer.echo(_line(view))
    if view.cancel_requested and not view.ended:
        say(Text("已请求取消,进程会在一两秒内停下。", "Cancelling: the process stops within a second or two."))
    if view.error is not None:
        say(view.error.text)
        for problem in view.error.problems:
            typer.echo("  " + " · ".join(str(value) for value in problem.values() if value not in (None, "")))
    for name, value in (view.result or {}).items():
        typer.echo(f"{name:>20}  {value}")


def _line(view: JobView) -> str:
    from rich.cells import cell_len

    state = _STATES[view.state].said(language())
    made = view.made_at.astimezone().strftime("%Y-%m-%d %H:%M")
    padding = " " * (12 - cell_len(state))
    return f"{view.id:>6}  {state}{padding}{view.percent:>4.0f} %  {view.kind:<12}{made}  {view.who}  " + (
        view.message.said(language()) if view.state == "running" else ""
    )
