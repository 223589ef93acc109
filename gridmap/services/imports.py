"""Bringing files in: read, recognise, check, write in one transaction, and carry what depends on them along."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import orjson
from sqlalchemy import Connection

from gridmap.errors import Conflict, InputError
from gridmap.model.kinds import KINDS
from gridmap.model.progress import Progress, part, silent
from gridmap.model.text import Text
from gridmap.services import activation, carrying, cells, figures, settling
from gridmap.store import base as store
from gridmap.store import editions as edition_store
from gridmap.store import walking as walking_store
from gridmap.store.changes import bump, note_change
from gridmap.store.database import Place, transaction
from gridmap.store.jurisdiction import (
    Jurisdiction,
    data_bounds,
    jurisdiction,
    official_jurisdiction,
    write_jurisdiction,
)

if TYPE_CHECKING:
    import pandas as pd

    from gridmap.services.jobs import Job

__all__ = ["ImportOrder", "ImportReport", "LayerReport", "import_file", "run"]

Finish = Callable[[Connection, Mapping[str, Any]], None]
_SHAPES_CELLS = {"areas", "streets", "water", "buildings"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportOrder:
    """What to import and how.

    ``kind`` is a key of ``KINDS`` or ``osm``. For grids: ``edition`` names the edition that the polygons become,
    ``effective_from`` its date (ISO); ``plan`` names a draft instead. ``skip_bad`` takes the good rows although
    others have errors; ``where`` (column of the file → value) takes only some rows.
    """

    kind: str
    path: str
    layer: str | None = None
    mapping: dict[str, str] = field(default_factory=dict)
    where: dict[str, str] = field(default_factory=dict)
    with_contacts: bool = False
    skip_bad: bool = False
    edition: str | None = None
    effective_from: str | None = None
    plan: str | None = None
    bbox: tuple[float, float, float, float] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerReport:
    """What became of one layer: rows read and rejected, and what they did to the live rows."""

    kind: str
    read: int
    rejected: int
    counts: dict[str, int]
    problems: tuple[dict[str, Any], ...]
    problem_counts: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """What an import did, or would do."""

    committed: bool
    layers: tuple[LayerReport, ...]
    columns: tuple[Text, ...]
    notes: tuple[Text, ...]
    effects: dict[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class _Read:
    tables: dict[str, pd.DataFrame]
    reports: dict[str, tuple[int, int, tuple[dict[str, Any], ...], dict[str, int]]]
    columns: tuple[Text, ...]
    notes: tuple[Text, ...]


class _DryRun(Exception):
    """The way out of a transaction that must not be kept."""

    def __init__(self, report: ImportReport) -> None:
        super().__init__()
        self.report = report


def run(place: Place, inputs: dict[str, Any], job: Job) -> dict[str, Any]:
    """Do a job of kind ``import``: its input is an :class:`ImportOrder` as plain data, and ``commit``.

    Without ``commit`` it is a dry run, and the job's result the report of what an import would do.
    """
    order = dict(inputs)
    commit = bool(order.pop("commit", False))
    if order.get("bbox"):
        order["bbox"] = tuple(order["bbox"])
    report = import_file(
        place, ImportOrder(**order), who=job.who, commit=commit, progress=job.progress, finish=job.finish
    )
    return report.as_dict()


def import_file(
    place: Place,
    order: ImportOrder,
    *,
    who: str,
    commit: bool,
    progress: Progress = silent,
    finish: Finish | None = None,
) -> ImportReport:
    """Import a file; without ``commit`` everything is done and taken back, so that the report is exact.

    Raises
    ------
    InputError
        The file, its columns, rows or the order are wrong. Nothing is written.
    Conflict
        An edition or plan of that name came from such a file already.
    """
    _check(order)
    read = _read(order, part(progress, 0.0, 0.5))
    rejected = sum(report[1] for report in read.reports.values())
    if commit and rejected and not order.skip_bad:
        problems = [p for report in read.reports.values() for p in report[2] if p["severity"] == "error"]
        raise InputError(
            f"有 {rejected} 行不合格,没有导入任何数据。请按下列说明改正,或加 --skip-bad 只导入合格的行。",
            f"{rejected} rows are not good; nothing was imported. Mend them as listed, or take only the good rows "
            "with --skip-bad.",
            problems=tuple(problems[:20]),
        )
    progress(0.5, Text("写入数据库", "Writing to the database"))
    try:
        with transaction(place) as connection:
            report = _write(connection, place, order, read, who=who, commit=commit, progress=part(progress, 0.5, 1.0))
            if not commit:
                raise _DryRun(report)  # noqa: TRY301 (it must leave the transaction)
            if finish is not None:
                finish(connection, report.as_dict())
    except _DryRun as dry:
        return dry.report
    return report


def _check(order: ImportOrder) -> None:
    if order.kind != "osm" and order.kind not in KINDS:
        raise InputError(
            f"没有“{order.kind}”这类数据。可用:osm、{'、'.join(KINDS)}。",
            f"There is no kind '{order.kind}'. Known: osm, {', '.join(KINDS)}.",
        )
    if order.kind == "grids":
        if (order.edition is None) == (order.plan is None):
            raise InputError(
                "导入网格时请说明用途:--edition 名称 --from 日期(成为一个版本),或 --plan 名称(成为调整方案)。",
                "Say what the grids are for: --edition NAME --from DATE (they become an edition) or --plan NAME "
                "(a draft).",
            )
        if order.edition is not None and order.effective_from is None:
            raise InputError(
                "请用 --from 给出版本的生效日期,例如 --from 2026-01-01。",
                "Give the date on which the edition comes into force, for example --from 2026-01-01.",
            )


def _read(order: ImportOrder, progress: Progress) -> _Read:
    progress(0.0, Text("读取文件", "Reading the file"))
    if order.kind == "osm":
        from gridmap.io.osm import read_osm

        extract = read_osm(order.path, bbox=order.bbox, progress=progress)
        layers = extract.layers()
        return _Read(dict(layers), {k: (len(t), 0, (), {}) for k, t in layers.items()}, (), extract.notes)
    from gridmap.io.load import load

    loaded = load(
        order.path,
        order.kind,
        layer=order.layer,
        mapping=order.mapping,
        where=order.where,
        with_contacts=order.with_contacts,
    )
    checked = loaded.checked
    report = (
        checked.counts.read,
        checked.counts.rejected,
        tuple(p.as_dict() for p in checked.problems),
        checked.counts.problems,
    )
    return _Read({order.kind: checked.table}, {order.kind: report}, loaded.recognition.explained(), checked.notes)


def _write(
    connection: Connection,
    place: Place,
    order: ImportOrder,
    read: _Read,
    *,
    who: str,
    commit: bool,
    progress: Progress,
) -> ImportReport:
    connection.exec_driver_sql("SELECT pg_advisory_xact_lock(hashtext('gridmap base data'))")
    activation.follow(connection, who=who)
    file = Path(order.path)
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    import_id = store.start_import(connection, kind=order.kind, file_name=file.name, sha256=digest, who=who)
    before = carrying.marks(connection)
    written: dict[str, store.Counts] = {}
    for name, table in read.tables.items():
        written[name] = _write_layer(connection, place, order, name, table, import_id)
    _note_jurisdiction(connection)
    effects = _follow(connection, written, before, progress=progress)
    layers = tuple(
        LayerReport(
            kind=name,
            read=read.reports[name][0],
            rejected=read.reports[name][1],
            counts=counts.as_dict(),
            problems=read.reports[name][2],
            problem_counts=read.reports[name][3],
        )
        for name, counts in written.items()
    )
    summary = {layer.kind: layer.counts for layer in layers}
    store.finish_import(connection, import_id, summary)
    note_change(connection, who, f"import {order.kind}", orjson.dumps({"file": file.name, "counts": summary}).decode())
    touched = [name for name, counts in written.items() if counts.touched]
    # what the change did to ways between doors and streets is worked out when somebody next asks
    walking_store.forget_changed(connection, touched, since=import_id)
    bump(connection, "base", *(["streets"] if "streets" in touched else []))
    return ImportReport(committed=commit, layers=layers, columns=read.columns, notes=read.notes, effects=effects)


def _write_layer(
    connection: Connection, place: Place, order: ImportOrder, name: str, table: Any, import_id: int
) -> store.Counts:
    if name == "households":
        return store.write_households(connection, table, import_id)
    if name == "grids":
        return _write_grids(connection, order, table, import_id)
    if name == "requests":
        from gridmap.services.requests import write_requests  # locating loads much

        return write_requests(connection, place, table, import_id)
    return store.write_layer(connection, name, table, import_id)


def _write_grids(connection: Connection, order: ImportOrder, table: Any, import_id: int) -> store.Counts:
    name = order.edition or order.plan
    assert name is not None  # noqa: S101 (checked before)
    if edition_store.grid_set_used(connection, name):
        raise Conflict(
            f"“{name}”已经导入并生成,不再改动。新的边界请用新的名称导入。",
            f"'{name}' was imported and is in use; it stays as it is. Import new borders under a new name.",
        )
    table = table.copy()
    table["level"] = table["level"].fillna(1 if table["level"].isna().all() else table["level"].max())
    edition_store.add_grid_set(
        connection,
        name=name,
        purpose="edition" if order.edition else "plan",
        effective_from=_start_of_day(connection, order.effective_from) if order.edition else None,
        import_id=import_id,
        table=table,
    )
    return store.Counts(new=len(table))


def _start_of_day(connection: Connection, text: str | None) -> datetime:
    """Return the moment at which a date begins in the jurisdiction; a full ISO time is taken as it is."""
    assert text is not None  # noqa: S101 (checked before)
    zone = ZoneInfo(jurisdiction(connection).time_zone)
    try:
        if "T" in text or " " in text:
            moment = datetime.fromisoformat(text)
            return moment if moment.tzinfo else moment.replace(tzinfo=zone)
        return datetime.combine(date.fromisoformat(text), time(), tzinfo=zone).astimezone(UTC)
    except ValueError as error:
        raise InputError(
            "日期无法识别。请写成 2026-01-01 的样子。", "The date cannot be read. Write it like 2026-01-01."
        ) from error


def _note_jurisdiction(connection: Connection) -> None:
    """Choose the metric system once, and take code and name from the imported area when there is one."""
    from gridmap.core.crs import metric_crs

    known = jurisdiction(connection)
    official = official_jurisdiction(connection)
    bounds = data_bounds(connection)
    srid = known.metric_srid
    if srid is None and bounds is not None:
        srid = metric_crs(*bounds)[0]
    code, name = official or (known.code, known.name)
    write_jurisdiction(connection, Jurisdiction(code, name, known.time_zone, srid, known.settings))


def _follow(
    connection: Connection, written: Mapping[str, store.Counts], before: Mapping[str, int], *, progress: Progress
) -> dict[str, Any]:
    """Bring along what depends on the layers: households per building, and cells where they exist."""
    touched = {name for name, counts in written.items() if counts.touched}
    effects: dict[str, Any] = {}
    if touched & {"buildings", "households", "estates"}:
        progress(0.3, Text("推算户数人口", "Working out households"))
        effects["figures"] = figures.refresh(connection)
    if touched & _SHAPES_CELLS and cells.made(connection):
        progress(0.4, Text("更新相关单元", "Carrying the change over to cells"))
        effects["cells"] = carrying.carry_over(connection, before)
    elif touched & {"buildings", "households", "estates"} and cells.made(connection):
        settling.refresh_totals(connection)
    return effects
