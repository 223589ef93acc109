"""Walking times in the invented town, for the small server: plain networkx-like arithmetic with scipy, nothing of ours.

Streets are noded where they cross; a building or station meets the nearest street straight. What a drawing needs is
made from the streets that are reached: their reached pieces, broadened to the blocks beside them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
import shapely
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from tests.maps.town import LAT, LON, M_LAT, M_LON, town

SPEED = {"default": 1000 / 900, "elderly": 0.75, "wheels": 0.9}
SERVICES = ("社保办理", "居住证", "法律咨询")
FAR_S = 1e6
BESIDE_M = 20


def metric(geometry: dict[str, Any]) -> shapely.Geometry:
    """GeoJSON in degrees to metres around the middle of the town."""
    shape = shapely.from_geojson(json.dumps(geometry))
    return shapely.transform(shape, lambda p: (p - [LON, LAT]) * [M_LON, M_LAT])


def lonlat(shape: shapely.Geometry) -> dict[str, Any]:
    """Metres to GeoJSON in degrees."""
    moved = shapely.transform(shape, lambda p: np.round(p / [M_LON, M_LAT] + [LON, LAT], 7))
    return json.loads(shapely.to_geojson(moved))


@dataclass
class Streets:
    """Nodes, edges (u, v, length) and the tree to find the nearest one."""

    xy: np.ndarray
    lines: np.ndarray
    u: np.ndarray
    v: np.ndarray
    length: np.ndarray
    tree: shapely.STRtree = field(init=False)
    graph: csr_array = field(init=False)

    def __post_init__(self) -> None:
        self.tree = shapely.STRtree(self.lines)
        size = (len(self.xy), len(self.xy))
        self.graph = csr_array((self.length, (self.u, self.v)), shape=size)

    def attach(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Nearest edge, metres along it, metres beside it."""
        edge = self.tree.nearest(points)
        along = shapely.line_locate_point(self.lines[edge], points)
        return edge, along, shapely.distance(self.lines[edge], points)

    def from_point(self, point: shapely.Geometry) -> tuple[np.ndarray, np.ndarray]:
        """Metres to every node, and the node before it."""
        (edge,), (along,), (off,) = self.attach(np.array([point]))
        size = len(self.xy)
        rows = np.concatenate([self.u, [size, size]])
        columns = np.concatenate([self.v, [self.u[edge], self.v[edge]]])
        ends = [off + along, off + self.length[edge] - along]
        graph = csr_array((np.concatenate([self.length, ends]), (rows, columns)), shape=(size + 1, size + 1))
        metres, before = dijkstra(graph, directed=False, indices=size, return_predecessors=True)
        return metres[:size], before[:size]


@cache
def streets() -> Streets:
    """The walking network of the town."""
    features = town()["base"]["streets"]["features"]
    return network(np.array([metric(f["geometry"]) for f in features if f["properties"]["class"] != "rail"]))


def network(lines: np.ndarray) -> Streets:
    """Node lines where they meet."""
    # Rounded coordinates leave ends millimetres apart: what is nearer than a metre meets.
    parts = shapely.get_parts(shapely.union_all(lines, grid_size=1.0))
    ends = np.stack([shapely.get_coordinates(shapely.get_point(parts, i)) for i in (0, -1)], axis=1)
    keys, number = np.unique(ends.reshape(-1, 2), axis=0, return_inverse=True)
    u, v = number.reshape(-1, 2).T
    return Streets(keys, parts, u, v, shapely.length(parts))


def changed_streets(changes: list[dict[str, Any]]) -> Streets:
    """The walking network without the pieces that a what-if closes, and with the ways that it opens."""
    net = streets()
    shut = [int(net.attach(np.array([at(c["lon"], c["lat"])]))[0][0]) for c in changes if c["op"] == "close_street"]
    ways = [shapely.LineString([at(*p).coords[0] for p in c["path"]]) for c in changes if c["op"] == "link"]
    if not shut and not ways:
        return net
    return network(np.concatenate([np.delete(net.lines, shut), np.array(ways, dtype=object)]))


def at(lon: float, lat: float) -> shapely.Point:
    """A point in metres."""
    return shapely.Point((lon - LON) * M_LON, (lat - LAT) * M_LAT)


def street_near(lon: float, lat: float, within_m: float) -> dict[str, Any]:
    """What ``/v1/streets/near`` answers; each piece counts as a street."""
    net = streets()
    (edge,), (along,), (off,) = net.attach(np.array([at(lon, lat)]))
    if off > within_m:
        return {"street": None, "piece": None, "lon": None, "lat": None, "distance_m": None}
    path = lonlat(shapely.MultiLineString([net.lines[edge]]))
    x, y = lonlat(shapely.line_interpolate_point(net.lines[edge], along))["coordinates"]
    street = {"id": int(edge) + 1, "name": f"第{edge + 1}街", "highway": "residential", "path": path}
    return {"street": street, "piece": {"path": path}, "lon": x, "lat": y, "distance_m": float(off)}


@dataclass
class Homes:
    """Buildings of the town as arrays; ``block`` is the piece of land they stand on."""

    id: list[str]
    point: np.ndarray
    households: np.ndarray
    grid: np.ndarray
    grids: list[dict[str, Any]]
    block: np.ndarray
    land: np.ndarray


@cache
def homes() -> Homes:
    """The buildings of the town."""
    data = town()
    buildings = data["base"]["buildings"]["features"]
    points = shapely.centroid(np.array([metric(f["geometry"]) for f in buildings]))

    def within(shapes: np.ndarray) -> np.ndarray:
        found = np.full(len(points), -1)
        which, where = shapely.STRtree(shapes).query(points, predicate="intersects")
        found[which] = where
        return found

    grids = data["grids"][3]["features"]
    land = np.array([metric(f["geometry"]) for f in data["base"]["landuse"]["features"]])
    return Homes(
        [f["properties"]["id"] for f in buildings],
        points,
        np.array([f["properties"]["households"] for f in buildings]),
        within(np.array([metric(f["geometry"]) for f in grids])),
        [f["properties"] for f in grids],
        within(land),
        land,
    )


def moved(stations: list[dict[str, Any]], changes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Apply the changes of a what-if to a list of station features."""
    out = [json.loads(json.dumps(station)) for station in stations]
    for number, change in enumerate(changes, 1):
        if change["op"] in {"close_street", "link"}:
            continue
        if change["op"] == "add":
            code = change.get("code") or f"new-{number}"
            properties = {"code": code, "name": change["name"], "kind": change["kind"], "tier": 1, "score": None}
            properties |= {"services": list(SERVICES), "opening_hours": change.get("opening_hours"), "change": "added"}
            geometry = {"type": "Point", "coordinates": [change["lon"], change["lat"]]}
            out.append({"type": "Feature", "properties": properties, "geometry": geometry})
            continue
        (station,) = (s for s in out if s["properties"]["code"] == change["station"])
        station["properties"]["change"] = {"close": "closed", "hours": "hours"}.get(change["op"], "moved")
        if change["op"] == "close":
            continue
        if change["op"] == "hours":
            station["properties"]["opening_hours"] = change["opening_hours"]
        else:
            station["geometry"]["coordinates"] = [change["lon"], change["lat"]]
    return out


class Walk:
    """Everything that one question needs: which stations count, and the metres from each to every building."""

    def __init__(
        self,
        stations: list[dict[str, Any]],
        query: dict[str, list[str]],
        changes: list[dict[str, Any]] | None = None,
    ) -> None:
        def of(name: str) -> list[str]:
            return query.get(name, [])

        self.minutes = float((of("minutes") or ["15"])[0])
        self.profile = (of("profile") or ["default"])[0]
        self.speed = SPEED[self.profile]
        self.stations = stations
        sunday = of("open_at") == ["sunday"]
        self.active = [
            s["properties"].get("change") != "closed"
            and (not of("kind") or s["properties"]["kind"] in of("kind"))
            and (not of("tier") or s["properties"]["tier"] <= max(map(int, of("tier"))))
            and (not of("service") or set(of("service")) & set(s["properties"]["services"]))
            and not (sunday and "Su" not in (s["properties"].get("opening_hours") or "24/7 Su"))
            for s in stations
        ]
        self.points = [metric(s["geometry"]) for s in stations]
        self.net = net = changed_streets(changes or [])
        self.nodes = [net.from_point(p)[0] if on else None for p, on in zip(self.points, self.active, strict=True)]
        edge, along, off = net.attach(homes().point)
        length = net.length[edge]
        rows = [
            np.full(len(edge), FAR_S)
            if node is None
            else np.minimum(node[net.u[edge]] + along, node[net.v[edge]] + length - along) + off
            for node in self.nodes
        ]
        self.metres = np.minimum(np.array(rows), FAR_S) if rows else np.full((1, len(edge)), FAR_S)
        self.seconds = self.metres.min(axis=0) / self.speed
        self.nearest = self.metres.argmin(axis=0)

    @property
    def covered(self) -> np.ndarray:
        """Buildings within the limit."""
        return self.seconds <= self.minutes * 60

    def reach(self, minutes: float, station: int | None = None) -> shapely.Geometry:
        """Land beside the streets that are reached."""
        net = self.net
        rows = [n for i, n in enumerate(self.nodes) if n is not None and station in (None, i)]
        if not rows:
            return shapely.MultiPolygon()
        near = np.min(rows, axis=0)
        left = np.maximum(0, minutes * 60 * self.speed - near)
        u, v = left[net.u], left[net.v]
        whole = u + v >= net.length
        pieces = [net.lines[whole]]
        for reached, ends in ((u, net.lines), (v, shapely.reverse(net.lines))):
            part = ~whole & (reached > 0)
            pieces.append(shapely.line_interpolate_point(ends[part], np.minimum(reached[part], net.length[part])))
            pieces.append(shapely.line_interpolate_point(ends[part], reached[part] / 2))
        here = [p for i, p in enumerate(self.points) if self.active[i] and station in (None, i)]
        around = [shapely.buffer(p, 62, quad_segs=2) for p in [*pieces, np.array(here)]]
        land = shapely.union_all(np.concatenate(around))
        # The middle of a block belongs to the streets around it.
        parts = [
            shapely.Polygon(part.exterior, [hole for hole in part.interiors if shapely.Polygon(hole).area > 12_000])
            for part in shapely.get_parts(shapely.buffer(land, -8))
        ]
        return shapely.simplify(shapely.difference(shapely.union_all(parts), _river()), 6)

    def totals(self) -> dict[str, Any]:
        """The figures of the whole town."""
        home, covered = homes(), self.covered
        households = int(home.households.sum())
        got = int(home.households[covered].sum())
        return {
            "buildings": len(home.id),
            "buildings_covered": int(covered.sum()),
            "households": households,
            "households_covered": got,
            "households_covered_low": round(got * 0.97),
            "households_covered_high": min(households, round(got * 1.02)),
            "people": round(households * 2.7),
            "people_covered": round(got * 2.7),
            "area_m2": 8_100_000.0,
            "area_covered_m2": 6_000_000.0,
            "share": got / households,
            "unattached": {"buildings": 3, "households": 11},
        }

    def rows(self) -> list[dict[str, Any]]:
        """The figures by grid."""
        home, covered = homes(), self.covered
        out = []
        for i, grid in enumerate(home.grids):
            mine = home.grid == i
            households = int(home.households[mine].sum())
            got = int(home.households[mine & covered].sum())
            nearest = None
            if mine.any():
                first = np.flatnonzero(mine)[self.seconds[mine].argmin()]
                station = self.stations[self.nearest[first]]["properties"] if self.stations else None
                if station and self.seconds[first] < FAR_S / 9:
                    nearest = {k: station[k] for k in ("code", "name")} | {"seconds": float(self.seconds[first])}
            out.append(
                {
                    "code": grid["code"],
                    "name": grid["name"],
                    "households": households,
                    "households_covered": got,
                    "people": round(households * 2.7),
                    "people_covered": round(got * 2.7),
                    "buildings": int(mine.sum()),
                    "buildings_covered": int((mine & covered).sum()),
                    "share": got / households if households else None,
                    "stations": 0,
                    "nearest": nearest,
                }
            )
        return out

    def station_rows(self) -> list[dict[str, Any]]:
        """The figures by station."""
        home = homes()
        within = self.metres / self.speed <= self.minutes * 60
        alone = within.sum(axis=0) == 1
        out = []
        for i, station in enumerate(self.stations):
            row, (lon, lat) = station["properties"], station["geometry"]["coordinates"]
            mine = within[i] if self.active[i] else np.zeros(len(home.id), dtype=bool)
            load = self.covered & (self.nearest == i)
            out.append(
                {
                    **{
                        key: row.get(key)
                        for key in ("code", "name", "kind", "tier", "services", "score", "change", "opening_hours")
                    },
                    "lon": lon,
                    "lat": lat,
                    "open": None,
                    "active": bool(self.active[i]),
                    "attached": True,
                    "households": int(home.households[mine].sum()),
                    "people": round(int(home.households[mine].sum()) * 2.7),
                    "buildings": int(mine.sum()),
                    "exclusive_households": int(home.households[mine & alone].sum()),
                    "load": int(home.households[load].sum()),
                }
            )
        return out

    def circles(self) -> list[dict[str, Any]]:
        """Straight circles beside walking."""
        home = homes()
        here = [p for p, on in zip(self.points, self.active, strict=True) if on]
        straight = shapely.distance(home.point, shapely.union_all(here)) if here else np.full(len(home.id), FAR_S)
        out = []
        for radius in (300, 500, 1000):
            inside = straight <= radius
            walk = self.metres.min(axis=0) <= radius
            names = {"households": inside, "both": inside & walk, "only_circle": inside & ~walk}
            names["only_walk"] = walk & ~inside
            out.append({"radius_m": radius, **{k: int(home.households[v].sum()) for k, v in names.items()}})
        return out

    def answer(self) -> dict[str, Any]:
        """What ``/v1/coverage`` answers."""
        return {
            "version": "v1",
            "settings": {"minutes": self.minutes, "profile": self.profile},
            "totals": self.totals(),
            "rows": self.rows(),
            "stations": self.station_rows(),
            "circle": self.circles(),
            "warnings": [],
        }

    def area(self, each: list[float]) -> dict[str, Any]:
        """What ``/v1/coverage/area`` answers."""
        error = {"false_in": 3, "false_out": 4, "share": 0.0034}
        features = [
            {
                "type": "Feature",
                "properties": {"minutes": minutes, "error": error},
                "geometry": lonlat(self.reach(minutes)),
            }
            for minutes in each
        ]
        return {"type": "FeatureCollection", "features": features}

    def station_feature(self, station: int) -> dict[str, Any]:
        """What ``/v1/stations/{code}/area`` answers."""
        error = {"false_in": 1, "false_out": 1, "share": 0.002}
        properties = {**self.station_rows()[station], "minutes": self.minutes, "error": error}
        return {"type": "Feature", "properties": properties, "geometry": lonlat(self.reach(self.minutes, station))}

    def gaps(self) -> dict[str, Any]:
        """What ``/v1/coverage/gaps`` answers: inhabited blocks without a station in reach, joined."""
        home = homes()
        out = ~self.covered & (home.households > 0) & (home.block >= 0)
        blocks = np.unique(home.block[out])
        features = []
        if len(blocks):
            joined = shapely.union_all(shapely.buffer(home.land[blocks], 9, join_style="mitre"))
            for part in shapely.get_parts(joined):
                mine = np.flatnonzero(out & np.isin(home.block, blocks[shapely.intersects(part, home.land[blocks])]))
                households = int(home.households[mine].sum())
                first = mine[self.seconds[mine].argmin()]
                nearest = None
                if self.seconds[first] < FAR_S / 9:
                    station = self.stations[self.nearest[first]]["properties"]
                    nearest = {
                        "code": station["code"],
                        "name": station["name"],
                        "seconds": float(self.seconds[first]),
                        "walk_m": float(self.metres[:, first].min()),
                        "straight_m": float(shapely.distance(home.point[first], self.points[self.nearest[first]])),
                    }
                centre = shapely.point_on_surface(part)
                lon, lat = lonlat(centre)["coordinates"]
                grids = sorted({home.grids[g]["code"] for g in home.grid[mine] if g >= 0})
                properties = {"households": households, "people": round(households * 2.7), "buildings": len(mine)}
                properties |= {"grids": grids, "nearest": nearest, "lon": lon, "lat": lat}
                features.append({"type": "Feature", "properties": properties, "geometry": lonlat(part)})
        features.sort(key=lambda f: -f["properties"]["households"])
        for rank, feature in enumerate(features, 1):
            feature["properties"] |= {"id": f"gap-{rank}", "rank": rank}
        unattached = [
            {"building": home.id[i], "households": int(home.households[i]), "nearest_m": 231.0 + i}
            | dict(zip(("lon", "lat"), lonlat(home.point[i])["coordinates"], strict=True))
            for i in (4, 5, 6)
        ]
        return {"type": "FeatureCollection", "features": features, "unattached": unattached}

    def buildings(self) -> dict[str, Any]:
        """What ``/v1/coverage/buildings`` answers."""
        codes = [s["properties"]["code"] for s in self.stations]
        return {
            "id": homes().id,
            "seconds": [round(float(s), 1) if s < FAR_S / 9 else None for s in self.seconds],
            "station": [int(i) if codes else -1 for i in self.nearest],
            "stations": codes,
        }

    def _from(self, edge: int, along: float) -> list[tuple[float, int]]:
        """Metres from a position on a street to each station, with its number."""
        net = self.net
        return [
            (float(min(n[net.u[edge]] + along, n[net.v[edge]] + net.length[edge] - along)), i)
            for i, n in enumerate(self.nodes)
            if n is not None
        ]

    def route(self, lon: float, lat: float) -> dict[str, Any]:
        """What ``/v1/coverage/route`` answers."""
        point = at(lon, lat)
        near = int(shapely.STRtree(homes().point).nearest(point))
        building = None
        if shapely.distance(point, homes().point[near]) < BESIDE_M:
            building = {"id": homes().id[near], "label": None}
            point = homes().point[near]
        net = self.net
        (edge,), (along,), (off,) = net.attach(np.array([point]))
        if not any(self.active) or off > 200 or not np.isfinite(min(self._from(edge, along))[0]):
            message = {"zh": "离可步行的道路太远。", "en": "Too far from every walkable street."}
            return {"building": building, "seconds": None, "station": None, "path": None, "message": message}
        metres, i = min(self._from(edge, along))
        nodes, before = net.from_point(self.points[i])
        walk = [nodes[net.u[edge]] + along, nodes[net.v[edge]] + net.length[edge] - along]
        node = int([net.u, net.v][int(np.argmin(walk))][edge])
        path = [shapely.get_coordinates(shapely.line_interpolate_point(net.lines[edge], along))[0]]
        while node < len(net.xy) and node >= 0:
            path.append(net.xy[node])
            node = int(before[node])
        (start,), (metres_along,), _ = net.attach(np.array([self.points[i]]))
        path.append(shapely.get_coordinates(shapely.line_interpolate_point(net.lines[start], metres_along))[0])
        walk_m = float(metres + off)
        row = self.stations[i]["properties"]
        whole = [shapely.get_coordinates(point)[0], *path, shapely.get_coordinates(self.points[i])[0]]
        return {
            "building": building,
            "seconds": walk_m / self.speed,
            "walk_m": walk_m,
            "straight_m": float(shapely.distance(point, self.points[i])),
            "station": {key: row[key] for key in ("code", "name", "kind")},
            "path": lonlat(shapely.LineString(whole)),
            "via": "street",
        }


@cache
def _river() -> shapely.Geometry:
    return metric(town()["base"]["water"]["features"][0]["geometry"])


def siting(walk: Walk, count: int) -> list[dict[str, Any]]:
    """Greedy choice among every seventh building."""
    home, net = homes(), walk.net
    candidates = np.arange(0, len(home.id), 23)
    edge, along, off = net.attach(home.point)
    covered, limit, rows = walk.covered.copy(), walk.minutes * 60 * walk.speed, []
    for c in candidates:
        node = net.from_point(home.point[c])[0]
        to = np.minimum(node[net.u[edge]] + along, node[net.v[edge]] + net.length[edge] - along) + off
        rows.append(to <= limit)
    sites = []
    for rank in range(1, count + 1):
        gains = [int(home.households[row & ~covered].sum()) for row in rows]
        best = int(np.argmax(gains))
        if not gains[best]:
            break
        lon, lat = lonlat(home.point[candidates[best]])["coordinates"]
        shared = int(home.households[rows[best] & covered].sum())
        covered |= rows[best]
        sites.append(
            {
                "rank": rank,
                "code": home.id[candidates[best]],
                "name": f"备选点{rank}",
                "lon": lon,
                "lat": lat,
                "gains": gains[best],
                "gains_people": round(gains[best] * 2.7),
                "takes_from": [{"code": walk.stations[0]["properties"]["code"], "households": shared}],
                "closes_gaps": [f"gap-{rank}"],
            }
        )
    return sites
