"""Walking in memory: network, homes, stations and candidates of one database, as they are now and as they could be.

A :class:`Town` is everything at one data version, immutable but for what it has worked out already; the
:class:`Walker` swaps it whole when the data version changes. A :class:`Scene` is the town with its stations as they
stand, or as a scenario would have them.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar, cast

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sqlalchemy import Connection

from gridmap.core.crs import LONLAT_EPSG, project, transform_xy
from gridmap.core.network import (
    Attacher,
    Attachments,
    WalkNetwork,
    WalkProfile,
    WalkTimes,
    build_network,
    walk_times,
    whole_steps,
)
from gridmap.core.reach import DirectPairs, Legs, legs
from gridmap.core.reach.figures import Demand
from gridmap.errors import NotReady
from gridmap.services.attaching import LIMIT_M, Attached, Surroundings, attached_things, join, store_attached, take
from gridmap.services.networks import network_of
from gridmap.store import editions as edition_store
from gridmap.store import stations as station_store
from gridmap.store import walking as store
from gridmap.store.changes import versions
from gridmap.store.database import Place, engine_of
from gridmap.store.jurisdiction import data_bounds, jurisdiction

__all__ = ["Cells", "Grids", "Homes", "Kept", "Scene", "Station", "Town", "Walk", "Walker", "direct_pairs"]

FLOORS_FROM, LIFT_FROM = 4, 7
SCENES_KEPT = 8
ANSWERS_KEPT = 64

T = TypeVar("T")
Ints = NDArray[np.int64]


class Kept:
    """What was worked out once and may be asked for again; the one used longest ago goes first."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._values: OrderedDict[Hashable, Any] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return the value of a key; of several threads that miss it at once each makes it, one is kept."""
        found = self.peek(key)
        if found is not None:
            return cast("T", found)
        made = make()
        with self._lock:
            self._values[key] = made
            while len(self._values) > self._capacity:
                self._values.popitem(last=False)
        return made

    def peek(self, key: Hashable) -> Any | None:
        """Return the value of a key if it is there."""
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
                return self._values[key]
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Station:
    """A station as it is, or as a scenario has it (``change``: added, moved, closed, hours); degrees EPSG:4326."""

    code: str
    name: str
    kind: str
    tier: int | None
    services: tuple[str, ...]
    opening_hours: str | None
    lon: float
    lat: float
    id: int | None = None
    score: int | None = None
    change: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Homes:
    """The live buildings in the order of their ids, B of them, with what counts in coverage."""

    ids: Ints
    households: NDArray[np.int32]
    people: NDArray[np.int32]
    estimated: NDArray[np.bool_]
    storeys: NDArray[np.int32]
    public: NDArray[np.bool_]
    attached: Attachments

    def rows(self, ids: Ints) -> Ints:
        """Return the positions of building ids; −1 for one that is not live."""
        return _rows(self.ids, ids)


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """The cells that homes stand in, C of them, and what lives there.

    A home without a cell (before cells are made) has a row of its own: ``ids`` 0, no land. ``grid`` is the position of
    the leaf grid among :attr:`Grids.leaf`, −1: none; ``edge_a`` and ``edge_b`` are rows that share a border.
    """

    ids: Ints
    grid: Ints
    edge_a: Ints
    edge_b: Ints
    demand: Demand


@dataclass(frozen=True, slots=True, eq=False)
class Grids:
    """The grids of the edition in force; ``leaf`` are the rows of leaf grids, ``above[level]`` the row for each."""

    table: pd.DataFrame
    leaf: Ints
    above: dict[int, Ints]
    communities: dict[str, str]


@dataclass(frozen=True, slots=True, eq=False)
class Walk:
    """One kind of walker on one network: what edges cost, and homes timed to the ends of their edges."""

    profile: WalkProfile
    times: WalkTimes
    homes: Legs
    extra_s: NDArray[np.float64]


def floor_seconds(storeys: NDArray[np.int32], profile: WalkProfile) -> NDArray[np.float64]:
    """Return the seconds from the middle floor down to the door, where there is no lift.

    Whether a house has a lift is not in the data: houses of 4 to 6 storeys are taken to have none, because GB 50096,
    Design code for residential buildings, asks for a lift from 7 storeys on.
    """
    without_lift = (storeys >= FLOORS_FROM) & (storeys < LIFT_FROM)
    return np.where(without_lift, profile.storey_s * (storeys - 1) / 2, 0.0)


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """Stations on a network: as they stand, or as a scenario has them.

    ``inside`` are positions (station, home) of stations in a home's footprint; ``key`` names the scene among those
    of its town.
    """

    key: Hashable
    network: WalkNetwork
    homes: Attachments
    stations: tuple[Station, ...]
    attached: Attachments
    inside: Ints
    kept: Kept = field(default_factory=lambda: Kept(ANSWERS_KEPT))

    def walk(self, town: Town, profile: WalkProfile, *, floors: bool = False) -> Walk:
        """Return the network in the time of one kind of walker; ``floors`` counts stairs in houses without a lift."""

        def make() -> Walk:
            times = walk_times(self.network, profile)
            extra = floor_seconds(town.homes.storeys, profile) if floors else np.zeros(len(town.homes.ids))
            homes = self.met_by(town, profile)
            return Walk(profile, times, legs(times, homes, extra_s=extra), extra)

        return self.kept.get(("walk", profile, floors), make)

    def met_by(self, town: Town, profile: WalkProfile, *, stations: bool = False) -> Attachments:
        """Return where one kind of walker meets the streets of homes, or of stations: not on stairs that are closed."""
        things = self.attached if stations else self.homes
        stairs = self.network.edge_steps
        on_stairs = np.unique(things.thing[stairs[things.edge]])
        if profile.steps_factor > 0 or not len(on_stairs):
            return things

        def make() -> Attachments:
            rest = np.setdiff1d(np.arange(things.count), on_stairs)
            made = town.around.attach(self.network, things.xy[on_stairs], closed=stairs)
            order = np.argsort(np.concatenate([rest, on_stairs]), kind="stable")
            return take(join(take(things, rest), made), order)

        return self.kept.get(("without stairs", stations), make)


class Around:
    """What is only read when something new must be attached, or a street is closed or added."""

    def __init__(self, place: Place, epsg: int) -> None:
        self._place = place
        self._epsg = epsg
        self._lock = threading.RLock()
        self._surroundings: Surroundings | None = None
        self._attacher: Attacher | None = None

    def surroundings(
        self, connection: Connection | None = None, streets: gpd.GeoDataFrame | None = None
    ) -> Surroundings:
        """Return walls, water and railways."""
        with self._lock:
            if self._surroundings is None:
                if connection is None:
                    with engine_of(self._place).connect() as opened:
                        return self.surroundings(opened)
                rows = store.walking_streets(connection) if streets is None else streets
                self._surroundings = Surroundings.load(connection, self._epsg, rows)
            return self._surroundings

    def attach(
        self, network: WalkNetwork, xy: NDArray[np.float64], *, closed: NDArray[np.bool_] | None = None
    ) -> Attachments:
        """Attach points (n, 2) of the metric system to the streets; what that needs is kept for the next ones.

        To all that are not ``closed``: for those who take no stairs.
        """
        here = self.surroundings()
        if closed is not None:
            return here.attacher(network, closed=closed).attach(xy, limit_m=LIMIT_M)
        with self._lock:
            if self._attacher is None or self._attacher.network is not network:
                self._attacher = here.attacher(network)
            attacher = self._attacher
        return attacher.attach(xy, limit_m=LIMIT_M)

    def streets(self) -> gpd.GeoDataFrame:
        """Return the streets in the metric system."""
        with engine_of(self._place).connect() as connection:
            return project(store.walking_streets(connection), self._epsg)


@dataclass(frozen=True, slots=True, eq=False)
class Town:
    """Everything about walking in one database at one data version; metric system ``epsg``."""

    version: str
    counters: tuple[tuple[str, int], ...]
    epsg: int
    time_zone: str
    bounds: tuple[float, float, float, float] | None
    edition: edition_store.Edition | None
    network: WalkNetwork
    homes: Homes
    cells: Cells
    grids: Grids | None
    today: Scene
    candidates: tuple[dict[str, Any], ...]
    candidates_attached: Attachments
    candidates_inside: Ints
    around: Around
    scenes: Kept = field(default_factory=lambda: Kept(SCENES_KEPT))

    def metric(self, lonlat: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return points (n, 2) of EPSG:4326 in the metric system, to the millimetre."""
        return np.round(transform_xy(lonlat, LONLAT_EPSG, self.epsg), 3) if len(lonlat) else np.zeros((0, 2))

    def lonlat(self, xy: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return metric points (n, 2) in EPSG:4326, to the centimetre."""
        return np.round(transform_xy(xy, self.epsg, LONLAT_EPSG), 7) if len(xy) else np.zeros((0, 2))


def direct_pairs(attached: Attachments, homes: Attachments, inside: Ints, *, speed_mps: float) -> DirectPairs:
    """Return who reaches whom without a street: in one walled estate straight, in the building at once.

    ``inside`` are positions (station, home) of things in a home's footprint, shape (k, 2).
    """
    order = np.argsort(homes.enclosure, kind="stable")
    ranked = homes.enclosure[order]
    walled = np.flatnonzero(attached.enclosure >= 0)
    low = np.searchsorted(ranked, attached.enclosure[walled], side="left")
    high = np.searchsorted(ranked, attached.enclosure[walled], side="right")
    station = np.repeat(walled, high - low)
    first = np.cumsum(high - low) - (high - low)
    home = order[np.arange(len(station)) - np.repeat(first - low, high - low)]
    straight = np.hypot(*(attached.xy[station] - homes.xy[home]).T)
    return DirectPairs(
        np.concatenate([station, inside[:, 0]]).astype(np.int32),
        np.concatenate([home, inside[:, 1]]).astype(np.int32),
        whole_steps(np.concatenate([straight / speed_mps, np.zeros(len(inside))])),
    )


class Walker:
    """Holds the town of one database; any number of threads may ask it at once.

    :meth:`refresh` compares the data version and loads anew when it changed; :meth:`watch` does so each second. The
    network is kept in the folder ``keep_in``, where one is given, for the next process.
    """

    def __init__(self, place: Place, *, keep_in: Path | None = None) -> None:
        self.place = place
        self._folder = keep_in
        self._loading = threading.Lock()
        self._town: Town | None = None

    def refresh(self) -> bool:
        """Load anew if the data changed; returns whether they did."""
        with engine_of(self.place).connect() as connection:
            if self._fresh(connection):
                return False
        with self._loading:
            with engine_of(self.place).connect().execution_options(isolation_level="REPEATABLE READ") as connection:
                if self._fresh(connection):
                    return False
                town, made, estate_ids = _load(self.place, connection, self._town, self._folder)
            store_attached(self.place, made, town.network, estate_ids, dict(town.counters).get("base", 0))
            self._town = town
        return True

    def _fresh(self, connection: Connection) -> bool:
        held = self._town
        if held is None:
            return False
        now = edition_store.edition_at(connection, None)
        same_edition = now == (held.edition.id if held.edition else None)
        return same_edition and _counters(connection) == held.counters

    def watch(self, stop: threading.Event, *, every_s: float = 1.0) -> threading.Thread:
        """Keep it fresh in a background thread until ``stop`` is set; nothing is loaded before the first question."""

        def go() -> None:
            import logging

            while not stop.wait(every_s):
                if self._town is None:
                    continue
                try:
                    self.refresh()
                except Exception:  # the database may be away for a while: keep what is held
                    logging.getLogger("gridmap.walking").exception("the walking data could not be read")

        thread = threading.Thread(target=go, name="gridmap-walker", daemon=True)
        thread.start()
        return thread

    @property
    def held(self) -> Town | None:
        """The town if it is in memory."""
        return self._town

    def town(self) -> Town:
        """Return the town, loading it when it is not in memory.

        Raises
        ------
        NotReady
            There are no streets or no buildings yet.
        """
        if self._town is None:
            self.refresh()
        assert self._town is not None  # noqa: S101 (refresh loads or raises)
        return self._town


def _counters(connection: Connection) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(versions(connection).items()))


def _load(
    place: Place, connection: Connection, before: Town | None, folder: Path | None
) -> tuple[Town, list[Attached], Ints]:
    counters = _counters(connection)
    known = jurisdiction(connection)
    if known.metric_srid is None:
        raise NotReady(
            "还没有数据,无法计算步行可达。请先导入道路、楼栋和站点。",
            "There are no data to walk on yet. Import streets, buildings and stations first.",
        )
    epsg = known.metric_srid
    around = Around(place, epsg)
    streets: list[gpd.GeoDataFrame] = []

    def street_rows() -> gpd.GeoDataFrame:
        if not streets:
            streets.append(store.walking_streets(connection))
        return streets[0]

    if before is not None and before.epsg == epsg and _streets_of(before.counters) == _streets_of(counters):
        network = before.network
    else:
        network = network_of(place, connection, epsg, folder, lambda: build_network(project(street_rows(), epsg)))
    estate_ids = store.walled_ids(connection)
    made: list[Attached] = []

    def attached(thing: store.Thing, ids: Ints) -> Attached:
        one = attached_things(
            connection, thing, ids, network, lambda: around.surroundings(connection, street_rows()), estate_ids
        )
        made.append(one)
        return one

    rows = store.buildings(connection)
    homes = Homes(
        rows["id"],
        rows["households"],
        rows["people"],
        rows["estimated"],
        rows["storeys"],
        rows["public"],
        attached("building", rows["id"]).attachments,
    )
    stations = [_station(row) for row in station_store.stations(connection)]
    candidates = station_store.candidates(connection)
    station_things = _in_order(attached, "station", [s.id or 0 for s in stations])
    candidate_things = _in_order(attached, "candidate", [int(c["id"]) for c in candidates])
    edition = next(
        (e for e in edition_store.editions(connection) if e.id == edition_store.edition_at(connection, None)), None
    )
    grids = None if edition is None else _grids(connection, edition.id)
    edges = store.neighbours(connection)
    town = Town(
        version=".".join(str(value) for _, value in counters),
        counters=counters,
        epsg=epsg,
        time_zone=known.time_zone,
        bounds=data_bounds(connection),
        edition=edition,
        network=network,
        homes=homes,
        cells=_cells(store.shares(connection, edition.id if edition else None), edges, homes, grids),
        grids=grids,
        today=Scene(
            "today",
            network,
            homes.attached,
            tuple(stations),
            station_things,
            _inside(store.inside(connection, "station"), [s.id or 0 for s in stations], homes),
        ),
        candidates=tuple(candidates),
        candidates_attached=candidate_things,
        candidates_inside=_inside(store.inside(connection, "candidate"), [int(c["id"]) for c in candidates], homes),
        around=around,
    )
    return town, made, estate_ids


def _streets_of(counters: tuple[tuple[str, int], ...]) -> int | None:
    return dict(counters).get("streets")


def _station(row: dict[str, Any]) -> Station:
    return Station(
        code=row["source_id"],
        name=row["name"],
        kind=row["station_kind"],
        tier=row["tier"],
        services=tuple(row["services"]),
        opening_hours=row["opening_hours"],
        lon=row["lon"],
        lat=row["lat"],
        id=int(row["id"]),
        score=_score(row),
    )


def _score(row: dict[str, Any]) -> int | None:
    """Return how many of the eight checks are met; None where none is known."""
    met = [row[name] for name in station_store.CHECKS]
    return None if all(one is None for one in met) else sum(one is True for one in met)


def _in_order(attached: Callable[[store.Thing, Ints], Attached], thing: store.Thing, ids: list[int]) -> Attachments:
    """Return the attachments of things in the order given, which is that of their codes, not of their ids."""
    wanted = np.array(ids, dtype=np.int64)
    found = attached(thing, np.sort(wanted))
    return take(found.attachments, np.searchsorted(found.ids, wanted))


def _inside(found: store.Columns, ids: list[int], homes: Homes) -> Ints:
    """Return positions (thing, home) of pairs of ids, (k, 2)."""
    place = {one: k for k, one in enumerate(ids)}
    home = homes.rows(found["building_id"])
    rows = [(place[int(one)], int(at)) for one, at in zip(found["id"], home, strict=True) if at >= 0]
    return np.array(rows, dtype=np.int64).reshape(-1, 2)


def _grids(connection: Connection, edition_id: int) -> Grids:
    table = store.grids(connection, edition_id)
    uid = table["uid"].to_numpy(dtype=np.int64)
    place = {int(one): k for k, one in enumerate(uid)}
    parent = np.array([place.get(int(p), -1) for p in table["parent_uid"]], dtype=np.int64)
    level = table["level"].to_numpy(dtype=np.int64)
    leaf = np.flatnonzero(table["leaf"].to_numpy(dtype=bool))
    above = {int(one): np.full(len(leaf), -1, dtype=np.int64) for one in np.unique(level)}
    at = leaf.copy()
    while (at >= 0).any():
        for one, rows in above.items():
            here = (at >= 0) & (level[at] == one)
            rows[here] = at[here]
        at = np.where(at >= 0, parent[at], -1)
    return Grids(table, leaf, above, store.community_names(connection))


def _cells(found: store.Columns, edges: store.Columns, homes: Homes, grids: Grids | None) -> Cells:
    building = homes.rows(found["building_id"])
    good = building >= 0
    found = {name: values[good] for name, values in found.items()}
    ids, first, cell = np.unique(found["cell_id"], return_index=True, return_inverse=True)
    known = len(ids)
    without = np.setdiff1d(np.arange(len(homes.ids)), building[good])
    building = np.concatenate([building[good], without])
    cell = np.concatenate([cell, known + np.arange(len(without))])
    twice = np.concatenate([found["twice"], np.zeros(len(without), dtype=np.bool_)])
    own = np.concatenate([found["area_m2"] > 0, np.zeros(len(without), dtype=np.bool_)])
    # rows come by building and part: the order in which what does not divide evenly is given out
    order = np.argsort(building, kind="stable")
    building, cell, twice, own = building[order], cell[order], twice[order], own[order]
    begin = np.searchsorted(building, building, side="left")
    of = np.searchsorted(building, building, side="right") - begin
    nth = np.arange(len(building)) - begin
    estimated = homes.estimated[building]

    def shared(whole: NDArray[np.int32]) -> Ints:
        values = whole[building].astype(np.int64)
        return np.where(twice & estimated, 0, values // of + (nth < values % of))

    count = known + len(without)
    area = np.zeros(count)
    np.maximum.at(area, cell, np.concatenate([found["area_m2"], np.zeros(len(without))])[order])
    land = np.full(count, -1, dtype=np.int64)
    land[cell[own]] = building[own]
    households = shared(homes.households)
    demand = Demand(
        cell=cell,
        building=building,
        households=households,
        estimated=np.where(estimated, households, 0),
        people=shared(homes.people),
        buildings=((nth == 0) & ~twice).astype(np.int64),
        area_m2=area,
        land=land,
        count=len(homes.ids),
    )
    uid = np.concatenate([found["uid"][first], np.zeros(len(without), dtype=np.int64)])
    a, b = _rows(ids, edges["a"]), _rows(ids, edges["b"])
    both = (a >= 0) & (b >= 0)
    return Cells(
        np.concatenate([ids, np.zeros(len(without), dtype=np.int64)]), _leaves(uid, grids), a[both], b[both], demand
    )


def _leaves(uid: Ints, grids: Grids | None) -> Ints:
    if grids is None or not len(grids.leaf):
        return np.full(len(uid), -1, dtype=np.int64)
    leaves = grids.table["uid"].to_numpy(dtype=np.int64)[grids.leaf]
    order = np.argsort(leaves)
    at = _rows(leaves[order], uid)
    return np.where(at >= 0, order[at], -1)


def _rows(ascending: Ints, wanted: Ints) -> Ints:
    """Return the positions of ids among ascending ones; −1 where they are not."""
    if not len(ascending):
        return np.full(len(wanted), -1, dtype=np.int64)
    at = np.minimum(np.searchsorted(ascending, wanted), len(ascending) - 1)
    return np.where(ascending[at] == wanted, at, -1)
