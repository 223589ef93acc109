"""A planner divides land along a line, so that a border can run there: the blocks that it crosses are made anew."""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely

from gridmap.core.crs import LONLAT_EPSG, transform_xy
from gridmap.core.plans.gestures import Cut
from gridmap.core.plans.scores import plan_score
from gridmap.core.plans.selection import stroke
from gridmap.errors import InputError
from gridmap.services import activation, carrying
from gridmap.services.planland import Session
from gridmap.services.planrows import as_draft, detail, the_plan
from gridmap.services.plans import PlanDesk
from gridmap.store import cuts as store
from gridmap.store import plans as plan_store
from gridmap.store.changes import note_change
from gridmap.store.database import transaction

__all__ = ["cut"]

_BEYOND_M = 15.0
"""Ends of the line go on so far: people stop drawing just before a border."""
_SAME_SHARE = 0.005


class _Preview(Exception):
    def __init__(self, answer: dict[str, Any]) -> None:
        super().__init__()
        self.answer = answer


def cut(
    desk: PlanDesk, plan_id: int, gesture: Cut, *, who: str, base_revision: int | None = None, commit: bool = True
) -> dict[str, Any]:
    """Divide the land along a line; it goes round buildings. No grid changes by it, in no edition and no plan.

    The line stays: cells that are made anew for other reasons are divided there, too.

    Returns
    -------
    What :meth:`PlanDesk.operate` does, and ``divided``: the new cells (id, lon, lat, area_m2, grid), to be given to
    other grids.

    Raises
    ------
    NotFound
        There is no such plan.
    InputError
        The line crosses itself, or divides nothing.
    Conflict
        The plan is no draft.
    """
    try:
        with transaction(desk.place) as connection:
            connection.exec_driver_sql("SELECT pg_advisory_xact_lock(hashtext('gridmap base data'))")
            activation.follow(connection, who=who)
            row = the_plan(plan_store.find(connection, plan_id, lock=True), plan_id)
            as_draft(row)
            before = desk.session(connection, row)
            line = _line(before, gesture)
            count = store.blocks(connection)
            number = store.add(connection, plan_id=plan_id, who=who, line=line)
            carrying.carry_over(connection, {**carrying.marks(connection), "cut": number})
            if store.blocks(connection) == count:
                raise InputError(
                    "这条线没有把任何地块分开：请从地块的一边画到另一边，两侧各留 20 米以上，不要贴着街道或边界。",
                    "The line divides nothing: draw it from one side of the land to the other, with more than 20 m on "
                    "either side, and not along a street or border.",
                )
            row = the_plan(plan_store.find(connection, plan_id), plan_id)
            session = desk.session(connection, row)
            said = {"kind": "cut", **gesture.model_dump(exclude={"kind"})}
            seq, _ = plan_store.append(
                connection,
                plan_id,
                kind="cut",
                who=who,
                effect=desk.nothing,
                grids=[],
                gesture=said,
                score=plan_score(session.state, session.land.context.targets),
            )
            note_change(connection, who, "plan cut", detail(plan=plan_id, operation=seq, line=number))
            session = desk.session(connection, the_plan(plan_store.find(connection, plan_id), plan_id))
            seen = before.row.revision if base_revision is None else base_revision
            answer = desk.told_after(session, "cut", rebased=before.row.revision - seen, who=who, committed=commit)
            answer["divided"] = _divided(before, session)
            _only_tried(answer | {"revision": before.row.revision}, commit=commit)
    except _Preview as tried:
        return tried.answer
    return answer


def _only_tried(answer: dict[str, Any], *, commit: bool) -> None:
    if not commit:
        raise _Preview(answer)


def _line(session: Session, gesture: Cut) -> shapely.LineString:
    """Return the line (EPSG:4326), its ends drawn on a little.

    Raises
    ------
    InputError
        It crosses itself, or lies where there is no land.
    """
    line = stroke(gesture.line, session.land.context)
    fabric = session.land.fabric
    if not len(fabric.ids) or not bool(shapely.intersects(fabric.geometry, line).any()):
        raise InputError("这条线不在本辖区的土地上。", "The line lies outside the land of the jurisdiction.")
    xy = shapely.get_coordinates(line)
    for end, inner in ((0, 1), (-1, -2)):
        away = xy[end] - xy[inner]
        xy[end] = xy[end] + away / np.hypot(*away) * _BEYOND_M
    return shapely.LineString(transform_xy(xy, session.land.srid, LONLAT_EPSG))


def _divided(before: Session, after: Session) -> list[dict[str, Any]]:
    fabric, state, was = after.land.fabric, after.state, before.land.fabric
    rows = np.flatnonzero(~np.isin(fabric.ids, was.ids))
    # beside the cut a cell may be new because its border was drawn anew: its land is what it was, to the stripe
    new, old = shapely.STRtree(was.geometry).query(shapely.points(fabric.xy[rows]), predicate="intersects")
    smaller = np.abs(fabric.area_m2[rows[new]] - was.area_m2[old]) > _SAME_SHARE * was.area_m2[old]
    rows = np.unique(rows[new[smaller]])
    points = transform_xy(fabric.xy[rows], after.land.srid, LONLAT_EPSG).round(7)
    keys = state.keys_of(rows)
    return [
        {
            "id": int(fabric.ids[row]),
            "lon": float(point[0]),
            "lat": float(point[1]),
            "area_m2": round(float(fabric.area_m2[row]), 1),
            "building": fabric.source[row],
            "grid": state.grids[key].code if key in state.grids else None,
        }
        for row, key, point in zip(rows.tolist(), keys.tolist(), points.tolist(), strict=True)
    ]
