"""The normal county, generated once."""

from __future__ import annotations

import pytest

from gridmap.sample import SampleCounty, generate


@pytest.fixture(scope="session")
def county() -> SampleCounty:
    return generate()
