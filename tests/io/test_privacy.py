"""Telephone and identity numbers are found in the ways people write them, and other numbers are left alone."""

from __future__ import annotations

import pytest

from gridmap.io.privacy import mask


@pytest.mark.parametrize(
    "number",
    [
        "13800138000",
        "138 0013 8000",
        "138-0013-8000",
        "+86 13800138000",
        "8613800138000",
        "１３８００１３８０００",
        "0563-5022110",
        "(0563)5022110",
        "010 62345678",
        "4008001234",
        "400-800-1234",
        "11010519491231002X",
        "11010519491231002x",
        "110105 19491231 0021",
    ],
)
def test_a_number_that_reaches_a_person_is_masked(number: str) -> None:
    masked, count = mask(f"请联系{number},谢谢")
    assert count == 1
    assert not any(c.isdigit() for c in masked)


@pytest.mark.parametrize(
    "text",
    [
        "建设路1号3栋2单元501室",
        "工单 20251122000123456789",
        "积水 20 厘米,2025-11-22 08:00",
        "坐标 117.203456, 28.301234",
        "990101001001001",
        "面积12345678平方米",
    ],
)
def test_other_numbers_are_left_alone(text: str) -> None:
    assert mask(text) == (text, 0)


def test_a_short_number_is_masked_only_where_the_words_say_that_it_is_one() -> None:
    assert mask("电话5022110") == ("电话[电话]", 1)
    assert mask("联系:5022110") == ("联系:[电话]", 1)
    assert mask("编号5022110") == ("编号5022110", 0)
