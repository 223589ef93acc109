"""``gridmap db …`` and ``gridmap migrate``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gridmap.cli.common import (
    CommitOption,
    DatabaseOption,
    JsonOption,
    confirmed,
    load_settings,
    print_json,
    say,
    tell_making,
)
from gridmap.model.text import Text

app = typer.Typer(no_args_is_help=True, help="The database: start, stop, look, copy, back up, restore.")


@app.command()
def up(database: DatabaseOption = None, json: JsonOption = False) -> None:
    """Start the private PostGIS; a database that it has not is made.

    Example: gridmap db up
    """
    from gridmap.services.databases import open_ready

    place = open_ready(load_settings(), database, create=True, making=tell_making)
    if json:
        print_json({"database": place.name, "address": place.shown, "running": True})
    else:
        say(Text(f"数据库已就绪:{place.shown}", f"The database is ready: {place.shown}"))


@app.command()
def down(json: JsonOption = False) -> None:
    """Stop the private PostGIS; the data stay.

    Example: gridmap db down
    """
    from gridmap.store.cluster import Cluster

    stopped = Cluster(load_settings().data_dir).stop()
    if json:
        print_json({"stopped": stopped})
    else:
        say(Text("已停止。", "Stopped.") if stopped else Text("没有在运行。", "It was not running."))


@app.command()
def status(database: DatabaseOption = None, json: JsonOption = False) -> None:
    """Tell whether the private PostGIS runs and how far the schema is; starts nothing.

    Example: gridmap db status --json
    """
    from gridmap.services.databases import describe

    told = describe(load_settings(), database)
    if json:
        print_json(told)
    else:
        for name, value in told.items():
            typer.echo(f"{name:>14}  {value}")


@app.command()
def url(database: DatabaseOption = None, json: JsonOption = False) -> None:
    """Print the address of the database, for QGIS or psql; a password is not shown.

    Example: psql "$(gridmap db url)"
    """
    from gridmap.services.databases import plain_address
    from gridmap.store.database import find_place

    address = plain_address(find_place(load_settings(), database))
    if json:
        print_json({"address": address})
    else:
        typer.echo(address)


@app.command()
def copy(
    name: Annotated[str, typer.Argument(help="Name of the copy.")],
    database: DatabaseOption = None,
    commit: CommitOption = False,
) -> None:
    """Copy a database of the private cluster under a new name.

    Example: gridmap db copy before_redrawing --commit
    """
    from gridmap.services.databases import open_existing
    from gridmap.store.backup import copy_database
    from gridmap.store.database import find_place

    settings = load_settings()
    source, target = open_existing(settings, database), find_place(settings, name)
    if confirmed(commit, Text(f"把 {source.name} 复制为 {name}?", f"Copy {source.name} to {name}?")):
        copy_database(source, target)
        say(Text(f"已复制到 {name}。", f"Copied to {name}."))
    else:
        say(
            Text(
                f"将把 {source.name} 复制为 {name}。加 --commit 执行。",
                f"Would copy {source.name} to {name}; --commit does it.",
            )
        )


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write.")],
    database: DatabaseOption = None,
    json: JsonOption = False,
) -> None:
    """Write the whole database into one file.

    Example: gridmap db backup qingyan.gridmap
    """
    from gridmap.services.databases import open_existing
    from gridmap.store.backup import backup as write

    size = write(open_existing(load_settings(), database), file)
    if json:
        print_json({"file": str(file), "bytes": size})
        return
    say(Text(f"已备份到 {file}({size / 1e6:.1f} MB)。", f"Backed up to {file} ({size / 1e6:.1f} MB)."))


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file made by gridmap db backup.")],
    database: DatabaseOption = None,
    commit: CommitOption = False,
) -> None:
    """Fill a new, empty database from a backup.

    Example: gridmap db restore qingyan.gridmap --database again --commit
    """
    from gridmap.store.backup import restore as fill
    from gridmap.store.database import find_place

    place = find_place(load_settings(), database)
    if confirmed(commit, Text(f"恢复到 {place.name}?", f"Restore into {place.name}?")):
        fill(place, file)
        say(Text(f"已恢复到 {place.name}。", f"Restored into {place.name}."))
    else:
        say(Text(f"将恢复到 {place.name}。加 --commit 执行。", f"Would restore into {place.name}; --commit does it."))


def migrate(database: DatabaseOption = None, commit: CommitOption = False, json: JsonOption = False) -> None:
    """Bring the database to the schema of this program.

    Example: gridmap migrate --commit
    """
    from gridmap.services.databases import open_existing
    from gridmap.store.database import ensure_database
    from gridmap.store.migrate import migrate as bring
    from gridmap.store.migrate import schema_state

    place = open_existing(load_settings(), database)
    ensure_database(place)
    state = schema_state(place)
    do = bool(state.pending) and confirmed(
        commit, Text(f"更新 {place.name} 的结构({', '.join(state.pending)})?", f"Migrate {place.name}?")
    )
    if do:
        bring(place)
    if json:
        print_json({"from": state.current, "to": state.head, "pending": list(state.pending), "done": do})
    elif not state.pending:
        say(Text("结构已是最新。", "The schema is up to date."))
    elif do:
        say(Text(f"已更新到 {state.head}。", f"Migrated to {state.head}."))
    else:
        say(
            Text(
                f"将执行:{', '.join(state.pending)}。加 --commit 执行。",
                f"Would run {', '.join(state.pending)}; --commit does it.",
            )
        )
