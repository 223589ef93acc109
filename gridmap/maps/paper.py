"""Pages for paper: A4, complete in themselves, without any script. All text is escaped."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from jinja2 import Environment, FileSystemLoader

from gridmap.maps.page import HERE
from gridmap.model.text import Language, Text

__all__ = ["paper_page"]


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(HERE / "templates"), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )


def paper_page(template: str, facts: Mapping[str, Any], *, title: str, language: Language) -> str:
    """Return the page of a template (``change.html``, ``handover.html``); pictures in ``facts`` are ``Markup``."""

    def t(zh: str, en: str) -> str:
        return Text(zh, en).said(language)

    page = _environment().get_template(template)
    return page.render(facts, title=title, language=language, t=t)
