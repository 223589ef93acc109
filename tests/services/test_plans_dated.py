"""An edition comes into force at its date with nobody at the keyboard; requests and duties follow (see town)."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from gridmap.errors import Conflict, InputError
from gridmap.services import activation, planlife
from gridmap.services.check import check
from gridmap.services.locate import Locator
from gridmap.services.plans import PlanDesk
from gridmap.services.rebasing import rebase
from gridmap.services.worker import run_worker
from gridmap.settings import Settings
from gridmap.store import clock
from gridmap.store.database import Place
from tests.services import town
from tests.services.test_living_base_data import change_file
from tests.services.test_plans import NE, NW, SE, SW, give, grid_of
from tests.services.test_plans_published import point_of, rows

ZONE = ZoneInfo("Asia/Shanghai")
NEXT = "明年网格"


def day(later: int) -> str:
    return (datetime.now(ZONE) + timedelta(days=later)).date().isoformat()


@contextmanager
def over_midnight(later: int = 1) -> Iterator[datetime]:
    """Put the clock two seconds past the midnight of a day to come, in the time zone of the town."""
    midnight = datetime.fromisoformat(day(later)).replace(tzinfo=ZONE)
    with clock.shifted(midnight - datetime.now(UTC) + timedelta(seconds=2)):
        yield midnight


@pytest.fixture
def desk(town_place: Place) -> PlanDesk:
    return PlanDesk(town_place)


def approved(desk: PlanDesk, title: str, *orders: dict[str, Any]) -> int:
    plan = int(desk.new(title=title, who="anna")["id"])
    for order in orders:
        desk.operate(plan, order, who="anna")
    planlife.submit(desk, plan, who="anna")
    planlife.approve(desk, plan, who="boss")
    return plan


def published(desk: PlanDesk, plan: int, *, at: str, name: str = NEXT) -> dict[str, Any]:
    return planlife.publish(desk, plan, name=name, at=at, who="boss")


def report(importer: Any, place: Place, ref: str, building: str, at: datetime | None = None) -> None:
    lon, lat = point_of(building)
    moment = (at or datetime.now(UTC) - timedelta(seconds=1)).isoformat()
    importer(
        place,
        "requests",
        pd.DataFrame(
            {"source": "12345", "source_ref": [ref], "channel": "hotline", "lon": [lon], "lat": [lat],
             "reported_at": moment}
        ),
    )  # fmt: skip


def codes_of_requests(place: Place) -> dict[str, tuple[str, str]]:
    """Return the grid at the report and the grid responsible now of each request, by code of the newest that has it."""
    told = rows(
        place,
        "SELECT r.source_ref, (SELECT code FROM gridmap.edition_grid g WHERE g.uid = r.reported_uid "
        "ORDER BY edition_id DESC LIMIT 1), (SELECT code FROM gridmap.edition_grid g WHERE g.uid = r.current_uid "
        "ORDER BY edition_id DESC LIMIT 1) FROM gridmap.request r",
    )
    return {ref: (then, now) for ref, then, now in told}


def state_of(desk: PlanDesk, plan: int) -> str:
    return str(desk.show(plan, who="x")["state"])


def test_published_for_tomorrow_it_is_in_force_from_midnight_there(desk: PlanDesk, importer: Any) -> None:
    place = desk.place
    plan = approved(desk, "明年", give("b003", NW), {"kind": "renumber", "grid": NE, "code": "K1"})
    told = published(desk, plan, at=day(1))
    assert (told["state"], told["edition"], told["requests_moved"]) == ("approved", 3, 0)
    assert datetime.fromisoformat(told["effective_from"]) == datetime.fromisoformat(day(1)).replace(tzinfo=ZONE)
    locator = Locator(place)
    assert locator.locate(*point_of("b003"))["grid"]["code"] == SW
    report(importer, place, "today", "b003")
    assert activation.notice(place) is None
    duties = dict(rows(place, "SELECT source_id, grid_code FROM gridmap.duty WHERE retired_at IS NULL"))
    assert "K1" not in duties.values()
    assert codes_of_requests(place) == {"today": (SW, SW)}
    with over_midnight() as midnight:
        # from the first second, before anything has followed
        assert locator.locate(*point_of("b003"))["grid"]["code"] == NW
        assert state_of(desk, plan) == "active"
        report(importer, place, "yesterday", "b003", midnight - timedelta(minutes=1))
        report(importer, place, "first", "b003", midnight + timedelta(seconds=1))
        assert activation.notice(place) is None  # the import had noticed
    assert codes_of_requests(place) == {"today": (SW, NW), "yesterday": (SW, NW), "first": (NW, NW)}
    after = dict(rows(place, "SELECT source_id, grid_code FROM gridmap.duty WHERE retired_at IS NULL"))
    assert {s for s in after if after[s] != duties[s]} == {s for s in duties if duties[s] == NE}
    assert set(after.values()) == (set(duties.values()) - {NE}) | {"K1"}


def test_a_worker_does_it_with_nobody_at_the_keyboard(desk: PlanDesk, importer: Any, run_settings: Settings) -> None:
    plan = approved(desk, "明年", give("b003", NW))
    published(desk, plan, at=day(1))
    report(importer, desk.place, "today", "b003")
    over = threading.Event()
    worker = threading.Thread(target=run_worker, args=(run_settings, desk.place), kwargs={"stop": over})
    with over_midnight():
        worker.start()
        for _ in range(100):
            if codes_of_requests(desk.place)["today"] == (SW, NW):
                break
            over.wait(0.1)
        over.set()
        worker.join()
    assert codes_of_requests(desk.place)["today"] == (SW, NW)
    assert rows(desk.place, "SELECT kind, state, result ->> 'requests_moved' FROM gridmap.job") == [
        ("activation", "done", "1")
    ]
    assert rows(desk.place, "SELECT count(*) FROM gridmap.edition WHERE activated_at IS NULL") == [(0,)]


def test_several_that_notice_at_once_do_it_once(desk: PlanDesk, importer: Any) -> None:
    published(desk, approved(desk, "明年", give("b003", NW)), at=day(1))
    report(importer, desk.place, "today", "b003")
    with over_midnight():
        done: list[Any] = []
        crowd = [threading.Thread(target=lambda: done.append(activation.notice(desk.place))) for _ in range(6)]
        for one in crowd:
            one.start()
        for one in crowd:
            one.join()
    assert [d["requests_moved"] for d in done if d] == [1]
    assert rows(desk.place, "SELECT count(*) FROM gridmap.job") == [(1,)]


def test_with_the_server_off_over_two_midnights_both_editions_are_followed_in_order(
    desk: PlanDesk, importer: Any
) -> None:
    place = desk.place
    first = approved(desk, "一", give("b003", NW), {"kind": "renumber", "grid": SW, "code": "K1"})
    published(desk, first, at=day(1))
    second = int(desk.new(title="二", who="ben", edition=3)["id"])
    desk.operate(second, give("b004", NW), who="ben")
    desk.operate(second, {"kind": "renumber", "grid": NW, "code": SW}, who="ben")
    planlife.submit(desk, second, who="ben")
    planlife.approve(desk, second, who="boss")
    published(desk, second, at=day(2), name="后年网格")
    duties = dict(rows(place, "SELECT grid_code, source_id FROM gridmap.duty"))
    for building in ("b003", "b004"):
        report(importer, place, building, building)
    with over_midnight(2):
        told = activation.notice(place)
        assert told is not None
        assert (told["editions"], told["requests_moved"], told["duties_recoded"]) == ([3, 4], 2, 2)
        assert [state_of(desk, p) for p in (first, second)] == ["superseded", "active"]
        now = dict(rows(place, "SELECT grid_code, source_id FROM gridmap.duty WHERE retired_at IS NULL"))
        assert (now["K1"], now[SW]) == (duties[SW], duties[NW])
    assert {now for _, now in codes_of_requests(place).values()} == {SW}


def test_there_is_one_edition_for_each_date_and_the_next_one_is_later(desk: PlanDesk) -> None:
    one = approved(desk, "一", give("b003", NW))
    published(desk, one, at=day(2))
    other = int(desk.new(title="二", who="ben")["id"])
    assert desk.show(other, who="ben")["base_edition"] == 2
    desk.operate(other, give("b105", NE), who="ben")
    planlife.submit(desk, other, who="ben")
    # what waits counts: it is rebased onto that first
    with pytest.raises(Conflict, match="the newest is 3"):
        planlife.approve(desk, other, who="boss")
    rebase(desk, other, who="ben")
    planlife.submit(desk, other, who="ben")
    planlife.approve(desk, other, who="boss")
    for at in (day(2), day(1), None):
        with pytest.raises(Conflict, match="comes into force at"):
            planlife.publish(desk, other, name="二", at=at, who="boss")
    told = published(desk, other, at=day(3), name="二")
    assert (told["edition"], grid_of(desk, other, "b003")) == (4, NW)
    assert rows(desk.place, "SELECT count(*) FROM gridmap.edition") == [(4,)]


def test_a_publication_is_withdrawn_before_its_date_and_nothing_of_it_is_left(desk: PlanDesk, importer: Any) -> None:
    place = desk.place
    look = "SELECT cell_id, from_edition, to_edition, uid FROM gridmap.assignment ORDER BY 1, 2"
    before = rows(place, look)
    plan = approved(desk, "一", give("b003", NW), {"kind": "split", "grid": SE})
    published(desk, plan, at=day(1))
    with pytest.raises(Conflict, match="Withdraw it first"):
        planlife.reopen(desk, plan, who="anna")
    with pytest.raises(Conflict, match="is published"):
        published(desk, plan, at=day(5))
    late = int(desk.new(title="二", who="ben", edition=3)["id"])
    with pytest.raises(Conflict, match="Plans start from edition 3: 二") as refused:
        planlife.withdraw(desk, plan, who="anna")
    assert refused.value.problems == ({"plan": late, "title": "二"},)
    desk.operate(late, give("b105", NE), who="ben")
    assert rebase(desk, late, who="ben", edition=2)["taken"] > 0
    assert (grid_of(desk, late, "b003"), grid_of(desk, late, "b105")) == (SW, NE)
    told = planlife.withdraw(desk, plan, who="anna")
    assert (told["state"], told["edition"], told["effective_from"], told["withdrawn"]) == ("approved", None, None, 3)
    assert rows(place, look) == before
    assert rows(place, "SELECT count(*) FROM gridmap.edition_grid WHERE edition_id = 3") == [(0,)]
    with over_midnight():
        assert activation.notice(place) is None
        assert Locator(place).locate(*point_of("b003"))["grid"]["code"] == SW
    with pytest.raises(Conflict, match="waits for no date"):
        planlife.withdraw(desk, plan, who="anna")
    published(desk, plan, at=day(1))
    with over_midnight():
        activation.notice(place)
        with pytest.raises(Conflict, match="waits for no date"):
            planlife.withdraw(desk, plan, who="anna")


def test_a_request_that_was_reported_for_a_later_day_does_not_hold_a_withdrawal_up(
    desk: PlanDesk, importer: Any
) -> None:
    plan = approved(desk, "一", give("b003", NW))
    published(desk, plan, at=day(1))
    report(importer, desk.place, "typo", "b003", datetime.now(UTC) + timedelta(days=3))
    assert codes_of_requests(desk.place) == {"typo": (NW, SW)}
    planlife.withdraw(desk, plan, who="anna")
    assert codes_of_requests(desk.place) == {"typo": (SW, SW)}


def test_base_data_that_change_before_the_date_are_carried_over_and_can_still_be_withdrawn(
    desk: PlanDesk, importer: Any
) -> None:
    plan = approved(desk, "一", give("b003", NW))
    published(desk, plan, at=day(1))
    importer(desk.place, "buildings", change_file(enlarged=["b003", "b105"]))
    with over_midnight():
        assert Locator(desk.place).locate(*point_of("b003"))["grid"]["code"] == NW
    assert Locator(desk.place).locate(*point_of("b003"))["grid"]["code"] == SW
    planlife.withdraw(desk, plan, who="anna")
    assert not [f for f in check(desk.place) if f.severity == "error"]
    with over_midnight():
        assert Locator(desk.place).locate(*point_of("b003"))["grid"]["code"] == SW


def test_a_date_that_is_past_or_none_is_refused(desk: PlanDesk) -> None:
    plan = approved(desk, "一", give("b003", NW))
    for at in (day(0), "2020-01-01", "2020-01-01T00:00:00Z"):
        with pytest.raises(InputError, match="is past"):
            published(desk, plan, at=at)
    for at in ("morgen", "", "2026-13-01", "9999-12-31T23:59:59-23:00"):
        with pytest.raises(InputError, match="cannot be read"):
            published(desk, plan, at=at)


def test_the_duty_of_a_grid_that_ended_waits_for_it_and_those_of_a_building_follow_the_building(
    desk: PlanDesk, importer: Any
) -> None:
    place = desk.place
    chief = (
        town.people()
        .iloc[:1]
        .assign(source_id="chief", role="building_chief", label="楼栋长", grid_code=SW, building_source_id="b003")
    )
    importer(place, "people", chief)
    # an officer of SW whose office is in a building elsewhere
    office = chief.assign(source_id="office", role="grid_officer", building_source_id="b300")
    importer(place, "people", office)
    plan = approved(desk, "一", give("b003", NW), {"kind": "merge", "grids": [NE, SE]})
    told = planlife.publish(desk, plan, name="一", who="boss")
    assert (told["duties_recoded"], told["duties_without_grid"]) == (2, 1)
    now = dict(rows(place, "SELECT source_id, grid_code FROM gridmap.duty WHERE retired_at IS NULL"))
    assert (now["chief"], now["office"]) == (NW, SW)
    (gone,) = [s for s, code in now.items() if code is None]
    assert (gone,) == rows(
        place, f"SELECT source_id FROM gridmap.duty WHERE grid_code = '{SE}' AND retired_at IS NOT NULL"
    )[0]


def test_by_setting_open_requests_stay_with_the_old_team(desk: PlanDesk, importer: Any) -> None:
    from gridmap.store.database import transaction
    from gridmap.store.jurisdiction import jurisdiction, write_jurisdiction

    with transaction(desk.place) as connection:
        known = jurisdiction(connection)
        known.settings["open_requests"] = "stay"
        write_jurisdiction(connection, known)
    report(importer, desk.place, "open", "b003")
    told = planlife.publish(desk, approved(desk, "一", give("b003", NW)), name="一", who="boss")
    assert told["requests_moved"] == 0
    assert codes_of_requests(desk.place) == {"open": (SW, SW)}
