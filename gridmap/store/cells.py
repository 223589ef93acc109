"""Cells, their blocks, borders and lineage in PostGIS. Ids never change; a replaced cell is retired."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sqlalchemy import Connection

from gridmap.store.copying import copy_rows, read_frame

Ids = NDArray[np.int64]


def live_cells(connection: Connection, *, in_and_beside: Ids | None = None, ids: Ids | None = None) -> gpd.GeoDataFrame:
    """Return the live cells, ordered by id; geometry and ``point`` (stands for the cell) in EPSG:4326.

    Columns: id, key, block_id, block (its key), kind, building_id (Int64), part, area_code, legacy_code, area_m2.
    ``in_and_beside``: only those of some blocks, and those that share a border with them; ``ids``: only these.
    """
    only = "" if ids is None else "AND c.id = ANY(%(i)s) "
    if in_and_beside is not None:
        only += (
            "AND c.id IN (WITH own AS MATERIALIZED (SELECT id FROM gridmap.cell "
            "WHERE block_id = ANY(%(b)s) AND retired_at IS NULL) SELECT id FROM own "
            "UNION SELECT e.b FROM own JOIN gridmap.cell_edge e ON e.a = own.id "
            "UNION SELECT e.a FROM own JOIN gridmap.cell_edge e ON e.b = own.id) "
        )
    asked = {"b": in_and_beside, "i": ids}
    frame = read_frame(
        connection,
        "SELECT c.id, c.key, c.block_id, b.key AS block, c.kind, c.building_id, c.part, c.area_code, c.legacy_code, "
        "c.area_m2, ST_AsBinary(c.geom) AS geom, ST_AsBinary(c.point) AS point "
        f"FROM gridmap.cell c JOIN gridmap.block b ON b.id = c.block_id WHERE c.retired_at IS NULL {only}ORDER BY c.id",
        {name: values.tolist() for name, values in asked.items() if values is not None} or None,
        geometry=("geom", "point"),
    )
    frame["building_id"] = frame["building_id"].astype("Int64")
    return frame


def with_cells_of_same_building(connection: Connection, ids: Ids) -> Ids:
    """Return cell ids and those of all live cells that share a building with them."""
    rows = connection.exec_driver_sql(
        "SELECT c.id FROM gridmap.cell c WHERE c.retired_at IS NULL AND c.building_id IN "
        "(SELECT o.building_id FROM gridmap.cell o WHERE o.id = ANY(%(i)s)) "
        "UNION SELECT unnest(%(i)s::bigint[]) ORDER BY 1",
        {"i": ids.tolist()},
    )
    return np.array([row[0] for row in rows], dtype=np.int64)


def live_among(connection: Connection, ids: Sequence[int]) -> set[int]:
    """Return those of some cells that are live."""
    rows = connection.exec_driver_sql(
        "SELECT id FROM gridmap.cell WHERE retired_at IS NULL AND id = ANY(%(i)s)", {"i": [int(i) for i in ids]}
    )
    return {int(row[0]) for row in rows}


def ids_by_key(connection: Connection) -> dict[str, int]:
    """Return the ids of all live cells by key."""
    rows = connection.exec_driver_sql("SELECT key, id FROM gridmap.cell WHERE retired_at IS NULL")
    return {row[0]: int(row[1]) for row in rows}


def blocks_of_buildings(connection: Connection, building_ids: Sequence[int]) -> list[int]:
    """Return the blocks in which buildings have cells or hang on cells."""
    rows = connection.exec_driver_sql(
        "SELECT c.block_id FROM gridmap.cell c WHERE c.retired_at IS NULL AND c.building_id = ANY(%(b)s) "
        "UNION SELECT c.block_id FROM gridmap.cell_attachment t JOIN gridmap.cell c ON c.id = t.cell_id "
        "WHERE c.retired_at IS NULL AND t.building_id = ANY(%(b)s)",
        {"b": [int(i) for i in building_ids]},
    )
    return [int(row[0]) for row in rows]


def point_to_archives(connection: Connection, retired: Ids) -> None:
    """Let cells that were just retired name the state that their building had: past editions stay as they were."""
    connection.exec_driver_sql(
        "UPDATE gridmap.cell c SET building_id = a.id FROM gridmap.building a "
        "WHERE c.id = ANY(%(c)s) AND a.archived_of = c.building_id AND a.retired_at = now()",
        {"c": retired.tolist()},
    )


def move_cells(connection: Connection, ids: Sequence[int], block_ids: Sequence[int]) -> None:
    """Note that cells that stayed as they are lie in blocks of other names now."""
    connection.exec_driver_sql(
        "UPDATE gridmap.cell c SET block_id = n.block FROM unnest(%(c)s::bigint[], %(b)s::bigint[]) AS n(cell, block) "
        "WHERE c.id = n.cell",
        {"c": [int(i) for i in ids], "b": [int(i) for i in block_ids]},
    )


def live_blocks(
    connection: Connection, *, near: NDArray[np.float64] | None = None, ids: Sequence[int] = ()
) -> gpd.GeoDataFrame:
    """Return the live blocks: id, key, kind, area_code, legacy_code, geom (EPSG:4326), ordered by id.

    With ``near`` (n, 4) only those whose bounding box meets one of these boxes (degrees: west, south, east, north),
    and those with one of the ``ids``.
    """
    only = (
        ""
        if near is None
        else "AND id IN (SELECT b.id FROM unnest(%(w)s::float8[], %(s)s::float8[], %(e)s::float8[], %(n)s::float8[]) "
        "AS x(w, s, e, n) JOIN gridmap.block b ON b.geom && ST_MakeEnvelope(x.w, x.s, x.e, x.n, 4326) "
        "UNION SELECT unnest(%(i)s::bigint[])) "
    )
    boxes = None if near is None else dict(zip("wsen", near.T.tolist(), strict=True)) | {"i": [int(i) for i in ids]}
    return read_frame(
        connection,
        "SELECT id, key, kind, area_code, legacy_code, ST_AsBinary(geom) AS geom "
        f"FROM gridmap.block WHERE retired_at IS NULL {only}ORDER BY id",
        boxes,
    )


def live_attachments(connection: Connection, *, of_cells: Ids | None = None) -> pd.DataFrame:
    """Return which buildings without a cell of their own belong to which live cell: cell_id, building_id, reason."""
    only = "" if of_cells is None else "AND c.id = ANY(%(c)s) "
    return pd.DataFrame(
        read_frame(
            connection,
            "SELECT t.cell_id, t.building_id, t.reason FROM gridmap.cell_attachment t "
            f"JOIN gridmap.cell c ON c.id = t.cell_id WHERE c.retired_at IS NULL {only}ORDER BY 1, 2",
            None if of_cells is None else {"c": of_cells.tolist()},
        )
    )


def live_edges(connection: Connection, *, between: Ids | None = None) -> pd.DataFrame:
    """Return the borders between live cells: a, b (ids), length_m, street_class, street_name, synthetic."""
    only = "" if between is None else "WHERE a = ANY(%(c)s) AND b = ANY(%(c)s) "
    return pd.DataFrame(
        read_frame(
            connection,
            f"SELECT a, b, length_m, street_class, street_name, synthetic FROM gridmap.cell_edge {only}ORDER BY a, b",
            None if between is None else {"c": between.tolist()},
        )
    )


def add_blocks(connection: Connection, columns: dict[str, Any]) -> Ids:
    """Add blocks (columns key, kind, area_code, legacy_code, geom); returns their ids in order."""
    ids = _reserve(connection, "block", len(columns["key"]))
    _copy_with_ids(connection, "block", ids, columns)
    return ids


def add_cells(connection: Connection, columns: dict[str, Any]) -> Ids:
    """Add cells (columns as in :func:`live_cells`, without id and block); returns their ids in order."""
    ids = _reserve(connection, "cell", len(columns["key"]))
    _copy_with_ids(connection, "cell", ids, columns)
    return ids


def _reserve(connection: Connection, table: str, count: int) -> Ids:
    rows = connection.exec_driver_sql(
        f"SELECT nextval(pg_get_serial_sequence('gridmap.{table}', 'id')) FROM generate_series(1, %(n)s)", {"n": count}
    ).fetchall()
    return np.array([row[0] for row in rows], dtype=np.int64)


def _copy_with_ids(connection: Connection, table: str, ids: Ids, columns: dict[str, Any]) -> None:
    # COPY writes given values into identity columns as they are
    copy_rows(connection, f"gridmap.{table}", {"id": [int(i) for i in ids], **columns})


def retire(connection: Connection, *, cell_ids: Ids, block_ids: Ids) -> None:
    """Retire cells and blocks, and forget borders and attachments of the cells."""
    cells, blocks = [int(i) for i in cell_ids], [int(i) for i in block_ids]
    connection.exec_driver_sql("DELETE FROM gridmap.cell_edge WHERE a = ANY(%(i)s) OR b = ANY(%(i)s)", {"i": cells})
    connection.exec_driver_sql("UPDATE gridmap.cell SET retired_at = now() WHERE id = ANY(%(i)s)", {"i": cells})
    connection.exec_driver_sql("UPDATE gridmap.block SET retired_at = now() WHERE id = ANY(%(i)s)", {"i": blocks})


def update_belonging(
    connection: Connection,
    *,
    ids: Sequence[int],
    block_ids: Sequence[int],
    area_codes: Sequence[Any],
    legacy_codes: Sequence[Any],
) -> None:
    """Note the block, area and imported codes of cells that stayed as they are."""
    connection.exec_driver_sql(
        "UPDATE gridmap.cell c SET block_id = n.block, area_code = n.area, legacy_code = n.legacy "
        "FROM unnest(%(c)s::bigint[], %(b)s::bigint[], %(a)s::text[], %(l)s::text[]) AS n(cell, block, area, legacy) "
        "WHERE c.id = n.cell AND (c.block_id, c.area_code, c.legacy_code) IS DISTINCT FROM (n.block, n.area, n.legacy)",
        {"c": list(ids), "b": list(block_ids), "a": list(area_codes), "l": list(legacy_codes)},
    )


def set_areas(connection: Connection, ids: Sequence[int], codes: Sequence[str]) -> None:
    """Note the community of cells."""
    connection.exec_driver_sql(
        "UPDATE gridmap.cell c SET area_code = n.area FROM unnest(%(c)s::bigint[], %(a)s::text[]) AS n(cell, area) "
        "WHERE c.id = n.cell",
        {"c": list(ids), "a": list(codes)},
    )


def add_edges(connection: Connection, edges: pd.DataFrame) -> None:
    """Add borders (a, b ids in any order, length_m, street_class, street_name, synthetic)."""
    low = np.minimum(edges["a"].to_numpy(), edges["b"].to_numpy())
    high = np.maximum(edges["a"].to_numpy(), edges["b"].to_numpy())
    copy_rows(
        connection,
        "gridmap.cell_edge",
        {
            "a": [int(i) for i in low],
            "b": [int(i) for i in high],
            "length_m": list(edges["length_m"]),
            "street_class": list(edges["street_class"]),
            "street_name": list(edges["street_name"]),
            "synthetic": [bool(v) for v in edges["synthetic"]],
        },
    )


def replace_edges(connection: Connection, edges: pd.DataFrame) -> None:
    """Replace all borders."""
    connection.exec_driver_sql("DELETE FROM gridmap.cell_edge")
    add_edges(connection, edges)


def remove_edges(connection: Connection, a: Sequence[int], b: Sequence[int]) -> None:
    """Remove the borders between pairs of cells (ids in any order)."""
    connection.exec_driver_sql(
        "DELETE FROM gridmap.cell_edge e USING unnest(%(a)s::bigint[], %(b)s::bigint[]) AS n(a, b) "
        "WHERE e.a = least(n.a, n.b) AND e.b = greatest(n.a, n.b)",
        {"a": [int(i) for i in a], "b": [int(i) for i in b]},
    )


def replace_attachments(connection: Connection, attachments: pd.DataFrame, *, of_cells: Ids | None = None) -> None:
    """Replace which buildings hang on which cells (cell_id, building_id, reason), everywhere or of some live cells."""
    if of_cells is None:
        connection.exec_driver_sql(
            "DELETE FROM gridmap.cell_attachment t USING gridmap.cell c WHERE c.id = t.cell_id AND c.retired_at IS NULL"
        )
    else:
        connection.exec_driver_sql(
            "DELETE FROM gridmap.cell_attachment WHERE cell_id = ANY(%(i)s)", {"i": [int(i) for i in of_cells]}
        )
    copy_rows(
        connection,
        "gridmap.cell_attachment",
        {
            "cell_id": [int(i) for i in attachments["cell_id"]],
            "building_id": [int(i) for i in attachments["building_id"]],
            "reason": list(attachments["reason"]),
        },
    )


def add_lineage(connection: Connection, old_ids: Ids, new_ids: Ids, shares: NDArray[np.float64]) -> None:
    """Note which share of each old cell's area became part of which new cell."""
    copy_rows(
        connection,
        "gridmap.cell_lineage",
        {"old_id": [int(i) for i in old_ids], "new_id": [int(i) for i in new_ids], "share": list(shares)},
    )
