"""Long work: submit it, look at it, stop it, start it again; or do it here, in this process.

A *handler* does the work of one kind of job. It computes outside any transaction, tells ``job.progress`` how far it
is, and writes everything in one last transaction together with the end of the job::

    def cells(place: Place, inputs: dict[str, Any], job: Job) -> dict[str, Any]:
        made = …                                    # job.progress(0.4, Text("划分街区", "Tiling blocks"))
        result = {"cells": len(made)}
        with transaction(place) as connection:
            write_cells(connection, made)
            job.finish(connection, result)          # refused, and all rolled back, when the job was cancelled
        return result

Whatever happens to the process, either all of it is in the database and the job is done, or nothing is. A handler
that writes nothing just returns its result. Its inputs must be enough to do the work again in another process.
"""

from __future__ import annotations

import asyncio
import importlib
import logging
import threading
import time
import traceback
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from gridmap.errors import Cancelled, Conflict, GridmapError, InputError, NotFound, NotReady
from gridmap.model.progress import Progress, silent
from gridmap.model.text import Text
from gridmap.store import jobs as store
from gridmap.store.changes import note_change
from gridmap.store.database import Place, transaction
from gridmap.store.jobs import JobError, JobView, State

__all__ = [
    "HANDLERS",
    "LIMITS",
    "Handler",
    "Handlers",
    "Job",
    "JobError",
    "JobView",
    "Limits",
    "State",
    "cancel",
    "carry_out",
    "get",
    "lazy",
    "list_jobs",
    "restart",
    "restartable",
    "run_here",
    "submit",
    "wait_events",
    "watch_events",
]

log = logging.getLogger("gridmap.jobs")

_PROBLEMS_KEPT = 200


@dataclass(frozen=True, slots=True)
class Limits:
    """Times of the machinery in seconds; tests make them short."""

    heartbeat_s: float = 3.0
    interrupted_after_s: float = 30.0
    look_s: float = 0.5
    poll_s: float = 1.0


LIMITS = Limits()


class Job:
    """What a handler knows of the job that it does."""

    def __init__(self, view: JobView, *, told: Progress, stop: threading.Event) -> None:
        self.id = view.id
        self.kind = view.kind
        self.who = view.who
        self.attempt = view.attempt
        self.percent = view.percent
        self.message = view.message
        self.cancel_asked = False
        self.lost = False
        self._told = told
        self._stop = stop

    @property
    def stopping(self) -> bool:
        """Whether the process is about to end."""
        return self._stop.is_set()

    def progress(self, share: float, doing: Text, /) -> None:
        """Note the share done (0 … 1) and what is being done; cheap, so call it often, from any thread.

        Raises
        ------
        Cancelled
            A person asked to stop, the process is about to end, or the job belongs to somebody else by now.
        """
        self.percent = min(max(share, 0.0), 1.0) * 100
        self.message = doing
        if self.cancel_asked or self.stopping or self.lost:
            raise self.why()
        self._told(share, doing)

    def finish(self, connection: Connection, result: Mapping[str, Any]) -> None:
        """Mark the job as done in the transaction that writes what it made; the last thing in it.

        Raises
        ------
        Cancelled
            Somebody cancelled it, or started it again elsewhere; the transaction must not be committed.
        """
        if not store.finish(connection, self.id, self.attempt, result=result):
            self.see(store.find(connection, self.id))
            raise self.why()

    def see(self, found: JobView | None) -> None:
        """Take over what the table says: whether somebody cancelled the job, or it is not this attempt's any more."""
        if found is None or found.attempt != self.attempt or found.state in {"waiting", "failed"}:
            self.lost = True
        elif found.cancel_requested:
            self.cancel_asked = True

    def why(self) -> Cancelled:
        """Return the error that says why the work must stop."""
        if self.lost:
            return Cancelled(
                f"任务 {self.id} 已由另一进程接手,这里不再继续,没有写入任何数据。",
                f"Job {self.id} was started again by another process; this one stops and writes nothing.",
            )
        error = store.CANCELLED if self.cancel_asked else store.INTERRUPTED
        return Cancelled(error.text.zh, error.text.en)


Handler = Callable[[Place, dict[str, Any], Job], dict[str, Any]]
Handlers = Mapping[str, Handler]


def lazy(address: str) -> Handler:
    """Return a handler that imports ``module:function`` when it is first needed."""
    module, _, name = address.partition(":")

    def handle(place: Place, inputs: dict[str, Any], job: Job) -> dict[str, Any]:
        handler: Handler = getattr(importlib.import_module(module), name)
        return handler(place, inputs, job)

    handle.__qualname__ = address
    return handle


HANDLERS: dict[str, Handler] = {
    "activation": lazy("gridmap.services.activation:run"),
    "cells": lazy("gridmap.services.cells:run"),
    "change-pack": lazy("gridmap.services.changepack:run"),
    "import": lazy("gridmap.services.imports:run"),
    "proposals": lazy("gridmap.services.proposals:run"),
    "siting": lazy("gridmap.services.siting:run"),
}
"""Every kind of job and what does it. One line for each: ``"cells": lazy("gridmap.services.cells:run")``."""


# -- what every process may do ---------------------------------------------------------------------------------------


def submit(place: Place, kind: str, inputs: Mapping[str, Any], *, who: str, handlers: Handlers | None = None) -> int:
    """Write down a job that a worker will do, and return its number.

    Raises
    ------
    InputError
        There is no such kind of job.
    """
    _known(kind, handlers)
    with transaction(place) as connection:
        return store.add(connection, kind=kind, inputs=inputs, who=who)


def get(place: Place, job_id: int, *, limits: Limits = LIMITS) -> JobView:
    """Return the job as it is now; one whose process has not been heard of for too long is found interrupted.

    Raises
    ------
    NotFound
        There is no job of that number.
    """
    with transaction(place) as connection:
        return _current(connection, job_id, limits)


def list_jobs(
    place: Place,
    *,
    state: State | None = None,
    kind: str | None = None,
    before: int | None = None,
    limit: int = 50,
    limits: Limits = LIMITS,
) -> list[JobView]:
    """Return jobs, the newest first; ``before`` is the smallest number of the page before."""
    with transaction(place) as connection:
        store.mark_interrupted(connection, after_s=limits.interrupted_after_s)
        return store.newest(connection, state=state, kind=kind, before=before, limit=limit)


def cancel(place: Place, job_id: int, *, who: str, limits: Limits = LIMITS) -> JobView:
    """Cancel a job: at once when nobody does it, else as soon as its process looks; one that has ended stays so.

    Raises
    ------
    NotFound
        There is no job of that number.
    """
    with transaction(place) as connection:
        if not _current(connection, job_id, limits).ended:
            note_change(connection, who, "job cancel", f'{{"job": {job_id}}}')
        store.request_cancel(connection, job_id)
        return _current(connection, job_id, limits)


def restart(
    place: Place, job_id: int, *, who: str, handlers: Handlers | None = None, limits: Limits = LIMITS
) -> JobView:
    """Let a worker do an interrupted, failed or cancelled job again, with the same input.

    Raises
    ------
    NotFound
        There is no job of that number.
    Conflict
        It waits, runs or is done.
    """
    with transaction(place) as connection:
        found = _current(connection, job_id, limits)
        _known(found.kind, handlers)
        if not store.wait_again(connection, job_id):
            raise _not_again(found)
        note_change(connection, who, "job restart", f'{{"job": {job_id}}}')
        return _current(connection, job_id, limits)


def restartable(place: Place, job_id: int, *, limits: Limits = LIMITS) -> JobView:
    """Return a job that :func:`restart` would take, as it is now.

    Raises
    ------
    NotFound
        There is no job of that number.
    Conflict
        It waits, runs or is done.
    """
    with transaction(place) as connection:
        found = _current(connection, job_id, limits)
    if found.state not in store.RESTARTABLE:
        raise _not_again(found)
    return found


def _not_again(found: JobView) -> Conflict:
    return Conflict(
        f"任务 {found.id} 的状态是 {found.state},只有中断、失败或取消的任务可以重新开始。",
        f"Job {found.id} is {found.state}; only interrupted, failed or cancelled jobs can be started again.",
    )


def wait_events(place: Place, job_id: int, *, limits: Limits = LIMITS) -> Iterator[JobView]:
    """Yield the job now and whenever it has changed, until it has ended; no connection is kept in between."""
    last = None
    while True:
        view = get(place, job_id, limits=limits)
        if _shown(view) != last:
            last = _shown(view)
            yield view
        if view.ended:
            return
        time.sleep(limits.look_s)


async def watch_events(place: Place, job_id: int, *, limits: Limits = LIMITS) -> AsyncIterator[JobView]:
    """Do the same as :func:`wait_events` without holding a thread while nothing happens: for event streams."""
    last = None
    while True:
        view = await asyncio.to_thread(get, place, job_id, limits=limits)
        if _shown(view) != last:
            last = _shown(view)
            yield view
        if view.ended:
            return
        await asyncio.sleep(limits.look_s)


def _shown(view: JobView) -> tuple[object, ...]:
    return view.state, view.percent, view.message, view.cancel_requested, view.attempt


def _current(connection: Connection, job_id: int, limits: Limits) -> JobView:
    view = store.find(connection, job_id)
    if view is not None and view.state == "running":
        store.mark_interrupted(connection, after_s=limits.interrupted_after_s)
        view = store.find(connection, job_id)
    if view is None:
        raise NotFound(
            f"没有编号为 {job_id} 的任务。用 gridmap jobs list 查看。",
            f"There is no job {job_id}. See gridmap jobs list.",
        )
    return view


def _known(kind: str, handlers: Handlers | None) -> Handler:
    table = HANDLERS if handlers is None else handlers
    if kind not in table:
        names = sorted(table)
        raise InputError(
            f"没有“{kind}”这种任务。可用的有:{'、'.join(names)}。",
            f"There is no kind of job called '{kind}'. Known: {', '.join(names)}.",
        )
    return table[kind]


# -- doing it --------------------------------------------------------------------------------------------------------


def run_here(
    place: Place,
    kind: str,
    inputs: Mapping[str, Any],
    *,
    who: str,
    progress: Progress = silent,
    handlers: Handlers | None = None,
    limits: Limits = LIMITS,
) -> JobView:
    """Do a job in this process and return it when it is done; it is recorded like any other.

    Ctrl-C cancels it, and so does everybody who may cancel jobs.

    Raises
    ------
    InputError
        There is no such kind of job.
    Cancelled
        It was stopped; nothing was written.
    GridmapError
        Whatever the handler raised.
    """
    handler = _known(kind, handlers)
    with transaction(place) as connection:
        view = store.start(connection, store.add(connection, kind=kind, inputs=inputs, who=who))
    view, error = carry_out(place, view, handler, told=progress, limits=limits)
    if isinstance(error, KeyboardInterrupt):
        raise Cancelled(store.CANCELLED.text.zh, store.CANCELLED.text.en) from error
    if error is not None:
        raise error
    return view


def carry_out(
    place: Place,
    view: JobView,
    handler: Handler,
    *,
    told: Progress = silent,
    stop: threading.Event | None = None,
    limits: Limits = LIMITS,
) -> tuple[JobView, BaseException | None]:
    """Do a job that this process has started in the table, record how it ended, and return both.

    Setting ``stop`` makes the handler give up; the job is then interrupted, not cancelled.

    Raises
    ------
    NotReady
        The database does not answer; the job will be found interrupted.
    """
    job = Job(view, told=told, stop=stop or threading.Event())
    result: dict[str, Any] | None = None
    error: BaseException | None = None
    with _Pulse(place, job, limits):
        try:
            result = handler(place, dict(view.input), job)
        except (Exception, KeyboardInterrupt) as caught:  # noqa: BLE001 (every end of a job is recorded)
            error = caught
    try:
        with transaction(place, pool_size=store.JOB_CONNECTIONS) as connection:
            return _record(connection, job, result, error)
    except NotReady:
        if error is not None:
            raise error from None
        raise


def _record(
    connection: Connection, job: Job, result: dict[str, Any] | None, error: BaseException | None
) -> tuple[JobView, BaseException | None]:
    if error is None and not store.finish(connection, job.id, job.attempt, result=result or {}):
        found = store.find(connection, job.id)
        if found is None or found.attempt != job.attempt or found.state != "done":
            job.see(found)
            error = job.why()
    if error is not None:
        state, shown = _verdict(job, error)
        if not store.end(connection, job.id, job.attempt, state=state, error=shown):
            found = store.find(connection, job.id)
            if found is not None and found.attempt == job.attempt and found.state == "done":
                # stopped after the last commit: what counts is what the database has
                error = None
    view = store.find(connection, job.id)
    if view is None:
        raise NotFound(f"任务 {job.id} 的记录已被删除。", f"The record of job {job.id} was deleted.")
    return view, error


def _verdict(job: Job, error: BaseException) -> tuple[Literal["failed", "cancelled", "interrupted"], JobError]:
    if isinstance(error, Cancelled | KeyboardInterrupt):
        if job.stopping and not job.cancel_asked:
            return "interrupted", store.INTERRUPTED
        return "cancelled", store.CANCELLED
    if isinstance(error, GridmapError):
        problems = tuple(dict(row) for row in error.problems[:_PROBLEMS_KEPT])
        return "failed", JobError(error.code, Text(error.zh, error.en), problems)
    # the message of a foreign error may quote data of residents: the log gets the place, the record the number
    where = "".join(traceback.format_tb(error.__traceback__))
    log.error("job %d (%s) failed with %s\n%s", job.id, job.kind, type(error).__name__, where)
    if isinstance(error, MemoryError):
        return "failed", JobError(
            "out-of-memory",
            Text("内存不足,任务没有完成,没有写入任何数据。", "Not enough memory; the job wrote nothing."),
        )
    return "failed", JobError(
        "internal-error",
        Text(
            f"程序内部错误,没有写入任何数据。服务日志中“job {job.id}”一行写着出错的位置。",
            f"An internal error; nothing was written. The server's log has the place under 'job {job.id}'.",
        ),
    )


class _Pulse:
    """A thread that, while a job is done, says that it is alive and how far, and hears whether it should stop."""

    def __init__(self, place: Place, job: Job, limits: Limits) -> None:
        self._place = place
        self._job = job
        self._limits = limits
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"pulse of job {job.id}", daemon=True)
        self._written: tuple[float, Text] = (job.percent, job.message)
        self._written_at = time.monotonic()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(self._limits.look_s):
            try:
                with transaction(self._place, pool_size=store.JOB_CONNECTIONS) as connection:
                    going_on = self._look(connection)
            except (NotReady, DBAPIError) as error:
                # the database may come back before the job ends; if it does not, the job's own end says so
                log.warning("job %d: no heartbeat written (%s)", self._job.id, type(error).__name__)
                continue
            if not going_on:
                return

    def _look(self, connection: Connection) -> bool:
        job = self._job
        if job.stopping:
            # said at once: the process may be killed before the handler looks up
            store.end(connection, job.id, job.attempt, state="interrupted", error=store.INTERRUPTED)
            return False
        job.see(store.find(connection, job.id))
        if job.lost:
            return False
        now = (job.percent, job.message)
        if now != self._written or time.monotonic() - self._written_at >= self._limits.heartbeat_s:
            store.beat(connection, job.id, job.attempt, percent=now[0], message=now[1])
            self._written = now
            self._written_at = time.monotonic()
        return True
