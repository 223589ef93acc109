"""The process that does the jobs of a database, and how a server starts one beside itself.

``python -m gridmap.services.worker`` is that process. Its standard input is a pipe whose other end the server holds:
when the server ends, however that happens, the pipe closes and the worker ends too.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

from pydantic import SecretStr
from sqlalchemy.exc import DBAPIError

from gridmap.errors import GridmapError, NotReady
from gridmap.services.activation import notice
from gridmap.services.jobs import HANDLERS, LIMITS, Handlers, JobView, Limits, carry_out
from gridmap.services.kernels import keep_kernels_in
from gridmap.settings import Settings
from gridmap.store import jobs as store
from gridmap.store.database import Place, find_place, transaction

log = logging.getLogger("gridmap.jobs")

_GRACE_S = 4.0
_LOOK_S = 0.2
_LONGEST_PAUSE_S = 60.0
_NICER = 5


def run_worker(
    settings: Settings,
    place: Place,
    *,
    once: bool = False,
    stop: threading.Event,
    handlers: Handlers | None = None,
    limits: Limits = LIMITS,
) -> int:
    """Do waiting jobs, one after the other, until ``stop`` is set; return how many were done.

    With ``once`` it returns as soon as there is nothing to do. A job that runs when ``stop`` is set is interrupted:
    nothing of it is written, and it may be started again. A database that goes away is waited for.

    Raises
    ------
    NotReady
        With ``once``: the database does not answer.
    """
    table = HANDLERS if handlers is None else handlers
    done = 0
    if once:
        notice(place)
    calendar = contextlib.nullcontext() if once else _calendar(place, stop, limits)
    with calendar, contextlib.ExitStack() as held:
        listener: store.Listener | None = None
        while not stop.is_set():
            try:
                if listener is None:
                    listener = store.Listener(place)
                    held.callback(listener.close)
                view = _next(settings, place, table, limits)
                if view is not None:
                    view, _ = carry_out(place, view, table[view.kind], stop=stop, limits=limits)
                    log.info("job %d (%s) ended: %s", view.id, view.kind, view.state)
                    done += 1
                elif once:
                    break
                else:
                    listener.wait(limits.poll_s)
            except (NotReady, DBAPIError) as error:
                if once:
                    raise
                log.warning("the database does not answer (%s); trying again", type(error).__name__)
                listener = None
                held.close()
                stop.wait(3 * limits.poll_s)
    return done


@contextlib.contextmanager
def _calendar(place: Place, stop: threading.Event, limits: Limits) -> Iterator[None]:
    """Look every second inside the ``with`` block whether an edition came into force: long jobs do not delay it."""
    over = threading.Event()

    def go() -> None:
        while not over.wait(limits.poll_s) and not stop.is_set():
            try:
                notice(place)
            except (GridmapError, DBAPIError) as error:
                # it stays due, and is tried again
                log.warning("requests and duties do not follow the edition yet (%s)", type(error).__name__)

    thread = threading.Thread(target=go, name="calendar", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _next(settings: Settings, place: Place, table: Handlers, limits: Limits) -> JobView | None:
    with transaction(place, pool_size=store.JOB_CONNECTIONS) as connection:
        store.mark_interrupted(connection, after_s=limits.interrupted_after_s)
        return store.claim(connection, kinds=table, at_once=settings.jobs_at_once)


def run_until_signal(
    settings: Settings,
    place: Place,
    *,
    once: bool = False,
    with_parent: bool = False,
    handlers: Handlers | None = None,
    limits: Limits = LIMITS,
) -> int:
    """Be a worker until SIGTERM or SIGINT comes or, ``with_parent``, standard input is closed.

    A handler that does not look up within four seconds does not delay the end: what it has not committed is undone.
    """
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    if with_parent:
        threading.Thread(target=_stop_at_end_of_input, args=(stop,), daemon=True).start()
    threading.Thread(target=_leave_after, args=(stop,), daemon=True).start()
    return run_worker(settings, place, once=once, stop=stop, handlers=handlers, limits=limits)


def _stop_at_end_of_input(stop: threading.Event) -> None:
    with contextlib.suppress(OSError):
        while os.read(0, 1024):
            pass
    stop.set()


def _leave_after(stop: threading.Event) -> None:
    stop.wait()
    time.sleep(_GRACE_S)
    os._exit(1)


# -- beside a server -------------------------------------------------------------------------------------------------


def start_worker_process(settings: Settings) -> subprocess.Popen[bytes]:
    """Start a worker of its own process with these settings; it ends when this process does."""
    return subprocess.Popen(
        [sys.executable, "-m", "gridmap.services.worker"],
        stdin=subprocess.PIPE,
        env=_environment(settings),
    )


def stop_worker_process(process: subprocess.Popen[bytes]) -> None:
    """Ask a worker to end and wait for it; what it was doing is interrupted."""
    with contextlib.suppress(OSError):
        if process.stdin is not None:
            process.stdin.close()
    try:
        process.wait(_GRACE_S + 2)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextlib.contextmanager
def worker_beside(settings: Settings) -> Iterator[None]:
    """Keep a worker process running inside the ``with`` block: one that dies is followed by another."""
    over = threading.Event()
    keeper = threading.Thread(target=_keep, args=(settings, over), name="keeper of the worker", daemon=True)
    keeper.start()
    try:
        yield
    finally:
        over.set()
        keeper.join()


def _keep(settings: Settings, over: threading.Event) -> None:
    pause_s = 1.0
    while not over.is_set():
        process = start_worker_process(settings)
        since = time.monotonic()
        while process.poll() is None and not over.wait(_LOOK_S):
            pass
        if process.poll() is None or over.is_set():
            stop_worker_process(process)
            return
        stop_worker_process(process)  # gives the pipe back
        log.warning("the worker ended with %s; starting another", process.returncode)
        if time.monotonic() - since > _LONGEST_PAUSE_S:
            pause_s = 1.0
        over.wait(pause_s)
        pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)


def _environment(settings: Settings) -> dict[str, str]:
    names = {name: f"GRIDMAP_{name.upper()}" for name in type(settings).model_fields}
    ours: dict[str, str] = {}
    for name, variable in names.items():
        value = getattr(settings, name)
        if value is not None:
            ours[variable] = value.get_secret_value() if isinstance(value, SecretStr) else str(value)
    return {k: v for k, v in os.environ.items() if k not in names.values()} | ours


def main() -> None:
    """Be the worker beside a server."""
    settings = Settings()
    logging.basicConfig(level=settings.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    keep_kernels_in(settings.data_dir)
    os.nice(_NICER)  # answers of the web workers go before long work
    run_until_signal(settings, find_place(settings), with_parent=True)


if __name__ == "__main__":
    main()
