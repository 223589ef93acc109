"""Rolling back: a former edition is published as a new one; nothing is taken out of the line of editions."""

from __future__ import annotations

from itertools import count
from typing import Any

from sqlalchemy import Connection

from gridmap.core.plans.crosswalk import Layout, crosswalk
from gridmap.core.plans.effect import Effect
from gridmap.core.plans.rebasing import restored
from gridmap.core.plans.state import PlanState
from gridmap.errors import InputError
from gridmap.services.planland import layout_of_edition
from gridmap.services.planlife import approve_in, publish_in, settled, submit_in
from gridmap.services.planrows import an_edition, detail, the_plan, told
from gridmap.services.plans import PlanDesk
from gridmap.store import editions as edition_store
from gridmap.store import plans as store
from gridmap.store.changes import note_change
from gridmap.store.database import transaction

__all__ = ["rollback"]


def rollback(
    desk: PlanDesk,
    edition: int,
    *,
    who: str,
    name: str | None = None,
    at: str | None = None,
    draft: bool = False,
    commit: bool = True,
) -> dict[str, Any]:
    """Publish a former edition as a new one, at once or at a date, by a plan of its own in the usual steps.

    Each building goes to the grid that it had then, with its code, name and parent; buildings that came since go to the
    grid of their land. Open requests and duties follow as with every edition.

    Parameters
    ----------
    desk, edition, who
        The former edition, and who asks for it.
    name, at
        Name of the new edition (by default it says which it restores), and when it comes into force (None: now).
    draft
        Only make the plan, to look at and to change before it is handed in.
    commit
        Write it; else only say what it would do.

    Returns
    -------
    ``from`` and ``to`` (editions), buildings, households and people that change their grid; with ``commit`` the plan
    and what its publication did.

    Raises
    ------
    NotFound
        There is no such edition.
    InputError
        It is the newest one or the same as that, or the name or date cannot be.
    Conflict
        Another edition waits for its date.
    """
    with transaction(desk.place) as connection:
        if commit:
            settled(connection, who)
        an_edition(connection, edition)
        newest = edition_store.editions(connection)[-1].id
        if edition == newest:
            raise InputError(
                f"第 {edition} 版就是最新的版本，无须恢复。",
                f"Edition {edition} is the newest one; it needs no restoring.",
            )
        effect, moved = _effect(connection, desk, newest, edition)
        said = {"from": newest, "to": edition, "committed": commit, **moved}
        if not commit:
            return said
        plan_id = _drafted(connection, edition, newest, effect, who)
        if draft:
            return told(the_plan(store.find(connection, plan_id), plan_id)) | said
        submit_in(connection, desk, plan_id, who=who)
        approve_in(connection, desk, plan_id, who=who)
        called = f"恢复第 {edition} 版" if name is None else name
        return publish_in(connection, desk, plan_id, name=called, who=who, at=at) | said


def _effect(connection: Connection, desk: PlanDesk, newest: int, edition: int) -> tuple[Effect, dict[str, int]]:
    land = desk.land(connection)
    now, former = (layout_of_edition(connection, land.fabric, number) for number in (newest, edition))
    state = PlanState.start(land.fabric, now.grids.values(), now.keys)
    effect = restored(state, former, land.context)
    if not effect:
        raise InputError(
            f"第 {edition} 版与最新的第 {newest} 版相同，没有可恢复的。",
            f"Edition {edition} is the same as {newest}, the newest one; there is nothing to restore.",
        )
    then = state.after(effect)
    walk = crosswalk(land.fabric, now, Layout(then.all_keys(), then.grids), same_keys=True)
    moving = walk.pairs[~walk.pairs["stays"].astype(bool)]
    figures = {f"{name}_moved": int(moving[name].sum()) for name in ("households", "people")}
    return effect, figures | {"buildings_moved": len(walk.buildings)}


def _drafted(connection: Connection, edition: int, newest: int, effect: Effect, who: str) -> int:
    title = f"恢复第 {edition} 版"
    names = (title if n == 1 else f"{title} {n}" for n in count(1))
    made = (store.add(connection, title=name, base_edition=newest, owner=who) for name in names)
    plan_id = next(found for found in made if found is not None)
    before = {grid.key: grid for grid in store.grids_now(connection, plan_id)[0]}
    after = [(change, change.applied(before.get(change.key))) for change in effect.grids]
    store.append(
        connection,
        plan_id,
        kind="rollback",
        who=who,
        effect=effect,
        grids=[(before[change.key], True) if grid is None else (grid, False) for change, grid in after],
        gesture={"kind": "rollback", "edition": edition},
    )
    note_change(connection, who, "plan rollback", detail(plan=plan_id, edition=edition))
    return plan_id
