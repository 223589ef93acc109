"""What cannot be done is refused in a sentence, and nothing changes (see plan_towns)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gridmap.core.plans.context import Targets
from gridmap.core.plans.gestures import MOST_POINTS, read_gesture
from gridmap.errors import InputError, TooLarge
from tests.core.plan_towns import A, B, cells, code, done, lonlat, outcome, town

LOW, HIGH, NEXT, FAR = code(0, 0), code(0, 1), code(1, 0), code(3, 1)

REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "a lasso of two points": ({"kind": "assign", "to": HIGH, "lasso": lonlat((0, 0), (50, 50))}, "encloses nothing"),
    "a lasso in line": (
        {"kind": "assign", "to": HIGH, "lasso": lonlat((0, 0), (50, 50), (90, 90))},
        "encloses nothing",
    ),
    "an empty lasso": ({"kind": "assign", "to": HIGH, "lasso": lonlat((1, 1), (9, 1), (9, 9))}, "Nothing was selected"),
    "a lasso that crosses itself": (
        {"kind": "assign", "to": HIGH, "lasso": lonlat((0, 0), (90, 90), (90, 0), (0, 90))},
        "crosses itself",
    ),
    "a lasso of locked land": (
        {"kind": "assign", "to": HIGH, "lasso": lonlat((110, 0), (190, 0), (190, 140), (110, 140))},
        "locked grids",
    ),
    "a stroke that crosses itself": (
        {"kind": "line", "line": lonlat((0, 100), (90, 140), (90, 100), (0, 140))},
        "crosses itself",
    ),
    "a closed stroke": (
        {"kind": "line", "line": lonlat((10, 100), (90, 140), (90, 100), (10, 100))},
        "crosses itself",
    ),
    "a line of one point": ({"kind": "line", "line": lonlat((10, 100), (10, 100))}, "two different points"),
    "a line that misses the grid": ({"kind": "split", "grid": LOW, "line": lonlat((110, 0), (190, 140))}, "misses"),
    "a line that misses both": (
        {"kind": "line", "between": [LOW, HIGH], "line": lonlat((310, 0), (390, 140))},
        "misses",
    ),
    "a line far from any border": ({"kind": "line", "line": lonlat((900, 900), (990, 990))}, "no border"),
    "a line that changes nothing": (
        {"kind": "line", "between": [LOW, HIGH], "line": lonlat((-9, 145), (110, 155))},
        "farther",
    ),
    "a line that leaves nothing": (
        {"kind": "line", "between": [LOW, HIGH], "line": lonlat((-9, 5), (110, 5))},
        "no land",
    ),
    "an empty side": ({"kind": "split", "grid": LOW, "line": lonlat((10, -10), (10, 160))}, "on one side"),
    "grids that do not touch": (
        {"kind": "line", "between": [LOW, code(1, 1)], "line": lonlat((0, 0), (9, 9))},
        "not neighbours",
    ),
    "a grid with itself": (
        {"kind": "line", "between": [LOW, LOW], "line": lonlat((0, 0), (9, 9))},
        "two different grids",
    ),
    "a border between communities": (
        {"kind": "line", "between": [code(1, 1), code(2, 1)], "line": lonlat((190, 140), (190, 310))},
        "different communities",
    ),
    "a drag of no length": (
        {"kind": "move_boundary", "start": lonlat((50, 150))[0], "end": lonlat((50, 150))[0]},
        "the same",
    ),
    "a drag that is too short": (
        {"kind": "move_boundary", "start": lonlat((50, 150))[0], "end": lonlat((50, 153))[0]},
        "passes no",
    ),
    "a drag over all": (
        {"kind": "move_boundary", "between": [LOW, HIGH], "start": lonlat((50, 150))[0], "end": lonlat((50, -90))[0]},
        "no land left",
    ),
    "a merge of strangers": ({"kind": "merge", "grids": [LOW, code(1, 1)]}, "no neighbour"),
    "a merge of one": ({"kind": "merge", "grids": [LOW, LOW]}, "two different grids"),
    "a merge into a third": ({"kind": "merge", "grids": [LOW, HIGH], "into": code(1, 1)}, "among them"),
    "a merge across communities": ({"kind": "merge", "grids": [code(1, 1), code(2, 1)]}, "different communities"),
    "land of another community": ({"kind": "assign", "to": HIGH, "cells": [48]}, "needs 'transfer'"),
    "named land of a locked grid": ({"kind": "assign", "to": HIGH, "cells": [3]}, "is locked"),
    "a locked target": ({"kind": "assign", "to": NEXT, "cells": [17]}, "is locked"),
    "a locked grid to split": ({"kind": "split", "grid": NEXT}, "is locked"),
    "land that is there already": ({"kind": "assign", "to": LOW, "cells": [1]}, "already"),
    "unknown cells": ({"kind": "assign", "to": LOW, "cells": [1, 900]}, r"no such cells \(1\): 900"),
    "unknown buildings": ({"kind": "assign", "to": LOW, "buildings": ["b1", "x9"]}, r"no such buildings \(1\): x9"),
    "unknown blocks": ({"kind": "assign", "to": LOW, "blocks": [900]}, "no such blocks"),
    "an unknown estate": ({"kind": "assign", "to": LOW, "estate": "无"}, "no such estates"),
    "land said twice": ({"kind": "assign", "to": LOW, "cells": [1], "estate": "无"}, "exactly one way"),
    "land not said": ({"kind": "assign", "to": LOW}, "exactly one way"),
    "an unknown grid": ({"kind": "assign", "to": "990101001001077", "cells": [1]}, "has no grid"),
    "a grid that ended": ({"kind": "assign", "to": FAR, "cells": [40]}, "has ended"),
    "land for an upper grid": ({"kind": "assign", "to": A, "cells": [1]}, "lowest level"),
    "a name of blanks": ({"kind": "rename", "grid": LOW, "name": "  "}, "cannot be empty"),
    "the name it has": ({"kind": "rename", "grid": LOW, "name": "00网格"}, "is so already"),
    "the kind it has": ({"kind": "set_kind", "grid": LOW, "grid_kind": "urban"}, "is so already"),
    "a leaf as parent": ({"kind": "set_parent", "grid": LOW, "parent": HIGH}, "cannot stand above"),
    "a parent of another community": ({"kind": "set_parent", "grid": LOW, "parent": B}, "is of community"),
    "a code that is taken": ({"kind": "renumber", "grid": LOW, "code": HIGH}, "is that of grid"),
    "a community without grids": ({"kind": "renumber", "community": "990101001099"}, "no grids to number"),
    "renumbering nothing": ({"kind": "renumber"}, "name a community"),
    "a lock that is there": ({"kind": "lock", "grids": [NEXT]}, "locked already"),
    "a lock that is not there": ({"kind": "unlock", "grids": [LOW]}, "unlocked already"),
    "a transfer to nobody": ({"kind": "transfer", "cells": [1]}, "Transfer gives"),
    "a transfer to an unknown community": ({"kind": "transfer", "grid": LOW, "community": "X"}, "no community"),
    "a transfer to its own community": ({"kind": "transfer", "grid": LOW, "community": A}, "already"),
    "a new grid nowhere": ({"kind": "new_grid"}, "Choose land"),
    "a new grid of an unknown community": ({"kind": "new_grid", "community": "X"}, "no community"),
    "a new grid of two communities": ({"kind": "new_grid", "cells": [28, 29]}, "several communities"),
    "a new grid with a taken code": ({"kind": "new_grid", "cells": [1], "code": HIGH}, "is that of grid"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused_in_a_sentence(name: str):
    gesture, said = REFUSED[name]
    state = done(done(town(), kind="lock", grids=[NEXT]), kind="merge", grids=[code(3, 0), FAR])
    before = state.fingerprint()
    with pytest.raises(InputError, match=said) as refused:
        outcome(state, **gesture)
    assert refused.value.zh.endswith("。")
    assert state.fingerprint() == before


def test_a_grid_of_one_building_cannot_be_halved():
    state = done(town(), kind="new_grid", cells=[1], code="X1")
    with pytest.raises(InputError, match="one building or one piece of land"):
        outcome(state, kind="split", grid="X1")


def test_a_grid_without_land_cannot_be_halved_and_may_be_merged():
    state = done(town(), kind="new_grid", community=A, code="X1")
    with pytest.raises(InputError, match="one building or one piece"):
        outcome(state, kind="split", grid="X1")
    with pytest.raises(InputError, match="misses"):
        outcome(state, kind="split", grid="X1", line=lonlat((0, 0), (90, 90)))
    assert "X1" not in {g.code for g in done(state, kind="merge", grids=[LOW, "X1"]).leaves}


@pytest.mark.parametrize(
    "data",
    [
        {"kind": "assign", "to": LOW, "lasso": [(float("nan"), 0.0)] * 3},
        {"kind": "assign", "to": LOW, "lasso": [(200.0, 0.0)] * 3},
        {"kind": "assign", "to": LOW, "brush": {"line": [(0.0, 0.0)], "radius_m": 0}},
        {"kind": "assign", "to": LOW, "cells": []},
        {"kind": "assign", "to": LOW, "cells": [1], "colour": "red"},
        {"kind": "explode"},
        {"to": LOW},
        [],
        None,
    ],
)
def test_what_is_no_operation_is_said_with_its_place(data: Any):
    with pytest.raises(InputError, match="kind is one of") as refused:
        read_gesture(data)
    assert refused.value.problems


@pytest.mark.parametrize("points", [MOST_POINTS + 1, 1_000_000])
@pytest.mark.parametrize(
    "gesture",
    [
        {"kind": "assign", "to": LOW, "lasso": None},
        {"kind": "split", "grid": LOW, "line": None},
        {"kind": "cut", "line": None},
        {"kind": "assign", "to": LOW, "brush": {"line": None, "radius_m": 9.0}},
    ],
)
def test_a_shape_of_a_million_points_is_refused_in_a_sentence(gesture: dict[str, Any], points: int):
    drawn = [(0.0, 0.0)] * points
    inner = {name: drawn for name, value in gesture.items() if value is None}
    if "brush" in gesture:
        inner = {"brush": {"line": drawn, "radius_m": 9.0}}
    with pytest.raises(TooLarge, match="too many points; 10,000"):
        read_gesture(gesture | inner)


@pytest.mark.parametrize(
    ("households", "tolerance"), [(0, 0.3), (-5, 0.3), (300, 0.0), (300, 1.0), (300, float("nan"))]
)
def test_a_target_of_nothing_is_refused(households: int, tolerance: float):
    with pytest.raises(InputError, match="above 0"):
        Targets(households=households, tolerance=tolerance)


def test_a_plan_without_any_land_answers_too():
    state = town()
    nothing = type(state).start(_none(state), state.grids.values(), np.zeros(0, dtype=np.int64))
    with pytest.raises(InputError, match="no such cells"):
        outcome(nothing, kind="assign", cells=[1], to=LOW)
    with pytest.raises(InputError, match="no border"):
        outcome(nothing, kind="line", line=lonlat((0, 0), (9, 9)))
    assert cells(nothing, LOW) == set()


def _none(state):
    empty = np.zeros(0, dtype=np.int64)
    return type(state.fabric).build(
        ids=empty, geometry=np.zeros(0, dtype=object), xy=np.zeros((0, 2)), block=empty, building=empty,
        source=[], part=empty,
        estate=[], community=[], figures={"households": empty, "people": empty, "buildings": empty},
        edges=(empty, empty, np.zeros(0), []), cells_of_building={}, divisible_from=390,
    )  # fmt: skip
