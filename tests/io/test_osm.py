"""A small town written by hand: what its tags say is in the tables, what does not assemble is in the notes."""

from __future__ import annotations

import gzip
from pathlib import Path

import osmium
import pandas as pd
import pytest
import shapely

from gridmap.errors import Cancelled, GridmapError, InputError, TooLarge, UnreadableFile
from gridmap.io import osm_tags
from gridmap.io.osm import OsmExtract, read_osm
from gridmap.io.tables import canonical
from gridmap.model.kinds import KINDS
from gridmap.model.text import Text

NODES = {
    # a square of 0.01 degrees; 1 to 4 are its corners
    1: (117.20, 28.30),
    2: (117.21, 28.30),
    3: (117.21, 28.31),
    4: (117.20, 28.31),
    # a smaller square inside
    5: (117.203, 28.303),
    6: (117.207, 28.303),
    7: (117.207, 28.307),
    8: (117.203, 28.307),
    # and a far one
    9: (117.30, 28.30),
    10: (117.302, 28.30),
    11: (117.302, 28.302),
    12: (117.30, 28.302),
}
POINTS = {
    20: ((117.205, 28.309), {"name": "花园社区", "place": "quarter"}),
    21: ((117.206, 28.309), {"name": "花园社区居委会", "office": "government"}),
    22: ((117.207, 28.309), {"name": "花园村", "place": "village"}),
    23: ((117.208, 28.309), {"name": "李家", "place": "hamlet"}),
    24: ((117.209, 28.309), {"name": "面馆", "amenity": "restaurant"}),
    25: ((117.209, 28.308), {"name": "县医院", "amenity": "hospital"}),
    26: ((117.209, 28.307), {"amenity": "bench"}),
    27: ((117.209, 28.306), {"name": "花园社区店", "shop": "supermarket"}),
    28: ((117.205, 28.30), {"barrier": "gate"}),
    29: ((117.39, 28.31), {"name": "花园社区", "place:CN": "neighborhood", "place": "neighbourhood"}),
}
SQUARE, INNER, FAR = [1, 2, 3, 4, 1], [5, 6, 7, 8, 5], [9, 10, 11, 12, 9]
WAYS: dict[int, tuple[list[int], dict[str, str]]] = {
    101: ([1, 2], {"highway": "primary", "name": "建设路"}),
    102: ([2, 3], {"highway": "residential", "tunnel": "yes", "layer": "-1"}),
    103: ([3, 4], {"highway": "service", "tunnel": "building_passage", "bridge": "no", "foot": "yes"}),
    104: ([4, 1], {"highway": "footway", "bridge": "viaduct", "covered": "yes", "access": "private"}),
    105: ([1, 3], {"railway": "rail", "layer": "1", "bridge": "yes"}),
    106: ([1, 3], {"railway": "abandoned"}),
    107: ([1, 3], {"highway": "proposed"}),
    108: (FAR, {"highway": "pedestrian", "area": "yes", "name": "市民广场"}),
    109: ([1, 99, 2, 3], {"highway": "tertiary"}),
    110: ([98, 99], {"highway": "tertiary"}),
    111: ([1, 4], {"waterway": "stream", "tunnel": "culvert", "name": "小溪"}),
    112: (
        [1, 28, 2, 3, 4, 1],
        {"landuse": "residential", "name": "东升小区", "alt_name": "东升;老东升", "barrier": "wall"},
    ),
    120: (SQUARE, {}),
    121: (INNER, {}),
    130: (INNER, {"building": "apartments", "name": "3号楼", "building:levels": "6.5", "height": "20 m"}),
    131: (FAR, {"building": "yes", "shop": "mall", "name": "百货", "addr:street": "建设路", "addr:housenumber": "8"}),
    132: ([9, 11, 10, 12, 9], {"building": "yes"}),
    133: ([9, 10, 11], {"building": "yes"}),
    134: (FAR, {"building:part": "yes"}),
    135: (FAR, {"building": "no"}),
    140: (SQUARE, {"building": "yes"}),
    150: (FAR, {"leisure": "park", "name": "东湖公园"}),
    160: ([1, 2, 3], {"boundary": "administrative"}),
}
BORDER = {"type": "boundary", "boundary": "administrative"}
RELATIONS: dict[int, tuple[list[tuple[int, str]], dict[str, str]]] = {
    201: ([(120, "outer"), (121, "inner")], {"type": "multipolygon", "natural": "water", "name": "东湖"}),
    202: ([(140, "outer"), (121, "inner")], {"type": "multipolygon", "building": "school", "name": "中学"}),
    203: ([(160, "outer"), (999, "outer")], {**BORDER, "admin_level": "8", "name": "断头镇"}),
    204: ([(120, "outer")], {**BORDER, "admin_level": "8", "name": "东门街道", "division_code": "990101001"}),
    205: ([(120, "outer")], {**BORDER, "admin_level": "4", "name": "某省"}),
    206: ([(999, "outer")], {"type": "multipolygon", "landuse": "forest"}),
}


def write_osm(path: Path, *, backwards: bool = False) -> Path:
    """Write the town; ``backwards`` turns the order of ways and relations."""
    points = {**{n: (xy, {}) for n, xy in NODES.items()}, **POINTS}
    ways, relations = list(WAYS.items()), list(RELATIONS.items())
    if backwards:
        ways.reverse()
        relations.reverse()
    with osmium.SimpleWriter(str(path), overwrite=True) as writer:
        for number, (xy, tags) in points.items():
            writer.add_node(osmium.osm.mutable.Node(id=number, location=xy, tags=tags))
        for number, (nodes, tags) in ways:
            writer.add_way(osmium.osm.mutable.Way(id=number, nodes=nodes, tags=tags))
        for number, (members, tags) in relations:
            writer.add_relation(
                osmium.osm.mutable.Relation(id=number, members=[("w", w, role) for w, role in members], tags=tags)
            )
    return path


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> OsmExtract:
    return read_osm(write_osm(tmp_path_factory.mktemp("osm") / "town.osm.pbf"))


def _row(table: pd.DataFrame, source_id: str) -> dict[str, object]:
    rows = table[table["source_id"] == source_id]
    assert len(rows) == 1
    return {
        k: (None if not isinstance(v, tuple) and pd.isna(v) else v) for k, v in rows.iloc[0].items() if k != "geometry"
    }


def test_every_table_is_in_the_shape_of_its_kind(town: OsmExtract) -> None:
    for kind, table in town.layers().items():
        assert list(table.columns) == [*KINDS[kind].names, "geometry"]
        assert table.geometry.is_valid.all()
        assert table["source_id"].is_unique
        pd.testing.assert_frame_equal(table, canonical(table, kind))


def test_the_flags_of_a_street_are_truth_values_and_its_layer_a_number(town: OsmExtract) -> None:
    flags = ("bridge", "tunnel", "covered", "layer")
    found = {n: tuple(_row(town.streets, f"osm:way/{n}")[f] for f in flags) for n in (101, 102, 103, 104, 105)}
    assert found == {
        101: (False, False, False, None),
        102: (False, True, False, -1),
        103: (False, True, True, None),
        104: (True, False, True, None),
        105: (True, False, False, 1),
    }
    assert _row(town.streets, "osm:way/104")["access"] == "private"
    assert _row(town.streets, "osm:way/103")["foot"] == "yes"
    assert _row(town.streets, "osm:way/101")["name"] == "建设路"


def test_tracks_are_there_and_what_is_gone_or_only_planned_is_not(town: OsmExtract) -> None:
    assert _row(town.streets, "osm:way/105")["railway"] == "rail"
    assert not {"osm:way/106", "osm:way/107"} & set(town.streets["source_id"])


def test_the_outline_of_a_square_is_a_footway_and_the_square_is_land(town: OsmExtract) -> None:
    assert _row(town.streets, "osm:way/108")["highway"] == "footway"
    assert _row(town.landuse, "osm:way/108")["landuse"] == "square"


def test_a_street_without_some_nodes_keeps_what_is_known_and_bridges_no_gap(town: OsmExtract) -> None:
    shape = town.streets.set_index("source_id").geometry["osm:way/109"]
    assert shape == shapely.LineString([NODES[2], NODES[3]])
    assert "osm:way/110" not in set(town.streets["source_id"])
    assert any(n.en == "1 lines are cut at the edge of the file." for n in town.notes)
    assert any(n.en == "1 lines have no usable nodes here and were left out." for n in town.notes)


def test_a_lake_keeps_its_island_and_a_culvert_is_underground(town: OsmExtract) -> None:
    lake = town.water.set_index("source_id").geometry["osm:relation/201"]
    assert shapely.get_num_interior_rings(lake) == 1
    assert _row(town.water, "osm:relation/201")["water_kind"] == "lake"
    assert _row(town.water, "osm:way/111") | {"removed": None} == {
        "source_id": "osm:way/111",
        "name": "小溪",
        "water_kind": "stream",
        "tunnel": True,
        "removed": None,
    }


def test_buildings_tell_use_storeys_height_number_and_address(town: OsmExtract) -> None:
    house = _row(town.buildings, "osm:way/130")
    assert (house["use"], house["storeys"], house["height_m"], house["number"]) == ("residential", 6, 20.0, "3号楼")
    shop = _row(town.buildings, "osm:way/131")
    assert (shop["use"], shop["street"], shop["house_number"], shop["number"]) == ("commercial", "建设路", "8", None)
    assert not shop["generated"]


def test_parts_of_buildings_and_what_is_no_building_are_left_out(town: OsmExtract) -> None:
    assert set(town.buildings["source_id"]) == {"osm:way/130", "osm:way/131", "osm:way/132", "osm:relation/202"}


def test_a_building_with_a_courtyard_is_not_repeated_by_its_outline(town: OsmExtract) -> None:
    school = town.buildings.set_index("source_id").geometry["osm:relation/202"]
    assert shapely.get_num_interior_rings(school) == 1
    assert any("1 building outlines repeat one with courtyard" in n.en for n in town.notes)


def test_a_crossing_outline_is_mended_and_told(town: OsmExtract) -> None:
    assert any(n.en == "1 polygons crossed themselves and were mended." for n in town.notes)
    assert any(n.en == "1 polygons are open or lack nodes and were left out." for n in town.notes)


def test_a_boundary_that_closes_is_an_area_and_others_are_named(town: OsmExtract) -> None:
    area = _row(town.areas, "osm:relation/204")
    assert (area["name"], area["level"], area["code"]) == ("东门街道", "town", "990101001")
    assert any("断头镇" in n.zh and "1 boundaries do not close" in n.en for n in town.notes)
    assert any("admin_level × number): 4 × 1" in n.en for n in town.notes)
    assert any(n.en == "1 multipolygons do not close in this file and were left out." for n in town.notes)


def test_named_points_are_communities_once_each(town: OsmExtract) -> None:
    points = town.areas[town.areas.geom_type == "Point"]
    assert points[["source_id", "name", "level", "area_kind"]].to_numpy().tolist() == [
        ["osm:node/20", "花园社区", "community", "urban"],
        ["osm:node/22", "花园村", "community", "rural"],
        ["osm:node/29", "花园社区", "community", "urban"],
    ]
    assert any("1 community points repeat" in n.en for n in town.notes)


def test_a_point_is_no_community_where_a_boundary_of_that_name_is(tmp_path: Path) -> None:
    path = tmp_path / "one.osm"
    with osmium.SimpleWriter(str(path)) as writer:
        for number in (1, 2, 3, 4):
            writer.add_node(osmium.osm.mutable.Node(id=number, location=NODES[number]))
        writer.add_node(osmium.osm.mutable.Node(id=20, location=POINTS[20][0], tags=POINTS[20][1]))
        tags = {"boundary": "administrative", "admin_level": "10", "name": "花园社区居委会"}
        writer.add_way(osmium.osm.mutable.Way(id=101, nodes=SQUARE, tags=tags))
    assert read_osm(path).areas["source_id"].tolist() == ["osm:way/101"]


def test_places_are_named_shops_institutions_and_settlements(town: OsmExtract) -> None:
    kinds = dict(zip(town.places["name"], town.places["place_type"], strict=True))
    assert kinds == {
        "花园社区居委会": "institution",
        "花园村": "settlement",
        "李家": "settlement",
        "面馆": "shop",
        "县医院": "institution",
        "花园社区店": "shop",
        "百货": "shop",
    }
    mall = _row(town.places, "osm:way/131")
    assert (mall["category"], mall["building_source_id"]) == ("shop=mall", "osm:way/131")
    assert (town.places.geom_type == "Point").all()


def test_an_estate_knows_its_other_names_its_wall_and_its_gates(town: OsmExtract) -> None:
    estate = _row(town.estates, "osm:way/112")
    assert (estate["name"], estate["aliases"], estate["walled"]) == ("东升小区", ("东升", "老东升"), True)
    assert estate["gates"] == ("117.2050000 28.3000000",)


def test_the_order_of_rows_does_not_follow_the_file(town: OsmExtract, tmp_path: Path) -> None:
    turned = read_osm(write_osm(tmp_path / "turned.osm.pbf", backwards=True))
    for kind, table in town.layers().items():
        pd.testing.assert_frame_equal(turned.layers()[kind], table)
    assert turned.notes == town.notes


@pytest.mark.parametrize("name", ["town.osm", "town.osm.gz", "town.osm.pbf"])
def test_all_three_formats_say_the_same(town: OsmExtract, tmp_path: Path, name: str) -> None:
    assert read_osm(write_osm(tmp_path / name)).counts() == town.counts()


def test_a_box_keeps_what_touches_it(town: OsmExtract, tmp_path: Path) -> None:
    path = write_osm(tmp_path / "town.osm.pbf")
    near = read_osm(path, bbox=(117.2, 28.3, 117.21, 28.31))
    assert "osm:way/131" not in set(near.buildings["source_id"])
    assert "osm:way/130" in set(near.buildings["source_id"])
    assert 0 < near.counts()["streets"] < town.counts()["streets"]
    with pytest.raises(InputError, match="west < east"):
        read_osm(path, bbox=(117.3, 28.3, 117.2, 28.4))


def test_levels_of_other_countries_can_be_named(tmp_path: Path) -> None:
    found = read_osm(write_osm(tmp_path / "town.osm.pbf"), levels={4: "jurisdiction"})
    assert found.areas[found.areas.geom_type != "Point"]["name"].tolist() == ["某省"]


def test_reading_tells_how_far_it_is_and_can_be_stopped(tmp_path: Path) -> None:
    path = write_osm(tmp_path / "town.osm.pbf")
    shares: list[float] = []
    read_osm(path, progress=lambda share, _: shares.append(share))
    assert shares == sorted(shares)
    assert 0 <= shares[0] <= shares[-1] <= 1

    def stop(_: float, __: Text) -> None:
        raise Cancelled("停止", "stopped")

    with pytest.raises(Cancelled):
        read_osm(path, progress=stop)


ENTITIES = (
    b'<?xml version="1.0"?><!DOCTYPE osm [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
    b'<osm version="0.6"><node id="1" lat="1" lon="1"><tag k="name" v="&a;"/></node></osm>'
)


@pytest.mark.parametrize(
    ("name", "content", "kind", "words"),
    [
        ("a.osm.pbf", b"", UnreadableFile, "is empty"),
        ("a.osm.pbf", b"\0" * 2000, UnreadableFile, "not an OpenStreetMap file"),
        ("a.osm.pbf", "cut", UnreadableFile, "cut short or damaged"),
        ("a.osm", b"hello", UnreadableFile, "not an OpenStreetMap file"),
        ("a.osm", b'<osm version="0.6"><node id="1" ', UnreadableFile, "cut short or damaged"),
        ("a.osm", ENTITIES, UnreadableFile, "cut short or damaged"),
        ("a.osm.gz", gzip.compress(b'<osm version="0.6"></osm>')[:-9], UnreadableFile, "cut short or damaged"),
        ("a.osm.gz", gzip.compress(b" " * 30_000_000), TooLarge, "larger (unpacked) than the limit"),
        ("a.gpkg", b"SQLite format 3\0", UnreadableFile, "not an OpenStreetMap file"),
        ("a.osc", b"<osmChange/>", UnreadableFile, "not an OpenStreetMap file"),
    ],
)
def test_what_is_no_openstreetmap_file_gets_its_sentence(
    tmp_path: Path, name: str, content: bytes | str, kind: type[GridmapError], words: str
) -> None:
    path = tmp_path / name
    if isinstance(content, str):
        content = write_osm(tmp_path / "whole.osm.pbf").read_bytes()[:-100]
    path.write_bytes(content)
    with pytest.raises(GridmapError) as caught:
        read_osm(path)
    assert type(caught.value) is kind
    assert words in caught.value.en
    assert caught.value.zh.endswith("。")


# --- tags ---


@pytest.mark.parametrize(
    ("tags", "storeys", "height"),
    [
        ({"building:levels": "6"}, 6, None),
        ({"building:levels": "0.5"}, 1, None),
        ({"building:levels": "5;6"}, 6, None),
        ({"building:levels": "3-4"}, 4, None),
        ({"building:levels": "-1"}, None, None),
        ({"building:levels": "many"}, None, None),
        ({"building:levels": "9999"}, None, None),
        ({"height": "12,5"}, None, 12.5),
        ({"height": "40'"}, None, 12.19),
        ({"height": "12.5m"}, None, 12.5),
        ({"height": "tall"}, None, None),
    ],
)
def test_storeys_and_heights_are_read_as_people_tag_them(
    tags: dict[str, str], storeys: int | None, height: float | None
) -> None:
    found = osm_tags.building({"building": "yes", **tags})
    assert (found["storeys"], found["height_m"]) == (storeys, height)


@pytest.mark.parametrize(
    ("tags", "kind"),
    [
        ({"place": "quarter", "name": "西街社区"}, "urban"),
        ({"place": "neighbourhood", "name": "崂山五村"}, None),
        ({"place": "village", "name": "黄坑村"}, "rural"),
        ({"place": "village", "name": "大岩苏家"}, None),
        ({"place": "hamlet", "name": "某某", "place:CN": "village"}, "rural"),
        ({"office": "government", "name": "黄坑村村民委员会"}, "rural"),
        ({"shop": "yes", "name": "西街社区"}, None),
        ({"place": "quarter"}, None),
    ],
)
def test_a_point_is_a_community_by_what_it_is_called_and_what_it_is(tags: dict[str, str], kind: str | None) -> None:
    assert osm_tags.is_community(tags) == kind


@pytest.mark.parametrize(
    ("tags", "area_m2", "kind"),
    [
        ({"natural": "water", "water": "reservoir"}, 10, "lake"),
        ({"natural": "water", "water": "fountain"}, 10, "pond"),
        ({"natural": "water", "name": "信江"}, 10, "river"),
        ({"natural": "water"}, 20_000, "lake"),
        ({"waterway": "riverbank"}, 10, "river"),
        ({"landuse": "basin"}, 10, "pond"),
        ({"leisure": "swimming_pool"}, 10, None),
    ],
)
def test_the_kind_of_water_comes_from_tag_name_or_size(tags: dict[str, str], area_m2: float, kind: str | None) -> None:
    assert osm_tags.water_kind(tags, area_m2) == kind
