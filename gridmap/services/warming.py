"""A few made-up streets and grids on which every kernel is used once, as a real question uses it."""

from __future__ import annotations

from collections.abc import Callable

import geopandas as gpd
import numpy as np
import shapely

from gridmap.core import siting
from gridmap.core.locate import GridIndex
from gridmap.core.network import Attacher, Attachments, Barriers, Enclosures, WalkTimes, build_network, walk_times
from gridmap.core.reach import (
    DirectPairs,
    legs,
    nearest,
    node_times,
    pairs,
    reach_polygons,
    route,
    street_raster,
    time_field,
)
from gridmap.model.progress import Progress, silent
from gridmap.model.text import Text

__all__ = ["use_kernels"]

_EPSG = 3857
_LIMIT_S = 900.0
_SIDE_M = 100.0


def use_kernels(progress: Progress = silent) -> None:
    """Use every kernel once; those that are not kept yet are compiled by that."""
    place = _Place()
    steps: list[tuple[Text, Callable[[], None]]] = [
        (Text("接入道路", "attaching to streets"), place.attach),
        (Text("最近站点", "nearest stations"), place.search),
        (Text("步行范围", "areas within reach"), place.draw),
        (Text("选址", "siting"), place.site),
        (Text("定位", "locating"), _locate),
    ]
    for number, (doing, step) in enumerate(steps):
        progress(number / len(steps), Text(f"编译计算内核:{doing.zh}", f"compiling kernels: {doing.en}"))
        step()
    progress(1.0, Text("计算内核就绪", "kernels are ready"))


class _Place:
    """Four blocks with a wall, a pond and a railway."""

    def __init__(self) -> None:
        lines = []
        for k in range(3):
            at = k * _SIDE_M
            lines += [
                shapely.LineString([(at, 0), (at, 2 * _SIDE_M)]),
                shapely.LineString([(0, at), (2 * _SIDE_M, at)]),
            ]
        # A loose end, which is led to the street beside it.
        lines.append(shapely.LineString([(20, 0.3), (20, 30)]))
        rows = {"id": range(1, len(lines) + 1), "highway": ["residential"] * len(lines)}
        self.times: WalkTimes = walk_times(build_network(gpd.GeoDataFrame(rows, geometry=lines, crs=_EPSG)))
        self.barriers = Barriers(
            water=_shapes(shapely.box(60, 60, 80, 80)), rail=_shapes(shapely.LineString([(120, 50), (180, 50)]))
        )
        self.enclosures = Enclosures(_shapes(shapely.box(110, 110, 190, 190)), [np.array([[150.0, 110.0]])])
        self.homes: Attachments
        self.stations: Attachments

    def attach(self) -> None:
        attacher = Attacher(self.times.network, barriers=self.barriers, enclosures=self.enclosures)
        xy = np.array([[30.0, 20.0], [150.0, 150.0], [150.0, 40.0], [50.0, 50.0]])
        self.homes, self.stations = attacher.attach(xy), attacher.attach(xy[:2] + 5.0)

    def search(self) -> None:
        direct = DirectPairs(np.array([1], np.int32), np.array([1], np.int32), np.array([9.0], np.float32))
        homes, stations = legs(self.times, self.homes), legs(self.times, self.stations)
        nearest(self.times, stations, homes, limit_s=_LIMIT_S, direct=direct)
        pairs(self.times, stations, homes, limit_s=_LIMIT_S, direct=direct)
        node_times(self.times, stations, limit_s=_LIMIT_S)
        route(self.times, self.stations, self.homes, 0, limit_s=_LIMIT_S)

    def draw(self) -> None:
        network, barriers, enclosures = self.times.network, self.barriers, self.enclosures
        raster = street_raster(network, bounds=(-200.0, -200.0, 400.0, 400.0), barriers=barriers, enclosures=enclosures)
        field = time_field(self.times, self.stations, limit_s=_LIMIT_S, raster=raster)
        reach_polygons(field, [60.0, _LIMIT_S])

    def site(self) -> None:
        count = 4
        demand = siting.Demand(np.full(count, 2.0), np.full(count, 5.0))
        seconds = np.full(2 * count, 60.0, np.float32)
        reach = siting.Coverage(np.arange(0, 2 * count + 1, 2), np.arange(2 * count, dtype=np.int32) % count, seconds)
        xy = np.arange(2.0 * count).reshape(-1, 2) * _SIDE_M
        places = siting.Places(reach, [str(k) for k in range(count)], xy)
        for options in (siting.SitingOptions(), siting.SitingOptions(capacity=3.0, spacing_m=50.0)):
            siting.max_cover(demand, places, 2, options=options)
            siting.set_cover(demand, places, share=0.5, options=options)
        siting.p_median(demand, places, 2, beyond_s=_LIMIT_S)


def _locate() -> None:
    squares = shapely.box([113.0, 113.01], [36.0, 36.0], [113.01, 113.02], [36.01, 36.01])
    grids = gpd.GeoDataFrame({"uid": [1, 2], "code": ["1", "2"]}, geometry=squares, crs=4326)
    houses = gpd.GeoDataFrame(
        {"building_id": [1], "grid_uid": [1]}, geometry=[shapely.box(113.001, 36.001, 113.002, 36.002)], crs=4326
    )
    index = GridIndex.build(grids, metric_epsg=4547, buildings=houses, compiled=True)
    index.locate_points([113.0015, 113.00999, 113.5], [36.0015, 36.005, 36.0])


def _shapes(*given: shapely.Geometry) -> np.ndarray[tuple[int], np.dtype[np.object_]]:
    out = np.empty(len(given), dtype=object)
    out[:] = given
    return out
