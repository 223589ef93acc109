"""What OpenStreetMap tags mean in our columns: plain functions of one object's tags, no files, no geometry.

Values follow the OpenStreetMap wiki; where a tag does not say, the answer is ``None`` and never a guess.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

__all__ = [
    "ADMIN_LEVELS",
    "GATES",
    "KEYS",
    "Tags",
    "building",
    "community_stem",
    "estate",
    "highway_lives",
    "is_building",
    "is_community",
    "landuse",
    "layer",
    "place",
    "street",
    "use_of",
    "water_kind",
    "waterway_kind",
    "yes",
]

Tags = Mapping[str, str]

KEYS = (
    "highway",
    "railway",
    "waterway",
    "natural",
    "water",
    "landuse",
    "leisure",
    "building",
    "amenity",
    "shop",
    "office",
    "healthcare",
    "tourism",
    "craft",
    "place",
    "boundary",
    "barrier",
)
"""Objects without any of these keys are never looked at."""

ADMIN_LEVELS: Mapping[int, str] = {6: "jurisdiction", 8: "town", 10: "community"}
"""``admin_level`` → level of an area, as tagged in China: 6 county, 8 town or 街道, 10 village or 社区."""

RAILWAYS = frozenset(
    (
        "disused",
        "funicular",
        "light_rail",
        "monorail",
        "narrow_gauge",
        "preserved",
        "rail",
        "subway",
        "tram",
    )
)
GATES = frozenset(("gate", "lift_gate", "swing_gate", "sliding_gate", "entrance", "kissing_gate"))

_NOT_THERE = frozenset(
    ("abandoned", "demolished", "dismantled", "planned", "proposed", "razed", "removed", "no", "none")
)
_NO = frozenset(("no", "0", "false", "none", "n", "否", "f"))
_NUMBER = re.compile(r"[-+]?\d+(?:[.,]\d+)?")
_FEET = re.compile(r"(\d+(?:\.\d+)?)\s*(?:'|ft|feet)")
_BUILDING_NUMBER = re.compile(r"[A-Za-z]?\d{1,4}[A-Za-z]?\s*(?:号楼|号院|号|栋|幢|座|#|#楼)|[A-Za-z甲乙丙丁]座")


def yes(value: str | None) -> bool:
    """Return whether a tag says yes: any value but ``no``, ``0`` and ``false``; absent means no."""
    return value is not None and value.strip().lower() not in _NO


def layer(value: str | None) -> int | None:
    """Return the vertical layer, or ``None`` where the tag is absent or no number."""
    found = _NUMBER.match(value.strip()) if value else None
    return int(float(found.group().replace(",", "."))) if found else None


def highway_lives(value: str) -> bool:
    """Return whether a highway of that class stands on the ground (not proposed, razed …)."""
    return value not in _NOT_THERE


def street(tags: Tags) -> dict[str, object] | None:
    """Return the street columns of a way, or ``None`` if it is neither street nor track."""
    highway, railway = tags.get("highway"), tags.get("railway")
    if highway is not None and not highway_lives(highway):
        highway = None
    if railway not in RAILWAYS:
        railway = None
    if highway is None and railway is None:
        return None
    if highway is not None and yes(tags.get("area")):
        # The outline of a square is no street that cuts land, but people walk along it.
        highway = "footway"
    return {
        "name": tags.get("name"),
        "highway": highway,
        "railway": railway,
        "service": tags.get("service"),
        "bridge": yes(tags.get("bridge")),
        "tunnel": yes(tags.get("tunnel")) or tags.get("location") == "underground",
        "covered": yes(tags.get("covered")) or tags.get("tunnel") == "building_passage",
        "layer": layer(tags.get("layer")),
        "foot": tags.get("foot"),
        "access": tags.get("access"),
    }


_WATERWAYS = {"river": "river", "canal": "canal", "stream": "stream", "ditch": "ditch", "drain": "ditch"}
_WATER = {
    "river": "river",
    "stream": "stream",
    "canal": "canal",
    "ditch": "ditch",
    "drain": "ditch",
    "moat": "canal",
    "lock": "canal",
    "oxbow": "lake",
    "lake": "lake",
    "reservoir": "lake",
    "lagoon": "lake",
    "pond": "pond",
    "fish_pond": "pond",
    "basin": "pond",
    "wastewater": "pond",
    "reflecting_pool": "pond",
}
_LAKE_M2 = 10_000.0


def waterway_kind(tags: Tags) -> str | None:
    """Return the kind of water that a line is, or ``None``."""
    return _WATERWAYS.get(tags.get("waterway", ""))


def water_kind(tags: Tags, area_m2: float) -> str | None:
    """Return the kind of water that a polygon of ``area_m2`` is, or ``None``.

    Water without a kind is named by its ending (河, 江 … a river; 湖 a lake), else by size: a lake from
    one hectare.
    """
    if tags.get("waterway") == "riverbank":
        return "river"
    if tags.get("landuse") in ("reservoir", "basin"):
        return "lake" if tags["landuse"] == "reservoir" else "pond"
    if tags.get("natural") != "water":
        return None
    if (known := _WATER.get(tags.get("water", ""))) is not None:
        return known
    name = tags.get("name", "")
    if name.endswith(("河", "江", "溪", "River", "river")):
        return "river"
    if name.endswith(("渠", "Canal")):
        return "canal"
    if name.endswith(("塘", "池", "Pond")):
        return "pond"
    return "lake" if area_m2 >= _LAKE_M2 or name.endswith(("湖", "水库", "Lake")) else "pond"


_LANDUSE = {
    ("leisure", "park"): "park",
    ("leisure", "garden"): "park",
    ("leisure", "nature_reserve"): "park",
    ("landuse", "forest"): "forest",
    ("natural", "wood"): "forest",
    ("landuse", "farmland"): "farmland",
    ("landuse", "orchard"): "farmland",
    ("landuse", "vineyard"): "farmland",
    ("landuse", "paddy"): "farmland",
    ("landuse", "greenhouse_horticulture"): "farmland",
    ("landuse", "aquaculture"): "farmland",
    ("landuse", "grass"): "grass",
    ("landuse", "meadow"): "grass",
    ("landuse", "recreation_ground"): "grass",
    ("landuse", "village_green"): "grass",
    ("natural", "grassland"): "grass",
    ("place", "square"): "square",
    ("amenity", "school"): "campus",
    ("amenity", "university"): "campus",
    ("amenity", "college"): "campus",
    ("amenity", "kindergarten"): "campus",
    ("landuse", "education"): "campus",
    ("amenity", "marketplace"): "market",
    ("landuse", "industrial"): "industrial",
    ("landuse", "residential"): "residential",
}


def landuse(tags: Tags) -> str | None:
    """Return our kind of land use of a polygon, or ``None``; a building is not land use."""
    if is_building(tags):
        return None
    if tags.get("highway") == "pedestrian":
        return "square"
    return next((ours for (key, value), ours in _LANDUSE.items() if tags.get(key) == value), None)


def is_building(tags: Tags) -> bool:
    """Return whether a polygon is a building outline (parts of buildings are not)."""
    return "building" in tags and tags["building"] not in _NOT_THERE


_USES = {
    "residential": (
        "apartments apartment residential house detached semidetached_house terrace dormitory bungalow cabin "
        "farm static_caravan houseboat villa 住宅 居住 居民楼 宿舍 民房"
    ),
    "mixed": "mixed mixed_use 商住 商住两用 综合 混合",
    "commercial": (
        "commercial retail shop supermarket mall kiosk hotel bank restaurant fast_food cafe cinema bar pub "
        "market marketplace hostel guest_house fuel attraction jewelry computer 商业 商铺 商场 酒店 宾馆 门面"
    ),
    "office": "office offices company tower 办公 写字楼 办公楼",
    "school": "school university college kindergarten 学校 教学楼 幼儿园 校舍",
    "hospital": "hospital clinic doctors 医院 诊所 医疗",
    "public": (
        "public civic government townhall community_centre library museum arts_centre theatre train_station "
        "transportation fire_station police post_office courthouse social_facility stadium sports_centre "
        "sports_hall church chapel cathedral mosque temple shrine monastery synagogue religious "
        "place_of_worship embassy 公共 公建 政府 文体 寺庙"
    ),
    "industrial": "industrial warehouse factory manufacture works hangar depot 工业 厂房 仓库 车间",
    "shed": (
        "shed garage garages carport hut roof greenhouse barn cowshed stable sty farm_auxiliary outbuilding "
        "storage_tank silo toilets bunker transformer_tower service guardhouse 棚 车库 车棚 附属 岗亭"
    ),
    "other": "other ruins construction bridge communications_tower 其他 其它",
}
_USE_OF = {word: use for use, words in _USES.items() for word in words.split()}


def use_of(word: str) -> str | None:
    """Return our use of a building for a tag value or Chinese word, or ``None`` where it says nothing."""
    return _USE_OF.get(word.strip().lower())


def _use(tags: Tags) -> str | None:
    kind = use_of(tags["building"])
    for key in ("amenity", "healthcare", "tourism"):
        if (found := use_of(tags.get(key, ""))) is not None and kind != "residential":
            return found
    if kind == "residential" and ("shop" in tags or "office" in tags):
        return "mixed"
    if kind is None and "shop" in tags:
        return "commercial"
    if kind is None and "office" in tags:
        return "public" if tags["office"] == "government" else "office"
    return kind


def _first_number(value: str | None) -> float | None:
    if not value:
        return None
    if feet := _FEET.match(value.strip().lower()):
        return float(feet.group(1)) * 0.3048
    numbers = [float(n.replace(",", ".")) for n in re.split(r"[;~–]|(?<=\d)-", value) if _NUMBER.fullmatch(n.strip())]
    if numbers:
        return max(numbers)
    found = _NUMBER.match(value.strip())
    return float(found.group().replace(",", ".")) if found else None


def _positive(value: float | None, limit: float) -> float | None:
    return value if value is not None and 0 < value <= limit else None


_MOST_STOREYS = 200.0
_TALLEST_M = 1000.0


def building(tags: Tags) -> dict[str, object]:
    """Return the building columns of an outline; storeys of half floors are rounded down, at least 1."""
    levels = _positive(_first_number(tags.get("building:levels")), _MOST_STOREYS)
    height = _positive(_first_number(tags.get("height") or tags.get("building:height")), _TALLEST_M)
    name = tags.get("name")
    number = tags.get("addr:block_number") or tags.get("building:number")
    if number is None and name and _BUILDING_NUMBER.fullmatch(name.strip()):
        number = name.strip()
    return {
        "estate": tags.get("addr:neighbourhood") or tags.get("addr:place"),
        "number": number,
        "name": name,
        "use": _use(tags),
        "storeys": None if levels is None else max(1, int(levels)),
        "height_m": None if height is None else round(height, 2),
        "entrances": None,
        "street": tags.get("addr:street"),
        "house_number": tags.get("addr:housenumber"),
        "generated": False,
    }


_SHOPS = frozenset(
    (
        "bank",
        "bar",
        "bbq",
        "biergarten",
        "bureau_de_change",
        "cafe",
        "car_rental",
        "car_wash",
        "cinema",
        "fast_food",
        "food_court",
        "fuel",
        "ice_cream",
        "internet_cafe",
        "karaoke_box",
        "marketplace",
        "nightclub",
        "pharmacy",
        "pub",
        "restaurant",
        "hotel",
        "hostel",
        "guest_house",
        "motel",
    )
)
_INSTITUTIONS = frozenset(
    (
        "arts_centre",
        "bus_station",
        "childcare",
        "clinic",
        "college",
        "community_centre",
        "courthouse",
        "dentist",
        "doctors",
        "fire_station",
        "government",
        "hospital",
        "kindergarten",
        "library",
        "museum",
        "monastery",
        "music_school",
        "ngo",
        "nursing_home",
        "place_of_worship",
        "police",
        "post_office",
        "prison",
        "public_building",
        "research_institute",
        "school",
        "social_centre",
        "social_facility",
        "theatre",
        "townhall",
        "university",
        "veterinary",
    )
)
_SETTLEMENTS = frozenset(
    (
        "allotments",
        "borough",
        "city",
        "farm",
        "hamlet",
        "isolated_dwelling",
        "neighbourhood",
        "quarter",
        "suburb",
        "town",
        "village",
    )
)


def place(tags: Tags) -> dict[str, object] | None:
    """Return the place columns of a named firm, shop, institution or settlement, or ``None``."""
    name = tags.get("name")
    if not name:
        return None
    for key in ("shop", "amenity", "healthcare", "office", "tourism", "craft"):
        value = tags.get(key)
        if value is None or value in _NOT_THERE:
            continue
        if key in ("shop", "craft") or value in _SHOPS:
            sort = "shop"
        else:
            sort = "institution" if key == "healthcare" or value in _INSTITUTIONS else "other"
        return {"name": name, "place_type": sort, "category": f"{key}={value}"}
    value = tags.get("place")
    if value in _SETTLEMENTS or value == "locality":
        sort = "settlement" if value in _SETTLEMENTS else "other"
        return {"name": name, "place_type": sort, "category": f"place={value}"}
    return None


_URBAN_ENDS = ("社区居民委员会", "社区居委会", "居民委员会", "居委会", "社区")
_RURAL_ENDS = ("村民委员会", "村委会", "行政村", "嘎查", "村")
_RURAL_PLACES = frozenset(("village", "hamlet", "town"))
_OFFICES = frozenset(("government", "townhall", "community_centre", "social_facility"))


def community_stem(name: str) -> str:
    """Return a community's name without its ending: 花园社区 and 花园社区居委会 are the same."""
    for end in (*_URBAN_ENDS, *_RURAL_ENDS):
        if name.endswith(end) and len(name) > len(end):
            return name.removesuffix(end)
    return name


def is_community(tags: Tags) -> str | None:
    """Return ``urban`` or ``rural`` if a point stands for a community, else ``None``.

    A place counts by its ending (社区, 居委会; 村 where the place is a village), by ``place:CN``, or as
    ``place=quarter``; an office of a committee counts by its full ending only, so that a shop called
    某某社区店 or a housing estate called 某某新村 does not.
    """
    name, value = tags.get("name", ""), tags.get("place")
    if not name:
        return None
    if value is not None:
        if name.endswith(_URBAN_ENDS) or tags.get("place:CN") == "neighborhood":
            return "urban"
        if tags.get("place:CN") in ("village", "gaqaa", "ranch"):
            return "rural"
        if value in _RURAL_PLACES and name.endswith(_RURAL_ENDS):
            return "rural"
        return "urban" if value == "quarter" else None
    if tags.get("office") in _OFFICES or tags.get("amenity") in _OFFICES:
        if name.endswith(_URBAN_ENDS):
            return "urban"
        if name.endswith(("村民委员会", "村委会")):
            return "rural"
    return None


def estate(tags: Tags) -> dict[str, object] | None:
    """Return the estate columns of a named residential area, or ``None``."""
    name = tags.get("name")
    if not name or is_building(tags):
        return None
    if tags.get("landuse") != "residential" and tags.get("place") != "neighbourhood":
        return None
    others = [tags[k] for k in ("alt_name", "short_name", "old_name", "official_name") if k in tags]
    aliases = dict.fromkeys(a.strip() for text in others for a in text.split(";"))
    barrier = tags.get("barrier")
    return {
        "name": name,
        "aliases": tuple(a for a in aliases if a and a != name),
        "walled": barrier in ("wall", "fence", "city_wall") if barrier else None,
    }
