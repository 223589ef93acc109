"""Ranges of house numbers: as short as can be, and never with a number that goes elsewhere."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gridmap.core.plans.addresses import number_ranges

A, B = ("001", "002"), ("001", "003")


def told(*rows: tuple[str, str, object], sides: bool = True) -> list[tuple[object, str, str]]:
    found = number_ranges([r[0] for r in rows], [r[1] for r in rows], [r[2] for r in rows], sides=sides)
    return [(each.way, each.place, each.words.zh) for each in found]


def test_the_two_sides_of_a_street_are_ranges_of_their_own() -> None:
    rows = [("东风路", f"{n}号", A) for n in range(1, 9)]
    assert told(*rows) == [(A, "东风路", "2–8号(双号)"), (A, "东风路", "1–7号(单号)")]


def test_a_number_that_stays_or_goes_elsewhere_breaks_a_range() -> None:
    rows = [("东风路", f"{n}号", None if n == 5 else B if n == 9 else A) for n in range(1, 14, 2)]
    assert told(*rows) == [
        (A, "东风路", "1–3号(单号)"),
        (A, "东风路", "7号"),
        (B, "东风路", "9号"),
        (A, "东风路", "11–13号(单号)"),
    ]


def test_a_number_whose_buildings_go_different_ways_is_told_in_part() -> None:
    rows = [("东风路", "2号", A), ("东风路", "4号", A), ("东风路", "4号", None), ("东风路", "6号", A)]
    assert [words for _, _, words in told(*rows)] == ["2号", "4号(部分)", "6号"]


def test_buildings_of_an_estate_are_counted_through_and_letters_are_numbers_too() -> None:
    assert told(*[("春苑", f"{n}栋", A) for n in (10, 2, 1)], sides=False) == [(A, "春苑", "1–10栋")]
    assert told(*[("地质队", f"{c}座", A) for c in "HAB"], sides=False) == [(A, "地质队", "A–H座")]


def test_what_is_no_number_is_told_as_it_is() -> None:
    assert told(("东风路", "后院", A), ("东风路", "3号甲", A), ("东风路", "3号", A)) == [
        (A, "东风路", "3号–3号甲(单号)"),
        (A, "东风路", "后院"),
    ]


def test_the_english_words_say_the_same() -> None:
    (found,) = number_ranges(["东风路"] * 2, ["1号", "3号"], [A, A], sides=True)
    assert found.words.en == "1–3号 (odd)"


@given(st.lists(st.tuples(st.sampled_from("甲乙"), st.integers(1, 12), st.sampled_from([A, B, None])), max_size=30))
def test_every_building_that_goes_is_in_one_range_and_no_range_holds_another(
    buildings: list[tuple[str, int, tuple[str, str] | None]],
) -> None:
    found = number_ranges(
        [street for street, _, _ in buildings],
        [f"{n}号" for _, n, _ in buildings],
        [way for _, _, way in buildings],
        sides=True,
    )
    for way in (A, B):
        assert sum(each.buildings for each in found if each.way == way) == sum(w == way for _, _, w in buildings)
    for each in found:
        first, last = (int(n.removesuffix("号")) for n in (each.first, each.last))
        inside = {w for street, n, w in buildings if street == each.place and n in range(first, last + 1, 2)}
        assert each.way in inside
        assert each.shared or inside == {each.way}
