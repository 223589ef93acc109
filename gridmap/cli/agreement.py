"""``gridmap edition verify``: what hangs on the edition in force agrees with it to the building."""

from __future__ import annotations

import typer

from gridmap.cli.common import DatabaseOption, JsonOption, language, print_json, say
from gridmap.cli.grids import edition_app
from gridmap.cli.plan import desk_of
from gridmap.model.text import Text

__all__ = ["edition_app"]

_FOUND = 3


@edition_app.command()
def verify(database: DatabaseOption = None, json: JsonOption = False) -> None:
    """Check that crosswalk, lineage, open requests and duties agree with the edition in force, to the building.

    Example: gridmap edition verify
    """
    from gridmap.services.agreement import disagreements

    found = disagreements(desk_of(database))
    if json:
        print_json([each.as_dict() for each in found])
    elif not found:
        say(Text("对照表、沿革、诉求和岗位一致。", "Crosswalk, lineage, requests and duties agree."))
    else:
        for each in found:
            typer.echo(f"  {each.message.said(language())}")
    if found:
        raise typer.Exit(_FOUND)
