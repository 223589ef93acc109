"""Places on the network by street and metres along it: they survive a renumbering of the network."""

from __future__ import annotations

import numpy as np

from gridmap.core.network.graph import Attachments, Floats, Ints, Longs, WalkNetwork

__all__ = ["from_measure", "to_measure"]

#: Metres by which a place may lie beyond an edge and still be on it.
TOLERANCE_M = 1e-3


def to_measure(network: WalkNetwork, attachments: Attachments) -> tuple[Longs, Floats]:
    """Return the street of each row and the metres along it, (R,) each.

    A place on a piece that was added to join a loose end lies before the beginning or after the end of its street.
    """
    return network.edge_street[attachments.edge], network.edge_from_m[attachments.edge] + attachments.along_m


def from_measure(network: WalkNetwork, street: Longs, measure_m: Floats) -> tuple[Ints, Floats]:
    """Return the edge and the metres along it of places by street, (n,) each; edge −1 where that is not there.

    From the same streets the very numbers come back that :func:`to_measure` was given, except that a place at a node
    may come back on the next edge of the street.
    """
    street, measure = np.asarray(street, dtype=np.int64), np.asarray(measure_m, dtype=np.float64)
    n, edges = len(street), network.edges
    whose = np.concatenate([network.edge_street, street])
    where = np.concatenate([network.edge_from_m, measure])
    asks = np.repeat([0, 1], [edges, n])
    order = np.lexsort((asks, where, whose))
    last = np.maximum.accumulate(np.where(asks[order] == 0, np.arange(edges + n), -1))
    edge = np.full(edges + n, -1, dtype=np.int64)
    edge[order] = np.where(last >= 0, order[last], -1)
    found = edge[edges:]
    ok = (found >= 0) & np.isfinite(measure)
    ok[ok] = network.edge_street[found[ok]] == street[ok]
    along = np.zeros(n)
    along[ok] = measure[ok] - network.edge_from_m[found[ok]]
    length = np.zeros(n)
    length[ok] = network.edge_length_m[found[ok]]
    ok &= along <= length + TOLERANCE_M
    return np.where(ok, found, -1).astype(np.int32), np.where(ok, np.minimum(along, length), 0.0)
