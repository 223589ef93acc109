"""Coverage for stand-alone maps and notebooks: answers of the API, or layers of an analysis, ready to be embedded."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gridmap.maps.data import EMPTY, FeatureCollection, features_of

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

__all__ = ["CoverageData", "coverage_of"]


@dataclass(frozen=True, slots=True)
class CoverageData:
    """What a map without a server knows of walking times, in the shapes of the API.

    ``answers`` maps minutes to the answer of ``/v1/coverage?by=grid``, ``gaps`` minutes to ``/v1/coverage/gaps``,
    ``reach`` is ``/v1/coverage/area`` with a feature for each limit, ``buildings`` the columns of
    ``/v1/coverage/buildings`` (``id`` is that of the embedded buildings), ``facts`` maps the code of a station to its
    facts. The slider has the minutes of ``answers``; ``minutes`` is where it stands first.
    """

    answers: Mapping[float, Mapping[str, Any]]
    reach: FeatureCollection = field(default_factory=lambda: EMPTY)
    gaps: Mapping[float, FeatureCollection] = field(default_factory=dict)
    buildings: Mapping[str, Sequence[Any]] | None = None
    facts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    minutes: float = 15.0


def coverage_of(
    reach: gpd.GeoDataFrame,
    *,
    minutes: float = 15.0,
    gaps: gpd.GeoDataFrame | None = None,
    stations: gpd.GeoDataFrame | None = None,
    buildings: pd.DataFrame | None = None,
    totals: Mapping[str, Any] | None = None,
    rows: pd.DataFrame | None = None,
) -> CoverageData:
    """Return coverage made of GeoDataFrames in any CRS, for a map in a notebook.

    Parameters
    ----------
    reach
        One row for each limit: column ``minutes`` and the land within reach.
    minutes
        The limit that gaps and figures are of.
    gaps
        Inhabited land without a station in reach: column ``households``; ``people`` and ``buildings`` where known.
        Ranked here by households.
    stations
        Points with ``code``, ``name``, ``kind`` (``grid_station``) and ``tier`` where known; figures by station such
        as ``households`` and ``exclusive_households`` where known.
    buildings
        ``id`` and ``seconds`` to the nearest station (infinite or NaN: none), for the colour of embedded buildings
        with the same ``id``.
    totals
        ``households``, ``households_covered``, ``people``, ``people_covered``, ``buildings``, ``buildings_covered``;
        also ``households_covered_low`` and ``_high`` where households are estimates.
    rows
        The same by grid, with ``code`` and ``name``.

    Raises
    ------
    ValueError
        ``reach`` has no column ``minutes``, or a frame no CRS.
    """
    if "minutes" not in reach.columns:
        raise ValueError("reach needs a column 'minutes': one row for each limit")
    answer = {
        "totals": _totals(totals or {}),
        "rows": [_counted(row) for row in _records(rows)],
        "stations": [] if stations is None else _stations(stations),
        "circle": [],
        "warnings": [],
    }
    return CoverageData(
        answers={float(minutes): answer},
        reach=features_of(reach),
        gaps={float(minutes): EMPTY if gaps is None else _gaps(gaps)},
        buildings=None if buildings is None else _buildings(buildings),
        minutes=float(minutes),
    )


def _records(frame: pd.DataFrame | None) -> list[dict[str, Any]]:
    return (
        [] if frame is None else [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]
    )


def _counted(row: Mapping[str, Any]) -> dict[str, Any]:
    names = (f"{name}{end}" for name in ("households", "people", "buildings") for end in ("", "_covered"))
    found = {**row, **{name: int(row.get(name, 0) or 0) for name in names}}
    found["share"] = found["households_covered"] / found["households"] if found["households"] else None
    return found


def _totals(given: Mapping[str, Any]) -> dict[str, Any]:
    found = _counted(given)
    for end in ("low", "high"):
        found.setdefault(f"households_covered_{end}", found["households_covered"])
    found.setdefault("unattached", {"buildings": 0, "households": 0})
    return found


def _stations(frame: gpd.GeoDataFrame) -> list[dict[str, Any]]:
    usual = {"kind": "grid_station", "tier": 1, "active": True, "attached": True}
    figures = dict.fromkeys(("households", "people", "buildings", "exclusive_households", "load"), 0)
    out = []
    for feature in features_of(frame)["features"]:
        lon, lat = feature["geometry"]["coordinates"][:2]
        known = {name: value for name, value in feature["properties"].items() if value is not None}
        out.append({**usual, **figures, **known, "lon": lon, "lat": lat})
    return out


def _gaps(frame: gpd.GeoDataFrame) -> FeatureCollection:
    points = frame.geometry.representative_point().to_crs(4326)
    ordered = frame.assign(lon=points.x, lat=points.y).sort_values("households", ascending=False, kind="stable")
    found = features_of(ordered)
    for rank, feature in enumerate(found["features"], 1):
        row = feature["properties"]
        feature["properties"] = {"buildings": 0, "people": None, "grids": [], "nearest": None, **row}
        feature["properties"] |= {"id": f"gap-{rank}", "rank": rank, "households": int(row["households"])}
    return found


def _buildings(frame: pd.DataFrame) -> dict[str, list[Any]]:
    seconds = [float(value) if math.isfinite(value) else None for value in frame["seconds"]]
    return {"id": frame["id"].tolist(), "seconds": seconds}
