"""How records stand in a log's segment: frames of one or more records, each frame whole or absent.

A frame is a header and a body. The checksum (CRC-32) covers all that follows it, so a frame that a crash tore is seen
and never read. One frame carries one batch, as in Kafka's message format: one checksum and one header for a thousand
records is what makes batches fast, and what makes `append_many` all or nothing.

====== ==== ======================================================================================================
bytes  type field
====== ==== ======================================================================================================
0-3         `WTfr`
4-7    u32  CRC-32 of the frame's position in its file (u64) and of everything after this field
8-11   u32  bytes of the body
12-15  u32  records in it, at least 1
16-23  u64  offset of the first record
24-31  i64  time of writing, milliseconds since 1970
32-39  u64  position in this file up to which all was known to be synced when this frame was written
40-43  u32  flags: 1 = the body has offsets (compacted, with gaps), 2 = the body has keys
44-         u32 a record: offset less the first (flag 1), bytes of key (flag 2), bytes of value; then keys, then values
====== ==== ======================================================================================================

A length of 2^32 - 1 means "none": a record without key, or without value (a tombstone). Numbers are little-endian.

The position is in the checksum so that only a frame at its own place counts: a record may itself hold frames (a copy of
a log, kept in a log), and a torn one of these must not vouch for anything. Segments of the first version have no
position in it (`seeded` is then false).

The `synced` field tells rot from tearing: if a frame is bad, but a later one says that the place of the bad one had
been synced, then the disk has lost acknowledged data, and cutting the log there would hide it (Alagappan et al.,
*Protocol-Aware Recovery for Consensus-Based Storage*, FAST 2018).
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from struct import Struct
from typing import NamedTuple, cast
from zlib import crc32

from windtunnel.blocks.ground.envelope import DamagedError
from windtunnel.blocks.ground.files import File

MAGIC = b"WTfr"
HEADER = Struct("<4sIIIQqQI")
SPARSE, KEYED = 1, 2
FLAGS = SPARSE | KEYED
NONE = 2**32 - 1
READ_BYTES = 1 << 16, 1 << 20
"""Bytes that a scan asks for at first, and at most: it doubles as it goes on."""


class Record(NamedTuple):
    """One entry of a log. `value` is `None` in a tombstone, which says that `key` was deleted."""

    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None


@dataclass(frozen=True, slots=True)
class Batch:
    """The records of one frame, by columns; `keys` is `None` where no record has one."""

    offsets: Sequence[int]
    timestamp_ms: int
    keys: Sequence[bytes | None] | None
    values: Sequence[bytes | None]

    def records(self, start: int = 0) -> Iterator[Record]:
        """The records from offset `start` on."""
        keys = self.keys or [None] * len(self.values)
        for offset, key, value in zip(self.offsets, keys, self.values, strict=True):
            if offset >= start:
                yield Record(offset, self.timestamp_ms, key, value)


class Header(NamedTuple):
    magic: bytes
    crc: int
    body_bytes: int
    records: int
    first_offset: int
    timestamp_ms: int
    synced: int
    flags: int


class Frame(NamedTuple):
    """A frame whose checksum is right, and where it stands."""

    position: int
    header: Header
    body: bytes

    @property
    def end(self) -> int:
        return self.position + HEADER.size + self.header.body_bytes

    @property
    def next_offset(self) -> int:
        """One more than the offset of the last record."""
        if not self.header.flags & SPARSE:
            return self.header.first_offset + self.header.records
        last = 4 * (self.header.records - 1)
        return self.header.first_offset + int.from_bytes(self.body[last : last + 4], "little") + 1


def encode(batch: Batch, synced: int, position: int | None = 0) -> bytes:
    """The frame of a batch that has at least one record, to stand at `position` (`None`: in a file of version 1).

    Raises `ValueError` if it would pass 4 GiB, or has a tombstone without key.
    """
    first, count, keys = batch.offsets[0], len(batch.values), batch.keys
    flags, parts = 0, []
    if batch.offsets[-1] - first != count - 1:
        flags |= SPARSE
        parts.append(_numbers(offset - first for offset in batch.offsets))
    if keys is not None:
        flags |= KEYED
        parts.append(_lengths(keys))
    parts.append(_lengths(batch.values, none=keys is not None))
    if keys is not None:
        parts.append(_joined(keys))
    parts.append(_joined(batch.values))
    size = sum(map(len, parts))
    if size > NONE:
        raise ValueError(f"A batch of {size} bytes is too long for one frame; append it in parts below 4 GiB.")
    header = HEADER.pack(MAGIC, 0, size, count, first, batch.timestamp_ms, synced, flags)[8:]
    crc = crc32(header, _seed(position))
    for part in parts:
        crc = crc32(part, crc)
    return b"".join((MAGIC, crc.to_bytes(4, "little"), header, *parts))


def decode(frame: Frame) -> Batch:
    """The batch in a frame."""
    header, body = frame.header, frame.body
    if header.flags & ~FLAGS:
        raise DamagedError(f"A frame has the flags {header.flags:#x}; this code knows {FLAGS:#x} and reads no others.")
    count, at = header.records, 0
    offsets: Sequence[int] = range(header.first_offset, header.first_offset + count)
    if header.flags & SPARSE:
        offsets = [header.first_offset + step for step in _array(body[: 4 * count])]
        at = 4 * count
    keys = None
    lengths = _array(body[at : at + 4 * count])
    at += 4 * count
    if header.flags & KEYED:
        key_lengths, lengths = lengths, _array(body[at : at + 4 * count])
        keys, at = _cut(body, at + 4 * count, key_lengths)
    values, at = _cut(body, at, lengths)
    return Batch(offsets, header.timestamp_ms, keys, values)


def frame_at(data: bytes | memoryview, at: int, position: int, seeded: bool = True) -> Frame | None:
    """The frame that begins at `data[at]`, which is `position` in its file, or `None` where no whole frame does."""
    if at + HEADER.size > len(data):
        return None
    header = Header._make(HEADER.unpack_from(data, at))
    start, end = at + HEADER.size, at + HEADER.size + header.body_bytes
    if header.magic != MAGIC or end > len(data) or not header.records:
        return None
    body = bytes(data[start:end])
    if crc32(body, crc32(data[at + 8 : start], _seed(position if seeded else None))) != header.crc:
        return None
    return Frame(position, header, body)


def scan(file: File, position: int, seeded: bool = True) -> Iterator[Frame]:
    """The frames from `position` on, up to the first that is not whole."""
    end = file.size
    size, most = READ_BYTES
    while position < end:
        data = memoryview(file.read_at(position, size))
        at = 0
        while frame := frame_at(data, at, position + at, seeded):
            yield frame
            at = frame.end - position
        if at == 0:  # not even one frame in the piece: it is longer, or broken
            needed = HEADER.size
            if len(data) >= needed and bytes(data[:4]) == MAGIC:
                needed += int.from_bytes(data[8:12], "little")
            if needed <= len(data) or position + needed > end:
                return
            size = max(size, needed)
            continue
        size = max(size, min(2 * size, most))
        position += at


def vouched_for(file: File, position: int, seeded: bool = True) -> bool:
    """Whether a whole frame after `position` says that `position` had been synced before that frame was written."""
    rest = file.read_at(position, file.size - position)
    at = rest.find(MAGIC, 1)
    while at >= 0:
        frame = frame_at(memoryview(rest), at, position + at, seeded)
        if frame is not None and frame.header.synced > position:
            return True
        at = rest.find(MAGIC, at + 1)
    return False


def _seed(position: int | None) -> int:
    return 0 if position is None else crc32(position.to_bytes(8, "little"))


def _numbers(numbers: Iterator[int]) -> bytes:
    packed = array("I", numbers)
    if sys.byteorder == "big":
        packed.byteswap()
    return packed.tobytes()


def _array(data: bytes) -> array[int]:
    numbers = array("I")
    numbers.frombytes(data)
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers


def _lengths(items: Sequence[bytes | None], none: bool = True) -> bytes:
    try:
        return _numbers(map(len, cast("Sequence[bytes]", items)))
    except TypeError:  # some are None
        if not none:
            raise ValueError("A tombstone (value None) must have a key.") from None
        return _numbers(NONE if item is None else len(item) for item in items)


def _joined(items: Sequence[bytes | None]) -> bytes:
    try:
        return b"".join(cast("Sequence[bytes]", items))
    except TypeError:
        return b"".join(item for item in items if item is not None)


def _cut(body: bytes, at: int, lengths: array[int]) -> tuple[list[bytes | None], int]:
    """The items that stand one after the other from `at` on, and where they end."""
    source = BytesIO(body)  # its `read`, mapped over the lengths, is twice as fast as slicing in a loop
    source.seek(at)
    items: list[bytes | None]
    if lengths.count(NONE):
        items = [None if length == NONE else source.read(length) for length in lengths]
    else:
        items = list(map(source.read, lengths))
    return items, source.tell()
