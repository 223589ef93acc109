"""The kinds of data that can be imported, and the columns of each.

One table for everybody: the sample county writes these columns, the importers read them, the dry run and
the documents explain them. Coordinates are EPSG:4326, longitude before latitude. A list inside one text
column is separated by ``;``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gridmap.model.text import Text

ColumnType = Literal["text", "integer", "number", "boolean", "date", "datetime", "list"]
GeometryFamily = Literal["point", "line", "polygon"]


@dataclass(frozen=True, slots=True)
class Column:
    """One attribute: its name in code and files, its type, and what it means."""

    name: str
    type: ColumnType
    title: Text
    required: bool = False
    choices: tuple[str, ...] = ()
    minimum: float | None = None
    personal: bool = False


@dataclass(frozen=True, slots=True)
class Kind:
    """A layer or table: its columns and the geometries it may have (none: a table without a map)."""

    name: str
    title: Text
    geometry: tuple[GeometryFamily, ...]
    columns: tuple[Column, ...]
    geometry_required: bool = True

    def column(self, name: str) -> Column:
        """Return the column of that name."""
        return next(c for c in self.columns if c.name == name)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all columns, in order."""
        return tuple(c.name for c in self.columns)


def _c(
    name: str,
    type_: ColumnType,
    zh: str,
    en: str,
    *,
    required: bool = False,
    choices: tuple[str, ...] = (),
    minimum: float | None = None,
    personal: bool = False,
) -> Column:
    return Column(name, type_, Text(zh, en), required, choices, minimum, personal)


_ID = _c("source_id", "text", "来源编号", "identifier in the source", required=True)

_REMOVED = _c("removed", "boolean", "已撤销或拆除", "gone: take it out of the base data")

AREA_LEVELS = ("jurisdiction", "town", "community")
GRID_KINDS = ("urban", "rural", "dedicated")
ESTATE_TYPES = ("commodity", "village_built", "unit_family")
BUILDING_USES = (
    "residential",
    "mixed",
    "commercial",
    "office",
    "school",
    "hospital",
    "public",
    "industrial",
    "shed",
    "other",
)
FIGURE_BASES = ("registered", "resident")
STATION_KINDS = (
    "center",
    "grid_station",
    "service_point",
    "courier_stop",
    "shop",
    "hearing_center",
    "mediation_room",
    "deliberation_point",
    "hub",
)
TENURES = ("new", "converted", "rented", "borrowed", "shared")
EIGHT_CHECKS = ("code", "sign", "facilities", "mechanism", "team", "activities", "services", "guarantee")
CHANNELS = ("hotline", "wechat", "box", "book", "visit", "patrol", "courier", "desk")
REQUEST_STATES = (
    "received",
    "dispatched",
    "accepted",
    "in_progress",
    "resolved",
    "closed",
    "returned",
    "suspended",
    "rejected",
    "duplicate",
    "withdrawn",
)
DUTY_ROLES = (
    "grid_leader",
    "grid_officer",
    "information_officer",
    "auxiliary",
    "building_chief",
    "unit_chief",
)
LANDUSES = ("park", "forest", "farmland", "grass", "square", "campus", "market", "industrial", "residential")
INPUT_CRS = ("EPSG:4326", "GCJ-02", "BD-09")

_KINDS = (
    Kind(
        "areas",
        Text("行政区域", "administrative areas"),
        ("polygon", "point"),
        (
            _ID,
            _c("code", "text", "区划代码", "division code"),
            _c("name", "text", "名称", "name", required=True),
            _c("level", "text", "级别", "level", required=True, choices=AREA_LEVELS),
            _c("parent_code", "text", "上级代码", "code of the parent"),
            _c("area_kind", "text", "城乡类别", "urban or rural", choices=("urban", "rural")),
        ),
    ),
    Kind(
        "streets",
        Text("道路和铁路", "streets and railways"),
        ("line",),
        (
            _ID,
            _c("name", "text", "名称", "name"),
            _c("highway", "text", "道路类别 (OSM)", "street class (OpenStreetMap highway value)"),
            _c("railway", "text", "铁路类别 (OSM)", "railway class (OpenStreetMap railway value)"),
            _c("service", "text", "内部路类别", "kind of service road"),
            _c("bridge", "boolean", "桥", "on a bridge"),
            _c("tunnel", "boolean", "隧道或下穿", "in a tunnel or underpass"),
            _c("covered", "boolean", "有顶", "covered, or through a building"),
            _c("layer", "integer", "层", "vertical layer"),
            _c("foot", "text", "步行许可", "foot access (yes, no, designated …)"),
            _c("access", "text", "通行许可", "general access (private, no …)"),
            _REMOVED,
        ),
    ),
    Kind(
        "water",
        Text("水系", "water"),
        ("polygon", "line"),
        (
            _ID,
            _c("name", "text", "名称", "name"),
            _c(
                "water_kind",
                "text",
                "类别",
                "kind",
                required=True,
                choices=("river", "canal", "stream", "ditch", "lake", "pond"),
            ),
            _c("tunnel", "boolean", "地下段", "underground"),
            _REMOVED,
        ),
    ),
    Kind(
        "landuse",
        Text("用地", "land use"),
        ("polygon",),
        (
            _ID,
            _c("name", "text", "名称", "name"),
            _c("landuse", "text", "类别", "kind", required=True, choices=LANDUSES),
            _REMOVED,
        ),
    ),
    Kind(
        "estates",
        Text("小区", "estates"),
        ("polygon",),
        (
            _ID,
            _c("name", "text", "小区名称", "name", required=True),
            _c("aliases", "list", "别名", "other names"),
            _c("estate_type", "text", "小区类型", "type", choices=ESTATE_TYPES),
            _c("property_management", "text", "物业", "property management"),
            _c("walled", "boolean", "有围墙", "walled"),
            _c("gates", "list", "大门 (经度 纬度)", "gates, each 'lon lat'"),
            _REMOVED,
        ),
    ),
    Kind(
        "buildings",
        Text("楼栋", "buildings"),
        ("polygon",),
        (
            _ID,
            _c("estate", "text", "小区名称", "name of the estate"),
            _c("number", "text", "楼号", "building number within the estate"),
            _c("name", "text", "名称", "name"),
            _c("use", "text", "用途", "use", choices=BUILDING_USES),
            _c("storeys", "integer", "层数", "storeys above ground", minimum=0),
            _c("height_m", "number", "高度 (米)", "height in metres", minimum=0),
            _c("entrances", "integer", "单元数", "entrances (units)", minimum=0),
            _c("street", "text", "道路名", "street of the address"),
            _c("house_number", "text", "门牌号", "house number"),
            _c("generated", "boolean", "生成数据", "generated, not surveyed"),
            _REMOVED,
        ),
    ),
    Kind(
        "households",
        Text("户数人口", "households and people"),
        (),
        (
            _c("building_source_id", "text", "楼栋来源编号", "source_id of the building"),
            _c("estate", "text", "小区名称", "name of the estate"),
            _c("number", "text", "楼号", "building number within the estate"),
            _c("households", "integer", "户数", "households", required=True, minimum=0),
            _c("people", "integer", "人数", "people", minimum=0),
            _c("basis", "text", "口径", "basis", required=True, choices=FIGURE_BASES),
            _c("figure_date", "date", "数据日期", "date of the figure", required=True),
            _c("figure_source", "text", "数据来源", "source of the figure"),
            _c("estimated", "boolean", "估算", "estimated"),
        ),
        geometry_required=False,
    ),
    Kind(
        "places",
        Text("单位商户", "places: firms, shops, institutions"),
        ("point", "polygon"),
        (
            _ID,
            _c("name", "text", "名称", "name", required=True),
            _c("place_type", "text", "类型", "type", choices=("shop", "institution", "settlement", "other")),
            _c("category", "text", "类别", "category"),
            _c("building_source_id", "text", "楼栋来源编号", "source_id of the building"),
            _REMOVED,
        ),
    ),
    Kind(
        "stations",
        Text("服务站点", "stations"),
        ("point",),
        (
            _ID,
            _c("name", "text", "名称", "name", required=True),
            _c("station_kind", "text", "类别", "kind", required=True, choices=STATION_KINDS),
            _c("tier", "integer", "层级", "tier: 1 main network, 2 supplementary", minimum=1),
            _c("services", "list", "服务事项", "services offered"),
            _c("opening_hours", "text", "开放时间 (OSM)", "opening hours (OpenStreetMap syntax)"),
            _c("tenure", "text", "房屋来源", "tenure", choices=TENURES),
            _c("rooms", "list", "功能室", "rooms"),
            _c("address", "text", "地址", "address"),
            *(
                _c(f"check_{name}", "boolean", zh, f"eight checks: {name}")
                for name, zh in zip(
                    EIGHT_CHECKS,
                    ("有编码", "有标识", "有设施", "有机制", "有队伍", "有活动", "有服务", "有保障"),
                    strict=True,
                )
            ),
            _REMOVED,
        ),
    ),
    Kind(
        "candidates",
        Text("备选点", "candidates for stations"),
        ("point",),
        (
            _ID,
            _c("name", "text", "名称", "name", required=True),
            _c("property_kind", "text", "房产类别", "kind of property"),
            _c("address", "text", "地址", "address"),
            _c("floor_area_m2", "number", "建筑面积 (平方米)", "floor area in square metres", minimum=0),
            _REMOVED,
        ),
    ),
    Kind(
        "nets",
        Text("专业网", "departmental nets"),
        ("polygon",),
        (
            _ID,
            _c("net", "text", "专业网名称", "name of the net", required=True),
            _c("department", "text", "部门", "department"),
            _c("code", "text", "片区代码", "code of the area"),
            _c("name", "text", "片区名称", "name of the area", required=True),
            _REMOVED,
        ),
    ),
    Kind(
        "grids",
        Text("网格", "grids"),
        ("polygon",),
        (
            _c("code", "text", "网格编码", "grid code", required=True),
            _c("name", "text", "网格名称", "name"),
            _c("level", "integer", "层级", "level: 1 highest", minimum=1),
            _c("grid_kind", "text", "类别", "kind", choices=GRID_KINDS),
            _c("parent_code", "text", "上级网格编码", "code of the parent grid"),
            _c("community_code", "text", "社区代码", "code of the community"),
        ),
    ),
    Kind(
        "people",
        Text("责任人", "people on duty"),
        (),
        (
            _ID,
            _c("label", "text", "岗位名称", "title shown to the public", required=True),
            _c("role", "text", "职责", "role", required=True, choices=DUTY_ROLES),
            _c("grid_code", "text", "网格编码", "grid code"),
            _c("building_source_id", "text", "楼栋来源编号", "source_id of the building"),
            _c("name", "text", "姓名", "name of the person", personal=True),
            _c("phone", "text", "电话", "telephone", personal=True),
            _c("public", "boolean", "可公开", "may be shown to the public"),
            _c("from_date", "date", "起始日期", "from"),
            _c("to_date", "date", "结束日期", "to"),
            _REMOVED,
        ),
        geometry_required=False,
    ),
    Kind(
        "requests",
        Text("诉求", "requests"),
        ("point",),
        (
            _c("source", "text", "来源系统", "source system", required=True),
            _c("source_ref", "text", "来源单号", "number in the source system", required=True),
            _c("channel", "text", "渠道", "channel", required=True, choices=CHANNELS),
            _c("category", "text", "类别", "category"),
            _c("title", "text", "标题", "title"),
            _c("description", "text", "内容", "description"),
            _c("state", "text", "状态", "state", choices=REQUEST_STATES),
            _c("lon", "number", "经度", "longitude as given, in degrees"),
            _c("lat", "number", "纬度", "latitude as given, in degrees"),
            _c("crs", "text", "坐标系", "coordinate system of lon, lat", choices=INPUT_CRS),
            _c("accuracy_m", "number", "精度 (米)", "accuracy in metres", minimum=0),
            _c("address_text", "text", "地址", "address as given"),
            _c("reported_at", "datetime", "上报时间", "reported at", required=True),
            _c("closed_at", "datetime", "办结时间", "closed at"),
        ),
        geometry_required=False,
    ),
)

KINDS: dict[str, Kind] = {kind.name: kind for kind in _KINDS}
