"""How many of everything a county of a given number of buildings has."""

from __future__ import annotations

import math
from dataclasses import dataclass

from gridmap.errors import InputError

#: The county that the specification describes; every other size is in proportion to it.
NORMAL_BUILDINGS = 3000
FEWEST_BUILDINGS = 600
MOST_BUILDINGS = 1_000_000
FEWEST_COMMUNITIES = 2


@dataclass(frozen=True, slots=True)
class Size:
    """The counts of a county; ``scale`` is its length, ``factor`` its area, compared with the normal one."""

    buildings: int
    communities: int

    @classmethod
    def of(cls, buildings: int, communities: int | None = None) -> Size:
        """Return the size of a county, with the communities in proportion unless they are given.

        Raises
        ------
        InputError
            When the number of buildings or communities is outside what can be generated.
        """
        if not FEWEST_BUILDINGS <= buildings <= MOST_BUILDINGS:
            raise InputError(
                f"楼栋数 {buildings} 不行，请给 {FEWEST_BUILDINGS} 到 {MOST_BUILDINGS} 之间的数。",
                f"{buildings} buildings cannot be generated; give a number from {FEWEST_BUILDINGS} "
                f"to {MOST_BUILDINGS}.",
            )
        if communities is None:
            communities = max(FEWEST_COMMUNITIES, round(4 * buildings / NORMAL_BUILDINGS))
        most = max(4, buildings // 60)
        if not FEWEST_COMMUNITIES <= communities <= most:
            raise InputError(
                f"{buildings} 栋楼分不成 {communities} 个社区，请给 {FEWEST_COMMUNITIES} 到 {most} 之间的数。",
                f"{buildings} buildings cannot make {communities} communities; give a number from "
                f"{FEWEST_COMMUNITIES} to {most}.",
            )
        return cls(buildings, communities)

    @property
    def factor(self) -> float:
        """Area compared with the normal county."""
        return self.buildings / NORMAL_BUILDINGS

    @property
    def scale(self) -> float:
        """Length compared with the normal county."""
        return math.sqrt(self.factor)

    def share(self, normal: int, *, least: int = 1) -> int:
        """Return ``normal`` in proportion, at least ``least``."""
        return max(least, round(normal * self.factor))

    @property
    def urban(self) -> int:
        """Urban leaf grids."""
        return self.share(103, least=12)

    @property
    def dedicated(self) -> int:
        """Dedicated leaf grids: park, market, school, and so on in turn."""
        return self.share(3, least=3)

    @property
    def villages(self) -> int:
        """Natural villages."""
        return self.share(6, least=3)

    @property
    def rural(self) -> int:
        """Rural leaf grids: villagers' groups."""
        return self.share(15, least=6)

    @property
    def village_communities(self) -> int:
        """Communities that are villages (third segment of the code 200 to 399)."""
        return max(1, min(self.villages, round(self.communities / 4)))

    @property
    def urban_communities(self) -> int:
        """Communities in the town."""
        return max(1, self.communities - self.village_communities)

    @property
    def second_urban(self) -> int:
        """Level-2 grids in the town."""
        return max(self.urban_communities, self.share(15, least=2))

    @property
    def second_rural(self) -> int:
        """Level-2 grids in the villages."""
        return max(self.village_communities, self.share(2))
