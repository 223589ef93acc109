"""The nearest stations in a straight line."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from gridmap.core.locate.cover import Floats, Ints
from gridmap.errors import InputError

__all__ = ["nearest_stations"]

_PAIRS_AT_ONCE = 4_000_000


def nearest_stations(points: npt.ArrayLike, stations: npt.ArrayLike, *, k: int = 3) -> tuple[Ints, Floats]:
    """Return the ``k`` nearest stations of each point in a straight line.

    Parameters
    ----------
    points, stations
        Shapes (n, 2) and (m, 2), metres of the metric system (:meth:`GridIndex.to_metric`).
    k
        How many are wanted; fewer are returned when there are fewer stations.

    Returns
    -------
    Positions in ``stations`` and distances in metres, both of shape (n, min(k, m)), nearest first; of equal ones the
    one that is listed first.

    Raises
    ------
    InputError
        A coordinate is not finite, or ``k`` is negative.
    """
    p = np.asarray(points, dtype=np.float64).reshape(-1, 2)
    s = np.asarray(stations, dtype=np.float64).reshape(-1, 2)
    if k < 0 or not np.isfinite(p).all() or not np.isfinite(s).all():
        raise InputError(
            "坐标必须是有限的米数, 站点数不小于 0。",
            "Coordinates must be finite metres, the number of stations 0 or more.",
        )
    wanted = min(k, len(s))
    order = np.empty((len(p), wanted), dtype=np.intp)
    metres = np.empty((len(p), wanted))
    if not wanted:
        return order, metres
    rows = max(1, _PAIRS_AT_ONCE // len(s))
    for start in range(0, len(p), rows):
        block = p[start : start + rows]
        far = np.hypot(block[:, :1] - s[:, 0], block[:, 1:] - s[:, 1])
        chosen = np.argsort(far, axis=1, kind="stable")[:, :wanted]
        order[start : start + rows] = chosen
        metres[start : start + rows] = np.take_along_axis(far, chosen, axis=1)
    return order, metres
