"""What a proposal is asked for, and what sizes and borders cost."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from gridmap.core.plans.context import Targets
from gridmap.errors import InputError

__all__ = ["MODES", "Mode", "Order", "Weights"]

Mode = Literal["fresh", "rebalance", "min_change", "grow"]
MODES: tuple[Mode, ...] = get_args(Mode)
FEWEST, MOST = 3, 5
MOST_SEED = 2**31 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """Prices of the objective. One is a border of 200 m along a minor street.

    Attributes
    ----------
    aim
        Share above and below the target within which a grid is good.
    within
        Price of a deviation, squared, inside that band.
    outside
        Price of being outside it at all.
    beyond, far
        Price of each 100 % beyond the band, and on top of it beyond one and a half of the band.
    classes
        What a metre of border costs by the class of the line along it; ``block`` through a block between buildings,
        ``open`` beside open land, ``estate`` through a residential compound.
    """

    aim: float = 0.10
    within: float = 10.0
    outside: float = 3.0
    beyond: float = 300.0
    far: float = 600.0
    classes: dict[str, float] = field(
        default_factory=lambda: {
            "water": 0.1, "rail": 0.1, "major": 0.2, "minor": 1.0, "lane": 2.0, "block": 6.0, "open": 3.0,
            "estate": 12.0,
        }
    )  # fmt: skip

    def scale(self, targets: Targets) -> NDArray[np.float64]:
        """Return the numbers that :func:`kernels.size_cost` takes."""
        numbers = [targets.households, self.aim, self.within, self.beyond, self.far, self.outside]
        return np.array(numbers, dtype=np.float64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is asked for.

    Attributes
    ----------
    mode
        ``fresh``: draw anew; ``rebalance``: even out the grids that there are; ``min_change``: the same, with as few
        households moved as can be; ``grow``: add grids or merge them where the number of households asks for it.
    grid
        Code of one grid: only it and its neighbours change.
    community
        Code of one community; without both the whole plan.
    candidates
        How many to choose from, 3 to 5; fewer where some would be the same.
    seed
        The same seed gives the same proposals.
    effort
        Iterations, as a multiple of the usual number.
    renumber
        Give codes anew in order where grids changed.
    """

    mode: Mode = "rebalance"
    grid: str | None = None
    community: str | None = None
    candidates: int = 4
    seed: int = 1
    effort: float = 1.0
    renumber: bool = False
    weights: Weights = field(default_factory=Weights)

    def __post_init__(self) -> None:
        problems: list[tuple[str, str]] = []
        if self.mode not in MODES:
            names = ", ".join(MODES)
            problems.append((f"方式 mode 应为 {names} 之一", f"mode is one of {names}"))
        if self.grid is not None and self.community is not None:
            problems.append(("范围只能写网格（grid）或社区（community）之一", "name a grid or a community, not both"))
        if not FEWEST <= self.candidates <= MOST:
            problems.append((f"候选数应为 {FEWEST} 到 {MOST}", f"candidates is {FEWEST} to {MOST}"))
        if not 0 <= self.seed <= MOST_SEED:
            problems.append((f"种子应为 0 到 {MOST_SEED}", f"the seed is 0 to {MOST_SEED}"))
        if not 0.1 <= self.effort <= 100:  # noqa: PLR2004
            problems.append(("力度 effort 应为 0.1 到 100", "effort is 0.1 to 100"))
        if problems:
            raise InputError(
                "；".join(zh for zh, _ in problems) + "。",
                "; ".join(en for _, en in problems) + ".",
            )

    def as_dict(self) -> dict[str, Any]:
        """Return plain data, enough to ask again."""
        names = ("mode", "grid", "community", "candidates", "seed", "effort", "renumber")
        return {name: getattr(self, name) for name in names}
