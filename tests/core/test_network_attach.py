"""Attaching buildings and stations: the nearest street that a straight leg leads to, and what bars it."""

from __future__ import annotations

import itertools
from dataclasses import fields
from typing import Any

import geopandas as gpd
import networkx as nx
import numpy as np
import pytest
import shapely
import shapely.ops
from hypothesis import given
from hypothesis import strategies as st

from gridmap.core.network import (
    Attacher,
    Attachments,
    Barriers,
    Enclosures,
    Reason,
    Via,
    WalkNetwork,
    attach,
    barriers_of,
    build_network,
    building_points,
    edge_lines,
    from_measure,
    main_edges,
    sensitive,
    to_measure,
    touched,
)

EPSG = 4548
HERE = np.array([500_000.0, 3_120_000.0])


def streets(*lines: Any, highway: Any = None) -> gpd.GeoDataFrame:
    shapes = [shapely.LineString(np.asarray(line, float) + HERE) for line in lines]
    columns = {"id": range(1, len(lines) + 1), "highway": highway or ["residential"] * len(lines)}
    return gpd.GeoDataFrame(columns, geometry=gpd.GeoSeries(shapes, crs=EPSG), crs=EPSG)


def xy(*points: tuple[float, float]) -> Any:
    return np.asarray(points, dtype=float).reshape(-1, 2) + HERE


def shifted(*shapes: Any) -> Any:
    out = np.empty(len(shapes), dtype=object)
    out[:] = [shapely.transform(shape, lambda p: p + HERE) for shape in shapes]
    return out


def spots(network: WalkNetwork, found: Attachments) -> list[list[float]]:
    """The street places of all rows, metres from HERE."""
    points = shapely.line_interpolate_point(edge_lines(network, found.edge), found.along_m)
    return np.round(shapely.get_coordinates(points) - HERE, 3).tolist()


ROAD = build_network(streets([(0, 0), (100, 0)], [(0, 100), (100, 100)], [(100, 0), (100, 100)]))


def test_a_building_meets_the_nearest_street_place():
    found = attach(ROAD, xy((30, 20), (97, 60), (-30, 40)))
    assert spots(ROAD, found) == [[30, 0], [100, 60], [0, 0]]
    assert found.off_m == pytest.approx([20, 3, 50])
    assert found.nearest_m == pytest.approx(found.off_m)
    assert found.thing.tolist() == [0, 1, 2]
    assert (found.via == Via.STREET).all()
    assert (found.reason == Reason.ATTACHED).all()
    assert (found.enclosure == -1).all()


def test_of_equally_near_streets_the_lower_edge_is_taken():
    found = attach(ROAD, xy((50, 50), (110, -10), (30, 50)))
    assert found.edge.tolist() == [0, min(k for k in range(3) if 100 in _ends(k)), 0]


def _ends(edge: int) -> set[float]:
    line = edge_lines(ROAD, np.array([edge]))[0]
    return {100 for x, y in shapely.get_coordinates(line) - HERE if (x, y) == (100, 0)}


def test_what_is_farther_than_the_limit_is_listed_with_its_distance_and_has_no_row():
    found = attach(ROAD, xy((50, -200), (50, -200.001), (5000, 0), (30, 20)))
    assert found.reason.tolist() == [Reason.ATTACHED, Reason.TOO_FAR, Reason.TOO_FAR, Reason.ATTACHED]
    assert found.thing.tolist() == [0, 3]
    assert found.nearest_m == pytest.approx([200, 200.001, 4900, 20])
    near = attach(ROAD, xy((30, 20)), limit_m=19.9)
    assert near.reason.tolist() == [Reason.TOO_FAR]


def test_a_place_that_is_not_known_and_a_network_without_streets_attach_nothing():
    found = attach(ROAD, np.array([[np.nan, np.nan], [500_030.0, np.inf]]))
    assert found.reason.tolist() == [Reason.TOO_FAR, Reason.TOO_FAR]
    assert np.isinf(found.nearest_m).all()
    empty = attach(build_network(streets()), xy((1, 1)), enclosures=Enclosures(shifted(shapely.box(0, 0, 9, 9))))
    assert (empty.reason.tolist(), empty.nearest_m.tolist(), len(empty.edge)) == ([Reason.TOO_FAR], [np.inf], 0)
    assert attach(ROAD, np.zeros((0, 2))).count == 0


@pytest.mark.parametrize(
    "barriers",
    [
        Barriers(walls=shifted(shapely.LineString([(-50, 10), (80, 10)]))),
        Barriers(rail=shifted(shapely.LineString([(-50, 10), (80, 10)]))),
        Barriers(water=shifted(shapely.box(-50, 8, 80, 12))),
    ],
)
def test_a_leg_never_crosses_a_wall_a_railway_or_water(barriers):
    found = attach(ROAD, xy((30, 20), (70, 20)), barriers=barriers)
    assert found.off_m == pytest.approx([70, 30])
    assert spots(ROAD, found) == [[100, 20], [100, 20]]
    assert found.nearest_m == pytest.approx([20, 20])


def test_a_street_is_also_reached_beside_the_end_of_a_barrier():
    road = build_network(streets([(0, 0), (100, 0)]))
    wall = Barriers(walls=shifted(shapely.LineString([(-500, 10), (44, 10)])))
    found = attach(road, xy((30, 20)), barriers=wall)
    # Pieces of 20 m: the nearest point that can be seen is where one of them begins.
    assert spots(road, found) == [[60, 0]]
    assert found.off_m == pytest.approx(np.hypot(30, 20))


def test_what_stands_in_water_or_behind_barriers_all_around_is_listed():
    lake = Barriers(water=shifted(shapely.box(20, 10, 60, 40).difference(shapely.box(30, 15, 40, 20))))
    found = attach(ROAD, xy((50, 30), (35, 18), (10, 20)), barriers=lake)
    assert found.reason.tolist() == [Reason.BEHIND_BARRIER, Reason.BEHIND_BARRIER, Reason.ATTACHED]
    assert found.thing.tolist() == [2]
    assert found.nearest_m == pytest.approx([30, 18, 20])


def test_a_street_on_the_line_of_a_railway_or_bank_is_reached_from_its_side():
    bank = Barriers(
        water=shifted(shapely.box(-50, -80, 150, 0)), rail=shifted(shapely.LineString([(100, -9), (100, 99)]))
    )
    found = attach(ROAD, xy((30, 20), (90, 50)), barriers=bank)
    assert found.off_m == pytest.approx([20, 10])


# --- walled estates ----------------------------------------------------------------------------------------------

ESTATE = shapely.box(10, 5, 90, 60)


def test_the_gate_is_the_way_into_a_walled_estate():
    inside = Enclosures(shifted(ESTATE), [xy((90, 30), (50, 60))])
    found = attach(ROAD, xy((30, 20), (95, 20), (5, 5)), enclosures=inside)
    assert found.thing.tolist() == [0, 0, 1, 2]
    assert found.via.tolist() == [Via.GATE, Via.GATE, Via.STREET, Via.STREET]
    assert spots(ROAD, found)[:2] == [[100, 30], [50, 100]]
    assert found.off_m[:2] == pytest.approx([np.hypot(60, 10) + 10, np.hypot(20, 40) + 40])
    assert (found.gate_xy[:2] - HERE).tolist() == [[90, 30], [50, 60]]
    assert np.isnan(found.gate_xy[2:]).all()
    assert found.enclosure.tolist() == [0, -1, -1]


def test_a_walled_estate_without_a_known_gate_uses_the_nearest_street_and_says_so():
    found = attach(ROAD, xy((30, 20)), enclosures=Enclosures(shifted(ESTATE)))
    assert found.via.tolist() == [Via.GATE_ASSUMED]
    assert found.off_m == pytest.approx([20])
    river = Barriers(water=shifted(shapely.box(-50, 1, 99, 4)))
    over = attach(ROAD, xy((30, 20)), barriers=river, enclosures=Enclosures(shifted(ESTATE), [np.zeros((0, 2))]))
    assert spots(ROAD, over) == [[100, 20]]
    assert over.via.tolist() == [Via.GATE_ASSUMED]


def test_a_street_through_the_wall_is_a_way_in_and_needs_no_gate():
    road = build_network(streets([(0, 0), (100, 0)], [(50, 0), (50, 40)]))
    found = attach(road, xy((30, 20)), enclosures=Enclosures(shifted(ESTATE)))
    assert spots(road, found) == [[50, 20]]
    assert found.via.tolist() == [Via.STREET]
    gated = attach(road, xy((30, 20)), enclosures=Enclosures(shifted(ESTATE), [xy((10, 20))]))
    assert gated.via.tolist() == [Via.STREET, Via.GATE]
    assert spots(road, gated) == [[50, 20], [10, 0]]


def test_streets_shut_in_by_the_wall_do_not_lead_out():
    road = build_network(streets([(0, 0), (100, 0)], [(20, 30), (80, 30)]))
    open_ = attach(road, xy((30, 20)), enclosures=Enclosures(shifted(ESTATE)))
    assert open_.via.tolist() == [Via.STREET, Via.GATE_ASSUMED]
    assert spots(road, open_) == [[30, 30], [30, 0]]
    gated = attach(road, xy((30, 20)), enclosures=Enclosures(shifted(ESTATE), [xy((80, 5))]))
    assert gated.via.tolist() == [Via.STREET, Via.GATE]
    assert spots(road, gated)[1] == [80, 0]


def test_nobody_outside_enters_a_walled_estate_and_a_street_along_the_wall_is_outside():
    road = build_network(streets([(10, 5), (90, 5)], [(20, 50), (80, 50)]))
    outside, inside = (30, 63), (30, 20)
    found = attach(road, xy(outside, inside), enclosures=Enclosures(shifted(ESTATE)))
    assert found.reason[0] == Reason.BEHIND_BARRIER
    assert found.via[found.thing == 1].tolist() == [Via.STREET, Via.GATE_ASSUMED]
    along = attach(road, xy((30, -9)), enclosures=Enclosures(shifted(ESTATE)))
    assert along.off_m == pytest.approx([14])


def test_a_gate_opens_also_where_a_neighbour_has_the_same_wall():
    walls = shifted(shapely.box(10, 5, 50, 60), shapely.box(50, 5, 90, 60), shapely.box(50, -40, 90, -2))
    found = attach(ROAD, xy((30, 20)), enclosures=Enclosures(walls, [xy((50, 5)), xy(), xy()]))
    assert found.via.tolist() == [Via.GATE]
    assert spots(ROAD, found) == [[50, 0]]


def test_the_inner_one_of_two_estates_counts():
    both = Enclosures(shifted(ESTATE, shapely.box(20, 10, 40, 30)), [xy((90, 30)), xy((40, 20))])
    found = attach(ROAD, xy((30, 20), (60, 20)), enclosures=both)
    assert found.enclosure.tolist() == [1, 0]


def test_tables_give_barriers_and_estates():
    def frame(shapes: list[Any], **columns: list[Any]) -> gpd.GeoDataFrame:
        return gpd.GeoDataFrame(columns, geometry=gpd.GeoSeries(shapes, crs=EPSG), crs=EPSG)

    line, box = shapely.LineString([(0, 0), (1, 1)]), shapely.box(0, 0, 1, 1)
    rails = frame(
        [line] * 6 + [None],
        railway=["rail", "tram", "rail", "rail", "subway", None, "rail"],
        highway=[None, None, None, None, None, "residential", None],
        bridge=[False, None, True, False, None, False, False],
        tunnel=[False, None, False, True, None, False, False],
    )
    water = frame(
        [box, box, line, None], water_kind=["lake", "river", "stream", "lake"], tunnel=[None, True, False, None]
    )
    estates = frame([box, box, shapely.box(5, 5, 9, 9)], walled=[None, False, True])
    barriers, enclosures = barriers_of(streets=rails, water=water, estates=estates, gates=[xy(), xy(), xy((5, 6))])
    assert (len(barriers.rail), len(barriers.water), len(barriers.walls)) == (2, 1, 0)
    assert [p.bounds for p in enclosures.polygons] == [(5, 5, 9, 9)]
    assert [len(g) for g in enclosures.gates] == [1]
    nothing, none = barriers_of()
    assert (len(nothing.rail), len(nothing.water), len(none.polygons)) == (0, 0, 0)


def test_a_building_stands_where_its_centroid_is_or_on_its_surface():
    horseshoe = shapely.box(0, 0, 30, 30).difference(shapely.box(5, 5, 25, 31))
    points = building_points(np.array([shapely.box(0, 0, 4, 2), horseshoe, None, shapely.Polygon()], dtype=object))
    assert points[0].tolist() == [2, 1]
    assert shapely.contains_xy(horseshoe, *points[1])
    assert np.isnan(points[2:]).all()


# --- against an oracle that is made from geometry alone ----------------------------------------------------------


def oracle(
    lines: Any, place: Any, limit: float, barriers: Any, walls: Any, own: int
) -> tuple[float, list[tuple[int, float]]]:
    """Return the metres of the clear leg (inf: none), and streets (0, 1, …) with metres along them at that distance.

    Shapely only, from the streets as they were given: in pieces of 20 m, each at its nearest point; the leg counts as
    10 cm longer for the walls of the own estate and as 10 cm shorter for everything else.
    """
    clear: list[tuple[float, int, float]] = []
    for k, line in enumerate(lines):
        for begin in np.arange(0, line.length, 20.0):
            piece = shapely.ops.substring(line, begin, min(begin + 20, line.length))
            foot = shapely.get_coordinates(shapely.shortest_line(piece, shapely.Point(place)))[0]
            away = float(np.hypot(*(foot - place)))
            if away <= limit and _clear(place, foot, barriers, walls, own):
                clear.append((away, k, float(shapely.line_locate_point(line, shapely.Point(foot)))))
    if not clear:
        return np.inf, []
    best = min(clear)[0]
    return best, [(k, along) for away, k, along in clear if away <= best + 1e-3]


def _clear(place: Any, foot: Any, barriers: Any, walls: Any, own: int) -> bool:
    away = float(np.hypot(*(foot - place)))
    unit = (foot - place) / away if away else np.zeros(2)
    longer = shapely.LineString([place, foot + 0.1 * unit])
    shorter = shapely.LineString([place, foot - min(0.1, away) * unit])
    others = [shape for k, shape in enumerate(walls) if k != own] + list(barriers)
    return not (
        any(shapely.dwithin(shorter, shape, 1e-6) for shape in others)
        or (own >= 0 and shapely.dwithin(longer, walls[own], 1e-6))
    )


def _long_parts(lines: list[Any], minor_m: float) -> list[int]:
    """Return which lines are of a part that is the longest, or long enough."""
    graph = nx.Graph()
    graph.add_nodes_from(range(len(lines)))
    for a, b in itertools.combinations(range(len(lines)), 2):
        ends = [end for one, other in ((a, b), (b, a)) for end in (lines[one].boundary.distance(lines[other]),)]
        if lines[a].intersects(lines[b]) or min(ends) <= 0.5:
            graph.add_edge(a, b)
    parts = [(sum(lines[k].length for k in part), part) for part in nx.connected_components(graph)]
    longest = max(metres for metres, _ in parts)
    return sorted(k for metres, part in parts if metres >= min(longest, minor_m) for k in part)


@pytest.mark.parametrize("minor_m", [0.0, 500.0])
@pytest.mark.parametrize("seed", range(6))
def test_legs_are_those_of_an_oracle_made_by_shapely(seed, minor_m):
    rng = np.random.default_rng(seed)
    frame = streets(
        *(np.round(np.cumsum(rng.normal(0, 60, (4, 2)), axis=0) + rng.uniform(0, 600, 2), 3) for _ in range(9))
    )
    network = build_network(frame)
    boxes = [
        shapely.box(x, y, x + w, y + h)
        for x, y, w, h in np.round(rng.uniform([0, 0, 30, 30], [600, 600, 160, 160], (6, 4)), 2)
    ]
    apart: list[Any] = []
    for box in boxes[:3]:
        if not any(box.intersects(other) for other in apart):
            apart.append(box)
    polygons = shifted(*apart)
    water = shifted(*(shapely.Point(p).buffer(25) for p in rng.uniform(0, 600, (3, 2))))
    rail = shifted(shapely.LineString(rng.uniform(0, 600, (5, 2))))
    things = rng.uniform(-50, 650, (60, 2)) + HERE
    found = attach(
        network, things, barriers=Barriers(water=water, rail=rail), enclosures=Enclosures(polygons), limit_m=120,
        minor_m=minor_m,
    )  # fmt: skip
    lines = list(frame.geometry)
    long = _long_parts(lines, minor_m)
    street, measure = to_measure(network, found)
    barriers = [*shapely.boundary(water), *rail]
    walls = list(shapely.boundary(polygons))
    for i, place in enumerate(things):
        wet = any(shapely.contains_xy(w, *place) for w in water)
        inside = [k for k, p in enumerate(polygons) if shapely.contains_xy(p, *place)]
        own = inside[0] if inside else -1
        assert found.enclosure[i] == own
        assert found.nearest_m[i] == pytest.approx(shapely.distance(lines, shapely.Point(place)).min(), abs=1e-3)
        off, where = oracle([lines[k] for k in long], place, 120, barriers, walls, own)
        where = [(long[k], along) for k, along in where]
        if np.isinf(off):
            off, where = oracle(lines, place, 120, barriers, walls, own)
        rows = np.flatnonzero((found.thing == i) & (found.via == Via.STREET))
        if wet or np.isinf(off):
            assert len(rows) == 0
            continue
        assert found.off_m[rows] == pytest.approx([off], abs=1e-3)
        assert any(
            street[rows[0]] == k + 1 and measure[rows[0]] == pytest.approx(along, abs=0.05) for k, along in where
        )


point = st.tuples(st.integers(-40, 140), st.integers(-40, 140))


@given(st.lists(point, min_size=1, max_size=20), st.lists(point, min_size=4, max_size=4, unique=True))
def test_a_barrier_more_never_brings_a_street_nearer(points, corners):
    wall = Barriers(walls=shifted(shapely.LineString(corners)))
    things = xy(*points) + 0.123
    free, barred = attach(ROAD, things), attach(ROAD, things, barriers=wall)
    legs = np.full((2, len(points)), np.inf)
    for row, found in enumerate((free, barred)):
        legs[row, found.thing] = found.off_m
    assert (legs[1] >= legs[0]).all()
    assert (free.nearest_m == barred.nearest_m).all()


# --- places that survive -----------------------------------------------------------------------------------------


def test_places_by_street_survive_a_renumbering():
    rng = np.random.default_rng(1)
    lines = [np.round(np.cumsum(rng.normal(0, 60, (4, 2)), axis=0) + rng.uniform(0, 600, 2), 3) for _ in range(20)]
    frame = streets(*lines)
    network = build_network(frame)
    found = attach(network, rng.uniform(0, 600, (300, 2)) + HERE)
    street, measure = to_measure(network, found)
    edge, along = from_measure(network, street, measure)
    assert (edge == found.edge).all()
    assert (along == found.along_m).all()
    more = build_network(streets(*lines, *(line + np.array([3, 400]) for line in lines)))
    edge, along = from_measure(more, street, measure)
    before = shapely.line_interpolate_point(edge_lines(network, found.edge), found.along_m)
    after = shapely.line_interpolate_point(edge_lines(more, edge), along)
    assert shapely.distance(before, after).max() < 1e-3


def test_a_place_on_a_closed_stretch_or_unknown_street_has_no_edge():
    network = build_network(streets([(0, 0), (50, 0), (100, 0)], [(50, 0), (50, 50)]), closures=[2])
    edge, along = from_measure(network, np.array([1, 2, 7, 1, 1]), np.array([60.0, 10.0, 0.0, 100.5, np.nan]))
    assert (edge >= 0).tolist() == [True, False, False, False, False]
    assert along.tolist() == [10, 0, 0, 0, 0]
    none, _ = from_measure(build_network(streets()), np.array([1]), np.array([0.0]))
    assert none.tolist() == [-1]


@given(st.integers(0, 10_000))
def test_what_a_change_does_not_touch_is_attached_as_before(seed):
    rng = np.random.default_rng(seed)
    lines = [np.round(np.cumsum(rng.normal(0, 60, (3, 2)), axis=0) + rng.uniform(0, 900, 2), 3) for _ in range(12)]
    pond, rail = shapely.Point(rng.uniform(0, 900, 2)).buffer(40), shapely.LineString(rng.uniform(0, 900, (2, 2)))
    estate = shapely.box(300, 300, 420, 420)
    gate = xy((420, 350))
    things = rng.uniform(0, 900, (80, 2)) + HERE
    frame = streets(*lines)
    old, new = build_network(frame.iloc[1:]), build_network(frame.iloc[:-1])
    estates = Enclosures(shifted(estate), [gate])
    common = {"enclosures": estates, "limit_m": 100, "minor_m": 0}
    before = attach(old, things, barriers=Barriers(water=shifted(pond)), **common)
    after = attach(new, things, barriers=Barriers(rail=shifted(rail)), **common)
    changed = [*frame.geometry.iloc[[0, -1]], *shifted(pond, rail)]
    again = touched(before, changed, network=old, streets=[12], enclosures=estates, limit_m=100)
    for i in np.flatnonzero(~again):
        a, b = before.thing == i, after.thing == i
        assert before.reason[i] == after.reason[i]
        assert before.nearest_m[i] == pytest.approx(after.nearest_m[i], abs=2e-3)
        assert before.off_m[a] == pytest.approx(after.off_m[b], abs=2e-3)
        assert before.via[a].tolist() == after.via[b].tolist()
        assert old.edge_street[before.edge[a]].tolist() == new.edge_street[after.edge[b]].tolist()
    assert again.sum() < 80


def test_one_thing_at_a_time_is_attached_as_many_at_once():
    rng = np.random.default_rng(4)
    things = rng.uniform(-20, 120, (50, 2)) + HERE
    attacher = Attacher(ROAD, enclosures=Enclosures(shifted(ESTATE), [xy((90, 30))]))
    whole = attacher.attach(things)
    single = [attacher.attach(things[i : i + 1]) for i in range(50)]
    for field in fields(Attachments):
        if field.name not in ("count", "thing"):
            values = np.concatenate([getattr(one, field.name) for one in single])
            assert values.tobytes() == getattr(whole, field.name).tobytes(), field.name


def test_a_stub_that_joins_nothing_does_not_keep_a_house_from_the_street_behind():
    network = build_network(streets([(0, 0), (900, 0)], [(100, 30), (130, 30)], [(700, 150), (730, 150)]))
    assert main_edges(network).tolist().count(False) == 2
    house, lone = (115, 40), (715, 190)
    found = attach(network, xy(house, lone, (715, 210)))
    assert main_edges(network)[found.edge].tolist() == [True, True, False]
    assert found.off_m == pytest.approx([40, 190, 60])
    assert found.nearest_m == pytest.approx([10, 40, 60])
    as_mapped = attach(network, xy(house), minor_m=0)
    assert as_mapped.off_m == pytest.approx([10])


def test_a_stub_is_taken_where_a_barrier_keeps_from_the_street():
    network = build_network(streets([(0, 0), (900, 0)], [(100, 30), (130, 30)]))
    river = Barriers(water=shifted(shapely.box(-500, 10, 2000, 20)))
    assert attach(network, xy((115, 40)), barriers=river).off_m == pytest.approx([10])


def test_a_part_that_is_long_enough_is_no_stub():
    network = build_network(streets([(0, 0), (900, 0)], [(0, 30), (600, 30)]))
    assert main_edges(network).all()
    assert attach(network, xy((115, 40))).off_m == pytest.approx([10])


def test_who_takes_no_stairs_meets_the_street_beside_them():
    network = build_network(streets([(0, 0), (900, 0)], [(100, 0), (100, 60)], highway=["residential", "steps"]))
    on_stairs, beside = (Attacher(network, closed=c).attach(xy((110, 50))) for c in (None, network.edge_steps))
    assert (on_stairs.off_m[0], beside.off_m[0]) == pytest.approx((10, 50))
    assert not network.edge_steps[beside.edge].any()


def test_only_things_whose_way_depends_on_minor_parts_are_sensitive():
    network = build_network(streets([(0, 0), (900, 0)], [(100, 30), (130, 30)]))
    found = attach(network, xy((115, 40), (500, 20), (115, 220)))
    assert sensitive(found, main_edges(network)).tolist() == [True, False, True]
