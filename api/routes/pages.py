"""The pages that a person opens, and their files."""

from __future__ import annotations

import secrets
from functools import cache
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from api.docs import docs_page
from api.language import language_of
from api.present import json_of
from api.state import Here
from gridmap.maps.data import WorkbenchConfig
from gridmap.model.text import Language

router = APIRouter(include_in_schema=False)
Lang = Annotated[Language | None, Query(description="Language of the page; default: Accept-Language.")]
_NONCE = "NONCE-OF-THE-ANSWER"


@router.get("/healthz")
async def healthz() -> Response:
    """Say that the process lives; nothing else."""
    return json_of({"status": "ok"}, headers={"Cache-Control": "no-store"})


@router.get("/")
async def root() -> Response:
    """Go to the map."""
    return RedirectResponse("/map", 303)


@router.get("/map")
def map_page(request: Request, here: Here, lang: Lang = None) -> Response:
    """Return the workbench."""
    from gridmap.maps.page import content_security_policy  # brings Folium

    language = lang or language_of(request.headers.raw)
    nonce = secrets.token_urlsafe(16)
    page = _workbench(f"/static/{here.static.version}", language).replace(_NONCE, nonce)
    return _page(page, language, content_security_policy(nonce))


@cache
def _workbench(static_url: str, language: Language) -> str:
    from gridmap.maps.page import workbench_page

    return workbench_page(WorkbenchConfig(static_url=static_url), language=language, nonce=_NONCE)


@router.get("/docs")
def docs(request: Request, lang: Lang = None) -> Response:
    """Return the list of operations and errors."""
    language = lang or language_of(request.headers.raw)
    nonce = secrets.token_urlsafe(16)
    policy = f"default-src 'none'; style-src 'nonce-{nonce}'; img-src data:; frame-ancestors 'none'; base-uri 'none'"
    return _page(docs_page(request.app.openapi(), language=language, nonce=nonce), language, policy)


@router.get("/openapi.json")
def openapi(request: Request) -> Response:
    """Return the OpenAPI document."""
    return json_of(request.app.openapi())


@router.get("/static/{path:path}")
def static(request: Request, here: Here, path: str) -> Response:
    """Return a file of the pages."""
    return here.static.answer(request, path)


def _page(html: str, language: Language, policy: str) -> Response:
    headers = {
        "Content-Security-Policy": policy,
        "Content-Language": language,
        "Cache-Control": "no-store",
        "Vary": "Accept-Language",
    }
    return HTMLResponse(html, headers=headers)
