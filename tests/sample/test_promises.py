"""What the specification promises of the county."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from gridmap.core.crs import metric_crs
from gridmap.core.rules import CheckInputs, CheckSettings, CodeRule, street_distances_m
from gridmap.core.rules import check as run_check
from gridmap.errors import InputError
from gridmap.model.kinds import KINDS
from gridmap.sample import SampleBase, SampleCounty, generate
from gridmap.sample.names import numeral
from gridmap.sample.walking import Network
from tests.sample.fingerprint import TABLES, fingerprint

EPSG = 4547


def kind_of(table: str) -> str:
    return "grids" if table.startswith("grids_") else table


def metric(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    return frame.to_crs(EPSG)


def leaves(grids: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    return grids[grids["level"] == 3].reset_index(drop=True)


def households_by_grid(county: SampleCounty) -> pd.Series:
    points = county.buildings.copy()
    points["geometry"] = shapely.point_on_surface(points.geometry.to_numpy())
    found = points.sjoin(leaves(county.grids_present)[["code", "geometry"]], predicate="within")
    rows = county.households.set_index("building_source_id")["households"]
    return found.assign(n=rows.reindex(found["source_id"]).fillna(0).to_numpy()).groupby("code")["n"].sum().astype(int)


def test_every_table_has_exactly_the_columns_of_its_kind_and_lies_in_degrees(county: SampleCounty) -> None:
    for name in TABLES:
        frame = getattr(county, name)
        kind = KINDS[kind_of(name)]
        columns = [c for c in frame.columns if c != "geometry"]
        assert tuple(columns) == kind.names, name
        if isinstance(frame, gpd.GeoDataFrame):
            assert frame.crs.to_epsg() == 4326
            assert frame.geometry.is_valid.all()
            xy = shapely.get_coordinates(frame.geometry.to_numpy())
            assert (np.round(xy, 7) == xy).all()
            families = {"Point": "point", "LineString": "line", "Polygon": "polygon", "MultiPolygon": "polygon"}
            assert {families[g] for g in frame.geometry.geom_type} <= set(kind.geometry)
        for column in kind.columns:
            values = frame[column.name]
            if column.required:
                assert values.notna().all(), (name, column.name)
            if column.choices:
                assert set(values.dropna()) <= set(column.choices), (name, column.name)


def test_the_same_seed_gives_the_same_bytes_whatever_the_hash_seed() -> None:
    here = fingerprint(generate(seed=3, buildings=700))
    root = Path(__file__).parents[2]
    for hash_seed in ("0", "7"):
        run = subprocess.run(
            [sys.executable, "-m", "tests.sample.fingerprint"],
            capture_output=True,
            check=True,
            cwd=root,
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
        )
        assert run.stdout.decode().strip() == here
    assert fingerprint(generate(seed=4, buildings=700)) != here


def test_counts_are_those_of_the_specification(county: SampleCounty) -> None:
    grids = county.grids_present
    assert grids["level"].value_counts().to_dict() == {1: 4, 2: 17, 3: 121}
    assert leaves(grids)["grid_kind"].value_counts().to_dict() == {"urban": 103, "rural": 15, "dedicated": 3}
    assert len(county.buildings) == 3000
    assert 34_500 <= county.households["households"].sum() <= 37_500
    assert 94_000 <= county.households["people"].sum() <= 100_000
    assert county.households["estimated"].mean() == pytest.approx(0.15, abs=0.002)
    assert county.places["place_type"].value_counts().to_dict() == {"shop": 400, "institution": 60, "settlement": 6}
    assert county.stations["tier"].value_counts().to_dict() == {2: 26, 1: 17}
    assert county.stations["opening_hours"].str.startswith("Mo-Sa").sum() == 3
    assert county.stations["opening_hours"].str.endswith("21:00").sum() == 5
    checks = county.stations[[c for c in county.stations if c.startswith("check_")]].sum(axis=1)
    assert checks.between(3, 8).all()
    assert len(county.candidates) == 30
    assert county.nets["net"].nunique() == 3
    assert county.estates["walled"].sum() == 12
    assert (county.estates.loc[county.estates["walled"], "gates"].str.count(";") <= 1).all()
    assert county.areas["level"].value_counts().to_dict() == {"community": 4, "town": 2, "jurisdiction": 1}
    assert len(county.requests) == 2000
    assert county.requests["channel"].nunique() == 8
    assert county.requests["state"].nunique() == 11


def test_building_sizes_are_as_real(county: SampleCounty) -> None:
    homes = county.buildings.merge(county.households, left_on="source_id", right_on="building_source_id")
    tall = homes[homes["storeys"] >= 18]["households"]
    assert tall.between(80, 480).all()
    assert (tall >= 400).sum() == 2
    slabs = homes[homes["estate_x"].notna() & homes["storeys"].between(5, 12) & (homes["entrances"] >= 2)]["households"]
    assert slabs.between(24, 60).all()
    assert len(slabs) > 400
    villages = homes[homes["house_number"].fillna("").str.contains("组")]["households"]
    assert (villages == 1).all()
    assert len(villages) > 400


def test_levels_nest_exactly_and_tile_the_county(county: SampleCounty) -> None:
    for grids in (county.grids_last_year, county.grids_present):
        low = leaves(grids)
        assert bool(shapely.coverage_is_valid(shapely.get_parts(low.geometry.to_numpy())))
        for level, parent in ((2, "parent_code"), (1, "community_code")):
            upper = grids[grids["level"] == level].set_index("code").geometry
            united = {code: shapely.coverage_union_all(part.geometry.to_numpy()) for code, part in low.groupby(parent)}
            assert set(united) == set(upper.index)
            for code, shape in united.items():
                assert shapely.equals(shape, upper[code])
                assert set(map(tuple, shapely.get_coordinates(upper[code]))) <= set(
                    map(tuple, shapely.get_coordinates(low.geometry.to_numpy()))
                )
    areas = county.areas.set_index("code").geometry
    top = county.grids_present[county.grids_present["level"] == 1].set_index("code").geometry
    for code, shape in top.items():
        assert shapely.equals(shape, areas[code])
    assert shapely.equals(shapely.coverage_union_all(top.to_numpy()), areas["990101"])


def test_codes_follow_the_rule(county: SampleCounty) -> None:
    low = leaves(county.grids_present)
    assert low["code"].is_unique
    for code, kind, community in zip(low["code"], low["grid_kind"], low["community_code"], strict=True):
        assert re.fullmatch(r"990101[12]\d\d\d{3}\d{3}", code)
        assert code.startswith(community)
        segment = int(community[-3:])
        assert 200 <= segment <= 399 if kind == "rural" else 1 <= segment <= 199
    upper = county.grids_present[county.grids_present["level"] == 2]
    assert upper["code"].str.fullmatch(r"\d{14}").all()


def test_the_check_of_the_core_finds_what_was_planted_and_nothing_else(county: SampleCounty) -> None:
    low = leaves(county.grids_present)
    low["households"] = households_by_grid(county).reindex(low["code"]).fillna(0).astype(int).to_numpy()
    buildings = county.buildings.assign(building_id=np.arange(len(county.buildings)))
    points = buildings.assign(geometry=shapely.centroid(buildings.geometry.to_numpy()))
    code = points.sjoin(low[["code", "geometry"]], predicate="within")["code"]
    buildings["grid_code"] = code.reindex(buildings.index)
    people = county.people
    inputs = CheckInputs(
        on=pd.Timestamp(county.now).date(),
        metric_epsg=EPSG,
        grids=low,
        areas=county.areas,
        buildings=buildings,
        streets=county.streets,
        duties=people,
        settings=CheckSettings(codes=CodeRule(ordered=True)),
    )
    found: dict[str, list[str]] = {}
    for finding in run_check(inputs):
        found.setdefault(finding.rule, []).append(finding.subject)
    planted = {rule: subjects for rule, subjects in county.truth["checks"].items() if subjects}
    planted.pop("footprint_cut_by_official_line")
    assert {rule: sorted(subjects) for rule, subjects in found.items()} == planted


def test_every_count_of_the_record_is_true(county: SampleCounty) -> None:
    truth = county.truth
    total = households_by_grid(county).reindex(leaves(county.grids_present)["code"]).fillna(0).astype(int)
    assert total.to_dict() == truth["households_by_grid"]
    urban = leaves(county.grids_present).set_index("code")["grid_kind"] == "urban"
    assert sorted(total.index[(total > 390) & urban]) == truth["grids_over"]
    assert sorted(total.index[(total < 210) & urban]) == truth["grids_under"]
    assert len(truth["grids_over"]) == 7
    assert len(truth["grids_under"]) == 5
    assert len(truth["vacancies"]) == 4
    assert truth["counts"]["people"] == county.households["people"].sum()


def test_buildings_stand_clear_of_each_other_and_of_streets_water_and_grid_lines(county: SampleCounty) -> None:
    shapes = metric(county.buildings).geometry.to_numpy()
    assert shapely.area(shapes).min() >= 8
    a, b = shapely.STRtree(shapes).query(shapes, predicate="dwithin", distance=0.5)
    assert (a == b).all()
    for other in (county.streets, county.water):
        hit, _ = shapely.STRtree(metric(other).geometry.to_numpy()).query(shapes, predicate="intersects")
        assert len(hit) == 0
    borders = shapely.boundary(metric(leaves(county.grids_present)).geometry.to_numpy())
    hit, _ = shapely.STRtree(borders).query(shapes, predicate="dwithin", distance=1.0)
    assert set(county.buildings["source_id"].iloc[np.unique(hit)]) == {county.truth["footprint_under_community_line"]}


def test_all_but_three_buildings_are_near_a_street(county: SampleCounty) -> None:
    away = street_distances_m(county.buildings, county.streets, metric_epsg=EPSG)
    far = county.buildings["source_id"][away > 200]
    assert sorted(far) == county.truth["unattached_buildings"]
    assert len(far) == 3
    assert away[away <= 200].max() < 180


def test_the_draft_lacks_the_land_of_one_building(county: SampleCounty) -> None:
    land = shapely.union_all(leaves(county.grids_draft).geometry.to_numpy())
    outside = ~shapely.intersects(land, county.buildings.geometry.to_numpy())
    assert county.buildings["source_id"][outside].tolist() == [county.truth["building_without_grid"]]
    whole = shapely.union_all(leaves(county.grids_present).geometry.to_numpy())
    assert ~shapely.is_empty(shapely.difference(whole, land))


def test_one_grid_is_in_two_pieces(county: SampleCounty) -> None:
    low = leaves(county.grids_present).set_index("code").geometry
    several = low.index[[len(shapely.get_parts(g)) > 1 for g in low]]
    assert several.tolist() == [county.truth["grid_in_two_pieces"]]


def test_three_splits_two_merges_and_five_moved_borders_made_the_present_edition(county: SampleCounty) -> None:
    changes = county.truth["changes"]
    assert {name: len(rows) for name, rows in changes.items()} == {"splits": 3, "merges": 2, "moves": 5}
    old = leaves(county.grids_last_year).set_index("code").geometry
    new = leaves(county.grids_present).set_index("code").geometry
    assert len(old) == 120
    differ = {code for code in new.index if code not in old.index or not shapely.equals(old[code], new[code])}
    told = {code for row in changes["splits"] for code in row["to"]} | {row["to"] for row in changes["merges"]}
    told |= {code for row in changes["moves"] for code in (row["from"], row["to"])}
    assert differ == told


def test_river_bridges_railway_and_underpasses(county: SampleCounty) -> None:
    streets = metric(county.streets)
    river = metric(county.water[county.water["water_kind"] == "river"]).geometry.union_all()
    bridges = streets[streets["bridge"]]
    assert len(bridges) == 3
    assert (bridges["highway"] == "footway").sum() == 1
    assert bridges.intersects(river).all()
    assert not streets[~streets["bridge"]].intersects(river).any()
    roads = streets[streets["highway"].notna()]
    rail = streets[streets["railway"].notna()].geometry.union_all()
    crossing = roads[roads.intersects(rail)]
    assert len(crossing) == 2
    assert crossing["tunnel"].all()
    wide = [river.intersection(shapely.buffer(p, 140)).area for p in _along(river)]
    assert min(wide) / 280 > 55
    assert max(wide) / 280 < 135


def _along(river: shapely.Polygon) -> list[shapely.Point]:
    west, south, east, north = river.bounds
    out = []
    for x in np.linspace(west + 900, east - 900, 40):
        cut = river.intersection(shapely.LineString([(x, south - 10), (x, north + 10)]))
        out.append(cut.interpolate(0.5, normalized=True))
    return out


def test_the_streets_hang_together(county: SampleCounty) -> None:
    roads = metric(county.streets[county.streets["highway"].notna()])
    network = Network.of(shapely.transform(roads.geometry.to_numpy(), lambda xy: np.round(xy, 1)))
    start = network.attach(network.nodes[:1])
    assert np.isfinite(network.nearest(start, network.attach(network.nodes))).all()


def test_only_the_planted_gaps_are_out_of_reach(county: SampleCounty) -> None:
    truth = county.truth
    roads = metric(county.streets[county.streets["highway"].notna()])
    network = Network.of(shapely.transform(roads.geometry.to_numpy(), lambda xy: np.round(xy, 1)))
    homes = county.buildings[county.buildings["source_id"].isin(county.households["building_source_id"])]
    homes = metric(homes[~homes["source_id"].isin(truth["unattached_buildings"])])
    stations = metric(county.stations)
    place = shapely.get_coordinates(homes.geometry.centroid.to_numpy())
    walk = network.nearest(network.attach(shapely.get_coordinates(stations.geometry.to_numpy())), network.attach(place))
    lost = homes["source_id"].to_numpy()[walk > 1000]
    assert sorted(lost) == truth["not_reached"]
    assert sorted(lost) == sorted(s for gap in truth["gaps"] for s in gap["buildings"])
    assert not ((walk > 960) & (walk < 1040)).any()
    assert [gap["kind"] for gap in truth["gaps"]] == ["river", "wall"]
    for gap in truth["gaps"]:
        assert gap["straight_m"][1] < 1000
        assert gap["detour_m"] > 10 * 1000 / 15
        assert gap["households"] > 60
    assert truth["grids_without_station"] == [truth["grid_without_station"]]
    assert truth["grid_without_station"] in truth["gaps"][0]["grids"]


def test_the_best_next_site_serves_the_most_people_who_are_out_of_reach(county: SampleCounty) -> None:
    truth = county.truth
    roads = metric(county.streets[county.streets["highway"].notna()])
    network = Network.of(shapely.transform(roads.geometry.to_numpy(), lambda xy: np.round(xy, 1)))
    lost = metric(county.buildings[county.buildings["source_id"].isin(truth["not_reached"])])
    people = county.households.set_index("building_source_id")["people"].reindex(lost["source_id"]).to_numpy()
    to = network.attach(shapely.get_coordinates(lost.geometry.centroid.to_numpy()))
    sites = shapely.get_coordinates(metric(county.candidates).geometry.to_numpy())
    gains = [people[network.nearest(network.attach(site[None]), to) <= 1000].sum() for site in sites]
    ranked = np.argsort(gains)[::-1]
    assert county.candidates["source_id"].iloc[ranked[0]] == truth["best_next_site"]
    assert gains[ranked[0]] > 1.3 * gains[ranked[1]]


def test_requests_are_as_planted(county: SampleCounty) -> None:
    rows = county.requests.set_index("source_ref")
    roles = county.truth["requests"]
    assert {role: len(refs) for role, refs in roles.items()} == {
        "border": 120,
        "outside": 40,
        "gcj": 40,
        "duplicate": 25,
        "hostile": 10,
        "phone": 10,
    }
    assert rows.index.is_unique
    times = pd.to_datetime(rows["reported_at"])
    now = pd.Timestamp(county.now)
    assert times.between(now - pd.Timedelta(days=90), now).all()
    closed = pd.to_datetime(rows["closed_at"].dropna())
    assert (closed >= times[closed.index]).all()
    assert (closed <= now).all()
    assert (rows.loc[roles["gcj"], "crs"] == "GCJ-02").all()
    assert (rows["crs"] == "GCJ-02").sum() >= 40
    land = county.areas.geometry.iloc[0]
    points = shapely.points(rows.loc[roles["outside"], ["lon", "lat"]].to_numpy(dtype=float))
    assert not shapely.intersects(land, points).any()
    low = leaves(county.grids_present)
    near = gpd.GeoSeries(shapely.points(rows.loc[roles["border"], ["lon", "lat"]].to_numpy(dtype=float)), crs=4326)
    lines = shapely.boundary(metric(low).geometry.to_numpy())
    _, away = shapely.STRtree(lines).query_nearest(
        near.to_crs(EPSG).to_numpy(), return_distance=True, all_matches=False
    )
    assert away.max() < 10
    assert rows.loc[roles["phone"], "description"].str.contains(r"1\d{10}").all()


def test_addresses_are_unique_and_estates_have_numbers(county: SampleCounty) -> None:
    buildings = county.buildings
    named = buildings[buildings["estate"].notna()]
    assert named["number"].notna().all()
    assert not named.duplicated(["estate", "number"]).any()
    assert county.estates["name"].is_unique
    assert set(named["estate"]) == set(county.estates["name"])
    street = buildings[buildings["street"].notna()]
    assert not street.duplicated(["street", "house_number"]).any()
    assert buildings["number"].str.contains("座|甲").any()
    assert buildings["number"].str.contains("栋").any()
    assert buildings["number"].str.contains("幢").any()


def test_people_have_numbers_that_nobody_can_call(county: SampleCounty) -> None:
    assert county.people["phone"].str.fullmatch(r"000-\d{7}").all()
    served = set(county.people["grid_code"].dropna())
    assert set(leaves(county.grids_present)["code"]) - served == set(county.truth["vacancies"])


def test_the_far_village_is_nine_kilometres_away_and_all_are_joined_by_roads(county: SampleCounty) -> None:
    villages = metric(county.places[county.places["place_type"] == "settlement"]).geometry
    homes = metric(county.buildings[county.buildings["estate"].notna()]).geometry.centroid
    centre = shapely.Point(homes.x.median(), homes.y.median())
    away = np.sort(villages.distance(centre))
    assert 8500 < away[-1] < 9600
    assert away[-2] < 7000


def test_it_grows_in_proportion() -> None:
    grown = generate(buildings=6000)
    low = leaves(grown.grids_present)
    assert len(grown.buildings) == 6000
    assert low["grid_kind"].value_counts().to_dict() == {"urban": 206, "rural": 30, "dedicated": 6}
    assert (grown.grids_present["level"] == 1).sum() == 8
    assert bool(shapely.coverage_is_valid(shapely.get_parts(low.geometry.to_numpy())))


def test_it_takes_the_number_of_communities_that_is_asked_for() -> None:
    many = generate(communities=43)
    assert (many.areas["level"] == "community").sum() == 43
    assert len(many.buildings) == 3000
    low = leaves(many.grids_present)
    assert low.groupby("community_code").size().min() >= 1
    assert len(low) == 121


@pytest.mark.parametrize("seed", range(5, 9))
def test_other_seeds_give_whole_towns_too(seed: int) -> None:
    small = generate(seed=seed, buildings=900)
    low = leaves(small.grids_present)
    assert bool(shapely.coverage_is_valid(shapely.get_parts(low.geometry.to_numpy())))
    several = [code for code, g in zip(low["code"], low.geometry, strict=True) if len(shapely.get_parts(g)) > 1]
    assert [f"grid:{code}" for code in several] == small.truth["checks"]["grid_pieces"]
    shapes = metric(small.buildings).geometry.to_numpy()
    a, b = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    assert (a == b).all()


def test_sizes_that_do_not_go_together_are_refused_with_a_sentence() -> None:
    with pytest.raises(InputError, match="buildings cannot be generated"):
        generate(buildings=20)
    with pytest.raises(InputError, match="communities"):
        generate(buildings=900, communities=500)


def toy_town() -> SampleBase:
    """A street grid of eight by eight with a river, near 30.5 N, 117 E."""
    step = 0.0022
    lines, names = [], []
    for k in range(9):
        a, b = 117.0 + k * step, 30.5 + k * step
        lines += [shapely.LineString([(117.0, b), (117.0 + 8 * step, b)])]
        lines += [shapely.LineString([(a, 30.5), (a, 30.5 + 8 * step)])]
        names += [f"横{k}路", f"纵{k}街"]
    n = len(lines)
    streets = gpd.GeoDataFrame(
        {
            "source_id": [f"way/{k}" for k in range(n)],
            "name": names,
            "highway": ["secondary" if k % 8 < 2 else "residential" for k in range(n)],
            "bridge": ["no"] * n,
            "tunnel": ["no"] * n,
        },
        geometry=lines,
        crs=4326,
    )
    water = gpd.GeoDataFrame(
        {"source_id": ["r1"], "name": ["大河"], "water_kind": ["river"], "tunnel": [False]},
        geometry=[shapely.box(117.0 + 3.2 * step, 30.49, 117.0 + 3.6 * step, 30.53)],
        crs=4326,
    )
    return SampleBase(streets=streets, water=water)


def test_a_real_place_keeps_its_streets_and_water_and_gets_generated_buildings() -> None:
    base = toy_town()
    made = generate(base=base, buildings=800)
    assert set(base.streets["source_id"]) <= set(made.streets["source_id"])
    assert set(made.streets["name"].dropna()) == set(base.streets["name"])
    assert made.water["name"].tolist() == ["大河"]
    assert made.buildings["generated"].all()
    epsg, _ = metric_crs(*base.streets.total_bounds)
    shapes = made.buildings.to_crs(epsg).geometry.to_numpy()
    lines = made.streets.to_crs(epsg).geometry.to_numpy()
    assert len(shapely.STRtree(lines).query(shapes, predicate="intersects")[0]) == 0
    a, b = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    assert (a == b).all()
    assert not made.buildings.to_crs(epsg).intersects(base.water.to_crs(epsg).geometry.iloc[0]).any()
    low = leaves(made.grids_present)
    assert bool(shapely.coverage_is_valid(shapely.get_parts(low.geometry.to_numpy())))


def test_a_place_without_streets_is_refused_with_a_sentence() -> None:
    base = toy_town()
    with pytest.raises(InputError, match="no blocks"):
        generate(base=SampleBase(streets=base.streets.iloc[:0], water=base.water))


def test_numerals_are_those_that_people_write() -> None:
    told = {1: "一", 10: "十", 12: "十二", 40: "四十", 99: "九十九", 100: "一百", 105: "一百零五", 167: "一百六十七"}
    assert {n: numeral(n) for n in told} == told
    assert len({numeral(n) for n in range(1, 1000)}) == 999
