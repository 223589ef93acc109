"""From streets to a network: where streets meet, and where they do not."""

from __future__ import annotations

import itertools
from dataclasses import fields
from typing import Any

import geopandas as gpd
import networkx as nx
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from gridmap.core.network import (
    Closure,
    NetworkSettings,
    WalkNetwork,
    build_network,
    edge_lines,
    islands,
    walk_times,
    walkable,
    with_closures,
    with_heights,
)
from gridmap.errors import InputError, UnknownColumns, UnknownCrs

EPSG = 4548
HERE = np.array([500_000.0, 3_120_000.0])


def streets(*lines: Any, **columns: list[Any]) -> gpd.GeoDataFrame:
    """Streets from lists of (x, y) in metres from HERE; ids 1, 2, 3 …"""
    shapes = [
        line
        if line is None or isinstance(line, shapely.Geometry)
        else shapely.LineString(np.asarray(line, float) + HERE)
        for line in lines
    ]
    given_columns = {"id": list(range(1, len(lines) + 1)), "highway": ["residential"] * len(lines), **columns}
    return gpd.GeoDataFrame(given_columns, geometry=gpd.GeoSeries(shapes, crs=EPSG), crs=EPSG)


def places(network: WalkNetwork) -> list[list[float]]:
    return sorted(np.round(network.node_xy - HERE, 3).tolist())


def graph_of(network: WalkNetwork) -> nx.MultiGraph:
    graph = nx.MultiGraph()
    graph.add_nodes_from(range(network.nodes))
    for u, v, length in zip(network.edge_u, network.edge_v, network.edge_length_m, strict=True):
        graph.add_edge(int(u), int(v), weight=float(length))
    return graph


def node_at(network: WalkNetwork, x: float, y: float) -> int:
    away = np.hypot(*(network.node_xy - HERE - [x, y]).T)
    assert away.min() < 0.01, f"no node at {x}, {y}"
    return int(np.argmin(away))


def walk(network: WalkNetwork, a: tuple[float, float], b: tuple[float, float]) -> float:
    """Metres on foot between two nodes; inf: no way."""
    try:
        return nx.dijkstra_path_length(graph_of(network), node_at(network, *a), node_at(network, *b))
    except nx.NetworkXNoPath:
        return np.inf


def assert_sound(network: WalkNetwork) -> None:
    """What every network promises about its own arrays."""
    first, last = network.xy[network.xy_start[:-1]], network.xy[network.xy_start[1:] - 1]
    assert (first == network.node_xy[network.edge_u]).all()
    assert (last == network.node_xy[network.edge_v]).all()
    assert (network.edge_length_m > 0).all()
    if network.edges:
        assert network.edge_length_m == pytest.approx(shapely.length(edge_lines(network)))
    assert network.arc_start[0] == 0
    assert network.arc_start[-1] == 2 * network.edges == len(network.arc_head)
    tail = np.repeat(np.arange(network.nodes), np.diff(network.arc_start))
    u, v = network.edge_u[network.arc_edge], network.edge_v[network.arc_edge]
    assert (tail == np.where(network.arc_forward, u, v)).all()
    assert (network.arc_head == np.where(network.arc_forward, v, u)).all()
    assert sorted(zip(network.arc_edge.tolist(), network.arc_forward.tolist(), strict=True)) == sorted(
        itertools.product(range(network.edges), (False, True))
    )
    assert (network.component[network.edge_u] == network.component[network.edge_v]).all()
    assert len(np.unique(network.component)) == nx.number_connected_components(graph_of(network))
    lengths = np.bincount(network.component[network.edge_u], weights=network.edge_length_m)
    assert (np.diff(lengths) < 1e-3).all()


# --- meeting -----------------------------------------------------------------------------------------------------


def test_streets_join_at_a_common_vertex_and_keep_their_own_names():
    network = build_network(streets([(0, 0), (50, 0), (100, 0)], [(50, 0), (50, 80)]))
    assert_sound(network)
    assert places(network) == [[0, 0], [50, 0], [50, 80], [100, 0]]
    rows = sorted(zip(network.edge_street.tolist(), network.edge_from_m.tolist(), strict=True))
    assert rows == [(1, 0.0), (1, 50.0), (2, 0.0)]
    assert network.edge_length_m.sum() == pytest.approx(180)


def test_streets_of_one_level_that_cross_without_a_vertex_are_joined_there():
    network = build_network(streets([(0, 0), (100, 0)], [(30, -40), (30, 60)]))
    assert_sound(network)
    assert walk(network, (0, 0), (30, 60)) == pytest.approx(90)


def test_an_end_that_lies_on_another_street_joins_it():
    network = build_network(streets([(0, 0), (99, 33)], [(33, 11), (33, 60)]))
    assert walk(network, (0, 0), (33, 60)) == pytest.approx(np.hypot(33, 11) + 49)


@pytest.mark.parametrize("columns", [{"bridge": [True, None]}, {"tunnel": [True, False]}, {"layer": [1, np.nan]}])
def test_what_passes_over_or_under_another_street_does_not_join_it(columns):
    for crossing in ([(30, -40), (30, 60)], [(30, -40), (30, 0), (30, 60)]):
        network = build_network(streets([(0, 0), (30, 0), (100, 0)], crossing, **columns))
        assert_sound(network)
        assert network.edges == 2
        assert len(islands(network)) == 1


def test_a_bridge_joins_the_streets_at_its_ends_only():
    network = build_network(
        streets(
            [(0, -50), (0, 50)],
            [(0, 0), (100, 0)],
            [(100, 0), (160, 0)],
            [(50, -50), (50, 50)],
            bridge=[None, True, None, None],
        )
    )
    assert walk(network, (0, 50), (160, 0)) == pytest.approx(210)
    assert [i.length_m for i in islands(network)] == [100]


def test_an_end_of_a_bridge_joins_a_street_that_has_no_vertex_there_but_a_dead_end_below_does_not_join_the_bridge():
    below = [(50, -60), (50, 0)]
    network = build_network(streets([(0, -50), (0, 50)], [(0, 10), (100, 10)], bridge=[False, True]))
    assert walk(network, (0, 50), (100, 10)) == pytest.approx(140)
    network = build_network(streets([(0, 0), (100, 0)], below, bridge=[True, False]))
    assert len(islands(network)) == 1
    network = build_network(streets([(0, 0), (100, 0)], below, bridge=[True, False], highway=["primary", "steps"]))
    assert walk(network, (50, -60), (100, 0)) == pytest.approx(110)
    assert network.edge_steps.sum() == 1


def test_a_level_crossing_is_walked_and_the_railway_is_not():
    network = build_network(
        streets([(0, 0), (100, 0)], [(50, -200), (50, 200)], highway=["residential", None], railway=[None, "rail"])
    )
    assert network.edge_street.tolist() == [1]


def test_parallel_streets_loops_and_streets_that_cross_themselves_are_kept():
    ring = [(0, 0), (40, 0), (40, 40), (0, 40), (0, 0)]
    eight = [(100, 0), (140, 40), (140, 0), (100, 40)]
    network = build_network(streets([(0, 0), (-50, 0)], ring, [(0, 0), (-25, 20), (-50, 0)], eight))
    assert_sound(network)
    assert (network.edge_u == network.edge_v).sum() == 2
    between = {node_at(network, 0, 0), node_at(network, -50, 0)}
    pairs = list(zip(network.edge_u.tolist(), network.edge_v.tolist(), strict=True))
    assert sum(set(pair) == between for pair in pairs) == 2
    assert walk(network, (100, 0), (100, 40)) == pytest.approx(2 * np.hypot(20, 20))


def test_streets_that_lie_on_one_another_share_their_nodes():
    network = build_network(streets([(0, 0), (100, 0)], [(30, 0), (60, 0)], [(50, 0), (130, 0)]))
    assert_sound(network)
    assert walk(network, (0, 0), (130, 0)) == pytest.approx(130)
    assert walk(network, (30, 0), (60, 0)) == pytest.approx(30)


# --- gaps --------------------------------------------------------------------------------------------------------


def test_a_small_gap_is_walked_and_a_larger_one_is_not():
    for gap, joined in ((0.4, True), (0.6, False)):
        network = build_network(streets([(0, 0), (100, 0)], [(100 + gap, 0), (200, 0)]))
        assert_sound(network)
        assert (len(islands(network)) == 0) is joined
        assert network.edge_length_m.sum() == pytest.approx(200 if joined else 199.4)
    wide = build_network(streets([(0, 0), (100, 0)], [(103, 0), (200, 0)]), settings=NetworkSettings(snap_m=5))
    assert islands(wide) == []


def test_an_end_short_of_the_middle_of_a_street_is_led_to_it_and_the_measures_tell():
    network = build_network(streets([(0, 0), (100, 0)], [(40, 0.3), (40, 50)]))
    assert_sound(network)
    assert walk(network, (0, 0), (40, 50)) == pytest.approx(90)
    side = network.edge_street == 2
    assert network.edge_from_m[side] == pytest.approx(-0.3)
    assert network.edge_length_m[side] == pytest.approx(50)


def test_ends_that_miss_one_another_meet_in_one_place():
    network = build_network(streets([(0, 0), (100, 0)], [(100.3, 0.1), (100.3, 80)], [(100.1, -0.3), (100, -70)]))
    assert_sound(network)
    assert islands(network) == []
    assert network.nodes == 4


def test_a_street_that_overshoots_its_crossing_is_not_joined_twice():
    network = build_network(streets([(0, 0), (100, 0)], [(40, -0.3), (40, 50)]))
    assert_sound(network)
    assert network.edges == 4
    assert not (network.edge_u == network.edge_v).any()


def test_a_ring_with_a_small_gap_closes_but_a_short_street_does_not_join_itself():
    network = build_network(streets([(0, 0.3), (0, 40), (40, 40), (40, 0), (0, 0)]))
    assert_sound(network)
    assert (network.edge_u == network.edge_v).all()
    assert build_network(streets([(0, 0), (0.3, 0)])).nodes == 2


# --- what is walked on -------------------------------------------------------------------------------------------


def test_tags_say_what_is_walked_on():
    table = pd.DataFrame(
        [
            ("residential", None, None, True),
            ("trunk", None, None, True),
            ("steps", None, None, True),
            ("cycleway", None, None, True),
            ("Footway ", "Designated", np.nan, True),
            ("motorway", "yes", None, False),
            ("construction", None, None, False),
            ("proposed", None, None, False),
            ("ferry", None, None, False),
            ("residential", "no", None, False),
            ("residential", "use_sidepath", None, True),
            ("service", None, "private", False),
            ("service", "private", None, False),
            ("service", "yes", "private", True),
            ("service", "permissive", "no", True),
            ("service", "yes;no", "no", True),
            ("service", None, "destination", True),
            ("", None, None, False),
            (None, "yes", "yes", False),
            (pd.NA, pd.NA, pd.NA, False),
        ],
        columns=["highway", "foot", "access", "wanted"],
    )
    assert walkable(table).tolist() == table["wanted"].tolist()
    assert walkable(table, private=True).sum() == walkable(table).sum() + 2
    assert walkable(pd.DataFrame({"name": ["no tags at all"]})).tolist() == [False]


def test_missing_empty_and_broken_geometries_and_missing_values_are_left_out():
    with np.errstate(invalid="ignore"):
        broken = shapely.LineString([(np.nan, 0), (1, 1)])
    dot = shapely.LineString([HERE, HERE])
    frame = streets(
        [(0, 0), (100, 0)], None, shapely.LineString(), broken, dot, shapely.Point(*HERE), [(0, 9), (9, 9)],
        layer=[None] * 7, bridge=[None] * 7, tunnel=[np.nan] * 7, foot=[np.nan] * 7, access=[pd.NA] * 7,
        removed=[None] * 6 + [True],
    )  # fmt: skip
    network = build_network(frame)
    assert network.edge_street.tolist() == [1]
    assert_sound(network)


def test_parts_of_a_street_and_heights_in_its_vertices_are_understood():
    parts = shapely.MultiLineString([[(0, 0, 5), (30, 0, 6)], [(60, 0, 7), (100, 0, 8)]])
    moved = shapely.transform(parts, lambda xyz: xyz + np.append(HERE, 0), include_z=True)
    network = build_network(streets(moved))
    assert sorted(network.edge_from_m.tolist()) == [0, 30]
    assert network.edges == 2


def test_no_streets_make_an_empty_network():
    for frame in (streets(), streets([(0, 0), (1, 1)], highway=["motorway"]), streets([(0, 0), (1, 1)]).iloc[:0]):
        network = build_network(frame)
        assert_sound(network)
        assert (network.nodes, network.edges, islands(network)) == (0, 0, [])
        assert walk_times(network).arc_to_s.shape == (0,)


def test_streets_in_degrees_or_without_id_are_refused_with_a_sentence():
    frame = streets([(0, 0), (1, 1)])
    with pytest.raises(UnknownCrs, match="metres"):
        build_network(frame.to_crs(4326))
    with pytest.raises(UnknownCrs):
        build_network(frame.set_crs(None, allow_override=True))
    with pytest.raises(UnknownColumns, match="id"):
        build_network(frame.drop(columns="id"))
    with pytest.raises(InputError, match="Two streets have the id 4"):
        build_network(streets([(0, 0), (1, 1)], [(0, 0), (5, 1)], id=[4, 4]))


# --- edits -------------------------------------------------------------------------------------------------------

GRID = [[(0, 0), (100, 0), (200, 0)], [(0, 100), (100, 100), (200, 100)], [(100, 0), (100, 100)], [(0, 0), (0, 100)]]


def test_a_closed_street_is_gone_and_a_point_closes_only_the_nearest_edge():
    frame = streets(*GRID)
    whole = build_network(frame)
    assert walk(whole, (100, 0), (100, 100)) == 100
    closed = build_network(frame, closures=[3])
    assert_sound(closed)
    assert walk(closed, (100, 0), (100, 100)) == 300
    one = build_network(frame, closures=[Closure(1, tuple(HERE + np.array([150, 10])))])
    assert one.edges == whole.edges - 1
    assert_sound(one)
    with pytest.raises(AssertionError):
        node_at(one, 200, 0)
    anywhere = build_network(frame, closures=[Closure(xy=tuple(HERE + np.array([10, 50])))])
    assert 4 not in anywhere.edge_street
    assert build_network(frame, closures=[99]).edges == whole.edges
    assert len({n.version for n in (whole, closed, one, anywhere)}) == 4
    assert with_closures(whole, [3]).version == closed.version
    assert with_closures(whole, [99]) is whole
    assert build_network(frame, closures=[1, 2, 3, 4]).nodes == 0


def test_a_new_link_joins_what_it_crosses_and_what_its_ends_come_near_to():
    frame = streets(*GRID[:2])
    link = shapely.LineString(HERE + np.array([(50, 18), (50, 85)]))
    network = build_network(frame, links=[link])
    assert_sound(network)
    assert walk(network, (0, 0), (0, 100)) == pytest.approx(200)
    assert (network.edge_street == -1).sum() == 1
    across = build_network(frame, links=[shapely.LineString(HERE + np.array([(150, -30), (150, 140)]))])
    assert walk(across, (0, 0), (0, 100)) == pytest.approx(400)
    lost = build_network(frame, links=[shapely.LineString(HERE + np.array([(50, 40), (60, 60)]))])
    assert len(islands(lost)) == 2


def test_islands_are_listed_longest_first_with_a_place():
    network = build_network(streets(*GRID, [(500, 0), (520, 0)], [(500, 50), (560, 50), (560, 80)]))
    found = islands(network)
    assert [(i.component, round(i.length_m), i.edges) for i in found] == [(1, 90, 1), (2, 20, 1)]
    assert (found[0].x - HERE[0], found[0].y - HERE[1]) == pytest.approx((545, 50))


def test_heights_give_edges_their_rise():
    network = with_heights(build_network(streets([(0, 0), (100, 0)])), lambda xy: (xy[:, 0] - HERE[0]) / 10)
    up = network.node_xy[network.edge_v, 0] > network.node_xy[network.edge_u, 0]
    assert network.edge_rise_m == pytest.approx(np.where(up, 10, -10))
    assert network.version != build_network(streets([(0, 0), (100, 0)])).version


# --- properties --------------------------------------------------------------------------------------------------

corner = st.tuples(st.integers(0, 6), st.integers(0, 6)).map(lambda p: (10.0 * p[0], 10.0 * p[1]))
polyline = st.lists(corner, min_size=2, max_size=4)


def meeting_graph(lines: list[Any], high: list[bool]) -> tuple[nx.Graph, list[list[int]]]:
    """Make the graph again, by shapely and networkx: every line is cut where it meets others of its level.

    Lines are met at crossings and common stretches; a line of another level only where one of the two ends: at a
    vertex of the other, or anywhere if it is the high one that ends.
    """
    shapes = [shapely.LineString(line) for line in lines]
    cuts: list[list[Any]] = [[shapely.Point(p) for p in line] for line in lines]
    for i, j in itertools.product(range(len(lines)), repeat=2):
        if high[i] == high[j]:
            common = shapely.node(shapes[i]) if i == j else shapely.intersection(shapes[i], shapes[j])
            cuts[i] += list(shapely.points(shapely.get_coordinates(common)))
        else:
            for end in (lines[j][0], lines[j][-1]):
                if (high[j] or end in lines[i]) and shapes[i].distance(shapely.Point(end)) < 1e-6:
                    cuts[i].append(shapely.Point(end))
    graph = nx.Graph()
    corners: list[tuple[int, Any]] = []
    ends: list[list[int]] = []
    for i, (line, points) in enumerate(zip(lines, cuts, strict=True)):
        # Along the line, segment by segment: a line may pass a place twice.
        before: int | None = None
        ends.append([])
        for a, b in itertools.pairwise(line):
            segment = shapely.LineString([a, b])
            on = [p for p in points if segment.distance(p) < 1e-6]
            for p in sorted(on, key=lambda p: float(np.hypot(p.x - a[0], p.y - a[1]))):
                node = len(corners)
                corners.append((i, p))
                graph.add_node(node)
                if before is not None:
                    graph.add_edge(before, node, weight=corners[before][1].distance(p))
                before = node
        ends[i] = [node for node, (of, p) in enumerate(corners) if of == i and (p.x, p.y) in (line[0], line[-1])]
    for (m, (i, p)), (n, (j, q)) in itertools.combinations(enumerate(corners), 2):
        if p.distance(q) < 0.01:
            spot = (round(p.x, 2), round(p.y, 2))
            end_here = [k for k in (i, j) if spot in (lines[k][0], lines[k][-1])]
            if high[i] == high[j] or (end_here and (any(high[k] for k in end_here) or _vertex(lines, i, j, spot))):
                graph.add_edge(m, n, weight=0.0)
    return graph, ends


def _vertex(lines: list[Any], i: int, j: int, spot: Any) -> bool:
    return spot in lines[i] and spot in lines[j]


@given(st.lists(polyline, min_size=1, max_size=5), st.tuples(corner, corner), st.booleans())
def test_ways_are_as_long_as_in_a_graph_made_by_shapely_and_networkx(lines, bridge, with_bridge):
    kept = [[p for k, p in enumerate(line) if k == 0 or p != line[k - 1]] for line in lines]
    kept = [line for line in kept if len(line) > 1]
    high = [False] * len(kept)
    if with_bridge and bridge[0] != bridge[1]:
        kept.append(list(bridge))
        high.append(True)
    network = build_network(streets(*kept, bridge=high))
    assert_sound(network)
    oracle, ends = meeting_graph(kept, high)
    wanted = dict(nx.all_pairs_dijkstra_path_length(oracle))
    ours = dict(nx.all_pairs_dijkstra_path_length(graph_of(network)))
    for i, j in itertools.product(range(len(kept)), repeat=2):
        # A node of this very line: at one place there may be two, one on the bridge and one below.
        a, b = _end_node(network, kept, i), _end_node(network, kept, j)
        expected = min((wanted[m].get(n, np.inf) for m in ends[i][:1] for n in ends[j][:1]), default=np.inf)
        assert ours[a].get(b, np.inf) == pytest.approx(expected, abs=0.05)


def _end_node(network: WalkNetwork, lines: list[Any], i: int) -> int:
    edge = np.flatnonzero(network.edge_street == i + 1)
    return int(network.edge_u[edge[np.argmin(network.edge_from_m[edge])]])


@given(st.lists(polyline, min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_the_order_of_streets_changes_no_byte(lines, random):
    frame = streets(*lines, layer=[k % 3 // 2 for k in range(len(lines))])
    order = list(range(len(lines)))
    random.shuffle(order)
    one, other = build_network(frame), build_network(frame.iloc[order])
    for field in fields(one):
        a, b = getattr(one, field.name), getattr(other, field.name)
        assert a.tobytes() == b.tobytes() if isinstance(a, np.ndarray) else a == b, field.name


@given(st.lists(polyline, min_size=1, max_size=6))
def test_streets_are_neither_lengthened_nor_lost(lines):
    network = build_network(streets(*lines))
    assert network.edge_length_m.sum() == pytest.approx(sum(shapely.LineString(line).length for line in lines))
    for street in range(1, len(lines) + 1):
        edge = np.flatnonzero(network.edge_street == street)
        edge = edge[np.argsort(network.edge_from_m[edge])]
        begins = np.append(0, np.cumsum(network.edge_length_m[edge]))
        assert network.edge_from_m[edge] == pytest.approx(begins[:-1], abs=0.01)
