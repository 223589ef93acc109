from __future__ import annotations

import numpy as np
import pytest

from gridmap.core.offset_crs import bd09_to_gcj02, gcj02_to_bd09, gcj02_to_wgs84, to_wgs84, wgs84_to_gcj02
from gridmap.errors import UnknownCrs

LON, LAT = (v.ravel() for v in np.meshgrid(np.linspace(97, 123, 60), np.linspace(21, 42, 60)))


def metres(lon_a, lat_a, lon_b, lat_b):
    return np.hypot((lon_a - lon_b) * 111_320 * np.cos(np.radians(lat_a)), (lat_a - lat_b) * 110_574)


def test_the_way_back_errs_by_less_than_a_millimetre() -> None:
    assert metres(*gcj02_to_wgs84(*wgs84_to_gcj02(LON, LAT)), LON, LAT).max() < 1e-3
    assert metres(*bd09_to_gcj02(*gcj02_to_bd09(LON, LAT)), LON, LAT).max() < 1e-3
    bd = gcj02_to_bd09(*wgs84_to_gcj02(LON, LAT))
    assert metres(*to_wgs84(*bd, "BD-09"), LON, LAT).max() < 1e-3


def test_the_shifts_are_as_large_as_they_are_known_to_be() -> None:
    shift = metres(*wgs84_to_gcj02(LON, LAT), LON, LAT)
    assert shift.min() > 25
    assert shift.max() < 700


# published test vectors of eviltransform: WGS 84 lat, lon, GCJ-02 lat, lon
VECTORS = [
    (31.1774276, 121.5272106, 31.17530398364597, 121.531541859215),
    (22.543847, 113.912316, 22.540796131694766, 113.9171764808363),
    (39.911954, 116.377817, 39.91334545536069, 116.38404722455657),
]


@pytest.mark.parametrize("vector", VECTORS)
def test_the_published_vectors_of_another_implementation_come_out(vector: tuple[float, float, float, float]) -> None:
    lat, lon, gcj_lat, gcj_lon = vector
    found_lon, found_lat = wgs84_to_gcj02([lon], [lat])
    assert metres(found_lon, found_lat, gcj_lon, gcj_lat)[0] < 0.02


def test_nothing_is_shifted_abroad() -> None:
    assert wgs84_to_gcj02([-74.0], [40.7]) == (np.array([-74.0]), np.array([40.7]))


def test_an_unknown_system_is_refused() -> None:
    with pytest.raises(UnknownCrs):
        to_wgs84([1.0], [2.0], "EPSG:9999")
