"""A town that nobody ever built, as an OpenStreetMap extract."""

from __future__ import annotations

from pathlib import Path

import osmium

WEST, SOUTH, STEP, LINES = 117.0, 30.5, 0.0022, 9  # 8 × 8 blocks of some 210 × 240 m


def write_town(file: Path, *, west: float = WEST, south: float = SOUTH) -> Path:
    """Write streets, a pond, two named communities and 64 houses, one in each block."""
    node, way = osmium.osm.mutable.Node, osmium.osm.mutable.Way
    at = {(c, r): 1 + c * LINES + r for c in range(LINES) for r in range(LINES)}
    ways: list[tuple[list[int], dict[str, str]]] = []
    for k in range(LINES):
        kind = "secondary" if k % 4 == 0 else "residential"
        ways.append(([at[k, r] for r in range(LINES)], {"highway": kind, "name": f"纵{k}街"}))
        ways.append(([at[c, k] for c in range(LINES)], {"highway": kind, "name": f"横{k}路"}))
    corners: dict[int, tuple[float, float]] = {}
    houses: list[tuple[list[int], dict[str, str]]] = []
    for c in range(LINES - 1):
        for r in range(LINES - 1):
            x, y = west + (c + 0.3) * STEP, south + (r + 0.4) * STEP
            ring = [(x, y), (x + 0.0006, y), (x + 0.0006, y + 0.0002), (x, y + 0.0002)]
            numbers = [1000 + 4 * len(houses) + k for k in range(4)]
            corners |= dict(zip(numbers, ring, strict=True))
            houses.append(([*numbers, numbers[0]], {"building": "apartments", "building:levels": "6"}))
    pond = {
        900 + k: (west + x * STEP, south + y * STEP)
        for k, (x, y) in enumerate([(3.2, 3.2), (3.8, 3.2), (3.8, 3.3), (3.2, 3.3)])
    }
    with osmium.SimpleWriter(str(file)) as writer:
        for (c, r), number in at.items():
            writer.add_node(node(id=number, location=(west + c * STEP, south + r * STEP)))
        for k, (x, name) in enumerate([(1.5, "东风社区"), (6.5, "西岭社区")]):
            tags = {"place": "quarter", "name": name}
            writer.add_node(node(id=800 + k, location=(west + x * STEP, south + 4.5 * STEP), tags=tags))
        for number, xy in (pond | corners).items():
            writer.add_node(node(id=number, location=xy))
        water = ([*pond, next(iter(pond))], {"natural": "water", "name": "小塘"})
        for number, (nodes, tags) in enumerate([*ways, water, *houses]):
            writer.add_way(way(id=5000 + number, nodes=nodes, tags=tags))
    return file
