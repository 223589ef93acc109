"""Coverage as files: figures by grid with polygons, stations, gaps, radius circles, buildings, land within reach."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import orjson
import pandas as pd
import shapely

from gridmap.io.report import write_report
from gridmap.model.text import Language, Text
from gridmap.services.coverage import area_of, coverage_of, gaps_of
from gridmap.services.looking import Look, Question, look
from gridmap.services.walking import Walker
from gridmap.store import editions as edition_store
from gridmap.store import walking as store
from gridmap.store.database import engine_of

__all__ = ["write_coverage"]

_NAMES = {
    "code": Text("编码", "code"),
    "name": Text("名称", "name"),
    "kind": Text("类别", "kind"),
    "tier": Text("层级", "tier"),
    "households": Text("户数", "households"),
    "households_covered": Text("覆盖户数", "households_covered"),
    "people": Text("人数", "people"),
    "people_covered": Text("覆盖人数", "people_covered"),
    "buildings": Text("楼栋", "buildings"),
    "buildings_covered": Text("覆盖楼栋", "buildings_covered"),
    "share": Text("覆盖率", "share"),
    "stations": Text("可达站点数", "stations"),
    "nearest": Text("最近站点", "nearest"),
    "nearest_minutes": Text("最近站点分钟", "nearest_minutes"),
    "exclusive_households": Text("独家覆盖户数", "exclusive_households"),
    "load": Text("最近户数", "load"),
    "rank": Text("序号", "rank"),
    "grids": Text("网格", "grids"),
    "walk_m": Text("步行米", "walk_m"),
    "straight_m": Text("直线米", "straight_m"),
    "radius_m": Text("半径米", "radius_m"),
    "both": Text("圈内且可达户数", "both"),
    "only_circle": Text("仅圈内户数", "only_circle"),
    "only_walk": Text("仅步行可达户数", "only_walk"),
    "item": Text("项目", "item"),
    "value": Text("数值", "value"),
    "minutes": Text("分钟", "minutes"),
    "lon": Text("经度", "lon"),
    "lat": Text("纬度", "lat"),
}
_SHEETS = {
    "totals": Text("总数", "totals"),
    "rows": Text("分项", "rows"),
    "stations": Text("站点", "stations"),
    "gaps": Text("空白", "gaps"),
    "circle": Text("半径圈", "circle"),
    "buildings": Text("楼栋", "buildings"),
    "area": Text("范围", "area"),
}


def write_coverage(
    walker: Walker, question: Question, file: Path, *, by: str = "grid", language: Language = "zh"
) -> dict[str, int]:
    """Write everything that is known of a question; returns how many rows each table has.

    ``by`` is a grouping of coverage, or ``gap``: the table that becomes a GeoJSON file. Spreadsheets have names in
    ``language``; GeoPackage and GeoJSON keep the names of the API.

    Raises
    ------
    InputError
        The question does not fit, or the ending is not known.
    """
    seen = look(walker, question)
    answer = coverage_of(seen, "grid" if by == "gap" else by)
    tables: dict[str, pd.DataFrame] = {
        "totals": _totals(answer),
        "rows": _rows(walker, answer),
        "stations": _stations(answer),
        "gaps": _gaps(gaps_of(walker, seen)),
        "circle": pd.DataFrame(answer["circle"]),
        "buildings": _buildings(walker, seen),
    }
    main = "gaps" if by == "gap" else "rows"
    if by == "station":
        main = "stations"
    if file.suffix.lower() == ".xlsx":
        named = {_SHEETS[name].said(language): _named(table, language) for name, table in tables.items()}
        write_report(file, named, main=_SHEETS[main].said(language))
    else:
        if file.suffix.lower() == ".gpkg":
            tables["area"] = _frame(area_of(seen, ())["features"])
        write_report(file, tables, main=main)
    return {name: len(table) for name, table in tables.items()}


def _named(table: pd.DataFrame, language: Language) -> pd.DataFrame:
    named: pd.DataFrame = pd.DataFrame(table).rename(columns={n: text.said(language) for n, text in _NAMES.items()})
    return named


def _totals(answer: dict[str, Any]) -> pd.DataFrame:
    settings = {name: value for name, value in answer["settings"].items() if value not in (None, [], "")}
    flat = {name: value for name, value in answer["totals"].items() if name != "unattached"}
    flat |= {f"unattached_{name}": value for name, value in answer["totals"]["unattached"].items()}
    listed = {**settings, **flat, "version": answer["version"]}
    return pd.DataFrame({"item": list(listed), "value": pd.Series(list(listed.values()), dtype=object)})


def _rows(walker: Walker, answer: dict[str, Any]) -> pd.DataFrame:
    names = [
        "code", "name", "households", "households_covered", "people", "people_covered", "buildings",
        "buildings_covered", "share", "stations",
    ]  # fmt: skip
    rows = answer["rows"]
    table = pd.DataFrame({name: [row.get(name) for row in rows] for name in names})
    table["nearest"] = [row["nearest"]["name"] if row["nearest"] else None for row in rows]
    table["nearest_minutes"] = [round(row["nearest"]["seconds"] / 60, 1) if row["nearest"] else None for row in rows]
    if answer["edition"] is None or not rows:
        return table
    with engine_of(walker.place).connect() as connection:
        grids = edition_store.edition_grids(connection, answer["edition"]["id"])
    shape = dict(zip(grids["code"], grids.geometry, strict=True))
    if any(code not in shape for code in table["code"]):
        return table
    drawn: pd.DataFrame = gpd.GeoDataFrame(table, geometry=[shape[c] for c in table["code"]], crs="EPSG:4326")
    return drawn


def _stations(answer: dict[str, Any]) -> gpd.GeoDataFrame:
    names = [
        "code", "name", "kind", "tier", "services", "opening_hours", "active", "attached", "score", "households",
        "people", "buildings", "exclusive_households", "load", "lon", "lat",
    ]  # fmt: skip
    rows = answer["stations"]
    table = pd.DataFrame({name: [row[name] for row in rows] for name in names})
    return gpd.GeoDataFrame(table, geometry=gpd.points_from_xy(table["lon"], table["lat"]), crs="EPSG:4326")


def _gaps(collection: dict[str, Any]) -> gpd.GeoDataFrame:
    rows = [feature["properties"] for feature in collection["features"]]
    names = ["rank", "households", "people", "buildings", "grids", "lon", "lat"]
    table = pd.DataFrame({name: [row[name] for row in rows] for name in names})
    for name in ("walk_m", "straight_m"):
        table[name] = [row["nearest"][name] if row["nearest"] else None for row in rows]
    table["nearest"] = [row["nearest"]["name"] if row["nearest"] else None for row in rows]
    return gpd.GeoDataFrame(table, geometry=_frame(collection["features"]).geometry.to_numpy(), crs="EPSG:4326")


def _frame(features: list[dict[str, Any]]) -> gpd.GeoDataFrame:
    shapes = [
        shapely.from_geojson(orjson.dumps(f["geometry"])) if f["geometry"] is not None else None for f in features
    ]
    flat = [{k: v for k, v in f["properties"].items() if not isinstance(v, dict | list)} for f in features]
    return gpd.GeoDataFrame(pd.DataFrame(flat), geometry=np.array(shapes, dtype=object), crs="EPSG:4326")


def _buildings(walker: Walker, seen: Look) -> gpd.GeoDataFrame:
    homes = seen.town.homes
    with engine_of(walker.place).connect() as connection:
        labels = store.building_labels(connection, homes.ids.tolist())
    named = [labels.get(int(number), {}) for number in homes.ids]
    reached = np.isfinite(seen.far.seconds)
    station = [seen.scene.stations[seen.rows[at]].code if at >= 0 else None for at in seen.far.station]
    lonlat = seen.town.lonlat(seen.scene.homes.xy)
    table = pd.DataFrame(
        {
            "code": [one.get("source_id") for one in named],
            "name": [one.get("label") for one in named],
            "households": homes.households,
            "people": homes.people,
            "minutes": np.where(reached, np.ceil(seen.far.seconds.astype(np.float64) / 6) / 10, np.nan),
            "covered": seen.covered,
            "nearest": station,
            "attached": seen.scene.homes.reason == 0,
        }
    )
    return gpd.GeoDataFrame(table, geometry=gpd.points_from_xy(lonlat[:, 0], lonlat[:, 1]), crs="EPSG:4326")
