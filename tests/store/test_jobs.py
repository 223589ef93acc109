from __future__ import annotations

import time

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import IntegrityError

from gridmap.errors import NotReady
from gridmap.model.text import Text
from gridmap.store import jobs
from gridmap.store.database import Place, engine_of, transaction


def test_a_job_has_one_of_the_six_states(connection: Connection) -> None:
    number = jobs.add(connection, kind="cells", inputs={}, who="li")
    with pytest.raises(IntegrityError, match="job_state_check"):
        connection.execute(text("UPDATE gridmap.job SET state = 'asleep' WHERE id = :id"), {"id": number})


def test_jobs_are_taken_in_the_order_in_which_they_came(connection: Connection) -> None:
    numbers = [jobs.add(connection, kind="cells", inputs={"n": n}, who="li") for n in range(3)]
    taken = [jobs.claim(connection, kinds=["cells"], at_once=9) for _ in numbers]
    assert [view.id for view in taken if view is not None] == numbers
    assert jobs.claim(connection, kinds=["cells"], at_once=9) is None


def test_a_listener_hears_of_a_new_job_before_its_next_look(place: Place) -> None:
    listener = jobs.Listener(place)
    try:
        with transaction(place) as connection:
            jobs.add(connection, kind="cells", inputs={}, who="li")
        began = time.monotonic()
        listener.wait(5)
        assert time.monotonic() - began < 1
        began = time.monotonic()
        listener.wait(0.2)
        assert time.monotonic() - began >= 0.2
    finally:
        listener.close()


def test_a_listener_whose_server_goes_away_says_so(place: Place) -> None:
    listener = jobs.Listener(place)
    with engine_of(place).connect() as connection:
        connection.execute(text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'"))

    def listen() -> None:
        for _ in range(20):
            listener.wait(1)

    with pytest.raises(NotReady, match="does not answer"):
        listen()
    listener.close()


def test_neither_heartbeat_nor_sweep_waits_for_a_job_that_is_just_being_finished(place: Place) -> None:
    with transaction(place) as connection:
        view = jobs.start(connection, jobs.add(connection, kind="cells", inputs={}, who="li"))
    with transaction(place) as last:
        assert jobs.finish(last, view.id, view.attempt, result={"cells": 3})
        with transaction(place) as other:
            other.execute(text("SET LOCAL lock_timeout = '500ms'"))
            jobs.beat(other, view.id, view.attempt, percent=99, message=Text("写入", "Writing"))
            assert jobs.mark_interrupted(other, after_s=0) == 0
    with transaction(place) as connection:
        found = jobs.find(connection, view.id)
    assert found is not None
    assert (found.state, found.percent, found.result) == ("done", 100, {"cells": 3})
