"""The workbench page: Folium's parts inside our own document, under a strict content security policy."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup

from gridmap.maps.data import WorkbenchConfig
from gridmap.maps.map import GridMap
from gridmap.model.text import Language

HERE = Path(__file__).parent
STATIC = HERE / "static"
"""Folder that the server offers as ``/static``."""


def content_security_policy(nonce: str) -> str:
    """Return the policy that the workbench page is written for."""
    return (
        "default-src 'none'; "
        f"script-src 'self' 'nonce-{nonce}'; style-src 'self' 'nonce-{nonce}'; "
        "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


@cache
def dictionaries() -> dict[str, dict[str, str]]:
    """Return the page's words in each language, read from the one place they stand: ``i18n.js``."""
    source = (STATIC / "gridmap" / "i18n.js").read_text(encoding="utf-8")
    blocks = re.findall(r"^export const (zh|en) = (\{.*?^\});", source, re.MULTILINE | re.DOTALL)
    return {language: json.loads(block) for language, block in blocks}


def json_block(value: Any) -> Markup:
    """Return JSON that may stand inside a ``<script type="application/json">`` element."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return Markup(text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e"))  # noqa: S704


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(HERE / "templates"), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )


def document(
    grid_map: GridMap,
    *,
    header: str,
    body: str,
    script: str,
    nonce: str | None,
    data: Any = None,
    preload: tuple[str, ...] = (),
) -> str:
    """Return the whole page around Folium's three parts.

    ``header``, ``body`` and ``script`` are trusted (made by us or by Folium from our descriptions);
    everything else is escaped here.
    """
    words = dictionaries()[grid_map.language]
    title = grid_map.settings["title"]
    return (
        _environment()
        .get_template("page.html")
        .render(
            language={"zh": "zh-CN", "en": "en"}[grid_map.language],
            title=title[grid_map.language] if title else words["app"],
            words=words,
            header=Markup(header),  # noqa: S704
            body=Markup(body),  # noqa: S704
            script=Markup(script),  # noqa: S704
            nonce=nonce,
            map_name=grid_map.get_name(),
            config=json_block(grid_map.config()),
            data=None if data is None else json_block(data),
            preload=preload,
        )
    )


def workbench_page(config: WorkbenchConfig, *, language: Language, nonce: str) -> str:
    """Return the HTML of ``/map``; send it with ``content_security_policy(nonce)``.

    Same arguments, same bytes: the caller may derive an ETag from everything but the nonce.
    """
    grid_map = GridMap(
        config.bounds,
        language=language,
        title=config.title,
        static_url=config.static_url,
        api_url=config.api_url,
        tiles_url=config.tiles_url,
        review_number=config.review_number,
        publisher=config.publisher,
    )
    header, body, script = grid_map.components()
    modules = sorted(path.name for path in (STATIC / "gridmap").glob("*.js"))
    preload = tuple(f"{config.static_url}/gridmap/{name}" for name in modules)
    return document(grid_map, header=header, body=body, script=script, nonce=nonce, preload=preload)
