"""What walking times mean for people: households, people, buildings and land covered, by any grouping."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from gridmap.core.network.graph import Bools, Floats, Ints, Longs, Seconds
from gridmap.core.reach.search import Nearest, Pairs
from gridmap.errors import InputError

__all__ = [
    "RADII_M",
    "Demand",
    "EstimateRange",
    "Totals",
    "by_kind",
    "by_station",
    "circles",
    "demand_of",
    "figures",
    "figures_by",
    "gap_areas",
    "reached_land",
]

#: Radius circles of the planning standard for 5, 10 and 15 minutes (GB 50180-2018: 300, 500 and about 1,000 m).
RADII_M = (300.0, 500.0, 1000.0)


@dataclass(frozen=True, slots=True)
class EstimateRange:
    """How far estimated households of a whole town may be from the true ones, as factors.

    The estimate takes 93.75 m² of floor for a household (75 m² net at 0.8), about the average city household of the
    2020 census, 92.17 m². Averages of places differ: 77.64 m² in the city of Beijing, 111.18 m² over the whole
    country with its villages (中国人口普查年鉴-2020, National Bureau of Statistics, 2022, as reported by Beijing Daily,
    27 June 2022). 93.75 / 111.18 = 0.84 and 93.75 / 77.64 = 1.21 are the factors. They are one for the town, so a
    share moves less than a number. Single buildings are off by more; counted figures have no range.
    """

    low: float = 0.84
    high: float = 1.21

    def __post_init__(self) -> None:
        if not 0 <= self.low <= 1 <= self.high:
            raise InputError(
                "估算户数的范围须包含 1（下限 ≤ 1 ≤ 上限）。",
                "The range of estimated households must include 1 (low ≤ 1 ≤ high).",
            )


@dataclass(frozen=True, slots=True, eq=False)
class Demand:
    """Who lives where: P shares of buildings in cells, for B buildings and C cells by row number.

    Attributes
    ----------
    cell, building
        (P,) whose share it is.
    households, estimated, people, buildings
        (P,) whole numbers; ``estimated`` are those of the households that are estimates; a building counts as one in
        one of its shares.
    area_m2
        (C,) land of the cells.
    land
        (C,) the building to which the land of a cell belongs; -1: open land.
    count
        B.
    """

    cell: Longs
    building: Longs
    households: Longs
    estimated: Longs
    people: Longs
    buildings: Longs
    area_m2: Floats
    land: Longs
    count: int

    def of_buildings(self, values: Longs) -> Longs:
        """Sum shares by building, (B,)."""
        return _counted(self.building, values, self.count)

    def of_cells(self, values: Longs) -> Longs:
        """Sum shares by cell, (C,)."""
        return _counted(self.cell, values, len(self.area_m2))


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """What is covered. ``_low`` and ``_high``: with the range of estimated households; ``share`` is of households."""

    buildings: int
    buildings_covered: int
    households: int
    households_estimated: int
    households_covered: int
    households_covered_low: int
    households_covered_high: int
    people: int
    people_covered: int
    area_m2: float
    area_covered_m2: float
    share: float
    share_low: float
    share_high: float
    unattached_buildings: int
    unattached_households: int


def demand_of(cells: pd.DataFrame, attachments: pd.DataFrame, buildings: pd.DataFrame) -> Demand:
    """Share out the figures of buildings among cells, as :func:`gridmap.core.grids.figures_of_cells` does.

    Parameters
    ----------
    cells
        id, building_id (nullable), part, area_m2.
    attachments
        cell_id, building_id, reason: outlines without a cell of their own.
    buildings
        id, households, people (nullable), estimated (nullable).

    Returns
    -------
    Row numbers are those of ``cells`` and ``buildings`` as given; buildings without any cell count nowhere.
    """
    at = pd.Index(buildings["id"])
    own = cells[["id", "building_id", "part"]].reset_index(drop=True)
    land = np.where(own["building_id"].notna(), at.get_indexer(own["building_id"].fillna(-1).astype("int64")), -1)
    own = own[own["building_id"].notna()].astype({"building_id": "int64"}).sort_values(["building_id", "part", "id"])
    own["nth"] = own.groupby("building_id").cumcount()
    own["of"] = own.groupby("building_id")["id"].transform("size")
    hung = attachments.rename(columns={"cell_id": "id"})[["id", "building_id", "reason"]].assign(nth=0, of=1)
    both = pd.concat([own.assign(reason=""), hung], ignore_index=True)
    cell = pd.Index(cells["id"]).get_indexer(both["id"])
    building = at.get_indexer(both["building_id"])
    known = (cell >= 0) & (building >= 0)
    both, cell, building = both[known], cell[known], building[known]
    figure = buildings.iloc[building]
    households = figure["households"].fillna(0).astype("int64").to_numpy()
    people = figure["people"].fillna(0).astype("int64").to_numpy()
    estimated = figure["estimated"].fillna(value=False).astype(bool).to_numpy()
    duplicate = (both["reason"] == "duplicate").to_numpy()
    twice = duplicate & estimated
    households, people = np.where(twice, 0, households), np.where(twice, 0, people)
    nth, of = both["nth"].to_numpy(dtype=np.int64), both["of"].to_numpy(dtype=np.int64)
    share = households // of + (nth < households % of)
    return Demand(
        cell=cell.astype(np.int64),
        building=building.astype(np.int64),
        households=share,
        estimated=np.where(estimated, share, 0),
        people=people // of + (nth < people % of),
        buildings=((nth == 0) & ~duplicate).astype(np.int64),
        area_m2=cells["area_m2"].to_numpy(dtype=np.float64),
        land=np.asarray(land, dtype=np.int64),
        count=len(buildings),
    )


def reached_land(demand: Demand, seconds: Seconds, limit_s: float, *, open_s: Seconds | None = None) -> Bools:
    """Return which cells count as covered land, (C,).

    The land of a building is covered if the building is; open land by the seconds ``open_s`` (C,) from its own point,
    and not at all where those are not given.
    """
    own = demand.land >= 0
    by_building = (seconds <= limit_s)[np.maximum(demand.land, 0)] if len(seconds) else np.zeros_like(own)
    open_land = np.zeros_like(own) if open_s is None else np.asarray(open_s) <= limit_s
    return np.where(own, by_building, open_land)


def figures(
    demand: Demand,
    seconds: Seconds,
    *,
    limit_s: float,
    attached: Bools | None = None,
    open_s: Seconds | None = None,
    estimates: EstimateRange | None = None,
) -> Totals:
    """Count what is covered.

    Parameters
    ----------
    demand
        Who lives where.
    seconds
        (B,) walk from each building to its nearest station; inf: none.
    limit_s
        The longest walk, inclusive.
    attached
        (B,) which buildings are on the network; all by default.
    open_s
        See :func:`reached_land`.
    estimates
        How far estimates may be off.
    """
    everything = np.zeros(len(demand.area_m2), dtype=np.int64)
    row = figures_by(demand, seconds, limit_s=limit_s, group=everything, groups=1, open_s=open_s, estimates=estimates)
    one = row.iloc[0]
    loose = np.zeros(demand.count, np.bool_) if attached is None else ~np.asarray(attached)
    not_on_it = loose[demand.building]
    whole = {name: int(one[name]) for name in row.columns if row[name].dtype.kind == "i" and hasattr(Totals, name)}
    real = {name: float(one[name]) for name in row.columns if row[name].dtype.kind == "f" and hasattr(Totals, name)}
    return Totals(
        **whole,
        **real,  # type: ignore[arg-type]
        unattached_buildings=int(demand.buildings[not_on_it].sum()),
        unattached_households=int(demand.households[not_on_it].sum()),
    )


def figures_by(
    demand: Demand,
    seconds: Seconds,
    *,
    limit_s: float,
    group: NDArray[np.integer],
    groups: int,
    station: Ints | None = None,
    open_s: Seconds | None = None,
    estimates: EstimateRange | None = None,
) -> pd.DataFrame:
    """Count what is covered in each of ``groups`` groups of cells.

    Parameters
    ----------
    demand, seconds, limit_s, open_s, estimates
        As in :func:`figures`. ``seconds`` beyond the limit tell how far the nearest station is.
    group
        (C,) the group of each cell: grid of any level, community …; -1: none.
    groups
        How many there are; groups without cells get zeros.
    station
        (B,) the station of ``seconds``.

    Returns
    -------
    ``groups`` rows: the counts and shares of :class:`Totals`; ``reached``: somebody there (a building, where nobody
    lives) has a station within the limit; ``nearest_s`` and ``nearest_station``: of the building nearest to a station
    (inhabited ones where there are any; inf and -1 where no station can be walked to).
    """
    bounds = estimates or EstimateRange()
    of_share = np.asarray(group, dtype=np.int64)[demand.cell]
    covered = (seconds <= limit_s)[demand.building] if len(demand.building) else np.zeros(0, np.bool_)
    columns: dict[str, Longs] = {}
    for name in ("buildings", "households", "people"):
        values = getattr(demand, name)
        columns[name] = _counted(of_share, values, groups)
        columns[f"{name}_covered"] = _counted(of_share, np.where(covered, values, 0), groups)
    guessed = _counted(of_share, demand.estimated, groups)
    guessed_in = _counted(of_share, np.where(covered, demand.estimated, 0), groups)
    all_, inside = columns["households"], columns["households_covered"]
    ends = []
    for end, factor, rounded in (("low", bounds.low, np.floor), ("high", bounds.high, np.ceil)):
        covered_then = (inside - guessed_in) + factor * guessed_in
        # No more are told to be covered than are told to live there.
        columns[f"households_covered_{end}"] = np.minimum(rounded(covered_then.round(6)).astype(np.int64), all_)
        ends.append(_share(covered_then, (all_ - guessed) + factor * guessed))
    land = np.asarray(group, dtype=np.int64)
    is_land = reached_land(demand, seconds, limit_s, open_s=open_s)
    table = pd.DataFrame(columns).assign(
        households_estimated=guessed,
        area_m2=_summed(land, demand.area_m2, groups),
        area_covered_m2=_summed(land, np.where(is_land, demand.area_m2, 0.0), groups),
        share=_share(inside, all_),
        share_low=np.fmin(*ends),
        share_high=np.fmax(*ends),
    )
    lived = table["households"].to_numpy() > 0
    table["reached"] = np.where(lived, table["households_covered"] > 0, table["buildings_covered"] > 0)
    nearest_s, nearest_station = _nearest_of(demand, seconds, station, of_share, lived)
    return table.assign(nearest_s=nearest_s, nearest_station=nearest_station)


def _nearest_of(
    demand: Demand, seconds: Seconds, station: Ints | None, of_share: Longs, lived: Bools
) -> tuple[Seconds, Ints]:
    # group −1 (none) reads the entry at the end; there may be no group at all
    usable = (of_share >= 0) & ((demand.households > 0) | ~np.append(lived, False)[of_share])
    row = np.flatnonzero(usable)
    row = row[np.isfinite(seconds[demand.building[row]])]
    # Equal seconds: the lower station, then the lower building.
    order = np.lexsort((demand.building[row], seconds[demand.building[row]], of_share[row]))
    if station is not None:
        order = np.lexsort((station[demand.building[row]], seconds[demand.building[row]], of_share[row]))
    found, first = np.unique(of_share[row][order], return_index=True)
    best = demand.building[row[order[first]]]
    out_s = np.full(len(lived), np.inf, np.float32)
    out_station = np.full(len(lived), -1, np.int32)
    out_s[found] = seconds[best]
    if station is not None:
        out_station[found] = station[best]
    return out_s, out_station


def by_station(demand: Demand, reach: Pairs, nearest: Nearest) -> pd.DataFrame:
    """Count what each of S stations has within the limit of ``reach``.

    Returns
    -------
    S rows: buildings, households, people within reach; ``exclusive_households`` and ``exclusive_people``: of buildings
    that no other station reaches; ``load``: households for which it is the nearest station, if that is within reach.
    """
    count = len(reach.start) - 1
    station = np.repeat(np.arange(count), np.diff(reach.start))
    only = np.bincount(reach.building, minlength=demand.count)[reach.building] == 1
    out: dict[str, Longs] = {}
    for name in ("buildings", "households", "people"):
        values = demand.of_buildings(getattr(demand, name))
        out[name] = _counted(station, values[reach.building], count)
        if name != "buildings":
            out[f"exclusive_{name}"] = _counted(station[only], values[reach.building[only]], count)
    served = np.zeros(demand.count, np.bool_)
    served[reach.building] = True
    owner = np.where(served, nearest.station, -1).astype(np.int64)
    return pd.DataFrame(out).assign(load=_counted(owner, demand.of_buildings(demand.households), count))


def by_kind(demand: Demand, reach: Pairs, kind: NDArray[np.integer], kinds: int) -> pd.DataFrame:
    """Count what the stations of each kind have within the limit of ``reach``, each building once.

    Parameters
    ----------
    demand, reach
        As in :func:`by_station`.
    kind
        (S,) the kind (or service, or tier) of each station; -1: none.
    kinds
        How many there are.

    Returns
    -------
    ``kinds`` rows: stations, buildings, households, people; ``exclusive_households``: of buildings that no station of
    another kind reaches.
    """
    of = np.asarray(kind, dtype=np.int64)
    count = len(reach.start) - 1
    of_pair = np.repeat(of, np.diff(reach.start)) if count else np.zeros(0, np.int64)
    has = of_pair >= 0
    pair = np.unique(of_pair[has] * max(demand.count, 1) + reach.building[has])
    one, building = pair // max(demand.count, 1), pair % max(demand.count, 1)
    only = np.bincount(building, minlength=demand.count)[building] == 1
    out = {"stations": np.bincount(of[of >= 0], minlength=kinds).astype(np.int64)}
    for name in ("buildings", "households", "people"):
        out[name] = _counted(one, demand.of_buildings(getattr(demand, name))[building], kinds)
    households = demand.of_buildings(demand.households)[building]
    return pd.DataFrame(out).assign(exclusive_households=_counted(one[only], households[only], kinds))


def circles(
    demand: Demand,
    seconds: Seconds,
    *,
    limit_s: float,
    building_xy: Floats,
    station_xy: Floats,
    radii_m: Sequence[float] = RADII_M,
) -> pd.DataFrame:
    """Set the radius circle of the planning standard beside the walking answer.

    Parameters
    ----------
    demand, seconds, limit_s
        As in :func:`figures`.
    building_xy, station_xy
        (B, 2) and (S, 2) metres.
    radii_m
        Radii of the circles.

    Returns
    -------
    One row a radius: radius_m, and in households: ``households`` within the circle of a station, ``both`` there and
    within the walk, ``only_circle`` (the circle promises what nobody can walk), ``only_walk``.
    """
    households = demand.of_buildings(demand.households)
    straight = np.full(demand.count, np.inf)
    known = np.isfinite(building_xy).all(axis=1)
    if len(station_xy) and known.any():
        straight[known] = cKDTree(station_xy).query(building_xy[known])[0]
    walk = seconds <= limit_s
    rows = []
    for radius in radii_m:
        inside = straight <= radius
        rows.append(
            {
                "radius_m": float(radius),
                "households": int(households[inside].sum()),
                "both": int(households[inside & walk].sum()),
                "only_circle": int(households[inside & ~walk].sum()),
                "only_walk": int(households[~inside & walk].sum()),
            }
        )
    return pd.DataFrame(rows, columns=["radius_m", "households", "both", "only_circle", "only_walk"])


def gap_areas(
    demand: Demand,
    found: Nearest,
    *,
    limit_s: float,
    edge_a: NDArray[np.integer],
    edge_b: NDArray[np.integer],
    attached: Bools | None = None,
) -> tuple[pd.DataFrame, Longs]:
    """Join inhabited cells that no station reaches into gap areas, the one with most households first.

    Parameters
    ----------
    demand
        Who lives where.
    found
        Nearest stations, searched beyond the limit so that a gap knows how far its station is.
    limit_s
        The longest walk, inclusive.
    edge_a, edge_b
        Neighbouring cells by row number.
    attached
        (B,) which buildings are on the network; all by default.

    Returns
    -------
    The areas, and the area of each cell (C,), -1: none. Areas have rank (from 1), households, people, buildings (not
    reached ones), cells, ``unattached_households`` (not on the network), ``nearest_s`` and ``station``
    of the building nearest to a station, that ``building``, ``mean_s`` (by household, of those that can walk to one;
    NaN: none can). Equal households: the area with the lower first cell comes first.
    """
    missed = ~(found.seconds <= limit_s)[demand.building] if len(demand.building) else np.zeros(0, np.bool_)
    cells = len(demand.area_m2)
    gap = _counted(demand.cell[missed], demand.households[missed], cells) > 0
    joined = gap[edge_a] & gap[edge_b]
    graph = coo_array((np.ones(int(joined.sum()), np.int8), (edge_a[joined], edge_b[joined])), shape=(cells, cells))
    label = connected_components(graph, directed=False)[1] if cells else np.zeros(0, np.int64)
    _, first, number = np.unique(label[gap], return_index=True, return_inverse=True)
    area = np.full(cells, -1, np.int64)
    area[gap] = number
    share = missed & (area[demand.cell] >= 0)
    of_share, count = area[demand.cell[share]], len(first)
    households = _counted(of_share, demand.households[share], count)
    rank_of = np.empty(count, np.int64)
    rank_of[np.lexsort((first, -households))] = np.arange(count)
    area[gap], of_share = rank_of[number], rank_of[of_share]
    loose = np.zeros(demand.count, np.bool_) if attached is None else ~np.asarray(attached)
    seconds = found.seconds[demand.building[share]]
    walked = np.isfinite(seconds)
    lived = demand.households[share]
    total_s = _summed(of_share[walked], seconds[walked].astype(np.float64) * lived[walked], count)
    walkers = _counted(of_share[walked], lived[walked], count)
    table = pd.DataFrame(
        {
            "rank": np.arange(1, count + 1),
            "households": _counted(of_share, lived, count),
            "people": _counted(of_share, demand.people[share], count),
            "buildings": _counted(of_share, demand.buildings[share], count),
            "cells": _counted(area[gap], np.ones(int(gap.sum()), np.int64), count),
            "unattached_households": _counted(of_share, np.where(loose[demand.building[share]], lived, 0), count),
            "mean_s": np.divide(total_s, walkers, out=np.full(count, np.nan), where=walkers > 0),
        }
    )
    row = np.flatnonzero(walked & (lived > 0))
    building = demand.building[share][row]
    order = np.lexsort((building, found.station[building], found.seconds[building], of_share[row]))
    at, best = np.unique(of_share[row][order], return_index=True)
    nearest = np.full(count, -1, np.int64)
    nearest[at] = building[order[best]]
    has = nearest >= 0
    table["building"] = nearest
    table["station"] = np.where(has, found.station[np.maximum(nearest, 0)], -1) if count else nearest
    table["nearest_s"] = np.where(has, found.seconds[np.maximum(nearest, 0)], np.inf) if count else np.zeros(0)
    return table, area


def _counted(index: NDArray[np.integer], values: NDArray[np.integer], count: int) -> Longs:
    """Sum whole numbers by index (-1: none)."""
    has = index >= 0
    return np.rint(np.bincount(index[has], weights=values[has], minlength=count)).astype(np.int64)


def _summed(index: NDArray[np.integer], values: Floats, count: int) -> Floats:
    """Sum measures by index (-1: none)."""
    has = index >= 0
    return np.bincount(index[has], weights=values[has], minlength=count).astype(np.float64)


def _share(part: NDArray[np.number], whole: NDArray[np.number]) -> Floats:
    """Return part of whole; NaN where there is nobody."""
    a, b = np.asarray(part, np.float64), np.asarray(whole, np.float64)
    return np.divide(a, b, out=np.full_like(b, np.nan), where=b > 0)
