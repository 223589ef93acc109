"""Plans: drafts of the next edition, redrawn step by step by several people at once.

Each process keeps the plans that it was asked about in memory and brings them up to date from the log by their
revision. A step is worked out in memory; one transaction, which holds the plan's row, writes it.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import orjson
import shapely
from numpy.typing import NDArray
from sqlalchemy import Connection

from gridmap.core.plans import history
from gridmap.core.plans.effect import NO_GRID, Effect, Outcome
from gridmap.core.plans.gestures import read_gesture
from gridmap.core.plans.history import Clash, Entry
from gridmap.core.plans.operations import operate as work_out
from gridmap.core.plans.review import noticed, review
from gridmap.core.plans.scores import grid_scores, plan_score
from gridmap.core.plans.state import PlanState
from gridmap.errors import Conflict, InputError
from gridmap.model.text import Text
from gridmap.services import comparing
from gridmap.services.comparing import Snapshot
from gridmap.services.editions import edition_for
from gridmap.services.planland import Land, Session, load_land, load_session
from gridmap.services.planrows import an_edition, as_draft, called, detail, the_plan, told
from gridmap.services.plantold import grid_facts, last_step, level_and_code, lonlat, notice_facts, target
from gridmap.store import plans as store
from gridmap.store.changes import note_change, versions
from gridmap.store.database import Place, engine_of, transaction
from gridmap.store.plans import PlanRow

__all__ = ["PlanDesk"]

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

PLANS_KEPT = 8


@dataclass(frozen=True, slots=True)
class _Step:
    """A step worked out but not written yet."""

    kind: str
    outcome: Outcome
    state: PlanState
    rebased: int
    inverse_of: int | None = None


class PlanDesk:
    """The plans of one database in one process; any number of threads may ask it.

    What it holds is immutable and swapped whole, so that a step that fails leaves nothing behind.
    """

    def __init__(self, place: Place) -> None:
        self.place = place
        self._lock = threading.Lock()
        self._held_land: Land | None = None
        self._sessions: OrderedDict[int, Session] = OrderedDict()

    # -- reading ---------------------------------------------------------------------------------------------------

    def listed(self) -> list[dict[str, Any]]:
        """Return all plans, the one changed last first."""
        with engine_of(self.place).connect() as connection:
            return [told(row) for row in store.listed(connection)]

    def number(self, name: str) -> int:
        """Return the number of the plan of a title or a number.

        Raises
        ------
        NotFound
            There is none.
        """
        with engine_of(self.place).connect() as connection:
            row = store.find_titled(connection, name)
            if row is None and name.isdecimal() and len(name) < 19:  # noqa: PLR2004 (fits into 63 bits)
                row = store.find(connection, int(name))
            return the_plan(row, name).id

    def show(self, plan_id: int, *, who: str) -> dict[str, Any]:
        """Return a plan: its facts, score and leaf grids with totals and scores, and whether I can undo or redo.

        Raises
        ------
        NotFound
            There is none of that number.
        """
        session = self._now(plan_id)
        state = session.state
        return told(session.row) | {
            "score": plan_score(state, session.land.context.targets),
            "target": target(session.land.context.targets),
            "grids": self._grids(session, [g.key for g in state.leaves]),
            "upper_grids": [
                grid_facts(state, g) for g in sorted(state.grids.values(), key=level_and_code) if not g.leaf
            ],
            "undo": last_step(history.undoable(session.entries, who)),
            "redo": last_step(history.redoable(session.entries, who)),
        }

    def score(self, plan_id: int) -> dict[str, Any]:
        """Return the scores of a plan, and of each of its leaf grids.

        Raises
        ------
        NotFound
            There is none of that number.
        """
        session = self._now(plan_id)
        return {
            "id": plan_id,
            "revision": session.row.revision,
            "score": plan_score(session.state, session.land.context.targets),
            "target": target(session.land.context.targets),
            "grids": self._grids(session, [g.key for g in session.state.leaves]),
            "warnings": self._notices(session, session.state.grids),
        }

    def geojson(self, plan_id: int) -> bytes:
        """Return the leaf grids of a plan with polygons, totals and scores as a GeoJSON FeatureCollection.

        Raises
        ------
        NotFound
            There is none of that number.
        """
        session = self._now(plan_id)
        grids = self._grids(session, [g.key for g in session.state.leaves], polygons=True)
        features = [
            {"type": "Feature", "id": grid["key"], "geometry": grid.pop("geometry"), "properties": grid}
            for grid in grids
        ]
        return orjson.dumps({"type": "FeatureCollection", "features": features})

    def log(self, plan_id: int, *, before: int | None = None, limit: int = 50) -> list[dict[str, Any]]:
        """Return the operations of a plan, the newest first.

        Raises
        ------
        NotFound
            There is no plan of that number.
        """
        with engine_of(self.place).connect() as connection:
            the_plan(store.find(connection, plan_id), plan_id)
            rows = store.operations(connection, plan_id, before=before, limit=limit)
        return [
            {
                "seq": row.seq, "kind": row.kind, "who": row.who, "at": row.at.isoformat(), "gesture": row.gesture,
                "inverse_of": row.inverse_of, "cells": row.cells,
            }
            for row in rows
        ]  # fmt: skip

    def scores(self, plan_id: int, *, before: int | None = None, limit: int = 50) -> dict[str, Any]:
        """Return how the scores of a plan went from operation to operation, the newest first.

        Returns
        -------
        ``start``: the score of the edition that it started from; ``history``: seq, kind, who, at and ``score`` after
        each operation, by the targets of that time (None where no planner did it).

        Raises
        ------
        NotFound
            There is no plan of that number.
        """
        session = self._now(plan_id)
        state = session.state
        keys = np.array([*state.keys, NO_GRID], dtype=np.int64)[state.base]
        with engine_of(self.place).connect() as connection:
            rows = store.operations(connection, plan_id, before=before, limit=limit)
            grids = store.grids_of_edition(connection, session.row.base_edition)
        start = PlanState.start(state.fabric, grids, keys)
        return {
            "id": plan_id,
            "revision": session.row.revision,
            "start": plan_score(start, session.land.context.targets),
            "history": [
                {"seq": row.seq, "kind": row.kind, "who": row.who, "at": row.at.isoformat(), "score": row.score}
                for row in rows
            ],
        }

    def diff(self, plan_id: int, *, against: str | None = None) -> dict[str, Any]:
        """Return what a plan changes: the crosswalk from its edition, or from another plan or edition, to it.

        Parameters
        ----------
        plan_id
            The plan.
        against
            ``edition:NUMBER`` or ``plan:NUMBER``; by default the edition that it started from.

        Returns
        -------
        ``pairs`` of old and new grids with relation (same, split, merge, partial), cells, buildings, households, people
        and area; ``buildings`` that change their grid; ``grids`` that are new, ended, or have another code, name, kind
        or parent; ``communities`` with households in and out; totals.

        Raises
        ------
        NotFound
            There is no such plan or edition.
        InputError
            ``against`` is not written so.
        """
        with self.snapshot() as seen:
            return comparing.told(comparing.compare(seen, against, f"plan:{plan_id}"))

    def diff_geojson(self, plan_id: int, *, against: str | None = None) -> bytes:
        """Return the land that changes its grid as a GeoJSON FeatureCollection, a feature for each old and new grid.

        Raises
        ------
        NotFound
            There is no such plan or edition.
        InputError
            ``against`` is not written so.
        """
        with self.snapshot() as seen:
            return comparing.land_geojson(comparing.compare(seen, against, f"plan:{plan_id}"))

    @contextmanager
    def snapshot(self) -> Iterator[Snapshot]:
        """Give one moment of the database, in which plans and editions can be compared."""
        with engine_of(self.place).connect().execution_options(isolation_level="REPEATABLE READ") as connection:
            yield Snapshot(
                connection,
                self.land(connection),
                lambda number: self.session(connection, the_plan(store.find(connection, number), number)),
            )

    # -- changing --------------------------------------------------------------------------------------------------

    def new(self, *, title: str, who: str, edition: int | None = None) -> dict[str, Any]:
        """Start a plan from an edition, by default that in force.

        Raises
        ------
        NotFound
            There is no such edition.
        InputError
            The title is empty or too long.
        Conflict
            The title is taken.
        """
        name = called(title, Text("方案名称", "title of a plan"))
        with transaction(self.place) as connection:
            base = edition_for(connection, None) if edition is None else an_edition(connection, edition)
            number = store.add(connection, title=name, base_edition=base, owner=who)
            if number is None:
                raise Conflict(f"已有名为“{name}”的方案。请另取名称。", f"There is a plan called '{name}' already.")
            note_change(connection, who, "plan new", detail(plan=number, title=name, edition=base))
            return told(the_plan(store.find(connection, number), number))

    def operate(
        self, plan_id: int, order: Any, *, who: str, base_revision: int | None = None, commit: bool = True
    ) -> dict[str, Any]:
        """Do one operation on a plan and return only what changed; polygons are ready-made JSON (orjson.Fragment).

        Parameters
        ----------
        plan_id
            The plan.
        order
            The operation as plain data: see :mod:`gridmap.core.plans.gestures`.
        who
            Who does it: an undo takes back their own last operation.
        base_revision
            The revision that they saw; by default the last. What others did since is kept: the operation is carried
            over to it where it touches other land, else refused.
        commit
            Write it; else only say what it would do.

        Raises
        ------
        NotFound
            There is no such plan.
        InputError
            It cannot be done; the sentence says why.
        Conflict
            Others changed the same land since, or the plan is no draft; ``problems`` has both versions.
        """
        gesture = read_gesture(order)
        if gesture.kind == "cut":
            from gridmap.services.cutting import cut  # it needs this module

            return cut(self, plan_id, gesture, who=who, base_revision=base_revision, commit=commit)
        with transaction(self.place) as connection:
            row = the_plan(store.find(connection, plan_id, lock=commit), plan_id)
            as_draft(row)
            session = self.session(connection, row)
            step = _step(session, gesture, base_revision, who)
            if commit:
                seq, at = self._write(connection, session, step, gesture.model_dump(exclude_none=True), who)
                entry = Entry(
                    seq=seq, who=who, kind=step.kind, effect=step.outcome.effect, inverse_of=step.inverse_of, at=at
                )
                row = replace(row, revision=seq, changed_at=at)
                session = Session(session.land, row, step.state, (*session.entries, entry))
            else:
                session = replace(session, state=step.state)
        if commit:
            self._keep(session)
        return self._answer(session, step, committed=commit, who=who)

    def _write(
        self, connection: Connection, session: Session, step: _Step, gesture: dict[str, Any], who: str
    ) -> tuple[int, Any]:
        state, effect = step.state, step.outcome.effect
        keys = dict.fromkeys(change.key for change in effect.grids)
        written = store.append(
            connection,
            session.row.id,
            kind=step.kind,
            who=who,
            effect=effect,
            gesture=gesture,
            inverse_of=step.inverse_of,
            score=plan_score(state, session.land.context.targets),
            grids=[(state.grids[k], False) if k in state.grids else (state.ended[k], True) for k in keys],
        )
        note_change(connection, who, f"plan {step.kind}", detail(plan=session.row.id, operation=written[0]))
        return written

    # -- memory ----------------------------------------------------------------------------------------------------

    def _now(self, plan_id: int) -> Session:
        """Return a plan as it is now."""
        # one snapshot for the plan's row, its log and its land
        with engine_of(self.place).connect().execution_options(isolation_level="REPEATABLE READ") as connection:
            session = self.session(connection, the_plan(store.find(connection, plan_id), plan_id))
        self._keep(session)
        return session

    def _keep(self, session: Session) -> None:
        with self._lock:
            held = self._sessions.get(session.row.id)
            if held is None or held.land is not session.land or held.row.revision <= session.row.revision:
                self._sessions[session.row.id] = session
            self._sessions.move_to_end(session.row.id)
            while len(self._sessions) > PLANS_KEPT:
                self._sessions.popitem(last=False)

    def session(self, connection: Connection, row: PlanRow) -> Session:
        """Return a plan at the revision of its row: what is held brought up to date from the log, or loaded."""
        land = self.land(connection)
        with self._lock:
            held = self._sessions.get(row.id)
        same = held is not None and held.land is land and held.row.base_edition == row.base_edition
        if held is None or not same or held.row.revision > row.revision:
            return load_session(connection, land, row)
        later = store.entries(connection, row.id, after=held.row.revision) if held.row.revision < row.revision else []
        return Session(land, row, history.replay(held.state, later), (*held.entries, *later))

    def land(self, connection: Connection) -> Land:
        """Return the land that all plans share, as it is now."""
        known = versions(connection)
        version = (known.get("base", 0), known.get("edition", 0))
        held = self._held_land
        if held is None or held.version != version:
            held = load_land(connection, version)
            self._held_land = held
        return held

    nothing = Effect()
    """What an operation does that moves no land."""

    def told_after(self, session: Session, kind: str, *, rebased: int, who: str, committed: bool) -> dict[str, Any]:
        """Return what :meth:`operate` answers for an operation that moved no land."""
        step = _Step(kind, Outcome(self.nothing), session.state, rebased=rebased)
        return self._answer(session, step, committed=committed, who=who)

    # -- telling ---------------------------------------------------------------------------------------------------

    def _answer(self, session: Session, step: _Step, *, committed: bool, who: str) -> dict[str, Any]:
        state, effect = session.state, step.outcome.effect
        touched = sorted(effect.touched, key=abs)
        leaves = [key for key in touched if key in state.grids and state.grids[key].leaf]
        return {
            "id": session.row.id,
            "revision": session.row.revision,
            "committed": committed,
            "kind": step.kind,
            "inverse_of": step.inverse_of,
            "rebased": step.rebased,
            "cells": len(effect.cells),
            "grids": self._grids(session, leaves, polygons=True),
            "upper_grids": [
                grid_facts(state, state.grids[key]) for key in touched if key in state.grids and key not in leaves
            ],
            "ended": [state.ended[key].code for key in touched if key in state.ended],
            "score": plan_score(state, session.land.context.targets),
            "warnings": [
                *(notice_facts(n, session.land.srid) for n in noticed(step.outcome.left_out)),
                *self._notices(session, effect.touched),
            ],
            "undo": last_step(history.undoable(session.entries, who)),
            "redo": last_step(history.redoable(session.entries, who)),
        }

    def _notices(self, session: Session, keys: Any) -> list[dict[str, Any]]:
        found = review(session.state, keys, session.land.context.targets)
        return [notice_facts(n, session.land.srid) for n in found]

    def _grids(self, session: Session, keys: Sequence[int], *, polygons: bool = False) -> list[dict[str, Any]]:
        state = session.state
        scores = grid_scores(state, keys, session.land.context.targets)
        grids = [grid_facts(state, state.grids[key]) | score for key, score in zip(keys, scores, strict=True)]
        if polygons:
            shapes = lonlat(state.polygons(keys), session.land.srid)
            for grid, shape in zip(grids, shapely.to_geojson(shapes), strict=True):
                # a grid without land has no place
                grid["geometry"] = orjson.Fragment(shape) if grid["cells"] else None
        return grids


# -- working out -----------------------------------------------------------------------------------------------------


def _step(session: Session, gesture: Any, base_revision: int | None, who: str) -> _Step:
    row, state = session.row, session.state
    seen_at = row.revision if base_revision is None else base_revision
    if not 0 <= seen_at <= row.revision:
        raise InputError(
            f"方案还没有第 {seen_at} 次修改（现为第 {row.revision} 次）。请刷新方案。",
            f"The plan has no revision {seen_at} yet (it is at {row.revision}). Look at it again.",
        )
    if gesture.kind in {"undo", "redo"}:
        return _taken_back(session, gesture.kind, who)
    later = [entry for entry in session.entries if entry.seq > seen_at]
    seen = history.unwound(state, later) if later else state
    outcome = work_out(seen, gesture, session.land.context)
    if later:
        found = history.clashes(state, outcome.effect, later, seen=seen)
        if found:
            raise _conflict(
                found,
                f"第 {seen_at} 次修改之后，他人改动了同一处，没有执行。两种改法见清单；请刷新后重做。",
                f"Since revision {seen_at} others changed the same land; nothing was done. Both versions are listed; "
                "look at the plan again and repeat the step.",
            )
    return _Step(gesture.kind, outcome, state.after(outcome.effect), rebased=len(later))


def _taken_back(session: Session, kind: str, who: str) -> _Step:
    find = history.undoable if kind == "undo" else history.redoable
    entry = find(session.entries, who)
    if entry is None:
        raise InputError(
            "没有可撤销的操作（只能撤销自己的）。" if kind == "undo" else "没有可重做的操作。",
            "There is nothing of yours to undo." if kind == "undo" else "There is nothing to redo.",
        )
    effect = entry.effect.inverse
    later = [other for other in session.entries if other.seq > entry.seq]
    found = history.clashes(session.state, effect, later)
    if found:
        raise _conflict(
            found,
            f"第 {entry.seq} 步之后，同一处又有改动，不能{'撤销' if kind == 'undo' else '重做'}，见清单。",
            f"What step {entry.seq} touched has been changed since, so that it cannot be "
            f"{'undone' if kind == 'undo' else 'done again'}; see the list.",
        )
    return _Step(kind, Outcome(effect), session.state.after(effect), rebased=0, inverse_of=entry.seq)


def _conflict(found: Sequence[Clash], zh: str, en: str) -> Conflict:
    return Conflict(zh, en, problems=tuple(clash.as_problem() for clash in found))
