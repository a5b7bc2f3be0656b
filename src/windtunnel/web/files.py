"""The files that pages load: each read once, served from memory, without comments and blanks.

What is served is a list made beforehand, so nothing that a request says is ever a path.
"""

from __future__ import annotations

import hashlib
from functools import cache, lru_cache
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
def addresses() -> dict[str, Path]:
    """Where each file stands, by its address below /static/."""
    found = sorted(path for path in FOLDER.rglob("*") if path.suffix in KINDS)
    return {path.relative_to(FOLDER).as_posix(): path for path in found}


@cache
def file(address: str) -> File:
    """The file at one of the addresses, made when it is first asked for: a page does not wait for those of others."""
    path = addresses()[address]
    data = lean(path.read_text("utf-8"), path.suffix).encode()
    return File(data, KINDS[path.suffix], f'"{hashlib.blake2b(data, digest_size=9).hexdigest()}"')


def files() -> dict[str, File]:
    """Every file by its address."""
    return {address: file(address) for address in addresses()}


async def serve(request: Request) -> Response:  # a thread for each of a page's files would cost more than the files
    """A file, or that the browser's copy is still the same."""
    address = request.path_params["path"]
    if address not in addresses():
        raise HTTPException(404)
    found = file(address)
    headers = {"etag": found.tag, "cache-control": "no-cache"}
    if request.headers.get("if-none-match") == found.tag:
        return Response(status_code=304, headers=headers)
    return Response(found.data, media_type=found.kind, headers=headers)
