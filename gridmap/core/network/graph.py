"""The walking network as arrays: nodes, edges, arcs, and where buildings and stations are attached to it.

Everything is in the metric system of the jurisdiction (metres, EPSG code ``epsg``). Seconds are float32 multiples of
1/1024 s: up to :data:`LONGEST_S` any sum of them is exact, so that an answer does not depend on the order in which a
search adds, and two exact engines agree to the bit.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Seconds = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int32]
Longs = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Bytes = npt.NDArray[np.uint8]

#: Steps of a second in which walking times are counted.
STEPS_PER_S = 1024
#: The longest walk that can be asked for: beyond 2^24 steps float32 would round.
LONGEST_S = 4 * 3600.0
#: Steps of what cannot be walked, where steps are counted as whole numbers.
CLOSED = 1 << 28


class Via(IntEnum):
    """How a building or station gets to the street."""

    STREET = 0
    GATE = 1
    GATE_ASSUMED = 2


class Reason(IntEnum):
    """Why something is not on the network; 0: it is."""

    ATTACHED = 0
    TOO_FAR = 1
    BEHIND_BARRIER = 2


@dataclass(frozen=True, slots=True, eq=False)
class WalkNetwork:
    """N nodes, E edges (pieces of streets between nodes, walked both ways), 2E arcs in CSR order.

    Nodes are renumbered for locality. A loop has ``edge_u == edge_v``; parallel edges are allowed.

    Attributes
    ----------
    epsg
        Projected system, metres.
    node_xy
        (N, 2).
    edge_u, edge_v
        (E,) nodes at the first and the last vertex of the edge.
    edge_length_m
        (E,) length of the polyline.
    edge_steps
        (E,) whether the edge is stairs.
    edge_rise_m
        (E,) height of v above u in metres; NaN where heights are not known.
    edge_street, edge_from_m
        (E,) the street (identifier in the store) and the metres along it at which the edge begins.
    xy, xy_start
        (M, 2) vertices of all edges; those of edge e are ``xy[xy_start[e]:xy_start[e + 1]]``.
    component
        (N,) connected component, 0 is the largest by length.
    arc_start, arc_head, arc_edge
        CSR over nodes: (N + 1,), (2E,), (2E,). A loop has two arcs.
    arc_forward
        (2E,) whether the arc goes with its edge, from u to v.
    version
        Fingerprint of streets and settings.
    """

    epsg: int
    node_xy: Floats
    edge_u: Ints
    edge_v: Ints
    edge_length_m: Floats
    edge_steps: Bools
    edge_rise_m: Floats
    edge_street: Longs
    edge_from_m: Floats
    xy: Floats
    xy_start: Longs
    component: Ints
    arc_start: Ints
    arc_head: Ints
    arc_edge: Ints
    arc_forward: Bools
    version: str

    @property
    def edges(self) -> int:
        """Number of edges."""
        return len(self.edge_u)

    @property
    def nodes(self) -> int:
        """Number of nodes."""
        return len(self.node_xy)


@dataclass(frozen=True, slots=True, eq=False)
class WalkTimes:
    """What the edges of a network cost one kind of walker; inf: closed.

    Attributes
    ----------
    speed_mps
        Metres per second on the flat; also for the way between door and street.
    forward_s, backward_s
        (E,) seconds from u to v and from v to u.
    arc_to_s
        (2E,) seconds from ``arc_head`` of an arc **to** the node whose row it stands in: the way that people walk
        when a search spreads outward from stations.
    arcs
        (2E, 2) ``arc_head`` and the steps of ``arc_to_s`` (CLOSED: closed) side by side, as a search reads them.
    """

    network: WalkNetwork
    speed_mps: float
    forward_s: Seconds
    backward_s: Seconds
    arc_to_s: Seconds
    arcs: Ints = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Lay heads and steps of the arcs side by side: a search finds both in one place of the memory."""
        steps = np.minimum(self.arc_to_s.astype(np.float64) * STEPS_PER_S, CLOSED)
        arcs = np.column_stack([self.network.arc_head, np.rint(steps).astype(np.int32)]).astype(np.int32)
        object.__setattr__(self, "arcs", np.ascontiguousarray(arcs))


@dataclass(frozen=True, slots=True, eq=False)
class Attachments:
    """Where n things (buildings, stations) meet the network: R rows, sorted by thing; a thing may have several.

    Attributes
    ----------
    count
        n.
    thing
        (R,) index of the thing, ascending.
    edge, along_m
        (R,) the edge and the metres from its u end.
    off_m
        (R,) metres between the thing and that position, through the gate where there is one.
    via
        (R,) :class:`Via`.
    gate_xy
        (R, 2) the gate; NaN without one.
    reason
        (n,) :class:`Reason`; things that are not attached have no row.
    nearest_m
        (n,) metres to the nearest walkable street, whether attached or not; inf where there is no street.
    enclosure
        (n,) index of the walled estate that the thing stands in; -1: none. Things of one enclosure reach each other
        straight, without a street.
    xy
        (n, 2) the things themselves.
    """

    count: int
    thing: Ints
    edge: Ints
    along_m: Floats
    off_m: Floats
    via: Bytes
    gate_xy: Floats
    reason: Bytes
    nearest_m: Floats
    enclosure: Ints
    xy: Floats


def whole_steps(seconds: npt.ArrayLike) -> Seconds:
    """Round seconds to whole steps of 1/1024 s, as float32 (inf stays)."""
    exact = np.asarray(seconds, dtype=np.float64)
    return np.asarray(np.round(exact * STEPS_PER_S) / STEPS_PER_S, dtype=np.float32)
