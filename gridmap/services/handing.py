"""Everything that follows from a change of grids, as tables: who hands what over to whom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sqlalchemy import Connection

from gridmap.core import reach
from gridmap.core.plans.addresses import number_ranges
from gridmap.core.plans.crosswalk import Layout
from gridmap.core.plans.effect import NO_GRID
from gridmap.errors import NotReady
from gridmap.model.text import Language, Text
from gridmap.services.comparing import Comparison
from gridmap.services.looking import Question, look
from gridmap.services.walking import Walker
from gridmap.services.wording import descriptions
from gridmap.store import handing as store
from gridmap.store import readers
from gridmap.store.jurisdiction import jurisdiction
from gridmap.store.wording import community_names

__all__ = ["Following", "coverage_of_layouts", "follows", "grid_of_request"]

Ints = NDArray[np.int64]

_TEAM = Text("未定", "not known")


@dataclass(frozen=True, slots=True)
class Following:
    """What follows from a comparison.

    Attributes
    ----------
    grids
        The grids whose land changes: code, name, households and people before and after, description before and after.
    buildings
        Each building that goes to another grid, with its address and both grids.
    pairs
        Households, people and buildings for each old and new grid.
    addresses
        Streets and estates with ranges of numbers, for each old and new grid.
    handover
        Each building, and what each team hands over to which: with leaders, building chiefs and open requests.
    requests
        Open requests whose grid changes, by number; no text of a resident.
    coverage
        Households within 15 minutes of a station, by grid, before and after; None: not known.
    why_no_coverage
        Why it is not known.
    leaders
        The team of each grid by code.
    """

    grids: pd.DataFrame
    buildings: pd.DataFrame
    pairs: pd.DataFrame
    addresses: pd.DataFrame
    handover: pd.DataFrame
    requests: pd.DataFrame
    coverage: pd.DataFrame | None
    why_no_coverage: Text | None
    leaders: Mapping[str, str]


def follows(connection: Connection, found: Comparison, walker: Walker, *, language: Language) -> Following:
    """Return what follows from a comparison, which is of the same moment as the connection."""
    known = store.addresses(connection).set_index("source_id")
    moved = _with_addresses(found, known)
    duties = readers.all_public_duties(connection)
    leaders = {code: _leader(people) for code, people in duties.items()}
    was = {key: grid.code for key, grid in found.old.layout.grids.items()} if found.same_keys else {}
    leaders |= {
        grid.code: leaders[was[key]]
        for key, grid in found.new.layout.grids.items()
        if was.get(key) in leaders and was[key] != grid.code
    }
    # a new grid has no team of its own yet
    for grid in found.new.layout.grids.values():
        leaders.setdefault(grid.code, _TEAM.said(language))
    requests = _requests(connection, found)
    at_building = requests.groupby("building").size() if len(requests) else pd.Series(dtype="int64")
    chiefs = store.chiefs(connection)
    handover = moved.drop(columns=["old_community", "new_community"])
    handover["old_team"] = [leaders.get(code, _TEAM.said(language)) if code else None for code in handover["old"]]
    handover["new_team"] = [leaders.get(code, _TEAM.said(language)) if code else None for code in handover["new"]]
    handover["chief"] = ["、".join(_person(p) for p in chiefs.get(b, ())) or None for b in handover["building"]]
    handover["open_requests"] = [int(at_building.get(b, 0)) for b in handover["building"]]
    coverage: pd.DataFrame | None = None
    why: Text | None = None
    try:
        coverage = coverage_of_layouts(walker, found)
    except NotReady as error:
        why = Text(error.zh, error.en)
    pairs = found.walk.pairs
    shown = [
        "old", "old_name", "new", "new_name", "relation", "stays", "buildings", "households", "people", "area_m2",
        "old_community", "new_community",
    ]  # fmt: skip
    return Following(
        grids=_grids(connection, found, language=language),
        buildings=moved,
        pairs=pairs[shown],
        addresses=_addresses(found, known, language=language),
        handover=handover.sort_values(["old", "new", "building"], ignore_index=True, na_position="first"),
        requests=requests,
        coverage=coverage,
        why_no_coverage=why,
        leaders=leaders,
    )


def _leader(people: list[dict[str, Any]]) -> str:
    return _person(people[0]) if people else ""


def _person(person: Mapping[str, Any]) -> str:
    return " ".join(str(person[part]) for part in ("label", "name") if person.get(part))


def _with_addresses(found: Comparison, known: pd.DataFrame) -> pd.DataFrame:
    moved = found.walk.buildings
    at = known.reindex(moved["building"])
    out = pd.DataFrame({"building": moved["building"]})
    for name in ("label", "street", "house_number", "estate", "number"):
        out["address" if name == "label" else name] = at[name].to_numpy(dtype=object)
    for side, layout in (("old", found.old.layout), ("new", found.new.layout)):
        called = {grid.code: grid.name for grid in layout.grids.values()}
        out[side] = moved[side]
        out[f"{side}_name"] = [called.get(code) for code in moved[side]]
        out[f"{side}_community"] = moved[f"{side}_community"]
    for name in ("households", "people", "attached_to"):
        out[name] = moved[name]
    return out


def _addresses(found: Comparison, known: pd.DataFrame, *, language: Language) -> pd.DataFrame:
    way: dict[str, tuple[str, str]] = {}
    for row in found.walk.buildings.itertuples():
        way[str(row.building)] = (str(row.old or ""), str(row.new or ""))
    rows: list[dict[str, Any]] = []
    for kind, place, number in (("street", "street", "house_number"), ("estate", "estate", "number")):
        has = known[known[place].notna() & known[number].notna()]
        listed = number_ranges(
            list(has[place]), list(has[number]), [way.get(code) for code in has.index], sides=kind == "street"
        )
        together: dict[tuple[Any, str], list[Any]] = {}
        for each in listed:
            together.setdefault((each.way, each.place), []).append(each)
        mark = Text("、", ", ").said(language)
        rows += [
            {
                "old": going[0] or None,
                "new": going[1] or None,
                "kind": kind,
                "place": where,
                "numbers": mark.join(each.words.said(language) for each in ranges),
                "buildings": sum(each.buildings for each in ranges),
            }
            for (going, where), ranges in together.items()
        ]
    rows.sort(key=lambda row: (row["old"] or "", row["new"] or "", row["kind"] != "street", row["place"]))
    return pd.DataFrame(rows, columns=["old", "new", "kind", "place", "numbers", "buildings"])


def _requests(connection: Connection, found: Comparison) -> pd.DataFrame:
    fabric = found.land.fabric
    table = store.open_requests(connection)
    zone = ZoneInfo(jurisdiction(connection).time_zone)
    table["reported_at"] = [moment.astimezone(zone).strftime("%Y-%m-%d %H:%M") for moment in table["reported_at"]]
    rows = fabric.rows_of(np.array([-1 if pd.isna(c) else int(c) for c in table["cell_id"]], dtype=np.int64))
    codes: dict[str, list[str | None]] = {}
    for side, layout in (("old", found.old.layout), ("new", found.new.layout)):
        codes[side] = [
            layout.code(grid_of_request(fabric.cells_of_building.get(building), int(row), layout))
            for building, row in zip(table["building"], rows, strict=True)
        ]
    out = table.drop(columns="cell_id")
    for side, found_codes in codes.items():
        out[side] = pd.Series(found_codes, dtype=object)
    moves = np.array([a != b for a, b in zip(codes["old"], codes["new"], strict=True)], dtype=np.bool_)
    kept: pd.DataFrame = out[moves].reset_index(drop=True)
    return kept


def grid_of_request(cells: Ints | None, row: int, layout: Layout) -> int:
    """Return the grid of a request: that of its building, where it has one, else that of its point."""
    if cells is not None:
        keys = np.unique(layout.keys[cells])
        if len(keys) == 1:
            return int(keys[0])
    return int(layout.keys[row]) if row >= 0 else NO_GRID


def _grids(connection: Connection, found: Comparison, *, language: Language) -> pd.DataFrame:
    """Return the grids whose land changes, those that end and begin too, with figures and borders in words."""
    moving = found.walk.pairs[~found.walk.pairs["stays"].astype(bool)]
    told: dict[str, dict[str, Any]] = {}
    for side, layout in (("old", found.old.layout), ("new", found.new.layout)):
        codes = {code for name in ("old", "new") for code in moving[name] if code is not None}
        keys = [key for key, grid in layout.grids.items() if grid.leaf and grid.code in codes]
        words = descriptions(connection, found.land, layout, keys)
        fabric = found.land.fabric
        when = "before" if side == "old" else "after"
        for key in keys:
            grid, here = layout.grids[key], layout.keys == key
            row = told.setdefault(grid.code, {"code": grid.code})
            row["name"] = grid.name
            row["community"] = grid.community
            row[f"households_{when}"] = int(fabric.households[here].sum()) if here.any() else None
            row[f"people_{when}"] = int(fabric.people[here].sum()) if here.any() else None
            row[f"borders_{when}"] = words[key].said(language) if here.any() else None
    names = community_names(connection)
    columns = [
        "code", "name", "community", "households_before", "households_after", "people_before", "people_after",
        "borders_before", "borders_after",
    ]  # fmt: skip
    table = pd.DataFrame([told[code] for code in sorted(told)], columns=columns, dtype=object)
    table["community"] = [names.get(code, code) for code in table["community"]]
    return table


def coverage_of_layouts(walker: Walker, found: Comparison) -> pd.DataFrame:
    """Return how many households of each grid reach a station in 15 minutes, before and after.

    code, name, and households, covered and share ``_before`` and ``_after``; missing where the grid is not there.

    Raises
    ------
    NotReady
        There are no streets, buildings or stations to walk between.
    """
    seen = look(walker, Question())
    fabric = found.land.fabric
    rows = fabric.rows_of(seen.town.cells.ids)
    told: dict[str, dict[str, Any]] = {}
    for when, layout in (("before", found.old.layout), ("after", found.new.layout)):
        keys = sorted(key for key, grid in layout.grids.items() if grid.leaf)
        place = {key: k for k, key in enumerate(keys)}
        group = np.array([place.get(int(layout.keys[r]), -1) if r >= 0 else -1 for r in rows], dtype=np.int64)
        table = reach.figures_by(
            seen.town.cells.demand, seen.far.seconds, limit_s=seen.question.limit_s, group=group, groups=len(keys)
        )
        present = set(np.unique(layout.keys).tolist())
        for key, (_, row) in zip(keys, table.iterrows(), strict=True):
            if key in present:
                grid = layout.grids[key]
                facts = told.setdefault(grid.code, {"code": grid.code})
                facts["name"] = grid.name
                facts[f"households_{when}"] = int(row["households"])
                facts[f"covered_{when}"] = int(row["households_covered"])
                facts[f"share_{when}"] = round(float(row["share"]), 4) if np.isfinite(row["share"]) else None
    columns = [
        "code",
        "name",
        *(f"{what}_{when}" for when in ("before", "after") for what in ("households", "covered", "share")),
    ]
    return pd.DataFrame([told[code] for code in sorted(told)], columns=columns, dtype=object)
