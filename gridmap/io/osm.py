"""OpenStreetMap files: streets, water, land use, buildings, places, areas and estates in our columns.

Nothing is guessed: what a tag does not say stays empty, what does not assemble is told in a note. The order
of rows is nodes, ways, relations, each by number, whatever the order in the file.
"""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import osmium
import pandas as pd
import shapely

from gridmap.errors import InputError, UnreadableFile
from gridmap.io import osm_tags as tagged
from gridmap.io.files import MAX_BYTES, check_unpacked_size, plain_file, truncated, unchanged
from gridmap.io.shapes import only_polygons, rough_area_m2
from gridmap.io.tables import canonical
from gridmap.model.progress import Progress, silent
from gridmap.model.text import Text

__all__ = ["OsmExtract", "read_osm"]

Geometries = npt.NDArray[np.object_]
Box = tuple[float, float, float, float]

_BROKEN = (RuntimeError, ValueError, OverflowError, osmium.InvalidLocationError)
"""What libosmium raises over the content of a file."""

_ORDER = {"node": 0, "way": 1, "relation": 2}
_NAMED = 20
_EVERY = 20_000
_EXPECTED = 200_000
_RING = 4
_SAME_DEGREES = 0.03
"""Community points of one name nearer than this (about 3 km) are one community."""


@dataclass(frozen=True, slots=True)
class OsmExtract:
    """Everything that one OpenStreetMap file gives, each table in the columns of its kind.

    ``source_id`` is ``osm:way/123``; geometries are 2D, EPSG:4326. ``notes`` say what was left out.
    """

    streets: gpd.GeoDataFrame
    water: gpd.GeoDataFrame
    landuse: gpd.GeoDataFrame
    buildings: gpd.GeoDataFrame
    places: gpd.GeoDataFrame
    areas: gpd.GeoDataFrame
    estates: gpd.GeoDataFrame
    notes: tuple[Text, ...]

    def layers(self) -> dict[str, gpd.GeoDataFrame]:
        """Return the tables by kind, in the order in which they are imported."""
        return {
            kind: getattr(self, kind)
            for kind in ("areas", "streets", "water", "landuse", "estates", "buildings", "places")
        }

    def counts(self) -> dict[str, int]:
        """Return the number of rows by kind."""
        return {kind: len(table) for kind, table in self.layers().items()}


@dataclass(frozen=True, slots=True)
class _Object:
    type: str
    number: int
    tags: Mapping[str, str]

    @property
    def source_id(self) -> str:
        return f"osm:{self.type}/{self.number}"

    @property
    def key(self) -> tuple[int, int]:
        return (_ORDER[self.type], self.number)


@dataclass(slots=True)
class _Found:
    """What the pass over the file collects: objects with their geometry as hexadecimal WKB or points."""

    lines: list[tuple[_Object, Any]] = field(default_factory=list)
    rings: dict[int, tuple[_Object, str]] = field(default_factory=dict)
    polygons: list[tuple[_Object, str]] = field(default_factory=list)
    points: list[tuple[_Object, float, float]] = field(default_factory=list)
    gates: list[tuple[int, float, float]] = field(default_factory=list)
    relations: dict[int, _Object] = field(default_factory=dict)
    assembled: set[tuple[str, int]] = field(default_factory=set)
    incomplete: int = 0
    lost: int = 0
    unbuilt: int = 0


def read_osm(
    path: str | os.PathLike[str],
    *,
    bbox: Box | None = None,
    levels: Mapping[int, str] = tagged.ADMIN_LEVELS,
    max_bytes: int = MAX_BYTES,
    progress: Progress = silent,
) -> OsmExtract:
    """Read an OpenStreetMap file (``.osm.pbf``, ``.osm``, ``.osm.gz``).

    Parameters
    ----------
    path
        A plain file on this machine.
    bbox
        West, south, east, north in degrees: only features that touch it, uncut.
    levels
        ``admin_level`` → level of an area; boundaries of other levels are left out and counted.
    max_bytes
        Limit of the file, and of what ``.osm.gz`` unpacks to.
    progress
        Told how far the reading is.

    Raises
    ------
    UnreadableFile
        If it is not such a file, or is cut short.
    TooLarge
        If it is over the limit.
    InputError
        If the box is not west < east, south < north, or the file changes while it is read.
    """
    if bbox is not None and not (bbox[0] < bbox[2] and bbox[1] < bbox[3]):
        raise InputError(
            "范围应是:西经度,南纬度,东经度,北纬度(西 < 东,南 < 北)。",
            "The box must be west, south, east, north with west < east and south < north.",
        )
    file = plain_file(path, max_bytes=max_bytes)
    kind = _format(file, max_bytes)
    with unchanged(file):
        found = _collect(file, kind, progress)
    progress(0.8, Text("整理要素", "arranging features"))
    return _extract(found, bbox, levels)


def _format(file: Path, max_bytes: int) -> str:
    """Return libosmium's name of the format, judged by name and first bytes."""
    name = file.name.lower()
    with file.open("rb") as stream:
        head = stream.read(4096)
    if name.endswith(".pbf") and b"OSMHeader" in head[:64]:
        return "pbf"
    if name.endswith(".osm.gz") and head[:2] == b"\x1f\x8b":
        check_unpacked_size(file, max_bytes=max_bytes)
        return "osm.gz"
    if name.endswith(".osm") and b"<osm" in head.lstrip(b"\xef\xbb\xbf"):
        return "osm"
    raise UnreadableFile(
        f"“{file.name}”不是 OpenStreetMap 文件。可读的格式:.osm.pbf、.osm、.osm.gz(内容须与后缀一致)。",
        f"'{file.name}' is not an OpenStreetMap file. Read are .osm.pbf, .osm and .osm.gz, "
        "with content that fits the ending.",
    )


def _collect(file: Path, kind: str, progress: Progress) -> _Found:
    try:
        return _pass(osmium.io.File(str(file), kind), progress)
    except _BROKEN as e:
        if "out of order" not in str(e):
            raise truncated(file.name) from e
    # Editors such as JOSM save in the order of drawing; areas are assembled from sorted files only.
    with tempfile.TemporaryDirectory(prefix="gridmap-") as folder:
        ordered = Path(folder) / "ordered.osm.pbf"
        try:
            merger = osmium.MergeInputReader()
            merger.add_file(str(file))
            with osmium.SimpleWriter(str(ordered)) as writer:
                merger.apply(writer, simplify=True)
            return _pass(osmium.io.File(str(ordered), "pbf"), progress)
        except _BROKEN as e:
            raise truncated(file.name) from e


def _pass(source: osmium.io.File, progress: Progress) -> _Found:
    found = _Found()
    factory = osmium.geom.WKBFactory()
    processor = (
        osmium.FileProcessor(source).with_locations().with_areas().with_filter(osmium.filter.KeyFilter(*tagged.KEYS))
    )
    doing = Text("读取 OpenStreetMap 文件", "reading the OpenStreetMap file")
    thing: Any
    for n, thing in enumerate(processor):
        if n % _EVERY == 0:
            # The number of objects is not known beforehand: the share approaches the end of the step.
            progress(0.8 * n / (n + _EXPECTED), doing)
        if thing.is_node():
            _take_node(found, thing)
        elif thing.is_way():
            _take_way(found, thing, factory)
        elif thing.is_relation():
            _take_relation(found, thing)
        elif thing.is_area():
            _take_area(found, thing, factory)
    return found


def _take_node(found: _Found, node: Any) -> None:
    if not node.location.valid():
        return
    tags = dict(node.tags)
    if tags.get("barrier") in tagged.GATES:
        found.gates.append((node.id, node.location.lon, node.location.lat))
    if "name" in tags:
        found.points.append((_Object("node", node.id, tags), node.location.lon, node.location.lat))


def _take_way(found: _Found, way: Any, factory: Any) -> None:
    tags = dict(way.tags)
    obj = _Object("way", way.id, tags)
    if tagged.street(tags) is not None or (tagged.waterway_kind(tags) is not None and not tagged.yes(tags.get("area"))):
        try:
            shape: Any = factory.create_linestring(way)
        except _BROKEN:
            shape = _known_runs(way)
            found.incomplete += shape is not None
            found.lost += shape is None
        if shape is not None:
            found.lines.append((obj, shape))
    if way.is_closed() and tags.get("area") != "no" and _is_land(tags):
        try:
            found.rings[way.id] = (obj, factory.create_linestring(way))
        except _BROKEN:
            found.unbuilt += 1
    elif tagged.is_building(tags):
        found.unbuilt += 1


def _known_runs(way: Any) -> Any:
    """Return the pieces of a way between nodes that the extract left out, or ``None`` without any."""
    runs: list[list[tuple[float, float]]] = [[]]
    for node in way.nodes:
        if node.location.valid():
            runs[-1].append((node.lon, node.lat))
        elif runs[-1]:
            runs.append([])
    pieces = [r for r in runs if len(set(r)) > 1]
    if not pieces:
        return None
    return shapely.LineString(pieces[0]) if len(pieces) == 1 else shapely.MultiLineString(pieces)


def _is_land(tags: Mapping[str, str]) -> bool:
    """Return whether a closed way with these tags is a polygon for us even where no area was assembled."""
    return (
        tagged.is_building(tags)
        or tags.get("natural") == "water"
        or tags.get("waterway") == "riverbank"
        or tags.get("boundary") == "administrative"
        or (tags.get("landuse") is not None and tags.get("landuse") != "no")
        or ("highway" not in tags and tagged.landuse(tags) is not None)
    )


def _take_relation(found: _Found, relation: Any) -> None:
    tags = dict(relation.tags)
    if tags.get("type") in ("multipolygon", "boundary") and _is_land(tags):
        found.relations[relation.id] = _Object("relation", relation.id, tags)


def _take_area(found: _Found, area: Any, factory: Any) -> None:
    kind = "way" if area.from_way() else "relation"
    tags = dict(area.tags)
    try:
        shape = factory.create_multipolygon(area)
    except _BROKEN:
        return
    found.assembled.add((kind, area.orig_id()))
    found.polygons.append((_Object(kind, area.orig_id(), tags), shape))


@dataclass(frozen=True, slots=True)
class _Layer:
    """Objects with their geometries, in the order of their numbers."""

    objects: Sequence[_Object]
    geometry: Geometries

    def rows(self, columns: Callable[[int, _Object], dict[str, object] | None]) -> _Rows:
        """Return the columns of the objects that have any; ``columns`` is given position and object."""
        made = [(i, columns(i, o)) for i, o in enumerate(self.objects)]
        kept = [(i, row) for i, row in made if row is not None]
        return _Rows(
            [self.objects[i].source_id for i, _ in kept],
            [row for _, row in kept],
            self.geometry[[i for i, _ in kept]],
        )


@dataclass(frozen=True, slots=True)
class _Rows:
    ids: list[str]
    columns: list[dict[str, object]]
    geometry: Geometries

    def table(self, kind: str, *others: _Rows) -> gpd.GeoDataFrame:
        parts = (self, *others)
        frame = pd.DataFrame([c for p in parts for c in p.columns], index=None)
        frame["source_id"] = np.array([i for p in parts for i in p.ids], dtype=object)
        frame["geometry"] = np.concatenate([p.geometry for p in parts])
        return gpd.GeoDataFrame(canonical(frame, kind))


def _extract(found: _Found, bbox: Box | None, levels: Mapping[int, str]) -> OsmExtract:
    notes: list[Text] = []
    polygons, mended = _polygon_layer(found, bbox)
    lines = _line_layer(found, bbox)
    points = _point_layer(found, bbox)
    area_m2 = rough_area_m2(polygons.geometry)

    streets = lines.rows(lambda _, o: tagged.street(o.tags)).table("streets")
    streams = lines.rows(lambda _, o: _water_line(o))
    water = polygons.rows(lambda i, o: _water_polygon(o, float(area_m2[i]))).table("water", streams)
    landuse = polygons.rows(lambda _, o: _landuse(o)).table("landuse")
    buildings, doubled = _buildings(polygons)
    estates = _estates(polygons, found.gates)
    areas = _areas(polygons, points, levels, notes)
    inside = _Layer(polygons.objects, shapely.point_on_surface(polygons.geometry))
    places = points.rows(_point_place).table("places", inside.rows(_polygon_place))

    notes.extend(_leftovers(found, mended, doubled))
    return OsmExtract(streets, water, landuse, buildings, places, areas, estates, tuple(notes))


def _polygon_layer(found: _Found, bbox: Box | None) -> tuple[_Layer, int]:
    """Return all polygons; closed ways that libosmium found invalid are mended (second: how many)."""
    failed = sorted(w for w in found.rings if ("way", w) not in found.assembled)
    objects = [o for o, _ in found.polygons] + [found.rings[w][0] for w in failed]
    whole = shapely.from_wkb(np.array([w for _, w in found.polygons], dtype=object))
    mended = _mended_rings(shapely.from_wkb(np.array([found.rings[w][1] for w in failed], dtype=object)))
    geometry = only_polygons(np.concatenate([whole, mended]))
    keep = ~(shapely.is_missing(geometry) | shapely.is_empty(geometry))
    return _sorted(objects, geometry, keep, bbox), int(keep[len(whole) :].sum())


def _mended_rings(lines: Geometries) -> Geometries:
    """Return closed lines as valid polygons; ``None`` where they enclose nothing."""
    rings = np.full(len(lines), None, dtype=object)
    enough = np.flatnonzero(shapely.get_num_coordinates(lines) >= _RING)
    if len(enough):
        coordinates, line = shapely.get_coordinates(lines[enough], return_index=True)
        rings[enough] = shapely.make_valid(
            shapely.polygons(shapely.linearrings(coordinates, indices=line)),
            method="structure",
            keep_collapsed=False,
        )
    return rings


def _line_layer(found: _Found, bbox: Box | None) -> _Layer:
    geometry = np.full(len(found.lines), None, dtype=object)
    packed = np.array([isinstance(shape, str) for _, shape in found.lines], dtype=bool)
    shapes = np.empty(len(found.lines), dtype=object)
    shapes[:] = [shape for _, shape in found.lines]
    geometry[packed] = shapely.from_wkb(shapes[packed])
    geometry[~packed] = shapes[~packed]
    return _sorted([o for o, _ in found.lines], geometry, shapely.length(geometry) > 0, bbox)


def _point_layer(found: _Found, bbox: Box | None) -> _Layer:
    xy = np.array([(x, y) for _, x, y in found.points], dtype=float).reshape(-1, 2)
    geometry = np.asarray(shapely.points(xy), dtype=object).reshape(-1)
    return _sorted([o for o, _, _ in found.points], geometry, np.ones(len(geometry), dtype=bool), bbox)


def _sorted(objects: Sequence[_Object], geometry: Geometries, keep: npt.NDArray[np.bool_], bbox: Box | None) -> _Layer:
    if bbox is not None:
        keep = keep & shapely.intersects(geometry, shapely.box(*bbox))
    order = sorted(np.flatnonzero(keep).tolist(), key=lambda i: objects[i].key)
    return _Layer([objects[i] for i in order], geometry[order])


def _water_line(o: _Object) -> dict[str, object] | None:
    kind = tagged.waterway_kind(o.tags)
    if kind is None or "highway" in o.tags:
        return None
    return {"name": o.tags.get("name"), "water_kind": kind, "tunnel": tagged.yes(o.tags.get("tunnel"))}


def _water_polygon(o: _Object, area_m2: float) -> dict[str, object] | None:
    kind = tagged.water_kind(o.tags, area_m2)
    if kind is None:
        return None
    return {"name": o.tags.get("name"), "water_kind": kind, "tunnel": tagged.yes(o.tags.get("tunnel"))}


def _landuse(o: _Object) -> dict[str, object] | None:
    kind = tagged.landuse(o.tags)
    return None if kind is None else {"name": o.tags.get("name"), "landuse": kind}


def _point_place(_: int, o: _Object) -> dict[str, object] | None:
    if "place" in o.tags and tagged.is_community(o.tags) == "urban":
        return None
    return tagged.place(o.tags)


def _polygon_place(_: int, o: _Object) -> dict[str, object] | None:
    row = tagged.place(o.tags)
    if row is None or o.tags.get("boundary") == "administrative":
        return None
    return row | {"building_source_id": o.source_id if tagged.is_building(o.tags) else None}


def _buildings(polygons: _Layer) -> tuple[gpd.GeoDataFrame, int]:
    """Return the buildings and how many outlines were left out as the outer ring of a relation."""
    mine = [i for i, o in enumerate(polygons.objects) if tagged.is_building(o.tags)]
    outlines = shapely.to_wkb(shapely.normalize(_without_holes(polygons.geometry[mine])))
    by_relation = {outline for i, outline in zip(mine, outlines, strict=True) if polygons.objects[i].type == "relation"}
    kept = [
        i
        for i, outline in zip(mine, outlines, strict=True)
        if polygons.objects[i].type == "relation" or outline not in by_relation
    ]
    layer = _Layer([polygons.objects[i] for i in kept], polygons.geometry[kept])
    return layer.rows(lambda _, o: tagged.building(o.tags)).table("buildings"), len(mine) - len(kept)


def _without_holes(geometry: Geometries) -> Geometries:
    """Return polygons as their outlines; multipolygons as they are."""
    out = geometry.copy()
    single = shapely.get_type_id(geometry) == shapely.GeometryType.POLYGON
    out[single] = shapely.polygons(shapely.get_exterior_ring(geometry[single]))
    return out


def _estates(polygons: _Layer, gates: Sequence[tuple[int, float, float]]) -> gpd.GeoDataFrame:
    """Return estates with the gates that are nodes of their outlines."""
    at = {(x, y): f"{x:.7f} {y:.7f}" for _, x, y in sorted(gates)}

    def row(i: int, o: _Object) -> dict[str, object] | None:
        columns = tagged.estate(o.tags)
        if columns is None:
            return None
        corners = dict.fromkeys(map(tuple, shapely.get_coordinates(polygons.geometry[i]).tolist()))
        return columns | {"gates": tuple(at[c] for c in corners if c in at)}

    return polygons.rows(row).table("estates")


def _areas(polygons: _Layer, points: _Layer, levels: Mapping[int, str], notes: list[Text]) -> gpd.GeoDataFrame:
    other: Counter[str] = Counter()

    def boundary(_: int, o: _Object) -> dict[str, object] | None:
        if o.tags.get("boundary") != "administrative" or "name" not in o.tags:
            return None
        level = levels.get(tagged.layer(o.tags.get("admin_level")) or 0)
        if level is None:
            other[o.tags.get("admin_level", "?")] += 1
            return None
        urban = level == "community" and o.tags["name"].endswith(("社区", "居委会"))
        rural = level == "community" and o.tags["name"].endswith(("村", "村委会"))
        return {
            "code": o.tags.get("division_code") or o.tags.get("ref:CN"),
            "name": o.tags["name"],
            "level": level,
            "area_kind": "urban" if urban else "rural" if rural else None,
        }

    bounded = polygons.rows(boundary)
    if other:
        listed = ", ".join(f"{level} × {n}" for level, n in sorted(other.items()))
        notes.append(
            Text(
                f"其他级别的行政边界未采用(admin_level × 个数):{listed}。",
                f"Boundaries of other levels were left out (admin_level × number): {listed}.",
            )
        )
    return bounded.table("areas", _communities(points, bounded, notes))


def _communities(points: _Layer, bounded: _Rows, notes: list[Text]) -> _Rows:
    """Return named community points; one that has a boundary or another point near by is left out."""
    taken: dict[tuple[str, object], list[Any]] = {}
    for row, shape in zip(bounded.columns, bounded.geometry, strict=True):
        if row["level"] == "community":
            taken.setdefault((tagged.community_stem(str(row["name"])), row["area_kind"]), []).append(shape)
    candidates = [(i, o, kind) for i, o in enumerate(points.objects) if (kind := tagged.is_community(o.tags))]
    kept: dict[int, dict[str, object]] = {}
    for i, o, kind in sorted(candidates, key=lambda c: ("place" not in c[1].tags, c[0])):
        same = taken.setdefault((tagged.community_stem(o.tags["name"]), kind), [])
        if any(shapely.dwithin(points.geometry[i], s, _SAME_DEGREES) for s in same):
            continue
        same.append(points.geometry[i])
        code = o.tags.get("division_code") or o.tags.get("ref:CN")
        kept[i] = {"name": o.tags["name"], "level": "community", "code": code, "area_kind": kind}
    if len(candidates) > len(kept):
        n = len(candidates) - len(kept)
        notes.append(
            Text(
                f"{n} 个社区点与已有的同名社区重复,未采用。",
                f"{n} community points repeat a community of the same name near by and were left out.",
            )
        )
    return points.rows(lambda i, _: kept.get(i))


def _leftovers(found: _Found, mended: int, doubled: int) -> Iterator[Text]:
    """Say what the file has and the tables have not."""
    open_boundaries, open_others = [], 0
    for number, o in sorted(found.relations.items()):
        if ("relation", number) in found.assembled:
            continue
        if o.tags.get("boundary") == "administrative":
            open_boundaries.append(o.tags.get("name") or o.source_id)
        else:
            open_others += 1
    if open_boundaries:
        names = open_boundaries[:_NAMED]
        more = len(open_boundaries) - len(names)
        yield Text(
            f"{len(open_boundaries)} 条行政边界不完整(文件里缺少部分边线),未采用:{'、'.join(names)}"
            + (f" 等(另有 {more} 条)。" if more else "。"),
            f"{len(open_boundaries)} boundaries do not close in this file and were left out: {', '.join(names)}"
            + (f" and {more} more." if more else "."),
        )
    told = (
        (open_others, "个多边形关系不完整,未采用", "multipolygons do not close in this file and were left out"),
        (mended, "个自相交的面已修复后采用", "polygons crossed themselves and were mended"),
        (doubled, "个楼栋轮廓与带院落的同一楼栋重复,未采用", "building outlines repeat one with courtyard"),
        (found.incomplete, "条线在文件边缘被截断,按已知部分采用", "lines are cut at the edge of the file"),
        (found.lost, "条线在文件里没有可用的点,未采用", "lines have no usable nodes here and were left out"),
        (found.unbuilt, "个面没有闭合或缺少点,未采用", "polygons are open or lack nodes and were left out"),
    )
    for n, zh, en in told:
        if n:
            yield Text(f"{n} {zh}。", f"{n} {en}.")
