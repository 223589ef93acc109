"""Where the next stations should stand: candidates, who would reach them, a proposal at once and its proof as a job."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from gridmap.core.network import Attachments
from gridmap.core.reach import Pairs, pairs
from gridmap.core.siting import (
    Coverage,
    Demand,
    GapShare,
    Places,
    Proposal,
    SitingOptions,
    max_cover,
    p_median,
    set_cover,
)
from gridmap.errors import InputError, NotFound
from gridmap.model.progress import Progress, part, silent
from gridmap.model.text import Text
from gridmap.services.attaching import join, take
from gridmap.services.coverage import gap_id, gap_table
from gridmap.services.looking import Look, Question, look
from gridmap.services.walking import Town, Walker, direct_pairs
from gridmap.store import walking as store
from gridmap.store.database import Place, engine_of

if TYPE_CHECKING:
    from gridmap.services.jobs import Job

__all__ = ["METHODS", "SitingOrder", "propose", "run"]

Method = Literal["max_cover", "set_cover", "p_median"]
METHODS: tuple[Method, ...] = ("max_cover", "set_cover", "p_median")
#: More candidates than this are thinned: one for each square of an even raster.
MOST_CANDIDATES = 1500
MOST_SITES = 500
_HALVINGS = 16
MOST_CODES = 5000
MOST_WEIGHTS = 20_000
_LARGEST_WEIGHT = 1000.0
#: For the shortest walks also stations beyond the limit are looked at, at least this far.
_MEDIAN_S = 1800.0
#: A proof that takes longer is ended, and says that it is not repeatable.
PROOF_S = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SitingOrder:
    """What is to be chosen, from what, to which end.

    ``candidates`` is ``candidates`` (the imported list), ``public`` (public buildings), ``buildings`` (any) or codes
    of candidates or buildings. ``weights`` says how much a household or person of a grid counts (code → factor, 1
    where nothing is said). ``changes`` are changes that are tried first.
    """

    method: Method = "max_cover"
    count: int | None = None
    target_share: float | None = None
    candidates: str | Sequence[str] = "candidates"
    objective: Literal["households", "people"] = "households"
    weights: Mapping[str, float] = field(default_factory=dict)
    capacity: float | None = None
    spacing_m: float | None = None
    time_limit_s: float = PROOF_S
    question: Question = field(default_factory=Question)
    changes: Sequence[Mapping[str, Any]] | None = None

    def as_input(self) -> dict[str, Any]:
        """Return plain data, enough to do it again."""
        return asdict(self)

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> SitingOrder:
        """Return the order of plain data."""
        question = dict(given["question"])
        question |= {name: tuple(question[name]) for name in ("kinds", "services")}
        return cls(**{**given, "question": Question(**question)})


@dataclass(frozen=True, slots=True, eq=False)
class _Sites:
    """Candidates as places: codes, names, points (EPSG:4326), where they meet the streets and who lives in them."""

    codes: list[str]
    names: list[str]
    lonlat: NDArray[np.float64]
    attached: Attachments
    inside: NDArray[np.int64]
    notes: tuple[Text, ...] = ()


def propose(walker: Walker, order: SitingOrder, *, prove: bool = False, progress: Progress = silent) -> dict[str, Any]:
    """Propose sites, at once or proven.

    Raises
    ------
    InputError
        The order does not fit.
    NotFound
        There is no such candidate or scenario.
    Cancelled
        Raised by ``progress``.
    """
    _check(order)
    seen = look(walker, order.question, order.changes)
    progress(0.05, Text("计算备选点的可达范围", "Working out whom the candidates reach"))
    sites = _sites(walker.place, seen, order.candidates)
    reach_s = max(_MEDIAN_S, 2 * seen.question.limit_s) if order.method == "p_median" else seen.question.limit_s
    candidates = Places(
        _coverage(_pairs(seen, sites.attached, sites.inside, reach_s)), keys=sites.codes, xy=sites.attached.xy
    )
    existing = Places(
        _coverage(_existing_pairs(seen, reach_s)),
        keys=[seen.scene.stations[row].code for row in seen.rows],
        xy=seen.stations.xy,
    )
    demand = _demand(seen, order)
    found = _solve(order, demand, candidates, existing, prove=prove, progress=part(progress, 0.15, 1.0))
    if order.method == "p_median":
        found = _within_limit(found, seen, demand, candidates)
    return {"version": seen.town.version, "settings": seen.question.as_dict(), "proposal": _told(seen, sites, found)}


def run(place: Place, inputs: dict[str, Any], job: Job) -> dict[str, Any]:
    """Do a job of kind ``siting``: its input is a :class:`SitingOrder` as plain data; the proposal is proven."""
    return propose(Walker(place), SitingOrder.of(inputs), prove=True, progress=job.progress)


def _check(order: SitingOrder) -> None:
    order.question.check()
    if order.method not in METHODS:
        names = ", ".join(METHODS)
        raise InputError(f"没有这种选址方法;可用:{names}。", f"There is no such method. Known: {names}.")
    if order.method == "set_cover":
        if order.target_share is None or not 0 < order.target_share <= 1:
            raise InputError(
                "请给出目标覆盖率 target_share:大于 0、不超过 1。", "Give target_share: above 0 and at most 1."
            )
    elif order.count is None or not 1 <= order.count <= MOST_SITES:
        raise InputError(
            f"请给出新站点个数 count:1 到 {MOST_SITES}。", f"Give count, the number of new stations: 1 to {MOST_SITES}."
        )
    if order.objective not in {"households", "people"}:
        raise InputError("目标应为 households 或 people。", "The objective is households or people.")
    if not 0 < order.time_limit_s <= 24 * 3600:
        raise InputError("求解时限应大于 0 秒、不超过 24 小时。", "The time limit is above 0 s and at most 24 hours.")
    bad = [code for code, factor in order.weights.items() if not 0 <= factor <= _LARGEST_WEIGHT]
    if bad or len(order.weights) > MOST_WEIGHTS:
        raise InputError(
            f"权重应为 0 到 {_LARGEST_WEIGHT:.0f} 的数。", f"Weights are numbers from 0 to {_LARGEST_WEIGHT:.0f}."
        )


def _solve(
    order: SitingOrder, demand: Demand, candidates: Places, existing: Places, *, prove: bool, progress: Progress
) -> Proposal:
    options = SitingOptions(objective=order.objective, capacity=order.capacity, spacing_m=order.spacing_m)
    common: dict[str, Any] = {
        "existing": existing,
        "options": options,
        "prove": prove,
        "time_limit_s": order.time_limit_s if prove else None,
        "progress": progress,
    }
    if order.method == "set_cover":
        return set_cover(demand, candidates, share=order.target_share or 1.0, **common)
    solve = max_cover if order.method == "max_cover" else p_median
    return solve(demand, candidates, order.count or 1, **common)


def _within_limit(found: Proposal, seen: Look, demand: Demand, candidates: Places) -> Proposal:
    """Count what sites reach by the limit of the question: shortest walks are searched for farther than that."""
    seconds = candidates.reach.seconds
    assert seconds is not None  # noqa: S101 (of pairs)
    households, people = np.asarray(demand.households), np.asarray(demand.people)
    weight, limit = demand.weights(found.objective), np.float32(seen.question.limit_s)
    served = seen.covered.copy()
    before = served.copy()
    sites = []
    for site in found.sites:
        rows = slice(candidates.reach.start[site.candidate], candidates.reach.start[site.candidate + 1])
        within = candidates.reach.demand[rows][seconds[rows] <= limit]
        new = within[~served[within]]
        gap = np.full(0, -1) if demand.gap is None else demand.gap[new]
        served[new] = True
        sites.append(
            replace(
                site,
                gains=float(households[new].sum()),
                gains_people=float(people[new].sum()),
                reaches=float(households[within].sum()),
                gaps=_gap_shares(gap[gap >= 0], new[gap >= 0], demand, served),
            )
        )
    return replace(
        found,
        sites=tuple(sites),
        before=float(weight[before].sum()),
        covered=float(weight[served].sum()),
        households_before=float(households[before].sum()),
        households_covered=float(households[served].sum()),
        people_before=float(people[before].sum()),
        people_covered=float(people[served].sum()),
    )


def _gap_shares(
    gap: NDArray[np.int32], new: NDArray[np.int32], demand: Demand, served: NDArray[np.bool_]
) -> tuple[GapShare, ...]:
    assert demand.gap is not None  # noqa: S101 (made here)
    shares = [
        GapShare(
            int(one), float(demand.households[new[gap == one]].sum()), closed=bool(served[demand.gap == one].all())
        )
        for one in np.unique(gap)
    ]
    return tuple(sorted(shares, key=lambda share: -share.households))


# --- candidates ----------------------------------------------------------------------------------------------------


def _sites(place: Place, seen: Look, wanted: str | Sequence[str]) -> _Sites:
    town = seen.town
    if isinstance(wanted, str):
        if wanted == "candidates":
            return _imported(town, np.arange(len(town.candidates)))
        if wanted == "public":
            return _of_buildings(place, seen, np.flatnonzero(town.homes.public))
        if wanted == "buildings":
            return _of_buildings(place, seen, np.flatnonzero(seen.homes.reason == 0))
        raise InputError(
            "candidates 应为 candidates、public、buildings,或编码的列表。",
            "candidates is candidates, public, buildings, or a list of codes.",
        )
    if len(wanted) > MOST_CODES:
        raise InputError(f"备选点最多 {MOST_CODES} 个。", f"At most {MOST_CODES} candidates can be listed.")
    return _listed(place, seen, wanted)


def _imported(town: Town, rows: NDArray[np.int64]) -> _Sites:
    place = np.full(len(town.candidates), -1, dtype=np.int64)
    place[rows] = np.arange(len(rows))
    inside = town.candidates_inside[place[town.candidates_inside[:, 0]] >= 0]
    chosen = [town.candidates[row] for row in rows]
    return _Sites(
        [str(one["source_id"]) for one in chosen],
        [str(one["name"]) for one in chosen],
        np.array([(one["lon"], one["lat"]) for one in chosen], dtype=np.float64).reshape(-1, 2),
        take(town.candidates_attached, rows),
        np.column_stack([place[inside[:, 0]], inside[:, 1]]),
    )


def _of_buildings(place: Place, seen: Look, rows: NDArray[np.int64], *, thin: bool = True) -> _Sites:
    homes = seen.homes
    few = _thinned(homes.xy, rows) if thin else rows
    notes: tuple[Text, ...] = ()
    if len(few) < len(rows):
        notes = (
            Text(
                f"备选楼栋有 {len(rows)} 栋,按均匀网格取 {len(few)} 栋。",
                f"Of {len(rows)} buildings {len(few)} were taken as candidates, one for each square of a raster.",
            ),
        )
    with engine_of(place).connect() as connection:
        labels = store.building_labels(connection, seen.town.homes.ids[few].tolist())
    named = [labels[int(number)] for number in seen.town.homes.ids[few]]
    return _Sites(
        [str(one["source_id"]) for one in named],
        [str(one["label"]) for one in named],
        seen.town.lonlat(homes.xy[few]),
        take(homes, few),
        np.column_stack([np.arange(len(few)), few]).astype(np.int64),
        notes,
    )


def _thinned(xy: NDArray[np.float64], rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return at most :data:`MOST_CANDIDATES` of some points: of each square of a raster the one nearest its middle."""
    if len(rows) <= MOST_CANDIDATES:
        return rows
    points = xy[rows]
    low, span = points.min(axis=0), float(np.ptp(points, axis=0).max())
    found = rows[:1]
    small, large = 0.0, max(span, 1.0) * 1.01
    for _ in range(_HALVINGS):
        side = (small + large) / 2
        square = np.floor((points - low) / side).astype(np.int64)
        key = square[:, 0] << 32 | square[:, 1]
        away = np.hypot(*(points - low - (square + 0.5) * side).T)
        order = np.lexsort((rows, away, key))
        _, first = np.unique(key[order], return_index=True)
        if len(first) <= MOST_CANDIDATES:
            found, large = np.sort(rows[order[first]]), side
        else:
            small = side
    return found


def _listed(place: Place, seen: Look, codes: Sequence[str]) -> _Sites:
    """Return candidates and buildings by their codes, in the order given; one that repeats stays, siting tells."""
    town = seen.town
    known = {str(one["source_id"]): row for row, one in enumerate(town.candidates)}
    others = [code for code in dict.fromkeys(codes) if code not in known]
    with engine_of(place).connect() as connection:
        found = store.buildings_of_sources(connection, others)
    missing = [code for code in others if code not in found]
    if missing:
        listed = "、".join(missing[:5])
        raise NotFound(
            f"没有这些编码的备选点或楼栋:{listed}。", f"There is no candidate or building with these codes: {listed}."
        )
    first = _imported(town, np.array([known[c] for c in dict.fromkeys(codes) if c in known], dtype=np.int64))
    homes = town.homes.rows(np.array([found[code] for code in others], dtype=np.int64))
    second = _of_buildings(place, seen, homes, thin=False)
    whole = _Sites(
        [*first.codes, *second.codes],
        [*first.names, *second.names],
        np.vstack([first.lonlat, second.lonlat]),
        join(first.attached, second.attached),
        np.vstack([first.inside, second.inside + np.array([len(first.codes), 0])]),
        second.notes,
    )
    twice = len(codes) - len(set(codes))
    if not twice:
        return whole
    note = Text(f"{twice} 个备选点重复,只计一次。", f"{twice} candidates are listed again and count once.")
    return replace(whole, notes=(*whole.notes, note))


# --- who reaches whom ----------------------------------------------------------------------------------------------


def _pairs(seen: Look, attached: Attachments, inside: NDArray[np.int64], limit_s: float) -> Pairs:
    direct = direct_pairs(attached, seen.homes, inside, speed_mps=seen.walk.times.speed_mps)
    return pairs(seen.walk.times, attached, seen.walk.homes, limit_s=limit_s, direct=direct)


def _existing_pairs(seen: Look, limit_s: float) -> Pairs:
    if limit_s == seen.question.limit_s:
        return seen.pairs
    return pairs(seen.walk.times, seen.station_legs, seen.walk.homes, limit_s=limit_s, direct=seen.direct)


def _coverage(found: Pairs) -> Coverage:
    return Coverage(found.start, found.building, found.seconds)


def _demand(seen: Look, order: SitingOrder) -> Demand:
    demand = seen.town.cells.demand
    _, area = gap_table(seen)
    gap = np.full(demand.count, -1, dtype=np.int32)
    missed = ~seen.covered[demand.building] & (demand.households > 0)
    gap[demand.building[missed]] = area[demand.cell[missed]]
    return Demand(
        households=demand.of_buildings(demand.households).astype(np.float64),
        people=demand.of_buildings(demand.people).astype(np.float64),
        factor=_factors(seen, order.weights),
        gap=gap,
    )


def _factors(seen: Look, weights: Mapping[str, float]) -> NDArray[np.float64] | None:
    if not weights:
        return None
    grids = seen.town.grids
    codes = [] if grids is None else [str(code) for code in grids.table["code"].to_numpy(dtype=object)[grids.leaf]]
    unknown = sorted(set(weights) - set(codes))
    if unknown:
        raise NotFound(f"没有编码为 {unknown[0]} 的网格。", f"There is no grid {unknown[0]}.")
    demand = seen.town.cells.demand
    of_leaf = np.array([weights.get(code, 1.0) for code in codes])
    factor = np.ones(demand.count)
    leaf = seen.town.cells.grid[demand.cell]
    factor[demand.building[leaf >= 0]] = of_leaf[leaf[leaf >= 0]]
    return factor


def _told(seen: Look, sites: _Sites, found: Proposal) -> dict[str, Any]:
    codes = [seen.scene.stations[row].code for row in seen.rows]

    def words(texts: Sequence[Text]) -> list[dict[str, str]]:
        return [{"zh": text.zh, "en": text.en} for text in texts]

    return {
        "method": found.method,
        "objective": found.objective,
        "sites": [
            {
                "rank": site.rank,
                "code": sites.codes[site.candidate],
                "name": sites.names[site.candidate],
                "lon": float(sites.lonlat[site.candidate, 0]),
                "lat": float(sites.lonlat[site.candidate, 1]),
                "gains": _whole(site.gains),
                "gains_people": _whole(site.gains_people),
                "reaches": _whole(site.reaches),
                "saves_s": round(site.saves_s, 1),
                "takes_from": [
                    {"code": codes[taken.station], "households": _whole(taken.households)}
                    for taken in site.takes_from
                    if taken.households > 0
                ],
                "closes_gaps": [gap_id(gap + 1) for gap in site.closes_gaps],
                "gaps": [
                    {"id": gap_id(share.gap + 1), "households": _whole(share.households), "closed": share.closed}
                    for share in site.gaps
                ],
            }
            for site in found.sites
        ],
        "candidates": len(sites.codes),
        "households": _whole(found.households),
        "households_before": _whole(found.households_before),
        "households_covered": _whole(found.households_covered),
        "people": _whole(found.people),
        "people_covered": _whole(found.people_covered),
        "total": found.total,
        "before": found.before,
        "covered": found.covered,
        "share": found.share,
        "value": found.value,
        "bound": found.bound if math.isfinite(found.bound) else None,
        "gap": found.gap if math.isfinite(found.gap) else None,
        "proven": found.proven,
        "repeatable": found.repeatable,
        "not_satisfied": words(found.not_satisfied),
        "notes": words((*sites.notes, *found.notes)),
    }


def _whole(value: float) -> int | float:
    return int(value) if float(value).is_integer() else round(float(value), 3)
