"""Vector tiles: ``ST_AsMVT`` over the stored Web Mercator columns, live rows only, nothing personal.

``base`` holds the ground: land use, water, streets, buildings. ``cells`` holds the smallest pieces of land. What is too
small or too fine for a zoom is left out there, so that a tile of a whole county stays small.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, text

__all__ = ["MAX_ZOOM", "TILE_SETS", "DataVersion", "data_versions", "render_tile"]

MAX_ZOOM = 22
EXTENT = 4096
_BUFFER = 64
_MARGIN = _BUFFER / EXTENT
_WORLD_M = 40075016.68557849  # width of the Web Mercator square


class DataVersion(NamedTuple):
    """The counter of one part of the data, and when it last moved."""

    value: int
    changed_at: datetime | None

    @property
    def moment_ms(self) -> int:
        """Milliseconds since 1970; tells two databases apart whose counters are alike."""
        return int(self.changed_at.timestamp() * 1000) if self.changed_at else 0


# z: zoom; unit: Web Mercator metres of one tile unit; wide: the tile with its margin; tile: the tile itself
_FRAME = """
WITH frame AS (
    SELECT ST_TileEnvelope(:z, :x, :y) AS tile, ST_TileEnvelope(:z, :x, :y, margin => :margin) AS wide
), part AS (
    SELECT {columns}, ST_AsMVTGeom({geometry}, frame.tile, :extent, :buffer, true) AS geom
    FROM {table} AS t CROSS JOIN frame
    WHERE t.retired_at IS NULL AND t.geom_3857 && frame.wide AND ({condition})
    ORDER BY {order}
)
SELECT ST_AsMVT(part.*, '{layer}', :extent, 'geom', 'id') FROM part WHERE geom IS NOT NULL
"""

# Where streets have classes, a line without one is no street but, for example, a ferry; a file without classes
# holds streets all the same.
STREET_CLASS = """CASE
    WHEN t.railway IS NOT NULL THEN 'rail'
    WHEN t.highway = 'ferry' THEN 'other'
    WHEN t.highway IS NULL AND EXISTS (SELECT FROM gridmap.street WHERE highway IS NOT NULL AND retired_at IS NULL)
        THEN 'other'
    WHEN t.highway IN ('rail', 'light_rail', 'narrow_gauge', 'subway', 'tram', 'monorail', 'funicular') THEN 'rail'
    WHEN t.highway IN ('motorway', 'motorway_link', 'trunk', 'trunk_link', 'primary', 'primary_link',
        'secondary', 'secondary_link') THEN 'major'
    WHEN t.highway IN ('tertiary', 'tertiary_link', 'unclassified', 'residential', 'living_street', 'road',
        'busway') THEN 'minor'
    WHEN t.highway IN ('footway', 'path', 'steps', 'cycleway', 'bridleway', 'corridor', 'platform') THEN 'foot'
    ELSE 'lane'
END"""

_SIZE = "greatest(ST_XMax(t.geom_3857) - ST_XMin(t.geom_3857), ST_YMax(t.geom_3857) - ST_YMin(t.geom_3857))"


class _Layer(NamedTuple):
    name: str
    from_zoom: int
    sql: str


def _layer(
    name: str,
    table: str,
    columns: str,
    *,
    from_zoom: int,
    condition: str = "true",
    geometry: str = "t.geom_3857",
    order: str = "t.id",
) -> _Layer:
    sql = _FRAME.format(layer=name, table=table, columns=columns, condition=condition, geometry=geometry, order=order)
    return _Layer(name, from_zoom, sql)


_LANDUSE = _layer(
    "landuse",
    "gridmap.landuse",
    "t.id, t.landuse AS kind",
    from_zoom=8,
    condition=f":z >= 15 OR {_SIZE} > 24 * :unit",
    order=f"{_SIZE} DESC, t.id",
)
_WATER = _layer(
    "water",
    "gridmap.water",
    "t.id, t.water_kind AS kind",
    from_zoom=6,
    condition=f"""NOT t.tunnel AND (:z >= 15 OR {_SIZE} > 24 * :unit)
        AND (:z >= 13 OR t.water_kind NOT IN ('stream', 'ditch'))""",
)
_STREETS = _layer(
    "streets",
    "gridmap.street",
    f"""t.id, {STREET_CLASS} AS class, CASE WHEN :z >= 14 THEN t.name END AS name,
        nullif(t.bridge, false) AS bridge, nullif(t.tunnel OR t.covered OR t.layer < 0, false) AS tunnel""",
    from_zoom=8,
    condition=f"""CASE {STREET_CLASS}
        WHEN 'major' THEN true
        WHEN 'rail' THEN :z >= 11 AND coalesce(t.railway, t.highway) IN
            ('rail', 'light_rail', 'tram', 'narrow_gauge', 'monorail')
        WHEN 'minor' THEN :z >= 12
        WHEN 'lane' THEN :z >= CASE WHEN t.service IS NULL THEN 14 ELSE 15 END
        WHEN 'other' THEN :z >= 14
        ELSE :z >= 15 END""",
    geometry="CASE WHEN :z < 13 THEN ST_Simplify(t.geom_3857, 2 * :unit, true) ELSE t.geom_3857 END",
    # what is drawn later lies on top: tunnels below, bridges above
    order="t.layer, t.id",
)
_BUILDINGS = _layer(
    "buildings",
    "gridmap.building",
    """t.id, t.use, t.storeys, t.households, nullif(t.estimated, false) AS estimated,
        CASE WHEN :z >= 17 THEN coalesce(t.number, t.name, t.house_number) END AS label""",
    from_zoom=14,
)
_CELLS = _layer("cells", "gridmap.cell", "t.id, t.kind", from_zoom=14)

TILE_SETS: dict[str, tuple[_Layer, ...]] = {
    "base": (_LANDUSE, _WATER, _STREETS, _BUILDINGS),
    "cells": (_CELLS,),
}


def data_versions(connection: Connection) -> dict[str, DataVersion]:
    """Return the counters by name; a part that never changed has no row."""
    rows = connection.execute(text("SELECT name, value, changed_at FROM gridmap.version"))
    return {row.name: DataVersion(row.value, row.changed_at) for row in rows}


def render_tile(connection: Connection, tile_set: str, *, z: int, x: int, y: int) -> bytes:
    """Return the tile of a set (``base`` or ``cells``) as Mapbox Vector Tile bytes; without content it is empty."""
    values = {
        "z": z,
        "x": x,
        "y": y,
        "margin": _MARGIN,
        "extent": EXTENT,
        "buffer": _BUFFER,
        "unit": _WORLD_M / 2**z / EXTENT,
    }
    layers = (layer for layer in TILE_SETS[tile_set] if z >= layer.from_zoom)
    # a tile is the plain sequence of its layers
    return b"".join(bytes(connection.scalar(text(layer.sql), values) or b"") for layer in layers)
