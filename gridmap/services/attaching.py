"""Where buildings, stations and candidates meet the streets: computed once, kept in PostGIS, redone where it changed.

An import forgets, in its own transaction, what it touched (:func:`gridmap.store.walking.forget_changed`): the things
themselves and those near streets, water or walls that changed. Whoever loads the data next attaches just that and
stores it, unless the base data have moved on meanwhile. The way of most things to the streets does not depend on the
rest of the network. That of a few does: which parts of it are minor. Their mark says for which minor parts they were
attached; when those change, these things are attached anew.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from sqlalchemy import Connection

from gridmap.core.crs import LONLAT_EPSG, project, transform_xy
from gridmap.core.network import (
    MINOR_M,
    Attacher,
    Attachments,
    Barriers,
    Enclosures,
    NetworkSettings,
    WalkNetwork,
    barriers_of,
    building_points,
    from_measure,
    main_edges,
    sensitive,
    to_measure,
)
from gridmap.store import walking as store
from gridmap.store.changes import versions
from gridmap.store.database import Place, transaction
from gridmap.store.walking import Columns, Thing

__all__ = [
    "LIMIT_M",
    "MARK",
    "Attached",
    "Surroundings",
    "attached_things",
    "join",
    "pinned_mark",
    "store_attached",
    "take",
]

#: What is farther than this from every street is not attached.
LIMIT_M = 200.0
_RULES = "2"
#: Fingerprint of the rules: what was attached by other ones is attached anew.
MARK = hashlib.sha256(f"{_RULES} {LIMIT_M} {MINOR_M} {NetworkSettings()!r}".encode()).hexdigest()[:16]


def pinned_mark(network: WalkNetwork) -> str:
    """Return the mark of things whose way depends on which parts of a network are minor."""
    minor = ~main_edges(network)
    edges = np.column_stack([network.edge_street[minor], np.rint(1000 * network.edge_from_m[minor]).astype(np.int64)])
    return MARK + hashlib.sha256(np.sort(edges.astype(np.int64), axis=0).tobytes()).hexdigest()[:16]


@dataclass(frozen=True, slots=True, eq=False)
class Surroundings:
    """What stands between doors and streets, in the metric system; ``estate_ids`` are those of the enclosures."""

    epsg: int
    barriers: Barriers
    enclosures: Enclosures
    estate_ids: NDArray[np.int64]

    @classmethod
    def load(cls, connection: Connection, epsg: int, streets: gpd.GeoDataFrame) -> Surroundings:
        """Read walls, gates, water and railways; ``streets`` is :func:`gridmap.store.walking.walking_streets`."""
        estates = store.walled_estates(connection)
        gates = [transform_xy(shapely.get_coordinates(g), LONLAT_EPSG, epsg).round(3) for g in estates["gates"]]
        barriers, enclosures = barriers_of(
            streets=project(streets[streets["railway"].notna()], epsg),
            water=project(store.walking_water(connection), epsg),
            estates=project(estates.drop(columns="gates").assign(walled=True), epsg),
            gates=gates,
        )
        return cls(epsg, barriers, enclosures, estates["id"].to_numpy(dtype=np.int64))

    def attacher(self, network: WalkNetwork, *, closed: NDArray[np.bool_] | None = None) -> Attacher:
        """Return what attaches points of the metric system to the streets of a network that are not ``closed``."""
        return Attacher(network, barriers=self.barriers, enclosures=self.enclosures, closed=closed)


@dataclass(frozen=True, slots=True, eq=False)
class Attached:
    """Things of one kind in the order of ``ids``; ``fresh`` are the rows that were attached just now."""

    thing: Thing
    ids: NDArray[np.int64]
    attachments: Attachments
    fresh: NDArray[np.int64]


def attached_things(
    connection: Connection,
    thing: Thing,
    ids: NDArray[np.int64],
    network: WalkNetwork,
    surroundings: Callable[[], Surroundings],
    estate_ids: NDArray[np.int64],
) -> Attached:
    """Return the attachments of live things (ids ascending): those that are kept, and the others made now.

    ``surroundings`` is only called when something must be attached.
    """
    points = store.walk_points(connection, thing, MARK, pinned_mark(network))
    rows = store.attachments(connection, thing)
    edge, along = from_measure(network, rows["street_id"], rows["measure_m"])
    lost = np.unique(rows["id"][edge < 0])
    main = main_edges(network)
    cut_off = rows["id"][(edge >= 0) & ~main[np.maximum(edge, 0)]] if len(main) else lost
    known = np.isin(points["id"], ids) & ~np.isin(points["id"], lost)
    known &= points["pinned"] | ~np.isin(points["id"], cut_off)
    inside = points["estate_id"] > 0
    known &= ~inside | np.isin(points["estate_id"], estate_ids)
    points = {name: values[known] for name, values in points.items()}
    used = np.isin(rows["id"], points["id"])
    kept = _from_store(points, {n: v[used] for n, v in rows.items()}, edge[used], along[used], estate_ids, network.epsg)
    missing = np.setdiff1d(ids, points["id"])
    if not len(missing):
        return Attached(thing, ids, kept, np.zeros(0, dtype=np.int64))
    shapes = store.shapes(connection, thing, missing.tolist())
    missing = shapes["id"].to_numpy(dtype=np.int64)
    here = surroundings()
    footprints = project(shapes.rename_geometry("geometry"), network.epsg).geometry.to_numpy()
    # to the millimetre, so that it comes back from the store as it is
    made = here.attacher(network).attach(np.round(building_points(footprints), 3), limit_m=LIMIT_M)
    both = np.concatenate([points["id"], missing])
    order = np.argsort(both, kind="stable")
    whole = take(join(kept, made), order)
    return Attached(thing, both[order], whole, np.flatnonzero(order >= len(points["id"])))


def _from_store(
    points: Columns,
    rows: Columns,
    edge: NDArray[np.int32],
    along: NDArray[np.float64],
    estate_ids: NDArray[np.int64],
    epsg: int,
) -> Attachments:
    def metric(lon: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.round(transform_xy(np.column_stack([lon, lat]), LONLAT_EPSG, epsg), 3)

    gate_xy = np.full((len(edge), 2), np.nan)
    gated = np.isfinite(rows["gate_lon"])
    if gated.any():
        gate_xy[gated] = metric(rows["gate_lon"][gated], rows["gate_lat"][gated])
    inside = points["estate_id"] > 0
    enclosure = np.where(inside, np.searchsorted(estate_ids, points["estate_id"]), -1)
    return Attachments(
        count=len(points["id"]),
        thing=np.searchsorted(points["id"], rows["id"]).astype(np.int32),
        edge=edge.astype(np.int32),
        along_m=along,
        off_m=rows["off_m"],
        via=rows["via"].astype(np.uint8),
        gate_xy=gate_xy,
        reason=points["reason"].astype(np.uint8),
        nearest_m=points["nearest_m"],
        enclosure=enclosure.astype(np.int32),
        xy=metric(points["lon"], points["lat"]) if len(points["id"]) else np.zeros((0, 2)),
    )


def join(first: Attachments, second: Attachments) -> Attachments:
    """Return the things of both, those of the second after those of the first."""

    def both(name: str) -> NDArray[Any]:
        return np.concatenate([getattr(first, name), getattr(second, name)])

    return Attachments(
        count=first.count + second.count,
        thing=np.concatenate([first.thing, second.thing + np.int32(first.count)]).astype(np.int32),
        **{
            name: both(name)
            for name in ("edge", "along_m", "off_m", "via", "gate_xy", "reason", "nearest_m", "enclosure", "xy")
        },
    )


def take(attachments: Attachments, index: NDArray[np.int64]) -> Attachments:
    """Return some things in another order, each at most once."""
    place = np.full(attachments.count, -1, dtype=np.int64)
    place[index] = np.arange(len(index))
    thing = place[attachments.thing]
    rows = np.flatnonzero(thing >= 0)
    rows = rows[np.argsort(thing[rows], kind="stable")]
    return Attachments(
        count=len(index),
        thing=thing[rows].astype(np.int32),
        **{name: getattr(attachments, name)[rows] for name in ("edge", "along_m", "off_m", "via", "gate_xy")},
        **{name: getattr(attachments, name)[index] for name in ("reason", "nearest_m", "enclosure", "xy")},
    )


def store_attached(
    place: Place, made: list[Attached], network: WalkNetwork, estate_ids: NDArray[np.int64], base_version: int
) -> bool:
    """Keep what was attached just now; nothing is kept while an import runs or after the base data moved on."""
    made = [one for one in made if len(one.fresh)]
    if not made:
        return False
    with transaction(place) as connection:
        if not connection.exec_driver_sql(
            "SELECT pg_try_advisory_xact_lock(hashtext('gridmap base data'))"
        ).scalar_one():
            return False
        if versions(connection).get("base", 0) != base_version:
            return False
        for one in made:
            _write(connection, one, network, estate_ids)
    return True


def _write(connection: Connection, one: Attached, network: WalkNetwork, estate_ids: NDArray[np.int64]) -> None:
    def lonlat(xy: NDArray[np.float64]) -> NDArray[np.object_]:
        degrees = np.round(transform_xy(xy, network.epsg, LONLAT_EPSG), 9) if len(xy) else np.zeros((0, 2))
        return np.asarray(shapely.points(degrees), dtype=object)

    fresh = take(one.attachments, one.fresh)
    ids = one.ids[one.fresh]
    street, measure = to_measure(network, fresh)
    first = np.searchsorted(fresh.thing, fresh.thing)
    gated = np.isfinite(fresh.gate_xy[:, 0])
    gates = np.full(len(fresh.thing), None, dtype=object)
    gates[gated] = lonlat(fresh.gate_xy[gated])
    finite = np.isfinite(fresh.nearest_m)
    store.write_attached(
        connection,
        one.thing,
        {
            "thing_id": ids.tolist(),
            "reason": fresh.reason.astype(int).tolist(),
            "nearest_m": np.where(finite, fresh.nearest_m, np.nan).tolist(),
            "estate_id": [int(estate_ids[e]) if e >= 0 else None for e in fresh.enclosure],
            "mark": np.where(sensitive(fresh, main_edges(network)), pinned_mark(network), MARK).tolist(),
            "geom": lonlat(fresh.xy),
        },
        {
            "thing_id": ids[fresh.thing].tolist(),
            "ordinal": (np.arange(len(fresh.thing)) - first).tolist(),
            "street_id": street.tolist(),
            "measure_m": np.asarray(measure, dtype=float).tolist(),
            "off_m": fresh.off_m.tolist(),
            "via": fresh.via.astype(int).tolist(),
            "gate": gates,
        },
    )
