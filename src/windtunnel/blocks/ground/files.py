"""A disk as one small interface: what the log, the write-ahead log and the chunk store write through.

The idea is LevelDB's `Env`: storage code that names the disk's promises can be run on a disk that keeps only those.
The promises are few, and weaker than most programs assume (Pillai et al., *All File Systems Are Not Created Equal*,
OSDI 2014):

- Bytes that were written are on the disk only after `fsync` of their file has returned. Before that a crash may keep
  all, none, or some sectors of them, in any order.
- A name that was created, renamed or removed is on the disk only after `fsync_dir` of the directory that holds it.
  `fsync` of a new file does not save its name.
- `rename` over an existing name is atomic: after a crash the name means the old file or the new one, never neither.
- An `fsync` that failed has lost the bytes for good; calling it again proves nothing (Rebello et al., *Can
  Applications Recover from fsync Failures?*, USENIX ATC 2020). Close the file and recover from what can be read.

Paths are relative to the root, with `/` between their parts, on every system; the root itself is `""`.
"""

from __future__ import annotations

import os
import posixpath
import sys
from contextlib import suppress
from pathlib import Path
from typing import Protocol, runtime_checkable
from weakref import WeakSet

from windtunnel.blocks.ground.block import Live
from windtunnel.here import simulated_disk

if sys.platform == "win32":  # not `os.name`, which type checkers do not follow
    import msvcrt
else:
    import fcntl


class InUse(OSError):
    """Somebody else has these files open for writing; to a forked process its parent is somebody else."""

    outcome = "fail"


class File(Protocol):
    """An open file. One task or thread at a time; positions are bytes from the start."""

    @property
    def size(self) -> int:
        """Bytes in the file, written or appended, synced or not."""

    def append(self, data: bytes | bytearray | memoryview) -> int:
        """Write `data` at the end and return the position where it begins. A failure leaves `size` as it was."""

    def write_at(self, position: int, data: bytes | bytearray | memoryview) -> None:
        """Write over what stands at `position`; may reach past the end, but not begin there (`ValueError`)."""

    def read_at(self, position: int, size: int) -> bytes:
        """Up to `size` bytes from `position`; fewer only at the end of the file."""

    def truncate(self, size: int) -> None:
        """Cut the file to its first `size` bytes (`ValueError` if it is shorter)."""

    def fsync(self) -> None:
        """Return once all bytes so far are on the disk."""

    def close(self) -> None:
        """Give the file back. Syncs nothing; may be called twice."""


class Files(Protocol):
    """A directory tree on a disk. A missing path raises `FileNotFoundError`."""

    def open(self, path: str, *, create: bool = False) -> File:
        """Open for reading and writing; `create` makes an empty file if there is none."""

    def exists(self, path: str) -> bool:
        """Whether there is a file or directory of this name."""

    def listdir(self, path: str = "") -> list[str]:
        """The names in a directory, sorted."""

    def makedirs(self, path: str) -> None:
        """Make the directory and its parents; one that exists already is fine."""

    def rename(self, old: str, new: str) -> None:
        """Give the file a new name, atomically taking the place of a file that has it."""

    def remove(self, path: str) -> None:
        """Remove a file. Handles that are open go on reading it."""

    def fsync_dir(self, path: str = "") -> None:
        """Return once all names made, changed or removed in this directory are on the disk."""


class Lock(Protocol):
    """What is ours alone until `close`, or until this process ends. A process that is forked off does not have it."""

    def check(self) -> None:
        """Raise `InUse` unless this process is the one that took it: to be called before each write."""

    def close(self) -> None:
        """Let others have it. May be called twice."""


@runtime_checkable
class SharedFiles(Protocol):
    """A disk that several processes can reach, and that can keep them apart. A simulated one has one user."""

    def lock(self, path: str) -> Lock:
        """Take the lock of this name, or raise `InUse`."""


def take(files: Files, path: str) -> Lock | None:
    """The lock of what has one writer; `None` on a disk that has one user anyway."""
    return files.lock(path) if isinstance(files, SharedFiles) else None


def check(lock: Lock | None) -> None:
    """Raise `InUse` in a process that was forked off from the one that took the lock; `None` has one user anyway."""
    if lock is not None:
        lock.check()


def read_whole(files: Files, path: str) -> bytes:
    """All bytes of one file."""
    file = files.open(path)
    try:
        return file.read_at(0, file.size)
    finally:
        file.close()


def replace_whole(files: Files, path: str, data: bytes) -> None:
    """Make `data` the content of `path`, durably: after a crash it holds the old bytes or the new, whole.

    Writes `path.new` first; one that an earlier crash left behind is overwritten, and where the disk refuses (it may be
    full) nothing is left of it.
    """
    temporary = path + ".new"
    file = files.open(temporary, create=True)
    try:
        file.truncate(0)
        file.append(data)
        file.fsync()
    except OSError:
        file.close()
        with suppress(OSError):
            files.remove(temporary)
        raise
    finally:
        file.close()
    files.rename(temporary, path)
    files.fsync_dir(parent(path))


def make_directory(files: Files, path: str) -> None:
    """Make a directory and sync every name on the way down, so that what is synced inside it cannot vanish with it."""
    files.makedirs(path)
    while path:
        path = parent(path)
        files.fsync_dir(path)


def parent(path: str) -> str:
    """The directory that holds `path`; the root's children give `""`."""
    return path.rpartition("/")[0]


class DiskFiles:
    """The disk of this machine, below the directory `root` (made if absent).

    In the tunnel that is the disk of the host whose code makes this, with all that a crash does to it. Elsewhere calls
    block; in asyncio code give the long ones (`fsync`) to a thread. Safe for several threads, one file handle to a
    thread.
    """

    def __new__(cls, root: str | os.PathLike[str]) -> DiskFiles:
        disk = simulated_disk()
        return super().__new__(cls) if disk is None else Below(disk, str(root))  # type: ignore[return-value]  # alike

    def __init__(self, root: str | os.PathLike[str]) -> None:
        self._root = Path(root)
        self._root.mkdir(parents=True, exist_ok=True)

    def __repr__(self) -> str:
        return f"DiskFiles({str(self._root)!r})"

    def __reduce__(self) -> tuple[object, ...]:
        return DiskFiles, (str(self._root),)

    def _at(self, path: str) -> Path:
        if path.startswith("/") or ".." in path.split("/"):
            raise ValueError(f"A path must stay below the root, relative and without '..'; got {path!r}.")
        return self._root / path

    def open(self, path: str, *, create: bool = False) -> DiskFile:
        flags = os.O_RDWR | (os.O_CREAT if create else 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
        return DiskFile(os.open(self._at(path), flags, 0o644))

    def exists(self, path: str) -> bool:
        return self._at(path).exists()

    def listdir(self, path: str = "") -> list[str]:
        return sorted(os.listdir(self._at(path)))

    def makedirs(self, path: str) -> None:
        self._at(path).mkdir(parents=True, exist_ok=True)

    def rename(self, old: str, new: str) -> None:
        self._at(old).replace(self._at(new))

    def remove(self, path: str) -> None:
        self._at(path).unlink()

    def lock(self, path: str) -> DiskLock:
        """Take a lock for one writer: an empty file, which stays; the lock on it goes when its process does."""
        return DiskLock(self._at(path))

    def fsync_dir(self, path: str = "") -> None:
        if os.name == "nt":  # Windows has no call for it; NTFS journals its names
            return
        descriptor = os.open(self._at(path), os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


class Below:
    """A part of another disk: `files` as they are below the directory `root`, which is there to stay.

    As safe for threads and tasks as the disk that it is a part of.
    """

    def __init__(self, files: Files, root: str) -> None:
        self._files = files
        self._root = posixpath.normpath(f"/{root}").lstrip("/")
        make_directory(files, self._root)

    def __repr__(self) -> str:
        return f"Below({self._files!r}, {self._root!r})"

    def _at(self, path: str) -> str:
        if path.startswith("/") or ".." in path.split("/"):
            raise ValueError(f"A path must stay below the root, relative and without '..'; got {path!r}.")
        return f"{self._root}/{path}" if self._root and path else self._root or path

    def open(self, path: str, *, create: bool = False) -> File:
        return self._files.open(self._at(path), create=create)

    def exists(self, path: str) -> bool:
        return self._files.exists(self._at(path))

    def listdir(self, path: str = "") -> list[str]:
        return self._files.listdir(self._at(path))

    def makedirs(self, path: str) -> None:
        self._files.makedirs(self._at(path))

    def rename(self, old: str, new: str) -> None:
        self._files.rename(self._at(old), self._at(new))

    def remove(self, path: str) -> None:
        self._files.remove(self._at(path))

    def fsync_dir(self, path: str = "") -> None:
        self._files.fsync_dir(self._at(path))


class DiskLock:
    """A lock of `DiskFiles`; given back at the latest when nobody refers to it any more.

    For one thread. A process that is forked off does not hold it: its copy of the descriptor is closed at once, or the
    lock would outlive its owner for as long as a child runs.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._pid = os.getpid()
        _LOCKS.add(self)
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o644)
        try:
            _lock(self._descriptor)
        except OSError as error:
            self.close()
            if isinstance(error, BlockingIOError | PermissionError):  # the one on POSIX, the other on Windows
                raise InUse(f"{path.parent} has a writer already; two would write over each other.") from None
            raise  # a file system without locks

    def check(self) -> None:
        """See `Lock`."""
        if self._pid != os.getpid():
            raise InUse(f"{self._path.parent} was opened by process {self._pid}; a forked one must open it for itself.")

    def close(self) -> None:
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            if self._pid == os.getpid():
                _unlock(descriptor)  # a child that was forked this moment may not have closed its copy yet
            os.close(descriptor)

    def __del__(self) -> None:
        with suppress(AttributeError):  # it was never opened
            self.close()

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("A lock belongs to one process and cannot be pickled or copied; open the files anew there.")


_LOCKS: WeakSet[DiskLock] = WeakSet()
"""All locks of this process, for a fork to let go of."""


def _let_go_after_fork() -> None:
    for lock in list(_LOCKS):
        with suppress(AttributeError, OSError):  # it was being opened just then
            lock.close()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_let_go_after_fork)


class DiskFile(Live):
    """A file of `DiskFiles`. Keeps its own size, so that an append that failed half-way is written over.

    One thread may `fsync` or read while another writes; two may not write.
    """

    _tie = "a file that is open here"

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._size = os.fstat(descriptor).st_size

    @property
    def size(self) -> int:
        return self._size

    def append(self, data: bytes | bytearray | memoryview) -> int:
        start = self._size
        self.write_at(start, data)
        return start

    def write_at(self, position: int, data: bytes | bytearray | memoryview) -> None:
        if not 0 <= position <= self._size:
            raise ValueError(f"Position {position} is outside of the file's {self._size} bytes.")
        left, here = memoryview(data), position
        while len(left):
            done = _write(self._descriptor, left, here)
            left, here = left[done:], here + done
        self._size = max(self._size, here)

    def read_at(self, position: int, size: int) -> bytes:
        size = max(0, min(size, self._size - position))
        data = _read(self._descriptor, size, position)
        if len(data) == size:
            return data
        parts = [data]
        while data and size > sum(map(len, parts)):
            data = _read(self._descriptor, size - sum(map(len, parts)), position + sum(map(len, parts)))
            parts.append(data)
        return b"".join(parts)

    def truncate(self, size: int) -> None:
        if not 0 <= size <= self._size:
            raise ValueError(f"Cannot cut a file of {self._size} bytes to {size}.")
        os.ftruncate(self._descriptor, size)
        self._size = size

    def fsync(self) -> None:
        os.fsync(self._descriptor)

    def close(self) -> None:
        descriptor, self._descriptor = self._descriptor, -1  # a number that is used again must not be read by mistake
        if descriptor >= 0:
            os.close(descriptor)


if sys.platform == "win32":

    def _lock(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

    def _unlock(descriptor: int) -> None:
        with suppress(OSError):  # it was never taken
            msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)

else:

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _unlock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_UN)


if hasattr(os, "pwrite"):

    def _write(descriptor: int, data: memoryview, position: int) -> int:
        return os.pwrite(descriptor, data, position)

    def _read(descriptor: int, size: int, position: int) -> bytes:
        return os.pread(descriptor, size, position)

else:  # Windows

    def _write(descriptor: int, data: memoryview, position: int) -> int:
        os.lseek(descriptor, position, os.SEEK_SET)
        return os.write(descriptor, data)

    def _read(descriptor: int, size: int, position: int) -> bytes:
        os.lseek(descriptor, position, os.SEEK_SET)
        return os.read(descriptor, size)
