"""How the maps look: colours, line widths and dashes, decided here and handed to the browser as data.

Fills of grids are Paul Tol's *light* scheme, made for filled areas and safe for colour-blind readers. The base
map is dull, so that the fills speak. Widths are stops ``[zoom, CSS pixels]``, interpolated between.
"""

from __future__ import annotations

from typing import Any

PALETTE = ("#77AADD", "#EEDD88", "#44BB99", "#FFAABB", "#BBCC33", "#EE8866", "#99DDFF")

STYLE: dict[str, Any] = {
    "ground": "#f6f4ef",
    "landuse": {
        "park": "#d7e6c8",
        "forest": "#cfe0bf",
        "grass": "#dfead0",
        "farmland": "#eceedd",
        "square": "#ece8df",
        "campus": "#efe9dd",
        "market": "#f1e6db",
        "industrial": "#e9e7e6",
        "residential": "#f1eee7",
        "other": "#eeebe4",
    },
    "landuse_under_fills": 0.4,
    "water": {"fill": "#a6cbe6", "edge": "#7fabcd", "line": [[10, 0.8], [14, 2], [17, 5]]},
    "buildings": {"fill": "#6f6658", "opacity": 0.2, "edge": "#5c5346", "edge_opacity": 0.34, "from_zoom": 14},
    "streets": {
        "opacity_over_reach": 0.55,
        "order": ["other", "foot", "lane", "minor", "major"],
        "major": {
            "from_zoom": 10,
            "width": [[10, 1.2], [12, 2.2], [14, 5], [15, 7], [16, 11], [18, 26]],
            "fill": "#fff8e6",
            "casing": "#cdb587",
            "casing_width": 1.1,
        },
        "minor": {
            "from_zoom": 12,
            "width": [[12, 0.6], [14, 2.2], [15, 3.6], [16, 6.5], [18, 17]],
            "fill": "#ffffff",
            "casing": "#c9c3b6",
            "casing_width": 0.8,
        },
        "lane": {
            "from_zoom": 14,
            "width": [[14, 0.9], [15, 1.6], [16, 3.2], [18, 9]],
            "fill": "#ffffff",
            "casing": "#d5d0c5",
            "casing_width": 0.6,
        },
        "foot": {
            "from_zoom": 16,
            "width": [[16, 1], [18, 2.2]],
            "fill": "#a89a83",
            "dash": [2.5, 2.5],
        },
        "rail": {
            "from_zoom": 11,
            "width": [[11, 1], [14, 2.2], [16, 3.4], [18, 6]],
            "fill": "#ffffff",
            "casing": "#71767d",
            "casing_width": 0.9,
            "dash": [9, 9],
        },
        "other": {
            "from_zoom": 14,
            "width": [[14, 0.8], [18, 1.4]],
            "fill": "#5f88ab",
            "dash": [4, 4],
        },
        "bridge": "#8d8674",
        "tunnel": {"band_opacity": 0.3, "line": "#a8946a", "line_width": 1.1, "dash": [5, 4]},
    },
    "grids": {
        "palette": list(PALETTE),
        "opacity": 0.42,
        "selected_opacity": 0.6,
        "line": "#43525f",
        "line_width": [[11, 0.4], [13, 0.7], [15, 1.2], [18, 1.8]],
        "parent_width": [[11, 0.8], [13, 1.3], [15, 2.2], [18, 3]],
        "selected": "#0b5cad",
        "veil": "#ffffff",
        "veil_opacity": 0.55,
    },
    "coverage": {
        "reach": "#0b55a8",
        "reach_opacity": 0.105,
        "station_opacity": 0.26,
        "contour": "#2a6fb5",
        "contour_width": [[11, 0.5], [14, 0.9], [17, 1.3]],
        "limit": "#0a3d7a",
        "limit_width": [[11, 1.3], [14, 2.1], [17, 3]],
        "limit_dash": [0.1, 4.6],
        "homes": ["#08306b", "#2166ac", "#5f9ccd", "#9cc3e2", "#c3d9ec"],
        "home_opacity": 0.82,
        "homes_from_zoom": 15,
        "out": "#c62828",
        "gap": "#c62828",
        "gap_wash": 0.07,
        "gap_width": 1.1,
        "hatch_step": 8,
        "hatch_width": 1,
        "hatch_opacity": 0.62,
        "gain": "#00796b",
        "loss": "#7b1fa2",
        "path": "#12263a",
        "circle": "#5d4037",
    },
    "cells": {
        "from_zoom": 14,
        "line": "#5a5348",
        "line_opacity": 0.5,
        "line_width": [[14, 0.35], [16, 0.6], [18, 1]],
        "open": "#6aa84f",
        "open_opacity": 0.16,
        "open_under_fills": 0.07,
    },
    "communities": {
        "line": "#2b3036",
        "width": [[10, 1.2], [13, 1.7], [15, 2.5], [18, 3.2]],
        "casing": "#ffffff",
        "casing_width": 1.9,
        "dash": [10, 3.4, 1.6, 3.4],
        "outer": 1.35,
        "veil": "#f6f4ef",
        "veil_opacity": 0.6,
    },
}
"""Every constant of the drawing, as JSON-able data."""
