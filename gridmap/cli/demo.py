"""``./dev demo``: the sample county on a map in the browser, or with ``--once`` a report and the map as one file.

Interrupted anywhere and run again it goes on: a county that was left half loaded is made anew, a whole one is kept.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gridmap.cli.app import guarded
from gridmap.cli.common import load_settings, progress_bar, who
from gridmap.model.text import Text

if TYPE_CHECKING:
    from gridmap.model.finding import Finding
    from gridmap.settings import Settings
    from gridmap.store.database import Place

DATABASE = "qingyan"

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def demo(
    once: Annotated[bool, typer.Option("--once", help="Load, locate, check, write the map, report, end.")] = False,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The map file of --once; by default in the data folder.")
    ] = None,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="Port; a free one near it when taken.")] = None,
) -> None:
    """Show the fictional sample county 清岩县: PostGIS, data, cells, editions, map; all on this machine.

    Example: ./dev demo --once
    """
    from gridmap.cli.serve import listen_near, serve_place
    from gridmap.services.kernels import kernels_beside
    from gridmap.services.tokens import token_of

    settings = load_settings()
    steps = Steps()
    # compiled while the county is loaded; a report and a map as one file need none
    with contextlib.nullcontext() if once else kernels_beside(settings) as compiling:
        with steps("db", Text("启动数据库", "Start the database")):
            place = _database(settings)
        told = _load(place, steps)
        if compiling is not None:
            with steps("kernels", Text("编译计算内核(只需一次)", "Compile the kernels (once)")):
                compiling.wait()
    if once:
        _once(settings, place, told, out or settings.data_dir / "demo" / "qingyan.html", steps)
        return
    typer.echo(f"{_loaded(told).zh}\n{_loaded(told).en}")
    with contextlib.closing(listen_near(settings.host, port or settings.port)) as listening:
        serve_place(settings, place, listening, token=token_of(settings.data_dir))


class Steps:
    """Tells each step when it begins and remembers how long it took."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._begin = time.perf_counter()

    @contextlib.contextmanager
    def __call__(self, name: str, doing: Text) -> Iterator[None]:
        typer.echo(f"… {doing.zh}  {doing.en}", err=True)
        begin = time.perf_counter()
        yield
        self.seconds[name] = time.perf_counter() - begin

    @property
    def total(self) -> float:
        """Seconds since the first step."""
        return time.perf_counter() - self._begin


def _database(settings: Settings) -> Place:
    from gridmap.services.databases import open_ready

    return open_ready(settings, DATABASE, create=True)


def _load(place: Place, steps: Steps) -> dict[str, Any]:
    with steps("load", Text("载入样例县", "Load the sample county")), progress_bar() as progress:
        from gridmap.services.sample import SampleOrder, load_sample

        return load_sample(place, SampleOrder(), who=who(), progress=progress)


def _loaded(told: dict[str, Any]) -> Text:
    if told.get("already"):
        return Text("样例县上次已载入。", "The sample county was loaded before.")
    if told.get("made_anew"):
        return Text(
            "上次没有载入完,已删去重新载入。", "It had been left half loaded: it was taken out and loaded afresh."
        )
    return Text("样例县已载入。", "The sample county is loaded.")


def _once(settings: Settings, place: Place, told: dict[str, Any], out: Path, steps: Steps) -> None:
    with steps("locate", Text("定位三个点", "Locate three points")):
        from gridmap.services.locate import Locator
        from gridmap.services.sample import telling_points

        locator = Locator(place, near_boundary_m=settings.near_boundary_m)
        answers = [(name, locator.locate(lon, lat)) for name, lon, lat in telling_points(place)]
    with steps("check", Text("检查", "Check")):
        from gridmap.services.check import check

        found = check(place)
    with steps("map", Text("写地图", "Write the map")):
        from gridmap.services.editions import jurisdiction
        from gridmap.services.maps import write_map

        out.parent.mkdir(parents=True, exist_ok=True)
        size = write_map(place, out)
    _report(told, jurisdiction(place), answers, found, out, size, steps)


def _report(
    told: dict[str, Any],
    known: dict[str, Any],
    answers: list[tuple[Text, dict[str, Any]]],
    found: list[Finding],
    out: Path,
    size: int,
    steps: Steps,
) -> None:
    errors = sum(finding.severity == "error" for finding in found)
    spent = steps.seconds
    lines = [
        _loaded(told),
        _counted(known),
        *(_located(name, answer) for name, answer in answers),
        Text(
            f"检查:{len(found)} 条发现,其中错误 {errors} 条", f"check: {len(found)} findings, {errors} of them errors"
        ),
        Text(f"地图:{out}({size / 1e6:.1f} MB,不需联网)", f"map: {out} ({size / 1e6:.1f} MB, needs no internet)"),
        Text(
            f"用时 {steps.total:.1f} 秒:数据库 {spent['db']:.1f},载入 {spent['load']:.1f},"
            f"定位 {spent['locate']:.1f},检查 {spent['check']:.1f},地图 {spent['map']:.1f}",
            f"{steps.total:.1f} s: database {spent['db']:.1f}, loading {spent['load']:.1f}, "
            f"locating {spent['locate']:.1f}, check {spent['check']:.1f}, map {spent['map']:.1f}",
        ),
        Text("活的地图:./dev demo", "the living map: ./dev demo"),
    ]
    for language in ("zh", "en"):
        typer.echo("")
        for line in lines:
            typer.echo(f"  {line.said(language)}")


def _counted(known: dict[str, Any]) -> Text:
    n = known["counts"]
    return Text(
        f"{known['name']}:网格 {n['grids']},楼栋 {n['buildings']},"
        f"{n['households']} 户(估算 {n['households_estimated']}),"
        f"{n['people']} 人,单元 {n['cells']},站点 {n['stations']},诉求 {n['requests']},版本 {len(known['editions'])}",
        f"{known['name']}: grids {n['grids']}, buildings {n['buildings']}, households {n['households']} "
        f"({n['households_estimated']} estimated), people {n['people']}, cells {n['cells']}, "
        f"stations {n['stations']}, requests {n['requests']}, editions {len(known['editions'])}",
    )


def _located(name: Text, answer: dict[str, Any]) -> Text:
    where = f"{answer['point']['lon']:.5f} {answer['point']['lat']:.5f}"
    grid, building, nearest = answer["grid"], answer["building"], answer["nearest"]
    if grid is None:
        return Text(
            f"{name.zh} {where}:不在网格内,最近的是 {nearest['code']}({nearest['distance_m']:.0f} 米)",
            f"{name.en} {where}: in no grid; the nearest is {nearest['code']} ({nearest['distance_m']:.0f} m)",
        )
    zh, en = f"{name.zh} {where}:网格 {grid['code']}", f"{name.en} {where}: grid {grid['code']}"
    if building is not None:
        zh, en = f"{zh},{building['label']}", f"{en}, {building['label']}"
    if answer["near_boundary"]:
        others = "、".join(c["code"] for c in answer["candidates"] if c["code"] != grid["code"])
        metres = f"{answer['boundary_m']:.0f}"
        zh, en = f"{zh},距边界 {metres} 米,也可能是 {others}", f"{en}, {metres} m from the border with {others}"
    return Text(zh, en)


if __name__ == "__main__":
    guarded(app)
