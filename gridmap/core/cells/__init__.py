"""Cells: the smallest pieces of land that planners assign.

``build_cells`` makes them from base data, ``update_cells`` re-makes what a change touches. See
``CellFabric`` for the tables that come out.
"""

from gridmap.core.cells.build import build_cells
from gridmap.core.cells.change import BaseChange, CellChange, suggest_grids
from gridmap.core.cells.model import BaseData, CellFabric
from gridmap.core.cells.settings import CellSettings
from gridmap.core.cells.update import touched_blocks, update_cells

__all__ = [
    "BaseChange",
    "BaseData",
    "CellChange",
    "CellFabric",
    "CellSettings",
    "build_cells",
    "suggest_grids",
    "touched_blocks",
    "update_cells",
]
