"""Point or building → leaf grid, with an honest answer near boundaries.

One rule for all entrances:

1. A point inside a footprint (its interior; a point exactly on the wall is ground like any other) has the grid of
   that building.
2. Otherwise the leaf grid that covers it, decided on the stored EPSG:4326 coordinates with GEOS. Where several
   cover it (a shared edge or vertex, an overlap by a bad edit), the one with the lowest code; ``boundary_m`` is 0
   and all of them are candidates.
3. The point is *near a boundary* when the nearest boundary is closer than ``max(near_boundary_m, 1.5 × accuracy_m)``;
   not inside a footprint, unless ``accuracy_m`` reaches past its wall.
4. No leaf grid: the deepest area that covers the point, and the nearest leaf grid with its distance. A point is never
   moved to a grid that does not cover it.

Codes compare by code point (``COLLATE "C"``). Where footprints lie whole in their cells, rule 1 never contradicts
rule 2, so ``ST_Covers`` over the stored polygons with the lowest code gives the same grid.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass
from typing import cast

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely
from pyproj import Transformer

from gridmap.core.locate.borders import Borders, TreeBorders
from gridmap.core.locate.coordinates import Bounds, check_coordinates
from gridmap.core.locate.cover import Bools, Cover, Floats, Geometries, Ints, TreeCover, lowest
from gridmap.core.locate.edition import CRS, Areas, Footprints, Grids, is_leaf, read_footprints, read_grids
from gridmap.errors import InputError, NotFound
from gridmap.model.answer import GridDistance, Located, LocatedArea, LocatedGrid, Method

__all__ = ["NEAR_BOUNDARY_M", "GridIndex", "LocatedPoints"]

NEAR_BOUNDARY_M = 15.0
ACCURACY_FACTOR = 1.5
MISMATCH_M = 150.0
_SEGMENT_DEGREES = 0.002  # a straight line in degrees and in metres differ by under 1 mm on such a piece


class GridIndex:
    """The leaf grids, upper levels, areas and footprints of one edition, ready to locate points. Never changes.

    Made by :meth:`build`; any number of threads may ask it at once.
    """

    def __init__(
        self,
        leaves: Grids,
        upper: Grids,
        areas: Areas,
        footprints: Footprints,
        *,
        metric_epsg: int,
        edition: int | None,
        bounds: Bounds | None,
        compiled: bool,
    ) -> None:
        self.edition = edition
        self.metric_epsg = metric_epsg
        self.bounds = bounds
        self._leaves = leaves
        self._upper = upper
        self._areas = areas
        self._footprints = footprints
        self._transformer = Transformer.from_crs(CRS, f"EPSG:{metric_epsg}", always_xy=True)
        self._exact = TreeCover(leaves.polygons)
        self._cover: Cover = self._exact
        self._inside: Cover = TreeCover(footprints.polygons, interior=True)
        self._metric = self._to_metric_shapes(leaves.polygons)
        self._metric_tree = shapely.STRtree(self._metric)
        self._borders: Borders = TreeBorders(self._metric)
        if compiled:
            from gridmap.core.locate.raster import RasterCover  # brings numba
            from gridmap.core.locate.rims import Rims

            self._cover = RasterCover(leaves.polygons, exact=self._exact)
            self._inside = RasterCover(footprints.polygons, exact=self._inside)
            self._borders = Rims(self._metric)
        # One more entry at the end, so that position -1 (none) has a value too.
        self._uid_of_leaf = np.append(leaves.uid, -1)
        self._leaf_of_footprint = np.append(footprints.leaf, -1)
        self._id_of_footprint = np.append(footprints.ids, -1)
        self._grids = tuple(_answers(leaves))
        self._chains = _chains(leaves, upper, self._grids)
        for array in (leaves.uid, leaves.code, footprints.leaf):
            array.setflags(write=False)

    @classmethod
    def build(
        cls,
        grids: gpd.GeoDataFrame,
        *,
        metric_epsg: int,
        areas: gpd.GeoDataFrame | None = None,
        buildings: gpd.GeoDataFrame | None = None,
        edition: int | None = None,
        bounds: Bounds | None = None,
        compiled: bool = False,
    ) -> GridIndex:
        """Build the index of one edition.

        Parameters
        ----------
        grids
            Grids of all levels in EPSG:4326, one row each: ``uid``, ``code``, geometry, and where known ``name``,
            ``level``, ``leaf``, ``grid_kind``, ``parent_uid``, ``community_code``. Without ``leaf`` the deepest level
            is the leaf level.
        metric_epsg
            Projected system of the jurisdiction, in metres; used for distances only.
        areas
            Administrative areas in EPSG:4326: ``code``, ``name``, ``level``, ``parent_code``, geometry (points count
            for their names only).
        buildings
            One row per building and leaf grid in EPSG:4326: ``building_id``, ``grid_uid`` (missing: in no grid), the
            part of the footprint in that grid, and where known ``source_id``, ``estate``, ``number``, ``name``.
        edition
            Number of the edition; every answer repeats it.
        bounds
            West, south, east, north of the jurisdiction; by default those of grids and areas.
        compiled
            Answer by compiled loops over rasters instead of trees: the same answers, some ten times faster for many
            points, after a second or two for making them.

        Raises
        ------
        InputError
            A grid without code, uid or polygon; a wrong CRS; a building whose grid is not a leaf grid here.
        """
        leaf = is_leaf(grids)
        leaves, upper = read_grids(grids[leaf]), read_grids(grids[~leaf])
        footprints = read_footprints(buildings, {int(uid): i for i, uid in enumerate(leaves.uid)})
        above = Areas(areas, upper)
        if bounds is None:
            shapes = np.concatenate([leaves.polygons, above.polygons])
            if len(shapes):
                bounds = cast("Bounds", tuple(float(v) for v in shapely.total_bounds(shapes)))
        return cls(
            leaves,
            upper,
            above,
            footprints,
            metric_epsg=metric_epsg,
            edition=edition,
            bounds=bounds,
            compiled=compiled,
        )

    def with_areas(self, areas: gpd.GeoDataFrame | None) -> GridIndex:
        """Return an index of the same edition with other administrative areas, as in :meth:`build`.

        Everything else is shared with this one, so it costs next to nothing.
        """
        other = copy(self)
        other._areas = Areas(areas, self._upper)  # noqa: SLF001 (one of its own kind)
        return other

    def __len__(self) -> int:
        """Return the number of leaf grids."""
        return len(self._leaves.uid)

    @property
    def uids(self) -> npt.NDArray[np.int64]:
        """Identities of the leaf grids, in order of their codes."""
        return self._leaves.uid

    @property
    def codes(self) -> Geometries:
        """Codes of the leaf grids, ascending."""
        return self._leaves.code

    @property
    def source_ids(self) -> Geometries:
        """Ids of the footprints' buildings in the tables that they came from, None where they have none."""
        return np.array([b.source_id for b in self._footprints.buildings], dtype=object)

    def communities_of_leaves(self) -> Geometries:
        """Return the code of the community that each leaf grid names, None where it names none."""
        return np.array(self._leaves.community_code, dtype=object)

    def area_codes_at(self, level: str, lons: Floats, lats: Floats) -> Geometries:
        """Return the code of the area of a level ("community", "town") at each point, None where there is none."""
        return self._areas.codes_at(level, lons, lats)

    def community_of_buildings(self, building_ids: Sequence[int]) -> str | None:
        """Return the code of the community in whose grids all these buildings lie, None where it is not one."""
        rows = [row for b in building_ids for row in self._footprints.by_building.get(b, ())]
        leaves = self._footprints.leaf[rows]
        codes = {self._leaves.community_code[leaf] for leaf in leaves[leaves >= 0]}
        return codes.pop() if len(codes) == 1 else None

    def to_metric(self, lons: npt.ArrayLike, lats: npt.ArrayLike) -> Floats:
        """Return points, shape (n, 2), in metres of the metric system."""
        x, y = self._transformer.transform(np.asarray(lons, dtype=np.float64), np.asarray(lats, dtype=np.float64))
        return np.column_stack([x, y])

    def _to_metric_shapes(self, shapes: Geometries) -> Geometries:
        dense = shapely.segmentize(shapes, _SEGMENT_DEGREES)
        projected = shapely.transform(dense, lambda xy: self.to_metric(xy[:, 0], xy[:, 1]))
        return np.asarray(projected, dtype=object)

    # --- locating --------------------------------------------------------------------------------------------

    def locate_point(
        self, lon: float, lat: float, *, accuracy_m: float | None = None, near_boundary_m: float = NEAR_BOUNDARY_M
    ) -> Located:
        """Locate one point; see :meth:`locate_points`."""
        accuracy = None if accuracy_m is None else [accuracy_m]
        return self.locate_points([lon], [lat], accuracy_m=accuracy, near_boundary_m=near_boundary_m).answer(0)

    def locate_points(
        self,
        lons: npt.ArrayLike,
        lats: npt.ArrayLike,
        *,
        accuracy_m: npt.ArrayLike | None = None,
        near_boundary_m: float = NEAR_BOUNDARY_M,
    ) -> LocatedPoints:
        """Locate points.

        Parameters
        ----------
        lons, lats
            Arrays of n EPSG:4326 degrees.
        accuracy_m
            Accuracy of each point in metres (one value, or n; NaN: unknown).
        near_boundary_m
            A point closer than this to a boundary is flagged.

        Returns
        -------
        The answers as columns; ``result.answer(i)`` is the :class:`~gridmap.model.answer.Located` of point i.

        Raises
        ------
        InputError
            A coordinate is not one (see :func:`coordinate_problems`), or a distance is negative.
        """
        x = np.atleast_1d(np.asarray(lons, dtype=np.float64))
        y = np.atleast_1d(np.asarray(lats, dtype=np.float64))
        if x.shape != y.shape or x.ndim != 1:
            raise InputError("经度和纬度的个数不同。", "There are not as many longitudes as latitudes.")
        check_coordinates(x, y, bounds=self.bounds)
        accuracy = np.broadcast_to(np.asarray(np.nan if accuracy_m is None else accuracy_m, dtype=np.float64), x.shape)
        if not 0 <= near_boundary_m < np.inf or (accuracy < 0).any() or np.isinf(accuracy).any():
            raise InputError(
                "精度和边界提示距离必须是不小于 0 的米数。",
                "Accuracy and the near-boundary distance must be metres, 0 or more.",
            )
        reach = np.fmax(near_boundary_m, ACCURACY_FACTOR * accuracy)

        covering, tied = self._cover.owner(x, y)
        footprint, _ = self._inside.owner(x, y)
        leaf_of_footprint = self._leaf_of_footprint[footprint]
        decided = leaf_of_footprint >= 0
        owner = np.where(decided, leaf_of_footprint, covering)

        metric = self.to_metric(x, y)
        boundary_m, nearest = self._distances(metric, owner)
        on_several = tied & ~decided
        boundary_m[on_several] = 0.0
        near = (boundary_m < reach) | on_several
        if decided.any():
            near &= ~decided | self._reaches_past(metric, footprint, accuracy, decided)
        flagged = np.flatnonzero(near)
        by_border = self._borders.within(metric[flagged], reach[flagged])
        # The grid itself and those that cover the point come with 0 m, whatever the projection made of it.
        several = flagged[tied[flagged]]
        by_cover = self._exact.pairs(x[several], y[several])
        point, leaf, metres = _nearest_first(
            np.concatenate([flagged[by_border[0]], several[by_cover[0]], flagged, flagged]),
            np.concatenate([by_border[1], by_cover[1], owner[flagged], covering[flagged]]),
            np.concatenate([by_border[2], np.zeros(len(by_cover[0]) + 2 * len(flagged))]),
        )

        def say(i: int) -> Located:
            low, high = np.searchsorted(point, (i, i + 1))
            rim = float(boundary_m[i])
            return self._answer(
                int(owner[i]),
                int(footprint[i]),
                float(x[i]),
                float(y[i]),
                method=None,
                near=bool(near[i]),
                boundary_m=round(rim, 2) if np.isfinite(rim) else None,
                candidates=tuple(self._distance_to(int(leaf[j]), float(metres[j])) for j in range(low, high)),
                nearest=self._distance_to(int(nearest[i]), rim) if nearest[i] >= 0 else None,
            )

        return LocatedPoints(
            leaf=owner,
            uid=self._uid_of_leaf[owner],
            building_id=self._id_of_footprint[footprint],
            footprint=footprint,
            boundary_m=boundary_m,
            near_boundary=near,
            candidates=(point, leaf, metres),
            say=say,
        )

    def locate_building(self, building_id: int, *, lon: float | None = None, lat: float | None = None) -> Located:
        """Answer for a building that was named; a point beside it is only a check.

        A building in several grids (more households than a grid may have) is answered with the grid of the part that
        holds the point; without such a point the answer has no grid, but all of them as candidates.

        Raises
        ------
        NotFound
            No building of this edition has that id.
        """
        rows = self._footprints.by_building.get(building_id)
        if rows is None:
            raise NotFound("这一版中没有这栋楼。", "This edition has no such building.")
        warnings: list[str] = []
        parts = self._footprints.polygons[rows]
        if lon is not None and lat is not None:
            check_coordinates([lon], [lat], bounds=self.bounds)
            apart = shapely.distance(self._to_metric_shapes(parts), shapely.points(self.to_metric([lon], [lat])))
            if apart.min() > MISMATCH_M:
                warnings.append("address-point-mismatch")
            holds = shapely.intersects_xy(parts, lon, lat)
            if holds.any():
                rows = rows[[int(holds.argmax())]]
        leaves = np.unique(self._footprints.leaf[rows])
        leaves = leaves[leaves >= 0]
        inside = shapely.point_on_surface(self._footprints.polygons[rows[0]])
        leaf = int(leaves[0]) if len(leaves) == 1 else -1
        several = len(leaves) > 1
        if several:
            warnings.append("building-in-several-grids")
        return self._answer(
            leaf,
            int(rows[0]),
            float(shapely.get_x(inside)),
            float(shapely.get_y(inside)),
            method="building",
            near=several,
            boundary_m=0.0 if several else None,
            candidates=tuple(self._distance_to(int(i), 0.0) for i in leaves) if several else (),
            nearest=None,
            warnings=tuple(warnings),
        )

    def _distances(self, metric: Floats, owner: Ints) -> tuple[Floats, Ints]:
        """Return metres to the nearest boundary, and the nearest grid of points outside of all (else -1)."""
        boundary_m = np.full(len(metric), np.inf)
        nearest = np.full(len(metric), -1, dtype=np.intp)
        if not len(self):
            return boundary_m, nearest
        inside, outside = np.flatnonzero(owner >= 0), np.flatnonzero(owner < 0)
        if len(inside):
            boundary_m[inside] = self._borders.nearest_m(metric[inside])
        if len(outside):
            (at, leaf), metres = self._metric_tree.query_nearest(
                shapely.points(metric[outside]), return_distance=True, all_matches=True
            )
            boundary_m[outside[at]] = metres
            nearest[outside] = lowest(at, leaf, len(outside))
        return boundary_m, nearest

    def _reaches_past(self, metric: Floats, footprint: Ints, accuracy: Floats, decided: Bools) -> Bools:
        """Tell where the accuracy is worse than the way from the point to the wall of its footprint."""
        past = np.zeros(len(metric), dtype=np.bool_)
        rows = np.flatnonzero(decided & (accuracy > 0))
        if len(rows):
            used, at = np.unique(footprint[rows], return_inverse=True)
            walls = shapely.boundary(self._to_metric_shapes(self._footprints.polygons[used]))
            past[rows] = accuracy[rows] > shapely.distance(walls[at], shapely.points(metric[rows]))
        return past

    # --- words -----------------------------------------------------------------------------------------------

    def _distance_to(self, leaf: int, metres: float) -> GridDistance:
        grid = self._grids[leaf]
        return GridDistance(grid.uid, grid.code, grid.name, round(metres, 2))

    def _answer(
        self,
        leaf: int,
        footprint: int,
        lon: float,
        lat: float,
        *,
        method: Method | None,
        near: bool,
        boundary_m: float | None,
        candidates: tuple[GridDistance, ...],
        nearest: GridDistance | None,
        warnings: tuple[str, ...] = (),
    ) -> Located:
        parent = None
        if leaf < 0:
            deepest, _ = self._areas.deepest.owner(np.array([lon]), np.array([lat]))
            parent = None if deepest[0] < 0 else self._areas.areas[deepest[0]]
        community, town = self._communities(leaf, lon, lat)
        decided: Method = "point" if leaf >= 0 else "parent" if parent is not None else "none"
        return Located(
            building=self._footprints.buildings[footprint] if footprint >= 0 else None,
            grid=self._grids[leaf] if leaf >= 0 else None,
            levels=self._chains[leaf] if leaf >= 0 else (),
            community=community,
            town=town,
            method=method or decided,
            near_boundary=near,
            boundary_m=boundary_m,
            candidates=candidates,
            nearest=nearest,
            parent=parent,
            crs_assumed=CRS,
            edition=self.edition,
            warnings=warnings,
        )

    def _communities(self, leaf: int, lon: float, lat: float) -> tuple[LocatedArea | None, LocatedArea | None]:
        """Return community and town: those of the grid where it names one, else those at the point."""
        areas = self._areas
        code = self._leaves.community_code[leaf] if leaf >= 0 else None
        community = None if code is None else areas.by_code.get(("community", code))
        if community is None:
            community = LocatedArea(code, None, "community") if code else areas.at("community", lon, lat)
        town = None
        if community is not None and community.code is not None:
            parent = areas.parent_of.get(("community", community.code))
            town = areas.by_code.get(("town", parent)) if parent else None
        return community, town or areas.at("town", lon, lat)


def _nearest_first(point: Ints, leaf: Ints, metres: Floats) -> tuple[Ints, Ints, Floats]:
    """Sort grids by point and distance; each once, with its least distance, and none for position -1."""
    order = np.lexsort((metres, leaf, point))
    order = order[leaf[order] >= 0]
    point, leaf, metres = point[order], leaf[order], metres[order]
    first = np.ones(len(point), dtype=np.bool_)
    first[1:] = (point[1:] != point[:-1]) | (leaf[1:] != leaf[:-1])
    point, leaf, metres = point[first], leaf[first], metres[first]
    order = np.lexsort((leaf, metres, point))
    return point[order], leaf[order], metres[order]


def _answers(grids: Grids) -> Iterator[LocatedGrid]:
    for uid, code, name, level, kind in zip(grids.uid, grids.code, grids.name, grids.level, grids.kind, strict=True):
        yield LocatedGrid(int(uid), str(code), name, level, kind)


def _chains(leaves: Grids, upper: Grids, grids: Sequence[LocatedGrid]) -> tuple[tuple[LocatedGrid, ...], ...]:
    """Return per leaf grid the grids from level 1 down to it."""
    above = {grid.uid: (grid, parent) for grid, parent in zip(_answers(upper), upper.parent_uid, strict=True)}
    chains = []
    for grid, parent in zip(grids, leaves.parent_uid, strict=True):
        chain, seen = [grid], {grid.uid}
        while parent in above and parent not in seen:
            seen.add(parent)
            step, parent = above[parent]  # noqa: PLW2901
            chain.append(step)
        chains.append(tuple(reversed(chain)))
    return tuple(chains)


@dataclass(frozen=True, slots=True)
class LocatedPoints:
    """Answers for n points as columns; :meth:`answer` has the whole answer for one.

    Attributes
    ----------
    leaf
        Position of the leaf grid in ``GridIndex.codes`` and ``GridIndex.uids``; -1 outside of all.
    uid
        Identity of the leaf grid; -1 outside of all.
    building_id
        Building in whose footprint the point lies; -1 where there is none.
    footprint
        Its row among the footprints of the index; -1 where there is none.
    boundary_m
        Metres to the nearest boundary; infinite where there is no grid at all.
    near_boundary
        The flag.
    candidates
        Of flagged points: point, leaf grid and metres, by point and nearest first.
    say
        Makes the answer of one point.
    """

    leaf: Ints
    uid: npt.NDArray[np.int64]
    building_id: npt.NDArray[np.int64]
    footprint: Ints
    boundary_m: Floats
    near_boundary: Bools
    candidates: tuple[Ints, Ints, Floats]
    say: Callable[[int], Located]

    def __len__(self) -> int:
        """Return the number of points."""
        return len(self.leaf)

    def answer(self, i: int) -> Located:
        """Return the whole answer for point ``i`` (0 … n-1)."""
        return self.say(i)

    def __iter__(self) -> Iterator[Located]:
        """Go through the whole answers in order."""
        return (self.say(i) for i in range(len(self)))
