"""A partition's log of record batches: what a broker keeps of one partition, and all that follows from it.

>>> from windtunnel.blocks.ground.files import DiskFiles
>>> from windtunnel.blocks.broker import encode_batch
>>> with BatchLog(DiskFiles(directory), "orders-0") as log:      # doctest: +SKIP
...     log.append(encode_batch([(b"key", b"value")], 0))
BatchPlace(base_offset=0, next_offset=1, again=False)

It differs from `windtunnel.blocks.durability.Log` in what a broker needs and a journal does not: batches stand in the
file as their producer sent them, with the producer's checksum over them; a replica cuts off the end where its leader
has something else; producers that send twice are known; the epochs of leaders are known. Segments, recovery, sync and
retention are as there.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable
from typing import NamedTuple

from windtunnel.blocks.broker.batch_compaction import compacted
from windtunnel.blocks.broker.batch_segment import BatchSegment, path_of
from windtunnel.blocks.broker.epochs import LeaderEpochs
from windtunnel.blocks.broker.producers import ProducerStates
from windtunnel.blocks.broker.record_batch import BatchHeader, batches_in, check_batch, header_at, placed
from windtunnel.blocks.durability.log import OffsetGone
from windtunnel.blocks.ground.clocks import unix_s
from windtunnel.blocks.ground.closing import Closing
from windtunnel.blocks.ground.files import Files, make_directory, replace_whole, take

OURS = re.compile(r"\d{20}\.log")


class BatchPlace(NamedTuple):
    """Where a batch stands. `again`: it had come before, and nothing was written."""

    base_offset: int
    next_offset: int
    again: bool


class BatchLog(Closing):
    """The log of one partition below `directory`. One writer at a time: one process, one thread or task.

    Args:
        segment_bytes: a segment that would pass this is synced and a new one begun.
        retention_bytes: whole segments go from the front while the rest holds at least so many bytes.
        retention_s: and those whose last record is older.
        clock: seconds since 1970, for retention.

    What was appended is safe from a loss of power when `sync` has returned, and from a death of this process at once.
    After a crash the log holds a prefix of what was appended, batches whole or absent, all that was synced among it;
    damage to a full segment raises `DamagedLogError`.
    """

    def __init__(
        self,
        files: Files,
        directory: str = "",
        *,
        segment_bytes: int = 64 << 20,
        retention_bytes: int | None = None,
        retention_s: float | None = None,
        clock: Callable[[], float] = unix_s,
    ) -> None:
        if segment_bytes < 1:
            raise ValueError("segment_bytes must be positive.")
        self._files, self._directory = files, directory
        self._segment_bytes, self._retention_bytes, self._retention_s = segment_bytes, retention_bytes, retention_s
        self._clock = clock
        make_directory(files, directory)
        self._lock = take(files, f"{directory}/log.lock" if directory else "log.lock")
        self.producers, self.epochs = ProducerStates(), LeaderEpochs()
        self._segments: list[BatchSegment] = []
        try:
            names = sorted(name for name in files.listdir(directory) if OURS.fullmatch(name))
            for name in names:
                path = path_of(directory, int(name[:20]))
                self._segments.append(BatchSegment.open(files, path, self._note, last=name == names[-1]))
            if not names:
                self._segments.append(BatchSegment.create(files, directory, 0))
        except BaseException:
            self.close()
            raise
        self.synced_offset = self.next_offset
        """All records below this are safe from a loss of power."""

    def _told(self) -> dict[str, object]:
        return {"directory": self._directory, "next_offset": self.next_offset}

    def _note(self, header: BatchHeader) -> None:
        self.producers.note(header)
        self.epochs.note(header.leader_epoch, header.base_offset)

    # State.

    @property
    def start_offset(self) -> int:
        """The least offset that a record here can have."""
        return self._segments[0].base_offset

    @property
    def next_offset(self) -> int:
        """The offset that the next record gets: Kafka's log end offset."""
        return self._segments[-1].next_offset

    @property
    def size_bytes(self) -> int:
        """Bytes of all batches."""
        return sum(segment.size for segment in self._segments)

    @property
    def latest_epoch(self) -> int:
        """The leader epoch of the last batch, -1 where there is none."""
        return self.epochs.latest

    def end_of_epoch(self, epoch: int) -> tuple[int, int]:
        """The greatest epoch here that is not above `epoch`, and the offset behind its last record (KIP-101)."""
        return self.epochs.end_of(epoch, self.next_offset)

    # Writing.

    def append(self, batch: bytes | memoryview, leader_epoch: int = 0) -> BatchPlace:
        """As a leader: give one batch its offsets and the epoch, and write it.

        Raises:
            DamagedBatchError: it is not one whole batch.
            OutOfOrderSequence, FencedProducer: see `ProducerStates.check`.
        """
        header = check_batch(batch)
        if header.size != len(batch):
            raise ValueError(f"One batch of {header.size} bytes is appended at a time; these are {len(batch)} bytes.")
        before = self.producers.check(header)
        if before is not None:
            return BatchPlace(before.base_offset, before.next_offset, again=True)
        data = placed(batch, self.next_offset, leader_epoch)
        self._write(header_at(data), data)
        return BatchPlace(header_at(data).base_offset, self.next_offset, again=False)

    def append_copies(self, data: bytes | memoryview) -> int:
        """As a follower: write batches as its leader has them; how many bytes that were.

        Raises `ValueError` where they do not follow on what is here, and `DamagedBatchError` where one is not whole.
        """
        for header, at in list(batches_in(data, checked=True)):
            if header.base_offset < self.next_offset:
                raise ValueError(f"A batch at {header.base_offset} cannot follow on {self.next_offset - 1}.")
            self._write(header, bytes(data[at : at + header.size]))
        return len(data)

    def _write(self, header: BatchHeader, data: bytes) -> None:
        active = self._segments[-1]
        if active.size and active.size + len(data) > self._segment_bytes:
            self.roll()
            active = self._segments[-1]
        active.append(header, data)
        self._note(header)

    def sync(self) -> None:
        """Return once all that was appended is on the disk."""
        if self.synced_offset < self.next_offset:
            self._segments[-1].file.fsync()
            self.synced_offset = self.next_offset

    def roll(self) -> None:
        """Close the active segment and begin a new one; nothing where it is empty."""
        active = self._segments[-1]
        if active.next_offset == active.base_offset:
            return
        active.file.fsync()
        self.synced_offset = active.next_offset
        self._segments.append(BatchSegment.create(self._files, self._directory, active.next_offset))
        self.retain()

    def truncate(self, offset: int) -> None:
        """As a follower whose leader has something else: the batch that holds `offset`, and all after it, go."""
        while len(self._segments) > 1 and self._segments[-1].base_offset >= offset:
            self._remove(-1)
        last = self._segments[-1]
        if last.next_offset > offset:
            last.cut(offset)
            last.file.fsync()  # or a loss of power could bring back what the others never had
        self.synced_offset = min(self.synced_offset, self.next_offset)
        self.producers, self.epochs = ProducerStates(), LeaderEpochs()
        for segment in self._segments:
            for header in segment.headers():
                self._note(header)

    # Reading.

    def read(self, offset: int, max_bytes: int = 1 << 20, below: int | None = None) -> bytes:
        """Whole batches from the one that holds `offset` on; one at least, if there is one; none at the end.

        Only such as end at or before `below`, the high watermark of a replicated partition. Raises `OffsetGone` for an
        offset that is gone or that nobody has written yet.
        """
        if not self.start_offset <= offset <= self.next_offset:
            raise OffsetGone(f"Offset {offset} is not in this log, {self.start_offset} to {self.next_offset}.")
        limit = self.next_offset if below is None else below
        if offset >= min(limit, self.next_offset):
            return b""
        at = max(0, bisect_right(self._segments, offset, key=lambda segment: segment.base_offset) - 1)
        for segment in self._segments[at:]:  # compaction may have left the end of one empty
            if found := segment.read(offset, limit, max_bytes):
                return found
        return b""

    def offset_at(self, timestamp_ms: int) -> tuple[int, int] | None:
        """The first batch that has a record of this time or later: its base offset and greatest timestamp."""
        for segment in self._segments:
            if segment.max_timestamp_ms >= timestamp_ms:
                for header in segment.headers():
                    if header.max_timestamp_ms >= timestamp_ms:
                        return header.base_offset, header.max_timestamp_ms
        return None

    # Giving space back.

    def retain(self) -> None:
        """Remove the segments that retention allows to go, now."""
        oldest_ms = None if self._retention_s is None else (self._clock() - self._retention_s) * 1000
        while len(self._segments) > 1:
            first = self._segments[0]
            rest = self.size_bytes - first.size
            too_many = self._retention_bytes is not None and rest >= self._retention_bytes
            if not too_many and not (oldest_ms is not None and first.max_timestamp_ms < oldest_ms):
                return
            self._remove(0)

    def _remove(self, at: int) -> None:
        segment = self._segments.pop(at)
        segment.file.close()
        self._files.remove(segment.path)
        self._files.fsync_dir(self._directory)

    def compact(self, keep_tombstones_s: float = 86400.0) -> int:
        """Of the full segments keep each key's last record, with its offset; the bytes that were saved.

        A tombstone stays for so long, so that slow readers learn of it. Records without a key, and compressed batches,
        stay as they are. Kafka's *Log Compaction*: reading from the start still ends in the last value of every key.
        """
        oldest_ms = (self._clock() - keep_tombstones_s) * 1000
        parts = [(segment, segment.file.read_at(0, segment.size)) for segment in self._segments]
        saved = 0
        cleaned = compacted([data for _, data in parts], oldest_ms)
        for (segment, data), kept in zip(parts[:-1], cleaned[:-1], strict=True):
            if len(kept) == len(data):
                continue
            segment.file.close()
            replace_whole(self._files, segment.path, kept)
            at = self._segments.index(segment)
            opened = BatchSegment.open(self._files, segment.path, lambda header: None, last=False)
            opened.next_offset = segment.next_offset
            self._segments[at] = opened
            saved += len(data) - len(kept)
        return saved

    def close(self) -> None:
        """Close the files. Syncs nothing."""
        for segment in self._segments:
            segment.file.close()
        if self._lock is not None:
            self._lock.close()
