"""What walking costs: profiles of walkers and the seconds of every edge in both directions."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from gridmap.core.network.graph import STEPS_PER_S, Bools, Floats, Seconds, WalkNetwork, WalkTimes, whole_steps
from gridmap.errors import InputError
from gridmap.model.text import Text

__all__ = ["PROFILES", "WalkProfile", "tobler", "walk_times"]

_SLOWEST_KMH, _FASTEST_KMH = 0.5, 12.0
_KMH = 3.6
#: Heights are uncertain: on a short edge they may make slopes that no street has.
_STEEPEST = 1.0


@dataclass(frozen=True, slots=True)
class WalkProfile:
    """How somebody walks.

    Attributes
    ----------
    name, title
        Name in code and API; words for people.
    speed_mps
        Metres per second on the flat, also off the street.
    steps_factor
        Speed on stairs (along their plan) as a share of the flat speed; 0: stairs are closed.
    slope
        Whether known slopes count, by :func:`tobler`.
    storey_s
        Seconds for each storey above the ground floor in a house without a lift; 0: floors do not count.
    """

    name: str
    speed_mps: float
    steps_factor: float
    title: Text
    slope: bool = True
    storey_s: float = 0.0

    def at(self, speed_kmh: float | None) -> WalkProfile:
        """Return the profile with another speed on the flat (km/h; None: its own).

        Raises
        ------
        InputError
            The speed is not between 0.5 and 12 km/h.
        """
        if speed_kmh is None:
            return self
        if not _SLOWEST_KMH <= speed_kmh <= _FASTEST_KMH:
            raise InputError(
                f"步行速度 {speed_kmh} 公里/小时不合理: 请给出 {_SLOWEST_KMH} 到 {_FASTEST_KMH:g} 之间的值。",
                f"A walking speed of {speed_kmh} km/h makes no sense: give one from {_SLOWEST_KMH} to "
                f"{_FASTEST_KMH:g} km/h.",
            )
        return replace(self, speed_mps=speed_kmh / _KMH)


#: Walkers by name.
#:
#: ``default`` walks 1,000 m in 15 minutes (4 km/h, the upper end of the 800–1,000 m that GB 50180-2018, Standard for
#: urban residential area planning and design, gives a 15-minute circle).
#:
#: ``elderly`` walks 0.8 m/s: L. Asher, M. Aresu, E. Falaschetti and J. Mindell, "Most older pedestrians are unable to
#: cross the road in time", Age and Ageing 41 (2012), found 0.9 m/s for men and 0.8 m/s for women of 65 and more.
#:
#: Stairs: J. J. Fruin, Pedestrian Planning and Design (1971, revised 1987), gives free speeds in plan of about 0.5 m/s
#: up and 0.7 m/s down against 1.35 m/s on the flat. The direction of stairs is not known, so the share of a walk up and
#: down counts: 2 / (1/0.5 + 1/0.7) / 1.35 = 0.43; for the elderly 0.35, because their speed on stairs varies more and
#: they rest on the way (T. Fujiyama and N. Tyler, "Predicting the walking speed of pedestrians on stairs",
#: Transportation Planning and Technology 33 (2010): speed follows leg power).
#:
#: A storey: 3 m of height on stairs of 30° are 5.2 m in plan, at 0.35 × 0.8 m/s about 19 s.
#:
#: ``wheels`` (prams, trolleys) keeps the default speed and takes no stairs.
PROFILES: dict[str, WalkProfile] = {
    profile.name: profile
    for profile in (
        WalkProfile("default", 1000.0 / 900.0, 0.43, Text("一般居民", "general")),
        WalkProfile("elderly", 0.8, 0.35, Text("老年人", "elderly"), storey_s=19.0),
        WalkProfile("wheels", 1000.0 / 900.0, 0.0, Text("推婴儿车", "with a pram")),
    )
}


def tobler(slope: Floats) -> Floats:
    """Return the speed on a slope (rise over run, uphill positive) as a share of the speed on the flat.

    W. Tobler, Three Presentations on Geographical Analysis and Modeling, NCGIA Technical Report 93-1 (1993):
    6 exp(−3.5 |slope + 0.05|) km/h, here divided by its value on the flat.

    >>> import numpy as np
    >>> tobler(np.array([0.0, -0.05, 0.1])).round(3).tolist()
    [1.0, 1.191, 0.705]
    """
    return np.asarray(np.exp(-3.5 * (np.abs(slope + 0.05) - 0.05)), dtype=np.float64)


def walk_times(network: WalkNetwork, profile: WalkProfile = PROFILES["default"]) -> WalkTimes:
    """Return the seconds of every edge for one kind of walker, as whole steps of 1/1024 s, at least one step.

    Stairs are walked at the share of the profile whatever they rise; other edges by their slope where the heights of
    both ends are known, else as if flat.

    Raises
    ------
    InputError
        The speed of the profile is not a positive number.
    """
    if not (profile.speed_mps > 0 and math.isfinite(profile.speed_mps)):
        raise InputError("步行速度必须大于 0。", "The walking speed must be above 0.")
    flat = network.edge_length_m / profile.speed_mps
    stairs = network.edge_steps
    with np.errstate(divide="ignore"):
        flat = np.where(stairs, flat / np.float64(profile.steps_factor), flat)
    rise = np.where(stairs | ~np.isfinite(network.edge_rise_m) | (not profile.slope), 0.0, network.edge_rise_m)
    slope = np.clip(rise / network.edge_length_m, -_STEEPEST, _STEEPEST)
    forward, backward = _seconds(flat, slope, stairs), _seconds(flat, -slope, stairs)
    to_s = np.where(network.arc_forward, backward[network.arc_edge], forward[network.arc_edge])
    return WalkTimes(network, profile.speed_mps, forward, backward, to_s)


def _seconds(flat: Floats, slope: Floats, stairs: Bools) -> Seconds:
    return whole_steps(np.maximum(np.where(stairs, flat, flat / tobler(slope)), 1.0 / STEPS_PER_S))
