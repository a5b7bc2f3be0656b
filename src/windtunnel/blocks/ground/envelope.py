"""How a block is written down: a name, a version, a header to read, the bytes, and a checksum over all of it.

    magic "WTBK" | version u16 | header length u16 | payload length u64 | header (JSON) | payload | XXH3 of the rest u64

All numbers are little-endian. The same state gives the same bytes.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from typing import Any

from xxhash import xxh3_64_intdigest

MAGIC = b"WTBK"
_FRONT = struct.Struct("<4sHHQ")
_CHECKSUM = struct.Struct("<Q")


class DamagedError(ValueError):
    """What was read is not what was written, or not what was asked for."""


def seal(kind: str, version: int, header: Mapping[str, int | float], payload: bytes) -> bytes:
    """Wrap the payload of a block of this kind."""
    plainly = {name: plain(value) for name, value in header.items()}
    text = json.dumps({"kind": kind, **plainly}, sort_keys=True, separators=(",", ":")).encode()
    body = _FRONT.pack(MAGIC, version, len(text), len(payload)) + text + payload
    return body + _CHECKSUM.pack(xxh3_64_intdigest(body))


def plain(value: Any) -> Any:
    """A number as JSON takes it: NumPy's scalars as those of Python."""
    return value.item() if hasattr(value, "item") else value


def unseal(kind: str, version: int, blob: bytes | bytearray | memoryview) -> tuple[dict[str, Any], bytes]:
    """The header and the payload.

    Raises `DamagedError` with one sentence unless the blob is whole, of this kind and of this version.
    """
    try:
        blob = memoryview(blob).tobytes()
    except TypeError:
        raise DamagedError(f"A stored {kind} is bytes or what lies in memory as they do, not {blob!r:.60}.") from None
    least = _FRONT.size + _CHECKSUM.size
    if len(blob) < least:
        raise DamagedError(f"A stored {kind} has at least {least} bytes; these are {len(blob)}.")
    magic, found, header_size, payload_size = _FRONT.unpack_from(blob)
    if magic != MAGIC:
        raise DamagedError(f"These bytes are no stored block: they begin with {magic!r}, not {MAGIC!r}.")
    if len(blob) != least + header_size + payload_size:
        raise DamagedError(f"The {kind} should have {least + header_size + payload_size} bytes and has {len(blob)}.")
    body = blob[: -_CHECKSUM.size]
    if _CHECKSUM.unpack_from(blob, len(body))[0] != xxh3_64_intdigest(body):
        raise DamagedError(f"The checksum of the {kind} does not fit its bytes: they were damaged.")
    header = json.loads(body[_FRONT.size : _FRONT.size + header_size])
    if header.pop("kind") != kind:
        raise DamagedError(f"These bytes hold another kind of block, not a {kind}.")
    if found != version:
        raise DamagedError(f"The {kind} was written in version {found} of its format; this code reads {version}.")
    return header, body[_FRONT.size + header_size :]
