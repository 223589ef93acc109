"""Land divided into blocks and cells, and cut further where present grids differ from the cells."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from gridmap.core.cells.blocks import Faces
from gridmap.core.cells.coverage import Geometries, Ints
from gridmap.core.cells.cutters import Polygons
from gridmap.core.cells.fill import Filled, Pool, fill_blocks
from gridmap.core.cells.legacy import (
    BuildingShares,
    cutting_lines,
    grid_at,
    grids_of_cells,
    misfits,
    without_scraps,
)
from gridmap.core.cells.outlines import Footprints
from gridmap.core.cells.recut import cut_block
from gridmap.core.cells.settings import CellSettings
from gridmap.model.progress import Progress, silent

__all__ = ["Land", "with_legacy"]


@dataclass(frozen=True, slots=True)
class Land:
    """Blocks, the code of the present grid whose lines cut each (None), the block of each outline, and the cells."""

    blocks: Faces
    legacy_code: Geometries
    lives_in: Ints
    filled: Filled


def with_legacy(
    land: Land,
    footprints: Footprints,
    shares: BuildingShares,
    legacy: Polygons,
    settings: CellSettings,
    *,
    beside: Geometries | None = None,
    pool: Pool | None = None,
    progress: Progress = silent,
) -> tuple[Land, Ints]:
    """Cut the blocks in which present grids differ from the cells; return the grid of every cell too.

    ``beside``: cells around the land, where it is only a part of the town.
    """
    grid = grids_of_cells(land.filled, shares, legacy, near_m=settings.give_way_m)
    wrong = np.unique(land.filled.block[misfits(land.filled, grid, footprints, legacy, settings)])
    land, stays = _cut_along(land, wrong, footprints, legacy, settings, pool, progress)
    old = int(stays.sum())
    fresh = Filled(land.filled.polygon[old:], land.filled.block[old:], land.filled.outline[old:])
    grid = np.concatenate([grid[stays], grids_of_cells(fresh, shares, legacy, near_m=settings.give_way_m)])
    return land, without_scraps(land.filled, grid, legacy, beside=beside)


def _cut_along(
    land: Land,
    wrong: Ints,
    footprints: Footprints,
    legacy: Polygons,
    settings: CellSettings,
    pool: Pool | None,
    progress: Progress,
) -> tuple[Land, NDArray[np.bool_]]:
    """Cut some of the blocks along the lines of present grids, and divide the pieces into cells.

    Returns the land and which of its cells stayed: they come first, the new ones after them.
    """
    lines = cutting_lines(legacy, land.blocks.polygon[wrong], settings)
    kept = np.ones(len(land.blocks.polygon), dtype=bool)
    lives_in = land.lives_in.copy()
    fresh: list[Faces] = []
    count = len(kept)
    for number, cuts in zip(wrong.tolist(), lines, strict=True):
        if not len(cuts):
            continue
        rows = np.flatnonzero(land.lives_in == number)
        made = cut_block(land.blocks, number, cuts, footprints.polygon[rows], settings)
        kept[number] = False
        lives_in[rows] = count + made.block
        count += len(made.blocks.polygon)
        fresh.append(made.blocks)
    stays = kept[land.filled.block]
    if not fresh:
        return land, stays
    place = np.cumsum(kept) - 1
    old, new = (lives_in >= 0) & (lives_in < len(kept)), lives_in >= len(kept)
    lives_in[old] = place[lives_in[old]]
    lives_in[new] += int(kept.sum()) - len(kept)
    polygon = np.concatenate([b.polygon for b in fresh])
    first_new = int(kept.sum())
    again = fill_blocks(
        polygon, footprints.polygon, np.where(new, lives_in - first_new, -1), settings, pool=pool, progress=progress
    )
    filled = Filled(
        np.concatenate([land.filled.polygon[stays], again.polygon]),
        np.concatenate([place[land.filled.block[stays]], again.block + first_new]),
        np.concatenate([land.filled.outline[stays], again.outline]),
    )
    blocks = Faces(
        np.concatenate([land.blocks.polygon[kept], polygon]),
        np.concatenate([land.blocks.area[kept], *(b.area for b in fresh)]),
        np.concatenate([land.blocks.water[kept], *(b.water for b in fresh)]),
    )
    code = np.array([*legacy.code, None], dtype=object)[grid_at(shapely.point_on_surface(polygon), legacy)]
    return Land(blocks, np.concatenate([land.legacy_code[kept], code]), lives_in, filled), stays
