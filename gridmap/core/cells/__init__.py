"""Cells: the smallest pieces of land that planners assign.

``build_cells`` makes them from base data, ``update_cells`` re-makes what a change touches. See
``model.CellFabric`` for the tables that come out.
"""

from gridmap.core.cells.build import build_cells
from gridmap.core.cells.model import BaseData, CellFabric
from gridmap.core.cells.settings import CellSettings

__all__ = ["BaseData", "CellFabric", "CellSettings", "build_cells"]
