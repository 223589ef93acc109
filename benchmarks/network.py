"""Building the walking network of Porto, and attaching 100,000 buildings beside shapely's STRtree."""

from __future__ import annotations

import os
import statistics
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import shapely

from benchmarks.report import command, median_s, table, timed_s, write_section
from gridmap.core.crs import metric_crs, project
from gridmap.core.network import (
    Attacher,
    Attachments,
    Barriers,
    Enclosures,
    WalkNetwork,
    build_network,
    edge_lines,
    islands,
)
from gridmap.io.osm import read_osm

RUNS = 5
BUILDINGS = 100_000
#: Barriers that are not in the extract: as many walled estates, ponds and railways as a large city has.
ESTATES, PONDS, RAILWAYS = 500, 300, 40
FILE = "porto_portugal.osm.pbf"


def main() -> None:
    """Measure and write the section."""
    folder = os.environ.get("GRIDMAP_REALDATA")
    if not folder:
        print("name the folder of the extracts in GRIDMAP_REALDATA")
        return
    streets = _streets(Path(folder) / FILE)
    network = build_network(streets)
    built = median_s(lambda: build_network(streets), runs=RUNS)
    biggest = float((network.component == 0).mean())
    building = table(
        ["streets", "nodes", "edges", "km", "islands", "nodes in the largest part", "build s"],
        [
            [
                f"{len(streets):,}",
                f"{network.nodes:,}",
                f"{network.edges:,}",
                f"{network.edge_length_m.sum() / 1000:,.0f}",
                f"{len(islands(network)):,}",
                f"{biggest:.1%}",
                f"{built:.2f}",
            ]
        ],
    )
    body = f"Walking network of Porto (OpenStreetMap):\n\n{building}\n\n{_attaching(network)}"
    write_section("network", command("network"), body, ["shapely", "numba", "numpy", "scipy"])
    print(body)


def _streets(file: Path) -> gpd.GeoDataFrame:
    extract = read_osm(file)
    epsg, _ = metric_crs(*extract.streets.total_bounds)
    return project(extract.streets, epsg).assign(id=lambda frame: np.arange(len(frame)))


def _places(network: WalkNetwork, count: int, rng: np.random.Generator, *, off: tuple[float, float]) -> Any:
    """Places beside streets, on them in proportion to their length, ``off`` metres away."""
    edge = rng.choice(network.edges, count, p=network.edge_length_m / network.edge_length_m.sum())
    on = shapely.line_interpolate_point(edge_lines(network, edge), rng.random(count), normalized=True)
    angle, away = rng.random(count) * 2 * np.pi, rng.uniform(*off, count)
    return shapely.get_coordinates(on) + np.column_stack([np.cos(angle), np.sin(angle)]) * away[:, None]


def _attaching(network: WalkNetwork) -> str:
    rng = np.random.default_rng(0)
    places = _places(network, BUILDINGS, rng, off=(8, 60))
    middles = _places(network, ESTATES, rng, off=(60, 120))
    estates = shapely.box(*(middles - 55).T, *(middles + 55).T)
    ponds = shapely.buffer(shapely.points(_places(network, PONDS, rng, off=(40, 80))), 25)
    ends = _places(network, RAILWAYS, rng, off=(0, 500))
    rail = shapely.linestrings(np.stack([ends, ends + rng.normal(0, 1500, ends.shape)], axis=1))
    barriers = Barriers(water=ponds, rail=rail)
    enclosures = Enclosures(estates, np.split(middles + np.array([55.0, 0.0]), ESTATES))

    def ours(*, barred: bool) -> Any:
        ready = Attacher(network, barriers=barriers if barred else None, enclosures=enclosures if barred else None)
        return ready.attach(places)

    def peer() -> Any:
        points, lines = shapely.points(places), edge_lines(network)
        (row, edge), metres = shapely.STRtree(lines).query_nearest(points, return_distance=True, all_matches=False)
        return edge, shapely.line_locate_point(lines[edge], points[row]), metres

    free, barred, (_, _, metres) = ours(barred=False), ours(barred=True), peer()
    assert np.abs(free.off_m - metres).max() < 1e-6
    times: dict[str, list[float]] = {"shapely": [], "free": [], "barred": [], "one": []}
    ready = Attacher(network, barriers=barriers, enclosures=enclosures)
    for _ in range(RUNS):
        times["shapely"].append(timed_s(peer))
        times["free"].append(timed_s(lambda: ours(barred=False)))
        times["barred"].append(timed_s(lambda: ours(barred=True)))
        times["one"].append(timed_s(lambda: ready.attach(places[:1])))
    seconds = {name: statistics.median(values) for name, values in times.items()}
    rows = [
        ["gridmap, no barriers", seconds["free"], "same metres as shapely (1e-6)"],
        [
            "gridmap, walls, water, railways",
            seconds["barred"],
            f"{_longer(barred, free):,} rows lead round a barrier, {int((barred.reason > 0).sum()):,} have none",
        ],
        ["shapely STRtree.query_nearest + line_locate_point", seconds["shapely"], "crosses whatever is in its way"],
    ]
    told = table(
        ["engine", "s", "× gridmap", "answer"],
        [[name, f"{s:.2f}", f"{s / seconds['barred']:.1f}", note] for name, s, note in rows],
    )
    return (
        f"Attaching {BUILDINGS:,} buildings, index included; {ESTATES} walled estates with a gate each, {PONDS} ponds, "
        f"{RAILWAYS} railways; medians of {RUNS} interleaved runs:\n\n{told}\n\n"
        f"One building more, index at hand: {seconds['one'] * 1000:.1f} ms."
    )


def _longer(barred: Attachments, free: Attachments) -> int:
    return int((barred.off_m > free.off_m[barred.thing] + 1e-6).sum())


if __name__ == "__main__":
    main()
