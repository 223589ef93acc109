"""A plan goes over to a newer edition: what both changed is settled by a person, never by who came last."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gridmap.core.plans.crosswalk import Layout
from gridmap.core.plans.effect import Grid
from gridmap.core.plans.rebasing import Rebased, Side, rebased
from gridmap.core.plans.scores import plan_score
from gridmap.core.plans.state import PlanState
from gridmap.errors import Conflict, InputError
from gridmap.services.planland import Session, layout_of_edition
from gridmap.services.planrows import an_edition, at_revision, detail, in_state, the_plan, told
from gridmap.services.plans import PlanDesk
from gridmap.store import editions as edition_store
from gridmap.store import plans as store
from gridmap.store.changes import note_change
from gridmap.store.database import transaction

__all__ = ["rebase"]


def rebase(
    desk: PlanDesk,
    plan_id: int,
    *,
    who: str,
    revision: int | None = None,
    edition: int | None = None,
    settle: Mapping[str, Side] | None = None,
    otherwise: Side | None = None,
    commit: bool = True,
) -> dict[str, Any]:
    """Let a plan start from another edition, by default the newest, which may be waiting for its date.

    Parameters
    ----------
    desk, plan_id, who, revision
        The plan; who does it; the revision that they saw.
    edition
        The edition that it goes to.
    settle, otherwise
        Which side holds, by the id of a difference, and for all that are not named.
    commit
        Write it; else only say what it would do, with ``differences`` that need settling.

    Returns
    -------
    The plan, ``from`` and ``to`` (editions), cells ``taken`` from the edition and ``kept`` against it, ``recoded``
    grids, ``settled`` and ``differences``. A plan that was handed in is a draft again.

    Raises
    ------
    NotFound
        There is no such plan or edition.
    InputError
        It starts from that edition already, or an answer is to no difference.
    Conflict
        Differences are not settled (``problems`` lists them), the plan changed since, or is no draft any more.
    """
    with transaction(desk.place) as connection:
        row = the_plan(store.find(connection, plan_id, lock=commit), plan_id)
        in_state(row, "draft", "submitted")
        at_revision(row, revision)
        newest = edition_store.editions(connection)[-1].id
        target = newest if edition is None else an_edition(connection, edition)
        if target == row.base_edition:
            raise InputError(
                f"方案“{row.title}”已经以第 {target} 版为起点。",
                f"Plan '{row.title}' starts from edition {target} already.",
            )
        session = desk.session(connection, row)
        fabric = session.land.fabric
        start, theirs = (layout_of_edition(connection, fabric, number) for number in (row.base_edition, target))
        made = rebased(session.state, start, theirs, session.land.context, answers=settle, otherwise=otherwise)
        _check_answers(made, settle or {})
        facts = _told(row.base_edition, target, made)
        if not commit:
            return told(row) | facts | {"committed": False}
        if made.open:
            raise Conflict(
                f"第 {row.base_edition} 版与第 {target} 版之间，有 {len(made.open)} 处与本方案改法不同，"
                "见清单。请逐项选择 mine 或 theirs。",
                f"In {len(made.open)} places edition {target} and this plan changed the same thing differently; see "
                "the list. Settle each as mine or theirs.",
                problems=tuple(d.as_problem() for d in made.open),
            )
        _write(connection, session, theirs, target, made, who=who, gesture=facts)
        store.set_state(connection, plan_id, "draft")
        noted = detail(plan=plan_id, edition=target, settled=made.settled)
        note_change(connection, who, "plan rebase", noted)
        return told(the_plan(store.find(connection, plan_id), plan_id)) | facts | {"committed": True}


def _check_answers(made: Rebased, settle: Mapping[str, Side]) -> None:
    unknown = sorted(settle.keys() - made.settled.keys())
    if unknown:
        raise InputError(
            f"没有这样的分歧：{'、'.join(unknown)}。请先预览，再按清单中的 id 选择。",
            f"There is no such difference: {', '.join(unknown)}. Look at the list first and use its ids.",
        )


def _told(base: int, target: int, made: Rebased) -> dict[str, Any]:
    return {
        "from": base,
        "to": target,
        "taken": made.taken,
        "kept": made.kept,
        "recoded": made.recoded,
        "settled": dict(made.settled),
        "differences": [d.as_problem() for d in made.open],
    }


def _write(
    connection: Any, session: Session, theirs: Layout, target: int, made: Rebased, *, who: str, gesture: dict[str, Any]
) -> None:
    state = session.state.after(made.effect)
    keys = state.all_keys()
    differs = np.flatnonzero(keys != theirs.keys)
    named = {"kind": "rebase", **{name: gesture[name] for name in ("from", "to", "recoded", "settled")}}
    store.start_anew(
        connection,
        session.row.id,
        base_edition=target,
        who=who,
        effect=made.effect,
        gesture=named,
        score=plan_score(replace(state, base=_rows(state, theirs)), session.land.context.targets),
        cells=state.fabric.ids[differs],
        keys=keys[differs],
        grids=_against(state, theirs),
    )


def _rows(state: PlanState, layout: Layout) -> NDArray[np.int64]:
    """Return the row of each cell's grid in a layout; grids that the plan does not know have none."""
    return np.array([state.row_of.get(key, -1) for key in layout.keys.tolist()], dtype=np.int64)


def _against(state: PlanState, theirs: Layout) -> list[tuple[Grid, bool]]:
    """Return the grids that differ from those of an edition, and those that ended; no new key is ever given twice."""
    names = [f.name for f in fields(Grid)]
    out = [
        (grid, False)
        for key, grid in state.grids.items()
        if key not in theirs.grids or any(getattr(grid, n) != getattr(theirs.grids[key], n) for n in names)
    ]
    gone = dict(state.ended) | {k: g for k, g in theirs.grids.items() if k not in state.ended}
    return out + [(grid, True) for key, grid in gone.items() if key not in state.grids]
