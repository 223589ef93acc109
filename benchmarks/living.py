"""What a weekly change costs: 50 new, 10 demolished, 5 enlarged buildings and a new street in a large sample town."""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from benchmarks.report import command, sizes, table, write_section
from gridmap.io.write import write_layer
from gridmap.services.imports import ImportOrder, import_file
from gridmap.services.sample import SampleOrder, load_sample
from gridmap.settings import Settings
from gridmap.store import base as base_store
from gridmap.store.cluster import Cluster
from gridmap.store.database import Place, engine_of, find_place
from gridmap.store.jurisdiction import jurisdiction
from gridmap.store.migrate import migrate

RUNS = 5


def main() -> None:
    """Measure and write the section."""
    rows: list[list[Any]] = []
    with tempfile.TemporaryDirectory(prefix="gridmap-bench-", dir="/var/tmp") as name:
        Path(name).chmod(0o755)
        settings = Settings(data_dir=Path(name))
        for size in sizes():
            place = find_place(settings, f"living{size}")
            migrate(place)
            start = time.perf_counter()
            load_sample(place, SampleOrder(buildings=size), who="bench")
            loaded = time.perf_counter() - start
            rows.append([f"{size:,}", f"{loaded:.0f}", *_changes(place, Path(name))])
        Cluster(settings.data_dir).stop()
    body = table(
        ["buildings", "sample loaded s", "cells", "blocks touched", "cells renewed", "import s", "of it cells s"], rows
    )
    write_section("living", command("living"), body, ["shapely", "geopandas", "numpy"])
    print(body)


def _changes(place: Place, folder: Path) -> list[str]:
    whole, effect, blocks, renewed = [], [], [], []
    for run in range(RUNS):
        files = _files(place, folder, run)
        start = time.perf_counter()
        told = [
            import_file(place, ImportOrder(kind=kind, path=str(file)), who="bench", commit=True).effects["cells"]
            for kind, file in files.items()
        ]
        whole.append(time.perf_counter() - start)
        effect.append(sum(t["seconds"] for t in told))
        blocks.append(sum(t["blocks_touched"] for t in told))
        renewed.append(sum(t["cells_new"] for t in told))
    with engine_of(place).connect() as connection:
        cells = connection.exec_driver_sql("SELECT count(*) FROM gridmap.cell WHERE retired_at IS NULL").scalar_one()
    return [
        f"{cells:,}",
        str(statistics.median(blocks)),
        str(statistics.median(renewed)),
        f"{statistics.median(whole):.2f}",
        f"{statistics.median(effect):.2f}",
    ]


def _files(place: Place, folder: Path, run: int) -> dict[str, Path]:
    with engine_of(place).connect() as connection:
        srid = jurisdiction(connection).metric_srid
        live = base_store.read_live(connection, "buildings").to_crs(srid)
    rng = np.random.default_rng(run)
    chosen = live.sort_values("source_id").iloc[rng.choice(len(live), 65, replace=False)]
    shapes = [shapely.transform(g, lambda xy: xy + np.array([9.0, 13.0])) for g in chosen.geometry.to_numpy()[:50]]
    new = pd.DataFrame({"source_id": [f"new{run}-{k}" for k in range(50)], "use": "residential", "storeys": 6})
    gone = pd.DataFrame({"source_id": chosen["source_id"].iloc[50:60], "removed": True})
    grown = pd.DataFrame({"source_id": chosen["source_id"].iloc[60:], "use": "residential", "storeys": 6})
    frame = pd.concat([new, gone, grown], ignore_index=True)
    enlarged = shapely.buffer(chosen.geometry.to_numpy()[60:], 1.5, join_style="mitre")
    geometry = [*shapes, *chosen.geometry.to_numpy()[50:60], *enlarged]
    buildings = gpd.GeoDataFrame(frame, geometry=geometry, crs=srid).to_crs(4326)
    middle = chosen.geometry.iloc[0].centroid
    line = shapely.LineString([(middle.x - 120, middle.y + 20), (middle.x + 120, middle.y + 20)])
    street = gpd.GeoDataFrame(
        {"source_id": [f"street{run}"], "highway": ["residential"]}, geometry=[line], crs=srid
    ).to_crs(4326)
    files = {"buildings": folder / f"b{run}-{place.name}.gpkg", "streets": folder / f"s{run}-{place.name}.gpkg"}
    write_layer(buildings, files["buildings"], "buildings")
    write_layer(street, files["streets"], "streets")
    return files
