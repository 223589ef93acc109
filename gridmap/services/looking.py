"""A question about coverage, and what answers it: scene, walkers, stations that count, times of all homes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gridmap.core.network import PROFILES, Attachments, Reason
from gridmap.core.network.graph import LONGEST_S
from gridmap.core.reach import DirectPairs, Legs, Nearest, Pairs, legs, nearest, pairs
from gridmap.errors import InputError
from gridmap.model.kinds import STATION_KINDS
from gridmap.model.text import Text
from gridmap.services.attaching import LIMIT_M, take
from gridmap.services.changes import read_changes, scene_with
from gridmap.services.moments import Opening, opening_moment
from gridmap.services.scenarios import scene_of
from gridmap.services.walking import Scene, Town, Walk, Walker, direct_pairs

__all__ = ["Look", "Question", "look"]

LONGEST_MINUTES = LONGEST_S / 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Who walks how long to which stations.

    Empty ``kinds`` and ``services`` mean all. ``tier`` takes stations up to that tier (1: the main network).
    ``open_at`` is ``sunday`` (any weekday), ``20:00`` or an ISO moment. ``scenario`` is a number; None: as it is.
    ``floors`` counts stairs in houses without a lift, for walkers for whom they matter.
    """

    minutes: float = 15.0
    profile: str = "default"
    speed_kmh: float | None = None
    floors: bool = False
    kinds: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    tier: int | None = None
    open_at: str | None = None
    scenario: int | None = None

    @property
    def limit_s(self) -> float:
        """The longest walk in seconds, inclusive."""
        return self.minutes * 60

    def check(self) -> None:
        """Refuse what cannot be meant.

        Raises
        ------
        InputError
            Minutes, profile, speed or a kind do not fit.
        """
        if not 0 < self.minutes <= LONGEST_MINUTES:
            raise InputError(
                f"步行时间应大于 0、不超过 {LONGEST_MINUTES:.0f} 分钟,现为 {self.minutes:g} 分钟。",
                f"The walk is more than 0 and at most {LONGEST_MINUTES:.0f} minutes, not {self.minutes:g}.",
            )
        if self.profile not in PROFILES:
            names = ", ".join(PROFILES)
            raise InputError(
                f"没有“{self.profile}”这种步行者;可用:{names}。", f"There is no walker '{self.profile}': {names}."
            )
        PROFILES[self.profile].at(self.speed_kmh)
        unknown = sorted(set(self.kinds) - set(STATION_KINDS))
        if unknown:
            names = ", ".join(STATION_KINDS)
            raise InputError(f"没有这类站点;可用:{names}。", f"There is no such kind of station. Known: {names}.")

    def as_dict(self) -> dict[str, Any]:
        """Return the settings as they are told in answers."""
        profile = PROFILES[self.profile].at(self.speed_kmh)
        return {
            "minutes": self.minutes,
            "profile": self.profile,
            "speed_kmh": round(profile.speed_mps * 3.6, 3),
            "floors": self.floors,
            "kind": list(self.kinds),
            "service": list(self.services),
            "tier": self.tier,
            "open_at": self.open_at,
            "scenario": self.scenario,
            "attach_limit_m": LIMIT_M,
        }


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """What a question looks at. ``rows`` are the positions of the stations that count, among those of the scene."""

    town: Town
    scene: Scene
    question: Question
    walk: Walk
    rows: NDArray[np.int64]
    open: tuple[bool | None, ...]
    warnings: tuple[Text, ...]

    @property
    def stations(self) -> Attachments:
        """The stations that count."""
        met = self.scene.met_by(self.town, self.walk.profile, stations=True)
        return self.scene.kept.get(
            ("stations", met is self.scene.attached, self.rows.tobytes()), lambda: take(met, self.rows)
        )

    @property
    def homes(self) -> Attachments:
        """Where the homes meet the streets for this walker."""
        return self.scene.met_by(self.town, self.walk.profile)

    @property
    def station_legs(self) -> Legs:
        """The same, timed to the ends of their edges."""
        return self.scene.kept.get((*self._walker, "legs"), lambda: legs(self.walk.times, self.stations))

    @property
    def direct(self) -> DirectPairs:
        """Who needs no street."""

        def make() -> DirectPairs:
            place = np.full(len(self.scene.stations), -1, dtype=np.int64)
            place[self.rows] = np.arange(len(self.rows))
            inside = self.scene.inside[place[self.scene.inside[:, 0]] >= 0]
            inside = np.column_stack([place[inside[:, 0]], inside[:, 1]])
            return direct_pairs(self.stations, self.homes, inside, speed_mps=self.walk.times.speed_mps)

        return self.scene.kept.get((*self._walker, "direct"), make)

    @property
    def _walker(self) -> tuple[Any, ...]:
        return self.walk.profile, self.question.floors, self.rows.tobytes()

    @property
    def far(self) -> Nearest:
        """The nearest station of every home, however far (up to four hours): a limit is a threshold on it."""

        def make() -> Nearest:
            return nearest(self.walk.times, self.station_legs, self.walk.homes, limit_s=LONGEST_S, direct=self.direct)

        return self.scene.kept.get((*self._walker, "far"), make)

    @property
    def covered(self) -> NDArray[np.bool_]:
        """Whether a station is within the limit of each home, (B,)."""
        return np.asarray(self.far.seconds <= np.float32(self.question.limit_s))

    @property
    def pairs(self) -> Pairs:
        """All pairs of a counted station and a home within the limit."""

        def make() -> Pairs:
            limit = self.question.limit_s
            return pairs(self.walk.times, self.station_legs, self.walk.homes, limit_s=limit, direct=self.direct)

        return self.scene.kept.get((*self._walker, "pairs", self.question.limit_s), make)

    def only(self, row: int) -> Look:
        """Return the same question for one station of the scene alone, whether it counts or not."""
        return replace(self, rows=np.array([row], dtype=np.int64))

    @property
    def key(self) -> tuple[Any, ...]:
        """What answers of this look are kept under, in the scene."""
        return (*self._walker, self.question.limit_s, self.open)


def look(walker: Walker, question: Question, changes: Sequence[Mapping[str, Any]] | None = None) -> Look:
    """Return what answers a question; with ``changes`` as if they were made to today.

    Raises
    ------
    InputError
        The question or a change does not fit.
    NotFound
        There is no such scenario.
    NotReady
        There are no data yet.
    """
    question.check()
    town = walker.town()
    scene = (
        scene_of(walker, question.scenario, town)
        if changes is None
        else scene_with(walker.place, town, read_changes(changes, town))
    )
    return look_at(town, scene, question)


def look_at(town: Town, scene: Scene, question: Question) -> Look:
    """Return what answers a question in a scene."""
    profile = PROFILES[question.profile].at(question.speed_kmh)
    opening = None if question.open_at is None else opening_moment(question.open_at, town.time_zone)
    is_open = _open(scene, opening)
    wanted = np.array(
        [
            station.change != "closed"
            and (not question.kinds or station.kind in question.kinds)
            and (not question.services or bool(set(question.services) & set(station.services)))
            and (question.tier is None or (station.tier is not None and station.tier <= question.tier))
            and (opening is None or state is True)
            for station, state in zip(scene.stations, is_open, strict=True)
        ],
        dtype=bool,
    )
    rows = np.flatnonzero(wanted).astype(np.int64)
    warnings = (*_warn_network(town), *_warn_stations(scene, rows), *_warn_unknown(question, scene, is_open))
    walk = scene.walk(town, profile, floors=question.floors)
    return Look(town, scene, question, walk, rows, tuple(is_open), warnings)


def _open(scene: Scene, opening: Opening | None) -> list[bool | None]:
    if opening is None:
        return [None] * len(scene.stations)
    return opening.open([station.opening_hours for station in scene.stations])


def _warn_network(town: Town) -> list[Text]:
    if town.network.edges == 0:
        return [
            Text(
                "没有可步行的道路,无法计算步行时间。请先导入道路。",
                "There are no walkable streets, so nobody can be said to reach anything. Import streets.",
            )
        ]
    if not len(town.homes.ids):
        return [Text("没有楼栋,覆盖人数都是 0。请先导入楼栋。", "There are no buildings, so all counts are 0.")]
    return []


def _warn_stations(scene: Scene, rows: NDArray[np.int64]) -> list[Text]:
    if not len(scene.stations):
        return [Text("还没有站点。请导入或添加站点。", "There are no stations yet. Import or add some.")]
    if not len(rows):
        return [Text("没有站点符合所选条件,因此没有人被覆盖。", "No station fits the question, so nobody is covered.")]
    out = []
    lost = rows[scene.attached.reason[rows] != Reason.ATTACHED]
    for row in lost[:5]:
        station, metres = scene.stations[row], scene.attached.nearest_m[row]
        if scene.attached.reason[row] == Reason.BEHIND_BARRIER:
            why = Text("在水中,或被水、围墙、铁路隔开", "it is in water, or behind water, a wall or a railway")
        elif np.isfinite(metres):
            why = Text(f"离最近道路 {metres:.0f} 米", f"the nearest street is {metres:.0f} m away")
        else:
            why = Text("没有道路", "there is no street")
        out.append(
            Text(
                f"站点“{station.name}”({station.code})与步行道路不通({why.zh}),按步行不计入覆盖。请移到路边。",
                f"Station '{station.name}' ({station.code}) is not on the walking network ({why.en}); nobody can walk "
                "to it. Move it to a street.",
            )
        )
    if len(lost) > len(out):
        more = len(lost) - len(out)
        out.append(Text(f"另有 {more} 个站点与道路不通。", f"{more} more stations are not on the walking network."))
    twins = _twins(scene, rows)
    if twins:
        listed = "、".join(f"{a} / {b}" for a, b in twins[:5])
        out.append(
            Text(
                f"有站点位于同一位置:{listed};距离相同时计入编码在前的一个。",
                f"Stations stand on one spot: {listed}; equally near homes count for the first of them.",
            )
        )
    return out


def _twins(scene: Scene, rows: NDArray[np.int64]) -> list[tuple[str, str]]:
    place: dict[tuple[float, float], str] = {}
    found = []
    for row in rows:
        station = scene.stations[row]
        spot = (round(station.lon, 6), round(station.lat, 6))
        if spot in place:
            found.append((place[spot], station.code))
        else:
            place[spot] = station.code
    return found


def _warn_unknown(question: Question, scene: Scene, is_open: Sequence[bool | None]) -> list[Text]:
    out = []
    if question.open_at is not None:
        unknown = sum(s is None and one.change != "closed" for s, one in zip(is_open, scene.stations, strict=True))
        if unknown:
            out.append(
                Text(
                    f"{unknown} 个站点的开放时间不详,未计入。",
                    f"The hours of {unknown} stations are not known; they do not count.",
                )
            )
    if question.tier is not None:
        unknown = sum(station.tier is None for station in scene.stations)
        if unknown:
            out.append(
                Text(f"{unknown} 个站点没有层级,未计入。", f"{unknown} stations have no tier; they do not count.")
            )
    return out
