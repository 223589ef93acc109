"""Stations, candidates, places, people on duty and departmental nets."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import shapely
from numpy.typing import NDArray

from gridmap.model.kinds import EIGHT_CHECKS, TENURES
from gridmap.sample.build import Built
from gridmap.sample.editions import DEDICATED_NAMES, Edition
from gridmap.sample.fabric import Fabric
from gridmap.sample.ground import Floats
from gridmap.sample.levels import Levels
from gridmap.sample.names import INSTITUTION_KINDS, SHOP_KINDS, Names
from gridmap.sample.size import Size

SERVICES = (
    "居民议事", "便民代办", "快递收发", "医药箱", "雨伞借用", "共享书吧", "电动车充电", "免费打印", "法律咨询",
    "老年助餐", "儿童托管", "饮水歇脚", "失物招领", "政策咨询",
)  # fmt: skip
ROOMS = ("办公室", "党员活动室", "议事厅", "广播室", "阅览室", "调解室", "健身室")
HOURS_WEEK = "Mo-Sa 08:30-18:00"
HOURS_ALL = "Mo-Su 08:30-18:00"
HOURS_EVENING = "Mo-Su 08:30-21:00"
FIRST_KINDS = ("center", "grid_station")
SECOND_KINDS = (
    "service_point", "service_point", "service_point", "courier_stop", "shop", "service_point", "deliberation_point",
    "mediation_room", "hearing_center", "courier_stop", "service_point", "shop", "hub",
)  # fmt: skip
PROPERTY_KINDS = ("闲置门面", "旧锅炉房", "单位闲置用房", "原门房", "社区用房", "空置仓库")


@dataclass(slots=True)
class Points:
    """Points of one kind with their columns."""

    middle: list[Floats] = field(default_factory=list)
    rows: list[dict[str, object]] = field(default_factory=list)

    def add(self, middle: Floats, **row: object) -> None:
        """Add a point."""
        self.middle.append(np.asarray(middle, dtype=float))
        self.rows.append(row)

    def columns(self) -> dict[str, list[object]]:
        """Return the rows as columns."""
        return {key: [row[key] for row in self.rows] for key in self.rows[0]}


def station_points(
    places: Floats, first: NDArray[np.bool_], addresses: list[str], labels: list[str], rng: np.random.Generator
) -> Points:
    """Describe stations at chosen places; ``first`` marks the main network."""
    out = Points()
    n = len(places)
    sunday = set(rng.permutation(n)[: min(3, n)].tolist())
    evening = set([int(k) for k in rng.permutation(n) if k not in sunday][: min(5, n)])
    second = 0
    for k in range(n):
        if first[k]:
            kind = FIRST_KINDS[0] if k < 4 else FIRST_KINDS[1]  # noqa: PLR2004
        else:
            kind = SECOND_KINDS[second % len(SECOND_KINDS)]
            second += 1
        fulfilled = int(rng.integers(3, 9))
        checks = rng.permutation(len(EIGHT_CHECKS))[:fulfilled]
        services = sorted(rng.permutation(len(SERVICES))[: int(rng.integers(2, 7))].tolist())
        rooms = sorted(rng.permutation(len(ROOMS))[: int(rng.integers(1, 5))].tolist())
        out.add(
            places[k],
            source_id=f"S{k + 1:03d}",
            name=labels[k],
            station_kind=kind,
            tier=1 if first[k] else 2,
            services=";".join(SERVICES[s] for s in services),
            opening_hours=HOURS_WEEK if k in sunday else HOURS_EVENING if k in evening else HOURS_ALL,
            tenure=TENURES[int(rng.integers(0, len(TENURES)))],
            rooms=";".join(ROOMS[r] for r in rooms),
            address=addresses[k],
            **{f"check_{name}": c in checks for c, name in enumerate(EIGHT_CHECKS)},
        )
    return out


def candidate_points(places: Floats, addresses: list[str], rng: np.random.Generator) -> Points:
    """Describe spare properties where a station could be."""
    out = Points()
    for k, place in enumerate(places):
        kind = PROPERTY_KINDS[k % len(PROPERTY_KINDS)]
        out.add(
            place,
            source_id=f"C{k + 1:03d}",
            name=f"{addresses[k] or '清岩'}{kind}",
            property_kind=kind,
            address=addresses[k],
            floor_area_m2=float(round(rng.uniform(40, 320))),
        )
    return out


def place_points(
    size: Size,
    built: Built,
    source: list[str],
    villages: list[str],
    village_middles: Floats,
    names: Names,
    rng: np.random.Generator,
) -> tuple[Points, dict[int, str]]:
    """Return shops, institutions and villages; also the names that buildings get from them."""
    out = Points()
    named: dict[int, str] = {}
    buildings = built.buildings
    middle = buildings.middle
    number = 0

    def add(building: int, name: str, kind: str, category: str, at: Floats) -> None:
        nonlocal number
        number += 1
        out.add(
            at, source_id=f"P{number:05d}", name=name, place_type=kind, category=category,
            building_source_id=source[building] if building >= 0 else None,
        )  # fmt: skip

    done: set[str] = set()
    for leaf, kind in built.targets.dedicated.items():
        members = np.flatnonzero((buildings.leaf == leaf) & (buildings.kind == kind))
        if len(members) and kind not in done:
            done.add(kind)
            category = {"park": "公园", "market": "市场", "school": "学校"}[kind]
            add(int(members[0]), DEDICATED_NAMES[kind], "institution", category, middle[members[0]])
            named[int(members[0])] = DEDICATED_NAMES[kind]
    for k, block in enumerate(built.institutions):
        members = np.flatnonzero((buildings.block == block) & (buildings.kind == "compound"))
        title, category, _ = INSTITUTION_KINDS[k % len(INSTITUTION_KINDS)]
        name = names.firm() + title
        add(int(members[0]), name, "institution", category, middle[members[0]])
        for m in members:
            named[int(m)] = name
    shops = np.flatnonzero(np.isin(buildings.kind, ["shop", "market"]))
    old = np.flatnonzero(buildings.kind == "old")
    wanted = size.share(400)
    hosts = np.concatenate([shops, old[rng.permutation(len(old))[: len(old) // 8]]])
    if len(hosts):
        for k in range(wanted):
            b = int(hosts[k % len(hosts)]) if k < len(hosts) else int(shops[rng.integers(0, len(shops))])
            word, category = SHOP_KINDS[int(rng.integers(0, len(SHOP_KINDS)))]
            angle = buildings.angle[b]
            shift = rng.uniform(-3, 3)
            at = middle[b] + shift * np.array([np.cos(angle), np.sin(angle)])
            add(b, names.firm() + word, "shop", category, at)
    for name, at in zip(villages, village_middles, strict=True):
        add(-1, name, "settlement", "自然村", at + np.array([12.0, 14.0]))
    return out, named


def duty_rows(
    edition: Edition, vacant: set[int], built: Built, source: list[str], names: Names, rng: np.random.Generator
) -> list[dict[str, object]]:
    """Return people on duty: leader, officer and information officer of each grid, chiefs of some buildings."""
    rows: list[dict[str, object]] = []
    staff = (
        ("网格长", "grid_leader", True),
        ("专职网格员", "grid_officer", True),
        ("网格信息员", "information_officer", False),
    )

    def add(label: str, role: str, grid: str | None, building: str | None, public: bool) -> None:
        rows.append(
            {
                "source_id": f"D{len(rows) + 1:05d}",
                "label": label,
                "role": role,
                "grid_code": grid,
                "building_source_id": building,
                "name": names.person(),
                "phone": names.phone(),
                "public": public,
                "from_date": f"2025-{int(rng.integers(1, 13)):02d}-01",
                "to_date": None,
            }
        )

    for leaf in sorted(edition.leaves, key=lambda k: edition.code[k]):
        if leaf in vacant:
            continue
        for label, role, public in staff:
            add(label, role, edition.code[leaf], None, public)
        if rng.random() < 0.5:  # noqa: PLR2004
            add("志愿者", "auxiliary", edition.code[leaf], None, False)
    large = np.flatnonzero(built.buildings.households >= 24)  # noqa: PLR2004
    for b in large[:: max(1, len(large) // 240)]:
        add("楼栋长", "building_chief", None, source[int(b)], True)
    return rows


def nets_of(
    fabric: Fabric, levels: Levels, edition: Edition, county: shapely.Polygon, rng: np.random.Generator
) -> list[tuple[str, str, str, str, shapely.Geometry]]:
    """Return three departments' nets, each drawn by its own rule: net, department, code, name, shape."""
    out: list[tuple[str, str, str, str, shapely.Geometry]] = []
    urban = ~np.array(levels.community_rural)[edition.community[edition.label]]
    town = shapely.coverage_union_all(fabric.blocks[urban])
    west, south, east, north = town.bounds
    n = max(6, round(8 * np.sqrt(fabric.n_leaves / 121)))
    seeds = rng.uniform((west, south), (east, north), (n, 2))
    cells = shapely.get_parts(shapely.voronoi_polygons(shapely.multipoints(seeds), extend_to=town))
    beats = [c for c in shapely.intersection(cells, shapely.buffer(town, -20)) if not c.is_empty]
    beats.sort(key=lambda c: (round(c.centroid.x), round(c.centroid.y)))
    for k, shape in enumerate(beats, 1):
        out.append(("公安警务网", "公安局", f"JW{k:02d}", f"第{k}警务区", shape))
    west, south, east, north = county.bounds
    bands = np.linspace(west, east, 7)
    for k, (a, b) in enumerate(pairwise(bands.tolist()), 1):
        piece = shapely.intersection(shapely.buffer(county, -5), shapely.box(a, south, b, north))
        out.append(("环卫作业网", "城市管理局", f"HW{k:02d}", f"环卫{k}片", piece))
    order = rng.permutation(edition.second.max() + 1)
    label = order[edition.second[edition.label]] % max(3, len(order) // 3)
    for k in range(int(label.max()) + 1):
        land = shapely.coverage_union_all(fabric.blocks[(label == k) & urban])
        if land.is_empty:
            continue
        shape = shapely.simplify(shapely.buffer(land, 25.0, join_style="mitre"), 40.0)
        out.append(("民政救助网", "民政局", f"MZ{k + 1:02d}", f"救助{k + 1}区", shape))
    return out
