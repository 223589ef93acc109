"""What operations need to know beside the plan: targets, codes already used, communities, and the way to metres."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gridmap.errors import InputError

__all__ = ["Context", "Targets"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Targets:
    """How large an urban grid should be; ``tolerance`` is the share above and below that is accepted.

    Raises
    ------
    InputError
        A target is not positive, or the tolerance is not between 0 and 1.
    """

    households: int = 300
    tolerance: float = 0.30
    people: int = 1_000

    def __post_init__(self) -> None:
        if self.households <= 0 or self.people <= 0 or not 0 < self.tolerance < 1:
            raise InputError(
                f"网格规模设置不对：标准 {self.households} 户、{self.people} 人须大于 0，允许偏差 {self.tolerance} "
                "须在 0 与 1 之间。请改正辖区设置。",
                f"The size of grids is set wrongly: {self.households} households and {self.people} people must be "
                f"above 0, the tolerance {self.tolerance} between 0 and 1. Correct the jurisdiction's settings.",
            )

    @property
    def most(self) -> int:
        """Return the largest number of households within the band."""
        return int(round(self.households * (1 + self.tolerance), 6))

    def deviation(self, households: Any) -> Any:
        """Return the share by which households lie above (below: negative) the target."""
        return (np.asarray(households, dtype=np.float64) - self.households) / self.households


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What does not belong to the plan.

    Attributes
    ----------
    to_metric
        Brings longitudes and latitudes, shape (n, 2), into the metric system of the land.
    targets
        Sizes of grids.
    used_codes
        Codes that grids of any edition have or had: never given to another grid by rule.
    communities
        Kind (urban, rural or None) of each community by code.
    """

    to_metric: Callable[[Floats], Floats]
    targets: Targets = field(default_factory=Targets)
    used_codes: frozenset[str] = frozenset()
    communities: Mapping[str, str | None] = field(default_factory=dict)
