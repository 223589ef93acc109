"""A plain map as SVG for paper: grids with their numbers, what changes shaded. Needs no script and no tiles."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

__all__ = ["SketchLayer", "bounds_around", "sketch"]

Objects = NDArray[np.object_]
Box = tuple[float, float, float, float]

_PAD = 0.08
_STEP = 0.4


@dataclass(frozen=True, slots=True)
class SketchLayer:
    """Shapes (metric) that look alike: SVG attributes, and a label for each (empty: none)."""

    shapes: Objects
    style: str
    labels: Sequence[str] = ()


def bounds_around(shapes: Objects) -> Box:
    """Return west, south, east, north around shapes, with a margin; a square of 1 km where there are none."""
    shapes = np.asarray(shapes, dtype=object)
    shapes = shapes[~shapely.is_empty(shapes)]
    if not len(shapes):
        return (0.0, 0.0, 1000.0, 1000.0)
    west, south, east, north = shapely.total_bounds(shapes)
    pad = max(east - west, north - south, 100.0) * _PAD
    return (float(west - pad), float(south - pad), float(east + pad), float(north + pad))


def sketch(layers: Sequence[SketchLayer], box: Box, *, width: int = 480, title: str = "") -> str:
    """Return an SVG of the land inside a box, north up; ``width`` in its own units, heights follow."""
    west, south, east, north = box
    scale = width / max(east - west, 1.0)
    height = max(round((north - south) * scale), 1)
    window = shapely.box(*box)

    def place(xy: Any) -> Any:
        return np.column_stack([(xy[:, 0] - west) * scale, (north - xy[:, 1]) * scale])

    size = f'viewBox="0 0 {width} {height}"'
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="{html.escape(title)}">']
    texts: list[str] = []
    for layer in layers:
        seen = shapely.intersection(np.asarray(layer.shapes, dtype=object), window)
        drawn = shapely.transform(shapely.simplify(seen, _STEP / scale), place)
        paths = [_path(shape) for shape in drawn]
        parts.append(f"<g {layer.style}>" + "".join(f'<path d="{d}"/>' for d in paths if d) + "</g>")
        for label, shape in zip(layer.labels, seen, strict=False):
            if label and not shapely.is_empty(shape):
                ((x, y),) = place(shapely.get_coordinates(shapely.point_on_surface(shape))).tolist()
                texts.append(f'<text x="{x:.0f}" y="{y:.0f}">{html.escape(label)}</text>')
    frame = f'<rect x="0.5" y="0.5" width="{width - 1}" height="{height - 1}" fill="none" stroke="#999"/>'
    return "".join([*parts, '<g class="names">', *texts, "</g>", frame, "</svg>"])


def _path(shape: Any) -> str:
    rings = [
        ring
        for part in shapely.get_parts(shape)
        for ring in ([part] if part.geom_type == "LineString" else shapely.get_rings(part))
    ]
    out = []
    for ring in rings:
        points = [f"{x:.1f} {y:.1f}" for x, y in shapely.get_coordinates(ring)]
        out.append("M" + "L".join(points) + ("Z" if ring.geom_type == "LinearRing" else ""))
    return "".join(out)
