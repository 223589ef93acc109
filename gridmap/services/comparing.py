"""Two layouts of grids beside each other: plans or editions, in any order, to the building; as words, layers or a file.

Compared is on the cells of today: an edition that is past answers for newer cells by its polygons.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import geopandas as gpd
import numpy as np
import orjson
import pandas as pd
import shapely
from numpy.typing import NDArray
from sqlalchemy import Connection

from gridmap.core import partition
from gridmap.core.crs import LONLAT_EPSG, transform_xy
from gridmap.core.plans.crosswalk import Crosswalk, Layout, border_changes, crosswalk, moved_land
from gridmap.errors import NotFound
from gridmap.io.report import write_report
from gridmap.services.plandiff import grid_changes, read_against, records, told_crosswalk
from gridmap.services.planland import Land, Session, layout_of_edition
from gridmap.store import editions as edition_store

__all__ = [
    "Comparison",
    "Side",
    "Snapshot",
    "borders_geojson",
    "compare",
    "land_geojson",
    "layers",
    "told",
    "write_diff",
]

Objects = NDArray[np.object_]

_VERTEX_M = 0.05


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One moment of a database: its land, and plans by number."""

    connection: Connection
    land: Land
    session: Callable[[int], Session]


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two that are compared; ``base`` is the edition that a plan started from."""

    kind: str
    id: int
    name: str
    layout: Layout
    revision: int | None = None
    base: int | None = None

    @property
    def facts(self) -> dict[str, Any]:
        """Return what it is, as plain data."""
        more = {} if self.revision is None else {"revision": self.revision}
        return {"kind": self.kind, "id": self.id, "name": self.name, **more}


@dataclass(frozen=True, slots=True)
class Comparison:
    """What is different from ``old`` to ``new``."""

    land: Land
    old: Side
    new: Side
    same_keys: bool
    walk: Crosswalk


def compare(seen: Snapshot, old: str | None, new: str) -> Comparison:
    """Compare two of ``edition:NUMBER`` and ``plan:NUMBER``; ``old`` None: the edition that the plan started from.

    Raises
    ------
    NotFound
        There is no such plan or edition.
    InputError
        One is not written so.
    """
    after = _side(seen, *read_against(new))
    if old is None:
        before = _side(seen, "edition", after.base if after.base is not None else max(after.id - 1, 1))
    else:
        before = _side(seen, *read_against(old))
    return compare_sides(seen.land, before, after)


def compare_sides(land: Land, old: Side, new: Side) -> Comparison:
    """Compare two layouts that are at hand."""
    # a plan numbers the grids that it makes by itself; editions after it know them by other numbers
    plans = [side for side in (old, new) if side.kind == "plan"]
    editions = [side.id for side in (old, new) if side.kind == "edition"]
    same_keys = not plans or (len(plans) == 1 and plans[0].base is not None and editions[0] <= plans[0].base)
    walk = crosswalk(land.fabric, old.layout, new.layout, same_keys=same_keys)
    return Comparison(land, old, new, same_keys, walk)


def _side(seen: Snapshot, kind: str, number: int) -> Side:
    if kind == "plan":
        session = seen.session(number)
        row, state = session.row, session.state
        layout = Layout(state.all_keys(), state.grids)
        return Side("plan", number, row.title, layout, revision=row.revision, base=row.base_edition)
    found = next((e for e in edition_store.editions(seen.connection) if e.id == number), None)
    if found is None:
        raise NotFound(
            f"没有第 {number} 版网格。用 gridmap edition list 查看。",
            f"There is no edition {number}. See gridmap edition list.",
        )
    return Side("edition", number, found.name, layout_of_edition(seen.connection, seen.land.fabric, number))


def told(found: Comparison) -> dict[str, Any]:
    """Return a comparison as plain data.

    Returns
    -------
    ``from`` and ``to``; ``pairs`` of old and new grids with relation (same, split, merge, partial), cells, buildings,
    households, people and area; ``buildings`` that change their grid; ``grids`` that are new, ended, or have another
    code, name, kind or parent; ``communities`` with households in and out; totals.
    """
    return {
        "from": found.old.facts,
        "to": found.new.facts,
        **told_crosswalk(found.walk),
        "grids": grid_changes(found.old.layout, found.new.layout, same_keys=found.same_keys),
    }


def lonlat(shapes: Any, srid: int) -> Any:
    """Return metric shapes for a map: without the vertices that cell borders have in a straight line."""
    shapes = shapely.simplify(shapes, _VERTEX_M)
    return shapely.transform(shapes, lambda xy: np.round(transform_xy(xy, srid, LONLAT_EPSG), 7))


def land_geojson(found: Comparison) -> bytes:
    """Return the land that changes its grid as a GeoJSON FeatureCollection, a feature for each old and new grid."""
    moving, shapes = moved_land(found.land.fabric, found.old.layout, found.new.layout, found.walk.pairs)
    return _collection(moving, lonlat(shapes, found.land.srid))


def borders_geojson(found: Comparison) -> bytes:
    """Return borders between grids that are gone or new as a GeoJSON FeatureCollection."""
    rows, lines = border_changes(found.land.fabric, found.old.layout, found.new.layout)
    return _collection(rows, lonlat(lines, found.land.srid))


def _collection(rows: pd.DataFrame, shapes: Objects) -> bytes:
    features = [
        {"type": "Feature", "geometry": orjson.Fragment(shape), "properties": facts}
        for facts, shape in zip(records(rows), shapely.to_geojson(shapes), strict=True)
    ]
    return orjson.dumps({"type": "FeatureCollection", "features": features})


def layers(found: Comparison) -> dict[str, pd.DataFrame]:
    """Return the tables of a comparison; those with land or lines have geometry (EPSG:4326).

    ``crosswalk`` and ``buildings`` without geometry; ``land`` that changes its grid, ``borders`` that are gone or new,
    and the grids ``before`` and ``after``.
    """
    fabric, srid = found.land.fabric, found.land.srid
    moving, shapes = moved_land(fabric, found.old.layout, found.new.layout, found.walk.pairs)
    rows, lines = border_changes(fabric, found.old.layout, found.new.layout)
    hidden = ["old_key", "new_key"]
    return {
        "crosswalk": found.walk.pairs.drop(columns=hidden),
        "buildings": found.walk.buildings,
        "land": _frame(moving.drop(columns=hidden), lonlat(shapes, srid)),
        "borders": _frame(rows, lonlat(lines, srid)),
        "before": grids_of(found.land, found.old.layout),
        "after": grids_of(found.land, found.new.layout),
    }


def grids_of(land: Land, layout: Layout) -> gpd.GeoDataFrame:
    """Return the leaf grids of a layout that have land, by code, with totals and polygons (EPSG:4326)."""
    keys, member = np.unique(layout.keys, return_inverse=True)
    listed = sorted((layout.grids[int(k)].code, n) for n, k in enumerate(keys) if k in layout.grids)
    order = np.array([n for _, n in listed], dtype=np.int64)
    grids = [layout.grids[int(keys[n])] for n in order]
    upper = [None if g.parent is None else layout.grids.get(g.parent) for g in grids]
    fabric = land.fabric
    counted = {
        name: np.bincount(member, weights=getattr(fabric, name), minlength=len(keys))[order].astype(np.int64)
        for name in ("households", "people", "buildings")
    }
    area = np.bincount(member, weights=fabric.area_m2, minlength=len(keys))[order]
    table = pd.DataFrame(
        {
            "code": [g.code for g in grids],
            "name": [g.name for g in grids],
            "level": [g.level for g in grids],
            "grid_kind": [g.kind for g in grids],
            "parent_code": pd.Series([u.code if u else None for u in upper], dtype=object),
            "community_code": pd.Series([g.community for g in grids], dtype=object),
            **counted,
            "area_m2": area.round(1),
        }
    )
    shapes = partition.dissolve(fabric.geometry, member.astype(np.int64), len(keys))[order]
    # together: so neighbours go on sharing their vertices
    shapes = shapely.coverage_simplify(shapes, _VERTEX_M)
    exact = shapely.transform(shapes, lambda xy: np.round(transform_xy(xy, land.srid, LONLAT_EPSG), 9))
    return _frame(table, exact)


def _frame(table: pd.DataFrame, shapes: Objects) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(table, geometry=shapes, crs="EPSG:4326")


def write_diff(found: Comparison, file: Path) -> dict[str, int]:
    """Write a comparison by the ending of ``file``; returns how many rows each table has.

    ``.gpkg`` holds all layers, ``.geojson`` the land that changes its grid, ``.xlsx`` all tables without geometry.

    Raises
    ------
    InputError
        The ending is another.
    """
    tables = layers(found)
    write_report(file, tables, main="land")
    return {name: len(table) for name, table in tables.items()}


def geopackage(found: Comparison) -> bytes:
    """Return the layers of a comparison as the bytes of a GeoPackage."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "diff.gpkg"
        write_diff(found, file)
        return file.read_bytes()
