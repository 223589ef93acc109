"""Where the database is, and connections to it."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, make_url, text
from sqlalchemy.exc import OperationalError

from gridmap.errors import InputError, NotReady
from gridmap.settings import Settings
from gridmap.store.cluster import INSTALL_LINE, Cluster

MIN_POSTGIS = (3, 3)
_NAME = re.compile(r"^[a-z][a-z0-9_]{0,40}$")


@dataclass(frozen=True, slots=True)
class Place:
    """A database: its SQLAlchemy address, the private cluster that serves it, if one does, and its pool's size."""

    url: str
    cluster: Cluster | None
    pool_size: int = 8

    @property
    def shown(self) -> str:
        """The address without its password."""
        return make_url(self.url).render_as_string(hide_password=True)

    @property
    def name(self) -> str:
        """The name of the database."""
        return make_url(self.url).database or ""


def find_place(settings: Settings, database: str | None = None) -> Place:
    """Return the database to use: ``database`` (an address, or a name in the private cluster), else the settings'.

    Raises
    ------
    InputError
        The name or the address cannot be one of a PostgreSQL database.
    """
    if database is None and settings.database_url is not None:
        database = settings.database_url.get_secret_value()
    if database is None:
        database = settings.database
    if "://" in database:
        return Place(_psycopg2_url(database), None, settings.pool_size)
    if not _NAME.match(database):
        raise InputError(
            f"数据库名“{database}”不合适:只用小写字母、数字和下划线,以字母开头。",
            f"The database name '{database}' does not fit: use lower-case letters, digits and _, a letter first.",
        )
    cluster = Cluster(settings.data_dir)
    return Place(cluster.url(database), cluster, settings.pool_size)


def _psycopg2_url(address: str) -> str:
    try:
        url = make_url(address)
    except Exception as error:
        raise InputError(
            "数据库地址无法识别。例:postgresql://用户:密码@主机:5432/库名",
            "The database address cannot be read. Example: postgresql://user:password@host:5432/name",
        ) from error
    if url.get_backend_name() not in {"postgresql", "postgres"}:
        raise InputError(
            f"数据库类型“{url.get_backend_name()}”不支持,需要 PostgreSQL 和 PostGIS。",
            f"'{url.get_backend_name()}' databases are not supported: PostgreSQL with PostGIS is needed.",
        )
    return url.set(drivername="postgresql+psycopg2").render_as_string(hide_password=False)


def ensure_database(place: Place) -> None:
    """Start the private cluster and make the database in it when missing; check what a foreign server offers.

    Raises
    ------
    NotReady
        The server cannot be reached, lacks PostGIS, or orders characters in a way in which Chinese is not searchable.
    """
    if place.cluster is not None:
        place.cluster.ensure_running()
        _create_missing(place.cluster, place.name)
    with transaction(place) as connection:
        check_server(connection)


def _create_missing(cluster: Cluster, name: str) -> None:
    admin = create_engine(cluster.url("postgres"), isolation_level="AUTOCOMMIT")
    try:
        with admin.connect() as connection:
            # two starts at once: one makes the database, the other waits
            connection.execute(text("SELECT pg_advisory_lock(hashtext(:n))"), {"n": f"gridmap create {name}"})
            if not connection.scalar(text("SELECT 1 FROM pg_database WHERE datname = :n"), {"n": name}):
                connection.execute(text(f'CREATE DATABASE "{name}" TEMPLATE template0'))
    finally:
        admin.dispose()


def database_names(cluster: Cluster) -> list[str]:
    """Return the names of the databases in a private cluster that runs."""
    admin = create_engine(cluster.url("postgres"))
    try:
        with admin.connect() as connection:
            found = connection.scalars(
                text("SELECT datname FROM pg_database WHERE NOT datistemplate AND datname <> 'postgres' ORDER BY 1")
            )
            return [str(name) for name in found]
    finally:
        admin.dispose()


def check_server(connection: Connection) -> None:
    """Check PostGIS, its version, and that trigrams see Chinese characters.

    Raises
    ------
    NotReady
        One of them is missing; the sentence says what to do.
    """
    available: dict[str, str] = {
        row.name: row.default_version
        for row in connection.execute(
            text("SELECT name, default_version FROM pg_available_extensions WHERE name IN ('postgis', 'pg_trgm')")
        )
    }
    if "postgis" not in available:
        raise NotReady(
            f"数据库服务器没有 PostGIS。请在服务器上安装,例如:{INSTALL_LINE}",
            f"The database server has no PostGIS. Install it there, for example: {INSTALL_LINE}",
        )
    if "pg_trgm" not in available:
        raise NotReady(
            "数据库服务器没有 pg_trgm(postgresql-contrib)。请安装。",
            "The database server has no pg_trgm (postgresql-contrib). Install it.",
        )
    version = tuple(int(n) for n in re.findall(r"\d+", available["postgis"])[:2])
    if version < MIN_POSTGIS:
        raise NotReady(
            f"PostGIS {available['postgis']} 太旧,需要 {MIN_POSTGIS[0]}.{MIN_POSTGIS[1]} 或更新。",
            f"PostGIS {available['postgis']} is too old: {MIN_POSTGIS[0]}.{MIN_POSTGIS[1]} or newer is needed.",
        )
    encoding, ctype = connection.execute(
        text("SELECT pg_encoding_to_char(encoding), datctype FROM pg_database WHERE datname = current_database()")
    ).one()
    if encoding != "UTF8" or ctype in {"C", "POSIX"}:
        raise NotReady(
            f"数据库的编码是 {encoding}、字符类型是 {ctype},中文检索不会有结果。"
            "请以 UTF8 和 C.UTF-8(或 zh_CN.UTF-8)重新建库:"
            "CREATE DATABASE … ENCODING 'UTF8' LC_CTYPE 'C.UTF-8' TEMPLATE template0。",
            f"The database has encoding {encoding} and character type {ctype}, under which Chinese cannot be searched. "
            "Make it again: CREATE DATABASE … ENCODING 'UTF8' LC_CTYPE 'C.UTF-8' TEMPLATE template0.",
        )


@cache
def _engine(url: str, pool_size: int, pid: int) -> Engine:  # noqa: ARG001 (a forked process needs its own)
    return create_engine(
        url,
        pool_size=pool_size,
        max_overflow=0,
        pool_pre_ping=True,
        # what is bound may be personal; it has no place in an error's text or a log
        hide_parameters=True,
        connect_args={"application_name": "gridmap", "options": "-c timezone=UTC -c search_path=public"},
    )


def engine_of(place: Place, *, pool_size: int | None = None) -> Engine:
    """Return the engine of this process for that database; its pool is the place's unless one is asked for."""
    return _engine(place.url, pool_size or place.pool_size, os.getpid())


@contextlib.contextmanager
def transaction(place: Place, *, pool_size: int | None = None) -> Iterator[Connection]:
    """One connection and one transaction: all or nothing.

    Raises
    ------
    NotReady
        The server does not answer.
    """
    try:
        with engine_of(place, pool_size=pool_size).begin() as connection:
            yield connection
    except OperationalError as error:
        if error.connection_invalidated or "could not connect" in str(error) or "connection to server" in str(error):
            raise NotReady(
                f"数据库 {place.shown} 没有应答。请检查它是否在运行(gridmap db status)。",
                f"The database {place.shown} does not answer. See whether it runs (gridmap db status).",
            ) from error
        raise


def sql_folder() -> Path:
    """Return the folder of the SQL files: in a checkout beside the package, else inside it."""
    inside = Path(__file__).parents[1] / "_sql"
    return inside if inside.is_dir() else Path(__file__).parents[2] / "sql"


def run_script(connection: Connection, script: str) -> None:
    """Run SQL text as it stands, through a raw cursor (``%`` and ``:`` keep their meaning)."""
    with contextlib.closing(connection.connection.cursor()) as cursor:
        cursor.execute(script)
