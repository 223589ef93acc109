"""Walking times on a raster, and the areas drawn from them.

Areas are for drawing only: what is covered is counted from buildings, and :func:`polygon_error` says how far an area
is from that count. Each raster cell takes the time at its own street place, the one that a building there would have,
not the least time over all streets around: so the area does not leak through the backs of houses, nor across walls,
water and railways.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import contourpy
import numpy as np
import shapely
from numpy.typing import NDArray

from gridmap.core.network import MINOR_M, Attacher, Barriers, Enclosures, main_edges
from gridmap.core.network.graph import (
    STEPS_PER_S,
    Attachments,
    Bools,
    Floats,
    Ints,
    Longs,
    Seconds,
    WalkNetwork,
    WalkTimes,
)
from gridmap.core.reach import raster as loops
from gridmap.core.reach.contours import outlines, spans
from gridmap.core.reach.kernels import OWNER_BITS, UNREACHED, Legs
from gridmap.core.reach.legs import legs, limit_ticks
from gridmap.core.reach.raster import Lines, Segments, Window
from gridmap.core.reach.search import labels, streets_of
from gridmap.errors import InputError, TooLarge

__all__ = [
    "PolygonError",
    "StreetRaster",
    "TimeField",
    "gap_polygon",
    "polygon_error",
    "reach_polygons",
    "street_raster",
    "time_field",
]

Geometries = NDArray[np.object_]
Bounds = tuple[float, float, float, float]

#: More cells than this are not made at once: 64 million are a square of 80 km at 10 m, and 1 GB.
MOST_CELLS = 64_000_000
#: What people walk faster than on the flat: Tobler's best slope.
_DOWNHILL = 1.2
#: Legs of the same length lead to the same street place.
_SAME_M = 0.05


@dataclass(frozen=True, slots=True, eq=False)
class StreetRaster:
    """The street place of every raster cell; made once for a network and used for every search.

    Attributes
    ----------
    network
        The network.
    window
        Place and size; centres are metres.
    edge
        (ny, nx) edge of the nearest street that a straight leg leads to; -1: none, or water.
    along_m, off_m
        (ny, nx) metres along it, and metres to it.
    barred
        (ny, nx) cells that a barrier keeps from the street nearest to them, or that a wall encloses.
    more_cell, more_edge, more_along_m, more_off_m
        (K,) further places, by flat cell number: streets inside a walled estate, and its gates.
    inside_cell, inside
        (I,) cells in walled estates, and the estate of each.
    water
        Polygons that areas leave out.
    limit_m
        The farthest that a street may be.
    """

    network: WalkNetwork
    window: Window
    edge: Ints
    along_m: Seconds
    off_m: Seconds
    barred: Bools
    more_cell: Longs
    more_edge: Ints
    more_along_m: Floats
    more_off_m: Floats
    inside_cell: Longs
    inside: Ints
    water: Geometries
    limit_m: float

    @property
    def nbytes(self) -> int:
        """Memory of the arrays."""
        arrays = (self.edge, self.along_m, self.off_m, self.barred, self.more_cell, self.more_edge, self.more_along_m)
        return sum(a.nbytes for a in (*arrays, self.more_off_m, self.inside_cell, self.inside))

    def part(self, bounds: Bounds) -> StreetRaster:
        """Return the cells within ``bounds``."""
        w = self.window
        first, last = _span(bounds[0], bounds[2], w.x0, w.cell, w.nx)
        low, high = _span(bounds[1], bounds[3], w.y0, w.cell, w.ny)
        window = Window(w.x0 + first * w.cell, w.y0 + low * w.cell, w.cell, high - low, last - first)

        def within(cell: Longs) -> tuple[Bools, Longs]:
            row, column = cell // w.nx - low, cell % w.nx - first
            there = (row >= 0) & (row < window.ny) & (column >= 0) & (column < window.nx)
            return there, (row * window.nx + column)[there]

        more, more_cell = within(self.more_cell)
        inner, inside_cell = within(self.inside_cell)
        here = (slice(low, high), slice(first, last))
        box = shapely.box(*bounds)
        # Whole arrays, not views of them: the loops are compiled for one layout.
        return replace(
            self,
            window=window,
            edge=np.ascontiguousarray(self.edge[here]),
            along_m=np.ascontiguousarray(self.along_m[here]),
            off_m=np.ascontiguousarray(self.off_m[here]),
            barred=self.barred[here],
            more_cell=more_cell,
            more_edge=self.more_edge[more],
            more_along_m=self.more_along_m[more],
            more_off_m=self.more_off_m[more],
            inside_cell=inside_cell,
            inside=self.inside[inner],
            water=self.water[shapely.intersects(self.water, box)],
        )


@dataclass(frozen=True, slots=True, eq=False)
class TimeField:
    """Seconds to the nearest station on a raster.

    Attributes
    ----------
    network
        The network.
    window
        Place and size.
    seconds
        (ny, nx); inf: no street place, water, or beyond ``limit_s``.
    edge, off_m
        (ny, nx) the street of each cell (-1: none), and the metres to it: inf in water, NaN where a barrier decides
        which it has.
    land
        (ny, nx) cells with a street place.
    limit_s, limit_m
        Times up to here are true; streets up to here are near.
    step_s
        Seconds to walk across a cell.
    water
        Polygons that areas leave out.
    low_s, high_s
        The least and the most seconds of each tile of cells; see :func:`gridmap.core.reach.contours.spans`.
    """

    network: WalkNetwork
    window: Window
    seconds: Seconds
    edge: Ints
    off_m: Seconds
    land: Bools
    limit_s: float
    limit_m: float
    step_s: float
    water: Geometries
    low_s: Seconds
    high_s: Seconds


@dataclass(frozen=True, slots=True)
class PolygonError:
    """How a drawn area differs from the count of buildings.

    Attributes
    ----------
    false_in
        Buildings in the area that are not reached.
    false_out
        Reached buildings outside the area.
    truly_covered
        Reached buildings.
    share
        Both errors by the reached buildings; inf where none is reached but some are in the area.
    """

    false_in: int
    false_out: int
    truly_covered: int
    share: float


def street_raster(
    network: WalkNetwork,
    *,
    bounds: Bounds,
    cell_m: float = 10.0,
    barriers: Barriers | None = None,
    enclosures: Enclosures | None = None,
    limit_m: float = 200.0,
    minor_m: float = MINOR_M,
) -> StreetRaster:
    """Find the street place of every raster cell, as :func:`gridmap.core.network.attach` does for buildings.

    Parameters
    ----------
    network
        The network.
    bounds
        West, south, east, north in metres.
    cell_m
        Width of a cell.
    barriers, enclosures, limit_m, minor_m
        As the buildings were attached.

    Raises
    ------
    InputError
        Bounds or cells make no sense.
    TooLarge
        More than 64 million cells.
    """
    west, south, east, north = (float(b) for b in bounds)
    if not (np.isfinite([west, south, east, north]).all() and west < east and south < north and cell_m > 0):
        raise InputError(
            "绘图范围须为西、南、东、北（米），栅格宽度须大于 0。",
            "Bounds must be west, south, east, north in metres, and the width of a cell above 0.",
        )
    nx, ny = int(np.ceil((east - west) / cell_m)) + 1, int(np.ceil((north - south) / cell_m)) + 1
    if nx * ny > MOST_CELLS:
        raise TooLarge(
            f"范围需要 {nx * ny:,} 个栅格，超过 {MOST_CELLS:,} 个；请缩小范围或加大栅格。",
            f"The bounds need {nx * ny:,} raster cells, more than {MOST_CELLS:,}; take smaller bounds or wider cells.",
        )
    window = Window(west, south, float(cell_m), ny, nx)
    stops, fences = barriers or Barriers(), enclosures or Enclosures()
    around = (west - limit_m, south - limit_m, east + limit_m, north + limit_m)
    main = main_edges(network, minor_m=minor_m)
    edge, along, off = _places_of(network, window, around, main, limit_m)
    if not main.all():
        minor = _places_of(network, window, around, ~main, limit_m)
        only = (edge < 0) & (minor[0] >= 0)
        edge, along, off = (np.where(only, *both) for both in zip(minor, (edge, along, off), strict=True))
    wet = _covered_cells(window, stops.water)[0]
    edge.flat[wet] = -1
    off.flat[wet] = np.inf
    inside_cell, inside = _covered_cells(window, fences.polygons)
    again = np.zeros(edge.shape, np.bool_)
    again.flat[inside_cell] = True
    walls = _lines_of(stops, fences)
    if len(walls.ax):
        # A leg can only be barred where a barrier is nearer to the cell than its street.
        again |= (loops.nearest_piece(walls, window)[1] <= (off.astype(np.float64) + 0.01) ** 2) & (edge >= 0)
    again.flat[wet] = False
    cell = np.flatnonzero(again)
    found = Attacher(network, barriers=stops, enclosures=fences, minor_m=minor_m).attach(
        _centres(window, cell), limit_m=limit_m
    )
    edge.flat[cell] = -1
    return _with_rows(network, window, edge, along, off, cell, found, inside_cell, inside, stops.water, limit_m)


def time_field(
    times: WalkTimes,
    stations: Attachments,
    *,
    limit_s: float,
    raster: StreetRaster | None = None,
    cell_m: float = 10.0,
    barriers: Barriers | None = None,
    enclosures: Enclosures | None = None,
    bounds: Bounds | None = None,
) -> TimeField:
    """Lay the seconds to the nearest station on a raster.

    Parameters
    ----------
    times, stations
        As in :func:`gridmap.core.reach.nearest`; stations in a walled estate reach its cells straight.
    limit_s
        The longest walk that will be drawn.
    raster
        Street places, made before; without them they are made for ``bounds``.
    cell_m, barriers, enclosures
        As in :func:`street_raster`, where no raster is given.
    bounds
        What to lay out; by default what the stations reach.

    Raises
    ------
    InputError
        The limit makes no sense.
    """
    limit_ticks(limit_s)
    step_s = (raster.window.cell if raster is not None else cell_m) / times.speed_mps
    # One step more than is drawn, so that the edge of the area lies between two known times.
    margin = int((limit_s + 3 * step_s) * STEPS_PER_S)
    timed = legs(times, stations)
    label = labels(times, timed, limit=margin)
    box = bounds if bounds is not None else _reached_bounds(times, stations, timed, label, margin / STEPS_PER_S)
    places = (
        street_raster(times.network, bounds=box, cell_m=cell_m, barriers=barriers, enclosures=enclosures)
        if raster is None
        else raster.part(box)
    )
    network, streets = times.network, streets_of(times)
    seconds = loops.seconds_of_cells(
        streets, label, timed, times.forward_s, times.backward_s, network.edge_length_m,
        places.edge, places.along_m, places.off_m, times.speed_mps,
    )  # fmt: skip
    flat = seconds.ravel()
    loops.seconds_of_rows(
        streets, label, timed, times.forward_s, times.backward_s, network.edge_length_m,
        places.more_cell, places.more_edge, places.more_along_m, places.more_off_m, times.speed_mps, flat,
    )  # fmt: skip
    for station in np.flatnonzero(np.isin(stations.enclosure, places.inside)).tolist():
        cell = places.inside_cell[places.inside == stations.enclosure[station]]
        straight = np.hypot(*(_centres(places.window, cell) - stations.xy[station]).T) / times.speed_mps
        flat[cell] = np.minimum(flat[cell], straight)
    land = (places.edge >= 0) | np.isfinite(seconds)
    off = np.where(places.barred, np.float32(np.nan), places.off_m)
    return TimeField(
        network,
        places.window,
        seconds,
        places.edge,
        off,
        land,
        float(limit_s),
        places.limit_m,
        step_s,
        places.water,
        *spans(seconds),
    )


def reach_polygons(field: TimeField, limits_s: Sequence[float]) -> list[shapely.MultiPolygon]:
    """Draw the areas within each of several limits, metres; holes are kept, water is left out.

    Raises
    ------
    InputError
        A limit is beyond that of the field.
    """
    return [_whole(field, _outlines(field, limit)) for limit in limits_s]


def gap_polygon(field: TimeField, limit_s: float) -> shapely.MultiPolygon:
    """Draw the land beside streets that is farther than a limit from every station; see :func:`reach_polygons`."""
    return _contour(field, np.where(field.land, -_over(field, limit_s), 1.0))


def polygon_error(polygon: shapely.Geometry, xy: Floats, seconds: Seconds, limit_s: float) -> PolygonError:
    """Compare an area with the count of buildings at ``xy`` (B, 2) that walk ``seconds`` (B,)."""
    shapely.prepare(polygon)
    drawn = shapely.contains_xy(polygon, xy[:, 0], xy[:, 1])
    reached = np.asarray(seconds) <= limit_s
    wrong_in, wrong_out, truly = int((drawn & ~reached).sum()), int((reached & ~drawn).sum()), int(reached.sum())
    wrong = wrong_in + wrong_out
    share = wrong / truly if truly else (float("inf") if wrong else 0.0)
    return PolygonError(wrong_in, wrong_out, truly, share)


def _over(field: TimeField, limit_s: float) -> Floats:
    """Return how far each cell is beyond the limit, in cells."""
    _check(field, limit_s)
    return loops.beyond(field.window, _lines(field), *_arrays(field), limit_s, field.step_s, field.limit_m)


def _outlines(field: TimeField, limit_s: float) -> Geometries:
    """Return the polygons within a limit."""
    _check(field, limit_s)
    return outlines(
        field.window, _lines(field), *_arrays(field), limit_s, field.step_s, field.limit_m, field.low_s, field.high_s
    )


def _lines(field: TimeField) -> Lines:
    return Lines(field.network.xy, field.network.xy_start)


def _arrays(field: TimeField) -> tuple[Seconds, Seconds, Ints]:
    return field.seconds, field.off_m, field.edge


def _check(field: TimeField, limit_s: float) -> None:
    limit_ticks(limit_s)
    if limit_s > field.limit_s:
        raise InputError(
            f"时间场只算到 {field.limit_s:g} 秒，不能绘制 {limit_s:g} 秒的范围。",
            f"The field was laid out up to {field.limit_s:g} s; an area of {limit_s:g} s cannot be drawn from it.",
        )


def _contour(field: TimeField, over: Floats) -> shapely.MultiPolygon:
    """Draw where ``over`` is at most 0."""
    w = field.window
    if w.nx < 2 or w.ny < 2:  # noqa: PLR2004
        return shapely.MultiPolygon()
    lines = contourpy.contour_generator(
        np.arange(w.nx) * w.cell + w.x0, np.arange(w.ny) * w.cell + w.y0, over, fill_type="OuterOffset", name="serial"
    )
    found: Any = lines.filled(-2.0, 0.0)
    return _whole(field, _polygons(*found))


def _whole(field: TimeField, shapes: Geometries) -> shapely.MultiPolygon:
    """Make one area of polygons: valid, and without water."""
    bad = ~shapely.is_valid(shapes)
    if bad.any():
        shapes[bad] = shapely.make_valid(shapes[bad], method="structure")
    water = field.water
    if len(water) and len(shapes):
        hit, wet = shapely.STRtree(water).query(shapes, predicate="intersects")
        if len(hit):
            hit = np.unique(hit)
            shapes[hit] = shapely.difference(shapes[hit], shapely.union_all(water[np.unique(wet)]))
    parts = shapely.get_parts(shapely.get_parts(shapes))
    area: shapely.MultiPolygon = shapely.multipolygons(parts[shapely.get_dimensions(parts) == 2])  # noqa: PLR2004
    return area


def _polygons(points: list[Floats], offsets: list[NDArray[np.uint32]]) -> Geometries:
    """Make polygons with holes of what contourpy gives: points of a polygon's rings, and where they begin."""
    if not points:
        return np.zeros(0, dtype=object)
    begin = np.concatenate([[0], np.cumsum([len(p) for p in points])])
    rings = [o[:-1].astype(np.int64) + b for o, b in zip(offsets, begin[:-1], strict=True)]
    ring_start = np.concatenate([*rings, begin[-1:]])
    of_polygon = np.concatenate([[0], np.cumsum([len(r) for r in rings])])
    made: Geometries = shapely.from_ragged_array(
        shapely.GeometryType.POLYGON, np.vstack(points), (ring_start, of_polygon)
    )
    return made


def _reached_bounds(times: WalkTimes, stations: Attachments, timed: Legs, label: Longs, limit_s: float) -> Bounds:
    """Return a box around everything that can be reached."""
    fastest = times.speed_mps * _DOWNHILL
    node = np.flatnonzero(label < UNREACHED)
    room = (limit_s - (label[node] >> OWNER_BITS) / STEPS_PER_S) * fastest
    # A station on an edge of which an end is not reached, or in a walled estate, reaches what no node tells.
    loose = stations.enclosure >= 0
    for end in (times.network.edge_u, times.network.edge_v):
        loose[timed.thing[label[end[timed.edge]] == UNREACHED]] = True
    loose &= np.isfinite(stations.xy).all(axis=1)
    xy = np.vstack([times.network.node_xy[node], stations.xy[loose]])
    room = np.concatenate([room, np.full(int(loose.sum()), limit_s * fastest)])[:, None]
    if len(xy) == 0:
        return (0.0, 0.0, 1.0, 1.0)
    west, south = (xy - room).min(axis=0).tolist()
    east, north = (xy + room).max(axis=0).tolist()
    return (west, south, east, north)


def _places_of(
    network: WalkNetwork, window: Window, bounds: Bounds, usable: Bools, limit_m: float
) -> tuple[Ints, Seconds, Seconds]:
    """Return the nearest of some edges for every cell (-1: none within the limit), the metres along it and to it."""
    pieces, piece_edge, run = _pieces_of(network, bounds, usable)
    piece, square = loops.nearest_piece(pieces, window)
    off = np.sqrt(square).astype(np.float32)
    edge = np.where(off <= limit_m, piece_edge[piece] if len(piece_edge) else -1, -1).astype(np.int32)
    return edge, loops.along_pieces(pieces, window, piece, run), off


def _pieces_of(network: WalkNetwork, bounds: Bounds, usable: Bools) -> tuple[Segments, Ints, Floats]:
    """Return the straight pieces of edges near ``bounds``, the edge of each, and the metres along it at its begin."""
    if network.edges == 0:
        none = np.zeros(0)
        return Segments(none, none, none, none), np.zeros(0, np.int32), none
    begin = np.delete(np.arange(len(network.xy)), network.xy_start[1:] - 1)
    a, b = network.xy[begin], network.xy[begin + 1]
    edge = np.repeat(np.arange(network.edges, dtype=np.int32), np.diff(network.xy_start) - 1)
    step = np.hypot(*(b - a).T)
    run = np.cumsum(step) - step
    run -= run[network.xy_start[:-1] - np.arange(network.edges)][edge]
    low, high = np.minimum(a, b), np.maximum(a, b)
    near = (high >= bounds[:2]).all(axis=1) & (low <= bounds[2:]).all(axis=1) & usable[edge]
    return _segments(a[near], b[near]), edge[near], run[near]


def _lines_of(barriers: Barriers, enclosures: Enclosures) -> Segments:
    """Return the straight pieces of all barriers."""
    outlines = [shapely.boundary(barriers.water), shapely.boundary(enclosures.polygons)]
    parts = shapely.get_parts(np.concatenate([barriers.walls, barriers.rail, *outlines]))
    xy, line = shapely.get_coordinates(parts, return_index=True)
    same = line[1:] == line[:-1]
    return _segments(xy[:-1][same], xy[1:][same])


def _segments(a: Floats, b: Floats) -> Segments:
    return Segments(a[:, 0].copy(), a[:, 1].copy(), b[:, 0].copy(), b[:, 1].copy())


def _covered_cells(window: Window, polygons: Geometries) -> tuple[Longs, Ints]:
    """Return flat numbers of cells whose centre is in a polygon, each once, with the smallest such polygon."""
    cells, owners = [np.zeros(0, np.int64)], [np.zeros(0, np.int32)]
    for k in np.argsort(-shapely.area(polygons), kind="stable").tolist():
        west, south, east, north = shapely.bounds(polygons[k])
        if not np.isfinite(west):
            continue
        first, last = _span(west, east, window.x0, window.cell, window.nx)
        low, high = _span(south, north, window.y0, window.cell, window.ny)
        row, column = (v.ravel() for v in np.mgrid[low:high, first:last])
        cell = row.astype(np.int64) * window.nx + column
        shapely.prepare(polygons[k])
        xy = _centres(window, cell)
        cell = cell[shapely.contains_xy(polygons[k], xy[:, 0], xy[:, 1])]
        cells.append(cell)
        owners.append(np.full(len(cell), k, np.int32))
    # The last that covers a cell is the smallest.
    cell, owner = np.concatenate(cells)[::-1], np.concatenate(owners)[::-1]
    once, at = np.unique(cell, return_index=True)
    return once, owner[at]


def _span(low: float, high: float, origin: float, cell: float, count: int) -> tuple[int, int]:
    """Return the first cell at or above ``low`` and the end of those up to ``high``."""
    first = min(max(int(np.floor((low - origin) / cell)), 0), count)
    return first, max(first, min(int(np.ceil((high - origin) / cell)) + 1, count))


def _centres(window: Window, cell: Longs) -> Floats:
    return np.column_stack(
        [window.x0 + (cell % window.nx) * window.cell, window.y0 + (cell // window.nx) * window.cell]
    )


def _with_rows(
    network: WalkNetwork, window: Window, edge: Ints, along: Seconds, off: Seconds, cell: Longs, found: Attachments,
    inside_cell: Longs, inside: Ints, water: Geometries, limit_m: float,
) -> StreetRaster:  # fmt: skip
    """Put what was attached one by one into the raster; a second row of a cell is a further place."""
    first = np.r_[True, np.diff(found.thing) > 0][: len(found.thing)]
    at = cell[found.thing]
    barred = np.zeros(edge.shape, np.bool_)
    barred.flat[cell] = True
    barred.flat[at[first]] = np.abs(off.flat[at[first]] - found.off_m[first]) > _SAME_M
    barred.flat[inside_cell] = True
    edge.flat[at[first]] = found.edge[first]
    along.flat[at[first]] = found.along_m[first]
    off.flat[at[first]] = found.off_m[first]
    more = ~first
    return StreetRaster(
        network, window, edge, along, off, barred,
        at[more], found.edge[more].astype(np.int32), found.along_m[more], found.off_m[more],
        inside_cell, inside, water, float(limit_m),
    )  # fmt: skip
