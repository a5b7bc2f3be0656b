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

from windtunnel.blocks.durability.log import Log, Record
from windtunnel.blocks.ground.envelope import DamagedError, seal, unseal
from windtunnel.blocks.ground.files import Files, make_directory, read_whole, replace_whole
from windtunnel.blocks.streams.windows import NEVER, Key, Result, WindowedAggregate
from windtunnel.blocks.streams.windows_watermark import BoundedDisorder

KIND, VERSION = "stream job", 1


class Event(NamedTuple):
    """What a record says. `id` tells it from all other events; `None` where nothing is sent twice."""

    key: Key
    timestamp_ms: int
    value: Any
    id: str | None = None


class Deduplicator:
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

    def first_time(self, event_id: str, timestamp_ms: int) -> bool:
        """Whether this id is new. A repeated event must carry the time of the first."""
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


class SqlSink:
    """Results in a table of an SQLite database: one row for each key and window, put into place by its revision."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        with connection:
            connection.execute(
                "CREATE TABLE IF NOT EXISTS windows (key, start_ms INT, end_ms INT, value TEXT, revision INT, "
                "void INT NOT NULL DEFAULT 0, PRIMARY KEY (key, start_ms, end_ms))"
            )

    def put(self, results: Iterable[Result]) -> None:
        """See `Sink`. All in one transaction."""
        with self._connection:
            for key, window, value, revision, replaces in results:
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
        return {(key, start_ms, end_ms): json.loads(value) for key, start_ms, end_ms, value in rows}


class StreamJob:
    """Reads `source` from where the last checkpoint stands, through windows, into `sink`.

    A checkpoint is written after every `checkpoint_every` records, after the sink has what came before it. `read`
    makes an event of a record and must not depend on anything else, nor may the settings change between runs. The
    log must keep its records until a checkpoint is beyond them (`job.offset` is where a `trim` may go). Not for
    several threads.
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
        make_directory(files, directory)
        if files.exists(self._path):
            self._restore(read_whole(files, self._path))

    def run(self, *, finish: bool = False) -> int:
        """Read to the end of the source, and write a checkpoint there; returns how many records were read.

        `finish` says that nothing will ever come any more: all windows fire. (The watermark is then at the end of
        time, and whatever comes nevertheless is late.)
        """
        results: list[Result] = []
        since = total = 0
        offset = self.offset
        for record in self._source.records(offset):
            event = self._read(record)
            if event.id is None or self._deduplicator is None or self._first_time(event):
                results += self._windows.add(event.key, event.timestamp_ms, event.value)
            results += self._windows.advance(self._watermark.observe(event.timestamp_ms))
            offset = record.offset + 1
            since, total = since + 1, total + 1
            if since >= self._checkpoint_every:
                self._checkpoint(offset, results)
                results, since = [], 0
        if finish:
            self._watermark.watermark_ms = -NEVER
            results += self._windows.advance(-NEVER)
        self._checkpoint(offset, results)
        return total

    def _first_time(self, event: Event) -> bool:
        assert self._deduplicator is not None
        assert event.id is not None
        return self._deduplicator.first_time(event.id, event.timestamp_ms)

    def _checkpoint(self, offset: int, results: list[Result]) -> None:
        self._sink.put(results)
        if self._deduplicator is not None:
            self._deduplicator.forget(self._watermark.watermark_ms)
        seen = json.dumps(None if self._deduplicator is None else self._deduplicator.dump()).encode()
        header = {"offset": offset, "watermark": self._watermark.watermark_ms, "seen": len(seen)}
        replace_whole(self._files, self._path, seal(KIND, VERSION, header, seen + self._windows.to_bytes()))
        self.offset = offset

    def _restore(self, data: bytes) -> None:
        try:
            header, payload = unseal(KIND, VERSION, data)
        except DamagedError as error:
            raise DamagedError(f"{self._path} is no checkpoint: {error}") from None
        self.offset = header["offset"]
        self._watermark.watermark_ms = header["watermark"]
        seen = json.loads(payload[: header["seen"]])
        if self._deduplicator is not None and seen is not None:
            self._deduplicator.restore(seen)
        self._windows.restore(payload[header["seen"] :])
