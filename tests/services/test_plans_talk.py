"""Comments on a plan, a grid, a point; and how the scores of a plan went, operation by operation (see town)."""

from __future__ import annotations

import pytest

from gridmap.errors import InputError, NotFound
from gridmap.services import planlife
from gridmap.services.plancomments import MOST_WORDS, comment, comments, settle
from gridmap.services.plans import PlanDesk
from gridmap.services.rebasing import rebase
from gridmap.store.database import Place
from tests.services import town
from tests.services.test_plans import NE, NW, SW, give
from tests.services.test_plans_published import published, rows

HOSTILE = '<script>alert(1)</script>\'; DROP TABLE gridmap.plan; --\n=HYPERLINK("x")'


@pytest.fixture
def desk(town_place: Place) -> PlanDesk:
    return PlanDesk(town_place)


@pytest.fixture
def plan(desk: PlanDesk) -> int:
    return int(desk.new(title="明年方案", who="anna")["id"])


def test_comments_are_on_the_plan_a_grid_or_a_point_and_stay_as_they_are(desk: PlanDesk, plan: int) -> None:
    lon, lat = town.at(100, 100)
    comment(desk, plan, "总体可行", who="ben")
    desk.operate(plan, give("b003", NW), who="anna")
    comment(desk, plan, HOSTILE, who="ben", grid=SW)
    comment(desk, plan, "  这条街应归东风社区。 ", who="carl", at=(lon, lat))
    whole, grid, point = comments(desk, plan)
    assert (whole["words"], whole["who"], whole["revision"], whole["grid"], whole["lon"]) == (
        "总体可行",
        "ben",
        0,
        None,
        None,
    )
    assert (grid["words"], grid["grid"], grid["revision"]) == (HOSTILE, SW, 1)
    assert (point["words"], point["lon"], point["lat"]) == ("这条街应归东风社区。", lon, lat)
    desk.operate(plan, {"kind": "renumber", "grid": SW, "code": "K1"}, who="anna")
    assert [c["grid"] for c in comments(desk, plan)] == [None, "K1", None]
    done = settle(desk, plan, grid["id"], who="anna")
    assert (done["settled_by"], done["words"]) == ("anna", HOSTILE)
    assert settle(desk, plan, grid["id"], who="ben", settled=False)["settled_at"] is None
    assert rows(desk.place, "SELECT count(*) FROM gridmap.change_log WHERE what LIKE 'plan comment%'") == [(5,)]


def test_what_steers_a_terminal_or_turns_text_round_is_left_out(desk: PlanDesk, plan: int) -> None:
    made = comment(desk, plan, "甲\x1b[31m红\x07\u202e乙\r\n丙\x00", who="ben")
    assert made["words"] == "甲[31m红乙\n丙"


def test_comments_go_on_when_the_plan_is_handed_in_and_in_force(desk: PlanDesk, plan: int) -> None:
    desk.operate(plan, give("b003", NW), who="anna")
    planlife.submit(desk, plan, who="anna")
    comment(desk, plan, "请再看 b003", who="boss", grid=NW)
    planlife.reopen(desk, plan, who="anna")
    published(desk, plan)
    comment(desk, plan, "已生效", who="boss")
    assert [c["words"] for c in comments(desk, plan)] == ["请再看 b003", "已生效"]


def test_a_comment_of_no_words_or_about_nothing_is_refused(desk: PlanDesk, plan: int) -> None:
    for words in ("", " \n ", "\x07", "长" * (MOST_WORDS + 1)):
        with pytest.raises(InputError, match="1 to 2000"):
            comment(desk, plan, words, who="ben")
    with pytest.raises(InputError, match="no grid nobody"):
        comment(desk, plan, "x", who="ben", grid="nobody")
    for at in ((36.4, 112.9), (float("nan"), 0.0)):
        with pytest.raises(InputError, match="longitude comes first"):
            comment(desk, plan, "x", who="ben", at=at)
    with pytest.raises(NotFound):
        comment(desk, 99, "x", who="ben")
    with pytest.raises(NotFound):
        comments(desk, 99)
    with pytest.raises(NotFound, match="no comment 7"):
        settle(desk, plan, 7, who="ben")
    assert comments(desk, plan) == []


def test_the_scores_are_kept_with_every_operation(desk: PlanDesk, plan: int) -> None:
    first = desk.operate(plan, give("b003", NW), who="anna")["score"]
    second = desk.operate(plan, {"kind": "split", "grid": NE}, who="ben")["score"]
    desk.operate(plan, {"kind": "undo"}, who="ben")
    told = PlanDesk(desk.place).scores(plan)
    assert [(e["seq"], e["kind"], e["who"]) for e in told["history"]] == [
        (3, "undo", "ben"), (2, "split", "ben"), (1, "assign", "anna"),
    ]  # fmt: skip
    assert [e["score"] for e in told["history"]] == [first, second, first]
    assert (told["start"]["households_moved"], first["households_moved"]) == (0, 50)
    assert [e["seq"] for e in desk.scores(plan, before=3, limit=1)["history"]] == [2]
    with pytest.raises(NotFound):
        desk.scores(99)


def test_after_a_rebase_scores_are_against_the_edition_that_the_plan_starts_from_now(desk: PlanDesk, plan: int) -> None:
    other = int(desk.new(title="乙", who="ben")["id"])
    desk.operate(plan, give("b003", NW), who="anna")
    desk.operate(other, give("b105", NE), who="ben")
    published(desk, plan)
    rebase(desk, other, who="ben")
    for there in (desk, PlanDesk(desk.place)):
        assert there.show(other, who="ben")["score"]["households_moved"] == 50
        assert there.scores(other)["history"][0]["score"] == there.show(other, who="ben")["score"]
