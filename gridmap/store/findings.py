"""Findings that were made when something was computed, kept until it is computed again."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from gridmap.model.finding import Finding
from gridmap.model.text import Text
from gridmap.store.copying import copy_rows


def add(connection: Connection, origin: str, findings: Sequence[Finding]) -> None:
    """Add findings of an origin (``cells``, ``update``)."""
    copy_rows(
        connection,
        "gridmap.open_finding",
        {
            "rule": [f.rule for f in findings],
            "severity": [f.severity for f in findings],
            "subject": [f.subject for f in findings],
            "message_zh": [f.message.zh for f in findings],
            "message_en": [f.message.en for f in findings],
            "repair_zh": [f.repair.zh if f.repair else None for f in findings],
            "repair_en": [f.repair.en if f.repair else None for f in findings],
            "lon": [f.lon for f in findings],
            "lat": [f.lat for f in findings],
            "origin": [origin] * len(findings),
        },
    )


def replace(connection: Connection, origin: str, findings: Sequence[Finding]) -> None:
    """Replace all findings of an origin."""
    connection.exec_driver_sql("DELETE FROM gridmap.open_finding WHERE origin = %(o)s", {"o": origin})
    add(connection, origin, findings)


def kept(connection: Connection) -> list[Finding]:
    """Return the findings that stand, oldest first."""
    rows = connection.exec_driver_sql(
        "SELECT rule, severity, subject, message_zh, message_en, repair_zh, repair_en, lon, lat "
        "FROM gridmap.open_finding ORDER BY id"
    )
    return [Finding(r[0], r[1], r[2], Text(r[3], r[4]), Text(r[5], r[6]) if r[5] else None, r[7], r[8]) for r in rows]
