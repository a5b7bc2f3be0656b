"""An append-only log: records get consecutive offsets, live in segments on a disk, and survive crashes once synced.

The log is the part that Kafka, write-ahead logs, event stores and replication share (Kreps, *The Log: What every
software engineer should know about real-time data's unifying abstraction*, 2013). Appending at the end of a file is the
one thing that every disk does at full speed, and it makes recovery simple: read to the last whole record, cut the rest.

>>> from windtunnel.blocks.ground.files import DiskFiles
>>> with Log(DiskFiles(directory)) as log:                    # doctest: +SKIP
...     log.append(b"first")
...     log.append_many([b"second", b"third"])                # all or nothing, one checksum
...     log.sync()                                            # now they are safe: acknowledge
...     [record.value for record in log.records(start=1)]
0
range(1, 3)
[b'second', b'third']

What it promises:

- A record is **safe** when `sync` has returned after its `append`; `synced_offset` says how far that reaches.
- After a crash the log holds all safe records, perhaps some later ones, and nothing else: a prefix of what was
  appended, batches of `append_many` whole or absent.
- Damage to what had been synced raises `DamagedLogError` instead of losing it silently. (Rot in the very last frames,
  with nothing written after them, cannot be told from a torn write and is cut.)
- When the disk refuses a write or a sync, the log takes no more appends (`LogFailed`): open it again, which
  recovers. A second `fsync` would succeed without having written anything (see `files`).
"""

from __future__ import annotations

import re
import threading
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from types import TracebackType

from windtunnel.blocks.durability.log_frame import Batch, Record, encode
from windtunnel.blocks.durability.log_segment import (
    NOTHING,
    DamagedLogError,
    Segment,
    header_bytes,
    index_of,
    offset_of,
    path_of,
    read_index,
)
from windtunnel.blocks.ground.clocks import unix_s
from windtunnel.blocks.ground.closing import Closing
from windtunnel.blocks.ground.files import Files, InUse, check, make_directory, replace_whole, take

__all__ = ["Batch", "DamagedLogError", "Log", "LogFailed", "OffsetGone", "Record"]

OURS = re.compile(r"\d{20}\.(log|index)(\.new)?")
"""The names of a log's files; all others in its directory are left alone."""


def first_offset(files: Files, directory: str) -> int | None:
    """Where the log below `directory` begins by the names of its files, `None` where there is none; opens nothing."""
    if not files.exists(directory):
        return None
    return min(
        (offset_of(name) for name in files.listdir(directory) if OURS.fullmatch(name) and name[20:] == ".log"),
        default=None,
    )


class LogFailed(Exception):
    """The disk has failed this log; what was not synced is in doubt. Open the log again to go on."""

    outcome = "unknown"


class OffsetGone(LookupError):
    """The record of this offset has been removed by retention or trimming."""

    outcome = "fail"


class Log(Closing):
    """A segmented append-only log below `directory`. One writer at a time: one process, one thread or task.

    `segment_bytes`: a segment that would pass this is closed and a new one begun. `retention_bytes` and
    `retention_s`: whole segments are removed from the front while the rest holds at least so many bytes, or when
    their last record is older; checked whenever a segment fills. Single appends are gathered in memory up to
    `buffer_bytes` and written as one frame by `flush`, which `sync` and all readers call. `clock` gives seconds
    since 1970; timestamps never go backwards within a log. On a real disk a second writer is refused
    (`windtunnel.blocks.ground.files.InUse`), be it another process or one that was forked off from this: that one may
    read what had been flushed. A reader whom retention has overtaken goes on with the oldest record that is left.
    """

    def __init__(
        self,
        files: Files,
        directory: str = "",
        *,
        segment_bytes: int = 64 << 20,
        retention_bytes: int | None = None,
        retention_s: float | None = None,
        buffer_bytes: int = 1 << 18,
        clock: Callable[[], float] = unix_s,
    ) -> None:
        if segment_bytes < 1 or buffer_bytes < 1:
            raise ValueError("segment_bytes and buffer_bytes must be positive.")
        self._files = files
        self._directory = directory
        self._segment_bytes = segment_bytes
        self._retention_bytes = retention_bytes
        self._retention_s = retention_s
        self._buffer_bytes = buffer_bytes
        self._clock = clock
        self._failure: Exception | None = None
        self._next = 0
        self._sync_lock = threading.Lock()
        make_directory(files, directory)
        self._lock = take(files, f"{directory}/log.lock" if directory else "log.lock")
        try:
            self._segments = self._recover()
        except BaseException:
            self._unlock()
            raise
        self._next = self._active.next_offset
        self._synced_offset = self._next
        self._values: list[bytes | None] = []
        self._keys: list[bytes | None] = []
        self._buffered = 0

    def _told(self) -> dict[str, object]:
        return {"directory": self._directory, "next_offset": self._next}

    # State.

    @property
    def start_offset(self) -> int:
        """The least offset that a record here can have."""
        return self._segments[0].first_offset

    @property
    def next_offset(self) -> int:
        """The offset that the next record will get."""
        return self._next

    @property
    def synced_offset(self) -> int:
        """All records below this offset are safe."""
        return self._synced_offset

    @property
    def size_bytes(self) -> int:
        """Bytes of all segments."""
        return sum(segment.size for segment in self._segments)

    @property
    def _active(self) -> Segment:
        return self._segments[-1]

    # Writing.

    def append(self, value: bytes | None, key: bytes | None = None) -> int:
        """Add one record and return its offset. Safe after `sync`."""
        if not isinstance(value, bytes) and (value is not None or key is None):
            raise ValueError("A value is bytes, or None (a tombstone) for a key.")
        if key is not None and not isinstance(key, bytes):
            raise ValueError("A key is bytes or None.")
        if self._failure is not None:
            self._refuse()
        offset = self._next
        self._next = offset + 1
        self._values.append(value)
        self._keys.append(key)
        self._buffered += len(value or b"") + len(key or b"") + 16
        if self._buffered >= self._buffer_bytes:
            self.flush()
        return offset

    def append_many(self, values: Sequence[bytes | None], keys: Sequence[bytes | None] | None = None) -> range:
        """Add a batch as one frame, which a crash leaves whole or not at all, and return its offsets."""
        if keys is not None and len(keys) != len(values):
            raise ValueError(f"There are {len(values)} values and {len(keys)} keys.")
        kinds = {*map(type, values), *map(type, keys or ())} - {type(None)}
        if not all(issubclass(kind, bytes) for kind in kinds):
            raise ValueError("Values and keys are bytes, or None: a tombstone, or no key.")
        if not values:
            return range(self._next, self._next)
        check(self._lock)
        self.flush()
        offsets = range(self._next, self._next + len(values))
        self._write(Batch(offsets, self._now_ms(), keys, values))
        self._next = offsets.stop
        return offsets

    def flush(self) -> None:
        """Hand all appended records to the operating system. They survive this process now, but not the machine."""
        if self._failure is not None:
            self._refuse()
        if not self._values:
            return
        check(self._lock)
        keys = self._keys if any(key is not None for key in self._keys) else None
        batch = Batch(range(self._next - len(self._values), self._next), self._now_ms(), keys, self._values)
        self._values, self._keys, self._buffered = [], [], 0
        self._write(batch)

    def sync(self) -> None:
        """Return once everything appended so far is on the disk."""
        check(self._lock)
        self.flush()
        self.sync_flushed()

    def sync_flushed(self) -> None:
        """Return once everything flushed so far is on the disk.

        The one method that another thread may run while this one appends: an `fsync` takes milliseconds.
        """
        with self._sync_lock:
            active = self._active
            end = active.next_offset
            if self._synced_offset < end:
                with _Guard(self):
                    active.sync()
                self._synced_offset = max(self._synced_offset, end)

    def roll(self) -> None:
        """Close the active segment and begin a new one; does nothing where the active one is empty."""
        self.flush()
        with _Guard(self):
            self._roll()

    def _write(self, batch: Batch) -> None:
        with _Guard(self):
            data = encode(batch, self._active.synced, self._active.place)
            if self._active.size + len(data) > self._segment_bytes:
                self._roll()
                data = encode(batch, self._active.synced, self._active.place)
            self._active.write(batch, data)

    def _roll(self) -> None:
        active = self._active
        if active.next_offset == active.first_offset:
            return
        active.sync()
        self._synced_offset = active.next_offset
        active.save_index(self._files)
        new = Segment.create(self._files, self._directory, active.next_offset, active.first_offset)
        new.timestamp_ms = active.timestamp_ms
        self._segments.append(new)
        self._retain()

    def _now_ms(self) -> int:
        return max(self._active.timestamp_ms, int(self._clock() * 1000))

    # Reading.

    def batches(self, start: int | None = None) -> Iterator[Batch]:
        """The batches from the one that holds offset `start` on (default: the first), up to the end as it is now."""
        self.flush()
        offset = self.start_offset if start is None else start
        if offset < self.start_offset:
            raise OffsetGone(f"Offset {offset} is gone; this log begins at {self.start_offset}.")
        return self._batches(offset, self._next)

    def _batches(self, offset: int, stop: int) -> Iterator[Batch]:
        while offset < stop:
            at = max(0, bisect_right(self._segments, offset, key=lambda segment: segment.first_offset) - 1)
            segment = self._segments[at]
            for batch in segment.batches(offset):
                if batch.offsets[0] >= stop:
                    return
                yield batch
                offset = batch.offsets[-1] + 1
                if segment.closed:  # compacted or removed while the reader was away: look for its successor
                    break
            else:
                if segment is self._active:
                    return
                # Compaction may have left the end empty, and others may have changed the list meanwhile.
                later = bisect_right(self._segments, segment.first_offset, key=lambda other: other.first_offset)
                offset = max(offset, self._segments[later].first_offset)

    def records(self, start: int | None = None) -> Iterator[Record]:
        """The records from offset `start` on, up to the end as it is now."""
        first = self.start_offset if start is None else start
        for batch in self.batches(start):
            yield from batch.records(first)

    def read(self, offset: int, limit: int) -> list[Record]:
        """Up to `limit` records from `offset` on; none at the end. `OffsetGone` before the start."""
        found: list[Record] = []
        for record in self.records(offset):
            if len(found) >= limit:
                break
            found.append(record)
        return found

    # Giving space back.

    def trim(self, before: int) -> None:
        """Remove whole segments that hold nothing at or after offset `before`; the active one stays."""
        with _Guard(self):
            while len(self._segments) > 1 and self._segments[1].first_offset <= before:
                self._remove_first()

    def retain(self) -> None:
        """Remove the segments that retention allows to go, now."""
        with _Guard(self):
            self._retain()

    def _retain(self) -> None:
        size, oldest_ms = self.size_bytes, None
        if self._retention_s is not None:
            oldest_ms = (self._clock() - self._retention_s) * 1000
        while len(self._segments) > 1:
            first = self._segments[0]
            too_many = self._retention_bytes is not None and size - first.size >= self._retention_bytes
            if not too_many and not (oldest_ms is not None and first.timestamp_ms < oldest_ms):
                return
            size -= first.size
            self._remove_first()

    def _remove_first(self) -> None:
        first = self._segments.pop(0)
        with self._sync_lock:  # another thread may be about to sync this file
            first.close()
        self._files.remove(first.path)
        if self._files.exists(index_of(first.path)):
            self._files.remove(index_of(first.path))
        self._files.fsync_dir(self._directory)  # one by one, so that a crash leaves no hole

    def compact(self, keep_tombstones_s: float = 86400.0) -> int:
        """Keep of every key only its last record; return how many records went. Offsets stay as they are.

        Works on closed segments, one after the other from the oldest, each replaced atomically (as Kafka's cleaner
        does). Records without key stay. A tombstone hides the older records of its key from readers who follow the
        log; it goes when it is older than `keep_tombstones_s`. Holds all keys in memory.
        """
        self.sync()  # a record may go only if the later one of its key is safe
        last = {record.key: record.offset for record in self.records() if record.key is not None}
        deadline_ms = (self._clock() - keep_tombstones_s) * 1000
        gone = 0
        with _Guard(self):
            for at, segment in enumerate(self._segments[:-1]):
                kept, dropped = [], 0
                for batch in segment.batches(segment.first_offset):
                    records = [
                        record
                        for record in batch.records()
                        if record.key is None
                        or (
                            last[record.key] == record.offset
                            and (record.value is not None or batch.timestamp_ms >= deadline_ms)
                        )
                    ]
                    dropped += len(batch.values) - len(records)
                    if records:
                        kept.append(records)
                if dropped:
                    self._rewrite(at, kept)
                    gone += dropped
        return gone

    def _rewrite(self, at: int, kept: list[list[Record]]) -> None:
        old = self._segments[at]
        data = bytearray(header_bytes(old.first_offset, old.previous))
        for records in kept:
            offsets, times, keys, values = zip(*records, strict=True)
            keyed = keys if any(key is not None for key in keys) else None
            data += encode(Batch(offsets, times[0], keyed, values), synced=0, position=len(data))
        if self._files.exists(index_of(old.path)):  # it must not speak of the new segment, even after a crash
            self._files.remove(index_of(old.path))
            self._files.fsync_dir(self._directory)
        replace_whole(self._files, old.path, bytes(data))
        self._segments[at] = Segment.open_sealed(self._files, old.path, old.previous)
        self._segments[at].save_index(self._files)
        with self._sync_lock:
            old.close()

    # Opening and closing.

    def _recover(self) -> list[Segment]:
        names = [name for name in self._files.listdir(self._directory) if OURS.fullmatch(name)]
        paths = [path_of(self._directory, offset_of(name)) for name in names if name.endswith(".log")]
        known = {path.rpartition("/")[2] for path in paths} | {index_of(path).rpartition("/")[2] for path in paths}
        left = [name for name in names if name not in known]
        for name in left:  # a segment goes before its index, and from the front
            at = path_of(self._directory, offset_of(name))
            beyond = name.endswith(".index") and (not paths or at > paths[-1])
            if beyond and read_index(self._files, at) is not None:
                raise DamagedLogError(f"{name} has no segment beside it, and the log is missing what it had there.")
        segments: list[Segment] = []
        previous = NOTHING
        try:
            for path in paths[:-1]:
                segments.append(Segment.open_sealed(self._files, path, previous))
                previous = segments[-1].first_offset
            if paths:
                segments.append(Segment.open_last(self._files, paths[-1], previous))
            # All is understood: now it may be written.
            for name in left:
                self._files.remove(f"{self._directory}/{name}" if self._directory else name)  # a crash left it
            for segment in segments[:-1]:
                if not segment.indexed:
                    segment.save_index(self._files)
            self._files.fsync_dir(self._directory)  # a process that was killed may have left names in memory only
        except BaseException:
            for segment in segments:
                segment.close()
            raise
        if not segments:
            return [Segment.create(self._files, self._directory, 0, NOTHING)]
        if len(segments) > 1:
            segments[-1].timestamp_ms = max(segments[-1].timestamp_ms, segments[-2].timestamp_ms)
        return segments

    def close(self) -> None:
        """Sync and give all files back. A log that failed, or that a parent process has open, is only closed."""
        try:
            if self._failure is None and self._is_ours():
                self.sync()
        finally:
            if self._failure is None:
                self._failure = LogFailed("The log is closed.")
            with self._sync_lock:
                for segment in self._segments:
                    segment.close()
            self._unlock()

    def _is_ours(self) -> bool:
        try:
            check(self._lock)
        except InUse:
            return False
        return True

    def _unlock(self) -> None:
        if self._lock is not None:
            self._lock.close()

    def _refuse(self) -> None:
        raise LogFailed(f"The log takes no more records: {self._failure}") from self._failure

    def _fail(self, error: OSError) -> None:
        self._failure = error
        with suppress(OSError):  # if that fails too, opening the log again reads what there is
            self._active.forget_unsynced()


class _Guard:
    """Turns the disk's first refusal into the end of the log's life as a writer."""

    def __init__(self, log: Log) -> None:
        self._log = log

    def __enter__(self) -> None:
        check(self._log._lock)
        if self._log._failure is not None:
            self._log._refuse()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, OSError):
            self._log._fail(error)
            raise LogFailed(f"The disk failed: {error}. Open the log again to recover.") from error
