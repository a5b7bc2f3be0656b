"""A disk in memory that keeps only what it promised, and can lose power at any operation.

It offers the interface of `blocks.ground.files` and nothing more than its promises: bytes without `fsync` and
names without `fsync_dir` survive a crash as the dice fall. Operations that change the disk are numbered from 1; with
`crash_at=n` the n-th raises `Crashed`, and so does every later one, as for a process that lost its machine.
`restarted(random)` is what the next boot finds.

>>> disk = TornDisk(crash_at=3)
>>> file = disk.open("a", create=True)      # 1
>>> file.append(b"some bytes")              # 2
0
>>> file.fsync()                            # 3
Traceback (most recent call last):
...
torn_disk.Crashed: operation 3
>>> later = disk.restarted(Random(1))       # "a" may be absent, empty, torn or whole
"""

from __future__ import annotations

import errno
from dataclasses import dataclass, field
from random import Random

from windtunnel.blocks.ground.files import parent

SECTOR = 512
"""Bytes that a disk writes whole or not at all."""


class Crashed(BaseException):
    """The machine has lost power. Not an `Exception`: code that lives on after it would be a mistake."""


@dataclass
class Inode:
    """A file's bytes: as the program sees them, as the disk has them, and the changes between the two."""

    data: bytearray = field(default_factory=bytearray)
    durable: bytes = b""
    pending: list[tuple[int, bytes | None]] = field(default_factory=list)
    """(position, bytes) of a write, (size, None) of a truncation, since the last `fsync`."""


@dataclass(frozen=True)
class Rename:
    """A change of names that is not yet on the disk: creation (no `old`), removal (no `new`) or rename."""

    old: str | None
    new: str | None
    inode: Inode | None
    """The file that `new` shall mean; `None` for a directory."""

    @property
    def directories(self) -> frozenset[str]:
        return frozenset(parent(path) for path in (self.old, self.new) if path is not None)


class TornDisk:
    """Files in memory; see the module. `error_at=n` lets the n-th operation fail with EIO instead of crashing.

    After an `fsync` that failed, the bytes can still be read and will never reach the disk, as on Linux.
    """

    def __init__(self, crash_at: int | None = None, error_at: int | None = None) -> None:
        self.operations = 0
        self.crash_at = crash_at
        self.error_at = error_at
        self.names: dict[str, Inode | None] = {"": None}
        self.durable_names: dict[str, Inode | None] = {"": None}
        self.pending: list[Rename] = []

    # What the code under test calls.

    def open(self, path: str, *, create: bool = False) -> TornFile:
        self.alive()
        if path not in self.names:
            if not create:
                raise FileNotFoundError(errno.ENOENT, "no such file", path)
            if parent(path) not in self.names:
                raise FileNotFoundError(errno.ENOENT, "no such directory", parent(path))
            inode = Inode()
            self._begin()
            self._change(Rename(None, path, inode))
            self._end()
        found = self.names[path]
        if found is None:
            raise IsADirectoryError(errno.EISDIR, "a directory", path)
        return TornFile(self, found)

    def exists(self, path: str) -> bool:
        self.alive()
        return path in self.names

    def listdir(self, path: str = "") -> list[str]:
        self.alive()
        if path not in self.names:
            raise FileNotFoundError(errno.ENOENT, "no such directory", path)
        return sorted(name.rpartition("/")[2] for name in self.names if name and parent(name) == path)

    def makedirs(self, path: str) -> None:
        self.alive()
        parts = path.split("/")
        for depth in range(1, len(parts) + 1):
            name = "/".join(parts[:depth])
            if name not in self.names:
                self._begin()
                self._change(Rename(None, name, None))
                self._end()

    def rename(self, old: str, new: str) -> None:
        self.alive()
        if old not in self.names or parent(new) not in self.names:
            raise FileNotFoundError(errno.ENOENT, "no such file", old)
        inode = self.names[old]
        assert inode is not None, "only files are renamed here"
        self._begin()
        self._change(Rename(old, new, inode))
        self._end()

    def remove(self, path: str) -> None:
        self.alive()
        if path not in self.names:
            raise FileNotFoundError(errno.ENOENT, "no such file", path)
        self._begin()
        self._change(Rename(path, None, None))
        self._end()

    def fsync_dir(self, path: str = "") -> None:
        """Makes durable what happened in this directory, and what that rests on, but nothing else."""
        self.alive()
        self._begin()
        self._end()
        reached, kept = {path}, []
        for change in reversed(self.pending):
            if change.directories & reached:
                reached |= change.directories
                kept.append(change)
        self.pending = [change for change in self.pending if change not in kept]
        for change in reversed(kept):
            apply(change, self.durable_names)

    # The machinery.

    def alive(self) -> None:
        if self.crash_at is not None and self.operations >= self.crash_at:
            raise Crashed(f"operation {self.operations}")

    def _begin(self) -> None:
        """Count an operation; an error comes before its effect."""
        self.operations += 1
        if self.operations == self.error_at:
            raise OSError(errno.EIO, "injected")

    def _end(self) -> None:
        """A crash comes when the effect is under way: written, not yet safe."""
        self.alive()

    def _change(self, change: Rename) -> None:
        apply(change, self.names)
        self.pending.append(change)

    def restarted(self, random: Random) -> TornDisk:
        """The disk as the next boot finds it: what was synced, and of the rest what the dice leave."""
        names = dict(self.durable_names)
        lost: frozenset[str] = (
            frozenset()
        )  # a journal keeps the order: after a lost change, no later one of its directory
        stop = random.choice((0.0, 0.2, 1.0))
        for change in self.pending:
            if change.directories & lost or random.random() < stop:
                lost |= change.directories
            else:
                apply(change, names)
        later = TornDisk()
        for name in sorted(names):
            if name and parent(name) not in later.names:
                continue  # its directory did not make it
            inode = names[name]
            if inode is not None:
                found = survived(inode, random)
                inode = Inode(bytearray(found), found)
            later.names[name] = inode
        later.durable_names = dict(later.names)
        return later


class TornFile:
    """A file of `TornDisk`."""

    def __init__(self, disk: TornDisk, inode: Inode) -> None:
        self._disk = disk
        self._inode = inode

    @property
    def size(self) -> int:
        self._disk.alive()
        return len(self._inode.data)

    def append(self, data: bytes | bytearray | memoryview) -> int:
        start = self.size
        self.write_at(start, data)
        return start

    def write_at(self, position: int, data: bytes | bytearray | memoryview) -> None:
        if not 0 <= position <= self.size:
            raise ValueError(f"Position {position} is outside of the file's {self.size} bytes.")
        self._disk._begin()
        whole = bytes(data)
        self._inode.data[position : position + len(whole)] = whole
        self._inode.pending.append((position, whole))
        self._disk._end()

    def read_at(self, position: int, size: int) -> bytes:
        self._disk.alive()
        return bytes(self._inode.data[position : position + max(0, size)])

    def truncate(self, size: int) -> None:
        if not 0 <= size <= self.size:
            raise ValueError(f"Cannot cut a file of {self.size} bytes to {size}.")
        self._disk._begin()
        del self._inode.data[size:]
        self._inode.pending.append((size, None))
        self._disk._end()

    def fsync(self) -> None:
        self._disk.alive()
        try:
            self._disk._begin()
        except OSError:
            self._inode.pending.clear()  # the pages are marked clean and never written
            raise
        self._disk._end()
        self._inode.durable = replay(self._inode.durable, self._inode.pending)
        self._inode.pending.clear()

    def close(self) -> None:
        pass


def apply(change: Rename, names: dict[str, Inode | None]) -> None:
    if change.old is not None:
        names.pop(change.old, None)
    if change.new is not None:
        names[change.new] = change.inode


def replay(durable: bytes, changes: list[tuple[int, bytes | None]]) -> bytes:
    """The file after these changes; a gap that a lost change left is zeros."""
    data = bytearray(durable)
    for position, written in changes:
        data += bytes(max(0, position - len(data)))
        if written is None:
            del data[position:]
        else:
            data[position : position + len(written)] = written
    return bytes(data)


def survived(inode: Inode, random: Random) -> bytes:
    """What a crash leaves of a file: all, nothing, a torn prefix, or scattered sectors among zeros or rubbish."""
    if not inode.pending:
        return inode.durable
    fate = random.choice(("nothing", "everything", "prefix", "prefix", "sectors", "sectors"))
    if fate == "nothing":
        return inode.durable
    if fate == "everything":
        return replay(inode.durable, inode.pending)
    last = random.randrange(len(inode.pending))
    if fate == "prefix":
        position, written = inode.pending[last]
        torn = written if written is None else written[: random.randrange(len(written) + 1)]
        return replay(inode.durable, [*inode.pending[:last], (position, torn)])
    rubbish = random.random() < 0.5
    changes: list[tuple[int, bytes | None]] = []
    for position, written in inode.pending[: last + 1]:
        if written is None:
            changes.append((position, None))
            continue
        start = position
        while start < position + len(written):  # sectors of the disk, not of the write
            end = min((start // SECTOR + 1) * SECTOR, position + len(written))
            piece = written[start - position : end - position]
            if random.random() < 0.5:
                changes.append((start, piece))
            elif rubbish and start >= len(inode.durable):
                changes.append((start, random.randbytes(len(piece))))
            start = end
    return replay(inode.durable, changes)
