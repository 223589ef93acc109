"""``gridmap nets …``: departments' own areas beside the grids (多网合一)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from gridmap.cli.common import DatabaseOption, JsonOption, language, print_json, say
from gridmap.cli.plan import desk_of
from gridmap.model.text import Text

nets_app = typer.Typer(no_args_is_help=True, help="Departments' own areas: where they disagree with the grids.")

_STATUS = {
    "agree": Text("一致", "agree"),
    "disagree": Text("不一致", "disagree"),
    "only_first": Text("只有前者", "only the first"),
    "only_second": Text("只有后者", "only the second"),
}


@nets_app.command("list")
def list_(database: DatabaseOption = None, json: JsonOption = False) -> None:
    """List the nets that were imported.

    Example: gridmap nets list
    """
    from gridmap.services.nets import listed

    found = listed(desk_of(database).place)
    if json:
        print_json(found)
    elif not found:
        say(Text("没有专业网。用 gridmap import nets 导入。", "There are no nets. gridmap import nets brings them in."))
    else:
        for row in found:
            typer.echo(f"{row['areas']:>5}  {row['net']}  {row['department'] or ''}")


@nets_app.command()
def compare(
    net: Annotated[str | None, typer.Argument(metavar="NET", help="Name of a net; without it all of them.")] = None,
    other: Annotated[
        str, typer.Option("--with", metavar="NET|grids|edition:N|plan:N", help="What to compare it with.")
    ] = "grids",
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the pieces (.gpkg, .geojson, .xlsx).")] = None,
    database: DatabaseOption = None,
    json: JsonOption = False,
) -> None:
    """Show where departments' areas disagree with the grids or with each other, with the households on each piece.

    Example: gridmap nets compare 公安警务网 --out 出入.gpkg
    """
    from gridmap.errors import InputError
    from gridmap.services.nets import compared, summary, write_nets

    desk = desk_of(database)
    if net is None:
        if out is not None:
            raise InputError("--out 需要指明专业网。", "--out needs the name of a net.")
        found = summary(desk)
        if json:
            print_json(found)
            return
        for row in found:
            typer.echo(f"{row['first']} / {row['second']}: {_line(row['totals'])}")
        return
    told = compared(desk, net, other)
    if out is not None:
        write_nets(desk, net, other, out)
    if json:
        print_json(told if out is None else told | {"file": str(out)})
        return
    for piece in told["pieces"]:
        if piece["status"] != "agree":
            typer.echo(
                f"  {piece['first_name'] or '–'} / {piece['second_name'] or '–'}  "
                f"{_STATUS[piece['status']].said(language())}  {piece['households']} 户 {piece['buildings']} 栋"
            )
    typer.echo(_line(told["totals"]))
    if out is not None:
        say(Text(f"已写入 {out}。", f"Written to {out}."))


def _line(totals: dict[str, Any]) -> str:
    return "  ".join(
        f"{_STATUS[status].said(language())} {found['households']} 户({found['pieces']})"
        for status, found in totals.items()
        if found["pieces"]
    )
