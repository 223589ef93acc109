"""From stored streets to a walking network."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields, replace

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from gridmap.core.crs import on_grid
from gridmap.core.network.graph import Bools, Floats, Ints, Longs, WalkNetwork
from gridmap.core.network.noding import Lines, Pieces, noded
from gridmap.core.network.walkable import walkable, words
from gridmap.errors import InputError, UnknownColumns, UnknownCrs

__all__ = ["Closure", "Island", "NetworkSettings", "build_network", "islands", "with_closures", "with_heights"]

Geometries = NDArray[np.object_]

#: Measures along a street are whole multiples of this (metres), so that sums and differences of them are exact.
MEASURE_M = 2.0**-20
_MORTON_BITS = 16
_APART = ("corridor", "elevator", "escalator")


@dataclass(frozen=True, slots=True)
class NetworkSettings:
    """How a network is made from streets.

    Attributes
    ----------
    snap_m
        A loose end of a street within this distance of another is joined to it.
    link_snap_m
        The same for the ends of new links, which are drawn by hand.
    private
        Walk on private streets, too.
    """

    snap_m: float = 0.5
    link_snap_m: float = 25.0
    private: bool = False


@dataclass(frozen=True, slots=True)
class Closure:
    """A street that is closed: all of it, or the edge of it (of any street) that is nearest to ``xy`` (metres)."""

    street: int | None = None
    xy: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Island:
    """A part of the network that no way connects with the largest part: ``x``, ``y`` lie on its longest edge."""

    component: int
    length_m: float
    edges: int
    x: float
    y: float


def build_network(
    streets: gpd.GeoDataFrame,
    *,
    settings: NetworkSettings = NetworkSettings(),
    closures: Iterable[int | Closure] = (),
    links: Sequence[shapely.LineString] = (),
) -> WalkNetwork:
    """Make the walking network of streets.

    Which streets are walked on is said by :func:`gridmap.core.network.walkable`, where they meet by
    :mod:`gridmap.core.network.noding`. The same streets give the same bytes in whatever order they come.

    Parameters
    ----------
    streets
        Lines in a metric system with ``id`` and the columns of ``KINDS["streets"]``; missing geometries, and rows
        that are ``removed``, are left out.
    settings
        See :class:`NetworkSettings`.
    closures
        Streets (identifiers) or :class:`Closure` values; what is closed is not in the network. A closure of a street
        that is not there changes nothing.
    links
        New ways, metric; the k-th is street −1 − k. They join what they cross and whatever their ends come near to.

    Raises
    ------
    UnknownCrs
        The streets are not in a metric system.
    UnknownColumns
        There is no column ``id``.
    InputError
        Two streets have the same ``id``.
    """
    epsg = _metric_epsg(streets)
    lines, street, steps = _lines(streets, settings, links)
    pieces = noded(lines, near_m=settings.snap_m)
    network = _network(epsg, pieces, street[pieces.line], steps[pieces.line])
    return with_closures(replace(network, version=_fingerprint(network, repr(settings))), closures)


def _metric_epsg(streets: gpd.GeoDataFrame) -> int:
    epsg = streets.crs.to_epsg() if streets.crs is not None else None
    if epsg is None or not streets.crs.is_projected:
        raise UnknownCrs(
            "步行网络需要米制坐标系的道路: 请先投影到辖区的米制坐标系。",
            "A walking network needs streets in metres: project them to the metric system of the jurisdiction first.",
        )
    return int(epsg)


# --- streets as lines --------------------------------------------------------------------------------------------


def _lines(
    streets: gpd.GeoDataFrame, settings: NetworkSettings, links: Sequence[shapely.LineString]
) -> tuple[Lines, Longs, Bools]:
    """Return lines, the street of each, and whether it is stairs."""
    chosen = _chosen(streets, settings)
    highway = words(chosen, "highway")
    bridge, tunnel = _flag(chosen, "bridge"), _flag(chosen, "tunnel")
    layer = _layer(chosen)
    steps = highway == "steps"
    key = layer * 4 + bridge * 2 + tunnel
    level = np.where(np.isin(highway, _APART), -1, key - min(int(key.min(initial=0)), 0))
    ground = -min(int(key.min(initial=0)), 0)
    free = steps | bridge | tunnel | (layer != 0) | (level < 0)
    drawn = np.empty(len(links), dtype=object)
    drawn[:] = list(links)
    geometry = on_grid(shapely.force_2d(np.concatenate([chosen.geometry.to_numpy(), drawn])))
    part, row = shapely.get_parts(geometry, return_index=True)
    fine = shapely.length(part) > 0
    length = np.where(np.isfinite(shapely.length(part)), shapely.length(part), 0.0)
    run = np.cumsum(length) - length
    first = np.searchsorted(row, row, side="left")
    n, m = len(chosen), len(links)
    street = np.concatenate([chosen["id"].to_numpy(dtype=np.int64), -1 - np.arange(m)])
    lines = Lines(
        geometry=part[fine],
        from_m=(run - run[first])[fine],
        level=np.concatenate([level, np.full(m, ground)])[row[fine]],
        free=np.concatenate([free, np.ones(m, dtype=np.bool_)])[row[fine]],
        snap_m=np.repeat([settings.snap_m, settings.link_snap_m], [n, m])[row[fine]],
    )
    return lines, street[row[fine]], np.concatenate([steps, np.zeros(m, dtype=np.bool_)])[row[fine]]


def _chosen(streets: gpd.GeoDataFrame, settings: NetworkSettings) -> gpd.GeoDataFrame:
    """Return the rows that are walked on, by identifier."""
    if "id" not in streets:
        raise UnknownColumns(
            "道路数据缺少 id 列, 无法建立步行网络。", "The streets have no column id; the network cannot be made."
        )
    geometry = streets.geometry.to_numpy()
    xy, of = shapely.get_coordinates(geometry, return_index=True)
    broken = np.zeros(len(streets), dtype=np.bool_)
    broken[of[~np.isfinite(xy).all(axis=1)]] = True
    line = np.isin(shapely.get_type_id(geometry), (1, 2, 5)) & ~broken
    gone = _flag(streets, "removed")
    chosen = streets[line & ~gone & walkable(streets, private=settings.private)]
    chosen = chosen.iloc[np.argsort(chosen["id"].to_numpy(dtype=np.int64), kind="stable")]
    repeated = chosen["id"][chosen["id"].duplicated()]
    if len(repeated):
        raise InputError(
            f"道路编号 {repeated.iloc[0]} 重复: 每条道路应有自己的 id。",
            f"Two streets have the id {repeated.iloc[0]}: each needs its own.",
        )
    return chosen


def _flag(frame: pd.DataFrame, name: str) -> Bools:
    if name not in frame:
        return np.zeros(len(frame), dtype=np.bool_)
    values = frame[name].astype(object)
    return np.asarray(values.where(values.notna(), False).astype(bool), dtype=np.bool_)


def _layer(frame: pd.DataFrame) -> Longs:
    if "layer" not in frame:
        return np.zeros(len(frame), dtype=np.int64)
    return np.asarray(pd.to_numeric(frame["layer"], errors="coerce").fillna(0).to_numpy(dtype=np.float64)).astype(
        np.int64
    )


# --- arrays ------------------------------------------------------------------------------------------------------


def _network(epsg: int, pieces: Pieces, street: Longs, steps: Bools) -> WalkNetwork:
    """Return the network of pieces, nodes and edges numbered along a Morton curve."""
    place = _by_place(pieces.node_xy)
    number = np.empty(len(place), dtype=np.int64)
    number[place] = np.arange(len(place))
    u, v = number[pieces.u], number[pieces.v]
    order = np.lexsort((pieces.from_m, street, np.maximum(u, v), np.minimum(u, v)))
    count = np.diff(pieces.xy_start)[order]
    start = np.concatenate([[0], np.cumsum(count)])
    index = np.repeat(pieces.xy_start[:-1][order] - start[:-1], count) + np.arange(start[-1])
    xy = pieces.xy[index]
    used = np.unique(np.concatenate([u, v])) if len(u) else np.zeros(0, dtype=np.int64)
    return _arranged(
        epsg,
        pieces.node_xy[place][used],
        np.searchsorted(used, u[order]),
        np.searchsorted(used, v[order]),
        steps[order],
        np.full(len(order), np.nan),
        street[order],
        np.round(pieces.from_m[order] / MEASURE_M) * MEASURE_M,
        xy,
        start,
    )


def _by_place(xy: Floats) -> Longs:
    """Return the order of places along a Morton curve; in one of its cells by x, then y."""
    if len(xy) == 0:
        return np.zeros(0, dtype=np.int64)
    span = max(float(np.ptp(xy, axis=0).max()), 1.0)
    cell = ((xy - xy.min(axis=0)) / span * ((1 << _MORTON_BITS) - 1)).astype(np.int64)
    code = np.zeros(len(xy), dtype=np.int64)
    for bit in range(_MORTON_BITS):
        code |= ((cell[:, 0] >> bit) & 1) << (2 * bit) | ((cell[:, 1] >> bit) & 1) << (2 * bit + 1)
    return np.lexsort((xy[:, 1], xy[:, 0], code))


def _arranged(
    epsg: int,
    node_xy: Floats,
    u: Longs,
    v: Longs,
    steps: Bools,
    rise: Floats,
    street: Longs,
    from_m: Floats,
    xy: Floats,
    start: Longs,
) -> WalkNetwork:
    """Return a network with lengths, components and arcs worked out."""
    edges, nodes = len(u), len(node_xy)
    step = np.hypot(*np.diff(xy, axis=0, append=xy[-1:]).T) if edges else np.zeros(0)
    if edges:
        step[start[1:] - 1] = 0.0
    run = np.concatenate([[0.0], np.cumsum(step)])
    length = np.add.reduceat(step, start[:-1]) if edges else run[:0]
    tail = np.concatenate([u, v])
    edge = np.tile(np.arange(edges), 2)
    forward = np.repeat([True, False], edges)
    order = np.lexsort((~forward, edge, tail))
    return WalkNetwork(
        epsg=epsg,
        node_xy=np.ascontiguousarray(node_xy),
        edge_u=u.astype(np.int32),
        edge_v=v.astype(np.int32),
        edge_length_m=length,
        edge_steps=steps,
        edge_rise_m=rise,
        edge_street=street,
        edge_from_m=from_m,
        xy=np.ascontiguousarray(xy),
        xy_start=start.astype(np.int64),
        component=_components(nodes, u, v, length),
        arc_start=np.searchsorted(tail[order], np.arange(nodes + 1)).astype(np.int32),
        arc_head=np.concatenate([v, u])[order].astype(np.int32),
        arc_edge=edge[order].astype(np.int32),
        arc_forward=forward[order],
        version="",
    )


def _components(nodes: int, u: Longs, v: Longs, length: Floats) -> Ints:
    """Return the component of each node: 0 the longest, of equal ones that with the lowest node."""
    graph = coo_array((np.ones(len(u)), (u, v)), shape=(nodes, nodes))
    count, label = connected_components(graph, directed=False) if nodes else (0, np.zeros(0, dtype=np.int32))
    total = np.round(np.bincount(label[u], weights=length, minlength=count), 3)
    first = np.full(count, nodes)
    np.minimum.at(first, label, np.arange(nodes))
    rank = np.empty(count, dtype=np.int32)
    rank[np.lexsort((first, -total))] = np.arange(count)
    return np.asarray(rank[label], dtype=np.int32)


def _fingerprint(network: WalkNetwork, made_by: str) -> str:
    digest = hashlib.blake2b(f"{network.epsg} {made_by}".encode(), digest_size=12)
    for field in fields(network):
        value = getattr(network, field.name)
        if isinstance(value, np.ndarray):
            digest.update(f"{field.name}{value.dtype.str}{value.shape}".encode())
            digest.update(np.ascontiguousarray(value).tobytes())
    return digest.hexdigest()


# --- edits and questions -----------------------------------------------------------------------------------------


def with_closures(network: WalkNetwork, closures: Iterable[int | Closure]) -> WalkNetwork:
    """Return the network without what is closed, as :func:`build_network` would make it, but without cutting again."""
    out = network
    for closure in closures:
        out = _without(out, closure if isinstance(closure, Closure) else Closure(int(closure)))
    return network if out is network else replace(out, version=_fingerprint(out, network.version))


def _without(network: WalkNetwork, closure: Closure) -> WalkNetwork:
    gone = np.zeros(network.edges, dtype=np.bool_)
    if closure.street is not None:
        gone |= network.edge_street == closure.street
    elif closure.xy is not None:
        gone[:] = True
    if closure.xy is not None and gone.any():
        edge = np.flatnonzero(gone)
        metres = shapely.distance(edge_lines(network, edge), shapely.Point(closure.xy))
        gone[:] = False
        gone[edge[int(np.argmin(metres))]] = True
    return _kept(network, ~gone) if gone.any() else network


def _kept(network: WalkNetwork, keep: Bools) -> WalkNetwork:
    """Return the network of some of its edges, with the nodes that they use."""
    u, v = network.edge_u[keep], network.edge_v[keep]
    used = np.unique(np.concatenate([u, v]))
    count = np.diff(network.xy_start)
    return _arranged(
        network.epsg,
        network.node_xy[used],
        np.searchsorted(used, u),
        np.searchsorted(used, v),
        network.edge_steps[keep],
        network.edge_rise_m[keep],
        network.edge_street[keep],
        network.edge_from_m[keep],
        network.xy[np.repeat(keep, count)],
        np.concatenate([[0], np.cumsum(count[keep])]),
    )


def edge_lines(network: WalkNetwork, edges: Longs | Ints | None = None) -> Geometries:
    """Return the polylines of edges (all by default) as LineStrings, metres."""
    if edges is None:
        owner = np.repeat(np.arange(network.edges), np.diff(network.xy_start))
        return np.asarray(shapely.linestrings(network.xy, indices=owner), dtype=object)
    count = np.diff(network.xy_start)[edges]
    start = np.concatenate([[0], np.cumsum(count)])
    index = np.repeat(network.xy_start[edges] - start[:-1], count) + np.arange(start[-1])
    owner = np.repeat(np.arange(len(edges)), count)
    return np.asarray(shapely.linestrings(network.xy[index], indices=owner), dtype=object)


def with_heights(network: WalkNetwork, height_m: Callable[[Floats], Floats]) -> WalkNetwork:
    """Return the network with the rise of its edges.

    Parameters
    ----------
    network
        A network.
    height_m
        Gives the height of the ground at places (n, 2), metres; NaN where it is not known.
    """
    height = np.asarray(height_m(network.node_xy), dtype=np.float64)
    risen = replace(network, edge_rise_m=height[network.edge_v] - height[network.edge_u])
    return replace(risen, version=_fingerprint(risen, network.version))


def islands(network: WalkNetwork) -> list[Island]:
    """Return the parts of the network that are cut off from the largest one, the longest first."""
    if network.edges == 0:
        return []
    of = network.component[network.edge_u]
    count = int(network.component.max()) + 1
    edges = np.bincount(of, minlength=count)
    length = np.bincount(of, weights=network.edge_length_m, minlength=count)
    order = np.lexsort((np.arange(len(of)), -network.edge_length_m, of))
    longest = order[np.searchsorted(of[order], np.arange(count))]
    middle = shapely.get_coordinates(
        shapely.line_interpolate_point(edge_lines(network, longest), 0.5, normalized=True)
    ).tolist()
    return [Island(c, float(length[c]), int(edges[c]), *middle[c]) for c in range(1, count)]
