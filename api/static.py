"""The page's own files, from the package: read once, under an address that changes with their content."""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from api.present import has_it
from gridmap.errors import NotFound

__all__ = ["StaticFiles"]

_TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".json": "application/json"}
_IMMUTABLE = "private, max-age=31536000, immutable"
_AGAIN = "private, no-cache"


@dataclass(frozen=True, slots=True)
class _File:
    body: bytes
    packed: bytes
    etag: str
    media_type: str


class StaticFiles:
    """The files below ``folder``; a name outside of it is simply not among them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @cached_property
    def _files(self) -> dict[str, _File]:
        paths = sorted(path for path in self._folder.rglob("*") if path.is_file() and not path.is_symlink())
        return {path.relative_to(self._folder).as_posix(): _read(path) for path in paths}

    @cached_property
    def version(self) -> str:
        """The first part of the path under which the files may be kept for ever: ``v-`` and a fingerprint."""
        whole = hashlib.sha256()
        for name, file in self._files.items():
            whole.update(f"{name}\n{file.etag}\n".encode())
        return f"v-{whole.hexdigest()[:16]}"

    def answer(self, request: Request, path: str) -> Response:
        """Return a file; ``path`` may begin with a version.

        Raises
        ------
        NotFound
            There is no such file.
        """
        first, _, rest = path.partition("/")
        name = rest if first.startswith("v-") else path
        file = self._files.get(name)
        if file is None:
            raise NotFound("没有这个文件。", "There is no such file.")
        # an older page keeps asking under its own version: it gets today's file, but may not keep it
        headers = {
            "ETag": file.etag,
            "Cache-Control": _IMMUTABLE if first == self.version else _AGAIN,
            "Vary": "Accept-Encoding",
        }
        if has_it(request, file.etag):
            return Response(status_code=304, headers=headers)
        if "gzip" in request.headers.get("accept-encoding", "") and len(file.packed) < len(file.body):
            return Response(file.packed, headers={**headers, "Content-Encoding": "gzip"}, media_type=file.media_type)
        return Response(file.body, headers=headers, media_type=file.media_type)


def _read(path: Path) -> _File:
    body = path.read_bytes()
    kind = _TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return _File(body, gzip.compress(body, 9, mtime=0), f'W/"{hashlib.sha256(body).hexdigest()[:24]}"', kind)
