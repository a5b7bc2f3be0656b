"""CRC-32C, the checksum of Kafka's record batches (Castagnoli's polynomial, RFC 3720, appendix B.4).

Short stretches are read by the loop below, which is the text; longer ones by a kernel that does the same. A batch is
looked at again and again while it is new (by who sends it, by its leader, by each follower, by who reads it), so what
the last short ones came to is remembered.
"""

from __future__ import annotations

from functools import lru_cache

POLYNOMIAL = 0x82F63B78
"""0x1EDC6F41 with its bits reversed."""
LONG_BYTES = 4096
"""From here on loading and calling the kernel pays."""
REMEMBERED = 1024
"""Short stretches: 4 MiB at the most."""


def _table() -> list[int]:
    made = []
    for byte in range(256):
        for _ in range(8):
            byte = (byte >> 1) ^ POLYNOMIAL if byte & 1 else byte >> 1
        made.append(byte)
    return made


TABLE = _table()


def plain_crc32c(data: bytes | bytearray | memoryview) -> int:
    """Byte by byte."""
    crc, table = 0xFFFFFFFF, TABLE
    for byte in data:
        crc = table[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc ^ 0xFFFFFFFF


@lru_cache(REMEMBERED)
def _short(data: bytes) -> int:
    return plain_crc32c(data)


def crc32c(data: bytes | bytearray | memoryview) -> int:
    """The checksum of these bytes, 32 bits. No state: threads and tasks may share it."""
    if len(data) < LONG_BYTES:
        return _short(bytes(data))
    from windtunnel.blocks.broker.kernels.checksum import checksum

    return checksum(data)
