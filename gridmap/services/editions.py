"""What readers are told of the jurisdiction, its editions, grids, areas and stations."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pandas as pd
import shapely
from sqlalchemy import Connection

from gridmap.errors import NotFound
from gridmap.store import editions as store
from gridmap.store import readers
from gridmap.store.changes import versions
from gridmap.store.database import Place, engine_of
from gridmap.store.jurisdiction import counts, data_bounds
from gridmap.store.jurisdiction import jurisdiction as read_jurisdiction

HOUSEHOLD_TARGET = 300
_VERTEX_DEGREES = 1e-6  # side of the square whose area a vertex must matter by; measured: the border moves by 2 mm
HOUSEHOLD_TOLERANCE = 0.30


def jurisdiction(place: Place) -> dict[str, Any]:
    """Return what a page needs first: name, extent, editions, counts and data version."""
    with engine_of(place).connect() as connection:
        known = read_jurisdiction(connection)
        editions = store.editions(connection)
        in_force = store.edition_at(connection, None)
        total = counts(connection)
        levels = readers.levels(connection, in_force) if in_force is not None else []
        total["grids"] = readers.grid_count(connection, in_force) if in_force is not None else 0
        return {
            "code": known.code,
            "name": known.name,
            "time_zone": known.time_zone,
            "bbox": data_bounds(connection),
            "edition": next((_told(e) for e in editions if e.id == in_force), None),
            "editions": [_told(e) for e in editions],
            "household_target": known.settings.get("household_target", HOUSEHOLD_TARGET),
            "household_tolerance": known.settings.get("household_tolerance", HOUSEHOLD_TOLERANCE),
            "attributions": readers.attributions(connection),
            "counts": total,
            "levels": levels,
            "version": ".".join(str(versions(connection).get(name, 0)) for name in ("base", "edition")),
        }


def list_editions(place: Place) -> list[dict[str, Any]]:
    """Return all editions, the oldest first."""
    with engine_of(place).connect() as connection:
        return [_told(e) for e in store.editions(connection)]


def _told(edition: store.Edition) -> dict[str, Any]:
    return {
        "id": edition.id,
        "name": edition.name,
        "effective_from": edition.effective_from.isoformat(),
        "effective_to": edition.effective_to.isoformat() if edition.effective_to else None,
    }


def edition_for(connection: Connection, at: datetime | None) -> int:
    """Return the edition in force at a time (None: now).

    Raises
    ------
    NotFound
        There was none.
    """
    found = store.edition_at(connection, at)
    if found is None:
        raise NotFound(
            "那时还没有生效的网格版本。" if at else "还没有网格版本。请导入网格并运行 gridmap cells --commit。",
            "No edition was in force at that time."
            if at
            else "There is no edition yet. Import grids and run gridmap cells --commit.",
        )
    return found


def grids_geojson(place: Place, *, level: int | None = None, at: datetime | None = None) -> bytes:
    """Return the grids of the edition in force as a GeoJSON FeatureCollection; an empty one before the first edition.

    ``level`` None means the leaf grids.
    """
    with engine_of(place).connect() as connection:
        return told_grids(connection, store.edition_at(connection, at), level, at=at)


def told_grids(
    connection: Connection, edition_id: int | None, level: int | None, *, at: datetime | None = None
) -> bytes:
    """Return the grids of a level (None: the leaves) as GeoJSON, seven decimals (1 cm).

    Their communities have the names that they had at a time (None: now).

    Borders between cells have many vertices that nearly lie on a line. Those that matter less than the decimals are
    left out, the same ones on both sides of a border: neighbours still meet without gap or overlap.
    """
    rows = readers.grid_rows(connection, edition_id, level, at)
    stored = np.array(shapely.from_wkb([shape for _, _, shape in rows]), dtype=object)
    told = shapely.set_precision(shapely.coverage_simplify(stored, _VERTEX_DEGREES), 1e-7, mode="pointwise")
    features = [
        {
            "type": "Feature",
            "id": code,
            "geometry": orjson.Fragment(shape),
            "properties": orjson.Fragment(properties),
        }
        for (code, properties, _), shape in zip(rows, shapely.to_geojson(told), strict=True)
    ]
    return orjson.dumps({"type": "FeatureCollection", "features": features})


def grid_facts(place: Place, code: str, *, at: datetime | None = None) -> dict[str, Any]:
    """Return one grid at a time (None: now): figures, chain of levels, people then on duty (public fields), stations.

    Raises
    ------
    NotFound
        No grid has that code in the edition.
    """
    with engine_of(place).connect() as connection:
        edition_id = edition_for(connection, at)
        grid = readers.grid(connection, edition_id, code, at)
        if grid is None:
            raise NotFound(
                "没有这个编码的网格。请核对编码和日期。", "No grid has that code in this edition. Check code and date."
            )
        return {
            "grid": grid,
            "chain": readers.chain(connection, edition_id, int(grid["uid"])),
            "duties": readers.public_duties(connection, code, at),
            "stations": readers.stations_in(connection, edition_id, code, at),
        }


def areas_geojson(place: Place, level: str, *, at: datetime | None = None) -> bytes:
    """Return the administrative polygons of a level at a time (None: now) as a GeoJSON FeatureCollection."""
    with engine_of(place).connect() as connection:
        return readers.areas_geojson(connection, level, at)


def stations_geojson(place: Place, *, at: datetime | None = None) -> bytes:
    """Return the stations that there were at a time (None: now) as a GeoJSON FeatureCollection."""
    with engine_of(place).connect() as connection:
        return readers.stations_geojson(connection, at)


def export_grids(place: Place, file: Path, *, at: datetime | None = None) -> int:
    """Write the grids of an edition, all levels, in the columns of kind ``grids``; returns how many.

    Raises
    ------
    NotFound
        No edition was in force.
    """
    from gridmap.io.write import write_layer

    with engine_of(place).connect() as connection:
        grids = store.edition_grids(connection, edition_for(connection, at))
    code_of = dict(zip(grids["uid"], grids["code"], strict=True))
    grids["parent_code"] = [None if pd.isna(u) else code_of.get(int(u)) for u in grids["parent_uid"]]
    table = grids[["code", "name", "level", "grid_kind", "parent_code", "community_code", "geom"]]
    write_layer(table.rename_geometry("geometry"), file, "grids")
    return len(table)
