"""HiGHS, with progress, cancel and a time limit."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import highspy
import numpy as np

from gridmap.core.network.graph import Bools, Floats, Ints

_LOOK_S = 0.05
_PATIENCE_S = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """Maximise ``gain @ x`` with ``lower <= A @ x <= upper`` and x between 0 and ``most``; A is given by rows.

    Attributes
    ----------
    whole
        (n,) variables that must be whole numbers.
    start, column, value
        Rows of A.
    """

    gain: Floats
    most: Floats
    whole: Bools
    start: Ints
    column: Ints
    value: Floats
    lower: Floats
    upper: Floats


@dataclass(slots=True)
class Budget:
    """Seconds that the solver may still take, over all models of one question; None: no limit."""

    left_s: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Solved:
    """What the solver found: a choice (None: none yet), the bound, and whether it came to its end in time."""

    x: Floats | None
    bound: float
    finished: bool


def solve(
    model: Model,
    *,
    first: Floats | None = None,
    gap: float = 0.0,
    budget: Budget,
    tell: Callable[[float, float], None],
) -> Solved:
    """Maximise a model.

    The solver runs in a thread of its own; ``tell`` is called about twenty times a second with the best value and the
    bound so far, and stops the solver by raising. The solver listens between its steps: should a long one be under
    way, it ends by itself at the end of that step while the caller already goes on.

    Parameters
    ----------
    first
        A choice to begin with.
    gap
        Absolute difference of value and bound that counts as proven.
    """
    highs: Any = highspy.Highs()  # type: ignore[no-untyped-call]
    options = {"output_flag": False, "parallel": "off", "mip_rel_gap": 0.0, "mip_abs_gap": gap, "random_seed": 0}
    for name, option in options.items():
        highs.setOptionValue(name, option)
    if budget.left_s is not None:
        highs.setOptionValue("time_limit", max(budget.left_s, 0.0))
    highs.passModel(_as_lp(model))
    if first is not None:
        known = highspy.HighsSolution()
        known.col_value = first
        highs.setSolution(known)
    stop = threading.Event()
    seen = [-np.inf if first is None else float(model.gain @ first), np.inf]

    def listen(event: Any) -> None:
        seen[0] = max(seen[0], event.data_out.mip_primal_bound)
        seen[1] = min(seen[1], event.data_out.mip_dual_bound)
        if stop.is_set():
            event.interrupt()

    highs.cbMipInterrupt += listen
    work = threading.Thread(target=highs.run, daemon=True)
    work.start()
    try:
        while work.is_alive():
            work.join(_LOOK_S)
            tell(seen[0], seen[1])
    except BaseException:
        stop.set()
        work.join(_PATIENCE_S)
        raise
    if budget.left_s is not None:
        budget.left_s -= float(highs.getRunTime())
    return _read(highs)


def _as_lp(model: Model) -> Any:
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = len(model.gain), len(model.lower)
    lp.sense_ = highspy.ObjSense.kMaximize
    lp.col_cost_, lp.col_lower_, lp.col_upper_ = model.gain, np.zeros(len(model.gain)), model.most
    lp.row_lower_, lp.row_upper_ = model.lower, model.upper
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_, lp.a_matrix_.index_, lp.a_matrix_.value_ = model.start, model.column, model.value
    kinds = (highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger)
    lp.integrality_ = [kinds[int(whole)] for whole in model.whole]
    return lp


def _read(highs: Any) -> Solved:
    info, status = highs.getInfo(), highs.getModelStatus()
    known = info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
    finished = status in {highspy.HighsModelStatus.kOptimal, highspy.HighsModelStatus.kInfeasible}
    x = np.array(highs.getSolution().col_value) if known else None
    bound = info.mip_dual_bound if status != highspy.HighsModelStatus.kInfeasible else -np.inf
    return Solved(x, float(bound), finished)
