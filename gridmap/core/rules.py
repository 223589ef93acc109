"""Rules that an edition or a plan should satisfy: plain callables that return findings.

:data:`RULES` holds them by name; :func:`check` runs them in that order. A rule whose inputs are missing is not run, and
:func:`not_checked` says so: no finding and not checked are different things.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from gridmap.core.crs import LONLAT_EPSG, project, transform_xy
from gridmap.core.network.walkable import walkable
from gridmap.errors import InputError
from gridmap.model.finding import Finding, Severity
from gridmap.model.naming import unknown_name
from gridmap.model.text import Text

__all__ = [
    "CUT_FINDING",
    "KEPT",
    "RULES",
    "CheckInputs",
    "CheckSettings",
    "CodeRule",
    "Rule",
    "check",
    "not_checked",
    "serial_order",
    "street_distances_m",
    "walkable",
]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Shapes = npt.NDArray[np.object_]

_CRACK_DEGREES = 1e-6  # about 10 cm
CUT_FINDING = "building_across_official_line"

#: Titles of the findings that the making of cells, their carrying over and the figures leave behind, by name. No rule
#: finds them again: they stand until what made them is computed anew.
KEPT: dict[str, Text] = {
    "building_across_block": Text("楼栋跨越街区界线", "buildings across block borders"),
    CUT_FINDING: Text("楼栋跨越行政界线", "buildings across official lines"),
    "outlines_overlap": Text("建筑轮廓重叠", "outlines that overlap"),
    "building_beyond_extent": Text("楼栋越出辖区", "buildings beyond the jurisdiction"),
    "building_across_grid_line": Text("原网格界线穿过楼栋", "present grid lines through buildings"),
    "grid_without_cell": Text("原网格没有单元", "present grids without a cell"),
    "new_cell_between_grids": Text("新单元的归属", "new cells between grids"),
    "building_use_unknown": Text("楼栋用途不明", "buildings without a use"),
    "household_rows_conflict": Text("户数表互相矛盾的行", "household rows that contradict each other"),
    "household_row_ambiguous": Text("户数表对应多栋楼的行", "household rows that fit several buildings"),
    "household_row_unmatched": Text("户数表找不到楼栋的行", "household rows that fit no building"),
    "estate_total_too_small": Text("小区总数小于各楼之和", "estate totals below their buildings"),
    "estate_total_unshared": Text("小区总数无楼可分", "estate totals without a building"),
}


@dataclass(frozen=True, slots=True)
class CodeRule:
    """How codes of leaf grids are built: the community's code, then a serial number.

    ``urban`` and ``rural`` are the ranges of the last three digits of a 12-digit community code: 001–199 is a
    residents' committee, 200–399 a villagers' committee (statistical division codes).
    """

    community_digits: int = 12
    serial_digits: int = 3
    urban: tuple[int, int] = (1, 199)
    rural: tuple[int, int] = (200, 399)
    ordered: bool = False


@dataclass(frozen=True, slots=True)
class CheckSettings:
    """Limits of the rules.

    Attributes
    ----------
    household_target, household_tolerance
        An urban grid has about 300 households; the share above and below that is accepted (both ends included).
    unattached_m
        A building farther than this from every walkable street cannot be reached by the network.
    gap_m2
        Gaps and overlaps up to this area are rounding.
    codes
        How codes are built; None: they only have to differ.
    """

    household_target: int = 300
    household_tolerance: float = 0.30
    unattached_m: float = 200.0
    gap_m2: float = 1.0
    codes: CodeRule | None = field(default_factory=CodeRule)


@dataclass(frozen=True, slots=True, eq=False)
class CheckInputs:
    """What the rules look at; what is None is not checked. Geometry is EPSG:4326.

    Attributes
    ----------
    on
        The day that the duties are asked for.
    metric_epsg
        Projected system of the jurisdiction, metres.
    grids
        Leaf grids with polygons: ``code``; where known ``name``, ``grid_kind``, ``community_code``, ``households``,
        ``households_estimated``, ``pieces``, ``label_lon``, ``label_lat``.
    cells
        Live cells: ``cell_id``, ``grid_code`` (missing: in no grid), ``building_id`` (missing: open land),
        ``community_code`` (missing: in no community), ``area_m2``, ``lon``, ``lat``.
    areas
        Administrative areas with polygons: ``code``, ``name``, ``level``.
    buildings
        One row per building (and grid, if it lies in several) with its footprint: ``building_id``, ``grid_code``
        (missing: in no grid), and where known ``source_id``, ``estate``, ``number``, ``name``.
    streets
        Lines with ``highway``, ``foot``, ``access`` (columns of ``KINDS["streets"]``).
    duties
        ``grid_code``, ``role``, ``from_date``, ``to_date`` (columns of ``KINDS["people"]``).
    cell_findings
        What the making of cells found.
    """

    on: dt.date
    metric_epsg: int
    grids: gpd.GeoDataFrame | None = None
    cells: pd.DataFrame | None = None
    areas: gpd.GeoDataFrame | None = None
    buildings: gpd.GeoDataFrame | None = None
    streets: gpd.GeoDataFrame | None = None
    duties: pd.DataFrame | None = None
    cell_findings: Sequence[Finding] | None = None
    settings: CheckSettings = field(default_factory=CheckSettings)


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule: its title, the inputs that it cannot do without, and the function."""

    name: str
    title: Text
    needs: tuple[str, ...]
    run: Callable[[CheckInputs], Iterable[Finding]]

    def applies(self, inputs: CheckInputs) -> bool:
        """Tell whether everything that the rule needs is there."""
        return all(getattr(inputs, name) is not None for name in self.needs)


def check(inputs: CheckInputs, rules: Iterable[str] | None = None) -> list[Finding]:
    """Run rules and return what they found, in the order of :data:`RULES`, then of subjects.

    Parameters
    ----------
    inputs
        See :class:`CheckInputs`.
    rules
        Names of rules; all by default.

    Raises
    ------
    InputError
        There is no rule of that name.
    """
    found: list[Finding] = []
    for rule in _chosen(rules):
        if rule.applies(inputs):
            found += sorted(rule.run(inputs), key=lambda f: (f.subject, f.message.en, f.lon or 0.0, f.lat or 0.0))
    return found


def not_checked(inputs: CheckInputs, rules: Iterable[str] | None = None) -> list[str]:
    """Return the names of the rules that :func:`check` leaves out because their data are missing."""
    return [rule.name for rule in _chosen(rules) if not rule.applies(inputs)]


def _chosen(names: Iterable[str] | None) -> list[Rule]:
    if names is None:
        return list(RULES.values())
    wanted = set(names)
    unknown = sorted(wanted - RULES.keys())
    if unknown:
        raise unknown_name(Text("规则", "rule"), unknown[0], RULES)
    return [rule for name, rule in RULES.items() if name in wanted]


_T = TypeVar("_T")


def _given(value: _T | None) -> _T:
    if value is None:
        raise InputError("这条规则缺少所需的数据。", "The data that this rule needs are missing.")
    return value


# --- reading frames ----------------------------------------------------------------------------------------------


def _column(frame: pd.DataFrame, name: str) -> list[Any]:
    """Return the values of a column, None for what is missing."""
    if name not in frame:
        return [None] * len(frame)
    values = frame[name].astype(object)
    return [None if missing or value == "" else value for value, missing in zip(values, values.isna(), strict=True)]


def _points(frame: gpd.GeoDataFrame) -> Floats:
    """Return a point inside each polygon, shape (n, 2): the stored label where there is one."""
    inside = shapely.get_coordinates(shapely.point_on_surface(frame.geometry.to_numpy()))
    if "label_lon" in frame and "label_lat" in frame:
        label = frame[["label_lon", "label_lat"]].to_numpy(dtype=np.float64)
        inside = np.where(np.isfinite(label).all(axis=1, keepdims=True), label, inside)
    return np.asarray(inside, dtype=np.float64)


@dataclass(frozen=True, slots=True)
class _Grid:
    code: str
    label: str
    kind: str | None
    community: str | None
    lon: float
    lat: float

    def finding(self, rule: str, severity: Severity, zh: str, en: str, repair: Text) -> Finding:
        return Finding(rule, severity, f"grid:{self.code}", Text(zh, en), repair, self.lon, self.lat)


def _grids(frame: gpd.GeoDataFrame) -> list[_Grid]:
    columns = (_column(frame, name) for name in ("code", "name", "grid_kind", "community_code"))
    return [
        _Grid(
            str(code),
            str(name) if name is not None and name != code else str(code),
            kind,
            None if community is None else str(community),
            lon,
            lat,
        )
        for code, name, kind, community, (lon, lat) in zip(*columns, _rounded(_points(frame)), strict=True)
    ]


def _rounded(points: Floats) -> list[list[float]]:
    rounded: list[list[float]] = np.round(points, 7).tolist()
    return rounded


def _metric(frame: gpd.GeoDataFrame, epsg: int) -> npt.NDArray[np.object_]:
    return np.asarray(project(frame, epsg).geometry.to_numpy(), dtype=object)


def _building_names(frame: gpd.GeoDataFrame) -> list[tuple[str, str]]:
    """Return subject and label of each building."""
    columns = (_column(frame, name) for name in ("building_id", "source_id", "estate", "number", "name"))
    return [
        (f"building:{source or key}", f"{estate}{number}" if estate and number else str(name or source or key))
        for key, source, estate, number, name in zip(*columns, strict=True)
    ]


# --- coverage ----------------------------------------------------------------------------------------------------


def coverage(inputs: CheckInputs) -> Iterator[Finding]:
    """Find open land in no grid, land between grids, and land in two grids.

    Cells with a building are left to ``building_without_grid``. Gaps between polygons are only looked for where there
    are no cells, because cells leave none.
    """
    if inputs.cells is not None:
        yield from _cells_without_grid(inputs.cells)
    else:
        yield from _gaps(inputs)
    yield from _overlaps(inputs)


@dataclass(frozen=True, slots=True)
class _Cell:
    id: Any
    grid: Any
    building: Any
    community: str | None
    area_m2: float
    lon: float
    lat: float


def _cells_without_grid(frame: pd.DataFrame) -> Iterator[Finding]:
    names = ("cell_id", "grid_code", "building_id", "community_code", "area_m2", "lon", "lat")
    cells = [_Cell(*values) for values in zip(*(_column(frame, name) for name in names), strict=True)]
    free = [cell for cell in cells if cell.grid is None]
    if "community_code" in frame:
        begun = {cell.community for cell in cells if cell.grid is not None}
        nowhere = [cell for cell in free if cell.community is None]
        if nowhere:
            km2 = sum(cell.area_m2 for cell in nowhere) / 1e6
            yield _at_largest(
                nowhere,
                "info",
                "cells:no-community",
                Text(
                    f"{len(nowhere)} 个单元 ({km2:.2f} 平方公里) 不属于任何社区, 也没有网格。",
                    f"{len(nowhere)} cells ({km2:.2f} km²) are in no community and no grid.",
                ),
                Text("导入社区界线。", "Import the communities' borders."),
            )
        without = sorted({cell.community for cell in free if cell.community is not None} - begun)
        for community in without:
            there = [cell for cell in free if cell.community == community]
            yield _at_largest(
                there,
                "warning",
                f"community:{community}",
                Text(
                    f"社区 {community} 还没有网格 ({len(there)} 个单元)。",
                    f"Community {community} has no grids yet ({len(there)} cells).",
                ),
                Text("为该社区划分网格。", "Draw its grids."),
            )
        free = [cell for cell in free if cell.community in begun and cell.community is not None]
    for cell in free:
        if cell.building is None:
            yield _at_largest(
                [cell],
                "warning",
                f"cell:{cell.id}",
                Text(
                    f"{cell.area_m2:.0f} 平方米空地不属于任何网格。",
                    f"{cell.area_m2:.0f} m² of open land are in no grid.",
                ),
                Text("把这个单元划入相邻网格。", "Assign the cell to a neighbouring grid."),
            )


def _at_largest(cells: list[_Cell], severity: Severity, subject: str, message: Text, repair: Text) -> Finding:
    largest = max(cells, key=lambda cell: cell.area_m2)
    return Finding("coverage", severity, subject, message, repair, float(largest.lon), float(largest.lat))


def _area_m2(shapes: Shapes, epsg: int) -> Floats:
    """Return square metres of shapes in EPSG:4326."""
    metric = shapely.transform(shapes, lambda xy: transform_xy(xy, LONLAT_EPSG, epsg))
    return np.asarray(shapely.area(metric), dtype=np.float64)


# Gaps and overlaps are worked out on the stored degrees: the straight line between two vertices is another one in
# metres, and where one side of a border has a vertex more, that alone would make slivers.


def _gaps(inputs: CheckInputs) -> Iterator[Finding]:
    """Find land of communities, or holes in the land of all grids, that no grid has."""
    taken = shapely.union_all(_given(inputs.grids).geometry.to_numpy())
    # Cracks between neighbours must not open a hole to the outside.
    closed = shapely.buffer(
        shapely.buffer(taken, _CRACK_DEGREES, join_style="mitre"), -_CRACK_DEGREES, join_style="mitre"
    )
    rims = shapely.get_exterior_ring(shapely.get_parts(closed))
    whole: list[tuple[str, shapely.Geometry]] = [("", shapely.union_all(shapely.polygons(rims)))]
    if inputs.areas is not None:
        polygons = np.isin(shapely.get_type_id(inputs.areas.geometry.to_numpy()), (3, 6))
        communities = inputs.areas[polygons & (inputs.areas["level"].to_numpy() == "community")]
        if len(communities):
            columns = (_column(communities, column) for column in ("name", "code"))
            names = [str(name or code) for name, code in zip(*columns, strict=True)]
            whole = list(zip(names, communities.geometry.to_numpy(), strict=True))
    for name, land in whole:
        parts = shapely.get_parts(shapely.difference(land, taken))
        sizes = _area_m2(parts, inputs.metric_epsg)
        gaps, sizes = parts[sizes > inputs.settings.gap_m2], sizes[sizes > inputs.settings.gap_m2]
        inside = _rounded(shapely.get_coordinates(shapely.point_on_surface(gaps)))
        for m2, (lon, lat) in zip(sizes.tolist(), inside, strict=True):
            yield Finding(
                "coverage",
                "error",
                f"gap:{lon:.7f},{lat:.7f}",
                Text(
                    f"{name}有 {m2:.0f} 平方米土地不属于任何网格。",
                    f"{name + ': ' if name else ''}{m2:.0f} m² of land are in no grid.",
                ),
                Text("把空隙划入相邻网格。", "Assign the gap to a neighbouring grid."),
                lon,
                lat,
            )


def _overlaps(inputs: CheckInputs) -> Iterator[Finding]:
    shapes = _given(inputs.grids).geometry.to_numpy()
    tolerance = inputs.settings.gap_m2
    grids = _grids(_given(inputs.grids))
    a, b = shapely.STRtree(shapes).query(shapes, predicate="overlaps")
    inner, outer = shapely.STRtree(shapes).query(shapes, predicate="within")
    a, b = np.append(a, inner), np.append(b, outer)
    # Each pair once; two equal polygons are within one another.
    pairs = np.unique(np.sort(np.column_stack([a[a != b], b[a != b]]), axis=1), axis=0)
    common = shapely.intersection(shapes[pairs[:, 0]], shapes[pairs[:, 1]])
    for (i, j), shape, m2 in zip(pairs.tolist(), common, _area_m2(common, inputs.metric_epsg).tolist(), strict=True):
        if m2 <= tolerance:
            continue
        first, second = sorted((grids[i], grids[j]), key=lambda g: g.code)
        ((lon, lat),) = _rounded(shapely.get_coordinates(shapely.point_on_surface(shape)))
        yield Finding(
            "coverage",
            "error",
            f"grid:{first.code}",
            Text(
                f"网格 {first.label} 与 {second.label} 重叠 {m2:.0f} 平方米。",
                f"Grids {first.label} and {second.label} overlap by {m2:.0f} m².",
            ),
            Text("修正其中一个网格的边界。", "Correct the border of one of them."),
            lon,
            lat,
        )


# --- buildings ---------------------------------------------------------------------------------------------------


def building_without_grid(inputs: CheckInputs) -> Iterator[Finding]:
    """Find buildings that no leaf grid has; one finding for all where no building has a grid yet."""
    missing = np.array([code is None for code in _column(_given(inputs.buildings), "grid_code")], dtype=np.bool_)
    repair = Text("把楼栋所在单元划入一个网格。", "Assign the building's cell to a grid.")
    if len(missing) > 1 and missing.all():
        yield Finding(
            "building_without_grid",
            "error",
            "buildings",
            Text(f"全部 {len(missing)} 栋楼都不属于任何网格。", f"None of the {len(missing)} buildings is in a grid."),
            Text("先导入或划分网格。", "Import or draw grids first."),
        )
        return
    frame = _given(inputs.buildings)[missing]
    seen: set[str] = set()
    for (subject, label), (lon, lat) in zip(_building_names(frame), _rounded(_points(frame)), strict=True):
        if subject not in seen:
            seen.add(subject)
            message = Text(f"楼栋 {label} 不属于任何网格。", f"Building {label} is in no grid.")
            yield Finding("building_without_grid", "error", subject, message, repair, lon, lat)


def footprint_cut_by_official_line(inputs: CheckInputs) -> Iterator[Finding]:
    """Pass on the buildings that an official border cuts, as the making of cells found them."""
    for found in _given(inputs.cell_findings):
        if found.rule == CUT_FINDING:
            yield Finding(
                "footprint_cut_by_official_line",
                found.severity,
                found.subject,
                found.message,
                found.repair,
                found.lon,
                found.lat,
            )


def street_distances_m(buildings: gpd.GeoDataFrame, streets: gpd.GeoDataFrame, *, metric_epsg: int) -> Floats:
    """Return metres in a straight line from each footprint to the nearest walkable street; infinite without one.

    Parameters
    ----------
    buildings, streets
        Footprints and street lines in EPSG:4326.
    metric_epsg
        Projected system, metres.
    """
    far = np.full(len(buildings), np.inf)
    lines = streets[walkable(streets)]
    if len(lines) and len(buildings):
        tree = shapely.STRtree(_metric(lines, metric_epsg))
        footprints = _metric(buildings, metric_epsg)
        (row, _), metres = tree.query_nearest(footprints, return_distance=True, all_matches=False)
        far[row] = metres
    return far


def unattached(inputs: CheckInputs) -> Iterator[Finding]:
    """Find buildings too far from any walkable street (straight distance)."""
    limit = inputs.settings.unattached_m
    metres = street_distances_m(_given(inputs.buildings), _given(inputs.streets), metric_epsg=inputs.metric_epsg)
    repair = Text(
        "补充通往该楼的道路, 或核对楼栋位置。", "Add the way that leads there, or check where the building is."
    )
    if len(metres) and np.isinf(metres).all():
        yield Finding(
            "unattached",
            "warning",
            "streets",
            Text(
                "没有可步行的道路, 无法判断楼栋能否到达。",
                "There is no walkable street, so no building can be reached.",
            ),
            Text("先导入道路。", "Import streets first."),
        )
        return
    far = _given(inputs.buildings)[metres > limit]
    entries = zip(_building_names(far), _rounded(_points(far)), metres[metres > limit].tolist(), strict=True)
    for subject in _first_of_each(entries):
        (name, label), (lon, lat), distance = subject
        message = Text(
            f"楼栋 {label} 离最近的可步行道路 {distance:.0f} 米 (限 {limit:.0f} 米)。",
            f"Building {label} is {distance:.0f} m from the nearest walkable street (limit {limit:.0f} m).",
        )
        yield Finding("unattached", "warning", name, message, repair, lon, lat)


def _first_of_each(entries: Iterable[tuple[tuple[str, str], list[float], float]]) -> Iterator[Any]:
    seen: set[str] = set()
    for entry in entries:
        if entry[0][0] not in seen:
            seen.add(entry[0][0])
            yield entry


# --- grids -------------------------------------------------------------------------------------------------------


def grid_pieces(inputs: CheckInputs) -> Iterator[Finding]:
    """Find leaf grids of several pieces; dedicated grids may have them. The point lies in the smallest piece."""
    shapes = _given(inputs.grids).geometry.to_numpy()
    stored = _column(_given(inputs.grids), "pieces")
    for grid, shape, known in zip(_grids(_given(inputs.grids)), shapes, stored, strict=True):
        parts = shapely.get_parts(shape)
        pieces = len(parts) if known is None else int(known)
        if pieces < 2 or grid.kind == "dedicated":  # noqa: PLR2004
            continue
        smallest = parts[int(np.argmin(shapely.area(parts)))]
        ((lon, lat),) = _rounded(shapely.get_coordinates(shapely.point_on_surface(smallest)))
        yield Finding(
            "grid_pieces",
            "warning",
            f"grid:{grid.code}",
            Text(f"网格 {grid.label} 分成 {pieces} 块。", f"Grid {grid.label} consists of {pieces} pieces."),
            Text(
                "把分离的一块划入相邻网格, 或设为专属网格。",
                "Assign the piece to a neighbour, or make the grid dedicated.",
            ),
            lon,
            lat,
        )


def household_band(inputs: CheckInputs) -> Iterator[Finding]:
    """Find urban grids with many more or fewer households than the target; other kinds have no band."""
    target, tolerance = inputs.settings.household_target, inputs.settings.household_tolerance
    low, high = round(target * (1 - tolerance), 6), round(target * (1 + tolerance), 6)
    figures = zip(
        _column(_given(inputs.grids), "households"), _column(_given(inputs.grids), "households_estimated"), strict=True
    )
    for grid, (households, estimated) in zip(_grids(_given(inputs.grids)), figures, strict=True):
        if grid.kind != "urban" or households is None or low <= households <= high:
            continue
        count, guessed = int(households), int(estimated or 0)
        share = abs(count - target) / target
        beyond = int(np.ceil(low - count)) if count < low else int(np.ceil(count - high))
        more = count > target
        yield grid.finding(
            "household_band",
            "warning",
            f"网格 {grid.label} 有 {count} 户, 比标准 {target} 户{'多' if more else '少'} {share:.0%}, "
            f"{'超过上限' if more else '低于下限'} {beyond} 户"
            + (f" (其中 {guessed} 户为估算)。" if guessed else "。"),
            f"Grid {grid.label} has {count} households, {share:.0%} {'more' if more else 'fewer'} than {target}: "
            f"{beyond} {'above' if more else 'below'} the band"
            + (f" ({guessed} of them estimated)." if guessed else "."),
            Text("拆分网格, 或把楼栋划给相邻网格。", "Split it, or move buildings to a neighbour.")
            if more
            else Text("与相邻网格合并, 或划入楼栋。", "Merge it with a neighbour, or move buildings to it."),
        )


def serial_order(x: npt.ArrayLike, y: npt.ArrayLike, *, row_m: float) -> Ints:
    """Return the rank of points from west to east, rows from north to south: 0 is the first.

    A row begins at its northernmost point and is ``row_m`` metres deep; of equal points the one listed first.

    Examples
    --------
    >>> serial_order([5.0, 0.0, 9.0, 1.0], [0.0, 0.0, 90.0, 95.0], row_m=50.0).tolist()
    [3, 2, 1, 0]
    """
    east, north = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    row = np.zeros(len(east), dtype=np.int64)
    top, number = np.inf, -1
    for i in np.argsort(-north, kind="stable"):
        if top - north[i] > row_m or number < 0:
            top, number = north[i], number + 1
        row[i] = number
    rank = np.empty(len(east), dtype=np.int64)
    rank[np.lexsort((np.arange(len(east)), east, row))] = np.arange(len(east))
    return rank


_CODE_REPAIR = Text("按规则重新编码。", "Give it a code by the rule.")


def codes(inputs: CheckInputs) -> Iterator[Finding]:
    """Check codes of leaf grids: unique, community and serial number, urban or rural community, order."""
    grids = _grids(_given(inputs.grids))
    count = pd.Series([grid.code for grid in grids], dtype=object).value_counts()
    for grid in grids:
        if count[grid.code] > 1:
            yield grid.finding(
                "codes",
                "error",
                f"网格编码 {grid.code} 用了 {count[grid.code]} 次 ({grid.label})。",
                f"Code {grid.code} is used {count[grid.code]} times ({grid.label}).",
                _CODE_REPAIR,
            )
    rule = inputs.settings.codes
    if rule is None:
        return
    good = []
    for grid in grids:
        problem = _code_problem(grid, rule)
        if problem is None:
            good.append(grid)
        else:
            severity, text = problem
            yield grid.finding("codes", severity, text.zh, text.en, _CODE_REPAIR)
    if rule.ordered:
        yield from _out_of_order(inputs, {grid.code for grid in good}, rule)


def _code_problem(grid: _Grid, rule: CodeRule) -> tuple[Severity, Text] | None:
    digits = rule.community_digits + rule.serial_digits
    if not re.fullmatch(rf"[0-9]{{{digits}}}", grid.code):
        return "error", Text(
            f"网格编码 {grid.code} 不是 {rule.community_digits} 位社区代码加 {rule.serial_digits} 位顺序号。",
            f"Code {grid.code} is not {rule.community_digits} community digits and {rule.serial_digits} serial ones.",
        )
    community, serial = grid.code[: rule.community_digits], int(grid.code[rule.community_digits :])
    if serial == 0:
        return "error", Text(f"网格编码 {grid.code} 的顺序号为 0。", f"The serial number of code {grid.code} is 0.")
    if grid.community is not None and community != grid.community:
        return "error", Text(
            f"网格编码 {grid.code} 的前 {rule.community_digits} 位不是所在社区代码 {grid.community}。",
            f"Code {grid.code} does not begin with the code of its community, {grid.community}.",
        )
    segment = int(community[-3:])
    wanted = {"urban": rule.urban, "rural": rule.rural}.get(grid.kind or "")
    if wanted and not wanted[0] <= segment <= wanted[1]:
        zh = "城市社区" if grid.kind == "urban" else "农村"
        return "warning", Text(
            f"{zh}网格 {grid.code} 的社区段 {segment:03d} 不在 {wanted[0]:03d}–{wanted[1]:03d} 之内。",
            f"Grid {grid.code} is {grid.kind}, but segment {segment:03d} of its community "
            f"is not within {wanted[0]:03d}–{wanted[1]:03d}.",
        )
    return None


def _out_of_order(inputs: CheckInputs, good: set[str], rule: CodeRule) -> Iterator[Finding]:
    """Find communities whose serial numbers do not run from west to east, north to south."""
    frame = _given(inputs.grids)[[code in good for code in _given(inputs.grids)["code"]]]
    shapes = _metric(frame, inputs.metric_epsg)
    centre = shapely.get_coordinates(shapely.centroid(shapes))
    listed = _grids(frame)
    communities = np.array([grid.code[: rule.community_digits] for grid in listed], dtype=object)
    for community in sorted(set(communities)):
        rows = np.flatnonzero(communities == community)
        rows = rows[np.argsort([listed[i].code for i in rows], kind="stable")]
        depth = float(np.sqrt(np.median(shapely.area(shapes[rows]))))
        rank = serial_order(centre[rows, 0], centre[rows, 1], row_m=depth)
        wrong = int((rank != np.arange(len(rows))).sum())
        if wrong:
            first = listed[rows[int(np.argmax(rank != np.arange(len(rows))))]]
            yield Finding(
                "codes",
                "info",
                f"community:{community}",
                Text(
                    f"社区 {community} 有 {wrong} 个网格的顺序号不是从西向东、由北至南。",
                    f"{wrong} grids of community {community} are not numbered from west to east, north to south.",
                ),
                Text("需要时重新编号; 现有编码可以保留。", "Renumber them if you wish; existing codes may stay."),
                first.lon,
                first.lat,
            )


def vacancy(inputs: CheckInputs) -> Iterator[Finding]:
    """Find leaf grids for which nobody is on duty on the day asked for."""
    held = {
        str(code)
        for code, start, end in zip(
            *(_column(_given(inputs.duties), c) for c in ("grid_code", "from_date", "to_date")), strict=True
        )
        if code is not None and (start is None or _day(start) <= inputs.on) and (end is None or _day(end) >= inputs.on)
    }
    for grid in _grids(_given(inputs.grids)):
        if grid.code not in held:
            yield grid.finding(
                "vacancy",
                "warning",
                f"网格 {grid.label} 没有在岗人员。",
                f"Nobody is on duty for grid {grid.label}.",
                Text("为该网格配备网格长和网格员。", "Appoint a grid leader and a grid officer."),
            )


def _day(value: Any) -> dt.date:
    return pd.Timestamp(value).date()


RULES: dict[str, Rule] = {
    rule.name: rule
    for rule in (
        Rule("coverage", Text("全覆盖、不重叠", "no gap, no overlap"), ("grids",), coverage),
        Rule(
            "building_without_grid",
            Text("每栋楼都有网格", "every building has a grid"),
            ("buildings",),
            building_without_grid,
        ),
        Rule("grid_pieces", Text("网格连成一片", "a grid is one piece"), ("grids",), grid_pieces),
        Rule("household_band", Text("户数规模", "household band"), ("grids",), household_band),
        Rule("codes", Text("网格编码", "grid codes"), ("grids",), codes),
        Rule(
            "footprint_cut_by_official_line",
            Text("行政界线穿过楼栋", "official lines through buildings"),
            ("cell_findings",),
            footprint_cut_by_official_line,
        ),
        Rule("unattached", Text("楼栋与道路不通", "buildings off the streets"), ("buildings", "streets"), unattached),
        Rule("vacancy", Text("人员空缺", "vacancies"), ("grids", "duties"), vacancy),
    )
}
