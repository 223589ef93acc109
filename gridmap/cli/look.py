"""``gridmap locate`` and ``gridmap map``."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from gridmap.cli.common import DatabaseOption, JsonOption, language, print_json, ready_place, say
from gridmap.errors import InputError
from gridmap.model.text import Language, Text

if TYPE_CHECKING:
    from gridmap.services.walking import Town
    from gridmap.store.database import Place

_NEGATIVE = re.compile(r"-\d*\.?\d")


class NegativeNumbers(TyperCommand):
    """A command whose arguments may be negative: ``-73.98`` is a longitude, not an option."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        # only then: elsewhere an option that is not known should be called so
        ctx.ignore_unknown_options = any(_NEGATIVE.match(arg) for arg in args)
        return super().parse_args(ctx, args)


def moment(text: str | None) -> datetime | None:
    """Read a date or time of the command line; without a zone it is local time.

    Raises
    ------
    InputError
        It is neither.
    """
    if text is None:
        return None
    try:
        return datetime.fromisoformat(text).astimezone()
    except ValueError:
        raise InputError(
            "时间无法识别。请写成 2026-01-31 或 2026-01-31T08:00。",
            "The time cannot be read. Write it like 2026-01-31 or 2026-01-31T08:00.",
        ) from None


def locate(
    lon: Annotated[
        float | None, typer.Argument(metavar="LON", help="Longitude in degrees.", show_default=False)
    ] = None,
    lat: Annotated[float | None, typer.Argument(metavar="LAT", help="Latitude in degrees.", show_default=False)] = None,
    address: Annotated[str | None, typer.Option(help="Estate and building number; it goes before the point.")] = None,
    crs: Annotated[str, typer.Option(help="EPSG:4326, EPSG:4490, GCJ-02 or BD-09.")] = "EPSG:4326",
    accuracy_m: Annotated[
        float | None, typer.Option("--accuracy", metavar="METRES", help="Accuracy of the point.")
    ] = None,
    at: Annotated[
        str | None, typer.Option(metavar="TIME", help="In the edition in force then; now by default.")
    ] = None,
    path: Annotated[bool, typer.Option("--path", help="With the way to each station, in --json.")] = False,
    database: DatabaseOption = None,
    json: JsonOption = False,
) -> None:
    """Tell building, grid, community and the people responsible for a point or an address.

    Example: gridmap locate 112.905 36.402
    """
    from gridmap.services.locate import Locator

    settings, place = ready_place(database)
    locator = Locator(place, near_boundary_m=settings.near_boundary_m)
    when, town = moment(at), _town(place, settings.data_dir)
    answer = locator.locate(lon, lat, crs=crs, accuracy_m=accuracy_m, at=when, address=address, town=town, path=path)
    if json:
        print_json(answer)
    else:
        _tell(answer)


def _town(place: Place, data_dir: Path) -> Town:
    from gridmap.services.kernels import tell_once

    tell_once(lambda text: say(text, err=True))
    from gridmap.services.walking import Walker

    return Walker(place, keep_in=data_dir).town()


def _tell(answer: dict[str, Any]) -> None:
    def line(zh: str, en: str, value: object) -> None:
        if value not in (None, "", [], ()):
            typer.echo(f"{Text(zh, en).said(language()):>8}  {value}")

    building, grid = answer["building"], answer["grid"]
    line("楼栋", "building", building and (building["label"] or building["source_id"]))
    line("网格", "grid", grid and f"{grid['name'] or ''} {grid['code']}")
    line("层级", "levels", " › ".join(f"{g['name'] or g['code']}" for g in answer["chain"]))
    line("社区", "community", answer["community"] and answer["community"]["name"])
    if answer["near_boundary"]:
        near = ", ".join(f"{c['name'] or c['code']} ({c['distance_m']} m)" for c in answer["candidates"])
        line("边界附近", "near border", near)
    if grid is None:
        nearest, parent = answer["nearest"], answer["parent"]
        line("不在网格内", "in no grid", nearest and f"{nearest['name'] or nearest['code']} {nearest['distance_m']} m")
        line("属地兜底", "parent", parent and parent["name"])
    for duty in answer["duties"]:
        line("责任人", "on duty", " ".join(str(v) for v in (duty["label"], duty["name"], duty["phone"]) if v))
    for station in answer["stations"]:
        line("站点", "station", f"{station['name']} {_way(station)}")
    line("版本", "edition", answer["edition"]["name"])


def _way(station: dict[str, Any]) -> str:
    if station["basis"] == "walk":
        minutes = station["walk_s"] / 60
        return Text(
            f"步行 {minutes:.1f} 分钟 {station['walk_m']:.0f} 米",
            f"{minutes:.1f} min, {station['walk_m']:.0f} m on foot",
        ).said(language())
    return Text(f"直线 {station['distance_m']} 米", f"{station['distance_m']} m straight").said(language())


def map_(
    out: Annotated[Path, typer.Argument(metavar="OUT.html", help="The file to write.")],
    lang: Annotated[Language, typer.Option("--lang", help="Language of the page.")] = "zh",
    database: DatabaseOption = None,
    json: JsonOption = False,
) -> None:
    """Write the map as one HTML file that needs no server and no internet.

    Example: gridmap map qingyan.html
    """
    from gridmap.services.maps import write_map

    _, place = ready_place(database)
    size = write_map(place, out, language=lang)
    if json:
        print_json({"file": str(out), "bytes": size})
        return
    say(Text(f"已写入 {out}({size / 1e6:.1f} MB)", f"Written to {out} ({size / 1e6:.1f} MB)"))
