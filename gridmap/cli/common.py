"""What all commands share: options, output as words or JSON, errors as sentences, asking before changing."""

from __future__ import annotations

import json
import os
import pwd
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from gridmap.model.progress import Progress
    from gridmap.model.text import Text
    from gridmap.settings import Settings
    from gridmap.store.database import Place

DatabaseOption = Annotated[
    str | None,
    typer.Option("--database", metavar="URL|NAME", help="PostgreSQL address, or a database of the private cluster."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Answer as JSON.")]
CommitOption = Annotated[bool, typer.Option("--commit", help="Do it; without this only say what would be done.")]
FileArgument = Annotated[Path, typer.Argument(metavar="FILE", help="The file to read.", show_default=False)]


def who() -> str:
    """Return the operating system user: never told by a client or a variable."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return f"uid {os.geteuid()}"


def load_settings() -> Settings:
    """Return the settings of this process.

    Raises
    ------
    InputError
        A GRIDMAP_ variable has a value that does not fit.
    """
    from pydantic import ValidationError

    from gridmap.errors import InputError
    from gridmap.settings import Settings

    try:
        return Settings()
    except ValidationError as error:
        names = ", ".join(f"GRIDMAP_{str(e['loc'][0]).upper()}" for e in error.errors())
        raise InputError(
            f"环境变量的值不合适:{names}。见 docs/settings.md。",
            f"These environment variables have values that do not fit: {names}. See docs/settings.md.",
        ) from None


def ready_place(database: str | None, *, create: bool = False) -> tuple[Settings, Place]:
    """Return settings and a database with this program's schema; the private cluster is started and migrated.

    ``create`` makes the usual database at first use, and says so. One that was named is there or a mistake.
    """
    from gridmap.services.databases import open_ready
    from gridmap.services.kernels import keep_kernels_in

    settings = load_settings()
    keep_kernels_in(settings.data_dir)
    return settings, open_ready(settings, database, create=create and database is None, making=tell_making)


def tell_making(name: str) -> None:
    """Say on standard error that a new database is being made."""
    from gridmap.model.text import Text

    say(Text(f"新建数据库 {name}。", f"Making the new database {name}."), err=True)


def print_json(value: Any) -> None:
    """Print a value as JSON for programs."""
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2, default=str))


def say(text: Text, *, err: bool = False) -> None:
    """Print a text in the language of the command line."""
    typer.echo(text.said(language()), err=err)


def language() -> Any:
    """Return the language of the command line: GRIDMAP_LANG, else Chinese."""
    return "en" if os.environ.get("GRIDMAP_LANG") == "en" else "zh"


def confirmed(commit: bool, question: Text) -> bool:
    """Tell whether to change data: ``--commit``, or a yes on a terminal."""
    if commit:
        return True
    if sys.stdin.isatty() and sys.stdout.isatty():
        return typer.confirm(question.said(language()))
    return False


@contextmanager
def progress_bar() -> Iterator[Progress]:
    """Show a bar on a terminal; Ctrl-C ends the work without a trace of it in the database."""
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    console = Console(stderr=True)
    with Bar(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
        console=console,
        disable=not console.is_terminal,
        transient=True,
    ) as bar:
        task = bar.add_task("", total=1.0)

        def tell(share: float, doing: Text, /) -> None:
            bar.update(task, completed=share, description=doing.said(language()))

        yield tell
