"""What the database says by itself of buildings, requests, duties and lineage, for a check against the crosswalk."""

from __future__ import annotations

import pandas as pd
from sqlalchemy import Connection

from gridmap.store.copying import read_frame

__all__ = ["buildings_in", "chiefs", "duties_astray", "lineage", "request_grids"]


def buildings_in(connection: Connection, edition_id: int) -> dict[str, str]:
    """Return the code of the grid of each live building (source_id) whose cells lie in one grid of an edition."""
    rows = connection.exec_driver_sql(
        "SELECT b.source_id, g.code FROM gridmap.building_grids(%(e)s) f "
        "JOIN gridmap.building b ON b.id = f.building_id AND b.retired_at IS NULL "
        "JOIN gridmap.edition_grid g ON g.edition_id = %(e)s AND g.uid = f.uid",
        {"e": edition_id},
    )
    return {str(source): str(code) for source, code in rows}


def request_grids(connection: Connection, edition_id: int) -> pd.DataFrame:
    """Return the grid that each open request with a place has: source, source_ref, code (None: none of the edition)."""
    return pd.DataFrame(
        read_frame(
            connection,
            "SELECT r.source, r.source_ref, g.code FROM gridmap.request r "
            "LEFT JOIN gridmap.edition_grid g ON g.edition_id = %(e)s AND g.uid = r.current_uid "
            "LEFT JOIN gridmap.building b ON b.id = r.building_id AND b.retired_at IS NULL "
            "WHERE r.closed_at IS NULL AND (b.id IS NOT NULL OR r.geom IS NOT NULL) AND r.edition_id IS NOT NULL "
            "ORDER BY r.source, r.source_ref",
            {"e": edition_id},
        )
    )


def lineage(connection: Connection, edition_id: int) -> set[tuple[int, int]]:
    """Return the old and new grids (uids) that the lineage of an edition names."""
    rows = connection.exec_driver_sql(
        "SELECT old_uid, new_uid FROM gridmap.grid_lineage WHERE edition_id = %(e)s", {"e": edition_id}
    )
    return {(int(old), int(new)) for old, new in rows}


def duties_astray(connection: Connection, edition_id: int) -> list[tuple[str, str]]:
    """Return the live duties (source_id) whose grid the edition has not, or whose building is not live, and which."""
    rows = connection.exec_driver_sql(
        "SELECT d.source_id, coalesce(d.grid_code, d.building_source_id) FROM gridmap.duty d "
        "WHERE d.retired_at IS NULL AND (d.to_date IS NULL OR d.to_date >= CURRENT_DATE) AND ("
        "(d.grid_code IS NOT NULL AND NOT EXISTS (SELECT 1 FROM gridmap.edition_grid g "
        "WHERE g.edition_id = %(e)s AND g.code = d.grid_code)) OR "
        "(d.grid_code IS NULL AND d.building_source_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM gridmap.building b "
        "WHERE b.source_id = d.building_source_id AND b.retired_at IS NULL))) ORDER BY d.source_id",
        {"e": edition_id},
    )
    return [(str(source), str(where)) for source, where in rows]


def chiefs(connection: Connection) -> list[tuple[str, str, str]]:
    """Return the live duties of buildings that name a grid too: source_id, building (source_id), grid code."""
    rows = connection.exec_driver_sql(
        "SELECT source_id, building_source_id, grid_code FROM gridmap.duty WHERE retired_at IS NULL "
        "AND building_source_id IS NOT NULL AND grid_code IS NOT NULL ORDER BY source_id"
    )
    return [(str(source), str(building), str(code)) for source, building, code in rows]
