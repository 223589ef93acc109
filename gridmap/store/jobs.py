"""The table ``job``: the one record of long work, and the statements that change it.

A job belongs to whoever started it last: every start raises ``attempt``, and a write of an older attempt changes
nothing. So a process that was taken for dead and comes back can neither finish nor spoil what another one does.
"""

from __future__ import annotations

import contextlib
import select
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, cast

import orjson
import psycopg2
from sqlalchemy import Connection, RowMapping, text

from gridmap.errors import NotReady
from gridmap.model.text import Text
from gridmap.store.database import Place, engine_of

State = Literal["waiting", "running", "done", "failed", "cancelled", "interrupted"]
ENDED: frozenset[State] = frozenset({"done", "failed", "cancelled", "interrupted"})
RESTARTABLE: frozenset[State] = ENDED - {"done"}
CHANNEL = "gridmap_job"
_CLAIM_LOCK = "gridmap claim a job"
JOB_CONNECTIONS = 2
"""Size of the pool for the record of jobs, beside that of the work itself, which may need all of its own."""


@dataclass(frozen=True, slots=True)
class JobError:
    """Why a job did not end well: a code, the sentence, and the rows concerned where there are any."""

    code: str
    text: Text
    problems: tuple[dict[str, Any], ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return it as it is stored and shown."""
        return {"code": self.code, "zh": self.text.zh, "en": self.text.en, "problems": list(self.problems)}


@dataclass(frozen=True, slots=True)
class JobView:
    """A job as it is at this moment; ``percent`` is 0 … 100."""

    id: int
    kind: str
    input: dict[str, Any]
    state: State
    percent: float
    message: Text
    who: str
    made_at: datetime
    started_at: datetime | None
    heartbeat_at: datetime | None
    ended_at: datetime | None
    cancel_requested: bool
    attempt: int
    result: dict[str, Any] | None
    error: JobError | None

    @property
    def ended(self) -> bool:
        """Whether nothing more happens to it unless somebody starts it again."""
        return self.state in ENDED

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON, moments in ISO 8601."""
        return {
            "id": self.id,
            "kind": self.kind,
            "input": self.input,
            "state": self.state,
            "percent": round(self.percent, 1),
            "message": {"zh": self.message.zh, "en": self.message.en},
            "who": self.who,
            "made_at": self.made_at.isoformat(),
            "started_at": self.started_at and self.started_at.isoformat(),
            "ended_at": self.ended_at and self.ended_at.isoformat(),
            "cancel_requested": self.cancel_requested,
            "attempt": self.attempt,
            "result": self.result,
            "error": self.error and self.error.as_dict(),
        }


INTERRUPTED = JobError(
    "interrupted",
    Text(
        "执行这项任务的进程中断了,没有写入任何数据。可以重新开始(gridmap jobs restart)。",
        "The process that did this job is gone; nothing was written. Start it again (gridmap jobs restart).",
    ),
)
CANCELLED = JobError(
    "cancelled",
    Text("任务已取消,没有写入任何数据。", "The job was cancelled; nothing was written."),
)


def add(connection: Connection, *, kind: str, inputs: Mapping[str, Any], who: str) -> int:
    """Write down a waiting job and return its number."""
    number = connection.scalar(
        text("INSERT INTO gridmap.job (kind, input, who) VALUES (:kind, CAST(:input AS jsonb), :who) RETURNING id"),
        {"kind": kind, "input": _json(inputs), "who": who},
    )
    hint(connection, int(number))
    return int(number)


def hint(connection: Connection, job_id: int) -> None:
    """Wake the workers that listen, when the transaction is committed."""
    connection.execute(text("SELECT pg_notify(:channel, :id)"), {"channel": CHANNEL, "id": str(job_id)})


def find(connection: Connection, job_id: int) -> JobView | None:
    """Return the job, or None when there is none of that number."""
    row = connection.execute(text("SELECT * FROM gridmap.job WHERE id = :id"), {"id": job_id}).mappings().one_or_none()
    return None if row is None else _view(row)


def newest(
    connection: Connection, *, state: State | None, kind: str | None, before: int | None, limit: int
) -> list[JobView]:
    """Return jobs, the newest first."""
    rows = connection.execute(
        text(
            "SELECT * FROM gridmap.job WHERE (CAST(:state AS text) IS NULL OR state = :state)"
            " AND (CAST(:kind AS text) IS NULL OR kind = :kind) AND (CAST(:before AS bigint) IS NULL OR id < :before)"
            " ORDER BY id DESC LIMIT :limit"
        ),
        {"state": state, "kind": kind, "before": before, "limit": limit},
    ).mappings()
    return [_view(row) for row in rows]


def claim(connection: Connection, *, kinds: Collection[str], at_once: int) -> JobView | None:
    """Start the oldest waiting job of these kinds, unless ``at_once`` jobs are running already.

    Of several workers that come together each gets another job: the count is taken under a lock, and rows that
    somebody else is just taking are passed over.
    """
    connection.execute(text("SELECT pg_advisory_xact_lock(hashtext(:n))"), {"n": _CLAIM_LOCK})
    running = connection.scalar(text("SELECT count(*) FROM gridmap.job WHERE state = 'running'"))
    if int(running or 0) >= at_once:
        return None
    number = connection.scalar(
        text(
            "SELECT id FROM gridmap.job WHERE state = 'waiting' AND kind = ANY(:kinds)"
            " ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED"
        ),
        {"kinds": list(kinds)},
    )
    return None if number is None else start(connection, int(number))


def start(connection: Connection, job_id: int) -> JobView:
    """Mark a waiting job as running, as a new attempt that belongs to the caller."""
    row = connection.execute(
        text(
            "UPDATE gridmap.job SET state = 'running', attempt = attempt + 1, percent = 0, message_zh = '',"
            " message_en = '', started_at = clock_timestamp(), heartbeat_at = clock_timestamp(), ended_at = NULL,"
            " result = NULL, error = NULL WHERE id = :id RETURNING *"
        ),
        {"id": job_id},
    ).mappings()
    return _view(row.one())


def beat(connection: Connection, job_id: int, attempt: int, *, percent: float, message: Text) -> None:
    """Say that the attempt is alive and how far it is; a row that is just being finished is left alone."""
    connection.execute(
        text(
            "UPDATE gridmap.job SET state = 'running', ended_at = NULL, error = NULL, heartbeat_at = clock_timestamp(),"
            " percent = :percent, message_zh = :zh, message_en = :en WHERE id = (SELECT id FROM gridmap.job"
            " WHERE id = :id AND attempt = :attempt AND state IN ('running', 'interrupted') FOR UPDATE SKIP LOCKED)"
        ),
        {"id": job_id, "attempt": attempt, "percent": percent, "zh": message.zh, "en": message.en},
    )


def finish(connection: Connection, job_id: int, attempt: int, *, result: Mapping[str, Any]) -> bool:
    """Mark the attempt as done in the caller's transaction; False when it was cancelled or no longer owns the job."""
    return bool(
        connection.execute(
            text(
                "UPDATE gridmap.job SET state = 'done', percent = 100, result = CAST(:result AS jsonb), error = NULL,"
                " ended_at = clock_timestamp() WHERE id = :id AND attempt = :attempt"
                " AND state IN ('running', 'interrupted') AND NOT cancel_requested"
            ),
            {"id": job_id, "attempt": attempt, "result": _json(result)},
        ).rowcount
    )


def end(
    connection: Connection,
    job_id: int,
    attempt: int,
    *,
    state: Literal["failed", "cancelled", "interrupted"],
    error: JobError,
) -> bool:
    """Mark the attempt as ended without a result; False when it no longer owns the job or has finished it."""
    return bool(
        connection.execute(
            text(
                "UPDATE gridmap.job SET state = :state, error = CAST(:error AS jsonb), ended_at = clock_timestamp()"
                " WHERE id = :id AND attempt = :attempt AND state IN ('running', 'interrupted')"
            ),
            {"id": job_id, "attempt": attempt, "state": state, "error": _json(error.as_dict())},
        ).rowcount
    )


def mark_interrupted(connection: Connection, *, after_s: float) -> int:
    """Mark running jobs whose heartbeat is older than ``after_s`` seconds by the database's clock; count them.

    One that somebody wanted to cancel is cancelled by that. Rows that are just being finished are passed over.
    """
    return connection.execute(
        text(
            "UPDATE gridmap.job SET ended_at = clock_timestamp(),"
            " state = CASE WHEN cancel_requested THEN 'cancelled' ELSE 'interrupted' END,"
            " error = CASE WHEN cancel_requested THEN CAST(:cancelled AS jsonb) ELSE CAST(:interrupted AS jsonb) END"
            " WHERE id IN (SELECT id FROM gridmap.job WHERE state = 'running'"
            " AND heartbeat_at < clock_timestamp() - make_interval(secs => :after) FOR UPDATE SKIP LOCKED)"
        ),
        {"after": after_s, "cancelled": _json(CANCELLED.as_dict()), "interrupted": _json(INTERRUPTED.as_dict())},
    ).rowcount


def request_cancel(connection: Connection, job_id: int) -> None:
    """Cancel a job that nobody does at once; ask the process that does it to stop. Ended ones stay as they are."""
    connection.execute(
        text(
            "UPDATE gridmap.job SET cancel_requested = true,"
            " state = CASE WHEN state = 'running' THEN state ELSE 'cancelled' END,"
            " ended_at = CASE WHEN state = 'running' THEN ended_at ELSE clock_timestamp() END,"
            " error = CASE WHEN state = 'running' THEN error ELSE CAST(:cancelled AS jsonb) END"
            " WHERE id = :id AND state IN ('waiting', 'running', 'interrupted')"
        ),
        {"id": job_id, "cancelled": _json(CANCELLED.as_dict())},
    )


def wait_again(connection: Connection, job_id: int) -> bool:
    """Make an interrupted, failed or cancelled job wait for a worker again; False when it is in another state."""
    changed = connection.execute(
        text(
            "UPDATE gridmap.job SET state = 'waiting', cancel_requested = false, percent = 0, message_zh = '',"
            " message_en = '', started_at = NULL, heartbeat_at = NULL, ended_at = NULL, error = NULL"
            " WHERE id = :id AND state = ANY(:states)"
        ),
        {"id": job_id, "states": sorted(RESTARTABLE)},
    ).rowcount
    if changed:
        hint(connection, job_id)
    return bool(changed)


class Listener:
    """A connection of its own that hears of new jobs; it is a hint only, whoever waits looks at the table as well."""

    def __init__(self, place: Place) -> None:
        """Connect.

        Raises
        ------
        NotReady
            The server does not answer.
        """
        self._place = place
        with self._spoken():
            self._pooled = engine_of(place, pool_size=JOB_CONNECTIONS).raw_connection()
            self._connection = cast("Any", self._pooled.driver_connection)
            self._pooled.detach()  # kept for as long as the worker lives, so it is none of the pool's
            self._connection.autocommit = True
            with self._connection.cursor() as cursor:
                cursor.execute(f"LISTEN {CHANNEL}")

    def wait(self, timeout_s: float) -> None:
        """Return when a job was announced or the time is over.

        Raises
        ------
        NotReady
            The server is gone.
        """
        if select.select([self._connection], [], [], timeout_s)[0]:
            with self._spoken():
                self._connection.poll()
            self._connection.notifies.clear()

    def close(self) -> None:
        """Give the connection up."""
        self._pooled.close()

    @contextlib.contextmanager
    def _spoken(self) -> Iterator[None]:
        try:
            yield
        except psycopg2.Error as error:
            raise NotReady(
                f"数据库 {self._place.shown} 没有应答。请检查它是否在运行(gridmap db status)。",
                f"The database {self._place.shown} does not answer. See whether it runs (gridmap db status).",
            ) from error


def _json(value: Mapping[str, Any]) -> str:
    # numpy numbers are written as numbers, NaN as null: JSON knows no other
    return orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS, default=str).decode()


def _view(row: RowMapping) -> JobView:
    values = {name: row[name] for name in JobView.__dataclass_fields__ if name not in {"message", "error"}}
    error = row["error"]
    return JobView(
        **values,
        message=Text(row["message_zh"], row["message_en"]),
        error=error and JobError(error["code"], Text(error["zh"], error["en"]), tuple(error.get("problems", ()))),
    )
