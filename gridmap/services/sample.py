"""The sample county: written to files and loaded through the importers like anybody's data."""

from __future__ import annotations

import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from gridmap.errors import Conflict
from gridmap.model.progress import Progress, part, silent
from gridmap.model.text import Text
from gridmap.services import jobs
from gridmap.services.imports import ImportOrder
from gridmap.store.database import Place, transaction

LAYERS = (
    "areas", "streets", "water", "landuse", "estates", "buildings", "households", "places", "stations", "candidates",
    "nets", "people",
)  # fmt: skip


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
    from gridmap.io.write import write_sample
    from gridmap.sample import SampleBase, generate

    if folder.exists() and any(folder.iterdir()):
        raise Conflict(f"文件夹 {folder} 不是空的。", f"The folder {folder} is not empty.")
    base = None
    if order.on is not None:
        from gridmap.io.osm import read_osm

        extract = read_osm(order.on)
        base = SampleBase(streets=extract.streets, water=extract.water, landuse=extract.landuse, places=extract.places)
    county = generate(
        seed=order.seed,
        buildings=order.buildings,
        communities=order.communities,
        base=base,
        progress=part(progress, 0.0, 0.8),
    )
    folder.mkdir(parents=True, exist_ok=True)
    files = write_sample(county, folder)
    progress(1.0, Text("已写入文件", "Files written"))
    return {"folder": str(folder), "files": [Path(f).name for f in files], "editions": county.editions}


def load_sample(place: Place, order: SampleOrder, *, who: str, progress: Progress = silent) -> dict[str, Any]:
    """Generate the county and import it: layers, grids, cells, requests. A county loaded before is not loaded again.

    Raises
    ------
    Conflict
        The database holds something else.
    """
    mark = f"sample {order.seed} {order.buildings} {order.communities} {Path(order.on).name if order.on else ''}"
    with transaction(place) as connection:
        marks = [
            row[0]
            for row in connection.exec_driver_sql(
                "SELECT detail->>'mark' FROM gridmap.change_log WHERE what = 'sample' ORDER BY id"
            )
        ]
        others = connection.exec_driver_sql(
            "SELECT count(*) FROM gridmap.import_run r WHERE NOT EXISTS "
            "(SELECT 1 FROM gridmap.change_log c WHERE c.what = 'sample begins')"
        ).scalar_one()
    if mark in marks:
        return {"already": True, "sample": asdict(order)}
    if marks or others:
        raise Conflict(
            f"数据库 {place.name} 里已有其他数据。请用 --database 另选一个名字。",
            f"The database {place.name} holds other data. Choose another name with --database.",
        )
    return _load(place, order, mark, who=who, progress=progress)


def _load(place: Place, order: SampleOrder, mark: str, *, who: str, progress: Progress) -> dict[str, Any]:
    import orjson

    from gridmap.store.copying import note_change

    with transaction(place) as connection:
        note_change(connection, who, "sample begins", orjson.dumps({"mark": mark}).decode())
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
    view = jobs.run_here(place, "import", asdict(order), who=who, progress=progress)
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
