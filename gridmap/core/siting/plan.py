"""The three questions of siting; see the package."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from gridmap.core.network.graph import Bools, Bytes, Floats, Ints, Longs
from gridmap.core.siting import capacity as capacities
from gridmap.core.siting import kernels, search
from gridmap.core.siting.describe import Answer, describe
from gridmap.core.siting.inputs import Coverage, Demand, Places, SitingOptions, check_inputs
from gridmap.core.siting.proposal import Method, Proposal
from gridmap.core.siting.rows import FREE, OUT, TAKEN, Rows, cover_rows, near_pairs, reduced, time_rows
from gridmap.core.siting.search import Found, Spacing
from gridmap.core.siting.solver import Budget, Model, solve
from gridmap.errors import InputError
from gridmap.model.progress import Progress, silent
from gridmap.model.text import Text

_NOBODY = Places(Coverage.none(), xy=np.empty((0, 2)))
_DEFAULT = SitingOptions()
#: Costs that are not whole numbers and differ by less than this share of the whole count as equal.
_EQUAL = 1e-7
#: A target is reached when so many households or people are missing; the solver is exact to a millionth.
_SLACK = 1e-5
#: A variable of the solver is set from here on.
_SET = 0.5
#: Exchanges in the search for fewer sites.
_STEPS = 4000
#: Numbers of sites that differ by less than this are the same.
_ONE = 0.99


def max_cover(
    demand: Demand,
    candidates: Places,
    count: int,
    *,
    existing: Places = _NOBODY,
    options: SitingOptions = _DEFAULT,
    prove: bool = False,
    time_limit_s: float | None = None,
    progress: Progress = silent,
) -> Proposal:
    """Choose ``count`` new stations so that they reach as much demand as possible (MCLP; Church & ReVelle 1974).

    Existing stations stay, and what they reach is not counted again.

    Parameters
    ----------
    demand, candidates, existing
        Who is to be served, by whom, and who serves already.
    count
        How many new stations; those that would add nobody are not proposed.
    prove
        Search on until no better choice can exist; without it the answer comes at once.
    time_limit_s
        Seconds that the solver may take; the answer then says how far it may be from the best, and is not repeatable.

    Raises
    ------
    InputError
        Numbers or arrays that cannot be meant.
    Cancelled
        Raised by ``progress``.
    """
    case = _Case.of("max_cover", demand, candidates, existing, options, progress)
    _check_count(count)
    rows, group = case.cover(case.options.capacity is not None)
    most = min(count, int((case.state == FREE).sum()))
    tell = case.teller(rows)
    if options.capacity is None:
        found = _least(rows, case, most, prove=prove, budget=Budget(time_limit_s), tell=tell)
        value, bound = rows.most_cost - rows.cost_of(found.sites), rows.most_cost - found.bound
        shares = None
    else:
        flow = capacities.flow_of(rows, options.capacity)
        found, value = _by_flow(flow, case, most, prove=prove, budget=Budget(time_limit_s), tell=tell)
        bound, shares = found.bound, _Shares(flow, group)
    answer = Answer(case.method, found.sites, case.before + value, case.before + bound, found.proven, found.repeatable)
    proposal = describe(case, answer, shares=shares)
    return case.with_words(proposal, _fewer(case, rows, len(proposal.sites), count))


def set_cover(
    demand: Demand,
    candidates: Places,
    *,
    share: float = 1.0,
    existing: Places = _NOBODY,
    options: SitingOptions = _DEFAULT,
    prove: bool = False,
    time_limit_s: float | None = None,
    progress: Progress = silent,
) -> Proposal:
    """Choose the fewest new stations that, with the existing ones, reach a share of the demand.

    ``share`` 1 is the location set covering problem (LSCP; Toregas et al. 1971), less is its partial form. Where the
    candidates cannot reach the share, they are to reach all that they can, and the answer says so. For the other
    parameters and errors see :func:`max_cover`.
    """
    case = _Case.of("set_cover", demand, candidates, existing, options, progress)
    if not 0 < share <= 1:
        raise InputError("目标覆盖率应大于 0, 不超过 100%。", "The target share is above 0 and at most 100 %.")
    rows, group = case.cover(case.options.capacity is not None)
    wanted = share * case.total - case.before
    slack = max(1e-9 * case.total, _SLACK)
    flow = None if options.capacity is None else capacities.flow_of(rows, options.capacity)
    finder = _Fewest(case, rows, flow)
    found, gained = finder.find(wanted, slack, prove=prove, budget=Budget(time_limit_s))
    answer = Answer(case.method, found.sites, float(len(found.sites)), found.bound, found.proven, found.repeatable)
    proposal = describe(case, answer, shares=None if flow is None else _Shares(flow, group))
    short = []
    if case.total > 0 and gained < wanted - slack:
        certain = found.proven
        short.append(
            Text(
                f"要求覆盖 {share:.1%}, 用这些备选点{'最多只能' if certain else '只'}达到 {proposal.share:.1%}。",
                f"{share:.1%} was asked; {proposal.share:.1%} "
                f"{'is the most that these candidates can reach' if certain else 'was reached with these candidates'}.",
            )
        )
    return case.with_words(proposal, short)


def p_median(
    demand: Demand,
    candidates: Places,
    count: int,
    *,
    beyond_s: float | None = None,
    existing: Places = _NOBODY,
    options: SitingOptions = _DEFAULT,
    prove: bool = False,
    time_limit_s: float | None = None,
    progress: Progress = silent,
) -> Proposal:
    """Choose ``count`` new stations so that people walk as little as possible to the nearest station (Hakimi 1964).

    Demand that no station reaches counts ``beyond_s`` seconds, twice the longest time in the tables by default. All
    places need walking times; a capacity is refused. For the other parameters and errors see :func:`max_cover`.
    """
    case = _Case.of("p_median", demand, candidates, existing, options, progress)
    _check_count(count)
    if options.capacity is not None:
        raise InputError(
            "总步行时间最小的选址不支持容量限制。", "A capacity cannot be kept to when the walking time is minimised."
        )
    seconds, today = candidates.reach.seconds, existing.reach.seconds
    if seconds is None or today is None:
        raise InputError("需要步行时间。", "Walking times are needed.")
    longest = max(float(seconds.max(initial=0.0)), float(today.max(initial=0.0)))
    beyond = 2 * longest if beyond_s is None else beyond_s
    if not longest <= beyond < np.inf:
        raise InputError(
            f"到不了站点者计的时间应不少于 {longest:.0f} 秒。",
            f"Those whom no station reaches count at least {longest:.0f} seconds.",
        )
    cap = np.full(len(case.weight), beyond)
    np.minimum.at(cap, existing.reach.demand, today)
    rows = time_rows(candidates.reach.start, candidates.reach.demand, seconds, case.weight, cap)
    most = min(count, int((case.state == FREE).sum()))
    found = _least(rows, case, most, prove=prove, budget=Budget(time_limit_s), tell=case.teller(rows))
    scale = case.total if case.total > 0 else 1.0
    answer = Answer(
        case.method, found.sites, rows.cost_of(found.sites) / scale, found.bound / scale, found.proven, found.repeatable
    )
    proposal = describe(case, answer, rows=rows)
    return case.with_words(proposal, _fewer(case, rows, len(proposal.sites), count))


@dataclass(frozen=True, slots=True, eq=False)
class _Case:
    """A question, checked: weights, who is served already, candidates that may be used."""

    method: Method
    demand: Demand
    candidates: Places
    existing: Places
    options: SitingOptions
    weight: Floats
    covered: Bools
    state: Bytes
    spacing: Spacing
    notes: tuple[Text, ...]
    progress: Progress

    @classmethod
    def of(
        cls,
        method: Method,
        demand: Demand,
        candidates: Places,
        existing: Places,
        options: SitingOptions,
        progress: Progress,
    ) -> _Case:
        check_inputs(demand, candidates, existing, options)
        progress(0.0, Text("整理覆盖表", "preparing the coverage rows"))
        weight = demand.weights(options.objective)
        covered = np.zeros(len(weight), dtype=np.bool_)
        covered[existing.reach.demand] = True
        count = candidates.reach.places
        start, near, blocked = near_pairs(candidates.xy, existing.xy, options.spacing_m, count)
        repeated = _repeated(candidates)
        state = np.where(blocked | repeated, OUT, FREE).astype(np.uint8)
        notes = []
        if repeated.any():
            keys = candidates.keys or ()
            named = "、".join(dict.fromkeys(str(keys[i]) for i in np.flatnonzero(repeated)[:5]))
            notes.append(
                Text(
                    f"{int(repeated.sum())} 个备选点重复, 只计一次: {named}。",
                    f"{int(repeated.sum())} candidates are listed again and count once: {named}.",
                )
            )
        if blocked.any():
            notes.append(
                Text(
                    f"{int(blocked.sum())} 个备选点距现有站点不足 {options.spacing_m:g} 米, 未采用。",
                    f"{int(blocked.sum())} candidates are less than {options.spacing_m:g} m from an existing station "
                    "and were left out.",
                )
            )
        return cls(
            method, demand, candidates, existing, options, weight, covered, state, Spacing(start, near), tuple(notes),
            progress,
        )  # fmt: skip

    @property
    def total(self) -> float:
        return float(self.weight.sum())

    @property
    def before(self) -> float:
        return float(self.weight[self.covered].sum())

    def cover(self, limited: bool) -> tuple[Rows, Ints]:
        """Return the rows of demand that no existing station reaches, and the row of each demand."""
        households = np.asarray(self.demand.households, dtype=np.float64)
        split = limited and (self.options.objective == "people" or self.demand.factor is not None)
        reach = self.candidates.reach
        start, demand = np.asarray(reach.start, dtype=np.int64), np.asarray(reach.demand, dtype=np.int32)
        if (self.state == OUT).any():
            usable = np.repeat(self.state == FREE, np.diff(start))
            start, demand = np.concatenate([[0], np.cumsum(usable)])[start], demand[usable]
        return cover_rows(start, demand, self.weight, households, ~self.covered & (self.weight > 0), split=split)

    def unit(self, rows: Rows) -> float:
        """Return by how much costs differ when they differ."""
        whole = rows.cover and bool((rows.weight == np.round(rows.weight)).all())
        return 1.0 if whole else max(_EQUAL * rows.most_cost, 1e-12)

    def teller(self, rows: Rows) -> search.Tell:
        """Return what tells the progress of a proof, values given as costs."""

        def tell(value: float, bound: float, share: float) -> None:
            top = value if self.method == "p_median" else self.before + rows.most_cost - bound
            away = max(value - bound, 0.0) / top if np.isfinite(bound) and top > 0 else 1.0
            self.progress(
                0.05 + 0.95 * min(max(share, 0.0), 1.0),
                Text(f"证明最优, 至多还差 {away:.2%}", f"proving: at most {away:.2%} from the best"),
            )

        return tell

    def with_words(self, proposal: Proposal, not_satisfied: list[Text]) -> Proposal:
        if self.total <= 0:
            not_satisfied = [
                Text("没有需要服务的户数或人数, 不需要站点。", "There is nobody to serve, so no station is needed.")
            ]
        self.progress(1.0, Text("选址完成", "sites chosen"))
        return proposal.saying(tuple(not_satisfied), self.notes)


@dataclass(frozen=True, slots=True, eq=False)
class _Shares:
    """What sites of limited capacity serve, by demand."""

    flow: capacities.Flow
    group: Ints

    def __call__(self, sites: Ints) -> Floats:
        """Return the share of each demand that a choice serves."""
        _, share = capacities.served(self.flow, sites)
        return np.where(self.group >= 0, np.append(share, 0.0)[self.group], 0.0)

    def order(self, sites: Ints) -> Ints:
        """Return the sites, each adding most after those before it."""
        return capacities.in_order(self.flow, sites)


def _repeated(candidates: Places) -> Bools:
    repeated = np.zeros(candidates.reach.places, dtype=np.bool_)
    seen: set[str] = set()
    for i, key in enumerate(candidates.keys or ()):
        repeated[i] = key in seen
        seen.add(key)
    return repeated


def _check_count(count: int) -> None:
    if count < 1:
        raise InputError("新站点个数应至少为 1。", "The number of new stations is at least 1.")


def _fewer(case: _Case, rows: Rows, found: int, count: int) -> list[Text]:
    """Say why fewer sites are proposed than asked."""
    usable = int((case.state == FREE).sum())
    if found >= count:
        return []
    if usable < count and found == usable:
        return [
            Text(
                f"要求 {count} 处, 可用的备选点只有 {usable} 个。",
                f"{count} were asked, but there are only {usable} candidates.",
            )
        ]
    if case.options.spacing_m is not None and found < usable and len(rows.weight):
        return [
            Text(
                f"要求 {count} 处; 在最小间距下, {found} 处以外再没有能增加服务的备选点。",
                f"{count} were asked; with the minimum spacing none beside these {found} would add anything.",
            )
        ]
    return [
        Text(
            f"要求 {count} 处; {found} 处已达到备选点所能做到的全部, 再多也不增加。",
            f"{count} were asked; {found} already do all that the candidates can, and more would add nothing.",
        )
    ]


def _least(rows: Rows, case: _Case, most: int, *, prove: bool, budget: Budget, tell: search.Tell) -> Found:
    if most == 0 or not len(rows.row):
        return Found(np.empty(0, dtype=np.int32), rows.most_cost, proven=True, repeatable=True)
    sites = search.choose(rows, case.state, case.spacing, most)
    if not prove:
        bound = search.first_bound(rows, case.state, sites, most)
        least = rows.cost_of(sites)
        return Found(sites, min(bound, least), proven=least - bound < case.unit(rows), repeatable=True)
    return search.prove(rows, case.state, case.spacing, most, sites, unit=case.unit(rows), budget=budget, tell=tell)


def _by_flow(
    flow: capacities.Flow,
    case: _Case,
    most: int,
    *,
    prove: bool,
    budget: Budget,
    tell: search.Tell,
) -> tuple[Found, float]:
    """Choose sites of limited capacity; the bound is what can be served at most."""
    sites = capacities.choose(flow, case.state, case.spacing, most)
    value = capacities.served(flow, sites)[0]
    everybody = float(flow.weight.sum())
    single = capacities.alone(flow)
    single[case.state == OUT] = 0.0
    bound = max(value, min(everybody, float(np.sort(single)[::-1][:most].sum())))
    unit = max(_EQUAL * everybody, 1e-12)
    if not prove or bound - value < unit:
        return Found(sites, bound, proven=bound - value < unit, repeatable=True), value
    model, free = capacities.flow_model(flow, case.state, case.spacing)
    model = search.with_rows(model, [(np.arange(len(free)), np.ones(len(free)), -np.inf, float(most))])

    def look(seen: float, best: float) -> None:
        top = min(bound, best)
        tell(everybody - max(value, seen), everybody - top, 1.0 - max(top - value, 0.0) / max(bound - value, unit))

    solved = solve(model, gap=unit, budget=budget, tell=look)
    if solved.x is not None:
        trial = free[solved.x[: len(free)] > _SET].astype(np.int32)
        served = capacities.served(flow, trial)[0]
        if served > value:
            sites, value = trial, served
    bound = max(value, min(bound, solved.bound))
    proven = bound - value < 2 * unit
    return Found(sites, value if proven else bound, proven, solved.finished), value


@dataclass(frozen=True, slots=True, eq=False)
class _Fewest:
    """Searching the fewest sites that serve enough."""

    case: _Case
    rows: Rows
    flow: capacities.Flow | None

    @property
    def usable(self) -> int:
        return int((self.case.state == FREE).sum())

    @property
    def reachable(self) -> float:
        """What all candidates together serve, without a spacing."""
        every = np.flatnonzero(self.case.state == FREE).astype(np.int32)
        return self.gain(every)

    def gain(self, sites: Ints) -> float:
        if self.flow is not None:
            return float(capacities.served(self.flow, sites)[0])
        return self.rows.most_cost - self.rows.cost_of(sites)

    def find(self, wanted: float, slack: float, *, prove: bool, budget: Budget) -> tuple[Found, float]:
        """Return the sites, and what they gain."""
        if wanted <= slack:
            return Found(np.empty(0, dtype=np.int32), 0.0, proven=True, repeatable=True), 0.0
        goal = min(wanted, self.reachable)
        sites = self._quick(goal - slack)
        gained = self.gain(sites)
        low = float(self._least_number(goal - slack))
        if not prove:
            reached = gained >= goal - slack
            return Found(sites, low, proven=reached and len(sites) <= low, repeatable=True), gained
        if gained >= goal - slack and len(sites) <= low:
            return Found(sites, low, proven=True, repeatable=True), gained
        return self._proven(sites, gained, goal, slack, low, budget)

    def _quick(self, enough: float) -> Ints:
        case, rows = self.case, self.rows
        if self.flow is not None:
            return capacities.choose(self.flow, case.state, case.spacing, self.usable, enough)
        sites = self._descend(rows, enough)
        if enough >= rows.most_cost - rows.constant - 2 * _SLACK - 1e-9 * case.total:
            # Everybody: what counts is not how many live there but how few candidates reach them.
            even = replace(rows, weight=1.0 / np.bincount(rows.row, minlength=len(rows.weight)), constant=0.0)
            other = self._descend(even, even.most_cost * (1 - 1e-9))
            if self.gain(other) >= enough and (self.gain(sites) < enough or len(other) < len(sites)):
                sites = other
            if self.gain(sites) >= enough:
                first, candidate, _ = kernels.by_row(rows.start, rows.row, len(rows.weight))
                return kernels.fewer(rows.start, rows.row, first, candidate, *_near(case), sites, _STEPS)
        return sites

    def _descend(self, rows: Rows, enough: float) -> Ints:
        """Return a greedy choice that gains enough on these rows, with sites taken out as long as that goes."""
        case = self.case
        arrays = (rows.start, rows.row, rows.cost, rows.weight, rows.cap, case.state, *_near(case))
        sites, _ = kernels.greedy(*arrays, self.usable, enough)
        limit = rows.most_cost - enough
        while len(sites) > 1 and rows.cost_of(sites) <= limit:
            # One less: leave out the site that is missed least, and exchange.
            costs = [rows.cost_of(np.delete(sites, k)) for k in range(len(sites))]
            rest = np.delete(sites, int(np.argmin(costs)))
            rest, _ = kernels.exchange(*arrays, rest, len(rest), 50)
            if rows.cost_of(rest) > limit:
                break
            sites = rest
        return sites

    def _least_number(self, enough: float) -> int:
        """Return how many sites there must be at least, by what each would serve alone."""
        if self.flow is not None:
            alone = capacities.alone(self.flow)
        else:
            candidate = np.repeat(np.arange(self.rows.candidates), np.diff(self.rows.start))
            weight = self.rows.weight[self.rows.row]
            alone = np.bincount(candidate, weights=weight, minlength=self.rows.candidates).astype(np.float64)
        alone[self.case.state == OUT] = 0.0
        return int(np.searchsorted(np.cumsum(-np.sort(-alone)), enough) + 1)

    def _proven(
        self, sites: Ints, gained: float, goal: float, slack: float, low: float, budget: Budget
    ) -> tuple[Found, float]:
        reached = gained >= goal - slack
        left, state = self.rows, self.case.state
        whole = self.flow is None and goal >= left.most_cost - left.constant - slack
        if self.flow is None and reached and not whole:
            # Would one site less do? What is settled for that question holds for every shorter answer.
            limit = left.most_cost - goal + 2 * slack
            state, impossible = search.settle(left, state, self.case.spacing, len(sites) - 1, limit, self._tell(sites))
            if impossible:
                return Found(sites, float(len(sites)), proven=True, repeatable=True), gained
            left, _ = reduced(left, state)
        taken = np.flatnonzero(state == TAKEN).astype(np.int32)
        model, free = self._model(left, state, goal - slack, whole=whole)
        most = len(sites) if reached else self.usable
        model = search.with_rows(
            model, [(np.arange(len(free)), np.ones(len(free)), -np.inf, float(most - reached - len(taken)))]
        )
        solved = solve(model, gap=_ONE, budget=budget, tell=self._looking(sites, low, len(taken)))
        if solved.x is not None:
            sites = np.concatenate([taken, free[solved.x[: len(free)] > _SET]]).astype(np.int32)
            gained, reached = self.gain(sites), True
        elif not reached and solved.finished:
            return self._as_much_as_possible(sites, budget)
        if solved.finished:
            return Found(sites, float(len(sites)), proven=True, repeatable=True), gained
        if np.isfinite(solved.bound):
            low = max(low, float(np.ceil(len(taken) - solved.bound - _ONE)))
        return Found(sites, min(low, float(len(sites))), proven=False, repeatable=False), gained

    def _looking(self, sites: Ints, low: float, taken: int) -> Callable[[float, float], None]:
        """Return what follows the solver, whose values are numbers of sites with the opposite sign."""
        tell = self._tell(sites)

        def look(_: float, best: float) -> None:
            tell(np.inf, max(low, float(np.ceil(taken - best - _ONE))) if np.isfinite(best) else low, 0.5)

        return look

    def _tell(self, sites: Ints) -> search.Tell:
        """Return what tells how many sites there are now, and how many there must be."""

        def tell(_: float, bound: float, share: float) -> None:
            least = f"至少 {bound:.0f} 处" if bound <= len(sites) else ""
            self.case.progress(
                0.05 + 0.95 * share,
                Text(
                    f"证明最少: 目前 {len(sites)} 处{', ' + least if least else ''}",
                    f"proving: {len(sites)} sites now" + (f", at least {bound:.0f}" if least else ""),
                ),
            )

        return tell

    def _model(self, left: Rows, state: Bytes, enough: float, *, whole: bool) -> tuple[Model, Longs]:
        """Return the model "fewest sites that gain enough" on what is left; ``whole``: each row must be served."""
        spacing = self.case.spacing
        if self.flow is not None:
            model, free = capacities.flow_model(self.flow, state, spacing)
        else:
            free = np.flatnonzero((state == FREE) & (np.diff(left.start) > 0))
            if whole:
                return search.all_served(left, free, spacing), free
            model = search.cover_model(left, free, spacing).model
        # What settled sites gain need not be gained again.
        enough -= self.rows.most_cost - left.most_cost
        columns = np.flatnonzero(model.gain)
        model = search.with_rows(model, [(columns, model.gain[columns], enough, np.inf)])
        return replace(model, gain=np.where(np.arange(len(model.gain)) < len(free), -1.0, 0.0)), free

    def _as_much_as_possible(self, sites: Ints, budget: Budget) -> tuple[Found, float]:
        """No choice serves enough while keeping to the spacing: serve as much as can be."""
        case, rows = self.case, self.rows
        if self.flow is not None:
            found, gained = _by_flow(self.flow, case, self.usable, prove=True, budget=budget, tell=self._tell(sites))
        else:
            found = search.prove(
                rows, case.state, case.spacing, self.usable, sites,
                unit=case.unit(rows), budget=budget, tell=self._tell(sites),
            )  # fmt: skip
            gained = self.gain(found.sites)
        return Found(found.sites, float(len(found.sites)), found.proven, found.repeatable), gained


def _near(case: _Case) -> tuple[Longs, Ints]:
    return case.spacing.start, case.spacing.near
