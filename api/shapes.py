"""The shapes of answers, for the OpenAPI document and its tests; answers themselves are written as bytes."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

__all__ = [
    "BuildingTimes",
    "Comparison",
    "Coverage",
    "Editions",
    "Feature",
    "FeatureCollection",
    "Findings",
    "GateAdded",
    "GridFacts",
    "ImportJob",
    "Job",
    "Jobs",
    "Jurisdiction",
    "Located",
    "Plan",
    "PlanDiff",
    "PlanLog",
    "PlanPublished",
    "PlanScored",
    "PlanShown",
    "PlanStep",
    "Plans",
    "Proposed",
    "Scenario",
    "Scenarios",
    "StationFacts",
    "WalkRoute",
]

Object = dict[str, Any]


class _Shape(BaseModel):
    model_config = ConfigDict(extra="allow")


class Words(_Shape):
    """The same words in Chinese and English."""

    zh: str
    en: str


class Edition(_Shape):
    """A set of grids in force during a period."""

    id: int
    name: str
    effective_from: datetime


class Editions(_Shape):
    """All editions."""

    editions: list[Edition]


class Jurisdiction(_Shape):
    """What this installation serves; ``bbox`` is west, south, east, north in EPSG:4326 degrees."""

    code: str | None
    name: str | None
    bbox: list[float] | None
    edition: Edition | None
    editions: list[Edition]
    household_target: int
    counts: dict[str, int]
    version: Object | str | int
    levels: list[Any]


class FeatureCollection(_Shape):
    """GeoJSON (RFC 7946)."""

    type: Literal["FeatureCollection"]
    features: list[Object]


class GridFacts(_Shape):
    """One grid: its facts, the levels above it, the people responsible (public fields), the nearest stations."""

    grid: Object
    chain: list[Object]
    duties: list[Object]
    stations: list[Object]


class Located(_Shape):
    """Whose place a point is; ``boundary_m`` in metres, ``method`` is building, point, parent or none."""

    building: Object | None
    grid: Object | None
    chain: list[Object]
    community: Object | None
    town: Object | None
    near_boundary: bool
    boundary_m: float | None
    candidates: list[Object]
    nearest: Object | None
    parent: Object | None
    duties: list[Object]
    stations: list[Object]
    edition: Object | int | None
    crs_assumed: str
    method: str


class Finding(_Shape):
    """One place where something is not as it should be."""

    rule: str
    severity: Literal["error", "warning", "info"]
    subject: str
    message: Words
    repair: Words | None
    lon: float | None
    lat: float | None


class Findings(_Shape):
    """What a check found."""

    findings: list[Finding]


class Job(_Shape):
    """Long work; ``percent`` is 0 to 100."""

    id: int
    kind: str
    state: Literal["waiting", "running", "done", "failed", "cancelled", "interrupted"]
    percent: float
    message: Words
    who: str
    result: Object | None
    error: Object | None


class ImportedLayer(_Shape):
    """What became of one kind of data: ``counts`` by new, changed, reshaped, removed, same and unknown_removed."""

    kind: str
    read: int
    rejected: int
    counts: dict[str, int]
    problems: list[Object]
    problem_counts: dict[str, int]


class ImportReport(_Shape):
    """What an import did (``committed``) or would do; ``effects`` on households, cells and grids."""

    committed: bool
    layers: list[ImportedLayer]
    columns: list[Words]
    notes: list[Words]
    effects: Object


class ImportJob(Job):
    """An import as a job; ``result`` is there when the job is done."""

    result: ImportReport | None  # type: ignore[assignment]


class Jobs(_Shape):
    """Jobs, the newest first."""

    jobs: list[Job]


class Feature(_Shape):
    """One GeoJSON feature (RFC 7946)."""

    type: Literal["Feature"]
    geometry: Object | None
    properties: Object


class CoverageTotals(_Shape):
    """What is within reach; ``_low`` and ``_high``: with the range of estimated households."""

    buildings: int
    buildings_covered: int
    households: int
    households_covered: int
    households_covered_low: int
    households_covered_high: int
    people: int
    people_covered: int
    area_m2: float
    area_covered_m2: float
    share: float | None
    unattached: dict[str, int]


class Coverage(_Shape):
    """Who can walk to a station; ``settings`` are those that were used."""

    version: str
    settings: Object
    totals: CoverageTotals
    rows: list[Object]
    stations: list[Object]
    circle: list[Object]
    warnings: list[Words]


class BuildingTimes(_Shape):
    """Columns: number of the building, seconds to its nearest station, position of that in ``stations`` (−1: none)."""

    version: str
    id: list[int]
    seconds: list[float | None]
    station: list[int]
    stations: list[str]


class WalkRoute(_Shape):
    """A way on foot; without one ``message`` says why."""

    building: Object | None
    seconds: float | None
    walk_m: float | None
    straight_m: float | None
    station: Object | None
    path: Object | None
    via: Literal["street", "gate", "gate_assumed"] | None
    message: Words | None


class Scenario(_Shape):
    """A named set of changes; ``revision`` counts its changes."""

    id: int
    title: str
    owner: str
    revision: int
    changes: list[Object]
    made_at: datetime
    changed_at: datetime
    applied_at: datetime | None


class Scenarios(_Shape):
    """Scenarios, the one changed last first."""

    scenarios: list[Scenario]


class Comparison(_Shape):
    """A scenario beside today."""

    today: CoverageTotals
    scenario: CoverageTotals
    rows: list[Object]


class StationFacts(_Shape):
    """Everything known of a station; ``score`` counts the eight checks that are met."""

    code: str
    name: str
    kind: str
    tier: int | None
    services: list[str]
    opening_hours: str | None
    tenure: str | None
    rooms: list[str]
    address: str | None
    lon: float
    lat: float
    checks: dict[str, bool | None]
    score: int


class SettingTold(_Shape):
    """One setting of the jurisdiction; ``given`` is false where the default holds."""

    name: str
    title: Words
    value: str | int | float | list[str] | None
    default: str | int | float | list[str] | None
    given: bool
    unit: str
    takes: Words
    source: Words
    recalculates: str


class JurisdictionSettings(_Shape):
    """What the jurisdiction sets for itself."""

    settings: list[SettingTold]


class SettingChange(_Shape):
    """A value before and after."""

    name: str
    before: str | int | float | list[str] | None
    after: str | int | float | list[str] | None
    unit: str


class JurisdictionSettingsChanged(JurisdictionSettings):
    """The settings after a change, what changed, and what was worked out anew."""

    committed: bool
    changes: list[SettingChange]
    effects: Object


class HoursRead(_Shape):
    """Opening hours that were understood: the usual form, and the usual week in plain words."""

    text: str
    normal: str
    zh: str
    en: str


class Street(_Shape):
    """A street that people walk on; ``path`` is a GeoJSON MultiLineString."""

    id: int
    name: str | None
    highway: str | None
    length_m: float
    path: Object


class StreetNear(_Shape):
    """The street nearest to a point, its piece between two junctions, and the point on it; null: none is near."""

    version: str
    street: Street | None
    piece: Object | None
    lon: float | None
    lat: float | None
    distance_m: float | None


class GateAdded(_Shape):
    """Where the gate was put (on the wall)."""

    id: int
    name: str
    gate: dict[str, float]


class Proposed(_Shape):
    """Sites in order; ``job`` proves them where that was asked."""

    proposal: Object
    job: Job | None = None


class Plan(_Shape):
    """A draft of the next edition; ``revision`` is the number of its last operation."""

    id: int
    title: str
    base_edition: int
    state: str
    revision: int
    owner: str
    made_at: datetime
    changed_at: datetime
    approved_by: str | None
    edition: int | None
    effective_from: datetime | None
    approval_enforced: bool


class Plans(_Shape):
    """All plans, the one changed last first."""

    plans: list[Plan]


class PlanGrid(_Shape):
    """A grid of a plan; ``deviation``, ``polsby_popper``, ``reock`` and ``street_share`` are null where not defined."""

    key: int
    code: str
    name: str
    level: int
    grid_kind: str
    parent_code: str | None
    community_code: str | None
    locked: bool


class PlanScore(_Shape):
    """Totals and scores of a plan: shares are 0 to 1, null where nothing is counted."""

    grids: int
    urban: int
    households: int
    people: int
    buildings: int
    within_10: float | None
    within_15: float | None
    within_band: float | None
    mean_deviation: float | None
    max_deviation: float | None
    polsby_popper: float | None
    street_share: float | None
    households_moved: int
    moved_share: float | None
    cells_moved: int


class PlanRepair(_Shape):
    """The operation that mends it, and what it does in words."""

    operation: Object
    text: Words


class PlanWarning(_Shape):
    """What to look at."""

    rule: str
    severity: Literal["error", "warning", "info"]
    grid: str | None
    message: Words
    repair: PlanRepair | None
    lon: float | None
    lat: float | None


class PlanShown(Plan):
    """A plan with its grids."""

    score: PlanScore
    target: Object
    grids: list[PlanGrid]
    upper_grids: list[PlanGrid]
    undo: Object | None
    redo: Object | None


class PlanPublished(Plan):
    """A plan that is an edition, in force or waiting for its date; what followed it so far."""

    grids: int
    requests_moved: int
    duties_recoded: int
    duties_without_grid: int


class PlanRebased(Plan):
    """A plan on another edition: what was taken and kept, and what needs settling."""

    to: int
    taken: int
    kept: int
    recoded: Object
    settled: Object
    differences: list[Object]
    committed: bool


class PlanComment(_Shape):
    """What somebody said about a plan, or about one of its grids or a point."""

    id: int
    plan: int
    revision: int
    who: str
    at: datetime
    words: str
    grid: str | None
    lon: float | None
    lat: float | None
    settled_at: datetime | None
    settled_by: str | None


class PlanComments(_Shape):
    """Comments, the oldest first."""

    comments: list[PlanComment]


class PlanScores(_Shape):
    """How the scores of a plan went."""

    id: int
    revision: int
    start: PlanScore
    history: list[Object]


class RolledBack(_Shape):
    """What restoring a former edition moves; with the plan and its publication where it was done."""

    to: int
    committed: bool
    households_moved: int
    people_moved: int
    buildings_moved: int


class PlanScored(_Shape):
    """The scores of a plan and what to look at."""

    id: int
    revision: int
    score: PlanScore
    target: Object
    grids: list[PlanGrid]
    warnings: list[PlanWarning]


class PlanStep(_Shape):
    """What one operation did, or would do: touched grids with polygon (GeoJSON), totals and scores."""

    id: int
    revision: int
    committed: bool
    kind: str
    inverse_of: int | None
    rebased: int
    cells: int
    grids: list[PlanGrid]
    upper_grids: list[PlanGrid]
    ended: list[str]
    score: PlanScore
    warnings: list[PlanWarning]
    undo: Object | None
    redo: Object | None


class PlanBuildings(_Shape):
    """The buildings of a grid of a plan; ``building`` is what operations name, ``id`` that of the map tiles."""

    id: int
    revision: int
    grid: str
    buildings: list[Object]


class PlanLog(_Shape):
    """Operations of a plan, the newest first."""

    operations: list[Object]


class PlanPair(_Shape):
    """An old and a new grid that share land; ``relation`` is of the land, ``stays`` of the grid."""

    old: str | None
    new: str | None
    relation: Literal["same", "split", "merge", "partial"]
    stays: bool
    buildings: int
    households: int
    people: int
    area_m2: float


class PlanDiff(_Shape):
    """What a plan changes."""

    households_moved: int
    people_moved: int
    buildings_moved: int
    pairs: list[PlanPair]
    buildings: list[Object]
    communities: list[Object]
    grids: Object


class PlanBrought(_Shape):
    """What a file of assignments does, or would do, to a plan; ``step`` is null where nothing changes."""

    plan: int
    file: str
    rows: int
    rejected: int
    unknown_buildings: list[str]
    buildings_twice: list[str]
    buildings_missing: list[str]
    attached: list[str]
    unknown_codes: list[str]
    new_grids: list[str]
    cleaned: Object | None
    problems: list[Object]
    step: PlanStep | None


class NetPiece(_Shape):
    """Two areas that share land, by code; null where only one of the two has the land."""

    first: str | None
    first_name: str | None
    second: str | None
    second_name: str | None
    status: Literal["agree", "disagree", "only_first", "only_second"]
    cells: int
    buildings: int
    households: int
    people: int
    area_m2: float


class NetsCompared(_Shape):
    """A net beside another, or beside the grids; the pieces with most households first."""

    first: str
    second: str
    totals: Object
    pieces: list[NetPiece]


class Nets(_Shape):
    """The nets that were imported."""

    nets: list[Object]


class NetsSummary(_Shape):
    """Totals of where each two nets, and each net and the grids, disagree."""

    compared: list[Object]


class NetsOverlay(_Shape):
    """The pieces of the overlay; ``area1``, ``area2`` … are the areas of the nets in their order."""

    nets: list[str]
    joined: int
    pieces: list[Object]
