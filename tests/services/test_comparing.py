"""Two plans or editions beside each other, to the building (see town)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import geopandas as gpd
import orjson
import pytest
import shapely

from gridmap.errors import InputError, NotFound
from gridmap.services import comparing
from gridmap.services.plans import PlanDesk
from gridmap.store.database import Place
from tests.services import town
from tests.services.test_plans import NE, NW, SE, SW, give
from tests.services.test_plans_published import published


@pytest.fixture
def desk(town_place: Place) -> PlanDesk:
    return PlanDesk(town_place)


@pytest.fixture
def plan(desk: PlanDesk) -> int:
    number = int(desk.new(title="明年方案", who="anna")["id"])
    desk.operate(number, give("b003", NW), who="anna")
    desk.operate(number, {"kind": "merge", "grids": [SE, NE]}, who="anna")
    return number


def told(desk: PlanDesk, old: str | None, new: str) -> dict[str, Any]:
    with desk.snapshot() as seen:
        return comparing.told(comparing.compare(seen, old, new))


def moved(found: dict[str, Any]) -> dict[str, tuple[str, str]]:
    return {b["building"]: (b["old"], b["new"]) for b in found["buildings"]}


def test_two_editions_tell_who_moved_and_the_way_back_tells_the_reverse(desk: PlanDesk) -> None:
    there, back = told(desk, "edition:1", "edition:2"), told(desk, "edition:2", "edition:1")
    assert moved(there) == {f"b00{k}": (SE, SW) for k in range(6)}
    assert {b: way[::-1] for b, way in moved(there).items()} == moved(back)
    assert (there["households_moved"], there["people_moved"]) == (6 * 50, 6 * 140)
    assert [(g["from"]["name"], g["to"]["name"]) for g in (there,)] == [("去年版", "现行版")]
    assert told(desk, None, "edition:2") == there


def test_a_plan_is_the_same_as_the_edition_that_it_became(desk: PlanDesk, plan: int) -> None:
    made = desk.operate(plan, {"kind": "split", "grid": town.code(2, 0)}, who="anna")
    before = moved(told(desk, None, f"plan:{plan}"))
    assert len(before) > 6 + 1
    edition = published(desk, plan)["edition"]
    same = told(desk, f"plan:{plan}", f"edition:{edition}")
    assert (same["buildings"], same["households_moved"]) == ([], 0)
    assert same["grids"] == {"ended": [], "new": [], "changed": []}
    assert moved(told(desk, "edition:2", f"edition:{edition}")) == before
    assert {g["code"] for g in made["grids"]} & {code for _, code in before.values()}


def test_two_plans_are_compared_with_each_other(desk: PlanDesk, plan: int) -> None:
    other = int(desk.new(title="另一方案", who="ben")["id"])
    desk.operate(other, give("b003", NW), who="ben")
    desk.operate(other, give("b200", town.code(2, 1)), who="ben")
    found = told(desk, f"plan:{other}", f"plan:{plan}")
    ways = moved(found)
    assert "b003" not in ways
    assert ways["b200"] == (town.code(2, 1), town.code(2, 0))
    assert {way for b, way in ways.items() if b.startswith("b11")} == {(NE, SE)}
    assert (found["grids"]["ended"], found["grids"]["new"]) == ([NE], [])


def test_grids_that_two_plans_made_are_the_same_when_their_codes_are(desk: PlanDesk, plan: int) -> None:
    other = int(desk.new(title="另一方案", who="ben")["id"])
    split = {"kind": "split", "grid": town.code(2, 0)}
    for number in (plan, other):
        desk.operate(number, split, who="anna")
    found = told(desk, f"plan:{other}", f"plan:{plan}")
    assert not any(town.code(2, 0) in way for way in moved(found).values())
    assert found["grids"]["new"] == []


def test_borders_that_are_gone_and_new_are_lines(desk: PlanDesk, plan: int) -> None:
    with desk.snapshot() as seen:
        found = comparing.compare(seen, None, f"plan:{plan}")
        lines = orjson.loads(comparing.borders_geojson(found))["features"]
    by = {(f["properties"]["change"], f["properties"]["one"], f["properties"]["other"]): f for f in lines}
    gone = by["gone", NE, SE]["properties"]
    assert gone["length_m"] == pytest.approx(town.SIDE, abs=1)
    assert ("new", *sorted((SW, NW))) in by
    assert all(shapely.geometry.shape(f["geometry"]).length > 0 for f in lines)


def test_a_comparison_is_written_as_layers(desk: PlanDesk, plan: int, tmp_path: Path) -> None:
    file = tmp_path / "diff.gpkg"
    with desk.snapshot() as seen:
        rows = comparing.write_diff(comparing.compare(seen, None, f"plan:{plan}"), file)
    before, after, land = (gpd.read_file(file, layer=name) for name in ("before", "after", "land"))
    assert (len(before), len(after), rows["after"]) == (8, 7, 7)
    assert before["households"].sum() == after["households"].sum() == 48 * 50
    assert set(zip(land["old"], land["new"], strict=True)) == {(SW, NW), (NE, SE)}
    everything = [shapely.union_all(frame.to_crs(town.EPSG).geometry) for frame in (before, after)]
    assert shapely.area(shapely.symmetric_difference(*everything)) < 0.5
    assert all(shapely.coverage_is_valid(frame.geometry.to_numpy()) for frame in (before, after))


@pytest.mark.parametrize(("name", "error"), [("edition:77", NotFound), ("plan:77", NotFound), ("last", InputError)])
def test_what_is_not_there_is_a_sentence(desk: PlanDesk, name: str, error: type[Exception]) -> None:
    with pytest.raises(error), desk.snapshot() as seen:
        comparing.compare(seen, "edition:1", name)


def test_a_comparison_is_not_written_to_a_file_of_another_kind(desk: PlanDesk, plan: int, tmp_path: Path) -> None:
    with desk.snapshot() as seen, pytest.raises(InputError, match="cannot be written"):
        comparing.write_diff(comparing.compare(seen, None, f"plan:{plan}"), tmp_path / "diff.doc")
