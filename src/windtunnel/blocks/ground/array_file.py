"""Arrays inside of an `windtunnel.blocks.ground.envelope`: how indexes are kept on disk.

The payload begins with the length of a description (uint32) and the description: a JSON list of each array's name, type
and shape. The arrays' bytes follow, little-endian, one after another.
"""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from windtunnel.blocks.ground.envelope import seal, unseal
from windtunnel.blocks.ground.files import DiskFiles, replace_whole

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LENGTH = struct.Struct("<I")


def seal_arrays(
    kind: str, version: int, header: Mapping[str, int | float], arrays: Mapping[str, NDArray[Any]]
) -> bytes:
    """The bytes that hold a header and named arrays, with version and checksum."""
    import numpy as np

    plain = {name: np.ascontiguousarray(a, a.dtype.newbyteorder("<")) for name, a in arrays.items()}
    text = json.dumps([(name, a.dtype.str, a.shape) for name, a in plain.items()]).encode()
    return seal(
        kind, version, header, b"".join([_LENGTH.pack(len(text)), text, *(a.tobytes() for a in plain.values())])
    )


def unseal_arrays(
    kind: str, version: int, data: bytes | bytearray | memoryview
) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """The header and the arrays (read-only). Raises `DamagedError` unless `data` is whole and of this kind."""
    import numpy as np

    header, payload = unseal(kind, version, data)
    (length,) = _LENGTH.unpack_from(payload)
    at = _LENGTH.size + length
    arrays = {}
    for name, dtype, shape in json.loads(payload[_LENGTH.size : at]):
        count = int(np.prod(shape))
        arrays[name] = np.frombuffer(payload, np.dtype(dtype), count, at).reshape(shape)
        at += arrays[name].nbytes
    return header, arrays


def write_file(path: str | os.PathLike[str], data: bytes) -> None:
    """Put `data` at `path` so that a crash leaves the old file or the new one, whole."""
    target = Path(path)
    replace_whole(DiskFiles(target.parent), target.name, data)
