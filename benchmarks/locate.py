"""Points to grids: rasters beside trees, geopandas, and PostGIS, on the same worlds in the same run.

    ./dev bench locate                               300 and 20,000 grids, a million points
    GRIDMAP_BENCH_GRIDS=300 …                        other worlds

*Code only* is which grid covers the point; *full rule* has the building, the distance to the border, the flag and the
candidates, too, with 20 buildings in each grid.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
import timeit
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import shapely

from benchmarks.report import command, table, timed_s, write_section
from benchmarks.worlds import grids, points
from gridmap.core.locate import GridIndex, TreeCover
from gridmap.core.locate.raster import RasterCover
from gridmap.settings import Settings
from gridmap.store.cluster import Cluster
from gridmap.store.database import engine_of, find_place
from gridmap.store.migrate import migrate

RUNS = 5
POINTS = 1_000_000
SLOW_POINTS = 100_000
BUILDINGS_A_GRID = 20
EPSG = 4546


def main() -> None:
    """Measure and write the section."""
    rows: list[list[Any]] = []
    for count in (int(n) for n in os.environ.get("GRIDMAP_BENCH_GRIDS", "300,20000").split(",")):
        rows += _world(count)
    body = table(["grids", "job", "engine", "1 M points, ms", "times gridmap", "answers that differ"], rows)
    body += (
        f"\n\nMedians of {RUNS} interleaved runs. Slow engines were given {SLOW_POINTS:,} points; their time is shown "
        "for a million. Building an index is not in the times; it has its own rows."
    )
    write_section("locate", command("locate"), body, ["shapely", "geopandas", "numba", "numpy"])
    print(body)


def _world(count: int) -> list[list[Any]]:
    world = grids(count)
    xy = points(world, POINTS)
    x, y = np.ascontiguousarray(xy[:, 0]), np.ascontiguousarray(xy[:, 1])
    few = slice(0, SLOW_POINTS)
    RasterCover(world[:2]).owner(x[:9], y[:9])  # compiles
    built = statistics.median(timed_s(lambda: RasterCover(world)) for _ in range(RUNS))
    one, two, tree = RasterCover(world), RasterCover(world, threads=2), TreeCover(world)
    frame = gpd.GeoDataFrame({"row": np.arange(count)}, geometry=world, crs=4326)
    places = gpd.GeoDataFrame(geometry=shapely.points(x, y), crs=4326)
    right, _ = one.owner(x, y)

    def joined() -> Any:
        return gpd.sjoin(places, frame, predicate="within")["row"]

    with tempfile.TemporaryDirectory(prefix="gridmap-bench-", dir="/var/tmp") as name:
        Path(name).chmod(0o755)
        place = find_place(Settings(data_dir=Path(name)), "locate")
        migrate(place)
        with engine_of(place).connect() as connection:
            frame.to_postgis("g", connection, index=False)
            places.iloc[few].assign(i=np.arange(SLOW_POINTS)).to_postgis("p", connection, index=False)
            connection.exec_driver_sql("CREATE INDEX ON g USING gist (geometry)")
            connection.exec_driver_sql("ANALYZE g; ANALYZE p")
            connection.commit()

            def asked() -> Any:
                sql = "SELECT p.i, min(g.row) FROM p JOIN g ON ST_Covers(g.geometry, p.geometry) GROUP BY 1"
                return connection.exec_driver_sql(sql).all()

            engines: dict[str, tuple[Any, int]] = {
                "gridmap, 1 thread": (lambda: one.owner(x, y)[0], POINTS),
                "gridmap, 2 threads": (lambda: two.owner(x, y)[0], POINTS),
                "shapely STRtree + prepared, 1 thread": (lambda: tree.owner(x[few], y[few])[0], SLOW_POINTS),
                "geopandas sjoin(within)": (joined, POINTS),
                "PostGIS ST_Covers": (asked, SLOW_POINTS),
            }
            spent: dict[str, list[float]] = {name: [] for name in engines}
            said: dict[str, Any] = {}
            for _ in range(RUNS):
                for engine, (work, n) in engines.items():
                    start = time.perf_counter()
                    said[engine] = work()
                    spent[engine].append((time.perf_counter() - start) * POINTS / n)
        Cluster(Path(name)).stop()
    tree_said, joined_said = said["shapely STRtree + prepared, 1 thread"], said["geopandas sjoin(within)"]
    differ = {
        "gridmap, 1 thread": 0,
        "gridmap, 2 threads": int((said["gridmap, 2 threads"] != right).sum()),
        "shapely STRtree + prepared, 1 thread": int((tree_said != right[few]).sum()),
        "geopandas sjoin(within)": int((joined_said.to_numpy() != right[joined_said.index]).sum()),
        "PostGIS ST_Covers": sum(int(right[i] != row) for i, row in said["PostGIS ST_Covers"]),
    }
    base = statistics.median(spent["gridmap, 1 thread"])
    rows: list[list[Any]] = []
    for engine, times in spent.items():
        m = statistics.median(times)
        rows.append([f"{count:,}", "code only", engine, f"{1000 * m:.1f}", f"{m / base:.1f}", differ[engine]])
    rows.append([f"{count:,}", "code only", f"index built, {one.nbytes / 1e6:.1f} MB", f"{1000 * built:.0f}", "", ""])
    single = min(timeit.repeat(lambda: one.one(float(x[0]), float(y[0])), number=20_000, repeat=RUNS)) / 20_000
    rows.append([f"{count:,}", "code only", "one point in process, µs", f"{1e6 * single:.2f}", "", ""])
    return rows + _full(count, world, x, y)


def _full(count: int, world: Any, x: Any, y: Any) -> list[list[Any]]:
    rng = np.random.default_rng(count)
    middle = shapely.get_coordinates(shapely.centroid(world)).repeat(BUILDINGS_A_GRID, axis=0)
    corner = middle + rng.uniform(-0.002, 0.002, middle.shape) * (300 / count) ** 0.5
    houses = shapely.box(corner[:, 0], corner[:, 1], corner[:, 0] + 3e-4, corner[:, 1] + 1.2e-4)
    held = TreeCover(world).owner(*corner.T)[0]
    kept = held >= 0
    frame = gpd.GeoDataFrame(
        {"uid": np.arange(count), "code": [f"{i:06d}" for i in range(count)]}, geometry=world, crs=4326
    )
    buildings = gpd.GeoDataFrame(
        {"building_id": np.arange(kept.sum()), "grid_uid": held[kept]}, geometry=houses[kept], crs=4326
    )
    rows: list[list[Any]] = []
    found: dict[bool, Any] = {}
    base = 0.0
    for compiled, n in ((True, POINTS), (False, SLOW_POINTS)):
        GridIndex.build(frame.iloc[:2], metric_epsg=EPSG, compiled=compiled).locate_points(x[:9], y[:9])
        start = time.perf_counter()
        index = GridIndex.build(frame, metric_epsg=EPSG, buildings=buildings, compiled=compiled)
        built = time.perf_counter() - start
        spent = []
        for _ in range(RUNS):
            start = time.perf_counter()
            found[compiled] = index.locate_points(x[:n], y[:n])
            spent.append((time.perf_counter() - start) * POINTS / n)
        base = base or statistics.median(spent)
        name = "gridmap, compiled" if compiled else "gridmap, trees"
        differ = ""
        if not compiled:
            one, other = found[True], found[False]
            differ = str(
                int((one.uid[:n] != other.uid).sum() + (one.near_boundary[:n] != other.near_boundary).sum()
                    + (np.abs(one.boundary_m[:n] - other.boundary_m) > 1e-6).sum())
            )  # fmt: skip
        m = statistics.median(spent)
        rows.append([f"{count:,}", "full rule", name, f"{1000 * m:.0f}", f"{m / base:.1f}", differ])
        rows.append([f"{count:,}", "full rule", f"{name}: index built", f"{1000 * built:.0f}", "", ""])
    return rows


if __name__ == "__main__":
    main()
