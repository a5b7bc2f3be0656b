"""CRC-32C over long stretches of bytes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from windtunnel.blocks.broker.checksum import TABLE


def _tables() -> Any:
    """Eight tables of 256: the n-th says what a byte does to the checksum that n more bytes follow."""
    made = np.zeros((8, 256), np.uint32)
    made[0] = TABLE
    for n in range(1, 8):
        made[n] = (made[n - 1] >> np.uint32(8)) ^ made[0][made[n - 1] & np.uint32(0xFF)]
    return made


TABLES = _tables()


@njit(cache=True)
def update(crc: np.uint32, data: Any, tables: Any) -> np.uint32:
    """The state after these bytes (uint8), eight at a time."""
    at, end = 0, data.size
    while at + 8 <= end:
        low = crc ^ (
            np.uint32(data[at])
            | np.uint32(data[at + 1]) << np.uint32(8)
            | np.uint32(data[at + 2]) << np.uint32(16)
            | np.uint32(data[at + 3]) << np.uint32(24)
        )
        crc = (
            tables[7, low & np.uint32(0xFF)]
            ^ tables[6, (low >> np.uint32(8)) & np.uint32(0xFF)]
            ^ tables[5, (low >> np.uint32(16)) & np.uint32(0xFF)]
            ^ tables[4, low >> np.uint32(24)]
            ^ tables[3, data[at + 4]]
            ^ tables[2, data[at + 5]]
            ^ tables[1, data[at + 6]]
            ^ tables[0, data[at + 7]]
        )
        at += 8
    while at < end:
        crc = tables[0, (crc ^ np.uint32(data[at])) & np.uint32(0xFF)] ^ (crc >> np.uint32(8))
        at += 1
    return crc


def checksum(data: bytes | bytearray | memoryview) -> int:
    """CRC-32C of all of it."""
    view = np.frombuffer(data, np.uint8)
    view.flags.writeable = False  # one kind of array, so that one kernel is compiled
    state = update(np.uint32(0xFFFFFFFF), view, TABLES)
    return int(state) ^ 0xFFFFFFFF


def warm() -> None:
    """Compile it."""
    checksum(b"123456789")
