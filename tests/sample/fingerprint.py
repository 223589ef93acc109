"""One number for a whole county: every cell and every coordinate of every table counts."""

from __future__ import annotations

import hashlib
import json

import geopandas as gpd
import shapely

from gridmap.sample import SampleCounty, generate

TABLES = (
    "areas", "streets", "water", "landuse", "estates", "buildings", "households", "places", "stations", "candidates",
    "nets", "people", "requests", "grids_last_year", "grids_present", "grids_draft",
)  # fmt: skip


def fingerprint(county: SampleCounty) -> str:
    digest = hashlib.sha256()
    for name in TABLES:
        frame = getattr(county, name)
        digest.update(name.encode())
        if isinstance(frame, gpd.GeoDataFrame):
            for wkb in shapely.to_wkb(frame.geometry.to_numpy()):
                digest.update(wkb)
            frame = frame.drop(columns="geometry")
        digest.update(frame.to_csv(index=False).encode())
    digest.update(json.dumps(county.truth, ensure_ascii=False, sort_keys=True).encode())
    digest.update(json.dumps([county.now, county.editions], ensure_ascii=False).encode())
    return digest.hexdigest()


if __name__ == "__main__":
    print(fingerprint(generate(seed=3, buildings=700)))
