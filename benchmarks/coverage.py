"""What an answer about coverage costs in the server, what a dragged station costs, and a start from nothing."""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.report import command, sizes, table, write_section
from gridmap.services.kernels import keep_kernels_in

RUNS = 5
MINUTES = (5.0, 10.0, 15.0, 20.0, 12.0)
_START = """
import json, sys, time
begin = time.perf_counter()
from pathlib import Path
from gridmap.services.kernels import keep_kernels_in
keep_kernels_in(Path(sys.argv[1]))
from gridmap.services.coverage import Question, coverage
from gridmap.services.walking import Walker
from gridmap.settings import Settings
from gridmap.store.database import find_place
imported = time.perf_counter()
walker = Walker(find_place(Settings(data_dir=Path(sys.argv[1])), sys.argv[2]), keep_in=Path(sys.argv[1]))
walker.town()
loaded = time.perf_counter()
answer = coverage(walker, Question())
print(json.dumps([imported - begin, loaded - imported, time.perf_counter() - loaded]))
"""


def main() -> None:
    """Measure and write the section."""
    rows: list[list[Any]] = []
    starts: list[list[Any]] = []
    with tempfile.TemporaryDirectory(prefix="gridmap-bench-", dir="/var/tmp") as name:
        folder = Path(name)
        folder.chmod(0o755)
        keep_kernels_in(folder)
        for size in sizes():
            answers, start = _measured(folder, size)
            rows.append([f"{size:,}", *answers])
            starts.append([f"{size:,}", *start])
    body = table(
        [
            "buildings", "another limit ms", "another kind ms", "gaps ms", "times of all buildings ms", "area ms",
            "area, first ms", "station moved ms", "one way ms", "siting ms", "memory MB",
        ],
        rows,
    )  # fmt: skip
    body += "\n\nA start from nothing, medians in seconds (kernels are compiled):\n\n" + table(
        ["buildings", "interpreter and imports", "town into memory", "first answer", "together", "first attaching"],
        starts,
    )
    write_section("coverage", command("coverage"), body, ["numba", "numpy", "shapely"])
    print(body)


def _measured(folder: Path, size: int) -> tuple[list[str], list[str]]:
    from gridmap.services.sample import SampleOrder, load_sample
    from gridmap.services.walking import Walker
    from gridmap.settings import Settings
    from gridmap.store.cluster import Cluster
    from gridmap.store.database import find_place
    from gridmap.store.migrate import migrate

    settings = Settings(data_dir=folder)
    place = find_place(settings, f"coverage{size}")
    migrate(place)
    load_sample(place, SampleOrder(buildings=size), who="bench")
    begin = time.perf_counter()
    walker = Walker(place)
    walker.town()
    attached = time.perf_counter() - begin
    answers = _answers(walker)
    start = _start(folder, place.name)
    Cluster(folder).stop()
    return answers, [*start, f"{attached:.2f}"]


def _answers(walker: Any) -> list[str]:
    from gridmap.services import coverage as service
    from gridmap.services.looking import Question
    from gridmap.services.siting import SitingOrder, propose

    town = walker.town()
    rng = np.random.default_rng(1)
    service.what_if(walker, Question(), [{"op": "close", "station": town.today.stations[0].code}])
    propose(walker, SitingOrder(count=5))
    # the first drawing makes the raster, all later ones use it
    first = _ms(lambda k: service.area(walker, Question(minutes=9 + k), each=(5, 10, 15)), runs=1)
    spots = town.lonlat(town.network.node_xy[rng.integers(0, town.network.nodes, RUNS + 1)])

    def moved(k: int) -> None:
        lon, lat = spots[k]
        change = {"op": "move", "station": town.today.stations[0].code, "lon": float(lon), "lat": float(lat)}
        service.what_if(walker, Question(), [change])

    kinds = sorted({station.kind for station in town.today.stations})
    homes = rng.choice(town.homes.ids, RUNS)
    return [
        f"{_ms(lambda k: service.coverage(walker, Question(minutes=MINUTES[k] + 0.1))):.1f}",
        f"{_ms(lambda k: service.coverage(walker, Question(kinds=(kinds[k % len(kinds)],), minutes=11 + k))):.1f}",
        f"{_ms(lambda k: service.gaps(walker, Question(minutes=MINUTES[k] + 0.1))):.1f}",
        f"{_ms(lambda k: service.buildings(walker, Question(minutes=MINUTES[k] + 0.1))):.1f}",
        f"{_ms(lambda k: service.area(walker, Question(minutes=20 + k), each=(5, 10, 15, 20))):.1f}",
        f"{first:.0f}",
        f"{_ms(moved):.1f}",
        f"{_ms(lambda k: service.route(walker, Question(), building=int(homes[k]))):.1f}",
        f"{_ms(lambda k: propose(walker, SitingOrder(count=5 + k))):.1f}",
        f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f}",
    ]


def _ms(work: Callable[[int], object], *, runs: int = RUNS) -> float:
    taken = []
    for k in range(runs):
        begin = time.perf_counter()
        work(k)
        taken.append(time.perf_counter() - begin)
    return 1000 * statistics.median(taken)


def _start(folder: Path, database: str) -> list[str]:
    taken = []
    for _ in range(RUNS):
        begin = time.perf_counter()
        said = subprocess.run(
            [sys.executable, "-c", _START, str(folder), database],
            env={**os.environ, "NUMBA_CACHE_DIR": str(folder / "numba")},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        parts = json.loads(said)
        taken.append([*parts, time.perf_counter() - begin])
    _, loaded, answered, together = (statistics.median(column) for column in zip(*taken, strict=True))
    return [f"{together - loaded - answered:.2f}", f"{loaded:.2f}", f"{answered:.2f}", f"{together:.2f}"]


if __name__ == "__main__":
    main()
