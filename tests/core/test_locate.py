from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Transformer

from gridmap.core.locate import GridIndex, coordinate_problems, nearest_stations
from gridmap.errors import InputError, NotFound

WEST, SOUTH, STEP = 113.43, 36.19, 0.004
EPSG = 4547
_to_metric = Transformer.from_crs("EPSG:4326", f"EPSG:{EPSG}", always_xy=True)
_to_degrees = Transformer.from_crs(f"EPSG:{EPSG}", "EPSG:4326", always_xy=True)


def square(column, row, width=1.0, height=1.0):
    x, y = WEST + STEP * column, SOUTH + STEP * row
    return shapely.box(x, y, x + STEP * width, y + STEP * height)


def frame(polygons, codes=None, **columns):
    codes = codes or [f"{i:03d}" for i in range(len(polygons))]
    data = {"uid": np.arange(100, 100 + len(polygons)), "code": codes, **columns}
    return gpd.GeoDataFrame(data, geometry=list(polygons), crs="EPSG:4326")


def moved(lon, lat, east_m=0.0, north_m=0.0):
    x, y = _to_metric.transform(lon, lat)
    return _to_degrees.transform(x + east_m, y + north_m)


@pytest.fixture
def town():
    r"""Four leaf grids in two communities of one town; B2 holds a courtyard grid D.

    ::

        A2 | B2(D)
        ---+------        A = community 990101001001, B = 990101001002
        A1 | B1           house 1 in A1 ends 1 m before B1; tower 2 stands across B1 and B2
    """
    court = square(1.3, 1.3, 0.4, 0.4)
    leaves = [square(0, 0), square(0, 1), square(1, 0), square(1, 1).difference(court), court]
    communities = [square(0, 0, 1, 2), square(1, 0, 1, 2)]
    grids = gpd.GeoDataFrame(
        {
            "uid": [1, 2, 3, 4, 5, 11, 12],
            "code": ["A1", "A2", "B1", "B2", "D", "A", "B"],
            "name": ["甲一", "甲二", "乙一", "乙二", "市场", "甲", "乙"],
            "level": [2, 2, 2, 2, 2, 1, 1],
            "leaf": [True] * 5 + [False] * 2,
            "grid_kind": ["urban"] * 4 + ["dedicated", "urban", "urban"],
            "parent_uid": [11, 11, 12, 12, 12, None, None],
            "community_code": ["990101001001"] * 2 + ["990101001002"] * 3 + ["990101001001", "990101001002"],
        },
        geometry=[*leaves, *communities],
        crs="EPSG:4326",
    )
    areas = gpd.GeoDataFrame(
        {
            "code": ["990101001001", "990101001002", "990101001", "990101"],
            "name": ["东社区", "西社区", "城关镇", "清岩县"],
            "level": ["community", "community", "town", "jurisdiction"],
            "parent_code": ["990101001", "990101001", "990101", None],
        },
        geometry=[*communities, square(-1, 0, 3, 2), square(-3, -3, 9, 9)],
        crs="EPSG:4326",
    )
    edge_east = WEST + STEP
    near_edge, _ = moved(edge_east, SOUTH + STEP / 2, east_m=-1)
    middle = SOUTH + STEP
    buildings = gpd.GeoDataFrame(
        {
            "building_id": [1, 2, 2, 3],
            "grid_uid": [1, 3, 4, None],
            "source_id": ["S1", "S2", "S2", "S3"],
            "estate": ["东升小区", "和园", "和园", None],
            "number": ["1栋", "2栋", "2栋", None],
            "name": [None, None, None, "泵房"],
        },
        geometry=[
            shapely.box(near_edge - 0.0003, SOUTH + 0.0015, near_edge, SOUTH + 0.0025),
            shapely.box(edge_east + 0.001, middle - 0.0002, edge_east + 0.0014, middle),
            shapely.box(edge_east + 0.001, middle, edge_east + 0.0014, middle + 0.0002),
            shapely.box(WEST + 0.001, SOUTH + 0.003, WEST + 0.0011, SOUTH + 0.0031),
        ],
        crs="EPSG:4326",
    )
    return GridIndex.build(grids, metric_epsg=EPSG, areas=areas, buildings=buildings, edition=7)


def partition(seed):
    """A random partition: Voronoi polygons, some joined, so that edges meet at T junctions too."""
    rng = np.random.default_rng(seed)
    points = rng.random((int(rng.integers(5, 30)), 2)) * 0.02 + [WEST, SOUTH]
    cells = np.array(shapely.get_parts(shapely.voronoi_polygons(shapely.multipoints(points))))
    owner = rng.integers(0, max(2, len(cells) // 2), len(cells))
    polygons = [shapely.coverage_union_all(cells[owner == i]) for i in np.unique(owner)]
    codes = [f"{i:03d}" for i in rng.permutation(len(polygons))]
    return polygons, codes, rng


def probes(polygons, rng):
    """Random points, all vertices, points on edges, points beside edges."""
    xy = rng.random((60, 2)) * 0.03 + [WEST - 0.005, SOUTH - 0.005]
    vertices = shapely.get_coordinates(polygons)
    lines = shapely.get_parts(shapely.boundary(polygons))
    share = rng.random(len(lines))
    edges = shapely.get_coordinates(shapely.line_interpolate_point(lines, share, normalized=True))
    beside = np.nextafter(edges, edges + rng.choice([-1.0, 1.0], edges.shape))
    return np.concatenate([xy, vertices, edges, beside])


@settings(max_examples=15)
@given(st.integers(0, 10_000))
def test_every_point_vertex_and_edge_gets_the_lowest_code_that_geos_says_covers_it(seed):
    polygons, codes, rng = partition(seed)
    index = GridIndex.build(frame(polygons, codes), metric_epsg=EPSG)
    xy = probes(polygons, rng)
    result = index.locate_points(xy[:, 0], xy[:, 1])
    again = index.locate_points(xy[::-1, 0], xy[::-1, 1])
    for i, point in enumerate(shapely.points(xy)):
        covering = sorted(code for code, p in zip(codes, polygons, strict=True) if shapely.covers(p, point))
        answer = result.answer(i)
        assert (answer.grid.code if answer.grid else None) == (covering[0] if covering else None)
        assert answer == again.answer(len(xy) - 1 - i)
        if i % 10 == 0:
            assert answer == index.locate_point(*xy[i])
        if len(covering) > 1:
            assert answer.near_boundary
            assert answer.boundary_m == 0
            assert {c.code for c in answer.candidates if c.distance_m == 0} >= set(covering)
        if not covering:
            assert answer.nearest is not None
            assert answer.method == "none"


@settings(max_examples=12)
@given(st.integers(0, 10_000), st.floats(0, 200), st.floats(0, 200), st.floats(0, 100))
def test_a_wider_flag_never_loses_a_point_or_a_candidate(seed, one, other, accuracy):
    polygons, codes, rng = partition(seed)
    index = GridIndex.build(frame(polygons, codes), metric_epsg=EPSG)
    xy = probes(polygons, rng)
    narrow, wide = (
        index.locate_points(xy[:, 0], xy[:, 1], near_boundary_m=m, accuracy_m=accuracy) for m in sorted((one, other))
    )
    assert not (narrow.near_boundary & ~wide.near_boundary).any()
    assert (narrow.uid == wide.uid).all()
    for small, large in zip(narrow, wide, strict=True):
        assert set(small.candidates) <= set(large.candidates)
        assert small.near_boundary or not small.candidates


@settings(max_examples=12)
@given(st.integers(0, 10_000))
def test_distances_are_those_of_geos_in_metres(seed):
    polygons, codes, rng = partition(seed)
    index = GridIndex.build(frame(polygons, codes), metric_epsg=EPSG)
    xy = rng.random((40, 2)) * 0.03 + [WEST - 0.005, SOUTH - 0.005]
    metric = [
        shapely.transform(shapely.segmentize(p, 0.0001), lambda c: np.column_stack(_to_metric.transform(*c.T)))
        for p in polygons
    ]
    for i, answer in enumerate(index.locate_points(xy[:, 0], xy[:, 1], near_boundary_m=50)):
        point = shapely.Point(_to_metric.transform(*xy[i]))
        rims = min(shapely.distance(shapely.boundary(p), point) for p in metric)
        assert answer.boundary_m == pytest.approx(rims, abs=0.02)
        for candidate in answer.candidates:
            exact = shapely.distance(metric[codes.index(candidate.code)], point)
            assert candidate.distance_m == pytest.approx(exact, abs=0.02)
        assert [c.distance_m for c in answer.candidates] == sorted(c.distance_m for c in answer.candidates)


def test_the_answer_names_the_chain_the_community_the_town_and_the_edition(town):
    answer = town.locate_point(WEST + STEP * 1.5, SOUTH + STEP * 1.5)
    assert answer.grid.code == "D"
    assert answer.grid.kind == "dedicated"
    assert [grid.code for grid in answer.levels] == ["B", "D"]
    assert (answer.community.name, answer.town.name) == ("西社区", "城关镇")
    assert (answer.method, answer.edition, answer.crs_assumed) == ("point", 7, "EPSG:4326")
    assert not answer.near_boundary
    assert answer.candidates == ()
    assert answer.parent is None
    assert json.loads(json.dumps(answer.as_dict()))["levels"][1]["code"] == "D"


def test_a_point_near_a_boundary_is_flagged_with_the_grids_that_it_may_belong_to(town):
    answer = town.locate_point(*moved(WEST + STEP, SOUTH + STEP * 0.2, east_m=9))
    assert answer.near_boundary
    assert answer.boundary_m == pytest.approx(9, abs=0.05)
    assert [(c.code, round(c.distance_m)) for c in answer.candidates] == [("B1", 0), ("A1", 9)]


def test_the_flag_grows_with_the_accuracy(town):
    place = moved(WEST + STEP, SOUTH + STEP * 0.2, east_m=29)
    assert not town.locate_point(*place).near_boundary
    assert not town.locate_point(*place, accuracy_m=19).near_boundary
    assert town.locate_point(*place, accuracy_m=20).near_boundary
    assert town.locate_point(*place, near_boundary_m=30).near_boundary


def test_a_point_inside_a_footprint_has_its_grid_and_is_not_flagged_beside_the_boundary(town):
    place = moved(WEST + STEP, SOUTH + 0.002, east_m=-4)
    answer = town.locate_point(*place)
    assert (answer.building.label, answer.grid.code, answer.method) == ("东升小区1栋", "A1", "point")
    assert not answer.near_boundary
    assert answer.boundary_m == pytest.approx(4, abs=0.05)
    assert not town.locate_point(*place, accuracy_m=2.9).near_boundary
    flagged = town.locate_point(*place, accuracy_m=3.1)
    assert flagged.near_boundary
    assert [c.code for c in flagged.candidates] == ["A1", "B1"]


def test_accuracy_that_leaves_the_footprint_but_not_the_grid_is_not_flagged():
    house = gpd.GeoDataFrame(
        {"building_id": [1], "grid_uid": [100]},
        geometry=[shapely.box(WEST + 0.002, SOUTH + 0.002, WEST + 0.0021, SOUTH + 0.0021)],
        crs="EPSG:4326",
    )
    index = GridIndex.build(frame([square(0, 0)]), metric_epsg=EPSG, buildings=house)
    assert not index.locate_point(WEST + 0.00205, SOUTH + 0.00205, accuracy_m=30).near_boundary


def test_a_footprint_across_a_line_has_the_grid_of_its_building():
    across = shapely.box(WEST + STEP - 0.0002, SOUTH + 0.001, WEST + STEP + 0.0002, SOUTH + 0.0012)
    house = gpd.GeoDataFrame({"building_id": [1], "grid_uid": [101]}, geometry=[across], crs="EPSG:4326")
    index = GridIndex.build(frame([square(0, 0), square(1, 0)]), metric_epsg=EPSG, buildings=house)
    answer = index.locate_point(WEST + STEP - 0.0001, SOUTH + 0.0011)
    assert (answer.grid.code, answer.near_boundary) == ("001", False)


def test_a_building_without_a_grid_is_named_but_does_not_decide(town):
    answer = town.locate_point(WEST + 0.00105, SOUTH + 0.00305)
    assert (answer.building.label, answer.grid.code) == ("泵房", "A1")


def test_outside_of_all_grids_the_parent_receives_it_and_nothing_is_snapped(town):
    answer = town.locate_point(*moved(WEST, SOUTH + STEP * 0.5, east_m=-120))
    assert (answer.grid, answer.levels, answer.method) == (None, (), "parent")
    assert (answer.parent.name, answer.parent.level) == ("城关镇", "town")
    assert (answer.nearest.code, round(answer.nearest.distance_m)) == ("A1", 120)
    assert not answer.near_boundary
    assert answer.town.name == "城关镇"


def test_just_outside_of_all_grids_the_flag_and_the_candidates_are_given(town):
    answer = town.locate_point(*moved(WEST, SOUTH + STEP * 0.5, east_m=-5))
    assert answer.grid is None
    assert answer.near_boundary
    assert [c.code for c in answer.candidates] == ["A1"]


def test_the_deepest_area_that_covers_a_point_without_leaf_grid_is_the_parent():
    grids = gpd.GeoDataFrame(
        {"uid": [1, 2], "code": ["B1", "B"], "level": [2, 1], "name": ["一", "乙"]},
        geometry=[square(0, 0), square(0, 0, 2, 1)],
        crs="EPSG:4326",
    )
    index = GridIndex.build(grids, metric_epsg=EPSG)
    answer = index.locate_point(WEST + STEP * 1.5, SOUTH + STEP * 0.5)
    assert (answer.parent.code, answer.parent.level, answer.method) == ("B", "grid", "parent")


def test_far_outside_of_everything_is_an_answer_not_an_error(town):
    answer = town.locate_point(114.3, 36.5)
    assert (answer.method, answer.grid, answer.parent, answer.community) == ("none", None, None, None)
    assert answer.nearest.distance_m > 50_000


def test_an_overlap_by_a_bad_edit_is_answered_with_the_lowest_code_and_all_candidates():
    index = GridIndex.build(frame([square(0, 0), square(0.5, 0)], ["9", "10"]), metric_epsg=EPSG)
    answer = index.locate_point(WEST + STEP * 0.75, SOUTH + STEP * 0.5)
    assert (answer.grid.code, answer.boundary_m, answer.near_boundary) == ("10", 0, True)
    assert [c.code for c in answer.candidates] == ["10", "9"]


def test_a_named_building_is_answered_with_its_grid_and_the_point_is_only_a_check(town):
    answer = town.locate_building(1)
    assert (answer.method, answer.grid.code, answer.near_boundary) == ("building", "A1", False)
    assert answer.community.name == "东社区"
    near = town.locate_building(1, lon=WEST + STEP * 1.1, lat=SOUTH + STEP * 0.5)
    assert (near.grid.code, near.warnings) == ("A1", ())
    far = town.locate_building(1, lon=WEST + STEP * 1.9, lat=SOUTH + STEP * 1.9)
    assert (far.grid.code, far.warnings) == ("A1", ("address-point-mismatch",))


def test_a_building_in_several_grids_is_never_guessed(town):
    answer = town.locate_building(2)
    assert (answer.grid, answer.near_boundary) == (None, True)
    assert [c.code for c in answer.candidates] == ["B1", "B2"]
    assert answer.warnings == ("building-in-several-grids",)
    part = town.locate_building(2, lon=WEST + STEP + 0.0012, lat=SOUTH + STEP + 0.0001)
    assert (part.grid.code, part.warnings) == ("B2", ())


def test_an_unknown_building_is_not_found(town):
    with pytest.raises(NotFound):
        town.locate_building(99)


def test_polygons_alone_are_enough():
    index = GridIndex.build(frame([square(0, 0)], ["101"]), metric_epsg=EPSG)
    answer = index.locate_point(WEST + STEP / 2, SOUTH + STEP / 2)
    assert (answer.grid.code, answer.grid.name, answer.community, answer.town) == ("101", None, None, None)


def test_an_edition_without_grids_answers_too():
    empty = gpd.GeoDataFrame({"uid": [], "code": []}, geometry=[], crs="EPSG:4326")
    answer = GridIndex.build(empty, metric_epsg=EPSG).locate_point(WEST, SOUTH)
    assert (answer.grid, answer.nearest, answer.boundary_m, answer.method) == (None, None, None, "none")


@pytest.mark.parametrize(
    ("lon", "lat", "code"),
    [
        (float("nan"), SOUTH, "not-a-number"),
        (WEST, float("inf"), "not-a-number"),
        (SOUTH, WEST, "coordinates-swapped"),
        (40.75, 73.98, "coordinates-swapped"),
        (200.0, 10.0, "out-of-range"),
        (0.0, 0.0, "null-island"),
        (WEST, 0.0, "null-island"),
        (38449276.0, 4007882.0, "projected-coordinates"),
        (449276.0, 4007882.0, "projected-coordinates"),
    ],
)
def test_what_is_no_coordinate_is_refused_with_the_reason(town, lon, lat, code):
    index = town
    if (lon, lat) == (40.75, 73.98):  # New York, turned
        grid = shapely.box(73.9, 40.7, 74.0, 40.8)
        index = GridIndex.build(frame([grid]), metric_epsg=32643)
    with pytest.raises(InputError) as caught:
        index.locate_point(lon, lat)
    problem = caught.value.problems[0]
    assert problem["code"] == code
    assert caught.value.zh != caught.value.en
    if code == "coordinates-swapped":
        assert problem["suggestion"] == {"lon": lat, "lat": lon}


def test_a_file_of_points_is_refused_with_all_bad_rows_at_once(town):
    with pytest.raises(InputError, match="2 coordinates are wrong; number 2") as caught:
        town.locate_points([WEST, SOUTH, 0.0], [SOUTH, WEST, 0.0])
    assert [problem["row"] for problem in caught.value.problems] == [1, 2]


def test_a_place_on_the_zero_meridian_is_no_null_island():
    assert coordinate_problems([0.0], [51.5], bounds=(-0.1, 51.4, 0.1, 51.6)) == []
    assert coordinate_problems([0.0], [51.5], bounds=None)[0]["code"] == "null-island"


@pytest.mark.parametrize("bad", [{"accuracy_m": -1.0}, {"near_boundary_m": -1.0}, {"accuracy_m": float("inf")}])
def test_distances_below_zero_or_without_end_are_refused(town, bad):
    with pytest.raises(InputError):
        town.locate_point(WEST, SOUTH, **bad)


def test_unknown_accuracy_of_some_points_is_allowed(town):
    place = moved(WEST + STEP, SOUTH + STEP * 0.2, east_m=29)
    result = town.locate_points([place[0]] * 2, [place[1]] * 2, accuracy_m=[np.nan, 20])
    assert result.near_boundary.tolist() == [False, True]
    assert len(result) == 2


@pytest.mark.parametrize(
    "change",
    [
        lambda g: g.to_crs("EPSG:4547"),
        lambda g: g.assign(code=None),
        lambda g: g.assign(uid=1),
        lambda g: g.drop(columns="uid"),
        lambda g: g.set_geometry([shapely.Point(WEST, SOUTH)] * len(g), crs="EPSG:4326"),
    ],
)
def test_grids_that_cannot_answer_are_refused(change):
    with pytest.raises(InputError):
        GridIndex.build(change(frame([square(0, 0), square(1, 0)])), metric_epsg=EPSG)


def test_a_building_of_an_unknown_grid_is_refused():
    house = gpd.GeoDataFrame({"building_id": [1], "grid_uid": [5]}, geometry=[square(0, 0)], crs="EPSG:4326")
    with pytest.raises(InputError):
        GridIndex.build(frame([square(0, 0)]), metric_epsg=EPSG, buildings=house)


@settings(max_examples=15)
@given(st.integers(0, 10_000), st.sampled_from([0.0, 15.0, 400.0]), st.sampled_from([None, 5.0, 90.0]))
def test_compiled_loops_give_the_answers_of_the_trees(seed, flag, accuracy):
    polygons, codes, rng = partition(seed)
    if seed % 3 == 0:  # a bad edit: one grid lies over others too
        polygons[0] = shapely.union(polygons[0], shapely.box(WEST, SOUTH, WEST + 0.008, SOUTH + 0.008))
    xy = probes(polygons, rng)
    houses = shapely.buffer(shapely.points(xy[rng.integers(0, 60, 12)]), 0.0003, cap_style="square")
    uids = [None if rng.random() < 0.2 else int(u) for u in rng.integers(100, 100 + len(polygons), 12)]
    buildings = gpd.GeoDataFrame({"building_id": range(12), "grid_uid": uids}, geometry=houses, crs="EPSG:4326")
    xy = np.concatenate([xy, shapely.get_coordinates(houses), shapely.get_coordinates(shapely.centroid(houses))])
    plain, compiled = (
        GridIndex.build(frame(polygons, codes), metric_epsg=EPSG, buildings=buildings, compiled=c).locate_points(
            xy[:, 0], xy[:, 1], accuracy_m=accuracy, near_boundary_m=flag
        )
        for c in (False, True)
    )
    np.testing.assert_array_equal(plain.uid, compiled.uid)
    np.testing.assert_array_equal(plain.building_id, compiled.building_id)
    np.testing.assert_array_equal(plain.near_boundary, compiled.near_boundary)
    np.testing.assert_allclose(plain.boundary_m, compiled.boundary_m, atol=1e-6)
    assert list(plain) == list(compiled)


def test_threads_get_the_same_answers():
    polygons, codes, rng = partition(5)
    index = GridIndex.build(frame(polygons, codes), metric_epsg=EPSG)
    xy = rng.random((4000, 2)) * 0.03 + [WEST - 0.005, SOUTH - 0.005]
    alone = index.locate_points(xy[:, 0], xy[:, 1]).uid
    with ThreadPoolExecutor(4) as pool:
        together = pool.map(lambda part: index.locate_points(part[:, 0], part[:, 1]).uid, np.array_split(xy, 16))
    assert (np.concatenate(list(together)) == alone).all()


@given(st.integers(0, 10_000), st.integers(0, 6), st.integers(0, 8))
def test_nearest_stations_are_those_of_a_full_sort(seed, k, count):
    rng = np.random.default_rng(seed)
    points, stations = rng.integers(0, 6, (20, 2)) * 100.0, rng.integers(0, 6, (count, 2)) * 100.0
    order, metres = nearest_stations(points, stations, k=k)
    for i, point in enumerate(points):
        far = [(float(np.hypot(*(point - s))), j) for j, s in enumerate(stations)]
        assert list(zip(metres[i].tolist(), order[i].tolist(), strict=True)) == sorted(far)[:k]


def test_stations_without_a_place_are_refused():
    with pytest.raises(InputError):
        nearest_stations([[0.0, 0.0]], [[np.nan, 0.0]])
