"""Kernels are compiled before anybody asks: a first question compiles nothing."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import pytest

from gridmap.services import kernels
from gridmap.services.walking import Walker
from gridmap.store.database import Place

FIRST_QUESTION = """
import sys
from numba.core.dispatcher import Dispatcher
from gridmap.services.kernels import make_kernels
from gridmap.store.database import Place

make_kernels()

def compiled():
    return {
        f"{name}.{key}": len(value.signatures)
        for name, module in list(sys.modules.items())
        if name.startswith(("gridmap.core.network", "gridmap.core.reach", "gridmap.core.siting", "gridmap.core.locate"))
        for key, value in vars(module).items()
        if isinstance(value, Dispatcher)
    }

before = compiled()
assert sum(before.values()) > 15, before
from gridmap.services import coverage, drawing
import numpy as np
from gridmap.services.locate import Locator
from gridmap.services.looking import Question, look
from gridmap.services.siting import SitingOrder, propose
from gridmap.services.walking import Walker

walker = Walker(Place(sys.argv[1], None))
question = Question()
coverage.coverage(walker, question)
coverage.gaps(walker, question)
coverage.route(walker, question, building=int(walker.town().homes.ids[0]))
drawing.areas(look(walker, question), (5.0, 15.0))
coverage.what_if(walker, question, [{"op": "close", "station": walker.town().today.stations[0].code}])
locator = Locator(Place(sys.argv[1], None))
_, plain = locator.index_at()
locator.use_compiled()
_, index = locator.index_at()
assert index is not plain
west, south, east, north = index.bounds
x, y = np.random.default_rng(0).uniform([west, south], [east, north], (500, 2)).T
assert list(index.locate_points(x, y)) == list(plain.locate_points(x, y))
propose(walker, SitingOrder(method="max_cover", count=1, candidates="buildings", question=question))
more = {name: count - before.get(name, 0) for name, count in compiled().items() if count != before.get(name, 0)}
print("compiled at the first question:", more)
assert not more, more
"""


def test_after_warming_a_first_question_compiles_nothing(town_place: Place) -> None:
    Walker(town_place).town()
    done = subprocess.run(
        [sys.executable, "-c", FIRST_QUESTION, town_place.url], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def folder(tmp_path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(kernels.VARIABLE, str(tmp_path / "numba"))
    monkeypatch.setattr(kernels, "_told", threading.Event())
    return tmp_path / "numba"


def test_a_question_before_that_says_so_and_waits(folder) -> None:
    said, asked, answered = [], threading.Event(), threading.Event()

    def ask() -> None:
        asked.set()
        kernels.tell_once(said.append)
        answered.set()

    with kernels._alone(folder):  # another process compiles
        question = threading.Thread(target=ask)
        question.start()
        assert asked.wait(10)
        assert not answered.wait(0.5)
    assert answered.wait(10)
    question.join()
    assert said == [kernels.COMPILING]


def test_kernels_that_are_there_are_told_by_a_marker(folder) -> None:
    assert not kernels.are_kept()
    folder.mkdir()
    kernels._marker(folder).touch()
    assert kernels.are_kept()
    said: list[object] = []
    kernels.tell_once(said.append)
    assert not said
    with kernels.kernels_beside(_settings(folder)) as process:
        assert process is None


def test_a_server_has_them_compiled_by_a_process_beside_it(folder, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[list[str]] = []
    whole = subprocess.Popen
    monkeypatch.setattr(
        subprocess, "Popen", lambda args, **given: started.append(args) or whole([sys.executable, "-c", ""], **given)
    )
    with kernels.kernels_beside(_settings(folder)) as process:
        assert process is not None
        assert process.wait(30) == 0
    assert started == [[sys.executable, "-m", "gridmap.services.kernels"]]
    assert os.environ[kernels.VARIABLE] == str(folder)


def _settings(folder):
    from gridmap.settings import Settings

    return Settings(data_dir=folder.parent)
