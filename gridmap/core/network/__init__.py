"""The walking network: built from streets, timed for a walker, with buildings and stations attached to it."""

from gridmap.core.network.attach import (
    MINOR_M,
    Attacher,
    Barriers,
    Enclosures,
    attach,
    barriers_of,
    building_points,
    main_edges,
    sensitive,
    touched,
)
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
    "MINOR_M",
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
    "main_edges",
    "sensitive",
    "to_measure",
    "tobler",
    "touched",
    "walk_times",
    "walkable",
    "whole_steps",
    "with_closures",
    "with_heights",
]
