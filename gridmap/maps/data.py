"""What a map shows: the settings of the workbench page, and the data of a stand-alone map."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gridmap.model.text import Text

if TYPE_CHECKING:
    import geopandas as gpd

    from gridmap.maps.coverage import CoverageData

FeatureCollection = Mapping[str, Any]
"""A GeoJSON FeatureCollection in EPSG:4326, longitude before latitude."""

EMPTY: FeatureCollection = {"type": "FeatureCollection", "features": []}

WHOLE_CHINA = (73.5, 18.0, 135.1, 53.6)


def features_of(frame: gpd.GeoDataFrame) -> dict[str, Any]:
    """Return a GeoDataFrame as a GeoJSON FeatureCollection in EPSG:4326; the columns become properties.

    Raises
    ------
    ValueError
        The frame has no CRS.
    """
    if frame.crs is None:
        raise ValueError("the frame needs a CRS: set_crs(…) says which one it is in")
    found: dict[str, Any] = json.loads(frame.to_crs(4326).to_json(na="null", drop_id=True))
    return {"type": "FeatureCollection", "features": found["features"]}


@dataclass(frozen=True, slots=True)
class WorkbenchConfig:
    """Settings of the workbench page.

    ``bounds`` is west, south, east, north in EPSG:4326 degrees; without it the page asks the API.
    ``title`` stands on the page and on paper; without it the name of the jurisdiction is used.
    ``review_number`` is the map review number (审图号) for the printed sheet, where the place has one.
    """

    title: Text | None = None
    bounds: tuple[float, float, float, float] | None = None
    static_url: str = "/static"
    api_url: str = "/v1"
    tiles_url: str = "/tiles"
    review_number: str = ""
    publisher: str = ""


@dataclass(frozen=True, slots=True)
class MapData:
    """Everything that a stand-alone map shows, in the shapes of the API.

    ``jurisdiction`` is the answer of ``/v1/jurisdiction``, ``grids`` maps a level to the answer of
    ``/v1/grids?level=``, ``communities`` and ``stations`` are the answers of ``/v1/areas`` and ``/v1/stations``.
    The base layers have the attributes of the vector tiles: ``landuse`` (kind), ``water`` (kind), ``streets``
    (class, name, bridge, tunnel), ``buildings`` (id, use, storeys, households, label). ``duties`` maps a grid
    code to the people on duty, public fields only. With ``coverage`` the map has coverage mode, too. Requests have
    no place here.
    """

    jurisdiction: Mapping[str, Any]
    grids: Mapping[int, FeatureCollection] = field(default_factory=dict)
    communities: FeatureCollection = field(default_factory=lambda: EMPTY)
    stations: FeatureCollection = field(default_factory=lambda: EMPTY)
    landuse: FeatureCollection = field(default_factory=lambda: EMPTY)
    water: FeatureCollection = field(default_factory=lambda: EMPTY)
    streets: FeatureCollection = field(default_factory=lambda: EMPTY)
    buildings: FeatureCollection = field(default_factory=lambda: EMPTY)
    duties: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    coverage: CoverageData | None = None
    title: Text | None = None
    review_number: str = ""
    publisher: str = ""

    @property
    def bounds(self) -> tuple[float, float, float, float] | None:
        """West, south, east, north of the jurisdiction in EPSG:4326 degrees, where known."""
        box = self.jurisdiction.get("bbox")
        return None if not box else (float(box[0]), float(box[1]), float(box[2]), float(box[3]))
