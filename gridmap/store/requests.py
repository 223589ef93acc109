"""Requests in PostGIS: a located record each, unique by source and number in the source."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from gridmap.store.base import Counts
from gridmap.store.copying import copy_rows

_CONTENT = (
    "source", "source_ref", "channel", "category", "title", "description", "state", "input_lon", "input_lat",
    "input_crs", "accuracy_m", "address_text", "geom", "reported_at", "closed_at",
)  # fmt: skip
_PLACED = (
    "building_id", "method", "edition_id", "reported_uid", "current_uid", "parent_code", "near_boundary",
    "boundary_m", "reason",
)  # fmt: skip


def merge(connection: Connection, columns: dict[str, Any], import_id: int) -> Counts:
    """Merge requests by (source, source_ref); rows whose content is the same stay untouched.

    ``columns`` holds content and placement. The grid at the report of a row that exists never changes.
    """
    listed = ", ".join((*_CONTENT, *_PLACED))
    connection.exec_driver_sql(
        f"CREATE TEMP TABLE incoming_requests ON COMMIT DROP AS SELECT {listed} FROM gridmap.request WHERE false"
    )
    count = copy_rows(connection, "incoming_requests", {name: columns[name] for name in (*_CONTENT, *_PLACED)})
    new = connection.exec_driver_sql(
        "SELECT count(*) FROM incoming_requests i WHERE NOT EXISTS "
        "(SELECT 1 FROM gridmap.request r WHERE r.source = i.source AND r.source_ref = i.source_ref)"
    ).scalar_one()
    plain = [c for c in _CONTENT if c not in {"source", "source_ref", "geom"}]
    placed = [c for c in _PLACED if c != "reported_uid"]
    touched = connection.exec_driver_sql(
        f"INSERT INTO gridmap.request (import_id, {listed}) SELECT %(run)s, {listed} FROM incoming_requests "
        "ON CONFLICT (source, source_ref) DO UPDATE SET import_id = excluded.import_id, geom = excluded.geom, "
        + ", ".join(f"{c} = excluded.{c}" for c in (*plain, *placed))
        + " WHERE ("
        + ", ".join(f"request.{c}" for c in plain)
        + ", request.geom::bytea) IS DISTINCT FROM ("
        + ", ".join(f"excluded.{c}" for c in plain)
        + ", excluded.geom::bytea)",
        {"run": import_id},
    ).rowcount
    return Counts(new=int(new), changed=touched - int(new), same=count - touched)
