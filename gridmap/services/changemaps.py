"""The map before and after a change of grids, each one HTML file that needs nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pandas as pd
import shapely

from gridmap.core.crs import LONLAT_EPSG, transform_xy
from gridmap.core.grids import CellState, derive
from gridmap.core.plans.crosswalk import Layout
from gridmap.model.text import Language, Text
from gridmap.services import comparing, settling
from gridmap.services.comparing import Comparison, Side, Snapshot
from gridmap.services.plandiff import records
from gridmap.store.database import Place
from gridmap.store.wording import community_names

__all__ = ["write_maps"]

_NO_DATE = "1970-01-01T00:00:00+00:00"
"""What the page takes for no date: a plan has none."""


def write_maps(folder: Path, place: Place, seen: Snapshot, found: Comparison, language: Language) -> None:
    """Write the map before and after, each one HTML file that needs nothing else."""
    from gridmap.maps.export import standalone_page
    from gridmap.services.maps import map_data

    data = map_data(place)
    state = settling.load_state(seen.connection)[0]
    names = community_names(seen.connection)
    colours: dict[int, int] = {}
    sides = (
        ("map-before.html", found.old, Text("调整前", "before")),
        ("map-after.html", found.new, Text("调整后", "after")),
    )
    for file, side, when in sides:
        grids, colours = _map_layers(state, side.layout, found.land.srid, names, colours)
        title = Text(f"{side.name}({when.zh})", f"{side.name} ({when.en})")
        here = _as_of(data.jurisdiction, side, grids[max(grids)])
        page = standalone_page(replace(data, grids=grids, title=title, jurisdiction=here, duties={}), language=language)
        (folder / file).write_text(page, encoding="utf-8")


def _as_of(known: Mapping[str, Any], side: Side, leaves: Mapping[str, Any]) -> dict[str, Any]:
    """Return the jurisdiction as the map of one side tells it: with that edition or plan alone, and its grids."""
    since = {row["id"]: row["effective_from"] for row in known["editions"]} if side.kind == "edition" else {}
    one = {"id": side.id, "name": side.name, "effective_from": since.get(side.id, _NO_DATE), "effective_to": None}
    counts = {**known["counts"], "grids": len(leaves["features"])}
    return {**known, "edition": one, "editions": [one], "counts": counts}


def _map_layers(
    state: CellState, layout: Layout, srid: int, names: Mapping[str, str], colours: dict[int, int]
) -> tuple[dict[int, dict[str, Any]], dict[int, int]]:
    """Return the grids of each level in the shape of the API, and the colours that they have."""
    frames = []
    for leaf in (True, False):
        grids = sorted((g for g in layout.grids.values() if g.leaf == leaf), key=lambda g: g.code)
        frames.append(
            pd.DataFrame(
                {
                    "uid": np.array([g.key for g in grids], dtype=np.int64),
                    "code": [g.code for g in grids],
                    "name": [g.name for g in grids],
                    "level": np.array([g.level for g in grids], dtype=np.int64),
                    "grid_kind": [g.kind for g in grids],
                    "parent_uid": pd.array([g.parent for g in grids], dtype="Int64"),
                    "community_code": pd.Series([g.community for g in grids], dtype=object),
                }
            )
        )
    leaves, uppers = frames
    member = pd.Index(leaves["uid"]).get_indexer(pd.Index(layout.keys)).astype(np.int64)
    derived = derive(state, member, leaves, uppers, given_colours=colours)
    centre = transform_xy(derived[["label_x", "label_y"]].to_numpy(), srid, LONLAT_EPSG).round(7)
    code_of = dict(zip(derived["uid"], derived["code"], strict=True))
    out: dict[int, dict[str, Any]] = {}
    for level in sorted(set(derived["level"].tolist())):
        rows = derived[derived["level"] == level]
        shapes = shapely.to_geojson(comparing.lonlat(rows.geometry.to_numpy(), srid))
        features = [
            {
                "type": "Feature",
                "id": row["code"],
                "geometry": orjson.loads(shape),
                "properties": {
                    "uid": row["uid"], "code": row["code"], "name": row["name"], "level": row["level"],
                    "leaf": row["leaf"], "kind": row["grid_kind"], "parent_code": code_of.get(row["parent_uid"]),
                    "community_code": row["community_code"], "community_name": names.get(row["community_code"]),
                    "households": row["households"], "households_estimated": row["households_estimated"],
                    "people": row["people"], "buildings": row["buildings"], "area_m2": round(row["area_m2"]),
                    "pieces": row["pieces"], "colour": row["colour"], "label_lon": lon, "label_lat": lat,
                    "label_radius_m": round(row["label_radius_m"], 1),
                },
            }
            for row, shape, (lon, lat) in zip(
                records(pd.DataFrame(rows.drop(columns="geometry"))), shapes,
                centre[rows.index.to_numpy()].tolist(), strict=True,
            )
        ]  # fmt: skip
        out[int(level)] = {"type": "FeatureCollection", "features": features}
    return out, dict(zip(derived["uid"].tolist(), derived["colour"].tolist(), strict=True))
