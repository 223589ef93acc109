"""What goes from team to team with a change of grids: addresses, building chiefs, open requests."""

from __future__ import annotations

from typing import Any

import pandas as pd
from sqlalchemy import Connection

from gridmap.store.copying import read_frame

__all__ = ["addresses", "chiefs", "open_requests"]


def addresses(connection: Connection) -> pd.DataFrame:
    """Return the addresses of the live buildings: source_id, estate, number, street, house_number, name, label."""
    return pd.DataFrame(
        read_frame(
            connection,
            "SELECT source_id, estate, number, street, house_number, name, "
            "CASE WHEN estate IS NOT NULL AND number IS NOT NULL THEN estate || number "
            "ELSE coalesce(name, nullif(concat(street, house_number), ''), source_id) END AS label "
            "FROM gridmap.building WHERE retired_at IS NULL ORDER BY source_id",
        )
    )


def chiefs(connection: Connection) -> dict[str, list[dict[str, Any]]]:
    """Return who is on duty for a building today, by its source_id, as far as it may be shown."""
    rows = connection.exec_driver_sql(
        "SELECT building_source_id, label, name, phone FROM gridmap.duty WHERE building_source_id IS NOT NULL "
        "AND public AND retired_at IS NULL AND coalesce(from_date, CURRENT_DATE) <= CURRENT_DATE "
        "AND coalesce(to_date, CURRENT_DATE) >= CURRENT_DATE ORDER BY id"
    )
    out: dict[str, list[dict[str, Any]]] = {}
    for row in rows.mappings():
        entry = dict(row)
        out.setdefault(entry.pop("building_source_id"), []).append(entry)
    return out


def open_requests(connection: Connection) -> pd.DataFrame:
    """Return the requests that are not closed and have a place, without any text of a resident.

    source, source_ref, category, state, reported_at, building (source_id, None: by its point alone) and cell_id, the
    live cell at its point.
    """
    return pd.DataFrame(
        read_frame(
            connection,
            "SELECT r.source, r.source_ref, r.category, r.state, r.reported_at, b.source_id AS building, "
            "(SELECT c.id FROM gridmap.cell c WHERE c.retired_at IS NULL AND ST_Intersects(c.geom, r.geom) "
            "ORDER BY c.id LIMIT 1) AS cell_id FROM gridmap.request r "
            "LEFT JOIN gridmap.building b ON b.id = r.building_id AND b.retired_at IS NULL "
            "WHERE r.closed_at IS NULL AND (b.id IS NOT NULL OR r.geom IS NOT NULL) ORDER BY r.source, r.source_ref",
        )
    )
