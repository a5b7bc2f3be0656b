"""The records of the chunk store's pack files, and how whole batches are told from torn ones.

A pack is a row of records, each a header and, for a chunk, its bytes::

    magic "WTCK" | kind u32 | references i32 | payload length u32 | batch u64 | SHA-256 of the payload | CRC-32 of these

A batch is some records and a commit record that counts them. What follows the last commit is no batch: it was being
written when power failed, was never acknowledged, and is cut off. The checksum also covers a number drawn for the
store, so that a pack that is itself kept as a chunk is not mistaken for a part of the pack around it.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256

from windtunnel.blocks.ground.envelope import DamagedError
from windtunnel.blocks.ground.files import File

CHUNK, COUNT, COMMIT = 1, 2, 3
"""A chunk with its bytes; a change of references alone; the end of a batch."""

_MAGIC = b"WTCK"
_HEADER = struct.Struct("<4sIiIQ32sI")
_NO_DIGEST = bytes(32)
_MOST = 2**31 - 1
"""References that one record can say; more are said in several."""
CHUNK_BYTES = 2**32 - 1
"""The longest chunk that a record can hold."""
_SEARCH_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Record:
    """`references` are added to those of `digest`; a chunk's bytes stand at `position`, `size` long."""

    kind: int
    digest: bytes
    references: int
    position: int
    size: int


@dataclass(frozen=True, slots=True)
class Batch:
    """Records that were committed together, from `start` in the file to `end`, where the next batch begins."""

    number: int
    records: tuple[Record, ...]
    start: int
    end: int


class BatchWriter:
    """Collects the bytes of one batch and the records that they will be at `start` of a file. For one thread."""

    def __init__(self, store: int, number: int, start: int) -> None:
        self._store = store
        self._number = number
        self._start = start
        self._parts: list[bytes] = []
        self._size = 0
        self.records: list[Record] = []

    def add(self, digest: bytes, references: int, payload: bytes | None = None) -> None:
        """Add a chunk, or without `payload` a change of its references."""
        kind, data = (COUNT, b"") if payload is None else (CHUNK, payload)
        while True:
            part = max(-_MOST, min(_MOST, references))
            self._append(kind, part, len(data), digest)
            self.records.append(Record(kind, digest, part, self._start + self._size, len(data)))
            self._parts.append(data)
            self._size += len(data)
            references -= part
            if not references:
                return
            kind, data = COUNT, b""

    def finish(self) -> bytes:
        """The bytes to write, commit record included."""
        self._append(COMMIT, len(self.records), 0, _NO_DIGEST)
        return b"".join(self._parts)

    def _append(self, kind: int, references: int, size: int, digest: bytes) -> None:
        fields = (_MAGIC, kind, references, size, self._number, digest)
        body = _HEADER.pack(*fields, 0)[:-4]
        self._parts.append(_HEADER.pack(*fields, zlib.crc32(body, self._store)))
        self._size += _HEADER.size


def scan(file: File, store: int, *, payloads: bool) -> Iterator[Batch]:
    """The whole batches of a pack, from the start to the first that is not whole; `payloads`: check chunks too."""
    start, at, records = 0, 0, list[Record]()
    while (header := _parse(file.read_at(at, _HEADER.size), store)) is not None:
        kind, references, size, number, digest = header
        if kind not in (CHUNK, COUNT, COMMIT):
            raise DamagedError(f"A pack has a record of kind {kind} at byte {at}, which a later version has written.")
        at += _HEADER.size
        if kind == COMMIT:
            if references != len(records):
                return
            yield Batch(number, tuple(records), start, at)
            start, records = at, []
            continue
        if at + size > file.size:
            return
        if kind == CHUNK and payloads and sha256(file.read_at(at, size)).digest() != digest:
            return
        records.append(Record(kind, digest, references, at, size))
        at += size


def holds_later_batch(file: File, start: int, store: int, number: int) -> bool:
    """Whether a record of a batch after `number` stands anywhere behind `start`.

    A batch begins only when the one before was acknowledged: if so, what is broken at `start` is no torn write.
    """
    while start + _HEADER.size <= file.size:
        window = file.read_at(start, _SEARCH_BYTES + _HEADER.size)
        found = window.find(_MAGIC)
        while found >= 0:
            header = _parse(window[found : found + _HEADER.size], store)
            if header is not None and header[3] > number:
                return True
            found = window.find(_MAGIC, found + 1)
        start += _SEARCH_BYTES
    return False


def _parse(data: bytes, store: int) -> tuple[int, int, int, int, bytes] | None:
    """(kind, references, size, batch, digest), or None if these bytes are no header of this store."""
    if len(data) < _HEADER.size:
        return None
    magic, kind, references, size, number, digest, checksum = _HEADER.unpack(data)
    if magic != _MAGIC or zlib.crc32(data[:-4], store) != checksum:
        return None
    return kind, references, size, number, digest
