"""What is shown: GeoJSON and plain rows, made by PostgreSQL. Coordinates EPSG:4326, seven decimals (1 cm)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from gridmap.store.tiles import STREET_CLASS

_COLLECTION = (
    "SELECT json_build_object('type', 'FeatureCollection', "
    "'features', coalesce(json_agg(f.feature), '[]'::json))::text "
    "FROM ({rows}) f"
)
_FEATURE = (
    "json_build_object('type', 'Feature', 'id', {id}, 'geometry', ST_AsGeoJSON({geom}, 7)::json, "
    "'properties', json_build_object({properties})) AS feature"
)
_GRID_FIELDS = (
    "'uid', g.uid, 'code', g.code, 'name', g.name, 'level', g.level, 'leaf', g.leaf, 'kind', g.grid_kind, "
    "'parent_code', p.code, 'community_code', g.community_code, 'community_name', c.name, "
    "'households', g.households, 'households_estimated', g.households_estimated, 'people', g.people, "
    "'buildings', g.buildings, 'area_m2', round(g.area_m2::numeric), 'pieces', g.pieces, 'colour', g.colour, "
    "'label_lon', g.label_lon, 'label_lat', g.label_lat, 'label_radius_m', round(g.label_radius_m::numeric, 1)"
)
_GRID_FROM = (
    "FROM gridmap.edition_grid g "
    "LEFT JOIN gridmap.edition_grid p ON p.edition_id = g.edition_id AND p.uid = g.parent_uid "
    "LEFT JOIN gridmap.areas_at(%(at)s) c ON c.code = g.community_code AND c.level = 'community' "
    "AND ST_Dimension(c.geom) = 2 "
)


def _collect(connection: Connection, rows: str, parameters: dict[str, Any]) -> bytes:
    text = connection.exec_driver_sql(_COLLECTION.format(rows=rows), parameters).scalar_one()
    return str(text).encode()


def grid_rows(
    connection: Connection, edition_id: int | None, level: int | None, at: datetime | None = None
) -> list[tuple[str, str, bytes]]:
    """Return code, properties (JSON) and polygon (WKB) of the grids of a level (None: the leaves) of an edition.

    Communities have the names that they had at a time (None: now).
    """
    rows = connection.exec_driver_sql(
        f"SELECT g.code, json_build_object({_GRID_FIELDS})::text, ST_AsBinary(g.geom) {_GRID_FROM} "
        "WHERE g.edition_id = %(e)s AND CASE WHEN %(l)s::int IS NULL THEN g.leaf ELSE g.level = %(l)s END "
        'ORDER BY g.code COLLATE "C"',
        {"e": edition_id, "l": level, "at": at},
    )
    return [(str(code), str(properties), bytes(shape)) for code, properties, shape in rows]


def grid(connection: Connection, edition_id: int, code: str, at: datetime | None = None) -> dict[str, Any] | None:
    """Return the facts of one grid; its community has the name that it had at a time (None: now)."""
    found = connection.exec_driver_sql(
        f"SELECT json_build_object({_GRID_FIELDS}) {_GRID_FROM} WHERE g.edition_id = %(e)s AND g.code = %(c)s",
        {"e": edition_id, "c": code, "at": at},
    ).scalar()
    return None if found is None else dict(found)


def chain(connection: Connection, edition_id: int, uid: int) -> list[dict[str, Any]]:
    """Return level, code and name of a grid and all above it, the highest first."""
    rows = connection.exec_driver_sql(
        """
        WITH RECURSIVE up AS (
            SELECT * FROM gridmap.edition_grid WHERE edition_id = %(e)s AND uid = %(u)s
            UNION ALL
            SELECT g.* FROM gridmap.edition_grid g JOIN up ON g.edition_id = up.edition_id AND g.uid = up.parent_uid
        )
        SELECT level, code, name FROM up ORDER BY level
        """,
        {"e": edition_id, "u": uid},
    )
    return [dict(row) for row in rows.mappings()]


def levels(connection: Connection, edition_id: int) -> list[int]:
    """Return the levels of an edition, the highest (1) first."""
    rows = connection.exec_driver_sql(
        "SELECT DISTINCT level FROM gridmap.edition_grid WHERE edition_id = %(e)s ORDER BY 1", {"e": edition_id}
    )
    return [int(row[0]) for row in rows]


def grid_count(connection: Connection, edition_id: int) -> int:
    """Return the number of leaf grids."""
    return int(
        connection.exec_driver_sql(
            "SELECT count(*) FROM gridmap.edition_grid WHERE edition_id = %(e)s AND leaf", {"e": edition_id}
        ).scalar_one()
    )


_DUTY_ORDER = "array_position(ARRAY['grid_leader', 'grid_officer', 'information_officer', 'auxiliary'], role), id"


def public_duties(connection: Connection, grid_code: str, at: datetime | None = None) -> list[dict[str, Any]]:
    """Return who was on duty for a grid at a time (None: now), as far as it may be shown."""
    rows = connection.exec_driver_sql(
        "SELECT label, role, name, phone FROM gridmap.duties_at(%(at)s) "
        f"WHERE grid_code = %(c)s ORDER BY {_DUTY_ORDER}",
        {"c": grid_code, "at": at},
    )
    return [dict(row) for row in rows.mappings()]


def all_public_duties(connection: Connection, at: datetime | None = None) -> dict[str, list[dict[str, Any]]]:
    """Return who was on duty at a time (None: now) by grid code, as far as it may be shown."""
    rows = connection.exec_driver_sql(
        "SELECT grid_code, label, role, name, phone FROM gridmap.duties_at(%(at)s) "
        f"WHERE grid_code IS NOT NULL ORDER BY {_DUTY_ORDER}",
        {"at": at},
    )
    out: dict[str, list[dict[str, Any]]] = {}
    for row in rows.mappings():
        entry = dict(row)
        out.setdefault(entry.pop("grid_code"), []).append(entry)
    return out


def _as_of(table: str, at: datetime | None) -> str:
    """Return the rows ``t`` of a table that were live at a time (None: now), with ``since``: when they became so.

    A row that was never anything else also counts before it was imported: since when it was so nobody said.
    """
    since = "LEFT JOIN gridmap.import_run r ON r.id = t.import_id"
    if at is None:
        return f"(SELECT t.*, r.at AS since FROM gridmap.{table} t {since} WHERE t.retired_at IS NULL) t"
    return (
        f"(SELECT DISTINCT ON (t.source_id) t.*, r.at AS since FROM gridmap.{table} t {since} "
        "WHERE (t.retired_at IS NULL OR t.retired_at > %(at)s) AND (r.at IS NULL OR r.at <= %(at)s OR NOT EXISTS ("
        f"SELECT 1 FROM gridmap.{table} o WHERE o.source_id = t.source_id AND o.retired_at <= %(at)s)) "
        "ORDER BY t.source_id, t.retired_at NULLS LAST) t"
    )


def stations_in(connection: Connection, edition_id: int, code: str, at: datetime | None = None) -> list[dict[str, Any]]:
    """Return the stations inside a grid that there were at a time (None: now)."""
    rows = connection.exec_driver_sql(
        "SELECT t.source_id AS code, t.name, t.station_kind AS kind, t.tier, t.opening_hours "
        f"FROM {_as_of('station', at)} JOIN gridmap.edition_grid g ON ST_Covers(g.geom, t.geom) "
        "WHERE g.edition_id = %(e)s AND g.code = %(c)s ORDER BY t.tier, t.source_id",
        {"e": edition_id, "c": code, "at": at},
    )
    return [dict(row) for row in rows.mappings()]


def stations_geojson(connection: Connection, at: datetime | None = None) -> bytes:
    """Return the stations that there were at a time (None: now); what is told of each is its latest state."""
    properties = (
        "'code', t.source_id, 'name', t.name, 'kind', t.station_kind, 'tier', t.tier, "
        "'opening_hours', t.opening_hours, 'services', t.services, 'address', t.address, 'since', t.since"
    )
    feature = _FEATURE.format(id="t.source_id", geom="t.geom", properties=properties)
    rows = f'SELECT {feature} FROM {_as_of("station", at)} ORDER BY t.source_id COLLATE "C"'
    return _collect(connection, rows, {"at": at})


def areas_geojson(connection: Connection, level: str, at: datetime | None = None) -> bytes:
    """Return the administrative polygons of a level as they were at a time (None: now), with a point for the label.

    The point is the centre of the largest circle inside, ``label_radius_m`` its radius; provisional areas have no past.
    """
    properties = (
        "'code', t.code, 'name', t.name, 'level', t.level, 'parent_code', t.parent_code, "
        "'provisional', t.provisional, 'since', t.since, "
        "'label_lon', round(ST_X(c.lonlat)::numeric, 7), 'label_lat', round(ST_Y(c.lonlat)::numeric, 7), "
        "'label_radius_m', round((k.radius * cos(radians(ST_Y(c.lonlat))))::numeric, 1)"
    )
    feature = _FEATURE.format(id="coalesce(t.code, t.source_id)", geom="t.geom", properties=properties)
    rows = (
        f"SELECT {feature} FROM {_as_of('area', at)} "
        "CROSS JOIN LATERAL ST_MaximumInscribedCircle(t.geom_3857) k "
        "CROSS JOIN LATERAL (SELECT ST_Transform(k.center, 4326) AS lonlat) c "
        'WHERE t.level = %(l)s AND ST_Dimension(t.geom) = 2 ORDER BY t.code COLLATE "C", t.id'
    )
    return _collect(connection, rows, {"l": level, "at": at})


def attributions(connection: Connection) -> list[str]:
    """Return the credits that a map of these data must show."""
    from_osm = connection.exec_driver_sql(
        "SELECT EXISTS (SELECT 1 FROM gridmap.import_run WHERE kind = 'osm') "
        "OR coalesce((SELECT (settings->>'built_on_osm')::boolean FROM gridmap.jurisdiction), false)"
    ).scalar_one()
    return ["© OpenStreetMap contributors (ODbL)"] if from_osm else []


def base_geojson(connection: Connection) -> dict[str, bytes]:
    """Return landuse, water, streets and buildings with the attributes that their vector tiles have."""
    layers = {
        "landuse": ("gridmap.landuse", "'kind', t.landuse", "true"),
        "water": ("gridmap.water", "'kind', t.water_kind", "NOT t.tunnel"),
        "streets": (
            "gridmap.street",
            (
                f"'class', {STREET_CLASS}, 'name', t.name, 'bridge', nullif(t.bridge, false), "
                "'tunnel', nullif(t.tunnel OR t.covered OR t.layer < 0, false)"
            ),
            "true",
        ),
        "buildings": (
            "gridmap.building",
            (
                "'id', t.id, 'use', t.use, 'storeys', t.storeys, 'households', t.households, "
                "'estimated', nullif(t.estimated, false), 'label', coalesce(t.number, t.name, t.house_number)"
            ),
            "true",
        ),
    }
    return {
        name: _collect(
            connection,
            "SELECT "
            + _FEATURE.format(id="t.id", geom="t.geom", properties=properties)
            + f" FROM {table} t WHERE t.retired_at IS NULL AND {condition} ORDER BY t.id",
            {},
        )
        for name, (table, properties, condition) in layers.items()
    }
