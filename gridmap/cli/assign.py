"""``gridmap assign``: every row of a file to its grid."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gridmap.cli.common import DatabaseOption, JsonOption, language, print_json, progress_bar, ready_place, say
from gridmap.cli.look import moment
from gridmap.model.text import Text

#: From here on loops that are compiled first are worth it.
_LARGE_BYTES = 8_000_000


def assign(
    source: Annotated[Path, typer.Argument(metavar="IN", help="CSV, GeoParquet, GeoPackage or GeoJSON.")],
    target: Annotated[
        Path, typer.Argument(metavar="OUT", help="The file to write: .csv, .parquet, .gpkg or .geojson.")
    ],
    mapping: Annotated[
        list[str] | None, typer.Option("--map", metavar="OURS=THEIRS", help="lon, lat, address or accuracy_m.")
    ] = None,
    crs: Annotated[str, typer.Option(help="Of lon and lat: EPSG:4326, EPSG:4490, GCJ-02, BD-09.")] = "EPSG:4326",
    at: Annotated[
        str | None, typer.Option(metavar="TIME", help="In the edition in force then; now by default.")
    ] = None,
    layer: Annotated[str | None, typer.Option(help="Which layer of a GeoPackage.")] = None,
    database: DatabaseOption = None,
    json: JsonOption = False,
) -> None:
    """Write a file with the grid of every row: by its address, its point, or the reason why it has none.

    Example: gridmap assign requests.csv requests-with-grids.csv
    """
    from gridmap.io.recognise import parse_mapping
    from gridmap.services.assigning import AssignOrder, assign_file
    from gridmap.services.locate import Locator

    settings, place = ready_place(database)
    order = AssignOrder(source, target, parse_mapping(mapping or []), crs, moment(at), layer)
    many = source.is_file() and source.stat().st_size > _LARGE_BYTES
    locator = Locator(place, near_boundary_m=settings.near_boundary_m, compiled=many)
    with progress_bar() as progress:
        done = assign_file(locator, order, progress=progress)
    if json:
        print_json(done)
        return
    located = sum(n for method, n in done["by_method"].items() if method in {"building", "point"})
    say(
        Text(
            f"{done['rows']} 行,其中 {located} 行找到网格,{done['near_boundary']} 行靠近边界。已写入 {target}",
            f"{done['rows']} rows, {located} of them in a grid, {done['near_boundary']} near a border. "
            f"Written to {target}",
        )
    )
    for reason, count in done["by_reason"].items():
        typer.echo(f"  {count:>8}  {_REASONS.get(reason, Text(reason, reason)).said(language())}")


_REASONS = {
    "outside": Text("在所有网格之外", "outside of all grids"),
    "needs=building": Text("只知道小区,缺楼号", "the estate is known, the building is not"),
    "no-place": Text("没有坐标,也没有地址", "neither coordinates nor an address"),
    "unknown_estate": Text("地址中的小区不在表里", "the estate of the address is not known"),
    "no_number": Text("地址没有楼号", "the address has no building number"),
    "unknown_number": Text("小区里没有这个楼号", "the estate has no such building"),
    "not-a-number": Text("坐标不是数", "the coordinates are no numbers"),
    "null-island": Text("经度或纬度为 0", "longitude or latitude is 0"),
    "coordinates-swapped": Text("经纬度写反", "longitude and latitude are swapped"),
    "out-of-range": Text("坐标超出范围", "the coordinates are out of range"),
    "projected-coordinates": Text("是投影坐标,请用 --crs 注明", "projected metres: name them with --crs"),
}
