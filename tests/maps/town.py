"""A small invented town in the shapes of the API: streets that are no chessboard, a river, grids, stations.

Plan (each cell a block of about 150 m, heavy lines main streets, ~ the river)::

    +-----+-----+      4 × 3 communities of 6 × 5 blocks, each cut into grids of 2-4 blocks,
    |  A  |  B  |      level 2 = halves of a community, level 1 = the community
    +~~~~~+~~~~~+
    |  C  |  D  |
    +-----+-----+
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import networkx as nx
import numpy as np
import shapely
from shapely import affinity

LON, LAT = 116.9, 28.3
M_LAT = 111_320.0
M_LON = M_LAT * np.cos(np.radians(LAT))
COLUMNS, ROWS, BLOCK = 24, 15, 150.0
ACROSS, DOWN = 6, 5
NAMES = ("青石", "柳堤", "望江", "槐荫", "新桥", "丰和", "北苑", "朝晖", "南塘", "安定", "东篱", "云泉")
MAJOR = ("人民路", "清岩大道", "滨江路", "解放街", "迎宾大道", "建设路", "文昌路")
MINOR = ("柳堤巷", "书院街", "槐树街", "南塘路", "学府街", "粮仓街", "豆市街", "石桥路", "桂花巷", "东篱街")
CODE = "990101"


def _lattice(rng: np.random.Generator) -> np.ndarray:
    x, y = np.meshgrid(np.arange(COLUMNS + 1) * BLOCK, np.arange(ROWS + 1) * BLOCK)
    x = x + rng.uniform(-22, 22, x.shape) + 90 * np.sin(y / 700)
    y = y + rng.uniform(-22, 22, y.shape) + 70 * np.sin(x / 900)
    points = np.stack([x, y], axis=-1) - [COLUMNS * BLOCK / 2, ROWS * BLOCK / 2]
    angle = np.radians(-11)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return points @ turn.T


def _lonlat(shape: shapely.Geometry) -> dict[str, Any]:
    moved = shapely.transform(shape, lambda p: np.round(p / [M_LON, M_LAT] + [LON, LAT], 7))
    return json.loads(shapely.to_geojson(moved))


def _feature(shape: shapely.Geometry, **properties: Any) -> dict[str, Any]:
    return {"type": "Feature", "properties": properties, "geometry": _lonlat(shape)}


def _collection(features: list[dict[str, Any]]) -> dict[str, Any]:
    return {"type": "FeatureCollection", "features": features}


def _label(shape: shapely.Geometry) -> dict[str, float]:
    circle = shapely.maximum_inscribed_circle(shape)
    x, y = shapely.get_coordinates(circle)[0]
    return {
        "label_lon": round(x / M_LON + LON, 7),
        "label_lat": round(y / M_LAT + LAT, 7),
        "label_radius_m": round(float(shapely.length(circle)), 1),
    }


def _slabs(block: shapely.Geometry, rng: np.random.Generator, use: str) -> list[shapely.Geometry]:
    """Rows of long houses along the longer side of a block."""
    inner = block.buffer(-14, join_style="mitre")
    if inner.is_empty or inner.area < 900:
        return []
    box = inner.minimum_rotated_rectangle
    corners = shapely.get_coordinates(box)
    angle = np.degrees(np.arctan2(*(corners[1] - corners[0])[::-1]))
    angle = (angle + 45) % 90 - 45
    centre = (box.centroid.x, box.centroid.y)
    flat = affinity.rotate(inner, -angle, origin=centre)
    left, bottom, right, top = flat.bounds
    gap, deep, wide = {"residential": (17, 12.5, 44), "old": (4, 10, 13), "other": (26, 30, 52)}[use]
    out = []
    y = bottom + 1
    while y + deep <= top:
        x = left + rng.uniform(0, 6)
        while x + wide * 0.6 <= right:
            w = wide * rng.uniform(0.7, 1.05)
            house = shapely.box(x, y, x + w, y + deep * rng.uniform(0.9, 1.1))
            if flat.contains(house) and rng.random() > 0.06:
                out.append(affinity.rotate(house, angle, origin=centre))
            x += w + rng.uniform(5, 11)
        y += deep + gap
    return out


@cache
def town(seed: int = 7) -> dict[str, Any]:  # noqa: PLR0912 (one town, told from north to south)
    """Return everything that the API and the tiles give, keyed by name."""
    rng = np.random.default_rng(seed)
    lattice = _lattice(rng)
    quads = {
        (c, r): shapely.Polygon([lattice[r, c], lattice[r, c + 1], lattice[r + 1, c + 1], lattice[r + 1, c]])
        for r in range(ROWS)
        for c in range(COLUMNS)
    }
    xs = np.linspace(-2400, 2400, 60)
    course = shapely.LineString(np.stack([xs, -40 - 0.16 * xs + 150 * np.sin(xs / 620)], axis=1))
    river = shapely.union_all(
        shapely.buffer(shapely.points(shapely.get_coordinates(course)), 42 + 16 * np.sin(xs / 500))
    ).union(course.buffer(44))
    everything = shapely.union_all(list(quads.values()))
    river = river.intersection(everything.buffer(400))

    streets, landuse, buildings = [], [], []
    major_names, minor_names = iter(MAJOR * 3), iter(MINOR * 6)
    for r in range(ROWS + 1):
        major = r % DOWN == 0
        streets.append(
            (
                shapely.LineString(lattice[r]),
                "major" if major else "minor",
                next(major_names) if major else next(minor_names),
            )
        )
    for c in range(COLUMNS + 1):
        major = c % ACROSS == 0
        streets.append(
            (
                shapely.LineString(lattice[:, c]),
                "major" if major else "minor",
                next(major_names) if major else next(minor_names),
            )
        )
    parts = []
    for line, kind, name in streets:
        wet = line.intersection(river.buffer(6))
        if kind == "minor" and not wet.is_empty:
            parts += [(p, kind, name, False) for p in shapely.get_parts(line.difference(river.buffer(12)))]
        elif not wet.is_empty:
            parts += [(p, kind, name, False) for p in shapely.get_parts(line.difference(river.buffer(6)))]
            parts += [(p, kind, name, True) for p in shapely.get_parts(wet)]
        else:
            parts.append((line, kind, name, False))
    rail_x = np.linspace(-2300, 2300, 40)
    rail = shapely.LineString(np.stack([rail_x, 620 + 90 * np.sin(rail_x / 800) + 0.05 * rail_x], axis=1))
    street_features = [
        _feature(p, **{"class": k}, name=n, bridge=b, tunnel=False) for p, k, n, b in parts if p.length > 5
    ]
    street_features.append(_feature(rail, **{"class": "rail"}, name="", bridge=False, tunnel=False))

    parks = {(4, 11), (5, 11), (4, 12), (5, 12), (17, 3), (18, 3), (12, 8)}
    number, community_of = 0, {}
    households_of: dict[tuple[int, int], list[int]] = {}
    for (c, r), quad in quads.items():
        community_of[c, r] = (r // DOWN) * (COLUMNS // ACROSS) + c // ACROSS
        land = quad.difference(river.buffer(14)).difference(rail.buffer(12))
        block = max(shapely.get_parts(land), key=lambda p: p.area) if not land.is_empty else land
        kind = "park" if (c, r) in parks else "residential"
        if not block.is_empty:
            landuse.append(_feature(block.buffer(-5), kind=kind))
        households_of[c, r] = [0, 0, 0]
        if kind == "park" or block.is_empty:
            continue
        old = abs(c - 10) < 3 and abs(r - 5) < 2
        use = "old" if old else "other" if rng.random() < 0.1 else "residential"
        for slab in _slabs(block, rng, use):
            number += 1
            storeys = 2 if old else int(rng.choice([6, 6, 7, 11, 18])) if use == "residential" else 4
            households = {"old": 1, "residential": storeys * 2, "other": 0}[use]
            households_of[c, r][0] += households
            households_of[c, r][1] += 1
            households_of[c, r][2] += households if rng.random() < 0.15 else 0
            buildings.append(
                _feature(
                    slab,
                    id=f"B{number:05d}",
                    use="residential" if households else "public",
                    storeys=storeys,
                    households=households,
                    label=f"{number % 40 + 1}栋" if use == "residential" else "",
                )
            )
        side = shapely.LineString(
            [quad.exterior.interpolate(0.125, normalized=True), quad.exterior.interpolate(0.625, normalized=True)]
        )
        if use == "residential" and rng.random() < 0.5:
            street_features += [
                _feature(p, **{"class": "lane"}, name="", bridge=False, tunnel=False)
                for p in shapely.get_parts(side.intersection(block))
                if p.geom_type == "LineString"
            ]

    grids: dict[int, list[dict[str, Any]]] = {1: [], 2: [], 3: []}
    communities = []
    for i, name in enumerate(NAMES):
        mine = [key for key, community in community_of.items() if community == i]
        shape = shapely.union_all([quads[k] for k in mine])
        code = f"{CODE}001{i + 1:03d}"
        communities.append(
            _feature(shape, code=code, name=f"{name}社区", level="community", provisional=False, **_label(shape))
        )
        c0, r0 = min(c for c, _ in mine), min(r for _, r in mine)
        snake = [(c0 + (j if k % 2 == 0 else ACROSS - 1 - j), r0 + k) for k in range(DOWN) for j in range(ACROSS)]
        groups, halves = [], [[], []]
        while snake:
            take = min(len(snake), int(rng.choice([2, 3, 3, 4])))
            if len(snake) - take == 1:
                take += 1
            groups.append(snake[:take])
            snake = snake[take:]
        shared = {"community_code": code, "community_name": f"{name}社区"}
        for serial, group in enumerate(groups, 1):
            half = 0 if serial <= len(groups) / 2 else 1
            halves[half] += group
            grids[3].append(
                _grid(
                    quads,
                    households_of,
                    group,
                    level=3,
                    code=f"{code}{serial:03d}",
                    name=f"{name}社区第{serial}网格",
                    parent_code=f"{code}{half + 1}",
                    **shared,
                )
            )
        for half, group in enumerate(halves):
            grids[2].append(
                _grid(
                    quads,
                    households_of,
                    group,
                    level=2,
                    code=f"{code}{half + 1}",
                    name=f"{name}社区第{half + 1}片区",
                    parent_code=code,
                    **shared,
                )
            )
        grids[1].append(
            _grid(quads, households_of, mine, level=1, code=code, name=f"{name}社区", parent_code=CODE, **shared)
        )
    for level in grids.values():
        _colour(level)

    kinds = ("center", "grid_station", "service_point", "courier_stop", "shop", "mediation_room")
    stations = []
    for i in range(20):
        place = shapely.Point(*rng.uniform([-1600, -900], [1600, 900]))
        main = i < 7
        stations.append(
            _feature(
                place,
                code=f"S{i + 1:02d}",
                name=f"{NAMES[i % 12]}{'党群服务中心' if main else '网格驿站'}",
                kind="center" if main else kinds[1 + i % 5],
                tier=1 if main else 2,
                opening_hours="Mo-Fr 08:30-17:30; Sa 09:00-12:00" if i % 2 else "Mo-Su 08:00-21:00",
                services=["社保办理", "居住证", "法律咨询"][: 1 + i % 3],
                score=8 - i % 7,
            )
        )
    leaf = [f["properties"] for f in grids[3]]
    west, south, east, north = everything.bounds
    jurisdiction = {
        "code": CODE,
        "name": "清岩县",
        "bbox": [west / M_LON + LON, south / M_LAT + LAT, east / M_LON + LON, north / M_LAT + LAT],
        "edition": {"id": 2, "name": "2026版", "effective_from": "2026-01-01", "effective_to": None},
        "editions": [
            {"id": 1, "name": "2025版", "effective_from": "2025-01-01", "effective_to": "2026-01-01"},
            {"id": 2, "name": "2026版", "effective_from": "2026-01-01", "effective_to": None},
        ],
        "household_target": 300,
        "counts": {
            "areas": 13,
            "streets": len(street_features),
            "buildings": len(buildings),
            "cells": 9000,
            "grids": len(leaf),
            "stations": len(stations),
            "households": sum(p["households"] for p in leaf),
            "people": sum(p["people"] for p in leaf),
        },
        "version": "v1",
        "levels": [1, 2, 3],
        "attributions": [],
    }
    return {
        "jurisdiction": jurisdiction,
        "grids": {level: _collection(features) for level, features in grids.items()},
        "communities": _collection(communities),
        "stations": _collection(stations),
        "base": {
            "landuse": _collection(landuse),
            "water": _collection([_feature(river, kind="river")]),
            "streets": _collection(street_features),
            "buildings": _collection(buildings),
        },
        "duties": {p["code"]: _duties(i) for i, p in enumerate(leaf)},
    }


def _duties(i: int) -> list[dict[str, str]]:
    family = "赵钱孙李周吴郑王"
    return [
        {"label": "网格长", "role": "grid_leader", "name": f"{family[i % 8]}晓明", "phone": "000-0000-0001"},
        {"label": "专职网格员", "role": "grid_officer", "name": f"{family[(i + 3) % 8]}文静", "phone": "000-0000-0002"},
    ]


def _grid(quads: Any, households: Any, group: Any, **properties: Any) -> dict[str, Any]:
    shape = shapely.union_all([quads[k] for k in group])
    count = [sum(households[k][i] for k in group) for i in range(3)]
    return _feature(
        shape,
        uid=f"u{properties['code']}",
        kind="dedicated" if count[0] == 0 else "urban",
        households=count[0],
        people=round(count[0] * 2.7),
        buildings=count[1],
        households_estimated=count[2],
        **properties,
        **_label(shape),
    )


def _colour(features: list[dict[str, Any]]) -> None:
    shapes = [shapely.from_geojson(json.dumps(f["geometry"])) for f in features]
    tree = shapely.STRtree(shapes)
    graph = nx.Graph()
    graph.add_nodes_from(range(len(shapes)))
    left, right = tree.query(shapes, predicate="intersects")
    graph.add_edges_from((int(a), int(b)) for a, b in zip(left, right, strict=True) if a < b)
    for i, colour in nx.greedy_color(graph, strategy="DSATUR").items():
        features[i]["properties"]["colour"] = colour % 7
