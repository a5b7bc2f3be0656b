"""A stream job whose results are as if every event had counted exactly once, over any number of crashes.

Nothing is delivered exactly once. What can be had is an *effect* once: a source that can be read again from an offset
(a log), a state that is written down together with that offset (a checkpoint), and a sink that recognises what it has
(here: by key, window and revision). After a crash the job goes on from the last checkpoint; it reads some events again,
comes to the same state, sends the same results, and the sink keeps one of each (Carbone et al., *Apache Flink: Stream
and Batch Processing in a Single Engine*, 2015).

Repeated *events* are another matter: a client that sends its click twice makes two events. `Deduplicator`
remembers ids for a while of event time. Nothing here is for several threads.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, Protocol
from zlib import crc32

from windtunnel.blocks.durability.log import Log, Record
from windtunnel.blocks.ground.block import Block, Live
from windtunnel.blocks.ground.envelope import DamagedError, seal, unseal
from windtunnel.blocks.ground.files import Files, make_directory, read_whole, replace_whole, take
from windtunnel.blocks.streams.windows import NEVER, Key, Result, WindowedAggregate, as_tuples
from windtunnel.blocks.streams.windows_watermark import BoundedDisorder

KIND, VERSION = "stream job", 1


class Event(NamedTuple):
    """What a record says. `id` tells it from all other events; `None` where nothing is sent twice."""

    key: Key
    timestamp_ms: int
    value: Any
    id: str | None = None


class Deduplicator(Block):
    """Knows the ids of the events of the last `within_ms` of event time, in buckets that are forgotten whole.

    An id that comes again later than that is taken for new: it should be late data by then.
    """

    def __init__(self, within_ms: int, buckets: int = 8) -> None:
        if within_ms < 1 or buckets < 1:
            raise ValueError("within_ms and buckets must be positive.")
        self._width_ms = -(-within_ms // buckets)
        self._within_ms = within_ms
        self._seen: dict[int, set[str]] = {}
        self.repeated = 0

    def _told(self) -> dict[str, object]:
        return {"within_ms": self._within_ms, "ids": sum(map(len, self._seen.values()))}

    def first_time(self, event_id: str, timestamp_ms: int) -> bool:
        """Whether this id is new. A repeated event must carry the time of the first."""
        if not isinstance(event_id, str):
            raise ValueError(f"The id of an event is text; got {event_id!r}.")
        bucket = self._seen.setdefault(timestamp_ms // self._width_ms, set())
        if event_id in bucket:
            self.repeated += 1
            return False
        bucket.add(event_id)
        return True

    def forget(self, watermark_ms: int) -> None:
        """Drop the buckets that lie `within_ms` before the watermark."""
        last = (watermark_ms - self._within_ms) // self._width_ms
        for bucket in [bucket for bucket in self._seen if bucket < last]:
            del self._seen[bucket]

    def dump(self) -> list[Any]:
        """The state, for a checkpoint."""
        return [self.repeated, {str(bucket): sorted(ids) for bucket, ids in self._seen.items()}]

    def restore(self, state: list[Any]) -> None:
        """Take over what `dump` gave."""
        self.repeated = state[0]
        self._seen = {int(bucket): set(ids) for bucket, ids in state[1].items()}


class Sink(Protocol):
    """Where results go."""

    def put(self, results: Iterable[Result]) -> None:
        """Keep these results durably; of one key and window only the latest revision, also if an older comes again."""


class SqlSink(Live):
    """Results in a table of an SQLite database: one row for each key and window, put into place by its revision.

    Keys are kept as text and numbers; what SQLite has no type for (tuples, numbers beyond 64 bits) as a blob of JSON.
    """

    _tie = "a connection that is open here"

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        with connection:
            connection.execute(
                "CREATE TABLE IF NOT EXISTS windows (key, start_ms INT, end_ms INT, value TEXT, revision INT, "
                "void INT NOT NULL DEFAULT 0, PRIMARY KEY (key, start_ms, end_ms))"
            )

    def _told(self) -> dict[str, object]:
        return {"connection": type(self._connection).__module__}

    def put(self, results: Iterable[Result]) -> None:
        """See `Sink`. All in one transaction."""
        rows = [(_column(one.key), *one[1:]) for one in results]
        with self._connection:
            for key, window, value, revision, replaces in rows:
                self._connection.execute(
                    "INSERT INTO windows (key, start_ms, end_ms, value, revision) VALUES (?, ?, ?, ?, ?) "
                    "ON CONFLICT DO UPDATE SET value = excluded.value, revision = excluded.revision "
                    "WHERE excluded.revision >= windows.revision",
                    (key, *window, json.dumps(value), revision),
                )
                for start_ms, end_ms in replaces:
                    self._connection.execute(
                        "UPDATE windows SET void = 1 WHERE key = ? AND start_ms = ? AND end_ms = ?",
                        (key, start_ms, end_ms),
                    )

    def results(self) -> dict[tuple[Key, int, int], Any]:
        """What holds now."""
        rows = self._connection.execute("SELECT key, start_ms, end_ms, value FROM windows WHERE NOT void")
        return {(_key(key), start_ms, end_ms): json.loads(value) for key, start_ms, end_ms, value in rows}


def _column(key: Key) -> str | int | bytes:
    """A key as SQLite can keep it."""
    if isinstance(key, str) or (isinstance(key, int) and -(2**63) <= key < 2**63):
        return key
    return json.dumps(key).encode()


def _key(column: str | int | bytes) -> Key:
    return as_tuples(json.loads(column)) if isinstance(column, bytes) else column


class StreamJob(Live):
    """Reads `source` from where the last checkpoint stands, through windows, into `sink`.

    A checkpoint is written after every `checkpoint_every` records, after the sink has what came before it. `read`
    makes an event of a record and must not depend on anything else, nor may the settings change between runs. The
    log must keep its records until a checkpoint is beyond them (`job.offset` is where a `trim` may go). Not for
    several threads.

    Each `run` begins where the checkpoint stands, with the state that it has, also after an error in the one before (a
    sink that was away) and when another object or process has gone on meanwhile; two at a time are refused (`InUse`).
    A log that is not the one that the checkpoint was made of, or an older copy of it, is `DamagedError`.
    """

    def __init__(
        self,
        files: Files,
        directory: str,
        source: Log,
        read: Callable[[Record], Event],
        windows: WindowedAggregate[Any, Any],
        watermark: BoundedDisorder,
        sink: Sink,
        *,
        deduplicator: Deduplicator | None = None,
        checkpoint_every: int = 10_000,
    ) -> None:
        self._files = files
        self._path = f"{directory}/checkpoint" if directory else "checkpoint"
        self._source = source
        self._read = read
        self._windows = windows
        self._watermark = watermark
        self._sink = sink
        self._deduplicator = deduplicator
        self._checkpoint_every = checkpoint_every
        self.offset = source.start_offset
        """The next record to be read after a crash."""
        self._last: int | None = None
        make_directory(files, directory)
        self._held: bytes | None = self._state()
        """The checkpoint that the state in memory is that of; `None` while it is not that of any."""
        self._first = self._held
        self._resume()

    def _told(self) -> dict[str, object]:
        return {"checkpoint": self._path, "offset": self.offset}

    def run(self, *, finish: bool = False) -> int:
        """Read to the end of the source, and write a checkpoint there; returns how many records were read.

        `finish` says that nothing will ever come any more: all windows fire. (The watermark is then at the end of
        time, and whatever comes nevertheless is late.)
        """
        lock = take(self._files, f"{self._path}.lock")
        try:
            self._resume()
            self._held = None  # until there is a checkpoint again
            return self._run(finish)
        finally:
            if lock is not None:
                lock.close()

    def _run(self, finish: bool) -> int:
        results: list[Result] = []
        since = total = 0
        offset = self.offset
        for record in self._source.records(offset):
            event = self._read(record)
            if event.id is None or self._deduplicator is None or self._first_time(event):
                results += self._windows.add(event.key, event.timestamp_ms, event.value)
            results += self._windows.advance(self._watermark.observe(event.timestamp_ms))
            offset, self._last = record.offset + 1, _print(record)
            since, total = since + 1, total + 1
            if since >= self._checkpoint_every:
                self._checkpoint(offset, results)
                results, since = [], 0
        if finish:
            self._watermark.watermark_ms = -NEVER
            results += self._windows.advance(-NEVER)
        self._held = self._checkpoint(offset, results)
        return total

    def _first_time(self, event: Event) -> bool:
        assert self._deduplicator is not None
        assert event.id is not None
        return self._deduplicator.first_time(event.id, event.timestamp_ms)

    def _checkpoint(self, offset: int, results: list[Result]) -> bytes:
        if self._deduplicator is not None:
            self._deduplicator.forget(self._watermark.watermark_ms)
        before, self.offset = self.offset, offset
        try:
            state = self._state()  # what cannot be written down is an error before the sink hears of it
            self._sink.put(results)
            replace_whole(self._files, self._path, state)
        except BaseException:
            self.offset = before
            raise
        return state

    def _state(self) -> bytes:
        seen = json.dumps(None if self._deduplicator is None else self._deduplicator.dump()).encode()
        header = {"offset": self.offset, "watermark": self._watermark.watermark_ms, "seen": len(seen)}
        if self._last is not None:
            header["last"] = self._last
        return seal(KIND, VERSION, header, seen + self._windows.to_bytes())

    def _resume(self) -> None:
        """Take over the checkpoint on the disk unless memory has that one, and look whether the log fits."""
        there = read_whole(self._files, self._path) if self._files.exists(self._path) else self._first
        if there is not None and there != self._held:
            self._restore(there)
            self._held = there
        if self.offset > self._source.next_offset:
            raise DamagedError(
                f"{self._path} stands at offset {self.offset}, and the log ends at {self._source.next_offset}: it is "
                f"another log, or an older copy."
            )
        if self._last is None or self.offset <= self._source.start_offset:
            return
        for record in self._source.read(self.offset - 1, 1):
            if record.offset == self.offset - 1 and _print(record) != self._last:
                raise DamagedError(f"{self._path} was made of another log: record {record.offset} differs.")

    def _restore(self, data: bytes) -> None:
        try:
            header, payload = unseal(KIND, VERSION, data)
        except DamagedError as error:
            raise DamagedError(f"{self._path} is no checkpoint: {error}") from None
        self.offset, self._last = header["offset"], header.get("last")
        self._watermark.watermark_ms = header["watermark"]
        seen = json.loads(payload[: header["seen"]])
        if self._deduplicator is not None and seen is not None:
            self._deduplicator.restore(seen)
        self._windows.restore(payload[header["seen"] :])


def _print(record: Record) -> int:
    """What a record is known again by."""
    return crc32(record.value or b"", crc32(record.key or b"", record.timestamp_ms & 0xFFFFFFFF))
