"""Plans on maps without a server: the grids of a plan in place of those in force, and two maps side by side."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from gridmap.maps.data import FeatureCollection, MapData
from gridmap.maps.map import GridMap
from gridmap.maps.style import PALETTE

__all__ = ["SideBySide", "focused", "with_plan"]

Objects = NDArray[np.object_]

_LABEL_DEGREES = 2e-5
_METRES_PER_DEGREE = 111_320.0


def with_plan(data: MapData, grids: FeatureCollection) -> MapData:
    """Return the data of a map with the leaf grids of a plan, as ``/v1/plans/{id}/grids`` has them.

    A grid keeps its colour by its code; a new one gets a colour that none of its neighbours has. Names of communities
    are those of ``data``.
    """
    leaf = max(data.grids, default=1)
    known = _by_code(data.grids.get(leaf, {}))
    communities = {f["properties"]["code"]: f["properties"].get("name") for f in data.communities.get("features", ())}
    features = [f for f in grids["features"] if f.get("geometry")]
    shapes = shapely.from_geojson([_text(f["geometry"]) for f in features])
    colours = _colours([f["properties"] for f in features], shapes, known)
    labels = shapely.maximum_inscribed_circle(shapes, tolerance=_LABEL_DEGREES)
    points, radii = shapely.get_coordinates(shapely.get_point(labels, 0)), shapely.length(labels)
    made = [
        {
            "type": "Feature",
            "geometry": feature["geometry"],
            "properties": {
                **{name: feature["properties"][name] for name in _SHARED},
                "kind": feature["properties"].get("grid_kind", "urban"),
                "level": leaf,
                "leaf": True,
                "households_estimated": known.get(feature["properties"]["code"], {}).get("households_estimated", 0),
                "community_name": communities.get(feature["properties"]["community_code"]),
                "colour": colour,
                "label_lon": float(point[0]),
                "label_lat": float(point[1]),
                "label_radius_m": round(float(radius) * _METRES_PER_DEGREE, 1),
            },
        }
        for feature, colour, point, radius in zip(features, colours, points, radii, strict=True)
    ]
    return replace(data, grids={**data.grids, leaf: {"type": "FeatureCollection", "features": made}})


_SHARED = ("code", "name", "parent_code", "community_code", "households", "people", "buildings")


def focused(data: MapData, bounds: tuple[float, float, float, float]) -> MapData:
    """Return the data of a map that opens on a part: west, south, east, north in EPSG:4326 degrees."""
    return replace(data, jurisdiction={**data.jurisdiction, "bbox": list(bounds)})


def _by_code(collection: FeatureCollection) -> dict[str, Mapping[str, Any]]:
    return {f["properties"]["code"]: f["properties"] for f in collection.get("features", ())}


def _text(geometry: Mapping[str, Any]) -> str:
    return str(shapely.to_geojson(shapely.geometry.shape(geometry)))


def _colours(grids: list[Mapping[str, Any]], shapes: Objects, known: Mapping[str, Mapping[str, Any]]) -> list[int]:
    """Return the colour of each grid: its own, or the first that no neighbour has."""
    colours = [known.get(grid["code"], {}).get("colour") for grid in grids]
    near: list[set[int]] = [set() for _ in grids]
    for one, other in shapely.STRtree(shapes).query(shapes, predicate="intersects").T.tolist():
        if one != other:
            near[one].add(other)
    for k, colour in enumerate(colours):
        if colour is None:
            taken = {colours[n] for n in near[k]}
            colours[k] = next((c for c in range(len(PALETTE)) if c not in taken), k % len(PALETTE))
    return [int(c or 0) for c in colours]


@dataclass(frozen=True, slots=True)
class SideBySide:
    """Two maps beside each other in a notebook, each under its title."""

    left: GridMap
    right: GridMap
    titles: tuple[str, str]

    def _repr_html_(self) -> str:
        parts = [
            f'<figure style="flex:1 1 420px;min-width:0;margin:0"><figcaption style="font:600 14px sans-serif;'
            f'padding:0 0 6px">{html.escape(title)}</figcaption>{shown._repr_html_()}</figure>'
            for title, shown in zip(self.titles, (self.left, self.right), strict=True)
        ]
        return f'<div style="display:flex;flex-wrap:wrap;gap:16px">{"".join(parts)}</div>'
