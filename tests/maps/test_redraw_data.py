"""Plans on maps without a server."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import shapely

from gridmap.maps.data import MapData
from gridmap.maps.map import GridMap
from gridmap.maps.redraw import SideBySide, focused, with_plan


@pytest.fixture
def plan(data: dict[str, Any]) -> dict[str, Any]:
    """The leaf grids as a plan has them, the first cut in two."""
    features = copy.deepcopy(data["grids"][3]["features"])
    for feature in features:
        feature["properties"].pop("colour", None)
    first = features[0]
    shape = shapely.from_geojson(shapely.to_geojson(shapely.geometry.shape(first["geometry"])))
    west, south, east, north = shape.bounds
    middle = (west + east) / 2
    halves = [shapely.box(west, south, middle, north), shapely.box(middle, south, east, north)]
    other = copy.deepcopy(first)
    for feature, half in zip((first, other), halves, strict=True):
        feature["geometry"] = shapely.geometry.mapping(shapely.intersection(shape, half))
    other["properties"] |= {"code": "990101001001999", "name": ""}
    return {"type": "FeatureCollection", "features": [*features, other]}


def test_grids_keep_their_colours_and_a_new_one_differs_from_its_neighbours(
    map_data: MapData, plan: dict[str, Any]
) -> None:
    made = with_plan(map_data, plan).grids[3]["features"]
    before = {f["properties"]["code"]: f["properties"]["colour"] for f in map_data.grids[3]["features"]}
    shapes = [shapely.geometry.shape(f["geometry"]) for f in made]
    colours = [f["properties"]["colour"] for f in made]
    assert [c for f, c in zip(made, colours, strict=True) if f["properties"]["code"] in before] == list(before.values())
    near = [k for k, shape in enumerate(shapes[:-1]) if shape.intersects(shapes[-1])]
    assert near
    assert colours[-1] not in {colours[k] for k in near}


def test_names_stand_inside_their_grids(map_data: MapData, plan: dict[str, Any]) -> None:
    made = with_plan(map_data, plan).grids[3]["features"]
    shapes = np.array([shapely.geometry.shape(f["geometry"]) for f in made])
    points = shapely.points([(f["properties"]["label_lon"], f["properties"]["label_lat"]) for f in made])
    assert shapely.contains(shapes, points).all()


def test_the_data_of_the_map_stay_as_they_are(map_data: MapData, plan: dict[str, Any]) -> None:
    count = len(map_data.grids[3]["features"])
    made = focused(with_plan(map_data, plan), (116.9, 28.2, 117.0, 28.3))
    assert len(map_data.grids[3]["features"]) == count
    assert len(made.grids[3]["features"]) == count + 1
    assert made.bounds == (116.9, 28.2, 117.0, 28.3)
    assert map_data.bounds != made.bounds


def test_two_maps_stand_side_by_side(map_data: MapData, plan: dict[str, Any]) -> None:
    maps = GridMap(data=map_data), GridMap(data=with_plan(map_data, plan))
    shown = SideBySide(*maps, titles=("now", "<b>then</b>"))._repr_html_()
    assert shown.count("srcdoc") == 2
    assert "<b>then" not in shown
    assert "990101001001999" in shown
