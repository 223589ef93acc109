"""Which streets people may walk on: the one definition for network, checks and figures."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

__all__ = ["walkable", "words"]

#: Values of ``highway`` that are no way for walkers, whatever else is said; what is not built yet is among them.
NEVER = frozenset(
    (
        "abandoned",
        "bus_guideway",
        "busway",
        "construction",
        "dismantled",
        "emergency_bay",
        "escape",
        "ferry",
        "motorway",
        "motorway_junction",
        "motorway_link",
        "no",
        "planned",
        "proposed",
        "raceway",
        "razed",
        "rest_area",
        "services",
    )
)
_ALLOWED = frozenset(("yes", "designated", "permissive", "destination", "official", "customers", "permit", "residents"))
_FORBIDDEN = frozenset(("no", "private", "military"))


def walkable(streets: pd.DataFrame, *, private: bool = False) -> npt.NDArray[np.bool_]:
    """Tell which streets people may walk on, shape (n,), by OpenStreetMap values.

    A row needs a ``highway`` that is a way on the ground: no motorway, ferry, raceway or guideway, nothing planned or
    under construction; a railway without ``highway`` is none. ``foot`` decides where it says something: ``no`` and
    ``private`` close a street, ``yes``, ``designated`` and their like open it even where ``access`` is ``no`` or
    ``private``. Where ``foot`` says nothing, ``access`` = ``no``, ``private`` or ``military`` closes it. Stairs,
    sidewalks, bridges, tunnels, cycleways and tracks are walked on; ``foot=use_sidepath`` too, because the sidewalk
    belongs to the street.

    Parameters
    ----------
    streets
        Columns ``highway``, ``foot``, ``access`` of ``KINDS["streets"]``; a missing column or value says nothing.
    private
        Also walk on private streets (``foot`` or ``access`` = ``private``).
    """
    highway, foot, access = (words(streets, name) for name in ("highway", "foot", "access"))
    there = (highway != "") & ~np.isin(highway, sorted(NEVER))
    forbidden = sorted(_FORBIDDEN - {"private"} if private else _FORBIDDEN)
    open_ = np.isin(foot, sorted(_ALLOWED))
    shut = np.isin(foot, forbidden) | (~open_ & np.isin(access, forbidden))
    return np.asarray(there & ~shut, dtype=np.bool_)


def words(frame: pd.DataFrame, name: str) -> npt.NDArray[np.str_]:
    """Return a column in small letters, of several values (``yes;designated``) the first; empty: nothing said."""
    if name not in frame:
        return np.full(len(frame), "", dtype=np.str_)
    values = frame[name].astype(object)
    said = values.where(values.notna(), "").astype(str)
    return np.asarray([text.split(";")[0].strip().lower() for text in said], dtype=np.str_)
