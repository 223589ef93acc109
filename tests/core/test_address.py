from __future__ import annotations

import doctest

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gridmap.core import address
from gridmap.core.address import AddressBook, BuildingEntry, EstateEntry, building_key

ESTATES = (
    EstateEntry("江南水都", ("水都花园",)),
    EstateEntry("阳光小区"),
    EstateEntry("阳光小区A区"),
    EstateEntry("三里河新村"),
    EstateEntry("三里河新村一"),
    EstateEntry("清岩花园"),
    EstateEntry("1号院"),
    EstateEntry("和园", ("老和园",)),
    EstateEntry("德胜苑", ("老和园",)),
)
NUMBERS = {
    "江南水都": ["1栋", "5栋", "12号楼", "32幢", "A座", "甲3号楼", "5A", "二期5栋", "105栋"],
    "阳光小区": ["5", "7"],
    "阳光小区A区": ["5"],
    "三里河新村": ["2", "12"],
    "三里河新村一": ["2", "12"],
    "清岩花园": ["3-1", "4", "4-1", "6"],
    "1号院": ["3号楼"],
}
BUILDINGS = tuple(
    BuildingEntry(i, estate, number)
    for i, (estate, number) in enumerate((e, n) for e, numbers in NUMBERS.items() for n in numbers)
)
AREAS = ("山西省", "清岩县", "城关镇", "东湖社区", "江南水都社区")
BOOK = AddressBook(ESTATES, BUILDINGS, areas=AREAS, streets=("建设路", "大学城环线"))
BY_ID = {b.id: b for b in BUILDINGS}


def found(text):
    match = BOOK.match(text)
    assert match.kind == "building", (text, match)
    building = BY_ID[match.building_id]
    return building.estate, building.number


@pytest.mark.parametrize(
    ("text", "estate", "number"),
    [
        ("江南水都5栋", "江南水都", "5栋"),
        ("江南水都五栋二单元", "江南水都", "5栋"),
        ("江南水都十二栋", "江南水都", "12号楼"),
        ("江南水都三十二号楼", "江南水都", "32幢"),
        ("江南水都一百零五幢", "江南水都", "105栋"),
        ("江南水都 ５＃２－５０１", "江南水都", "5栋"),
        ("江南水都5-2-501", "江南水都", "5栋"),
        ("江南水都 5 2单元 501室", "江南水都", "5栋"),
        ("江南水都5号", "江南水都", "5栋"),
        ("江南水都5号楼二单元三楼东户", "江南水都", "5栋"),
        ("江南水都05栋", "江南水都", "5栋"),
        ("江南水都A座1702", "江南水都", "A座"),
        ("江南水都a座", "江南水都", "A座"),
        ("江南水都甲3号楼", "江南水都", "甲3号楼"),
        ("江南水都5A栋", "江南水都", "5A"),
        ("江南水都二期5栋", "江南水都", "二期5栋"),
        ("江南水都小区5栋", "江南水都", "5栋"),
        ("江南水都，5栋，2单元，501", "江南水都", "5栋"),
        ("江南水都(5栋)门口", "江南水都", "5栋"),
        ("水都花园5栋", "江南水都", "5栋"),
        ("山西省清岩县城关镇东湖社区江南水都5栋", "江南水都", "5栋"),
        ("清岩县城关镇江南水都5栋", "江南水都", "5栋"),
        ("江南水都社区居委会江南水都5栋", "江南水都", "5栋"),
        ("清岩城关东湖社区居委会建设路1号江南水都5栋", "江南水都", "5栋"),
        ("大学城环线12号江南水都5栋", "江南水都", "5栋"),
        ("我家住在江南水都5栋", "江南水都", "5栋"),
        ("阳光7栋", "阳光小区", "7"),
        ("阳光小区5", "阳光小区", "5"),
        ("阳光小区A区5栋", "阳光小区A区", "5"),
        ("三里河新村12栋", "三里河新村", "12"),
        ("三里河新村一12栋", "三里河新村一", "12"),
        ("三里河新村一，十二栋", "三里河新村一", "12"),
        ("清岩花园6栋", "清岩花园", "6"),
        ("清岩县清岩花园6栋", "清岩花园", "6"),
        ("清岩花园3-1", "清岩花园", "3-1"),
        ("清岩花园3-1-501", "清岩花园", "3-1"),
        ("清岩花园4-1栋", "清岩花园", "4-1"),
        ("一号院3号楼", "1号院", "3号楼"),
        ("建设路1号院3号楼", "1号院", "3号楼"),
    ],
)
def test_a_building_that_is_named_exactly_is_found(text, estate, number):
    assert found(text) == (estate, number)


@pytest.mark.parametrize(
    ("text", "kind", "reason"),
    [
        (None, "none", "empty"),
        ("  ，", "none", "empty"),
        ("东升小区5栋", "none", "unknown_estate"),
        ("江南水都花园5栋", "none", "unknown_estate"),
        ("新江南水都5栋", "none", "unknown_prefix"),
        ("平顺县江南水都5栋", "none", "unknown_prefix"),
        ("平顺县建设路1号江南水都5栋", "none", "unknown_prefix"),
        ("老和园5栋", "none", "ambiguous_estate"),
        ("江南水都" * 200, "none", "unknown_estate"),
        ("江南水都社区5栋", "none", "unknown_estate"),
        ("江南水都", "estate", "no_number"),
        ("江南水都小区", "estate", "no_number"),
        ("江南水都楼道灯坏了", "estate", "no_number"),
        ("江南水都5单元", "estate", "no_number"),
        ("江南水都5楼", "estate", "no_number"),
        ("江南水都501室", "estate", "no_number"),
        ("江南水都99栋", "estate", "unknown_number"),
        ("江南水都三期5栋", "estate", "unknown_number"),
        ("江南水都5-12栋", "estate", "unknown_number"),
        ("江南水都5、12栋", "estate", "several_buildings"),
        ("江南水都5栋、12栋", "estate", "several_buildings"),
        ("江南水都5栋和12栋之间", "estate", "several_buildings"),
        ("江南水都5栋-12栋", "estate", "several_buildings"),
        ("江南水都5栋和12", "estate", "several_buildings"),
        ("江南水都对面5栋", "estate", "beside"),
        ("江南水都5栋对面", "estate", "beside"),
        ("江南水都5栋东侧", "estate", "beside"),
        ("清岩花园4-1", "estate", "ambiguous_number"),
    ],
)
def test_what_is_not_certain_is_not_guessed_and_says_why(text, kind, reason):
    match = BOOK.match(text)
    assert (match.kind, match.reason, match.building_id) == (kind, reason, None)


def test_the_unit_is_read_and_the_room_is_not_kept():
    assert BOOK.match("江南水都5栋二单元501").unit == "2"
    assert BOOK.match("江南水都5#2-501").unit == "2"
    assert BOOK.match("江南水都5-2-501").unit == "2"
    assert BOOK.match("江南水都5栋甲单元").unit == "甲"
    assert BOOK.match("江南水都5栋501").unit is None
    assert "501" not in repr(BOOK.match("江南水都5栋2单元501"))


def test_namesakes_are_told_apart_by_the_community_or_not_at_all():
    book = AddressBook(
        [EstateEntry("和园")],
        [
            BuildingEntry(1, "和园", "5栋", ("东湖社区", "城关镇")),
            BuildingEntry(2, "和园", "5号楼", ("西湖社区", "龙溪镇")),
            BuildingEntry(3, "和园", "6栋", ("西湖社区", "龙溪镇")),
        ],
        areas=["清岩县"],
    )
    assert book.match("东湖社区和园5栋").building_id == 1
    assert book.match("清岩县龙溪镇和园5栋").building_id == 2
    assert book.match("龙溪和园五栋").building_id == 2
    assert book.match("清岩县和园5栋").candidates == (1, 2)
    assert book.match("和园5栋").reason == "ambiguous_number"
    assert book.match("清岩县和园6栋").building_id == 3
    assert book.match("东湖社区和园6栋").reason == "area_differs"


def test_the_same_number_twice_in_one_estate_is_ambiguous():
    book = AddressBook([], [BuildingEntry(1, "和园", "5栋"), BuildingEntry(2, "和园", "5号楼")])
    assert book.match("和园5栋").candidates == (1, 2)


_MARKS = st.sampled_from(["栋", "幢", "号楼", "座", "#", "＃", " 栋"])
_CHINESE = dict(zip("0123456789", "零一二三四五六七八九", strict=True))


def in_chinese(number):
    tens, ones = divmod(number, 10)
    if not tens:
        return _CHINESE[str(ones)]
    return ("" if tens == 1 else _CHINESE[str(tens)]) + "十" + (_CHINESE[str(ones)] if ones else "")


@settings(max_examples=150)
@given(
    number=st.integers(1, 99),
    estate=st.sampled_from(["东升小区", "裕丰苑", "磷肥厂宿舍", "二中家属院"]),
    prefix=st.sampled_from(
        ["", "清岩县", "清岩县城关镇", "城关镇东湖社区", "山西省清岩县", "清岩县建设路12号", "地址："]
    ),
    gap=st.sampled_from(["", " ", "　", "，", "小区", "-"]),
    style=st.sampled_from(["digits", "full width", "chinese", "zero"]),
    mark=_MARKS,
    tail=st.sampled_from(
        ["", "2单元", "二单元501室", "-2-501", "2-501", " 501", "1702", "3楼", "门口", "，2单元，301"]
    ),
)
def test_a_building_is_found_through_all_usual_noise(*, number, estate, prefix, gap, style, mark, tail):
    assume(not (gap == "小区" and estate.endswith("小区")))
    written = {
        "digits": str(number),
        "full width": "".join(chr(ord(c) + 0xFEE0) for c in str(number)),
        "chinese": in_chinese(number),
        "zero": f"{number:03d}",
    }[style]
    buildings = [BuildingEntry(n, e, f"{n}栋") for n in range(1, 100) for e in (estate,)]
    book = AddressBook([EstateEntry(estate)], buildings, areas=AREAS)
    match = book.match(f"{prefix}{estate}{gap}{written}{mark}{tail}")
    assert (match.kind, match.building_id) == ("building", number)


@given(st.text("江南水都阳光小区新村一二十5129A甲栋幢号楼座#-单元室，、和对面 期院内", max_size=16))
def test_an_answer_always_carries_the_number_that_was_written(text):
    match = BOOK.match("江南水都" + text)
    if match.kind == "building":
        building = BY_ID[match.building_id]
        assert building_key(building.number) == match.number
        assert match.reason == "exact"
    else:
        assert match.building_id is None


@given(st.text(max_size=80))
def test_no_text_breaks_the_reader(text):
    for line in (text, "江南水都" + text, text + "江南水都5栋", "清岩县" + text):
        assert BOOK.match(line).kind in ("building", "estate", "none")


def test_a_very_long_numeral_is_no_number():
    assert BOOK.match("江南水都" + "一" * 250 + "栋").kind != "building"


def test_the_examples_in_the_documentation_hold():
    assert doctest.testmod(address).failed == 0
