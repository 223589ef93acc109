"""A process that dies while an edition comes into force or is published: all of it is there, or nothing (see town)."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gridmap.services import activation, planlife
from gridmap.services.faults import KILL_VARIABLE
from gridmap.services.plans import PlanDesk
from gridmap.settings import Settings
from gridmap.store import clock
from gridmap.store.database import Place, engine_of
from tests.conftest import copy_database, drop_database, leave
from tests.services import town
from tests.services.test_plans import NE, NW, SE, SW, give
from tests.services.test_plans_dated import ZONE, approved, day, published, report
from tests.services.test_plans_published import rows

TITLE = "明年"
IN_FORCE = {
    "requests": "SELECT source_ref, reported_uid, current_uid FROM gridmap.request ORDER BY 1",
    "duties": "SELECT source_id, grid_code, grid_uid, retired_at IS NULL FROM gridmap.duty ORDER BY 1, 4, 2",
    "editions": "SELECT id, name, activated_at IS NULL FROM gridmap.edition ORDER BY 1",
    "plans": "SELECT title, state, edition_id FROM gridmap.plan ORDER BY 1",
    "assignment": "SELECT cell_id, from_edition, to_edition, uid FROM gridmap.assignment ORDER BY 1, 2",
    "grids": "SELECT edition_id, uid, code, name, parent_uid, households, colour, ST_AsBinary(geom)::text "
    "FROM gridmap.edition_grid ORDER BY 1, 2",
    "lineage": "SELECT edition_id, old_uid, new_uid, households FROM gridmap.grid_lineage ORDER BY 1, 2, 3",
}


def end_state(place: Place) -> dict[str, Any]:
    """Return all that an edition brings along."""
    return {name: rows(place, sql) for name, sql in IN_FORCE.items()}


def shift_s() -> float:
    """Return by how many seconds the clock must go forward to be two seconds past the next midnight there."""
    midnight = datetime.fromisoformat(day(1)).replace(tzinfo=ZONE)
    return (midnight - datetime.now(UTC) + timedelta(seconds=2)).total_seconds()


def child(place: Place, *command: str, kill_at: str | None = None) -> subprocess.Popen[bytes]:
    """Start a gridmap process of its own, past midnight."""
    more = {clock.SHIFT_VARIABLE: str(shift_s())} if command[0] == "worker" else {}
    more |= {} if kill_at is None else {KILL_VARIABLE: kill_at}
    return subprocess.Popen(
        [sys.executable, "-m", "gridmap", *command, "--database", place.url],
        env=os.environ | more,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def set_up(desk: PlanDesk) -> int:
    """Approve a plan in which land moves, codes change, a grid ends and another begins."""
    return approved(
        desk,
        TITLE,
        give("b003", NW),
        {"kind": "renumber", "grid": SW, "code": "K1"},
        {"kind": "merge", "grids": [NE, SE]},
        {"kind": "split", "grid": town.code(2, 0)},
    )


@pytest.fixture(scope="module")
def waiting(run_settings: Settings, town_template: Place, importer: Any) -> Iterator[Place]:
    """The town on the eve: a plan is published for midnight, and requests are open."""
    leave(town_template)
    made = copy_database(run_settings, town_template.name, "eve")
    desk = PlanDesk(made)
    published(desk, set_up(desk), at=day(1))
    for building in ("b003", "b100", "b203"):
        report(importer, made, building, building)
    leave(made)
    yield made
    drop_database(run_settings, made)


@pytest.fixture(scope="module")
def undisturbed(run_settings: Settings, waiting: Place) -> dict[str, Any]:
    """What there is after an activation that nobody disturbed."""
    leave(waiting)
    made = copy_database(run_settings, waiting.name, "undisturbed")
    with clock.shifted(timedelta(seconds=shift_s())):
        assert activation.notice(made) is not None
    state = end_state(made)
    drop_database(run_settings, made)
    return state


@pytest.fixture
def eve(run_settings: Settings, waiting: Place) -> Iterator[Place]:
    leave(waiting)
    made = copy_database(run_settings, waiting.name, "one_eve")
    yield made
    drop_database(run_settings, made)


def goes_on(place: Place, before: dict[str, Any], after: dict[str, Any]) -> None:
    """What is there is all or nothing of the activation; the next process that notices ends with the same."""
    assert end_state(place) in (before, after)
    leave(place)
    with clock.shifted(timedelta(seconds=shift_s())):
        activation.notice(place)
    assert end_state(place) == after
    leave(place)


@pytest.mark.parametrize("step", activation.STEPS)
def test_killed_at_any_step_of_the_activation_it_ends_the_same(
    eve: Place, undisturbed: dict[str, Any], step: str
) -> None:
    before = end_state(eve)
    assert before != undisturbed
    died = child(eve, "worker", "--once", kill_at=step)
    assert died.wait(60) == -signal.SIGKILL
    assert (end_state(eve) == undisturbed) == (step == "committed")
    goes_on(eve, before, undisturbed)


@pytest.mark.parametrize("moments", [3, pytest.param(20, marks=[pytest.mark.soak, pytest.mark.timeout(900)])])
def test_killed_at_random_moments_it_ends_the_same(
    run_settings: Settings, waiting: Place, undisturbed: dict[str, Any], moments: int
) -> None:
    chance = random.Random(moments)
    for number in range(moments):
        leave(waiting)
        place = copy_database(run_settings, waiting.name, f"eve{number}")
        before = end_state(place)
        process = child(place, "worker", "--once")
        while not rows(place, "SELECT 1 FROM gridmap.job") and process.poll() is None:
            time.sleep(0.005)
        time.sleep(chance.uniform(0, 0.15))
        process.kill()
        process.wait()
        goes_on(place, before, undisturbed)
        drop_database(run_settings, place)


@pytest.mark.parametrize(("command", "step"), [("publish", "edition written"), ("publish", "published")])
def test_killed_while_publishing_the_former_edition_is_whole(
    run_settings: Settings, town_place: Place, command: str, step: str
) -> None:
    desk = PlanDesk(town_place)
    plan = set_up(desk)
    before = end_state(town_place)
    died = child(town_place, "plan", command, TITLE, "--name", "新版", "--commit", kill_at=step)
    assert died.wait(60) == -signal.SIGKILL
    assert end_state(town_place) == before
    told = planlife.publish(PlanDesk(town_place), plan, name="新版", who="boss")
    assert told["state"] == "active"
    engine_of(town_place).dispose()


def test_killed_while_withdrawing_the_edition_still_waits(eve: Place) -> None:
    before = end_state(eve)
    died = child(eve, "plan", "withdraw", TITLE, "--commit", kill_at="edition removed")
    assert died.wait(60) == -signal.SIGKILL
    assert end_state(eve) == before
