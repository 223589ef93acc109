"""Invented names: two syllables that make no real place or person, drawn without repetition."""

from __future__ import annotations

import numpy as np

_FIRST = "澄岚栖砚霁榆溯蔚芷岫泠湛葭枫樾泊浣澍砺菘岑沅珩漪筠陌栎璟琅霖淙瀚淏槿梓菡骊"
_SECOND = "湾岭坪溪洲畔渡坞陂原汀麓峪泽堤埠岗渚屿浦涧屏埕畈岬沚甸塬堰隅"
_ESTATE_END = ("苑", "园", "里", "家园", "花园", "小区", "新村", "庭", "居", "公寓")
_UNITS = ("纺织厂", "农机厂", "印刷厂", "运输站", "粮管所", "供销社", "地质队", "面粉厂", "陶瓷厂", "电厂")
_COMMUNITY = ("霁岚砚芷榆澄菘筠珩溯漪蔚", "云弦池岸荫心台庭汀陌笙朗")
_STREET_END = ("路", "街", "大道")
_MAINS = (
    "砚清", "栖岚", "霁阳", "榆砚", "澄砚", "芷岚", "岫云", "湛漪", "溯川", "蔚然", "枫台", "筠阳", "泠泉", "浣澜",
    "樾林", "砺石", "菘园", "珩山", "漪园", "葭洲", "泊舟", "澍雨", "岑阳", "沅浦",
)  # fmt: skip
_SURNAMES = "钱申柏巫甄闵阚鄢郇佘宓蔚逄眭冼"
_GIVEN_A = "砚澄岚芷溯蔚霁榆泠湛枫筠珩漪栎葭"
_GIVEN_B = "舟禾川屏澜牧笺帆野棠朗稷弦庐汀洛"
SHOP_KINDS = (
    ("面馆", "餐饮"), ("早点铺", "餐饮"), ("小吃店", "餐饮"), ("茶馆", "餐饮"), ("超市", "零售"), ("便利店", "零售"),
    ("水果店", "零售"), ("五金店", "零售"), ("药店", "药品"), ("理发店", "服务"), ("修车铺", "服务"),
    ("裁缝铺", "服务"),
    ("文具店", "零售"), ("打印社", "服务"), ("快递点", "快递"),
    ("服装店", "零售"), ("花店", "零售"), ("家电维修", "服务"),
)  # fmt: skip
INSTITUTION_KINDS = (
    ("小学", "学校", "school"), ("幼儿园", "学校", "school"), ("初级中学", "学校", "school"),
    ("卫生服务站", "医疗", "hospital"), ("人民医院", "医疗", "hospital"), ("派出所", "机关", "public"),
    ("供电所", "企业", "office"), ("税务所", "机关", "office"), ("文化馆", "文化", "public"),
    ("敬老院", "民政", "public"), ("邮政所", "企业", "office"), ("信用社", "企业", "office"),
    ("自来水厂", "企业", "industrial"), ("司法所", "机关", "public"), ("图书室", "文化", "public"),
    ("粮库", "企业", "industrial"), ("消防站", "机关", "public"), ("老年活动中心", "民政", "public"),
)  # fmt: skip
DIGITS = "零一二三四五六七八九十"


def numeral(n: int) -> str:
    """Return a Chinese numeral for 1 to 999."""
    hundreds, rest = divmod(n, 100)
    tens, ones = divmod(rest, 10)
    if hundreds:
        middle = DIGITS[tens] + ("十" if tens else "") if rest else ""
        return DIGITS[hundreds] + "百" + middle + (DIGITS[ones] if ones else "")
    if tens == 0:
        return DIGITS[ones]
    return ("" if tens == 1 else DIGITS[tens]) + "十" + (DIGITS[ones] if ones else "")


class Names:
    """Hands out names, each once."""

    def __init__(self, rng: np.random.Generator) -> None:
        pairs = [a + b for a in _FIRST for b in _SECOND]
        self._pairs = [pairs[k] for k in rng.permutation(len(pairs))]
        self._next = 0
        self._used: set[str] = set()
        self._rng = rng
        self._mains = 0
        communities = [a + b for a in _COMMUNITY[0] for b in _COMMUNITY[1]]
        self._communities = [communities[k] for k in rng.permutation(len(communities))]
        self._persons = [s + a + b for s in _SURNAMES for a in _GIVEN_A for b in _GIVEN_B]
        self._person_order = rng.permutation(len(self._persons))
        self._person = 0

    def _pair(self) -> str:
        """Return a fresh two-syllable word; after all are used, with a third syllable."""
        n = len(self._pairs)
        turn, k = divmod(self._next, n)
        self._next += 1
        again, third = divmod(turn - 1, len(_FIRST))
        ending = "" if turn == 0 else _FIRST[third] * (1 + again)
        return str(self._pairs[k]) + ending

    def estate(self, estate_type: str) -> str:
        """Return the name of an estate."""
        if estate_type == "unit_family":
            return self._pair() + str(self._rng.choice(_UNITS)) + "家属院"
        ends = _ESTATE_END[-4:] if estate_type == "village_built" else _ESTATE_END
        return self._pair() + str(self._rng.choice(ends))

    def main_street(self) -> str:
        """Return the name of a main street."""
        k = self._mains
        self._mains += 1
        if k < len(_MAINS):
            return _MAINS[k] + _STREET_END[k % 3]
        return self._pair() + _STREET_END[k % 3]

    def side_street(self) -> str:
        """Return the name of a side street."""
        return self._pair() + ("路" if self._rng.random() < 0.5 else "街")  # noqa: PLR2004

    def lane(self) -> str:
        """Return the name of a lane."""
        return self._pair() + ("巷" if self._rng.random() < 0.8 else "胡同")  # noqa: PLR2004

    def village(self) -> str:
        """Return the name of a village."""
        return self._pair() + ("村" if self._rng.random() < 0.7 else "庄")  # noqa: PLR2004

    def community(self) -> str:
        """Return the name of a community without its ending."""
        return self._communities.pop() if self._communities else self._pair()

    def town(self) -> str:
        """Return the name of a town without its ending."""
        return self._pair()

    def firm(self) -> str:
        """Return the name of a shop or firm without its trade."""
        return self._pair()

    def person(self) -> str:
        """Return the name of a person on duty."""
        k = self._person_order[self._person % len(self._persons)]
        self._person += 1
        return str(self._persons[k])

    def phone(self) -> str:
        """Return a telephone number that cannot exist: it begins with 000."""
        return f"000-{int(self._rng.integers(0, 10_000_000)):07d}"
