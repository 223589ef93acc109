"""The map as one file: everything that it shows is taken from the database in the shapes of the API."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson

from gridmap.errors import NotReady
from gridmap.maps.coverage import CoverageData
from gridmap.maps.data import MapData
from gridmap.maps.export import standalone_page
from gridmap.model.text import Language
from gridmap.services import coverage, editions, stations
from gridmap.services.looking import Question
from gridmap.services.walking import Walker
from gridmap.store import editions as edition_store
from gridmap.store import readers
from gridmap.store.database import Place, engine_of

#: The walks that a stand-alone map knows.
MINUTES = (5.0, 10.0, 15.0, 20.0)
USUAL = 15.0


def map_data(place: Place, *, minutes: Sequence[float] = ()) -> MapData:
    """Return everything that a stand-alone map of the edition in force shows; no requests.

    With ``minutes`` it has coverage mode for walks of that length; without streets or buildings it has none.
    """
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
            coverage=_coverage(place, minutes) if minutes else None,
            **{name: loaded(data) for name, data in readers.base_geojson(connection).items()},
        )


def _coverage(place: Place, minutes: Sequence[float]) -> CoverageData | None:
    walker = Walker(place)
    try:
        town = walker.town()
    except NotReady:
        return None
    asked = {limit: Question(minutes=limit) for limit in minutes}
    longest = asked[max(minutes)]
    return CoverageData(
        answers={limit: coverage.coverage(walker, question) for limit, question in asked.items()},
        reach=coverage.area(walker, longest, each=tuple(minutes)),
        gaps={limit: coverage.gaps(walker, question) for limit, question in asked.items()},
        buildings=coverage.buildings(walker, longest),
        facts={station.code: stations.facts(place, station.code) for station in town.today.stations},
        minutes=USUAL if USUAL in asked else max(minutes),
    )


def write_map(place: Place, file: Path, *, language: Language = "zh") -> int:
    """Write the map as one HTML file and return its size in bytes; the file appears only when it is whole."""
    page = standalone_page(map_data(place, minutes=MINUTES), language=language)
    partial = file.with_name(file.name + ".partial")
    partial.write_text(page, encoding="utf-8")
    partial.replace(file)
    return file.stat().st_size
