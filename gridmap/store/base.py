"""Base data in PostGIS: writing checked layers by source id, and reading what is live."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import orjson
import pandas as pd
import shapely
from sqlalchemy import Connection

from gridmap.model.kinds import KINDS, Kind
from gridmap.store.copying import copy_rows, read_frame
from gridmap.store.tables import metadata

TABLE_OF = {
    "areas": "area",
    "streets": "street",
    "water": "water",
    "landuse": "landuse",
    "estates": "estate",
    "buildings": "building",
    "places": "place",
    "stations": "station",
    "candidates": "candidate",
    "nets": "net_area",
    "people": "duty",
}
VERSIONED = frozenset({"area", "street", "water", "building", "duty"})
"""Tables whose changed rows leave their former state behind: cells are made from them, or the past is asked for."""
_OWN_DATES = {"from_date", "to_date", "public"}  # a duty says itself when it holds: other dates are a correction

_NEAR_DEGREES = 0.0006
_MULTI = {"streets", "landuse", "estates", "buildings", "nets"}
_NOT_NULL_DEFAULTS: dict[str, Any] = {
    "bridge": False,
    "tunnel": False,
    "covered": False,
    "layer": 0,
    "generated": False,
    "public": False,
    "aliases": [],
    "services": [],
    "rooms": [],
}


@dataclass(frozen=True, slots=True)
class Counts:
    """What writing a layer did to the live rows."""

    new: int = 0
    changed: int = 0
    reshaped: int = 0
    removed: int = 0
    same: int = 0
    unknown_removed: int = 0

    @property
    def touched(self) -> int:
        """Rows that are not as they were."""
        return self.new + self.changed + self.reshaped + self.removed

    def as_dict(self) -> dict[str, int]:
        """Return the counts by name."""
        return asdict(self)


def start_import(connection: Connection, *, kind: str, file_name: str, sha256: str | None, who: str) -> int:
    """Note an import in the history; returns its id."""
    found = connection.exec_driver_sql(
        "INSERT INTO gridmap.import_run (kind, file_name, file_sha256, who) "
        "VALUES (%(kind)s, %(file)s, %(sha)s, %(who)s) RETURNING id",
        {"kind": kind, "file": file_name, "sha": sha256, "who": who},
    ).scalar_one()
    return int(found)


def finish_import(connection: Connection, import_id: int, counts: Mapping[str, Any]) -> None:
    """Note what the import did."""
    connection.exec_driver_sql(
        "UPDATE gridmap.import_run SET counts = %(c)s::jsonb WHERE id = %(i)s",
        {"c": orjson.dumps(counts).decode(), "i": import_id},
    )


def write_layer(connection: Connection, kind_name: str, table: gpd.GeoDataFrame, import_id: int) -> Counts:
    """Merge a checked layer (EPSG:4326) into the live rows by ``source_id``.

    Rows that are the same stay; changed ones keep their id. What shapes cells (areas, streets, water, and buildings
    whose footprint changed) and duties leave their former state behind as a retired row. Rows with ``removed`` are
    retired.
    """
    kind = KINDS[kind_name]
    name = TABLE_OF[kind_name]
    columns = _columns(kind, table)
    incoming = f"incoming_{name}"
    _make_incoming(connection, incoming, name, list(columns))
    copy_rows(connection, incoming, columns)
    return _merge(connection, name, incoming, [c for c in columns if c not in {"removed", "source_id"}], import_id)


def _columns(kind: Kind, table: gpd.GeoDataFrame) -> dict[str, Any]:
    columns: dict[str, Any] = {}
    for column in kind.columns:
        values = table[column.name] if column.name in table else pd.Series([None] * len(table), dtype=object)
        if column.name == "gates":
            columns["gates"] = _gates(values)
        elif column.type == "list":
            columns[column.name] = [_items(v) for v in values]
        elif column.name in _NOT_NULL_DEFAULTS:
            default = _NOT_NULL_DEFAULTS[column.name]
            columns[column.name] = [default if pd.isna(v) else v for v in values]
        elif column.type == "integer":
            columns[column.name] = [None if pd.isna(v) else int(v) for v in values]
        else:
            columns[column.name] = list(values)
    columns["removed"] = [not pd.isna(v) and bool(v) for v in columns.get("removed", [False] * len(table))]
    if kind.geometry:
        shapes = np.asarray(table.geometry.array, dtype=object)
        columns["geom"] = as_multi(shapes) if kind.name in _MULTI else shapes
    return columns


def _items(value: Any) -> list[str]:
    if isinstance(value, list | tuple | np.ndarray):
        return [str(v) for v in value]
    if value is None or pd.isna(value):
        return []
    return [part.strip() for part in str(value).split(";") if part.strip()]


def _gates(values: Any) -> list[shapely.Geometry | None]:
    made: list[shapely.Geometry | None] = []
    for value in values:
        pairs = [[float(n) for n in item.replace(",", " ").split()] for item in _items(value)]
        made.append(shapely.MultiPoint(pairs) if pairs else None)
    return made


def as_multi(shapes: Any) -> Any:
    """Return polygons and lines as multipolygons and multilines; those and None stay."""
    array = np.asarray(shapes, dtype=object).copy()
    for kind, make in (
        (shapely.GeometryType.POLYGON, shapely.multipolygons),
        (shapely.GeometryType.LINESTRING, shapely.multilinestrings),
    ):
        single = shapely.get_type_id(array) == kind
        if single.any():
            array[single] = make(array[single], indices=np.arange(int(single.sum())))
    return array


def _make_incoming(connection: Connection, incoming: str, name: str, columns: list[str]) -> None:
    listed = ", ".join(f'"{c}"' for c in columns if c != "removed")
    connection.exec_driver_sql(f"DROP TABLE IF EXISTS {incoming}")
    connection.exec_driver_sql(
        f"CREATE TEMP TABLE {incoming} ON COMMIT DROP AS "
        f"SELECT {listed}, false AS removed FROM gridmap.{name} WHERE false"
    )


def _merge(connection: Connection, name: str, incoming: str, columns: list[str], import_id: int) -> Counts:
    def run(sql: str) -> int:
        return connection.exec_driver_sql(sql, {"run": import_id}).rowcount

    has_geom = "geom" in columns
    attributes = [c for c in columns if c != "geom"]
    differs = _differs(attributes)
    reshaped = "t.geom::bytea IS DISTINCT FROM i.geom::bytea" if has_geom else "false"
    listed = ", ".join(f'"{c}"' for c in columns)
    connection.exec_driver_sql(f"CREATE INDEX ON {incoming} (source_id)")
    connection.exec_driver_sql(f"ANALYZE {incoming}")
    live = f"gridmap.{name} t JOIN {incoming} i ON t.source_id = i.source_id AND t.retired_at IS NULL"

    removed = run(
        f"UPDATE gridmap.{name} t SET retired_at = now() FROM {incoming} i "
        "WHERE t.source_id = i.source_id AND t.retired_at IS NULL AND i.removed"
    )
    asked = connection.exec_driver_sql(f"SELECT count(*) FROM {incoming} WHERE removed").scalar_one()
    run(f"DELETE FROM {incoming} WHERE removed")
    same = connection.exec_driver_sql(
        f"SELECT count(*) FROM {live} WHERE NOT ({differs}) AND NOT ({reshaped})"
    ).scalar_one()
    moved = connection.exec_driver_sql(f"SELECT count(*) FROM {live} WHERE {reshaped}").scalar_one()
    if name in VERSIONED:
        left = {"building": reshaped, "duty": _differs([c for c in attributes if c not in _OWN_DATES])}
        _archive(connection, name, live, left.get(name, f"({differs}) OR ({reshaped})"))
    sets = ", ".join(f'"{c}" = i."{c}"' for c in columns)
    changed = run(
        f"UPDATE gridmap.{name} t SET {sets}, import_id = %(run)s FROM {incoming} i "
        f"WHERE t.source_id = i.source_id AND t.retired_at IS NULL AND (({differs}) OR ({reshaped}))"
    )
    added = run(
        f"INSERT INTO gridmap.{name} (source_id, import_id, {listed}) SELECT i.source_id, %(run)s, "
        + ", ".join(f'i."{c}"' for c in columns)
        + f" FROM {incoming} i WHERE NOT EXISTS (SELECT 1 FROM gridmap.{name} t "
        "WHERE t.source_id = i.source_id AND t.retired_at IS NULL) ORDER BY i.source_id"
    )
    return Counts(
        new=added,
        changed=changed - int(moved),
        reshaped=int(moved),
        removed=removed,
        same=int(same),
        unknown_removed=int(asked) - removed,
    )


def _differs(columns: Sequence[str]) -> str:
    return " OR ".join(
        f't."{c}" IS DISTINCT FROM i."{c}"' if c != "gates" else f't."{c}"::bytea IS DISTINCT FROM i."{c}"::bytea'
        for c in columns
    )


def _archive(connection: Connection, name: str, live: str, condition: str) -> None:
    """Leave the present state of rows that are about to change behind as retired rows."""
    table = metadata.tables[f"gridmap.{name}"]
    own = {"id", "geom_3857", "retired_at", "archived_of"}
    columns = ", ".join(f'"{c.name}"' for c in table.columns if c.name not in own)
    values = ", ".join(f't."{c.name}"' for c in table.columns if c.name not in own)
    connection.exec_driver_sql(
        f"INSERT INTO gridmap.{name} ({columns}, retired_at, archived_of) "
        f"SELECT {values}, now(), t.id FROM {live} WHERE {condition}"
    )


def last_id(connection: Connection, kind_name: str) -> int:
    """Return the highest id of a layer so far."""
    return int(
        connection.exec_driver_sql(f"SELECT coalesce(max(id), 0) FROM gridmap.{TABLE_OF[kind_name]}").scalar_one()
    )


def changed_rows(connection: Connection, kind_name: str, *, after_id: int) -> gpd.GeoDataFrame:
    """Return what this transaction changed in a layer that shapes cells, each row in all its states.

    Rows as they were and as they are: ``id`` (stays the same through changes), the layer's columns, geom (EPSG:4326).
    ``after_id`` is :func:`last_id` before the change.
    """
    name = TABLE_OF[kind_name]
    columns = ", ".join(f'"{c}"' for c in _plain_columns(name) if c != "id")
    return read_frame(
        connection,
        f"SELECT coalesce(archived_of, id) AS id, {columns}, ST_AsBinary(geom) AS geom FROM gridmap.{name} t "
        f"WHERE retired_at = now() OR (retired_at IS NULL AND id IN (SELECT n.id FROM gridmap.{name} n "
        f"WHERE n.id > %(last)s UNION ALL SELECT a.archived_of FROM gridmap.{name} a WHERE a.id > %(last)s)) "
        "ORDER BY 1, retired_at",
        {"last": after_id},
    )


def _plain_columns(name: str) -> list[str]:
    skipped = {"geom", "geom_3857", "gates", "added_gates", "retired_at", "archived_of", "import_id", "made_at"}
    return [c.name for c in metadata.tables[f"gridmap.{name}"].columns if c.name not in skipped]


def write_households(connection: Connection, table: pd.DataFrame, import_id: int) -> Counts:
    """Merge counted households by what they count: a building, else estate + number, else an estate."""
    names = [c.name for c in KINDS["households"].columns]
    columns: dict[str, Any] = {n: list(table[n]) if n in table else [None] * len(table) for n in names}
    for number in ("households", "people"):
        columns[number] = [None if pd.isna(v) else int(v) for v in columns[number]]
    columns["estimated"] = [not pd.isna(v) and bool(v) for v in columns["estimated"]]
    listed = ", ".join(names)
    connection.exec_driver_sql(
        "CREATE TEMP TABLE incoming_households ON COMMIT DROP AS "
        f"SELECT {listed} FROM gridmap.household_count WHERE false"
    )
    copy_rows(connection, "incoming_households", columns)
    before = connection.exec_driver_sql("SELECT count(*) FROM gridmap.household_count").scalar_one()
    values = [n for n in names if n not in {"building_source_id", "estate", "number"}]
    touched = connection.exec_driver_sql(
        f"INSERT INTO gridmap.household_count (import_id, {listed}) SELECT %(run)s, {listed} FROM incoming_households "
        "ON CONFLICT (coalesce(building_source_id, ''), coalesce(estate, ''), coalesce(number, '')) DO UPDATE SET "
        + ", ".join(f"{n} = excluded.{n}" for n in [*values, "import_id"])
        + " WHERE ("
        + ", ".join(f"household_count.{n}" for n in values)
        + ") IS DISTINCT FROM ("
        + ", ".join(f"excluded.{n}" for n in values)
        + ")",
        {"run": import_id},
    ).rowcount
    after = connection.exec_driver_sql("SELECT count(*) FROM gridmap.household_count").scalar_one()
    new = int(after - before)
    return Counts(new=new, changed=touched - new, same=len(table) - touched)


def read_live(connection: Connection, kind_name: str, *, near_blocks: Sequence[int] | None = None) -> gpd.GeoDataFrame:
    """Return the live rows of a layer with their ids, geometry in EPSG:4326, ordered by id.

    ``near_blocks`` (ids): only rows whose bounding box comes near that of one of these blocks.
    """
    name = TABLE_OF[kind_name]
    table = metadata.tables[f"gridmap.{name}"]
    columns = [f't."{c}"' for c in _plain_columns(name)]
    geometry = [shape for shape in ("geom", "gates", "added_gates") if shape in table.columns]
    columns += [f"ST_AsBinary(t.{shape}) AS {shape}" for shape in geometry]
    rows = (
        f"gridmap.{name} t"
        if near_blocks is None
        else (
            f"(SELECT DISTINCT ON (o.id) o.* FROM gridmap.block k JOIN gridmap.{name} o "
            "ON o.geom && ST_Expand(k.geom, %(near)s) AND o.retired_at IS NULL "
            "WHERE k.id = ANY(%(blocks)s) ORDER BY o.id) t"
        )
    )
    return read_frame(
        connection,
        f"SELECT {', '.join(columns)} FROM {rows} WHERE t.retired_at IS NULL ORDER BY t.id",
        None if near_blocks is None else {"near": _NEAR_DEGREES, "blocks": [int(b) for b in near_blocks]},
        geometry=geometry or ("geom",),
    )


def source_ids(connection: Connection, kind_name: str, ids: Sequence[int]) -> dict[int, str]:
    """Return the source ids of rows by id."""
    rows = connection.exec_driver_sql(
        f"SELECT id, source_id FROM gridmap.{TABLE_OF[kind_name]} WHERE id = ANY(%(i)s)", {"i": [int(i) for i in ids]}
    )
    return {int(row[0]): str(row[1]) for row in rows}


def building_figures(connection: Connection, ids: Sequence[int] | None = None) -> pd.DataFrame:
    """Return id, households, people, estimated of the live buildings, all or some."""
    only = "" if ids is None else "AND id = ANY(%(i)s) "
    return pd.DataFrame(
        read_frame(
            connection,
            "SELECT id, households, people, estimated FROM gridmap.building "
            f"WHERE retired_at IS NULL {only}ORDER BY id",
            None if ids is None else {"i": [int(i) for i in ids]},
        )
    )


def household_counts(connection: Connection) -> pd.DataFrame:
    """Return the imported counts (columns of kind ``households``)."""
    names = ", ".join(c.name for c in KINDS["households"].columns)
    return pd.DataFrame(read_frame(connection, f"SELECT {names} FROM gridmap.household_count ORDER BY id"))


def write_figures(connection: Connection, ids: Any, figures: pd.DataFrame) -> int:
    """Store households and people by building id where they changed; returns how many buildings did."""
    connection.exec_driver_sql(
        "CREATE TEMP TABLE figures ON COMMIT DROP AS SELECT id, households, people, figure_basis, figure_date, "
        "figure_source, estimated FROM gridmap.building WHERE false"
    )
    copy_rows(
        connection,
        "figures",
        {
            "id": [int(i) for i in ids],
            "households": [int(v) for v in figures["households"]],
            "people": [int(v) for v in figures["people"]],
            "figure_basis": list(figures["basis"]),
            "figure_date": [None if pd.isna(v) else str(v)[:10] for v in figures["figure_date"]],
            "figure_source": list(figures["figure_source"]),
            "estimated": [bool(v) for v in figures["estimated"]],
        },
    )
    columns = ("households", "people", "figure_basis", "figure_date", "figure_source", "estimated")
    changed = connection.exec_driver_sql(
        "UPDATE gridmap.building b SET "
        + ", ".join(f"{c} = f.{c}" for c in columns)
        + " FROM figures f WHERE b.id = f.id AND ("
        + ", ".join(f"b.{c}" for c in columns)
        + ") IS DISTINCT FROM ("
        + ", ".join(f"f.{c}" for c in columns)
        + ")"
    ).rowcount
    connection.exec_driver_sql("DROP TABLE figures")
    return changed
