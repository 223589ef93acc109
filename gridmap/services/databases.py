"""Opening, copying, backing up and restoring databases."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlalchemy import URL, make_url
from sqlalchemy.exc import OperationalError

from gridmap.errors import NotFound
from gridmap.settings import Settings
from gridmap.store.database import Place, database_names, ensure_database, find_place
from gridmap.store.migrate import migrate, require_schema, schema_state


def open_ready(
    settings: Settings,
    database: str | None = None,
    *,
    create: bool = False,
    making: Callable[[str], None] | None = None,
) -> Place:
    """Return a database with this program's schema.

    The private cluster is started and its database migrated; a server of somebody else's is only checked.
    With ``create`` a database that the private cluster has not is made, and ``making`` told its name before.

    Raises
    ------
    NotFound
        There is no such database, and none is to be made; the sentence names those that there are.
    NotReady
        The server does not answer, lacks PostGIS, or its schema is not this program's.
    """
    place = find_place(settings, database)
    if place.cluster is not None:
        place.cluster.ensure_running()
        names = database_names(place.cluster)
        if place.name not in names:
            if not create:
                raise _unknown(settings, place, names)
            if making is not None:
                making(place.name)
    make_ready(place)
    return place


def open_existing(settings: Settings, database: str | None = None) -> Place:
    """Return a database that is there, whatever its schema; the private cluster is started.

    Raises
    ------
    NotFound
        The private cluster has no such database; the sentence names those that there are.
    """
    place = find_place(settings, database)
    if place.cluster is not None:
        place.cluster.ensure_running()
        names = database_names(place.cluster)
        if place.name not in names:
            raise _unknown(settings, place, names)
    return place


def _unknown(settings: Settings, place: Place, names: Sequence[str]) -> NotFound:
    make = "gridmap db up" if place.name == settings.database else f"gridmap db up --database {place.name}"
    return NotFound(
        f"没有名为“{place.name}”的数据库。现有:{'、'.join(names) or '无'}。要新建它:{make}",
        f"There is no database '{place.name}'. There are: {', '.join(names) or 'none'}. To make it: {make}",
    )


def make_ready(place: Place) -> None:
    """Start and migrate the private cluster's database; check, and only check, a server of somebody else's.

    Raises
    ------
    NotReady
        The server does not answer, lacks PostGIS, or its schema is not this program's.
    """
    if place.cluster is not None:
        migrate(place)
    else:
        ensure_database(place)
        require_schema(place)


def describe(settings: Settings, database: str | None = None) -> dict[str, object]:
    """Return what is known about a database without starting anything."""
    place = find_place(settings, database)
    told: dict[str, object] = {"database": place.name, "address": place.shown}
    if place.cluster is not None:
        cluster = place.cluster.status()
        told |= {
            "folder": str(cluster.folder),
            "made": cluster.made,
            "running": cluster.running,
            "postgresql": cluster.major,
        }
        if not cluster.running:
            return told
    try:
        state = schema_state(place)
    except OperationalError:
        return told | {"answers": False}
    return told | {"answers": True, "schema": state.current, "schema_of_program": state.head}


def plain_address(place: Place) -> str:
    """Return the address as libpq and QGIS read it, without the password."""
    url = make_url(place.url)
    # URL.set(password=None) would leave the password as it is
    bare = URL.create("postgresql", url.username, None, url.host, url.port, url.database, url.query)
    return bare.render_as_string(hide_password=False)
