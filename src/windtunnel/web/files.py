"""The files that pages load: read once, served from memory, without the comments and blanks that only readers need.

What is served is a list made beforehand, so nothing that a request says is ever a path.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Final, NamedTuple

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from windtunnel.web.leaner import lean

FOLDER: Final = Path(__file__).resolve().parent / "static"
KINDS: Final = {".js": "text/javascript", ".css": "text/css"}


class File(NamedTuple):
    """A file as it is served."""

    data: bytes
    kind: str
    tag: str


@lru_cache(maxsize=1)
def files() -> dict[str, File]:
    """Every file by its address below /static/."""
    found = {}
    for path in sorted(FOLDER.rglob("*")):
        if path.suffix in KINDS:
            data = lean(path.read_text("utf-8"), path.suffix).encode()
            tag = f'"{hashlib.blake2b(data, digest_size=9).hexdigest()}"'
            found[path.relative_to(FOLDER).as_posix()] = File(data, KINDS[path.suffix], tag)
    return found


def serve(request: Request) -> Response:
    """A file, or that the browser's copy is still the same."""
    found = files().get(request.path_params["path"])
    if found is None:
        raise HTTPException(404)
    headers = {"etag": found.tag, "cache-control": "no-cache"}
    if request.headers.get("if-none-match") == found.tag:
        return Response(status_code=304, headers=headers)
    return Response(found.data, media_type=found.kind, headers=headers)
