"""A small town for tests: 4 × 2 blocks of 200 m, three houses a row, two communities, a grid for each block.

block (0..3, 0..1); streets between them; community A has columns 0–1, B has 2–3;
level 2 = column; leaf = block. Place: 112.9 E, 36.4 N, metric system EPSG:4546.
"""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

EPSG = 4546
X0, Y0 = 445_000.0, 4_030_000.0
SIDE = 200.0
COLUMNS, ROWS = 4, 2
COMMUNITY = {"A": "990101001001", "B": "990101001002"}


def community_of(column: int) -> str:
    return COMMUNITY["A" if column < COLUMNS // 2 else "B"]


def block(column: int, row: int) -> shapely.Polygon:
    x, y = X0 + column * SIDE, Y0 + row * SIDE
    return shapely.box(x, y, x + SIDE, y + SIDE)


def code(column: int, row: int) -> str:
    serial = (column % 2) * ROWS + (ROWS - row)
    return f"{community_of(column)}{serial:03d}"


def lonlat(table: dict[str, list[object]], shapes: list[shapely.Geometry]) -> gpd.GeoDataFrame:
    frame = gpd.GeoDataFrame(table, geometry=shapes, crs=EPSG).to_crs(4326)
    frame.geometry = shapely.transform(frame.geometry.array, lambda xy: np.round(xy, 9))
    return frame


def areas() -> gpd.GeoDataFrame:
    towns = [shapely.box(X0, Y0, X0 + COLUMNS * SIDE, Y0 + ROWS * SIDE)]
    halves = [
        shapely.union_all([block(c, r) for c in range(COLUMNS) for r in range(ROWS) if community_of(c) == one])
        for one in COMMUNITY.values()
    ]
    return lonlat(
        {
            "source_id": ["county", "town", "a", "b"],
            "code": ["990101", "990101001", *COMMUNITY.values()],
            "name": ["测试县", "测试镇", "东风社区", "西岭社区"],
            "level": ["jurisdiction", "town", "community", "community"],
            "parent_code": [None, "990101", "990101001", "990101001"],
        },
        [*towns, *towns, *halves],
    )


def streets() -> gpd.GeoDataFrame:
    lines, names = [], []
    for c in range(COLUMNS + 1):
        x = X0 + c * SIDE
        lines.append(shapely.LineString([(x, Y0 - 30), (x, Y0 + ROWS * SIDE + 30)]))
        names.append(f"纵{c}路")
    for r in range(ROWS + 1):
        y = Y0 + r * SIDE
        lines.append(shapely.LineString([(X0 - 30, y), (X0 + COLUMNS * SIDE + 30, y)]))
        names.append(f"横{r}路")
    return lonlat(
        {"source_id": [f"s{i}" for i in range(len(lines))], "name": names, "highway": ["residential"] * len(lines)},
        lines,
    )


def house(column: int, row: int, k: int, *, width: float = 30.0) -> shapely.Polygon:
    x, y = X0 + column * SIDE + 30 + (k % 3) * 50, Y0 + row * SIDE + 40 + (k // 3) * 80
    return shapely.box(x, y, x + width, y + 14)


def buildings() -> gpd.GeoDataFrame:
    table: dict[str, list[object]] = {k: [] for k in ("source_id", "estate", "number", "use", "storeys")}
    shapes = []
    for c in range(COLUMNS):
        for r in range(ROWS):
            for k in range(6):
                table["source_id"].append(f"b{c}{r}{k}")
                table["estate"].append(f"{'春夏秋冬'[c]}{'南北'[r]}苑")
                table["number"].append(f"{k + 1}栋")
                table["use"].append("residential")
                table["storeys"].append(6)
                shapes.append(house(c, r, k))
    return lonlat(table, shapes)


def households() -> pd.DataFrame:
    ids = buildings()["source_id"]
    return pd.DataFrame(
        {
            "building_source_id": ids,
            "households": 50,
            "people": 140,
            "basis": "resident",
            "figure_date": "2026-06-30",
            "figure_source": "census",
        }
    )


def grids(*, moved: bool = False) -> gpd.GeoDataFrame:
    """Three levels; ``moved`` gives block (0, 0) to the leaf of block (1, 0)."""
    rows: list[tuple[str, str, int, str | None, str, shapely.Geometry]] = []
    for one, community in COMMUNITY.items():
        columns = [c for c in range(COLUMNS) if community_of(c) == community]
        whole = shapely.union_all([block(c, r) for c in columns for r in range(ROWS)])
        rows.append((community, f"{one}区", 1, None, community, whole))
        for c in columns:
            own = [(c, r) for r in range(ROWS)]
            if moved and c == 0:
                own = [(0, 1)]
            if moved and c == 1:
                own = [(1, 0), (1, 1), (0, 0)]
            upper = f"{community}9{c}"
            shape = shapely.union_all([block(*b) for b in own])
            rows.append((upper, f"第{c}片", 2, community, community, shape))
            for r in range(ROWS):
                leaf = block(c, r)
                if moved and (c, r) == (0, 0):
                    continue
                if moved and (c, r) == (1, 0):
                    leaf = shapely.union_all([leaf, block(0, 0)])
                rows.append((code(c, r), f"第{c}{r}网格", 3, upper, community, leaf))
    return lonlat(
        {
            "code": [r[0] for r in rows],
            "name": [r[1] for r in rows],
            "level": [r[2] for r in rows],
            "parent_code": [r[3] for r in rows],
            "community_code": [r[4] for r in rows],
            "grid_kind": ["urban"] * len(rows),
        },
        [r[5] for r in rows],
    )


def stations() -> gpd.GeoDataFrame:
    return lonlat(
        {
            "source_id": ["st1", "st2"],
            "name": ["一号驿站", "二号驿站"],
            "station_kind": ["center", "grid_station"],
            "tier": [1, 2],
        },
        [shapely.Point(X0 + 100, Y0 + 100), shapely.Point(X0 + 700, Y0 + 300)],
    )


def people() -> pd.DataFrame:
    leaves = grids()
    codes = leaves.loc[leaves["level"] == 3, "code"]
    return pd.DataFrame(
        {
            "source_id": [f"p{i}" for i in range(len(codes))],
            "label": "网格长",
            "role": "grid_leader",
            "grid_code": codes,
            "name": [f"测{i}" for i in range(len(codes))],
            "phone": "000-0000000",
            "public": True,
        }
    )


def at(x: float, y: float) -> tuple[float, float]:
    """Longitude and latitude of metres east and north of the town's south-western corner."""
    point = gpd.GeoSeries([shapely.Point(X0 + x, Y0 + y)], crs=EPSG).to_crs(4326).iloc[0]
    return float(point.x), float(point.y)
