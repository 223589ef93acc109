from __future__ import annotations

import itertools

import geopandas as gpd
import numpy as np
import pytest
import shapely

from gridmap.core.gridsets import codes_in_set, overlay
from gridmap.errors import InputError


def squares(codes: list[str], xs: list[tuple[float, float]]) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame({"code": codes}, geometry=[shapely.box(a, 0, b, 100) for a, b in xs], crs=4547)


def test_equal_sets_overlay_to_themselves() -> None:
    one = squares(["1", "2"], [(0, 100), (100, 200)])
    both = overlay([one, one, one])
    assert list(both["code"]) == ["1|1|1", "2|2|2"]
    assert all(shapely.equals_exact(a, b) for a, b in zip(both.geometry, one.geometry, strict=True))


def test_a_moved_border_makes_a_piece_that_knows_both_grids() -> None:
    both = overlay([squares(["1", "2"], [(0, 100), (100, 200)]), squares(["1", "2"], [(0, 130), (130, 200)])])
    assert dict(zip(both["code"], both.area.round(6), strict=True)) == {"1|1": 10000, "2|1": 3000, "2|2": 7000}


def test_land_of_one_set_only_keeps_an_empty_place() -> None:
    both = overlay([squares(["1"], [(0, 100)]), squares(["1"], [(50, 150)])])
    assert dict(zip(both["code"], both.area, strict=True)) == {"1|1": 5000, "1|": 5000, "|1": 5000}
    assert list(codes_in_set(["1|1", "1|", "|1", None], 0)) == ["1", "1", None, None]
    assert list(codes_in_set(["1|1", "1|", "|1", None], 1)) == ["1", None, "1", None]


def test_an_overlay_loses_no_land() -> None:
    rng = np.random.default_rng(3)
    sets = []
    for _ in range(3):
        cuts = np.sort(rng.uniform(5, 195, 6))
        edges = [0.0, *cuts, 200.0]
        sets.append(squares([str(k) for k in range(7)], list(itertools.pairwise(edges))))
    both = overlay(sets)
    assert both.area.sum() == pytest.approx(20000)
    for position in range(3):
        merged = both.assign(own=codes_in_set(both["code"], position)).dissolve("own")
        assert merged.area.to_numpy() == pytest.approx(sets[position].set_index("code").area.to_numpy())


def test_the_separator_is_refused_in_a_code() -> None:
    with pytest.raises(InputError, match="grid code"):
        overlay([squares(["1|2"], [(0, 1)])])
