"""After publishing: do crosswalk, lineage, requests and duties agree to the building? A check that stands by itself.

The crosswalk is worked out from cells in memory; against it stands what the database says by its own functions and
rows. Nothing is mended here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from gridmap.core.plans.effect import NO_GRID
from gridmap.model.text import Text
from gridmap.services.comparing import Comparison, compare
from gridmap.services.editions import edition_for
from gridmap.services.handing import grid_of_request
from gridmap.services.plandiff import records
from gridmap.services.plans import PlanDesk
from gridmap.store import agreement as store
from gridmap.store import handing
from gridmap.store.jurisdiction import jurisdiction

__all__ = ["Disagreement", "disagreements"]


@dataclass(frozen=True, slots=True)
class Disagreement:
    """Something that is not where it should be; ``expected`` and ``found`` are grid codes, None for no grid."""

    what: str
    subject: str
    expected: str | None
    found: str | None
    message: Text

    def as_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "what": self.what,
            "subject": self.subject,
            "expected": self.expected,
            "found": self.found,
            "message": {"zh": self.message.zh, "en": self.message.en},
        }


def disagreements(desk: PlanDesk) -> list[Disagreement]:
    """Return everything in which the edition in force and what hangs on it do not agree: best nothing.

    Raises
    ------
    NotFound
        There is no edition.
    """
    with desk.snapshot() as seen:
        number = edition_for(seen.connection, None)
        found = compare(seen, f"edition:{max(number - 1, 1)}", f"edition:{number}")
        out = [*_buildings(seen.connection, found), *_requests(seen.connection, found)]
        if found.old.id != found.new.id:
            out += _lineage(seen.connection, found)
        out += [
            Disagreement(
                "duty", source, None, where, Text(f"岗位 {source} 的网格或楼栋 {where} 已不存在。",
                                                  f"Duty {source} is of {where}, which there is not any more."),
            )
            for source, where in store.duties_astray(seen.connection, number)
        ]  # fmt: skip
        homes = store.buildings_in(seen.connection, number)
        for source, building, code in store.chiefs(seen.connection):
            if homes.get(building, code) != code:
                said = Text(
                    f"{source} 是楼栋 {building} 的岗位，应属网格 {homes[building]}，现为 {code}。",
                    f"Duty {source} of building {building} belongs to grid {homes[building]}, but is of {code}.",
                )
                out.append(Disagreement("duty", source, homes[building], code, said))
    return out


def _buildings(connection: Any, found: Comparison) -> list[Disagreement]:
    """Compare who moved by the crosswalk with who moved by the grids of buildings in SQL."""
    sides = [store.buildings_in(connection, side.id) for side in (found.old, found.new)]
    said = {row["building"]: (row["old"], row["new"]) for row in records(found.walk.buildings)}
    out = []
    for building in sorted({*sides[0], *sides[1]}):
        was, now = (side.get(building) for side in sides)
        cells = found.land.fabric.cells_of_building.get(building)
        if cells is None or was is None or now is None:
            continue  # in no grid, or divided: the crosswalk has a row for each part
        old, new = said.get(building, (was, was))
        if (old, new) != (was, now) and not (old == new == was and found.same_keys and _recoded(found, was, now)):
            out.append(
                Disagreement(
                    "building", building, str(new), now,
                    Text(f"楼栋 {building}：对照表为 {old} → {new}，数据库为 {was} → {now}。",
                         f"Building {building}: {old} → {new} by the crosswalk, {was} → {now} in the database."),
                )
            )  # fmt: skip
    return out


def _recoded(found: Comparison, was: str, now: str) -> bool:
    """Tell whether two codes are of one grid, which got another code."""
    keys = [next((k for k, g in side.layout.grids.items() if g.code == code), None) for side, code in
            ((found.old, was), (found.new, now))]  # fmt: skip
    return keys[0] is not None and keys[0] == keys[1]


def _requests(connection: Any, found: Comparison) -> list[Disagreement]:
    if jurisdiction(connection).settings.get("open_requests", "follow") == "stay":
        return []
    fabric, layout = found.land.fabric, found.new.layout
    places = handing.open_requests(connection)
    rows = fabric.rows_of(np.array([-1 if pd.isna(c) else int(c) for c in places["cell_id"]], dtype=np.int64))
    wanted: dict[tuple[str, str], str | None] = {}
    for request, row in zip(records(places), rows.tolist(), strict=True):
        key = grid_of_request(fabric.cells_of_building.get(request["building"]), row, layout)
        wanted[request["source"], request["source_ref"]] = layout.code(key)
    out = []
    for request in records(store.request_grids(connection, found.new.id)):
        name, code = (request["source"], request["source_ref"]), request["code"]
        if name in wanted and wanted[name] != code:
            out.append(
                Disagreement(
                    "request", "/".join(name), wanted[name], code,
                    Text(f"诉求 {name[1]} 应由网格 {wanted[name] or '–'} 负责，现为 {code or '–'}。",
                         f"Request {name[1]} belongs to grid {wanted[name] or '–'}, but is with {code or '–'}."),
                )
            )  # fmt: skip
    return out


def _lineage(connection: Any, found: Comparison) -> list[Disagreement]:
    pairs = found.walk.pairs
    there = {
        (int(a), int(b))
        for a, b in zip(pairs["old_key"], pairs["new_key"], strict=True)
        if NO_GRID not in {int(a), int(b)}
    }
    stored = store.lineage(connection, found.new.id)
    old, new = found.old.layout, found.new.layout
    return [
        Disagreement(
            "lineage", f"{old.code(a)} → {new.code(b)}", new.code(b) if (a, b) in there else None,
            new.code(b) if (a, b) in stored else None,
            Text(f"沿革 {old.code(a)} → {new.code(b)} 与对照表不符。",
                 f"The lineage {old.code(a)} → {new.code(b)} is not as the crosswalk is."),
        )
        for a, b in sorted(there ^ stored)
    ]  # fmt: skip
