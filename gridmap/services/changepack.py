"""The change pack: everything that people need when grids change, as a folder or one ZIP file.

It is worked out from one moment of the database and appears whole or not at all.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import shapely

from gridmap.core.plans.crosswalk import moved_land
from gridmap.errors import InputError, NotFound
from gridmap.io.report import write_report
from gridmap.io.spreadsheet import csv_bytes
from gridmap.model.progress import Progress, silent
from gridmap.model.text import Language, Text
from gridmap.services import comparing
from gridmap.services.changemaps import write_maps
from gridmap.services.comparing import Comparison
from gridmap.services.handing import Following, follows
from gridmap.services.plandiff import records
from gridmap.services.walking import Walker
from gridmap.store.jurisdiction import jurisdiction

if TYPE_CHECKING:
    from gridmap.services.jobs import Job
    from gridmap.services.plans import PlanDesk
    from gridmap.store.database import Place

__all__ = ["FILES", "kept_pack", "run", "write_pack", "write_pack_zip"]

FILES = (
    "summary.html", "handover.html", "crosswalk.xlsx", "crosswalk.csv", "pairs.csv", "addresses.csv", "handover.csv",
    "requests.csv", "coverage.csv", "grids.csv", "grids.gpkg", "grids.geojson", "map-before.html", "map-after.html",
)  # fmt: skip
"""What a pack holds; ``coverage.csv`` only where people can be timed."""

_SHEETS = {
    "pairs": Text("对照表", "crosswalk"),
    "buildings": Text("楼栋", "buildings"),
    "addresses": Text("地址", "addresses"),
    "handover": Text("交接", "handover"),
    "requests": Text("诉求", "requests"),
    "coverage": Text("服务圈", "coverage"),
    "grids": Text("网格四至", "borders"),
}
_NAMES = {
    "old": Text("原网格", "old"),
    "old_name": Text("原网格名称", "old_name"),
    "new": Text("新网格", "new"),
    "new_name": Text("新网格名称", "new_name"),
    "relation": Text("关系", "relation"),
    "stays": Text("不变", "stays"),
    "buildings": Text("楼栋数", "buildings"),
    "households": Text("户数", "households"),
    "people": Text("人数", "people"),
    "area_m2": Text("面积平方米", "area_m2"),
    "old_community": Text("原社区", "old_community"),
    "new_community": Text("新社区", "new_community"),
    "building": Text("楼栋编号", "building"),
    "address": Text("地址", "address"),
    "street": Text("道路", "street"),
    "house_number": Text("门牌号", "house_number"),
    "estate": Text("小区", "estate"),
    "number": Text("楼号", "number"),
    "attached_to": Text("附属于", "attached_to"),
    "kind": Text("类别", "kind"),
    "place": Text("道路或小区", "place"),
    "numbers": Text("号", "numbers"),
    "old_team": Text("移交人", "old_team"),
    "new_team": Text("接收人", "new_team"),
    "chief": Text("楼栋长", "chief"),
    "open_requests": Text("未结诉求", "open_requests"),
    "source": Text("来源系统", "source"),
    "source_ref": Text("来源单号", "source_ref"),
    "category": Text("诉求类别", "category"),
    "state": Text("状态", "state"),
    "reported_at": Text("上报时间", "reported_at"),
    "code": Text("网格编码", "code"),
    "name": Text("网格名称", "name"),
    "community": Text("社区", "community"),
    "households_before": Text("原户数", "households_before"),
    "households_after": Text("新户数", "households_after"),
    "people_before": Text("原人数", "people_before"),
    "people_after": Text("新人数", "people_after"),
    "borders_before": Text("原四至", "borders_before"),
    "borders_after": Text("新四至", "borders_after"),
    "covered_before": Text("原覆盖户数", "covered_before"),
    "covered_after": Text("新覆盖户数", "covered_after"),
    "share_before": Text("原覆盖率", "share_before"),
    "share_after": Text("新覆盖率", "share_after"),
}
_RELATIONS = {
    "same": Text("整体", "whole"),
    "split": Text("拆出", "split"),
    "merge": Text("并入", "merge"),
    "partial": Text("部分", "part"),
}
_NOWHERE = Text("未划入网格的土地", "land in no grid")
_SIGNERS = (
    Text("编制人 / 日期", "Made by / date"),
    Text("社区意见 / 日期", "Community / date"),
    Text("批准人 / 日期", "Approved by / date"),
)


def write_pack(
    desk: PlanDesk,
    plan_id: int,
    folder: Path,
    *,
    walker: Walker,
    language: Language = "zh",
    progress: Progress = silent,
) -> list[str]:
    """Write the pack of a plan into a new or empty folder; returns the names of its files.

    Raises
    ------
    NotFound
        There is no such plan.
    InputError
        The folder is none, is not empty or cannot be written.
    """
    target = _usable(folder)
    with _beside(target) as made:
        names = _write(desk, plan_id, made, walker=walker, language=language, progress=progress)
        if target.exists():
            target.rmdir()
        made.rename(target)
    return names


def write_pack_zip(
    desk: PlanDesk,
    plan_id: int,
    file: Path,
    *,
    walker: Walker,
    language: Language = "zh",
    progress: Progress = silent,
) -> list[str]:
    """Write the pack of a plan as one ZIP file, whole or not at all; returns the names in it.

    Raises
    ------
    NotFound
        There is no such plan.
    InputError
        The file cannot be written there.
    """
    with _beside(file) as made:
        names = _write(desk, plan_id, made, walker=walker, language=language, progress=progress)
        packed = made / "pack.zip"
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
            for name in names:
                archive.write(made / name, name)
        packed.replace(file)
    return names


@contextmanager
def _beside(target: Path) -> Iterator[Path]:
    """Give a folder beside a place; it is gone afterwards, unless it was moved there."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(dir=target.parent, prefix=".writing-"))
    except OSError as error:
        raise _not_writable(target.parent, error) from None
    made.chmod(0o755)
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _usable(folder: Path) -> Path:
    target = Path(os.path.abspath(folder))  # noqa: PTH100 (links stay as they are)
    if target.exists() and not target.is_dir():
        raise InputError(
            f"{folder} 是文件，不是文件夹。请换一个名称。", f"{folder} is a file, not a folder. Name another place."
        )
    try:
        if target.exists() and any(target.iterdir()):
            raise InputError(
                f"文件夹 {folder} 不是空的。请换一个新文件夹，或先清空。",
                f"The folder {folder} is not empty. Name a new one, or empty it first.",
            )
    except OSError as error:
        raise _not_writable(folder, error) from None
    return target


def _not_writable(folder: Path, error: OSError) -> InputError:
    return InputError(
        f"文件夹 {folder} 不能写入({error.strerror})。请换一个地方，或检查权限。",
        f"The folder {folder} cannot be written ({error.strerror}). Name another place, or see who may write there.",
    )


def _write(
    desk: PlanDesk, plan_id: int, folder: Path, *, walker: Walker, language: Language, progress: Progress
) -> list[str]:
    progress(0.0, Text("比较新旧网格", "Comparing the grids"))
    with desk.snapshot() as seen:
        found = comparing.compare(seen, None, f"plan:{plan_id}")
        here = jurisdiction(seen.connection)
        progress(0.1, Text("整理交接内容", "Collecting what is handed over"))
        following = follows(seen.connection, found, walker, language=language)
        progress(0.4, Text("写表格", "Writing tables"))
        _tables(folder, following, language)
        progress(0.5, Text("写图层", "Writing layers"))
        _layers(folder, found)
        progress(0.6, Text("写交接清单和说明", "Writing lists and the summary"))
        made = datetime.now(ZoneInfo(here.time_zone)).strftime("%Y-%m-%d %H:%M")
        facts = _summary(found, following, place=here.name or "", made=made, language=language)
        _pages(folder, found, following, facts, language)
        progress(0.75, Text("画地图", "Drawing maps"))
        write_maps(folder, desk.place, seen, found, language)
    progress(1.0, Text("完成", "Done"))
    return [name for name in FILES if (folder / name).exists()]


# -- tables ------------------------------------------------------------------------------------------------------------


def _tables(folder: Path, following: Following, language: Language) -> None:
    known = {
        "pairs": following.pairs.assign(relation=[_RELATIONS[r].said(language) for r in following.pairs["relation"]]),
        "buildings": following.buildings,
        "addresses": following.addresses,
        "handover": following.handover,
        "requests": following.requests,
        "coverage": following.coverage,
        "grids": following.grids,
    }
    tables = {name: _named(table, language) for name, table in known.items() if table is not None}
    write_report(
        folder / "crosswalk.xlsx",
        {_SHEETS[name].said(language): table for name, table in tables.items()},
        main=_SHEETS["pairs"].said(language),
    )
    for name, table in tables.items():
        (folder / f"{'crosswalk' if name == 'buildings' else name}.csv").write_bytes(csv_bytes(table))


def _named(table: pd.DataFrame, language: Language) -> pd.DataFrame:
    out: pd.DataFrame = table.rename(columns={name: text.said(language) for name, text in _NAMES.items()})
    return out


def _layers(folder: Path, found: Comparison) -> None:
    tables = comparing.layers(found)
    write_report(
        folder / "grids.gpkg", {name: tables[name] for name in ("after", "before", "land", "borders")}, main="after"
    )
    write_report(folder / "grids.geojson", {"after": tables["after"]}, main="after")


# -- paper -------------------------------------------------------------------------------------------------------------


def _summary(found: Comparison, following: Following, *, place: str, made: str, language: Language) -> dict[str, Any]:
    moving = following.pairs[~following.pairs["stays"].astype(bool)]

    def said(zh: str, en: str) -> str:
        return Text(zh, en).said(language)

    coverage = following.coverage
    changed = set(following.grids["code"])
    figures = [
        (said("户换网格", "households change their grid"), int(moving["households"].sum())),
        (said("人", "people"), int(moving["people"].sum())),
        (said("栋楼", "buildings"), len(following.buildings)),
        (said("个网格有变化", "grids change"), len(following.grids)),
        (said("件未结诉求换网格", "open requests change their grid"), len(following.requests)),
    ]
    return {
        "place": place,
        "made": made,
        "old": found.old.name,
        "new": found.new.name,
        "figures": figures,
        "pairs": [
            {
                "old": _label(row.old, row.old_name, language),
                "new": _label(row.new, row.new_name, language),
                "relation": _RELATIONS[str(row.relation)].said(language),
                "buildings": row.buildings,
                "households": row.households,
                "people": row.people,
            }
            for row in moving.itertuples()
        ],
        "grids": [
            {
                "label": _label(row["code"], row["name"], language),
                "households": f"{_shown(row['households_before'])} → {_shown(row['households_after'])}",
                "before": row["borders_before"] or said("原无此网格。", "There was no such grid."),
                "after": row["borders_after"] or said("撤销。", "It ends."),
            }
            for row in records(following.grids)
        ],
        "addresses": following.addresses.to_dict("records"),
        "coverage": None
        if coverage is None
        else [
            {
                "label": _label(row["code"], row["name"], language),
                "before": _covered(row, "before"),
                "after": _covered(row, "after"),
            }
            for row in records(coverage)
            if row["code"] in changed
        ],
        "why_no_coverage": following.why_no_coverage.said(language) if following.why_no_coverage else "",
        "note": said(
            "户数、人数按导出时的数据合计,含估算值。批准为记录,不构成权限控制。",
            "Households and people are sums of the data at the time of export; estimates are among them. "
            "Approval is recorded here, not enforced.",
        ),
        "signers": [text.said(language) for text in _SIGNERS],
    }


def _label(code: Any, name: Any, language: Language) -> str:
    """Return how a grid is called on paper: name and code, or the code alone where that is its name."""
    if not code:
        return _NOWHERE.said(language)
    return str(code) if name in {None, code} else f"{name} {code}"


def _shown(value: Any) -> str:
    return "–" if value is None or pd.isna(value) else str(int(value))


def _covered(row: Mapping[str, Any], when: str) -> str:
    whole = row[f"households_{when}"]
    if whole is None or pd.isna(whole):
        return "–"
    share = row[f"share_{when}"]
    return f"{_shown(row[f'covered_{when}'])} / {_shown(whole)}" + ("" if share is None else f" ({share:.0%})")


def _pages(folder: Path, found: Comparison, following: Following, facts: dict[str, Any], language: Language) -> None:
    from markupsafe import Markup

    from gridmap.maps.paper import paper_page

    title = Text(f"网格调整说明:{found.new.name}", f"Change of grids: {found.new.name}").said(language)
    pictures = [
        (side.said(language), Markup(svg))  # noqa: S704 (ours; its labels are escaped)
        for side, svg in zip((Text("调整前", "Before"), Text("调整后", "After")), _sketches(found), strict=False)
    ]
    page = paper_page("change.html", facts | {"maps": pictures}, title=title, language=language)
    (folder / "summary.html").write_text(page, encoding="utf-8")
    teams = {"teams": _teams(following, language)}
    page = paper_page("handover.html", teams, title=found.new.name, language=language)
    (folder / "handover.html").write_text(page, encoding="utf-8")


def _sketches(found: Comparison) -> list[str]:
    """Return the grids around what changes, before and after, as SVG."""
    from gridmap.maps.sketch import SketchLayer, bounds_around, sketch

    srid = found.land.srid
    _, land = moved_land(found.land.fabric, found.old.layout, found.new.layout, found.walk.pairs)
    frames = [comparing.grids_of(found.land, side.layout).to_crs(srid) for side in (found.old, found.new)]
    if not len(land):
        return []
    changed = shapely.union_all(land)
    near = [frame.geometry.to_numpy()[shapely.dwithin(frame.geometry.to_numpy(), changed, 1.0)] for frame in frames]
    box = bounds_around(np.concatenate(near))
    hatch = 'fill="#c33" fill-opacity="0.28" stroke="#a11" stroke-width="0.8" stroke-dasharray="4 3"'
    grid = 'fill="#f3f1ea" stroke="#444" stroke-width="1.1"'
    return [
        sketch(
            [
                SketchLayer(frame.geometry.to_numpy(), grid, [str(code)[-3:] for code in frame["code"]]),
                SketchLayer(land, hatch),
            ],
            box,
        )
        for frame in frames
    ]


def _teams(following: Following, language: Language) -> list[dict[str, Any]]:
    """Return a list for each team: what it hands over to whom, and what it takes over from whom."""
    rows = records(following.handover)
    parts: dict[str, list[dict[str, Any]]] = {}
    names: dict[str, str] = {}
    grouped: dict[tuple[Any, Any], list[dict[str, Any]]] = {}
    for row in rows:
        grouped.setdefault((row["old"], row["new"]), []).append(row)
        names |= {row[side]: row[f"{side}_name"] for side in ("old", "new") if row[side]}
    for (old, new), listed in grouped.items():
        homes, people = (sum(int(row[what] or 0) for row in listed) for what in ("households", "people"))
        sums = Text(
            f"{len(listed)} 栋,{homes} 户,{people} 人", f"{len(listed)} buildings, {homes} households, {people} people"
        ).said(language)
        for team, other, heading in (
            (old, new, Text("移交给", "Hands over to")),
            (new, old, Text("接收自", "Takes over from")),
        ):
            if team:
                called = (
                    f"{names[other]} {other}" if other else Text("未划入网格的土地", "land in no grid").said(language)
                )
                part = {"heading": f"{heading.said(language)} {called}", "sums": sums, "rows": listed}
                parts.setdefault(team, []).append(part)
    return [
        {"label": _label(code, names[code], language), "leader": following.leaders.get(code, ""), "parts": parts[code]}
        for code in sorted(parts)
    ]


# -- as a job ----------------------------------------------------------------------------------------------------------


def run(place: Place, inputs: dict[str, Any], job: Job) -> dict[str, Any]:
    """Do the job of that kind: the ZIP file of a plan in the data folder."""
    from gridmap.services.plans import PlanDesk

    desk = PlanDesk(place)
    revision = int(desk.show(inputs["plan"], who=job.who)["revision"])
    folder = Path(inputs["folder"])
    for old in folder.glob(f"plan-{inputs['plan']}-*-{inputs['language']}.zip"):
        old.unlink(missing_ok=True)
    file = folder / _zip_name(inputs["plan"], revision, inputs["language"])
    names = write_pack_zip(
        desk, inputs["plan"], file, walker=Walker(place), language=inputs["language"], progress=job.progress
    )
    return {"plan": inputs["plan"], "revision": revision, "files": names, "bytes": file.stat().st_size}


def kept_pack(desk: PlanDesk, plan_id: int, folder: Path, *, language: Language, who: str) -> Path:
    """Return the ZIP file of a plan as it is now that a job made.

    Raises
    ------
    NotFound
        There is no such plan, or no pack of its present state.
    """
    revision = int(desk.show(plan_id, who=who)["revision"])
    file = folder / _zip_name(plan_id, revision, language)
    if not file.is_file():
        raise NotFound(
            "方案现在的状态还没有变更资料包。请先 POST 到同一地址生成。",
            "There is no change pack of the plan as it is now. POST to the same address makes one.",
        )
    return file


def _zip_name(plan_id: int, revision: int, language: str) -> str:
    return f"plan-{plan_id}-r{revision}-{language}.zip"
