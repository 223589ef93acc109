"""Operations: from what a planner asks for to which cells go where. Pure: the plan's state does not change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gridmap.core.plans import facts, moves
from gridmap.core.plans.auto import auto
from gridmap.core.plans.bringing import bring
from gridmap.core.plans.context import Context
from gridmap.core.plans.effect import Outcome
from gridmap.core.plans.state import PlanState
from gridmap.errors import InputError

__all__ = ["operate"]


def operate(state: PlanState, gesture: Any, context: Context) -> Outcome:
    """Return what a gesture does to a plan (every kind but undo and redo, which need the log).

    Raises
    ------
    InputError
        It cannot be done; the sentence says why.
    """
    outcome = _OPERATIONS[gesture.kind](state, gesture, context)
    if not outcome.effect:
        raise InputError("这一步不改变任何东西。", "This changes nothing.")
    return outcome


_OPERATIONS: dict[str, Callable[[PlanState, Any, Context], Outcome]] = {
    "assign": moves.assign,
    "line": moves.line,
    "move_boundary": moves.move_boundary,
    "split": moves.split,
    "merge": moves.merge,
    "new_grid": moves.new_grid,
    "rename": facts.rename,
    "set_kind": facts.set_kind,
    "set_parent": facts.set_parent,
    "transfer": moves.transfer,
    "renumber": facts.renumber,
    "lock": facts.lock,
    "unlock": facts.lock,
    "auto": auto,
    "import": bring,
}
