"""What people say about a plan, one of its grids, or a point of the map."""

from __future__ import annotations

import unicodedata
from typing import Any

from gridmap.core.plans.selection import find_grid
from gridmap.errors import InputError, NotFound
from gridmap.services.planrows import detail, the_plan
from gridmap.services.plans import PlanDesk
from gridmap.store import comments as store
from gridmap.store import plans as plan_store
from gridmap.store.changes import note_change
from gridmap.store.comments import Comment
from gridmap.store.database import engine_of, transaction

__all__ = ["MOST_WORDS", "comment", "comments", "settle"]

MOST_WORDS = 2_000
# letters of other scripts need joiners; what steers a terminal or turns the direction of text is left out
_KEPT = {"\n", "\t", "\u200c", "\u200d"}
_LEFT_OUT = {"Cc", "Cf", "Cs", "Co"}


def comments(desk: PlanDesk, plan_id: int) -> list[dict[str, Any]]:
    """Return the comments on a plan, the oldest first.

    Raises
    ------
    NotFound
        There is no such plan.
    """
    with engine_of(desk.place).connect() as connection:
        the_plan(plan_store.find(connection, plan_id), plan_id)
        return [_told(one) for one in store.listed(connection, plan_id)]


def comment(
    desk: PlanDesk,
    plan_id: int,
    words: str,
    *,
    who: str,
    grid: str | None = None,
    at: tuple[float, float] | None = None,
) -> dict[str, Any]:
    """Say something about a plan, one of its grids (code) or a point (longitude, latitude), in any state of the plan.

    The words are kept as they are, as words: nothing in them is ever run or shown as anything else. Control characters
    are left out.

    Raises
    ------
    NotFound
        There is no such plan.
    InputError
        There are no words or too many, no such grid, or no such point on earth.
    """
    said = _clean(words)
    if not 0 < len(said) <= MOST_WORDS:
        raise InputError(f"意见应为 1 到 {MOST_WORDS} 个字。", f"A comment has 1 to {MOST_WORDS} characters.")
    lon, lat = (None, None) if at is None else at
    if lon is not None and lat is not None and not (-180 <= lon <= 180 and -90 <= lat <= 90):  # noqa: PLR2004
        raise InputError(
            "没有这样的经度、纬度。先写经度，再写纬度。",
            "There is no such place; longitude comes first, then latitude.",
        )
    with transaction(desk.place) as connection:
        session = desk.session(connection, the_plan(plan_store.find(connection, plan_id), plan_id))
        key = None if grid is None else find_grid(session.state, grid).key
        revision = session.row.revision
        made = store.add(connection, plan_id, revision=revision, who=who, words=said, grid_key=key, lon=lon, lat=lat)
        note_change(connection, who, "plan comment", detail(plan=plan_id, comment=made.id))
        return _told(made)


def settle(desk: PlanDesk, plan_id: int, comment_id: int, *, who: str, settled: bool = True) -> dict[str, Any]:
    """Note that a comment is settled, or that it is not after all; its words stay.

    Raises
    ------
    NotFound
        There is no such comment on that plan.
    """
    with transaction(desk.place) as connection:
        made = store.settle(connection, plan_id, comment_id, who=who, settled=settled)
        if made is None:
            raise NotFound(
                f"方案 {plan_id} 没有第 {comment_id} 条意见。", f"Plan {plan_id} has no comment {comment_id}."
            )
        note_change(connection, who, "plan comment settled", detail(plan=plan_id, comment=comment_id, settled=settled))
        return _told(made)


def _clean(words: str) -> str:
    kept = (c for c in words.replace("\r\n", "\n") if c in _KEPT or unicodedata.category(c) not in _LEFT_OUT)
    return "".join(kept).strip()


def _told(one: Comment) -> dict[str, Any]:
    return {
        "id": one.id,
        "plan": one.plan_id,
        "revision": one.revision,
        "who": one.who,
        "at": one.at.isoformat(),
        "words": one.words,
        "grid": one.grid,
        "lon": one.lon,
        "lat": one.lat,
        "settled_at": None if one.settled_at is None else one.settled_at.isoformat(),
        "settled_by": one.settled_by,
    }
