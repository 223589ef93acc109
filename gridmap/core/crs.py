"""The metric coordinate system of a jurisdiction, and the way into it and back.

All geometry of the core is metric. Stored geometry is EPSG:4326; a vertex keeps its identity through the
store because metric vertices lie on a grid of one millimetre: projecting back and rounding gives the very
same number.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import geopandas as gpd
import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray

from gridmap.errors import UnknownCrs
from gridmap.model.text import Text

__all__ = ["GRID_M", "metric_crs", "on_grid", "project", "to_lonlat", "transform_xy"]

GRID_M = 0.001
"""Every stored metric vertex lies on this grid (metres)."""

LONLAT_EPSG = 4326
_SCALE_LIMIT = 0.001
_MAX_LON = 180.0
_MAX_LAT = 84.0

# A coarse outline (lon, lat in degrees), good to about 50 km: on either side of it both systems serve.
_CHINA = (
    (73.4, 39.4), (74.9, 37.2), (78.0, 35.3), (78.7, 31.3), (81.2, 30.0), (86.0, 27.9), (88.8, 27.3),
    (91.7, 26.8), (95.0, 27.0), (97.4, 28.2), (98.6, 27.5), (97.5, 24.0), (99.2, 22.0), (101.2, 21.1),
    (104.0, 22.5), (106.6, 21.9), (108.0, 21.4), (107.5, 17.5), (109.0, 3.5), (113.0, 3.5), (119.0, 13.0),
    (119.5, 20.5), (122.5, 22.0), (123.5, 25.5), (123.0, 31.0), (122.8, 37.5), (121.5, 38.6), (124.2, 39.9),
    (126.9, 41.7), (128.2, 41.5), (130.6, 42.4), (131.3, 44.9), (133.2, 45.1), (135.1, 48.4), (130.9, 47.8),
    (130.8, 48.9), (127.6, 49.8), (125.0, 53.2), (120.9, 53.4), (119.9, 51.7), (116.7, 49.8), (115.7, 47.7),
    (119.7, 46.6), (111.9, 45.1), (111.8, 43.7), (104.9, 41.6), (100.2, 42.7), (96.3, 42.7), (90.9, 45.2),
    (91.0, 46.9), (87.8, 49.2), (85.5, 48.3), (82.9, 47.2), (82.3, 45.3), (79.9, 44.9), (80.2, 42.0),
    (76.9, 41.0),
)  # fmt: skip


def metric_crs(lon_min: float, lat_min: float, lon_max: float, lat_max: float) -> tuple[int, tuple[Text, ...]]:
    """Choose the metric system of an extent (EPSG:4326 degrees).

    In China the 3° CGCS2000 zone of the centre, elsewhere UTM.

    Returns
    -------
    The EPSG code, and warnings: one when lengths at the rim of the extent err by more than 1 ‰.

    Raises
    ------
    UnknownCrs
        The numbers are not longitudes and latitudes of an extent.
    """
    ordered = -_MAX_LON <= lon_min <= lon_max <= _MAX_LON and -_MAX_LAT <= lat_min <= lat_max <= _MAX_LAT
    if not ordered:
        raise UnknownCrs(
            f"范围 ({lon_min}, {lat_min}, {lon_max}, {lat_max}) 不是经纬度：请给出 EPSG:4326 的西、南、东、北边界。",
            f"The extent ({lon_min}, {lat_min}, {lon_max}, {lat_max}) is not longitude and latitude: "
            "give west, south, east, north in EPSG:4326 degrees.",
        )
    lon, lat = (lon_min + lon_max) / 2, (lat_min + lat_max) / 2
    if _in_china(lon, lat):
        zone = round(lon / 3)
        epsg, middle, scale = 4534 + zone - 25, zone * 3.0, 1.0
    else:
        zone = min(int((lon + _MAX_LON) // 6) + 1, 60)
        epsg, middle, scale = (32600 if lat >= 0 else 32700) + zone, zone * 6 - 183.0, 0.9996
    nearest_lat = 0.0 if lat_min <= 0 <= lat_max else min(abs(lat_min), abs(lat_max))
    off = math.radians(max(abs(lon_min - middle), abs(lon_max - middle))) * math.cos(math.radians(nearest_lat))
    error = abs(scale * (1 + off * off / 2) - 1)
    if error <= _SCALE_LIMIT:
        return epsg, ()
    return epsg, (
        Text(
            f"范围东西跨度过大：在 EPSG:{epsg} 中边缘处长度误差约 {error * 1000:.1f} ‰。请按县（区）分库。",
            f"The extent is too wide for one zone: in EPSG:{epsg} lengths at its rim err by about "
            f"{error * 1000:.1f} per mille. Use one database for each county.",
        ),
    )


def _in_china(lon: float, lat: float) -> bool:
    return bool(shapely.contains_xy(shapely.Polygon(_CHINA), lon, lat))


@lru_cache(maxsize=64)
def _transformer(source: int, target: int) -> pyproj.Transformer:
    return pyproj.Transformer.from_crs(source, target, always_xy=True)


def transform_xy(xy: NDArray[np.float64], source_epsg: int, target_epsg: int) -> NDArray[np.float64]:
    """Transform coordinates of shape (n, 2), always x = longitude or easting first."""
    x, y = _transformer(source_epsg, target_epsg).transform(xy[:, 0], xy[:, 1])
    return np.column_stack([x, y])


def on_grid(geometries: Any) -> Any:
    """Round every vertex to the millimetre grid (arrays or one geometry)."""
    return shapely.transform(geometries, _round)


def _round(xy: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.round(xy, 3)


def project(frame: gpd.GeoDataFrame, epsg: int) -> gpd.GeoDataFrame:
    """Return the frame in the metric system ``epsg``, its vertices on the millimetre grid.

    A frame that was projected to EPSG:4326 for storage comes back with equal coordinates.

    Raises
    ------
    UnknownCrs
        The frame has no coordinate system.
    """
    if frame.crs is None:
        raise UnknownCrs(
            "数据没有坐标系：请先说明坐标系（例如 EPSG:4326）。",
            "The data have no coordinate system: state one first (for example EPSG:4326).",
        )
    out = frame.to_crs(epsg)
    return out.set_geometry(gpd.GeoSeries(on_grid(out.geometry.to_numpy()), index=out.index, crs=out.crs))


def to_lonlat(geometries: Any, epsg: int) -> NDArray[np.float64]:
    """Return EPSG:4326 (lon, lat), shape (n, 2), of metric points (one each)."""
    return transform_xy(shapely.get_coordinates(geometries), epsg, LONLAT_EPSG)
