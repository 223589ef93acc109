"""The ``gridmap`` command: one Typer application, its parts in the modules beside this one."""

from __future__ import annotations

import logging
import os
import sys
from typing import NoReturn

import typer

from gridmap import __version__
from gridmap.cli import agreement, assign, changepack, coverage, data, databases, grids, jobs, look, nets, settings
from gridmap.cli.common import language
from gridmap.cli.serve import serve
from gridmap.errors import Cancelled, GridmapError

_INTERRUPTED = 130

app = typer.Typer(
    name="gridmap",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    help="网格划分、诉求定位、15分钟服务圈。Grids, requests and 15-minute coverage for community governance.",
)
app.add_typer(databases.app, name="db")
app.add_typer(data.import_app, name="import")
app.add_typer(agreement.edition_app, name="edition")
app.add_typer(changepack.plan_app, name="plan")
app.add_typer(nets.nets_app, name="nets")
app.add_typer(coverage.scenario_app, name="scenario")
app.add_typer(jobs.jobs_app, name="jobs")
app.add_typer(settings.settings_app, name="settings")
app.command("migrate")(databases.migrate)
app.command("sample")(data.sample)
app.command("cells")(grids.cells)
app.command("check")(grids.check)
app.command("locate", cls=look.NegativeNumbers)(look.locate)
app.command("assign")(assign.assign)
app.command("coverage")(coverage.coverage)
app.command("siting")(coverage.siting)
app.command("map")(look.map_)
app.command("serve")(serve)
app.command("worker")(jobs.worker)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Show the version."),
) -> None:
    pass


def _problem(problem: dict[str, object]) -> str:
    """Return one line: where, what, how to mend it."""
    said = [str(problem[key]) for key in ("row", "column") if problem.get(key) not in (None, "")]
    for key in ("message", "repair"):
        words = problem.get(key)
        said.append(str(words.get(language(), "")) if isinstance(words, dict) else str(words or ""))
    return " · ".join(part for part in said if part)


def main() -> None:
    """Run the command ``gridmap``."""
    guarded(app)


def _unforeseen(error: Exception) -> int:
    """Say in a sentence what no command foresaw; returns the exit code."""
    name = type(error).__name__
    if name == "OperationalError":
        typer.echo(
            "数据库没有应答或中断了连接,没有写入任何数据。请检查 gridmap db status 后再试。\n"
            "The database does not answer or broke the connection; nothing was written. "
            "See gridmap db status and try again.",
            err=True,
        )
        return 1
    typer.echo(
        f"程序内部错误({name}),没有写入任何数据。设置 GRIDMAP_DEBUG=1 再运行可看到细节,请附上它报告问题。\n"
        f"An error inside the program ({name}); nothing was written. Run again with GRIDMAP_DEBUG=1 to see more, "
        "and report it with that.",
        err=True,
    )
    return 70


def guarded(command: typer.Typer) -> NoReturn:
    """Run a command; what goes wrong is a sentence in Chinese and English, never a stack trace.

    Exit codes: 0 done, 1 it could not be done, 2 the command line is wrong, 3 a check found errors,
    70 an error inside the program, 130 interrupted.
    """
    if not os.environ.get("GRIDMAP_DEBUG"):
        logging.getLogger("gridmap").addHandler(logging.NullHandler())
    try:
        code = command(standalone_mode=False)
    except typer.TyperException as error:
        sys.exit(_wrong_usage(error))
    except (KeyboardInterrupt, typer.Abort):
        code = _INTERRUPTED
    except Cancelled as error:
        typer.echo(f"{error.zh}\n{error.en}", err=True)
        sys.exit(_INTERRUPTED)
    except GridmapError as error:
        typer.echo(f"错误:{error.zh}\nerror: {error.en}", err=True)
        for problem in error.problems:
            typer.echo("  " + _problem(problem), err=True)
        sys.exit(1)
    except Exception as error:
        if os.environ.get("GRIDMAP_DEBUG"):
            raise
        sys.exit(_unforeseen(error))
    if code == _INTERRUPTED:
        typer.echo("已中断,正在做的一步没有写入。\nInterrupted; the step under way was not written.", err=True)
    sys.exit(code if isinstance(code, int) else 0)


def _wrong_usage(error: typer.TyperException) -> int:
    """Say what is wrong with the command line, and where its help is."""
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "gridmap"
    said = error.format_message()
    if not said or "\n" in said:  # a group without a command has shown its help
        typer.echo(said, err=True, nl=bool(said))
    else:
        said = said.replace("Value error, ", "").rstrip(".")
        said += "" if said.endswith("?") else "."
        typer.echo(f"错误:命令写法不对,用法见 {path} --help。\nerror: {said} See {path} --help.", err=True)
    return error.exit_code
