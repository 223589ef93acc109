"""What a jurisdiction may set for itself: sizes of grids, constants of estimates, time zone, the flag near borders."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from gridmap.model.kinds import KINDS
from gridmap.model.text import Text

__all__ = ["SETTINGS", "Recalculates", "Setting", "value_in"]

Recalculates = Literal["households", "nothing"]
_USES = KINDS["buildings"].column("use").choices
_BERLIN = Text("柏林城区试算 (44,997 户)", "trial on a Berlin quarter (44,997 households)")
_CENSUS = Text(
    "第七次全国人口普查公报 (第二号), 国家统计局, 2021-05-11",
    "seventh national census, communiqué no. 2, National Bureau of Statistics, 11 May 2021",
)
_USUAL = Text("本系统的约定", "a convention of this program")
_BAND = Text("网格规模的通行标准", "the usual standard of grid sizes")


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One setting.

    Attributes
    ----------
    name
        What it is called; ``households.X`` are the constants of estimates.
    type
        ``integer``, ``number``, ``zone`` (name of a time zone), ``use`` (one of ``choices``) or ``uses`` (some).
    default
        What holds where nothing was set; None: nothing.
    least, most
        Limits, both included; ``above`` and ``below`` are not included.
    source
        Where the default comes from.
    recalculates
        What a change makes anew; everything else reads the setting each time it is needed.
    """

    name: str
    title: Text
    type: Literal["integer", "number", "zone", "use", "uses"]
    default: Any
    source: Text
    unit: str = ""
    least: float | None = None
    most: float | None = None
    above: float | None = None
    below: float | None = None
    choices: tuple[str, ...] = ()
    recalculates: Recalculates = "nothing"

    @property
    def takes(self) -> Text:
        """Return what values it takes, in words."""
        if self.type == "zone":
            return Text("时区名称, 如 Asia/Shanghai", "the name of a time zone, such as Asia/Shanghai")
        if self.choices:
            words = "、".join(self.choices), ", ".join(self.choices)
            several = self.type == "uses"
            return Text(
                ("以下各项, 逗号分隔: " if several else "以下之一: ") + words[0],
                ("some of these, with commas between: " if several else "one of ") + words[1],
            )
        whole = ("整数", "a whole number") if self.type == "integer" else ("数", "a number")
        limits = [
            (zh.format(f"{limit:,.10g}"), en.format(f"{limit:,.10g}"))
            for limit, zh, en in (
                (self.above, "大于 {}", "above {}"),
                (self.least, "不小于 {}", "at least {}"),
                (self.below, "小于 {}", "below {}"),
                (self.most, "不大于 {}", "at most {}"),
            )
            if limit is not None
        ]
        return Text(
            whole[0] + "".join(f", {zh}" for zh, _ in limits), whole[1] + "".join(f", {en}" for _, en in limits)
        )


SETTINGS: dict[str, Setting] = {
    setting.name: setting
    for setting in (
        Setting(
            name="time_zone",
            title=Text("时区: 日期从何时开始", "time zone: when a day begins"),
            type="zone",
            default="Asia/Shanghai",
            source=_USUAL,
        ),
        Setting(
            name="household_target",
            title=Text("城市网格的标准户数", "households that an urban grid should have"),
            type="integer",
            default=300,
            source=_BAND,
            least=1,
            most=100_000,
        ),
        Setting(
            name="household_tolerance",
            title=Text("户数的允许偏差 (上下各)", "share above and below the target that is accepted"),
            type="number",
            default=0.30,
            source=_USUAL,
            above=0,
            below=1,
        ),
        Setting(
            name="people_target",
            title=Text("城市网格的标准人数", "people that an urban grid should have"),
            type="integer",
            default=1_000,
            source=_BAND,
            least=1,
            most=1_000_000,
        ),
        Setting(
            name="near_boundary_m",
            title=Text("距网格边界多近时提示", "how near to its grid's border a point is flagged"),
            type="number",
            default=None,
            source=Text("未设置时用 GRIDMAP_NEAR_BOUNDARY_M", "where not set, GRIDMAP_NEAR_BOUNDARY_M"),
            unit="m",
            least=0,
            most=1000,
        ),
        Setting(
            name="open_requests",
            title=Text(
                "新版生效时未办结的诉求: follow 随网格移交, stay 留在原网格至办结",
                "open requests when an edition comes into force: follow their grid, or stay with the old team",
            ),
            type="use",
            default="follow",
            source=_USUAL,
            choices=("follow", "stay"),
        ),
        Setting(
            name="households.net_factor",
            title=Text("套内面积占建筑面积之比", "net dwelling area per gross floor area"),
            type="number",
            default=0.8,
            source=_BERLIN,
            above=0,
            most=1,
            recalculates="households",
        ),
        Setting(
            name="households.area_per_household_m2",
            title=Text("户均套内面积", "net area of one household"),
            type="number",
            default=75.0,
            source=_BERLIN,
            unit="m²",
            least=5,
            most=1000,
            recalculates="households",
        ),
        Setting(
            name="households.people_per_household",
            title=Text("户均人数", "people per household"),
            type="number",
            default=2.62,
            source=_CENSUS,
            above=0,
            most=20,
            recalculates="households",
        ),
        Setting(
            name="households.storey_height_m",
            title=Text("层高 (只知楼高时)", "height of a storey, where only the building's height is known"),
            type="number",
            default=3.0,
            source=_USUAL,
            unit="m",
            least=2,
            most=10,
            recalculates="households",
        ),
        Setting(
            name="households.default_storeys",
            title=Text("层数和楼高都不知道时的层数", "storeys where neither they nor any height are known"),
            type="integer",
            default=1,
            source=Text("宁少勿编", "rather too low than invented"),
            least=1,
            most=100,
            recalculates="households",
        ),
        Setting(
            name="households.inhabited_uses",
            title=Text("住人的用途", "uses whose floors are dwellings"),
            type="uses",
            default=("residential", "mixed"),
            source=_USUAL,
            choices=_USES,
            recalculates="households",
        ),
        Setting(
            name="households.unknown_use",
            title=Text("用途不明的楼栋按何用途估算", "the use that a building without one is taken to have"),
            type="use",
            default=None,
            source=Text("未设置时不估算", "where not set, it is estimated as empty"),
            choices=_USES,
            recalculates="households",
        ),
    )
}


def value_in(settings: Mapping[str, Any], name: str) -> Any:
    """Return what a jurisdiction has set, None where it set nothing; not for the time zone, which is a column.

    Examples
    --------
    >>> value_in({"households": {"net_factor": 0.7}}, "households.net_factor")
    0.7
    >>> value_in({}, "household_target") is None
    True
    """
    group, _, inner = name.rpartition(".")
    return (settings.get(group, {}) if group else settings).get(inner)
