"""What a person should look at after cells were made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import shapely

from gridmap.core.cells.coverage import Floats, Geometries, Ints
from gridmap.core.cells.outlines import Footprints
from gridmap.core.crs import to_lonlat
from gridmap.model.finding import Finding, Severity
from gridmap.model.text import Text

__all__ = ["at_points", "building_findings"]


def at_points(
    rule: str, severity: Severity, subjects: Sequence[str], messages: Sequence[Text], points: Any, epsg: int,
    *, repair: Text | None = None,
) -> list[Finding]:  # fmt: skip
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
    outlines: dict[int, Any],
    epsg: int,
    straddle_share: float,
) -> list[Finding]:
    """List buildings across block borders and official lines, overlaps, and those beyond the extent.

    ``outlines`` are points by building id, for buildings that have no footprint left.
    """
    found: list[Finding] = []
    points = shapely.point_on_surface(footprints.polygon)
    rows = np.flatnonzero((share < straddle_share) & ~cut_by_area)
    found += at_points(
        "building-across-block",
        "info",
        [f"building:{i}" for i in footprints.building[rows].tolist()],
        [
            Text(
                f"建筑跨越街区界线，仅 {s:.0%} 在所属街区内；界线绕建筑而行。",
                f"The building lies across a block border, {s:.0%} of it in its block; the border goes round it.",
            )
            for s in share[rows].tolist()
        ],
        points[rows],
        epsg,
        repair=Text("核对建筑轮廓或道路线位。", "Check the outline or the street's line."),
    )
    rows = np.flatnonzero(cut_by_area)
    found += at_points(
        "building-across-official-line",
        "warning",
        [f"building:{i}" for i in footprints.building[rows].tolist()],
        [
            Text(
                "行政界线穿过建筑；建筑整体归入其出入口或较大部分所在一侧。",
                "An official line cuts the building; it goes as a whole to the side of its entrance or larger part.",
            )
        ]
        * len(rows),
        points[rows],
        epsg,
        repair=Text("与相邻社区确认该建筑的归属。", "Agree with the neighbouring community whose it is."),
    )
    pairs = [(i, j, f"{m2:.1f}", False) for i, j, m2 in footprints.trimmed]
    pairs += [(i, j, "", True) for i, j in footprints.absorbed]
    found += at_points(
        "outlines-overlap",
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
        [outlines[i] for i, _, _, _ in pairs],
        epsg,
        repair=Text("修正或合并重复的轮廓。", "Correct or merge the outlines."),
    )
    found += at_points(
        "building-beyond-extent",
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
        [outlines[i] for i, _ in footprints.beyond],
        epsg,
        repair=Text("核对辖区界线。", "Check the border of the jurisdiction."),
    )
    return found


def area_numbers(codes: Geometries, wanted: Geometries) -> Ints:
    """Return the position of each wanted code, −1 where it is missing."""
    place = {code: i for i, code in enumerate(codes.tolist())}
    return np.array([place.get(code, -1) for code in wanted.tolist()], dtype=np.int64)
