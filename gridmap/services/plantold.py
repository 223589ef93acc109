"""What a plan in memory is told as: plain data for answers."""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely

from gridmap.core.crs import LONLAT_EPSG, transform_xy
from gridmap.core.plans.context import Targets
from gridmap.core.plans.effect import Grid
from gridmap.core.plans.history import Entry
from gridmap.core.plans.review import Notice
from gridmap.core.plans.state import PlanState
from gridmap.model.text import Text

__all__ = ["grid_facts", "last_step", "level_and_code", "lonlat", "notice_facts", "target", "words"]

_VERTEX_M = 0.05
_SEVERITY = {"left_out_locked": "info", "left_out_community": "info"}


def lonlat(shapes: Any, srid: int) -> Any:
    """Return polygons for a map: without the vertices that cell borders have in a straight line."""
    shapes = shapely.simplify(shapes, _VERTEX_M)
    return shapely.transform(shapes, lambda xy: np.round(transform_xy(xy, srid, LONLAT_EPSG), 7))


def grid_facts(state: PlanState, grid: Grid) -> dict[str, Any]:
    """Return what a grid of a plan is called and where it stands."""
    above = state.grids.get(grid.parent) if grid.parent is not None else None
    return {
        "key": grid.key,
        "code": grid.code,
        "name": grid.name,
        "level": grid.level,
        "grid_kind": grid.kind,
        "parent_code": above.code if above else None,
        "community_code": grid.community,
        "locked": grid.locked,
    }


def level_and_code(grid: Grid) -> tuple[int, str]:
    """Return by what grids are ordered."""
    return grid.level, grid.code


def target(targets: Targets) -> dict[str, Any]:
    """Return how large grids should be."""
    return {"households": targets.households, "tolerance": targets.tolerance, "people": targets.people}


def last_step(entry: Entry | None) -> dict[str, Any] | None:
    """Return which operation would be taken back or done again."""
    return None if entry is None else {"seq": entry.seq, "kind": entry.kind}


def notice_facts(notice: Notice, srid: int) -> dict[str, Any]:
    """Return something to look at."""
    lon = lat = None
    if notice.xy is not None:
        ((lon, lat),) = transform_xy(np.array([notice.xy]), srid, LONLAT_EPSG).round(7).tolist()
    return {
        "rule": notice.rule,
        "severity": _SEVERITY.get(notice.rule, "warning"),
        "grid": notice.grid,
        "message": words(notice.message),
        "repair": None
        if notice.repair is None or notice.repair_text is None
        else {"operation": dict(notice.repair), "text": words(notice.repair_text)},
        "lon": lon,
        "lat": lat,
    }


def words(text: Text) -> dict[str, str]:
    """Return a sentence in both languages."""
    return {"zh": text.zh, "en": text.en}
