"""Long work on the real cluster; run as a program, this file is a worker process with the tests' own jobs."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from gridmap.errors import Cancelled, Conflict, InputError, NotFound, UnreadableFile
from gridmap.model.text import Text
from gridmap.services.jobs import (
    HANDLERS,
    Job,
    JobView,
    Limits,
    cancel,
    get,
    lazy,
    list_jobs,
    restart,
    run_here,
    submit,
    wait_events,
    watch_events,
)
from gridmap.services.worker import (
    run_until_signal,
    run_worker,
    start_worker_process,
    stop_worker_process,
    worker_beside,
)
from gridmap.settings import Settings
from gridmap.store import jobs as store
from gridmap.store.database import Place, engine_of, find_place, transaction

QUICK = Limits(heartbeat_s=0.2, interrupted_after_s=1.0, look_s=0.05, poll_s=0.1)
PATIENT = Limits(heartbeat_s=0.2, interrupted_after_s=60.0, look_s=0.05, poll_s=0.1)


def write(place: Place, inputs: dict[str, Any], job: Job) -> dict[str, Any]:
    """Compute for a while, then write ``rows`` rows in the last transaction, if asked slowly."""
    steps = inputs.get("steps", 0)
    for step in range(steps):
        job.progress(step / steps, Text(f"第 {step} 步", f"Step {step}"))
        time.sleep(0.02)
    result = {"rows": inputs["rows"]}
    with transaction(place) as connection:
        for number in range(inputs["rows"]):
            connection.execute(text("INSERT INTO made VALUES (:job, :number)"), {"job": job.id, "number": number})
            time.sleep(inputs.get("pause_s", 0.0))
        job.finish(connection, result)
    return result


def refuse(place: Place, inputs: dict[str, Any], job: Job) -> dict[str, Any]:
    raise UnreadableFile("第 3 行读不懂。", "Row 3 cannot be read.", problems=({"row": 3},))


def stumble(place: Place, inputs: dict[str, Any], job: Job) -> dict[str, Any]:
    raise ValueError(f"{inputs['phone']} is a phone number")


def answer(place: Place, inputs: dict[str, Any], job: Job) -> dict[str, Any]:
    return {"answer": 42, "who": job.who}


KINDS = {"write": write, "refuse": refuse, "stumble": stumble, "answer": answer}


@pytest.fixture
def place(place: Place) -> Place:
    """A database with a table that the tests' jobs write."""
    with engine_of(place).begin() as connection:
        connection.execute(text("CREATE TABLE made (job bigint, number int)"))
    return place


@contextlib.contextmanager
def working(settings: Settings, place: Place) -> Iterator[threading.Event]:
    """A worker in a thread of this process."""
    stop = threading.Event()
    thread = threading.Thread(
        target=run_worker, args=(settings, place), kwargs={"stop": stop, "handlers": KINDS, "limits": QUICK}
    )
    thread.start()
    try:
        yield stop
    finally:
        stop.set()
        thread.join(20)
        assert not thread.is_alive()


def worker_process(place: Place, at_once: int = 1) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, __file__, place.url, str(at_once)], stdin=subprocess.PIPE)


def made(place: Place) -> list[tuple[int, int]]:
    with engine_of(place).connect() as connection:
        return [tuple(row) for row in connection.execute(text("SELECT job, number FROM made ORDER BY 1, 2"))]


def until(condition: Callable[[], Any], seconds: float = 60.0) -> Any:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.02)
    raise AssertionError("it did not happen")


def ended(place: Place, number: int) -> JobView:
    return until(lambda: (view := get(place, number, limits=PATIENT)).ended and view)


def test_two_worker_processes_do_every_job_exactly_once(place: Place) -> None:
    numbers = [submit(place, "write", {"rows": 2, "steps": 1}, who="li", handlers=KINDS) for _ in range(12)]
    workers = [worker_process(place, at_once=2) for _ in range(2)]
    try:
        views = [ended(place, number) for number in numbers]
    finally:
        for process in workers:
            stop_worker_process(process)
    assert {view.state for view in views} == {"done"}
    assert {view.attempt for view in views} == {1}
    assert made(place) == [(number, row) for number in numbers for row in range(2)]


def test_only_one_job_runs_at_a_time_unless_settings_say_more(place: Place) -> None:
    for _ in range(3):
        submit(place, "answer", {}, who="li", handlers=KINDS)
    with transaction(place) as connection:
        assert store.claim(connection, kinds=KINDS, at_once=1) is not None
        assert store.claim(connection, kinds=KINDS, at_once=1) is None
        assert store.claim(connection, kinds=KINDS, at_once=2) is not None


def test_a_worker_leaves_jobs_of_kinds_that_it_does_not_know(settings_here: Settings, place: Place) -> None:
    number = submit(place, "write", {"rows": 1}, who="li", handlers=KINDS)
    stop = threading.Event()
    assert run_worker(settings_here, place, once=True, stop=stop, handlers={"answer": answer}, limits=QUICK) == 0
    assert get(place, number).state == "waiting"


def test_a_killed_worker_leaves_an_interrupted_job_and_nothing_half_written_and_it_can_be_started_again(
    settings_here: Settings, place: Place
) -> None:
    number = submit(place, "write", {"rows": 15, "pause_s": 0.05}, who="li", handlers=KINDS)
    first = worker_process(place)
    until(lambda: get(place, number, limits=PATIENT).state == "running")
    time.sleep(0.2)  # in the middle of its last transaction
    first.kill()
    first.wait()
    assert first.stdin is not None
    first.stdin.close()
    assert get(place, number, limits=PATIENT).state == "running"
    view = until(lambda: (v := get(place, number, limits=QUICK)).state == "interrupted" and v)
    assert view.error is not None
    assert "Start it again" in view.error.text.en
    assert "重新开始" in view.error.text.zh
    assert made(place) == []

    assert restart(place, number, who="wang", handlers=KINDS).state == "waiting"
    with working(settings_here, place):
        view = ended(place, number)
    assert (view.state, view.attempt, view.result) == ("done", 2, {"rows": 15})
    assert made(place) == [(number, row) for row in range(15)]
    with engine_of(place).connect() as connection:
        assert connection.execute(text("SELECT who, what FROM gridmap.change_log")).all() == [("wang", "job restart")]


def test_a_worker_that_was_taken_for_dead_cannot_finish_what_another_does(place: Place) -> None:
    number = submit(place, "write", {"rows": 1}, who="li", handlers=KINDS)
    with transaction(place) as connection:
        old = store.claim(connection, kinds=KINDS, at_once=1)
    assert old is not None
    time.sleep(0.05)
    assert get(place, number, limits=Limits(interrupted_after_s=0.01)).state == "interrupted"
    restart(place, number, who="li", handlers=KINDS)
    job = Job(old, told=lambda *_: None, stop=threading.Event())
    with pytest.raises(Cancelled, match="started again"):
        write(place, {"rows": 1}, job)
    assert made(place) == []
    assert get(place, number).state == "waiting"


def test_a_slow_process_that_was_taken_for_dead_goes_on_if_nobody_took_its_job(place: Place) -> None:
    submit(place, "write", {"rows": 1}, who="li", handlers=KINDS)
    with transaction(place) as connection:
        view = store.claim(connection, kinds=KINDS, at_once=1)
    assert view is not None
    time.sleep(0.05)
    assert list_jobs(place, limits=Limits(interrupted_after_s=0.01))[0].state == "interrupted"
    with transaction(place) as connection:
        store.beat(connection, view.id, view.attempt, percent=50, message=Text("半", "half"))
    assert get(place, view.id).state == "running"
    with transaction(place) as connection:
        assert store.finish(connection, view.id, view.attempt, result={})
    assert get(place, view.id).state == "done"


def test_progress_is_seen_by_others_while_the_job_runs(settings_here: Settings, place: Place) -> None:
    number = submit(place, "write", {"rows": 1, "steps": 40}, who="li", handlers=KINDS)
    with working(settings_here, place):
        views = list(wait_events(place, number, limits=QUICK))
    percents = [view.percent for view in views]
    assert percents == sorted(percents)
    assert len({p for p in percents if 0 < p < 100}) >= 3
    assert any(view.message.zh.startswith("第") and view.message.en.startswith("Step") for view in views)
    assert views[-1].state == "done"
    assert views[-1].percent == 100


def test_an_event_stream_ends_with_the_job(settings_here: Settings, place: Place) -> None:
    number = submit(place, "answer", {}, who="li", handlers=KINDS)

    async def follow() -> list[JobView]:
        return [view async for view in watch_events(place, number, limits=QUICK)]

    # in a thread of its own: a browser of other tests may keep a loop running in this one
    with working(settings_here, place), ThreadPoolExecutor(1) as pool:
        views = pool.submit(asyncio.run, follow()).result()
    assert views[-1].result == {"answer": 42, "who": "li"}


def test_cancel_stops_a_running_job_within_two_seconds_and_leaves_nothing(
    settings_here: Settings, place: Place
) -> None:
    number = submit(place, "write", {"rows": 1, "steps": 1000}, who="li", handlers=KINDS)
    with working(settings_here, place):
        until(lambda: get(place, number).percent > 0)
        asked = time.monotonic()
        assert cancel(place, number, who="li").cancel_requested
        view = ended(place, number)
        assert time.monotonic() - asked < 2
    assert view.state == "cancelled"
    assert made(place) == []


def test_a_job_cancelled_before_its_last_statement_writes_nothing(place: Place) -> None:
    def stubborn(place: Place, inputs: dict[str, Any], job: Job) -> dict[str, Any]:
        with transaction(place) as connection:
            connection.execute(text("INSERT INTO made VALUES (1, 1)"))
            cancel(place, job.id, who="somebody else")
            job.finish(connection, {})
        return {}

    with pytest.raises(Cancelled):
        run_here(place, "stubborn", {}, who="li", handlers={"stubborn": stubborn}, limits=PATIENT)
    assert list_jobs(place)[0].state == "cancelled"
    assert made(place) == []


def test_a_waiting_job_is_cancelled_at_once_and_an_ended_one_stays_as_it_is(
    settings_here: Settings, place: Place
) -> None:
    first = submit(place, "answer", {}, who="li", handlers=KINDS)
    assert cancel(place, first, who="li").state == "cancelled"
    second = submit(place, "answer", {}, who="li", handlers=KINDS)
    assert run_worker(settings_here, place, once=True, stop=threading.Event(), handlers=KINDS, limits=QUICK) == 1
    assert cancel(place, second, who="li").state == "done"
    with pytest.raises(Conflict, match="is done"):
        restart(place, second, who="li", handlers=KINDS)


def test_a_failure_carries_the_sentence_in_both_languages_and_never_a_stack_trace(
    settings_here: Settings, place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    told = submit(place, "refuse", {}, who="li", handlers=KINDS)
    untold = submit(place, "stumble", {"phone": "13800138000"}, who="li", handlers=KINDS)
    run_worker(settings_here, place, once=True, stop=threading.Event(), handlers=KINDS, limits=QUICK)
    view = get(place, told)
    assert view.state == "failed"
    assert view.as_dict()["error"] == {
        "code": "unreadable-file",
        "zh": "第 3 行读不懂。",
        "en": "Row 3 cannot be read.",
        "problems": [{"row": 3}],
    }
    view = get(place, untold)
    assert view.state == "failed"
    assert view.error is not None
    assert view.error.code == "internal-error"
    assert f"job {untold}" in view.error.text.zh
    kept = str(view.as_dict()["error"]) + caplog.text
    assert "13800138000" not in kept
    assert "Traceback" not in str(view.as_dict())
    assert "stumble" in caplog.text


def test_an_unknown_kind_is_refused_with_those_that_exist(place: Place) -> None:
    for attempt in (submit, run_here):
        with pytest.raises(InputError, match=r"'dance'.*answer, refuse, stumble, write"):
            attempt(place, "dance", {}, who="li", handlers=KINDS)
    assert list_jobs(place) == []


def test_a_job_that_does_not_exist_is_not_found(place: Place) -> None:
    for attempt in (lambda: get(place, 7), lambda: cancel(place, 7, who="li"), lambda: restart(place, 7, who="li")):
        with pytest.raises(NotFound, match="There is no job 7"):
            attempt()


def test_work_at_the_terminal_is_recorded_like_any_other(place: Place) -> None:
    heard: list[float] = []
    view = run_here(
        place,
        "write",
        {"rows": 3, "steps": 10},
        who="li",
        progress=lambda share, _: heard.append(share),
        handlers=KINDS,
    )
    assert (view.state, view.result, view.percent, view.who) == ("done", {"rows": 3}, 100, "li")
    assert heard == [step / 10 for step in range(10)]
    assert get(place, view.id) == view
    with pytest.raises(UnreadableFile):
        run_here(place, "refuse", {}, who="li", handlers=KINDS)
    assert [job.state for job in list_jobs(place)] == ["failed", "done"]
    assert [job.state for job in list_jobs(place, state="done")] == ["done"]


def test_ctrl_c_at_the_terminal_cancels_and_leaves_nothing(place: Place) -> None:
    def interrupted(place: Place, inputs: dict[str, Any], job: Job) -> dict[str, Any]:
        with transaction(place) as connection:
            connection.execute(text("INSERT INTO made VALUES (1, 1)"))
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(5)
            job.finish(connection, {})
        return {}

    with pytest.raises(Cancelled):
        run_here(place, "interrupted", {}, who="li", handlers={"interrupted": interrupted}, limits=PATIENT)
    assert list_jobs(place)[0].state == "cancelled"
    assert made(place) == []


def test_a_worker_told_to_stop_says_at_once_that_its_job_is_interrupted(settings_here: Settings, place: Place) -> None:
    number = submit(place, "write", {"rows": 1, "steps": 1000}, who="li", handlers=KINDS)
    with working(settings_here, place) as stop:
        until(lambda: get(place, number).percent > 0)
        stop.set()
    assert get(place, number, limits=PATIENT).state == "interrupted"
    assert made(place) == []


def test_a_worker_outlives_connections_that_break_idle_and_in_the_middle_of_a_job(
    settings_here: Settings, place: Place
) -> None:
    def break_all() -> None:
        with engine_of(place).connect() as connection:
            connection.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            )

    with working(settings_here, place):
        first = submit(place, "answer", {}, who="li", handlers=KINDS)
        assert ended(place, first).state == "done"
        break_all()
        second = submit(place, "write", {"rows": 1, "steps": 40}, who="li", handlers=KINDS)
        until(lambda: get(place, second).percent > 0)
        break_all()
        assert ended(place, second).state == "done"
    assert made(place) == [(second, 0)]


def test_numbers_of_the_numeric_library_become_json(place: Place) -> None:
    import numpy as np

    def count(place: Place, inputs: dict[str, Any], job: Job) -> dict[str, Any]:
        return {"cells": np.int64(7), "share": np.float64("nan"), "levels": np.arange(3)}

    view = run_here(place, "count", {}, who="li", handlers={"count": count})
    assert view.result == {"cells": 7, "share": None, "levels": [0, 1, 2]}


def test_the_worker_beside_a_server_ends_when_the_server_is_killed(settings_here: Settings) -> None:
    program = (
        "import sys, time; from gridmap.services.worker import start_worker_process;"
        "from gridmap.settings import Settings; print(start_worker_process(Settings()).pid, flush=True); time.sleep(60)"
    )
    ours = {"GRIDMAP_DATA_DIR": str(settings_here.data_dir), "GRIDMAP_DATABASE": settings_here.database}
    server = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, env=os.environ | ours)
    assert server.stdout is not None
    worker = Path(f"/proc/{int(server.stdout.readline())}")
    server.stdout.close()
    assert worker.exists()
    server.kill()
    server.wait()
    until(lambda: not worker.exists() or "State:\tZ" in (worker / "status").read_text())


def test_a_worker_that_dies_beside_a_server_is_followed_by_another(settings_here: Settings) -> None:
    def workers() -> list[int]:
        listed = Path(f"/proc/{os.getpid()}/task")
        return [int(pid) for task in listed.iterdir() for pid in (task / "children").read_text().split()]

    before = set(workers())
    with worker_beside(settings_here):
        first = until(lambda: set(workers()) - before)
        os.kill(*first, signal.SIGKILL)
        assert until(lambda: set(workers()) - before - first)
    assert set(workers()) == before


def test_a_worker_process_gets_the_settings_of_its_server_and_no_others(
    settings_here: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRIDMAP_DATABASE_URL", "postgresql://elsewhere/db")
    process = start_worker_process(settings_here)
    try:
        environment = Path(f"/proc/{process.pid}/environ")
        until(lambda: f"GRIDMAP_DATABASE={settings_here.database}".encode() in environment.read_bytes().split(b"\0"))
        given = environment.read_bytes().split(b"\0")
    finally:
        stop_worker_process(process)
    assert not [line for line in given if line.startswith(b"GRIDMAP_DATABASE_URL")]


def test_every_kind_of_job_has_a_function_behind_it() -> None:
    for kind, handler in HANDLERS.items():
        module, _, name = handler.__qualname__.partition(":")
        assert not name or callable(getattr(__import__(module, fromlist=[name]), name)), kind
    assert lazy("os.path:join")("a", "b", "c") == "a/b/c"  # type: ignore[arg-type, comparison-overlap]


if __name__ == "__main__":
    here = Settings(jobs_at_once=int(sys.argv[2]))
    run_until_signal(here, find_place(here, sys.argv[1]), with_parent=True, handlers=KINDS, limits=QUICK)
