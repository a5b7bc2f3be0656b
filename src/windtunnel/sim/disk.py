"""A host's disk: it keeps what was synced, and of the rest what it happens to have written when the power fails.

It has the small file interface that storage code of this project writes through (a structural match: `Files` and
`File` in `windtunnel.blocks.ground.files`), so the same log runs on a real disk, and here with crashes.
"""

from __future__ import annotations

import errno
import os
import types
from collections.abc import Generator
from typing import TYPE_CHECKING, Any, Final, Literal

from windtunnel.sim.signals import NS

if TYPE_CHECKING:
    from windtunnel.sim.kernel import Simulator

SECTOR: Final = 512
"""Bytes that reach the disk together or not at all."""

Fate = Literal["nothing", "prefix", "sectors"]
Data = bytes | bytearray | memoryview


class Disk:
    """A directory tree that survives crashes as far as it was synced.

    Calls take no virtual time; `sync` is `fsync` that does. One writer at a time a file, as on a real disk.

    Args:
        fsync_s: how long the disk takes for a sync, besides the bytes.
        write_bytes_per_s: how fast unsynced bytes reach it during a sync.
        capacity_bytes: what fits; more raises `OSError(ENOSPC)`.
        after_power_loss: what becomes of writes that were not synced. "prefix": some of the first, and a part of the
            next one, cut at a sector (a torn write). "sectors": any sectors of any of them. "nothing": all are lost.
    """

    def __init__(
        self,
        sim: Simulator,
        name: str,
        *,
        fsync_s: float = 0.001,
        write_bytes_per_s: float = 200e6,
        capacity_bytes: int | None = None,
        after_power_loss: Fate = "prefix",
    ) -> None:
        self._sim = sim
        self._name = name
        self.fsync_s = fsync_s
        self.write_bytes_per_s = write_bytes_per_s
        self.capacity_bytes = capacity_bytes
        self.after_power_loss: Fate = after_power_loss
        self.syncs = 0
        """Syncs of files and directories so far: what durability costs."""
        self._names: dict[str, _Node] = {"": _Node(None)}
        self._kept: dict[str, _Node] = dict(self._names)
        """The names as they are after a loss of power, but for `_renames`."""
        self._renames: list[_NameChange] = []
        """Changes of names that are not synced, oldest first."""
        self._free_ns = 0
        self._failing = 0

    # --- the interface of Files ------------------------------------------------------------------------------------
    def open(self, path: str, *, create: bool = False) -> DiskFile:
        """Open for reading and writing; `create` makes an empty file if there is none."""
        node = self._names.get(path)
        if node is None:
            if not create:
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
            self._need_directory(_parent(path))
            node = _Node(_Content())
            self._change(_NameChange({path: node}))
        if node.content is None:
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
        return DiskFile(self, node.content)

    def exists(self, path: str) -> bool:
        """Whether there is a file or directory of this name."""
        return path in self._names

    def listdir(self, path: str = "") -> list[str]:
        """The names in a directory, sorted."""
        self._need_directory(path)
        return sorted(name.rpartition("/")[2] for name in self._names if name and _parent(name) == path)

    def makedirs(self, path: str) -> None:
        """Make the directory and its parents; one that exists already is fine."""
        parts = path.split("/") if path else []
        for i in range(1, len(parts) + 1):
            directory = "/".join(parts[:i])
            if directory not in self._names:
                self._change(_NameChange({directory: _Node(None)}))
            self._need_directory(directory)

    def rename(self, old: str, new: str) -> None:
        """Give the file a new name, atomically taking the place of a file that has it."""
        if old not in self._names:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), old)
        self._need_directory(_parent(new))
        if old != new:
            self._change(_NameChange({new: self._names[old], old: None}))

    def remove(self, path: str) -> None:
        """Remove a file. Handles that are open go on reading it."""
        if path not in self._names:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        self._change(_NameChange({path: None}))

    def fsync_dir(self, path: str = "") -> None:
        """From now on all names made, changed or removed in this directory survive a loss of power."""
        self._need_directory(path)
        self._fail_if_told()
        self.syncs += 1
        left = []
        for change in self._renames:
            if path in {_parent(name) for name in change.names}:
                change.apply(self._kept)
            else:
                left.append(change)
        self._renames = left

    # --- beyond it -------------------------------------------------------------------------------------------------
    @types.coroutine
    def sync(self, file: DiskFile) -> Generator[Any, None, None]:
        """`fsync`, with the time that it takes; syncs queue up. What is written meanwhile is not covered by it."""
        content = file._content
        covered = content.writes
        cost_s = self.fsync_s + sum(len(write.data) for write in content.pending) / self.write_bytes_per_s
        now = self._sim.now_ns
        self._free_ns = max(self._free_ns, now) + round(cost_s * NS)
        yield from self._sim.sleep_ns(self._free_ns - now)
        self._sync(content, covered)

    def fail_next_sync(self) -> None:
        """Let the next sync fail and lose the bytes that it was for, as a real one does."""
        self._failing += 1

    @property
    def used_bytes(self) -> int:
        """Bytes in all files that have a name."""
        return sum(len(node.content.data) for node in self._names.values() if node.content is not None)

    def lose_power(self) -> None:
        """Keep what was synced, and of the rest what `after_power_loss` says. Open files are gone."""
        luck = self._sim.random(f"disk {self._name}")
        nodes = {id(node): node for names in (self._names, self._kept) for node in names.values()}
        for change in self._renames[: luck.randint(0, len(self._renames)) if self.after_power_loss != "nothing" else 0]:
            change.apply(self._kept)
        self._renames.clear()
        self._names = dict(self._kept)
        self._free_ns = 0
        for node in nodes.values():
            content = node.content
            if content is None:
                continue
            pending, content.pending = content.pending, []
            if self.after_power_loss == "prefix" and pending:
                whole = luck.randint(0, len(pending))
                for write in pending[:whole]:
                    write.apply(content.kept)
                if whole < len(pending):
                    pending[whole].tear(luck.randint(0, len(pending[whole].data) // SECTOR)).apply(content.kept)
            elif self.after_power_loss == "sectors":
                for write in pending:
                    for piece in write.sectors():
                        if luck.random() < 0.5:
                            piece.apply(content.kept)
            node.content = content.survivor()

    def _sync(self, content: _Content, covered: int) -> None:
        """The first `covered` writes that were ever made to the file are on the disk now."""
        self.syncs += 1
        count = max(0, covered - (content.writes - len(content.pending)))
        written, content.pending = content.pending[:count], content.pending[count:]
        self._fail_if_told()
        for write in written:
            write.apply(content.kept)

    def _fail_if_told(self) -> None:
        if self._failing:
            self._failing -= 1
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    def _change(self, change: _NameChange) -> None:
        change.apply(self._names)
        self._renames.append(change)

    def _need_directory(self, path: str) -> None:
        node = self._names.get(path)
        if node is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        if node.content is not None:
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), path)

    def _need_room(self, more: int) -> None:
        if self.capacity_bytes is not None and more > 0 and self.used_bytes + more > self.capacity_bytes:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


class DiskFile:
    """An open file. Positions are bytes from the start. After a crash of its host it is closed."""

    def __init__(self, disk: Disk, content: _Content) -> None:
        self._disk = disk
        self._content = content
        self._closed = False

    @property
    def size(self) -> int:
        """Bytes in the file, written or appended, synced or not."""
        return len(self._content.data)

    def append(self, data: Data) -> int:
        """Write `data` at the end and return the position where it begins."""
        start = self.size
        self.write_at(start, data)
        return start

    def write_at(self, position: int, data: Data) -> None:
        """Write over what stands at `position`; may reach past the end, but not begin there."""
        content = self._usable()
        if not 0 <= position <= len(content.data):
            raise ValueError(f"Position {position} is outside of the file's {len(content.data)} bytes.")
        self._disk._need_room(position + len(data) - len(content.data))
        content.write(_Write(position, bytes(data)))

    def read_at(self, position: int, size: int) -> bytes:
        """Up to `size` bytes from `position`; fewer only at the end of the file."""
        return bytes(self._usable().data[position : position + size])

    def truncate(self, size: int) -> None:
        """Cut the file to its first `size` bytes."""
        content = self._usable()
        if not 0 <= size <= len(content.data):
            raise ValueError(f"Cannot cut a file of {len(content.data)} bytes to {size}.")
        content.write(_Write(size, b"", cut=True))

    def fsync(self) -> None:
        """Return once all bytes so far are on the disk; takes no virtual time (`Disk.sync` does)."""
        content = self._usable()
        self._disk._sync(content, content.writes)

    def close(self) -> None:
        """Give the file back. Syncs nothing; may be called twice."""
        self._closed = True

    def _usable(self) -> _Content:
        if self._closed or self._content.lost:
            raise ValueError("The file is closed; open it again.")
        return self._content


class _Write:
    """Bytes written at a position, or the file cut there."""

    __slots__ = ("cut", "data", "position")

    def __init__(self, position: int, data: bytes, cut: bool = False) -> None:
        self.position = position
        self.data = data
        self.cut = cut

    def apply(self, data: bytearray) -> None:
        if len(data) < self.position:
            data.extend(bytes(self.position - len(data)))  # what should stand before it was lost
        if self.cut:
            del data[self.position :]
        else:
            data[self.position : self.position + len(self.data)] = self.data

    def tear(self, sectors: int) -> _Write:
        """Only its first sectors."""
        return self if self.cut else _Write(self.position, self.data[: sectors * SECTOR])

    def sectors(self) -> list[_Write]:
        """One write a sector."""
        if self.cut:
            return [self]
        return [_Write(self.position + i, self.data[i : i + SECTOR]) for i in range(0, len(self.data), SECTOR)]


class _Content:
    """The bytes of a file as programs see them, as the disk has them, and what lies between."""

    __slots__ = ("data", "kept", "lost", "pending", "writes")

    def __init__(self, kept: bytes = b"") -> None:
        self.data = bytearray(kept)
        self.kept = bytearray(kept)
        self.pending: list[_Write] = []
        self.writes = 0
        self.lost = False

    def write(self, write: _Write) -> None:
        write.apply(self.data)
        self.pending.append(write)
        self.writes += 1

    def survivor(self) -> _Content:
        """What is found after the loss of power; handles of before see this one no more."""
        self.lost = True
        return _Content(bytes(self.kept))


class _Node:
    """What a name stands for: a file's content, or a directory (None)."""

    __slots__ = ("content",)

    def __init__(self, content: _Content | None) -> None:
        self.content = content


class _NameChange:
    """Names that change together: what each stands for afterwards, None where it is gone."""

    __slots__ = ("names",)

    def __init__(self, names: dict[str, _Node | None]) -> None:
        self.names = names

    def apply(self, names: dict[str, _Node]) -> None:
        for name, node in self.names.items():
            if node is None:
                names.pop(name, None)
            else:
                names[name] = node


def _parent(path: str) -> str:
    return path.rpartition("/")[0]
