"""What changed in the base data, what became of the cells, and where new cells should go."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridmap.core.cells.model import CellFabric
from gridmap.model.finding import Finding

__all__ = ["BaseChange", "CellChange", "suggest_grids"]

_EVIDENT = 0.8


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseChange:
    """Rows that came, changed or went, each in all its states: as it was and as it is (metric).

    Attributes
    ----------
    buildings
        ``id`` and outline; a changed building occurs twice, once as it was and once as it is.
    streets, water, areas
        Rows with the columns of ``BaseData``.
    """

    buildings: gpd.GeoDataFrame | None = None
    streets: gpd.GeoDataFrame | None = None
    water: gpd.GeoDataFrame | None = None
    areas: gpd.GeoDataFrame | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CellChange:
    """What became of the cells; all that is not named here keeps key and geometry.

    Attributes
    ----------
    fabric
        The cells as they are now.
    touched_blocks
        Keys of the blocks that were made again, as they were named before.
    added, retired
        New cells (all columns), and keys of those that are no more.
    blocks_added, blocks_retired
        The same for blocks.
    moved
        Cells that stayed, in a block of another name: ``key``, ``block``.
    lineage
        ``old`` and ``new`` cell, the common land as share of each, and the share of the old cell's households
        that live in the new one (NaN when its building is gone or there was none).
    edges_added
        Neighbours of added cells and of those that stayed in touched blocks; all edges of cells in touched
        blocks as they were are replaced by these.
    findings
        What a person should look at in the touched blocks.
    """

    fabric: CellFabric
    touched_blocks: tuple[str, ...]
    added: gpd.GeoDataFrame
    retired: tuple[str, ...]
    blocks_added: gpd.GeoDataFrame
    blocks_retired: tuple[str, ...]
    moved: pd.DataFrame
    lineage: pd.DataFrame
    edges_added: pd.DataFrame
    findings: tuple[Finding, ...]


def lineage_of(old: gpd.GeoDataFrame, new: gpd.GeoDataFrame) -> pd.DataFrame:
    """Relate retired and new cells by common land and by building."""
    a, b = shapely.STRtree(new.geometry.to_numpy()).query(old.geometry.to_numpy(), predicate="intersects")
    m2 = shapely.area(shapely.intersection(old.geometry.to_numpy()[a], new.geometry.to_numpy()[b]))
    old_m2, new_m2 = shapely.area(old.geometry.to_numpy()), shapely.area(new.geometry.to_numpy())
    was, now = old["building_id"].to_numpy(), new["building_id"].to_numpy()
    same = np.array(
        [bool(x == y) if pd.notna(x) and pd.notna(y) else False for x, y in zip(was[a], now[b], strict=True)],
        dtype=bool,
    )
    common = np.flatnonzero((m2 > 1e-3) | same)  # noqa: PLR2004 (a litre of rounding along borders is nothing)
    a, b, m2, same = a[common], b[common], m2[common], same[common]
    homes = np.where(same, m2, 0.0)
    total = np.bincount(a, weights=homes, minlength=len(old))
    kept = np.isin(was, now[pd.notna(now)])
    share = np.where(kept[a], homes / np.maximum(total[a], 1e-9), np.nan)
    frame = pd.DataFrame(
        {
            "old": old["key"].to_numpy()[a],
            "new": new["key"].to_numpy()[b],
            "share_of_old": m2 / old_m2[a],
            "share_of_new": m2 / new_m2[b],
            "households_share": share,
        }
    )
    return frame.sort_values(["old", "new"], ignore_index=True)


def suggest_grids(change: CellChange, grid_of: Mapping[str, Hashable]) -> pd.DataFrame:
    """Suggest a grid for every new cell: that of its building's former cell, else the grid of most of its land.

    Parameters
    ----------
    change
        What became of the cells.
    grid_of
        The grid of each retired cell by key; cells without grid are missing.

    Returns
    -------
    ``cell``, ``grid`` (None when its land had none), ``share`` of its land that comes from that grid, and
    ``doubtful``: the land comes from several grids and less than 80 % from the suggested one.
    """
    rows: list[tuple[str, Hashable | None, float, bool]] = []
    parents: dict[str, list[tuple[str, float, float]]] = {}
    for old, new, share, home in zip(
        *(change.lineage[name].tolist() for name in ("old", "new", "share_of_new", "households_share")), strict=True
    ):
        parents.setdefault(new, []).append((old, share, home))
    for cell in change.added["key"].tolist():
        if cell not in parents:
            rows.append((cell, None, 0.0, True))
            continue
        land: dict[Hashable | None, float] = {}
        homes: dict[Hashable | None, float] = {}
        for old, share, home in parents[cell]:
            grid = grid_of.get(old)
            land[grid] = land.get(grid, 0.0) + share
            homes[grid] = homes.get(grid, 0.0) + (0.0 if np.isnan(home) else home)
        by_land = max(land, key=lambda g: (land[g], str(g)))
        best = max(homes, key=lambda g: (homes[g], land[g], str(g))) if any(homes.values()) else by_land
        rows.append((cell, best, land[best], len(land) > 1 and land[best] < _EVIDENT))
    return pd.DataFrame(rows, columns=["cell", "grid", "share", "doubtful"])
