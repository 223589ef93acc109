"""The OpenAPI document, and a page that lists it without a script, a font or a byte from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from api.problems import ANSWERS, HTTP_ANSWERS, PROBLEM_JSON
from gridmap.model.text import Language, Text

__all__ = ["docs_page", "install"]

_METHODS = ("get", "post", "put", "patch", "delete")
_PROBLEM: dict[str, Any] = {
    "type": "object",
    "description": "RFC 9457. title and detail are in the language of Accept-Language.",
    "required": ["type", "status", "code", "title", "detail", "title_zh", "title_en", "detail_zh", "detail_en"],
    "properties": {
        "type": {"type": "string"},
        "status": {"type": "integer"},
        **{
            name: {"type": "string"}
            for name in ("code", "title", "detail", "title_zh", "title_en", "detail_zh", "detail_en")
        },
        "errors": {"type": "array", "items": {"type": "object"}},
    },
}
_STYLE = """
body{font:15px/1.6 "Noto Sans CJK SC","Source Han Sans SC","Microsoft YaHei","PingFang SC",sans-serif;color:#22303c;
background:#f5f3ee;margin:0;padding:2rem clamp(1rem,5vw,4rem) 4rem}main{max-width:62rem;margin:auto}
h1{font-size:1.5rem;margin:0}h2{font-size:1.1rem;margin:2.5rem 0 .75rem;border-bottom:1px solid #d8d2c6}
article{background:#fff;border:1px solid #e2ddd2;border-radius:6px;padding:.7rem 1rem;margin:.6rem 0}
h3{font:600 .95rem/1.5 ui-monospace,monospace;margin:0}h3 b{display:inline-block;min-width:4.2rem;color:#0b5cad}
p{margin:.25rem 0}table{border-collapse:collapse;width:100%;margin:.4rem 0;font-size:.88rem}
td,th{padding:.2rem .6rem .2rem 0;text-align:left;vertical-align:top;border-top:1px solid #eee8dc}
th{font-weight:600;border:0}code{font-family:ui-monospace,monospace}a{color:#0b5cad}
"""
_WORDS = {
    "title": Text("gridmap 接口", "The gridmap API"),
    "intro": Text(
        "程序用 Authorization: Bearer 令牌 访问。机器可读的文档:",
        "Programs send Authorization: Bearer TOKEN. For machines:",
    ),
    "parameter": Text("参数", "Parameter"),
    "kind": Text("类型", "Type"),
    "meaning": Text("含义", "Meaning"),
    "required": Text("必填", "required"),
    "errors": Text("错误", "Errors"),
    "status": Text("状态码", "Status"),
    "code": Text("代码", "Code"),
    "body": Text("内容", "Body"),
}


def install(app: FastAPI) -> None:
    """Give the application its OpenAPI document, made once when first asked for."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app)
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]


def _document(app: FastAPI) -> dict[str, Any]:
    made = get_openapi(title=app.title, version=app.version, summary=app.summary, routes=app.routes)
    parts = made.setdefault("components", {})
    schemas = parts.setdefault("schemas", {})
    for framework_own in ("HTTPValidationError", "ValidationError"):
        schemas.pop(framework_own, None)
    schemas["Problem"] = _PROBLEM
    parts["securitySchemes"] = {
        "bearer": {"type": "http", "scheme": "bearer", "description": "The token that gridmap serve printed."}
    }
    made["security"] = [{"bearer": []}]
    problem = {
        "description": "Problem",
        "content": {PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    for _, _, operation in _operations(made):
        operation["responses"].pop("422", None)
        operation["responses"]["default"] = problem
    return made


def _operations(document: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method in _METHODS:
            if method in item:
                yield method, path, item[method]


def docs_page(document: Mapping[str, Any], *, language: Language, nonce: str) -> str:
    """Return the page of operations and errors; everything from the document is escaped."""
    said = {name: escape(words.said(language)) for name, words in _WORDS.items()}
    articles = "".join(_article(method, path, operation, said) for method, path, operation in _operations(document))
    known = [(kind.code, answer.status, answer.title) for kind, answer in ANSWERS.items()]
    known += [(code, status, title) for status, (code, title, _) in HTTP_ANSWERS.items()]
    rows = "".join(
        f'<tr id="{escape(code)}"><td><code>{escape(code)}</code><td>{status}<td>{escape(title.said(language))}'
        for code, status, title in known
    )
    other = "en" if language == "zh" else "zh"
    return (
        f'<!doctype html><html lang="{language}"><meta charset="utf-8"><title>{said["title"]}</title>'
        '<meta name="viewport" content="width=device-width,initial-scale=1"><link rel="icon" href="data:,">'
        f'<style nonce="{escape(nonce)}">{_STYLE}</style>'
        f"<main><h1>{said['title']} {escape(document['info']['version'])}</h1>"
        f'<p>{said["intro"]} <a href="/openapi.json">/openapi.json</a> · '
        f'<a href="/docs?lang={other}">{"English" if other == "en" else "中文"}</a></p>{articles}'
        f"<h2>{said['errors']}</h2><table><tr><th>{said['code']}<th>{said['status']}<th>{said['meaning']}{rows}</table>"
        "</main></html>"
    )


def _article(method: str, path: str, operation: Mapping[str, Any], said: Mapping[str, str]) -> str:
    rows = "".join(
        f"<tr><td><code>{escape(item['name'])}</code><td>{escape(_kind(item['schema']))}"
        f"{' · ' + said['required'] if item.get('required') else ''}<td>{escape(item.get('description', ''))}"
        for item in operation.get("parameters", ())
    )
    for kind in operation.get("requestBody", {}).get("content", {}):
        rows += f"<tr><td>{said['body']}<td>{escape(kind)}<td>"
    table = f"<table><tr><th>{said['parameter']}<th>{said['kind']}<th>{said['meaning']}{rows}</table>" if rows else ""
    said_of = re.sub("``(.+?)``", r"<code>\1</code>", escape(operation["description"]))
    return (
        f"<article><h3><b>{method.upper()}</b> {escape(path)}</h3>"
        f'<p lang="zh">{escape(operation["summary"])}</p><p lang="en">{said_of}</p>{table}</article>'
    )


def _kind(schema: Mapping[str, Any]) -> str:
    if "anyOf" in schema:
        return " | ".join(_kind(part) for part in schema["anyOf"] if part.get("type") != "null")
    if "enum" in schema:
        return " | ".join(str(value) for value in schema["enum"])
    return str(schema.get("format") or schema.get("type", ""))
