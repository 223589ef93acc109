"""Assignments of buildings to grids: brought into a plan from a file as one operation, and written to a file."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sqlalchemy import Connection

from gridmap.core.crs import project
from gridmap.core.plans.bringing import (
    Cleaned,
    Wanted,
    clean,
    open_land_follows,
    wanted_by_buildings,
    wanted_by_polygons,
)
from gridmap.core.plans.crosswalk import Layout
from gridmap.core.plans.effect import NO_GRID
from gridmap.core.plans.fabric import Fabric
from gridmap.errors import InputError, UnknownColumns
from gridmap.io.load import load
from gridmap.io.reader import read_table
from gridmap.io.shapefile import as_geopackage, write_shapefile
from gridmap.io.spreadsheet import csv_bytes
from gridmap.io.write import write_layer
from gridmap.services.comparing import grids_of
from gridmap.services.planland import Session
from gridmap.services.plans import PlanDesk
from gridmap.store import assignments as store

__all__ = ["FORMATS", "assignment_table", "bring_file", "export_assignments"]

Objects = NDArray[np.object_]

FORMATS = ("csv", "geojson", "gpkg", "shp")
_MOST_TOLD = 200
_COLUMNS: dict[str, tuple[str, ...]] = {
    "building_id": ("building_id", "building", "building_source_id", "source_id", "楼栋编号", "楼栋来源编号", "楼栋"),
    "grid_code": ("grid_code", "code", "grid", "网格编码", "网格代码", "网格"),
    "part": ("part", "unit", "单元"),
}


@dataclass(frozen=True, slots=True)
class _Read:
    """What a file wants, as far as it could be understood."""

    wanted: Wanted
    names: Mapping[str, str]
    kinds: Mapping[str, str]
    rows: int
    rejected: tuple[dict[str, object], ...]
    cleaned: Cleaned | None
    codes: tuple[str, ...]


def bring_file(
    desk: PlanDesk,
    plan_id: int,
    path: str | os.PathLike[str],
    *,
    who: str,
    commit: bool = False,
    make_grids: bool = False,
    across_communities: bool = False,
    skip_bad: bool = False,
    mapping: Mapping[str, str] | None = None,
    layer: str | None = None,
) -> dict[str, Any]:
    """Bring a file of assignments into a plan as one operation; without ``commit`` only say what it would do.

    Parameters
    ----------
    desk, plan_id
        The plan.
    path
        A CSV file with building_id and grid_code, or polygons of grids (GeoJSON, GeoPackage, Shapefile).
    who
        Who does it.
    commit
        Write it.
    make_grids
        Codes that there are not begin grids; otherwise they are refused.
    across_communities
        Take land of other communities too.
    skip_bad
        Do it although rows are bad: what they name stays as it is.
    mapping
        Ours → theirs: which column of the file is ours.
    layer
        Layer of a GeoPackage that has several.

    Returns
    -------
    What stands in the file (``rows``, ``rejected``), what is wrong (``unknown_buildings``, ``buildings_twice``,
    ``unknown_codes``), what it does not say (``buildings_missing``), ``attached`` buildings that go with another,
    ``cleaned`` (polygons), and ``step``: the answer of the operation, None where nothing changes.

    Raises
    ------
    InputError
        The file is wrong: ``problems`` has the rows. With ``commit`` also where rows are bad and not to be skipped.
    NotFound
        There is no such plan.
    Conflict
        It is no draft, or others changed the same land meanwhile.
    """
    file = Path(os.fspath(path))
    with desk.snapshot() as seen:
        session = seen.session(plan_id)
        read = _read(seen.connection, session, file, mapping=mapping, layer=layer)
    state = session.state
    known = {grid.code for grid in state.grids.values()}
    fresh = sorted({code for code in read.wanted.codes if code is not None} - known)
    problems = _problems(read, [] if make_grids else fresh)
    told: dict[str, Any] = {
        "plan": plan_id,
        "file": file.name,
        "rows": read.rows,
        "rejected": len(read.rejected),
        "unknown_buildings": list(read.wanted.unknown),
        "buildings_twice": list(read.wanted.twice),
        "buildings_missing": list(read.wanted.missing),
        "attached": list(read.wanted.attached),
        "unknown_codes": [] if make_grids else fresh,
        "new_grids": fresh if make_grids else [],
        "cleaned": None if read.cleaned is None else _told_cleaned(read.cleaned, read.codes),
        "problems": list(problems),
        "step": None,
    }
    codes = read.wanted.codes.copy()
    if not make_grids:
        codes[np.isin(codes.astype(str), fresh)] = None
    if commit and problems and not skip_bad:
        raise InputError(
            f"{file.name} 有 {len(problems)} 处问题，没有写入。请改正，或用 --skip-bad 略过。",
            f"{file.name} has {len(problems)} problems; nothing was written. Mend them, or pass over them with "
            "--skip-bad.",
            problems=tuple(problems[:_MOST_TOLD]),
        )
    order = _order(session, codes, read, file.name, across_communities=across_communities)
    if order is not None:
        told["step"] = desk.operate(plan_id, order, who=who, base_revision=session.row.revision, commit=commit)
    return told


def _order(
    session: Session, codes: Objects, read: _Read, name: str, *, across_communities: bool
) -> dict[str, Any] | None:
    """Return the operation that brings the cells to their grids; None where all are there."""
    state = session.state
    now = np.array([state.grids[k].code if k in state.grids else None for k in (*state.keys, NO_GRID)], dtype=object)
    present = now[state.labels]
    moves = np.array([want is not None and want != have for want, have in zip(codes, present, strict=True)], dtype=bool)
    if not moves.any():
        return None
    shares = []
    for code in sorted(set(codes[moves].tolist())):
        cells = state.fabric.ids[moves & (codes == code)].tolist()
        shares.append(
            {"to": code, "cells": cells}
            | ({"name": read.names[code][:80]} if code in read.names else {})
            | ({"grid_kind": read.kinds[code]} if code in read.kinds else {})
        )
    return {"kind": "import", "grids": shares, "across_communities": across_communities, "file": name}


def _problems(read: _Read, codes: list[str]) -> list[dict[str, object]]:
    out = [dict(row) for row in read.rejected]
    for buildings, zh, en in (
        (read.wanted.unknown, "没有这栋楼", "There is no such building"),
        (read.wanted.twice, "这栋楼写了几个网格", "The building is given to several grids"),
    ):
        out += [
            {"column": "building_id", "value": b, "message": {"zh": f"{zh}：{b}。", "en": f"{en}: {b}."}}
            for b in buildings
        ]
    out += [
        {
            "column": "grid_code",
            "value": code,
            "message": {"zh": f"方案里没有网格 {code}。", "en": f"The plan has no grid {code}."},
            "repair": {
                "zh": "改正编码，或用 --make-grids 新建。",
                "en": "Mend the code, or make it with --make-grids.",
            },
        }
        for code in codes
    ]
    return out


def _told_cleaned(cleaned: Cleaned, codes: tuple[str, ...]) -> dict[str, Any]:
    return {
        "polygons": len(cleaned.polygons),
        "mended": [codes[k] for k in cleaned.mended],
        "changed": [codes[k] for k in cleaned.changed],
        "overlap_m2": round(cleaned.overlap_m2, 1),
        "gap_m2": round(cleaned.gap_m2, 1),
        "shift_m": round(cleaned.shift_m, 2),
    }


# -- reading -----------------------------------------------------------------------------------------------------------


def _read(
    connection: Connection, session: Session, file: Path, *, mapping: Mapping[str, str] | None, layer: str | None
) -> _Read:
    name = file.name.lower()
    if name.endswith((".csv", ".csv.gz")):
        return _read_list(session, file, mapping or {})
    with ExitStack() as stack:
        source = stack.enter_context(as_geopackage(file)) if name.endswith(".shp") else file
        found = load(source, "grids", layer=layer, mapping=mapping)
    return _read_polygons(connection, session, found.checked)


def _read_list(session: Session, file: Path, mapping: Mapping[str, str]) -> _Read:
    raw = read_table(file)
    theirs = {str(column).strip().lower(): column for column in raw.columns.columns}
    chosen: dict[str, Any] = {}
    for ours, names in _COLUMNS.items():
        asked = (mapping[ours].lower(),) if ours in mapping else names
        chosen[ours] = next((theirs[n] for n in asked if n in theirs), None)
    lacking = [ours for ours in ("building_id", "grid_code") if chosen[ours] is None]
    if lacking:
        have = ", ".join(str(column) for column in raw.columns.columns)
        raise UnknownColumns(
            f"文件缺少列 {'、'.join(lacking)}。文件的列有：{have}。可用 --map 指定。",
            f"The file lacks {', '.join(lacking)}. Its columns are: {have}. --map names them.",
        )
    buildings, codes = (_texts(raw.columns[chosen[ours]]) for ours in ("building_id", "grid_code"))
    parts = [None] * len(buildings) if chosen["part"] is None else [_part(v) for v in raw.columns[chosen["part"]]]
    rejected: list[dict[str, object]] = []
    good = []
    for k, (building, code) in enumerate(zip(buildings, codes, strict=True)):
        if building and code and len(code) <= 40:  # noqa: PLR2004 (as long as codes may be)
            good.append(k)
        else:
            what = "building_id" if not building else "grid_code"
            rejected.append(
                {"row": int(raw.rows[k]), "column": what, "message": {"zh": "空白或太长。", "en": "Empty or too long."}}
            )
    wanted = wanted_by_buildings(
        session.state.fabric, [buildings[k] for k in good], [parts[k] for k in good], [codes[k] for k in good]
    )
    followed = open_land_follows(session.state, wanted.codes)
    wanted = Wanted(followed, wanted.unknown, wanted.twice, wanted.missing, wanted.attached)
    return _Read(wanted, {}, {}, len(raw), tuple(rejected), None, ())


def _texts(values: Any) -> list[str]:
    # a spreadsheet may have put an apostrophe in front of text
    return ["" if v is None else str(v).strip().removeprefix("'") for v in values]


def _part(value: Any) -> int | None:
    text = "" if value is None else str(value).strip()
    return int(text) if text.isdecimal() else None


def _read_polygons(connection: Connection, session: Session, checked: Any) -> _Read:
    rejected = tuple(problem.as_dict() for problem in checked.problems if problem.severity == "error")
    table = checked.table
    level = table["level"].astype("float64")
    table = table[level.isna() | (level == level.max())].reset_index(drop=True)
    twice = sorted(code for code, count in Counter(table["code"]).items() if count > 1)
    if twice:
        table = table.dissolve(by="code", as_index=False)
    metric = project(gpd.GeoDataFrame(table, geometry="geometry", crs="EPSG:4326"), session.land.srid)
    cleaned = clean(metric.geometry.to_numpy())
    fabric = session.state.fabric
    codes = [str(code) for code in table["code"]]
    wanted = wanted_by_polygons(fabric, cleaned.polygons, codes, footprints=_footprints(connection, session))
    names = {c: str(n) for c, n in zip(codes, table["name"], strict=True) if not pd.isna(n)}
    kinds = {c: str(k) for c, k in zip(codes, table["grid_kind"], strict=True) if not pd.isna(k)}
    return _Read(wanted, names, kinds, len(table), rejected, cleaned, tuple(codes))


def _footprints(connection: Connection, session: Session) -> dict[int, object]:
    """Return the footprint (metric) of each cell that is the only one of its building."""
    fabric = session.state.fabric
    rows = {int(b): k for k, b in enumerate(fabric.building.tolist()) if b >= 0}
    often = Counter(fabric.building.tolist())
    frame = project(store.footprints(connection), session.land.srid)
    return {
        rows[int(number)]: shape
        for number, shape in zip(frame["id"], frame.geometry, strict=True)
        if often.get(int(number)) == 1
    }


# -- writing -----------------------------------------------------------------------------------------------------------


def assignment_table(fabric: Fabric, layout: Layout) -> pd.DataFrame:
    """Return the grid of every building: building_id, part (only of a building divided among grids), grid_code."""
    rows: list[tuple[str, int | None, str | None]] = []
    for building, cells in sorted(fabric.cells_of_building.items()):
        codes = [layout.code(int(key)) for key in layout.keys[cells]]
        if len(set(codes)) == 1:
            rows.append((building, None, codes[0]))
        else:
            rows += [(building, part, code) for part, code in enumerate(codes)]
    table = pd.DataFrame(rows, columns=["building_id", "part", "grid_code"], dtype=object)
    assigned: pd.DataFrame = table[table["grid_code"].notna()].reset_index(drop=True)
    return assigned if assigned["part"].notna().any() else assigned.drop(columns="part")


def export_assignments(desk: PlanDesk, plan_id: int, file: Path, *, form: str) -> int:
    """Write the assignments of a plan: a list of buildings (csv), or its grids (geojson, gpkg, shp); returns how many.

    What is written comes back the same by :func:`bring_file`.

    Raises
    ------
    NotFound
        There is no such plan.
    InputError
        The file cannot be written there, or there is no such format.
    """
    writers: dict[str, Callable[[pd.DataFrame, Path], object]] = {
        "csv": lambda table, made: made.write_bytes(csv_bytes(table)),
        "geojson": lambda table, made: write_layer(table, made, "grids"),
        "gpkg": lambda table, made: write_layer(table, made, "grids"),
        "shp": lambda table, made: write_shapefile(gpd.GeoDataFrame(table), made),
    }
    if form not in writers:
        raise InputError(
            f"没有“{form}”格式。可用：{'、'.join(FORMATS)}。", f"There is no format '{form}': {', '.join(FORMATS)}."
        )
    with desk.snapshot() as seen:
        state = seen.session(plan_id).state
        layout = Layout(state.all_keys(), state.grids)
        if form == "csv":
            table = assignment_table(seen.land.fabric, layout)
        else:
            whole = grids_of(seen.land, layout)
            table = whole[["code", "name", "level", "grid_kind", "parent_code", "community_code", "geometry"]]
            # level and parents of leaf grids alone would name grids that the file has not
            table = table.assign(parent_code=pd.Series([None] * len(table), dtype=object))
    try:
        with TemporaryDirectory(dir=file.parent, prefix=".writing-") as folder:
            made = Path(folder) / f"{file.stem}.{form}"
            writers[form](table, made)
            for part in sorted(Path(folder).iterdir()):
                part.replace(file.parent / (file.name if part == made else part.name))
    except OSError as error:
        raise InputError(
            f"{file} 不能写入({error.strerror})。", f"{file} cannot be written ({error.strerror})."
        ) from None
    return len(table)
