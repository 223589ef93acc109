"""The grids of an edition or a plan, worked out from cells: polygons, totals, pieces, labels on all levels."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gridmap.core import partition

Ints = NDArray[np.int64]

PALETTE = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class CellState:
    """The live cells as arrays in one order.

    Attributes
    ----------
    ids
        Cell ids, shape (n,).
    geometry
        Polygons in the metric system, shape (n,).
    area_m2
        Shape (n,).
    edge_a, edge_b, edge_length_m
        Neighbours by row number, shape (m,).
    figures
        n rows: households, households_estimated, people, buildings.
    """

    ids: Ints
    geometry: NDArray[np.object_]
    area_m2: NDArray[np.float64]
    edge_a: Ints
    edge_b: Ints
    edge_length_m: NDArray[np.float64]
    figures: pd.DataFrame

    def rows_of(self, ids: Ints) -> Ints:
        """Return the row numbers of cell ids; −1 for one that is not live."""
        return np.asarray(pd.Index(self.ids).get_indexer(pd.Index(ids)), dtype=np.int64)


def figures_of_cells(cells: pd.DataFrame, attachments: pd.DataFrame, buildings: pd.DataFrame) -> pd.DataFrame:
    """Give every cell the households, people and buildings that count there.

    Parameters
    ----------
    cells
        id, building_id (nullable), part.
    attachments
        cell_id, building_id, reason: outlines without a cell of their own.
    buildings
        id, households, people (nullable), estimated (nullable).

    Returns
    -------
    A frame like ``cells`` in order: households, households_estimated, people, buildings (integers). A building of
    several cells is shared out evenly among them and counted once; an estimate of a duplicate outline counts
    nothing.
    """
    known = buildings.set_index("id")
    own = cells[["id", "building_id", "part"]].reset_index(drop=True)
    own = own[own["building_id"].notna()].astype({"building_id": "int64"})
    own = own.sort_values(["building_id", "part", "id"])
    own["nth"] = own.groupby("building_id").cumcount()
    own["of"] = own.groupby("building_id")["id"].transform("size")
    hung = attachments.rename(columns={"cell_id": "id"})[["id", "building_id", "reason"]].assign(nth=0, of=1)
    both = pd.concat([own.assign(reason=""), hung], ignore_index=True)
    figure = known.reindex(both["building_id"])
    households = figure["households"].fillna(0).astype("int64").to_numpy()
    people = figure["people"].fillna(0).astype("int64").to_numpy()
    estimated = figure["estimated"].fillna(value=False).astype(bool).to_numpy()
    twice = (both["reason"] == "duplicate").to_numpy() & estimated
    households, people = np.where(twice, 0, households), np.where(twice, 0, people)
    nth, of = both["nth"].to_numpy(), both["of"].to_numpy()
    share = households // of + (nth < households % of)
    row = pd.Index(cells["id"]).get_indexer(both["id"])
    count = len(cells)

    def by_cell(values: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.bincount(row, weights=values, minlength=count).astype(np.int64)

    return pd.DataFrame(
        {
            "households": by_cell(share),
            "households_estimated": by_cell(np.where(estimated, share, 0)),
            "people": by_cell(people // of + (nth < people % of)),
            "buildings": by_cell(((nth == 0) & (both["reason"] != "duplicate")).astype(np.int64).to_numpy()),
        }
    )


def derive(
    state: CellState,
    assignment: Ints,
    leaves: pd.DataFrame,
    uppers: pd.DataFrame,
    *,
    given_colours: dict[int, int] | None = None,
) -> gpd.GeoDataFrame:
    """Work out all grids of an edition.

    Parameters
    ----------
    state
        The cells.
    assignment
        For each cell the row of its leaf grid in ``leaves``; −1 for none.
    leaves, uppers
        uid, code, name, level, grid_kind, parent_uid (nullable), community_code.
    given_colours
        Colours by uid that stay unless neighbours share one.

    Returns
    -------
    One row a grid with land: those columns, and leaf, households, households_estimated, people, buildings,
    area_m2, pieces, colour, label_x, label_y, label_radius_m, geometry (metric, (multi)polygon).
    """
    frames = []
    member = np.asarray(assignment, dtype=np.int64)
    table, leaf = leaves.reset_index(drop=True), True
    while True:
        frames.append(_level(state, member, table, leaf=leaf, given=given_colours or {}))
        parents = table["parent_uid"].dropna().unique()
        above = uppers[uppers["uid"].isin(parents)].reset_index(drop=True)
        if above.empty:
            break
        parent_row = pd.Index(above["uid"]).get_indexer(table["parent_uid"].fillna(-1).astype("int64"))
        member = np.where(member >= 0, parent_row[np.maximum(member, 0)], -1)
        table, leaf = above, False
    joined = pd.concat(frames, ignore_index=True)
    return gpd.GeoDataFrame(joined, geometry="geometry").sort_values(["level", "code"], ignore_index=True)


def _level(state: CellState, member: Ints, table: pd.DataFrame, *, leaf: bool, given: dict[int, int]) -> pd.DataFrame:
    count = len(table)
    polygons = partition.dissolve(state.geometry, member, count)
    out = table.copy()
    out["leaf"] = leaf
    for name in ("households", "households_estimated", "people", "buildings"):
        values = state.figures[name].to_numpy(dtype=float)
        out[name] = np.rint(partition.totals(values, member, count)).astype(np.int64)
    found = partition.pieces(state.edge_a, state.edge_b, member, count, area_m2=state.area_m2)
    out["pieces"] = found.count(count)
    out["area_m2"] = shapely.area(polygons)
    edges = partition.grid_neighbours(state.edge_a, state.edge_b, state.edge_length_m, member, count)
    wishes = [given.get(int(uid)) for uid in table["uid"]]
    out["colour"] = partition.colours(edges, count, given=wishes, palette=PALETTE)
    centre = partition.label_points(polygons)
    has = ~shapely.is_missing(centre)
    out["label_x"] = np.where(has, shapely.get_x(centre), np.nan)
    out["label_y"] = np.where(has, shapely.get_y(centre), np.nan)
    out["label_radius_m"] = np.where(has, shapely.distance(centre, shapely.boundary(polygons)), np.nan)
    out["geometry"] = polygons
    kept: pd.DataFrame = out[has]
    return kept


def flows(old: Ints, new: Ints, households: NDArray[np.int64]) -> pd.DataFrame:
    """Return how many households went from which old to which new grid: old_uid, new_uid, households.

    ``old`` and ``new`` are uids by cell (−1: none); pairs without households are kept where land moved.
    """
    frame = pd.DataFrame({"old_uid": old, "new_uid": new, "households": households})
    frame = frame[(frame["old_uid"] >= 0) & (frame["new_uid"] >= 0)]
    summed = frame.groupby(["old_uid", "new_uid"])["households"].sum()
    return pd.DataFrame(summed.reset_index())
