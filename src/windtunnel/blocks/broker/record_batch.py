"""Kafka's record batch, format version 2: what a producer sends, a broker stores, and a consumer reads, byte for byte.

====== ==== ==========================================================================================================
bytes  type field
====== ==== ==========================================================================================================
0-7    i64  base offset: that of the first record
8-11   i32  bytes that follow this field
12-15  i32  leader epoch: of the leader that took the batch (KIP-101)
16     i8   magic, 2
17-20  u32  CRC-32C of everything from byte 21 on
21-22  i16  attributes: bits 0-2 compression, 3 timestamp type, 4 transactional, 5 control
23-26  i32  offset of the last record less the base offset
27-34  i64  timestamp of the first record, milliseconds since 1970
35-42  i64  the greatest timestamp
43-50  i64  producer id, -1 for none (KIP-98)
51-52  i16  producer epoch
53-56  i32  sequence number of the first record
57-60  i32  records
61-         records, their numbers as zigzag varints
====== ==== ==========================================================================================================

Offset and leader epoch stand before the checksum's part, so a broker writes both in and stores the batch as it came.
Source: Apache Kafka, *Message Format*, Record Batch; KIP-98. Nothing here has state: threads and tasks may share it.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Sequence
from struct import Struct
from typing import NamedTuple

from windtunnel.blocks.broker.checksum import crc32c
from windtunnel.blocks.ground.envelope import DamagedError

HEADER = Struct(">qiibIhiqqqhii")
HEADER_BYTES = HEADER.size
FRONT = Struct(">qii")
"""Base offset, length, leader epoch: what a broker writes over the first two of."""
LENGTH_FROM = 12
"""The length counts from here."""
CHECKED_FROM = 21
MAGIC = 2
NO_PRODUCER = -1
SEQUENCES = 2**31
"""Sequence numbers go round after so many."""


class DamagedBatchError(DamagedError):
    """These bytes are no whole record batch: too few, of another magic, or of another checksum."""


class BatchHeader(NamedTuple):
    """The 61 bytes before a batch's records."""

    base_offset: int
    length: int
    leader_epoch: int
    magic: int
    crc: int
    attributes: int
    last_offset_delta: int
    first_timestamp_ms: int
    max_timestamp_ms: int
    producer_id: int
    producer_epoch: int
    base_sequence: int
    records: int

    @property
    def size(self) -> int:
        """Bytes of the whole batch."""
        return LENGTH_FROM + self.length

    @property
    def next_offset(self) -> int:
        """One more than the offset of the last record."""
        return self.base_offset + self.last_offset_delta + 1

    @property
    def last_sequence(self) -> int:
        """The sequence number of the last record."""
        return (self.base_sequence + self.last_offset_delta) % SEQUENCES

    @property
    def compression(self) -> int:
        """0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd."""
        return self.attributes & 7


class BatchRecord(NamedTuple):
    """One record. `value` None is a tombstone: `key` was deleted."""

    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...] = ()


def header_at(data: bytes | memoryview, at: int = 0) -> BatchHeader:
    """The header that begins at `data[at]`. Raises `DamagedBatchError` where none does, or its numbers cannot be."""
    if len(data) - at < HEADER_BYTES:
        raise DamagedBatchError(f"A record batch has at least {HEADER_BYTES} bytes; here are {len(data) - at}.")
    header = BatchHeader._make(HEADER.unpack_from(data, at))
    if header.magic != MAGIC:
        raise DamagedBatchError(f"A record batch has magic {MAGIC}; here is {header.magic}.")
    least = HEADER_BYTES - LENGTH_FROM
    if header.length < least or header.last_offset_delta < 0 or not 0 <= header.records <= header.last_offset_delta + 1:
        raise DamagedBatchError(
            f"No batch has {header.length} bytes, {header.records} records and {header.last_offset_delta} as its last."
        )
    return header


def check_batch(data: bytes | memoryview, at: int = 0) -> BatchHeader:
    """The header of the batch at `data[at]`, all of which is there and as it was sent. Raises `DamagedBatchError`."""
    header = header_at(data, at)
    end = at + header.size
    if end > len(data):
        raise DamagedBatchError(f"A batch of {header.size} bytes ends after {len(data) - at}.")
    if crc32c(memoryview(data)[at + CHECKED_FROM : end]) != header.crc:
        raise DamagedBatchError(f"The checksum of the batch at offset {header.base_offset} does not fit its bytes.")
    return header


def batches_in(data: bytes | memoryview, *, checked: bool = False) -> Iterator[tuple[BatchHeader, int]]:
    """The headers of the whole batches in `data`, and where each begins; a part of one at the end is left out.

    With `checked` all of it has to be whole batches with their right checksums, or it raises `DamagedBatchError`.
    """
    at = 0
    while at < len(data):
        if checked:
            header = check_batch(data, at)
        else:
            if len(data) - at < HEADER_BYTES:
                return
            header = header_at(data, at)
            if at + header.size > len(data):
                return
        yield header, at
        at += header.size


def placed(batch: bytes | memoryview, base_offset: int, leader_epoch: int) -> bytes:
    """The same batch with the offset and the epoch that its leader gives it; the checksum stays right."""
    length = int.from_bytes(batch[8:12], "big", signed=True)
    return FRONT.pack(base_offset, length, leader_epoch) + bytes(batch[FRONT.size :])


def encode_batch(
    records: Sequence[tuple[bytes | None, bytes | None]],
    timestamp_ms: int,
    *,
    base_offset: int = 0,
    leader_epoch: int = -1,
    producer_id: int = NO_PRODUCER,
    producer_epoch: int = -1,
    base_sequence: int = -1,
) -> bytes:
    """A batch of keys and values, all of one moment (milliseconds since 1970), uncompressed.

    Raises `ValueError` without records.
    """
    if not records:
        raise ValueError("A batch has at least one record.")
    made = [BatchRecord(base_offset + i, timestamp_ms, key, value) for i, (key, value) in enumerate(records)]
    header = BatchHeader(
        base_offset, 0, leader_epoch, MAGIC, 0, 0, len(made) - 1,
        timestamp_ms, timestamp_ms, producer_id, producer_epoch, base_sequence, len(made),
    )  # fmt: skip
    return encode_records(header, made)


def encode_records(header: BatchHeader, records: Sequence[BatchRecord]) -> bytes:
    """A batch with these records under this header, whose length, count and checksum are worked out anew.

    Offsets lie between the header's base and its last, which stay; so compaction may leave gaps.
    """
    body = b"".join(_record(header, record) for record in records)
    made = header._replace(
        length=HEADER_BYTES - LENGTH_FROM + len(body), records=len(records), attributes=header.attributes & ~7
    )
    data = bytearray(HEADER.pack(*made) + body)
    data[17:21] = crc32c(memoryview(data)[CHECKED_FROM:]).to_bytes(4, "big")
    return bytes(data)


def records_of(data: bytes | memoryview, at: int = 0) -> list[BatchRecord]:
    """The records of the batch at `data[at]`.

    Raises `DamagedBatchError`, or `ValueError` where it is compressed by what Python has no library for (gzip is read).
    """
    header = check_batch(data, at)
    body = bytes(memoryview(data)[at + HEADER_BYTES : at + header.size])
    if header.compression == 1:
        body = gzip.decompress(body)
    elif header.compression:
        raise ValueError(f"Compression {header.compression} is not read here; 0 (none) and 1 (gzip) are.")
    found, at = [], 0
    for _ in range(header.records):
        record, at = _read_record(header, body, at)
        found.append(record)
    return found


def _record(header: BatchHeader, record: BatchRecord) -> bytes:
    parts = [b"\0", varint(record.timestamp_ms - header.first_timestamp_ms), varint(record.offset - header.base_offset)]
    parts += [_bytes(record.key), _bytes(record.value), varint(len(record.headers))]
    for name, value in record.headers:
        parts += [_bytes(name.encode()), _bytes(value)]
    body = b"".join(parts)
    return varint(len(body)) + body


def _read_record(header: BatchHeader, body: bytes, at: int) -> tuple[BatchRecord, int]:
    try:
        size, at = read_varint(body, at)
        end = at + size
        since_ms, at = read_varint(body, at + 1)
        delta, at = read_varint(body, at)
        key, at = _read_bytes(body, at)
        value, at = _read_bytes(body, at)
        count, at = read_varint(body, at)
        headers = []
        for _ in range(count):
            name, at = _read_bytes(body, at)
            told, at = _read_bytes(body, at)
            headers.append(((name or b"").decode(), told))
    except IndexError:
        raise DamagedBatchError(f"A record of the batch at {header.base_offset} ends too early.") from None
    if at != end or end > len(body):
        raise DamagedBatchError(f"A record of the batch at {header.base_offset} has not the length that it says.")
    return BatchRecord(header.base_offset + delta, header.first_timestamp_ms + since_ms, key, value, (*headers,)), at


def varint(number: int) -> bytes:
    """A signed number as zigzag base-128: 7 bits a byte, the least first."""
    left = (number << 1) ^ (number >> 63)
    made = bytearray()
    while left > 0x7F:
        made.append(left & 0x7F | 0x80)
        left >>= 7
    made.append(left)
    return bytes(made)


def read_varint(data: bytes, at: int) -> tuple[int, int]:
    """The number at `data[at]`, and where it ends. Raises `IndexError` at the end of the data."""
    found = shift = 0
    while True:
        byte = data[at]
        at += 1
        found |= (byte & 0x7F) << shift
        if byte < 0x80:
            return (found >> 1) ^ -(found & 1), at
        shift += 7


def _bytes(data: bytes | None) -> bytes:
    return varint(-1) if data is None else varint(len(data)) + data


def _read_bytes(data: bytes, at: int) -> tuple[bytes | None, int]:
    size, at = read_varint(data, at)
    if size < 0:
        return None, at
    if at + size > len(data):
        raise IndexError
    return data[at : at + size], at + size
