"""The machine, the versions, and the file in which figures stand."""

from __future__ import annotations

import datetime as dt
import importlib.metadata
import os
import platform
import re
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path

RESULTS = Path(__file__).parent / "RESULTS.md"
HEAD = """# Figures

Every figure here was measured by the command that stands with it; `./dev bench NAME` renews its section. Medians of
interleaved runs; peers in the same run on the same input. Read ratios: machines differ.
"""


SIZES_VARIABLE = "GRIDMAP_BENCH_BUILDINGS"
PEER_VARIABLE = "GRIDMAP_BENCH_PEER_S"


def sizes() -> tuple[int, ...]:
    """Return the sizes of sample towns to measure: 3,000 buildings, or those in GRIDMAP_BENCH_BUILDINGS."""
    return tuple(int(text) for text in os.environ.get(SIZES_VARIABLE, "3000").split(","))


def peer_limit_s() -> float:
    """Return the seconds after which a run of a peer is stopped: ten minutes, or those in GRIDMAP_BENCH_PEER_S."""
    return float(os.environ.get(PEER_VARIABLE, "600"))


def command(name: str) -> str:
    """Return the command that measures ``name`` as it is measured now."""
    given = [f"{v}={os.environ[v]}" for v in (SIZES_VARIABLE, PEER_VARIABLE) if v in os.environ]
    given += ["GRIDMAP_REALDATA=FOLDER"] if os.environ.get("GRIDMAP_REALDATA") else []
    return " ".join([*given, f"./dev bench {name}"])


def median_s(work: Callable[[], object], *, runs: int) -> float:
    """Run something several times and return the median in seconds."""
    return statistics.median(timed_s(work) for _ in range(runs))


def timed_s(work: Callable[[], object]) -> float:
    """Run something once and return the seconds."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a Markdown table."""
    lines = ["| " + " | ".join(map(str, row)) + " |" for row in [header, ["---"] * len(header), *rows]]
    return "\n".join(lines)


def machine() -> str:
    """Return processor, cores, memory, system and Python."""
    model = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    memory = re.search(r"MemTotal:\s*(\d+)", Path("/proc/meminfo").read_text())
    gib = int(memory.group(1)) / 2**20 if memory else 0
    return (
        f"{model.group(1).strip() if model else platform.processor()}, {os.cpu_count()} cores, {gib:.0f} GiB, "
        f"{platform.system()}, Python {platform.python_version()}"
    )


def write_section(name: str, command: str, body: str, packages: Sequence[str]) -> None:
    """Put a section into RESULTS.md in place of the one of that name."""
    versions = ", ".join(f"{p} {importlib.metadata.version(p)}" for p in packages)
    text = RESULTS.read_text(encoding="utf-8") if RESULTS.exists() else HEAD
    section = (
        f"## {name}\n\n`{command}` · {dt.datetime.now(dt.UTC).date()} · {machine()} · {versions}\n\n{body.strip()}\n"
    )
    pattern = re.compile(rf"^## {re.escape(name)}\n.*?(?=^## |\Z)", re.MULTILINE | re.DOTALL)
    text = pattern.sub("", text).rstrip() + "\n\n" + section
    sections = re.split(r"^(?=## )", text, flags=re.MULTILINE)
    RESULTS.write_text("\n".join([sections[0].rstrip() + "\n", *(s.rstrip() + "\n" for s in sorted(sections[1:]))]))
