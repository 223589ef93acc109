"""From a file to a map that opens without the internet, by the commands that a person types."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from gridmap.cli.app import app
from gridmap.settings import Settings
from gridmap.store.database import Place, engine_of
from tests.maps.conftest import Opened
from tests.osm_town import LINES, SOUTH, STEP, WEST, write_town

Command = Callable[..., Any]
Opening = Callable[..., Opened]


@pytest.fixture
def command(run_settings: Settings, place: Place, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Command:
    """Run a command on this test's own empty database, and return what it answered as JSON."""
    monkeypatch.setenv("GRIDMAP_DATA_DIR", str(run_settings.data_dir))
    monkeypatch.chdir(tmp_path)

    def go(*arguments: str) -> Any:
        done = CliRunner().invoke(app, [*arguments, "--database", place.name, "--json"])
        assert done.exit_code == 0, f"{arguments}\n{done.output}\n{done.exception!r}"
        return json.loads(done.stdout)

    return go


def count(place: Place, sql: str) -> Any:
    with engine_of(place).connect() as connection:
        return connection.execute(text(sql)).scalar_one()


@pytest.fixture(scope="module")
def made_up(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_town(tmp_path_factory.mktemp("osm") / "made_up.osm.pbf")


def looked_at(opening: Opening, file: Path, keep: Any, name: str, *, rows: int | None = None) -> Opened:
    """Open a stand-alone map with the network blocked, see that it is whole, and keep a screenshot."""
    opened = opening(file.as_uri())
    page = opened.ready()
    assert [url for url in opened.asked if not url.startswith("data:")] == [file.as_uri()]
    assert opened.errors == []
    if rows is not None:
        assert page.locator(".gm-row").count() == rows
    shown = keep(page, name)
    assert shown.stat().st_size > 20_000
    return opened


def point_in_a_building(place: Place) -> tuple[float, float]:
    """A point in some building."""
    with engine_of(place).connect() as connection:
        row = connection.execute(
            text(
                "SELECT ST_X(p), ST_Y(p) FROM (SELECT ST_PointOnSurface(b.geom) AS p FROM gridmap.building b "
                "JOIN gridmap.cell c ON c.building_id = b.id AND c.retired_at IS NULL ORDER BY b.id LIMIT 1) x"
            )
        ).one()
    return float(row[0]), float(row[1])


def test_a_sample_grows_on_the_streets_of_a_file_and_is_on_the_map(
    made_up: Path, command: Command, place: Place, opening: Opening, keep: Any, tmp_path: Path
) -> None:
    told = command("sample", "--on", str(made_up), "--buildings", "700", "--seed", "2", "--commit")
    built = told["buildings"]["buildings"]
    assert 690 <= built <= 700  # a small place has no room for some of the planted ones
    assert told["cells"]["cells"] > built
    assert count(place, "SELECT bool_and(generated) FROM gridmap.building")
    names = count(place, "SELECT array_agg(DISTINCT name) FROM gridmap.street WHERE name IS NOT NULL")
    assert set(names) == {f"{kind}{k}{end}" for k in range(LINES) for kind, end in (("纵", "街"), ("横", "路"))}
    assert count(place, "SELECT count(*) FROM gridmap.water WHERE name = '小塘'") == 1
    again = command("sample", "--on", str(made_up), "--buildings", "700", "--seed", "2", "--commit")
    assert again["already"] is True
    leaves = command("edition", "show")
    lon, lat = point_in_a_building(place)
    answer = command("locate", str(lon), str(lat))
    assert answer["building"] is not None
    assert answer["grid"]["code"] in {leaf["code"] for leaf in leaves}
    command("map", "sample.html")
    opened = looked_at(opening, tmp_path / "sample.html", keep, "sample-on-a-file", rows=len(leaves))
    assert "© OpenStreetMap contributors" in opened.page.locator("body").inner_text()


def test_communities_of_a_file_grow_from_its_points_and_are_on_the_map(
    made_up: Path, command: Command, place: Place, opening: Opening, keep: Any, tmp_path: Path
) -> None:
    command("import", "osm", str(made_up), "--commit")
    told = command("cells", "--commit")
    assert told["communities_provisional"] == 2
    assert count(place, "SELECT count(*) FROM gridmap.cell WHERE building_id IS NOT NULL AND retired_at IS NULL") == 64
    assert count(place, "SELECT bool_and(provisional) FROM gridmap.area WHERE ST_Dimension(geom) = 2")
    grids = command("edition", "show")
    assert {grid["community_name"] for grid in grids} >= {"东风社区", "西岭社区"}
    answer = command("locate", str(WEST + 1.4 * STEP), str(SOUTH + 4.45 * STEP))
    assert answer["community"]["name"] == "东风社区"
    assert answer["building"] is not None
    command("map", "communities.html")
    opened = looked_at(opening, tmp_path / "communities.html", keep, "communities-from-points", rows=len(grids))
    assert "东风社区" in opened.page.locator("#gm-body").inner_text()


# --- real files --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def real() -> Path:
    return Path(os.environ["GRIDMAP_REALDATA"])


@pytest.mark.realdata
def test_guixi_goes_from_its_extract_to_communities_on_a_map(
    real: Path, command: Command, place: Place, opening: Opening, keep: Any, tmp_path: Path
) -> None:
    command("import", "osm", str(real / "guixi_jiangxi.osm.pbf"), "--commit")
    told = command("cells", "--commit")
    assert told["communities_provisional"] >= 10
    grids = command("edition", "show")
    assert len(grids) >= told["communities_provisional"]
    lon, lat = point_in_a_building(place)
    assert command("locate", str(lon), str(lat))["building"] is not None
    command("map", "guixi.html")
    looked_at(opening, tmp_path / "guixi.html", keep, "real-guixi", rows=len(grids))


@pytest.mark.realdata
def test_guixi_is_filled_with_a_sample_on_its_own_streets(
    real: Path, command: Command, opening: Opening, keep: Any, tmp_path: Path
) -> None:
    told = command("sample", "--on", str(real / "guixi_jiangxi.osm.pbf"), "--buildings", "3000", "--commit")
    assert told["buildings"]["buildings"] == 3000
    command("map", "filled.html")
    looked_at(opening, tmp_path / "filled.html", keep, "real-guixi-sample", rows=len(command("edition", "show")))


@pytest.mark.realdata
def test_shanghai_goes_from_streets_and_buildings_to_cells_on_a_map(
    real: Path, command: Command, place: Place, opening: Opening, keep: Any, tmp_path: Path
) -> None:
    file = str(real / "shanghai_bund.gpkg")
    columns = ("--map", "source_id=id")
    command(
        "import", "streets", file, "--layer", "roads", *columns, "--map", "highway=kind_detail", "--skip-bad",
        "--commit",
    )  # fmt: skip
    command(
        "import", "buildings", file, *columns, "--map", "use=kind_detail", "--where", "kind=building", "--skip-bad",
        "--commit",
    )  # fmt: skip
    told = command("cells", "--commit")
    homes = count(place, "SELECT count(DISTINCT building_id) FROM gridmap.cell WHERE retired_at IS NULL")
    assert homes > 1000
    assert told["cells"] >= homes
    command("map", "shanghai.html")
    opened = looked_at(opening, tmp_path / "shanghai.html", keep, "real-shanghai")
    assert opened.page.locator("canvas, svg").count() > 0


@pytest.mark.realdata
def test_new_york_s_districts_become_grids_and_a_point_is_located_in_one(
    real: Path, command: Command, opening: Opening, keep: Any, tmp_path: Path
) -> None:
    command(
        "import", "grids", str(real / "nyc_community_districts.geojson.gz"), "--map", "code=BoroCD",
        "--edition", "2020", "--from", "2020-01-01", "--commit",
    )  # fmt: skip
    assert command("cells", "--commit")["cells"] >= 71  # islands are cells of their own
    grids = command("edition", "show")
    assert len(grids) == 71
    assert np.isclose(sum(grid["area_m2"] for grid in grids) / 1e6, 790, rtol=0.05)  # km² of land and parks
    answer = command("locate", "-73.9857", "40.7484")  # Fifth Avenue and 34th Street
    assert answer["grid"]["code"] == "105"
    assert answer["grid"]["code"] in {grid["code"] for grid in grids}
    command("map", "newyork.html")
    looked_at(opening, tmp_path / "newyork.html", keep, "real-newyork", rows=71)
