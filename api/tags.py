"""Strong tags of resources that people change: what If-Match says, read strictly (RFC 9110, 13.1.1)."""

from __future__ import annotations

import re

from starlette.requests import Request

from api.problems import NoTag
from gridmap.errors import Stale

__all__ = ["matched", "revision_of", "strong"]

_TAG = re.compile(r'^"([A-Za-z0-9._-]{1,64})"$')


def strong(value: object) -> str:
    """Return a strong tag."""
    return f'"{value}"'


def matched(request: Request) -> str:
    """Return the tag in If-Match.

    Raises
    ------
    NoTag
        There is none.
    Stale
        It is none of ours, so it cannot be what the caller read.
    """
    given = request.headers.get("if-match")
    if given is None:
        raise NoTag(
            "修改前请先读取,并把读到的 ETag 放在 If-Match 中。",
            "Read it first and send the ETag that you got in If-Match.",
        )
    found = _TAG.match(given.strip())
    if found is None:
        raise Stale(
            "If-Match 不是本系统给出的 ETag。请重新读取。", "If-Match is no ETag of this server. Read it again."
        )
    return found[1]


def revision_of(request: Request) -> int:
    """Return the revision in If-Match; raises as :func:`matched`."""
    tag = matched(request)
    if not tag.isdecimal() or len(tag) > 9:  # noqa: PLR2004 (an integer of the database)
        raise Stale(
            "If-Match 不是本系统给出的 ETag。请重新读取。", "If-Match is no ETag of this server. Read it again."
        )
    return int(tag)
