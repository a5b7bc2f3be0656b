"""State in memory that a write-ahead log makes durable: what the idempotency store, the sagas and the outbox share."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from windtunnel.blocks.durability.log import DamagedLogError, LogFailed
from windtunnel.blocks.durability.write_ahead_log import Offload, WriteAheadLog
from windtunnel.blocks.ground.closing import Closing
from windtunnel.blocks.ground.envelope import DamagedError
from windtunnel.blocks.ground.files import Files

Json = Any
"""What `json` can write: None, bool, int, float, str, list and dict of these. Tuples come back as lists."""

_STAMP = "durable state"
"""The key under which the first entry, and each snapshot, says whose it is."""


class DurableState(Closing, ABC):
    """Changes are JSON, applied one by one to the state in memory, in the order in which they stand in the log.

    A change is seen in memory a moment before it is safe; whoever tells the outside about it awaits `_commit` first.
    Once the log has more than `checkpoint_every` entries, the state is written down and the log begins anew. For the
    tasks of one loop, in one process.

    A change is applied before it is written: one that cannot be applied is refused (with what `_apply` raised) and
    leaves nothing in the log that no later opening could read. Classes with a `_kind` open files of that kind only.
    """

    _kind = ""
    _version = 1

    def __init__(
        self, files: Files, directory: str, *, checkpoint_every: int = 10_000, offload: Offload | None = None
    ) -> None:
        self._wal = WriteAheadLog(files, directory, offload=offload)
        self._checkpoint_every = checkpoint_every
        self._broken: BaseException | None = None
        try:
            self._recover()
        except BaseException:
            self._wal.close()
            raise

    def _told(self) -> dict[str, object]:
        return {"wal": self._wal}

    def _recover(self) -> None:
        """Begin with what the disk has. Raises `DamagedLogError` for what this class has not written."""
        what = "its snapshot"
        try:
            if self._wal.snapshot is not None:
                state = json.loads(self._wal.snapshot)
                if self._is_stamp(state):
                    state = state["state"]
                self._restore(state)
            for number, entry in enumerate(self._wal.entries()):
                what = f"entry {number} after its snapshot"
                change = json.loads(entry)
                if not self._is_stamp(change):
                    self._apply(change)
        except (DamagedError, OSError):
            raise
        except Exception as error:
            raise DamagedLogError(f"{self!r}: {what} is nothing that it has written: {error!r}.") from error

    def _is_stamp(self, value: Json) -> bool:
        if not isinstance(value, dict) or _STAMP not in value or "version" not in value:
            return False
        if (value[_STAMP], value["version"]) != (self._kind, self._version):
            raise DamagedLogError(
                f"The files hold {value[_STAMP]!r}, version {value['version']}; this class reads {self._kind!r}, "
                f"version {self._version}."
            )
        return True

    async def _commit(self, changes: Sequence[Json]) -> None:
        """Apply changes that belong together and return once they are safe."""
        entries = [dumps(change) for change in changes]
        self._require_sound()
        if self._wal.length >= self._checkpoint_every:
            self._wal.checkpoint(self._snapshot())
        stamp = [dumps({_STAMP: self._kind, "version": self._version})] if self._kind and not self._wal.end else []
        try:
            for entry in entries:
                self._apply(json.loads(entry))  # just as a recovery would
            end = self._wal.append([*stamp, *entries])
        except BaseException as error:
            self._broken = error  # memory has what the disk has not
            raise
        await self._wal.synced(end)

    async def _settle(self) -> None:
        """Return once all changes that are seen in memory are safe; raises where they never will be."""
        self._require_sound()
        await self._wal.synced(self._wal.end)

    def _require_sound(self) -> None:
        if self._broken is not None:
            raise LogFailed(f"The state in memory is not that on the disk; open it anew: {self._broken!r}.")

    def _snapshot(self) -> bytes:
        return dumps({_STAMP: self._kind, "version": self._version, "state": self._dump()})

    @abstractmethod
    def _apply(self, change: Json) -> None:
        """Make one change in memory, depending on nothing but the change and the state, or raise."""

    @abstractmethod
    def _dump(self) -> Json:
        """The whole state."""

    @abstractmethod
    def _restore(self, state: Json) -> None:
        """Begin with this state."""

    def close(self) -> None:
        """Sync and give the files back."""
        self._wal.close()


def dumps(value: Json) -> bytes:
    """The bytes of what can be stored; `ValueError` for what would not come back, or under another key."""
    _check_keys(value)
    try:
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"What is stored must be JSON (None, bool, int, float, str, list, dict): {error}.") from error


def copied(value: Json) -> Json:
    """A copy of JSON that was stored, for a caller to change as he likes."""
    if isinstance(value, list):
        return [copied(item) for item in value]
    if isinstance(value, dict):
        return {key: copied(item) for key, item in value.items()}
    return value


def _check_keys(value: Json, depth: int = 0) -> None:
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise ValueError(f"What is stored must be JSON, whose keys are text; got the key {key!r}.")
            _check_keys(item, depth + 1)
    elif isinstance(value, list | tuple):
        if depth > 200:
            raise ValueError("What is stored must be JSON of at most 200 levels.")
        for item in value:
            _check_keys(item, depth + 1)
