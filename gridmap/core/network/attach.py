"""Where buildings and stations meet the streets: straight legs that never cross a wall, water or a railway.

A thing is attached to the nearest street place that a clear leg leads to. Where the leg to the nearest place is
barred, streets are tried in pieces from one multiple of 20 m along the street to the next, each at its nearest point,
the nearest first; of equally near ones the lower edge.

* Walls are the outlines of walled estates, and lines. A thing in a walled estate meets the streets inside it, and every
  known gate: straight to the gate (inside, people walk freely), and from there to the nearest street that leads out of
  the estate. Without a known gate and without a street that leads out, the estate counts as open for it: *gate
  assumed*.
* A street that runs along a wall (within 10 cm) is outside it.
* A part of the network that joins nothing and is short (:data:`MINOR_M`) is taken only where no clear leg leads to a
  part that matters: a stub of a mapped path beside a house must not cut it off from the street behind.
* What stands in water, or nearer to a street than the limit but behind a barrier all around, is not attached; nor is
  what stands farther than the limit from every street.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gridmap.core.network.build import MEASURE_M, edge_lines
from gridmap.core.network.cells import SegmentGrid, segment_grid
from gridmap.core.network.graph import Attachments, Bools, Bytes, Floats, Ints, Longs, Reason, Via, WalkNetwork

__all__ = [
    "MINOR_M",
    "Attacher",
    "Barriers",
    "Enclosures",
    "attach",
    "barriers_of",
    "building_points",
    "main_edges",
    "sensitive",
    "touched",
]

Geometries = NDArray[np.object_]

#: A part of the network that is not the largest and shorter than this is minor.
MINOR_M = 500.0
#: Points are searched for in strips of this height (metres).
_STRIP_M = 200.0
#: Legs of the same length lead to the same street place.
_SAME_M = 1e-6
#: Stands for the estate of a gate in a search (see the kernels).
_GATE = -2
_RAIL = ("rail", "light_rail", "narrow_gauge", "subway", "monorail", "funicular", "preserved")


def _none() -> Geometries:
    return np.zeros(0, dtype=object)


@dataclass(frozen=True, slots=True, eq=False)
class Barriers:
    """What straight legs never cross, metres: lines of walls, polygons of water, lines of railways."""

    walls: Geometries = field(default_factory=_none)
    water: Geometries = field(default_factory=_none)
    rail: Geometries = field(default_factory=_none)


@dataclass(frozen=True, slots=True, eq=False)
class Enclosures:
    """Walled estates: polygons, and the gates of each, arrays (k, 2), metres; an empty one where none is known."""

    polygons: Geometries = field(default_factory=_none)
    gates: Sequence[Floats] = ()


def attach(
    network: WalkNetwork,
    xy: Floats,
    *,
    barriers: Barriers | None = None,
    enclosures: Enclosures | None = None,
    limit_m: float = 200.0,
    minor_m: float = MINOR_M,
) -> Attachments:
    """Attach things to the network.

    Parameters
    ----------
    network
        A network.
    xy
        (n, 2) metres; see :func:`building_points`. A place that is not known (NaN) is not attached.
    barriers, enclosures
        What legs do not cross, and walled estates with their gates; none by default.
    limit_m
        The farthest that a street may be.
    minor_m
        Parts of the network shorter than this, but for the largest, are only taken where there is no other.
    """
    return Attacher(network, barriers=barriers, enclosures=enclosures, minor_m=minor_m).attach(xy, limit_m=limit_m)


def main_edges(network: WalkNetwork, *, minor_m: float = MINOR_M) -> Bools:
    """Tell which edges are of a part of the network that matters: the largest, or one of at least ``minor_m``."""
    if network.edges == 0:
        return np.zeros(0, dtype=np.bool_)
    part = network.component[network.edge_u]
    length = np.bincount(part, weights=network.edge_length_m)
    return np.asarray((part == 0) | (length[part] >= minor_m), dtype=np.bool_)


def sensitive(attachments: Attachments, main: Bools) -> Bools:
    """Tell which things, (n,), could be attached elsewhere if other parts of the network mattered.

    Those on a minor part, those that pass by a nearer street, and those in walled estates, which may do so at a gate.
    """
    row = ~main[attachments.edge] | (attachments.off_m > attachments.nearest_m[attachments.thing] + _SAME_M)
    out: Bools = attachments.enclosure >= 0
    out[attachments.thing[row]] = True
    return out


@dataclass(frozen=True, slots=True, eq=False)
class _Found:
    """Street places of some points: edge (−1: none), metres along it, metres to it, metres to the nearest street."""

    edge: Longs
    along_m: Floats
    off_m: Floats
    nearest_m: Floats

    def take(self, chosen: Longs) -> _Found:
        """Return the places of some of the points."""
        return _Found(self.edge[chosen], self.along_m[chosen], self.off_m[chosen], self.nearest_m[chosen])


@dataclass(frozen=True, slots=True, eq=False)
class _Rows:
    """Columns of :class:`Attachments`."""

    thing: Longs
    edge: Longs
    along_m: Floats
    off_m: Floats
    via: Bytes
    gate_xy: Floats

    @classmethod
    def of(cls, thing: Longs, found: _Found, via: Via) -> _Rows:
        """Return rows without a gate."""
        n = len(thing)
        blank = np.full((n, 2), np.nan)
        return cls(thing, found.edge, found.along_m, found.off_m, np.full(n, via, dtype=np.uint8), blank)


def _joined(*parts: _Rows) -> _Rows:
    """Return rows by thing, those of one thing in the order of the parts."""
    order = np.argsort(np.concatenate([p.thing for p in parts]), kind="stable")
    return _Rows(*(np.concatenate([getattr(p, f.name) for p in parts])[order] for f in fields(_Rows)))


class Attacher:
    """A network with its barriers, ready to attach many things, or one at once."""

    def __init__(
        self,
        network: WalkNetwork,
        *,
        barriers: Barriers | None = None,
        enclosures: Enclosures | None = None,
        minor_m: float = MINOR_M,
        closed: Bools | None = None,
    ) -> None:
        """Get ready to attach to all edges but those that are ``closed`` (E,): stairs, for who takes none."""
        self.network = network
        self._main = main_edges(network, minor_m=minor_m)
        self._open = np.zeros(0, dtype=np.bool_) if closed is None else ~closed
        self.barriers = barriers or Barriers()
        self.enclosures = enclosures or Enclosures()
        begin = np.delete(np.arange(len(network.xy)), network.xy_start[1:] - 1)
        self._edge = np.searchsorted(network.xy_start, begin, side="right") - 1
        self._grid = segment_grid(network.xy[begin], network.xy[begin + 1])
        step = np.hypot(self._grid.bx - self._grid.ax, self._grid.by - self._grid.ay)
        run = np.cumsum(step) - step
        first = np.searchsorted(self._edge, np.arange(network.edges))
        self._along = run - run[first][self._edge] if len(run) else run
        self._step = step
        self._street = np.unique(network.edge_street, return_inverse=True)[1].astype(np.int64)[self._edge]
        self._measure = network.edge_from_m[self._edge] + self._along
        self._walls, self._owner = self._wall_segments()
        self._enclosed = self._closed_components()
        self._gates = self._gate_places()

    def _wall_segments(self) -> tuple[SegmentGrid, Longs]:
        outlines = shapely.boundary(self.enclosures.polygons)
        shapes = [outlines, self.barriers.walls, shapely.boundary(self.barriers.water), self.barriers.rail]
        owner = np.concatenate([np.arange(len(outlines)), np.full(sum(len(s) for s in shapes[1:]), -1, dtype=np.int64)])
        part, row = shapely.get_parts(np.concatenate(shapes), return_index=True)
        xy, line = shapely.get_coordinates(part, return_index=True)
        begin = np.flatnonzero(line[1:] == line[:-1])
        return segment_grid(xy[begin], xy[begin + 1]), owner[row[line[begin]]]

    def _closed_components(self) -> list[Longs]:
        """Return, for every estate, the parts of the network that lie wholly in it."""
        polygons, network = self.enclosures.polygons, self.network
        none = np.zeros(0, dtype=np.int64)
        out = [none] * len(polygons)
        if len(polygons) and network.nodes:
            node = self._perhaps_enclosed()
            inside, estate = shapely.STRtree(polygons).query(shapely.points(network.node_xy[node]), predicate="within")
            inside = node[inside]
            size = np.bincount(network.component)
            count = len(size)
            pair, hits = np.unique(estate * count + network.component[inside], return_counts=True)
            whole = pair[hits == size[pair % count]]
            for k in np.unique(whole // count).tolist():
                out[k] = whole[whole // count == k] % count
        return out

    def _perhaps_enclosed(self) -> Longs:
        """Return the nodes of all parts of the network but the largest, and of that if an estate is as wide."""
        network = self.network
        main = network.node_xy[network.component == 0]
        west, south = main.min(axis=0)
        east, north = main.max(axis=0)
        w, s, e, n = shapely.bounds(self.enclosures.polygons).T
        around = ((w <= west) & (s <= south) & (e >= east) & (n >= north)).any()
        return np.flatnonzero((network.component > 0) | around)

    def _gate_places(self) -> list[Floats]:
        given = [np.asarray(g, dtype=np.float64).reshape(-1, 2) for g in self.enclosures.gates]
        return [*given, *[np.zeros((0, 2))] * (len(self.enclosures.polygons) - len(given))]

    def _leading_out(self, estate: int) -> Bools:
        """Return which edges lead out of an estate; empty: all."""
        closed = self._enclosed[estate]
        if len(closed) == 0:
            return np.zeros(0, dtype=np.bool_)
        return np.isin(self.network.component[self.network.edge_u], closed, invert=True)

    def _search(self, xy: Floats, own: Ints, ignored: Ints, usable: Bools, limit_m: float) -> _Found:
        """Search places on the edges that can be used (empty: all), on minor parts only where there is no other."""
        if len(self._open):
            usable = self._open & usable if len(usable) else self._open
        found = self._nearest(xy, own, ignored, usable, limit_m)
        if self._main.all():
            return found
        minor = np.flatnonzero((found.edge >= 0) & ~self._main[np.maximum(found.edge, 0)])
        if len(minor):
            main = self._main & usable if len(usable) else self._main
            other = self._nearest(xy[minor], own[minor], ignored[minor], main, limit_m)
            there = other.edge >= 0
            for mine, theirs in ((found.edge, other.edge), (found.along_m, other.along_m), (found.off_m, other.off_m)):
                mine[minor[there]] = theirs[there]
        return found

    def _nearest(self, xy: Floats, own: Ints, ignored: Ints, usable: Bools, limit_m: float) -> _Found:
        from gridmap.core.network import kernels

        # Neighbours one after another find the streets around them in the cache: two to three times as fast.
        order = np.lexsort((xy[:, 0], np.floor(xy[:, 1] / _STRIP_M)))
        answer = kernels.nearest_clear_of_each(
            *xy[order].T.copy(),
            own[order],
            ignored[order],
            float(limit_m),
            usable,
            *self._grid.ends,
            self._edge,
            self._street,
            self._measure,
            *self._grid.cells,
            *self._walls.ends,
            self._owner,
            *self._walls.cells,
        )
        back = np.empty(len(order), dtype=np.int64)
        back[order] = np.arange(len(order))
        segment, place, metres, nearest = (column[back] for column in answer)
        on = np.maximum(segment, 0)
        if len(self._edge) == 0:
            return _Found(segment, np.zeros(len(xy)), metres, nearest)
        edge = np.where(segment >= 0, self._edge[on], -1)
        along = np.minimum(self._along[on] + place * self._step[on], self.network.edge_length_m[edge])
        return _Found(edge, np.floor(along / MEASURE_M) * MEASURE_M, metres, nearest)

    def attach(self, xy: Floats, *, limit_m: float = 200.0) -> Attachments:
        """Attach things at ``xy`` (n, 2); see :func:`attach`."""
        places = np.ascontiguousarray(xy, dtype=np.float64).reshape(-1, 2)
        n = len(places)
        enclosure, wet = self._surroundings(places)
        nobody = np.full(n, -1, dtype=np.int32)
        found = self._search(places, enclosure, nobody, np.zeros(0, dtype=np.bool_), limit_m)
        nearest = self._beyond(places, found.nearest_m)
        free = (nearest <= limit_m) & ~wet
        direct = np.flatnonzero(free & (found.edge >= 0))
        inside = np.flatnonzero(free & (enclosure >= 0))
        rows = _joined(
            _Rows.of(direct, found.take(direct), Via.STREET),
            self._through_gates(places, inside, enclosure[inside], limit_m),
            self._as_if_open(places, inside, enclosure[inside], found.edge[inside], limit_m),
        )
        reason = np.where(nearest > limit_m, Reason.TOO_FAR, Reason.BEHIND_BARRIER).astype(np.uint8)
        reason[~np.isfinite(places).all(axis=1)] = Reason.TOO_FAR
        reason[rows.thing] = Reason.ATTACHED
        return Attachments(
            count=n,
            thing=rows.thing.astype(np.int32),
            edge=rows.edge.astype(np.int32),
            along_m=rows.along_m,
            off_m=rows.off_m,
            via=rows.via,
            gate_xy=rows.gate_xy,
            reason=reason,
            nearest_m=nearest,
            enclosure=enclosure,
            xy=places,
        )

    def _through_gates(self, places: Floats, inside: Longs, estate: Ints, limit_m: float) -> _Rows:
        """Return a row for every thing inside a walled estate and every gate of it that leads to a street."""
        used = np.flatnonzero(np.bincount(estate, minlength=len(self._gates)))
        count = np.array([len(g) for g in self._gates], dtype=np.int64)
        gates = np.vstack([np.zeros((0, 2)), *(self._gates[k] for k in used)])
        found = self._search_outside(gates, np.repeat(used, count[used]), _GATE, limit_m)
        first = np.zeros(len(count), dtype=np.int64)
        first[used] = np.cumsum(count[used]) - count[used]
        pair = np.repeat(np.arange(len(inside)), count[estate])
        begin = np.cumsum(count[estate]) - count[estate]
        gate = first[estate[pair]] + np.arange(len(pair)) - begin[pair]
        pair, gate = pair[found.edge[gate] >= 0], gate[found.edge[gate] >= 0]
        thing = inside[pair]
        rows = _Rows.of(thing, found.take(gate), Via.GATE)
        way = np.hypot(*(places[thing] - gates[gate]).T) + rows.off_m
        return replace(rows, off_m=way, gate_xy=gates[gate])

    def _as_if_open(self, places: Floats, inside: Longs, estate: Ints, edge: Longs, limit_m: float) -> _Rows:
        """Return rows of the things for whose estate no gate is known, and no street that leads out of it."""
        known = np.array([len(g) > 0 for g in self._gates], dtype=np.bool_)
        shut = self._enclosed_edges(edge, estate)
        lost = np.flatnonzero(~known[estate] & ((edge < 0) | shut))
        found = self._search_outside(places[inside[lost]], estate[lost], -1, limit_m)
        ok = np.flatnonzero(found.edge >= 0)
        return _Rows.of(inside[lost[ok]], found.take(ok), Via.GATE_ASSUMED)

    def _enclosed_edges(self, edge: Longs, estate: Ints) -> Bools:
        """Tell which edges are of a part of the network that lies wholly in an estate."""
        out = np.zeros(len(edge), dtype=np.bool_)
        for k in np.unique(estate).tolist():
            if len(self._enclosed[k]):
                here = (estate == k) & (edge >= 0)
                out[here] = np.isin(self.network.component[self.network.edge_u[edge[here]]], self._enclosed[k])
        return out

    def _search_outside(self, xy: Floats, estate: Ints | Longs, own: int, limit_m: float) -> _Found:
        """Search as if the walls of an estate were open, for streets that lead out of it."""
        found = _Found(np.full(len(xy), -1), np.zeros(len(xy)), np.full(len(xy), np.inf), np.full(len(xy), np.inf))
        special = np.array([len(closed) > 0 for closed in self._enclosed], dtype=np.bool_)
        plain = np.flatnonzero(~special[estate])
        for k in [-1, *np.unique(estate[special[estate]]).tolist()]:
            chosen = plain if k < 0 else np.flatnonzero(estate == k)
            usable = np.zeros(0, dtype=np.bool_) if k < 0 else self._leading_out(k)
            ignored = estate[chosen].astype(np.int32)
            part = self._search(xy[chosen], np.full(len(chosen), own, dtype=np.int32), ignored, usable, limit_m)
            found.edge[chosen], found.along_m[chosen], found.off_m[chosen] = part.edge, part.along_m, part.off_m
        return found

    def _surroundings(self, places: Floats) -> tuple[Ints, Bools]:
        """Return the smallest estate that each place stands in (−1: none), and whether it stands in water."""
        enclosure = np.full(len(places), -1, dtype=np.int32)
        wet = np.zeros(len(places), dtype=np.bool_)
        known = np.isfinite(places).all(axis=1)
        points = np.full(len(places), None, dtype=object)
        points[known] = shapely.points(places[known])
        if len(self.enclosures.polygons):
            thing, estate = shapely.STRtree(self.enclosures.polygons).query(points, predicate="within")
            area = shapely.area(self.enclosures.polygons)[estate]
            order = np.lexsort((-estate, -area))
            enclosure[thing[order]] = estate[order]
        if len(self.barriers.water):
            wet[shapely.STRtree(self.barriers.water).query(points, predicate="within")[0]] = True
        return enclosure, wet

    def _beyond(self, places: Floats, nearest: Floats) -> Floats:
        """Return the metres to the nearest street also where it is farther than was looked."""
        far = np.flatnonzero(np.isinf(nearest) & np.isfinite(places).all(axis=1))
        if len(far) and self.network.edges:
            tree = shapely.STRtree(edge_lines(self.network))
            (row, _), metres = tree.query_nearest(shapely.points(places[far]), return_distance=True, all_matches=False)
            nearest = nearest.copy()
            nearest[far[row]] = metres
        return nearest


# --- from stored tables ------------------------------------------------------------------------------------------


def building_points(footprints: Geometries) -> Floats:
    """Return the place of each building, (n, 2): its centroid if that is inside, else a point on the surface.

    Missing and empty footprints give NaN.
    """
    there = np.flatnonzero(~(shapely.is_missing(footprints) | shapely.is_empty(footprints)))
    shapes = np.asarray(footprints, dtype=object)[there]
    points = shapely.centroid(shapes)
    outside = ~shapely.intersects(shapes, points)
    points[outside] = shapely.point_on_surface(shapes[outside])
    xy = np.full((len(footprints), 2), np.nan)
    xy[there] = shapely.get_coordinates(points)
    return xy


def barriers_of(
    *,
    streets: gpd.GeoDataFrame | None = None,
    water: gpd.GeoDataFrame | None = None,
    estates: gpd.GeoDataFrame | None = None,
    gates: Sequence[Floats] = (),
) -> tuple[Barriers, Enclosures]:
    """Return barriers and walled estates of stored tables, all in one metric system.

    Parameters
    ----------
    streets
        Rows with ``railway``, no ``highway``, on the ground (no bridge, tunnel or cover) are barriers; trams are not.
    water
        Polygons that are not underground (``tunnel``) are barriers; lines are not: streams are stepped over.
    estates
        Polygons with ``walled`` are walled estates, in the order of their rows.
    gates
        The gates of each row of ``estates``, arrays (k, 2), metres.
    """
    walled = _flags(estates, "walled") & _polygonal(estates)
    wet = ~_flags(water, "tunnel") & _polygonal(water)
    rail = _rail(streets)
    return (
        Barriers(water=_shapes(water)[wet], rail=_shapes(streets)[rail]),
        Enclosures(
            _shapes(estates)[walled],
            [np.asarray(gates[k], dtype=np.float64) for k in np.flatnonzero(walled).tolist()] if len(gates) else (),
        ),
    )


def _shapes(frame: gpd.GeoDataFrame | None) -> Geometries:
    return _none() if frame is None else np.asarray(frame.geometry.to_numpy(), dtype=object)


def _flags(frame: pd.DataFrame | None, name: str) -> Bools:
    if frame is None or name not in frame:
        return np.zeros(0 if frame is None else len(frame), dtype=np.bool_)
    values = frame[name].astype(object)
    return np.asarray(values.where(values.notna(), False).astype(bool), dtype=np.bool_)


def _polygonal(frame: gpd.GeoDataFrame | None) -> Bools:
    shapes = _shapes(frame)
    return np.asarray(np.isin(shapely.get_type_id(shapes), (3, 6)) & ~shapely.is_empty(shapes), dtype=np.bool_)


def _rail(streets: gpd.GeoDataFrame | None) -> Bools:
    if streets is None or "railway" not in streets:
        return np.zeros(0 if streets is None else len(streets), dtype=np.bool_)
    street = streets["highway"].notna().to_numpy() if "highway" in streets else False
    away = street | _flags(streets, "bridge") | _flags(streets, "tunnel") | _flags(streets, "covered")
    rail = streets["railway"].isin(_RAIL).to_numpy() & ~away
    return np.asarray(rail & (shapely.get_type_id(_shapes(streets)) >= 0), dtype=np.bool_)


# --- what must be done again -------------------------------------------------------------------------------------


def touched(
    attachments: Attachments,
    changed: Geometries,
    *,
    network: WalkNetwork | None = None,
    streets: Sequence[int] = (),
    enclosures: Enclosures | None = None,
    limit_m: float = 200.0,
) -> Bools:
    """Tell which things must be attached again after a change, (n,); all others would be attached as they are.

    Unless other parts of the network are minor then: this is asked of :func:`sensitive`.

    As they are means to the millimetre: where streets cross without a vertex, one is made on the millimetre grid.

    Parameters
    ----------
    attachments
        What was attached before the change.
    changed
        Everything that is new, gone or different, as it was and as it is: streets, walls, gates, water, railways.
    network, streets
        The network of the attachments and the identifiers of streets that are gone or different: what is attached to
        them is done again.
    enclosures
        The walled estates of the attachments: things in an estate are done again where a change touches it or comes
        within the limit of one of its gates.
    limit_m
        The limit of the attachments.
    """
    n = attachments.count
    reach = np.full(n, -np.inf)
    np.maximum.at(reach, attachments.thing, attachments.off_m)
    loose = np.isneginf(reach)
    reach[loose] = np.maximum(attachments.nearest_m[loose], limit_m)
    again = np.zeros(n, dtype=np.bool_)
    shapes = np.asarray(changed, dtype=object)
    shapes = shapes[~(shapely.is_missing(shapes) | shapely.is_empty(shapes))]
    known = np.flatnonzero(np.isfinite(attachments.xy).all(axis=1))
    if len(shapes) and len(known):
        points = shapely.points(attachments.xy[known])
        finite = np.isfinite(reach[known])
        again[known[~finite]] = True
        close = shapely.STRtree(shapes).query(
            points, predicate="dwithin", distance=np.where(finite, reach[known], 0) + 1
        )
        again[known[close[0]]] = True
        if enclosures is not None and len(enclosures.polygons):
            again |= np.isin(attachments.enclosure, _estates_touched(enclosures, shapes, limit_m))
    if network is not None and len(streets):
        again[attachments.thing[np.isin(network.edge_street[attachments.edge], np.asarray(streets))]] = True
    return again


def _estates_touched(enclosures: Enclosures, shapes: Geometries, limit_m: float) -> Longs:
    hit = [shapely.STRtree(enclosures.polygons).query(shapes, predicate="intersects")[1]]
    gates = [np.asarray(g, dtype=np.float64).reshape(-1, 2) for g in enclosures.gates]
    if sum(len(g) for g in gates):
        whose = np.repeat(np.arange(len(gates)), [len(g) for g in gates])
        points = shapely.points(np.vstack(gates))
        hit.append(whose[shapely.STRtree(shapes).query(points, predicate="dwithin", distance=limit_m)[0]])
    return np.unique(np.concatenate(hit))
