"""The stand-alone map as text: modules in one script, data in steps, no address."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely

from gridmap.errors import NotReady
from gridmap.maps.data import MapData
from gridmap.maps.export import STEP_DEGREES, bundle, encode_layer, standalone_page
from gridmap.maps.map import GridMap
from gridmap.maps.page import STATIC
from tests.maps.conftest import as_map_data
from tests.maps.town import town


@pytest.fixture(scope="module")
def page() -> str:
    return standalone_page(as_map_data(town()), language="zh")


def _polygon(*rings: list[tuple[float, float]], **properties: Any) -> dict[str, Any]:
    geometry = {"type": "Polygon", "coordinates": rings}
    return {
        "type": "FeatureCollection",
        "features": [{"type": "Feature", "properties": properties, "geometry": geometry}],
    }


def _decoded(parts: list[list[int]]) -> list[np.ndarray]:
    return [np.cumsum(np.array(part).reshape(-1, 2), axis=0) * STEP_DEGREES for part in parts]


def test_the_same_data_give_the_same_file_twice(page: str) -> None:
    assert page == standalone_page(as_map_data(town()), language="zh")


def test_the_file_names_no_other_file_and_no_address(page: str) -> None:
    assert re.findall(r'<(?:script|link|img|iframe)[^>]+(?:src|href)="(?!data:)[^"]*"', page) == []
    assert re.findall(r"url\((?!data:|#)", page) == []
    assert "@import" not in page
    script_and_style = re.sub(r"http://www\.w3\.org/\d+/\w+", "", page)
    addresses = set(re.findall(r"https?://[\w./-]+", script_and_style))
    assert addresses <= {"https://leafletjs.com"}, "Leaflet's own comment and unused attribution"


def test_a_town_of_two_thousand_buildings_is_less_than_a_megabyte(page: str) -> None:
    assert len(page.encode()) < 1_000_000


def test_modules_run_in_the_order_of_their_imports(tmp_path: Path) -> None:
    (tmp_path / "main.js").write_text(
        'import { one, two } from "./low.js";\nexport function mount() { return one + two(); }\n'
    )
    (tmp_path / "low.js").write_text("export const one = 1;\nexport function two() { return 2; }\n")
    code = bundle("main", tmp_path)
    assert code.index("$low") < code.index("$main")
    assert "const { one, two } = $low;" in code
    assert "return { one, two };" in code
    assert "import " not in code
    assert "export " not in code


@pytest.mark.parametrize(
    "source",
    ['import low from "./low.js";\n', 'import * as low from "./low.js";\n', "export default 1;\n", "export { one };\n"],
)
def test_forms_that_cannot_be_inlined_are_refused(tmp_path: Path, source: str) -> None:
    (tmp_path / "main.js").write_text(source)
    with pytest.raises(ValueError, match="cannot be inlined"):
        bundle("main", tmp_path)


def test_modules_that_import_each_other_are_refused(tmp_path: Path) -> None:
    (tmp_path / "main.js").write_text('import { a } from "./low.js";\nexport const b = 1;\n')
    (tmp_path / "low.js").write_text('import { b } from "./main.js";\nexport const a = 1;\n')
    with pytest.raises(ValueError, match="main → low → main"):
        bundle("main", tmp_path)


def test_every_module_of_ours_is_in_the_stand_alone_file_but_those_for_the_server() -> None:
    code = bundle("main", STATIC / "gridmap")
    modules = {path.stem for path in (STATIC / "gridmap").glob("*.js")}
    left = {name for name in modules if f"const ${name} =" not in code}
    assert {name for name in left if not name.startswith("plan")} == {"api", "ask", "coverageapi"}
    assert {"plan", "planapi", "plantools", "planpublish"} <= left


def test_coordinates_come_back_within_half_a_step() -> None:
    ring = [(117.00000049, 28.3), (117.0123456, 28.3000011), (117.01, 28.31), (117.00000049, 28.3)]
    encoded = encode_layer(_polygon(ring, code="a"))
    assert encoded["columns"] == {"code": ["a"]}
    (decoded,) = _decoded(encoded["geometry"][0])
    expected = shapely.get_coordinates(shapely.orient_polygons(shapely.Polygon(ring)))
    assert np.abs(decoded - expected).max() <= STEP_DEGREES / 2 + 1e-12


def test_neighbours_keep_their_common_vertices() -> None:
    left = encode_layer(_polygon([(0, 0), (1, 0), (1.0000004, 1), (0, 1), (0, 0)]))
    right = encode_layer(_polygon([(1, 0), (2, 0), (2, 1), (1.0000004, 1), (1, 0)]))
    shared = {(1.0, 0.0), (1.0, 1.0)}
    for layer in (left, right):
        points = {tuple(np.round(p, 6)) for p in _decoded(layer["geometry"][0])[0]}
        assert shared <= points


def test_a_hole_runs_against_its_ring() -> None:
    outer = [(0, 0), (1, 0), (1, 1), (0, 1), (0, 0)]
    hole = [(0.2, 0.2), (0.8, 0.2), (0.8, 0.8), (0.2, 0.8), (0.2, 0.2)]
    rings = _decoded(encode_layer(_polygon(outer, hole))["geometry"][0])
    assert [shapely.is_ccw(shapely.LinearRing(ring)) for ring in rings] in ([True, False], [False, True])


def test_a_layer_without_features_and_a_feature_without_geometry_are_no_error() -> None:
    assert encode_layer({"features": []}) == {"columns": {}, "geometry": []}
    bare = {"features": [{"properties": {"code": "a"}, "geometry": None}]}
    assert encode_layer(bare)["geometry"] == []


def test_a_map_without_data_says_what_to_do() -> None:
    with pytest.raises(NotReady, match="GridMap"):
        GridMap().page()


def test_a_notebook_shows_the_map_in_a_closed_frame(map_data: MapData) -> None:
    shown = GridMap(data=map_data)._repr_html_()
    assert shown.startswith("<iframe srcdoc=")
    assert 'sandbox="allow-scripts allow-modals"' in shown
    assert "<script" not in shown


def test_save_writes_the_stand_alone_page(map_data: MapData, tmp_path: Path) -> None:
    grid_map = GridMap(data=map_data, language="en")
    grid_map.save(tmp_path / "map.html")
    buffer = io.BytesIO()
    grid_map.save(buffer, close_file=False)
    assert (tmp_path / "map.html").read_bytes() == buffer.getvalue()
    assert buffer.getvalue().decode() == standalone_page(map_data, language="en")


def test_hostile_names_cannot_end_the_data_block(data: dict[str, Any]) -> None:
    name = "</script><script>alert(1)</script><!--"
    data["jurisdiction"] = {**data["jurisdiction"], "name": name}
    page = standalone_page(as_map_data(data), language="zh")
    assert "alert(1)</script>" not in page
    block = re.search(r'id="map_main_data">(.*?)</script>', page, re.DOTALL)[1]
    assert json.loads(block)["jurisdiction"]["name"] == name
