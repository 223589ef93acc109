"""The parts of the documents that are made from the program: ``./dev bless`` writes them, a test compares them.

In a document such a part stands between ``<!-- begin NAME: made by ./dev bless -->`` and ``<!-- end NAME -->``.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from gridmap.model.jurisdiction_settings import SETTINGS, Setting
from gridmap.model.kinds import KINDS, Column
from gridmap.settings import Settings
from gridmap.store.tables import metadata

REPOSITORY = Path(__file__).parents[2]
DOCS = REPOSITORY / "docs"


def with_parts(document: str) -> str:
    """Return the document with every made part made anew."""

    def made(found: re.Match[str]) -> str:
        name = found["name"]
        return f"<!-- begin {name}: made by ./dev bless -->\n\n{PARTS[name]().strip()}\n\n<!-- end {name} -->"

    pattern = r"<!-- begin (?P<name>\w+): made by \./dev bless -->.*?<!-- end (?P=name) -->"
    return re.sub(pattern, made, document, flags=re.DOTALL)


def _row(*cells: object) -> str:
    return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"


def _table(head: tuple[str, ...], rows: Iterator[tuple[object, ...]]) -> str:
    return "\n".join([_row(*head), "|" + "---|" * len(head), *(_row(*row) for row in rows)])


def tables() -> str:
    return _table(
        ("table", "what it holds"), ((f"`{table.name}`", table.comment or "") for table in metadata.tables.values())
    )


def kinds() -> str:
    parts = []
    for kind in KINDS.values():
        shapes = ", ".join(kind.geometry) or "a table without geometry"
        if kind.geometry and not kind.geometry_required:
            shapes += ", or none"
        parts += [
            f"### {kind.name} · {kind.title.zh}",
            f"{kind.title.en[0].upper()}{kind.title.en[1:]}: {shapes}.",
            _table(("column", "中文", "type", "meaning"), (_column(c) for c in kind.columns)),
        ]
    return "\n\n".join(parts)


def _column(column: Column) -> tuple[str, ...]:
    meaning = column.title.en
    if column.choices:
        meaning += ": " + ", ".join(f"`{choice}`" for choice in column.choices)
    if column.personal:
        meaning += " (personal: only with `--with-contacts`)"
    name = f"**`{column.name}`**" if column.required else f"`{column.name}`"
    return name, column.title.zh, column.type, meaning


def settings() -> str:
    return _table(("variable", "default", "takes", "meaning"), (_setting(n) for n in Settings.model_fields))


def _setting(name: str) -> tuple[str, ...]:
    field = Settings.model_fields[name]
    schema: Mapping[str, Any] = Settings.model_json_schema()["properties"][name]
    default = "see [data folder](install.md#the-data-folder)" if name == "data_dir" else f"`{field.default}`"
    if field.default is None and name != "data_dir":
        default = "–"
    return f"`GRIDMAP_{name.upper()}`", default, _takes(schema), field.description or ""


def _takes(schema: Mapping[str, Any]) -> str:
    if "anyOf" in schema:
        return _takes(next(part for part in schema["anyOf"] if part.get("type") != "null"))
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if "minimum" in schema:
        return f"{schema['minimum']} to {schema['maximum']}"
    return {"password": "an address", "path": "a folder"}.get(schema.get("format", ""), "text")


def county() -> str:
    return _table(
        ("setting", "default", "takes", "recalculates", "meaning", "where the default comes from"),
        (_county_setting(setting) for setting in SETTINGS.values()),
    )


def _county_setting(setting: Setting) -> tuple[str, ...]:
    default = ", ".join(setting.default) if isinstance(setting.default, tuple) else setting.default
    shown = "–" if default is None else f"`{default}`" + (f" {setting.unit}" if setting.unit else "")
    return f"`{setting.name}`", shown, setting.takes.en, setting.recalculates, setting.title.en, setting.source.en


_WALK = """
import json, sys
from typer import Context
from typer.main import get_command
from gridmap.cli.app import app

def walk(command, context, path):
    yield path, command.get_help(context)
    for name, inner in getattr(command, "commands", {}).items():
        yield from walk(inner, Context(inner, info_name=name, parent=context), f"{path} {name}")

command = get_command(app)
json.dump(list(walk(command, Context(command, info_name="gridmap"), "gridmap")), sys.stdout)
"""


@cache
def help_texts() -> dict[str, str]:
    """Return the --help of every command and group as plain text of 80 columns."""
    environment = os.environ | {"TYPER_USE_RICH": "0", "COLUMNS": "80", "PYTHONIOENCODING": "utf-8"}
    environment.pop("GRIDMAP_LANG", None)
    said = subprocess.run([sys.executable, "-c", _WALK], env=environment, capture_output=True, text=True, check=True)
    return dict(json.loads(said.stdout))


def commands() -> str:
    parts = []
    for path, text in help_texts().items():
        parts += [f"{'##' if path.count(' ') < 2 else '###'} {path}", f"```text\n{text.rstrip()}\n```"]
    return "\n\n".join(parts)


def routes() -> str:
    from api.app import create_app
    from gridmap.store.database import Place

    app = create_app(Settings(data_dir=Path("/nowhere")), place=Place("postgresql+psycopg2://", None), token="t" * 43)
    parts = []
    for path, item in app.openapi()["paths"].items():
        for method, operation in item.items():
            parts += [f"### {method.upper()} {path}", f"{operation['summary']}<br>{operation['description']}"]
            rows = [_parameter(p) for p in operation.get("parameters", ())]
            if rows:
                parts.append(_table(("parameter", "type", "meaning"), iter(rows)))
    return "\n\n".join(parts)


def _parameter(parameter: Mapping[str, Any]) -> tuple[str, str, str]:
    name = f"**`{parameter['name']}`**" if parameter.get("required") else f"`{parameter['name']}`"
    return name, _kind(parameter["schema"]), parameter.get("description", "")


def _kind(schema: Mapping[str, Any]) -> str:
    if "anyOf" in schema:
        return _kind(next(part for part in schema["anyOf"] if part.get("type") != "null"))
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    return str(schema.get("format") or schema.get("type", ""))


PARTS: dict[str, Callable[[], str]] = {
    "tables": tables,
    "kinds": kinds,
    "settings": settings,
    "county": county,
    "commands": commands,
    "routes": routes,
}
