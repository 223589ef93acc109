"""Other words for our columns and values, as county files really call them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

from gridmap.model.kinds import EIGHT_CHECKS

__all__ = ["COLUMNS", "LATITUDE", "LONGITUDE", "VALUES", "WKT", "plain"]

_ASIDE = re.compile(r"[(（\[【].*?[)）\]】]")
_JOINTS = re.compile(r"[\s_\-./·:：*]+")


def plain(word: str) -> str:
    """Return a column name without case, width, blanks, joints and remarks in brackets."""
    folded = unicodedata.normalize("NFKC", word).casefold()
    return _JOINTS.sub("", _ASIDE.sub("", folded))


LONGITUDE = ("lon", "lng", "long", "longitude", "经度", "东经", "x", "xcoord", "coordx", "wgs84lon", "point_x")
LATITUDE = ("lat", "latitude", "纬度", "北纬", "y", "ycoord", "coordy", "wgs84lat", "point_y")
WKT = ("geometry", "geom", "wkt", "the_geom", "shape", "几何", "wktgeom")

_NAME = ("名称", "name", "title", "全称")
_ID = ("source_id", "id", "osm_id", "uid", "uuid", "gid", "objectid", "来源编号", "编号", "标识", "唯一编号", "序号")

COLUMNS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "*": {
        "source_id": _ID,
        "name": _NAME,
        "removed": ("已拆除", "已撤销", "删除"),
        "address": ("地址", "详细地址", "address"),
        "estate": ("小区", "小区名", "小区名称", "院落", "院落名称", "estate"),
        "number": ("楼号", "栋号", "楼栋号", "幢号", "楼栋", "楼栋编号", "building_no"),
        "building_source_id": ("楼栋id", "楼栋来源编号", "建筑编号", "building_id"),
        "grid_code": ("网格编码", "网格编号", "网格代码", "所属网格编码"),
        "lon": LONGITUDE,
        "lat": LATITUDE,
    },
    "areas": {
        "code": ("区划代码", "行政区划代码", "统计用区划代码", "代码", "division_code", "adcode"),
        "name": (*_NAME, "社区名称", "村名", "街道名称", "乡镇名称", "区划名称"),
        "level": ("级别", "层级", "类型"),
        "parent_code": ("上级代码", "上级区划代码"),
        "area_kind": ("城乡类别", "城乡分类"),
    },
    "streets": {
        "name": (*_NAME, "道路名称", "路名", "street"),
        "highway": ("fclass", "道路等级", "道路类别", "class", "road_class"),
        "bridge": ("is_bridge", "桥梁"),
        "tunnel": ("is_tunnel", "隧道"),
    },
    "water": {"name": (*_NAME, "河流名称", "水系名称"), "water_kind": ("类别", "类型", "fclass")},
    "landuse": {"landuse": ("用地性质", "用地类型", "类别", "fclass")},
    "estates": {
        "name": ("小区名称", "小区名", "小区", "院落名称", *_NAME),
        "aliases": ("别名", "曾用名", "俗称"),
        "estate_type": ("小区类型", "类型"),
        "property_management": ("物业", "物业公司", "物业名称", "物业服务企业"),
        "walled": ("围墙", "封闭小区", "是否封闭"),
    },
    "buildings": {
        "name": (*_NAME, "楼名", "建筑名称", "楼宇名称"),
        "use": ("用途", "建筑用途", "房屋用途", "性质"),
        "storeys": ("层数", "楼层", "楼层数", "总层数", "地上层数", "building:levels", "levels", "floors"),
        "height_m": ("高度", "建筑高度", "height", "楼高"),
        "entrances": ("单元数", "单元", "门洞数"),
        "street": ("路名", "道路名", "街路巷", "addr:street"),
        "house_number": ("门牌号", "门牌", "addr:housenumber"),
    },
    "households": {
        "households": ("户数", "总户数", "住户数"),
        "people": ("人数", "人口", "人口数", "总人口", "常住人口"),
        "basis": ("口径", "统计口径"),
        "figure_date": ("数据日期", "统计日期", "日期", "截止日期"),
        "figure_source": ("数据来源", "来源"),
        "estimated": ("估算", "是否估算"),
    },
    "places": {
        "name": (*_NAME, "单位名称", "商户名称", "机构名称", "店名", "企业名称"),
        "place_type": ("类型", "单位类型"),
        "category": ("类别", "行业", "行业类别"),
    },
    "stations": {
        "name": (*_NAME, "站点名称", "驿站名称", "中心名称"),
        "station_kind": ("类别", "站点类别", "站点类型", "类型"),
        "tier": ("层级",),
        "services": ("服务事项", "服务内容", "服务项目"),
        "opening_hours": ("开放时间", "营业时间", "服务时间"),
        "tenure": ("房屋来源", "建设方式"),
        "rooms": ("功能室", "功能用房"),
        **{f"check_{name}": () for name in EIGHT_CHECKS},
    },
    "candidates": {
        "name": (*_NAME, "房产名称"),
        "property_kind": ("房产类别", "房产性质"),
        "floor_area_m2": ("建筑面积", "面积"),
    },
    "nets": {
        "net": ("专业网名称", "专业网", "网名"),
        "department": ("部门", "主管部门", "所属部门"),
        "code": ("片区代码", "片区编号", "代码", "编码"),
        "name": ("片区名称", *_NAME),
    },
    "grids": {
        "code": ("网格编码", "网格代码", "网格编号", "编码", "代码", "编号", "grid_code", "grid_id"),
        "name": ("网格名称", *_NAME),
        "level": ("层级", "网格层级", "级别"),
        "grid_kind": ("类别", "网格类型", "网格类别", "类型"),
        "parent_code": ("上级网格编码", "上级编码", "上级网格"),
        "community_code": ("社区代码", "社区编码", "所属社区代码"),
    },
    "people": {
        "label": ("岗位名称", "岗位", "职务"),
        "role": ("职责", "角色"),
        "name": ("姓名",),
        "phone": ("电话", "联系电话", "手机", "手机号", "联系方式", "mobile", "tel"),
        "public": ("可公开", "是否公开"),
        "from_date": ("起始日期", "任职日期", "开始日期"),
        "to_date": ("结束日期", "离任日期"),
    },
    "requests": {
        "source": ("来源系统", "来源"),
        "source_ref": ("来源单号", "工单编号", "工单号", "编号", "流水号", "gdbh"),
        "channel": ("渠道", "来源渠道", "受理渠道"),
        "category": ("类别", "诉求类别", "事项分类", "问题类别"),
        "title": ("标题", "诉求标题", "工单标题"),
        "description": ("内容", "诉求内容", "问题描述", "描述", "工单内容"),
        "state": ("状态", "工单状态", "办理状态", "gdzt"),
        "crs": ("坐标系",),
        "accuracy_m": ("精度", "定位精度"),
        "address_text": ("地址", "事发地址", "发生地址", "诉求地址", "address"),
        "reported_at": ("上报时间", "来电时间", "诉求时间", "受理时间", "创建时间"),
        "closed_at": ("办结时间", "结案时间", "完成时间"),
    },
}
"""Kind (``*``: every kind) → our column → other names; earlier names are better."""


def _words(**ours: str) -> dict[str, str]:
    return {plain(word): value for value, words in ours.items() for word in words.split()}


VALUES: Mapping[tuple[str, str], Mapping[str, str]] = {
    ("areas", "level"): _words(
        jurisdiction="县 区 市 县级 区县 county district",
        town="街道 乡 镇 乡镇 town township subdistrict",
        community="社区 村 居委会 村委会 行政村 village neighbourhood neighborhood",
    ),
    ("areas", "area_kind"): _words(urban="城市 城镇 社区 城", rural="农村 乡村 村 乡"),
    ("grids", "grid_kind"): _words(
        urban="城市 城市社区网格 社区网格 城镇", rural="农村 农村网格 乡村 村网格", dedicated="专属 专属网格 专有网格"
    ),
    ("water", "water_kind"): _words(
        river="河 河流 江 riverbank",
        canal="渠 运河 渠道",
        stream="溪 小溪",
        ditch="沟 沟渠 drain",
        lake="湖 湖泊 水库 reservoir",
        pond="塘 池塘 坑塘 basin",
    ),
    ("landuse", "landuse"): _words(
        park="公园 绿地 garden",
        forest="林地 林 wood",
        farmland="耕地 农田 orchard",
        grass="草地 meadow",
        square="广场",
        campus="校园 学校 school university",
        market="市场 marketplace",
        industrial="工业 工业用地",
        residential="居住 住宅 居住用地",
    ),
    ("estates", "estate_type"): _words(
        commodity="商品房 商品房小区 大产权 大产权小区",
        village_built="村建 村建小区 小产权",
        unit_family="单位家属院 家属院 单位家属小区 单位小区",
    ),
    ("households", "basis"): _words(registered="户籍 户籍人口", resident="常住 常住人口 实有"),
    ("places", "place_type"): _words(
        shop="商户 商铺 门店 个体",
        institution="机构 单位 事业单位",
        settlement="自然村 聚落 村民小组",
        other="其他 其它",
    ),
    ("stations", "station_kind"): _words(
        center="党群服务中心 中心",
        grid_station="网格驿站 党群服务驿站 驿站",
        service_point="服务站点 党群服务站 服务站",
        courier_stop="城市驿站 快递驿站",
        shop="商铺 门店",
        hearing_center="听证中心",
        mediation_room="调解室",
        deliberation_point="议事点 议起当家点",
        hub="综治中心",
    ),
    ("stations", "tenure"): _words(new="新建", converted="改造", rented="租用", borrowed="借用", shared="共用"),
    ("people", "role"): _words(
        grid_leader="网格长",
        grid_officer="专职网格员 网格员",
        information_officer="网格信息员 信息员 兼职网格员",
        auxiliary="辅助力量",
        building_chief="楼栋长",
        unit_chief="单元长",
    ),
    ("requests", "channel"): _words(
        hotline="热线 12345 电话",
        wechat="微信 微信群",
        box="意见箱 意见收集箱",
        book="议事簿 居民议事簿",
        visit="入户 走访 入户走访",
        patrol="巡查 网格巡查",
        courier="快递 快递小哥 外卖",
        desk="窗口 前台",
    ),
    ("requests", "state"): _words(
        received="点单 已受理 待派单",
        dispatched="派单 下单 分单 已派单",
        accepted="接单 领单 签收 已签收",
        in_progress="办理中 处理中",
        resolved="办结 已办结",
        closed="评单 回访 销号 已关闭 已归档",
        returned="退单 已退回",
        suspended="挂起 转例会",
        rejected="不予受理 驳回",
        duplicate="重复",
        withdrawn="撤回 撤销",
    ),
    ("requests", "crs"): _words(
        **{
            "EPSG:4326": "wgs84 wgs-84 epsg:4326 4326 4490 epsg:4490 cgcs2000 国家2000",
            "GCJ-02": "gcj02 gcj-02 火星 火星坐标 高德",
            "BD-09": "bd09 bd-09 百度 百度坐标",
        }
    ),
}
"""(kind, column) → another word for a value → our value; words compare as :func:`plain` makes them."""
