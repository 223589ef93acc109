"""From attachments to ticks: what it takes between a thing's door and the two ends of its edge."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gridmap.core.network.graph import (
    CLOSED,
    LONGEST_S,
    STEPS_PER_S,
    Attachments,
    Floats,
    Ints,
    Seconds,
    WalkTimes,
    whole_steps,
)
from gridmap.core.reach.kernels import Legs, Straight
from gridmap.errors import InputError

__all__ = ["DirectPairs", "legs", "limit_ticks", "straight_of"]


@dataclass(frozen=True, slots=True, eq=False)
class DirectPairs:
    """Stations and buildings that reach each other without a street: in one walled estate, or in the building.

    Attributes
    ----------
    station, building
        (K,) indices.
    seconds
        (K,) straight walk, in whole steps.
    """

    station: Ints
    building: Ints
    seconds: Seconds

    @classmethod
    def none(cls) -> DirectPairs:
        """Return no pair."""
        return cls(np.zeros(0, np.int32), np.zeros(0, np.int32), np.zeros(0, np.float32))


def legs(
    times: WalkTimes, attachments: Attachments, *, extra_s: npt.ArrayLike | None = None, by_edge: bool = True
) -> Legs:
    """Time the ways between doors and the ends of their edges.

    Parameters
    ----------
    times
        What the edges cost.
    attachments
        Where things meet the network.
    extra_s
        (n,) seconds that each thing adds of its own, such as stairs without a lift.
    by_edge
        Whether to list the rows of every edge: buildings need it, stations of a search do not.

    Returns
    -------
    A position at a share f of its edge is reached after f of the edge's seconds; seconds to and from it add up to
    those of the edge exactly.
    """
    network = times.network
    extra = np.zeros(attachments.count, np.int64)
    if extra_s is not None:
        given = np.broadcast_to(np.asarray(extra_s, np.float64), (attachments.count,))
        if not (np.isfinite(given) & (given >= 0) & (given <= LONGEST_S)).all():
            raise InputError(
                "楼内附加时间须为 0 到 4 小时之间的秒数。",
                "The seconds that a building adds must be between 0 and 4 hours.",
            )
        extra = np.rint(given * STEPS_PER_S).astype(np.int64)
    order = np.argsort(attachments.edge, kind="stable")
    thing, edge = attachments.thing[order].astype(np.int32), attachments.edge[order].astype(np.int32)
    length = network.edge_length_m[edge]
    along = np.clip(attachments.along_m[order].astype(np.float64), 0.0, length)
    share = np.divide(along, length, out=np.zeros_like(along), where=length > 0)
    off = np.rint(whole_steps(attachments.off_m[order] / times.speed_mps).astype(np.float64) * STEPS_PER_S)
    off = off + extra[thing]
    from_u, to_v = _split(times.forward_s[edge], share)
    from_v, to_u = _split(times.backward_s[edge], 1.0 - share)

    def door(ticks: Floats) -> Ints:
        return np.minimum(ticks + off, CLOSED).astype(np.int32)

    slot = np.zeros(network.edges + 1 if by_edge else 1, np.int32)
    if by_edge:
        np.cumsum(np.bincount(edge, minlength=network.edges), out=slot[1:])
    start = np.zeros(attachments.count + 1, np.int32)
    np.cumsum(np.bincount(thing, minlength=attachments.count), out=start[1:])
    row = np.argsort(thing, kind="stable").astype(np.int32)
    alone = (np.diff(start) == 1)[thing]
    rows = np.column_stack([door(to_u), door(to_v), np.where(alone, thing, ~thing)]).astype(np.int32)
    return Legs(
        thing=thing,
        edge=edge,
        along_m=along,
        off=np.minimum(off, CLOSED).astype(np.int32),
        rows=rows,
        from_u=door(from_u),
        from_v=door(from_v),
        slot=slot,
        start=start,
        row=row,
        door=_doors(
            attachments.count, thing[alone], network.edge_u[edge[alone]], network.edge_v[edge[alone]], rows[alone]
        ),
        several=np.flatnonzero(np.diff(start) > 1).astype(np.int32),
        extra=extra.astype(np.int32),
    )


def _doors(count: int, thing: Ints, node_u: Ints, node_v: Ints, rows: Ints) -> Ints:
    out = np.zeros((count, 4), np.int32)
    out[:, 2:] = CLOSED
    out[thing] = np.column_stack([node_u, node_v, rows[:, :2]])
    return out


def limit_ticks(limit_s: float) -> int:
    """Return a limit in ticks; a walk of exactly the limit is within it.

    Raises
    ------
    InputError
        Not above 0, not finite, or longer than 4 hours.
    """
    if not 0 < limit_s <= LONGEST_S:
        raise InputError(
            f"步行时限须大于 0、不超过 {LONGEST_S / 60:.0f} 分钟，现为 {limit_s / 60:g} 分钟；请改小或改为正数。",
            f"The walking limit must be above 0 and at most {LONGEST_S / 60:.0f} minutes, not {limit_s / 60:g}; "
            "give one in between.",
        )
    return int(np.floor(limit_s * STEPS_PER_S))


def straight_of(direct: DirectPairs | None, stations: Legs, buildings: Legs) -> Straight:
    """Return direct pairs as the search reads them, with what stations and buildings add of their own."""
    pair = direct if direct is not None else DirectPairs.none()
    order = np.argsort(pair.station, kind="stable")
    station, building = pair.station[order], pair.building[order].astype(np.int32)
    start = np.zeros(stations.things + 1, np.int64)
    np.cumsum(np.bincount(station, minlength=stations.things), out=start[1:])
    ticks = np.rint(pair.seconds[order].astype(np.float64) * STEPS_PER_S)
    ticks = ticks + stations.extra[station] + buildings.extra[building]
    return Straight(start, building, np.minimum(ticks, CLOSED).astype(np.int32))


def _split(seconds: Seconds, share: Floats) -> tuple[Floats, Floats]:
    """Return the ticks before and after a position at ``share`` of the way; inf where the way is closed."""
    whole = np.rint(seconds.astype(np.float64) * STEPS_PER_S)
    is_open = np.isfinite(whole)
    before = np.rint(np.where(is_open, whole, 0.0) * share)
    return np.where(is_open, before, np.inf), np.where(is_open, whole - before, np.inf)
