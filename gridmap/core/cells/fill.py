"""Divide many blocks, in this process or in several: the result is the same to the byte."""

from __future__ import annotations

import multiprocessing
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely

from gridmap.core.cells.coverage import Geometries, Ints
from gridmap.core.cells.parcels import divide_block
from gridmap.core.cells.settings import CellSettings
from gridmap.model.progress import Progress
from gridmap.model.text import Text

__all__ = ["Filled", "Pool", "fill_blocks", "pool_for"]

_WORTH_PROCESSES = 3_000
_CHUNK = 400


@dataclass(frozen=True, slots=True)
class Filled:
    """Cells of blocks: polygon, block number, outline number (negative: ``OPEN`` or ``SYNTHETIC``)."""

    polygon: Geometries
    block: Ints
    outline: Ints


@dataclass(frozen=True, slots=True)
class Pool:
    """Processes that divide blocks."""

    executor: ProcessPoolExecutor
    processes: int


@contextmanager
def pool_for(outlines: int, processes: int) -> Iterator[Pool | None]:
    """Start processes for a town of so many outlines, if it is worth it; they get ready while others work."""
    if processes <= 1 or outlines < _WORTH_PROCESSES:
        yield None
        return
    with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn")) as executor:
        for _ in range(processes):
            executor.submit(_divide, [])
        yield Pool(executor, processes)


def fill_blocks(
    blocks: Geometries,
    outlines: Geometries,
    lives_in: Ints,
    settings: CellSettings,
    *,
    pool: Pool | None = None,
    progress: Progress,
    cap_m2: float | None = None,
) -> Filled:
    """Divide every block among the outlines that live in it (``lives_in``: block of each outline)."""
    order = np.argsort(lives_in, kind="stable")
    low = np.searchsorted(lives_in[order], np.arange(len(blocks)))
    high = np.searchsorted(lives_in[order], np.arange(len(blocks)), side="right")
    rows = [order[a:b] for a, b in zip(low, high, strict=True)]
    size = high - low
    biggest_first = np.argsort(-size, kind="stable")
    total = float(size.sum() + len(blocks)) or 1.0
    done = 0.0
    cells: list[Geometries] = [np.zeros(0, dtype=object)] * len(blocks)
    owner: list[Ints] = [np.zeros(0, dtype=np.int64)] * len(blocks)
    jobs = _jobs(biggest_first, blocks, outlines, rows, settings, cap_m2)
    for numbers, made in _run(jobs, pool if size.sum() >= _WORTH_PROCESSES else None):
        for number, (polygon, label) in zip(numbers, made, strict=True):
            cells[number] = shapely.from_wkb(polygon)
            owner[number] = np.where(label >= 0, rows[number][np.maximum(label, 0)] if size[number] else 0, label)
            done += float(size[number]) + 1
        progress(done / total, Text("划分基本单元", "dividing blocks into cells"))
    return Filled(
        np.concatenate([np.zeros(0, dtype=object), *cells]),
        np.repeat(np.arange(len(blocks)), [len(c) for c in cells]),
        np.concatenate([np.zeros(0, dtype=np.int64), *owner]),
    )


_Work = tuple[bytes, Any, CellSettings, float | None]
_Job = tuple[list[int], list[_Work]]
_Made = list[tuple[Any, Ints]]


def _jobs(
    order: Ints,
    blocks: Geometries,
    outlines: Geometries,
    rows: list[Ints],
    settings: CellSettings,
    cap_m2: float | None,
) -> Iterator[_Job]:
    """Bundle blocks; geometry travels as WKB in every case, so that no path differs from another."""
    numbers: list[int] = []
    work: list[_Work] = []
    load = 0
    for i in order.tolist():
        numbers.append(i)
        work.append((shapely.to_wkb(blocks[i]), shapely.to_wkb(outlines[rows[i]]), settings, cap_m2))
        load += len(rows[i]) + 5
        if load >= _CHUNK:
            yield numbers, work
            numbers, work, load = [], [], 0
    if numbers:
        yield numbers, work


def _divide(work: list[_Work]) -> _Made:
    made = []
    for block, outlines, settings, cap_m2 in work:
        cells, label = divide_block(shapely.from_wkb(block), shapely.from_wkb(outlines), settings, cap_m2=cap_m2)
        made.append((shapely.to_wkb(cells), label))
    return made


def _run(jobs: Iterator[_Job], pool: Pool | None) -> Iterator[tuple[list[int], _Made]]:
    if pool is None:
        for numbers, work in jobs:
            yield numbers, _divide(work)
        return
    # Few jobs are under way at once: their bytes would else all wait in memory.
    waiting: deque[tuple[list[int], Future[_Made]]] = deque()
    for numbers, work in jobs:
        waiting.append((numbers, pool.executor.submit(_divide, work)))
        if len(waiting) > 3 * pool.processes:
            first, made = waiting.popleft()
            yield first, made.result()
    while waiting:
        first, made = waiting.popleft()
        yield first, made.result()
