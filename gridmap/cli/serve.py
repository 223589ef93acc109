"""``gridmap serve``: web workers on one socket, a worker for jobs beside them, and the address with its token."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import signal
import socket
import sys
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

if TYPE_CHECKING:
    from gridmap.settings import Settings
    from gridmap.store.database import Place

__all__ = ["listen_near", "serve", "serve_place"]

_APP = "api.app:create"
_GRACE_S = 3
_PORTS_TRIED = 100

Host = Annotated[str | None, typer.Option("--host", help="Address to listen on; of this machine only.")]
Port = Annotated[int | None, typer.Option("--port", min=0, max=65535, help="Port to listen on; 0: any free one.")]
Workers = Annotated[int | None, typer.Option("--workers", min=1, max=64, help="Web worker processes.")]
Database = Annotated[
    str | None,
    typer.Option("--database", metavar="URL|NAME", help="PostgreSQL address, or a database of the private cluster."),
]
Show = Annotated[bool, typer.Option("--show", help="Print the address with its token and end.")]
NewToken = Annotated[bool, typer.Option("--new-token", help="Make a new token; the old one is worth nothing then.")]


def serve(
    *,
    host: Host = None,
    port: Port = None,
    workers: Workers = None,
    database: Database = None,
    show: Show = False,
    new_token: NewToken = False,
) -> None:
    """Start the server: map page, API and a worker for jobs; it prints the address to open.

    Example: gridmap serve --database qingyan
    """
    from gridmap.cli.common import load_settings, ready_place
    from gridmap.services.tokens import renew_token, token_of

    given = {"host": host, "port": port or None, "workers": workers}
    settings = load_settings().model_copy(update={name: value for name, value in given.items() if value is not None})
    _only_this_machine(settings.host)
    token = renew_token(settings.data_dir) if new_token else token_of(settings.data_dir)
    if show:
        typer.echo(_address(settings.host, settings.port, token))
        return
    # the socket first: whoever cannot have the port learns it before anything is started
    with contextlib.closing(_listen(settings.host, 0 if port == 0 else settings.port)) as listening:
        _, place = ready_place(database, create=True)
        serve_place(settings, place, listening, token=token)


def serve_place(settings: Settings, place: Place, listening: socket.socket, *, token: str) -> None:
    """Serve a database that is ready on a bound socket, until Ctrl-C or SIGTERM; the address is printed first."""
    from pydantic import SecretStr
    from uvicorn import Config, Server
    from uvicorn.supervisors import Multiprocess

    from gridmap.services.kernels import kernels_beside
    from gridmap.services.worker import worker_beside

    foreign = place.cluster is None
    settings = settings.model_copy(
        update={"database_url": SecretStr(place.url)} if foreign else {"database_url": None, "database": place.name}
    )
    _tell_processes(settings)
    config = Config(
        _APP,
        factory=True,
        workers=settings.workers,
        lifespan="on",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=_GRACE_S,
        log_config=log_config(settings.log_level),
    )
    # before the address is told: whoever has read it may stop the server at once
    signal.signal(signal.SIGTERM, _leave)
    _announce(settings, listening.getsockname()[1], token)
    with kernels_beside(settings), worker_beside(settings), contextlib.suppress(KeyboardInterrupt):
        if settings.workers > 1:
            Multiprocess(config, sockets=[listening]).run()
        else:
            Server(config).run(sockets=[listening])


def _tell_processes(settings: Settings) -> None:
    """Put into the environment what this process was told otherwise: web workers read their settings there."""
    os.environ["GRIDMAP_DATA_DIR"] = str(settings.data_dir)
    os.environ["GRIDMAP_DATABASE"] = settings.database
    os.environ.pop("GRIDMAP_DATABASE_URL", None)
    if settings.database_url is not None:
        os.environ["GRIDMAP_DATABASE_URL"] = settings.database_url.get_secret_value()


def log_config(level: str) -> dict[str, Any]:
    """Return the logging configuration of the server's processes: one line each on standard error."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": "WARNING"},
        "loggers": {"gridmap": {"level": level.upper()}, "uvicorn": {"level": "WARNING"}},
    }


def _only_this_machine(host: str) -> None:
    from gridmap.errors import NotAllowed

    with contextlib.suppress(ValueError):
        if host == "localhost" or ipaddress.ip_address(host).is_loopback:
            return
    raise NotAllowed(
        f"在有用户角色之前,服务只在本机监听(127.0.0.1、::1),不能是 {host}。"
        "从别的电脑访问可用 ssh -L 8321:127.0.0.1:8321,或在本机设置反向代理并设 GRIDMAP_HOSTNAME。",
        f"Until there are user roles the server listens on this machine only (127.0.0.1, ::1), not on {host}. "
        "From elsewhere use ssh -L 8321:127.0.0.1:8321, or a reverse proxy on this machine with GRIDMAP_HOSTNAME.",
    )


def _listen(host: str, port: int) -> socket.socket:
    from gridmap.errors import NotReady

    try:
        return _bound(host, port)
    except PermissionError as error:
        raise NotReady(
            f"没有权限使用端口 {port}。请用 1024 以上的端口,例如:gridmap serve --port 8321",
            f"The port {port} is not open to this user. Use one above 1024, such as: gridmap serve --port 8321",
        ) from error
    except OSError as error:
        free = _next_free(host, port + 1)
        raise NotReady(
            f"端口 {port} 已被占用(也许 gridmap 已在运行)。可以用:gridmap serve --port {free}",
            f"The port {port} is taken (gridmap may be running already). Try: gridmap serve --port {free}",
        ) from error


def listen_near(host: str, port: int) -> socket.socket:
    """Listen on a port of this machine, or on the next free one when it is taken.

    Raises
    ------
    NotAllowed
        The address is not of this machine.
    NotReady
        No port is free.
    """
    _only_this_machine(host)
    with contextlib.suppress(OSError):
        return _bound(host, port)
    return _listen(host, _next_free(host, port + 1))


def _bound(host: str, port: int) -> socket.socket:
    name = "127.0.0.1" if host == "localhost" else host
    family = socket.AF_INET6 if ":" in name else socket.AF_INET
    return socket.create_server((name, port), family=family, backlog=2048)


def _next_free(host: str, start: int) -> int:
    for port in range(start, min(start + _PORTS_TRIED, 65536)):
        with contextlib.suppress(OSError), contextlib.closing(_bound(host, port)):
            return port
    return 0


def _address(host: str, port: int, token: str) -> str:
    name = f"[{host}]" if ":" in host else host
    return f"http://{name}:{port}/?token={token}"


def _announce(settings: Settings, port: int, token: str) -> None:
    typer.echo(
        f"\n  {_address(settings.host, port, token)}\n\n"
        "在浏览器中打开以上地址;Ctrl-C 停止。地址含令牌,不要转发。\n"
        "Open this address in a browser; Ctrl-C stops. It holds the token: do not pass it on.\n"
    )
    sys.stdout.flush()


def _leave(*_: object) -> NoReturn:
    raise SystemExit(0)
