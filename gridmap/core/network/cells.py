"""Segments in a uniform grid, ready for the kernels."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from gridmap.core.network.graph import Floats

__all__ = ["SegmentGrid", "segment_grid"]

#: Width of a cell in metres; wider where the extent would need more than MOST_CELLS.
CELL_M = 25.0
MOST_CELLS = 4_000_000


@dataclass(frozen=True, slots=True, eq=False)
class SegmentGrid:
    """Ends of segments, (S,) each, and the cells that list them (see the kernels)."""

    ax: Floats
    ay: Floats
    bx: Floats
    by: Floats
    x0: float
    y0: float
    cell: float
    nx: int
    ny: int
    start: Any
    item: Any

    @property
    def ends(self) -> tuple[Floats, Floats, Floats, Floats]:
        """The ends of the segments, as the kernels take them."""
        return self.ax, self.ay, self.bx, self.by

    @property
    def cells(self) -> tuple[Any, ...]:
        """The cells, as the kernels take them."""
        return self.x0, self.y0, self.cell, self.nx, self.ny, self.start, self.item


def segment_grid(a: Floats, b: Floats) -> SegmentGrid:
    """Put segments from ``a`` to ``b`` (S, 2) into cells of a grid."""
    from gridmap.core.network import kernels

    ax, ay, bx, by = (np.ascontiguousarray(v, dtype=np.float64) for v in (a[:, 0], a[:, 1], b[:, 0], b[:, 1]))
    if len(ax) == 0:
        none = np.zeros(0, dtype=np.int32)
        return SegmentGrid(ax, ay, bx, by, 0.0, 0.0, CELL_M, 1, 1, np.zeros(2, dtype=np.int64), none)
    west, south = min(ax.min(), bx.min()) - 1.0, min(ay.min(), by.min()) - 1.0
    wide, high = max(ax.max(), bx.max()) + 1.0 - west, max(ay.max(), by.max()) + 1.0 - south
    cell = max(CELL_M, math.sqrt(wide * high / MOST_CELLS))
    nx, ny = math.ceil(wide / cell), math.ceil(high / cell)
    start, item = kernels.segment_cells(ax, ay, bx, by, west, south, cell, nx, ny)
    return SegmentGrid(ax, ay, bx, by, float(west), float(south), float(cell), nx, ny, start, item)
