"""Vector tiles, read back with GDAL's decoder."""

from __future__ import annotations

import gzip
import math
from pathlib import Path

import geopandas as gpd
import pyogrio
import pytest
from sqlalchemy import Connection, text
from starlette.testclient import TestClient

from gridmap.errors import NotFound
from gridmap.services.tiles import Tiles
from gridmap.store.changes import bump
from gridmap.store.database import Place, transaction
from gridmap.store.tiles import render_tile

LON, LAT = 117.2, 28.3
ZOOM = 16


def _tile_at(lon: float, lat: float, z: int) -> tuple[int, int, int]:
    n = 2**z
    y = (1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2
    return z, int((lon + 180) / 360 * n), int(y * n)


def _square(lon: float, lat: float, size: float) -> str:
    a, b, c, d = lon, lat, lon + size, lat + size
    return f"SRID=4326;MULTIPOLYGON((({a} {b},{c} {b},{c} {d},{a} {d},{a} {b})))"


def _add(connection: Connection, table: str, **values: object) -> int:
    columns = ", ".join(values)
    marks = ", ".join(f":{name}" for name in values)
    return int(
        connection.scalar(text(f"INSERT INTO gridmap.{table} ({columns}) VALUES ({marks}) RETURNING id"), values) or 0
    )


def _town(connection: Connection) -> dict[str, int]:
    line = f"SRID=4326;MULTILINESTRING(({LON - 0.01} {LAT - 0.01}, {LON + 0.01} {LAT + 0.01}))"
    made = {
        "building": _add(
            connection, "building", source_id="B1", number="3栋", use="residential", storeys=6, households=24,
            estimated=True, geom=_square(LON, LAT, 0.0003), estate="青岩小区",
        ),
        "gone": _add(connection, "building", source_id="B2", geom=_square(LON + 0.0005, LAT, 0.0003)),
        "water": _add(connection, "water", source_id="W1", water_kind="river", geom=_square(LON, LAT - 0.001, 0.0008)),
        "pipe": _add(
            connection, "water", source_id="W2", water_kind="river", tunnel=True, geom=_square(LON, LAT, 0.001)
        ),
        "park": _add(connection, "landuse", source_id="L1", landuse="park", geom=_square(LON, LAT, 0.001)),
    }  # fmt: skip
    for name, tags in {
        "主街": {"highway": "primary", "bridge": True},
        "小街": {"highway": "residential"},
        "巷": {"highway": "service"},
        "径": {"highway": "footway", "tunnel": True},
        "铁": {"railway": "rail"},
        "车道": {"highway": "service", "service": "driveway"},
    }.items():
        made[name] = _add(connection, "street", source_id=name, name=name, geom=line, **tags)
    connection.execute(text("UPDATE gridmap.building SET retired_at = now() WHERE source_id = 'B2'"))
    return made


def _decode(folder: Path, data: bytes, z: int, x: int, y: int) -> dict[str, gpd.GeoDataFrame]:
    file = folder / f"{z}-{x}-{y}.mvt"
    file.write_bytes(data)
    names = [name for name, _ in pyogrio.list_layers(file)] if data else []
    # without the options the coordinates are those of the tile
    return {name: pyogrio.read_dataframe(file, layer=name, X=x, Y=y, Z=z) for name in names}


def test_a_tile_holds_ground_streets_and_live_buildings_with_their_facts(
    connection: Connection, tmp_path: Path
) -> None:
    made = _town(connection)
    z, x, y = _tile_at(LON, LAT, ZOOM)
    layers = _decode(tmp_path, render_tile(connection, "base", z=z, x=x, y=y), z, x, y)
    assert set(layers) == {"landuse", "water", "streets", "buildings"}
    assert list(layers["landuse"]["kind"]) == ["park"]
    assert list(layers["water"]["mvt_id"]) == [made["water"]]
    buildings = layers["buildings"]
    assert list(buildings["mvt_id"]) == [made["building"]]
    row = buildings.iloc[0]
    assert (row["use"], row["storeys"], row["households"], bool(row["estimated"])) == ("residential", 6, 24, True)
    assert "label" not in buildings
    streets = layers["streets"].set_index("name")
    assert streets["class"].to_dict() == {
        "主街": "major", "小街": "minor", "巷": "lane", "径": "foot", "铁": "rail", "车道": "lane",
    }  # fmt: skip
    assert bool(streets.loc["主街", "bridge"])
    assert bool(streets.loc["径", "tunnel"])


def test_a_tile_is_where_it_should_be(connection: Connection, tmp_path: Path) -> None:
    _town(connection)
    z, x, y = _tile_at(LON, LAT, ZOOM)
    building = _decode(tmp_path, render_tile(connection, "base", z=z, x=x, y=y), z, x, y)["buildings"]
    expected = gpd.GeoSeries.from_wkt([_square(LON, LAT, 0.0003).partition(";")[2]], crs=4326).to_crs(3857)
    unit_m = 40075016.7 / 2**z / 4096
    assert building.crs.to_epsg() == 3857
    assert building.geometry[0].hausdorff_distance(expected[0]) < unit_m


@pytest.mark.parametrize(
    ("zoom", "classes"),
    [
        (10, {"major"}),
        (11, {"major", "rail"}),
        (12, {"major", "rail", "minor"}),
        (14, {"major", "rail", "minor", "lane"}),
        (15, {"major", "rail", "minor", "lane", "foot"}),
    ],
)
def test_finer_streets_come_with_the_zoom(connection: Connection, tmp_path: Path, zoom: int, classes: set[str]) -> None:
    _town(connection)
    z, x, y = _tile_at(LON, LAT, zoom)
    layers = _decode(tmp_path, render_tile(connection, "base", z=z, x=x, y=y), z, x, y)
    assert set(layers["streets"]["class"]) == classes
    assert ("buildings" in layers) == (zoom >= 14)


def test_a_ferry_is_no_street_but_in_a_file_without_classes_every_line_is_one(
    connection: Connection, tmp_path: Path
) -> None:
    line = f"SRID=4326;MULTILINESTRING(({LON - 0.01} {LAT - 0.01}, {LON + 0.01} {LAT + 0.01}))"
    z, x, y = _tile_at(LON, LAT, 14)

    def classes() -> dict[str, str]:
        streets = _decode(tmp_path, render_tile(connection, "base", z=z, x=x, y=y), z, x, y)["streets"]
        return dict(zip(streets["name"], streets["class"], strict=True))

    _add(connection, "street", source_id="1", name="无类别", geom=line)
    assert classes() == {"无类别": "lane"}
    _add(connection, "street", source_id="2", name="小街", highway="residential", geom=line)
    _add(connection, "street", source_id="3", name="渡线", highway="ferry", geom=line)
    _add(connection, "street", source_id="4", name="地铁", highway="subway", geom=line)
    assert classes() == {"无类别": "other", "小街": "minor", "渡线": "other"}


def test_numbers_of_buildings_come_at_zoom_17(connection: Connection, tmp_path: Path) -> None:
    _town(connection)
    z, x, y = _tile_at(LON + 0.0001, LAT + 0.0001, 17)
    layers = _decode(tmp_path, render_tile(connection, "base", z=z, x=x, y=y), z, x, y)
    assert list(layers["buildings"]["label"]) == ["3栋"]


def test_cells_have_tiles_of_their_own(connection: Connection, tmp_path: Path) -> None:
    square = _square(LON, LAT, 0.001).replace("MULTIPOLYGON(((", "POLYGON((").replace(")))", "))")
    block = _add(connection, "block", key="b", kind="land", geom=square)
    cell = _add(
        connection, "cell", key="c", block_id=block, kind="open", area_m2=1, geom=square,
        point=f"SRID=4326;POINT({LON + 0.0005} {LAT + 0.0005})",
    )  # fmt: skip
    z, x, y = _tile_at(LON, LAT, 14)
    cells = _decode(tmp_path, render_tile(connection, "cells", z=z, x=x, y=y), z, x, y)["cells"]
    assert list(cells["mvt_id"]) == [cell]
    assert list(cells["kind"]) == ["open"]
    assert render_tile(connection, "cells", z=13, x=x // 2, y=y // 2) == b""


def test_no_column_of_a_tile_is_personal(connection: Connection, tmp_path: Path) -> None:
    _town(connection)
    z, x, y = _tile_at(LON + 0.0001, LAT + 0.0001, 17)
    layers = _decode(tmp_path, render_tile(connection, "base", z=z, x=x, y=y), z, x, y)
    columns = {name for layer in layers.values() for name in layer} - {"geometry", "mvt_id"}
    assert columns <= {
        "kind", "class", "name", "bridge", "tunnel", "use", "storeys", "households", "estimated", "label",
    }  # fmt: skip


def test_every_zoom_of_the_world_has_a_tile(connection: Connection) -> None:
    _town(connection)
    for zoom in range(23):
        z, x, y = _tile_at(LON, LAT, zoom)
        assert isinstance(render_tile(connection, "base", z=z, x=x, y=y), bytes)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("base/14/13524/6815", 200),
        ("base/0/0/0", 200),
        ("base/23/0/0", 404),
        ("base/14/16384/0", 404),
        ("base/14/0/16384", 404),
        ("base/99999999999999999999/0/0", 422),
        ("roads/14/0/0", 404),
        ("base/-1/0/0", 422),
        ("base/14/x/0", 422),
        ("base/14/1.5/0", 422),
        ("base/14/nan/0", 422),
        ("base;DROP/14/0/0", 404),
    ],
)
def test_addresses_of_tiles_are_checked(client: TestClient, path: str, status: int) -> None:
    assert client.get(f"/tiles/{path}.pbf").status_code == status


def test_a_tile_is_packed_tagged_private_and_not_sent_twice(client: TestClient, place: Place) -> None:
    with transaction(place) as connection:
        _town(connection)
        bump(connection, "base")
    z, x, y = _tile_at(LON, LAT, ZOOM)
    url = f"/tiles/base/{z}/{x}/{y}.pbf"
    packed = client.get(url)
    plain = client.get(url, headers={"Accept-Encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert packed.content == plain.content != b""
    assert packed.headers["content-type"] == "application/vnd.mapbox-vector-tile"
    assert packed.headers["cache-control"].startswith("private")
    again = client.get(url, headers={"If-None-Match": packed.headers["etag"]})
    assert again.status_code == 304
    assert again.content == b""


def test_a_change_of_the_data_changes_tag_and_tile_within_a_second(place: Place, monkeypatch) -> None:
    tiles = Tiles(place)
    z, x, y = _tile_at(LON, LAT, ZOOM)
    empty = tiles.tile("base", z=z, x=x, y=y)
    assert gzip.decompress(empty.gzipped) == b""
    with transaction(place) as connection:
        _town(connection)
        bump(connection, "base")
    assert tiles.from_memory("base", z=z, x=x, y=y) == empty
    monkeypatch.setattr("gridmap.services.tiles._FRESH_S", 0.0)
    assert tiles.from_memory("base", z=z, x=x, y=y) is None
    full = tiles.tile("base", z=z, x=x, y=y)
    assert full.etag != empty.etag
    assert gzip.decompress(full.gzipped)


def test_memory_of_tiles_is_bounded(place: Place) -> None:
    tiles = Tiles(place, capacity_bytes=3 * 250)
    for x in range(5):
        tiles.tile("base", z=14, x=x, y=0)
    assert tiles.from_memory("base", z=14, x=0, y=0) is None
    assert tiles.from_memory("base", z=14, x=4, y=0) is not None
    with pytest.raises(NotFound):
        tiles.from_memory("base", z=14, x=2**14, y=0)
