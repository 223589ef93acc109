"""Small towns to make cells of: drawn from a seed, never from a real place."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
import shapely.ops

from gridmap.core.cells import BaseData, CellFabric, build_cells
from gridmap.core.crs import on_grid

EPSG = 4548
ORIGIN = np.array([500_000.0, 3_120_000.0])


def place(x: float, y: float) -> tuple[float, float]:
    """Return a point of the towns' ground by metres from its corner."""
    return float(ORIGIN[0] + x), float(ORIGIN[1] + y)


def box(x0: float, y0: float, x1: float, y1: float) -> Any:
    """Return a rectangle of the towns' ground by metres from its corner."""
    return shapely.box(*place(x0, y0), *place(x1, y1))


def frame(geometry: Any, **columns: Any) -> gpd.GeoDataFrame:
    """Return a metric layer, vertices on the millimetre grid."""
    return gpd.GeoDataFrame(columns, geometry=on_grid(np.array(geometry, dtype=object)), crs=EPSG)


def town(seed: int, *, blocks: int = 3, houses: int = 40, block_m: float = 120.0) -> BaseData:
    """Return a town: crooked streets, footways, a tunnel, a river, houses that touch, overlap and straddle.

    ┌──┬──┬──┐   streets at irregular distances, dead ends,
    ├──┼──┼──┤   houses anywhere, some across a street,
    ├──┼──┼──┤   two communities with a jagged border that
    └──┴──┴──┘   ignores streets and houses
    """
    rng = np.random.default_rng(seed)
    side = blocks * block_m
    extent = box(0, 0, side, side)

    def line(*xy: tuple[float, float]) -> Any:
        return shapely.LineString(ORIGIN + np.array(xy))

    def wavy(at: float, *, upright: bool) -> Any:
        t = np.linspace(-20, side + 20, 5)
        s = at + rng.normal(0, 6, 5)
        xy = np.column_stack([s, t] if upright else [t, s])
        return shapely.LineString(ORIGIN + xy)

    lines = [wavy(i * block_m, upright=up) for i in range(1, blocks) for up in (True, False)]
    kinds = [str(rng.choice(["residential", "secondary", "tertiary"])) for _ in lines]
    lines += [
        wavy(block_m * 0.5, upright=True),
        line((0, side * 0.4), (side, side * 0.6)),
        line((block_m * 0.3, block_m * 0.2), (block_m * 0.3, block_m * 0.7)),
    ]
    kinds += ["footway", "primary", "residential"]
    tunnel = ["no"] * (len(lines) - 2) + ["yes", ""]
    streets = frame(lines, highway=kinds, tunnel=tunnel, name=[f"{i} 路" for i in range(len(lines))])
    water = frame([wavy(side * 0.85, upright=False).buffer(30), wavy(side * 0.85, upright=False)],
                  water_kind=["river", "river"])  # fmt: skip

    xy = rng.uniform(-5, side + 5, (houses, 2))
    xy[1::9] = xy[::9][: len(xy[1::9])] + np.array([8.0, 0.0])
    size = rng.uniform(2, 14, (houses, 2))
    turn = rng.choice([0.0, 0.0, 0.3, 1.0], houses)
    shapes = []
    for (x, y), (w, h), a in zip(xy, size, turn, strict=True):
        corners = np.array([(-w, -h), (w, -h), (w, h), (-w, h)]) / 2
        cos, sin = np.cos(a), np.sin(a)
        shapes.append(shapely.Polygon(ORIGIN + [x, y] + corners @ np.array([[cos, sin], [-sin, cos]])))
    homes = rng.integers(0, 80, houses).astype(float)
    buildings = frame(shapes, id=rng.permutation(houses) + 1000, households=homes)

    border = wavy(side * 0.45, upright=True)
    halves = shapely.get_parts(shapely.ops.split(extent, border))
    codes = ["990101001002", "990101001001"][: len(halves)]
    areas = frame(halves[: len(codes)], code=codes)
    return BaseData(buildings=buildings, streets=streets, water=water, areas=areas, extent=extent)


@lru_cache(maxsize=32)
def made(seed: int) -> tuple[BaseData, CellFabric]:
    """Return a town and its cells; several tests look at the same ones."""
    base = town(seed)
    return base, build_cells(base)
