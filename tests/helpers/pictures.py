"""Picture documents, taken apart."""

from __future__ import annotations

import zlib

from windtunnel.web.picture import MAGIC


def parts_of(data: bytes) -> list[bytes]:
    """The head, and each piece."""
    assert data.startswith(MAGIC)
    found, place = [], len(MAGIC)
    while place < len(data):
        size = int.from_bytes(data[place : place + 4], "big")
        found.append(zlib.decompress(data[place + 4 : place + 4 + size]))
        place += 4 + size
    return found
