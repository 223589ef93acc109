"""Alembic's environment: always the connection that the caller opened, inside its transaction."""

from __future__ import annotations

from typing import Any

from alembic import context
from geoalchemy2 import alembic_helpers

from gridmap.store.tables import metadata

_FOREIGN = {"spatial_ref_sys", "alembic_version"}


def _ours(obj: Any, name: str | None, kind: str, reflected: bool, compare_to: Any) -> bool:
    if kind == "table" and (name in _FOREIGN or (name or "").startswith("procrastinate_")):
        return False
    return bool(alembic_helpers.include_object(obj, name, kind, reflected, compare_to))  # type: ignore[no-untyped-call]


def _our_schema(name: str | None, kind: str, _parents: Any) -> bool:
    return kind != "schema" or name == "gridmap"


connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    version_table_schema="gridmap",
    include_schemas=True,
    include_object=_ours,
    include_name=_our_schema,
    compare_type=True,
    transactional_ddl=True,
)
context.run_migrations()
