"""Reach beside scipy, pandana, pgRouting and networkx: the same network, stations and buildings in the same run.

    GRIDMAP_REALDATA=FOLDER ./dev bench reach       Porto with 500,000 buildings, and a grid of a million streets
    GRIDMAP_BENCH_BUILDINGS=3000 ./dev bench reach  smaller, to see that it runs

900 s at 1.3 m/s. Buildings stand 8–60 m beside streets, as many to the metre everywhere; stations likewise. Every
engine gets the same seconds of the same arcs, stations as nodes of their own, and what is prepared before the clock
starts: what was attached, the matrix of scipy, pandana's contraction, the table and its indexes in pgRouting.
``scipy`` and ``networkx`` answer for buildings by one numpy step from the ends of their street; pandana knows only
nodes; pgRouting counts nodes in the server, so that no row has to travel.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pandana
import pandas as pd
import psycopg2
import shapely
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from benchmarks.report import SIZES_VARIABLE, command, sizes, table, timed_s, write_section
from gridmap.core.crs import metric_crs, project
from gridmap.core.network import Attacher, Attachments, WalkNetwork, WalkTimes, build_network, edge_lines, whole_steps
from gridmap.core.reach import (
    Legs,
    legs,
    nearest,
    pairs,
    polygon_error,
    reach_polygons,
    street_raster,
    time_field,
)
from gridmap.io.osm import read_osm
from gridmap.settings import Settings
from gridmap.store.cluster import Cluster
from gridmap.store.database import ensure_database, find_place

SPEED, LIMIT_S = 1.3, 900.0
BUILDINGS, STATIONS, DRAWN = 500_000, 1000, 20
RUNS = 7
#: Above this networkx takes minutes.
SMALL = 30_000
ROWS_AT_ONCE = 50
EXTRACT = "porto_portugal.osm.pbf"
STARTED = """
import sys, time
from benchmarks.reach import grid, things
import numpy as np
from gridmap.core.network.graph import whole_steps
from gridmap.core.reach import legs, nearest
times = grid(150_000)
rng = np.random.default_rng(0)
homes, stations = things(times.network, 100_000, rng), things(times.network, 100, rng)
begin = time.perf_counter()
nearest(times, stations, legs(times, homes), limit_s=900.0)
print(time.perf_counter() - begin)
"""


@dataclass
class Case:
    name: str
    times: WalkTimes
    stations: Attachments
    homes: Legs
    home_things: Attachments

    @property
    def network(self) -> WalkNetwork:
        return self.times.network


def porto(buildings: int) -> Case:
    streets = read_osm(Path(os.environ["GRIDMAP_REALDATA"]) / EXTRACT).streets
    epsg, _ = metric_crs(*streets.total_bounds)
    network = build_network(project(streets, epsg).assign(id=range(len(streets))))
    return case("Porto", plain_times(network), buildings, STATIONS)


def case(name: str, times: WalkTimes, buildings: int, stations: int) -> Case:
    rng = np.random.default_rng(0)
    homes = things(times.network, buildings, rng)
    return Case(
        f"{name}, {times.network.edges:,} edges, {buildings:,} buildings, {stations:,} stations",
        times, things(times.network, stations, rng), legs(times, homes), homes,
    )  # fmt: skip


def plain_times(network: WalkNetwork) -> WalkTimes:
    seconds = whole_steps(network.edge_length_m / SPEED)
    return WalkTimes(network, SPEED, seconds, seconds, seconds[network.arc_edge])


def grid(edges: int) -> WalkTimes:
    """A disturbed square grid with 15 % of its streets left out, numbered along the Morton curve."""
    rng = np.random.default_rng(1)
    side = int(np.sqrt(edges / 1.7))
    column, row = (v.ravel() for v in np.meshgrid(np.arange(side), np.arange(side)))
    code = sum(((column >> k & 1) << 2 * k) | ((row >> k & 1) << 2 * k + 1) for k in range(16))
    order = np.argsort(code)
    number = np.empty(len(order), np.int64)
    number[order] = np.arange(len(order))
    place = np.column_stack([column, row])[order] * 100.0 + rng.uniform(-30, 30, (len(order), 2))
    at = number.reshape(side, side)
    a = np.concatenate([at[:, :-1].ravel(), at[:-1].ravel()])
    b = np.concatenate([at[:, 1:].ravel(), at[1:].ravel()])
    keep = rng.random(len(a)) > 0.15
    u, v = np.minimum(a, b)[keep], np.maximum(a, b)[keep]
    by_place = np.lexsort((v, u))
    u, v = u[by_place].astype(np.int32), v[by_place].astype(np.int32)
    count, nodes = len(u), len(place)
    tail, edge = np.concatenate([u, v]), np.tile(np.arange(count, dtype=np.int32), 2)
    arc = np.argsort(tail, kind="stable")
    start = np.zeros(nodes + 1, np.int32)
    np.cumsum(np.bincount(tail, minlength=nodes), out=start[1:])
    network = WalkNetwork(
        epsg=32629, node_xy=place, edge_u=u, edge_v=v, edge_length_m=np.hypot(*(place[u] - place[v]).T),
        edge_steps=np.zeros(count, bool), edge_rise_m=np.full(count, np.nan),
        edge_street=np.arange(count), edge_from_m=np.zeros(count),
        xy=np.stack([place[u], place[v]], axis=1).reshape(-1, 2), xy_start=2 * np.arange(count + 1),
        component=np.zeros(nodes, np.int32),
        arc_start=start, arc_head=np.concatenate([v, u])[arc], arc_edge=edge[arc],
        arc_forward=(np.arange(2 * count) < count)[arc], version="grid",
    )  # fmt: skip
    return plain_times(network)


def things(network: WalkNetwork, count: int, rng: np.random.Generator) -> Attachments:
    share = network.edge_length_m / network.edge_length_m.sum()
    edge = rng.choice(network.edges, count, p=share).astype(np.int32)
    along, off = rng.random(count) * network.edge_length_m[edge], rng.uniform(8, 60, count)
    lines = edge_lines(network, edge)
    at = shapely.get_coordinates(shapely.line_interpolate_point(lines, along))
    ahead = shapely.get_coordinates(shapely.line_interpolate_point(lines, along - 0.5 + (along < 1)))
    way = (ahead - at) / np.maximum(np.hypot(*(ahead - at).T), 1e-9)[:, None]
    side = np.column_stack([-way[:, 1], way[:, 0]]) * (off * rng.choice([-1, 1], count))[:, None]
    return Attachments(
        count=count, thing=np.arange(count, dtype=np.int32), edge=edge, along_m=along, off_m=off,
        via=np.zeros(count, np.uint8), gate_xy=np.full((count, 2), np.nan), reason=np.zeros(count, np.uint8),
        nearest_m=off, enclosure=np.full(count, -1, np.int32), xy=at + side,
    )  # fmt: skip


class Scipy:
    """Stations are nodes after those of the network; of parallel arcs the shortest."""

    def __init__(self, one: Case) -> None:
        network, stations = one.network, legs(one.times, one.stations)
        self.case, nodes, count = one, network.nodes, one.stations.count
        arcs = pd.DataFrame(
            {
                "a": np.concatenate([np.repeat(np.arange(nodes), np.diff(network.arc_start)),
                                     np.tile(nodes + stations.thing, 2)]),
                "b": np.concatenate([network.arc_head, network.edge_u[stations.edge], network.edge_v[stations.edge]]),
                "s": np.concatenate([one.times.arc_to_s.astype(float), stations.from_u / 1024, stations.from_v / 1024]),
            }
        ).groupby(["a", "b"], as_index=False)["s"].min()  # fmt: skip
        size = nodes + count
        self.matrix = csr_array((arcs["s"], (arcs["a"], arcs["b"])), shape=(size, size))
        self.arcs, self.sources, self.stations = arcs, np.arange(nodes, size), stations
        homes = one.homes
        self.u, self.v = network.edge_u[homes.edge], network.edge_v[homes.edge]
        self.to_u, self.to_v = homes.rows[:, 0] / 1024, homes.rows[:, 1] / 1024

    def nodes(self) -> Any:
        return dijkstra(self.matrix, indices=self.sources, min_only=True, limit=LIMIT_S)

    def at_homes(self, reach: Any) -> Any:
        seconds = np.minimum(reach[self.u] + self.to_u, reach[self.v] + self.to_v)
        out = np.full(self.case.home_things.count, np.inf)
        out[self.case.homes.thing] = np.where(seconds <= LIMIT_S, seconds, np.inf)
        return out

    def nearest(self) -> Any:
        return self.at_homes(self.nodes())

    def pairs(self) -> int:
        """Reached nodes of each station; buildings not asked for."""
        found = 0
        for first in range(0, len(self.sources), ROWS_AT_ONCE):
            reach = dijkstra(self.matrix, indices=self.sources[first : first + ROWS_AT_ONCE], limit=LIMIT_S)
            found += int(np.isfinite(reach).sum())
        return found


class Pandana:
    """Whole network contracted and ranges precomputed; stations and buildings at their nearest node."""

    def __init__(self, one: Case) -> None:
        network = one.network
        weight = pd.DataFrame({"s": one.times.forward_s.astype(float)})
        self.network = pandana.Network(
            pd.Series(network.node_xy[:, 0]), pd.Series(network.node_xy[:, 1]),
            pd.Series(network.edge_u), pd.Series(network.edge_v), weight,
        )  # fmt: skip
        self.network.precompute(LIMIT_S)
        self.x, self.y = (pd.Series(v) for v in one.stations.xy.T)
        self.at = self.network.get_node_ids(self.x, self.y)
        self.homes = self.network.get_node_ids(*(pd.Series(v) for v in one.home_things.xy.T)).to_numpy()

    def nearest(self) -> Any:
        self.network.set_pois("station", LIMIT_S, 1, self.x, self.y)
        found = self.network.nearest_pois(LIMIT_S, "station", num_pois=1)
        return found[1].to_numpy()[self.homes]

    def pairs(self) -> int:
        return len(self.network.nodes_in_range(self.at.tolist(), LIMIT_S))


class PgRouting:
    """The edges in a table of a private cluster; stations are nodes of their own."""

    def __init__(self, one: Case, peer: Scipy, url: str) -> None:
        self.connection = psycopg2.connect(url)
        self.connection.autocommit = True
        self.cursor = self.connection.cursor()
        self.cursor.execute("CREATE EXTENSION IF NOT EXISTS postgis; CREATE EXTENSION IF NOT EXISTS pgrouting")
        network, stations = one.network, peer.stations
        nodes = network.nodes
        rows = pd.DataFrame(
            {
                "source": np.concatenate([network.edge_u, np.tile(nodes + stations.thing, 2)]),
                "target": np.concatenate(
                    [network.edge_v, network.edge_u[stations.edge], network.edge_v[stations.edge]]
                ),
                "cost": np.concatenate([one.times.forward_s, stations.from_u / 1024, stations.from_v / 1024]),
            }
        )
        rows["back"] = np.where(rows["source"] >= nodes, -1.0, rows["cost"])
        self.cursor.execute(
            "DROP TABLE IF EXISTS way; "
            "CREATE TABLE way (id bigint, source bigint, target bigint, cost float8, reverse_cost float8)"
        )
        with tempfile.TemporaryFile("w+") as file:
            rows.to_csv(file, header=False)
            file.seek(0)
            self.cursor.copy_expert("COPY way FROM STDIN (FORMAT csv)", file)
        self.cursor.execute("CREATE INDEX ON way (source)")
        self.cursor.execute("CREATE INDEX ON way (target)")
        self.cursor.execute("ANALYZE way")
        self.starts = peer.sources.tolist()

    def asked(self, equicost: str) -> int:
        self.cursor.execute(
            "SELECT count(*) FROM pgr_drivingDistance("
            "'SELECT id, source, target, cost, reverse_cost FROM way', %s, %s, directed => true, equicost => %s)",
            (self.starts, LIMIT_S, equicost == "yes"),
        )
        return int(self.cursor.fetchone()[0])

    def nearest(self) -> int:
        return self.asked("yes")

    def pairs(self) -> int:
        return self.asked("no")


class Networkx:
    """Dictionaries; only where the network is small."""

    def __init__(self, peer: Scipy) -> None:
        self.peer = peer
        self.graph = nx.DiGraph()
        arcs = peer.arcs
        self.graph.add_weighted_edges_from(
            zip(arcs["a"].tolist(), arcs["b"].tolist(), arcs["s"].tolist(), strict=True), weight="s"
        )

    def nearest(self) -> Any:
        found = nx.multi_source_dijkstra_path_length(self.graph, self.peer.sources.tolist(), cutoff=LIMIT_S, weight="s")
        reach = np.full(self.peer.matrix.shape[0], np.inf)
        reach[list(found)] = list(found.values())
        return self.peer.at_homes(reach)


def interleaved(works: dict[str, Callable[[], object]], runs: int) -> dict[str, float]:
    """Return median milliseconds of each, after one run that does not count."""
    for work in works.values():
        work()
    seconds: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(runs):
        for name, work in works.items():
            seconds[name].append(timed_s(work))
    return {name: 1000 * statistics.median(values) for name, values in seconds.items()}


def searched(one: Case, url: str | None, *, large: bool) -> Iterator[list[str]]:
    """Measure one network; the largest without pandana, whose contraction of a grid takes minutes."""
    peer = Scipy(one)
    ours = nearest(one.times, one.stations, one.homes, limit_s=LIMIT_S)
    # The numpy step of the peers knows no walk along a street on which a station itself stands.
    apart = np.isin(one.home_things.edge, one.stations.edge, invert=True)
    differ = int((ours.seconds != peer.nearest().astype(np.float32))[apart].sum())
    engines: dict[str, Any] = {"scipy": peer}
    if not large:
        engines["pandana"] = Pandana(one)
    if url is not None:
        engines["pgRouting"] = PgRouting(one, peer, url)
    if one.network.edges <= SMALL:
        engines["networkx"] = Networkx(peer)
    works = {"gridmap": lambda: nearest(one.times, one.stations, one.homes, limit_s=LIMIT_S)}
    yield from rows_of(one.name, "nearest station", works | {n: e.nearest for n, e in engines.items()})
    yield [one.name, f"differ from scipy, of {int(apart.sum()):,} not on the street of a station", "", str(differ), ""]
    reach = pairs(one.times, one.stations, one.homes, limit_s=LIMIT_S)
    whole = {
        "gridmap, 2 threads": lambda: pairs(one.times, one.stations, one.homes, limit_s=LIMIT_S, threads=2),
        "gridmap, 1 thread": lambda: pairs(one.times, one.stations, one.homes, limit_s=LIMIT_S, threads=1),
    }
    others = {f"{n}, nodes only": e.pairs for n, e in engines.items() if hasattr(e, "pairs")}
    yield from rows_of(one.name, f"all {len(reach.building):,} pairs", whole | others)
    held = sum(
        a.nbytes for a in (one.network.arc_start, one.network.arc_head, one.times.arc_to_s, one.network.arc_edge)
    )
    homes = sum(np.asarray(a).nbytes for a in one.homes)
    yield [one.name, "memory MB", "arcs / legs of buildings", f"{held / 1e6:.1f} / {homes / 1e6:.1f}", ""]


def rows_of(name: str, job: str, works: dict[str, Callable[[], object]]) -> Iterator[list[str]]:
    found = interleaved(works, RUNS)
    own = next(iter(found.values()))
    for engine, ms in found.items():
        yield [name, job, engine, f"{ms:.1f}", f"{ms / own:.1f}"]


def moved(one: Case) -> list[str]:
    """Every second run the first station stands elsewhere, and everything that hangs on stations is done again."""
    network, things_ = one.network, one.stations
    edge = things_.edge.copy()
    state = {"turn": 0}

    def work() -> None:
        state["turn"] += 1
        edge[0] = (things_.edge[0] + state["turn"]) % network.edges
        there = Attachments(
            things_.count, things_.thing, edge, np.minimum(things_.along_m, network.edge_length_m[edge]), things_.off_m,
            things_.via, things_.gate_xy, things_.reason, things_.nearest_m, things_.enclosure, things_.xy,
        )  # fmt: skip
        nearest(one.times, there, one.homes, limit_s=LIMIT_S)

    return [one.name, "one station moved", "gridmap", f"{interleaved({'': work}, RUNS)['']:.1f}", ""]


def drawn(one: Case) -> Iterator[list[str]]:
    """Measure areas at 10 m for some stations, with the raster made before."""
    homes = Attacher(one.network).attach(one.home_things.xy)
    timed = legs(one.times, homes)
    some = [k for k in range(one.stations.count) if one.stations.reason[k] == 0][:DRAWN]
    reach_m = LIMIT_S * SPEED + 300
    rasters, milliseconds, wrong, truly = [], [], [0, 0], 0
    made = 0.0
    for k in some:
        x, y = one.stations.xy[k]
        bounds = (x - reach_m, y - reach_m, x + reach_m, y + reach_m)
        station = alone(one.stations, k)
        if not rasters:
            street_raster(one.network, bounds=bounds)
        made += timed_s(lambda b=bounds: rasters.append(street_raster(one.network, bounds=b)))

        def work(station: Attachments = station) -> Any:
            return reach_polygons(time_field(one.times, station, limit_s=LIMIT_S, raster=rasters[-1]), [LIMIT_S])[0]

        area = work()
        milliseconds += [1000 * timed_s(work) for _ in range(RUNS)]
        seconds = nearest(one.times, station, timed, limit_s=LIMIT_S).seconds
        error = polygon_error(area, homes.xy, seconds, LIMIT_S)
        wrong = [wrong[0] + error.false_in, wrong[1] + error.false_out]
        truly += error.truly_covered
    yield [one.name, "area of a station at 10 m", "gridmap", f"{statistics.median(milliseconds):.1f}", ""]
    yield [one.name, "street places around a station, once", "gridmap", f"{1000 * made / len(some):.0f}", ""]
    share = f"{100 * wrong[0] / max(truly, 1):.2f} + {100 * wrong[1] / max(truly, 1):.2f} %"
    yield [one.name, f"false in + false out of {truly:,}", "gridmap", share, ""]


def alone(stations: Attachments, k: int) -> Attachments:
    row = stations.thing == k
    return Attachments(
        1, np.zeros(int(row.sum()), np.int32), stations.edge[row], stations.along_m[row], stations.off_m[row],
        stations.via[row], stations.gate_xy[row], stations.reason[[k]], stations.nearest_m[[k]],
        stations.enclosure[[k]], stations.xy[[k]],
    )  # fmt: skip


def first_answer() -> list[str]:
    """Measure a new process that has compiled before: timing 100,000 buildings and the first search."""
    done = [
        float(subprocess.run([sys.executable, "-c", STARTED], check=True, capture_output=True, text=True).stdout)
        for _ in range(RUNS)
    ]
    return [
        "grid",
        "first answer for 100,000 buildings after imports",
        "gridmap",
        f"{1000 * statistics.median(done):.0f}",
        "",
    ]


def routing_database(folder: Path) -> str | None:
    """Return a database of a private cluster; None where pgRouting is not installed on this machine."""
    place = find_place(Settings(data_dir=folder), "reach")
    url = place.url.replace("postgresql+psycopg2", "postgresql")
    Cluster(folder).ensure_running()
    ensure_database(place)
    connection = psycopg2.connect(url)
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_available_extensions WHERE name = 'pgrouting'")
        there = cursor.fetchone() is not None
    connection.close()
    return url if there else None


def main() -> None:
    """Measure and write the section."""
    buildings = sizes()[-1] if SIZES_VARIABLE in os.environ else BUILDINGS
    stations = min(STATIONS, max(buildings // 20, 1))
    rows: list[list[str]] = []
    notes = []
    with tempfile.TemporaryDirectory(prefix="gridmap-bench-", dir="/var/tmp") as name:
        Path(name).chmod(0o755)
        url = routing_database(Path(name))
        if url is None:
            notes.append("pgRouting is not installed here (package postgresql-15-pgrouting).")
        if os.environ.get("GRIDMAP_REALDATA"):
            one = porto(buildings)
            rows += [*searched(one, url, large=False), moved(one), *drawn(one)]
        else:
            notes.append("Porto is measured where GRIDMAP_REALDATA names the folder of extracts.")
        one = case("grid", grid(2 * buildings), buildings, stations)
        rows += [*searched(one, url, large=one.network.edges > SMALL), moved(one)]
        Cluster(Path(name)).stop()
    rows.append(first_answer())
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    notes.append(f"Milliseconds, medians of {RUNS} interleaved runs. Peak memory, peers included: {peak_mb:,.0f} MB.")
    body = table(["network", "job", "engine", "ms", "times gridmap"], rows) + "\n\n" + " ".join(notes)
    write_section("reach", command("reach"), body, ["numba", "scipy", "pandana", "networkx", "contourpy"])
    print(body)


if __name__ == "__main__":
    main()
