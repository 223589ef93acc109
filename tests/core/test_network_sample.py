"""The sample county on the walking network: what was planted comes out, and nothing else."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra

from gridmap.core.crs import project, transform_xy
from gridmap.core.network import (
    Attachments,
    Barriers,
    Enclosures,
    Reason,
    Via,
    WalkTimes,
    attach,
    barriers_of,
    build_network,
    building_points,
    islands,
    walk_times,
)
from gridmap.sample import generate

EPSG = 4547
LIMIT_S = 900.0


@lru_cache(maxsize=1)
def county() -> Any:
    return generate()


@lru_cache(maxsize=1)
def town() -> tuple[WalkTimes, Barriers, Enclosures]:
    streets = project(county().streets, EPSG).assign(id=lambda frame: np.arange(1, len(frame) + 1))
    gates = [
        np.array([[float(x) for x in gate.split()] for gate in given.split(";")]) if isinstance(given, str) else None
        for given in county().estates["gates"]
    ]
    barriers, enclosures = barriers_of(
        streets=streets,
        water=project(county().water, EPSG),
        estates=project(county().estates, EPSG),
        gates=[np.zeros((0, 2)) if g is None else transform_xy(g, 4326, EPSG) for g in gates],
    )
    return walk_times(build_network(streets)), barriers, enclosures


def attached(points: Any) -> Attachments:
    times, barriers, enclosures = town()
    return attach(times.network, points, barriers=barriers, enclosures=enclosures)


def walking_s(times: WalkTimes, stations: Attachments, homes: Attachments) -> Any:
    """Seconds from each home to its nearest station, by scipy: stations are nodes of their own."""
    network, speed = times.network, times.speed_mps
    rows = np.concatenate([network.edge_u, network.edge_v])
    columns = np.concatenate([network.edge_v, network.edge_u])
    cost = np.concatenate([times.forward_s, times.backward_s]).astype(np.float64)
    order = np.lexsort((cost, columns, rows))
    first = np.unique(rows[order].astype(np.int64) * network.nodes + columns[order], return_index=True)[1]
    keep = order[first]
    new = network.nodes + np.arange(len(stations.edge))
    size = network.nodes + len(new)
    length = network.edge_length_m
    graph = coo_array(
        (
            np.concatenate(
                [
                    cost[keep],
                    (stations.along_m + stations.off_m) / speed,
                    (length[stations.edge] - stations.along_m + stations.off_m) / speed,
                ]
            ),
            (
                np.concatenate([rows[keep], new, new]),
                np.concatenate([columns[keep], network.edge_u[stations.edge], network.edge_v[stations.edge]]),
            ),
        ),
        shape=(size, size),
    ).tocsr()
    reach = dijkstra(graph, indices=new, min_only=True)
    way = np.minimum(
        reach[network.edge_u[homes.edge]] + homes.along_m / speed,
        reach[network.edge_v[homes.edge]] + (length[homes.edge] - homes.along_m) / speed,
    )
    for k, edge in enumerate(stations.edge):
        same = homes.edge == edge
        between = np.abs(homes.along_m[same] - stations.along_m[k]) + stations.off_m[k]
        way[same] = np.minimum(way[same], between / speed)
    out = np.full(homes.count, np.inf)
    np.minimum.at(out, homes.thing, way + homes.off_m / speed)
    for k, estate in enumerate(stations.enclosure):
        same = (homes.enclosure == estate) & (estate >= 0)
        out[same] = np.minimum(out[same], np.hypot(*(homes.xy[same] - stations.xy[k]).T) / speed)
    return out


def test_the_network_of_the_county_is_one_piece():
    network = town()[0].network
    assert islands(network) == []
    assert network.nodes > 2000


def test_only_the_planted_buildings_are_off_the_streets():
    buildings = attached(building_points(project(county().buildings, EPSG).geometry.to_numpy()))
    source = county().buildings["source_id"].to_numpy()
    off = source[buildings.reason != Reason.ATTACHED].tolist()
    assert off == sorted(county().truth["unattached_buildings"])
    assert (buildings.reason[np.isin(source, off)] == Reason.TOO_FAR).all()
    assert not (buildings.via == Via.GATE_ASSUMED).any()


def test_exactly_the_planted_homes_are_out_of_reach():
    times = town()[0]
    stations = attached(shapely.get_coordinates(project(county().stations, EPSG).geometry.to_numpy()))
    homes = attached(building_points(project(county().buildings, EPSG).geometry.to_numpy()))
    assert (stations.reason == Reason.ATTACHED).all()
    late = walking_s(times, stations, homes) > LIMIT_S
    source = county().buildings["source_id"]
    households = source.map(county().households.groupby("building_source_id")["households"].sum()).fillna(0).to_numpy()
    counted = late & (households > 0) & (homes.reason == Reason.ATTACHED)
    assert sorted(source[counted]) == sorted(county().truth["not_reached"])
