"""``gridmap plan export``: the change pack of a plan, as a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gridmap.cli.common import DatabaseOption, JsonOption, load_settings, print_json, progress_bar, say
from gridmap.cli.plan import PlanArgument, desk_of
from gridmap.cli.plan_life import plan_app
from gridmap.model.text import Language, Text

__all__ = ["plan_app"]


@plan_app.command()
def export(
    plan: PlanArgument,
    target: Annotated[Path, typer.Argument(metavar="DIR", help="A new or empty folder; or a .zip file.")],
    lang: Annotated[Language, typer.Option("--lang", help="Language of tables and pages.")] = "zh",
    database: DatabaseOption = None,
    json: JsonOption = False,
) -> None:
    """Write the change pack of a plan: crosswalk, addresses, hand-over lists, coverage, borders in words, layers, maps,
    and a summary to sign.

    Example: gridmap plan export "明年调整" 变更资料
    """  # noqa: D205 (one paragraph of --help)
    from gridmap.services.changepack import write_pack, write_pack_zip
    from gridmap.services.walking import Walker

    desk = desk_of(database)
    number = desk.number(plan)
    walker = Walker(desk.place, keep_in=load_settings().data_dir)
    with progress_bar() as tell:
        write = write_pack_zip if target.suffix.lower() == ".zip" else write_pack
        names = write(desk, number, target, walker=walker, language=lang, progress=tell)
    if json:
        print_json({"plan": number, "target": str(target), "files": names})
        return
    for name in names:
        typer.echo(f"  {name}")
    say(Text(f"已写入 {target}({len(names)} 个文件)。", f"Written to {target}: {len(names)} files."))
