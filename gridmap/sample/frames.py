"""Tables of the county: exactly the columns of each kind, coordinates in degrees with seven decimals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gridmap.model.kinds import KINDS
from gridmap.sample.ground import Floats

DECIMALS = 7


@dataclass(frozen=True, slots=True)
class Zone:
    """The metric zone of a county, and the way to degrees and back."""

    epsg: int

    def degrees(self, shapes: NDArray[np.object_]) -> NDArray[np.object_]:
        """Carry shapes to degrees, longitude first, rounded to seven decimals."""
        if len(shapes) == 0:
            return np.array([], dtype=object)
        degrees = gpd.GeoSeries(shapes, crs=self.epsg).to_crs(4326).to_numpy()
        return np.asarray(shapely.transform(degrees, lambda xy: np.round(xy, DECIMALS)), dtype=object)

    def metres(self, shapes: NDArray[np.object_]) -> NDArray[np.object_]:
        """Carry shapes from degrees to metres, rounded to centimetres."""
        metric = gpd.GeoSeries(shapes, crs=4326).to_crs(self.epsg).to_numpy()
        return np.asarray(shapely.transform(metric, lambda xy: np.round(xy, 2)), dtype=object)

    def points(self, points: Floats) -> Floats:
        """Return longitude and latitude of points (n, 2) in metres."""
        if len(points) == 0:
            return np.zeros((0, 2))
        return np.asarray(shapely.get_coordinates(self.degrees(shapely.points(points))))


def table(
    kind: str, columns: Mapping[str, Sequence[Any] | NDArray[Any]], geometry: NDArray[np.object_] | None = None
) -> pd.DataFrame:
    """Return a table with all columns of a kind, in order; columns that are not given are empty.

    ``geometry`` is in degrees; with it the table is a GeoDataFrame in EPSG:4326.
    """
    of = KINDS[kind]
    n = len(geometry) if geometry is not None else len(next(iter(columns.values())))
    data: dict[str, Any] = {}
    for column in of.columns:
        values = columns.get(column.name)
        if column.name == "removed":
            values = [False] * n
        if values is None:
            data[column.name] = pd.Series([None] * n, dtype=object)
            continue
        data[column.name] = pd.Series(list(values), dtype=_dtype(column.type, list(values)))
    frame = pd.DataFrame(data)
    if geometry is None:
        return frame
    placed: pd.DataFrame = gpd.GeoDataFrame(frame, geometry=list(geometry), crs=4326)
    return placed


def _dtype(kind: str, values: list[Any]) -> Any:
    if any(v is None for v in values):
        return object
    return {"integer": "int64", "number": "float64", "boolean": "bool"}.get(kind, object)
