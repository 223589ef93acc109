"""GCJ-02 and BD-09, the shifted coordinate systems of Chinese phones and map services, and the way back.

The shift of GCJ-02 is not published; this is the polynomial that every open implementation uses (Krasovsky ellipsoid,
a = 6 378 245 m, e² = 0.006693421622965943). BD-09 turns GCJ-02 a little further. The inverse is iterated to far below
a millimetre. Nothing is shifted outside the rectangle 72.004–137.8347° E, 0.8293–55.8271° N, where the system ends.

All functions take and return longitudes and latitudes in degrees, arrays of shape (n,).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gridmap.errors import UnknownCrs

Floats = NDArray[np.float64]

_A_M = 6378245.0
_E2 = 0.00669342162296594323
_BD_PI = np.pi * 3000.0 / 180.0
_STEPS = 6
_REALM = (72.004, 0.8293, 137.8347, 55.8271)


def wgs84_to_gcj02(lon: ArrayLike, lat: ArrayLike) -> tuple[Floats, Floats]:
    """Shift WGS 84 (CGCS2000) to GCJ-02."""
    x, y = np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64)
    d_lon, d_lat = _shift(x, y)
    return x + d_lon, y + d_lat


def gcj02_to_wgs84(lon: ArrayLike, lat: ArrayLike) -> tuple[Floats, Floats]:
    """Undo the shift of GCJ-02: fixed-point iteration, residual below 1e-6 m."""
    x, y = np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64)
    found_x, found_y = x.copy(), y.copy()
    for _ in range(_STEPS):
        d_lon, d_lat = _shift(found_x, found_y)
        found_x, found_y = x - d_lon, y - d_lat
    return found_x, found_y


def gcj02_to_bd09(lon: ArrayLike, lat: ArrayLike) -> tuple[Floats, Floats]:
    """Turn GCJ-02 into BD-09."""
    x, y = np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64)
    z = np.hypot(x, y) + 0.00002 * np.sin(y * _BD_PI)
    theta = np.arctan2(y, x) + 0.000003 * np.cos(x * _BD_PI)
    return z * np.cos(theta) + 0.0065, z * np.sin(theta) + 0.006


def bd09_to_gcj02(lon: ArrayLike, lat: ArrayLike) -> tuple[Floats, Floats]:
    """Turn BD-09 back into GCJ-02, iterated."""
    x, y = np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64)
    found_x, found_y = x - 0.0065, y - 0.006
    for _ in range(_STEPS):
        there_x, there_y = gcj02_to_bd09(found_x, found_y)
        found_x, found_y = found_x + (x - there_x), found_y + (y - there_y)
    return found_x, found_y


def to_wgs84(lon: ArrayLike, lat: ArrayLike, crs: str) -> tuple[Floats, Floats]:
    """Bring longitudes and latitudes in ``EPSG:4326``, ``EPSG:4490``, ``GCJ-02`` or ``BD-09`` to WGS 84.

    Raises
    ------
    UnknownCrs
        Another system is named.
    """
    x, y = np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64)
    match crs.upper().replace("_", "-"):
        case "EPSG:4326" | "EPSG:4490" | "WGS84" | "CGCS2000":
            return x, y
        case "GCJ-02" | "GCJ02":
            return gcj02_to_wgs84(x, y)
        case "BD-09" | "BD09":
            return gcj02_to_wgs84(*bd09_to_gcj02(x, y))
    raise UnknownCrs(
        "坐标系不认识。可用:EPSG:4326(WGS 84)、EPSG:4490(CGCS2000)、GCJ-02(火星坐标)、BD-09(百度坐标)。",
        "The coordinate system is not known. Use EPSG:4326 (WGS 84), EPSG:4490 (CGCS2000), GCJ-02 or BD-09.",
    )


def _shift(lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
    x, y = lon - 105.0, lat - 35.0
    root = np.sqrt(np.abs(x))
    waves = (20.0 * np.sin(6.0 * np.pi * x) + 20.0 * np.sin(2.0 * np.pi * x)) * 2.0 / 3.0
    north = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root + waves
    north += (20.0 * np.sin(np.pi * y) + 40.0 * np.sin(np.pi / 3.0 * y)) * 2.0 / 3.0
    north += (160.0 * np.sin(np.pi / 12.0 * y) + 320.0 * np.sin(np.pi / 30.0 * y)) * 2.0 / 3.0
    east = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root + waves
    east += (20.0 * np.sin(np.pi * x) + 40.0 * np.sin(np.pi / 3.0 * x)) * 2.0 / 3.0
    east += (150.0 * np.sin(np.pi / 12.0 * x) + 300.0 * np.sin(np.pi / 30.0 * x)) * 2.0 / 3.0
    radians = np.radians(lat)
    w = 1.0 - _E2 * np.sin(radians) ** 2
    meridian_m = _A_M * (1.0 - _E2) / (w * np.sqrt(w))
    parallel_m = _A_M / np.sqrt(w) * np.cos(radians)
    west, south, east_end, north_end = _REALM
    inside = (lon >= west) & (lon <= east_end) & (lat >= south) & (lat <= north_end)
    d_lon = np.where(inside, np.degrees(east / parallel_m), 0.0)
    d_lat = np.where(inside, np.degrees(north / meridian_m), 0.0)
    return d_lon, d_lat
