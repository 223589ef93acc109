"""What a person should look at after cells were made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import shapely

from gridmap.core.cells.coverage import Floats, Ints
from gridmap.core.cells.cutters import Polygons
from gridmap.core.cells.outlines import Footprints
from gridmap.core.crs import to_lonlat
from gridmap.model.finding import Finding, Severity
from gridmap.model.text import Text

__all__ = ["at_points", "building_findings", "legacy_findings"]


def at_points(
    rule: str,
    severity: Severity,
    subjects: Sequence[str],
    messages: Sequence[Text],
    *,
    points: Any,
    epsg: int,
    repair: Text | None = None,
) -> list[Finding]:
    """Make one finding for each subject, with the point to zoom to (metric in, EPSG:4326 out)."""
    if not subjects:
        return []
    lonlat = np.round(to_lonlat(np.asarray(points, dtype=object), epsg), 7).tolist()
    return [
        Finding(rule, severity, subject, message, repair, lon, lat)
        for subject, message, (lon, lat) in zip(subjects, messages, lonlat, strict=True)
    ]


def building_findings(
    footprints: Footprints,
    share: Floats,
    cut_by_area: Any,
    *,
    points: dict[int, Any],
    epsg: int,
    straddle_share: float,
) -> list[Finding]:
    """List buildings across block borders and official lines, overlaps, and those beyond the extent.

    ``points`` are points in buildings by id, also of those that have no footprint left.
    """
    found: list[Finding] = []
    inside = shapely.point_on_surface(footprints.polygon)
    rows = np.flatnonzero((share < straddle_share) & ~cut_by_area)
    found += at_points(
        "building_across_block",
        "info",
        [f"building:{i}" for i in footprints.building[rows].tolist()],
        [
            Text(
                f"建筑跨越街区界线，仅 {s:.0%} 在所属街区内；界线绕建筑而行。",
                f"The building lies across a block border, {s:.0%} of it in its block; the border goes round it.",
            )
            for s in share[rows].tolist()
        ],
        points=inside[rows],
        epsg=epsg,
        repair=Text("核对建筑轮廓或道路线位。", "Check the outline or the street's line."),
    )
    rows = np.flatnonzero(cut_by_area)
    found += at_points(
        "building_across_official_line",
        "warning",
        [f"building:{i}" for i in footprints.building[rows].tolist()],
        [
            Text(
                "行政界线穿过建筑；建筑整体归入其出入口或较大部分所在一侧。",
                "An official line cuts the building; it goes as a whole to the side of its entrance or larger part.",
            )
        ]
        * len(rows),
        points=inside[rows],
        epsg=epsg,
        repair=Text("与相邻社区确认该建筑的归属。", "Agree with the neighbouring community whose it is."),
    )
    pairs = [(i, j, f"{m2:.1f}", False) for i, j, m2 in footprints.trimmed]
    pairs += [(i, j, "", True) for i, j in footprints.absorbed]
    found += at_points(
        "outlines_overlap",
        "warning",
        [f"building:{i}" for i, _, _, _ in pairs],
        [
            Text(
                f"与建筑 {j} 基本重合，按同一建筑处理。", f"It mostly coincides with building {j} and is taken for it."
            )
            if same
            else Text(f"与建筑 {j} 重叠 {m2} 平方米。", f"It overlaps building {j} by {m2} m².")
            for _, j, m2, same in pairs
        ],
        points=[points[i] for i, _, _, _ in pairs],
        epsg=epsg,
        repair=Text("修正或合并重复的轮廓。", "Correct or merge the outlines."),
    )
    found += at_points(
        "building_beyond_extent",
        "info",
        [f"building:{i}" for i, _ in footprints.beyond],
        [
            Text(
                f"建筑越出辖区，{s:.0%} 在辖区内；" + ("按界线截断。" if s >= 0.5 else "归邻区，不设单元。"),  # noqa: PLR2004
                f"The building reaches beyond the extent, {s:.0%} lies inside; "
                + ("it ends at the border." if s >= 0.5 else "it is the neighbour's and has no cell."),  # noqa: PLR2004
            )
            for _, s in footprints.beyond
        ],
        points=[points[i] for i, _ in footprints.beyond],
        epsg=epsg,
        repair=Text("核对辖区界线。", "Check the border of the jurisdiction."),
    )
    return found


def legacy_findings(
    footprints: Footprints,
    share: Floats,
    listed: Any,
    grid: Ints,
    legacy: Polygons,
    *,
    epsg: int,
    straddle_share: float,
    sliver_m: float,
) -> list[Finding]:
    """List buildings that lines of present grids cut, and present grids that received no cell.

    ``share`` (of each footprint's building in its grid), ``listed`` (those that an official line cuts anyway)
    and ``grid`` (polygon number of each cell). Polygons that are nowhere wider than twice ``sliver_m`` do not
    count.
    """
    rows = np.flatnonzero((share < straddle_share) & (footprints.part == 0) & ~listed)
    found = at_points(
        "building_across_grid_line",
        "info",
        [f"building:{i}" for i in footprints.building[rows].tolist()],
        [
            Text(
                f"现有网格界线穿过建筑，{s:.0%} 在所归网格内；建筑整体归入该网格。",
                f"A line of the present grids cuts the building, {s:.0%} of it in its grid; it goes there whole.",
            )
            for s in share[rows].tolist()
        ],
        points=shapely.point_on_surface(footprints.polygon[rows]),
        epsg=epsg,
        repair=Text("核对原网格边界。", "Check the border of the present grid."),
    )
    empty = np.setdiff1d(np.arange(len(legacy.polygon)), grid)
    # A sliver between two drawn lines that mean the same is no grid.
    empty = empty[~shapely.is_empty(shapely.buffer(legacy.polygon[empty], -sliver_m))]
    found += at_points(
        "grid_without_cell",
        "error",
        [f"grid:{legacy.code[i]}" for i in empty],
        [
            Text(
                "现有网格没有得到任何单元：面积过小，或被重叠的网格覆盖。",
                "The present grid received no cell: it is too small, or overlaid by another.",
            )
        ]
        * len(empty),
        points=shapely.point_on_surface(legacy.polygon[empty]),
        epsg=epsg,
        repair=Text("核对该网格的边界，或手工指定单元。", "Check its border, or assign cells by hand."),
    )
    return found
