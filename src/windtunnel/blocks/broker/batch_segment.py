"""One file of a partition's log: record batches one after the other, as Kafka lays them, and a sparse index in memory.

A file has nothing but batches: its name is the offset of the first. That is Kafka's own layout, so that what a
producer sent can go to a consumer without being looked into, and Kafka's tools read the files.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator

from windtunnel.blocks.broker.record_batch import (
    HEADER_BYTES,
    BatchHeader,
    DamagedBatchError,
    batches_in,
    check_batch,
    header_at,
)
from windtunnel.blocks.durability.log_segment import DamagedLogError
from windtunnel.blocks.ground.files import File, Files

INDEX_EVERY_BYTES = 4096
"""Kafka's `index.interval.bytes`."""
READ_BYTES = 1 << 20
Note = Callable[[BatchHeader], None]


class BatchSegment:
    """A file of batches. The inside of a `BatchLog`: one thread or task at a time.

    Attributes:
        base_offset: the first that may stand here.
        next_offset: one more than the last.
        size: bytes of whole batches.
        max_timestamp_ms: the greatest of its batches, -1 where there is none.
    """

    def __init__(self, path: str, base_offset: int, file: File) -> None:
        self.path, self.base_offset, self.file = path, base_offset, file
        self.next_offset = base_offset
        self.size = 0
        self.max_timestamp_ms = -1
        self._offsets: list[int] = []
        self._positions: list[int] = []
        self._since_index = 0

    @staticmethod
    def create(files: Files, directory: str, base_offset: int) -> BatchSegment:
        """A new, empty one, whose name is on the disk when this returns."""
        path = path_of(directory, base_offset)
        made = BatchSegment(path, base_offset, files.open(path, create=True))
        made.file.truncate(0)
        files.fsync_dir(directory)
        return made

    @staticmethod
    def open(files: Files, path: str, note: Note, *, last: bool) -> BatchSegment:
        """One that is there; `note` hears of each batch.

        Of the last one of a log each checksum is looked at, it is cut behind the last whole batch, and synced: what
        was read once is there the next time too. Those before were synced when they were full, and only their headers
        are read. Raises `DamagedLogError` where those do not follow on each other.
        """
        file = files.open(path)
        made = BatchSegment(path, offset_of(path), file)
        for header in made._whole(0, checked=last):
            if header.base_offset < made.next_offset:
                break
            made._admit(header)
            note(header)
        if made.size < file.size:
            if not last:
                file.close()
                raise DamagedLogError(f"{path} is damaged at byte {made.size}, in a part that had been synced.")
            file.truncate(made.size)
        if last:
            file.fsync()
        return made

    def _whole(self, position: int, *, checked: bool) -> Iterator[BatchHeader]:
        """Headers of batches from `position` on, up to the first that is not whole."""
        size = READ_BYTES
        while position < self.file.size:
            data = self.file.read_at(position, size)
            at = 0
            try:
                while at + HEADER_BYTES <= len(data):
                    header = header_at(data, at)
                    if at + header.size > len(data):
                        break
                    if checked:
                        check_batch(data, at)
                    yield header
                    at += header.size
            except DamagedBatchError:
                return
            if at == 0:
                if len(data) < HEADER_BYTES or position + header_at(data).size > self.file.size:
                    return
                size = header_at(data).size
            position += at

    def append(self, header: BatchHeader, data: bytes) -> None:
        """Write one batch, which has its offset. What the disk refuses leaves nothing that counts."""
        if self.file.size > self.size:  # left by a write that failed half-way
            self.file.truncate(self.size)
        self.file.append(data)
        self._admit(header)

    def _admit(self, header: BatchHeader) -> None:
        if not self._offsets or self._since_index >= INDEX_EVERY_BYTES:
            self._offsets.append(header.base_offset)
            self._positions.append(self.size)
            self._since_index = 0
        self._since_index += header.size
        self.size += header.size
        self.next_offset = header.next_offset
        self.max_timestamp_ms = max(self.max_timestamp_ms, header.max_timestamp_ms)

    def position_of(self, offset: int) -> int:
        """Where the first batch stands that has something at or after this offset; the size where none has."""
        if offset >= self.next_offset:
            return self.size
        entry = bisect_right(self._offsets, offset) - 1
        at = self._positions[entry] if entry >= 0 else 0
        for header in self._whole(at, checked=False):
            if at >= self.size or header.next_offset > offset:
                break
            at += header.size
        return min(at, self.size)

    def headers(self) -> Iterator[BatchHeader]:
        """Of all its batches."""
        return self._whole(0, checked=False)

    def read(self, offset: int, below: int, max_bytes: int) -> bytes:
        """Whole batches from the one that holds `offset` on that end at or before `below`.

        At most `max_bytes` of them, but one at least (KIP-74), so that a large one does not stop its readers for ever.
        """
        if offset >= self.next_offset or offset >= below:
            return b""
        position = self.position_of(offset)
        data = self.file.read_at(position, min(max(max_bytes, HEADER_BYTES), self.size - position))
        if len(data) >= HEADER_BYTES and header_at(data).size > len(data):
            data = self.file.read_at(position, header_at(data).size)
        end = 0
        for header, at in batches_in(data):
            if header.next_offset > below or (at + header.size > max_bytes and end):
                break
            end = at + header.size
        return data[:end]

    def cut(self, offset: int) -> None:
        """Take away the batch that holds `offset`, and all after it. Not on the disk until it is synced."""
        position = self.position_of(offset)
        kept = [header for header in self._whole(0, checked=False) if header.next_offset <= offset]
        self.file.truncate(position)
        self._offsets, self._positions, self._since_index = [], [], 0
        self.next_offset, self.size, self.max_timestamp_ms = self.base_offset, 0, -1
        for header in kept:
            self._admit(header)


def path_of(directory: str, base_offset: int) -> str:
    """The file of the segment that begins at this offset."""
    return f"{directory}/{base_offset:020d}.log" if directory else f"{base_offset:020d}.log"


def offset_of(path: str) -> int:
    """The offset in the name of a segment."""
    return int(path.rpartition("/")[2][:20])
