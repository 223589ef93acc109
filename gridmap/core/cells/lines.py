"""Which lines cut land, in which rank, and how a line of lower rank gives way to a higher one."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gridmap.core.cells.coverage import Geometries, Ints

__all__ = ["CUTTING", "PLANNERS_CUT", "Rank", "StreetLines", "classify_streets", "give_way", "parts_of_type", "truthy"]


class Rank(IntEnum):
    """Order of lines: a lower number is a stronger border."""

    HARD = 0
    WATER = 1
    RAIL = 2
    MAJOR = 3
    MINOR = 4
    LANE = 5
    LEGACY = 6
    DRIVE = 7
    FOOT = 8
    CUT = 9
    NONE = 10


CUTTING = (Rank.RAIL, Rank.MAJOR, Rank.MINOR, Rank.CUT)

_MAJOR = {"motorway", "trunk", "primary", "secondary"}
_MINOR = {"tertiary", "unclassified", "residential", "living_street", "road", "busway"}
_LANE = {"service", "pedestrian", "track"}
_FOOT = {"footway", "path", "steps", "cycleway", "bridleway"}
_RAIL = {"rail", "light_rail", "narrow_gauge", "preserved"}
PLANNERS_CUT = "cut"
"""Class (column ``highway``) of lines that a planner cuts land along; nothing runs there."""
_DRIVE = {"driveway", "parking_aisle", "drive-through", "emergency_access", "parking", "slipway"}
_FALSE = {"", "0", "0.0", "no", "false", "none", "nan", "null", "f", "n"}


@dataclass(frozen=True, slots=True)
class StreetLines:
    """Single lines above ground with their rank (``Rank`` numbers) and name (empty where unknown)."""

    lines: Geometries
    rank: NDArray[np.int8]
    name: Geometries

    def of(self, *ranks: Rank) -> Geometries:
        """Return the lines of these ranks."""
        return self.lines[np.isin(self.rank, [int(r) for r in ranks])]


def truthy(values: Any) -> NDArray[np.bool_]:
    """Read flags that may be booleans, numbers or text: everything is true but no, false, 0 and nothing.

    OpenStreetMap flags have values such as ``building_passage`` or ``viaduct``, so only the negative words
    are listed.
    """
    words = [_word(v).lower() for v in np.asarray(values, dtype=object)]
    return np.array([w not in _FALSE for w in words], dtype=bool)


def _word(value: Any) -> str:
    return "" if pd.isna(value) else str(value).strip()


def _text(frame: gpd.GeoDataFrame, column: str) -> pd.Series[str]:
    words = [_word(v) for v in frame[column]] if column in frame.columns else [""] * len(frame)
    return pd.Series(words, index=frame.index, dtype=object)


def under_ground(frame: gpd.GeoDataFrame) -> NDArray[np.bool_]:
    """Tell which lines lie in a tunnel, under cover, or below the ground."""
    hidden = np.zeros(len(frame), dtype=bool)
    for column in ("tunnel", "covered"):
        if column in frame.columns:
            hidden |= truthy(frame[column])
    layer = pd.to_numeric(_text(frame, "layer"), errors="coerce").fillna(0).to_numpy()
    return hidden | (layer < 0)


def classify_streets(streets: gpd.GeoDataFrame) -> StreetLines:
    """Give every street and railway above ground its rank (columns as in ``kinds.KINDS['streets']``)."""
    shape = streets.geometry.to_numpy()
    frame = streets[~under_ground(streets) & ~shapely.is_missing(shape) & ~shapely.is_empty(shape)]
    highway = _text(frame, "highway").str.lower().str.removesuffix("_link")
    railway = _text(frame, "railway").str.lower()
    service = _text(frame, "service").str.lower()
    rank = np.full(len(frame), int(Rank.NONE), dtype=np.int8)
    for words, value in ((_FOOT, Rank.FOOT), (_LANE, Rank.LANE), (_MINOR, Rank.MINOR), (_MAJOR, Rank.MAJOR)):
        rank[highway.isin(words)] = int(value)
    rank[highway == PLANNERS_CUT] = int(Rank.CUT)
    rank[(highway == "service") & service.isin(_DRIVE)] = int(Rank.DRIVE)
    rank[(highway == "") & railway.isin(_RAIL)] = int(Rank.RAIL)
    lines, row = shapely.get_parts(frame.geometry.to_numpy(), return_index=True)
    row = row[shapely.get_type_id(lines) == 1]
    lines = lines[shapely.get_type_id(lines) == 1]
    used = rank[row] != int(Rank.NONE)
    return StreetLines(lines[used], rank[row][used], _text(frame, "name").to_numpy(dtype=object)[row][used])


def parts_of_type(geometries: Any, type_id: int) -> Geometries:
    """Return the single parts of one GEOS type (1 line, 3 polygon) of geometries, collections too."""
    parts = shapely.get_parts(shapely.get_parts(np.atleast_1d(geometries)))
    kept: Geometries = parts[(shapely.get_type_id(parts) == type_id) & ~shapely.is_empty(parts)]
    return kept


def give_way(lines: Geometries, higher: Any, *, distance_m: float, min_piece_m: float) -> Geometries:
    """Leave out what runs along ``higher`` nearer than ``distance_m``; keep what crosses or meets it.

    Each end that becomes loose is tied to ``higher`` by a straight stub. Pieces shorter than ``min_piece_m``
    are left out.
    """
    if not len(lines) or shapely.is_empty(higher):
        return lines
    merged = parts_of_type(shapely.line_merge(shapely.union_all(lines)), 1)
    # Borders have a vertex every few metres; without them the zone is the same and far quicker to cut with.
    beside, zone = _zones(merged, shapely.simplify(higher, distance_m / 20), distance_m)
    far = np.ones(len(merged), dtype=bool)
    far[beside] = False
    inner, of = _lines_in(shapely.difference(merged[beside], zone))
    long = shapely.length(inner) >= min_piece_m
    inner, of = inner[long], of[long]
    near, _ = _lines_in(shapely.intersection(merged[beside], zone))
    shapely.prepare(higher)
    meets = shapely.intersects(higher, near) & (shapely.length(near) <= 3 * distance_m)
    kept = near[meets]
    tied: list[Any] = []
    if len(inner):
        rim = shapely.boundary(zone)[np.tile(of, 2)]
        ends = np.concatenate([shapely.get_point(inner, 0), shapely.get_point(inner, -1)])
        loose = ends[shapely.dwithin(ends, rim, 1e-6)]
        if len(kept) and len(loose):
            held = shapely.STRtree(kept).query(loose, predicate="dwithin", distance=1e-6)[0]
            loose = np.delete(loose, np.unique(held))
        if len(loose):
            edges = _edges(higher)
            foot = shapely.shortest_line(loose, edges[shapely.STRtree(edges).nearest(loose)])
            foot = shapely.get_coordinates(foot).reshape(-1, 2, 2)
            along = foot[:, 1] - foot[:, 0]
            length = np.maximum(np.hypot(along[:, 0], along[:, 1]), 1e-9)
            foot[:, 1] += along / length[:, None] * 0.05
            tied = list(shapely.linestrings(foot))
    return np.array([*merged[far], *inner, *kept, *tied], dtype=object)


def _zones(lines: Geometries, higher: Any, distance_m: float) -> tuple[Ints, Geometries]:
    """Return which lines run near ``higher``, and the land near to it at each of them.

    One zone for all would have to be cut with every line as a whole.
    """
    edges = _edges(higher)
    line, edge = shapely.STRtree(edges).query(lines, predicate="dwithin", distance=2 * distance_m)
    order = np.lexsort((edge, line))
    beside, number = np.unique(line[order], return_inverse=True)
    if not len(beside):
        return beside.astype(np.int64), np.zeros(0, dtype=object)
    bundles = shapely.line_merge(shapely.multilinestrings(edges[edge[order]], indices=number))
    zone = shapely.buffer(bundles, distance_m, quad_segs=4)
    meets = shapely.intersects(zone, lines[beside])
    return beside[meets].astype(np.int64), zone[meets]


def _edges(lines: Any) -> Geometries:
    xy, line = shapely.get_coordinates(shapely.get_parts(lines), return_index=True)
    inner = np.flatnonzero((line[1:] == line[:-1]) & np.any(xy[1:] != xy[:-1], axis=1))
    return np.asarray(shapely.linestrings(np.stack([xy[inner], xy[inner + 1]], axis=1)), dtype=object)


def _lines_in(geometries: Geometries) -> tuple[Geometries, Ints]:
    """Return the single lines in geometries, and the number of the geometry of each."""
    parts, of = shapely.get_parts(geometries, return_index=True)
    lines = (shapely.get_type_id(parts) == 1) & ~shapely.is_empty(parts)
    return parts[lines], of[lines].astype(np.int64)
