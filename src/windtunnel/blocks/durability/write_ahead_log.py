"""A write-ahead log: say what you will do, durably, before you do it; after a crash, do it again from the start.

State in memory plus this log is a small database (Gray and Reuter, *Transaction Processing*, 1993; Mohan et al.,
*ARIES*, 1992, which adds what is needed when the state itself is on the disk). A checkpoint writes the whole state down
and lets the log before it go, so that recovery takes time in proportion to the changes since.

>>> wal = WriteAheadLog(DiskFiles(directory))                 # doctest: +SKIP
>>> state = restore(wal.snapshot)                             # doctest: +SKIP
>>> for entry in wal.entries():                               # doctest: +SKIP
...     apply(state, entry)
>>> await wal.commit([b"transfer 5 from a to b"])             # doctest: +SKIP
>>> wal.checkpoint(dump(state))                               # doctest: +SKIP

Entries that are committed together are all recovered or none. What is recovered is a prefix of what was appended, with
everything that was committed in it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from struct import Struct
from zlib import crc32

from windtunnel.blocks.durability.log import DamagedLogError, Log, first_offset
from windtunnel.blocks.ground.closing import Closing
from windtunnel.blocks.ground.files import Files, read_whole, replace_whole

HEADER = Struct("<8sQI")
"""Magic with version, offset of the first entry that is not in the snapshot, CRC-32 of the two and the state."""
MAGIC = b"WTsnap\x00\x01"

Offload = Callable[[Callable[[], None]], Awaitable[None]]
"""Runs a blocking function elsewhere; `asyncio.to_thread` is one."""


class WriteAheadLog(Closing):
    """A log of entries and the last snapshot of the state that they make. For the tasks of one loop, in one process.

    `snapshot` is what the last `checkpoint` was given, `None` before the first. `offload` takes the
    `fsync` of `commit` off the loop (`asyncio.to_thread`); without it the loop waits, which is right for a
    simulated disk. Raises `windtunnel.blocks.durability.log.DamagedLogError` for files that no crash can have left.
    """

    def __init__(
        self, files: Files, directory: str = "", *, segment_bytes: int = 16 << 20, offload: Offload | None = None
    ) -> None:
        self._files = files
        self._path = f"{directory}/snapshot" if directory else "snapshot"
        self._offload = offload
        self._leader: asyncio.Future[None] | None = None
        first = first_offset(files, directory)
        self.snapshot, self._start = self._read_snapshot(first)  # what is not understood stays as it is
        self._log = Log(files, directory, segment_bytes=segment_bytes, clock=lambda: 0.0)
        try:
            if not self._log.start_offset <= self._start <= self._log.next_offset:
                raise DamagedLogError(
                    f"The snapshot ends at offset {self._start}, the log has {self._log.start_offset} to "
                    f"{self._log.next_offset}."
                )
            self._log.trim(self._start)  # a crash may have come between the snapshot and this
        except Exception:
            self._log.close()
            raise

    def entries(self) -> Iterator[bytes]:
        """What was appended after the snapshot, in order."""
        for record in self._log.records(self._start):
            assert record.value is not None
            yield record.value

    @property
    def length(self) -> int:
        """How many entries there are after the snapshot: the work of a recovery."""
        return self._log.next_offset - self._start

    @property
    def end(self) -> int:
        """The offset behind the last entry."""
        return self._log.next_offset

    def append(self, entries: Sequence[bytes]) -> int:
        """Write entries that belong together; they are safe after `sync`. Returns the offset behind them."""
        return self._log.append_many(entries).stop

    def sync(self) -> None:
        """Return once everything appended is safe."""
        self._log.sync()

    async def commit(self, entries: Sequence[bytes]) -> None:
        """Append entries that belong together and return once they are safe.

        Tasks that commit at the same time share one `fsync` (group commit): that is what makes thousands of durable
        commits a second possible on a disk that can sync only hundreds of times.
        """
        end = self.append(entries)
        await self.synced(end)

    async def synced(self, end: int) -> None:
        """Return once all entries below offset `end` are safe."""
        while self._log.synced_offset < end:
            if self._leader is not None:
                await asyncio.wait([self._leader])  # a sync is under way: it may have begun before our append
                continue
            self._leader = asyncio.get_running_loop().create_future()
            try:
                await asyncio.sleep(0)  # let those who are ready append, too
                if self._offload is None:
                    self._log.sync_flushed()
                else:
                    await self._offload(self._log.sync_flushed)
            finally:
                self._leader.set_result(None)
                self._leader = None

    def checkpoint(self, state: bytes) -> None:
        """Make `state`, which all entries so far have led to, the snapshot, and drop these entries."""
        self._log.sync()
        offset = self._log.next_offset
        head = HEADER.pack(MAGIC, offset, 0)[:-4]
        crc = crc32(state, crc32(head))
        replace_whole(self._files, self._path, head + crc.to_bytes(4, "little") + state)
        self.snapshot, self._start = state, offset
        self._log.roll()
        self._log.trim(offset)

    def _told(self) -> dict[str, object]:
        return {"snapshot": self._path, "entries_after_it": self.length}

    def close(self) -> None:
        """Sync and give the files back."""
        self._log.close()

    def _read_snapshot(self, first: int | None) -> tuple[bytes | None, int]:
        if not self._files.exists(self._path):
            if first:
                raise DamagedLogError(f"The log begins at offset {first}, and there is no snapshot.")
            return None, 0
        if first is None:
            raise DamagedLogError(f"There is a snapshot, {self._path}, and no log beside it.")
        data = read_whole(self._files, self._path)
        if len(data) < HEADER.size:
            raise DamagedLogError(f"{self._path} is too short to be a snapshot.")
        magic, offset, crc = HEADER.unpack_from(data)
        state = data[HEADER.size :]
        if magic != MAGIC and magic.startswith(MAGIC[:6]):
            raise DamagedLogError(
                f"{self._path} is of version {magic[-1]}, or damaged; this code reads version {MAGIC[-1]}."
            )
        if magic != MAGIC or crc32(state, crc32(data[: HEADER.size - 4])) != crc:
            raise DamagedLogError(f"{self._path} is damaged.")
        return state, offset
