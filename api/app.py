"""The application: what wraps it, what it holds, and its routes. Nothing is built when this is imported.

A request passes, from outside to inside: access log → security headers → last resort → guard (Host, token, Origin) →
gzip → body limit → routes.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import multiprocessing.connection
import os
import signal
import threading
from collections.abc import AsyncIterator

import anyio.to_thread
from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware

from api import docs, problems
from api.guard import AccessLog, BodyLimit, Guard, SafeHeaders
from api.routes import (
    auto,
    batch,
    changepack,
    coverage,
    diff,
    jobs,
    jurisdiction,
    locate,
    nets,
    pages,
    places,
    plan_comments,
    plan_life,
    plans,
    scenarios,
    siting,
    stations,
    streets,
    tiles,
)
from api.state import State
from gridmap import __version__
from gridmap.services.databases import make_ready
from gridmap.services.tokens import token_of
from gridmap.settings import Settings
from gridmap.store.database import Place, engine_of, find_place

__all__ = ["create", "create_app"]

_BODY_BYTES = 1 << 22


def create() -> FastAPI:
    """Return the application for the settings in the environment: what uvicorn calls in each web worker."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        # a web worker whose supervisor was killed would keep the port for ever
        threading.Thread(target=_end_with, args=(parent.sentinel,), name="end with the server", daemon=True).start()
    app = create_app(Settings())
    threading.Thread(target=app.state.here.warm_kernels, name="gridmap-kernels", daemon=True).start()
    return app


def _end_with(sentinel: int) -> None:
    multiprocessing.connection.wait([sentinel])
    os.kill(os.getpid(), signal.SIGTERM)


def create_app(settings: Settings, *, place: Place | None = None, token: str | None = None) -> FastAPI:
    """Return the application for a database; without ``token`` the one in the data folder is used.

    Raises
    ------
    NotReady
        The token cannot be kept in the data folder.
    """
    state = State(settings, place or find_place(settings))
    app = FastAPI(
        title="gridmap",
        version=__version__,
        summary="Grids, requests and 15-minute coverage for community governance",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        lifespan=_lifespan,
        middleware=[
            Middleware(AccessLog),
            Middleware(SafeHeaders),
            Middleware(problems.LastResort),
            Middleware(Guard, token=token or token_of(settings.data_dir), hostname=settings.hostname),
            Middleware(GZipMiddleware, minimum_size=1024, compresslevel=5),
            Middleware(
                BodyLimit,
                limit_bytes=_BODY_BYTES,
                larger={("POST", path): settings.max_upload_bytes for path in ("/v1/imports", "/v1/locate/file")},
            ),
        ],
    )
    app.state.here = state
    problems.install(app)
    for part in (
        locate,
        batch,
        tiles,
        places,
        coverage,
        stations,
        streets,
        scenarios,
        siting,
        plans,
        auto,
        diff,
        changepack,
        nets,
        plan_life,
        plan_comments,
        jobs,
        jurisdiction,
        pages,
    ):  # the busiest first: routes are tried in order
        app.include_router(part.router)
    docs.install(app)
    return app


@contextlib.asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    state: State = app.state.here
    # as many threads as connections: more would only wait for one
    anyio.to_thread.current_default_thread_limiter().total_tokens = state.settings.pool_size
    await anyio.to_thread.run_sync(make_ready, state.place)
    over = threading.Event()
    state.locator.watch(over)
    state.over = over
    yield
    over.set()
    await anyio.to_thread.run_sync(engine_of(state.place).dispose)
