"""The walking network: built from streets, timed for a walker, with buildings and stations attached to it."""

from gridmap.core.network.attach import Attacher, Barriers, Enclosures, attach, barriers_of, building_points, touched
from gridmap.core.network.build import (
    Closure,
    Island,
    NetworkSettings,
    build_network,
    edge_lines,
    islands,
    with_closures,
    with_heights,
)
from gridmap.core.network.graph import Attachments, Reason, Via, WalkNetwork, WalkTimes, whole_steps
from gridmap.core.network.measures import from_measure, to_measure
from gridmap.core.network.times import PROFILES, WalkProfile, tobler, walk_times
from gridmap.core.network.walkable import walkable

__all__ = [
    "PROFILES",
    "Attacher",
    "Attachments",
    "Barriers",
    "Closure",
    "Enclosures",
    "Island",
    "NetworkSettings",
    "Reason",
    "Via",
    "WalkNetwork",
    "WalkProfile",
    "WalkTimes",
    "attach",
    "barriers_of",
    "build_network",
    "building_points",
    "edge_lines",
    "from_measure",
    "islands",
    "to_measure",
    "tobler",
    "touched",
    "walk_times",
    "walkable",
    "whole_steps",
    "with_closures",
    "with_heights",
]
