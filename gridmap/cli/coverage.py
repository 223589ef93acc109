"""``gridmap coverage``, ``gridmap siting`` and ``gridmap scenario …``."""

from __future__ import annotations

from pathlib import Path
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
from gridmap.cli.look import NegativeNumbers
from gridmap.errors import InputError
from gridmap.model.text import Text

if TYPE_CHECKING:
    from gridmap.services.looking import Question
    from gridmap.services.walking import Walker

scenario_app = typer.Typer(
    no_args_is_help=True, help="What if: sets of changes to stations, compared with today, made real when you say so."
)

MinutesOption = Annotated[float, typer.Option("--minutes", help="The longest walk, inclusive; up to 240.")]
SpeedOption = Annotated[
    float | None, typer.Option("--speed", metavar="KM/H", help="Speed on the flat; the walker's own by default.")
]
ProfileOption = Annotated[
    Literal["default", "elderly", "wheels"], typer.Option("--profile", help="Who walks: wheels takes no stairs.")
]
FloorsOption = Annotated[
    bool, typer.Option("--floors", help="Count stairs in houses of 4 to 6 storeys, for the elderly.")
]
KindOption = Annotated[list[str] | None, typer.Option("--kind", help="Only stations of this kind; may be repeated.")]
ServiceOption = Annotated[
    list[str] | None, typer.Option("--service", help="Only stations that offer this; may be repeated.")
]
TierOption = Annotated[
    int | None, typer.Option("--tier", min=1, help="Only stations up to this tier; 1: the main network.")
]
OpenOption = Annotated[
    str | None, typer.Option("--open-at", metavar="WHEN", help="Only stations open then: sunday, 20:00, or a moment.")
]
ScenarioOption = Annotated[
    str | None, typer.Option("--scenario", metavar="NAME", help="As it would be in this scenario.")
]
ScenarioArgument = Annotated[str, typer.Argument(metavar="SCENARIO", help="Title or number of the scenario.")]
StationArgument = Annotated[str, typer.Argument(metavar="STATION", help="Code of the station.")]
LonArgument = Annotated[float | None, typer.Argument(metavar="LON", help="Longitude in degrees.", show_default=False)]
LatArgument = Annotated[float | None, typer.Argument(metavar="LAT", help="Latitude in degrees.", show_default=False)]


def _walker(database: str | None) -> Walker:
    from gridmap.services.kernels import tell_once

    settings, place = ready_place(database)
    tell_once(lambda text: say(text, err=True))
    from gridmap.services.walking import Walker

    return Walker(place, keep_in=settings.data_dir)


def _question(walker: Walker, scenario: str | None, given: dict[str, Any]) -> Question:
    from gridmap.services.looking import Question
    from gridmap.services.scenarios import find_by_name

    number = None if scenario is None else find_by_name(walker.place, scenario).id
    kinds, services = (tuple(given.pop(name) or ()) for name in ("kinds", "services"))
    return Question(**given, kinds=kinds, services=services, scenario=number)


def coverage(
    minutes: MinutesOption = 15,
    speed: SpeedOption = None,
    profile: ProfileOption = "default",
    floors: FloorsOption = False,
    kind: KindOption = None,
    service: ServiceOption = None,
    tier: TierOption = None,
    open_at: OpenOption = None,
    scenario: ScenarioOption = None,
    by: Annotated[
        str,
        typer.Option("--by", help="Rows by grid, community, station, kind, level1 …, or gap: where nobody is reached."),
    ] = "grid",
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Write it all: .gpkg, .xlsx or .geojson.")
    ] = None,
    database: DatabaseOption = None,
    json: JsonOption = False,
) -> None:
    """Tell who can walk to a station within 15 minutes, who cannot, and where the gaps are.

    Example: gridmap coverage --by gap
    """
    walker = _walker(database)
    question = _question(
        walker,
        scenario,
        {
            "minutes": minutes, "speed_kmh": speed, "profile": profile, "floors": floors, "kinds": kind,
            "services": service, "tier": tier, "open_at": open_at,
        },
    )  # fmt: skip
    if out is not None:
        from gridmap.services.reports import write_coverage

        counts = write_coverage(walker, question, out, by=by, language=language())
        if json:
            print_json({"file": str(out), "rows": counts})
        else:
            say(Text(f"已写入 {out}", f"Written to {out}"))
        return
    from gridmap.services import coverage as service_

    if by == "gap":
        found = service_.gaps(walker, question)
        print_json(found) if json else _tell_gaps(found)
        return
    answer = service_.coverage(walker, question, by=by)
    print_json(answer) if json else _tell(answer)


def _tell(answer: dict[str, Any]) -> None:
    settings, totals = answer["settings"], answer["totals"]
    active = sum(station["active"] for station in answer["stations"])
    say(
        Text(
            f"步行 {settings['minutes']:g} 分钟({settings['speed_kmh']:g} 公里/小时),{active} 个站点",
            f"{settings['minutes']:g} minutes on foot ({settings['speed_kmh']:g} km/h), {active} stations",
        )
    )
    for name, zh, en in (
        ("households", "户", "households"),
        ("people", "人", "people"),
        ("buildings", "栋", "buildings"),
    ):
        _tell_share(Text(zh, en).said(language()), totals[f"{name}_covered"], totals[name])
    if totals["households_estimated"]:
        low, high = totals["households_covered_low"], totals["households_covered_high"]
        say(
            Text(
                f"  其中 {totals['households_estimated']:,} 户为估算,覆盖户数在 {low:,} 到 {high:,} 之间",
                f"  {totals['households_estimated']:,} households are estimates: {low:,} to {high:,} are covered",
            )
        )
    lost = totals["unattached"]
    if lost["buildings"]:
        say(
            Text(
                f"  {lost['buildings']} 栋 {lost['households']} 户没有接入路网",
                f"  {lost['buildings']} buildings with {lost['households']} households are on no street",
            )
        )
    _tell_warnings(answer["warnings"])
    missing = sorted(
        (row for row in answer["rows"] if row["households"] > row["households_covered"]),
        key=lambda row: row["households_covered"] - row["households"],
    )
    if answer["by"] in {"station", "kind"}:
        missing = sorted(answer["rows"], key=lambda row: -row["households_covered"])
    for row in missing:
        near = row["nearest"]
        way = f"  → {near['name']} {near['seconds'] / 60:.1f} min" if near else ""
        typer.echo(f"  {row['households_covered']:>8,} / {row['households']:>8,}  {row['name']} {row['code']}{way}")
    rest = len(answer["rows"]) - len(missing)
    if rest:
        say(Text(f"  其余 {rest} 个全部覆盖", f"  the other {rest} are covered whole"))


def _tell_share(name: str, part: int, whole: int) -> None:
    share = f"{part / whole:.1%}" if whole else "–"
    typer.echo(f"  {part:>10,} / {whole:>10,}  {share:>6}  {name}")


def _tell_warnings(warnings: list[dict[str, str]]) -> None:
    for warning in warnings:
        typer.echo("  ! " + warning[language()])


def _tell_gaps(found: dict[str, Any]) -> None:
    features = found["features"]
    households = sum(feature["properties"]["households"] for feature in features)
    say(
        Text(
            f"{len(features)} 处覆盖空白,共 {households:,} 户,户数多的在前:",
            f"{len(features)} gaps with {households:,} households, the largest first:",
        )
    )
    for feature in features:
        gap = feature["properties"]
        near = gap["nearest"]
        words = Text(
            f"{gap['households']:>6,} 户  {gap['lon']:.6f} {gap['lat']:.6f}  网格 {'、'.join(gap['grids'])}"
            + (
                f"  最近 {near['name']} 步行 {near['walk_m']:,.0f} 米(直线 {near['straight_m']:,.0f} 米)"
                if near
                else ""
            ),
            f"{gap['households']:>6,} households  {gap['lon']:.6f} {gap['lat']:.6f}  grids {', '.join(gap['grids'])}"
            + (
                f"  nearest {near['name']}: walk {near['walk_m']:,.0f} m, straight {near['straight_m']:,.0f} m"
                if near
                else ""
            ),
        )
        typer.echo(f"{gap['rank']:>4} {words.said(language())}")
    for lost in found["unattached"]:
        words = Text(f"未接入路网:{lost['label']} {lost['households']} 户", f"on no street: {lost['label']}")
        typer.echo(f"   · {words.said(language())}")
    _tell_warnings(found["warnings"])


def siting(
    count: Annotated[int | None, typer.Option("--count", min=1, help="How many new stations; 3 by default.")] = None,
    share: Annotated[
        float | None, typer.Option("--share", help="Instead: the fewest stations that reach this share, such as 0.98.")
    ] = None,
    median: Annotated[bool, typer.Option("--median", help="Make all walks shortest instead of reaching most.")] = False,
    candidates: Annotated[
        str,
        typer.Option("--candidates", help="candidates (the imported list), public, buildings, or codes: C001,C002."),
    ] = "candidates",
    objective: Annotated[
        Literal["households", "people"], typer.Option("--objective", help="What is counted.")
    ] = "households",
    capacity: Annotated[
        float | None, typer.Option("--capacity", help="Households that one new station can serve.")
    ] = None,
    spacing: Annotated[
        float | None, typer.Option("--spacing", metavar="METRES", help="Least distance between stations.")
    ] = None,
    prove: Annotated[bool, typer.Option("--prove", help="Go on until no better choice can exist.")] = False,
    time_limit: Annotated[float, typer.Option("--time-limit", metavar="SECONDS", help="Of the proof.")] = 600,
    minutes: MinutesOption = 15,
    speed: SpeedOption = None,
    profile: ProfileOption = "default",
    floors: FloorsOption = False,
    kind: KindOption = None,
    service: ServiceOption = None,
    tier: TierOption = None,
    open_at: OpenOption = None,
    scenario: ScenarioOption = None,
    database: DatabaseOption = None,
    json: JsonOption = False,
) -> None:
    """Propose where the next stations should stand: what each adds, takes from others, and which gaps it closes.

    Example: gridmap siting --count 2 --prove
    """
    from gridmap.cli.jobs import run_with_bar

    walker = _walker(database)
    from gridmap.services.siting import SitingOrder, propose

    question = _question(
        walker,
        scenario,
        {
            "minutes": minutes, "speed_kmh": speed, "profile": profile, "floors": floors, "kinds": kind,
            "services": service, "tier": tier, "open_at": open_at,
        },
    )  # fmt: skip
    if share is not None and (count is not None or median):
        raise InputError(
            "--share 不能与 --count、--median 同时使用。", "--share does not go together with --count or --median."
        )
    named = candidates in {"candidates", "public", "buildings"}
    order = SitingOrder(
        method="set_cover" if share is not None else "p_median" if median else "max_cover",
        count=None if share is not None else count or 3,
        target_share=share,
        candidates=candidates if named else [code.strip() for code in candidates.split(",") if code.strip()],
        objective=objective,
        capacity=capacity,
        spacing_m=spacing,
        time_limit_s=time_limit,
        question=question,
    )
    if prove:
        found = run_with_bar(walker.place, "siting", order.as_input()).result or {}
    else:
        with progress_bar() as progress:
            found = propose(walker, order, progress=progress)
    print_json(found) if json else _tell_proposal(found["proposal"])


def _tell_proposal(found: dict[str, Any]) -> None:
    for site in found["sites"]:
        closes = f"  closes {', '.join(site['closes_gaps'])}" if site["closes_gaps"] else ""
        closes_zh = f"  补上 {'、'.join(site['closes_gaps'])}" if site["closes_gaps"] else ""
        words = Text(
            f"新增 {site['gains']:,} 户 {site['gains_people']:,} 人{closes_zh}",
            f"adds {site['gains']:,} households, {site['gains_people']:,} people{closes}",
        )
        typer.echo(
            f"{site['rank']:>3}  {site['code']} {site['name']}  {site['lon']:.6f} {site['lat']:.6f}  "
            + words.said(language())
        )
    gap = "" if found["gap"] is None else f"{found['gap']:.2%}"
    proven = (
        Text("已证明最优", "proven: no choice is better")
        if found["proven"]
        else Text(
            f"未证明,离最优至多差 {gap};--prove 继续求证", f"not proven, at most {gap} from the best; --prove goes on"
        )
    )
    say(
        Text(
            f"覆盖 {found['households_before']:,} → {found['households_covered']:,} / {found['households']:,} 户。",
            f"{found['households_before']:,} → {found['households_covered']:,} of {found['households']:,} households.",
        )
    )
    typer.echo("  " + proven.said(language()))
    if not found["repeatable"]:
        say(Text("  因时限停止,再次求解结果可能不同。", "  Ended by its time limit: another run may differ."))
    _tell_warnings([*found["not_satisfied"], *found["notes"]])


# --- scenarios -----------------------------------------------------------------------------------------------------


@scenario_app.command()
def new(
    title: Annotated[str, typer.Argument(metavar="TITLE", help="Its title.")],
    database: DatabaseOption = None,
    commit: CommitOption = False,
    json: JsonOption = False,
) -> None:
    """Make an empty scenario.

    Example: gridmap scenario new 新站点 --commit
    """
    from gridmap.services import scenarios as service

    walker = _walker(database)
    if not confirmed(commit, Text(f"新建方案“{title}”?", f"Make scenario '{title}'?")):
        say(Text(f"将新建方案“{title}”。加 --commit 执行。", f"Would make scenario '{title}'; --commit does."))
        return
    row = service.create(walker, title=title, changes=[], who=who())
    _tell_scenario(service.told(row), json=json)


@scenario_app.command("list")
def list_(database: DatabaseOption = None, json: JsonOption = False) -> None:
    """List scenarios, the one changed last first.

    Example: gridmap scenario list
    """
    from gridmap.services.scenarios import list_scenarios

    _, place = ready_place(database)
    found = list_scenarios(place)
    if json:
        print_json(found)
        return
    if not found:
        say(Text("没有方案。", "There are no scenarios."))
    for row in found:
        done = Text("已应用", "applied").said(language()) if row["applied_at"] else ""
        typer.echo(f"{row['id']:>4}  {len(row['changes']):>3}  {row['changed_at'][:16]}  {row['title']}  {done}")


@scenario_app.command()
def show(scenario: ScenarioArgument, database: DatabaseOption = None, json: JsonOption = False) -> None:
    """Show a scenario with its changes.

    Example: gridmap scenario show 新站点
    """
    from gridmap.services.scenarios import find_by_name, told

    _, place = ready_place(database)
    _tell_scenario(told(find_by_name(place, scenario)), json=json)


def _tell_scenario(row: dict[str, Any], *, json: bool) -> None:
    if json:
        print_json(row)
        return
    typer.echo(f"{row['id']}  {row['title']}  ({row['owner']})")
    for number, change in enumerate(row["changes"], 1):
        said = "  ".join(f"{name} {value}" for name, value in change.items() if name != "op")
        typer.echo(f"{number:>4}  {change['op']}  {said}")


def _change(database: str | None, name: str, change: dict[str, Any], *, commit: bool, json: bool) -> None:
    """Add one change to a scenario; one that is not there is made. Without ``commit`` only its effect is told."""
    from gridmap.errors import NotFound
    from gridmap.services import coverage as coverage_service
    from gridmap.services import scenarios as service
    from gridmap.services.looking import Question

    walker = _walker(database)
    gap = change.pop("gap", None)
    if gap is not None:
        change |= _middle_of_gap(walker, gap)
    try:
        row = service.find_by_name(walker.place, name)
        changes = [*row.changes, change]
    except NotFound:
        row, changes = None, [change]
    told = coverage_service.what_if(walker, Question(), changes)
    _tell_effect(told, json=json and not commit)
    if not confirmed(commit, Text("保存到方案?", "Keep it in the scenario?")):
        if not json:
            say(Text("没有保存。加 --commit 保存到方案。", "Not kept; --commit keeps it in the scenario."))
        return
    if row is None:
        kept = service.create(walker, title=name, changes=changes, who=who())
    else:
        kept = service.update(walker, row.id, title=None, changes=changes, who=who(), revision=row.revision)
    _tell_scenario(service.told(kept), json=json)


def _middle_of_gap(walker: Walker, rank: int) -> dict[str, float]:
    from gridmap.errors import NotFound
    from gridmap.services.coverage import gaps
    from gridmap.services.looking import Question

    found = gaps(walker, Question())["features"]
    if not 1 <= rank <= len(found):
        raise NotFound(f"没有第 {rank} 处空白,共 {len(found)} 处。", f"There is no gap {rank}; there are {len(found)}.")
    gap = found[rank - 1]["properties"]
    return {"lon": gap["lon"], "lat": gap["lat"]}


def _tell_effect(told: dict[str, Any], *, json: bool) -> None:
    totals, before = told["totals"], told["against"]
    if json:
        print_json({"today": before, "then": totals, "changed": told["changed"], "warnings": told["warnings"]})
        return
    difference = totals["households_covered"] - before["households_covered"]
    say(
        Text(
            f"覆盖 {before['households_covered']:,} → {totals['households_covered']:,} 户({difference:+,})",
            f"{before['households_covered']:,} → {totals['households_covered']:,} households covered ({difference:+,})",
        )
    )
    for row in told["changed"]:
        if row["difference"]["households_covered"]:
            typer.echo(f"  {row['difference']['households_covered']:>+8,}  {row['name']} {row['code']}")
    _tell_warnings(told["warnings"])


@scenario_app.command(cls=NegativeNumbers)
def add(
    scenario: ScenarioArgument,
    lon: LonArgument = None,
    lat: LatArgument = None,
    gap: Annotated[
        int | None, typer.Option("--gap", min=1, help="Instead of a point: in the middle of this gap (its rank).")
    ] = None,
    name: Annotated[str, typer.Option("--name", help="Name of the new station.")] = "新站点",
    kind: Annotated[str, typer.Option("--kind", help="Kind of the new station.")] = "grid_station",
    code: Annotated[str | None, typer.Option("--code", help="Its code; a free one by default.")] = None,
    tier: Annotated[int | None, typer.Option("--tier", min=1, help="Its tier.")] = None,
    service: Annotated[list[str] | None, typer.Option("--service", help="What it offers; may be repeated.")] = None,
    hours: Annotated[str | None, typer.Option("--hours", help="Opening hours (OpenStreetMap syntax).")] = None,
    database: DatabaseOption = None,
    commit: CommitOption = False,
    json: JsonOption = False,
) -> None:
    """Try a new station, at a point or in a gap; a scenario that is not there is made.

    Example: gridmap scenario add 新站点 --gap 1 --commit
    """
    if gap is None and (lon is None or lat is None):
        raise InputError("请给出 LON LAT,或 --gap 序号。", "Give LON LAT, or --gap RANK.")
    place = {"gap": gap} if gap is not None else {"lon": lon, "lat": lat}
    given = {"code": code, "tier": tier, "services": service, "opening_hours": hours}
    change = {"op": "add", "name": name, "kind": kind, **place, **{k: v for k, v in given.items() if v is not None}}
    _change(database, scenario, change, commit=commit, json=json)


@scenario_app.command(cls=NegativeNumbers)
def move(
    scenario: ScenarioArgument,
    station: StationArgument,
    lon: Annotated[float, typer.Argument(metavar="LON", help="Longitude in degrees.")],
    lat: Annotated[float, typer.Argument(metavar="LAT", help="Latitude in degrees.")],
    database: DatabaseOption = None,
    commit: CommitOption = False,
    json: JsonOption = False,
) -> None:
    """Try a station somewhere else.

    Example: gridmap scenario move 新站点 S001 112.905 36.402 --commit
    """
    _change(database, scenario, {"op": "move", "station": station, "lon": lon, "lat": lat}, commit=commit, json=json)


@scenario_app.command()
def close(
    scenario: ScenarioArgument,
    station: StationArgument,
    database: DatabaseOption = None,
    commit: CommitOption = False,
    json: JsonOption = False,
) -> None:
    """Try it without a station.

    Example: gridmap scenario close 新站点 S001 --commit
    """
    _change(database, scenario, {"op": "close", "station": station}, commit=commit, json=json)


@scenario_app.command("close-street", cls=NegativeNumbers)
def close_street(
    scenario: ScenarioArgument,
    lon: LonArgument = None,
    lat: LatArgument = None,
    street: Annotated[int | None, typer.Option("--street", help="Instead of a point: the street of this id.")] = None,
    whole: Annotated[
        bool, typer.Option("--whole", help="All of the street, not only the piece between two junctions.")
    ] = False,
    database: DatabaseOption = None,
    commit: CommitOption = False,
    json: JsonOption = False,
) -> None:
    """Try it with a street closed: the piece nearest to a point, or a whole street.

    Example: gridmap scenario close-street 修路 112.905 36.402 --commit
    """
    if (street is None) == (lon is None or lat is None):
        raise InputError("请给出 LON LAT,或 --street 编号。", "Give LON LAT, or --street ID.")
    change: dict[str, Any] = {"op": "close_street", "street": street}
    if lon is not None and lat is not None:
        change = _street_at(_walker(database), lon, lat, whole=whole)
    _change(database, scenario, change, commit=commit, json=json)


def _street_at(walker: Walker, lon: float, lat: float, *, whole: bool) -> dict[str, Any]:
    from gridmap.errors import NotFound
    from gridmap.services.streets import near

    found = near(walker, lon=lon, lat=lat)
    if found["street"] is None:
        raise NotFound(
            "这个点 40 米内没有可步行的道路,请给出更靠近道路的点。",
            "No walkable street is within 40 m of that point; give one nearer to the street.",
        )
    change = {"op": "close_street", "street": found["street"]["id"]}
    return change if whole else change | {"lon": found["lon"], "lat": found["lat"]}


@scenario_app.command(cls=NegativeNumbers)
def link(
    scenario: ScenarioArgument,
    lon: Annotated[float, typer.Argument(metavar="LON", help="Longitude of one end.")],
    lat: Annotated[float, typer.Argument(metavar="LAT", help="Latitude of one end.")],
    to_lon: Annotated[float, typer.Argument(metavar="LON", help="Longitude of the other end.")],
    to_lat: Annotated[float, typer.Argument(metavar="LAT", help="Latitude of the other end.")],
    database: DatabaseOption = None,
    commit: CommitOption = False,
    json: JsonOption = False,
) -> None:
    """Try a new way between two points, such as a bridge; ends within 25 m of a street join it.

    Example: gridmap scenario link 新桥 112.905 36.402 112.907 36.402 --commit
    """
    change = {"op": "link", "path": [[lon, lat], [to_lon, to_lat]]}
    _change(database, scenario, change, commit=commit, json=json)


@scenario_app.command()
def hours(
    scenario: ScenarioArgument,
    station: StationArgument,
    text: Annotated[str, typer.Argument(metavar="HOURS", help="Opening hours, such as Mo-Su 08:00-20:00.")],
    database: DatabaseOption = None,
    commit: CommitOption = False,
    json: JsonOption = False,
) -> None:
    """Try other opening hours of a station.

    Example: gridmap scenario hours 新站点 S001 "Mo-Su 08:00-20:00" --commit
    """
    change = {"op": "hours", "station": station, "opening_hours": text}
    _change(database, scenario, change, commit=commit, json=json)


@scenario_app.command()
def compare(
    scenario: ScenarioArgument,
    minutes: MinutesOption = 15,
    speed: SpeedOption = None,
    profile: ProfileOption = "default",
    floors: FloorsOption = False,
    kind: KindOption = None,
    service: ServiceOption = None,
    tier: TierOption = None,
    open_at: OpenOption = None,
    by: Annotated[str, typer.Option("--by", help="Rows by grid, community, station, kind or level1 ….")] = "grid",
    database: DatabaseOption = None,
    json: JsonOption = False,
) -> None:
    """Set a scenario beside today: who gains, who loses.

    Example: gridmap scenario compare 新站点
    """
    from gridmap.services import coverage as coverage_service

    walker = _walker(database)
    question = _question(
        walker,
        scenario,
        {
            "minutes": minutes, "speed_kmh": speed, "profile": profile, "floors": floors, "kinds": kind,
            "services": service, "tier": tier, "open_at": open_at,
        },
    )  # fmt: skip
    told = coverage_service.compare(walker, question, by=by)
    if json:
        print_json(told)
        return
    changed = [row for row in told["rows"] if row["difference"]["households_covered"]]
    _tell_effect(
        {"totals": told["scenario"], "against": told["today"], "changed": changed, "warnings": told["warnings"]},
        json=False,
    )


@scenario_app.command()
def apply(
    scenario: ScenarioArgument, database: DatabaseOption = None, commit: CommitOption = False, json: JsonOption = False
) -> None:
    """Make the changes to stations of a scenario real, all or none; streets stay as imported.

    Example: gridmap scenario apply 新站点 --commit
    """
    from gridmap.services import scenarios as service

    walker = _walker(database)
    row = service.find_by_name(walker.place, scenario)
    question = Text(
        f"把方案“{row.title}”的 {len(row.changes)} 项改动变为现实?",
        f"Make the {len(row.changes)} changes of '{row.title}' real?",
    )
    if not confirmed(commit, question):
        _tell_scenario(service.told(row), json=json)
        if not json:
            say(Text("将应用以上改动。加 --commit 执行。", "Would make these changes real; --commit does."))
        return
    done = service.apply(walker, row.id, who=who(), revision=row.revision)
    if json:
        print_json(done)
        return
    say(Text(f"已应用 {len(done['applied'])} 项改动。", f"{len(done['applied'])} changes are real now."))
    if done["left_out"]:
        say(
            Text(
                "道路改动只在方案中有效,没有应用。",
                "Changes to streets count in the scenario only; they were left out.",
            )
        )


@scenario_app.command()
def delete(
    scenario: ScenarioArgument, database: DatabaseOption = None, commit: CommitOption = False, json: JsonOption = False
) -> None:
    """Delete a scenario; what was applied stays.

    Example: gridmap scenario delete 新站点 --commit
    """
    from gridmap.services import scenarios as service

    _, place = ready_place(database)
    row = service.find_by_name(place, scenario)
    if not confirmed(commit, Text(f"删除方案“{row.title}”?", f"Delete scenario '{row.title}'?")):
        say(Text(f"将删除方案“{row.title}”。加 --commit 执行。", f"Would delete '{row.title}'; --commit does."))
        return
    service.delete(place, row.id, who=who(), revision=row.revision)
    if json:
        print_json({"deleted": row.id})
    else:
        say(Text(f"已删除方案“{row.title}”。", f"Scenario '{row.title}' is deleted."))
