"""Cells and blocks as tables with keys that follow from their content."""

from __future__ import annotations

import base64
import hashlib

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridmap.core.cells.coverage import Geometries, Ints

__all__ = ["content_keys", "standing_points"]


def content_keys(polygons: Geometries, label: Geometries) -> Geometries:
    """Return a key of 16 letters and digits for every polygon: a digest of label and vertices.

    Equal land of the same label has the same key in every run and on every machine.
    """
    out = np.empty(len(polygons), dtype=object)
    for i, (text, wkb) in enumerate(zip(label, shapely.to_wkb(shapely.normalize(polygons), byte_order=1), strict=True)):
        digest = hashlib.blake2b(f"{text};".encode() + wkb, digest_size=10).digest()
        out[i] = base64.b32encode(digest).decode().lower()
    return out


def standing_points(cells: Geometries, outline: Ints, outlines: Geometries) -> Geometries:
    """Return the point that stands for each cell: its footprint's centroid, else a point inside."""
    points = shapely.point_on_surface(cells)
    built = np.flatnonzero(outline >= 0)
    if len(built):
        footprint = outlines[outline[built]]
        centre = shapely.centroid(footprint)
        off = ~shapely.contains_properly(cells[built], centre)
        centre[off] = shapely.point_on_surface(footprint[off])
        fits = shapely.contains_properly(cells[built], centre)
        points[built[fits]] = centre[fits]
    return points
