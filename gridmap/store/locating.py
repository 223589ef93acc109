"""What locating needs in memory: grids, footprints with their leaf grid, areas, stations, names."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from sqlalchemy import Connection

from gridmap.store.copying import read_frame


@dataclass(frozen=True, slots=True)
class Duty:
    """One state of a duty: it holds from ``since`` (None: always) until ``until`` (None: now and on).

    The duty itself is from ``from_date`` to ``to_date``, both included, None: open.
    """

    label: str
    role: str
    name: str | None
    phone: str | None
    from_date: date | None
    to_date: date | None
    since: datetime | None
    until: datetime | None

    def holds(self, at: datetime, day: date) -> bool:
        """Tell whether it was so at a time, ``day`` being its date in the jurisdiction."""
        return (
            (self.since is None or self.since <= at)
            and (self.until is None or self.until > at)
            and (self.from_date is None or self.from_date <= day)
            and (self.to_date is None or self.to_date >= day)
        )

    def told(self) -> dict[str, str | None]:
        """Return what is shown of it."""
        return {"label": self.label, "role": self.role, "name": self.name, "phone": self.phone}


def footprints(connection: Connection, edition_id: int) -> gpd.GeoDataFrame:
    """Return the buildings of an edition with their leaf grid, geometry in EPSG:4326.

    Columns building_id, grid_uid (Int64, missing: in no grid), source_id, estate, number, name. A building whose
    cells lie in several grids has a row for each with the part of its footprint that lies there.
    """
    frame = read_frame(
        connection,
        """
        WITH held AS (
            SELECT c.building_id, a.uid FROM gridmap.assignment a JOIN gridmap.cell c ON c.id = a.cell_id
            WHERE c.building_id IS NOT NULL AND a.from_edition <= %(e)s
              AND (a.to_edition IS NULL OR a.to_edition > %(e)s)
            UNION
            SELECT t.building_id, a.uid FROM gridmap.assignment a
            JOIN gridmap.cell_attachment t ON t.cell_id = a.cell_id
            WHERE a.from_edition <= %(e)s AND (a.to_edition IS NULL OR a.to_edition > %(e)s)
        ), live AS (
            SELECT id FROM gridmap.building WHERE retired_at IS NULL
        )
        SELECT b.id AS building_id, h.uid AS grid_uid, b.source_id, b.estate, b.number, b.name,
               ST_AsBinary(b.geom) AS geom
        FROM gridmap.building b LEFT JOIN held h ON h.building_id = b.id
        WHERE h.uid IS NOT NULL OR b.id IN (SELECT id FROM live)
        ORDER BY b.id, h.uid
        """,
        {"e": edition_id},
    )
    frame["grid_uid"] = pd.array(frame["grid_uid"], dtype="Int64")
    return _parted(connection, edition_id, frame)


def _parted(connection: Connection, edition_id: int, frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Cut the footprints of buildings in several grids along those grids."""
    several = frame["building_id"].duplicated(keep=False).to_numpy()
    if not several.any():
        return frame
    uids = [int(u) for u in frame.loc[several, "grid_uid"].unique()]
    grids = read_frame(
        connection,
        "SELECT uid, ST_AsBinary(geom) AS geom FROM gridmap.edition_grid WHERE edition_id = %(e)s AND uid = ANY(%(u)s)",
        {"e": edition_id, "u": uids},
    )
    polygon = dict(zip(grids["uid"], grids.geometry, strict=True))
    shapes = np.asarray(frame.geometry.array, dtype=object).copy()
    shapes[several] = shapely.intersection(
        shapes[several], np.array([polygon[int(u)] for u in frame.loc[several, "grid_uid"]], dtype=object)
    )
    return frame.set_geometry(gpd.GeoSeries(shapes, index=frame.index, crs=frame.crs))


def areas(connection: Connection, at: datetime | None = None) -> gpd.GeoDataFrame:
    """Return the areas as they were at a time (None: now): code, name, level, parent_code, geom (EPSG:4326)."""
    return read_frame(
        connection,
        "SELECT code, name, level, parent_code, ST_AsBinary(geom) AS geom FROM gridmap.areas_at(%(at)s) ORDER BY id",
        {"at": at},
    )


def area_changes(connection: Connection) -> list[datetime]:
    """Return the times at which an area came to be otherwise than before, ascending."""
    rows = connection.exec_driver_sql(
        "SELECT retired_at FROM gridmap.area WHERE retired_at IS NOT NULL "  # one came anew after it was removed:
        "UNION SELECT r.at FROM gridmap.area t JOIN gridmap.import_run r ON r.id = t.import_id "
        "WHERE t.source_id IN (SELECT o.source_id FROM gridmap.area o WHERE o.retired_at IS NOT NULL) ORDER BY 1"
    )
    return [row[0] for row in rows]


def public_duties(connection: Connection) -> dict[str, list[Duty]]:
    """Return the duties by grid code, each in all its states, as far as they may be shown; the leader first."""
    rows = connection.exec_driver_sql(
        "SELECT grid_code, label, role, name, phone, from_date, to_date, since, until FROM gridmap.public_duties() "
        "WHERE grid_code IS NOT NULL ORDER BY "
        "array_position(ARRAY['grid_leader', 'grid_officer', 'information_officer', 'auxiliary'], role), id"
    )
    out: dict[str, list[Duty]] = {}
    for code, *values in rows:
        out.setdefault(code, []).append(Duty(*values))
    return out


def building_names(connection: Connection) -> pd.DataFrame:
    """Return the live buildings that an address can name: id, estate, number, community, town (names)."""
    return pd.DataFrame(
        read_frame(
            connection,
            """
            SELECT b.id, b.estate, b.number, m.name AS community, t.name AS town
            FROM gridmap.building b
            LEFT JOIN LATERAL (
                SELECT c.area_code FROM gridmap.cell c WHERE c.building_id = b.id AND c.retired_at IS NULL LIMIT 1
            ) k ON true
            LEFT JOIN gridmap.area m ON m.code = k.area_code AND m.retired_at IS NULL
            LEFT JOIN gridmap.area t ON t.code = m.parent_code AND t.retired_at IS NULL
            WHERE b.estate IS NOT NULL AND b.number IS NOT NULL AND b.retired_at IS NULL
            ORDER BY b.id
            """,
        )
    )


def street_names(connection: Connection) -> list[str]:
    """Return the names of all streets."""
    rows = connection.exec_driver_sql(
        "SELECT DISTINCT name FROM gridmap.street WHERE name IS NOT NULL AND retired_at IS NULL ORDER BY 1"
    )
    return [str(row[0]) for row in rows]
