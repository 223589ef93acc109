"""One edition as parallel arrays: grids, footprints, and the areas above them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from gridmap.core.locate.cover import Bools, Floats, Geometries, Ints, TreeCover
from gridmap.errors import InputError
from gridmap.model.answer import AreaLevel, LocatedArea, LocatedBuilding

__all__ = ["CRS", "Areas", "Footprints", "Grids", "is_leaf", "read_footprints", "read_grids"]

CRS = "EPSG:4326"


@dataclass(frozen=True, slots=True)
class Grids:
    """Grids as parallel arrays."""

    uid: npt.NDArray[np.int64]
    code: Geometries
    name: list[str | None]
    level: list[int | None]
    kind: list[str | None]
    parent_uid: list[int | None]
    community_code: list[str | None]
    polygons: Geometries


@dataclass(frozen=True, slots=True)
class Footprints:
    """Footprints ordered by grid and building, so that the first that holds a point decides."""

    buildings: tuple[LocatedBuilding, ...]
    ids: npt.NDArray[np.int64]
    leaf: Ints
    polygons: Geometries
    by_building: dict[int, Ints]


def _plain(value: Any) -> Any:
    """Return None for what pandas calls missing."""
    return None if pd.api.types.is_scalar(value) and pd.isna(value) else value


def _texts(frame: pd.DataFrame, column: str) -> list[str | None]:
    if column not in frame:
        return [None] * len(frame)
    return [None if (v := _plain(value)) is None or v == "" else str(v) for value in frame[column]]


def _integers(frame: pd.DataFrame, column: str) -> list[int | None]:
    if column not in frame:
        return [None] * len(frame)
    return [None if (v := _plain(value)) is None else int(v) for value in frame[column]]


def _geometries(frame: gpd.GeoDataFrame, what: str) -> Geometries:
    if frame.crs is not None and not frame.crs.equals(CRS):
        raise InputError(f"{what}的坐标系应为 {CRS}; 请先换算。", f"{what} must be in {CRS}; convert them first.")
    return np.array(frame.geometry.to_numpy(), dtype=object)


def read_grids(frame: gpd.GeoDataFrame) -> Grids:
    """Order grids by code and check what the rule depends on."""
    codes = _texts(frame, "code")
    if any(code is None for code in codes) or "uid" not in frame:
        raise InputError("每个网格都要有编码和 uid。", "Every grid needs a code and a uid.")
    uids = frame["uid"].to_numpy(dtype=np.int64)
    if len(np.unique(uids)) != len(uids):
        raise InputError("网格的 uid 重复。", "Two grids have the same uid.")
    polygons = _geometries(frame, "网格 / grids")
    if (~np.isin(shapely.get_type_id(polygons), (3, 6)) | shapely.is_empty(polygons)).any():
        raise InputError("每个网格都要有面。", "Every grid needs a polygon.")
    order = np.array(sorted(range(len(frame)), key=lambda i: (str(codes[i]), int(uids[i]))), dtype=np.intp)
    sorted_frame = frame.iloc[order]
    return Grids(
        uid=uids[order],
        code=np.array([codes[i] for i in order], dtype=object),
        name=_texts(sorted_frame, "name"),
        level=_integers(sorted_frame, "level"),
        kind=_texts(sorted_frame, "grid_kind"),
        parent_uid=_integers(sorted_frame, "parent_uid"),
        community_code=_texts(sorted_frame, "community_code"),
        polygons=polygons[order],
    )


def is_leaf(frame: gpd.GeoDataFrame) -> Bools:
    """Take the column ``leaf`` where there is one, else the deepest level."""
    if "leaf" in frame:
        return np.asarray(frame["leaf"], dtype=np.bool_)
    levels = np.array([level or 0 for level in _integers(frame, "level")], dtype=np.int64)
    return cast("Bools", levels == levels.max(initial=0))


def read_footprints(frame: gpd.GeoDataFrame | None, leaf_of: dict[int, int]) -> Footprints:
    """Order footprints by grid and building; none of them may name a grid that is not a leaf grid here."""
    if frame is None or not len(frame):
        return Footprints((), np.empty(0, np.int64), np.empty(0, np.intp), np.empty(0, object), {})
    ids = [int(i) for i in frame["building_id"]]
    uids = _integers(frame, "grid_uid")
    if any(uid is not None and uid not in leaf_of for uid in uids):
        raise InputError(
            "有楼栋的网格不在这一版的末级网格中。", "A building's grid is not a leaf grid of this edition."
        )
    leaf = np.array([-1 if uid is None else leaf_of[uid] for uid in uids], dtype=np.intp)
    # Without a grid comes last: a footprint with one decides before a footprint without.
    order = np.lexsort((np.array(ids, dtype=np.int64), np.where(leaf < 0, len(leaf_of), leaf)))
    source, estate, number, name = (_texts(frame, column) for column in ("source_id", "estate", "number", "name"))
    buildings = tuple(
        LocatedBuilding(
            id=ids[i],
            label=f"{estate[i]}{number[i]}" if estate[i] and number[i] else name[i] or estate[i],
            estate=estate[i],
            number=number[i],
            source_id=source[i],
        )
        for i in order
    )
    rows: dict[int, list[int]] = {}
    for row, building in enumerate(buildings):
        rows.setdefault(building.id, []).append(row)
    return Footprints(
        buildings,
        np.array(ids, dtype=np.int64)[order],
        leaf[order],
        _geometries(frame, "楼栋 / buildings")[order],
        {building: np.array(found, dtype=np.intp) for building, found in rows.items()},
    )


class Areas:
    """Areas above the leaf grids: by code, and by point."""

    _RANK = ("community", "town", "jurisdiction")

    def __init__(self, areas: gpd.GeoDataFrame | None, upper: Grids) -> None:
        self.by_code: dict[tuple[str, str], LocatedArea] = {}
        self.parent_of: dict[tuple[str, str], str | None] = {}
        found: list[tuple[tuple[int, int, str], LocatedArea, shapely.Geometry]] = [
            ((0, -(level or 0), str(code)), LocatedArea(str(code), name, "grid"), polygon)
            for code, name, level, polygon in zip(upper.code, upper.name, upper.level, upper.polygons, strict=True)
        ]
        if areas is not None and len(areas):
            columns = zip(
                _texts(areas, "code"),
                _texts(areas, "name"),
                _texts(areas, "level"),
                _texts(areas, "parent_code"),
                _geometries(areas, "行政区域 / areas"),
                strict=True,
            )
            for code, name, level, parent, shape in columns:
                if level not in self._RANK:
                    continue
                area = LocatedArea(code, name, cast("AreaLevel", level))
                if code is not None:
                    self.by_code[level, code] = area
                    self.parent_of[level, code] = parent
                if shapely.get_type_id(shape) in (3, 6):
                    found.append(((1 + self._RANK.index(level), 0, code or ""), area, shape))
        found.sort(key=lambda entry: entry[0])
        self.areas = [area for _, area, _ in found]
        self.polygons = np.array([shape for *_, shape in found], dtype=object)
        self.covers = {
            level: (rows, TreeCover(self.polygons[rows]))
            for level in ("community", "town")
            if len(rows := np.array([i for i, a in enumerate(self.areas) if a.level == level], dtype=np.intp))
        }
        self.deepest = TreeCover(self.polygons)

    def codes_at(self, level: str, lons: Floats, lats: Floats) -> Geometries:
        """Return the code of the area of that level that covers each point, None where there is none."""
        found = np.full(len(lons), None, dtype=object)
        if level in self.covers:
            rows, cover = self.covers[level]
            owner, _ = cover.owner(lons, lats)
            codes = np.array([*(self.areas[row].code for row in rows), None], dtype=object)
            found = codes[owner]
        return found

    def at(self, level: str, lon: float, lat: float) -> LocatedArea | None:
        """Return the area of that level that covers the point; the lowest code where several do."""
        if level not in self.covers:
            return None
        rows, cover = self.covers[level]
        owner, _ = cover.owner(np.array([lon]), np.array([lat]))
        return None if owner[0] < 0 else self.areas[rows[owner[0]]]
