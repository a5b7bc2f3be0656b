"""State in memory that a write-ahead log makes durable: what the idempotency store, the sagas and the outbox share."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

from windtunnel.blocks.durability.write_ahead_log import Offload, WriteAheadLog
from windtunnel.blocks.ground.files import Files

Json = Any
"""What `json` can write: None, bool, int, float, str, list and dict of these."""


class DurableState(ABC):
    """Changes are JSON, applied one by one to the state in memory, in the order in which they stand in the log.

    A change is seen in memory a moment before it is safe; whoever tells the outside about it awaits `_commit` first.
    Once the log has more than `checkpoint_every` entries, the state is written down and the log begins anew. For the
    tasks of one loop, in one process.
    """

    def __init__(
        self, files: Files, directory: str, *, checkpoint_every: int = 10_000, offload: Offload | None = None
    ) -> None:
        self._wal = WriteAheadLog(files, directory, offload=offload)
        self._checkpoint_every = checkpoint_every
        if self._wal.snapshot is not None:
            self._restore(json.loads(self._wal.snapshot))
        for entry in self._wal.entries():
            self._apply(json.loads(entry))

    async def _commit(self, changes: Sequence[Json]) -> None:
        """Apply changes that belong together and return once they are safe."""
        if self._wal.length >= self._checkpoint_every:
            self._wal.checkpoint(_dumps(self._dump()))
        entries = [_dumps(change) for change in changes]
        end = self._wal.append(entries)
        for entry in entries:
            self._apply(json.loads(entry))  # just as a recovery would
        await self._wal.synced(end)

    async def _settle(self) -> None:
        """Return once all changes that are seen in memory are safe; raises where they never will be."""
        await self._wal.synced(self._wal.end)

    @abstractmethod
    def _apply(self, change: Json) -> None:
        """Make one change in memory. Must not fail, and depend on nothing but the change and the state."""

    @abstractmethod
    def _dump(self) -> Json:
        """The whole state."""

    @abstractmethod
    def _restore(self, state: Json) -> None:
        """Begin with this state."""

    def close(self) -> None:
        """Sync and give the files back."""
        self._wal.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _dumps(value: Json) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
