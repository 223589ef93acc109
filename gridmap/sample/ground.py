"""The ground plan: a smooth map from a plain plan to the ground, and what it bends: river, railway, town.

The whole county is laid out on a *plan* with coordinates (u, v) in metres, where the river is the line
``v = river_v`` and the railway the line ``v = rail_v``. :meth:`Ground.bend` carries the plan to the ground: a
one-to-one map, so that whatever does not cross on the plan does not cross on the ground, and streets near
the river follow its bends.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from gridmap.sample.size import Size

Floats = NDArray[np.float64]

#: EPSG of the 3-degree CGCS2000 zone of the county, and the town centre in it (easting, northing).
LON, LAT = 112.9, 36.4
CRS = 4534 + (round(LON / 3) * 3 - 75) // 3
EASTING, NORTHING = 401_000.0, 4_030_000.0

#: Half the width of the strips along river and railway that only bridges and underpasses cross.
RIVER_STRIP = 100.0
RAIL_STRIP = 60.0
TURN = np.radians(7.0)


@dataclass(frozen=True)
class Ground:
    """Where river, railway, ring road and borders run; all lengths in metres on the plan."""

    scale: float
    phases: tuple[float, ...]

    @classmethod
    def of(cls, size: Size, rng: np.random.Generator) -> Ground:
        """Return the ground of a county of this size."""
        return cls(size.scale, tuple(float(x) for x in np.round(rng.uniform(0, 2 * np.pi, 12), 6)))

    @property
    def ring_u(self) -> float:
        """The ring road runs at plus and minus this u."""
        return 1750 * self.scale

    @property
    def river_v(self) -> float:
        """The v of the river."""
        return -650 * self.scale

    @property
    def rail_v(self) -> float:
        """The v of the railway."""
        return 1080 * self.scale

    @property
    def town_box(self) -> tuple[float, float, float, float]:
        """The land of the town: west, south, east, north."""
        s = self.scale
        return (-3300 * s, -2500 * s, 3000 * s, 2500 * s)

    @property
    def county_box(self) -> tuple[float, float, float, float]:
        """The land of the county: west, south, east, north."""
        s = self.scale
        return (-3300 * s, -5300 * s, 10_700 * s, 5700 * s)

    @property
    def south_quarter(self) -> tuple[float, float, float, float]:
        """The built-up quarter south of the river."""
        s = self.scale
        return (-1300 * s, self.river_v - 650 * s, 1300 * s, self.river_v)

    @property
    def north_quarter(self) -> tuple[float, float, float, float]:
        """The built-up quarter north of the railway."""
        s = self.scale
        return (-1050 * s, self.rail_v, 1150 * s, self.rail_v + 560 * s)

    @property
    def centre(self) -> tuple[float, float]:
        """The middle of the old town."""
        return (-150 * self.scale, self.river_v + 450 * min(self.scale, 1.6))

    def bend(self, plan: Floats) -> Floats:
        """Carry plan coordinates (n, 2) to the ground, in metres of the zone, rounded to centimetres."""
        u, v = plan[:, 0], plan[:, 1]
        p = self.phases
        x = u + 100 * np.sin(v / 800 + p[0]) + 60 * np.sin((0.7 * u + 0.7 * v) / 560 + p[1])
        meander = 130 * np.sin(u / 400 + p[2]) + 50 * np.sin(u / 185 + p[3])
        sway = 70 * np.sin(u / 700 + p[4])
        y = (
            v
            + meander * np.exp(-(((v - self.river_v) / 600) ** 2))
            + sway * np.exp(-(((v - self.rail_v) / 500) ** 2))
            + 60 * np.sin(u / 900 + p[5])
            + 35 * np.sin((0.6 * u - 0.8 * v) / 480 + p[6])
        )
        cos, sin = np.cos(TURN), np.sin(TURN)
        out = np.column_stack([x * cos - y * sin + EASTING, x * sin + y * cos + NORTHING])
        return np.round(out, 2)

    def bent(self, shapes: NDArray[np.object_], *, step: float = 25.0) -> NDArray[np.object_]:
        """Carry shapes of the plan to the ground, with a vertex at least every ``step`` metres."""
        return np.asarray(shapely.transform(shapely.segmentize(shapes, step), self.bend), dtype=object)

    def heading(self, plan: Floats) -> Floats:
        """Return the direction (radians) of the u axis on the ground at plan points (n, 2)."""
        step = np.array([[5.0, 0.0]])
        d = self.bend(plan + step) - self.bend(plan - step)
        return np.asarray(np.arctan2(d[:, 1], d[:, 0]))

    def river(self) -> shapely.Polygon:
        """Return the river on the ground: 62 to 118 m wide, across the county and a little beyond."""
        west, _, east, _ = self.county_box
        u = np.arange(west - 600, east + 600, 20.0)
        line = self.bend(np.column_stack([u, np.full_like(u, self.river_v)]))
        p = self.phases
        half = 0.5 * (90 + 17 * np.sin(u / 330 + p[7]) + 9 * np.sin(u / 140 + p[8]))
        along = np.gradient(line, axis=0)
        along /= np.hypot(along[:, 0], along[:, 1])[:, None]
        side = np.column_stack([-along[:, 1], along[:, 0]]) * half[:, None]
        ring = np.vstack([line + side, (line - side)[::-1]])
        return shapely.Polygon(np.round(ring, 2))

    def bend_line(self, v: float, start: float | None = None, end: float | None = None) -> shapely.LineString:
        """Return the line of a ``v`` on the ground, between two u or across the county."""
        west, _, east, _ = self.county_box
        low, high = west - 500 if start is None else start, east + 500 if end is None else end
        u = np.linspace(low, high, max(2, round((high - low) / 20)))
        return shapely.LineString(self.bend(np.column_stack([u, np.full_like(u, v)])))

    def railway(self) -> shapely.LineString:
        """Return the railway on the ground."""
        west, _, east, _ = self.county_box
        u = np.arange(west, east, 25.0)
        return shapely.LineString(self.bend(np.column_stack([u, np.full_like(u, self.rail_v)])))
