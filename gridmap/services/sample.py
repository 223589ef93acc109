"""The sample county: written to files and loaded through the importers like anybody's data."""

from __future__ import annotations

import tempfile
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import shapely
from sqlalchemy import Connection

from gridmap.errors import Conflict
from gridmap.io.write import SAMPLE_FILES
from gridmap.model.progress import Progress, part, silent
from gridmap.model.text import Text
from gridmap.services import jobs
from gridmap.services.imports import ImportOrder
from gridmap.store import base as base_store
from gridmap.store import editions as edition_store
from gridmap.store.changes import note_change
from gridmap.store.database import Place, engine_of, transaction
from gridmap.store.jurisdiction import jurisdiction, write_jurisdiction
from gridmap.store.migrate import empty

LAYERS = (
    "areas", "streets", "water", "landuse", "estates", "buildings", "households", "places", "stations", "candidates",
    "nets", "people",
)  # fmt: skip
_ASIDE, _BEYOND = 0.00003, 0.01  # degrees: some 4 m and 1 km
_FILES = {file for _, file in SAMPLE_FILES.values()}


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleOrder:
    """Which county: see ``gridmap sample --help``."""

    seed: int = 1
    buildings: int = 3000
    communities: int | None = None
    on: str | None = None


def write_files(order: SampleOrder, folder: Path, *, progress: Progress = silent) -> dict[str, Any]:
    """Generate the county and write one file for each kind into a new folder.

    Raises
    ------
    Conflict
        The folder is there already and not empty.
    """
    from gridmap.io.write import write_sample_table, write_truth
    from gridmap.sample import SampleBase, draw

    if folder.exists() and any(folder.iterdir()):
        raise Conflict(f"文件夹 {folder} 不是空的。", f"The folder {folder} is not empty.")
    base = None
    if order.on is not None:
        from gridmap.io.osm import read_osm

        extract = read_osm(order.on)
        base = SampleBase(streets=extract.streets, water=extract.water, landuse=extract.landuse, places=extract.places)
    drawn = draw(
        seed=order.seed,
        buildings=order.buildings,
        communities=order.communities,
        base=base,
        progress=part(progress, 0.0, 0.8),
    )
    folder.mkdir(parents=True, exist_ok=True)
    files, buildings, count = [], 0, len(drawn.made)
    # one table at a time: a county of half a million buildings would not fit whole beside what it is made from
    for name, table in drawn.tables():
        files.append(write_sample_table(name, table, folder).name)
        buildings += len(table) if name == "buildings" else 0
        progress(0.8 + 0.2 * len(files) / count, Text(f"已写入 {files[-1]}", f"{files[-1]} written"))
    files.append(write_truth(drawn.truth, folder).name)
    progress(1.0, Text("已写入文件", "Files written"))
    return {"folder": str(folder), "files": files, "buildings": buildings, "editions": drawn.editions}


def load_sample(place: Place, order: SampleOrder, *, who: str, progress: Progress = silent) -> dict[str, Any]:
    """Generate the county and import it: layers, grids, cells, requests. A county loaded before is not loaded again.

    One that was left half loaded is taken out and made anew, which ``made_anew`` in the answer says.

    Raises
    ------
    Conflict
        The database holds something else.
    """
    mark = f"sample {order.seed} {order.buildings} {order.communities} {Path(order.on).name if order.on else ''}"
    with engine_of(place).connect() as guard:
        _wait_for_others(guard, progress)
        state = _state(guard, mark)
        if state == "whole":
            return {"already": True, "sample": asdict(order)}
        if state == "other":
            raise Conflict(
                f"数据库 {place.name} 里已有其他数据。请用 --database 另选一个名字。",
                f"The database {place.name} holds other data. Choose another name with --database.",
            )
        if state == "half":
            progress(0.0, Text("上次没有载入完,删去重来", "It was left half loaded: starting afresh"))
            empty(place)
        return _load(place, order, mark, who=who, progress=progress) | ({"made_anew": True} if state == "half" else {})


def _wait_for_others(guard: Connection, progress: Progress) -> None:
    """Hold the lock of loading samples until the connection is closed; another process that loads one goes first."""
    lock = "(hashtext('gridmap sample'))"
    if not guard.exec_driver_sql(f"SELECT pg_try_advisory_lock{lock}").scalar_one():
        progress(0.0, Text("另一进程正在载入,等它完成", "Another process is loading it: waiting"))
        guard.exec_driver_sql(f"SELECT pg_advisory_lock{lock}")
    guard.rollback()  # the lock is the session's; an open transaction would hold back the migration


def _state(guard: Connection, mark: str) -> Literal["empty", "whole", "half", "other"]:
    marks = [
        (row.what, row.mark)
        for row in guard.exec_driver_sql(
            "SELECT what, detail->>'mark' AS mark FROM gridmap.change_log "
            "WHERE what IN ('sample begins', 'sample') ORDER BY id"
        )
    ]
    files = set(guard.exec_driver_sql("SELECT file_name FROM gridmap.import_run").scalars())
    guard.rollback()
    if ("sample", mark) in marks:
        return "whole"
    if not marks:
        return "other" if files else "empty"
    finished = any(what == "sample" for what, _ in marks)
    return "other" if finished or files - _FILES else "half"


def _load(place: Place, order: SampleOrder, mark: str, *, who: str, progress: Progress) -> dict[str, Any]:
    import orjson

    with transaction(place) as connection:
        note_change(connection, who, "sample begins", orjson.dumps({"mark": mark}).decode())
        if order.on is not None:  # its streets are real ones: a map must say whose
            known = jurisdiction(connection)
            write_jurisdiction(connection, replace(known, settings=known.settings | {"built_on_osm": True}))
    with tempfile.TemporaryDirectory(prefix="gridmap-sample-") as name:
        folder = Path(name) / "files"
        written = write_files(order, folder, progress=part(progress, 0.0, 0.3))
        orders = _orders(folder, written["editions"])
        told: dict[str, Any] = {}
        for position, each in enumerate(orders):
            step = part(progress, 0.3 + 0.4 * position / len(orders), 0.3 + 0.4 * (position + 1) / len(orders))
            told[f"{each.kind} {each.edition or each.plan or ''}".strip()] = _import(place, each, who, step)
        view = jobs.run_here(place, "cells", {}, who=who, progress=part(progress, 0.7, 0.9))
        told["cells"] = view.result
        requests = next(folder.glob("requests.*"))
        told["requests"] = _import(
            place, ImportOrder(kind="requests", path=str(requests)), who, part(progress, 0.9, 1.0)
        )
    with transaction(place) as connection:
        note_change(connection, who, "sample", orjson.dumps({"mark": mark}).decode())
    return told


def _import(place: Place, order: ImportOrder, who: str, progress: Progress) -> dict[str, Any]:
    view = jobs.run_here(place, "import", asdict(order) | {"commit": True}, who=who, progress=progress)
    layers = (view.result or {})["layers"]
    return {layer["kind"]: layer["counts"]["new"] for layer in layers}


def _orders(folder: Path, editions: Any) -> list[ImportOrder]:
    orders = [
        ImportOrder(kind=kind, path=str(next(folder.glob(f"{kind}.*"))), with_contacts=kind == "people")
        for kind in LAYERS
    ]
    for stem, key in (("grids_last_year", "last_year"), ("grids_present", "present")):
        orders.append(
            ImportOrder(
                kind="grids",
                path=str(next(folder.glob(f"{stem}.*"))),
                edition=editions[key]["name"],
                effective_from=editions[key]["effective_at"],
            )
        )
    orders.append(
        ImportOrder(kind="grids", path=str(next(folder.glob("grids_draft.*"))), plan=editions["draft"]["title"])
    )
    return orders


def telling_points(place: Place) -> list[tuple[Text, float, float]]:
    """Return three points of a loaded county, longitude and latitude: in a home, beside a border, beyond the county."""
    with engine_of(place).connect() as connection:
        edition = edition_store.edition_at(connection, None)
        assert edition is not None  # noqa: S101 (a sample has two)
        leaves = edition_store.edition_grids(connection, edition, leaf=True)
        buildings = base_store.read_live(connection, "buildings")
    homes = buildings[buildings["estate"].notna() & buildings["number"].notna() & (buildings["use"] == "residential")]
    home = shapely.point_on_surface(homes.sort_values("source_id")["geom"].iloc[0])
    town = leaves[leaves["grid_kind"] == "urban"]["geom"].to_numpy()
    i, j = shapely.STRtree(town).query(town, predicate="touches")
    shared = shapely.line_merge(shapely.intersection(town[i[i < j]], town[j[i < j]]))
    border = shapely.line_interpolate_point(shared[shapely.length(shared).argmax()], 0.5, normalized=True)
    _, south, east, north = leaves.total_bounds
    return [
        (Text("楼内", "in a home"), home.x, home.y),
        (Text("边界附近", "beside a border"), border.x + _ASIDE, border.y + _ASIDE),
        (Text("县外", "beyond the county"), east + _BEYOND, (south + north) / 2),
    ]
