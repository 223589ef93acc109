"""Several imported sets of grid polygons at once: their overlay is what cells are cut by.

Each piece of the overlay carries the code that it has in every set, joined by ``|`` in the order of the sets, with
an empty place where a set has no grid. A cell that keeps this text knows its grid in each set.
"""

from __future__ import annotations

from collections.abc import Sequence

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from gridmap.errors import InputError

SEPARATOR = "|"
MIN_PIECE_M2 = 1.0
"""Smaller pieces of an overlay are the noise of two lines that mean the same."""


def overlay(sets: Sequence[gpd.GeoDataFrame]) -> gpd.GeoDataFrame:
    """Overlay sets of leaf grid polygons (column ``code``, one metric CRS).

    Returns a frame with ``code`` (joined) and polygons or multipolygons; pieces below one square metre are left out.

    Raises
    ------
    InputError
        A code contains the separator.
    """
    result: gpd.GeoDataFrame | None = None
    for position, grids in enumerate(sets):
        if grids["code"].str.contains(SEPARATOR, regex=False).any():
            raise InputError(
                f"网格编码中不能有“{SEPARATOR}”。请改正后重新导入。",
                f"A grid code must not contain '{SEPARATOR}'. Mend it and import again.",
            )
        plain = gpd.GeoDataFrame({"code": grids["code"].astype(str)}, geometry=grids.geometry.array, crs=grids.crs)
        result = plain if result is None else _both(result, plain, position)
    assert result is not None  # noqa: S101 (callers give at least one set)
    return result.sort_values("code", kind="stable", ignore_index=True)


def _both(left: gpd.GeoDataFrame, right: gpd.GeoDataFrame, position: int) -> gpd.GeoDataFrame:
    """Intersect pairwise; what only one side covers keeps an empty place for the other."""
    a, b = np.asarray(left.geometry.array), np.asarray(right.geometry.array)
    tree = shapely.STRtree(b)
    found = tree.query(a, predicate="intersects")
    i, j = found[:, np.lexsort((found[1], found[0]))]
    equal = shapely.equals_exact(shapely.normalize(a[i]), shapely.normalize(b[j]))
    pieces = np.array(a[i], dtype=object)
    pieces[~equal] = shapely.intersection(a[i][~equal], b[j][~equal])
    codes = left["code"].to_numpy()[i] + SEPARATOR + right["code"].to_numpy()[j]
    only_a = _rest(a, b, i, j)
    only_b = _rest(b, a, j, i)
    geometry = np.concatenate([pieces, only_a, only_b])
    code = np.concatenate(
        [
            codes,
            left["code"].to_numpy() + SEPARATOR,
            np.char.add(SEPARATOR * position, right["code"].to_numpy().astype(str)).astype(object),
        ]
    )
    geometry = _areal(geometry)
    kept = shapely.area(geometry) >= MIN_PIECE_M2
    return gpd.GeoDataFrame({"code": code[kept]}, geometry=geometry[kept], crs=left.crs)


def _rest(
    mine: NDArray[np.object_], others: NDArray[np.object_], i: NDArray[np.intp], j: NDArray[np.intp]
) -> NDArray[np.object_]:
    """Return of each polygon what no polygon of the other set covers."""
    rest = mine.copy()
    by_mine = np.argsort(i, kind="stable")
    starts = np.searchsorted(i[by_mine], np.arange(len(mine) + 1))
    for k in range(len(mine)):
        near = j[by_mine[starts[k] : starts[k + 1]]]
        if len(near):
            rest[k] = shapely.difference(mine[k], shapely.union_all(others[near]))
    return rest


def _areal(geometry: NDArray[np.object_]) -> NDArray[np.object_]:
    """Keep the polygons of mixed results."""
    mixed = shapely.get_type_id(geometry) == shapely.GeometryType.GEOMETRYCOLLECTION
    for k in np.flatnonzero(mixed):
        parts = shapely.get_parts(geometry[k])
        polygons = parts[np.isin(shapely.get_type_id(parts), [3, 6])]
        geometry[k] = shapely.union_all(polygons) if len(polygons) else shapely.Polygon()
    return geometry


def codes_in_set(joined: Sequence[str | None], position: int) -> NDArray[np.object_]:
    """Return the code that each joined text has at one set's place; None where that set has no grid there."""
    out = np.empty(len(joined), dtype=object)
    for k, text in enumerate(joined):
        parts = text.split(SEPARATOR) if text else []
        out[k] = parts[position] if position < len(parts) and parts[position] else None
    return out
