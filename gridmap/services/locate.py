"""Whose place is this? Answers from memory: one index for each edition asked for, renewed when the data change."""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import geopandas as gpd
import numpy as np
import shapely
from sqlalchemy import Connection

from gridmap.core.address import AddressBook, AddressMatch, BuildingEntry, EstateEntry
from gridmap.core.locate import GridIndex, nearest_stations
from gridmap.core.offset_crs import to_wgs84
from gridmap.errors import InputError, NotFound, NotReady
from gridmap.model.answer import Located
from gridmap.model.jurisdiction_settings import value_in
from gridmap.store import base as base_store
from gridmap.store import clock, locating
from gridmap.store import editions as edition_store
from gridmap.store.changes import versions
from gridmap.store.database import Place, engine_of
from gridmap.store.jurisdiction import data_bounds, jurisdiction

if TYPE_CHECKING:
    from gridmap.services.walking import Town

NEAREST_STATIONS = 3
EDITIONS_KEPT = 4
_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class _Shared:
    """What does not depend on the edition, at one data version."""

    version: tuple[tuple[str, int], ...]
    editions: tuple[edition_store.Edition, ...]
    metric_epsg: int
    bounds: tuple[float, float, float, float] | None
    areas: gpd.GeoDataFrame
    book: AddressBook
    of_estate: dict[str, tuple[int, ...]]
    stations: tuple[dict[str, Any], ...]
    station_xy: np.ndarray[Any, np.dtype[np.float64]]
    duties: dict[str, list[locating.Duty]]
    time_zone: ZoneInfo
    area_changes: tuple[datetime, ...]
    near_boundary_m: float | None

    def areas_number(self, at: datetime | None) -> int:
        """Return how many times areas had changed by then (None: now)."""
        return len(self.area_changes) if at is None else bisect_right(self.area_changes, at)


class Locator:
    """Locates points and addresses of one database; any number of threads may ask it at once.

    What it holds is immutable and swapped whole. :meth:`refresh` compares the data version (one row) and loads anew
    when it changed; :meth:`watch` does so each second in the background.
    """

    def __init__(self, place: Place, *, near_boundary_m: float = 15.0, compiled: bool = False) -> None:
        self._place = place
        self._compiled = compiled  # see GridIndex.build: for many points at once
        self._near_boundary_m = near_boundary_m
        self._loading = threading.Lock()
        self._shared: _Shared | None = None
        self._indexes: OrderedDict[tuple[int, int], GridIndex] = OrderedDict()  # by edition and state of the areas

    def refresh(self) -> bool:
        """Load anew if the data changed; returns whether they did."""
        with engine_of(self._place).connect() as connection:
            now = tuple(sorted(versions(connection).items()))
            if self._shared is not None and self._shared.version == now:
                return False
            with self._loading:
                shared = _load_shared(connection, now)
                wanted = _edition_at(shared.editions, clock.now())
                index = None if wanted is None else _load_index(connection, shared, wanted, compiled=self._compiled)
                self._indexes = OrderedDict()
                if index is not None and wanted is not None:
                    self._indexes[wanted, len(shared.area_changes)] = index
                self._shared = shared
        return True

    def use_compiled(self) -> None:
        """Answer by compiled loops from now on (see GridIndex.build): the same answers, many points far faster.

        The index of the present is made again beside the one that answers, and takes its place.
        """
        self._compiled = True
        shared = self._shared
        wanted = None if shared is None else _edition_at(shared.editions, clock.now())
        if shared is None or wanted is None:
            return  # what is loaded later is so from the start
        with engine_of(self._place).connect() as connection:
            index = _load_index(connection, shared, wanted, compiled=True)
        with self._loading:
            if self._shared is shared:
                self._indexes = OrderedDict({(wanted, len(shared.area_changes)): index})

    def watch(self, stop: threading.Event, *, every_s: float = 1.0) -> threading.Thread:
        """Keep it fresh in a background thread until ``stop`` is set."""

        def go() -> None:
            import logging

            while not stop.wait(every_s):
                try:
                    self.refresh()
                except Exception:  # the database may be away for a while: keep what is held
                    logging.getLogger("gridmap.locate").exception("the data version could not be read")

        thread = threading.Thread(target=go, name="gridmap-locator", daemon=True)
        thread.start()
        return thread

    def ready(self, at: datetime | None = None) -> bool:
        """Whether a question about that time (None: now) is answered from memory, without waiting for the database."""
        shared = self._shared
        if shared is None:
            return False
        edition_id = _edition_at(shared.editions, _aware(at))
        number = shared.areas_number(None if at is None else _aware(at))
        return edition_id is None or (edition_id, number) in self._indexes

    @property
    def edition(self) -> int | None:
        """The edition in force now, as far as is known here."""
        return None if self._shared is None else _edition_at(self._shared.editions, clock.now())

    @property
    def version(self) -> str | None:
        """The data version that answers now."""
        return None if self._shared is None else ".".join(str(v) for _, v in self._shared.version)

    @property
    def near_boundary_m(self) -> float:
        """How near to its grid's border a point is flagged: as the jurisdiction set it, else as this process is set."""
        own = self._held().near_boundary_m
        return self._near_boundary_m if own is None else own

    def locate(
        self,
        lon: float | None = None,
        lat: float | None = None,
        *,
        crs: str = "EPSG:4326",
        accuracy_m: float | None = None,
        at: datetime | None = None,
        address: str | None = None,
        town: Town | None = None,
        path: bool = False,
    ) -> dict[str, Any]:
        """Locate a point or an address (the building that it names exactly goes first).

        With a ``town`` its stations are those nearest on foot, with ``path`` and the way there; where nothing can be
        walked they are the nearest in a straight line, and each says so (``basis``).

        Raises
        ------
        InputError
            Neither is given, or the coordinates cannot be a place.
        NotFound
            No edition was in force at that time.
        NotReady
            There is no edition yet.
        """
        shared = self._held()
        edition_id, index = self._index(shared, at)
        named = shared.book.match(address) if address else None
        if lon is None or lat is None:
            if named is None or named.building_id is None:
                raise _address_alone(named)
            found = index.locate_building(named.building_id)
            x = y = None
        else:
            longitude, latitude = to_wgs84([lon], [lat], crs)
            x, y = float(longitude[0]), float(latitude[0])
            found = _by_building_or_point(index, named, x, y, accuracy_m=accuracy_m, near_m=self.near_boundary_m)
        answer = self._told(shared, index, found, edition_id, named=named, lon=x, lat=y, crs=crs, at=at)
        if town is not None:
            from gridmap.services.nearby import stations_on_foot  # brings numba

            number = found.building.id if found.building else None
            walked = stations_on_foot(town, building=number, lon=x, lat=y, most=NEAREST_STATIONS, path=path)
            answer["stations"] = walked or answer["stations"]
        return answer

    def index_at(self, at: datetime | None = None) -> tuple[int, GridIndex]:
        """Return the edition in force at a time (None: now) and its index, for many points at once."""
        return self._index(self._held(), at)

    def match(self, address: str | None) -> AddressMatch:
        """Return what an address names."""
        return self._held().book.match(address)

    def buildings_of_estate(self, name: str) -> tuple[int, ...]:
        """Return the ids of the numbered buildings of an estate, by its name in the tables."""
        return self._held().of_estate.get(name, ())

    def _held(self) -> _Shared:
        if self._shared is None:
            self.refresh()
        shared = self._shared
        assert shared is not None  # noqa: S101 (refresh loads or raises)
        return shared

    def _index(self, shared: _Shared, at: datetime | None) -> tuple[int, GridIndex]:
        moment = _aware(at)
        edition_id = _edition_at(shared.editions, moment)
        if edition_id is None:
            if not shared.editions:
                raise NotReady(
                    "还没有网格版本。请导入网格并运行 gridmap cells --commit。",
                    "There is no edition yet. Import grids and run gridmap cells --commit.",
                )
            raise NotFound("那时还没有生效的网格版本。", "No edition was in force at that time.")
        number = shared.areas_number(None if at is None else moment)
        held = self._indexes.get((edition_id, number))
        if held is None:
            with self._loading, engine_of(self._place).connect() as connection:
                held = self._indexes.get((edition_id, number)) or self._load(connection, shared, edition_id, number)
                self._indexes[edition_id, number] = held
                while len(self._indexes) > EDITIONS_KEPT:
                    self._indexes.popitem(last=False)
        return edition_id, held

    def _load(self, connection: Connection, shared: _Shared, edition_id: int, number: int) -> GridIndex:
        """Return the index of an edition with the areas as they were after so many changes."""
        same = next((index for (edition, _), index in self._indexes.items() if edition == edition_id), None)
        held = _load_index(connection, shared, edition_id, compiled=self._compiled) if same is None else same
        if number == len(shared.area_changes):
            return held if same is None else held.with_areas(shared.areas)
        since = shared.area_changes[number - 1] if number else shared.area_changes[0] - _INSTANT
        return held.with_areas(locating.areas(connection, since))

    def _told(
        self,
        shared: _Shared,
        index: GridIndex,
        found: Located,
        edition_id: int,
        *,
        named: AddressMatch | None,
        lon: float | None,
        lat: float | None,
        crs: str,
        at: datetime | None,
    ) -> dict[str, Any]:
        answer = found.as_dict()
        answer["chain"] = answer.pop("levels")
        answer["crs_assumed"] = crs
        edition = next(e for e in shared.editions if e.id == edition_id)
        answer["edition"] = {
            "id": edition.id,
            "name": edition.name,
            "effective_from": edition.effective_from.isoformat(),
        }
        answer["duties"] = _on_duty(shared, found.grid.code, _aware(at)) if found.grid else []
        answer["point"] = None if lon is None or lat is None else {"lon": lon, "lat": lat}
        answer["stations"] = _nearest(shared, index, lon, lat)
        if named is not None:
            answer["address"] = {"match": named.kind, "reason": named.reason, "unit": named.unit}
        return answer


def _by_building_or_point(
    index: GridIndex, named: AddressMatch | None, lon: float, lat: float, *, accuracy_m: float | None, near_m: float
) -> Located:
    if named is not None and named.building_id is not None:
        try:
            return index.locate_building(named.building_id, lon=lon, lat=lat)
        except NotFound:  # a building of today that the edition asked for did not have
            pass
    return index.locate_point(lon, lat, accuracy_m=accuracy_m, near_boundary_m=near_m)


def _aware(at: datetime | None) -> datetime:
    return clock.now() if at is None else at if at.tzinfo else at.replace(tzinfo=UTC)


def _on_duty(shared: _Shared, code: str, at: datetime) -> list[dict[str, Any]]:
    try:
        day = at.astimezone(shared.time_zone).date()
    except OverflowError:  # within hours of the first or the last day that there is
        day = at.date()
    return [duty.told() for duty in shared.duties.get(code, ()) if duty.holds(at, day)]


def _address_alone(named: AddressMatch | None) -> InputError:
    if named is None:
        return InputError("请给出经纬度(lon、lat)或地址(address)。", "Give lon and lat, or an address.")
    return InputError(
        f"地址没有唯一对应的楼栋({named.reason})。请写明小区和楼号,或给出经纬度。",
        f"The address does not name one building ({named.reason}). Give estate and building number, or lon and lat.",
    )


def _edition_at(editions: tuple[edition_store.Edition, ...], moment: datetime) -> int | None:
    begun = [e.id for e in editions if e.effective_from <= moment]
    return begun[-1] if begun else None


def _load_shared(connection: Connection, version: tuple[tuple[str, int], ...]) -> _Shared:
    known = jurisdiction(connection)
    areas = locating.areas(connection)
    names = locating.building_names(connection)
    estates = base_store.read_live(connection, "estates")
    stations = base_store.read_live(connection, "stations")
    book = AddressBook(
        [EstateEntry(n, tuple(a)) for n, a in zip(estates["name"], estates["aliases"], strict=True)],
        [
            BuildingEntry(int(i), e, n, tuple(a for a in (c, t) if a))
            for i, e, n, c, t in zip(
                names["id"], names["estate"], names["number"], names["community"], names["town"], strict=True
            )
        ],
        areas=[name for name in areas["name"] if name],
        streets=locating.street_names(connection),
    )
    shapes = stations.geometry.to_numpy()
    return _Shared(
        version=version,
        editions=tuple(edition_store.editions(connection)),
        metric_epsg=known.metric_srid or 0,  # chosen with the first import, long before an edition
        bounds=data_bounds(connection),
        areas=areas,
        book=book,
        of_estate={str(e): tuple(int(i) for i in ids) for e, ids in names.groupby("estate")["id"]},
        stations=tuple(
            {"code": code, "name": name, "kind": kind, "tier": tier}
            for code, name, kind, tier in zip(
                stations["source_id"], stations["name"], stations["station_kind"], stations["tier"], strict=True
            )
        ),
        station_xy=np.column_stack([shapely.get_x(shapes), shapely.get_y(shapes)]),
        duties=locating.public_duties(connection),
        time_zone=ZoneInfo(known.time_zone),
        area_changes=tuple(locating.area_changes(connection)),
        near_boundary_m=value_in(known.settings, "near_boundary_m"),
    )


def _load_index(connection: Connection, shared: _Shared, edition_id: int, *, compiled: bool) -> GridIndex:
    return GridIndex.build(
        edition_store.edition_grids(connection, edition_id),
        metric_epsg=shared.metric_epsg,
        areas=shared.areas,
        buildings=locating.footprints(connection, edition_id),
        edition=edition_id,
        bounds=shared.bounds,
        compiled=compiled,
    )


def _nearest(shared: _Shared, index: GridIndex, lon: float | None, lat: float | None) -> list[dict[str, Any]]:
    if lon is None or lat is None or not shared.stations:
        return []
    there = index.to_metric(shared.station_xy[:, 0], shared.station_xy[:, 1])
    position, metres = nearest_stations(index.to_metric([lon], [lat]), there, k=NEAREST_STATIONS)
    return [
        shared.stations[int(p)]
        | {"distance_m": round(float(d), 1), "walk_s": None, "walk_m": None, "basis": "straight"}
        for p, d in zip(position[0], metres[0], strict=True)
    ]
