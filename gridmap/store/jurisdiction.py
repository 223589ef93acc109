"""The one jurisdiction that a database serves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

Bounds = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Jurisdiction:
    """Code and name (None: not known yet), time zone, EPSG code of the metric system, and settings."""

    code: str | None
    name: str | None
    time_zone: str
    metric_srid: int | None
    settings: dict[str, Any]


def jurisdiction(connection: Connection) -> Jurisdiction:
    """Return the jurisdiction; before anything is imported an empty one."""
    row = connection.exec_driver_sql(
        "SELECT code, name, time_zone, metric_srid, settings FROM gridmap.jurisdiction"
    ).first()
    return Jurisdiction(*row) if row else Jurisdiction(None, None, "Asia/Shanghai", None, {})


def write_jurisdiction(connection: Connection, given: Jurisdiction) -> None:
    """Write the jurisdiction."""
    import orjson

    connection.exec_driver_sql(
        "INSERT INTO gridmap.jurisdiction (code, name, time_zone, metric_srid, settings) "
        "VALUES (%(c)s, %(n)s, %(t)s, %(m)s, %(s)s::jsonb) ON CONFLICT (singleton) DO UPDATE SET "
        "code = excluded.code, name = excluded.name, time_zone = excluded.time_zone, "
        "metric_srid = excluded.metric_srid, settings = excluded.settings",
        {
            "c": given.code,
            "n": given.name,
            "t": given.time_zone,
            "m": given.metric_srid,
            "s": orjson.dumps(given.settings).decode(),
        },
    )


def official_jurisdiction(connection: Connection) -> tuple[str | None, str] | None:
    """Return code and name of the imported area of level jurisdiction, if there is one."""
    row = connection.exec_driver_sql(
        "SELECT code, name FROM gridmap.area WHERE level = 'jurisdiction' AND retired_at IS NULL ORDER BY id LIMIT 1"
    ).first()
    return (row[0], row[1]) if row else None


def data_bounds(connection: Connection) -> Bounds | None:
    """Return west, south, east, north (EPSG:4326 degrees) of the areas, else of everything else that was imported."""
    for union in (
        "SELECT geom FROM gridmap.area WHERE retired_at IS NULL AND ST_Dimension(geom) = 2 AND NOT provisional",
        "SELECT geom FROM gridmap.grid_set_row",
        (
            "SELECT geom FROM gridmap.building WHERE retired_at IS NULL UNION ALL "
            "SELECT geom FROM gridmap.street WHERE retired_at IS NULL UNION ALL "
            "SELECT geom FROM gridmap.area WHERE retired_at IS NULL"
        ),
    ):
        row = connection.exec_driver_sql(
            "SELECT ST_XMin(e), ST_YMin(e), ST_XMax(e), ST_YMax(e) "
            f"FROM (SELECT ST_Extent(geom) AS e FROM ({union}) g) x WHERE e IS NOT NULL"
        ).first()
        if row:
            return (row[0], row[1], row[2], row[3])
    return None


def counts(connection: Connection) -> dict[str, int]:
    """Return how much of everything is live."""
    tables = {
        "areas": "area", "streets": "street", "water": "water", "landuse": "landuse", "estates": "estate",
        "buildings": "building", "places": "place", "stations": "station", "candidates": "candidate",
        "nets": "net_area", "people_on_duty": "duty", "cells": "cell",
    }  # fmt: skip
    sums = ", ".join(
        f"(SELECT count(*) FROM gridmap.{table} WHERE retired_at IS NULL) AS {name}" for name, table in tables.items()
    )
    found = connection.exec_driver_sql(
        f"SELECT {sums}, (SELECT count(*) FROM gridmap.request) AS requests, "
        "(SELECT coalesce(sum(households), 0) FROM gridmap.building WHERE retired_at IS NULL) AS households, "
        "(SELECT coalesce(sum(households), 0) FROM gridmap.building WHERE retired_at IS NULL AND estimated) "
        "AS households_estimated, "
        "(SELECT coalesce(sum(people), 0) FROM gridmap.building WHERE retired_at IS NULL) AS people"
    )
    return {name: int(value) for name, value in found.mappings().one().items()}
