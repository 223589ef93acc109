"""Grids for the rows of a table: every row has an answer, also the one that cannot be located."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from gridmap.core.address import AddressMatch
from gridmap.core.locate.coordinates import coordinate_problems
from gridmap.core.locate.cover import Bools, Floats, Geometries, Ints
from gridmap.core.locate.index import NEAR_BOUNDARY_M, GridIndex, LocatedPoints
from gridmap.errors import NotFound
from gridmap.model.answer import Located

__all__ = ["ASSIGNED", "NEEDS_BUILDING", "assign_rows"]

#: The columns that are added to a table.
ASSIGNED = (
    "grid_code", "community_code", "building_id", "method", "near_boundary", "boundary_m", "candidates", "reason",
)  # fmt: skip
#: Reason of a row whose address names an estate and no building of it.
NEEDS_BUILDING = "needs=building"
NO_PLACE, OUTSIDE = "no-place", "outside"


@dataclass(frozen=True, slots=True)
class _Columns:
    grid_code: Geometries
    community_code: Geometries
    building_id: Geometries
    method: Geometries
    near_boundary: Bools
    boundary_m: Floats
    candidates: Geometries
    reason: Geometries


def assign_rows(
    index: GridIndex,
    lons: npt.ArrayLike,
    lats: npt.ArrayLike,
    *,
    accuracy_m: npt.ArrayLike | None = None,
    near_boundary_m: float = NEAR_BOUNDARY_M,
    named: Sequence[AddressMatch | None] | None = None,
    buildings_of: Callable[[str], Sequence[int]] | None = None,
) -> pd.DataFrame:
    """Assign rows to the grids of one edition: an exactly named building first, then the point, then the estate.

    Parameters
    ----------
    index
        The edition.
    lons, lats
        Arrays of n EPSG:4326 degrees; NaN: the row has no point.
    accuracy_m
        Accuracy of the points in metres, n or one; NaN: unknown.
    near_boundary_m
        Points closer to a border are flagged.
    named
        What the n addresses name; None: no address.
    buildings_of
        Gives the ids of an estate's buildings, by its name.

    Returns
    -------
    A frame of n rows with the columns of :data:`ASSIGNED`. ``building_id`` is the id of the building in the table that
    it came from. ``method``: building, point, estate (its community is known, not the building), parent (in no grid)
    or none. ``candidates``: codes and metres of the grids that a flagged row may belong to, nearest first, separated
    by ``; ``. ``reason`` says why a row has no grid: ``outside``, ``needs=building``, ``no-place``, what is wrong with
    its coordinates (:func:`~gridmap.core.locate.coordinates.coordinate_problems`) or with its address
    (:class:`~gridmap.core.address.AddressMatch`).
    """
    x, y = np.asarray(lons, dtype=np.float64), np.asarray(lats, dtype=np.float64)
    n = len(x)
    none = np.full(n, None, dtype=object)
    out = _Columns(
        none.copy(), none.copy(), none.copy(), np.full(n, "none", dtype=object), np.zeros(n, dtype=np.bool_),
        np.full(n, np.nan), none.copy(), none.copy(),
    )  # fmt: skip
    accuracy = np.broadcast_to(np.asarray(np.nan if accuracy_m is None else accuracy_m, dtype=np.float64), x.shape)
    given = ~(np.isnan(x) & np.isnan(y))
    wrong = {int(str(p["row"])): str(p["code"]) for p in coordinate_problems(x, y, bounds=index.bounds)}
    usable = given.copy()
    usable[list(wrong)] = False
    by_building = _by_building(index, out, x, y, usable, named)
    points = np.flatnonzero(usable & ~by_building)
    if len(points):
        located = index.locate_points(
            x[points], y[points], accuracy_m=accuracy[points], near_boundary_m=near_boundary_m
        )
        _write_points(index, out, points, located, x, y)
    for i in np.flatnonzero(~usable & ~by_building):
        match = named[int(i)] if named is not None else None
        if given[i] and int(i) in wrong:
            out.reason[i] = wrong[int(i)]
        elif match is None or match.reason == "empty":
            out.reason[i] = NO_PLACE
        elif match.kind == "estate" and match.estate is not None and buildings_of is not None:
            out.community_code[i] = index.community_of_buildings(buildings_of(match.estate))
            out.method[i] = "estate"
            out.reason[i] = NEEDS_BUILDING
        else:
            out.reason[i] = match.reason
    return pd.DataFrame({name: getattr(out, name) for name in ASSIGNED})


def _by_building(
    index: GridIndex,
    out: _Columns,
    x: Floats,
    y: Floats,
    usable: Bools,
    named: Sequence[AddressMatch | None] | None,
) -> Bools:
    """Write the rows whose address names one building of this edition, and tell which they are."""
    done = np.zeros(len(x), dtype=np.bool_)
    for i, match in enumerate(named or ()):
        if match is None or match.building_id is None:
            continue
        try:
            found = (
                index.locate_building(match.building_id, lon=float(x[i]), lat=float(y[i]))
                if usable[i]
                else index.locate_building(match.building_id)
            )
        except NotFound:  # a building of today that this edition did not have
            continue
        done[i] = True
        _write_one(out, i, found)
    return done


def _write_one(out: _Columns, i: int, found: Located) -> None:
    out.grid_code[i] = found.grid.code if found.grid else None
    out.community_code[i] = found.community.code if found.community else None
    out.building_id[i] = found.building.source_id if found.building else None
    out.method[i] = "building"
    out.near_boundary[i] = found.near_boundary
    if found.boundary_m is not None:
        out.boundary_m[i] = found.boundary_m
    if found.near_boundary:
        out.candidates[i] = _listed([c.code for c in found.candidates], [c.distance_m for c in found.candidates])
    if found.grid is None:
        out.reason[i] = found.warnings[0] if found.warnings else OUTSIDE


def _write_points(index: GridIndex, out: _Columns, rows: Ints, located: LocatedPoints, x: Floats, y: Floats) -> None:
    inside = located.leaf >= 0
    out.grid_code[rows] = _and_none(index.codes)[located.leaf]
    communities = _and_none(index.communities_of_leaves())[located.leaf]
    unknown = np.flatnonzero(communities == None)  # noqa: E711 (elementwise)
    if len(unknown):
        at = rows[unknown]
        communities[unknown] = index.area_codes_at("community", x[at], y[at])
    out.community_code[rows] = communities
    out.building_id[rows] = _and_none(index.source_ids)[located.footprint]
    out.method[rows] = np.where(inside, "point", "none")
    out.near_boundary[rows] = located.near_boundary
    out.boundary_m[rows] = np.where(np.isfinite(located.boundary_m), np.round(located.boundary_m, 2), np.nan)
    out.reason[rows[~inside]] = OUTSIDE
    for k in np.flatnonzero(~inside):
        out.method[rows[k]] = located.answer(int(k)).method
    point, leaf, metres = located.candidates
    if len(point):
        cut = np.flatnonzero(np.diff(point)) + 1
        for of, leaves, far in zip(
            point[np.concatenate([[0], cut])], np.split(leaf, cut), np.split(metres, cut), strict=True
        ):
            out.candidates[rows[of]] = _listed(index.codes[leaves], far)


def _and_none(values: Geometries) -> Geometries:
    """Return the values with None at the end, where position -1 finds it."""
    return np.array([*values, None], dtype=object)


def _listed(codes: Iterable[str], metres: Iterable[float]) -> str:
    """Return codes with their distances as a person reads them."""
    return "; ".join(f"{code} {far:.1f} m" for code, far in zip(codes, metres, strict=True))
