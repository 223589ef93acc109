"""Point or building → leaf grid, with an honest answer near boundaries."""

from gridmap.core.locate.coordinates import check_coordinates, coordinate_problems
from gridmap.core.locate.cover import Cover, TreeCover
from gridmap.core.locate.index import NEAR_BOUNDARY_M, GridIndex, LocatedPoints
from gridmap.core.locate.straight import nearest_stations

__all__ = [
    "NEAR_BOUNDARY_M",
    "Cover",
    "GridIndex",
    "LocatedPoints",
    "TreeCover",
    "check_coordinates",
    "coordinate_problems",
    "nearest_stations",
]
