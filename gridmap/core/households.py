"""Households and people of every building: counted where a count exists, estimated and marked so where none does.

The order, for each building: a count by the building's source id, a count by estate and number, its share of a total of
its estate, an estimate from its floor area. Shares are whole numbers whose sum is the total exactly.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from gridmap.core.address import building_key, estate_key
from gridmap.errors import InputError
from gridmap.model.finding import Finding
from gridmap.model.text import Text

__all__ = [
    "FIGURE_COLUMNS",
    "Basis",
    "Estimates",
    "HouseholdConstants",
    "estimate_households",
    "floor_areas",
    "largest_remainder",
]

Basis = Literal["resident", "registered"]
Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

FIGURE_COLUMNS = (
    "households",
    "people",
    "basis",
    "figure_date",
    "figure_source",
    "estimated",
    "people_estimated",
    "method",
)
ESTIMATE_SOURCE = "gridmap: floor area"


@dataclass(frozen=True, slots=True)
class HouseholdConstants:
    """The constants of estimates; each is a setting of the jurisdiction.

    Attributes
    ----------
    net_factor
        Net dwelling area per gross floor area: 0.8, the share used with official storeys in the trial on a Berlin
        quarter (44,997 households).
    area_per_household_m2
        Net area of one household: 75 m², same source.
    people_per_household
        2.62, the average family household of the seventh national census, 2020 (第七次全国人口普查公报 (第二号),
        National Bureau of Statistics, 11 May 2021).
    storey_height_m
        Height of one storey where only the height of the building is known.
    default_storeys
        Where neither storeys nor height of any building of that use are known: the least that a building has, so that
        an estimate without knowledge is too low rather than invented.
    inhabited_uses
        Uses whose floors are dwellings; the ground floor of ``mixed`` ones is not, where there is another.
    unknown_use
        The use that a building without one is taken to have; None: it gets no households, which is a finding.
    """

    net_factor: float = 0.8
    area_per_household_m2: float = 75.0
    people_per_household: float = 2.62
    storey_height_m: float = 3.0
    default_storeys: int = 1
    inhabited_uses: tuple[str, ...] = ("residential", "mixed")
    unknown_use: str | None = None

    def __post_init__(self) -> None:
        if (
            min(self.net_factor, self.area_per_household_m2, self.people_per_household, self.storey_height_m) <= 0
            or self.default_storeys < 1
        ):
            raise InputError("户数估算的参数必须大于 0。", "The constants of the estimate must be above 0.")


@dataclass(frozen=True, slots=True)
class Estimates:
    """Figures of every building (index as given, columns :data:`FIGURE_COLUMNS`) and what was odd in the counts.

    ``method`` is ``building``, ``number``, ``estate_share`` or ``floor_area``; ``estimated`` is false only where the
    households were counted for this very building; ``people_estimated`` likewise for the people.
    """

    figures: pd.DataFrame
    findings: tuple[Finding, ...] = field(default=())

    @property
    def households(self) -> int:
        """All households."""
        return int(self.figures["households"].sum())

    @property
    def people(self) -> int:
        """All people."""
        return int(self.figures["people"].sum())


def largest_remainder(total: int, weights: npt.ArrayLike) -> Integers:
    """Divide ``total`` into whole numbers in proportion to ``weights``; their sum is ``total``.

    Every share is the exact one rounded up or down; those with the largest remainders are rounded up, of equal ones the
    first. Without any positive weight all parts count the same.

    Parameters
    ----------
    total
        A whole number, 0 or more.
    weights
        Array of n ≥ 1 finite numbers, 0 or more.

    Raises
    ------
    InputError
        A weight or the total is negative or not finite, or there is nothing to share among.

    Examples
    --------
    >>> largest_remainder(10, [1, 1, 1]).tolist()
    [4, 3, 3]
    """
    w = np.asarray(weights, dtype=np.float64)
    if total < 0 or not len(w) or not np.isfinite(w).all() or (w < 0).any():
        raise InputError("分摊的总数和权重必须不小于 0。", "Total and weights of shares must be 0 or more.")
    w = w / w.max() if w.max() > 0 else np.ones(len(w))
    exact = total * (w / w.sum())
    shares: Integers = np.floor(exact).astype(np.int64)
    # Floating point may round a share up to the next whole number; never give out more than there is.
    missing = total - int(shares.sum())
    order = np.argsort(-(exact - shares), kind="stable")
    if missing >= 0:
        shares[order[:missing]] += 1
    else:
        given = order[::-1]
        shares[given[shares[given] > 0][:-missing]] -= 1
    return shares


def floor_areas(buildings: pd.DataFrame, *, constants: HouseholdConstants | None = None) -> pd.DataFrame:
    """Return storeys, where they come from, and the floor areas of each building.

    Parameters
    ----------
    buildings
        Columns ``use``, ``storeys``, ``height_m`` (metres), ``area_m2`` (footprint, square metres); each may
        be missing.
    constants
        See :class:`HouseholdConstants`.

    Returns
    -------
    Index as given; ``storeys`` (float), ``storeys_from`` (``given``, ``height``, ``median`` of the same use or
    ``default``), ``gross_m2``, ``dwelling_m2`` (0 for uses that nobody lives in), ``inhabited``, ``use_unknown``.
    """
    c = constants or HouseholdConstants()
    use = _text(buildings, "use")
    if c.unknown_use is not None:
        use = use.fillna(c.unknown_use)
    storeys = _number(buildings, "storeys")
    height = _number(buildings, "height_m")
    by_height = np.floor(height / c.storey_height_m + 1e-9).clip(lower=1).where(height > 0)
    known = storeys.where(storeys >= 0).fillna(by_height)
    median = np.floor(known.groupby(use.fillna("")).transform("median"))
    source = np.select(
        [storeys.notna() & (storeys >= 0), by_height.notna(), median.notna()],
        ["given", "height", "median"],
        "default",
    )
    full = known.fillna(median).fillna(float(c.default_storeys))
    dwelling = full.where(~((use == "mixed") & (full > 1)), full - 1)
    area = _number(buildings, "area_m2").clip(lower=0).fillna(0.0)
    inhabited = use.isin(c.inhabited_uses)
    return pd.DataFrame(
        {
            "storeys": full,
            "storeys_from": source,
            "gross_m2": full * area,
            "dwelling_m2": (dwelling * area).where(inhabited, 0.0),
            "inhabited": inhabited,
            "use_unknown": use.isna(),
        },
        index=buildings.index,
    )


def estimate_households(
    buildings: pd.DataFrame,
    counts: pd.DataFrame | None = None,
    *,
    constants: HouseholdConstants | None = None,
    prefer: Basis = "resident",
    aliases: Mapping[str, str] | None = None,
) -> Estimates:
    """Give every building its households and people.

    Parameters
    ----------
    buildings
        One row per building: ``source_id``, ``estate``, ``number``, ``use``, ``storeys``, ``height_m``, ``area_m2``.
    counts
        Rows of the table of households (columns of ``KINDS["households"]``). The newest row of a subject counts. A
        row with an estate but no number is the total of the estate: what is left of it after the estate's own counts
        of the same basis is shared among its other inhabited buildings by floor area.
    constants
        See :class:`HouseholdConstants`.
    prefer
        Basis that is taken where a building has figures of both; figures are never mixed in one building.
    aliases
        Other names of estates and the names they stand for.

    Returns
    -------
    See :class:`Estimates`. Findings: ``household_row_unmatched``, ``household_row_ambiguous``,
    ``household_rows_conflict``, ``estate_total_too_small``, ``estate_total_unshared``, ``building_use_unknown``.

    Raises
    ------
    InputError
        The table has a negative number or an unknown basis.
    """
    c = constants or HouseholdConstants()
    floors = floor_areas(buildings, constants=c)
    figures = _by_floor_area(floors, c)
    findings = list(_unknown_uses(buildings, figures, c))
    if counts is not None and len(counts):
        table = _Table(buildings, counts, aliases or {})
        findings += table.findings
        other: Basis = "registered" if prefer == "resident" else "resident"
        free = np.ones(len(buildings), dtype=np.bool_)
        for basis in (prefer, other):
            counted, odd = _counted(table, basis, floors, c)
            findings += odd
            take = counted["households"].notna().to_numpy() & free
            free &= ~take
            for column in FIGURE_COLUMNS:
                figures[column] = figures[column].where(~take, counted[column])
    figures = figures.astype(
        {"households": np.int64, "people": np.int64, "estimated": np.bool_, "people_estimated": np.bool_}
    )
    return Estimates(figures, tuple(findings))


def _number(frame: pd.DataFrame, column: str) -> pd.Series:
    if column not in frame:
        return pd.Series(np.nan, index=frame.index, dtype=np.float64)
    return pd.to_numeric(frame[column], errors="coerce").astype(np.float64)


def _text(frame: pd.DataFrame, column: str) -> pd.Series:
    if column not in frame:
        return pd.Series(None, index=frame.index, dtype=object)
    values = frame[column].astype(object)
    return values.where(values.notna() & (values.astype(str).str.strip() != ""), None)


def _round(values: Floats) -> Integers:
    """Round halves up, as people do."""
    return np.asarray(np.floor(values + 0.5), dtype=np.int64)


def _by_floor_area(floors: pd.DataFrame, c: HouseholdConstants) -> pd.DataFrame:
    """Estimate from floor area alone: at least one household where there is a dwelling."""
    area = floors["dwelling_m2"].to_numpy(dtype=np.float64)
    households = np.where(area > 0, np.maximum(1, _round(area * c.net_factor / c.area_per_household_m2)), 0)
    return pd.DataFrame(
        {
            "households": households,
            "people": _round(households * c.people_per_household),
            "basis": "resident",
            "figure_date": None,
            "figure_source": ESTIMATE_SOURCE,
            "estimated": True,
            "people_estimated": True,
            "method": "floor_area",
        },
        index=floors.index,
    ).astype(object)


def _unknown_uses(buildings: pd.DataFrame, figures: pd.DataFrame, c: HouseholdConstants) -> Iterable[Finding]:
    unknown = int(_text(buildings, "use").isna().sum()) if c.unknown_use is None else 0
    if unknown and len(figures):
        yield Finding(
            "building_use_unknown",
            "info",
            "buildings",
            Text(
                f"{unknown} 栋楼没有用途, 没有实际户数时按 0 户计。",
                f"{unknown} buildings have no use and count as 0 households unless counted.",
            ),
            Text("补充用途, 或在设置中指定缺省用途。", "Add their use, or set the use that is assumed."),
        )


@dataclass(frozen=True, slots=True)
class _Row:
    """One usable row of the table of counts."""

    at: int
    households: int
    people: int | None
    basis: str
    date: object
    source: str | None
    estimated: bool


class _Table:
    """Rows of counts, tied to buildings and estates."""

    def __init__(self, buildings: pd.DataFrame, counts: pd.DataFrame, aliases: Mapping[str, str]) -> None:
        self.findings: list[Finding] = []
        self._alias = {estate_key(alias): estate_key(name) for alias, name in aliases.items()}
        self._estate_keys: dict[str, str] = {}
        self._number_keys: dict[str, str] = {}
        self.estate_rows: dict[str, list[int]] = {}
        by_source: dict[str, int] = {}
        by_number: dict[tuple[str, str], list[int]] = {}
        keys = zip(*(_text(buildings, column) for column in ("source_id", "estate", "number")), strict=True)
        for building, (source, estate, number) in enumerate(keys):
            if source is not None:
                by_source[str(source)] = building
            if estate is not None:
                self.estate_rows.setdefault(self._estate(estate), []).append(building)
                if number is not None:
                    by_number.setdefault((self._estate(estate), self._number(number)), []).append(building)
        self.direct: dict[tuple[str, int], tuple[_Row, str]] = {}
        self.totals: dict[tuple[str, str], _Row] = {}
        columns = [_text(counts, column) for column in ("building_source_id", "estate", "number")]
        for row, (source, estate, number) in zip(_rows(counts), zip(*columns, strict=True), strict=True):
            if source is not None and str(source) in by_source:
                self._keep_direct(row, by_source[str(source)], "building")
            elif estate is not None and number is not None:
                found = by_number.get((self._estate(estate), self._number(number)), [])
                if len(found) == 1:
                    self._keep_direct(row, found[0], "number")
                else:
                    self._lost(row, several=len(found) > 1)
            elif source is None and estate is not None and self._estate(estate) in self.estate_rows:
                key = (row.basis, self._estate(estate))
                self.totals[key] = self._newer(self.totals.get(key), row)
            else:
                self._lost(row, several=False)

    def _estate(self, name: object) -> str:
        text = str(name)
        if text not in self._estate_keys:
            key = estate_key(text)
            self._estate_keys[text] = self._alias.get(key, key)
        return self._estate_keys[text]

    def _number(self, number: object) -> str:
        text = str(number)
        if text not in self._number_keys:
            self._number_keys[text] = building_key(text)
        return self._number_keys[text]

    def _keep_direct(self, row: _Row, building: int, method: str) -> None:
        kept = self.direct.get((row.basis, building))
        chosen = self._newer(kept[0] if kept else None, row)
        if chosen is row:
            self.direct[row.basis, building] = (row, method)

    def _newer(self, kept: _Row | None, row: _Row) -> _Row:
        if kept is None:
            return row
        same_day = str(kept.date) == str(row.date)
        if same_day and (kept.households, kept.people) != (row.households, row.people):
            self.findings.append(
                Finding(
                    "household_rows_conflict",
                    "warning",
                    f"households row:{row.at + 1}",
                    Text(
                        f"第 {row.at + 1} 行与第 {kept.at + 1} 行对象和日期相同, 数字不同; 采用第 {kept.at + 1} 行。",
                        f"Rows {row.at + 1} and {kept.at + 1} give different figures for the same subject and date; "
                        f"row {kept.at + 1} is used.",
                    ),
                    Text("删去错误的一行。", "Remove the wrong row."),
                )
            )
        return row if str(row.date) > str(kept.date) else kept

    def _lost(self, row: _Row, *, several: bool) -> None:
        rule = "household_row_ambiguous" if several else "household_row_unmatched"
        why = (
            Text("对应多栋楼", "fits several buildings")
            if several
            else Text("找不到对应的楼栋或小区", "fits no building or estate")
        )
        self.findings.append(
            Finding(
                rule,
                "warning",
                f"households row:{row.at + 1}",
                Text(
                    f"户数表第 {row.at + 1} 行 ({row.households} 户) {why.zh}, 未采用。",
                    f"Row {row.at + 1} of the households ({row.households}) {why.en} and is not used.",
                ),
                Text(
                    "填写楼栋来源编号, 或核对小区名称和楼号。",
                    "Give the building's source id, or check estate and number.",
                ),
            )
        )


def _rows(counts: pd.DataFrame) -> Iterable[_Row]:
    """Read the rows; a bad number or basis is an error, because nothing true can be made of it."""
    households, people = _number(counts, "households"), _number(counts, "people")
    basis, source = _text(counts, "basis"), _text(counts, "figure_source")
    dates = counts["figure_date"] if "figure_date" in counts else pd.Series(None, index=counts.index)
    estimated = counts["estimated"] if "estimated" in counts else pd.Series(data=False, index=counts.index)
    bad = [
        {"row": at + 1}
        for at in np.flatnonzero(
            households.isna() | (households < 0) | (people < 0) | ~basis.isin(["resident", "registered"])
        ).tolist()
    ]
    if bad:
        raise InputError(
            f"户数表第 {bad[0]['row']} 行: 户数、人数须不小于 0, 口径须为 resident 或 registered。",
            f"Row {bad[0]['row']} of the households: households and people must be 0 or more, "
            "basis resident or registered.",
            problems=tuple(dict(b) for b in bad),
        )
    columns = (list(column) for column in (households, people, basis, dates, source, estimated))
    for at, (homes, heads, kind, date, origin, guessed) in enumerate(zip(*columns, strict=True)):
        yield _Row(
            at,
            int(homes),
            None if np.isnan(heads) else int(heads),
            str(kind),
            date,
            None if origin is None else str(origin),
            bool(guessed) if pd.notna(guessed) else False,
        )


def _counted(
    table: _Table, basis: str, floors: pd.DataFrame, c: HouseholdConstants
) -> tuple[pd.DataFrame, list[Finding]]:
    """Return the figures of one basis (missing where there are none) and what was odd in estate totals."""
    values: dict[str, list[object]] = {column: [None] * len(floors) for column in FIGURE_COLUMNS}

    def put(
        building: int, row: _Row, *, households: int, people: int, estimated: bool, guessed: bool, how: str
    ) -> None:
        entry = (households, people, basis, row.date, row.source, estimated, guessed, how)
        for column, value in zip(FIGURE_COLUMNS, entry, strict=True):
            values[column][building] = value

    direct = {building: found for (b, building), found in table.direct.items() if b == basis}
    for building, (row, how) in direct.items():
        people = (
            row.people if row.people is not None else int(_round(np.array(row.households * c.people_per_household)))
        )
        put(
            building,
            row,
            households=row.households,
            people=people,
            estimated=row.estimated,
            guessed=row.estimated or row.people is None,
            how=how,
        )
    inhabited, unknown = floors["inhabited"].to_numpy(), floors["use_unknown"].to_numpy()
    area = floors["dwelling_m2"].where(floors["inhabited"], floors["gross_m2"]).to_numpy(dtype=np.float64)
    findings: list[Finding] = []
    for (b, estate), row in sorted(table.totals.items(), key=lambda item: item[1].at):
        if b != basis:
            continue
        members = table.estate_rows[estate]
        own = [direct[m][0] for m in members if m in direct]
        others = [m for m in members if m not in direct]
        # Where no dwelling is known, people live in what has no use yet.
        rest = [m for m in others if inhabited[m]] or [m for m in others if unknown[m]]
        left = row.households - sum(r.households for r in own)
        if left < 0 or not rest:
            if left:
                findings.append(_odd_total(row, left))
            continue
        shares = largest_remainder(left, area[rest])
        known_people = row.people is not None and all(r.people is not None for r in own)
        people_left = (row.people or 0) - sum(r.people or 0 for r in own)
        if not known_people or people_left < 0:
            people_left = int(_round(np.array(left * c.people_per_household)))
        people_shares = largest_remainder(people_left, shares)
        for member, households, people in zip(rest, shares.tolist(), people_shares.tolist(), strict=True):
            put(member, row, households=households, people=people, estimated=True, guessed=True, how="estate_share")
    return pd.DataFrame(values, index=floors.index, columns=list(FIGURE_COLUMNS), dtype=object), findings


def _odd_total(row: _Row, left: int) -> Finding:
    where = f"households row:{row.at + 1}"
    if left < 0:
        return Finding(
            "estate_total_too_small",
            "warning",
            where,
            Text(
                f"户数表第 {row.at + 1} 行: 小区总数 {row.households} 户, 比各楼之和少 {-left} 户, 未采用。",
                f"Row {row.at + 1} of the households: the estate's total of {row.households} is {-left} less than its "
                "buildings have together, and is not used.",
            ),
            Text("核对小区总数和各楼户数。", "Check the total and the buildings' figures."),
        )
    return Finding(
        "estate_total_unshared",
        "warning",
        where,
        Text(
            f"户数表第 {row.at + 1} 行: 小区总数中有 {left} 户没有可分摊的住宅楼。",
            f"Row {row.at + 1} of the households: {left} households of the estate's total have no building to live in.",
        ),
        Text("补充该小区的楼栋或用途。", "Add the estate's buildings or their use."),
    )
