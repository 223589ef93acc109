"""Reach: who can walk to which station, in how many seconds, and what that means for a town."""

from gridmap.core.reach.field import (
    PolygonError,
    StreetRaster,
    TimeField,
    gap_polygon,
    polygon_error,
    reach_polygons,
    street_raster,
    time_field,
)
from gridmap.core.reach.figures import (
    RADII_M,
    Demand,
    EstimateRange,
    Totals,
    by_kind,
    by_station,
    circles,
    demand_of,
    figures,
    figures_by,
    gap_areas,
    reached_land,
)
from gridmap.core.reach.kernels import Legs
from gridmap.core.reach.legs import DirectPairs, legs
from gridmap.core.reach.path import Route, route
from gridmap.core.reach.search import Nearest, Pairs, nearest, node_times, pairs

__all__ = [
    "RADII_M",
    "Demand",
    "DirectPairs",
    "EstimateRange",
    "Legs",
    "Nearest",
    "Pairs",
    "PolygonError",
    "Route",
    "StreetRaster",
    "TimeField",
    "Totals",
    "by_kind",
    "by_station",
    "circles",
    "demand_of",
    "figures",
    "figures_by",
    "gap_areas",
    "gap_polygon",
    "legs",
    "nearest",
    "node_times",
    "pairs",
    "polygon_error",
    "reach_polygons",
    "reached_land",
    "route",
    "street_raster",
    "time_field",
]
