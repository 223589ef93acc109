"""The log of a plan: what can be taken back, and where two planners' steps do not go together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from gridmap.core.plans.effect import NO_GRID, Effect, GridChange
from gridmap.core.plans.state import PlanState
from gridmap.model.text import Text

__all__ = ["NOT_TAKEN_BACK", "Clash", "Entry", "clashes", "redoable", "replay", "undoable", "unwound"]

NOT_TAKEN_BACK = frozenset({"draft", "carry", "rebase", "cut"})
"""Kinds of entries that undo passes over: no planner made them by hand, or, as a cut, they move no land."""

_SHOWN_CELLS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry of the log: number within the plan (1, 2, …), who made it when, its kind and effect.

    ``inverse_of`` is the number of the entry that an undo or redo takes back.
    """

    seq: int
    who: str
    kind: str
    effect: Effect
    inverse_of: int | None = None
    at: datetime | None = None


def _stacks(entries: Iterable[Entry], who: str) -> tuple[list[Entry], list[Entry]]:
    """Return what somebody can take back and do again, the next one last."""
    done: list[Entry] = []
    undone: list[Entry] = []
    for entry in entries:
        if entry.who != who or entry.kind in NOT_TAKEN_BACK:
            continue
        if entry.kind == "undo":
            done = [e for e in done if e.seq != entry.inverse_of]
            undone.append(entry)
        elif entry.kind == "redo":
            undone = [e for e in undone if e.seq != entry.inverse_of]
            done.append(entry)
        else:
            done.append(entry)
            undone.clear()
    return done, undone


def undoable(entries: Iterable[Entry], who: str) -> Entry | None:
    """Return the entry that an undo by somebody takes back: their last that stands."""
    done, _ = _stacks(entries, who)
    return done[-1] if done else None


def redoable(entries: Iterable[Entry], who: str) -> Entry | None:
    """Return the undo that a redo by somebody takes back: their last since they did something new."""
    _, undone = _stacks(entries, who)
    return undone[-1] if undone else None


def replay(state: PlanState, entries: Iterable[Entry]) -> PlanState:
    """Return the state after some entries; needs no geometry but that of grids that are asked for later."""
    for entry in entries:
        state = state.after(entry.effect)
    return state


def unwound(state: PlanState, entries: Sequence[Entry]) -> PlanState:
    """Return the state before some entries, which are the last ones."""
    for entry in reversed(entries):
        state = state.after(entry.effect.inverse)
    return state


@dataclass(frozen=True, slots=True, kw_only=True)
class Clash:
    """Where an effect does not fit the plan as it is now: both versions, and who made theirs."""

    message: Text
    cells: tuple[int, ...] = ()
    grid: str | None = None
    mine: tuple[str | None, str | None] | None = None
    theirs: str | None = None
    entry: Entry | None = None

    def as_problem(self) -> dict[str, Any]:
        """Return plain data: the sentence, the cells, my version and theirs."""
        entry = self.entry
        return {
            "message": {"zh": self.message.zh, "en": self.message.en},
            "cells": list(self.cells[:_SHOWN_CELLS]),
            "cell_count": len(self.cells),
            "grid": self.grid,
            "mine": None if self.mine is None else {"from": self.mine[0], "to": self.mine[1]},
            "theirs": {
                "now": self.theirs,
                "by": entry.who if entry else None,
                "operation": entry.seq if entry else None,
                "kind": entry.kind if entry else None,
                "at": entry.at.isoformat() if entry and entry.at else None,
            },
        }


def clashes(state: PlanState, effect: Effect, later: Sequence[Entry], *, seen: PlanState | None = None) -> list[Clash]:
    """Return where an effect, worked out on an earlier state, does not fit the present one.

    Parameters
    ----------
    state
        The plan now.
    effect
        What should be done.
    later
        The entries since the earlier state.
    seen
        The earlier state, for what it says of the grids.
    """
    found = _cells(state, effect, later)
    found += _changes(state, effect, later)
    found += _grids(state, effect, later, seen)
    if not found:
        found = _after(state, effect, later)
    return found


def _code(state: PlanState, key: int) -> str | None:
    grid = state.grids.get(key) or state.ended.get(key)
    return None if grid is None else grid.code


def _last(later: Sequence[Entry], *, cell: int | None = None, key: int | None = None) -> Entry | None:
    """Return the last of some entries that moved a cell, or touched a grid."""
    for entry in reversed(later):
        if (cell is not None and cell in entry.effect.cells) or (key is not None and key in entry.effect.touched):
            return entry
    return None


def _cells(state: PlanState, effect: Effect, later: Sequence[Entry]) -> list[Clash]:
    groups: dict[tuple[int, int, int | None, int | None], list[int]] = {}
    moved_by = [(entry, entry.effect.cells) for entry in reversed(later)]
    by: dict[int, Entry] = {entry.seq: entry for entry in later}
    for move in effect.moves:
        cells = np.array(move.cells, dtype=np.int64)
        rows = state.fabric.rows_of(cells)
        now = np.where(rows >= 0, state.keys_of(rows), -(2**62))
        for cell, key, row in zip(cells.tolist(), now.tolist(), rows.tolist(), strict=True):
            if key != move.source:
                entry = next((e for e, moved in moved_by if cell in moved), None)
                group = (move.source, move.target, key if row >= 0 else None, entry.seq if entry else None)
                groups.setdefault(group, []).append(cell)
    out = []
    for (source, target, key, seq), members in groups.items():
        theirs = None if key is None else _code(state, key)
        now_zh = "已被新单元取代" if key is None else f"现在{'在网格 ' + theirs if theirs else '不在任何网格'}"
        now_en = "have been replaced" if key is None else f"are {'in grid ' + theirs if theirs else 'in no grid'} now"
        message = Text(f"{len(members)} 个单元{now_zh}。", f"{len(members)} cells {now_en}.")
        out.append(
            Clash(
                message=message,
                cells=tuple(members),
                mine=(_code(state, source), _code(state, target)),
                theirs=theirs,
                entry=None if seq is None else by[seq],
            )
        )
    return out


def _changes(state: PlanState, effect: Effect, later: Sequence[Entry]) -> list[Clash]:
    out = []
    for change in effect.grids:
        grid = state.grids.get(change.key)
        fits = (grid is None) == (change.before is None) and (
            grid is None or change.before is None or all(getattr(grid, n) == v for n, v in change.before.items())
        )
        if not fits:
            out.append(_grid_clash(state, change.key, later, "已被改动", "has been changed"))
    return out


def _grid_clash(state: PlanState, key: int, later: Sequence[Entry], zh: str, en: str) -> Clash:
    grid = state.grids.get(key) or state.ended.get(key)
    label = grid.label if grid else str(key)
    return Clash(
        message=Text(f"网格 {label} {zh}。", f"Grid {label} {en}."),
        grid=grid.code if grid else None,
        theirs=grid.code if key in state.grids and grid else None,
        entry=_last(later, key=key),
    )


def _grids(state: PlanState, effect: Effect, later: Sequence[Entry], seen: PlanState | None) -> list[Clash]:
    """Find grids that give or take land and ended, were locked, or joined another community meanwhile."""
    beginning = {c.key for c in effect.grids if c.before is None}
    out = []
    for key in sorted({k for m in effect.moves for k in (m.source, m.target)} - {NO_GRID} - beginning):
        grid, before = state.grids.get(key), seen.grids.get(key) if seen else None
        if grid is None:
            out.append(_grid_clash(state, key, later, "已经撤销", "has ended"))
        elif grid.locked:
            out.append(_grid_clash(state, key, later, "已锁定", "is locked"))
        elif before is not None and before.community != grid.community:
            out.append(_grid_clash(state, key, later, "已归入其他社区", "has joined another community"))
    return out


def _after(state: PlanState, effect: Effect, later: Sequence[Entry]) -> list[Clash]:
    """Find what would be wrong afterwards: land in a grid that ended, two grids of one code, parents that are gone."""
    then = state.after(effect)
    out = [
        _grid_clash(state, change.key, later, "又有了别的土地", "has got other land since")
        for change in effect.grids
        if change.after is None and change.key in then.row_of and then.tally.cells[then.row_of[change.key]]
    ]
    out += [
        _grid_clash(state, key, later, "与其他网格编码相同", "has the code of another grid")
        for key in _doubles(then, effect.grids)
    ]
    for grid in then.grids.values():
        if grid.parent is not None and grid.parent not in then.grids:
            out.append(_grid_clash(then, grid.key, later, "的上级网格已不存在", "stands under a grid that is gone"))
    return out


def _doubles(state: PlanState, changes: Iterable[GridChange]) -> list[int]:
    codes: dict[str, int] = {}
    for grid in state.grids.values():
        codes[grid.code] = codes.get(grid.code, 0) + 1
    changed = [state.grids[c.key] for c in changes if c.key in state.grids]
    return [grid.key for grid in changed if codes[grid.code] > 1]
