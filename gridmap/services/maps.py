"""The map as one file: everything that it shows is taken from the database in the shapes of the API."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson

from gridmap.maps.data import MapData
from gridmap.maps.export import standalone_page
from gridmap.model.text import Language
from gridmap.services import editions
from gridmap.store import editions as edition_store
from gridmap.store import readers
from gridmap.store.database import Place, engine_of


def map_data(place: Place) -> MapData:
    """Return everything that a stand-alone map of the edition in force shows; no requests."""
    known = editions.jurisdiction(place)
    with engine_of(place).connect() as connection:
        edition_id = edition_store.edition_at(connection, None)

        def loaded(data: bytes) -> Any:
            return orjson.loads(data)

        return MapData(
            jurisdiction=known,
            grids={level: loaded(editions.told_grids(connection, edition_id, level)) for level in known["levels"]},
            communities=loaded(readers.areas_geojson(connection, "community")),
            stations=loaded(readers.stations_geojson(connection)),
            duties=readers.all_public_duties(connection),
            **{name: loaded(data) for name, data in readers.base_geojson(connection).items()},
        )


def write_map(place: Place, file: Path, *, language: Language = "zh") -> int:
    """Write the map as one HTML file and return its size in bytes; the file appears only when it is whole."""
    page = standalone_page(map_data(place), language=language)
    partial = file.with_name(file.name + ".partial")
    partial.write_text(page, encoding="utf-8")
    partial.replace(file)
    return file.stat().st_size
