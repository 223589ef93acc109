"""What is wrong with coordinates that are meant to be longitudes and latitudes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from gridmap.core.locate.cover import Bools, Floats
from gridmap.errors import InputError

__all__ = ["Bounds", "check_coordinates", "coordinate_problems"]

#: West, south, east, north in degrees.
Bounds = tuple[float, float, float, float]

BOUNDS_MARGIN_M = 5000.0
_METRES_PER_DEGREE = 111_320.0
_LARGEST_DEGREES = 360.0
_PROBLEMS_SHOWN = 100

_COORDINATE_TEXTS: dict[str, tuple[str, str]] = {
    "not-a-number": (
        "经度和纬度必须都是有限的数值。",
        "Longitude and latitude must both be finite numbers.",
    ),
    "projected-coordinates": (
        "坐标像是投影坐标 (米), 不是经纬度; 请注明坐标系, 或先换算成 EPSG:4326。",
        "The coordinates look like projected metres, not degrees; name their system or convert them to EPSG:4326.",
    ),
    "coordinates-swapped": (
        "经度和纬度似乎写反了: 先写经度, 后写纬度。",
        "Longitude and latitude seem to be swapped: longitude comes first, then latitude.",
    ),
    "out-of-range": (
        "经度须在 -180 到 180 之间, 纬度须在 -90 到 90 之间。",
        "Longitude must lie between -180 and 180, latitude between -90 and 90.",
    ),
    "null-island": (
        "经度或纬度为 0, 多半是没有取得定位; 请重新定位。",
        "Longitude or latitude is 0, which usually means that no position was taken; take it again.",
    ),
}


def _near_box(lons: Floats, lats: Floats, bounds: Bounds | None) -> Bools:
    """Tell which points lie in the box with its margin of 5 km; without a box, none is known to."""
    if bounds is None:
        return np.zeros(len(lons), dtype=np.bool_)
    west, south, east, north = bounds
    dy = BOUNDS_MARGIN_M / _METRES_PER_DEGREE
    dx = dy / max(0.01, float(np.cos(np.radians((south + north) / 2))))
    return (lons >= west - dx) & (lons <= east + dx) & (lats >= south - dy) & (lats <= north + dy)


def coordinate_problems(lons: npt.ArrayLike, lats: npt.ArrayLike, *, bounds: Bounds | None) -> list[dict[str, object]]:
    """Say which coordinates cannot be longitudes and latitudes of this jurisdiction, and why.

    Parameters
    ----------
    lons, lats
        Arrays of the same length, meant to be EPSG:4326 degrees.
    bounds
        West, south, east, north of the jurisdiction in degrees, or None when it is not known.

    Returns
    -------
    One dictionary per bad row, in order: ``row`` (from 0), ``code``, ``zh``, ``en``, and ``suggestion`` (``lon``,
    ``lat``) where the two are swapped. A point that is merely far away is not bad.
    """
    x, y = np.asarray(lons, dtype=np.float64), np.asarray(lats, dtype=np.float64)
    finite = np.isfinite(x) & np.isfinite(y)
    size = np.maximum(np.abs(np.where(finite, x, 0)), np.abs(np.where(finite, y, 0)))
    in_range = finite & (np.abs(x) <= 180) & (np.abs(y) <= 90)  # noqa: PLR2004
    turned_in_range = finite & (np.abs(y) <= 180) & (np.abs(x) <= 90)  # noqa: PLR2004
    here, turned_here = _near_box(x, y, bounds), _near_box(y, x, bounds)
    code = np.select(
        [
            ~finite,
            size > _LARGEST_DEGREES,
            ~in_range & turned_in_range,
            ~in_range,
            ~here & turned_here,
            ~here & ((x == 0) | (y == 0)),
        ],
        [
            "not-a-number",
            "projected-coordinates",
            "coordinates-swapped",
            "out-of-range",
            "coordinates-swapped",
            "null-island",
        ],
        default="",
    )
    problems: list[dict[str, object]] = []
    for row in np.flatnonzero(code != ""):
        name = str(code[row])
        zh, en = _COORDINATE_TEXTS[name]
        problem: dict[str, object] = {"row": int(row), "code": name, "zh": zh, "en": en}
        if name == "coordinates-swapped":
            problem["suggestion"] = {"lon": float(y[row]), "lat": float(x[row])}
        problems.append(problem)
    return problems


def check_coordinates(lons: npt.ArrayLike, lats: npt.ArrayLike, *, bounds: Bounds | None) -> None:
    """Raise when a coordinate cannot be one of this jurisdiction.

    Raises
    ------
    InputError
        With all bad rows in ``problems`` (at most 100), see :func:`coordinate_problems`.
    """
    problems = coordinate_problems(lons, lats, bounds=bounds)
    if not problems:
        return
    zh, en = str(problems[0]["zh"]), str(problems[0]["en"])
    if np.size(lons) > 1:
        row = int(str(problems[0]["row"])) + 1
        zh = f"{len(problems)} 个坐标有误; 第 {row} 个: {zh}"
        en = f"{len(problems)} coordinates are wrong; number {row}: {en}"
    raise InputError(zh, en, problems=tuple(problems[:_PROBLEMS_SHOWN]))
